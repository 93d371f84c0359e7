//! The state machine: a program, the time and what happened go in; records come out, output requests among them.
//!
//! # Closed microseconds
//!
//! Whoever owns the clock [`Engine::offer`]s everything with its own stamp and then says up to which microsecond nothing
//! more can come ([`Engine::advance`]). The engine handles one microsecond after the other, each once and whole. What
//! comes with a stamp it has already closed is handled in the first microsecond still open, keeps its stamp, and its
//! record says how late it was.
//!
//! # Order within one microsecond
//!
//! | | what | among themselves |
//! |---|---|---|
//! | 1 | stops and trips; the word that this trial is the last | as offered; nothing after a stop is acted on, all of it is recorded |
//! | 2 | input edges | late ones first, as they happened; then by line; two of one line as they came |
//! | 3 | events from outside | late ones first, as they happened; then by number |
//! | 4 | parameters taken up | as offered |
//! | 5 | signals | as raised; from here on each is handled before the next row goes on |
//! | 6 | ends of trains | by line |
//! | 7 | timers | by number |
//! | 8 | time-outs of states | by region, innermost state first, as declared |
//! | 9 | output requests | by line; the last write to a line wins, no net change asks for nothing |
//! | 10 | the session's end | |
//!
//! Rows 6 to 8 are gone through again while something is due in this very microsecond. After each single thing handled,
//! whatever `when` now holds leads on, region by region, until none does.
//!
//! One thing handled in one region: handlers first, from the innermost state outwards, as declared, all that match; then
//! the first transition that matches, from the innermost state outwards. A transition runs what leaves its old states
//! (innermost first), its own actions, then what enters its new ones (outermost first). States that hold both ends are
//! not left. Durations are worked out after a state's entry actions and count from the microsecond handled.
//!
//! `docs/simultaneity.md` says the same to a scientist; `tests/simultaneity.rs` shows each row as a trace.
//!
//! # Reflexes
//!
//! Taking a step takes longer than an animal's rig may wait for its answer. [`Engine::prepare`] works out, while nothing
//! waits, what each edge would be answered with; [`Engine::answers`] tells it, [`Engine::harmless`] which edges make no
//! difference now and [`Engine::never_heard`] which never do, and [`Engine::answers_behind`] what holds behind the next time-out. The step itself then says the same, or
//! something is broken.
//!
//! # What is never here
//!
//! No pin, no byte, no clock, no heap, no floating point, no loop without a bound. What a program must not do ends the
//! session with a [`link::Fault`]; it never panics.

#![no_std]

#[cfg(test)]
extern crate std;

mod ahead;
mod code;
mod deck;
mod draw;
mod ears;
mod inbox;
mod machine;
mod outputs;
mod random;
mod reflex;
mod region;
mod timers;

pub use machine::Engine;
pub use reflex::REQUESTS as FORESEEN_REQUESTS_MAX;

use link::{EndReason, EventId, LineId, Micros, Record, VariableId};

/// Where the engine's records go.
pub trait Sink {
    /// Takes one record with the microsecond it belongs to. Output requests come as [`Record::Request`].
    fn record(&mut self, at: Micros, record: Record);
}

impl<F: FnMut(Micros, Record)> Sink for F {
    fn record(&mut self, at: Micros, record: Record) {
        self(at, record);
    }
}

/// How a session starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// When, in µs since boot.
    pub at: Micros,
    /// Decides every draw.
    pub seed: u64,
    /// Which input lines are active, bit *n* for line *n*.
    pub levels: u32,
    /// The program's [`link::program::Program::name`]. Whoever took the program up knows it: working it out takes longer
    /// than the engine may.
    pub program: u32,
}

/// What comes from outside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The session must end now.
    Stop(EndReason),
    /// The session must end at the next trial boundary.
    LastTrial(EndReason),
    /// An input line changed.
    Edge {
        /// Which.
        line: LineId,
        /// To active (true) or away from it.
        active: bool,
    },
    /// An event from outside the rig.
    Outside(EventId),
    /// A parameter changed by the operator.
    Parameter {
        /// Which.
        variable: VariableId,
        /// Its new value.
        value: i64,
    },
}

/// The inbox holds as much as it can ([`link::limits::MAX_INBOX`]); whoever offered must count what was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxFull;

impl core::fmt::Display for InboxFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} inputs already wait for their microsecond to close", link::limits::MAX_INBOX)
    }
}

/// A time that never comes.
const NEVER: Micros = Micros::MAX;
