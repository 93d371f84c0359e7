//! What the program wants of its outputs: writes are gathered through one microsecond, the last one to a line wins, and
//! what changes nothing asks for nothing. Owns row 9 of the order within one microsecond, the invariants that watch it,
//! and when each train nominally ends.
//!
//! A train ends for the program when it should, whether or not the interlock let it happen: a protocol never hangs, and
//! a withheld stimulus keeps the timing of one that was given.

use link::limits::{MAX_INVARIANTS, MAX_LINES, MAX_STATES};
use link::program::rows::{Invariant, Scope};
use link::program::{Program, Table};
use link::pwm::FULL_POWER_PPM;
use link::record::{Request, Train};
use link::{Fault, InvariantId, LineId, Micros, Record, StateId};

use crate::{NEVER, Sink};

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Off,
    On,
    Play(u16),
    Pulse {
        width_us: u32,
    },
    Deliver {
        volume_nl: u32,
        width_us: u32,
    },
    /// On at a power.
    Power {
        power_ppm: i32,
    },
    PowerPlay {
        stimulus: u16,
        power_ppm: i32,
    },
    PowerPulse {
        width_us: u32,
        power_ppm: i32,
    },
}

/// The last write to a line in a microsecond, and the invariant it breaks, if any.
pub(crate) type Pending = (LineId, Write, u8);

/// What the program believes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    Off,
    On,
    Train,
}

#[derive(Debug)]
pub(crate) struct Outputs {
    /// Lines written in this microsecond.
    touched: u32,
    /// Lines on which a train is playing.
    playing: u32,
    /// Lines that some invariant watches.
    watched: u32,
    /// No train ends before this; exact unless `stale`.
    due: Micros,
    /// A train that might have been the first to end is gone.
    stale: bool,
    written: [Write; MAX_LINES],
    belief: [Belief; MAX_LINES],
    /// The power of each line that is on, which is full power where none was asked for.
    powers_ppm: [i32; MAX_LINES],
    train_end: [Micros; MAX_LINES],
    invariants: Invariants,
}

/// What the invariants count. A set of them is one `u32`, bit *n* for row *n*.
#[derive(Debug)]
struct Invariants {
    counts: Counts,
    /// Those that count over a state.
    of_state: u32,
    /// Those that count over a trial.
    of_trial: u32,
    /// The states that one of them names, bit *n* of word *w* for state 32 *w* + *n*.
    named: [u32; MAX_STATES / 32],
    /// Per line, those that watch it.
    on: [u32; MAX_LINES],
    /// Per line, the first about a state that the write of this microsecond broke.
    forbidden: [u8; MAX_LINES],
    rows: [Invariant; MAX_INVARIANTS],
}

/// How far each invariant has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// Those with no start left.
    used_up: u32,
    /// Those whose state is active.
    active: u32,
    /// Starts so far, per invariant.
    starts: [u16; MAX_INVARIANTS],
}

impl Counts {
    pub(crate) const NONE: Self = Self { used_up: 0, active: 0, starts: [0; MAX_INVARIANTS] };
}

const _: () = assert!(MAX_INVARIANTS <= 32 && MAX_LINES <= 32, "a set of either is one u32");

/// No invariant.
const NONE: u8 = u8::MAX;

/// A row of no invariant.
const UNUSED: Invariant =
    Invariant { line: LineId(0), scope: Scope::Session, state: StateId::NONE, count: 0, trips: false };

impl Outputs {
    pub(crate) const fn new() -> Self {
        Self {
            touched: 0,
            playing: 0,
            watched: 0,
            due: NEVER,
            stale: false,
            written: [Write::Off; MAX_LINES],
            belief: [Belief::Off; MAX_LINES],
            powers_ppm: [0; MAX_LINES],
            train_end: [NEVER; MAX_LINES],
            invariants: Invariants::new(),
        }
    }

    pub(crate) fn start(&mut self, program: &Program) {
        // Field by field: a whole new one would lie on the stack first.
        (self.touched, self.playing, self.due, self.stale) = (0, 0, NEVER, false);
        self.belief.fill(Belief::Off);
        self.train_end.fill(NEVER);
        self.watched = self.invariants.start(program);
    }

    /// Notes a write.
    #[inline(always)]
    pub(crate) fn write(&mut self, line: LineId, write: Write) -> Result<(), Fault> {
        let slot = self.written.get_mut(line.index()).ok_or(Fault::BadProgram)?;
        *slot = write;
        self.touched |= line.bit();
        if self.watched & line.bit() != 0 {
            self.invariants.note(line, write != Write::Off);
        }
        Ok(())
    }

    /// A trial begins: what is counted per trial starts again.
    pub(crate) fn trial(&mut self) {
        let trial = self.invariants.of_trial;
        self.invariants.reset(trial);
    }

    /// A state is entered: what is counted per visit starts again.
    #[inline(always)]
    pub(crate) fn enter(&mut self, state: StateId) {
        if self.invariants.of_state != 0 && self.invariants.is_named(state) {
            self.invariants.enter(state);
        }
    }

    /// A state has been left.
    #[inline(always)]
    pub(crate) fn leave(&mut self, state: StateId) {
        if self.invariants.of_state != 0 && self.invariants.is_named(state) {
            self.invariants.leave(state);
        }
    }

    /// How far each invariant has come.
    pub(crate) fn counts(&mut self) -> &mut Counts {
        &mut self.invariants.counts
    }

    /// After a rehearsal: nothing was written.
    pub(crate) fn unwrite(&mut self) {
        self.touched = 0;
    }

    /// What was written in this microsecond.
    pub(crate) fn pending(&self, mut keep: impl FnMut(Pending)) {
        let mut rest = self.touched;
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            rest &= rest - 1;
            let index = line.index() % MAX_LINES;
            keep((line, self.written[index], self.invariants.forbidden[index]));
        }
    }

    /// Writes what [`Outputs::pending`] told, invariants being where they were behind it.
    pub(crate) fn write_pending(&mut self, (line, write, forbidden): Pending) {
        let index = line.index() % MAX_LINES;
        self.written[index] = write;
        self.invariants.forbidden[index] = forbidden;
        self.touched |= line.bit();
    }

    /// What [`Outputs::flush`] would ask for, line by line. False if that is not certain: `keep` has no room for it, an
    /// invariant would be broken, or a train would last longer than time is counted.
    pub(crate) fn foresee(&self, program: &Program, mut keep: impl FnMut(LineId, Request) -> bool) -> bool {
        let mut rest = self.touched;
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            rest &= rest - 1;
            let Some(request) = self.change(program, line) else { continue };
            let broken =
                request != Request::Off && self.watched & line.bit() != 0 && self.invariants.breach(line).is_some();
            let endless = request.train().is_some_and(|train| train.length_us() > NEVER / 4);
            if broken || endless || !keep(line, request) {
                return false;
            }
        }
        true
    }

    /// What the last write to a line asks for, if it changes anything.
    #[inline(always)]
    fn change(&self, program: &Program, line: LineId) -> Option<Request> {
        let index = line.index() % MAX_LINES;
        let before = self.belief[index];
        let is_on =
            |power_ppm| before == Belief::On && self.playing & line.bit() == 0 && self.powers_ppm[index] == power_ppm;
        match self.written[index] {
            Write::Off if before == Belief::Off => None,
            Write::On if is_on(FULL_POWER_PPM) => None,
            Write::Power { power_ppm } if is_on(power_ppm) => None,
            Write::Off => Some(Request::Off),
            Write::On => Some(Request::On),
            other => Some(asked(program, other)),
        }
    }

    /// Asks for what changed in this microsecond, line by line.
    #[inline(always)]
    pub(crate) fn flush(&mut self, program: &Program, at: Micros, sink: &mut impl Sink) -> Result<(), Fault> {
        let mut rest = core::mem::take(&mut self.touched);
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            rest &= rest - 1;
            self.flush_line(program, at, line, sink)?;
        }
        Ok(())
    }

    /// Out of line, as the body of every loop that seldom turns twice: else what it needs is made ready before the loop.
    #[inline(never)]
    fn flush_line(&mut self, program: &Program, at: Micros, line: LineId, sink: &mut impl Sink) -> Result<(), Fault> {
        match self.change(program, line) {
            None => Ok(()),
            Some(request @ (Request::Train(_) | Request::Deliver { .. })) => self.flush_train(at, line, request, sink),
            Some(request) => {
                // A level that is blocked leaves the line as it was.
                if self.ask(at, line, request, sink) {
                    let belief = if matches!(request, Request::Off) { Belief::Off } else { Belief::On };
                    self.powers_ppm[line.index() % MAX_LINES] = request.power_ppm().unwrap_or(FULL_POWER_PPM);
                    self.believe(line, belief, NEVER);
                }
                Ok(())
            }
        }
    }

    #[inline(never)]
    fn flush_train(&mut self, at: Micros, line: LineId, request: Request, sink: &mut impl Sink) -> Result<(), Fault> {
        let length_us = request.train().map_or(0, |train| train.length_us());
        // This microsecond is closed with the request: not even a train of no length ends in it.
        let end = at.checked_add(length_us.max(1)).ok_or(Fault::Duration)?;
        if self.ask(at, line, request, sink) {
            self.believe(line, Belief::Train, end);
        } else {
            self.block(line, end);
        }
        Ok(())
    }

    /// Asks for it, unless an invariant is broken by it; whether it was asked for.
    #[inline(always)]
    fn ask(&mut self, at: Micros, line: LineId, request: Request, sink: &mut impl Sink) -> bool {
        let is_watched = request != Request::Off && self.watched & line.bit() != 0;
        if is_watched && let Some(invariant) = self.invariants.breach(line) {
            sink.record(at, Record::Breach { invariant, line });
            return false;
        }
        sink.record(at, Record::Request { line, request });
        if is_watched {
            self.invariants.count(line);
        }
        true
    }

    /// The start of a train is blocked: the line stays as it is. The train still ends when it would have, so that no
    /// protocol waits for it in vain; if another plays on, not before that one.
    fn block(&mut self, line: LineId, end: Micros) {
        let index = line.index() % MAX_LINES;
        let plays = self.playing & line.bit() != 0;
        let end = if plays { end.max(self.train_end[index]) } else { end };
        let belief = if self.belief[index] == Belief::On { Belief::On } else { Belief::Train };
        self.believe(line, belief, end);
        self.playing |= line.bit();
    }

    #[inline(always)]
    fn believe(&mut self, line: LineId, belief: Belief, end: Micros) {
        let index = line.index() % MAX_LINES;
        self.belief[index] = belief;
        let before = core::mem::replace(&mut self.train_end[index], end);
        self.stale |= before <= self.due && before != NEVER;
        self.due = self.due.min(end);
        self.playing = if belief == Belief::Train { self.playing | line.bit() } else { self.playing & !line.bit() };
    }

    /// The lines written in this microsecond.
    pub(crate) const fn written(&self) -> u32 {
        self.touched
    }

    /// The lines on which a train is playing.
    pub(crate) const fn playing(&self) -> u32 {
        self.playing
    }

    /// When the next train ends.
    #[inline(never)]
    pub(crate) fn next_due(&mut self) -> Micros {
        if self.stale {
            self.stale = false;
            let mut rest = self.playing;
            self.due = NEVER;
            while rest != 0 {
                let end = self.train_end.get(rest.trailing_zeros() as usize).copied().unwrap_or(NEVER);
                self.due = self.due.min(end);
                rest &= rest - 1;
            }
        }
        self.due
    }

    /// Takes the first line, by number, whose train has ended by `now`.
    pub(crate) fn take_ended(&mut self, now: Micros) -> Option<LineId> {
        if self.due > now {
            return None;
        }
        let mut rest = self.playing;
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            if let Some(end) = self.train_end.get_mut(line.index())
                && *end <= now
            {
                *end = NEVER;
                self.stale = true;
                self.playing &= !line.bit();
                if let Some(belief) = self.belief.get_mut(line.index())
                    && *belief == Belief::Train
                {
                    *belief = Belief::Off;
                }
                return Some(line);
            }
            rest &= rest - 1;
        }
        None
    }
}

/// What a write asks for that is more than on or off.
#[inline(never)]
fn asked(program: &Program, write: Write) -> Request {
    let stimulus = |row| program.stimulus(usize::from(row)).train;
    match write {
        Write::Off => Request::Off,
        Write::On => Request::On,
        Write::Play(row) => Request::Train(stimulus(row)),
        Write::Pulse { width_us } => Request::Train(Train::pulse(width_us)),
        Write::Deliver { volume_nl, width_us } => Request::Deliver { volume_nl, width_us },
        Write::Power { power_ppm } => Request::Power { power_ppm },
        Write::PowerPlay { stimulus: row, power_ppm } => Request::Train(stimulus(row).at_power(power_ppm)),
        Write::PowerPulse { width_us, power_ppm } => Request::Train(Train::pulse(width_us).at_power(power_ppm)),
    }
}

impl Invariants {
    const fn new() -> Self {
        Self {
            counts: Counts::NONE,
            of_state: 0,
            of_trial: 0,
            named: [0; MAX_STATES / 32],
            on: [0; MAX_LINES],
            forbidden: [NONE; MAX_LINES],
            rows: [UNUSED; MAX_INVARIANTS],
        }
    }

    /// Takes up the program's rows; the set of lines they watch.
    fn start(&mut self, program: &Program) -> u32 {
        (self.of_state, self.of_trial, self.counts) = (0, 0, Counts::NONE);
        self.named.fill(0);
        self.on.fill(0);
        self.forbidden.fill(NONE);
        let mut lines = 0;
        let rows = program.rows(Table::Invariants).min(MAX_INVARIANTS);
        for (index, slot) in self.rows.iter_mut().enumerate().take(rows) {
            let row = program.invariant(index);
            let bit = 1 << index;
            lines |= row.line.bit();
            if let Some(on) = self.on.get_mut(row.line.index()) {
                *on |= bit;
            }
            match row.scope {
                Scope::Trial => self.of_trial |= bit,
                Scope::Session => {}
                Scope::State => {
                    self.of_state |= bit;
                    if let Some(named) = self.named.get_mut(row.state.index() / 32) {
                        *named |= 1 << (row.state.0 % 32);
                    }
                }
            }
            if row.count == 0 {
                self.counts.used_up |= bit;
            }
            *slot = row;
        }
        for slot in self.rows.iter_mut().skip(rows) {
            *slot = UNUSED;
        }
        lines
    }

    fn is_named(&self, state: StateId) -> bool {
        self.named.get(state.index() / 32).is_some_and(|named| named & (1 << (state.0 % 32)) != 0)
    }

    /// Those about this state.
    fn about(&self, state: StateId) -> u32 {
        let mut set = 0;
        for (index, row) in self.rows.iter().enumerate() {
            if row.state == state {
                set |= 1 << index;
            }
        }
        set & self.of_state
    }

    fn enter(&mut self, state: StateId) {
        let about = self.about(state);
        self.counts.active |= about;
        self.reset(about);
    }

    fn leave(&mut self, state: StateId) {
        self.counts.active &= !self.about(state);
    }

    fn reset(&mut self, set: u32) {
        let mut rest = set;
        while rest != 0 {
            let index = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if let (Some(starts), Some(row)) = (self.counts.starts.get_mut(index), self.rows.get(index)) {
                *starts = 0;
                if row.count > 0 {
                    self.counts.used_up &= !(1 << index);
                }
            }
        }
    }

    fn on(&self, line: LineId) -> u32 {
        self.on.get(line.index()).copied().unwrap_or(0)
    }

    /// Remembers which invariant a write breaks, if it starts something while a state is active in which it must not.
    fn note(&mut self, line: LineId, starts: bool) {
        let broken = if starts { self.on(line) & self.of_state & self.counts.active & self.counts.used_up } else { 0 };
        if let Some(slot) = self.forbidden.get_mut(line.index()) {
            *slot = if broken == 0 { NONE } else { broken.trailing_zeros() as u8 };
        }
    }

    /// What a start on `line` breaks.
    fn breach(&self, line: LineId) -> Option<InvariantId> {
        let forbidden = self.forbidden.get(line.index()).copied().unwrap_or(NONE);
        if forbidden != NONE {
            return Some(InvariantId(forbidden));
        }
        let broken = self.on(line) & !self.of_state & self.counts.used_up;
        (broken != 0).then(|| InvariantId(broken.trailing_zeros() as u8))
    }

    /// One more start on `line`.
    fn count(&mut self, line: LineId) {
        let mut rest = self.on(line) & (!self.of_state | self.counts.active);
        while rest != 0 {
            let index = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if let (Some(starts), Some(row)) = (self.counts.starts.get_mut(index), self.rows.get(index)) {
                *starts = starts.saturating_add(1);
                if *starts >= row.count {
                    self.counts.used_up |= 1 << index;
                }
            }
        }
    }
}
