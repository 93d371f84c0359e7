//! Where the engine's records go: requests to P0 first, everything into the ring. Owns the warning of a ring that fills
//! up and the count of what found no room.

use engine::{FORESEEN_REQUESTS_MAX, Sink};
use heapless::Vec;
use link::program::Program;
use link::record::Request;
use link::{LineId, Micros, Record, TripCause};

use super::watch::Watch;
use super::{OTHERS_ROOM, REQUESTS_ROOM};
use crate::board::Preempt;
use crate::messages::Order;
use crate::orders::OrdersOut;
use crate::ring::{ENTRY_ROOM, RingWriter};

/// Records that may wait to be written down.
const LOG: usize = 32;

/// Records in their order, each a plain copy.
struct Log {
    records: [Record; LOG],
    times: [Micros; LOG],
    /// Records put in and written down so far, modulo 2³².
    put: u32,
    written: u32,
}

const _: () = assert!(LOG.is_power_of_two(), "the place of a record is found by masking");

impl Log {
    const fn new() -> Self {
        Self { records: [Record::Silence(false); LOG], times: [0; LOG], put: 0, written: 0 }
    }

    fn clear(&mut self) {
        self.written = self.put;
    }

    #[inline(always)]
    fn len(&self) -> u32 {
        self.put.wrapping_sub(self.written)
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.put == self.written
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.len() as usize >= LOG
    }

    /// Adds a record; there must be room for it.
    #[inline(always)]
    fn push(&mut self, at: Micros, record: &Record) {
        let place = self.put as usize % LOG;
        self.records[place] = *record;
        self.times[place] = at;
        self.put = self.put.wrapping_add(1);
    }

    #[inline(always)]
    fn oldest(&self) -> Option<(Micros, &Record)> {
        let place = self.written as usize % LOG;
        if self.is_empty() { None } else { Some((self.times[place], &self.records[place])) }
    }

    #[inline(always)]
    fn written(&mut self) {
        self.written = self.written.wrapping_add(1);
    }
}

/// The ways out of P1. Writing a record down takes as long as a small step, so records wait in a log until nothing else
/// does; they reach the ring in their order, and none but those of the log are still missing there.
pub(super) struct Out<'s> {
    orders: OrdersOut<'s>,
    ring: RingWriter<'s>,
    log: Log,
    /// What P0 was told before the step that asks for it, and how much of it the step has asked for.
    answered: Vec<(LineId, Request), FORESEEN_REQUESTS_MAX>,
    asked: usize,
    /// Records that found no room and are not told of yet.
    lost: u32,
    /// Whether an order or record found no room since this was last looked at.
    pub(super) overflowed: bool,
    warned: bool,
}

impl<'s> Out<'s> {
    pub(super) const fn new(orders: OrdersOut<'s>, ring: RingWriter<'s>) -> Self {
        Self {
            orders,
            ring,
            log: Log::new(),
            answered: Vec::new(),
            asked: 0,
            lost: 0,
            overflowed: false,
            warned: false,
        }
    }

    /// Begins a stream of records measured from `at`.
    pub(super) fn begin(&mut self, at: Micros) {
        self.log.clear();
        self.answered.clear();
        self.ring.begin(at);
        (self.lost, self.overflowed, self.warned) = (0, false, false);
    }

    /// Whether there is room for all the orders one microsecond or one command may give.
    #[inline]
    pub(super) fn has_room_for_orders(&self) -> bool {
        self.orders.have_room(REQUESTS_ROOM, OTHERS_ROOM)
    }

    /// Whether there is room for a record and one more.
    #[inline]
    pub(super) fn can_record(&mut self, hook: &mut impl Preempt) -> bool {
        self.has_free(2 * ENTRY_ROOM, hook)
    }

    /// Whether so many bytes of the ring are free, all records being written down.
    #[inline]
    pub(super) fn has_free(&mut self, bytes: u32, hook: &mut impl Preempt) -> bool {
        if self.surely_has_free(bytes) {
            return true;
        }
        self.write_all_down(hook);
        self.ring.free() >= bytes
    }

    /// The same, as far as it is known before all records are written down.
    #[inline]
    pub(super) fn surely_has_free(&self, bytes: u32) -> bool {
        self.ring.free() >= bytes.wrapping_add(self.log.len().wrapping_mul(ENTRY_ROOM))
    }

    /// Whether records wait to be written down.
    #[inline]
    pub(super) fn has_log(&self) -> bool {
        !self.log.is_empty()
    }

    /// Writes the oldest record of the log down; false if there is none.
    #[inline(never)]
    pub(super) fn write_down(&mut self, hook: &mut impl Preempt) -> bool {
        let Some((at, record)) = self.log.oldest() else { return false };
        let room = self.lost > 0 && self.ring.free() >= 2 * ENTRY_ROOM;
        if room && self.ring.push(at, &Record::Lost { count: self.lost }).is_ok() {
            self.lost = 0;
        }
        if self.lost > 0 || self.ring.push(at, record).is_err() {
            self.lost = self.lost.saturating_add(1);
            self.overflowed = true;
        }
        self.log.written();
        hook.point();
        true
    }

    /// Writes all records down.
    pub(super) fn write_all_down(&mut self, hook: &mut impl Preempt) {
        while self.write_down(hook) {}
    }

    /// P0 has answered an edge whose step is made next: with what, is noted behind this.
    pub(super) fn begin_answer(&mut self) {
        self.answered.clear();
        self.asked = 0;
    }

    /// P0 has carried this out.
    pub(super) fn note_answer(&mut self, line: LineId, request: Request) {
        // An answer has no more requests than the engine keeps for all of them.
        let _ = self.answered.push((line, request));
    }

    /// What the step asks for: true if that was the answer already given, or must be ordered now for it was not.
    #[inline]
    fn was_answered(&mut self, line: LineId, request: &Request, hook: &mut impl Preempt) -> bool {
        let Some((answered, with)) = self.answered.get(self.asked) else { return false };
        let same = *answered == line && with == request;
        self.asked += 1;
        if !same {
            self.contradicted(line, hook);
        }
        same
    }

    /// The step that was answered has been made: it must have asked for all of the answer.
    #[inline]
    pub(super) fn step_made(&mut self, hook: &mut impl Preempt) {
        if let Some((line, _)) = self.answered.get(self.asked) {
            self.contradicted(*line, hook);
        }
        self.answered.clear();
    }

    #[inline(never)]
    pub(super) fn contradicted(&mut self, line: LineId, hook: &mut impl Preempt) {
        self.answered.clear();
        self.order(Order::Trip(TripCause::Contradiction(line)), hook);
    }

    /// Gives P0 an order; whether there was room for it.
    #[inline(never)]
    pub(super) fn order(&mut self, order: Order, hook: &mut impl Preempt) -> bool {
        let given = self.orders.enqueue(&order);
        self.overflowed |= !given;
        hook.ordered();
        given
    }

    #[inline(never)]
    pub(super) fn write(&mut self, at: Micros, record: &Record, hook: &mut impl Preempt) {
        if self.log.is_full() {
            self.write_down(hook);
        }
        self.log.push(at, record);
    }

    /// Says so once when less than a quarter of the ring is free, and again only after half of it was.
    pub(super) fn warn_when_low(&mut self, now: Micros, hook: &mut impl Preempt) {
        let capacity = self.ring.capacity();
        if self.warned {
            self.warned = !self.has_free(capacity / 2, hook);
        } else if !self.has_free(capacity / 4, hook) {
            self.warned = true;
            self.write(now, &Record::RingLow { free: self.ring.free() }, hook);
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
        // Before it is written down: what P0 must know comes first, and of a trial before any request of it.
        if matches!(record, Record::Request { .. } | Record::Trial { .. } | Record::Breach { .. }) {
            self.tell_edge(&record);
        }
        self.out.write(at, &record, self.hook);
    }
}

impl<P: Preempt> Recorder<'_, '_, '_, P> {
    /// Tells P0 what follows from a record for the outputs.
    #[inline(never)]
    fn tell_edge(&mut self, record: &Record) {
        match record {
            Record::Request { line, request } if self.out.was_answered(*line, request, self.hook) => {}
            Record::Request { line, request } => {
                self.out.order(Order::Request(*line, *request), self.hook);
            }
            Record::Trial { .. } => {
                // Before any request of this trial: it is then the first that is not withheld.
                let rearm = self.watch.take_rearm();
                if rearm != 0 {
                    self.out.order(Order::Arm(rearm), self.hook);
                }
            }
            Record::Breach { invariant, .. } if self.program.invariant(invariant.index()).trips => {
                self.out.order(Order::Trip(TripCause::Invariant(*invariant)), self.hook);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use link::record::Reader;

    use super::*;
    use crate::board::Undisturbed;
    use crate::orders::{OrderQueue, OrdersIn};
    use crate::ring::Ring;

    const LASER: LineId = LineId(3);

    /// Tells a story of P1's ways out, and what P0 is told in it.
    fn told(story: impl FnOnce(&mut Recorder<'_, '_, '_, Undisturbed>)) -> Vec<Order> {
        let (mut queue, mut ring) = (OrderQueue::new(), Ring::<4096>::new());
        let (orders, mut at_edge): (_, OrdersIn<'_>) = queue.split();
        let (writer, _) = ring.split();
        let (mut out, mut watch) = (Out::new(orders, writer), Watch::new());
        let program = Program::reopen(&[]);
        story(&mut Recorder { program: &program, out: &mut out, watch: &mut watch, hook: &mut Undisturbed });
        core::iter::from_fn(|| at_edge.dequeue()).collect()
    }

    fn ask(request: Request) -> Record {
        Record::Request { line: LASER, request }
    }

    #[test]
    fn what_p0_has_answered_is_not_ordered_again() {
        let orders = told(|p1| {
            p1.out.begin_answer();
            p1.out.note_answer(LASER, Request::On);
            p1.record(7, ask(Request::On));
            p1.out.step_made(p1.hook);
            p1.record(9, ask(Request::Off));
        });
        assert_eq!(orders, [Order::Request(LASER, Request::Off)]);
    }

    #[test]
    fn an_answer_that_the_program_does_not_ask_for_trips() {
        let trip = Order::Trip(TripCause::Contradiction(LASER));
        let orders = told(|p1| {
            p1.out.begin_answer();
            p1.out.note_answer(LASER, Request::On);
            p1.record(7, ask(Request::Off));
            p1.out.step_made(p1.hook);
        });
        assert_eq!(orders, [trip, Order::Request(LASER, Request::Off)]);

        let orders = told(|p1| {
            p1.out.begin_answer();
            p1.out.note_answer(LASER, Request::On);
            p1.out.step_made(p1.hook);
        });
        assert_eq!(orders, [trip], "it asks for nothing");
    }

    #[test]
    fn records_reach_the_ring_in_their_order_however_many_wait() {
        let (mut queue, mut ring) = (OrderQueue::new(), Ring::<4096>::new());
        let (orders, _) = queue.split();
        let (writer, mut reader) = ring.split();
        let mut out = Out::new(orders, writer);
        let count = 3 * LOG as u32 + 5;
        for number in 0..count {
            out.write(1_000 + u64::from(number), &Record::Trial { number }, &mut Undisturbed);
            assert!(reader.written() + LOG as u32 > number, "a record is neither in the ring nor in the log");
        }
        out.write_all_down(&mut Undisturbed);
        assert!(!out.has_log() && reader.written() == count);
        let mut times = Reader::new(0);
        for number in 0..count {
            let mut bytes = [0; 64];
            let len = reader.read(&mut bytes).expect("it was written");
            let (at, record, _) = times.read(&bytes[..len]).expect("it reads back");
            assert_eq!((at, record), (1_000 + u64::from(number), Record::Trial { number }));
        }
    }
}
