//! One detector: whether what it looks for is there, sample by sample.

use link::rig::Pattern;
use link::{LineId, Micros};

/// A detector and what it remembers.
#[derive(Debug)]
pub(crate) struct Detector {
    line: LineId,
    source: LineId,
    looks_for: Pattern,
    /// Whether it was found.
    active: bool,
    /// Of a [`Pattern::Band`]: whether the value is within.
    within: bool,
    /// Of a [`Pattern::Still`]: the value that came to rest, and when.
    rest: Option<(i32, Micros)>,
}

impl Detector {
    pub(crate) const fn new(line: LineId, source: LineId, looks_for: Pattern) -> Self {
        let mut new = Self { line, source, looks_for, active: false, within: false, rest: None };
        new.begin();
        new
    }

    pub(crate) const fn line(&self) -> LineId {
        self.line
    }

    pub(crate) const fn source(&self) -> LineId {
        self.source
    }

    /// Nothing was seen yet.
    pub(crate) const fn begin(&mut self) {
        self.active = false;
        self.rest = None;
        // Where the first sample leaves it open, it is not found.
        self.within = matches!(self.looks_for, Pattern::Band { inside: false, .. });
    }

    /// Looks at a sample, `ago` being those before it: whether it is found (true) or lost with this one.
    pub(crate) fn sampled(&mut self, at: Micros, raw: i32, ago: impl Fn(usize) -> Option<i32>) -> Option<bool> {
        let active = match self.looks_for {
            Pattern::Band { inner, outer, inside } => {
                let (low, high) = if self.within { outer } else { inner };
                self.within = (low..=high).contains(&raw);
                self.within == inside
            }
            Pattern::Still { within, for_us } => match self.rest {
                Some((rest, since)) if raw.abs_diff(rest) <= within.unsigned_abs() => {
                    at.saturating_sub(since) >= Micros::from(for_us)
                }
                _ => {
                    self.rest = Some((raw, at));
                    false
                }
            },
            Pattern::Change { by, until, samples } => ago(samples.into()).is_some_and(|before| {
                let far = raw.abs_diff(before);
                if self.active { far > until.unsigned_abs() } else { far >= by.unsigned_abs() }
            }),
        };
        let changed = active != self.active;
        self.active = active;
        changed.then_some(active)
    }
}
