//! RP2040, on the Pico.

// Each block of registers is there for as long as the chip has power, and the hardware guards it against half a store. Who
// may write which register is said where it is written.
#![allow(unsafe_code)]

pub(crate) use rp2040_hal as hal;
pub(crate) use rp2040_hal::pac;

use hal::clocks::{Clock, ClocksManager};
use hal::fugit::HertzU32;
use hal::pll::{PLLConfig, setup_pll_blocking};
use hal::rom_data;
use hal::usb::UsbBus;
use pac::Interrupt;

use super::{CRYSTAL_HZ, blocks};

/// The second-stage boot loader: starts the flash, at half the core's clock: 100 MHz, of the 133 MHz it is made for.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// What the hello says of the board.
pub(crate) const BOARD: &str = "rp2040";
/// The core's clock, in Hz: what the chip's maker allows at 1.15 V.
pub(crate) const CORE_HZ: u32 = 200_000_000;
/// 12 MHz × 100 / 6 = 200 MHz.
const CORE_PLL: PLLConfig = PLLConfig { vco_freq: HertzU32::MHz(1200), refdiv: 1, post_div1: 6, post_div2: 1 };

/// Words of the ring: 57 KiB. The region KEPT in memory.x holds it and 256 bytes more.
pub(crate) const RING_WORDS: usize = 57 * 256;

/// Interrupts of the chip.
pub(crate) const INTERRUPTS: usize = 32;
/// Above all: pins.
pub(crate) const PINS_IRQ: Interrupt = Interrupt::IO_IRQ_BANK0;
/// Above all: the alarm of strikes, which wakes P0 too.
pub(crate) const STRIKE_IRQ: Interrupt = Interrupt::TIMER_IRQ_0;
/// P0: one without hardware.
pub(crate) const EDGE_IRQ: Interrupt = Interrupt::SW0_IRQ;
/// P1: its alarm, also made pending by P0 and P2.
pub(crate) const CORE_IRQ: Interrupt = Interrupt::TIMER_IRQ_1;
/// P2: its alarm.
pub(crate) const OUTER_IRQ: Interrupt = Interrupt::TIMER_IRQ_2;
/// P2: sounds, also made pending by P0.
pub(crate) const TONE_IRQ: Interrupt = Interrupt::TIMER_IRQ_3;
/// P2: USB.
pub(crate) const USB_IRQ: Interrupt = Interrupt::USBCTRL_IRQ;
/// P2: UART.
pub(crate) const UART_IRQ: Interrupt = Interrupt::UART0_IRQ;

/// Overrides in a pad's control register.
pub(crate) const OUT_LOW: u32 = 2 << 8;
pub(crate) const OUT_HIGH: u32 = 3 << 8;
pub(crate) const OUT_DISABLED: u32 = 2 << 12;
pub(crate) const OUT_ENABLED: u32 = 3 << 12;
/// The control register of pad 0; the others follow every eight bytes.
pub(crate) const PAD_CONTROL: u32 = 0x4001_4004;
/// The watchdog's control register, through the alias that sets bits.
pub(crate) const WATCHDOG_SET: u32 = 0x4005_A000;
/// The watchdog's counter falls by two a microsecond (erratum RP2040-E1).
pub(crate) const WATCHDOG_COUNTS: u32 = 2;
/// All of the power-on state machine but the two oscillators: a reset of pads, SIO, PWM, DMA and PIO is in it.
pub(crate) const EVERYTHING: u32 = 0x0001_FFFC;
/// The converter among what may pace DMA.
pub(crate) const ADC_PACE: u8 = 36;

blocks! {
    timer: TIMER,
    sio: SIO,
    io: IO_BANK0,
    pads: PADS_BANK0,
    uart: UART0,
    rosc: ROSC,
    psm: PSM,
    watchdog: WATCHDOG,
    adc: ADC,
    dma: DMA,
    pwm: PWM,
}

/// A pad that was set up is at once what it was set up to be.
#[inline(always)]
pub(crate) fn connect(_pad: usize) {}

/// Clocks, and every block out of reset that is used: the USB bus comes of it. None if something does not answer.
pub(crate) fn bring_up() -> Option<UsbBus> {
    let mut pac = pac::Peripherals::take()?;
    let mut resets = pac.RESETS;
    let mut watchdog = hal::Watchdog::new(pac.WATCHDOG);

    // The voltage rises before the clock does.
    hal::vreg::set_voltage(&mut pac.VREG_AND_CHIP_RESET, pac::vreg_and_chip_reset::vreg::VSEL_A::VOLTAGE1_15);
    while !pac.VREG_AND_CHIP_RESET.vreg().read().rok().bit() {}
    let crystal = hal::xosc::setup_xosc_blocking(pac.XOSC, HertzU32::Hz(CRYSTAL_HZ)).ok()?;
    watchdog.enable_tick_generation((CRYSTAL_HZ / 1_000_000) as u8);
    let mut clocks = ClocksManager::new(pac.CLOCKS);
    let hertz = HertzU32::Hz(CRYSTAL_HZ);
    let core = setup_pll_blocking(pac.PLL_SYS, hertz, CORE_PLL, &mut clocks, &mut resets).ok()?;
    let usb = hal::pll::common_configs::PLL_USB_48MHZ;
    let usb = setup_pll_blocking(pac.PLL_USB, hertz, usb, &mut clocks, &mut resets).ok()?;
    clocks.init_default(&crystal, &core, &usb).ok()?;
    if clocks.system_clock.freq().to_Hz() != CORE_HZ {
        return None;
    }
    resets.reset().modify(|_, w| {
        let w = w.io_bank0().clear_bit().pads_bank0().clear_bit().timer().clear_bit();
        w.uart0().clear_bit().adc().clear_bit().pwm().clear_bit().dma().clear_bit()
    });
    while !resets.reset_done().read().uart0().bit() {}
    Some(UsbBus::new(pac.USBCTRL_REGS, pac.USBCTRL_DPRAM, clocks.usb_clock, true, &mut resets))
}

/// "Mu" and 1: where the chip's boot ROM names itself.
const ROM_MARK: *const [u8; 3] = 0x10 as *const [u8; 3];

/// The command by which a flash tells its number, the bytes it lets pass before, and those of the number.
const READ_NUMBER: u8 = 0x4B;
const PASSED: usize = 5;
const NUMBER: usize = 8;
/// Words of the loader that starts the flash.
const LOADER: usize = 64;

/// The board's number: that of its flash, which is a different one on every board. 0 where there is no boot ROM to ask.
///
/// # Safety
/// Nothing else may run, interrupt or DMA: the flash cannot be read meanwhile.
pub(crate) unsafe fn board_number() -> u64 {
    // Sound: ROM.
    if unsafe { ROM_MARK.read_volatile() } != *b"Mu\x01" {
        return 0;
    }
    let mut loader = [0; LOADER];
    for (n, word) in loader.iter_mut().enumerate() {
        // Sound: the loader lies at the flash's beginning.
        *word = unsafe { (0x1000_0000 as *const u32).add(n).read_volatile() };
    }
    let rom = Rom {
        connect: rom_data::connect_internal_flash::ptr(),
        leave_xip: rom_data::flash_exit_xip::ptr(),
        flush_cache: rom_data::flash_flush_cache::ptr(),
    };
    let mut bytes = [READ_NUMBER; PASSED + NUMBER];
    // Sound: as the caller promises.
    unsafe { exchange(&rom, &loader, &mut bytes) };
    bytes.iter().skip(PASSED).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// What the boot ROM does for us.
struct Rom {
    connect: unsafe extern "C" fn(),
    leave_xip: unsafe extern "C" fn(),
    flush_cache: unsafe extern "C" fn(),
}

/// Sends bytes to the flash and puts its answer in their place. Lies in RAM like all code that is not named cold, and
/// calls none that is: in its midst there is no flash to fetch from.
#[inline(never)]
unsafe fn exchange(rom: &Rom, loader: &[u32; LOADER], bytes: &mut [u8]) {
    let (ssi, select) = unsafe { (&*pac::XIP_SSI::ptr(), (*pac::IO_QSPI::ptr()).gpio_qspiss().gpio_ctrl()) };
    // Sound: the ROM's own functions, in the order its maker's library calls them.
    unsafe {
        (rom.connect)();
        (rom.leave_xip)();
    }
    select.modify(|_, w| w.outover().low());
    for byte in bytes {
        ssi.dr0().write(|w| unsafe { w.dr().bits(u32::from(*byte)) });
        while !ssi.sr().read().rfne().bit() {}
        *byte = ssi.dr0().read().dr().bits() as u8;
    }
    select.modify(|_, w| w.outover().high());
    // Sound: this also gives the flash its select line back; then the loader, which returns to whoever calls it.
    unsafe {
        (rom.flush_cache)();
        let start: extern "C" fn() = core::mem::transmute(loader.as_ptr() as usize | 1);
        start();
    }
}
