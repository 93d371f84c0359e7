//! Where the engine's records go: requests to P0 first, everything into the ring. Owns the warning of a ring that fills
//! up and the count of what found no room.

use engine::Sink;
use link::program::Program;
use link::{Micros, Record, TripCause};

use super::ORDERS_ROOM;
use super::watch::Watch;
use crate::board::Preempt;
use crate::messages::{Order, OrdersOut};
use crate::ring::{ENTRY_ROOM, RingWriter};

/// The ways out of P1.
pub(super) struct Out<'s> {
    orders: OrdersOut<'s>,
    pub(super) ring: RingWriter<'s>,
    /// Records that found no room and are not told of yet.
    lost: u32,
    /// Whether an order or record found no room since this was last looked at.
    pub(super) overflowed: bool,
    warned: bool,
}

impl<'s> Out<'s> {
    pub(super) const fn new(orders: OrdersOut<'s>, ring: RingWriter<'s>) -> Self {
        Self { orders, ring, lost: 0, overflowed: false, warned: false }
    }

    /// Begins a stream of records measured from `at`.
    pub(super) fn begin(&mut self, at: Micros) {
        self.ring.begin(at);
        (self.lost, self.overflowed, self.warned) = (0, false, false);
    }

    /// Whether there is room for all the orders one microsecond or one command may give.
    #[inline]
    pub(super) fn has_room_for_orders(&self) -> bool {
        self.orders.places() >= ORDERS_ROOM
    }

    /// Whether there is room for a record and one more.
    #[inline]
    pub(super) fn can_record(&self) -> bool {
        self.ring.free() >= 2 * ENTRY_ROOM
    }

    /// Gives P0 an order; whether there was room for it.
    #[inline]
    pub(super) fn order(&mut self, order: Order, hook: &mut impl Preempt) -> bool {
        let given = self.orders.enqueue(&order);
        self.overflowed |= !given;
        hook.ordered();
        given
    }

    #[inline]
    pub(super) fn write(&mut self, at: Micros, record: &Record, hook: &mut impl Preempt) {
        if self.lost > 0 && self.can_record() && self.ring.push(at, &Record::Lost { count: self.lost }).is_ok() {
            self.lost = 0;
        }
        if self.lost > 0 || self.ring.push(at, record).is_err() {
            self.lost = self.lost.saturating_add(1);
            self.overflowed = true;
        }
        hook.point();
    }

    /// Says so once when less than a quarter of the ring is free, and again only after half of it was.
    pub(super) fn warn_when_low(&mut self, now: Micros, hook: &mut impl Preempt) {
        let (free, capacity) = (self.ring.free(), self.ring.capacity());
        if self.warned {
            self.warned = free < capacity / 2;
        } else if free < capacity / 4 {
            self.warned = true;
            self.write(now, &Record::RingLow { free }, hook);
        }
    }
}

/// The engine's sink for one step.
pub(super) struct Recorder<'a, 's, 'w, P> {
    pub(super) program: &'a Program<'w>,
    pub(super) out: &'a mut Out<'s>,
    pub(super) watch: &'a mut Watch,
    pub(super) hook: &'a mut P,
}

impl<P: Preempt> Sink for Recorder<'_, '_, '_, P> {
    #[inline]
    fn record(&mut self, at: Micros, record: Record) {
        match record {
            Record::Request { line, request } => {
                self.out.order(Order::Request(line, request), self.hook);
            }
            Record::Trial { .. } => {
                // Before any request of this trial: it is then the first that is not withheld.
                let rearm = self.watch.take_rearm();
                if rearm != 0 {
                    self.out.order(Order::Arm(rearm), self.hook);
                }
            }
            Record::Breach { invariant, .. } if self.program.invariant(invariant.index()).trips => {
                self.out.order(Order::Trip(TripCause::Invariant(invariant)), self.hook);
            }
            _ => {}
        }
        self.out.write(at, &record, self.hook);
    }
}
