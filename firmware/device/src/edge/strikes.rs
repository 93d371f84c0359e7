//! Stories of a body that strikes: whatever moment of P0 an edge comes at, it is the same edge, once, and never one that is
//! not allowed any more.

mod plans;

use core::sync::atomic::AtomicU32;
use std::cell::Cell;
use std::collections::VecDeque;
use std::vec::Vec;

use link::pulses::{self, ListPulse};
use link::record::{Carrier, Request, Train, Wave};
use link::rig::{Duty, Limits, RigLine, Role, Total};
use link::{DisarmCause, LineId, Micros, TripCause, Verdict};
use proptest::prelude::*;

use super::Edge;
use super::tests::bench::{self, Bench, LASER, LASER_PIN, MASK, MASK_PIN, WATER, WATER_PIN};
use crate::board::{Board, STRIKES_MAX, Sound, Strike};
use crate::messages::{ORDER_WORDS, Order, ReportQueue, Reports, ReportsIn, What, pack_request};
use crate::orders::{OrderQueue, OrdersOut};
use crate::storage::Shared;

/// The longest that P0 is late in these stories, in µs: less than it thinks ahead.
const LATE_US: u64 = 150;

/// A light that carries a power, with a limit of every kind.
const HOUSE: u8 = 6;
const HOUSE_PIN: u8 = 14;

fn house() -> RigLine {
    let limits = Limits {
        min_off_us: 190,
        duty: Some(Duty { window_us: 80_000, on_us: 30_000 }),
        total: Total { pulses: 90, on_us: 90_000, dose_us: 50_000, pulse_dose_us: 10 },
        ..Limits::on_for(9_000)
    };
    let role = Role::Powered { limits, max_power_ppm: 900_000, frequency_mhz: 20_000_000 };
    RigLine { pin: HOUSE_PIN, active_high: false, role }
}

/// The bench with a strike alarm, and with time that may pass at any one of the calls P0 makes.
struct Striker {
    bench: Bench,
    foretold: VecDeque<Strike>,
    struck: VecDeque<Micros>,
    /// Whether it strikes by itself; otherwise it is the body that P0 drives alone.
    strikes: bool,
    /// So many calls from now, so much time passes.
    pause: Option<(u32, Micros)>,
    /// The same anew whenever P0 is polled.
    pauses: Option<(u32, Micros)>,
    /// How often P0 asked whether an input waits; every third time one does.
    asked: Cell<u32>,
    /// So much later than foretold the next strike is made.
    held_up_us: Micros,
}

impl Striker {
    fn now(&self) -> Micros {
        self.bench.now.get()
    }

    /// Time goes on to `until`; what is foretold is done at its time.
    fn pass(&mut self, until: Micros) {
        while let Some(strike) = self.foretold.front().copied().filter(|strike| strike.at <= until) {
            self.foretold.pop_front();
            let at = strike.at.max(self.now()) + core::mem::take(&mut self.held_up_us);
            self.bench.now.set(at);
            self.bench.drive(strike.high, strike.low);
            self.struck.push_back(at);
        }
        self.bench.now.set(until.max(self.now()));
    }

    fn point(&mut self) {
        match self.pause.take() {
            Some((0, us)) => self.pass(self.now() + us),
            Some((calls, us)) => self.pause = Some((calls - 1, us)),
            None => self.pass(self.now()),
        }
    }
}

impl Board for Striker {
    type Output = bench::Pin;
    type Input = bench::Pin;

    const STRIKES: usize = STRIKES_MAX;

    fn foretell(&mut self, strikes: &[Strike]) -> bool {
        if !self.strikes {
            return true;
        }
        self.point();
        if !self.struck.is_empty() {
            return false;
        }
        assert!(strikes.is_sorted_by_key(|strike| strike.at) && strikes.len() <= STRIKES_MAX);
        self.foretold = strikes.iter().copied().collect();
        self.point();
        true
    }
    fn struck(&mut self) -> Option<Micros> {
        self.point();
        self.struck.pop_front()
    }
    fn interrupted(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.strikes && self.asked.get().is_multiple_of(3)
    }
    // It reads the clock right behind a store, or before it works out a plan: nothing passes in between.
    fn moment(&mut self, now: Micros) -> Micros {
        if self.strikes { self.now() } else { now }
    }
    fn set_up(&mut self, line: &RigLine) -> bool {
        self.bench.set_up(line)
    }
    fn output(&mut self, pin: u8) -> Option<&mut bench::Pin> {
        self.point();
        self.bench.output(pin)
    }
    fn input(&mut self, pin: u8) -> Option<&mut bench::Pin> {
        self.bench.input(pin)
    }
    fn tone(&mut self, pin: u8, sound: Option<&Sound>) {
        self.bench.tone(pin, sound);
    }
    fn power(&mut self, pin: u8, power_ppm: i32) -> bool {
        self.bench.power(pin, power_ppm)
    }
    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        self.point();
        self.bench.pad_is_high(pin)
    }
    fn drive(&mut self, high: u32, low: u32) -> u32 {
        self.point();
        self.bench.drive(high, low)
    }
}

/// P0 on that bench.
struct Box<'s> {
    edge: Edge<'s>,
    board: Striker,
    orders: OrdersOut<'s>,
    reports: ReportsIn<'s>,
    told: Vec<(Micros, What)>,
}

/// Tells a story with a session under way, the laser armed; its value.
fn story<T>(strikes: bool, tell: impl FnOnce(&mut Box<'_>) -> T) -> T {
    let (mut orders, mut reports) = (OrderQueue::new(), ReportQueue::new());
    let shared = Shared::new();
    for place in 0..20 {
        shared.scores.put(place, pulse(place));
    }
    let ((to_edge, from_core), (to_core, from_edge)) = (orders.split(), reports.split());
    let board = Striker {
        bench: Bench::new(),
        foretold: VecDeque::new(),
        struck: VecDeque::new(),
        strikes,
        pause: None,
        pauses: None,
        asked: Cell::new(0),
        held_up_us: 0,
    };
    let edge = Edge::new(from_core, Reports::new(to_core, &shared.answers, &shared.scores), &shared);
    let mut story = Box { edge, board, orders: to_edge, reports: from_edge, told: Vec::new() };
    story.order(Order::Clear { silence_us: u32::MAX });
    for (n, line) in bench::rig().lines.iter().enumerate() {
        story.order(Order::Line(LineId(n as u8), *line));
    }
    story.order(Order::Line(LineId(HOUSE), house()));
    story.order(Order::Begin);
    story.order(Order::Arm(LineId(LASER).bit()));
    story.poll();
    tell(&mut story)
}

impl Box<'_> {
    fn order(&mut self, order: Order) {
        assert!(self.orders.enqueue(&order));
    }

    fn poll(&mut self) {
        self.board.pause = self.board.pauses;
        self.edge.poll(self.board.now(), &mut self.board);
        self.told.extend(core::iter::from_fn(|| self.reports.dequeue()).map(|report| (report.at, report.what)));
    }

    /// Time goes on to `until`; P0 comes as late each time as `late` says.
    fn at(&mut self, until: Micros, mut late: impl FnMut() -> u64) {
        while let Some(due) = self.edge.poll_at().filter(|due| *due <= until) {
            // What P0 asks for at once, nothing delays.
            let late_us = if due == 0 { 0 } else { late() };
            let at = (due.max(self.board.now()) + late_us).min(until);
            self.board.pass(at);
            self.poll();
        }
        self.board.pass(until);
    }

    /// What was told of the edges of a line, in the order of their times.
    fn edges(&self, line: u8) -> Vec<(Micros, bool)> {
        let mut edges: Vec<_> = self
            .told
            .iter()
            .filter_map(|(at, what)| match what {
                What::Edge { line: of, on } if of.0 == line => Some((*at, *on)),
                _ => None,
            })
            .collect();
        edges.sort_by_key(|(at, _)| *at);
        edges
    }

    /// What was told of a line besides, in the order of their times.
    fn verdicts(&self, line: u8) -> Vec<(Micros, Verdict)> {
        let told = self.told.iter().filter_map(|(at, what)| match what {
            What::Verdict { line: of, verdict } if of.0 == line => Some((*at, *verdict)),
            _ => None,
        });
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(at, _)| *at);
        told
    }

    /// The power that a pin had each time it went on.
    fn powers(&self, pin: u8, on: bool) -> Vec<i32> {
        let bench = &self.board.bench;
        let set = |at: Micros| bench.powers.iter().filter(move |(when, of, _)| *of == pin && *when <= at);
        let rises = bench.changes_of(pin).into_iter().filter(|(_, high)| *high == on);
        rises.map(|(at, _)| set(at).next_back().map_or(0, |(_, _, power_ppm)| *power_ppm)).collect()
    }
}

fn train(delay_us: u32, width_us: u32, gap_us: u32, count: u32) -> Request {
    Request::Train(Train { delay_us, width_us, period_us: width_us + gap_us, count, carrier: None })
}

fn bursts(request: Request, pulses: u16, pause_us: u32) -> Request {
    let Request::Train(train) = request else { return request };
    let interval_us = train.period_us * (u32::from(pulses) - 1) + train.width_us + pause_us;
    let wave = Wave::Bursts { pulses, interval_us, powered: false };
    Request::Train(Train { carrier: Some(Carrier::silent(wave)), ..train })
}

/// The pulses that lie ready in every story; each may be the last of a list.
fn pulse(place: u16) -> ListPulse {
    let (width_us, place) = ([3, 700, 12, 45, 2_400][usize::from(place) % 5], u32::from(place));
    ListPulse { distance_us: width_us + 210 + place * 97, width_us }
}

fn list(delay_us: u32, first: u16, count: u32) -> Request {
    let last = first + count as u16 - 1;
    let pulses = (first..=last).map(|place| match pulse(place) {
        one if place == last => ListPulse { distance_us: 0, ..one },
        one => one,
    });
    Request::Train(pulses::list(delay_us, first, pulses).expect("a list that can be played"))
}

/// A train whose power changes from pulse to pulse.
fn ramp(request: Request, power_ppm: i32, step_ppm: i32) -> Request {
    let Request::Train(train) = request else { return request };
    let carrier = Carrier { level_cdb: power_ppm, ..Carrier::silent(Wave::Ramp { step_ppm }) };
    Request::Train(Train { carrier: Some(carrier), ..train })
}

const LINES: [(u8, u8); 4] = [(WATER, WATER_PIN), (MASK, MASK_PIN), (LASER, LASER_PIN), (HOUSE, HOUSE_PIN)];

fn requests() -> impl Strategy<Value = Vec<(u64, usize, Request)>> {
    let delay = prop_oneof![Just(0_u32), 10..3_000_u32];
    let width = prop_oneof![5..40_u32, 1..5_000_u32];
    let request = prop_oneof![
        1 => Just(Request::Off),
        1 => Just(Request::On),
        6 => (delay.clone(), width.clone(), 200..3_000_u32, 1..40_u32)
            .prop_map(|(delay, width, gap, count)| train(delay, width, gap, count)),
        2 => (delay.clone(), width, 200..3_000_u32, 1..40_u32, 2..6_u16, 200..9_000_u32)
            .prop_map(|(delay, width, gap, count, pulses, pause)| bursts(train(delay, width, gap, count), pulses, pause)),
        2 => (delay.clone(), 0..8_u16, 1..12_u32).prop_map(|(delay_us, first, count)| list(delay_us, first, count)),
    ];
    let powered = prop_oneof![
        1 => (0..1_000_000_i32).prop_map(|power_ppm| Request::Power { power_ppm }),
        4 => (delay, 1..900_u32, 200..3_000_u32, 1..16_u32, 0..900_000_i32, -60_000..60_000_i32).prop_map(
            |(delay, width, gap, count, power, step)| ramp(train(delay, width, gap, count), power, step)
        ),
    ];
    let line = 0..LINES.len();
    let one = prop_oneof![
        3 => (line, request),
        1 => powered.prop_map(|request| (LINES.len() - 1, request)),
    ];
    prop::collection::vec((1..30_000_u64, one).prop_map(|(wait_us, (line, request))| (wait_us, line, request)), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(assembler::random::cases(200) as u32))]

    /// Trains at any phase to one another, replaced and ended at any moment: with a body that strikes, P0 may come late, and
    /// every edge is where it would be if P0 were always in time; so is its record, its power, and what its limits refuse.
    #[test]
    fn edges_are_where_they_would_be_if_p0_were_never_late(acts in requests(), seed in any::<u32>()) {
        let run = |strikes: bool| story(strikes, |b| {
            let mut dice = seed;
            for (wait_us, line, request) in &acts {
                let until = b.board.now() + wait_us;
                b.at(until, || {
                    dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if strikes { u64::from(dice >> 16) % (LATE_US + 1) } else { 0 }
                });
                b.order(Order::Request(LineId(LINES[*line].0), *request));
                b.poll();
            }
            let end = b.board.now() + 700_000;
            b.at(end, || if strikes { LATE_US } else { 0 });
            LINES.map(|(line, pin)| {
                // What is on when its pin is low.
                let on = line != HOUSE;
                let pins = b.board.bench.changes_of(pin).into_iter().map(|(at, high)| (at, high == on));
                (pins.collect::<Vec<_>>(), b.edges(line), b.verdicts(line), b.powers(pin, on))
            })
        });
        let (struck, driven) = (run(true), run(false));
        for ((pins, told, ..), (of, _)) in struck.iter().zip(LINES) {
            prop_assert_eq!(pins, told, "line {}: every change is told once, with its time", of);
        }
        prop_assert_eq!(struck, driven);
    }
}

/// Whatever P0 is told while a train runs, and at whichever of its calls the time of an edge comes: the pin does what is told
/// of it, and once it is safe it stays so.
#[test]
fn an_edge_that_comes_in_the_midst_of_an_order_is_made_once_or_not_at_all() {
    let orders = [
        Order::Disarm(u32::MAX, DisarmCause::Operator),
        Order::Trip(TripCause::HostAbort),
        Order::End,
        Order::Request(LineId(LASER), Request::Off),
        Order::Request(LineId(LASER), Request::On),
        Order::Request(LineId(LASER), train(50, 7, 5, 3)),
        Order::Request(LineId(LASER), train(0, 30, 5, 3)),
        Order::Request(LineId(WATER), train(0, 30, 5, 3)),
    ];
    let mut struck_within = 0;
    for order in orders {
        for calls in 0..24 {
            for pause_us in [1, 8, 23, 60] {
                struck_within += story(true, |b| {
                    b.order(Order::Request(LineId(LASER), train(100, 10, 20, 50)));
                    b.order(Order::Request(LineId(MASK), train(105, 10, 13, 50)));
                    b.poll();
                    let ordered_at = b.board.now() + 98;
                    b.at(ordered_at, || 0);
                    b.order(order);
                    b.board.pauses = Some((calls, pause_us));
                    let before = b.told.len();
                    b.poll();
                    let within = b.told.iter().skip(before).filter(|(at, _)| *at > ordered_at).count();
                    let safe_at = b.board.now();
                    let made_safe = !matches!(order, Order::Request(..));
                    b.at(safe_at + 50_000, || 0);
                    for (line, pin) in LINES {
                        let changes = b.board.bench.changes_of(pin);
                        assert_eq!(changes, b.edges(line), "{order:?}, {pause_us} µs at call {calls}, line {line}");
                        if made_safe && line == LASER {
                            let after = changes.iter().find(|(at, on)| *on && *at > safe_at);
                            assert_eq!(after, None, "{order:?}, {pause_us} µs at call {calls}: on after it was safe");
                            assert!(!b.board.bench.is_high(pin));
                        }
                    }
                    within
                });
            }
        }
    }
    assert!(struck_within > 100, "edges came in the midst of it: {struck_within}");
}

/// What P0 answers an edge with is not followed by a poll of its own: it asks for one in time for the end.
#[test]
fn what_an_edge_was_answered_with_ends_when_it_is_to_end() {
    for (width_us, strikes) in [(30, true), (200, true), (4_000, true), (30, false), (4_000, false)] {
        story(strikes, |b| {
            let now = b.board.now();
            let request = train(0, width_us, 0, 1);
            let slots = [[const { AtomicU32::new(0) }; ORDER_WORDS]];
            pack_request(LineId(LASER), &request, &slots[0]);
            b.edge.answer_with(&slots, now, &mut b.board);
            b.at(now + 100_000, || 0);
            let pulse = [(now, true), (now + u64::from(width_us), false)];
            assert_eq!(b.board.bench.changes_of(LASER_PIN), pulse, "{width_us} µs");
        });
    }
    story(true, |b| {
        let now = b.board.now();
        b.edge.guard.levels(LineId(LASER).bit(), 0, now, &mut b.board, &mut b.edge.reports);
        b.at(now + 10_000_000, || 0);
        assert_eq!(b.board.bench.changes_of(LASER_PIN), [(now, true), (now + 5_000_000, false)], "cut at its limit");
    });
}

#[test]
fn a_strike_that_the_pad_does_not_follow_trips() {
    story(true, |b| {
        b.order(Order::Request(LineId(LASER), train(1_000, 100, 200, 5)));
        b.poll();
        b.board.bench.stick(LASER_PIN, Some(false));
        let end = b.board.now() + 5_000;
        b.at(end, || 20);
        let trips =
            b.told.iter().filter(|(_, what)| *what == What::Trip(TripCause::PadMismatch(LineId(LASER)))).count();
        assert_eq!(trips, 1);
        assert_eq!(b.edges(LASER).len(), 2, "and the train is over");
    });
}

#[test]
fn requests_for_one_line_leave_what_is_foretold_for_another() {
    story(true, |b| {
        b.order(Order::Request(LineId(LASER), train(100, 10, 200, 5)));
        b.poll();
        let foretold = b.board.foretold.clone();
        assert_eq!(foretold.len(), 2, "the first rise and its fall");
        b.order(Order::Request(LineId(WATER), Request::On));
        b.poll();
        assert_eq!(b.board.foretold, foretold);
    });
}

/// Pulses closer to one another than P0 may be late are made by the body alone: as many as were asked for, and none behind.
#[test]
fn however_late_p0_comes_no_pulse_follows_on_the_last() {
    for late_us in (0..=LATE_US).step_by(10) {
        let pulses = story(true, |b| {
            b.order(Order::Request(LineId(LASER), train(100, 10, 20, 3)));
            b.poll();
            let in_the_last = b.board.now() + 165;
            b.at(in_the_last, || 0);
            b.at(in_the_last + 5_000, || late_us);
            b.board.bench.changes_of(LASER_PIN)
        });
        assert_eq!(pulses, [100, 130, 160].map(|at| [(at, true), (at + 10, false)]).concat(), "{late_us} µs late");
    }
}
