//! Animals: what may sit in the simulated box. An animal hears and tastes what outputs do and moves inputs; it knows
//! lines by their kind, never the protocol.

mod rat;
mod script;

pub use rat::Rat;
pub use script::{Scripted, Tap};

use link::{LineId, Micros};

/// What an animal does: a line it moves, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Which input.
    pub line: LineId,
    /// To active (a lever pressed, a spout touched) or away from it.
    pub active: bool,
}

/// An animal.
pub trait Animal {
    /// It is put into the box at the beginning of a session.
    fn enter(&mut self, now: Micros);

    /// An output of the box changes before it.
    fn sense(&mut self, now: Micros, line: LineId, on: bool);

    /// When it next does something of its own accord.
    fn next_at(&self) -> Option<Micros>;

    /// What it does at `now`, which is `next_at`, if anything.
    fn act(&mut self, now: Micros) -> Option<Act>;
}

/// The lines an animal may meet, by kind; the first of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Something to pull or press.
    pub lever: Option<LineId>,
    /// A spout to lick at.
    pub spout: Option<LineId>,
    /// The valve that wets it.
    pub water: Option<LineId>,
    /// Something to hear.
    pub cue: Option<LineId>,
    /// A light guide in the brain.
    pub laser: Option<LineId>,
}
