//! Invariants that the graph of states decides: those that hold on every path, and those that are broken whenever a state is
//! entered. All others the device watches, as it does these.

use std::collections::BTreeMap;

use link::program::Table;
use link::program::op::{Op, OpCode};
use link::program::rows::{Invariant, Scope, State};
use link::{LineId, StateId};

use super::Paper;
use super::graph::Leaf;

impl Paper<'_, '_> {
    /// Per invariant, whether it holds on every path. One that a state breaks by itself is an error.
    pub(super) fn decided(&mut self) -> Vec<bool> {
        (0..self.program.rows(Table::Invariants))
            .map(|n| {
                let invariant = self.program.invariant(n);
                match invariant.scope {
                    Scope::State if invariant.count == 0 => self.never_in(n, &invariant),
                    Scope::State => false,
                    Scope::Trial | Scope::Session => self.at_most(&invariant),
                }
            })
            .collect()
    }

    /// "Never … in a state": no code that is run while it is active starts the line.
    fn never_in(&mut self, n: usize, invariant: &Invariant) -> bool {
        let Invariant { line, state, .. } = *invariant;
        let within = |path: &[(StateId, State)]| path.iter().any(|(active, _)| *active == state);
        let region = self.program.state(state.index()).region;
        let entry = super::ranges::ops(self.program, self.program.state(state.index()).entry);
        let is_reached = self.graph.leaves.iter().any(|leaf| within(&leaf.path));
        if is_reached && surely_starts(&entry, line) {
            let (name, line) = (self.state(state).to_owned(), self.line(line));
            if let Some(span) = self.places.invariants.get(n) {
                self.reporter
                    .error(
                        "E330-broken-on-entry",
                        *span,
                        format!("`{name}` breaks this: its `entry` always starts `{line}`"),
                    )
                    .help("take the action out of the state, or the sentence out of the invariants");
            }
            return false;
        }
        let leaf_of = |id: StateId| self.graph.leaves.iter().find(|leaf| leaf.state == id);
        // From the state inwards: what is run on the way in before that is run beside it.
        let entered = |path: &[(StateId, State)]| {
            let inner = path.iter().skip_while(|(active, _)| *active != state);
            let code: Vec<Op> = inner.flat_map(|(_, row)| super::ranges::ops(self.program, row.entry)).collect();
            code.iter().any(|op| starts(*op, line))
        };
        let breaks = |leaf: &Leaf| {
            let of_handlers = leaf.handled.iter().flatten().any(|op| starts(*op, line));
            let beside = leaf.region != region;
            let inside = within(&leaf.path);
            let of_ways = self.graph.ways_from(leaf.state).any(|way| {
                let to = leaf_of(way.to);
                let started = |code: &[Op]| code.iter().any(|op| starts(*op, line));
                match (beside || inside, to.is_some_and(|to| beside || within(&to.path))) {
                    (true, true) => started(&way.code),
                    (true, false) => started(way.code.get(..way.exits).unwrap_or_default()),
                    (false, true) => to.is_some_and(|to| entered(&to.path)),
                    (false, false) => false,
                }
            });
            (beside || inside) && of_handlers || of_ways
        };
        let broken_at_start = |id: StateId, code: &[Op]| {
            let Some(leaf) = leaf_of(id) else { return true };
            if leaf.region == region { entered(&leaf.path) } else { code.iter().any(|op| starts(*op, line)) }
        };
        let starting = self.graph.starts.iter().any(|(id, code)| broken_at_start(*id, code));
        !starting && !self.graph.leaves.iter().any(breaks)
    }

    /// "At most … per trial" or session: the most starts that any path has between two beginnings, counted up to one too many.
    fn at_most(&self, invariant: &Invariant) -> bool {
        let Invariant { line, scope, count, .. } = *invariant;
        let started = |leaf: &Leaf| {
            let of_ways = self.graph.ways_from(leaf.state).any(|way| way.code.iter().any(|op| starts(*op, line)));
            of_ways || leaf.handled.iter().flatten().any(|op| starts(*op, line))
        };
        let begins = |leaf: &Leaf| {
            let is_begin = |op: &Op| op.code == OpCode::Trial;
            let of_ways = self.graph.ways_from(leaf.state).any(|way| way.code.iter().any(is_begin));
            of_ways || leaf.handled.iter().flatten().any(is_begin)
        };
        let mut regions: Vec<u8> =
            self.graph.leaves.iter().filter(|leaf| started(leaf)).map(|leaf| leaf.region.0).collect();
        if scope == Scope::Trial {
            regions.extend(self.graph.leaves.iter().filter(|leaf| begins(leaf)).map(|leaf| leaf.region.0));
        }
        for (state, code) in &self.graph.starts {
            if code.iter().any(|op| starts(*op, line)) {
                regions.extend(self.graph.leaves.iter().find(|leaf| leaf.state == *state).map(|leaf| leaf.region.0));
            }
        }
        regions.sort_unstable();
        regions.dedup();
        // Two regions take turns nobody knows here.
        if regions.len() > 1 {
            return false;
        }
        let most = u32::from(count);
        let mut highest = 0;
        let mut run = |code: &[Op], mut so_far: u32| {
            for op in code {
                if op.code == OpCode::Trial && scope == Scope::Trial {
                    so_far = 0;
                } else if starts(*op, line) {
                    so_far = so_far.saturating_add(1).min(most + 1);
                    highest = highest.max(so_far);
                }
            }
            so_far
        };
        let mut reached: BTreeMap<StateId, u32> = BTreeMap::new();
        let mut open: Vec<StateId> = Vec::new();
        let note = |reached: &mut BTreeMap<StateId, u32>, open: &mut Vec<StateId>, state: StateId, count: u32| {
            if reached.get(&state).is_none_or(|known| *known < count) {
                reached.insert(state, count);
                open.push(state);
            }
        };
        for (state, code) in &self.graph.starts {
            let count = run(code, 0);
            note(&mut reached, &mut open, *state, count);
        }
        while let Some(at) = open.pop() {
            let here = reached.get(&at).copied().unwrap_or(0);
            for handled in self.graph.leaves.iter().filter(|leaf| leaf.state == at).flat_map(|leaf| &leaf.handled) {
                let count = run(handled, here);
                note(&mut reached, &mut open, at, count);
            }
            for way in self.graph.ways_from(at) {
                let count = run(&way.code, here);
                note(&mut reached, &mut open, way.to, count);
            }
        }
        highest <= most
    }

    fn line(&self, line: LineId) -> String {
        self.compiled.symbols.lines.get(line.index()).map_or_else(String::new, |line| line.name.clone())
    }
}

/// Whether an operation starts something on a line. What a newer operation may do to it is not known, and counts.
fn starts(op: Op, line: LineId) -> bool {
    let on_line = matches!(
        op.code,
        OpCode::On
            | OpCode::OnPower
            | OpCode::Play
            | OpCode::PlayPower
            | OpCode::Pulse
            | OpCode::PulsePower
            | OpCode::Deliver
    );
    on_line && op.a == line.0
}

/// Whether code starts something on a line whatever the conditions in it, and does not take it back.
fn surely_starts(code: &[Op], line: LineId) -> bool {
    let (mut lands, mut started) = (0, false);
    for (at, op) in code.iter().enumerate() {
        match op.code {
            OpCode::Jump | OpCode::JumpIfFalse => lands = lands.max(at + 1 + usize::from(op.b)),
            OpCode::Off if op.a == line.0 => started = false,
            _ if starts(*op, line) && at >= lands => started = true,
            _ => {}
        }
    }
    started
}
