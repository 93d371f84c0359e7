//! How the guard drives pins: what changes in one call changes with one store, is looked at, and is written down. Decides
//! nothing: which line is on stands in the guard's books when this is asked to make the pins follow.

use embedded_hal::digital::{OutputPin, PinState};
use link::{LineId, Micros, TripCause};

use super::guard::{Guard, Output};
use crate::board::Board;
use crate::deadlines::{bit, lines};
use crate::messages::{Reports, What};

/// What the guard works with during one call: the time, the pins, and where it reports to.
pub(crate) struct Hands<'a, 's, B> {
    pub(crate) now: Micros,
    pub(crate) board: &'a mut B,
    pub(crate) reports: &'a mut Reports<'s>,
    /// Whether edges and verdicts use the places kept for what must not be lost.
    pub(crate) urgent: bool,
    /// What is to be switched.
    pub(super) batch: Batch,
}

/// Pins to be driven together, so that lines that change in one microsecond change within a few instructions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Batch {
    pub(super) high: u32,
    pub(super) low: u32,
    /// The lines that change.
    pub(super) lines: u32,
    /// Those of them whose train begins with it.
    pub(super) begin: u32,
}

impl<'a, 's, B> Hands<'a, 's, B> {
    pub(crate) fn new(now: Micros, board: &'a mut B, reports: &'a mut Reports<'s>) -> Self {
        Self { now, board, reports, urgent: false, batch: Batch::default() }
    }

    #[inline(never)]
    pub(super) fn report(&mut self, what: What) {
        if self.urgent {
            self.reports.push_urgent(self.now, what);
        } else {
            self.reports.push(self.now, what);
        }
    }
}

impl Guard {
    /// Drives what is to be driven, and acts upon pads that did not follow. Each is told once, even when something else
    /// has tripped before.
    #[inline(never)]
    pub(crate) fn settle<B: Board>(&mut self, hands: &mut Hands<B>) {
        self.switch(hands);
        for n in lines(core::mem::take(&mut self.unscheduled)) {
            self.schedule::<B>(n);
        }
        if self.suspect != 0 {
            self.suspected(hands);
        }
    }

    #[inline(never)]
    fn suspected<B: Board>(&mut self, hands: &mut Hands<B>) {
        // What a trip switches off may not follow either; every round has a line the rounds before had not.
        while self.suspect != 0 {
            let found = core::mem::take(&mut self.suspect) & !self.mismatched;
            self.mismatched |= found;
            for line in lines(found) {
                let cause = TripCause::PadMismatch(LineId(line as u8));
                if self.tripped.is_some() {
                    hands.reports.push_urgent(hands.now, What::Trip(cause));
                } else {
                    self.trip(cause, hands);
                }
            }
        }
    }

    /// Turns a line on or off with all that is driven next. No net change gives no edge.
    #[inline]
    pub(super) fn drive<B: Board>(&mut self, n: usize, on: bool, hands: &mut Hands<B>) {
        let line = bit(n);
        if self.speakers & line != 0 {
            self.sound(n, on, hands);
        }
        if on == (self.on & line != 0) {
            return;
        }
        if hands.batch.lines & line != 0 {
            // Twice within one call: each is an edge of its own.
            self.switch(hands);
        }
        let Some(output) = self.outputs.get_mut(n) else { return };
        self.on ^= line;
        hands.batch.lines |= line;
        if self.speakers & line == 0 {
            if on == output.active_high {
                hands.batch.high |= output.pin_bit;
            } else {
                hands.batch.low |= output.pin_bit;
            }
        }
    }

    /// Starts what a train sounds like, or ends what sounds. A pulse that follows on another begins anew.
    #[inline(never)]
    fn sound<B: Board>(&mut self, n: usize, on: bool, hands: &mut Hands<B>) {
        let Some(output) = self.outputs.get(n) else { return };
        if on {
            hands.board.tone(output.pin, output.pulses.sound().as_ref());
        } else if self.on & bit(n) != 0 {
            hands.board.tone(output.pin, None);
        }
    }

    /// Drives all that is to be driven, looks at the pads, then reports.
    #[inline(always)]
    pub(super) fn switch<B: Board>(&mut self, hands: &mut Hands<B>) {
        if hands.batch.lines != 0 {
            self.switch_now(hands);
        }
    }

    #[inline(never)]
    fn switch_now<B: Board>(&mut self, hands: &mut Hands<B>) {
        let Batch { high, low, .. } = hands.batch;
        let failed = if high | low != 0 { hands.board.drive(high, low) } else { 0 };
        self.driven(failed, hands);
    }

    /// What was to be switched is driven now, but for the pins of `failed`: looks at the pads, then reports.
    #[inline(never)]
    pub(super) fn driven<B: Board>(&mut self, failed: u32, hands: &mut Hands<B>) {
        let Batch { high, low, lines: changed, begin } = core::mem::take(&mut hands.batch);
        let pins = high | low;
        if pins != 0 {
            hands.now = hands.board.moment(hands.now);
            self.held = (self.held | high) & !low;
            let wrong = (hands.board.pads(pins, high) ^ high | failed) & pins;
            if wrong != 0 {
                self.suspect |= self.lines_on(wrong, changed);
            }
        }
        if self.beyond & changed != 0 {
            self.write_each(self.beyond & changed, hands);
        }
        for n in lines(self.counted & changed) {
            self.quotas.turned(n, self.on & bit(n) != 0, hands.now);
        }
        for n in lines(changed) {
            let on = self.on & bit(n) != 0;
            if on && let Some(output) = self.outputs.get_mut(n) {
                output.cut_at = hands.now.saturating_add(Micros::from(output.max_on_us));
            }
            let line = LineId(n as u8);
            if hands.urgent {
                hands.reports.push_urgent(hands.now, What::Edge { line, on });
            } else {
                hands.reports.push_edge(hands.now, line, on);
            }
        }
        for n in lines(begin) {
            self.begin_train(n, hands.now, hands.reports.scores);
        }
    }

    /// Those of `set` that are wired to one of these pins.
    #[inline(never)]
    pub(super) fn lines_on(&self, pins: u32, set: u32) -> u32 {
        lines(set & !self.speakers).fold(0, |found, n| match self.outputs.get(n) {
            Some(output) if output.pin_bit & pins != 0 => found | bit(n),
            _ => found,
        })
    }

    /// Drives lines one by one as the books have them: those on pins past 31.
    #[inline(never)]
    fn write_each<B: Board>(&mut self, set: u32, hands: &mut Hands<B>) {
        for n in lines(set) {
            if let Some(output) = self.outputs.get(n)
                && !write(output, false, self.on & bit(n) != 0, hands.board)
            {
                self.suspect |= bit(n);
            }
        }
    }

    /// Those of `set` whose pads do not read off.
    pub(super) fn unsafe_pads<B: Board>(&self, set: u32, board: &mut B) -> u32 {
        lines(set & !self.speakers & !self.on).fold(0, |found, n| match self.outputs.get(n) {
            Some(output) if !reads(output, false, board) => found | bit(n),
            _ => found,
        })
    }
}

/// Writes a single pin: whether its pad follows.
pub(super) fn write<B: Board>(output: &Output, speaker: bool, on: bool, board: &mut B) -> bool {
    if speaker {
        board.tone(output.pin, None);
        return true;
    }
    let written = board.output(output.pin).is_some_and(|pin| pin.set_state(output.level(on)).is_ok());
    written && reads(output, on, board)
}

fn reads<B: Board>(output: &Output, on: bool, board: &mut B) -> bool {
    let high = output.level(on) == PinState::High;
    board.pad_is_high(output.pin).is_none_or(|found| found == high)
}
