//! Values of variables as a test file writes them, in the variable's own unit.

use crate::diagnostic::{Reporter, listed};
use crate::fields;
use crate::quantity::{Quantity, name_of};
use crate::symbols::{Unit, VariableSymbol};
use crate::yaml::Node;

/// A value of a variable, in base units.
pub(super) fn of(node: &Node, variable: &VariableSymbol, reporter: &mut Reporter) -> Option<i64> {
    let text = fields::text(node, "a value", "true", reporter)?;
    let word = text.text.trim();
    if variable.unit == Unit::Truth {
        match word {
            "true" => return Some(1),
            "false" => return Some(0),
            _ => {
                reporter
                    .error("E412-bad-value", text.span, format!("`{}` is a truth, and `{word}` is none", variable.name))
                    .help("write `true` or `false`");
                return None;
            }
        }
    }
    if super::is_label(variable.unit) {
        let found = variable.labels.iter().position(|label| label == word);
        if found.is_none() {
            let known = variable.labels.iter().map(String::as_str);
            reporter.error("E412-bad-value", text.span, format!("`{}` is never `{word}`", variable.name)).near(
                word,
                known,
                |known| Some(format!("it is one of {}", listed(known.iter().copied()))),
            );
        }
        return found.and_then(|place| i64::try_from(place).ok());
    }
    let value = Quantity::read(word).and_then(|quantity| quantity.in_base(variable.unit));
    value.map_err(|error| fields::bad_quantity(&error, name_of(variable.unit), text.span, reporter)).ok()
}

/// A value of a variable as a test file writes it.
#[must_use]
pub fn written(variable: &VariableSymbol, value: i64) -> String {
    let label = || variable.labels.get(usize::try_from(value).ok()?).cloned();
    match variable.unit {
        Unit::Label => label().unwrap_or_else(|| value.to_string()),
        unit => crate::quantity::written(value, unit),
    }
}

/// A quantity in base units as a test file writes it.
#[must_use]
pub fn quantity_written(value: i64, unit: Unit) -> String {
    crate::quantity::written(value, unit)
}
