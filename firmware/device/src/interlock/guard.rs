//! What becomes of every request: an edge at a pin, or a verdict that says why not. The only code that drives outputs.
//!
//! Every output is off until asked, and off again when what was asked ends, is over a limit, is disarmed, tripped, or
//! when the session ends. A request replaces what runs on its line; one that is refused leaves the line off, since the
//! program no longer asks for what ran there. No net change gives no edge.

use embedded_hal::digital::{OutputPin, PinState};
use link::limits::MAX_LINES;
use link::record::{Request, Train};
use link::rig::{RigLine, Role};
use link::{DisarmCause, LineId, Micros, TripCause, Verdict};

use super::LATE_MAX_US;
use super::train::{Pulses, Step, joined};
use crate::board::Board;
use crate::deadlines::{Deadlines, bit, lines};
use crate::messages::{Reports, What};

/// How often one call makes edges of a line at most: one that is late, and one that it delayed.
const EDGES_AT_ONCE: usize = 3;

/// What the guard works with during one call: the time, the pins, and where it reports to.
pub(crate) struct Hands<'a, 's, B> {
    pub(crate) now: Micros,
    pub(crate) board: &'a mut B,
    pub(crate) reports: &'a mut Reports<'s>,
    /// Whether edges and verdicts use the places kept for what must not be lost.
    pub(crate) urgent: bool,
    /// What is to be switched.
    batch: Batch,
}

/// Pins to be driven together, so that lines that change in one microsecond change within a few instructions.
#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    high: u32,
    low: u32,
    /// The lines that change.
    lines: u32,
    /// Pins that were driven in time, before all else, and those of them that could not be.
    early: u32,
    failed: u32,
}

/// What the next deadline will ask of the pins, worked out before it comes: an edge is then driven within a few
/// instructions of its time, however many lines change with it, and the books are kept afterwards.
#[derive(Debug, Clone, Copy)]
struct Ready {
    /// From here on it is so late that something else must be done.
    until: Micros,
    high: u32,
    low: u32,
}

impl Ready {
    const NOTHING: Self = Self { until: 0, high: 0, low: 0 };
}

impl<'a, 's, B> Hands<'a, 's, B> {
    pub(crate) fn new(now: Micros, board: &'a mut B, reports: &'a mut Reports<'s>) -> Self {
        Self { now, board, reports, urgent: false, batch: Batch::default() }
    }

    #[inline(never)]
    fn report(&mut self, what: What) {
        if self.urgent {
            self.reports.push_urgent(self.now, what);
        } else {
            self.reports.push(self.now, what);
        }
    }
}

/// What runs on an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Nothing,
    Level,
    Train,
}

#[derive(Debug, Clone, Copy)]
struct Output {
    pin: u8,
    /// The pin as a set; empty if it is past 31, and driven by itself.
    pin_bit: u32,
    active_high: bool,
    max_on_us: u32,
    run: Run,
    /// The train that runs, if one does.
    pulses: Pulses,
    /// When it has been on for `max_on_us`; of no meaning while off.
    cut_at: Micros,
}

impl Output {
    const NONE: Self = Self {
        pin: 0,
        pin_bit: 0,
        active_high: true,
        max_on_us: 0,
        run: Run::Nothing,
        pulses: Pulses::NONE,
        cut_at: 0,
    };

    fn level(&self, on: bool) -> PinState {
        PinState::from(on == self.active_high)
    }
}

/// The owner of all outputs.
#[derive(Debug)]
pub(crate) struct Guard {
    outputs: [Output; MAX_LINES],
    known: u32,
    must_arm: u32,
    safe_on_trip: u32,
    speakers: u32,
    /// Lines on pins past 31, which are driven one by one.
    beyond: u32,
    armed: u32,
    /// Lines that are on at this moment.
    on: u32,
    tripped: Option<TripCause>,
    /// Lines whose pad did not follow, as reported already.
    mismatched: u32,
    /// Lines whose pad did not follow, not yet acted upon.
    suspect: u32,
    deadlines: Deadlines,
    /// Lines that were asked for something and whose deadline is worked out once they are driven.
    unscheduled: u32,
    ready: Ready,
    /// Whether a deadline changed since `ready` was worked out.
    stale: bool,
}

impl Guard {
    pub(crate) const fn new() -> Self {
        Self {
            outputs: [Output::NONE; MAX_LINES],
            known: 0,
            must_arm: 0,
            safe_on_trip: 0,
            speakers: 0,
            beyond: 0,
            armed: 0,
            on: 0,
            tripped: None,
            mismatched: 0,
            suspect: 0,
            deadlines: Deadlines::new(),
            unscheduled: 0,
            ready: Ready::NOTHING,
            stale: false,
        }
    }

    /// When the next edge or limit is due; [`Micros::MAX`] if none is.
    #[inline(always)]
    pub(crate) const fn next_due(&self) -> Micros {
        self.deadlines.next()
    }

    /// Whether and why the interlock has tripped.
    pub(crate) const fn tripped(&self) -> Option<TripCause> {
        self.tripped
    }

    /// The lines that are armed.
    pub(crate) const fn armed(&self) -> u32 {
        self.armed
    }

    /// Makes every output safe and forgets the rig, and with it a trip.
    pub(crate) fn clear<B: Board>(&mut self, board: &mut B) {
        self.all_safe(board);
        // Field by field: a whole new guard would lie on the stack first.
        let Self { outputs, deadlines, tripped, ready, stale, .. } = self;
        outputs.fill(Output::NONE);
        deadlines.clear_all();
        (*tripped, *ready, *stale) = (None, Ready::NOTHING, false);
        let Self {
            known, must_arm, safe_on_trip, speakers, beyond, armed, on, mismatched, suspect, unscheduled, ..
        } = self;
        for lines in [known, must_arm, safe_on_trip, speakers, beyond, armed, on, mismatched, suspect, unscheduled] {
            *lines = 0;
        }
    }

    /// Adds an output; the board has made its pin safe already.
    pub(crate) fn add(&mut self, line: LineId, what: &RigLine) {
        let Role::Output { max_on_us, must_arm, safe_on_trip, speaker } = what.role else { return };
        let Some(slot) = self.outputs.get_mut(line.index()) else { return };
        let pin_bit = bit(usize::from(what.pin));
        *slot = Output { pin: what.pin, pin_bit, active_high: what.active_high, max_on_us, ..Output::NONE };
        self.known |= line.bit();
        for (set, holds) in [
            (&mut self.must_arm, must_arm),
            (&mut self.safe_on_trip, safe_on_trip),
            (&mut self.speakers, speaker),
            (&mut self.beyond, pin_bit == 0 && !speaker),
        ] {
            *set = if holds { *set | line.bit() } else { *set & !line.bit() };
        }
    }

    /// Every output safe, at once, whatever runs. For a panic or a fault: nothing is reported.
    pub(crate) fn all_safe<B: Board>(&mut self, board: &mut B) {
        for line in lines(self.known) {
            if let Some(output) = self.outputs.get_mut(line) {
                output.run = Run::Nothing;
                write(output, self.speakers & bit(line) != 0, false, board);
            }
            self.deadlines.clear(line);
        }
        self.stale = true;
        self.armed = 0;
        self.on = 0;
    }

    /// Carries out what the program asks of a line, or says why not. Nothing is driven before [`Guard::settle`].
    pub(crate) fn request<B: Board>(&mut self, line: LineId, request: &Request, hands: &mut Hands<B>) {
        match request {
            Request::Off => self.level(line, false, hands),
            Request::On => self.level(line, true, hands),
            Request::Train(train) => self.train(line, train, hands),
            Request::Deliver { width_us, .. } => self.train(line, &Train::pulse(*width_us), hands),
        }
    }

    /// The shortest way: on or off until told otherwise.
    #[inline]
    pub(crate) fn level<B: Board>(&mut self, line: LineId, on: bool, hands: &mut Hands<B>) {
        let n = line.index();
        let refused =
            if on { self.refusal(n, false) } else { (self.known & bit(n) == 0).then_some(Verdict::NotAnOutput) };
        match (refused, self.outputs.get_mut(n)) {
            (None, Some(output)) if on => {
                output.run = Run::Level;
                self.drive(n, true, hands);
                self.unscheduled |= bit(n);
            }
            (None, _) => self.stop(n, hands),
            (Some(verdict), _) => self.refuse(line, verdict, hands),
        }
    }

    #[inline(never)]
    fn train<B: Board>(&mut self, line: LineId, train: &Train, hands: &mut Hands<B>) {
        let n = line.index();
        if let Some(verdict) = self.refusal(n, train.carrier.is_some()) {
            return self.refuse(line, verdict, hands);
        }
        let Some(output) = self.outputs.get_mut(n) else { return };
        match joined(train) {
            // A train without a pulse: what ran before is replaced by nothing.
            None => self.stop(n, hands),
            Some((_, on_us)) if on_us > Micros::from(output.max_on_us) => {
                self.refuse(line, Verdict::OverMaxOn, hands);
            }
            Some((train, _)) => {
                output.run = Run::Train;
                output.pulses = Pulses::new(hands.now, &train);
                if train.delay_us > 0 {
                    self.drive(n, false, hands);
                } else {
                    self.step(n, hands);
                }
                self.unscheduled |= bit(n);
            }
        }
    }

    /// Why a line may not be switched on now; a level cannot sound, and a sound needs a speaker.
    #[inline]
    fn refusal(&self, n: usize, sounds: bool) -> Option<Verdict> {
        let line = bit(n);
        if self.known & line == 0 || (self.speakers & line != 0) != sounds {
            Some(Verdict::NotAnOutput)
        } else if self.safe_on_trip & line != 0 && self.tripped.is_some() {
            Some(Verdict::Tripped)
        } else if self.must_arm & !self.armed & line != 0 {
            Some(Verdict::Withheld)
        } else {
            None
        }
    }

    #[inline(never)]
    fn refuse<B: Board>(&mut self, line: LineId, verdict: Verdict, hands: &mut Hands<B>) {
        hands.report(What::Verdict { line, verdict });
        self.stop(line.index(), hands);
    }

    /// Makes the edges that are due, and cuts what has been on for too long. All that is due at once is driven at once.
    #[inline(never)]
    pub(crate) fn due<B: Board>(&mut self, hands: &mut Hands<B>) {
        let Ready { until, high, low, .. } = self.ready;
        if !self.stale && hands.now < until {
            hands.batch.early = high | low;
            hands.batch.failed = hands.board.drive(high, low);
        }
        if hands.now.saturating_sub(self.deadlines.next()) > Micros::from(LATE_MAX_US) {
            self.trip(TripCause::TooLate, hands);
        }
        // An edge may follow on one that was late within the same microsecond; a third never does.
        for _ in 0..EDGES_AT_ONCE {
            let due = self.deadlines.take_due(hands.now);
            if due == 0 {
                break;
            }
            for n in lines(due) {
                self.line_due(n, hands);
            }
        }
        self.settle(hands);
    }

    #[inline]
    fn line_due<B: Board>(&mut self, n: usize, hands: &mut Hands<B>) {
        let Some(output) = self.outputs.get(n) else { return };
        let on = self.on & bit(n) != 0;
        match output.run {
            Run::Nothing => {}
            Run::Train if output.pulses.due() <= hands.now && (!on || output.pulses.due() <= output.cut_at) => {
                if output.pulses.overrun(hands.now) {
                    self.trip(TripCause::TooLate, hands);
                }
                self.step(n, hands);
            }
            Run::Train | Run::Level => {
                hands.report(What::Verdict { line: LineId(n as u8), verdict: Verdict::CutAtMaxOn });
                self.stop(n, hands);
            }
        }
        self.schedule(n);
    }

    /// Works out what the next deadline will ask of the pins, if that may have changed.
    #[inline]
    pub(crate) fn prepare(&mut self) {
        if self.stale {
            self.prepare_now();
        }
    }

    #[inline(never)]
    fn prepare_now(&mut self) {
        self.stale = false;
        let at = self.deadlines.next();
        let mut ready = Ready { until: at.saturating_add(Micros::from(LATE_MAX_US)), high: 0, low: 0 };
        for n in lines(self.deadlines.first() & !self.speakers) {
            let Some(output) = self.outputs.get(n) else { continue };
            let pulses = &output.pulses;
            let rises = output.run == Run::Train && pulses.rises() && pulses.due() == at;
            if rises {
                ready.until = ready.until.min(pulses.overruns_at());
            }
            if rises == output.active_high {
                ready.high |= output.pin_bit;
            } else {
                ready.low |= output.pin_bit;
            }
        }
        self.ready = ready;
    }

    /// Arms lines, all or none: they must be lines that can be armed, and their pads must read safe.
    pub(crate) fn arm<B: Board>(&mut self, set: u32, hands: &mut Hands<B>) {
        let wanted = set & !self.armed;
        self.suspect |= self.unsafe_pads(wanted & self.must_arm, hands.board);
        self.settle(hands);
        if self.tripped.is_some() || wanted & !self.must_arm != 0 {
            hands.reports.push_urgent(hands.now, What::NotArmed);
        } else {
            self.armed |= wanted;
            hands.reports.push_urgent(hands.now, What::Armed(wanted));
        }
    }

    /// Disarms lines and cuts what runs on them.
    pub(crate) fn disarm<B: Board>(&mut self, set: u32, cause: DisarmCause, hands: &mut Hands<B>) {
        let disarmed = set & self.armed;
        if disarmed != 0 {
            self.armed &= !disarmed;
            hands.reports.push_urgent(hands.now, What::Disarmed(disarmed, cause));
            self.cut(disarmed, Verdict::CutByDisarm, hands);
            self.settle(hands);
        }
    }

    /// Trips: what must go safe goes safe, and stays so until the trip is forgotten between sessions.
    pub(crate) fn trip<B: Board>(&mut self, cause: TripCause, hands: &mut Hands<B>) {
        if self.tripped.is_none() {
            self.tripped = Some(cause);
            hands.reports.push_urgent(hands.now, What::Trip(cause));
            let urgent = core::mem::replace(&mut hands.urgent, true);
            self.cut(self.safe_on_trip, Verdict::CutByEnd, hands);
            self.disarm(self.armed, DisarmCause::Trip, hands);
            self.settle(hands);
            hands.urgent = urgent;
        }
    }

    /// Forgets a trip. What made it will trip again if it still holds.
    pub(crate) fn reset(&mut self) {
        self.tripped = None;
        self.mismatched = 0;
    }

    /// A session begins: every output is off already; its pad must say so too. Tells again of what is armed or tripped.
    pub(crate) fn begin<B: Board>(&mut self, hands: &mut Hands<B>) {
        if let Some(cause) = self.tripped {
            hands.reports.push_urgent(hands.now, What::Trip(cause));
        }
        if self.armed != 0 {
            hands.reports.push_urgent(hands.now, What::Armed(self.armed));
        }
        self.suspect |= self.unsafe_pads(self.known, hands.board);
        self.settle(hands);
    }

    /// The session is over: everything off, everything disarmed.
    pub(crate) fn end<B: Board>(&mut self, hands: &mut Hands<B>) {
        let urgent = core::mem::replace(&mut hands.urgent, true);
        self.cut(self.known, Verdict::CutByEnd, hands);
        self.disarm(self.armed, DisarmCause::SessionEnd, hands);
        self.settle(hands);
        hands.urgent = urgent;
    }

    /// Drives what is to be driven, and acts upon pads that did not follow. Each is told once, even when something else
    /// has tripped before.
    #[inline]
    pub(crate) fn settle<B: Board>(&mut self, hands: &mut Hands<B>) {
        self.switch(hands);
        for n in lines(core::mem::take(&mut self.unscheduled)) {
            self.schedule(n);
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

    fn cut<B: Board>(&mut self, set: u32, verdict: Verdict, hands: &mut Hands<B>) {
        for n in lines(set) {
            if self.outputs.get(n).is_some_and(|output| output.run == Run::Train) {
                hands.report(What::Verdict { line: LineId(n as u8), verdict });
            }
            self.stop(n, hands);
        }
        self.switch(hands);
    }

    #[inline]
    fn stop<B: Board>(&mut self, n: usize, hands: &mut Hands<B>) {
        if let Some(output) = self.outputs.get_mut(n) {
            output.run = Run::Nothing;
            self.deadlines.clear(n);
            self.stale = true;
            self.drive(n, false, hands);
        }
    }

    /// Makes the edge of a train that is due.
    #[inline]
    fn step<B: Board>(&mut self, n: usize, hands: &mut Hands<B>) {
        let Some(output) = self.outputs.get_mut(n) else { return };
        if output.run != Run::Train {
            return;
        }
        output.pulses.skip(hands.now);
        match output.pulses.step(hands.now) {
            Step::Rise => self.drive(n, true, hands),
            Step::Fall => self.drive(n, false, hands),
            Step::End => self.stop(n, hands),
        }
    }

    #[inline]
    fn schedule(&mut self, n: usize) {
        self.stale = true;
        let Some(output) = self.outputs.get(n) else { return };
        let cut_at = if self.on & bit(n) != 0 { output.cut_at } else { Micros::MAX };
        match output.run {
            Run::Nothing => self.deadlines.clear(n),
            Run::Level => self.deadlines.set(n, cut_at),
            Run::Train => self.deadlines.set(n, output.pulses.due().min(cut_at)),
        }
    }

    /// Turns a line on or off with all that is driven next. No net change gives no edge.
    #[inline]
    fn drive<B: Board>(&mut self, n: usize, on: bool, hands: &mut Hands<B>) {
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
        if on {
            output.cut_at = hands.now.saturating_add(Micros::from(output.max_on_us));
        }
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
    fn switch<B: Board>(&mut self, hands: &mut Hands<B>) {
        if hands.batch.lines != 0 || hands.batch.early != 0 {
            self.switch_now(hands);
        }
    }

    #[inline(never)]
    fn switch_now<B: Board>(&mut self, hands: &mut Hands<B>) {
        let Batch { high, low, lines: changed, early, mut failed } = core::mem::take(&mut hands.batch);
        let pins = high | low;
        if pins != 0 {
            if pins & !early != 0 {
                failed |= hands.board.drive(high & !early, low & !early);
            }
            let wrong = (hands.board.pads(pins, high) ^ high | failed) & pins;
            if wrong != 0 {
                self.suspect |= self.lines_on(wrong, changed);
            }
        }
        if early & !pins != 0 {
            self.write_each(self.lines_on(early & !pins, self.known), hands);
        }
        if self.beyond & changed != 0 {
            self.write_each(self.beyond & changed, hands);
        }
        for n in lines(changed) {
            let edge = What::Edge { line: LineId(n as u8), on: self.on & bit(n) != 0 };
            if hands.urgent {
                hands.reports.push_urgent(hands.now, edge);
            } else {
                hands.reports.push(hands.now, edge);
            }
        }
    }

    /// Those of `set` that are wired to one of these pins.
    #[inline(never)]
    fn lines_on(&self, pins: u32, set: u32) -> u32 {
        lines(set & !self.speakers).fold(0, |found, n| match self.outputs.get(n) {
            Some(output) if output.pin_bit & pins != 0 => found | bit(n),
            _ => found,
        })
    }

    /// Drives lines one by one as the books have them: those on pins past 31, and any whose pin was driven early and that
    /// did not change after all.
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
    fn unsafe_pads<B: Board>(&self, set: u32, board: &mut B) -> u32 {
        lines(set & !self.speakers & !self.on).fold(0, |found, n| match self.outputs.get(n) {
            Some(output) if !reads(output, false, board) => found | bit(n),
            _ => found,
        })
    }
}

/// Writes a single pin: whether its pad follows.
fn write<B: Board>(output: &Output, speaker: bool, on: bool, board: &mut B) -> bool {
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
