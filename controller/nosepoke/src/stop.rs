//! How a person ends a session under way: once in order, twice at once. A flag that a handler of signals may set and a
//! session looks at; knows nothing of either.

use std::sync::atomic::{AtomicU8, Ordering};

/// What a person asks of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// To go on.
    Nothing,
    /// To end now, every output off.
    Stop,
    /// To trip the interlock: latched, and said so in the journal.
    Abort,
}

/// What was asked so far; it only ever grows.
#[derive(Debug, Default)]
pub struct Stop {
    times: AtomicU8,
}

impl Stop {
    /// Nothing asked.
    #[must_use]
    pub const fn new() -> Self {
        Self { times: AtomicU8::new(0) }
    }

    /// Asks once more. Returns how often it was asked, this time included.
    pub fn ask(&self) -> u8 {
        let before = self.times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |times| times.checked_add(1));
        before.unwrap_or(u8::MAX).saturating_add(1)
    }

    /// What is asked by now.
    #[must_use]
    pub fn asked(&self) -> Asked {
        match self.times.load(Ordering::Relaxed) {
            0 => Asked::Nothing,
            1 => Asked::Stop,
            _ => Asked::Abort,
        }
    }

    /// Whether anything is.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked() != Asked::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Stop};

    #[test]
    fn once_is_in_order_and_twice_at_once() {
        let stop = Stop::new();
        assert_eq!((stop.asked(), stop.is_asked()), (Asked::Nothing, false));
        assert_eq!((stop.ask(), stop.asked()), (1, Asked::Stop));
        assert_eq!((stop.ask(), stop.asked()), (2, Asked::Abort));
        for _ in 0..300 {
            stop.ask();
        }
        assert_eq!((stop.ask(), stop.asked()), (u8::MAX, Asked::Abort), "it never begins anew");
    }
}
