//! What P0 answers an edge with by itself ends at its time: short pulses, a train and a limit, on the emulated Pico, where
//! nothing but its own alarm calls it back.

use std::collections::BTreeMap;

use compiler::Source;
use emulated::Cord;
use harness::{OnChip, System, on_both};
use journal::Allowed;
use journal::pairing::Tolerance;
use link::{LineId, Record};
use sim::animal::{Scripted, Tap};

/// Everything begins with the press and nothing else happens for long after it: no other deadline calls P0 back.
const TASK: &str = "protocol: short-pulses
lines: {lever: lever, trigger: light, laser: light, valve: light}
stimuli:
  three: {pulses: {width: 40 µs, rate: 10 kHz, count: 3}}
session: {ends: [{after: 4 s}]}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions: [{event: lever.press, to: answered}]
  answered:
    entry: [{pulse: {line: trigger, width: 200 µs}}, {pulse: {line: laser, stimulus: three}}, {on: valve}]
    transitions: [{event: lever.release, outcome: answered, to: ready}]
";
const BOX: &str = "rig: short-pulse-box
body: simulator
lines:
  lever: {kind: lever, pin: 2}
  trigger: {kind: light, pin: 10}
  laser: {kind: light, pin: 12}
  valve: {kind: light, pin: 13, max_on: 1 ms}
simulation: {settle: 2 µs, animal: {model: none}}
";
const LEVER: LineId = LineId(0);
/// How far a width may be off, in µs.
const OFF_US: i64 = 1;

#[test]
fn what_a_press_is_answered_with_ends_at_its_time() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    // At any phase of the 5 ms after which P0 comes anyway.
    let presses: Vec<u64> = (0..19).map(|n| 400_000 + n * 201_237).collect();
    let taps = presses
        .iter()
        .flat_map(|at| [Tap::new(*at, LEVER, true), Tap::new(at + 90_000, LEVER, false)])
        .collect::<Vec<_>>();
    let allowed = Allowed::interlock(Tolerance::RP2040.start_us as u32);
    let both = on_both(&image, &allowed, || {
        let system = System::on_rig(source("task.yaml", TASK), &source("box.yaml", BOX), &[], 1);
        system.with_animal(Scripted::new(taps.clone()))
    });
    assert!(both.found.is_same(), "{}", both.found);
    let mut since = BTreeMap::new();
    let mut widths: BTreeMap<LineId, Vec<i64>> = BTreeMap::new();
    for (_, at, record) in both.on_chip.records() {
        match record {
            Record::Edge { line, on: true } => _ = since.insert(line, at),
            Record::Edge { line, on: false } => {
                if let Some(on) = since.remove(&line) {
                    widths.entry(line).or_default().push((at - on) as i64);
                }
            }
            _ => {}
        }
    }
    for (line, count, asked_us) in [(1, 1, 200), (2, 3, 40), (3, 1, 1_000)] {
        let found = &widths[&LineId(line)];
        assert_eq!(found.len(), count * presses.len(), "line {line}");
        let wrong: Vec<_> = found.iter().filter(|width| width.abs_diff(asked_us) > OFF_US as u64).collect();
        assert!(wrong.is_empty(), "line {line} is to be on for {asked_us} µs: {wrong:?}");
    }
}
