//! The chip's microsecond counter and its alarms. Owns how time is read and how a missed alarm is noticed; knows not what
//! anyone waits for.
//!
//! The counter is read without its latch, which levels that interrupt one another would share.

use link::Micros;

use crate::chip::timer;

/// The longest anyone sleeps, in µs: every level shows by then that it is alive.
pub(crate) const TICK_US: Micros = 5_000;

/// The low half of the clock: one read.
#[inline(always)]
pub(crate) fn low() -> u32 {
    timer().timerawl().read().bits()
}

/// The clock, in µs since the start.
#[inline(always)]
pub(crate) fn micros() -> Micros {
    // At most two rounds: the high half changes once in 71 minutes.
    let high = timer().timerawh().read().bits();
    let low = low();
    let again = timer().timerawh().read().bits();
    let low = if again == high { low } else { self::low() };
    (Micros::from(again) << 32) | Micros::from(low)
}

/// The whole of a time that is near, by its low half.
#[inline(always)]
pub(crate) fn widen(near: u32) -> Micros {
    let now = micros();
    widen_from(now, near)
}

/// The same, `now` being near too.
#[inline(always)]
pub(crate) fn widen_from(now: Micros, near: u32) -> Micros {
    now.wrapping_add_signed(i64::from(near.wrapping_sub(now as u32).cast_signed()))
}

/// Whether a near time has come by `now`.
#[inline(always)]
pub(crate) fn is_past(at: u32, now: u32) -> bool {
    now.wrapping_sub(at).cast_signed() >= 0
}

/// The earlier of two near times.
#[inline(always)]
pub(crate) fn earlier(one: u32, other: u32) -> u32 {
    if is_past(one, other) { one } else { other }
}

/// A clock that reads the low half alone, for a level that reads it at least once in 71 minutes.
#[derive(Debug)]
pub(crate) struct Following {
    at: Micros,
}

impl Following {
    pub(crate) const fn new() -> Self {
        Self { at: 0 }
    }

    #[inline(always)]
    pub(crate) fn now(&mut self) -> Micros {
        let passed = low().wrapping_sub(self.at as u32);
        self.at = self.at.wrapping_add(Micros::from(passed));
        self.at
    }
}

/// Who is woken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alarm {
    /// Strikes, and P0.
    Edge = 0,
    /// P1.
    Core = 1,
    /// P2.
    Outer = 2,
    /// Sounds.
    Tone = 3,
}

/// Wakes a level at `due`, or after [`TICK_US`] if that comes first. True if that time has passed already: the counter
/// may have gone by while the alarm was set, and the alarm would then come 71 minutes late.
#[inline(always)]
pub(crate) fn wake(alarm: Alarm, now: Micros, due: Option<Micros>) -> bool {
    let tick = now.wrapping_add(TICK_US);
    let at = due.map_or(tick, |due| due.min(tick)) as u32;
    !wake_low(alarm, at)
}

/// Sets an alarm. False if its time has passed already.
#[inline(always)]
pub(crate) fn wake_low(alarm: Alarm, at: u32) -> bool {
    set(alarm, at);
    !is_past(at, low())
}

/// Sets an alarm: the time then, by which it can be seen whether its own has passed already.
#[inline(always)]
pub(crate) fn wake_and_look(alarm: Alarm, at: u32) -> u32 {
    set(alarm, at);
    low()
}

/// An alarm was heard.
#[inline(always)]
// Registers that clear and set whole words: every value is sound.
#[allow(unsafe_code)]
pub(crate) fn heard(alarm: Alarm) {
    timer().intr().write(|w| unsafe { w.bits(1 << alarm as u32) });
}

#[inline(always)]
#[allow(unsafe_code)]
fn set(alarm: Alarm, at: u32) {
    match alarm {
        Alarm::Edge => timer().alarm0().write(|w| unsafe { w.bits(at) }),
        Alarm::Core => timer().alarm1().write(|w| unsafe { w.bits(at) }),
        Alarm::Outer => timer().alarm2().write(|w| unsafe { w.bits(at) }),
        Alarm::Tone => timer().alarm3().write(|w| unsafe { w.bits(at) }),
    };
}
