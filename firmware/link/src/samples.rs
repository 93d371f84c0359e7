//! Samples of a line in few bytes: the first as it is, each further one as its difference from the one before. A difference
//! below 64 takes one byte, so a line at rest costs little more than a byte a sample. Nothing is lost: what was sampled
//! comes out again.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a block at most: with [`crate::record::Entry`]'s own, about 1.25 bytes a sample of a line at rest;
/// no longer than the longest other record in memory.
pub const BLOCK_BYTES: usize = 36;
/// Bits of a byte that carry a number; the highest says that more follow.
const BITS: u32 = 7;
/// Bytes the longest difference takes.
const LONGEST: usize = 5;

/// Samples of one line, one behind the other. Never empty once it was read from a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SampleBlock {
    used: u8,
    bytes: [u8; BLOCK_BYTES],
}

impl SampleBlock {
    const EMPTY: Self = Self { used: 0, bytes: [0; BLOCK_BYTES] };

    /// A block of the first of these samples, as many as fit.
    #[must_use]
    pub fn of(raws: &[i32]) -> Self {
        let mut writer = BlockWriter::new();
        let _ = raws.iter().take_while(|raw| writer.push(**raw)).count();
        writer.block
    }

    /// The samples, as they were put in.
    pub fn samples(&self) -> impl Iterator<Item = i32> {
        Unpacked { bytes: self.bytes, next: 0, used: self.used.into(), last: 0 }
    }

    /// The bytes that hold them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.used.into()).unwrap_or_default()
    }

    /// A block of these bytes, if they are one.
    fn from_bytes(found: &[u8]) -> Option<Self> {
        let mut block = Self::EMPTY;
        block.bytes.get_mut(..found.len())?.copy_from_slice(found);
        block.used = found.len() as u8;
        // As they would be written again: samples have one spelling.
        let mut again = BlockWriter::new();
        for raw in block.samples() {
            again.push(raw);
        }
        (again.block == block && block.used > 0).then_some(block)
    }
}

/// A block being filled.
#[derive(Debug, Clone, Copy)]
pub struct BlockWriter {
    block: SampleBlock,
    last: i32,
}

impl BlockWriter {
    /// A block without samples.
    #[must_use]
    pub const fn new() -> Self {
        Self { block: SampleBlock::EMPTY, last: 0 }
    }

    /// Puts a sample behind the others; false if there is no room for it, and then nothing has changed.
    pub fn push(&mut self, raw: i32) -> bool {
        let difference = raw.wrapping_sub(self.last);
        // The sign goes into the lowest bit, so that small differences to either side are small numbers.
        let mut rest = ((difference << 1) ^ (difference >> 31)).cast_unsigned();
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        for byte in &mut bytes {
            length += 1;
            let more = rest >> BITS != 0;
            *byte = (rest & 0x7F) as u8 | if more { 0x80 } else { 0 };
            rest >>= BITS;
            if !more {
                break;
            }
        }
        let from = usize::from(self.block.used);
        let (Some(room), Some(bytes)) = (self.block.bytes.get_mut(from..from + length), bytes.get(..length)) else {
            return false;
        };
        room.copy_from_slice(bytes);
        self.block.used += length as u8;
        self.last = raw;
        true
    }

    /// The block so far, which begins anew; none if it holds no sample.
    pub fn take(&mut self) -> Option<SampleBlock> {
        let full = core::mem::take(self).block;
        (full.used > 0).then_some(full)
    }
}

impl Default for BlockWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for SampleBlock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.samples()).finish()
    }
}

/// Samples being taken out of their bytes; ends at bytes that are no sample.
struct Unpacked {
    bytes: [u8; BLOCK_BYTES],
    next: usize,
    used: usize,
    last: i32,
}

impl Iterator for Unpacked {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        let mut number = 0_u32;
        let bytes = self.bytes.get(self.next..self.used)?;
        for (n, byte) in bytes.iter().take(LONGEST).enumerate() {
            number |= u32::from(byte & 0x7F).wrapping_shl(BITS * n as u32);
            if byte & 0x80 == 0 {
                self.next += n + 1;
                let difference = (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
                self.last = self.last.wrapping_add(difference);
                return Some(self.last);
            }
        }
        None
    }
}

impl Serialize for SampleBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for SampleBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = SampleBlock;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("samples and their differences")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SampleBlock, E> {
                SampleBlock::from_bytes(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_line_at_rest_takes_a_byte_a_sample() {
        let mut writer = BlockWriter::new();
        let held = (0..).take_while(|n| writer.push(2_000 + n % 5)).count();
        assert_eq!(held, BLOCK_BYTES - 1, "the first takes two");
        assert_eq!(writer.take().unwrap().samples().count(), held);
        assert_eq!(writer.take(), None);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let read = |bytes: &[u8]| SampleBlock::from_bytes(bytes).map(|block| block.samples().collect::<Vec<_>>());
        assert_eq!(read(&[2, 1, 0]), Some(std::vec![1, 0, 0]));
        assert_eq!(read(&[]), None, "no samples");
        assert_eq!(read(&[2, 0x80]), None, "the last one is cut off");
        assert_eq!(read(&[0x82, 0]), None, "longer than it need be");
        assert_eq!(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]), None, "a number of more than 32 bits");
        assert_eq!(read(&[0; BLOCK_BYTES + 1]), None, "longer than a block");
    }

    proptest! {
        #[test]
        fn what_was_sampled_comes_out_again(raws in prop::collection::vec(any::<i32>(), 1..60)) {
            let block = SampleBlock::of(&raws);
            let held: Vec<i32> = block.samples().collect();
            prop_assert!(held.len() >= raws.len().min(BLOCK_BYTES / LONGEST));
            prop_assert_eq!(&held, raws.get(..held.len()).unwrap());
            let mut bytes = [0; BLOCK_BYTES + 1];
            let written = postcard::to_slice(&block, &mut bytes).unwrap();
            prop_assert_eq!(postcard::from_bytes::<SampleBlock>(written).unwrap(), block);
        }
    }
}
