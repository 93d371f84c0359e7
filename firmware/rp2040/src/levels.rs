//! The upper levels as interrupts: stamps and strikes, P0 at the pins, P1 with the engine. Owns priorities, vectors and who
//! wakes whom; knows nothing of what the halves do.
//!
//! - Above all: the pins' interrupt ([`stamp`]) and alarm 0 ([`strike`]), some tens of cycles each. They ask for P0.
//! - P0: an interrupt without hardware, made pending by those and by P1.
//! - P1: alarm 1, also made pending by P0 and P2.
//! - P2: thread mode, and interrupts that only wake it. Sounds (alarm 3) come in there, and wait for nothing else.
//!
//! Our critical section masks P2's interrupts and nothing else. What it guards (the driver of USB) is used by P2 alone,
//! and the levels above share nothing with anyone but queues that need no lock: masking them would only make edges late.

// Vectors, and statics that belong to one level each.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::{NVIC, SCB};
use device::{Core, Edge, Preempt};
use link::Micros;

use crate::chip::pac::Interrupt;
use crate::chip::{
    CORE_IRQ, EDGE_IRQ, INTERRUPTS, OUTER_IRQ, PINS_IRQ, STRIKE_IRQ, TONE_IRQ, UART_IRQ, USB_IRQ, timer,
};
use crate::clock::{self, Alarm, Following};
use crate::owned::Owned;
use crate::pins::Pins;
use crate::stamp::{self, Stamps};
use crate::{adc, fault, strike, tone, uart, usb};

/// The memory of the program image.
pub(crate) type Image = &'static mut [u32];

const ABOVE: u8 = 0x00;
const P0: u8 = 0x40;
const P1: u8 = 0x80;
const P2: u8 = 0xC0;
/// What is due so soon is waited for: leaving P1 and coming back takes as long. In µs.
const SPIN_US: Micros = 2;
/// How often P0 looks whether the microsecond of an edge is over: 1 µs in all.
const ANSWER_ROUNDS: usize = 10;
/// Rounds of P1 before it is called anew.
const ROUNDS: usize = 16;
/// Exceptions of the processor itself, before the first interrupt.
const EXCEPTIONS: usize = 16;

struct LevelEdge {
    edge: Edge<'static>,
    board: Pins,
    clock: Following,
    stamps: Stamps,
    /// When P0 must have shown that it is alive, the low half.
    tick: u32,
}

/// P0's alone.
static EDGE: Owned<Option<LevelEdge>> = Owned::new(None);
/// Whether P0 left undone what an answer need not wait for. P0 stores, P1 looks.
static LATER: AtomicU32 = AtomicU32::new(0);
/// P1's alone.
static CORE: Owned<Option<Core<'static, Image>>> = Owned::new(None);

// What the processor asks of a table of so many.
#[cfg_attr(not(rp2350), repr(C, align(256)))]
#[cfg_attr(rp2350, repr(C, align(512)))]
struct Vectors([usize; EXCEPTIONS + INTERRUPTS]);
/// The vectors in RAM: fetching one from flash would stall the entry of an interrupt. Written whole before they are used.
#[unsafe(link_section = ".vectors")]
static VECTORS: Owned<Vectors> = Owned::new(Vectors([0; EXCEPTIONS + INTERRUPTS]));

/// Sets the upper levels going.
///
/// # Safety
/// To be called once, in thread mode, before any interrupt is unmasked.
pub(crate) unsafe fn start(edge: Edge<'static>, core: Core<'static, Image>) {
    unsafe {
        *EDGE.get() =
            Some(LevelEdge { edge, board: Pins::new(), clock: Following::new(), stamps: Stamps::new(), tick: 0 });
        *CORE.get() = Some(core);
        let vectors = VECTORS.get();
        vectors.0 = [fault::stop as *const () as usize; EXCEPTIONS + INTERRUPTS];
        for (irq, priority, handler) in [
            (PINS_IRQ, ABOVE, stamp::pins as extern "C" fn()),
            (STRIKE_IRQ, ABOVE, strike::alarm),
            (EDGE_IRQ, P0, edge_turn),
            (CORE_IRQ, P1, core_alarm),
            (TONE_IRQ, P2, tone::interrupt),
            (OUTER_IRQ, P2, outer_alarm),
            (UART_IRQ, P2, uart::interrupt),
            (USB_IRQ, P2, usb::interrupt),
        ] {
            if let Some(vector) = vectors.0.get_mut(EXCEPTIONS + irq as usize) {
                *vector = handler as *const () as usize;
            }
            let mut nvic = cortex_m::Peripherals::steal().NVIC;
            nvic.set_priority(irq, priority);
        }
        (*SCB::PTR).vtor.write(vectors as *const Vectors as u32);
        timer().inte().write(|w| w.bits(0b1111));
        for irq in [PINS_IRQ, STRIKE_IRQ, EDGE_IRQ, CORE_IRQ, TONE_IRQ, OUTER_IRQ, UART_IRQ, USB_IRQ] {
            NVIC::unmask(irq);
        }
    }
    NVIC::pend(EDGE_IRQ);
    NVIC::pend(CORE_IRQ);
}

/// P2 has something for P1.
pub(crate) fn ask_core() {
    NVIC::pend(CORE_IRQ);
}

/// P0: pins changed, strikes were made, an edge or a limit is due, P1 has orders, or it is time to show that P0 is alive.
extern "C" fn edge_turn() {
    // Sound: P0's alone.
    let Some(LevelEdge { edge, board, clock, stamps, tick }) = (unsafe { EDGE.get() }) else { return };
    let alarm = strike::came();
    let (mut now, mut stamped, mut told, mut answered) = (0, false, false, false);
    // An edge that may be answered waits for its microsecond to end; a round takes a good part of one.
    for _ in 0..ANSWER_ROUNDS {
        // Before the stamps are looked at: what is stamped from here on is not earlier.
        now = clock.now();
        stamped |= stamps.take(|at, pin, high| told |= edge.changed(clock::widen_from(now, at), pin, high));
        answered = edge.waits_to_answer() && edge.answer(now, board);
        if answered || !edge.waits_to_answer() {
            break;
        }
    }
    let lost = stamps.lost();
    if lost != 0 {
        edge.lost(lost);
    }
    if told {
        NVIC::pend(CORE_IRQ);
    }
    if stamped && !answered && !alarm && !edge.is_asked() {
        // When to wake P0 next is seen to once P1 has answered; a wheel that turned changes nothing about that.
        if told {
            LATER.store(1, Ordering::Relaxed);
        }
        if told || LATER.load(Ordering::Relaxed) == 0 {
            return;
        }
    }
    let mut due = edge.poll_at();
    if due.is_some_and(|at| at <= now) || clock::is_past(*tick, now as u32) {
        edge.poll(now, board);
        NVIC::pend(CORE_IRQ);
        *tick = (now as u32).wrapping_add(clock::TICK_US as u32);
        due = edge.poll_at();
    }
    LATER.store(0, Ordering::Relaxed);
    strike::wake(*tick, due.map(|at| at.max(now)).filter(|at| *at < now + clock::TICK_US));
}

/// Calls P0 in the midst of P1 when it has orders, and at no other point: all else can wait for P1.
struct CallEdge;

impl Preempt for CallEdge {
    #[inline(always)]
    fn point(&mut self) {}

    #[inline(always)]
    fn ordered(&mut self) {
        NVIC::pend(EDGE_IRQ);
    }

    #[inline(always)]
    fn moment(&self, now: Micros) -> Micros {
        clock::widen_from(now, clock::low())
    }
}

/// P1: P0 or P2 has something for it, or its own time has come.
extern "C" fn core_alarm() {
    clock::heard(Alarm::Core);
    // Sound: P1's alone; P0, which interrupts it, does not touch it.
    let Some(core) = (unsafe { CORE.get() }) else { return };
    for _ in 0..ROUNDS {
        // Before the queue is looked at: what P0 stamps from here on is not earlier.
        let now = clock::micros();
        core.sample(now, adc::read, &mut CallEdge);
        core.poll(now, &mut CallEdge);
        if LATER.load(Ordering::Relaxed) != 0 {
            NVIC::pend(EDGE_IRQ);
        }
        let due = core.poll_at().into_iter().chain(core.sample_at()).min();
        match due {
            Some(due) if due <= now + SPIN_US => while clock::micros() < due {},
            _ => {
                if clock::wake(Alarm::Core, now, due) {
                    NVIC::pend(CORE_IRQ);
                }
                return;
            }
        }
    }
    // P0 comes first in any case; this gives the watchdog a say if it never ends.
    NVIC::pend(CORE_IRQ);
}

/// P2 is woken by the mere return from this.
extern "C" fn outer_alarm() {
    clock::heard(Alarm::Outer);
}

struct MaskOuter;
critical_section::set_impl!(MaskOuter);

/// P2's interrupts, one bit of a token each.
const OUTER_IRQS: [Interrupt; 3] = [OUTER_IRQ, UART_IRQ, USB_IRQ];

// Sound: whatever stands behind a critical section is used by P2 alone, see above.
unsafe impl critical_section::Impl for MaskOuter {
    unsafe fn acquire() -> u32 {
        let enabled = (0..).zip(OUTER_IRQS).filter(|(_, irq)| NVIC::is_enabled(*irq)).fold(0, |set, (n, irq)| {
            NVIC::mask(irq);
            set | 1 << n
        });
        cortex_m::asm::dsb();
        cortex_m::asm::isb();
        enabled
    }

    unsafe fn release(enabled: u32) {
        for (_, irq) in (0..).zip(OUTER_IRQS).filter(|(n, _)| enabled & 1 << n != 0) {
            unsafe { NVIC::unmask(irq) };
        }
    }
}
