//! What a piece of code costs at most, and what it is sure to work out. Jumps only lead forward, so one walk from its first
//! operation to its end sees every way through. Knows no states.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Add, AddAssign};

use link::program::op::{Op, OpCode};
use link::program::rows::{Code, DrawKind, Scope};
use link::program::{Program, Table};
use link::{EventId, LineId, OutcomeId, TimerId};

use super::table;

/// What is handled in a microsecond because something else was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    /// An event that is raised, or the end of a timer that may have been started for no time at all.
    Event(u16),
    /// A time-out that may take no time at all, by its row.
    TimeOut(usize),
}

/// What something costs at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Cycles, everything but writing records down.
    pub(super) cycles: u64,
    /// Records.
    pub(super) records: u64,
    /// What it brings about in its own microsecond.
    pub(super) raised: BTreeSet<Cause>,
    /// Whether only the engine's own limits bound what follows from it.
    pub(super) open: bool,
}

impl Cost {
    pub(super) fn of(cycles: u64) -> Self {
        Self { cycles, ..Self::default() }
    }

    /// A record and what leads to it.
    pub(super) fn recorded(cycles: u64) -> Self {
        Self { cycles: cycles + table::RECORD, records: 1, ..Self::default() }
    }

    /// One or the other.
    pub(super) fn or(mut self, other: &Self) -> Self {
        self.cycles = self.cycles.max(other.cycles);
        self.records = self.records.max(other.records);
        self.raised.extend(&other.raised);
        self.open |= other.open;
        self
    }

    pub(super) fn less(&self, cycles: u64) -> Self {
        Self { cycles: self.cycles.saturating_sub(cycles), ..self.clone() }
    }

    pub(super) fn times(mut self, count: u64) -> Self {
        self.cycles *= count;
        self.records *= count;
        self
    }
}

impl AddAssign<&Self> for Cost {
    fn add_assign(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.records += other.records;
        self.raised.extend(&other.raised);
        self.open |= other.open;
    }
}

impl AddAssign<u64> for Cost {
    fn add_assign(&mut self, cycles: u64) {
        self.cycles += cycles;
    }
}

impl Add<&Self> for Cost {
    type Output = Self;
    fn add(mut self, other: &Self) -> Self {
        self += other;
        self
    }
}

/// The code of one program.
pub(super) struct Codes<'p> {
    pub(super) program: &'p Program<'p>,
    /// What each variable holds all the time, if nothing sets it.
    settled: Vec<Option<i64>>,
    /// Per line, the invariants that watch it.
    watching: [u64; 32],
    /// Invariants that count over a trial.
    of_trial: u64,
    /// What each variable holds at least, if that is known. One that is only drawn is taken to have been drawn.
    lows: Vec<Option<i64>>,
    /// Whether what may take no time at all is followed; else it counts as a thing of its own.
    pub(super) at_once: bool,
    /// What follows from a cause costs, once it is known.
    follows: HashMap<Cause, Cost>,
    known: RefCell<HashMap<(u16, bool), Cost>>,
}

/// The most there may be on the way to an operation, and what the stack is sure to hold there.
#[derive(Clone)]
struct Arrival {
    cost: Cost,
    stack: Vec<Option<i64>>,
}

impl<'p> Codes<'p> {
    pub(super) fn new(program: &'p Program<'p>, at_once: bool) -> Self {
        let mut settled: Vec<Option<i64>> =
            (0..program.rows(Table::Variables)).map(|variable| Some(program.variable(variable))).collect();
        let (stored, drawn) = (stores(program), draws(program));
        for variable in stored.iter().chain(drawn.keys()) {
            if let Some(slot) = settled.get_mut(*variable) {
                *slot = None;
            }
        }
        let low = |(variable, settled): (usize, &Option<i64>)| match drawn.get(&variable) {
            Some(low) if !stored.contains(&variable) => *low,
            _ => *settled,
        };
        let lows = settled.iter().enumerate().map(low).collect();
        let (mut watching, mut of_trial) = ([0; 32], 0);
        for row in 0..program.rows(Table::Invariants) {
            let invariant = program.invariant(row);
            if let Some(slot) = watching.get_mut(invariant.line.index()) {
                *slot += 1;
            }
            of_trial += u64::from(invariant.scope == Scope::Trial);
        }
        let (follows, known) = (HashMap::new(), RefCell::default());
        Self { program, settled, watching, of_trial, lows, at_once, follows, known }
    }

    /// What follows from a cause is known from here on.
    pub(super) fn learn(&mut self, cause: Cause, cost: Cost) {
        self.follows.insert(cause, cost);
        self.known.get_mut().clear();
    }

    /// Something is brought about.
    pub(super) fn follow(&self, cause: Cause) -> Cost {
        let mut cost = self.follows.get(&cause).cloned().unwrap_or_default();
        cost.raised.insert(cause);
        cost
    }

    /// Whether a time-out of this duration may fall due in the very microsecond its state is entered in, and that counts.
    pub(super) fn falls_due_at_once(&self, duration: Code) -> bool {
        self.at_once && self.low(duration).is_none_or(|low| low <= 0)
    }

    /// What a duration is at least, if that is plain to see.
    fn low(&self, duration: Code) -> Option<i64> {
        let mut stack: Vec<Option<i64>> = Vec::new();
        let start = duration.address()?;
        for address in start.. {
            let op = self.op(address)?;
            let low = match op.code {
                OpCode::End => return stack.pop()?,
                OpCode::Int => Some(i64::from(op.b.cast_signed())),
                OpCode::Constant => Some(self.program.constant(usize::from(op.b))),
                OpCode::Load => self.lows.get(usize::from(op.b)).copied().flatten(),
                OpCode::Jump | OpCode::JumpIfFalse => return None,
                _ => {
                    let (pops, _) = op.code.stack_effect();
                    let (y, x) = (stack.pop().flatten(), if pops == 2 { stack.pop().flatten() } else { None });
                    match op.code {
                        OpCode::Add => x.zip(y).and_then(|(x, y)| x.checked_add(y)),
                        OpCode::Minimum => x.zip(y).map(|(x, y)| x.min(y)),
                        OpCode::Maximum => x.max(y),
                        _ => None,
                    }
                }
            };
            stack.push(low);
        }
        None
    }

    /// A guard or a duration: what it costs.
    pub(super) fn value(&self, code: Code) -> Cost {
        let Some(address) = code.address() else { return Cost::default() };
        let simple = matches!(self.op(address), Some(op) if matches!(op.code, OpCode::Int | OpCode::Load | OpCode::Constant))
            && matches!(self.op(address + 1), Some(op) if op.code == OpCode::End);
        if simple { Cost::of(table::VALUE) } else { self.piece(code, true) + &Cost::of(table::WORKED_OUT) }
    }

    /// What acts: what it costs.
    pub(super) fn act(&self, code: Code) -> Cost {
        if code == Code::NONE { Cost::default() } else { self.piece(code, false) + &Cost::of(table::CODE) }
    }

    /// Whether a guard may hold.
    pub(super) fn may_hold(&self, guard: Code) -> bool {
        guard == Code::NONE || self.result(guard) != Some(0)
    }

    fn op(&self, address: usize) -> Option<Op> {
        if address < self.program.rows(Table::Code) { Op::from_word(self.program.code(address)) } else { None }
    }

    fn piece(&self, code: Code, value: bool) -> Cost {
        if let Some(known) = self.known.borrow().get(&(code.0, value)) {
            return known.clone();
        }
        let cost = self.walk(code).map(|arrival| arrival.cost).unwrap_or_default();
        self.known.borrow_mut().insert((code.0, value), cost.clone());
        cost
    }

    /// What a piece of code is sure to leave on the stack.
    fn result(&self, code: Code) -> Option<i64> {
        self.walk(code)?.stack.last().copied().flatten()
    }

    /// Walks a piece of code: how its end is reached.
    fn walk(&self, code: Code) -> Option<Arrival> {
        let start = code.address()?;
        let mut ahead: HashMap<usize, Arrival> = HashMap::new();
        let mut here = Some(Arrival { cost: Cost::default(), stack: Vec::new() });
        let mut address = start;
        loop {
            let op = self.op(address)?;
            if let Some(landed) = ahead.remove(&address) {
                here = Some(join(here, landed));
            }
            if op.code == OpCode::End {
                return here;
            }
            if let Some(mut at) = here.take() {
                at.cost += &self.cost(op, &at.stack);
                let top = self.apply(op, &mut at.stack);
                let target = address + 1 + usize::from(op.b);
                let (mut jumps, mut goes_on) = (false, true);
                match op.code {
                    OpCode::Jump => (jumps, goes_on) = (true, false),
                    OpCode::JumpIfFalse => (jumps, goes_on) = (top.is_none_or(|top| top == 0), top != Some(0)),
                    _ => {}
                }
                if jumps {
                    let landed = ahead.remove(&target);
                    ahead.insert(target, join(landed, at.clone()));
                }
                here = goes_on.then_some(at);
            }
            address += 1;
        }
    }

    /// One operation, whatever follows from it within its microsecond with it.
    fn cost(&self, op: Op, stack: &[Option<i64>]) -> Cost {
        let own = table::op(op.code);
        match op.code {
            OpCode::On | OpCode::Off => Cost::recorded(table::SWITCH + self.watched(LineId(op.a))),
            OpCode::Play | OpCode::Pulse | OpCode::Deliver => Cost::recorded(table::PLAY + self.watched(LineId(op.a))),
            OpCode::Store if op.a == 1 => Cost::recorded(own),
            OpCode::Signal => {
                let cost = Cost::recorded(table::SIGNAL);
                cost + &self.follow(Cause::Event(op.b))
            }
            OpCode::TimerStart if self.at_once && stack.last().copied().flatten().is_none_or(|time| time <= 0) => {
                Cost::of(own) + &self.follow(Cause::Event(EventId::timer(TimerId(op.a)).0))
            }
            OpCode::Trial => self.trial(),
            OpCode::Outcome => self.outcome(OutcomeId(op.b)),
            OpCode::Draw => {
                let row = self.program.draw(usize::from(op.b));
                let bound = |n: usize| self.program.constant(usize::from(row.constants) + n);
                let bounded = row.kind == DrawKind::Normal && (bound(0), bound(1)) != (i64::MIN, i64::MAX);
                Cost::recorded(own + table::draw(&row, bounded))
            }
            _ => Cost::of(own),
        }
    }

    fn watched(&self, line: LineId) -> u64 {
        match self.watching.get(line.index()) {
            Some(0) | None => 0,
            Some(count) => table::WATCHED + table::WATCH * count,
        }
    }

    fn trial(&self) -> Cost {
        let draws = self.program.rows(Table::Draws) as u64;
        let mut cost = Cost::recorded(table::TRIAL + draws * table::TRIAL_DRAW + self.of_trial * table::RESET);
        for row in 0..self.program.rows(Table::Ends) {
            cost += &self.value(self.program.end(row).condition);
            cost += table::TRIAL_END;
        }
        cost
    }

    fn outcome(&self, outcome: OutcomeId) -> Cost {
        let draws = self.program.rows(Table::Draws);
        let rows = (0..draws).map(|draw| self.program.draw(draw));
        let waiting = rows.filter(|row| row.kind == DrawKind::Deck && row.spend_on == outcome).count() as u64;
        Cost::recorded(table::OUTCOME + draws as u64 * table::OUTCOME_DRAW + waiting * table::OUTCOME_DECK)
    }

    /// What an operation does to the stack, as far as that is sure; the value it took off the top, if it is one that jumps.
    fn apply(&self, op: Op, stack: &mut Vec<Option<i64>>) -> Option<i64> {
        let constant = |n: u16| Some(self.program.constant(usize::from(n)));
        match op.code {
            OpCode::Int => stack.push(Some(i64::from(op.b.cast_signed()))),
            OpCode::Constant => stack.push(constant(op.b)),
            OpCode::Load => stack.push(self.settled.get(usize::from(op.b)).copied().flatten()),
            OpCode::JumpIfFalse => return stack.pop().flatten(),
            OpCode::Negate | OpCode::Not | OpCode::Absolute => {
                let x = stack.pop().flatten();
                stack.push(x.and_then(|x| match op.code {
                    OpCode::Negate => x.checked_neg(),
                    OpCode::Not => Some(i64::from(x == 0)),
                    _ => x.checked_abs(),
                }));
            }
            _ => {
                let (pops, pushes) = op.code.stack_effect();
                let drawn = if op.code == OpCode::Draw { self.drawn_from(op) } else { 0 };
                let mut taken: Vec<Option<i64>> =
                    (0..usize::from(pops) + drawn).map(|_| stack.pop().flatten()).collect();
                taken.reverse();
                let result = match taken.as_slice() {
                    [x, y] if pushes == 1 => both(op.code, *x, *y),
                    _ => None,
                };
                stack.extend((0..pushes).map(|_| result));
            }
        }
        None
    }

    fn drawn_from(&self, op: Op) -> usize {
        let row = self.program.draw(usize::from(op.b));
        match row.kind {
            DrawKind::Chance => 1,
            DrawKind::Uniform | DrawKind::Normal => 2,
            DrawKind::Weighted => usize::from(row.labels),
            DrawKind::Exponential | DrawKind::Deck => 0,
        }
    }
}

/// Every operation of a program, in the order of its code.
pub(super) fn ops<'p>(program: &'p Program<'p>) -> impl Iterator<Item = Op> + 'p {
    program.table(Table::Code).iter().filter_map(|word| Op::from_word(*word))
}

/// The variables that some code sets.
fn stores(program: &Program<'_>) -> BTreeSet<usize> {
    ops(program).filter(|op| op.code == OpCode::Store).map(|op| usize::from(op.b)).collect()
}

/// The variables that are drawn, each with the least that is drawn, if that is known.
fn draws(program: &Program<'_>) -> BTreeMap<usize, Option<i64>> {
    let mut drawn: BTreeMap<usize, Option<i64>> = BTreeMap::new();
    for draw in 0..program.rows(Table::Draws) {
        let row = program.draw(draw);
        let constant = |n: usize| Some(program.constant(usize::from(row.constants) + n));
        let low = match row.kind {
            DrawKind::Exponential => constant(2),
            DrawKind::Normal => constant(0),
            DrawKind::Uniform => least_uniform(program, draw),
            DrawKind::Chance | DrawKind::Weighted | DrawKind::Deck => Some(0),
        };
        let known = drawn.entry(row.variable.index()).or_insert(low);
        *known = known.zip(low).map(|(known, low)| known.min(low));
    }
    drawn
}

/// The lower bound of a uniform draw, if it is written as a number everywhere.
fn least_uniform(program: &Program<'_>, draw: usize) -> Option<i64> {
    let ops: Vec<Op> = ops(program).collect();
    let mut least = None;
    for three in ops.windows(3).filter(|three| three[2].code == OpCode::Draw && usize::from(three[2].b) == draw) {
        let simple = matches!(three[1].code, OpCode::Int | OpCode::Constant | OpCode::Load);
        let low = match three[0].code {
            OpCode::Int => i64::from(three[0].b.cast_signed()),
            OpCode::Constant => program.constant(usize::from(three[0].b)),
            _ => return None,
        };
        if !simple {
            return None;
        }
        least = Some(least.map_or(low, |least: i64| least.min(low)));
    }
    least
}

fn join(one: Option<Arrival>, other: Arrival) -> Arrival {
    let Some(one) = one else { return other };
    let same = |(x, y): (&Option<i64>, &Option<i64>)| if x == y { *x } else { None };
    let stack = one.stack.iter().zip(&other.stack).map(same).collect();
    Arrival { cost: one.cost.or(&other.cost), stack }
}

/// What comes of two values that are sure; of some operations it is enough to know one.
fn both(code: OpCode, x: Option<i64>, y: Option<i64>) -> Option<i64> {
    let (truth, is) = (|holds: bool| Some(i64::from(holds)), |value: Option<i64>, n: i64| value == Some(n));
    match code {
        OpCode::And if is(x, 0) || is(y, 0) => return Some(0),
        OpCode::Or if x.is_some_and(|x| x != 0) || y.is_some_and(|y| y != 0) => return Some(1),
        _ => {}
    }
    let (x, y) = (x?, y?);
    match code {
        OpCode::Add => x.checked_add(y),
        OpCode::Subtract => x.checked_sub(y),
        OpCode::Minimum => Some(x.min(y)),
        OpCode::Maximum => Some(x.max(y)),
        OpCode::Equal => truth(x == y),
        OpCode::NotEqual => truth(x != y),
        OpCode::Less => truth(x < y),
        OpCode::LessOrEqual => truth(x <= y),
        OpCode::And => truth(x != 0 && y != 0),
        OpCode::Or => truth(x != 0 || y != 0),
        _ => None,
    }
}
