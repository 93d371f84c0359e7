//! Who is in the simulated room of a scene: hands that move inputs at their times, and sensors that see what outputs do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use link::rig::{ANALOG_MAX, Guards, Rig, RigLine, Role, Sense};
use link::{LineId, Micros};
use sim::SimRig;
use sim::animal::{Act, Animal, To};

/// How long a sensor takes, in µs.
const SEES_AFTER_US: Micros = 200;

/// Something that is about to happen, in the order it was set: when, its number, which line, to active or not.
type Coming = Reverse<(Micros, u64, u8, bool)>;

/// Hands and sensors.
pub(super) struct Room {
    rig: Rig,
    /// What the hands do, in µs after the session's start.
    hands: Vec<(Micros, LineId, bool)>,
    /// When the sensors die, in µs after the session's start.
    sensors_die_at: Option<Micros>,
    blind_from: Micros,
    coming: BinaryHeap<Coming>,
    set: u64,
}

impl Room {
    /// A room with this rig in it, and what hands do.
    pub(super) fn new(rig: &Rig, hands: Vec<(Micros, LineId, bool)>, sensors_die_at: Option<Micros>) -> Self {
        let (coming, blind_from) = (BinaryHeap::new(), Micros::MAX);
        Self { rig: rig.clone(), hands, sensors_die_at, blind_from, coming, set: 0 }
    }

    fn set(&mut self, at: Micros, line: LineId, active: bool) {
        self.set += 1;
        self.coming.push(Reverse((at, self.set, line.0, active)));
    }
}

/// The keys of a rig are turned on.
pub(super) fn turn_keys(rig: &Rig, body: &SimRig<'_>) {
    let keys = |line: &&RigLine| matches!(line.role, Role::Input { guards: Guards::Arming, .. });
    rig.lines.iter().filter(keys).for_each(|line| body.hold(line));
}

impl Animal for Room {
    fn enter(&mut self, now: Micros) {
        self.blind_from = self.sensors_die_at.map_or(Micros::MAX, |at| now + at);
        for (at, line, active) in std::mem::take(&mut self.hands) {
            self.set(now + at, line, active);
        }
    }

    fn sense(&mut self, now: Micros, line: LineId, on: bool) {
        if now >= self.blind_from {
            return;
        }
        let senses: Vec<Sense> = self.rig.senses.iter().filter(|sense| sense.output == line).copied().collect();
        for sense in senses {
            self.set(now + SEES_AFTER_US, sense.input, on);
        }
    }

    fn next_at(&self) -> Option<Micros> {
        self.coming.peek().map(|Reverse((at, ..))| *at)
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse((_, _, line, active)) = self.coming.pop()?;
        let role = self.rig.lines.get(usize::from(line)).map(|line| line.role);
        Some(match role {
            // What is looked for is more than nothing on the line it is looked for on.
            Some(Role::Detector { source, .. }) => {
                Act { line: source, to: To::Raw { raw: if active { ANALOG_MAX } else { 0 }, over_us: 0 } }
            }
            _ => Act { line: LineId(line), to: To::Active(active) },
        })
    }
}
