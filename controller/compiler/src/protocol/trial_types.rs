//! Trial types as written: a table of types, how the next is chosen, what forces one and what repeats one.

use super::Draw;
use super::tables::{self, Table};
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::protocol::{actions, states};
use crate::yaml::{Entry, Text};

/// What the variable is called that holds the type of the trial.
pub(crate) const NAME: &str = "trial_type";

/// Trial types.
#[derive(Debug)]
pub(crate) struct TrialTypes {
    pub(crate) span: Span,
    pub(crate) table: Table,
    pub(crate) choice: Choice,
    pub(crate) force: Vec<Force>,
    pub(crate) repeat: Option<Repeat>,
}

/// How the next type is chosen.
#[derive(Debug)]
pub(crate) enum Choice {
    Draw(Box<Draw>),
    /// These, one after the other, round and round.
    Order(Vec<Text>),
    /// Something already reported.
    Broken,
}

/// A type that a condition forces.
#[derive(Debug)]
pub(crate) struct Force {
    pub(crate) row: Text,
    pub(crate) when: Expr,
}

/// What repeats the type of the trial that closes.
#[derive(Debug)]
pub(crate) struct Repeat {
    pub(crate) when: Expr,
    /// How often in a row.
    pub(crate) at_most: Option<Expr>,
}

/// Reads `trial_types`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Option<TrialTypes> {
    const KEYS: &[&str] = &["table", "draw", "order", "force", "repeat", "about"];
    let example = "{table: {left: {}, right: {}}, draw: {weighted: {left: 1, right: 1}}}";
    let keys = fields::fields(top.get("trial_types")?, "`trial_types`", KEYS, example, reporter)?;
    let span = top.key("trial_types")?;
    let table = keys.need("table", "table: {left: {}, right: {}}", reporter)?;
    let table = tables::table(&Text::plain(NAME, span), table, "the types", reporter)?;
    let choice = choice(&keys, span, reporter);
    let force = keys
        .get("force")
        .and_then(|node| fields::list(node, "`force`", "[{type: left, if: trial.number <= 10}]", reporter));
    let force = force.unwrap_or_default().iter().filter_map(|node| {
        let force =
            fields::fields(node, "a forced type", &["type", "if"], "{type: left, if: trial.number <= 10}", reporter)?;
        let row = force.need("type", "type: left", reporter);
        force.need("if", "if: trial.number <= 10", reporter);
        let row = fields::text(row?, "the type", "left", reporter)?.clone();
        Some(Force { row, when: states::guard(&force, reporter)? })
    });
    let force = force.collect();
    let repeat = keys.get("repeat").and_then(|node| {
        let repeat =
            fields::fields(node, "`repeat`", &["if", "at_most"], "{if: outcome == wrong, at_most: 5}", reporter)?;
        repeat.need("if", "if: outcome == wrong", reporter);
        let at_most = repeat.get("at_most").and_then(|node| actions::scalar(node, "5", reporter));
        Some(Repeat { when: states::guard(&repeat, reporter)?, at_most })
    });
    Some(TrialTypes { span, table, choice, force, repeat })
}

fn choice(keys: &Fields<'_>, span: Span, reporter: &mut Reporter) -> Choice {
    match (keys.get("draw"), keys.get("order")) {
        (Some(_), Some(order)) => {
            reporter
                .error(
                    "E210-which-type",
                    fields::short(order),
                    "the next type is drawn, or comes in an order, not both",
                )
                .help("keep one of them");
            Choice::Broken
        }
        (Some(node), None) => {
            let entry = Entry { key: Text::plain(NAME, span), value: node.clone() };
            let Some((draw, guard)) = actions::draw(&entry, reporter) else { return Choice::Broken };
            if let Some(guard) = guard {
                reporter
                    .error("E032-unknown-key", guard.span, "`if` has no meaning here: every trial has a type")
                    .help("a type that only some trials can have gets a weight that is 0 in others");
                return Choice::Broken;
            }
            Choice::Draw(Box::new(Draw { made: true, ..draw }))
        }
        (None, Some(node)) => {
            let Some(items) = fields::list(node, "`order`", "[left, left, right]", reporter) else {
                return Choice::Broken;
            };
            if items.is_empty() {
                reporter
                    .error("E033-empty", node.span, "an order of no types")
                    .help("write for instance `[left, right]`");
            }
            let order: Vec<Text> =
                items.iter().filter_map(|item| fields::text(item, "a type", "left", reporter).cloned()).collect();
            if order.is_empty() { Choice::Broken } else { Choice::Order(order) }
        }
        (None, None) => {
            if !keys.is_meant("draw") && !keys.is_meant("order") {
                reporter
                    .error("E210-which-type", span, "nothing says which type the next trial has")
                    .help("add for instance `draw: {weighted: {left: 1, right: 1}}` or `order: [left, right]`");
            }
            Choice::Broken
        }
    }
}
