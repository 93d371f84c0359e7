//! The converter, running freely over its four pins; DMA keeps the newest value of each. Owns both; whoever samples reads a
//! word, and waits for nothing.
//!
//! 500 000 conversions a second, one pin after the other: what is read was taken at most 10 µs before.

// Registers of the converter and of a channel that only this module uses, and memory that DMA writes.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU16, Ordering};

use crate::chip::{ADC_PACE, adc, dma, pads};

/// The first pin of the converter, GPIO 26. The fourth is the Pico's own.
const FIRST: u8 = 26;
const PINS: usize = 4;
/// The channel of DMA behind those of the voices.
const CHANNEL: usize = 2;
/// The queue: on, asks for DMA at one value.
const QUEUE: u32 = 1 | (1 << 3) | (1 << 24);
/// Values were lost, and with them the order of the pins.
const OVERFLOWN: u32 = 1 << 11;
/// On, converting for ever, all four pins in turn, the first one first.
const RUN: u32 = 1 | (1 << 3) | (0b1111 << 16);

/// DMA comes back to the beginning by itself if this is aligned to its length.
#[repr(C, align(8))]
struct Newest([AtomicU16; PINS]);

static NEWEST: Newest = Newest([const { AtomicU16::new(0) }; PINS]);

/// Whether a pin is one of the converter's that a rig may use.
pub(crate) fn has(pin: u8) -> bool {
    (FIRST..FIRST + PINS as u8 - 1).contains(&pin)
}

/// Gives a pin to the converter: no resistor, no input, no output. Starts the converter if it rests.
pub(crate) fn set_up(pin: u8) {
    pads().gpio(usize::from(pin)).write(|w| w.ie().clear_bit().od().set_bit().pue().clear_bit().pde().clear_bit());
    if adc().cs().read().bits() & 1 == 0 {
        begin();
    }
}

/// The newest value of a pin, 0 to 4095.
#[inline(always)]
pub(crate) fn read(pin: u8) -> u16 {
    // The bus was held so long that the pins' values no longer stand where they belong; or DMA, which cannot count further
    // than two hours, has come to its end.
    if adc().fcs().read().bits() & OVERFLOWN != 0 || !dma().ch(CHANNEL).ch_al1_ctrl().read().busy().bit() {
        begin();
    }
    NEWEST.0.get(usize::from(pin.wrapping_sub(FIRST))).map_or(0, |value| value.load(Ordering::Relaxed))
}

/// No pin is converted any more.
pub(crate) fn clear() {
    adc().cs().write(|w| unsafe { w.bits(0) });
    dma().ch(CHANNEL).ch_al1_ctrl().write(|w| unsafe { w.bits(0) });
}

/// From the first pin on.
fn begin() {
    let channel = dma().ch(CHANNEL);
    clear();
    dma().chan_abort().write(|w| unsafe { w.bits(1 << CHANNEL) });
    // A conversion under way takes 2 µs, a transfer a few cycles; what they leave in the queue is taken out.
    cortex_m::asm::delay(3 * (crate::chip::CORE_HZ / 1_000_000));
    adc().fcs().write(|w| unsafe { w.bits(QUEUE | OVERFLOWN) });
    for _ in 0..8 {
        if adc().fcs().read().empty().bit() {
            break;
        }
        let _ = adc().fifo().read();
    }
    adc().div().write(|w| unsafe { w.bits(0) });
    unsafe {
        channel.ch_read_addr().write(|w| w.bits(adc().fifo().as_ptr() as u32));
        channel.ch_write_addr().write(|w| w.bits(NEWEST.0.as_ptr() as u32));
    }
    channel.ch_trans_count().write(|w| unsafe { w.bits(u32::MAX) });
    channel.ch_ctrl_trig().write(|w| unsafe {
        let w = w.data_size().size_halfword().incr_write().set_bit().ring_size().bits(3).ring_sel().set_bit();
        let w = w.chain_to().bits(CHANNEL as u8).treq_sel().bits(ADC_PACE);
        w.irq_quiet().set_bit().en().set_bit()
    });
    adc().cs().write(|w| unsafe { w.bits(1) });
    while !adc().cs().read().ready().bit() {}
    adc().cs().write(|w| unsafe { w.bits(RUN) });
}
