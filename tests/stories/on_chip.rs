//! The real image on an emulated Pico does what the simulator does: the same animal, the same seed, the same records in the
//! same order. The biggest difference in time is printed.
//!
//! Outputs' edges may lie as far apart as a replay allows a Pico; all else lies on the same µs, or is told. The simulator
//! answers in no time. On the chip an answer to an input follows after a few µs, but one to a time-out, or to the beginning of
//! a trial, when the step is made that asks for it: 20 to 70 µs here, and 195 µs for the cue of the first trial, behind the
//! session's own beginning. An edge that ends a pulse lies as far apart as the one that began it. `Disarmed` at the session's
//! end follows its last step by 26 µs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use compiler::Source;
use compiler::symbols::Symbols;
use controller::scenarios::{Chip, Compared, Suite, run};
use emulated::Cord;
use harness::{Both, OnChip, Outcome, System, cases, fidgets, on_both, same_on_chip, top};
use journal::pairing::Tolerance;
use journal::{Allowed, SideBySide, side_by_side};
use link::{EventId, LineId, Micros, Record, RegionId, StateId};
use sim::animal::{Scripted, Tap};
use std::process::Command;

const LEVER: LineId = LineId(0);
const SPOUT: LineId = LineId(1);

/// Taps on lever and spout, each held for 80 ms, a little off any round time.
fn taps(times: &[(u64, LineId)]) -> Scripted {
    let tap =
        |&(at_us, line): &(u64, LineId)| [Tap::new(at_us + 137, line, true), Tap::new(at_us + 80_211, line, false)];
    Scripted::new(times.iter().flat_map(tap).collect())
}

fn holds(image: &OnChip, name: &str, system: impl Fn() -> System) -> SideBySide {
    let found = same_on_chip(image, system);
    println!("{name}: {found}");
    assert!(found.is_same(), "{name}: {found}");
    assert!(found.records > 30, "{name}: only {} records were compared", found.records);
    found
}

#[test]
fn every_instruction_of_the_emulator_does_what_the_one_it_stands_on_does() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let script = image.tools.script.with_file_name("alike.mjs");
    let ran = Command::new("node").arg(script).arg(&image.image).output().expect("node starts");
    let (said, failed) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}{failed}");
    println!("{said}");
}

#[test]
fn a_press_pays_on_the_chip_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    holds(&image, "first-lever", || {
        let system = System::shipped("protocols/first-lever.yaml", &[("pause", "300 ms")], 3);
        system.with_animal(presses(101, 700_000))
    });
}

/// Presses every `every_us` and licks after each, from 0.4 s on.
fn presses(count: u64, every_us: u64) -> Scripted {
    let times = (0..count).flat_map(|n| [(400_000 + n * every_us, LEVER), (600_000 + n * every_us, SPOUT)]);
    taps(&times.collect::<Vec<_>>())
}

#[test]
fn the_flagship_draws_pays_omits_and_lights_on_the_chip_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let set = [("trials_max", "6"), ("patience", "2 s"), ("delay", "100 ms")];
    holds(&image, "probabilistic-reward", || {
        System::shipped("protocols/probabilistic-reward.yaml", &set, 5).with_animal(presses(60, 1_300_000))
    });
}

#[test]
fn pulls_on_the_lever_go_as_in_simulation_cued_and_self_initiated() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    for context in ["self_initiated", "cued"] {
        let set = [
            ("trials_max", "6"),
            ("context", context),
            ("hold_still", "300 ms"),
            ("patience", "5 s"),
            ("time_out", "1 s"),
        ];
        holds(&image, context, || {
            System::shipped("protocols/lever-pull.yaml", &set, 8).with_animal(presses(60, 1_700_000))
        });
    }
}

#[test]
fn an_analog_lever_is_sampled_and_judged_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let set = [("trials_max", "3"), ("hold_still", "300 ms"), ("gap_mean", "2.5 s"), ("patience", "5 s")];
    let system = || System::shipped("protocols/lever-pull-analog.yaml", &set, 4);
    let symbols = system().compiled.symbols;
    let place = symbols.lines.iter().position(|line| line.name == "joystick").expect("the lever");
    let scale = symbols.lines[place].scale.expect("the lever is calibrated");
    let (lever, raw) = (LineId(place as u8), |um| scale.raw(um).expect("a raw value"));
    // 5 mm is far enough, 2 mm is not, 7.95 mm hits the end. Each is let go after 200 ms.
    let pull =
        |at_us, um| [Tap::travel(at_us, lever, raw(um), 60_000), Tap::travel(at_us + 260_000, lever, raw(0), 80_000)];
    let pulls = [pull(1_500_137, 5_000), pull(7_000_137, 2_000), pull(13_000_137, 7_950)].concat();
    let found = holds(&image, "lever-pull-analog", || system().with_animal(Scripted::new(pulls.clone())));
    assert!(found.samples > 5_000, "{found}");
    assert_eq!(found.unlike.0, 0, "{found}");
}

/// What is compared of each protocol, from its beginning.
const COMPARED_US: Micros = 20_000_000;
/// How much longer each runs, so that what comes a little later on one body is there on both.
const LONGER_US: Micros = 1_000_000;

/// How often something stands in a session, as far as it is compared.
fn count(both: &Both, like: impl Fn(&Record) -> bool) -> usize {
    let start = both.simulated.records().next().map_or(0, |(_, at, _)| at);
    let records = both.simulated.records();
    records.filter(|(_, at, record)| at - start < COMPARED_US && like(record)).count()
}

/// What makes something happen in so short a time, with an animal that fidgets.
fn set(name: &str) -> &'static [(&'static str, &'static str)] {
    match name.trim_end_matches(".yaml") {
        // Two minutes without anything would be compared.
        "fear-conditioning" => &[("baseline", "0 s")],
        // It waits for a spout that nobody licks for so long.
        "go-nogo" => &[("quiet", "100 ms"), ("jitter_max", "100 ms")],
        _ => &[],
    }
}

/// The states a session enters, as far as it is compared.
fn entered(both: &Both) -> BTreeSet<(RegionId, StateId)> {
    let start = both.on_chip.records().next().map_or(0, |(_, at, _)| at);
    let records = both.on_chip.records().filter(|(_, at, _)| at - start < COMPARED_US);
    let entered = records.filter_map(|(_, _, record)| match record {
        Record::Enter { region, state } => Some((region, state)),
        _ => None,
    });
    entered.collect()
}

/// On the chip the protocol goes on from where it begins, with what the animal does, and its outputs with it; one that begins
/// with a question to the operator asks it, and waits. If not, in a sentence.
fn goes(name: &str, symbols: &Symbols, both: &Both) -> Result<(), String> {
    let asks = |event| symbols.world.prompts.iter().any(|prompt| event == EventId::named(prompt.asked));
    let asked = |record: &Record| matches!(record, Record::Event(event) if asks(*event));
    let touched = symbols.lines.iter().any(|line| line.named && !line.output);
    let inputs = count(both, |record| matches!(record, Record::Input { .. })) + both.found.samples;
    if touched && inputs == 0 {
        return Err(format!("{name}: the animal did nothing that is seen"));
    }
    if count(both, asked) > 0 {
        return Ok(());
    }
    let states = entered(both);
    let regions: BTreeSet<_> = states.iter().map(|(region, _)| region).collect();
    if states.len() == regions.len() {
        return Err(format!("{name}: it stays where it begins: {states:?}"));
    }
    if both.found.edges == 0 {
        return Err(format!("{name}: no output did anything"));
    }
    Ok(())
}

/// One row of the table.
fn row(name: &str, seed: u64, both: &Both) -> String {
    let SideBySide { records, edges, samples, unlike, widest, widest_edge, widest_start, .. } = &both.found;
    let trials = count(both, |record| matches!(record, Record::Trial { .. }));
    let outcomes = count(both, |record| matches!(record, Record::Outcome(_)));
    let draws = count(both, |record| matches!(record, Record::Draw { .. }));
    let us = |widest: &Option<(i64, Record)>| widest.map_or(0, |(us, _)| us);
    format!(
        "| {name} | {seed} | {} | {trials} | {draws} | {outcomes} | {records} | {} | {edges} | {} | {} | {samples} | {} |",
        entered(both).len(),
        us(widest),
        us(widest_start),
        us(widest_edge),
        unlike.0
    )
}

#[test]
fn every_shipped_protocol_goes_on_the_chip_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let folder = fs::read_dir(top().join("protocols")).expect("the folder reads").flatten();
    let mut names: Vec<String> = folder.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // Scenarios stand beside their protocols, and are none themselves.
    names.retain(|name| name.ends_with(".yaml") && !name.ends_with(".test.yaml"));
    names.sort();
    assert!(names.len() >= 4, "{names:?}");
    let allowed = Allowed { until_us: COMPARED_US, ..Allowed::on(Tolerance::RP2040) };
    let mut table =
        "| protocol | seed | states | trials | draws | outcomes | records | apart at most, µs | by the interlock | \
                     apart in the first step, µs | behind it | samples | of other value |\n\
                     |---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    let mut parted = String::new();
    for name in &names {
        let symbols = System::fitting(&format!("protocols/{name}"), &[], 1).compiled.symbols;
        for seed in 1..=cases(1) as u64 {
            let both = on_both(&image, &allowed, || {
                let system = System::fitting(&format!("protocols/{name}"), set(name), seed);
                let animal = fidgets(&system, seed, COMPARED_US);
                let mut system = system.with_animal(animal);
                system.stop_after_us = Some(COMPARED_US + LONGER_US);
                system
            });
            let _ = writeln!(table, "{}", row(name.trim_end_matches(".yaml"), seed, &both));
            if let Some(difference) = both.found.first_difference() {
                let _ = writeln!(parted, "{name}, seed {seed}: {difference}");
            }
            if let Err(idle) = goes(name, &symbols, &both) {
                let _ = writeln!(parted, "{idle}");
            }
        }
    }
    println!("{table}");
    assert!(parted.is_empty(), "{parted}");
}

#[test]
fn two_sessions_that_are_not_the_same_are_shown_where_they_part() {
    let play = |times: &[(u64, LineId)], seed| {
        System::shipped("protocols/probabilistic-reward.yaml", &[("trials_max", "2")], seed)
            .with_animal(taps(times))
            .run()
    };
    let allowed = Allowed::interlock(25);
    let apart =
        |one: &Outcome, other: &Outcome| side_by_side(&one.session(), &other.session(), 1_000, &allowed, |_| false);
    let presses = [(400_000, LEVER), (9_000_000, LEVER), (30_000_000, LEVER)];
    let first = play(&presses, 3);
    let same = apart(&first, &play(&presses, 3));
    assert!(same.is_same() && same.first_difference().is_none() && same.records > 10, "{same}");

    let late = apart(&first, &play(&[presses[0], (9_000_002, LEVER), presses[2]], 3));
    let difference = late.first_difference().expect("2 µs are too much of a touch");
    assert_eq!(difference.at_us, 9_000_137, "{difference}");
    assert!(difference.to_string().contains("2 µs apart, and at most 1 may be"), "{difference}");

    let missing = apart(&first, &play(&[presses[0], presses[2]], 3));
    let difference = missing.first_difference().expect("a press is missing");
    println!("{difference}");
    let timeline = difference.to_string();
    let marked: Vec<&str> = timeline.lines().filter(|line| line.trim_start().starts_with('>')).collect();
    assert!(marked.len() == 1 && marked[0].contains("9000137 µs") && marked[0].matches('>').count() == 2, "{timeline}");

    // What comes after the time that is compared does not count.
    let allowed = Allowed { until_us: 8_000_000, ..allowed };
    let early = side_by_side(&first.session(), &play(&[presses[0]], 3).session(), 1_000, &allowed, |_| false);
    assert!(early.is_same() && early.records > 5, "{early}");
}

/// What comes of the scenarios of a file on both bodies.
fn scenarios(test: &str) -> Vec<(String, Compared)> {
    let suite = Suite::read(&top().join(test)).unwrap_or_else(|error| panic!("{}: {}", test, error.found));
    let chip = Chip::ready().expect("the image and its emulator");
    let compared = suite.file.scenarios.iter().map(|scenario| {
        let ran = run(scenario, suite.stage()).unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        assert!(ran.is_good(), "{}: {:?}", scenario.name, ran.failures);
        let compared = chip.compare(scenario, suite.stage(), &ran, |_| {});
        (scenario.name.clone(), compared.unwrap_or_else(|error| panic!("{}: {error}", scenario.name)))
    });
    compared.collect()
}

#[test]
fn what_is_said_from_outside_is_taken_up_on_the_chip_as_in_simulation() {
    if OnChip::ready(Cord::Uart).is_none() {
        return;
    }
    for (test, count) in [("docs/examples/outside.test.yaml", 3), ("docs/examples/live.test.yaml", 1)] {
        let compared = scenarios(test);
        assert_eq!(compared.len(), count, "{test}");
        for (name, compared) in compared {
            println!("{name}: {}", compared.found);
            assert!(compared.is_good(), "{name}: {}, {:?}", compared.found, compared.replay);
            let echoed = compared.echoed.as_ref().expect("something is said");
            assert!(echoed.records > 10, "{name}: {echoed}");
            // The link takes its time, and the session that is compared with has what it took.
            let late_us = compared.widest().outside_us;
            assert!((1..2_000).contains(&late_us), "{name}: {late_us} µs");
            assert!(compared.widest().told_us <= 1, "{name}: {}", compared.found);
        }
    }
}

/// Three sampled lines at once, two of them analog, each with its own millimetres.
const TWO_LEVERS: &str = "protocol: two-levers
lines: {left: analog, right: analog, wheel: encoder, mask: light}
detectors:
  far_left:  {line: left, reach: 3 mm, hysteresis: 0.5 mm}
  far_right: {line: right, reach: 10 mm, hysteresis: 1 mm}
  moves:     {line: right, onset: 1 mm, within: 20 ms, hysteresis: 0.5 mm}
  rests:     {line: left, still: 0.2 mm, for: 300 ms}
  turned:    {line: wheel, reach: 20 deg, hysteresis: 1 deg}
session: {ends: [{after: 18 s}]}
start: wait
states:
  wait:
    entry: [{trial: begin}]
    transitions:
      - {event: far_left.reach, outcome: left, to: lit}
      - {event: far_right.reach, outcome: right, to: lit}
      - {event: turned.reach, outcome: turned, to: lit}
      - {after: 3 s, outcome: none, to: lit}
  lit:
    entry: [{on: mask}]
    transitions: [{after: 200 ms, to: wait}]
";
const TWO_LEVERS_BOX: &str = "rig: two-lever-box
body: simulator
sample: 1 ms
lines:
  left: {kind: analog, pin: 26, calibration: {date: 2026-11-02, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}}
  right: {kind: analog, pin: 27, calibration: {date: 2026-11-02, points: [[0.2 V, 0 mm], [3.1 V, 20 mm]]}}
  wheel: {kind: encoder, pin: 20, pin_b: 21, counts_per_turn: 4096}
  mask: {kind: light, pin: 12, max_on: 60 s}
simulation: {settle: 2 µs, animal: {model: none}}
";

#[test]
fn two_analog_levers_and_a_wheel_are_sampled_together_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let found = holds(&image, "two-levers", || {
        let system = System::on_rig(source("task.yaml", TWO_LEVERS), &source("box.yaml", TWO_LEVERS_BOX), &[], 2);
        let animal = fidgets(&system, 2, COMPARED_US);
        system.with_animal(animal)
    });
    assert!(found.samples > 3 * 17_000, "{found}");
    assert_eq!(found.unlike.0, 0, "{found}");
}
