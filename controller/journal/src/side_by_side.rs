//! Two sessions side by side: whether they tell the same, record by record, and if not, where they part. Made for one session
//! on two bodies, as on the simulator and on a chip. Owns what counts as the same; runs nothing.
//!
//! Times count from each session's own start. What the interlock does comes as late as a body takes, everything else has the
//! time of what led to it. Edges of outputs are compared line by line, and samples by their times: both stand in a stream
//! where they were heard of, which may be before or after what happened within the same few µs.

use std::collections::BTreeMap;
use std::fmt;

use link::{LineId, Micros, Record};

use crate::Session;

/// Records shown before and behind the one that differs.
const SHOWN: (usize, usize) = (2, 3);
/// Differences that are kept of records that lie too far apart; one that is another record ends its stream.
const KEPT: usize = 10;
/// How wide one side of a timeline is.
const SIDE: usize = 62;

/// What may differ between two sessions that are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// How far apart what the interlock did may lie, in µs.
    pub interlock_us: u32,
    /// How far apart everything else may lie, in µs: a touch is stamped within its microsecond or the next.
    pub stamp_us: u32,
    /// How many samples may have other values: a body reads the count of a wheel that turns a little later than another.
    pub samples: usize,
    /// What happens from then on is left out, in µs from the start; [`Micros::MAX`] for none. A session that a person ends
    /// ends at another time on each body.
    pub until_us: Micros,
}

impl Allowed {
    /// Everything but the interlock's within a microsecond, to the end.
    #[must_use]
    pub const fn interlock(interlock_us: u32) -> Self {
        Self { interlock_us, stamp_us: 1, samples: 0, until_us: Micros::MAX }
    }
}

/// Records with their times, in µs from the session's start.
type Told = Vec<(i64, Record)>;
/// Samples of one line.
type Sampled = Vec<(i64, i32)>;

/// Where two sessions part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is, in a sentence.
    pub what: String,
    /// When, in µs from the start of the first session.
    pub at_us: i64,
    /// What the first tells around there, with times from its start; and which of it differs.
    pub first: (Told, Option<usize>),
    /// What the second tells around there.
    pub second: (Told, Option<usize>),
}

/// Two sessions side by side.
#[derive(Debug, Clone, Default)]
pub struct SideBySide {
    /// Records in both, but for edges of outputs and samples.
    pub records: usize,
    /// Edges of outputs in both.
    pub edges: usize,
    /// How far the same record lies apart at most, in µs, later in the second being more than 0; and which.
    pub widest: Option<(i64, Record)>,
    /// The same of what the interlock did.
    pub widest_edge: Option<(i64, Record)>,
    /// Samples of analog lines and encoders in both.
    pub samples: usize,
    /// How many of them are not the same value, and when the last of those was, in µs from the start.
    pub unlike: (usize, i64),
    /// Where the two tell different things, or times lie further apart than allowed; empty if nowhere.
    pub differences: Vec<Difference>,
}

impl SideBySide {
    /// Whether the two are the same session.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    /// Where they part first, if they do.
    #[must_use]
    pub fn first_difference(&self) -> Option<&Difference> {
        self.differences.iter().min_by_key(|difference| difference.at_us)
    }

    /// Puts two streams side by side.
    fn compare(&mut self, name: &str, first: &Told, second: &Told, allowed: &Allowed) {
        let begin = first.iter().take_while(|(at, _)| !past(*at, allowed)).count();
        let open = allowed.until_us != Micros::MAX;
        for (n, (at, record)) in first.iter().enumerate().take(begin) {
            let around = |what: String| Difference {
                what: format!("{name}: {what}"),
                at_us: *at,
                first: around(first, n),
                second: around(second, n),
            };
            let Some((other_at, other)) = second.get(n) else {
                self.differences.push(around(format!("{record:?} is not in the second")));
                return;
            };
            if record != other {
                self.differences.push(around("another record".to_owned()));
                return;
            }
            self.count(other_at - at, record);
            let may_us = if by_interlock(record) { allowed.interlock_us } else { allowed.stamp_us };
            if (other_at - at).unsigned_abs() > u64::from(may_us) && self.differences.len() < KEPT {
                self.differences.push(around(format!("{} µs apart, and at most {may_us} may be", other_at - at)));
            }
        }
        if let Some((at, record)) = second.get(begin).filter(|_| !open) {
            self.differences.push(Difference {
                what: format!("{name}: {record:?} is not in the first"),
                at_us: *at,
                first: around(first, begin),
                second: around(second, begin),
            });
        }
    }

    /// A record that both have, so far apart.
    fn count(&mut self, apart: i64, record: &Record) {
        let (count, widest) = if by_interlock(record) {
            (&mut self.edges, &mut self.widest_edge)
        } else {
            (&mut self.records, &mut self.widest)
        };
        *count += 1;
        if apart.abs() > widest.map_or(0, |(us, _)| us.abs()) {
            *widest = Some((apart, *record));
        }
    }

    fn compare_samples(&mut self, line: LineId, first: &Sampled, second: &Sampled, allowed: &Allowed) {
        let first: Vec<_> = first.iter().filter(|(at, _)| !past(*at, allowed)).collect();
        self.samples += first.len();
        let missing = first.len() > second.len() || allowed.until_us == Micros::MAX && first.len() != second.len();
        if missing {
            self.differences.push(Difference {
                what: format!("line {}: {} samples in the first, {} in the second", line.0, first.len(), second.len()),
                at_us: first.last().map_or(0, |(at, _)| *at),
                first: (Vec::new(), None),
                second: (Vec::new(), None),
            });
        }
        for (one, other) in first.into_iter().zip(second).filter(|(one, other)| *one != *other) {
            self.unlike = (self.unlike.0 + 1, self.unlike.1.max(one.0));
            if self.unlike.0 == allowed.samples + 1 {
                self.differences.push(Difference {
                    what: format!(
                        "line {}: {} at {} µs sampled in the first, {} at {} µs in the second, and more samples differ than \
                         the {} that may",
                        line.0, one.1, one.0, other.1, other.0, allowed.samples
                    ),
                    at_us: one.0,
                    first: (Vec::new(), None),
                    second: (Vec::new(), None),
                });
            }
        }
    }
}

fn past(at: i64, allowed: &Allowed) -> bool {
    u64::try_from(at).is_ok_and(|at| at >= allowed.until_us)
}

/// Whether the interlock stamped it, as it did what was asked: as late as the body takes.
const fn by_interlock(record: &Record) -> bool {
    matches!(
        record,
        Record::Edge { .. } | Record::Verdict { .. } | Record::Armed { .. } | Record::Disarmed { .. } | Record::Trip(_)
    )
}

/// The records around one place of a stream, and which of them stands there.
fn around(told: &Told, n: usize) -> (Told, Option<usize>) {
    let from = n.saturating_sub(SHOWN.0).min(told.len());
    let shown = told.get(from..told.len().min(n + SHOWN.1)).unwrap_or(&[]);
    (shown.to_vec(), (n < told.len()).then(|| n - from))
}

/// What a session tells: its records in order, the edges of each output, the samples of each line. What is said of lateness
/// is left out.
#[derive(Debug, Default)]
struct Streams {
    others: Told,
    edges: BTreeMap<u8, Told>,
    samples: BTreeMap<u8, Sampled>,
}

impl Streams {
    fn of(session: &Session, sample_us: u32, left_out: &impl Fn(&Record) -> bool) -> Self {
        let start = session.records().next().map_or(0, |(_, at, _)| at);
        let since = |at: Micros| at.cast_signed() - start.cast_signed();
        let mut streams = Self::default();
        for (_, at, record) in session.records().filter(|(_, _, record)| !left_out(record)) {
            match record {
                Record::Samples { line, block } => {
                    let timed = sense::timed(at, &block, sample_us).map(|(at, raw)| (since(at), raw));
                    streams.samples.entry(line.0).or_default().extend(timed);
                }
                Record::Edge { line, .. } => streams.edges.entry(line.0).or_default().push((since(at), record)),
                Record::Input { line, active, .. } => {
                    streams.others.push((since(at), Record::Input { line, active, late_us: 0 }));
                }
                Record::Outside { event, .. } => {
                    streams.others.push((since(at), Record::Outside { event, late_us: 0 }));
                }
                other => streams.others.push((since(at), other)),
            }
        }
        streams
    }
}

/// Puts two sessions side by side, but for the records that are `left_out`; samples come every `sample_us`.
#[must_use]
pub fn side_by_side(
    first: &Session,
    second: &Session,
    sample_us: u32,
    allowed: &Allowed,
    left_out: impl Fn(&Record) -> bool,
) -> SideBySide {
    let (first, second) = (Streams::of(first, sample_us, &left_out), Streams::of(second, sample_us, &left_out));
    let mut found = SideBySide::default();
    found.compare("records", &first.others, &second.others, allowed);
    let none = Told::new();
    for line in first.edges.keys().chain(second.edges.keys().filter(|line| !first.edges.contains_key(line))) {
        let of = |streams: &Streams| streams.edges.get(line).unwrap_or(&none).clone();
        found.compare(&format!("edges of line {line}"), &of(&first), &of(&second), allowed);
    }
    let none = Sampled::new();
    for line in first.samples.keys().chain(second.samples.keys().filter(|line| !first.samples.contains_key(line))) {
        let of = |streams: &Streams| streams.samples.get(line).unwrap_or(&none).clone();
        found.compare_samples(LineId(*line), &of(&first), &of(&second), allowed);
    }
    found
}

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, what, widest) in
            [(self.records, "records", &self.widest), (self.edges, "; by the interlock", &self.widest_edge)]
        {
            match widest {
                Some((us, record)) => write!(f, "{what} {count}, at most {us} µs apart: {record:?}")?,
                None => write!(f, "{what} {count}, on the same µs")?,
            }
        }
        if self.samples > 0 {
            write!(f, "; samples {}, of which {} differ", self.samples, self.unlike.0)?;
            if self.unlike.0 > 0 {
                write!(f, ", the last at {} µs", self.unlike.1)?;
            }
        }
        self.differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}

/// As a small timeline: the first session to the left, the second to the right.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "they part at {} µs: {}", self.at_us, self.what)?;
        let side = |(told, place): &(Told, Option<usize>), n: usize| {
            let Some((at, record)) = told.get(n) else { return String::new() };
            let mark = if *place == Some(n) { '>' } else { ' ' };
            let text = format!("{mark} {at:>10} µs  {record:?}");
            text.chars().take(SIDE).collect::<String>()
        };
        for n in 0..self.first.0.len().max(self.second.0.len()) {
            let (left, right) = (side(&self.first, n), side(&self.second, n));
            write!(f, "\n  {left:<SIDE$} |{right}")?;
        }
        Ok(())
    }
}
