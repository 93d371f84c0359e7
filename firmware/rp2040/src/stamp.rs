//! The pins' interrupt, above all else: stamps what changed and hands it to P0. Owns the queue in between, of words that are
//! loaded and stored; knows no line.
//!
//! A wire that rings or a wheel that turns far too fast could keep P0 so busy that nothing else ran, until the watchdog reset
//! the chip and nobody knew why. Edges that come so thick for so long are a loss: this level stops listening, and P0 is told
//! again and again until a rig is set up anew.

// Registers of the pins, that only this level acknowledges.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::NVIC;

use crate::chip::{EDGE_IRQ, PINS_IRQ, io, sio};
use crate::clock;

/// Where an entry keeps which register it is of: no pin has these bits.
const REGISTER_SHIFT: u32 = 30;
/// Entries that may wait for P0: each of eight pins, both edges.
const ENTRIES: usize = 64;
/// An edge of either kind, as a pin's four interrupt bits, and the one that rises.
pub(crate) const EDGES: u32 = 0b1100;
const RISE: u32 = 0b1000;

/// So many entries …
const THICK: u32 = 1024;
/// … in less than this, in µs, are more than P0 can take and leave time for the rest: over 93 000 a second.
const THICK_US: u32 = 11_000;

/// When, the levels with the number of the register above them, and which of its pins rose and fell.
type Entry = [AtomicU32; 3];

static QUEUE: [Entry; ENTRIES] = [const { [const { AtomicU32::new(0) }; 3] }; ENTRIES];
/// Entries put in so far; this level's.
static PUT: AtomicU32 = AtomicU32::new(0);
/// Entries taken out so far; P0's.
static TAKEN: AtomicU32 = AtomicU32::new(0);
/// Entries there was no room for so far; this level's.
static LOST: AtomicU32 = AtomicU32::new(0);
/// Entries put in, and the time, when it was looked how thick they come; this level's.
static LOOKED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
/// 1 while this level does not listen.
static DEAF: AtomicU32 = AtomicU32::new(0);

/// Pins changed. An edge that comes after it was looked for asks for this again.
pub(crate) extern "C" fn pins() {
    let at = clock::low();
    let put = PUT.load(Ordering::Relaxed);
    // Written out: a loop would cost as much as what it does.
    let put = register::<0>(at, put);
    let put = register::<1>(at, put);
    let put = register::<2>(at, put);
    let put = register::<3>(at, put);
    PUT.store(put, Ordering::Release);
    let [entries, time] = &LOOKED;
    if put.wrapping_sub(entries.load(Ordering::Relaxed)) >= THICK {
        if at.wrapping_sub(time.load(Ordering::Relaxed)) < THICK_US {
            NVIC::mask(PINS_IRQ);
            DEAF.store(1, Ordering::Relaxed);
        }
        entries.store(put, Ordering::Relaxed);
        time.store(at, Ordering::Relaxed);
    }
    NVIC::pend(EDGE_IRQ);
}

/// Listens again, if it had stopped. P0 calls this while no pin is listened to.
pub(crate) fn listen() {
    if DEAF.load(Ordering::Relaxed) != 0 {
        LOOKED[1].store(clock::low().wrapping_sub(THICK_US), Ordering::Relaxed);
        DEAF.store(0, Ordering::Relaxed);
        // Sound: only this one interrupt comes by it, and its handler and P0 share words alone.
        unsafe { NVIC::unmask(PINS_IRQ) };
    }
}

/// Stamps what changed at eight pins: how many entries were put in then.
#[inline(always)]
fn register<const N: usize>(at: u32, put: u32) -> u32 {
    let edges = io().proc0_ints(N).read().bits();
    if edges == 0 {
        return put;
    }
    io().intr(N).write(|w| unsafe { w.bits(edges) });
    let levels = sio().gpio_in().read().bits();
    if put.wrapping_sub(TAKEN.load(Ordering::Acquire)) == ENTRIES as u32 {
        LOST.store(LOST.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        return put;
    }
    let [time, pins, changes] = &QUEUE[put as usize % ENTRIES];
    time.store(at, Ordering::Relaxed);
    pins.store(levels & !(u32::MAX << REGISTER_SHIFT) | (N as u32) << REGISTER_SHIFT, Ordering::Relaxed);
    changes.store(edges, Ordering::Relaxed);
    put.wrapping_add(1)
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

    /// Hands over what changed, in order; whether anything did: the low half of its time, the pin, and its level from then on. What changed twice
    /// before it was looked at changed there and back.
    #[inline(always)]
    pub(crate) fn take(&mut self, mut changed: impl FnMut(u32, u8, bool)) -> bool {
        // What comes while this goes on asks for P0 again.
        let put = PUT.load(Ordering::Acquire);
        let some = self.taken != put;
        while self.taken != put {
            let [at, levels, edges] = &QUEUE[self.taken as usize % ENTRIES];
            let (at, levels) = (at.load(Ordering::Relaxed), levels.load(Ordering::Relaxed));
            let mut edges = edges.load(Ordering::Relaxed);
            let mut pin = (levels >> REGISTER_SHIFT) as u8 * 8;
            while edges != 0 {
                match edges & EDGES {
                    0 => {}
                    EDGES => {
                        let high = levels & (1 << pin) != 0;
                        changed(at, pin, !high);
                        changed(at, pin, high);
                    }
                    edge => changed(at, pin, edge == RISE),
                }
                edges >>= 4;
                pin += 1;
            }
            self.taken = self.taken.wrapping_add(1);
            TAKEN.store(self.taken, Ordering::Release);
        }
        some
    }

    /// How many entries were lost since this was asked last; one more while nobody listens.
    #[inline(always)]
    pub(crate) fn lost(&mut self) -> u32 {
        let lost = LOST.load(Ordering::Relaxed);
        lost.wrapping_sub(core::mem::replace(&mut self.lost, lost)).wrapping_add(DEAF.load(Ordering::Relaxed))
    }
}
