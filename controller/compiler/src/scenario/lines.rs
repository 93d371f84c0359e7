//! The lines a protocol names, read without a rig: what a rig must have to fit it.

use crate::Source;
use crate::diagnostic::Reporter;
use crate::yaml::{self, Value};

/// Name and kind of each line, in order. What is wrong with them is left out here: whoever compiles the protocol says it.
#[must_use]
pub fn lines_of(protocol: &Source) -> Vec<(String, String)> {
    let mut reporter = Reporter::new(protocol);
    let Some(root) = yaml::read(protocol, &mut reporter) else { return Vec::new() };
    let Value::Map(entries) = &root.value else { return Vec::new() };
    let lines = entries.iter().find(|entry| entry.key.text == "lines").map(|entry| &entry.value.value);
    let Some(Value::Map(lines)) = lines else { return Vec::new() };
    let scalar = |entry: &yaml::Entry| match &entry.value.value {
        Value::Scalar(kind) => Some((entry.key.text.clone(), kind.text.trim().to_owned())),
        _ => None,
    };
    lines.iter().filter_map(scalar).collect()
}
