//! How much happened, and what: lives in which nothing is refused and nothing trips prove nothing. Owns the counts and what
//! there must be of each.

use std::collections::BTreeMap;
use std::fmt;

use link::{DisarmCause, EndReason, Record, TripCause, Verdict};

/// Counts over lives.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Turns in which a half of the device did what it had asked for.
    pub steps: u64,
    pub sessions: u64,
    records: u64,
    requests: u64,
    edges: u64,
    seen: BTreeMap<&'static str, u64>,
}

/// What must be seen in few lives already, and what in many.
const OFTEN: &[&str] = &[
    "verdict: withheld",
    "verdict: over max_on",
    "verdict: cut at max_on",
    "verdict: tripped",
    "verdict: not an output",
    "verdict: no such power",
    "verdict: cut by the end",
    "verdict: forbidden",
    "verdict: over power",
    "verdict: too soon",
    "verdict: over duty",
    "verdict: over total",
    "trip: abort",
    "trip: invariant",
    "trip: too late",
    "trip: emergency stop",
    "disarmed: operator",
    "disarmed: silence",
    "disarmed: end",
    "disarmed: trip",
    "disarmed: key",
    "end: condition",
    "end: stopped",
    "end: tripped",
    "end: host lost",
    "end: fault",
];
const SELDOM: &[&str] = &["verdict: cut by disarm", "end: ring full", "trip: pad", "trip: lost", "trip: not sensed"];

impl Tally {
    /// Takes in what the records of a life say.
    pub fn count<'r>(&mut self, records: impl Iterator<Item = &'r Record>) {
        for record in records {
            self.records += 1;
            let name = match record {
                Record::Request { .. } => {
                    self.requests += 1;
                    continue;
                }
                Record::Edge { .. } => {
                    self.edges += 1;
                    continue;
                }
                Record::Verdict { verdict, .. } => match verdict {
                    Verdict::Withheld => "verdict: withheld",
                    Verdict::OverMaxOn => "verdict: over max_on",
                    Verdict::CutAtMaxOn => "verdict: cut at max_on",
                    Verdict::Tripped => "verdict: tripped",
                    Verdict::NotAnOutput => "verdict: not an output",
                    Verdict::CutByDisarm => "verdict: cut by disarm",
                    Verdict::CutByEnd => "verdict: cut by the end",
                    Verdict::NoSuchPower => "verdict: no such power",
                    Verdict::Forbidden => "verdict: forbidden",
                    Verdict::OverPower => "verdict: over power",
                    Verdict::TooSoon => "verdict: too soon",
                    Verdict::OverDuty => "verdict: over duty",
                    Verdict::OverTotal => "verdict: over total",
                },
                Record::Trip(cause) => match cause {
                    TripCause::HostAbort => "trip: abort",
                    TripCause::PadMismatch(_) => "trip: pad",
                    TripCause::Invariant(_) => "trip: invariant",
                    TripCause::TooLate => "trip: too late",
                    TripCause::Lost => "trip: lost",
                    TripCause::EmergencyStop => "trip: emergency stop",
                    TripCause::Contradiction(_) => "trip: contradiction",
                    TripCause::Starved => "trip: starved",
                    TripCause::NotSensed(_) => "trip: not sensed",
                },
                Record::Disarmed { cause, .. } => match cause {
                    DisarmCause::Operator => "disarmed: operator",
                    DisarmCause::Silence => "disarmed: silence",
                    DisarmCause::SessionEnd => "disarmed: end",
                    DisarmCause::Trip => "disarmed: trip",
                    DisarmCause::Key => "disarmed: key",
                },
                Record::End(reason) => match reason {
                    EndReason::Condition(_) => "end: condition",
                    EndReason::Stopped => "end: stopped",
                    EndReason::Tripped(_) => "end: tripped",
                    EndReason::HostLost => "end: host lost",
                    EndReason::Fault(_) => "end: fault",
                    EndReason::RingFull => "end: ring full",
                    EndReason::DeviceReset => "end: reset",
                },
                _ => continue,
            };
            *self.seen.entry(name).or_default() += 1;
        }
    }

    /// Takes in what another counted.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.sessions += other.sessions;
        self.records += other.records;
        self.requests += other.requests;
        self.edges += other.edges;
        for (name, count) in &other.seen {
            *self.seen.entry(name).or_default() += count;
        }
    }

    /// Fails if something that can happen did not; `all` of it, or what happens often.
    pub fn is_rich(&self, all: bool) {
        let wanted = OFTEN.iter().chain(SELDOM.iter().filter(|_| all));
        let missing: Vec<_> = wanted.filter(|name| !self.seen.contains_key(*name)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}");
        assert!(!all || self.steps >= 10_000_000, "{} steps are few", self.steps);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, sessions, records, requests, edges, .. } = self;
        write!(f, "{steps} device steps, {sessions} sessions, {records} records, {requests} requests, {edges} edges")?;
        self.seen.iter().try_for_each(|(name, count)| write!(f, "\n  {name:<24} {count}"))
    }
}
