//! Goes on with a journal whose writer was killed: cuts off what was torn and appends behind the last whole block. Owns
//! what may be appended to; writes no block itself.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Error;
use std::path::{Path, PathBuf};

use crate::finding::{Finding, Flaw};
use crate::reader::{ReadError, Session, Tail};
use crate::writer::Writer;

/// Why a journal cannot be gone on with.
#[derive(Debug)]
pub enum ReopenError {
    /// It cannot be read.
    Read(ReadError),
    /// It is being written at this moment.
    InUse(PathBuf),
    /// It is not as it was written.
    Untrusted(PathBuf, Finding),
    /// It was closed: there is nothing to go on with. What it says is at hand.
    Closed(Box<Session>),
    /// It cannot be written.
    Io(PathBuf, Error),
}

impl fmt::Display for ReopenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::InUse(path) => write!(
                f,
                "{} is being written by another nosepoke: its session still runs; end it there with Ctrl-C",
                path.display()
            ),
            Self::Untrusted(path, finding) => write!(
                f,
                "{} is not as it was written, and nothing is appended to such a journal: {finding}",
                path.display()
            ),
            Self::Closed(_) => write!(f, "the journal was closed: there is nothing to go on with"),
            Self::Io(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
        }
    }
}

impl std::error::Error for ReopenError {}

impl Writer<File> {
    /// Opens a journal that was never closed, to append to it; gives it together with what it holds. A block that was
    /// torn when its writer died is cut off: nothing of it was ever called durable.
    ///
    /// # Errors
    /// When it was closed, is being written, is not as it was written, or cannot be written.
    pub fn reopen(path: &Path) -> Result<(Self, Session), ReopenError> {
        let in_file = |error| ReopenError::Io(path.into(), error);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(in_file)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(ReopenError::InUse(path.into()));
        }
        // By this handle: where locks bind everybody, another could not read.
        let session = Session::read_from(&file, path).map_err(ReopenError::Read)?;
        if session.close.is_some() {
            return Err(ReopenError::Closed(Box::new(session)));
        }
        if let Some(finding) = session.findings.iter().find(|finding| !is_unwritten(finding, session.tail)) {
            return Err(ReopenError::Untrusted(path.into(), *finding));
        }
        let writer = Self::continued(file, &session).map_err(in_file)?;
        Ok((writer, session))
    }
}

/// Whether all that was found are zeros behind the last block: what a file system leaves where a write was under way as
/// the computer lost its supply.
fn is_unwritten(finding: &Finding, tail: Tail) -> bool {
    matches!((finding.flaw, tail), (Flaw::Garbage { .. }, Tail::Garbage { zeros: true, .. }))
}
