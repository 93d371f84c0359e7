//! RP2350, on the Pico 2, with its Arm cores. Built from the same source; it was never run, on a board or emulated.

// As on the RP2040.
#![allow(unsafe_code)]

pub(crate) use rp235x_hal as hal;
pub(crate) use rp235x_hal::pac;

use hal::clocks::init_clocks_and_plls;
use hal::rom_data::sys_info_api;
use hal::usb::UsbBus;
use pac::Interrupt;

use super::{CRYSTAL_HZ, blocks};

/// What the boot ROM looks for: a secure image for the Arm cores.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: hal::block::ImageDef = hal::block::ImageDef::secure_exe();

/// What the hello says of the board.
pub(crate) const BOARD: &str = "rp2350";
/// The core's clock, in Hz: what the chip is made for.
pub(crate) const CORE_HZ: u32 = 150_000_000;

/// Words of the ring: 192 KiB. The region KEPT in rp2350.x holds it and 512 bytes more.
pub(crate) const RING_WORDS: usize = 48 * 1024;

/// Interrupts of the chip.
pub(crate) const INTERRUPTS: usize = 52;
/// Above all: pins.
pub(crate) const PINS_IRQ: Interrupt = Interrupt::IO_IRQ_BANK0;
/// Above all: the alarm of strikes, which wakes P0 too.
pub(crate) const STRIKE_IRQ: Interrupt = Interrupt::TIMER0_IRQ_0;
/// P0: one without hardware.
pub(crate) const EDGE_IRQ: Interrupt = Interrupt::SW0_IRQ;
/// P1: its alarm, also made pending by P0 and P2.
pub(crate) const CORE_IRQ: Interrupt = Interrupt::TIMER0_IRQ_1;
/// P2: its alarm.
pub(crate) const OUTER_IRQ: Interrupt = Interrupt::TIMER0_IRQ_2;
/// P2: sounds, also made pending by P0.
pub(crate) const TONE_IRQ: Interrupt = Interrupt::TIMER0_IRQ_3;
/// P2: USB.
pub(crate) const USB_IRQ: Interrupt = Interrupt::USBCTRL_IRQ;
/// P2: UART.
pub(crate) const UART_IRQ: Interrupt = Interrupt::UART0_IRQ;

/// Overrides in a pad's control register.
pub(crate) const OUT_LOW: u32 = 2 << 12;
pub(crate) const OUT_HIGH: u32 = 3 << 12;
pub(crate) const OUT_DISABLED: u32 = 2 << 14;
pub(crate) const OUT_ENABLED: u32 = 3 << 14;
/// The control register of pad 0; the others follow every eight bytes.
pub(crate) const PAD_CONTROL: u32 = 0x4002_8004;
/// The watchdog's control register, through the alias that sets bits.
pub(crate) const WATCHDOG_SET: u32 = 0x400D_A000;
/// The watchdog's counter falls once a microsecond.
pub(crate) const WATCHDOG_COUNTS: u32 = 1;
/// All of the power-on state machine but the two oscillators.
pub(crate) const EVERYTHING: u32 = 0x01FF_FFF3;
/// The converter among what may pace DMA.
pub(crate) const ADC_PACE: u8 = 48;

blocks! {
    timer: TIMER0,
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

/// A pad is held as it was before until it is let go.
#[inline(always)]
pub(crate) fn connect(pad: usize) {
    pads().gpio(pad).modify(|_, w| w.iso().clear_bit());
}

/// Clocks, and every block out of reset that is used: the USB bus comes of it. None if something does not answer.
pub(crate) fn bring_up() -> Option<UsbBus> {
    let pac = pac::Peripherals::take()?;
    let mut resets = pac.RESETS;
    let mut watchdog = hal::Watchdog::new(pac.WATCHDOG);
    let (xosc, clocks, core, usb) = (pac.XOSC, pac.CLOCKS, pac.PLL_SYS, pac.PLL_USB);
    let clocks = init_clocks_and_plls(CRYSTAL_HZ, xosc, clocks, core, usb, &mut resets, &mut watchdog).ok()?;
    resets.reset().modify(|_, w| {
        let w = w.io_bank0().clear_bit().pads_bank0().clear_bit().timer0().clear_bit();
        w.uart0().clear_bit().adc().clear_bit().pwm().clear_bit().dma().clear_bit()
    });
    while !resets.reset_done().read().uart0().bit() {}
    Some(UsbBus::new(pac.USB, pac.USB_DPRAM, clocks.usb_clock, true, &mut resets))
}

/// The board's number: the chip's own, a different one on every chip. 0 if the boot ROM does not tell it.
///
/// # Safety
/// As on the RP2040.
pub(crate) unsafe fn board_number() -> u64 {
    match sys_info_api::chip_info() {
        Ok(Some(chip)) => u64::from(chip.wafer_id) << 32 | u64::from(chip.device_id),
        _ => 0,
    }
}
