//! The controller: what runs sessions on rigs, simulated or real. The command line in `main.rs` is one user of it, the
//! whole-system tests are another.
//!
//! - [`session`]: one session from hello to the last durable record, sans I/O.
//! - [`lockstep`]: a session on a simulated rig as fast as the processor allows, on one thread.
//! - [`paced`]: a session in real time: the device on a thread of its own, the session beside it.
//! - [`tally`]: what a person watches while it runs.

pub mod lockstep;
pub mod paced;
pub mod room;
pub mod session;
pub mod tally;
