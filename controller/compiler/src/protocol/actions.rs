//! Actions and draws as written.

use super::{Action, ActionKind, Draw, DrawKind, TimerVerb, shapes};
use crate::diagnostic::{Reporter, listed};
use crate::expression::Expr;
use crate::expression::parse::parse;
use crate::fields::{self, Fields};
use crate::protocol::states::guard;
use crate::yaml::{Entry, Node, Text, Value};

const VERBS: &[&str] = &[
    "trial", "set", "draw", "play", "pulse", "deliver", "on", "off", "toggle", "event", "outcome", "reset", "timer",
    "if",
];

/// A list of actions.
pub(super) fn list(node: &Node, what: &'static str, reporter: &mut Reporter) -> Vec<Action> {
    let items = fields::list(node, what, "[{event: cue}]", reporter).unwrap_or_default();
    let mut found = Vec::new();
    for item in items {
        action(item, &mut found, reporter);
    }
    found
}

fn action(node: &Node, found: &mut Vec<Action>, reporter: &mut Reporter) {
    if let Value::Scalar(text) = &node.value
        && !text.text.is_empty()
    {
        reporter
            .error("E031-wrong-shape", text.span, "an action is a verb, a colon and what it is done to")
            .help(format!("verbs are {}", listed(VERBS.iter().copied().filter(|verb| *verb != "if"))));
        return;
    }
    let Some(keys) = fields::fields(node, "an action", VERBS, "{event: cue}", reporter) else { return };
    let verbs: Vec<&str> = VERBS.iter().copied().filter(|verb| *verb != "if" && keys.get(verb).is_some()).collect();
    let (verb, value) = match verbs.as_slice() {
        [verb] => match keys.get(verb) {
            Some(value) => (*verb, value),
            None => return,
        },
        [] => {
            if !matches!(&node.value, Value::Map(entries) if entries.iter().any(|e| !VERBS.contains(&e.key.text.as_str())))
            {
                reporter
                    .error("E083-no-verb", keys.short_span(), "this action does nothing")
                    .help(format!("verbs are {}", listed(VERBS.iter().copied().filter(|verb| *verb != "if"))));
            }
            return;
        }
        [_, second, ..] => {
            let span = keys.key(second).unwrap_or(node.span);
            reporter
                .error("E084-two-verbs", span, "one action does one thing")
                .help("write two actions: they are carried out in the order written");
            return;
        }
    };
    let outer = guard(&keys, reporter);
    let span = keys.key(verb).unwrap_or(node.span);
    let before = found.len();
    read(verb, value, span, found, reporter);
    for action in found.iter_mut().skip(before) {
        if let Some(outer) = &outer {
            if action.guard.is_some() {
                reporter
                    .error("E085-two-guards", outer.span, "this action has two guards, inside and outside")
                    .help("join them with `and`");
            }
            action.guard = Some(outer.clone());
        }
    }
}

fn read(
    verb: &str,
    value: &Node,
    span: crate::diagnostic::Span,
    found: &mut Vec<Action>,
    reporter: &mut Reporter,
) -> Option<()> {
    let mut push = |kind, guard| found.push(Action { span, guard, kind });
    match verb {
        "trial" => {
            let words = [("begin", 0), ("void", 1), ("repeat", 2)];
            push(
                match fields::choice(value, "`trial`", &words, reporter)? {
                    0 => ActionKind::Trial,
                    1 => ActionKind::Void,
                    _ => ActionKind::Repeat,
                },
                None,
            );
        }
        "set" => {
            for entry in fields::map(value, "`set`", "{streak: streak + 1}", reporter)? {
                let Some(text) = fields::text(&entry.value, "the new value", "streak + 1", reporter) else { continue };
                push(ActionKind::Set { variable: entry.key.clone(), value: parse(text, reporter) }, None);
            }
        }
        "draw" => {
            for entry in fields::map(value, "`draw`", "{paid: {chance: 0.5}}", reporter)? {
                if let Some((draw, guard)) = draw(entry, reporter) {
                    push(ActionKind::Draw(Box::new(draw)), guard);
                }
            }
        }
        "play" => {
            let keys = fields::fields(value, "`play`", &["line", "stimulus", "if"], PLAY, reporter)?;
            let (line, stimulus) = (line(&keys, reporter), stimulus(&keys, PLAY, reporter));
            push(ActionKind::Play { line: line?, stimulus: stimulus? }, guard(&keys, reporter));
        }
        "pulse" => {
            let known = &["line", "stimulus", "width", "power", "if"];
            let keys = fields::fields(value, "`pulse`", known, "{line: laser, width: 5 ms}", reporter)?;
            let line = line(&keys, reporter);
            let power = expression(&keys, "power", "30 %", reporter);
            let kind = match (keys.get("stimulus"), keys.get("width")) {
                (Some(_), Some(width)) => {
                    reporter
                        .error("E086-stimulus-and-width", width.span, "a pulse has either a stimulus or a width")
                        .help("keep one of them");
                    return None;
                }
                (None, Some(_)) => {
                    let width = expression(&keys, "width", "5 ms", reporter);
                    ActionKind::PulseWidth { line: line?, width: width?, power }
                }
                _ => {
                    let stimulus = stimulus(&keys, "{line: laser, stimulus: burst}", reporter);
                    ActionKind::Pulse { line: line?, stimulus: stimulus?, power }
                }
            };
            push(kind, guard(&keys, reporter));
        }
        "deliver" => {
            let keys = fields::fields(value, "`deliver`", &["line", "volume", "if"], DELIVER, reporter)?;
            let line = line(&keys, reporter);
            keys.need("volume", "volume: 4 µl", reporter);
            let volume = expression(&keys, "volume", "4 µl", reporter);
            push(ActionKind::Deliver { line: line?, volume: volume? }, guard(&keys, reporter));
        }
        "on" => {
            if let Value::Map(_) = value.value {
                let keys = fields::fields(value, "`on`", shapes::KEYS, "{line: mask, for: 1 s}", reporter)?;
                if shapes::is_shape(&keys) {
                    push(shapes::read(&keys, span, false, reporter)?, guard(&keys, reporter));
                    return Some(());
                }
                let line = line(&keys, reporter);
                let power = expression(&keys, "power", "40 %", reporter);
                let inner = guard(&keys, reporter);
                let until = match keys.get("until") {
                    Some(until) => Some(fields::text(until, "`until`", "off", reporter)?.clone()),
                    None => None,
                };
                match (keys.get("for"), until) {
                    (Some(time), Some(_)) => {
                        reporter
                            .error("E087-for-and-until", time.span, "`for` and `until` contradict each other")
                            .help("keep one of them");
                    }
                    (Some(_), None) => {
                        let width = expression(&keys, "for", "1 s", reporter);
                        push(ActionKind::PulseWidth { line: line?, width: width?, power }, inner);
                    }
                    (None, until) => {
                        let outlives = until.is_some();
                        let until = until.filter(|until| until.text != "off");
                        push(ActionKind::On { line: line?, outlives, until, power, held_if: None }, inner);
                    }
                }
            } else {
                let line = fields::text(value, "the line", "mask", reporter)?.clone();
                push(ActionKind::On { line, outlives: false, until: None, power: None, held_if: None }, None);
            }
        }
        "off" => push(ActionKind::Off { line: fields::text(value, "the line", "mask", reporter)?.clone() }, None),
        "toggle" => {
            let (kind, inner) = shapes::toggle(value, span, reporter)?;
            push(kind, inner);
        }
        "event" => push(ActionKind::Event(fields::name(value, "an event", "cue_on", reporter)?.clone()), None),
        "outcome" => push(ActionKind::Outcome(fields::text(value, "the outcome", "rewarded", reporter)?.clone()), None),
        "reset" => push(ActionKind::Reset(fields::text(value, "the counter", "licks", reporter)?.clone()), None),
        _ => push(timer(value, reporter)?, None),
    }
    Some(())
}

const PLAY: &str = "{line: cue, stimulus: go}";
const DELIVER: &str = "{line: water, volume: 4 µl}";

fn line(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<Text> {
    let node = keys.need("line", "line: water", reporter)?;
    fields::text(node, "the line", "water", reporter).cloned()
}

fn stimulus(keys: &Fields<'_>, example: &str, reporter: &mut Reporter) -> Option<Text> {
    let node = keys.need("stimulus", example, reporter)?;
    fields::text(node, "the stimulus", "go", reporter).cloned()
}

fn expression(keys: &Fields<'_>, key: &str, example: &str, reporter: &mut Reporter) -> Option<Expr> {
    let text = fields::text(keys.get(key)?, "this value", example, reporter)?;
    Some(parse(text, reporter))
}

fn timer(value: &Node, reporter: &mut Reporter) -> Option<ActionKind> {
    const KEYS: &[&str] = &["start", "stop", "pause", "resume", "reset", "for", "repeat"];
    let keys = fields::fields(value, "`timer`", KEYS, "{start: patience, for: 5 s}", reporter)?;
    let verbs = [
        ("stop", TimerVerb::Stop),
        ("pause", TimerVerb::Pause),
        ("resume", TimerVerb::Resume),
        ("reset", TimerVerb::Reset),
    ];
    let given: Vec<&str> = KEYS.iter().copied().take(5).filter(|key| keys.get(key).is_some()).collect();
    let [key] = given.as_slice() else {
        reporter
            .error(
                "E088-timer-verb",
                keys.short_span(),
                "a timer is started, stopped, paused, resumed or reset, one at a time",
            )
            .help("write for instance `{start: patience, for: 5 s}` or `{stop: patience}`");
        return None;
    };
    let timer = fields::text(keys.get(key)?, "the timer", "patience", reporter)?.clone();
    if let Some((_, verb)) = verbs.iter().find(|(word, _)| word == key) {
        for extra in ["for", "repeat"] {
            if let Some(span) = keys.key(extra) {
                reporter
                    .error("E032-unknown-key", span, format!("`{extra}` has no meaning when a timer is to {key}"))
                    .help("leave it out");
            }
        }
        return Some(ActionKind::Timer { timer, verb: *verb });
    }
    let time = expression(&keys, "for", "5 s", reporter);
    let repeat = keys.get("repeat").and_then(|node| fields::text(node, "`repeat`", "3", reporter)).cloned();
    Some(ActionKind::TimerStart { timer, time, repeat })
}

pub(super) fn draw(entry: &Entry, reporter: &mut Reporter) -> Option<(Draw, Option<Expr>)> {
    const KINDS: &[&str] =
        &["chance", "uniform", "integer", "exponential", "normal", "weighted", "deck", "shuffle", "sample"];
    const KEYS: &[&str] = &[
        "chance",
        "uniform",
        "integer",
        "exponential",
        "normal",
        "weighted",
        "deck",
        "shuffle",
        "sample",
        "max_run",
        "spend_on",
        "if",
    ];
    // `order[2]` is an element of a list; what it means is asked where the draw is written out.
    if !entry.key.text.ends_with(']') && !fields::check_name(&entry.key, "a variable", reporter) {
        return None;
    }
    let keys = fields::fields(&entry.value, "a draw", KEYS, "{chance: 0.5}", reporter)?;
    let given: Vec<&str> = KINDS.iter().copied().filter(|kind| keys.get(kind).is_some()).collect();
    let [kind] = given.as_slice() else {
        let message = if given.is_empty() { "this draw says not what is drawn" } else { "one draw draws one thing" };
        reporter
            .error("E089-draw-kind", entry.key.span, message)
            .help(format!("it is one of {}", listed(KINDS.iter().copied())));
        return None;
    };
    let value = keys.get(kind)?;
    let kind_span = keys.key(kind).unwrap_or(value.span);
    let parsed = match *kind {
        "chance" => DrawKind::Chance(scalar(value, "0.5", reporter)?),
        "uniform" => {
            let (low, high) = bounds(value, "[1 s, 2 s]", reporter)?;
            DrawKind::Uniform(low, high)
        }
        "integer" => {
            let (low, high) = bounds(value, "[1, 6]", reporter)?;
            DrawKind::Integer(low, high)
        }
        "exponential" => {
            let example = "{mean: 8 s, min: 4 s, max: 20 s}";
            let [mean, min, max] = part(value, "an exponential draw", ["mean", "min", "max"], example, reporter)?;
            DrawKind::Exponential { mean, min, max }
        }
        "normal" => {
            let example = "{mean: 1 s, sd: 200 ms, min: 500 ms, max: 2 s}";
            let [mean, sd, min, max] = part(value, "a normal draw", ["mean", "sd", "min", "max"], example, reporter)?;
            DrawKind::Normal { mean, sd, min, max }
        }
        "weighted" => DrawKind::Weighted(labelled(value, "`weighted`", reporter)?),
        "shuffle" => DrawKind::Shuffle(fields::name(value, "the list", "sizes", reporter)?.clone()),
        "sample" => DrawKind::Sample(fields::name(value, "the list", "sizes", reporter)?.clone()),
        _ => DrawKind::Deck(labelled(value, "`deck`", reporter)?),
    };
    for (extra, kinds) in [("max_run", &["deck", "weighted"][..]), ("spend_on", &["deck"])] {
        if let Some(span) = keys.key(extra).filter(|_| !kinds.contains(kind)) {
            reporter.error("E032-unknown-key", span, format!("`{extra}` has no meaning for `{kind}`")).help(
                match extra {
                    "max_run" => "only `deck` and `weighted` remember what was drawn before",
                    _ => "only a deck has cards to spend",
                },
            );
        }
    }
    let max_run = keys.get("max_run").and_then(|node| fields::text(node, "`max_run`", "3", reporter)).cloned();
    let spend_on = keys.get("spend_on").and_then(|node| fields::text(node, "`spend_on`", "omitted", reporter)).cloned();
    let guard = guard(&keys, reporter);
    Some((Draw { variable: entry.key.clone(), kind: parsed, kind_span, max_run, spend_on, made: false }, guard))
}

pub(super) fn scalar(node: &Node, example: &str, reporter: &mut Reporter) -> Option<Expr> {
    fields::text(node, "this value", example, reporter).map(|text| parse(text, reporter))
}

pub(super) fn bounds(node: &Node, example: &str, reporter: &mut Reporter) -> Option<(Expr, Expr)> {
    match fields::list(node, "the bounds", example, reporter)? {
        [low, high] => {
            let (low, high) = (scalar(low, example, reporter), scalar(high, example, reporter));
            Some((low?, high?))
        }
        other => {
            reporter
                .error(
                    "E031-wrong-shape",
                    fields::short(node),
                    format!("the bounds are two values, the low and the high one, and these are {}", other.len()),
                )
                .help(format!("write for instance `{example}`"));
            None
        }
    }
}

fn part<const N: usize>(
    node: &Node,
    what: &'static str,
    keys: [&'static str; N],
    example: &str,
    reporter: &mut Reporter,
) -> Option<[Expr; N]> {
    let given = fields::fields(node, what, &keys, example, reporter)?;
    let mut found = Vec::new();
    for key in keys {
        let value = given.need(key, example, reporter).and_then(|node| scalar(node, "8 s", reporter));
        found.extend(value);
    }
    found.try_into().ok()
}

fn labelled(node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<Vec<(Text, Expr)>> {
    let entries = fields::map(node, what, "{stim: 1, sham: 1}", reporter)?;
    let mut found = Vec::new();
    for entry in entries {
        if fields::check_name(&entry.key, "a label", reporter)
            && let Some(value) = scalar(&entry.value, "1", reporter)
        {
            found.push((entry.key.clone(), value));
        }
    }
    if entries.is_empty() {
        reporter
            .error("E033-empty", node.span, "there is nothing to draw from")
            .help("write for instance `{stim: 1, sham: 1}`");
        return None;
    }
    Some(found)
}
