//! The strike alarm, above all else: drives pins at the microsecond that P0 foretold, notes when it did, and wakes P0. Owns
//! two lists of strikes, one in force and one to be written next; decides nothing.
//!
//! P0 puts a list in force by storing where it begins and ends. In between, and only there, interrupts are masked, for some
//! ten instructions: nothing may be struck between the look at what was struck and the change of lists.

// Registers that set and clear single pins.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use cortex_m::peripheral::NVIC;
use device::{STRIKES_MAX, Strike};
use link::Micros;

use crate::chip::{EDGE_IRQ, STRIKE_IRQ, sio};
use crate::clock::{self, Alarm};
use crate::power;

/// A strike: the low half of its time, pins to be high, pins to be low, and when it was done.
struct Slot {
    at: AtomicU32,
    high: AtomicU32,
    low: AtomicU32,
    struck: AtomicU32,
}

const SLOTS: usize = 2 * STRIKES_MAX;
static LISTS: [Slot; SLOTS] = [const {
    Slot { at: AtomicU32::new(0), high: AtomicU32::new(0), low: AtomicU32::new(0), struck: AtomicU32::new(0) }
}; SLOTS];
/// The next slot to be struck, and the one after the last.
static NEXT: AtomicU32 = AtomicU32::new(0);
static END: AtomicU32 = AtomicU32::new(0);

/// Whether the alarm came since P0 looked.
static CAME: AtomicU32 = AtomicU32::new(0);

/// A strike is due, or P0 is to be woken.
pub(crate) extern "C" fn alarm() {
    clock::heard(Alarm::Edge);
    CAME.store(1, Ordering::Relaxed);
    let (mut next, end) = (NEXT.load(Ordering::Relaxed), END.load(Ordering::Relaxed));
    let mut now = clock::low();
    while next != end {
        let slot = &LISTS[next as usize % SLOTS];
        let at = slot.at.load(Ordering::Relaxed);
        if !clock::is_past(at, now) {
            now = clock::wake_and_look(Alarm::Edge, at);
            if !clock::is_past(at, now) {
                break;
            }
        }
        let (high, low) = (slot.high.load(Ordering::Relaxed), slot.low.load(Ordering::Relaxed));
        if power::among(high | low) {
            power::drive(high, low);
        } else {
            sio().gpio_out_set().write(|w| unsafe { w.bits(high) });
            sio().gpio_out_clr().write(|w| unsafe { w.bits(low) });
        }
        // As it stands at the pins now: a stamp taken just before may have held this up past its microsecond.
        now = clock::low();
        slot.struck.store(now, Ordering::Relaxed);
        next = next.wrapping_add(1);
    }
    // One core orders what it stores by itself, and P0 looks when this is over: the compiler alone must keep to it.
    compiler_fence(Ordering::Release);
    NEXT.store(next, Ordering::Relaxed);
    NVIC::pend(EDGE_IRQ);
}

/// P0's view of the strikes.
#[derive(Debug)]
pub(crate) struct Strikes {
    /// The next slot whose strike P0 has not been told of.
    told: u32,
}

impl Strikes {
    pub(crate) const fn new() -> Self {
        Self { told: 0 }
    }

    /// Puts other strikes in force; false while there is something to tell.
    #[inline(always)]
    pub(crate) fn foretell(&mut self, strikes: &[Strike]) -> bool {
        if NEXT.load(Ordering::Relaxed) != self.told {
            return false;
        }
        // The list that is not in force. One that is done may end where the other begins.
        let in_second = END.load(Ordering::Relaxed) > STRIKES_MAX as u32;
        let first = if in_second { 0 } else { STRIKES_MAX as u32 };
        let mut end = first;
        for strike in strikes.iter().take(STRIKES_MAX) {
            let slot = &LISTS[end as usize % SLOTS];
            slot.at.store(strike.at as u32, Ordering::Relaxed);
            slot.high.store(strike.high, Ordering::Relaxed);
            slot.low.store(strike.low, Ordering::Relaxed);
            end += 1;
        }
        let told = self.told;
        let done = cortex_m::interrupt::free(|_| {
            compiler_fence(Ordering::SeqCst);
            if NEXT.load(Ordering::Relaxed) != told {
                return false;
            }
            NEXT.store(first, Ordering::Relaxed);
            END.store(end, Ordering::Relaxed);
            true
        });
        if done {
            self.told = first;
            if let Some(strike) = strikes.first()
                && !clock::wake_low(Alarm::Edge, strike.at as u32)
            {
                NVIC::pend(STRIKE_IRQ);
            }
        }
        done
    }

    /// When the next one was done that was not told yet.
    #[inline(always)]
    pub(crate) fn struck(&mut self) -> Option<Micros> {
        if NEXT.load(Ordering::Relaxed) == self.told {
            return None;
        }
        compiler_fence(Ordering::Acquire);
        let at = LISTS[self.told as usize % SLOTS].struck.load(Ordering::Relaxed);
        self.told += 1;
        Some(clock::widen(at))
    }
}

/// Whether the alarm came since this was asked last. To be asked before what it may have brought is looked at.
#[inline(always)]
pub(crate) fn came() -> bool {
    let came = CAME.load(Ordering::Relaxed) != 0;
    if came {
        CAME.store(0, Ordering::Relaxed);
    }
    compiler_fence(Ordering::SeqCst);
    came
}

/// Wakes P0 at `tick`, or at `due` if that is earlier, and for what is foretold if that comes first.
#[inline(always)]
pub(crate) fn wake(tick: u32, due: Option<Micros>) {
    let wake = due.map_or(tick, |due| clock::earlier(due as u32, tick));
    let next = NEXT.load(Ordering::Relaxed);
    let at = match LISTS.get(next as usize) {
        Some(slot) if next != END.load(Ordering::Relaxed) => clock::earlier(slot.at.load(Ordering::Relaxed), wake),
        _ => wake,
    };
    // What was struck in between has passed too, and is found so.
    if !clock::wake_low(Alarm::Edge, at) {
        NVIC::pend(STRIKE_IRQ);
    }
}
