//! All that the device asks of a body: pins, tones, and a word at every point where a half may be stopped. Nothing here
//! knows of experiments; nothing behind it does either.

use embedded_hal::digital::{InputPin, OutputPin};
use link::record::Carrier;
use link::rig::RigLine;

/// The pins of a body, by the body's own numbers. Called by P0 alone, in a few instructions each.
pub trait Board {
    /// A pin that can be driven.
    type Output: OutputPin;
    /// A pin that can be read.
    type Input: InputPin;

    /// Makes a pin what the line says: direction, resistor, and for an output its safe level *before* it is driven.
    /// False if this body has no such pin or cannot make it so.
    fn set_up(&mut self, line: &RigLine) -> bool;

    /// An output pin that was set up; none if there is no such pin.
    fn output(&mut self, pin: u8) -> Option<&mut Self::Output>;

    /// An input pin that was set up; none if there is no such pin.
    fn input(&mut self, pin: u8) -> Option<&mut Self::Input>;

    /// Starts a tone on a speaker pin, or ends it.
    fn tone(&mut self, pin: u8, carrier: Option<&Carrier>);

    /// The level found at the pad of an output, whatever was commanded; none if this body cannot read it back.
    fn pad_is_high(&mut self, pin: u8) -> Option<bool>;
}

/// Told after every operation on a queue or the ring: the points where a half of higher priority may come in between.
///
/// The simulator runs those halves here, from its seed. A chip asks for the other half's interrupt, or does nothing.
pub trait Preempt {
    /// Such a point.
    fn point(&mut self);

    /// The same, right after P1 has given P0 an order: an answer waits for it.
    #[inline(always)]
    fn ordered(&mut self) {
        self.point();
    }
}

/// Nothing comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undisturbed;

impl Preempt for Undisturbed {
    #[inline(always)]
    fn point(&mut self) {}
}
