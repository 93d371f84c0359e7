//! What a person gets to read who misuses a sampled line, a detector or the pins of a Pico; `snapshots/misuse__*` show every
//! message as a terminal draws it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn, shipped, sim_box, task};
use compiler::{Diagnostics, Options, Source, compile, read_rig};

/// A small protocol with detectors and nothing wrong.
const GOOD: &str = "\
protocol: looking
lines:
  joystick: analog
  lever: lever
  mask: light
detectors:
  pull: {line: joystick, reach: 3 mm, hysteresis: 0.3 mm}
  zone: {line: joystick, outside: [2 mm, 4 mm]}
  quiet: {line: joystick, still: 0.1 mm, for: 500 ms}
  start: {line: joystick, onset: 0.5 mm, within: 20 ms}
  fast: {line: joystick, speed: 20 mm/s, over: 100 ms}
session: {ends: [{after: 1 min}]}
start: a
states:
  a:
    entry: [{trial: begin}]
    on:
      - {event: lever.press, do: [{event: other}]}
      - {event: start.onset, if: not zone.outside, do: [{event: other}]}
      - {event: fast.onset, do: [{event: other}]}
    transitions:
      - {event: pull.reach, if: quiet.still, to: b}
  b:
    entry: [{on: mask}]
    transitions: [{after: 1 s, to: a}]
";

fn findings(text: &str) -> Diagnostics {
    match compile(&task(text), &sim_box(), &Options::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

#[test]
fn nothing_is_wrong_before_it_is_spoilt() {
    assert!(findings(GOOD).list.is_empty(), "{}", findings(GOOD));
}

#[test]
fn detectors_are_checked_like_everything_else() {
    let cases = [
        case("a detector on a digital line", "{line: joystick, reach", "{line: lever, reach", "E134-not-sampled"),
        case("a detector on an output", "{line: joystick, reach", "{line: mask, reach", "E134-not-sampled"),
        case("a detector on another detector", "{line: joystick, reach", "{line: zone, reach", "E134-not-sampled"),
        case("a detector on nothing", "{line: joystick, reach", "{line: joystik, reach", "E111-unknown-line"),
        case("a detector that looks for nothing", "reach: 3 mm, hysteresis: 0.3 mm", "about: a pull", "E037-looks-for"),
        case("a detector that looks for two things", "reach: 3 mm", "reach: 3 mm, below: 1 mm", "E037-looks-for"),
        case("a threshold without its unit", "reach: 3 mm", "reach: 3", "E024-missing-unit"),
        case("a threshold in raw values of another tool", "reach: 3 mm", "reach: 1.2 V", "E025-wrong-unit"),
        case("degrees on a lever", "reach: 3 mm", "reach: 20 deg", "E025-wrong-unit"),
        case("a threshold beyond what was measured", "reach: 3 mm", "reach: 9 mm", "E131-outside-calibration"),
        case("a hysteresis finer than the converter", "hysteresis: 0.3 mm", "hysteresis: 1 µm", "E133-too-fine"),
        case("a band that ends before it begins", "[2 mm, 4 mm]", "[4 mm, 2 mm]", "E104-empty-range"),
        case(
            "a hysteresis as wide as its band",
            "[2 mm, 4 mm]}",
            "[2 mm, 4 mm], hysteresis: 1.5 mm}",
            "E135-hysteresis",
        ),
        case("stillness for no time that is said", ", for: 500 ms", "", "E030-missing-key"),
        case("stillness shorter than a sample", "for: 500 ms", "for: 100 µs", "E136-window"),
        case("an onset over longer than is remembered", "within: 20 ms", "within: 1 s", "E136-window"),
        case("a speed that is no speed", "speed: 20 mm/s", "speed: 20 mm", "E025-wrong-unit"),
        case("a speed of nothing", "speed: 20 mm/s", "speed: 0 mm/s", "E133-too-fine"),
        case("a key of another detector", "reach: 3 mm,", "reach: 3 mm, within: 5 ms,", "E032-unknown-key"),
        case(
            "a threshold that changes while it runs",
            "reach: 3 mm",
            "reach: trial.number * 1 mm",
            "E090-not-constant",
        ),
        case("a detector called like a line", "  zone:", "  lever:", "E074-named-twice"),
        case("a detector called like a line of the rig", "  fast:", "  laser:", "E074-named-twice"),
        case("an event the detector does not have", "pull.reach", "pull.press", "E112-unknown-event"),
        case("an event of the line itself", "pull.reach", "joystick.reach", "E112-unknown-event"),
        case("the value of the line itself", "if: quiet.still", "if: joystick.value > 3", "E065-no-level"),
        case("a level the detector does not have", "if: quiet.still", "if: quiet.down", "E066-unknown-member"),
        case("a sampled line switched on", "[{on: mask}]", "[{on: joystick}]", "E122-not-an-output"),
        case("a detector switched on", "[{on: mask}]", "[{on: pull}]", "E122-not-an-output"),
        case(
            "a detector nobody waits for",
            "  quiet:",
            "  idle: {line: joystick, below: 1 mm}\n  quiet:",
            "W003-unused",
        ),
    ];
    insta::assert_snapshot!("detectors", drawn(&cases, findings, GOOD));
}

fn rig_findings(text: &str) -> Diagnostics {
    read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() }).unwrap_err()
}

#[test]
fn a_pico_is_wired_as_it_can_be() {
    let good = shipped("rig-configs/pico-box.yaml").text;
    const ID: &str = "#device: {id: E6616408432C3527}";
    let cases: &[Case] = &[
        case("a pin the board has taken", "pin: 12,", "pin: 23,", "E057-pin-taken"),
        case("an analog line on a digital pin", "pin: 26", "pin: 5", "E058-not-analog"),
        case("an analog line on a pin that is taken", "pin: 12,", "pin: 26,", "E042-pin-clash"),
        case("two speakers on one slice", "  mask:", "  second: {kind: speaker, pin: 27}\n  mask:", "E059-slice-clash"),
        case(
            "an encoder with one pin",
            "  mask:",
            "  wheel: {kind: encoder, pin: 6, counts_per_turn: 4096}\n  mask:",
            "E030-missing-key",
        ),
        case(
            "an encoder on one pin twice",
            "  mask:",
            "  wheel: {kind: encoder, pin: 6, pin_b: 6, counts_per_turn: 4096}\n  mask:",
            "E042-pin-clash",
        ),
        case(
            "an encoder on another line's pin",
            "  mask:",
            "  wheel: {kind: encoder, pin: 6, pin_b: 10, counts_per_turn: 4096}\n  mask:",
            "E042-pin-clash",
        ),
        case(
            "three encoders",
            "  mask:",
            "  a: {kind: encoder, pin: 4, pin_b: 5, counts_per_turn: 4096}\n  b: {kind: encoder, pin: 6, pin_b: 7, counts_per_turn: \
             4096}\n  c: {kind: encoder, pin: 8, pin_b: 9, counts_per_turn: 4096}\n  mask:",
            "E041-too-many-lines",
        ),
        case("an arming of an analog line", "    pin: 26\n", "    pin: 26\n    arm: required\n", "E032-unknown-key"),
        case("a voltage the converter cannot stand", "2.9 V", "5 V", "E048-bad-calibration"),
        case("a calibration that goes back and forth", "4 mm", "9 mm", "E048-bad-calibration"),
        case("one point", ", [1.63 V, 4 mm], [2.9 V, 8 mm]", "", "E048-bad-calibration"),
        case("points of two kinds", "8 mm]", "8 deg]", "E025-wrong-unit"),
        case("samples faster than the device", "sample: 1 ms", "sample: 10 µs", "E027-out-of-bounds"),
        case("a supply that is none", "supply: usb", "supply: battery", "E036-unknown-word"),
        case("a number that is too short", ID, "device: {id: E661}", "E055-bad-id"),
        case("a link over UART without its port", ID, "device: {link: uart}", "E056-no-port"),
        case("a line on a pin of the serial port", "pin: 3,", "pin: 1,", "E057-pin-taken"),
        case(
            "a device of a simulator",
            "body: rp2040",
            "body: simulator\ndevice: {id: E6616408432C3527}",
            "E054-device-on-simulator",
        ),
    ];
    let good = good.replace("lever: {kind: lever, pin: 2,", "lever: {kind: lever, pin: 2, about: its microswitch,");
    insta::assert_snapshot!("pico", drawn(cases, rig_findings, &good));
}

#[test]
fn a_lever_that_was_never_calibrated_has_no_millimetres() {
    let text = shipped("rig-configs/sim-box.yaml").text;
    let from = text.find("    calibration: {date: 2026-11-02, points:").unwrap();
    let line = text[from..].lines().next().unwrap();
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: text.replace(&format!("{line}\n"), "") }).unwrap();
    let found = compile(&task(GOOD), &rig, &Options::default()).unwrap_err();
    assert_eq!(found.list[0].code, "E130-not-calibrated", "{found}");
    assert!(found.list[0].help.as_ref().unwrap().contains("points: [[0.35 V, 0 mm]"), "{found}");
}

#[test]
fn a_sensor_that_is_not_straight_is_told_of_once() {
    let text = shipped("rig-configs/sim-box.yaml").text.replace("[1.63 V, 4 mm]", "[1.63 V, 5 mm]");
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text }).unwrap();
    let compiled = compile(&task(GOOD), &rig, &Options::default()).unwrap();
    let told: Vec<&str> = compiled.warnings.list.iter().map(|warning| warning.code).collect();
    assert_eq!(told, ["W010-not-straight"], "{}", compiled.warnings);
}
