//! Everything about a session that is settled before it begins. Knows nothing of how it is run.

use std::fmt;

use compiler::{Compiled, Diagnostics};
use journal::{Header, Purpose};

/// When what was recorded is put on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPolicy {
    /// At the latest this long after it arrived, in µs.
    pub interval_us: u64,
    /// Or when this many bytes wait.
    pub bytes: usize,
    /// Whether the session goes on meanwhile: a disk may take longer than a rig bears its controller's silence. What is on
    /// disk when is then no longer decided by the seed.
    pub apart: bool,
}

impl SyncPolicy {
    /// For a rig that runs in real time: an animal's data are on disk within 50 ms.
    pub const LIVE: Self = Self { interval_us: 50_000, bytes: 16 * 1024, apart: true };
    /// For a simulation that can be run again: few and large writes.
    pub const SIMULATED: Self = Self { interval_us: 60_000_000, bytes: 24 * 1024, apart: false };
}

/// Everything about a session that is settled before it begins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names the session on the link; never 0.
    pub session: u32,
    /// The program, its rig and the names in them.
    pub compiled: Compiled,
    /// The protocol as its file stands.
    pub protocol: String,
    /// The rig-config as its file stands.
    pub rig: String,
    /// Decides every draw.
    pub seed: u64,
    /// Parameters set for this session, as typed.
    pub options: Vec<(String, String)>,
    /// What it is run for.
    pub purpose: Purpose,
    /// What the controller has to say of it before it begins, each a sentence.
    pub remarks: Vec<String>,
    /// The animal.
    pub subject: Option<String>,
    /// Who runs the session.
    pub operator: Option<String>,
    /// The lines that a person arms for this session, and who.
    pub arm: Option<(u32, String)>,
    /// Whether the rig is simulated.
    pub simulated: bool,
    /// Wall time of the start in ms since 1970; none in a simulated session of no day.
    pub started_ms: Option<i64>,
    /// When what was recorded is put on disk.
    pub sync: SyncPolicy,
    /// Tells wall time in µs since 1970 for the journal's notes; none in a simulated session.
    pub wall_clock: Option<fn() -> i64>,
}

impl Plan {
    /// The plan of a session whose controller died, from what its journal opens with.
    ///
    /// # Errors
    /// When the journal speaks of names or a rig this build does not read.
    pub fn of(header: &Header, wall_clock: fn() -> i64) -> Result<Self, UnreadableHeader> {
        let symbols = postcard::from_bytes(&header.symbols).map_err(|_| UnreadableHeader)?;
        let rig = postcard::from_bytes(&header.device_rig).map_err(|_| UnreadableHeader)?;
        let hash = link::program::hash(&header.program);
        let warnings = Diagnostics::default();
        let (fragments, sitting) = super::context::read(header);
        Ok(Self {
            session: u32::try_from(header.session).map_err(|_| UnreadableHeader)?,
            compiled: Compiled {
                image: header.program.clone(),
                rig,
                symbols,
                warnings,
                silenced: Vec::new(),
                holds: Vec::new(),
                hash,
                fragments,
                sitting,
            },
            protocol: header.protocol.clone(),
            rig: header.rig.clone(),
            seed: header.seed,
            options: header.options.clone(),
            purpose: header.purpose,
            remarks: Vec::new(),
            subject: header.subject.clone(),
            operator: header.operator.clone(),
            arm: None,
            simulated: header.simulated,
            started_ms: header.started_ms,
            sync: SyncPolicy::LIVE,
            wall_clock: (!header.simulated).then_some(wall_clock),
        })
    }
}

/// The header of a journal is not of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableHeader;

impl fmt::Display for UnreadableHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal was begun by another build of nosepoke: go on with it by the build that wrote it")
    }
}

impl std::error::Error for UnreadableHeader {}
