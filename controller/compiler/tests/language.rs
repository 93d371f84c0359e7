//! The language as `docs/language.md` tells it: every feature compiles to what the page says.
#![allow(clippy::unwrap_used)]

mod common;

use common::{GOOD, compiled, ops, task, with};
use compiler::symbols::Unit;
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{Code, DrawKind};
use link::program::{Program, Table};
use link::{EventId, LineId, StateId, TimerId};

/// One of everything.
const TOUR: &str = "\
protocol: tour
lines: {lever: lever, spout: lick, water: valve, cue: speaker, mask: light, laser: laser}
parameters:
  pause_max: {default: 2 s, range: [1 s, 5 s], basis: published, source: doi:10.1000/182}
  hard: {default: false}
variables:
  streak: 0
  rest: 2 s
  side: {labels: [left, right], initial: right}
  scratch: {initial: 0.5, column: false}
lists: {sizes: [4 µl, 8 µl]}
timers: [late, beat]
counters:
  licks: {count: spout.lick, reset: trial}
  beats: {count: beat.end, reset: session}
stimuli: {go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms}}, flash: {pulses: {width: 1 ms, period: 3 ms, count: 2, delay: 4 ms}}}
session: {ends: [{after: 1 h}, {trials: 10}, {if: streak >= 20}]}
start: outer
states:
  outer:
    start: first
    entry:
      - trial: begin
      - draw: {pause: {normal: {mean: 1 s, sd: 200 ms, min: 500 ms, max: pause_max}}}
      - draw: {die: {integer: [1, 6]}, wait: {uniform: [1 s, 2 s]}}
      - draw: {side: {weighted: {left: 3, right: \"if(hard, 3, 1)\"}}}
        if: die > 2
      - on: mask
      - play: {line: cue, stimulus: go}
      - timer: {start: late, for: 5 s}
      - timer: {start: beat, for: 100 ms, repeat: forever}
    exit:
      - timer: {stop: late}
      - timer: {pause: beat}
      - timer: {resume: beat}
    transitions:
      - {event: late.end, outcome: slow, to: over}
    states:
      first:
        on:
          - {after: wait, do: [{event: nudge}]}
          - {event: spout.lick, if: licks == 2, do: [{set: {scratch: scratch + 0.25, rest: rest * scratch}}]}
        transitions:
          - {event: lever.press, to: second}
      second:
        transitions:
          - {when: not lever.down and state.time > 10 ms, if: side == left, outcome: quick, to: over}
          - {after: \"min(pause, rest)\", to: first}
          - {event: lever.release, to: back}
  over:
    entry:
      - deliver: {line: water, volume: \"sizes[if(side == left, 0, 1)]\"}
      - pulse: {line: laser, stimulus: flash, if: outcome == quick and in(idle)}
      - on: {line: laser, for: 20 ms}
      - on: {line: mask, until: off}
    exit:
      - off: mask
    transitions:
      - {after: 1 s, to: outer.first}
everywhere:
  on:
    - {event: nudge, do: [{set: {streak: streak + 1}}]}
  transitions:
    - {event: lever.release, if: trial.time > 1 h, to: over}
regions:
  beside:
    start: idle
    states:
      idle: {transitions: [{event: nudge, to: busy}]}
      busy: {transitions: [{event: cue.end, to: idle}]}
invariants:
  - at most 3 deliver on water per session
  - never on on mask in idle
";

#[test]
fn one_of_everything_compiles() {
    let compiled = compiled(&task(TOUR));
    // `outer` holds the mask on and `over` switches it on: going to and fro, it never goes off.
    let told: Vec<&str> = compiled.warnings.list.iter().map(|found| found.code).collect();
    assert_eq!(told, ["W063-may-stay-on"], "{}", compiled.warnings);
    let names: Vec<&str> = compiled.symbols.states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names, ["everywhere", "outer", "outer.first", "outer.second", "over", "idle", "busy"]);
    let program = Program::open(&compiled.image).unwrap();
    let parents: Vec<StateId> = (0..7).map(|n| program.state(n).parent).collect();
    let none = StateId::NONE;
    assert_eq!(parents, [none, StateId(0), StateId(1), StateId(1), StateId(0), none, none]);
    assert_eq!((program.region(0).start, program.region(1).start), (StateId(0), StateId(5)));
    assert_eq!((program.state(0).initial, program.state(1).initial), (StateId(1), StateId(2)));
    assert_eq!(compiled.symbols.outcomes, ["slow", "quick"], "in the order of their first use");
    assert_eq!(compiled.symbols.ends, ["after: 1 h", "trials: 10", "if: streak >= 20"]);
}

#[test]
fn handlers_stand_before_transitions_and_counters_before_both() {
    let compiled = compiled(&task(TOUR));
    let program = Program::open(&compiled.image).unwrap();
    let root: Vec<_> = program.state(0).rules.range().map(|row| program.rule(row)).collect();
    let nudge = EventId::named(compiled.symbols.events.iter().position(|event| event == "nudge").unwrap() as u16);
    let events: Vec<EventId> = root.iter().map(|rule| rule.event).collect();
    let (lick, beat) = (EventId::edge(LineId(1), true), EventId::timer(TimerId(1)));
    assert_eq!(events, [lick, beat, nudge, EventId::edge(LineId(0), false)]);
    assert!(root[..3].iter().all(|rule| rule.target == StateId::NONE));
    let second: Vec<_> = program.state(3).rules.range().map(|row| program.rule(row)).collect();
    assert_eq!(second[0].target, StateId::BACK);
}

#[test]
fn draws_name_and_type_their_variables() {
    let compiled = compiled(&task(TOUR));
    let unit = |name: &str| compiled.symbols.variables.iter().find(|variable| variable.name == name).unwrap().unit;
    assert_eq!((unit("pause"), unit("die"), unit("wait")), (Unit::Time, Unit::Count, Unit::Time));
    let column = |name: &str| compiled.symbols.variables.iter().find(|variable| variable.name == name).unwrap().column;
    assert!(column("pause") && column("licks") && !column("scratch") && !column("hard"));
    let program = Program::open(&compiled.image).unwrap();
    let kinds: Vec<DrawKind> = (0..program.rows(Table::Draws)).map(|row| program.draw(row).kind).collect();
    assert_eq!(kinds, [DrawKind::Normal, DrawKind::Uniform, DrawKind::Uniform, DrawKind::Weighted]);
    // The bounds of the normal draw took the parameter's value of this session.
    let normal = program.draw(0);
    assert_eq!(program.constant(usize::from(normal.constants) + 1), 2_000_000);
    let written: Vec<&str> = compiled.symbols.draws.iter().map(|draw| draw.kind.as_str()).collect();
    assert_eq!(written, ["normal", "integer", "uniform", "weighted"]);
}

#[test]
fn a_level_lasts_as_long_as_its_state_unless_it_is_told_otherwise() {
    let compiled = compiled(&task(TOUR));
    let program = Program::open(&compiled.image).unwrap();
    let mask = compiled.symbols.lines.iter().position(|line| line.name == "mask").unwrap() as u8;
    let outer = ops(&program, program.state(1).exit);
    assert_eq!(outer.last(), Some(&Op::new(OpCode::Off, mask, 0)), "after the exit's own actions");
    assert_eq!(ops(&program, program.state(4).exit), [Op::new(OpCode::Off, mask, 0)], "the one that was written");
}

/// What a constant expression comes to: it is set into a variable, and the compiler works it out.
fn value(expression: &str, initial: &str) -> i64 {
    let text = GOOD
        .replace("  streak: 0", &format!("  streak: 0\n  result: {initial}"))
        .replace("- on: mask", &format!("- on: mask\n      - set: {{result: \"{expression}\"}}"));
    let compiled = compiled(&task(&text));
    let program = Program::open(&compiled.image).unwrap();
    let pay = compiled.symbols.states.iter().position(|state| state.name == "pay").unwrap();
    let ops = ops(&program, program.state(pay).entry);
    let [.., value, _store] = ops.as_slice() else { panic!("no value") };
    match value.code {
        OpCode::Int => i64::from(value.b.cast_signed()),
        OpCode::Constant => program.constant(usize::from(value.b)),
        other => panic!("{expression} was not worked out: {other:?}"),
    }
}

#[test]
fn operators_bind_as_the_page_says() {
    for (expression, initial, expected) in [
        ("1 + 2 * 3", "0", 7),
        ("(1 + 2) * 3", "0", 9),
        ("10 - 2 - 3", "0", 5),
        ("7 % 4", "0", 3),
        ("-3 + 1", "0", -2),
        ("1 / 4", "0.5", 250_000),
        ("2 * 50%", "0.5", 1_000_000),
        ("50 % + 0.25", "0.5", 750_000),
        ("1 s + 500 ms", "1 s", 1_500_000),
        ("1.5 * 2 s", "1 s", 3_000_000),
        ("1 s / 3", "1 s", 333_333),
        ("1 s / 400 ms", "0.5", 2_500_000),
        ("max(1 s, 2 s) - min(300 ms, 1 s)", "1 s", 1_700_000),
        ("abs(2 - 5)", "0", 3),
        ("if(1 < 2, 4 µl, 8 µl)", "1 µl", 4_000),
        ("not 1 == 2 and true", "false", 1),
        ("not (true or false)", "false", 0),
        ("true or false and false", "false", 1),
        ("3 >= 3 and 3 > 2 and 2 != 3 and 2 <= 2", "false", 1),
        ("0.1 + 0.2 == 0.3", "false", 1),
        ("0.5 >= 50 % and 1 > 90 % or false", "false", 1),
        ("true and false", "false", 0),
        ("false or false", "false", 0),
        ("2 < 2", "false", 0),
        ("2 > 2", "false", 0),
        ("3 <= 2", "false", 0),
        ("2 >= 3", "false", 0),
        ("1 != 1", "false", 0),
    ] {
        assert_eq!(value(expression, initial), expected, "{expression}");
    }
}

#[test]
fn what_the_device_knows_is_asked_of_the_device() {
    for (expression, special, of) in [
        ("session.time > 1 s", Special::SessionTime, 0),
        ("trial.number > 1", Special::Trial, 0),
        ("trial.time > 1 s", Special::TrialTime, 0),
        ("state.time > 1 s", Special::StateTime, 1),
        ("lever.down", Special::Level, 0),
        ("spout.touching", Special::Level, 1),
        ("late.left > 1 s", Special::TimerLeft, 0),
        ("late.running", Special::TimerRunning, 0),
        ("outcome == missed", Special::Outcome, 0),
    ] {
        let compiled = compiled(&task(&GOOD.replace("licks < 3", expression)));
        let program = Program::open(&compiled.image).unwrap();
        let ready = program.state(1);
        let rule = ready.rules.range().map(|row| program.rule(row)).find(|rule| rule.guard != Code::NONE).unwrap();
        let found = ops(&program, rule.guard);
        assert!(found.contains(&Op::new(OpCode::Special, special as u8, of)), "{expression}: {found:?}");
    }
}

#[test]
fn a_protocol_at_the_limits_fits_and_one_past_them_is_told_the_number() {
    let states = |count: usize| {
        let chain: String = (0..count)
            .map(|n| format!("  s{n}: {{transitions: [{{after: 1 s, to: s{}}}]}}\n", (n + 1) % count))
            .collect();
        format!("protocol: chain\nsession: {{ends: [{{if: in(s1)}}]}}\nstart: s0\nstates:\n{chain}")
    };
    assert!(with(&task(&states(1_000)), &[]).is_ok());
    let found = with(&task(&states(1_025)), &[]).unwrap_err();
    assert_eq!(found.list[0].code, "E092-too-many");
    assert!(found.list[0].message.contains("1025 states; a device holds 1024"), "{found}");
    let variables: String = (0..257).map(|n| format!("  v{n}: 0\n")).collect();
    let found = with(&task(&GOOD.replace("variables:\n", &format!("variables:\n{variables}"))), &[]).unwrap_err();
    assert!(found.list[0].message.contains("a device holds 256"), "{found}");
}
