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
    /// Those that are high, bit *n* for pin *n*.
    high: u64,
    /// Pads that do not follow what is commanded, and those of them that are stuck high.
    stuck: u64,
    stuck_high: u64,
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

impl Levels {
    fn is_high(&self, pin: u8) -> bool {
        self.high & bit(pin) != 0
    }

    fn put(&mut self, pin: u8, high: bool) {
        self.high = if high { self.high | bit(pin) } else { self.high & !bit(pin) };
    }
}

/// A pin as a set; empty if there is no such pin.
fn bit(pin: u8) -> u64 {
    1_u64.checked_shl(pin.into()).unwrap_or(0)
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
            high: 0,
            stuck: 0,
            stuck_high: 0,
            tones: [None; PINS],
            powers_ppm: [None; PINS],
            changes: Vec::new(),
        };
        Self { levels: Rc::new(RefCell::new(levels)) }
    }

    /// The level of a pin.
    #[must_use]
    pub fn is_high(&self, pin: u8) -> bool {
        self.levels.borrow().is_high(pin)
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
        self.levels.borrow_mut().put(pin, high);
    }

    /// Makes a pad stick at a level from now on, whatever is commanded; none lets it follow again, when it is next driven.
    pub fn stick(&self, pin: u8, level: Option<bool>) {
        let mut levels = self.levels.borrow_mut();
        let with = |set: u64, holds: bool| if holds { set | bit(pin) } else { set & !bit(pin) };
        (levels.stuck, levels.stuck_high) =
            (with(levels.stuck, level.is_some()), with(levels.stuck_high, level == Some(true)));
        if let Some(high) = level {
            levels.put(pin, high);
        }
    }

    /// Whether the pad of any pin does not follow what is commanded.
    #[must_use]
    pub fn any_stuck(&self) -> bool {
        self.levels.borrow().stuck != 0
    }

    /// Whether an output changed since this was asked last; the changes are put behind `into`, in their order.
    pub fn take_changes(&self, into: &mut Vec<PinChange>) {
        into.append(&mut self.levels.borrow_mut().changes);
    }

    /// Moves an output pin, as the device does: a stuck pad stays where it is.
    pub fn drive(&self, pin: u8, high: bool) {
        let mut levels = self.levels.borrow_mut();
        let high = if levels.stuck & bit(pin) != 0 { levels.stuck_high & bit(pin) != 0 } else { high };
        if bit(pin) != 0 && levels.is_high(pin) != high {
            levels.put(pin, high);
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
    /// Those of the pins 0 to 31 that are outputs and carry no tones, bit *n* for pin *n*.
    outputs: u32,
}

impl SimBoard {
    /// A board on these pins.
    #[must_use]
    pub fn new(pins: Pins) -> Self {
        let held = (0..PINS as u8).map(|number| Pin { pins: pins.clone(), number }).collect();
        Self { pins, held, outputs: 0 }
    }

    /// Its pins.
    pub(crate) const fn pins(&self) -> &Pins {
        &self.pins
    }
}

impl Board for SimBoard {
    type Output = Pin;
    type Input = Pin;

    fn clear(&mut self) {
        self.outputs = 0;
    }

    fn set_up(&mut self, line: &RigLine) -> bool {
        let Some(pin) = self.held.get_mut(usize::from(line.pin)) else { return false };
        if let Some(output) = line.role.output() {
            pin.pins.drive(line.pin, !line.active_high);
            pin.pins.set_power(line.pin, output.max_power_ppm.map(|_| 0));
            if !output.speaker {
                self.outputs |= bit(line.pin) as u32;
            }
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

    fn outputs(&self) -> u32 {
        self.outputs
    }

    fn pads(&mut self, pins: u32, _held: u32) -> u32 {
        self.pins.levels.borrow().high as u32 & pins
    }
}
