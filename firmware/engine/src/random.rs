//! The session's generator and the distributions it feeds, in whole numbers only, so that chip and host agree to the
//! last bit. Knows nothing of programs.

use link::Fault;

/// PCG-XSH-RR 64/32 (O'Neill 2014, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
/// Random Number Generation", section 6.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generator {
    state: u64,
}

const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

/// Tries of a method by rejection before the draw settles for the bound it came closest to. With the worst acceptance
/// here (π/4 a try) all fail once in 10²¹ draws.
const TRIES_MAX: u32 = 32;

impl Generator {
    pub(crate) const fn new(seed: u64) -> Self {
        let mut generator = Self { state: seed.wrapping_add(INCREMENT) };
        generator.step();
        generator
    }

    const fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
    }

    /// 32 fair bits.
    pub(crate) fn bits(&mut self) -> u32 {
        let old = self.state;
        self.step();
        let mixed = (((old >> 18) ^ old) >> 27) as u32;
        mixed.rotate_right((old >> 59) as u32)
    }

    /// A whole number below `span`; 64 bits scaled down, so that no value is favoured by more than span / 2⁶⁴.
    fn below(&mut self, span: u64) -> u64 {
        let (high, low) = (u64::from(self.bits()), u64::from(self.bits()));
        if let Ok(span) = u32::try_from(span) {
            let span = u64::from(span);
            return (high * span + ((low * span) >> 32)) >> 32;
        }
        ((u128::from((high << 32) | low) * u128::from(span)) >> 64) as u64
    }

    /// True with a probability in millionths.
    pub(crate) fn chance(&mut self, millionths: i64) -> bool {
        let drawn = (u64::from(self.bits()) * 1_000_000) >> 32;
        i64::try_from(drawn).is_ok_and(|drawn| drawn < millionths)
    }

    /// A whole number from `min` to `max`, both included.
    pub(crate) fn uniform(&mut self, min: i64, max: i64) -> Result<i64, Fault> {
        let span = max.checked_sub(min).and_then(|span| span.checked_add(1)).ok_or(Fault::Draw)?;
        let span = u64::try_from(span).ok().filter(|span| *span > 0).ok_or(Fault::Draw)?;
        Ok(min.wrapping_add_unsigned(self.below(span)))
    }

    /// Exponential with scale `scale_us` from `min` to `max`; `inside` is the share of the untruncated distribution that
    /// lies between them, in 2⁻³². Inverse of the distribution function: min − τ ln(1 − u · inside).
    pub(crate) fn exponential(&mut self, scale_us: i64, inside: i64, min: i64, max: i64) -> Result<i64, Fault> {
        let (Ok(scale), Ok(inside)) = (u64::try_from(scale_us), u64::try_from(inside)) else {
            return Err(Fault::Draw);
        };
        if min > max || inside > 1 << 32 {
            return Err(Fault::Draw);
        }
        let share = (u64::from(self.bits()) * inside) >> 32;
        let above = scaled(scale, minus_ln((1 << 32) - share)).and_then(|above| i64::try_from(above).ok());
        let above = above.ok_or(Fault::Draw)?;
        Ok(min.saturating_add(above).min(max))
    }

    /// Normal about `mean` with standard deviation `sd`, drawn again until it lies from `min` to `max`, by Marsaglia's
    /// polar method; the nearer bound should that fail [`TRIES_MAX`] times.
    pub(crate) fn normal(&mut self, mean: i64, sd: i64, min: i64, max: i64) -> Result<i64, Fault> {
        if sd < 0 || min > max {
            return Err(Fault::Draw);
        }
        let mut value = mean;
        for _ in 0..TRIES_MAX {
            // Two coordinates in [−1, 1) in 2⁻³⁰.
            let x = i64::from(self.bits() >> 1) - (1 << 30);
            let y = i64::from(self.bits() >> 1) - (1 << 30);
            let radius = ((x * x + y * y) >> 28).cast_unsigned();
            if radius == 0 || radius >= 1 << 32 {
                continue;
            }
            // √(−2 ln s) in 2⁻²⁸ over √s in 2⁻³².
            let stretch = root((2 * minus_ln(radius)) << 24).cast_signed();
            let deviate = x * stretch / root(radius << 32).cast_signed();
            let offset = (i128::from(sd) * i128::from(deviate)) >> 26;
            value = i64::try_from(offset).ok().and_then(|offset| mean.checked_add(offset)).ok_or(Fault::Draw)?;
            if value >= min && value <= max {
                return Ok(value);
            }
        }
        Ok(value.clamp(min, max))
    }
}

/// √x, rounded down, bit by bit: a quarter of the code of the standard library's, which divides, and as fast without a divider.
fn root(x: u64) -> u64 {
    let (mut rest, mut root) = (x, 0);
    for place in (0..32).rev() {
        let bit = 1 << (2 * place);
        let trial = root + bit;
        root >>= 1;
        if rest >= trial {
            rest -= trial;
            root += bit;
        }
    }
    root
}

/// x · y / 2³², rounded down, if that fits in 64 bits. In halves, as a processor of 32 bits multiplies them.
fn scaled(x: u64, y: u64) -> Option<u64> {
    let ((x_high, x_low), (y_high, y_low)) = (halves(x), halves(y));
    if x_high == 0 {
        return (x_low * y_high).checked_add((x_low * y_low) >> 32);
    }
    u64::try_from((u128::from(x) * u128::from(y)) >> 32).ok()
}

const fn halves(x: u64) -> (u64, u64) {
    (x >> 32, x & 0xFFFF_FFFF)
}

/// Segments of one doubling in the table of logarithms.
const SEGMENTS: usize = 64;

/// Per segment from 1 to 2, of the number it begins with: ln in 2⁻³², and the reciprocal in 2⁻³¹.
static SEGMENT: [(u32, u32); SEGMENTS] = segments();

const fn segments() -> [(u32, u32); SEGMENTS] {
    let mut segments = [(0, 0); SEGMENTS];
    let mut n = 0;
    while n < SEGMENTS {
        let start = (SEGMENTS + n) as u64;
        segments[n] = ((LN_2 - slow_minus_ln(start << 25)) as u32, ((64 << 31) / start) as u32);
        n += 1;
    }
    segments
}

/// −ln(x / 2³²) in 2⁻³² for 0 < x ≤ 2³². Within 2⁻²⁶ of the true value: what lies between x and the beginning of its
/// segment is less than 1/64 of x, and four terms of the series are enough for it.
fn minus_ln(x: u64) -> u64 {
    let Ok(x) = u32::try_from(x) else { return 0 };
    let leading = x.leading_zeros();
    // In 2⁻³¹, from 1 up to but not 2.
    let mantissa = x.wrapping_shl(leading);
    let (ln, reciprocal) = SEGMENT[(mantissa >> 25) as usize % SEGMENTS];
    let beyond = mantissa & ((1 << 25) - 1);
    // In 2⁻³², below 2²⁶; then its powers.
    let ratio = ((u64::from(beyond) * u64::from(reciprocal)) >> 30) as u32;
    let square = ((u64::from(ratio) * u64::from(ratio)) >> 32) as u32;
    let short = ratio >> 10;
    let cube = ((square >> 4) * short) >> 18;
    let fourth = (cube * short) >> 22;
    let series = ratio - (square >> 1) + cube / 3 - (fourth >> 2);
    (u64::from(leading) + 1) * LN_2 - u64::from(ln) - u64::from(series)
}

/// ln(1 + 2⁻ᵏ) for k = 1, 2, … in 2⁻³², rounded.
const LN_FACTORS: [u32; 24] = [
    1_741_459_379,
    958_394_255,
    505_874_286,
    260_380_768,
    132_163_268,
    66_589_974,
    33_424_039,
    16_744_533,
    8_380_427,
    4_192_257,
    2_096_640,
    1_048_448,
    524_256,
    262_136,
    131_070,
    65_536,
    32_768,
    16_384,
    8_192,
    4_096,
    2_048,
    1_024,
    512,
    256,
];
/// ln 2 in 2⁻³², rounded.
const LN_2: u64 = 2_977_044_472;

/// −ln(x / 2³²) in 2⁻³² for 0 < x ≤ 2³², by shifts and additions: x is brought to [1, 2) and multiplied by factors
/// 1 + 2⁻ᵏ, each at most once, until it reaches 2. What the table is made with.
const fn slow_minus_ln(x: u64) -> u64 {
    let leading = x.leading_zeros();
    // In 2⁻⁶², from 1 up to but not 2.
    let mut mantissa = (x << leading) >> 1;
    let mut ln_up_to_2 = 0_u64;
    let mut k = 0;
    while k < LN_FACTORS.len() {
        let raised = mantissa + (mantissa >> (k + 1));
        if raised <= 1 << 63 {
            mantissa = raised;
            ln_up_to_2 += LN_FACTORS[k] as u64;
        }
        k += 1;
    }
    // What is left to 2 is so little that ln(1 + r) = r.
    ln_up_to_2 += ((1 << 63) - mantissa) >> 31;
    // x = m · 2^(63 − leading), and −ln(x / 2³²) = (32 − 63 + leading) ln 2 − ln m, with ln m = ln 2 − ln_up_to_2.
    let ln = (leading as i64 - 32) * LN_2.cast_signed() + ln_up_to_2.cast_signed();
    if ln < 0 { 0 } else { ln.cast_unsigned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_that_of_the_standard_library() {
        let mut generator = Generator::new(7);
        let edges = [0, 1, 2, 3, 4, u64::from(u32::MAX), 1 << 32, u64::MAX - 1, u64::MAX];
        let squares = (0..1_000).map(|n: u64| (n * 4_294_967).pow(2));
        let near = squares.flat_map(|square| [square.saturating_sub(1), square, square + 1]);
        let any = (0..10_000).map(|n| (u64::from(generator.bits()) << 32 | u64::from(generator.bits())) >> (n % 64));
        for x in edges.into_iter().chain(near).chain(any) {
            assert_eq!(root(x), x.isqrt(), "{x}");
        }
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The stream of the reference implementation with these increments, from state 42 + increment.
        let mut generator = Generator::new(42);
        let first = [generator.bits(), generator.bits(), generator.bits()];
        let mut state = 42_u64.wrapping_add(INCREMENT).wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        for seen in first {
            let xorshifted = ((state >> 18) ^ state) >> 27;
            let expected = (xorshifted as u32).rotate_right((state >> 59) as u32);
            assert_eq!(seen, expected);
            state = state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        }
    }

    #[test]
    fn logarithms_agree_with_floating_point() {
        let mut generator = Generator::new(5);
        let random = (0..100_000).map(|n| u64::from(generator.bits() >> (n % 32)) + 1);
        for x in [1_u64, 2, 3, 1000, 65_537, 1 << 31, (1 << 32) - 1, 1 << 32, 0xDEAD_BEEF].into_iter().chain(random) {
            let expected = -(x as f64 / 2f64.powi(32)).ln();
            let found = minus_ln(x) as f64 / 2f64.powi(32);
            assert!((expected - found).abs() < 2f64.powi(-26), "{x}: {expected} {found}");
        }
    }

    #[test]
    fn the_table_of_logarithms_is_right() {
        for (k, factor) in LN_FACTORS.iter().enumerate() {
            let expected = (1.0 + 2f64.powi(-(k as i32 + 1))).ln() * 2f64.powi(32);
            assert!((f64::from(*factor) - expected).abs() < 0.6, "k = {}: {factor} {expected}", k + 1);
        }
        assert!((LN_2 as f64 - core::f64::consts::LN_2 * 2f64.powi(32)).abs() < 0.6);
    }

    #[test]
    fn products_in_halves_are_exact() {
        let mut generator = Generator::new(6);
        for n in 0..100_000 {
            let [x, y] =
                [0, 1].map(|_| ((u64::from(generator.bits()) << 32) | u64::from(generator.bits())) >> (n % 64));
            let exact = u64::try_from((u128::from(x) * u128::from(y)) >> 32).ok();
            assert_eq!(
                (scaled(x, y), scaled(x >> 32, y)),
                (exact, ((u128::from(x >> 32) * u128::from(y)) >> 32).try_into().ok())
            );
        }
    }

    fn mean_and_sd(values: &[i64]) -> (f64, f64) {
        let mean = values.iter().map(|v| *v as f64).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn a_normal_draw_has_its_mean_and_spread() {
        let mut generator = Generator::new(1);
        let values: std::vec::Vec<i64> =
            (0..40_000).map(|_| generator.normal(2_000_000, 300_000, i64::MIN, i64::MAX).unwrap()).collect();
        let (mean, sd) = mean_and_sd(&values);
        assert!((mean - 2_000_000.0).abs() < 5_000.0, "mean {mean}");
        assert!((sd - 300_000.0).abs() < 4_000.0, "sd {sd}");
        let within_one = values.iter().filter(|v| (**v - 2_000_000).abs() < 300_000).count();
        assert!((within_one as f64 / 40_000.0 - 0.6827).abs() < 0.01, "{within_one} of 40000 within one sd");
    }

    #[test]
    fn an_exponential_draw_keeps_its_bounds_and_mean() {
        // τ = 3 s between 1 s and 10 s: the truncated mean is min + τ − w e^(−w/τ)/(1 − e^(−w/τ)), w = 9 s.
        let (tau, min, max) = (3_000_000.0_f64, 1_000_000.0_f64, 10_000_000.0_f64);
        let inside = 1.0 - (-(max - min) / tau).exp();
        let expected = min + tau - (max - min) * (1.0 - inside) / inside;
        let mut generator = Generator::new(2);
        let values: std::vec::Vec<i64> = (0..40_000)
            .map(|_| generator.exponential(3_000_000, (inside * 2f64.powi(32)) as i64, 1_000_000, 10_000_000).unwrap())
            .collect();
        assert!(values.iter().all(|v| (1_000_000..=10_000_000).contains(v)));
        let (mean, _) = mean_and_sd(&values);
        assert!((mean - expected).abs() < 40_000.0, "{mean} against {expected}");
    }

    #[test]
    fn a_uniform_draw_reaches_both_ends_and_refuses_nonsense() {
        let mut generator = Generator::new(3);
        let drawn: std::vec::Vec<i64> = (0..1_000).map(|_| generator.uniform(-2, 3).unwrap()).collect();
        for value in -2..=3 {
            assert!(drawn.contains(&value), "{value} never came");
        }
        assert!(drawn.iter().all(|v| (-2..=3).contains(v)));
        assert_eq!(generator.uniform(5, 4), Err(Fault::Draw));
        assert_eq!(generator.uniform(i64::MIN, i64::MAX), Err(Fault::Draw));
    }

    #[test]
    fn certain_and_impossible_are_exact() {
        let mut generator = Generator::new(4);
        assert!((0..10_000).all(|_| generator.chance(1_000_000) && !generator.chance(0)));
    }
}
