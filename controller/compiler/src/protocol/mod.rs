//! A protocol as written, its shape checked and its meaning not yet: what each key must look like. Turns nodes into the
//! structures below; every name is still a word with its place.

mod actions;
pub(crate) mod arrays;
pub(crate) mod blocks;
pub(crate) mod declarations;
pub(crate) mod detectors;
pub(crate) mod history;
pub(crate) mod shapes;
pub(crate) mod stable;
pub(crate) mod staircases;
mod states;
mod stimuli;
pub(crate) mod tables;
pub(crate) mod timers;
pub(crate) mod trial_types;

use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::yaml::{Node, Text, Value};

/// A protocol.
#[derive(Debug)]
pub(crate) struct Protocol {
    pub(crate) name: Text,
    pub(crate) about: String,
    /// What is taken from where.
    pub(crate) sources: Vec<(String, String)>,
    pub(crate) lines: Vec<(Text, Node)>,
    /// Arrays whose elements are among the lines.
    pub(crate) arrays: Vec<arrays::Array>,
    /// Outputs that are never to be on: lines of the rig, or kinds.
    pub(crate) forbid: Vec<Text>,
    pub(crate) detectors: Vec<detectors::Detector>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) lists: Vec<(Text, Vec<Text>)>,
    pub(crate) tables: Vec<tables::Table>,
    pub(crate) trial_types: Option<trial_types::TrialTypes>,
    pub(crate) blocks: Option<blocks::Blocks>,
    pub(crate) history: Vec<history::History>,
    pub(crate) staircases: Vec<staircases::Staircase>,
    pub(crate) timers: Vec<Text>,
    /// Those that are told once what they are.
    pub(crate) timers_told: Vec<timers::Timer>,
    /// Inputs that must have been steady for a while.
    pub(crate) stable: Vec<stable::Stable>,
    pub(crate) counters: Vec<Counter>,
    pub(crate) stimuli: Vec<(Text, Stimulus)>,
    pub(crate) outcomes: Option<Vec<Text>>,
    pub(crate) ends: Vec<End>,
    pub(crate) picture_group: Option<Text>,
    pub(crate) picture_show: Vec<Text>,
    pub(crate) regions: Vec<Region>,
    pub(crate) invariants: Vec<Text>,
    /// Warnings that are not to be told.
    pub(crate) allow: Vec<crate::allow::Allowed>,
    /// Every name that is declared, well or badly.
    pub(crate) declared: Vec<String>,
}

/// A parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Text,
    pub(crate) default: Text,
    pub(crate) range: Option<(Text, Text)>,
    pub(crate) choices: Option<Vec<Text>>,
    pub(crate) basis: &'static str,
    /// Where a published value stands; empty for any other.
    pub(crate) source: String,
    pub(crate) about: String,
}

/// A variable.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: Text,
    pub(crate) initial: Option<Text>,
    pub(crate) labels: Option<Vec<Text>>,
    /// The table whose rows its labels are.
    pub(crate) labels_of: Option<Text>,
    pub(crate) column: bool,
}

/// A counter of events.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) name: Text,
    pub(crate) event: Text,
    pub(crate) per_trial: bool,
}

/// A stimulus.
#[derive(Debug)]
pub(crate) struct Stimulus {
    pub(crate) train: link::record::Train,
    /// The pulses of a list.
    pub(crate) course: Option<Course>,
    /// The power of its pulses, where an action that plays it states none.
    pub(crate) power: Option<Expr>,
    /// That of its last pulse, if it changes from pulse to pulse.
    pub(crate) power_to: Option<Expr>,
}

/// The pulses of a list.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) pulses: Vec<link::pulses::ListPulse>,
    pub(crate) span: Span,
}

impl Stimulus {
    /// As many pulses as it takes until something else is asked of the line.
    pub(crate) const ENDLESS: u32 = u32::MAX;

    fn of(train: link::record::Train) -> Self {
        Self { train, course: None, power: None, power_to: None }
    }

    /// Whether it goes on until it is told otherwise.
    pub(crate) fn is_endless(&self) -> bool {
        self.train.count == Self::ENDLESS
    }
}

/// A condition that ends the session.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: EndKind,
    pub(crate) expr: Expr,
    pub(crate) written: String,
}

/// How a condition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndKind {
    After,
    Trials,
    If,
}

/// A region.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// What is done as the session begins.
    pub(crate) entry: Vec<Action>,
    pub(crate) start: Option<Text>,
    pub(crate) states: Vec<State>,
    pub(crate) handlers: Vec<Row>,
    pub(crate) transitions: Vec<Row>,
}

/// A state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Text,
    pub(crate) is_final: bool,
    pub(crate) entry: Vec<Action>,
    pub(crate) exit: Vec<Action>,
    pub(crate) handlers: Vec<Row>,
    pub(crate) transitions: Vec<Row>,
    pub(crate) start: Option<Text>,
    pub(crate) states: Vec<State>,
}

/// A transition, or a handler if it leads nowhere.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) trigger: Trigger,
    pub(crate) guard: Option<Expr>,
    pub(crate) outcome: Option<Text>,
    pub(crate) actions: Vec<Action>,
    pub(crate) to: Option<Text>,
    /// The array and the element of it that this row is about, if it is one of several that one row stands for.
    pub(crate) element: Option<(usize, usize)>,
}

/// What a row waits for.
#[derive(Debug, Clone)]
pub(crate) enum Trigger {
    Event(Text),
    After(Expr),
    /// A time told from a point: `cs.end - 1 s`.
    At(Text),
    /// The end of a timer of the compiler's own.
    Timer(Text),
    When(Expr),
    /// Something already reported.
    Broken,
}

/// An action.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) span: Span,
    pub(crate) guard: Option<Expr>,
    pub(crate) kind: ActionKind,
}

/// What an action does.
#[derive(Debug, Clone)]
pub(crate) enum ActionKind {
    Trial,
    /// The trial under way does not count.
    Void,
    /// The next trial has the type of this one.
    Repeat,
    Set {
        variable: Text,
        value: Expr,
    },
    Draw(Box<Draw>),
    Play {
        line: Text,
        stimulus: Text,
    },
    Pulse {
        line: Text,
        stimulus: Text,
        power: Option<Expr>,
    },
    PulseWidth {
        line: Text,
        width: Expr,
        power: Option<Expr>,
    },
    Deliver {
        line: Text,
        volume: Expr,
    },
    /// `until` is an event or a time told from a point; `held_if` says at the exit of the state whether it was this line that was switched on for it.
    On {
        line: Text,
        outlives: bool,
        until: Option<Text>,
        power: Option<Expr>,
        held_if: Option<Expr>,
    },
    Off {
        line: Text,
    },
    /// On, otherwise than as a plain level.
    Shape(Box<shapes::Shape>),
    /// Off if it is on, and on if it is off.
    Toggle(Box<shapes::Shape>),
    /// Something is kept in a variable of the compiler's own, without a record.
    Keep {
        variable: String,
        value: Expr,
    },
    Event(Text),
    Outcome(Text),
    /// A counter counts one more.
    Count(Text),
    /// A counter begins anew.
    Reset(Text),
    /// A timer of the compiler's own runs until a time that a point tells, which may be now.
    Due {
        timer: Text,
        time: Expr,
    },
    TimerStart {
        timer: Text,
        time: Option<Expr>,
        repeat: Option<Text>,
    },
    Timer {
        timer: Text,
        verb: TimerVerb,
    },
}

/// What is done to a timer that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimerVerb {
    Stop,
    Pause,
    Resume,
    /// Starts anew what runs or stands still.
    Reset,
}

/// A draw.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    pub(crate) variable: Text,
    pub(crate) kind: DrawKind,
    pub(crate) kind_span: Span,
    pub(crate) max_run: Option<Text>,
    pub(crate) spend_on: Option<Text>,
    /// Whether it belongs to something declared rather than to an action.
    pub(crate) made: bool,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) enum DrawKind {
    Chance(Expr),
    Uniform(Expr, Expr),
    Integer(Expr, Expr),
    Exponential {
        mean: Expr,
        min: Expr,
        max: Expr,
    },
    Normal {
        mean: Expr,
        sd: Expr,
        min: Expr,
        max: Expr,
    },
    Weighted(Vec<(Text, Expr)>),
    Deck(Vec<(Text, Expr)>),
    /// A list in random order: those of a list, or the rows of a table.
    Shuffle(Text),
    /// One of a list, or a row of a table, without putting back.
    Sample(Text),
}

const TOP: &[&str] = &[
    "protocol",
    "about",
    "sources",
    "lines",
    "forbid",
    "detectors",
    "parameters",
    "variables",
    "lists",
    "tables",
    "trial_types",
    "blocks",
    "history",
    "staircases",
    "timers",
    "counters",
    "stimuli",
    "outcomes",
    "session",
    "picture",
    "start",
    "states",
    "everywhere",
    "regions",
    "invariants",
    "allow",
];

/// Reads the root node as a protocol.
pub(crate) fn read(root: &Node, reporter: &mut Reporter) -> Option<Protocol> {
    let entries = fields::map(root, "a protocol", "protocol: my-task", reporter)?;
    if let (Some(rig), None) = (fields::key_of(entries, "rig"), fields::key_of(entries, "protocol")) {
        reporter
            .error("E174-wrong-file", rig, "this is a rig-config, and a protocol is wanted here")
            .help("name the protocol here, and this file behind --rig");
        return None;
    }
    let top = fields::fields(root, "a protocol", TOP, "protocol: my-task", reporter)?;
    let name = top.need("protocol", "protocol: my-task", reporter);
    let name = name.and_then(|node| fields::text(node, "the protocol's name", "my-task", reporter));
    let about = top.get("about").and_then(|node| fields::text(node, "`about`", "what it asks", reporter));
    let mut sources = Vec::new();
    if let Some(node) = top.get("sources") {
        for entry in fields::map(node, "`sources`", "task idea: doi:10.1000/182", reporter).unwrap_or_default() {
            if let Some(source) = fields::text(&entry.value, "a source", "doi:10.1000/182", reporter) {
                sources.push((entry.key.text.clone(), source.text.clone()));
            }
        }
    }
    let (lines, arrays) = arrays::split(declarations::lines(&top, reporter), reporter);
    let (timers, timers_told) = timers::read(&top, reporter);
    let (picture_group, picture_show) = declarations::picture(&top, reporter);
    let sections = [
        "lines",
        "detectors",
        "parameters",
        "variables",
        "lists",
        "tables",
        "history",
        "staircases",
        "counters",
        "stimuli",
    ];
    let sections = sections.iter().filter_map(|key| top.get(key)).filter_map(|node| match &node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    });
    let alone = [("trial_types", trial_types::NAME), ("blocks", blocks::NAME)];
    let alone = alone.into_iter().filter(|(key, _)| top.get(key).is_some()).map(|(_, name)| name.to_owned());
    Some(Protocol {
        declared: sections.flatten().map(|entry| entry.key.text.clone()).chain(alone).collect(),
        lines,
        arrays,
        forbid: declarations::names(&top, "forbid", "`forbid`", "[shock]", reporter).unwrap_or_default(),
        detectors: detectors::read(&top, reporter),
        parameters: declarations::parameters(&top, reporter),
        variables: declarations::variables(&top, reporter),
        lists: declarations::lists(&top, reporter),
        tables: tables::read(&top, reporter),
        trial_types: trial_types::read(&top, reporter),
        blocks: blocks::read(&top, reporter),
        history: history::read(&top, reporter),
        staircases: staircases::read(&top, reporter),
        timers,
        timers_told,
        stable: stable::read(&top, reporter),
        counters: declarations::counters(&top, reporter),
        stimuli: stimuli::stimuli(&top, reporter),
        outcomes: declarations::names(&top, "outcomes", "`outcomes`", "[rewarded, omitted]", reporter),
        ends: declarations::ends(&top, reporter),
        picture_group,
        picture_show,
        regions: regions(&top, reporter),
        invariants: declarations::sentences(&top, reporter),
        allow: crate::allow::read(&top, root, reporter),
        about: about.map(|text| text.text.trim().to_owned()).unwrap_or_default(),
        sources,
        name: name.cloned().unwrap_or_else(|| Text::plain("", root.span)),
    })
}

fn regions(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Region> {
    top.need("start", "start: ready", reporter);
    top.need("states", "states: {ready: {…}}", reporter);
    let mut found = vec![states::region("main".to_owned(), top.short_span(), top, reporter)];
    if let Some(node) = top.get("regions") {
        const KEYS: &[&str] = &["about", "start", "states", "everywhere"];
        let example = "light: {start: dark, states: {dark: {…}}}";
        for entry in fields::map(node, "`regions`", example, reporter).unwrap_or_default() {
            fields::check_name(&entry.key, "a region", reporter);
            let example = "{start: dark, states: {dark: {…}}}";
            let Some(region) = fields::fields(&entry.value, "a region", KEYS, example, reporter) else { continue };
            region.need("start", "start: dark", reporter);
            region.need("states", "states: {dark: {…}}", reporter);
            found.push(states::region(entry.key.text.clone(), entry.key.span, &region, reporter));
        }
    }
    found
}

impl Protocol {
    /// Every action, in the order written.
    pub(crate) fn actions(&self) -> Vec<&Action> {
        let mut found = Vec::new();
        for region in &self.regions {
            found.extend(&region.entry);
            rows(&region.handlers, &mut found);
            rows(&region.transitions, &mut found);
            for state in &region.states {
                state.actions(&mut found);
            }
        }
        found
    }

    /// Every row, in the order written.
    pub(crate) fn rows(&self) -> Vec<&Row> {
        let mut found = Vec::new();
        for region in &self.regions {
            found.extend(region.handlers.iter().chain(&region.transitions));
            for state in &region.states {
                state.rows(&mut found);
            }
        }
        found
    }
}

fn rows<'p>(rows: &'p [Row], found: &mut Vec<&'p Action>) {
    found.extend(rows.iter().flat_map(|row| &row.actions));
}

impl State {
    fn actions<'p>(&'p self, found: &mut Vec<&'p Action>) {
        found.extend(&self.entry);
        found.extend(&self.exit);
        rows(&self.handlers, found);
        rows(&self.transitions, found);
        for state in &self.states {
            state.actions(found);
        }
    }

    fn rows<'p>(&'p self, found: &mut Vec<&'p Row>) {
        found.extend(self.handlers.iter().chain(&self.transitions));
        for state in &self.states {
            state.rows(found);
        }
    }
}
