//! What is read back of outputs: a lamp that burns out, a valve that sticks, and a photodiode that sees both.

mod common;

use common::bench::*;
use common::*;
use link::message::{Answer, Command, Refusal};
use link::rig::{Guards, Pull, Rig, RigLine, Role, Sense};
use link::{EndReason, LineId, Micros, Record, TripCause};

const DIODE_PIN: u8 = 20;
const KEY_PIN: u8 = 21;
const DIODE: u8 = 6;
const WITHIN_US: u32 = 2_000;

/// The bench's rig, with something that sees whether water flows.
fn watched_rig(trips: bool) -> Rig {
    let mut rig = rig();
    let diode = RigLine { pin: DIODE_PIN, active_high: true, role: Role::input(Pull::Down, 0) };
    assert!(rig.lines.push(diode).is_ok());
    let sense = Sense { output: LineId(WATER), input: LineId(DIODE), within_us: WITHIN_US, trips };
    assert!(rig.senses.push(sense).is_ok());
    rig
}

fn differences(lab: &Lab<'_>) -> Vec<(Micros, bool)> {
    let records = lab.records.iter();
    records
        .filter_map(|(at, record)| match record {
            Record::NotSensed { line: LineId(WATER), on } => Some((*at, *on)),
            _ => None,
        })
        .collect()
}

/// Presses the lever; for half a second the sensor sees what the valve does 1.5 ms behind, or nothing. When it opened.
fn drop_of_water(lab: &mut Lab<'_>, seen: bool) -> Micros {
    let before = lab.board.changes_of(WATER_PIN).len();
    lab.touch(LEVER_PIN, false);
    for _ in 0..1_000 {
        lab.wait(500);
        let now = lab.now;
        let told = lab.board.changes_of(WATER_PIN);
        let open = told.iter().rfind(|(at, _)| at + 1_500 <= now).is_some_and(|(_, high)| *high);
        if seen && open != lab.board.is_high(DIODE_PIN) {
            lab.touch(DIODE_PIN, open);
        }
    }
    lab.touch(LEVER_PIN, true);
    lab.wait(100_000);
    lab.board.changes_of(WATER_PIN).get(before).expect("the press is rewarded").0
}

#[test]
fn an_output_that_is_seen_to_do_as_it_is_told_is_worth_no_word() {
    lab(0, |lab| {
        lab.load(&watched_rig(true), &protocol());
        lab.start();
        drop_of_water(lab, true);
        assert_eq!(differences(lab), []);
    });
}

#[test]
fn a_valve_that_does_not_open_is_told_once_each_time_and_the_session_goes_on() {
    lab(0, |lab| {
        lab.load(&watched_rig(false), &protocol());
        lab.start();
        let first = drop_of_water(lab, false);
        let second = drop_of_water(lab, false);
        let told: Vec<_> = [first, second].map(|open| (open + Micros::from(WITHIN_US), true)).into();
        assert_eq!(differences(lab), told);
        assert!(!lab.records.iter().any(|(_, record)| matches!(record, Record::Trip(_) | Record::End(_))));
    });
}

#[test]
fn a_valve_that_lets_water_through_unasked_trips_where_the_rig_says_so() {
    lab(0, |lab| {
        lab.load(&watched_rig(true), &protocol());
        lab.start();
        lab.wait(10_000);
        lab.touch(DIODE_PIN, true);
        let seen = lab.now;
        lab.wait(100_000);
        assert_eq!(differences(lab), [(seen + Micros::from(WITHIN_US), false)]);
        let tripped = Record::End(EndReason::Tripped(TripCause::NotSensed(LineId(WATER))));
        assert_eq!(lab.records.last().map(|(_, record)| *record), Some(tripped));
    });
}

#[test]
fn a_valve_that_was_open_before_the_session_is_found() {
    lab(0, |lab| {
        lab.board.put(DIODE_PIN, true);
        lab.load(&watched_rig(false), &protocol());
        lab.start();
        lab.wait(100_000);
        let began = lab.records[0].0;
        assert_eq!(differences(lab), [(began + Micros::from(WITHIN_US), false)]);
    });
}

#[test]
fn a_rig_without_a_sensor_is_not_held_to_that_of_the_rig_before() {
    lab(0, |lab| {
        lab.load(&watched_rig(true), &protocol());
        lab.load(&rig(), &protocol());
        lab.start();
        drop_of_water(lab, false);
        assert_eq!(differences(lab), []);
        assert!(!lab.records.iter().any(|(_, record)| matches!(record, Record::Trip(_))));
    });
}

#[test]
fn arming_without_the_key_is_refused_with_what_to_do() {
    lab(0, |lab| {
        let mut rig = rig();
        let role = Role::Input { pull: Pull::Up, debounce_us: 0, guards: Guards::Arming };
        assert!(rig.lines.push(RigLine { pin: KEY_PIN, active_high: false, role }).is_ok());
        lab.board.put(KEY_PIN, true);
        lab.load(&rig, &protocol());
        lab.start();
        let laser = Command::Arm { lines: LineId(LASER).bit() };
        assert_eq!(lab.ask(laser.clone()), Answer::Refused(Refusal::KeyOff));
        assert!(Refusal::KeyOff.to_string().contains("turn it"));
        lab.touch(KEY_PIN, false);
        assert_eq!(lab.ask(laser), Answer::Done);
    });
}
