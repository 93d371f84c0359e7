//! What P0 may answer by itself: the requests P1 has worked out that an edge would lead to. Owns the words both look at, and
//! the rules by which they take turns; knows nothing of how an answer is found.
//!
//! P1 *opens* the answers when nothing waits, for a span of microseconds in which the program does nothing of its own. From
//! then on P0 answers an edge the moment it comes: it carries the requests out, closes, and *gives* word of it, so that P1
//! makes that edge's step before anything else. An edge that makes no difference leaves the answers open. Any other thing
//! that P1 must know of closes them, and so does P1 before it changes anything.
//!
//! There are two sheets of answers. One holds now; the other, if P1 could write it, holds from the microsecond behind the
//! next time-out on, so that an edge need not wait for that time-out's step. When P1 makes that step it turns the sheets.
//!
//! P0 comes in between any two instructions of P1 and never the other way round. So P1 stores what it opens before it opens,
//! and looks for an answer given after it has closed; P0 needs no such care. What P1 did not know of when it opened is found
//! by count: P0 counts what it tells P1 that may matter, P1 what it took in.

use core::ops::Range;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use link::limits::MAX_LINES;
use link::record::Request;
use link::{LineId, Micros};

use crate::deadlines::lines;
use crate::edge::inputs::Accepted;
use crate::interlock::LATE_MAX_US;
use crate::messages::{ORDER_WORDS, pack_request, unpack_request};

/// Answers of a sheet, and requests of those that ask for more than levels.
const PACKETS: usize = 16;
const REQUESTS: usize = 8;
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
    /// The sheet the answer stands on.
    sheet: usize,
    /// What P0 had told P1 with that edge and others of its microsecond, by count.
    told: u32,
}

/// The words P0 and P1 share.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Answers {
    /// As much of what P0 told as is allowed for, modulo 2³¹, with [`OPEN`]; or 0. P1 opens; both close; P0 goes on counting
    /// while it is open.
    allowed: AtomicU32,
    /// The sheet that holds now. P1's.
    now: AtomicU32,
    /// The edge P0 has answered, by its number and one more, and in the upper half the sheet; 0 for none. P0 stores it, P1
    /// clears it.
    given: AtomicU32,
    given_at: AtomicU32,
    given_told: AtomicU32,
    /// Whether P0 would answer if the span were longer. P0 stores it, P1 clears it.
    held_up: AtomicU32,
    /// Edges that make no difference in any state of the program, away from active and to it, bit *n* for line *n*. P1's.
    never_heard: [AtomicU32; 2],
    sheets: [Sheet; 2],
}

/// Answers and for when they hold. P1's.
#[derive(Debug)]
#[repr(C)]
struct Sheet {
    /// The first microsecond, and the one behind the last; low halves. The same if it holds at no time.
    from: AtomicU32,
    until: AtomicU32,
    /// Edges that make no difference, away from active and to it, bit *n* for line *n*.
    harmless: [AtomicU32; 2],
    /// Edges whose answer is here, likewise.
    known: [AtomicU32; 2],
    /// Where the answer to each edge is.
    places: [AtomicU8; EDGES],
    packets: [Packet; PACKETS],
    /// The requests of answers that ask for more than levels, as orders lie in their queue.
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

impl Sheet {
    const fn new() -> Self {
        Self {
            from: AtomicU32::new(0),
            until: AtomicU32::new(0),
            harmless: [const { AtomicU32::new(0) }; 2],
            known: [const { AtomicU32::new(0) }; 2],
            places: [const { AtomicU8::new(0) }; EDGES],
            packets: [const { Packet { on: AtomicU32::new(0), off: AtomicU32::new(0), requests: AtomicU32::new(0) } };
                PACKETS],
            requests: [const { [const { AtomicU32::new(0) }; ORDER_WORDS] }; REQUESTS],
        }
    }

    /// Whether it holds at a time.
    #[inline(always)]
    fn holds(&self, at: u32) -> bool {
        let from = load(&self.from);
        at.wrapping_sub(from) < load(&self.until).wrapping_sub(from)
    }

    /// Whether it holds at some time, if at none before this one.
    fn ends_behind(&self, at: u32) -> bool {
        let (from, until) = (load(&self.from), load(&self.until));
        from != until && at.wrapping_sub(from).cast_signed() >= 0
    }

    #[inline(always)]
    fn knows(&self, edge: Accepted) -> bool {
        load(&self.known[side(edge.active)]) & edge.line.bit() != 0
    }

    #[inline(always)]
    fn leaves_as_is(&self, line: LineId, active: bool) -> bool {
        load(&self.harmless[side(active)]) & line.bit() != 0
    }

    #[inline(always)]
    fn answer(&self, edge: usize) -> Option<Answer<'_>> {
        let place = self.places.get(edge)?.load(Ordering::Relaxed);
        let Packet { on, off, requests } = self.packets.get(usize::from(place))?;
        let requests = load(requests);
        if requests == 0 {
            return Some(Answer::Levels { on: load(on), off: load(off) });
        }
        let (first, count) = (requests as usize & 0xFFFF, requests as usize >> 16);
        self.requests.get(first..first.wrapping_add(count)).map(Answer::Requests)
    }
}

impl Answers {
    pub(crate) const fn new() -> Self {
        Self {
            allowed: AtomicU32::new(0),
            now: AtomicU32::new(0),
            given: AtomicU32::new(0),
            given_at: AtomicU32::new(0),
            given_told: AtomicU32::new(0),
            held_up: AtomicU32::new(0),
            never_heard: [const { AtomicU32::new(0) }; 2],
            sheets: [const { Sheet::new() }; 2],
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

    /// Whether what falls into the microsecond of this edge goes as it would without it.
    fn is_never_heard(&self, edge: Accepted) -> bool {
        load(&self.never_heard[side(edge.active)]) & edge.line.bit() != 0
    }

    /// The sheet that holds now, and the one that holds from some time on.
    #[inline(always)]
    fn sheets(&self) -> (&Sheet, &Sheet) {
        let [one, other] = &self.sheets;
        if load(&self.now) == 0 { (one, other) } else { (other, one) }
    }

    /// The sheet an edge of this time is answered from; none if P1 must be asked.
    #[inline(never)]
    fn sheet_of(&self, at: u32) -> Option<&Sheet> {
        let (now, next) = self.sheets();
        if now.holds(at) || !next.ends_behind(at) { Some(now) } else { Some(next).filter(|next| next.holds(at)) }
    }
}

/// P0's side.
pub(crate) struct Answering<'s> {
    answers: &'s Answers,
    /// What P1 was told so far that may matter to it, modulo 2³¹, with [`OPEN`].
    told: u32,
    /// An edge whose answer is known; no other came in its microsecond that may ever be heard, and since then only such as make
    /// no difference.
    waiting: Option<Waiting>,
    /// When the last edge came that made no difference as things were, the low half: it may make one behind another of its
    /// microsecond. One from 71 minutes ago only leaves an edge to P1.
    harmless_at: u32,
}

#[derive(Clone, Copy)]
struct Waiting {
    edge: Accepted,
    /// What had been told with it, and with others of its microsecond.
    told: u32,
    /// Whether it can be answered as soon as its microsecond is over; otherwise P1 must say more first.
    ripe: bool,
}

impl<'s> Answering<'s> {
    pub(crate) const fn new(answers: &'s Answers) -> Self {
        Self { answers, told: OPEN, waiting: None, harmless_at: 0 }
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
        let (now, _) = self.answers.sheets();
        if self.waiting.is_some() {
            self.told_another(edge);
        } else if self.answers.allowed() != before {
            // Closed, or opened without word of what was told just then: P1 finds that out.
        } else if !now.holds(edge.at as u32) {
            self.told_outside(edge);
        } else {
            self.told_within(now, edge);
        }
    }

    /// The same, outside the span of the sheet that holds now.
    #[inline(never)]
    fn told_outside(&mut self, edge: Accepted) {
        match self.answers.sheet_of(edge.at as u32) {
            Some(sheet) => self.told_within(sheet, edge),
            None => self.close(),
        }
    }

    /// The same, within the span of a sheet.
    #[inline(always)]
    fn told_within(&mut self, sheet: &Sheet, edge: Accepted) {
        if sheet.knows(edge) {
            if edge.at as u32 == self.harmless_at {
                self.close();
            } else {
                self.waiting = Some(Waiting { edge, told: self.told, ripe: true });
            }
        } else if sheet.leaves_as_is(edge.line, edge.active) {
            if !self.answers.is_never_heard(edge) {
                self.harmless_at = edge.at as u32;
            }
            store(&self.answers.allowed, self.told);
        } else {
            self.close();
        }
    }

    /// The same, while an edge waits.
    #[inline(never)]
    fn told_another(&mut self, edge: Accepted) {
        let allowed = self.answers.allowed();
        let sheet = self.answers.sheet_of(edge.at as u32);
        let Some(waiting) = &mut self.waiting else { return };
        let shared = waiting.edge.at == edge.at;
        let apart = !shared || self.answers.is_never_heard(edge);
        if apart && allowed & OPEN != 0 && sheet.is_some_and(|sheet| sheet.leaves_as_is(edge.line, edge.active)) {
            if shared {
                waiting.told = self.told;
            }
            store(&self.answers.allowed, allowed.wrapping_add(1) | OPEN);
        } else {
            self.close();
        }
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
        let Waiting { edge: edge @ Accepted { at, line, active }, told, .. } = self.waiting?;
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
        let (mut sheet, _) = answers.sheets();
        if !sheet.holds(at as u32) {
            sheet = self.another_sheet(edge)?;
        }
        self.close();
        let edge = line.index() * 2 + side(active);
        store(&answers.given_at, at as u32);
        store(&answers.given_told, told);
        let place = u32::from(!core::ptr::eq(sheet, &answers.sheets[0]));
        store(&answers.given, (edge as u32 + 1) | (place << 16));
        sheet.answer(edge)
    }

    /// The sheet that answers an edge for which the one that holds now does not.
    #[inline(never)]
    fn another_sheet(&mut self, edge: Accepted) -> Option<&'s Sheet> {
        let answers = self.answers;
        match answers.sheet_of(edge.at as u32).filter(|sheet| sheet.knows(edge)) {
            Some(sheet) if sheet.holds(edge.at as u32) => Some(sheet),
            Some(_) => {
                self.waiting = self.waiting.map(|waiting| Waiting { ripe: false, ..waiting });
                store(&answers.held_up, 1);
                None
            }
            None => {
                self.close();
                None
            }
        }
    }
}

/// P1's side.
pub(crate) struct Foreseen<'s> {
    answers: &'s Answers,
    /// What P0 told that may matter and that was taken in, modulo 2³¹, with [`OPEN`].
    taken: u32,
    /// What was written to each sheet since it was begun.
    written: [Written; 2],
}

#[derive(Clone, Copy)]
struct Written {
    /// Answers offered, those kept, and their requests.
    offered: usize,
    packets: usize,
    requests: usize,
}

impl Written {
    const NOTHING: Self = Self { offered: 0, packets: 0, requests: 0 };
}

/// Which sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that holds now.
    Now,
    /// The one that holds behind the next time-out.
    Next,
}

impl<'s> Foreseen<'s> {
    pub(crate) const fn new(answers: &'s Answers) -> Self {
        Self { answers, taken: OPEN, written: [Written::NOTHING; 2] }
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

    /// Whether an input leaves the answers as they are, while they are open.
    #[inline(always)]
    pub(crate) fn is_harmless(&self, at: Micros, line: LineId, active: bool) -> bool {
        let sheet = self.answers.sheet_of(at as u32);
        self.is_open() && sheet.is_some_and(|sheet| sheet.leaves_as_is(line, active))
    }

    /// P0 answers nothing from here on. What it has answered before is [`Foreseen::given`].
    #[inline(always)]
    pub(crate) fn close(&self) {
        self.answers.close();
    }

    /// The edge P0 has answered and whose step was not made yet.
    #[inline(always)]
    pub(crate) fn given(&self) -> Option<Given> {
        let word = load(&self.answers.given).checked_sub(1)?;
        let (edge, sheet) = (word & 0xFFFF, (word >> 16) as usize);
        let (line, active) = (LineId((edge / 2) as u8), edge % 2 != 0);
        Some(Given { at: load(&self.answers.given_at), line, active, sheet, told: load(&self.answers.given_told) })
    }

    /// What P0 has answered, request by request, in the order of lines: the program must ask for the same.
    pub(crate) fn answer_to(&self, given: &Given, mut tell: impl FnMut(LineId, Request)) {
        let sheet = &self.answers.sheets[given.sheet % 2];
        match sheet.answer(given.line.index() * 2 + side(given.active)) {
            Some(Answer::Levels { on, off }) => {
                for n in lines(on | off) {
                    let line = LineId(n as u8);
                    tell(line, if on & line.bit() != 0 { Request::On } else { Request::Off });
                }
            }
            Some(Answer::Requests(slots)) => {
                slots.iter().filter_map(unpack_request).for_each(|(line, request)| tell(line, request));
            }
            None => {}
        }
    }

    /// That edge's step was made.
    pub(crate) fn honoured(&self) {
        store(&self.answers.given, 0);
    }

    /// A session begins: which edges make no difference in any of its states.
    pub(crate) fn never_heard(&self, edges: [u32; 2]) {
        for (set, edges) in self.answers.never_heard.iter().zip(edges) {
            store(set, edges);
        }
    }

    fn place(&self, which: Which) -> usize {
        let now = load(&self.answers.now) as usize;
        if which == Which::Now { now } else { 1 - now }
    }

    fn sheet(&self, which: Which) -> &'s Sheet {
        let (now, next) = self.answers.sheets();
        if which == Which::Now { now } else { next }
    }

    /// Begins a sheet with no answer yet, to hold for a span. The edges that make no difference are sets of lines, away from
    /// active and to it.
    pub(crate) fn begin(&mut self, which: Which, span: &Range<Micros>, harmless: [u32; 2]) {
        self.drop(which);
        let sheet = self.sheet(which);
        sheet.known.iter().for_each(|known| store(known, 0));
        self.renew(which, span, harmless);
    }

    /// A sheet holds at no time.
    pub(crate) fn drop(&mut self, which: Which) {
        self.written[self.place(which) % 2] = Written::NOTHING;
        let sheet = self.sheet(which);
        store(&sheet.until, load(&sheet.from));
    }

    /// P0 may answer.
    pub(crate) fn open(&mut self) {
        store(&self.answers.held_up, 0);
        self.answers.allowed.store(self.taken, Ordering::Release);
    }

    /// A sheet holds for another span, and other edges make no difference.
    pub(crate) fn renew(&mut self, which: Which, span: &Range<Micros>, harmless: [u32; 2]) {
        let sheet = self.sheet(which);
        for (set, harmless) in sheet.harmless.iter().zip(harmless) {
            store(set, harmless);
        }
        let until = span.end.min(span.start.saturating_add(SPAN_MAX_US));
        // Whatever P0 sees in between is a part of both, or nothing.
        store(&sheet.from, span.start as u32);
        sheet.until.store(until as u32, Ordering::Release);
    }

    /// Whether P0 waits for a longer span; asked once.
    pub(crate) fn was_held_up(&self) -> bool {
        let held_up = load(&self.answers.held_up) != 0;
        if held_up {
            store(&self.answers.held_up, 0);
        }
        held_up
    }

    /// Whether the next sheet holds from this time on.
    pub(crate) fn goes_on_from(&self, at: Micros) -> bool {
        let sheet = self.sheet(Which::Next);
        self.is_open() && load(&sheet.from) == at as u32 && load(&sheet.until) != at as u32
    }

    /// The next sheet is the one that holds now.
    pub(crate) fn turn(&mut self) {
        self.answers.now.store(1 - load(&self.answers.now), Ordering::Release);
        self.drop(Which::Next);
    }

    /// How many answers a sheet was offered since it was begun.
    pub(crate) fn offered(&self, which: Which) -> usize {
        self.written[self.place(which) % 2].offered
    }

    /// Adds the answer to an edge. One that asks for nothing is left to P1.
    #[inline(never)]
    pub(crate) fn add(&mut self, which: Which, (line, active, answer): (LineId, bool, &[(LineId, Request)])) {
        let sheet = self.sheet(which);
        let place = self.place(which);
        let written = &mut self.written[place % 2];
        written.offered += 1;
        let (Some(packet), Some(at)) =
            (sheet.packets.get(written.packets), sheet.places.get(line.index() * 2 + side(active)))
        else {
            return;
        };
        let (mut on, mut off) = (0, 0);
        for (line, request) in answer {
            match request {
                Request::On => on |= line.bit(),
                Request::Off => off |= line.bit(),
                _ => {}
            }
        }
        let mut requests = 0;
        if (on | off).count_ones() as usize != answer.len() {
            let slots = sheet.requests.get(written.requests..).unwrap_or_default();
            if slots.len() < answer.len() {
                return;
            }
            for (slot, (line, request)) in slots.iter().zip(answer) {
                pack_request(*line, request, slot);
            }
            requests = written.requests as u32 | (answer.len() as u32) << 16;
            written.requests += answer.len();
        }
        if answer.is_empty() {
            return;
        }
        store(&packet.on, on);
        store(&packet.off, off);
        store(&packet.requests, requests);
        at.store(written.packets as u8, Ordering::Relaxed);
        written.packets += 1;
        let known = &sheet.known[side(active)];
        known.store(load(known) | line.bit(), Ordering::Release);
    }
}

/// Whether a count has come as far as another, modulo 2³¹.
const fn is_reached(count: u32, by: u32) -> bool {
    by.wrapping_sub(count) & OPEN >> 1 == 0
}
