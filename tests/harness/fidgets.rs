//! An animal that moves whatever a protocol names, at times of its own: for sessions that must be the same on two bodies,
//! whatever the protocol is. It notices nothing, so it does the same wherever it sits.

use link::rig::Role;
use link::{LineId, Micros};
use sim::animal::{Scripted, Tap};
use sim::random::Dice;

use crate::System;

const MS: Micros = 1_000;
/// Off any round time, so that nothing falls together with a time-out by chance, and between two samples.
const OFF_US: Micros = 537;
/// From one count of an encoder to the next: samples are taken in between.
const COUNT_US: Micros = 1_000;

/// An animal that presses, licks, pulls and turns all that the protocol of a system names, for so many µs.
#[must_use]
pub fn fidgets(system: &System, seed: u64, for_us: Micros) -> Scripted {
    let compiled = &system.compiled;
    let stick = system.surroundings().stick;
    let mut taps = Vec::new();
    for (place, (line, symbol)) in compiled.rig.lines.iter().zip(&compiled.symbols.lines).enumerate() {
        let id = LineId(place as u8);
        let mut dice = Dice::new(seed, &symbol.name);
        let mut turned = 0;
        let mut at = 200 * MS + dice.below(300) * MS + OFF_US + place as u64;
        while symbol.named && at < for_us {
            at += match line.role {
                Role::Input { .. } => {
                    let held = 30 * MS + dice.below(200) * MS;
                    taps.extend([Tap::new(at, id, true), Tap::new(at + held, id, false)]);
                    held + 150 * MS + dice.below(1_300) * MS
                }
                Role::Analog => {
                    let (rest, end) =
                        stick.filter(|stick| stick.line == id).map_or((1_000, 3_000), |s| (s.rest, s.end));
                    let far = rest + (f64::from(end - rest) * dice.between(0.1, 1.0)) as i32;
                    taps.push(Tap::travel(at, id, far, 60 * MS));
                    taps.push(Tap::travel(at + 260 * MS, id, rest, 80 * MS));
                    1_700 * MS + dice.below(4_000) * MS
                }
                Role::Encoder { .. } => {
                    let to = turned + dice.below(3_000) as i32 - 1_000;
                    let took = u64::from(turned.abs_diff(to)) * COUNT_US;
                    taps.push(Tap::travel(at, id, to, took));
                    turned = to;
                    took + 100 * MS + dice.below(1_000) * MS
                }
                Role::Output { .. } | Role::Powered { .. } | Role::Detector { .. } => for_us,
            };
        }
    }
    Scripted::new(taps)
}
