//! Counters: of events, of states entered, of trials and of outcomes, each with its reset, traced on the engine.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, trace};
use common::{Case, case, drawn, findings, sim_box};

const COUNTS: &str = "\
protocol: counts
lines: {lever: lever, spout: lick}
timers: [beat]
counters:
  licks: {count: spout.lick}
  moves: {count: lever.change, reset: session}
  rings: {count: beat.end, reset: session}
  tries: {count: outer.hold.entered}
  begun: {count: trial.begin, reset: session}
  wins: {count: outcome.won, reset: session}
session: {ends: [{if: wins >= 2}]}
start: outer
states:
  outer:
    start: hold
    entry: [{trial: begin}, {timer: {start: beat, for: 400 ms, repeat: forever}}]
    transitions:
      - {when: licks >= 2, if: tries < 9, outcome: won, to: outer}
    states:
      hold:
        entry: [{event: tried, if: tries == 2}]
        transitions:
          - {event: lever.press, if: moves == 1, to: hold}
          - {event: lever.press, do: [{reset: licks}, {outcome: won, if: rings > 90}], to: hold}
";

#[test]
fn each_counter_adds_before_whatever_asks_it() {
    let compiled = compiled_for(COUNTS, &sim_box());
    let edges = [
        (100.0, "lever press"),
        (150.0, "lever release"),
        (200.0, "spout lick"),
        (250.0, "lever press"),
        (300.0, "spout off"),
        (310.0, "spout lick"),
        (320.0, "spout off"),
        (330.0, "spout lick"),
        (500.0, "spout lick"),
        (600.0, "spout lick"),
    ];
    let told = trace(&compiled, &edges, 1_000.0);
    assert_eq!(
        told,
        "         0 outer:
         0 trial 1
         0 licks = 0
         0 tries = 0
         0 begun = 1
         0 outer.hold:
         0 tries = 1
       100 moves = 1
       100 outer.hold:
       100 tries = 2
       100 event tried
       150 moves = 2
       200 licks = 1
       250 moves = 3
       250 licks = 0
       250 outer.hold:
       250 tries = 3
       310 licks = 1
       330 licks = 2
       330 outcome won
       330 wins = 1
       330 outer:
       330 trial 2
       330 licks = 0
       330 tries = 0
       330 begun = 2
       330 outer.hold:
       330 tries = 1
       500 licks = 1
       600 licks = 2
       600 outcome won
       600 wins = 2
       600 outer:
       600 end Condition(0)
"
    );
}

#[test]
fn a_counter_has_counted_before_any_handler_everywhere_asks_it() {
    let text =
        format!("{COUNTS}everywhere:\n  on: [{{event: spout.lick, if: licks == 1, do: [{{event: first_lick}}]}}]\n");
    let told = trace(&compiled_for(&text, &sim_box()), &[(100.0, "spout lick"), (200.0, "spout off")], 300.0);
    assert!(told.contains("100 licks = 1\n       100 event first_lick\n"), "{told}");
}

#[test]
fn mistakes_in_counters_are_told() {
    let cases: &[Case] = &[
        case("something of a trial", "count: trial.begin", "count: trial.start", "E250-counted"),
        case("an outcome no trial has", "count: outcome.won", "count: outcome.one", "E250-counted"),
        case("a state that is not there", "outer.hold.entered", "outer.hald.entered", "E250-counted"),
        case("something else of a state", "outer.hold.entered", "outer.hold.enterd", "E250-counted"),
        case("a reset of a variable", "[{reset: licks}", "[{reset: beat}", "E251-not-a-counter"),
        case("a counter that is set", "[{reset: licks}", "[{set: {licks: 0}}", "E121-not-settable"),
        case("an event that is not there", "count: spout.lick", "count: spout.like", "E112-unknown-event"),
    ];
    insta::assert_snapshot!("counters", drawn(cases, findings, COUNTS));
}
