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
//! Nothing here knows a body: what is made runs on the simulator and on the chip.

pub mod doom;
pub mod held;
pub mod judge;
pub mod outputs;
pub mod rigs;
pub mod scene;

pub use doom::Doom;
pub use held::Held;
pub use judge::{Spell, safe_after_us, spells};
pub use outputs::Output;
pub use rigs::{of_the_tests, shipped};
pub use scene::Scene;
