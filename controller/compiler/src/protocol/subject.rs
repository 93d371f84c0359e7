//! What a protocol says of its subjects, as written: what is assigned to each once, what is asked of each, and what of it the
//! operator is not to see.

use super::declarations::{entries, labels, names};
use super::stages::ONCE;
use crate::diagnostic::Reporter;
use crate::fields::{self, Fields};
use crate::symbols::Unit;
use crate::yaml::{Node, Text, Value};

/// Something that is drawn once per subject.
#[derive(Debug)]
pub(crate) struct Assign {
    pub(crate) name: Text,
    /// What it may be, and how many in a cohort have it for each that has another.
    pub(crate) among: Vec<(Text, u32)>,
    /// The metadata within whose groups it is balanced.
    pub(crate) balance: Vec<Text>,
}

/// Something that is asked of a subject or a session.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) name: Text,
    pub(crate) about: String,
    /// What it is taken to be if nobody says; fixed for a plain value.
    pub(crate) default: Option<Text>,
    pub(crate) choices: Option<Vec<Text>>,
    /// What a number is measured in.
    pub(crate) unit: Option<Text>,
    pub(crate) fixed: bool,
    /// Whether it is asked once and kept.
    pub(crate) once: bool,
}

/// Reads `assign:`.
pub(super) fn assign(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Assign> {
    let example = "group: {among: [stim, control], balance: [sex]}";
    let mut found = Vec::new();
    for entry in entries(top, "assign", "`assign`", example, reporter) {
        if !fields::check_name(&entry.key, "what is assigned", reporter) {
            continue;
        }
        let example = "{among: [stim, control], balance: [sex]}";
        let keys = fields::fields(&entry.value, "what is assigned", &["among", "balance", "about"], example, reporter);
        let Some(keys) = keys else { continue };
        let Some(node) = keys.need("among", "among: [stim, control]", reporter) else { continue };
        let among: Vec<(Text, u32)> = match &node.value {
            Value::Map(entries) => {
                let weighted = entries.iter().filter(|entry| fields::check_name(&entry.key, "a label", reporter));
                let weighted: Vec<_> = weighted.collect();
                let weighted = weighted.into_iter().map(|entry| (entry.key.clone(), weight(&entry.value, reporter)));
                weighted.collect()
            }
            _ => {
                let items = fields::list(node, "`among`", "[stim, control]", reporter).unwrap_or_default();
                labels(items, reporter).into_iter().map(|label| (label, 1)).collect()
            }
        };
        if among.len() < 2 && !matches!(node.value, Value::Broken) {
            reporter
                .error("E312-assign", entry.key.span, format!("`{}` is drawn among fewer than two", entry.key.text))
                .help("write for instance `among: [stim, control]`");
            continue;
        }
        let balance = names(&keys, "balance", "`balance`", "[sex]", reporter).unwrap_or_default();
        found.push(Assign { name: entry.key.clone(), among, balance });
    }
    found
}

/// The most of a kind in a ratio.
const WEIGHT_MAX: u32 = 100;

/// How many of a kind; one after a mistake, which is told.
fn weight(node: &Node, reporter: &mut Reporter) -> u32 {
    let count = fields::quantity_u32(node, "how many of them", Unit::Count, 1, "2", reporter).unwrap_or(1);
    if count <= WEIGHT_MAX {
        return count;
    }
    reporter
        .error("E027-out-of-bounds", node.span, format!("{count} of a kind are more than {WEIGHT_MAX}"))
        .help("write the smallest numbers of the same ratio");
    1
}

/// Reads `metadata:`.
pub(super) fn metadata(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Metadata> {
    let example = "sex: {choices: [female, male], once: per subject}";
    let mut found = Vec::new();
    for entry in entries(top, "metadata", "`metadata`", example, reporter) {
        if !fields::check_name(&entry.key, "what is asked", reporter) {
            continue;
        }
        let mut one = Metadata {
            name: entry.key.clone(),
            about: String::new(),
            default: None,
            choices: None,
            unit: None,
            fixed: false,
            once: false,
        };
        if let Value::Map(_) = entry.value.value {
            const KEYS: &[&str] = &["choices", "unit", "default", "once", "about"];
            let keys = fields::fields(&entry.value, "what is asked", KEYS, "{unit: g}", reporter);
            let Some(keys) = keys else { continue };
            let mut text = |key: &str, example: &str| {
                keys.get(key).and_then(|node| fields::text(node, "this", example, reporter)).cloned()
            };
            one.about = text("about", "what it is").map(|text| text.text.trim().to_owned()).unwrap_or_default();
            (one.default, one.unit) = (text("default", "saline"), text("unit", "g"));
            if let Some(node) = keys.get("choices") {
                let items = fields::list(node, "`choices`", "[female, male]", reporter).unwrap_or_default();
                one.choices = Some(labels(items, reporter));
            }
            one.once = keys.get("once").and_then(|node| fields::choice(node, "`once`", ONCE, reporter)).is_some();
            if let (Some(_), Some(unit)) = (&one.choices, &one.unit) {
                reporter
                    .error("E313-metadata", unit.span, format!("`{}` has choices and a unit", one.name.text))
                    .help("a choice is a word, and a number has a unit: keep one of them");
                continue;
            }
        } else {
            let Some(value) = fields::text(&entry.value, "this", "Mus musculus", reporter) else { continue };
            (one.default, one.fixed) = (Some(value.clone()), true);
        }
        found.push(one);
    }
    found
}
