//! States, transitions and handlers as written.

use super::{Region, Row, State, Trigger};
use crate::diagnostic::{Reporter, Span};
use crate::expression::parse::parse;
use crate::fields::{self, Fields};
use crate::protocol::actions;
use crate::yaml::{Entry, Node, Text, Value};

const STATE: &[&str] = &["about", "entry", "exit", "on", "transitions", "start", "states", "final"];
const EXAMPLE: &str = "{transitions: [{after: 1 s, to: ready}]}";

/// A region: the whole protocol is one, each under `regions` another.
pub(super) fn region(name: String, span: Span, keys: &Fields<'_>, reporter: &mut Reporter) -> Region {
    let (start, states) = nested(keys, reporter);
    let mut region =
        Region { name, span, entry: Vec::new(), start, states, handlers: Vec::new(), transitions: Vec::new() };
    let everywhere = keys.get("everywhere").and_then(|node| {
        fields::fields(
            node,
            "`everywhere`",
            &["entry", "on", "transitions"],
            "{transitions: [{event: stop, to: end}]}",
            reporter,
        )
    });
    if let Some(everywhere) = everywhere {
        let entry = everywhere.get("entry").map(|node| actions::list(node, "`entry`", reporter));
        region.entry = entry.unwrap_or_default();
        (region.handlers, region.transitions) = rows_of(&everywhere, reporter);
    }
    region
}

fn nested(keys: &Fields<'_>, reporter: &mut Reporter) -> (Option<Text>, Vec<State>) {
    let start = keys.get("start").and_then(|node| fields::text(node, "`start`", "ready", reporter)).cloned();
    let entries = keys.get("states").and_then(|node| fields::map(node, "`states`", "ready: {…}", reporter));
    let entries = entries.unwrap_or_default();
    if let (Some(span), true) = (keys.key("states"), entries.is_empty()) {
        reporter.error("E033-empty", span, "there are no states").help("write for instance `states: {ready: {…}}`");
    }
    (start, entries.iter().filter_map(|entry| state(entry, reporter)).collect())
}

fn state(entry: &Entry, reporter: &mut Reporter) -> Option<State> {
    let named = fields::check_name(&entry.key, "a state", reporter);
    let nothing = matches!(&entry.value.value, Value::Scalar(text) if text.text.is_empty() && !text.quoted);
    let mut state = State {
        name: entry.key.clone(),
        is_final: false,
        entry: Vec::new(),
        exit: Vec::new(),
        handlers: Vec::new(),
        transitions: Vec::new(),
        start: None,
        states: Vec::new(),
    };
    // `done:` alone is a state that does nothing.
    if !nothing && let Some(keys) = fields::fields(&entry.value, "a state", STATE, EXAMPLE, reporter) {
        state.entry = keys.get("entry").map(|node| actions::list(node, "`entry`", reporter)).unwrap_or_default();
        state.exit = keys.get("exit").map(|node| actions::list(node, "`exit`", reporter)).unwrap_or_default();
        (state.handlers, state.transitions) = rows_of(&keys, reporter);
        (state.start, state.states) = nested(&keys, reporter);
        if let Some(node) = keys.get("final") {
            let truths = [("true", true), ("false", false)];
            state.is_final = fields::choice(node, "`final`", &truths, reporter).unwrap_or(false);
        }
        if state.states.is_empty() && state.start.is_some() {
            let span = keys.key("start").unwrap_or(entry.key.span);
            reporter
                .error("E080-start-without-states", span, format!("`{}` holds no states to start in", entry.key.text))
                .help("leave `start` out, or add `states`");
        }
        if !state.states.is_empty() && state.start.is_none() {
            reporter
                .error(
                    "E030-missing-key",
                    entry.key.span,
                    format!("`{}` holds states and needs `start`", entry.key.text),
                )
                .help(format!(
                    "add for instance `start: {}`",
                    state.states.first().map_or("", |s| s.name.text.as_str())
                ));
        }
    }
    named.then_some(state)
}

fn rows_of(keys: &Fields<'_>, reporter: &mut Reporter) -> (Vec<Row>, Vec<Row>) {
    let handlers = keys
        .get("on")
        .and_then(|node| fields::list(node, "`on`", "[{event: spout.lick, do: [{set: {licked: true}}]}]", reporter));
    let transitions = keys
        .get("transitions")
        .and_then(|node| fields::list(node, "`transitions`", "[{event: lever.press, to: wait}]", reporter));
    let handlers = handlers.unwrap_or_default().iter().filter_map(|node| row(node, true, reporter)).collect();
    let transitions = transitions.unwrap_or_default().iter().filter_map(|node| row(node, false, reporter)).collect();
    (handlers, transitions)
}

fn row(node: &Node, handler: bool, reporter: &mut Reporter) -> Option<Row> {
    const TRANSITION: &[&str] = &["event", "after", "at", "when", "if", "outcome", "do", "to"];
    const HANDLER: &[&str] = &["event", "after", "at", "if", "outcome", "do"];
    let keys = if handler {
        let found = fields::fields(node, "a handler", HANDLER, "{event: spout.lick, do: [{event: licked}]}", reporter)?;
        if found.get("outcome").is_none() {
            found.need("do", "do: [{event: licked}]", reporter);
        }
        found
    } else {
        fields::fields(node, "a transition", TRANSITION, "{event: lever.press, to: wait}", reporter)?
    };
    let triggers = ["event", "after", "at", "when"];
    let given: Vec<&str> = triggers.into_iter().filter(|key| keys.get(key).is_some()).collect();
    let trigger = match given.as_slice() {
        [] if triggers.into_iter().any(|key| keys.is_meant(key)) => Trigger::Broken,
        [] => {
            let diagnostic = reporter.error(
                "E081-no-trigger",
                keys.short_span(),
                "this never happens: it waits for no event, no time and no condition",
            );
            if keys.get("if").is_some() {
                diagnostic
                    .help("an `if` alone is asked only along with `event` or `after`; to wait for it write `when`");
            } else {
                diagnostic.help("add `event: lever.press`, `after: 1 s` or `when: lever.down`");
            }
            Trigger::Broken
        }
        [_, second, ..] => {
            reporter
                .error("E082-two-triggers", keys.key(second).unwrap_or(node.span), "one transition waits for one thing")
                .help("write one transition for each; the first that matches wins");
            Trigger::Broken
        }
        [key] => {
            let value = keys.get(key)?;
            match fields::text(value, "what it waits for", "lever.press", reporter) {
                None => Trigger::Broken,
                Some(text) if *key == "event" => Trigger::Event(text.clone()),
                Some(text) if *key == "after" => Trigger::After(parse(text, reporter)),
                Some(text) if *key == "at" => Trigger::At(text.clone()),
                Some(text) => Trigger::When(parse(text, reporter)),
            }
        }
    };
    let guard = guard(&keys, reporter);
    let outcome = keys.get("outcome").and_then(|node| fields::text(node, "the outcome", "rewarded", reporter)).cloned();
    let actions = keys.get("do").map(|node| actions::list(node, "`do`", reporter)).unwrap_or_default();
    let to = if handler {
        None
    } else {
        let to = keys.need("to", "to: ready", reporter);
        Some(to.and_then(|node| fields::text(node, "the target", "ready", reporter))?.clone())
    };
    Some(Row { trigger, guard, outcome, actions, to, element: None })
}

/// What stands behind `if`. An empty one is an error: no one writes a guard to have none.
pub(super) fn guard(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<crate::expression::Expr> {
    let text = fields::text(keys.get("if")?, "the guard", "paid and trial.number > 10", reporter);
    text.map(|text| parse(text, reporter))
}
