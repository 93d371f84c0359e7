//! What makes a picture readable, held against every protocol that ships and a made-up one of thirty states.

use compiler::Source;
use compiler::graph::{Graph, graph};

use crate::layout::{Layout, Rect, lay_out};
use crate::tree::{Kind, Tree};
use crate::{Detail, dot, mermaid, svg};

/// Every protocol that ships, and the made-up one.
fn files() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocols");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let protocols = names.filter(|name| name.ends_with(".yaml") && !name.ends_with(".test.yaml"));
    let mut found: Vec<String> = protocols.map(|name| format!("protocols/{name}")).collect();
    assert!(found.len() >= 20, "{found:?}");
    found.sort();
    found.push("controller/diagram/tests/thirty-states.yaml".to_owned());
    found
}

fn read(file: &str) -> Graph {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let source = Source::read(&path).unwrap_or_else(|found| panic!("{found}"));
    graph(&source).unwrap_or_else(|found| panic!("{found}"))
}

fn laid(file: &str) -> (Tree, Layout) {
    let tree = Tree::new(&read(file), true);
    let layout = lay_out(&tree);
    (tree, layout)
}

fn touch(one: Rect, other: Rect) -> bool {
    let apart = one.x + one.w <= other.x
        || other.x + other.w <= one.x
        || one.y + one.h <= other.y
        || other.y + other.h <= one.y;
    !apart
}

fn holds(outer: Rect, inner: Rect) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && inner.x + inner.w <= outer.x + outer.w
        && inner.y + inner.h <= outer.y + outer.h
}

#[test]
fn no_label_lies_on_another_or_on_a_box_and_boxes_lie_within_those_that_hold_them() {
    for file in files() {
        let (tree, layout) = laid(&file);
        let labels: Vec<(usize, Rect)> =
            layout.routes.iter().enumerate().filter_map(|(n, route)| Some((n, route.label?))).collect();
        let labelled = tree.arrows.iter().filter(|arrow| !arrow.labels.is_empty()).count();
        assert_eq!(labels.len(), labelled, "{file}: every label has its place");
        for (at, (n, label)) in labels.iter().enumerate() {
            for (other_n, other) in labels.iter().skip(at + 1) {
                assert!(
                    !touch(*label, *other),
                    "{file}: {:?} lies on {:?}",
                    tree.arrows[*n].labels,
                    tree.arrows[*other_n].labels
                );
            }
            for (node, rect) in tree.nodes.iter().zip(&layout.nodes).filter(|(node, _)| node.children.is_empty()) {
                assert!(!touch(*label, *rect), "{file}: {:?} lies on `{}`", tree.arrows[*n].labels, node.title);
            }
        }
        for (id, node) in tree.nodes.iter().enumerate() {
            if let Some(parent) = node.parent.filter(|parent| tree.nodes[*parent].kind != Kind::Region) {
                assert!(holds(layout.nodes[parent], layout.nodes[id]), "{file}: `{}` sticks out", node.title);
            }
            for other in (id + 1..tree.nodes.len()).filter(|other| tree.nodes[*other].parent == node.parent) {
                assert!(
                    !touch(layout.nodes[id], layout.nodes[other]),
                    "{file}: `{}` lies on `{}`",
                    node.title,
                    tree.nodes[other].title
                );
            }
        }
    }
}

#[test]
fn every_arrow_begins_and_ends_at_the_borders_of_what_it_joins() {
    for file in files() {
        let (tree, layout) = laid(&file);
        for (arrow, route) in tree.arrows.iter().zip(&layout.routes) {
            let ends = [(arrow.from, route.points.first()), (arrow.to, route.points.last())];
            for (id, point) in ends {
                let (Rect { x, y, w, h }, (px, py)) = (layout.nodes[id], *point.unwrap());
                let at_border = (py - y).abs() < 0.5 || (py - y - h).abs() < 0.5;
                assert!(
                    at_border && px >= x - 0.5 && px <= x + w + 0.5,
                    "{file}: {arrow:?} misses `{}`",
                    tree.nodes[id].title
                );
            }
        }
    }
}

#[test]
fn arrows_lead_down_but_for_those_that_lead_round() {
    for file in files() {
        let (tree, layout) = laid(&file);
        let up = layout.routes.iter().filter(|route| route.points.first().unwrap().1 > route.points.last().unwrap().1);
        assert!(up.count() * 2 <= tree.arrows.len(), "{file}: more than half of the arrows lead up");
    }
}

#[test]
fn every_state_and_every_transition_is_in_every_form() {
    let graph = read("protocols/lever-pull.yaml");
    for drawn in [svg(&graph, Detail::Full), mermaid(&graph, Detail::Full), dot(&graph, Detail::Full)] {
        for state in graph.regions.iter().flat_map(|region| &region.states) {
            assert!(drawn.contains(&state.name), "{} is missing from\n{drawn}", state.name);
        }
        for words in ["mask.end", "after gap", "no_pull", "deliver water drop"] {
            assert!(drawn.contains(words), "{words} is missing from\n{drawn}");
        }
    }
    assert!(!svg(&graph, Detail::States).contains("deliver water drop"), "a brief picture says not what states do");
}

#[test]
fn no_word_of_a_protocol_that_ships_is_cut_off() {
    for file in files() {
        let drawn = svg(&read(&file), Detail::Full);
        let cut: Vec<&str> = drawn.lines().filter(|line| line.contains('…')).collect();
        assert!(cut.is_empty(), "{file}: {cut:?}");
    }
}

#[test]
fn the_same_protocol_gives_the_same_picture() {
    let graph = read("controller/diagram/tests/thirty-states.yaml");
    assert_eq!(svg(&graph, Detail::Full), svg(&graph, Detail::Full));
}

#[test]
fn text_for_other_tools_reads_as_they_want_it() {
    let graph = read("controller/diagram/tests/thirty-states.yaml");
    insta::assert_snapshot!("mermaid", mermaid(&graph, Detail::Full));
    insta::assert_snapshot!("dot", dot(&graph, Detail::Full));
}

#[test]
fn a_name_with_signs_of_its_own_breaks_nothing() {
    let text = "protocol: \"<&> \\\"x\\\"\"\nlines: {lever: lever}\nstart: a\nstates:\n  a:\n    transitions: [{when: \"lever.down and 1 < 2\", to: a}, {event: lever.press, to: b}]\n  b: {transitions: [{after: 1 s, if: trial.number > 3, to: a}]}\n";
    let source = Source { name: "odd.yaml".to_owned(), text: text.to_owned() };
    let drawn = svg(&graph(&source).unwrap(), Detail::Full);
    let open = drawn.matches('<').count();
    assert_eq!(open, drawn.matches('>').count(), "{drawn}");
    assert!(drawn.contains("&lt;&amp;&gt;") && drawn.contains("trial.number &gt; 3"));
}

#[test]
fn a_thousand_states_are_drawn_too() {
    let mut text = "protocol: many\nlines: {lever: lever}\nstart: s0\nstates:\n".to_owned();
    for n in 0..1_000 {
        let (next, far) = ((n + 1) % 1_000, (n * 7 + 3) % 1_000);
        text.push_str(&format!(
            "  s{n}: {{transitions: [{{event: lever.press, to: s{next}}}, {{after: 1 s, to: s{far}}}]}}\n"
        ));
    }
    let drawn = Source { name: "many.yaml".to_owned(), text };
    let graph = graph(&drawn).unwrap();
    // Its picture would be of no use; its text is.
    assert!(mermaid(&graph, Detail::States).lines().count() > 3_000);
}

/// Protocols of states within states, with transitions between any two of them, `back`, and what holds everywhere.
fn made_up(seed: u64) -> String {
    let mut chance = seed;
    let mut below = |n: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).unwrap() % n
    };
    let mut paths: Vec<Vec<usize>> = vec![vec![0]];
    for n in 1..4 + below(10) {
        let holder = if below(2) == 0 { Vec::new() } else { paths[below(paths.len())].clone() };
        if holder.len() < 4 {
            paths.push([holder, vec![n]].concat());
        }
    }
    let name = |path: &Vec<usize>| path.iter().map(|n| format!("s{n}")).collect::<Vec<_>>().join(".");
    let targets: Vec<String> = paths.iter().map(name).chain(["back".to_owned()]).collect();
    let mut out = "protocol: made-up\nlines: {lever: lever, mask: light}\nstart: s0\n".to_owned();
    let first = targets[below(targets.len())].clone();
    out.push_str(&format!("everywhere: {{transitions: [{{event: lever.release, to: {first}}}]}}\nstates:\n"));
    write(&paths, &[], &mut || targets[below(targets.len())].clone(), &mut out);
    out
}

fn write(paths: &[Vec<usize>], holder: &[usize], target: &mut dyn FnMut() -> String, out: &mut String) {
    let indent = "    ".repeat(holder.len() + 1);
    for path in paths.iter().filter(|path| path.len() == holder.len() + 1 && path.starts_with(holder)) {
        let (one, other) = (target(), target());
        out.push_str(&format!(
            "{indent}s{}:\n{indent}  entry: [{{on: mask}}]\n{indent}  transitions: [{{event: lever.press, to: {one}}}, \
             {{after: 1 s, to: {other}}}]\n",
            path[path.len() - 1]
        ));
        if let Some(inner) = paths.iter().find(|inner| inner.len() == path.len() + 1 && inner.starts_with(path)) {
            out.push_str(&format!("{indent}  start: s{}\n{indent}  states:\n", inner[inner.len() - 1]));
            write(paths, path, target, out);
        }
    }
}

#[test]
fn whatever_leads_where_it_is_drawn_and_no_label_lies_on_anything() {
    for seed in 0..300 {
        let text = made_up(seed);
        let source = Source { name: "made-up.yaml".to_owned(), text: text.clone() };
        let graph = graph(&source).unwrap_or_else(|found| panic!("{found}"));
        let tree = Tree::new(&graph, true);
        let layout = lay_out(&tree);
        let labels: Vec<Rect> = layout.routes.iter().filter_map(|route| route.label).collect();
        let leaves = tree.nodes.iter().zip(&layout.nodes).filter(|(node, _)| node.children.is_empty());
        let boxes: Vec<Rect> = leaves.map(|(_, rect)| *rect).collect();
        for (at, label) in labels.iter().enumerate() {
            assert!(
                labels.iter().skip(at + 1).all(|other| !touch(*label, *other)),
                "{seed}: labels overlap in\n{text}"
            );
            assert!(boxes.iter().all(|rect| !touch(*label, *rect)), "{seed}: a label lies on a box in\n{text}");
        }
        assert!(layout.routes.iter().all(|route| route.points.len() >= 2), "{seed}: an arrow has no way in\n{text}");
        assert!(svg(&graph, Detail::Full).ends_with("</svg>\n"));
        assert!(dot(&graph, Detail::States).ends_with("}\n"));
        assert!(mermaid(&graph, Detail::States).contains("stateDiagram-v2"));
    }
}
