//! Values as a person or a program gives them while a session runs: read against what the protocol declared, each mistake a
//! sentence. Knows the symbols of a program, and nothing of the protocol behind them.

use crate::diagnostic::{listed, nearest};
use crate::quantity::{Quantity, written};
use crate::symbols::{Unit, VariableSymbol};

impl VariableSymbol {
    /// A text as a value of this variable, in base units: a quantity with its unit, a label, `true` or `false`.
    ///
    /// # Errors
    /// With a sentence that says what is wrong with the text, and what to write.
    pub fn read(&self, text: &str, range: Option<(i64, i64)>) -> Result<i64, String> {
        let text = text.trim();
        let name = &self.name;
        match self.unit {
            Unit::Label => choice(text, name, self.labels.iter().map(String::as_str)),
            Unit::Truth => choice(text, name, ["false", "true"].into_iter()),
            _ if text.is_empty() => Err(format!("`{name}` needs a value, with its unit if it has one")),
            unit => {
                let value = Quantity::read(text)
                    .and_then(|quantity| quantity.in_base(unit))
                    .map_err(|error| format!("`{name}`: {}; {}", error.message(), error.help()))?;
                match range.filter(|(low, high)| !(*low..=*high).contains(&value)) {
                    None => Ok(value),
                    Some((low, high)) => Err(format!(
                        "{} lies outside the range of `{name}`, which is {} to {}",
                        written(value, unit),
                        written(low, unit),
                        written(high, unit)
                    )),
                }
            }
        }
    }

    /// A value in base units as a person reads it.
    #[must_use]
    pub fn shown(&self, value: i64) -> String {
        let label = usize::try_from(value).ok().and_then(|at| self.labels.get(at));
        match (self.unit, label) {
            (Unit::Label, Some(label)) => label.clone(),
            (unit, _) => written(value, unit),
        }
    }
}

/// The place of a word among the words there are.
fn choice<'w>(text: &str, name: &str, words: impl Iterator<Item = &'w str> + Clone) -> Result<i64, String> {
    let at = words.clone().position(|word| word == text).and_then(|at| i64::try_from(at).ok());
    at.ok_or_else(|| match nearest(text, words.clone()) {
        Some(near) => format!("`{name}` cannot be `{text}`: did you mean `{near}`?"),
        None => format!("`{name}` cannot be `{text}`: it is one of {}", listed(words)),
    })
}
