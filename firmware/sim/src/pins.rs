//! The pins of the simulated body: levels that the device drives and reads through embedded-hal, and that the room sees
//! and moves from the other side. Knows nothing of time.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use device::{Board, Sound};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use link::rig::RigLine;

/// Pins the simulated body has, numbered from 0.
pub const PINS: usize = 64;

/// What the room sees an output pin do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinChange {
    /// Which pin.
    pub pin: u8,
    /// Its new level.
    pub high: bool,
}

#[derive(Debug)]
struct Levels {
    high: [bool; PINS],
    /// Pads that do not follow what is commanded, and the level they are stuck at.
    stuck: [Option<bool>; PINS],
    tones: [Option<Sound>; PINS],
    /// The power each pin carries when it is on; none for one that is simply on or off.
    powers_ppm: [Option<i32>; PINS],
    changes: Vec<PinChange>,
}

/// The pins, shared between the device, which drives and reads them, and the room around it.
#[derive(Debug, Clone)]
pub struct Pins {
    levels: Rc<RefCell<Levels>>,
}

impl Default for Pins {
    fn default() -> Self {
        Self::new()
    }
}

impl Pins {
    /// All pins low, as before power-on with every pull-down in place.
    #[must_use]
    pub fn new() -> Self {
        let levels = Levels {
            high: [false; PINS],
            stuck: [None; PINS],
            tones: [None; PINS],
            powers_ppm: [None; PINS],
            changes: Vec::new(),
        };
        Self { levels: Rc::new(RefCell::new(levels)) }
    }

    /// The level of a pin.
    #[must_use]
    pub fn is_high(&self, pin: u8) -> bool {
        self.levels.borrow().high.get(usize::from(pin)).copied().unwrap_or(false)
    }

    /// The sound a pin plays.
    #[must_use]
    pub fn tone(&self, pin: u8) -> Option<Sound> {
        self.levels.borrow().tones.get(usize::from(pin)).copied().flatten()
    }

    /// The power a powered pin carries whenever it is on, in millionths of full power; none of any other pin.
    #[must_use]
    pub fn power_ppm(&self, pin: u8) -> Option<i32> {
        self.levels.borrow().powers_ppm.get(usize::from(pin)).copied().flatten()
    }

    /// Sets that power; none for a pin that carries none.
    pub fn set_power(&self, pin: u8, power_ppm: Option<i32>) -> bool {
        let mut levels = self.levels.borrow_mut();
        let slot = levels.powers_ppm.get_mut(usize::from(pin));
        slot.map(|slot| *slot = power_ppm).is_some()
    }

    /// Moves an input pin from outside.
    pub fn set_input(&self, pin: u8, high: bool) {
        if let Some(slot) = self.levels.borrow_mut().high.get_mut(usize::from(pin)) {
            *slot = high;
        }
    }

    /// Makes a pad stick at a level whatever is commanded; none lets it follow again.
    pub fn stick(&self, pin: u8, level: Option<bool>) {
        if let Some(slot) = self.levels.borrow_mut().stuck.get_mut(usize::from(pin)) {
            *slot = level;
        }
    }

    /// Whether an output changed since this was asked last; the changes are put behind `into`, in their order.
    pub fn take_changes(&self, into: &mut Vec<PinChange>) {
        into.append(&mut self.levels.borrow_mut().changes);
    }

    /// Moves an output pin, as the device does: a stuck pad stays where it is.
    pub fn drive(&self, pin: u8, high: bool) {
        let mut levels = self.levels.borrow_mut();
        let high = levels.stuck.get(usize::from(pin)).copied().flatten().unwrap_or(high);
        if let Some(slot) = levels.high.get_mut(usize::from(pin))
            && *slot != high
        {
            *slot = high;
            levels.changes.push(PinChange { pin, high });
        }
    }
}

/// One pin, as the device holds it.
#[derive(Debug, Clone)]
pub struct Pin {
    pins: Pins,
    number: u8,
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.pins.drive(self.number, false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.pins.drive(self.number, true);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.pins.is_high(self.number))
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(!self.pins.is_high(self.number))
    }
}

/// The board of the simulated body.
#[derive(Debug)]
pub struct SimBoard {
    pins: Pins,
    held: Vec<Pin>,
}

impl SimBoard {
    /// A board on these pins.
    #[must_use]
    pub fn new(pins: Pins) -> Self {
        let held = (0..PINS as u8).map(|number| Pin { pins: pins.clone(), number }).collect();
        Self { pins, held }
    }
}

impl Board for SimBoard {
    type Output = Pin;
    type Input = Pin;

    fn set_up(&mut self, line: &RigLine) -> bool {
        let Some(pin) = self.held.get_mut(usize::from(line.pin)) else { return false };
        if let Some(output) = line.role.output() {
            pin.pins.drive(line.pin, !line.active_high);
            pin.pins.set_power(line.pin, output.max_power_ppm.map(|_| 0));
        }
        true
    }

    fn output(&mut self, pin: u8) -> Option<&mut Pin> {
        self.held.get_mut(usize::from(pin))
    }

    fn input(&mut self, pin: u8) -> Option<&mut Pin> {
        self.held.get_mut(usize::from(pin))
    }

    /// A speaker sounds or is still; to the room that is its level.
    fn tone(&mut self, pin: u8, sound: Option<&Sound>) {
        if let Some(slot) = self.pins.levels.borrow_mut().tones.get_mut(usize::from(pin)) {
            *slot = sound.copied();
        }
        self.pins.drive(pin, sound.is_some());
    }

    /// To the room a pin under pulse-width modulation is on, at a power: its pulses are too fast for anything there.
    fn power(&mut self, pin: u8, power_ppm: i32) -> bool {
        self.pins.power_ppm(pin).is_some() && self.pins.set_power(pin, Some(power_ppm))
    }

    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        Some(self.pins.is_high(pin))
    }
}
