//! Sessions that are aborted one after the other, each forgotten and the next begun, on one emulated chip that is never reset:
//! every one ends with every output safe, and the last is like the first.

use std::collections::BTreeMap;

use compiler::Source;
use emulated::Cord;
use harness::{Again, OnChip, Round, System, cases};
use journal::Integrity;
use link::rig::{RigLine, Role};
use link::{EndReason, Micros, Record, TripCause};
use sim::animal::Scripted;

/// Everything an output can be in the midst of, from the session's start. Duty is counted across sessions, so there is not much of
/// it.
const BUSY: &str = "protocol: busy
lines: {water: valve, cue: speaker, house: light, dimmed: light, laser: laser, gate: output}
stimuli:
  tone: {tone: {frequency: 8 kHz, level: 60 dB, duration: 400 ms, ramp: 5 ms}}
  train: {pulses: {width: 5 ms, rate: 40 Hz, count: 100}}
  drops: {pulses: {width: 20 ms, rate: 10 Hz, count: 3}}
session: {ends: [{after: 60 s}]}
start: busy
states:
  busy:
    entry:
      - trial: begin
      - on: house
      - on: {line: dimmed, power: 30 %}
      - pulse: {line: laser, stimulus: train}
      - pulse: {line: gate, stimulus: drops}
      - pulse: {line: water, width: 50 ms}
      - play: {line: cue, stimulus: tone}
    transitions: [{after: 500 ms, outcome: done, to: rest}]
  rest:
    transitions: [{after: 50 ms, to: busy}]
";
const BOX: &str = "rig: busy-box
body: rp2040
host: {silence: 250 ms, rejoin: 5 s, carry_on: 60 s}
lines:
  water: {kind: valve, pin: 3, max_on: 500 ms}
  cue: {kind: speaker, pin: 11}
  house: {kind: light, pin: 5}
  dimmed: {kind: light, pin: 6, pwm: 1 kHz}
  laser: {kind: laser, pin: 7}
  gate: {kind: output, pin: 17, active: low, pull_up: external, max_on: 300 ms}
";
/// From the record of the trip or the end to the last pad that is safe.
const SAFE_NS: u64 = 100_000;
/// By how much a first edge may differ from that of the first session: what a step takes is not the same to the cycle.
const ALIKE_NS: u64 = 10_000;

/// How long after the session's start each pin first moved, in ns.
fn first_edges(round: &Round) -> BTreeMap<u8, u64> {
    let mut first = BTreeMap::new();
    for edge in round.edges.iter().filter(|edge| edge.at_ns >= round.began_ns && edge.pin > 1) {
        first.entry(edge.pin).or_insert(edge.at_ns - round.began_ns);
    }
    first
}

#[test]
fn session_after_session_is_aborted_and_the_last_is_like_the_first() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let mut system = System::on_rig(source("busy.yaml", BUSY), &source("busy-box.yaml", BOX), &[], 1);
    system = system.with_animal(Scripted::new(Vec::new()));
    system.arm = system.compiled.rig.must_arm();
    let lines: Vec<RigLine> = system.compiled.rig.lines.iter().copied().collect();
    let heard = |line: &RigLine| matches!(line.role, Role::Output { speaker: true, .. });
    let pins = lines.iter().filter(|line| !heard(line)).count();
    let mut again = Again::new(&image, system);
    let mut first: Option<(BTreeMap<u8, u64>, u32)> = None;
    let (mut latest_ns, mut drift_ns) = (0, 0);
    let rounds = cases(50) as u64;
    for n in 0..rounds {
        let after_us: Micros = 20_000 + n * 7_919 % 380_000;
        // Now and then one is only stopped: the trip of the one before is not its own.
        let aborted = n % 4 != 3;
        let round = again.broken_off(after_us, aborted);
        let told = format!("session {}, broken off after {after_us} us", n + 1);
        let reason = if aborted { EndReason::Tripped(TripCause::HostAbort) } else { EndReason::Stopped };
        let ended = round.outcome.result.as_ref().map(|ended| ended.reason);
        assert_eq!(ended.unwrap_or_else(|error| panic!("{told}: {error}")), reason, "{told}");
        let session = round.outcome.session();
        assert!(matches!(session.verify(), Ok(Integrity::Whole)), "{told}");
        let ends = |record: &Record| matches!(record, Record::Trip(_) | Record::End(_));
        let end = session.records().find(|(_, _, record)| ends(record)).map(|(_, at, _)| at);
        let end_ns =
            again.rig().device_zero_ns() + end.unwrap_or_else(|| panic!("{told}: neither trip nor end")) * 1_000;

        // Safe, and stays so.
        assert_eq!(round.outcome.still_on, 0, "{told}");
        let last = round.edges.iter().filter(|edge| edge.pin > 1).map(|edge| edge.at_ns).max().unwrap_or(0);
        let late_ns = last.saturating_sub(end_ns);
        assert!(late_ns <= SAFE_NS, "{told}: an edge {late_ns} ns behind it");
        latest_ns = latest_ns.max(late_ns);

        // Nothing is left of it, and nothing moves from where it was.
        let status = round.status;
        assert_eq!((status.first_record, status.armed), (status.next_record, 0), "{told}: {status:?}");
        let edges = first_edges(&round);
        assert_eq!(edges.len(), pins, "{told}: every output came on: {edges:?}");
        let (as_first, ring_free) = first.get_or_insert_with(|| (edges.clone(), status.ring_free));
        assert_eq!(status.ring_free, *ring_free, "{told}: room for records");
        for (pin, ns) in &edges {
            let apart_ns = as_first.get(pin).map_or(u64::MAX, |first| first.abs_diff(*ns));
            assert!(apart_ns <= ALIKE_NS, "{told}: pin {pin} first moved {apart_ns} ns from where it did");
            drift_ns = drift_ns.max(apart_ns);
        }
    }
    assert!(again.rig().mishaps().is_empty(), "{:?}", again.rig().mishaps());
    println!(
        "{rounds} sessions: safe {latest_ns} ns behind the trip or the end at most, first edges {drift_ns} ns apart at most"
    );
}
