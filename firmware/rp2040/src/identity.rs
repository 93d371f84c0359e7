//! Which board this is, which of its lives, and what it speaks. Owns how its number is shown, where chance comes from at
//! the start, and the mark by which an image tells its versions unread.

// A static is given a place, and read as it stands there.
#![allow(unsafe_code)]

use link::versions::{MARKED, Versions};

use crate::chip::rosc;

/// What the image says that it speaks: `nosepoke flash` finds it there.
#[used]
#[unsafe(link_section = ".rodata.cold.versions")]
static VERSIONS: [u8; MARKED] = Versions::OURS.marked();

/// What the image says that it speaks, read from where it says so: the device and its file cannot tell different things.
pub(crate) fn versions() -> Versions {
    // Sound: a static of this very type.
    Versions::of_marked(&unsafe { (&raw const VERSIONS).read_volatile() })
}

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
