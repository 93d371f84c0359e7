//! The cable between controller and device, and what can be wrong with it. Faults are thrown per frame and per direction
//! from one seed; time is virtual. Knows nothing of what the bytes mean but where frames end.

use std::collections::VecDeque;

use link::Micros;

use crate::random::Dice;

/// How bad a cable is. Chances are per frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WireFaults {
    /// Chance that a frame never arrives.
    pub drop: f64,
    /// Chance that one byte of a frame arrives changed.
    pub corrupt: f64,
    /// Chance that a frame arrives twice.
    pub duplicate: f64,
    /// Chance that a frame arrives late, by up to `delay_us_max`; later ones may overtake it.
    pub delay: f64,
    /// The longest such delay, in µs.
    pub delay_us_max: u64,
}

impl WireFaults {
    /// A cable with nothing wrong.
    pub const NONE: Self = Self { drop: 0.0, corrupt: 0.0, duplicate: 0.0, delay: 0.0, delay_us_max: 0 };

    /// Every fault with the same chance, delays up to 30 ms.
    #[must_use]
    pub const fn all(chance: f64) -> Self {
        Self { drop: chance, corrupt: chance, duplicate: chance, delay: chance, delay_us_max: 30_000 }
    }
}

/// A way of the cable: frames under way in one direction.
#[derive(Debug)]
pub struct Wire {
    faults: WireFaults,
    dice: Dice,
    latency_us: u64,
    /// Whether the cable is plugged in.
    connected: bool,
    under_way: VecDeque<(Micros, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

impl Wire {
    /// A way that takes `latency_us`, with its own dice of the seed.
    #[must_use]
    pub fn new(latency_us: u64, faults: WireFaults, seed: u64, name: &str) -> Self {
        Self {
            faults,
            dice: Dice::new(seed, name),
            latency_us,
            connected: true,
            under_way: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// Pulls the cable out, losing what is under way, or plugs it in.
    pub fn connect(&mut self, connected: bool) {
        self.connected = connected;
        if !connected {
            self.under_way.clear();
        }
    }

    /// Sends one frame at `now`.
    pub fn send(&mut self, now: Micros, frame: &[u8]) {
        if !self.connected {
            return;
        }
        let faults = self.faults;
        if faults != WireFaults::NONE {
            if self.dice.chance(faults.drop) {
                return;
            }
            let copies = if self.dice.chance(faults.duplicate) { 2 } else { 1 };
            for _ in 0..copies {
                let mut bytes = self.copy(frame);
                if self.dice.chance(faults.corrupt) && !bytes.is_empty() {
                    let place = self.dice.below(bytes.len() as u64) as usize;
                    bytes[place] ^= 1 << self.dice.below(8);
                }
                let late = self.dice.chance(faults.delay);
                let delay_us = if late { self.dice.below(faults.delay_us_max) } else { 0 };
                self.put(now + self.latency_us + delay_us, bytes);
            }
        } else {
            let bytes = self.copy(frame);
            self.put(now + self.latency_us, bytes);
        }
    }

    fn copy(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(frame);
        bytes
    }

    fn put(&mut self, at: Micros, bytes: Vec<u8>) {
        let place = self.under_way.partition_point(|(other, _)| *other <= at);
        self.under_way.insert(place, (at, bytes));
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next_at(&self) -> Option<Micros> {
        self.under_way.front().map(|(at, _)| *at)
    }

    /// Hands over the next frame that has arrived by `now`.
    pub fn receive(&mut self, now: Micros, take: impl FnOnce(&[u8])) -> bool {
        match self.under_way.front() {
            Some((at, _)) if *at <= now => {
                if let Some((_, bytes)) = self.under_way.pop_front() {
                    take(&bytes);
                    self.spare.push(bytes);
                }
                true
            }
            _ => false,
        }
    }
}
