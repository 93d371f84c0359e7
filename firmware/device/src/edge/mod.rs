//! P0: the half at the pins. Owns inputs and, through the interlock's guard, all outputs; knows no engine and no link.
//!
//! Each call does a bounded amount of work that depends only on how many lines are due and how many orders wait.

pub(crate) mod inputs;
mod storm;
#[cfg(test)]
mod strikes;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU32, Ordering};

use link::rig::Role;
use link::{DisarmCause, Micros, TripCause};

use crate::answers::Answer;
use crate::board::Board;
use crate::interlock::Hands;
use crate::interlock::guard::Guard;
use crate::interlock::silence::Silence;
use crate::messages::{ORDER_WORDS, Order, Reports, What, unpack_request};
use crate::orders::OrdersIn;
use crate::sense::encoders::Encoders;
use crate::storage::Shared;
use inputs::{Accepted, Inputs};
use storm::Storm;

/// How long sync and frame triggers carry on at most behind a trip, which ends the session, in µs: a barcode of 32 bits of 30 ms
/// comes to its end.
pub const CARRIED_ON_US: Micros = 1_000_000;

/// The half of the highest priority.
// In this order: what an answer reads stands where a short offset reaches it.
#[repr(C)]
pub struct Edge<'s> {
    reports: Reports<'s>,
    guard: Guard,
    inputs: Inputs,
    encoders: Encoders,
    silence: Silence,
    /// Whether a session runs: only then are inputs reported.
    live: bool,
    /// Whether an input was lost since the last call that could trip, or listen to none for a while.
    lost: bool,
    /// Whether more comes in than can be handled.
    storm: Storm,
    /// When what carries on behind a trip is cut; [`Micros::MAX`] while nothing does.
    carried_until: Micros,
    /// Whether every line of the rig could be made.
    rig_good: bool,
    orders: OrdersIn<'s>,
    shared: &'s Shared,
}

impl<'s> Edge<'s> {
    pub(crate) const fn new(orders: OrdersIn<'s>, reports: Reports<'s>, shared: &'s Shared) -> Self {
        Self {
            inputs: Inputs::new(),
            encoders: Encoders::new(),
            guard: Guard::new(),
            silence: Silence::new(),
            live: false,
            lost: false,
            storm: Storm::new(),
            carried_until: Micros::MAX,
            rig_good: true,
            orders,
            reports,
            shared,
        }
    }

    /// An input pin changed at `now`, to high or low. The body calls this for every change, in their order; a pin that is
    /// no input of the rig is ignored. Whether it came to more than being counted: then P1 and [`Edge::poll_at`] may have
    /// something new.
    #[inline(never)]
    pub fn changed(&mut self, now: Micros, pin: u8, high: bool) -> bool {
        if !self.encoders.changed(now, pin, high, &self.shared.counts) {
            self.lost(1);
        }
        let Self { inputs, live, lost, reports, .. } = self;
        let mut late = false;
        let accepted = inputs.changed(now, pin, high, |edge| {
            late = true;
            if *live {
                report(lost, reports, edge);
            }
        });
        let Some(edge) = accepted else { return late };
        if *live {
            report(lost, reports, edge);
        }
        true
    }

    /// The body could not keep `count` changes of input pins: the session is not what happened any more.
    #[cold]
    pub fn lost(&mut self, count: u32) {
        self.lost = true;
        if self.live {
            self.reports.lose(count);
        }
    }

    /// Answers an edge that was told last, if what it leads to is known by now: true if it did. The body may call this as soon
    /// as the clock has gone on from that edge, and must have told every change before `now`; [`Edge::poll`] does it
    /// otherwise.
    #[inline(always)]
    pub fn answer<B: Board>(&mut self, now: Micros, board: &mut B) -> bool {
        // What P1 asked for before it comes first.
        !self.orders.ready() && !self.lost && self.answer_now(now, board)
    }

    /// Whether an edge waits to be answered once the clock has gone on.
    #[must_use]
    #[inline(always)]
    pub const fn waits_to_answer(&self) -> bool {
        self.reports.answering.waits()
    }

    #[inline(never)]
    fn answer_now<B: Board>(&mut self, now: Micros, board: &mut B) -> bool {
        match self.reports.answering.take(now, self.inputs.next_due()) {
            None => return false,
            Some(Answer::Levels { on, off }) => self.guard.levels(on, off, now, board, &mut self.reports),
            Some(Answer::Requests(requests)) => self.answer_with(requests, now, board),
        }
        true
    }

    #[inline(never)]
    fn answer_with<B: Board>(&mut self, slots: &[[AtomicU32; ORDER_WORDS]], now: Micros, board: &mut B) {
        let mut hands = Hands::new(now, board, &mut self.reports);
        self.guard.catch_up(false, &mut hands);
        for (line, request) in slots.iter().filter_map(unpack_request) {
            self.guard.request(line, &request, &mut hands);
        }
        self.guard.settle(&mut hands);
    }

    /// Does all that is due by `now`: edges of trains, limits, windows, silence, and the orders that wait.
    #[inline(never)]
    pub fn poll<B: Board>(&mut self, now: Micros, board: &mut B) {
        self.guard.get_busy();
        // First of all, for an edge is due at its very microsecond.
        if !self.guard.catch_up(true, &mut Hands::new(now, board, &mut self.reports)) {
            // An edge waits that may be answered before the rest.
            self.guard.get_ready();
            self.shared.beats.edge();
            return;
        }
        if self.silence.next_due() <= now {
            self.listen(now, board);
        }
        if self.orders.ready() {
            self.take_orders(now, board);
        }
        if self.reports.answering.waits() {
            self.answer_now(now, board);
        }
        if self.inputs.next_due() <= now {
            self.close_windows(now, board);
        }
        if self.inputs.alarmed() {
            self.heed(now, board);
        }
        if self.lost || self.reports.behind() {
            self.make_up(now, board);
        }
        if self.carried_until != Micros::MAX {
            self.carry_on(now, board);
        }
        if self.live {
            self.guard.look(&mut Hands::new(now, board, &mut self.reports));
        }
        self.guard.prepare(&mut Hands::new(now, board, &mut self.reports));
        self.guard.get_ready();
        self.shared.armed.store(self.guard.armed(), Ordering::Relaxed);
        self.shared.tripped.store(self.guard.tripped().is_some(), Ordering::Relaxed);
        self.shared.beats.edge();
        if self.storm.is_suspected(now, self.shared.beats.outers()) {
            self.weather(now, board);
        }
    }

    /// Whether [`Edge::poll`] is needed now for another reason than that its time has come: orders wait, or a loss is to be
    /// told.
    #[must_use]
    #[inline(always)]
    pub fn is_asked(&self) -> bool {
        self.orders.ready() || self.lost || self.inputs.alarmed()
    }

    /// When [`Edge::poll`] is needed next: a time that has passed means at once.
    #[must_use]
    #[inline]
    pub fn poll_at(&self) -> Option<Micros> {
        if self.is_asked() || self.reports.behind() && self.reports.can_catch_up() {
            return Some(0);
        }
        let due = self.inputs.next_due().min(self.guard.next_due()).min(self.silence.next_due());
        let due = due.min(self.carried_until);
        let due = self.reports.answering.due().map_or(due, |at| at.min(due));
        (due != Micros::MAX).then_some(due)
    }

    /// Every output safe at once, whatever runs: for power-on, a panic, a fault. Needs nothing but the board.
    pub fn all_safe<B: Board>(&mut self, board: &mut B) {
        self.guard.all_safe(board);
    }

    /// Whether and why the interlock has tripped.
    #[must_use]
    pub fn tripped(&self) -> Option<TripCause> {
        self.guard.tripped()
    }

    #[inline(never)]
    fn close_windows<B: Board>(&mut self, now: Micros, board: &mut B) {
        let Self { inputs, live, lost, reports, .. } = self;
        // A pin that cannot be read any more: what it does from here on is lost.
        let readable = inputs.close_windows(now, board, |edge| {
            if *live {
                report_late(lost, reports, edge);
            }
        });
        self.lost |= !readable;
    }

    #[inline(never)]
    fn listen<B: Board>(&mut self, now: Micros, board: &mut B) {
        if self.silence.falls_silent(now, self.shared.heard.load(Ordering::Acquire)) {
            self.shared.silent.store(true, Ordering::Release);
            self.reports.push_urgent(now, What::Silent);
            self.guard.disarm(u32::MAX, DisarmCause::Silence, &mut Hands::new(now, board, &mut self.reports));
        }
    }

    /// The session is over once nothing carries on any more.
    #[inline(never)]
    fn carry_on<B: Board>(&mut self, now: Micros, board: &mut B) {
        if now >= self.carried_until || self.guard.carries_on() == 0 {
            let mut hands = Hands::new(now, board, &mut self.reports);
            // What has carried on for too long, and what must not any more: a pad that no longer follows.
            self.guard.end(0, &mut hands);
            self.carried_until = Micros::MAX;
            hands.reports.owe(now, What::Ended);
        }
    }

    /// A stop was opened, or a key turned off.
    #[inline(never)]
    fn heed<B: Board>(&mut self, now: Micros, board: &mut B) {
        let mut hands = Hands::new(now, board, &mut self.reports);
        let (stopped, key_off) = self.inputs.take_alarms();
        if key_off {
            self.guard.disarm(u32::MAX, DisarmCause::Key, &mut hands);
        }
        if stopped {
            self.guard.trip(TripCause::EmergencyStop, &mut hands);
        }
    }

    /// Carries out the orders that wait. What the program asks for at once is driven at once.
    #[inline(never)]
    fn take_orders<B: Board>(&mut self, now: Micros, board: &mut B) {
        while self.orders.ready() {
            let mut hands = Hands::new(now, board, &mut self.reports);
            while let Some((line, on)) = self.orders.take_level() {
                self.guard.level(line, on, &mut hands);
            }
            let other =
                if self.orders.ready() { requests(&mut self.guard, &mut self.orders, &mut hands) } else { None };
            self.guard.settle(&mut hands);
            if let Some(order) = other {
                self.obey(now, order, board);
            }
        }
    }

    /// Too much comes in, or P2 has no time left: trips, and listens to no input until P2 has had its turn.
    #[inline(never)]
    fn weather<B: Board>(&mut self, now: Micros, board: &mut B) {
        if self.storm.is_starved(now) && self.live {
            self.guard.trip(TripCause::Starved, &mut Hands::new(now, board, &mut self.reports));
        }
        if let Some(listens) = self.storm.turn(now) {
            board.listen(listens);
        }
    }

    /// Trips for what was lost, and tells P1 what it does not know yet.
    #[inline(never)]
    fn make_up<B: Board>(&mut self, now: Micros, board: &mut B) {
        if core::mem::take(&mut self.lost) || self.reports.lost() {
            self.storm.broke_out();
            if self.live || self.reports.lost() {
                self.guard.trip(TripCause::Lost, &mut Hands::new(now, board, &mut self.reports));
            }
        }
        self.reports.catch_up(now);
    }

    #[inline(never)]
    fn obey<B: Board>(&mut self, now: Micros, order: Order, board: &mut B) {
        let mut hands = Hands::new(now, board, &mut self.reports);
        match order {
            // Taken up by the caller already, with its like.
            Order::Request(line, request) => {
                self.guard.request(line, &request, &mut hands);
                self.guard.settle(&mut hands);
            }
            Order::Arm(_) if !self.inputs.keys_are_on() => {
                hands.reports.push_urgent(now, What::NotArmed { key_off: true });
            }
            Order::Arm(set) => self.guard.arm(set, &mut hands),
            Order::Disarm(set, cause) => self.guard.disarm(set, cause, &mut hands),
            Order::Trip(cause) => self.guard.trip(cause, &mut hands),
            Order::Reset if !self.live && !self.inputs.is_stopped() => self.guard.reset(),
            Order::Reset => {}
            Order::HostBack => {
                self.shared.silent.store(false, Ordering::Release);
                if self.live {
                    self.silence.watch_since(now, self.shared.heard.load(Ordering::Acquire));
                }
            }
            Order::Begin => {
                self.live = true;
                self.silence.watch(now);
                self.shared.silent.store(false, Ordering::Release);
                hands.reports.push_urgent(now, What::Begun { levels: self.inputs.levels() });
                self.guard.begin(&mut hands);
                if self.inputs.is_stopped() {
                    self.guard.trip(TripCause::EmergencyStop, &mut hands);
                }
                if self.inputs.unreadable(hands.board).is_some() {
                    self.lost = true;
                }
            }
            Order::End => {
                self.guard.end(self.guard.carries_on(), &mut hands);
                self.live = false;
                self.silence.rest();
                self.shared.silent.store(false, Ordering::Release);
                self.carried_until = now.saturating_add(CARRIED_ON_US);
                self.carry_on(now, board);
            }
            Order::Clear { silence_us } => {
                self.guard.clear(hands.board);
                hands.board.clear();
                self.inputs.clear();
                self.encoders.clear();
                self.silence.set_limit(silence_us);
                self.rig_good = true;
            }
            Order::CheckRig => hands.reports.push_urgent(now, What::Rig { good: self.rig_good }),
            Order::Line(line, what) => {
                let made = match what.role {
                    // It has no pin: P1 finds it in the samples of another line.
                    Role::Detector { .. } => true,
                    Role::Output { .. } | Role::Powered { .. } => self.guard.add(line, &what, hands.board),
                    _ if !hands.board.set_up(&what) => false,
                    Role::Input { .. } => self.inputs.add(line, &what, hands.board),
                    Role::Analog => true,
                    Role::Encoder { .. } => self.encoders.add(&what, hands.board),
                };
                self.rig_good &= made;
            }
        }
    }
}

/// Tells P1 of an edge.
#[inline(always)]
fn report(lost: &mut bool, reports: &mut Reports<'_>, edge: Accepted) {
    *lost |= !reports.push_input(edge);
}

/// The same, of one that a window held back.
#[inline(never)]
fn report_late(lost: &mut bool, reports: &mut Reports<'_>, edge: Accepted) {
    report(lost, reports, edge);
}

/// Carries out the requests that wait: the first order that is none.
#[inline(never)]
fn requests<B: Board>(guard: &mut Guard, orders: &mut OrdersIn<'_>, hands: &mut Hands<'_, '_, B>) -> Option<Order> {
    loop {
        match orders.dequeue() {
            Some(Order::Request(line, request)) => guard.request(line, &request, hands),
            other => return other,
        }
    }
}
