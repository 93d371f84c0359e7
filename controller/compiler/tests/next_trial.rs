//! What decides the next trial, on the engine: histories, blocks, trial types and staircases, each against a model of its
//! own written the plain way.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::trials::{Session, Trial, session};
use common::{compiled, task};

/// A trial a second: the lever is right, a lick is wrong, no answer is a miss.
fn protocol(declared: &str, entry: &str) -> String {
    format!(
        "\
protocol: next-trial
lines: {{lever: lever, spout: lick}}
outcomes: [right, wrong, miss]
session: {{ends: [{{trials: 100000}}]}}
{declared}start: ready
states:
  ready:
    entry:
      - trial: begin
{entry}    transitions:
      - {{event: lever.press, outcome: right, to: over}}
      - {{event: spout.lick, outcome: wrong, to: over}}
      - {{after: 1010 ms, outcome: miss, to: over}}
  over:
    transitions: [{{after: 2 ms, to: ready}}]
"
    )
}

fn run(declared: &str, entry: &str, trials: u64, answer: impl FnMut(&Trial) -> &'static str) -> Session {
    session(compiled(&task(&protocol(declared, entry))), 7, trials, answer)
}

/// Answers that look like chance and are always the same.
fn odd_answers(lines: [&'static str; 5]) -> impl FnMut(&Trial) -> &'static str {
    let mut state = 1_u64;
    move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines[(state >> 33) as usize % 5]
    }
}

const MIXED: [&str; 5] = ["lever", "lever", "spout", "lever", ""];

#[test]
fn a_moving_mean_goes_over_the_last_trials_that_count() {
    let declared = "\
history:
  hits: {mean: outcome == right, over: 5, among: outcome != miss, initial: 0.5}
  wide: {mean: outcome == right, over: 60}
variables: {held: 0}
";
    let entry = "      - set: {held: hits.count}\n";
    let found = run(declared, entry, 300, odd_answers(MIXED));
    let (mut last, mut all): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    for trial in &found.trials {
        assert_eq!(trial.value("held"), last.len().min(5) as i64, "as the trial began");
        all.push(i64::from(trial.outcome == "right"));
        if trial.outcome != "miss" {
            last.push(i64::from(trial.outcome == "right"));
        }
        let mean = |values: &[i64], over: usize| {
            let window = &values[values.len().saturating_sub(over)..];
            (window.iter().sum::<i64>() as f64 * 1e6 / window.len() as f64).round() as i64
        };
        let expected = if last.is_empty() { 500_000 } else { mean(&last, 5) };
        assert_eq!(trial.value("hits"), expected, "trial {}", trial.number);
        assert_eq!(trial.value("wide"), mean(&all, 60));
    }
    assert!(found.outcomes().contains(&"miss") && found.trials.len() > 250);
}

#[test]
fn the_mean_of_a_quantity_and_of_a_count_is_that_of_their_values() {
    let declared = "\
history:
  speed: {mean: waited, over: 3}
  licks_mean: {mean: licks, over: 2}
counters: {licks: {count: spout.lick, reset: trial}}
";
    let entry = "      - draw: {waited: {uniform: [1 s, 2 s]}}\n";
    let found = run(declared, entry, 40, odd_answers(MIXED));
    let (mut waits, mut licks) = (Vec::new(), Vec::new());
    for trial in &found.trials {
        waits.push(trial.value("waited"));
        licks.push(trial.value("licks"));
        let window = &waits[waits.len().saturating_sub(3)..];
        assert_eq!(trial.value("speed"), window.iter().sum::<i64>() / window.len() as i64);
        let window = &licks[licks.len().saturating_sub(2)..];
        assert_eq!(trial.value("licks_mean"), window.iter().sum::<i64>() * 1_000_000 / window.len() as i64);
    }
}

#[test]
fn an_exponential_mean_forgets_by_e_in_tau_trials() {
    let declared = "history: {recent: {mean: outcome == right, tau: 8, initial: 0.5}}\n";
    let found = run(declared, "", 200, odd_answers(MIXED));
    let weight = 1.0 - (-1.0_f64 / 8.0).exp();
    let mut mean = 0.5;
    for trial in &found.trials {
        mean += weight * (f64::from(u8::from(trial.outcome == "right")) - mean);
        let seen = trial.value("recent") as f64 / 1e6;
        assert!((seen - mean).abs() < 1e-5, "trial {}: {seen}, {mean}", trial.number);
    }
}

#[test]
fn the_last_values_and_how_often_something_held_in_a_row() {
    let declared = "\
variables: {before: {initial: outcome}, third: 0}
history:
  previous: {last: outcome}
  numbers: {last: trial.number, over: 3}
  streak: {in_a_row: outcome == right}
";
    let entry = "      - set: {before: previous, third: \"numbers[2]\"}\n";
    let found = run(declared, entry, 60, odd_answers(MIXED));
    let mut streak = 0;
    for (n, trial) in found.trials.iter().enumerate() {
        streak = if trial.outcome == "right" { streak + 1 } else { 0 };
        assert_eq!(trial.value("streak"), streak);
        let before = n.checked_sub(1).map_or(0, |before| match found.trials[before].outcome.as_str() {
            "right" => 1,
            "wrong" => 2,
            _ => 3,
        });
        assert_eq!((trial.value("before"), trial.value("third")), (before, (n as i64 - 2).max(0)));
    }
}

#[test]
fn a_history_asks_how_the_others_stood_as_the_trial_began() {
    let declared = "\
history:
  last: {last: outcome}
  before_last: {last: last}
  stays: {mean: outcome == last, over: 60, among: last != none}
variables: {two_ago: {initial: outcome}}
";
    let found = run(declared, "      - set: {two_ago: before_last}\n", 60, odd_answers(MIXED));
    let outcomes = found.outcomes();
    for (n, trial) in found.trials.iter().enumerate().skip(2) {
        let stays = outcomes[..=n].windows(2).filter(|two| two[0] == two[1]).count();
        assert_eq!(trial.value("stays"), (stays as f64 * 1e6 / n as f64).round() as i64, "trial {}", trial.number);
        let two_ago = ["none", "right", "wrong", "miss"].iter().position(|name| *name == outcomes[n - 2]).unwrap();
        assert_eq!(trial.value("two_ago"), two_ago as i64);
    }
}

/// Where blocks begin: the number of the trial, and the block.
fn begins(found: &Session) -> Vec<(u32, String)> {
    let blocks = found.labels("block");
    let numbers = found.column("block.number");
    let mut begun = Vec::new();
    for (n, trial) in found.trials.iter().enumerate() {
        if n == 0 || numbers[n] != numbers[n - 1] {
            assert_eq!(trial.value("block.trial"), 1);
            begun.push((trial.number, blocks[n].to_owned()));
        } else {
            assert_eq!(trial.value("block.trial"), found.trials[n - 1].value("block.trial") + 1);
        }
    }
    begun
}

const PAIR: &str = "  table: {left: {p_left: 0.8}, right: {p_left: 20 %}}\n";

#[test]
fn blocks_of_a_fixed_length_follow_one_another_and_bring_their_values() {
    let declared = format!("variables: {{p: 0.0}}\nblocks:\n{PAIR}  change: [{{trials: 4}}]\n");
    let found = run(&declared, "      - set: {p: block.p_left}\n", 13, |_| "lever");
    let begun = begins(&found);
    let expected = [(1, "left"), (5, "right"), (9, "left"), (13, "right")];
    assert_eq!(begun, expected.map(|(trial, block)| (trial, block.to_owned())));
    for trial in &found.trials {
        assert_eq!(trial.value("p"), if trial.value("block") == 0 { 800_000 } else { 200_000 });
    }
}

#[test]
fn a_block_ends_so_many_trials_after_the_window_is_full_and_the_criterion_reached() {
    let declared = format!(
        "history: {{rate: {{mean: outcome == right, over: 4, reset: block}}}}\nblocks:\n{PAIR}  change: [{{when: rate >= 75 %, then: 3}}]\n"
    );
    // Right from the first trial on: full and reached with the fourth, three more, and the same again.
    let found = run(&declared, "", 30, |_| "lever");
    assert_eq!(begins(&found).iter().map(|(trial, _)| *trial).collect::<Vec<_>>(), [1, 8, 15, 22, 29]);
    // Two wrong among the first four, then right: reached with the fifth if these were trials one and two.
    let found = run(&declared, "", 8, |trial| if trial.number <= 2 { "spout" } else { "lever" });
    assert_eq!(begins(&found), [(1, "left".to_owned())]);
    let rates = found.column("rate");
    assert_eq!(rates[..6], [0, 0, 333_333, 500_000, 750_000, 1_000_000]);
    let found = run(&declared, "", 9, |trial| if trial.number <= 2 { "spout" } else { "lever" });
    assert_eq!(begins(&found).last().unwrap(), &(9, "right".to_owned()), "reached with the fifth, then three more");
}

#[test]
fn a_block_ends_with_so_many_right_in_a_row_or_at_the_latest_after_so_many() {
    let declared = format!(
        "history: {{streak: {{in_a_row: outcome == right, reset: block}}}}\nblocks:\n{PAIR}  change:\n    - {{when: streak >= 3, after: 5}}\n    - {{trials: 9}}\n"
    );
    let found = run(&declared, "", 30, |trial| if trial.number > 12 { "spout" } else { "lever" });
    let begun: Vec<u32> = begins(&found).iter().map(|(trial, _)| *trial).collect();
    assert_eq!(begun, [1, 7, 13, 22], "asked from the sixth trial on; wrong to the end, nine each");
}

#[test]
fn a_drawn_length_is_drawn_as_the_block_begins_and_kept_to() {
    let declared = format!("blocks:\n{PAIR}  change: [{{trials: {{integer: [3, 6]}}}}]\n");
    let found = run(&declared, "", 600, |_| "lever");
    let begun = begins(&found);
    let mut lengths = BTreeMap::new();
    for pair in begun.windows(2) {
        let first = &found.trials[pair[0].0 as usize - 1];
        let (drawn, odds) = first.drawn("block.length").unwrap();
        assert_eq!((i64::from(pair[1].0 - pair[0].0), odds), (drawn, (3, 6)));
        *lengths.entry(drawn).or_insert(0) += 1;
    }
    assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), [3, 4, 5, 6]);
}

#[test]
fn a_hazard_is_asked_after_the_minimum_alone_and_gives_the_mean_length_it_should() {
    let declared = format!("blocks:\n{PAIR}  change: [{{chance: 0.1, after: 15}}]\n");
    let found = run(&declared, "", 10_000, |_| "lever");
    let begun = begins(&found);
    let lengths: Vec<u32> = begun.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(lengths.iter().all(|length| *length > 15), "{lengths:?}");
    assert!(lengths.contains(&16));
    let mean = f64::from(lengths.iter().sum::<u32>()) / lengths.len() as f64;
    // 15 + 1 / 0.1; the error of the mean of 400 such lengths is half a trial.
    assert!((23.5..26.5).contains(&mean), "{mean}");
    for trial in &found.trials {
        let asked = trial.drawn("block.chance");
        assert_eq!(asked.is_some(), trial.value("block.trial") > 15);
        assert!(asked.is_none_or(|(_, odds)| odds == (100_000, 1_000_000)));
    }
}

#[test]
fn a_rule_may_hold_for_one_block_alone() {
    let declared = format!(
        "blocks:\n{PAIR}  change:\n    - {{trials: 2, if: block == left}}\n    - {{trials: 5, if: block == right}}\n"
    );
    let found = run(&declared, "", 20, |_| "lever");
    assert_eq!(begins(&found).iter().map(|(trial, _)| *trial).collect::<Vec<_>>(), [1, 3, 8, 10, 15, 17]);
}

/// The blocks in their order, of two trials each.
fn order(order: &str, seed: u64, blocks: u64) -> Vec<String> {
    let declared =
        format!("blocks:\n  table: {{a: {{}}, b: {{}}, c: {{}}}}\n  order: {order}\n  change: [{{trials: 2}}]\n");
    let found = session(compiled(&task(&protocol(&declared, ""))), seed, 2 * blocks, |_| "lever");
    begins(&found).into_iter().map(|(_, block)| block).collect()
}

#[test]
fn the_order_of_blocks_is_listed_or_drawn() {
    assert_eq!(order("cycle", 1, 7).concat(), "abcabca");
    assert_eq!(order("[a, b, a, c]", 1, 9).concat(), "abacabaca");
    let random = order("random", 1, 200);
    assert!(random.windows(2).all(|two| two[0] != two[1]));
    for (block, next) in [("a", ["b", "c"]), ("b", ["a", "c"]), ("c", ["a", "b"])] {
        for next in next {
            let often = random.windows(2).filter(|two| two[0] == block && two[1] == next).count();
            assert!((18..50).contains(&often), "{block} to {next}: {often}");
        }
    }
    let shuffled = order("shuffle", 1, 60);
    assert!(shuffled.windows(2).all(|two| two[0] != two[1]));
    for three in shuffled.chunks(3) {
        assert_eq!(three.iter().collect::<BTreeSet<_>>().len(), 3, "{three:?}");
    }
    let mut orders = BTreeSet::new();
    for seed in 0..60 {
        let once = order("drawn_once", seed, 6);
        assert_eq!(once[..3], once[3..], "the same order again");
        orders.insert(once[..3].concat());
    }
    assert_eq!(orders.len(), 6, "{orders:?}");
}

#[test]
fn trial_types_are_drawn_with_their_values_and_runs_are_bounded() {
    let declared = "\
variables: {reward: false, side: {labels: [left, right]}, same: false}
trial_types:
  table:
    go:    {pays: true,  at: left}
    no_go: {pays: false, at: right}
    probe: {pays: false, at: left}
  draw: {deck: {go: 5, no_go: 4, probe: 1}, max_run: 2}
";
    let entry = "      - set: {reward: trial_type.pays, side: trial_type.at, same: side == trial_type.at}\n";
    let found = run(declared, entry, 300, |_| "lever");
    let types = found.labels("trial_type");
    assert!(types.windows(3).all(|three| three.iter().any(|one| *one != three[0])));
    assert_eq!(types.iter().filter(|one| **one == "probe").count(), 30, "an exact ratio");
    for (trial, one) in found.trials.iter().zip(&types) {
        assert_eq!(trial.value("reward"), i64::from(*one == "go"));
        assert_eq!(trial.value("side"), i64::from(*one == "no_go"));
        assert_eq!(trial.value("same"), 1);
    }
}

#[test]
fn an_error_brings_the_type_again_and_not_for_ever() {
    let declared = "\
trial_types:
  table: {a: {}, b: {}}
  order: [a, b]
  repeat: {if: outcome == wrong, at_most: 2}
";
    let found = run(declared, "", 9, |trial| if (2..=5).contains(&trial.number) { "spout" } else { "lever" });
    assert_eq!(found.labels("trial_type").concat(), "abbbaabab");
    assert_eq!(found.column("trial.repeated"), [0, 0, 1, 1, 0, 1, 0, 0, 0]);
}

#[test]
fn a_forced_type_is_a_column_and_the_odds_may_follow_the_choices() {
    let declared = "\
history:
  lefts: {mean: outcome == right, over: 4, initial: 0.5}
trial_types:
  table: {left: {}, right: {}}
  draw: {weighted: {left: 1 - lefts, right: lefts}}
  force:
    - {type: left, if: trial.number <= 3}
    - {type: right, if: lefts == 1 and lefts.count == 4}
    - {type: left, if: trial.number >= 7}
";
    // Always the lever, which is left here: from trial 5 on the right side is forced.
    let found = run(declared, "", 8, |_| "lever");
    assert_eq!(found.column("trial.forced"), [1, 1, 1, 0, 1, 1, 1, 1]);
    assert_eq!(found.labels("trial_type")[..3], ["left"; 3]);
    assert_eq!(found.labels("trial_type")[4..], ["right"; 4]);
    let (side, odds) = found.trials[3].drawn("trial_type").unwrap();
    assert_eq!((side, odds), (1, (1_000_000, 1_000_000)), "three lefts of three");
    assert!(found.trials[4].drawn("trial_type").is_none());
}

#[test]
fn a_voided_trial_counts_for_nothing_and_repeated_it_keeps_the_ratio() {
    let declared = "\
history: {rate: {mean: outcome == right, over: 10}}
variables: {so_far: 0}
blocks:
  table: {first: {}, second: {}}
  change: [{trials: 3}]
trial_types:
  table: {a: {}, b: {}}
  draw: {deck: {a: 2, b: 2}}
";
    let protocol = protocol(declared, "      - set: {so_far: trial.counted}\n").replace(
        "{after: 1010 ms, outcome: miss, to",
        "{after: 1010 ms, outcome: miss, do: [{trial: void}, {trial: repeat}], to",
    );
    let found = session(compiled(&task(&protocol)), 7, 400, odd_answers(MIXED));
    let (mut counted, mut rights) = (0, Vec::new());
    let mut types = Vec::new();
    let kinds = found.labels("trial_type");
    for (n, trial) in found.trials.iter().enumerate() {
        assert_eq!(trial.value("so_far"), counted, "as the trial began");
        assert_eq!(trial.value("block.trial"), counted % 3 + 1);
        assert_eq!(trial.value("block.number"), counted / 3 + 1);
        let missed = trial.outcome == "miss";
        assert_eq!(trial.value("trial.void"), i64::from(missed));
        assert_eq!(trial.value("trial.repeated"), i64::from(n > 0 && found.trials[n - 1].outcome == "miss"));
        if missed {
            continue;
        }
        counted += 1;
        types.push(kinds[n]);
        rights.push(i64::from(trial.outcome == "right"));
        let window = &rights[rights.len().saturating_sub(10)..];
        let mean = window.iter().sum::<i64>() as f64 * 1e6 / window.len() as f64;
        assert_eq!(trial.value("rate"), mean.round() as i64);
    }
    for four in types.chunks_exact(4) {
        assert_eq!(four.iter().filter(|one| **one == "a").count(), 2, "{four:?}");
    }
    assert!(counted < 350 && counted > 200, "{counted} of {}", found.trials.len());
}

#[test]
fn trials_that_begin_in_several_places_share_one_deck() {
    let declared = "\
trial_types:
  table: {a: {}, b: {}}
  draw: {deck: {a: 2, b: 2}}
";
    let protocol = protocol(declared, "")
        .replace("outcome: wrong, to: over", "outcome: wrong, do: [{trial: begin}], to: again")
        .replace("  over:\n", "  again:\n    transitions:\n      - {event: lever.press, outcome: right, to: over}\n      - {event: spout.lick, outcome: wrong, to: over}\n      - {after: 1010 ms, outcome: miss, to: over}\n  over:\n");
    let found = session(compiled(&task(&protocol)), 7, 200, odd_answers(MIXED));
    let types = found.labels("trial_type");
    assert!(found.outcomes().contains(&"wrong"));
    for four in types.chunks_exact(4) {
        assert_eq!(four.iter().filter(|one| **one == "a").count(), 2, "{four:?}");
    }
    assert_eq!(found.compiled.symbols.draws.len(), 1);
}

/// A staircase the plain way.
#[derive(Debug)]
struct Model {
    level: i64,
    rights: u32,
    wrongs: u32,
    way: i64,
    reversals: i64,
    at_reversals: Vec<i64>,
}

impl Model {
    /// One up after a wrong trial, one down after two right ones.
    fn take(&mut self, right: bool, steps: [i64; 3], up: i64) {
        (self.rights, self.wrongs) = if right { (self.rights + 1, 0) } else { (0, self.wrongs + 1) };
        let way = match (self.rights, self.wrongs) {
            (2, _) => -1,
            (_, 1) => 1,
            _ => return,
        };
        if self.way == -way {
            self.reversals += 1;
            self.at_reversals.push(self.level);
        }
        (self.way, self.rights, self.wrongs) = (way, 0, 0);
        let step = if way > 0 { up } else { steps[self.reversals.min(2) as usize] };
        self.level = (self.level + way * step).clamp(5_000, 120_000);
    }
}

#[test]
fn a_staircase_goes_down_after_two_right_and_up_after_one_wrong_and_stops() {
    let declared = "\
parameters: {from: {default: 100 ms}}
staircases:
  gap:
    start: from
    range: [5 ms, 120 ms]
    right: outcome == right
    wrong: outcome == wrong
    down: {right: 2, step: [20 ms, 10 ms, 5 ms]}
    up: {wrong: 1, step: 15 ms}
    stop: {reversals: 12, discard: 4}
variables: {done: false}
";
    let entry = "      - set: {done: gap.done}\n";
    let found = run(declared, entry, 200, odd_answers(MIXED));
    let mut model = Model { level: 100_000, rights: 0, wrongs: 0, way: 0, reversals: 0, at_reversals: Vec::new() };
    for trial in &found.trials {
        assert_eq!(trial.value("gap"), model.level, "trial {}: {model:?}", trial.number);
        assert_eq!(trial.value("done"), i64::from(model.reversals >= 12));
        if trial.outcome != "miss" && model.reversals < 12 {
            model.take(trial.outcome == "right", [20_000, 10_000, 5_000], 15_000);
        }
        assert_eq!(trial.value("gap.reversals"), model.reversals);
    }
    assert_eq!(model.reversals, 12, "it has come to its end");
    let counted = &model.at_reversals[4..];
    let mean = counted.iter().sum::<i64>() / counted.len() as i64;
    assert_eq!(found.trials.last().unwrap().value("gap.threshold"), mean);
    let levels: BTreeSet<i64> = found.column("gap").into_iter().collect();
    assert!(levels.len() > 5, "{levels:?}");
}

#[test]
fn a_level_may_go_by_a_factor_and_up_with_what_is_right() {
    let declared = "\
staircases:
  hold:
    start: 500 ms
    range: [400 ms, 1 s]
    right: outcome == right
    up: {right: 1, factor: 1.1}
    down: {wrong: 1, factor: 0.9}
";
    let found = run(declared, "", 21, |trial| if trial.number > 9 { "" } else { "lever" });
    let levels = found.column("hold");
    assert_eq!(levels[..4], [500_000, 550_000, 605_000, 665_500]);
    assert_eq!(
        levels[8..12],
        [1_000_000, 1_000_000, 900_000, 810_000],
        "at the bound, then what is not right is wrong"
    );
    assert_eq!(levels[17..], [430_467, 400_000, 400_000, 400_000], "at the other bound");
}
