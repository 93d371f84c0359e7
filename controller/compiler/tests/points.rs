//! Times told from a point, and outputs that are on until something comes: traced on the engine.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, holes, trace};
use common::{Case, case, drawn, findings, sim_box};

/// A shock that ends with the tone, in a region of its own, and a limit that holds over two states.
const FEAR: &str = "\
protocol: fear
lines: {lever: lever, spout: lick, cue: speaker, mask: light, laser: laser}
parameters: {lead: {default: 1 s, range: [0 s, 5 s]}, patience: {default: 800 ms}}
variables: {late: 0}
stimuli:
  cs: {tone: {frequency: 8 kHz, level: 70 dB, duration: 3 s, delay: 100 ms}}
  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20}}
session: {ends: [{trials: 9}]}
start: rest
states:
  rest:
    entry: [{trial: begin}]
    transitions:
      - {event: lever.press, do: [{event: pulled}], to: trial_1}
  trial_1:
    start: wait
    transitions:
      - {at: pulled + patience, outcome: slow, to: rest}
    states:
      wait: {transitions: [{event: lever.release, to: aim}]}
      aim:
        entry: [{play: {line: cue, stimulus: cs, if: late == 0}}]
        on:
          - {at: cs.start, do: [{event: heard}]}
        transitions: [{event: spout.lick, outcome: quick, to: rest}]
everywhere:
  on:
    - {at: cs.end, do: [{event: silence}]}
    - {at: trial.start + 10 s, do: [{event: long}]}
    - {at: spout.lick + 50 ms, if: late == 0, do: [{event: after_lick}]}
regions:
  us:
    start: off
    states:
      off: {transitions: [{at: cs.end - lead, to: given}]}
      given:
        entry: [{pulse: {line: laser, stimulus: burst}}, {on: {line: mask, until: cs.end}}]
        transitions: [{after: 2 s, to: off}]
";

#[test]
fn a_time_told_from_a_point_comes_once_wherever_the_protocol_is() {
    let compiled = compiled_for(FEAR, &sim_box());
    let told = trace(
        &compiled,
        &[(100.0, "lever press"), (200.0, "lever release"), (250.0, "spout lick"), (300.0, "spout off")],
        12_000.0,
    );
    assert_eq!(
        told,
        "         0 rest:
         0 trial 1
         0 off:
       100 event pulled
       100 trial_1:
       100 trial_1.wait:
       200 trial_1.aim:
       200 cue plays for 3000 ms
       250 outcome quick
       250 rest:
       250 trial 2
       300 event after_lick
      2300 given:
      2300 mask on
      2300 laser 20 × 5 ms
      3300 event silence
      3300 mask off
      4300 off:
     10250 event long
"
    );
}

#[test]
fn a_limit_of_a_state_that_holds_others_runs_from_its_point_and_not_from_an_entry() {
    let compiled = compiled_for(FEAR, &sim_box());
    let told = trace(&compiled, &[(100.0, "lever press"), (500.0, "lever release")], 1_000.0);
    let end: Vec<&str> = told.lines().rev().take(4).collect();
    assert_eq!(
        end,
        ["       900 trial 2", "       900 rest:", "       900 outcome slow", "       600 event heard"],
        "800 ms from the pull, whenever the state within was entered:\n{told}"
    );
}

#[test]
fn a_stimulus_that_is_not_played_has_no_times_and_one_played_again_has_new_ones() {
    let never = FEAR.replace("late: 0", "late: 1");
    let edges = [(100.0, "lever press"), (200.0, "lever release"), (700.0, "spout lick")];
    let told = trace(&compiled_for(&never, &sim_box()), &edges, 6_000.0);
    assert!(!told.contains("given") && !told.contains("silence") && !told.contains("heard"), "{told}");
    assert!(!told.contains("after_lick"), "the guard is asked when the time has come:\n{told}");
    let twice = [
        (100.0, "lever press"),
        (200.0, "lever release"),
        (250.0, "spout lick"),
        (300.0, "spout off"),
        (1_000.0, "lever press"),
        (1_100.0, "lever release"),
        (1_150.0, "spout lick"),
    ];
    let told = trace(&compiled_for(FEAR, &sim_box()), &twice, 8_000.0);
    let given: Vec<&str> = told.lines().filter(|line| line.contains("given") || line.contains("silence")).collect();
    assert_eq!(given, ["      3200 given:", "      4200 event silence"], "the second tone's alone:\n{told}");
}

/// A light that burns until one of several things comes, while other things are asked of it.
const UNTIL: &str = "\
protocol: until_something
lines: {hole: {array: 5, kind: poke, parts: {light: light}}, tray: poke, house: light}
variables: {target: 2}
session: {ends: [{trials: 9}]}
start: dark
states:
  dark:
    on:
      - {event: 'hole[3].in', do: [{on: {line: house, until: tray.in}}]}
      - {event: 'hole[4].in', do: [{on: {line: house, for: 100 ms}}]}
      - {event: 'hole[5].in', do: [{on: {line: house, until: tray.out + 200 ms}}]}
      - {event: 'hole[1].in', do: [{on: {line: 'hole[target].light', until: 'hole[target].change'}}]}
      - {event: tray.in, do: [{set: {target: 5}}]}
    transitions: [{event: 'hole[2].in', do: [{off: house}, {trial: begin}], to: lit}]
  lit:
    entry: [{on: house}]
    transitions: [{event: 'hole[2].out', to: dark}]
";

#[test]
fn a_line_is_on_until_its_event_unless_something_else_was_asked_of_it() {
    let compiled = compiled_for(UNTIL, &holes());
    let lights = |edges: &[(f64, &str)]| {
        let told = trace(&compiled, edges, 5_000.0);
        told.lines()
            .filter(|line| line.contains("house") || line.contains("light"))
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(lights(&[(1.0, "hole_3 in"), (2.0, "tray in"), (3.0, "tray out")]), "1 house on, 2 house off");
    // A pulse, or the state that follows, has taken the line over: the event is no longer waited for.
    assert_eq!(
        lights(&[(1.0, "hole_3 in"), (2.0, "hole_4 in"), (3.0, "tray in")]),
        "1 house on, 2 house on for 100 ms"
    );
    let held = [(1.0, "hole_3 in"), (2.0, "hole_2 in"), (3.0, "tray in"), (4.0, "hole_2 out")];
    assert_eq!(lights(&held), "1 house on, 4 house off");
    // A time.
    assert_eq!(lights(&[(1.0, "hole_5 in"), (2.0, "tray in"), (3.0, "tray out")]), "1 house on, 203 house off");
    // An element of an array, by an index that is another by then.
    assert_eq!(
        lights(&[(1.0, "hole_1 in"), (2.0, "tray in"), (3.0, "hole_5 in"), (4.0, "tray out"), (300.0, "hole_5 out")]),
        "1 hole_light_2 on, 3 hole_light_2 off, 3 house on, 204 house off"
    );
}

/// How long a state lasted, asked in what a transition does.
const LASTED: &str = "\
protocol: lasted
lines: {lever: lever, spout: lick}
variables: {took: 0 s, within: 0 s, whole: 0 s}
session: {ends: [{trials: 9}]}
start: outer
states:
  outer:
    start: first
    transitions:
      - {event: spout.lick, if: state.time > 150 ms, do: [{set: {whole: state.time}}], to: over}
      - {event: spout.off, do: [{set: {within: state.time}}], to: outer.first}
    states:
      first:
        transitions: [{event: lever.press, do: [{set: {took: state.time + 1 ms}}], to: second}]
      second:
        transitions: [{event: lever.release, do: [{set: {took: 0 s}}], to: first}]
  over: {final: true}
";

#[test]
fn how_long_a_state_lasted_is_known_to_the_transition_that_leaves_it() {
    let compiled = compiled_for(LASTED, &sim_box());
    let edges = [(100.0, "spout lick"), (120.0, "spout off"), (200.0, "lever press"), (300.0, "spout lick")];
    let told = trace(&compiled, &edges, 400.0);
    let set: Vec<&str> = told.lines().filter(|line| line.contains('=')).map(str::trim).collect();
    // `first` was entered anew at 120 ms, `outer` never left before 300 ms.
    assert_eq!(set, ["120 within = 120000", "200 took = 81000", "300 whole = 300000"], "{told}");
    let text = LASTED.replace("state.time + 1 ms}}], to: second", "state.time + 1 ms}}], to: back");
    let found = findings(&text);
    assert_eq!(found.list[0].code, "E244-back-in-time", "{found}");
    insta::assert_snapshot!("back-in-time", found.to_string());
}

#[test]
fn mistakes_in_times_and_ends_are_told() {
    let cases: &[Case] = &[
        case("a time alone", "at: cs.end - lead", "at: 3 s", "E240-no-point"),
        case("a stimulus without its end", "at: cs.end - lead", "at: cs - lead", "E240-no-point"),
        case("a state's time", "at: cs.end - lead", "at: state.time + 1 s", "E240-no-point"),
        case("a stimulus never played", "at: cs.end - lead", "at: idle.end - lead", "E111-unknown-line"),
        case(
            "a stimulus that nothing plays",
            "play: {line: cue, stimulus: cs, if: late == 0}",
            "play: {line: cue, stimulus: other}",
            "E125-unknown-stimulus",
        ),
        case("before it begins", "at: cs.end - lead", "at: cs.start - 200 ms", "E242-before-it-begins"),
        case("before it begins, by a parameter", "lead: {default: 1 s", "lead: {default: 4 s", "E242-before-it-begins"),
        case("no time is added", "at: cs.end - lead", "at: cs.end - 3", "E060-wrong-type"),
        case("an event nothing raises", "at: pulled + patience", "at: puled + patience", "E112-unknown-event"),
        case("on until nothing", "until: cs.end}", "until: the end}", "E243-until"),
        case("on until a time that has no point", "until: cs.end}", "until: 5 s}", "E240-no-point"),
        case("two triggers", "{at: cs.end, do", "{at: cs.end, after: 1 s, do", "E082-two-triggers"),
    ];
    insta::assert_snapshot!("points", drawn(cases, findings, FEAR));
    let text = FEAR.replace("{play: {line: cue, stimulus: cs, if: late == 0}}", "{event: nothing}");
    let found = findings(&text);
    assert_eq!(found.list[0].code, "E241-never-begins", "{found}");
    insta::assert_snapshot!("never-begins", found.list[0].message);
}
