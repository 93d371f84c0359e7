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

use crate::chip::{CORE_HZ, io, pwm};

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

/// The powered pins, those of them that are on when low, and those with a slice for themselves; bit *n* for pin *n*. P0
/// stores, at set-up; P0 and the strike alarm load.
static POWERED: AtomicU32 = AtomicU32::new(0);
static INVERTED: AtomicU32 = AtomicU32::new(0);
static ALONE: AtomicU32 = AtomicU32::new(0);

/// The slice of a pin.
pub(crate) const fn slice(pin: u8) -> usize {
    pin as usize / 2 % SLICES
}

/// The powered pins.
#[inline(always)]
pub(crate) fn powered() -> u32 {
    POWERED.load(Ordering::Relaxed)
}

/// The powered pins that are on where pins are held so: their pads cannot be read.
#[inline(always)]
pub(crate) fn unreadable(held: u32) -> u32 {
    (held ^ INVERTED.load(Ordering::Relaxed)) & powered()
}

/// Whether a slice drives a pin at this moment.
pub(crate) fn is_on(pin: u8) -> bool {
    io().gpio(usize::from(pin)).gpio_ctrl().read().funcsel().bits() == PWM
}

/// Turns powered pins on and off, as others are driven: those of `high` high, those of `low` low.
#[inline(never)]
pub(crate) fn gate(high: u32, low: u32) {
    let (inverted, alone) = (INVERTED.load(Ordering::Relaxed), ALONE.load(Ordering::Relaxed));
    let on = high & !inverted | low & inverted;
    let mut rest = high | low;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        let pin = bit.trailing_zeros() as usize;
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

/// A slice that is set up.
#[derive(Debug, Clone, Copy)]
struct Set {
    frequency_mhz: u32,
    /// See [`Division::scale`].
    scale: u32,
    /// What its channels compare with, the second one in the upper half.
    compare: u32,
    control: u32,
    /// The pin of each channel.
    pins: [Option<u8>; 2],
}

/// The slices of powered pins, P0's alone.
#[derive(Debug)]
pub(crate) struct Powers {
    slices: [Option<Set>; SLICES],
}

impl Powers {
    pub(crate) const fn new() -> Self {
        Self { slices: [None; SLICES] }
    }

    /// Whether a powered pin has this slice.
    pub(crate) fn has(&self, slice: usize) -> bool {
        self.slices.get(slice).is_some_and(Option::is_some)
    }

    /// Makes a pin that is set up and safe a powered one, off. False if no division of the clock makes the frequency, or if
    /// its slice makes another one already, or has another pin on the same channel.
    pub(crate) fn add(&mut self, pin: u8, active_high: bool, frequency_mhz: u32) -> bool {
        let Some(Division { divider, counts }) = Division::of(CORE_HZ, frequency_mhz) else { return false };
        let (number, channel) = (slice(pin), usize::from(pin % 2));
        let Some(slot) = self.slices.get_mut(number) else { return false };
        let new = Set {
            frequency_mhz,
            scale: Division { divider, counts }.scale(),
            compare: 0,
            control: ENABLE,
            pins: [None; 2],
        };
        let set = slot.get_or_insert(new);
        let Some(place) = set.pins.get_mut(channel).filter(|place| place.is_none()) else { return false };
        if set.frequency_mhz != frequency_mhz {
            return false;
        }
        *place = Some(pin);
        if !active_high {
            set.control |= INVERT << channel;
        }
        let registers = pwm().ch(number);
        registers.csr().write(|w| unsafe { w.bits(0) });
        registers.div().write(|w| unsafe { w.bits(u32::from(divider) << 4) });
        registers.top().write(|w| unsafe { w.bits(u32::from(counts) - 1) });
        registers.ctr().write(|w| unsafe { w.bits(0) });
        registers.cc().write(|w| unsafe { w.bits(0) });
        registers.csr().write(|w| unsafe { w.bits(set.control) });
        let [first, second] = set.pins.map(|pin| pin.map_or(0, |pin| 1 << pin));
        let pins = first | second;
        let bit = 1 << pin;
        let put = |set: &AtomicU32, pins: u32, holds| {
            let others = set.load(Ordering::Relaxed) & !pins;
            set.store(if holds { others | pins } else { others }, Ordering::Relaxed);
        };
        put(&ALONE, pins, pins == bit);
        put(&INVERTED, bit, !active_high);
        put(&POWERED, bit, true);
        true
    }

    /// The power a pin has from now on when it is on; false if it is no powered pin.
    pub(crate) fn set(&mut self, pin: u8, power_ppm: i32) -> bool {
        let (number, channel) = (slice(pin), usize::from(pin % 2));
        let Some(set) = self.slices.get_mut(number).and_then(Option::as_mut) else { return false };
        if set.pins.get(channel) != Some(&Some(pin)) {
            return false;
        }
        let counts = u32::from(compare(set.scale, power_ppm));
        // Both halves at once: a store of one would go to both.
        set.compare =
            if channel == 0 { set.compare & 0xFFFF_0000 | counts } else { set.compare & 0x0000_FFFF | counts << 16 };
        pwm().ch(number).cc().write(|w| unsafe { w.bits(set.compare) });
        true
    }

    /// No pin is powered any more. To be called once none is driven.
    pub(crate) fn clear(&mut self) {
        for set in [&POWERED, &INVERTED, &ALONE] {
            set.store(0, Ordering::Relaxed);
        }
        for (number, slot) in self.slices.iter_mut().enumerate() {
            if slot.take().is_some() {
                pwm().ch(number).csr().write(|w| unsafe { w.bits(0) });
            }
        }
    }
}
