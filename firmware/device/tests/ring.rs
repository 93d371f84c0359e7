//! The ring of records: nothing is overwritten, nothing is dropped unsaid, and any record still kept can be read again.

use device::ring::{ENTRY_ROOM, NotKept, Ring, RingReader, RingWriter};
use link::Record;
use link::record::{ENTRY_BYTES_MAX, Reader, Request};
use link::{LineId, Micros, StateId};
use proptest::prelude::*;

/// The `n`-th record of a stream that mixes short and long ones, and its time, which now and then lies behind the one before.
fn record(n: u32) -> (Micros, Record) {
    let at = 1_000_000 + u64::from(n) * 1_000 - if n.is_multiple_of(5) { 1_500 } else { 0 };
    let record = match n % 3 {
        0 => Record::Enter { region: link::RegionId(0), state: StateId((n % 1_000) as u16) },
        1 => Record::Request {
            line: LineId(4),
            request: Request::Train(link::record::Train {
                delay_us: n,
                width_us: n.wrapping_mul(77_777),
                period_us: u32::MAX,
                count: 20,
                carrier: None,
            }),
        },
        _ => Record::Trial { number: n },
    };
    (at, record)
}

fn push(writer: &mut RingWriter, n: u32) -> bool {
    let (at, record) = record(n);
    writer.push(at, &record).is_ok()
}

/// Reads the next record the way the controller does: from its bytes and the time it is measured from.
fn read(reader: &mut RingReader) -> Option<(Micros, Record)> {
    let base = reader.base();
    let mut bytes = [0; ENTRY_BYTES_MAX];
    let len = reader.read(&mut bytes)?;
    let (at, record, rest) = Reader::new(base).read(&bytes[..len]).expect("the ring holds what was written");
    assert!(rest.is_empty(), "entries are whole");
    Some((at, record))
}

#[test]
fn a_full_ring_refuses_and_goes_on_when_records_are_durable() {
    let mut ring = Ring::<64>::new();
    let (mut writer, mut reader) = ring.split();
    let mut kept = 0;
    while push(&mut writer, kept) {
        kept += 1;
    }
    assert!(writer.free() < ENTRY_ROOM && kept > 5);
    let free = writer.free();
    assert!(!push(&mut writer, kept), "refused again, and nothing changed");
    assert_eq!(writer.free(), free);
    for n in 0..kept {
        assert_eq!(read(&mut reader), Some(record(n)));
    }
    assert_eq!(read(&mut reader), None);
    reader.free_before(kept, &mut || {}).unwrap();
    assert!(reader.is_empty());
    assert_eq!(writer.free(), 64 * 4 - 17, "all but what keeps head and tail apart and the last word after a reset");
    assert!(push(&mut writer, kept));
    assert_eq!(read(&mut reader), Some(record(kept)));
}

#[test]
fn what_is_freed_or_not_yet_written_cannot_be_read() {
    let mut ring = Ring::<256>::new();
    let (mut writer, mut reader) = ring.split();
    for n in 0..10 {
        assert!(push(&mut writer, n));
    }
    reader.free_before(4, &mut || {}).unwrap();
    assert_eq!(reader.seek(3, &mut || {}), Err(NotKept { number: 3, first: 4 }));
    assert_eq!(reader.seek(11, &mut || {}), Err(NotKept { number: 11, first: 4 }));
    assert_eq!(reader.free_before(11, &mut || {}), Err(NotKept { number: 11, first: 4 }));
    assert_eq!(reader.seek(10, &mut || {}), Ok(()), "one past the last: there it goes on");
    assert_eq!(reader.free_before(2, &mut || {}), Ok(()), "an acknowledgement that comes twice does no harm");
    assert_eq!((reader.durable(), reader.written()), (4, 10));
}

#[test]
fn a_new_session_counts_from_zero_and_from_its_own_start() {
    let mut ring = Ring::<64>::new();
    let (mut writer, mut reader) = ring.split();
    for n in 0..3 {
        assert!(push(&mut writer, n));
    }
    reader.free_before(3, &mut || {}).unwrap();
    writer.begin(5_000);
    reader.begin(5_000);
    writer.push(5_000, &Record::Trial { number: 1 }).unwrap();
    let mut bytes = [0; ENTRY_BYTES_MAX];
    let len = reader.read(&mut bytes).unwrap();
    assert_eq!(&bytes[..len], &[0, 14, 1], "no time since the session's start");
    assert_eq!((reader.durable(), reader.next()), (0, 1));
}

proptest! {
    /// However writing, reading, going back and freeing alternate, over many times round the ring: the reader finds
    /// exactly what was written.
    #[test]
    fn the_reader_always_finds_what_was_written(acts in prop::collection::vec((0..5_u8, 0..40_u32), 1..400)) {
        let mut ring = Ring::<100>::new();
        let (mut writer, mut reader) = ring.split();
        let (mut written, mut durable) = (0, 0);
        for (act, amount) in acts {
            match act {
                0 | 1 => for _ in 0..amount {
                    written += u32::from(push(&mut writer, written));
                },
                2 => for _ in 0..amount {
                    let next = reader.next();
                    prop_assert_eq!(read(&mut reader), (next < written).then(|| record(next)));
                },
                3 => {
                    let number = durable + amount.min(written - durable);
                    reader.seek(number, &mut || {}).unwrap();
                    prop_assert_eq!(reader.next(), number);
                }
                _ => {
                    durable += amount.min(written - durable);
                    reader.free_before(durable, &mut || {}).unwrap();
                }
            }
            prop_assert_eq!((reader.durable(), reader.written()), (durable, written));
        }
        reader.seek(durable, &mut || {}).unwrap();
        for n in durable..written {
            prop_assert_eq!(read(&mut reader), Some(record(n)));
        }
    }
}
