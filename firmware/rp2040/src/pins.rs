//! The pins as the core sees them: set up safe before they are driven, driven by one store, read back at the pad. Owns
//! the pads and SIO; called by P0 alone.

// Registers of single pins, each store touching no other pin's.
#![allow(unsafe_code)]

use core::convert::Infallible;

use device::{Board, STRIKES_MAX, Sound, Strike};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use link::Micros;
use link::rig::{Pull, RigLine, Role};

use crate::chip::{PADS, connect, io, pads, sio};
use crate::fault::{Safe, remember};
use crate::power::{self, Powers};
use crate::stamp::{self, EDGES};
use crate::strike::Strikes;
use crate::tone::Speakers;
use crate::{adc, clock};

/// Pins a rig may use: 0 and 1 are the UART's, 23 to 25 and 29 serve the Pico itself.
const FREE: u32 = 0x1C7F_FFFC;
/// How often a pad is looked at that does not follow, each time some 8 cycles: 1 µs in all.
const LOOKS: usize = 24;
/// Registers that say which pins interrupt, eight pins each.
const REGISTERS: usize = PADS.div_ceil(8);

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
        if power::among(self.bit) {
            power::drive(0, self.bit);
            return Ok(());
        }
        sio().gpio_out_clr().write(|w| unsafe { w.bits(self.bit) });
        Ok(())
    }

    #[inline(always)]
    fn set_high(&mut self) -> Result<(), Infallible> {
        if power::among(self.bit) {
            power::drive(self.bit, 0);
            return Ok(());
        }
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
    /// Pins that are driven, bit *n* for pin *n*.
    outputs: u32,
    /// The edges that are stamped, as the interrupt registers have them.
    watched: [u32; REGISTERS],
    speakers: Speakers,
    powers: Powers,
    strikes: Strikes,
}

impl Pins {
    pub(crate) fn new() -> Self {
        Self {
            pins: core::array::from_fn(|n| Pin { bit: 1 << n }),
            outputs: 0,
            watched: [0; REGISTERS],
            speakers: Speakers::new(),
            powers: Powers::new(),
            strikes: Strikes::new(),
        }
    }
}

impl Pins {
    fn set_up_input(&mut self, pin: u8, pull: Pull) {
        let n = usize::from(pin);
        pads().gpio(n).write(|w| {
            let w = w.ie().set_bit().od().clear_bit().schmitt().set_bit();
            w.pue().bit(pull == Pull::Up).pde().bit(pull == Pull::Down)
        });
        io().gpio(n).gpio_ctrl().write(|w| w.funcsel().sio());
        connect(n);
        let (register, edges) = (n / 8, EDGES << (n % 8 * 4));
        io().intr(register).write(|w| unsafe { w.bits(edges) });
        if let Some(watched) = self.watched.get_mut(register) {
            *watched |= edges;
            io().proc0_inte(register).write(|w| unsafe { w.bits(*watched) });
        }
    }
}

impl Board for Pins {
    type Output = Pin;
    type Input = Pin;

    const STRIKES: usize = STRIKES_MAX;

    #[inline(always)]
    fn foretell(&mut self, strikes: &[Strike]) -> bool {
        self.strikes.foretell(strikes)
    }

    #[inline(always)]
    fn struck(&mut self) -> Option<Micros> {
        self.strikes.struck()
    }

    #[inline(always)]
    fn interrupted(&self) -> bool {
        stamp::wait()
    }

    #[inline(always)]
    fn moment(&mut self, now: Micros) -> Micros {
        clock::widen_from(now, clock::low())
    }

    fn listen(&mut self, listens: bool) {
        for (register, edges) in self.watched.iter().enumerate() {
            io().proc0_inte(register).write(|w| unsafe { w.bits(if listens { *edges } else { 0 }) });
        }
    }

    /// Every pin of a rig as after a reset: not driven, not watched, pulled down.
    fn clear(&mut self) {
        self.listen(false);
        self.watched = [0; REGISTERS];
        for pin in (0..PADS as u8).filter(|pin| is_free(*pin)) {
            let n = usize::from(pin);
            remember(pin, Safe::Released);
            io().gpio(n).gpio_ctrl().write(|w| w.funcsel().null());
            sio().gpio_oe_clr().write(|w| unsafe { w.bits(1 << n) });
            pads().gpio(n).write(|w| w.ie().set_bit().od().clear_bit().pue().clear_bit().pde().set_bit());
        }
        self.outputs = 0;
        self.speakers.clear();
        self.powers.clear();
        adc::clear();
    }

    fn set_up(&mut self, line: &RigLine) -> bool {
        if !is_free(line.pin) {
            return false;
        }
        match line.role {
            Role::Input { pull, .. } => self.set_up_input(line.pin, pull),
            Role::Encoder { pin_b, pull } if is_free(pin_b) => {
                self.set_up_input(line.pin, pull);
                self.set_up_input(pin_b, pull);
            }
            Role::Analog if adc::has(line.pin) => adc::set_up(line.pin),
            Role::Analog | Role::Encoder { .. } | Role::Detector { .. } => return false,
            Role::Output { speaker: true, .. } => {
                set_up_output(line.pin, false);
                return !self.powers.has(power::slice(line.pin)) && self.speakers.add(line.pin);
            }
            Role::Powered { frequency_mhz, .. } => {
                set_up_output(line.pin, !line.active_high);
                self.outputs |= 1 << line.pin;
                let free = !self.speakers.have(power::slice(line.pin));
                return free && self.powers.add(line.pin, line.active_high, frequency_mhz);
            }
            Role::Output { .. } => {
                set_up_output(line.pin, !line.active_high);
                self.outputs |= 1 << line.pin;
            }
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

    fn power(&mut self, pin: u8, power_ppm: i32) -> bool {
        self.powers.set(pin, power_ppm)
    }

    #[inline(always)]
    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        if 1_u32.checked_shl(pin.into()).is_some_and(power::among) && power::is_on(pin) {
            return None;
        }
        self.output(pin).and_then(|pin| pin.is_high().ok())
    }

    #[inline(always)]
    fn outputs(&self) -> u32 {
        self.outputs
    }

    #[inline(always)]
    fn drive(&mut self, high: u32, low: u32) -> u32 {
        if power::among(high | low) {
            power::drive(high, low);
        } else {
            sio().gpio_out_set().write(|w| unsafe { w.bits(high) });
            sio().gpio_out_clr().write(|w| unsafe { w.bits(low) });
        }
        (high | low) & !self.outputs
    }

    /// A pad follows within two cycles; what hangs on it may make it slower. It is given a while, and no longer than that. One
    /// that a slice drives is taken to be as it should.
    #[inline(always)]
    fn pads(&mut self, pins: u32, held: u32) -> u32 {
        let mut found = 0;
        let unreadable = power::unreadable(held);
        for _ in 0..LOOKS {
            found = (sio().gpio_in().read().bits() & !unreadable | held & unreadable) & pins;
            if found == held & pins {
                break;
            }
        }
        found
    }
}

fn is_free(pin: u8) -> bool {
    1_u32.checked_shl(u32::from(pin)).is_some_and(|bit| FREE & bit != 0)
}

/// The level stands before the direction: a pin is never driven but as it should be.
fn set_up_output(pin: u8, safe_high: bool) {
    let n = usize::from(pin);
    if safe_high {
        sio().gpio_out_set().write(|w| unsafe { w.bits(1 << n) });
    } else {
        sio().gpio_out_clr().write(|w| unsafe { w.bits(1 << n) });
    }
    // The pad's own resistor helps the one outside; the input stays on, for reading back; the driver is the strongest
    // there is, so that the gate of a valve's transistor follows soon.
    pads().gpio(n).write(|w| {
        let w = w.ie().set_bit().od().clear_bit().pue().bit(safe_high).pde().bit(!safe_high);
        w.drive()._12m_a()
    });
    sio().gpio_oe_set().write(|w| unsafe { w.bits(1 << n) });
    io().gpio(n).gpio_ctrl().write(|w| w.funcsel().sio());
    connect(n);
    remember(pin, if safe_high { Safe::High } else { Safe::Low });
}
