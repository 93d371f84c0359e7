//! What becomes of a session's data when something happens to its file.

use harness::System;
use journal::{Session, Tail};
use link::Record;

fn short_session() -> Vec<u8> {
    let set = [("session_length", "2 min")];
    System::shipped("protocols/probabilistic-reward.yaml", &set, 8).run().journal
}

/// Bytes at the end that are cut one by one.
const TAIL: usize = 4 * 1024;

#[test]
fn a_cut_at_any_byte_of_the_last_4_kib_leaves_all_earlier_records_readable() {
    let whole = short_session();
    let complete = Session::read(&whole).expect("the journal reads");
    let (stream, mut longest) = (complete.stream().to_vec(), 0);
    for end in whole.len().saturating_sub(TAIL)..whole.len() {
        let cut = Session::read(&whole[..end]).unwrap_or_else(|error| panic!("cut at {end}: {error}"));
        assert!(stream.starts_with(cut.stream()), "cut at {end}: another stream");
        assert!(cut.stream().len() >= longest, "cut at {end}: fewer records than with less of the file");
        assert!(cut.close.is_none(), "cut at {end}: still reads as closed");
        longest = cut.stream().len();
    }
    assert_eq!(longest, stream.len(), "only the closing block was behind the last record");
}

#[test]
fn garbage_behind_a_cut_hides_nothing_that_was_durable() {
    let whole = short_session();
    let garbage: Vec<u8> = (0..TAIL as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for cut in (0..TAIL).step_by(61) {
        let kept = &whole[..whole.len() - TAIL + cut];
        let alone = Session::read(kept).expect("a cut journal reads");
        let behind = Session::read(&[kept, &garbage[cut..]].concat()).expect("a garbled journal reads");
        assert_eq!(alone.stream(), behind.stream(), "garbage from byte {} on", kept.len());
        assert_ne!(behind.tail, Tail::Clean, "garbage from byte {} on passes for a block", kept.len());
    }
}

#[test]
fn any_byte_changed_anywhere_is_found() {
    let whole = short_session();
    // Every byte would take minutes in a debug build; a stride that shares no factor with any block size sees all kinds.
    for place in (0..whole.len()).step_by(97) {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        let found = match Session::read(&changed) {
            Err(_) => true,
            Ok(session) => session.verify().is_err(),
        };
        assert!(found, "byte {place} was changed and nobody noticed");
    }
}

#[test]
fn a_journal_alone_tells_what_was_run() {
    let session = Session::read(&short_session()).expect("the journal reads");
    assert!(session.header.protocol.contains("protocol: probabilistic-reward"));
    assert!(session.header.rig.contains("rig: sim-box"));
    let symbols: compiler::Symbols = postcard::from_bytes(&session.header.symbols).expect("the symbols read");
    assert_eq!(symbols.protocol, "probabilistic-reward");
    assert!(session.records().any(|(_, _, record)| matches!(record, Record::Start { seed: 8, .. })));
}
