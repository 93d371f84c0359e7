//! A small session to put into journals: a rat that presses, waits and drinks.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod bench;

use journal::{Context, Header, Note, NoteKind, Purpose, Versions, Why, Writer};
use link::record::{ENTRY_BYTES_MAX, Request};
use link::{EndReason, LineId, Micros, OutcomeId, Record, RegionId, StateId};

pub(crate) const STARTED: Micros = 1_000_000;

pub(crate) fn header() -> Header {
    Header {
        session: 0xBEEF,
        protocol: "protocol: press-and-drink\n".into(),
        rig: "rig: bench\n".into(),
        symbols: vec![1, 2, 3],
        program: vec![4, 5, 6],
        device_rig: vec![7, 8],
        seed: 42,
        versions: Versions { nosepoke: "0.1.0".into(), link: "1".into(), body: "simulator".into() },
        subject: Some("R12".into()),
        operator: None,
        options: vec![("p_reward".into(), "0.8".into())],
        simulated: true,
        started_ms: None,
        purpose: Purpose::Session,
        context: Context::default(),
    }
}

pub(crate) fn note(text: &str) -> Note {
    Note { wall_ms: None, device_us: Some(STARTED), kind: NoteKind::Text(text.into()) }
}

/// So many trials of: press, water half a second later, interval.
pub(crate) fn records(trials: u32) -> Vec<(Micros, Record)> {
    let mut records = vec![(STARTED, Record::Start { seed: 42, levels: 0, program: 7 })];
    let (lever, water) = (LineId(0), LineId(2));
    for number in 1..=trials {
        let at = STARTED + u64::from(number) * 4_000_000;
        records.extend([
            (at, Record::Trial { number }),
            (at, Record::Enter { region: RegionId(0), state: StateId(0) }),
            (at + 700_123, Record::Input { line: lever, active: true, late_us: 0 }),
            (at + 700_123, Record::Enter { region: RegionId(0), state: StateId(1) }),
            (at + 912_004, Record::Input { line: lever, active: false, late_us: 0 }),
            (at + 1_200_123, Record::Outcome(OutcomeId(0))),
            (
                at + 1_200_123,
                Record::Request { line: water, request: Request::Deliver { volume_nl: 20_000, width_us: 83_000 } },
            ),
            (at + 1_200_126, Record::Edge { line: water, on: true }),
            (at + 1_283_126, Record::Edge { line: water, on: false }),
        ]);
    }
    let end = STARTED + u64::from(trials + 1) * 4_000_000;
    records.push((end, Record::Stop(EndReason::Stopped)));
    records.push((end, Record::End(EndReason::Stopped)));
    records
}

/// The entry bytes of records that follow one another, measured from `base`.
pub(crate) fn entries(base: Micros, records: &[(Micros, Record)]) -> Vec<u8> {
    let mut writer = link::record::Writer::new(base);
    let mut bytes = Vec::new();
    for (at, record) in records {
        bytes.extend_from_slice(writer.write(*at, record, &mut [0; ENTRY_BYTES_MAX]));
    }
    bytes
}

/// A journal in memory with these records, synced and noted every `every` records, closed if a reason is given.
pub(crate) fn journal(header: &Header, records: &[(Micros, Record)], every: usize, why: Option<Why>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, header).unwrap();
    let (mut base, mut first) = (STARTED, 0);
    for (n, some) in records.chunks(every).enumerate() {
        writer.append_device(first, base, some.len() as u64, &entries(base, some)).unwrap();
        (base, first) = (some.last().unwrap().0, first + some.len() as u64);
        if n % 3 == 2 {
            writer.note(&note("still running")).unwrap();
        }
        assert_eq!(writer.sync().unwrap(), first);
    }
    if let Some(why) = why {
        writer.close(why).unwrap();
    }
    bytes
}

pub(crate) fn closed(trials: u32, every: usize) -> Vec<u8> {
    journal(&header(), &records(trials), every, Some(Why::Ended(EndReason::Stopped)))
}
