//! The same diagram as text for other tools: Mermaid, as GitHub and many editors draw it, and DOT for Graphviz.

use std::fmt::Write;

use crate::tree::{Id, Kind, Tree};

/// As a Mermaid state diagram.
pub(crate) fn mermaid(tree: &Tree) -> String {
    let mut out = format!("---\ntitle: {}\n---\nstateDiagram-v2\n", plain(&tree.title));
    let many = tree.roots.len() > 1;
    for root in &tree.roots {
        let Some(node) = tree.nodes.get(*root) else { continue };
        let indent = if many { "    " } else { "" };
        if many {
            let _ = writeln!(out, "    state \"region {}\" as n{root} {{", plain(&node.title));
        }
        mermaid_inside(tree, *root, indent, &mut out);
        if many {
            out.push_str("    }\n");
        }
    }
    out
}

fn mermaid_inside(tree: &Tree, holder: Id, indent: &str, out: &mut String) {
    let Some(node) = tree.nodes.get(holder) else { return };
    for id in &node.children {
        let Some(child) = tree.nodes.get(*id) else { continue };
        if child.kind == Kind::Start {
            continue;
        }
        let title = plain(&child.title);
        if child.children.is_empty() {
            let _ = writeln!(out, "{indent}    state \"{title}\" as n{id}");
        } else {
            let _ = writeln!(out, "{indent}    state \"{title}\" as n{id} {{");
            mermaid_inside(tree, *id, &format!("{indent}    "), out);
            let _ = writeln!(out, "{indent}    }}");
        }
        for (_, row) in &child.rows {
            let _ = writeln!(out, "{indent}    n{id} : {}", plain(row));
        }
        if child.kind == Kind::Final {
            let _ = writeln!(out, "{indent}    n{id} --> [*]");
        }
    }
    for arrow in tree.arrows.iter().filter(|arrow| shared(tree, arrow.from, arrow.to) == Some(holder)) {
        let is_start = tree.nodes.get(arrow.from).is_some_and(|node| node.kind == Kind::Start);
        let from = if is_start { "[*]".to_owned() } else { format!("n{}", arrow.from) };
        let _ = write!(out, "{indent}    {from} --> n{}", arrow.to);
        if !arrow.labels.is_empty() {
            let labels: Vec<String> = arrow.labels.iter().map(|label| plain(label)).collect();
            let _ = write!(out, " : {}", labels.join(" | "));
        }
        out.push('\n');
    }
}

/// Mermaid ends a label at some signs and reads others as its own; they are written as entities.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ':' => out.push_str("#58;"),
            ';' => out.push_str("#59;"),
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '{' => out.push_str("#123;"),
            '}' => out.push_str("#125;"),
            other => out.push(other),
        }
    }
    out
}

/// As DOT.
pub(crate) fn dot(tree: &Tree) -> String {
    let mut out = format!(
        "digraph {} {{\n  compound=true;\n  label={};\n  labelloc=t;\n  node [shape=box, style=rounded, fontname=\"Helvetica\", \
         fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=10];\n",
        quoted(&tree.title),
        quoted(&tree.title)
    );
    let many = tree.roots.len() > 1;
    for root in &tree.roots {
        let Some(node) = tree.nodes.get(*root) else { continue };
        if many {
            let _ = writeln!(
                out,
                "  subgraph cluster_{root} {{\n  label={};\n  style=dashed;",
                quoted(&format!("region {}", node.title))
            );
        }
        dot_inside(tree, *root, "  ", &mut out);
        if many {
            out.push_str("  }\n");
        }
    }
    for arrow in &tree.arrows {
        // An arrow ends at a state without states inside; the box it means cuts it off.
        let (from, to) = (leaf(tree, arrow.from), leaf(tree, arrow.to));
        let mut set = vec![format!("label={}", quoted(&arrow.labels.join("\n")))];
        if from != arrow.from {
            set.push(format!("ltail=cluster_{}", arrow.from));
        }
        if to != arrow.to {
            set.push(format!("lhead=cluster_{}", arrow.to));
        }
        let _ = writeln!(out, "  n{from} -> n{to} [{}];", set.join(", "));
    }
    out.push_str("}\n");
    out
}

fn dot_inside(tree: &Tree, holder: Id, indent: &str, out: &mut String) {
    let Some(node) = tree.nodes.get(holder) else { return };
    for id in &node.children {
        let Some(child) = tree.nodes.get(*id) else { continue };
        let mut words = child.title.clone();
        for (_, row) in &child.rows {
            words.push('\n');
            words.push_str(row);
        }
        match (child.kind, child.children.is_empty()) {
            (Kind::Start, _) => {
                let _ = writeln!(out, "{indent}n{id} [shape=point, width=0.12];");
            }
            (kind, true) => {
                let look = match kind {
                    Kind::Final => ", peripheries=2",
                    Kind::Always => ", style=\"rounded,dashed\"",
                    _ => "",
                };
                let _ = writeln!(out, "{indent}n{id} [label={}{look}];", quoted(&words));
            }
            (_, false) => {
                let _ = writeln!(
                    out,
                    "{indent}subgraph cluster_{id} {{\n{indent}label={};\n{indent}style=rounded;",
                    quoted(&words)
                );
                dot_inside(tree, *id, &format!("{indent}  "), out);
                let _ = writeln!(out, "{indent}}}");
            }
        }
    }
}

/// A box without boxes inside that stands for one.
fn leaf(tree: &Tree, mut id: Id) -> Id {
    while let Some(inner) = tree.nodes.get(id).and_then(|node| {
        node.children.iter().find(|child| {
            tree.nodes.get(**child).is_some_and(|node| node.kind == Kind::State || node.kind == Kind::Final)
        })
    }) {
        id = *inner;
    }
    id
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The innermost box that holds both ends.
fn shared(tree: &Tree, one: Id, other: Id) -> Option<Id> {
    let holders = |mut id: Id| {
        let mut found = Vec::new();
        while let Some(parent) = tree.nodes.get(id).and_then(|node| node.parent) {
            found.push(parent);
            id = parent;
        }
        found
    };
    let of_other = holders(other);
    holders(one).into_iter().find(|holder| of_other.contains(holder))
}
