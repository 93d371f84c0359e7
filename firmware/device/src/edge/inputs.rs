//! Digital inputs: which level was accepted last, and until when further edges are ignored. Knows no output.
//!
//! Debounce is leading: an edge is accepted at once and keeps its own stamp; edges within `debounce_us` after it are
//! ignored. When that window ends the level is looked at again: if it differs from the accepted one, that edge is
//! accepted then, stamped with the end of the window, and opens a window of its own.

use embedded_hal::digital::InputPin;
use link::limits::MAX_LINES;
use link::rig::{Guards, RigLine, Role};
use link::{LineId, Micros};

use crate::board::Board;
use crate::deadlines::{Deadlines, bit, lines};

/// No line is wired to this pin.
const NO_LINE: u8 = u8::MAX;

/// Windows of one line that one poll closes at most.
const WINDOWS_AT_ONCE: usize = 4;

/// An edge that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) at: Micros,
    pub(crate) line: LineId,
    pub(crate) active: bool,
}

#[derive(Debug, Clone, Copy)]
struct Input {
    pin: u8,
    active_high: bool,
    debounce_us: u32,
}

/// All inputs of the rig.
#[derive(Debug)]
pub(crate) struct Inputs {
    line_of_pin: [u8; 256],
    inputs: [Input; MAX_LINES],
    known: u32,
    /// Emergency stops, keys, and both.
    stops: u32,
    keys: u32,
    guarding: u32,
    /// Those of both that have changed to what is not safe, and are not heeded yet.
    alarms: u32,
    /// The accepted level of each line, active or not.
    active: u32,
    windows: Deadlines,
}

impl Inputs {
    pub(crate) const fn new() -> Self {
        Self {
            line_of_pin: [NO_LINE; 256],
            inputs: [Input { pin: 0, active_high: true, debounce_us: 0 }; MAX_LINES],
            known: 0,
            stops: 0,
            keys: 0,
            guarding: 0,
            alarms: 0,
            active: 0,
            windows: Deadlines::new(),
        }
    }

    /// Forgets every line.
    pub(crate) fn clear(&mut self) {
        // Field by field: a whole new one would lie on the stack first. A line that is unknown is never looked at.
        let Self { line_of_pin, inputs: _, known, stops, keys, guarding, alarms, active, windows } = self;
        line_of_pin.fill(NO_LINE);
        (*known, *stops, *keys, *guarding, *alarms, *active) = (0, 0, 0, 0, 0, 0);
        windows.clear_all();
    }

    /// Adds a line and takes the level it has now as accepted. False if its pin cannot be read.
    pub(crate) fn add<B: Board>(&mut self, line: LineId, what: &RigLine, board: &mut B) -> bool {
        let Role::Input { debounce_us, guards, .. } = what.role else { return false };
        let (Some(slot), Some(of_pin)) =
            (self.inputs.get_mut(line.index()), self.line_of_pin.get_mut(usize::from(what.pin)))
        else {
            return false;
        };
        *slot = Input { pin: what.pin, active_high: what.active_high, debounce_us };
        *of_pin = line.0;
        self.known |= line.bit();
        match guards {
            Guards::Nothing => {}
            Guards::Stop => self.stops |= line.bit(),
            Guards::Arming => self.keys |= line.bit(),
        }
        self.guarding = self.stops | self.keys;
        match self.look(line.index(), board) {
            Some(active) => {
                self.accept_level(line.index(), active);
                true
            }
            None => false,
        }
    }

    /// The accepted levels, bit *n* for line *n*.
    pub(crate) const fn levels(&self) -> u32 {
        self.active
    }

    /// Whether an emergency stop is open.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.active & self.stops != 0
    }

    /// Whether every key there is is turned.
    pub(crate) const fn keys_are_on(&self) -> bool {
        self.keys & !self.active == 0
    }

    /// Whether a stop has opened, or a key was turned off, that was not asked for yet.
    #[inline(always)]
    pub(crate) const fn alarmed(&self) -> bool {
        self.alarms != 0
    }

    /// The same, and which of the two; however short it was.
    pub(crate) fn take_alarms(&mut self) -> (bool, bool) {
        let alarms = core::mem::take(&mut self.alarms);
        (alarms & self.stops != 0, alarms & self.keys != 0)
    }

    /// When the next window ends; [`Micros::MAX`] while none is open.
    #[inline(always)]
    pub(crate) const fn next_due(&self) -> Micros {
        self.windows.next()
    }

    /// A pin changed at `now`: the edge that comes of it. One that a window held back which has ended unnoticed is told
    /// before.
    #[inline(always)]
    pub(crate) fn changed(
        &mut self,
        now: Micros,
        pin: u8,
        high: bool,
        late: impl FnOnce(Accepted),
    ) -> Option<Accepted> {
        let line = usize::from(self.line_of_pin.get(usize::from(pin)).copied().unwrap_or(NO_LINE));
        let input = self.inputs.get(line)?;
        let active = high == input.active_high;
        if let Some(end) = self.windows.of(line)
            && !self.end_window(now, end, line, active, late)
        {
            return None;
        }
        self.accept(now, line, active)
    }

    /// A line changes to `active` that has a window, which ends at `end`: whether it is over, and none follows on it.
    #[inline(never)]
    fn end_window(&mut self, now: Micros, end: Micros, line: usize, active: bool, late: impl FnOnce(Accepted)) -> bool {
        if now < end {
            return false;
        }
        self.windows.clear(line);
        // Up to this edge the level was the other one.
        if now > end
            && let Some(held_back) = self.accept(end, line, !active)
        {
            late(held_back);
            return self.windows.of(line).is_none_or(|end| now >= end);
        }
        true
    }

    /// Closes all windows that have ended by `now` and tells the edges that were accepted for them; false if a pin could
    /// not be read.
    pub(crate) fn close_windows<B: Board>(
        &mut self,
        now: Micros,
        board: &mut B,
        mut tell: impl FnMut(Accepted),
    ) -> bool {
        let mut readable = true;
        // A window that an edge at its end opens may have ended too. Only a poll that is late by many windows comes to
        // the end of this; the rest is done by the next.
        for _ in 0..WINDOWS_AT_ONCE {
            let due = self.windows.take_due(now);
            if due == 0 {
                break;
            }
            for line in lines(due) {
                let Some(active) = self.look(line, board) else {
                    readable = false;
                    continue;
                };
                if let Some(accepted) = self.accept(self.windows.taken(line), line, active) {
                    tell(accepted);
                }
            }
        }
        readable
    }

    fn look<B: Board>(&self, line: usize, board: &mut B) -> Option<bool> {
        let input = self.inputs.get(line)?;
        let high = board.input(input.pin)?.is_high().ok()?;
        Some(high == input.active_high)
    }

    #[inline(always)]
    fn accept(&mut self, at: Micros, line: usize, active: bool) -> Option<Accepted> {
        if active == (self.active & bit(line) != 0) {
            return None;
        }
        self.accept_level(line, active);
        if self.guarding & bit(line) != 0 {
            self.alarm(line, active);
        }
        let debounce_us = self.inputs.get(line)?.debounce_us;
        if debounce_us > 0 {
            self.windows.set(line, at.saturating_add(Micros::from(debounce_us)));
        }
        Some(Accepted { at, line: LineId(line as u8), active })
    }

    /// A stop or a key has changed.
    #[inline(never)]
    fn alarm(&mut self, line: usize, active: bool) {
        self.alarms |= bit(line) & if active { self.stops } else { self.keys };
    }

    fn accept_level(&mut self, line: usize, active: bool) {
        self.active = if active { self.active | bit(line) } else { self.active & !bit(line) };
    }

    /// Whether every input can be read.
    pub(crate) fn unreadable<B: Board>(&self, board: &mut B) -> Option<LineId> {
        lines(self.known).find(|line| self.look(*line, board).is_none()).map(|line| LineId(line as u8))
    }
}
