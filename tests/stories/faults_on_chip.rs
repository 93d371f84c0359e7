//! The chip's own code goes wrong in the middle of a session: it goes astray and faults, or goes round without end. Every
//! output is safe at the pads within the time that was promised, and the session ends with all its records.

use std::path::Path;
use std::process::Command;

use compiler::Source;
use controller::session::Ended;
use emulated::{Cord, Goes, ImageError, Tools, Upset};
use harness::dying::{FAULT_NS, LEVELS, WATCHDOG_NS};
use harness::{Aftermath, Desk, End, OnChip, System, cases, said};
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
const FLASH_NS: u64 = 400_000_000;
const LIGHT_PIN: u8 = 12;
const LASER_PIN: u8 = 13;
/// When it goes wrong, in µs after the start: light and laser are on.
const WRONG_US: Micros = 1_200_000;
/// A session with a light that is on and a laser that flashes.
fn lit() -> System {
    let protocol = Source { name: "lit.yaml".to_owned(), text: LIT.to_owned() };
    let mut system = System::written(protocol, &[], 1).with_animal(Scripted::new(Vec::new()));
    // It ends after 6 s: a chip that is never reset is not waited for.
    system.give_up_after_us = Some(10_000_000);
    system
}

/// Fails unless the session ended by a reset with all it had recorded.
fn ended_by_reset(told: &str, after: &mut Aftermath) -> journal::Session {
    let session = after.outcome.session();
    let last = session.records().last();
    assert!(matches!(last, Some((_, _, Record::End(EndReason::DeviceReset)))), "{told}: {last:?}");
    let result = &after.outcome.result;
    assert!(matches!(result, Ok(Ended { reason: EndReason::DeviceReset, .. })), "{told}: {result:?}");
    journal::replay(&session).unwrap_or_else(|failure| panic!("{told}: {failure}"));
    let counted = after.rig.bench().counters().unwrap_or_else(|error| panic!("{told}: {error}"));
    let scope: Vec<_> = counted.iter().filter(|(_, what)| what.contains("watchdog's scope")).collect();
    assert!(scope.is_empty(), "{told}: the watchdog is to reset all but the oscillators: {scope:?}");
    session
}

/// Plays the session with the code of a level going wrong; prints how long the outputs stayed on.
fn goes_wrong(image: &OnChip, level: u8, goes: Goes, more: &[(Micros, Upset)]) {
    let told = format!("level {level}, {goes:?}{}", if more.is_empty() { "" } else { ", entering without a stack" });
    let upsets = [more, &[(WRONG_US, Upset::Code { level, goes })]].concat();
    let mut after = Aftermath::of(image, lit(), &upsets);
    let resets = after.resets();
    let end = End::of(goes);
    if end == End::Unharmed {
        assert!(after.rig.mishaps().is_empty(), "{told}: {:?}", after.rig.mishaps());
        assert!(matches!(after.outcome.result, Ok(Ended { reason: EndReason::Condition(_), .. })), "{told}");
        println!("{told}: goes on");
        return;
    }
    let [(reset_ns, cause)] = resets.as_slice() else { panic!("{told}: {:?}", after.rig.mishaps()) };
    let ns = after.safe_after_ns();
    println!("{told}: safe after {ns} ns, reset: {cause}{}", if after.locked_up() { ", locked up" } else { "" });
    let (by, bound_ns) = match end {
        End::AtOnce => (Some("forced"), FAULT_NS),
        End::Watchdog => (Some("watchdog"), WATCHDOG_NS),
        _ => (None, WATCHDOG_NS),
    };
    assert!(by.is_none_or(|by| by == cause), "{told}: {cause}");
    assert!(ns <= bound_ns, "{told}: {ns} ns");
    let by_itself = after.wrong_ns + ns < *reset_ns;
    assert!(by_itself || end != End::AtOnce, "{told}: it was the reset that made a pad safe, not the handler");
    for fate in after.fates.iter().filter(|fate| [LIGHT_PIN, LASER_PIN].contains(&fate.pin)) {
        assert!(fate.was_on, "{told}: pin {} was to be on", fate.pin);
    }
    let locks_up = matches!(goes, Goes::LocksUp | Goes::HandlerGone);
    assert!(!locks_up || after.locked_up(), "{told}: {:?}", after.rig.mishaps());
    let session = ended_by_reset(&told, &mut after);
    // That the lowest level gets nowhere is noticed before the watchdog bites, and written down.
    let starved = session.records().any(|(_, _, record)| record == Record::Trip(TripCause::Starved));
    assert_eq!(starved, level >= 3 && goes == Goes::Loops, "{told}");
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
    assert!(told.lines().any(|line| line.contains("pass 12")), "{told}");
}

/// Each way in which code goes wrong, at the levels that are tried of it: two, or with more time all.
fn tried() -> impl Iterator<Item = (u8, Goes)> {
    let all = cases(1) > 1;
    (0..).zip(Goes::ALL).flat_map(move |(n, goes)| {
        let levels = (0..LEVELS.len()).filter(move |place| all || (place + n) % LEVELS.len() < 2);
        levels.map(move |place| (LEVELS[place], goes))
    })
}

fn all_that_end(end: End) {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for (level, goes) in tried().filter(|(_, goes)| End::of(*goes) == end) {
        goes_wrong(&image, level, goes, &[]);
    }
}

#[test]
fn code_that_faults_or_panics_at_any_level_makes_every_output_safe_at_once() {
    all_that_end(End::AtOnce);
}

#[test]
fn code_that_goes_round_masks_interrupts_or_locks_up_is_ended_by_the_watchdog() {
    all_that_end(End::Watchdog);
}

#[test]
fn a_stack_that_overflows_or_a_wild_stack_pointer_is_ended_by_the_fault_or_the_watchdog() {
    all_that_end(End::Either);
    all_that_end(End::Unharmed);
}

#[test]
fn without_a_stack_the_handler_of_faults_does_as_well_if_the_core_enters_it() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for goes in [Goes::Overflows, Goes::StackNowhere] {
        goes_wrong(&image, 2, goes, &[(0, Upset::EntersWithoutStack)]);
    }
}

#[test]
fn a_timer_that_stands_or_strikes_that_never_come_are_ended_by_the_watchdog() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for upset in [Upset::TimerStops, Upset::AlarmLost(0)] {
        let told = format!("{upset:?}");
        let mut after = Aftermath::of(&image, lit(), &[(WRONG_US, upset)]);
        let ns = after.safe_after_ns();
        println!("{told}: safe after {ns} ns");
        assert!(after.resets().iter().all(|(_, cause)| cause == "watchdog") && after.resets().len() == 1, "{told}");
        assert!(ns <= WATCHDOG_NS, "{told}: {ns} ns");
        ended_by_reset(&told, &mut after);
    }
}

#[test]
fn without_the_alarms_of_the_engine_or_of_the_link_pulses_end_as_before() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    // P1 is called by P0 as well, and P2 is woken by any interrupt.
    for upset in [Upset::AlarmLost(1), Upset::AlarmLost(2)] {
        let after = Aftermath::of(&image, lit(), &[(WRONG_US, upset)]);
        assert!(after.rig.mishaps().is_empty(), "{upset:?}: {:?}", after.rig.mishaps());
        assert!(matches!(after.outcome.result, Ok(Ended { reason: EndReason::Condition(_), .. })), "{upset:?}");
        assert_eq!(after.outcome.still_on, 0, "{upset:?}");
        let edges: Vec<_> = after.edges.iter().filter(|edge| edge.pin == LASER_PIN).collect();
        let widths = edges.chunks_exact(2).map(|pulse| pulse[1].at_ns - pulse[0].at_ns);
        let farthest = widths.clone().map(|ns| ns.abs_diff(FLASH_NS)).max();
        println!("{upset:?}: {} flashes, at most {farthest:?} ns off their width", widths.count());
        assert!(edges.len() > 10 && farthest.is_some_and(|ns| ns <= 1_000), "{upset:?}: {edges:?}");
    }
}

#[test]
fn an_interrupt_that_is_nobodys_makes_every_output_safe_at_once() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for upset in [Upset::StrayInterrupt, Upset::Nmi] {
        let mut after = Aftermath::of(&image, lit(), &[(WRONG_US, upset)]);
        let ns = after.safe_after_ns();
        println!("{upset:?}: safe after {ns} ns");
        assert!(after.resets().iter().all(|(_, cause)| cause == "forced") && after.resets().len() == 1, "{upset:?}");
        assert!(ns <= FAULT_NS, "{upset:?}: {ns} ns");
        ended_by_reset(&format!("{upset:?}"), &mut after);
    }
}
