//! The simulated body: virtual time, pins with a room around them, animals, and a cable with faults. The device in it is
//! the very one that runs on a chip.
//!
//! - [`body`]: what a session in virtual time asks of a body.
//! - [`rig`]: the three halves of the device on virtual time.
//! - [`room`]: contacts that bounce, levers that travel, wheels that turn, an animal that notices.
//! - [`animal`]: who may sit in the box.
//! - [`pins`]: what the device drives and the room moves.
//! - [`wire`]: the cable and its faults.
//! - [`random`]: one seed for everything left to chance.
//!
//! Nothing about an experiment lives here, and no policy of the device: only what a real room, real pins and a real
//! cable would do.

pub mod animal;
pub mod body;
pub mod pins;
pub mod random;
pub mod rig;
pub mod room;
mod travel;
pub mod wire;

pub use body::VirtualBody;
pub use pins::{Pins, SimBoard};
pub use rig::{Half, Memory, PinEdge, SimRig, SimSettings};
pub use wire::{Wire, WireFaults};
