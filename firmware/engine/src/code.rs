//! The stack that expressions and actions work on, and their arithmetic. Knows no states and no time; what touches those
//! stands in `machine`.

use link::Fault;
use link::limits::MAX_STACK;
use link::program::op::OpCode;

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
        let slot = self.values.get_mut(self.len).ok_or(Fault::Stack)?;
        *slot = value;
        self.len += 1;
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Result<i64, Fault> {
        self.len = self.len.checked_sub(1).ok_or(Fault::Stack)?;
        self.values.get(self.len).copied().ok_or(Fault::Stack)
    }

    /// A length of time as outputs take it.
    pub(crate) fn pop_u32(&mut self) -> Result<u32, Fault> {
        u32::try_from(self.pop()?).map_err(|_| Fault::Duration)
    }

    /// Works out an operation of one value.
    pub(crate) fn unary(&mut self, code: OpCode) -> Result<(), Fault> {
        let x = self.pop()?;
        let result = match code {
            OpCode::Negate => x.checked_neg().ok_or(Fault::Overflow)?,
            OpCode::Absolute => x.checked_abs().ok_or(Fault::Overflow)?,
            _ => i64::from(x == 0),
        };
        self.push(result)
    }

    /// Works out an operation of two values.
    pub(crate) fn binary(&mut self, code: OpCode) -> Result<(), Fault> {
        let (y, x) = (self.pop()?, self.pop()?);
        let result = match code {
            OpCode::Add => x.checked_add(y).ok_or(Fault::Overflow)?,
            OpCode::Subtract => x.checked_sub(y).ok_or(Fault::Overflow)?,
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
            OpCode::Equal => i64::from(x == y),
            OpCode::NotEqual => i64::from(x != y),
            OpCode::Less => i64::from(x < y),
            OpCode::LessOrEqual => i64::from(x <= y),
            OpCode::And => i64::from(x != 0 && y != 0),
            OpCode::Or => i64::from(x != 0 || y != 0),
            _ => return Err(Fault::BadProgram),
        };
        self.push(result)
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
