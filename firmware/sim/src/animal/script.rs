//! An animal that does what a list says, at times counted from its entry.

use std::collections::VecDeque;

use link::{LineId, Micros};

use super::{Act, Animal, To};

/// One line of a script: at `at_us` after the session's start, move a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// µs after the animal entered.
    pub at_us: u64,
    /// What it does.
    pub act: Act,
}

impl Tap {
    /// Moves `line` at `at_us`.
    #[must_use]
    pub const fn new(at_us: u64, line: LineId, active: bool) -> Self {
        Self { at_us, act: Act { line, to: To::Active(active) } }
    }

    /// Moves a sampled line to `raw`, beginning at `at_us` and arriving `over_us` later.
    #[must_use]
    pub const fn travel(at_us: u64, line: LineId, raw: i32, over_us: u64) -> Self {
        Self { at_us, act: Act { line, to: To::Raw { raw, over_us } } }
    }
}

/// An animal that does what a list says.
#[derive(Debug, Clone)]
pub struct Scripted {
    taps: VecDeque<Tap>,
    entered: Option<Micros>,
}

impl Scripted {
    /// An animal with this list, in any order.
    #[must_use]
    pub fn new(mut taps: Vec<Tap>) -> Self {
        taps.sort_by_key(|tap| tap.at_us);
        Self { taps: taps.into(), entered: None }
    }
}

impl Animal for Scripted {
    fn enter(&mut self, now: Micros) {
        self.entered = Some(now);
    }

    fn sense(&mut self, _: Micros, _: LineId, _: bool) {}

    fn next_at(&self) -> Option<Micros> {
        Some(self.entered? + self.taps.front()?.at_us)
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        if self.next_at()? <= now { self.taps.pop_front().map(|tap| tap.act) } else { None }
    }
}
