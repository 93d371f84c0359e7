//! The start, from the reset to the first turn of the lowest level. Owns the order: clocks, identity, link, levels,
//! watchdog.

// Memory is lent out once, and the stack is changed once.
#![allow(unsafe_code)]

use core::arch::asm;

use device::{Identity, Storage};
use link::limits::MAX_PROGRAM_WORDS;
use usb_device::bus::UsbBusAllocator;

use crate::chip::hal::usb::UsbBus;
use crate::chip::{self, hal};
use crate::owned::Owned;
use crate::ports::Ports;
use crate::uart::Uart;
use crate::usb::Usb;
use crate::{fault, identity, kept, levels, watchdog};

/// How long after a time P0 may still report an input stamped with it, in µs: P1 reads the clock before it looks at the
/// queue, and whatever was stamped before that reading has interrupted it and stands in the queue.
const SETTLE_US: u32 = 0;

/// Lent out once, at the start.
static STORAGE: Owned<Storage<levels::Image>> = Owned::new(Storage::new());
/// The program; also the stack of the start.
#[unsafe(link_section = ".programs")]
static PROGRAM: Owned<[u32; MAX_PROGRAM_WORDS]> = Owned::new([0; MAX_PROGRAM_WORDS]);
/// Thread mode's alone.
static USB_BUS: Owned<Option<UsbBusAllocator<UsbBus>>> = Owned::new(None);
/// Thread mode's alone.
static PORTS: Owned<Option<Ports>> = Owned::new(None);
/// Thread mode's alone: the board's number as USB tells it.
static SERIAL: Owned<[u8; 16]> = Owned::new([0; 16]);

#[hal::entry]
fn main() -> ! {
    // Sound: nothing else runs yet.
    let started = unsafe { start() };
    if started.is_none() {
        fault::stop();
    }
    // Sound: what the start has built lies in statics; its own stack, which is the program's memory, is left for good.
    unsafe {
        asm!(
            "msr msp, {stack}",
            "bl {go_on}",
            stack = in(reg) &raw const _levels_stack,
            go_on = sym go_on,
            options(noreturn)
        )
    }
}

unsafe extern "C" {
    static _levels_stack: u32;
}

/// The lowest level, for ever.
extern "C" fn go_on() -> ! {
    watchdog::start();
    loop {
        // Sound: thread mode's alone.
        if let Some(ports) = unsafe { PORTS.get() } {
            ports.turn();
        }
    }
}

/// Builds everything. None if something of the chip does not answer: then there is no device.
unsafe fn start() -> Option<()> {
    // Before anything else: the flash may be out of reach meanwhile.
    let id = unsafe { chip::board_number() };
    let serial = unsafe { SERIAL.get() };
    *serial = identity::digits(id);
    let serial = core::str::from_utf8(serial).ok()?;

    let bus = chip::bring_up()?;
    unsafe {
        let bus = USB_BUS.get().insert(UsbBusAllocator::new(bus));
        let (ring, starts) = kept::lend();
        let identity = Identity {
            boot: identity::boot(starts),
            id,
            board: chip::BOARD,
            settle_us: SETTLE_US,
            separate_supply: false,
            versions: identity::versions(),
        };
        let (edge, core, outer) = STORAGE.get().split(ring, PROGRAM.get().as_mut_slice(), &identity);
        *PORTS.get() = Some(Ports::new(outer, Usb::new(bus, serial)?, Uart::new()));
        levels::start(edge, core);
    }
    Some(())
}
