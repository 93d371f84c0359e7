//! A device that is reset at any moment of a session, with its memory kept or lost: the session always comes to an end
//! that says what became of it, and what the journal holds is true.

use std::collections::BTreeMap;

use compiler::{Compiled, Source};
use controller::session::{Ended, Plan, Session, SessionError, SyncPolicy};
use harness::{Disk, System};
use journal::{Integrity, Writer};
use link::frame::MAX_FRAME;
use link::{EndReason, Micros, Record};
use sim::animal::Scripted;
use sim::{Memory, SimRig, SimSettings};

/// Five short trials, each with a pulse of a line that must be armed.
const TICKING: &str = "protocol: ticking
lines: {laser: laser}
stimuli:
  flash: {pulses: {width: 2 ms, rate: 20 Hz, count: 2}}
session: {ends: [{trials: 5}]}
start: tick
states:
  tick:
    entry:
      - trial: begin
      - pulse: {line: laser, stimulus: flash}
    transitions: [{after: 80 ms, outcome: ticked, to: rest}]
  rest:
    transitions: [{after: 20 ms, to: tick}]
";

/// From one look at both ends to the next.
const STEP_US: u64 = 1_000;

/// How a session came out whose device was reset at `reset_at`, and its journal.
fn reset_at(compiled: &Compiled, reset_at: Micros, memory_is_kept: bool) -> (Result<Ended, SessionError>, Vec<u8>) {
    let plan = Plan {
        session: 7,
        compiled: compiled.clone(),
        protocol: TICKING.to_owned(),
        rig: String::new(),
        seed: 1,
        options: Vec::new(),
        purpose: journal::Purpose::Session,
        remarks: Vec::new(),
        subject: None,
        operator: None,
        arm: Some((compiled.rig.must_arm(), "KS".to_owned())),
        simulated: true,
        started_ms: None,
        sync: SyncPolicy::LIVE,
        wall_clock: None,
    };
    let disk = Disk::default();
    let written = disk.clone();
    let mut session = Session::new(plan, Box::new(move |header| Writer::begin(written, header)));
    let mut memory = Box::new(Memory::new());
    let mut now = 0;
    for boot in 1..=2 {
        if boot == 2 && !memory_is_kept {
            *memory = Memory::new();
        }
        let settings = SimSettings { boot, ..SimSettings::new(3) };
        let booted_at = now;
        let mut device = SimRig::new(&mut memory, &settings, &compiled.rig, Box::new(Scripted::new(Vec::new())));
        while boot == 2 || now < reset_at {
            let mut frame = [0; MAX_FRAME];
            // The device's clock begins anew with each boot.
            let since_boot = now - booted_at;
            device.run_until(since_boot);
            while let Some(used) = device.poll_transmit(since_boot, &mut frame) {
                session.handle_bytes(now, &frame[..used]);
            }
            session.poll(now);
            while let Some(used) = session.poll_transmit(now, &mut frame) {
                device.handle_bytes(since_boot, &frame[..used]);
            }
            if let Some(result) = session.take_result() {
                return (result, disk.bytes());
            }
            now += STEP_US;
            assert!(now < 60_000_000, "reset at {reset_at} µs, the session never ends");
        }
    }
    unreachable!("the second boot lasts until the session ends")
}

/// What a session came to, in a word; fails where the journal does not bear it out.
fn told(outcome: &(Result<Ended, SessionError>, Vec<u8>), reset_at: Micros) -> &'static str {
    let (result, journal) = outcome;
    let session = journal::Session::read(journal).unwrap_or_else(|error| panic!("reset at {reset_at} µs: {error}"));
    let integrity = session.verify().unwrap_or_else(|finding| panic!("reset at {reset_at} µs: {finding}"));
    let numbers: Vec<u64> = session.records().map(|(number, ..)| number).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "reset at {reset_at} µs");
    if !numbers.is_empty() {
        let report = journal::replay(&session).unwrap_or_else(|failure| panic!("reset at {reset_at} µs: {failure}"));
        assert!(report.is_clean(), "reset at {reset_at} µs: {report}");
    }
    let last = session.records().filter(|(_, _, record)| matches!(record, Record::End(_))).last();
    match result {
        Ok(Ended { reason: EndReason::Condition(_), .. }) => {
            assert_eq!(integrity, Integrity::Whole, "reset at {reset_at} µs");
            "ended"
        }
        Ok(Ended { reason: EndReason::DeviceReset, .. }) => {
            assert_eq!(integrity, Integrity::Whole, "reset at {reset_at} µs");
            assert!(matches!(last, Some((_, _, Record::End(EndReason::DeviceReset)))), "reset at {reset_at} µs");
            "reset"
        }
        Err(SessionError::Lost { durable }) => {
            assert!(matches!(integrity, Integrity::Gap(gap) if gap.first == *durable && *durable > 0));
            "lost"
        }
        Err(SessionError::NeverStarted) => {
            assert_eq!(numbers.len(), 0, "reset at {reset_at} µs");
            "never started"
        }
        other => panic!("reset at {reset_at} µs: {other:?}"),
    }
}

#[test]
fn a_device_reset_at_any_moment_leaves_a_session_that_says_what_became_of_it() {
    let protocol = Source { name: "ticking.yaml".to_owned(), text: TICKING.to_owned() };
    let compiled = System::written(protocol, &[], 1).compiled;
    for (memory_is_kept, after_the_start) in [(true, "reset"), (false, "lost")] {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        // Every step of the preparations, then on beyond the end.
        for at in (0..100_000).step_by(STEP_US as usize).chain((100_000..900_000).step_by(7_000)) {
            *seen.entry(told(&reset_at(&compiled, at, memory_is_kept), at)).or_default() += 1;
        }
        assert!(seen["never started"] >= 5 && seen["ended"] > 30, "{seen:?}");
        assert!(seen[after_the_start] > 50, "{seen:?}");
        assert_eq!(seen.len(), 3, "{seen:?}");
    }
}
