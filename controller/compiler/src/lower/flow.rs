//! What the graph of states tells without running it: states that are never reached, states without a way out, endless
//! chains of immediate transitions, variables that are read before they were drawn, outputs held on for too long.

use link::StateId;

use super::Lowering;
use crate::diagnostic::Span;
use crate::expression::check::Type;
use crate::kinds::LONGEST_US;
use crate::names::{Origin, Scope};
use crate::protocol::{ActionKind, Row, State, Trigger};
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

/// Where in a state something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Entry,
    Row(usize),
    Exit,
}

/// A variable read or set.
#[derive(Debug, Clone, Copy)]
struct Touch {
    variable: u16,
    /// None where it is set.
    read_at: Option<Span>,
    phase: Phase,
}

#[derive(Debug)]
struct Node {
    region: usize,
    name: Option<Text>,
    initial: Option<StateId>,
    holds: bool,
    is_final: bool,
    touches: Vec<Touch>,
    /// Transitions: the row, where it leads, and the place of a `when` that always holds.
    ways: Vec<(usize, StateId, Option<Span>)>,
}

/// A way out of a state: who has it, which of its rows it is, the state it names and the one that is entered last.
#[derive(Debug, Clone, Copy)]
struct Way {
    holder: StateId,
    row: usize,
    target: StateId,
    leaf: StateId,
}

/// The graph, noted while the rows are written.
#[derive(Debug, Default)]
pub(super) struct Flow {
    nodes: Vec<Node>,
    starts: Vec<Option<StateId>>,
    /// Per region, the root of what goes on everywhere.
    roots: Vec<Option<StateId>>,
    region: usize,
    phase: Option<Phase>,
    rows: usize,
    immediate: Option<Span>,
}

impl Flow {
    pub(super) fn region(&mut self, region: usize, start: Option<StateId>) {
        self.region = region;
        self.starts.push(start);
        self.roots.push(None);
    }

    pub(super) fn everywhere(&mut self) {
        let root = StateId(crate::names::index(self.nodes.len()));
        if let Some(place @ None) = self.roots.last_mut() {
            *place = Some(root);
        }
        self.push(None, None, true, true);
    }

    pub(super) fn state(&mut self, name: &Text, initial: Option<StateId>, holds: bool, is_final: bool) {
        self.push(Some(name.clone()), initial, holds, is_final);
    }

    fn push(&mut self, name: Option<Text>, initial: Option<StateId>, holds: bool, is_final: bool) {
        let region = self.region;
        self.nodes.push(Node { region, name, initial, holds, is_final, touches: Vec::new(), ways: Vec::new() });
        self.rows = 0;
        self.phase = None;
    }

    pub(super) fn at_entry(&mut self) {
        self.phase = Some(Phase::Entry);
    }

    pub(super) fn at_rows(&mut self) {
        self.phase = None;
    }

    pub(super) fn row(&mut self) {
        self.rows += 1;
        self.phase = Some(Phase::Row(self.rows));
        self.immediate = None;
    }

    pub(super) fn at_exit(&mut self) {
        self.phase = Some(Phase::Exit);
    }

    /// What follows stands outside the states.
    pub(super) fn nowhere(&mut self) {
        self.phase = None;
    }

    pub(super) fn at_once(&mut self, span: Span) {
        self.immediate = Some(span);
    }

    pub(super) fn leads_to(&mut self, target: StateId) {
        let (rows, immediate) = (self.rows, self.immediate);
        if let Some(node) = self.nodes.last_mut() {
            node.ways.push((rows, target, immediate));
        }
    }

    pub(super) fn reads(&mut self, variable: u16, span: Span) {
        self.touch(variable, Some(span));
    }

    pub(super) fn sets(&mut self, variable: u16) {
        self.touch(variable, None);
    }

    fn touch(&mut self, variable: u16, read_at: Option<Span>) {
        if let (Some(phase), Some(node)) = (self.phase, self.nodes.last_mut()) {
            node.touches.push(Touch { variable, read_at, phase });
        }
    }

    fn node(&self, id: StateId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// The state that is entered last when `id` is: its first child's first child, and so on.
    fn leaf(&self, id: StateId) -> StateId {
        let mut at = id;
        for _ in 0..self.nodes.len() {
            match self.node(at).and_then(|node| node.initial) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        at
    }
}

impl Lowering<'_> {
    pub(super) fn check_flow(&mut self) {
        if self.reporter.has_errors() {
            return;
        }
        let reached = self.check_reached();
        self.check_ways_out(&reached);
        self.check_in_vain(&reached);
        self.check_immediate();
        self.check_drawn_before_read(&reached);
    }

    /// Tells of an output held on by a state that may last longer than the rig lets it be on. A state held by another may
    /// be left by the rows it inherits, and is not judged.
    pub(super) fn check_cut(&mut self, state: &State, scope: Scope) {
        let own = |row: &&Row| row.guard.is_none() && super::states::is_after(row);
        let at_a_time = |row: &Row| row.guard.is_none() && matches!(row.trigger, Trigger::Timer(_));
        if state.transitions.iter().any(at_a_time) {
            return;
        }
        let mut longest = None;
        for row in state.transitions.iter().filter(own) {
            let Trigger::After(time) = &row.trigger else { continue };
            // A time that is drawn or worked out is not known here.
            let Some(us) = self.at_start(time, Type::Time, scope) else { return };
            longest = Some(longest.map_or(us, |longest: i64| longest.min(us)));
        }
        let everywhere = self.protocol.regions.get(scope.region).is_some_and(|region| !region.transitions.is_empty());
        let held = scope.state.and_then(|id| self.names.state(id)).is_some_and(|state| state.parent.is_some());
        if longest.is_none() && (held || everywhere) {
            return;
        }
        let mut told = Vec::new();
        for action in &state.entry {
            let line = match &action.kind {
                ActionKind::On { line, outlives: false, .. } => line,
                ActionKind::Shape(shape) if shape.is_held_level() => &shape.line,
                _ => continue,
            };
            // One action may stand for several, about one line of an array each.
            if told.contains(&action.span) {
                continue;
            }
            let most = self.max_on(&line.text);
            if most >= LONGEST_US || longest.is_some_and(|us| us <= most) {
                continue;
            }
            told.push(action.span);
            let lasts = longest.map_or("longer".to_owned(), |us| written(us, Unit::Time));
            let most = written(most, Unit::Time);
            self.reporter
                .warning(
                    "W008-cut-at-max-on",
                    action.span,
                    format!(
                        "the interlock cuts `{}` after {most}, and `{}` may last {lasts}",
                        line.text, state.name.text
                    ),
                )
                .help(format!(
                    "leave the state earlier with `after`; or, if the hardware can stand it, raise `max_on` in {}",
                    self.rig.file
                ));
        }
    }

    /// A state and those that hold it, innermost first; the root of what goes on everywhere is the last.
    fn holders(&self, id: StateId) -> Vec<StateId> {
        let mut found = vec![id];
        let mut at = id;
        while let Some(state) = self.names.state(at) {
            match state.parent {
                Some(parent) => {
                    found.push(parent);
                    at = parent;
                }
                None => {
                    let root = self.flow.roots.get(state.region).copied().flatten();
                    found.extend(root.filter(|root| *root != at));
                    break;
                }
            }
        }
        found
    }

    /// Every way out of a leaf: its own and those of the states that hold it.
    fn ways(&self, leaf: StateId) -> Vec<Way> {
        let mut found = Vec::new();
        for holder in self.holders(leaf) {
            for (row, target, _) in self.flow.node(holder).map(|node| node.ways.as_slice()).unwrap_or_default() {
                if *target != StateId::BACK {
                    found.push(Way { holder, row: *row, target: *target, leaf: self.flow.leaf(*target) });
                }
            }
        }
        found
    }

    fn check_reached(&mut self) -> Vec<bool> {
        let mut reached = vec![false; self.flow.nodes.len()];
        let mut open: Vec<StateId> = self.flow.starts.iter().flatten().map(|start| self.flow.leaf(*start)).collect();
        while let Some(leaf) = open.pop() {
            match reached.get_mut(leaf.index()) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            for holder in self.holders(leaf) {
                if let Some(seen) = reached.get_mut(holder.index()) {
                    *seen = true;
                }
            }
            open.extend(self.ways(leaf).into_iter().map(|way| way.leaf));
        }
        for (node, reached) in self.flow.nodes.iter().zip(&reached) {
            if let (Some(name), false) = (&node.name, reached) {
                self.reporter
                    .warning("W006-unreachable", name.span, format!("no transition ever leads to `{}`", name.text))
                    .help("lead one there, or leave the state out");
            }
        }
        reached
    }

    fn check_ways_out(&mut self, reached: &[bool]) {
        for (n, node) in self.flow.nodes.iter().enumerate() {
            let Some(name) = &node.name else { continue };
            if node.holds || node.is_final || !reached.get(n).copied().unwrap_or(false) {
                continue;
            }
            let holders = self.holders(StateId(crate::names::index(n)));
            let left = holders.iter().any(|holder| self.flow.node(*holder).is_some_and(|node| !node.ways.is_empty()));
            if !left {
                self.reporter
                    .warning("W007-no-way-out", name.span, format!("`{}` is never left again", name.text))
                    .help("add a transition; or, if it is meant to stay, `final: true`");
            }
        }
    }

    /// Transitions that always hold, one after the other in a circle, would never end.
    fn check_immediate(&mut self) {
        let nodes = self.flow.nodes.len();
        // By which start a state was come to: one that an earlier start came to leads nowhere new.
        let mut from: Vec<Option<usize>> = vec![None; nodes];
        for first in 0..nodes {
            let mut at = StateId(crate::names::index(first));
            let mut place = None;
            for _ in 0..=nodes {
                match from.get_mut(at.index()) {
                    Some(seen @ None) => *seen = Some(first),
                    _ => break,
                }
                let immediate = self.holders(at).into_iter().find_map(|holder| {
                    let ways = &self.flow.node(holder)?.ways;
                    ways.iter().find_map(|(_, target, always)| always.map(|span| (*target, span)))
                });
                let Some((target, span)) = immediate else { break };
                place = place.or(Some(span));
                at = self.flow.leaf(target);
                if from.get(at.index()) == Some(&Some(first)) {
                    if let Some(span) = place {
                        self.reporter
                            .error("E160-endless-chain", span, "these transitions follow one another for ever, at once")
                            .help("let one of them wait for an event or a time");
                    }
                    return;
                }
            }
        }
    }

    /// Follows the states from the start and asks, at every read of a drawn variable, whether a draw came before on
    /// every way there.
    fn check_drawn_before_read(&mut self, reached: &[bool]) {
        let drawn: Vec<u16> = (0_u16..)
            .zip(&self.names.variables)
            .filter(|(_, variable)| variable.origin == Origin::Drawn)
            .map(|(id, _)| id)
            .collect();
        for variable in drawn {
            // Set in one region and read in another: the order is not in the graph.
            let regions: Vec<usize> = self
                .flow
                .nodes
                .iter()
                .filter(|node| node.touches.iter().any(|touch| touch.variable == variable && touch.read_at.is_none()))
                .map(|node| node.region)
                .collect();
            for (region, start) in self.flow.starts.iter().enumerate() {
                let Some(start) = start else { continue };
                if regions.contains(&region)
                    && !regions.iter().any(|other| *other != region)
                    && let Some(span) = self.read_too_early(variable, self.flow.leaf(*start), reached)
                {
                    let name = self.names.variables.get(usize::from(variable)).map_or("", |v| v.name.as_str());
                    self.reporter
                        .error(
                            "E161-read-before-draw",
                            span,
                            format!("`{name}` can be read here before it was ever drawn"),
                        )
                        .help(format!(
                            "draw it on every way here, or give it a first value: `variables: {{{name}: …}}`"
                        ));
                    break;
                }
            }
        }
    }

    /// The first read that some way from the start reaches without a draw before it.
    fn read_too_early(&self, variable: u16, start: StateId, reached: &[bool]) -> Option<Span> {
        let mut seen = vec![false; reached.len()];
        let mut open = vec![start];
        while let Some(leaf) = open.pop() {
            match seen.get_mut(leaf.index()) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let mut holders = self.holders(leaf);
            holders.reverse();
            let touches = |holder: StateId| {
                let node = self.flow.node(holder);
                node.map(|node| node.touches.as_slice()).unwrap_or_default().iter().filter(|t| t.variable == variable)
            };
            // Entered from the outside in.
            let mut set = false;
            for touch in holders.iter().flat_map(|holder| touches(*holder)).filter(|t| t.phase == Phase::Entry) {
                match touch.read_at {
                    Some(span) if !set => return Some(span),
                    Some(_) => {}
                    None => set = true,
                }
            }
            if set {
                continue;
            }
            let mut ways_set = Vec::new();
            for holder in &holders {
                for touch in touches(*holder) {
                    match (touch.phase, touch.read_at) {
                        (Phase::Row(row), None) => ways_set.push((*holder, row)),
                        (Phase::Row(row), Some(span)) if !ways_set.contains(&(*holder, row)) => return Some(span),
                        _ => {}
                    }
                }
            }
            for Way { holder, row, target, leaf: to } in self.ways(leaf) {
                // What is left on the way draws as it is left.
                let kept = self.holders(target);
                let stays = |state: &StateId| *state != target && kept.contains(state);
                let left = holders.iter().filter(|state| !stays(state));
                let set_at_exit =
                    left.flat_map(|state| touches(*state)).any(|t| t.phase == Phase::Exit && t.read_at.is_none());
                if !set_at_exit && !ways_set.contains(&(holder, row)) {
                    open.push(to);
                }
            }
        }
        None
    }
}
