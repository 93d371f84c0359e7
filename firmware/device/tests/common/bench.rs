//! A board on a bench: 64 pins in memory that write down every change, and the rig the tests are told on. Used by the
//! tests inside the crate and by those outside, so `Board` comes from whoever includes it.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::vec::Vec;

use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use link::Micros;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};

use super::{Board, Sound};

/// A pin changed at a time, to high or low.
pub type Change = (Micros, u8, bool);

pub struct Bench {
    pub now: Rc<Cell<Micros>>,
    pub changes: Rc<RefCell<Vec<Change>>>,
    /// Tones started (their frequency in mHz) and ended, with their times.
    pub tones: Vec<(Micros, u8, Option<Sound>)>,
    /// Powers that were set, with their times and pins.
    pub powers: Vec<(Micros, u8, i32)>,
    /// Pins that were driven together: when, to high, to low.
    pub drives: Vec<(Micros, u32, u32)>,
    /// When it was told to listen to its inputs, or not to.
    pub listened: Vec<(Micros, bool)>,
    /// Pins 0 to 31 that are outputs no more: whoever drives them is told so.
    pub let_go: u32,
    /// Pins 0 to 31 that are outputs and carry no tones.
    outputs: u32,
    pins: Vec<Pin>,
}

pub struct Pin {
    number: u8,
    high: bool,
    /// The pad hangs at this level whatever is written.
    pub stuck: Option<bool>,
    now: Rc<Cell<Micros>>,
    changes: Rc<RefCell<Vec<Change>>>,
}

impl Bench {
    pub fn new() -> Self {
        let (now, changes) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
        let pins = (0..64)
            .map(|number| Pin { number, high: false, stuck: None, now: now.clone(), changes: changes.clone() })
            .collect();
        Self {
            now,
            changes,
            tones: Vec::new(),
            powers: Vec::new(),
            drives: Vec::new(),
            listened: Vec::new(),
            let_go: 0,
            outputs: 0,
            pins,
        }
    }

    /// The level someone outside puts on an input pin.
    pub fn put(&mut self, pin: u8, high: bool) {
        self.pins[usize::from(pin)].high = high;
    }

    pub fn is_high(&self, pin: u8) -> bool {
        let pin = &self.pins[usize::from(pin)];
        pin.stuck.unwrap_or(pin.high)
    }

    pub fn stick(&mut self, pin: u8, level: Option<bool>) {
        self.pins[usize::from(pin)].stuck = level;
    }

    /// What one pin did, in order.
    pub fn changes_of(&self, pin: u8) -> Vec<(Micros, bool)> {
        self.changes.borrow().iter().filter(|change| change.1 == pin).map(|change| (change.0, change.2)).collect()
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }
    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.high)
    }
    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(!self.high)
    }
}

impl Pin {
    fn set(&mut self, high: bool) {
        if self.high != high {
            self.high = high;
            self.changes.borrow_mut().push((self.now.get(), self.number, high));
        }
    }
}

impl Board for Bench {
    type Output = Pin;
    type Input = Pin;

    fn set_up(&mut self, line: &RigLine) -> bool {
        let Some(pin) = self.pins.get_mut(usize::from(line.pin)) else { return false };
        if let Some(output) = line.role.output() {
            pin.high = !line.active_high;
            if !output.speaker {
                self.outputs |= 1_u32.checked_shl(line.pin.into()).unwrap_or(0);
            }
        }
        true
    }
    fn clear(&mut self) {
        self.outputs = 0;
    }
    fn listen(&mut self, listens: bool) {
        self.listened.push((self.now.get(), listens));
    }
    fn output(&mut self, pin: u8) -> Option<&mut Pin> {
        self.pins.get_mut(usize::from(pin))
    }
    fn input(&mut self, pin: u8) -> Option<&mut Pin> {
        self.pins.get_mut(usize::from(pin))
    }
    fn tone(&mut self, pin: u8, sound: Option<&Sound>) {
        self.tones.push((self.now.get(), pin, sound.copied()));
    }
    fn power(&mut self, pin: u8, power_ppm: i32) -> bool {
        self.powers.push((self.now.get(), pin, power_ppm));
        true
    }
    fn drive(&mut self, high: u32, low: u32) -> u32 {
        self.drives.push((self.now.get(), high, low));
        for (n, pin) in self.pins.iter_mut().take(32).enumerate() {
            if (high | low) & !self.let_go & 1 << n != 0 {
                pin.set(high & 1 << n != 0);
            }
        }
        (high | low) & self.let_go
    }
    fn outputs(&self) -> u32 {
        self.outputs
    }
    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        Some(Bench::is_high(self, pin))
    }
}

pub const LEVER: u8 = 0;
pub const SPOUT: u8 = 1;
pub const WATER: u8 = 2;
pub const CUE: u8 = 3;
pub const MASK: u8 = 4;
pub const LASER: u8 = 5;

pub const LEVER_PIN: u8 = 2;
pub const SPOUT_PIN: u8 = 3;
pub const WATER_PIN: u8 = 10;
pub const CUE_PIN: u8 = 11;
pub const MASK_PIN: u8 = 12;
pub const LASER_PIN: u8 = 13;

pub const WATER_MAX_ON_US: u32 = 500_000;

/// A lever that reads low when pressed, a lick sensor, a valve, a speaker, a masking light that carries on through a trip,
/// and a laser that must be armed.
pub fn rig() -> Rig {
    let input =
        |pin, active_high, pull, debounce_us| RigLine { pin, active_high, role: Role::input(pull, debounce_us) };
    let output = |pin, limits, speaker| RigLine { pin, active_high: true, role: Role::Output { limits, speaker } };
    let lines = [
        input(LEVER_PIN, false, Pull::Up, 5_000),
        input(SPOUT_PIN, true, Pull::Down, 1_000),
        output(WATER_PIN, Limits::on_for(WATER_MAX_ON_US), false),
        output(CUE_PIN, Limits::on_for(60_000_000), true),
        output(MASK_PIN, Limits::on_for(60_000_000).carrying_on(), false),
        output(LASER_PIN, Limits::on_for(5_000_000).armed(), false),
    ];
    Rig {
        lines: lines.into_iter().collect(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    }
}
