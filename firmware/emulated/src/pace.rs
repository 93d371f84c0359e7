//! Lets emulated time pass no faster than the wall clock, and as fast as the machine can where it is slower. Owns how the two
//! clocks go together.

use std::time::{Duration, Instant};

/// How far the chip runs at once, in ns: what a byte waits at most.
pub const SLICE_NANOS: u64 = 1_000_000;
/// How far the chip may fall behind the wall clock before the clock waits for it, in ns: a host that is busy.
const BEHIND_NANOS: u64 = 50_000_000;

/// A wall clock that waits for a slow chip.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    began: Instant,
    from: u64,
}

impl Pace {
    /// Begins at this time of the chip, in ns.
    #[must_use]
    pub fn from(nanos: u64) -> Self {
        Self { began: Instant::now(), from: nanos }
    }

    /// Waits until the wall clock has reached `nanos` of the chip.
    pub fn wait_for(&mut self, nanos: u64) {
        let wall = self.from + u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if nanos > wall {
            std::thread::sleep(Duration::from_nanos(nanos - wall));
        } else if wall - nanos > BEHIND_NANOS {
            *self = Self::from(nanos);
        }
    }
}
