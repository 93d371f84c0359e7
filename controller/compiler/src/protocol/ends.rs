//! What ends the session, as written: rules that are asked at a trial boundary, and two that need none.

use crate::diagnostic::Reporter;
use crate::expression::Expr;
use crate::expression::parse::parse;
use crate::fields::{self, Fields};
use crate::yaml::{Node, Text};

/// A rule that ends the session.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) kind: EndKind,
    /// How much, how many or how long; for [`EndKind::If`] the condition.
    pub(crate) expr: Expr,
    /// The outcome that is counted, or the event that is waited for.
    pub(crate) of: Option<Text>,
    pub(crate) written: String,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndKind {
    /// The time since the session began.
    After,
    /// The trials that were closed.
    Trials,
    /// Those of them that came to one outcome.
    Outcome,
    /// The doses asked of valves.
    Rewards,
    /// Their volume, all valves together.
    Volume,
    /// Whatever is written.
    If,
    /// For how long nothing came from the animal; needs no trial boundary.
    Idle,
    /// The time since the session began; needs no trial boundary.
    AtMost,
}

impl EndKind {
    /// Whether the session ends in the very moment, in the middle of a trial if need be.
    pub(crate) const fn is_at_once(self) -> bool {
        matches!(self, Self::Idle | Self::AtMost)
    }
}

const KINDS: &[(&str, EndKind)] = &[
    ("after", EndKind::After),
    ("trials", EndKind::Trials),
    ("rewards", EndKind::Rewards),
    ("volume", EndKind::Volume),
    ("idle", EndKind::Idle),
    ("at_most", EndKind::AtMost),
    ("if", EndKind::If),
];

const KEYS: &[&str] = &["after", "trials", "rewards", "volume", "idle", "at_most", "if", "outcome", "of"];

/// Reads `session: {ends: […]}`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<End> {
    top.get("session").map(|node| of_session(node, reporter)).unwrap_or_default()
}

/// Reads what stands behind `session:`.
pub(super) fn of_session(node: &Node, reporter: &mut Reporter) -> Vec<End> {
    let example = "{ends: [{after: 60 min}, {trials: 300}]}";
    let Some(session) = fields::fields(node, "`session`", &["ends"], example, reporter) else { return Vec::new() };
    let ends = session.need("ends", "ends: [{after: 60 min}]", reporter);
    let items = ends.and_then(|node| fields::list(node, "`ends`", "[{after: 60 min}]", reporter)).unwrap_or_default();
    items.iter().filter_map(|item| end(item, reporter)).collect()
}

fn end(item: &Node, reporter: &mut Reporter) -> Option<End> {
    let keys = fields::fields(item, "an end of the session", KEYS, "{after: 60 min}", reporter)?;
    let mut given = KINDS.iter().filter_map(|(key, kind)| keys.get(key).map(|node| (*key, *kind, node)));
    let (Some((key, kind, node)), None) = (given.next(), given.next()) else {
        reporter
            .error("E031-wrong-shape", fields::short(item), "an end of the session is one condition")
            .help("write `{after: 60 min}`, `{trials: 300}` or `{if: …}`, each on its own");
        return None;
    };
    let text = fields::text(node, "this end of the session", "60 min", reporter)?;
    let (outcome, of) = (keys.get("outcome"), keys.get("of"));
    let (kind, beside) = match (kind, outcome, of) {
        (EndKind::Trials, Some(outcome), None) => (EndKind::Outcome, Some(("outcome", outcome))),
        (EndKind::Idle, None, Some(of)) => (EndKind::Idle, Some(("of", of))),
        (_, None, None) => (kind, None),
        _ => {
            let (word, with) = match of {
                Some(_) => ("of", "{idle: 10 min, of: spout.lick}"),
                None => ("outcome", "{trials: 100, outcome: rewarded}"),
            };
            let span = keys.key(word).unwrap_or(item.span);
            reporter
                .error("E300-end-beside", span, format!("`{word}` says nothing beside `{key}`"))
                .help(format!("write `{with}`, or leave it out"));
            return None;
        }
    };
    let mut written = format!("{key}: {}", text.text);
    let of = match beside {
        Some((word, node)) => {
            let of = fields::text(node, "what is counted", "rewarded", reporter)?;
            written.push_str(&format!(", {word}: {}", of.text));
            Some(of.clone())
        }
        None => None,
    };
    Some(End { kind, expr: parse(text, reporter), of, written })
}
