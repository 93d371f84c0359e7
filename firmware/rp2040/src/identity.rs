//! Which board this is, and which of its lives. Owns where chance comes from at the start.

use crate::chip::rosc;

/// A number that differs from start to start: bits of the ring oscillator, which runs free of the crystal, and the count
/// of starts since the power came on, which makes two starts differ even where the oscillator gives the same.
pub(crate) fn boot(starts: u32) -> u32 {
    let mut random = 0_u32;
    for _ in 0..32 {
        // Some time apart, so that bits do not follow from one another.
        cortex_m::asm::delay(61);
        random = (random << 1) | u32::from(rosc().randombit().read().randombit().bit());
    }
    // An odd factor: different counts give different products.
    random ^ starts.wrapping_mul(0x9E37_79B9)
}
