//! Hears the device's records as they leave it, on their way to the controller. Changes no byte.

use link::frame::Deframer;
use link::message::{Body, DeviceFrame};
use link::record::Reader;
use link::{Micros, Record};
use sim::VirtualBody;

/// A body with someone who listens to what it tells.
pub(super) struct Listening<B, F> {
    body: B,
    frames: Deframer,
    /// The number of the first record not yet heard.
    next: u32,
    tell: F,
}

impl<B: VirtualBody, F: FnMut(&B, Micros, Micros, &Record)> Listening<B, F> {
    /// Listens to `body`: `tell` is handed it, the time now, that of each record, and the record.
    pub(super) fn new(body: B, tell: F) -> Self {
        Self { body, frames: Deframer::default(), next: 0, tell }
    }

    /// The body, and nobody listens any more.
    pub(super) fn into_body(self) -> B {
        self.body
    }

    fn hear(&mut self, now: Micros, mut bytes: &[u8]) {
        while self.frames.next_frame(&mut bytes) {
            let Some(frame) = DeviceFrame::decode(self.frames.payload()) else { continue };
            let Body::Records { first, base, bytes, .. } = frame.body else { continue };
            let (mut reader, mut rest, mut number) = (Reader::new(base), bytes.0, first);
            while let Ok((at, record, behind)) = reader.read(rest) {
                // What is sent again was heard.
                if number == self.next {
                    self.next = self.next.wrapping_add(1);
                    (self.tell)(&self.body, now, at, &record);
                }
                number = number.wrapping_add(1);
                rest = behind;
            }
        }
    }
}

impl<B: VirtualBody, F: FnMut(&B, Micros, Micros, &Record)> VirtualBody for Listening<B, F> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.body.handle_bytes(now, bytes);
    }

    fn run_until(&mut self, now: Micros) {
        self.body.run_until(now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        let used = self.body.poll_transmit(now, out)?;
        let frame = out.get(..used).unwrap_or_default().to_vec();
        self.hear(now, &frame);
        Some(used)
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        self.body.next_at(limit)
    }
}
