//! What P0 may answer by itself: the requests P1 has worked out that an edge would lead to. Owns the words both look at, and
//! the rules by which they take turns; knows nothing of how an answer is found.
//!
//! P1 *opens* the answers when nothing waits, for a span of microseconds in which the program does nothing of its own. From
//! then on P0 answers an edge the moment it comes: it carries the requests out, closes, and *gives* word of it, so that P1
//! makes that edge's step before anything else. An edge that makes no difference leaves the answers open. Any other thing
//! that P1 must know of closes them, and so does P1 before it changes anything.
//!
//! P0 comes in between any two instructions of P1 and never the other way round. So P1 stores what it opens before it opens,
//! and looks for an answer given after it has closed; P0 needs no such care. What P1 did not know of when it opened is found
//! by count: P0 counts what it tells P1 that may matter, P1 what it took in.

use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

use link::limits::MAX_LINES;
use link::record::Request;
use link::{LineId, Micros};

use crate::edge::inputs::Accepted;
use crate::interlock::LATE_MAX_US;
use crate::messages::{ORDER_WORDS, pack_request};

/// Requests of all answers together.
const REQUESTS: usize = engine::FORESEEN_REQUESTS_MAX;
/// Edges there are: each line to active, and away from it.
const EDGES: usize = 2 * MAX_LINES;
/// The longest span P1 opens for, in µs: the low half of a time must tell before from behind.
const SPAN_MAX_US: Micros = 1 << 30;

/// With the count of what P1 allows for: P0 may answer.
const OPEN: u32 = 1 << 31;

/// An answer that P0 has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    /// The edge's own time, the low half.
    pub(crate) at: u32,
    pub(crate) line: LineId,
    pub(crate) active: bool,
    /// What P0 had told P1 with that edge, by count.
    told: u32,
}

/// The words P0 and P1 share. Those that every edge asks for come first, where a short offset reaches them.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Answers {
    /// As much of what P0 told as is allowed for, modulo 2³¹, with [`OPEN`]; or 0. P1 opens; both close; P0 goes on counting
    /// while it is open.
    allowed: AtomicU32,
    /// Edges that make no difference, away from active and to it, bit *n* for line *n*. P1's.
    harmless: [AtomicU32; 2],
    /// Edges whose answer is here, likewise.
    known: [AtomicU32; 2],
    /// The first microsecond, and the one behind the last; low halves. P1's.
    from: AtomicU32,
    until: AtomicU32,
    /// The edge P0 has answered, by its number and one more; 0 for none. P0 stores it, P1 clears it.
    given: AtomicU32,
    given_at: AtomicU32,
    given_told: AtomicU32,
    /// Whether P0 would answer if the span were longer. P0 stores it, P1 clears it.
    held_up: AtomicU32,
    /// The answer to each edge. P1's.
    answers: [Packet; EDGES],
    /// The requests of answers that ask for more than levels, as orders lie in their queue. P1's.
    requests: [[AtomicU32; ORDER_WORDS]; REQUESTS],
}

/// One answer: lines to be on and lines to be off, if it has no other requests.
#[derive(Debug)]
struct Packet {
    on: AtomicU32,
    off: AtomicU32,
    /// Where its requests begin, and in the upper half how many there are.
    requests: AtomicU32,
}

impl Packet {
    const fn new() -> Self {
        Self { on: AtomicU32::new(0), off: AtomicU32::new(0), requests: AtomicU32::new(0) }
    }
}

/// What an edge is answered with.
pub(crate) enum Answer<'s> {
    /// These lines on, those off.
    Levels { on: u32, off: u32 },
    /// Requests, as orders lie in their queue.
    Requests(&'s [[AtomicU32; ORDER_WORDS]]),
}

#[inline(always)]
fn load(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

#[inline(always)]
fn store(word: &AtomicU32, value: u32) {
    word.store(value, Ordering::Relaxed);
}

/// The place of an edge in a set of edges.
#[inline(always)]
fn side(active: bool) -> usize {
    usize::from(active)
}

impl Answers {
    pub(crate) const fn new() -> Self {
        Self {
            allowed: AtomicU32::new(0),
            harmless: [const { AtomicU32::new(0) }; 2],
            known: [const { AtomicU32::new(0) }; 2],
            from: AtomicU32::new(0),
            until: AtomicU32::new(0),
            given: AtomicU32::new(0),
            given_at: AtomicU32::new(0),
            given_told: AtomicU32::new(0),
            held_up: AtomicU32::new(0),
            answers: [const { Packet::new() }; EDGES],
            requests: [const { [const { AtomicU32::new(0) }; ORDER_WORDS] }; REQUESTS],
        }
    }

    /// What is allowed for. What was stored before it was opened is seen from here on.
    #[inline(always)]
    fn allowed(&self) -> u32 {
        self.allowed.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn is_open(&self) -> bool {
        self.allowed() & OPEN != 0
    }

    #[inline(always)]
    fn close(&self) {
        self.allowed.store(0, Ordering::Release);
    }
}

/// P0's side.
pub(crate) struct Answering<'s> {
    answers: &'s Answers,
    /// What P1 was told so far that may matter to it, modulo 2³¹, with [`OPEN`].
    told: u32,
    /// An edge whose answer is known; no other came since but such as make no difference.
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    edge: Accepted,
    /// What had been told with it.
    told: u32,
    /// Whether it can be answered as soon as its microsecond is over; otherwise P1 must say more first.
    ripe: bool,
}

impl<'s> Answering<'s> {
    pub(crate) const fn new(answers: &'s Answers) -> Self {
        Self { answers, told: OPEN, waiting: None }
    }

    /// P1 is told of something that may matter and is no input.
    #[inline(always)]
    pub(crate) fn told_other(&mut self) {
        self.told = self.told.wrapping_add(1) | OPEN;
        self.close();
    }

    /// P1 is told of an input.
    #[inline(always)]
    pub(crate) fn told_input(&mut self, edge: Accepted) {
        let before = self.told;
        self.told = before.wrapping_add(1) | OPEN;
        if self.waiting.is_some() {
            self.told_another(edge);
        } else if self.answers.allowed() != before {
            // Closed, or opened without word of what was told just then: P1 finds that out.
        } else if self.is_in(&self.answers.known, edge) {
            self.waiting = Some(Waiting { edge, told: self.told, ripe: true });
        } else if self.is_in(&self.answers.harmless, edge) {
            store(&self.answers.allowed, self.told);
        } else {
            self.close();
        }
    }

    /// The same, while an edge waits.
    #[inline(never)]
    fn told_another(&mut self, edge: Accepted) {
        let allowed = self.answers.allowed();
        if allowed & OPEN != 0 && self.is_in(&self.answers.harmless, edge) {
            store(&self.answers.allowed, allowed.wrapping_add(1) | OPEN);
        } else {
            self.close();
        }
    }

    #[inline(always)]
    fn is_in(&self, sets: &[AtomicU32; 2], edge: Accepted) -> bool {
        load(&sets[side(edge.active)]) & edge.line.bit() != 0
    }

    /// Nothing is answered until P1 opens again.
    #[inline(always)]
    pub(crate) fn close(&mut self) {
        self.answers.close();
        self.waiting = None;
    }

    /// The earliest time at which an edge that waits can be answered.
    #[inline(always)]
    pub(crate) fn due(&self) -> Option<Micros> {
        match self.waiting {
            Some(Waiting { edge, ripe: true, .. }) => Some(edge.at.wrapping_add(1)),
            _ => None,
        }
    }

    /// Whether an edge waits for its answer.
    #[inline(always)]
    pub(crate) const fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes up the edge that waits, to be answered at once. None while its microsecond is not over by `now`, or if P1 must
    /// be asked; `held_back` is a time from which on other inputs may yet be told.
    #[inline(always)]
    pub(crate) fn take(&mut self, now: Micros, held_back: Micros) -> Option<Answer<'s>> {
        let Waiting { edge: Accepted { at, line, active }, told, .. } = self.waiting?;
        if at >= now {
            return None;
        }
        let answers = self.answers;
        // The watchdog is there for an edge older than the low half can tell.
        let late = (now as u32).wrapping_sub(at as u32) > LATE_MAX_US;
        if answers.allowed().wrapping_add(1) | OPEN != self.told || held_back <= at || late {
            self.close();
            return None;
        }
        let from = load(&answers.from);
        if (at as u32).wrapping_sub(from) >= load(&answers.until).wrapping_sub(from) {
            self.waiting = self.waiting.map(|waiting| Waiting { ripe: false, ..waiting });
            store(&answers.held_up, 1);
            return None;
        }
        self.close();
        let edge = line.index() * 2 + side(active);
        store(&answers.given_at, at as u32);
        store(&answers.given_told, told);
        store(&answers.given, edge as u32 + 1);
        let Packet { on, off, requests } = answers.answers.get(edge)?;
        let requests = load(requests);
        if requests == 0 {
            return Some(Answer::Levels { on: load(on), off: load(off) });
        }
        let (first, count) = (requests as usize & 0xFFFF, requests as usize >> 16);
        answers.requests.get(first..first.wrapping_add(count)).map(Answer::Requests)
    }
}

/// P1's side.
pub(crate) struct Foreseen<'s> {
    answers: &'s Answers,
    /// What P0 told that may matter and that was taken in, modulo 2³¹, with [`OPEN`].
    taken: u32,
    /// Answers stored since it was opened, and their requests.
    stored: usize,
    requests: usize,
}

impl<'s> Foreseen<'s> {
    pub(crate) const fn new(answers: &'s Answers) -> Self {
        Self { answers, taken: OPEN, stored: 0, requests: 0 }
    }

    /// Something that P0 told was taken in, and may matter.
    #[inline(always)]
    pub(crate) fn took(&mut self) {
        self.taken = self.taken.wrapping_add(1) | OPEN;
    }

    /// Whether all that P0 had told with the edge it answered was taken in.
    pub(crate) const fn has_taken(&self, given: &Given) -> bool {
        is_reached(given.told, self.taken)
    }

    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.answers.is_open()
    }

    /// Whether P0 told something, just before it was opened, that it was not opened for: P0 then answers nothing.
    #[inline(always)]
    pub(crate) fn is_behind(&self) -> bool {
        !is_reached(self.taken, self.answers.allowed())
    }

    /// Whether an input leaves the answers as they are.
    #[inline(always)]
    pub(crate) fn is_harmless(&self, line: LineId, active: bool) -> bool {
        self.answers.harmless.get(side(active)).is_some_and(|set| load(set) & line.bit() != 0)
    }

    /// P0 answers nothing from here on. What it has answered before is [`Foreseen::given`].
    #[inline(always)]
    pub(crate) fn close(&self) {
        self.answers.close();
    }

    /// The edge P0 has answered and whose step was not made yet.
    #[inline(always)]
    pub(crate) fn given(&self) -> Option<Given> {
        let edge = load(&self.answers.given).checked_sub(1)?;
        let (line, active) = (LineId((edge / 2) as u8), edge % 2 != 0);
        Some(Given { at: load(&self.answers.given_at), line, active, told: load(&self.answers.given_told) })
    }

    /// That edge's step was made.
    pub(crate) fn honoured(&self) {
        store(&self.answers.given, 0);
    }

    /// Opens with no answer yet. The edges that make no difference are sets of lines, away from active and to it.
    pub(crate) fn open(&mut self, span: &Range<Micros>, harmless: [u32; 2]) {
        let answers = self.answers;
        (self.stored, self.requests) = (0, 0);
        for (known, (set, harmless)) in answers.known.iter().zip(answers.harmless.iter().zip(harmless)) {
            store(known, 0);
            store(set, harmless);
        }
        store(&answers.held_up, 0);
        self.stretch(span);
        answers.allowed.store(self.taken, Ordering::Release);
    }

    /// While it is open: the span is another. True if P0 waits for that.
    #[inline(always)]
    pub(crate) fn stretch(&self, span: &Range<Micros>) -> bool {
        let until = span.end.min(span.start.saturating_add(SPAN_MAX_US));
        // Whatever P0 sees in between is a part of both.
        store(&self.answers.from, span.start as u32);
        store(&self.answers.until, until as u32);
        let held_up = load(&self.answers.held_up) != 0;
        if held_up {
            store(&self.answers.held_up, 0);
        }
        held_up
    }

    /// While it is open: other edges make no difference.
    #[inline(always)]
    pub(crate) fn renew_harmless(&self, harmless: [u32; 2]) {
        for (set, harmless) in self.answers.harmless.iter().zip(harmless) {
            store(set, harmless);
        }
    }

    /// How many answers were stored since it was opened.
    pub(crate) const fn stored(&self) -> usize {
        self.stored
    }

    /// Adds the answer to an edge. One that asks for nothing is left to P1.
    #[inline(never)]
    pub(crate) fn add(&mut self, line: LineId, active: bool, answer: &[(LineId, Request)]) {
        self.stored += 1;
        let Some(packet) = self.answers.answers.get(line.index() * 2 + side(active)) else { return };
        let lines = |asked: Request| {
            let of = answer.iter().filter(|(_, request)| *request == asked);
            of.fold(0, |set, (line, _)| set | line.bit())
        };
        let (on, off) = (lines(Request::On), lines(Request::Off));
        let levels = (on | off).count_ones() as usize == answer.len();
        if answer.is_empty() || !levels && !self.add_requests(packet, answer) {
            return;
        }
        if levels {
            store(&packet.requests, 0);
            store(&packet.on, on);
            store(&packet.off, off);
        }
        let known = &self.answers.known[side(active)];
        known.store(load(known) | line.bit(), Ordering::Release);
    }

    fn add_requests(&mut self, packet: &Packet, answer: &[(LineId, Request)]) -> bool {
        let places = self.answers.requests.get(self.requests..).unwrap_or_default();
        if places.len() < answer.len() {
            return false;
        }
        for (slot, (line, request)) in places.iter().zip(answer) {
            pack_request(*line, request, slot);
        }
        store(&packet.requests, self.requests as u32 | (answer.len() as u32) << 16);
        self.requests += answer.len();
        true
    }
}

/// Whether a count has come as far as another, modulo 2³¹.
const fn is_reached(count: u32, by: u32) -> bool {
    by.wrapping_sub(count) & OPEN >> 1 == 0
}
