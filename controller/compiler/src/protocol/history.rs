//! What is kept of the trials before, as written.

use crate::diagnostic::{Reporter, listed};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::protocol::actions;
use crate::yaml::Text;

/// Something kept of the trials before.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) name: Text,
    pub(crate) of: Expr,
    pub(crate) kind: Kept,
    /// Which trials count; all that are not voided if nothing is said.
    pub(crate) among: Option<Expr>,
    /// What it is before any trial counted.
    pub(crate) initial: Option<Text>,
    /// Whether it begins anew with each block.
    pub(crate) per_block: bool,
}

/// What is kept.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The mean over the last trials.
    Mean { over: Expr },
    /// The mean in which a trial weighs less the longer ago it was, by e in `tau` trials.
    Exponential { tau: Expr },
    /// The value in the last trial, or a list of those in the last ones.
    Last { over: Option<Expr> },
    /// In how many trials in a row something held.
    InARow,
}

/// Reads `history`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<History> {
    let example = "hit_rate: {mean: outcome == hit, over: 20}";
    let mut found = Vec::new();
    for entry in super::declarations::entries(top, "history", "`history`", example, reporter) {
        if !fields::check_name(&entry.key, "a history", reporter) {
            continue;
        }
        found.extend(one(&entry.key, &entry.value, reporter));
    }
    found
}

fn one(name: &Text, node: &crate::yaml::Node, reporter: &mut Reporter) -> Option<History> {
    const KEYS: &[&str] = &["mean", "last", "in_a_row", "over", "tau", "among", "initial", "reset", "about"];
    let example = "{mean: outcome == hit, over: 20}";
    let keys = fields::fields(node, "a history", KEYS, example, reporter)?;
    let kinds: Vec<&str> = KEYS.iter().copied().take(3).filter(|key| keys.get(key).is_some()).collect();
    let [kind] = kinds.as_slice() else {
        reporter
            .error(
                "E213-history",
                name.span,
                format!("`{}` keeps one of {}", name.text, listed(KEYS.iter().copied().take(3))),
            )
            .help(format!("write for instance `{example}`"));
        return None;
    };
    let value = |key: &str, example: &str, reporter: &mut Reporter| {
        keys.get(key).and_then(|node| actions::scalar(node, example, reporter))
    };
    let of = value(kind, "outcome == hit", reporter);
    let (over, tau) = (value("over", "20", reporter), value("tau", "8", reporter));
    let kept = match (*kind, over, tau) {
        ("mean", Some(over), None) => Kept::Mean { over },
        ("mean", None, Some(tau)) => Kept::Exponential { tau },
        ("last", over, None) => Kept::Last { over },
        ("in_a_row", None, None) => Kept::InARow,
        ("mean", ..) => {
            reporter
                .error(
                    "E213-history",
                    name.span,
                    format!("a mean needs `over` or `tau`, one of them: `{}` does not have it", name.text),
                )
                .help("`over: 20` is the mean of the last 20 trials, `tau: 8` one that forgets with 8 trials");
            return None;
        }
        _ => {
            let span = keys.key("tau").or(keys.key("over")).unwrap_or(name.span);
            reporter.error("E032-unknown-key", span, format!("this has no meaning for `{kind}`")).help("leave it out");
            return None;
        }
    };
    let among = value("among", "outcome != miss", reporter);
    let initial =
        keys.get("initial").and_then(|node| fields::text(node, "the initial value", "0.5", reporter)).cloned();
    let resets = [("session", false), ("block", true)];
    let per_block = keys.get("reset").and_then(|node| fields::choice(node, "`reset`", &resets, reporter));
    Some(History { name: name.clone(), of: of?, kind: kept, among, initial, per_block: per_block.unwrap_or(false) })
}
