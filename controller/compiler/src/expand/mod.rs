//! From a protocol as written to one that says the same in fewer words of the language: a row about any element of an
//! array becomes a row for each, a counter becomes handlers. What is made has names a person understands, `hole.which`, and
//! the places of what it was made from. Knows names and kinds, no numbers and no operations.

mod arrays;
mod asked;
mod counters;
mod held;
mod parts;
mod points;
pub(crate) mod stable;
pub(crate) mod timers;
mod until;

use crate::diagnostic::Reporter;
use crate::protocol::Protocol;
use crate::rig::RigConfig;

/// Expands a protocol for a rig.
pub(crate) fn expand(mut protocol: Protocol, rig: &RigConfig, reporter: &mut Reporter) -> Protocol {
    arrays::declare(&mut protocol, rig, reporter);
    stable::expand(&mut protocol, reporter);
    asked::expand(&mut protocol);
    counters::expand(&mut protocol, reporter);
    timers::expand(&mut protocol, reporter);
    arrays::expand(&mut protocol, reporter);
    until::expand(&mut protocol, reporter);
    points::expand(&mut protocol, reporter);
    held::expand(&mut protocol);
    // What was made meanwhile may wait for elements of arrays too.
    arrays::expand(&mut protocol, reporter);
    protocol
}
