//! Why a session could not be run, or not to its end, in sentences for whoever ran it.

use std::fmt;

use journal::{CreateError, WriteError};
use link::message::{self, Refusal};

/// Why a session could not be run, or not to its end.
#[derive(Debug)]
pub enum SessionError {
    /// Device and controller do not match.
    Mismatch(message::Mismatch),
    /// The device refused a step.
    Refused {
        /// Which.
        step: &'static str,
        /// Why.
        refusal: Refusal,
    },
    /// The device holds records of another session.
    Occupied {
        /// Which session.
        session: u32,
        /// Whether it still runs.
        running: bool,
    },
    /// The journal could not be begun.
    Journal(CreateError),
    /// The journal could not be written further.
    Write(WriteError),
    /// The device stopped answering before the session had begun.
    Unheard,
    /// The device no longer holds the session, as after a loss of its supply.
    Lost {
        /// Records that are safe.
        durable: u64,
    },
    /// Another board answers than the one the session runs on.
    OtherBoard {
        /// The board's unique number.
        expected: u64,
        /// That of the one that answers.
        found: u64,
    },
    /// The device was reset, or the controller died, just before the session began.
    NeverStarted,
    /// The device did not come back.
    GivenUp {
        /// What happened.
        why: String,
        /// Records that are safe.
        durable: u64,
    },
    /// The records do not read as the link promises.
    Records(link::record::RecordError),
    /// The operating system gave no timer to wait with.
    NoRuntime(std::io::Error),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::Refused { step, refusal } => write!(f, "the device refused to {step}: {refusal}"),
            Self::Occupied { session, running } => write!(
                f,
                "the device {} session {session:08x}: go on with it, or collect its records, by `nosepoke resume` and the \
                 journal it was begun with (or its folder); to discard it, take the board off its supply",
                if *running { "is running" } else { "still holds records of" }
            ),
            Self::Unheard => write!(
                f,
                "the device stopped answering before the session began, and nothing was started: check its cable and supply"
            ),
            Self::Journal(error) => error.fmt(f),
            Self::Write(error) => write!(f, "{error}; the session was ended with every output safe"),
            Self::Lost { durable } => write!(
                f,
                "the device was reset or lost its supply in mid-session, and its memory with it: its outputs are safe, the \
                 session is over, {}",
                unknown(*durable)
            ),
            Self::OtherBoard { expected, found } => {
                write!(f, "the board {found:016x} answers, and this session runs on {expected:016x}: connect that one")
            }
            Self::NeverStarted => {
                write!(f, "the session never began on the device, and nothing was recorded: run it anew")
            }
            Self::GivenUp { why, durable } => write!(
                f,
                "{why}: the rig makes itself safe, {}. If it still has its supply, it still has its records: connect it \
                 and collect them by `nosepoke resume`",
                unknown(*durable)
            ),
            Self::NoRuntime(error) => write!(f, "the operating system gave no timer to wait with: {error}"),
            Self::Records(error) => write!(f, "the device sent records this build cannot read: {error}"),
        }
    }
}

/// Says that records from this number on are unknown.
fn unknown(first: u64) -> String {
    match first.checked_sub(1) {
        Some(last) => format!("records after {last} are unknown, everything up to there is on disk"),
        None => "and nothing of it was recorded".to_owned(),
    }
}

impl std::error::Error for SessionError {}
