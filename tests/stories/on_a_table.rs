//! The real daemon and the real image: `nosepoke run` on a serial port, an emulated Pico with an animal at its far end, in real
//! time, with all that happens to cables and supplies on a table. Nothing here depends on how fast the machine is: what is
//! timed is timed by the chip's own clock.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use emulated::{Cord, Event, Order, Seen};
use harness::{Desk, OnChip, System, cases, said};
use journal::pairing::Tolerance;
use journal::{Allowed, Integrity, NoteKind, Session, side_by_side};
use link::{DisarmCause, EndReason, LineId, Record, Verdict};
use sim::animal::{Scripted, Tap};

const LEVER: LineId = LineId(0);
const LASER_PIN: u8 = 13;

/// A task that needs no animal: the light flickers in each trial, and the laser in all but the dark ones.
const FLICKER: &str = "protocol: flicker
lines: {laser: laser, mask: light}
parameters:
  trials_max: {default: 12, range: [1, 1000]}
  dark_after: {default: 1000, range: [0, 1000], about: the last trial with the laser}
  dark_until: {default: 1000, range: [0, 1000], about: the last one without}
stimuli:
  burst: {pulses: {width: 30 ms, rate: 20 Hz, count: 2}}
session: {ends: [{trials: trials_max}]}
start: tick
states:
  tick:
    entry:
      - trial: begin
      - draw: {gap: {uniform: [100 ms, 150 ms]}}
      - {pulse: {line: mask, stimulus: burst}}
      - {pulse: {line: laser, stimulus: burst}, if: trial.number <= dark_after or trial.number > dark_until}
    transitions: [{after: gap, outcome: ticked, to: rest}]
  rest:
    transitions: [{after: 50 ms, to: tick}]
";

/// A computer busy with other tests may be silent for longer than a rig would want.
const BOX: &str = "rig: table-box
body: rp2040
supply: separate
host: {silence: 1 s, rejoin: 60 s, carry_on: 60 s}
lines:
  mask: {kind: light, pin: 12, max_on: 60 s}
  laser: {kind: laser, pin: 13, max_on: 5 s, arm: required}
";

/// One table at a time: real time is only as good as the processors left for it.
fn alone() -> MutexGuard<'static, ()> {
    static TABLE: Mutex<()> = Mutex::new(());
    // A story that failed leaves the table as good as before.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two seconds, and what the cable is pulled for.
const TWO_SECONDS_US: u64 = 2_000_000;

const ARMED: [&str; 6] = ["--arm", "laser", "--operator", "KS", "--subject", "R12"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The flickering rig on a table.
fn flicker(name: &str, image: &OnChip, set: &[(&str, &str)]) -> Desk {
    Desk::new(&folder(name), image, BOX, FLICKER, set, Box::new(Scripted::new(Vec::new())))
}

fn ends(child: Child) -> Output {
    child.wait_with_output().expect("the program ends")
}

#[track_caller]
fn good(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

/// Fails unless the session's records follow one another from the first on, each once, and replay.
#[track_caller]
fn whole(desk: &Desk) -> Session {
    let session = desk.session().expect("a journal");
    let numbers: Vec<u64> = session.records().map(|(number, ..)| number).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "a record is missing, or stands twice");
    good(&desk.ask("replay"));
    good(&desk.ask("show"));
    session
}

/// Fails unless the chip went on without a fault, but for what was done to it.
#[track_caller]
fn unharmed(seen: &Seen, resets: &[&str]) {
    assert_eq!(seen.failed, None);
    let mishaps: Vec<String> = seen.mishaps.iter().map(|mishap| format!("{mishap:?}")).collect();
    assert_eq!(mishaps.len(), resets.len(), "{mishaps:?}");
    for (mishap, cause) in seen.mishaps.iter().zip(resets) {
        assert!(matches!(mishap, Event::Reset { cause: by, .. } if by == cause), "{mishaps:?}");
    }
}

fn count(session: &Session, like: impl Fn(&Record) -> bool) -> usize {
    session.records().filter(|(_, _, record)| like(record)).count()
}

fn trials(session: &Session) -> Vec<u32> {
    let number = |record| match record {
        Record::Trial { number } => Some(number),
        _ => None,
    };
    session.records().filter_map(|(_, _, record)| number(record)).collect()
}

fn withheld(session: &Session) -> usize {
    count(session, |record| matches!(record, Record::Verdict { verdict: Verdict::Withheld, .. }))
}

/// Presses every 0.7 s for a minute and a half.
fn presses() -> Scripted {
    let press = |n: u64| [Tap::new(400_137 + n * 700_000, LEVER, true), Tap::new(480_211 + n * 700_000, LEVER, false)];
    Scripted::new((0..130).flat_map(press).collect())
}

/// The shipped protocol on the shipped rig-config, four trials whose seed pays two and omits two, one of them with the laser.
fn the_flagship(name: &str, cord: Cord) {
    const SEED: u64 = 10;
    let set = [("trials_max", "4"), ("delay", "100 ms")];
    let Some(image) = OnChip::ready(cord) else { return };
    let _alone = alone();
    let read = |path: &str| std::fs::read_to_string(harness::top().join(path)).expect("the file reads");
    let rig = read("rig-configs/pico-box.yaml").replace("silence: 250 ms", "silence: 5 s");
    let protocol = read("protocols/probabilistic-reward.yaml");
    let desk = Desk::new(&folder(name), &image, &rig, &protocol, &set, Box::new(presses()));
    let ran = ends(desk.run(&[&ARMED[..], &["--seed", "10"]].concat()));
    good(&ran);
    let session = whole(&desk);
    assert_eq!(session.verify(), Ok(Integrity::Whole));
    assert!(!session.header.simulated);
    assert!(session.header.versions.body.starts_with("rp2040 "), "{}", session.header.versions.body);
    assert!(said(&ran).contains("board e6616408432c3527 (rp2040"), "the flash's number: {}", said(&ran));
    assert!(!said(&ran).contains("warning"), "{}", said(&ran));
    let armed = |kind: &NoteKind| matches!(kind, NoteKind::Armed { who, .. } if who == "KS");
    assert_eq!(
        session.notes.iter().filter(|placed| armed(&placed.note.kind)).count(),
        1,
        "who armed stands in the journal"
    );

    let simulated = System::shipped("protocols/probabilistic-reward.yaml", &set, SEED).with_animal(presses()).run();
    let allowed = Allowed::interlock(Tolerance::RP2040.latency_us as u32);
    let found = side_by_side(&simulated.session(), &session, 1_000, &allowed, |_| false);
    println!("{name}: {found}");
    assert!(found.differences.is_empty(), "the animal is the same, and so is the seed: {found}");

    let seen = desk.take_away();
    unharmed(&seen, &[]);
    let lit = seen.edges.iter().filter(|edge| edge.pin == LASER_PIN && edge.high).count();
    assert_eq!(lit, 20, "one train at the pin");
}

#[test]
fn the_flagship_runs_on_the_pico_over_usb() {
    the_flagship("table-flagship-usb", Cord::Usb);
}

#[test]
fn the_flagship_runs_on_the_pico_over_a_serial_line() {
    the_flagship("table-flagship-uart", Cord::Uart);
}

#[test]
fn a_cable_pulled_for_two_seconds_while_the_laser_rests_changes_nothing_but_that_it_was_safe() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let _alone = alone();
    let set = [("trials_max", "70"), ("dark_after", "2"), ("dark_until", "65")];
    let (quiet, pulled) = (flicker("table-uncut", &image, &set), flicker("table-cut", &image, &set));
    let seeded = [&ARMED[..], &["--seed", "3"]].concat();
    let (one, other) = (quiet.run(&seeded), pulled.run(&seeded));
    pulled.wait_for_trials(3);
    pulled.order(Order::PullCable(TWO_SECONDS_US));
    let (one, other) = (ends(one), ends(other));
    good(&one);
    good(&other);
    assert!(said(&other).contains("the device is back"), "{}", said(&other));
    let (quiet_session, pulled_session) = (whole(&quiet), whole(&pulled));
    assert_eq!(pulled_session.verify(), Ok(Integrity::Whole), "no gap");
    let gone = |record: &Record| matches!(record, Record::Disarmed { cause: DisarmCause::Silence, .. });
    assert_eq!((count(&quiet_session, gone), count(&pulled_session, gone)), (0, 1));
    let armed = |record: &Record| matches!(record, Record::Armed { .. });
    assert_eq!(count(&pulled_session, armed), count(&quiet_session, armed) + 1, "armed again, once");
    assert_eq!(withheld(&pulled_session), 0);
    let of_the_cut = |record: &Record| gone(record) || armed(record) || matches!(record, Record::Silence(_));
    let allowed = Allowed::interlock(Tolerance::RP2040.latency_us as u32);
    let found = side_by_side(&quiet_session, &pulled_session, 1_000, &allowed, of_the_cut);
    println!("the same device stream: {found}");
    assert!(found.differences.is_empty(), "{found}");
    assert!(found.records > 300 && found.edges > 280, "{found}");
    unharmed(&quiet.take_away(), &[]);
    unharmed(&pulled.take_away(), &[]);
}

#[test]
fn pulses_asked_of_the_laser_while_the_cable_is_out_are_withheld_and_the_task_goes_on() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let _alone = alone();
    let cuts = cases(1);
    let trials_max = 50 * cuts;
    let desk = flicker("table-withheld", &image, &[("trials_max", &trials_max.to_string())]);
    let child = desk.run(&ARMED);
    for cut in 0..cuts {
        desk.wait_for_trials(3 + 45 * cut as usize);
        desk.order(Order::PullCable(TWO_SECONDS_US));
    }
    let ran = ends(child);
    good(&ran);
    let session = whole(&desk);
    assert_eq!(session.verify(), Ok(Integrity::Whole), "no gap");
    assert_eq!(trials(&session), (1..=trials_max as u32).collect::<Vec<_>>(), "the task went on");
    assert!(withheld(&session) >= cuts as usize, "pulses asked for meanwhile are withheld");
    let mut safe = false;
    for (_, _, record) in session.records() {
        match record {
            Record::Disarmed { .. } => safe = true,
            Record::Armed { .. } => safe = false,
            Record::Edge { line: LineId(0), on: true, .. } => assert!(!safe, "the laser fired while nobody watched"),
            _ => {}
        }
    }
    let seen = desk.take_away();
    unharmed(&seen, &[]);
    let lit = seen.edges.iter().filter(|edge| edge.pin == LASER_PIN && edge.high).count();
    let recorded = count(&session, |record| matches!(record, Record::Edge { line: LineId(0), on: true, .. }));
    assert_eq!(lit, recorded, "what the journal says of the laser is what its pin did");
}

#[test]
fn a_supply_cut_ends_the_session_and_the_journal_says_from_where_on_nothing_is_known() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let _alone = alone();
    let desk = flicker("table-supply", &image, &[("trials_max", "400")]);
    let child = desk.run(&ARMED);
    desk.wait_for_trials(4);
    desk.order(Order::CutSupply(300_000));
    let ran = ends(child);
    assert!(!ran.status.success(), "{}", said(&ran));
    let session = whole(&desk);
    let words = format!("records after {} are unknown", session.records_len() - 1);
    assert!(said(&ran).contains(&words), "{}", said(&ran));
    assert!(said(&desk.ask("replay")).contains(&words));
    assert!(session.close.is_some());
    assert!(trials(&session).len() >= 4, "everything that was durable is readable");
    unharmed(&desk.take_away(), &["power", "power"]);
}

/// Reset in mid-session: what was recorded is offered again after it, and the pins are dark from there on.
fn reset(name: &str, cord: Cord, order: Order, cause: &str) {
    let Some(image) = OnChip::ready(cord) else { return };
    let _alone = alone();
    let desk = flicker(name, &image, &[("trials_max", "400")]);
    let child = desk.run(&ARMED);
    desk.wait_for_trials(3);
    desk.order(order);
    let ran = ends(child);
    assert!(!ran.status.success(), "{}", said(&ran));
    assert!(said(&ran).contains("device was reset"), "{}", said(&ran));
    let session = whole(&desk);
    assert_eq!(session.verify(), Ok(Integrity::Whole), "nothing is missing, and nothing doubled");
    assert_eq!(session.records().last().map(|(_, _, record)| record), Some(Record::End(EndReason::DeviceReset)));
    let begun = trials(&session);
    assert_eq!(begun, (1..=begun.len() as u32).collect::<Vec<_>>());
    let seen = desk.take_away();
    unharmed(&seen, &[cause]);
    let Some(Event::Reset { at, .. }) = seen.mishaps.first() else { return };
    let after: Vec<_> =
        seen.edges.iter().filter(|edge| edge.at_ns >= *at && [12, LASER_PIN].contains(&edge.pin)).collect();
    assert!(!after.is_empty() || order != Order::ResetWhileOn, "an output was on");
    assert!(after.iter().all(|edge| !edge.high && edge.at_ns == *at), "{after:?}");
}

#[test]
fn a_pico_that_is_reset_goes_dark_and_offers_what_it_recorded_over_usb() {
    reset("table-reset-usb", Cord::Usb, Order::ResetWhileOn, "run");
}

#[test]
fn a_pico_that_is_reset_goes_dark_and_offers_what_it_recorded_over_a_serial_line() {
    reset("table-reset-uart", Cord::Uart, Order::ResetWhileOn, "run");
}

#[test]
fn a_pico_whose_engine_hangs_is_reset_by_its_watchdog_and_offers_what_it_recorded() {
    reset("table-watchdog", Cord::Usb, Order::Hang, "watchdog");
}
