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

#[cfg(test)]
mod tests {
    use super::*;
    use link::EndReason;
    use link::rig::{Pattern, RigLine};
    use link::samples::SampleBlock;

    const LEVER: LineId = LineId(0);
    const PULL: LineId = LineId(1);

    fn rig() -> Rig {
        let analog = RigLine { pin: 26, active_high: true, role: Role::Analog };
        let reach = Pattern::Band { inner: (1_000, i32::MAX), outer: (900, i32::MAX), inside: true };
        Rig {
            lines: [analog, RigLine::detector(LEVER, reach)].into_iter().collect(),
            silence_us: 250_000,
            rejoin_us: 5_000_000,
            carry_on_us: 60_000_000,
            sample_us: 1_000,
            senses: link::rig::Senses::new(),
        }
    }

    fn samples(last: Micros, raws: &[i32]) -> (Micros, Record) {
        (last, Record::Samples { line: LEVER, block: SampleBlock::of(raws) })
    }

    fn edge(at: Micros, active: bool, late_us: u32) -> (Micros, Record) {
        (at, Record::Input { line: PULL, active, late_us })
    }

    const END: Record = Record::End(EndReason::Stopped);

    fn look(records: &[(Micros, Record)]) -> Sensed {
        look_again(&rig(), (0..).zip(records).map(|(number, (at, record))| (number, *at, *record)))
    }

    /// A pull at 3 ms, its end at 6 ms.
    fn session() -> Vec<(Micros, Record)> {
        vec![
            samples(3_000, &[100, 500, 1_200]),
            edge(3_000, true, 0),
            samples(6_000, &[1_300, 950, 500]),
            edge(6_000, false, 0),
            samples(9_000, &[400, 300, 200]),
            (20_000, END),
        ]
    }

    #[test]
    fn what_the_samples_show_is_what_the_records_tell() {
        assert_eq!(look(&session()), Sensed { samples: 9, edges: 2, differing: Vec::new() });
    }

    #[test]
    fn an_edge_handled_late_is_found_at_its_own_time() {
        let mut records = session();
        records[1] = edge(3_400, true, 400);
        assert_eq!(look(&records).differing, []);
    }

    #[test]
    fn an_edge_that_was_moved_put_in_or_left_out_is_found() {
        let mut moved = session();
        moved[1] = edge(2_000, true, 0);
        let differing = look(&moved).differing;
        let found = Differing { line: PULL, recorded: Some((1, 2_000, true)), found: Some((3_000, true)) };
        assert_eq!(differing, [found]);
        let mut put_in = session();
        put_in.insert(5, edge(9_000, true, 0));
        let differing = look(&put_in).differing;
        assert_eq!(differing, [Differing { line: PULL, recorded: Some((5, 9_000, true)), found: None }]);
        let mut left_out = session();
        left_out.remove(3);
        let differing = look(&left_out).differing;
        assert_eq!(differing, [Differing { line: PULL, recorded: None, found: Some((6_000, false)) }]);
        let sentence = differing[0].to_string();
        assert!(sentence.contains("line 1 lost what it looks for at 6000 µs by its samples"), "{sentence}");
    }

    #[test]
    fn a_sample_that_was_changed_is_found() {
        let mut changed = session();
        changed[0] = samples(3_000, &[100, 500, 900]);
        let differing = look(&changed).differing;
        assert_eq!(differing[0], Differing { line: PULL, recorded: Some((1, 3_000, true)), found: None });
        assert_eq!(differing.len(), 3, "the samples show it a ms later, out of step with all that follows");
    }

    #[test]
    fn what_was_found_as_the_session_ended_need_not_have_been_handled() {
        let mut cut = session();
        cut.truncate(3);
        assert_eq!(look(&cut).differing, [], "interrupted between samples and edge");
        let mut ended = session();
        ended.truncate(3);
        ended.push((6_000, END));
        assert_eq!(look(&ended).differing, []);
        let mut lost = session();
        lost[3] = (6_000, Record::Lost { count: 1 });
        assert_eq!(look(&lost).differing, [], "the journal says itself that something is missing");
    }
}
