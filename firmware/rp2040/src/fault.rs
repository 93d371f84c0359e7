//! What happens when nothing can be relied on any more: every output safe through the pads' overrides, then a reset. Needs
//! no stack, no heap, no level and no interrupt; owns the list of what safe means for each pad.

// The last resort stands on registers and assembly alone.
#![allow(unsafe_code)]

use core::arch::naked_asm;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::chip::{OUT_DISABLED, OUT_ENABLED, OUT_HIGH, OUT_LOW, PAD_CONTROL, PADS, WATCHDOG_SET};

/// Function 5, SIO.
const SIO: u32 = 5;
/// Function 31, none.
const NOTHING: u32 = 31;

/// What each pad's control register holds when all is lost. Until a pin is set up: not driven, so that the resistor
/// outside makes it safe. Written by P0 alone, read by the fault handler.
static SAFE: [AtomicU32; PADS] = [const { AtomicU32::new(NOTHING | OUT_DISABLED) }; PADS];

/// What safe means for a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safe {
    /// Not driven.
    Released,
    /// Driven low.
    Low,
    /// Driven high.
    High,
}

/// Remembers what safe means for a pad.
pub(crate) fn remember(pin: u8, safe: Safe) {
    let control = match safe {
        Safe::Released => NOTHING | OUT_DISABLED,
        Safe::Low => SIO | OUT_LOW | OUT_ENABLED,
        Safe::High => SIO | OUT_HIGH | OUT_ENABLED,
    };
    if let Some(slot) = SAFE.get(usize::from(pin)) {
        slot.store(control, Ordering::Relaxed);
    }
}

/// Makes every pad safe below whatever drives it, then has the watchdog reset the chip. The handler of every fault and of
/// every interrupt that is none of ours.
#[unsafe(naked)]
pub(crate) extern "C" fn stop() -> ! {
    naked_asm!(
        "cpsid i",
        "ldr r0, 4f",
        "ldr r1, 5f",
        "movs r2, #{pads}",
        "2: ldmia r0!, {{r3}}",
        "str r3, [r1]",
        "adds r1, #8",
        "subs r2, #1",
        "bne 2b",
        "ldr r0, 6f",
        "ldr r1, 7f",
        "str r1, [r0]",
        "3: b 3b",
        ".p2align 2",
        "4: .word {safe}",
        "5: .word {control}",
        "6: .word {watchdog}",
        // Its bit TRIGGER.
        "7: .word 0x80000000",
        pads = const PADS,
        safe = sym SAFE,
        control = const PAD_CONTROL,
        watchdog = const WATCHDOG_SET,
    )
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    stop()
}
