//! Blocks as written: a table of blocks, their order, and what ends one.

use super::tables::{self, Table};
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::protocol::{actions, states};
use crate::yaml::{Node, Text, Value};

/// What the variable is called that holds the block.
pub(crate) const NAME: &str = "block";

/// A schedule of blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    pub(crate) span: Span,
    pub(crate) table: Table,
    pub(crate) order: Order,
    pub(crate) change: Vec<Change>,
}

/// Which block follows.
#[derive(Debug)]
pub(crate) enum Order {
    /// As the table has them, round and round.
    Cycle,
    /// As listed, round and round.
    Listed(Vec<Text>),
    /// Any but the one that ends.
    Random,
    /// Every one once in a drawn order, then in another.
    Shuffle,
    /// In an order drawn once, round and round.
    DrawnOnce,
}

/// What ends a block.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) rule: Rule,
    /// Asked only once the block has had more than so many trials.
    pub(crate) after: Option<Expr>,
    pub(crate) guard: Option<Expr>,
    /// How many trials follow still.
    pub(crate) then: Option<Expr>,
}

/// When a block has had its time.
#[derive(Debug)]
pub(crate) enum Rule {
    /// As soon as something holds.
    When(Expr),
    /// After a number of trials.
    Trials(Expr),
    /// After a number of trials that is drawn as the block begins.
    Drawn(Expr, Expr),
    /// With a probability, asked as each trial closes.
    Chance(Expr),
}

/// Reads `blocks`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Option<Blocks> {
    const KEYS: &[&str] = &["table", "order", "change", "about"];
    let example = "{table: {first: {}, second: {}}, change: [{trials: 40}]}";
    let keys = fields::fields(top.get("blocks")?, "`blocks`", KEYS, example, reporter)?;
    let span = top.key("blocks")?;
    let table = keys.need("table", "table: {first: {}, second: {}}", reporter)?;
    let table = tables::table(&Text::plain(NAME, span), table, "the blocks", reporter)?;
    let order = keys.get("order").and_then(|node| order(node, reporter)).unwrap_or(Order::Cycle);
    let change = keys.need("change", "change: [{trials: 40}]", reporter);
    let change = change.and_then(|node| fields::list(node, "`change`", "[{trials: 40}]", reporter));
    let change = change.unwrap_or_default().iter().filter_map(|node| rule(node, reporter)).collect();
    Some(Blocks { span, table, order, change })
}

fn order(node: &Node, reporter: &mut Reporter) -> Option<Order> {
    if let Value::List(items) = &node.value {
        let listed: Vec<Text> =
            items.iter().filter_map(|item| fields::text(item, "a block", "first", reporter).cloned()).collect();
        if listed.is_empty() && items.is_empty() {
            reporter
                .error("E033-empty", node.span, "an order of no blocks")
                .help("list blocks of the table, `[first, second]`, or write `cycle`");
        }
        return (!listed.is_empty()).then_some(Order::Listed(listed));
    }
    let words = [("cycle", 0), ("random", 1), ("shuffle", 2), ("drawn_once", 3)];
    Some(match fields::choice(node, "`order`", &words, reporter)? {
        0 => Order::Cycle,
        1 => Order::Random,
        2 => Order::Shuffle,
        _ => Order::DrawnOnce,
    })
}

fn rule(node: &Node, reporter: &mut Reporter) -> Option<Change> {
    const KEYS: &[&str] = &["when", "trials", "chance", "after", "if", "then"];
    let keys = fields::fields(node, "an end of a block", KEYS, "{trials: 40}", reporter)?;
    let given: Vec<&str> = KEYS.iter().copied().take(3).filter(|key| keys.get(key).is_some()).collect();
    let [key] = given.as_slice() else {
        reporter
            .error("E216-block-rule", keys.short_span(), "an end of a block is one of `when`, `trials` and `chance`")
            .help("write one rule for each; the first that is met ends the block");
        return None;
    };
    let value = keys.get(key)?;
    let rule = match (*key, &value.value) {
        ("when", _) => Rule::When(actions::scalar(value, "hit_rate >= 80 %", reporter)?),
        ("chance", _) => Rule::Chance(actions::scalar(value, "0.1", reporter)?),
        (_, Value::Map(_)) => {
            let drawn = fields::fields(value, "a drawn length", &["integer"], "{integer: [15, 25]}", reporter)?;
            let bounds = drawn.need("integer", "integer: [15, 25]", reporter)?;
            let (low, high) = actions::bounds(bounds, "[15, 25]", reporter)?;
            Rule::Drawn(low, high)
        }
        _ => Rule::Trials(actions::scalar(value, "40", reporter)?),
    };
    let mut part = |key: &str| keys.get(key).and_then(|node| actions::scalar(node, "10", reporter));
    let (after, then) = (part("after"), part("then"));
    Some(Change { rule, after, guard: states::guard(&keys, reporter), then })
}
