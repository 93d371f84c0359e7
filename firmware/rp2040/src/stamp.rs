//! The pins' interrupt, above all else: stamps what changed and hands it to P0. Owns the queue in between, of words that are
//! loaded and stored; knows no line.
//!
//! When the queue is full all pins are masked until P0 listens again: one that changes all the time would leave P0 no time to
//! empty it.

// Registers of the pins, that only this level acknowledges.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use cortex_m::peripheral::NVIC;

use crate::chip::{EDGE_IRQ, io, sio};
use crate::clock;

/// Registers that tell of eight pins each, four bits a pin.
const REGISTERS: usize = 4;
/// Where an entry keeps which register it is of: bits of its first pin that tell of levels, which nobody asked for.
const REGISTER: u32 = 0b11;
/// Entries that may wait for P0: each of eight pins, both edges.
const ENTRIES: usize = 64;
/// An edge of either kind, as a pin's four interrupt bits, and the one that rises.
pub(crate) const EDGES: u32 = 0b1100;
const RISE: u32 = 0b1000;

/// When, the levels behind it, and which pins of which register rose and fell. Of a size by which its place is found with a
/// shift.
#[repr(align(16))]
struct Entry([AtomicU32; 3]);

static QUEUE: [Entry; ENTRIES] = [const { Entry([const { AtomicU32::new(0) }; 3]) }; ENTRIES];
/// Entries put in so far; this level's.
static PUT: AtomicU32 = AtomicU32::new(0);
/// Entries taken out so far; P0's.
static TAKEN: AtomicU32 = AtomicU32::new(0);
/// Entries there was no room for so far; this level's.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Pins changed. An edge that comes after it was looked for asks for this again.
///
/// One core orders what it stores by itself, so the compiler alone must keep to it.
pub(crate) extern "C" fn pins() {
    let at = clock::low();
    let put = PUT.load(Ordering::Relaxed);
    if put.wrapping_sub(TAKEN.load(Ordering::Relaxed)) > (ENTRIES - REGISTERS) as u32 {
        return full();
    }
    compiler_fence(Ordering::Acquire);
    // Written out: a loop would cost as much as what it does.
    let put = register::<0>(at, put);
    let put = register::<1>(at, put);
    let put = register::<2>(at, put);
    let put = register::<3>(at, put);
    compiler_fence(Ordering::Release);
    PUT.store(put, Ordering::Relaxed);
    NVIC::pend(EDGE_IRQ);
}

/// Stamps what changed at eight pins: how many entries were put in then. There is room for one.
#[inline(always)]
fn register<const N: usize>(at: u32, put: u32) -> u32 {
    let edges = io().proc0_ints(N).read().bits();
    if edges == 0 {
        return put;
    }
    io().intr(N).write(|w| unsafe { w.bits(edges) });
    // Behind the acknowledgement: a level that changes from here on asks for this again.
    let levels = sio().gpio_in().read().bits();
    let Entry([time, pins, changed]) = &QUEUE[put as usize % ENTRIES];
    time.store(at, Ordering::Relaxed);
    pins.store(levels, Ordering::Relaxed);
    changed.store(edges | N as u32, Ordering::Relaxed);
    put.wrapping_add(1)
}

/// There is no room: no pin interrupts any more, and it is counted.
#[cold]
#[inline(never)]
fn full() {
    for register in 0..REGISTERS {
        io().proc0_inte(register).write(|w| unsafe { w.bits(0) });
    }
    LOST.store(LOST.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    NVIC::pend(EDGE_IRQ);
}

/// Whether entries wait for P0.
#[inline(always)]
pub(crate) fn wait() -> bool {
    PUT.load(Ordering::Relaxed) != TAKEN.load(Ordering::Relaxed)
}

/// P0's end of the queue.
#[derive(Debug)]
pub(crate) struct Stamps {
    taken: u32,
    lost: u32,
}

impl Stamps {
    pub(crate) const fn new() -> Self {
        Self { taken: 0, lost: 0 }
    }

    /// Hands over what changed, in order: the low half of its time, the pin, and its level from then on; and whether anything
    /// did. What changed twice before it was looked at changed there and back.
    #[inline(always)]
    pub(crate) fn take(&mut self, mut changed: impl FnMut(u32, u8, bool)) -> bool {
        // What comes while this goes on asks for P0 again.
        let put = PUT.load(Ordering::Relaxed);
        compiler_fence(Ordering::Acquire);
        let some = self.taken != put;
        while self.taken != put {
            let Entry([at, levels, edges]) = &QUEUE[self.taken as usize % ENTRIES];
            let (at, levels) = (at.load(Ordering::Relaxed), levels.load(Ordering::Relaxed));
            let edges = edges.load(Ordering::Relaxed);
            let (mut pin, mut edges) = ((edges & REGISTER) as u8 * 8, edges & !REGISTER);
            while edges != 0 {
                match edges & EDGES {
                    0 => {}
                    EDGES => {
                        let high = levels & 1_u32.wrapping_shl(pin.into()) != 0;
                        changed(at, pin, !high);
                        changed(at, pin, high);
                    }
                    edge => changed(at, pin, edge == RISE),
                }
                edges >>= 4;
                pin += 1;
            }
            compiler_fence(Ordering::Release);
            self.taken = self.taken.wrapping_add(1);
            TAKEN.store(self.taken, Ordering::Relaxed);
        }
        some
    }

    /// How many entries were lost since this was asked last.
    #[inline(always)]
    pub(crate) fn lost(&mut self) -> u32 {
        let lost = LOST.load(Ordering::Relaxed);
        lost.wrapping_sub(core::mem::replace(&mut self.lost, lost))
    }
}
