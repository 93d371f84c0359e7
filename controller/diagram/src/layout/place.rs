//! Where things stand within their layers, and the ways of the arrows. Across, everything moves as near as it can to what it is
//! linked to, with its order kept and without touching its neighbours; arrows that pass several layers go straight down.

use std::collections::BTreeMap;

use super::boxes::PAD;
use super::order::steps;
use super::{Laid, Link, Piece, Place, Point, Port, Rect, What, head_height};
use crate::tree::Tree;

/// The room between neighbours in a layer, and between layers.
const BESIDE: f64 = 18.0;
const BETWEEN: f64 = 20.0;
/// How often everything moves.
const ROUNDS: usize = 60;

/// Where links leave and reach the border of a box: beside one another, in the order of where they lead; at its port where one
/// goes on inside.
pub(super) fn attach(
    layers: &[Vec<usize>],
    places: &[Place],
    links: &mut [Link],
    inner: &BTreeMap<usize, (Vec<Port>, Laid)>,
) {
    let mut at = vec![0_usize; places.len()];
    for layer in layers {
        for (n, place) in layer.iter().enumerate() {
            at[*place] = n;
        }
    }
    for n in 0..places.len() {
        for below in [true, false] {
            let mut own: Vec<(usize, usize)> = Vec::new();
            for (link_n, link) in links.iter().enumerate() {
                let (end, next) = match below {
                    true => (link.ends.0, link.way.first().copied().unwrap_or(link.ends.1)),
                    false => (link.ends.1, link.way.last().copied().unwrap_or(link.ends.0)),
                };
                if end == n {
                    own.push((at[next], link_n));
                }
            }
            own.sort_unstable();
            let count = own.len() as f64;
            let room = (places[n].w - 24.0).max(0.0).min(count * 46.0);
            for (place, (_, link_n)) in own.into_iter().enumerate() {
                let Some(link) = links.get_mut(link_n) else { continue };
                let port = inner.get(&n).and_then(|(ports, laid)| {
                    let is_it = |port: &Port| port.arrow == link.arrow && port.at_top != below;
                    laid.ports
                        .get(ports.iter().position(is_it)?)
                        .map(|x| PAD + x + slack(places, n, laid) - places[n].w / 2.0)
                });
                let spread = room * ((place as f64 + 0.5) / count - 0.5);
                let x = port.unwrap_or(spread);
                if below { link.at.0 = x } else { link.at.1 = x }
            }
        }
    }
}

/// By how much what is inside a box is moved to stand in its middle.
fn slack(places: &[Place], n: usize, laid: &Laid) -> f64 {
    places.get(n).map_or(0.0, |place| ((place.w - 2.0 * PAD - laid.size.0) / 2.0).max(0.0))
}

/// Across: each layer in turn moves to where its links would be straight.
pub(super) fn across(layers: &[Vec<usize>], places: &mut [Place], links: &[Link]) {
    // The offset of each step at its two ends.
    let mut pulls: Vec<Vec<(usize, f64, f64)>> = vec![Vec::new(); places.len()];
    for link in links {
        let all = steps(std::slice::from_ref(link));
        let count = all.len();
        for (n, (above, below)) in all.into_iter().enumerate() {
            let from = if n == 0 { link.at.0 } else { 0.0 };
            let to = if n + 1 == count { link.at.1 } else { 0.0 };
            let straight = |place: usize| !matches!(places[place].what, What::Child(_));
            let weight = match (straight(above), straight(below)) {
                (true, true) => 8.0,
                (true, false) | (false, true) => 2.0,
                (false, false) => 1.0,
            };
            pulls[above].push((below, to - from, weight));
            pulls[below].push((above, from - to, weight));
        }
    }
    for layer in layers {
        let mut x = 0.0;
        for n in layer {
            places[*n].x = x + places[*n].w / 2.0;
            x += places[*n].w + BESIDE;
        }
    }
    for round in 0..ROUNDS {
        let ranks: Vec<usize> =
            if round % 2 == 0 { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for rank in ranks {
            let Some(layer) = layers.get(rank) else { continue };
            let wanted = |n: usize| {
                // In turn what lies above, what lies below, and both.
                let counts = |other: usize| match round % 4 {
                    0 => places[other].rank < rank,
                    1 => places[other].rank > rank,
                    _ => true,
                };
                let all = pulls[n].iter().filter(|(other, ..)| counts(*other));
                let (sum, weight) = all
                    .fold((0.0, 0.0), |(sum, weight), (other, by, w)| (sum + (places[*other].x + by) * w, weight + w));
                if weight > 0.0 { (sum / weight, weight) } else { (places[n].x, 0.1) }
            };
            let targets: Vec<(f64, f64)> = layer.iter().map(|n| wanted(*n)).collect();
            let widths: Vec<f64> = layer.iter().map(|n| places[*n].w).collect();
            for (n, x) in layer.iter().zip(apart(&targets, &widths)) {
                places[*n].x = x;
            }
        }
    }
    straighten(layers, places, links);
}

/// An arrow that passes several layers goes straight down where there is room, rather than in small steps to and fro.
fn straighten(layers: &[Vec<usize>], places: &mut [Place], links: &[Link]) {
    let room = |places: &[Place], n: usize| {
        let layer = layers.get(places[n].rank).map(Vec::as_slice).unwrap_or_default();
        let at = layer.iter().position(|other| *other == n).unwrap_or(0);
        let beside = |other: usize| (places[other].w + places[n].w) / 2.0 + BESIDE / 2.0;
        let low =
            at.checked_sub(1).and_then(|at| layer.get(at)).map_or(f64::MIN, |left| places[*left].x + beside(*left));
        let high = layer.get(at + 1).map_or(f64::MAX, |right| places[*right].x - beside(*right));
        (low.min(places[n].x), high.max(places[n].x))
    };
    for _ in 0..3 {
        for link in links.iter().filter(|link| !link.way.is_empty()) {
            let mut run: Vec<usize> = Vec::new();
            let mut shared = (f64::MIN, f64::MAX);
            let settle = |places: &mut [Place], run: &mut Vec<usize>, shared: (f64, f64)| {
                if !run.is_empty() {
                    let mean = run.iter().map(|n| places[*n].x).sum::<f64>() / run.len() as f64;
                    let x = mean.max(shared.0).min(shared.1);
                    run.drain(..).for_each(|n| places[n].x = x);
                }
            };
            for n in &link.way {
                let (low, high) = room(places, *n);
                let both = (low.max(shared.0), high.min(shared.1));
                if both.0 > both.1 {
                    settle(places, &mut run, shared);
                    shared = (low, high);
                } else {
                    shared = both;
                }
                run.push(*n);
            }
            settle(places, &mut run, shared);
        }
    }
}

/// The places nearest to those wanted, by weight, that keep the order and touch nothing: what wants to stand in one another's
/// place stands side by side around the middle of what they want.
fn apart(wanted: &[(f64, f64)], widths: &[f64]) -> Vec<f64> {
    let mut offsets = Vec::new();
    let mut offset = 0.0;
    for (n, width) in widths.iter().enumerate() {
        if let Some(before) = n.checked_sub(1).and_then(|before| widths.get(before)) {
            offset += (before + width) / 2.0 + BESIDE;
        }
        offsets.push(offset);
    }
    // Groups that move together: their place, their weight, how many they are.
    let mut groups: Vec<(f64, f64, usize)> = Vec::new();
    for ((want, weight), offset) in wanted.iter().zip(&offsets) {
        groups.push((want - offset, *weight, 1));
        while let [.., before, last] = groups.as_slice() {
            if before.0 <= last.0 {
                break;
            }
            let weight = before.1 + last.1;
            let joined = ((before.0 * before.1 + last.0 * last.1) / weight, weight, before.2 + last.2);
            groups.truncate(groups.len() - 2);
            groups.push(joined);
        }
    }
    let places = groups.iter().flat_map(|(place, _, count)| std::iter::repeat_n(*place, *count));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

/// Down: layers one below the other; then the ways of the arrows, and everything that stands inside boxes.
pub(super) fn down(
    tree: &Tree,
    layers: &[Vec<usize>],
    places: &[Place],
    links: &[Link],
    inner: BTreeMap<usize, (Vec<Port>, Laid)>,
    ports: &[Port],
) -> Laid {
    let left = places.iter().map(|place| place.x - place.w / 2.0).fold(f64::INFINITY, f64::min);
    let left = if left.is_finite() { left } else { 0.0 };
    let right = places.iter().map(|place| place.x + place.w / 2.0).fold(left, f64::max);
    // The top and the bottom of each layer. Where many arrows go far to the side they get more room to do so.
    let mut aside = vec![0_usize; layers.len()];
    for (above, below) in steps(links) {
        let far = (places[above].x - places[below].x).abs() > 80.0;
        if let Some(count) = aside.get_mut(places[above].rank).filter(|_| far) {
            *count += 1;
        }
    }
    let mut bands: Vec<(f64, f64)> = Vec::new();
    let mut y = 0.0;
    for (layer, aside) in layers.iter().zip(aside) {
        let height = layer.iter().filter_map(|n| places.get(*n)).map(|place| place.h).fold(0.0, f64::max);
        bands.push((y, y + height));
        y += height + BETWEEN + (aside as f64 * 4.0).min(40.0);
    }
    let bottom = bands.last().map_or(0.0, |band| band.1);
    let band = |n: usize| bands.get(places[n].rank).copied().unwrap_or((0.0, 0.0));
    let rect = |n: usize| {
        let (place, (top, end)) = (&places[n], band(n));
        let y = top + (end - top - place.h) / 2.0;
        Rect { x: place.x - place.w / 2.0 - left, y, w: place.w, h: place.h }
    };
    let mut laid = Laid { size: (right - left, bottom), ports: vec![0.0; ports.len()], ..Laid::default() };
    for (n, place) in places.iter().enumerate() {
        match place.what {
            What::Child(id) => laid.nodes.push((id, rect(n))),
            What::Label(arrow) => laid.labels.push((arrow, rect(n))),
            What::Port(port) => {
                if let Some(slot) = laid.ports.get_mut(port) {
                    *slot = place.x - left;
                }
            }
            What::Passes => {}
        }
    }
    for link in links {
        let (above, below) = (rect(link.ends.0), rect(link.ends.1));
        let (first, last) = (above.x + above.w / 2.0 + link.at.0, below.x + below.w / 2.0 + link.at.1);
        // Straight through its own layer, whatever stands beside it there.
        let (upper, lower) = (band(link.ends.0).1, band(link.ends.1).0);
        let mut points: Vec<Point> = vec![(first, above.y + above.h), (first, upper)];
        for n in &link.way {
            let (x, (top, end)) = (places[*n].x - left, band(*n));
            points.extend([(x, top), (x, end)]);
        }
        points.extend([(last, lower), (last, below.y)]);
        if link.upward {
            points.reverse();
        }
        laid.pieces.push(Piece { arrow: link.arrow, order: link.order, points });
    }
    for (n, (_, held)) in inner {
        let (outer, x) = (rect(n), slack(places, n, &held));
        let head = tree
            .nodes
            .iter()
            .enumerate()
            .find(|(id, _)| places[n].what == What::Child(*id))
            .map_or(0.0, |(_, node)| head_height(node));
        let by = (outer.x + PAD + x, outer.y + head);
        laid.nodes.extend(held.nodes.into_iter().map(|(id, rect)| (id, rect.moved(by))));
        laid.labels.extend(held.labels.into_iter().map(|(arrow, rect)| (arrow, rect.moved(by))));
        for piece in held.pieces {
            let points = piece.points.iter().map(|point| (point.0 + by.0, point.1 + by.1)).collect();
            laid.pieces.push(Piece { points, ..piece });
        }
    }
    laid
}
