//! The controller: what runs sessions on rigs, simulated or real. The command line in `main.rs` is one user of it, the
//! whole-system tests are another.
//!
//! - [`session`]: one session from hello to the last durable record, sans I/O.
//! - [`lockstep`]: a session on a simulated rig as fast as the processor allows, on one thread.
//! - [`paced`]: a session on a simulated rig in real time.
//! - [`serial`]: a session on a real rig, at a serial port.
//! - [`clock_fit`]: how the device's clock and the computer's are related.
//! - [`outside`]: what comes to a session from beyond the rig's pins.
//! - [`flash`]: boards that wait for firmware.
//! - [`stop`]: how a person ends one.
//! - [`budget`]: what a subject has had on a day.
//! - [`subject`]: what is kept of a subject from session to session.
//! - [`flush`]: the one way past an output's `max_on`.
//! - [`selftest`]: what of a rig is tried before animals are put in.
//! - [`scenarios`]: scenario tests of protocols.
//! - [`tally`]: what a person watches while it runs.
//! - [`person`]: what the person at the terminal is told.

// Whoever reads the terminal may be gone, and these would end a session for it.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod budget;
pub mod clock_fit;
mod drive;
pub mod flash;
pub mod flush;
pub mod lockstep;
pub mod outside;
pub mod paced;
pub mod person;
pub mod room;
pub mod scenarios;
pub mod selftest;
pub mod serial;
pub mod session;
pub mod stop;
pub mod subject;
pub mod tally;
