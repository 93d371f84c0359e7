//! What a person gets to read after a mistake in trial types, blocks, histories and staircases.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, compiled, drawn, findings, task};

/// One of each, and nothing wrong.
const GOOD: &str = "\
protocol: next
lines: {lever: lever, spout: lick}
outcomes: [right, wrong]
session: {ends: [{trials: 100}]}
history:
  rate: {mean: outcome == right, over: 10, reset: block}
  recent: {mean: outcome == right, tau: 8}
  before: {last: outcome, over: 2}
  streak: {in_a_row: outcome == right}
blocks:
  table: {easy: {gain: 1}, hard: {gain: 2}}
  order: [easy, hard]
  change:
    - {when: rate >= 80 %, then: 5}
    - {trials: {integer: [20, 30]}}
    - {chance: 0.1, after: 15}
trial_types:
  table: {left: {size: 1 s}, right: {size: 2 s}}
  draw: {weighted: {left: 1, right: recent}, max_run: 3}
  force: [{type: left, if: trial.number <= 5}]
  repeat: {if: outcome == wrong, at_most: 3}
staircases:
  level:
    start: 50 %
    range: [10 %, 90 %]
    right: outcome == right
    down: {right: 2, step: 5 %}
    up: {wrong: 1, factor: 1.2}
    stop: {reversals: 10, discard: 2}
variables: {x: 0.0, rest: 0 s, gained: 0}
start: ready
states:
  ready:
    entry:
      - trial: begin
      - set: {x: level, rest: trial_type.size, gained: block.gain}
    transitions:
      - {event: lever.press, outcome: right, to: over}
      - {event: spout.lick, outcome: wrong, do: [{trial: void}], to: over}
  over: {transitions: [{after: 1 s, to: ready}]}
";

fn show(name: &str, cases: &[Case]) {
    insta::assert_snapshot!(name, drawn(cases, findings, GOOD));
}

#[test]
fn one_of_each_is_good() {
    let compiled = compiled(&task(GOOD));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    let columns = compiled.symbols.variables.iter().filter(|variable| variable.column);
    let columns: Vec<&str> = columns.map(|variable| variable.name.as_str()).collect();
    assert_eq!(
        columns,
        [
            "x",
            "rest",
            "gained",
            "trial.void",
            "trial.repeated",
            "trial_type",
            "trial.forced",
            "block",
            "block.number",
            "block.trial",
            "block.length",
            "rate",
            "recent",
            "streak",
            "level",
            "level.reversals",
            "level.threshold"
        ]
    );
}

#[test]
fn mistakes_of_trial_types() {
    show(
        "trial_types",
        &[
            case("no trial begins", "- trial: begin\n      ", "", "E208-no-trial"),
            case(
                "nothing says which",
                "  draw: {weighted: {left: 1, right: recent}, max_run: 3}\n",
                "",
                "E210-which-type",
            ),
            case("drawn and in an order", "  force:", "  order: [left]\n  force:", "E210-which-type"),
            case("a guard of the draw", "max_run: 3}", "max_run: 3, if: recent > 0}", "E032-unknown-key"),
            case(
                "a card that waits for an outcome",
                "{weighted: {left: 1, right: recent}, max_run: 3}",
                "{deck: {left: 1, right: 1}, spend_on: right}",
                "E211-repeated-card",
            ),
            case(
                "a truth is drawn",
                "{weighted: {left: 1, right: recent}, max_run: 3}",
                "{chance: 0.5}",
                "E142-draw-type",
            ),
            case(
                "a list is drawn",
                "{weighted: {left: 1, right: recent}, max_run: 3}",
                "{shuffle: left}",
                "E142-draw-type",
            ),
            case("a type that is not there", "right: recent}", "rigth: recent}", "E061-unknown-label"),
            case("forced to what is not there", "{type: left,", "{type: lefd,", "E202-not-a-row"),
            case("forced by nothing", "{type: left, if: trial.number <= 5}", "{type: left}", "E030-missing-key"),
            case("a value that is not there", "trial_type.size", "trial_type.sise", "E066-unknown-member"),
            case("a column of two kinds", "right: {size: 2 s}", "right: {size: 2 sec}", "E021-unknown-unit"),
            case("the type is set", "{x: level,", "{trial_type: left, x: level,", "E121-not-settable"),
            case("a verb of trials that is none", "trial: void", "trial: undo", "E036-unknown-word"),
            case("a part that is not there", "trial.number <= 5", "trial.kind <= 5", "E066-unknown-member"),
            case("a variable of that name", "gained: 0}", "trial_type: 0}", "E074-named-twice"),
        ],
    );
}

#[test]
fn mistakes_of_blocks() {
    show(
        "blocks",
        &[
            case("a block that is not there", "order: [easy, hard]", "order: [easy, hrad]", "E202-not-a-row"),
            case("an order that is none", "order: [easy, hard]", "order: backwards", "E036-unknown-word"),
            case("two rules in one", "{chance: 0.1,", "{trials: 40, chance: 0.1,", "E216-block-rule"),
            case("no rule", "{chance: 0.1, after: 15}", "{after: 15}", "E216-block-rule"),
            case("a chance that is none", "{chance: 0.1,", "{chance: 10,", "E140-not-a-probability"),
            case("a block of no trials", "{trials: {integer: [20, 30]}}", "{trials: 0}", "E027-out-of-bounds"),
            case("a drawn block of no trials", "{integer: [20, 30]}", "{integer: [0, 30]}", "E027-out-of-bounds"),
            case("bounds the wrong way round", "{integer: [20, 30]}", "{integer: [30, 20]}", "E143-bounds-reversed"),
            case("fewer than no trials", "then: 5}", "then: 0 - 5}", "E027-out-of-bounds"),
            case("a criterion that is none", "{when: rate >= 80 %,", "{when: rate,", "E060-wrong-type"),
            case(
                "a name that is taken",
                "easy: {gain: 1}, hard: {gain: 2}",
                "easy: {number: 1}, hard: {number: 2}",
                "E209-column-taken",
            ),
            case(
                "nothing ends a block",
                "\n    - {when: rate >= 80 %, then: 5}\n    - {trials: {integer: [20, 30]}}\n    - {chance: 0.1, after: 15}",
                " []",
                "W020-endless-block",
            ),
        ],
    );
}

#[test]
fn mistakes_of_histories() {
    show(
        "histories",
        &[
            case("nothing is kept", "{in_a_row: outcome == right}", "{among: outcome == right}", "E213-history"),
            case("a mean over nothing", ", over: 10, reset", ", reset", "E213-history"),
            case("a tau of what is last", "over: 2}", "tau: 2}", "E032-unknown-key"),
            case("too many trials", "over: 10,", "over: 100,", "E212-window"),
            case("too many values", "over: 2}", "over: 17}", "E212-window"),
            case("a tau of nothing", "tau: 8", "tau: 0", "E212-window"),
            case("the mean of an outcome", "mean: outcome == right, tau", "mean: outcome, tau", "E060-wrong-type"),
            case("a streak of a count", "in_a_row: outcome == right", "in_a_row: trial.number", "E060-wrong-type"),
            case("a name that is not there", "mean: outcome == right, tau", "mean: choise, tau", "E063-unknown-name"),
            case("asked of itself", "{last: outcome, over: 2}", "{last: before}", "E218-circular"),
            case("a first value of another kind", "tau: 8}", "tau: 8, initial: 5 s}", "E025-wrong-unit"),
            case("a number of trials that changes", "over: 10,", "over: streak,", "E090-not-constant"),
            case(
                "an element past the end",
                "gained: block.gain",
                "gained: \"if(before[2] == right, 1, 0)\"",
                "E068-past-the-end",
            ),
            case("a history is set", "{x: level,", "{streak: 0, x: level,", "E121-not-settable"),
        ],
    );
}

#[test]
fn mistakes_of_staircases() {
    show(
        "staircases",
        &[
            case("both ways after what is right", "{wrong: 1,", "{right: 1,", "E214-one-way"),
            case("after neither", "{wrong: 1, factor", "{factor", "E215-staircase"),
            case("by nothing", "{right: 2, step: 5 %}", "{right: 2}", "E215-staircase"),
            case("by a step of nothing", "step: 5 %", "step: 0 %", "E215-staircase"),
            case("up by a factor that leads down", "factor: 1.2", "factor: 0.8", "E215-staircase"),
            case("after no trial", "{right: 2,", "{right: 0,", "E215-staircase"),
            case("a step of another kind", "step: 5 %", "step: 5 ms", "E025-wrong-unit"),
            case("no reversals are left", "discard: 2}", "discard: 10}", "E215-staircase"),
            case("a start outside its range", "start: 50 %", "start: 5 %", "E106-out-of-range"),
            case("a range the wrong way round", "[10 %, 90 %]", "[90 %, 10 %]", "E104-empty-range"),
            case("a range of three", "[10 %, 90 %]", "[10 %, 50 %, 90 %]", "E031-wrong-shape"),
            case("nothing is right", "    right: outcome == right\n", "", "E030-missing-key"),
            case(
                "a level of labels",
                "start: 50 %\n    range: [10 %, 90 %]",
                "start: low\n    range: [low, high]",
                "E060-wrong-type",
            ),
        ],
    );
}

#[test]
fn blocks_are_asked_for_where_a_history_begins_anew_with_them() {
    let text = GOOD.replace(GOOD.split("blocks:\n").nth(1).unwrap().split("trial_types").next().unwrap(), "");
    let text = text.replace("\nblocks:\n", "\n").replace(", gained: block.gain", "");
    let found = findings(&text);
    assert_eq!(found.list[0].code, "E219-no-blocks", "{found}");
}
