//! Reflexes: what the program will ask of the outputs when an input changes, worked out before it does.
//!
//! While nothing waits, the engine *rehearses* each edge that some active state listens to: it takes the very step the
//! edge would cause, by the same code, but records nothing, and then puts back what the step has changed. What the step
//! would have asked for is kept. When the edge comes, its answer can be handed out first and the step be taken behind it;
//! an answer then waits no longer for a large program than for a small one.
//!
//! A rehearsal is given up where what it would find could be different when the edge comes: where the step looks at a
//! time or a timer, begins a trial, deals from a deck, lets something fall due in its own microsecond, breaks an
//! invariant, or faults. Then there is no reflex, and the step alone answers. Nothing else can change between a
//! rehearsal and its edge but by another step, and each step that changes anything makes the engine forget its reflexes.
//!
//! This file owns what is kept and what is put back. The step itself stands in `machine`, which asks here whether it is
//! only rehearsed.

use heapless::Vec;
use link::LineId;
use link::limits::{MAX_LINES, MAX_REGIONS};
use link::record::Request;

use crate::ears::EDGES;
use crate::machine::Trial;
use crate::outputs::Counts;
use crate::random::Generator;
use crate::region::{Course, Region};

/// Requests kept for all edges together: no answer has more.
pub const REQUESTS: usize = MAX_LINES / 2;
/// Variables one rehearsed step may set.
const STORES: usize = 16;

/// The answers known by now.
#[derive(Debug)]
pub(crate) struct Reflexes {
    /// The edge to be rehearsed next.
    next: u8,
    /// Edges whose answer is known.
    known: Vec<u8, EDGES>,
    /// Per edge, the first of its requests and how many there are, or that its answer is [`UNKNOWN`].
    spans: [(u8, u8); EDGES],
    requests: Vec<(LineId, Request), REQUESTS>,
    /// The lines of all known answers.
    lines: u32,
    /// Whether a rehearsal asked for the level of an input: then an edge nobody listens to makes a difference.
    pub(crate) heed_levels: bool,
    /// Edges passed over because their line had that level already: away from active and to it, bit *n* for line *n*.
    passed_over: [u32; 2],
}

/// In the place of a count of requests.
const UNKNOWN: u8 = u8::MAX;

impl Reflexes {
    pub(crate) const fn new() -> Self {
        Self {
            next: 0,
            known: Vec::new(),
            spans: [(0, UNKNOWN); EDGES],
            requests: Vec::new(),
            lines: 0,
            heed_levels: false,
            passed_over: [0; 2],
        }
    }

    /// Another step was taken: nothing is known any more.
    #[inline(always)]
    pub(crate) fn forget(&mut self) {
        while let Some(edge) = self.known.pop() {
            self.spans[usize::from(edge) % EDGES].1 = UNKNOWN;
        }
        self.next = 0;
        self.heed_levels = false;
        self.passed_over = [0; 2];
        self.lines = 0;
        self.requests.truncate(0);
    }

    /// The edge to be rehearsed next, by the number of its event.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<u16> {
        (usize::from(self.next) < EDGES).then(|| u16::from(self.next))
    }

    /// So many edges, from that one on, are done with.
    pub(crate) fn pass(&mut self, edges: u32) {
        self.next = self.next.saturating_add(edges as u8).min(EDGES as u8);
    }

    /// Adds to the answer to the edge that is rehearsed; false if there is no room for it.
    pub(crate) fn add(&mut self, line: LineId, request: Request) -> bool {
        self.requests.push((line, request)).is_ok()
    }

    /// Where the answer to the edge that is rehearsed begins.
    pub(crate) fn mark(&self) -> usize {
        self.requests.len()
    }

    /// Takes back what was added since the mark.
    pub(crate) fn give_up(&mut self, mark: usize) {
        self.requests.truncate(mark);
    }

    /// What was added since the mark is the answer.
    pub(crate) fn keep(&mut self, mark: usize) {
        if let Some(span) = self.spans.get_mut(usize::from(self.next)) {
            *span = (mark as u8, (self.requests.len() - mark) as u8);
            self.lines |= self.requests.iter().skip(mark).fold(0, |set, (line, _)| set | line.bit());
            // There are no more edges than places.
            let _ = self.known.push(self.next);
        }
    }

    /// The lines of all known answers.
    pub(crate) const fn lines(&self) -> u32 {
        self.lines
    }

    /// The answers known by now but the first `from`, in the order in which they became known: each with its edge, a line and
    /// whether to active.
    pub(crate) fn answers(&self, from: usize) -> impl Iterator<Item = (LineId, bool, &[(LineId, Request)])> {
        self.known
            .iter()
            .skip(from)
            .map(|edge| (LineId(edge / 2), edge % 2 != 0, self.answer(usize::from(*edge)).unwrap_or_default()))
    }

    /// Whether the answer to an edge is known, by the number of its event.
    pub(crate) fn is_known(&self, edge: u16) -> bool {
        self.spans.get(usize::from(edge)).is_some_and(|(_, count)| *count != UNKNOWN)
    }

    /// Nothing is known, and nothing is to be tried.
    #[inline(always)]
    pub(crate) fn close(&mut self) {
        self.forget();
        self.next = EDGES as u8;
    }

    /// The edge to be rehearsed next cannot come before the other edge of its line.
    pub(crate) fn pass_over(&mut self) {
        self.passed_over[usize::from(self.next % 2)] |= 1_u32.wrapping_shl((self.next / 2).into());
        self.pass(1);
    }

    /// Inputs have these levels now: an edge that was passed over and can come next is to be rehearsed.
    pub(crate) fn heed(&mut self, levels: u32) {
        let [away, to] = self.passed_over;
        if away & levels | to & !levels != 0 {
            self.passed_over = [0; 2];
            self.try_again();
        }
    }

    /// What was given up for a reason that is gone may be tried again.
    pub(crate) fn try_again(&mut self) {
        self.next = 0;
    }

    /// The answer to an edge, by the number of its event, if it is known.
    #[inline(always)]
    pub(crate) fn answer(&self, edge: usize) -> Option<&[(LineId, Request)]> {
        let (first, count) = *self.spans.get(edge)?;
        if count == UNKNOWN {
            return None;
        }
        self.requests.get(usize::from(first)..usize::from(first).wrapping_add(usize::from(count)))
    }
}

/// What a rehearsed step may change, as it is at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    levels: u32,
    trial: Trial,
    generator: Generator,
    counts: Counts,
    courses: [Course; MAX_REGIONS],
    /// Variables that the step sets, each with what it holds at this moment, in order.
    pub(crate) stores: Vec<(u16, i64), STORES>,
}

/// The parts of the engine a moment is made of.
pub(crate) struct Parts<'e> {
    pub(crate) levels: &'e mut u32,
    pub(crate) trial: &'e mut Trial,
    pub(crate) generator: &'e mut Generator,
    pub(crate) counts: &'e mut Counts,
    pub(crate) regions: &'e mut [Region],
}

impl Moment {
    pub(crate) const fn new() -> Self {
        Self {
            levels: 0,
            trial: Trial { number: 0, began: 0, outcome: None },
            generator: Generator::new(0),
            counts: Counts::NONE,
            courses: [Course::new(); MAX_REGIONS],
            stores: Vec::new(),
        }
    }

    /// Keeps how things are now; no variable has been set yet.
    pub(crate) fn keep(&mut self, now: Parts) {
        (self.levels, self.trial, self.generator) = (*now.levels, *now.trial, *now.generator);
        self.counts.clone_from(now.counts);
        for (kept, region) in self.courses.iter_mut().zip(now.regions) {
            kept.clone_from(region.course());
        }
        self.stores.clear();
    }

    /// Whether a state is active that has a `when`.
    pub(crate) fn has_whens(&self) -> bool {
        self.courses.iter().any(Course::has_whens)
    }

    /// Makes all but variables as it was.
    pub(crate) fn bring_back(&self, now: Parts) {
        *now.levels = self.levels;
        self.bring_about(now, |_| true);
    }

    /// Makes it so, in the regions asked for; variables and levels of inputs are left alone.
    pub(crate) fn bring_about(&self, now: Parts, mut touched: impl FnMut(usize) -> bool) {
        (*now.trial, *now.generator) = (self.trial, self.generator);
        now.counts.clone_from(&self.counts);
        for (index, (kept, region)) in self.courses.iter().zip(now.regions).enumerate() {
            if touched(index) {
                region.set_course(kept);
            }
        }
    }
}

/// A rehearsal under way.
pub(crate) struct Rehearsal<'r> {
    /// Whether what it does is kept, because it is the step of a time-out.
    pub(crate) ahead: bool,
    /// Whether something waits that matters more.
    pub(crate) interrupted: &'r mut dyn FnMut() -> bool,
}
