//! The real image on an emulated Pico does what the simulator does: the same animal, the same seed, the same records in the
//! same order. The biggest difference in time is printed.

use emulated::Cord;
use harness::{OnChip, System, same_on_chip};
use link::LineId;
use sim::animal::{Scripted, Tap};

/// How far the same record may lie apart, in µs: a stamp and a request each fall into a microsecond of their own.
const TOLERANCE_US: i64 = 20;

const LEVER: LineId = LineId(0);
const SPOUT: LineId = LineId(1);

/// Taps on lever and spout, each held for 80 ms, a little off any round time.
fn taps(times: &[(u64, LineId)]) -> Scripted {
    let tap = |&(at_us, line): &(u64, LineId)| {
        [Tap::new(at_us + 137, line, true), Tap::new(at_us + 80_211, line, false)]
    };
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
        let presses: Vec<_> = (0..101).flat_map(|n| [(400_000 + n * 700_000, LEVER), (600_000 + n * 700_000, SPOUT)]).collect();
        let system = System::shipped("protocols/first-lever.yaml", &[("pause", "300 ms")], 3);
        system.with_animal(Box::new(taps(&presses)))
    });
}
