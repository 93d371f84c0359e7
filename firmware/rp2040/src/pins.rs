//! The pins as the core sees them: set up safe before they are driven, driven by one store, read back at the pad. Owns
//! the pads and SIO; called by P0 alone.

// Registers of single pins, each store touching no other pin's.
#![allow(unsafe_code)]

use core::convert::Infallible;

use device::{Board, Sound};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use link::rig::{Pull, RigLine, Role};

use crate::chip::{PADS, io, pads, sio};
use crate::fault::{Safe, remember};
use crate::tone::Speakers;

/// Pins a rig may use: 0 and 1 are the UART's, 23 to 25 and 29 serve the Pico itself.
const FREE: u32 = 0x1C7F_FFFC;
/// An edge of either kind, as a pin's four interrupt bits.
pub(crate) const EDGES: u32 = 0b1100;

/// One pin.
#[derive(Debug)]
pub(crate) struct Pin {
    bit: u32,
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    #[inline(always)]
    fn set_low(&mut self) -> Result<(), Infallible> {
        sio().gpio_out_clr().write(|w| unsafe { w.bits(self.bit) });
        Ok(())
    }

    #[inline(always)]
    fn set_high(&mut self) -> Result<(), Infallible> {
        sio().gpio_out_set().write(|w| unsafe { w.bits(self.bit) });
        Ok(())
    }
}

impl InputPin for Pin {
    #[inline(always)]
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(sio().gpio_in().read().bits() & self.bit != 0)
    }

    #[inline(always)]
    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

/// All pins.
#[derive(Debug)]
pub(crate) struct Pins {
    pins: [Pin; PADS],
    speakers: Speakers,
}

impl Pins {
    pub(crate) fn new() -> Self {
        Self { pins: core::array::from_fn(|n| Pin { bit: 1 << n }), speakers: Speakers::new() }
    }
}

impl Board for Pins {
    type Output = Pin;
    type Input = Pin;

    /// Every pin of a rig as after a reset: not driven, not watched, pulled down.
    fn clear(&mut self) {
        for register in 0..PADS.div_ceil(8) {
            io().proc0_inte(register).write(|w| unsafe { w.bits(0) });
        }
        for pin in (0..PADS as u8).filter(|pin| is_free(*pin)) {
            let n = usize::from(pin);
            remember(pin, Safe::Released);
            io().gpio(n).gpio_ctrl().write(|w| w.funcsel().null());
            sio().gpio_oe_clr().write(|w| unsafe { w.bits(1 << n) });
            pads().gpio(n).write(|w| w.ie().set_bit().od().clear_bit().pue().clear_bit().pde().set_bit());
        }
        self.speakers.clear();
    }

    fn set_up(&mut self, line: &RigLine) -> bool {
        if !is_free(line.pin) {
            return false;
        }
        match line.role {
            Role::Input { pull, .. } => set_up_input(line.pin, pull),
            Role::Output { speaker: true, .. } => {
                set_up_output(line.pin, false);
                return self.speakers.add(line.pin);
            }
            Role::Output { .. } => set_up_output(line.pin, !line.active_high),
            Role::Encoder { pin_b, pull } if is_free(pin_b) => {
                set_up_input(line.pin, pull);
                set_up_input(pin_b, pull);
            }
            Role::Encoder { .. } | Role::Analog | Role::Detector { .. } => return false,
        }
        true
    }

    #[inline(always)]
    fn output(&mut self, pin: u8) -> Option<&mut Pin> {
        self.pins.get_mut(usize::from(pin))
    }

    #[inline(always)]
    fn input(&mut self, pin: u8) -> Option<&mut Pin> {
        self.pins.get_mut(usize::from(pin))
    }

    fn tone(&mut self, pin: u8, sound: Option<&Sound>) {
        self.speakers.play(pin, sound);
    }

    /// What the pad says, before any override of the input side.
    #[inline(always)]
    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        let pin = usize::from(pin);
        (pin < PADS).then(|| io().gpio(pin).gpio_status().read().infrompad().bit())
    }
}

fn is_free(pin: u8) -> bool {
    1_u32.checked_shl(u32::from(pin)).is_some_and(|bit| FREE & bit != 0)
}

fn set_up_input(pin: u8, pull: Pull) {
    let n = usize::from(pin);
    pads().gpio(n).write(|w| {
        let w = w.ie().set_bit().od().clear_bit().schmitt().set_bit();
        w.pue().bit(pull == Pull::Up).pde().bit(pull == Pull::Down)
    });
    io().gpio(n).gpio_ctrl().write(|w| w.funcsel().sio());
    let (register, edges) = (n / 8, EDGES << (n % 8 * 4));
    io().intr(register).write(|w| unsafe { w.bits(edges) });
    io().proc0_inte(register).modify(|r, w| unsafe { w.bits(r.bits() | edges) });
}

/// The level stands before the direction: a pin is never driven but as it should be.
fn set_up_output(pin: u8, safe_high: bool) {
    let n = usize::from(pin);
    if safe_high {
        sio().gpio_out_set().write(|w| unsafe { w.bits(1 << n) });
    } else {
        sio().gpio_out_clr().write(|w| unsafe { w.bits(1 << n) });
    }
    // The pad's own resistor helps the one outside; the input stays on, for reading back.
    pads().gpio(n).write(|w| w.ie().set_bit().od().clear_bit().pue().bit(safe_high).pde().bit(!safe_high));
    sio().gpio_oe_set().write(|w| unsafe { w.bits(1 << n) });
    io().gpio(n).gpio_ctrl().write(|w| w.funcsel().sio());
    remember(pin, if safe_high { Safe::High } else { Safe::Low });
}
