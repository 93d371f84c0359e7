//! The names behind the numbers of a program: what a journal keeps so that its records can be read by a person without
//! compiling anything again. Knows nothing of YAML.

use serde::{Deserialize, Serialize};

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
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawSymbol {
    /// The variable that takes the result.
    pub variable: u16,
    /// `chance`, `deck`, …
    pub kind: String,
}

/// What the session picture shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Picture {
    /// The variable whose labels split the raster; none: all trials in one.
    pub group: Option<u16>,
    /// The lines whose events are drawn around the outcome.
    pub show: Vec<u8>,
}
