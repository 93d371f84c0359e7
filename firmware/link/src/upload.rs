//! A program or a rig on its way to the device: cut into commands on one side ([`Uploader`]), put together and proven
//! whole on the other ([`Assembling`]). Knows nothing of what the bytes mean; `check` and the rig's own tests come after.

use sha2::{Digest, Sha256};

use crate::message::{Answer, Command, PIECE_BYTES, Refusal, Upload};

/// Cuts bytes into the commands that upload them, one after the other.
#[derive(Debug, Clone)]
pub struct Uploader<'a> {
    what: Upload,
    bytes: &'a [u8],
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Piece(usize),
    Done,
}

impl<'a> Uploader<'a> {
    /// An upload of these bytes: a rig in postcard, or a program's words in little-endian order.
    #[must_use]
    pub const fn new(what: Upload, bytes: &'a [u8]) -> Self {
        Self { what, bytes, step: Step::Begin }
    }

    /// Bytes that were handed out, and bytes in all.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let all = self.bytes.len();
        match self.step {
            Step::Begin => (0, all),
            Step::Piece(offset) => (offset, all),
            Step::Done => (all, all),
        }
    }
}

/// The next command, to be sent when the one before is answered with [`Answer::Done`]; none after the last.
impl Iterator for Uploader<'_> {
    type Item = Command;

    fn next(&mut self) -> Option<Command> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        match self.step {
            Step::Begin => {
                self.step = Step::Piece(0);
                Some(Command::Begin { what: self.what, bytes: length, hash: Sha256::digest(self.bytes).into() })
            }
            Step::Piece(offset) if offset < self.bytes.len() => {
                let rest = self.bytes.get(offset..).unwrap_or(&[]);
                let piece = rest.get(..PIECE_BYTES).unwrap_or(rest);
                self.step = Step::Piece(offset + piece.len());
                let bytes = heapless::Vec::from_slice(piece).unwrap_or_default();
                Some(Command::Piece { offset: u32::try_from(offset).unwrap_or(u32::MAX), bytes })
            }
            Step::Piece(_) => {
                self.step = Step::Done;
                Some(Command::Finish)
            }
            Step::Done => None,
        }
    }
}

/// Where an upload is put together.
pub trait Store {
    /// Bytes it holds.
    fn capacity(&self) -> usize;
    /// The bytes an upload's length must be a multiple of.
    fn grain(&self) -> usize;
    /// Writes `bytes` at `offset`; whatever lies past the end is left out.
    fn put(&mut self, offset: usize, bytes: &[u8]);
}

impl Store for [u8] {
    fn capacity(&self) -> usize {
        self.len()
    }
    fn grain(&self) -> usize {
        1
    }
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        for (slot, byte) in self.iter_mut().skip(offset).zip(bytes) {
            *slot = *byte;
        }
    }
}

/// Program words; bytes lie in them in little-endian order whatever the machine.
impl Store for [u32] {
    fn capacity(&self) -> usize {
        self.len().saturating_mul(4)
    }
    fn grain(&self) -> usize {
        4
    }
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        for (at, byte) in (offset..).zip(bytes) {
            if let Some(word) = self.get_mut(at / 4) {
                let shift = 8 * (at % 4);
                *word = (*word & !(0xFF << shift)) | (u32::from(*byte) << shift);
            }
        }
    }
}

/// An upload being put together. The store stays with the caller, who hands the same one to each call.
///
/// Each piece is hashed as it arrives: all of a long program at once would hold the device's lowest level for longer
/// than its watchdog waits.
#[derive(Debug, Clone)]
pub struct Assembling {
    what: Upload,
    length: usize,
    hash: [u8; 32],
    filled: usize,
    hashed: Sha256,
}

impl Assembling {
    /// Begins an upload into `store`.
    ///
    /// # Errors
    /// [`Refusal::BadLength`] if it is empty, does not fit, or is no whole number of words where words are needed.
    pub fn begin<S: Store + ?Sized>(what: Upload, bytes: u32, hash: [u8; 32], store: &S) -> Result<Self, Refusal> {
        let length = usize::try_from(bytes).map_err(|_| Refusal::BadLength)?;
        if length == 0 || length > store.capacity() || !length.is_multiple_of(store.grain()) {
            return Err(Refusal::BadLength);
        }
        Ok(Self { what, length, hash, filled: 0, hashed: Sha256::new() })
    }

    /// What is uploaded.
    #[must_use]
    pub const fn what(&self) -> Upload {
        self.what
    }

    /// Its whole length in bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Takes a piece. One that was taken before does no harm.
    ///
    /// # Errors
    /// [`Refusal::BadPiece`] if it leaves a gap behind the pieces before it or reaches past the announced length.
    pub fn piece<S: Store + ?Sized>(&mut self, offset: u32, bytes: &[u8], store: &mut S) -> Result<(), Refusal> {
        let start = usize::try_from(offset).map_err(|_| Refusal::BadPiece)?;
        let end = start.checked_add(bytes.len()).ok_or(Refusal::BadPiece)?;
        let Some(known) = self.filled.checked_sub(start).filter(|_| end <= self.length) else {
            return Err(Refusal::BadPiece);
        };
        // What was taken before stays as it was hashed.
        let new = bytes.get(known..).unwrap_or(&[]);
        store.put(self.filled, new);
        self.hashed.update(new);
        self.filled += new.len();
        Ok(())
    }

    /// Proves the upload whole; what it is then lies in the first [`Assembling::length`] bytes of the store.
    ///
    /// # Errors
    /// [`Refusal::BadPiece`] if bytes are missing, [`Refusal::BadHash`] if they are not those that were announced.
    pub fn finish(&self) -> Result<(), Refusal> {
        if self.filled != self.length {
            Err(Refusal::BadPiece)
        } else if <[u8; 32]>::from(self.hashed.clone().finalize()) != self.hash {
            Err(Refusal::BadHash)
        } else {
            Ok(())
        }
    }

    /// The hash that was announced, and once [`Assembling::finish`] has said so, that of what arrived.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// The answer that says how a step went.
impl From<Result<(), Refusal>> for Answer {
    fn from(result: Result<(), Refusal>) -> Self {
        result.map_or_else(Self::Refused, |()| Self::Done)
    }
}
