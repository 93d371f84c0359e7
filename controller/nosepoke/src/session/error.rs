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
    },
    /// The journal could not be begun.
    Journal(CreateError),
    /// The journal could not be written further.
    Write(WriteError),
    /// The device was reset in mid-session.
    DeviceReset {
        /// Records that are safe.
        durable: u64,
    },
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
            Self::Occupied { session } => write!(
                f,
                "the device still holds records of session {session:08x}: recover or discard them before a new session"
            ),
            Self::Journal(error) => error.fmt(f),
            Self::Write(error) => write!(f, "{error}; the session was ended with every output safe"),
            Self::DeviceReset { durable } => write!(
                f,
                "the device was reset in mid-session; its outputs are safe, and everything before record {durable} is on \
                 disk"
            ),
            Self::GivenUp { why, durable } => write!(
                f,
                "{why}: the rig makes itself safe; records after {durable} are unknown, everything before is on disk"
            ),
            Self::NoRuntime(error) => write!(f, "the operating system gave no timer to wait with: {error}"),
            Self::Records(error) => write!(f, "the device sent records this build cannot read: {error}"),
        }
    }
}

impl std::error::Error for SessionError {}
