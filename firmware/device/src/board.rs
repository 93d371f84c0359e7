//! All that the device asks of a body: pins, tones, and a word at every point where a half may be stopped. Nothing here
//! knows of experiments; nothing behind it does either.

use embedded_hal::digital::{InputPin, OutputPin, PinState};
use link::Micros;
use link::record::Wave;
use link::rig::RigLine;

use crate::deadlines::{bit, lines};
pub use crate::interlock::foretell::STRIKES_MAX;

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

/// What the interlock foretells: pins, bit *n* for pin *n* of 0 to 31, to be driven high and low at a time to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strike {
    /// When.
    pub at: Micros,
    /// The pins to be high from then on.
    pub high: u32,
    /// The pins to be low from then on.
    pub low: u32,
}

/// The pins of a body, by the body's own numbers. Called by P0 alone, in a few instructions each.
pub trait Board {
    /// A pin that can be driven.
    type Output: OutputPin;
    /// A pin that can be read.
    type Input: InputPin;

    /// How many strikes this body can be foretold at once, at most [`STRIKES_MAX`]; 0 if it makes none by itself.
    const STRIKES: usize = 0;

    /// What the body is to do by itself, in order of time, in place of whatever it was foretold before and has not done:
    /// each at its microsecond, even in the midst of P0. False, and nothing changes, while [`Board::struck`] has something
    /// to tell: what was done must be known before something else is foretold.
    #[inline(always)]
    fn foretell(&mut self, _strikes: &[Strike]) -> bool {
        true
    }

    /// When the next strike of those foretold was done that has not been told yet.
    #[inline(always)]
    fn struck(&mut self) -> Option<Micros> {
        None
    }

    /// The time at this moment in the midst of a call of P0 that was given `now`; `now` itself on a body whose time stands
    /// still meanwhile.
    #[inline(always)]
    fn moment(&mut self, now: Micros) -> Micros {
        now
    }

    /// Whether changes of input pins are told. They are not for a while when more of them come than can be handled; what
    /// changed meanwhile is told when they are told again, at least once. Asked of a body that stamps changes by itself.
    fn listen(&mut self, _listens: bool) {}

    /// Whether an input has changed of which P0 was not told yet. Long work of P0 pauses for it.
    #[inline(always)]
    fn interrupted(&self) -> bool {
        false
    }

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

    /// From now on a powered pin carries this power whenever it is driven on, in millionths of full power: 0 to
    /// [`link::pwm::FULL_POWER_PPM`]. One that is on changes within a period. False if this body cannot.
    #[inline]
    fn power(&mut self, _pin: u8, _power_ppm: i32) -> bool {
        false
    }

    /// The level found at the pad of an output, whatever was commanded; none if this body cannot read it back, as no body
    /// can while a powered pin is on.
    fn pad_is_high(&mut self, pin: u8) -> Option<bool>;

    /// Those of the pins 0 to 31 that are outputs and can be read back, bit *n* for pin *n*: they are looked at whenever P0
    /// comes in a session, which a body sees to at least every 5 ms. None on a body that does not say.
    #[inline(always)]
    fn outputs(&self) -> u32 {
        0
    }

    /// Drives several of the pins 0 to 31 at once, bit *n* for pin *n*: those of `high` high, those of `low` low. The pins
    /// of `high` and `low` that could not be driven. A body that can do it in one store each should.
    #[inline]
    fn drive(&mut self, high: u32, low: u32) -> u32 {
        lines(high | low).fold(0, |failed, pin| {
            let level = PinState::from(high & bit(pin) != 0);
            let driven = self.output(pin as u8).is_some_and(|pin| pin.set_state(level).is_ok());
            if driven { failed } else { failed | bit(pin) }
        })
    }

    /// The levels found at the pads of `pins`, of the pins 0 to 31, right after they were driven; for a pin that cannot be
    /// read back, what it is held to be. A body that can do it in one load should, and waits until the levels are there.
    #[inline]
    fn pads(&mut self, pins: u32, held: u32) -> u32 {
        lines(pins).fold(held & pins, |found, pin| match self.pad_is_high(pin as u8) {
            Some(true) => found | bit(pin),
            Some(false) => found & !bit(pin),
            None => found,
        })
    }
}

/// Which pins are outputs, and at which level each is safe: two words, for a fault handler that has no stack and nothing
/// else to go by. A body keeps it up to date in [`Board::set_up`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SafePins {
    /// The outputs among pins 0 to 31, bit *n* for pin *n*.
    pub outputs: u32,
    /// Those of them that are safe when high.
    pub safe_high: u32,
}

impl SafePins {
    /// No outputs.
    #[must_use]
    pub const fn new() -> Self {
        Self { outputs: 0, safe_high: 0 }
    }

    /// Takes in what a pin is from now on. A pin past 31 has no place here.
    pub const fn set_up(&mut self, line: &RigLine) {
        let pin = bit(line.pin as usize);
        self.outputs &= !pin;
        self.safe_high &= !pin;
        if line.role.output().is_some() {
            self.outputs |= pin;
            if !line.active_high {
                self.safe_high |= pin;
            }
        }
    }
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

    /// The time at this moment in the midst of a call that was given `now`; `now` itself where time stands still meanwhile.
    #[inline(always)]
    fn moment(&self, now: Micros) -> Micros {
        now
    }
}

/// Nothing comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undisturbed;

impl Preempt for Undisturbed {
    #[inline(always)]
    fn point(&mut self) {}
}
