//! How a session starts, what it knows of itself, and how it ends.

use engine::{Engine, Given, Start};
use link::program::Program;
use link::program::op::OpCode::LessOrEqual;
use link::program::op::Special;
use link::{EndReason, Fault, LineId, Record, TripCause};

use crate::support::*;

fn ask(what: Special) -> Script {
    special(what, Operand::Number(0))
}

/// A trial a pull; the outcome is `hit` on a lick.
fn trials() -> Protocol {
    let run = state().entry(trial()).on("lever on", to("run")).on("spout on", handle(outcome("hit")));
    protocol("lever spout").outcomes("miss hit").state("run", run)
}

#[test]
fn the_first_record_names_seed_levels_and_program() {
    let bench = trials().bench().seed(77).already_on(&["spout"]).starting_at(5_000);
    let hash = Program::open(&bench.image).unwrap().hash();
    let program = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
    assert_eq!(bench.run(5_000)[0], (5_000, Record::Start { seed: 77, levels: 0b10, program }));
}

#[test]
fn every_region_is_entered_before_the_first_signal_is_heard() {
    let a = state().entry(raise("go")).on("go", handle(set("heard", 1)));
    let b = state().on("go", handle(set("heard", 2)));
    protocol("").events("go").variable("heard", 0).state("a", a).region().state("b", b).bench().expect(
        "
        0                    | enter a
                             | event go
                             | enter b
                             | heard = 1
                             | heard = 2
        ",
    );
}

#[test]
fn a_lever_already_down_at_the_start_is_seen() {
    let ready = state().when(is_on("lever"), to("pulled")).on("lever on", to("pulled"));
    let all = protocol("lever").state("ready", ready).state("pulled", state());
    all.bench().already_on(&["lever"]).expect(
        "
        0                    | enter ready
                             | enter pulled
        ",
    );
    all.bench().expect(
        "
        0                    | enter ready
        70 lever on          | lever on
                             | enter pulled
        ",
    );
}

#[test]
fn the_microsecond_of_the_start_is_closed_by_it() {
    trials().bench().starting_at(500).expect(
        "
        500                  | enter run
                             | trial 1
        501 spout on @500    | spout on late 1
                             | outcome hit
        ",
    );
}

#[test]
fn what_the_session_knows_of_itself() {
    let tell = handle([
        set("session", ask(Special::SessionTime)),
        set("number", ask(Special::Trial)),
        set("time", ask(Special::TrialTime)),
        set("state", special(Special::StateTime, Operand::State("run"))),
        set("outer", special(Special::StateTime, Operand::State("outer"))),
        set("away", special(Special::StateTime, Operand::State("iti"))),
        set("level", is_on("lever")),
        set("result", ask(Special::Outcome)),
        set("here", in_state("outer")),
    ]);
    let run = state().on("spout on", handle(trial())).on("spout off", handle(outcome("hit"))).on("lever on", to("run"));
    let names = ["session", "number", "time", "state", "outer", "away", "level", "result", "here"];
    let all = names.into_iter().fold(protocol("lever spout"), |all, name| all.variable(name, 0));
    let all = all.outcomes("miss hit").events("tell").state("outer", state().on("tell", tell)).state("outer/run", run);
    all.state("iti", state()).bench().starting_at(1_000).expect(
        "
        1000                 | enter outer
                             | enter run
        1100 outside tell    | outside tell
                             | session = 100
                             | number = 0
                             | time = 100
                             | state = 100
                             | outer = 100
                             | away = 0
                             | level = 0
                             | result = 0
                             | here = 1
        1200 spout on        | spout on
                             | trial 1
        1300 lever on        | lever on
                             | enter run
        1350 spout off       | spout off
                             | outcome hit
        1400 outside tell    | outside tell
                             | session = 400
                             | number = 1
                             | time = 200
                             | state = 100
                             | outer = 400
                             | away = 0
                             | level = 1
                             | result = 2
                             | here = 1
        ",
    );
}

#[test]
fn a_trial_closes_the_one_before_and_forgets_its_outcome() {
    let run = state().entry([trial(), set("was", ask(Special::Outcome))]).on("lever on", to("run"));
    let run = run.on("spout on", handle([outcome("hit"), set("was", ask(Special::Outcome))]));
    protocol("lever spout").outcomes("miss hit").variable("was", 0).state("run", run).bench().expect(
        "
        0                    | enter run
                             | trial 1
                             | was = 0
        10 spout on          | spout on
                             | outcome hit
                             | was = 2
        20 lever on          | lever on
                             | enter run
                             | trial 2
                             | was = 0
        ",
    );
}

#[test]
fn the_session_ends_only_at_a_trial_boundary() {
    let long_enough = binary(1_000, LessOrEqual, ask(Special::SessionTime));
    let three_trials = binary(3, LessOrEqual, ask(Special::Trial));
    let all = trials().ends_when(long_enough).ends_when(three_trials);
    all.bench().expect(
        "
        0                    | enter run
                             | trial 1
        999 lever on         | lever on
                             | enter run
                             | trial 2
        5000 spout on        | spout on
                             | outcome hit
        6000 lever on        | lever on
                             | enter run
                             | end: Condition(0)
        ",
    );
    all.bench().expect(
        "
        0                    | enter run
                             | trial 1
        1 lever on           | lever on
                             | enter run
                             | trial 2
        2 lever on           | lever on
                             | enter run
                             | trial 3
        3 lever on           | lever on
                             | enter run
                             | end: Condition(1)
        ",
    );
}

#[test]
fn a_last_trial_is_finished() {
    trials().bench().expect(
        "
        0                    | enter run
                             | trial 1
        10 last trial        | last trial: HostLost
        20 spout on          | spout on
                             | outcome hit
        30 lever on          | lever on
                             | enter run
                             | end: HostLost
        40 lever on          |
        ",
    );
}

#[test]
fn the_words_that_stop_a_session_come_out_at_its_end() {
    let bench = trials().bench();
    let program = Program::open(&bench.image).unwrap();
    for reason in [EndReason::Stopped, EndReason::Tripped(TripCause::HostAbort), EndReason::RingFull] {
        let mut records = Vec::new();
        let mut engine = Engine::new();
        let mut sink = |at, record| records.push((at, record));
        engine.start(&program, Start { at: 0, seed: 1, levels: 0, program: program.name() }, &mut sink);
        engine.offer(70, Given::Stop(reason)).unwrap();
        assert!(!engine.advance(&program, 100, u16::MAX, &mut sink));
        assert!(!engine.running());
        assert_eq!(records[records.len() - 2..], [(70, Record::Stop(reason)), (70, Record::End(reason))]);
    }
}

#[test]
fn after_the_end_nothing_is_taken_and_nothing_comes() {
    let bench = trials().bench();
    let program = Program::open(&bench.image).unwrap();
    let mut records = 0;
    let mut engine = Engine::new();
    let mut sink = |_, _| records += 1;
    engine.start(&program, Start { at: 0, seed: 1, levels: 0, program: program.name() }, &mut sink);
    engine.offer(70, Given::Stop(EndReason::Stopped)).unwrap();
    engine.offer(80, Given::Edge { line: LineId(0), active: true }).unwrap();
    assert!(!engine.advance(&program, 1_000, u16::MAX, &mut sink));
    engine.offer(2_000, Given::Edge { line: LineId(0), active: true }).unwrap();
    assert_eq!(engine.next_at(), None);
    assert!(!engine.advance(&program, 9_000, u16::MAX, &mut sink));
    assert_eq!(engine.clock(), 9_001);
    assert_eq!(records, 5, "start, enter, trial, stop, end");
}

#[test]
fn a_second_session_begins_as_if_there_had_been_none() {
    let run = state().entry([trial(), draw("x", []), set("n", plus("n", 1)), on("laser")]).on("lever on", to("run"));
    let run = run.after(5_000, to("run")).when(equal("n", 3), to("done"));
    let all = protocol("lever laser").draw("x", deck(&[2, 2])).variable("n", 0).state("run", run);
    let bench = all.state("done", state()).bench();
    let program = Program::open(&bench.image).unwrap();
    let mut engine = Engine::new();
    let mut session = |at| {
        let mut records = Vec::new();
        let mut sink = |then, record| records.push((then - at, record));
        engine.start(&program, Start { at, seed: 9, levels: 0, program: program.name() }, &mut sink);
        for after in [10, 20, 30] {
            engine.offer(at + after, Given::Edge { line: LineId(0), active: true }).unwrap();
        }
        while engine.advance(&program, at + 25, 1, &mut sink) {}
        records
    };
    assert_eq!(session(0), session(1_000_000));
}

#[test]
fn as_many_inputs_as_the_inbox_holds_wait_and_one_more_is_told() {
    let bench = trials().bench();
    let program = Program::open(&bench.image).unwrap();
    let mut engine = Engine::new();
    engine.start(&program, Start { at: 0, seed: 1, levels: 0, program: program.name() }, &mut |_, _| {});
    let edge = Given::Edge { line: LineId(1), active: false };
    let taken = (0..100).take_while(|n| engine.offer(100 - n, edge).is_ok()).count();
    assert_eq!(taken, link::limits::MAX_INBOX);
}

#[test]
fn a_parameter_that_does_not_exist_is_a_fault_and_no_panic() {
    let bench = trials().bench();
    let program = Program::open(&bench.image).unwrap();
    let mut last = None;
    let mut engine = Engine::new();
    let mut sink = |_, record| last = Some(record);
    engine.start(&program, Start { at: 0, seed: 1, levels: 0, program: program.name() }, &mut sink);
    engine.offer(5, Given::Parameter { variable: link::VariableId(999), value: 1 }).unwrap();
    assert!(!engine.advance(&program, 10, 9, &mut sink));
    assert_eq!(last, Some(Record::End(EndReason::Fault(Fault::BadProgram))));
}
