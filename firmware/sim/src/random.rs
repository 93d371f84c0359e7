//! The dice of the simulated world: one seed, one stream for each thing that throws them, so that a change in one leaves
//! the others alone. Sums and products only: every platform throws the same.

/// One stream of dice (SplitMix64: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream called `name` of a seed.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name sets the streams apart.
        let named = name
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
        let mut dice = Self { state: seed ^ named };
        dice.bits();
        dice
    }

    /// 64 fair bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// From `low` up to but not `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `n`; 0 for 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Bell-shaped about `mean` with standard deviation `sd`: the sum of twelve even draws, so never more than 6 sd off.
    pub fn bell(&mut self, mean: f64, sd: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + sd * (sum - 6.0)
    }

    /// A waiting time skewed to the right as reaction times are: at least `shortest`, `typical` on average.
    pub fn skewed(&mut self, shortest: f64, typical: f64) -> f64 {
        // The product of two even draws has mean 1/4 and a long right tail once turned around.
        let (a, b) = (self.unit(), self.unit());
        shortest + (typical - shortest) * 4.0 * a * b
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_and_a_name_make_a_stream_of_their_own() {
        let throw = |seed, name| {
            let mut dice = Dice::new(seed, name);
            [dice.bits(), dice.bits()]
        };
        assert_eq!(throw(1, "rat"), throw(1, "rat"));
        assert_ne!(throw(1, "rat"), throw(2, "rat"));
        assert_ne!(throw(1, "rat"), throw(1, "wire"));
    }

    #[test]
    fn waiting_times_have_the_mean_they_are_asked_for() {
        let mut dice = Dice::new(5, "test");
        let mean = (0..20_000).map(|_| dice.skewed(0.2, 1.0)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let mean = (0..20_000).map(|_| dice.bell(3.0, 0.5)).sum::<f64>() / 20_000.0;
        assert!((mean - 3.0).abs() < 0.02, "{mean}");
    }
}
