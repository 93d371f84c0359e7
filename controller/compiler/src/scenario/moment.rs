//! Times that are expected, with how far off they may be: `2.8 s`, `2.8 s ± 1 ms`.

use super::Moment;
use crate::diagnostic::Reporter;
use crate::fields;
use crate::quantity::Quantity;
use crate::symbols::Unit;
use crate::yaml::{Node, Text};

/// What stands between a time and how far off it may be.
const SIGNS: [&str; 2] = ["±", "+-"];

/// A time that is expected.
pub(super) fn read(node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<Moment> {
    text(fields::text(node, what, "2.5 s ± 1 ms", reporter)?, what, reporter)
}

/// The same of a text.
pub(super) fn text(text: &Text, what: &'static str, reporter: &mut Reporter) -> Option<Moment> {
    let written = text.text.as_str();
    let split = SIGNS.iter().find_map(|sign| written.find(sign).map(|at| (at, at + sign.len())));
    let (time, tolerance) = match split {
        Some((at, behind)) => (written.get(..at)?, Some((behind, written.get(behind..)?))),
        None => (written, None),
    };
    let us = time_of(time, text, 0, what, reporter);
    let tolerance = match tolerance {
        Some((behind, written)) => {
            let us = time_of(written, text, behind, what, reporter)?;
            let Ok(us) = u64::try_from(us) else {
                reporter
                    .error("E410-bad-tolerance", text.span, "a time cannot be off by less than nothing")
                    .help("write for instance `2.5 s ± 1 ms`");
                return None;
            };
            Some(us)
        }
        None => None,
    };
    Some(Moment { us: us?, tolerance_us: tolerance })
}

fn time_of(written: &str, text: &Text, at: usize, what: &'static str, reporter: &mut Reporter) -> Option<i64> {
    let value = Quantity::read(written).and_then(|quantity| quantity.in_base(Unit::Time));
    let span = text.span_of(at, at + written.len());
    value.map_err(|error| fields::bad_quantity(&error, what, span, reporter)).ok()
}

/// A length of time of at least 1 µs.
pub(super) fn span(node: &Node, what: &'static str, example: &str, reporter: &mut Reporter) -> Option<u64> {
    since(node, what, 1, example, reporter)
}

/// A time of at least `least` µs.
pub(super) fn since(
    node: &Node,
    what: &'static str,
    least: i64,
    example: &str,
    reporter: &mut Reporter,
) -> Option<u64> {
    let us = fields::quantity(node, what, Unit::Time, example, reporter)?;
    if us < least {
        reporter
            .error("E411-too-short", node.span, format!("{what} must be {least} µs or more"))
            .help(format!("write for instance `{example}`"));
        return None;
    }
    u64::try_from(us).ok()
}
