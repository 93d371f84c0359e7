//! The kinds of lines there are: what their edges and levels are called, what may be asked of them, and the limits that
//! hold where a rig states none. A table; it knows nothing of any rig or protocol.

use link::rig::{Duty, Guards};

/// What a program may ask of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// A volume.
    Deliver,
    /// A tone.
    Play,
    /// A pulse or a train of them.
    Pulse,
    /// A level.
    Switch,
}

impl Verb {
    /// As written in a protocol.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Play => "play",
            Self::Pulse => "pulse",
            Self::Switch => "on",
        }
    }
}

/// What a kind of input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Input {
    /// What an edge to active is called.
    pub(crate) on: &'static str,
    /// What an edge away from it is called.
    pub(crate) off: &'static str,
    /// What being active is called.
    pub(crate) level: &'static str,
    /// Edges ignored after one was accepted, in µs, where the rig states nothing.
    pub(crate) debounce_us: i64,
    /// What the interlock makes of it, whatever the program does.
    pub(crate) guards: Guards,
}

/// What a kind of output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Output {
    /// What may be asked of it.
    pub(crate) verbs: &'static [Verb],
    /// The longest it may be on in one go, in µs, where the rig states nothing.
    pub(crate) max_on_us: i64,
    /// Whether a person must arm it.
    pub(crate) must_arm: bool,
    /// Whether a trip switches it off.
    pub(crate) safe_on_trip: bool,
    /// Whether a rig may drive it by pulse-width modulation, so that it carries a power.
    pub(crate) takes_power: bool,
    /// What else it is held to where the rig states nothing.
    pub(crate) defaults: Defaults,
    /// Whether it can harm when it is on and should not be.
    pub(crate) harms: bool,
}

/// The limits of an output of a kind beyond the time in one go, where the rig states none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// The least time off between two times it is on, in µs.
    pub(crate) min_off_us: u32,
    /// How long it may be on within any window of time.
    pub(crate) duty: Option<Duty>,
    /// For how long it may be on in a session, in µs.
    pub(crate) session_on_us: Option<u32>,
    /// How often a subject may get it on one day.
    pub(crate) day_pulses: Option<u32>,
}

impl Defaults {
    /// No limit.
    const NONE: Self = Self { min_off_us: 0, duty: None, session_on_us: None, day_pulses: None };

    /// The limits of a kind; docs/rig-config.md has the reasons.
    const fn of(name: &str) -> Self {
        const fn duty(on_us: u32, window_us: u32) -> Option<Duty> {
            Some(Duty { window_us, on_us })
        }
        const MS: u32 = 1_000;
        const SECOND: u32 = 1_000_000;
        match name.as_bytes() {
            // What is not known is taken for a valve.
            b"valve" | b"output" => Self {
                min_off_us: 10 * MS,
                duty: duty(2_500 * MS, 10 * SECOND),
                session_on_us: Some(120 * SECOND),
                day_pulses: None,
            },
            b"shock" => Self { min_off_us: 10 * SECOND, duty: None, session_on_us: None, day_pulses: Some(20) },
            b"laser" => Self { duty: duty(30 * SECOND, 60 * SECOND), ..Self::NONE },
            b"motor" => Self { duty: duty(1_800 * SECOND, 3_600 * SECOND), ..Self::NONE },
            _ => Self::NONE,
        }
    }
}

/// Which way a line goes, and what that brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Input(Input),
    Output(Output),
    /// Sampled: nothing happens on it by itself, detectors look at it.
    Sampled,
}

/// A kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) direction: Direction,
}

impl Kind {
    /// As messages call a line of this kind.
    pub(crate) fn noun(&self) -> &'static str {
        match self.name {
            ANALOG => "analog line",
            "e_stop" => "emergency stop",
            "arm_key" => "arm key",
            name if DETECTORS.iter().any(|kind| kind.name == name) => "detector",
            name => name,
        }
    }

    pub(crate) fn is_sampled(&self) -> bool {
        self.direction == Direction::Sampled
    }

    pub(crate) fn input(&self) -> Option<&Input> {
        match &self.direction {
            Direction::Input(input) => Some(input),
            Direction::Output(_) | Direction::Sampled => None,
        }
    }

    pub(crate) fn output(&self) -> Option<&Output> {
        match &self.direction {
            Direction::Output(output) => Some(output),
            Direction::Input(_) | Direction::Sampled => None,
        }
    }
}

const fn input(name: &'static str, on: &'static str, off: &'static str, level: &'static str, debounce_us: i64) -> Kind {
    let guards = match name.as_bytes() {
        b"e_stop" => Guards::Stop,
        b"arm_key" => Guards::Arming,
        _ => Guards::Nothing,
    };
    Kind { name, direction: Direction::Input(Input { on, off, level, debounce_us, guards }) }
}

const fn output(
    name: &'static str,
    verbs: &'static [Verb],
    max_on_us: i64,
    must_arm: bool,
    safe_on_trip: bool,
) -> Kind {
    // A shock is what its stimulator makes of a trigger; a valve, a sync and a trigger are on or off.
    let takes_power = matches!(name.as_bytes(), b"light" | b"laser" | b"motor" | b"output");
    let harms = matches!(name.as_bytes(), b"valve" | b"laser" | b"shock" | b"motor" | b"output");
    let defaults = Defaults::of(name);
    let output = Output { verbs, max_on_us, must_arm, safe_on_trip, takes_power, defaults, harms };
    Kind { name, direction: Direction::Output(output) }
}

const MS: i64 = 1_000;
const SECOND: i64 = 1_000_000;
/// The longest a device counts for one output: 2³² − 1 µs, about 71 min.
pub(crate) const LONGEST_US: i64 = u32::MAX as i64;
const LEVEL: &[Verb] = &[Verb::Pulse, Verb::Switch];

/// Every kind.
pub(crate) const KINDS: &[Kind] = &[
    input("lever", "press", "release", "down", 5 * MS),
    input("lick", "lick", "off", "touching", MS),
    input("poke", "in", "out", "occupied", 5 * MS),
    input("beam", "break", "clear", "broken", MS),
    input("button", "press", "release", "down", 20 * MS),
    input("frame", "rise", "fall", "high", 0),
    input("input", "rise", "fall", "high", 0),
    input("e_stop", "stop", "clear", "stopped", 20 * MS),
    input("arm_key", "on", "off", "on", 20 * MS),
    output("valve", &[Verb::Deliver, Verb::Pulse], 500 * MS, false, true),
    output("speaker", &[Verb::Play], 60 * SECOND, false, true),
    output("light", LEVEL, 60 * SECOND, false, true),
    output("laser", LEVEL, 5 * SECOND, true, true),
    output("shock", LEVEL, SECOND, true, true),
    output("motor", LEVEL, 600 * SECOND, false, true),
    output("sync", LEVEL, LONGEST_US, false, false),
    output("trigger", LEVEL, LONGEST_US, false, false),
    output("output", LEVEL, SECOND, false, true),
    Kind { name: ANALOG, direction: Direction::Sampled },
    Kind { name: ENCODER, direction: Direction::Sampled },
];

/// A voltage.
pub(crate) const ANALOG: &str = "analog";
/// A quadrature encoder.
pub(crate) const ENCODER: &str = "encoder";

/// What detectors look for, by the key that says so: what their edges are called, and their level.
pub(crate) const DETECTORS: &[Kind] = &[
    input("reach", "reach", "release", "reached", 0),
    input("below", "reach", "release", "reached", 0),
    input("inside", "enter", "leave", "inside", 0),
    input("outside", "leave", "enter", "outside", 0),
    input("still", "settle", "move", "still", 0),
    input("onset", "onset", "end", "moving", 0),
    input("speed", "onset", "end", "moving", 0),
];

/// What sees an output in the samples of an analog line.
pub(crate) const SENSED: Kind = input("sensed", "on", "off", "on", 0);

/// The kind with this name.
pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
