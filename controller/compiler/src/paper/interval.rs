//! Ranges of whole numbers and what operations make of them. The ends of an `i64` stand for no bound at all: what is worked
//! out past them is a fault of the device, so nothing is lost by stopping there.

use link::program::op::OpCode;

/// All values between two, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Interval {
    pub(crate) const ANY: Self = Self { low: i64::MIN, high: i64::MAX };
    pub(crate) const TRUTH: Self = Self { low: 0, high: 1 };
    pub(super) const NOT_NEGATIVE: Self = Self { low: 0, high: i64::MAX };

    pub(super) const fn one(value: i64) -> Self {
        Self { low: value, high: value }
    }

    pub(super) const fn truth(holds: bool) -> Self {
        Self::one(holds as i64)
    }

    /// The least range that holds both.
    pub(super) fn or(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What lies in both; none if nothing does.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    /// The one value there is.
    pub(super) fn sure(self) -> Option<i64> {
        (self.low == self.high).then_some(self.low)
    }

    /// As a truth: surely not so.
    pub(super) fn is_false(self) -> bool {
        self == Self::one(0)
    }

    /// As a truth: surely so.
    pub(super) fn is_true(self) -> bool {
        self.low > 0 || self.high < 0
    }

    /// What an operation on one value makes of it.
    pub(super) fn of_one(code: OpCode, x: Self) -> Self {
        match code {
            OpCode::Negate => Self { low: negated(x.high), high: negated(x.low) },
            OpCode::Not if x.is_false() => Self::truth(true),
            OpCode::Not if x.is_true() => Self::truth(false),
            OpCode::Not => Self::TRUTH,
            OpCode::Absolute if x.low >= 0 => x,
            OpCode::Absolute if x.high <= 0 => Self { low: negated(x.high), high: negated(x.low) },
            OpCode::Absolute => Self { low: 0, high: x.high.max(negated(x.low)) },
            _ => Self::ANY,
        }
    }

    /// What an operation on two values makes of them.
    pub(super) fn of_two(code: OpCode, x: Self, y: Self) -> Self {
        let compared = |yes: bool, no: bool| {
            if yes {
                Self::truth(true)
            } else if no {
                Self::truth(false)
            } else {
                Self::TRUTH
            }
        };
        match code {
            OpCode::Add => Self { low: added(x.low, y.low), high: added(x.high, y.high) },
            OpCode::Subtract => Self { low: added(x.low, negated(y.high)), high: added(x.high, negated(y.low)) },
            OpCode::Multiply => Self::product(x, y, 1),
            OpCode::MultiplyScaled => Self::product(x, y, 1_000_000),
            OpCode::Divide => Self::quotient(x, y, 1),
            OpCode::DivideScaled => Self::quotient(x, y, 1_000_000),
            OpCode::Remainder => match (x.low >= 0, y.low > 0) {
                (true, true) => Self { low: 0, high: x.high.min(y.high.saturating_sub(1)) },
                _ => Self::ANY,
            },
            OpCode::Minimum => Self { low: x.low.min(y.low), high: x.high.min(y.high) },
            OpCode::Maximum => Self { low: x.low.max(y.low), high: x.high.max(y.high) },
            OpCode::Equal => compared(x.sure().is_some() && x == y, x.and(y).is_none()),
            OpCode::NotEqual => compared(x.and(y).is_none(), x.sure().is_some() && x == y),
            OpCode::Less => compared(x.high < y.low, x.low >= y.high),
            OpCode::LessOrEqual => compared(x.high <= y.low, x.low > y.high),
            OpCode::And => compared(x.is_true() && y.is_true(), x.is_false() || y.is_false()),
            OpCode::Or => compared(x.is_true() || y.is_true(), x.is_false() && y.is_false()),
            _ => Self::ANY,
        }
    }

    /// A product, by `scale`; rounding may take it one further either way.
    fn product(x: Self, y: Self, scale: i128) -> Self {
        if [x, y].iter().any(|side| side.low == i64::MIN || side.high == i64::MAX) {
            return if x.low >= 0 && y.low >= 0 { Self::NOT_NEGATIVE } else { Self::ANY };
        }
        let of = |a: i64, b: i64| i128::from(a) * i128::from(b);
        let all = [of(x.low, y.low), of(x.low, y.high), of(x.high, y.low), of(x.high, y.high)];
        Self::around(&all, scale)
    }

    fn quotient(x: Self, y: Self, scale: i128) -> Self {
        if y.low <= 0 || x.low == i64::MIN || x.high == i64::MAX {
            return if y.low > 0 && x.low >= 0 { Self::NOT_NEGATIVE } else { Self::ANY };
        }
        let of = |a: i64, b: i64| i128::from(a) * scale / i128::from(b);
        let all = [of(x.low, y.low), of(x.low, y.high), of(x.high, y.low), of(x.high, y.high)];
        let exact = scale == 1;
        let Self { low, high } = Self::around(&all, 1);
        if exact { Self { low, high } } else { Self { low: low.saturating_sub(1), high: high.saturating_add(1) } }
    }

    fn around(all: &[i128], scale: i128) -> Self {
        let (low, high) = (all.iter().min().copied().unwrap_or(0), all.iter().max().copied().unwrap_or(0));
        let wider = i128::from(scale > 1);
        let fits = |value: i128| i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
        // A product that is nothing is nothing, however it is rounded.
        let nothing = |value: i128, by: i128| if value == 0 { 0 } else { value / scale + by };
        Self { low: fits(nothing(low, -wider)), high: fits(nothing(high, wider)) }
    }
}

/// A sum in which an end that is no bound stays none.
fn added(a: i64, b: i64) -> i64 {
    match (a, b) {
        (i64::MIN, _) | (_, i64::MIN) => i64::MIN,
        (i64::MAX, _) | (_, i64::MAX) => i64::MAX,
        _ => a.saturating_add(b),
    }
}

fn negated(a: i64) -> i64 {
    match a {
        i64::MIN => i64::MAX,
        i64::MAX => i64::MIN,
        other => -other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(low: i64, high: i64) -> Interval {
        Interval { low, high }
    }

    /// Every pair of values of small ranges, against the range that is worked out.
    #[test]
    fn what_is_worked_out_lies_in_the_range_that_was_foretold() {
        type Work = fn(i64, i64) -> Option<i64>;
        let works: &[(OpCode, Work)] = &[
            (OpCode::Add, |x, y| Some(x + y)),
            (OpCode::Subtract, |x, y| Some(x - y)),
            (OpCode::Multiply, |x, y| Some(x * y)),
            (OpCode::Divide, i64::checked_div),
            (OpCode::Remainder, i64::checked_rem),
            (OpCode::Minimum, |x, y| Some(x.min(y))),
            (OpCode::Maximum, |x, y| Some(x.max(y))),
            (OpCode::Equal, |x, y| Some(i64::from(x == y))),
            (OpCode::NotEqual, |x, y| Some(i64::from(x != y))),
            (OpCode::Less, |x, y| Some(i64::from(x < y))),
            (OpCode::LessOrEqual, |x, y| Some(i64::from(x <= y))),
            (OpCode::And, |x, y| Some(i64::from(x != 0 && y != 0))),
            (OpCode::Or, |x, y| Some(i64::from(x != 0 || y != 0))),
        ];
        let ends = [-4, -1, 0, 1, 3];
        let pairs: Vec<(i64, i64)> = ends.iter().flat_map(|low| ends.map(|high| (*low, high))).collect();
        let pairs: Vec<(i64, i64)> = pairs.into_iter().filter(|(low, high)| low <= high).collect();
        for (code, work) in works {
            for ((a, b), (c, d)) in pairs.iter().flat_map(|one| pairs.iter().map(|other| (*one, *other))) {
                let told = Interval::of_two(*code, range(a, b), range(c, d));
                for value in (a..=b).flat_map(|x| (c..=d).filter_map(move |y| work(x, y))) {
                    assert!(told.low <= value && value <= told.high, "{code:?} of {a}..{b} and {c}..{d}: {value}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_end_keeps_none() {
        let waits = Interval::NOT_NEGATIVE;
        assert_eq!(Interval::of_two(OpCode::Add, waits, range(5, 9)), range(5, i64::MAX));
        assert_eq!(Interval::of_two(OpCode::Subtract, range(5, 9), waits), range(i64::MIN, 9));
        assert_eq!(Interval::of_two(OpCode::Less, waits, range(-3, 0)), Interval::truth(false));
        assert_eq!(Interval::of_two(OpCode::MultiplyScaled, range(0, 10), range(0, 500_000)), range(0, 6));
    }
}
