//! Names that are declared and that nothing in the program makes use of: lists, timers, variables, outcomes. Lines, detectors,
//! parameters and stimuli are told of where they are bound to the rig.

use std::collections::BTreeSet;

use link::EventId;
use link::program::Table;
use link::program::op::{Op, OpCode, Special};
use link::program::rows::Draw;

use super::Paper;
use crate::diagnostic::Span;

impl Paper<'_, '_> {
    pub(super) fn unused(&mut self) {
        let ops: Vec<Op> = self.program.table(Table::Code).iter().filter_map(|word| Op::from_word(*word)).collect();
        let heard: BTreeSet<u16> = (0..self.program.rows(Table::Rules)).map(|n| self.program.rule(n).event.0).collect();
        let draws: Vec<Draw> = (0..self.program.rows(Table::Draws)).map(|n| self.program.draw(n)).collect();
        let protocol = self.protocol;
        let symbols = &self.compiled.symbols;
        let mut found: Vec<(Span, &str, &str, &str)> = Vec::new();
        for (n, (name, _)) in protocol.lists.iter().enumerate() {
            if !ops.iter().any(|op| op.code == OpCode::Element && usize::from(op.b) == n) {
                found.push((name.span, "list", &name.text, "never read"));
            }
        }
        for timer in &protocol.timers {
            let Some(n) = symbols.timers.iter().position(|name| *name == timer.text) else { continue };
            let is_it = |number: u16| usize::from(number) == n;
            let of_ops = ops.iter().any(|op| match op.code {
                OpCode::TimerStart | OpCode::TimerStop | OpCode::TimerPause | OpCode::TimerResume => is_it(op.a.into()),
                OpCode::Special => {
                    matches!(Special::from_u8(op.a), Some(Special::TimerLeft | Special::TimerRunning)) && is_it(op.b)
                }
                _ => false,
            });
            let event = u8::try_from(n).map(|n| EventId::timer(link::TimerId(n)).0);
            if !of_ops && !event.is_ok_and(|event| heard.contains(&event)) {
                found.push((timer.span, "timer", &timer.text, "never started"));
            }
        }
        for variable in &protocol.variables {
            let Some(n) = symbols.variables.iter().position(|symbol| symbol.name == variable.name.text) else {
                continue;
            };
            let touched =
                ops.iter().any(|op| matches!(op.code, OpCode::Load | OpCode::Store) && usize::from(op.b) == n);
            let drawn = draws.iter().any(|draw| draw.variable.index() == n);
            let shown = symbols.picture.group.is_some_and(|group| usize::from(group) == n);
            if !touched && !drawn && !shown {
                found.push((variable.name.span, "variable", &variable.name.text, "never used"));
            }
        }
        for outcome in protocol.outcomes.iter().flatten() {
            let Some(n) = symbols.outcomes.iter().position(|name| *name == outcome.text) else { continue };
            let given = ops.iter().any(|op| op.code == OpCode::Outcome && usize::from(op.b) == n);
            if !given {
                found.push((outcome.span, "outcome", &outcome.text, "never given"));
            }
        }
        // What the compiler keeps for itself has a name that no one can write.
        for (span, what, name, how) in found.into_iter().filter(|(_, _, name, _)| crate::fields::is_name(name)) {
            self.reporter
                .warning("W003-unused", span, format!("the {what} `{name}` is {how}"))
                .help("leave it out, or look for the place where it should stand");
        }
    }
}
