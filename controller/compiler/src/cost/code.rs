//! What a piece of code costs at most, and what it is sure to work out. Jumps only lead forward, so one walk from its first
//! operation to its end sees every way through. Knows no states.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Add, AddAssign};

use link::program::op::{Op, OpCode};
use link::program::rows::{Code, Draw, DrawKind, Scope};
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
    /// What is known of each variable at any time. One that is only drawn is taken to have been drawn.
    variables: Vec<Known>,
    /// Per line, the invariants that watch it.
    watching: [u64; 32],
    /// Invariants that count over a trial.
    of_trial: u64,
    /// Whether what may take no time at all is followed; else it counts as a thing of its own.
    pub(super) at_once: bool,
    /// What follows from a cause costs, once it is known.
    follows: HashMap<Cause, Cost>,
    known: RefCell<HashMap<(u16, bool), Cost>>,
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    /// What it surely is.
    is: Option<i64>,
    /// What it is at least.
    low: Option<i64>,
}

impl Known {
    const fn sure(value: i64) -> Self {
        Self { is: Some(value), low: Some(value) }
    }

    /// One or the other.
    fn or(self, other: Self) -> Self {
        Self {
            is: if self.is == other.is { self.is } else { None },
            low: self.low.zip(other.low).map(|(one, other)| one.min(other)),
        }
    }
}

/// The most there may be on the way to an operation, and what is known of the stack there.
#[derive(Clone)]
struct Arrival {
    cost: Cost,
    stack: Vec<Known>,
}

impl<'p> Codes<'p> {
    pub(super) fn new(program: &'p Program<'p>, given: &[u16], at_once: bool) -> Self {
        let (mut watching, mut of_trial) = ([0; 32], 0);
        for row in 0..program.rows(Table::Invariants) {
            let invariant = program.invariant(row);
            if let Some(slot) = watching.get_mut(invariant.line.index()) {
                *slot += 1;
            }
            of_trial += u64::from(invariant.scope == Scope::Trial);
        }
        let (follows, known) = (HashMap::new(), RefCell::default());
        let variables = vec![Known::default(); program.rows(Table::Variables)];
        let mut codes = Self { program, variables, watching, of_trial, at_once, follows, known };
        codes.variables = codes.known_variables();
        for variable in given {
            if let Some(known) = codes.variables.get_mut(usize::from(*variable)) {
                *known = Known::default();
            }
        }
        codes
    }

    /// What is known of each variable: by what it begins with, and by what is put into it anywhere. Of what that is worked out
    /// from, nothing is known yet.
    fn known_variables(&self) -> Vec<Known> {
        let mut put: BTreeMap<usize, Known> = BTreeMap::new();
        let mut only_drawn: BTreeMap<usize, bool> = BTreeMap::new();
        for code in pieces(self.program) {
            self.walk_with(code, &mut |op, stack| {
                let (variable, known, drawn) = match op.code {
                    OpCode::Store => (usize::from(op.b), stack.last().copied().unwrap_or_default(), false),
                    OpCode::Draw => {
                        let row = self.program.draw(usize::from(op.b));
                        (row.variable.index(), Known { is: None, low: self.least(&row, stack) }, true)
                    }
                    _ => return,
                };
                put.entry(variable).and_modify(|before| *before = before.or(known)).or_insert(known);
                *only_drawn.entry(variable).or_insert(true) &= drawn;
            });
        }
        let known = |variable: usize| {
            let first = Known::sure(self.program.variable(variable));
            match (put.get(&variable), only_drawn.get(&variable)) {
                (Some(known), Some(true)) => *known,
                (Some(known), _) => known.or(first),
                (None, _) => first,
            }
        };
        (0..self.program.rows(Table::Variables)).map(known).collect()
    }

    /// The least that is drawn.
    fn least(&self, row: &Draw, stack: &[Known]) -> Option<i64> {
        let constant = |n: usize| self.program.constant(usize::from(row.constants) + n);
        match row.kind {
            DrawKind::Exponential => Some(constant(2)),
            DrawKind::Normal => Some(constant(0)),
            DrawKind::Uniform => stack.get(stack.len().checked_sub(2)?)?.low,
            DrawKind::Chance | DrawKind::Weighted | DrawKind::Deck => Some(0),
        }
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
        self.at_once && self.result(duration).low.is_none_or(|low| low <= 0)
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
        guard == Code::NONE || self.result(guard).is != Some(0)
    }

    /// Whether a variable surely holds one value all the time.
    pub(super) fn is_sure(&self, variable: u16) -> bool {
        self.variables.get(usize::from(variable)).is_some_and(|known| known.is.is_some())
    }

    /// The operations of a piece of code that has no jumps, without its end; none of another, or if there is nothing to run.
    pub(super) fn straight(&self, code: Code) -> Option<Vec<Op>> {
        let mut ops = Vec::new();
        for address in code.address()?.. {
            let op = self.op(address)?;
            match op.code {
                OpCode::End => return Some(ops),
                OpCode::Jump | OpCode::JumpIfFalse => return None,
                _ => ops.push(op),
            }
        }
        None
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

    /// What is known of what a piece of code leaves on the stack.
    fn result(&self, code: Code) -> Known {
        self.walk(code).and_then(|arrival| arrival.stack.last().copied()).unwrap_or_default()
    }

    fn walk(&self, code: Code) -> Option<Arrival> {
        self.walk_with(code, &mut |_, _| {})
    }

    /// Walks a piece of code: how its end is reached. `look` is shown each operation with the stack before it.
    fn walk_with(&self, code: Code, look: &mut dyn FnMut(Op, &[Known])) -> Option<Arrival> {
        let start = code.address()?;
        let mut ahead: HashMap<usize, Arrival> = HashMap::new();
        let mut here = Some(Arrival { cost: Cost::default(), stack: Vec::new() });
        for address in start.. {
            let op = self.op(address)?;
            if let Some(landed) = ahead.remove(&address) {
                here = Some(join(here, landed));
            }
            if op.code == OpCode::End {
                return here;
            }
            if let Some(mut at) = here.take() {
                look(op, &at.stack);
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
        }
        None
    }

    /// One operation, whatever follows from it within its microsecond with it.
    fn cost(&self, op: Op, stack: &[Known]) -> Cost {
        let own = table::op(op.code);
        match op.code {
            OpCode::On | OpCode::Off => Cost::recorded(table::SWITCH + self.watched(LineId(op.a))),
            OpCode::OnPower
            | OpCode::Play
            | OpCode::PlayPower
            | OpCode::Pulse
            | OpCode::PulsePower
            | OpCode::Deliver => Cost::recorded(table::PLAY + self.watched(LineId(op.a))),
            OpCode::Store if op.a == 1 => Cost::recorded(own),
            OpCode::Signal => {
                let cost = Cost::recorded(table::SIGNAL);
                cost + &self.follow(Cause::Event(op.b))
            }
            OpCode::TimerStart if self.at_once && stack.last().and_then(|time| time.low).is_none_or(|low| low <= 0) => {
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

    /// What an operation does to the stack; the value it took off the top, if that is sure and it is one that jumps.
    fn apply(&self, op: Op, stack: &mut Vec<Known>) -> Option<i64> {
        match op.code {
            OpCode::Int => stack.push(Known::sure(i64::from(op.b.cast_signed()))),
            OpCode::Constant => stack.push(Known::sure(self.program.constant(usize::from(op.b)))),
            OpCode::Load => stack.push(self.variables.get(usize::from(op.b)).copied().unwrap_or_default()),
            OpCode::JumpIfFalse => return stack.pop().and_then(|top| top.is),
            _ => {
                let (pops, pushes) = op.code.stack_effect();
                let drawn = if op.code == OpCode::Draw { drawn_from(&self.program.draw(usize::from(op.b))) } else { 0 };
                let kept = stack.len().saturating_sub(usize::from(pops) + drawn);
                let taken = stack.split_off(kept);
                let result = match taken.as_slice() {
                    [x] => of_one(op.code, *x),
                    [x, y] => of_two(op.code, *x, *y),
                    _ => Known::default(),
                };
                stack.extend((0..pushes).map(|_| result));
            }
        }
        None
    }
}

/// What a draw takes off the stack.
pub(crate) fn drawn_from(row: &Draw) -> usize {
    match row.kind {
        DrawKind::Chance => 1,
        DrawKind::Uniform | DrawKind::Normal => 2,
        DrawKind::Weighted => usize::from(row.labels),
        DrawKind::Exponential | DrawKind::Deck => 0,
    }
}

/// Every operation of a program, in the order of its code.
pub(super) fn ops<'p>(program: &'p Program<'p>) -> impl Iterator<Item = Op> + 'p {
    program.table(Table::Code).iter().filter_map(|word| Op::from_word(*word))
}

/// Every piece of code of a program.
fn pieces(program: &Program<'_>) -> Vec<Code> {
    let mut pieces = Vec::new();
    for row in (0..program.rows(Table::States)).map(|state| program.state(state)) {
        pieces.extend([row.entry, row.exit]);
    }
    for row in (0..program.rows(Table::Rules)).map(|rule| program.rule(rule)) {
        pieces.extend([row.guard, row.action]);
    }
    for row in (0..program.rows(Table::Afters)).map(|after| program.after(after)) {
        pieces.extend([row.duration, row.guard, row.action]);
    }
    for row in (0..program.rows(Table::Whens)).map(|when| program.when(when)) {
        pieces.extend([row.guard, row.action]);
    }
    pieces.extend((0..program.rows(Table::Ends)).map(|end| program.end(end).condition));
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

fn join(one: Option<Arrival>, other: Arrival) -> Arrival {
    let Some(one) = one else { return other };
    let stack = one.stack.iter().zip(&other.stack).map(|(one, other)| one.or(*other)).collect();
    Arrival { cost: one.cost.or(&other.cost), stack }
}

fn of_one(code: OpCode, x: Known) -> Known {
    let is = |work: fn(i64) -> Option<i64>| x.is.and_then(work);
    match code {
        OpCode::Negate => is(i64::checked_neg).map_or_else(Known::default, Known::sure),
        OpCode::Not => is(|x| Some(i64::from(x == 0))).map_or_else(truth, Known::sure),
        OpCode::Absolute => is(i64::checked_abs).map_or_else(truth, Known::sure),
        _ => Known::default(),
    }
}

/// Something that is not below 0.
const fn truth() -> Known {
    Known { is: None, low: Some(0) }
}

/// What is known of what comes of two values; of some operations it is enough to know one.
fn of_two(code: OpCode, x: Known, y: Known) -> Known {
    let truth_of = |holds: bool| Known::sure(i64::from(holds));
    let both = x.is.zip(y.is);
    let lows = x.low.zip(y.low);
    let compared = |work: fn(i64, i64) -> bool| both.map_or_else(truth, |(x, y)| truth_of(work(x, y)));
    match code {
        OpCode::Add => {
            Known { is: both.and_then(|(x, y)| x.checked_add(y)), low: lows.and_then(|(x, y)| x.checked_add(y)) }
        }
        OpCode::Multiply | OpCode::MultiplyScaled => {
            let by = if code == OpCode::Multiply { 1 } else { 1_000_000 };
            let both_low = lows.filter(|(x, y)| *x >= 0 && *y >= 0);
            Known { is: None, low: both_low.and_then(|(x, y)| x.checked_mul(y)).map(|product| product / by) }
        }
        OpCode::Subtract => both.and_then(|(x, y)| x.checked_sub(y)).map_or_else(Known::default, Known::sure),
        OpCode::Minimum => Known { is: both.map(|(x, y)| x.min(y)), low: lows.map(|(x, y)| x.min(y)) },
        OpCode::Maximum => Known { is: both.map(|(x, y)| x.max(y)), low: x.low.max(y.low) },
        OpCode::And if x.is == Some(0) || y.is == Some(0) => truth_of(false),
        OpCode::Or if [x.is, y.is].into_iter().flatten().any(|value| value != 0) => truth_of(true),
        OpCode::Equal => compared(|x, y| x == y),
        OpCode::NotEqual => compared(|x, y| x != y),
        OpCode::Less => compared(|x, y| x < y),
        OpCode::LessOrEqual => compared(|x, y| x <= y),
        OpCode::And => compared(|x, y| x != 0 && y != 0),
        OpCode::Or => compared(|x, y| x != 0 || y != 0),
        _ => Known::default(),
    }
}
