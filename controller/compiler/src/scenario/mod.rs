//! Scenario tests as written: what a scripted animal does in a simulated session of a protocol, and what must come of it.
//! Reads a `NAME.test.yaml` against the names of its protocol; runs nothing and judges nothing.
//!
//! The same strictness as for protocols: every key is known, every name means something, every quantity has its unit, and
//! what is wrong has its place and a remedy.

mod act;
mod allow;
mod expect;
mod happening;
mod lines;
mod moment;
mod value;
mod words;

use link::{EventId, InvariantId, LineId, OutcomeId, RegionId, StateId, VariableId, Verdict};

use crate::Source;
use crate::diagnostic::{Diagnostics, Reporter, Span};
use crate::fields::{self, Fields};
use crate::symbols::{Symbols, Unit};
use crate::yaml::{self, Node, Text};
use words::Words;

pub use expect::{STOPPED, verdict_word};
pub use lines::lines_of;
pub use value::{quantity_written, written};

/// The file ending of scenario tests: `NAME.test.yaml` stands beside `NAME.yaml`.
pub const ENDING: &str = ".test.yaml";

/// Where something stands in its file, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// Where a text stands in its file.
    pub(crate) fn of(source: &Source, span: Span) -> Self {
        let before = source.text.get(..span.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

/// What a test file opens with: what its scenarios are of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The protocol, by its path from the test file; none if it is the one beside it.
    pub protocol: Option<String>,
    /// The rig-config, by its path from the test file; none if a simulated rig that fits will do.
    pub rig: Option<String>,
}

/// A test file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestFile {
    /// The scenarios, in order; no two have one name.
    pub scenarios: Vec<Scenario>,
    /// What no scenario covers, and why that is as it should be.
    pub allow: Vec<Allow>,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Parameters set for it, as written.
    pub set: Vec<(String, String)>,
    /// Decides every draw; none where any will do.
    pub seed: Option<u64>,
    /// What is to be drawn: variable, values one after the other.
    pub draws: Vec<Forced>,
    /// Whether a person arms what the simulated person of the rig arms.
    pub armed: bool,
    /// Inputs that are active already as the session begins.
    pub held: Vec<LineId>,
    /// What the animal does.
    pub acts: Vec<Act>,
    /// How long it runs, in µs from the session's start; none: until the session ends by itself.
    pub run_us: Option<u64>,
    /// It is over as soon as this happens.
    pub until: Option<Happening>,
    /// What must come of it.
    pub expect: Vec<Expectation>,
}

/// Values a variable is to be drawn, in this order, from the first draw on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forced {
    /// The variable.
    pub variable: VariableId,
    /// Its values in base units.
    pub values: Vec<i64>,
    /// Where it stands.
    pub place: Place,
}

/// Something the animal, or whoever is in the room, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What brings it about.
    pub cause: Cause,
    /// What is done.
    pub does: Does,
    /// From one time it is done to the next, in µs; 0 if it is done once.
    pub every_us: u64,
    /// How often it is done; at least 1.
    pub times: u32,
    /// Where it stands.
    pub place: Place,
}

/// What brings an act about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A time, in µs from the session's start.
    At(u64),
    /// So long after something happens, in µs; at least 1.
    After {
        /// What.
        happening: Happening,
        /// The how many-th time, counted from 1; none: each time.
        nth: Option<u32>,
        /// How long after.
        delay_us: u64,
    },
}

/// What an act does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Something is said from outside, in the words a person types while a session runs.
    Say(String),
    /// An input becomes active, or not.
    Touch {
        /// Which.
        line: LineId,
        /// To active or away from it.
        active: bool,
        /// The other way again after so long, in µs; none: it stays.
        for_us: Option<u64>,
    },
    /// A sampled line goes straight to a value.
    Move {
        /// Which.
        line: LineId,
        /// The raw value.
        raw: i32,
        /// How long the way takes, in µs.
        over_us: u64,
    },
}

/// Something that happens at one microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happening {
    /// A state is entered.
    Enter(StateId),
    /// A state is left.
    Leave(StateId),
    /// An output goes on or off at the pin.
    Output {
        /// Which.
        line: LineId,
        /// On or off.
        on: bool,
    },
    /// An input changes.
    Input {
        /// Which.
        line: LineId,
        /// To active or away from it.
        active: bool,
    },
    /// An event that the protocol names.
    Event(EventId),
    /// A trial begins.
    Trial,
    /// A trial's outcome becomes known.
    Outcome(OutcomeId),
}

/// Something that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A state is active.
    In(StateId),
    /// An output is on, or off.
    Output {
        /// Which.
        line: LineId,
        /// On or off.
        on: bool,
    },
    /// An input is active, or not.
    Input {
        /// Which.
        line: LineId,
        /// Active or not.
        active: bool,
    },
}

/// A time that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// In µs.
    pub us: i64,
    /// How far off it may be either way, in µs; none where nothing is said: exact, but for what a body needs to carry out.
    pub tolerance_us: Option<u64>,
}

/// Something that must come of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Where it stands.
    pub place: Place,
    /// What.
    pub what: Expect,
}

/// What must come of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// The states a region goes through.
    States {
        /// Which region.
        region: RegionId,
        /// Whether these are all, or others may come between.
        all: bool,
        /// The states, with the times of their entry where they matter.
        steps: Vec<Step>,
    },
    /// What an output does.
    Output {
        /// Which.
        line: LineId,
        /// What.
        does: Delivery,
    },
    /// How often, or when, something happens.
    Happens {
        /// What.
        happening: Happening,
        /// How often, or when.
        when: Occurrences,
    },
    /// Outcomes of the trials, all of them, in order.
    Outcomes(Vec<OutcomeId>),
    /// Columns of the trials, all trials, in order.
    Trials(Vec<Row>),
    /// What a variable holds at the end.
    Variable {
        /// Which.
        variable: VariableId,
        /// In base units.
        value: i64,
    },
    /// These happen in this order, whatever comes between.
    Order(Vec<(Happening, Place)>),
    /// This never is while that is.
    Never {
        /// What must not be: a happening, or a level.
        what: Forbidden,
        /// While what; none: at no time.
        during: Option<Level>,
    },
    /// What the interlock does not carry out as asked, all of it, in order.
    Interlock(Vec<(LineId, Verdict, Place)>),
    /// The requests that invariants block, all of them, in order: each by its invariant.
    Breaches(Vec<(InvariantId, Place)>),
    /// What ends the session, as the protocol writes it; `stopped` if it is the scenario's own end.
    End(String),
}

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// Something that happens.
    Happening(Happening),
    /// Something that lasts.
    Level(Level),
}

/// A state on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub state: StateId,
    /// When it is entered, if that matters.
    pub at: Option<Moment>,
    /// Where it stands.
    pub place: Place,
}

/// What an output does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is on at these times, all of them, in order.
    Times(Vec<On>),
    /// It is on so often, with what else is said holding for all of it.
    Pulses {
        /// How often it goes on.
        count: u32,
        /// What holds of it each time.
        each: Said,
        /// When first.
        first: Option<Moment>,
        /// From one time it goes on to the next.
        period: Option<Moment>,
    },
}

/// A time an output is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// When it goes on.
    pub at: Moment,
    /// What else is said of it.
    pub said: Said,
    /// Where it stands.
    pub place: Place,
}

/// What sort of sound a speaker makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// A pure tone.
    Tone,
    /// White noise.
    Noise,
    /// A tone that glides.
    Sweep,
}

/// What is said of a time an output is on, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// For how long.
    pub width: Option<Moment>,
    /// The volume asked for, in nl.
    pub volume_nl: Option<i64>,
    /// The power it goes on at, in millionths of full power.
    pub power_ppm: Option<i64>,
    /// The power it has as it goes off, in millionths of full power.
    pub to_power_ppm: Option<i64>,
    /// What sort of sound was asked for.
    pub sound: Option<Sound>,
    /// The frequency of the tone asked for, or that at which a sweep begins, in mHz.
    pub tone_mhz: Option<i64>,
    /// The frequency at which a sweep ends, in mHz.
    pub to_tone_mhz: Option<i64>,
    /// The level of the sound asked for, in hundredths of a dB.
    pub level_cdb: Option<i64>,
    /// The ramp of the sound asked for, in µs.
    pub ramp_us: Option<i64>,
}

/// How often, or when, something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrences {
    /// So often.
    Count(u32),
    /// At these times, all of them, in order.
    Times(Vec<Moment>),
}

/// A row of the trial table, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The trial's outcome: none if it is not asked for, `Some(None)` for a trial without one.
    pub outcome: Option<Option<OutcomeId>>,
    /// What variables hold at its end, in base units.
    pub values: Vec<(VariableId, i64)>,
    /// Where it stands.
    pub place: Place,
}

/// Something that need not be covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// What, as the list of what is not covered writes it.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}

const TOP: &[&str] = &["protocol", "rig", "about", "scenarios", "allow"];
const SCENARIO: &[&str] =
    &["name", "about", "set", "seed", "draws", "armed", "held", "animal", "run", "until", "expect"];
const EXAMPLE: &str =
    "{name: a press pays, run: 5 s, animal: [{at: 1 s, press: lever, for: 100 ms}], expect: {outcomes: [paid]}}";

/// Reads what a test file is of.
///
/// # Errors
/// When it is no mapping, or what it says of that cannot be read.
pub fn header(source: &Source) -> Result<Header, Diagnostics> {
    let mut reporter = Reporter::new(source);
    let found = yaml::read(source, &mut reporter).and_then(|root| {
        let top = fields::fields(&root, "a test file", TOP, "scenarios: […]", &mut reporter)?;
        let mut path = |key: &str, what, example| {
            top.get(key).and_then(|node| fields::text(node, what, example, &mut reporter)).map(|text| text.text.clone())
        };
        Some(Header {
            protocol: path("protocol", "the protocol", "my-task.yaml"),
            rig: path("rig", "the rig-config", "my-box.yaml"),
        })
    });
    match found {
        Some(header) if !reporter.has_errors() => Ok(header),
        _ => Err(reporter.finish()),
    }
}

/// Reads a test file against the names of its protocol.
///
/// # Errors
/// Everything that is wrong with it, collected.
pub fn read(source: &Source, symbols: &Symbols) -> Result<TestFile, Diagnostics> {
    let mut reporter = Reporter::new(source);
    let words = Words::new(source, symbols);
    let found = yaml::read(source, &mut reporter).and_then(|root| file(&root, &words, &mut reporter));
    match found {
        Some(file) if !reporter.has_errors() => Ok(file),
        _ => Err(reporter.finish()),
    }
}

fn file(root: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Option<TestFile> {
    let top = fields::fields(root, "a test file", TOP, "scenarios: […]", reporter)?;
    let node =
        top.need("scenarios", "scenarios: [{name: a press pays, run: 5 s, expect: {outcomes: [paid]}}]", reporter)?;
    let mut names: Vec<Text> = Vec::new();
    let mut scenarios = Vec::new();
    for item in fields::list(node, "`scenarios`", EXAMPLE, reporter)? {
        let Some((name, scenario)) = scenario(item, words, reporter) else { continue };
        if names.iter().any(|other| other.text == name.text) {
            reporter
                .error("E400-scenario-named-twice", name.span, format!("two scenarios are called `{}`", name.text))
                .help("say in the name what sets this one apart");
        }
        names.push(name);
        scenarios.push(scenario);
    }
    let allow = top.get("allow").map(|node| allow::read(node, words, reporter)).unwrap_or_default();
    Some(TestFile { scenarios, allow })
}

fn scenario(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Option<(Text, Scenario)> {
    let keys = fields::fields(node, "a scenario", SCENARIO, EXAMPLE, reporter)?;
    let name = keys.need("name", "name: a press pays", reporter);
    let name = name.and_then(|node| fields::text(node, "the scenario's name", "a press pays", reporter));
    let set = keys.get("set").map(|node| set(node, words, reporter)).unwrap_or_default();
    let seed = keys.get("seed").and_then(|node| seed(node, reporter));
    let draws = keys.get("draws").map(|node| draws(node, words, reporter)).unwrap_or_default();
    let truths = [("true", true), ("false", false)];
    let armed = keys.get("armed").and_then(|node| fields::choice(node, "`armed`", &truths, reporter)).unwrap_or(true);
    let held = keys.get("held").map(|node| held(node, words, reporter)).unwrap_or_default();
    let run_us = keys.get("run").and_then(|node| moment::span(node, "`run`", "20 s", reporter));
    let acts = keys.get("animal").map(|node| act::list(node, run_us, words, reporter)).unwrap_or_default();
    let until = keys.get("until").and_then(|node| {
        let text = fields::text(node, "`until`", "trial", reporter)?;
        happening::read(text, words, reporter)
    });
    let expect = keys.need("expect", "expect: {outcomes: [paid]}", reporter);
    let expect = expect.map(|node| expect::read(node, words, reporter)).unwrap_or_default();
    let name = name?.clone();
    let place = words.place(name.span);
    let title = name.text.trim().to_owned();
    Some((name, Scenario { name: title, place, set, seed, draws, armed, held, acts, run_us, until, expect }))
}

/// Inputs that something touches before the session begins.
fn held(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<LineId> {
    let items = fields::list(node, "`held`", "[lever]", reporter).unwrap_or_default();
    let line = |item: &Node| {
        let name = fields::text(item, "a line", "lever", reporter)?;
        let found = words.line(&name.text, name.span, ("an input", "inputs"), words::is_touched, reporter);
        found.map(|(line, _)| line)
    };
    items.iter().filter_map(line).collect()
}

/// Parameters, their values left as they are: the compiler reads them.
fn set(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<(String, String)> {
    let entries = fields::map(node, "`set`", "{p_reward: 1}", reporter).unwrap_or_default();
    let mut found = Vec::new();
    for entry in entries {
        let symbols = words.symbols;
        // What is known of the subject is set as parameters are, and so is the stage.
        let known = || {
            let parameters = symbols.variables.iter().filter(|v| v.parameter.is_some()).map(|v| v.name.as_str());
            let stage = (!symbols.stages.is_empty()).then_some("stage");
            let asked = symbols.metadata.iter().filter(|one| !one.fixed).map(|one| one.name.as_str());
            parameters.chain(stage).chain(symbols.assigned.iter().map(|one| one.name.as_str())).chain(asked)
        };
        if !known().any(|name| name == entry.key.text) {
            reporter
                .error(
                    "E401-unknown-parameter",
                    entry.key.span,
                    format!("this protocol has no parameter `{}`", entry.key.text),
                )
                .near(&entry.key.text, known(), |known| {
                    Some(match known.is_empty() {
                        true => "it has none at all".to_owned(),
                        false => format!("its parameters are {}", crate::diagnostic::listed(known.iter().copied())),
                    })
                });
            continue;
        }
        if let Some(value) = fields::text(&entry.value, "the value of a parameter", "500 ms", reporter) {
            found.push((entry.key.text.clone(), value.text.clone()));
        }
    }
    found
}

fn seed(node: &Node, reporter: &mut Reporter) -> Option<u64> {
    let text = fields::text(node, "the seed", "7", reporter)?;
    let seed = text.text.trim().parse().ok();
    if seed.is_none() {
        reporter
            .error("E402-bad-seed", text.span, format!("`{}` is no seed", text.text))
            .help(format!("write a whole number from 0 to {}", u64::MAX));
    }
    seed
}

fn draws(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<Forced> {
    let entries = fields::map(node, "`draws`", "{paid: [true, false]}", reporter).unwrap_or_default();
    let mut found = Vec::new();
    for entry in entries {
        let Some((variable, symbol)) = words.variable(&entry.key, reporter) else { continue };
        if !words.symbols.draws.iter().any(|draw| draw.variable == variable.0) {
            let drawn = words.symbols.draws.iter().filter_map(|draw| {
                words.symbols.variables.get(usize::from(draw.variable)).map(|variable| variable.name.as_str())
            });
            let drawn: Vec<&str> = drawn.collect();
            reporter.error("E403-not-drawn", entry.key.span, format!("`{}` is never drawn", entry.key.text)).near(
                &entry.key.text,
                drawn.iter().copied(),
                |known| Some(format!("draws are of {}", crate::diagnostic::listed(known.iter().copied()))),
            );
            continue;
        }
        let items = fields::list(&entry.value, "what is to be drawn", "[true, false]", reporter).unwrap_or_default();
        let values = items.iter().filter_map(|item| value::of(item, symbol, reporter)).collect();
        found.push(Forced { variable, values, place: words.place(entry.key.span) });
    }
    found
}

/// A short place for a node.
fn place_of(node: &Node, words: &Words<'_>) -> Place {
    words.place(fields::short(node))
}

/// The unit of a variable's values, with its labels.
fn is_label(unit: Unit) -> bool {
    unit == Unit::Label
}

/// A key of these fields, with its place.
fn key_place(keys: &Fields<'_>, key: &str, words: &Words<'_>) -> Place {
    words.place(keys.key(key).unwrap_or_default())
}
