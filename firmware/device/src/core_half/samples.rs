//! P1's part in sampling: when samples are due, and that what detectors find reaches the engine as an input does, stamped with
//! the time of the sample that shows it.

use engine::Given;
use link::Micros;

use super::{Core, Phase};
use crate::board::Preempt;
use crate::sense::Edges;

impl<M: AsRef<[u32]>> Core<'_, M> {
    /// When [`Core::sample`] is due next, while a session runs and its rig has a line to be sampled.
    #[must_use]
    #[inline]
    pub fn sample_at(&self) -> Option<Micros> {
        if self.samples() { self.sampler.due() } else { None }
    }

    /// Takes one sample of every sampled line, at `now`. The body calls this at P1's level as soon as
    /// [`Core::sample_at`] has come, before [`Core::poll`] of the same time, so that nothing found comes late; `read` gives
    /// the raw value of an analog pin, 0 to [`link::rig::ANALOG_MAX`], as it is now. Encoders are read here.
    pub fn sample(&mut self, now: Micros, mut read: impl FnMut(u8) -> u16, hook: &mut impl Preempt) {
        if self.sample_at().is_none_or(|due| due > now) {
            return;
        }
        let at = self.sampler.stamp(now);
        let mut edges = Edges::new();
        for place in 0..self.sampler.lines() {
            let Self { sampler, out, .. } = self;
            sampler.sample(place, at, &mut read, &mut edges, |at, record| out.write(at, &record, hook));
            for &(line, active) in &edges {
                self.readback.changed(at, line, active);
                self.offer(at, Given::Edge { line, active }, hook);
            }
        }
        if self.foreseen.is_open() {
            self.open_answers(hook);
        }
    }

    /// A session that ends for want of memory leaves what is left of it to its last records.
    fn samples(&self) -> bool {
        self.phase == Phase::Running && self.engine.running() && !self.ring_full
    }

    /// Writes the samples that wait for their block to fill.
    pub(super) fn flush_samples(&mut self, hook: &mut impl Preempt) {
        let Self { sampler, out, .. } = self;
        sampler.flush(|at, record| out.write(at, &record, hook));
    }
}
