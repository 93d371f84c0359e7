//! Pairs what the program asked of its outputs with what happened at the pins. Every request becomes the edges that
//! carry it out, in time, or has the verdict that explains why not; every edge has its request, and none lies on a line
//! that must be armed and was not. Owns the idea of what a request should look like at a pin; runs no program.
//!
//! A request holds its line until the next one on that line, or until something cuts it: an interlock's verdict, a
//! disarm, a trip, the session's end. The first edge counts from the request, all others of a train from that first
//! edge. An edge that is due within the tolerance of a cut may or may not be there.

use std::fmt;

use link::record::{Request, Train};
use link::rig::{Rig, RigLine, Role};
use link::{LineId, Micros, Record, Verdict};

/// How far an edge may lie from where it should be, in µs, where nothing else is said: what a simulated body needs.
pub const TOLERANCE_US: Micros = 5;

/// Missing edges after which a request is given up; they are one finding anyway.
const MISSING_MAX: u32 = 1_000;

/// What came of pairing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairing {
    /// Requests of the program.
    pub requests: u64,
    /// Of those, how many the interlock refused, by its verdicts.
    pub refused: u64,
    /// Requests that an invariant of the protocol blocked before they were made.
    pub breaches: u64,
    /// Edges at output pins.
    pub edges: u64,
    /// The longest from when a first edge should have been to when it was, in µs.
    pub latency_us_max: u64,
    /// What does not pair.
    pub unpaired: Vec<Unpaired>,
}

/// Something that does not pair. Each has the number and time (µs) of the record it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpaired {
    /// A request without edges that carry it out, and without a verdict that explains it.
    Request {
        /// The request's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// When the first missing edge should have been.
        due: Micros,
        /// Whether that edge should have been to on.
        on: bool,
        /// How many edges are missing.
        missing: u32,
    },
    /// A line that stayed on though it was told, or forced, to go off.
    StayedOn {
        /// The number of the record that should have ended it.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// An edge nobody asked for.
    Edge {
        /// The edge's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// To on or to off.
        on: bool,
    },
    /// An edge to on, on a line that must be armed and was not.
    Unarmed {
        /// The edge's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// A verdict on a request that was not made.
    Verdict {
        /// The verdict's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// An input that changed to the level it had: a change between is missing.
    Input {
        /// The input's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// The level, twice.
        active: bool,
    },
    /// Lines disarmed that were not armed: their arming is missing.
    Disarmed {
        /// The disarming's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// Those of its lines that were not armed.
        lines: u32,
    },
    /// Lines still armed behind the end of the session: their disarming is missing.
    LeftArmed {
        /// The end's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The lines.
        lines: u32,
    },
}

impl fmt::Display for Unpaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::Request { number, at, line, due, on, missing } => write!(
                f,
                "record {number} at {at} µs: the request on line {} has no edge to {} at {due} µs, and nothing explains it \
                 ({missing} edges missing)",
                line.0,
                to(*on)
            ),
            Self::StayedOn { number, at, line } => {
                write!(f, "record {number} at {at} µs: line {} has no edge to off, and it was on", line.0)
            }
            Self::Edge { number, at, line, on } => {
                write!(f, "record {number} at {at} µs: line {} went {} and nothing asked for it", line.0, to(*on))
            }
            Self::Unarmed { number, at, line } => {
                write!(f, "record {number} at {at} µs: line {} went on while it was not armed", line.0)
            }
            Self::Verdict { number, at, line } => {
                write!(f, "record {number} at {at} µs: a verdict on line {}, of which nothing was asked", line.0)
            }
            Self::Input { number, at, line, active } => write!(
                f,
                "record {number} at {at} µs: line {} became {} twice in a row; a record between is missing",
                line.0,
                if *active { "active" } else { "inactive" }
            ),
            Self::Disarmed { number, at, lines } => {
                write!(f, "record {number} at {at} µs: lines {lines:#x} were disarmed and had not been armed")
            }
            Self::LeftArmed { number, at, lines } => {
                write!(f, "record {number} at {at} µs: the session ended and lines {lines:#x} were not disarmed")
            }
        }
    }
}

/// Pairs the records of a session, within `tolerance_us`. `whole` says that nothing is missing at the end, so that
/// every edge must be there and every line disarmed.
pub fn pair(
    rig: &Rig,
    records: impl Iterator<Item = (u64, Micros, Record)>,
    tolerance_us: Micros,
    whole: bool,
) -> Pairing {
    let mut gatherer = Gatherer::new(rig, tolerance_us, whole);
    for (number, at, record) in records {
        gatherer.take(number, at, record);
    }
    gatherer.pair()
}

/// Something a line must do, from `at` on until the next.
#[derive(Debug, Clone, Copy)]
struct Act {
    number: u64,
    at: Micros,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Request(Request),
    Cut,
}

impl Act {
    const fn is_request(&self) -> bool {
        matches!(self.what, What::Request(_))
    }
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    number: u64,
    at: Micros,
    on: bool,
}

#[derive(Debug, Default)]
struct Line {
    acts: Vec<Act>,
    edges: Vec<Edge>,
    safe_on_trip: bool,
}

struct Gatherer {
    lines: Vec<Line>,
    must_arm: u32,
    armed: u32,
    levels: u32,
    /// Lines whose level is known: none after something was lost.
    sure: u32,
    /// The latest time of any record.
    horizon: Micros,
    end: Option<(u64, Micros)>,
    tolerance_us: Micros,
    whole: bool,
    pairing: Pairing,
}

impl Gatherer {
    fn new(rig: &Rig, tolerance_us: Micros, whole: bool) -> Self {
        let line = |line: &RigLine| Line {
            safe_on_trip: matches!(line.role, Role::Output { safe_on_trip: true, .. }),
            ..Line::default()
        };
        Self {
            lines: rig.lines.iter().map(line).collect(),
            must_arm: rig.must_arm(),
            armed: 0,
            levels: 0,
            sure: 0,
            horizon: 0,
            end: None,
            tolerance_us,
            whole,
            pairing: Pairing::default(),
        }
    }

    fn act(&mut self, line: LineId, number: u64, at: Micros, what: What) {
        if let Some(line) = self.lines.get_mut(line.index()) {
            line.acts.push(Act { number, at, what });
        }
    }

    fn cut(&mut self, number: u64, at: Micros, applies: impl Fn(LineId, &Line) -> bool) {
        for (n, line) in self.lines.iter_mut().enumerate() {
            if applies(LineId(n as u8), line) {
                line.acts.push(Act { number, at, what: What::Cut });
            }
        }
    }

    fn take(&mut self, number: u64, at: Micros, record: Record) {
        self.horizon = self.horizon.max(at);
        match record {
            Record::Start { levels, .. } => (self.levels, self.sure) = (levels, u32::MAX),
            Record::Input { line, active, .. } => {
                if self.sure & line.bit() != 0 && (self.levels & line.bit() != 0) == active {
                    self.pairing.unpaired.push(Unpaired::Input { number, at, line, active });
                }
                self.sure |= line.bit();
                self.levels = if active { self.levels | line.bit() } else { self.levels & !line.bit() };
            }
            Record::Lost { .. } => self.sure = 0,
            Record::Request { line, request } => {
                self.pairing.requests += 1;
                self.act(line, number, at, What::Request(request));
            }
            Record::Breach { .. } => self.pairing.breaches += 1,
            Record::Verdict { line, verdict } => self.verdict(number, at, line, verdict),
            Record::Edge { line, on } => {
                self.pairing.edges += 1;
                if on && self.must_arm & !self.armed & line.bit() != 0 {
                    self.pairing.unpaired.push(Unpaired::Unarmed { number, at, line });
                }
                match self.lines.get_mut(line.index()) {
                    Some(line) => line.edges.push(Edge { number, at, on }),
                    None => self.pairing.unpaired.push(Unpaired::Edge { number, at, line, on }),
                }
            }
            Record::Armed { lines } => self.armed |= lines,
            Record::Disarmed { lines, .. } => {
                if lines & !self.armed != 0 {
                    self.pairing.unpaired.push(Unpaired::Disarmed { number, at, lines: lines & !self.armed });
                }
                self.armed &= !lines;
                self.cut(number, at, |line, _| lines & line.bit() != 0);
            }
            Record::Trip(_) => self.cut(number, at, |_, line| line.safe_on_trip),
            Record::End(_) => {
                self.end = Some((number, at));
                self.cut(number, at, |_, _| true);
            }
            _ => {}
        }
    }

    fn verdict(&mut self, number: u64, at: Micros, line: LineId, verdict: Verdict) {
        match verdict {
            Verdict::CutAtMaxOn | Verdict::CutByDisarm | Verdict::CutByEnd => self.act(line, number, at, What::Cut),
            Verdict::Withheld | Verdict::OverMaxOn | Verdict::Tripped | Verdict::NotAnOutput => {
                let earliest = at.saturating_sub(self.tolerance_us);
                let asked = self.lines.get_mut(line.index()).and_then(|line| {
                    // Of several requests in one breath it is the first that waits for its verdict; else the last one made.
                    let just_now = line.acts.iter().position(|act| act.at >= earliest && act.is_request());
                    let asked = just_now.or_else(|| line.acts.iter().rposition(Act::is_request));
                    asked.and_then(|n| line.acts.get_mut(n))
                });
                match asked {
                    Some(act) => {
                        // What ran before it ends all the same.
                        act.what = What::Cut;
                        self.pairing.refused += 1;
                    }
                    None => self.pairing.unpaired.push(Unpaired::Verdict { number, at, line }),
                }
            }
        }
    }

    fn pair(mut self) -> Pairing {
        let tolerance_us = self.tolerance_us;
        if let (Some((number, at)), true) = (self.end, self.whole && self.armed != 0) {
            self.pairing.unpaired.push(Unpaired::LeftArmed { number, at, lines: self.armed });
        }
        let horizon = if self.whole { Micros::MAX } else { self.horizon };
        for (n, line) in self.lines.iter_mut().enumerate() {
            // Edges are stamped at the pin and written down when there is time, so they may stand a little out of order.
            line.edges.sort_by_key(|edge| (edge.at, edge.number));
            line.acts.sort_by_key(|act| (act.at, act.number));
            let mut matcher = Matcher {
                line: LineId(n as u8),
                edges: &line.edges,
                level: false,
                tolerance_us,
                horizon,
                pairing: &mut self.pairing,
            };
            for (n, act) in line.acts.iter().enumerate() {
                let until = line.acts.get(n + 1).map_or(Micros::MAX, |next| next.at);
                matcher.carry_out(act, until);
            }
            while matcher.take_unasked() {}
        }
        self.pairing.unpaired.sort_by_key(Unpaired::number);
        self.pairing
    }
}

impl Unpaired {
    /// The number of the record it speaks of.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Request { number, .. }
            | Self::StayedOn { number, .. }
            | Self::Edge { number, .. }
            | Self::Unarmed { number, .. }
            | Self::Verdict { number, .. }
            | Self::Input { number, .. }
            | Self::Disarmed { number, .. }
            | Self::LeftArmed { number, .. } => *number,
        }
    }
}

/// Goes along the edges of one line.
struct Matcher<'e> {
    line: LineId,
    edges: &'e [Edge],
    level: bool,
    tolerance_us: Micros,
    horizon: Micros,
    pairing: &'e mut Pairing,
}

/// What became of an edge that should be.
enum Met {
    /// It is there, this far behind its time.
    Edge {
        at: Micros,
    },
    /// The line has that level already.
    NoChange,
    /// It need not be there.
    Excused,
    Missing,
}

impl Matcher<'_> {
    fn take_unasked(&mut self) -> bool {
        let Some((edge, rest)) = self.edges.split_first() else { return false };
        let Edge { number, at, on } = *edge;
        self.pairing.unpaired.push(Unpaired::Edge { number, at, line: self.line, on });
        self.level = on;
        self.edges = rest;
        true
    }

    fn meet(&mut self, due: Micros, on: bool, until: Micros) -> Met {
        while self.edges.first().is_some_and(|edge| edge.at.saturating_add(self.tolerance_us) < due) {
            self.take_unasked();
        }
        if self.level == on {
            return Met::NoChange;
        }
        let latest = due.saturating_add(self.tolerance_us);
        match self.edges.split_first() {
            Some((edge, rest)) if edge.at <= latest && edge.on == on => {
                self.level = on;
                self.edges = rest;
                Met::Edge { at: edge.at }
            }
            _ if latest >= until || latest > self.horizon => Met::Excused,
            _ => Met::Missing,
        }
    }

    fn carry_out(&mut self, act: &Act, until: Micros) {
        match act.what {
            What::Cut | What::Request(Request::Off) => {
                self.off(act, until);
            }
            What::Request(Request::On) => {
                self.train(act, &Train { width_us: u32::MAX, ..Train::pulse(0) }, true, until);
            }
            What::Request(request) => {
                if let Some(train) = request.train() {
                    self.train(act, &train, false, until);
                }
            }
        }
    }

    fn off(&mut self, act: &Act, until: Micros) {
        if let Met::Missing = self.meet(act.at, false, until) {
            self.pairing.unpaired.push(Unpaired::StayedOn { number: act.number, at: act.at, line: self.line });
        }
    }

    /// A train; `endless` if it is one pulse that never falls by itself.
    fn train(&mut self, act: &Act, train: &Train, endless: bool, until: Micros) {
        if train.count == 0 || train.width_us == 0 {
            // A train without a pulse replaces what ran before by nothing.
            self.off(act, until);
            return;
        }
        let touching = train.count > 1 && train.width_us >= train.period_us;
        let on_us = train.length_us().saturating_sub(u64::from(train.delay_us));
        let (pulses, width_us) = if touching { (1, on_us) } else { (train.count, u64::from(train.width_us)) };
        if train.delay_us > 0 {
            // What was on before goes off while the train waits.
            self.off(act, until);
        }
        let mut first = act.at.saturating_add(u64::from(train.delay_us));
        let mut missing: Option<(Micros, bool, u32)> = None;
        'pulses: for n in 0..pulses {
            let rise = first.saturating_add(u64::from(n).saturating_mul(u64::from(train.period_us)));
            for (due, on) in [(rise, true), (rise.saturating_add(width_us), false)] {
                if due > until.saturating_add(self.tolerance_us) || due > self.horizon || (endless && !on) {
                    break 'pulses;
                }
                match self.meet(due, on, until) {
                    Met::Edge { at } if n == 0 && on => {
                        self.pairing.latency_us_max = self.pairing.latency_us_max.max(at.saturating_sub(due));
                        first = at;
                    }
                    Met::Missing => {
                        let (_, _, count) = missing.get_or_insert((due, on, 0));
                        *count += 1;
                        if *count >= MISSING_MAX {
                            break 'pulses;
                        }
                    }
                    Met::Edge { .. } | Met::NoChange | Met::Excused => {}
                }
            }
        }
        if let Some((due, on, missing)) = missing {
            let Act { number, at, .. } = *act;
            self.pairing.unpaired.push(Unpaired::Request { number, at, line: self.line, due, on, missing });
        }
    }
}
