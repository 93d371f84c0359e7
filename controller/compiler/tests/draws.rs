//! Draws that do not put back, tables and lists that are written, on the engine.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::trials::{Session, session};
use common::{Case, GOOD, case, compiled, drawn, findings, task};
use link::record::Request;

/// A trial a second: the lever is right, a lick is wrong.
const HEAD: &str = "\
protocol: draws
lines: {lever: lever, spout: lick, water: valve, cue: speaker}
outcomes: [right, wrong]
session: {ends: [{trials: 100000}]}
start: ready
";

const STATES: &str = "    transitions:
      - {event: lever.press, outcome: right, to: over}
      - {event: spout.lick, outcome: wrong, to: over}
  over:
    transitions: [{after: 10 ms, to: ready}]
";

fn protocol(declared: &str, entry: &str) -> String {
    format!("{HEAD}{declared}states:\n  ready:\n    entry:\n      - trial: begin\n{entry}{STATES}")
}

fn run(declared: &str, entry: &str, trials: u64) -> Session {
    session(compiled(&task(&protocol(declared, entry))), 7, trials, |_| "lever")
}

#[test]
fn a_sample_gives_each_once_before_any_comes_again() {
    let found = run("lists: {sizes: [2 µl, 4 µl, 8 µl]}\n", "      - draw: {size: {sample: sizes}}\n", 60);
    let sizes = found.column("size");
    assert_eq!(sizes.len(), 60);
    for three in sizes.chunks(3) {
        assert_eq!(three.iter().collect::<BTreeSet<_>>().len(), 3, "{three:?}");
    }
    assert!(sizes.chunks(3).any(|three| three != &sizes[..3]), "always the same order");
    let (_, odds) = found.trials[1].drawn("size.card").unwrap();
    assert_eq!(odds, (1, 2), "one of the two that are left");
}

#[test]
fn a_row_of_a_table_is_sampled_by_its_name_and_tells_its_columns() {
    let tables = "tables:
  options:
    small: {pellets: 1, win: 0.9, time_out: 5 s, cue: low}
    large: {pellets: 3, win: 50 %, time_out: wait, cue: high}
parameters: {wait: {default: 10 s}}
stimuli:
  low: {tone: {frequency: 4 kHz, level: 70 dB, duration: 100 ms}}
  high: {tone: {frequency: 12 kHz, level: 70 dB, duration: 100 ms}}
variables: {pellets: 0, win: 0.0, time_out: 0 s, choice: {labels: options}}
";
    let entry = "      - draw: {choice: {sample: options}}
      - set: {pellets: \"options[choice].pellets\", win: \"options[choice].win\"}
      - set: {time_out: \"options[choice].time_out\"}
      - play: {line: cue, stimulus: \"options[choice].cue\"}
";
    let found = run(tables, entry, 20);
    for trial in &found.trials {
        let expected =
            if trial.value("choice") == 0 { (1, 900_000, 5_000_000, 4) } else { (3, 500_000, 10_000_000, 12) };
        let Request::Train(train) = trial.requests[0].1 else { panic!("{:?}", trial.requests) };
        let Some(link::record::Carrier { wave: link::record::Wave::Sine { frequency_mhz }, .. }) = train.carrier else {
            panic!("no tone")
        };
        let khz = frequency_mhz / 1_000_000;
        assert_eq!((trial.value("pellets"), trial.value("win"), trial.value("time_out"), khz), expected);
        assert_eq!(trial.requests.len(), 1);
    }
    assert_eq!(found.labels("choice").iter().filter(|choice| **choice == "small").count(), 10);
}

#[test]
fn a_shuffled_list_holds_the_same_in_every_order_alike() {
    let found = run("lists: {places: [1, 2, 3]}\n", "      - draw: {order: {shuffle: places}}\n", 600);
    let mut seen = std::collections::BTreeMap::new();
    for trial in &found.trials {
        let order: Vec<i64> = (0..3).map(|n| trial.value(&format!("order.{n}"))).collect();
        assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 3);
        *seen.entry(order).or_insert(0) += 1;
        let odds: Vec<(i64, i64)> = trial.draws.iter().map(|(_, _, odds)| *odds).collect();
        assert_eq!(odds, [(0, 2), (0, 1)], "each place takes one of those left");
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.values().all(|count| (70..=130).contains(count)), "{seen:?}");
}

#[test]
fn a_list_is_shuffled_in_place_and_its_elements_are_set_and_drawn() {
    let lists = "lists: {order: [1, 2, 3, 4], waits: [1 s, 1 s]}\nvariables: {first: 0, third: 0, at: 0, wait: 0 s}\n";
    let entry = "      - draw: {order: {shuffle: order}}
      - set: {first: \"order[0]\", at: trial.number % 2}
      - set: {\"order[3]\": 9}
      - set: {\"order[at + 1]\": \"order[at] + 10\"}
      - draw: {\"waits[at]\": {uniform: [2 s, 3 s]}}
      - set: {wait: \"waits[at]\", third: \"order[at + 1]\"}
";
    let found = run(lists, entry, 2);
    for trial in &found.trials {
        let at = trial.value("at");
        assert_eq!(trial.value("order.3"), 9);
        assert_eq!(trial.value("third"), trial.value(&format!("order.{at}")) + 10);
        assert!((2_000_000..=3_000_000).contains(&trial.value("wait")));
        assert_eq!(trial.value(&format!("waits.{at}")), trial.value("wait"));
    }
    assert_eq!(found.trials.len(), 2);
}

#[test]
#[should_panic(expected = "IndexOutOfRange")]
fn an_index_past_the_end_of_a_written_list_ends_the_session_as_one_of_constants_does() {
    let entry = "      - set: {\"order[trial.number]\": 9}\n";
    run("lists: {order: [1, 2]}\n", entry, 9);
}

#[test]
fn a_weighted_draw_keeps_to_its_longest_run() {
    let entry = "      - draw: {side: {weighted: {left: 3, right: 1}, max_run: 2}}\n";
    let found = run("", entry, 400);
    let sides = found.labels("side");
    assert!(sides.windows(3).all(|three| three.iter().any(|side| *side != three[0])), "three in a row");
    assert!(sides.windows(2).any(|two| two == ["left", "left"]) && sides.contains(&"right"));
    let third = |n: usize| n > 1 && sides[n - 1] == "left" && sides[n - 2] == "left";
    for (n, trial) in found.trials.iter().enumerate() {
        let (side, odds) = trial.drawn("side").unwrap();
        let (left, right) = match n {
            _ if third(n) => (0, 1_000_000),
            _ if n > 1 && sides[n - 1] == "right" && sides[n - 2] == "right" => (3_000_000, 0),
            _ => (3_000_000, 1_000_000),
        };
        assert_eq!(odds, (if side == 0 { left } else { right }, left + right), "the odds then in force");
    }
}

#[test]
fn a_run_goes_on_where_nothing_else_could_be_drawn() {
    let entry = "      - draw: {side: {weighted: {left: 1, right: p}, max_run: 2}}\n";
    let found = run("parameters: {p: {default: 0.0}}\n", entry, 20);
    assert!(found.labels("side").iter().all(|side| *side == "left"));
}

/// Seventeen values.
const LONG: &str =
    "[1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl, 1 µl]";

fn show(name: &str, cases: &[Case]) {
    let with_table = GOOD
        .replace("lists:\n", "tables:\n  options:\n    small: {size: 4 µl}\n    large: {size: 8 µl}\nlists:\n")
        .replace("[4 µl, 8 µl]\n", "[4 µl, 8 µl]\n  one_size: [4 µl]\n")
        .replace("  streak: 0\n", "  streak: 0\n  choice: {labels: options}\n")
        .replace("volume: drop}", "volume: \"options[choice].size\"}")
        .replace("drop: {default: 5 µl, range: [3 µl, 20 µl], basis: typical}", "wait: {default: 1 s}")
        .replace("delay + 1 s", "delay + wait")
        .replace(
            "- draw: {paid: {chance: 0.5}}",
            "- draw: {paid: {chance: 0.5}}\n      - draw: {one: {sample: sizes}}",
        );
    insta::assert_snapshot!(name, drawn(cases, findings, &with_table));
}

#[test]
fn mistakes_of_tables_and_lists() {
    show(
        "tables",
        &[
            case("a cell is missing", "large: {size: 8 µl}", "large: {}", "E200-missing-cell"),
            case("a cell too many", "large: {size: 8 µl}", "large: {size: 8 µl, cost: 2}", "E200-missing-cell"),
            case("a column is not there", "].size", "].volume", "E201-unknown-column"),
            case("a label is no row", "{labels: options}", "{labels: [none, small, large]}", "E202-not-a-row"),
            case("an index that is no row", "[choice].size", "[streak].size", "E202-not-a-row"),
            case("a table is not there", "options[choice].size", "option[choice].size", "E206-unknown-table"),
            case("labels of no table", "{labels: options}", "{labels: option}", "E206-unknown-table"),
            case(
                "a row that is not there",
                "{labels: options}",
                "{labels: options, initial: none}",
                "E061-unknown-label",
            ),
            case("an empty table", "    small: {size: 4 µl}\n    large: {size: 8 µl}\n", "    {}\n", "E033-empty"),
            case("a column of two kinds", "size: 8 µl}", "size: 8 s}", "E060-wrong-type"),
            case(
                "a stimulus that is none",
                "stimulus: go",
                "stimulus: \"options[choice].size\"",
                "E207-not-a-stimulus",
            ),
            case("a sample of nothing", "{sample: sizes}", "{sample: size}", "E067-unknown-list"),
            case(
                "an element of a table is set",
                "{streak: streak + 1}",
                "{\"options[choice].size\": 1 µl}",
                "E204-not-an-element",
            ),
            case("no element is set", "{streak: streak + 1}", "{\"streak[0\": 1}", "E052-syntax"),
            case("past the end is set", "{streak: streak + 1}", "{\"sizes[2]\": 1 µl}", "E068-past-the-end"),
            case(
                "a sample of another kind",
                "{one: {sample: sizes}}",
                "{treatment: {sample: sizes}}",
                "E142-draw-type",
            ),
            case(
                "a list shuffled into one of another kind",
                "{one: {sample: sizes}}",
                "{sizes: {shuffle: options}}",
                "E142-draw-type",
            ),
            case("lists of two lengths", "{one: {sample: sizes}}", "{one_size: {shuffle: sizes}}", "E205-lengths"),
            case("a list too long to be sampled", "[4 µl, 8 µl]", LONG, "E203-list-too-long"),
        ],
    );
}
