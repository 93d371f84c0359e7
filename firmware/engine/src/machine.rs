//! The engine itself: regions and their states, and the order things are handled in within one microsecond. What it
//! owns besides stands in the modules beside it.

use heapless::{Deque, Vec};
use link::limits::{MAX_CHAIN, MAX_DEADLINES_PER_REGION, MAX_DEPTH, MAX_DUE, MAX_REGIONS, MAX_SIGNALS, MAX_VARIABLES};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{Code, Slice};
use link::program::{Program, Table};
use link::{
    DrawId, EndReason, EventId, Fault, LineId, Micros, OutcomeId, Record, RegionId, StateId, TimerId, VariableId,
};

use crate::code::Stack;
use crate::deck::Decks;
use crate::draw::draw;
use crate::inbox::Inbox;
use crate::outputs::{Outputs, Write};
use crate::random::Generator;
use crate::timers::Timers;
use crate::{Given, InboxFull, NEVER, Sink};

/// A running `after`.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    due: Micros,
    /// Row of the table of afters.
    row: u16,
    /// Depth of the state it belongs to.
    depth: u8,
}

#[derive(Debug)]
struct Region {
    /// The innermost active state; [`StateId::NONE`] before the start.
    leaf: StateId,
    /// The innermost state that was active before the last transition.
    previous: StateId,
    /// When the active state of each depth was entered.
    entered: [Micros; MAX_DEPTH],
    deadlines: Vec<Deadline, MAX_DEADLINES_PER_REGION>,
}

impl Region {
    const fn new() -> Self {
        Self { leaf: StateId::NONE, previous: StateId::NONE, entered: [0; MAX_DEPTH], deadlines: Vec::new() }
    }
}

#[derive(Debug)]
struct Trial {
    number: u32,
    began: Micros,
    outcome: Option<OutcomeId>,
}

/// The state machine of one session. See the crate's documentation.
#[derive(Debug)]
pub struct Engine {
    running: bool,
    /// The first microsecond not yet closed.
    clock: Micros,
    /// When the earliest thing of the program's own is due.
    next_due: Micros,
    started: Micros,
    inbox: Inbox,
    regions: [Region; MAX_REGIONS],
    region_count: usize,
    variables: [i64; MAX_VARIABLES],
    timers: Timers,
    outputs: Outputs,
    signals: Deque<EventId, MAX_SIGNALS>,
    stack: Stack,
    generator: Generator,
    decks: Decks,
    trial: Trial,
    levels: u32,
    has_whens: bool,
    /// Why the session ends at the next trial boundary, if it must.
    last_trial: Option<EndReason>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with nothing to do.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            running: false,
            clock: 0,
            next_due: NEVER,
            started: 0,
            inbox: Inbox::new(),
            regions: [const { Region::new() }; MAX_REGIONS],
            region_count: 0,
            variables: [0; MAX_VARIABLES],
            timers: Timers::new(),
            outputs: Outputs::new(),
            signals: Deque::new(),
            stack: Stack::new(),
            generator: Generator::new(0),
            decks: Decks::new(),
            trial: Trial { number: 0, began: 0, outcome: None },
            levels: 0,
            has_whens: false,
            last_trial: None,
        }
    }

    /// Begins a session of a checked program at microsecond `at`, which is handled whole and closed. `levels` says which
    /// input lines are active, bit *n* for line *n*. The first record is [`Record::Start`].
    pub fn start(&mut self, program: &Program, at: Micros, seed: u64, levels: u32, sink: &mut impl Sink) {
        self.running = true;
        self.clock = at;
        self.started = at;
        self.inbox.clear();
        self.signals.clear();
        self.regions = [const { Region::new() }; MAX_REGIONS];
        self.region_count = program.rows(Table::Regions).min(MAX_REGIONS);
        for (index, variable) in self.variables.iter_mut().enumerate() {
            *variable = program.variable(index);
        }
        self.timers = Timers::new();
        self.outputs.start(program);
        self.generator = Generator::new(seed);
        self.decks = Decks::new();
        self.trial = Trial { number: 0, began: at, outcome: None };
        self.levels = levels;
        self.has_whens = program.rows(Table::Whens) > 0;
        self.last_trial = None;
        let [a, b, c, d, ..] = program.hash();
        sink.record(at, Record::Start { seed, levels, program: u32::from_le_bytes([a, b, c, d]) });
        Step::new(self, program, at, sink).run(Step::start_regions);
    }

    /// Whether a session is under way.
    #[must_use]
    pub const fn running(&self) -> bool {
        self.running
    }

    /// The first microsecond not yet closed.
    #[must_use]
    pub const fn clock(&self) -> Micros {
        self.clock
    }

    /// The earliest microsecond that holds something to handle.
    #[must_use]
    pub fn next_at(&self) -> Option<Micros> {
        let next = self.inbox.next_at().unwrap_or(NEVER).min(self.next_due);
        if self.running && next != NEVER { Some(next) } else { None }
    }

    /// Puts in something that happened at `stamp`. It is handled when its microsecond is closed, or in the first one
    /// still open if that lies behind.
    ///
    /// # Errors
    /// When [`link::limits::MAX_INBOX`] wait already: the caller must record the loss.
    pub fn offer(&mut self, stamp: Micros, given: Given) -> Result<(), InboxFull> {
        if !self.running {
            return Ok(());
        }
        self.inbox.offer(self.clock, stamp, given)
    }

    /// Handles, in order, every microsecond up to and with `closed` that holds something, `steps_max` of them at most.
    /// Returns whether any is left.
    pub fn advance(&mut self, program: &Program, closed: Micros, steps_max: u16, sink: &mut impl Sink) -> bool {
        for _ in 0..steps_max {
            match self.next_at() {
                Some(at) if at <= closed => Step::new(self, program, at, sink).run(Step::handle),
                _ => break,
            }
        }
        let any_left = self.next_at().is_some_and(|at| at <= closed);
        if !any_left {
            // Closed is closed, however many calls it took: what comes with such a stamp from here on is late.
            self.clock = self.clock.max(closed.saturating_add(1));
        }
        any_left
    }

    fn is_active(regions: &[Region], program: &Program, state: StateId) -> bool {
        let row = program.state(state.index());
        let Some(region) = regions.get(row.region.index()) else { return false };
        let mut active = region.leaf;
        for _ in 0..MAX_DEPTH {
            if active == state {
                return state != StateId::NONE;
            }
            if active == StateId::NONE {
                return false;
            }
            active = program.state(active.index()).parent;
        }
        false
    }
}

/// Why handling a microsecond stops before its end.
enum Halt {
    End(EndReason),
    Fault(Fault),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Handled<T = ()> = Result<T, Halt>;

/// One microsecond being handled.
struct Step<'e, 'p, 's, S> {
    engine: &'e mut Engine,
    program: &'p Program<'p>,
    sink: &'s mut S,
    at: Micros,
    /// Transitions so far.
    chain: u16,
    /// Signals handled so far.
    signals_handled: u16,
    /// Ends of trains, timers and time-outs handled so far.
    due_handled: u16,
}

impl<'e, 'p, 's, S: Sink> Step<'e, 'p, 's, S> {
    const fn new(engine: &'e mut Engine, program: &'p Program<'p>, at: Micros, sink: &'s mut S) -> Self {
        Self { engine, program, sink, at, chain: 0, signals_handled: 0, due_handled: 0 }
    }

    fn record(&mut self, record: Record) {
        self.sink.record(self.at, record);
    }

    /// Handles the microsecond with `body`, asks for outputs, closes it, ends the session if it must end.
    fn run(mut self, body: fn(&mut Self) -> Handled) {
        let handled = body(&mut self).and_then(|()| self.flush());
        if let Err(halt) = handled {
            let reason = match halt {
                Halt::End(reason) => reason,
                Halt::Fault(fault) => {
                    self.record(Record::Fault(fault));
                    EndReason::Fault(fault)
                }
            };
            self.record_the_rest();
            self.record(Record::End(reason));
            self.engine.running = false;
        }
        let engine = self.engine;
        engine.stack.clear();
        engine.clock = self.at.saturating_add(1);
        engine.next_due = engine.timers.next_due().min(engine.outputs.next_due());
        for region in engine.regions.iter().take(engine.region_count) {
            for deadline in &region.deadlines {
                engine.next_due = engine.next_due.min(deadline.due);
            }
        }
    }

    fn flush(&mut self) -> Handled {
        let (regions, program) = (&self.engine.regions, self.program);
        self.engine
            .outputs
            .flush(program, self.at, self.sink, |state| Engine::is_active(regions, program, state))
            .map_err(Halt::Fault)
    }

    /// What came in the last microsecond of a session is recorded though nothing acts on it.
    fn record_the_rest(&mut self) {
        while let Some(waiting) = self.engine.inbox.take(self.at) {
            self.record_given(&waiting.given, waiting.late_us);
        }
    }

    fn record_given(&mut self, given: &Given, late_us: u32) {
        self.record(match *given {
            Given::Stop(reason) => Record::Stop(reason),
            Given::LastTrial(reason) => Record::LastTrial(reason),
            Given::Edge { line, active } => Record::Input { line, active, late_us },
            Given::Outside(event) => Record::Outside { event, late_us },
            Given::Parameter { variable, value } => Record::Parameter { variable, value },
        });
    }

    // The order within one microsecond.

    fn start_regions(&mut self) -> Handled {
        for index in 0..self.engine.region_count {
            let start = self.program.region(index).start;
            self.enter(index, 0, start)?;
            if let Some(region) = self.engine.regions.get_mut(index) {
                region.previous = region.leaf;
            }
        }
        self.follow_whens()?;
        self.handle_signals()?;
        self.handle_due()
    }

    fn handle(&mut self) -> Handled {
        while let Some(waiting) = self.engine.inbox.take(self.at) {
            self.record_given(&waiting.given, waiting.late_us);
            match waiting.given {
                Given::Stop(reason) => return Err(Halt::End(reason)),
                Given::LastTrial(reason) => self.engine.last_trial = Some(reason),
                Given::Edge { line, active } => {
                    let levels = &mut self.engine.levels;
                    *levels = if active { *levels | line.bit() } else { *levels & !line.bit() };
                    self.occur(EventId::edge(line, active))?;
                }
                Given::Outside(event) => self.occur(event)?,
                Given::Parameter { variable, value } => {
                    let slot = self.engine.variables.get_mut(variable.index()).ok_or(Fault::BadProgram)?;
                    *slot = value;
                    self.follow_whens()?;
                }
            }
        }
        self.handle_signals()?;
        self.handle_due()
    }

    fn handle_signals(&mut self) -> Handled {
        while let Some(signal) = self.engine.signals.pop_front() {
            self.signals_handled += 1;
            if self.signals_handled > MAX_CHAIN {
                return Err(Fault::TooManySignals.into());
            }
            self.occur(signal)?;
        }
        Ok(())
    }

    /// Rows 6 to 8, until nothing is due in this microsecond.
    fn handle_due(&mut self) -> Handled {
        loop {
            let before = self.due_handled;
            while let Some(line) = self.engine.outputs.take_ended(self.at) {
                self.count_due()?;
                self.occur(EventId::train_end(line))?;
                self.handle_signals()?;
            }
            while let Some(timer) = self.engine.timers.take_due(self.at) {
                self.count_due()?;
                self.occur(EventId::timer(timer))?;
                self.handle_signals()?;
            }
            while self.handle_deadline()? {
                self.count_due()?;
                self.follow_whens()?;
                self.handle_signals()?;
            }
            if self.due_handled == before {
                return Ok(());
            }
        }
    }

    /// What starts itself again for no time at all must not hold this microsecond open for ever.
    fn count_due(&mut self) -> Handled {
        self.due_handled += 1;
        if self.due_handled > MAX_DUE { Err(Fault::ChainTooLong.into()) } else { Ok(()) }
    }

    /// Handles the first time-out that is due; false if none is.
    fn handle_deadline(&mut self) -> Handled<bool> {
        for index in 0..self.engine.region_count {
            let Some(region) = self.engine.regions.get_mut(index) else { continue };
            let at = self.at;
            let due = region.deadlines.iter().enumerate().filter(|(_, deadline)| deadline.due <= at);
            let first = due.min_by_key(|(_, deadline)| (u8::MAX - deadline.depth, deadline.row));
            let Some((place, deadline)) = first.map(|(place, deadline)| (place, *deadline)) else { continue };
            region.deadlines.remove(place);
            let row = self.program.after(usize::from(deadline.row));
            if self.holds(row.guard)? {
                if row.target == StateId::NONE {
                    self.act(row.action)?;
                } else {
                    self.go(index, row.target, row.action)?;
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// One event, through every region.
    fn occur(&mut self, event: EventId) -> Handled {
        for index in 0..self.engine.region_count {
            self.occur_in(index, event)?;
        }
        self.follow_whens()
    }

    fn leaf(&self, region: usize) -> StateId {
        self.engine.regions.get(region).map_or(StateId::NONE, |region| region.leaf)
    }

    fn occur_in(&mut self, region: usize, event: EventId) -> Handled {
        // Handlers, remembering where the first transition on this event stands.
        let mut candidate = None;
        let mut state = self.leaf(region);
        for _ in 0..MAX_DEPTH {
            if state == StateId::NONE {
                break;
            }
            let row = self.program.state(state.index());
            for rule in row.rules.range() {
                let rule_row = self.program.rule(rule);
                if rule_row.event != event {
                    continue;
                }
                if rule_row.target != StateId::NONE {
                    candidate = candidate.or(Some((state, rule)));
                } else if self.holds(rule_row.guard)? {
                    self.act(rule_row.action)?;
                }
            }
            state = row.parent;
        }
        let Some((mut state, first)) = candidate else { return Ok(()) };
        let mut first = Some(first);
        for _ in 0..MAX_DEPTH {
            if state == StateId::NONE {
                break;
            }
            let row = self.program.state(state.index());
            let rules = row.rules.range();
            for rule in first.take().unwrap_or(rules.start)..rules.end {
                let rule = self.program.rule(rule);
                if rule.event == event && rule.target != StateId::NONE && self.holds(rule.guard)? {
                    return self.go(region, rule.target, rule.action);
                }
            }
            state = row.parent;
        }
        Ok(())
    }

    /// Follows whatever `when` holds, region by region, until none does.
    fn follow_whens(&mut self) -> Handled {
        if !self.engine.has_whens {
            return Ok(());
        }
        // Ends because every turn but the last makes a transition, and those are counted.
        loop {
            let mut any = false;
            for region in 0..self.engine.region_count {
                any |= self.follow_when(region)?;
            }
            if !any {
                return Ok(());
            }
        }
    }

    fn follow_when(&mut self, region: usize) -> Handled<bool> {
        let mut state = self.leaf(region);
        for _ in 0..MAX_DEPTH {
            if state == StateId::NONE {
                break;
            }
            let row = self.program.state(state.index());
            for when in row.whens.range() {
                let when = self.program.when(when);
                if self.holds(when.guard)? {
                    self.go(region, when.target, when.action)?;
                    return Ok(true);
                }
            }
            state = row.parent;
        }
        Ok(false)
    }

    // Transitions.

    /// Leaves what does not hold `target`, acts, enters what leads to it.
    fn go(&mut self, region: usize, target: StateId, action: Code) -> Handled {
        self.chain += 1;
        if self.chain > MAX_CHAIN {
            return Err(Fault::ChainTooLong.into());
        }
        let from = self.leaf(region);
        let target = match target {
            StateId::BACK => self.engine.regions.get(region).map_or(target, |region| region.previous),
            _ => target,
        };
        let kept = self.depth_in_common(from, target);
        self.leave(region, kept)?;
        self.act(action)?;
        if let Some(region) = self.engine.regions.get_mut(region) {
            region.previous = from;
        }
        self.enter(region, kept, target)
    }

    /// How many states, from the outermost, hold both the active leaf and the target (and are not the target itself).
    fn depth_in_common(&self, from: StateId, target: StateId) -> u8 {
        let mut outer = self.program.state(target.index()).parent;
        for _ in 0..MAX_DEPTH {
            if outer == StateId::NONE {
                return 0;
            }
            let mut state = from;
            for _ in 0..MAX_DEPTH {
                if state == outer {
                    return self.program.state(outer.index()).depth + 1;
                }
                if state == StateId::NONE {
                    break;
                }
                state = self.program.state(state.index()).parent;
            }
            outer = self.program.state(outer.index()).parent;
        }
        0
    }

    /// Leaves every active state of `depth` or deeper, innermost first.
    fn leave(&mut self, region: usize, depth: u8) -> Handled {
        for _ in 0..MAX_DEPTH {
            let leaf = self.leaf(region);
            if leaf == StateId::NONE {
                break;
            }
            let row = self.program.state(leaf.index());
            if row.depth < depth {
                break;
            }
            self.act(row.exit)?;
            if let Some(region) = self.engine.regions.get_mut(region) {
                region.deadlines.retain(|deadline| deadline.depth < row.depth);
                region.leaf = row.parent;
            }
        }
        Ok(())
    }

    /// Enters the states from `depth` down to `target`, and on to its innermost start state.
    fn enter(&mut self, region: usize, depth: u8, target: StateId) -> Handled {
        let mut path: Vec<StateId, MAX_DEPTH> = Vec::new();
        let mut state = target;
        while state != StateId::NONE && self.program.state(state.index()).depth >= depth {
            path.push(state).map_err(|_| Fault::BadProgram)?;
            state = self.program.state(state.index()).parent;
        }
        while let Some(state) = path.pop() {
            self.enter_one(region, state)?;
        }
        let mut state = self.program.state(target.index()).initial;
        for _ in 0..MAX_DEPTH {
            if state == StateId::NONE {
                break;
            }
            self.enter_one(region, state)?;
            state = self.program.state(state.index()).initial;
        }
        Ok(())
    }

    fn enter_one(&mut self, index: usize, state: StateId) -> Handled {
        let row = self.program.state(state.index());
        self.record(Record::Enter { region: RegionId(index as u8), state });
        let region = self.engine.regions.get_mut(index).ok_or(Fault::BadProgram)?;
        region.leaf = state;
        *region.entered.get_mut(usize::from(row.depth)).ok_or(Fault::BadProgram)? = self.at;
        self.engine.outputs.enter(self.program, state);
        self.act(row.entry)?;
        self.arm(index, row.depth, row.afters)
    }

    /// Works out the time-outs of a state just entered.
    fn arm(&mut self, index: usize, depth: u8, afters: Slice) -> Handled {
        for row in afters.range() {
            let duration = self.value(self.program.after(row).duration)?;
            let duration = u64::try_from(duration).map_err(|_| Fault::Duration)?;
            let due = self.at.checked_add(duration).ok_or(Fault::Duration)?;
            let region = self.engine.regions.get_mut(index).ok_or(Fault::BadProgram)?;
            let deadline = Deadline { due, row: row as u16, depth };
            region.deadlines.push(deadline).map_err(|_| Fault::TooManyDeadlines)?;
        }
        Ok(())
    }

    // Code.

    /// Whether a guard holds; no guard always does.
    fn holds(&mut self, guard: Code) -> Handled<bool> {
        Ok(guard.address().is_none() || self.value(guard)? != 0)
    }

    fn value(&mut self, code: Code) -> Handled<i64> {
        self.act(code)?;
        Ok(self.engine.stack.pop()?)
    }

    /// Runs a piece of code to its end. Jumps only lead forward, so it has one.
    fn act(&mut self, code: Code) -> Handled {
        let Some(mut address) = code.address() else { return Ok(()) };
        loop {
            let op = Op::from_word(self.program.code(address)).ok_or(Fault::BadProgram)?;
            address += 1;
            match op.code {
                OpCode::End => return Ok(()),
                OpCode::Jump => address += usize::from(op.b),
                OpCode::JumpIfFalse => {
                    if self.engine.stack.pop()? == 0 {
                        address += usize::from(op.b);
                    }
                }
                OpCode::Constant => self.engine.stack.push(self.program.constant(usize::from(op.b)))?,
                OpCode::Int => self.engine.stack.push(i64::from(op.b.cast_signed()))?,
                OpCode::Load => {
                    let value = self.engine.variables.get(usize::from(op.b)).ok_or(Fault::BadProgram)?;
                    self.engine.stack.push(*value)?;
                }
                OpCode::Special => {
                    let value = self.special(op)?;
                    self.engine.stack.push(value)?;
                }
                OpCode::Element => {
                    let list = self.program.list(usize::from(op.b));
                    let index = u16::try_from(self.engine.stack.pop()?).map_err(|_| Fault::IndexOutOfRange)?;
                    if index >= list.len {
                        return Err(Fault::IndexOutOfRange.into());
                    }
                    let value = self.program.constant(usize::from(list.first) + usize::from(index));
                    self.engine.stack.push(value)?;
                }
                OpCode::InState => {
                    let active = Engine::is_active(&self.engine.regions, self.program, StateId(op.b));
                    self.engine.stack.push(i64::from(active))?;
                }
                OpCode::Negate | OpCode::Not | OpCode::Absolute => self.engine.stack.unary(op.code)?,
                OpCode::Add
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
                | OpCode::Or => self.engine.stack.binary(op.code)?,
                _ => self.effect(op)?,
            }
        }
    }

    fn special(&self, op: Op) -> Handled<i64> {
        let engine = &*self.engine;
        let since = |then: Micros| i64::try_from(self.at.saturating_sub(then)).map_err(|_| Halt::from(Fault::Overflow));
        let timer = TimerId(op.b as u8);
        Ok(match Special::from_u8(op.a).ok_or(Fault::BadProgram)? {
            Special::SessionTime => since(engine.started)?,
            Special::Trial => i64::from(engine.trial.number),
            Special::TrialTime => since(engine.trial.began)?,
            Special::Level => i64::from(engine.levels & LineId(op.b as u8).bit() != 0),
            Special::TimerLeft => i64::try_from(engine.timers.left_us(timer, self.at)).unwrap_or(i64::MAX),
            Special::TimerRunning => i64::from(engine.timers.is_running(timer)),
            Special::StateTime => {
                let state = StateId(op.b);
                if !Engine::is_active(&engine.regions, self.program, state) {
                    return Ok(0);
                }
                let row = self.program.state(state.index());
                let region = engine.regions.get(row.region.index()).ok_or(Fault::BadProgram)?;
                since(*region.entered.get(usize::from(row.depth)).ok_or(Fault::BadProgram)?)?
            }
            Special::Outcome => engine.trial.outcome.map_or(0, |outcome| i64::from(outcome.0) + 1),
        })
    }

    /// An operation that changes something.
    fn effect(&mut self, op: Op) -> Handled {
        let line = LineId(op.a);
        let timer = TimerId(op.a);
        match op.code {
            OpCode::Store => {
                let value = self.engine.stack.pop()?;
                *self.engine.variables.get_mut(usize::from(op.b)).ok_or(Fault::BadProgram)? = value;
                if op.a == 1 {
                    self.record(Record::Set { variable: VariableId(op.b), value });
                }
            }
            OpCode::On => self.write(line, Write::On)?,
            OpCode::Off => self.write(line, Write::Off)?,
            OpCode::Play => self.write(line, Write::Play(op.b))?,
            OpCode::Pulse => {
                let width_us = self.engine.stack.pop_u32()?;
                self.write(line, Write::Pulse { width_us })?;
            }
            OpCode::Deliver => {
                let (width_us, volume_nl) = (self.engine.stack.pop_u32()?, self.engine.stack.pop_u32()?);
                self.write(line, Write::Deliver { volume_nl, width_us })?;
            }
            OpCode::Signal => {
                self.record(Record::Event(EventId(op.b)));
                self.engine.signals.push_back(EventId(op.b)).map_err(|_| Fault::TooManySignals)?;
            }
            OpCode::Trial => self.begin_trial()?,
            OpCode::Outcome => {
                let outcome = OutcomeId(op.b);
                self.engine.trial.outcome = Some(outcome);
                self.record(Record::Outcome(outcome));
                self.engine.decks.outcome(self.program, outcome)?;
            }
            OpCode::Draw => {
                let id = DrawId(op.b as u8);
                let row = self.program.draw(id.index());
                let Engine { stack, generator, decks, .. } = self.engine;
                let (value, record) = draw(self.program, id, &row, stack, generator, decks)?;
                *self.engine.variables.get_mut(row.variable.index()).ok_or(Fault::BadProgram)? = value;
                self.record(record);
            }
            OpCode::TimerStart => {
                let duration = self.engine.stack.pop()?;
                self.engine.timers.start(timer, self.at, duration, op.b)?;
            }
            OpCode::TimerStop => self.engine.timers.stop(timer),
            OpCode::TimerPause => self.engine.timers.pause(timer, self.at),
            OpCode::TimerResume => self.engine.timers.resume(timer, self.at),
            _ => return Err(Fault::BadProgram.into()),
        }
        Ok(())
    }

    fn write(&mut self, line: LineId, write: Write) -> Handled {
        let (regions, program) = (&self.engine.regions, self.program);
        let is_active = |state| Engine::is_active(regions, program, state);
        self.engine.outputs.write(program, line, write, is_active).map_err(Halt::Fault)
    }

    /// A trial boundary: the session ends here, or the next trial begins.
    fn begin_trial(&mut self) -> Handled {
        if let Some(reason) = self.engine.last_trial {
            return Err(Halt::End(reason));
        }
        for row in 0..self.program.rows(Table::Ends) {
            if self.holds(self.program.end(row).condition)? {
                return Err(Halt::End(EndReason::Condition(row as u8)));
            }
        }
        let number = self.engine.trial.number.saturating_add(1);
        self.engine.trial = Trial { number, began: self.at, outcome: None };
        self.engine.outputs.trial(self.program);
        self.engine.decks.trial();
        self.record(Record::Trial { number });
        Ok(())
    }
}
