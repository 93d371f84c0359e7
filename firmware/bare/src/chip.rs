//! The whole image: the clocks, one interrupt, and sleep.

// Vectors in RAM, and registers that set and clear single bits.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

use cortex_m::peripheral::{NVIC, SCB};
use rp2040_hal::clocks::ClocksManager;
use rp2040_hal::fugit::{HertzU32, RateExtU32};
use rp2040_hal::pac::{self, Interrupt};
use rp2040_hal::pll::{PLLConfig, common_configs::PLL_USB_48MHZ, setup_pll_blocking};

/// The second-stage boot loader: starts the flash.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// From this pin …
const FROM: u8 = 2;
/// … to this one: the lever and the lamp of the programs it stands beside.
const TO: u8 = 14;
/// Both edges of a pin in its four bits of the interrupt registers.
const EDGES: u32 = 0b1100;
/// 12 MHz × 100 / 6 = 200 MHz, as the device's image has it.
const PLL: PLLConfig = PLLConfig { vco_freq: HertzU32::MHz(1200), refdiv: 1, post_div1: 6, post_div2: 1 };
/// Exceptions of the processor itself and interrupts of the chip.
const VECTORS: usize = 16 + 32;

#[repr(C, align(256))]
struct Vectors(UnsafeCell<[usize; VECTORS]>);
// Sound: written once, before the interrupt is unmasked.
unsafe impl Sync for Vectors {}
/// In RAM: fetching one from flash would stall the entry of the interrupt.
static TABLE: Vectors = Vectors(UnsafeCell::new([0; VECTORS]));

/// Copies the pin. An edge that comes meanwhile makes the interrupt pending again.
#[unsafe(link_section = ".data.copy")]
extern "C" fn copy() {
    let (sio, io) = unsafe { (&*pac::SIO::ptr(), &*pac::IO_BANK0::ptr()) };
    if sio.gpio_in().read().bits() & (1 << FROM) != 0 {
        sio.gpio_out_set().write(|w| unsafe { w.bits(1 << TO) });
    } else {
        sio.gpio_out_clr().write(|w| unsafe { w.bits(1 << TO) });
    }
    io.intr(0).write(|w| unsafe { w.bits(EDGES << (FROM * 4)) });
}

/// Everything that is not the interrupt, and every fault: the chip stands still, which the bench sees.
extern "C" fn stop() -> ! {
    loop {
        cortex_m::asm::nop();
    }
}

#[rp2040_hal::entry]
fn main() -> ! {
    if start().is_none() {
        stop();
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// None if a clock does not come.
fn start() -> Option<()> {
    let pac = pac::Peripherals::take()?;
    let mut resets = pac.RESETS;
    let mut watchdog = rp2040_hal::Watchdog::new(pac.WATCHDOG);
    let crystal = rp2040_hal::xosc::setup_xosc_blocking(pac.XOSC, 12.MHz()).ok()?;
    watchdog.enable_tick_generation(12);
    let mut clocks = ClocksManager::new(pac.CLOCKS);
    let hertz = crystal.operating_frequency();
    let core = setup_pll_blocking(pac.PLL_SYS, hertz, PLL, &mut clocks, &mut resets).ok()?;
    let usb = setup_pll_blocking(pac.PLL_USB, hertz, PLL_USB_48MHZ, &mut clocks, &mut resets).ok()?;
    clocks.init_default(&crystal, &core, &usb).ok()?;
    resets.reset().modify(|_, w| w.io_bank0().clear_bit().pads_bank0().clear_bit());
    for pin in [FROM, TO] {
        pac.PADS_BANK0.gpio(usize::from(pin)).modify(|_, w| w.ie().set_bit().od().clear_bit());
        pac.IO_BANK0.gpio(usize::from(pin)).gpio_ctrl().write(|w| w.funcsel().sio());
    }
    pac.SIO.gpio_oe_set().write(|w| unsafe { w.bits(1 << TO) });
    let edges = EDGES << (FROM * 4);
    pac.IO_BANK0.intr(0).write(|w| unsafe { w.bits(edges) });
    pac.IO_BANK0.proc0_inte(0).write(|w| unsafe { w.bits(edges) });
    // Sound: no interrupt runs yet.
    unsafe {
        let vectors = &mut *TABLE.0.get();
        *vectors = [stop as *const () as usize; VECTORS];
        vectors[16 + Interrupt::IO_IRQ_BANK0 as usize] = copy as *const () as usize;
        (*SCB::PTR).vtor.write(TABLE.0.get() as u32);
        NVIC::unmask(Interrupt::IO_IRQ_BANK0);
    }
    Some(())
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    stop()
}
