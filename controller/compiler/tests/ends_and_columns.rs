//! What ends a session, and what is worked out as each trial closes: exact times and values on the engine.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/engine.rs"]
mod on_engine;

use common::{case, compiled, drawn, findings, task};
use compiler::Compiled;
use link::{Micros, Record};
use on_engine::{ended, ran, trials, values};

const MS: Micros = 1_000;
const S: Micros = 1_000_000;

/// A trial a second: a press within it is rewarded, none is a miss.
const TASK: &str = "\
protocol: ends
lines: {lever: lever, spout: lick, water: valve}
parameters: {drop: {default: 5 µl}}
columns:
  presses_so_far: presses
  reaction: {value: reaction_time, about: from the trial's start to the press}
  paid: outcome == rewarded
variables: {reaction_time: 0 ms}
counters: {presses: {count: lever.press, reset: session}}
session: {ends: [{after: 60 min}]}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions:
      - event: lever.press
        outcome: rewarded
        do: [{set: {reaction_time: trial.time}}, {deliver: {line: water, volume: drop}}]
        to: rest
      - {after: 1 s, outcome: missed, to: ready}
  rest:
    transitions: [{after: 400 ms, to: ready}]
";

fn ending(rule: &str) -> Compiled {
    compiled(&task(&TASK.replace("{after: 60 min}", rule)))
}

/// A press, held for 10 ms, in each of these µs.
fn presses(at: &[Micros]) -> Vec<(Micros, &'static str, bool)> {
    at.iter().flat_map(|at| [(*at, "lever", true), (at + 10 * MS, "lever", false)]).collect()
}

#[test]
fn each_rule_ends_the_session_at_the_boundary_it_is_reached_at() {
    let at = presses(&[500 * MS, 1_500 * MS, 3_500 * MS, 4_500 * MS]);
    // Trials: 0, 900 ms (press at 500, rest 400), 1 900, 2 900 (a miss), 3 900, 4 900.
    for (rule, end_us) in [
        ("{trials: 3}", 2_900 * MS),
        ("{after: 2 s}", 2_900 * MS),
        ("{rewards: 2}", 1_900 * MS),
        ("{volume: 15 µl}", 3_900 * MS),
        ("{volume: 15.001 µl}", 4_900 * MS),
        ("{trials: 3, outcome: rewarded}", 3_900 * MS),
        ("{trials: 1, outcome: missed}", 2_900 * MS),
        ("{if: presses >= 4}", 4_900 * MS),
    ] {
        let compiled = ending(rule);
        let told = ran(&compiled, &at, 30 * S);
        let (found_us, written) = ended(&compiled, &told).unwrap_or_else(|| panic!("{rule} never ended it"));
        assert_eq!((found_us, format!("{{{written}}}")), (end_us, rule.to_owned()));
    }
}

#[test]
fn at_most_ends_it_in_the_middle_of_a_trial_and_closes_that_trial() {
    let compiled = ending("{at_most: 2500 ms}");
    let told = ran(&compiled, &presses(&[500 * MS]), 30 * S);
    assert_eq!(ended(&compiled, &told), Some((2_500 * MS, "at_most: 2500 ms".to_owned())));
    // Two trials were closed by the next, the third by the end; none begins there.
    assert_eq!(trials(&told), [0, 900 * MS, 1_900 * MS]);
    assert_eq!(values(&compiled, &told, "paid").last(), Some(&(2_500 * MS, 0)), "its columns are there");
}

#[test]
fn idle_counts_from_the_last_thing_the_animal_did() {
    let compiled = ending("{idle: 3 s}");
    let told = ran(&compiled, &presses(&[2 * S, 4 * S]), 30 * S);
    assert_eq!(ended(&compiled, &told), Some((4_010 * MS + 3 * S, "idle: 3 s".to_owned())), "from the release");
    let told = ran(&compiled, &[], 30 * S);
    assert_eq!(ended(&compiled, &told).map(|(at, _)| at), Some(3 * S), "or from the start");
    let compiled = ending("{idle: 3 s, of: spout.lick}");
    let told = ran(&compiled, &[(S, "spout", true), (2 * S, "lever", true)], 30 * S);
    assert_eq!(ended(&compiled, &told), Some((4 * S, "idle: 3 s, of: spout.lick".to_owned())), "a press is no lick");
}

#[test]
fn a_column_holds_what_its_trial_closed_with() {
    let compiled = ending("{trials: 3}");
    let told = ran(&compiled, &presses(&[500 * MS, 1_500 * MS]), 30 * S);
    // The first value is set before there is a trial; the table leaves it out.
    let closes = [0, 900 * MS, 1_900 * MS, 2_900 * MS];
    let of = |name: &str| values(&compiled, &told, name);
    assert_eq!(of("presses_so_far"), [(closes[0], 0), (closes[1], 1), (closes[2], 2), (closes[3], 2)]);
    let reaction = 500 * 1_000;
    assert_eq!(
        of("reaction"),
        [(closes[0], 0), (closes[1], reaction), (closes[2], 600 * 1_000), (closes[3], 600 * 1_000)]
    );
    assert_eq!(of("paid"), [(closes[0], 0), (closes[1], 1), (closes[2], 1), (closes[3], 0)]);
    let units: Vec<_> =
        ["reaction", "paid"].map(|name| compiled.symbols.variables.iter().find(|v| v.name == name)).into();
    assert_eq!(
        units.iter().flatten().map(|v| v.unit).collect::<Vec<_>>(),
        [compiler::symbols::Unit::Time, compiler::symbols::Unit::Truth]
    );
    assert_eq!(compiled.symbols.at_close.len(), 3);
}

#[test]
fn what_is_counted_for_a_rule_leaves_no_record() {
    let plain = ending("{trials: 9}");
    let counting = ending("{rewards: 900}");
    let shared = |compiled: &Compiled| {
        let mut told = ran(compiled, &presses(&[500 * MS, 1_500 * MS]), 8 * S);
        told.retain(|(_, record)| !matches!(record, Record::Start { .. }));
        told
    };
    assert_eq!(shared(&plain), shared(&counting));
}

#[test]
fn mistakes_are_told() {
    let cases = [
        case("an outcome beside a time", "{after: 60 min}", "{after: 60 min, outcome: missed}", "E300-end-beside"),
        case("an event beside trials", "{after: 60 min}", "{trials: 3, of: lever.press}", "E300-end-beside"),
        case("two rules in one", "{after: 60 min}", "{after: 60 min, trials: 3}", "E031-wrong-shape"),
        case("an outcome there is not", "{after: 60 min}", "{trials: 3, outcome: mised}", "E062-unknown-outcome"),
        case("a volume without a unit", "{after: 60 min}", "{volume: 3}", "E024-missing-unit"),
        case("an event there is not", "{after: 60 min}", "{idle: 3 s, of: spout.lik}", "E112-unknown-event"),
        case("rewards of a task without", "{deliver: {line: water, volume: drop}}", "{event: nothing}", "W003-unused"),
        case("a column named as a variable", "  paid: outcome", "  presses: outcome", "E074-named-twice"),
        case("a column of what is not there", "paid: outcome == rewarded", "paid: streak", "E063-unknown-name"),
        case("a column that is set", "{reaction_time: trial.time}", "{reaction: trial.time}", "E121-not-settable"),
        case("a state's time in a column", "paid: outcome == rewarded", "paid: state.time", "E064-no-state"),
    ];
    insta::assert_snapshot!("mistakes", drawn(&cases, findings, TASK));
    let dry = "protocol: dry\nlines: {}\nsession: {ends: [{rewards: 3}, {idle: 3 s}]}\nstart: one\nstates: {one: {entry: [{trial: begin}], transitions: [{after: 1 s, to: one}]}}\n";
    let found = findings(dry);
    let codes: Vec<&str> = found.list.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["E301-never-delivers", "E302-never-idle"], "{found}");
    insta::assert_snapshot!("dry", found.render());
}
