//! Frames: how a message lies in a stream of bytes so that noise costs one frame and never makes a wrong one.
//!
//! `COBS(payload + CRC-32/ISCSI of it, little-endian) 0x00`. A zero byte stands only between frames, so whatever was
//! lost or garbled, the next zero starts afresh. Knows nothing of what the payload says.

use crc::{CRC_32_ISCSI, Crc};

/// The longest payload of one frame, in bytes.
pub const MAX_PAYLOAD: usize = 256;
/// The longest frame on the wire, in bytes: payload, four bytes of CRC, two of COBS and the closing zero.
pub const MAX_FRAME: usize = MAX_PAYLOAD + CRC_BYTES + 2 + 1;

const CRC_BYTES: usize = 4;
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// CRC-32/ISCSI (Castagnoli), as every frame carries it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Writes one frame around `payload`; the bytes used. None if the payload is empty or longer than [`MAX_PAYLOAD`], or
/// if `out` is too short: [`MAX_FRAME`] is always enough.
#[must_use]
pub fn seal(payload: &[u8], out: &mut [u8]) -> Option<usize> {
    if payload.is_empty() || payload.len() > MAX_PAYLOAD {
        return None;
    }
    let mut encoder = cobs::CobsEncoder::new(out);
    encoder.push(payload).ok()?;
    encoder.push(&checksum(payload).to_le_bytes()).ok()?;
    let used = encoder.finalize();
    *out.get_mut(used)? = 0;
    Some(used + 1)
}

/// Frames that were heard and thrown away, by what was wrong with them. Each count stays at its highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BadFrames {
    /// The checksum, or the COBS code, did not fit.
    pub garbled: u32,
    /// No zero came in time.
    pub overlong: u32,
    /// Too short to hold anything.
    pub empty: u32,
}

impl BadFrames {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.garbled.saturating_add(self.overlong).saturating_add(self.empty)
    }
}

/// Cuts a stream of bytes back into payloads. `N` is the longest frame it takes, without the closing zero.
#[derive(Debug, Clone)]
pub struct Deframer<const N: usize = MAX_FRAME> {
    bytes: [u8; N],
    filled: usize,
    overlong: bool,
    payload: usize,
    bad: BadFrames,
}

impl<const N: usize> Default for Deframer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deframer<N> {
    /// One that has heard nothing.
    #[must_use]
    pub const fn new() -> Self {
        let bad = BadFrames { garbled: 0, overlong: 0, empty: 0 };
        Self { bytes: [0; N], filled: 0, overlong: false, payload: 0, bad }
    }

    /// Takes bytes off the front of `stream` up to the end of the first good frame, and says whether there was one: its
    /// payload is then [`Deframer::payload`]. Without one, `stream` is empty afterwards and what was heard is kept.
    pub fn next_frame(&mut self, stream: &mut &[u8]) -> bool {
        self.payload = 0;
        while !stream.is_empty() {
            let Some(zero) = stream.iter().position(|byte| *byte == 0) else {
                self.take(stream);
                *stream = &[];
                return false;
            };
            let (part, rest) = stream.split_at(zero);
            self.take(part);
            *stream = rest.get(1..).unwrap_or(&[]);
            if self.close() {
                return true;
            }
        }
        false
    }

    /// The payload of the frame found last, until more bytes are taken.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(..self.payload).unwrap_or(&[])
    }

    /// What was thrown away so far.
    #[must_use]
    pub const fn bad(&self) -> BadFrames {
        self.bad
    }

    fn take(&mut self, part: &[u8]) {
        let end = self.filled.saturating_add(part.len());
        match self.bytes.get_mut(self.filled..end) {
            Some(room) if !self.overlong => {
                room.copy_from_slice(part);
                self.filled = end;
            }
            _ => self.overlong = true,
        }
    }

    /// Ends the frame at hand and makes room for the next; true if it was good.
    fn close(&mut self) -> bool {
        let (filled, overlong) = (self.filled, self.overlong);
        (self.filled, self.overlong) = (0, false);
        if overlong {
            self.bad.overlong = self.bad.overlong.saturating_add(1);
            return false;
        }
        let plain = match self.bytes.get_mut(..filled) {
            Some(coded) if filled > CRC_BYTES + 1 => cobs::decode_in_place(coded).ok(),
            _ => {
                self.bad.empty = self.bad.empty.saturating_add(1);
                return false;
            }
        };
        let found = plain.and_then(|plain| self.bytes.get(..plain)).and_then(|bytes| bytes.split_last_chunk());
        match found {
            Some((payload, crc)) if !payload.is_empty() && u32::from_le_bytes(*crc) == checksum(payload) => {
                self.payload = payload.len();
                true
            }
            _ => {
                self.bad.garbled = self.bad.garbled.saturating_add(1);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn sealed(payload: &[u8]) -> Vec<u8> {
        let mut out = [0; MAX_FRAME];
        let used = seal(payload, &mut out).unwrap();
        out[..used].to_vec()
    }

    fn all_of(deframer: &mut Deframer, mut stream: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while deframer.next_frame(&mut stream) {
            found.push(deframer.payload().to_vec());
        }
        found
    }

    #[test]
    fn what_is_sealed_is_found_again_however_the_bytes_arrive() {
        let payloads =
            [std::vec![1, 0, 2], std::vec![0; MAX_PAYLOAD], (0..=255).collect(), std::vec![255; MAX_PAYLOAD]];
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| sealed(payload)).collect();
        assert_eq!(all_of(&mut Deframer::new(), &stream), payloads);
        for chunk in [1, 7, 64] {
            let mut deframer = Deframer::new();
            let found: Vec<_> = stream.chunks(chunk).flat_map(|part| all_of(&mut deframer, part)).collect();
            assert_eq!((found.as_slice(), deframer.bad().total()), (payloads.as_slice(), 0), "in chunks of {chunk}");
        }
    }

    #[test]
    fn the_longest_frame_is_as_long_as_stated() {
        let longest = (0..=255).map(|byte| sealed(&[byte; MAX_PAYLOAD]).len()).max();
        assert_eq!(longest, Some(MAX_FRAME));
        assert_eq!(seal(&[1; MAX_PAYLOAD + 1], &mut [0; 400]), None);
        assert_eq!(seal(&[], &mut [0; 400]), None);
        assert_eq!(seal(&[1; 10], &mut [0; 15]), None, "no room for the closing zero");
    }

    #[test]
    fn noise_costs_one_frame_and_is_counted() {
        let mut stream = sealed(b"first");
        stream.extend_from_slice(b"noise on the line");
        stream.extend(sealed(b"lost in the noise"));
        stream.extend([0, 0]);
        stream.extend([7; 1_000]);
        stream.push(0);
        stream.extend(sealed(b"second"));
        let mut deframer = Deframer::new();
        assert_eq!(all_of(&mut deframer, &stream), [b"first".to_vec(), b"second".to_vec()]);
        assert_eq!(deframer.bad(), BadFrames { garbled: 1, overlong: 1, empty: 2 });
    }

    #[test]
    fn no_single_wrong_byte_gets_through() {
        let good = sealed(&[9, 0, 3, 0, 0, 200]);
        for at in 0..good.len() {
            for flip in 1..=255 {
                let mut bad = good.clone();
                bad[at] ^= flip;
                assert_eq!(all_of(&mut Deframer::new(), &bad), Vec::<Vec<u8>>::new(), "byte {at} flipped by {flip}");
            }
        }
    }
}
