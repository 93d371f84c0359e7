//! What edges will lead to behind the next time-out, worked out before that is due: an edge that comes while the time-out's
//! step is still being made good need not wait for it.
//!
//! Everything is put as it will be, each edge is rehearsed as any other, and everything is put back. An answer that
//! concerns a line the time-out itself writes to, or one on which a train plays, is given up: the order in which the line
//! is asked for things must stay the program's.

use core::ops::Range;

use super::{Engine, EventId, Halt, LineId, Micros, NEVER, Parts, Program, Request, Sink};
use crate::reflex::Reflexes;

/// What is known of the edges behind the next time-out.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(super) reflexes: Reflexes,
    /// The edges that will be heard, bit *n* for edge *n*.
    heard: u64,
    /// Lines that no answer may concern.
    taken: u32,
    /// When the program does something of its own again, at the earliest.
    until: Micros,
}

impl Behind {
    pub(crate) const fn new() -> Self {
        Self { reflexes: Reflexes::new(), heard: 0, taken: 0, until: 0 }
    }

    /// Nothing is known, and nothing is to be tried.
    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.reflexes.close();
        self.until = 0;
    }

    /// The edge to be rehearsed next, by the number of its event.
    pub(super) fn next(&mut self) -> Option<u16> {
        let edge = self.reflexes.next()?;
        let heard = self.heard >> edge;
        if heard & 1 == 0 {
            self.reflexes.pass(heard.trailing_zeros());
        }
        self.reflexes.next()
    }
}

impl Engine {
    /// The microseconds behind the next time-out for which [`Engine::answers_behind`] hold, if that time-out's step is known:
    /// until the program may do something of its own again.
    #[must_use]
    pub fn behind(&self) -> Option<Range<Micros>> {
        let at = self.own_due();
        let known = self.running && self.ahead.is_known(at);
        Some(at.saturating_add(1)..self.behind.until).filter(|span| known && !span.is_empty())
    }

    /// As [`Engine::answers`], of edges behind the next time-out.
    pub fn answers_behind(&self, from: usize) -> impl Iterator<Item = (LineId, bool, &[(LineId, Request)])> {
        self.behind.reflexes.answers(from)
    }

    /// As [`Engine::harmless`], of edges behind the next time-out.
    #[must_use]
    pub fn harmless_behind(&self) -> [u32; 2] {
        let asks_anew = self.ears.whens_heed_edges && self.ahead.after.has_whens();
        if self.behind.reflexes.heed_levels || asks_anew { [0; 2] } else { super::rehearse::unheard(self.behind.heard) }
    }

    /// The step of the next time-out is known: looks whether anything can be said of what comes behind it.
    pub(super) fn open_behind(&mut self, program: &Program) {
        let at = self.ahead.at;
        let written = self.ahead.pending.iter().fold(0, |set, (line, ..)| set | line.bit());
        let taken = written | self.outputs.playing();
        self.behind.close();
        if !self.ahead.timers.is_empty() || taken & self.ears.heard_ends != 0 || taken != 0 && self.ears.any_whens {
            return;
        }
        let mut until = self.timers.next_due();
        for region in self.regions.iter().take(self.region_count) {
            until = until.min(region.next_behind(at));
        }
        let started = self.ahead.deadlines.iter().map(|(_, deadline)| deadline.due);
        self.behind.until = started.fold(until, Micros::min).min(NEVER - 1);
        self.behind.taken = taken;
        self.behind.reflexes.forget();
        self.go_behind(program);
        self.behind.heard = self.heard();
        self.undo();
        self.come_back(program);
    }

    /// Rehearses one edge behind the next time-out.
    #[inline(never)]
    pub(super) fn rehearse_behind(
        &mut self,
        program: &Program,
        edge: EventId,
        sink: &mut impl Sink,
        interrupted: &mut dyn FnMut() -> bool,
    ) {
        self.go_behind(program);
        core::mem::swap(&mut self.reflexes, &mut self.behind.reflexes);
        let (at, taken) = (self.ahead.at.saturating_add(1), self.behind.taken);
        let told = self.rehearse_here(program, edge, at, taken, sink, interrupted);
        if !matches!(told, Err(Halt::Interrupted)) {
            self.reflexes.pass(1);
        }
        core::mem::swap(&mut self.reflexes, &mut self.behind.reflexes);
        self.undo();
        self.come_back(program);
    }

    /// Puts everything as the time-out will leave it. [`Engine::undo`] and then [`Engine::come_back`] put it back.
    fn go_behind(&mut self, program: &Program) {
        self.keep_before();
        let Self { levels, trial, generator, outputs, regions, region_count, ahead, variables, ears, .. } = self;
        let regions = regions.get_mut(..*region_count).unwrap_or_default();
        ahead.after.bring_about(Parts { levels, trial, generator, counts: outputs.counts(), regions }, |_| true);
        for (variable, value) in &mut ahead.after.stores {
            if let Some(slot) = variables.get_mut(usize::from(*variable)) {
                core::mem::swap(slot, value);
            }
        }
        for (region, _) in regions.iter_mut().zip(&ahead.turns).filter(|(_, turn)| turn.any()) {
            region.set_stale();
            region.prepare(program, ears);
        }
    }

    fn come_back(&mut self, program: &Program) {
        let Self { regions, region_count, ahead, variables, ears, .. } = self;
        for (variable, value) in ahead.after.stores.iter_mut().rev() {
            if let Some(slot) = variables.get_mut(usize::from(*variable)) {
                core::mem::swap(slot, value);
            }
        }
        let regions = regions.get_mut(..*region_count).unwrap_or_default();
        for (region, _) in regions.iter_mut().zip(&ahead.turns).filter(|(_, turn)| turn.any()) {
            region.set_stale();
            region.prepare(program, ears);
        }
    }
}
