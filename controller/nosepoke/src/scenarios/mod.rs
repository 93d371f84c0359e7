//! Scenario tests: runs each in a simulated session, as any session is run, and judges what came of it. Owns how files
//! are found and sessions run; what a scenario says is the compiler's to read, what is right is `scenario`'s to judge.
//!
//! - [`suite`]: a test file with its protocol and rig.
//! - [`fit`]: the simulated rig that fits a protocol.
//! - [`run`]: one scenario on the simulator.
//! - [`chip`]: the same on the emulated image for the RP2040, put beside it.
//! - [`listen`]: hears the device's records as they leave it.
//! - [`voice`]: says from outside what a scenario says.

pub mod chip;
pub mod fit;
mod listen;
pub mod run;
pub mod suite;
mod voice;

pub use chip::{Chip, ChipError, Compared, Widest};
pub use run::{Ran, RunError, judged, run};
pub use suite::{Suite, SuiteError};
