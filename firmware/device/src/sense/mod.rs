//! Lines that are sampled: P0 counts what encoders turn, P1 takes the samples, puts them into blocks and lets detectors look
//! at them. Knows no converter: a body hands it raw values.

pub(crate) mod encoders;

use heapless::Vec;
use link::limits::{MAX_DETECTORS, MAX_SAMPLED};
use link::rig::{RigLine, Role};
use link::samples::BlockWriter;
use link::{LineId, Micros, Record};
use sense::Detectors;

use encoders::Counts;

/// A sample taken up to this part of the period after it was due stands for the time it was due; one that is later has a
/// time of its own.
const ON_TIME: Micros = 8;

/// Edges one sample may lead to.
pub(crate) type Edges = Vec<(LineId, bool), MAX_DETECTORS>;

/// Where a line's samples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Pin(u8),
    /// The encoder with this place among them, and where it stood when the session began.
    Encoder {
        place: usize,
        zero: i32,
    },
}

/// A sampled line.
#[derive(Debug)]
struct Sampled {
    line: LineId,
    from: From,
    block: BlockWriter,
    /// The time of the sample put into the block last.
    last: Micros,
}

/// The samples of P1.
#[derive(Debug)]
pub(crate) struct Sampler<'s> {
    period_us: Micros,
    /// When the next samples are due; of no meaning without a line.
    due: Micros,
    lines: Vec<Sampled, MAX_SAMPLED>,
    detectors: Detectors,
    counts: &'s Counts,
}

impl<'s> Sampler<'s> {
    pub(crate) const fn new(counts: &'s Counts) -> Self {
        Self { period_us: 1, due: 0, lines: Vec::new(), detectors: Detectors::new(), counts }
    }

    /// Forgets every line; those that follow are sampled with this period.
    pub(crate) fn clear(&mut self, period_us: u32) {
        self.period_us = Micros::from(period_us.max(1));
        self.lines.clear();
        self.detectors.clear();
    }

    /// Adds a line of the rig, if it is one that is sampled or a detector. The rig was checked: there is room for it.
    pub(crate) fn add(&mut self, line: LineId, what: &RigLine) {
        self.detectors.add(line, what);
        let encoders = self.lines.iter().filter(|sampled| matches!(sampled.from, From::Encoder { .. })).count();
        let from = match what.role {
            Role::Analog => From::Pin(what.pin),
            Role::Encoder { .. } => From::Encoder { place: encoders, zero: 0 },
            Role::Input { .. } | Role::Output { .. } | Role::Detector { .. } => return,
        };
        let _ = self.lines.push(Sampled { line, from, block: BlockWriter::new(), last: 0 });
    }

    /// A session begins at `at`: the first samples are due a period later.
    pub(crate) fn begin(&mut self, at: Micros) {
        self.due = at.saturating_add(self.period_us);
        self.detectors.begin();
        for sampled in &mut self.lines {
            sampled.block = BlockWriter::new();
            if let From::Encoder { place, zero } = &mut sampled.from {
                *zero = self.counts.read(*place);
            }
        }
    }

    /// When the next samples are due; none if no line is sampled.
    #[inline]
    pub(crate) fn due(&self) -> Option<Micros> {
        (!self.lines.is_empty()).then_some(self.due)
    }

    /// When the next samples may lead to an edge; none if no detector looks at them.
    #[inline]
    pub(crate) fn may_find_at(&self) -> Option<Micros> {
        self.due().filter(|_| self.detectors.any())
    }

    /// How many lines are sampled.
    pub(crate) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The samples of all lines are taken at `now`: the time they have. Those to come keep to the grid, unless a whole period
    /// was missed: then it begins anew.
    pub(crate) fn stamp(&mut self, now: Micros) -> Micros {
        let (due, late) = (self.due, now.saturating_sub(self.due));
        let from = if late < self.period_us { due } else { now };
        self.due = from.saturating_add(self.period_us);
        if late <= self.period_us / ON_TIME { due } else { now }
    }

    /// Samples the line with this place, at `at`, a time given by [`Sampler::stamp`]. Writes blocks that are full or broken,
    /// each with the time of its last sample; what its detectors found is put into `edges`.
    pub(crate) fn sample(
        &mut self,
        place: usize,
        at: Micros,
        read: &mut impl FnMut(u8) -> u16,
        edges: &mut Edges,
        mut write: impl FnMut(Micros, Record),
    ) {
        let Some(sampled) = self.lines.get_mut(place) else { return };
        let raw = match sampled.from {
            From::Pin(pin) => i32::from(read(pin)),
            From::Encoder { place, zero } => self.counts.read(place).wrapping_sub(zero),
        };
        if at != sampled.last.saturating_add(self.period_us) {
            sampled.flush(&mut write);
        }
        if !sampled.block.push(raw) {
            sampled.flush(&mut write);
            sampled.block.push(raw);
        }
        sampled.last = at;
        edges.clear();
        self.detectors.sampled(at, sampled.line, raw, |line, active| {
            // There is room: no rig has more detectors.
            let _ = edges.push((line, active));
        });
        if !edges.is_empty() {
            sampled.flush(&mut write);
        }
    }

    /// Writes what is left in the blocks.
    pub(crate) fn flush(&mut self, mut write: impl FnMut(Micros, Record)) {
        for sampled in &mut self.lines {
            sampled.flush(&mut write);
        }
    }
}

impl Sampled {
    fn flush(&mut self, write: &mut impl FnMut(Micros, Record)) {
        if let Some(block) = self.block.take() {
            write(self.last, Record::Samples { line: self.line, block });
        }
    }
}
