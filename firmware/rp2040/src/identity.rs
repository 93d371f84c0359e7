//! Which board this is, and which of its lives. Owns how its number is shown and where chance comes from at the start.

use crate::chip::rosc;

/// A number as USB tells it and the hello shows it: 16 hexadecimal digits.
pub(crate) fn digits(id: u64) -> [u8; 16] {
    core::array::from_fn(|n| b"0123456789abcdef"[(id >> (60 - 4 * n)) as usize & 15])
}

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
