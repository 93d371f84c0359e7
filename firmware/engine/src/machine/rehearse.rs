//! A step that is only rehearsed: taken by the same code as any other, and taken back. See `reflex`.

use core::ops::Range;

use super::{Before, Course, EDGES, Engine, EventId, Halt, Handled, LineId, MAX_REGIONS, Micros, Program, Rehearsal};
use super::{Request, Sink, Step};

impl Engine {
    /// What the program will ask of the outputs if this edge is all that happens in its microsecond, as far as that is
    /// known by now. The microsecond must lie in the [`Engine::quiet`] ones, and nothing else may be left to offer that
    /// belongs into it or before it.
    #[must_use]
    #[inline(always)]
    pub fn foreseen(&self, line: LineId, active: bool) -> Option<&[(LineId, Request)]> {
        self.reflexes.answer(EventId::edge(line, active).index())
    }

    /// The microseconds in which the program does nothing of its own, from the first one not yet closed.
    #[must_use]
    pub fn quiet(&self) -> Range<Micros> {
        self.clock..if self.running { self.inbox.next_at().min(self.next_due) } else { self.clock }
    }

    /// Gets a little readier for the next edge: call it while nothing waits, until it says that nothing is left to do.
    /// `interrupted` is asked every now and then whether something waits after all. Nothing is recorded into `sink`.
    pub fn prepare(&mut self, program: &Program, sink: &mut impl Sink, interrupted: &mut dyn FnMut() -> bool) -> bool {
        if !self.running {
            return false;
        }
        for region in self.regions.iter_mut().take(self.region_count) {
            if region.prepare(program, &self.ears) {
                return true;
            }
        }
        while let Some(edge) = self.reflexes.next() {
            if interrupted() {
                return true;
            }
            if self.is_heard(edge) {
                return self.rehearse(program, EventId(edge), sink, interrupted);
            }
            self.reflexes.done();
        }
        false
    }

    /// Whether [`Engine::prepare`] has anything left to do.
    #[must_use]
    pub fn unprepared(&self) -> bool {
        self.running && self.reflexes.next().is_some()
    }

    /// Whether an active state has a rule for the edge.
    fn is_heard(&self, edge: u16) -> bool {
        let mut regions = self.ears.regions(EventId(edge));
        for region in &self.regions {
            if regions & 1 != 0 && region.answers.any(usize::from(edge)) {
                return true;
            }
            regions >>= 1;
        }
        false
    }

    /// Rehearses one edge; whether anything is left to do.
    #[inline(never)]
    fn rehearse(
        &mut self,
        program: &Program,
        edge: EventId,
        sink: &mut impl Sink,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> bool {
        let before = self.before();
        let mark = self.reflexes.mark();
        let bit = 1_u32.wrapping_shl(u32::from(edge.0 / 2));
        self.levels = if edge.0.is_multiple_of(2) { self.levels & !bit } else { self.levels | bit };
        let at = self.clock;
        let (told, rehearsal) = {
            let mut step = Step::new(self, program, at, sink);
            step.rehearsal = Some(Rehearsal { interrupted, stores: heapless::Vec::new() });
            (step.occur(edge).and_then(|()| step.handle_signals()), step.rehearsal.take())
        };
        let Self { outputs, reflexes, .. } = self;
        let known = told.is_ok() && outputs.foresee(program, |line, request| reflexes.add(line, request));
        if known {
            reflexes.keep(mark);
        } else {
            reflexes.give_up(mark);
        }
        if let Some(rehearsal) = rehearsal {
            for (variable, value) in rehearsal.stores.iter().rev() {
                if let Some(slot) = self.variables.get_mut(usize::from(*variable)) {
                    *slot = *value;
                }
            }
        }
        self.restore(&before);
        if matches!(told, Err(Halt::Interrupted)) {
            return true;
        }
        self.reflexes.done();
        usize::from(edge.0) + 1 < EDGES
    }

    fn before(&self) -> Before {
        let mut courses = [Course::new(); MAX_REGIONS];
        for (slot, region) in courses.iter_mut().zip(&self.regions).take(self.region_count) {
            *slot = region.course();
        }
        Before {
            levels: self.levels,
            outcome: self.trial.outcome,
            generator: self.generator,
            counts: self.outputs.counts(),
            courses,
        }
    }

    fn restore(&mut self, before: &Before) {
        self.levels = before.levels;
        self.trial.outcome = before.outcome;
        self.generator = before.generator;
        self.outputs.restore(before.counts);
        for (region, course) in self.regions.iter_mut().zip(&before.courses).take(self.region_count) {
            region.set_course(*course);
        }
        self.signals.clear();
        self.stack.clear();
    }
}

impl<S: Sink> Step<'_, '_, '_, S> {
    /// Goes on, unless this is only rehearsed and something waits.
    #[inline(always)]
    pub(super) fn go_on(&mut self) -> Handled {
        match &mut self.rehearsal {
            Some(rehearsal) => {
                if (rehearsal.interrupted)() {
                    Err(Halt::Interrupted)
                } else {
                    Ok(())
                }
            }
            None => Ok(()),
        }
    }

    /// What follows is known only when it happens: ends a rehearsal.
    #[inline(always)]
    pub(super) fn must_happen(&self) -> Handled {
        if self.rehearsal.is_some() { Err(Halt::Unforeseeable) } else { Ok(()) }
    }
}
