//! The check of code. Jumps only lead forward, so one walk from the first operation to the end sees every way through,
//! with the depth of the stack known at every operation.

use heapless::Vec;

use super::{CheckError, CodeFlaw, Cost, EVENTS_END, MAX_CHECKED_OPS};
use crate::limits::{MAX_LINES, MAX_STACK, MAX_TIMERS};
use crate::program::op::{Op, OpCode, Special};
use crate::program::rows::{Code, Draw, DrawKind};
use crate::program::{Program, Table};
use crate::vocabulary::EventId;

/// Places further on that jumps may lead to at once.
pub const MAX_OPEN_JUMPS: usize = 32;

/// What a piece of code must leave on the stack. What leaves a value must not act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// A guard, a duration, a condition.
    Value,
    /// Actions.
    Nothing,
}

pub(super) struct CodeWalk<'p, 'w> {
    program: &'p Program<'w>,
    cost: Cost,
    ops_left: u32,
}

/// A place further on that a jump leads to, and the values on the stack there.
struct Landing {
    address: usize,
    depth: usize,
}

impl<'p, 'w> CodeWalk<'p, 'w> {
    pub(super) fn new(program: &'p Program<'w>) -> Self {
        Self { program, cost: Cost::default(), ops_left: MAX_CHECKED_OPS }
    }

    pub(super) const fn cost(&self) -> Cost {
        self.cost
    }

    /// Walks the code that `row` of `table` runs, if it runs any.
    pub(super) fn piece(&mut self, table: Table, row: usize, code: Code, leaves: Leaves) -> Result<(), CheckError> {
        let Some(start) = code.address() else { return Ok(()) };
        let mut jumps: Vec<Landing, MAX_OPEN_JUMPS> = Vec::new();
        let mut depth = Some(0);
        let mut address = start;
        loop {
            self.ops_left = self.ops_left.checked_sub(1).ok_or(CheckError::TooMuchCode)?;
            let op = self.step(address, leaves, &mut depth, &mut jumps);
            let op = op.map_err(|flaw| CheckError::Code { table, row, address, flaw })?;
            address += 1;
            if op == OpCode::End {
                break;
            }
        }
        self.cost.longest_code_ops = self.cost.longest_code_ops.max(address - start);
        Ok(())
    }

    /// One operation: `depth` is the stack before and after it, none where only a jump could have led.
    fn step(
        &mut self,
        address: usize,
        leaves: Leaves,
        depth: &mut Option<usize>,
        jumps: &mut Vec<Landing, MAX_OPEN_JUMPS>,
    ) -> Result<OpCode, CodeFlaw> {
        if address >= self.program.rows(Table::Code) {
            return Err(CodeFlaw::NoEnd);
        }
        let word = self.program.code(address);
        let op = Op::from_word(word).ok_or(CodeFlaw::Unknown(word.to_le_bytes()[0]))?;
        land(address, depth, jumps)?;
        let before = depth.ok_or(CodeFlaw::Unreachable)?;
        if leaves == Leaves::Value && acts(op.code) {
            return Err(CodeFlaw::NotPure);
        }
        if !self.operands_in_range(op) {
            return Err(CodeFlaw::Operand);
        }
        let (pops, pushes) = self.stack_effect(op);
        let after = before.checked_sub(pops).ok_or(CodeFlaw::Underflow)? + pushes;
        if after > MAX_STACK {
            return Err(CodeFlaw::Overflow);
        }
        self.cost.max_stack = self.cost.max_stack.max(after);
        *depth = Some(after);
        match op.code {
            OpCode::Jump | OpCode::JumpIfFalse => {
                open(Landing { address: address + 1 + usize::from(op.b), depth: after }, jumps)?;
                if op.code == OpCode::Jump {
                    *depth = None;
                }
            }
            // The end is the end of the piece, so a jump that is still open leads past it.
            OpCode::End if !jumps.is_empty() => return Err(CodeFlaw::Jump),
            OpCode::End if after != usize::from(leaves == Leaves::Value) => return Err(CodeFlaw::Leaves(after)),
            _ => {}
        }
        Ok(op.code)
    }

    fn stack_effect(&self, op: Op) -> (usize, usize) {
        let (pops, pushes) = op.code.stack_effect();
        let drawn = match op.code {
            OpCode::Draw => values_drawn_from(&self.program.draw(usize::from(op.b))),
            _ => 0,
        };
        (usize::from(pops) + drawn, usize::from(pushes))
    }

    fn operands_in_range(&self, op: Op) -> bool {
        let (a, b) = (usize::from(op.a), usize::from(op.b));
        let (line, timer) = (a < MAX_LINES, a < MAX_TIMERS);
        let row = |table| b < self.program.rows(table);
        match op.code {
            OpCode::Constant => row(Table::Constants),
            OpCode::Load => row(Table::Variables),
            OpCode::Store => row(Table::Variables) && a <= 1,
            OpCode::Element => row(Table::Lists),
            OpCode::InState => row(Table::States),
            OpCode::Special => match Special::from_u8(op.a) {
                Some(Special::Level) => b < MAX_LINES,
                Some(Special::TimerLeft | Special::TimerRunning) => b < MAX_TIMERS,
                Some(Special::StateTime) => row(Table::States),
                Some(Special::SessionTime | Special::Trial | Special::TrialTime | Special::Outcome) => true,
                None => false,
            },
            OpCode::On | OpCode::Off | OpCode::Pulse | OpCode::Deliver | OpCode::OnPower | OpCode::PulsePower => line,
            OpCode::Play | OpCode::PlayPower => line && row(Table::Stimuli),
            OpCode::Signal => (EventId::NAMED..EVENTS_END).contains(&op.b),
            OpCode::Outcome => op.b != Draw::AT_ONCE.0,
            OpCode::Draw => row(Table::Draws),
            OpCode::TimerStart | OpCode::TimerStop | OpCode::TimerPause | OpCode::TimerResume => timer,
            OpCode::End
            | OpCode::Int
            | OpCode::Negate
            | OpCode::Not
            | OpCode::Absolute
            | OpCode::Add
            | OpCode::Subtract
            | OpCode::Multiply
            | OpCode::Divide
            | OpCode::Remainder
            | OpCode::MultiplyScaled
            | OpCode::DivideScaled
            | OpCode::Minimum
            | OpCode::Maximum
            | OpCode::Equal
            | OpCode::NotEqual
            | OpCode::Less
            | OpCode::LessOrEqual
            | OpCode::And
            | OpCode::Or
            | OpCode::Jump
            | OpCode::JumpIfFalse
            | OpCode::Trial => true,
        }
    }
}

/// Joins the jumps that lead here with the way from the operation before.
fn land(address: usize, depth: &mut Option<usize>, jumps: &mut Vec<Landing, MAX_OPEN_JUMPS>) -> Result<(), CodeFlaw> {
    if let Some(at) = jumps.iter().position(|landing| landing.address == address) {
        let landing = jumps.swap_remove(at);
        if depth.is_some_and(|depth| depth != landing.depth) {
            return Err(CodeFlaw::Join);
        }
        *depth = Some(landing.depth);
    }
    Ok(())
}

/// Remembers where a jump leads; one place is kept once, however many jumps lead there.
fn open(landing: Landing, jumps: &mut Vec<Landing, MAX_OPEN_JUMPS>) -> Result<(), CodeFlaw> {
    match jumps.iter().find(|known| known.address == landing.address) {
        Some(known) if known.depth != landing.depth => Err(CodeFlaw::Join),
        Some(_) => Ok(()),
        None => jumps.push(landing).map_err(|_| CodeFlaw::TooManyJumps),
    }
}

/// Operations from `Store` on act; those before only work out values.
const fn acts(code: OpCode) -> bool {
    code as u8 >= OpCode::Store as u8
}

/// Values a draw takes off the stack.
fn values_drawn_from(draw: &Draw) -> usize {
    match draw.kind {
        DrawKind::Chance => 1,
        DrawKind::Uniform | DrawKind::Normal => 2,
        DrawKind::Weighted => usize::from(draw.labels),
        DrawKind::Exponential | DrawKind::Deck => 0,
    }
}
