//! Whether what an oscilloscope saw is what was promised: one cell of the matrix for each output of a scene. Owns how a promise
//! is held against the pins; what is promised stands in [`super::bounds`].

use link::{LineId, Micros};

use super::bounds::{Bound, Promise, Times};
use super::judge::{Spell, is_on, safe_after_us, spells};
use super::scene::{BEGINS_US, DIES_US, Scene};
use super::stage::Seen;
use super::way::Way;
use super::{Held, Output};

/// By how much an edge of a session that goes on may differ from one in which nothing died, in µs: what P1 and P2 are held up
/// by one another.
const ALIKE_US: u64 = 60;

/// How often the pads of outputs that nobody moves are looked at, in µs.
const LOOK_US: u64 = 5_000;

/// One cell: an output, in a state, when something died.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Which output.
    pub output: Output,
    /// Its state.
    pub held: Held,
    /// What was promised.
    pub promise: Promise,
    /// How long it was on after something died, in µs; none if nothing was to become of it.
    pub safe_after_us: Option<Micros>,
    /// What is wrong with it, if anything is.
    pub complaint: Option<String>,
}

/// The cells of a scene, in which something died, beside the same scene in which nothing did. An output whose pad is stuck has
/// none: software cannot move it.
#[must_use]
pub fn cells(scene: &Scene, way: &Way, seen: &Seen, control: &Seen) -> Vec<Cell> {
    let compiled = scene.compiled();
    let sensed_within_us = scene.cast.iter().filter_map(|cast| cast.output.sensed_within_us).max().unwrap_or(0);
    let times = Times { silence_us: scene.silence_us, carry_on_us: scene.carry_on_us, sensed_within_us };
    let victim = match way {
        Way::Stuck { output, .. } => Some(output.as_str()),
        _ => None,
    };
    let silent = scene.cast.iter().filter(|cast| match victim {
        Some(victim) => cast.output.name == victim,
        None => *way == Way::SensorsDead && cast.output.sensed_within_us.is_some(),
    });
    let noticed_at =
        silent.filter_map(|cast| noticed_at(Scene::line(&compiled, &cast.output.name), way, control)).min();
    let judged = scene.cast.iter().filter(|cast| Some(cast.output.name.as_str()) != victim);
    judged
        .map(|cast| {
            let line = Scene::line(&compiled, &cast.output.name);
            let (was, would) = (until(spells(&seen.edges, line), seen), until(spells(&control.edges, line), control));
            let promise = way.promise(&cast.output, times);
            let (safe_after_us, mut complaint) = held_against(promise.bound, &was, &would, seen, noticed_at);
            let lit = is_on(&was, DIES_US - 1);
            if was.iter().any(|spell| spell.from < BEGINS_US) {
                complaint = Some(format!("it was on before anything was asked of it: {was:?}"));
            }
            // A pad that was stuck before may have been found out by then.
            let found_out = noticed_at.is_some_and(|at| at < DIES_US);
            if promise.bound != Bound::Never && !found_out && lit != cast.is_on {
                let level = if lit { "on" } else { "off" };
                complaint = Some(format!("it was {level} when something died: the scene is not what it should be"));
            }
            Cell { output: cast.output.clone(), held: cast.held, promise, safe_after_us, complaint }
        })
        .collect()
}

/// Spells as far as they count: until what died is alive again.
fn until(mut spells: Vec<Spell>, seen: &Seen) -> Vec<Spell> {
    spells.retain(|spell| spell.from < seen.until);
    for spell in &mut spells {
        if seen.until != Micros::MAX && spell.until >= seen.until {
            // What goes on beyond is nothing that was left on.
            spell.until = seen.until;
        }
    }
    spells
}

/// When it is found out at the latest that an output does not follow, or is not seen: when it next is to go the other way, or
/// when its pad is looked at.
fn noticed_at(line: LineId, way: &Way, control: &Seen) -> Option<Micros> {
    let spells = until(spells(&control.edges, line), control);
    let (rises, falls, from) = match way {
        // It is not as it is held, though nobody moves it.
        Way::Stuck { on, before: false, .. } if is_on(&spells, control.died_at) != *on => {
            return Some(control.died_at + LOOK_US);
        }
        Way::Stuck { on, before: true, .. } => (!on, *on, 0),
        Way::Stuck { on, before: false, .. } => (!on, *on, control.died_at),
        _ => (true, true, control.died_at),
    };
    let edges = spells.iter().flat_map(|spell| [(rises, spell.from), (falls, spell.until)]);
    edges.filter(|(counts, at)| *counts && *at > from).map(|(_, at)| at).min()
}

/// The time until it was safe, and what is wrong.
fn held_against(
    bound: Bound,
    was: &[Spell],
    would: &[Spell],
    seen: &Seen,
    noticed_at: Option<Micros>,
) -> (Option<Micros>, Option<String>) {
    let died_at = seen.died_at;
    let safe_us = safe_after_us(was, died_at);
    match bound {
        Bound::Never if was.is_empty() => (Some(0), None),
        Bound::Never => (Some(safe_us), Some(format!("it was on {} times", was.len()))),
        Bound::Within(us) if safe_us <= us => (Some(safe_us), None),
        Bound::Within(us) => {
            (Some(safe_us), Some(format!("on for {} after something died, not {}", shown(safe_us), shown(us))))
        }
        Bound::Unchanged => (None, unlike(was, would, seen)),
        Bound::WithinOrUnchanged(us) if safe_us <= us => (Some(safe_us), None),
        Bound::WithinOrUnchanged(_) => (None, unlike(was, would, seen)),
        Bound::AfterNextEdge(us) => match noticed_at {
            // It is never driven: nothing is found out, or by looking at pads that nobody moves.
            None => match unlike(was, would, seen) {
                Some(_) if sooner(was, would) => (Some(safe_us), None),
                found => (None, found),
            },
            Some(at) => {
                let (safe_us, complaint) =
                    held_against(Bound::Within(us), was, would, &Seen { died_at: at, ..seen.clone() }, None);
                (safe_us, complaint)
            }
        },
    }
}

/// Whether an output was on as in a session in which nothing died, up to some moment, and then no more.
fn sooner(was: &[Spell], would: &[Spell]) -> bool {
    let alike = |one: &Spell, other: &Spell| one.from.abs_diff(other.from) <= ALIKE_US;
    was.len() <= would.len()
        && was.iter().zip(would).all(|(one, other)| alike(one, other) && one.until <= other.until + ALIKE_US)
}

/// What differs from a session in which nothing died.
fn unlike(was: &[Spell], would: &[Spell], seen: &Seen) -> Option<String> {
    let began = |spells: &[Spell]| spells.iter().filter(|spell| spell.from < seen.until).count();
    let alike = |one: &Spell, other: &Spell| {
        let ends = [one.until, other.until].map(|until| until.min(seen.until));
        one.from.abs_diff(other.from) <= ALIKE_US && ends[0].abs_diff(ends[1]) <= ALIKE_US
    };
    let differs = was.iter().zip(would).position(|(one, other)| !alike(one, other));
    match differs {
        Some(place) => Some(format!("{:?} and not {:?}, as without anything dying", was[place], would[place])),
        None if began(was) != began(would) => Some(format!("it was on {} times, not {}", began(was), began(would))),
        None => None,
    }
}

/// A time for a person.
#[must_use]
pub fn shown(us: Micros) -> String {
    match us {
        Micros::MAX => "never off".to_owned(),
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}
