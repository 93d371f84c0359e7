//! The device's own law. Only this module drives outputs; whatever a program, a host or a person asks passes here.
//!
//! - [`guard`]: which request becomes which edge, and which becomes a verdict; arming, disarming, tripping.
//! - `train`: when the edges of a pulse train are due.
//! - [`silence`]: whether the host is still there.

pub(crate) mod guard;
pub(crate) mod silence;
pub(crate) mod train;

/// A deadline handled later than this trips: something holds the processor, in µs.
pub const LATE_MAX_US: u32 = 100_000;
