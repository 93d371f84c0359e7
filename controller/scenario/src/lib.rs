//! Scenario tests of protocols: a scripted animal, and what must come of it. Takes scenarios as the compiler has read them
//! and journals as sessions leave them; knows no device, no terminal and no YAML.
//!
//! - [`happened`]: what happens and lasts in a stream of records, by the words of a test file.
//! - [`script`]: what the animal does when, and the animal that does it.
//! - [`seen`]: a session as far as a scenario runs it.
//! - [`judge`]: what was expected against what was seen.
//! - [`coverage`]: what scenarios cover of their protocol.
//! - [`timeline`]: what happened around a moment, to be read by a person.

pub mod coverage;
pub mod happened;
pub mod judge;
pub mod script;
pub mod seen;
pub mod timeline;

pub use coverage::{Coverage, Covered};
pub use judge::{Failure, judge};
pub use script::{Actor, Reactions, Script, Timed};
pub use seen::Seen;
