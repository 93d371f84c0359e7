//! A rig as it comes over the link, read line by line: as a whole it takes 2 KB, which a device has neither of its stack nor
//! of its memory.

use serde::Deserialize;

use crate::rig::{RigLine, Senses};

/// A rig in postcard, proven readable.
#[derive(Debug, Clone)]
pub struct PackedRig<'a> {
    lines: Lines<'a>,
    /// What [`crate::rig::Rig`] holds besides its lines, as there.
    pub timings: Timings,
    /// The outputs whose effect is read back.
    pub senses: Senses,
}

/// The times of a rig, as in [`crate::rig::Rig`] and in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Timings {
    /// See [`crate::rig::Rig::silence_us`].
    pub silence_us: u32,
    /// See [`crate::rig::Rig::rejoin_us`].
    pub rejoin_us: u32,
    /// See [`crate::rig::Rig::carry_on_us`].
    pub carry_on_us: u32,
    /// See [`crate::rig::Rig::sample_us`].
    pub sample_us: u32,
}

/// The lines of a packed rig, one after the other.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl Iterator for Lines<'_> {
    type Item = RigLine;

    fn next(&mut self) -> Option<RigLine> {
        self.left = self.left.checked_sub(1)?;
        let (line, rest) = postcard::take_from_bytes(self.bytes).ok()?;
        self.bytes = rest;
        Some(line)
    }
}

impl<'a> PackedRig<'a> {
    /// The rig in `bytes`; none if they are no rig, or more than one.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (left, bytes) = postcard::take_from_bytes::<u32>(bytes).ok()?;
        let lines = Lines { left: left as usize, bytes };
        let mut read = lines.clone();
        while read.left > 0 {
            read.next()?;
        }
        let (timings, rest) = postcard::take_from_bytes(read.bytes).ok()?;
        match postcard::take_from_bytes(rest) {
            Ok((senses, [])) => Some(Self { lines, timings, senses }),
            _ => None,
        }
    }

    /// Its lines, in their order.
    #[must_use]
    pub fn lines(&self) -> Lines<'a> {
        self.lines.clone()
    }
}
