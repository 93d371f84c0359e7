//! The memory the halves share, lent out to them once. Owns the queues, the ring and the few shared words; knows nothing
//! of what passes through them.

use core::sync::atomic::{AtomicBool, AtomicU32};

use heapless::spsc::Queue;

use crate::edge::Edge;
use crate::messages::{COMMANDS, Command, NOTICES, Notice, ORDERS, Order, REPORTS, Report, Reports};
use crate::ring::Ring;

/// The words that more than one half reads; each has one writer.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Low half of the time of the last valid frame; written by P2.
    pub(crate) heard: AtomicU32,
    /// Whether the host is known to be silent; written by P0.
    pub(crate) silent: AtomicBool,
}
