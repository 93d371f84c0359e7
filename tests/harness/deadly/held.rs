//! The states an output can be in when something dies, and what a protocol asks for to bring it there. Owns the widths and
//! periods; all of them stay within the output's own limits, so that nothing is refused.

use super::outputs::Output;

/// A state of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Held {
    /// Nothing was asked of it, and nobody armed it.
    Idle,
    /// Nothing was asked of it; it is armed.
    Armed,
    /// In one long pulse; a speaker in a tone.
    Pulse,
    /// In a pulse of a train.
    Train,
    /// On for as long as the program's state lasts.
    On,
    /// On its way to another power; a speaker becoming louder.
    Ramping,
}

/// How long what is asked for lasts at most, in µs.
pub const ASKED_US: u64 = 2_000_000;
/// A pulse of a train, in µs.
const WIDTH_US: u64 = 20_000;
/// From one pulse of a train to the next, in µs, where nothing asks for more.
const PERIOD_US: u64 = 50_000;

/// A train of pulses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulses {
    /// How wide each is, in µs.
    pub width_us: u64,
    /// From one to the next, in µs.
    pub period_us: u64,
    /// How many.
    pub count: u64,
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Idle, Self::Armed, Self::Pulse, Self::Train, Self::On, Self::Ramping];

    /// Whether an output can be in it.
    #[must_use]
    pub fn fits(self, output: &Output) -> bool {
        match self {
            Self::Idle | Self::Pulse => true,
            Self::Armed => output.must_arm,
            // A speaker plays one sound after the other.
            Self::Train => !output.speaker && pulses(output).is_some(),
            Self::On => output.switches(),
            Self::Ramping => output.speaker || output.power_max_percent.is_some(),
        }
    }

    /// Whether an output in it has been asked to be on.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Idle | Self::Armed)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Armed => "armed",
            Self::Pulse => "pulse",
            Self::Train => "train",
            Self::On => "on",
            Self::Ramping => "ramping",
        }
    }
}

/// How wide a single pulse of an output is, in µs: as wide as it may be.
#[must_use]
pub fn pulse_us(output: &Output) -> u64 {
    ASKED_US.min(output.max_on_us).min(output.budget_us)
}

/// The train of an output; none where its limits leave room for a single pulse alone.
#[must_use]
pub fn pulses(output: &Output) -> Option<Pulses> {
    let width_us = WIDTH_US.min(pulse_us(output));
    let period_us = PERIOD_US.max(width_us + output.min_off_us.max(width_us));
    let by_time = (ASKED_US / period_us).max(2);
    let count = by_time.min(output.budget_us / width_us).min(output.pulses.into());
    (count >= 2).then_some(Pulses { width_us, period_us, count })
}
