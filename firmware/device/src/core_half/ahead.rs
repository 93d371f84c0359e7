//! What P1 does for edges to come: while nothing waits it works out what they lead to, tells P0, and writes records down; and
//! it makes good what P0 has answered, before anything else.

use core::ops::Range;

use link::program::Program;
use link::{LineId, Micros, Record};

use super::recorder::Recorder;
use super::{Core, INPUTS_MAX, Phase, STEPS_MAX, image_words};
use crate::answers::Which;
use crate::board::Preempt;
use crate::messages::{Report, What, matters};
use engine::Given;

/// Reports that make no difference to the engine and may wait for the end of one rehearsal: while many trains have their
/// pulses at once, each would put an end to it and none would ever be done.
const IDLE_MAX: usize = 16;

impl<M: AsRef<[u32]>> Core<'_, M> {
    /// When something may next change, by the program itself or by what was offered to it: no earlier than this.
    pub(super) fn changes_at(&mut self) -> Micros {
        if self.engine.clock() > self.awaited {
            self.awaited = self.engine.offered_at();
        }
        self.engine.own_due().min(self.awaited)
    }

    /// The times at which P0 may answer an edge: nothing else is to be done before, and there is room for what its step
    /// gives.
    #[inline(never)]
    fn span(&mut self) -> Range<Micros> {
        let runs = self.phase == Phase::Running && self.engine.running();
        if !runs || self.end_waits.is_some() || !self.can_surely_step() {
            return 0..0;
        }
        let due = [self.watch.next_due(), self.sampler.may_find_at()];
        let until = due.into_iter().flatten().fold(self.changes_at(), Micros::min);
        self.engine.clock()..until
    }

    /// While nothing waits: gets ready for the next edge, then writes records down, looking up after every small piece.
    #[inline(never)]
    pub(super) fn use_leisure(&mut self, now: Micros, hook: &mut impl Preempt) {
        self.open_answers(hook);
        while self.engine.unprepared() && self.has_leisure(now, hook) {
            self.prepare(hook);
            self.open_answers(hook);
        }
        while self.has_leisure(now, hook) && self.out.write_down(hook) {}
    }

    /// Whether nothing waits, and no sample is due.
    #[inline(always)]
    fn has_leisure(&self, now: Micros, hook: &impl Preempt) -> bool {
        let idle = !self.reports.ready() && !self.has_offered();
        idle && self.sample_at().is_none_or(|due| due > hook.moment(now))
    }

    /// Whether something was offered to the engine that it can handle as soon as its microsecond is closed. It may have come
    /// just behind the moment this poll goes by.
    #[inline(always)]
    pub(super) fn has_offered(&self) -> bool {
        self.engine.offered_at() != Micros::MAX && self.phase == Phase::Running && self.can_surely_step()
    }

    /// Tells P0 all that is known by now.
    #[inline(never)]
    pub(super) fn open_answers(&mut self, hook: &mut impl Preempt) {
        if self.foreseen.is_open() && self.foreseen.is_behind() {
            self.close_answers(hook);
        }
        let span = self.span();
        if span.is_empty() || self.foreseen.given().is_some() {
            self.close_answers(hook);
            return;
        }
        let harmless = self.engine.harmless();
        if self.foreseen.is_open() {
            self.foreseen.renew(Which::Now, &span, harmless);
            if self.foreseen.was_held_up() {
                hook.ordered();
            }
        } else {
            self.foreseen.drop(Which::Next);
            self.foreseen.begin(Which::Now, &span, harmless);
            self.foreseen.open();
        }
        hook.point();
        for answer in self.engine.answers(self.foreseen.offered(Which::Now)) {
            self.foreseen.add(Which::Now, answer);
            hook.point();
        }
        self.foresee_next(hook);
    }

    /// The same of what comes behind the next time-out, unless that arms lines again: an answer would come before.
    fn foresee_next(&mut self, hook: &mut impl Preempt) {
        let Some(mut span) = self.engine.behind().filter(|_| !self.watch.will_rearm()) else {
            return self.foreseen.drop(Which::Next);
        };
        let due = [self.watch.next_due(), self.sampler.may_find_at()];
        span.end = due.into_iter().flatten().fold(span.end, Micros::min);
        if span.is_empty() {
            return self.foreseen.drop(Which::Next);
        }
        let harmless = self.engine.harmless_behind();
        if self.foreseen.goes_on_from(span.start) {
            self.foreseen.renew(Which::Next, &span, harmless);
        } else {
            self.foreseen.begin(Which::Next, &span, harmless);
        }
        hook.point();
        for answer in self.engine.answers_behind(self.foreseen.offered(Which::Next)) {
            self.foreseen.add(Which::Next, answer);
            hook.point();
        }
    }

    /// The step that is due at `at` is made. If P0 knows what holds behind it, it goes on answering; otherwise it answers
    /// nothing from here on, and what it has answered is made good first. Whether there was such a thing.
    pub(super) fn leave_answers(&mut self, at: Micros, hook: &mut impl Preempt) -> bool {
        let behind = at.saturating_add(1);
        let is_foreseen =
            self.engine.behind().is_some_and(|span| span.start == behind) && self.engine.goes_as_foreseen(at);
        let goes_on = is_foreseen && self.foreseen.goes_on_from(behind) && !self.foreseen.is_behind();
        if !goes_on || self.foreseen.given().is_some() {
            return self.close_answers(hook);
        }
        self.foreseen.turn();
        hook.point();
        false
    }

    /// From here on P0 answers nothing; what it has answered is made good first. Whether there was such a thing.
    #[inline(never)]
    pub(super) fn close_answers(&mut self, hook: &mut impl Preempt) -> bool {
        if self.foreseen.is_open() {
            self.foreseen.close();
            hook.point();
        }
        self.honour(hook)
    }

    /// Makes the step of the edge that P0 has answered, and of what came before it; whether there was one.
    #[inline(always)]
    pub(super) fn honour(&mut self, hook: &mut impl Preempt) -> bool {
        self.foreseen.given().is_some() && self.honour_now(hook)
    }

    #[inline(never)]
    fn honour_now(&mut self, hook: &mut impl Preempt) -> bool {
        let Some(given) = self.foreseen.given() else { return false };
        // What P0 told before that edge is no more than edges of outputs and inputs that make no difference.
        let mut inputs = 0;
        while !self.foreseen.has_taken(&given)
            && self.out.can_record(hook)
            && let Some(report) = self.reports.dequeue()
        {
            hook.point();
            if matches!(report.what, What::Input { .. }) {
                inputs += 1;
                if inputs % INPUTS_MAX == 0 {
                    self.step_up_to(report.at.saturating_sub(1), hook);
                }
            }
            if !self.take_plain(report, hook) {
                self.out.contradicted(given.line, hook);
            }
        }
        let clock = self.engine.clock();
        let at = clock.wrapping_add_signed(i64::from(given.at.wrapping_sub(clock as u32).cast_signed()));
        self.step_up_to(at.saturating_sub(1), hook);
        // By what P0 has done, not by what the engine still knows: a step in between may have made it forget.
        self.out.begin_answer();
        self.foreseen.answer_to(&given, |line, request| self.out.note_answer(line, request));
        self.step(at, hook);
        let made = self.engine.clock() > at || !self.engine.running();
        if made {
            self.foreseen.honoured();
        }
        made
    }

    /// Handles what waits up to and with a microsecond: inputs that make no difference, before an edge that was answered.
    #[inline(never)]
    fn step_up_to(&mut self, at: Micros, hook: &mut impl Preempt) {
        for _ in 0..STEPS_MAX {
            if self.engine.next_at().is_none_or(|next| next > at) || !self.step(at, hook) {
                return;
            }
        }
    }

    /// Takes in what P0 reports most, and what may come before an edge it has answered; false if it is something else.
    pub(super) fn take_plain(&mut self, Report { at, what }: Report, hook: &mut impl Preempt) -> bool {
        let record = match what {
            What::Input { line, active } => {
                self.foreseen.took();
                self.readback.changed(at, line, active);
                self.offer_input(at, line, active, hook);
                return true;
            }
            What::Edge { line, on } => {
                self.readback.changed(at, line, on);
                Record::Edge { line, on }
            }
            What::Verdict { line, verdict } => Record::Verdict { line, verdict },
            _ => return false,
        };
        if self.running() {
            self.out.write(at, &record, hook);
        }
        true
    }

    /// Puts an edge into the engine's inbox that P0 has told. If it may change something, P0 knows that too.
    pub(super) fn offer_input(&mut self, at: Micros, line: LineId, active: bool, hook: &mut impl Preempt) {
        let awaited = self.awaited;
        self.put_in(at, Given::Edge { line, active }, hook);
        if self.foreseen.is_harmless(at, line, active) {
            self.awaited = awaited;
        } else {
            self.foreseen.close();
        }
    }

    #[inline(never)]
    fn prepare(&mut self, hook: &mut impl Preempt) {
        let Self { engine, image, out, watch, reports, .. } = self;
        let Some(program) = image.as_ref().map(|image| Program::reopen(image_words(image))) else { return };
        let mut recorder = Recorder { program: &program, out, watch, hook };
        let mut idle = 0;
        engine.prepare(&program, &mut recorder, &mut || {
            while let Some(report) = reports.waiting(idle) {
                if idle == IDLE_MAX || matters(report) {
                    return true;
                }
                idle += 1;
            }
            false
        });
    }
}
