//! Named timers: they outlive states, run side by side, repeat, stand still and go on. Owns when each is due; what its
//! end means is the program's business.

use link::limits::MAX_TIMERS;
use link::program::op::{Op, OpCode};
use link::{Fault, Micros, TimerId};

use crate::NEVER;

/// Repeats without end.
const FOREVER: u16 = u16::MAX;

#[derive(Debug, Clone, Copy)]
struct Timer {
    /// When it runs out, while it runs; what was left when it was made to stand still.
    time: u64,
    period_us: u64,
    repeats: u16,
    course: Course,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Idle,
    Runs,
    Stands,
}

const IDLE: Timer = Timer { time: 0, period_us: 0, repeats: 0, course: Course::Idle };

impl Timer {
    /// When it runs out; [`NEVER`] while it does not run.
    #[inline(always)]
    fn due(&self) -> Micros {
        if self.course == Course::Runs { self.time } else { NEVER }
    }
}

#[derive(Debug)]
pub(crate) struct Timers {
    timers: [Timer; MAX_TIMERS],
    /// The timers that run, so that the idle ones cost nothing.
    running: u64,
    /// None runs out before this; exact unless `stale`.
    due: Micros,
    /// A timer that might have been the first one is gone.
    stale: bool,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { timers: [IDLE; MAX_TIMERS], running: 0, due: NEVER, stale: false }
    }

    /// No timer runs. Field by field: a whole new one would lie on the stack first.
    pub(crate) fn clear(&mut self) {
        self.timers.fill(IDLE);
        (self.running, self.due, self.stale) = (0, NEVER, false);
    }

    fn set(&mut self, id: TimerId, timer: Timer) {
        if let Some(slot) = self.timers.get_mut(id.index()) {
            self.stale |= slot.due() <= self.due && slot.course == Course::Runs;
            self.due = self.due.min(timer.due());
            *slot = timer;
            let bit = 1_u64.wrapping_shl(u32::from(id.0));
            self.running = if timer.course == Course::Runs { self.running | bit } else { self.running & !bit };
        }
    }

    fn get(&self, id: TimerId) -> Timer {
        self.timers.get(id.index()).copied().unwrap_or(IDLE)
    }

    pub(crate) fn start(&mut self, id: TimerId, now: Micros, duration: i64, repeats: u16) -> Result<(), Fault> {
        let period_us = u64::try_from(duration).map_err(|_| Fault::Duration)?;
        if period_us == 0 && repeats > 0 {
            return Err(Fault::Duration);
        }
        let time = now.checked_add(period_us).ok_or(Fault::Duration)?;
        self.set(id, Timer { time, period_us, repeats, course: Course::Runs });
        Ok(())
    }

    pub(crate) fn stop(&mut self, id: TimerId) {
        self.set(id, IDLE);
    }

    pub(crate) fn pause(&mut self, id: TimerId, now: Micros) {
        let timer = self.get(id);
        if timer.course == Course::Runs {
            self.set(id, Timer { time: timer.time.saturating_sub(now), course: Course::Stands, ..timer });
        }
    }

    /// Starts, stops or pauses the timer that the operation names.
    pub(crate) fn obey(&mut self, op: Op, now: Micros, duration: i64) -> Result<(), Fault> {
        let id = TimerId(op.a);
        match op.code {
            OpCode::TimerStart => self.start(id, now, duration, op.b)?,
            OpCode::TimerStop => self.stop(id),
            _ => self.pause(id, now),
        }
        Ok(())
    }

    pub(crate) fn resume(&mut self, id: TimerId, now: Micros) {
        let timer = self.get(id);
        if timer.course == Course::Stands {
            self.set(id, Timer { time: now.saturating_add(timer.time), course: Course::Runs, ..timer });
        }
    }

    pub(crate) fn is_running(&self, id: TimerId) -> bool {
        self.get(id).course == Course::Runs
    }

    /// µs until it runs out; what is left of one that stands still; 0 if it does neither.
    pub(crate) fn left_us(&self, id: TimerId, now: Micros) -> u64 {
        let timer = self.get(id);
        match timer.course {
            Course::Idle => 0,
            Course::Runs => timer.time.saturating_sub(now),
            Course::Stands => timer.time,
        }
    }

    /// None runs out before this.
    #[inline(always)]
    pub(crate) fn not_before(&self) -> Micros {
        self.due
    }

    /// When the next one runs out.
    #[inline(always)]
    pub(crate) fn next_due(&mut self) -> Micros {
        if self.stale {
            self.stale = false;
            let mut rest = self.running;
            self.due = NEVER;
            while rest != 0 {
                self.due = self.due.min(self.get(TimerId(rest.trailing_zeros() as u8)).due());
                rest &= rest - 1;
            }
        }
        self.due
    }

    /// Takes the first timer, by number, that has run out by `now`; starts it again if it repeats.
    pub(crate) fn take_due(&mut self, now: Micros) -> Option<TimerId> {
        if self.due > now {
            return None;
        }
        let mut rest = self.running;
        while rest != 0 {
            let id = TimerId(rest.trailing_zeros() as u8);
            let timer = self.get(id);
            if timer.due() <= now {
                let time = timer.time.saturating_add(timer.period_us);
                let again = match timer.repeats {
                    0 => IDLE,
                    FOREVER => Timer { time, ..timer },
                    left => Timer { time, repeats: left - 1, ..timer },
                };
                self.set(id, again);
                return Some(id);
            }
            rest &= rest - 1;
        }
        None
    }
}
