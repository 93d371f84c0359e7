//! Stories of P0 alone: orders in, pins and reports out.

#[path = "../../tests/common/bench.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
pub(super) mod bench;

mod courses;
mod ends;
mod limits;
mod powers;

use std::vec::Vec;

use link::record::{Carrier, Request, Train, Wave};
use link::rig::{Limits, RigLine, Role};
use link::{DisarmCause, LineId, Micros, TripCause, Verdict};
use proptest::prelude::*;

use super::{CARRIED_ON_US, Edge};
use crate::board::{Board, Sound};
use crate::messages::{Order, ReportQueue, Reports, ReportsIn, What};
use crate::orders::{OrderQueue, OrdersOut};
use crate::storage::Shared;
use bench::*;

/// P0 on the bench, with P1's ends of its queues in our hands.
pub(super) struct Box<'s> {
    pub(super) edge: Edge<'s>,
    pub(super) board: Bench,
    orders: OrdersOut<'s>,
    reports: ReportsIn<'s>,
    pub(super) shared: &'s Shared,
    now: Micros,
}

/// Tells a story with a session under way since 1 ms; nobody listens to silence unless the story says so.
pub(super) fn story(tell: impl FnOnce(&mut Box<'_>)) {
    let (mut orders, mut reports) = (OrderQueue::new(), ReportQueue::new());
    let shared = Shared::new();
    let (to_edge, from_core) = orders.split();
    let (to_core, from_edge) = reports.split();
    let mut story = Box {
        edge: Edge::new(from_core, Reports::new(to_core, &shared.answers, &shared.scores), &shared),
        board: Bench::new(),
        orders: to_edge,
        reports: from_edge,
        shared: &shared,
        now: 1_000,
    };
    story.board.put(LEVER_PIN, true);
    story.order(Order::Clear { silence_us: u32::MAX });
    for (n, line) in rig().lines.iter().enumerate() {
        story.order(Order::Line(LineId(n as u8), *line));
    }
    story.order(Order::CheckRig);
    story.order(Order::Begin);
    story.at(1_000);
    assert_eq!(story.told(), [(1_000, What::Rig { good: true }), (1_000, What::Begun { levels: 0 })]);
    tell(&mut story);
}

impl Box<'_> {
    pub(super) fn order(&mut self, order: Order) {
        assert!(self.orders.enqueue(&order), "P1 never sends more than the queue holds");
    }

    /// Asks for something and lets P0 take it up at once.
    pub(super) fn ask(&mut self, line: u8, request: Request) {
        self.order(Order::Request(LineId(line), request));
        self.poll();
    }

    pub(super) fn poll(&mut self) {
        self.board.now.set(self.now);
        self.edge.poll(self.now, &mut self.board);
    }

    /// Polls exactly when P0 asks to be polled, up to and with `until`.
    fn at(&mut self, until: Micros) {
        while let Some(due) = self.edge.poll_at().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.poll();
        }
        self.now = until;
    }

    /// Polls once at `now`, however late that is.
    pub(super) fn late(&mut self, now: Micros) {
        self.now = now;
        self.poll();
    }

    /// Someone outside changes an input pin.
    pub(super) fn pin(&mut self, at: Micros, pin: u8, high: bool) {
        self.at(at);
        self.board.put(pin, high);
        self.edge.changed(at, pin, high);
    }

    pub(super) fn told(&mut self) -> Vec<(Micros, What)> {
        core::iter::from_fn(|| self.reports.dequeue()).map(|report| (report.at, report.what)).collect()
    }

    pub(super) fn arm(&mut self, line: u8) {
        self.order(Order::Arm(LineId(line).bit()));
        self.poll();
        assert_eq!(self.told(), [(self.now, What::Armed(LineId(line).bit()))]);
    }
}

fn input(at: Micros, line: u8, active: bool) -> (Micros, What) {
    (at, What::Input { line: LineId(line), active })
}

fn edge(at: Micros, line: u8, on: bool) -> (Micros, What) {
    (at, What::Edge { line: LineId(line), on })
}

fn verdict(at: Micros, line: u8, verdict: Verdict) -> (Micros, What) {
    (at, What::Verdict { line: LineId(line), verdict })
}

fn train(delay_us: u32, width_us: u32, period_us: u32, count: u32) -> Request {
    Request::Train(Train { delay_us, width_us, period_us, count, carrier: None })
}

#[test]
fn a_bouncing_lever_is_one_press_stamped_at_its_first_touch() {
    story(|b| {
        for (at, high) in [(2_000, false), (2_100, true), (2_150, false), (3_000, true), (3_020, false)] {
            b.pin(at, LEVER_PIN, high);
        }
        b.at(100_000);
        assert_eq!(b.told(), [input(2_000, LEVER, true)]);
        b.pin(100_000, LEVER_PIN, true);
        b.at(200_000);
        assert_eq!(b.told(), [input(100_000, LEVER, false)]);
    });
}

#[test]
fn a_touch_shorter_than_the_window_ends_with_the_window() {
    story(|b| {
        b.pin(2_000, SPOUT_PIN, true);
        b.pin(2_300, SPOUT_PIN, false);
        b.at(10_000);
        assert_eq!(b.told(), [input(2_000, SPOUT, true), input(3_000, SPOUT, false)]);
    });
}

#[test]
fn the_edge_at_the_end_of_a_window_opens_a_window_of_its_own() {
    story(|b| {
        b.pin(2_000, SPOUT_PIN, true);
        b.pin(2_300, SPOUT_PIN, false);
        b.pin(3_400, SPOUT_PIN, true);
        b.at(10_000);
        let told = b.told();
        assert_eq!(told, [input(2_000, SPOUT, true), input(3_000, SPOUT, false), input(4_000, SPOUT, true)]);
    });
}

#[test]
fn an_edge_before_a_late_poll_still_finds_the_window_closed_in_time() {
    story(|b| {
        b.pin(2_000, SPOUT_PIN, true);
        b.pin(2_300, SPOUT_PIN, false);
        // P0 is not polled at 3000, when the window ends; the next lick comes first.
        b.board.put(SPOUT_PIN, true);
        b.edge.changed(4_500, SPOUT_PIN, true);
        b.at(10_000);
        let told = b.told();
        assert_eq!(told, [input(2_000, SPOUT, true), input(3_000, SPOUT, false), input(4_500, SPOUT, true)]);
    });
}

#[test]
fn a_storm_of_edges_is_counted_and_trips() {
    story(|b| {
        let mut steady = 0;
        for n in 0..1_000 {
            b.now = 10_000 + n * 2_000;
            b.board.put(SPOUT_PIN, n % 2 == 0);
            b.edge.changed(b.now, SPOUT_PIN, n % 2 == 0);
        }
        b.poll();
        let told = b.told();
        steady += told.iter().filter(|(_, what)| matches!(what, What::Input { .. })).count();
        assert_eq!(told.last().map(|(_, what)| *what), Some(What::Trip(TripCause::Lost)));
        b.at(b.now + 1);
        assert_eq!(b.told(), [(b.now - 1, What::Lost(1_000 - steady as u32))], "told once there is room");
    });
}

#[test]
fn a_drop_opens_the_valve_for_its_width_and_not_a_microsecond_more() {
    story(|b| {
        b.now = 5_000;
        b.ask(WATER, Request::Deliver { volume_nl: 20_000, width_us: 83_000 });
        b.at(1_000_000);
        assert_eq!(b.told(), [edge(5_000, WATER, true), edge(88_000, WATER, false)]);
        assert_eq!(b.board.changes_of(WATER_PIN), [(5_000, true), (88_000, false)]);
    });
}

#[test]
fn a_million_pulses_stay_on_the_grid() {
    story(|b| {
        let (start, period) = (7_003, 50);
        b.now = start;
        b.ask(MASK, train(0, 5, period, 1_000_000));
        for n in 0..1_000_000_u64 {
            let rise = start + n * u64::from(period);
            b.at(rise + 5);
            let told = b.told();
            assert_eq!(told, [edge(rise, MASK, true), edge(rise + 5, MASK, false)], "pulse {n}");
        }
        assert_eq!(b.edge.poll_at(), Some(1_000 + u64::from(u32::MAX)), "nothing is left but to listen for the host");
    });
}

#[test]
fn what_is_due_in_one_microsecond_is_driven_by_one_store() {
    story(|b| {
        b.now = 10_000;
        b.arm(LASER);
        b.board.drives.clear();
        for line in [WATER, MASK, LASER] {
            b.order(Order::Request(LineId(line), train(0, 5_000, 50_000, 2)));
        }
        b.at(100_000);
        let together = 1 << WATER_PIN | 1 << MASK_PIN | 1 << LASER_PIN;
        let expected = [10_000, 60_000].map(|rise| [(rise, together, 0), (rise + 5_000, 0, together)]).concat();
        assert_eq!(b.board.drives, expected);
        let told: Vec<_> = b.told().into_iter().filter(|(at, _)| *at == 10_000).collect();
        assert_eq!(told, [edge(10_000, WATER, true), edge(10_000, MASK, true), edge(10_000, LASER, true)]);
    });
}

#[test]
fn a_line_asked_twice_at_once_has_both_its_edges() {
    story(|b| {
        b.now = 10_000;
        for request in [Request::On, Request::Off, Request::On] {
            b.order(Order::Request(LineId(MASK), request));
        }
        b.poll();
        assert_eq!(b.told(), [true, false, true].map(|on| edge(10_000, MASK, on)));
    });
}

#[test]
fn a_late_edge_is_late_alone() {
    story(|b| {
        b.now = 10_000;
        b.ask(MASK, train(0, 200, 1_000, 1_000));
        let mut lateness: u64 = 3;
        for n in 1..1_000 {
            // Every poll comes some microseconds late, never by as much as a gap.
            lateness = (lateness * 7 + 5) % 101;
            let fall = b.edge.poll_at().unwrap();
            b.late(fall + lateness % 7);
            let rise = b.edge.poll_at().unwrap();
            assert_eq!(rise, 10_000 + n * 1_000, "the grid does not move");
            b.late(rise + lateness);
            assert_eq!(b.edge.poll_at(), Some(rise + lateness + 200), "a pulse keeps its width from its own edge");
            b.told();
        }
    });
}

#[test]
fn a_pulse_left_out_is_never_left_out_in_silence() {
    story(|b| {
        b.now = 10_000;
        b.ask(MASK, train(0, 200, 1_000, 50));
        b.at(10_200);
        b.told();
        b.late(14_500);
        assert_eq!(b.told(), [(14_500, What::Trip(TripCause::TooLate)), edge(14_500, MASK, true)]);
        b.at(200_000);
        let last = b.told().last().copied();
        assert_eq!(last, Some(edge(10_000 + 49_000 + 200, MASK, false)), "and the train keeps its end");
    });
}

#[test]
fn pulses_that_touch_are_one_pulse_and_are_limited_as_one() {
    story(|b| {
        b.now = 10_000;
        b.ask(WATER, train(0, 1_000, 1_000, 5));
        b.at(100_000);
        assert_eq!(b.told(), [edge(10_000, WATER, true), edge(15_000, WATER, false)]);
        b.ask(WATER, train(0, 1_000, 1_000, 501));
        assert_eq!(b.told(), [verdict(100_000, WATER, Verdict::OverMaxOn)]);
    });
}

#[test]
fn what_is_longer_than_max_on_is_refused_whole_and_what_has_no_end_is_cut() {
    story(|b| {
        b.now = 10_000;
        b.ask(WATER, Request::Deliver { volume_nl: 1, width_us: WATER_MAX_ON_US + 1 });
        assert_eq!(b.told(), [verdict(10_000, WATER, Verdict::OverMaxOn)]);
        assert_eq!(b.board.changes_of(WATER_PIN), []);

        b.ask(WATER, Request::Deliver { volume_nl: 1, width_us: WATER_MAX_ON_US });
        b.at(600_000);
        assert_eq!(b.told(), [edge(10_000, WATER, true), edge(510_000, WATER, false)], "max_on itself is allowed");

        b.ask(WATER, Request::On);
        b.at(800_000);
        b.ask(WATER, Request::On);
        b.at(2_000_000);
        let cut = 600_000 + u64::from(WATER_MAX_ON_US);
        let expected = [edge(600_000, WATER, true), verdict(cut, WATER, Verdict::CutAtMaxOn), edge(cut, WATER, false)];
        assert_eq!(b.told(), expected, "asking again does not start the limit anew");
    });
}

#[test]
fn a_request_replaces_what_runs_and_no_net_change_is_no_edge() {
    story(|b| {
        b.now = 10_000;
        b.ask(MASK, Request::On);
        b.now = 11_000;
        b.ask(MASK, train(0, 300, 1_000, 1));
        b.at(12_000);
        assert_eq!(b.told(), [edge(10_000, MASK, true), edge(11_300, MASK, false)]);
        b.ask(MASK, train(500, 300, 1_000, 10));
        b.at(13_000);
        b.ask(MASK, Request::Off);
        b.ask(MASK, Request::Off);
        b.at(100_000);
        assert_eq!(b.told(), [edge(12_500, MASK, true), edge(12_800, MASK, false)]);
    });
}

#[test]
fn only_what_a_line_can_do_is_done() {
    story(|b| {
        let wave = Wave::Sine { frequency_mhz: 8_000_000 };
        let tone = Carrier { wave, level_cdb: 7_000, amplitude: 3_685, ramp_us: 5_000 };
        let sound = Sound { wave, amplitude: 3_685, ramp_us: 5_000, length_us: 300_000 };
        let play = Request::Train(Train { carrier: Some(tone), ..Train::pulse(300_000) });
        b.now = 10_000;
        for (line, request) in [(LEVER, Request::On), (31, Request::On), (200, Request::On), (CUE, Request::On)] {
            b.ask(line, request);
            assert_eq!(b.told(), [verdict(10_000, line, Verdict::NotAnOutput)], "{request:?} on line {line}");
        }
        b.ask(MASK, play);
        assert_eq!(b.told(), [verdict(10_000, MASK, Verdict::NotAnOutput)], "a light cannot play a tone");
        b.board.tones.clear();
        b.ask(CUE, play);
        b.at(400_000);
        assert_eq!(b.told(), [edge(10_000, CUE, true), edge(310_000, CUE, false)]);
        assert_eq!(b.board.tones, [(10_000, CUE_PIN, Some(sound)), (310_000, CUE_PIN, None)]);
    });
}

#[test]
fn an_unarmed_laser_pulse_is_withheld_and_never_made_up_for() {
    story(|b| {
        b.now = 10_000;
        b.ask(LASER, train(0, 5_000, 50_000, 20));
        assert_eq!(b.told(), [verdict(10_000, LASER, Verdict::Withheld)]);
        b.now = 20_000;
        b.arm(LASER);
        b.at(2_000_000);
        assert_eq!(b.board.changes_of(LASER_PIN), [], "arming later brings nothing back");
        b.ask(LASER, train(0, 5_000, 50_000, 1));
        b.at(3_000_000);
        assert_eq!(b.told(), [edge(2_000_000, LASER, true), edge(2_005_000, LASER, false)]);
    });
}

#[test]
fn disarming_cuts_the_pulse_that_is_on() {
    story(|b| {
        b.now = 10_000;
        b.arm(LASER);
        b.ask(LASER, train(0, 5_000, 50_000, 20));
        b.at(61_000);
        b.told();
        b.order(Order::Disarm(u32::MAX, DisarmCause::Operator));
        b.at(62_000);
        let armed = LineId(LASER).bit();
        let expected = [
            (61_000, What::Disarmed(armed, DisarmCause::Operator)),
            verdict(61_000, LASER, Verdict::CutByDisarm),
            edge(61_000, LASER, false),
        ];
        assert_eq!(b.told(), expected);
        b.at(10_000_000);
        assert_eq!(b.told(), []);
    });
}

#[test]
fn a_trip_makes_safe_what_must_be_safe_and_lets_the_rest_carry_on() {
    story(|b| {
        b.now = 10_000;
        b.arm(LASER);
        for line in [WATER, MASK, LASER] {
            b.ask(line, train(0, 5_000, 50_000, 20));
        }
        b.at(11_000);
        b.told();
        b.order(Order::Trip(TripCause::HostAbort));
        b.at(12_000);
        let expected = [
            (11_000, What::Trip(TripCause::HostAbort)),
            verdict(11_000, WATER, Verdict::CutByEnd),
            verdict(11_000, LASER, Verdict::CutByEnd),
            edge(11_000, WATER, false),
            edge(11_000, LASER, false),
            (11_000, What::Disarmed(LineId(LASER).bit(), DisarmCause::Trip)),
        ];
        assert_eq!(b.told(), expected);
        b.ask(WATER, Request::On);
        assert_eq!(b.told(), [verdict(12_000, WATER, Verdict::Tripped)]);
        b.order(Order::Arm(LineId(LASER).bit()));
        b.order(Order::Reset);
        b.order(Order::Arm(LineId(LASER).bit()));
        b.poll();
        let refused = (12_000, What::NotArmed { key_off: false });
        assert_eq!(b.told(), [refused, refused], "latched: in a session nothing makes it forget");
        b.at(2_000_000);
        let on = b.told().iter().filter(|(_, what)| matches!(what, What::Edge { on: true, .. })).count();
        assert_eq!(on, 19, "the masking light goes through all its pulses");
    });
}

#[test]
fn nothing_arms_on_a_pad_that_does_not_read_safe() {
    story(|b| {
        b.board.stick(LASER_PIN, Some(true));
        b.now = 10_000;
        b.order(Order::Arm(LineId(LASER).bit()));
        b.poll();
        let trip = TripCause::PadMismatch(LineId(LASER));
        assert_eq!(b.told(), [(10_000, What::Trip(trip)), (10_000, What::NotArmed { key_off: false })]);
    });
}

#[test]
fn a_valve_that_does_not_close_trips_and_says_so() {
    story(|b| {
        b.now = 10_000;
        b.ask(WATER, Request::Deliver { volume_nl: 1, width_us: 1_000 });
        b.board.stick(WATER_PIN, Some(true));
        b.at(20_000);
        let trip = What::Trip(TripCause::PadMismatch(LineId(WATER)));
        assert_eq!(b.told(), [edge(10_000, WATER, true), edge(11_000, WATER, false), (11_000, trip)]);
    });
}

#[test]
fn a_silent_host_disarms_within_its_limit_and_only_then() {
    story(|b| {
        b.order(Order::Clear { silence_us: 250_000 });
        for (n, line) in rig().lines.iter().enumerate() {
            b.order(Order::Line(LineId(n as u8), *line));
        }
        b.order(Order::Begin);
        b.poll();
        b.told();
        b.arm(LASER);
        for heard in [100_000_u32, 300_000, 500_000] {
            b.at(heard.into());
            b.shared.heard.store(heard, core::sync::atomic::Ordering::Release);
        }
        b.ask(LASER, Request::On);
        b.at(749_999);
        assert_eq!(b.told(), [edge(500_000, LASER, true)]);
        b.at(750_000);
        let armed = LineId(LASER).bit();
        let expected = [
            (750_000, What::Silent),
            (750_000, What::Disarmed(armed, DisarmCause::Silence)),
            edge(750_000, LASER, false),
        ];
        assert_eq!(b.told(), expected);
        b.at(5_000_000);
        assert_eq!(b.edge.poll_at(), None, "a silence already known needs no more looking");
        b.shared.heard.store(4_900_000, core::sync::atomic::Ordering::Release);
        b.order(Order::HostBack);
        b.at(5_250_000);
        assert_eq!(b.told(), [(5_150_000, What::Silent)], "the next silence counts from when the host was heard");
    });
}

#[test]
fn an_output_on_a_pin_past_31_is_driven_and_looked_at_as_any_other() {
    const FAR: u8 = 6;
    const FAR_PIN: u8 = 40;
    story(|b| {
        let role = Role::Output { limits: Limits::on_for(1_000_000), speaker: false };
        b.order(Order::Line(LineId(FAR), RigLine { pin: FAR_PIN, active_high: true, role }));
        b.late(10_000);
        b.ask(FAR, train(0, 100, 1_000, 2));
        b.at(20_000);
        let pulses = [(10_000, true), (10_100, false), (11_000, true), (11_100, false)];
        assert_eq!(b.board.changes_of(FAR_PIN), pulses);
        b.board.stick(FAR_PIN, Some(true));
        b.ask(FAR, train(0, 100, 1_000, 1));
        b.at(30_000);
        assert_eq!(b.edge.tripped(), Some(TripCause::PadMismatch(LineId(FAR))));
    });
}

#[test]
fn a_panic_leaves_nothing_on() {
    story(|b| {
        b.now = 10_000;
        b.arm(LASER);
        for line in [WATER, MASK, LASER] {
            b.ask(line, Request::On);
        }
        b.edge.all_safe(&mut b.board);
        assert!([WATER_PIN, MASK_PIN, LASER_PIN].iter().all(|pin| !b.board.is_high(*pin)));
    });
}

#[derive(Debug, Clone)]
enum Act {
    Ask(u8, Request),
    Arm,
    Disarm,
    Trip,
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let request = prop_oneof![
        Just(Request::Off),
        Just(Request::On),
        (0..2_000_u32, 0..700_000_u32, 0..400_000_u32, 0..30_u32)
            .prop_map(|(delay, width, period, count)| train(delay, width, period, count)),
        (1..600_000_u32).prop_map(|width_us| Request::Deliver { volume_nl: 1, width_us }),
    ];
    prop_oneof![
        6 => (0_u8..8, request).prop_map(|(line, request)| Act::Ask(line, request)),
        2 => Just(Act::Arm),
        1 => Just(Act::Disarm),
        1 => prop_oneof![1 => Just(Act::Trip), 9 => Just(Act::Arm)],
        6 => (0..900_000_u32).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(assembler::random::cases(300) as u32))]

    /// Whatever is asked in whatever order: someone who sees only the pins, and when arming changed, finds no pin on for
    /// longer than its limit, no laser while disarmed, and nothing on once the session is over.
    #[test]
    fn no_order_of_events_gets_past_the_interlock(acts in prop::collection::vec(act(), 1..60)) {
        story(|b| {
            let mut armings = std::vec![(0, false)];
            let mut reported = Vec::new();
            for act in &acts {
                // No two things in one microsecond, so that the times tell which came first.
                b.at(b.now + 1);
                match act {
                    Act::Ask(line, request) => b.ask(*line, *request),
                    Act::Arm => b.order(Order::Arm(LineId(LASER).bit())),
                    Act::Disarm => b.order(Order::Disarm(u32::MAX, DisarmCause::Operator)),
                    Act::Trip => b.order(Order::Trip(TripCause::HostAbort)),
                    Act::Wait(us) => b.at(b.now + u64::from(*us)),
                }
                b.poll();
                for (at, what) in b.told() {
                    match what {
                        What::Armed(_) => armings.push((at, true)),
                        What::Disarmed(..) => armings.push((at, false)),
                        What::Edge { line, on } => reported.push((at, line.0, on)),
                        _ => {}
                    }
                }
            }
            b.order(Order::End);
            b.poll();
            // Behind a trip, the masking light may carry on.
            b.at(b.now + CARRIED_ON_US);
            for (at, what) in b.told() {
                if let What::Edge { line, on } = what {
                    reported.push((at, line.0, on));
                }
            }
            for (line, pin, max_on) in [(WATER, WATER_PIN, 500_000), (MASK, MASK_PIN, 60_000_000), (LASER, LASER_PIN, 5_000_000)] {
                let changes = b.board.changes_of(pin);
                let told: Vec<_> = reported.iter().filter(|r| r.1 == line).map(|r| (r.0, r.2)).collect();
                assert_eq!(changes, told, "every change of the pin is told, with its time");
                let mut since = None;
                for (at, high) in changes {
                    if high {
                        since = Some(at);
                        if line == LASER {
                            // A train's pulse may rise in the very microsecond that ends it.
                            let before = armings.iter().rfind(|arming| arming.0 < at).is_some_and(|arming| arming.1);
                            assert!(before || armings.contains(&(at, true)), "the laser came on at {at}");
                        }
                    } else if let Some(rose) = since.take() {
                        assert!(at - rose <= max_on, "line {line} was on from {rose} to {at}");
                        let disarmed = armings.iter().find(|(t, armed)| !armed && *t > rose && *t < at);
                        assert!(line != LASER || disarmed.is_none(), "on while disarmed at {disarmed:?}");
                    }
                }
                assert_eq!(since, None, "line {line} is still on after the end");
            }
        });
    }
}
