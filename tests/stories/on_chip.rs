//! The real image on an emulated Pico does what the simulator does: the same animal, the same seed, the same records in the
//! same order. The biggest difference in time is printed.

use std::process::Command;

use emulated::Cord;
use harness::{Comparison, OnChip, System, same_on_chip};
use journal::pairing::Tolerance;
use link::LineId;
use sim::animal::{Scripted, Tap};

/// How far an output's edge may lie apart, in µs; all else lies on the same µs, or is told. The simulator answers in no time.
/// On the chip an answer to an input follows after a few µs, but one to a time-out, or to the beginning of a trial, when the
/// step is made that asks for it: 20 to 70 µs here, and 195 µs for the cue of the first trial, behind the session's own
/// beginning. An edge that ends a pulse lies as far apart as the one that began it. `Disarmed` at the session's end follows
/// its last step by 26 µs.
const TOLERANCE_US: i64 = Tolerance::RP2040.latency_us.cast_signed();

const LEVER: LineId = LineId(0);
const SPOUT: LineId = LineId(1);

/// Taps on lever and spout, each held for 80 ms, a little off any round time.
fn taps(times: &[(u64, LineId)]) -> Scripted {
    let tap =
        |&(at_us, line): &(u64, LineId)| [Tap::new(at_us + 137, line, true), Tap::new(at_us + 80_211, line, false)];
    Scripted::new(times.iter().flat_map(tap).collect())
}

fn holds(image: &OnChip, name: &str, system: impl Fn() -> System) -> Comparison {
    let found = same_on_chip(image, TOLERANCE_US, system);
    println!("{name}: {found}");
    assert!(found.differences.is_empty(), "{name}: {found}");
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
