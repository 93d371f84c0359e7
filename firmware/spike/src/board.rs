//! The chip's half: P0 stamps edges, P1 runs the engine and drives the pins, the lowest level keeps the flash busy if
//! told to. Knows the pins by number; a real body gets them from the rig.
//!
//! Straps read once at the start choose what runs: program, bare interrupt, a lowest level that works in flash.

// A spike: pins, interrupts and what they share, with nothing above it to keep it apart. Each use says why it is sound.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::ptr::{addr_of_mut, read_volatile};

use cortex_m::peripheral::NVIC;
use engine::{Engine, Given, Start};
use heapless::spsc::{Consumer, Producer, Queue};
use link::program::Program;
use link::record::{ENTRY_BYTES_MAX, Request, Writer};
use link::{LineId, Micros, Record};
use rp2040_hal::pac::{self, interrupt};

use crate::{FLAGSHIP, MAXIMUM};

/// The second-stage boot loader: starts the flash.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Input lines 0 and 1.
const INPUTS: [u8; 2] = [2, 3];
/// Output lines from 2 on.
const OUTPUTS: [u8; 6] = [10, 11, 12, 13, 14, 15];
/// Shown to the harness: P1's engine call, its offering of edges, its writing of records, the bare answer, ready, panic.
const MARK_ENGINE: u32 = 1 << 16;
const MARK_OFFER: u32 = 1 << 17;
const MARK_WRITE: u32 = 1 << 18;
const BARE: u32 = 1 << 19;
const MARK_READY: u32 = 1 << 24;
const MARK_PANIC: u32 = 1 << 25;
/// Straps: the maximum program, a lowest level that works in flash, the bare interrupt.
const STRAP_MAXIMUM: u32 = 1 << 20;
const STRAP_BUSY: u32 = 1 << 21;
const STRAP_BARE: u32 = 1 << 22;

/// Edges as P0 hands them on, raw, so that it takes the same short time whatever came: the low half of their stamp, the
/// pins that changed, and the levels of all.
#[derive(Clone, Copy)]
struct Edges {
    stamp: u32,
    pending: u32,
    levels: u32,
}

const EDGES: usize = 64;
const LOG: usize = 128;
const RING_BYTES: usize = 32 * 1024;

/// What only one interrupt level ever touches once interrupts run.
struct Owned<T>(UnsafeCell<T>);

// Sound as long as each is used by one level alone, which every use states.
unsafe impl<T> Sync for Owned<T> {}

impl<T> Owned<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    unsafe fn get(&self) -> &mut T {
        unsafe { &mut *self.0.get() }
    }
}

struct Log {
    records: [(Micros, Record); LOG],
    len: usize,
    lost: u32,
}

impl engine::Sink for Log {
    #[inline(always)]
    fn record(&mut self, at: Micros, record: Record) {
        if let Record::Request { line, request } = &record {
            drive(*line, request);
        }
        match self.records.get_mut(self.len) {
            Some(slot) => {
                *slot = (at, record);
                self.len += 1;
            }
            None => self.lost += 1,
        }
    }
}

struct P1 {
    engine: Engine,
    program: Option<Program<'static>>,
    edges: Option<Consumer<'static, Edges>>,
    log: Log,
    writer: Writer,
    ring_at: usize,
}

static QUEUE: Owned<Queue<Edges, EDGES>> = Owned::new(Queue::new());
/// P0's alone.
static PRODUCER: Owned<Option<Producer<'static, Edges>>> = Owned::new(None);
/// P1's alone.
static LEVEL_1: Owned<P1> = Owned::new(P1 {
    engine: Engine::new(),
    program: None,
    edges: None,
    log: Log { records: [(0, Record::Silence(false)); LOG], len: 0, lost: 0 },
    writer: Writer::new(0),
    ring_at: 0,
});
/// P1's alone.
static RING: Owned<[u8; RING_BYTES]> = Owned::new([0; RING_BYTES]);
/// The program in RAM; written before interrupts run.
static IMAGE: Owned<[u32; link::limits::MAX_PROGRAM_WORDS]> = Owned::new([0; link::limits::MAX_PROGRAM_WORDS]);

#[repr(C, align(256))]
struct Vectors([usize; 48]);
/// The vectors in RAM: fetching one from flash would stall the entry of an interrupt.
static VECTORS: Owned<Vectors> = Owned::new(Vectors([0; 48]));

/// Figures for the harness, found by name in the image.
#[unsafe(no_mangle)]
#[used]
static SPIKE_SIZES: [u32; 7] = [
    size_of::<Engine>() as u32,
    size_of_val(&FLAGSHIP) as u32,
    size_of_val(&MAXIMUM) as u32,
    size_of::<Record>() as u32,
    size_of::<(Micros, Record)>() as u32,
    EDGES as u32 * size_of::<Edges>() as u32,
    RING_BYTES as u32,
];

#[inline(always)]
fn set(pins: u32) {
    // Sound: a store to a register that sets single bits.
    unsafe { (*pac::SIO::ptr()).gpio_out_set().write(|w| w.bits(pins)) };
}

#[inline(always)]
fn clear(pins: u32) {
    // Sound: a store to a register that clears single bits.
    unsafe { (*pac::SIO::ptr()).gpio_out_clr().write(|w| w.bits(pins)) };
}

#[inline(always)]
fn micros_low() -> u32 {
    // Sound: a read without side effects.
    unsafe { (*pac::TIMER::ptr()).timerawl().read().bits() }
}

/// The clock, whole, without the latch that P0 and P1 would share.
#[inline(always)]
fn micros() -> Micros {
    let timer = unsafe { &*pac::TIMER::ptr() };
    loop {
        let high = timer.timerawh().read().bits();
        let low = timer.timerawl().read().bits();
        if timer.timerawh().read().bits() == high {
            return (u64::from(high) << 32) | u64::from(low);
        }
    }
}

/// Stands in for the interlock: a request straight to its pin.
#[inline(always)]
fn drive(line: LineId, request: &Request) {
    let Some(&pin) = OUTPUTS.get(line.index().wrapping_sub(INPUTS.len())) else { return };
    let bit = 1_u32.wrapping_shl(u32::from(pin));
    if matches!(request, Request::Off) { clear(bit) } else { set(bit) }
}

/// P0: stamps every edge and hands it on.
#[interrupt]
fn IO_IRQ_BANK0() {
    let stamp = micros_low();
    let (io, sio) = unsafe { (&*pac::IO_BANK0::ptr(), &*pac::SIO::ptr()) };
    let pending = io.proc0_ints(0).read().bits();
    io.intr(0).write(|w| unsafe { w.bits(pending) });
    let levels = sio.gpio_in().read().bits();
    // Sound: P0's alone.
    let queued = unsafe { PRODUCER.get() }.as_mut().map(|producer| producer.enqueue(Edges { stamp, pending, levels }));
    if !matches!(queued, Some(Ok(()))) {
        set(MARK_PANIC);
    }
    NVIC::pend(pac::Interrupt::SW0_IRQ);
}

/// In the place of P0: the shortest way from an edge to an edge there is.
extern "C" fn bare() {
    set(BARE);
    let (io, sio) = unsafe { (&*pac::IO_BANK0::ptr(), &*pac::SIO::ptr()) };
    io.intr(0).write(|w| unsafe { w.bits(0b1100 << (INPUTS[0] * 4)) });
    if sio.gpio_in().read().bits() & (1 << INPUTS[0]) == 0 {
        clear(BARE);
    }
}

/// A time of the engine's own has come.
#[interrupt]
fn TIMER_IRQ_0() {
    let timer = unsafe { &*pac::TIMER::ptr() };
    timer.intr().write(|w| unsafe { w.bits(1) });
    NVIC::pend(pac::Interrupt::SW0_IRQ);
}

/// P1: waits until the microsecond of what came has closed, runs the engine, then writes the records down.
#[interrupt]
fn SW0_IRQ() {
    // Sound: P1's alone.
    let p1 = unsafe { LEVEL_1.get() };
    while turn(p1) {}
    if !p1.engine.running() || p1.log.lost > 0 {
        set(MARK_PANIC);
    }
    set(MARK_WRITE);
    write_down(&mut p1.log, &mut p1.writer, &mut p1.ring_at);
    clear(MARK_WRITE);
}

/// Hands the engine what came and lets it handle what has closed; whether there is more to do at once.
#[inline(never)]
fn turn(p1: &mut P1) -> bool {
    let (Some(program), Some(queue)) = (&p1.program, &mut p1.edges) else { return false };
    // Everything stamped before this reading is in the queue: P0 cannot be interrupted by us.
    let now = micros();
    while let Some(edges) = queue.dequeue() {
        offer(&mut p1.engine, now, edges);
    }
    set(MARK_ENGINE);
    p1.engine.advance(program, now - 1, 1, &mut p1.log);
    clear(MARK_ENGINE);
    is_due(&p1.engine, now)
}

/// Offers what P0 saw, line by line.
#[inline(never)]
fn offer(engine: &mut Engine, now: Micros, edges: Edges) {
    set(MARK_OFFER);
    // P0 keeps the low half of the clock; what it stamped lies at most half its range away.
    let behind = (now as u32).wrapping_sub(edges.stamp).cast_signed();
    let stamp = now.wrapping_sub(i64::from(behind).cast_unsigned());
    for (line, pin) in INPUTS.iter().enumerate() {
        if edges.pending & (0b1100 << (pin * 4)) != 0 {
            let given = Given::Edge { line: LineId(line as u8), active: edges.levels & (1 << pin) != 0 };
            if engine.offer(stamp, given).is_err() {
                set(MARK_PANIC);
            }
        }
    }
    clear(MARK_OFFER);
}

/// Whether the engine has something in this microsecond or the one before; if not, sets the alarm for what is next.
#[inline(never)]
fn is_due(engine: &Engine, now: Micros) -> bool {
    let next = engine.next_at().unwrap_or(Micros::MAX);
    if next <= now {
        return true;
    }
    let wake = next.saturating_add(1).min(now + 1_000_000);
    // Sound: only P1 writes the alarm.
    unsafe { (*pac::TIMER::ptr()).alarm0().write(|w| w.bits(wake as u32)) };
    micros() >= wake
}

/// Writes the records into the ring.
#[inline(never)]
fn write_down(log: &mut Log, writer: &mut Writer, ring_at: &mut usize) {
    // Sound: P1's alone.
    let ring = unsafe { RING.get() };
    for (at, record) in log.records.iter().take(log.len) {
        let mut bytes = [0; ENTRY_BYTES_MAX];
        let used = writer.write(*at, record, &mut bytes);
        if *ring_at + used.len() > RING_BYTES {
            *ring_at = 0;
        }
        if let Some(slot) = ring.get_mut(*ring_at..*ring_at + used.len()) {
            slot.copy_from_slice(used);
        }
        *ring_at += used.len();
    }
    log.len = 0;
}

#[rp2040_hal::entry]
fn main() -> ! {
    let Some(pac) = pac::Peripherals::take() else { fail() };
    let mut resets = pac.RESETS;
    let mut watchdog = rp2040_hal::Watchdog::new(pac.WATCHDOG);
    let clocks = rp2040_hal::clocks::init_clocks_and_plls(
        12_000_000,
        pac.XOSC,
        pac.CLOCKS,
        pac.PLL_SYS,
        pac.PLL_USB,
        &mut resets,
        &mut watchdog,
    );
    if clocks.is_err() {
        fail();
    }
    resets.reset().modify(|_, w| w.io_bank0().clear_bit().pads_bank0().clear_bit().timer().clear_bit());

    let inputs: u32 = INPUTS.iter().map(|pin| 1 << pin).sum();
    let straps = STRAP_MAXIMUM | STRAP_BUSY | STRAP_BARE;
    for pin in 0..30 {
        pac.PADS_BANK0.gpio(pin).modify(|_, w| w.ie().set_bit().od().clear_bit());
        pac.IO_BANK0.gpio(pin).gpio_ctrl().write(|w| w.funcsel().sio());
    }
    // Sound: every pin but the inputs and straps is ours to drive.
    pac.SIO.gpio_oe().write(|w| unsafe { w.bits(0x3FFF_FFFF & !inputs & !straps) });
    let straps = pac.SIO.gpio_in().read().bits();

    let words = if straps & STRAP_MAXIMUM != 0 { &MAXIMUM[..] } else { &FLAGSHIP[..] };
    // Sound: no interrupt runs yet, so all that the levels own is still ours.
    unsafe {
        let image = IMAGE.get();
        let Some(image) = image.get_mut(..words.len()) else { fail() };
        image.copy_from_slice(words);
        let Ok(program) = Program::open(image) else { fail() };
        let (producer, consumer) = QUEUE.get().split();
        *PRODUCER.get() = Some(producer);
        let p1 = LEVEL_1.get();
        // As P2 does it, when it takes the program up.
        let name = program.name();
        let now = micros();
        p1.writer = Writer::new(now);
        set(MARK_ENGINE);
        p1.engine.start(&program, Start { at: now, seed: 1, levels: 0, program: name }, &mut p1.log);
        clear(MARK_ENGINE);
        p1.program = Some(program);
        p1.edges = Some(consumer);

        let vectors = VECTORS.get();
        for (n, vector) in vectors.0.iter_mut().enumerate() {
            *vector = read_volatile((0x1000_0100 + n * 4) as *const usize);
        }
        if straps & STRAP_BARE != 0 {
            vectors.0[16 + pac::Interrupt::IO_IRQ_BANK0 as usize] = bare as *const () as usize;
        }
        let mut core = cortex_m::Peripherals::steal();
        core.SCB.vtor.write(addr_of_mut!(*vectors) as u32);
        core.NVIC.set_priority(pac::Interrupt::IO_IRQ_BANK0, 0);
        core.NVIC.set_priority(pac::Interrupt::TIMER_IRQ_0, 0);
        core.NVIC.set_priority(pac::Interrupt::SW0_IRQ, 0x40);
        pac.TIMER.inte().write(|w| w.bits(1));
        pac.IO_BANK0.intr(0).write(|w| w.bits(0xFFFF_FFFF));
        pac.IO_BANK0.proc0_inte(0).write(|w| w.bits(INPUTS.iter().map(|pin| 0b1100 << (pin * 4)).sum()));
        NVIC::unmask(pac::Interrupt::SW0_IRQ);
        NVIC::unmask(pac::Interrupt::TIMER_IRQ_0);
        NVIC::unmask(pac::Interrupt::IO_IRQ_BANK0);
    }
    NVIC::pend(pac::Interrupt::SW0_IRQ);
    set(MARK_READY);
    if straps & STRAP_BUSY != 0 {
        work_in_flash();
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// A lowest level at its worst for those above: every read a new line of the flash cache.
fn work_in_flash() -> ! {
    let mut at = 0;
    loop {
        // Sound: within the flash, which has 2 MiB.
        unsafe { read_volatile((0x1000_0000 + at) as *const u32) };
        at = (at + 8) & 0x3_FFFF;
    }
}

fn fail() -> ! {
    set(MARK_PANIC);
    loop {
        cortex_m::asm::nop();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail()
}
