//! Flushing: the one way past an output's `max_on`. Makes a protocol that opens one line as often and as long as a person
//! asks, and a rig in which this line may do just that and nothing else may do anything. Owns what a flush may be; how it
//! is run is how any session is run.

use std::fmt;

use compiler::{Compiled, Diagnostics, Options, OutputTotals, RigConfig, Source};
use link::rig::{Guards, Limits, Role, Total};

/// The longest a flush may take, in µs: 10 min. A reservoir of 1 l through a usual valve takes less, and whoever forgets
/// it finds it closed.
pub const LONGEST_US: u64 = 600_000_000;
/// The longest silence of the controller that a flush bears, in µs, whatever the rig says.
pub const SILENCE_US: u32 = 250_000;
/// How long the line is off between two openings where nothing is said, in µs: a drop falls meanwhile.
pub const PAUSE_US: u32 = 200_000;

/// How a line is opened. Times in µs, each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Openings {
    /// How often.
    pub count: u32,
    /// For how long each time.
    pub width_us: u32,
    /// From one opening to the next; of no meaning for a single one.
    pub period_us: u32,
}

impl Openings {
    /// Once, for so long.
    #[must_use]
    pub const fn once(width_us: u32) -> Self {
        Self { count: 1, width_us, period_us: width_us }
    }

    /// So often, for so long each time, with [`PAUSE_US`] between.
    #[must_use]
    pub const fn often(count: u32, width_us: u32) -> Self {
        Self { count, width_us, period_us: width_us.saturating_add(PAUSE_US) }
    }

    /// From the first opening to the end of the last, in µs.
    #[must_use]
    pub const fn length_us(&self) -> u64 {
        let pauses = self.count.saturating_sub(1) as u64;
        pauses.saturating_mul(self.period_us as u64).saturating_add(self.width_us as u64)
    }
}

impl fmt::Display for Openings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "once for {}", spoken(self.width_us)),
            count => write!(f, "{count} times for {}, one every {}", spoken(self.width_us), spoken(self.period_us)),
        }
    }
}

fn spoken(us: u32) -> String {
    match us {
        1_000_000.. => format!("{} s", f64::from(us) / 1e6),
        _ => format!("{} ms", f64::from(us) / 1e3),
    }
}

/// Why a line cannot be flushed, or not so.
#[derive(Debug)]
pub enum FlushError {
    /// The rig has no such output.
    NoSuchOutput {
        /// What was asked for.
        line: String,
        /// Lines that can be flushed.
        known: Vec<String>,
    },
    /// The line must be armed.
    MustBeArmed {
        /// The line.
        line: String,
    },
    /// The line sounds.
    Speaker {
        /// The line.
        line: String,
    },
    /// It would take longer than [`LONGEST_US`], or no time at all.
    Length {
        /// How long, in µs.
        length_us: u64,
    },
    /// The rig cannot run it.
    Rig(Diagnostics),
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchOutput { line, known } if known.is_empty() => {
                write!(f, "{line}: this rig has no such output, and none that can be flushed")
            }
            Self::NoSuchOutput { line, known } => {
                write!(f, "{line}: this rig has no such output; lines that can be flushed are: {}", known.join(", "))
            }
            Self::MustBeArmed { line } => write!(
                f,
                "{line} must be armed by a person, and no such line is ever on for longer than its max_on: `nosepoke selftest` \
                 tries it within its limits"
            ),
            Self::Speaker { line } => {
                write!(f, "{line} is a speaker, and there is nothing to flush: `nosepoke selftest` lets it sound")
            }
            Self::Length { length_us } => write!(
                f,
                "this flush would take {} s: give it more than nothing and at most {} s",
                *length_us as f64 / 1e6,
                LONGEST_US / 1_000_000
            ),
            Self::Rig(found) => write!(f, "this rig cannot be flushed: {}", found.render().trim_end()),
        }
    }
}

impl std::error::Error for FlushError {}

/// The protocol of a flush, and what it becomes on a rig whose limits are lifted for this line and this flush alone: its
/// `max_on` and its totals are what is asked for, its power stays under its own ceiling, every other output is forbidden, and
/// a controller that falls silent ends it at once.
///
/// # Errors
/// When the line is no output that works without arming, or the flush is too long.
pub fn compile(rig: &RigConfig, line: &str, openings: Openings) -> Result<(Source, Compiled), FlushError> {
    let lifted = lifted(rig, line, openings)?;
    let protocol = protocol(&lifted, line, openings);
    let mut compiled = compiler::compile(&protocol, &lifted, &Options::default()).map_err(FlushError::Rig)?;
    for (device, symbol) in compiled.rig.lines.iter_mut().zip(&compiled.symbols.lines) {
        if let Some(limits) = limits(&mut device.role).filter(|_| symbol.name != line) {
            limits.forbidden = true;
        }
        // Whoever keeps the key guards what must be armed, and nothing here is.
        if let Role::Input { guards: guards @ Guards::Arming, .. } = &mut device.role {
            *guards = Guards::Nothing;
        }
    }
    Ok((protocol, compiled))
}

fn lifted(rig: &RigConfig, line: &str, openings: Openings) -> Result<RigConfig, FlushError> {
    let flushable = |role: &Role| role.output().is_some_and(|output| !output.limits.must_arm && !output.speaker);
    let length_us = openings.length_us();
    let on_us = u64::from(openings.count).saturating_mul(openings.width_us.into());
    if length_us == 0 || length_us > LONGEST_US || openings.width_us > openings.period_us {
        return Err(FlushError::Length { length_us });
    }
    let mut lifted = rig.clone();
    let known = || {
        let lines = rig.lines.iter().filter(|line| flushable(&line.line.role));
        lines.map(|line| line.name.clone()).collect()
    };
    let found = lifted.lines.iter_mut().find(|found| found.name == line).map(|found| {
        found.totals = OutputTotals::default();
        &mut found.line.role
    });
    match found.and_then(|role| role.output().map(|output| (role, output))) {
        None => return Err(FlushError::NoSuchOutput { line: line.to_owned(), known: known() }),
        Some((_, output)) if output.limits.must_arm => return Err(FlushError::MustBeArmed { line: line.to_owned() }),
        Some((_, output)) if output.speaker => return Err(FlushError::Speaker { line: line.to_owned() }),
        Some((role, _)) => {
            if let Some(limits) = limits(role) {
                *limits = Limits {
                    max_on_us: openings.width_us,
                    total: Total {
                        pulses: openings.count,
                        on_us: u32::try_from(on_us).unwrap_or(u32::MAX - 1),
                        ..Total::NONE
                    },
                    ..Limits::on_for(openings.width_us)
                };
            }
        }
    }
    (lifted.silence_us, lifted.rejoin_us, lifted.carry_on_us) = (rig.silence_us.min(SILENCE_US), 0, 0);
    Ok(lifted)
}

fn limits(role: &mut Role) -> Option<&mut Limits> {
    match role {
        Role::Output { limits, .. } | Role::Powered { limits, .. } => Some(limits),
        Role::Input { .. } | Role::Analog | Role::Encoder { .. } | Role::Detector { .. } => None,
    }
}

fn protocol(rig: &RigConfig, line: &str, openings: Openings) -> Source {
    let kind = rig.line(line).map_or("", |line| line.kind.as_str());
    let Openings { count, width_us, period_us } = openings;
    let train = match count {
        1 => format!("width: {width_us} µs"),
        _ => "stimulus: openings".to_owned(),
    };
    let stimuli = match count {
        1 => String::new(),
        _ => format!(
            "stimuli:\n  openings: {{pulses: {{width: {width_us} µs, period: {period_us} µs, count: {count}}}}}\n"
        ),
    };
    let text = format!(
        "protocol: flush
about: \"Maintenance without an animal: {line} is opened {openings}.\"
lines: {{{line}: {kind}}}
{stimuli}session: {{ends: [{{trials: 1}}]}}
start: under_way
states:
  under_way:
    entry: [{{trial: begin}}, {{pulse: {{line: {line}, {train}}}}}]
    transitions: [{{event: {line}.end, to: finished}}]
  finished:
    entry: [{{trial: begin}}]
    final: true
"
    );
    Source { name: "flush.yaml".to_owned(), text }
}
