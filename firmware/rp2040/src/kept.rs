//! Memory that a reset leaves alone: the ring of records, and a count of starts. Owns its place; knows not what is in the
//! ring, which recognises itself what a reset or a loss of power has left of it.

// The linker knows a place and no type.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, Ordering};

use device::ring::Ring;

use crate::chip::RING_WORDS;

/// Bytes of the region KEPT in the linker's script.
const ROOM: usize = RING_WORDS * 4 + 256;

/// What outlives a reset: words and nothing else, so that whatever memory holds at power-on is a value of it.
#[repr(C)]
struct Kept {
    ring: Ring<RING_WORDS>,
    starts: AtomicU32,
}

const _: () = assert!(size_of::<Kept>() <= ROOM, "what is kept does not fit its place in the linker's script");

unsafe extern "C" {
    /// Defined by the linker's script alone, so that the compiler cannot know what it holds: its first word.
    static _kept: UnsafeCell<u32>;
}

/// Lends out what was kept, and counts this start.
///
/// # Safety
/// To be called once.
pub(crate) unsafe fn lend() -> (&'static mut Ring<RING_WORDS>, u32) {
    // Sound: the region is as large as the type, aligned to words, and any content is a value.
    let kept = unsafe { &mut *_kept.get().cast::<Kept>() };
    let starts = kept.starts.load(Ordering::Relaxed).wrapping_add(1);
    kept.starts.store(starts, Ordering::Relaxed);
    (&mut kept.ring, starts)
}
