//! Noise at the link of the real image on the emulated Pico, over both cords, from the first greeting through the uploads and a
//! session with an armed laser: pins and records are those of a twin that heard none.

use compiler::Source;
use emulated::Cord;
use harness::{OnChip, Outcome, System};
use journal::pairing::Tolerance;
use journal::{Allowed, side_by_side};
use link::{LineId, Record};
use sim::animal::{Scripted, Tap};

const TASK: &str = "protocol: lit-by-the-lever
lines: {lever: lever, mask: light, laser: laser}
stimuli:
  burst: {pulses: {width: 5 ms, rate: 40 Hz, count: 4}}
session: {ends: [{trials: 24}]}
start: wait
states:
  wait:
    entry: [{trial: begin}, {draw: {gap: {uniform: [100 ms, 300 ms]}}}]
    transitions:
      - {event: lever.press, outcome: pressed, to: light}
      - {after: gap, outcome: missed, to: light}
  light:
    entry:
      - {pulse: {line: laser, stimulus: burst}}
      - {pulse: {line: mask, stimulus: burst}}
    transitions: [{after: 150 ms, to: wait}]
";
/// Sequences of noise before each frame of the controller.
const NOISE: usize = 12;

fn play(image: &OnChip) -> Outcome {
    let taps = (0..24).flat_map(|n| {
        let at = 400_137 + n * 311_000;
        [Tap::new(at, LineId(0), true), Tap::new(at + 60_211, LineId(0), false)]
    });
    let task = Source { name: "task.yaml".to_owned(), text: TASK.to_owned() };
    let system = System::written(task, &[], 4).with_animal(Scripted::new(taps.collect()));
    let (outcome, chip) = match system.run_on_chip(image) {
        Ok(ran) => ran,
        Err(error) => panic!("{error}"),
    };
    assert!(chip.mishaps().is_empty(), "{:?}", chip.mishaps());
    if let Err(error) = &outcome.result {
        panic!("{error}");
    }
    assert_eq!(outcome.still_on, 0);
    outcome
}

fn undisturbed(cord: Cord) {
    let Some(image) = OnChip::ready(cord) else { return };
    let calm = play(&image);
    let noisy = play(&OnChip { noise: NOISE, ..image });
    let allowed = Allowed::interlock(Tolerance::RP2040.latency_us as u32);
    let found = side_by_side(&calm.session(), &noisy.session(), 1_000, &allowed, |_| false);
    println!("{cord:?}: {found}");
    assert!(found.is_same(), "{found}");
    let armed = |record: &Record| matches!(record, Record::Edge { line: LineId(2), on: true, .. });
    assert_eq!(calm.session().records().filter(|(_, _, record)| armed(record)).count(), 96, "the laser was armed");
    // At the pins, from what came first there.
    let pins = |outcome: &Outcome| {
        let begin = outcome.edges.first().map_or(0, |edge| edge.at);
        outcome.edges.iter().map(|edge| (edge.at - begin, edge.line, edge.on)).collect::<Vec<_>>()
    };
    let (calm, noisy) = (pins(&calm), pins(&noisy));
    assert_eq!(calm.len(), noisy.len());
    let widest = calm.iter().zip(&noisy).map(|(one, other)| one.0.abs_diff(other.0)).max();
    println!("{cord:?}: {} edges at the pins, at most {widest:?} µs apart", calm.len());
    assert!(widest.is_some_and(|us| us <= 250), "{widest:?}");
    assert_eq!(
        calm.iter().filter(|edge| edge.1 == LineId(2)).count(),
        noisy.iter().filter(|edge| edge.1 == LineId(2)).count()
    );
}

#[test]
fn noise_on_the_serial_line_changes_nothing() {
    undisturbed(Cord::Uart);
}

#[test]
fn noise_on_usb_changes_nothing() {
    undisturbed(Cord::Usb);
}
