//! What the device must know of the rig: its lines, their pins, and the limits it enforces whatever anyone asks.
//! The controller makes this from the rig-config; names, calibrations and wiring notes stay there.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_COUNTED, MAX_DETECTORS, MAX_ENCODERS, MAX_LINES, MAX_SAMPLED, MAX_SENSES, MAX_WINDOW};
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
        /// What the interlock makes of it, whatever the program does.
        guards: Guards,
    },
    /// An output. Its safe level is off.
    Output {
        /// What may be asked of it at most.
        limits: Limits,
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
        /// What may be asked of it at most.
        limits: Limits,
        /// The highest power it may carry, in millionths of full power.
        max_power_ppm: u32,
        /// How often its pulses come, in mHz; how exactly a body makes that, [`crate::pwm`] tells.
        frequency_mhz: u32,
    },
}

/// What the interlock makes of an input, whatever the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guards {
    /// Nothing.
    Nothing,
    /// The emergency stop: while it is active, the interlock is tripped. A contact that is normally closed is wired so that
    /// a broken wire reads as active.
    Stop,
    /// The key: lines are armed only while it is active, and disarmed when it no longer is.
    Arming,
}

/// What may be asked of an output, enforced by the device whatever the host and the program ask. All bounds are inclusive.
/// Where a request alone would go past one it is refused whole; `max_on_us` besides cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Whether a person must arm it for the session.
    pub must_arm: bool,
    /// Whether a trip switches it off. Sync and frame triggers carry on.
    pub safe_on_trip: bool,
    /// Whether the protocol forbids it for the session: then it is never on, and never armed.
    pub forbidden: bool,
    /// The longest it may be on in one go, in µs.
    pub max_on_us: u32,
    /// The least time it is off between two times it is on, in µs.
    pub min_off_us: u32,
    /// How long it may be on within any window of time.
    pub duty: Option<Duty>,
    /// How much of it there may be in the session: the rig's own limit, or what is left of the subject's day if that is less.
    pub total: Total,
}

/// How long an output may be on within any window of time. The device counts in eighths of a window: what was on up to an
/// eighth before it counts as well, and a request by what it asks for within its own densest window, on top of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The length of the window, in µs; at least 8.
    pub window_us: u32,
    /// How long it may be on within one, in µs.
    pub on_us: u32,
}

/// How much of an output there may be in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// How often it may go on; [`NO_LIMIT`] for any number.
    pub pulses: u32,
    /// For how long it may be on in all, in µs; [`NO_LIMIT`] for any time.
    pub on_us: u32,
    /// How much it may give in all, as the time in µs in which it gives so much at full power; [`NO_LIMIT`] for any dose.
    pub dose_us: u32,
    /// What each time it goes on gives besides, in the same unit: a valve's volume is not nothing for no time at all.
    pub pulse_dose_us: u32,
}

/// A total without a limit. No session is long enough to reach it: the longest time is 71 min, and what lies behind is not
/// counted.
pub const NO_LIMIT: u32 = u32::MAX;

impl Total {
    /// No limit at all.
    pub const NONE: Self = Self { pulses: NO_LIMIT, on_us: NO_LIMIT, dose_us: NO_LIMIT, pulse_dose_us: 0 };
}

impl Limits {
    /// An output that may be on for so long in one go, is switched off by a trip, and has no other limit.
    #[must_use]
    pub const fn on_for(max_on_us: u32) -> Self {
        Self {
            must_arm: false,
            safe_on_trip: true,
            forbidden: false,
            max_on_us,
            min_off_us: 0,
            duty: None,
            total: Total::NONE,
        }
    }

    /// The same, which a person must arm.
    #[must_use]
    pub const fn armed(self) -> Self {
        Self { must_arm: true, ..self }
    }

    /// The same, which a trip leaves alone.
    #[must_use]
    pub const fn carrying_on(self) -> Self {
        Self { safe_on_trip: false, ..self }
    }

    /// Whether the device must keep count of what was on before, beyond the time it went on last.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.min_off_us != 0 || self.duty.is_some() || self.total != Total::NONE
    }

    /// Whether they make sense: some time on, and a window that can be cut into eighths.
    #[must_use]
    pub const fn are_sound(&self) -> bool {
        let window_is_sound = match self.duty {
            Some(Duty { window_us, .. }) => window_us >= DUTY_PARTS,
            None => true,
        };
        self.max_on_us > 0 && window_is_sound
    }
}

/// How many parts a window of [`Duty`] is counted in.
pub const DUTY_PARTS: u32 = 8;

/// What an output is to the interlock, whatever it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// What may be asked of it at most.
    pub limits: Limits,
    /// Whether it carries tones.
    pub speaker: bool,
    /// The highest power it may carry, in millionths of full power, if it carries one.
    pub max_power_ppm: Option<u32>,
}

/// An output and the input that reads back what it does: a photodiode, the current of a valve or a shocker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sense {
    /// The output.
    pub output: LineId,
    /// The input, active while the output is seen to be on: a digital one, or a detector on a sampled line.
    pub input: LineId,
    /// How long the two may differ after either has changed, in µs.
    pub within_us: u32,
    /// Whether it trips when they differ for longer; it is recorded in any case.
    pub trips: bool,
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
    /// An input of which the interlock makes nothing.
    #[must_use]
    pub const fn input(pull: Pull, debounce_us: u32) -> Self {
        Self::Input { pull, debounce_us, guards: Guards::Nothing }
    }

    /// Whether a line of this role is sampled.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        matches!(self, Self::Analog | Self::Encoder { .. })
    }

    /// Whether a line of this role has edges as inputs do.
    #[must_use]
    pub const fn has_edges(&self) -> bool {
        matches!(self, Self::Input { .. } | Self::Detector { .. })
    }

    /// What the interlock knows it as, if it is an output.
    #[must_use]
    #[inline]
    pub const fn output(&self) -> Option<Output> {
        match *self {
            Self::Output { limits, speaker } => Some(Output { limits, speaker, max_power_ppm: None }),
            Self::Powered { limits, max_power_ppm, .. } => {
                Some(Output { limits, speaker: false, max_power_ppm: Some(max_power_ppm) })
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
    /// The outputs whose effect is read back.
    pub senses: Senses,
}

/// The senses of a rig.
pub type Senses = Vec<Sense, MAX_SENSES>;

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
        self.set_of(Role::has_edges)
    }

    /// The lines that are sampled, as a set.
    #[must_use]
    pub fn sampled(&self) -> u32 {
        self.set_of(Role::is_sampled)
    }

    /// Whether it is one a device can take up; see [`holds_together`].
    #[must_use]
    pub fn holds_together(&self) -> bool {
        holds_together(self.lines.iter().copied(), &self.senses, self.sample_us)
    }

    /// The outputs that a person must arm, as a set.
    #[must_use]
    pub fn must_arm(&self) -> u32 {
        self.set_of(|role| role.output().is_some_and(|output| output.limits.must_arm))
    }

    fn set_of(&self, holds: impl Fn(&Role) -> bool) -> u32 {
        set_of(self.lines.iter().copied(), holds)
    }
}

/// The lines of which this holds, as a set.
pub fn set_of(lines: impl Iterator<Item = RigLine>, holds: impl Fn(&Role) -> bool) -> u32 {
    let numbered = lines.zip(0_u32..).filter(|(line, _)| holds(&line.role));
    numbered.fold(0, |set, (_, n)| set | 1_u32.wrapping_shl(n))
}

/// Those of the outputs that a person must arm which the protocol does not forbid, as a set.
pub fn armable(lines: impl Iterator<Item = RigLine>) -> u32 {
    set_of(lines, |role| role.output().is_some_and(|output| output.limits.must_arm && !output.limits.forbidden))
}

/// Whether these are lines a device can take up: no more of them than it holds and no pin taken twice; no more that are
/// sampled, detectors and counted outputs than it has room for; every detector has a line that is sampled and looks for
/// something that can be; and every sense has its two lines.
pub fn holds_together(lines: impl Iterator<Item = RigLine> + Clone, senses: &Senses, sample_us: u32) -> bool {
    let set = |holds: fn(&Role) -> bool| set_of(lines.clone(), holds);
    let (sampled, mut taken) = (set(Role::is_sampled), [0_u32; 8]);
    let (mut count, mut counted, mut detectors, mut encoders) = (0, 0, 0, 0);
    for line in lines.clone() {
        count += 1;
        for pin in line.pins() {
            let Some(taken) = taken.get_mut(usize::from(pin / 32)) else { return false };
            let bit = 1 << (pin % 32);
            if pin == NO_PIN || *taken & bit != 0 {
                return false;
            }
            *taken |= bit;
        }
        let sound = match line.role {
            Role::Detector { source, looks_for } => {
                detectors += 1;
                source.bit() & sampled != 0 && looks_for.is_sound()
            }
            Role::Encoder { .. } => {
                encoders += 1;
                true
            }
            role => role.output().is_none_or(|output| {
                counted += usize::from(output.limits.is_counted());
                output.limits.are_sound()
            }),
        };
        if !sound {
            return false;
        }
    }
    let (outputs, inputs) = (set(|role| role.output().is_some()), set(Role::has_edges));
    let senses_have_both = |sense: &Sense| sense.output.bit() & outputs != 0 && sense.input.bit() & inputs != 0;
    count <= MAX_LINES
        && sampled.count_ones() as usize <= MAX_SAMPLED
        && encoders <= MAX_ENCODERS
        && detectors <= MAX_DETECTORS
        && counted <= MAX_COUNTED
        && senses.iter().all(senses_have_both)
        && sample_us > 0
}
