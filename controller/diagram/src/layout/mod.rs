//! Where everything stands: boxes in layers from the top down, arrows that lead down where they can, every label in a place of
//! its own between two layers. A box with boxes inside is laid out for itself first; an arrow that crosses its border does so at
//! a port, which both layouts share. Owns places; draws nothing.

mod boxes;
mod order;
mod place;
mod rank;

use std::collections::BTreeMap;

use crate::tree::{Id, Kind, Tree};

pub(crate) use boxes::{HEAD, LABEL_SIZE, LINE, ROW_SIZE, TITLE_SIZE, UNDER, head_height, label_lines, row_lines};

/// A point in px.
pub(crate) type Point = (f64, f64);

/// A rectangle in px.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) w: f64,
    pub(crate) h: f64,
}

impl Rect {
    fn moved(self, by: Point) -> Self {
        Self { x: self.x + by.0, y: self.y + by.1, ..self }
    }
}

/// An arrow with its way and the place of its label.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    /// From its tail to its head; every second stretch, beginning with the second, is a curve, the others lead straight down
    /// or up.
    pub(crate) points: Vec<Point>,
    pub(crate) label: Option<Rect>,
}

/// The whole picture.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) nodes: Vec<Rect>,
    pub(crate) routes: Vec<Route>,
    pub(crate) size: Point,
}

/// The margin around everything, and between regions.
const MARGIN: f64 = 24.0;
/// The room for the name of the protocol.
const HEADING: f64 = 34.0;

/// Lays out a tree.
pub(crate) fn lay_out(tree: &Tree) -> Layout {
    let mut nodes = vec![Rect::default(); tree.nodes.len()];
    let mut pieces: Vec<Vec<Piece>> = vec![Vec::new(); tree.arrows.len()];
    let mut labels: Vec<Option<Rect>> = vec![None; tree.arrows.len()];
    let (mut x, mut bottom) = (MARGIN, 0.0_f64);
    for root in &tree.roots {
        let framed = tree.roots.len() > 1;
        let laid = inside(tree, *root, &[], 0);
        let head = if framed { HEAD } else { 0.0 };
        let pad = if framed { boxes::PAD } else { 0.0 };
        let size = (laid.size.0.max(boxes::title_width(tree, *root)) + 2.0 * pad, laid.size.1 + head + 2.0 * pad);
        let at = (x, HEADING + MARGIN);
        if let Some(node) = nodes.get_mut(*root) {
            *node = Rect { x: at.0, y: at.1, w: size.0, h: size.1 };
        }
        let by = (at.0 + pad + (size.0 - 2.0 * pad - laid.size.0) / 2.0, at.1 + head + pad);
        for (id, rect) in laid.nodes {
            if let Some(node) = nodes.get_mut(id) {
                *node = rect.moved(by);
            }
        }
        for piece in laid.pieces {
            let moved = piece.points.iter().map(|point| (point.0 + by.0, point.1 + by.1)).collect();
            if let Some(all) = pieces.get_mut(piece.arrow) {
                all.push(Piece { points: moved, ..piece });
            }
        }
        for (arrow, rect) in laid.labels {
            if let Some(label) = labels.get_mut(arrow) {
                *label = Some(rect.moved(by));
            }
        }
        x += size.0 + MARGIN;
        bottom = bottom.max(at.1 + size.1);
    }
    let routes = pieces.into_iter().zip(labels).map(|(mut pieces, label)| {
        pieces.sort_by_key(|piece| piece.order);
        let mut points: Vec<Point> = Vec::new();
        for piece in pieces {
            points.extend(piece.points);
        }
        Route { points, label }
    });
    Layout { routes: routes.collect(), nodes, size: (x.max(320.0), bottom + MARGIN) }
}

/// Where an arrow crosses the border of a box.
#[derive(Debug, Clone, Copy)]
struct Port {
    arrow: usize,
    /// The box inside that it leads to or comes from.
    end: Id,
    at_top: bool,
    /// Whether it leads out.
    out: bool,
}

/// A stretch of an arrow within one box; stretches follow one another by their order.
#[derive(Debug, Clone)]
struct Piece {
    arrow: usize,
    order: i32,
    points: Vec<Point>,
}

/// What stands inside a box, from its own upper left corner.
#[derive(Debug, Default)]
struct Laid {
    size: Point,
    nodes: Vec<(Id, Rect)>,
    pieces: Vec<Piece>,
    labels: Vec<(usize, Rect)>,
    /// Where each port is along the border.
    ports: Vec<f64>,
}

/// What stands in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Child(Id),
    Port(usize),
    /// The words of an arrow.
    Label(usize),
    /// An arrow passes by.
    Passes,
}

/// Something in a layer.
#[derive(Debug, Clone)]
struct Place {
    what: What,
    w: f64,
    h: f64,
    rank: usize,
    x: f64,
}

/// An arrow from one layer down to a lower one.
#[derive(Debug, Clone)]
struct Link {
    arrow: usize,
    /// The upper and the lower end.
    ends: (usize, usize),
    /// Whether the arrow points up.
    upward: bool,
    labelled: bool,
    order: i32,
    /// Where it leaves the upper end and reaches the lower one, from their middles.
    at: (f64, f64),
    /// What it passes on its way down.
    way: Vec<usize>,
}

/// Lays out what stands inside a box.
fn inside(tree: &Tree, holder: Id, ports: &[Port], depth: i32) -> Laid {
    let children = tree.nodes.get(holder).map(|node| node.children.clone()).unwrap_or_default();
    let mut places: Vec<Place> = Vec::new();
    let mut index: BTreeMap<Id, usize> = BTreeMap::new();
    // What everything starts from stands first, so that what follows is found from there.
    let rank_of = |id: &Id| match tree.nodes.get(*id).map(|node| node.kind) {
        Some(Kind::Start) => 0,
        Some(Kind::Always) => 1,
        _ => 2,
    };
    let mut sorted = children;
    sorted.sort_by_key(rank_of);
    for id in sorted {
        index.insert(id, places.len());
        places.push(Place { what: What::Child(id), w: 0.0, h: 0.0, rank: 0, x: 0.0 });
    }
    let child = |id: Id| index.get(&child_of(tree, holder, id)?).copied();
    let mut links: Vec<Link> = Vec::new();
    for (n, arrow) in tree.arrows.iter().enumerate() {
        if common(tree, arrow.from, arrow.to) != Some(holder) {
            continue;
        }
        if let (Some(from), Some(to)) = (child(arrow.from), child(arrow.to)) {
            let labelled = !arrow.labels.is_empty();
            let (at, way) = ((0.0, 0.0), Vec::new());
            links.push(Link { arrow: n, ends: (from, to), upward: false, labelled, order: 0, at, way });
        }
    }
    rank::turn(places.len(), &mut links);
    rank::rank(&mut places, &links);
    let inner = boxes_inside(tree, &mut places, &links, ports, &child, depth);
    // Ports lie beyond everything else.
    let above = usize::from(ports.iter().any(|port| port.at_top));
    let last = places.iter().map(|place| place.rank).max().unwrap_or(0) + above + 1;
    for place in &mut places {
        place.rank += above;
    }
    for (n, port) in ports.iter().enumerate() {
        let rank = if port.at_top { 0 } else { last };
        let Some(end) = child(port.end) else { continue };
        let at = places.len();
        places.push(Place { what: What::Port(n), w: 12.0, h: 0.0, rank, x: 0.0 });
        let ends = if port.at_top { (at, end) } else { (end, at) };
        let order = if port.out { -depth } else { depth };
        let upward = port.at_top == port.out;
        links.push(Link { arrow: port.arrow, ends, upward, labelled: false, order, at: (0.0, 0.0), way: Vec::new() });
    }
    rank::fill(tree, &mut places, &mut links);
    let mut layers = order::layers(&places);
    order::order(&mut layers, &places, &links);
    place::attach(&layers, &places, &mut links, &inner);
    place::across(&layers, &mut places, &links);
    place::down(tree, &layers, &places, &links, inner, ports)
}

/// What is inside the boxes that hold others, and their sizes and those of all others.
fn boxes_inside(
    tree: &Tree,
    places: &mut [Place],
    links: &[Link],
    ports: &[Port],
    child: &dyn Fn(Id) -> Option<usize>,
    depth: i32,
) -> BTreeMap<usize, (Vec<Port>, Laid)> {
    let mut inner = BTreeMap::new();
    for n in 0..places.len() {
        let Some(What::Child(id)) = places.get(n).map(|place| place.what) else { continue };
        let holds = tree.nodes.get(id).is_some_and(|node| !node.children.is_empty());
        let mut own = Vec::new();
        if holds {
            for link in links {
                let Some(arrow) = tree.arrows.get(link.arrow) else { continue };
                // An arrow that leads down leaves at the bottom and comes in at the top.
                for (end, out) in [(arrow.from, true), (arrow.to, false)] {
                    if end != id && child(end) == Some(n) {
                        own.push(Port { arrow: link.arrow, end, at_top: out == link.upward, out });
                    }
                }
            }
            own.extend(ports.iter().filter(|port| port.end != id && child(port.end) == Some(n)));
        }
        let laid = holds.then(|| inside(tree, id, &own, depth + 1));
        let (w, h) = boxes::size(tree, id, laid.as_ref().map(|laid| laid.size));
        // Wide enough that arrows reach its border beside one another.
        let ends = |below: bool| {
            let of_links = links.iter().filter(|link| (if below { link.ends.0 } else { link.ends.1 }) == n).count();
            of_links + ports.iter().filter(|port| port.at_top != below && child(port.end) == Some(n)).count()
        };
        let is_dot = tree.nodes.get(id).is_some_and(|node| node.kind == Kind::Start);
        let w = if is_dot { w } else { w.max(24.0 + 20.0 * ends(true).max(ends(false)) as f64) };
        if let Some(place) = places.get_mut(n) {
            (place.w, place.h) = (w, h);
        }
        if let Some(laid) = laid {
            inner.insert(n, (own, laid));
        }
    }
    inner
}

/// The child of `holder` that is, or holds, a box.
fn child_of(tree: &Tree, holder: Id, mut id: Id) -> Option<Id> {
    loop {
        let parent = tree.nodes.get(id)?.parent?;
        if parent == holder {
            return Some(id);
        }
        id = parent;
    }
}

/// The innermost box that holds both.
fn common(tree: &Tree, one: Id, other: Id) -> Option<Id> {
    let mut at = tree.nodes.get(one)?.parent;
    while let Some(holder) = at {
        if child_of(tree, holder, other).is_some() {
            return Some(holder);
        }
        at = tree.nodes.get(holder)?.parent;
    }
    None
}
