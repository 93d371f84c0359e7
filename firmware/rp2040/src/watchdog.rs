//! The hardware watchdog: fed only if every level has advanced since it was fed last, and it resets everything that could
//! drive a pin.

// Registers that take whole words.
#![allow(unsafe_code)]

use crate::chip::{EVERYTHING, WATCHDOG_COUNTS, psm, watchdog};

/// How long a level may stand still before the chip is reset, in µs.
pub(crate) const PATIENCE_US: u32 = 50_000;
const ENABLE: u32 = 1 << 30;

/// Starts it. From here on every level must advance.
pub(crate) fn start() {
    psm().wdsel().write(|w| unsafe { w.bits(EVERYTHING) });
    feed();
    watchdog().ctrl().write(|w| unsafe { w.bits(ENABLE) });
}

/// Every level has advanced since this was called last.
pub(crate) fn feed() {
    watchdog().load().write(|w| unsafe { w.bits(PATIENCE_US * WATCHDOG_COUNTS) });
}
