//! Sounds on speaker pins: pulse-width modulation whose width DMA takes from a table, paced by a timer of DMA's own. Owns
//! two voices, and the level between P1 and P2 that shapes how sounds rise and fall.
//!
//! No level runs for a sample. P0 leaves word of a sound and asks for this level, or ends a sound with two stores. This
//! level writes tables: for a sine at each step of its rise and fall, for noise and what glides before it repeats. P1 may hold it up; how
//! far a sound has risen is counted from P0's word all the same.
//!
//! Between sounds a speaker's pin is low: off is off for a speaker too.

// Registers of channels and slices that only this module uses, and tables that DMA reads.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use cortex_m::peripheral::NVIC;
use device::Sound;
use link::record::Wave;

use crate::chip::{CORE_HZ, TONE_IRQ, dma, io, pwm};
use crate::clock::{self, Alarm};
use crate::glide::Glide;
use crate::owned::Owned;
use crate::power::slice;
use crate::wave::{self, Noise, Plan, SAMPLES, TOP};

/// Sounds there can be at once.
const VOICES: usize = 2;
/// Function 4.
const PWM: u8 = 4;
/// The first of DMA's own timers among what may pace it.
const PACER: u8 = 0x3B;
/// From one step of a rise to the next with short tables, and with long ones, in µs.
const STEP_US: u32 = 100;
const LONG_STEP_US: u32 = 250;
const LONG: usize = 128;
/// How often noise is renewed, in µs: its table lasts for two and a half of these.
const RENEW_US: u32 = 1_000;

/// What P0 wants of a voice, word by word; the count changes last. P0 alone writes.
struct Wish {
    count: AtomicU32,
    /// The slice of its pin.
    slice: AtomicU32,
    /// Frequency in mHz; 0 for silence, all ones for noise.
    frequency: AtomicU32,
    /// How far it glides, in octaves / 4096, with [`GLIDES`] and [`LOGARITHMIC`]; 0 if it does not.
    glides: AtomicU32,
    amplitude: AtomicU32,
    ramp_us: AtomicU32,
    length_us: AtomicU32,
    since: AtomicU32,
}

const NOISE: u32 = u32::MAX;
const GLIDES: u32 = 1 << 31;
const LOGARITHMIC: u32 = 1 << 30;

impl Wish {
    const fn new() -> Self {
        const fn zero() -> AtomicU32 {
            AtomicU32::new(0)
        }
        Self {
            count: zero(),
            slice: zero(),
            frequency: zero(),
            glides: zero(),
            amplitude: zero(),
            ramp_us: zero(),
            length_us: zero(),
            since: zero(),
        }
    }

    fn want(&self, since: u32, sound: Option<&Sound>) {
        let words = sound.map_or([0; 5], |sound| {
            let (frequency, glides) = match sound.wave {
                Wave::Sine { frequency_mhz } => (frequency_mhz, 0),
                Wave::Noise => (NOISE, 0),
                Wave::Sweep { from_mhz, octaves, logarithmic } => {
                    let far = u32::from(octaves.cast_unsigned()) | if logarithmic { LOGARITHMIC } else { 0 };
                    (from_mhz, GLIDES | far)
                }
                // No sound: what carries a power is no speaker.
                _ => (0, 0),
            };
            [frequency, glides, sound.amplitude.into(), sound.ramp_us, sound.length_us]
        });
        let slots = [&self.frequency, &self.glides, &self.amplitude, &self.ramp_us, &self.length_us];
        for (slot, word) in slots.into_iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        self.since.store(since, Ordering::Relaxed);
        self.count.store(self.count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// The newest wish, and its count: P0 may come in between, but not again and again.
    fn read(&self) -> (u32, Playing) {
        loop {
            let count = self.count.load(Ordering::Acquire);
            let get = |word: &AtomicU32| word.load(Ordering::Relaxed);
            let playing = Playing {
                frequency: get(&self.frequency),
                glides: get(&self.glides),
                amplitude: get(&self.amplitude) as u16,
                ramp_us: get(&self.ramp_us),
                length_us: get(&self.length_us),
                since: get(&self.since),
            };
            compiler_fence(Ordering::SeqCst);
            if get(&self.count) == count {
                return (count, playing);
            }
        }
    }
}

/// A wish as it was read.
#[derive(Debug, Clone, Copy)]
struct Playing {
    frequency: u32,
    glides: u32,
    amplitude: u16,
    ramp_us: u32,
    length_us: u32,
    since: u32,
}

static WISHES: [Wish; VOICES] = [const { Wish::new() }; VOICES];

/// The pins that have voices, P0's alone. A voice is its place here.
#[derive(Debug)]
pub(crate) struct Speakers {
    pins: [Option<u8>; VOICES],
}

impl Speakers {
    pub(crate) const fn new() -> Self {
        Self { pins: [None; VOICES] }
    }

    /// Gives a pin a voice, silent. False if none is left, or if its slice has one already: a slice is one sound.
    pub(crate) fn add(&mut self, pin: u8) -> bool {
        let taken = self.have(slice(pin));
        let Some(voice) = self.pins.iter().position(Option::is_none).filter(|_| !taken) else { return false };
        if let Some(slot) = self.pins.get_mut(voice) {
            *slot = Some(pin);
        }
        if let Some(wish) = WISHES.get(voice) {
            wish.slice.store(slice(pin) as u32, Ordering::Relaxed);
        }
        let registers = pwm().ch(slice(pin));
        registers.csr().write(|w| unsafe { w.bits(0) });
        registers.div().write(|w| unsafe { w.bits(1 << 4) });
        registers.top().write(|w| unsafe { w.bits(TOP.into()) });
        registers.cc().write(|w| unsafe { w.bits(0) });
        registers.csr().write(|w| unsafe { w.bits(1) });
        io().gpio(usize::from(pin)).gpio_ctrl().write(|w| unsafe { w.funcsel().bits(PWM) });
        true
    }

    /// Whether a voice has this slice.
    pub(crate) fn have(&self, number: usize) -> bool {
        self.pins.iter().flatten().any(|pin| slice(*pin) == number)
    }

    /// No pin has a voice any more.
    pub(crate) fn clear(&mut self) {
        for pin in core::mem::take(&mut self.pins).into_iter().flatten() {
            pwm().ch(slice(pin)).csr().write(|w| unsafe { w.bits(0) });
        }
    }

    /// Starts a sound or ends one.
    pub(crate) fn play(&mut self, pin: u8, sound: Option<&Sound>) {
        let Some(voice) = self.pins.iter().position(|one| *one == Some(pin)) else { return };
        if sound.is_none() {
            silence(voice, slice(pin));
        }
        if let Some(wish) = WISHES.get(voice) {
            wish.want(clock::low(), sound);
        }
        NVIC::pend(TONE_IRQ);
    }
}

/// Stops the samples; both pins of the slice are low from its next period on.
fn silence(voice: usize, slice: usize) {
    dma().ch(voice).ch_al1_ctrl().write(|w| unsafe { w.bits(0) });
    pwm().ch(slice).cc().write(|w| unsafe { w.bits(0) });
}

/// DMA comes back to a table's beginning by itself if it is aligned to its length.
#[repr(C, align(512))]
struct Table([u16; SAMPLES]);

/// One voice, as this level knows it.
struct Voice {
    seen: u32,
    playing: Option<(Playing, Plan)>,
    noise: Noise,
    glide: Glide,
    /// Up to here noise, or what glides, is new.
    filled: usize,
}

/// This level's alone.
static VOICES_HERE: Owned<[Voice; VOICES]> = Owned::new(
    [const { Voice { seen: 0, playing: None, noise: Noise::new(), glide: Glide::NONE, filled: 0 } }; VOICES],
);
/// This level writes, DMA reads: nothing that was not written for a sound before, so the start leaves them as they are.
#[unsafe(link_section = ".tables")]
static TABLES: Owned<[Table; VOICES]> = Owned::new([const { Table([0; SAMPLES]) }; VOICES]);

/// P0 has left word, or a table is to be written anew.
pub(crate) extern "C" fn interrupt() {
    clock::heard(Alarm::Tone);
    // Sound: this level's alone.
    let (voices, tables) = unsafe { (VOICES_HERE.get(), TABLES.get()) };
    let now = clock::micros();
    let mut next = None::<u32>;
    for (number, ((voice, table), wish)) in voices.iter_mut().zip(tables).zip(&WISHES).enumerate() {
        let wanted = voice.turn(number, &mut table.0, wish, now as u32);
        next = next.into_iter().chain(wanted).min();
    }
    if let Some(next) = next
        && clock::wake(Alarm::Tone, now, Some(now + u64::from(next)))
    {
        NVIC::pend(TONE_IRQ);
    }
}

impl Voice {
    /// Does what is wanted now: after how many µs it wants to be called again, if it does.
    fn turn(&mut self, number: usize, table: &mut [u16; SAMPLES], wish: &Wish, now: u32) -> Option<u32> {
        let (count, wanted) = wish.read();
        if count != self.seen {
            self.seen = count;
            self.begin(number, table, wish.slice.load(Ordering::Relaxed) as usize, wanted, now);
            if wish.count.load(Ordering::Acquire) != count {
                // P0 has thought better of it in between; its word is waiting.
                return Some(0);
            }
        }
        let (playing, plan) = self.playing?;
        let (at_us, samples) = (now.wrapping_sub(playing.since), usize::from(plan.samples));
        let gain = wave::gain(at_us, playing.ramp_us, playing.length_us);
        let step_us = if samples > LONG { LONG_STEP_US } else { STEP_US };
        let wait_us = if playing.frequency == NOISE {
            let noise = &mut self.noise;
            renew(number, table, &mut self.filled, |samples| noise.fill(samples.iter_mut(), playing.amplitude, gain));
            RENEW_US.min(step_us.max(playing.ramp_us / 16))
        } else if playing.glides != 0 {
            let glide = &mut self.glide;
            let shape = (playing.amplitude, playing.ramp_us, playing.length_us);
            renew(number, table, &mut self.filled, |samples| glide.fill(samples.iter_mut(), shape));
            glide.table_us() / 3
        } else {
            wave::fill_tone(table.get_mut(..samples)?, playing.amplitude, gain);
            let left_us = playing.length_us.saturating_sub(at_us);
            if left_us > playing.ramp_us && at_us >= playing.ramp_us { left_us - playing.ramp_us } else { step_us }
        };
        compiler_fence(Ordering::SeqCst);
        // P0 ends it.
        (at_us < playing.length_us).then_some(wait_us)
    }

    fn begin(&mut self, number: usize, table: &mut [u16; SAMPLES], slice: usize, wanted: Playing, now: u32) {
        silence(number, slice);
        let registers = dma().ch(number);
        dma().chan_abort().write(|w| unsafe { w.bits(1 << number) });
        // A transfer under way takes a few cycles.
        for _ in 0..64 {
            if !registers.ch_al1_ctrl().read().busy().bit() {
                break;
            }
        }
        let plan = match (wanted.frequency, wanted.glides) {
            (0, _) => None,
            (NOISE, _) => Some(Plan::noise()),
            (frequency_mhz, 0) => Plan::tone(CORE_HZ, frequency_mhz),
            (from_mhz, glides) => {
                let (octaves, logarithmic) = ((glides as u16).cast_signed(), glides & LOGARITHMIC != 0);
                let glide = Glide::new(CORE_HZ, from_mhz, octaves, logarithmic, wanted.length_us);
                self.glide = glide.unwrap_or(Glide::NONE);
                glide.map(|glide| Plan::stream(glide.every))
            }
        };
        self.playing = plan.map(|plan| (wanted, plan));
        let Some(plan) = plan else { return };
        let gain = wave::gain(now.wrapping_sub(wanted.since), wanted.ramp_us, wanted.length_us);
        let samples = usize::from(plan.samples);
        let used = table.get_mut(..samples).unwrap_or_default();
        if wanted.frequency == NOISE {
            self.noise.fill(used.iter_mut(), wanted.amplitude, gain);
        } else if wanted.glides != 0 {
            self.glide.fill(used.iter_mut(), (wanted.amplitude, wanted.ramp_us, wanted.length_us));
        } else {
            wave::fill_tone(used, wanted.amplitude, gain);
        }
        self.filled = 0;
        compiler_fence(Ordering::SeqCst);
        let pace = u32::from(plan.times) << 16 | u32::from(plan.over);
        // The length of a table in bytes, as a power of two.
        let ring = (samples * 2).trailing_zeros() as u8;
        unsafe {
            match number {
                0 => dma().timer0().write(|w| w.bits(pace)),
                _ => dma().timer1().write(|w| w.bits(pace)),
            };
            registers.ch_read_addr().write(|w| w.bits(table.as_ptr() as u32));
            registers.ch_write_addr().write(|w| w.bits(pwm().ch(slice).cc().as_ptr() as u32));
            // Six hours of samples at the fastest: longer than a sound can be.
            registers.ch_trans_count().write(|w| w.bits(u32::MAX));
            registers.ch_ctrl_trig().write(|w| {
                let w = w.data_size().size_halfword().incr_read().set_bit().ring_size().bits(ring);
                let w = w.chain_to().bits(number as u8).treq_sel().bits(PACER + number as u8);
                w.irq_quiet().set_bit().en().set_bit()
            });
        }
    }
}

/// Has the part of a table that was played since written anew.
fn renew(number: usize, table: &mut [u16; SAMPLES], filled: &mut usize, mut fill: impl FnMut(&mut [u16])) {
    let played = dma().ch(number).ch_read_addr().read().bits().wrapping_sub(table.as_ptr() as u32);
    let played = (played / 2) as usize % SAMPLES;
    if played < *filled {
        // Up to the end of the table, and then from its beginning.
        fill(table.get_mut(*filled..).unwrap_or_default());
        *filled = 0;
    }
    fill(table.get_mut(*filled..played).unwrap_or_default());
    *filled = played;
}
