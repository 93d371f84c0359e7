//! The core next to the pins: inputs, interlock, pulses, engine and link, generic over embedded-hal.
//!
//! It is split in three halves that a chip runs as interrupts of three priorities and a simulator calls one after the
//! other. They share only queues with one writer and one reader, a ring of records, and a few words that are loaded and
//! stored: nothing is ever locked, so a half can be stopped between any two of its steps.
//!
//! - P0 [`edge`]: stamps and debounces inputs, carries requests out through the [`interlock`], which alone owns outputs.
//! - P1 [`core_half`]: closes microseconds, runs the engine, is the only writer of the [`ring`].
//! - `answers`: what P0 may answer by itself, because P1 has worked out what it leads to.
//! - P2 [`outer`]: the link's device end: program and rig in, records out, memory freed when they are on disk.
//!
//! [`storage`] holds what the halves share and lends it out. [`board`] is all this crate asks of a body. Time is an
//! argument everywhere.

#![no_std]

#[cfg(test)]
extern crate std;

mod answers;
pub mod board;
pub mod core_half;
mod deadlines;
pub mod edge;
pub mod interlock;
mod messages;
mod orders;
pub mod outer;
mod queue;
pub mod ring;
mod scores;
mod sense;
pub mod storage;

pub use board::{Board, Preempt, STRIKES_MAX, SafePins, Sound, Strike, Undisturbed};
pub use core_half::Core;
pub use edge::Edge;
pub use outer::{Alive, Outer};
pub use storage::{Identity, Storage};
