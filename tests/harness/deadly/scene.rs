//! From a rig and the states its outputs are to be in, to a protocol as text that brings them there, all in one session, and
//! to what must be on when something dies.
//!
//! ```text
//! 0 s      1 s                3 s     3.2 s             5.2 s
//! quiet ── first ──────────── rest ── later ─────────── rest ── later …     until an hour is over
//!          the states begin           each output is asked for a pulse, whatever became of it
//!           └ 7.137 ms: something dies
//! ```
//!
//! `quiet` and each `later` begin a trial. Beside it a region raises an event every 50 ms, so that there is always
//! something to record.

use std::fmt::Write;

use compiler::{Compiled, Options, Source};
use link::LineId;

use super::doom::Doom;
use super::held::{ASKED_US, Held, Pulses, pulse_us, pulses};
use super::outputs::{self, Output};
use super::rigs;

/// When the states begin, in µs after the session's start.
pub const BEGINS_US: u64 = 1_000_000;
/// When something dies, in µs after the session's start: in the first pulse of each train, and at no round time.
pub const DIES_US: u64 = BEGINS_US + 7_137;
/// The longest trial, in µs: the one it dies in.
pub const TRIAL_US: u64 = BEGINS_US + ASKED_US + REST_US;
const REST_US: u64 = 200_000;
/// From one event of the region beside to the next, in µs, where nothing else is asked for.
pub const BEAT_US: u64 = 50_000;
/// From one step of a rising power to the next, in µs.
const RAMP_STEP_US: u64 = 20_000;
/// How long a pulse asked for later is at most, in µs.
const LATER_US: u64 = 400_000;
/// The power of what does not ramp, in %.
const POWER_PERCENT: u32 = 30;

/// An output, and the state it is in when something dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// Which output.
    pub output: Output,
    /// In which state.
    pub held: Held,
    /// Whether it is on when something dies.
    pub is_on: bool,
}

/// A protocol and its rig that bring outputs into states.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The protocol.
    pub protocol: Source,
    /// The rig.
    pub rig: Source,
    /// The outputs in it, in the order of the rig.
    pub cast: Vec<Cast>,
    /// How long the rig bears its controller's silence, in µs.
    pub silence_us: u64,
    /// How long a session goes on without it, in µs.
    pub carry_on_us: u64,
}

impl Scene {
    /// Every output of a rig that can be in a state, in it; none if no output can. The others are idle.
    #[must_use]
    pub fn all(rig: &Source, held: Held, doom: Doom) -> Option<Self> {
        Self::each(rig, doom, |output| if held.fits(output) { held } else { Held::Idle })
            .filter(|scene| scene.cast.iter().any(|cast| cast.held == held))
    }

    /// One output of a rig in a state, the others idle; none if it cannot be in it.
    #[must_use]
    pub fn alone(rig: &Source, name: &str, held: Held, doom: Doom) -> Option<Self> {
        let scene = Self::each(rig, doom, |output| if output.name == name { held } else { Held::Idle });
        scene.filter(|scene| scene.cast.iter().all(|cast| cast.held.fits(&cast.output)))
    }

    /// Each output of a rig in a state of its own; none if there is no output.
    #[must_use]
    pub fn each(rig: &Source, doom: Doom, held: impl Fn(&Output) -> Held) -> Option<Self> {
        Self::beating(rig, doom, BEAT_US, held)
    }

    /// The same with another time between the events of the region beside.
    #[must_use]
    pub fn beating(rig: &Source, doom: Doom, beat_us: u64, held: impl Fn(&Output) -> Held) -> Option<Self> {
        let config = rigs::read(rig);
        let cast: Vec<Cast> = outputs::of(&config)
            .into_iter()
            .map(|output| {
                let held = held(&output);
                let is_on = held.is_on() && on_for_us(&output, held) > DIES_US - BEGINS_US;
                Cast { output, held, is_on }
            })
            .collect();
        let hears_storm = config.line(rigs::STORM).is_some();
        let text = write(&cast, doom, beat_us, hears_storm);
        let protocol = Source { name: format!("deadly on {}", rig.name), text };
        (!cast.is_empty()).then(|| Self {
            protocol,
            rig: rig.clone(),
            cast,
            silence_us: config.silence_us.into(),
            carry_on_us: config.carry_on_us.into(),
        })
    }

    /// The program.
    ///
    /// # Panics
    /// When the protocol that was written does not compile: then what writes it is wrong.
    #[must_use]
    pub fn compiled(&self) -> Compiled {
        let config = rigs::read(&self.rig);
        compiler::compile(&self.protocol, &config, &Options::default())
            .unwrap_or_else(|found| panic!("{found}\n{}", self.protocol.text))
    }

    /// What the device calls a line of the compiled program.
    ///
    /// # Panics
    /// When there is no such line.
    #[must_use]
    pub fn line(compiled: &Compiled, name: &str) -> LineId {
        let place = compiled.symbols.lines.iter().position(|line| line.name == name);
        LineId(place.unwrap_or_else(|| panic!("no line {name}")) as u8)
    }

    /// The names of the lines a person arms.
    pub fn armed(&self) -> impl Iterator<Item = &str> {
        let armed = self.cast.iter().filter(|cast| cast.output.must_arm && cast.held != Held::Idle);
        armed.map(|cast| cast.output.name.as_str())
    }
}

/// How long an output is on from when its state begins, in µs.
fn on_for_us(output: &Output, held: Held) -> u64 {
    match held {
        Held::Idle | Held::Armed => 0,
        Held::Train => pulses(output).map_or(0, |pulses| pulses.width_us),
        Held::Pulse | Held::On | Held::Ramping => pulse_us(output),
    }
}

/// The protocol.
fn write(cast: &[Cast], doom: Doom, beat_us: u64, hears_storm: bool) -> String {
    let mut lines = String::new();
    let mut played = String::new();
    let (mut first, mut later, mut ramp) = (String::new(), String::new(), String::new());
    for Cast { output, held, .. } in cast {
        let name = &output.name;
        let _ = writeln!(lines, "  {name}: {}", output.kind);
        played += &stimuli(output, *held);
        if *held == Held::Ramping && !output.speaker {
            let _ =
                writeln!(ramp, "          - on: {{line: {name}, power: \"min(rising, {} %)\"}}", power(output, 100));
        } else if let Some(asked) = asked(output, *held) {
            let _ = writeln!(first, "      - {asked}");
        }
        let pulse = if output.speaker {
            format!("play: {{line: {name}, stimulus: {name}_later}}")
        } else {
            pulse(output, LATER_US.min(pulse_us(output)))
        };
        let _ = writeln!(later, "      - {pulse}");
    }
    if hears_storm {
        let _ = writeln!(lines, "  {}: input", rigs::STORM);
    }
    let counters = if hears_storm { "counters: {heard: {count: storm.rise, reset: session}}\n" } else { "" };
    let variables = format!("  rising: {{initial: 10 %, column: false}}\n{}", doom.variables());
    let entry = if first.is_empty() { String::new() } else { format!("    entry:\n{first}") };
    let goes_on = match doom {
        Doom::NeverLetsGo => "    transitions: []\n".to_owned(),
        _ => format!("    transitions: [{{after: {ASKED_US} us, to: rest}}]\n"),
    };
    let beside = match doom {
        // Nothing is recorded in the hour it takes.
        Doom::NeverLetsGo => String::new(),
        _ => format!(
            "  beside: {{start: beat, states: {{beat: {{transitions: [{{after: {beat_us} us, do: [{{event: beat}}], to: beat}}]}}}}}}\n"
        ),
    };
    let ramp = if ramp.is_empty() { String::new() } else { ramping(&ramp, doom) };
    let regions = format!("{beside}{ramp}{}", doom.region(DIES_US));
    let regions = if regions.is_empty() { regions } else { format!("regions:\n{regions}") };
    let played = if played.is_empty() { played } else { format!("stimuli:\n{played}") };
    format!(
        "protocol: deadly\n\
         about: Brings every output of a rig into a state, and asks for a pulse of each again and again.\n\
         lines:\n{lines}\
         variables:\n{variables}{counters}{played}\
         session: {{ends: [{{after: 60 min}}{}]}}\n\
         start: quiet\n\
         states:\n  \
           quiet:\n    entry: [{{trial: begin}}]\n    transitions: [{{after: {BEGINS_US} us, to: first}}]\n  \
           first:\n{entry}{goes_on}  \
           rest:\n    transitions: [{{after: {REST_US} us, to: later}}]\n  \
           later:\n    entry:\n      - trial: begin\n{later}    transitions: [{{after: {ASKED_US} us, to: rest}}]\n\
         {regions}",
        doom.end()
    )
}

/// The region in which powers rise.
fn ramping(asked: &str, doom: Doom) -> String {
    let ends = match doom {
        // It stays at full power, and never lets go.
        Doom::NeverLetsGo => String::new(),
        _ => format!("          - {{after: {RAMP_STEP_US} us, if: rising >= 100 %, to: high}}\n"),
    };
    format!(
        "  ramp:\n    start: low\n    states:\n      \
           low: {{transitions: [{{after: {BEGINS_US} us, to: rise}}]}}\n      \
           rise:\n        entry:\n{asked}        transitions:\n{ends}          \
             - {{after: {RAMP_STEP_US} us, if: rising < 100 %, do: [{{set: {{rising: \"min(rising + 1 %, 100 %)\"}}}}], to: rise}}\n      \
           high: {{final: true}}\n"
    )
}

/// The stimuli of an output.
fn stimuli(output: &Output, held: Held) -> String {
    let name = &output.name;
    if output.speaker {
        let first_us = pulse_us(output);
        let ramp_us = if held == Held::Ramping { first_us / 2 } else { 0 };
        let tone = |which: &str, duration_us: u64, ramp_us: u64| {
            format!(
                "  {name}_{which}: {{tone: {{frequency: 8 kHz, level: 60 dB, duration: {duration_us} us, ramp: {ramp_us} us}}}}\n"
            )
        };
        let first = if held.is_on() { tone("first", first_us, ramp_us) } else { String::new() };
        return first + &tone("later", LATER_US.min(first_us), 0);
    }
    match (held, pulses(output)) {
        (Held::Train, Some(Pulses { width_us, period_us, count })) => {
            format!("  {name}_train: {{pulses: {{width: {width_us} us, period: {period_us} us, count: {count}}}}}\n")
        }
        _ => String::new(),
    }
}

/// The action that brings an output into a state; none where nothing is asked of it.
fn asked(output: &Output, held: Held) -> Option<String> {
    let name = &output.name;
    match held {
        Held::Idle | Held::Armed => None,
        _ if output.speaker => Some(format!("play: {{line: {name}, stimulus: {name}_first}}")),
        Held::Train => Some(format!("pulse: {{line: {name}, stimulus: {name}_train{}}}", at_power(output))),
        // As long as the program's state lasts, or until it is cut.
        Held::On if output.power_max_percent.is_some() => Some(format!("on: {{line: {name}{}}}", at_power(output))),
        Held::On => Some(format!("on: {name}")),
        Held::Pulse | Held::Ramping => Some(pulse(output, pulse_us(output))),
    }
}

/// The action that asks for a pulse.
fn pulse(output: &Output, width_us: u64) -> String {
    format!("pulse: {{line: {}, width: {width_us} us{}}}", output.name, at_power(output))
}

/// What an action says besides of a line that carries a power.
fn at_power(output: &Output) -> String {
    if output.power_max_percent.is_some() {
        format!(", power: {} %", power(output, POWER_PERCENT))
    } else {
        String::new()
    }
}

/// A power that an output may carry, in %.
fn power(output: &Output, wanted_percent: u32) -> u32 {
    output.power_max_percent.map_or(wanted_percent, |most| most.min(wanted_percent))
}
