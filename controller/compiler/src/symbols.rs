//! The names behind the numbers of a program: what a journal keeps so that its records can be read by a person without
//! compiling anything again. Knows nothing of YAML.

mod world;

use serde::{Deserialize, Serialize};

pub use world::{
    AnswerForm, BarcodeTiming, FrameCount, FramesSymbol, LiveSymbol, OutsideSymbol, PromptSymbol, SyncPattern,
    SyncSymbol, ValueSymbol, World,
};

/// The names behind a program's numbers; every list is in the order of the program's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Symbols {
    /// The protocol's name.
    pub protocol: String,
    /// What it is about.
    pub about: String,
    /// What of it is taken from where: the thing, and its source.
    pub sources: Vec<(String, String)>,
    /// The rig's name.
    pub rig: String,
    /// Lines, by [`link::LineId`].
    pub lines: Vec<LineSymbol>,
    /// Regions, by [`link::RegionId`]; the main one is called `main`.
    pub regions: Vec<String>,
    /// States, by [`link::StateId`]; a nested one is named by its path, `outer.inner`.
    pub states: Vec<StateSymbol>,
    /// Variables, parameters and counters, by [`link::VariableId`].
    pub variables: Vec<VariableSymbol>,
    /// Timers, by [`link::TimerId`].
    pub timers: Vec<String>,
    /// Outcomes, by [`link::OutcomeId`].
    pub outcomes: Vec<String>,
    /// Events the protocol names, counted from [`link::EventId::NAMED`].
    pub events: Vec<String>,
    /// Draws, by [`link::DrawId`].
    pub draws: Vec<DrawSymbol>,
    /// Invariants as written, by [`link::InvariantId`].
    pub invariants: Vec<String>,
    /// Conditions that end the session as written, by their row.
    pub ends: Vec<String>,
    /// What the session picture shows.
    pub picture: Picture,
    /// Warnings that the protocol allows.
    pub allowed: Vec<AllowedSymbol>,
    /// Variables that are worked out as a trial closes: in a trial that never did they hold nothing.
    pub at_close: Vec<u16>,
    /// The stages of the experiment, in their order; none if it has none.
    pub stages: Vec<StageSymbol>,
    /// What is drawn once per subject.
    pub assigned: Vec<AssignSymbol>,
    /// What is asked of subject and session.
    pub metadata: Vec<MetadataSymbol>,
    /// Variables whose draw is made once in the life of a subject.
    pub once: Vec<u16>,
    /// Names that the operator is not to see until the subject is unblinded.
    pub blind: Vec<String>,
    /// What crosses the border of the rig other than at its pins.
    pub world: World,
}

/// A stage of an experiment over days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSymbol {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Whether a subject has it at most once in its life.
    pub once: bool,
    /// What ends a session of it, as written.
    pub ends: Vec<String>,
    /// What leads on to the next, each by itself; none: a person does.
    pub graduate: Vec<Graduation>,
}

/// What a subject must have done to go on to the next stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Graduation {
    /// So many sessions of the stage.
    Sessions {
        /// How many.
        sessions: u32,
    },
    /// Sessions of the stage on so many days.
    Days {
        /// How many.
        days: u32,
    },
    /// In each of so many sessions in a row, at least this share of the last trials that came to an outcome came to this one.
    Share {
        /// The share, in millionths.
        share_ppm: u32,
        /// The outcome.
        outcome: String,
        /// How many trials are looked at; a session with fewer does not count.
        last: u32,
        /// How many sessions, one after the other.
        sessions: u32,
    },
    /// In each of so many sessions in a row, at least so many trials came to this outcome, or to any.
    Trials {
        /// How many.
        trials: u32,
        /// The outcome; none: any.
        outcome: Option<String>,
        /// How many sessions, one after the other.
        sessions: u32,
    },
}

/// What is drawn once per subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignSymbol {
    /// Its name, and that of a variable.
    pub name: String,
    /// What it may be, and in which ratio.
    pub among: Vec<(String, u32)>,
    /// The metadata within whose groups it is balanced.
    pub balance: Vec<String>,
}

/// What is asked of a subject or a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataSymbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// What it may be; none: anything.
    pub choices: Vec<String>,
    /// What a number is measured in; empty: it is text.
    pub unit: String,
    /// What it is taken to be if nobody says.
    pub default: Option<String>,
    /// Whether the protocol alone says it.
    pub fixed: bool,
    /// Whether it is asked once and kept.
    pub once: bool,
}

impl Symbols {
    /// Every variable that may be given another value from outside the program while it runs.
    #[must_use]
    pub fn given(&self) -> Vec<u16> {
        let live = self.variables.iter().filter_map(|variable| Some(variable.parameter.as_ref()?.live?.variable));
        self.world.given().chain(live).collect()
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSymbol {
    /// Its name in protocol and rig.
    pub name: String,
    /// Its kind: `lever`, `valve`, …
    pub kind: String,
    /// Whether it is an output.
    pub output: bool,
    /// What an edge to active (or on) is called: `press`, `lick`, `on`.
    pub on_event: String,
    /// What an edge away from it is called: `release`, `off`.
    pub off_event: String,
    /// Whether the protocol names it; the others of the rig are held off, and their inputs kept.
    pub named: bool,
    /// What its raw values mean, if it is sampled.
    pub scale: Option<Scale>,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSymbol {
    /// Its name, by path.
    pub name: String,
    /// Index of its region.
    pub region: u8,
}

/// A variable, parameter or counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableSymbol {
    /// Its name.
    pub name: String,
    /// What its numbers mean.
    pub unit: Unit,
    /// The names of its values, if it has labels; the value is the index.
    pub labels: Vec<String>,
    /// Whether it is a column of the trial table.
    pub column: bool,
    /// What a parameter was, and on what ground; none for a plain variable.
    pub parameter: Option<ParameterSymbol>,
}

/// A parameter's value in this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterSymbol {
    /// Its value, in the unit's base.
    pub value: i64,
    /// Whether it was set for this session rather than left at its default.
    pub set: bool,
    /// On what ground: `published`, `typical`, `chosen`.
    pub basis: String,
    /// Where a published value stands; empty for any other.
    pub source: String,
    /// What it is about.
    pub about: String,
    /// How it is changed while the session runs, if it may be.
    pub live: Option<LiveSymbol>,
}

/// What a whole number of base units means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// 0 or 1.
    Truth,
    /// A count.
    Count,
    /// A plain number in millionths.
    Number,
    /// µs.
    Time,
    /// nl.
    Volume,
    /// µm.
    Length,
    /// mHz.
    Frequency,
    /// Hundredths of a dB SPL.
    Level,
    /// The index of a label.
    Label,
    /// Thousandths of a degree.
    Angle,
    /// µm a second.
    Speed,
    /// Thousandths of a degree a second.
    Turning,
    /// µV.
    Voltage,
    /// µA.
    Current,
    /// µW.
    Power,
    /// nC.
    Charge,
    /// nJ.
    Energy,
}

/// What the raw values of a sampled line mean: a straight line from what is measured to what is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// What is measured: a length or an angle.
    pub unit: Unit,
    /// The raw value at zero, in 10⁻⁹.
    pub zero_nraw: i64,
    /// Raw values in one base unit, in 10⁻⁹; negative if they fall. Never 0.
    pub base_nraw: i64,
}

impl Scale {
    const NANO: i128 = 1_000_000_000;

    /// The raw value of a quantity in base units, to the nearest; none if no device can count so far.
    #[must_use]
    pub fn raw(&self, base: i64) -> Option<i32> {
        let nraw = i128::from(self.zero_nraw) + i128::from(base) * i128::from(self.base_nraw);
        i32::try_from(nearest(nraw, Self::NANO)).ok()
    }

    /// The raw difference of a difference in base units, to the nearest and never negative; none if no device can count so
    /// far.
    #[must_use]
    pub fn raw_difference(&self, base: i64) -> Option<i32> {
        i32::try_from(nearest((i128::from(base) * i128::from(self.base_nraw)).abs(), Self::NANO)).ok()
    }

    /// The finest step that can be told apart: the base units of one raw value, at least one.
    #[must_use]
    pub fn finest(&self) -> i64 {
        let step = i128::from(self.base_nraw).abs().max(1);
        i64::try_from((Self::NANO + step - 1) / step).unwrap_or(i64::MAX).max(1)
    }

    /// What a raw value means, in base units, to the nearest.
    #[must_use]
    pub fn base(&self, raw: i32) -> i64 {
        let nraw = i128::from(raw) * Self::NANO - i128::from(self.zero_nraw);
        match i128::from(self.base_nraw) {
            0 => 0,
            slope if slope < 0 => i64::try_from(nearest(-nraw, -slope)).unwrap_or(i64::MAX),
            slope => i64::try_from(nearest(nraw, slope)).unwrap_or(i64::MAX),
        }
    }
}

/// A quotient to the nearest, halves away from zero; `by` is positive.
fn nearest(value: i128, by: i128) -> i128 {
    (value + value.signum() * (by / 2)) / by
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawSymbol {
    /// The variable that takes the result.
    pub variable: u16,
    /// `chance`, `deck`, …
    pub kind: String,
}

/// A warning that was not told because the protocol allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedSymbol {
    /// Its code.
    pub code: String,
    /// What it would have said.
    pub message: String,
    /// The line of the protocol it is about, counted from 1.
    pub line: u32,
    /// Why it is meant so.
    pub because: String,
}

/// What the session picture shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Picture {
    /// The variable whose labels split the raster; none: all trials in one.
    pub group: Option<u16>,
    /// The lines whose events are drawn around the outcome.
    pub show: Vec<u8>,
}
