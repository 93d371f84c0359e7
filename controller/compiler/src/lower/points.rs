//! Times told from a point: the timer that a point starts.

use link::program::op::{Op, OpCode};

use super::Lowering;
use crate::expression::Expr;
use crate::expression::check::Type;
use crate::expression::emit;
use crate::names::Scope;
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

impl Lowering<'_> {
    /// Starts the timer of a time; one that lies before its point is an error where it is known.
    pub(super) fn due(&mut self, timer: &Text, time: &Expr, scope: Scope) -> Option<Vec<Op>> {
        let id = self.names.timer(&timer.text)?;
        let typed = self.value(time, Type::Time, scope)?;
        if let Some(us) = self.at_start(time, Type::Time, scope).filter(|us| *us < 0) {
            let before = written(us.saturating_neg(), Unit::Time);
            self.reporter
                .error(
                    "E242-before-it-begins",
                    timer.span,
                    format!("this lies {before} before what it is told from begins"),
                )
                .help("nobody knows so long beforehand that it will: write a later time");
        }
        let mut ops = Vec::new();
        emit::emit(&typed.ir, &mut self.assembly, &mut ops);
        ops.push(Op::new(OpCode::TimerStart, id.0, 0));
        Some(ops)
    }
}
