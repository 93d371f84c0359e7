//! Named timers: they outlive states, run side by side, repeat, stand still and go on. Owns when each is due; what its
//! end means is the program's business.

use link::limits::MAX_TIMERS;
use link::{Fault, Micros, TimerId};

use crate::NEVER;

/// Repeats without end.
const FOREVER: u16 = u16::MAX;

#[derive(Debug, Clone, Copy)]
struct Timer {
    /// When it runs out; [`NEVER`] while it does not run.
    due: Micros,
    /// What was left when it was made to stand still.
    paused: Option<u64>,
    period_us: u64,
    repeats: u16,
}

const IDLE: Timer = Timer { due: NEVER, paused: None, period_us: 0, repeats: 0 };

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
            self.stale |= slot.due <= self.due && slot.due != NEVER;
            self.due = self.due.min(timer.due);
            *slot = timer;
            let bit = 1_u64.wrapping_shl(u32::from(id.0));
            self.running = if timer.due == NEVER { self.running & !bit } else { self.running | bit };
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
        let due = now.checked_add(period_us).ok_or(Fault::Duration)?;
        self.set(id, Timer { due, paused: None, period_us, repeats });
        Ok(())
    }

    pub(crate) fn stop(&mut self, id: TimerId) {
        self.set(id, IDLE);
    }

    pub(crate) fn pause(&mut self, id: TimerId, now: Micros) {
        let timer = self.get(id);
        if timer.due != NEVER {
            self.set(id, Timer { due: NEVER, paused: Some(timer.due.saturating_sub(now)), ..timer });
        }
    }

    pub(crate) fn resume(&mut self, id: TimerId, now: Micros) {
        let timer = self.get(id);
        if let Some(left) = timer.paused {
            self.set(id, Timer { due: now.saturating_add(left), paused: None, ..timer });
        }
    }

    pub(crate) fn is_running(&self, id: TimerId) -> bool {
        self.get(id).due != NEVER
    }

    /// µs until it runs out; what is left of one that stands still; 0 if it does neither.
    pub(crate) fn left_us(&self, id: TimerId, now: Micros) -> u64 {
        let timer = self.get(id);
        match timer.paused {
            Some(left) => left,
            None if timer.due == NEVER => 0,
            None => timer.due.saturating_sub(now),
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
                self.due = self.due.min(self.get(TimerId(rest.trailing_zeros() as u8)).due);
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
            if timer.due <= now {
                let again = match timer.repeats {
                    0 => IDLE,
                    FOREVER => Timer { due: timer.due.saturating_add(timer.period_us), ..timer },
                    left => Timer { due: timer.due.saturating_add(timer.period_us), repeats: left - 1, ..timer },
                };
                self.set(id, again);
                return Some(id);
            }
            rest &= rest - 1;
        }
        None
    }
}
