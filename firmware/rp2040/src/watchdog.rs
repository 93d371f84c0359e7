//! The hardware watchdog: fed only if every level has advanced since it was fed last, and it resets everything that could
//! drive a pin.

// Registers that take whole words.
#![allow(unsafe_code)]

use device::{Alive, Preempt};
use link::Micros;

use crate::chip::{EVERYTHING, WATCHDOG_COUNTS, psm, watchdog};
use crate::clock;

/// How long a level may stand still before the chip is reset, in µs.
pub(crate) const PATIENCE_US: u32 = 50_000;
const ENABLE: u32 = 1 << 30;

/// Starts it. From here on every level must advance.
pub(crate) fn start() {
    psm().wdsel().write(|w| unsafe { w.bits(EVERYTHING) });
    feed();
    watchdog().ctrl().write(|w| unsafe { w.bits(ENABLE) });
}

fn feed() {
    watchdog().load().write(|w| unsafe { w.bits(PATIENCE_US * WATCHDOG_COUNTS) });
}

/// How long one turn of P2 may take, in µs, if P0 and P1 go on meanwhile: the check of the longest program there can be
/// takes about 0.4 s.
const LONGEST_TURN_US: Micros = 1_000_000;

/// Feeds the watchdog while every level goes on: at each turn of P2, and at the points of a turn that takes long.
pub(crate) struct Feeder {
    alive: Alive<'static>,
    turn: Micros,
}

impl Feeder {
    pub(crate) const fn new(alive: Alive<'static>) -> Self {
        Self { alive, turn: 0 }
    }

    /// P2 begins a turn.
    pub(crate) fn turn(&mut self) {
        self.turn = clock::micros();
        self.feed();
    }

    fn feed(&mut self) {
        if self.alive.all_advanced() {
            feed();
        }
    }
}

impl Preempt for Feeder {
    #[inline]
    fn point(&mut self) {
        if clock::micros().wrapping_sub(self.turn) < LONGEST_TURN_US {
            self.feed();
        }
    }
}
