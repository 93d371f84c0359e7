//! The link over UART0 at GPIO 0 (out) and 1 (in): 1 000 000 baud, 8 data bits, no parity, 1 stop bit. Owns its interrupt
//! and two queues of bytes.

// Registers that take whole words, and queues whose two ends belong to two sides.
#![allow(unsafe_code)]

use heapless::spsc::{Consumer, Producer, Queue};

use crate::chip::{CORE_HZ, connect, io, pads, uart};
use crate::owned::Owned;

const BAUD: u32 = 1_000_000;
/// 16 samples a bit; the fraction counts 64ths.
const DIVISOR_64THS: u32 = CORE_HZ / (16 * BAUD / 64);
const RX: usize = 1024;
const TX: usize = 512;
const EMPTY: u32 = 1 << 4;
const FULL: u32 = 1 << 5;
/// Bytes came; bytes came and no more followed.
const HEARD: u32 = (1 << 4) | (1 << 6);
const ROOM: u32 = 1 << 5;

static RECEIVED: Owned<Queue<u8, RX>> = Owned::new(Queue::new());
static WAITING: Owned<Queue<u8, TX>> = Owned::new(Queue::new());

struct Inside {
    received: Producer<'static, u8>,
    waiting: Consumer<'static, u8>,
}

/// The interrupt's alone.
static INSIDE: Owned<Option<Inside>> = Owned::new(None);

/// Thread mode's side.
pub(crate) struct Uart {
    received: Consumer<'static, u8>,
    waiting: Producer<'static, u8>,
}

impl Uart {
    /// Sets the UART up.
    ///
    /// # Safety
    /// To be called once, before its interrupt is unmasked.
    pub(crate) unsafe fn new() -> Self {
        let ((in_end, received), (waiting, out_end)) = unsafe { (RECEIVED.get().split(), WAITING.get().split()) };
        unsafe { *INSIDE.get() = Some(Inside { received: in_end, waiting: out_end }) };
        for pin in [0, 1] {
            // Idle is high; a line that leads nowhere must not look like bytes.
            pads().gpio(pin).write(|w| w.ie().set_bit().pue().set_bit().pde().clear_bit());
            io().gpio(pin).gpio_ctrl().write(|w| w.funcsel().uart());
            connect(pin);
        }
        uart().uartibrd().write(|w| unsafe { w.bits(DIVISOR_64THS / 64) });
        uart().uartfbrd().write(|w| unsafe { w.bits(DIVISOR_64THS % 64) });
        // 8 bits, queues on; on, both ways.
        uart().uartlcr_h().write(|w| unsafe { w.bits((0b11 << 5) | (1 << 4)) });
        uart().uartcr().write(|w| unsafe { w.bits((1 << 9) | (1 << 8) | 1) });
        uart().uartimsc().write(|w| unsafe { w.bits(HEARD) });
        Self { received, waiting }
    }

    /// The next byte heard.
    pub(crate) fn read(&mut self) -> Option<u8> {
        self.received.dequeue()
    }

    /// Takes as many bytes as there is room for: their number.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.iter().take_while(|byte| self.waiting.enqueue(**byte).is_ok()).count();
        if taken > 0 {
            // The UART interrupts when its queue falls to the level, never because it stands below: the first time it is
            // asked for by hand. It asks no more when nothing waits.
            critical_section::with(|_| uart().uartimsc().write(|w| unsafe { w.bits(HEARD | ROOM) }));
            cortex_m::peripheral::NVIC::pend(crate::chip::UART_IRQ);
        }
        taken
    }
}

/// Moves bytes between the UART and the queues. A byte that finds no room is dropped: its frame is garbled and resent.
pub(crate) extern "C" fn interrupt() {
    // Sound: the interrupt's alone.
    let Some(inside) = (unsafe { INSIDE.get() }) else { return };
    uart().uarticr().write(|w| unsafe { w.bits(HEARD | ROOM) });
    // Bounded by what the UART itself holds, but for bytes that come meanwhile, 10 µs apart.
    while uart().uartfr().read().bits() & EMPTY == 0 {
        let _ = inside.received.enqueue(uart().uartdr().read().data().bits());
    }
    while uart().uartfr().read().bits() & FULL == 0 {
        match inside.waiting.dequeue() {
            Some(byte) => uart().uartdr().write(|w| unsafe { w.data().bits(byte) }),
            None => {
                uart().uartimsc().write(|w| unsafe { w.bits(HEARD) });
                break;
            }
        };
    }
}
