//! The states of a protocol as a picture, for papers and for a look before an animal is put in: SVG of its own layout, and the
//! same as text for Mermaid and Graphviz.
//!
//! ```text
//! graph of the protocol ── tree ──► boxes and arrows ── layout ──► places ── svg ──► picture
//! ```
//!
//! The same protocol always gives the same picture, byte for byte.

mod layout;
mod measure;
mod svg;
mod text;
mod tree;

use compiler::graph::Graph;
use tree::Tree;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// States, transitions, and what states do and handle.
    Full,
    /// States and transitions alone.
    States,
}

/// The diagram as SVG.
#[must_use]
pub fn svg(graph: &Graph, detail: Detail) -> String {
    let tree = Tree::new(graph, detail == Detail::Full);
    svg::draw(&tree, &layout::lay_out(&tree))
}

/// The diagram as a Mermaid state diagram.
#[must_use]
pub fn mermaid(graph: &Graph, detail: Detail) -> String {
    text::mermaid(&Tree::new(graph, detail == Detail::Full))
}

/// The diagram in DOT, for Graphviz.
#[must_use]
pub fn dot(graph: &Graph, detail: Detail) -> String {
    text::dot(&Tree::new(graph, detail == Detail::Full))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
