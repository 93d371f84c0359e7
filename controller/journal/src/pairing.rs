//! Pairs what the program asked of its outputs with what happened at the pins. Every request becomes the edges that
//! carry it out, in time, or has the verdict that explains why not; every edge has its request, and none lies on a line
//! that must be armed and was not. Owns the idea of what a request should look like at a pin; runs no program.
//!
//! A request holds its line until the next one on that line, or until something cuts it: an interlock's verdict, a
//! disarm, a trip, the session's end. The first edge counts from the request, all others of a train from that first
//! edge. An edge that is due within the tolerance of a cut may or may not be there.

mod unpaired;

pub use unpaired::Unpaired;

use link::record::{Request, Train};
use link::rig::{Rig, RigLine, Role};
use link::{LineId, Micros, Record, Verdict};

/// How far an edge may lie from where it should be, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// From when a request, or a cut, should show at the pin to when it does: the time from engine to pin.
    pub latency_us: Micros,
    /// From where a later edge of a train should be, measured from the train's first edge.
    pub train_us: Micros,
}

impl Tolerance {
    /// What a simulated body needs, whose halves interrupt one another as those of a loaded chip may.
    pub const SIMULATED: Self = Self { latency_us: 25, train_us: 5 };
}

/// The longest after its time that a late first edge is still taken for its request's, in µs: a device later than this
/// trips.
const LATE_MAX_US: Micros = 100_000;

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

/// Pairs the records of a session, within `tolerance`. `whole` says that nothing is missing at the end, so that
/// every edge must be there and every line disarmed.
pub fn pair(
    rig: &Rig,
    records: impl Iterator<Item = (u64, Micros, Record)>,
    tolerance: Tolerance,
    whole: bool,
) -> Pairing {
    let mut gatherer = Gatherer::new(rig, tolerance, whole);
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
    tolerance: Tolerance,
    whole: bool,
    pairing: Pairing,
}

impl Gatherer {
    fn new(rig: &Rig, tolerance: Tolerance, whole: bool) -> Self {
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
            tolerance,
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
                let earliest = at.saturating_sub(self.tolerance.latency_us);
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
        let tolerance = self.tolerance;
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
                tolerance,
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

/// Goes along the edges of one line.
struct Matcher<'e> {
    line: LineId,
    edges: &'e [Edge],
    level: bool,
    tolerance: Tolerance,
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

    fn meet(&mut self, due: Micros, on: bool, until: Micros, within_us: Micros) -> Met {
        while self.edges.first().is_some_and(|edge| edge.at.saturating_add(self.tolerance.train_us) < due) {
            self.take_unasked();
        }
        if self.level == on {
            return Met::NoChange;
        }
        let latest = due.saturating_add(within_us);
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

    /// The first edge of a request, which is not where it should be, if it comes later.
    fn late(&mut self, act: &Act, due: Micros, until: Micros) -> Met {
        match self.edges.split_first() {
            Some((edge, rest)) if edge.on && edge.at < until && edge.at <= due.saturating_add(LATE_MAX_US) => {
                let (late_us, at) = (edge.at.saturating_sub(due), edge.at);
                self.pairing.unpaired.push(Unpaired::Late { number: act.number, at: act.at, line: self.line, late_us });
                self.level = true;
                self.edges = rest;
                Met::Edge { at }
            }
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
        if let Met::Missing = self.meet(act.at, false, until, self.tolerance.latency_us) {
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
            for on in [true, false] {
                // Worked out edge by edge: all others count from where the first one was.
                let rise = first.saturating_add(u64::from(n).saturating_mul(u64::from(train.period_us)));
                let due = if on { rise } else { rise.saturating_add(width_us) };
                if due > until.saturating_add(self.tolerance.latency_us) || due > self.horizon || (endless && !on) {
                    break 'pulses;
                }
                let is_first = n == 0 && on;
                let within_us = if is_first { self.tolerance.latency_us } else { self.tolerance.train_us };
                let met = match self.meet(due, on, until, within_us) {
                    Met::Missing if is_first => self.late(act, due, until),
                    met => met,
                };
                match met {
                    Met::Edge { at } if is_first => {
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
