//! What the engine does, part by part, as traces and as counts over many draws. `tests/simultaneity.rs` shows what comes
//! first when things happen at once.

mod invariants;
mod outputs;
#[path = "../support/mod.rs"]
mod support;
