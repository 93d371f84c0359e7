//! Powers on pins: pulse-width modulation by slices that nothing but P0 sets. Owns the slices of powered pins, and how such
//! a pin goes on and off.
//!
//! The gate is the pin's function. Off, SIO drives the pin and holds it at its safe level; on, its slice does. So it goes on
//! and off by one store, at its microsecond, struck like any other pin; and while it is off it reads back like any other. The
//! slice runs throughout: its counter makes the pulses, no level does.
//!
//! A pin that has a slice for itself begins a period when it goes on, so that its power is right from the first pulse. Two
//! that share one run on: a new power, and the first period, may then be up to one period late.

// Registers of slices and pins that only this module uses.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use link::pwm::{Division, compare};

use crate::chip::{CORE_HZ, io, pwm, sio};

/// Slices with pins, each of them two; after 16 pins they come again.
pub(crate) const SLICES: usize = 8;
/// Function 4.
const PWM: u8 = 4;
/// Function 5.
const SIO: u8 = 5;
/// A slice runs.
const ENABLE: u32 = 1;
/// The first channel of a slice is inverted; the second by the next bit.
const INVERT: u32 = 1 << 2;
/// No pin.
const NO_PIN: u8 = u8::MAX;

/// Sets of pins, bit *n* for pin *n*. P0 stores, at set-up; P0 and the strike alarm load.
struct Sets {
    /// Those that carry a power.
    powered: AtomicU32,
    /// Those of them that are on when low.
    inverted: AtomicU32,
    /// Those of them with a slice for themselves.
    alone: AtomicU32,
}

static SETS: Sets = Sets { powered: AtomicU32::new(0), inverted: AtomicU32::new(0), alone: AtomicU32::new(0) };

/// The slice of a pin.
pub(crate) const fn slice(pin: u8) -> usize {
    pin as usize / 2 % SLICES
}

/// Whether one of these pins carries a power.
#[inline(always)]
pub(crate) fn among(pins: u32) -> bool {
    SETS.powered.load(Ordering::Relaxed) & pins != 0
}

/// The powered pins that are on where pins are held so: their pads cannot be read.
#[inline(always)]
pub(crate) fn unreadable(held: u32) -> u32 {
    (held ^ SETS.inverted.load(Ordering::Relaxed)) & SETS.powered.load(Ordering::Relaxed)
}

/// Whether a slice drives a pin at this moment.
pub(crate) fn is_on(pin: u8) -> bool {
    io().gpio(usize::from(pin)).gpio_ctrl().read().funcsel().bits() == PWM
}

/// Drives pins of which some carry a power: those of `high` high, those of `low` low.
#[inline(never)]
pub(crate) fn drive(high: u32, low: u32) {
    let powered = SETS.powered.load(Ordering::Relaxed);
    sio().gpio_out_set().write(|w| unsafe { w.bits(high & !powered) });
    sio().gpio_out_clr().write(|w| unsafe { w.bits(low & !powered) });
    let on = unreadable(high);
    let alone = SETS.alone.load(Ordering::Relaxed);
    let mut rest = (high | low) & powered;
    while rest != 0 {
        let pin = rest.trailing_zeros() as usize;
        let bit = 1 << pin;
        rest ^= bit;
        if on & alone & bit != 0 {
            // The last count of a period: with the next one a period begins, at the power set last.
            let registers = pwm().ch(pin / 2 % SLICES);
            registers.ctr().write(|w| unsafe { w.bits(registers.top().read().bits()) });
        }
        let function = if on & bit != 0 { PWM } else { SIO };
        io().gpio(pin).gpio_ctrl().write(|w| unsafe { w.funcsel().bits(function) });
    }
}

/// What a slice is set to.
#[derive(Debug, Clone, Copy)]
struct Set {
    /// 0: it is free.
    frequency_mhz: u32,
    /// See [`Division::scale`].
    scale: u32,
    /// What its channels compare with, the second one in the upper half.
    compare: u32,
    control: u32,
    /// The pin of each channel.
    pins: [u8; 2],
}

/// The slices of powered pins, P0's alone.
#[derive(Debug)]
pub(crate) struct Powers {
    slices: [Set; SLICES],
}

impl Powers {
    pub(crate) const fn new() -> Self {
        const FREE: Set = Set { frequency_mhz: 0, scale: 0, compare: 0, control: ENABLE, pins: [NO_PIN; 2] };
        Self { slices: [FREE; SLICES] }
    }

    /// Whether a powered pin has this slice.
    pub(crate) fn has(&self, slice: usize) -> bool {
        self.slices[slice % SLICES].frequency_mhz != 0
    }

    /// Makes a pin that is set up and safe a powered one, off. False if no division of the clock makes the frequency, or if
    /// its slice makes another one already, or has another pin on the same channel.
    #[inline(never)]
    pub(crate) fn add(&mut self, pin: u8, active_high: bool, frequency_mhz: u32) -> bool {
        let (number, channel) = (slice(pin), usize::from(pin % 2));
        let set = &mut self.slices[number];
        let (taken, other) = (set.pins[channel], set.pins[1 - channel]);
        if taken != NO_PIN || set.frequency_mhz != 0 && set.frequency_mhz != frequency_mhz {
            return false;
        }
        let registers = pwm().ch(number);
        if set.frequency_mhz == 0 {
            let Some(division) = Division::of(CORE_HZ, frequency_mhz) else { return false };
            (set.frequency_mhz, set.scale) = (frequency_mhz, division.scale());
            registers.csr().write(|w| unsafe { w.bits(0) });
            registers.div().write(|w| unsafe { w.bits(u32::from(division.divider) << 4) });
            registers.top().write(|w| unsafe { w.bits(u32::from(division.counts) - 1) });
            registers.ctr().write(|w| unsafe { w.bits(0) });
            registers.cc().write(|w| unsafe { w.bits(0) });
        }
        set.pins[channel] = pin;
        let (bit, inverted) = (1 << pin, u32::from(!active_high));
        set.control |= inverted * INVERT << channel;
        registers.csr().write(|w| unsafe { w.bits(set.control) });
        let add = |pins: &AtomicU32, new| pins.store(pins.load(Ordering::Relaxed) | new, Ordering::Relaxed);
        add(&SETS.powered, bit);
        add(&SETS.inverted, inverted * bit);
        if other == NO_PIN {
            add(&SETS.alone, bit);
        } else {
            SETS.alone.store(SETS.alone.load(Ordering::Relaxed) & !(1 << other), Ordering::Relaxed);
        }
        true
    }

    /// The power a pin has from now on when it is on; false if it is no powered pin.
    pub(crate) fn set(&mut self, pin: u8, power_ppm: i32) -> bool {
        let (number, channel) = (slice(pin), usize::from(pin % 2));
        let set = &mut self.slices[number];
        if set.pins[channel] != pin {
            return false;
        }
        let counts = u32::from(compare(set.scale, power_ppm));
        // Both halves at once: a store of one would go to both.
        let shift = 16 * channel;
        set.compare = set.compare & !(0xFFFF << shift) | counts << shift;
        pwm().ch(number).cc().write(|w| unsafe { w.bits(set.compare) });
        true
    }

    /// No pin is powered any more. To be called once none is driven.
    pub(crate) fn clear(&mut self) {
        for pins in [&SETS.powered, &SETS.inverted, &SETS.alone] {
            pins.store(0, Ordering::Relaxed);
        }
        for number in 0..SLICES {
            if self.has(number) {
                pwm().ch(number).csr().write(|w| unsafe { w.bits(0) });
            }
        }
        *self = Self::new();
    }
}
