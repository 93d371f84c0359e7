//! Lines that carry a power: what a rig and a protocol say of them, what the program then asks for, and what a person gets to
//! read who asks for a power no line can have; `snapshots/powers__*` show every message as a terminal draws it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn, ops, task};
use compiler::{Compiled, Diagnostics, Options, RigConfig, Source, compile, read_rig};
use link::program::op::OpCode;
use link::program::{Program, Table};
use link::rig::Role;

/// A box whose house light, laser and motor carry a power.
const BOX: &str = "\
rig: dimmed
body: rp2040
lines:
  lever: {kind: lever, pin: 2}
  water: {kind: valve, pin: 10, calibration: {date: 2026-11-02, volumes: [[10 ms, 2 µl], [100 ms, 24 µl]]}}
  cue: {kind: speaker, pin: 12, calibration: {date: 2026-11-02, full_scale: 95 dB}}
  house: {kind: light, pin: 14, pwm: 1 kHz}
  mask: {kind: light, pin: 15}
  laser: {kind: laser, pin: 16, pwm: 20 kHz}
  rod: {kind: motor, pin: 18, pwm: 20 kHz, active: low, pull_up: external}
  shock: {kind: shock, pin: 20}
";

/// A protocol with powers and nothing wrong.
const GOOD: &str = "\
protocol: dimmed
lines:
  lever: lever
  water: valve
  cue: speaker
  house: light
  mask: light
  laser: laser
  rod: motor
parameters:
  bright: {default: 40 %, range: [0 %, 100 %]}
variables:
  speed: 10 %
stimuli:
  weak: {pulses: {width: 5 ms, rate: 20 Hz, count: 20, power: 30 %}}
  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20}}
  go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms}}
session: {ends: [{after: 1 min}]}
start: a
states:
  a:
    entry:
      - trial: begin
      - on: {line: house, power: bright}
      - on: {line: rod, power: speed}
      - pulse: {line: laser, stimulus: weak}
      - play: {line: cue, stimulus: go}
    on:
      - {event: lever.press, do: [{set: {speed: min(speed + 10 %, 100 %)}}, {on: {line: rod, power: speed, until: off}}]}
    transitions: [{after: 5 s, to: b}]
  b:
    entry:
      - pulse: {line: laser, stimulus: burst, power: 80 %}
      - pulse: {line: laser, width: 2 ms, power: bright / 2}
      - on: {line: house, for: 1 s, power: 5 %}
      - on: mask
      - deliver: {line: water, volume: 5 µl}
    transitions: [{after: 1 s, to: a}]
";

fn rig(text: &str) -> Result<RigConfig, Diagnostics> {
    read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() })
}

fn compiled(text: &str) -> Result<Compiled, Diagnostics> {
    compile(
        &task(&text.replace("{set: {speed: min(speed + 10 %, 100 %)}}", SET)),
        &rig(BOX).unwrap(),
        &Options::default(),
    )
}

/// A comma within braces needs quotes.
const SET: &str = "{set: {speed: \"min(speed + 10 %, 100 %)\"}}";

fn findings(text: &str) -> Diagnostics {
    match compiled(text) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

#[test]
fn powers_become_what_the_device_takes() {
    let compiled = compiled(GOOD).unwrap_or_else(|found| panic!("{found}"));
    assert!(compiled.warnings.list.is_empty(), "{}", compiled.warnings);
    let roles: Vec<Role> = compiled.rig.lines.iter().map(|line| line.role).collect();
    let powered = |role: Role| match role {
        Role::Powered { limits, frequency_mhz, .. } => Some((frequency_mhz, limits.must_arm, limits.max_on_us)),
        _ => None,
    };
    assert_eq!(powered(roles[3]), Some((1_000_000, false, 60_000_000)));
    assert!(matches!(roles[4], Role::Output { .. }), "a light of which nothing is said is on or off");
    assert_eq!(powered(roles[5]), Some((20_000_000, true, 5_000_000)));
    assert_eq!(powered(roles[6]).map(|(.., max_on_us)| max_on_us), Some(600_000_000));
    assert!(!compiled.rig.lines[6].active_high);

    let program = Program::open(&compiled.image).unwrap();
    let entry = |state: usize| ops(&program, program.state(state).entry);
    let codes = |state| entry(state).iter().map(|op| op.code).collect::<Vec<_>>();
    assert_eq!(program.rows(Table::States), 2);
    assert_eq!(
        codes(0),
        [
            OpCode::Trial,
            OpCode::Load,
            OpCode::OnPower,
            OpCode::Load,
            OpCode::OnPower,
            OpCode::Constant,
            OpCode::PlayPower,
            OpCode::Play
        ]
    );
    let second = entry(1);
    assert_eq!(second[1].code, OpCode::PlayPower);
    assert_eq!(program.constant(usize::from(second[0].b)), 800_000);
    let pulses: Vec<OpCode> = codes(1).into_iter().filter(|code| *code == OpCode::PulsePower).collect();
    assert_eq!(pulses.len(), 2, "a pulse and a timed level");
    let exit: Vec<(OpCode, u8)> = ops(&program, program.state(0).exit).iter().map(|op| (op.code, op.a)).collect();
    assert_eq!(exit, [(OpCode::Off, 3), (OpCode::Off, 6)], "a power is held by its state like any level");
}

#[test]
fn the_check_says_what_a_frequency_and_a_power_become() {
    let rig = rig(&BOX.replace("pwm: 1 kHz", "pwm: 130 kHz")).unwrap();
    let told: Vec<String> = rig.lines.iter().filter_map(compiler::LineConfig::power).collect();
    assert_eq!(
        told,
        [
            "house: PWM at 130 kHz, +0.0300 % off, power in 1538 steps of 0.0650 %",
            "laser: PWM at 20 kHz exactly, power in 10000 steps of 0.0100 %",
            "rod: PWM at 20 kHz exactly, power in 10000 steps of 0.0100 %",
        ]
    );
}

#[test]
fn two_lines_of_one_frequency_share_a_slice() {
    let shared = BOX.replace("pin: 16, pwm", "pin: 19, pwm");
    assert_eq!(rig(&shared).unwrap().line("laser").unwrap().line.pin, 19);
}

#[test]
fn a_powered_line_is_wired_as_it_can_be() {
    let cases: &[Case] = &[
        case("a power on a valve", "pin: 10,", "pin: 10, pwm: 1 kHz,", "E038-no-power"),
        case("a power on a shock", "pin: 20", "pin: 20, pwm: 1 kHz", "E038-no-power"),
        case("a power on an input", "pin: 2}", "pin: 2, pwm: 1 kHz}", "E032-unknown-key"),
        case("a body without PWM", "body: rp2040", "body: pi", "E038-no-power"),
        case("a frequency without its unit", "pwm: 1 kHz", "pwm: 1000", "E024-missing-unit"),
        case("a frequency too low", "pwm: 1 kHz", "pwm: 5 Hz", "E039-pwm-frequency"),
        case("a frequency too high", "pwm: 1 kHz", "pwm: 2000 kHz", "E039-pwm-frequency"),
        case("no frequency at all", "pwm: 1 kHz", "pwm: 0 Hz", "E039-pwm-frequency"),
        case(
            "two frequencies on one slice",
            "mask: {kind: light, pin: 15}",
            "mask: {kind: light, pin: 15, pwm: 2 kHz}",
            "E059-slice-clash",
        ),
        case(
            "a speaker and a power on one slice",
            "mask: {kind: light, pin: 15}",
            "mask: {kind: light, pin: 13, pwm: 2 kHz}",
            "E059-slice-clash",
        ),
        case(
            "a power and a speaker on one slice",
            "shock: {kind: shock, pin: 20}",
            "bell: {kind: speaker, pin: 17}",
            "E059-slice-clash",
        ),
        case(
            "one channel twice",
            "shock: {kind: shock, pin: 20}",
            "fan: {kind: motor, pin: 22, pwm: 20 kHz}\n  sun: {kind: light, pin: 6, pwm: 20 kHz}",
            "E059-slice-clash",
        ),
    ];
    insta::assert_snapshot!("rigs", drawn(cases, |text| rig(text).unwrap_err(), BOX));
}

#[test]
fn a_power_is_asked_for_where_it_can_be() {
    let cases: &[Case] = &[
        case("a power on a line that has none", "- on: mask", "- on: {line: mask, power: 40 %}", "E137-no-power"),
        case("a power on a valve", "- on: mask", "- pulse: {line: water, width: 5 ms, power: 40 %}", "E137-no-power"),
        case(
            "a stimulus with a power on a line that has none",
            "- on: mask",
            "- pulse: {line: mask, stimulus: weak}",
            "E137-no-power",
        ),
        case("a power over full power", "power: 80 %", "power: 120 %", "E138-not-a-power"),
        case("a power below nothing", "power: 5 %", "power: -5 %", "E138-not-a-power"),
        case("a number without its per cent", "power: 80 %", "power: 80", "E138-not-a-power"),
        case("a parameter that makes it too much", "power: bright / 2", "power: bright * 3", "E138-not-a-power"),
        case("a power in another unit", "power: 80 %", "power: 5 V", "E025-wrong-unit"),
        case("two powers", "stimulus: weak}", "stimulus: weak, power: 10 %}", "E139-two-powers"),
        case("a power of a sound", "stimulus: go}", "stimulus: go, power: 10 %}", "E032-unknown-key"),
        case("a power of a tone", "duration: 300 ms}", "duration: 300 ms, power: 10 %}", "E032-unknown-key"),
        case("a power in a handler that no state holds", ", until: off}", "}", "E120-held-by-nothing"),
    ];
    insta::assert_snapshot!("protocols", drawn(cases, findings, GOOD));
}
