//! What a person gets to read after a mistake in what comes from outside, in parameters that change, prompts, frames and sync.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn, task};
use compiler::{Diagnostics, Options, Source, compile, read_rig};

const RIG: &str = "\
rig: scope-box
body: simulator
lines:
  frame: {kind: frame, pin: 4, active: high, pull: down}
  camera: {kind: trigger, pin: 14}
  code: {kind: sync, pin: 15}
  mask: {kind: light, pin: 12, max_on: 60 s}
";

const GOOD: &str = "\
protocol: seen from outside
lines: {frame: frame, camera: trigger, code: sync, mask: light}
parameters:
  pause: {default: 1 s, range: [100 ms, 5 s], live: at once}
outside:
  contact: {key: c}
  zone: {choices: [left, right], keys: {left: l, right: r}}
  decoded: {initial: 0.0, range: [0, 1], stale: 200 ms}
prompts:
  placed: {ask: Put the animal in.}
  dose: {ask: Dose?, default: 1.0, range: [0, 10]}
frames:
  imaging: {count: frame.rise, alarm: 200 ms}
  video: {trigger: camera, rate: 50 Hz, width: 1 ms}
sync:
  code: {barcode: {bits: 32, bit: 30 ms, start: 10 ms, every: 5 s}}
start: waiting
states:
  waiting:
    entry: [{trial: begin}, {ask: placed}, {ask: dose}]
    transitions:
      - {event: contact, to: lit}
      - {event: decoded.arrive, if: decoded > 0.5 and decoded.age < 1 s, to: lit}
      - {event: placed.answer, to: lit}
  lit:
    entry: [{on: mask}]
    transitions: [{after: pause, to: waiting}]
session: {ends: [{after: 1 h}]}
";

fn findings(text: &str) -> Diagnostics {
    let rig = read_rig(&Source { name: "scope-box.yaml".to_owned(), text: RIG.to_owned() }).unwrap();
    match compile(&task(text), &rig, &Options::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

fn show(name: &str, cases: &[Case]) {
    insta::assert_snapshot!(name, drawn(cases, findings, GOOD));
}

#[test]
fn what_is_good_is_told_nothing() {
    let found = findings(GOOD);
    assert!(found.is_empty(), "{found}");
}

#[test]
fn events_and_values_from_outside() {
    show(
        "outside",
        &[
            case("something else than an event", "contact: {key: c}", "contact: lick", "E036-unknown-word"),
            case("an event with a range", "{key: c}", "{key: c, range: [0, 1]}", "E285-value-or-event"),
            case("a value with one key", "stale: 200 ms}", "key: d}", "E285-value-or-event"),
            case("a key of two letters", "key: c", "key: cc", "E277-key"),
            case("a key for two things", "left: l,", "left: c,", "E277-key"),
            case("a key for no choice", "{left: l,", "{middle: l,", "E105-not-a-choice"),
            case("an initial value outside the range", "initial: 0.0", "initial: 2.0", "E106-out-of-range"),
            case(
                "a range that ends before it begins",
                "range: [0, 1], stale",
                "range: [1, 0], stale",
                "E104-empty-range",
            ),
            case("stale at once", "stale: 200 ms", "stale: 0 ms", "E027-out-of-bounds"),
            case("an event that is none", "event: decoded.arrive", "event: decoded.arrives", "E112-unknown-event"),
            case("a member that is none", "decoded.age <", "decoded.old <", "E066-unknown-member"),
            case(
                "set by the program",
                "- {event: contact,",
                "- {event: contact, do: [{set: {decoded: 1.0}}],",
                "E121-not-settable",
            ),
            case("a name that is taken", "  decoded: {", "  pause: {", "E074-named-twice"),
        ],
    );
}

#[test]
fn parameters_that_change() {
    show(
        "live",
        &[
            case("live at some other time", "live: at once", "live: always", "E036-unknown-word"),
            case("without a range", "range: [100 ms, 5 s], live", "live", "E276-live-without-range"),
            case("where it must be known", "stale: 200 ms", "stale: pause", "E275-may-change"),
        ],
    );
}

#[test]
fn questions() {
    show(
        "prompts",
        &[
            case("a prompt that is none", "{ask: placed}", "{ask: palced}", "E278-unknown-prompt"),
            case("a prompt without a question", "{ask: Put the animal in.}", "{note: true}", "E030-missing-key"),
            case("two ways to answer", "default: 1.0,", "default: 1.0, choices: [a, b],", "E279-one-answer"),
            case("a range and no default", "default: 1.0, ", "", "E279-one-answer"),
            case("never asked", ", {ask: dose}", "", "W045-never-asked"),
        ],
    );
}

#[test]
fn frames_and_sync() {
    show(
        "sync",
        &[
            case("frames that do nothing", "{count: frame.rise, alarm: 200 ms}", "{about: none}", "E284-frames"),
            case(
                "an alarm for frames that are not counted",
                "{trigger: camera,",
                "{trigger: camera, alarm: 1 s,",
                "E284-frames",
            ),
            case(
                "a rate of frames that are not triggered",
                "{count: frame.rise,",
                "{count: frame.rise, rate: 30 Hz,",
                "E284-frames",
            ),
            case("frames that are no edges", "count: frame.rise", "count: contact", "E284-frames"),
            case("frames at an uneven rate", "rate: 50 Hz", "rate: 30 Hz", "E079-uneven-rate"),
            case("frames that touch", "width: 1 ms", "width: 20 ms", "E078-pulses-touch"),
            case("a light as sync", "  code: {barcode", "  mask: {barcode", "E280-not-a-sync"),
            case("two patterns", "every: 5 s}}", "every: 5 s}, pulses: {rate: 1 Hz, width: 1 ms}}", "E281-one-pattern"),
            case(
                "random pulses that touch",
                "{barcode: {bits: 32, bit: 30 ms, start: 10 ms, every: 5 s}}",
                "{random: {between: [50 ms, 2 s], width: 50 ms}}",
                "E281-one-pattern",
            ),
            case("too many bits", "bits: 32", "bits: 33", "E282-barcode"),
            case("a bit like a start pulse", "bit: 30 ms", "bit: 15 ms", "E282-barcode"),
            case("barcodes that touch", "every: 5 s", "every: 1 s", "E282-barcode"),
            case("a first number that does not fit", "bits: 32,", "bits: 4, first: 16,", "E282-barcode"),
            case("a pulse on the same line", "{on: mask}", "{pulse: {line: code, width: 1 ms}}", "E283-driven-already"),
            case(
                "a pulse on a triggering line",
                "{on: mask}",
                "{pulse: {line: camera, width: 1 ms}}",
                "E283-driven-already",
            ),
        ],
    );
}
