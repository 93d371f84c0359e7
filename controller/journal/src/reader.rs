//! Reads a journal back, whatever became of it: cut at any byte, damaged, or changed. Owns what is believed of a file
//! and where belief ends; knows nothing of what the records mean.
//!
//! Every sound block is used, also behind a damaged one; whether the whole can be trusted is a question of its own,
//! [`Session::verify`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use link::record::Reader;
use link::{Micros, Record};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::block::{self, Block, BlockError, Chain, FILE_HEADER_BYTES, FORMAT, FileHeaderError, Kind};
use crate::contents::{Close, Header, Note, NoteKind, Why};
use crate::finding::{Finding, Flaw, Place};
use crate::writer::count_records;

/// The longest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// A journal as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it opens with.
    pub header: Header,
    /// The host's notes, in order.
    pub notes: Vec<PlacedNote>,
    /// How it was closed, if it was.
    pub close: Option<Close>,
    /// How the file ends.
    pub tail: Tail,
    /// What is not as it was written, in order; empty for a journal that can be trusted.
    pub findings: Vec<Finding>,
    /// Records that are missing, and that the journal says are missing, in order.
    pub gaps: Vec<Gap>,
    /// Bytes up to the end of the last whole block, and its link.
    pub(crate) whole: u64,
    pub(crate) chain: Chain,
    stream: Vec<u8>,
    runs: Vec<Run>,
}

/// Records that are missing because a session was interrupted, as a note says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The number of the first that is missing: as many are known from the start of the session.
    pub first: u64,
    /// The number of the first that is known again, if any is.
    pub next: Option<u64>,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first.checked_sub(1), self.next) {
            (Some(last), Some(next)) => write!(f, "records after {last} are unknown up to {next}"),
            (Some(last), None) => write!(f, "records after {last} are unknown"),
            (None, Some(next)) => write!(f, "records before {next} are unknown"),
            (None, None) => write!(f, "all records are unknown"),
        }
    }
}

/// Records that follow one another without a gap, measured from one base.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    first: u64,
    base: Micros,
    count: u64,
    last: Micros,
    bytes: std::ops::Range<usize>,
}

/// A note, and where it stands among the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedNote {
    /// The number of the first record behind it.
    pub before_record: u64,
    /// What it says.
    pub note: Note,
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// With a whole block.
    Clean,
    /// Inside a block that was being written when something broke.
    Torn {
        /// Bytes of that block.
        bytes: u64,
    },
    /// With bytes that are no block.
    Garbage {
        /// How many.
        bytes: u64,
        /// Whether all of them are zero.
        zeros: bool,
    },
}

/// What can be said of a journal in which nothing was found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// It was closed, and everything that was in it then still is.
    Whole,
    /// It was closed, and everything that was in it then still is; but records are missing, as it says itself.
    Gap(Gap),
    /// It was never closed. What is there is as it was written; how much came after cannot be said.
    Interrupted {
        /// Bytes of a block that was torn, if one was.
        torn_bytes: u64,
    },
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => write!(f, "whole: nothing in it was changed since it was closed"),
            Self::Gap(gap) => write!(f, "nothing in it was changed since it was closed, and it says itself that {gap}"),
            Self::Interrupted { torn_bytes: 0 } => write!(f, "interrupted: it was never closed"),
            Self::Interrupted { torn_bytes } => {
                write!(f, "interrupted: it was never closed, and its last {torn_bytes} bytes were torn")
            }
        }
    }
}

/// Why there is nothing to be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// It is longer than any journal.
    TooLong {
        /// Its bytes.
        bytes: u64,
    },
    /// It does not begin like a journal.
    NotAJournal,
    /// It begins like one, and its first bytes are damaged.
    Damaged,
    /// It has a format of another build.
    Format(u16),
    /// Its header was never written whole, or is damaged: no record can be understood.
    NoHeader,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::TooLong { bytes } => {
                write!(f, "the file has {bytes} bytes; {FILE_BYTES_MAX} is the most a journal is read with")
            }
            Self::NotAJournal => write!(f, "this is no journal: its first bytes are not those of an .npj file"),
            Self::Damaged => write!(f, "this was a journal, and its first bytes are damaged"),
            Self::Format(found) => write!(
                f,
                "the journal has format {found} and this build reads format {FORMAT}; use the nosepoke that wrote it, or a newer one"
            ),
            Self::NoHeader => {
                write!(f, "the journal's header is missing or damaged, so its records cannot be understood")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl Session {
    /// Reads the journal at `path`.
    ///
    /// # Errors
    /// When there is no header to be read; everything behind the header ends up in [`Session::findings`] instead.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::read_from(&File::open(path).map_err(|error| ReadError::Io(path.into(), error))?, path)
    }

    /// Reads the journal in an open file, whose name is for errors.
    pub(crate) fn read_from(mut file: &File, path: &Path) -> Result<Self, ReadError> {
        let in_file = |error| ReadError::Io(path.into(), error);
        let bytes = file.metadata().map_err(in_file)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(ReadError::TooLong { bytes });
        }
        let mut read = Vec::new();
        file.read_to_end(&mut read).map_err(in_file)?;
        Self::read(&read)
    }

    /// Reads a journal from its bytes.
    ///
    /// # Errors
    /// When there is no header to be read.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let rest = block::open(bytes).map_err(|error| match error {
            FileHeaderError::Short | FileHeaderError::Magic => ReadError::NotAJournal,
            FileHeaderError::Damaged => ReadError::Damaged,
            FileHeaderError::Format(found) => ReadError::Format(found),
        })?;
        let first = block::take(rest).map_err(|_| ReadError::NoHeader)?;
        let header = match first.kind {
            Kind::Header => Header::from_bytes(first.payload).ok_or(ReadError::NoHeader)?,
            _ => return Err(ReadError::NoHeader),
        };
        let mut walk = Walk::new(header);
        walk.follow(&first, Chain::origin());
        walk.session.chain = first.chain;
        walk.session.whole = (bytes.len() - first.rest.len()) as u64;
        walk.all(bytes.len(), first.rest, first.chain);
        Ok(walk.session)
    }

    /// The device stream: the entry bytes of all Device blocks, one behind the other.
    #[must_use]
    pub fn stream(&self) -> &[u8] {
        &self.stream
    }

    /// How many records there are.
    #[must_use]
    pub fn records_len(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// The records in order: number, time, what happened.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records { session: self, runs: self.runs.iter(), number: 0, reader: Reader::new(0), rest: &[] }
    }

    /// The number the next record would have, and the time of the last, once there is one.
    pub(crate) fn next(&self) -> Option<(u64, Micros)> {
        self.runs.last().map(|run| (run.first.saturating_add(run.count), run.last))
    }

    /// Whether the journal is as it was written. The chain holds no key: a journal that was rewritten as a whole, chain
    /// and all, passes here, and is for replay to find.
    ///
    /// # Errors
    /// The first thing that is not as it was written.
    pub fn verify(&self) -> Result<Integrity, Finding> {
        match (self.findings.first(), &self.close, self.tail) {
            (Some(finding), _, _) => Err(*finding),
            (None, Some(_), _) => Ok(self.gaps.first().map_or(Integrity::Whole, |gap| Integrity::Gap(*gap))),
            (None, None, Tail::Torn { bytes }) => Ok(Integrity::Interrupted { torn_bytes: bytes }),
            (None, None, Tail::Clean | Tail::Garbage { .. }) => Ok(Integrity::Interrupted { torn_bytes: 0 }),
        }
    }
}

/// The records of a session, in order.
#[derive(Debug, Clone)]
pub struct Records<'s> {
    session: &'s Session,
    runs: std::slice::Iter<'s, Run>,
    number: u64,
    reader: Reader,
    rest: &'s [u8],
}

impl Iterator for Records<'_> {
    type Item = (u64, Micros, Record);

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.is_empty() {
            let run = self.runs.next()?;
            self.number = run.first;
            self.reader = Reader::new(run.base);
            self.rest = self.session.stream.get(run.bytes.clone()).unwrap_or(&[]);
        }
        // Runs only hold records that were read once already.
        let (at, record, rest) = self.reader.read(self.rest).ok()?;
        let number = self.number;
        self.number = number.saturating_add(1);
        self.rest = rest;
        Some((number, at, record))
    }
}

/// A walk through the blocks of a file.
struct Walk {
    session: Session,
    block: u64,
    offset: u64,
}

impl Walk {
    fn new(header: Header) -> Self {
        let session = Session {
            header,
            notes: Vec::new(),
            close: None,
            tail: Tail::Clean,
            findings: Vec::new(),
            gaps: Vec::new(),
            whole: 0,
            chain: Chain::origin(),
            stream: Vec::new(),
            runs: Vec::new(),
        };
        Self { session, block: 0, offset: FILE_HEADER_BYTES as u64 }
    }

    fn find(&mut self, flaw: Flaw) {
        let record = self.session.next().map_or(0, |(number, _)| number);
        let place = Place { block: self.block, offset: self.offset, record };
        self.session.findings.push(Finding { place, flaw });
    }

    fn all(&mut self, length: usize, mut rest: &[u8], mut chain: Chain) {
        while !rest.is_empty() {
            self.block += 1;
            self.offset = (length - rest.len()) as u64;
            let bytes = rest.len() as u64;
            if self.session.close.is_some() {
                self.find(Flaw::AfterClose);
            }
            (rest, chain) = match block::take(rest) {
                Ok(block) => {
                    self.follow(&block, chain);
                    self.contents(&block);
                    self.session.chain = block.chain;
                    self.session.whole = (length - block.rest.len()) as u64;
                    (block.rest, block.chain)
                }
                Err(BlockError::Body { chain, rest }) => {
                    self.find(Flaw::Damaged);
                    (rest, chain)
                }
                Err(BlockError::Torn) => {
                    self.session.tail = Tail::Torn { bytes };
                    return;
                }
                Err(BlockError::Head) => {
                    self.session.tail = Tail::Garbage { bytes, zeros: rest.iter().all(|byte| *byte == 0) };
                    self.find(Flaw::Garbage { bytes });
                    return;
                }
            };
        }
    }

    fn follow(&mut self, block: &Block<'_>, before: Chain) {
        if before.next(block.kind as u8, block.payload) != block.chain {
            self.find(Flaw::Chain);
        }
    }

    fn contents(&mut self, block: &Block<'_>) {
        match block.kind {
            Kind::Header => self.find(Flaw::SecondHeader),
            Kind::Device => self.device(block.payload),
            Kind::Note => match exactly::<Note>(block.payload) {
                Some(note) => {
                    let before_record = self.session.next().map_or(0, |(number, _)| number);
                    // A gap must begin where the records before it end: no note can excuse another.
                    if note.kind == (NoteKind::Interrupted { first_unknown: before_record }) {
                        self.open_gap(before_record);
                    }
                    self.session.notes.push(PlacedNote { before_record, note });
                }
                None => self.find(Flaw::Contents),
            },
            Kind::Close => match exactly::<Close>(block.payload) {
                Some(close) => self.close(close),
                None => self.find(Flaw::Contents),
            },
        }
    }

    fn device(&mut self, payload: &[u8]) {
        let Ok(((first, base, stated), entries)) = postcard::take_from_bytes::<(u64, Micros, u64)>(payload) else {
            self.find(Flaw::Contents);
            return;
        };
        let (found, last) = match count_records(base, entries) {
            Ok(counted) => counted,
            Err(error) => {
                self.find(Flaw::Record(error));
                return;
            }
        };
        if found != stated || found == 0 {
            self.find(Flaw::Count { stated, found });
        }
        let noted = self.close_gap(first);
        if let Some((expected, expected_base)) = self.session.next().filter(|_| !noted) {
            if first != expected {
                self.find(Flaw::Gap { expected, found: first });
            } else if base != expected_base {
                self.find(Flaw::Base { expected: expected_base, found: base });
            }
        }
        let start = self.session.stream.len();
        self.session.stream.extend_from_slice(entries);
        let bytes = start..self.session.stream.len();
        self.session.runs.push(Run { first, base, count: found, last, bytes });
    }

    fn open_gap(&mut self, first: u64) {
        if self.session.gaps.last() != Some(&Gap { first, next: None }) {
            self.session.gaps.push(Gap { first, next: None });
        }
    }

    /// Whether a gap is noted just before record `first`, which then ends it.
    fn close_gap(&mut self, first: u64) -> bool {
        match self.session.gaps.last_mut() {
            Some(gap) if gap.next.is_none() && gap.first < first => {
                gap.next = Some(first);
                true
            }
            // The records came after all: there is no gap.
            Some(gap) if gap.next.is_none() && gap.first == first => {
                self.session.gaps.pop();
                false
            }
            _ => false,
        }
    }

    fn close(&mut self, close: Close) {
        let found = self.session.records_len();
        if close.records != found {
            self.find(Flaw::CloseCount { stated: close.records, found });
        }
        if <[u8; 32]>::from(Sha256::digest(&self.session.stream)) != close.stream_sha256 {
            self.find(Flaw::CloseHash);
        }
        let ended = self.session.records().filter(|(_, _, record)| matches!(record, Record::End(_))).last();
        if let Why::Ended(reason) = close.why
            && !matches!(ended, Some((_, _, Record::End(ended))) if ended == reason)
        {
            self.find(Flaw::CloseReason);
        }
        self.session.close = Some(close);
    }
}

/// The value in these bytes and no others behind it.
fn exactly<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}
