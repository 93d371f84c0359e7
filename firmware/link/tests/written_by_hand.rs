//! Records are written by hand and read by postcard: whatever postcard reads as a record is written again as postcard would
//! write it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use link::record::{ENTRY_BYTES_MAX, Entry, Writer};
use std::collections::BTreeSet;

/// A generator by Steele, Lea and Flood (SplitMix), so that a failure comes again.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn every_record_is_written_as_postcard_writes_it() {
    let mut seed = 1;
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    let (mut tried, mut lengths) = (0_u32, BTreeSet::new());
    for _ in 0..400_000 {
        // Small numbers are tags, and a byte of 128 or more goes on: both are common.
        let bytes: Vec<u8> = (0..ENTRY_BYTES_MAX)
            .map(|place| {
                let random = next(&mut seed).to_le_bytes();
                match (place, random[0] % 4) {
                    (0, _) => random[1] & 0x7F,
                    (1, _) => random[1] % 27,
                    (_, 0 | 1) => random[1] % 6,
                    (_, 2) => random[1] | 0x80,
                    _ => random[1],
                }
            })
            .collect();
        let Ok((entry, _)) = postcard::take_from_bytes::<Entry>(&bytes) else { continue };
        let mut serialized = [0; 2 * ENTRY_BYTES_MAX];
        let expected = postcard::to_slice(&entry, &mut serialized).unwrap();
        let mut room = [0; ENTRY_BYTES_MAX];
        let at = 1_u64 << 60;
        let written = Writer::new(at.wrapping_sub(entry.since_us.cast_unsigned())).write(at, &entry.record, &mut room);
        assert_eq!(written, expected, "{entry:?}");
        seen.insert(expected[1..expected.len().min(4)].to_vec());
        lengths.insert(expected.len());
        tried += 1;
    }
    let tags: BTreeSet<u8> = seen.iter().map(|start| start[0]).collect();
    assert_eq!(tags.len(), 26, "every record there is was tried: {tags:?}");
    assert!(tried > 50_000 && lengths.len() > 25, "{tried} records of {lengths:?} bytes");
}
