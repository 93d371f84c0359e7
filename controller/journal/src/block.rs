//! How a journal lies in its file: a file header, then blocks. Owns every byte that is not payload; knows nothing of
//! what payloads mean, and does no input or output.
//!
//! ```text
//! file   magic (8)  format (u16)  CRC-16 of these ten (u16)
//! block  payload length (u32)  kind (u8)  CRC-16 of these five (u16)
//!        payload
//!        chain (16)  CRC-32 of all of the block before it (u32)
//! ```
//! All numbers little-endian; [`OVERHEAD_BYTES`] a block.
//!
//! **The chain** is SHA-256 over the chain value before, the kind and the payload, cut to its first 16 bytes; the first
//! link hangs on the file header. It shows that something was changed, taken out or put in, not by whom: it holds no
//! key, and whoever rewrites a file can compute it again, which is what replay is for. Against finding another payload
//! for a given value, 16 bytes are 2¹²⁸ tries, and half the overhead of 32.
//!
//! **The checksums** tell accidents apart: a block that ends early under a sound head was torn by a crash; a head or
//! body that fails its own was damaged; one that passes with the wrong chain was rewritten or has lost a neighbour.

use crc::{CRC_16_IBM_3740, CRC_32_ISO_HDLC, Crc};
use sha2::{Digest, Sha256};

/// The first bytes of every journal: not text, and broken by anything that rewrites line ends.
pub const MAGIC: [u8; 8] = *b"\x89NPJ\r\n\x1a\n";
/// The format this build reads and writes.
pub const FORMAT: u16 = 1;
/// Bytes before the first block.
pub const FILE_HEADER_BYTES: usize = 12;
/// Bytes of a block before its payload.
pub const HEAD_BYTES: usize = 7;
/// Bytes of a block behind its payload.
pub const FOOT_BYTES: usize = CHAIN_BYTES + 4;
/// Bytes a block takes besides its payload.
pub const OVERHEAD_BYTES: usize = HEAD_BYTES + FOOT_BYTES;
/// Bytes kept of each link of the chain.
pub const CHAIN_BYTES: usize = 16;
/// The longest payload that is written or believed, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);
const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A [`crate::Header`]; the first block and no other.
    Header = b'H',
    /// Records as the device sent them.
    Device = b'D',
    /// A [`crate::Note`].
    Note = b'N',
    /// A [`crate::Close`]; the last block.
    Close = b'C',
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Header, Self::Device, Self::Note, Self::Close].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// One link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain(pub [u8; CHAIN_BYTES]);

impl Chain {
    /// What the first block hangs on: the file header.
    #[must_use]
    pub fn origin() -> Self {
        Self::cut(&Sha256::digest(file_header()))
    }

    /// The link of a block that follows this one.
    #[must_use]
    pub fn next(self, kind: u8, payload: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(self.0);
        sha.update([kind]);
        sha.update(payload);
        Self::cut(&sha.finalize())
    }

    fn cut(hash: &[u8]) -> Self {
        let mut kept = [0; CHAIN_BYTES];
        for (slot, byte) in kept.iter_mut().zip(hash) {
            *slot = *byte;
        }
        Self(kept)
    }
}

/// The bytes every journal of this format begins with.
#[must_use]
pub fn file_header() -> [u8; FILE_HEADER_BYTES] {
    let [a, b, c, d, e, f, g, h] = MAGIC;
    let [low, high] = FORMAT.to_le_bytes();
    let [sum_low, sum_high] = CRC16.checksum(&[a, b, c, d, e, f, g, h, low, high]).to_le_bytes();
    [a, b, c, d, e, f, g, h, low, high, sum_low, sum_high]
}

/// Why the first bytes are not those of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileHeaderError {
    /// There are fewer than a file header's.
    Short,
    /// They are not the magic.
    Magic,
    /// They are the magic, and damaged behind it.
    Damaged,
    /// The format is another than [`FORMAT`].
    Format(u16),
}

/// Looks at the first bytes of a file; returns what stands behind them.
///
/// # Errors
/// When they are not those of a journal that this build reads.
pub fn open(bytes: &[u8]) -> Result<&[u8], FileHeaderError> {
    let (head, rest) = bytes.split_first_chunk::<FILE_HEADER_BYTES>().ok_or(FileHeaderError::Short)?;
    let [magic @ .., low, high, sum_low, sum_high] = *head;
    if magic != MAGIC {
        return Err(FileHeaderError::Magic);
    }
    if CRC16.checksum(&head[..FILE_HEADER_BYTES - 2]) != u16::from_le_bytes([sum_low, sum_high]) {
        return Err(FileHeaderError::Damaged);
    }
    match u16::from_le_bytes([low, high]) {
        FORMAT => Ok(rest),
        other => Err(FileHeaderError::Format(other)),
    }
}

/// Appends a whole block to `out` and returns its link. The caller keeps payloads below [`PAYLOAD_BYTES_MAX`].
pub fn write(out: &mut Vec<u8>, before: Chain, kind: Kind, payload: &[u8]) -> Chain {
    let start = out.len();
    let chain = before.next(kind as u8, payload);
    let [a, b, c, d] = (payload.len() as u32).to_le_bytes();
    out.extend_from_slice(&[a, b, c, d, kind as u8]);
    out.extend_from_slice(&CRC16.checksum(&[a, b, c, d, kind as u8]).to_le_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(&chain.0);
    let sum = CRC32.checksum(out.get(start..).unwrap_or(&[]));
    out.extend_from_slice(&sum.to_le_bytes());
    chain
}

/// A block whose checksums hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'b> {
    /// What it holds.
    pub kind: Kind,
    /// Its payload.
    pub payload: &'b [u8],
    /// Its link, as stored.
    pub chain: Chain,
    /// What follows it.
    pub rest: &'b [u8],
}

/// Why bytes are no sound block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockError<'b> {
    /// They end before the block does, and were sound so far.
    Torn,
    /// They do not begin with a block's head; where the next block begins cannot be known.
    Head,
    /// The head is sound and the rest is not.
    Body {
        /// The link as stored, for the block behind to hang on.
        chain: Chain,
        /// What follows the block.
        rest: &'b [u8],
    },
}

/// Takes one block off the front of `bytes`.
///
/// # Errors
/// When there is no sound block.
pub fn take(bytes: &[u8]) -> Result<Block<'_>, BlockError<'_>> {
    let (head, behind) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(BlockError::Torn)?;
    let [a, b, c, d, kind, sum_low, sum_high] = *head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if CRC16.checksum(&[a, b, c, d, kind]) != u16::from_le_bytes([sum_low, sum_high]) || length > PAYLOAD_BYTES_MAX {
        return Err(BlockError::Head);
    }
    let kind = Kind::from_byte(kind).ok_or(BlockError::Head)?;
    let (payload, behind) = behind.split_at_checked(length).ok_or(BlockError::Torn)?;
    let (chain, behind) = behind.split_first_chunk::<CHAIN_BYTES>().ok_or(BlockError::Torn)?;
    let (sum, rest) = behind.split_first_chunk::<4>().ok_or(BlockError::Torn)?;
    let chain = Chain(*chain);
    let summed = bytes.get(..HEAD_BYTES + length + CHAIN_BYTES).unwrap_or(&[]);
    if CRC32.checksum(summed) != u32::from_le_bytes(*sum) {
        return Err(BlockError::Body { chain, rest });
    }
    Ok(Block { kind, payload, chain, rest })
}
