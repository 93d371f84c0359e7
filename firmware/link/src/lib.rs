//! The contract of both ends: the words they share, the compiled program, the records of a session, the messages
//! and the frames that carry them.
//!
//! - [`vocabulary`]: the small identifiers and enums every other part speaks.
//! - [`limits`]: every fixed capacity, in one place.
//! - [`program`]: the compiled protocol as a flat image of 32-bit words, its rows, its operations, and [`program::check`],
//!   which lets nothing through that the engine could stumble over.
//! - [`pulses`]: the pulses of lists, each with a width of its own, as constants of a program.
//! - [`pwm`]: how a counter makes a frequency, and how finely it divides a power.
//! - [`rig`]: what the device must know of the rig: lines, pins, limits.
//! - [`samples`]: samples of a line in few bytes.
//! - [`record`]: what happened, as the device tells it; *given* and *derived*.
//! - [`message`]: what both ends can say, its frozen bytes, and whether two builds match.
//! - [`frame`]: how a message lies in a stream of bytes.
//! - [`device_end`], [`host_end`]: who sends what when, so that a bad link loses nothing and doubles nothing; their
//!   times stand in [`reliable`].
//! - [`versions`]: what an image says that it speaks, so that it can be read from the image's bytes.
//! - [`upload`]: a program or a rig in pieces, and together again.
//!
//! This crate never sees a pin, a clock or a heap. Time is always an argument, as [`Micros`] since device boot.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod device_end;
pub mod frame;
pub mod host_end;
pub mod limits;
pub mod message;
pub mod packed_rig;
pub mod program;
pub mod pulses;
pub mod pwm;
pub mod record;
pub mod reliable;
pub mod rig;
pub mod samples;
pub mod upload;
pub mod versions;
pub mod vocabulary;

pub use device_end::{Batch, DeviceEnd, RecordSource, StatusNow};
pub use host_end::{HostEnd, HostEvent, SendError};
pub use message::{Answer, Command, Hello, Refusal};
pub use record::{Entry, Record};
pub use vocabulary::*;
