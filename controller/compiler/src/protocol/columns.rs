//! Columns of the trial table, as written: what is worked out as each trial closes.

use super::declarations::entries;
use crate::diagnostic::Reporter;
use crate::expression::Expr;
use crate::expression::parse::parse;
use crate::fields::{self, Fields};
use crate::yaml::{Text, Value};

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: Text,
    pub(crate) value: Expr,
}

/// Reads `columns:`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Column> {
    let example = "reaction: pulled - cued";
    let mut found = Vec::new();
    for entry in entries(top, "columns", "`columns`", example, reporter) {
        if !fields::check_name(&entry.key, "a column", reporter) {
            continue;
        }
        let value = match &entry.value.value {
            Value::Map(_) => {
                let example = "{value: pulled - cued}";
                let keys = fields::fields(&entry.value, "a column", &["value", "about"], example, reporter);
                keys.and_then(|keys| keys.need("value", "value: pulled - cued", reporter))
            }
            _ => Some(&entry.value),
        };
        let Some(value) = value.and_then(|node| fields::text(node, "the column", "pulled - cued", reporter)) else {
            continue;
        };
        found.push(Column { name: entry.key.clone(), value: parse(value, reporter) });
    }
    found
}
