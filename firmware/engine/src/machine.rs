//! The engine itself: regions and their states, and the order things are handled in within one microsecond. What it
//! owns besides stands in the modules beside it.

mod actions;
mod behind;
mod rehearse;
mod time_out;

use heapless::Deque;
use link::limits::{MAX_CHAIN, MAX_DEPTH, MAX_DUE, MAX_REGIONS, MAX_SIGNALS, MAX_VARIABLES};
use link::program::rows::{Code, Slice};
use link::program::{Program, Table};
use link::record::Request;
use link::{EndReason, EventId, Fault, LineId, Micros, OutcomeId, Record, RegionId, StateId};

use crate::ahead::Ahead;
use crate::code::Stack;
use crate::deck::Decks;
use crate::ears::{Answer, Ears};
use crate::inbox::Inbox;
use crate::outputs::Outputs;
use crate::random::Generator;
use crate::reflex::{Moment, Parts, Reflexes, Rehearsal};
use crate::region::{Deadline, Region};
use crate::timers::Timers;
use crate::{Given, InboxFull, NEVER, Sink, Start};
use behind::Behind;

/// The trial under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) number: u32,
    pub(crate) began: Micros,
    pub(crate) outcome: Option<OutcomeId>,
}

/// The state machine of one session. See the crate's documentation.
#[derive(Debug)]
// In this order: what every step reads stands where a short offset reaches it.
#[repr(C)]
pub struct Engine {
    /// The first microsecond not yet closed.
    clock: Micros,
    /// When the earliest thing of the program's own is due; while a microsecond is handled, nothing is due before this.
    next_due: Micros,
    /// The same, of all but the ends of trains.
    rest_due: Micros,
    running: bool,
    region_count: usize,
    levels: u32,
    started: Micros,
    /// Why the session ends at the next trial boundary, if it must.
    last_trial: Option<EndReason>,
    signals: Deque<EventId, MAX_SIGNALS>,
    regions: [Region; MAX_REGIONS],
    inbox: Inbox,
    outputs: Outputs,
    stack: Stack,
    variables: [i64; MAX_VARIABLES],
    timers: Timers,
    ears: Ears,
    generator: Generator,
    decks: Decks,
    trial: Trial,
    reflexes: Reflexes,
    ahead: Ahead,
    behind: Behind,
    /// How things were before the rehearsal under way.
    before: Moment,
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
            rest_due: NEVER,
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
            ears: Ears::new(),
            reflexes: Reflexes::new(),
            ahead: Ahead::new(),
            behind: Behind::new(),
            before: Moment::new(),
            last_trial: None,
        }
    }

    /// Begins a session of a checked program. The microsecond it starts at is handled whole and closed. The first record
    /// is [`Record::Start`].
    // Out of line and in place: what is made ready here is too much for the stack of whoever calls it.
    #[inline(never)]
    pub fn start(&mut self, program: &Program, start: Start, sink: &mut impl Sink) {
        let Start { at, seed, levels, program: name } = start;
        self.running = true;
        self.clock = at;
        self.started = at;
        self.next_due = NEVER;
        self.inbox.clear();
        self.signals.clear();
        self.regions.iter_mut().for_each(Region::clear);
        self.region_count = program.rows(Table::Regions).min(MAX_REGIONS);
        for (index, variable) in self.variables.iter_mut().enumerate() {
            *variable = program.variable(index);
        }
        self.timers.clear();
        self.outputs.start(program);
        self.generator = Generator::new(seed);
        self.decks.clear();
        self.trial = Trial { number: 0, began: at, outcome: None };
        self.levels = levels;
        self.ears.start(program);
        self.last_trial = None;
        sink.record(at, Record::Start { seed, levels, program: name });
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
        let next = self.inbox.next_at().min(self.next_due);
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
            let at = self.inbox.next_at().min(self.next_due);
            if at > closed || !self.running {
                break;
            }
            if self.goes_as_foreseen(at) {
                Step::new(self, program, at, sink).run(Step::redo);
            } else {
                Step::new(self, program, at, sink).run(Step::handle);
            }
        }
        let any_left = self.next_at().is_some_and(|at| at <= closed);
        if !any_left {
            // Closed is closed, however many calls it took: what comes with such a stamp from here on is late.
            self.clock = self.clock.max(closed.saturating_add(1));
        }
        any_left
    }

    /// A microsecond has been handled whole; what was known of the next ones is not, if something is another than before.
    #[inline(never)]
    fn close(&mut self, at: Micros, changed: bool, foreseen: bool) {
        if changed || self.reflexes.heed_levels {
            self.reflexes.forget();
            if foreseen {
                // What lay behind it is what is known now.
                core::mem::swap(&mut self.reflexes, &mut self.behind.reflexes);
                self.reflexes.try_again();
            }
            self.ahead.forget();
            self.behind.close();
        } else {
            if self.behind.reflexes.heed_levels {
                self.behind.close();
            }
            self.reflexes.heed(self.levels);
        }
        self.stack.clear();
        self.clock = at.saturating_add(1);
        self.rest_due = self.timers.next_due();
        for region in self.regions.iter_mut().take(self.region_count) {
            self.rest_due = self.rest_due.min(region.next_due());
        }
        self.next_due = self.rest_due.min(self.outputs.next_due());
    }

    /// Whether a state is active, in its region and at its depth.
    fn is_active(&self, program: &Program, state: StateId) -> bool {
        let row = program.state(state.index());
        state != StateId::NONE
            && self.regions.get(row.region.index()).is_some_and(|region| region.at_depth(row.depth) == state)
    }
}

/// Why handling a microsecond stops before its end.
#[derive(Clone, Copy)]
enum Halt {
    /// For the reason the step holds.
    End,
    Fault(Fault),
    /// It is only rehearsed, and what would come next cannot be known beforehand.
    Unforeseeable,
    /// It is only rehearsed, and something waits that matters more.
    Interrupted,
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
    /// Why the session ends, once it must.
    ending: EndReason,
    /// Transitions so far.
    chain: u16,
    /// Signals handled so far.
    signals_handled: u16,
    /// Ends of trains, timers and time-outs handled so far.
    due_handled: u16,
    /// Whether anything but levels of inputs may be another than before.
    changed: bool,
    /// Whether it is what was foreseen of a time-out.
    foreseen: bool,
    /// If this step is only rehearsed.
    rehearsal: Option<Rehearsal<'s>>,
}

impl<'e, 'p, 's, S: Sink> Step<'e, 'p, 's, S> {
    const fn new(engine: &'e mut Engine, program: &'p Program<'p>, at: Micros, sink: &'s mut S) -> Self {
        Self {
            engine,
            program,
            sink,
            at,
            ending: EndReason::Stopped,
            chain: 0,
            signals_handled: 0,
            due_handled: 0,
            changed: false,
            foreseen: false,
            rehearsal: None,
        }
    }

    #[inline(never)]
    fn record(&mut self, record: Record) {
        match &self.rehearsal {
            None => self.sink.record(self.at, record),
            Some(rehearsal) if rehearsal.ahead => self.engine.ahead.record(record),
            Some(_) => {}
        }
    }

    /// Handles the microsecond with `body`, asks for outputs, closes it, ends the session if it must end.
    #[inline(always)]
    fn run(mut self, body: impl FnOnce(&mut Self) -> Handled) {
        if let Err(halt) = body(&mut self).and_then(|()| self.flush()) {
            self.end(halt);
        }
        // The requests are out; what is left is to find out when to wake.
        self.engine.close(self.at, self.changed, self.foreseen);
    }

    #[inline(always)]
    fn flush(&mut self) -> Handled {
        self.engine.outputs.flush(self.program, self.at, self.sink).map_err(Halt::Fault)
    }

    #[inline(never)]
    fn end(&mut self, halt: Halt) {
        let reason = match halt {
            Halt::End | Halt::Unforeseeable | Halt::Interrupted => self.ending,
            Halt::Fault(fault) => {
                self.record(Record::Fault(fault));
                EndReason::Fault(fault)
            }
        };
        self.record_the_rest();
        self.record(Record::End(reason));
        self.engine.running = false;
    }

    /// Ends the session from within.
    fn stop<T>(&mut self, reason: EndReason) -> Handled<T> {
        self.ending = reason;
        Err(Halt::End)
    }

    /// What came in the last microsecond of a session is recorded though nothing acts on it.
    fn record_the_rest(&mut self) {
        while self.take().is_some() {}
    }

    /// Takes what is next in this microsecond out of the inbox, and records it.
    #[inline(never)]
    fn take(&mut self) -> Option<Given> {
        let waiting = self.engine.inbox.next(self.at)?;
        let (given, late_us) = (waiting.given, waiting.late_us);
        self.engine.inbox.taken();
        self.record(match given {
            Given::Stop(reason) => Record::Stop(reason),
            Given::LastTrial(reason) => Record::LastTrial(reason),
            Given::Edge { line, active } => Record::Input { line, active, late_us },
            Given::Outside(event) => Record::Outside { event, late_us },
            Given::Parameter { variable, value } => Record::Parameter { variable, value },
        });
        Some(given)
    }

    // The order within one microsecond.

    fn start_regions(&mut self) -> Handled {
        self.changed = true;
        for index in 0..self.engine.region_count {
            let start = self.program.region(index).start;
            self.enter(index, 0, start)?;
            if let Some(region) = self.engine.regions.get_mut(index) {
                region.set_previous(region.leaf());
            }
        }
        self.follow_whens()?;
        self.handle_signals()?;
        self.handle_due()
    }

    fn handle(&mut self) -> Handled {
        while let Some(waiting) = self.engine.inbox.next(self.at) {
            // Edges are what comes most, and what answers are waited for.
            if let Given::Edge { line, active } = waiting.given {
                let late_us = waiting.late_us;
                self.edge(line, active, late_us)?;
            } else {
                self.handle_other()?;
            }
        }
        self.handle_signals()?;
        self.handle_due()
    }

    #[inline(never)]
    fn edge(&mut self, line: LineId, active: bool, late_us: u32) -> Handled {
        self.engine.inbox.taken();
        self.record(Record::Input { line, active, late_us });
        let levels = &mut self.engine.levels;
        *levels = if active { *levels | line.bit() } else { *levels & !line.bit() };
        self.occur(EventId::edge(line, active))
    }

    #[inline(never)]
    fn handle_other(&mut self) -> Handled {
        self.changed = true;
        match self.take() {
            Some(Given::Stop(reason)) => return self.stop(reason),
            Some(Given::LastTrial(reason)) => self.engine.last_trial = Some(reason),
            Some(Given::Outside(event)) => self.occur(event)?,
            Some(Given::Parameter { variable, value }) => {
                let slot = self.engine.variables.get_mut(variable.index()).ok_or(Fault::BadProgram)?;
                *slot = value;
                self.follow_whens()?;
            }
            Some(Given::Edge { .. }) | None => {}
        }
        Ok(())
    }

    #[inline(always)]
    fn handle_signals(&mut self) -> Handled {
        if self.engine.signals.is_empty() { Ok(()) } else { self.handle_all_signals() }
    }

    #[inline(never)]
    fn handle_all_signals(&mut self) -> Handled {
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
    #[inline(always)]
    fn handle_due(&mut self) -> Handled {
        if self.engine.next_due > self.at { Ok(()) } else { self.handle_all_due() }
    }

    #[inline(never)]
    fn handle_all_due(&mut self) -> Handled {
        loop {
            let before = self.due_handled;
            while let Some(line) = self.engine.outputs.take_ended(self.at) {
                self.changed |= self.engine.ends_matter(line.bit());
                self.engine.ahead.try_again();
                self.count_due()?;
                self.occur(EventId::train_end(line))?;
                self.handle_signals()?;
            }
            while let Some(timer) = self.engine.timers.take_due(self.at) {
                self.changed = true;
                self.count_due()?;
                self.occur(EventId::timer(timer))?;
                self.handle_signals()?;
            }
            while self.handle_deadline()? {
                self.changed = true;
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
            let at = self.at;
            let first = self.engine.regions.get_mut(index).and_then(|region| region.take_due(at));
            let Some(deadline) = first else { continue };
            self.time_out(index, deadline)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// What a time-out does.
    fn time_out(&mut self, region: usize, deadline: Deadline) -> Handled {
        let row = self.program.after(usize::from(deadline.row));
        if !self.holds(row.guard)? {
            Ok(())
        } else if row.target == StateId::NONE {
            self.act(row.action)
        } else {
            self.go(region, row.target, row.action)
        }
    }

    /// One event, through every region.
    fn occur(&mut self, event: EventId) -> Handled {
        let mut regions = self.engine.ears.regions(event);
        let mut index = 0;
        while regions != 0 {
            if regions & 1 != 0 {
                let answer = self.region(index).answers.to(event);
                self.changed |= !matches!(answer, Answer::Silent);
                match answer {
                    Answer::Silent => {}
                    Answer::Rule(rule) => self.take_rule(index, rule)?,
                    Answer::Ask => self.occur_in(index, event)?,
                }
            }
            regions >>= 1;
            index += 1;
        }
        self.follow_whens()
    }

    /// A region; its number wraps, which no checked program shows.
    #[inline(always)]
    fn region(&mut self, region: usize) -> &mut Region {
        &mut self.engine.regions[region % MAX_REGIONS]
    }

    /// Follows the only rule there is.
    #[inline(always)]
    fn take_rule(&mut self, region: usize, rule: usize) -> Handled {
        let rule = self.program.rule(rule);
        if !self.holds(rule.guard)? {
            Ok(())
        } else if rule.target == StateId::NONE {
            self.act(rule.action)
        } else {
            self.go(region, rule.target, rule.action)
        }
    }

    #[inline(never)]
    fn occur_in(&mut self, region: usize, event: EventId) -> Handled {
        // Handlers, remembering the first transition on this event and how deep it stands. They leave no state.
        let mut first = None;
        let mut depth = self.region(region).depth();
        while depth > 0 {
            depth -= 1;
            let state = self.region(region).at_depth(depth);
            if !self.engine.ears.may_hear(state, event) {
                continue;
            }
            let rules = self.program.state(state.index()).rules.range();
            let mut next = rules.start;
            while let Some(found) = self.program.next_rule(next, rules.end, event) {
                next = found + 1;
                let rule = self.program.rule(found);
                if rule.target != StateId::NONE {
                    first = first.or(Some((depth, found)));
                } else if self.holds(rule.guard)? {
                    self.act(rule.action)?;
                }
            }
        }
        match first {
            Some((depth, found)) => self.transit(region, event, depth, found),
            None => Ok(()),
        }
    }

    /// Takes the first transition that matches, from rule `first` of the active state of `depth` on and outwards.
    #[inline(always)]
    fn transit(&mut self, region: usize, event: EventId, mut depth: u8, first: usize) -> Handled {
        let mut first = Some(first);
        loop {
            let state = self.region(region).at_depth(depth);
            if first.is_some() || self.engine.ears.may_hear(state, event) {
                let rules = self.program.state(state.index()).rules.range();
                let mut next = first.take().unwrap_or(rules.start);
                while let Some(found) = self.program.next_rule(next, rules.end, event) {
                    next = found + 1;
                    let rule = self.program.rule(found);
                    if rule.target != StateId::NONE && self.holds(rule.guard)? {
                        return self.go(region, rule.target, rule.action);
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
        }
    }

    /// Follows whatever `when` holds, region by region, until none does.
    #[inline(always)]
    fn follow_whens(&mut self) -> Handled {
        if !self.engine.ears.any_whens { Ok(()) } else { self.follow_all_whens() }
    }

    #[inline(never)]
    fn follow_all_whens(&mut self) -> Handled {
        // Ends because every turn but the last makes a transition, and those are counted.
        loop {
            let mut any = false;
            for region in 0..self.engine.region_count {
                if self.region(region).whens() != 0 {
                    any |= self.follow_when(region)?;
                }
            }
            if !any {
                return Ok(());
            }
        }
    }

    fn follow_when(&mut self, region: usize) -> Handled<bool> {
        let mut depth = MAX_DEPTH as u8;
        let mut rest = self.region(region).whens();
        while rest != 0 {
            depth -= 1;
            let here = rest & 0x80 != 0;
            rest <<= 1;
            if !here {
                continue;
            }
            let state = self.region(region).at_depth(depth);
            for when in self.program.state(state.index()).whens.range() {
                let when = self.program.when(when);
                if self.holds(when.guard)? {
                    self.go(region, when.target, when.action)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    // Transitions.

    /// Leaves what does not hold `target`, acts, enters what leads to it.
    fn go(&mut self, region: usize, target: StateId, action: Code) -> Handled {
        self.changed = true;
        self.chain += 1;
        if self.chain > MAX_CHAIN {
            return Err(Fault::ChainTooLong.into());
        }
        let (from, previous) = (self.region(region).leaf(), self.region(region).previous());
        let target = if target == StateId::BACK { previous } else { target };
        let kept = self.depth_in_common(region, target);
        self.leave(region, kept)?;
        self.act(action)?;
        self.region(region).set_previous(from);
        self.enter(region, kept, target)
    }

    /// How many active states, from the outermost, hold the target too (and are not the target itself).
    #[inline(always)]
    fn depth_in_common(&mut self, region: usize, target: StateId) -> u8 {
        let mut outer = self.program.state(target.index()).parent;
        for _ in 0..MAX_DEPTH {
            if outer == StateId::NONE {
                return 0;
            }
            let row = self.program.state(outer.index());
            if self.region(region).at_depth(row.depth) == outer {
                return row.depth + 1;
            }
            outer = row.parent;
        }
        0
    }

    /// Leaves every active state of `depth` or deeper, innermost first.
    #[inline(always)]
    fn leave(&mut self, region: usize, depth: u8) -> Handled {
        while self.region(region).depth() > depth {
            let leaf = self.region(region).leaf();
            self.act(self.program.state(leaf.index()).exit)?;
            self.region(region).leave();
            let depth = self.region(region).depth();
            match &self.rehearsal {
                None => self.region(region).disarm(depth),
                Some(rehearsal) if rehearsal.ahead => self.engine.ahead.leave(region, depth),
                Some(_) => {}
            }
            self.engine.outputs.leave(leaf);
        }
        Ok(())
    }

    /// Enters the states from `depth` down to `target`, and on to its innermost start state.
    #[inline(always)]
    fn enter(&mut self, region: usize, depth: u8, target: StateId) -> Handled {
        let target_depth = self.program.state(target.index()).depth;
        let mut initial = if target_depth == depth {
            self.enter_one(region, target)?
        } else {
            self.enter_path(region, depth, target, target_depth)?
        };
        for _ in 0..MAX_DEPTH {
            if initial == StateId::NONE {
                break;
            }
            initial = self.enter_one(region, initial)?;
        }
        Ok(())
    }

    /// Enters the states from `depth` down to `target`; the child that is entered with it.
    #[inline(never)]
    fn enter_path(&mut self, region: usize, depth: u8, target: StateId, target_depth: u8) -> Handled<StateId> {
        let mut path = [StateId::NONE; MAX_DEPTH];
        let (mut state, mut above) = (target, usize::from(target_depth) + 1);
        while above > usize::from(depth) {
            above -= 1;
            *path.get_mut(above).ok_or(Fault::BadProgram)? = state;
            state = self.program.state(state.index()).parent;
        }
        let mut initial = StateId::NONE;
        for state in path.iter().skip(usize::from(depth)) {
            if *state == StateId::NONE {
                break;
            }
            initial = self.enter_one(region, *state)?;
        }
        Ok(initial)
    }

    /// Enters one state; the child that is entered with it.
    fn enter_one(&mut self, index: usize, state: StateId) -> Handled<StateId> {
        let row = self.program.state(state.index());
        self.record(Record::Enter { region: RegionId(index as u8), state });
        let at = self.at;
        self.region(index).enter(state, row.depth, row.whens.len > 0)?;
        match &self.rehearsal {
            None => self.region(index).begin(row.depth, at),
            Some(rehearsal) if rehearsal.ahead => self.engine.ahead.enter(index, row.depth),
            Some(_) => {}
        }
        self.engine.outputs.enter(state);
        self.act(row.entry)?;
        self.arm(index, row.depth, row.afters)?;
        Ok(row.initial)
    }

    /// Works out the time-outs of a state just entered.
    fn arm(&mut self, index: usize, depth: u8, afters: Slice) -> Handled {
        for row in afters.range() {
            let duration = self.value(self.program.after(row).duration)?;
            let duration = u64::try_from(duration).map_err(|_| Fault::Duration)?;
            if self.rehearsal.is_some() && duration == 0 {
                return Err(Halt::Unforeseeable);
            }
            let due = self.at.checked_add(duration).ok_or(Fault::Duration)?;
            let deadline = Deadline { due, row: row as u16, depth };
            if let Some(rehearsal) = &self.rehearsal {
                if rehearsal.ahead {
                    self.engine.ahead.arm(index, deadline);
                }
                continue;
            }
            self.region(index).arm(deadline)?;
            self.engine.next_due = self.engine.next_due.min(due);
        }
        Ok(())
    }
}
