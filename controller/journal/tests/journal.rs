//! A journal written, cut, damaged, rewritten and read back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{STARTED, closed, entries, header, journal, note, records};
use journal::storage::Full;
use journal::{
    Context, CreateError, Fact, Flaw, Header, Integrity, ReadError, Session, Storage, Tail, Why, WriteError, Writer,
    block,
};
use link::{EndReason, Micros, Record};
use proptest::prelude::*;

fn read_records(session: &Session) -> Vec<(Micros, Record)> {
    session.records().map(|(_, at, record)| (at, record)).collect()
}

/// Where each block begins, and the end of the last.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut rest = block::open(bytes).unwrap();
    let mut at = vec![bytes.len() - rest.len()];
    while let Ok(block) = block::take(rest) {
        rest = block.rest;
        at.push(bytes.len() - rest.len());
    }
    at
}

#[test]
fn a_session_reads_back_as_it_was_written() {
    let written = records(20);
    let session = Session::read(&closed(20, 7)).unwrap();

    assert_eq!(session.header, header());
    assert_eq!(read_records(&session), written);
    assert_eq!(session.stream(), entries(STARTED, &written), "the stream is the bytes as they came, in one piece");
    assert_eq!(session.records().map(|(number, ..)| number).collect::<Vec<_>>(), (0..183).collect::<Vec<_>>());
    assert_eq!(session.notes.len(), 9);
    assert_eq!((session.notes[0].before_record, &session.notes[0].note), (21, &note("still running")));
    assert_eq!(session.close.as_ref().unwrap().records, 183);
    assert_eq!(session.verify(), Ok(Integrity::Whole));
}

#[test]
fn how_often_it_was_synced_leaves_the_device_stream_as_it_is() {
    let streams: Vec<_> = [1, 5, 1_000].map(|every| Session::read(&closed(9, every)).unwrap().stream().to_vec()).into();
    assert!(streams.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn cut_at_any_byte_every_whole_block_is_still_read() {
    let bytes = closed(12, 4);
    let written = records(12);
    let ends = boundaries(&bytes);
    for length in 0..bytes.len() {
        let whole_blocks = ends.iter().filter(|end| **end <= length).count();
        match Session::read(&bytes[..length]) {
            Err(ReadError::NotAJournal | ReadError::NoHeader) => assert!(whole_blocks < 2, "cut at {length}"),
            Err(other) => panic!("cut at {length}: {other}"),
            Ok(session) => {
                let reached = *ends.iter().rfind(|end| **end <= length).unwrap();
                let torn = (length - reached) as u64;
                assert_eq!(session.verify(), Ok(Integrity::Interrupted { torn_bytes: torn }), "cut at {length}");
                let kept = read_records(&session);
                assert_eq!(kept, written[..kept.len()], "cut at {length}");
                let whole = Session::read(&bytes[..reached]).unwrap();
                assert_eq!(kept.len() as u64, whole.records_len(), "cut at {length}");
            }
        }
    }
}

#[test]
fn a_tail_of_garbage_leaves_all_before_it_readable_and_is_found() {
    let bytes = journal(&header(), &records(12), 4, None);
    let before = Session::read(&bytes).unwrap();
    for garbage in [vec![0; 512], vec![0xFF; 9], (0..200).collect::<Vec<u8>>()] {
        let session = Session::read(&[bytes.clone(), garbage.clone()].concat()).unwrap();
        assert_eq!(read_records(&session), read_records(&before));
        let zeros = garbage.iter().all(|byte| *byte == 0);
        assert_eq!(session.tail, Tail::Garbage { bytes: garbage.len() as u64, zeros });
        let found = session.verify().unwrap_err();
        assert_eq!((found.flaw, found.place.record), (Flaw::Garbage { bytes: garbage.len() as u64 }, 111));
    }
}

#[test]
fn any_byte_changed_is_found_at_its_block() {
    let bytes = closed(3, 4);
    let starts = boundaries(&bytes);
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            match Session::read(&changed) {
                Err(_) => assert!(at < starts[1], "byte {at} is not the header's"),
                Ok(session) => {
                    let found = session.verify().expect_err(&format!("byte {at} changed by {flip:#x}"));
                    let block = starts.iter().rposition(|start| *start <= at).unwrap() as u64;
                    assert_eq!(found.place.block, block, "byte {at}: {found}");
                }
            }
        }
    }
}

#[test]
fn any_block_taken_out_or_moved_is_found() {
    let bytes = closed(6, 5);
    let starts = boundaries(&bytes);
    for n in 1..starts.len() - 2 {
        let (from, to, next) = (starts[n], starts[n + 1], starts[n + 2]);
        let removed = [&bytes[..from], &bytes[to..]].concat();
        let found = Session::read(&removed).unwrap().verify().expect_err(&format!("block {n} taken out"));
        assert_eq!(found.place.block, n as u64);

        let swapped = [&bytes[..from], &bytes[to..next], &bytes[from..to], &bytes[next..]].concat();
        assert!(Session::read(&swapped).unwrap().verify().is_err(), "blocks {n} and {} exchanged", n + 1);
    }
    let doubled = [&bytes[..], &bytes[starts[starts.len() - 2]..]].concat();
    assert_eq!(Session::read(&doubled).unwrap().findings[0].flaw, Flaw::AfterClose);
}

/// Rewrites a journal block by block with a sound chain, so that only what the blocks say can give it away.
fn rewritten(bytes: &[u8], mut change: impl FnMut(usize, &mut Vec<u8>) -> bool) -> Vec<u8> {
    let mut out = block::file_header().to_vec();
    let (mut chain, mut rest, mut n) = (block::Chain::origin(), block::open(bytes).unwrap(), 0);
    while let Ok(block) = block::take(rest) {
        let mut payload = block.payload.to_vec();
        if change(n, &mut payload) {
            chain = block::write(&mut out, chain, block.kind, &payload);
        }
        rest = block.rest;
        n += 1;
    }
    out
}

#[test]
fn a_block_taken_out_is_found_even_when_the_chain_was_computed_again() {
    let bytes = closed(6, 5);
    let same = rewritten(&bytes, |_, _| true);
    assert_eq!(same, bytes, "the rewriting itself changes nothing");

    let without_second = rewritten(&bytes, |n, _| n != 2);
    let found = Session::read(&without_second).unwrap().verify().unwrap_err();
    assert_eq!(found.flaw, Flaw::Gap { expected: 5, found: 10 });
    assert_eq!(
        found.to_string(),
        format!("block 2 (byte {}, at record 5): records 5 to 9 are missing", boundaries(&bytes)[2])
    );

    let changed = rewritten(&bytes, |n, payload| {
        if n == 1 {
            // The seed inside the Start record.
            assert_eq!(std::mem::replace(&mut payload[7], 43), 42);
        }
        true
    });
    assert_eq!(Session::read(&changed).unwrap().verify().unwrap_err().flaw, Flaw::CloseHash);
}

#[test]
fn a_close_that_claims_an_end_nobody_recorded_is_found() {
    let mut without_end = records(2);
    without_end.pop();
    let bytes = journal(&header(), &without_end, 5, Some(Why::Ended(EndReason::Stopped)));
    assert_eq!(Session::read(&bytes).unwrap().verify().unwrap_err().flaw, Flaw::CloseReason);

    let honest = journal(&header(), &without_end, 5, Some(Why::Incomplete("the device was unplugged".into())));
    assert_eq!(Session::read(&honest).unwrap().verify(), Ok(Integrity::Whole));
}

#[test]
fn records_that_do_not_follow_are_refused_and_leave_the_journal_as_it_was() {
    let written = records(1);
    let (head, tail) = written.split_at(4);
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &header()).unwrap();
    writer.append_device(100, STARTED, 4, &entries(STARTED, head)).unwrap();
    let base = head[3].0;
    let more = entries(base, tail);

    let refused = [
        writer.append_device(105, base, 8, &more).unwrap_err(),
        writer.append_device(104, base + 1, 8, &more).unwrap_err(),
        writer.append_device(104, base, 9, &more).unwrap_err(),
        writer.append_device(104, base, 8, &more[..more.len() - 1]).unwrap_err(),
    ];
    let sentences = refused.map(|error| error.to_string());
    assert_eq!(
        sentences,
        [
            "record 105 came where record 104 should follow".to_string(),
            format!("records measured from {} µs came behind a record at {base} µs", base + 1),
            "8 records came where 9 were announced".to_string(),
            "what came is not a record: the bytes end inside a record".to_string(),
        ]
    );
    writer.append_device(104, base, 8, &more).unwrap();
    assert_eq!((writer.durable(), writer.next()), (100, 112), "appended is not durable");
    assert_eq!(writer.sync().unwrap(), 112);
    writer.close(Why::Ended(EndReason::Stopped)).unwrap();
    let session = Session::read(&bytes).unwrap();
    assert_eq!(read_records(&session), written);
    assert_eq!(session.records().next().unwrap().0, 100);
    assert_eq!(session.verify(), Ok(Integrity::Whole));
}

/// Records until the disk is full; what was last said to be durable, and what is on the disk.
fn record_until_full<S: Storage>(disk: &mut Full<S>, trials: u32) -> Option<u64> {
    let written = records(trials);
    let mut writer = match Writer::begin(disk, &header()) {
        Ok(writer) => writer,
        Err(error) => {
            assert_eq!(error.to_string(), "the journal cannot be written: the disk is full");
            return None;
        }
    };
    let (mut base, mut first, mut promised) = (STARTED, 0, 0);
    for some in written.chunks(6) {
        writer.append_device(first, base, some.len() as u64, &entries(base, some)).unwrap();
        (base, first) = (some.last().unwrap().0, first + some.len() as u64);
        match writer.sync() {
            Ok(durable) => promised = durable,
            Err(error) => {
                let said = format!("the disk is full; the journal is safe up to record {promised} (not included)");
                assert_eq!(error.to_string(), said);
                assert_eq!(writer.durable(), promised);
                assert!(matches!(writer.note(&note("more")), Err(WriteError::Broken { .. })));
                return Some(promised);
            }
        }
    }
    Some(promised)
}

#[test]
fn a_full_disk_loses_nothing_that_was_called_durable() {
    let written = records(6);
    let needs = journal(&header(), &written, 6, None).len() as u64;
    for room in 0..needs + 5 {
        for cuts in [true, false] {
            let mut disk = Full::after(Vec::new(), room);
            if !cuts {
                disk = disk.without_cutting();
            }
            let Some(promised) = record_until_full(&mut disk, 6) else { continue };
            let session = Session::read(&disk.into_inner()).unwrap();
            assert_eq!(session.records_len(), promised, "room for {room} bytes");
            assert_eq!(read_records(&session), written[..promised as usize]);
            assert!(matches!(session.verify(), Ok(Integrity::Interrupted { .. })), "room for {room} bytes");
            assert!(!cuts || session.tail == Tail::Clean, "room for {room} bytes: the torn block is cut off");
        }
    }
}

#[test]
fn on_a_real_disk_a_journal_is_never_overwritten_and_says_what_is_wrong() {
    let folder = std::env::temp_dir().join(format!("nosepoke-journal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("session.npj");

    let mut writer = Writer::create(&path, &header()).unwrap();
    let written = records(3);
    writer.append_device(0, STARTED, written.len() as u64, &entries(STARTED, &written)).unwrap();
    let closed = writer.close(Why::Ended(EndReason::Stopped)).unwrap();
    assert_eq!(closed.bytes, std::fs::metadata(&path).unwrap().len());
    assert_eq!(read_records(&Session::open(&path).unwrap()), written);

    assert!(matches!(Writer::create(&path, &header()), Err(CreateError::Exists(_))));
    assert_eq!(read_records(&Session::open(&path).unwrap()), written, "the refusal left it alone");
    assert!(matches!(Writer::create(&folder.join("no/such.npj"), &header()), Err(CreateError::NoFolder(_))));
    assert!(matches!(Session::open(&folder.join("none.npj")), Err(ReadError::Io(..))));

    std::fs::write(folder.join("text.npj"), "trial,outcome\n1,rewarded\n").unwrap();
    assert!(matches!(Session::open(&folder.join("text.npj")), Err(ReadError::NotAJournal)));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_hour_costs_little_more_than_its_records() {
    let written = records(4_400);
    let stream = entries(STARTED, &written).len();
    let every_second = journal(&header(), &written, 11, Some(Why::Ended(EndReason::Stopped))).len();
    let overhead = every_second - stream;
    let blocks = written.len().div_ceil(11) + written.len() / 33;
    assert!(overhead < blocks * 45 + 500, "{overhead} bytes over {stream} in {blocks} blocks");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: assembler::random::cases(128) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(Session::read(&bytes));
        drop(Session::read(&[block::file_header().to_vec(), bytes].concat()));
    }

    #[test]
    fn no_payload_makes_the_reader_panic(payload in prop::collection::vec(any::<u8>(), 0..200), n in 1..8_usize) {
        let bytes = rewritten(&closed(3, 6), |at, old| { if at == n { old.clone_from(&payload); } true });
        let session = Session::read(&bytes).unwrap();
        prop_assert_eq!(session.records().count() as u64, session.records_len());
        prop_assert!(session.verify().is_err());
    }

    #[test]
    fn several_changes_at_once_are_found(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..6),
    ) {
        let bytes = closed(4, 9);
        let mut changed = bytes.clone();
        for (index, flip) in changes {
            changed[index.index(bytes.len())] ^= flip;
        }
        prop_assume!(changed != bytes);
        if let Ok(session) = Session::read(&changed) {
            prop_assert!(session.verify().is_err());
        }
    }
}

#[test]
fn what_was_settled_beside_the_program_reads_back_and_costs_nothing_where_there_is_none() {
    let context = Context {
        fragments: vec![("shared/iti.yaml".into(), "fragment: iti\n".into())],
        stage: Some("training".into()),
        assigned: vec![Fact::sealed("R12", "group", "", "stim")],
        metadata: vec![Fact::open("weight", "g", "23.4")],
        drawn_before: vec![("order".into(), 1)],
        blind: vec!["group".into()],
    };
    let header = Header { context: context.clone(), ..header() };
    let mut bytes = Vec::new();
    drop(Writer::begin(&mut bytes, &header).unwrap());
    let read = Session::read(&bytes).unwrap();
    assert_eq!(read.header, header);
    assert_eq!(read.header.context.assigned[0].value("R12").as_deref(), Some("stim"));
    assert_eq!(read.header.context.assigned[0].value("R13"), None, "of another subject");
    assert!(!bytes.windows(4).any(|window| window == b"stim"), "and not to be read by a glance at the file");
    assert_ne!(read.header.protocol_hash(), common::header().protocol_hash(), "a fragment is a part of the protocol");
    let mut plain = Vec::new();
    drop(Writer::begin(&mut plain, &common::header()).unwrap());
    let settled = postcard::to_stdvec(&context).unwrap().len();
    assert!(bytes.len() - plain.len() >= settled, "{} and {} bytes", bytes.len(), plain.len());
    assert!(bytes.len() - plain.len() <= settled + 4);
}
