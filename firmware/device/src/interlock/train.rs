//! One pulse train on its grid: when the next edge is due. Knows no pin.
//!
//! Rising edges lie on a grid of whole microseconds that begins at the first of them as it happened at the pin. A pulse
//! is as wide as asked from its own rising edge at the pin; if that edge came late, its falling edge moves with it, but
//! never onto the next rise (unless nothing would be left of it). So no lateness is carried from one pulse to the next; but
//! on a line that must be off for some time between two, the next rise waits for that.
//!
//! Pulses lie evenly, in bursts, or as a list has them; and their power may change from each to the next.

use link::Micros;
use link::record::{Carrier, Train, Wave};

use crate::board::Sound;
use crate::scores::Scores;

/// A train under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pulses {
    /// The next edge.
    due: Micros,
    /// Whether that edge rises.
    rises: bool,
    /// When the pulse after the running one rises.
    next_rise: Micros,
    width_us: u32,
    period_us: u32,
    /// How long the line must be off between two pulses; at least 1.
    gap_us: u32,
    /// Pulses that have not risen yet.
    left: u32,
    first: bool,
    /// Pulses of this burst that have not risen yet.
    of_burst: u16,
    /// What its pulses are filled with and how they follow one another. In a ramp the power, and in a list the place, are those
    /// of the next pulse to rise; its distance to the one behind it stands in `period_us`, its width in `width_us`.
    carrier: Option<Carrier>,
}

/// What an edge of a train leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// On from now.
    Rise,
    /// Off from now.
    Fall,
    /// Off from now, and the train is over.
    End,
}

/// The train with pulses that touch one another joined, so that each pulse that is left is one at the pin; none if it has no
/// pulse at all.
pub(crate) fn joined(train: &Train) -> Option<(Train, Micros)> {
    if train.count == 0 || train.width_us == 0 {
        return None;
    }
    if train.count == 1
        || train.width_us < train.period_us
        || matches!(train.carrier, Some(Carrier { wave: Wave::List { .. }, .. }))
    {
        return Some((*train, Micros::from(train.width_us)));
    }
    let on_us = train.length_us().saturating_sub(Micros::from(train.delay_us));
    let width_us = u32::try_from(on_us).unwrap_or(u32::MAX);
    Some((Train { width_us, count: 1, ..*train }, on_us))
}

impl Pulses {
    /// No train.
    pub(crate) const NONE: Self = Self {
        due: Micros::MAX,
        rises: false,
        next_rise: 0,
        width_us: 0,
        period_us: 0,
        gap_us: 1,
        left: 0,
        first: false,
        of_burst: 0,
        carrier: None,
    };

    /// A train taken up at `now`, on a line that must be off for so long between two pulses.
    pub(crate) fn new(now: Micros, train: &Train, min_off_us: u32, scores: &Scores) -> Self {
        let due = now.saturating_add(Micros::from(train.delay_us));
        let mut pulses = Self {
            due,
            rises: true,
            next_rise: due,
            width_us: train.width_us,
            period_us: train.period_us,
            gap_us: min_off_us.max(1),
            left: train.count,
            first: true,
            of_burst: 0,
            carrier: train.carrier,
        };
        if let Some(Carrier { wave: Wave::Bursts { pulses: of_burst, .. }, .. }) = train.carrier {
            pulses.of_burst = of_burst;
        }
        pulses.look_up(scores);
        pulses
    }

    /// What the next pulse is, if a list says it.
    #[inline]
    fn look_up(&mut self, scores: &Scores) {
        if let Some(Carrier { wave: Wave::List { first, .. }, .. }) = self.carrier {
            let pulse = scores.pulse(first);
            (self.period_us, self.width_us) = (pulse.distance_us, pulse.width_us);
        }
    }

    /// From the rise of the next pulse to that of the one after it.
    #[inline(never)]
    const fn distance_us(&self) -> u32 {
        match self.carrier {
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. }) if self.of_burst <= 1 => {
                let within_us = self.period_us.saturating_mul((pulses as u32).saturating_sub(1));
                interval_us.saturating_sub(within_us)
            }
            _ => self.period_us,
        }
    }

    /// A pulse has risen: where in its course the next one stands.
    #[inline]
    fn go_on(&mut self) {
        let Some(Carrier { wave, level_cdb: power_ppm, .. }) = &mut self.carrier else { return };
        match wave {
            Wave::Ramp { step_ppm } => *power_ppm = power_ppm.saturating_add(*step_ppm),
            Wave::Bursts { pulses, .. } => self.of_burst = if self.of_burst <= 1 { *pulses } else { self.of_burst - 1 },
            Wave::List { first, .. } => *first = first.saturating_add(1),
            _ => {}
        }
    }

    /// The power of the next pulse, where that is not the power of the one before.
    #[inline]
    pub(crate) const fn changed_power_ppm(&self) -> Option<i32> {
        match self.carrier {
            Some(Carrier { wave: Wave::Ramp { .. }, level_cdb: power_ppm, .. }) if self.left != 0 => Some(power_ppm),
            _ => None,
        }
    }

    /// Whether its pulses lie evenly.
    const fn is_even(&self) -> bool {
        !matches!(self.carrier, Some(Carrier { wave: Wave::Bursts { .. } | Wave::List { .. }, .. }))
    }

    /// When its next edge is due.
    pub(crate) const fn due(&self) -> Micros {
        self.due
    }

    /// Whether its next edge rises.
    pub(crate) const fn rises(&self) -> bool {
        self.rises
    }

    /// What its pulses are filled with.
    pub(crate) fn sound(&self) -> Option<Sound> {
        let Carrier { wave, amplitude, ramp_us, .. } = self.carrier?;
        // A powered line has its power already.
        if !matches!(wave, Wave::Sine { .. } | Wave::Noise | Wave::Sweep { .. }) {
            return None;
        }
        Some(Sound { wave, amplitude, ramp_us, length_us: self.width_us })
    }

    /// Whether a rise at `now` comes so late that the pulse after it is due as well: pulses would be left out.
    pub(crate) fn overrun(&self, now: Micros) -> bool {
        self.rises && self.left > 1 && !self.first && now >= self.overruns_at()
    }

    /// The earliest time at which that may be so.
    pub(crate) fn overruns_at(&self) -> Micros {
        self.due.saturating_add(Micros::from(self.distance_us()))
    }

    /// Leaves out the pulses that cannot be made any more.
    pub(crate) fn skip(&mut self, now: Micros) {
        // What lies unevenly is made behind its time instead.
        if self.overrun(now) && self.is_even() {
            // Only ever after a trip for lateness, so the division is of no weight.
            let behind = now.saturating_sub(self.due) / Micros::from(self.period_us.max(1));
            let skipped = u32::try_from(behind).unwrap_or(u32::MAX).min(self.left.saturating_sub(1));
            self.left = self.left.saturating_sub(skipped);
            let moved = Micros::from(skipped).saturating_mul(Micros::from(self.period_us));
            self.due = self.due.saturating_add(moved);
            self.next_rise = self.due;
        }
    }

    /// When the edge after the one that is due will be, if that one is made at `now`.
    #[inline]
    pub(crate) fn after(&self, now: Micros) -> Option<Micros> {
        if self.rises {
            let next_rise = if self.first { now } else { self.next_rise };
            let next_rise = next_rise.saturating_add(Micros::from(self.distance_us()));
            Some(self.fall(now, next_rise, self.left.saturating_sub(1)))
        } else {
            // A pulse of another power is not foretold before that is set.
            (self.left != 0 && self.changed_power_ppm().is_none()).then(|| self.rise_after(now))
        }
    }

    /// When a pulse falls that rises at `now`.
    #[inline]
    fn fall(&self, now: Micros, next_rise: Micros, left: u32) -> Micros {
        let fall = now.saturating_add(Micros::from(self.width_us));
        if left == 0 || self.gap_us > 1 {
            fall
        } else {
            fall.min(next_rise.saturating_sub(1)).max(now.saturating_add(1))
        }
    }

    /// When a pulse rises after one that fell at `now`.
    #[inline]
    fn rise_after(&self, now: Micros) -> Micros {
        self.next_rise.max(now.saturating_add(Micros::from(self.gap_us)))
    }

    /// Makes the edge that is due, at `now`.
    pub(crate) fn step(&mut self, now: Micros, scores: &Scores) -> Step {
        if self.rises {
            if self.first {
                self.first = false;
                self.next_rise = now;
            }
            self.left = self.left.saturating_sub(1);
            self.next_rise = self.next_rise.saturating_add(Micros::from(self.distance_us()));
            self.due = self.fall(now, self.next_rise, self.left);
            self.rises = false;
            self.go_on();
            Step::Rise
        } else if self.left == 0 {
            Step::End
        } else {
            self.due = self.rise_after(now);
            self.rises = true;
            self.look_up(scores);
            Step::Fall
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(width_us: u32, period_us: u32, count: u32) -> Train {
        Train { delay_us: 0, width_us, period_us, count, carrier: None }
    }

    #[test]
    fn pulses_that_touch_are_one() {
        assert_eq!(joined(&train(10, 10, 3)), Some((train(30, 10, 1), 30)));
        assert_eq!(joined(&train(9, 10, 3)), Some((train(9, 10, 3), 9)), "a gap of 1 µs keeps them apart");
        assert_eq!(joined(&train(10, 1, 1)), Some((train(10, 1, 1), 10)), "a single pulse has no period to touch");
        assert_eq!(joined(&train(10, 20, 0)), None);
        assert_eq!(joined(&train(0, 20, 5)), None);
    }

    #[test]
    fn pulses_that_cannot_be_made_any_more_are_left_out_and_the_grid_stays() {
        let mut pulses = Pulses::new(1_000, &train(10, 100, 6), 0, &Scores::new());
        assert_eq!((pulses.step(1_000, &Scores::new()), pulses.due()), (Step::Rise, 1_010));
        assert_eq!((pulses.step(1_010, &Scores::new()), pulses.due()), (Step::Fall, 1_100));
        assert!(!pulses.overrun(1_199), "late, but before the next one is due");
        assert!(pulses.overrun(1_200), "the next one is due as well");
        pulses.skip(1_350);
        assert_eq!(pulses.due(), 1_300, "those of 1 100 and 1 200 are gone");
        let mut rises = std::vec::Vec::new();
        loop {
            let at = pulses.due().max(1_350);
            match pulses.step(at, &Scores::new()) {
                Step::Rise => rises.push(at),
                Step::Fall => {}
                Step::End => break,
            }
        }
        assert_eq!(rises, [1_350, 1_400, 1_500], "six, less the one that was and the two left out");
    }

    #[test]
    fn the_last_pulse_is_never_left_out() {
        let mut pulses = Pulses::new(0, &train(10, 100, 2), 0, &Scores::new());
        pulses.step(0, &Scores::new());
        pulses.step(10, &Scores::new());
        assert!(!pulses.overrun(10_000), "no pulse after it is due");
        pulses.skip(10_000);
        assert_eq!(pulses.due(), 100);
        assert_eq!(pulses.step(10_000, &Scores::new()), Step::Rise);
        assert_eq!(pulses.step(10_010, &Scores::new()), Step::End);
    }
}
