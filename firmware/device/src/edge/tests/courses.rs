//! Stories of trains whose pulses are not all alike: bursts, lists, and powers that change from pulse to pulse.

use link::pulses::{self, ListPulse};
use link::rig::{Duty, Limits, RigLine, Role, Total};

use super::*;

const HOUSE: u8 = 6;
const HOUSE_PIN: u8 = 14;

fn powered(limits: Limits, max_power_ppm: u32, tell: impl FnOnce(&mut Box<'_>)) {
    story(|b| {
        let role = Role::Powered { limits, max_power_ppm, frequency_mhz: 20_000_000 };
        b.order(Order::Line(LineId(HOUSE), RigLine { pin: HOUSE_PIN, active_high: true, role }));
        b.poll();
        tell(b);
    });
}

fn carried(train: Train, wave: Wave) -> Request {
    Request::Train(Train { carrier: Some(Carrier::silent(wave)), ..train })
}

/// Pulses of 1 ms every 5 ms, three in a burst, a burst every 50 ms.
fn bursts(delay_us: u32, count: u32) -> Request {
    let wave = Wave::Bursts { pulses: 3, interval_us: 50_000, powered: false };
    carried(Train { delay_us, width_us: 1_000, period_us: 5_000, count, carrier: None }, wave)
}

fn ramp(count: u32, power_ppm: i32, step_ppm: i32) -> Request {
    let train = Train { delay_us: 0, width_us: 10_000, period_us: 100_000, count, carrier: None };
    let carrier = Carrier { level_cdb: power_ppm, ..Carrier::silent(Wave::Ramp { step_ppm }) };
    Request::Train(Train { carrier: Some(carrier), ..train })
}

/// Pulses that begin and end at these times after the first.
fn listed(b: &Box<'_>, delay_us: u32, first: u16, pulses: &[(u32, u32)]) -> Request {
    let next = pulses.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
    let pulses: Vec<ListPulse> = pulses
        .iter()
        .zip(next)
        .map(|((at, width_us), next)| ListPulse { distance_us: next.map_or(0, |next| next - at), width_us: *width_us })
        .collect();
    for (place, pulse) in (first..).zip(&pulses) {
        b.shared.scores.put(place, *pulse);
    }
    Request::Train(pulses::list(delay_us, first, pulses.into_iter()).expect("a list that can be played"))
}

fn shape(from: Micros, pulses: impl IntoIterator<Item = (Micros, Micros)>) -> Vec<(Micros, bool)> {
    pulses.into_iter().flat_map(|(at, width)| [(from + at, true), (from + at + width, false)]).collect()
}

#[test]
fn bursts_lie_on_their_grid_to_the_microsecond() {
    story(|b| {
        b.late(2_000);
        b.ask(MASK, bursts(500, 7));
        b.at(1_000_000);
        let pulses = [0, 5_000, 10_000, 50_000, 55_000, 60_000, 100_000].map(|at| (at, 1_000));
        assert_eq!(b.board.changes_of(MASK_PIN), shape(2_500, pulses), "the last burst has one pulse left");
        let Request::Train(train) = bursts(500, 7) else { panic!("no train") };
        assert_eq!(train.length_us(), 101_500, "and ends when it says");
        assert_eq!((train.least_gap_us(), train.most_on_within_us(50_000)), (4_000, 6_000));
        assert_eq!(train.most_on_within_us(5_000), 1_000);
    });
}

/// Bursts so near that the last pulse of one and the first of the next lie closer than two of the same: 20 ms on in each of
/// them, 39 ms from rise to rise, and 8 ms between bursts.
#[test]
fn the_most_that_bursts_are_on_in_a_window_counts_the_pause_between_them() {
    let wave = Wave::Bursts { pulses: 3, interval_us: 106_000, powered: false };
    let near = Train { delay_us: 0, width_us: 20_000, period_us: 39_000, count: 6, carrier: None };
    let near = Train { carrier: Some(Carrier::silent(wave)), ..near };
    assert_eq!(near.least_gap_us(), 8_000);
    // The last two of one burst and the first of the next: 87 ms from the first rise to the last fall.
    assert_eq!(near.most_on_within_us(87_000), 60_000);
    assert_eq!(near.most_on_within_us(126_000), 94_000, "never too little: as if they were all so near");
    let single = Train { count: 1, ..near };
    assert_eq!(single.most_on_within_us(87_000), 20_000);
}

#[test]
fn a_burst_that_begins_late_takes_the_whole_train_with_it_and_one_late_pulse_takes_nothing() {
    story(|b| {
        b.late(2_000);
        b.ask(MASK, bursts(500, 6));
        // The very first edge: the grid begins there. Then one in the midst of a burst, and the first of another.
        b.late(2_530);
        b.at(7_500);
        b.late(7_560);
        b.at(52_500);
        b.late(52_570);
        b.at(1_000_000);
        let pulses = [(0, 1_000), (5_030, 1_000), (10_000, 1_000), (50_040, 1_000), (55_000, 1_000), (60_000, 1_000)];
        assert_eq!(b.board.changes_of(MASK_PIN), shape(2_530, pulses));
    });
}

#[test]
fn of_what_lies_unevenly_no_pulse_is_left_out_however_late_one_comes() {
    story(|b| {
        b.late(2_000);
        b.ask(MASK, bursts(0, 6));
        b.at(6_999);
        b.told();
        // The second is due at 7 000, the third at 12 000.
        b.late(13_000);
        assert_eq!(b.told().first(), Some(&(13_000, What::Trip(TripCause::TooLate))), "never in silence");
        b.at(1_000_000);
        let pulses = [(0, 1_000), (11_000, 1), (11_002, 1_000), (50_000, 1_000), (55_000, 1_000), (60_000, 1_000)];
        assert_eq!(b.board.changes_of(MASK_PIN), shape(2_000, pulses));
    });
}

#[test]
fn a_list_is_played_as_it_is_written() {
    story(|b| {
        let pulses = [(0, 7), (8, 1), (1_000, 250), (1_300, 4_000), (90_000, 2)];
        let request = listed(b, 40, 3, &pulses);
        b.late(2_000);
        b.ask(MASK, request);
        b.at(1_000_000);
        let expected = pulses.map(|(at, width)| (at.into(), width.into()));
        assert_eq!(b.board.changes_of(MASK_PIN), shape(2_040, expected));
        let Request::Train(train) = request else { panic!("no train") };
        assert_eq!((train.length_us(), train.least_gap_us(), train.width_us), (90_042, 1, 4_000));
        // Played again it is the same, and a single pulse is one.
        b.ask(MASK, request);
        b.at(2_000_000);
        assert_eq!(b.board.changes_of(MASK_PIN)[10..], shape(1_000_040, expected));
        let one = listed(b, 0, 0, &[(0, 30)]);
        b.ask(MASK, one);
        b.at(3_000_000);
        assert_eq!(b.board.changes_of(MASK_PIN)[20..], shape(2_000_000, [(0, 30)]));
    });
}

#[test]
fn what_is_replaced_in_its_midst_leaves_nothing_behind() {
    story(|b| {
        let list = listed(b, 0, 0, &[(0, 100), (1_000, 200), (2_000, 300)]);
        b.late(2_000);
        b.ask(MASK, list);
        b.at(3_100);
        b.ask(MASK, bursts(0, 3));
        b.at(9_000);
        b.ask(MASK, train(0, 10, 20, 2));
        b.at(1_000_000);
        let changes = b.board.changes_of(MASK_PIN);
        let expected = [(0, 100), (1_000, 1_100), (6_100, 910), (7_020, 10)];
        assert_eq!(changes, shape(2_000, expected), "what is on goes on as the first pulse of what comes");
    });
}

#[test]
fn each_pulse_of_a_ramp_has_its_own_power() {
    powered(Limits::on_for(20_000), 1_000_000, |b| {
        b.late(2_000);
        b.ask(HOUSE, ramp(4, 100_000, 50_000));
        b.at(1_000_000);
        let pulses = [0, 100_000, 200_000, 300_000].map(|at| (at, 10_000));
        assert_eq!(b.board.changes_of(HOUSE_PIN), shape(2_000, pulses));
        // Its last power was tried first: no ramp is begun that could not be ended.
        let powers: Vec<_> = b.board.powers.iter().map(|(at, _, power_ppm)| (*at, *power_ppm)).collect();
        let set = [(2_000, 250_000), (2_000, 100_000), (12_000, 150_000), (112_000, 200_000), (212_000, 250_000)];
        assert_eq!(powers, set, "set while the line is off");
    });
}

#[test]
fn a_ramp_to_a_power_the_line_may_not_have_is_refused_whole() {
    for (request, why) in [
        (ramp(4, 100_000, 150_000), Verdict::OverPower),
        (ramp(4, 550_000, -150_000), Verdict::OverPower),
        (ramp(4, 100_000, -50_000), Verdict::NoSuchPower),
        (ramp(u32::MAX, 100_000, 50_000), Verdict::NoSuchPower),
    ] {
        powered(Limits::on_for(20_000), 500_000, |b| {
            b.late(2_000);
            b.ask(HOUSE, request);
            b.at(1_000_000);
            assert_eq!(b.told(), [verdict(2_000, HOUSE, why)], "{request:?}");
        });
    }
}

#[test]
fn a_dose_counts_the_power_each_pulse_had_and_asks_for_the_highest() {
    let total = Total { dose_us: 15_100, ..Total::NONE };
    powered(Limits { total, ..Limits::on_for(20_000) }, 1_000_000, |b| {
        // 10 ms at 10, 20 and 30 %: 6 ms of full power are given, 9 ms are asked for.
        b.late(2_000);
        for (at, refused) in [(2_000, false), (1_000_000, false), (2_000_000, true)] {
            b.at(at);
            b.ask(HOUSE, ramp(3, 100_000, 100_000));
            b.at(at + 900_000);
            let told = b.told();
            let over = [verdict(at, HOUSE, Verdict::OverTotal)];
            assert_eq!(told == over, refused, "asked for at {at}: {told:?}");
            assert!(refused || told.len() == 6, "{told:?}");
        }
        // 3 ms are left.
        b.ask(HOUSE, ramp(3, 100_000, 0));
        b.at(4_000_000);
        assert_eq!(b.told().len(), 6);
    });
}

#[test]
fn limits_see_the_nearest_of_bursts_and_lists() {
    let rig = |limits| RigLine { pin: HOUSE_PIN, active_high: true, role: Role::Output { limits, speaker: false } };
    // Each with what it allows and what it does not.
    let near = carried(
        Train { delay_us: 0, width_us: 1_000, period_us: 5_000, count: 6, carrier: None },
        Wave::Bursts { pulses: 3, interval_us: 12_500, powered: false },
    );
    for (limits, good, bad, why) in [
        (Limits { min_off_us: 4_000, ..Limits::on_for(20_000) }, bursts(0, 6), near, Verdict::TooSoon),
        (
            Limits { duty: Some(Duty { window_us: 40_000, on_us: 3_000 }), ..Limits::on_for(20_000) },
            bursts(0, 90),
            near,
            Verdict::OverDuty,
        ),
        (
            Limits { total: Total { pulses: 6, ..Total::NONE }, ..Limits::on_for(20_000) },
            bursts(0, 6),
            bursts(0, 7),
            Verdict::OverTotal,
        ),
    ] {
        story(|b| {
            b.order(Order::Line(LineId(HOUSE), rig(limits)));
            b.late(2_000);
            b.poll();
            b.ask(HOUSE, bad);
            assert_eq!(b.told(), [verdict(2_000, HOUSE, why)]);
            b.ask(HOUSE, good);
            b.at(100_000);
            let told = b.told();
            assert!(told.len() >= 4 && told.iter().all(|(_, what)| matches!(what, What::Edge { .. })), "{told:?}");
        });
    }
    story(|b| {
        let limits = Limits { min_off_us: 900, ..Limits::on_for(500) };
        b.order(Order::Line(LineId(HOUSE), rig(limits)));
        b.late(2_000);
        b.poll();
        for (pulses, why) in [
            (&[(0, 101), (1_000, 100)], Some(Verdict::TooSoon)),
            (&[(0, 100), (1_000, 501)], Some(Verdict::OverMaxOn)),
            (&[(0, 100), (1_000, 500)], None),
        ] {
            let request = listed(b, 0, 0, pulses);
            b.ask(HOUSE, request);
            assert_eq!(
                b.told().first().map(|(_, what)| *what),
                Some(match why {
                    Some(verdict) => What::Verdict { line: LineId(HOUSE), verdict },
                    None => What::Edge { line: LineId(HOUSE), on: true },
                }),
                "{pulses:?}"
            );
        }
    });
}
