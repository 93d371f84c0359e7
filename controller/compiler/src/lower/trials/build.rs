//! Small pieces of what the compiler works out for trials, blocks and histories.

use link::program::op::{Op, OpCode, Special};

use crate::expression::check::Ir;
use crate::expression::emit;
use crate::lower::Lowering;

pub(super) fn int(value: i64) -> Ir {
    Ir::Constant(value)
}

pub(super) fn load(variable: u16) -> Ir {
    Ir::Load(variable)
}

pub(super) fn join(code: OpCode, left: Ir, right: Ir) -> Ir {
    Ir::Binary(code, Box::new(left), Box::new(right))
}

pub(super) fn add(left: Ir, right: Ir) -> Ir {
    join(OpCode::Add, left, right)
}

pub(super) fn subtract(left: Ir, right: Ir) -> Ir {
    join(OpCode::Subtract, left, right)
}

pub(super) fn and(left: Ir, right: Ir) -> Ir {
    join(OpCode::And, left, right)
}

pub(super) fn equal(left: Ir, right: Ir) -> Ir {
    join(OpCode::Equal, left, right)
}

pub(super) fn less(left: Ir, right: Ir) -> Ir {
    join(OpCode::Less, left, right)
}

pub(super) fn not(of: Ir) -> Ir {
    Ir::Unary(OpCode::Not, Box::new(of))
}

pub(super) fn choose(condition: Ir, yes: Ir, no: Ir) -> Ir {
    Ir::If(Box::new(condition), Box::new(yes), Box::new(no))
}

/// The number of the trial under way.
pub(super) fn trial_number() -> Ir {
    Ir::Special(Special::Trial, 0)
}

impl Lowering<'_> {
    /// A variable takes a value; recorded if it is a column.
    pub(super) fn assign(&mut self, ops: &mut Vec<Op>, variable: u16, value: &Ir) {
        let column = self.names.variables.get(usize::from(variable)).is_some_and(|variable| variable.column);
        emit::emit(value, &mut self.assembly, ops);
        ops.push(Op::new(OpCode::Store, u8::from(column), variable));
    }

    /// One of two pieces of code.
    pub(super) fn either(&mut self, condition: &Ir, yes: Vec<Op>, no: Vec<Op>) -> Vec<Op> {
        let mut yes = yes;
        if !no.is_empty() {
            yes.push(Op::new(OpCode::Jump, 0, emit::length(&no)));
        }
        let mut ops = crate::lower::guarded(Some(condition), yes, &mut self.assembly);
        ops.extend(no);
        ops
    }
}
