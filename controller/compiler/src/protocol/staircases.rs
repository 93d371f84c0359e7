//! Staircases as written: a level that follows what the animal gets right and wrong.

use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::protocol::actions;
use crate::yaml::{Node, Text, Value};

/// A staircase.
#[derive(Debug)]
pub(crate) struct Staircase {
    pub(crate) name: Text,
    pub(crate) start: Text,
    pub(crate) range: (Text, Text),
    pub(crate) right: Expr,
    /// What is wrong; all that is not right if nothing is said.
    pub(crate) wrong: Option<Expr>,
    /// Which trials count.
    pub(crate) among: Option<Expr>,
    pub(crate) down: Move,
    pub(crate) up: Move,
    pub(crate) stop: Option<Stop>,
}

/// A way the level moves.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) span: Span,
    /// Whether it is after trials that were right.
    pub(crate) after_right: bool,
    /// How many in a row.
    pub(crate) count: Expr,
    pub(crate) by: By,
}

/// How far it moves.
#[derive(Debug)]
pub(crate) enum By {
    /// By a step; a further one for each reversal, the last one from then on.
    Step(Vec<Text>),
    /// To so many times what it was.
    Factor(Text),
}

/// When it stays where it is.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) reversals: Expr,
    /// Reversals at the beginning that do not count for the threshold.
    pub(crate) discard: Option<Expr>,
}

/// Reads `staircases`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Staircase> {
    let example = "level: {start: 50 %, range: [0 %, 100 %], right: outcome == hit, down: {right: 2, step: 5 %}, up: {wrong: 1, step: 5 %}}";
    let mut found = Vec::new();
    for entry in super::declarations::entries(top, "staircases", "`staircases`", example, reporter) {
        if fields::check_name(&entry.key, "a staircase", reporter) {
            found.extend(one(&entry.key, &entry.value, reporter));
        }
    }
    found
}

fn one(name: &Text, node: &Node, reporter: &mut Reporter) -> Option<Staircase> {
    const KEYS: &[&str] = &["start", "range", "right", "wrong", "among", "down", "up", "stop", "about"];
    let keys = fields::fields(node, "a staircase", KEYS, "{start: 50 %, …}", reporter)?;
    let start = keys.need("start", "start: 50 %", reporter);
    let start = start.and_then(|node| fields::text(node, "the start", "50 %", reporter)).cloned();
    let range = keys.need("range", "range: [0 %, 100 %]", reporter);
    let range = range.and_then(|node| match fields::list(node, "the range", "[0 %, 100 %]", reporter)? {
        [low, high] => {
            let low = fields::text(low, "the low end of the range", "0 %", reporter)?.clone();
            Some((low, fields::text(high, "the high end of the range", "100 %", reporter)?.clone()))
        }
        _ => {
            reporter
                .error("E031-wrong-shape", fields::short(node), "a range is two values, the low and the high end")
                .help("write for instance `[0 %, 100 %]`");
            None
        }
    });
    keys.need("right", "right: outcome == hit", reporter);
    let value = |key: &str, reporter: &mut Reporter| {
        keys.get(key).and_then(|node| actions::scalar(node, "outcome == hit", reporter))
    };
    let (right, wrong, among) = (value("right", reporter), value("wrong", reporter), value("among", reporter));
    let down =
        keys.need("down", "down: {right: 2, step: 5 %}", reporter).and_then(|node| side(node, "`down`", reporter));
    let up = keys.need("up", "up: {wrong: 1, step: 5 %}", reporter).and_then(|node| side(node, "`up`", reporter));
    let stop = keys.get("stop").and_then(|node| {
        let example = "{reversals: 12, discard: 4}";
        let stop = fields::fields(node, "`stop`", &["reversals", "discard"], example, reporter)?;
        let reversals = stop.need("reversals", "reversals: 12", reporter);
        let reversals = reversals.and_then(|node| actions::scalar(node, "12", reporter))?;
        let discard = stop.get("discard").and_then(|node| actions::scalar(node, "4", reporter));
        Some(Stop { reversals, discard })
    });
    let (start, range, right, down, up) = (start?, range?, right?, down?, up?);
    if down.after_right == up.after_right {
        let both = if up.after_right { "right" } else { "wrong" };
        reporter
            .error("E214-one-way", up.span, format!("`{}` goes down and up after what is {both}", name.text))
            .help("one of the two follows what is right, the other what is wrong");
        return None;
    }
    Some(Staircase { name: name.clone(), start, range, right, wrong, among, down, up, stop })
}

fn side(node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<Move> {
    let keys = fields::fields(node, what, &["right", "wrong", "step", "factor"], "{right: 2, step: 5 %}", reporter)?;
    let span = keys.short_span();
    let (after_right, count) = match (keys.get("right"), keys.get("wrong")) {
        (Some(node), None) => (true, node),
        (None, Some(node)) => (false, node),
        _ => {
            reporter
                .error(
                    "E215-staircase",
                    span,
                    format!("{what} says after how many trials it moves, `right` or `wrong`"),
                )
                .help("write for instance `{right: 2, step: 5 %}`: after two right ones in a row");
            return None;
        }
    };
    let count = actions::scalar(count, "2", reporter);
    let by = match (keys.get("step"), keys.get("factor")) {
        (Some(node), None) => match &node.value {
            Value::List(items) if !items.is_empty() => {
                let steps = items.iter().map(|item| fields::text(item, "a step", "5 %", reporter).cloned());
                By::Step(steps.collect::<Option<_>>()?)
            }
            _ => By::Step(vec![fields::text(node, "the step", "5 %", reporter)?.clone()]),
        },
        (None, Some(node)) => By::Factor(fields::text(node, "the factor", "0.8", reporter)?.clone()),
        _ => {
            reporter
                .error("E215-staircase", span, format!("{what} moves by a `step` or a `factor`, one of them"))
                .help("write for instance `{right: 2, step: 5 %}`");
            return None;
        }
    };
    Some(Move { span, after_right, count: count?, by })
}
