//! Random draws: what each kind takes off the stack, what comes out, and the odds that are recorded with it.

use link::limits::MAX_LABELS;
use link::program::Program;
use link::program::rows::{Draw, DrawKind};
use link::{DrawId, Fault, Record};

use crate::code::Stack;
use crate::deck::Decks;
use crate::random::Generator;

/// Draws row `id`; the value and its record.
pub(crate) fn draw(
    program: &Program,
    id: DrawId,
    row: &Draw,
    stack: &mut Stack,
    generator: &mut Generator,
    decks: &mut Decks,
) -> Result<(i64, Record), Fault> {
    let constant = |n: usize| program.constant(usize::from(row.constants) + n);
    let (value, odds) = match row.kind {
        DrawKind::Chance => {
            let chance = stack.pop()?;
            (i64::from(generator.chance(chance)), (chance, 1_000_000))
        }
        DrawKind::Uniform => {
            let (max, min) = (stack.pop()?, stack.pop()?);
            (generator.uniform(min, max)?, (min, max))
        }
        DrawKind::Exponential => {
            let (scale_us, inside, min, max) = (constant(0), constant(1), constant(2), constant(3));
            (generator.exponential(scale_us, inside, min, max)?, (scale_us, min))
        }
        DrawKind::Normal => {
            let (sd, mean) = (stack.pop()?, stack.pop()?);
            (generator.normal(mean, sd, constant(0), constant(1))?, (mean, sd))
        }
        DrawKind::Weighted => weighted(row, stack, generator)?,
        DrawKind::Deck => {
            let card = decks.draw(program, id.index(), row, generator)?;
            (card.label, card.odds)
        }
    };
    Ok((value, Record::Draw { draw: id, value, odds }))
}

fn weighted(row: &Draw, stack: &mut Stack, generator: &mut Generator) -> Result<(i64, (i64, i64)), Fault> {
    let mut weights = [0_i64; MAX_LABELS];
    let weights = weights.get_mut(..usize::from(row.labels)).ok_or(Fault::BadProgram)?;
    let mut total = 0_i64;
    for slot in weights.iter_mut().rev() {
        *slot = stack.pop()?;
        if *slot < 0 {
            return Err(Fault::Draw);
        }
        total = total.checked_add(*slot).ok_or(Fault::Draw)?;
    }
    let mut rest = generator.uniform(0, total - 1)?;
    for (label, weight) in weights.iter().enumerate() {
        if rest < *weight {
            return Ok((label as i64, (*weight, total)));
        }
        rest -= weight;
    }
    Err(Fault::Draw)
}
