//! Inputs that must be steady for a while, as written among the detectors: `hold: {line: lever, stable_for: 200 ms}`.

use super::actions::scalar;
use super::declarations::entries;
use crate::diagnostic::Reporter;
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::yaml::{Entry, Text, Value};

/// An input that is told of once it has been steady.
#[derive(Debug, Clone)]
pub(crate) struct Stable {
    pub(crate) name: Text,
    /// The input it looks at.
    pub(crate) line: Text,
    /// For how long.
    pub(crate) time: Expr,
}

impl Stable {
    /// Something of its own behind its name: its level, when its edge was.
    pub(crate) fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.name.text)
    }
}

/// Whether something that stands among the detectors is one.
pub(super) fn is_one(entry: &Entry) -> bool {
    matches!(&entry.value.value, Value::Map(fields) if fields.iter().any(|field| field.key.text == "stable_for"))
}

/// Reads those among `detectors`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Stable> {
    let example = "hold: {line: lever, stable_for: 200 ms}";
    let found = entries(top, "detectors", "`detectors`", example, &mut Reporter::silent());
    let mut stable = Vec::new();
    for entry in found.iter().filter(|entry| is_one(entry)) {
        let named = fields::check_name(&entry.key, "a detector", reporter);
        let keys = ["line", "stable_for", "about"];
        let Some(keys) =
            fields::fields(&entry.value, "a detector", &keys, "{line: lever, stable_for: 200 ms}", reporter)
        else {
            continue;
        };
        let line = keys.need("line", "line: lever", reporter);
        let line = line.and_then(|node| fields::text(node, "the line of a detector", "lever", reporter));
        let time = keys.get("stable_for").and_then(|node| scalar(node, "200 ms", reporter));
        if let (Some(line), Some(time), true) = (line, time, named) {
            stable.push(Stable { name: entry.key.clone(), line: line.clone(), time });
        }
    }
    stable
}
