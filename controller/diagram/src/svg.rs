//! The picture as SVG: boxes, arrows, words. Owns colours and shapes, and that what comes out is valid XML whatever the names
//! hold; knows nothing of how places were found.

use std::fmt::Write;

use crate::layout::{
    HEAD, LABEL_SIZE, LINE, Layout, ROW_SIZE, Rect, Route, TITLE_SIZE, UNDER, head_height, label_lines, row_lines,
};
use crate::tree::{Kind, Look, Node, Tree};

const INK: &str = "#222222";
const QUIET: &str = "#6b6b6b";
const ARROW: &str = "#4a5a6a";
const FRAME: &str = "#b9c2cb";

/// Draws a tree.
pub(crate) fn draw(tree: &Tree, layout: &Layout) -> String {
    let (width, height) = (number(layout.size.0), number(layout.size.1));
    let title = escaped(&tree.title);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title>{title}</title>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0.8L10 5L0 9.2z\" fill=\"{ARROW}\"/></marker></defs>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    text(&mut out, (24.0, 34.0), 17.0, INK, true, &tree.title);
    // What holds others is drawn before what it holds.
    for (id, node) in tree.nodes.iter().enumerate() {
        if let Some(rect) = layout.nodes.get(id) {
            shape(&mut out, tree, node, *rect, depth(tree, id));
        }
    }
    for route in &layout.routes {
        arrow(&mut out, route);
    }
    for (id, node) in tree.nodes.iter().enumerate() {
        if let Some(rect) = layout.nodes.get(id) {
            words(&mut out, tree, node, *rect);
        }
    }
    for (route, arrow) in layout.routes.iter().zip(&tree.arrows) {
        if let Some(rect) = route.label {
            label(&mut out, rect, &arrow.labels);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn depth(tree: &Tree, mut id: usize) -> usize {
    let mut depth = 0;
    while let Some(parent) = tree.nodes.get(id).and_then(|node| node.parent) {
        depth += 1;
        id = parent;
    }
    depth
}

fn shape(out: &mut String, tree: &Tree, node: &Node, rect: Rect, depth: usize) {
    let Rect { x, y, w, h } = rect;
    let (nx, ny, nw, nh) = (number(x), number(y), number(w), number(h));
    let put = |out: &mut String, words: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = out.write_fmt(words);
        out.push('\n');
    };
    match node.kind {
        Kind::Region => {
            if tree.roots.len() > 1 {
                put(
                    out,
                    format_args!(
                        "<rect x=\"{nx}\" y=\"{ny}\" width=\"{nw}\" height=\"{nh}\" rx=\"4\" fill=\"none\" stroke=\"{FRAME}\" \
                     stroke-dasharray=\"6 4\"/>"
                    ),
                );
            }
        }
        Kind::Start => {
            let (cx, cy) = (number(x + w / 2.0), number(y + h / 2.0));
            put(out, format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"6\" fill=\"{INK}\"/>"));
        }
        Kind::Always => put(
            out,
            format_args!(
                "<rect x=\"{nx}\" y=\"{ny}\" width=\"{nw}\" height=\"{nh}\" rx=\"9\" fill=\"#fffdf4\" stroke=\"#a08a3c\" \
             stroke-dasharray=\"4 3\"/>"
            ),
        ),
        Kind::State | Kind::Final => {
            // Boxes within boxes are told apart by their shade.
            let fill = match (node.children.is_empty(), depth % 2) {
                (true, _) => "#eef4fa",
                (false, 1) => "#f7f8f9",
                (false, _) => "#fdfdfd",
            };
            put(
                out,
                format_args!(
                    "<rect x=\"{nx}\" y=\"{ny}\" width=\"{nw}\" height=\"{nh}\" rx=\"9\" fill=\"{fill}\" stroke=\"{ARROW}\"/>"
                ),
            );
            if node.kind == Kind::Final {
                let (x, y, w, h) = (number(x + 3.0), number(y + 3.0), number(w - 6.0), number(h - 6.0));
                put(
                    out,
                    format_args!(
                        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"6\" fill=\"none\" stroke=\"{ARROW}\"/>"
                    ),
                );
            }
            if !node.rows.is_empty() {
                let line = number(y + HEAD);
                let (left, right) = (number(x), number(x + w));
                put(
                    out,
                    format_args!("<line x1=\"{left}\" y1=\"{line}\" x2=\"{right}\" y2=\"{line}\" stroke=\"{FRAME}\"/>"),
                );
            }
        }
    }
}

fn words(out: &mut String, tree: &Tree, node: &Node, rect: Rect) {
    let title = match node.kind {
        Kind::Start => return,
        Kind::Region if tree.roots.len() < 2 => return,
        Kind::Region => ((rect.x + 12.0, rect.y + 17.0), QUIET, format!("region {}", node.title)),
        Kind::Always => ((rect.x + 12.0, rect.y + 16.0), "#7a6720", node.title.clone()),
        Kind::State | Kind::Final => ((rect.x + 12.0, rect.y + 16.0), INK, node.title.clone()),
    };
    let (at, fill, words) = title;
    text(out, at, TITLE_SIZE, fill, node.kind != Kind::Region, &words);
    let mut y = rect.y + HEAD + 14.0;
    for (look, row) in &node.rows {
        let fill = match look {
            Look::Does => "#1f5c3a",
            Look::Handles => "#7a4a12",
            Look::Leads => ARROW,
        };
        for (n, line) in row_lines(row).iter().enumerate() {
            let indent = if n > 0 { 10.0 } else { 0.0 };
            text(out, (rect.x + 12.0 + indent, y), ROW_SIZE, fill, false, line);
            y += LINE;
        }
    }
    debug_assert!(y - rect.y <= head_height(node) + LINE + 8.0, "rows fit into their box");
}

fn arrow(out: &mut String, route: &Route) {
    let mut points = route.points.iter();
    let Some((x, y)) = points.next() else { return };
    let mut data = format!("M{} {}", number(*x), number(*y));
    let mut last = (*x, *y);
    for (n, (x, y)) in points.enumerate() {
        let curves = n % 2 == 1 && (x - last.0).abs() > 0.5;
        if curves {
            let middle = number((y + last.1) / 2.0);
            let _ = write!(data, "C{} {middle} {} {middle} {} {}", number(last.0), number(*x), number(*x), number(*y));
        } else {
            let _ = write!(data, "L{} {}", number(*x), number(*y));
        }
        last = (*x, *y);
    }
    out.push_str(&format!(
        "<path d=\"{data}\" fill=\"none\" stroke=\"{ARROW}\" stroke-width=\"1.2\" marker-end=\"url(#head)\"/>\n"
    ));
}

fn label(out: &mut String, rect: Rect, labels: &[String]) {
    let (x, y, w, h) = (number(rect.x + 1.0), number(rect.y), number(rect.w - 2.0), number(rect.h));
    out.push_str(&format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"3\" fill=\"#ffffff\" fill-opacity=\"0.94\"/>\n"
    ));
    // Several begin one below the other; one alone stands in the middle.
    let (x, anchor) = if labels.len() > 1 { (rect.x + 5.0, "start") } else { (rect.x + rect.w / 2.0, "middle") };
    for (n, line) in label_lines(labels).iter().enumerate() {
        let y = rect.y + 12.0 + n as f64 * LINE;
        // Viewers leave out room at the beginning of a text.
        let (x, line) = line.strip_prefix(UNDER).map_or((x, line.as_str()), |line| (x + 7.0, line));
        let (x, y, size, words) = (number(x), number(y), number(LABEL_SIZE), escaped(line));
        out.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{words}</text>\n"
        ));
    }
}

fn text(out: &mut String, at: (f64, f64), size: f64, fill: &str, bold: bool, words: &str) {
    let weight = if bold { " font-weight=\"600\"" } else { "" };
    let (x, y, size, words) = (number(at.0), number(at.1), number(size), escaped(words));
    out.push_str(&format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\"{weight} paint-order=\"stroke\" stroke=\"#ffffff\" \
         stroke-opacity=\"0.7\" stroke-width=\"2.5\">{words}</text>\n"
    ));
}

/// A number with at most one decimal.
fn number(value: f64) -> String {
    let rounded = format!("{value:.1}");
    let kept = rounded.trim_end_matches('0').trim_end_matches('.');
    if kept == "-0" { "0".into() } else { kept.into() }
}

/// Text as XML holds it; what XML cannot hold at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}
