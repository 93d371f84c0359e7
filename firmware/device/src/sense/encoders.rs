//! Quadrature encoders: P0 counts every edge of their two pins as it comes, P1 reads the count when it samples. Each count is
//! one word with one writer.
//!
//! Which way a wheel turns follows from which pin changed first. Changes of both pins with one stamp do not tell: the wheel
//! turned faster than it can be followed, and counts are lost. One pin that goes there and back counts there and back.

use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;
use link::Micros;
use link::limits::MAX_ENCODERS;
use link::rig::{RigLine, Role};

use crate::board::Board;
use embedded_hal::digital::InputPin;

/// The counts, shared between P0 and P1.
#[derive(Debug)]
pub(crate) struct Counts([AtomicU32; MAX_ENCODERS]);

impl Counts {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; MAX_ENCODERS])
    }

    /// The count of an encoder; wraps.
    pub(crate) fn read(&self, place: usize) -> i32 {
        self.0.get(place).map_or(0, |count| count.load(Ordering::Acquire).cast_signed())
    }
}

/// One encoder, as P0 knows it.
#[derive(Debug)]
struct Encoder {
    pins: (u8, u8),
    /// The levels of both pins.
    high: (bool, bool),
    /// When each changed last.
    changed_at: (Micros, Micros),
}

/// The encoders of P0, in the order of their lines.
#[derive(Debug)]
pub(crate) struct Encoders {
    encoders: Vec<Encoder, MAX_ENCODERS>,
}

impl Encoders {
    pub(crate) const fn new() -> Self {
        Self { encoders: Vec::new() }
    }

    /// Forgets every encoder.
    pub(crate) fn clear(&mut self) {
        self.encoders.clear();
    }

    /// Adds a line and takes the levels its pins have now. False if one of them cannot be read.
    pub(crate) fn add<B: Board>(&mut self, what: &RigLine, board: &mut B) -> bool {
        let Role::Encoder { pin_b, .. } = what.role else { return false };
        let mut high = |pin| board.input(pin).and_then(|pin| pin.is_high().ok());
        let (Some(a), Some(b)) = (high(what.pin), high(pin_b)) else { return false };
        let never = (Micros::MAX, Micros::MAX);
        self.encoders.push(Encoder { pins: (what.pin, pin_b), high: (a, b), changed_at: never }).is_ok()
    }

    /// A pin changed at `now`: if it is one of an encoder's, that counts. While the first pin leads, its level differs from
    /// the second's when it changes, and is the same when the second does. False if the other pin changed with the same
    /// stamp, so that nobody knows which way it turned.
    #[inline]
    #[must_use]
    pub(crate) fn changed(&mut self, now: Micros, pin: u8, high: bool, counts: &Counts) -> bool {
        let mut sure = true;
        for (encoder, count) in self.encoders.iter_mut().zip(&counts.0) {
            let (a, b) = encoder.pins;
            let (up, other_at) = if pin == a && high != encoder.high.0 {
                (encoder.high.0, encoder.changed_at.0) = (high, now);
                (high != encoder.high.1, encoder.changed_at.1)
            } else if pin == b && high != encoder.high.1 {
                (encoder.high.1, encoder.changed_at.1) = (high, now);
                (high == encoder.high.0, encoder.changed_at.0)
            } else {
                continue;
            };
            sure &= other_at != now;
            let step = if up { 1 } else { u32::MAX };
            count.store(count.load(Ordering::Relaxed).wrapping_add(step), Ordering::Release);
        }
        sure
    }
}
