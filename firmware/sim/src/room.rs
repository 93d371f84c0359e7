//! The room around the simulated box: who sits in it, how contacts bounce, what an animal notices of the outputs. Owns
//! the far side of the pins; knows nothing of the device behind them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use link::rig::{Rig, Role};
use link::{LineId, Micros};

use crate::animal::{Act, Animal};
use crate::pins::{PinChange, Pins};
use crate::random::Dice;

/// How often a mechanical contact bounces.
const BOUNCE_CHANCE: f64 = 0.5;

/// An input pin that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Contact {
    at: Micros,
    /// Sets contacts of one time in the order they were made.
    made: u32,
    pin: u8,
    high: bool,
}

/// The room.
pub struct Room {
    pins: Pins,
    rig: Rig,
    animal: Box<dyn Animal + Send>,
    inside: bool,
    dice: Dice,
    contacts: BinaryHeap<Reverse<Contact>>,
    made: u32,
    changes: Vec<PinChange>,
}

impl Room {
    /// A room around `pins` with an animal that has not yet been put in.
    #[must_use]
    pub fn new(pins: Pins, rig: &Rig, animal: Box<dyn Animal + Send>, seed: u64) -> Self {
        for line in &rig.lines {
            if matches!(line.role, Role::Input { .. }) {
                pins.set_input(line.pin, !line.active_high);
            }
        }
        Self {
            pins,
            rig: rig.clone(),
            animal,
            inside: false,
            dice: Dice::new(seed, "bounce"),
            contacts: BinaryHeap::new(),
            made: 0,
            changes: Vec::new(),
        }
    }

    /// The animal is put in, or taken out.
    pub fn put_in(&mut self, now: Micros, inside: bool) {
        if inside && !self.inside {
            self.animal.enter(now);
        }
        self.inside = inside;
    }

    /// When something next happens in the room by itself.
    #[must_use]
    pub fn next_at(&self) -> Option<Micros> {
        let contact = self.contacts.peek().map(|Reverse(contact)| contact.at);
        let animal = if self.inside { self.animal.next_at() } else { None };
        [contact, animal].into_iter().flatten().min()
    }

    /// The next input pin that changes by `now`: the pin and its level.
    pub fn change(&mut self, now: Micros) -> Option<(u8, bool)> {
        while self.inside && self.animal.next_at().is_some_and(|at| at <= now) {
            if let Some(act) = self.animal.act(now) {
                self.touch(now, act);
            }
        }
        while let Some(Reverse(contact)) = self.contacts.peek().copied().filter(|Reverse(contact)| contact.at <= now) {
            self.contacts.pop();
            if self.pins.is_high(contact.pin) != contact.high {
                self.pins.set_input(contact.pin, contact.high);
                return Some((contact.pin, contact.high));
            }
        }
        None
    }

    /// A line moves, and its contact may bounce within the first quarter of its debounce.
    fn touch(&mut self, now: Micros, act: Act) {
        let Some(line) = self.rig.lines.get(act.line.index()) else { return };
        let Role::Input { debounce_us, .. } = line.role else { return };
        let (pin, high) = (line.pin, line.active_high == act.active);
        self.contact(now, pin, high);
        if debounce_us >= 1_000 && self.dice.chance(BOUNCE_CHANCE) {
            let open = now + 20 + self.dice.below(u64::from(debounce_us) / 8);
            let shut = open + 10 + self.dice.below(u64::from(debounce_us) / 8);
            self.contact(open, pin, !high);
            self.contact(shut, pin, high);
        }
    }

    fn contact(&mut self, at: Micros, pin: u8, high: bool) {
        self.made = self.made.wrapping_add(1);
        self.contacts.push(Reverse(Contact { at, made: self.made, pin, high }));
    }

    /// Lets the animal notice what outputs did since this was asked last; whoever wants to watch too is told each.
    pub fn notice(&mut self, now: Micros, mut watch: impl FnMut(LineId, bool)) {
        self.pins.take_changes(&mut self.changes);
        for change in self.changes.drain(..) {
            let place = self.rig.lines.iter().position(|line| line.pin == change.pin);
            if let Some((place, line)) = place.and_then(|place| Some((place, self.rig.lines.get(place)?))) {
                // A speaker that sounds is on, whatever its polarity.
                let speaker = matches!(line.role, Role::Output { speaker: true, .. });
                let (id, on) = (LineId(place as u8), change.high == (speaker || line.active_high));
                watch(id, on);
                if self.inside {
                    self.animal.sense(now, id, on);
                }
            }
        }
    }
}
