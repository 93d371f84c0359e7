//! Timers as written: names alone, or each with what it is.

use super::actions::scalar;
use crate::diagnostic::Reporter;
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::yaml::{Text, Value};

/// What a timer is, where it is said once and for all.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    pub(crate) name: Text,
    /// How long it runs.
    pub(crate) time: Expr,
    /// How long after its start it begins to run.
    pub(crate) delay: Option<Expr>,
    /// How often it runs again: a count, or `forever`.
    pub(crate) repeat: Option<Text>,
    /// How long it rests before it runs again.
    pub(crate) interval: Option<Expr>,
    /// The output that is on while it runs, and its power.
    pub(crate) line: Option<Text>,
    pub(crate) power: Option<Expr>,
}

/// Reads `timers`: the names of all, and what is said of some.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> (Vec<Text>, Vec<Timer>) {
    let described = top.get("timers").and_then(|node| match &node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    });
    let Some(entries) = described else {
        let names = super::declarations::names(top, "timers", "`timers`", "[patience]", reporter);
        return (names.unwrap_or_default(), Vec::new());
    };
    let (mut names, mut timers) = (Vec::new(), Vec::new());
    for entry in entries {
        if !fields::check_name(&entry.key, "a timer", reporter) {
            continue;
        }
        names.push(entry.key.clone());
        let nothing = matches!(&entry.value.value, Value::Scalar(text) if text.text.is_empty() && !text.quoted);
        if nothing {
            continue;
        }
        const KEYS: &[&str] = &["for", "delay", "repeat", "interval", "on", "power", "about"];
        const EXAMPLE: &str = "{for: 500 ms, repeat: 3, interval: 500 ms}";
        let Some(keys) = fields::fields(&entry.value, "a timer", KEYS, EXAMPLE, reporter) else { continue };
        let value =
            |key: &str, reporter: &mut Reporter| keys.get(key).and_then(|node| scalar(node, "500 ms", reporter));
        keys.need("for", "for: 500 ms", reporter);
        let time = value("for", reporter);
        let (delay, interval, power) =
            (value("delay", reporter), value("interval", reporter), value("power", reporter));
        let repeat = keys.get("repeat").and_then(|node| fields::text(node, "`repeat`", "3", reporter)).cloned();
        let line = keys.get("on").and_then(|node| fields::text(node, "the line", "house", reporter)).cloned();
        for (key, without) in [("interval", repeat.is_none()), ("power", line.is_none())] {
            if let (Some(span), true) = (keys.key(key), without) {
                let of = if key == "interval" { "repeat" } else { "on" };
                reporter
                    .error("E032-unknown-key", span, format!("`{key}` has no meaning for a timer without `{of}`"))
                    .help(format!("add `{of}`, or leave `{key}` out"));
            }
        }
        let Some(time) = time else { continue };
        timers.push(Timer { name: entry.key.clone(), time, delay, repeat, interval, line, power });
    }
    (names, timers)
}
