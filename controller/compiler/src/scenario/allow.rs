//! What need not be covered, each with its reason.

use super::words::Words;
use super::{Allow, place_of};
use crate::diagnostic::Reporter;
use crate::fields;
use crate::yaml::Node;

const EXAMPLE: &str = "{what: state over, reason: the session ends before it}";

/// Everything that is allowed.
pub(super) fn read(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<Allow> {
    let mut found = Vec::new();
    for item in fields::list(node, "`allow`", EXAMPLE, reporter).unwrap_or_default() {
        let Some(keys) = fields::fields(item, "what is allowed", &["what", "reason"], EXAMPLE, reporter) else {
            continue;
        };
        let what = keys.need("what", "what: state over", reporter);
        let what = what.and_then(|node| fields::text(node, "`what`", "state over", reporter));
        let reason = keys.need("reason", "reason: the session ends before it", reporter);
        let reason = reason.and_then(|node| fields::text(node, "`reason`", "the session ends before it", reporter));
        if let (Some(what), Some(reason)) = (what, reason) {
            let (what, reason) = (what.text.trim().to_owned(), reason.text.trim().to_owned());
            found.push(Allow { what, reason, place: place_of(item, words) });
        }
    }
    found
}
