//! What is read back of outputs, against what they were commanded. P1's: it hears of the edges of both, by inputs and by
//! detectors. Owns when the two have differed for too long; what follows from that stands in P1.

use heapless::Vec;
use link::limits::MAX_SENSES;
use link::rig::Sense;
use link::{LineId, Micros};

/// Two lines that should agree.
#[derive(Debug, Clone, Copy)]
struct Pair {
    sense: Sense,
    commanded: bool,
    seen: bool,
    /// When they will have differed for too long; [`Micros::MAX`] while they agree, or once that was told.
    due: Micros,
}

/// All senses of the rig.
#[derive(Debug)]
pub(crate) struct Readback {
    pairs: Vec<Pair, MAX_SENSES>,
    /// Their lines, of either kind.
    watched: u32,
    /// The earliest of what is due.
    next: Micros,
}

impl Readback {
    pub(crate) const fn new() -> Self {
        Self { pairs: Vec::new(), watched: 0, next: Micros::MAX }
    }

    pub(crate) fn clear(&mut self) {
        self.pairs.clear();
        (self.watched, self.next) = (0, Micros::MAX);
    }

    /// Adds a sense of the rig, which has no more of them than there is room for.
    pub(crate) fn add(&mut self, sense: Sense) {
        if self.pairs.push(Pair { sense, commanded: false, seen: false, due: Micros::MAX }).is_ok() {
            self.watched |= sense.output.bit() | sense.input.bit();
        }
    }

    /// A session begins at `at`: every output is off, inputs have these levels, detectors see nothing yet.
    pub(crate) fn begin(&mut self, at: Micros, levels: u32) {
        for pair in &mut self.pairs {
            (pair.commanded, pair.seen) = (false, levels & pair.sense.input.bit() != 0);
            pair.compare(at);
        }
        self.look();
    }

    /// A line changed at `at`: an output as commanded, or an input.
    #[inline(always)]
    pub(crate) fn changed(&mut self, at: Micros, line: LineId, active: bool) {
        if self.watched & line.bit() != 0 {
            self.compare(at, line, active);
        }
    }

    #[inline(never)]
    fn compare(&mut self, at: Micros, line: LineId, active: bool) {
        for pair in &mut self.pairs {
            if pair.sense.output == line {
                pair.commanded = active;
            } else if pair.sense.input == line {
                pair.seen = active;
            } else {
                continue;
            }
            pair.compare(at);
        }
        self.look();
    }

    fn look(&mut self) {
        self.next = self.pairs.iter().fold(Micros::MAX, |next, pair| next.min(pair.due));
    }

    /// When [`Readback::take_differing`] may have something to tell; [`Micros::MAX`] is never.
    #[inline(always)]
    pub(crate) fn next_due(&self) -> Micros {
        self.next
    }

    /// A pair that has differed for too long at `closed`, up to which every edge is known: since when it is too long, which it
    /// is, and what its output was commanded. Each time they differ is told once.
    pub(crate) fn take_differing(&mut self, closed: Micros) -> Option<(Micros, Sense, bool)> {
        let pair = self.pairs.iter_mut().find(|pair| pair.due <= closed)?;
        let told = (core::mem::replace(&mut pair.due, Micros::MAX), pair.sense, pair.commanded);
        self.look();
        Some(told)
    }
}

impl Pair {
    fn compare(&mut self, at: Micros) {
        let differ = self.commanded != self.seen;
        self.due = if differ { at.saturating_add(Micros::from(self.sense.within_us)) } else { Micros::MAX };
    }
}
