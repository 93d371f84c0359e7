//! The step of the next time-out, taken beforehand by the same code as any other and taken back; and made good when its time
//! has come. See `ahead`.

use super::{Engine, Halt, Handled, MAX_DEPTH, MAX_REGIONS, Micros, NEVER, Parts, Program, Rehearsal, Sink, Step};

impl Engine {
    /// When the next time-out is due, if all it does is known beforehand.
    #[must_use]
    pub fn foreseen_at(&self) -> Option<Micros> {
        self.ahead.is_known(self.next_due).then_some(self.next_due).filter(|_| self.running)
    }

    /// Whether all that happens at `at` is what was foreseen: nothing was offered for it, and no train ends in it.
    #[inline(never)]
    pub fn goes_as_foreseen(&mut self, at: Micros) -> bool {
        self.ahead.is_known(at) && self.inbox.next_at() > at && self.outputs.next_due() > at
    }

    /// Works out what the next time-out does, unless it is interrupted.
    #[inline(never)]
    pub(super) fn look_ahead(
        &mut self,
        program: &Program,
        sink: &mut impl Sink,
        interrupted: &mut dyn FnMut() -> bool,
    ) {
        let at = self.own_due();
        let Some(region) = self.next_time_out(at) else { return self.ahead.close() };
        self.keep_before();
        self.ahead.begin(at, region as u8);
        self.decks.keep_changes(true);
        let mut step = Step::new(self, program, at, sink);
        step.rehearsal = Some(Rehearsal { ahead: true, interrupted });
        let told = step.time_outs(region);
        self.decks.keep_changes(false);
        self.decks.undo();
        if told.is_ok() {
            self.keep_after();
        }
        self.undo();
        if told.is_ok() {
            self.ahead.after.stores.clone_from(&self.before.stores);
        }
        match told {
            Ok(()) if self.has_room_for_time_outs() => {
                self.ahead.complete();
                if self.ahead.is_known(at) {
                    self.open_behind(program);
                }
            }
            Err(Halt::Interrupted) => {}
            _ => self.ahead.close(),
        }
    }

    /// The rehearsal has come to its end: what it leads to, but for variables.
    fn keep_after(&mut self) {
        let Self { levels, trial, generator, outputs, regions, region_count, ahead, .. } = self;
        outputs.pending(|pending| ahead.write(pending));
        let regions = regions.get_mut(..*region_count).unwrap_or_default();
        ahead.after.keep(Parts { levels, trial, generator, counts: outputs.counts(), regions });
    }

    /// The region whose time-outs are due at `at`, if nothing else is due then that may make a difference.
    fn next_time_out(&mut self, at: Micros) -> Option<usize> {
        if at == NEVER || self.timers.next_due() <= at || self.outputs.next_due() == at {
            return None;
        }
        let mut due = (0..self.region_count).filter(|region| self.regions[region % MAX_REGIONS].next_due() <= at);
        let only = due.next();
        if due.next().is_some() { None } else { only }
    }

    fn has_room_for_time_outs(&self) -> bool {
        self.regions.iter().all(|region| region.room() >= self.ahead.deadlines.len())
    }
}

impl<S: Sink> Step<'_, '_, '_, S> {
    /// All time-outs of a region that are due, one after the other, as far as none makes an end of the next.
    fn time_outs(&mut self, region: usize) -> Handled {
        let (at, mut last, mut depth) = (self.at, None, u8::MAX);
        while let Some(deadline) = self.region(region).due_behind(last, at, depth) {
            self.time_out(region, deadline)?;
            self.follow_whens()?;
            self.handle_signals()?;
            last = Some(deadline);
            depth = self.engine.ahead.turns.get(region).map_or(0, |turn| turn.left);
        }
        Ok(())
    }

    /// Makes good what was worked out for this microsecond. Outputs are asked for behind it, as in every step.
    pub(super) fn redo(&mut self) -> Handled {
        (self.changed, self.foreseen) = (true, true);
        let Engine { ahead, levels, regions, variables, outputs, timers, decks, trial, generator, .. } =
            &mut *self.engine;
        let (turns, counts) = (&ahead.turns, outputs.counts());
        ahead.after.bring_about(Parts { levels, trial, generator, counts, regions: &mut *regions }, |region| {
            turns.get(region).is_some_and(|turn| turn.any())
        });
        for (region, turn) in regions.iter_mut().zip(turns).filter(|(_, turn)| turn.any()) {
            region.disarm(turn.left);
            region.set_stale();
            for depth in (0..MAX_DEPTH as u8).filter(|depth| turn.entered & (1 << depth) != 0) {
                region.begin(depth, self.at);
            }
        }
        // What is still due has been handled: nothing else was when it was looked at, and nothing has happened since.
        if let Some(region) = regions.get_mut(usize::from(ahead.region)) {
            while region.take_due(self.at).is_some() {}
        }
        for (region, deadline) in &ahead.deadlines {
            if let Some(region) = regions.get_mut(usize::from(*region)) {
                region.arm(*deadline)?;
            }
        }
        for (variable, value) in &ahead.after.stores {
            if let Some(slot) = variables.get_mut(usize::from(*variable)) {
                *slot = *value;
            }
        }
        for (op, duration) in &ahead.timers {
            timers.obey(*op, self.at, *duration)?;
        }
        decks.redo();
        for pending in &ahead.pending {
            outputs.write_pending(*pending);
        }
        for record in &ahead.records {
            self.sink.record(self.at, *record);
        }
        Ok(())
    }
}
