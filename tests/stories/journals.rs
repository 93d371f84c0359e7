//! What becomes of a session's data when something happens to its file.

use harness::{System, cases};
use journal::{ReplayFailure, Session, Tail, Why, Writer, replay};
use link::record::ENTRY_BYTES_MAX;
use link::{EndReason, Micros, OutcomeId, Record, StateId};

/// Long enough that the last 4 KiB hold records alone.
fn short_session() -> Vec<u8> {
    let set = [("session_length", "15 min")];
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
        let noticed = behind.tail != Tail::Clean || behind.verify().is_err();
        assert!(noticed, "garbage from byte {} on passes for what was written", kept.len());
    }
}

#[test]
fn any_byte_changed_anywhere_is_found() {
    let whole = short_session();
    // Every byte would take minutes in a debug build, and tests/long goes through them all; a stride that shares no factor
    // with any block size sees all kinds.
    let stride = if cases(1) > 1 { 1 } else { 97 };
    for place in (0..whole.len()).step_by(stride) {
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
    let symbols: compiler::symbols::Symbols = postcard::from_bytes(&session.header.symbols).expect("the symbols read");
    assert_eq!(symbols.protocol, "probabilistic-reward");
    assert!(session.records().any(|(_, _, record)| matches!(record, Record::Start { seed: 8, .. })));
}

/// The journal a forger would write: other records, and everything that guards them worked out anew.
fn forged(session: &Session, records: &[(Micros, Record)]) -> Session {
    let base = records[0].0;
    let mut stream = Vec::new();
    let mut writer = link::record::Writer::new(base);
    for (at, record) in records {
        stream.extend_from_slice(writer.write(*at, record, &mut [0; ENTRY_BYTES_MAX]));
    }
    let mut bytes = Vec::new();
    let mut journal = Writer::begin(&mut bytes, &session.header).expect("a journal begins");
    journal.append_device(0, base, records.len() as u64, &stream).expect("records are taken");
    let ended = records.iter().find_map(|(_, record)| match record {
        Record::End(reason) => Some(*reason),
        _ => None,
    });
    journal.close(Why::Ended(ended.unwrap_or(EndReason::Stopped))).expect("a journal closes");
    Session::read(&bytes).expect("a forged journal reads")
}

/// Another record of the same kind, if it is a derived one.
fn altered(record: Record) -> Option<Record> {
    Some(match record {
        Record::Enter { region, state } => Record::Enter { region, state: StateId(state.0 ^ 1) },
        Record::Trial { number } => Record::Trial { number: number + 1 },
        Record::Outcome(outcome) => Record::Outcome(OutcomeId(outcome.0 + 1)),
        Record::Draw { draw, value, odds } => Record::Draw { draw, value: value + 1, odds },
        Record::Set { variable, value } => Record::Set { variable, value: value + 1 },
        _ => return None,
    })
}

#[test]
fn a_derived_record_that_was_forged_chain_and_all_is_found_by_replay_and_named() {
    let session = Session::read(&short_session()).expect("the journal reads");
    let records: Vec<(Micros, Record)> = session.records().map(|(_, at, record)| (at, record)).collect();
    assert!(replay(&forged(&session, &records)).is_ok_and(|report| report.is_clean()), "rebuilt as it was, it passes");
    let mut tried = 0;
    for (n, (at, record)) in records.iter().enumerate() {
        let Some(other) = altered(*record).filter(|_| n % 29 == 0) else { continue };
        let mut changed = records.clone();
        changed[n] = (*at, other);
        let forged = forged(&session, &changed);
        assert!(forged.verify().is_ok(), "the forger did his work well");
        match replay(&forged) {
            Err(ReplayFailure::Differs { number, .. }) => assert_eq!(number, n as u64, "{record:?} made {other:?}"),
            other => panic!("record {n}, {record:?}, was forged unnoticed: {other:?}"),
        }
        tried += 1;
    }
    assert!(tried > 10, "only {tried} forgeries");
}

#[test]
fn a_derived_record_that_was_taken_out_chain_and_all_is_found_by_replay() {
    let session = Session::read(&short_session()).expect("the journal reads");
    let records: Vec<(Micros, Record)> = session.records().map(|(_, at, record)| (at, record)).collect();
    for n in (0..records.len()).filter(|n| records[*n].1.is_derived()).step_by(31) {
        let mut without = records.clone();
        let (_, record) = without.remove(n);
        let found = replay(&forged(&session, &without));
        assert!(found.is_err(), "record {n}, {record:?}, was taken out unnoticed");
    }
}
