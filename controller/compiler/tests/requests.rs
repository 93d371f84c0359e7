//! What a protocol asks of outputs against what its rig allows, told before anything runs; what a protocol forbids; and what
//! reads an output back.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn, task};
use compiler::{Compiled, Diagnostics, Options, RigConfig, Source, Used, compile, read_rig};
use link::rig::{Limits, Pattern, Role, Sense, Total};

const BOX: &str = "\
rig: box
body: rp2040
sample: 1 ms
lines:
  lever: {kind: lever, pin: 2}
  diode: {kind: input, pin: 3}
  current:
    kind: analog
    pin: 26
  travel: {kind: analog, pin: 27, calibration: {date: 2026-11-02, points: [[0.3 V, 8 mm], [3 V, 0 mm]]}}
  water:
    kind: valve
    pin: 10
    calibration: {date: 2026-11-02, volumes: [[10 ms, 4 µl], [100 ms, 22 µl]]}
    per_session: {volume: 2 ml}
    sense: {line: current, above: 1.2 V, within: 5 ms, trip: false}
  shock: {kind: shock, pin: 12, calibration: {date: 2026-11-02, current: 0.6 mA}, per_session: {charge: 3 mC}}
  laser: {kind: laser, pin: 14, pwm: 20 kHz, max_power: 80 %, calibration: {date: 2026-11-02, power: 12 mW}, per_session: {energy: 40 mJ}, sense: {line: diode, within: 2 ms}}
  rod: {kind: motor, pin: 16}
  house: {kind: light, pin: 18}
";

const GOOD: &str = "\
protocol: small
lines:
  lever: lever
  water: valve
  shock: shock
  laser: laser
forbid: [rod]
parameters:
  drop: {default: 8 µl}
  bright: {default: 50 %}
stimuli:
  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20, power: 30 %}}
session: {ends: [{trials: 20}]}
start: a
states:
  a:
    entry:
      - trial: begin
      - deliver: {line: water, volume: drop}
      - pulse: {line: laser, stimulus: burst}
      - {pulse: {line: shock, width: 100 ms}, if: trial.number == 5}
    transitions: [{event: lever.press, to: b}]
  b:
    entry: [{on: {line: laser, power: bright}}]
    transitions: [{after: 1 s, to: a}]
";

fn rig(text: &str) -> Result<RigConfig, Diagnostics> {
    read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() })
}

fn on_the_box(text: &str) -> Result<Compiled, Diagnostics> {
    compile(&task(text), &rig(BOX).unwrap_or_else(|found| panic!("{found}")), &Options::default())
}

fn findings(text: &str) -> Diagnostics {
    on_the_box(text).map_or_else(|found| found, |compiled| compiled.warnings)
}

fn compiled(text: &str) -> Compiled {
    on_the_box(text).unwrap_or_else(|found| panic!("{found}"))
}

/// The number of a line, by its name.
fn id(compiled: &Compiled, name: &str) -> usize {
    compiled.symbols.lines.iter().position(|line| line.name == name).unwrap_or_else(|| panic!("no line `{name}`"))
}

fn limits(compiled: &Compiled, name: &str) -> Limits {
    compiled.rig.lines[id(compiled, name)].role.output().unwrap().limits
}

#[test]
fn what_the_interlock_would_refuse_is_told_beforehand() {
    assert!(findings(GOOD).is_empty(), "{}", findings(GOOD));
    let cases: &[Case] = &[
        case("a power past the line's", "power: bright", "power: bright * 2", "E190-over-max-power"),
        case("a stimulus with a power past the line's", "power: 30 %", "power: 90 %", "E190-over-max-power"),
        case("no power at all is full power", ", power: 30 %", "", "E190-over-max-power"),
        case("a level at full power", "{on: {line: laser, power: bright}}", "on: laser", "E190-over-max-power"),
        case(
            "pulses of a shock that come too soon",
            "{line: shock, width: 100 ms}",
            "{line: shock, stimulus: drip}",
            "E191-under-min-off",
        ),
        case(
            "drops that come too soon",
            "deliver: {line: water, volume: drop}",
            "pulse: {line: water, stimulus: drip}",
            "E191-under-min-off",
        ),
        case(
            "a train past the duty",
            "width: 5 ms, rate: 20 Hz, count: 20",
            "width: 400 ms, rate: 2 Hz, count: 100",
            "E192-over-duty",
        ),
        case("a level past the energy of a session", "power: bright}", "power: 80 %}", "E193-over-total"),
        case(
            "a train past the charge of a session",
            "{line: shock, width: 100 ms}",
            "{line: shock, stimulus: many}",
            "E193-over-total",
        ),
        case(
            "more pulses than a day has",
            "{line: shock, width: 100 ms}",
            "{line: shock, stimulus: brief}",
            "E193-over-total",
        ),
        case("a session that may run out of water", "{trials: 20}", "{trials: 300}", "W011-may-reach-total"),
        case("a session of more shocks than a day has", "{trials: 20}", "{trials: 21}", "W011-may-reach-total"),
    ];
    let with_stimuli = |text: &str| {
        let more = "stimuli:\n  drip: {pulses: {width: 45 ms, period: 50 ms, count: 2}}\n  \
                    many: {pulses: {width: 900 ms, period: 11 s, count: 6}}\n  \
                    brief: {pulses: {width: 1 ms, period: 11 s, count: 21}}\n";
        findings(&text.replace("stimuli:\n", more)).only("W003-unused")
    };
    insta::assert_snapshot!("requests", drawn(cases, with_stimuli, GOOD));
}

/// Leaves a warning out that is beside the point.
trait Only {
    fn only(self, without: &str) -> Self;
}

impl Only for Diagnostics {
    fn only(mut self, without: &str) -> Self {
        self.list.retain(|found| found.code != without);
        self
    }
}

#[test]
fn what_lies_on_a_limit_is_within_it() {
    let (laser, water) = ("stimulus: burst}", "deliver: {line: water, volume: drop}");
    for (from, to, stimulus) in [
        (water, "pulse: {line: water, stimulus: edge}", "{width: 40 ms, period: 50 ms, count: 2}"),
        (laser, "stimulus: edge, power: 1 %}", "{width: 500 ms, period: 1 s, count: 100}"),
        (
            "{pulse: {line: shock, width: 100 ms}, if: trial.number == 5}",
            "pulse: {line: shock, stimulus: edge}",
            "{width: 250 ms, period: 10250 ms, count: 20}",
        ),
    ] {
        let text = GOOD.replace(from, to).replace("stimuli:\n", &format!("stimuli:\n  edge: {{pulses: {stimulus}}}\n"));
        // The laser is on for its 30 s within any 60 s, longer in all; the shock's train has all pulses and all the charge of
        // a session.
        let found = findings(&text.replace("{trials: 20}", "{trials: 1}")).only("W003-unused");
        assert!(found.is_empty(), "{found}");
    }
}

#[test]
fn a_power_that_is_not_known_yet_is_left_to_the_interlock() {
    let drawn = GOOD
        .replace("on: {line: laser, power: bright}", "on: {line: laser, power: \"if(trial.number > 3, 100 %, 0 %)\"}");
    assert!(findings(&drawn).only("W003-unused").is_empty(), "{}", findings(&drawn));
}

#[test]
fn what_a_protocol_forbids_is_never_on_and_the_device_knows() {
    let compiled = compiled(GOOD);
    assert!(limits(&compiled, "rod").forbidden, "it is on the rig, so it is kept off");
    assert!(!limits(&compiled, "house").forbidden && !limits(&compiled, "shock").forbidden);
    let by_kind = on_the_box(&GOOD.replace("forbid: [rod]", "forbid: [light, speaker]")).unwrap();
    assert!(limits(&by_kind, "house").forbidden, "every light; and that there is no speaker is no mistake");

    let cases: &[Case] = &[
        case("forbidden and named", "forbid: [rod]", "forbid: [shock]", "E194-forbidden"),
        case("an input", "forbid: [rod]", "forbid: [diode]", "E194-forbidden"),
        case("neither a line nor a kind", "forbid: [rod]", "forbid: [shok]", "E194-forbidden"),
        case("the same twice", "forbid: [rod]", "forbid: [rod, rod]", "E074-named-twice"),
        case("no list", "forbid: [rod]", "forbid: rod", "E031-wrong-shape"),
    ];
    insta::assert_snapshot!("forbidden", drawn(cases, findings, GOOD));
}

#[test]
fn an_output_is_read_back_by_a_line_the_protocol_never_names() {
    let compiled = compiled(GOOD);
    let line = |name: &str| link::LineId(u8::try_from(id(&compiled, name)).unwrap());
    let senses: Vec<Sense> = compiled.rig.senses.iter().copied().collect();
    let (water, laser) = (line("water"), line("laser"));
    assert_eq!(
        senses,
        [
            Sense { output: water, input: line("water_sensed"), within_us: 5_000, trips: false },
            Sense { output: laser, input: line("diode"), within_us: 2_000, trips: true },
        ]
    );
    // 1.2 V of 3.3 V, and 1.08 V to be lost again.
    let Role::Detector { source, looks_for } = compiled.rig.lines[id(&compiled, "water_sensed")].role else { panic!() };
    assert_eq!(source, line("current"));
    assert_eq!(looks_for, Pattern::Band { inner: (1_489, i32::MAX), outer: (1_340, i32::MAX), inside: true });
    assert!(compiled.symbols.lines.iter().all(|line| line.name != "travel"), "what nothing needs is not sampled");
    assert!(compiled.rig.holds_together());
}

#[test]
fn a_threshold_may_be_in_what_the_line_is_calibrated_in() {
    let in_mm = BOX.replace("line: current, above: 1.2 V", "line: travel, above: 6 mm");
    let rig = rig(&in_mm).unwrap();
    let above = rig.line("water").unwrap().sense.as_ref().unwrap().above;
    // This lever's voltage falls as it goes: 0.975 V at 6 mm, 1.1775 V at 5.4 mm.
    assert_eq!(above, Some(Pattern::Band { inner: (i32::MIN, 1_210), outer: (i32::MIN, 1_462), inside: true }));
}

#[test]
fn a_sense_must_be_able_to_tell() {
    let cases: &[Case] = &[
        case("no such line", "line: diode,", "line: dioed,", "E049-unknown-line"),
        case("an output", "line: diode,", "line: house,", "E188-sense"),
        case(
            "an encoder",
            "  diode: {kind: input, pin: 3}",
            "  diode: {kind: encoder, pin: 3, pin_b: 4, counts_per_turn: 100}",
            "E188-sense",
        ),
        case("a stop", "{kind: input, pin: 3}", "{kind: e_stop, pin: 3}", "E188-sense"),
        case("a sensor of two outputs", "line: current, above: 1.2 V", "line: diode", "E188-sense"),
        case("a threshold on what has none", "line: diode,", "line: diode, above: 1.2 V,", "E188-sense"),
        case("no threshold", "line: current, above: 1.2 V", "line: current", "E030-missing-key"),
        case("a threshold beyond the pin", "above: 1.2 V", "above: 5 V", "E188-sense"),
        case("a threshold in what was never calibrated", "above: 1.2 V", "above: 6 mm", "E025-wrong-unit"),
        case("sooner than two samples", "within: 5 ms", "within: 1 ms", "E188-sense"),
        case("sooner than a period of a power", "within: 2 ms}", "within: 40 µs}", "E188-sense"),
        case("no time", "diode, within: 2 ms", "diode", "E030-missing-key"),
        case("a trip that is neither", "trip: false", "trip: maybe", "E036-unknown-word"),
        case(
            "a sense of an input",
            "{kind: input, pin: 3}",
            "{kind: input, pin: 3, sense: {line: lever}}",
            "E032-unknown-key",
        ),
    ];
    insta::assert_snapshot!("senses", drawn(cases, |text| rig(text).unwrap_err(), BOX));
}

#[test]
fn a_loop_of_wire_leads_from_an_output_that_may_be_switched_to_an_input() {
    let looped = format!("{BOX}loop_back: {{house: diode}}\n");
    assert_eq!(rig(&looped).unwrap().loop_back, [("house".to_owned(), "diode".to_owned())]);
    assert_eq!(rig(BOX).unwrap().loop_back, []);
    let cases: &[Case] = &[
        case("no such output", "{house: diode}", "{hous: diode}", "E049-unknown-line"),
        case("no such input", "{house: diode}", "{house: dioed}", "E049-unknown-line"),
        case("an input that calls", "{house: diode}", "{lever: diode}", "E429-loop-back"),
        case("a valve", "{house: diode}", "{water: diode}", "E429-loop-back"),
        case("what must be armed", "{house: diode}", "{laser: diode}", "E429-loop-back"),
        case("an analog line", "{house: diode}", "{house: current}", "E429-loop-back"),
        case("one output, two wires", "{house: diode}", "{house: diode, house: lever}", "E006-duplicate-key"),
        case("no pair", "{house: diode}", "[house, diode]", "E031-wrong-shape"),
    ];
    insta::assert_snapshot!("loops", drawn(cases, |text| rig(text).unwrap_err(), &looped));
}

#[test]
fn the_device_is_told_what_is_left_of_a_subjects_day() {
    let config =
        rig(&BOX.replace("per_session: {volume: 2 ml}", "per_session: {volume: 2 ml}\n    per_day: {volume: 3 ml}"));
    let config = config.unwrap();
    let compiled = compile(&task(GOOD), &config, &Options::default()).unwrap();
    let water = config.line("water").unwrap().totals;
    assert!(water.limit_the_day() && !config.line("house").unwrap().totals.limit_the_day());

    let total = |used: &[(String, Used)], name: &str| {
        let rig = compiled.rig_after(&config, used);
        assert!(rig.holds_together());
        rig.lines[id(&compiled, name)].role.output().unwrap().limits.total
    };
    let fresh = total(&[], "water");
    assert_eq!(fresh, limits(&compiled, "water").total, "who had nothing has the session's");
    assert_eq!((fresh.dose_us, fresh.pulse_dose_us), (10_000_000, 10_000));

    // Two sessions this morning, of 150 drops of 8 µl, 30 ms each.
    let session = ("water".to_owned(), water.used(150, 4_500_000, 4_500_000));
    assert_eq!(session.1, Used { pulses: 150, on_us: 4_500_000, dose: 1_200_000 });
    let third = total(&[session.clone(), session], "water");
    assert_eq!(third.dose_us, 3_000_000, "0.6 ml are left of 3 ml");

    let shocked = ("shock".to_owned(), Used { pulses: 20, ..Used::default() });
    assert_eq!(total(std::slice::from_ref(&shocked), "shock").pulses, 0, "not one more today");
    assert_eq!(total(&[shocked], "house"), Total::NONE);
}
