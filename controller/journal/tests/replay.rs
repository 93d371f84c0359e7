//! Sessions run again from their journals: honest ones, and ones rewritten with a sound chain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::STARTED;
use common::bench::{LASER, WATER, altered, bench_header, interrupted, rat, run, session};
use journal::pairing::{Tolerance, Unpaired};
use journal::{ReplayFailure, ReplayReport, replay, replay_within};
use link::{Micros, Record};
use proptest::prelude::*;

const GAPS_MS: [u16; 24] = [
    900, 3_000, 100, 2_500, 700, 1, 4_000, 333, 0, 2_000, 1_500, 10, 3_000, 900, 40, 2_200, 5, 800, 3_100, 90, 60,
    2_600, 700, 1_000,
];

fn a_session() -> Vec<(Micros, Record)> {
    let (happenings, end) = rat(&GAPS_MS, &[0, 0, 7, 0, 0, 0, 1_200]);
    run(11, &happenings, STARTED + 7_000_000, end)
}

fn replayed(records: &[(Micros, Record)]) -> Result<ReplayReport, ReplayFailure> {
    replay(&session(&bench_header(11), records))
}

/// Whether anything at all was noticed.
fn is_found(records: &[(Micros, Record)]) -> bool {
    replayed(records).map_or(true, |report| !report.pairing.unpaired.is_empty())
}

fn says(records: &[(Micros, Record)]) -> String {
    match replayed(records) {
        Err(failure) => failure.to_string(),
        Ok(report) => report.pairing.unpaired.first().map_or("nothing".into(), ToString::to_string),
    }
}

#[test]
fn an_honest_session_is_reproduced_and_every_request_pairs() {
    let records = a_session();
    let report = replayed(&records).unwrap();
    assert_eq!(report.pairing.unpaired, []);
    assert_eq!(report.records, records.len() as u64);
    assert!(report.ended);
    assert!(report.pairing.requests > 6 && report.pairing.edges > 40, "{report:?}");
    assert!(report.pairing.refused > 0, "the laser is armed late, so its first train is withheld");
    assert_eq!(report.pairing.latency_us_max, 3);
    let late = records.iter().filter(|(_, record)| matches!(record, Record::Input { late_us: 1_200, .. }));
    assert_eq!(late.count(), 2, "what came late is part of the session");
}

#[test]
fn any_record_taken_out_is_found() {
    let records = a_session();
    for n in 0..records.len() {
        let mut without = records.clone();
        let (at, record) = without.remove(n);
        assert!(is_found(&without), "record {n}, {record:?} at {at}, was taken out unnoticed");
    }
}

#[test]
fn a_derived_record_changed_is_named() {
    let records = a_session();
    for (n, (at, record)) in records.iter().enumerate().filter(|(_, (_, record))| record.is_derived()) {
        let mut changed = records.clone();
        changed[n].1 = altered(*record);
        if matches!(record, Record::End(_)) {
            assert!(matches!(replayed(&changed), Err(ReplayFailure::Untrusted(_))), "the close tells of another end");
            continue;
        }
        let expected = ReplayFailure::Differs {
            number: n as u64,
            recorded: Some((*at, changed[n].1)),
            made: Some((*at, *record)),
        };
        assert_eq!(replayed(&changed).unwrap_err(), expected);
    }
}

#[test]
fn a_derived_record_moved_by_a_microsecond_is_named() {
    let records = a_session();
    for n in (1..records.len() - 1).filter(|n| records[*n].1.is_derived()) {
        let mut moved = records.clone();
        moved[n].0 += 1;
        match replayed(&moved) {
            Err(ReplayFailure::Differs { number, .. }) => assert!(number <= n as u64, "record {n} of {:?}", records[n]),
            other => panic!("record {n} moved: {other:?}"),
        }
    }
}

#[test]
fn what_it_says_can_be_acted_on() {
    let records = a_session();
    let position = |wanted: fn(&Record) -> bool| records.iter().position(|(_, record)| wanted(record)).unwrap();
    let without = |n: usize| {
        let mut records = records.clone();
        records.remove(n);
        records
    };

    let outcome = position(|record| matches!(record, Record::Outcome(_)));
    let next = outcome + 1;
    assert_eq!(
        says(&without(outcome)),
        format!(
            "record {outcome} differs: the journal says {:?} at {1} µs, the program does {2:?} at {1} µs",
            records[next].1, records[outcome].0, records[outcome].1
        )
    );

    let edge = position(|record| matches!(record, Record::Edge { line: WATER, on: true }));
    let (number, at) = (edge - 1, records[edge].0);
    assert!(matches!(records[number].1, Record::Request { line: WATER, .. }));
    assert_eq!(
        says(&without(edge)),
        format!(
            "record {number} at {} µs: the request on line 2 has no edge to on at {} µs, and nothing explains it (1 edges \
             missing)",
            at - 3,
            at - 3
        )
    );

    let armed = position(|record| matches!(record, Record::Armed { .. }));
    assert!(says(&without(armed)).ends_with("line 3 went on while it was not armed"));
}

#[test]
fn another_seed_or_program_than_the_headers_is_told() {
    let records = a_session();
    let other_seed = replay(&session(&bench_header(12), &records)).unwrap_err();
    assert!(matches!(other_seed, ReplayFailure::OtherStart { .. }), "{other_seed}");

    let mut header = bench_header(11);
    header.program.truncate(20);
    assert!(matches!(replay(&session(&header, &records)), Err(ReplayFailure::Image(_))));
    header = bench_header(11);
    header.device_rig.truncate(2);
    assert_eq!(replay(&session(&header, &records)), Err(ReplayFailure::Rig));
    assert_eq!(replay(&interrupted(&bench_header(11), &[])), Err(ReplayFailure::Empty));
}

#[test]
fn a_session_interrupted_anywhere_replays_as_far_as_it_goes() {
    let records = a_session();
    for length in 1..records.len() {
        let session = interrupted(&bench_header(11), &records[..length]);
        let cut = replay(&session).unwrap_or_else(|failure| panic!("cut at {length}: {failure}"));
        assert_eq!((cut.records, cut.pairing.unpaired.as_slice()), (length as u64, &[][..]), "cut at {length}");
    }
}

#[test]
fn a_pulse_out_of_its_place_is_found() {
    let records = a_session();
    let pulses: Vec<_> =
        (0..records.len()).filter(|n| matches!(records[*n].1, Record::Edge { line: LASER, on: true })).collect();
    let mut shifted = records.clone();
    shifted[pulses[4]].0 += 6;
    let report = replayed(&shifted).unwrap();
    assert!(
        matches!(report.pairing.unpaired[..], [Unpaired::Request { missing: 1, .. }, Unpaired::Edge { .. }]),
        "{:?}",
        report.pairing.unpaired
    );
    let generous = replay_within(
        &session(&bench_header(11), &shifted),
        Tolerance { latency_us: 25, start_us: 25, train_us: 20, sound_us: 20 },
    )
    .unwrap();
    assert_eq!(generous.pairing.unpaired, [], "a body with more jitter may say so");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: assembler::random::cases(24) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rat_does_its_session_replays_and_shows_what_was_taken_from_it(
        seed in any::<u64>(),
        gaps_ms in prop::collection::vec(0..4_000_u16, 1..40),
        lates_us in prop::collection::vec(prop_oneof![4 => Just(0), 1 => 1..2_000_u16], 0..40),
        armed in 0..20_000_000_u64,
        pick in any::<prop::sample::Index>(),
    ) {
        let (happenings, end) = rat(&gaps_ms, &lates_us);
        let records = run(seed, &happenings, STARTED + armed, end.max(STARTED + armed + 1));
        let header = bench_header(seed);
        let report = replay(&session(&header, &records)).unwrap();
        prop_assert_eq!(&report.pairing.unpaired, &[]);

        let n = pick.index(records.len());
        let mut without = records.clone();
        let (at, record) = without.remove(n);
        let found = replay(&session(&header, &without)).map_or(true, |report| !report.pairing.unpaired.is_empty());
        // A word from outside that the program made nothing of leaves no trace; nothing can miss it.
        let heeded = records.iter().any(|(then, record)| *then == at && record.is_derived());
        let may_vanish = matches!(record, Record::Outside { .. }) && !heeded;
        prop_assert!(found || may_vanish, "record {n}, {record:?} at {at}, was taken out unnoticed");
    }
}
