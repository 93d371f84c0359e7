//! The device's own law. Only this module drives outputs; whatever a program, a host or a person asks passes here.
//!
//! - [`guard`]: which request becomes which edge, and which becomes a verdict; arming, disarming, tripping.
//! - [`foretell`]: what the body is told ahead, so that it is done at its microsecond, and how the books follow.
//! - `quota`: what a counted output may still do.
//! - `switching`: how pins are driven, looked at and written down.
//! - `look`: pads of outputs that nobody moves.
//! - `train`: when the edges of a pulse train are due.
//! - [`silence`]: whether the host is still there.

pub(crate) mod foretell;
pub(crate) mod guard;
mod look;
mod quota;
pub(crate) mod silence;
mod switching;
pub(crate) mod train;

pub(crate) use switching::Hands;

/// A deadline handled later than this trips: something holds the processor, in µs.
pub const LATE_MAX_US: u32 = 100_000;
