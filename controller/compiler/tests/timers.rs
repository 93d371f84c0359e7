//! Timers that are told what they are, and inputs that must be steady: traced on the engine.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, trace, trace_from};
use common::{Case, case, drawn, findings, sim_box};

/// A light that blinks three times after a delay, over states; the lever and the spout turn it.
const BLINK: &str = "\
protocol: blink
lines: {lever: lever, spout: lick, mask: light, cue: speaker}
parameters: {dark: {default: 300 ms}}
timers:
  blink: {for: 200 ms, delay: 100 ms, repeat: 2, interval: dark, on: mask}
  late: {for: 10 s}
  plain:
counters: {flashes: {count: blink.start, reset: session}}
session: {ends: [{trials: 9}]}
start: ready
states:
  ready:
    transitions: [{event: lever.press, do: [{timer: {start: blink}}], to: going}]
  going:
    on:
      - {event: lever.release, if: blink.running, do: [{event: still_on}]}
      - {event: blink.end, if: blink.repeats == 0, do: [{event: last}]}
    transitions: [{event: spout.lick, to: other}, {when: flashes >= 3 and not blink.running, to: done}]
  other:
    entry: [{timer: {pause: blink}}]
    exit: [{timer: {resume: blink}}]
    transitions: [{event: spout.off, to: going}, {event: lever.press, do: [{timer: {reset: blink}}], to: going}, {event: lever.release, do: [{timer: {stop: blink}}], to: done}]
  done:
    entry: [{timer: {start: late}}, {timer: {start: plain, for: 1 s, repeat: 1}}]
    transitions: [{when: late.left < 10 s and not late.running, to: ready}, {event: late.end, to: ready}]
everywhere:
  on: [{event: late.end, do: [{event: too_late}]}]
";

fn blink(edges: &[(f64, &str)], until_ms: f64) -> String {
    trace(&compiled_for(BLINK, &sim_box()), edges, until_ms)
}

#[test]
fn a_timer_waits_runs_rests_and_runs_again_with_its_line() {
    assert_eq!(
        blink(&[(100.0, "lever press"), (150.0, "lever release")], 12_000.0),
        "         0 ready:
       100 going:
       150 event still_on
       200 event blink.start
       200 flashes = 1
       200 mask on for 200 ms
       700 event blink.start
       700 flashes = 2
       700 mask on for 200 ms
      1200 event blink.start
      1200 flashes = 3
      1200 mask on for 200 ms
      1400 event last
      1400 done:
     11400 event too_late
     11400 ready:
"
    );
}

#[test]
fn a_pause_puts_the_line_out_and_what_is_left_comes_after_it() {
    let told = blink(&[(100.0, "lever press"), (250.0, "spout lick"), (1_250.0, "spout off")], 2_000.0);
    assert_eq!(
        told,
        "         0 ready:
       100 going:
       200 event blink.start
       200 flashes = 1
       200 mask on for 200 ms
       250 other:
       250 mask off
      1250 going:
      1250 mask on for 150 ms
      1700 event blink.start
      1700 flashes = 2
      1700 mask on for 200 ms
"
    );
}

#[test]
fn a_reset_begins_with_the_delay_again_and_a_stop_ends_all_of_it() {
    let told = blink(&[(100.0, "lever press"), (250.0, "spout lick"), (300.0, "lever press")], 1_450.0);
    let mask: Vec<&str> = told.lines().filter(|line| line.contains("mask")).collect();
    assert_eq!(
        mask,
        [
            "       200 mask on for 200 ms",
            "       250 mask off",
            "       400 mask on for 200 ms",
            "       900 mask on for 200 ms",
            "      1400 mask on for 200 ms",
        ],
        "{told}"
    );
    let told = blink(&[(100.0, "lever press"), (650.0, "spout lick"), (660.0, "lever release")], 5_000.0);
    assert_eq!(told.matches("mask on").count(), 1, "stopped while it rests:\n{told}");
    // One that neither runs nor stands still is not begun by a reset.
    let idle = BLINK.replace(
        "[{event: lever.press, do: [{timer: {start: blink}}], to: going}]",
        "[{event: lever.press, do: [{timer: {reset: blink}}], to: going}]",
    );
    let told = trace(&compiled_for(&idle, &sim_box()), &[(100.0, "lever press")], 3_000.0);
    assert!(!told.contains("mask"), "{told}");
}

#[test]
fn a_start_while_it_rests_begins_anew_and_the_rest_is_forgotten() {
    let text = BLINK.replace(
        "{event: lever.release, if: blink.running, do: [{event: still_on}]}",
        "{event: lever.release, do: [{timer: {start: blink}}]}",
    );
    let told = trace(&compiled_for(&text, &sim_box()), &[(100.0, "lever press"), (450.0, "lever release")], 1_000.0);
    let mask: Vec<&str> = told.lines().filter(|line| line.contains("mask")).collect();
    assert_eq!(mask, ["       200 mask on for 200 ms", "       550 mask on for 200 ms"], "not at 700 ms:\n{told}");
}

/// The lever must be held, and let go, for a while.
const STEADY: &str = "\
protocol: steady
lines: {lever: lever, joystick: analog, mask: light}
detectors:
  pull: {line: joystick, reach: 3 mm}
  hold: {line: lever, stable_for: 200 ms, about: held down}
  far: {line: pull, stable_for: grace}
parameters: {grace: {default: 50 ms}}
variables: {held_at: 0 s}
counters: {changes: {count: hold.change, reset: session}, raw: {count: lever.change, reset: session}}
session: {ends: [{trials: 9}]}
start: free
states:
  free:
    transitions: [{event: hold.press, do: [{set: {held_at: hold.since}}], to: held}, {when: far.reached, to: held}]
  held:
    entry: [{on: {line: mask, until: hold.release}}]
    transitions: [{when: not hold.down and not far.reached, to: free}]
";

#[test]
fn an_edge_is_told_of_once_the_line_has_been_steady_and_keeps_its_own_time() {
    let compiled = compiled_for(STEADY, &sim_box());
    let edges = [
        (100.0, "lever press"),
        (250.0, "lever release"),
        (300.0, "lever press"),
        (600.0, "lever release"),
        (700.0, "lever press"),
        (750.0, "lever release"),
        (1_000.0, "pull reach"),
        (1_020.0, "pull release"),
        (1_030.0, "pull reach"),
    ];
    let told = trace(&compiled, &edges, 1_080.0);
    assert_eq!(
        told,
        "         0 free:
       100 raw = 1
       250 raw = 2
       300 raw = 3
       500 event hold.press
       500 hold.since = 300000
       500 changes = 1
       500 held_at = 300000
       500 held:
       500 mask on
       600 raw = 4
       700 raw = 5
       750 raw = 6
       950 event hold.release
       950 hold.since = 750000
       950 free:
       950 changes = 2
       950 mask off
      1080 event far.reach
      1080 far.since = 1030000
      1080 held:
      1080 mask on
"
    );
}

#[test]
fn what_the_line_is_at_the_start_counts_as_steady() {
    let compiled = compiled_for(STEADY, &sim_box());
    let text = STEADY.replace("start: free", "start: held");
    let told = trace_from(&compiled_for(&text, &sim_box()), &["lever"], &[(100.0, "lever release")], 400.0);
    assert_eq!(
        told,
        "         0 held:
         0 mask on
       100 raw = 1
       300 event hold.release
       300 hold.since = 100000
       300 free:
       300 changes = 1
       300 mask off
"
    );
    // An edge in the very microsecond the time is over comes first, and the line was steady for less.
    let told = trace(&compiled, &[(100.0, "lever press"), (300.0, "lever release")], 600.0);
    assert!(!told.contains("hold"), "{told}");
}

#[test]
fn mistakes_in_timers_are_told() {
    let cases: &[Case] = &[
        case("a length twice", "timer: {start: blink}", "timer: {start: blink, for: 1 s}", "E252-told-twice"),
        case("no length at all", "{start: plain, for: 1 s, repeat: 1}", "{start: plain}", "E030-missing-key"),
        case("no repeats", "for: 1 s, repeat: 1", "for: 1 s, repeat: 0", "E128-repeat"),
        case("a reset of what has no length", "{reset: blink}", "{reset: plain}", "E253-no-length"),
        case("a timer without its length", "late: {for: 10 s}", "late: {delay: 10 s}", "E030-missing-key"),
        case("an interval and no repeat", "repeat: 2, interval", "interval", "E032-unknown-key"),
        case("a number of repeats", "repeat: 2, ", "repeat: often, ", "E063-unknown-name"),
        case("a line that lights for too long", "for: 200 ms", "for: 200 s", "E124-over-max-on"),
        case("a line that is no output", "on: mask}", "on: lever}", "E122-not-an-output"),
        case("a member it has not", "blink.repeats == 0", "blink.repeat == 0", "E066-unknown-member"),
        case("an event it has not", "event: blink.end", "event: blink.stop", "E112-unknown-event"),
        case("two things at once", "{pause: blink}", "{pause: blink, reset: late}", "E088-timer-verb"),
    ];
    insta::assert_snapshot!("timers", drawn(cases, findings, BLINK));
}

#[test]
fn mistakes_in_inputs_that_must_be_steady_are_told() {
    let cases: &[Case] = &[
        case("an output", "line: lever, stable_for", "line: mask, stable_for", "E245-not-steady"),
        case("a line that is sampled", "line: lever, stable_for", "line: joystick, stable_for", "E245-not-steady"),
        case("a line that is not there", "line: lever, stable_for", "line: levr, stable_for", "E111-unknown-line"),
        case("an event it has not", "event: hold.press", "event: hold.pres", "E112-unknown-event"),
        case("a level it has not", "when: not hold.down", "when: not hold.up", "E066-unknown-member"),
        case("no unit", "stable_for: 200 ms", "stable_for: 200", "E024-missing-unit"),
        case("a name twice", "hold: {line: lever, stable_for", "mask: {line: lever, stable_for", "E074-named-twice"),
    ];
    insta::assert_snapshot!("steady", drawn(cases, findings, STEADY));
}
