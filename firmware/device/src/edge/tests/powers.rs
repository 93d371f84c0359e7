//! Stories of powered lines: the interlock owns them as it owns any other, and their power besides.

use link::pwm::FULL_POWER_PPM;
use link::rig::{Limits, RigLine, Role};

use super::*;

/// A dimmable light, and a laser with a driver for its power, which must be armed and is on when low.
const HOUSE: u8 = 6;
const DIODE: u8 = 7;
const HOUSE_PIN: u8 = 14;
const DIODE_PIN: u8 = 15;
const MAX_ON_US: u32 = 1_000_000;

/// A session with both lines, on a bench that can.
fn powered(tell: impl FnOnce(&mut Box<'_>)) {
    story(|b| {
        let line = |pin, active_high, must_arm| RigLine {
            pin,
            active_high,
            role: Role::Powered {
                limits: Limits { must_arm, ..Limits::on_for(MAX_ON_US) },
                max_power_ppm: 1_000_000,
                frequency_mhz: 20_000_000,
            },
        };
        b.order(Order::Line(LineId(HOUSE), line(HOUSE_PIN, true, false)));
        b.order(Order::Line(LineId(DIODE), line(DIODE_PIN, false, true)));
        b.poll();
        tell(b);
    });
}

fn power(power_ppm: i32) -> Request {
    Request::Power { power_ppm }
}

fn flashes(delay_us: u32, count: u32, power_ppm: i32) -> Request {
    let train = Train { delay_us, width_us: 5_000, period_us: 50_000, count, carrier: None };
    Request::Train(train.at_power(power_ppm))
}

#[test]
fn a_power_is_set_before_the_line_goes_on_and_another_one_makes_no_edge() {
    powered(|b| {
        b.late(2_000);
        b.ask(HOUSE, power(400_000));
        assert_eq!(b.board.powers, [(2_000, HOUSE_PIN, 400_000)]);
        b.late(3_000);
        b.ask(HOUSE, power(0));
        b.late(4_000);
        b.ask(HOUSE, Request::On);
        assert_eq!(b.board.powers[1..], [(3_000, HOUSE_PIN, 0), (4_000, HOUSE_PIN, FULL_POWER_PPM)]);
        b.ask(HOUSE, Request::Off);
        assert_eq!(b.told(), [edge(2_000, HOUSE, true), edge(4_000, HOUSE, false)]);
        assert_eq!(b.board.changes_of(HOUSE_PIN), [(2_000, true), (4_000, false)]);
    });
}

#[test]
fn another_power_gives_no_more_time() {
    powered(|b| {
        b.late(2_000);
        b.ask(HOUSE, power(400_000));
        b.at(900_000);
        b.ask(HOUSE, power(500_000));
        b.at(5_000_000);
        let cut = 2_000 + u64::from(MAX_ON_US);
        assert_eq!(
            b.told(),
            [edge(2_000, HOUSE, true), verdict(cut, HOUSE, Verdict::CutAtMaxOn), edge(cut, HOUSE, false)]
        );
    });
}

#[test]
fn a_power_that_no_line_has_is_refused_whole_and_leaves_the_line_off() {
    powered(|b| {
        b.late(2_000);
        b.ask(HOUSE, power(400_000));
        for (at, wrong) in [(3_000, power(-1)), (4_000, power(FULL_POWER_PPM + 1)), (5_000, flashes(0, 3, i32::MAX))] {
            b.late(at);
            b.ask(HOUSE, wrong);
        }
        b.at(100_000);
        assert_eq!(b.board.powers, [(2_000, HOUSE_PIN, 400_000)]);
        let refused = |at| verdict(at, HOUSE, Verdict::NoSuchPower);
        assert_eq!(
            b.told(),
            [edge(2_000, HOUSE, true), refused(3_000), edge(3_000, HOUSE, false), refused(4_000), refused(5_000)]
        );
    });
}

#[test]
fn a_line_without_powers_is_asked_for_one_in_vain() {
    powered(|b| {
        b.late(2_000);
        for line in [LEVER, WATER, CUE, MASK, 31, 200] {
            b.ask(line, power(400_000));
            assert_eq!(b.told(), [verdict(2_000, line, Verdict::NotAnOutput)], "line {line}");
        }
        b.ask(HOUSE, flashes(0, 1, FULL_POWER_PPM));
        assert_eq!(b.told(), [edge(2_000, HOUSE, true)]);
    });
}

#[test]
fn a_power_must_be_armed_like_any_level_and_is_cut_by_a_disarm() {
    powered(|b| {
        b.late(2_000);
        b.ask(DIODE, power(300_000));
        assert_eq!(b.told(), [verdict(2_000, DIODE, Verdict::Withheld)]);
        assert_eq!(b.board.powers, [], "what is withheld is not made ready either");
        b.arm(DIODE);
        b.late(3_000);
        b.ask(DIODE, flashes(1_000, 3, 300_000));
        b.at(5_000);
        b.order(Order::Disarm(u32::MAX, DisarmCause::Operator));
        b.at(300_000);
        let told = b.told();
        let disarmed = What::Disarmed(LineId(DIODE).bit(), DisarmCause::Operator);
        assert_eq!(
            told,
            [
                edge(4_000, DIODE, true),
                (5_000, disarmed),
                verdict(5_000, DIODE, Verdict::CutByDisarm),
                edge(5_000, DIODE, false)
            ]
        );
        assert_eq!(b.board.changes_of(DIODE_PIN), [(4_000, false), (5_000, true)], "on when low");
    });
}

#[test]
fn a_trip_and_the_end_of_a_session_switch_powers_off() {
    powered(|b| {
        b.late(2_000);
        b.ask(HOUSE, power(1));
        b.order(Order::Trip(TripCause::HostAbort));
        b.poll();
        b.ask(HOUSE, power(1));
        assert!(!b.board.is_high(HOUSE_PIN));
        let told = b.told();
        assert_eq!(told.last(), Some(&verdict(2_000, HOUSE, Verdict::Tripped)));
    });
    powered(|b| {
        b.late(2_000);
        b.ask(HOUSE, flashes(0, 3, 500_000));
        b.order(Order::End);
        b.at(400_000);
        assert!(!b.board.is_high(HOUSE_PIN));
        assert_eq!(b.board.changes_of(HOUSE_PIN), [(2_000, true), (2_000, false)]);
    });
}
