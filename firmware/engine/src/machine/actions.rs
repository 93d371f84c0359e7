//! Guards, durations and actions: what a piece of code reads of the engine and what it changes. Plain arithmetic stands in
//! `code`; where a transition leads stands in the parent.

use link::program::Table;
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{Code, DrawKind};
use link::{DrawId, EndReason, EventId, Fault, LineId, Micros, OutcomeId, Record, StateId, TimerId, VariableId};

use super::{Engine, Halt, Handled, MAX_REGIONS, Step, Trial};
use crate::Sink;
use crate::draw::draw;
use crate::outputs::Write;

// What most pieces of code are made of, by number.
const END: u8 = OpCode::End as u8;
const ON: u8 = OpCode::On as u8;
const OFF: u8 = OpCode::Off as u8;
const INT: u8 = OpCode::Int as u8;
const CONSTANT: u8 = OpCode::Constant as u8;
const LOAD: u8 = OpCode::Load as u8;
/// The first operation that changes something other than the stack; all behind it do too.
const FIRST_EFFECT: u8 = OpCode::Store as u8;

impl<S: Sink> Step<'_, '_, '_, S> {
    /// Whether a guard holds; no guard always does.
    #[inline(always)]
    pub(super) fn holds(&mut self, guard: Code) -> Handled<bool> {
        Ok(guard.address().is_none() || self.value(guard)? != 0)
    }

    /// What a piece of code leaves on the stack. Most is one operation, which needs none.
    #[inline(always)]
    pub(super) fn value(&mut self, code: Code) -> Handled<i64> {
        if let Some([only, end, ..]) = code.address().map(|address| self.program.code_from(address))
            && *end & 0xFF == u32::from(END)
        {
            if *only & 0xFF == u32::from(LOAD)
                && let Some(value) = self.engine.variables.get((*only >> 16) as usize)
            {
                return Ok(*value);
            }
            if *only & 0xFF == u32::from(INT) {
                return Ok(i64::from((*only >> 16) as i16));
            }
            if *only & 0xFF == u32::from(CONSTANT) {
                return Ok(self.program.constant((*only >> 16) as usize));
            }
        }
        self.act(code)?;
        Ok(self.engine.stack.pop()?)
    }

    /// Runs a piece of code, if there is any.
    #[inline(always)]
    pub(super) fn act(&mut self, code: Code) -> Handled {
        match code.address() {
            Some(address) => self.execute(address),
            None => Ok(()),
        }
    }

    /// Runs a piece of code to its end. Jumps only lead forward, so it has one.
    #[inline(never)]
    fn execute(&mut self, address: usize) -> Handled {
        self.go_on()?;
        let mut code = self.program.code_from(address);
        while let Some((&word, rest)) = code.split_first() {
            let [number, line, ..] = word.to_le_bytes();
            // What switches a line is not made to wait.
            match number {
                END => break,
                ON | OFF => {
                    let write = if number == ON { Write::On } else { Write::Off };
                    self.engine.outputs.write(LineId(line), write)?;
                }
                // No expression begins with it, so there is nothing to work out first.
                FIRST_EFFECT.. => self.effect(Op::from_word(word).ok_or(Fault::BadProgram)?)?,
                _ => {
                    match self.engine.stack.evaluate(&mut code, &self.engine.variables)? {
                        Some(op) => self.rarer(op)?,
                        None => break,
                    }
                    continue;
                }
            }
            code = rest;
        }
        Ok(())
    }

    /// The operations that take long enough not to mind a call.
    #[inline(never)]
    fn rarer(&mut self, op: Op) -> Handled {
        match op.code {
            OpCode::On | OpCode::Off => self.write_valued(op)?,
            OpCode::Constant => self.engine.stack.push(self.program.constant(usize::from(op.b)))?,
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
                let active = self.engine.is_active(self.program, StateId(op.b));
                self.engine.stack.push(i64::from(active))?;
            }
            _ => self.effect(op)?,
        }
        Ok(())
    }

    fn special(&mut self, op: Op) -> Handled<i64> {
        let at = self.at;
        let since = |then: Micros| i64::try_from(at.saturating_sub(then)).map_err(|_| Halt::from(Fault::Overflow));
        let timer = TimerId(op.b as u8);
        let special = Special::from_u8(op.a).ok_or(Fault::BadProgram)?;
        match special {
            Special::Trial | Special::Level | Special::Outcome => {}
            Special::SessionTime | Special::TrialTime => self.needs_time()?,
            _ => self.must_happen()?,
        }
        if special == Special::Level {
            self.engine.reflexes.heed_levels |= self.rehearsal.is_some();
        }
        let engine = &*self.engine;
        Ok(match special {
            Special::SessionTime => since(engine.started)?,
            Special::Trial => i64::from(engine.trial.number),
            Special::TrialTime => since(engine.trial.began)?,
            Special::Level => i64::from(engine.levels & LineId(op.b as u8).bit() != 0),
            Special::TimerLeft => i64::try_from(engine.timers.left_us(timer, self.at)).unwrap_or(i64::MAX),
            Special::TimerRunning => i64::from(engine.timers.is_running(timer)),
            Special::StateTime => {
                let state = StateId(op.b);
                if !engine.is_active(self.program, state) {
                    return Ok(0);
                }
                let row = self.program.state(state.index());
                since(engine.regions[row.region.index() % MAX_REGIONS].entered_at(row.depth))?
            }
            Special::Outcome => engine.trial.outcome.map_or(0, |outcome| i64::from(outcome.0) + 1),
        })
    }

    /// An operation that changes something.
    fn effect(&mut self, op: Op) -> Handled {
        self.go_on()?;
        match op.code {
            OpCode::Store => {
                let value = self.engine.stack.pop()?;
                self.set(VariableId(op.b), value)?;
                if op.a == 1 {
                    self.record(Record::Set { variable: VariableId(op.b), value });
                }
            }
            OpCode::Play
            | OpCode::Pulse
            | OpCode::Deliver
            | OpCode::OnPower
            | OpCode::PlayPower
            | OpCode::PulsePower => self.write_valued(op)?,
            OpCode::Signal => {
                self.record(Record::Event(EventId(op.b)));
                self.engine.signals.push_back(EventId(op.b)).map_err(|_| Fault::TooManySignals)?;
            }
            OpCode::Trial => self.begin_trial()?,
            OpCode::Outcome => {
                let outcome = OutcomeId(op.b);
                self.engine.trial.outcome = Some(outcome);
                self.record(Record::Outcome(outcome));
                if !self.rehearses_edge() {
                    self.engine.decks.outcome(self.program, outcome)?;
                }
            }
            OpCode::Draw => {
                let id = DrawId(op.b as u8);
                let row = self.program.draw(id.index());
                if row.kind == DrawKind::Deck {
                    self.needs_time()?;
                }
                let Engine { stack, generator, decks, .. } = self.engine;
                let (value, record) = draw(self.program, id, &row, stack, generator, decks)?;
                self.set(row.variable, value)?;
                self.record(record);
            }
            OpCode::TimerStart | OpCode::TimerStop | OpCode::TimerPause => self.turn_timer(op)?,
            OpCode::TimerResume => {
                self.must_happen()?;
                self.engine.timers.resume(TimerId(op.a), self.at);
                self.engine.next_due = self.engine.next_due.min(self.engine.timers.not_before());
            }
            _ => return Err(Fault::BadProgram.into()),
        }
        Ok(())
    }

    /// Asks a line for what the stack and the operation say. A power that no line has is asked for as it is, for the
    /// interlock to refuse.
    #[inline(never)]
    fn write_valued(&mut self, op: Op) -> Handled {
        let stack = &mut self.engine.stack;
        let mut power =
            || -> Result<i32, Fault> { Ok(stack.pop()?.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32) };
        let write = match op.code {
            OpCode::On => Write::On,
            OpCode::Off => Write::Off,
            OpCode::Play => Write::Play(op.b),
            OpCode::OnPower => Write::Power { power_ppm: power()? },
            OpCode::PlayPower => Write::PowerPlay { stimulus: op.b, power_ppm: power()? },
            OpCode::PulsePower => Write::PowerPulse { power_ppm: power()?, width_us: stack.pop_u32()? },
            OpCode::Deliver => Write::Deliver { width_us: stack.pop_u32()?, volume_nl: stack.pop_u32()? },
            _ => Write::Pulse { width_us: stack.pop_u32()? },
        };
        Ok(self.engine.outputs.write(LineId(op.a), write)?)
    }

    /// Starts, stops or pauses a timer. What that changes in the rest of its step is nothing that may be asked for in a
    /// rehearsal.
    fn turn_timer(&mut self, op: Op) -> Handled {
        let starts = op.code == OpCode::TimerStart;
        let duration = if starts { self.engine.stack.pop()? } else { 0 };
        if let Some(rehearsal) = &self.rehearsal {
            if starts && duration <= 0 || self.at.checked_add_signed(duration).is_none() {
                return Err(Halt::Unforeseeable);
            }
            if rehearsal.ahead {
                self.engine.ahead.timer(op, duration);
            }
            return Ok(());
        }
        self.engine.timers.obey(op, self.at, duration)?;
        self.engine.next_due = self.engine.next_due.min(self.engine.timers.not_before());
        Ok(())
    }

    /// Sets a variable.
    fn set(&mut self, variable: VariableId, value: i64) -> Handled {
        let slot = self.engine.variables.get_mut(variable.index()).ok_or(Fault::BadProgram)?;
        let before = core::mem::replace(slot, value);
        if self.rehearsal.is_some() && self.engine.before.stores.push((variable.0, before)).is_err() {
            *slot = before;
            return Err(Halt::Unforeseeable);
        }
        Ok(())
    }

    /// A trial boundary: the session ends here, or the next trial begins.
    #[inline(never)]
    fn begin_trial(&mut self) -> Handled {
        self.needs_time()?;
        if let Some(reason) = self.engine.last_trial {
            return self.stop(reason);
        }
        for row in 0..self.program.rows(Table::Ends) {
            if self.holds(self.program.end(row).condition)? {
                return self.stop(EndReason::Condition(row as u8));
            }
        }
        let number = self.engine.trial.number.saturating_add(1);
        self.engine.trial = Trial { number, began: self.at, outcome: None };
        self.engine.outputs.trial();
        self.engine.decks.trial()?;
        self.record(Record::Trial { number });
        Ok(())
    }
}
