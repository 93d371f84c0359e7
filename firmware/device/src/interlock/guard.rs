//! What becomes of every request: an edge at a pin, or a verdict that says why not. The only code that drives outputs.
//!
//! Every output is off until asked, and off again when what was asked ends, is over a limit, is disarmed, tripped, or
//! when the session ends. A request replaces what runs on its line; one that is refused leaves the line off, since the
//! program no longer asks for what ran there. No net change gives no edge.

use embedded_hal::digital::PinState;
use link::limits::MAX_LINES;
use link::pwm::FULL_POWER_PPM;
use link::record::{Request, Train};
use link::rig::{self, RigLine};
use link::{DisarmCause, LineId, Micros, TripCause, Verdict};

use super::LATE_MAX_US;
use super::foretell::Plan;
use super::quota::{Asked, Quotas};
use super::switching::{Batch, Hands, write};
use super::train::{Pulses, Step, joined};
use crate::board::Board;
use crate::deadlines::{Deadlines, bit, lines};
use crate::messages::{Reports, What};
use crate::scores::Scores;

/// How often one call makes edges of a line at most: one that is late, and one that it delayed.
const EDGES_AT_ONCE: usize = 3;

/// Pulses that rise no closer than this, in µs, can wait while the guard pauses.
const SPARSE_US: u32 = 1_000;

/// What runs on an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Nothing,
    Level,
    Train,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) pin: u8,
    /// The pin as a set; empty if it is past 31, and driven by itself.
    pub(super) pin_bit: u32,
    pub(super) active_high: bool,
    pub(super) max_on_us: u32,
    max_power_ppm: u32,
    pub(super) run: Run,
    /// The train that runs, if one does.
    pub(super) pulses: Pulses,
    /// When it has been on for `max_on_us`; of no meaning while off.
    pub(super) cut_at: Micros,
}

impl Output {
    const NONE: Self = Self {
        pin: 0,
        pin_bit: 0,
        active_high: true,
        max_on_us: 0,
        max_power_ppm: 0,
        run: Run::Nothing,
        pulses: Pulses::NONE,
        cut_at: 0,
    };

    pub(super) fn level(&self, on: bool) -> PinState {
        PinState::from(on == self.active_high)
    }
}

/// Lines that may change to on, and to off, by no more than a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    on: u32,
    off: u32,
}

impl Ready {
    const NOTHING: Self = Self { on: 0, off: 0 };
}

/// The owner of all outputs.
#[derive(Debug)]
// In this order: what an answer reads stands where a short offset reaches it.
#[repr(C)]
pub(crate) struct Guard {
    ready: Ready,
    /// Per line, the pin as a set if it is high while the line is on, and if it is low then.
    pins: [[u32; 2]; MAX_LINES],
    /// Lines on which a train runs.
    pub(super) trains: u32,
    /// Those of them whose pulses follow one another so closely that nothing may hold the guard up.
    pub(super) dense: u32,
    pub(super) outputs: [Output; MAX_LINES],
    pub(super) known: u32,
    pub(super) must_arm: u32,
    forbidden: u32,
    /// Lines of which counts are kept.
    pub(super) counted: u32,
    pub(super) quotas: Quotas,
    pub(super) safe_on_trip: u32,
    pub(super) speakers: u32,
    /// Lines that carry a power.
    pub(super) powered: u32,
    /// Lines on pins past 31, which are driven one by one.
    pub(super) beyond: u32,
    pub(super) armed: u32,
    /// Lines that are on at this moment.
    pub(super) on: u32,
    pub(super) tripped: Option<TripCause>,
    /// Lines whose pad did not follow, as reported already.
    pub(super) mismatched: u32,
    /// Lines whose pad did not follow, not yet acted upon.
    pub(super) suspect: u32,
    pub(super) deadlines: Deadlines,
    /// Lines that were asked for something and whose deadline is worked out once they are driven.
    pub(super) unscheduled: u32,
    /// The pins that are held high.
    pub(super) held: u32,
    /// What the body was foretold, and room for what it will be foretold next.
    pub(super) plans: [Plan; 2],
    /// Which of them is in force.
    pub(super) in_force: usize,
    /// Until when what is foretold is all that should be: then an edge that lay too far ahead is to be foretold as well.
    pub(super) stale_at: Micros,
    /// Whether a strike came so late that pulses were left out, or later than anything may be; not yet acted upon.
    pub(super) late: bool,
    /// When the guard wants to be called next.
    pub(super) wake_at: Micros,
    /// When the next strike was done, if the guard paused before it was written down.
    pub(super) untold: Option<Micros>,
    /// The pins struck before that, whose pads are yet to be looked at.
    pub(super) unseen: u32,
    /// How often the guard has paused without having come to an end.
    pub(super) pauses: u8,
}

impl Guard {
    pub(crate) const fn new() -> Self {
        Self {
            ready: Ready::NOTHING,
            pins: [[0; 2]; MAX_LINES],
            trains: 0,
            dense: 0,
            outputs: [Output::NONE; MAX_LINES],
            known: 0,
            must_arm: 0,
            forbidden: 0,
            counted: 0,
            quotas: Quotas::new(),
            safe_on_trip: 0,
            speakers: 0,
            powered: 0,
            beyond: 0,
            armed: 0,
            on: 0,
            tripped: None,
            mismatched: 0,
            suspect: 0,
            deadlines: Deadlines::new(),
            unscheduled: 0,
            held: 0,
            plans: [Plan::NOTHING; 2],
            in_force: 0,
            stale_at: Micros::MAX,
            late: false,
            wake_at: Micros::MAX,
            untold: None,
            unseen: 0,
            pauses: 0,
        }
    }

    /// When the guard wants to be called next: an edge or a limit is due, or is to be foretold; [`Micros::MAX`] if none is.
    #[inline(always)]
    pub(crate) const fn next_due(&self) -> Micros {
        self.wake_at
    }

    /// Whether an edge or a limit is due.
    #[inline(always)]
    pub(crate) const fn overdue(&self, now: Micros) -> bool {
        self.deadlines.next() <= now
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
        // Field by field: a whole new guard would lie on the stack first. An output that is unknown is never looked at.
        let Self { deadlines, quotas, tripped, stale_at, late, wake_at, .. } = self;
        quotas.clear();
        deadlines.clear_all();
        (*tripped, *stale_at, *late, *wake_at) = (None, Micros::MAX, false, Micros::MAX);
        let Self {
            known,
            must_arm,
            forbidden,
            counted,
            safe_on_trip,
            speakers,
            powered,
            beyond,
            armed,
            on,
            mismatched,
            suspect,
            unscheduled,
            held,
            ..
        } = self;
        for set in [
            known,
            must_arm,
            forbidden,
            counted,
            safe_on_trip,
            speakers,
            powered,
            beyond,
            armed,
            on,
            mismatched,
            suspect,
            unscheduled,
            held,
        ] {
            *set = 0;
        }
    }

    /// Adds an output, whose pin is made safe first; false if the board cannot make it.
    #[inline(never)]
    pub(crate) fn add<B: Board>(&mut self, line: LineId, what: &RigLine, board: &mut B) -> bool {
        if !board.set_up(what) {
            return false;
        }
        let Some(rig::Output { limits, speaker, max_power_ppm }) = what.role.output() else { return false };
        let Some(slot) = self.outputs.get_mut(line.index()) else { return false };
        let pin_bit = bit(usize::from(what.pin));
        *slot = Output {
            pin: what.pin,
            pin_bit,
            active_high: what.active_high,
            max_on_us: limits.max_on_us,
            max_power_ppm: max_power_ppm.unwrap_or_default(),
            ..Output::NONE
        };
        self.known |= line.bit();
        if let Some(pins) = self.pins.get_mut(line.index()) {
            *pins = if what.active_high { [pin_bit, 0] } else { [0, pin_bit] };
        }
        self.held = if what.active_high { self.held & !pin_bit } else { self.held | pin_bit };
        // Every set is empty since the rig before was forgotten, and a line is told once.
        let bit_if = |holds: bool| if holds { line.bit() } else { 0 };
        self.must_arm |= bit_if(limits.must_arm);
        self.forbidden |= bit_if(limits.forbidden);
        self.safe_on_trip |= bit_if(limits.safe_on_trip);
        self.counted |= bit_if(self.quotas.add(line.index(), what.pin, &limits));
        self.speakers |= bit_if(speaker);
        self.powered |= bit_if(max_power_ppm.is_some());
        self.beyond |= bit_if(pin_bit == 0 && !speaker);
        true
    }

    /// Every output safe, at once, whatever runs. For a panic or a fault: nothing is reported.
    pub(crate) fn all_safe<B: Board>(&mut self, board: &mut B) {
        self.foretell_nothing(board);
        for line in lines(self.known) {
            if let Some(output) = self.outputs.get_mut(line) {
                output.run = Run::Nothing;
                self.held = if output.active_high { self.held & !output.pin_bit } else { self.held | output.pin_bit };
                write(output, self.speakers & bit(line) != 0, false, board);
            }
            self.deadlines.clear(line);
        }
        // Nothing runs, so nothing is to be foretold.
        self.stale_at = Micros::MAX;
        (self.ready, self.trains, self.armed, self.on) = (Ready::NOTHING, 0, 0, 0);
    }

    /// Carries out what the program asks of a line, or says why not. Nothing is driven before [`Guard::settle`].
    pub(crate) fn request<B: Board>(&mut self, line: LineId, request: &Request, hands: &mut Hands<B>) {
        match request {
            Request::Off => self.level(line, false, hands),
            Request::On => self.level(line, true, hands),
            Request::Train(train) => self.train(line, train, hands),
            Request::Deliver { width_us, .. } => self.train(line, &Train::pulse(*width_us), hands),
            Request::Power { power_ppm } => self.level_at(line, true, Some(*power_ppm), hands),
        }
    }

    /// Why a line may not be on at a power now; if it may, that is its power from now on when it is on.
    #[inline(never)]
    fn refusal_at<B: Board>(&self, n: usize, power_ppm: i32, board: &mut B) -> Option<Verdict> {
        if self.powered & bit(n) == 0 {
            return Some(Verdict::NotAnOutput);
        }
        if !(0..=FULL_POWER_PPM).contains(&power_ppm) {
            return Some(Verdict::NoSuchPower);
        }
        let output = self.outputs.get(n)?;
        if power_ppm.cast_unsigned() > output.max_power_ppm {
            return Some(Verdict::OverPower);
        }
        // No rig is taken up that has a powered pin its body cannot make.
        self.refusal(n, false).or_else(|| (!board.power(output.pin, power_ppm)).then_some(Verdict::NotAnOutput))
    }

    /// Why what has been counted of a line forbids it to be on like that now; all else allows it. Where it does not, it is
    /// counted as having begun.
    #[inline(never)]
    fn over_quota<B: Board>(
        &mut self,
        n: usize,
        train: &Train,
        power_ppm: i32,
        hands: &mut Hands<B>,
    ) -> Option<Verdict> {
        if self.counted & bit(n) == 0 {
            return None;
        }
        if hands.batch.lines & bit(n) != 0 {
            // Its counts are as of what is at the pin.
            self.switch(hands);
        }
        let (now, on, power_ppm) = (hands.now, self.on & bit(n) != 0, power_ppm.cast_unsigned());
        self.quotas.refusal(n, &Asked { now, on, train: *train, power_ppm })
    }

    /// The shortest way: on or off until told otherwise.
    #[inline]
    pub(crate) fn level<B: Board>(&mut self, line: LineId, on: bool, hands: &mut Hands<B>) {
        self.level_at(line, on, None, hands);
    }

    /// On at a power, or off. A powered line of whose power nothing is said has full power.
    #[inline(never)]
    fn level_at<B: Board>(&mut self, line: LineId, on: bool, power_ppm: Option<i32>, hands: &mut Hands<B>) {
        let n = line.index();
        self.touch(bit(n), hands);
        let full_or_less = power_ppm.unwrap_or(FULL_POWER_PPM);
        let refused = if !on {
            (self.known & bit(n) == 0).then_some(Verdict::NotAnOutput)
        } else if self.powered & bit(n) != 0 || power_ppm.is_some() {
            self.refusal_at(n, full_or_less, hands.board)
        } else {
            self.refusal(n, false)
        };
        let refused = if on && refused.is_none() {
            let left_us = self.may_be_on_for(n, hands.now);
            self.over_quota(n, &Train::pulse(left_us), full_or_less, hands)
        } else {
            refused
        };
        match (refused, self.outputs.get_mut(n)) {
            (None, Some(output)) if on => {
                output.run = Run::Level;
                self.trains &= !bit(n);
                self.drive(n, true, hands);
                self.unscheduled |= bit(n);
            }
            (None, _) => self.stop(n, hands),
            (Some(verdict), _) => self.refuse(line, verdict, hands),
        }
    }

    /// Several lines on and off at once, until told otherwise. Those that need no more than a store are at their pins before
    /// anything else is done; only when P0 is in the midst of nothing else.
    #[inline(always)]
    pub(crate) fn levels<B: Board>(&mut self, on: u32, off: u32, now: Micros, board: &mut B, reports: &mut Reports) {
        if on & !self.ready.on | off & !self.ready.off != 0 {
            return self.levels_one_by_one(on, off, &mut Hands::new(now, board, reports));
        }
        let (mut high, mut low) = (0, 0);
        for n in lines(on) {
            let [active, inactive] = self.pins[n % MAX_LINES];
            (high, low) = (high | active, low | inactive);
        }
        for n in lines(off) {
            let [active, inactive] = self.pins[n % MAX_LINES];
            (high, low) = (high | inactive, low | active);
        }
        let failed = board.drive(high, low);
        let hands = &mut Hands::new(now, board, reports);
        hands.batch = Batch { high, low, lines: on | off, begin: 0 };
        self.levels_driven(on, failed, hands);
    }

    #[inline(never)]
    fn levels_driven<B: Board>(&mut self, on: u32, failed: u32, hands: &mut Hands<B>) {
        let changed = hands.batch.lines;
        self.ready = Ready::NOTHING;
        self.on ^= changed;
        self.driven(failed, hands);
        for n in lines(changed) {
            if let Some(output) = self.outputs.get_mut(n) {
                output.run = if on & bit(n) != 0 { Run::Level } else { Run::Nothing };
            }
        }
        self.unscheduled |= changed;
        self.settle(hands);
    }

    #[inline(never)]
    fn levels_one_by_one<B: Board>(&mut self, on: u32, off: u32, hands: &mut Hands<B>) {
        self.catch_up(false, hands);
        for n in lines(on | off) {
            self.level(LineId(n as u8), on & bit(n) != 0, hands);
        }
        self.settle(hands);
    }

    /// Writes down what the body has done, acts upon it, and does what is due. False if something is left of that because an
    /// input has changed, which comes first; only if it `may_pause`.
    #[inline(never)]
    pub(crate) fn catch_up<B: Board>(&mut self, may_pause: bool, hands: &mut Hands<B>) -> bool {
        if !self.account(may_pause, hands) {
            return false;
        }
        if self.alarmed() {
            self.attend(hands);
        }
        if self.overdue(hands.now) {
            self.due(hands);
        }
        true
    }

    /// P0 comes: what it finds out and does may change everything.
    #[inline(always)]
    pub(crate) fn get_busy(&mut self) {
        self.ready = Ready::NOTHING;
    }

    /// P0 goes: which lines may change by no more than a store until it comes again. Nothing else touches them meanwhile.
    #[inline(always)]
    pub(crate) fn get_ready(&mut self) {
        let tripped = if self.tripped.is_some() { self.safe_on_trip } else { 0 };
        let plain = self.known & !(self.speakers | self.beyond | self.trains | self.plan().lines);
        let refused = tripped | self.must_arm & !self.armed;
        // A powered line needs its power besides.
        let simple = plain & !(self.powered | self.counted | self.forbidden);
        self.ready = Ready { on: simple & !self.on & !refused, off: plain & self.on };
    }

    #[inline(never)]
    fn train<B: Board>(&mut self, line: LineId, train: &Train, hands: &mut Hands<B>) {
        let n = line.index();
        self.touch(bit(n), hands);
        let (power_ppm, sounds) = (train.power_ppm(), train.sounds());
        let refused = if !sounds && (self.powered & bit(n) != 0 || power_ppm.is_some()) {
            // A ramp lies between its first power and its last.
            let last_ppm = train.last_power_ppm().unwrap_or(FULL_POWER_PPM);
            let last = self.refusal_at(n, last_ppm, hands.board);
            last.or_else(|| self.refusal_at(n, power_ppm.unwrap_or(FULL_POWER_PPM), hands.board))
        } else {
            self.refusal(n, sounds)
        };
        if let Some(verdict) = refused {
            return self.refuse(line, verdict, hands);
        }
        let joined = joined(train);
        let refused = joined.as_ref().and_then(|(train, on_us)| {
            if *on_us > self.outputs.get(n).map_or(0, |output| output.max_on_us.into()) {
                return Some(Verdict::OverMaxOn);
            }
            // All its pulses as if at the highest.
            let highest_ppm = power_ppm.max(train.last_power_ppm());
            self.over_quota(n, train, highest_ppm.unwrap_or(FULL_POWER_PPM), hands)
        });
        let Some(output) = self.outputs.get_mut(n) else { return };
        match (joined, refused) {
            // A train without a pulse: what ran before is replaced by nothing.
            (None, _) => self.stop(n, hands),
            (_, Some(verdict)) => self.refuse(line, verdict, hands),
            (Some((train, _)), None) => {
                output.run = Run::Train;
                self.trains |= bit(n);
                let dense = train.count > 1 && train.nearest_us() < SPARSE_US;
                self.dense = if dense { self.dense | bit(n) } else { self.dense & !bit(n) };
                output.pulses = Pulses::new(hands.now, &train, self.quotas.min_off_us(n), hands.reports.scores);
                if train.last_power_ppm() != power_ppm {
                    self.quotas.reweigh(n, power_ppm.unwrap_or_default().cast_unsigned());
                }
                let now = train.delay_us == 0;
                self.drive(n, now, hands);
                if now && self.on & bit(n) != 0 && hands.batch.lines & bit(n) == 0 {
                    // It was on already: no edge to wait for.
                    self.begin_train(n, hands.now, hands.reports.scores);
                } else if now {
                    hands.batch.begin |= bit(n);
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
        } else if self.forbidden & line != 0 {
            Some(Verdict::Forbidden)
        } else if self.safe_on_trip & line != 0 && self.tripped.is_some() {
            Some(Verdict::Tripped)
        } else if self.must_arm & !self.armed & line != 0 {
            Some(Verdict::Withheld)
        } else {
            None
        }
    }

    /// How long a line would be on at most if it were to be on from now, in µs.
    fn may_be_on_for(&self, n: usize, now: Micros) -> u32 {
        let Some(output) = self.outputs.get(n) else { return 0 };
        if self.on & bit(n) == 0 {
            return output.max_on_us;
        }
        u32::try_from(output.cut_at.saturating_sub(now)).unwrap_or(u32::MAX)
    }

    #[inline(never)]
    fn refuse<B: Board>(&mut self, line: LineId, verdict: Verdict, hands: &mut Hands<B>) {
        hands.report(What::Verdict { line, verdict });
        self.stop(line.index(), hands);
    }

    /// Makes the edges that are due, and cuts what has been on for too long. All that is due at once is driven at once.
    #[inline(never)]
    pub(crate) fn due<B: Board>(&mut self, hands: &mut Hands<B>) {
        self.deadlines.tidy();
        if !self.overdue(hands.now) {
            return;
        }
        if hands.now.saturating_sub(self.deadlines.next()) > Micros::from(LATE_MAX_US) {
            self.trip(TripCause::TooLate, hands);
        }
        // An edge may follow on one that was late within the same microsecond; a third never does.
        for _ in 0..EDGES_AT_ONCE {
            // What was struck is written down; what was to be struck by now and was not is made here.
            self.touch(self.plan().due(hands.now), hands);
            let due = self.deadlines.take_due(hands.now);
            if due == 0 {
                break;
            }
            for n in lines(due) {
                self.line_due(n, hands);
            }
            self.unscheduled |= due;
            self.settle(hands);
        }
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
            Run::Train | Run::Level if output.cut_at > hands.now => {}
            Run::Train | Run::Level => {
                hands.report(What::Verdict { line: LineId(n as u8), verdict: Verdict::CutAtMaxOn });
                self.stop(n, hands);
            }
        }
    }

    /// Arms lines, all or none: they must be lines that can be armed, and their pads must read safe.
    pub(crate) fn arm<B: Board>(&mut self, set: u32, hands: &mut Hands<B>) {
        let wanted = set & !self.armed;
        self.suspect |= self.unsafe_pads(wanted & self.must_arm, hands.board);
        self.settle(hands);
        if self.tripped.is_some() || wanted & !(self.must_arm & !self.forbidden) != 0 {
            hands.reports.push_urgent(hands.now, What::NotArmed { key_off: false });
        } else {
            self.armed |= wanted;
            hands.reports.push_urgent(hands.now, What::Armed(wanted));
        }
    }

    /// Disarms lines and cuts what runs on them.
    pub(crate) fn disarm<B: Board>(&mut self, set: u32, cause: DisarmCause, hands: &mut Hands<B>) {
        let disarmed = set & self.armed;
        if disarmed != 0 {
            self.touch(disarmed, hands);
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
            self.touch(self.safe_on_trip | self.armed, hands);
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

    /// Trains that outlive the session a trip has ended, those of sync and of frame triggers, as a set.
    pub(crate) fn carries_on(&self) -> u32 {
        if self.tripped.is_some() { self.trains & !(self.safe_on_trip | self.must_arm | self.mismatched) } else { 0 }
    }

    /// The session is over: everything off but what carries on, everything disarmed.
    pub(crate) fn end<B: Board>(&mut self, carries_on: u32, hands: &mut Hands<B>) {
        let urgent = core::mem::replace(&mut hands.urgent, true);
        self.cut(self.known & !carries_on, Verdict::CutByEnd, hands);
        self.disarm(self.armed, DisarmCause::SessionEnd, hands);
        self.settle(hands);
        hands.urgent = urgent;
    }

    fn cut<B: Board>(&mut self, set: u32, verdict: Verdict, hands: &mut Hands<B>) {
        self.touch(set, hands);
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
            self.trains &= !bit(n);
            self.deadlines.clear(n);
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
        match output.pulses.step(hands.now, hands.reports.scores) {
            Step::Rise => self.drive(n, true, hands),
            Step::Fall => {
                self.drive(n, false, hands);
                if self.powered & bit(n) != 0
                    && self.outputs.get(n).is_some_and(|one| one.pulses.changed_power_ppm().is_some())
                {
                    // What was on had the power of its own pulse.
                    self.switch(hands);
                    self.change_power(n, hands.board);
                }
            }
            Step::End => self.stop(n, hands),
        }
    }

    /// A pulse fell: the power of the next one, where it has one of its own. Both ends of a ramp are powers the line may have.
    #[inline(never)]
    pub(super) fn change_power<B: Board>(&mut self, n: usize, board: &mut B) {
        let Some(output) = self.outputs.get(n).filter(|output| output.run == Run::Train) else { return };
        if let Some(power_ppm) = output.pulses.changed_power_ppm() {
            let power_ppm = power_ppm.clamp(0, FULL_POWER_PPM);
            board.power(output.pin, power_ppm);
            self.quotas.reweigh(n, power_ppm.cast_unsigned());
        }
    }

    /// A train takes its first edge, which is at the pin since `now`.
    #[inline]
    pub(super) fn begin_train(&mut self, n: usize, now: Micros, scores: &Scores) {
        if let Some(output) = self.outputs.get_mut(n)
            && output.run == Run::Train
        {
            output.pulses.step(now, scores);
        }
    }

    /// Gives a line the deadline that follows from what runs on it.
    #[inline(never)]
    pub(super) fn schedule<B: Board>(&mut self, n: usize) {
        let Some(output) = self.outputs.get(n) else { return };
        let cut_at = if self.on & bit(n) != 0 { output.cut_at } else { Micros::MAX };
        let at = match output.run {
            Run::Nothing => return self.deadlines.clear(n),
            Run::Level => cut_at,
            Run::Train => output.pulses.due().min(cut_at),
        };
        self.deadlines.set(n, at);
        if B::STRIKES != 0 {
            self.review_plan(n, at);
        }
        // Not every call ends in `prepare`: an answer to an edge does not, and the guard must be called in time all the same.
        self.wake_at = self.wake_at.min(at).min(self.stale_at);
    }
}
