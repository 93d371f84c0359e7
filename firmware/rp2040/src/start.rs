//! The start, from the reset to the first turn of the lowest level. Owns the order: clocks, identity, link, levels,
//! watchdog.

// Memory is lent out once, and the stack is changed once.
#![allow(unsafe_code)]

use core::arch::asm;

use device::{Identity, Storage};
use link::limits::MAX_PROGRAM_WORDS;
use usb_device::bus::UsbBusAllocator;

use crate::chip::hal::clocks::{Clock, ClocksManager};
use crate::chip::hal::pll::{PLLConfig, setup_pll_blocking};
use crate::chip::hal::usb::UsbBus;
use crate::chip::hal::xosc::setup_xosc_blocking;
use crate::chip::{self, hal, pac};
use crate::owned::Owned;
use crate::ports::Ports;
use crate::uart::Uart;
use crate::usb::Usb;
use crate::{fault, identity, kept, levels, watchdog};

/// The second-stage boot loader: starts the flash, at half the core's clock: 100 MHz, of the 133 MHz it is made for.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// How long after a time P0 may still report an input stamped with it, in µs.
const SETTLE_US: u32 = 1;

const CRYSTAL_HZ: u32 = 12_000_000;
/// 12 MHz × 100 / 6 = 200 MHz.
const CORE_PLL: PLLConfig =
    PLLConfig { vco_freq: hal::fugit::HertzU32::MHz(1200), refdiv: 1, post_div1: 6, post_div2: 1 };

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
    let mut pac = pac::Peripherals::take()?;
    let id = unsafe { identity::board() };
    let serial = unsafe { SERIAL.get() };
    *serial = identity::digits(id);
    let serial = core::str::from_utf8(serial).ok()?;
    let mut resets = pac.RESETS;
    let mut watchdog = hal::Watchdog::new(pac.WATCHDOG);

    // The voltage rises before the clock does.
    hal::vreg::set_voltage(&mut pac.VREG_AND_CHIP_RESET, pac::vreg_and_chip_reset::vreg::VSEL_A::VOLTAGE1_15);
    while !pac.VREG_AND_CHIP_RESET.vreg().read().rok().bit() {}
    let crystal = setup_xosc_blocking(pac.XOSC, hal::fugit::HertzU32::Hz(CRYSTAL_HZ)).ok()?;
    watchdog.enable_tick_generation((CRYSTAL_HZ / 1_000_000) as u8);
    let mut clocks = ClocksManager::new(pac.CLOCKS);
    let core =
        setup_pll_blocking(pac.PLL_SYS, crystal.operating_frequency(), CORE_PLL, &mut clocks, &mut resets).ok()?;
    let usb = hal::pll::common_configs::PLL_USB_48MHZ;
    let usb = setup_pll_blocking(pac.PLL_USB, crystal.operating_frequency(), usb, &mut clocks, &mut resets).ok()?;
    clocks.init_default(&crystal, &core, &usb).ok()?;
    if clocks.system_clock.freq().to_Hz() != chip::CORE_HZ {
        return None;
    }
    resets.reset().modify(|_, w| {
        let w = w.io_bank0().clear_bit().pads_bank0().clear_bit().timer().clear_bit();
        w.uart0().clear_bit().adc().clear_bit().pwm().clear_bit().dma().clear_bit()
    });
    while resets.reset_done().read().bits() & (1 << 22) == 0 {}

    let bus = UsbBus::new(pac.USBCTRL_REGS, pac.USBCTRL_DPRAM, clocks.usb_clock, true, &mut resets);
    unsafe {
        let bus = USB_BUS.get().insert(UsbBusAllocator::new(bus));
        let (ring, starts) = kept::lend();
        let identity = Identity {
            boot: identity::boot(starts),
            id,
            board: chip::BOARD,
            settle_us: SETTLE_US,
            separate_supply: false,
        };
        let (edge, core, outer) = STORAGE.get().split(ring, PROGRAM.get().as_mut_slice(), &identity);
        *PORTS.get() = Some(Ports::new(outer, Usb::new(bus, serial)?, Uart::new()));
        levels::start(edge, core);
    }
    Some(())
}
