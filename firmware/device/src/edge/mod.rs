//! P0: the half at the pins. Owns inputs and, through the interlock's guard, all outputs; knows no engine and no link.
//!
//! Each call does a bounded amount of work that depends only on how many lines are due and how many orders wait.

pub(crate) mod inputs;
#[cfg(test)]
mod tests;

use core::sync::atomic::Ordering;

use heapless::spsc::Consumer;
use link::rig::Role;
use link::{DisarmCause, Micros, TripCause};

use crate::board::Board;
use crate::interlock::guard::{Guard, Hands};
use crate::interlock::silence::Silence;
use crate::messages::{Order, Reports, What};
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
    orders: Consumer<'s, Order>,
    reports: Reports<'s>,
    shared: &'s Shared,
}

impl<'s> Edge<'s> {
    pub(crate) const fn new(orders: Consumer<'s, Order>, reports: Reports<'s>, shared: &'s Shared) -> Self {
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
    #[inline]
    pub fn changed(&mut self, now: Micros, pin: u8, high: bool) {
        self.encoders.changed(pin, high, &self.shared.counts);
        for accepted in self.inputs.changed(now, pin, high).into_iter().flatten() {
            self.report(accepted);
        }
    }

    /// Does all that is due by `now`: edges of trains, limits, windows, silence, and the orders that wait.
    pub fn poll<B: Board>(&mut self, now: Micros, board: &mut B) {
        if self.inputs.next_due().is_some_and(|due| due <= now) {
            self.close_windows(now, board);
        }
        if self.guard.next_due().is_some_and(|due| due <= now) {
            self.guard.due(&mut hands(now, board, &mut self.reports));
        }
        if self.silence.next_due().is_some_and(|due| due <= now)
            && self.silence.falls_silent(now, self.shared.heard.load(Ordering::Acquire))
        {
            self.shared.silent.store(true, Ordering::Release);
            self.reports.push_urgent(now, What::Silent);
            self.guard.disarm(u32::MAX, DisarmCause::Silence, &mut hands(now, board, &mut self.reports));
        }
        while let Some(order) = self.orders.dequeue() {
            self.obey(now, order, board);
        }
        if core::mem::take(&mut self.lost) || self.reports.lost() {
            self.guard.trip(TripCause::Lost, &mut hands(now, board, &mut self.reports));
        }
        self.reports.catch_up(now);
        self.shared.armed.store(self.guard.armed(), Ordering::Release);
        self.shared.tripped.store(self.guard.tripped().is_some(), Ordering::Release);
    }

    /// When [`Edge::poll`] is needed next: a time that has passed means at once.
    #[must_use]
    #[inline]
    pub fn poll_at(&self) -> Option<Micros> {
        if self.orders.ready() || self.lost || self.reports.can_catch_up() {
            return Some(0);
        }
        let dues = [self.inputs.next_due(), self.guard.next_due(), self.silence.next_due()];
        dues.into_iter().flatten().min()
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

    fn report(&mut self, accepted: Accepted) {
        if self.live {
            self.reports.push(accepted.at, What::Input { line: accepted.line, active: accepted.active });
            self.lost |= self.reports.lost();
        }
    }

    fn close_windows<B: Board>(&mut self, now: Micros, board: &mut B) {
        while let Some(closed) = self.inputs.close_window(now, board) {
            match closed {
                Ok(accepted) => self.report(accepted),
                // A pin that cannot be read any more: what it does from here on is lost.
                Err(_) => self.lost = true,
            }
        }
    }

    fn obey<B: Board>(&mut self, now: Micros, order: Order, board: &mut B) {
        let mut hands = hands(now, board, &mut self.reports);
        match order {
            Order::Request(line, request) => self.guard.request(line, &request, &mut hands),
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

fn hands<'a, 's, B>(now: Micros, board: &'a mut B, reports: &'a mut Reports<'s>) -> Hands<'a, 's, B> {
    Hands { now, board, reports, urgent: false }
}
