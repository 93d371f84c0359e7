//! Which layer everything stands in: arrows that would lead round are turned, then each box stands below all that lead to it.

use super::boxes::label_size;
use super::{Link, Place, What};
use crate::tree::Tree;

/// Turns the arrows that would lead round, found from the first box on; from here on each leads from its upper end to its lower.
pub(super) fn turn(count: usize, links: &mut [Link]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        OnTheWay,
        Done,
    }
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (n, link) in links.iter().enumerate() {
        if let Some(out) = out.get_mut(link.ends.0) {
            out.push(n);
        }
    }
    let mut seen = vec![Seen::Not; count];
    let mut turned = Vec::new();
    for first in 0..count {
        if seen.get(first) != Some(&Seen::Not) {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(first, 0)];
        if let Some(seen) = seen.get_mut(first) {
            *seen = Seen::OnTheWay;
        }
        while let Some((at, next)) = path.pop() {
            let Some(link) = out.get(at).and_then(|out| out.get(next)).copied() else {
                if let Some(seen) = seen.get_mut(at) {
                    *seen = Seen::Done;
                }
                continue;
            };
            path.push((at, next + 1));
            let Some(to) = links.get(link).map(|link| link.ends.1) else { continue };
            match seen.get(to) {
                Some(Seen::OnTheWay) => turned.push(link),
                Some(Seen::Not) => {
                    if let Some(seen) = seen.get_mut(to) {
                        *seen = Seen::OnTheWay;
                    }
                    path.push((to, 0));
                }
                _ => {}
            }
        }
    }
    for n in turned {
        if let Some(link) = links.get_mut(n) {
            link.ends = (link.ends.1, link.ends.0);
            link.upward = true;
        }
    }
}

/// How many layers a link spans at least: its words need one between.
const fn length(link: &Link) -> usize {
    if link.labelled { 2 } else { 1 }
}

/// Gives everything its layer, as high up as can be; what nothing leads to stands right above what it leads to.
pub(super) fn rank(places: &mut [Place], links: &[Link]) {
    // Without a circle this settles after as many rounds as there are layers.
    for _ in 0..=places.len() {
        let mut moved = false;
        for link in links {
            let above = places.get(link.ends.0).map_or(0, |place| place.rank) + length(link);
            if let Some(place) = places.get_mut(link.ends.1).filter(|place| place.rank < above) {
                place.rank = above;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    for n in 0..places.len() {
        if links.iter().any(|link| link.ends.1 == n) {
            continue;
        }
        let below = links.iter().filter(|link| link.ends.0 == n);
        let below = below.filter_map(|link| Some(places.get(link.ends.1)?.rank.saturating_sub(length(link)))).min();
        if let (Some(rank), Some(place)) = (below, places.get_mut(n)) {
            place.rank = rank;
        }
    }
}

/// Puts what a link passes, and its words, into the layers between its ends.
pub(super) fn fill(tree: &Tree, places: &mut Vec<Place>, links: &mut [Link]) {
    for link in links {
        let rank = |places: &[Place], n: usize| places.get(n).map_or(0, |place| place.rank);
        let (above, below) = (rank(places, link.ends.0), rank(places, link.ends.1));
        let middle = above + (below.saturating_sub(above)) / 2;
        for rank in above + 1..below {
            let (what, (w, h)) = match tree.arrows.get(link.arrow) {
                Some(arrow) if link.labelled && rank == middle => (What::Label(link.arrow), label_size(&arrow.labels)),
                _ => (What::Passes, (8.0, 0.0)),
            };
            link.way.push(places.len());
            places.push(Place { what, w, h, rank, x: 0.0 });
        }
    }
}
