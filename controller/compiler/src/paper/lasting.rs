//! Outputs that are switched on until something switches them off, and a path on which nothing does.

use std::collections::BTreeSet;

use link::StateId;
use link::program::op::{Op, OpCode};

use super::Paper;
use crate::kinds::LONGEST_US;
use crate::protocol::ActionKind;
use crate::quantity::written;
use crate::symbols::Unit;

/// What code leaves a line at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    On,
    Off,
    AsItWas,
}

impl Paper<'_, '_> {
    pub(super) fn lasting(&mut self) {
        let lines: Vec<(u8, String, u32)> = self
            .compiled
            .rig
            .lines
            .iter()
            .zip(&self.compiled.symbols.lines)
            .enumerate()
            .filter(|(_, (_, symbol))| symbol.named)
            .filter_map(|(n, (line, symbol))| {
                let max_on_us = line.role.output()?.limits.max_on_us;
                Some((u8::try_from(n).ok()?, symbol.name.clone(), max_on_us))
            })
            .filter(|(.., max_on_us)| i64::from(*max_on_us) < LONGEST_US)
            .collect();
        for (line, name, max_on_us) in lines {
            let Some(span) = self.outlives(&name) else { continue };
            // Where nothing at all switches it off, that was told.
            let off = |code: &[Op]| code.iter().any(|op| switches_off(*op, line));
            let all = || self.graph.ways.iter().map(|way| way.code.as_slice());
            let handled = || self.graph.leaves.iter().flat_map(|leaf| &leaf.handled).map(Vec::as_slice);
            if !all().chain(handled()).any(off) {
                continue;
            }
            if let Some(path) = self.path_on(line) {
                let most = written(i64::from(max_on_us), Unit::Time);
                self.reporter
                    .warning(
                        "W063-may-stay-on",
                        span,
                        format!("`{name}` can stay on: nothing switches it off along {path}"),
                    )
                    .help(format!(
                        "the interlock cuts it after {most}: switch it off on that path too, or say `for: 1 s`"
                    ));
            }
        }
    }

    /// Where a line is first switched on until something switches it off.
    fn outlives(&self, name: &str) -> Option<crate::diagnostic::Span> {
        self.protocol.actions().into_iter().find_map(|action| match &action.kind {
            ActionKind::On { line, outlives: true, .. } if line.text == name => Some(action.span),
            ActionKind::Shape(shape) if shape.outlives && shape.line.text == name => Some(action.span),
            _ => None,
        })
    }

    /// A way round, or to a state that is never left, on which a line that was switched on stays on.
    fn path_on(&self, line: u8) -> Option<String> {
        let graph = self.graph;
        let region_of = |state: StateId| graph.leaves.iter().find(|leaf| leaf.state == state).map(|leaf| leaf.region);
        let mut begins: Vec<StateId> = Vec::new();
        begins
            .extend(graph.starts.iter().filter(|(_, code)| leaves(code, line) == Leaves::On).map(|(state, _)| *state));
        begins.extend(graph.ways.iter().filter(|way| leaves(&way.code, line) == Leaves::On).map(|way| way.to));
        for leaf in &graph.leaves {
            if leaf.handled.iter().any(|code| leaves(code, line) == Leaves::On) {
                begins.push(leaf.state);
            }
        }
        let regions: BTreeSet<_> = begins.iter().map(|state| region_of(*state)).collect();
        // Another region, whose turn nobody knows here, may switch it off.
        let elsewhere = graph
            .leaves
            .iter()
            .filter(|leaf| regions.len() != 1 || !regions.contains(&Some(leaf.region)))
            .any(|leaf| {
                let of_ways = graph.ways_from(leaf.state).any(|way| way.code.iter().any(|op| switches_off(*op, line)));
                of_ways || leaf.handled.iter().flatten().any(|op| switches_off(*op, line))
            });
        if elsewhere {
            return None;
        }
        begins.into_iter().find_map(|begin| self.round(begin, line, &mut vec![begin], &mut BTreeSet::new()))
    }

    /// Follows the ways that leave the line as it was, depth first.
    fn round(&self, at: StateId, line: u8, path: &mut Vec<StateId>, done: &mut BTreeSet<StateId>) -> Option<String> {
        let leaf = self.graph.leaves.iter().find(|leaf| leaf.state == at)?;
        let may_go_off = leaf.handled.iter().flatten().any(|op| switches_off(*op, line));
        if may_go_off || !done.insert(at) || path.len() > 64 {
            return None;
        }
        let names = |path: &[StateId]| {
            let names: Vec<String> = path.iter().map(|state| format!("`{}`", self.state(*state))).collect();
            names.join(" → ")
        };
        let mut any = false;
        for way in self.graph.ways_from(at) {
            any = true;
            if leaves(&way.code, line) == Leaves::Off {
                continue;
            }
            // Beginning anew in one state, as at each press, is no path that goes on without end.
            if way.to == at {
                continue;
            }
            if path.contains(&way.to) {
                path.push(way.to);
                return Some(names(path));
            }
            path.push(way.to);
            if let Some(found) = self.round(way.to, line, path, done) {
                return Some(found);
            }
            path.pop();
        }
        (!any).then(|| names(path))
    }
}

/// What code leaves a line at: the last word on it, as if every condition held.
fn leaves(code: &[Op], line: u8) -> Leaves {
    let last = code.iter().rev().find_map(|op| match op.code {
        OpCode::On | OpCode::OnPower if op.a == line => Some(Leaves::On),
        _ => switches_off(*op, line).then_some(Leaves::Off),
    });
    last.unwrap_or(Leaves::AsItWas)
}

/// Whether an operation switches a line off, now or when its train ends.
fn switches_off(op: Op, line: u8) -> bool {
    let ends = matches!(
        op.code,
        OpCode::Off | OpCode::Play | OpCode::PlayPower | OpCode::Pulse | OpCode::PulsePower | OpCode::Deliver
    );
    ends && op.a == line
}
