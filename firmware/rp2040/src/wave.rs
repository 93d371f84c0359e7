//! Sounds as numbers: a period of a sine, how fast it is to be played, how it rises and falls, noise; those that glide stand
//! in `glide`. Owns no register; the same on a host, where it is tested.

/// The counter of the pulse-width modulation ends here: a carrier of the core's clock / 1024.
pub(crate) const TOP: u16 = 1023;
/// Half of the highest sample.
const PEAK: u32 = 511;
/// Samples of the longest table.
pub(crate) const SAMPLES: usize = 256;
/// Frequencies that can be played, in mHz: below, a table would be too short; above, it would have fewer than four
/// samples at the carrier's rate.
pub(crate) const FREQUENCIES_MHZ: core::ops::RangeInclusive<u32> = 20_000..=48_000_000;

/// A quarter of a sine, in 1/32767.
static QUARTER: [i16; SAMPLES / 4 + 1] = quarter();

/// By the series of the sine, in fixed point of 2⁻³⁰, while compiling.
const fn quarter() -> [i16; SAMPLES / 4 + 1] {
    const ONE: i64 = 1 << 30;
    const HALF_PI: i64 = 1_686_629_713;
    let mut table = [0; SAMPLES / 4 + 1];
    let mut n = 0;
    while n < table.len() {
        let x = HALF_PI * n as i64 / (SAMPLES as i64 / 4);
        let square = x * x / ONE;
        let (mut term, mut sum, mut k) = (x, x, 2);
        while k < 16 {
            term = -term * square / ONE / (k * (k + 1));
            sum += term;
            k += 2;
        }
        table[n] = ((sum * 32_767 + ONE / 2) / ONE) as i16;
        n += 1;
    }
    table
}

/// The sine at `n` of [`SAMPLES`] parts of a period, in 1/32767.
pub(crate) fn sine(n: usize) -> i32 {
    let quarter = SAMPLES / 4;
    let (half, n) = (n / (2 * quarter) % 2, n % (2 * quarter));
    let place = if n <= quarter { n } else { 2 * quarter - n };
    let value = QUARTER.get(place).copied().map_or(0, i32::from);
    if half == 0 { value } else { -value }
}

/// How a tone is played: a table of one period, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Samples of a period, a power of two from 4 to [`SAMPLES`].
    pub(crate) samples: u16,
    /// Samples come at the core's clock × this …
    pub(crate) times: u16,
    /// … / this.
    pub(crate) over: u16,
}

impl Plan {
    /// For a tone. None outside of [`FREQUENCIES_MHZ`]. As many samples as the carrier can follow; the fraction is off by
    /// less than 1 in 32 768 / 2, which is 0.002 %.
    pub(crate) fn tone(core_hz: u32, frequency_mhz: u32) -> Option<Self> {
        if !FREQUENCIES_MHZ.contains(&frequency_mhz) {
            return None;
        }
        let carrier_mhz = u64::from(core_hz) * 1000 / (u64::from(TOP) + 1);
        let mut samples = 4;
        while samples < SAMPLES as u16 && u64::from(frequency_mhz) * u64::from(samples) * 2 <= carrier_mhz {
            samples *= 2;
        }
        let core_mhz = u64::from(core_hz) * 1000;
        let rate_mhz = u64::from(frequency_mhz) * u64::from(samples);
        let times = (u64::from(u16::MAX) * rate_mhz / core_mhz).max(1);
        let over = (times * core_mhz + rate_mhz / 2) / rate_mhz;
        Some(Self { samples, times: times as u16, over: u16::try_from(over).ok()? })
    }

    /// For noise: half the carrier's rate.
    pub(crate) const fn noise() -> Self {
        Self::stream(2)
    }

    /// For what is written anew all the time: one sample every so many periods of the carrier.
    pub(crate) const fn stream(every: u16) -> Self {
        Self { samples: SAMPLES as u16, times: 1, over: (TOP + 1) * every }
    }
}

/// Where between silence and full a sound is `at_us` after its beginning, in 1/65535: it rises and falls as a squared sine
/// does, within `ramp_us` and within half of its length.
pub(crate) fn gain(at_us: u32, ramp_us: u32, length_us: u32) -> u16 {
    let ramp_us = ramp_us.min(length_us / 2);
    let edge_us = at_us.min(length_us.saturating_sub(at_us));
    if at_us >= length_us {
        return 0;
    }
    if edge_us >= ramp_us {
        return u16::MAX;
    }
    // Both in ms where they are long: 32 bits are enough then.
    let scale = if ramp_us > 1 << 20 { 10 } else { 0 };
    let place = (edge_us >> scale) * (SAMPLES as u32 / 4) * 16 / (ramp_us >> scale).max(1);
    let (n, part) = ((place / 16) as usize, (place % 16).cast_signed());
    let value = sine(n) + (sine(n + 1) - sine(n)) * part / 16;
    let value = value.cast_unsigned();
    (value * value / (32_767 * 32_767 / 65_535)).min(65_535) as u16
}

/// Half of the highest sample at this amplitude and gain. Samples lie between nothing and twice this: so silence is a pin
/// that is low, and what a sound adds to that rises and falls as it does.
pub(crate) fn peak(amplitude: u16, gain: u16) -> i32 {
    let amplitude = (u32::from(amplitude) * u32::from(gain)) >> 16;
    ((amplitude * PEAK + (1 << 15)) >> 16).cast_signed()
}

/// Writes one period of a sine.
pub(crate) fn fill_tone(table: &mut [u16], amplitude: u16, gain: u16) {
    let (peak, step) = (peak(amplitude, gain), SAMPLES / table.len().max(1));
    for (n, sample) in table.iter_mut().enumerate() {
        *sample = (peak + ((sine(n * step) * peak) >> 15)) as u16;
    }
}

/// White noise, for ever the same: a generator by Marsaglia (xorshift, 32 bits).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise(u32);

impl Noise {
    pub(crate) const fn new() -> Self {
        Self(0x9E37_79B9)
    }

    /// Writes noise, every height between the peaks as likely as any other.
    pub(crate) fn fill<'a>(&mut self, samples: impl Iterator<Item = &'a mut u16>, amplitude: u16, gain: u16) {
        let peak = peak(amplitude, gain);
        for sample in samples {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            let value = i32::from((self.0 >> 16) as u16 as i16);
            *sample = (peak + ((value * peak) >> 15)) as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE_HZ: u32 = 200_000_000;

    #[test]
    fn every_tone_is_right_to_two_in_a_hundred_thousand() {
        let mut worst = 0.0_f64;
        for step in 0..20_000 {
            let asked = 20.0 * (2400.0_f64).powf(f64::from(step) / 20_000.0);
            let plan = Plan::tone(CORE_HZ, (asked * 1000.0) as u32).expect("a frequency that can be played");
            let rate = f64::from(CORE_HZ) * f64::from(plan.times) / f64::from(plan.over);
            let played = rate / f64::from(plan.samples);
            let exact = f64::from((asked * 1000.0) as u32) / 1000.0;
            worst = worst.max((played / exact - 1.0).abs());
            assert!(rate <= 195_400.0, "{asked} Hz: {rate} samples a second are more than the carrier has periods");
        }
        assert!(worst < 2e-5, "off by {worst}");
    }

    #[test]
    fn noise_is_played_at_half_the_carrier() {
        let plan = Plan::noise();
        assert_eq!(CORE_HZ * u32::from(plan.times) / u32::from(plan.over), CORE_HZ / 1024 / 2);
        assert_eq!(usize::from(plan.samples), SAMPLES);
    }

    #[test]
    fn what_cannot_be_played_is_not() {
        assert_eq!(Plan::tone(CORE_HZ, 19_999), None);
        assert_eq!(Plan::tone(CORE_HZ, 48_000_001), None);
    }

    #[test]
    fn a_full_tone_is_a_sine_and_silence_is_low() {
        let mut table = [0; 64];
        fill_tone(&mut table, u16::MAX, u16::MAX);
        for (n, sample) in table.iter().enumerate() {
            let exact = 511.0 + 511.0 * (std::f64::consts::TAU * n as f64 / 64.0).sin();
            assert!((f64::from(*sample) - exact).abs() <= 1.5, "sample {n} is {sample}, not {exact}");
        }
        fill_tone(&mut table, u16::MAX, 0);
        assert_eq!(table, [0; 64]);
    }

    #[test]
    fn a_sound_rises_and_falls_without_a_step() {
        let (ramp_us, length_us) = (5_000, 300_000);
        assert_eq!((gain(0, ramp_us, length_us), gain(length_us, ramp_us, length_us)), (0, 0));
        let half = gain(2_500, ramp_us, length_us);
        assert!((32_000..33_600).contains(&half), "half way up it is {half}, not half");
        assert_eq!(gain(150_000, ramp_us, length_us), u16::MAX);
        for at_us in 0..length_us {
            let (now, next) = (gain(at_us, ramp_us, length_us), gain(at_us + 1, ramp_us, length_us));
            assert!(now.abs_diff(next) < 150, "at {at_us} µs it leaps from {now} to {next}");
        }
        assert_eq!(gain(100, 1_000, 200), u16::MAX, "a short one takes half of its length to rise");
        assert!((32_000..33_600).contains(&gain(50, 1_000, 200)), "and is half way up in between");
        assert_eq!(gain(0, 0, 200), u16::MAX, "without a ramp it is there at once");
        assert!(gain(u32::MAX / 4, u32::MAX / 2, u32::MAX) > 30_000, "very long ramps do not overflow");
    }

    #[test]
    fn noise_has_no_tone_in_it_and_no_rest() {
        let mut samples = vec![0_u16; 1 << 16];
        Noise::new().fill(samples.iter_mut(), u16::MAX, u16::MAX);
        let heights: Vec<f64> = samples.iter().map(|sample| f64::from(*sample) - 511.0).collect();
        let mean = heights.iter().sum::<f64>() / heights.len() as f64;
        let power = heights.iter().map(|x| x * x).sum::<f64>() / heights.len() as f64;
        assert!(mean.abs() < 5.0, "it rests at {mean}");
        assert!((power.sqrt() - 511.0 / 3.0_f64.sqrt()).abs() < 5.0, "its power is that of a flat distribution");
        for lag in 1..64 {
            let same: f64 = heights.iter().zip(&heights[lag..]).map(|(a, b)| a * b).sum::<f64>() / heights.len() as f64;
            assert!((same / power).abs() < 0.02, "it repeats after {lag} samples");
        }
    }
}
