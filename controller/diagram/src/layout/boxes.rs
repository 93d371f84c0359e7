//! How large boxes and labels are, by the words in them.

use crate::measure::{width, wrapped};
use crate::tree::{Id, Kind, Node, Tree};

use super::Point;

/// Sizes of letters, and the height of a line, in px.
pub(crate) const TITLE_SIZE: f64 = 13.0;
pub(crate) const ROW_SIZE: f64 = 11.0;
pub(crate) const LABEL_SIZE: f64 = 11.0;
pub(crate) const LINE: f64 = 14.0;
/// The height of a title with its room.
pub(crate) const HEAD: f64 = 24.0;
/// The room between a box and what is inside.
pub(super) const PAD: f64 = 12.0;

/// As many lines as any words are given; what does not fit is cut off with a sign.
const LINES_MAX: usize = 12;

/// Words in lines of so many characters; in wider ones where they would take more than so many lines.
fn lines_of(words: &str, chars: usize, lines: usize) -> Vec<String> {
    for (chars, most) in [(chars, lines), (chars * 4 / 3, lines * 2)] {
        let found = wrapped(words, chars, LINES_MAX);
        if found.len() <= most {
            return found;
        }
    }
    wrapped(words, chars * 9 / 5, LINES_MAX)
}

/// The words of a row in lines.
pub(crate) fn row_lines(words: &str) -> Vec<String> {
    lines_of(words, 40, 3)
}

/// The words of an arrow in lines: each of several transitions begins a line, and what follows stands under its words.
pub(crate) fn label_lines(labels: &[String]) -> Vec<String> {
    match labels {
        [only] => lines_of(only, 30, 4),
        several => several.iter().flat_map(|label| listed(&lines_of(label, 34, 3))).collect(),
    }
}

/// What stands before the second and further lines of a transition among several: room, which whoever draws it leaves.
pub(crate) const UNDER: &str = "\u{a0}\u{a0}";

fn listed(lines: &[String]) -> Vec<String> {
    let mark = |n: usize| if n == 0 { "• " } else { UNDER };
    lines.iter().enumerate().map(|(n, line)| format!("{}{line}", mark(n))).collect()
}

pub(super) fn label_size(labels: &[String]) -> Point {
    let lines = label_lines(labels);
    let widest = lines.iter().map(|line| width(line, LABEL_SIZE)).fold(0.0, f64::max);
    (widest + 10.0, lines.len() as f64 * LINE + 4.0)
}

/// The height of the title and the rows of a box.
pub(crate) fn head_height(node: &Node) -> f64 {
    let lines: usize = node.rows.iter().map(|(_, words)| row_lines(words).len()).sum();
    HEAD + if lines > 0 { lines as f64 * LINE + 6.0 } else { 0.0 }
}

pub(super) fn title_width(tree: &Tree, id: Id) -> f64 {
    tree.nodes.get(id).map_or(0.0, |node| width(&node.title, TITLE_SIZE) * 1.08)
}

/// The size of a box around what is inside.
pub(super) fn size(tree: &Tree, id: Id, inside: Option<Point>) -> Point {
    let Some(node) = tree.nodes.get(id) else { return (0.0, 0.0) };
    if node.kind == Kind::Start {
        return (12.0, 12.0);
    }
    let lines = node.rows.iter().flat_map(|(_, words)| row_lines(words));
    let rows = lines.map(|line| width(&line, ROW_SIZE)).fold(0.0, f64::max);
    let own = (title_width(tree, id).max(rows) + 2.0 * PAD).max(64.0);
    match inside {
        None => (own, head_height(node) + 2.0),
        Some((w, h)) => (own.max(w + 2.0 * PAD), head_height(node) + h + PAD),
    }
}
