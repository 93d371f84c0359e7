//! Chains of transitions that wait for nothing and may lead round: the device ends one after so many, as a fault. Circles that
//! surely never rest are an error of their own; here are those that may not.

use std::collections::BTreeMap;

use link::StateId;
use link::limits::MAX_CHAIN;
use link::program::op::{OpCode, Special};

use super::Paper;
use super::claim::{Known, Tree, is_state_time};
use super::graph::{Waits, Way};
use super::interval::Interval;
use crate::diagnostic::{Span, listed};

/// How many ways a circle may have that is looked for: longer ones are told of by what they share with shorter ones.
const LONGEST: usize = 8;
/// How many circles are looked at: a state in which everything leads everywhere has more than anybody would read.
const MOST: usize = 10_000;

impl Paper<'_, '_> {
    pub(super) fn chains(&mut self) {
        let at_once: Vec<&Way> = self.graph.ways.iter().filter(|way| self.takes_no_time(way)).collect();
        let mut by_state: BTreeMap<StateId, Vec<&Way>> = BTreeMap::new();
        for way in at_once {
            by_state.entry(way.from).or_default().push(way);
        }
        let mut told: Vec<Vec<StateId>> = Vec::new();
        let mut looked = 0;
        for first in by_state.keys().copied() {
            let mut open: Vec<Vec<&Way>> = by_state[&first].iter().map(|way| vec![*way]).collect();
            while let Some(path) = open.pop() {
                looked += 1;
                if looked > MOST {
                    return;
                }
                let Some(last) = path.last() else { continue };
                if last.to == first {
                    let mut round: Vec<StateId> = path.iter().map(|way| way.from).collect();
                    round.sort_unstable();
                    if !told.contains(&round) && self.may_all_hold(&path) {
                        self.tell_chain(&path);
                        told.push(round);
                    }
                    continue;
                }
                // Each circle is found from its lowest state, and through each state once.
                if last.to < first || path.len() >= LONGEST || path.iter().any(|way| way.from == last.to) {
                    continue;
                }
                for next in by_state.get(&last.to).into_iter().flatten() {
                    let mut longer = path.clone();
                    longer.push(next);
                    open.push(longer);
                }
            }
        }
    }

    /// Whether a way may be gone in the microsecond its state is entered in.
    fn takes_no_time(&self, way: &Way) -> bool {
        match way.waits {
            Waits::When => true,
            Waits::Time { at_once } => at_once,
            Waits::Event(_) => false,
        }
    }

    /// Whether the conditions of a circle may hold together, in a microsecond in which no time passes. What is drawn or set on
    /// the way may change them: then nothing is told.
    fn may_all_hold(&self, path: &[&Way]) -> bool {
        let mut leaves = Vec::new();
        let mut all: Option<Tree> = None;
        for guard in path.iter().filter_map(|way| way.guard.as_ref()) {
            guard.leaves(&mut leaves);
            all = Some(match all {
                Some(before) => before.and(guard.clone()),
                None => guard.clone(),
            });
        }
        let asks = |of: &[Special]| {
            let asked =
                leaves.iter().filter(|leaf| leaf.code == OpCode::Special).filter_map(|leaf| Special::from_u8(leaf.a));
            asked.into_iter().any(|special| of.contains(&special))
        };
        let changed = path.iter().flat_map(|way| &way.code).any(|op| match op.code {
            OpCode::Store => leaves.iter().any(|leaf| leaf.code == OpCode::Load && leaf.b == op.b),
            OpCode::Draw => {
                let variable = self.program.draw(usize::from(op.b)).variable;
                leaves.iter().any(|leaf| leaf.code == OpCode::Load && leaf.b == variable.0)
            }
            // A trial, a timer or an outcome on the way changes what is asked of it.
            OpCode::Trial => asks(&[Special::Trial, Special::TrialTime, Special::Outcome]),
            OpCode::Outcome => asks(&[Special::Outcome]),
            OpCode::TimerStart | OpCode::TimerStop => asks(&[Special::TimerLeft, Special::TimerRunning]),
            _ => false,
        });
        if changed || leaves.iter().any(|leaf| leaf.code == OpCode::InState) {
            return false;
        }
        let nothing: Known =
            leaves.iter().filter(|leaf| is_state_time(**leaf)).map(|leaf| (leaf.to_word(), Interval::one(0))).collect();
        all.is_none_or(|all| !all.range_with(self.ranges, &nothing).is_false())
    }

    fn tell_chain(&mut self, path: &[&Way]) {
        // A circle of conditions that always hold is an error, which was told.
        if path
            .iter()
            .all(|way| way.waits == Waits::When && way.guard.as_ref().is_none_or(|g| g.range(self.ranges).is_true()))
        {
            return;
        }
        let place = |way: &Way| -> Option<Span> {
            let places = if way.waits == Waits::When { &self.places.whens } else { &self.places.afters };
            places.get(way.row).copied().flatten()
        };
        let Some(span) = path.iter().find_map(|way| place(way)) else { return };
        let names: Vec<&str> = path.iter().map(|way| self.state(way.from)).collect();
        let round = match names.as_slice() {
            [only] => format!("`{only}` may lead to itself"),
            names => format!("{} may follow one another in a circle", listed(names.iter().copied())),
        };
        self.reporter.warning("W064-may-not-rest", span, format!("{round} without any time passing")).help(format!(
            "the device ends the session after {MAX_CHAIN} transitions in one µs: let one of them wait, or let their \
                 conditions exclude each other"
        ));
    }
}
