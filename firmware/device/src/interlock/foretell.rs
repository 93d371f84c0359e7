//! What the body is told ahead, so that an edge is made at its microsecond whatever P0 is in the midst of; and how the
//! guard's books follow what was done. Owns the plan; knows no pin but as a bit.
//!
//! Foretold are the next edge of each line that runs, and the one after it if it follows soon: a short pulse keeps its
//! width. The body only does what stands in the plan. Before the guard touches a line of the plan it takes the line out of it and
//! writes down what was done meanwhile: so no edge is made twice, and none after a disarm, a trip or another request.

use link::{LineId, Micros, TripCause, Verdict};

use super::guard::{Guard, Output, Run};
use super::train::Step;
use super::{Hands, LATE_MAX_US};
use crate::board::{Board, Strike};
use crate::deadlines::{bit, lines};
use crate::messages::What;

/// Strikes that are foretold at once at most.
pub const STRIKES_MAX: usize = 8;
/// How long before its time an edge is foretold, in µs: longer than one call of P0 takes at its worst. Until then another
/// request for its line need not take it back.
const AHEAD_US: Micros = 200;
/// What comes so much later is foretold as well when something is, in µs, so that this is not done for each line alone.
const AT_ONCE_US: Micros = 100;
/// How often the guard pauses for an input before it goes on to its end.
const PAUSES_MAX: u8 = 2;
/// An edge so close that it may be late, unless it is foretold already, is not followed by another foretold one, in µs: a
/// pulse is as wide as asked from its own rise.
const CLOSE_US: Micros = 4;

/// What the body was foretold and has not done, as far as is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    strikes: [Strike; STRIKES_MAX],
    /// The lines each turns on, and those it turns off.
    on: [u32; STRIKES_MAX],
    off: [u32; STRIKES_MAX],
    from: usize,
    to: usize,
    /// All its lines.
    pub(super) lines: u32,
    /// Whether an edge found no place in it.
    crowded: bool,
}

impl Plan {
    pub(crate) const NOTHING: Self = Self {
        strikes: [Strike { at: 0, high: 0, low: 0 }; STRIKES_MAX],
        on: [0; STRIKES_MAX],
        off: [0; STRIKES_MAX],
        from: 0,
        to: 0,
        lines: 0,
        crowded: false,
    };

    /// Nothing is foretold any more.
    pub(crate) fn clear(&mut self) {
        (self.from, self.to, self.lines, self.crowded) = (0, 0, 0, false);
    }

    fn strikes(&self) -> &[Strike] {
        self.strikes.get(self.from..self.to).unwrap_or_default()
    }

    /// The lines that are to have changed by `now`.
    #[inline]
    pub(crate) fn due(&self, now: Micros) -> u32 {
        if self.lines == 0 {
            return 0;
        }
        let places = (self.from..self.to).zip(self.strikes()).filter(|(_, strike)| strike.at <= now);
        places.fold(0, |set, (place, _)| set | self.lines_at(place))
    }

    fn lines_at(&self, place: usize) -> u32 {
        self.on.get(place).copied().unwrap_or(0) | self.off.get(place).copied().unwrap_or(0)
    }

    /// Takes the first strike: it, and the lines it turned on and off.
    fn take(&mut self) -> Option<(Strike, u32, u32)> {
        let first = if self.from < self.to { self.at(self.from) } else { None };
        self.from += usize::from(first.is_some());
        self.lines = (self.from..self.to).fold(0, |set, place| set | self.lines_at(place));
        first
    }

    fn at(&self, place: usize) -> Option<(Strike, u32, u32)> {
        Some((*self.strikes.get(place)?, *self.on.get(place)?, *self.off.get(place)?))
    }

    /// Adds that a line turns on or off, as that pin level, among at most `most` strikes. One too many pushes out the last.
    fn add(&mut self, at: Micros, line: u32, on: bool, (pin, high): (u32, bool), most: usize) {
        let mut place = self.to;
        while place > 0 && self.strikes.get(place - 1).is_some_and(|strike| strike.at > at) {
            place -= 1;
        }
        let place = if place > 0 && self.strikes.get(place - 1).is_some_and(|strike| strike.at == at) {
            place - 1
        } else {
            self.crowded |= self.to >= most;
            if place >= most {
                return;
            }
            self.to = (self.to + 1).min(most);
            for later in (place + 1..self.to).rev() {
                if let Some((strike, on, off)) = self.at(later - 1) {
                    self.put(later, strike, on, off);
                }
            }
            self.put(place, Strike { at, high: 0, low: 0 }, 0, 0);
            place
        };
        let (Some(strike), Some(turned)) =
            (self.strikes.get_mut(place), if on { self.on.get_mut(place) } else { self.off.get_mut(place) })
        else {
            return;
        };
        *turned |= line;
        if high {
            strike.high |= pin;
        } else {
            strike.low |= pin;
        }
        self.lines |= line;
    }

    fn put(&mut self, place: usize, what: Strike, on: u32, off: u32) {
        if let (Some(strike), Some(ons), Some(offs)) =
            (self.strikes.get_mut(place), self.on.get_mut(place), self.off.get_mut(place))
        {
            (*strike, *ons, *offs) = (what, on, off);
        }
    }

    /// Becomes the whole without some lines, which have these pins.
    fn leave_out(&mut self, whole: &Self, set: u32, pins: u32) {
        self.clear();
        for place in whole.from..whole.to {
            let Some((strike, on, off)) = whole.at(place) else { return };
            if (on | off) & !set != 0 {
                let left = Strike { at: strike.at, high: strike.high & !pins, low: strike.low & !pins };
                self.put(self.to, left, on & !set, off & !set);
                self.to += 1;
            }
        }
        self.lines = whole.lines & !set;
    }
}

impl Output {
    /// When the edge comes that follows on the one at `at`, if that is soon enough for both to be foretold at once.
    #[inline(never)]
    fn follows_soon(&self, at: Micros) -> Option<Micros> {
        let follows = if self.run == Run::Train && self.pulses.due() == at { self.pulses.after(at) } else { None };
        follows.filter(|second| second.saturating_sub(at) <= AHEAD_US)
    }
}

impl Guard {
    #[inline(always)]
    pub(super) fn plan(&self) -> &Plan {
        &self.plans[self.in_force % 2]
    }

    #[inline(always)]
    fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plans[self.in_force % 2]
    }

    /// The plan in force, and the one that may be next.
    #[inline(always)]
    fn old_and_new(&mut self) -> (&Plan, &mut Plan) {
        let [one, other] = &mut self.plans;
        if self.in_force == 0 { (one, other) } else { (other, one) }
    }

    /// Puts the other plan in force, if the body takes it.
    #[inline(always)]
    fn change_plan<B: Board>(&mut self, hands: &mut Hands<B>) -> bool {
        let next = 1 - self.in_force;
        let taken = hands.board.foretell(self.plans[next % 2].strikes());
        if taken {
            self.in_force = next;
        }
        taken
    }

    /// Whether it may pause at all: not again and again, and not while pulses follow one another closely.
    #[inline(always)]
    fn may_pause(&self) -> bool {
        self.pauses < PAUSES_MAX && self.dense & self.trains == 0
    }

    /// Whether an input has changed that may be answered before the guard goes on.
    #[inline(always)]
    fn pauses_for<B: Board>(&mut self, board: &mut B) -> bool {
        let pauses = self.may_pause() && board.interrupted();
        self.pauses += u8::from(pauses);
        pauses
    }

    /// Writes down what the body has done of what it was foretold, each with its own time. False if it paused.
    #[inline(always)]
    pub(crate) fn account<B: Board>(&mut self, may_pause: bool, hands: &mut Hands<B>) -> bool {
        if B::STRIKES != 0
            && let Some(first) = self.untold.take().or_else(|| hands.board.struck())
        {
            self.account_now(first, may_pause, hands)
        } else {
            true
        }
    }

    #[inline(never)]
    fn account_now<B: Board>(&mut self, first: Micros, may_pause: bool, hands: &mut Hands<B>) -> bool {
        let (now, mut pins, mut next) = (hands.now, core::mem::take(&mut self.unseen), Some(first));
        // Each turn takes one of the few that were foretold.
        while let Some(at) = next
            && let Some((strike, on, off)) = self.plan_mut().take()
        {
            hands.now = at;
            // There is a place now for what found none, and what follows an edge moves with it.
            if self.plan().crowded || at != strike.at {
                self.stale_at = 0;
            }
            self.late |= at.saturating_sub(strike.at) > Micros::from(LATE_MAX_US);
            for n in lines(on | off) {
                self.book(n, on & bit(n) != 0, hands);
            }
            self.held = (self.held | strike.high) & !strike.low;
            pins |= strike.high | strike.low;
            next = hands.board.struck();
            if next.is_none() {
                let found = hands.board.pads(pins, self.held);
                // What moved again meanwhile is looked at once that is written down.
                next = hands.board.struck();
                let wrong = (found ^ self.held) & pins;
                if next.is_none() && wrong != 0 {
                    self.suspect |= self.lines_on(wrong, self.known);
                }
            } else if may_pause && self.pauses_for(hands.board) {
                (self.untold, self.unseen, self.wake_at) = (next, pins, 0);
                hands.now = hands.now.max(now);
                return false;
            }
        }
        hands.now = hands.now.max(now);
        true
    }

    /// A line was turned on or off at `hands.now`, as was foretold.
    #[inline]
    fn book<B: Board>(&mut self, n: usize, on: bool, hands: &mut Hands<B>) {
        let Some(output) = self.outputs.get_mut(n) else { return };
        if on {
            if output.pulses.overrun(hands.now) {
                self.late = true;
                output.pulses.skip(hands.now);
            }
            output.pulses.step(hands.now, hands.reports.scores);
            output.cut_at = hands.now.saturating_add(Micros::from(output.max_on_us));
            self.on |= bit(n);
        } else {
            let falls = output.run == Run::Train && output.pulses.due() <= output.cut_at;
            if !falls || output.pulses.step(hands.now, hands.reports.scores) == Step::End {
                output.run = Run::Nothing;
                self.trains &= !bit(n);
            }
            if !falls {
                hands.report(What::Verdict { line: LineId(n as u8), verdict: Verdict::CutAtMaxOn });
            }
            self.on &= !bit(n);
        }
        if self.counted & bit(n) != 0 {
            self.quotas.turned(n, on, hands.now);
        }
        if !on && self.powered & bit(n) != 0 {
            self.change_power(n, hands.board);
        }
        self.schedule::<B>(n);
        hands.reports.push_edge(hands.now, LineId(n as u8), on);
    }

    /// A line's deadline is `at` now: until when what is foretold is all that should be.
    #[inline]
    pub(super) fn review_plan(&mut self, n: usize, at: Micros) {
        let foretold = (self.speakers | self.beyond) & bit(n) == 0;
        if foretold && self.plan().lines & bit(n) == 0 {
            self.stale_at = self.stale_at.min(at.saturating_sub(AHEAD_US));
        } else if foretold && self.outputs.get(n).is_some_and(|output| output.follows_soon(at).is_some()) {
            self.stale_at = 0;
        }
    }

    /// To be called before lines are touched: takes them out of what is foretold, and writes down what was done till then.
    #[inline(always)]
    pub(super) fn touch<B: Board>(&mut self, set: u32, hands: &mut Hands<B>) {
        if B::STRIKES != 0 && self.plan().lines & set != 0 {
            self.withdraw(set, hands);
        }
    }

    #[inline(never)]
    fn withdraw<B: Board>(&mut self, set: u32, hands: &mut Hands<B>) {
        self.stale_at = 0;
        // Every turn but the last has something to write down, which leaves less.
        for _ in 0..=STRIKES_MAX {
            self.account(false, hands);
            if self.plan().lines & set == 0 {
                return;
            }
            let pins = lines(self.plan().lines & set)
                .fold(0, |pins, n| pins | self.outputs.get(n).map_or(0, |output| output.pin_bit));
            let (whole, left) = self.old_and_new();
            left.leave_out(whole, set, pins);
            if self.change_plan(hands) {
                return;
            }
        }
    }

    /// Takes everything back, whatever was done, without a word.
    pub(super) fn foretell_nothing<B: Board>(&mut self, board: &mut B) {
        for _ in 0..=STRIKES_MAX {
            if board.foretell(&[]) {
                break;
            }
            board.struck();
        }
        (self.untold, self.unseen) = (None, 0);
        self.plan_mut().clear();
    }

    /// Whether something of what was done is yet to be acted upon.
    #[inline(always)]
    pub(crate) const fn alarmed(&self) -> bool {
        self.late || self.suspect != 0
    }

    /// Acts upon strikes that were late and pads that did not follow them.
    #[inline(never)]
    pub(crate) fn attend<B: Board>(&mut self, hands: &mut Hands<B>) {
        if core::mem::take(&mut self.late) {
            self.trip(TripCause::TooLate, hands);
        }
        self.settle(hands);
    }

    /// Foretells what comes next, if that may have changed.
    #[inline(always)]
    pub(crate) fn prepare<B: Board>(&mut self, hands: &mut Hands<B>) {
        if B::STRIKES != 0 && self.stale_at <= hands.now {
            self.prepare_now(hands);
        } else {
            self.deadlines.tidy();
            self.rest();
        }
    }

    /// All is done and foretold for now.
    #[inline(always)]
    fn rest(&mut self) {
        let wake_at = self.deadlines.next().min(self.stale_at);
        (self.wake_at, self.pauses) = (if self.alarmed() { 0 } else { wake_at }, 0);
    }

    #[inline(never)]
    fn prepare_now<B: Board>(&mut self, hands: &mut Hands<B>) {
        // Every turn but the last has something to write down that came in between.
        for _ in 0..=STRIKES_MAX {
            self.account(false, hands);
            let now = hands.board.moment(hands.now);
            let Some(stale_at) = self.foresee(now, B::STRIKES.min(STRIKES_MAX), hands.board) else {
                break;
            };
            if self.change_plan(hands) {
                self.stale_at = stale_at;
                return self.rest();
            }
        }
        // What was foretold before is still in force.
        (self.stale_at, self.wake_at) = (0, 0);
    }

    /// Makes the next plan, of what to foretell at `now`: when to think of it again if nothing happens. None if it paused.
    #[inline]
    fn foresee<B: Board>(&mut self, now: Micros, most: usize, board: &mut B) -> Option<Micros> {
        let may_pause = self.may_pause();
        let [one, other] = &mut self.plans;
        let (old, plan) = if self.in_force == 0 { (&*one, other) } else { (&*other, one) };
        plan.clear();
        let (near, later) = self.deadlines.by(now.saturating_add(AHEAD_US + AT_ONCE_US));
        let mut next = later;
        for n in lines(near) {
            if may_pause && board.interrupted() {
                self.pauses += 1;
                return None;
            }
            let (at, Some(output)) = (self.deadlines.taken(n), self.outputs.get(n)) else { continue };
            next = next.min(at);
            if (self.speakers | self.beyond) & bit(n) != 0 {
                continue;
            }
            let pulses = &output.pulses;
            let rises = output.run == Run::Train && pulses.rises() && pulses.due() == at;
            plan.add(at, bit(n), rises, (output.pin_bit, rises == output.active_high), most);
            if (old.lines & bit(n) != 0 || at > now.saturating_add(CLOSE_US))
                && let Some(second) = output.follows_soon(at)
            {
                plan.add(second, bit(n), !rises, (output.pin_bit, rises != output.active_high), most);
            }
        }
        self.deadlines.first_is(next);
        // That of a speaker is not foretold, and only makes it too early.
        Some(if later == Micros::MAX { later } else { later.saturating_sub(AHEAD_US) })
    }
}
