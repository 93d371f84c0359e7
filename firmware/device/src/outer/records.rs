//! The ring as the link reads it: records of the session by number, as many as fit a frame.

use link::device_end::{Batch, RecordSource};
use link::record::ENTRY_BYTES_MAX;

use crate::board::{Preempt, Undisturbed};
use crate::ring::RingReader;

/// A look at the ring during one call. Before a session's first record is announced there are none.
pub(super) struct Kept<'a, 's, P> {
    pub(super) ring: &'a mut RingReader<'s>,
    pub(super) begun: bool,
    pub(super) hook: &'a mut P,
}

impl<P: Preempt> RecordSource for Kept<'_, '_, P> {
    fn first_kept(&self) -> u32 {
        if self.begun { self.ring.durable() } else { 0 }
    }

    fn next(&self) -> u32 {
        if self.begun { self.ring.written() } else { 0 }
    }

    fn read(&mut self, from: u32, out: &mut [u8]) -> Batch {
        let mut batch = Batch::default();
        if !self.begun || self.ring.seek(from, &mut || self.hook.point()).is_err() {
            return batch;
        }
        batch.base = self.ring.base();
        while let Some(len) = out.get_mut(batch.bytes..).and_then(|room| self.ring.read(room)) {
            batch.count = batch.count.saturating_add(1);
            batch.bytes = batch.bytes.saturating_add(len);
            // An entry longer than any record would be read for ever; none is, and this keeps the loop bounded.
            if len == 0 || len > ENTRY_BYTES_MAX {
                break;
            }
            self.hook.point();
        }
        batch
    }
}

/// For looking without reading.
pub(super) fn look<'a, 's>(
    ring: &'a mut RingReader<'s>,
    begun: bool,
    hook: &'a mut Undisturbed,
) -> Kept<'a, 's, Undisturbed> {
    Kept { ring, begun, hook }
}
