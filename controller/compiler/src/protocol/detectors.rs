//! The detectors of a protocol as written: which line each looks at, and what it looks for there.

use super::actions::{bounds, scalar};
use super::declarations::entries;
use crate::diagnostic::{Reporter, listed};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::kinds::{self, Kind};
use crate::yaml::{Entry, Node, Text};

/// A detector.
#[derive(Debug)]
pub(crate) struct Detector {
    pub(crate) name: Text,
    /// The line it looks at.
    pub(crate) line: Text,
    pub(crate) kind: &'static Kind,
    pub(crate) looks_for: LooksFor,
    pub(crate) hysteresis: Option<Expr>,
}

/// What a detector looks for.
#[derive(Debug)]
pub(crate) enum LooksFor {
    Reach(Expr),
    Below(Expr),
    Inside(Expr, Expr),
    Outside(Expr, Expr),
    Still { within: Expr, time: Expr },
    Onset { by: Expr, within: Expr },
    Speed { speed: Expr, over: Expr },
}

/// Reads `detectors`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Detector> {
    let example = "pull: {line: joystick, reach: 3 mm, hysteresis: 0.3 mm}";
    let found = entries(top, "detectors", "`detectors`", example, reporter);
    let sampled = found.iter().filter(|entry| !super::stable::is_one(entry));
    sampled.filter_map(|entry| detector(entry, reporter)).collect()
}

fn detector(entry: &Entry, reporter: &mut Reporter) -> Option<Detector> {
    const KEYS: &[&str] = &[
        "line",
        "reach",
        "below",
        "inside",
        "outside",
        "still",
        "for",
        "onset",
        "within",
        "speed",
        "over",
        "hysteresis",
        "about",
    ];
    let example = "{line: joystick, reach: 3 mm}";
    let named = fields::check_name(&entry.key, "a detector", reporter);
    let keys = fields::fields(&entry.value, "a detector", KEYS, example, reporter)?;
    let line = keys.need("line", "line: joystick", reporter);
    let line = line.and_then(|node| fields::text(node, "the line of a detector", "joystick", reporter));
    let mut given = kinds::DETECTORS.iter().filter_map(|kind| Some((kind, keys.get(kind.name)?)));
    let (Some((kind, node)), None) = (given.next(), given.next()) else {
        let all = listed(kinds::DETECTORS.iter().map(|kind| kind.name));
        reporter
            .error("E037-looks-for", keys.short_span(), "a detector looks for one thing in the samples of a line")
            .help(format!("give it one of {all}: `{example}`"));
        return None;
    };
    let (second, wanted) = match kind.name {
        "still" => (Some("for"), "for: 500 ms"),
        "onset" => (Some("within"), "within: 20 ms"),
        "speed" => (Some("over"), "over: 100 ms"),
        _ => (None, ""),
    };
    for key in ["for", "within", "over", "hysteresis"] {
        let stray = Some(key) != second && (key != "hysteresis" || kind.name == "still");
        if let Some(span) = keys.key(key).filter(|_| stray) {
            reporter
                .error("E032-unknown-key", span, format!("`{key}` has no meaning for `{}`", kind.name))
                .help("leave it out");
        }
    }
    let time = second.and_then(|key| keys.need(key, wanted, reporter)).and_then(|node| scalar(node, wanted, reporter));
    let value = |node: &Node, reporter: &mut Reporter| scalar(node, "3 mm", reporter);
    let pair = |node: &Node, reporter: &mut Reporter| bounds(node, "[2 mm, 4 mm]", reporter);
    let looks_for = match kind.name {
        "reach" => LooksFor::Reach(value(node, reporter)?),
        "below" => LooksFor::Below(value(node, reporter)?),
        "inside" => pair(node, reporter).map(|(low, high)| LooksFor::Inside(low, high))?,
        "outside" => pair(node, reporter).map(|(low, high)| LooksFor::Outside(low, high))?,
        "still" => LooksFor::Still { within: value(node, reporter)?, time: time? },
        "onset" => LooksFor::Onset { by: value(node, reporter)?, within: time? },
        _ => LooksFor::Speed { speed: scalar(node, "20 mm/s", reporter)?, over: time? },
    };
    let hysteresis = match keys.get("hysteresis") {
        Some(node) => Some(scalar(node, "0.3 mm", reporter)?),
        None => None,
    };
    named.then_some(Detector { name: entry.key.clone(), line: line?.clone(), kind, looks_for, hysteresis })
}
