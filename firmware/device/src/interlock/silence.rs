//! Whether the host is still there. Owns the judgement; what follows from it stands in the guard and in P1.
//!
//! P2 stores the time of every valid frame as one word, its low 32 bits; P0 makes the whole time of it again, which is
//! unmistakable because it looks at least once a limit.

use link::Micros;

/// Ages past this are a stamp from just ahead of our own reading of the clock, not one from half an hour ago.
const AHEAD: u32 = 1 << 31;

/// The watch over the host.
#[derive(Debug)]
pub(crate) struct Silence {
    limit_us: u32,
    heard_at: Micros,
    /// When to look next; [`Micros::MAX`] while nobody waits for the host, or knows it to be silent.
    due: Micros,
}

impl Silence {
    pub(crate) const fn new() -> Self {
        Self { limit_us: 0, heard_at: 0, due: Micros::MAX }
    }

    /// How long the host may be silent, in µs.
    pub(crate) fn set_limit(&mut self, limit_us: u32) {
        self.limit_us = limit_us;
    }

    /// Starts to watch: the host was heard just now.
    pub(crate) fn watch(&mut self, now: Micros) {
        self.heard(now);
    }

    /// Starts to watch: the host was heard when the low half of the clock was this, however long ago that is known.
    pub(crate) fn watch_since(&mut self, now: Micros, heard_low: u32) {
        self.heard(now.saturating_sub(Micros::from(age(now, heard_low))));
    }

    fn heard(&mut self, at: Micros) {
        self.heard_at = at;
        self.due = at.saturating_add(Micros::from(self.limit_us));
    }

    /// Stops watching: no session runs.
    pub(crate) fn rest(&mut self) {
        self.due = Micros::MAX;
    }

    /// When to look next: [`Micros::MAX`], which is never, while the host is known to be silent.
    #[inline(always)]
    pub(crate) const fn next_due(&self) -> Micros {
        self.due
    }

    /// Looks at the low half of the time of the last frame: true if the host has fallen silent just now.
    pub(crate) fn falls_silent(&mut self, now: Micros, heard_low: u32) -> bool {
        if now < self.due {
            return false;
        }
        let age = age(now, heard_low);
        self.heard(self.heard_at.max(now.saturating_sub(Micros::from(age))));
        let silent = age >= self.limit_us;
        if silent {
            self.rest();
        }
        silent
    }
}

/// How long ago a time was whose low half this is, in µs.
const fn age(now: Micros, low: u32) -> u32 {
    let age = (now as u32).wrapping_sub(low);
    if age >= AHEAD { 0 } else { age }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(limit_us: u32) -> Silence {
        let mut silence = Silence::new();
        silence.set_limit(limit_us);
        silence.watch(1_000_000);
        silence
    }

    #[test]
    fn silence_begins_at_the_limit_however_late_it_is_looked_for() {
        let heard = 1_000_000;
        assert!(!watched(250_000).falls_silent(heard + 249_999, heard as u32));
        assert!(watched(250_000).falls_silent(heard + 250_000, heard as u32));
        assert!(watched(250_000).falls_silent(heard + 900_000, heard as u32));
    }

    #[test]
    fn word_of_the_host_that_comes_late_gives_it_no_longer() {
        let mut silence = watched(250_000);
        assert!(silence.falls_silent(1_250_000, 1_000_000));
        silence.watch_since(1_390_000, 1_300_000);
        assert!(!silence.falls_silent(1_549_999, 1_300_000));
        assert!(silence.falls_silent(1_550_000, 1_300_000));
    }

    #[test]
    fn without_a_session_nobody_waits_for_the_host() {
        let mut silence = watched(250_000);
        silence.rest();
        assert_eq!(silence.next_due(), Micros::MAX);
        assert!(!silence.falls_silent(5_000_000, 1_000_000));
    }

    #[test]
    fn a_host_heard_across_the_wrap_of_the_low_word_is_not_silent() {
        let boot = u64::from(u32::MAX) - 100;
        let mut silence = Silence::new();
        silence.set_limit(250_000);
        silence.watch(boot);
        let heard = boot + 249_000;
        assert!(!silence.falls_silent(boot + 250_000, heard as u32));
        assert_eq!(silence.next_due(), heard + 250_000);
        assert!(silence.falls_silent(heard + 250_000, heard as u32));
        assert_eq!(silence.next_due(), Micros::MAX, "known to be silent: nothing to look for until it is back");
    }
}
