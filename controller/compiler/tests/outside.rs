//! What crosses the border of the rig other than at its pins, run on the engine: values and events from outside, parameters
//! that change, questions to the operator, frames, sync. Each story gives what comes when, and looks at exact records.
#![allow(clippy::unwrap_used)]

mod common;

use common::{compiled, task};
use compiler::symbols::{AnswerForm, SyncPattern};
use compiler::{Compiled, Options, Source, compile, read_rig};
use engine::{Engine, Given, Start};
use link::program::Program;
use link::record::Request;
use link::{EventId, LineId, Micros, Record, VariableId};

/// A rig with what these stories need.
const RIG: &str = "\
rig: scope-box
body: simulator
lines:
  lever: {kind: lever, pin: 2, active: low, pull: up, debounce: 5 ms}
  spout: {kind: lick, pin: 3, active: high, pull: down}
  frame: {kind: frame, pin: 4, active: high, pull: down}
  camera: {kind: trigger, pin: 14}
  code: {kind: sync, pin: 15}
  beat: {kind: sync, pin: 16}
  mask: {kind: light, pin: 12, max_on: 60 s}
";

fn on_scope(text: &str) -> Compiled {
    let rig = read_rig(&Source { name: "scope-box.yaml".to_owned(), text: RIG.to_owned() }).unwrap();
    compile(&task(text), &rig, &Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

/// A session from 1000 µs on in which all this is given at these times, up to `until`.
fn run(compiled: &Compiled, given: &[(Micros, Given)], until: Micros) -> Vec<(Micros, Record)> {
    let program = Program::open(&compiled.image).unwrap();
    let mut told = Vec::new();
    let mut sink = |at: Micros, record: Record| told.push((at, record));
    let mut engine = Box::new(Engine::new());
    engine.start(&program, Start { at: 1_000, seed: 7, levels: 0, program: program.name() }, &mut sink);
    for (at, given) in given {
        while engine.advance(&program, at - 1, 100, &mut sink) {}
        engine.offer(*at, *given).unwrap();
    }
    while engine.advance(&program, until, 100, &mut sink) {}
    told
}

fn event(compiled: &Compiled, name: &str) -> EventId {
    EventId::named(compiled.symbols.events.iter().position(|known| known == name).unwrap() as u16)
}

fn variable(compiled: &Compiled, name: &str) -> VariableId {
    VariableId(compiled.symbols.variables.iter().position(|known| known.name == name).unwrap() as u16)
}

/// A value and the event that tells of it, 2 ms later, as a controller sends them.
fn value(compiled: &Compiled, at: Micros, name: &str, value: i64) -> [(Micros, Given); 2] {
    let given = Given::Parameter { variable: variable(compiled, name), value };
    [(at, given), (at + 2_000, Given::Outside(event(compiled, &format!("{name}.arrive"))))]
}

/// What the session came to, in words: states entered, events raised, values set.
fn words(compiled: &Compiled, told: &[(Micros, Record)]) -> Vec<(Micros, String)> {
    let names = &compiled.symbols;
    let word = |record: &Record| match record {
        Record::Enter { state, .. } => Some(names.states[state.index()].name.clone()),
        Record::Event(event) => Some(names.events[usize::from(event.0 - EventId::NAMED)].clone()),
        Record::Set { variable, value } => Some(format!("{} = {value}", names.variables[variable.index()].name)),
        Record::Trial { number } => Some(format!("trial {number}")),
        _ => None,
    };
    told.iter().filter_map(|(at, record)| Some((*at, word(record)?))).collect()
}

fn lines(compiled: &Compiled, told: &[(Micros, Record)]) -> Vec<String> {
    words(compiled, told).into_iter().map(|(at, word)| format!("{at} {word}")).collect()
}

const DECODER: &str = "\
protocol: decoder
outside:
  decoded: {initial: 0.0, range: [0, 1], stale: 200 ms}
  zone: {choices: [left, right], keys: {left: l, right: r}}
  contact: {key: c}
start: waiting
states:
  waiting:
    transitions:
      - {event: decoded.arrive, if: decoded > 0.5, to: hit}
      - {event: decoded.stale, to: lost}
      - {event: contact, if: zone == right and decoded.age < 50 ms, to: hit}
  hit: {transitions: [{after: 20 ms, if: decoded.stale, to: lost}, {after: 20 ms, to: waiting}]}
  lost: {transitions: [{event: decoded.arrive, to: waiting}]}
session: {ends: [{if: trial.number > 3}]}
";

#[test]
fn a_value_from_outside_is_taken_up_and_its_event_heard() {
    let compiled = compiled(&task(DECODER));
    let mut given = Vec::new();
    given.extend(value(&compiled, 11_000, "decoded", 400_000));
    given.extend(value(&compiled, 51_000, "decoded", 600_000));
    given.extend(value(&compiled, 300_000, "decoded", 100_000));
    let told = run(&compiled, &given, 400_000);
    assert_eq!(
        lines(&compiled, &told),
        [
            "1000 everywhere",
            "1000 waiting",
            "53000 hit",
            "73000 waiting",
            // 200 ms after the event of the second.
            "253000 lost",
            "302000 waiting",
        ]
    );
    let given: Vec<_> = told.iter().filter(|(_, record)| record.feeds_engine()).map(|(at, _)| *at).collect();
    assert_eq!(given, [1_000, 11_000, 13_000, 51_000, 53_000, 300_000, 302_000], "each arrival is a record");
}

#[test]
fn how_old_a_value_is_can_be_asked_and_what_was_never_given_is_as_old_as_the_session() {
    let compiled = compiled(&task(DECODER));
    let contact = Given::Outside(event(&compiled, "contact"));
    let mut given = vec![(40_000, contact)];
    given.extend(value(&compiled, 60_000, "zone", 1));
    given.extend([(70_000, contact)]);
    given.extend(value(&compiled, 80_000, "decoded", 300_000));
    given.extend([(131_999, contact)]);
    let told = run(&compiled, &given, 140_000);
    let seen = lines(&compiled, &told);
    assert_eq!(seen, ["1000 everywhere", "1000 waiting", "131999 hit"], "49 999 µs old is younger than 50 ms");
}

#[test]
fn a_controller_learns_what_it_may_send_and_by_which_keys() {
    let compiled = compiled(&task(DECODER));
    let world = &compiled.symbols.world;
    let [decoded, zone, contact] = world.outside.as_slice() else { panic!("{world:?}") };
    assert_eq!(decoded.value.as_ref().unwrap().range, Some((0, 1_000_000)));
    assert_eq!(compiled.symbols.events[usize::from(decoded.event)], "decoded.arrive");
    assert_eq!(zone.keys, [('l', Some(0)), ('r', Some(1))]);
    assert_eq!((contact.value.as_ref(), contact.keys.as_slice()), (None, [('c', None)].as_slice()));
    let columns: Vec<&str> =
        compiled.symbols.variables.iter().filter(|v| v.column).map(|variable| variable.name.as_str()).collect();
    assert_eq!(columns, ["decoded", "zone"], "what the compiler made for itself is no column");
}

const LIVE: &str = "\
protocol: live
lines: {lever: lever}
parameters:
  pause: {default: 1 s, range: [100 ms, 5 s], live: at once}
  hold: {default: 2 s, range: [0 s, 5 s], live: next trial}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions: [{event: lever.press, to: wait}]
  wait: {transitions: [{after: pause, to: held}]}
  held: {transitions: [{after: hold, to: ready}]}
session: {ends: [{after: 1 h}]}
";

#[test]
fn a_parameter_is_taken_up_at_once_or_as_the_next_trial_begins() {
    let compiled = compiled(&task(LIVE));
    let live =
        |name: &str| compiled.symbols.variables[variable(&compiled, name).index()].parameter.clone().unwrap().live;
    let (pause, hold) = (live("pause").unwrap(), live("hold").unwrap());
    assert_eq!((pause.range, hold.next_trial), (Some((100_000, 5_000_000)), true));
    let given = [
        (10_000, Given::Edge { line: LineId(0), active: true }),
        (20_000, Given::Parameter { variable: VariableId(pause.variable), value: 500_000 }),
        (30_000, Given::Parameter { variable: VariableId(hold.variable), value: 100_000 }),
        (3_100_000, Given::Edge { line: LineId(0), active: false }),
        (3_200_000, Given::Edge { line: LineId(0), active: true }),
    ];
    let told = run(&compiled, &given, 4_500_000);
    assert_eq!(
        lines(&compiled, &told),
        [
            "1000 ready",
            "1000 trial 1",
            "10000 wait",
            "1010000 held",
            "3010000 ready",
            "3010000 trial 2",
            "3010000 hold = 100000",
            "3200000 wait",
            "3700000 held",
            "3800000 ready",
            // What was taken up already is not set again.
            "3800000 trial 3",
        ]
    );
}

const PROMPTS: &str = "\
protocol: prompts
prompts:
  placed: {ask: Put the animal into the box.}
  drug: {ask: Which drug?, choices: [saline, cno]}
  dose: {ask: Dose in mg per kg?, default: 1.0, range: [0, 10]}
  remark: {ask: Anything to note?, note: true}
start: placing
states:
  placing:
    entry: [{ask: placed}]
    transitions: [{event: placed.answer, to: asking}, {after: 1 min, to: asking}]
  asking:
    entry: [{ask: drug}, {ask: dose}, {ask: remark}]
    transitions: [{event: drug.answer, if: drug == cno and dose > 0, to: over}]
  over: {final: true}
session: {ends: [{after: 1 h}]}
";

#[test]
fn a_question_waits_for_its_answer_and_is_taken_back_with_its_state() {
    let compiled = compiled(&task(PROMPTS));
    let told = run(
        &compiled,
        &[
            (9_000, Given::Outside(event(&compiled, "placed.answer"))),
            (20_000, Given::Parameter { variable: variable(&compiled, "drug"), value: 1 }),
            (21_000, Given::Outside(event(&compiled, "drug.answer"))),
            (30_000, Given::Parameter { variable: variable(&compiled, "drug"), value: 2 }),
            (31_000, Given::Outside(event(&compiled, "drug.answer"))),
        ],
        40_000,
    );
    assert_eq!(
        lines(&compiled, &told),
        [
            "1000 placing",
            "1000 placed.ask",
            "9000 placed.withdraw",
            "9000 asking",
            "9000 drug.ask",
            "9000 dose.ask",
            "9000 remark.ask",
            "31000 drug.withdraw",
            "31000 dose.withdraw",
            "31000 remark.withdraw",
            "31000 over",
        ]
    );
    let forms: Vec<&AnswerForm> = compiled.symbols.world.prompts.iter().map(|prompt| &prompt.form).collect();
    assert!(matches!(
        forms[..],
        [AnswerForm::Done, AnswerForm::Choice { first: 1, .. }, AnswerForm::Value { .. }, AnswerForm::Note]
    ));
    let drug = &compiled.symbols.variables[variable(&compiled, "drug").index()];
    assert_eq!((drug.labels.as_slice(), drug.column), (["none", "saline", "cno"].map(String::from).as_slice(), true));
}

const FRAMES: &str = "\
protocol: frames
lines: {frame: frame, camera: trigger, lever: lever}
frames:
  imaging: {count: frame.rise, alarm: 100 ms}
  video: {trigger: camera, rate: 50 Hz, width: 1 ms}
start: waiting
states:
  waiting: {transitions: [{event: imaging.start, to: imaged}]}
  imaged:
    transitions:
      - {event: lever.press, if: imaging >= 3 and imaging.running, to: pulled}
      - {event: imaging.stop, to: waiting}
  pulled: {transitions: [{event: imaging.stop, to: waiting}]}
session: {ends: [{after: 1 h}]}
";

#[test]
fn frames_are_counted_triggered_and_missed() {
    let compiled = on_scope(FRAMES);
    let frame = |at| (at, Given::Edge { line: LineId(0), active: true });
    let fall = |at| (at, Given::Edge { line: LineId(0), active: false });
    let press = |at| (at, Given::Edge { line: LineId(2), active: true });
    let given = [
        frame(10_000),
        fall(11_000),
        frame(43_000),
        press(50_000),
        fall(51_000),
        (52_000, Given::Edge { line: LineId(2), active: false }),
        frame(76_000),
        press(80_000),
        fall(81_000),
        frame(400_000),
    ];
    let told = run(&compiled, &given, 450_000);
    assert_eq!(
        lines(&compiled, &told),
        [
            "1000 everywhere",
            "1000 waiting",
            "10000 imaging.start",
            "10000 imaged",
            // The press at 50 ms came with the second frame.
            "80000 pulled",
            "176000 waiting",
            "400000 imaging.start",
            "400000 imaged",
        ]
    );
    let asked: Vec<_> = told.iter().filter(|(_, record)| matches!(record, Record::Request { .. })).collect();
    let [(1_000, Record::Request { line: LineId(1), request: Request::Train(train) })] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!((train.width_us, train.period_us, train.count), (1_000, 20_000, u32::MAX));
}

/// Levels of a line as asked for, and when.
fn levels(told: &[(Micros, Record)], line: LineId) -> Vec<(Micros, bool)> {
    let level = |record: &Record| match record {
        Record::Request { line: of, request: Request::On } if *of == line => Some(true),
        Record::Request { line: of, request: Request::Off } if *of == line => Some(false),
        _ => None,
    };
    told.iter().filter_map(|(at, record)| Some((*at, level(record)?))).collect()
}

fn synced(sync: &str) -> Compiled {
    on_scope(&format!(
        "protocol: synced\nlines: {{lever: lever, code: sync}}\nsync:\n  code: {sync}\nstart: only\n\
         states: {{only: {{final: true, transitions: [{{event: lever.press, to: only}}]}}}}\n"
    ))
}

#[test]
fn a_barcode_has_the_bits_and_times_that_were_stated_and_counts_up() {
    let compiled = synced("{barcode: {bits: 4, bit: 30 ms, start: 10 ms, every: 1 s, first: 14}}");
    let told = run(&compiled, &[], 3_000_000);
    let seen = levels(&told, LineId(1));
    // 14 is 0 1 1 1, 15 is 1 1 1 1, then 0: least significant first.
    let fourteen = [0, 10, 20, 30, 70, 160, 170, 180].map(|ms| 1_000 + ms * 1_000);
    let off_on =
        |times: &[u64]| -> Vec<(Micros, bool)> { times.iter().enumerate().map(|(n, at)| (*at, n % 2 == 0)).collect() };
    // Off after the last start pulse at 30 ms; the first bit, from 40 ms on, is 0.
    assert_eq!(seen[..8], off_on(&fourteen));
    let fifteen = [0, 10, 20, 30, 40, 160, 170, 180].map(|ms| 1_001_000 + ms * 1_000);
    assert_eq!(seen[8..16], off_on(&fifteen));
    let zero = [0, 10, 20, 30, 170, 180].map(|ms| 2_001_000 + ms * 1_000);
    assert_eq!(seen[16..], off_on(&zero));
    let numbers: Vec<i64> = told
        .iter()
        .filter_map(|(_, record)| match record {
            Record::Set { value, .. } => Some(*value),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [14, 15, 0], "each number is recorded as its barcode begins");
    let [sync] = compiled.symbols.world.sync.as_slice() else { panic!() };
    assert!(matches!(sync.pattern, SyncPattern::Barcode(timing) if timing.length_us() == 180_000));
}

#[test]
fn sync_pulses_at_a_rate_are_one_train_without_end() {
    let told = run(&synced("{pulses: {rate: 1 Hz, width: 100 ms}}"), &[], 5_000_000);
    let trains: Vec<_> = told.iter().filter(|(_, record)| matches!(record, Record::Request { .. })).collect();
    let [(1_000, Record::Request { request: Request::Train(train), .. })] = trains.as_slice() else {
        panic!("{trains:?}")
    };
    assert_eq!((train.width_us, train.period_us, train.count), (100_000, 1_000_000, u32::MAX));
}

#[test]
fn sync_pulses_at_drawn_distances_come_from_the_seed_and_each_draw_is_recorded() {
    let compiled = synced("{random: {between: [500 ms, 2 s], width: 50 ms}}");
    let told = run(&compiled, &[], 60_000_000);
    let drawn = told.iter().filter_map(|(at, record)| match record {
        Record::Draw { value, odds, .. } => Some((*at, *value, *odds)),
        _ => None,
    });
    let drawn: Vec<(Micros, i64, (i64, i64))> = drawn.collect();
    let pulses: Vec<Micros> = told
        .iter()
        .filter(|(_, record)| matches!(record, Record::Request { request: Request::Train(train), .. } if train.width_us == 50_000))
        .map(|(at, _)| *at)
        .collect();
    assert!(drawn.len() > 30, "{}", drawn.len());
    assert!(drawn.iter().all(|(_, us, odds)| (500_000..=2_000_000).contains(us) && *odds == (500_000, 2_000_000)));
    let due: Vec<Micros> = drawn.iter().map(|(at, us, _)| at + us.unsigned_abs()).take(pulses.len()).collect();
    assert_eq!(pulses, due, "each pulse comes the drawn time after the one before");
}
