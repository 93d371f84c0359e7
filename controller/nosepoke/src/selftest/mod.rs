//! The self-test of a rig: what is tried, by which little protocol, and what its journal then shows. Every try is a run of
//! its own within the limits that the rig-config states, so that its record can be looked at and replayed like any other.
//! Owns what is tried and what counts as passed; knows no terminal and no port.
//!
//! - [`mod@protocol`]: the protocol of each try.
//! - [`hands`]: the simulated person who presses and moves what is asked for.
//! - [`mod@judge`]: what its journal shows.
//! - [`report`]: what is kept of it, and how old it is.

pub mod hands;
pub mod judge;
pub mod protocol;
pub mod report;

use compiler::{Compiled, Diagnostics, Options, RigConfig, Source, cannot_answer, cannot_call};
use link::limits::MAX_LINES;
use link::pwm::FULL_POWER_PPM;
use link::rig::{Guards, NO_LIMIT, Output, Role};

/// How long an output is tried, in µs, where its limits allow it: long enough to be seen and heard.
pub const TRIED_US: u32 = 100_000;
/// How long a line that must be armed is tried, in µs.
pub const FIRED_US: u32 = 20_000;
/// The power a line is tried at, in millionths, where nothing reads it back: enough to be seen.
pub const TRIED_PPM: u32 = 100_000;
/// How long a person has to press or touch what is asked for, in µs.
pub const PATIENCE_US: u64 = 30_000_000;
/// How long a lever or a wheel may be moved, in µs.
pub const MOVED_US: u64 = 5_000_000;
/// Edges of a loop-back.
pub const LOOP_EDGES: u32 = 1_000;

/// One thing that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The line.
    pub line: String,
    /// Its kind, as the rig-config calls it.
    pub kind: String,
    /// How.
    pub how: How,
}

/// How a line is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// An output goes on once.
    On {
        /// For how long, in µs.
        width_us: u32,
        /// At which power, in millionths, if it carries one.
        power_ppm: Option<u32>,
        /// Whether a person must arm it.
        must_arm: bool,
        /// The line that reads it back, and within how many µs.
        sensed: Option<(String, u32)>,
    },
    /// A speaker sounds once.
    Sound {
        /// For how long, in µs.
        width_us: u32,
        /// How loud, in hundredths of a dB SPL.
        level_cdb: i32,
    },
    /// An input is pressed or touched, and let go.
    Touched {
        /// What its edge to active is called.
        on_event: String,
        /// What the other is called.
        off_event: String,
    },
    /// A sampled line is moved.
    Moved,
    /// The emergency stop is pressed.
    Stopped,
    /// After the emergency stop a session can begin again.
    Released,
    /// An output that is wired to an input answers each of its edges.
    Looped {
        /// The input.
        input: String,
        /// Its kind.
        input_kind: String,
        /// What its edge to active is called.
        on_event: String,
        /// How often.
        edges: u32,
        /// From an answer to the next call, in µs at least.
        pause_us: u32,
    },
}

impl How {
    /// What is tried, in words.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::On { .. } => "on",
            Self::Sound { .. } => "sound",
            Self::Touched { .. } => "touch",
            Self::Moved => "move",
            Self::Stopped => "stop",
            Self::Released => "release",
            Self::Looped { .. } => "loop-back",
        }
    }
}

/// Why there is nothing to try.
#[derive(Debug)]
pub enum LoopError {
    /// A loop-back names a line that is not there or is of no use for it.
    Line {
        /// The line.
        line: String,
        /// What it would have to be.
        must_be: &'static str,
    },
}

impl std::fmt::Display for LoopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Line { line, must_be } = self;
        write!(f, "--loop: {line} {must_be}")
    }
}

impl std::error::Error for LoopError {}

/// Everything of a rig that is tried, outputs first, the emergency stop last.
///
/// # Errors
/// When the rig cannot be compiled for at all.
pub fn tries(rig: &RigConfig) -> Result<Vec<Try>, Diagnostics> {
    let bare = bare(rig)?;
    let sensed_by = |name: &str| {
        let place = |line: link::LineId| bare.symbols.lines.get(line.index()).map(|line| line.name.as_str());
        let sense = bare.rig.senses.iter().find(|sense| place(sense.output) == Some(name))?;
        Some((place(sense.input)?.to_owned(), sense.within_us))
    };
    let sensors: Vec<&str> = bare
        .rig
        .senses
        .iter()
        .filter_map(|sense| {
            let line = bare.rig.lines.get(sense.input.index())?;
            // What looks at samples is tried with the output; so is what it looks at.
            let seen = match line.role {
                Role::Detector { source, .. } => source,
                _ => sense.input,
            };
            bare.symbols.lines.get(seen.index()).map(|line| line.name.as_str())
        })
        .collect();
    let (mut outputs, mut inputs, mut stops) = (Vec::new(), Vec::new(), Vec::new());
    for line in rig.lines.iter().take(MAX_LINES) {
        let tried = |how| Try { line: line.name.clone(), kind: line.kind.clone(), how };
        let symbol = bare.symbols.lines.iter().find(|symbol| symbol.name == line.name);
        match line.line.role {
            Role::Output { .. } | Role::Powered { .. } => {
                let Some(output) = line.line.role.output() else { continue };
                outputs.push(tried(on(rig, &line.name, output, sensed_by(&line.name))));
            }
            Role::Input { guards: Guards::Stop, .. } => stops.extend([tried(How::Stopped), tried(How::Released)]),
            _ if sensors.contains(&line.name.as_str()) => {}
            Role::Input { .. } => inputs.extend(symbol.map(|symbol| {
                let (on_event, off_event) = (symbol.on_event.clone(), symbol.off_event.clone());
                tried(How::Touched { on_event, off_event })
            })),
            Role::Analog | Role::Encoder { .. } => inputs.push(tried(How::Moved)),
            Role::Detector { .. } => {}
        }
    }
    outputs.append(&mut inputs);
    outputs.append(&mut stops);
    Ok(outputs)
}

/// The loop-back of an output and an input that a person has wired together.
///
/// # Errors
/// When one of them is not there or of no use.
pub fn looped(rig: &RigConfig, output: &str, input: &str) -> Result<Try, LoopError> {
    let wrong = |line: &str, must_be| LoopError::Line { line: line.to_owned(), must_be };
    let out = rig.line(output).ok_or_else(|| wrong(output, "is no output of this rig"))?;
    let into = rig.line(input).ok_or_else(|| wrong(input, "is no digital input of this rig that guards nothing"))?;
    for (line, why) in [(output, cannot_call(out)), (input, cannot_answer(into))] {
        if let Some(why) = why {
            return Err(wrong(line, why));
        }
    }
    let (Some(limits), Role::Input { debounce_us, .. }) = (out.line.role.output(), into.line.role) else {
        return Err(wrong(output, "is no output of this rig"));
    };
    let bare = bare(rig).map_err(|_| wrong(input, "belongs to a rig that cannot be compiled for"))?;
    let symbol = bare.symbols.lines.iter().find(|symbol| symbol.name == input);
    let on_event = symbol.map(|symbol| symbol.on_event.clone()).unwrap_or_default();
    // Both edges must be over before the next call.
    let pause_us = debounce_us.saturating_mul(2).max(limits.limits.min_off_us).saturating_add(1_000);
    let how = How::Looped {
        input: input.to_owned(),
        input_kind: into.kind.clone(),
        on_event,
        edges: LOOP_EDGES.min(limits.limits.total.pulses),
        pause_us,
    };
    Ok(Try { line: output.to_owned(), kind: out.kind.clone(), how })
}

/// A try as the device takes it, within the limits of the rig.
///
/// # Errors
/// When the limits of the rig leave nothing to try, or it cannot be compiled for.
pub fn compile(rig: &RigConfig, tried: &Try) -> Result<(Source, Compiled), Diagnostics> {
    let source = protocol::of(tried);
    let compiled = compiler::compile(&source, rig, &Options::default())?;
    Ok((source, compiled))
}

/// The rig with a protocol that does nothing: what its lines and their events are called.
fn bare(rig: &RigConfig) -> Result<Compiled, Diagnostics> {
    let kept = rig.lines.iter().find(|line| !line.line.role.is_sampled());
    let source = protocol::idle(kept.map(|line| (line.name.as_str(), line.kind.as_str())));
    compiler::compile(&source, rig, &Options::default())
}

fn on(rig: &RigConfig, name: &str, output: Output, sensed: Option<(String, u32)>) -> How {
    let limits = output.limits;
    let longest = [limits.max_on_us, limits.duty.map_or(NO_LIMIT, |duty| duty.on_us), limits.total.on_us];
    let longest = longest.into_iter().min().unwrap_or(NO_LIMIT);
    if output.speaker {
        let calibration = rig.line(name).and_then(|line| line.calibration.as_ref());
        let full_cdb = calibration.and_then(compiler::Calibration::full_scale_cdb).unwrap_or(9_500);
        return How::Sound { width_us: longest.min(2 * TRIED_US), level_cdb: full_cdb.min(6_000) };
    }
    let wanted = if limits.must_arm { FIRED_US } else { TRIED_US };
    // A sensor needs its time to agree.
    let wanted = sensed.as_ref().map_or(wanted, |(_, within_us)| wanted.max(within_us.saturating_mul(2)));
    let power_ppm = output.max_power_ppm.map(|most| match sensed {
        Some(_) => most.min(FULL_POWER_PPM.unsigned_abs()),
        None => most.min(TRIED_PPM),
    });
    How::On { width_us: wanted.min(longest), power_ppm, must_arm: limits.must_arm, sensed }
}
