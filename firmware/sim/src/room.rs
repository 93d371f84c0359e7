//! The room around the simulated box: who sits in it, how contacts bounce, what an animal notices of the outputs, and which
//! inputs are wired to outputs. Owns the far side of the pins; knows nothing of the device behind them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use link::limits::MAX_LINES;
use link::rig::{ANALOG_MAX, Pattern, Rig, Role};
use link::{LineId, Micros};

use crate::animal::{Act, Animal, To};
use crate::pins::{PinChange, Pins};
use crate::random::Dice;
use crate::travel::{Travel, quadrature, steps};

/// How often a mechanical contact bounces.
const BOUNCE_CHANCE: f64 = 0.5;
/// The noise of an analog line: standard deviation in raw values, about what a Pico's converter has.
const NOISE_SD: f64 = 1.5;
/// How long after the animal's entry there is none, in µs: a body that is told of the entry some ms late still has the same
/// samples, and detectors that remember find the same.
const QUIET_US: u64 = 50_000;

/// An input pin that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Contact {
    at: Micros,
    /// Sets contacts of one time in the order they were made.
    made: u32,
    pin: u8,
    high: bool,
}

/// An input that follows an output: a loop of wire, a photodiode before a lamp. It goes on whoever sits in the box.
#[derive(Debug, Clone, Copy)]
struct Wire {
    from: LineId,
    to: LineId,
    delay_us: u64,
}

/// Something that is sampled.
#[derive(Debug)]
struct Sensor {
    pin: u8,
    travel: Travel,
}

/// The room.
pub struct Room {
    pins: Pins,
    rig: Rig,
    animal: Box<dyn Animal + Send>,
    inside: bool,
    entered: Micros,
    dice: Dice,
    noise: Dice,
    /// The analog lines.
    sensors: Vec<Sensor>,
    /// Where each line's encoder stands once it has made the contacts that wait.
    counts: [i64; MAX_LINES],
    wires: Vec<Wire>,
    contacts: BinaryHeap<Reverse<Contact>>,
    made: u32,
    changes: Vec<PinChange>,
}

impl Room {
    /// A room around `pins` with an animal that has not yet been put in.
    #[must_use]
    pub fn new(pins: Pins, rig: &Rig, animal: Box<dyn Animal + Send>, seed: u64) -> Self {
        for line in &rig.lines {
            // Nobody touches an input; what drives nothing yet, a resistor outside holds off.
            let output = line.role.output().is_some() && !matches!(line.role, Role::Output { speaker: true, .. });
            if output || matches!(line.role, Role::Input { .. }) {
                pins.set_input(line.pin, !line.active_high);
            }
        }
        let analog = rig.lines.iter().filter(|line| line.role == Role::Analog);
        let sensors = analog.map(|line| Sensor { pin: line.pin, travel: Travel::resting_at(0) });
        Self {
            pins,
            rig: rig.clone(),
            animal,
            inside: false,
            entered: 0,
            dice: Dice::new(seed, "bounce"),
            noise: Dice::new(seed, "noise"),
            sensors: sensors.collect(),
            counts: [0; MAX_LINES],
            wires: Vec::new(),
            contacts: BinaryHeap::new(),
            made: 0,
            changes: Vec::new(),
        }
    }

    /// The animal is put in, or taken out.
    pub fn put_in(&mut self, now: Micros, inside: bool) {
        if inside && !self.inside {
            self.animal.enter(now);
            self.entered = now;
        }
        self.inside = inside;
    }

    /// Lets the input `to` follow the output `from`: a digital one by its contact, a detector by the voltage it looks at.
    pub fn wire(&mut self, from: LineId, to: LineId, delay_us: u64) {
        self.wires.push(Wire { from, to, delay_us });
    }

    /// Moves what is wired to an output that has changed.
    fn follow(&mut self, now: Micros, from: LineId, on: bool) {
        for n in 0..self.wires.len() {
            let Some(Wire { to, delay_us, .. }) = self.wires.get(n).copied().filter(|wire| wire.from == from) else {
                continue;
            };
            let Some(line) = self.rig.lines.get(to.index()).copied() else { continue };
            match line.role {
                Role::Input { .. } => self.contact(now + delay_us, line.pin, line.active_high == on),
                Role::Detector { source, looks_for: Pattern::Band { inner, outer, inside } } => {
                    let seen = inner.0.midpoint(inner.1.min(ANALOG_MAX)).clamp(0, ANALOG_MAX);
                    let unseen = if outer.0 > 0 { 0 } else { ANALOG_MAX };
                    let raw = if on == inside { seen } else { unseen };
                    if let Some(pin) = self.rig.lines.get(source.index()).map(|line| line.pin) {
                        self.travel(now, pin, raw, delay_us);
                    }
                }
                _ => {}
            }
        }
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

    /// A line moves.
    fn touch(&mut self, now: Micros, act: Act) {
        let Some(line) = self.rig.lines.get(act.line.index()).copied() else { return };
        match (line.role, act.to) {
            (Role::Input { debounce_us, .. }, To::Active(active)) => {
                self.bounce(now, line.pin, line.active_high == active, debounce_us);
            }
            (Role::Analog, To::Raw { raw, over_us }) => self.travel(now, line.pin, raw, over_us),
            (Role::Encoder { pin_b, .. }, To::Raw { raw, over_us }) => {
                let Some(count) = self.counts.get_mut(act.line.index()) else { return };
                let from = std::mem::replace(count, raw.into());
                for (at, count) in steps(now, from, raw.into(), over_us) {
                    let (a, b) = quadrature(count);
                    self.contact(at, line.pin, a);
                    self.contact(at, pin_b, b);
                }
            }
            _ => {}
        }
    }

    /// A sensor is moved, by an animal or by whoever sets the room up.
    pub fn travel(&mut self, now: Micros, pin: u8, raw: i32, over_us: u64) {
        if let Some(sensor) = self.sensors.iter_mut().find(|sensor| sensor.pin == pin) {
            sensor.travel.set_out(now, raw, over_us);
        }
    }

    /// What a converter finds at each analog pin at `now`, with its noise.
    pub fn raws(&mut self, now: Micros) -> Vec<(u8, u16)> {
        let Self { sensors, noise, entered, .. } = self;
        let quiet = now < *entered + QUIET_US;
        let found = sensors.iter().map(|sensor| {
            // Thrown in any case, so that it does not matter who was quiet for how long.
            let (still, noisy) = (sensor.travel.at(now), noise.bell(sensor.travel.at(now), NOISE_SD));
            let raw = if quiet { still.round() } else { noisy.round() };
            (sensor.pin, raw.clamp(0.0, f64::from(ANALOG_MAX)) as u16)
        });
        found.collect()
    }

    /// A contact closes or opens, and may bounce within the first quarter of its debounce.
    fn bounce(&mut self, now: Micros, pin: u8, high: bool, debounce_us: u32) {
        self.contact(now, pin, high);
        if debounce_us >= 1_000 && self.dice.chance(BOUNCE_CHANCE) {
            let open = now + 20 + self.dice.below(u64::from(debounce_us) / 8);
            let shut = open + 10 + self.dice.below(u64::from(debounce_us) / 8);
            self.contact(open, pin, !high);
            self.contact(shut, pin, high);
        }
    }

    /// A contact closes or opens at `at`, cleanly.
    pub fn contact(&mut self, at: Micros, pin: u8, high: bool) {
        self.made = self.made.wrapping_add(1);
        self.contacts.push(Reverse(Contact { at, made: self.made, pin, high }));
    }

    /// Lets the animal notice what outputs did since this was asked last; whoever wants to watch too is told each.
    pub fn notice(&mut self, now: Micros, mut watch: impl FnMut(LineId, bool)) {
        let mut changes = std::mem::take(&mut self.changes);
        self.pins.take_changes(&mut changes);
        for change in changes.drain(..) {
            let place = self.rig.lines.iter().position(|line| line.pin == change.pin);
            if let Some((place, line)) = place.and_then(|place| Some((place, self.rig.lines.get(place)?))) {
                // A speaker that sounds is on, whatever its polarity.
                let speaker = matches!(line.role, Role::Output { speaker: true, .. });
                let (id, on) = (LineId(place as u8), change.high == (speaker || line.active_high));
                watch(id, on);
                self.follow(now, id, on);
                if self.inside {
                    self.animal.sense(now, id, on);
                }
            }
        }
        self.changes = changes;
    }
}
