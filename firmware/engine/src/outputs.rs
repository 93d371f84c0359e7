//! What the program wants of its outputs: writes are gathered through one microsecond, the last one to a line wins, and
//! what changes nothing asks for nothing. Owns row 9 of the order within one microsecond, the invariants that watch it,
//! and when each train nominally ends.
//!
//! A train ends for the program when it should, whether or not the interlock let it happen: a protocol never hangs, and
//! a withheld stimulus keeps the timing of one that was given.

use link::limits::{MAX_INVARIANTS, MAX_LINES};
use link::program::rows::{Invariant, Scope};
use link::program::{Program, Table};
use link::record::{Request, Train};
use link::{Fault, InvariantId, LineId, Micros, Record, StateId};

use crate::{NEVER, Sink};

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Off,
    On,
    Play(u16),
    Pulse { width_us: u32 },
    Deliver { volume_nl: u32, width_us: u32 },
}

/// What the program believes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    Off,
    On,
    Train,
}

#[derive(Debug)]
pub(crate) struct Outputs {
    written: [Write; MAX_LINES],
    /// Lines written in this microsecond.
    touched: u32,
    /// Lines whose write of this microsecond broke an invariant about states.
    forbidden: [u8; MAX_LINES],
    belief: [Belief; MAX_LINES],
    train_end: [Micros; MAX_LINES],
    /// Lines on which a train is playing.
    playing: u32,
    /// Starts so far, per invariant.
    starts: [u16; MAX_INVARIANTS],
    /// Lines that some invariant watches.
    watched: u32,
}

/// No invariant.
const NONE: u8 = u8::MAX;

impl Outputs {
    pub(crate) const fn new() -> Self {
        Self {
            written: [Write::Off; MAX_LINES],
            touched: 0,
            forbidden: [NONE; MAX_LINES],
            belief: [Belief::Off; MAX_LINES],
            train_end: [NEVER; MAX_LINES],
            playing: 0,
            starts: [0; MAX_INVARIANTS],
            watched: 0,
        }
    }

    pub(crate) fn start(&mut self, program: &Program) {
        *self = Self::new();
        for index in 0..program.rows(Table::Invariants) {
            self.watched |= program.invariant(index).line.bit();
        }
    }

    /// Notes a write. `is_active` says of a state whether it is active right now.
    pub(crate) fn write(
        &mut self,
        program: &Program,
        line: LineId,
        write: Write,
        is_active: impl Fn(StateId) -> bool,
    ) -> Result<(), Fault> {
        let slot = self.written.get_mut(line.index()).ok_or(Fault::BadProgram)?;
        *slot = write;
        self.touched |= line.bit();
        if self.watched & line.bit() != 0 {
            let broken = if write == Write::Off { None } else { self.broken_now(program, line, &is_active) };
            if let Some(slot) = self.forbidden.get_mut(line.index()) {
                *slot = broken.unwrap_or(NONE);
            }
        }
        Ok(())
    }

    /// The first invariant on `line` that one more start would break, while a state it names is active.
    fn broken_now(&self, program: &Program, line: LineId, is_active: &impl Fn(StateId) -> bool) -> Option<u8> {
        self.invariants(program, line)
            .find(|(index, row)| row.scope == Scope::State && is_active(row.state) && self.is_used_up(*index, row))
            .map(|(index, _)| index as u8)
    }

    fn invariants<'p>(&self, program: &'p Program, line: LineId) -> impl Iterator<Item = (usize, Invariant)> + 'p {
        (0..program.rows(Table::Invariants))
            .map(|index| (index, program.invariant(index)))
            .filter(move |(_, row)| row.line == line)
    }

    fn is_used_up(&self, index: usize, row: &Invariant) -> bool {
        self.starts.get(index).is_none_or(|starts| *starts >= row.count)
    }

    /// A trial begins: what is counted per trial starts again.
    pub(crate) fn trial(&mut self, program: &Program) {
        self.reset(program, |row| row.scope == Scope::Trial);
    }

    /// A state is entered: what is counted per visit starts again.
    pub(crate) fn enter(&mut self, program: &Program, state: StateId) {
        if self.watched != 0 {
            self.reset(program, |row| row.scope == Scope::State && row.state == state);
        }
    }

    fn reset(&mut self, program: &Program, applies: impl Fn(&Invariant) -> bool) {
        for (index, starts) in self.starts.iter_mut().enumerate().take(program.rows(Table::Invariants)) {
            if applies(&program.invariant(index)) {
                *starts = 0;
            }
        }
    }

    /// Asks for what changed in this microsecond, line by line.
    pub(crate) fn flush(
        &mut self,
        program: &Program,
        at: Micros,
        sink: &mut impl Sink,
        is_active: impl Fn(StateId) -> bool,
    ) -> Result<(), Fault> {
        let mut rest = core::mem::take(&mut self.touched);
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            rest &= rest - 1;
            self.flush_line(program, at, line, sink, &is_active)?;
        }
        Ok(())
    }

    fn flush_line(
        &mut self,
        program: &Program,
        at: Micros,
        line: LineId,
        sink: &mut impl Sink,
        is_active: &impl Fn(StateId) -> bool,
    ) -> Result<(), Fault> {
        let index = line.index();
        let write = self.written.get(index).copied().unwrap_or(Write::Off);
        let before = self.belief.get(index).copied().unwrap_or(Belief::Off);
        let request = match write {
            Write::Off if before == Belief::Off => return Ok(()),
            Write::On if before == Belief::On && self.playing & line.bit() == 0 => return Ok(()),
            Write::Off => Request::Off,
            Write::On => Request::On,
            Write::Play(stimulus) => Request::Train(program.stimulus(usize::from(stimulus)).train),
            Write::Pulse { width_us } => Request::Train(Train::pulse(width_us)),
            Write::Deliver { volume_nl, width_us } => Request::Deliver { volume_nl, width_us },
        };
        let train = request.train();
        let (belief, end) = match &train {
            // This microsecond is closed with the request: not even a train of no length ends in it.
            Some(train) => (Belief::Train, at.checked_add(train.length_us().max(1)).ok_or(Fault::Duration)?),
            None if write == Write::On => (Belief::On, NEVER),
            None => (Belief::Off, NEVER),
        };
        if write != Write::Off && self.watched & line.bit() != 0 {
            if let Some(invariant) = self.breach(program, line) {
                self.block(line, before, end);
                sink.record(at, Record::Breach { invariant, line });
                return Ok(());
            }
            self.count(program, line, is_active);
        }
        if let Some(slot) = self.belief.get_mut(index) {
            *slot = belief;
        }
        if let Some(slot) = self.train_end.get_mut(index) {
            *slot = end;
        }
        self.playing = if train.is_some() { self.playing | line.bit() } else { self.playing & !line.bit() };
        sink.record(at, Record::Request { line, request });
        Ok(())
    }

    /// A start is blocked: the line stays as it was `before`. A blocked train still ends when it would have, so that no
    /// protocol waits for it in vain; if another plays on, not before that one.
    fn block(&mut self, line: LineId, before: Belief, end: Micros) {
        let index = line.index();
        let (Some(belief), Some(train_end)) = (self.belief.get_mut(index), self.train_end.get_mut(index)) else {
            return;
        };
        if end == NEVER {
            return;
        }
        let plays = self.playing & line.bit() != 0;
        *train_end = if plays { end.max(*train_end) } else { end };
        *belief = if before == Belief::On { Belief::On } else { Belief::Train };
        self.playing |= line.bit();
    }

    fn breach(&self, program: &Program, line: LineId) -> Option<InvariantId> {
        let forbidden = self.forbidden.get(line.index()).copied().unwrap_or(NONE);
        if forbidden != NONE {
            return Some(InvariantId(forbidden));
        }
        self.invariants(program, line)
            .find(|(index, row)| row.scope != Scope::State && self.is_used_up(*index, row))
            .map(|(index, _)| InvariantId(index as u8))
    }

    fn count(&mut self, program: &Program, line: LineId, is_active: &impl Fn(StateId) -> bool) {
        for index in 0..program.rows(Table::Invariants) {
            let row = program.invariant(index);
            if row.line == line
                && (row.scope != Scope::State || is_active(row.state))
                && let Some(starts) = self.starts.get_mut(index)
            {
                *starts = starts.saturating_add(1);
            }
        }
    }

    /// When the next train ends.
    pub(crate) fn next_due(&self) -> Micros {
        let (mut rest, mut next) = (self.playing, NEVER);
        while rest != 0 {
            next = next.min(self.train_end.get(rest.trailing_zeros() as usize).copied().unwrap_or(NEVER));
            rest &= rest - 1;
        }
        next
    }

    /// Takes the first line, by number, whose train has ended by `now`.
    pub(crate) fn take_ended(&mut self, now: Micros) -> Option<LineId> {
        let mut rest = self.playing;
        while rest != 0 {
            let line = LineId(rest.trailing_zeros() as u8);
            if let Some(end) = self.train_end.get_mut(line.index())
                && *end <= now
            {
                *end = NEVER;
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
