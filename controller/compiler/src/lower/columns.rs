//! Columns: variables that are set as a trial closes, in the very step that begins the next or ends the session.

use link::program::op::{Op, OpCode};

use super::Lowering;
use crate::expression::check::{Ir, Typed};
use crate::expression::emit;
use crate::names::{Origin, Scope, Variable};

impl Lowering<'_> {
    /// A variable for every column, and what is worked out into it.
    pub(super) fn declare_columns(&mut self) {
        let protocol = self.protocol;
        self.flow.nowhere();
        for column in &protocol.columns {
            if self.names.variable(&column.name.text).is_some() {
                self.reporter
                    .error(
                        "E074-named-twice",
                        column.name.span,
                        format!("`{}` is already a variable", column.name.text),
                    )
                    .help("give the column another name; a variable is a column by itself");
                continue;
            }
            let found = self.checked(Scope::default(), |checker| checker.infer(&column.value, None));
            let Some(Typed { ir, ty, .. }) = found else {
                self.names.broken.push(column.name.text.clone());
                continue;
            };
            let variable = Variable {
                name: column.name.text.clone(),
                span: column.name.span,
                ty: Some(ty),
                initial: 0,
                column: true,
                parameter: None,
                origin: Origin::Column,
            };
            let id = self.names.add_variable(variable);
            self.assembly.variables.push(0);
            self.columns.push((id, ir));
        }
    }

    /// What is done as a trial closes, before the next begins.
    pub(super) fn close_trial(&mut self) -> Vec<Op> {
        let mut ops = self.count_trial();
        for (id, ir) in self.columns.clone() {
            emit::emit(&ir, &mut self.assembly, &mut ops);
            ops.push(Op::new(OpCode::Store, 1, id));
        }
        ops
    }

    /// The variables that are worked out as a trial closes.
    pub(super) fn worked_out_at_close(&self) -> Vec<u16> {
        self.columns.iter().map(|(id, _)| *id).collect()
    }
}

/// A column that is set: its variable, and its value.
pub(super) type Set = (u16, Ir);
