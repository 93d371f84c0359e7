//! The lines a protocol names, read without a rig: what a rig must have to fit it.

use crate::diagnostic::Reporter;
use crate::yaml::{self, Entry, Value};
use crate::{Files, Source, fragments};

/// The most lines an array is taken to have.
const ARRAY_MAX: usize = 32;

/// Name and kind of each line, in order, those of fragments behind the protocol's; those of an array each by its own name.
/// What is wrong with them is left out here: whoever compiles the protocol says it.
#[must_use]
pub fn lines_of(protocol: &Source) -> Vec<(String, String)> {
    let mut reporter = Reporter::new(protocol);
    let Some(root) = yaml::read(protocol, &mut reporter) else { return Vec::new() };
    let Some(whole) = fragments::gather(root, &Files::beside(protocol), &mut reporter) else { return Vec::new() };
    let Value::Map(entries) = &whole.root.value else { return Vec::new() };
    let mut found = Vec::new();
    for entry in map(entries, "lines") {
        match &entry.value.value {
            Value::Scalar(kind) => found.push((entry.key.text.clone(), kind.text.trim().to_owned())),
            Value::Map(keys) => array(&entry.key.text, keys, &mut found),
            Value::List(_) | Value::Broken => {}
        }
    }
    found
}

/// The lines of an array: `hole_1`, `hole_2`, …, and those of its parts: `hole_light_1`, …
fn array(name: &str, keys: &[Entry], found: &mut Vec<(String, String)>) {
    let indices: Vec<String> = match value(keys, "array") {
        Some(Value::Scalar(count)) => {
            let count = count.text.trim().parse().unwrap_or(0).min(ARRAY_MAX);
            (1..=count).map(|n| n.to_string()).collect()
        }
        Some(Value::List(labels)) => labels.iter().filter_map(|label| scalar(&label.value)).collect(),
        _ => Vec::new(),
    };
    let mut add = |name: &str, kind: Option<String>| {
        if let Some(kind) = kind {
            found.extend(indices.iter().map(|index| (format!("{name}_{index}"), kind.clone())));
        }
    };
    add(name, value(keys, "kind").and_then(scalar));
    for part in map(keys, "parts") {
        add(&format!("{name}_{}", part.key.text), scalar(&part.value.value));
    }
}

fn value<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Value> {
    entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value.value)
}

/// The entries of a mapping behind a key, if there is one.
fn map<'n>(entries: &'n [Entry], key: &str) -> &'n [Entry] {
    match value(entries, key) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Scalar(text) => Some(text.text.trim().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_arrays_are_read_without_a_rig() {
        let text = "lines:\n  lever: lever\n  hole: {array: 2, kind: poke, parts: {light: light}}\n  cup: {array: [left, right], \
                    kind: valve}\n";
        let found = lines_of(&Source { name: String::new(), text: text.to_owned() });
        let found: Vec<String> = found.into_iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let lines = [
            "lever: lever",
            "hole_1: poke",
            "hole_2: poke",
            "hole_light_1: light",
            "hole_light_2: light",
            "cup_left: valve",
            "cup_right: valve",
        ];
        assert_eq!(found, lines);
    }
}
