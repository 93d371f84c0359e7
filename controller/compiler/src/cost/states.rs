//! Which states may be active together in one region, and what it costs them to hear something, to be left and entered, to ask
//! their `when`s. A configuration is named by its innermost state: what holds that is active with it.

use std::collections::{BTreeMap, BTreeSet};

use link::limits::MAX_DEPTH;
use link::program::rows::{Code, Scope, Slice, State};
use link::program::{Program, Table};
use link::{EventId, StateId};

use super::code::{Cause, Codes, Cost};
use super::table;

/// A configuration that may be reached.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) state: StateId,
    /// The active states, outermost first.
    pub(super) path: Vec<(StateId, State)>,
}

/// The graph of a program's states.
pub(super) struct States<'p> {
    program: &'p Program<'p>,
    /// Per region, the configurations that may be reached.
    pub(super) regions: Vec<Vec<Leaf>>,
    /// Invariants that name a state, by state.
    named: BTreeMap<u16, u64>,
    pub(super) any_whens: bool,
    /// Per region, the events a state of it has rules for, by their number as the engine keeps it.
    heard: Vec<BTreeSet<u16>>,
}

/// Events are told apart by so many numbers, `firmware/engine/src/ears.rs`.
const EVENTS: u16 = 256;
/// And by so many of their low bits in one state.
const EVENT_BITS: u16 = 16;

impl<'p> States<'p> {
    pub(super) fn new(program: &'p Program<'p>, codes: &Codes<'p>) -> Self {
        let mut named = BTreeMap::new();
        for row in 0..program.rows(Table::Invariants) {
            let invariant = program.invariant(row);
            if invariant.scope == Scope::State {
                *named.entry(invariant.state.0).or_insert(0) += 1;
            }
        }
        let mut heard = vec![BTreeSet::new(); program.rows(Table::Regions)];
        for index in 0..program.rows(Table::States) {
            let state = program.state(index);
            if let Some(heard) = heard.get_mut(state.region.index()) {
                heard.extend(program.rules_of(&state).map(|rule| rule.event.0 % EVENTS));
            }
        }
        let any_whens = program.rows(Table::Whens) > 0;
        let mut states = Self { program, regions: Vec::new(), named, any_whens, heard };
        states.regions = (0..program.rows(Table::Regions))
            .map(|region| states.reachable(program.region(region).start, codes))
            .collect();
        states
    }

    fn row(&self, state: StateId) -> State {
        self.program.state(state.index())
    }

    /// The innermost state that is active once `state` is entered.
    pub(super) fn innermost(&self, mut state: StateId) -> StateId {
        for _ in 0..MAX_DEPTH {
            let initial = self.row(state).initial;
            if initial == StateId::NONE {
                break;
            }
            state = initial;
        }
        state
    }

    fn leaf(&self, state: StateId) -> Leaf {
        let state = self.innermost(state);
        let (mut path, mut at) = (Vec::new(), state);
        for _ in 0..MAX_DEPTH {
            if at == StateId::NONE {
                break;
            }
            let row = self.row(at);
            path.push((at, row));
            at = row.parent;
        }
        path.reverse();
        Leaf { state, path }
    }

    /// Everything that may be reached from a region's start; what goes back reaches nothing new.
    fn reachable(&self, start: StateId, codes: &Codes<'_>) -> Vec<Leaf> {
        let mut found: BTreeMap<u16, Leaf> = BTreeMap::new();
        let mut open = vec![self.innermost(start)];
        while let Some(state) = open.pop() {
            if found.contains_key(&state.0) {
                continue;
            }
            let leaf = self.leaf(state);
            for (_, row) in &leaf.path {
                let rules = self.program.rules_of(row).map(|rule| (rule.target, rule.guard));
                let afters = row.afters.range().map(|after| self.program.after(after));
                let whens = row.whens.range().map(|when| self.program.when(when));
                let ways = rules
                    .chain(afters.map(|after| (after.target, after.guard)))
                    .chain(whens.map(|when| (when.target, when.guard)));
                for (target, guard) in ways {
                    if target != StateId::NONE && target != StateId::BACK && codes.may_hold(guard) {
                        open.push(self.innermost(target));
                    }
                }
            }
            found.insert(state.0, leaf);
        }
        found.into_values().collect()
    }

    /// Where a transition may lead.
    pub(super) fn targets(&self, leaf: &Leaf, target: StateId) -> Vec<StateId> {
        if target != StateId::BACK {
            return vec![target];
        }
        let region = leaf.path.first().map_or(0, |(_, row)| row.region.index());
        self.regions.get(region).into_iter().flatten().map(|leaf| leaf.state).collect()
    }

    fn naming(&self, state: StateId) -> Option<u64> {
        self.named.get(&state.0).copied()
    }

    /// A transition of one configuration, to a state that is no way back.
    pub(super) fn go_to(&self, codes: &Codes<'_>, leaf: &Leaf, target: StateId, action: Code) -> Cost {
        let mut cost = Cost::of(table::GO);
        let whole = self.leaf(target);
        let depth = usize::from(self.row(target).depth);
        let above = whole.path.get(..depth).unwrap_or_default();
        let in_common = |(outer, _): &&(StateId, State)| leaf.path.iter().any(|(active, _)| active == outer);
        let kept = above.iter().take_while(in_common).count();
        cost += (depth - kept.min(depth)) as u64 * table::GO_LEVEL + table::GO_LEVEL;
        for (state, row) in leaf.path.get(kept..).unwrap_or_default().iter().rev() {
            cost += table::LEAVE + u64::from(row.afters.len) * table::DISARM;
            cost += if self.naming(*state).is_some() { table::NAMED } else { 0 };
            cost += &codes.act(row.exit);
        }
        cost += &codes.act(action);
        for (state, row) in whole.path.get(kept..).unwrap_or_default() {
            cost += &Cost::recorded(table::ENTER);
            cost += self.naming(*state).map_or(0, |count| table::NAMED + count * table::RESET);
            cost += &codes.act(row.entry);
            for after in row.afters.range() {
                cost += table::ARM;
                let duration = self.program.after(after).duration;
                cost += &codes.value(duration);
                if codes.falls_due_at_once(duration) {
                    cost += &codes.follow(Cause::TimeOut(after));
                }
            }
        }
        cost
    }

    /// A transition of one configuration, wherever it may lead.
    pub(super) fn go(&self, codes: &Codes<'_>, leaf: &Leaf, target: StateId, action: Code) -> Cost {
        let targets = self.targets(leaf, target).into_iter();
        targets.fold(Cost::default(), |most, target| most.or(&self.go_to(codes, leaf, target, action)))
    }

    /// Whether a state of the region may have a rule for the event, as far as the engine tells events apart.
    pub(super) fn may_hear(&self, region: usize, event: EventId) -> bool {
        self.heard.get(region).is_some_and(|heard| heard.contains(&(event.0 % EVENTS)))
    }

    /// One event in one configuration: handlers, then the first transition that matches.
    pub(super) fn hear(&self, codes: &Codes<'_>, leaf: &Leaf, event: EventId) -> Cost {
        let (stays, moves) = self.hear_and(codes, leaf, event);
        stays.or(&moves)
    }

    /// The same if no transition is taken; and if one is.
    pub(super) fn hear_and(&self, codes: &Codes<'_>, leaf: &Leaf, event: EventId) -> (Cost, Cost) {
        let mut cost = Cost::of(table::HEAR);
        let (mut most, mut looked_through) = (Cost::default(), Cost::default());
        for (_, row) in leaf.path.iter().rev() {
            cost += table::HEAR_LEVEL;
            if !self.program.rules_of(row).any(|rule| rule.event.0 % EVENT_BITS == event.0 % EVENT_BITS) {
                continue;
            }
            cost += table::HEAR_STATE + u64::from(row.rules.len) * table::HEAR_RULE;
            looked_through += table::HEAR_STATE + u64::from(row.rules.len) * table::HEAR_RULE;
            for rule in self.program.rules_of(row).filter(|rule| rule.event == event) {
                let guard = codes.value(rule.guard);
                if rule.target == StateId::NONE {
                    cost += table::HANDLER;
                    cost += &guard;
                    if codes.may_hold(rule.guard) {
                        cost += &codes.act(rule.action);
                    }
                } else {
                    looked_through += table::TRANSITION;
                    looked_through += &guard;
                    if codes.may_hold(rule.guard) {
                        let taken = self.go(codes, leaf, rule.target, rule.action) + &looked_through;
                        most = most.or(&taken);
                    }
                }
            }
        }
        (cost.clone() + &looked_through, cost + &most)
    }

    /// A time-out of one configuration.
    pub(super) fn time_out(&self, codes: &Codes<'_>, leaf: &Leaf, after: usize) -> Cost {
        let row = self.program.after(after);
        let guard = codes.value(row.guard);
        if !codes.may_hold(row.guard) {
            return guard;
        }
        match row.target {
            StateId::NONE => guard + &codes.act(row.action),
            target => guard + &self.go(codes, leaf, target, row.action),
        }
    }

    /// All time-outs of one configuration that may fall due together, in their order; each costs `around` besides. One that
    /// leads away makes an end of those of the states that are left.
    pub(super) fn time_outs(&self, codes: &Codes<'_>, leaf: &Leaf, around: &Cost) -> Cost {
        let mut due: Vec<(usize, usize)> = Vec::new();
        for (depth, (_, row)) in leaf.path.iter().enumerate().rev() {
            due.extend(row.afters.range().map(|after| (depth, after)));
        }
        // From the last one back: per depth, the most that those less deep than it may cost from here on.
        let mut behind = vec![Cost::default(); MAX_DEPTH + 1];
        for (depth, after) in due.into_iter().rev() {
            let row = self.program.after(after);
            let mut here = behind.clone();
            for (limit, most) in here.iter_mut().enumerate().skip(depth + 1) {
                let mut options = Vec::new();
                if row.target == StateId::NONE {
                    options.push(self.time_out(codes, leaf, after) + &behind[limit]);
                } else {
                    if row.guard != Code::NONE {
                        options.push(codes.value(row.guard) + &behind[limit]);
                    }
                    let kept = self.targets(leaf, row.target).into_iter().map(|target| self.kept(leaf, depth, target));
                    let kept = kept.max().unwrap_or(0).min(limit);
                    options.push(self.most_time_out(codes, leaf, (depth, after)) + &behind[kept]);
                }
                *most = options.into_iter().fold(Cost::default(), |most, option| most.or(&option)) + around;
            }
            behind = here;
        }
        behind.pop().unwrap_or_default()
    }

    /// How many states, from the outermost, a transition of the active state of `depth` surely or possibly keeps.
    fn kept(&self, leaf: &Leaf, depth: usize, target: StateId) -> usize {
        let whole = self.leaf(target);
        let above = whole.path.get(..usize::from(self.row(target).depth)).unwrap_or_default();
        let shared = |(one, other): &(&(StateId, State), &(StateId, State))| one.0 == other.0;
        let known = leaf.path.iter().take(depth + 1).zip(above).take_while(shared).count();
        // What stands within the state itself may be kept too: another transition may have led there before.
        if known > depth { above.len().max(known) } else { known }
    }

    /// A time-out in whichever configuration with its state it costs most; `depth` is that of its state in this one.
    fn most_time_out(&self, codes: &Codes<'_>, leaf: &Leaf, (depth, after): (usize, usize)) -> Cost {
        // No other has the innermost state of this one.
        if depth + 1 == leaf.path.len() {
            return self.time_out(codes, leaf, after);
        }
        let region = leaf.path.first().map_or(0, |(_, row)| row.region.index());
        let leaves = self.regions.get(region).into_iter().flatten();
        let own = leaves.filter(|leaf| self.afters(leaf).any(|other| other == after));
        own.fold(Cost::default(), |most, leaf| most.or(&self.time_out(codes, leaf, after)))
    }

    /// A time-out of one configuration that leads nowhere.
    pub(super) fn stays(&self, codes: &Codes<'_>, after: usize) -> Cost {
        let row = self.program.after(after);
        let guard = codes.value(row.guard);
        if row.target == StateId::NONE { guard + &codes.act(row.action) } else { guard }
    }

    /// The time-outs that may run in one configuration.
    pub(super) fn afters(&self, leaf: &Leaf) -> impl Iterator<Item = usize> {
        leaf.path.iter().flat_map(|(_, row)| row.afters.range())
    }

    /// One look at every `when` of one configuration.
    pub(super) fn ask_whens(&self, codes: &Codes<'_>, leaf: &Leaf) -> Cost {
        let mut cost = Cost::default();
        for (_, row) in leaf.path.iter().filter(|(_, row)| row.whens.len > 0) {
            cost += if cost == Cost::default() { table::WHENS_REGION } else { 0 };
            cost += table::WHENS_STATE;
            for when in row.whens.range() {
                cost += table::WHEN;
                cost += &codes.value(self.program.when(when).guard);
            }
        }
        cost
    }

    /// The `when`s of a configuration, in their order: guard, target, action.
    pub(super) fn whens(&self, leaf: &Leaf) -> Vec<(Code, StateId, Code)> {
        let rows = leaf.path.iter().rev().flat_map(|(_, row)| Slice::range(row.whens));
        rows.map(|when| self.program.when(when)).map(|when| (when.guard, when.target, when.action)).collect()
    }
}
