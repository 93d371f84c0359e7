//! In which order things stand in their layer: such that few arrows cross. Each layer is sorted by the middle of what it is
//! linked to in the one beside it, up and down in turn, and the best order found is kept.

use super::{Link, Place};

/// Sweeps up and down.
const SWEEPS: usize = 32;

/// What stands in each layer, as it was found.
pub(super) fn layers(places: &[Place]) -> Vec<Vec<usize>> {
    let count = places.iter().map(|place| place.rank + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); count];
    for (n, place) in places.iter().enumerate() {
        if let Some(layer) = layers.get_mut(place.rank) {
            layer.push(n);
        }
    }
    layers
}

/// Each step of a link from one layer to the next.
pub(super) fn steps(links: &[Link]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for link in links {
        let mut above = link.ends.0;
        for next in link.way.iter().copied().chain([link.ends.1]) {
            found.push((above, next));
            above = next;
        }
    }
    found
}

pub(super) fn order(layers: &mut Vec<Vec<usize>>, places: &[Place], links: &[Link]) {
    let steps = steps(links);
    let (mut up, mut down) = (vec![Vec::new(); places.len()], vec![Vec::new(); places.len()]);
    for (above, below) in &steps {
        down[*above].push(*below);
        up[*below].push(*above);
    }
    let mut best = layers.clone();
    let mut fewest = crossings(&best, &down, places.len());
    for sweep in 0..SWEEPS {
        let downwards = sweep % 2 == 0;
        let beside = if downwards { &up } else { &down };
        let ranks: Vec<usize> = if downwards { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        let mut position = positions(layers, places.len());
        for rank in ranks {
            let Some(layer) = layers.get_mut(rank) else { continue };
            let middle = |n: &usize| {
                let linked = beside.get(*n).map(Vec::as_slice).unwrap_or_default();
                match linked.len() {
                    0 => position[*n],
                    count => linked.iter().map(|other| position[*other]).sum::<f64>() / count as f64,
                }
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|n| (middle(n), *n)).collect();
            // What is alike changes places now and then, or the same knot would stay for ever.
            if sweep % 4 > 1 {
                keyed.reverse();
            }
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            *layer = keyed.into_iter().map(|(_, n)| n).collect();
            let count = layer.len().max(1) as f64;
            for (at, n) in layer.iter().enumerate() {
                position[*n] = (at as f64 + 0.5) / count;
            }
        }
        swap_neighbours(layers, &up, &down);
        let now = crossings(layers, &down, places.len());
        if now < fewest {
            (fewest, best) = (now, layers.clone());
        }
        if fewest == 0 {
            break;
        }
    }
    *layers = best;
}

/// The place of each in its layer, from 0 to 1.
fn positions(layers: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut position = vec![0.0; count];
    for layer in layers {
        for (at, n) in layer.iter().enumerate() {
            position[*n] = (at as f64 + 0.5) / layer.len() as f64;
        }
    }
    position
}

/// Swaps neighbours where that takes crossings away, a few times over.
fn swap_neighbours(layers: &mut [Vec<usize>], up: &[Vec<usize>], down: &[Vec<usize>]) {
    for _ in 0..4 {
        let mut at = vec![0_usize; up.len()];
        for layer in layers.iter() {
            for (n, place) in layer.iter().enumerate() {
                at[*place] = n;
            }
        }
        let mut swapped = false;
        for layer in layers.iter_mut() {
            for n in 1..layer.len() {
                let (left, right) = (layer[n - 1], layer[n]);
                let crossed = |one: &[usize], other: &[usize]| {
                    one.iter().map(|a| other.iter().filter(|b| at[*a] > at[**b]).count()).sum::<usize>()
                };
                let now = crossed(&up[left], &up[right]) + crossed(&down[left], &down[right]);
                let then = crossed(&up[right], &up[left]) + crossed(&down[right], &down[left]);
                if then < now {
                    layer.swap(n - 1, n);
                    (at[left], at[right]) = (n, n - 1);
                    swapped = true;
                }
            }
        }
        if !swapped {
            break;
        }
    }
}

/// How often links cross between neighbouring layers.
fn crossings(layers: &[Vec<usize>], down: &[Vec<usize>], count: usize) -> usize {
    let mut at = vec![0_usize; count];
    for layer in layers {
        for (n, place) in layer.iter().enumerate() {
            at[*place] = n;
        }
    }
    let mut all = 0;
    for (layer, below) in layers.iter().zip(layers.iter().skip(1)) {
        // Lower ends in the order of the upper ones; each pair out of order is a crossing, counted in a tree of sums.
        let mut sums = vec![0_usize; below.len() + 1];
        let mut before = 0_usize;
        for place in layer {
            let mut ends: Vec<usize> = down[*place].iter().map(|end| at[*end]).collect();
            ends.sort_unstable();
            for end in &ends {
                let mut smaller = 0;
                let mut n = end + 1;
                while n > 0 {
                    smaller += sums[n];
                    n &= n - 1;
                }
                all += before - smaller;
            }
            for end in ends {
                before += 1;
                let mut n = end + 1;
                while n < sums.len() {
                    sums[n] += 1;
                    n += n & n.wrapping_neg();
                }
            }
        }
    }
    all
}
