//! What is told of a protocol before anything runs: each finding beside the nearest protocol that is as meant, of which nothing
//! is told. The messages themselves are in `snapshots/`.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{sim_box, task};
use compiler::{Compiled, Diagnostics, Options, Style, compile};

/// A protocol of two states that takes a press in each; what is to be judged stands in its places.
fn protocol(declared: &str, first: &str, second: &str, behind: &str) -> String {
    format!(
        "protocol: on-paper\nlines: {{lever: lever, spout: lick, water: valve, mask: light}}\n{declared}\
         session: {{ends: [{{trials: 10}}]}}\nstart: ready\nstates:\n  ready:\n    entry:\n      - trial: begin\n{first}  \
         go:\n{second}    \n{behind}"
    )
}

fn found(text: &str) -> Result<Compiled, Diagnostics> {
    compile(&task(text), &sim_box(), &Options::default())
}

/// The findings but for the lines that these small protocols leave unused.
fn codes(text: &str) -> Vec<&'static str> {
    let told = match found(text) {
        Ok(compiled) => compiled.warnings,
        Err(told) => told,
    };
    told.list.iter().filter(|d| !d.message.starts_with("the line")).map(|d| d.code).collect()
}

const TO_GO: &str = "    transitions: [{event: lever.press, to: go}]\n";
const TO_READY: &str = "    transitions: [{event: lever.press, to: ready}]\n";

struct Pair {
    title: &'static str,
    code: &'static str,
    wrong: [&'static str; 4],
    right: [&'static str; 4],
}

const PAIRS: &[Pair] = &[
    Pair {
        title: "a guard past what a parameter may be",
        code: "W004-never",
        wrong: [
            "parameters: {tries: {default: 3, range: [1, 5]}}\n",
            "    transitions: [{event: lever.press, if: tries > 5, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
        right: [
            "parameters: {tries: {default: 3, range: [1, 5]}}\n",
            "    transitions: [{event: lever.press, if: tries > 4, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a variable that is never set to what is asked",
        code: "W004-never",
        wrong: [
            "variables: {side: {labels: [left, right, both]}}\n",
            "      - draw: {side: {weighted: {left: 1, right: 1}}}\n    transitions: [{event: lever.press, if: side == left and side == right, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
        right: [
            "variables: {side: {labels: [left, right, both]}}\n",
            "      - draw: {side: {weighted: {left: 1, right: 1}}}\n    transitions: [{event: lever.press, if: side == left or side == right, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "two bounds that exclude each other",
        code: "W004-never",
        wrong: [
            "counters: {licks: {count: spout.lick}}\n",
            TO_GO,
            "    transitions: [{event: lever.press, if: licks > 5 and licks < 3, to: ready}, {after: 1 s, to: ready}]\n",
            "",
        ],
        right: [
            "counters: {licks: {count: spout.lick}}\n",
            TO_GO,
            "    transitions: [{event: lever.press, if: licks > 3 and licks < 5, to: ready}, {after: 1 s, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a level that cannot be both",
        code: "W004-never",
        wrong: [
            "",
            "    transitions: [{when: lever.down and not lever.down, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
        right: [
            "",
            "    transitions: [{when: lever.down and not spout.touching, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "the guard of an action",
        code: "W004-never",
        wrong: [
            "parameters: {lit: {default: 1 s, range: [0 s, 2 s]}}\n",
            "      - {on: mask, if: lit > 3 s}\n    transitions: [{after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
        right: [
            "parameters: {lit: {default: 1 s, range: [0 s, 2 s]}}\n",
            "      - {on: mask, if: lit > 0 s}\n    transitions: [{after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a guard that decides nothing",
        code: "W060-always",
        wrong: ["", TO_GO, "    transitions: [{event: lever.press, if: trial.number >= 0, to: ready}]\n", ""],
        right: [
            "",
            TO_GO,
            "    transitions: [{event: lever.press, if: trial.number > 1, to: ready}, {after: 1 s, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a count that only grows",
        code: "W060-always",
        wrong: [
            "variables: {n: 1}\n",
            "      - set: {n: n + 1}\n    transitions: [{event: lever.press, if: n > 0, to: go}]\n",
            TO_READY,
            "",
        ],
        right: [
            "variables: {n: 1}\n",
            "      - set: {n: n - 1}\n    transitions: [{event: lever.press, if: n > 0, to: go}, {after: 1 s, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a transition behind one without a guard",
        code: "W061-shadowed",
        wrong: [
            "",
            "    transitions:\n      - {event: lever.press, to: go}\n      - {event: lever.press, if: trial.number > 3, to: ready}\n",
            TO_READY,
            "",
        ],
        right: [
            "",
            "    transitions:\n      - {event: lever.press, if: trial.number > 3, to: ready}\n      - {event: lever.press, to: go}\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a transition behind one with a wider guard",
        code: "W061-shadowed",
        wrong: [
            "counters: {licks: {count: spout.lick}}\n",
            "    transitions:\n      - {event: lever.press, if: licks > 2, to: go}\n      - {event: lever.press, if: licks > 5, to: ready}\n",
            TO_READY,
            "",
        ],
        right: [
            "counters: {licks: {count: spout.lick}}\n",
            "    transitions:\n      - {event: lever.press, if: licks > 5, to: ready}\n      - {event: lever.press, if: licks > 2, to: go}\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a time-out behind a shorter one",
        code: "W062-never-due",
        wrong: [
            "parameters: {wait: {default: 1 s, range: [0 s, 5 s]}}\n",
            "    transitions: [{after: wait, to: go}, {after: wait + 10 ms, to: ready}]\n",
            TO_READY,
            "",
        ],
        right: [
            "parameters: {wait: {default: 1 s, range: [0 s, 5 s]}}\n",
            "    transitions: [{after: wait, if: lever.down, to: go}, {after: wait + 10 ms, to: ready}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a time-out that may be the shorter one",
        code: "W062-never-due",
        wrong: [
            "parameters: {wait: {default: 1 s, range: [0 s, 5 s]}}\n",
            "    transitions: [{after: wait, to: go}, {after: 5 s, to: ready}]\n",
            TO_READY,
            "",
        ],
        right: [
            "parameters: {wait: {default: 1 s, range: [0 s, 6 s]}}\n",
            "    transitions: [{after: wait, to: go}, {after: 5 s, to: ready}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a light that one of two paths leaves on",
        code: "W063-may-stay-on",
        wrong: [
            "",
            "      - on: {line: mask, until: off}\n    transitions: [{event: lever.press, to: go}, {event: spout.lick, to: dark}]\n",
            TO_READY,
            "  dark: {entry: [{off: mask}], transitions: [{after: 1 s, to: ready}]}\n",
        ],
        right: [
            "",
            "      - on: {line: mask, until: off}\n    transitions: [{event: lever.press, to: go}, {event: spout.lick, to: dark}]\n",
            "    entry: [{off: mask}]\n    transitions: [{event: lever.press, to: ready}]\n",
            "  dark: {entry: [{off: mask}], transitions: [{after: 1 s, to: ready}]}\n",
        ],
    },
    Pair {
        title: "a light that is on where nothing ends",
        code: "W063-may-stay-on",
        wrong: [
            "",
            "      - on: {line: mask, until: off}\n    transitions: [{event: lever.press, do: [{off: mask}], to: go}, {after: 1 h, to: end}]\n",
            TO_READY,
            "  end: {final: true}\n",
        ],
        right: [
            "",
            "      - on: {line: mask, until: off}\n    transitions: [{event: lever.press, do: [{off: mask}], to: go}, {after: 1 h, do: [{off: mask}], to: end}]\n",
            TO_READY,
            "  end: {final: true}\n",
        ],
    },
    Pair {
        title: "two conditions that may both hold",
        code: "W064-may-not-rest",
        wrong: [
            "",
            "    transitions: [{when: lever.down, to: go}]\n",
            "    transitions: [{when: not spout.touching, to: ready}]\n",
            "",
        ],
        right: [
            "",
            "    transitions: [{when: lever.down, to: go}]\n",
            "    transitions: [{when: not lever.down, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a time-out of no time in a circle",
        code: "W064-may-not-rest",
        wrong: [
            "parameters: {pause: {default: 1 s, range: [0 s, 2 s]}}\n",
            "    transitions: [{when: lever.down, to: go}]\n",
            "    transitions: [{after: pause, to: ready}]\n",
            "",
        ],
        right: [
            "parameters: {pause: {default: 1 s, range: [1 ms, 2 s]}}\n",
            "    transitions: [{when: lever.down, to: go}]\n",
            "    transitions: [{after: pause, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a drawn time-out in a circle",
        code: "W064-may-not-rest",
        wrong: [
            "",
            "      - draw: {gap: {uniform: [0 s, 2 s]}}\n    transitions: [{after: gap, to: go}]\n",
            "    transitions: [{when: not spout.touching, to: ready}]\n",
            "",
        ],
        right: [
            "",
            "      - draw: {gap: {uniform: [1 ms, 2 s]}}\n    transitions: [{after: gap, to: go}]\n",
            "    transitions: [{when: not spout.touching, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a sentence its own state breaks",
        code: "E330-broken-on-entry",
        wrong: [
            "",
            TO_GO,
            "    entry: [{deliver: {line: water, volume: 5 µl}}]\n    transitions: [{event: lever.press, to: ready}]\n",
            "invariants: [never deliver on water in go]\n",
        ],
        right: [
            "",
            TO_GO,
            "    entry: [{deliver: {line: water, volume: 5 µl}, if: lever.down}]\n    transitions: [{event: lever.press, to: ready}]\n",
            "invariants: [never deliver on water in go]\n",
        ],
    },
    Pair {
        title: "a list nothing reads",
        code: "W003-unused",
        wrong: ["lists: {sizes: [4 µl, 8 µl]}\n", TO_GO, TO_READY, ""],
        right: [
            "lists: {sizes: [4 µl, 8 µl]}\n",
            TO_GO,
            "    entry: [{deliver: {line: water, volume: \"sizes[0]\"}}]\n    transitions: [{event: lever.press, to: ready}]\n",
            "",
        ],
    },
    Pair {
        title: "a timer nothing starts",
        code: "W003-unused",
        wrong: ["timers: [late]\n", TO_GO, TO_READY, ""],
        right: [
            "timers: [late]\n",
            "      - timer: {start: late, for: 3 s}\n    transitions: [{event: late.end, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "a variable nothing touches",
        code: "W003-unused",
        wrong: ["variables: {streak: 0}\n", TO_GO, TO_READY, ""],
        right: [
            "variables: {streak: 0}\n",
            "      - set: {streak: trial.number}\n    transitions: [{event: lever.press, to: go}]\n",
            TO_READY,
            "",
        ],
    },
    Pair {
        title: "an outcome no trial has",
        code: "W003-unused",
        wrong: [
            "outcomes: [paid, missed]\n",
            "    transitions: [{event: lever.press, outcome: paid, to: go}]\n",
            TO_READY,
            "",
        ],
        right: ["outcomes: [paid]\n", "    transitions: [{event: lever.press, outcome: paid, to: go}]\n", TO_READY, ""],
    },
];

fn text([declared, first, second, behind]: &[&str; 4]) -> String {
    protocol(declared, first, second, behind)
}

#[test]
fn each_finding_is_told_of_the_wrong_one_and_of_that_alone() {
    let mut out = String::new();
    for Pair { title, code, wrong, right } in PAIRS {
        assert_eq!(codes(&text(wrong)), [*code], "{title}:\n{}", told(&text(wrong)));
        assert_eq!(codes(&text(right)), [""; 0], "{title}, as meant:\n{}", told(&text(right)));
        let all = match found(&text(wrong)) {
            Ok(compiled) => compiled.warnings,
            Err(told) => told,
        };
        let shown = Diagnostics {
            list: all.list.into_iter().filter(|d| d.code == *code && !d.message.starts_with("the line")).collect(),
        };
        writeln!(out, "## {title}\n{}", shown.render_in(Style::PLAIN)).unwrap();
    }
    insta::assert_snapshot!("findings", out);
}

fn told(text: &str) -> String {
    match found(text) {
        Ok(compiled) => compiled.warnings.to_string(),
        Err(told) => told.to_string(),
    }
}

/// Sentences, and whether the graph shows that they hold.
#[test]
fn invariants_are_decided_where_the_graph_of_states_decides_them() {
    let deliver = "      - deliver: {line: water, volume: 5 µl}\n";
    let first = format!("{deliver}{TO_GO}");
    let regions = "regions:\n  beside: {start: a, states: {a: {transitions: [{event: spout.lick, to: b}]}, b: {entry: [{pulse: {line: water, width: 20 ms}}], transitions: [{after: 1 s, to: a}]}}}\n";
    let in_circle = "    transitions: [{event: lever.press, to: again}]\n  again: {entry: [{deliver: {line: water, volume: 5 µl}}], transitions: [{event: lever.press, to: go}, {after: 9 s, to: ready}]}\n";
    for (first, second, behind, sentence, holds) in [
        (first.as_str(), TO_READY, "", "at most 1 deliver on water per trial", true),
        (first.as_str(), TO_READY, "", "at most 0 deliver on water per trial", false),
        (first.as_str(), TO_READY, "", "at most 100 deliver on water per session", false),
        (first.as_str(), TO_READY, "", "never deliver on water in go", true),
        (TO_GO, in_circle, "", "at most 5 deliver on water per trial", false),
        (TO_GO, in_circle, "", "never deliver on water in ready", true),
        (first.as_str(), TO_READY, regions, "at most 1 deliver on water per trial", false),
        (first.as_str(), TO_READY, regions, "never deliver on water in go", false),
    ] {
        let text = protocol("", first, second, &format!("{behind}invariants: [{sentence}]\n"));
        let compiled = found(&text).unwrap_or_else(|told| panic!("{told}"));
        assert_eq!(compiled.holds, [holds], "{sentence}\n{text}");
    }
}

#[test]
fn of_what_ships_nothing_is_told() {
    for file in ["first-lever", "lever-pull", "lever-pull-analog", "probabilistic-reward"] {
        let compiled =
            compile(&common::shipped(&format!("protocols/{file}.yaml")), &sim_box(), &Options::default()).unwrap();
        assert!(compiled.warnings.is_empty(), "{file}:\n{}", compiled.warnings);
    }
}
