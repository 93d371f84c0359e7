//! A body for development: the real image on an emulated chip, in the simulator's room. What a session can do with the
//! simulated rig it can do with this one, and the same scripted animal sits in both.
//!
//! - [`bench`]: the emulated chip as a process that is told what to do and says what happened.
//! - [`rig`]: the chip as a body in virtual time, in a room with an animal.
//! - [`ears`]: tells from the link's bytes when a session begins and ends.
//! - [`image`]: the image and the tools it takes.
//! - [`table`]: the same rig in real time, at the far end of a cable that the daemon can open.
//! - [`upset`]: what can be made to go wrong with it.
//! - [`port`], [`pace`]: that cable, and real time.
//!
//! Knows no protocol, and of a board only which pins stand in the rig.

pub mod bench;
pub mod ears;
pub mod image;
pub mod pace;
pub mod port;
pub mod rig;
pub mod table;
pub mod upset;

pub use bench::{Bench, BenchError, Event, Sounded, Source, Stop};
pub use image::{ImageError, Tools};
pub use pace::Pace;
pub use port::Port;
pub use rig::{Carried, Cord, EmulatedRig, EmulatedSettings, FineEdge, Lap};
pub use table::{Order, Seen, Table};
pub use upset::{Goes, Upset};
