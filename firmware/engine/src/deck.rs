//! Decks: exact ratios without putting back, a bound on runs, cards spent when drawn or only by the trial that used
//! them. Owns what is left in every deck; the rows say what a full one holds.

use heapless::Vec;
use link::limits::{MAX_DECK_CELLS, MAX_DRAWS, MAX_LABELS};
use link::program::Program;
use link::program::rows::{Draw, DrawKind};
use link::{Fault, OutcomeId};

use crate::random::Generator;

#[derive(Debug)]
pub(crate) struct Decks {
    /// Per deck: what is left of each label, 1 + the label spent last, how often in a row.
    cells: [u16; MAX_DECK_CELLS],
    /// Per draw: 1 + the label that was drawn and is not spent yet.
    drawn: [u8; MAX_DRAWS],
    /// While a step is rehearsed: each place it has changed and what is not there now, in order.
    changes: Vec<(u16, u16), CHANGES>,
    /// Whether changes are kept.
    keeps: bool,
}

/// Changes one rehearsed step may make.
const CHANGES: usize = 32;
/// The place of the first draw's label among the changes.
const DRAWN: usize = MAX_DECK_CELLS;

/// A card, and the odds it had: cards like it, cards that could come.
pub(crate) struct Card {
    pub(crate) label: i64,
    pub(crate) odds: (i64, i64),
}

impl Decks {
    pub(crate) const fn new() -> Self {
        Self { cells: [0; MAX_DECK_CELLS], drawn: [0; MAX_DRAWS], changes: Vec::new(), keeps: false }
    }

    /// Every deck is new.
    pub(crate) fn clear(&mut self) {
        self.cells.fill(0);
        self.drawn.fill(0);
        self.keep_changes(false);
    }

    /// Keeps what is changed from here on, or no more.
    pub(crate) fn keep_changes(&mut self, keeps: bool) {
        self.keeps = keeps;
        if keeps {
            self.changes.clear();
        }
    }

    /// Takes the changes back.
    pub(crate) fn undo(&mut self) {
        for n in (0..self.changes.len()).rev() {
            self.exchange(n);
        }
    }

    /// Makes the changes that were taken back.
    pub(crate) fn redo(&mut self) {
        for n in 0..self.changes.len() {
            self.exchange(n);
        }
    }

    fn exchange(&mut self, n: usize) {
        let Some((place, other)) = self.changes.get_mut(n) else { return };
        let place = usize::from(*place);
        if let Some(cell) = self.cells.get_mut(place) {
            core::mem::swap(cell, other);
        } else if let Some(drawn) = self.drawn.get_mut(place.wrapping_sub(DRAWN)) {
            *other = u16::from(core::mem::replace(drawn, *other as u8));
        }
    }

    /// A change is made.
    fn note(&mut self, place: usize, before: u16) -> Result<(), Fault> {
        if self.keeps { self.changes.push((place as u16, before)).map_err(|_| Fault::BadProgram) } else { Ok(()) }
    }

    fn cell(&self, row: &Draw, index: usize) -> Result<u16, Fault> {
        self.cells.get(usize::from(row.cells) + index).copied().ok_or(Fault::BadProgram)
    }

    fn set_cell(&mut self, row: &Draw, index: usize, value: u16) -> Result<(), Fault> {
        let place = usize::from(row.cells) + index;
        let cell = self.cells.get_mut(place).ok_or(Fault::BadProgram)?;
        let before = core::mem::replace(cell, value);
        self.note(place, before)
    }

    fn set_drawn(&mut self, draw: usize, value: u8) -> Result<(), Fault> {
        let Some(drawn) = self.drawn.get_mut(draw) else { return Ok(()) };
        let before = core::mem::replace(drawn, value);
        self.note(DRAWN + draw, u16::from(before))
    }

    /// Cards of each label that may come now: those left, without the label whose run is at its bound.
    fn eligible(&self, row: &Draw) -> Result<[u16; MAX_LABELS], Fault> {
        let labels = usize::from(row.labels);
        let (last, run) = (self.cell(row, labels)?, self.cell(row, labels + 1)?);
        let mut cards = [0; MAX_LABELS];
        for (label, slot) in cards.iter_mut().enumerate().take(labels) {
            let barred = row.max_run > 0 && usize::from(last) == label + 1 && run >= u16::from(row.max_run);
            *slot = if barred { 0 } else { self.cell(row, label)? };
        }
        Ok(cards)
    }

    /// Puts a full deck on top of what is left, so that the ratio stays exact in the long run.
    fn refill(&mut self, program: &Program, row: &Draw) -> Result<(), Fault> {
        for label in 0..usize::from(row.labels) {
            let full = program.constant(usize::from(row.constants) + label);
            let full = u16::try_from(full).map_err(|_| Fault::Draw)?;
            let more = self.cell(row, label)?.checked_add(full).ok_or(Fault::Draw)?;
            self.set_cell(row, label, more)?;
        }
        Ok(())
    }

    /// Whether a full deck on top would give a card that may come; it always does where none is left.
    fn helped_by_more(&self, program: &Program, row: &Draw) -> Result<bool, Fault> {
        let labels = usize::from(row.labels);
        let last = usize::from(self.cell(row, labels)?);
        let mut empty = true;
        for label in 0..labels {
            if label + 1 != last && program.constant(usize::from(row.constants) + label) > 0 {
                return Ok(true);
            }
            empty &= self.cell(row, label)? == 0;
        }
        Ok(empty)
    }

    pub(crate) fn draw(
        &mut self,
        program: &Program,
        index: usize,
        row: &Draw,
        generator: &mut Generator,
    ) -> Result<Card, Fault> {
        let mut cards = self.eligible(row)?;
        if cards.iter().all(|count| *count == 0) && self.helped_by_more(program, row)? {
            self.refill(program, row)?;
            cards = self.eligible(row)?;
        }
        if cards.iter().all(|count| *count == 0) {
            // Nothing but the label whose run is at its bound is ever in this deck: the bound cannot be kept.
            for (label, slot) in cards.iter_mut().enumerate().take(usize::from(row.labels)) {
                *slot = self.cell(row, label)?;
            }
        }
        let total: i64 = cards.iter().map(|count| i64::from(*count)).sum();
        let mut rest = generator.uniform(0, total - 1)?;
        for (label, count) in cards.iter().enumerate() {
            let count = i64::from(*count);
            if rest < count {
                self.set_drawn(index, label as u8 + 1)?;
                if row.spend_on == Draw::AT_ONCE {
                    self.spend(index, row)?;
                }
                return Ok(Card { label: label as i64, odds: (count, total) });
            }
            rest -= count;
        }
        Err(Fault::Draw)
    }

    fn spend(&mut self, index: usize, row: &Draw) -> Result<(), Fault> {
        let drawn = self.drawn.get(index).copied().unwrap_or(0);
        if drawn == 0 {
            return Ok(());
        }
        self.set_drawn(index, 0)?;
        let labels = usize::from(row.labels);
        let left = usize::from(drawn) - 1;
        self.set_cell(row, left, self.cell(row, left)?.saturating_sub(1))?;
        let again = self.cell(row, labels)? == u16::from(drawn);
        self.set_cell(row, labels, u16::from(drawn))?;
        let run = if again { self.cell(row, labels + 1)?.saturating_add(1) } else { 1 };
        self.set_cell(row, labels + 1, run)
    }

    /// The trial's outcome is known: the cards that wait for it are spent.
    pub(crate) fn outcome(&mut self, program: &Program, outcome: OutcomeId) -> Result<(), Fault> {
        for index in 0..program.rows(link::program::Table::Draws) {
            let row = program.draw(index);
            if row.kind == DrawKind::Deck && row.spend_on == outcome {
                self.spend(index, &row)?;
            }
        }
        Ok(())
    }

    /// A trial begins: cards the last one drew and did not use go back.
    pub(crate) fn trial(&mut self) -> Result<(), Fault> {
        for draw in 0..MAX_DRAWS {
            if self.drawn.get(draw).is_some_and(|drawn| *drawn != 0) {
                self.set_drawn(draw, 0)?;
            }
        }
        Ok(())
    }
}
