//! The pulses of lists: each a width of its own and its distance to the next. They are the first constants of a program, one
//! a pulse, so that a device can lay them where its outputs are made without looking for them.

use crate::limits::MAX_LIST_PULSES;
use crate::program::{Program, Table};
use crate::record::{Carrier, Train, Wave};
use crate::vocabulary::Micros;

/// A pulse of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPulse {
    /// From its rise to that of the next, in µs; 0 for the last of its list.
    pub distance_us: u32,
    /// How long it is on, in µs.
    pub width_us: u32,
}

impl ListPulse {
    /// As a constant of a program.
    #[must_use]
    pub const fn constant(self) -> i64 {
        (((self.width_us as u64) << 32) | self.distance_us as u64).cast_signed()
    }

    /// From a constant of a program.
    #[must_use]
    pub const fn of_constant(constant: i64) -> Self {
        let bits = constant.cast_unsigned();
        Self { distance_us: bits as u32, width_us: (bits >> 32) as u32 }
    }

    /// What stands at this place of a program; all 0 where nothing does.
    #[must_use]
    pub fn of(program: &Program<'_>, place: usize) -> Self {
        if place >= MAX_LIST_PULSES || place >= program.rows(Table::Constants) {
            return Self { distance_us: 0, width_us: 0 };
        }
        Self::of_constant(program.constant(place))
    }
}

/// A list as a train that begins `delay_us` after it is asked for, its pulses at these places from `first` on; none if they are
/// none, too many, too long together, without a width, or touch one another.
#[must_use]
pub fn list(delay_us: u32, first: u16, pulses: impl Iterator<Item = ListPulse>) -> Option<Train> {
    let (mut width_us, mut gap_us, mut period_us, mut count) = (0, u32::MAX, 0_u32, 0_u32);
    let mut before: Option<ListPulse> = None;
    for pulse in pulses {
        if let Some(before) = before {
            let gap = before.distance_us.checked_sub(before.width_us).filter(|gap| *gap > 0)?;
            gap_us = if gap < gap_us { gap } else { gap_us };
            period_us = period_us.checked_add(before.distance_us)?;
        }
        if pulse.width_us == 0 || count as usize + usize::from(first) >= MAX_LIST_PULSES {
            return None;
        }
        width_us = if pulse.width_us > width_us { pulse.width_us } else { width_us };
        count += 1;
        before = Some(pulse);
    }
    let last = before.filter(|last| last.distance_us == 0)?;
    let wave = Wave::List { first, gap_us, powered: false };
    let period_us = period_us.checked_add(last.width_us)?;
    Some(Train { delay_us, width_us, period_us, count, carrier: Some(Carrier::silent(wave)) })
}

/// Each pulse of a train: when it rises after the first one did, and for how long it is on, in µs. What the places of a list
/// hold, `at` says. Pulses that touch are each told.
pub fn each<'t>(train: &'t Train, at: impl Fn(usize) -> ListPulse + 't) -> impl Iterator<Item = (Micros, Micros)> + 't {
    let mut rise: Micros = 0;
    (0..train.count).map(move |n| {
        let this = rise;
        let (distance_us, width_us) = match train.carrier {
            Some(Carrier { wave: Wave::List { first, .. }, .. }) => {
                let pulse = at(usize::from(first).saturating_add(n as usize));
                (pulse.distance_us, pulse.width_us)
            }
            Some(Carrier { wave: Wave::Bursts { pulses, interval_us, .. }, .. })
                if pulses != 0 && (n + 1).is_multiple_of(pulses.into()) =>
            {
                let within_us = train.period_us.saturating_mul(u32::from(pulses) - 1);
                (interval_us.saturating_sub(within_us), train.width_us)
            }
            _ => (train.period_us, train.width_us),
        };
        rise = rise.saturating_add(distance_us.into());
        (this, width_us.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const NOTHING: fn(usize) -> ListPulse = |_| ListPulse { distance_us: 0, width_us: 0 };

    #[test]
    fn every_pulse_is_told_and_the_last_one_ends_the_train() {
        let even = Train { delay_us: 7, width_us: 2, period_us: 10, count: 5, carrier: None };
        let bursts = Wave::Bursts { pulses: 2, interval_us: 100, powered: false };
        let bursts = Train { carrier: Some(Carrier::silent(bursts)), ..even };
        assert_eq!(each(&even, NOTHING).collect::<Vec<_>>(), [(0, 2), (10, 2), (20, 2), (30, 2), (40, 2)]);
        assert_eq!(each(&bursts, NOTHING).collect::<Vec<_>>(), [(0, 2), (10, 2), (100, 2), (110, 2), (200, 2)]);
        for train in [even, bursts] {
            let (rise, width) = each(&train, NOTHING).last().unwrap();
            assert_eq!(train.length_us(), 7 + rise + width);
        }
    }

    #[test]
    fn a_list_says_of_itself_what_its_pulses_are() {
        let pulses =
            [(1_000, 30), (50, 20), (0, 400)].map(|(distance_us, width_us)| ListPulse { distance_us, width_us });
        let train = list(9, 3, pulses.into_iter()).unwrap();
        let at = |place: usize| pulses[place - 3];
        assert_eq!(each(&train, at).collect::<Vec<_>>(), [(0, 30), (1_000, 20), (1_050, 400)]);
        assert_eq!((train.width_us, train.count, train.least_gap_us(), train.length_us()), (400, 3, 30, 9 + 1_450));
        for pulse in pulses {
            assert_eq!(ListPulse::of_constant(pulse.constant()), pulse);
        }
    }

    #[test]
    fn what_is_no_list_is_none() {
        let pulse = |distance_us, width_us| ListPulse { distance_us, width_us };
        for (pulses, why) in [
            (std::vec![], "nothing"),
            (std::vec![pulse(10, 10), pulse(0, 1)], "touching"),
            (std::vec![pulse(10, 0), pulse(0, 1)], "no width"),
            (std::vec![pulse(10, 1), pulse(5, 1)], "a last one that is not the last"),
            (std::vec![pulse(u32::MAX, 1), pulse(2, 1), pulse(0, 1)], "too long"),
            (std::vec![pulse(10, 1); MAX_LIST_PULSES + 1], "too many"),
        ] {
            assert_eq!(list(0, 0, pulses.into_iter()), None, "{why}");
        }
    }
}
