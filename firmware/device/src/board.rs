//! All that the device asks of a body: pins, tones, and a word at every point where a half may be stopped. Nothing here
//! knows of experiments; nothing behind it does either.

use embedded_hal::digital::{InputPin, OutputPin};
use link::record::Wave;
use link::rig::RigLine;

/// A sound as a body makes it: it rises for `ramp_us`, and falls for as long so that it is silent at `length_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// What it is made of.
    pub wave: Wave,
    /// Its amplitude once risen, of the full scale, in 1/65535.
    pub amplitude: u16,
    /// How long it rises and falls, in µs; more than half of its length is taken as half of it.
    pub ramp_us: u32,
    /// From its beginning to its end, in µs. Whoever started it ends it then too.
    pub length_us: u32,
}

/// The pins of a body, by the body's own numbers. Called by P0 alone, in a few instructions each.
pub trait Board {
    /// A pin that can be driven.
    type Output: OutputPin;
    /// A pin that can be read.
    type Input: InputPin;

    /// The rig is forgotten: no pin is driven any more, and none is watched.
    fn clear(&mut self) {}

    /// Makes a pin what the line says: direction, resistor, and for an output its safe level *before* it is driven; an
    /// analog line is one that [`crate::Core::sample`] will ask for, an encoder has two pins. Never asked of a detector.
    /// False if this body has no such pin or cannot make it so.
    fn set_up(&mut self, line: &RigLine) -> bool;

    /// An output pin that was set up; none if there is no such pin.
    fn output(&mut self, pin: u8) -> Option<&mut Self::Output>;

    /// An input pin that was set up; none if there is no such pin.
    fn input(&mut self, pin: u8) -> Option<&mut Self::Input>;

    /// Starts a sound on a speaker pin, in place of one that plays, or ends it at once.
    fn tone(&mut self, pin: u8, sound: Option<&Sound>);

    /// The level found at the pad of an output, whatever was commanded; none if this body cannot read it back.
    fn pad_is_high(&mut self, pin: u8) -> Option<bool>;
}

/// Told after every operation on a queue or the ring: the points where a half of higher priority may come in between.
///
/// The simulator runs those halves here, from its seed. A chip asks for the other half's interrupt, or does nothing.
pub trait Preempt {
    /// Such a point.
    fn point(&mut self);
}

/// Nothing comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undisturbed;

impl Preempt for Undisturbed {
    #[inline(always)]
    fn point(&mut self) {}
}
