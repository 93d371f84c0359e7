//! What the engine does, part by part, as traces and as counts over many draws. `tests/simultaneity.rs` shows what comes
//! first when things happen at once.

mod arithmetic;
mod bounds;
mod draws;
mod invariants;
mod outputs;
mod session;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod timers;
