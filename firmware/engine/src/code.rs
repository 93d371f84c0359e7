//! The stack that expressions and actions work on, and their arithmetic. Knows no states and no time; what touches those
//! stands in `machine`.

use link::Fault;
use link::limits::{MAX_STACK, MAX_VARIABLES};
use link::program::op::{Op, OpCode};

#[derive(Debug)]
pub(crate) struct Stack {
    values: [i64; MAX_STACK],
    len: usize,
}

/// What plain numbers are counted in.
const MILLIONTHS: i64 = 1_000_000;

impl Stack {
    pub(crate) const fn new() -> Self {
        Self { values: [0; MAX_STACK], len: 0 }
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, value: i64) -> Result<(), Fault> {
        if self.len >= MAX_STACK {
            return Err(Fault::Stack);
        }
        self.values[self.len % MAX_STACK] = value;
        self.len += 1;
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Result<i64, Fault> {
        if self.len == 0 {
            return Err(Fault::Stack);
        }
        self.len -= 1;
        Ok(self.values[self.len % MAX_STACK])
    }

    /// Puts one value in the place of the two on top, without moving them about.
    #[inline(always)]
    pub(crate) fn join(&mut self, result: impl FnOnce(i64, i64) -> Result<i64, Fault>) -> Result<(), Fault> {
        if self.len < 2 {
            return Err(Fault::Stack);
        }
        self.len -= 1;
        let (below, top) = ((self.len - 1) % MAX_STACK, self.len % MAX_STACK);
        self.values[below] = result(self.values[below], self.values[top])?;
        Ok(())
    }

    /// A length of time as outputs take it.
    pub(crate) fn pop_u32(&mut self) -> Result<u32, Fault> {
        u32::try_from(self.pop()?).map_err(|_| Fault::Duration)
    }

    /// Works out `code` up to an operation that needs more than the variables, and takes that one off too; none at the
    /// end of the code.
    #[inline(never)]
    pub(crate) fn evaluate(
        &mut self,
        code: &mut &[u32],
        variables: &[i64; MAX_VARIABLES],
    ) -> Result<Option<Op>, Fault> {
        let mut rest = *code;
        while let Some((&word, after)) = rest.split_first() {
            rest = after;
            let op = Op::from_word(word).ok_or(Fault::BadProgram)?;
            match op.code {
                OpCode::End => return Ok(None),
                OpCode::Load => self.push(*variables.get(usize::from(op.b)).ok_or(Fault::BadProgram)?)?,
                OpCode::Int => self.push(i64::from(op.b.cast_signed()))?,
                OpCode::Jump => rest = rest.get(usize::from(op.b)..).unwrap_or(&[]),
                OpCode::JumpIfFalse => {
                    if self.pop()? == 0 {
                        rest = rest.get(usize::from(op.b)..).unwrap_or(&[]);
                    }
                }
                OpCode::Negate | OpCode::Not | OpCode::Absolute => self.unary(op.code)?,
                OpCode::Add => self.join(|x, y| x.checked_add(y).ok_or(Fault::Overflow))?,
                OpCode::Subtract => self.join(|x, y| x.checked_sub(y).ok_or(Fault::Overflow))?,
                OpCode::Equal => self.join(|x, y| Ok(i64::from(x == y)))?,
                OpCode::NotEqual => self.join(|x, y| Ok(i64::from(x != y)))?,
                OpCode::Less => self.join(|x, y| Ok(i64::from(x < y)))?,
                OpCode::LessOrEqual => self.join(|x, y| Ok(i64::from(x <= y)))?,
                OpCode::And => self.join(|x, y| Ok(i64::from(x != 0 && y != 0)))?,
                OpCode::Or => self.join(|x, y| Ok(i64::from(x != 0 || y != 0)))?,
                OpCode::Multiply
                | OpCode::Divide
                | OpCode::Remainder
                | OpCode::MultiplyScaled
                | OpCode::DivideScaled
                | OpCode::Minimum
                | OpCode::Maximum => self.rarer(op.code)?,
                _ => {
                    *code = rest;
                    return Ok(Some(op));
                }
            }
        }
        Ok(None)
    }

    /// Works out an operation of one value.
    #[inline(never)]
    fn unary(&mut self, code: OpCode) -> Result<(), Fault> {
        let x = self.pop()?;
        let result = match code {
            OpCode::Negate => x.checked_neg().ok_or(Fault::Overflow)?,
            OpCode::Absolute => x.checked_abs().ok_or(Fault::Overflow)?,
            _ => i64::from(x == 0),
        };
        self.push(result)
    }

    /// The operations of two values that take long enough not to mind a call.
    #[inline(never)]
    fn rarer(&mut self, code: OpCode) -> Result<(), Fault> {
        self.join(|x, y| {
            Ok(match code {
                OpCode::Multiply => x.checked_mul(y).ok_or(Fault::Overflow)?,
                OpCode::Divide => divide(x, y)?,
                OpCode::Remainder => {
                    if y == 0 {
                        return Err(Fault::DivideByZero);
                    }
                    x.checked_rem(y).ok_or(Fault::Overflow)?
                }
                OpCode::MultiplyScaled => divide_to_nearest(x.checked_mul(y).ok_or(Fault::Overflow)?, MILLIONTHS)?,
                OpCode::DivideScaled => divide_to_nearest(x.checked_mul(MILLIONTHS).ok_or(Fault::Overflow)?, y)?,
                OpCode::Minimum => x.min(y),
                OpCode::Maximum => x.max(y),
                _ => return Err(Fault::BadProgram),
            })
        })
    }
}

fn divide(x: i64, y: i64) -> Result<i64, Fault> {
    if y == 0 { Err(Fault::DivideByZero) } else { x.checked_div(y).ok_or(Fault::Overflow) }
}

/// To the nearest whole number, halves away from zero.
fn divide_to_nearest(x: i64, y: i64) -> Result<i64, Fault> {
    let quotient = divide(x, y)?;
    let left = (x % y).unsigned_abs();
    if left < y.unsigned_abs() - left {
        return Ok(quotient);
    }
    let away = if (x < 0) == (y < 0) { 1 } else { -1 };
    quotient.checked_add(away).ok_or(Fault::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_away_from_zero() {
        for (x, y, expected) in [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0), (6, 3, 2)] {
            assert_eq!(divide_to_nearest(x, y), Ok(expected), "{x} / {y}");
        }
        assert_eq!(divide_to_nearest(1, 0), Err(Fault::DivideByZero));
        assert_eq!(divide_to_nearest(i64::MIN, -1), Err(Fault::Overflow));
    }
}
