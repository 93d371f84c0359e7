//! Turns checked values into operations on the device's stack, and says how deep they pile up.

use assembler::Assembly;
use link::program::op::{Op, OpCode};

use super::check::Ir;

/// Appends the operations that leave the value on the stack.
pub(crate) fn emit(ir: &Ir, assembly: &mut Assembly, ops: &mut Vec<Op>) {
    match ir {
        Ir::Constant(value) => ops.push(assembly.push(*value)),
        Ir::Load(variable) => ops.push(Op::new(OpCode::Load, 0, *variable)),
        Ir::Special(special, of) => ops.push(Op::new(OpCode::Special, *special as u8, *of)),
        Ir::InState(state) => ops.push(Op::new(OpCode::InState, 0, state.0)),
        Ir::Element(list, index) => {
            emit(index, assembly, ops);
            ops.push(Op::new(OpCode::Element, 0, *list));
        }
        Ir::Unary(code, of) => {
            emit(of, assembly, ops);
            ops.push(Op::new(*code, 0, 0));
        }
        Ir::Binary(code, left, right) => {
            emit(left, assembly, ops);
            emit(right, assembly, ops);
            ops.push(Op::new(*code, 0, 0));
        }
        Ir::If(condition, yes, no) => {
            let (mut on_yes, mut on_no) = (Vec::new(), Vec::new());
            emit(yes, assembly, &mut on_yes);
            emit(no, assembly, &mut on_no);
            emit(condition, assembly, ops);
            // A jump counts from the operation behind it; the yes branch ends in its own jump.
            ops.push(Op::new(OpCode::JumpIfFalse, 0, length(&on_yes).saturating_add(1)));
            ops.append(&mut on_yes);
            ops.push(Op::new(OpCode::Jump, 0, length(&on_no)));
            ops.append(&mut on_no);
        }
    }
}

/// The number of operations as a jump counts them; past 65 535 the whole program is too long for any device anyway.
pub(crate) fn length(ops: &[Op]) -> u16 {
    u16::try_from(ops.len()).unwrap_or(u16::MAX)
}

/// How many parts a value has, counted no further than past `most`.
pub(crate) fn parts(ir: &Ir, most: usize) -> usize {
    let mut open = vec![ir];
    let mut found = 0;
    while let Some(ir) = open.pop() {
        found += 1;
        if found > most {
            break;
        }
        match ir {
            Ir::Constant(_) | Ir::Load(_) | Ir::Special(..) | Ir::InState(_) => {}
            Ir::Element(_, of) | Ir::Unary(_, of) => open.push(of),
            Ir::Binary(_, left, right) => open.extend([&**left, &**right]),
            Ir::If(condition, yes, no) => open.extend([&**condition, &**yes, &**no]),
        }
    }
    found
}

/// The most values that lie on the stack while it is worked out.
pub(crate) fn depth(ir: &Ir) -> usize {
    match ir {
        Ir::Constant(_) | Ir::Load(_) | Ir::Special(..) | Ir::InState(_) => 1,
        Ir::Element(_, of) | Ir::Unary(_, of) => depth(of),
        Ir::Binary(_, left, right) => depth(left).max(1 + depth(right)),
        Ir::If(condition, yes, no) => depth(condition).max(depth(yes)).max(depth(no)),
    }
}
