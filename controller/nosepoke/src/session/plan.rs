//! Everything about a session that is settled before it begins. Knows nothing of how it is run.

use compiler::Compiled;

/// When what was recorded is put on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPolicy {
    /// At the latest this long after it arrived, in µs.
    pub interval_us: u64,
    /// Or when this many bytes wait.
    pub bytes: usize,
}

impl SyncPolicy {
    /// For a rig that runs in real time: an animal's data are on disk within 50 ms.
    pub const LIVE: Self = Self { interval_us: 50_000, bytes: 16 * 1024 };
    /// For a simulation that can be run again: few and large writes.
    pub const SIMULATED: Self = Self { interval_us: 60_000_000, bytes: 24 * 1024 };
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
    /// The animal.
    pub subject: Option<String>,
    /// Who runs the session.
    pub operator: Option<String>,
    /// The lines that a person arms for this session, and who.
    pub arm: Option<(u32, String)>,
    /// Whether the rig is simulated.
    pub simulated: bool,
    /// Wall time of the start in ms since 1970; none in a simulated session.
    pub started_ms: Option<i64>,
    /// When what was recorded is put on disk.
    pub sync: SyncPolicy,
    /// Tells wall time in ms since 1970 for the journal's notes; none in a simulated session.
    pub wall_clock: Option<fn() -> i64>,
}
