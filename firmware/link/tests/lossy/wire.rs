//! A wire with faults, and a device's memory of records.

use std::collections::BTreeMap;

use link::record::{ENTRY_BYTES_MAX, Record, Writer};
use link::{Batch, Micros, RecordSource};

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

/// A wire for one direction, with its faults in percent of frames.
#[derive(Debug, Clone)]
pub(crate) struct LossyWire {
    pub(crate) drop: u64,
    pub(crate) corrupt: u64,
    pub(crate) duplicate: u64,
    pub(crate) delay: u64,
    pub(crate) chance: Chance,
    pub(crate) frames: u64,
    pub(crate) under_way: BTreeMap<(Micros, u64), Vec<u8>>,
}

impl LossyWire {
    pub(crate) fn new(percent_each: u64, seed: u64) -> Self {
        Self {
            drop: percent_each,
            corrupt: percent_each,
            duplicate: percent_each,
            delay: percent_each,
            chance: Chance::new(seed),
            frames: 0,
            under_way: BTreeMap::new(),
        }
    }

    pub(crate) fn carry(&mut self, now: Micros, frame: &[u8]) {
        let copies = if self.chance.percent(self.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            self.frames += 1;
            if self.chance.percent(self.drop) {
                continue;
            }
            let mut bytes = frame.to_vec();
            if self.chance.percent(self.corrupt) {
                let at = self.chance.below(bytes.len() as u64) as usize;
                match self.chance.below(3) {
                    0 => bytes[at] ^= 1 << self.chance.below(8),
                    1 => bytes.truncate(at),
                    _ => bytes.insert(at, self.chance.next() as u8),
                }
            }
            let late = if self.chance.percent(self.delay) { self.chance.below(30_000) } else { 0 };
            self.under_way.insert((now + 300 + late, self.frames), bytes);
        }
    }

    pub(crate) fn next_at(&self) -> Option<Micros> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn arrived(&mut self, now: Micros) -> Option<Vec<u8>> {
        let entry = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}

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
