//! The queue from P1 to P0. What the program asks of outputs lies in words, for an answer may wait for it; all else, which
//! is seldom sent and longer, lies in a queue of its own beside it, and a mark says when its turn has come.

use core::sync::atomic::{AtomicU32, Ordering};

use heapless::spsc;
use link::LineId;
use link::record::Request;

use crate::messages::{ORDER_WORDS, Order, mark_other, pack_request, unpack_request};
use crate::queue::{self, Packed};

/// Orders that may wait for P0.
const ORDERS: usize = 64;
/// How many of them may be other than requests, and one more.
const OTHERS: usize = 12;

/// An order, or that the next of the others comes here.
#[derive(Debug)]
enum Turn {
    Request(LineId, Request),
    Other,
}

impl Packed<ORDER_WORDS> for Turn {
    #[inline(always)]
    fn pack(&self, slot: &[AtomicU32; ORDER_WORDS]) {
        match self {
            Self::Request(line, request) => pack_request(*line, request, slot),
            Self::Other => mark_other(slot),
        }
    }

    #[inline(always)]
    fn unpack(slot: &[AtomicU32; ORDER_WORDS]) -> Option<Self> {
        Some(unpack_request(slot).map_or(Self::Other, |(line, request)| Self::Request(line, request)))
    }
}

/// Its memory.
#[derive(Debug)]
pub(crate) struct OrderQueue {
    turns: queue::Queue<Turn, ORDERS, ORDER_WORDS>,
    others: spsc::Queue<Order, OTHERS>,
    /// Others taken out so far, modulo 2³²: to ask the queue itself how many wait costs a division. P0's.
    others_taken: AtomicU32,
}

impl OrderQueue {
    pub(crate) const fn new() -> Self {
        Self { turns: queue::Queue::new(), others: spsc::Queue::new(), others_taken: AtomicU32::new(0) }
    }

    /// The two ends. Whatever was in the queue is gone.
    pub(crate) fn split(&mut self) -> (OrdersOut<'_>, OrdersIn<'_>) {
        while self.others.dequeue().is_some() {}
        self.others_taken = AtomicU32::new(0);
        let (turns_out, turns_in) = self.turns.split();
        let (others_out, others_in) = self.others.split();
        let taken = &self.others_taken;
        (
            OrdersOut { turns: turns_out, others: others_out, others_put: 0, taken },
            OrdersIn { turns: turns_in, others: others_in, taken },
        )
    }
}

/// P1's end.
pub(crate) struct OrdersOut<'s> {
    turns: queue::Producer<'s, Turn, ORDERS, ORDER_WORDS>,
    others: spsc::Producer<'s, Order>,
    others_put: u32,
    taken: &'s AtomicU32,
}

impl OrdersOut<'_> {
    /// Whether there is room for so many requests, and for a few other orders.
    #[inline(always)]
    pub(crate) fn have_room(&self, requests: usize, others: usize) -> bool {
        let waiting = self.others_put.wrapping_sub(self.taken.load(Ordering::Acquire)) as usize;
        self.turns.places() >= requests + others && waiting + others < OTHERS
    }

    /// Puts an order in; false if there is no room for it.
    #[inline(always)]
    pub(crate) fn enqueue(&mut self, order: &Order) -> bool {
        match order {
            Order::Request(line, request) => self.turns.enqueue(&Turn::Request(*line, *request)),
            other => self.enqueue_other(*other),
        }
    }

    #[inline(never)]
    fn enqueue_other(&mut self, other: Order) -> bool {
        if self.turns.places() == 0 || self.others.enqueue(other).is_err() {
            return false;
        }
        self.others_put = self.others_put.wrapping_add(1);
        self.turns.enqueue(&Turn::Other)
    }
}

/// P0's end.
pub(crate) struct OrdersIn<'s> {
    turns: queue::Consumer<'s, Turn, ORDERS, ORDER_WORDS>,
    others: spsc::Consumer<'s, Order>,
    taken: &'s AtomicU32,
}

impl OrdersIn<'_> {
    /// Whether one waits.
    #[inline(always)]
    pub(crate) fn ready(&self) -> bool {
        self.turns.ready()
    }

    /// Takes the next one.
    #[inline(always)]
    pub(crate) fn dequeue(&mut self) -> Option<Order> {
        match self.turns.dequeue()? {
            Turn::Request(line, request) => Some(Order::Request(line, request)),
            Turn::Other => {
                let other = self.others.dequeue();
                self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
                other
            }
        }
    }

    /// Takes the next one if it asks for a level, the shortest there is: which line, and whether on.
    #[inline(always)]
    pub(crate) fn take_level(&mut self) -> Option<(LineId, bool)> {
        let level = crate::messages::level(self.turns.front()?)?;
        self.turns.pass();
        Some(level)
    }
}
