//! What the device must know of the rig: its lines, their pins, and the limits it enforces whatever anyone asks.
//! The controller makes this from the rig-config; names, calibrations and wiring notes stay there.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_DETECTORS, MAX_ENCODERS, MAX_LINES, MAX_SAMPLED, MAX_WINDOW};
use crate::vocabulary::LineId;

/// The resistor a pin holds its input with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pull {
    /// None: the outside drives the pin.
    None,
    /// Towards the supply.
    Up,
    /// Towards ground.
    Down,
}

/// What a line is to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A digital input. After an edge is accepted, further ones are ignored for `debounce_us`.
    Input {
        /// Its resistor.
        pull: Pull,
        /// How long edges are ignored after one was accepted, in µs.
        debounce_us: u32,
    },
    /// An output. Its safe level is off.
    Output {
        /// The longest it may be on in one go, in µs.
        max_on_us: u32,
        /// Whether a person must arm it for the session.
        must_arm: bool,
        /// Whether a trip switches it off. Sync and frame triggers carry on.
        safe_on_trip: bool,
        /// Whether it carries tones rather than a level.
        speaker: bool,
    },
    /// A voltage, sampled once every [`Rig::sample_us`]. Raw values are 0 to [`ANALOG_MAX`], of the body's reference.
    Analog,
    /// A quadrature encoder, its count sampled with the analog lines. It counts four times a period of its pins, upwards
    /// where the line's own pin leads, from 0 at the start of each session.
    Encoder {
        /// Its second pin.
        pin_b: u8,
        /// The resistors of both pins.
        pull: Pull,
    },
    /// No pin but something that is looked for in the samples of another line: an input that is active while it is there.
    Detector {
        /// The line whose samples it looks at.
        source: LineId,
        /// What it looks for.
        looks_for: Pattern,
    },
    /// An output that carries a power from nothing to full, by pulse-width modulation. Its safe level is off.
    Powered {
        /// As in [`Role::Output`].
        max_on_us: u32,
        /// As in [`Role::Output`].
        must_arm: bool,
        /// As in [`Role::Output`].
        safe_on_trip: bool,
        /// How often its pulses come, in mHz; how exactly a body makes that, [`crate::pwm`] tells.
        frequency_mhz: u32,
    },
}

/// What an output is to the interlock, whatever it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// The longest it may be on in one go, in µs.
    pub max_on_us: u32,
    /// Whether a person must arm it for the session.
    pub must_arm: bool,
    /// Whether a trip switches it off.
    pub safe_on_trip: bool,
    /// Whether it carries tones.
    pub speaker: bool,
    /// Whether it carries a power.
    pub powered: bool,
}

/// The highest raw value of an analog line: 12 bits on every body.
pub const ANALOG_MAX: i32 = 4095;

/// The pin of a line that has none.
pub const NO_PIN: u8 = u8::MAX;

/// What a detector looks for, in raw values. It is told of by edges stamped with the time of the sample that shows it, so
/// what happened lies up to one sampling period before its stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// A value within a band. Within is who comes into `inner`, until he leaves `outer`, which holds it: the margin
    /// between them is the hysteresis. A threshold is a band whose other side lies at the end of all numbers.
    Band {
        /// Lowest and highest value of the band to come into.
        inner: (i32, i32),
        /// Lowest and highest value of the band to leave.
        outer: (i32, i32),
        /// Whether it is active within (true) or outside.
        inside: bool,
    },
    /// A value that has kept within `within` of what it was when it came to rest, for `for_us`.
    Still {
        /// The farthest it may go to either side.
        within: i32,
        /// For how long, in µs.
        for_us: u32,
    },
    /// A value that differs from the one `samples` before by `by` or more, until it differs by no more than `until`.
    Change {
        /// The least difference, to either side.
        by: i32,
        /// The difference at which it is over; less than `by`.
        until: i32,
        /// How many samples lie between the two; 1 to [`MAX_WINDOW`].
        samples: u16,
    },
}

impl Role {
    /// Whether a line of this role is sampled.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        matches!(self, Self::Analog | Self::Encoder { .. })
    }

    /// Its limits, if it is an output.
    #[must_use]
    #[inline]
    pub const fn output(&self) -> Option<OutputLimits> {
        match *self {
            Self::Output { max_on_us, must_arm, safe_on_trip, speaker } => {
                Some(OutputLimits { max_on_us, must_arm, safe_on_trip, speaker, powered: false })
            }
            Self::Powered { max_on_us, must_arm, safe_on_trip, .. } => {
                Some(OutputLimits { max_on_us, must_arm, safe_on_trip, speaker: false, powered: true })
            }
            Self::Input { .. } | Self::Analog | Self::Encoder { .. } | Self::Detector { .. } => None,
        }
    }
}

impl RigLine {
    /// A line that looks for something in the samples of another.
    #[must_use]
    pub const fn detector(source: LineId, looks_for: Pattern) -> Self {
        Self { pin: NO_PIN, active_high: true, role: Role::Detector { source, looks_for } }
    }

    /// The pins it takes.
    pub fn pins(&self) -> impl Iterator<Item = u8> {
        let (first, second) = match self.role {
            Role::Detector { .. } => (None, None),
            Role::Encoder { pin_b, .. } => (Some(self.pin), Some(pin_b)),
            Role::Input { .. } | Role::Output { .. } | Role::Powered { .. } | Role::Analog => (Some(self.pin), None),
        };
        first.into_iter().chain(second)
    }
}

impl Pattern {
    /// Whether it can ever be found and be lost again.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        match *self {
            Self::Band { inner: (low, high), outer: (lower, higher), .. } => {
                lower <= low && low <= high && high <= higher && (i32::MIN < lower || higher < i32::MAX)
            }
            Self::Still { within, for_us } => within >= 0 && for_us > 0,
            Self::Change { by, until, samples } => {
                0 <= until && until < by && 0 < samples && samples as usize <= MAX_WINDOW
            }
        }
    }
}

/// One line: where it is wired and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigLine {
    /// The body's own number for the pin.
    pub pin: u8,
    /// Whether a high pin means active (input) or on (output).
    pub active_high: bool,
    /// What the line is.
    pub role: Role,
}

/// The rig as the device sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rig {
    /// The lines, in the order the program numbers them.
    pub lines: Vec<RigLine, MAX_LINES>,
    /// How long the controller may be silent before armed lines are disarmed, in µs. Default 250 000.
    pub silence_us: u32,
    /// Within how long of the silence the controller may come back and find its lines armed again, in µs. Default 5 s.
    pub rejoin_us: u32,
    /// How long a session goes on without its controller before it ends at a trial boundary, in µs. Default 60 s.
    pub carry_on_us: u32,
    /// From one sample of the sampled lines to the next, in µs. Default 1 000; never 0.
    pub sample_us: u32,
}

/// The period lines are sampled at where a rig says nothing, in µs.
pub const SAMPLE_US: u32 = 1_000;

impl Rig {
    /// The lines that are outputs, as a set.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        self.set_of(|role| role.output().is_some())
    }

    /// The lines that have edges as inputs do, as a set: digital inputs and detectors.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.set_of(|role| matches!(role, Role::Input { .. } | Role::Detector { .. }))
    }

    /// The lines that are sampled, as a set.
    #[must_use]
    pub fn sampled(&self) -> u32 {
        self.set_of(Role::is_sampled)
    }

    /// Whether no pin is taken twice, there are no more sampled lines and detectors than a device holds, and every detector
    /// has a line that is sampled and looks for something that can be.
    #[must_use]
    pub fn holds_together(&self) -> bool {
        let pins = |before: usize| self.lines.iter().take(before).flat_map(RigLine::pins);
        let apart = (0..self.lines.len()).all(|n| {
            let own = || self.lines.get(n).into_iter().flat_map(RigLine::pins);
            own().all(|pin| {
                pin != NO_PIN && pins(n).all(|other| other != pin) && own().filter(|p| *p == pin).count() == 1
            })
        });
        let count = |holds: fn(&Role) -> bool| self.set_of(holds).count_ones() as usize;
        let detectors_sound = self.lines.iter().all(|line| match line.role {
            Role::Detector { source, looks_for } => source.bit() & self.sampled() != 0 && looks_for.is_sound(),
            _ => true,
        });
        apart
            && detectors_sound
            && count(Role::is_sampled) <= MAX_SAMPLED
            && count(|role| matches!(role, Role::Encoder { .. })) <= MAX_ENCODERS
            && count(|role| matches!(role, Role::Detector { .. })) <= MAX_DETECTORS
            && self.sample_us > 0
    }

    /// The outputs that a person must arm, as a set.
    #[must_use]
    pub fn must_arm(&self) -> u32 {
        self.set_of(|role| role.output().is_some_and(|output| output.must_arm))
    }

    fn set_of(&self, holds: impl Fn(&Role) -> bool) -> u32 {
        let mut set = 0;
        for (n, line) in self.lines.iter().enumerate() {
            if holds(&line.role) {
                set |= 1_u32.wrapping_shl(n as u32);
            }
        }
        set
    }
}
