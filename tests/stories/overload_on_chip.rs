//! More than the chip has time for: edges so dense, beside trains so dense, that nothing is left for the lowest level; an input
//! that toggles without end. It trips, every output is safe, the session ends and the journal says why; the watchdog, which
//! would only say that something stood still, never bites.

use compiler::Source;
use emulated::Cord;
use harness::{OnChip, Outcome, System, top};
use journal::Integrity;
use link::{EndReason, LineId, Micros, Record, TripCause};
use sim::animal::{Scripted, Tap};

/// Lines beside those of the rig that ships.
const LINES: &str = "
lines:
  key: {kind: lever, pin: 4, active: high, pull: down, debounce: 0 ms}
  one: {kind: light, pin: 14, max_on: 1 s}
  two: {kind: light, pin: 15, max_on: 1 s}
  three: {kind: light, pin: 16, max_on: 1 s}
  lamp: {kind: light, pin: 17, max_on: 1 s}
";
const KEY: LineId = LineId(0);
/// When the storm begins and how long it lasts, in µs.
const STORM_AT_US: Micros = 300_000;
const STORM_US: Micros = 600_000;
/// How long after a trip the last pad is safe, in µs.
const SAFE_US: Micros = 100;

/// A lamp that follows a key, beside trains.
const DENSE: &str = "protocol: dense
lines: {key: lever, one: light, two: light, three: light, lamp: light}
stimuli:
  fast: {pulses: {width: 100 µs, rate: RATE, count: 1000000}}
session: {ends: [{after: 2 s}]}
start: up
states:
  up:
    entry:
      - trial: begin
      - pulse: {line: one, stimulus: fast}
      - pulse: {line: two, stimulus: fast}
      - pulse: {line: three, stimulus: fast}
    transitions: [{event: key.press, to: down}]
  down:
    entry: [on: lamp]
    transitions: [{event: key.release, to: idle}]
  idle:
    transitions: [{event: key.press, to: down}]
";

/// The session on the chip with the key toggled every `every_us`, so many times.
fn toggled(image: &OnChip, rate: &str, every_us: Micros, times: u64) -> (Outcome, emulated::EmulatedRig) {
    let protocol = Source { name: "dense.yaml".to_owned(), text: DENSE.replace("RATE", rate) };
    let mut rig = Source::read(&top().join("rig-configs/sim-box.yaml")).unwrap_or_else(|found| panic!("{found}"));
    rig.text = rig.text.replacen("\nlines:\n", LINES, 1);
    let taps = (0..times).map(|n| Tap::new(STORM_AT_US + n * every_us, KEY, n % 2 == 0)).collect();
    let mut system = System::on_rig(protocol, &rig, &[], 1).with_animal(Scripted::new(taps));
    system.arm = 0;
    let image = OnChip { notices: false, ..image.clone() };
    system.run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"))
}

/// The storm lasts 0.6 s, and ends the session when it has begun: by what it tripped, with every output safe and the chip alive.
fn trips_for(rate: &str, every_us: Micros, within_us: Micros, cause: TripCause) {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let (outcome, mut rig) = toggled(&image, rate, every_us, STORM_US / every_us);
    assert!(rig.mishaps().is_empty(), "{:?}", rig.mishaps());
    let reason = outcome.result.as_ref().map(|ended| ended.reason);
    assert_eq!(reason.unwrap_or_else(|error| panic!("{error}")), EndReason::Tripped(cause));
    let session = outcome.session();
    let start = session.records().next().map_or(0, |(_, at, _)| at);
    let trips: Vec<(Micros, TripCause)> = session
        .records()
        .filter_map(|(_, at, record)| if let Record::Trip(cause) = record { Some((at, cause)) } else { None })
        .collect();
    let [(at, told)] = trips[..] else { panic!("{trips:?}") };
    assert_eq!(told, cause);
    assert!((STORM_AT_US..STORM_AT_US + within_us).contains(&(at - start)), "after {} µs", at - start);
    assert!(session.gaps.is_empty(), "{:?}", session.gaps);
    assert!(matches!(session.verify(), Ok(Integrity::Whole)), "the journal is whole: {:?}", session.verify());
    let lost = session.records().any(|(_, _, record)| matches!(record, Record::Lost { .. }));
    assert_eq!(lost, cause == TripCause::Lost, "what was lost is recorded, and nothing else");

    // At the pads: what was on goes off at once, and nothing comes on again.
    let safe_ns = rig.device_zero_ns() + (at + SAFE_US) * 1_000;
    let late = rig.take_fine().into_iter().find(|edge| edge.at_ns > safe_ns);
    assert_eq!(late, None, "{} µs after the trip", late.map_or(0, |edge| (edge.at_ns - safe_ns) / 1_000 + SAFE_US));
    assert_eq!(outcome.still_on, 0);
    println!("{rate}, an edge every {every_us} µs: {cause:?} after {} µs", at - start - STORM_AT_US);
}

#[test]
fn edges_beside_trains_that_leave_the_lowest_level_no_time_trip_for_that() {
    trips_for("2 kHz", 130, 45_000, TripCause::Starved);
}

#[test]
fn an_input_that_changes_a_million_times_a_second_is_masked_recorded_and_trips() {
    trips_for("1 kHz", 1, 1_000, TripCause::Lost);
}

#[test]
fn an_input_that_p0_can_just_follow_and_nobody_else_trips_too() {
    trips_for("1 kHz", 5, 5_000, TripCause::Lost);
    trips_for("1 kHz", 20, 20_000, TripCause::Lost);
}
