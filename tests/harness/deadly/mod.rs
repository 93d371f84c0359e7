//! Everything a rig-config has outputs for, brought into every state an output can be in, to see what becomes of it when
//! something dies. Made from the rig-config alone: a line added to a rig is covered without a test being written.
//!
//! - [`rigs`]: the rigs there are.
//! - [`outputs`]: what matters of an output here.
//! - [`held`]: the states an output can be in, and which outputs know them.
//! - [`doom`]: what a program can do to itself.
//! - [`scene`]: from a rig and states to a protocol as text, and what must be on when something dies.
//! - [`judge`]: from edges at pins to the time until all is safe. Knows nothing else.
//!
//! None of these knows a body: what is made runs on the simulator and on the chip. What follows is the simulator's:
//!
//! - [`way`]: the ways to die.
//! - [`bounds`]: how soon all must be safe, in one table with its reasons.
//! - [`stage`], `host`, `room`: plays a scene in which something dies.
//! - [`again`]: the same session aborted again and again.
//! - `table`: the same rig in real time, for a real controller.
//! - [`verdict`]: whether what was seen is what was promised.

pub mod again;
pub mod bounds;
pub mod doom;
pub mod held;
mod host;
pub mod judge;
pub mod outputs;
pub mod rigs;
mod room;
pub mod scene;
pub mod stage;
#[cfg(target_os = "linux")]
pub mod table;
pub mod verdict;
pub mod way;

pub use again::aborted_again;
pub use bounds::{Bound, Promise, Times};
pub use doom::Doom;
pub use held::Held;
pub use judge::{Spell, safe_after_us, spells};
pub use outputs::Output;
pub use rigs::{of_the_tests, shipped};
pub use scene::Scene;
pub use stage::{Seen, play};
pub use verdict::{Cell, cells};
pub use way::Way;
