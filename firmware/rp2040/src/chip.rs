//! The registers of the chip by name. Owns what differs between one chip and the next; everything else stands on this.

// Each function gives a block of registers that is there for as long as the chip has power, and that the hardware guards
// against half a store. Who may write which register is said where it is written.
#![allow(unsafe_code)]

pub(crate) use rp2040_hal as hal;
pub(crate) use rp2040_hal::pac;

use pac::Interrupt;

/// What the hello says of the board.
pub(crate) const BOARD: &str = "rp2040";
/// The core's clock, in Hz: what the chip's maker allows at 1.15 V.
pub(crate) const CORE_HZ: u32 = 200_000_000;
/// Pads of bank 0.
pub(crate) const PADS: usize = 30;

/// P0: pins.
pub(crate) const PINS_IRQ: Interrupt = Interrupt::IO_IRQ_BANK0;
/// P0: its alarm, also made pending by P1.
pub(crate) const EDGE_IRQ: Interrupt = Interrupt::TIMER_IRQ_0;
/// P1: its alarm, also made pending by P0 and P2.
pub(crate) const CORE_IRQ: Interrupt = Interrupt::TIMER_IRQ_1;
/// Between P1 and P2: sounds, also made pending by P0.
pub(crate) const TONE_IRQ: Interrupt = Interrupt::TIMER_IRQ_3;
/// P2: its alarm.
pub(crate) const OUTER_IRQ: Interrupt = Interrupt::TIMER_IRQ_2;
/// P2: USB.
pub(crate) const USB_IRQ: Interrupt = Interrupt::USBCTRL_IRQ;
/// P2: UART.
pub(crate) const UART_IRQ: Interrupt = Interrupt::UART0_IRQ;

macro_rules! blocks {
    ($($name:ident: $block:ident),* $(,)?) => {
        $(
            #[inline(always)]
            pub(crate) fn $name() -> &'static <pac::$block as core::ops::Deref>::Target {
                unsafe { &*pac::$block::ptr() }
            }
        )*
    };
}

blocks! {
    timer: TIMER,
    sio: SIO,
    io: IO_BANK0,
    pads: PADS_BANK0,
    uart: UART0,
    dma: DMA,
    pwm: PWM,
    rosc: ROSC,
    psm: PSM,
    watchdog: WATCHDOG,
}
