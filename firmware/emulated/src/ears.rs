//! Listens to what the device tells the controller, to know when a session begins and ends: a chip tells nobody else. Owns
//! no byte and answers none.

use link::frame::Deframer;
use link::message::{Body, DeviceFrame, State, Status};
use link::record::{Reader, Record};
use link::{Micros, message::Hello};

/// What the ears make of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A session began at this time of the device's clock.
    Began(Micros),
    /// No session runs.
    Ended,
}

/// The ears.
#[derive(Debug, Clone, Default)]
pub struct Ears {
    frames: Deframer,
    running: Option<u32>,
    hello: Option<Hello>,
    status: Option<Status>,
}

impl Ears {
    /// Whether a session runs, as far as was heard.
    #[must_use]
    pub const fn running(&self) -> bool {
        self.running.is_some()
    }

    /// How the device introduced itself last.
    #[must_use]
    pub const fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// How it was when it last said so.
    #[must_use]
    pub const fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// Bytes from the device; each thing they tell is handed to `tell`.
    pub fn hear(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Heard)) {
        while self.frames.next_frame(&mut bytes) {
            let Some(frame) = DeviceFrame::decode(self.frames.payload()) else { continue };
            match frame.body {
                Body::Records { first: 0, base, bytes, .. } if self.running != Some(frame.session) => {
                    if let Ok((at, Record::Start { .. }, _)) = Reader::new(base).read(bytes.0) {
                        self.running = Some(frame.session);
                        tell(Heard::Began(at));
                    }
                }
                Body::Status(status) => {
                    self.status = Some(status);
                    if status.state != State::Running && self.running.is_some() {
                        self.running = None;
                        tell(Heard::Ended);
                    }
                }
                Body::Hello(hello) => self.hello = Some(hello),
                _ => {}
            }
        }
    }
}
