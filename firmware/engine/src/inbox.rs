//! What waits for its microsecond to close, kept in the order it will be handled in. Owns rows 1 to 4 of the order
//! within one microsecond; knows nothing of states.

use core::cmp::Reverse;

use heapless::Vec;
use link::Micros;
use link::limits::MAX_INBOX;

use crate::{Given, InboxFull, NEVER};

/// One thing that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    /// The microsecond it will be handled in.
    pub(crate) at: Micros,
    /// How far that lies behind its own stamp, in µs.
    pub(crate) late_us: u32,
    /// What it is.
    pub(crate) given: Given,
}

/// Sorted with the next to be handled last, so that taking it is cheap.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// The microsecond of the next thing; [`NEVER`] if nothing waits.
    next: Micros,
    waiting: Vec<Waiting, MAX_INBOX>,
}

/// When something is handled: its microsecond; its row of the table; what happened earlier first, if both come late; the
/// order within the row.
type Key = (Micros, u8, Reverse<u32>, u16);

fn key(waiting: &Waiting) -> Key {
    let (row, within) = match waiting.given {
        Given::Stop(_) | Given::LastTrial(_) => (1, 0),
        Given::Edge { line, .. } => (2, u16::from(line.0)),
        Given::Outside(event) => (3, event.0),
        Given::Parameter { .. } => (4, 0),
    };
    (waiting.at, row, Reverse(waiting.late_us), within)
}

impl Inbox {
    pub(crate) const fn new() -> Self {
        Self { next: NEVER, waiting: Vec::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.next = NEVER;
        self.waiting.clear();
    }

    /// Puts something with `stamp` where it belongs, `clock` being the first microsecond still open.
    pub(crate) fn offer(&mut self, clock: Micros, stamp: Micros, given: Given) -> Result<(), InboxFull> {
        let at = stamp.max(clock);
        let late_us = u32::try_from(at - stamp).unwrap_or(u32::MAX);
        let new = Waiting { at, late_us, given };
        if self.waiting.is_empty() {
            self.next = at;
            return self.waiting.push(new).map_err(|_| InboxFull);
        }
        // Everything equal or earlier is handled first, so it stands further back.
        let place = self.waiting.iter().rposition(|other| key(other) > key(&new));
        let index = place.map_or(0, |place| place + 1);
        self.waiting.insert(index, new).map_err(|_| InboxFull)?;
        self.next = self.next.min(at);
        Ok(())
    }

    /// The microsecond of the next thing; [`NEVER`] if nothing waits.
    #[inline(always)]
    pub(crate) fn next_at(&self) -> Micros {
        self.next
    }

    /// The next thing of microsecond `at`.
    #[inline(always)]
    pub(crate) fn next(&self, at: Micros) -> Option<&Waiting> {
        if self.next > at { None } else { self.waiting.last() }
    }

    /// The next thing has been taken.
    #[inline(always)]
    pub(crate) fn taken(&mut self) {
        self.waiting.truncate(self.waiting.len().saturating_sub(1));
        self.next = self.waiting.last().map_or(NEVER, |waiting| waiting.at);
    }
}
