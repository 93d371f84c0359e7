//! How much an output gives, as the time at full drive the device counts: the one piece of arithmetic between a volume, a
//! charge or an energy and its limit in µs. In whole numbers, rounded so that nothing is ever counted short. Knows no file
//! and no protocol.

use crate::symbols::Unit;

/// How much an output gives at most: `amount` in `time_us` at full drive, and each time it goes on as much besides as
/// `pulse_us` more would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dose {
    /// What is given: a volume, a charge or an energy.
    pub unit: Unit,
    /// How much, in base units of it; at least 1.
    pub amount: u64,
    /// In which time at full drive, in µs; at least 1.
    pub time_us: u64,
    /// What each time it goes on gives besides, as time at full drive in µs.
    pub pulse_us: u32,
}

/// One whole, as a share in millionths.
const PPM: u128 = 1_000_000;

impl Dose {
    /// What a current or a power gives: µA over µs are pC and µW over µs are pJ, a thousandth of their units.
    pub(super) fn steady(unit: Unit, per_us: u32) -> Self {
        Self { unit, amount: per_us.max(1).into(), time_us: 1_000, pulse_us: 0 }
    }

    /// What a valve gives: a straight line that lies nowhere below the straight pieces through its points (µs, nl; both
    /// rising), nor below the last piece drawn on to `max_on_us`. Below the first point no opening gives more than a share
    /// of it that such a line covers too. Of all such lines through points, the one that counts the least too much where it
    /// counts the most too much.
    pub(super) fn of_valve(points: &[(i64, i64)], max_on_us: u32) -> Option<Self> {
        let mut points: Vec<(u128, u128)> = points
            .iter()
            .filter_map(|&(time, volume)| Some((u128::try_from(time).ok()?, u128::try_from(volume).ok()?)))
            .filter(|&(time, volume)| time > 0 && volume > 0)
            .collect();
        if let [.., (t0, v0), (t1, v1)] = *points.as_slice()
            && u128::from(max_on_us) > t1
        {
            let (time, rise) = (u128::from(max_on_us), v1.saturating_sub(v0));
            points.push((time, v1 + ((time - t1) * rise).div_ceil((t1 - t0).max(1))));
        }
        // A line is (amount, time, pulse): `amount * (t + pulse) / time`.
        let through_nothing = points.iter().map(|&(time, volume)| (volume, time, 0));
        let pairs = points.iter().enumerate().flat_map(|(n, first)| points.iter().skip(n + 1).map(move |p| (first, p)));
        let through_two = pairs.filter_map(|(&(t0, v0), &(t1, v1))| {
            let (rise, time) = (v1.checked_sub(v0).filter(|rise| *rise > 0)?, t1 - t0);
            Some((rise, time, (v0 * time).checked_sub(rise * t0)?.div_ceil(rise)))
        });
        let excess = |&(amount, time, pulse): &(u128, u128, u128)| {
            let at = points.iter().map(|&(t, volume)| (amount * (t + pulse), time * volume));
            at.map(|(counted, given)| (counted >= given).then(|| counted * PPM / given))
                .try_fold(0, |most, excess| excess.map(|excess| excess.max(most)))
        };
        let lines = through_nothing.chain(through_two).filter_map(|line| Some((excess(&line)?, line)));
        let (_, (amount, time, pulse)) = lines.min_by_key(|(excess, _)| *excess)?;
        Some(Self {
            unit: Unit::Volume,
            amount: u64::try_from(amount).ok()?,
            time_us: u64::try_from(time).ok()?,
            pulse_us: u32::try_from(pulse).ok()?,
        })
    }

    /// The longest time at full drive that gives no more than `dose` base units, in µs: rounded down.
    #[must_use]
    pub fn time_of(&self, dose: u64) -> u64 {
        let time = u128::from(dose) * u128::from(self.time_us) / u128::from(self.amount.max(1));
        u64::try_from(time).unwrap_or(u64::MAX)
    }

    /// What so many times on give at most, with `full_us` at full drive in all, in base units: rounded up.
    #[must_use]
    pub fn given(&self, pulses: u64, full_us: u64) -> u64 {
        let time = u128::from(full_us) + u128::from(pulses) * u128::from(self.pulse_us);
        let given = time.saturating_mul(self.amount.into()).div_ceil(u128::from(self.time_us.max(1)));
        u64::try_from(given).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The volume the straight pieces through the points give, in nl, rounded up.
    fn pieces(points: &[(i64, i64)], time: i64) -> u64 {
        let (mut before, mut found) = ((0, 0), 0);
        for (n, &(t, v)) in points.iter().enumerate() {
            if time <= t || n + 1 == points.len() {
                let (t0, v0) = before;
                found = v0 + ((time - t0) * (v - v0) + (t - t0) - 1) / (t - t0);
                break;
            }
            before = (t, v);
        }
        u64::try_from(found).unwrap()
    }

    #[test]
    fn a_valve_is_never_counted_short_at_any_opening() {
        let shipped: &[(i64, i64)] = &[(10_000, 2_100), (50_000, 11_800), (100_000, 24_100), (200_000, 48_900)];
        let sagging: &[(i64, i64)] = &[(5_000, 4_000), (20_000, 9_000), (80_000, 20_000)];
        let bent: &[(i64, i64)] = &[(7_001, 1_003), (9_001, 3_007), (50_021, 11_003)];
        for points in [shipped, sagging, bent] {
            let dose = Dose::of_valve(points, 500_000).unwrap();
            for time in (1..500_000).step_by(37).chain(points.iter().map(|point| point.0)).chain([500_000]) {
                let full_us = u64::try_from(time).unwrap();
                assert!(dose.given(1, full_us) >= pieces(points, time), "{time} µs of {points:?} by {dose:?}");
            }
        }
    }

    #[test]
    fn a_valve_is_counted_no_more_than_it_must_be() {
        // A valve that opens late gives less at first: only a line through nothing covers it.
        let late = Dose::of_valve(&[(10_000, 1_000), (100_000, 19_000)], 100_000).unwrap();
        assert_eq!((late.pulse_us, late.given(1, 100_000)), (0, 19_000));
        // One that closes late gives as much each time, however short: the points are met exactly.
        let drip = Dose::of_valve(&[(10_000, 4_000), (100_000, 22_000)], 500_000).unwrap();
        assert_eq!((drip.pulse_us, drip.given(1, 10_000), drip.given(1, 100_000)), (10_000, 4_000, 22_000));
        assert_eq!(drip.given(3, 30_000), 12_000);
    }

    #[test]
    fn a_limit_is_rounded_down_and_what_was_given_up() {
        let shock = Dose::steady(Unit::Charge, 600);
        assert_eq!(shock.time_of(1_000_000), 1_666_666, "µs at 0.6 mA for 1 mC");
        assert_eq!((shock.given(1, 1_666_666), shock.given(1, 1_666_667)), (1_000_000, 1_000_001));
        let drip = Dose { unit: Unit::Volume, amount: 3, time_us: 7, pulse_us: 2 };
        for limit in 1..1_000 {
            assert!(drip.given(0, drip.time_of(limit)) <= limit, "{limit} nl");
        }
    }
}
