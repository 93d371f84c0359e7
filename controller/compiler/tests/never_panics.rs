//! Whatever stands in a file, the compiler answers with a program or with findings; it never falls over.
#![allow(clippy::unwrap_used)]

mod common;

use common::trace::{compiled_for, holes};
use common::{shipped, sim_box, task};
use compiler::{Options, RigConfig, Source, Style, compile, read_rig, scenario};
use proptest::prelude::*;

/// What can happen to a file.
#[derive(Debug, Clone)]
enum Damage {
    Flip { at: usize, to: char },
    Delete { at: usize, length: usize },
    Insert { at: usize, what: &'static str },
    SwapLines { first: usize, second: usize },
    Repeat { at: usize, length: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ":",
        ": ",
        ",",
        "-",
        "- ",
        "\"",
        "'",
        "|",
        ">",
        "&a ",
        "*a",
        "!x ",
        "%",
        "#",
        "\t",
        "\n",
        "\n\n  ",
        "if: ",
        "µ",
        "\u{0}",
        "\u{feff}",
        "日",
        "9999999999999999999",
        "none",
        " of ",
        "-1 ms",
        "0",
        "max(",
        "not ",
        "==",
        " and ",
        "on: ",
        "[any]",
        "[other]",
        ".change",
        ".which",
        "at: ",
        "~",
        "<<: ",
        "? ",
        "---\n",
    ];
    prop_oneof![
        (any::<usize>(), any::<char>()).prop_map(|(at, to)| Damage::Flip { at, to }),
        (any::<usize>(), 1..40_usize).prop_map(|(at, length)| Damage::Delete { at, length }),
        (any::<usize>(), prop::sample::select(PIECES)).prop_map(|(at, what)| Damage::Insert { at, what }),
        (any::<usize>(), any::<usize>()).prop_map(|(first, second)| Damage::SwapLines { first, second }),
        (any::<usize>(), 1..80_usize).prop_map(|(at, length)| Damage::Repeat { at, length }),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for damage in damages {
        let length = chars.len().max(1);
        match damage {
            Damage::Flip { at, to } => {
                if let Some(c) = chars.get_mut(at % length) {
                    *c = *to;
                }
            }
            Damage::Delete { at, length: n } => {
                let from = at % length;
                chars.drain(from.min(chars.len())..(from + n).min(chars.len()));
            }
            Damage::Insert { at, what } => {
                let at = at % length;
                chars.splice(at..at, what.chars());
            }
            Damage::Repeat { at, length: n } => {
                let at = at % length;
                let piece: Vec<char> = chars.iter().skip(at).take(*n).copied().collect();
                chars.splice(at..at, piece);
            }
            Damage::SwapLines { first, second } => {
                let text: String = chars.iter().collect();
                let mut lines: Vec<&str> = text.split('\n').collect();
                let count = lines.len();
                lines.swap(first % count, second % count);
                chars = lines.join("\n").chars().collect();
            }
        }
    }
    chars.into_iter().collect()
}

/// Compiles for the simulated box that ships and looks at every word that is said about it.
fn look(text: &str) {
    look_on(&sim_box(), text);
}

/// An example of stimuli on the lines of the rotarod.
fn rotated(text: &str) -> String {
    let text = text
        .replace("key: button", "go_key: button")
        .replace("key.", "go_key.")
        .replace("lever: lever", "passive_1: button");
    let lights =
        text.replace("lever.", "passive_1.").replace("mask: light", "rod: motor").replace("line: mask", "line: rod");
    lights.replace("house: light", "sync: sync").replace("line: house", "line: sync")
}

/// The same for any rig.
fn look_on(rig: &RigConfig, text: &str) {
    let found = match compile(&task(text), rig, &Options::default()) {
        Ok(compiled) => compiled.warnings,
        Err(found) => {
            assert!(found.errors() > 0, "refused without a reason:\n{text}");
            found
        }
    };
    for finding in &found.list {
        assert!(finding.line >= 1 && finding.column >= 1);
        assert!(finding.span.end <= text.len().max(finding.span.start));
    }
    assert!(found.render_in(Style::ASCII).len() >= found.list.len());
}

/// A protocol of which the compiler makes more than what is written: arrays, counters, timers, times and ends.
const EXPANDED: &str = "\
protocol: expanded
lines:
  hole: {array: 5, kind: poke, parts: {light: light}}
  tray: poke
  house: light
  cue: speaker
detectors: {away: {line: tray, stable_for: 200 ms}}
parameters: {target: {default: 2, range: [1, 5]}, rest: {default: 300 ms}}
variables: {choice: 0}
timers: {blink: {for: 200 ms, delay: 100 ms, repeat: 2, interval: rest, on: 'hole[5].light'}, late: }
counters: {pokes: {count: 'hole[any].in'}, tries: {count: respond.entered, reset: session}, wins: {count: outcome.won}}
stimuli: {cs: {tone: {frequency: 8 kHz, level: 70 dB, duration: 3 s}}}
session: {ends: [{trials: 3}]}
start: ready
states:
  ready:
    entry: [{trial: begin}, {play: {line: cue, stimulus: cs}}, {timer: {start: blink}, if: tries > 0}]
    transitions: [{event: away.out, to: respond}, {at: cs.end - 1 s, to: respond}]
  respond:
    entry: [{on: 'hole[target].light'}, {on: {line: house, until: cs.end}}]
    on: [{event: tray.change, do: [{reset: pokes}, {timer: {pause: blink}}]}]
    transitions:
      - {event: 'hole[target].in', outcome: won, do: [{set: {choice: hole.which}}], to: ready}
      - {event: 'hole[other].in', if: 'not hole[hole.which].occupied', outcome: lost, do: [{timer: {reset: blink}}], to: ready}
      - {when: 'hole[all].occupied or away.since > 1 min and blink.left < rest', to: ready}
      - {at: 'hole[any].out + rest', outcome: lost, do: [{off: 'hole[all].light'}], to: ready}
everywhere:
  entry: [{timer: {start: late, for: 1 s, repeat: forever}}]
invariants: ['at most 5 on on hole[all].light per trial']
";

#[test]
fn what_is_to_be_damaged_is_good() {
    assert!(compiled_for(EXPANDED, &holes()).warnings.is_empty());
}

const RIGS: &[&str] = &["rig-configs/guarded-box.yaml", "rig-configs/sim-box.yaml", "rig-configs/five-hole-box.yaml"];

proptest! {
    #![proptest_config(ProptestConfig { cases: assembler::random::cases(300) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_flagship_is_told_so(damages in prop::collection::vec(damage(), 1..4)) {
        look(&damaged(&shipped("protocols/probabilistic-reward.yaml").text, &damages));
    }

    #[test]
    fn a_damaged_small_protocol_is_told_so(damages in prop::collection::vec(damage(), 1..6)) {
        look(&damaged(common::GOOD, &damages));
    }

    #[test]
    fn a_damaged_choice_of_the_next_trial_is_told_so(
        example in prop::sample::select(vec!["tables", "trial-types", "history", "staircase", "blocks"]),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let text = shipped(&format!("docs/examples/{example}.yaml")).text;
        // The inputs the shipped rig has.
        let text = text.replace("left: poke, right: poke", "lever: lever, spout: lick");
        look(&damaged(&text.replace("left.in", "lever.press").replace("right.in", "spout.lick"), &damages));
    }

    #[test]
    fn a_damaged_protocol_that_is_made_more_of_is_told_so(damages in prop::collection::vec(damage(), 1..6)) {
        look_on(&holes(), &damaged(EXPANDED, &damages));
    }

    #[test]
    fn a_damaged_stimulus_is_told_so(
        file in prop::sample::select(vec!["docs/examples/stimuli.yaml", "docs/examples/held-outputs.yaml", "protocols/accelerating-rotarod.yaml"]),
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        look_on(&common::trace::rig("rig-configs/rotarod-box.yaml"), &damaged(&rotated(&shipped(file).text), &damages));
    }

    #[test]
    fn a_damaged_rig_is_told_so(damages in prop::collection::vec(damage(), 1..4), file in prop::sample::select(RIGS)) {
        let text = damaged(&shipped(file).text, &damages);
        if let Ok(rig) = read_rig(&Source { name: "box.yaml".to_owned(), text })
            && let Ok(compiled) = compile(&task(common::GOOD), &rig, &Options::default())
        {
            assert!(compiled.rig.holds_together(), "no device would take the rig:\n{}", rig.text);
        }
    }

    #[test]
    fn a_damaged_test_file_is_told_so(damages in prop::collection::vec(damage(), 1..5)) {
        let protocol = shipped("protocols/probabilistic-reward.yaml");
        let symbols = compile(&protocol, &sim_box(), &Options::default()).unwrap().symbols;
        let text = damaged(&shipped("protocols/probabilistic-reward.test.yaml").text, &damages);
        let source = Source { name: "task.test.yaml".to_owned(), text };
        let _ = scenario::header(&source);
        if let Err(found) = scenario::read(&source, &symbols) {
            assert!(found.errors() > 0, "refused without a reason:\n{}", source.text);
            assert!(found.render_in(Style::ASCII).len() >= found.list.len());
        }
    }

    #[test]
    fn any_expression_at_all_is_answered(text in "[a-z0-9 ()<>=!&|+*/%.,\\[\\]µ-]{0,60}") {
        look(&common::GOOD.replace("licks < 3", &format!("'{text}'")));
    }

    #[test]
    fn any_value_of_a_parameter_is_answered(text in ".{0,24}") {
        let set = vec![("drop".to_owned(), text)];
        let _ = compile(&task(common::GOOD), &sim_box(), &Options { set });
    }
}
