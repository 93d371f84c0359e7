//! How a counter makes a frequency by pulse-width modulation, and how finely it divides a power. Both ends work it out by
//! the same arithmetic: the compiler to say what a rig gets before it is run, the body to set its counters. Knows no pin.

/// The power of a line that is simply on, in millionths.
pub const FULL_POWER_PPM: i32 = 1_000_000;

/// How a counter is set up: it counts to `counts` at the body's clock over `divider`, then begins anew.
///
/// Only whole dividers are used: a fraction would make counts of unequal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    /// 1 to [`DIVIDER_MAX`].
    pub divider: u8,
    /// Counts of one period; [`COUNTS_MIN`] to [`COUNTS_MAX`].
    pub counts: u16,
}

/// The largest whole divider: eight bits.
pub const DIVIDER_MAX: u8 = u8::MAX;
/// The longest period, in counts: full power compares with one count more than the counter reaches, in sixteen bits.
pub const COUNTS_MAX: u16 = u16::MAX;
/// The shortest: a step of power is 0.1 % at most, and a period at most 0.05 % from what was asked for.
pub const COUNTS_MIN: u16 = 1_000;

impl Division {
    /// The finest division of a clock that makes a frequency; none if no division does.
    #[must_use]
    pub fn of(clock_hz: u32, frequency_mhz: u32) -> Option<Self> {
        let (clock_mhz, frequency_mhz) = (u64::from(clock_hz) * 1_000, u64::from(frequency_mhz));
        let whole = clock_mhz.checked_div(frequency_mhz)?;
        let divider = whole.checked_div(u64::from(COUNTS_MAX))? + 1;
        let per_count_mhz = frequency_mhz.checked_mul(divider)?;
        // To the nearest.
        let counts = (clock_mhz + per_count_mhz / 2).checked_div(per_count_mhz)?;
        let counts = u16::try_from(counts.min(u64::from(COUNTS_MAX))).ok().filter(|counts| *counts >= COUNTS_MIN)?;
        Some(Self { divider: u8::try_from(divider).ok()?, counts })
    }

    /// The lowest frequency that can be made of a clock, in whole mHz.
    #[must_use]
    pub const fn lowest_mhz(clock_hz: u32) -> u32 {
        let counts = DIVIDER_MAX as u64 * COUNTS_MAX as u64;
        (clock_hz as u64 * 1_000).div_ceil(counts) as u32
    }

    /// The highest one, in whole mHz.
    #[must_use]
    pub const fn highest_mhz(clock_hz: u32) -> u32 {
        let highest = clock_hz as u64 * 1_000 / COUNTS_MIN as u64;
        if highest > u32::MAX as u64 { u32::MAX } else { highest as u32 }
    }

    /// By how much what is made differs from what was asked for, in thousandths of a millionth of it; above 0 if it is faster.
    #[must_use]
    pub fn error_ppb(self, clock_hz: u32, frequency_mhz: u32) -> i64 {
        let made = i128::from(self.divider) * i128::from(self.counts) * i128::from(frequency_mhz);
        let clock = i128::from(clock_hz) * 1_000;
        let ppb = (clock - made).saturating_mul(1_000_000_000).checked_div(made).unwrap_or(i128::from(i64::MAX));
        i64::try_from(ppb).unwrap_or(i64::MAX)
    }

    /// What turns a power into counts: see [`compare`].
    #[must_use]
    pub const fn scale(self) -> u32 {
        // Never over 2³² · 65 535 / 10⁶, rounded up so that full power is all of the counts.
        ((self.counts as u64) << 32).div_ceil(FULL_POWER_PPM as u64) as u32
    }
}

/// The counts of a period that a power is on for, to the nearest, by the division's [`Division::scale`]: two products and
/// no quotient, so that any level may ask. What is below nothing is nothing, what is over full is full.
#[must_use]
#[inline]
pub const fn compare(scale: u32, power_ppm: i32) -> u16 {
    let power = if power_ppm < 0 {
        0
    } else if power_ppm > FULL_POWER_PPM {
        FULL_POWER_PPM as u32
    } else {
        power_ppm as u32
    };
    // Below 2³² · 65 536.
    ((power as u64 * scale as u64 + (1 << 31)) >> 32) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICO_HZ: u32 = 200_000_000;

    #[test]
    fn every_frequency_between_the_limits_is_within_a_twentieth_of_a_per_cent() {
        for clock_hz in [PICO_HZ, 150_000_000] {
            let (lowest, highest) = (Division::lowest_mhz(clock_hz), Division::highest_mhz(clock_hz));
            let mut frequency_mhz = lowest;
            while frequency_mhz <= highest {
                let division = Division::of(clock_hz, frequency_mhz).unwrap();
                assert!(division.counts >= COUNTS_MIN, "{frequency_mhz} mHz: {division:?}");
                let error = division.error_ppb(clock_hz, frequency_mhz);
                assert!(error.abs() <= 500_000, "{frequency_mhz} mHz: {division:?} is {error} ppb off");
                frequency_mhz += 1 + frequency_mhz / 97;
            }
            for impossible in [0, lowest - 1, highest + highest / 500] {
                assert_eq!(Division::of(clock_hz, impossible), None, "{impossible} mHz of {clock_hz} Hz");
            }
        }
    }

    #[test]
    fn frequencies_are_divided_as_finely_as_can_be() {
        let of = |frequency_mhz| Division::of(PICO_HZ, frequency_mhz);
        assert_eq!(of(20_000_000), Some(Division { divider: 1, counts: 10_000 }));
        assert_eq!(of(1_000_000), Some(Division { divider: 4, counts: 50_000 }));
        assert_eq!(of(200_000_000), Some(Division { divider: 1, counts: 1_000 }));
        assert_eq!(of(Division::lowest_mhz(PICO_HZ)).map(|division| division.divider), Some(255));
        assert_eq!((Division::lowest_mhz(PICO_HZ), Division::highest_mhz(PICO_HZ)), (11_968, 200_000_000));
    }

    #[test]
    fn a_power_is_the_nearest_count_and_full_power_is_all_of_them() {
        for counts in [1_000, 9_999, 10_000, 50_000, u16::MAX] {
            let scale = Division { divider: 1, counts }.scale();
            assert_eq!((compare(scale, 0), compare(scale, -1)), (0, 0));
            assert_eq!((compare(scale, FULL_POWER_PPM), compare(scale, i32::MAX)), (counts, counts));
            for power_ppm in (0..FULL_POWER_PPM).step_by(997) {
                let exact = i64::from(power_ppm) * i64::from(counts);
                let off = (i64::from(compare(scale, power_ppm)) * 1_000_000 - exact).abs();
                // Half a count, and what the scale is rounded by.
                assert!(off <= 500_000 + 1_000, "{power_ppm} ppm of {counts} counts");
            }
        }
    }
}
