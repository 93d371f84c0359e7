//! Two sessions side by side: whether they tell the same, record by record, and if not, where they part. Made for one session
//! on two bodies, as on the simulator and on a chip. Owns what counts as the same; runs nothing.
//!
//! Times count from each session's own start. What the interlock does comes as late as a body takes, everything else has the
//! time of what led to it. Edges of outputs are compared line by line, and samples by their times: both stand in a stream
//! where they were heard of, which may be before or after what happened within the same few µs. What an analog line was
//! sampled at must be the same; the count of a wheel is read as late as the interlock acts, and may have gone on meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use link::limits::MAX_VARIABLES;
use link::rig::{Rig, Role};
use link::{LineId, Micros, Record, VariableId};

use crate::Session;
use crate::pairing::Tolerance;

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
    /// The same of what it did on a line because of a session's first step, until the line is asked for something else.
    pub start_us: u32,
    /// How far apart everything else may lie, in µs: a touch is stamped within its microsecond or the next.
    pub stamp_us: u32,
    /// What happens from then on is left out, in µs from the start; [`Micros::MAX`] for none. A session that a person ends
    /// ends at another time on each body.
    pub until_us: Micros,
    /// Variables that hold a time, in µs: a time that is told later is another number, by no more than it is later.
    pub times: Variables,
}

/// A set of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variables([u64; MAX_VARIABLES / 64]);

impl Variables {
    /// Adds one; a variable that no program has is left out.
    pub fn add(&mut self, variable: VariableId) {
        if let Some(word) = self.0.get_mut(variable.index() / 64) {
            *word |= 1 << (variable.index() % 64);
        }
    }

    fn holds(&self, variable: VariableId) -> bool {
        self.0.get(variable.index() / 64).is_some_and(|word| word >> (variable.index() % 64) & 1 != 0)
    }
}

impl Allowed {
    /// Everything but the interlock's within a microsecond, to the end.
    #[must_use]
    pub const fn interlock(interlock_us: u32) -> Self {
        let times = Variables([0; MAX_VARIABLES / 64]);
        Self { interlock_us, start_us: interlock_us, stamp_us: 1, until_us: Micros::MAX, times }
    }

    /// The same, as strict as the replay of a session is on a body with this tolerance.
    #[must_use]
    pub fn on(tolerance: Tolerance) -> Self {
        let us = |us: Micros| u32::try_from(us).unwrap_or(u32::MAX);
        Self { start_us: us(tolerance.start_us), ..Self::interlock(us(tolerance.latency_us)) }
    }

    /// Whether two records tell the same.
    fn same(&self, one: &Record, other: &Record) -> bool {
        match (one, other) {
            (Record::Set { variable, value }, Record::Set { variable: of, value: is })
                if variable == of && self.times.holds(*variable) =>
            {
                value.abs_diff(*is) <= u64::from(self.stamp_us)
            }
            _ => one == other,
        }
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
    /// The same of what the interlock did, but for a session's first step.
    pub widest_edge: Option<(i64, Record)>,
    /// The same of what it did because of that.
    pub widest_start: Option<(i64, Record)>,
    /// Samples of analog lines and encoders in both.
    pub samples: usize,
    /// How many of them are not the same value, and when the last of those was, in µs from the start: of wheels, if the two
    /// are the same.
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
    fn compare(&mut self, name: &str, first: &Told, second: &Told, begun: &Begun, allowed: &Allowed) {
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
            if !allowed.same(record, other) {
                self.differences.push(around("another record".to_owned()));
                return;
            }
            let kind = begun.kind(*at, record);
            self.count(other_at - at, record, kind);
            let may_us = match kind {
                Kind::Other => allowed.stamp_us,
                Kind::Interlock => allowed.interlock_us,
                Kind::OfStart => allowed.start_us,
            };
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
    fn count(&mut self, apart: i64, record: &Record, kind: Kind) {
        let (count, widest) = match kind {
            Kind::Other => (&mut self.records, &mut self.widest),
            Kind::Interlock => (&mut self.edges, &mut self.widest_edge),
            Kind::OfStart => (&mut self.edges, &mut self.widest_start),
        };
        *count += 1;
        if apart.abs() > widest.map_or(0, |(us, _)| us.abs()) {
            *widest = Some((apart, *record));
        }
    }

    fn compare_samples(&mut self, line: LineId, first: &Sampled, second: &Sampled, reads: Reads, allowed: &Allowed) {
        let many = first.iter().take_while(|(at, _)| !past(*at, allowed)).count();
        self.samples += many;
        let missing = many > second.len() || allowed.until_us == Micros::MAX && many != second.len();
        let last = first.get(many.saturating_sub(1)).map_or(0, |(at, _)| *at);
        if missing {
            let what = format!("{many} samples in the first, {} in the second", second.len());
            self.differences.push(Difference::of_samples(line, what, last));
        }
        let mut told = false;
        for (n, (one, other)) in
            first.iter().zip(second).enumerate().take(many).filter(|(_, (one, other))| one != other)
        {
            self.unlike = (self.unlike.0 + 1, self.unlike.1.max(one.0));
            let next = first.get(n + 1).map_or(one.1, |(_, next)| *next);
            if one.0 == other.0 && reads.may_be(one.1, other.1, next) || std::mem::replace(&mut told, true) {
                continue;
            }
            let what = format!("{} at {} µs in the first, {} at {} µs in the second", one.1, one.0, other.1, other.0);
            self.differences.push(Difference::of_samples(line, what, one.0));
        }
    }
}

impl Difference {
    fn of_samples(line: LineId, what: String, at_us: i64) -> Self {
        let nothing = || (Told::new(), None);
        Self { what: format!("samples of line {}: {what}", line.0), at_us, first: nothing(), second: nothing() }
    }
}

/// How late a body reads what it samples, against how often it does.
#[derive(Debug, Clone, Copy)]
enum Reads {
    /// It has the value as it was at the time of the sample.
    AtOnce,
    /// It reads a wheel's count up to so many µs later, of so many from one sample to the next.
    Late { by_us: u32, of_us: u32 },
}

impl Reads {
    /// Whether `seen` can be read of something that is at `now` and will be at `next` with the next sample: it lies between
    /// the two, and no further on than it comes meanwhile, or one count.
    fn may_be(self, now: i32, seen: i32, next: i32) -> bool {
        let Self::Late { by_us, of_us } = self else { return now == seen };
        let further = u64::from(now.abs_diff(next)) * u64::from(by_us) / u64::from(of_us.max(1));
        (now.min(next)..=now.max(next)).contains(&seen) && u64::from(now.abs_diff(seen)) <= 1 + further
    }
}

/// What a record is to be held to.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// It has the time of what led to it.
    Other,
    /// The interlock stamped it.
    Interlock,
    /// The same, because of the session's first step.
    OfStart,
}

/// The lines that a session's first step asks for something, and until when that holds: until they are asked again, in µs
/// from the start.
#[derive(Debug, Default)]
struct Begun(BTreeMap<u8, i64>);

impl Begun {
    fn of(others: &Told) -> Self {
        let mut begun = BTreeMap::new();
        for (at, record) in others {
            let Record::Request { line, .. } = record else { continue };
            match begun.get_mut(&line.0) {
                None if *at == 0 => drop(begun.insert(line.0, i64::MAX)),
                Some(until) if *at > 0 => *until = at.min(until).to_owned(),
                _ => {}
            }
        }
        Self(begun)
    }

    fn kind(&self, at: i64, record: &Record) -> Kind {
        let (Record::Edge { line, .. } | Record::Verdict { line, .. }) = record else {
            return if by_interlock(record) { Kind::Interlock } else { Kind::Other };
        };
        if self.0.get(&line.0).is_some_and(|until| at < *until) { Kind::OfStart } else { Kind::Interlock }
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

/// The lines of a session that count what turns.
fn wheels(session: &Session) -> BTreeSet<u8> {
    let rig: Option<Rig> = postcard::from_bytes(&session.header.device_rig).ok();
    let lines = rig.into_iter().flat_map(|rig| rig.lines).zip(0_u8..);
    lines.filter(|(line, _)| matches!(line.role, Role::Encoder { .. })).map(|(_, place)| place).collect()
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
    let wheels = wheels(first);
    let (first, second) = (Streams::of(first, sample_us, &left_out), Streams::of(second, sample_us, &left_out));
    let mut found = SideBySide::default();
    let begun = Begun::of(&first.others);
    found.compare("records", &first.others, &second.others, &begun, allowed);
    let none = Told::new();
    for line in first.edges.keys().chain(second.edges.keys().filter(|line| !first.edges.contains_key(line))) {
        let of = |streams: &Streams| streams.edges.get(line).unwrap_or(&none).clone();
        found.compare(&format!("edges of line {line}"), &of(&first), &of(&second), &begun, allowed);
    }
    let none = Sampled::new();
    for line in first.samples.keys().chain(second.samples.keys().filter(|line| !first.samples.contains_key(line))) {
        let of = |streams: &Streams| streams.samples.get(line).unwrap_or(&none).clone();
        let reads = if wheels.contains(line) {
            Reads::Late { by_us: allowed.interlock_us, of_us: sample_us }
        } else {
            Reads::AtOnce
        };
        found.compare_samples(LineId(*line), &of(&first), &of(&second), reads, allowed);
    }
    found
}

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apart = |f: &mut fmt::Formatter<'_>, widest: &Option<(i64, Record)>| match widest {
            Some((us, record)) => write!(f, "at most {us} µs apart: {record:?}"),
            None => f.write_str("on the same µs"),
        };
        write!(f, "records {}, ", self.records)?;
        apart(f, &self.widest)?;
        write!(f, "; by the interlock {}, ", self.edges)?;
        apart(f, &self.widest_edge)?;
        f.write_str("; of its first step ")?;
        apart(f, &self.widest_start)?;
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

#[cfg(test)]
mod tests {
    use link::record::Request;

    use super::*;

    #[test]
    fn what_a_first_step_asked_of_a_line_is_of_it_until_the_line_is_asked_again() {
        let asks = |at, line| (at, Record::Request { line: LineId(line), request: Request::On });
        let begun = Begun::of(&vec![asks(0, 1), asks(40, 2), asks(900, 1), asks(950, 1)]);
        let edge = |line| Record::Edge { line: LineId(line), on: true };
        let of_start = |at, record: &Record| matches!(begun.kind(at, record), Kind::OfStart);
        assert!(of_start(0, &edge(1)) && of_start(899, &edge(1)));
        assert!(!of_start(900, &edge(1)), "it is the next one's");
        assert!(!of_start(41, &edge(2)), "it was asked for behind the first step");
        assert!(!of_start(10, &Record::Armed { lines: 2 }));
        assert!(matches!(begun.kind(0, &asks(0, 1).1), Kind::Other));
    }

    #[test]
    fn a_time_that_is_told_later_is_that_much_more_and_any_other_number_the_same() {
        let [since, presses] = [VariableId(7), VariableId(200)];
        let set = |variable, value| Record::Set { variable, value };
        let mut allowed = Allowed { stamp_us: 5_000, ..Allowed::interlock(5_000) };
        assert!(!allowed.same(&set(since, 7_001_000), &set(since, 7_001_165)));
        allowed.times.add(since);
        assert!(allowed.same(&set(since, 7_001_000), &set(since, 7_001_165)));
        assert!(!allowed.same(&set(since, 7_001_000), &set(since, 7_006_001)), "later than anything may be");
        assert!(!allowed.same(&set(presses, 3), &set(presses, 4)), "a count is no time");
        assert!(!allowed.same(&set(since, 3), &set(presses, 3)));
    }

    fn told(records: &[(i64, Record)], allowed: Allowed) -> SideBySide {
        let first = vec![(0, Record::Request { line: LineId(1), request: Request::On })];
        let mut found = SideBySide::default();
        let edge = |(at, record): &(i64, Record)| (at - 300, *record);
        let begun = Begun::of(&first);
        found.compare("edges", &records.iter().map(edge).collect(), &records.to_vec(), &begun, &allowed);
        found
    }

    #[test]
    fn only_the_first_step_may_take_as_long_as_it_may() {
        let edge = |line| Record::Edge { line: LineId(line), on: true };
        let allowed = Allowed::on(Tolerance::RP2040);
        assert!(allowed.interlock_us < 300 && allowed.start_us >= 300, "{allowed:?}");
        let found = told(&[(310, edge(1))], allowed);
        assert!(found.is_same(), "{found}");
        assert_eq!((found.widest_start, found.widest_edge), (Some((300, edge(1))), None));
        let found = told(&[(310, edge(2))], allowed);
        assert_eq!(found.differences.len(), 1, "{found}");
        assert_eq!((found.widest_start, found.widest_edge), (None, Some((300, edge(2)))));
    }

    fn sampled(first: &[i32], second: &[i32], reads: Reads) -> SideBySide {
        let timed = |values: &[i32]| (1_000..).step_by(1_000).zip(values.iter().copied()).collect::<Sampled>();
        let mut found = SideBySide::default();
        found.compare_samples(LineId(3), &timed(first), &timed(second), reads, &Allowed::interlock(250));
        found
    }

    #[test]
    fn a_wheel_may_have_turned_on_when_its_count_is_read_and_no_further() {
        let late = Reads::Late { by_us: 250, of_us: 1_000 };
        let same = |first: &[i32], second: &[i32]| sampled(first, second, late).is_same();
        assert!(same(&[5, 6, 7, 7], &[6, 6, 7, 7]), "one count, which comes before the next sample");
        assert!(same(&[7, 6, 5, 5], &[6, 6, 5, 5]), "backwards too");
        assert!(same(&[100, 140, 180, 180], &[111, 140, 180, 180]), "a quarter of the way, and one");
        assert!(!same(&[100, 140, 180, 180], &[112, 140, 180, 180]));
        assert!(!same(&[5, 6, 7, 7], &[4, 6, 7, 7]), "it was there before");
        assert!(!same(&[5, 6, 7, 7], &[5, 6, 7, 8]), "it never comes there");
        let found = sampled(&[5, 6, 7, 7], &[6, 7, 7, 7], late);
        assert_eq!((found.unlike, found.samples), ((2, 2_000), 4));
    }

    #[test]
    fn an_analog_line_has_the_very_value() {
        assert!(sampled(&[5, 6, 7], &[5, 6, 7], Reads::AtOnce).is_same());
        let found = sampled(&[5, 6, 7], &[6, 6, 8], Reads::AtOnce);
        let [difference] = &found.differences[..] else { panic!("one is told: {found}") };
        assert_eq!((difference.at_us, found.unlike), (1_000, (2, 3_000)));
        assert!(!sampled(&[5, 6, 7], &[5, 6], Reads::AtOnce).is_same(), "one is missing");
    }
}
