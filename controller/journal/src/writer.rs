//! Appends to a journal. Owns what is buffered, what is whole and what is durable, and never says more than is true.
//! Knows nothing of what records mean, only that they can be read back and follow one another.
//!
//! Device records are gathered into blocks of about [`GATHER_BYTES`], fewer whenever [`Writer::sync`] or a note comes
//! between; each block is one write. After a failed write the file is cut back to its last whole block and the writer
//! takes nothing more: after a failed `fsync` nobody knows what the disk holds, so nothing later could be called durable.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use link::Micros;
use link::record::{ENTRY_BYTES_MAX, Reader, RecordError};
use sha2::{Digest, Sha256};

use crate::block::{self, Chain, Kind, PAYLOAD_BYTES_MAX};
use crate::contents::{Close, Header, Note, NoteKind, Why};
use crate::reader::Session;
use crate::storage::{Storage, UnderWay};

/// Entry bytes that are gathered before a block is written.
pub const GATHER_BYTES: usize = 32 * 1024;

/// A journal being written.
#[derive(Debug)]
pub struct Writer<S: Storage = File> {
    storage: S,
    chain: Chain,
    /// Bytes of the storage that end with a whole block.
    whole: u64,
    /// Whether there is a record.
    begun: bool,
    /// The number the next record must have, and the time it is measured from.
    next: u64,
    last: Micros,
    /// Whether a noted gap lies before the next record: it may then be measured from any time.
    after_gap: bool,
    /// Records so far.
    records: u64,
    durable: u64,
    under_way: Option<UnderWay>,
    gathered: Gathered,
    stream: Sha256,
    frame: Vec<u8>,
    broken: bool,
}

#[derive(Debug, Default)]
struct Gathered {
    first: u64,
    base: Micros,
    count: u64,
    entries: Vec<u8>,
}

/// What a closed journal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Records in it.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a journal could not be begun.
#[derive(Debug)]
pub enum CreateError {
    /// There is a file of that name, and journals are never overwritten.
    Exists(PathBuf),
    /// The folder is not there.
    NoFolder(PathBuf),
    /// The folder does not let us write.
    Denied(PathBuf),
    /// The header is longer than a block can be.
    HeaderTooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// The file could not be written.
    Io(PathBuf, Error),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => {
                write!(
                    f,
                    "{} is already there, and a journal is never overwritten; choose another name",
                    path.display()
                )
            }
            Self::NoFolder(path) => {
                write!(f, "the folder of {} is not there; make it, or choose another with --out", path.display())
            }
            Self::Denied(path) => write!(
                f,
                "{} cannot be written: permission denied; change the folder's permissions or choose another with --out",
                path.display()
            ),
            Self::HeaderTooLong { bytes } => write!(
                f,
                "protocol, rig and program together take {bytes} bytes; {PAYLOAD_BYTES_MAX} is the most a journal's header holds"
            ),
            Self::Io(path, error) if error.kind() == ErrorKind::StorageFull => {
                write!(f, "{} cannot be written: the disk is full", path.display())
            }
            Self::Io(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
        }
    }
}

impl std::error::Error for CreateError {}

/// Why something was not appended. After [`WriteError::Io`] the writer takes nothing more; after the others it is as
/// it was before the call.
#[derive(Debug)]
pub enum WriteError {
    /// The records do not follow the last.
    Gap {
        /// The number that should come next.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The records are not measured from the last.
    Base {
        /// The time of the last record, in µs.
        expected: Micros,
        /// The time they are measured from, in µs.
        found: Micros,
    },
    /// The bytes are not as many records as was said.
    Count {
        /// Records they should be.
        expected: u64,
        /// Records they are.
        found: u64,
    },
    /// The bytes hold something that is no record.
    Record(RecordError),
    /// More bytes at once than a block can hold.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The storage failed. Everything before record `durable` is safe.
    Io {
        /// The number of the first record that is not durable.
        durable: u64,
        /// What the storage said.
        error: Error,
    },
    /// The storage failed earlier.
    Broken {
        /// The number of the first record that is not durable.
        durable: u64,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, found } => write!(f, "record {found} came where record {expected} should follow"),
            Self::Base { expected, found } => {
                write!(f, "records measured from {found} µs came behind a record at {expected} µs")
            }
            Self::Count { expected, found } => write!(f, "{found} records came where {expected} were announced"),
            Self::Record(error) => write!(f, "what came is not a record: {error}"),
            Self::TooLong { bytes } => {
                write!(f, "{bytes} bytes came at once; {PAYLOAD_BYTES_MAX} is the most a block of a journal holds")
            }
            Self::Io { durable, error } if error.kind() == ErrorKind::StorageFull => {
                write!(f, "the disk is full; the journal is safe up to record {durable} (not included)")
            }
            Self::Io { durable, error } => {
                write!(f, "the journal cannot be written: {error}; it is safe up to record {durable} (not included)")
            }
            Self::Broken { durable } => write!(
                f,
                "the journal could not be written earlier and takes nothing more; it is safe up to record {durable} (not included)"
            ),
        }
    }
}

impl std::error::Error for WriteError {}

impl Writer<File> {
    /// Begins a journal at `path`. When this returns, the file and its header are durable.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self, CreateError> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => CreateError::Exists(path.into()),
            ErrorKind::NotFound | ErrorKind::NotADirectory => CreateError::NoFolder(path.into()),
            ErrorKind::PermissionDenied => CreateError::Denied(path.into()),
            _ => CreateError::Io(path.into(), error),
        })?;
        // Whoever would resume a session that is still being written finds the file taken. Not every file system can lock.
        drop(file.try_lock());
        let begun = Self::begin(file, header).map_err(|error| match error {
            CreateError::Io(_, error) => CreateError::Io(path.into(), error),
            other => other,
        });
        if begun.is_err() {
            // Nothing was recorded: an empty journal would only stand in the way of the next attempt.
            drop(std::fs::remove_file(path));
            return begun;
        }
        sync_folder(path).map_err(|error| CreateError::Io(path.into(), error))?;
        begun
    }
}

/// A new file's name is durable once its folder is.
fn sync_folder(path: &Path) -> Result<(), Error> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl<S: Storage> Writer<S> {
    /// Goes on with the journal that `session` was read from and that `storage` holds, behind its last whole block.
    pub(crate) fn continued(mut storage: S, session: &Session) -> Result<Self, Error> {
        storage.cut(session.whole)?;
        storage.sync()?;
        let next = session.next();
        let mut stream = Sha256::new();
        stream.update(session.stream());
        Ok(Self {
            storage,
            chain: session.chain,
            whole: session.whole,
            begun: next.is_some(),
            next: next.map_or(0, |(number, _)| number),
            last: next.map_or(0, |(_, last)| last),
            after_gap: false,
            records: session.records_len(),
            durable: next.map_or(0, |(number, _)| number),
            under_way: None,
            gathered: Gathered::default(),
            stream,
            frame: Vec::new(),
            broken: false,
        })
    }

    /// Begins a journal on empty storage. When this returns, the header is durable.
    ///
    /// # Errors
    /// When the header is too long or the storage fails.
    pub fn begin(storage: S, header: &Header) -> Result<Self, CreateError> {
        let no_path = |error| CreateError::Io(PathBuf::from("the journal"), error);
        let payload = header.to_bytes().map_err(|error| no_path(Error::other(error)))?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(CreateError::HeaderTooLong { bytes: payload.len() });
        }
        let mut writer = Self {
            storage,
            chain: Chain::origin(),
            whole: 0,
            begun: false,
            next: 0,
            last: 0,
            after_gap: false,
            records: 0,
            durable: 0,
            under_way: None,
            gathered: Gathered::default(),
            stream: Sha256::new(),
            frame: block::file_header().to_vec(),
            broken: false,
        };
        writer.put(Kind::Header, &payload).map_err(no_path)?;
        writer.storage.sync().map_err(no_path)?;
        Ok(writer)
    }

    /// Appends `count` records in `entries`, the bytes as the device sent them. The first has number `first` and is
    /// measured from `base_us`: the time of the record before it, or the start of the stream. The first call decides
    /// the number the stream starts with. The records are kept in memory until a block is full or [`Self::sync`] comes.
    ///
    /// # Errors
    /// When they do not follow the last record, are not records, or the storage fails.
    pub fn append_device(&mut self, first: u64, base_us: Micros, count: u64, entries: &[u8]) -> Result<(), WriteError> {
        self.must_work()?;
        if self.begun && first != self.next {
            return Err(WriteError::Gap { expected: self.next, found: first });
        }
        if self.begun && !self.after_gap && base_us != self.last {
            return Err(WriteError::Base { expected: self.last, found: base_us });
        }
        if entries.len() > PAYLOAD_BYTES_MAX - GATHER_BYTES {
            return Err(WriteError::TooLong { bytes: entries.len() });
        }
        let (found, last) = count_records(base_us, entries).map_err(WriteError::Record)?;
        if found != count {
            return Err(WriteError::Count { expected: count, found });
        }
        if count == 0 {
            return Ok(());
        }
        if !self.begun {
            self.begun = true;
            self.durable = first;
        }
        if self.gathered.count == 0 {
            self.gathered.first = first;
            self.gathered.base = base_us;
        }
        self.gathered.count += count;
        self.gathered.entries.extend_from_slice(entries);
        self.next = first.saturating_add(count);
        self.last = last;
        self.after_gap = false;
        self.records = self.records.saturating_add(count);
        if self.gathered.entries.len() >= GATHER_BYTES { self.write_gathered() } else { Ok(()) }
    }

    /// Appends a note behind the records so far. Like records, it is durable after the next [`Self::sync`].
    ///
    /// # Errors
    /// When the storage fails.
    pub fn note(&mut self, note: &Note) -> Result<(), WriteError> {
        self.must_work()?;
        let payload = postcard::to_stdvec(note).map_err(|error| self.failed(Error::other(error)))?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(WriteError::TooLong { bytes: payload.len() });
        }
        self.write_gathered()?;
        self.append(Kind::Note, &payload)
    }

    /// Notes that the records from the next number up to `next`, not included, are missing for good, and goes on behind
    /// them. `wall_ms` is the note's. Like records, the note is durable after the next [`Self::sync`].
    ///
    /// # Errors
    /// When `next` lies before the next number, or the storage fails.
    pub fn skip_to(&mut self, next: u64, wall_ms: Option<i64>) -> Result<(), WriteError> {
        if next < self.next {
            return Err(WriteError::Gap { expected: self.next, found: next });
        }
        let device_us = (self.records > 0).then_some(self.last);
        self.note(&Note { wall_ms, device_us, kind: NoteKind::Interrupted { first_unknown: self.next } })?;
        (self.next, self.begun, self.after_gap) = (next, true, true);
        Ok(())
    }

    /// Makes everything appended so far durable. Returns the number of the first record that is not, which is the
    /// number the next record will have.
    ///
    /// # Errors
    /// When the storage fails; the error says what is durable.
    pub fn sync(&mut self) -> Result<u64, WriteError> {
        self.must_work()?;
        self.write_gathered()?;
        if let Some(under_way) = self.under_way.take() {
            under_way.end().map_err(|error| self.failed(error))?;
        }
        self.storage.sync().map_err(|error| self.failed(error))?;
        self.durable = self.next;
        Ok(self.durable)
    }

    /// Begins to make durable what was appended, and does not wait for it if the storage can do so; [`Self::poll_sync`] tells.
    /// One that is under way goes on alone.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn begin_sync(&mut self) -> Result<(), WriteError> {
        self.must_work()?;
        if self.under_way.is_some() {
            return Ok(());
        }
        self.write_gathered()?;
        self.under_way = self.storage.sync_apart().and_then(|work| UnderWay::begin(self.next, work));
        if self.under_way.is_none() { self.sync().map(drop) } else { Ok(()) }
    }

    /// The number of the first record that is not durable, as far as what was begun is over.
    ///
    /// # Errors
    /// When the storage failed.
    pub fn poll_sync(&mut self) -> Result<u64, WriteError> {
        if let Some(over) = self.under_way.take_if(|under_way| under_way.is_over()) {
            let next = over.next;
            over.end().map_err(|error| self.failed(error))?;
            self.durable = next;
        }
        Ok(self.durable)
    }

    /// Whether a sync is under way.
    #[must_use]
    pub const fn is_syncing(&self) -> bool {
        self.under_way.is_some()
    }

    /// The number of the first record that is not durable: true at all times, also after a failure.
    #[must_use]
    pub const fn durable(&self) -> u64 {
        self.durable
    }

    /// The number the next record must have; 0 before the first.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Bytes of the file that end with a whole block.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.whole
    }

    /// Closes the journal: with its count and hash in place, anything taken from it later can be found.
    ///
    /// # Errors
    /// When the storage fails; the journal then reads as interrupted.
    pub fn close(mut self, why: Why) -> Result<Closed, WriteError> {
        self.must_work()?;
        self.write_gathered()?;
        let close = Close { why, records: self.records, stream_sha256: self.stream.clone().finalize().into() };
        let payload = postcard::to_stdvec(&close).map_err(|error| self.failed(Error::other(error)))?;
        self.append(Kind::Close, &payload)?;
        self.sync()?;
        Ok(Closed { records: self.records, bytes: self.whole })
    }

    fn must_work(&self) -> Result<(), WriteError> {
        if self.broken { Err(WriteError::Broken { durable: self.durable }) } else { Ok(()) }
    }

    fn write_gathered(&mut self) -> Result<(), WriteError> {
        if self.gathered.count == 0 {
            return Ok(());
        }
        let Gathered { first, base, count, entries } = std::mem::take(&mut self.gathered);
        let mut payload =
            postcard::to_stdvec(&(first, base, count)).map_err(|error| self.failed(Error::other(error)))?;
        payload.extend_from_slice(&entries);
        self.stream.update(&entries);
        self.append(Kind::Device, &payload)
    }

    fn append(&mut self, kind: Kind, payload: &[u8]) -> Result<(), WriteError> {
        self.put(kind, payload).map_err(|error| self.failed(error))
    }

    fn put(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error> {
        let chain = block::write(&mut self.frame, self.chain, kind, payload);
        self.storage.write_all(&self.frame)?;
        self.chain = chain;
        self.whole += self.frame.len() as u64;
        self.frame.clear();
        Ok(())
    }

    /// Leaves whole blocks behind, as far as the storage lets us; a torn block is told apart when the file is read.
    fn failed(&mut self, error: Error) -> WriteError {
        self.broken = true;
        drop(self.storage.cut(self.whole).and_then(|()| self.storage.sync()));
        WriteError::Io { durable: self.durable, error }
    }
}

/// How many records the bytes hold, and the time of the last. A record has one spelling: one that could be written in
/// fewer bytes was not written by a device, and counts as malformed.
pub(crate) fn count_records(base_us: Micros, entries: &[u8]) -> Result<(u64, Micros), RecordError> {
    let (mut reader, mut rest, mut count) = (Reader::new(base_us), entries, 0);
    let mut speller = link::record::Writer::new(base_us);
    while !rest.is_empty() {
        let (at, record, behind) = reader.read(rest)?;
        if speller.write(at, &record, &mut [0; ENTRY_BYTES_MAX]).len() != rest.len() - behind.len() {
            return Err(RecordError::Malformed);
        }
        rest = behind;
        count += 1;
    }
    Ok((count, reader.last()))
}
