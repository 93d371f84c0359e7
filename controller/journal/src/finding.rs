//! What can be found wrong with a journal, and where. Plain data with sentences; finds nothing itself.

use std::fmt;

use link::record::RecordError;

/// A place in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The block, counted from 0, the header's.
    pub block: u64,
    /// Its first byte in the file.
    pub offset: u64,
    /// The number of the first record that stands, or would stand, at this place.
    pub record: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub flaw: Flaw,
}

/// What is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The block's checksum does not fit its bytes; its contents are not used.
    Damaged,
    /// What stands here is no block; it and all behind it is not used.
    Garbage {
        /// How many bytes that is.
        bytes: u64,
    },
    /// The block does not hang on the one before: it was changed, or a neighbour was taken out or put in.
    Chain,
    /// The block is whole and its contents are not what its kind holds.
    Contents,
    /// A record in the block cannot be read; the block's records are not used.
    Record(RecordError),
    /// The block does not hold as many records as it says.
    Count {
        /// Records it says it holds.
        stated: u64,
        /// Records it holds.
        found: u64,
    },
    /// Records are missing, or stand twice, before this block.
    Gap {
        /// The number that should come next.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// The block's records are not measured from the record before.
    Base {
        /// The time of the record before, in µs.
        expected: u64,
        /// The time the block is measured from, in µs.
        found: u64,
    },
    /// A second header.
    SecondHeader,
    /// The journal was closed before this block.
    AfterClose,
    /// The close speaks of another number of records.
    CloseCount {
        /// Records it speaks of.
        stated: u64,
        /// Records there are.
        found: u64,
    },
    /// The close speaks of another device stream.
    CloseHash,
    /// The close says how the session ended, and the last record does not.
    CloseReason,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { block, offset, record } = self.place;
        write!(f, "block {block} (byte {offset}, at record {record}): {}", self.flaw)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => write!(f, "its bytes do not fit their checksum; it was damaged on the disk or changed"),
            Self::Garbage { bytes } => write!(f, "{bytes} bytes from here on are no block of a journal"),
            Self::Chain => write!(f, "it does not follow from the block before; one of them was changed or is missing"),
            Self::Contents => write!(f, "its contents cannot be read"),
            Self::Record(error) => write!(f, "{error}"),
            Self::Count { stated, found } => write!(f, "it says it holds {stated} records and holds {found}"),
            Self::Gap { expected, found } if found > expected => {
                write!(f, "records {expected} to {} are missing", found - 1)
            }
            Self::Gap { expected, found } => write!(f, "record {found} comes where record {expected} should"),
            Self::Base { expected, found } => {
                write!(f, "its times are measured from {found} µs; the record before lies at {expected} µs")
            }
            Self::SecondHeader => write!(f, "a journal has one header, and this is another"),
            Self::AfterClose => write!(f, "the journal was closed before this block"),
            Self::CloseCount { stated, found } => {
                write!(f, "the journal was closed with {stated} records and now holds {found}")
            }
            Self::CloseHash => write!(f, "the device's records are not the ones the journal was closed with"),
            Self::CloseReason => write!(f, "the close says the session ended, and the last record does not"),
        }
    }
}
