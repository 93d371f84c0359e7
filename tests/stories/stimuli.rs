//! Trains whose pulses are not all alike, from a protocol to the pins: the same session on the emulated chip and in simulation,
//! every edge where the protocol says, and the power each pulse carried.

use compiler::Source;
use emulated::{Carried, Cord, EmulatedRig};
use harness::{OnChip, System, same_on_chip};
use journal::pairing::Tolerance;
use link::LineId;
use sim::animal::{Scripted, Tap};

const BOX: &str = "rig: courses
body: simulator
lines:
  lever: {kind: lever, pin: 2, debounce: 5 ms}
  house: {kind: light, pin: 14}
  lamp: {kind: light, pin: 15}
  laser: {kind: laser, pin: 16, pwm: 130 kHz}
  rod: {kind: motor, pin: 18, pwm: 20 kHz, calibration: {date: 2026-11-02, speeds: [[10 %, 4 rpm], [100 %, 45 rpm]]}}
simulation:
  person: {name: operator, arms: [laser]}
  animal: {model: none}
";
const HOUSE: u8 = 14;
const LAMP: u8 = 15;
const LASER: u8 = 16;
const ROD: u8 = 18;

const COURSES: &str = "protocol: courses
lines: {lever: lever, house: light, lamp: light, laser: laser, rod: motor}
stimuli:
  theta: {pulses: {width: 2 ms, rate: 100 Hz, count: 4, bursts: {count: 3, period: 70 ms}, delay: 1 ms}}
  listed: {pulses: {at: [0 ms, 150 µs, 7 ms, 29 ms, 29.3 ms], width: [100 µs, 50 µs, 5 ms, 200 µs, 40 µs]}}
  rising: {pulses: {width: 3 ms, rate: 50 Hz, count: 6, power: {from: 10 %, to: 60 %}}}
  blink: {pulses: {rate: 25 Hz, duty: 50 %}}
session: {ends: [{trials: 4}]}
start: ready
states:
  ready: {transitions: [{after: 20 ms, to: first}]}      # the session's own beginning takes a while
  first:
    entry:
      - trial: begin
      - pulse: {line: house, stimulus: theta}
      - pulse: {line: lamp, stimulus: listed}
      - pulse: {line: laser, stimulus: rising}
      - on: {line: rod, speed: {from: 4 rpm, to: 40 rpm, over: 150 ms}}
    transitions: [{after: 200 ms, to: second}]
  second:
    entry:
      - on: {line: house, stimulus: blink}
      - on: {line: lamp, while: lever.down}
      - pulse: {line: laser, stimulus: listed, power: 30 %}
    transitions: [{after: 110 ms, outcome: done, to: first}]
";

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// Presses for 30 ms in each state of each trial.
fn presses() -> Scripted {
    let press = |at_us: u64| [Tap::new(at_us, LineId(0), true), Tap::new(at_us + 30_000, LineId(0), false)];
    Scripted::new((0..4).flat_map(|n| [90_137, 250_137].map(|us| us + n * 310_000)).flat_map(press).collect())
}

fn system() -> System {
    System::on_rig(source("courses.yaml", COURSES), &source("box.yaml", BOX), &[], 1).with_animal(presses())
}

/// When a pin rose, and how long it then was high, in ns.
fn pulses(edges: &[emulated::FineEdge], pin: u8) -> Vec<(u64, u64)> {
    let of = |high| edges.iter().filter(move |edge| edge.pin == pin && edge.high == high).map(|edge| edge.at_ns);
    of(true).zip(of(false)).map(|(on, off)| (on, off - on)).collect()
}

/// The longest an edge lies off where it should, counted from the first, in ns.
fn worst_ns(found: &[(u64, u64)], expected: &[(u64, u64)]) -> u64 {
    assert_eq!(found.len(), expected.len());
    let first = found[0].0 - expected[0].0 * 1_000;
    let off = found.iter().zip(expected).map(|((at, width), (asked, wide))| {
        let (rise, fall) = (first + asked * 1_000, first + (asked + wide) * 1_000);
        at.abs_diff(rise).max((at + width).abs_diff(fall))
    });
    off.max().unwrap_or(0)
}

#[test]
fn every_course_on_the_chip_goes_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let found = same_on_chip(&image, system);
    println!("courses: {found}");
    assert!(found.differences.is_empty(), "{found}");
    assert!(found.records > 500 && found.edges > 200, "{found}");
}

#[test]
fn every_edge_is_at_its_microsecond_and_every_pulse_has_its_power() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let (outcome, mut rig) = system().run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.result.is_ok() && rig.mishaps().is_empty(), "{:?} {:?}", outcome.result, rig.mishaps());
    assert_eq!(rig.outputs_on(), 0);
    let report =
        journal::replay_within(&outcome.session(), Tolerance::RP2040).unwrap_or_else(|found| panic!("{found}"));
    assert!(report.is_clean(), "{report}");

    let edges = rig.take_fine();
    let theta: Vec<(u64, u64)> = (0..3).flat_map(|b| (0..4).map(move |n| (b * 70_000 + n * 10_000, 2_000))).collect();
    let list = [(0, 100), (150, 50), (7_000, 5_000), (29_000, 200), (29_300, 40)];
    let rising: Vec<(u64, u64)> = (0..6).map(|n| (n * 20_000, 3_000)).collect();
    let house = pulses(&edges, HOUSE);
    // Each trial: twelve pulses of bursts, three of what blinks for 110 ms, the last of them cut.
    let bursts: Vec<_> = house.chunks(15).map(|trial| worst_ns(&trial[..12], &theta)).collect();
    // Five pulses of the list, and for as long as the lever is down in the second state.
    let lamp = pulses(&edges, LAMP);
    let lists: Vec<_> = lamp.chunks(6).map(|trial| worst_ns(&trial[..5], &list)).collect();
    assert!(lamp.chunks(6).all(|trial| trial[5].1.abs_diff(30_000_000) < 100_000), "{lamp:?}");
    let laser = pulses(&edges, LASER);
    let powered: Vec<_> =
        laser.chunks(11).flat_map(|trial| [worst_ns(&trial[..6], &rising), worst_ns(&trial[6..], &list)]).collect();
    println!("off by at most, in ns: bursts {bursts:?}, lists {lists:?}, ramps and lists with a power {powered:?}");
    assert_eq!((bursts.len(), lists.len(), powered.len()), (4, 4, 8));
    assert!(bursts.iter().chain(&lists).chain(&powered).all(|ns| *ns <= 1_000));

    // While a pulse is on, and to its very end.
    for trial in laser.chunks(11) {
        let expected = (0..6).map(|n| 100_000 + n * 100_000).chain([300_000; 5]);
        for ((on, width), asked) in trial.iter().zip(expected) {
            for at in [on + 2_000, on + width - 1] {
                let carried = carried(&rig, LASER, at);
                let share = f64::from(carried.compare) * 1e6 / f64::from(carried.counts);
                let off = (share - f64::from(asked)).abs() * f64::from(carried.counts) / 1e6;
                // A pulse of 40 µs has five periods.
                assert!(off <= 0.51, "{asked} ppm asked for at {at} ns, {carried:?}");
            }
        }
    }
    let rod = rig.powers().iter().filter(|carried| carried.pin == ROD).count();
    assert!(rod >= 4 * 150, "the motor is told its speed every ms: {rod}");
}

fn carried(rig: &EmulatedRig, pin: u8, at_ns: u64) -> Carried {
    let mut of = rig.powers().iter().copied().filter(|carried| carried.pin == pin);
    of.rfind(|carried| carried.at_ns <= at_ns).unwrap_or_else(|| panic!("pin {pin} carried nothing by {at_ns} ns"))
}

#[test]
fn a_session_with_every_course_replays_and_pairs_in_simulation() {
    let outcome = system().run();
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(outcome.still_on, 0);
    let report = journal::replay(&outcome.session()).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.is_clean(), "{report}");
}
