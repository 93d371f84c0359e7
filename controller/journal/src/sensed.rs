//! Looks again for what detectors found: runs them on the samples a journal keeps and compares their edges with those it says
//! the program was given. Owns the comparison; `sense` owns what is right.

use std::collections::VecDeque;
use std::fmt;

use link::limits::MAX_LINES;
use link::rig::{Rig, Role};
use link::{LineId, Micros, Record};
use sense::{Detectors, timed};

/// What came of looking again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sensed {
    /// Samples that were looked at.
    pub samples: u64,
    /// Edges that were found again.
    pub edges: u64,
    /// Edges that were not.
    pub differing: Vec<Differing>,
}

/// An edge of a detector that its samples do not bear out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differing {
    /// The detector.
    pub line: LineId,
    /// The record that tells of the edge, when it is stamped, and whether something was found (true) or lost; none if no
    /// record does.
    pub recorded: Option<(u64, Micros, bool)>,
    /// The edge in the samples; none if there is none.
    pub found: Option<(Micros, bool)>,
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = |active| if active { "found" } else { "lost" };
        let line = self.line.0;
        match (self.recorded, self.found) {
            (Some((number, at, active)), Some((then, found))) => write!(
                f,
                "record {number}: line {line} {} what it looks for at {at} µs; by its samples it {} it at {then} µs",
                what(active),
                what(found)
            ),
            (Some((number, at, active)), None) => write!(
                f,
                "record {number}: line {line} {} what it looks for at {at} µs; its samples do not show it",
                what(active)
            ),
            (None, Some((then, found))) => {
                write!(
                    f,
                    "line {line} {} what it looks for at {then} µs by its samples; no record tells of it",
                    what(found)
                )
            }
            (None, None) => write!(f, "line {line} differs"),
        }
    }
}

/// Looks again at all samples of a session.
pub(crate) fn look_again(rig: &Rig, records: impl Iterator<Item = (u64, Micros, Record)>) -> Sensed {
    let mut detectors = Detectors::new();
    for (line, place) in rig.lines.iter().zip(0..) {
        detectors.add(LineId(place), line);
    }
    detectors.begin();
    let is_detector =
        |line: LineId| rig.lines.get(line.index()).is_some_and(|line| matches!(line.role, Role::Detector { .. }));
    let mut sensed = Sensed::default();
    let mut found: [VecDeque<(Micros, bool)>; MAX_LINES] = Default::default();
    let (mut end, mut last) = (None, 0);
    for (number, at, record) in records {
        last = at;
        match record {
            Record::Samples { line, block } => {
                for (at, raw) in timed(at, &block, rig.sample_us) {
                    sensed.samples += 1;
                    detectors.sampled(at, line, raw, |line, active| {
                        if let Some(found) = found.get_mut(line.index()) {
                            found.push_back((at, active));
                        }
                    });
                }
            }
            Record::Input { line, active, late_us } if is_detector(line) => {
                let at = at.saturating_sub(Micros::from(late_us));
                let next = found.get_mut(line.index()).and_then(VecDeque::pop_front);
                if next == Some((at, active)) {
                    sensed.edges += 1;
                } else {
                    sensed.differing.push(Differing { line, recorded: Some((number, at, active)), found: next });
                }
            }
            // What was lost may be such an edge: nothing more can be said.
            Record::Lost { .. } => return sensed,
            Record::End(_) => end = Some(at),
            _ => {}
        }
    }
    // With the session's end, or where its records end, what was found last may not have been handled any more.
    let handled = end.unwrap_or(last).saturating_sub(Micros::from(rig.sample_us));
    for (line, found) in found.into_iter().zip(0..).map(|(found, place)| (LineId(place), found)) {
        let missing = found.into_iter().filter(|(at, _)| *at < handled);
        sensed.differing.extend(missing.map(|found| Differing { line, recorded: None, found: Some(found) }));
    }
    sensed
}
