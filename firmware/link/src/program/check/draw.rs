//! The check of draws: their constants, their labels, and that no two decks lie in the same cells.

use core::ops::Range;

use super::{CheckError, DrawFlaw, RowFlaw, flawed};
use crate::limits::{MAX_DECK_CELLS, MAX_LABELS};
use crate::program::rows::{Draw, DrawKind};
use crate::program::{Program, Table};

/// 1 in the fixed-point fraction of an exponential draw.
const WHOLE: i64 = 1 << 32;

pub(super) fn draws(program: &Program<'_>) -> Result<(), CheckError> {
    for (row, words) in program.table(Table::Draws).chunks(Table::Draws.row_words()).enumerate() {
        // The raw byte: reading the row makes a known kind of any number.
        let [kind, ..] = words.first().copied().unwrap_or(0).to_le_bytes();
        let draw = program.draw(row);
        let sound = if kind > DrawKind::Deck as u8 {
            Err(DrawFlaw::Kind(kind))
        } else if draw.variable.index() >= program.rows(Table::Variables) {
            Err(DrawFlaw::Variable(draw.variable))
        } else {
            constants(program, &draw).and_then(|()| cells(program, row, &draw))
        };
        sound.map_err(|flaw| flawed(Table::Draws, row, RowFlaw::Draw(flaw)))?;
    }
    Ok(())
}

fn constants(program: &Program<'_>, draw: &Draw) -> Result<(), DrawFlaw> {
    let labels = usize::from(draw.labels);
    if matches!(draw.kind, DrawKind::Weighted | DrawKind::Deck) && !(1..=MAX_LABELS).contains(&labels) {
        return Err(DrawFlaw::Labels(draw.labels));
    }
    let needed = match draw.kind {
        DrawKind::Chance | DrawKind::Uniform | DrawKind::Weighted => 0,
        DrawKind::Exponential => 4,
        DrawKind::Normal => 2,
        DrawKind::Deck => labels,
    };
    let first = usize::from(draw.constants);
    if needed > 0 && first + needed > program.rows(Table::Constants) {
        return Err(DrawFlaw::Constants);
    }
    let value = |n: usize| program.constant(first + n);
    let sound = match draw.kind {
        DrawKind::Chance | DrawKind::Uniform | DrawKind::Weighted => true,
        DrawKind::Exponential => value(0) > 0 && (0..=WHOLE).contains(&value(1)) && value(2) <= value(3),
        DrawKind::Normal => value(0) <= value(1),
        DrawKind::Deck => {
            let counts = (0..labels).map(value);
            counts.clone().all(|count| (0..=i64::from(u16::MAX)).contains(&count)) && counts.sum::<i64>() > 0
        }
    };
    if sound { Ok(()) } else { Err(DrawFlaw::Values) }
}

/// The cells of a deck; none for any other draw.
fn cells_of(draw: &Draw) -> Range<usize> {
    let first = usize::from(draw.cells);
    if draw.kind == DrawKind::Deck { first..first + usize::from(draw.labels) + 2 } else { 0..0 }
}

fn cells(program: &Program<'_>, row: usize, draw: &Draw) -> Result<(), DrawFlaw> {
    let own = cells_of(draw);
    if own.end > MAX_DECK_CELLS {
        return Err(DrawFlaw::Cells);
    }
    let shared = (0..row).find(|other| {
        let theirs = cells_of(&program.draw(*other));
        theirs.start < own.end && own.start < theirs.end
    });
    shared.map_or(Ok(()), |other| Err(DrawFlaw::SharedCells(other as u8)))
}
