//! Journals whose session was interrupted: gone on with by another writer, and with records that are missing for good.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::bench::{bench_header, rat, run};
use common::{STARTED, closed, entries, header, journal, note, records};
use journal::{
    Flaw, Gap, Header, Integrity, Note, NoteKind, ReopenError, Session, Why, WriteError, Writer, block, replay,
};
use link::{EndReason, Micros, Record};

fn file(name: &str) -> PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join("session.npj")
}

/// Appends records that follow one another, the first with this number, measured from `base`.
fn append<S: journal::Storage>(writer: &mut Writer<S>, first: u64, base: Micros, records: &[(Micros, Record)]) {
    writer.append_device(first, base, records.len() as u64, &entries(base, records)).unwrap();
}

#[test]
fn cut_anywhere_a_journal_is_gone_on_with_and_comes_to_the_same() {
    let all = records(6);
    let whole = Session::read(&closed(6, 5)).unwrap();
    let bytes = journal(&header(), &all, 5, None);
    let path = file("reopen");
    let first_block = bytes.len() - block::take(block::open(&bytes).unwrap()).unwrap().rest.len();
    for cut in (first_block..=bytes.len()).step_by(7) {
        fs::write(&path, &bytes[..cut]).unwrap();
        let (mut writer, kept) = Writer::reopen(&path).unwrap();
        let known = writer.next();
        assert_eq!((known, kept.records_len()), (writer.durable(), known), "cut at {cut}");
        let (before, behind) = all.split_at(usize::try_from(known).unwrap());
        let base = before.last().map_or(STARTED, |(at, _)| *at);
        append(&mut writer, known, base, behind);
        writer.close(Why::Ended(EndReason::Stopped)).unwrap();
        let session = Session::open(&path).unwrap();
        assert_eq!(session.verify(), Ok(Integrity::Whole), "cut at {cut}");
        assert_eq!(session.stream(), whole.stream(), "cut at {cut}");
        assert_eq!(session.close, whole.close, "the same count and hash");
    }
}

#[test]
fn zeros_that_a_dying_computer_left_are_cut_off_and_other_garbage_is_not_written_behind() {
    let path = file("reopen-garbage");
    let bytes = journal(&header(), &records(3), 4, None);
    fs::write(&path, [bytes.clone(), vec![0; 4096]].concat()).unwrap();
    let (writer, _) = Writer::reopen(&path).unwrap();
    assert_eq!(writer.bytes(), bytes.len() as u64);
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), bytes);

    fs::write(&path, [bytes.clone(), vec![7; 64]].concat()).unwrap();
    assert!(matches!(Writer::reopen(&path), Err(ReopenError::Untrusted(..))));
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len() + 64, "left as it was");
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&path, &changed).unwrap();
    assert!(matches!(Writer::reopen(&path), Err(ReopenError::Untrusted(..))));
}

#[test]
fn a_journal_that_is_closed_or_being_written_is_left_alone() {
    let path = file("reopen-closed");
    fs::write(&path, closed(2, 5)).unwrap();
    assert!(matches!(Writer::reopen(&path), Err(ReopenError::Closed(session)) if session.close.is_some()));
    fs::remove_file(&path).unwrap();
    let writer = Writer::create(&path, &header()).unwrap();
    assert!(matches!(Writer::reopen(&path), Err(ReopenError::InUse(_))));
    drop(writer);
    assert!(Writer::reopen(&path).is_ok(), "whoever wrote it is gone");
}

#[test]
fn records_that_are_missing_are_no_fault_where_the_journal_says_so() {
    let all = records(4);
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &header()).unwrap();
    append(&mut writer, 0, STARTED, &all[..10]);
    // Behind the gap the device measures from another record than the last one known.
    let behind = &all[25..];
    let error = writer.append_device(25, all[24].0, behind.len() as u64, &entries(all[24].0, behind)).unwrap_err();
    assert!(matches!(error, WriteError::Gap { expected: 10, found: 25 }), "{error}");
    writer.skip_to(25, None).unwrap();
    append(&mut writer, 25, all[24].0, behind);
    let closed = writer.close(Why::Ended(EndReason::Stopped)).unwrap();
    assert_eq!(closed.records, all.len() as u64 - 15);

    let session = Session::read(&bytes).unwrap();
    let gap = Gap { first: 10, next: Some(25) };
    assert_eq!((session.verify(), session.gaps.as_slice()), (Ok(Integrity::Gap(gap)), [gap].as_slice()));
    let read: Vec<(u64, Micros, Record)> = session.records().collect();
    assert_eq!((read[9].0, read[10].0), (9, 25));
    assert!(read.iter().all(|(number, at, record)| all[usize::try_from(*number).unwrap()] == (*at, *record)));
    assert_eq!(gap.to_string(), "records after 9 are unknown up to 25");
}

#[test]
fn a_note_excuses_only_the_records_just_behind_it() {
    let all = records(4);
    let interrupted = |first_unknown| Note { kind: NoteKind::Interrupted { first_unknown }, ..note("") };
    for (noted, behind, flawed) in [(10, false, true), (9, true, true), (11, true, true), (10, true, false)] {
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, &header()).unwrap();
        append(&mut writer, 0, STARTED, &all[..5]);
        if !behind {
            writer.note(&interrupted(noted)).unwrap();
        }
        append(&mut writer, 5, all[4].0, &all[5..10]);
        if behind {
            writer.note(&interrupted(noted)).unwrap();
        }
        // What no honest writer does: blocks are made by hand.
        let chain = blocks(&bytes);
        let payload = [postcard(25, all[24].0, 5), entries(all[24].0, &all[25..30])].concat();
        block::write(&mut bytes, chain, block::Kind::Device, &payload);
        let session = Session::read(&bytes).unwrap();
        let found = session.findings.iter().any(|finding| matches!(finding.flaw, Flaw::Gap { .. }));
        assert_eq!(found, flawed, "noted {noted}, behind {behind}: {:?}", session.findings);
    }
}

#[test]
fn a_replay_goes_up_to_the_gap_and_says_so() {
    let (happenings, end) = rat(&[900, 3_000, 100, 2_500, 700, 4_000, 900, 3_000, 100, 2_500, 700, 4_000], &[0]);
    let records = run(11, &happenings, STARTED + 1_000_000, end);
    let cut = records.len() / 2;
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &bench_header(11)).unwrap();
    append(&mut writer, 0, records[0].0, &records[..cut]);
    writer.note(&Note { kind: NoteKind::Interrupted { first_unknown: cut as u64 }, ..note("") }).unwrap();
    writer.close(Why::Incomplete("the device lost its supply".into())).unwrap();
    let session = Session::read(&bytes).unwrap();
    let report = replay(&session).unwrap();
    assert_eq!((report.records, report.gap), (cut as u64, Some(Gap { first: cut as u64, next: None })));
    assert!(report.to_string().contains(&format!("records after {} are unknown", cut - 1)), "{report}");
    assert!(!report.ended);

    // The same with the last records known again: they are not replayed, and not taken for the program's either.
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &bench_header(11)).unwrap();
    append(&mut writer, 0, records[0].0, &records[..cut]);
    let next = records.len() - 3;
    writer.skip_to(next as u64, None).unwrap();
    append(&mut writer, next as u64, records[next - 1].0, &records[next..]);
    writer.close(Why::Ended(EndReason::Stopped)).unwrap();
    let report = replay(&Session::read(&bytes).unwrap()).unwrap();
    assert_eq!(report.records, cut as u64);
}

#[test]
fn a_gap_that_was_feared_and_did_not_come_is_none() {
    let all = records(2);
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &Header { simulated: false, ..header() }).unwrap();
    append(&mut writer, 0, STARTED, &all[..6]);
    writer.note(&Note { kind: NoteKind::Interrupted { first_unknown: 6 }, ..note("") }).unwrap();
    append(&mut writer, 6, all[5].0, &all[6..]);
    writer.close(Why::Ended(EndReason::Stopped)).unwrap();
    let session = Session::read(&bytes).unwrap();
    assert_eq!((session.verify(), session.gaps.len()), (Ok(Integrity::Whole), 0));
}

/// The link of the last block.
fn blocks(bytes: &[u8]) -> block::Chain {
    let mut rest = block::open(bytes).unwrap();
    let mut chain = block::Chain::origin();
    while let Ok(block) = block::take(rest) {
        (rest, chain) = (block.rest, block.chain);
    }
    chain
}

/// The head of a device block's payload, for numbers below 128 and a time.
fn postcard(first: u8, base: Micros, count: u8) -> Vec<u8> {
    let mut head = vec![first];
    let mut left = base;
    while left >= 0x80 {
        head.push((left as u8 & 0x7F) | 0x80);
        left >>= 7;
    }
    head.extend([left as u8, count]);
    head
}
