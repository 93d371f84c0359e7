//! What `when`s cost that follow one thing handled: all of them are asked until none holds, and each that holds leads on. How far
//! that may go is decided by the graph of states and by what cannot hold together: no input changes its level meanwhile, so
//! a `when` that an input is active and one that it is not never follow each other.

use std::collections::{BTreeMap, BTreeSet};

use link::StateId;
use link::limits::MAX_CHAIN;
use link::program::op::{Op, OpCode, Special};
use link::program::rows::Code;

use super::code::{Codes, Cost};
use super::states::{Leaf, States};
use super::table;

/// Something that holds, or does not, and does not change while `when`s are followed.
type Fact = (String, bool);
type Facts = BTreeSet<Fact>;

/// Ways looked at in one region before the rest is left to the engine's limit.
const WAYS_MAX: usize = 20_000;

/// All asked once, in vain.
pub(super) fn asked(states: &States<'_>, codes: &Codes<'_>) -> Cost {
    if !states.any_whens {
        return Cost::default();
    }
    let mut ask = Cost::of(table::WHENS);
    for leaves in &states.regions {
        let most = leaves.iter().map(|leaf| states.ask_whens(codes, leaf));
        ask += &most.fold(Cost::default(), |most, cost| most.or(&cost));
    }
    ask
}

/// What follows each thing handled; and what the longest chain costs that the engine allows, if the graph leaves it open.
pub(super) fn followed(states: &States<'_>, codes: &Codes<'_>) -> (Cost, Cost) {
    if !states.any_whens {
        return (Cost::default(), Cost::default());
    }
    let ask = asked(states, codes);
    let (mut all, mut turn) = (ask.clone(), Cost::default());
    for leaves in &states.regions {
        let mut ways = Ways { states, codes, leaves, ask: &ask, known: BTreeMap::new(), turn: Cost::default() };
        let mut most = Cost::default();
        for leaf in leaves {
            most = most.or(&ways.longest(leaf, &Facts::new()));
        }
        all += &most;
        turn = turn.or(&ways.turn);
    }
    let chain = if all.open { (turn + &ask).times(u64::from(MAX_CHAIN)) } else { Cost::default() };
    (all, chain)
}

/// The ways `when`s may lead within one region.
struct Ways<'a, 'p> {
    states: &'a States<'p>,
    codes: &'a Codes<'p>,
    leaves: &'a [Leaf],
    ask: &'a Cost,
    /// Per configuration and what holds, the costliest way on; none while it is looked at.
    known: BTreeMap<(u16, Facts), Option<Cost>>,
    /// The costliest single transition.
    turn: Cost,
}

impl Ways<'_, '_> {
    /// The costliest way on from a configuration, if these things hold.
    fn longest(&mut self, leaf: &Leaf, facts: &Facts) -> Cost {
        let place = (leaf.state.0, facts.clone());
        match self.known.get(&place) {
            Some(Some(cost)) => return cost.clone(),
            // It is being looked at: the way leads round.
            Some(None) => return Cost { open: true, ..Cost::default() },
            None if self.known.len() >= WAYS_MAX => return Cost { open: true, ..Cost::default() },
            None => {}
        }
        self.known.insert(place.clone(), None);
        let mut most = Cost::default();
        // What must hold for the row at hand: that none before it does.
        let mut here = facts.clone();
        for (guard, target, action) in self.states.whens(leaf) {
            let Some(found) = self.facts(guard) else {
                most = most.or(&self.led_on(leaf, target, action, &here));
                continue;
            };
            if self.codes.may_hold(guard) && agree(&here, &found.if_true) {
                let then = here.union(&found.if_true).cloned().collect();
                most = most.or(&self.led_on(leaf, target, action, &then));
            }
            if !agree(&here, &found.if_false) {
                break;
            }
            here.extend(found.if_false);
        }
        self.known.insert(place, Some(most.clone()));
        most
    }

    fn led_on(&mut self, leaf: &Leaf, target: StateId, action: Code, facts: &Facts) -> Cost {
        let mut most = Cost::default();
        for target in self.states.targets(leaf, target) {
            let go = self.states.go_to(self.codes, leaf, target, action);
            self.turn = self.turn.clone().or(&go);
            let next = self.states.innermost(target);
            let mut way = go + self.ask;
            if let Some(next) = self.leaves.iter().find(|leaf| leaf.state == next) {
                way += &self.longest(next, facts);
            }
            most = most.or(&way);
        }
        most
    }

    /// What a guard that holds, or does not, says of things that do not change; none if there are no operations.
    fn facts(&self, guard: Code) -> Option<Said> {
        let mut stack: Vec<Said> = Vec::new();
        for op in self.codes.straight(guard)? {
            let (pops, _) = op.code.stack_effect();
            let kept = stack.len().saturating_sub(usize::from(pops));
            let of = stack.split_off(kept);
            stack.push(self.said(op, of));
        }
        stack.pop()
    }

    fn said(&self, op: Op, of: Vec<Said>) -> Said {
        let fixed = match op.code {
            OpCode::Special => matches!(Special::from_u8(op.a), Some(Special::Level | Special::SessionTime)),
            OpCode::Load => self.codes.is_sure(op.b),
            OpCode::InState | OpCode::Element => false,
            _ => true,
        };
        let mut said = Said { fixed: fixed && of.iter().all(|one| one.fixed), ..Said::default() };
        let inner: Vec<&str> = of.iter().map(|one| one.text.as_str()).collect();
        said.text = format!("({:?} {} {} {})", op.code, op.a, op.b, inner.join(" "));
        match (op.code, of.as_slice()) {
            (OpCode::Not, [one]) => (said.if_true, said.if_false) = (one.if_false.clone(), one.if_true.clone()),
            (OpCode::And, [x, y]) => said.if_true = x.if_true.union(&y.if_true).cloned().collect(),
            (OpCode::Or, [x, y]) => said.if_false = x.if_false.union(&y.if_false).cloned().collect(),
            _ => {}
        }
        if said.fixed && op.code != OpCode::Not {
            said.if_true.insert((said.text.clone(), true));
            said.if_false.insert((said.text.clone(), false));
        }
        said
    }
}

/// What a value says, as a truth.
#[derive(Debug, Default)]
struct Said {
    text: String,
    /// Whether it cannot change while `when`s are followed.
    fixed: bool,
    if_true: Facts,
    if_false: Facts,
}

fn agree(one: &Facts, other: &Facts) -> bool {
    other.iter().all(|(what, holds)| !one.contains(&(what.clone(), !holds)))
}
