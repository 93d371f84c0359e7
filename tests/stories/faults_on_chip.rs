//! The chip's own code goes wrong in the middle of a session: it goes astray and faults, or goes round without end. Every
//! output is safe at the pads within the time that was promised, and the session ends with all its records.

use std::path::Path;
use std::process::Command;

use compiler::Source;
use controller::session::Ended;
use emulated::{Cord, Event, ImageError, Tools, Upset};
use harness::{Desk, OnChip, System, said};
use link::{EndReason, LineId, Micros, Record, TripCause};
use sim::animal::{Scripted, Tap};

/// A light that is on throughout, and a laser that flashes.
const LIT: &str = "protocol: lit
lines: {mask: light, laser: laser}
stimuli:
  flash: {pulses: {width: 400 ms, rate: 2 Hz, count: 10}}
session: {ends: [{after: 4 s}]}
start: tick
states:
  tick:
    entry:
      - trial: begin
      - on: mask
      - pulse: {line: laser, stimulus: flash}
    transitions: [{after: 6 s, outcome: ticked, to: tick}]
";
const LIGHT_PIN: u8 = 12;
const LASER_PIN: u8 = 13;
/// Stamps and strikes, P0, P1, thread mode.
const LEVELS: [u8; 4] = [0, 1, 2, 4];
/// When it goes wrong, in µs after the start: light and laser are on.
const WRONG_US: Micros = 1_200_000;
/// A fault makes every pad safe with 30 stores.
const FAULT_NS: u64 = 5_000;
/// The watchdog's patience is 50 ms, and whoever sleeps runs every 10 ms.
const WATCHDOG_NS: u64 = 60_000_000;

/// Plays the session with something going wrong: how it was reset, and how long the outputs stayed on: from the fault, if
/// there was one, which comes when the level next runs; otherwise from when its level was to go wrong.
fn goes_wrong(image: &OnChip, upset: Upset) -> (String, u64) {
    let told = format!("{upset:?}");
    let protocol = Source { name: "lit.yaml".to_owned(), text: LIT.to_owned() };
    let system = System::written(protocol, &[], 1).with_animal(Scripted::new(Vec::new()));
    let image = OnChip { upset: Some((WRONG_US, upset)), ..image.clone() };
    let (outcome, mut rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{told}: {error}"));
    let resets: Vec<(u64, String)> = rig
        .mishaps()
        .iter()
        .filter_map(|mishap| match mishap {
            Event::Reset { at, cause } => Some((*at, cause.clone())),
            _ => None,
        })
        .collect();
    let [(_, cause)] = resets.as_slice() else { panic!("{told}: {:?}", rig.mishaps()) };

    let counted = rig.bench().counters().unwrap_or_else(|error| panic!("{told}: {error}"));
    let scope: Vec<_> = counted.iter().filter(|(_, what)| what.contains("watchdog's scope")).collect();
    assert!(scope.is_empty(), "{told}: the watchdog is to reset all but the oscillators: {scope:?}");

    let session = outcome.session();
    let begun = session.records().next().map_or(0, |(_, at, _)| at);
    let last = session.records().last();
    assert!(matches!(last, Some((_, _, Record::End(EndReason::DeviceReset)))), "{told}: {last:?}");
    assert!(matches!(outcome.result, Ok(Ended { reason: EndReason::DeviceReset, .. })), "{told}: {:?}", outcome.result);
    // That the lowest level gets nowhere is noticed before the watchdog bites, and written down.
    let starved = session.records().any(|(_, _, record)| record == Record::Trip(TripCause::Starved));
    assert_eq!(starved, upset == Upset { level: 4, loops: true }, "{told}");
    journal::replay(&session).unwrap_or_else(|failure| panic!("{told}: {failure}"));

    // The clock of the session's start is the first start's, which the bench keeps for the room.
    let due_ns = rig.room_zero_ns() + (begun + WRONG_US) * 1_000;
    let fault = rig.mishaps().iter().find_map(|mishap| match mishap {
        Event::Fault { at, .. } => Some(*at),
        _ => None,
    });
    assert_eq!(fault.is_some(), !upset.loops, "{told}: {:?}", rig.mishaps());
    let wrong_ns = fault.unwrap_or(due_ns);
    let edges = rig.take_fine();
    let last_on = [LIGHT_PIN, LASER_PIN].map(|pin| {
        let mut edges = edges.iter().filter(|edge| edge.pin == pin);
        let is_on = edges.clone().rfind(|edge| edge.at_ns <= wrong_ns).is_some_and(|edge| edge.high);
        assert!(is_on, "{told}: pin {pin} was to be on");
        let safe = edges.find(|edge| edge.at_ns > wrong_ns && !edge.high).map_or(u64::MAX, |edge| edge.at_ns);
        assert!(!edges.any(|edge| edge.high), "{told}: pin {pin} came on again");
        safe - wrong_ns
    });
    (cause.clone(), last_on.into_iter().max().unwrap_or(u64::MAX))
}

/// A press ends the trial, and the first trial the session.
const PRESS: &str = "protocol: press
lines: {lever: lever, mask: light}
session: {ends: [{trials: 1}]}
start: wait
states:
  wait:
    entry: [{trial: begin}]
    transitions: [{event: lever.press, outcome: pressed, to: lit}]
  lit:
    entry: [{on: mask}]
    transitions: [{after: 500 ms, to: wait}]
";
const PRESS_BOX: &str = "rig: press-box
body: rp2040
supply: separate
host: {silence: 1 s}
lines:
  lever: {kind: lever, pin: 2, active: low, pull: up, debounce: 20 us}
  mask: {kind: light, pin: 12, max_on: 60 s}
";

#[test]
#[cfg(target_os = "linux")]
fn a_wire_that_rings_is_a_loss_that_is_told_and_the_next_session_hears_it_again() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    // More edges, and faster, than P0 can take and let anyone else run; and a press for the second session.
    let ring = (0..1_500).map(|n| Tap::new(1_000_137 + n * 5, LineId(0), n % 2 == 0));
    let ring = ring.chain([Tap::new(3_000_137, LineId(0), true), Tap::new(3_100_137, LineId(0), false)]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults-ringing");
    let desk = Desk::new(&folder, &image, PRESS_BOX, PRESS, &[], Box::new(Scripted::new(ring.collect())));
    let run = || desk.run(&[]).wait_with_output().expect("it ends");
    let rings = run();
    assert!(!rings.status.success(), "{}", said(&rings));
    assert!(said(&rings).contains("an edge was lost"), "{}", said(&rings));
    let session = desk.session().expect("a journal");
    let lost = session.records().filter(|(_, _, record)| matches!(record, Record::Lost { .. })).count();
    let tripped = Record::End(EndReason::Tripped(TripCause::Lost));
    assert!(lost > 0 && session.records().last().is_some_and(|(_, _, record)| record == tripped));
    let again = run();
    assert!(again.status.success(), "the wire is heard again: {}", said(&again));
    let seen = desk.take_away();
    assert_eq!(seen.failed, None);
    assert!(seen.mishaps.is_empty(), "no reset: {:?}", seen.mishaps);
    assert!(!seen.edges.iter().rfind(|edge| edge.pin == LIGHT_PIN).is_some_and(|edge| edge.high), "the light is off");
}

#[test]
fn the_emulator_itself_faults_where_the_chip_would() {
    let tools = match Tools::ready() {
        Ok(tools) => tools,
        Err(ImageError::NoNode) if std::env::var("CI").as_deref() != Ok("true") => return,
        Err(error) => panic!("{error}"),
    };
    let folder = tools.script.parent().expect("a folder");
    let ran = Command::new("node").arg("--test").current_dir(folder).output().expect("node starts");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}");
    assert!(told.lines().any(|line| line.contains("pass 9")), "{told}");
}

#[test]
fn code_that_goes_astray_at_any_level_makes_every_output_safe_at_once() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for level in LEVELS {
        let (cause, ns) = goes_wrong(&image, Upset { level, loops: false });
        println!("level {level} goes astray: safe after {ns} ns, reset: {cause}");
        assert_eq!(cause, "forced");
        assert!(ns <= FAULT_NS, "level {level}: {ns} ns");
    }
}

#[test]
fn code_that_goes_round_without_end_at_any_level_is_ended_by_the_watchdog() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for level in LEVELS {
        let (cause, ns) = goes_wrong(&image, Upset { level, loops: true });
        println!("level {level} goes round: safe after {ns} ns, reset: {cause}");
        assert_eq!(cause, "watchdog");
        assert!(ns <= WATCHDOG_NS, "level {level}: {ns} ns");
    }
}
