//! Tones that glide from one frequency to another, sample by sample. Owns the arithmetic of octaves, without fractions; no
//! register: the same on a host, where it is tested.
//!
//! The phase goes on from sample to sample, so nothing is ever torn. How fast it goes is set anew every [`CHUNK`] samples, along
//! a straight line of Hz or of octaves.

use link::record::OCTAVE;

use crate::wave::{FREQUENCIES_MHZ, SAMPLES, TOP, gain, peak, sine};

/// Samples between two settings of the frequency: 82 or 164 µs.
const CHUNK: u32 = 16;
/// Above this, in mHz, every period of the carrier takes a sample; below, every other, so that the table lasts longer.
const SLOW_MHZ: u32 = 20_000_000;
/// Binary places of a way along the line.
const PLACES: u32 = 30;
/// Binary places of a time in µs.
const TIME_PLACES: u32 = 20;

/// 2^(1/2), 2^(1/4), … in 2⁻³¹.
static ROOTS: [u32; 16] = roots();

const fn roots() -> [u32; 16] {
    let mut roots = [0; 16];
    let (mut value, mut n) = (2_u64 << 31, 0);
    while n < roots.len() {
        value = (value << 31).isqrt();
        roots[n] = value as u32;
        n += 1;
    }
    roots
}

/// A glide under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glide {
    /// Periods of the carrier a sample lasts.
    pub(crate) every: u16,
    logarithmic: bool,
    phase: u32,
    /// What each sample adds to the phase.
    step: u32,
    /// That of the first sample.
    first: u32,
    /// How far it has come, in steps or octaves, and by how much it goes on with each chunk; in 2⁻³⁰.
    along: i64,
    by: i64,
    /// Chunks until it has arrived.
    chunks: u32,
    /// Samples left of the chunk.
    left: u32,
    /// How long after the beginning the chunk begins, and how long one lasts; in 2⁻²⁰ µs.
    at: u64,
    chunk: u64,
    peak: i32,
}

impl Glide {
    pub(crate) const NONE: Self = Self {
        every: 1,
        logarithmic: false,
        phase: 0,
        step: 0,
        first: 0,
        along: 0,
        by: 0,
        chunks: 0,
        left: 0,
        at: 0,
        chunk: 0,
        peak: 0,
    };

    /// From a frequency, in mHz, through so many octaves / [`OCTAVE`] within `length_us`. None if one of its ends cannot be
    /// played.
    pub(crate) fn new(core_hz: u32, from_mhz: u32, octaves: i16, logarithmic: bool, length_us: u32) -> Option<Self> {
        let octaves = i64::from(octaves) << (PLACES - OCTAVE.trailing_zeros());
        let to_mhz = raised(from_mhz, octaves);
        if !FREQUENCIES_MHZ.contains(&from_mhz) || !FREQUENCIES_MHZ.contains(&to_mhz) {
            return None;
        }
        let every = if from_mhz.max(to_mhz) > SLOW_MHZ { 1 } else { 2 };
        let cycles = (u64::from(TOP) + 1) * every;
        // A sample's part of a period, in 2⁻³²: at most a quarter.
        let step = |mhz: u32| ((u64::from(mhz) * cycles) << 25) / ((u64::from(core_hz) * 1_000) >> 7);
        let chunk = ((u64::from(CHUNK) * cycles * 1_000_000) << TIME_PLACES) / u64::from(core_hz);
        let chunks = (u64::from(length_us) << TIME_PLACES) / chunk.max(1);
        let way =
            if logarithmic { octaves } else { (step(to_mhz).cast_signed() - step(from_mhz).cast_signed()) << PLACES };
        let first = step(from_mhz) as u32;
        let by = way / chunks.max(1).cast_signed();
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        Some(Self { every: every as u16, logarithmic, step: first, first, by, chunks, chunk, ..Self::NONE })
    }

    /// How long its table lasts, in µs: what is written must be renewed within that.
    pub(crate) fn table_us(&self) -> u32 {
        ((self.chunk * (SAMPLES as u64 / u64::from(CHUNK))) >> TIME_PLACES) as u32
    }

    /// Writes samples behind those written before.
    pub(crate) fn fill<'a>(
        &mut self,
        samples: impl Iterator<Item = &'a mut u16>,
        (amplitude, ramp_us, length_us): (u16, u32, u32),
    ) {
        for sample in samples {
            if self.left == 0 {
                self.left = CHUNK;
                self.peak = peak(amplitude, gain((self.at >> TIME_PLACES) as u32, ramp_us, length_us));
                self.at += self.chunk;
                self.go_on();
            }
            self.left -= 1;
            *sample = (self.peak + ((sine((self.phase >> 24) as usize) * self.peak) >> 15)) as u16;
            self.phase = self.phase.wrapping_add(self.step);
        }
    }

    /// The next chunk.
    fn go_on(&mut self) {
        self.step = if self.logarithmic {
            raised(self.first, self.along)
        } else {
            (i64::from(self.first) + (self.along >> PLACES)) as u32
        };
        if self.chunks > 0 {
            self.chunks -= 1;
            self.along += self.by;
        }
    }
}

/// A value raised by octaves, in 2⁻³⁰.
fn raised(value: u32, octaves: i64) -> u32 {
    let whole = octaves >> PLACES;
    let mut raised = u64::from(value);
    for (n, root) in ROOTS.iter().enumerate() {
        if octaves >> (PLACES - 1 - n as u32) & 1 != 0 {
            raised = (raised * u64::from(*root)) >> 31;
        }
    }
    if whole < 0 { (raised >> whole.unsigned_abs().min(63)) as u32 } else { (raised << whole.min(31)) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE_HZ: u32 = 200_000_000;

    fn play(from_hz: f64, to_hz: f64, logarithmic: bool, length_us: u32) -> (f64, Vec<f64>) {
        let octaves = ((to_hz / from_hz).log2() * f64::from(OCTAVE)).round() as i16;
        let glide = Glide::new(CORE_HZ, (from_hz * 1e3) as u32, octaves, logarithmic, length_us);
        let mut glide = glide.expect("it can be played");
        let rate = f64::from(CORE_HZ) / 1024.0 / f64::from(glide.every);
        let mut samples = vec![0; (f64::from(length_us) * rate / 1e6) as usize];
        glide.fill(samples.iter_mut(), (u16::MAX, 0, u32::MAX));
        (rate, samples.into_iter().map(|sample| f64::from(sample) - 511.0).collect())
    }

    /// The frequency around a sample, from where the sine crosses its middle upwards, in Hz.
    fn frequency(rate: f64, samples: &[f64], around: usize, within: usize) -> f64 {
        let part = &samples[around.saturating_sub(within)..(around + within).min(samples.len())];
        let crossings: Vec<f64> = part
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
            .map(|(n, pair)| n as f64 - pair[0] / (pair[1] - pair[0]))
            .collect();
        let (first, last) = (crossings[0], crossings[crossings.len() - 1]);
        (crossings.len() - 1) as f64 * rate / (last - first)
    }

    #[test]
    fn a_glide_is_where_it_should_be_all_along() {
        for (from, to, logarithmic) in [
            (4_000.0, 16_000.0, false),
            (4_000.0, 16_000.0, true),
            (40_000.0, 5_000.0, true),
            (12_000.0, 12_000.0, false),
        ] {
            let (rate, samples) = play(from, to, logarithmic, 1_000_000);
            for tenth in 1..10 {
                let part = f64::from(tenth) / 10.0;
                let exact = if logarithmic { from * f64::powf(to / from, part) } else { from + (to - from) * part };
                let at = (part * samples.len() as f64) as usize;
                let found = frequency(rate, &samples, at, 400);
                assert!((found / exact - 1.0).abs() < 2e-3, "{from} to {to} at {part}: {found}, not {exact}");
            }
        }
    }

    #[test]
    fn nothing_is_torn_where_the_frequency_is_set_anew() {
        let (rate, samples) = play(2_000.0, 8_000.0, true, 100_000);
        let most = 511.0 * std::f64::consts::TAU * 8_000.0 / rate + 511.0 * std::f64::consts::TAU / 256.0;
        for pair in samples.windows(2) {
            assert!((pair[1] - pair[0]).abs() <= most, "{pair:?} leaps by more than {most}");
        }
        assert!(samples.iter().fold(0.0, |most: f64, sample| most.max(sample.abs())) > 500.0);
    }

    #[test]
    fn octaves_are_right() {
        for eighths in -64..=64 {
            let found = raised(40_000_000, i64::from(eighths) << (PLACES - 5));
            let exact = 40_000_000.0 * 2_f64.powf(f64::from(eighths) / 32.0);
            assert!((f64::from(found) / exact - 1.0).abs() < 1e-6, "{eighths}: {found}, not {exact}");
        }
        let too_high = [
            Glide::new(CORE_HZ, 30_000_000, OCTAVE, true, 1_000),
            Glide::new(CORE_HZ, 40_000, -2 * OCTAVE, true, 1_000),
        ];
        assert!(too_high.iter().all(Option::is_none), "what cannot be played is not");
    }

    #[test]
    fn what_has_arrived_stays_and_falls_silent_at_its_end() {
        let mut glide = Glide::new(CORE_HZ, 8_000_000, OCTAVE / 8, false, 10_000).expect("it can be played");
        assert_eq!(glide.table_us(), 2_621);
        let mut samples = vec![0; 4_000];
        glide.fill(samples.iter_mut(), (u16::MAX, 1_000, 10_000));
        let end = (10_000.0 / 10.24) as usize + CHUNK as usize;
        assert!(samples[..end - 200].iter().any(|sample| *sample > 1_000));
        assert!(samples[end..].iter().all(|sample| *sample == 0), "silent from its end on");
        assert!(samples[..30].iter().all(|sample| *sample < 200), "and soft at its beginning");
    }
}
