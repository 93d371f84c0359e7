//! What is done behind an action sees what was asked before it, and what a state holds on is held by whoever switched it on:
//! guards that their own action changes, timers that run again, stimuli that a table tells, lines held by several.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, rig, trace};
use common::{sim_box, task, with};

/// The first finding's code, its place and what is said.
fn first(text: &str) -> (&'static str, String) {
    let found = with(&task(text), &[]).unwrap_err();
    let first = &found.list[0];
    (first.code, format!("{}: {}", text.get(first.span.start..first.span.end).unwrap(), first.message))
}

#[test]
fn a_guard_that_its_own_action_changes_is_asked_once() {
    const TEXT: &str = "\
protocol: once
lines: {lever: lever, spout: lick}
counters:
  wins: {count: outcome.won, reset: session}
  begun: {count: trial.begin, reset: session}
session: {ends: [{after: 1 min}]}
start: ready
states:
  ready:
    entry: [{trial: begin, if: trial.number < 2}]
    on:
      - {event: spout.lick, do: [{outcome: won, if: outcome == none}]}
      - {at: trial.start + 100 ms, do: [{event: late}]}
    transitions: [{event: lever.press, to: ready}]
";
    let edges = [
        (10.0, "spout lick"),
        (20.0, "spout off"),
        (30.0, "spout lick"),
        (200.0, "lever press"),
        (210.0, "lever release"),
        (400.0, "lever press"),
    ];
    assert_eq!(
        trace(&compiled_for(TEXT, &sim_box()), &edges, 600.0),
        "         0 ready:
         0 trial 1
         0 begun = 1
        10 outcome won
        10 wins = 1
       100 event late
       200 ready:
       200 trial 2
       200 begun = 2
       300 event late
       400 ready:
"
    );
}

#[test]
fn what_a_timer_has_still_to_run_is_the_same_for_all_who_wait_for_its_end() {
    const TEXT: &str = "\
protocol: again
lines: {lever: lever, mask: light}
timers: {blink: {for: 20 ms, repeat: 2, on: mask}}
session: {ends: [{after: 1 min}]}
start: go
states:
  go:
    entry: [{trial: begin}, {timer: {start: blink}}]
    on:
      - {event: blink.end, if: blink.repeats == 0, do: [{event: last}]}
      - {event: blink.start, if: blink.repeats == 0, do: [{event: last_begins}]}
    transitions:
      - {event: blink.end, if: blink.repeats == 0, to: over}
      - {event: lever.press, to: go}
  over: {final: true}
everywhere:
  on: [{event: blink.end, if: blink.repeats == 0, do: [{event: last_above}]}]
";
    let compiled = compiled_for(TEXT, &sim_box());
    let told = |edges: &[(f64, &str)]| {
        let told = trace(&compiled, edges, 200.0);
        told.lines().filter(|line| line.contains("last") || line.contains("over")).collect::<Vec<_>>().join("\n")
    };
    let expected = "        40 event blink.start
        40 event last_begins
        60 event last
        60 event last_above
        60 over:";
    let at = |edges: &[(f64, &str)]| told(edges).replace("event blink.start\n", "");
    assert_eq!(at(&[]), expected.replace("        40 event blink.start\n", ""));
    // Begun anew in the very microsecond of an end, it owes that end nothing.
    assert_eq!(
        at(&[(20.0, "lever press")]),
        "        60 event last_begins\n        80 event last\n        80 event last_above\n        80 over:"
    );
}

#[test]
fn a_stimulus_that_a_table_or_a_list_tells_has_its_times() {
    const TEXT: &str = "\
protocol: chosen
lines: {lever: lever, cue: speaker}
tables: {options: {safe: {sound: low}, risky: {sound: high}}}
lists: {sounds: [low, high]}
variables: {choice: {labels: options}, n: 0}
stimuli:
  low: {tone: {frequency: 4 kHz, level: 60 dB, duration: 30 ms}}
  high: {tone: {frequency: 8 kHz, level: 60 dB, duration: 50 ms}}
session: {ends: [{after: 1 min}]}
start: first
states:
  first:
    entry: [{trial: begin}, {set: {choice: risky}}, {play: {line: cue, stimulus: \"options[choice].sound\"}}]
    transitions: [{after: 100 ms, to: second}]
  second:
    entry: [{play: {line: cue, stimulus: \"sounds[n]\"}}]
    transitions: [{event: lever.press, to: first}]
everywhere:
  on: [{at: low.end, do: [{event: low_over}]}, {at: high.end, do: [{event: high_over}]}]
";
    let told = trace(&compiled_for(TEXT, &sim_box()), &[], 300.0);
    let events: Vec<&str> = told.lines().filter(|line| line.contains("over")).map(str::trim).collect();
    assert_eq!(events, ["50 event high_over", "130 event low_over"], "{told}");
    let never = TEXT
        .replace("low.end", "other.end")
        .replace("  high: {tone", "  other: {noise: {level: 60 dB, duration: 5 ms}}\n  high: {tone");
    assert_eq!(first(&never).0, "E241-never-begins");
}

#[test]
fn a_line_goes_off_with_the_state_that_switched_it_on_and_with_no_other() {
    const TEXT: &str = "\
protocol: held
lines: {lever: lever, mask: light, laser: laser}
parameters: {lit: {default: false}}
session: {ends: [{after: 1 min}]}
start: before
states:
  before:
    entry: [{trial: begin}, {on: {line: laser, until: off}}]
    transitions: [{after: 10 ms, to: outer}]
  outer:
    start: one
    entry: [{on: mask}]
    transitions: [{event: lever.press, to: over}]
    states:
      one: {transitions: [{after: 10 ms, to: two}]}
      two:
        entry: [{on: mask}, {on: laser, if: lit}]
        transitions: [{after: 10 ms, to: one}]
  over: {entry: [{off: laser}], final: true}
";
    let told = |set: &[(&str, &str)]| {
        let compiled = with(&task(TEXT), set).unwrap();
        let told = trace(&compiled, &[(45.0, "lever press")], 100.0);
        let lines = told.lines().filter(|line| line.ends_with("on") || line.ends_with("off"));
        lines.map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), ["0 laser on", "10 mask on", "45 mask off", "45 laser off"]);
    assert_eq!(
        told(&[("lit", "true")]),
        ["0 laser on", "10 mask on", "30 laser off", "40 laser on", "45 mask off", "45 laser off"]
    );
}

#[test]
fn what_begins_and_ends_by_one_event_is_told_of() {
    const TEXT: &str = "\
protocol: at_once
lines: {spout: lick, mask: light}
session: {ends: [{after: 1 min}]}
start: go
states:
  go:
    entry: [{trial: begin}]
    on: [{event: spout.lick, do: [{on: {line: mask, until: spout.lick}}]}]
    transitions: [{after: 1 s, to: go}]
";
    let (code, said) = first(TEXT);
    assert_eq!(
        (code, said.as_str()),
        ("E243-until", "spout.lick: `spout.lick` is what is handled here: `mask` would be off again at once")
    );
    // A transition is taken when what the event ends has ended: it is on until the next.
    let on_the_way =
        TEXT.replace("    on: [", "    transitions: [").replace("}}]}]\n    transitions", "}}], to: go}]\n    exit");
    let on_the_way = on_the_way.replace("exit: [{after: 1 s, to: go}]", "exit: []");
    let told = trace(&compiled_for(&on_the_way, &sim_box()), &[(10.0, "spout lick")], 20.0);
    assert!(told.contains("10 mask on"), "{told}");
}

#[test]
fn a_motor_changes_by_speed_in_one_state_and_by_power_in_another() {
    const TEXT: &str = "\
protocol: two_ramps
lines: {rod: motor}
session: {ends: [{after: 1 min}]}
start: fast
states:
  fast:
    entry: [{trial: begin}, {on: {line: rod, speed: {from: 4 rpm, to: 25 rpm, over: 3 ms}}}]
    transitions: [{after: 2 ms, to: slow}]
  slow:
    entry: [{on: {line: rod, power: {from: 10 %, to: 40 %, over: 3 ms}}}]
    transitions: [{after: 1 s, to: over}]
  over: {final: true}
";
    let told = trace(&compiled_for(TEXT, &rig("rig-configs/rotarod-box.yaml")), &[], 100.0);
    let powers: Vec<&str> = told.lines().filter(|line| line.contains(" at ")).map(str::trim).collect();
    assert_eq!(
        powers,
        ["0 rod at 8 %", "1 rod at 22.875 %", "2 rod at 10 %", "3 rod at 20 %", "4 rod at 30 %", "5 rod at 40 %"],
        "{told}"
    );
}

#[test]
fn what_is_steady_at_the_start_is_known_to_the_first_action() {
    const TEXT: &str = "\
protocol: steady
lines: {lever: lever}
detectors: {hold: {line: lever, stable_for: 20 ms}}
session: {ends: [{after: 1 min}]}
start: go
states: {go: {entry: [{trial: begin}], transitions: [{event: hold.release, to: go}]}}
everywhere: {entry: [{event: down, if: hold.down}]}
";
    let told = common::trace::trace_from(&compiled_for(TEXT, &sim_box()), &["lever"], &[], 100.0);
    assert!(told.contains("0 event down"), "{told}");
}

#[test]
fn what_is_drawn_as_a_state_is_left_is_drawn_before_the_next() {
    const TEXT: &str = "\
protocol: at_exit
lines: {lever: lever}
session: {ends: [{after: 1 min}]}
start: first
states:
  first:
    exit: [{draw: {gap: {uniform: [1 s, 2 s]}}}]
    transitions: [{event: lever.press, to: second}]
  second:
    entry: [{trial: begin}]
    transitions: [{after: gap, to: first}]
";
    assert!(with(&task(TEXT), &[]).is_ok());
    let elsewhere = TEXT.replace("start: first", "start: second");
    assert_eq!(first(&elsewhere).0, "E161-read-before-draw");
}

#[test]
fn draws_between_one_another_have_their_types_in_whatever_order_they_stand() {
    const TEXT: &str = "\
protocol: chain
lines: {lever: lever}
session: {ends: [{after: 1 min}]}
start: go
states:
  go:
    entry: [{trial: begin}, {set: {seen: if(trial.number > 1, d, 0 s)}}, {draw: {a: {uniform: [1 s, 2 s]}}}]
    transitions: [{event: lever.press, to: third}]
  fourth:
    entry: [{draw: {d: {uniform: [c, c + 1 s]}}}]
    transitions: [{after: d, to: over}]
  third:
    entry: [{draw: {b: {uniform: [a, a + 1 s]}}}, {draw: {c: {uniform: [b, b + 1 s]}}}]
    transitions: [{after: c, to: fourth}]
  over: {final: true}
variables: {seen: 0 s}
";
    let text = TEXT.replace("{set: {seen: if(trial.number > 1, d, 0 s)}}, ", "{set: {seen: 1 s}}, ");
    let compiled = with(&task(&text), &[]).unwrap_or_else(|found| panic!("{found}"));
    let drawn: Vec<&str> = compiled
        .symbols
        .draws
        .iter()
        .map(|draw| compiled.symbols.variables[usize::from(draw.variable)].name.as_str())
        .collect();
    assert_eq!(drawn, ["a", "d", "b", "c"], "none is left out");
    let circle = text.replace("{uniform: [a, a + 1 s]}", "{uniform: [b, b + 1 s]}");
    let (code, said) = first(&circle);
    assert_eq!(
        (code, said.as_str()),
        ("E218-circular", "d: what `d` measures cannot be told by what it is drawn between")
    );
}
