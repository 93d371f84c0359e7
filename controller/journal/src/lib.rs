//! The append-only record of a session, and its replay.
//!
//! - [`contents`]: what a journal says: its header, the host's notes, its close.
//! - [`block`]: how that lies in the file: frames, checksums, the chain.
//! - [`storage`]: what a journal is written to; a file, memory, or a disk that fails on purpose.
//! - [`Writer`]: appends, and says truthfully what is durable.
//! - [`Session`]: what a file holds, whatever became of it, and what was found wrong with it.
//! - [`replay()`]: whether the program in the journal, given what it was given, does again what the journal says it did.
//! - [`again()`]: what another program makes of what a session was given.
//! - [`sensed`]: whether detectors find in the samples what the journal says they found.
//! - [`side_by_side()`]: whether two sessions tell the same, as one session on two bodies must, and where they part.
//! - [`delivered()`]: how much of each output came out.
//! - [`pairing`]: whether every request became its edges, and every edge had its request.
//!
//! This crate never sees a device, a wall clock or a protocol: records come as the device's bytes, names stay opaque.

mod again;
pub mod block;
pub mod contents;
mod context;
mod delivered;
mod finding;
pub mod pairing;
mod reader;
mod reopen;
mod replay;
pub mod sensed;
pub mod side_by_side;
pub mod storage;
mod writer;

pub use again::again;
pub use contents::{Close, Header, Note, NoteKind, Purpose, Versions, Why};
pub use context::{Context, Fact, protocol_hash, seal, unseal};
pub use delivered::{Delivered, delivered};
pub use finding::{Finding, Flaw, Place};
pub use reader::{FILE_BYTES_MAX, Gap, Integrity, PlacedNote, ReadError, Records, Session, Tail};
pub use reopen::ReopenError;
pub use replay::{ReplayFailure, ReplayReport, replay, replay_within};
pub use side_by_side::{Allowed, Difference, SideBySide, Variables, side_by_side};
pub use storage::{Storage, SyncApart};
pub use writer::{Closed, CreateError, GATHER_BYTES, WriteError, Writer};
