//! An experiment over days: its stages, what is assigned and asked once per subject, and what is drawn once in its life.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/engine.rs"]
mod on_engine;

use common::{case, drawn, sim_box, task};
use compiler::symbols::Graduation;
use compiler::{Compiled, Diagnostics, Files, Options, Sitting, compile_for};
use link::rig::Role;
use on_engine::{ended, ran, trials, values};

const TASK: &str = "\
protocol: over-days
lines: {lever: lever, mask: light, laser: laser}
parameters:
  gap: {default: 1 s, range: [500 ms, 10 s], basis: published, source: a paper}
  lit: {default: false}
assign:
  group: {among: {stim: 2, control: 1}, balance: [sex]}
  side:  {among: [left, right]}
metadata:
  species: mouse
  sex: {choices: [female, male], once: per subject}
  weight: {unit: g}
  drug: {choices: [none, saline, cno], default: none}
  note: {about: anything else}
blind: [group, laser]
stages:
  training:
    about: The gap alone.
    parameters: {gap: 2 s}
    forbid: [laser]
    session: {ends: [{trials: 3}]}
    graduate: [after 2 sessions, \"80 % paid of the last 50 trials, on 2 sessions in a row\"]
  test:
    parameters: {lit: true}
    start: probe
    once: per subject
    graduate: after 2 days
  retest:
    start: {main: probe}
    graduate: at least 20 paid trials
outcomes: [paid]
session: {ends: [{trials: 5}]}
start: ready
states:
  ready:
    entry: [{trial: begin}, {draw: {first: {weighted: {left: 1, right: 1}, once: per subject}}}]
    transitions:
      - {event: lever.press, outcome: paid, to: lit_up}
      - {after: gap, to: ready}
  lit_up:
    entry:
      - {pulse: {line: laser, width: 5 ms}, if: lit and group == stim}
      - {on: mask}
    transitions: [{after: gap, to: ready}]
  probe:
    entry: [{trial: begin}, {draw: {first: {weighted: {left: 1, right: 1}, once: per subject}}}]
    transitions:
      - {after: gap, if: weight > 20 and drug != cno and stage != training, outcome: paid, to: lit_up}
      - {after: gap, to: probe}
";

fn sitting(stage: &str) -> Sitting {
    Sitting { stage: Some(stage.to_owned()), ..Sitting::default() }
}

fn with(text: &str, set: &[(&str, &str)], sitting: &Sitting) -> Result<Compiled, Diagnostics> {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    compile_for(&task(text), &Files::Of(Vec::new()), &sim_box(), &Options { set }, sitting)
}

fn good(set: &[(&str, &str)], sitting: &Sitting) -> Compiled {
    with(TASK, set, sitting).unwrap_or_else(|found| panic!("{found}"))
}

fn initial(compiled: &Compiled, name: &str) -> i64 {
    let program = link::program::Program::open(&compiled.image).unwrap();
    program.variable(compiled.symbols.variables.iter().position(|variable| variable.name == name).unwrap())
}

const S: u64 = 1_000_000;

#[test]
fn each_stage_has_its_own_parameters_start_and_ends() {
    let training = good(&[], &sitting("training"));
    assert_eq!(trials(&ran(&training, &[], 60 * S)), [0, 2 * S, 4 * S], "a gap of 2 s, three trials");
    assert_eq!(ended(&training, &ran(&training, &[], 60 * S)), Some((6 * S, "trials: 3".to_owned())));
    let test = good(&[("weight", "25")], &sitting("test"));
    let told = ran(&test, &[], 60 * S);
    assert_eq!(ended(&test, &told), Some((6 * S, "trials: 5".to_owned())), "probe to lit_up to ready, a gap of 1 s");
    assert_eq!(trials(&told), [0, 2 * S, 3 * S, 4 * S, 5 * S]);
    // What the person at the rig sets goes before what the stage says.
    let set = good(&[("gap", "3 s")], &sitting("training"));
    assert_eq!(trials(&ran(&set, &[], 60 * S)), [0, 3 * S, 6 * S]);
}

#[test]
fn without_a_stage_the_first_is_meant_and_all_are_there_to_choose() {
    let none = good(&[], &Sitting::default());
    assert_eq!(none.hash, good(&[], &sitting("training")).hash);
    let stages: Vec<(&str, bool)> = none.symbols.stages.iter().map(|stage| (stage.name.as_str(), stage.once)).collect();
    assert_eq!(stages, [("training", false), ("test", true), ("retest", false)]);
    let rules: Vec<&Graduation> = none.symbols.stages.iter().flat_map(|stage| &stage.graduate).collect();
    assert_eq!(
        rules,
        [
            &Graduation::Sessions { sessions: 2 },
            &Graduation::Share { share_ppm: 800_000, outcome: "paid".to_owned(), last: 50, sessions: 2 },
            &Graduation::Days { days: 2 },
            &Graduation::Trials { trials: 20, outcome: Some("paid".to_owned()), sessions: 1 },
        ]
    );
}

#[test]
fn a_stage_forbids_for_itself_alone() {
    let forbidden = |compiled: &Compiled| {
        let at = compiled.symbols.lines.iter().position(|line| line.name == "laser").unwrap();
        match &compiled.rig.lines[at].role {
            Role::Output { limits, .. } | Role::Powered { limits, .. } => limits.forbidden,
            _ => panic!("a laser is an output"),
        }
    };
    assert!(forbidden(&good(&[], &sitting("training"))));
    assert!(!forbidden(&good(&[], &sitting("test"))));
    // `lit` is off in training, so nothing is asked of the laser there; on, it would be, in vain.
    assert!(good(&[], &sitting("training")).warnings.is_empty());
    let lit = with(TASK, &[("lit", "true")], &sitting("training")).unwrap();
    let codes: Vec<&str> = lit.warnings.list.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["W050-forbidden-in-stage"]);
    insta::assert_snapshot!("forbidden", lit.warnings.render());
}

#[test]
fn what_is_known_of_the_subject_is_a_variable_that_is_fixed() {
    let mut whose = sitting("retest");
    whose.assigned = vec![("group".to_owned(), "control".to_owned()), ("side".to_owned(), "right".to_owned())];
    whose.metadata = vec![("sex".to_owned(), "male".to_owned())];
    let compiled = good(&[("drug", "cno"), ("weight", "23.4 g")], &whose);
    let held: Vec<i64> =
        ["group", "side", "sex", "drug", "weight", "stage"].map(|name| initial(&compiled, name)).into();
    assert_eq!(held, [1, 1, 1, 2, 23_400_000, 2]);
    let asked: Vec<(&str, &str)> =
        compiled.sitting.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(asked, [("species", "mouse"), ("sex", "male"), ("weight", "23.4 g"), ("drug", "cno")]);
    assert_eq!(compiled.sitting.assigned, whose.assigned);
    let columns: Vec<&str> =
        compiled.symbols.variables.iter().filter(|variable| variable.column).map(|v| v.name.as_str()).collect();
    assert_eq!(columns, ["stage", "group", "side", "first"], "what is asked stands in the header, with its unit");
}

#[test]
fn a_draw_once_per_subject_is_made_in_its_first_session_alone() {
    let first = good(&[], &sitting("training"));
    let told = ran(&first, &[], 60 * S);
    let drawn = values(&first, &told, "first");
    assert_eq!(drawn.len(), 1, "once, whatever the number of trials: {drawn:?}");
    let mut later = sitting("training");
    later.drawn_before = vec![("first".to_owned(), 1)];
    let compiled = good(&[], &later);
    assert_eq!(values(&compiled, &ran(&compiled, &[], 60 * S), "first"), []);
    assert_eq!(initial(&compiled, "first"), 1);
    let once: Vec<&str> =
        first.symbols.once.iter().map(|id| first.symbols.variables[usize::from(*id)].name.as_str()).collect();
    assert_eq!(once, ["first"]);
}

#[test]
fn an_assignment_that_the_protocol_no_longer_knows_is_told_and_not_drawn_again() {
    let mut whose = sitting("test");
    whose.assigned = vec![("group".to_owned(), "sham".to_owned())];
    let found = with(TASK, &[], &whose).unwrap_err();
    assert_eq!(found.list[0].code, "E312-assign");
    insta::assert_snapshot!("assigned_before", found.render());
}

fn findings(text: &str) -> Diagnostics {
    match with(text, &[], &Sitting::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

#[test]
fn mistakes_are_told_whatever_stage_they_are_in() {
    let share = "80 % paid of the last 50 trials, on 2 sessions in a row";
    let cases = [
        case("a parameter there is not", "parameters: {gap: 2 s}", "parameters: {gapp: 2 s}", "E311-stage"),
        case("a value out of range", "parameters: {gap: 2 s}", "parameters: {gap: 20 s}", "E106-out-of-range"),
        case("a value without a unit", "parameters: {gap: 2 s}", "parameters: {gap: 2}", "E024-missing-unit"),
        case("a state there is not", "start: {main: probe}", "start: {main: prob}", "E073-unknown-state"),
        case("a region there is not", "start: {main: probe}", "start: {mein: probe}", "E311-stage"),
        case("an output there is not", "    forbid: [laser]", "    forbid: [lasr]", "E194-forbidden"),
        case("no sentence", share, "when it is good", "E310-graduation"),
        case("a share above all", share, "120 % paid of the last 50 trials", "E310-graduation"),
        case(
            "no sessions in a row",
            share,
            "80 % paid of the last 50 trials, on 0 sessions in a row",
            "E310-graduation",
        ),
        case("an outcome there is not", share, "80 % payed of the last 50 trials", "E062-unknown-outcome"),
        case("once in what", "    once: per subject", "    once: per cohort", "E036-unknown-word"),
        case("a key there is not", "    start: probe", "    begin: probe", "E032-unknown-key"),
        case("an end of nothing", "{ends: [{trials: 3}]}", "{ends: [{volume: 3 ml}]}", "E301-never-delivers"),
        case("a label alone", "[left, right]}\nm", "[left]}\nm", "E312-assign"),
        case("balance over nothing", "balance: [sex]", "balance: [sexx]", "E312-assign"),
        case("balance over what changes", "balance: [sex]", "balance: [drug]", "E312-assign"),
        case("too many of a kind", "stim: 2", "stim: 200", "E027-out-of-bounds"),
        case("what is assigned is set", "- {on: mask}", "- {set: {group: stim}}", "E121-not-settable"),
        case("what is asked is drawn", "draw: {first: {w", "draw: {drug: {w", "E121-not-settable"),
        case("choices and a unit", "weight: {unit: g}", "weight: {unit: g, choices: [light, heavy]}", "E313-metadata"),
        case("a default that is no choice", "default: none", "default: nothing", "E313-metadata"),
        case("a name twice", "  weight: {unit: g}", "  gap: {unit: g}", "E074-named-twice"),
        case("what is text in an expression", "weight > 20", "note > 20", "E063-unknown-name"),
        case("blind to nothing", "blind: [group, laser]", "blind: [groop]", "E314-blind"),
        case(
            "a state no stage reaches",
            "  probe:\n    entry",
            "  lost: {transitions: [{after: 1 s, to: ready}]}\n  probe:\n    entry",
            "W006-unreachable",
        ),
    ];
    insta::assert_snapshot!("mistakes", drawn(&cases, findings, TASK));
}

#[test]
fn mistakes_in_what_is_typed_are_told() {
    let typed = |set: &[(&str, &str)]| with(TASK, set, &Sitting::default()).unwrap_err();
    let found = [
        typed(&[("weight", "heavy")]),
        typed(&[("drug", "cno2")]),
        typed(&[("species", "rat")]),
        typed(&[("wait", "1")]),
    ];
    let codes: Vec<&str> = found.iter().map(|found| found.list[0].code).collect();
    assert_eq!(codes, ["E313-metadata", "E313-metadata", "E313-metadata", "E102-unknown-parameter"]);
    insta::assert_snapshot!("typed", found.map(|found| found.render()).join("\n"));
}
