//! Outputs held for a state, for the states it holds, for the session; the three kinds of transitions and the handlers with what they
//! do; nested states, `back`, regions and signals: traced on the engine.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, holes, trace, trace_from};

const HELD: &str = "\
protocol: held
lines: {hole: {array: 5, kind: poke, parts: {light: light}}, tray: poke, house: light}
variables: {pokes: 0}
session: {ends: [{trials: 9}]}
start: attempt
states:
  attempt:
    start: reach
    entry: [{on: 'hole[1].light'}]
    exit: [{event: over}]
    on:
      - {event: 'hole[1].in', do: [{set: {pokes: pokes + 1}}]}
      - {after: 1 s, do: [{on: {line: 'hole[3].light', for: 100 ms}}]}
    transitions:
      - {event: tray.in, do: [{on: {line: 'hole[4].light', until: off}}], to: pause}
      - {after: 2 s, do: [{event: slow}], to: end}
      - {when: pokes >= 3, do: [{event: enough}], to: end}
    states:
      reach:
        transitions: [{event: 'hole[1].in', to: hold}]
      hold:
        entry: [{on: 'hole[2].light'}]
        transitions: [{event: 'hole[1].out', to: reach}]
  pause:
    transitions: [{event: tray.out, do: [{off: 'hole[4].light'}], to: back}]
  end: {final: true}
everywhere:
  entry: [{on: 'hole[5].light'}]
  on: [{event: over, do: [{event: heard}]}]
regions:
  room:
    start: quiet
    states:
      quiet: {transitions: [{event: heard, to: loud}]}
      loud:
        entry: [{on: house}]
        transitions: [{after: 50 ms, to: quiet}]
";

#[test]
fn what_is_held_lasts_as_long_as_what_holds_it() {
    let compiled = compiled_for(HELD, &holes());
    let edges = [
        (100.0, "hole_1 in"),
        (200.0, "tray in"),
        (400.0, "tray out"),
        (500.0, "hole_1 out"),
        (600.0, "hole_1 in"),
        (1_700.0, "hole_1 out"),
        (1_800.0, "hole_1 in"),
    ];
    let told = trace(&compiled, &edges, 3_000.0);
    assert_eq!(
        told,
        "         0 attempt:
         0 attempt.reach:
         0 quiet:
         0 hole_light_1 on
         0 hole_light_5 on
       100 pokes = 1
       100 attempt.hold:
       100 hole_light_2 on
       200 event over
       200 pause:
       200 event heard
       200 loud:
       200 hole_light_1 off
       200 hole_light_2 off
       200 hole_light_4 on
       200 house on
       250 quiet:
       250 house off
       400 attempt:
       400 attempt.hold:
       400 hole_light_1 on
       400 hole_light_2 on
       400 hole_light_4 off
       500 attempt.reach:
       500 hole_light_2 off
       600 pokes = 2
       600 attempt.hold:
       600 hole_light_2 on
      1400 hole_light_3 on for 100 ms
      1700 attempt.reach:
      1700 hole_light_2 off
      1800 pokes = 3
      1800 attempt.hold:
      1800 event over
      1800 event enough
      1800 end:
      1800 event heard
      1800 loud:
      1800 hole_light_1 off
      1800 house on
      1850 quiet:
      1850 house off
"
    );
}

#[test]
fn a_level_that_is_there_at_the_start_is_seen_at_once() {
    let text = HELD.replace("when: pokes >= 3", "when: tray.occupied");
    let told = trace_from(&compiled_for(&text, &holes()), &["tray"], &[], 100.0);
    assert!(told.contains("         0 end:"), "{told}");
}
