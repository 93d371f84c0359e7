//! Animals: what may sit in the simulated box. An animal hears and tastes what outputs do and moves inputs; it knows
//! lines by their kind, never the protocol.

mod rat;
mod scope;
mod script;

pub use rat::Rat;
pub use scope::Watched;
pub use script::{Scripted, Tap};

use link::{LineId, Micros};

/// What an animal does: a line it moves, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Which input or sampled line.
    pub line: LineId,
    /// How.
    pub to: To,
}

/// Where an animal moves a line to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Of a digital input: to active (a lever pressed, a spout touched) or away from it.
    Active(bool),
    /// Of a sampled line: straight to a raw value.
    Raw {
        /// The value.
        raw: i32,
        /// How long the way takes, in µs.
        over_us: u64,
    },
}

/// How far an analog lever can be pulled, in raw values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stick {
    /// Which line.
    pub line: LineId,
    /// Where it rests.
    pub rest: i32,
    /// Where it ends.
    pub end: i32,
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
    /// Something to pull as far as one likes; it is used where there is one.
    pub stick: Option<Stick>,
    /// A spout to lick at.
    pub spout: Option<LineId>,
    /// The valve that wets it.
    pub water: Option<LineId>,
    /// Something to hear.
    pub cue: Option<LineId>,
    /// A light guide in the brain.
    pub laser: Option<LineId>,
}
