//! The graph of a program's states: which may be active together in one region, and every way from one to another with the
//! code that is run on it. A configuration is named by its innermost state: what holds that is active with it.

use std::collections::BTreeSet;

use link::limits::MAX_DEPTH;
use link::program::op::Op;
use link::program::rows::{Code, State};
use link::program::{Program, Table};
use link::{RegionId, StateId};

use super::claim::Tree;
use super::ranges::{Ranges, ops};

/// What a way waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Waits {
    /// An event, by its number.
    Event(u16),
    /// A time, which may be none at all.
    Time { at_once: bool },
    /// Something to hold.
    When,
}

/// A way from a configuration to another.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) from: StateId,
    pub(super) to: StateId,
    pub(super) waits: Waits,
    /// Its condition; none if there is none.
    pub(super) guard: Option<Tree>,
    /// What is run on it, in order: exits, its own actions, entries.
    pub(super) code: Vec<Op>,
    /// How many of those operations are exits.
    pub(super) exits: usize,
    /// Which of the row table of its kind it is.
    pub(super) row: usize,
}

/// A configuration that may be reached.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) state: StateId,
    pub(super) region: RegionId,
    /// The active states, outermost first.
    pub(super) path: Vec<(StateId, State)>,
    /// What is done without leaving it.
    pub(super) handled: Vec<Vec<Op>>,
}

/// The graph.
pub(super) struct Graph {
    pub(super) leaves: Vec<Leaf>,
    pub(super) ways: Vec<Way>,
    /// Per region, the configuration it starts in and what is run then.
    pub(super) starts: Vec<(StateId, Vec<Op>)>,
}

impl Graph {
    pub(super) fn new(program: &Program<'_>, ranges: &Ranges<'_>) -> Self {
        let mut graph = Self { leaves: Vec::new(), ways: Vec::new(), starts: Vec::new() };
        let count = program.rows(Table::States);
        let mut seen = vec![false; count];
        for region in 0..program.rows(Table::Regions) {
            let start = program.region(region).start;
            let first = leaf(program, start);
            let code = first.path.iter().flat_map(|(_, row)| ops(program, row.entry)).collect();
            graph.starts.push((first.state, code));
            let mut open = vec![first.state];
            while let Some(state) = open.pop() {
                match seen.get_mut(state.index()) {
                    Some(seen) if !*seen => *seen = true,
                    _ => continue,
                }
                let leaf = leaf(program, state);
                graph.ways_of(program, ranges, &leaf, &mut open);
                graph.leaves.push(leaf);
            }
        }
        graph.backwards(program);
        graph
    }

    /// The ways out of a configuration; where they lead is still to be looked at.
    fn ways_of(&mut self, program: &Program<'_>, ranges: &Ranges<'_>, from: &Leaf, open: &mut Vec<StateId>) {
        for (_, row) in &from.path {
            let mut found: Vec<(usize, Waits, StateId, Code, Code)> = Vec::new();
            for n in row.rules.range() {
                let rule = program.rule(n);
                found.push((n, Waits::Event(rule.event.0), rule.target, rule.guard, rule.action));
            }
            for n in row.afters.range() {
                let after = program.after(n);
                let at_once = after.duration == Code::NONE || ranges.of(&ops(program, after.duration)).low <= 0;
                found.push((n, Waits::Time { at_once }, after.target, after.guard, after.action));
            }
            for n in row.whens.range() {
                let when = program.when(n);
                found.push((n, Waits::When, when.target, when.guard, when.action));
            }
            for (row, waits, target, guard, action) in found {
                if target == StateId::NONE {
                    continue;
                }
                let guard = (guard != Code::NONE).then(|| Tree::of(&ops(program, guard), ranges));
                if guard.as_ref().is_some_and(|guard| guard.range(ranges).is_false()) {
                    continue;
                }
                let action = ops(program, action);
                let (to, code, exits) = if target == StateId::BACK {
                    (StateId::BACK, action, 0)
                } else {
                    let to = leaf(program, target);
                    open.push(to.state);
                    let (code, exits) = run_on(program, from, &to, target, action);
                    (to.state, code, exits)
                };
                self.ways.push(Way { from: from.state, to, waits, guard, code, exits, row });
            }
        }
    }

    /// A way back leads to any configuration that leads here, be it by a way back of its own.
    fn backwards(&mut self, program: &Program<'_>) {
        let (back, mut ways): (Vec<Way>, Vec<Way>) =
            std::mem::take(&mut self.ways).into_iter().partition(|way| way.to == StateId::BACK);
        let mut leads: BTreeSet<(StateId, StateId)> = ways.iter().map(|way| (way.from, way.to)).collect();
        let mut done: BTreeSet<(usize, StateId)> = BTreeSet::new();
        loop {
            let before = leads.len();
            for (n, way) in back.iter().enumerate() {
                let sources: Vec<StateId> =
                    leads.iter().filter(|(_, to)| *to == way.from).map(|(from, _)| *from).collect();
                for to in sources.into_iter().filter(|to| done.insert((n, *to))) {
                    let (from, target) = (leaf(program, way.from), leaf(program, to));
                    let (code, exits) = run_on(program, &from, &target, to, way.code.clone());
                    leads.insert((way.from, to));
                    ways.push(Way { to, code, exits, ..way.clone() });
                }
            }
            if leads.len() == before {
                break;
            }
        }
        self.ways = ways;
    }

    pub(super) fn ways_from(&self, state: StateId) -> impl Iterator<Item = &Way> {
        self.ways.iter().filter(move |way| way.from == state)
    }
}

/// What is run on a transition: exits from the inside out, its own actions, entries from the outside in; and how many of the
/// operations are exits.
fn run_on(program: &Program<'_>, from: &Leaf, to: &Leaf, target: StateId, action: Vec<Op>) -> (Vec<Op>, usize) {
    let depth = usize::from(program.state(target.index()).depth);
    let above = to.path.get(..depth).unwrap_or_default();
    let held = |(outer, _): &&(StateId, State)| from.path.iter().any(|(active, _)| active == outer);
    let kept = above.iter().take_while(held).count();
    let left = from.path.get(kept..).unwrap_or_default().iter().rev().flat_map(|(_, row)| ops(program, row.exit));
    let mut code: Vec<Op> = left.collect();
    let exits = code.len();
    code.extend(action);
    code.extend(to.path.get(kept..).unwrap_or_default().iter().flat_map(|(_, row)| ops(program, row.entry)));
    (code, exits)
}

/// The configuration that is entered with a state.
fn leaf(program: &Program<'_>, state: StateId) -> Leaf {
    let mut inner = state;
    for _ in 0..MAX_DEPTH {
        match program.state(inner.index()).initial {
            StateId::NONE => break,
            initial => inner = initial,
        }
    }
    let (mut path, mut at) = (Vec::new(), inner);
    for _ in 0..=MAX_DEPTH {
        if at == StateId::NONE {
            break;
        }
        let row = program.state(at.index());
        path.push((at, row));
        at = row.parent;
    }
    path.reverse();
    let mut handled = Vec::new();
    for (_, row) in &path {
        let rules = row.rules.range().map(|n| program.rule(n)).filter(|rule| rule.target == StateId::NONE);
        let afters = row.afters.range().map(|n| program.after(n)).filter(|after| after.target == StateId::NONE);
        let actions = rules.map(|rule| rule.action).chain(afters.map(|after| after.action));
        handled.extend(actions.map(|action| ops(program, action)).filter(|ops| !ops.is_empty()));
    }
    let region = path.first().map_or(RegionId(0), |(_, row)| row.region);
    Leaf { state: inner, region, path, handled }
}
