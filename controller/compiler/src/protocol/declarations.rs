//! The declarations of a protocol as written: lines, parameters, variables, stimuli and what ends the session.

use super::{Counter, End, EndKind, Parameter, Variable};
use crate::diagnostic::Reporter;
use crate::expression::parse::parse;
use crate::fields::{self, Fields};
use crate::quantity::Quantity;
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Text, Value};

pub(super) fn entries<'n>(
    top: &Fields<'n>,
    key: &str,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> &'n [Entry] {
    top.get(key).and_then(|node| fields::map(node, what, example, reporter)).unwrap_or_default()
}

fn texts(items: &[Node], what: &'static str, example: &str, reporter: &mut Reporter) -> Vec<Text> {
    items.iter().filter_map(|item| fields::text(item, what, example, reporter).cloned()).collect()
}

pub(super) fn lines(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Node)> {
    entries(top, "lines", "`lines`", "lever: lever", reporter)
        .iter()
        .filter(|entry| fields::check_name(&entry.key, "a line", reporter))
        .map(|entry| (entry.key.clone(), entry.value.clone()))
        .collect()
}

/// A list of names.
pub(super) fn names(
    top: &Fields<'_>,
    key: &str,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> Option<Vec<Text>> {
    let items = fields::list(top.get(key)?, what, example, reporter)?;
    let mut found: Vec<Text> = Vec::new();
    for item in items {
        let Some(name) = fields::name(item, "something", "a_name", reporter) else { continue };
        if found.iter().any(|other| other.text == name.text) {
            reporter
                .error("E074-named-twice", name.span, format!("`{}` is named twice", name.text))
                .help("keep one of them");
            continue;
        }
        found.push(name.clone());
    }
    Some(found)
}

pub(super) fn parameters(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Parameter> {
    const KEYS: &[&str] = &["default", "range", "choices", "basis", "source", "about"];
    const BASES: &[(&str, &str)] = &[("published", "published"), ("typical", "typical"), ("chosen", "chosen")];
    let example = "delay: {default: 500 ms, range: [0 ms, 5 s], basis: typical}";
    let mut found = Vec::new();
    for entry in entries(top, "parameters", "`parameters`", example, reporter) {
        if !fields::check_name(&entry.key, "a parameter", reporter) {
            continue;
        }
        let Some(parameter) = fields::fields(&entry.value, "a parameter", KEYS, "{default: 500 ms}", reporter) else {
            continue;
        };
        let default = parameter.need("default", "default: 500 ms", reporter);
        let default = default.and_then(|node| fields::text(node, "the default", "500 ms", reporter));
        let range =
            parameter.get("range").and_then(|node| match fields::list(node, "a range", "[0 ms, 5 s]", reporter)? {
                [low, high] => {
                    let low = fields::text(low, "the low end of the range", "0 ms", reporter)?;
                    Some((low.clone(), fields::text(high, "the high end of the range", "5 s", reporter)?.clone()))
                }
                _ => {
                    reporter
                        .error(
                            "E031-wrong-shape",
                            fields::short(node),
                            "a range is two values, the low and the high end",
                        )
                        .help("write for instance `[0 ms, 5 s]`");
                    None
                }
            });
        let choices = parameter.get("choices").and_then(|node| {
            let items = fields::list(node, "`choices`", "[easy, hard]", reporter)?;
            Some(labels(items, reporter))
        });
        let basis = parameter.get("basis").and_then(|node| fields::choice(node, "the basis", BASES, reporter));
        let about = parameter.get("about").and_then(|node| fields::text(node, "`about`", "what it is", reporter));
        let mut source = String::new();
        if let Some(node) = parameter.get("source") {
            let text = fields::text(node, "the source", "doi:10.1000/182", reporter);
            source = text.map(|text| text.text.trim().to_owned()).unwrap_or_default();
        } else if let (Some("published"), Some(span)) = (basis, parameter.key("basis")) {
            reporter
                .error("E075-no-source", span, format!("`{}` is called published, but says not where", entry.key.text))
                .help("add `source: …`, or call it `typical` or `chosen`");
        }
        let Some(default) = default else { continue };
        found.push(Parameter {
            name: entry.key.clone(),
            default: default.clone(),
            range,
            choices,
            basis: basis.unwrap_or("chosen"),
            source,
            about: about.map(|text| text.text.trim().to_owned()).unwrap_or_default(),
        });
    }
    found
}

fn labels(items: &[Node], reporter: &mut Reporter) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    for item in items {
        let Some(label) = fields::text(item, "a label", "stim", reporter) else { continue };
        if !fields::check_name(label, "a label", reporter) {
            continue;
        }
        if found.iter().any(|other| other.text == label.text) {
            reporter
                .error("E074-named-twice", label.span, format!("the label `{}` is named twice", label.text))
                .help("keep one of them");
            continue;
        }
        found.push(label.clone());
    }
    found
}

pub(super) fn variables(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Variable> {
    const KEYS: &[&str] = &["initial", "labels", "about", "column"];
    let mut found = Vec::new();
    for entry in entries(top, "variables", "`variables`", "streak: 0", reporter) {
        if !fields::check_name(&entry.key, "a variable", reporter) {
            continue;
        }
        let mut variable =
            Variable { name: entry.key.clone(), initial: None, labels: None, labels_of: None, column: true };
        if let Value::Map(_) = entry.value.value {
            let Some(keys) = fields::fields(&entry.value, "a variable", KEYS, "{initial: 0}", reporter) else {
                continue;
            };
            let initial = keys.get("initial");
            variable.initial = initial.and_then(|node| fields::text(node, "the initial value", "0", reporter)).cloned();
            variable.labels_of = keys.get("labels").and_then(|node| match &node.value {
                Value::Scalar(text) if fields::is_name(&text.text) => Some(text.clone()),
                _ => None,
            });
            let labels_node = keys.get("labels").filter(|_| variable.labels_of.is_none());
            variable.labels = labels_node.and_then(|node| {
                let items = fields::list(node, "`labels`", "[none, stim, sham]", reporter)?;
                Some(labels(items, reporter))
            });
            if let Some(node) = keys.get("column") {
                let truths = [("true", true), ("false", false)];
                variable.column = fields::choice(node, "`column`", &truths, reporter).unwrap_or(true);
            }
            if initial.is_none() && variable.labels.is_none() && variable.labels_of.is_none() {
                reporter
                    .error("E030-missing-key", entry.key.span, format!("`{}` begins with no value", entry.key.text))
                    .help("add `initial: 0` with the unit it is measured in, or `labels: […]`");
                continue;
            }
        } else {
            let value = fields::text(&entry.value, "the initial value", "0", reporter);
            let Some(value) = value else { continue };
            variable.initial = Some(value.clone());
        }
        found.push(variable);
    }
    found
}

pub(super) fn lists(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Vec<Text>)> {
    let mut found = Vec::new();
    for entry in entries(top, "lists", "`lists`", "sizes: [5 µl, 10 µl]", reporter) {
        if !fields::check_name(&entry.key, "a list", reporter) {
            continue;
        }
        let Some(items) = fields::list(&entry.value, "a list", "[5 µl, 10 µl]", reporter) else { continue };
        if items.is_empty() {
            reporter
                .error("E033-empty", entry.key.span, format!("the list `{}` is empty", entry.key.text))
                .help("write for instance `[5 µl, 10 µl]`");
            continue;
        }
        found.push((entry.key.clone(), texts(items, "a value of the list", "5 µl", reporter)));
    }
    found
}

pub(super) fn counters(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Counter> {
    let example = "licks: {count: spout.lick, reset: trial}";
    let mut found = Vec::new();
    for entry in entries(top, "counters", "`counters`", example, reporter) {
        if !fields::check_name(&entry.key, "a counter", reporter) {
            continue;
        }
        let keys =
            fields::fields(&entry.value, "a counter", &["count", "reset", "about"], "{count: spout.lick}", reporter);
        let Some(keys) = keys else { continue };
        let event = keys.need("count", "count: spout.lick", reporter);
        let event = event.and_then(|node| fields::text(node, "what is counted", "spout.lick", reporter));
        let resets = [("trial", true), ("session", false)];
        let reset = keys.get("reset").and_then(|node| fields::choice(node, "`reset`", &resets, reporter));
        let Some(event) = event else { continue };
        found.push(Counter { name: entry.key.clone(), event: event.clone(), per_trial: reset.unwrap_or(true) });
    }
    found
}

pub(super) fn ends(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<End> {
    let example = "{ends: [{after: 60 min}, {trials: 300}]}";
    let Some(session) =
        top.get("session").and_then(|node| fields::fields(node, "`session`", &["ends"], example, reporter))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let ends = session.need("ends", "ends: [{after: 60 min}]", reporter);
    for item in ends.and_then(|node| fields::list(node, "`ends`", "[{after: 60 min}]", reporter)).unwrap_or_default() {
        let keys = &["after", "trials", "if"];
        let Some(end) = fields::fields(item, "an end of the session", keys, "{after: 60 min}", reporter) else {
            continue;
        };
        let kinds = [("after", EndKind::After), ("trials", EndKind::Trials), ("if", EndKind::If)];
        let mut given = kinds.iter().filter_map(|(key, kind)| end.get(key).map(|node| (*key, *kind, node)));
        match (given.next(), given.next()) {
            (Some((key, kind, node)), None) => {
                let Some(text) = fields::text(node, "this end of the session", "60 min", reporter) else { continue };
                let expr = parse(text, reporter);
                found.push(End { kind, expr, written: format!("{key}: {}", text.text) });
            }
            _ => {
                reporter
                    .error("E031-wrong-shape", fields::short(item), "an end of the session is one condition")
                    .help("write `{after: 60 min}`, `{trials: 300}` or `{if: …}`, each on its own");
            }
        }
    }
    found
}

pub(super) fn picture(top: &Fields<'_>, reporter: &mut Reporter) -> (Option<Text>, Vec<Text>) {
    let example = "{align: outcome, group: treatment, show: [spout]}";
    let Some(picture) = top
        .get("picture")
        .and_then(|node| fields::fields(node, "`picture`", &["align", "group", "show"], example, reporter))
    else {
        return (None, Vec::new());
    };
    if let Some(node) = picture.get("align") {
        fields::choice(node, "what the picture is aligned to", &[("outcome", ())], reporter);
    }
    let group = picture.get("group").and_then(|node| fields::text(node, "`group`", "treatment", reporter));
    let show = picture.get("show").and_then(|node| fields::list(node, "`show`", "[spout]", reporter));
    (group.cloned(), texts(show.unwrap_or_default(), "a line to show", "spout", reporter))
}

pub(super) fn sentences(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Text> {
    let example = "- at most 1 deliver on water per trial";
    let items = top.get("invariants").and_then(|node| fields::list(node, "`invariants`", example, reporter));
    texts(items.unwrap_or_default(), "an invariant", example, reporter)
}

/// A constant in its own unit, for lists and variables.
pub(crate) fn constant(text: &Text, reporter: &mut Reporter) -> Option<(Quantity, Unit)> {
    let quantity = Quantity::read(&text.text);
    match quantity {
        Ok(quantity) => match quantity.natural() {
            Some(unit) => Some((quantity, unit)),
            None => {
                let word = quantity.unit.map_or("", |unit| unit.word);
                reporter
                    .error("E025-wrong-unit", text.span, format!("no value of a protocol is measured in {word} yet"))
                    .help("levels of lights and lasers are set on the rig");
                None
            }
        },
        Err(error) => {
            fields::bad_quantity(&error, "", text.span, reporter);
            None
        }
    }
}
