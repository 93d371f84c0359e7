//! P0: the half at the pins. Owns inputs and, through the interlock's guard, all outputs; knows no engine and no link.
//!
//! Each call does a bounded amount of work that depends only on how many lines are due and how many orders wait.

pub(crate) mod inputs;
#[cfg(test)]
mod strikes;
#[cfg(test)]
mod tests;

use core::sync::atomic::Ordering;

use link::rig::Role;
use link::{DisarmCause, Micros, TripCause};

use crate::board::Board;
use crate::interlock::Hands;
use crate::interlock::guard::Guard;
use crate::interlock::silence::Silence;
use crate::messages::{Order, OrdersIn, Reports, What};
use crate::sense::encoders::Encoders;
use crate::storage::Shared;
use inputs::{Accepted, Inputs};

/// The half of the highest priority.
pub struct Edge<'s> {
    inputs: Inputs,
    encoders: Encoders,
    guard: Guard,
    silence: Silence,
    /// Whether a session runs: only then are inputs reported.
    live: bool,
    /// Whether an input was lost since the last call that could trip.
    lost: bool,
    /// Whether every line of the rig could be made.
    rig_good: bool,
    orders: OrdersIn<'s>,
    reports: Reports<'s>,
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
            rig_good: true,
            orders,
            reports,
            shared,
        }
    }

    /// An input pin changed at `now`, to high or low. The body calls this for every change, in their order; a pin that is
    /// no input of the rig is ignored.
    #[inline(never)]
    pub fn changed(&mut self, now: Micros, pin: u8, high: bool) {
        if !self.encoders.changed(now, pin, high, &self.shared.counts) {
            self.lost(1);
        }
        let Self { inputs, live, lost, reports, .. } = self;
        inputs.changed(now, pin, high, |accepted| report(*live, lost, reports, accepted));
    }

    /// The body could not keep `count` changes of input pins: the session is not what happened any more.
    #[cold]
    pub fn lost(&mut self, count: u32) {
        if self.live {
            self.reports.lose(count);
            self.lost = true;
        }
    }

    /// Does all that is due by `now`: edges of trains, limits, windows, silence, and the orders that wait.
    #[inline(never)]
    pub fn poll<B: Board>(&mut self, now: Micros, board: &mut B) {
        // First of all, for an edge is due at its very microsecond.
        let mut hands = Hands::new(now, board, &mut self.reports);
        self.guard.account(&mut hands);
        if self.guard.alarmed() {
            self.guard.attend(&mut hands);
        }
        if self.guard.overdue(now) {
            self.guard.due(&mut hands);
        }
        if self.silence.next_due() <= now {
            self.listen(now, board);
        }
        if self.orders.ready() {
            self.take_orders(now, board);
        }
        if self.inputs.next_due() <= now {
            self.close_windows(now, board);
        }
        if self.lost || self.reports.behind() {
            self.make_up(now, board);
        }
        self.guard.prepare(&mut Hands::new(now, board, &mut self.reports));
        self.shared.armed.store(self.guard.armed(), Ordering::Relaxed);
        self.shared.tripped.store(self.guard.tripped().is_some(), Ordering::Relaxed);
        self.shared.beats.edge();
    }

    /// Whether [`Edge::poll`] is needed now for another reason than that its time has come: orders wait, or a loss is to be
    /// told.
    #[must_use]
    #[inline(always)]
    pub fn is_asked(&self) -> bool {
        self.orders.ready() || self.lost
    }

    /// When [`Edge::poll`] is needed next: a time that has passed means at once.
    #[must_use]
    #[inline]
    pub fn poll_at(&self) -> Option<Micros> {
        if self.orders.ready() || self.lost || self.reports.behind() && self.reports.can_catch_up() {
            return Some(0);
        }
        let due = self.inputs.next_due().min(self.guard.next_due()).min(self.silence.next_due());
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
        let readable = inputs.close_windows(now, board, |accepted| report(*live, lost, reports, accepted));
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

    /// Trips for what was lost, and tells P1 what it does not know yet.
    #[inline(never)]
    fn make_up<B: Board>(&mut self, now: Micros, board: &mut B) {
        if core::mem::take(&mut self.lost) || self.reports.lost() {
            self.guard.trip(TripCause::Lost, &mut Hands::new(now, board, &mut self.reports));
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
            Order::Arm(set) => self.guard.arm(set, &mut hands),
            Order::Disarm(set, cause) => self.guard.disarm(set, cause, &mut hands),
            Order::Trip(cause) => self.guard.trip(cause, &mut hands),
            Order::Reset if !self.live => self.guard.reset(),
            Order::Reset => {}
            Order::HostBack => {
                self.shared.silent.store(false, Ordering::Release);
                if self.live {
                    self.silence.watch(now);
                }
            }
            Order::Begin => {
                self.live = true;
                self.silence.watch(now);
                self.shared.silent.store(false, Ordering::Release);
                hands.reports.push_urgent(now, What::Begun { levels: self.inputs.levels() });
                self.guard.begin(&mut hands);
                if self.inputs.unreadable(hands.board).is_some() {
                    self.lost = true;
                }
            }
            Order::End => {
                self.guard.end(&mut hands);
                self.live = false;
                self.silence.rest();
                self.shared.silent.store(false, Ordering::Release);
                hands.reports.owe(now, What::Ended);
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
                    _ if !hands.board.set_up(&what) => false,
                    Role::Input { .. } => self.inputs.add(line, &what, hands.board),
                    Role::Output { .. } => {
                        self.guard.add(line, &what);
                        true
                    }
                    Role::Analog => true,
                    Role::Encoder { .. } => self.encoders.add(&what, hands.board),
                };
                self.rig_good &= made;
            }
        }
    }
}

/// Tells P1 of an edge, if a session runs.
#[inline(always)]
fn report(live: bool, lost: &mut bool, reports: &mut Reports<'_>, accepted: Accepted) {
    if live {
        reports.push_input(accepted.at, accepted.line, accepted.active);
        *lost |= reports.lost();
    }
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
