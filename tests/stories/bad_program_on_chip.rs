//! A program that goes bad in the chip's memory in the middle of a session: bits of its image change. Whatever it then asks for,
//! no output is on for longer than it may be in one go, and all are off when the session is over, by itself, by a trip, a reset
//! or by a person.

use std::collections::BTreeMap;

use emulated::{Cord, Upset};
use harness::deadly::{self, Doom, Held, Scene};
use harness::{Aftermath, OnChip, System, cases};
use link::Micros;
use sim::random::Dice;

/// When bits change, in µs after the session's start: before the states begin, in their midst, and behind them.
const CHANGES_US: [Micros; 4] = [300_000, 1_000_300, 1_050_000, 3_100_000];
/// When a person ends a session that goes on, in µs after its start.
const STOPPED_US: Micros = 4_000_000;
/// `max_on` is kept to the microsecond.
const GRAIN_NS: u64 = 1_000;

#[test]
fn whatever_a_program_that_went_bad_asks_for_no_output_is_on_for_too_long_nor_left_on() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let rig = deadly::of_the_tests();
    let scene = Scene::all(&rig, Held::Train, Doom::None).expect("the rig has outputs for it");
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut longest_on = (0.0, String::new());
    for seed in 1..=cases(12) as u64 {
        let mut system = System::on_rig(scene.protocol.clone(), &scene.rig, &[], seed);
        let armed = scene.armed().map(|name| Scene::line(&system.compiled, name).bit());
        system.arm = armed.fold(0, |set, line| set | line);
        system.stop_after_us = Some(STOPPED_US);
        let words = system.compiled.image.len() as u64;
        let mut dice = Dice::new(seed, "bits");
        let changes: Vec<(Micros, Upset)> = CHANGES_US
            .into_iter()
            .flat_map(|at| [at; 3])
            .map(|at| (at, Upset::Flips { word: dice.below(words) as u32, bits: 1 << dice.below(32) }))
            .collect();
        let after = Aftermath::of(&image, system, &changes);
        for (cast, fate) in scene.cast.iter().zip(&after.fates) {
            let (output, name) = (&cast.output, &cast.output.name);
            assert_ne!(fate.safe_after_ns, u64::MAX, "seed {seed}: {name} is left on");
            let mut since = None;
            for edge in after.edges.iter().filter(|edge| edge.pin == output.pin) {
                if edge.high == output.active_high {
                    since = Some(edge.at_ns);
                    continue;
                }
                let Some(from) = since.take() else { continue };
                let (on_ns, most_ns) = (edge.at_ns - from, output.max_on_us * 1_000 + GRAIN_NS);
                assert!(on_ns <= most_ns, "seed {seed}: {name} was on for {on_ns} ns");
                let part = on_ns as f64 / most_ns as f64;
                if part > longest_on.0 {
                    longest_on = (part, format!("{name}, {on_ns} ns"));
                }
            }
        }
        let resets: Vec<String> = after.resets().into_iter().map(|(_, cause)| cause).collect();
        let end = match &after.outcome.result {
            Ok(ended) => format!("{:?} {}", ended.reason, resets.join(" ")),
            Err(error) => format!("{error} {}", resets.join(" ")),
        };
        *ends.entry(end).or_default() += 1;
    }
    println!("ended so: {ends:?}");
    println!("on for the largest part of its max_on: {}", longest_on.1);
}
