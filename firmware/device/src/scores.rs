//! The pulses of the program's lists, where P0 finds them: P1 lays them out before a session begins, P0 reads them pulse by
//! pulse. Words that are loaded and stored; whoever begins a session tells P0 so by an order behind them.

use core::sync::atomic::{AtomicU32, Ordering};

use link::limits::MAX_LIST_PULSES;
use link::program::Program;
use link::pulses::ListPulse;

/// Distance and width of each pulse.
#[derive(Debug)]
pub(crate) struct Scores {
    pulses: [[AtomicU32; 2]; MAX_LIST_PULSES],
}

impl Scores {
    pub(crate) const fn new() -> Self {
        Self { pulses: [const { [AtomicU32::new(0), AtomicU32::new(0)] }; MAX_LIST_PULSES] }
    }

    /// Lays out the lists of a program. P1's.
    pub(crate) fn take_up(&self, program: &Program<'_>) {
        for (place, [distance, width]) in self.pulses.iter().enumerate() {
            let pulse = ListPulse::of(program, place);
            distance.store(pulse.distance_us, Ordering::Relaxed);
            width.store(pulse.width_us, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(crate) fn put(&self, place: u16, pulse: ListPulse) {
        let [distance, width] = &self.pulses[usize::from(place)];
        distance.store(pulse.distance_us, Ordering::Relaxed);
        width.store(pulse.width_us, Ordering::Relaxed);
    }

    /// The pulse at a place. One that has no width lasts 1 µs: no checked program has any.
    pub(crate) fn pulse(&self, place: u16) -> ListPulse {
        let [distance_us, width_us] = self
            .pulses
            .get(usize::from(place))
            .map_or([0; 2], |pulse| pulse.each_ref().map(|word| word.load(Ordering::Relaxed)));
        ListPulse { distance_us, width_us: width_us.max(1) }
    }
}
