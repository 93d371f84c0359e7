//! Between what every variable of a program stays, whatever happens: parameters within their stated range, everything else by
//! what it begins with and by what is put into it anywhere. Follows all code until nothing widens any more.

use std::collections::HashMap;

use link::program::op::{Op, OpCode, Special};
use link::program::rows::{Code, DrawKind};
use link::program::{Program, Table};

use super::interval::Interval;
use crate::cost::drawn_from;

/// How often all code is gone through before what still grows is taken to have no bound.
const ROUNDS: usize = 8;

/// What is known of a program's values.
pub(super) struct Ranges<'p> {
    program: &'p Program<'p>,
    variables: Vec<Interval>,
    outcomes: i64,
}

impl<'p> Ranges<'p> {
    /// `fixed` has the range of each variable that is not the program's own; none for those that it works out.
    /// What only a draw fills, as `drawn` says, is never read before it was drawn.
    pub(super) fn new(program: &'p Program<'p>, fixed: &[Option<Interval>], drawn: &[bool], outcomes: usize) -> Self {
        let count = program.rows(Table::Variables);
        let own = |n: usize| fixed.get(n).copied().flatten();
        let first = (0..count).map(|n| own(n).unwrap_or_else(|| Interval::one(program.variable(n))));
        let outcomes = i64::try_from(outcomes).unwrap_or(i64::MAX);
        let mut ranges = Self { program, variables: first.collect(), outcomes };
        let pieces = pieces(program);
        let mut first_drawn: HashMap<usize, Interval> = HashMap::new();
        for piece in &pieces {
            ranges.walk(piece, &mut |ranges, op, stack| {
                if op.code == OpCode::Draw {
                    let (variable, value) = ranges.drawn(op, stack);
                    first_drawn.entry(variable).and_modify(|before| *before = before.or(value)).or_insert(value);
                }
            });
        }
        for (variable, value) in first_drawn {
            if let (Some(true), Some(known)) = (drawn.get(variable), ranges.variables.get_mut(variable)) {
                *known = value;
            }
        }
        // An end that still moves after so many rounds is taken to have no bound, so each moves once more at most.
        for round in 0.. {
            let mut put: HashMap<usize, Interval> = HashMap::new();
            for piece in &pieces {
                ranges.walk(piece, &mut |ranges, op, stack| {
                    let (variable, value) = match op.code {
                        OpCode::Store => (usize::from(op.b), stack.last().copied().unwrap_or(Interval::ANY)),
                        OpCode::Draw => ranges.drawn(op, stack),
                        _ => return,
                    };
                    put.entry(variable).and_modify(|before| *before = before.or(value)).or_insert(value);
                });
            }
            let mut grew = false;
            for (variable, value) in put {
                let Some(known) = ranges.variables.get_mut(variable).filter(|_| own(variable).is_none()) else {
                    continue;
                };
                let mut wider = known.or(value);
                if round >= ROUNDS {
                    wider.low = if wider.low < known.low { i64::MIN } else { wider.low };
                    wider.high = if wider.high > known.high { i64::MAX } else { wider.high };
                }
                grew |= wider != *known;
                *known = wider;
            }
            if !grew {
                break;
            }
        }
        ranges
    }

    pub(super) fn variable(&self, variable: usize) -> Interval {
        self.variables.get(variable).copied().unwrap_or(Interval::ANY)
    }

    /// What the operations of a value leave.
    pub(super) fn of(&self, ops: &[Op]) -> Interval {
        self.walk(ops, &mut |_, _, _| {}).and_then(|stack| stack.last().copied()).unwrap_or(Interval::ANY)
    }

    /// What an operation that takes nothing pushes.
    pub(super) fn leaf(&self, op: Op) -> Interval {
        match op.code {
            OpCode::Int => Interval::one(i64::from(op.b.cast_signed())),
            OpCode::Constant => Interval::one(self.program.constant(usize::from(op.b))),
            OpCode::Load => self.variable(usize::from(op.b)),
            OpCode::InState => Interval::TRUTH,
            OpCode::Special => match Special::from_u8(op.a) {
                Some(Special::Level | Special::TimerRunning) => Interval::TRUTH,
                Some(Special::Outcome) => Interval { low: 0, high: self.outcomes },
                Some(
                    Special::SessionTime
                    | Special::Trial
                    | Special::TrialTime
                    | Special::TimerLeft
                    | Special::StateTime,
                ) => Interval::NOT_NEGATIVE,
                #[allow(unreachable_patterns)]
                _ => Interval::ANY,
            },
            _ => Interval::ANY,
        }
    }

    /// The values of a list.
    pub(super) fn element(&self, list: u16) -> Interval {
        let slice = self.program.list(usize::from(list));
        let first = usize::from(slice.first);
        let values = (first..first + usize::from(slice.len)).map(|n| Interval::one(self.program.constant(n)));
        values.reduce(Interval::or).unwrap_or(Interval::ANY)
    }

    /// The variable a draw puts something into, and what.
    fn drawn(&self, op: Op, stack: &[Interval]) -> (usize, Interval) {
        let row = self.program.draw(usize::from(op.b));
        let constant = |n: usize| self.program.constant(usize::from(row.constants) + n);
        let labels = Interval { low: 0, high: i64::from(row.labels).max(1) - 1 };
        let value = match row.kind {
            DrawKind::Chance => Interval::TRUTH,
            DrawKind::Uniform => match stack {
                [.., low, high] => low.or(*high),
                _ => Interval::ANY,
            },
            DrawKind::Exponential => Interval { low: constant(2), high: constant(3) },
            DrawKind::Normal => Interval { low: constant(0), high: constant(1) },
            DrawKind::Weighted | DrawKind::Deck => labels,
            #[allow(unreachable_patterns)]
            _ => Interval::ANY,
        };
        (row.variable.index(), value)
    }

    /// Walks operations; what lies on the stack at their end. `look` is shown each with the stack before it.
    fn walk(&self, ops: &[Op], look: &mut dyn FnMut(&Self, Op, &[Interval])) -> Option<Vec<Interval>> {
        let mut ahead: HashMap<usize, Vec<Interval>> = HashMap::new();
        let mut here = Some(Vec::new());
        for (at, op) in ops.iter().enumerate() {
            if let Some(landed) = ahead.remove(&at) {
                here = Some(join(here, landed));
            }
            let Some(mut stack) = here.take() else { continue };
            look(self, *op, &stack);
            let target = at + 1 + usize::from(op.b);
            match op.code {
                OpCode::Jump => {
                    let landed = ahead.remove(&target);
                    ahead.insert(target, join(landed, stack));
                    continue;
                }
                OpCode::JumpIfFalse => {
                    let top = stack.pop().unwrap_or(Interval::ANY);
                    if !top.is_true() {
                        let landed = ahead.remove(&target);
                        ahead.insert(target, join(landed, stack.clone()));
                    }
                    here = (!top.is_false()).then_some(stack);
                    continue;
                }
                OpCode::Element => {
                    stack.pop();
                    stack.push(self.element(op.b));
                }
                code => {
                    let (pops, pushes) = code.stack_effect();
                    let drawn =
                        if code == OpCode::Draw { drawn_from(&self.program.draw(usize::from(op.b))) } else { 0 };
                    let taken = stack.split_off(stack.len().saturating_sub(usize::from(pops) + drawn));
                    let result = match taken.as_slice() {
                        [] => self.leaf(*op),
                        [x] => Interval::of_one(code, *x),
                        [x, y] => Interval::of_two(code, *x, *y),
                        _ => Interval::ANY,
                    };
                    stack.extend((0..pushes).map(|_| result));
                }
            }
            here = Some(stack);
        }
        match ahead.remove(&ops.len()) {
            Some(landed) => Some(join(here, landed)),
            None => here,
        }
    }
}

fn join(one: Option<Vec<Interval>>, other: Vec<Interval>) -> Vec<Interval> {
    match one {
        None => other,
        Some(one) => one.iter().zip(&other).map(|(one, other)| one.or(*other)).collect(),
    }
}

/// The operations of a piece of code, without its end.
pub(super) fn ops(program: &Program<'_>, code: Code) -> Vec<Op> {
    let Some(start) = code.address() else { return Vec::new() };
    let words = program.code_from(start).iter().filter_map(|word| Op::from_word(*word));
    words.take_while(|op| op.code != OpCode::End).collect()
}

/// Every piece of code of a program that does something.
fn pieces(program: &Program<'_>) -> Vec<Vec<Op>> {
    let mut codes = Vec::new();
    for row in (0..program.rows(Table::States)).map(|state| program.state(state)) {
        codes.extend([row.entry, row.exit]);
    }
    codes.extend((0..program.rows(Table::Rules)).map(|rule| program.rule(rule).action));
    codes.extend((0..program.rows(Table::Afters)).map(|after| program.after(after).action));
    codes.extend((0..program.rows(Table::Whens)).map(|when| program.when(when).action));
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(|code| ops(program, code)).filter(|ops| !ops.is_empty()).collect()
}
