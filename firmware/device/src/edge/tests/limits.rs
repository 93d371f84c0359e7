//! Stories of what a rig allows its outputs: how soon again, how much of a window, how much in a session, and never.

use link::pwm::FULL_POWER_PPM;
use link::rig::{Duty, Guards, Limits, NO_LIMIT, Pull, RigLine, Role, Total};

use super::*;

/// A shocker, by another name than the lines every rig here has.
const SHOCK: u8 = 6;
const SHOCK_PIN: u8 = 14;
const SECOND_US: u32 = 1_000_000;
const STOP: u8 = 7;
const STOP_PIN: u8 = 20;
const KEY: u8 = 8;
const KEY_PIN: u8 = 21;

fn shocker(limits: Limits) -> RigLine {
    RigLine { pin: SHOCK_PIN, active_high: true, role: Role::Output { limits, speaker: false } }
}

/// A session in which one output has these limits; it is on for 1 s at most, and need not be armed.
fn limited(limits: Limits, tell: impl FnOnce(&mut Box<'_>)) {
    story(|b| {
        b.order(Order::Line(LineId(SHOCK), shocker(limits)));
        b.poll();
        tell(b);
    });
}

fn pulse(width_us: u32) -> Request {
    Request::Train(Train::pulse(width_us))
}

fn verdicts(b: &mut Box<'_>) -> Vec<(Micros, Verdict)> {
    let told = b.told().into_iter();
    told.filter_map(|(at, what)| match what {
        What::Verdict { verdict, .. } => Some((at, verdict)),
        _ => None,
    })
    .collect()
}

fn rises(b: &Box<'_>) -> usize {
    b.board.changes_of(SHOCK_PIN).iter().filter(|(_, high)| *high).count()
}

#[test]
fn a_shock_is_refused_until_the_line_has_been_off_for_long_enough() {
    limited(Limits { min_off_us: 10 * SECOND_US, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, pulse(500_000));
        b.at(10_501_999);
        b.ask(SHOCK, pulse(500_000));
        assert_eq!(verdicts(b), [(10_501_999, Verdict::TooSoon)]);
        b.at(10_502_000);
        b.ask(SHOCK, pulse(500_000));
        b.at(12_000_000);
        let off = (11_002_000, false);
        assert_eq!(b.board.changes_of(SHOCK_PIN), [(2_000, true), (502_000, false), (10_502_000, true), off]);
        // One that is to begin later counts from its beginning.
        b.ask(SHOCK, train(9_002_000, 100, 100, 1));
        assert_eq!(verdicts(b), []);
        b.at(13_000_000);
        b.ask(SHOCK, train(8_001_999, 100, 100, 1));
        assert_eq!(verdicts(b), [(13_000_000, Verdict::TooSoon)]);
    });
}

/// P1 was held up, and all it asks for comes to P0 in one call: each request is judged by what the one before made of the
/// pin.
#[test]
fn requests_that_come_together_are_judged_one_by_one() {
    let total = Total { pulses: 1, ..Total::NONE };
    for (limits, verdict) in [
        (Limits { min_off_us: 1_000, ..Limits::on_for(SECOND_US) }, Verdict::TooSoon),
        (Limits { total, ..Limits::on_for(SECOND_US) }, Verdict::OverTotal),
    ] {
        limited(limits, |b| {
            b.late(2_000);
            for request in [Request::On, Request::Off, pulse(100)] {
                b.order(Order::Request(LineId(SHOCK), request));
            }
            b.poll();
            b.at(100_000);
            assert_eq!((rises(b), verdicts(b)), (1, std::vec![(2_000, verdict)]));
            assert!(!b.board.is_high(SHOCK_PIN));
        });
    }
}

#[test]
fn pulses_of_one_train_must_be_as_far_apart() {
    limited(Limits { min_off_us: 1_000, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, train(0, 500, 1_499, 3));
        assert_eq!(verdicts(b), [(2_000, Verdict::TooSoon)]);
        b.ask(SHOCK, train(0, 500, 1_500, 3));
        b.at(100_000);
        assert_eq!((verdicts(b), rises(b)), (Vec::new(), 3));
    });
}

#[test]
fn a_pulse_that_ends_late_makes_the_next_one_late_rather_than_close() {
    limited(Limits { min_off_us: 1_000, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, train(0, 500, 1_500, 3));
        // Nobody looked for 700 µs: the fall of 2 500 comes at 3 200.
        b.late(3_200);
        b.at(100_000);
        let changes = [(2_000, true), (3_200, false), (4_200, true), (4_700, false), (5_700, true), (6_200, false)];
        assert_eq!(b.board.changes_of(SHOCK_PIN), changes);
    });
}

#[test]
fn a_pulse_that_begins_late_ends_before_the_next_one_unless_that_must_wait() {
    for (min_off_us, rest) in [
        (0, [(4_700, true), (4_999, false), (5_000, true), (5_500, false)]),
        (1_000, [(4_700, true), (5_200, false), (6_200, true), (6_700, false)]),
    ] {
        limited(Limits { min_off_us, ..Limits::on_for(SECOND_US) }, |b| {
            b.late(2_000);
            b.ask(SHOCK, train(0, 500, 1_500, 3));
            b.at(3_000);
            // Nobody looked for 1.2 ms: the rise of 3 500 comes at 4 700.
            b.late(4_700);
            b.at(100_000);
            let first = [(2_000, true), (2_500, false)];
            assert_eq!(b.board.changes_of(SHOCK_PIN), [&first[..], &rest[..]].concat(), "off for {min_off_us} µs");
        });
    }
}

#[test]
fn the_window_lets_through_what_fits_it_and_forgets_it_when_it_has_passed() {
    let duty = Some(Duty { window_us: 8 * SECOND_US, on_us: 2 * SECOND_US });
    limited(Limits { duty, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, Request::On);
        b.at(1_500_000);
        b.ask(SHOCK, pulse(SECOND_US));
        b.at(3_000_000);
        assert_eq!(verdicts(b), [(1_002_000, Verdict::CutAtMaxOn)]);
        b.ask(SHOCK, pulse(1));
        assert_eq!(verdicts(b), [(3_000_000, Verdict::OverDuty)]);
        // Both seconds count until the eighth they ended in has left the window: 8 s behind it, and up to one more.
        b.at(11_600_000);
        b.ask(SHOCK, pulse(SECOND_US));
        b.at(20_000_000);
        assert_eq!((verdicts(b), rises(b)), (Vec::new(), 3));
    });
}

#[test]
fn a_train_longer_than_the_window_is_judged_by_its_densest_window() {
    let duty = Some(Duty { window_us: SECOND_US, on_us: 100_000 });
    limited(Limits { duty, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        // 10 pulses of 10 ms fit a second; at 101 ms apart the tenth is cut off, at 99 ms an eleventh fits in.
        b.ask(SHOCK, train(0, 10_000, 99_000, 50));
        assert_eq!(verdicts(b), [(2_000, Verdict::OverDuty)]);
        b.ask(SHOCK, train(0, 10_000, 100_000, 50));
        b.at(10_000_000);
        assert_eq!((verdicts(b), rises(b)), (Vec::new(), 50));
    });
}

#[test]
fn no_more_pulses_and_no_more_time_than_the_session_has() {
    let total = Total { pulses: 3, on_us: 700, ..Total::NONE };
    limited(Limits { total, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, train(0, 100, 1_000, 4));
        assert_eq!(verdicts(b), [(2_000, Verdict::OverTotal)], "a fourth pulse");
        b.ask(SHOCK, Request::On);
        assert_eq!(verdicts(b), [(2_000, Verdict::OverTotal)], "a level may last for a second");
        b.ask(SHOCK, train(0, 100, 1_000, 2));
        b.at(10_000);
        b.ask(SHOCK, pulse(501));
        assert_eq!(verdicts(b), [(10_000, Verdict::OverTotal)], "200 µs are spent");
        b.ask(SHOCK, pulse(500));
        b.at(20_000);
        b.ask(SHOCK, pulse(1));
        assert_eq!((verdicts(b), rises(b)), (std::vec![(20_000, Verdict::OverTotal)], 3));
    });
}

#[test]
fn a_pulse_that_is_cut_short_has_spent_only_what_it_was_on_for() {
    let total = Total { on_us: 1_000, ..Total::NONE };
    limited(Limits { total, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, pulse(1_000));
        b.at(2_400);
        b.ask(SHOCK, Request::Off);
        b.ask(SHOCK, pulse(600));
        b.at(10_000);
        assert_eq!((verdicts(b), rises(b)), (Vec::new(), 2));
    });
}

#[test]
fn a_dose_weighs_power_and_what_each_pulse_gives_besides() {
    let total = Total { dose_us: 1_000, pulse_dose_us: 100, ..Total::NONE };
    let role = Role::Powered {
        limits: Limits { total, ..Limits::on_for(SECOND_US) },
        max_power_ppm: 800_000,
        frequency_mhz: 20_000_000,
    };
    story(|b| {
        b.order(Order::Line(LineId(SHOCK), RigLine { pin: SHOCK_PIN, active_high: true, role }));
        b.late(2_000);
        let at_power = |width_us, power_ppm| Request::Train(Train::pulse(width_us).at_power(power_ppm));
        b.ask(SHOCK, at_power(1, FULL_POWER_PPM));
        b.ask(SHOCK, pulse(1));
        b.ask(SHOCK, at_power(1, 800_001));
        assert_eq!(verdicts(b), [(2_000, Verdict::OverPower); 3], "a power of which nothing is said is full power");
        b.ask(SHOCK, at_power(1_000, 500_000));
        b.at(10_000);
        // 500 and 100 are spent, and a little for rounding.
        b.ask(SHOCK, at_power(590, 500_000));
        b.at(20_000);
        b.ask(SHOCK, at_power(3, 800_000));
        assert_eq!((verdicts(b), rises(b)), (std::vec![(20_000, Verdict::OverTotal)], 2));
    });
}

#[test]
fn a_rig_taken_up_anew_does_not_make_its_pins_past_undone() {
    let limits =
        Limits { min_off_us: 10 * SECOND_US, total: Total { pulses: 1, ..Total::NONE }, ..Limits::on_for(SECOND_US) };
    limited(limits, |b| {
        b.late(2_000);
        b.ask(SHOCK, pulse(1_000));
        b.at(100_000);
        b.order(Order::End);
        b.order(Order::Clear { silence_us: u32::MAX });
        // Another line has its pin now, and another line its name.
        b.order(Order::Line(LineId(SHOCK), RigLine { pin: STOP_PIN, ..shocker(limits) }));
        b.order(Order::Line(LineId(STOP), shocker(limits)));
        b.order(Order::Begin);
        b.poll();
        b.told();
        b.ask(STOP, pulse(1_000));
        assert_eq!(verdicts(b), [(100_000, Verdict::TooSoon)]);
        b.ask(SHOCK, pulse(1_000));
        b.at(10_003_000);
        b.ask(STOP, pulse(1_000));
        assert_eq!(verdicts(b), [], "the total is the new session's");
    });
}

/// The rig is taken up anew, with these lines from the shocker's number on.
fn anew(b: &mut Box<'_>, lines: &[(u8, Limits)]) {
    b.order(Order::End);
    b.order(Order::Clear { silence_us: u32::MAX });
    b.poll();
    for (n, (pin, limits)) in (SHOCK..).zip(lines) {
        b.order(Order::Line(LineId(n), RigLine { pin: *pin, ..shocker(*limits) }));
        b.poll();
    }
    b.order(Order::Begin);
    b.poll();
    b.told();
}

#[test]
fn a_window_is_the_pins_whatever_rig_it_is_in() {
    let duty = Some(Duty { window_us: 8 * SECOND_US, on_us: SECOND_US });
    let limits = Limits { duty, ..Limits::on_for(SECOND_US) };
    limited(limits, |b| {
        b.late(2_000);
        b.ask(SHOCK, pulse(SECOND_US));
        b.at(2_000_000);
        // A line on another pin comes first now, then as many as can be counted: none of them takes the other's place.
        let others = (40..).take(link::limits::MAX_COUNTED - 1).map(|pin| (pin, limits));
        let lines: Vec<_> = others.chain([(SHOCK_PIN, limits)]).collect();
        anew(b, &lines);
        let again = SHOCK + lines.len() as u8 - 1;
        b.ask(again, pulse(1));
        assert_eq!(verdicts(b), [(2_000_000, Verdict::OverDuty)], "it was on for a second just now");
        for line in SHOCK..again {
            b.ask(line, pulse(SECOND_US));
        }
        b.at(4_000_000);
        assert_eq!(verdicts(b), [], "they were not");
        // And again others, when every place is somebody's: what the first gets is not the second's.
        let lines: Vec<_> = (24..).take(link::limits::MAX_COUNTED).map(|pin| (pin, limits)).collect();
        anew(b, &lines);
        b.ask(SHOCK, pulse(SECOND_US));
        b.at(6_000_000);
        for line in SHOCK..SHOCK + lines.len() as u8 {
            b.ask(line, pulse(1));
        }
        assert_eq!(verdicts(b), [(6_000_000, Verdict::OverDuty)], "each has a count of its own");
    });
}

#[test]
fn a_forbidden_line_is_never_on_and_never_armed() {
    limited(Limits { forbidden: true, ..Limits::on_for(SECOND_US).armed() }, |b| {
        b.late(2_000);
        b.order(Order::Arm(LineId(SHOCK).bit()));
        b.poll();
        assert_eq!(b.told(), [(2_000, What::NotArmed { key_off: false })]);
        b.ask(SHOCK, pulse(1_000));
        b.ask(SHOCK, Request::On);
        assert_eq!(verdicts(b), [(2_000, Verdict::Forbidden), (2_000, Verdict::Forbidden)]);
        assert_eq!(rises(b), 0);
    });
}

fn guarding(pin: u8, guards: Guards) -> RigLine {
    let role = Role::Input { pull: Pull::Up, debounce_us: 5_000, guards };
    RigLine { pin, active_high: guards == Guards::Stop, role }
}

/// A session on a rig with an emergency stop, closed, and a key, turned or not.
fn guarded(key: bool, tell: impl FnOnce(&mut Box<'_>)) {
    story(|b| {
        b.board.put(STOP_PIN, false);
        b.board.put(KEY_PIN, !key);
        b.order(Order::Line(LineId(STOP), guarding(STOP_PIN, Guards::Stop)));
        b.order(Order::Line(LineId(KEY), guarding(KEY_PIN, Guards::Arming)));
        b.poll();
        tell(b);
    });
}

#[test]
fn the_stop_trips_at_its_first_touch_and_holds_until_it_is_closed_and_the_session_over() {
    guarded(true, |b| {
        b.late(2_000);
        b.ask(WATER, pulse(400_000));
        b.told();
        // It bounces: open for 30 µs, closed, open.
        for (at, high) in [(3_000, true), (3_030, false), (3_080, true)] {
            b.pin(at, STOP_PIN, high);
        }
        b.at(3_080);
        assert_eq!(b.board.changes_of(WATER_PIN).last(), Some(&(3_000, false)));
        assert!(b.told().contains(&(3_000, What::Trip(TripCause::EmergencyStop))));
        b.order(Order::End);
        b.order(Order::Reset);
        b.at(50_000);
        assert_eq!(b.edge.tripped(), Some(TripCause::EmergencyStop), "it is open still");
        b.pin(60_000, STOP_PIN, false);
        b.at(70_000);
        assert_eq!(b.edge.tripped(), Some(TripCause::EmergencyStop), "closing it alone resets nothing");
        b.order(Order::Reset);
        b.at(80_000);
        assert_eq!(b.edge.tripped(), None);
    });
}

#[test]
fn a_session_that_begins_with_an_open_stop_is_tripped_at_once() {
    guarded(true, |b| {
        b.order(Order::End);
        b.poll();
        b.board.put(STOP_PIN, true);
        b.order(Order::Clear { silence_us: u32::MAX });
        b.order(Order::Line(LineId(STOP), guarding(STOP_PIN, Guards::Stop)));
        b.order(Order::Begin);
        b.told();
        b.poll();
        let trips = b.told().into_iter().filter(|(_, what)| matches!(what, What::Trip(_))).count();
        assert_eq!((trips, b.edge.tripped()), (1, Some(TripCause::EmergencyStop)));
    });
}

#[test]
fn arming_takes_the_key_and_turning_it_off_disarms() {
    guarded(false, |b| {
        b.late(2_000);
        let laser = LineId(LASER).bit();
        b.order(Order::Arm(laser));
        b.poll();
        assert_eq!(b.told(), [(2_000, What::NotArmed { key_off: true })]);
        b.pin(3_000, KEY_PIN, false);
        b.at(10_000);
        b.told();
        b.arm(LASER);
        b.ask(LASER, pulse(100_000));
        b.pin(20_000, KEY_PIN, true);
        b.at(30_000);
        let told = b.told();
        assert!(told.contains(&(20_000, What::Disarmed(laser, DisarmCause::Key))), "{told:?}");
        assert_eq!(b.board.changes_of(LASER_PIN), [(10_000, true), (20_000, false)]);
        b.ask(LASER, pulse(100_000));
        assert_eq!(verdicts(b), [(30_000, Verdict::Withheld)]);
    });
}

#[test]
fn a_line_without_counts_costs_nothing_and_has_no_limit_but_its_own() {
    assert!(!Limits::on_for(1).is_counted());
    assert!(Limits { total: Total { pulses: NO_LIMIT - 1, ..Total::NONE }, ..Limits::on_for(1) }.is_counted());
}

#[test]
fn a_pulse_of_a_line_that_is_on_already_gets_no_more_time() {
    limited(Limits::on_for(SECOND_US), |b| {
        b.late(2_000);
        b.ask(SHOCK, Request::On);
        b.at(602_000);
        b.ask(SHOCK, pulse(900_000));
        b.at(5_000_000);
        assert_eq!(b.board.changes_of(SHOCK_PIN), [(2_000, true), (1_002_000, false)]);
        assert_eq!(verdicts(b), [(1_002_000, Verdict::CutAtMaxOn)]);
    });
}

#[test]
fn whoever_comes_when_the_pulse_would_be_over_too_still_finds_that_it_was_cut() {
    limited(Limits::on_for(SECOND_US), |b| {
        b.late(2_000);
        b.ask(SHOCK, Request::On);
        b.at(602_000);
        // It would be over 10 µs behind the limit.
        b.ask(SHOCK, train(0, 400_010, 500_000, 3));
        b.late(1_002_050);
        b.at(5_000_000);
        assert_eq!(verdicts(b), [(1_002_050, Verdict::CutAtMaxOn)]);
        assert_eq!(b.board.changes_of(SHOCK_PIN), [(2_000, true), (1_002_050, false)], "and its train with it");
    });
}

#[test]
fn an_edge_that_comes_more_than_100_ms_late_trips() {
    for (late_us, trips) in [(100_000, None), (100_001, Some(TripCause::TooLate))] {
        limited(Limits::on_for(SECOND_US), |b| {
            b.late(2_000);
            b.ask(SHOCK, pulse(1_000));
            // Nobody came for so long.
            b.late(3_000 + late_us);
            assert_eq!(b.edge.tripped(), trips, "{late_us} µs");
            assert_eq!(b.board.changes_of(SHOCK_PIN), [(2_000, true), (3_000 + late_us, false)]);
        });
    }
}

#[test]
fn what_was_on_counts_for_the_whole_of_its_window() {
    let duty = Some(Duty { window_us: 8 * SECOND_US, on_us: SECOND_US });
    // Wherever in an eighth it ends.
    for begins in (0..10).map(|n| 2_000 + n * 100_000) {
        limited(Limits { duty, ..Limits::on_for(SECOND_US) }, |b| {
            b.late(begins);
            b.ask(SHOCK, pulse(SECOND_US));
            b.at(begins + 9_000_000 - 1);
            b.ask(SHOCK, pulse(SECOND_US));
            assert_eq!(verdicts(b), [(begins + 9_000_000 - 1, Verdict::OverDuty)]);
            b.at(begins + 10_000_000);
            b.ask(SHOCK, pulse(SECOND_US));
            b.at(begins + 20_000_000);
            assert_eq!((verdicts(b), rises(b)), (Vec::new(), 2));
        });
    }
}

#[test]
fn no_window_of_a_long_session_holds_more_than_its_share() {
    const WINDOW_US: u32 = 8 * SECOND_US;
    let duty = Some(Duty { window_us: WINDOW_US, on_us: SECOND_US });
    limited(Limits { duty, ..Limits::on_for(SECOND_US) }, |b| {
        let mut refused = 0;
        for n in 0..200 {
            b.at(2_000 + n * 610_000);
            b.ask(SHOCK, pulse(100_000));
            refused += verdicts(b).len();
        }
        b.at(200_000_000);
        let falls: Vec<_> = b.board.changes_of(SHOCK_PIN).into_iter().filter(|(_, high)| !high).collect();
        assert_eq!(refused + falls.len(), 200);
        assert!(falls.len() > 100, "{} were given", falls.len());
        // Every pulse is as long: ten of them fill a window, so no eleven lie within one.
        for eleven in falls.windows(11) {
            let within = eleven[10].0 - eleven[0].0 + 100_000;
            assert!(within > u64::from(WINDOW_US), "eleven pulses within {within} µs");
        }
    });
}

#[test]
fn a_line_that_is_on_goes_on_without_another_pulse_and_off_and_on_with_one() {
    let total = Total { pulses: 1, ..Total::NONE };
    limited(Limits { total, ..Limits::on_for(SECOND_US) }, |b| {
        b.late(2_000);
        b.ask(SHOCK, Request::On);
        b.at(10_000);
        b.ask(SHOCK, pulse(5_000));
        b.at(12_000);
        assert_eq!(verdicts(b), [], "it was on, and stays on");
        b.ask(SHOCK, train(1_000, 5_000, 5_000, 1));
        assert_eq!(verdicts(b), [(12_000, Verdict::OverTotal)], "it would go off, and on again");
    });
}
