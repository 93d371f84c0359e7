//! Conditions as trees: whether one can hold at all, always holds, or holds whenever another does. What is compared with a
//! constant on the way narrows what is known further on, so that `licks > 5 and licks < 3` is seen to hold never.

use std::collections::BTreeMap;

use link::program::op::{Op, OpCode, Special};

use super::interval::Interval;
use super::ranges::Ranges;

/// A value as a tree of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Leaf(Op),
    Element(u16, Box<Tree>),
    One(OpCode, Box<Tree>),
    Two(OpCode, Box<Tree>, Box<Tree>),
    /// Something with jumps, of which only the range is known.
    Worked(Vec<Op>, Interval),
}

/// What is known of leaves beyond their ranges: on the way through a condition that holds.
pub(super) type Known = BTreeMap<u32, Interval>;

impl Tree {
    pub(super) fn of(ops: &[Op], ranges: &Ranges<'_>) -> Self {
        let mut stack: Vec<Self> = Vec::new();
        for op in ops {
            let (pops, pushes) = op.code.stack_effect();
            let tree = match (op.code, pops, pushes) {
                (OpCode::Jump | OpCode::JumpIfFalse, ..) => return Self::Worked(ops.to_vec(), ranges.of(ops)),
                (OpCode::Element, ..) => stack.pop().map(|index| Self::Element(op.b, Box::new(index))),
                (_, 0, 1) => Some(Self::Leaf(*op)),
                (code, 1, 1) => stack.pop().map(|of| Self::One(code, Box::new(of))),
                (code, 2, 1) => {
                    let right = stack.pop();
                    stack.pop().zip(right).map(|(left, right)| Self::Two(code, Box::new(left), Box::new(right)))
                }
                _ => None,
            };
            let Some(tree) = tree else { return Self::Worked(ops.to_vec(), ranges.of(ops)) };
            stack.push(tree);
        }
        match stack.pop() {
            Some(tree) if stack.is_empty() => tree,
            _ => Self::Worked(ops.to_vec(), ranges.of(ops)),
        }
    }

    /// A condition that holds if both do.
    pub(super) fn and(self, other: Self) -> Self {
        Self::Two(OpCode::And, Box::new(self), Box::new(other))
    }

    /// A condition that holds if this one does not.
    pub(super) fn not(self) -> Self {
        Self::One(OpCode::Not, Box::new(self))
    }

    pub(super) fn range(&self, ranges: &Ranges<'_>) -> Interval {
        self.range_with(ranges, &Known::new())
    }

    /// The range of the value, where `known` holds.
    pub(super) fn range_with(&self, ranges: &Ranges<'_>, known: &Known) -> Interval {
        match self {
            Self::Worked(_, interval) => *interval,
            Self::Leaf(op) => known.get(&op.to_word()).copied().unwrap_or_else(|| ranges.leaf(*op)),
            Self::Element(list, _) => ranges.element(*list),
            Self::Two(OpCode::And | OpCode::Or, ..) => self.judged(ranges, known).range,
            // The same on both sides, whatever it is.
            Self::Two(OpCode::Equal | OpCode::LessOrEqual, left, right) if left == right => Interval::truth(true),
            Self::Two(OpCode::NotEqual | OpCode::Less, left, right) if left == right => Interval::truth(false),
            Self::One(code, of) => Interval::of_one(*code, of.range_with(ranges, known)),
            Self::Two(code, left, right) => {
                Interval::of_two(*code, left.range_with(ranges, known), right.range_with(ranges, known))
            }
        }
    }

    /// The range of a condition, and what is known besides if it holds and if it does not. All three at once: each part is
    /// looked at once, however long the condition.
    fn judged(&self, ranges: &Ranges<'_>, known: &Known) -> Judged {
        match self {
            Self::One(OpCode::Not, of) => {
                let Judged { range, holds, fails } = of.judged(ranges, known);
                Judged { range: Interval::of_one(OpCode::Not, range), holds: fails, fails: holds }
            }
            // The right side is asked where the left one holds, of an `or` where it does not.
            Self::Two(code @ (OpCode::And | OpCode::Or), left, right) => {
                let left = left.judged(ranges, known);
                let is_and = *code == OpCode::And;
                let Some(further) = (if is_and { left.holds } else { left.fails }) else {
                    return Judged::of(Interval::truth(!is_and), known.clone(), known.clone());
                };
                let right = right.judged(ranges, &further);
                let range = Interval::of_two(*code, left.range, right.range);
                let (holds, fails) = match is_and {
                    true => (right.holds, Some(known.clone())),
                    false => (Some(known.clone()), right.fails),
                };
                Judged { range, holds: holds.filter(|_| !range.is_false()), fails: fails.filter(|_| !range.is_true()) }
            }
            Self::Leaf(op) => {
                let range = self.range_with(ranges, known);
                let (mut holds, mut fails) = (known.clone(), known.clone());
                if range.low >= 0 && range.high <= 1 {
                    holds.insert(op.to_word(), Interval::truth(true));
                    fails.insert(op.to_word(), Interval::truth(false));
                }
                Judged::of(range, holds, fails)
            }
            Self::Two(code, left, right) => {
                let range = self.range_with(ranges, known);
                let narrowed = |holds| narrowed((*code, holds), (left, right), ranges, known);
                Judged {
                    range,
                    holds: narrowed(true).filter(|_| !range.is_false()),
                    fails: narrowed(false).filter(|_| !range.is_true()),
                }
            }
            Self::Worked(..) | Self::Element(..) | Self::One(..) => {
                Judged::of(self.range_with(ranges, known), known.clone(), known.clone())
            }
        }
    }

    /// Every leaf.
    pub(super) fn leaves(&self, found: &mut Vec<Op>) {
        match self {
            Self::Leaf(op) => found.push(*op),
            Self::Element(_, of) | Self::One(_, of) => of.leaves(found),
            Self::Two(_, left, right) => {
                left.leaves(found);
                right.leaves(found);
            }
            Self::Worked(..) => {}
        }
    }

    /// The least by which a later value is more than this one, where both are sums that share terms; of what is drawn or
    /// counted, both see the same.
    pub(super) fn least_more(&self, later: &Self, ranges: &Ranges<'_>) -> i64 {
        let mut terms: Vec<(Self, i64)> = Vec::new();
        later.add_terms(1, &mut terms);
        self.add_terms(-1, &mut terms);
        terms.iter().filter(|(_, times)| *times != 0).fold(0, |least: i64, (term, times)| {
            let range = Interval::of_two(OpCode::Multiply, term.range(ranges), Interval::one(*times));
            if least == i64::MIN || range.low == i64::MIN { i64::MIN } else { least.saturating_add(range.low) }
        })
    }

    fn add_terms(&self, times: i64, terms: &mut Vec<(Self, i64)>) {
        match self {
            Self::Two(OpCode::Add, left, right) => {
                left.add_terms(times, terms);
                right.add_terms(times, terms);
            }
            Self::Two(OpCode::Subtract, left, right) => {
                left.add_terms(times, terms);
                right.add_terms(-times, terms);
            }
            other => match terms.iter_mut().find(|(term, _)| term == other) {
                Some((_, count)) => *count += times,
                None => terms.push((other.clone(), times)),
            },
        }
    }
}

/// A condition that was looked at.
struct Judged {
    range: Interval,
    /// What is known if it holds; none if it cannot.
    holds: Option<Known>,
    /// What is known if it does not; none if it always holds.
    fails: Option<Known>,
}

impl Judged {
    fn of(range: Interval, holds: Known, fails: Known) -> Self {
        Self { range, holds: (!range.is_false()).then_some(holds), fails: (!range.is_true()).then_some(fails) }
    }
}

/// What is known of both sides besides if a comparison turns out so; none if it cannot.
fn narrowed(
    (code, holds): (OpCode, bool),
    (left, right): (&Tree, &Tree),
    ranges: &Ranges<'_>,
    known: &Known,
) -> Option<Known> {
    let mut narrower = known.clone();
    for (leaf, other, swapped) in [(left, right, false), (right, left, true)] {
        let Tree::Leaf(op) = leaf else { continue };
        if matches!(op.code, OpCode::Int | OpCode::Constant) {
            continue;
        }
        let side = other.range_with(ranges, &narrower);
        let own = leaf.range_with(ranges, &narrower);
        if let Some(bound) = compared(code, holds, swapped, side) {
            narrower.insert(op.to_word(), own.and(bound)?);
        }
    }
    Some(narrower)
}

/// Within what a value lies that was compared with one of a range; none if that says nothing.
fn compared(code: OpCode, holds: bool, swapped: bool, side: Interval) -> Option<Interval> {
    let below = |high: i64| Interval { low: i64::MIN, high };
    let above = |low: i64| Interval { low, high: i64::MAX };
    // An end that is no bound stays none.
    let less = |end: i64| if end == i64::MAX { end } else { end.saturating_sub(1) };
    let more = |end: i64| if end == i64::MIN { end } else { end.saturating_add(1) };
    match (code, holds, swapped) {
        (OpCode::Equal, true, _) | (OpCode::NotEqual, false, _) => Some(side),
        (OpCode::Less, true, false) => Some(below(less(side.high))),
        (OpCode::Less, true, true) => Some(above(more(side.low))),
        (OpCode::Less, false, false) => Some(above(side.low)),
        (OpCode::Less, false, true) => Some(below(side.high)),
        (OpCode::LessOrEqual, true, false) => Some(below(side.high)),
        (OpCode::LessOrEqual, true, true) => Some(above(side.low)),
        (OpCode::LessOrEqual, false, false) => Some(above(more(side.low))),
        (OpCode::LessOrEqual, false, true) => Some(below(less(side.high))),
        _ => None,
    }
}

/// Whether an operation reads something that is known to begin anew with a state: the time in it.
pub(super) fn is_state_time(op: Op) -> bool {
    op.code == OpCode::Special && Special::from_u8(op.a) == Some(Special::StateTime)
}
