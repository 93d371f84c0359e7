//! Stages of an experiment over days, as written: what each changes in the protocol, and what a subject must have done to
//! graduate from it.

use super::declarations::entries;
use super::{End, Protocol, ends};
use crate::diagnostic::{Reporter, Span, listed};
use crate::fields::{self, Fields};
use crate::symbols::Graduation;
use crate::yaml::{Node, Text, Value};

/// A stage.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: Text,
    pub(crate) about: String,
    /// What parameters are in it, unless the person at the rig sets them.
    pub(crate) parameters: Vec<(Text, Text)>,
    /// Outputs that are never to be on in it, besides those of the protocol.
    pub(crate) forbid: Vec<Text>,
    /// Where regions start in it: the region, the main one if none is named, and the state.
    pub(crate) starts: Vec<(Option<Text>, Text)>,
    /// What ends a session of it, instead of what ends one of the protocol.
    pub(crate) ends: Option<Vec<End>>,
    /// What ends one in the end, as written.
    pub(crate) ends_written: Vec<String>,
    /// Whether a subject has it at most once in its life.
    pub(crate) once: bool,
    /// What leads on to the next stage, each by itself, with its place.
    pub(crate) graduate: Vec<(Graduation, Span)>,
}

const KEYS: &[&str] = &["about", "parameters", "forbid", "start", "session", "once", "graduate"];

/// Reads `stages:` of a protocol that ends like this.
pub(super) fn read(top: &Fields<'_>, ends: &[End], reporter: &mut Reporter) -> Vec<Stage> {
    let mut found = Vec::new();
    for entry in entries(top, "stages", "`stages`", "training: {graduate: after 3 sessions}", reporter) {
        if !fields::check_name(&entry.key, "a stage", reporter) {
            continue;
        }
        let nothing = matches!(&entry.value.value, Value::Scalar(text) if text.text.is_empty() && !text.quoted);
        let mut stage = Stage {
            name: entry.key.clone(),
            about: String::new(),
            parameters: Vec::new(),
            forbid: Vec::new(),
            starts: Vec::new(),
            ends: None,
            ends_written: Vec::new(),
            once: false,
            graduate: Vec::new(),
        };
        if !nothing {
            let example = "{parameters: {delay: 1 s}, graduate: after 3 sessions}";
            let Some(keys) = fields::fields(&entry.value, "a stage", KEYS, example, reporter) else { continue };
            keys_of(&mut stage, &keys, reporter);
        }
        let of_stage = stage.ends.as_deref().unwrap_or(ends);
        stage.ends_written = of_stage.iter().map(|end| end.written.clone()).collect();
        found.push(stage);
    }
    if let (Some(key), true) = (top.key("stages"), found.is_empty()) {
        reporter.error("E033-empty", key, "there are no stages").help("write for instance `stages: {training: {…}}`");
    }
    found
}

fn keys_of(stage: &mut Stage, keys: &Fields<'_>, reporter: &mut Reporter) {
    let about = keys.get("about").and_then(|node| fields::text(node, "`about`", "what it is for", reporter));
    stage.about = about.map(|text| text.text.trim().to_owned()).unwrap_or_default();
    for entry in entries(keys, "parameters", "the parameters of a stage", "delay: 1 s", reporter) {
        if let Some(value) = fields::text(&entry.value, "the value", "1 s", reporter) {
            stage.parameters.push((entry.key.clone(), value.clone()));
        }
    }
    stage.forbid = super::declarations::names(keys, "forbid", "`forbid`", "[shock]", reporter).unwrap_or_default();
    stage.starts = keys.get("start").map(|node| starts(node, reporter)).unwrap_or_default();
    stage.ends = keys.get("session").map(|node| ends::of_session(node, reporter));
    let once = keys.get("once").and_then(|node| fields::choice(node, "`once`", ONCE, reporter));
    stage.once = once.is_some();
    if let Some(node) = keys.get("graduate") {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        for item in items {
            let example = "80 % correct of the last 50 trials, on 2 sessions in a row";
            let Some(text) = fields::text(item, "the rule of graduation", example, reporter) else { continue };
            stage.graduate.extend(graduation(text, reporter).map(|rule| (rule, text.span)));
        }
    }
}

/// How often: once in the life of a subject.
pub(super) const ONCE: &[(&str, ())] = &[("per subject", ())];

/// `start: baseline`, or `start: {main: baseline, light: dark}`.
fn starts(node: &Node, reporter: &mut Reporter) -> Vec<(Option<Text>, Text)> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .filter_map(|entry| {
                let state = fields::text(&entry.value, "the state", "ready", reporter)?;
                Some((Some(entry.key.clone()), state.clone()))
            })
            .collect(),
        _ => {
            let state = fields::text(node, "`start`", "ready", reporter);
            state.map(|state| (None, state.clone())).into_iter().collect()
        }
    }
}

/// The sentences there are.
const FORMS: &str = "`after 3 sessions`, `after 2 days`, `80 % correct of the last 50 trials`, `at least 100 rewarded trials` \
                     or `at least 100 trials`, the last three also with `, on 2 sessions in a row`";

/// Reads a rule of graduation.
fn graduation(text: &Text, reporter: &mut Reporter) -> Option<Graduation> {
    let spaced = text.text.replace('%', " % ").replace(',', " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (rule, row) = match words.as_slice() {
        [rule @ .., "on", sessions, "sessions", "in", "a", "row"] => (rule, sessions.parse().ok()),
        rule => (rule, Some(1)),
    };
    let count = |word: &str| word.parse::<u32>().ok().filter(|count| *count > 0);
    let sessions = row.filter(|row| *row > 0);
    let found = match (rule, sessions) {
        (["after", n, "session" | "sessions"], Some(1)) => count(n).map(|sessions| Graduation::Sessions { sessions }),
        (["after", n, "day" | "days"], Some(1)) => count(n).map(|days| Graduation::Days { days }),
        ([share, "%", outcome, "of", "the", "last", last, "trials"], Some(sessions)) => {
            let share = crate::quantity::Quantity::read(&format!("{share} %")).ok();
            let share = share.and_then(|share| share.in_base(crate::symbols::Unit::Number).ok());
            let share_ppm = share.and_then(|share| u32::try_from(share).ok()).filter(|ppm| *ppm <= 1_000_000);
            let (outcome, last) = ((*outcome).to_owned(), count(last));
            share_ppm.zip(last).map(|(share_ppm, last)| Graduation::Share { share_ppm, outcome, last, sessions })
        }
        (["at", "least", n, "trials"], Some(sessions)) => {
            count(n).map(|trials| Graduation::Trials { trials, outcome: None, sessions })
        }
        (["at", "least", n, outcome, "trials"], Some(sessions)) => {
            count(n).map(|trials| Graduation::Trials { trials, outcome: Some((*outcome).to_owned()), sessions })
        }
        _ => None,
    };
    if found.is_none() {
        reporter
            .error("E310-graduation", text.span, format!("`{}` is no rule of graduation", text.text))
            .help(format!("write {FORMS}"));
    }
    found
}

impl Protocol {
    /// Turns the protocol into that of one of its stages: its values for the defaults, its states for the starts, its ends
    /// for the ends, and what it forbids besides.
    pub(crate) fn enter(&mut self, n: usize, reporter: &mut Reporter) {
        if n >= self.stages.len() {
            return;
        }
        let Stage { parameters, forbid, starts, ends, .. } = {
            let stage = &mut self.stages[n];
            Stage {
                name: stage.name.clone(),
                about: String::new(),
                parameters: std::mem::take(&mut stage.parameters),
                forbid: std::mem::take(&mut stage.forbid),
                starts: std::mem::take(&mut stage.starts),
                ends: stage.ends.take(),
                ends_written: Vec::new(),
                once: stage.once,
                graduate: Vec::new(),
            }
        };
        for (parameter, value) in parameters {
            match self.parameters.iter_mut().find(|known| known.name.text == parameter.text) {
                Some(known) => {
                    known.default = value;
                    // The ground of the protocol's own value is not that of another.
                    (known.basis, known.source) = ("chosen", String::new());
                }
                None if self.declared.contains(&parameter.text) => {}
                None => {
                    let known = self.parameters.iter().map(|known| known.name.text.as_str());
                    reporter
                        .error("E311-stage", parameter.span, format!("there is no parameter `{}`", parameter.text))
                        .near(&parameter.text, known, |known| {
                            Some(format!("its parameters are {}", listed(known.iter().copied())))
                        });
                }
            }
        }
        for (region, state) in starts {
            let wanted = region.as_ref().map_or("main", |region| region.text.as_str());
            match self.regions.iter_mut().find(|known| known.name == wanted) {
                Some(known) => known.start = Some(state),
                None => {
                    let span = region.as_ref().map_or(state.span, |region| region.span);
                    let known = self.regions.iter().map(|region| region.name.as_str());
                    let diagnostic = reporter.error("E311-stage", span, format!("there is no region `{wanted}`"));
                    diagnostic
                        .near(wanted, known, |known| Some(format!("regions are {}", listed(known.iter().copied()))));
                }
            }
        }
        if let Some(ends) = ends {
            self.ends = ends;
        }
        self.forbid_in_stage = forbid;
        self.stage = Some(n);
    }
}
