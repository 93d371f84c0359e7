//! What a journal says besides the device's records: the header it opens with, the host's notes, the close. Plain data,
//! stored with postcard; knows nothing of files or frames. Once released, fields and variants are appended, never moved.

use link::{EndReason, Micros};
use serde::{Deserialize, Serialize};

use crate::context::{Context, protocol_hash};

/// All that is needed to understand and repeat a session without any other file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Names the session, the same number as on the link.
    pub session: u64,
    /// The protocol as its file stood, byte for byte.
    pub protocol: String,
    /// The rig-config as its file stood, byte for byte.
    pub rig: String,
    /// The names behind the program's numbers, as the compiler stores them; opaque here.
    pub symbols: Vec<u8>,
    /// The program image, as sent to the device.
    pub program: Vec<u32>,
    /// The rig as sent to the device: a [`link::rig::Rig`] in postcard's bytes.
    pub device_rig: Vec<u8>,
    /// Decides every draw of the session.
    pub seed: u64,
    /// Who made the journal.
    pub versions: Versions,
    /// The animal, if there is one.
    pub subject: Option<String>,
    /// The person who ran the session.
    pub operator: Option<String>,
    /// Parameters set for this session, name and value as typed.
    pub options: Vec<(String, String)>,
    /// Whether the body was a simulator.
    pub simulated: bool,
    /// Wall time of the start in ms since 1970, if anyone looked. Says nothing about the order of records.
    pub started_ms: Option<i64>,
    /// What it was run for.
    pub purpose: Purpose,
    /// What was settled of it beside its program; stored behind the rest, and only if there is any.
    #[serde(skip)]
    pub context: Context,
}

impl Header {
    /// Its bytes in a journal.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        let mut bytes = postcard::to_stdvec(self)?;
        if self.context != Context::default() {
            bytes.extend(postcard::to_stdvec(&self.context)?);
        }
        Ok(bytes)
    }

    /// The header in these bytes, if they are one and nothing else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (header, rest): (Self, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        if rest.is_empty() {
            return Some(header);
        }
        match postcard::take_from_bytes(rest) {
            // One spelling: nothing settled is nothing written.
            Ok((context, [])) if context != Context::default() => Some(Self { context, ..header }),
            _ => None,
        }
    }

    /// SHA-256 over the protocol in all its files.
    #[must_use]
    pub fn protocol_hash(&self) -> [u8; 32] {
        protocol_hash(&self.protocol, &self.context.fragments)
    }
}

/// What a journal was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Purpose {
    /// A session, with or without an animal.
    #[default]
    Session,
    /// A line was flushed past its `max_on`: no animal, no session.
    Flush,
    /// A step of a self-test: no animal, no session.
    SelfTest,
}

/// The versions of everything that had a part in the session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions {
    /// The controller.
    pub nosepoke: String,
    /// The link's version and schema.
    pub link: String,
    /// The body and its board, as the device named them.
    pub body: String,
}

/// Something the host adds to the device's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Wall time in ms since 1970; none in a simulated session, which must not depend on when it is run.
    pub wall_ms: Option<i64>,
    /// The device's time of what the note is about, in µs, where it has one.
    pub device_us: Option<Micros>,
    /// What it says.
    pub kind: NoteKind,
}

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoteKind {
    /// A remark of the person who runs the session.
    Operator(String),
    /// A remark of the controller's own.
    Text(String),
    /// A person asked for lines to be armed.
    Armed {
        /// The set of them.
        lines: u32,
        /// Who.
        who: String,
    },
    /// How the device's clock and the host's are related from here on.
    ClockFit {
        /// Host time in µs since 1970 at the note's `device_us`.
        host_us: i64,
        /// How much faster the device's clock runs, in parts per 10⁹.
        drift_ppb: i64,
        /// Half width of the uncertainty of `host_us`, in µs.
        uncertainty_us: u32,
        /// Half width of the uncertainty of `drift_ppb`.
        drift_uncertainty_ppb: u32,
    },
    /// The device is no longer heard.
    Disconnected,
    /// The device is heard again.
    Reconnected,
    /// Records are missing from here on because the session was interrupted. Where records follow, the first of them
    /// says by its number how many are missing.
    Interrupted {
        /// The number of the first record that is missing: as many are known, from the start of the session.
        first_unknown: u64,
    },
    /// The device that is heard from here on.
    Device {
        /// The unique number of its board.
        id: u64,
        /// Its boot nonce, another after each reset.
        boot: u32,
    },
}

/// The last block of a journal that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// Why it ended.
    pub why: Why,
    /// Records in the whole device stream.
    pub records: u64,
    /// SHA-256 over the whole device stream: the entry bytes of all Device blocks, one behind the other.
    pub stream_sha256: [u8; 32],
}

/// Why a journal was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The session ended, and its last record says so.
    Ended(EndReason),
    /// The controller gave up waiting for the rest; why, as a sentence.
    Incomplete(String),
}
