//! A step that is only rehearsed: taken by the same code as any other, and taken back. See `reflex`.

use super::{Engine, EventId, Halt, Handled, LineId, Micros, Parts, Program, Region, Rehearsal};
use super::{Request, Sink, Step};

impl Engine {
    /// What the program will ask of the outputs if this edge is all that happens in its microsecond, as far as that is
    /// known by now. That must come before [`Engine::own_due`], and nothing that may make a difference may be left to
    /// handle or to offer in it or before it.
    #[must_use]
    #[inline(always)]
    pub fn foreseen(&self, line: LineId, active: bool) -> Option<&[(LineId, Request)]> {
        self.reflexes.answer(EventId::edge(line, active).index())
    }

    /// All answers known by now but the first `from`, in the order in which they became known: each with its edge, a line and
    /// whether to active. A step that changes anything makes an end of them.
    pub fn answers(&self, from: usize) -> impl Iterator<Item = (LineId, bool, &[(LineId, Request)])> {
        self.reflexes.answers(from)
    }

    /// The edges that make no difference as things are, whenever they come: lines whose change away from active does not,
    /// and lines whose change to active does not, bit *n* for line *n*. Any other may make one.
    #[must_use]
    pub fn harmless(&self) -> [u32; 2] {
        let regions = self.regions.get(..self.region_count).unwrap_or_default();
        let asks_anew = self.ears.whens_heed_edges && regions.iter().any(|region| region.whens() != 0);
        if self.reflexes.heed_levels || asks_anew || regions.iter().any(Region::is_stale) {
            return [0; 2];
        }
        unheard(self.heard())
    }

    /// The edges that make no difference in any state the program has, told as [`Engine::harmless`] does. What else falls into
    /// their microsecond goes as it would alone.
    #[must_use]
    pub fn never_heard(&self) -> [u32; 2] {
        self.ears.heard_edges.map(|heard| !heard)
    }

    /// When the program next does something of its own that may make a difference to what edges lead to; [`Micros::MAX`] if it
    /// never will. A train may end before.
    #[must_use]
    pub fn own_due(&self) -> Micros {
        if self.ends_matter(self.outputs.playing()) { self.next_due } else { self.rest_due }
    }

    /// Whether it may make a difference to what is foreseen that the trains on these lines end.
    pub(super) fn ends_matter(&self, lines: u32) -> bool {
        lines != 0 && (self.ears.any_whens || lines & (self.ears.heard_ends | self.reflexes.lines()) != 0)
    }

    /// When the next thing is handled that was offered; [`Micros::MAX`] if none is left.
    #[must_use]
    #[inline(always)]
    pub fn offered_at(&self) -> Micros {
        self.inbox.next_at()
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
            let heard = self.heard() >> edge;
            if heard & 1 == 0 {
                self.reflexes.pass(heard.trailing_zeros());
            } else if self.reflexes.is_known(edge) {
                self.reflexes.pass(1);
            } else if self.levels.wrapping_shr(u32::from(edge / 2)) & 1 == u32::from(edge % 2) {
                self.reflexes.pass_over();
            } else {
                self.rehearse(program, EventId(edge), sink, interrupted);
                return self.unprepared();
            }
        }
        if self.ahead.is_open() {
            self.look_ahead(program, sink, interrupted);
        } else if let Some(edge) = self.behind.next()
            && !interrupted()
        {
            self.rehearse_behind(program, EventId(edge), sink, interrupted);
        }
        self.unprepared()
    }

    /// Whether [`Engine::prepare`] has anything left to do.
    #[must_use]
    pub fn unprepared(&self) -> bool {
        let behind = self.behind.reflexes.next();
        self.running && (self.reflexes.next().is_some() || self.ahead.is_open() || behind.is_some())
    }

    /// The edges an active state has a rule for, bit *n* for edge *n*.
    pub(super) fn heard(&self) -> u64 {
        self.regions.iter().take(self.region_count).fold(0, |heard, region| heard | region.answers.heard)
    }

    /// Rehearses one edge.
    #[inline(never)]
    fn rehearse(
        &mut self,
        program: &Program,
        edge: EventId,
        sink: &mut impl Sink,
        interrupted: &mut dyn FnMut() -> bool,
    ) {
        self.keep_before();
        let told = self.rehearse_here(program, edge, self.clock, 0, sink, interrupted);
        self.undo();
        if !matches!(told, Err(Halt::Interrupted)) {
            self.reflexes.pass(1);
        }
    }

    /// Takes the step of an edge at `at`, as everything is, and keeps its answer unless that concerns a line of `taken`.
    #[inline(never)]
    pub(super) fn rehearse_here(
        &mut self,
        program: &Program,
        edge: EventId,
        at: Micros,
        taken: u32,
        sink: &mut impl Sink,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Handled {
        let mark = self.reflexes.mark();
        let bit = 1_u32.wrapping_shl(u32::from(edge.0 / 2));
        self.levels = if edge.0.is_multiple_of(2) { self.levels & !bit } else { self.levels | bit };
        let mut step = Step::new(self, program, at, sink);
        step.rehearsal = Some(Rehearsal { ahead: false, interrupted });
        let told = step.occur(edge).and_then(|()| step.handle_signals());
        let Self { outputs, reflexes, .. } = self;
        // Even a write that would ask for nothing now may ask for something then.
        let concerns = outputs.written() & taken != 0;
        let known = told.is_ok() && !concerns && outputs.foresee(program, |line, request| reflexes.add(line, request));
        if known {
            reflexes.keep(mark);
        } else {
            reflexes.give_up(mark);
        }
        told
    }

    /// A rehearsal begins.
    pub(super) fn keep_before(&mut self) {
        let Self { levels, trial, generator, outputs, regions, region_count, before, .. } = self;
        let regions = regions.get_mut(..*region_count).unwrap_or_default();
        before.keep(Parts { levels, trial, generator, counts: outputs.counts(), regions });
    }

    /// A rehearsal is over: everything is as it was. The values that variables had are kept in place of those they were
    /// given.
    pub(super) fn undo(&mut self) {
        let Self { levels, trial, generator, outputs, regions, region_count, before, variables, .. } = self;
        for (variable, value) in before.stores.iter_mut().rev() {
            if let Some(slot) = variables.get_mut(usize::from(*variable)) {
                core::mem::swap(slot, value);
            }
        }
        outputs.unwrite();
        let regions = regions.get_mut(..*region_count).unwrap_or_default();
        before.bring_back(Parts { levels, trial, generator, counts: outputs.counts(), regions });
        self.signals.clear();
        self.stack.clear();
    }
}

/// The edges of which none is heard, away from active and to it, by line.
pub(super) fn unheard(heard: u64) -> [u32; 2] {
    [!every_other(heard), !every_other(heard >> 1)]
}

/// The even bits of a set, drawn together.
#[inline(always)]
fn every_other(set: u64) -> u32 {
    let mut rest = set & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        rest = (rest | rest >> shift) & mask;
    }
    rest as u32
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

    /// What follows depends on when it happens, which is known of a time-out and not of an edge.
    #[inline(always)]
    pub(super) fn needs_time(&self) -> Handled {
        if self.rehearses_edge() { Err(Halt::Unforeseeable) } else { Ok(()) }
    }

    /// Whether this is the rehearsal of an edge.
    #[inline(always)]
    pub(super) fn rehearses_edge(&self) -> bool {
        self.rehearsal.as_ref().is_some_and(|rehearsal| !rehearsal.ahead)
    }
}
