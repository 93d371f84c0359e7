//! Pads of outputs that leave their level while nobody moves them: by a short, a burnt driver, a wire. P0 finds it when it next
//! comes, which a body sees to every few ms.

mod common;

use common::bench::*;
use common::*;
use link::message::Command;
use link::{LineId, Record, TripCause};

/// The body calls P0, as it does when nothing else is due.
fn p0_comes(lab: &mut Lab<'_>) {
    let now = lab.now;
    lab.board.now.set(now);
    lab.edge.poll(now, &mut lab.board);
}

fn trips(lab: &Lab<'_>) -> Vec<TripCause> {
    lab.records
        .iter()
        .filter_map(|(_, record)| if let Record::Trip(cause) = record { Some(*cause) } else { None })
        .collect()
}

const LASER_ASTRAY: TripCause = TripCause::PadMismatch(LineId(LASER));

#[test]
fn a_laser_that_comes_on_by_itself_trips_though_nobody_asked_for_it() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.wait(10_000);
        p0_comes(lab);
        lab.wait(10_000);
        assert_eq!(trips(lab), [], "every pad is as it is held");
        lab.board.stick(LASER_PIN, Some(true));
        p0_comes(lab);
        lab.wait(100_000);
        assert_eq!(trips(lab), [LASER_ASTRAY]);
    });
}

#[test]
fn a_valve_that_is_shut_while_its_pin_is_high_is_no_pad_astray() {
    lab(0, |lab| {
        let mut rig = rig();
        rig.lines[usize::from(WATER)].active_high = false;
        lab.load(&rig, &protocol());
        lab.start();
        lab.wait(10_000);
        assert!(lab.board.is_high(WATER_PIN));
        p0_comes(lab);
        lab.wait(10_000);
        assert_eq!(trips(lab), [], "it is as it is held");
        lab.board.stick(WATER_PIN, Some(false));
        p0_comes(lab);
        lab.wait(100_000);
        assert_eq!(trips(lab), [TripCause::PadMismatch(LineId(WATER))], "and open, it is");
    });
}

#[test]
fn a_light_that_fails_while_it_is_on_trips_and_the_valve_is_shut() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.wait(10_000);
        // A drop of 20 ms, and the masking light with it.
        lab.touch(LEVER_PIN, false);
        lab.wait(10_000);
        assert!(lab.board.is_high(MASK_PIN) && lab.board.is_high(WATER_PIN));
        lab.board.stick(MASK_PIN, Some(false));
        p0_comes(lab);
        assert!(!lab.board.is_high(WATER_PIN), "at once, not when the drop was over");
        lab.wait(100_000);
        assert_eq!(trips(lab), [TripCause::PadMismatch(LineId(MASK))]);
    });
}

#[test]
fn a_pin_that_is_no_longer_an_output_trips_though_its_pad_is_as_it_should_be_by_chance() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.wait(10_000);
        lab.board.let_go = 1 << MASK_PIN;
        lab.board.stick(MASK_PIN, Some(true));
        // A drop, and the masking light with it, which nobody switches any more.
        lab.touch(LEVER_PIN, false);
        lab.wait(10_000);
        assert!(!lab.board.is_high(WATER_PIN));
        lab.wait(100_000);
        assert_eq!(trips(lab), [TripCause::PadMismatch(LineId(MASK))]);
    });
}

#[test]
fn a_pad_that_stays_astray_is_told_once_and_between_sessions_nobody_looks() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.board.stick(LASER_PIN, Some(true));
        p0_comes(lab);
        lab.board.stick(LASER_PIN, None);
        lab.start();
        lab.wait(10_000);
        assert_eq!(trips(lab), [], "it was well again when the session began");
        lab.board.stick(LASER_PIN, Some(true));
        for _ in 0..3 {
            p0_comes(lab);
            lab.wait(1_000);
        }
        lab.ask(Command::Stop);
        lab.wait(100_000);
        assert_eq!(trips(lab), [LASER_ASTRAY]);
    });
}
