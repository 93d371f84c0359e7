//! The chip's half: the device's three levels on three interrupt priorities, as a body runs them. P0 stamps edges and
//! drives the pins, P1 runs the engine, the lowest level plays both ends of the link and keeps the flash busy if told to.
//!
//! Straps read once at the start choose what runs: program, bare interrupt, a lowest level that works in flash.

// A spike: pins, interrupts and what they share, with nothing above it to keep it apart. Each use says why it is sound.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::ptr::{addr_of_mut, read_volatile};

use cortex_m::peripheral::NVIC;
use device::ring::Ring;
use device::{Board, Core, Edge, Identity, Outer, Preempt, Sound, Storage, Undisturbed};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use link::Micros;
use link::frame::MAX_FRAME;
use link::host_end::{HostEnd, HostEvent};
use link::message::{Answer, Command, Upload};
use link::rig::RigLine;
use link::upload::Uploader;
use rp2040_hal::fugit::RateExtU32;
use rp2040_hal::pac::{self, interrupt};
use rp2040_hal::pll::{PLLConfig, common_configs::PLL_USB_48MHZ, setup_pll_blocking};

use crate::{FLAGSHIP, MAXIMUM, RIG};

/// The second-stage boot loader: starts the flash.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2_FIRMWARE: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Input pins of lines 0 and 1.
const INPUTS: [u8; 2] = [2, 3];
/// Shown to the harness: P1's turns, the bare answer, ready, panic.
const MARK_TURN: u32 = 1 << 16;
const BARE: u32 = 1 << 19;
const MARK_READY: u32 = 1 << 24;
const MARK_PANIC: u32 = 1 << 25;
/// Straps: the maximum program, a lowest level that works in flash, the bare interrupt.
const STRAP_MAXIMUM: u32 = 1 << 20;
const STRAP_BUSY: u32 = 1 << 21;
const STRAP_BARE: u32 = 1 << 22;

const RING_WORDS: usize = 8 * 1024;
/// How long P1 waits by itself for a microsecond to close, rather than leave and come back, in µs.
/// How long after a time P0 may still report an input stamped with it, in µs.
const SETTLE_US: u32 = 1;
const SPIN_US: Micros = 4;
/// 200 MHz, which the maker approves of with a core voltage of 1.15 V: 12 MHz · 100 / 6.
const PLL_SYS: PLLConfig =
    PLLConfig { vco_freq: rp2040_hal::fugit::HertzU32::MHz(1200), refdiv: 1, post_div1: 3, post_div2: 2 };

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

type Image = &'static mut [u32];

/// Lent out once, before interrupts run.
static STORAGE: Owned<Storage<Image>> = Owned::new(Storage::new());
/// The records, until they are durable.
static RECORDS: Owned<Ring<RING_WORDS>> = Owned::new(Ring::new());
/// Handed between P2 and P1 by the device.
static IMAGE: Owned<[u32; link::limits::MAX_PROGRAM_WORDS]> = Owned::new([0; link::limits::MAX_PROGRAM_WORDS]);
/// P0's alone.
static LEVEL_0: Owned<Option<Edge<'static>>> = Owned::new(None);
/// P1's alone.
static LEVEL_1: Owned<Option<Core<'static, Image>>> = Owned::new(None);

#[repr(C, align(256))]
struct Vectors([usize; 48]);
/// The vectors in RAM: fetching one from flash would stall the entry of an interrupt.
static VECTORS: Owned<Vectors> = Owned::new(Vectors([0; 48]));

/// Figures for the harness, found by name in the image.
#[unsafe(no_mangle)]
#[used]
static SPIKE_SIZES: [u32; 5] = [
    size_of::<Core<'_, Image>>() as u32,
    size_of::<Edge<'_>>() as u32,
    size_of_val(&FLAGSHIP) as u32,
    size_of_val(&MAXIMUM) as u32,
    RING_WORDS as u32 * 4,
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
fn levels() -> u32 {
    // Sound: a read without side effects.
    unsafe { (*pac::SIO::ptr()).gpio_in().read().bits() }
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

/// A pin by its number; one past the last is there and does nothing.
struct Pin(u8);

impl Pin {
    #[inline(always)]
    fn bit(&self) -> u32 {
        if self.0 < 32 { 1 << self.0 } else { 0 }
    }
}

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    #[inline(always)]
    fn set_low(&mut self) -> Result<(), Infallible> {
        clear(self.bit());
        Ok(())
    }
    #[inline(always)]
    fn set_high(&mut self) -> Result<(), Infallible> {
        set(self.bit());
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(levels() & self.bit() != 0)
    }
    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(levels() & self.bit() == 0)
    }
}

/// P0's pins: the one asked for last.
struct Pins(Pin);

impl Board for Pins {
    type Output = Pin;
    type Input = Pin;

    fn set_up(&mut self, _: &RigLine) -> bool {
        true
    }
    #[inline(always)]
    fn output(&mut self, pin: u8) -> Option<&mut Pin> {
        self.0 = Pin(pin);
        Some(&mut self.0)
    }
    #[inline(always)]
    fn input(&mut self, pin: u8) -> Option<&mut Pin> {
        self.0 = Pin(pin);
        Some(&mut self.0)
    }
    fn tone(&mut self, pin: u8, sound: Option<&Sound>) {
        let bit = Pin(pin).bit();
        if sound.is_some() { set(bit) } else { clear(bit) }
    }
    #[inline(always)]
    fn pad_is_high(&mut self, pin: u8) -> Option<bool> {
        (pin < 32).then(|| levels() & (1 << pin) != 0)
    }
}

/// P1 gave P0 an order: P0 comes in at once.
struct CallEdge;

impl Preempt for CallEdge {
    #[inline(always)]
    fn point(&mut self) {}
    #[inline(always)]
    fn ordered(&mut self) {
        NVIC::pend(pac::Interrupt::SW1_IRQ);
    }
}

/// P0: stamps every edge and hands it on.
#[interrupt]
fn IO_IRQ_BANK0() {
    let now = micros();
    let io = unsafe { &*pac::IO_BANK0::ptr() };
    let pending = io.proc0_ints(0).read().bits();
    io.intr(0).write(|w| unsafe { w.bits(pending) });
    let levels = levels();
    // Sound: P0's alone.
    if let Some(edge) = unsafe { LEVEL_0.get() } {
        for pin in INPUTS {
            if pending & (0b1100 << (pin * 4)) != 0 {
                edge.changed(now, pin, levels & (1 << pin) != 0);
            }
        }
    }
    NVIC::pend(pac::Interrupt::SW0_IRQ);
}

/// In the place of P0: the shortest way from an edge to an edge there is.
extern "C" fn bare() {
    set(BARE);
    let io = unsafe { &*pac::IO_BANK0::ptr() };
    io.intr(0).write(|w| unsafe { w.bits(0b1100 << (INPUTS[0] * 4)) });
    if levels() & (1 << INPUTS[0]) == 0 {
        clear(BARE);
    }
}

/// P0: a time of its own has come.
#[interrupt]
fn TIMER_IRQ_0() {
    let timer = unsafe { &*pac::TIMER::ptr() };
    timer.intr().write(|w| unsafe { w.bits(1) });
    poll_edge();
    NVIC::pend(pac::Interrupt::SW0_IRQ);
}

/// P0: an order waits.
#[interrupt]
fn SW1_IRQ() {
    poll_edge();
}

#[inline(always)]
fn poll_edge() {
    // Sound: P0's alone.
    let Some(edge) = (unsafe { LEVEL_0.get() }) else { return };
    loop {
        let now = micros();
        edge.poll(now, &mut Pins(Pin(0)));
        let Some(at) = edge.poll_at() else { return };
        // Sound: only P0 writes this alarm.
        if at > now && !wake_at(0, at, now) {
            return;
        }
    }
}

/// Sets an alarm; whether its time is over already.
#[inline(always)]
fn wake_at(alarm: usize, at: Micros, now: Micros) -> bool {
    let wake = at.min(now + 1_000_000);
    let timer = unsafe { &*pac::TIMER::ptr() };
    match alarm {
        0 => timer.alarm0().write(|w| unsafe { w.bits(wake as u32) }),
        _ => timer.alarm1().write(|w| unsafe { w.bits(wake as u32) }),
    };
    micros() >= wake
}

/// P1: a time of its own has come.
#[interrupt]
fn TIMER_IRQ_1() {
    let timer = unsafe { &*pac::TIMER::ptr() };
    timer.intr().write(|w| unsafe { w.bits(2) });
    poll_core();
}

/// P1: P0 or P2 has something for it.
#[interrupt]
fn SW0_IRQ() {
    poll_core();
}

#[inline(never)]
fn poll_core() {
    // Sound: P1's alone.
    let Some(core) = (unsafe { LEVEL_1.get() }) else { return };
    let mut now = micros();
    loop {
        set(MARK_TURN);
        core.poll(now, &mut CallEdge);
        clear(MARK_TURN);
        let Some(at) = core.poll_at() else { return };
        now = micros();
        if at > now + SPIN_US {
            // Sound: only P1 writes this alarm.
            if !wake_at(1, at, now) {
                return;
            }
        }
        while now < at {
            now = micros();
        }
    }
}

/// P2: both ends of the link, in memory.
struct Desk {
    outer: Outer<'static, Image>,
    host: HostEnd,
    answer: Option<Answer>,
}

impl Desk {
    fn turn(&mut self) {
        let mut frame = [0; MAX_FRAME];
        let now = micros();
        self.outer.poll(now, &mut Undisturbed);
        while let Some(used) = self.host.poll_transmit(now, &mut frame) {
            self.outer.handle_bytes(now, frame.get(..used).unwrap_or_default(), &mut Undisturbed);
        }
        while let Some(used) = self.outer.poll_transmit(now, &mut frame, &mut Undisturbed) {
            let mut heard = frame.get(..used).unwrap_or_default();
            while !heard.is_empty() {
                heard = self.host.handle_bytes(now, heard);
                while let Some(event) = self.host.poll_event() {
                    if let HostEvent::Answered { answer, .. } = event {
                        self.answer = Some(answer);
                    }
                }
            }
        }
        self.host.set_durable(self.host.received());
    }

    fn ask(&mut self, command: Command) {
        self.answer = None;
        while self.host.send(command.clone()).is_err() {
            self.turn();
        }
        while self.answer.is_none() {
            self.turn();
            NVIC::pend(pac::Interrupt::SW0_IRQ);
        }
        if self.answer != Some(Answer::Done) {
            fail();
        }
    }

    fn upload(&mut self, what: Upload, bytes: &[u8]) {
        for command in Uploader::new(what, bytes) {
            self.ask(command);
        }
    }
}

#[rp2040_hal::entry]
fn main() -> ! {
    let Some(pac) = pac::Peripherals::take() else { fail() };
    let mut resets = pac.RESETS;
    let mut watchdog = rp2040_hal::Watchdog::new(pac.WATCHDOG);
    let Ok(xosc) = rp2040_hal::xosc::setup_xosc_blocking(pac.XOSC, 12.MHz()) else { fail() };
    watchdog.enable_tick_generation(12);
    let mut clocks = rp2040_hal::clocks::ClocksManager::new(pac.CLOCKS);
    let frequency = xosc.operating_frequency();
    let Ok(sys) = setup_pll_blocking(pac.PLL_SYS, frequency, PLL_SYS, &mut clocks, &mut resets) else { fail() };
    let Ok(usb) = setup_pll_blocking(pac.PLL_USB, frequency, PLL_USB_48MHZ, &mut clocks, &mut resets) else { fail() };
    if clocks.init_default(&xosc, &sys, &usb).is_err() {
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

    // Sound: no interrupt runs yet, so all that the levels own is still ours.
    let mut desk = unsafe {
        let identity = Identity { boot: 9, id: 1, board: "spike", settle_us: SETTLE_US, separate_supply: false };
        let (edge, core, outer) = STORAGE.get().split(RECORDS.get(), &mut IMAGE.get()[..], &identity);
        *LEVEL_0.get() = Some(edge);
        *LEVEL_1.get() = Some(core);

        use pac::Interrupt::{IO_IRQ_BANK0, SW0_IRQ, SW1_IRQ, TIMER_IRQ_0, TIMER_IRQ_1};
        let vectors = VECTORS.get();
        for (n, vector) in vectors.0.iter_mut().enumerate() {
            *vector = read_volatile((0x1000_0100 + n * 4) as *const usize);
        }
        if straps & STRAP_BARE != 0 {
            vectors.0[16 + IO_IRQ_BANK0 as usize] = bare as *const () as usize;
        }
        let mut core = cortex_m::Peripherals::steal();
        core.SCB.vtor.write(addr_of_mut!(*vectors) as u32);
        for (interrupt, priority) in
            [(IO_IRQ_BANK0, 0), (TIMER_IRQ_0, 0), (SW1_IRQ, 0), (SW0_IRQ, 0x40), (TIMER_IRQ_1, 0x40)]
        {
            core.NVIC.set_priority(interrupt, priority);
            NVIC::unmask(interrupt);
        }
        pac.TIMER.inte().write(|w| w.bits(3));
        pac.IO_BANK0.intr(0).write(|w| w.bits(0xFFFF_FFFF));
        pac.IO_BANK0.proc0_inte(0).write(|w| w.bits(INPUTS.iter().map(|pin| 0b1100 << (pin * 4)).sum()));
        Desk { outer, host: HostEnd::new(), answer: None }
    };
    let words = if straps & STRAP_MAXIMUM != 0 { &MAXIMUM[..] } else { &FLAGSHIP[..] };
    // Sound: words are bytes too, in the order the link wants them.
    let bytes = unsafe { core::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words)) };
    desk.upload(Upload::Rig, RIG);
    desk.upload(Upload::Program, bytes);
    desk.ask(Command::Start { session: 5, seed: 1 });
    set(MARK_READY);
    loop {
        desk.turn();
        if straps & STRAP_BUSY != 0 {
            work_in_flash();
        }
    }
}

/// A lowest level at its worst for those above: every read a new line of the flash cache. For about 2 ms.
#[inline(never)]
fn work_in_flash() {
    for line in 0..8 * 1024 {
        // Sound: the flash is there to be read.
        unsafe { read_volatile((0x1000_0000 + 8 * line) as *const u32) };
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
