//! Pairs what the program asked of its outputs with what happened at the pins. Every request becomes the edges that
//! carry it out, in time, or has the verdict that explains why not; every edge has its request, and none lies on a line
//! that must be armed and was not. Owns the idea of what a request should look like at a pin; runs no program.
//!
//! A request holds its line until the next one on that line, or until something cuts it: an interlock's verdict, a
//! disarm, a trip, the session's end. The first edge counts from the request, all others of a train from that first
//! edge. An edge that is due within the tolerance of a cut may or may not be there.

mod unpaired;

pub use unpaired::Unpaired;

use link::pulses::{self, ListPulse};
use link::pwm::FULL_POWER_PPM;
use link::record::{Carrier, Request, Train, Wave};
use link::rig::{Output, Rig, RigLine, Role};
use link::{EndReason, LineId, Micros, Record, Verdict};

/// How far an edge may lie from where it should be, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// From when a request, or a cut, should show at the pin to when it does: the time from engine to pin.
    pub latency_us: Micros,
    /// The same of what is asked for in a session's first step, which takes longest.
    pub start_us: Micros,
    /// From where a later edge of a train should be, measured from the train's first edge.
    pub train_us: Micros,
    /// The same of a sound: where it begins and ends is no edge of a pin that could be foretold.
    pub sound_us: Micros,
}

impl Tolerance {
    /// How long what was asked for at `at` may take, in a session that began at `start`.
    fn latency_us(&self, start: Micros, at: Micros) -> Micros {
        if at == start { self.start_us } else { self.latency_us }
    }

    /// What a simulated body needs, whose halves interrupt one another as those of a loaded chip may; only the half that
    /// makes the edges of a train is interrupted by none.
    pub const SIMULATED: Self = Self { latency_us: 25, start_us: 25, train_us: 1, sound_us: 1 };

    /// What the image for the Pico needs. A first edge of the flagship comes up to 70 µs after its request with flash cache
    /// and USB modelled; those of a session's first step, behind its own beginning, up to 289 µs in the largest shipped
    /// protocols (emulated; `tests/stories/on_chip.rs`). The edges after it are made by the same half as in simulation; a
    /// sound's by P0 when it comes to it, behind an edge of the same microsecond that is answered first.
    pub const RP2040: Self = Self { latency_us: 250, start_us: 400, train_us: 1, sound_us: 100 };

    /// What a kind of board needs, by the name it has in its hello. Boards not in this table are held to the strictest.
    #[must_use]
    pub fn of_board(board: &str) -> Self {
        match board {
            "rp2040" | "rp2350" => Self::RP2040,
            _ => Self::SIMULATED,
        }
    }
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

/// Pairs the records of a session, within `tolerance`. `lists` are the pulses of its program's lists, in their places. `whole`
/// says that nothing is missing at the end, so that every edge must be there and every line disarmed.
pub fn pair(
    rig: &Rig,
    lists: &[ListPulse],
    records: impl Iterator<Item = (u64, Micros, Record)>,
    tolerance: Tolerance,
    whole: bool,
) -> Pairing {
    let mut gatherer = Gatherer::new(rig, tolerance, whole);
    for (number, at, record) in records {
        gatherer.take(number, at, record);
    }
    gatherer.pair(lists)
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

#[derive(Debug, Clone, Copy)]
struct Edge {
    number: u64,
    at: Micros,
    on: bool,
}

#[derive(Debug)]
struct Line {
    acts: Vec<Act>,
    /// Acts before this one have had an edge, so that no later verdict is theirs.
    answered: usize,
    edges: Vec<Edge>,
    role: Role,
}

impl Line {
    fn safe_on_trip(&self) -> bool {
        self.role.output().is_some_and(|output| output.limits.safe_on_trip)
    }

    /// Whether what it was asked for last outlives the session a trip has ended, if it is under way still: then the device
    /// says when it cuts it.
    fn carries_on(&self) -> bool {
        let asked = self.acts.last().and_then(|act| match act.what {
            What::Request(request) => request.train(),
            What::Cut => None,
        });
        !self.safe_on_trip() && !self.must_arm() && asked.is_some()
    }

    fn must_arm(&self) -> bool {
        self.role.output().is_some_and(|output| output.limits.must_arm)
    }

    /// Whether such a request can have had this verdict. A verdict does not name its request, and several may be made
    /// before the first is answered.
    fn may_be_refused(&self, request: &Request, verdict: Verdict) -> bool {
        let (train, Some(Output { limits, speaker, max_power_ppm })) = (request.train(), self.role.output()) else {
            return true;
        };
        let powered = max_power_ppm.is_some();
        let power_ppm = request.power_ppm();
        let on_us = train.map(|train| {
            let touching = touches(&train);
            if touching { train.length_us() - u64::from(train.delay_us) } else { u64::from(train.width_us) }
        });
        match (request, verdict) {
            (Request::Off, _) => false,
            (_, Verdict::OverMaxOn) => on_us.is_some_and(|on_us| on_us > u64::from(limits.max_on_us)),
            (Request::On, Verdict::NotAnOutput) => speaker,
            (_, Verdict::NotAnOutput) => {
                power_ppm.is_some() && !powered || train.is_some_and(|train| train.sounds() != speaker)
            }
            (_, Verdict::NoSuchPower) => {
                let last_ppm = train.and_then(|train| train.last_power_ppm());
                let no_such = |power_ppm| !(0..=FULL_POWER_PPM).contains(&power_ppm);
                powered && power_ppm.into_iter().chain(last_ppm).any(no_such)
            }
            _ => true,
        }
    }
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
    /// When the session began.
    start: Micros,
    tolerance: Tolerance,
    whole: bool,
    pairing: Pairing,
}

impl Gatherer {
    fn new(rig: &Rig, tolerance: Tolerance, whole: bool) -> Self {
        let line = |line: &RigLine| Line { acts: Vec::new(), answered: 0, edges: Vec::new(), role: line.role };
        Self {
            lines: rig.lines.iter().map(line).collect(),
            must_arm: rig.must_arm(),
            armed: 0,
            levels: 0,
            sure: 0,
            horizon: 0,
            end: None,
            start: 0,
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
            Record::Start { levels, .. } => (self.start, self.levels, self.sure) = (at, levels, u32::MAX),
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
                    Some(line) => {
                        line.edges.push(Edge { number, at, on });
                        let open = line.acts.iter().skip(line.answered);
                        let asked =
                            open.take_while(|act| act.at <= at).position(|act| matches!(act.what, What::Request(_)));
                        if let (true, Some(place)) = (on, asked) {
                            line.answered += place + 1;
                        }
                    }
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
            Record::Trip(_) => self.cut(number, at, |_, line| line.safe_on_trip()),
            // A reset leaves no word of what it cut.
            Record::End(EndReason::DeviceReset) => {}
            Record::End(reason) => {
                self.end = Some((number, at));
                let tripped = matches!(reason, EndReason::Tripped(_));
                self.cut(number, at, |_, line| !(tripped && line.carries_on()));
            }
            _ => {}
        }
    }

    fn verdict(&mut self, number: u64, at: Micros, line: LineId, verdict: Verdict) {
        match verdict {
            Verdict::CutAtMaxOn | Verdict::CutByDisarm | Verdict::CutByEnd => self.act(line, number, at, What::Cut),
            _ => {
                let of_start = at.saturating_sub(self.tolerance.start_us) <= self.start;
                let earliest = at.saturating_sub(self.tolerance.latency_us);
                let earliest = if of_start { earliest.min(self.start) } else { earliest };
                let asked = self.lines.get_mut(line.index()).and_then(|line| {
                    let fits = |act: &Act| match &act.what {
                        What::Request(request) => line.may_be_refused(request, verdict),
                        What::Cut => false,
                    };
                    // Of several requests in one breath it is the first that waits for its verdict; else the last one made.
                    let open = line.acts.iter().enumerate().skip(line.answered);
                    let just_now = open.clone().find(|(_, act)| act.at >= earliest && fits(act)).map(|(n, _)| n);
                    let asked = just_now.or_else(|| line.acts.iter().rposition(fits));
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

    fn pair(mut self, lists: &[ListPulse]) -> Pairing {
        let (start, tolerance) = (self.start, self.tolerance);
        if let (Some((number, at)), true) = (self.end, self.whole && self.armed != 0) {
            self.pairing.unpaired.push(Unpaired::LeftArmed { number, at, lines: self.armed });
        }
        let horizon = if self.whole { Micros::MAX } else { self.horizon };
        for (n, line) in self.lines.iter_mut().enumerate() {
            // Edges are stamped at the pin and written down when there is time, so they may stand a little out of order.
            line.edges.sort_by_key(|edge| (edge.at, edge.number));
            put_in_order(&mut line.acts);
            let mut matcher = Matcher {
                line: LineId(n as u8),
                edges: &line.edges,
                lists,
                level: false,
                changed_at: 0,
                start,
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

/// Whether its pulses are one at the pin.
fn touches(train: &Train) -> bool {
    let listed = matches!(train.carrier, Some(Carrier { wave: Wave::List { .. }, .. }));
    train.count > 1 && train.width_us >= train.period_us && !listed
}

/// Puts acts in the order the pin saw them: by their time, but a cut that was written down before a request came before
/// it was taken up, though its time lies behind the one the request was made at.
fn put_in_order(acts: &mut [Act]) {
    let mut keyed: Vec<(Micros, Act)> = acts.iter().map(|act| (act.at, *act)).collect();
    let mut next_request = Micros::MAX;
    for (key, act) in keyed.iter_mut().rev() {
        match act.what {
            What::Request(_) => next_request = next_request.min(act.at),
            What::Cut => *key = act.at.min(next_request),
        }
    }
    keyed.sort_by_key(|(key, act)| (*key, act.number));
    for (slot, (_, act)) in acts.iter_mut().zip(keyed) {
        *slot = act;
    }
}

/// Goes along the edges of one line.
struct Matcher<'e> {
    line: LineId,
    edges: &'e [Edge],
    lists: &'e [ListPulse],
    level: bool,
    /// When the line last changed.
    changed_at: Micros,
    start: Micros,
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
        (self.level, self.changed_at, self.edges) = (on, at, rest);
        true
    }

    fn meet(&mut self, due: Micros, on: bool, until: Micros, within_us: Micros) -> Met {
        // What comes before its time was not asked for; what comes once something else holds the line is for that to meet.
        let train_us = self.tolerance.train_us;
        let early = |edge: &Edge| edge.at.saturating_add(train_us) < due && edge.at < until;
        while self.edges.first().is_some_and(early) {
            self.take_unasked();
        }
        if self.level == on {
            return Met::NoChange;
        }
        let latest = due.saturating_add(within_us);
        // By then the next request is taken up, and whatever comes is that one's.
        let held = until.saturating_add(self.tolerance.latency_us.max(within_us));
        match self.edges.split_first() {
            Some((edge, rest))
                if edge.at.saturating_add(train_us) >= due && edge.at <= latest.min(held) && edge.on == on =>
            {
                (self.level, self.changed_at, self.edges) = (on, edge.at, rest);
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
                (self.level, self.changed_at, self.edges) = (true, at, rest);
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
            // Another power of a line that is on has no edge of its own.
            What::Request(Request::On | Request::Power { .. }) => {
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
        if let Met::Missing = self.meet(act.at, false, until, self.tolerance.latency_us(self.start, act.at)) {
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
        let on_us = train.length_us().saturating_sub(u64::from(train.delay_us));
        let touching = touches(train).then_some((0, on_us));
        let nothing = ListPulse { distance_us: 0, width_us: 0 };
        let (all, lists) = (if touching.is_some() { 0 } else { train.count }, self.lists);
        let train_of_all = Train { count: all, ..*train };
        let each = pulses::each(&train_of_all, |place| lists.get(place).copied().unwrap_or(nothing));
        if train.delay_us > 0 {
            // What was on before goes off while the train waits.
            self.off(act, until);
        }
        let latency_us = self.tolerance.latency_us(self.start, act.at);
        let mut first = act.at.saturating_add(u64::from(train.delay_us));
        // Whether an edge has told when the train really began. One that begins on a line already on shows none at first.
        let mut anchored = false;
        let mut missing: Option<(Micros, bool, u32)> = None;
        'pulses: for (n, (rises_us, width_us)) in touching.into_iter().chain(each).enumerate() {
            for on in [true, false] {
                // Worked out edge by edge: all others count from where the first one was.
                let rise = first.saturating_add(rises_us);
                let due = if on { rise } else { rise.saturating_add(width_us) };
                let is_first = n == 0 && on;
                // It holds the line until the next request is taken up; but of a train that has shown no edge nobody can
                // say which edges behind that request would be its own.
                let held_us = if anchored || is_first { latency_us } else { 0 };
                if due > until.saturating_add(held_us) || due > self.horizon || (endless && !on) {
                    break 'pulses;
                }
                let Tolerance { train_us, sound_us, .. } = self.tolerance;
                let within_us = match anchored {
                    false => latency_us,
                    true if train.sounds() => sound_us,
                    true => train_us,
                };
                let met = match self.meet(due, on, until, within_us) {
                    // What ran before was still on when this was asked for: taken up then, it shows no edge to on.
                    Met::Missing if is_first && self.changed_at >= due => Met::NoChange,
                    Met::Missing if is_first => self.late(act, due, until),
                    met => met,
                };
                match met {
                    Met::Edge { at } if !anchored => {
                        self.pairing.latency_us_max = self.pairing.latency_us_max.max(at.saturating_sub(due));
                        first = at.saturating_sub(due - first);
                        anchored = true;
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
