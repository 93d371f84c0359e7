//! A stimulus that a table tells: `play: {line: cue, stimulus: "options[choice].cue"}`.

use link::program::op::{Op, OpCode};

use super::{Lowering, guarded};
use crate::diagnostic::listed;
use crate::expression::Expr;
use crate::expression::check::{Checker, Ir, Type};
use crate::expression::parse::parse;
use crate::kinds::Verb;
use crate::names::Scope;
use crate::yaml::Text;

impl Lowering<'_> {
    /// One stimulus after the other is asked for: the one that is told is given.
    pub(super) fn chosen_stimulus(
        &mut self,
        line: &Text,
        stimulus: &Text,
        verb: (Verb, bool),
        power: Option<&Expr>,
        scope: Scope,
    ) -> Option<Vec<Op>> {
        let expr = parse(stimulus, self.reporter);
        let mut checker = Checker::new(&self.names, scope, self.reporter);
        let found = checker.infer(&expr, None)?;
        self.uses.variables.extend(checker.read.iter().map(|(variable, _)| *variable));
        let labels = match found.ty {
            Type::Label(set) => self.names.labels(set).to_vec(),
            _ => Vec::new(),
        };
        let unknown = labels.iter().find(|label| self.names.stimulus(label).is_none());
        if labels.is_empty() || unknown.is_some() {
            let message = match unknown {
                Some(label) => format!("this may be `{label}`, which is no stimulus"),
                None => format!("a stimulus is wanted here, and this is a {}", found.ty.name()),
            };
            let known = self.names.stimuli.iter().map(String::as_str);
            let help = format!("give the table a column that names stimuli: {}", listed(known));
            self.reporter.error("E207-not-a-stimulus", stimulus.span, message).help(help);
            return None;
        }
        if let Some(at) = found.constant().and_then(|at| usize::try_from(at).ok()) {
            let label = labels.get(at)?;
            return self.stimulus(line, &Text::plain(label, stimulus.span), verb, power, scope);
        }
        let mut ops = Vec::new();
        for (n, label) in labels.iter().enumerate() {
            let body = self.stimulus(line, &Text::plain(label, stimulus.span), verb, power, scope)?;
            let is_it = Ir::Binary(OpCode::Equal, Box::new(found.ir.clone()), Box::new(Ir::Constant(n as i64)));
            ops.extend(guarded(Some(&is_it), body, &mut self.assembly));
        }
        Some(ops)
    }
}
