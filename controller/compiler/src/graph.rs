//! The states of a protocol as a person drew them: nested states, transitions with what they wait for, handlers, regions. Reads
//! the protocol's own structure from its text; what the compiler makes of it is not here. Knows nothing of pictures.

use serde::Serialize;

use crate::diagnostic::{Diagnostics, Reporter};
use crate::fragments::{self, Files, Gathered};
use crate::yaml::{self, Entry, Node, Value};
use crate::{Source, protocol};

/// A protocol's states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The protocol's name.
    pub protocol: String,
    /// Its regions; the first is the main one.
    pub regions: Vec<Region>,
}

/// States of which one is active at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Its name; `main` for the main one.
    pub name: String,
    /// The state it starts in, by its path.
    pub start: Option<String>,
    /// What acts in every state of it and stays.
    pub handlers: Vec<Row>,
    /// What leads on from every state of it.
    pub transitions: Vec<Row>,
    /// Its states.
    pub states: Vec<State>,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// Its own name.
    pub name: String,
    /// Its name with those of the states that hold it, `outer.inner`.
    pub path: String,
    /// What the protocol says it is about.
    pub about: String,
    /// Whether it is meant never to be left.
    pub is_final: bool,
    /// What is done on the way in.
    pub entry: Vec<String>,
    /// What is done on the way out.
    pub exit: Vec<String>,
    /// What acts in it and stays.
    pub handlers: Vec<Row>,
    /// What leads on from it.
    pub transitions: Vec<Row>,
    /// The state inside that is entered with it, by its path.
    pub start: Option<String>,
    /// The states inside.
    pub states: Vec<State>,
}

/// A transition or a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it waits for: `lever.press`, `after 500 ms`, `when lever.down`.
    pub waits: String,
    /// What is asked then.
    pub guard: Option<String>,
    /// The outcome it gives the trial.
    pub outcome: Option<String>,
    /// What it does.
    pub actions: Vec<String>,
    /// Where it leads.
    pub to: Option<Target>,
}

/// Where a transition leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// To a state, by its path.
    State(String),
    /// To where the region came from.
    Back,
}

/// Reads a protocol's states.
///
/// # Errors
/// What is wrong with its shape, and targets that are not there. What needs a rig to be told is not looked at.
pub fn graph(source: &Source) -> Result<Graph, Diagnostics> {
    let mut reporter = Reporter::new(source);
    let root = yaml::read(source, &mut reporter);
    let gathered = root.and_then(|root| fragments::gather(root, &Files::beside(source), &mut reporter));
    let Some(Gathered { root, .. }) = gathered else { return Err(reporter.finish()) };
    let read = protocol::read(&root, &mut reporter);
    let Some(entries) = map(Some(&root)) else { return Err(reporter.finish()) };
    if read.is_none() || reporter.has_errors() {
        return Err(reporter.finish());
    }
    let mut regions = vec![region("main", entries, &mut reporter)];
    for entry in map(get(entries, "regions")).unwrap_or_default() {
        if let Some(inside) = map(Some(&entry.value)) {
            regions.push(region(&entry.key.text, inside, &mut reporter));
        }
    }
    if reporter.has_errors() {
        return Err(reporter.finish());
    }
    Ok(Graph { protocol: scalar(get(entries, "protocol")).unwrap_or_default(), regions })
}

fn get<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
}

fn map(node: Option<&Node>) -> Option<&[Entry]> {
    match &node?.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// A plain value on one line.
fn scalar(node: Option<&Node>) -> Option<String> {
    match &node?.value {
        Value::Scalar(text) => Some(text.text.split_whitespace().collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

/// Every path of a region, to look targets up in.
struct Paths(Vec<String>);

impl Paths {
    fn of(entries: &[Entry]) -> Self {
        fn gather(states: Option<&Node>, prefix: &str, found: &mut Vec<String>) {
            for entry in map(states).unwrap_or_default() {
                let path = format!("{prefix}{}", entry.key.text);
                let inner = map(Some(&entry.value)).and_then(|keys| get(keys, "states"));
                found.push(path.clone());
                gather(inner, &format!("{path}."), found);
            }
        }
        let mut found = Vec::new();
        gather(get(entries, "states"), "", &mut found);
        Self(found)
    }

    /// The state a name means: among those held by the state it is used in, then of each that holds it.
    fn resolve(&self, word: &str, mut holder: &str) -> Option<String> {
        loop {
            let path = if holder.is_empty() { word.to_owned() } else { format!("{holder}.{word}") };
            if self.0.contains(&path) {
                return Some(path);
            }
            if holder.is_empty() {
                return None;
            }
            holder = holder.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

fn region(name: &str, entries: &[Entry], reporter: &mut Reporter) -> Region {
    let paths = Paths::of(entries);
    let everywhere = map(get(entries, "everywhere")).unwrap_or_default();
    Region {
        name: name.to_owned(),
        start: scalar(get(entries, "start")).and_then(|start| paths.resolve(&start, "")),
        handlers: rows(get(everywhere, "on"), "", &paths, reporter),
        transitions: rows(get(everywhere, "transitions"), "", &paths, reporter),
        states: states(entries, "", &paths, reporter),
    }
}

fn states(entries: &[Entry], prefix: &str, paths: &Paths, reporter: &mut Reporter) -> Vec<State> {
    let found = map(get(entries, "states")).unwrap_or_default().iter();
    found
        .map(|entry| {
            let keys = map(Some(&entry.value)).unwrap_or_default();
            let path = format!("{prefix}{}", entry.key.text);
            State {
                name: entry.key.text.clone(),
                about: scalar(get(keys, "about")).unwrap_or_default(),
                is_final: scalar(get(keys, "final")).is_some_and(|word| word == "true"),
                entry: list(get(keys, "entry")).iter().map(action).collect(),
                exit: list(get(keys, "exit")).iter().map(action).collect(),
                handlers: rows(get(keys, "on"), &path, paths, reporter),
                transitions: rows(get(keys, "transitions"), &path, paths, reporter),
                start: scalar(get(keys, "start")).and_then(|start| paths.resolve(&start, &path)),
                states: states(keys, &format!("{path}."), paths, reporter),
                path,
            }
        })
        .collect()
}

fn rows(node: Option<&Node>, holder: &str, paths: &Paths, reporter: &mut Reporter) -> Vec<Row> {
    list(node).iter().filter_map(|item| row(map(Some(item))?, holder, paths, reporter)).collect()
}

fn row(keys: &[Entry], holder: &str, paths: &Paths, reporter: &mut Reporter) -> Option<Row> {
    const ASIDE: &[&str] = &["if", "outcome", "do", "to", "about"];
    let waits = keys.iter().filter(|entry| !ASIDE.contains(&entry.key.text.as_str()));
    let waits: Vec<String> = waits
        .map(|entry| {
            let value = scalar(Some(&entry.value)).unwrap_or_else(|| value(&entry.value));
            if entry.key.text == "event" { value } else { format!("{} {value}", entry.key.text) }
        })
        .collect();
    let to = match get(keys, "to").map(|node| &node.value) {
        Some(Value::Scalar(to)) if to.text == "back" => Some(Target::Back),
        Some(Value::Scalar(to)) => match paths.resolve(&to.text, holder) {
            Some(path) => Some(Target::State(path)),
            None => {
                let known = paths.0.iter().map(|path| path.rsplit('.').next().unwrap_or(path));
                reporter.error("E073-unknown-state", to.span, format!("there is no state `{}`", to.text)).near(
                    &to.text,
                    known,
                    |_| Some("`nosepoke check` says more".to_owned()),
                );
                return None;
            }
        },
        _ => None,
    };
    Some(Row {
        waits: waits.join(", "),
        guard: scalar(get(keys, "if")),
        outcome: scalar(get(keys, "outcome")),
        actions: list(get(keys, "do")).iter().map(action).collect(),
        to,
    })
}

/// An action in a few words: its verb, what it is done to, and how.
fn action(node: &Node) -> String {
    let Some(keys) = map(Some(node)) else { return scalar(Some(node)).unwrap_or_default() };
    let mut words: Vec<String> = Vec::new();
    let mut guard = scalar(get(keys, "if"));
    for entry in keys.iter().filter(|entry| entry.key.text != "if") {
        let verb = entry.key.text.as_str();
        let inside = map(Some(&entry.value)).unwrap_or_default();
        let said = match (verb, &entry.value.value) {
            (_, Value::Scalar(_)) => format!("{verb} {}", scalar(Some(&entry.value)).unwrap_or_default()),
            ("set" | "draw", Value::Map(_)) => {
                let sign = if verb == "set" { " =" } else { ":" };
                let each: Vec<String> =
                    inside.iter().map(|one| format!("{}{sign} {}", one.key.text, value(&one.value))).collect();
                format!("{verb} {}", each.join(", "))
            }
            (_, Value::Map(_)) => {
                guard = guard.or_else(|| scalar(get(inside, "if")));
                let plain = ["line", "volume", "stimulus", "width", "start", "stop", "pause", "resume", "name"];
                let rest = inside.iter().filter(|one| one.key.text != "if").map(|one| {
                    let key = one.key.text.as_str();
                    let shown = value(&one.value);
                    match key {
                        "start" if verb == "timer" => format!("start {shown}"),
                        "stop" | "pause" | "resume" => format!("{key} {shown}"),
                        "power" => format!("at {shown}"),
                        _ if plain.contains(&key) => shown,
                        _ => format!("{key} {shown}"),
                    }
                });
                format!("{verb} {}", rest.collect::<Vec<_>>().join(" "))
            }
            _ => format!("{verb} {}", value(&entry.value)),
        };
        words.push(said);
    }
    match guard {
        Some(guard) => format!("{} if {guard}", words.join(", ")),
        None => words.join(", "),
    }
}

/// A value in one line, however it is nested.
fn value(node: &Node) -> String {
    match &node.value {
        Value::Scalar(_) => scalar(Some(node)).unwrap_or_default(),
        Value::List(items) => items.iter().map(value).collect::<Vec<_>>().join(" to "),
        Value::Map(entries) => {
            let each: Vec<String> =
                entries.iter().map(|one| format!("{} {}", one.key.text, value(&one.value))).collect();
            each.join(", ")
        }
        Value::Broken => String::new(),
    }
}
