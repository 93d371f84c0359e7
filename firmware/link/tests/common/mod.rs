//! What the tests of the link share: a device with a memory of records, and the hello it says.

use link::message::{LINK_CURRENT, LINK_MIN, SCHEMA};
use link::record::{ENTRY_BYTES_MAX, Record, Writer};
use link::{Batch, Hello, Micros, RecordSource};

/// A memory of records that counts like a ring: numbers go on, what is durable is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ring {
    entries: Vec<(Micros, Vec<u8>)>,
    first: u32,
    base: Micros,
}

impl Ring {
    pub(crate) fn write(&mut self, at: Micros, record: &Record) {
        let before = self.entries.last().map_or(self.base, |(at, _)| *at);
        let bytes = Writer::new(before).write(at, record, &mut [0; ENTRY_BYTES_MAX]).to_vec();
        self.entries.push((at, bytes));
    }

    pub(crate) fn drop_before(&mut self, durable: u32) {
        while self.first < durable && !self.entries.is_empty() {
            self.base = self.entries.remove(0).0;
            self.first += 1;
        }
    }
}

impl RecordSource for Ring {
    fn first_kept(&self) -> u32 {
        self.first
    }
    fn next(&self) -> u32 {
        self.first + self.entries.len() as u32
    }
    fn read(&mut self, from: u32, out: &mut [u8]) -> Batch {
        assert!(from >= self.first, "record {from} was asked for after it was durable");
        let skip = (from - self.first) as usize;
        let base = if skip == 0 { self.base } else { self.entries[skip - 1].0 };
        let mut batch = Batch { count: 0, bytes: 0, base };
        for (_, entry) in &self.entries[skip..] {
            let Some(room) = out.get_mut(batch.bytes..batch.bytes + entry.len()) else { break };
            room.copy_from_slice(entry);
            batch.bytes += entry.len();
            batch.count += 1;
        }
        batch
    }
}

pub(crate) fn hello() -> Hello {
    Hello {
        link_min: LINK_MIN,
        link_current: LINK_CURRENT,
        schema: SCHEMA,
        board: "sim".try_into().unwrap(),
        firmware: "0.1.0".try_into().unwrap(),
        settle_us: 5,
        ring_bytes: 131_072,
        program_words: 16_384,
        lines: 32,
        separate_supply: false,
        program: Some([1, 2, 3, 4, 5, 6, 7, 8]),
    }
}

/// A generator for faults; the same seed gives the same faults.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
    pub(crate) const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
