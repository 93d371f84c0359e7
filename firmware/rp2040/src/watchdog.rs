//! The hardware watchdog: fed only if every level has advanced since it was fed last, and it resets everything that could
//! drive a pin.

// Registers that take whole words.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use crate::chip::{psm, watchdog};

/// How long a level may stand still before the chip is reset, in µs.
pub(crate) const PATIENCE_US: u32 = 50_000;
/// The counter falls by two a microsecond (erratum RP2040-E1).
const COUNTS: u32 = PATIENCE_US * 2;
/// All of the power-on state machine but the two oscillators: a reset of the pads, SIO, PWM, DMA and PIO is in it.
const EVERYTHING: u32 = 0x0001_FFFC;
const ENABLE: u32 = 1 << 30;

/// Rounds of P0; written by P0 alone.
static EDGE: AtomicU32 = AtomicU32::new(0);
/// Rounds of P2; written by P2 alone.
static OUTER: AtomicU32 = AtomicU32::new(0);

/// P0 has come around.
#[inline(always)]
pub(crate) fn edge_lives() {
    EDGE.store(EDGE.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// P2 has come around.
#[inline(always)]
pub(crate) fn outer_lives() {
    OUTER.store(OUTER.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// P1's memory of the others.
#[derive(Debug, Default)]
pub(crate) struct Feeder {
    edge: u32,
    outer: u32,
}

impl Feeder {
    pub(crate) const fn new() -> Self {
        Self { edge: 0, outer: 0 }
    }

    /// P1 has come around: feeds, if the other two have as well.
    #[inline(always)]
    pub(crate) fn core_lives(&mut self) {
        let (edge, outer) = (EDGE.load(Ordering::Relaxed), OUTER.load(Ordering::Relaxed));
        if edge != self.edge && outer != self.outer {
            (self.edge, self.outer) = (edge, outer);
            feed();
        }
    }
}

/// Starts it. From here on every level must advance.
pub(crate) fn start() {
    psm().wdsel().write(|w| unsafe { w.bits(EVERYTHING) });
    feed();
    watchdog().ctrl().write(|w| unsafe { w.bits(ENABLE) });
}

#[inline(always)]
fn feed() {
    watchdog().load().write(|w| unsafe { w.bits(COUNTS) });
}
