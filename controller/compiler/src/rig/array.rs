//! Lines that are alike, written once: `hole: {kind: poke, pin: [2, 3, 4]}` is `hole_1`, `hole_2` and `hole_3`, and
//! `port: {kind: poke, pin: {left: 2, right: 3}}` is `port_left` and `port_right`.

use crate::diagnostic::Reporter;
use crate::yaml::{Entry, Node, Text, Value};

/// Lines as written, each array in its place as the lines it stands for.
pub(super) fn spread(entries: &[Entry], reporter: &mut Reporter) -> Vec<Entry> {
    entries.iter().flat_map(|entry| elements(entry, reporter).unwrap_or_else(|| vec![entry.clone()])).collect()
}

/// The lines of an array; none if the entry is a line by itself.
fn elements(entry: &Entry, reporter: &mut Reporter) -> Option<Vec<Entry>> {
    let Value::Map(fields) = &entry.value.value else { return None };
    let pins = &fields.iter().find(|field| field.key.text == "pin")?.value;
    let pins: Vec<(String, &Node)> = match &pins.value {
        Value::List(pins) => (1..).map(|n: usize| n.to_string()).zip(pins).collect(),
        Value::Map(pins) => pins.iter().map(|pin| (pin.key.text.clone(), &pin.value)).collect(),
        Value::Scalar(_) | Value::Broken => return None,
    };
    if pins.is_empty() {
        reporter
            .error("E033-empty", entry.key.span, format!("the array `{}` has no pins", entry.key.text))
            .help("write for instance `pin: [2, 3, 4]`");
    }
    let measured = fields.iter().find(|field| field.key.text == "calibration");
    if let (Some(calibration), true) = (measured, pins.len() > 1) {
        reporter
            .error(
                "E239-shared-calibration",
                calibration.key.span,
                format!("{} lines of `{}` cannot have been measured as one", pins.len(), entry.key.text),
            )
            .help(format!("write each line with its own calibration: `{}_1: {{…}}`", entry.key.text));
    }
    let element = |(word, pin): (String, &Node)| {
        let mut line = entry.clone();
        line.key = Text::standing_for(&format!("{}_{word}", entry.key.text), entry.key.span);
        if let Value::Map(fields) = &mut line.value.value {
            for field in fields.iter_mut().filter(|field| field.key.text == "pin") {
                field.value = pin.clone();
            }
        }
        line
    };
    Some(pins.into_iter().map(element).collect())
}
