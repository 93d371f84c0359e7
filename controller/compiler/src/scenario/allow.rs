//! What need not be covered, each with its reason.

use super::words::Words;
use super::{Allow, place_of};
use crate::diagnostic::Reporter;
use crate::fields;
use crate::yaml::Node;

const EXAMPLE: &str = "{what: state over, because: the session ends before it}";

/// Everything that is allowed.
pub(super) fn read(node: &Node, words: &Words<'_>, reporter: &mut Reporter) -> Vec<Allow> {
    let mut found = Vec::new();
    for item in fields::list(node, "`allow`", EXAMPLE, reporter).unwrap_or_default() {
        let Some(keys) = fields::fields(item, "what is allowed", &["what", "because"], EXAMPLE, reporter) else {
            continue;
        };
        let what = keys.need("what", "what: state over", reporter);
        let what = what.and_then(|node| fields::text(node, "`what`", "state over", reporter));
        let because = keys.need("because", "because: the session ends before it", reporter);
        let because = because.and_then(|node| fields::text(node, "`because`", "the session ends before it", reporter));
        if let (Some(what), Some(because)) = (what, because) {
            let (what, because) = (what.text.trim().to_owned(), because.text.trim().to_owned());
            found.push(Allow { what, reason: because, place: place_of(item, words) });
        }
    }
    found
}
