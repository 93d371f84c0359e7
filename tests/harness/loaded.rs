//! The loaded case that figures are stated for: the flagship protocol as it ships with its rat, beside it two inputs with 200
//! edges a second each at random, and two analog lines that move, sampled 1000 times a second. Owns what it is made of.

use link::rig::{ANALOG_MAX, Role};
use link::{LineId, Micros};
use sim::animal::{Act, Animal, Scripted, Tap};
use sim::random::Dice;

use crate::system::{SIM_BOX, read};
use crate::{Outcome, System};

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";
/// The lines of the load: name, kind, and what the rig says of each.
const LINES: [(&str, &str, &str); 4] = [
    ("beam_one", "lick", "pin: 4, active: high, pull: down, debounce: 0 ms"),
    ("beam_two", "lick", "pin: 5, active: high, pull: down, debounce: 0 ms"),
    ("strain_one", "analog", "pin: 27"),
    ("strain_two", "analog", "pin: 28"),
];
/// The closest two edges of an input come, and how far apart they are on average, in µs.
const CLOSEST_US: f64 = 100.0;
const APART_US: f64 = 5_000.0;
/// How often an analog line sets out for another place, and how long it is on its way, in µs.
const TRAVEL_EVERY_US: u64 = 100_000;
const TRAVEL_US: u64 = 80_000;

/// The loaded case for `seconds`, with parameters of the flagship set.
#[must_use]
pub fn loaded(set: &[(&str, &str)], seconds: u64, seed: u64) -> System {
    let (mut protocol, mut rig) = (read(FLAGSHIP), read(SIM_BOX));
    let kinds: String = LINES.iter().map(|(name, kind, _)| format!("  {name}: {kind}\n")).collect();
    let lines: String =
        LINES.iter().map(|(name, kind, what)| format!("  {name}: {{kind: {kind}, {what}}}\n")).collect();
    for (source, added) in [(&mut protocol, kinds), (&mut rig, lines)] {
        source.text = source.text.replacen("\nlines:\n", &format!("\nlines:\n{added}"), 1);
    }
    let mut system = System::on_rig(protocol, &rig, set, seed);
    let load = Scripted::new(taps(&system, seconds * 1_000_000, seed));
    system.add_animal(|flagship| Beside(flagship, load));
    system
}

/// What the load does until then.
fn taps(system: &System, until_us: u64, seed: u64) -> Vec<Tap> {
    let mut dice = Dice::new(seed, "load");
    let mut taps = Vec::new();
    for (place, line) in (0_u8..).zip(&system.compiled.rig.lines).take(LINES.len()) {
        if line.role == Role::Analog {
            for at in (0..until_us).step_by(TRAVEL_EVERY_US as usize) {
                taps.push(Tap::travel(
                    at,
                    LineId(place),
                    dice.below(ANALOG_MAX.unsigned_abs().into()) as i32,
                    TRAVEL_US,
                ));
            }
        } else {
            let (mut at, mut active) = (0.0, false);
            while at < until_us as f64 {
                at += CLOSEST_US - (1.0 - dice.unit()).ln() * (APART_US - CLOSEST_US);
                active = !active;
                taps.push(Tap::new(at as u64, LineId(place), active));
            }
        }
    }
    taps
}

/// Two animals in one box.
struct Beside(Box<dyn Animal + Send>, Scripted);

impl Animal for Beside {
    fn enter(&mut self, now: Micros) {
        self.0.enter(now);
        self.1.enter(now);
    }

    fn sense(&mut self, now: Micros, line: LineId, on: bool) {
        self.0.sense(now, line, on);
    }

    fn next_at(&self) -> Option<Micros> {
        self.0.next_at().into_iter().chain(self.1.next_at()).min()
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        if self.0.next_at().is_some_and(|at| at <= now) { self.0.act(now) } else { self.1.act(now) }
    }
}

/// What records take in the device's ring: bytes, a byte of length for each record included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingUse {
    /// On average, a second.
    pub each_second: u64,
    /// The most in any stretch of `stretch_us`.
    pub most: u64,
}

/// What the records of a session take in the ring, and the most of it in any stretch of so many µs.
#[must_use]
pub fn ring_use(outcome: &Outcome, stretch_us: Micros) -> RingUse {
    let session = outcome.session();
    let mut written = link::record::Writer::new(session.records().next().map_or(0, |(_, at, _)| at));
    // How much was written by when.
    let mut total = 0;
    let by: Vec<(Micros, u64)> = session
        .records()
        .map(|(_, at, record)| {
            total += written.write(at, &record, &mut [0; link::record::ENTRY_BYTES_MAX]).len() as u64 + 1;
            (at, total)
        })
        .collect();
    let (mut from, mut most) = (0, 0);
    for &(at, bytes) in &by {
        while by[from].0 + stretch_us < at {
            from += 1;
        }
        most = most.max(bytes - by[from].1);
    }
    let whole_us = by.last().map_or(1, |(at, _)| at - by[0].0).max(1);
    RingUse { each_second: total * 1_000_000 / whole_us, most }
}
