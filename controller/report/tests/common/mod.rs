//! A session of the flagship protocol written by hand, record by record, as a device would have sent it: presses, water
//! or omission, licks, and a laser train on some omissions. Decided by a small generator, so always the same.
#![allow(dead_code, clippy::unwrap_used, reason = "shared by tests that each use a part of it")]

use compiler::symbols::{DrawSymbol, LineSymbol, ParameterSymbol, Picture, StateSymbol, Symbols, Unit, VariableSymbol};
use journal::{Header, Session, Versions, Why, Writer};
use link::record::{ENTRY_BYTES_MAX, Request, Train};
use link::{
    DisarmCause, DrawId, EndReason, EventId, LineId, Micros, OutcomeId, Record, RegionId, StateId, VariableId, Verdict,
};

pub(crate) const START: Micros = 3_000_000;
pub(crate) const LEVER: LineId = LineId(0);
pub(crate) const SPOUT: LineId = LineId(1);
pub(crate) const WATER: LineId = LineId(2);
pub(crate) const MASK: LineId = LineId(4);
pub(crate) const LASER: LineId = LineId(5);

/// The laser is armed only after so many trials.
pub(crate) const UNARMED: u32 = 10;

pub(crate) fn symbols() -> Symbols {
    let line = |name: &str, kind: &str, on: &str, off: &str| LineSymbol {
        name: name.into(),
        kind: kind.into(),
        output: on == "on",
        on_event: on.into(),
        off_event: off.into(),
        named: true,
        scale: None,
    };
    let variable = |name: &str, unit: Unit, labels: &[&str], parameter: Option<ParameterSymbol>| VariableSymbol {
        name: name.into(),
        unit,
        labels: labels.iter().map(ToString::to_string).collect(),
        column: true,
        parameter,
    };
    let parameter = |value: i64, set: bool, about: &str| {
        Some(ParameterSymbol {
            value,
            set,
            basis: "typical".into(),
            source: String::new(),
            about: about.into(),
            live: None,
        })
    };
    Symbols {
        protocol: "probabilistic-reward".into(),
        about: "A rat pulls a lever for sweet water.".into(),
        sources: Vec::new(),
        rig: "sim-box".into(),
        lines: vec![
            line("lever", "lever", "press", "release"),
            line("spout", "lick", "lick", "withdraw"),
            line("water", "valve", "on", "off"),
            line("cue", "speaker", "on", "off"),
            line("mask", "light", "on", "off"),
            line("laser", "laser", "on", "off"),
        ],
        regions: vec!["main".into()],
        states: ["ready", "wait", "reward", "omission", "iti"]
            .map(|name| StateSymbol { name: name.into(), region: 0 })
            .into(),
        variables: vec![
            variable("p_reward", Unit::Number, &[], parameter(500_000, true, "probability of water after a pull")),
            variable("drop", Unit::Volume, &[], parameter(20_000, false, "water per reward")),
            variable("treatment", Unit::Label, &["none", "stim", "sham"], None),
            variable("paid", Unit::Truth, &[], None),
            variable("gap", Unit::Time, &[], None),
        ],
        timers: Vec::new(),
        outcomes: vec!["rewarded".into(), "omitted".into(), "miss".into()],
        events: vec!["trial_start".into(), "reward".into(), "omission".into()],
        draws: [(3, "chance"), (2, "deck"), (4, "exponential")]
            .map(|(variable, kind)| DrawSymbol { variable, kind: kind.into() })
            .into(),
        invariants: vec!["at most 1 deliver on water per trial".into()],
        ends: vec!["after session_length".into(), "trials: trials_max".into()],
        picture: Picture { group: Some(2), show: vec![1, 0] },
        ..Symbols::default()
    }
}

pub(crate) fn header(symbols: &Symbols) -> Header {
    Header {
        session: 7,
        symbols: postcard::to_stdvec(symbols).unwrap(),
        seed: 42,
        versions: Versions { nosepoke: "0.1.0".into(), link: "1".into(), body: "simulator".into() },
        subject: Some("R12".into()),
        simulated: true,
        ..Header::default()
    }
}

/// A generator that is good enough for licks.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The records of so many trials.
pub(crate) fn records(trials: u32) -> Vec<(Micros, Record)> {
    let mut chance = Chance(2_026);
    let mut all = vec![(START, Record::Start { seed: 42, levels: 0, program: 1 })];
    if trials > UNARMED {
        all.push((START + 120_000_000, Record::Armed { lines: LASER.bit() }));
    }
    let mut at = START;
    for number in 1..=trials {
        at = trial(&mut all, &mut chance, number, at);
    }
    all.push((at, Record::End(EndReason::Condition(1))));
    if trials > UNARMED {
        all.push((at + 3, Record::Disarmed { lines: LASER.bit(), cause: DisarmCause::SessionEnd }));
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

fn trial(all: &mut Vec<(Micros, Record)>, chance: &mut Chance, number: u32, at: Micros) -> Micros {
    let event = |n| Record::Event(EventId::named(n));
    let enter = |state| Record::Enter { region: RegionId(0), state: StateId(state) };
    let (paid, treatment) = (chance.below(2) == 1, chance.below(3));
    let gap = 4_000_000 + chance.below(8_000_000);
    let draw = |draw, value: u64| Record::Draw { draw: DrawId(draw), value: value as i64, odds: (1, 2) };
    all.extend([
        (at, Record::Trial { number }),
        (at, enter(0)),
        (at, Record::Set { variable: VariableId(2), value: 0 }),
        (at, draw(0, u64::from(paid))),
        (at, draw(1, treatment)),
        (at, draw(2, gap)),
        (at, event(0)),
    ]);
    if chance.below(10) == 0 {
        all.extend([(at + 10_000_000, Record::Outcome(OutcomeId(2))), (at + 10_000_000, enter(4))]);
        return at + 10_000_000 + gap;
    }
    let press = at + 400_000 + chance.below(1_800_000 + 8_000 * u64::from(number));
    let late_us = if chance.below(40) == 0 { 12 } else { 0 };
    all.push((press, Record::Input { line: LEVER, active: true, late_us }));
    all.push((press, enter(1)));
    all.push((press + 120_000 + chance.below(200_000), Record::Input { line: LEVER, active: false, late_us: 0 }));
    let due = press + 500_000;
    if paid {
        let request = Request::Deliver { volume_nl: 20_000, width_us: 83_000 };
        all.extend([
            (due, Record::Outcome(OutcomeId(0))),
            (due, enter(2)),
            (due, event(1)),
            (due, Record::Request { line: WATER, request }),
            (due + 3, Record::Edge { line: WATER, on: true }),
            (due + 83_003, Record::Edge { line: WATER, on: false }),
        ]);
        licks(all, chance, due + 180_000, 10 + chance_licks(number));
    } else {
        all.extend([(due, Record::Outcome(OutcomeId(1))), (due, enter(3)), (due, event(2))]);
        if treatment > 0 {
            train(all, MASK, due);
        }
        if treatment == 1 && number <= UNARMED {
            let request = Request::Train(burst());
            all.push((due, Record::Request { line: LASER, request }));
            all.push((due + 3, Record::Verdict { line: LASER, verdict: Verdict::Withheld }));
        } else if treatment == 1 {
            train(all, LASER, due);
        }
        let licked = if treatment == 1 { 1 } else { 3 };
        licks(all, chance, due + 200_000, licked);
    }
    due + 3_000_000 + gap
}

fn chance_licks(number: u32) -> u64 {
    u64::from(number % 7)
}

fn burst() -> Train {
    Train { delay_us: 0, width_us: 5_000, period_us: 50_000, count: 20, carrier: None }
}

fn train(all: &mut Vec<(Micros, Record)>, line: LineId, at: Micros) {
    all.push((at, Record::Request { line, request: Request::Train(burst()) }));
    for n in 0..20 {
        all.push((at + 3 + n * 50_000, Record::Edge { line, on: true }));
        all.push((at + 5_003 + n * 50_000, Record::Edge { line, on: false }));
    }
}

fn licks(all: &mut Vec<(Micros, Record)>, chance: &mut Chance, from: Micros, count: u64) {
    let mut at = from + chance.below(150_000);
    for _ in 0..count {
        all.push((at, Record::Input { line: SPOUT, active: true, late_us: 0 }));
        all.push((at + 45_000, Record::Input { line: SPOUT, active: false, late_us: 0 }));
        at += 120_000 + chance.below(60_000);
    }
}

/// Records as a closed journal, read back.
pub(crate) fn session(symbols: &Symbols, records: &[(Micros, Record)]) -> Session {
    let mut writer = link::record::Writer::new(START);
    let mut entries = Vec::new();
    for (at, record) in records {
        entries.extend_from_slice(writer.write(*at, record, &mut [0; ENTRY_BYTES_MAX]));
    }
    let mut bytes = Vec::new();
    let mut journal = Writer::begin(&mut bytes, &header(symbols)).unwrap();
    journal.append_device(0, START, records.len() as u64, &entries).unwrap();
    let end = records.iter().rev().find_map(|(_, record)| match record {
        Record::End(reason) => Some(*reason),
        _ => None,
    });
    journal.close(end.map_or(Why::Incomplete("cut".into()), Why::Ended)).unwrap();
    Session::read(&bytes).unwrap()
}
