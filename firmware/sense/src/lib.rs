//! What is looked for in the samples of a line: samples go in, edges of detectors come out. The device runs it where the
//! lines are sampled; replay runs it again on the samples a journal keeps, and must get the same edges.
//!
//! Whole numbers only, and nothing depends on anything but the samples and their times. Knows no pin, no unit and no
//! program: what a raw value means, the compiler knows.

#![no_std]

#[cfg(test)]
extern crate std;

mod detector;

use detector::Detector;
use heapless::Vec;
use link::limits::{MAX_DETECTORS, MAX_SAMPLED, MAX_WINDOW};
use link::rig::{RigLine, Role};
use link::samples::SampleBlock;
use link::{LineId, Micros};

/// The detectors of a rig and what they remember.
#[derive(Debug)]
pub struct Detectors {
    histories: Vec<History, MAX_SAMPLED>,
    detectors: Vec<Detector, MAX_DETECTORS>,
}

/// The last samples of one line.
#[derive(Debug)]
struct History {
    line: LineId,
    raws: [i32; MAX_WINDOW],
    /// Where the next sample goes: over the oldest.
    next: usize,
    /// How many samples there are to look back on.
    held: usize,
}

impl History {
    /// The sample `back` before the one that comes next; none if there was none yet.
    fn ago(&self, back: usize) -> Option<i32> {
        if back == 0 || back > self.held {
            return None;
        }
        let place = if back <= self.next { self.next - back } else { self.next + MAX_WINDOW - back };
        self.raws.get(place).copied()
    }

    fn push(&mut self, raw: i32) {
        if let Some(oldest) = self.raws.get_mut(self.next) {
            *oldest = raw;
        }
        self.next = if self.next + 1 < MAX_WINDOW { self.next + 1 } else { 0 };
        self.held = (self.held + 1).min(MAX_WINDOW);
    }
}

impl Detectors {
    /// No detectors.
    #[must_use]
    pub const fn new() -> Self {
        Self { histories: Vec::new(), detectors: Vec::new() }
    }

    /// Forgets every line.
    pub fn clear(&mut self) {
        self.histories.clear();
        self.detectors.clear();
    }

    /// Adds a line of the rig, if it is one that is sampled or a detector. False if there is no room for it.
    pub fn add(&mut self, line: LineId, what: &RigLine) -> bool {
        match what.role {
            Role::Analog | Role::Encoder { .. } => {
                self.histories.push(History { line, raws: [0; MAX_WINDOW], next: 0, held: 0 }).is_ok()
            }
            Role::Detector { source, looks_for } => self.detectors.push(Detector::new(line, source, looks_for)).is_ok(),
            Role::Input { .. } | Role::Output { .. } => true,
        }
    }

    /// Whether there is a detector at all.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.detectors.is_empty()
    }

    /// A session begins: nothing was seen yet, and nothing is found.
    pub fn begin(&mut self) {
        for history in &mut self.histories {
            (history.next, history.held) = (0, 0);
        }
        for detector in &mut self.detectors {
            detector.begin();
        }
    }

    /// A line was sampled: tells each of its detectors that found what it looks for (true) or lost it, in their order. Costs
    /// a few operations a detector, whatever they look for.
    pub fn sampled(&mut self, at: Micros, line: LineId, raw: i32, mut tell: impl FnMut(LineId, bool)) {
        let Some(history) = self.histories.iter_mut().find(|history| history.line == line) else { return };
        for detector in self.detectors.iter_mut().filter(|detector| detector.source() == line) {
            if let Some(active) = detector.sampled(at, raw, |back| history.ago(back)) {
                tell(detector.line(), active);
            }
        }
        history.push(raw);
    }
}

impl Default for Detectors {
    fn default() -> Self {
        Self::new()
    }
}

/// The samples of a block with their times: one every `period_us`, the last at `last`.
pub fn timed(last: Micros, block: &SampleBlock, period_us: u32) -> impl Iterator<Item = (Micros, i32)> {
    let period = Micros::from(period_us);
    let behind = (block.samples().count() as Micros).saturating_sub(1);
    let first = last.saturating_sub(behind.saturating_mul(period));
    block.samples().zip(0..).map(move |(raw, n): (i32, Micros)| (first.saturating_add(n.saturating_mul(period)), raw))
}
