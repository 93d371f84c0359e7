//! Session after session on one emulated chip, each broken off by the controller. Owns the chip between them.

use emulated::{EmulatedRig, FineEdge};
use link::Micros;
use link::message::Status;

use crate::{Disk, OnChip, Outcome, System};

/// How long a chip is looked at behind a session, in µs.
const AFTERWARDS_US: Micros = 20_000;

/// A chip on which sessions follow one another.
pub struct Again {
    image: OnChip,
    system: System,
    rig: EmulatedRig,
    sessions: u32,
}

/// One session of it.
pub struct Round {
    /// What came of it.
    pub outcome: Outcome,
    /// When it began, in ns since the supply came.
    pub began_ns: u64,
    /// The edges at the pads since the one before.
    pub edges: Vec<FineEdge>,
    /// How the device is once it is over and forgotten.
    pub status: Status,
}

impl Again {
    /// A chip that has just got its supply.
    ///
    /// # Panics
    /// When the emulator does not start.
    #[must_use]
    pub fn new(image: &OnChip, mut system: System) -> Self {
        let rig = system.chip(image).unwrap_or_else(|error| panic!("{error}"));
        Self { image: image.clone(), system, rig, sessions: 0 }
    }

    /// Plays a session that is aborted so long after its start, or only stopped.
    ///
    /// # Panics
    /// When it never begins, or the emulator ends in the middle.
    #[must_use]
    pub fn broken_off(&mut self, after_us: Micros, aborted: bool) -> Round {
        self.sessions += 1;
        self.system.stop_after_us = (!aborted).then_some(after_us);
        self.system.abort_after_us = aborted.then_some(after_us);
        self.system.disk = Disk::default();
        let outcome = self.system.session_on_chip(&self.image, self.sessions, &mut self.rig, AFTERWARDS_US);
        let edges = self.rig.take_fine();
        let began_ns = self.rig.began_ns().unwrap_or_else(|| panic!("no session began"));
        let status = self.rig.ears().status().copied().unwrap_or_else(|| panic!("no status was heard"));
        Round { outcome, began_ns, edges, status }
    }

    /// The rig.
    #[must_use]
    pub const fn rig(&self) -> &EmulatedRig {
        &self.rig
    }
}
