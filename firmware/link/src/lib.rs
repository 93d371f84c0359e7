//! The contract of both ends: the words they share, the compiled program, the records of a session, the messages
//! and the frames that carry them.
//!
//! - [`vocabulary`]: the small identifiers and enums every other part speaks.
//! - [`limits`]: every fixed capacity, in one place.
//! - [`program`]: the compiled protocol as a flat image of 32-bit words, its rows, its operations, its check.
//! - [`rig`]: what the device must know of the rig: lines, pins, limits.
//! - [`record`]: what happened, as the device tells it; *given* and *derived*.
//!
//! This crate never sees a pin, a clock or a heap. Time is always an argument, as [`Micros`] since device boot.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod limits;
pub mod program;
pub mod record;
pub mod rig;
pub mod vocabulary;

pub use record::{Entry, Record};
pub use vocabulary::*;
