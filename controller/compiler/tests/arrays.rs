//! Line arrays: rows, actions and levels of an element that is known, worked out, any or other, traced on the engine; and
//! what a mistake in one is told.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, holes, trace, trace_from};
use common::{Case, case, drawn, task};
use compiler::{Diagnostics, Options, compile};

/// A light in one of five holes; the chosen hole pays, any other is an error.
const CHOICE: &str = "\
protocol: choice
lines:
  hole: {array: 5, kind: poke, parts: {light: light}}
  tray: poke
variables: {target: 2, choice: 0}
counters: {pokes: {count: 'hole[any].in', reset: trial}}
session: {ends: [{trials: 3}]}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions: [{event: tray.in, to: respond}]
  respond:
    entry:
      - on: hole[target].light
    transitions:
      - {event: 'hole[target].in', outcome: correct, do: [{set: {choice: hole.which}}], to: paid}
      - {event: 'hole[other].in', if: not tray.occupied, outcome: wrong, do: [{set: {choice: hole.which}}], to: failed}
      - {after: 20 s, to: ready}
  paid:
    entry:
      - set: {target: target + 1}
      - {on: {line: 'hole[hole.which].light', for: 100 ms}}
    transitions: [{after: 1 s, to: ready}]
  failed:
    entry:
      - {on: {line: 'hole[all].light', until: off}}
    exit: [{off: 'hole[all].light'}]
    transitions: [{when: 'not hole[any].occupied', to: ready}]
";

#[test]
fn the_chosen_hole_pays_and_any_other_is_told_by_its_number() {
    let compiled = compiled_for(CHOICE, &holes());
    let told = trace(
        &compiled,
        &[
            (1_000.0, "tray in"),
            (1_100.0, "hole_1 in"), // the head is still in the tray: not counted as a choice
            (1_200.0, "hole_1 out"),
            (1_300.0, "tray out"),
            (2_000.0, "hole_4 in"),
            (2_500.0, "hole_4 out"),
            (3_000.0, "tray in"),
            (3_100.0, "tray out"),
            (4_000.0, "hole_2 in"),
            (4_100.0, "hole_2 out"),
        ],
        5_500.0,
    );
    assert_eq!(
        told,
        "         0 ready:
         0 trial 1
         0 pokes = 0
      1000 respond:
      1000 hole_light_2 on
      1100 pokes = 1
      2000 pokes = 2
      2000 outcome wrong
      2000 choice = 4
      2000 failed:
      2000 hole_light_1 on
      2000 hole_light_3 on
      2000 hole_light_4 on
      2000 hole_light_5 on
      2500 ready:
      2500 trial 2
      2500 pokes = 0
      2500 hole_light_1 off
      2500 hole_light_2 off
      2500 hole_light_3 off
      2500 hole_light_4 off
      2500 hole_light_5 off
      3000 respond:
      3000 hole_light_2 on
      4000 pokes = 1
      4000 outcome correct
      4000 choice = 2
      4000 paid:
      4000 target = 3
      4000 hole_light_2 on for 100 ms
      5000 ready:
      5000 trial 3
      5000 pokes = 0
"
    );
}

/// Two ports by name, with a beam behind each; both levers counted in either direction.
const PORTS: &str = "\
protocol: ports
lines:
  port: {array: [left, right], kind: poke, parts: {water: valve, beam: beam}}
  lever: lever
parameters: {first: {default: right, choices: [left, right]}}
variables: {side: {labels: [left, right]}, was: {labels: [left, right]}, odd: {labels: [right, left]}}
counters: {moves: {count: lever.change}}
session: {ends: [{trials: 9}]}
invariants: [\"at most 1 deliver on port[all].water per trial\"]
picture: {show: [port]}
start: ready
states:
  ready:
    entry: [{trial: begin}, {set: {side: first}}]
    transitions: [{event: 'port[any].beam.break', if: 'port.which == side and not port[side].occupied', do: [{set: {was: port.which}}], to: pay}]
  pay:
    entry: [{deliver: {line: 'port[side].water', volume: 4 µl}}]
    transitions: [{event: 'port[right].water.end', to: ready}]
";

const PORT_BOX: &str = "\
rig: port-box
body: simulator
lines:
  port: {kind: poke, pin: {left: 2, right: 3}}
  port_beam: {kind: beam, pin: {left: 4, right: 5}}
  port_water_left: {kind: valve, pin: 6, calibration: {date: 2026-11-02, volumes: [[10 ms, 2 µl], [20 ms, 4 µl]]}}
  port_water_right: {kind: valve, pin: 7, calibration: {date: 2026-11-02, volumes: [[10 ms, 2 µl], [20 ms, 4 µl]]}}
  lever: {kind: lever, pin: 8}
";

fn port_box() -> compiler::RigConfig {
    let source = compiler::Source { name: "port-box.yaml".to_owned(), text: PORT_BOX.to_owned() };
    compiler::read_rig(&source).unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn elements_may_have_words_and_parts_of_their_own() {
    let compiled = compiled_for(PORTS, &port_box());
    let told = trace(
        &compiled,
        &[
            (100.0, "port_beam_left break"),
            (200.0, "lever press"),
            (300.0, "lever release"),
            (400.0, "port_beam_right break"),
        ],
        1_000.0,
    );
    assert_eq!(
        told,
        "         0 ready:
         0 trial 1
         0 moves = 0
         0 side = 1
       200 moves = 1
       300 moves = 2
       400 was = 1
       400 pay:
       400 port_water_right gives 4 µl
       420 ready:
       420 trial 2
       420 moves = 0
       420 side = 1
"
    );
    assert_eq!(compiled.symbols.invariants.len(), 2, "one for each water");
    let shown: Vec<&str> = compiled
        .symbols
        .picture
        .show
        .iter()
        .map(|line| compiled.symbols.lines[usize::from(*line)].name.as_str())
        .collect();
    assert_eq!(shown, ["port_left", "port_right"]);
    let columns: Vec<&str> = compiled.symbols.variables.iter().filter(|v| v.column).map(|v| v.name.as_str()).collect();
    assert_eq!(columns, ["side", "was", "odd", "moves"], "what the compiler keeps is no column");
    let occupied = trace_from(&compiled, &["port_right"], &[(400.0, "port_beam_right break")], 500.0);
    assert!(!occupied.contains("pay"), "the chosen port is occupied:\n{occupied}");
}

#[test]
fn a_line_held_for_a_state_goes_off_with_it_though_the_index_has_moved_on() {
    let text = CHOICE.replace(
        "      - on: hole[target].light\n    transitions:\n",
        "      - {on: 'hole[target].light', if: target < 9}\n    on:\n      - {event: 'hole[3].out', do: [{set: {target: 5}}]}\n    transitions:\n",
    );
    let told = trace(
        &compiled_for(&text, &holes()),
        &[(100.0, "tray in"), (150.0, "tray out"), (200.0, "hole_3 out"), (300.0, "hole_5 in")],
        400.0,
    );
    let lights: Vec<&str> = told.lines().filter(|line| line.contains("light")).collect();
    assert_eq!(
        lights,
        ["       100 hole_light_2 on", "       300 hole_light_2 off", "       300 hole_light_5 on for 100 ms"]
    );
}

#[test]
fn what_another_region_holds_on_stays_on_and_all_are_asked_for_all() {
    let text =
        CHOICE.replace("[{when: 'not hole[any].occupied', to: ready}]", "[{when: 'hole[all].occupied', to: ready}]");
    let text = format!(
        "{text}regions:\n  lamp:\n    start: burns\n    states:\n      burns: {{final: true, entry: [on: 'hole[5].light']}}\n"
    );
    let compiled = compiled_for(&text, &holes());
    let told = trace(&compiled, &[(100.0, "tray in"), (200.0, "hole_2 in")], 300.0);
    let lights: Vec<&str> = told.lines().filter(|line| line.contains("light")).collect();
    assert_eq!(
        lights,
        ["         0 hole_light_5 on", "       100 hole_light_2 on", "       200 hole_light_2 on for 100 ms"],
        "the exit of `respond` leaves the fifth alone:\n{told}"
    );
    let wrong =
        [(100.0, "tray in"), (150.0, "tray out"), (200.0, "hole_1 in"), (300.0, "hole_2 in"), (400.0, "hole_3 in")];
    let mut edges = wrong.to_vec();
    let waiting = trace(&compiled, &edges, 1_000.0);
    edges.extend([(500.0, "hole_4 in"), (600.0, "hole_5 in")]);
    let over = trace(&compiled, &edges, 1_000.0);
    assert!(!waiting.contains("trial 2") && over.contains("600 trial 2"), "not before all are occupied:\n{over}");
}

#[test]
fn an_index_past_the_end_hears_nothing_and_switches_nothing_but_ends_the_session() {
    for (index, fault) in [(0, true), (6, true), (5, false)] {
        let text = CHOICE.replace("target: 2", &format!("target: {index}"));
        let told = trace(&compiled_for(&text, &holes()), &[(100.0, "tray in")], 200.0);
        assert_eq!(told.contains("fault IndexOutOfRange"), fault, "index {index}:\n{told}");
        let text = text.replace("on: hole[target].light", "event: seen").replace("if: not tray.occupied,", "");
        let told = trace(&compiled_for(&text, &holes()), &[(100.0, "tray in"), (200.0, "hole_3 in")], 300.0);
        assert!(told.contains("choice = 3"), "an event of an element that there is not never comes:\n{told}");
        let text = CHOICE
            .replace("target: 2", &format!("target: {index}"))
            .replace("{event: tray.in, to: respond}", "{event: tray.in, if: 'not hole[target].occupied', to: respond}");
        let text = text.replace("on: hole[target].light", "event: seen");
        let told = trace(&compiled_for(&text, &holes()), &[(100.0, "tray in")], 200.0);
        assert_eq!(told.contains("fault IndexOutOfRange"), fault, "index {index}:\n{told}");
    }
}

fn findings(text: &str) -> Diagnostics {
    match compile(&task(text), &holes(), &Options::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

#[test]
fn mistakes_in_arrays_are_told() {
    let cases: &[Case] = &[
        case("an index without quotes", "'hole[target].in', outcome", "hole[target].in, outcome", "E007-torn"),
        case("no such element", "hole[all].light', until", "hole[6].light', until", "E231-no-such-element"),
        case(
            "no such element of an event",
            "'hole[target].in', outcome",
            "'hole[0].in', outcome",
            "E231-no-such-element",
        ),
        case("no such element of a level", "hole[any].occupied", "hole[7].occupied", "E231-no-such-element"),
        case(
            "a draw that reaches past the end",
            "[{trial: begin}]",
            "[{trial: begin}, {draw: {target: {integer: [1, 6]}}}]",
            "E231-no-such-element",
        ),
        case(
            "a parameter that reaches past the end",
            "variables: {target: 2, choice: 0}",
            "variables: {choice: 0}\nparameters: {target: {default: 2, range: [0, 5]}}",
            "E231-no-such-element",
        ),
        case("no index", "on: hole[target].light", "on: hole", "E232-which-element"),
        case(
            "no index of an event",
            "{event: 'hole[target].in', outcome",
            "{event: hole.in, outcome",
            "E232-which-element",
        ),
        case("no index of a level", "hole[any].occupied", "hole.occupied", "E232-which-element"),
        case("a part that is not there", "hole[target].light", "hole[target].lamp", "E233-line-alone"),
        case("a part where an event is wanted", "hole[any].in", "hole[any].light", "E233-line-alone"),
        case("a part where a level is wanted", "hole[any].occupied", "hole[any].light", "E233-line-alone"),
        case("an event of all", "hole[any].in", "hole[all].in", "E234-elements"),
        case("an output of any", "hole[target].light", "hole[any].light", "E234-elements"),
        case("other than none", "hole[any].in", "hole[other].in", "E235-other-than-which"),
        case("other in a level", "hole[any].occupied", "hole[other].occupied", "E235-other-than-which"),
        case("an index that is no count", "hole[any].occupied", "hole[1 s].occupied", "E236-index"),
        case("an index of an event that is no count", "'hole[target].in'", "'hole[1 s].in'", "E236-index"),
        case(
            "an array the rig lacks",
            "hole: {array: 5, kind: poke, parts",
            "hole: {array: 7, kind: poke, parts",
            "E237-rig-lacks-array",
        ),
        case("an array that is not there", "hole[target].light", "hol[target].light", "E238-unknown-array"),
        case("no number of lines", "array: 5", "array: 500", "E230-array-size"),
        case("an array of nothing", "{array: 5, kind: poke, parts: {light: light}}", "{array: 5}", "E030-missing-key"),
        case("two lines of one name", "  tray: poke", "  hole_1: poke\n  tray: poke", "E074-named-twice"),
        case("an event no element has", "hole[any].in", "hole[any].press", "E112-unknown-event"),
    ];
    insta::assert_snapshot!("arrays", drawn(cases, findings, CHOICE));
}

#[test]
fn mistakes_in_arrays_with_words_are_told() {
    let findings = |text: &str| match compile(&task(text), &port_box(), &Options::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    };
    let cases: &[Case] = &[
        case("a number where a word is wanted", "port[side].occupied", "port[1].occupied", "E231-no-such-element"),
        case("a count where a word is wanted", "port[side].occupied", "port[moves].occupied", "E236-index"),
        case("labels that the array has not", "port[side].occupied", "port[odd].occupied", "E236-index"),
        case("a word that stands for elements", "array: [left, right]", "array: [left, any]", "E074-named-twice"),
        case("a sentence about any", "port[all].water per trial", "port[any].water per trial", "E234-elements"),
    ];
    insta::assert_snapshot!("arrays-with-words", drawn(cases, findings, PORTS));
}

#[test]
fn mistakes_in_arrays_of_a_rig_are_told() {
    let findings = |text: &str| {
        let source = compiler::Source { name: "port-box.yaml".to_owned(), text: text.to_owned() };
        compiler::read_rig(&source).map_or_else(|found| found, |_| Diagnostics::default())
    };
    let cases: &[Case] = &[
        case("one pin for two", "pin: {left: 2, right: 3}", "pin: [2, 2]", "E042-pin-clash"),
        case("no pins", "pin: {left: 2, right: 3}", "pin: []", "E033-empty"),
        case(
            "one calibration for two",
            "port_water_right: {kind: valve, pin: 7",
            "port_water_right: {kind: valve, pin: [7, 9]",
            "E239-shared-calibration",
        ),
        case(
            "a name of an element twice",
            "port_water_right: {kind: valve",
            "port_left: {kind: valve",
            "E074-named-twice",
        ),
    ];
    insta::assert_snapshot!("arrays-of-rigs", drawn(cases, findings, PORT_BOX));
}
