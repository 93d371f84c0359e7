//! The real image on an emulated Pico does what the simulator does: the same animal, the same seed, the same records in the
//! same order. The biggest difference in time is printed.

use emulated::Cord;
use harness::{OnChip, System, same_on_chip};
use link::LineId;
use sim::animal::{Scripted, Tap};

/// How far the same record may lie apart, in µs. What the engine does lies on the very same microseconds; an output's edge
/// follows its request by what the chip takes for it, and the simulator takes none.
const TOLERANCE_US: i64 = 300;

const LEVER: LineId = LineId(0);
const SPOUT: LineId = LineId(1);

/// Taps on lever and spout, each held for 80 ms, a little off any round time.
fn taps(times: &[(u64, LineId)]) -> Scripted {
    let tap =
        |&(at_us, line): &(u64, LineId)| [Tap::new(at_us + 137, line, true), Tap::new(at_us + 80_211, line, false)];
    Scripted::new(times.iter().flat_map(tap).collect())
}

fn holds(image: &OnChip, name: &str, system: impl Fn() -> System) {
    let found = same_on_chip(image, TOLERANCE_US, system);
    println!("{name}: {found}");
    assert!(found.differences.is_empty(), "{name}: {found}");
    assert!(found.records > 30, "{name}: only {} records were compared", found.records);
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
