//! `nosepoke test` as a person meets it: scenarios that hold, that do not, and what is said of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// Runs scenarios of a shipped protocol, written into a folder of the test's own, with more arguments; what they cover is
/// not asked.
fn test(name: &str, protocol: &str, scenarios: &str, more: &[&str]) -> Output {
    whole(name, protocol, scenarios, &[&["--filter", "task"], more].concat())
}

/// The same with what they cover.
fn whole(name: &str, protocol: &str, scenarios: &str, more: &[&str]) -> Output {
    let path = folder(name).join("task.test.yaml");
    let protocol = top().join("protocols").join(protocol);
    fs::write(&path, format!("protocol: {}\nscenarios:\n{scenarios}", protocol.display()))
        .expect("the file is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nosepoke"));
    command.current_dir(top()).env("NO_COLOR", "1").env_remove("NOSEPOKE_LOG");
    command.arg("test").arg(path).args(more).output().expect("nosepoke starts")
}

fn out(output: &Output) -> String {
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const PRESS: &str = r#"
  - name: a press pays
    animal: [{at: 1 s, press: lever, for: 100 ms}]
    run: 2 s
    expect:
      states: [ready: 0 s, pay: 1 s]
      outputs: {water: [{at: 1 s, volume: 10 µl}]}
      outcomes: [paid]
      trials: [{outcome: paid}]
      order: [lever.press, water on, water off]
      never: [water on while in ready]
      end: stopped
"#;

#[test]
fn a_scenario_that_holds_is_told_and_ends_with_0() {
    let output = test("holds", "first-lever.yaml", PRESS, &[]);
    assert!(out(&output).contains("✓ a press pays"), "{}", out(&output));
    assert!(output.status.success());
}

/// A scenario with one thing changed does not hold, and says these words.
fn fails(name: &str, from: &str, to: &str, words: &[&str]) {
    assert!(PRESS.contains(from), "{from}");
    let output = test(name, "first-lever.yaml", &PRESS.replace(from, to), &[]);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("✗ a press pays"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing from:\n{said}");
    }
}

#[test]
fn what_does_not_hold_says_what_was_expected_and_what_was_seen() {
    fails("time", "pay: 1 s]", "pay: 1.000001 s]", &["expected  pay at 1.000001 s", "seen      pay at 1.000000 s"]);
    fails("state", "pay: 1 s]", "ready]", &["expected  ready → ready", "seen      ready → pay at 1.000000 s"]);
    fails("few", "pay: 1 s]", "pay, ready]", &["ready → pay → nothing more until 2.000000 s"]);
    fails("dose", "volume: 10 µl", "volume: 9 µl", &["expected  a dose of 9 µl", "a dose of 10 µl at 1.00000"]);
    fails("edge", "water: [{at: 1 s", "water: [{at: 1.1 s", &["expected  on at 1.100000 s"]);
    fails("dry", "{water: [{at: 1 s, volume: 10 µl}]}", "{water: none}", &["expected  never on", "for 42.577 ms"]);
    fails("outcome", "outcomes: [paid]", "outcomes: []", &["seen      paid"]);
    fails("trial", "[{outcome: paid}]", "[{outcome: none}]", &["outcome of trial 1", "seen      paid"]);
    fails("order", "[lever.press, water on,", "[water on, lever.press,", &["it does not come any more"]);
    fails("never", "in ready", "in pay", &["never together", "both from 1.00000"]);
    fails("end", "end: stopped", "end: \"trials: 100\"", &["expected  trials: 100", "seen      stopped"]);
}

#[test]
fn a_press_one_microsecond_before_a_time_out_counts_and_one_at_it_too() {
    // `ready` lasts until the press or 10 s; the press at the very microsecond of the time-out comes first.
    let scenario = |after: &str, run: &str, states: &str| {
        format!(
            "  - name: at the last moment\n    set: {{p_reward: 1}}\n    animal: [{{when: enter ready, after: {after}, \
             press: lever, for: 10 ms}}]\n    run: {run}\n    expect: {{states: {states}}}\n"
        )
    };
    for (name, after, run, states) in [
        ("before", "9.999999 s", "10.2 s", "[ready, wait: 9.999999 s]"),
        ("at", "10 s", "10.2 s", "[ready, wait: 10 s]"),
        ("behind", "10.000001 s", "10.2 s", "[ready, iti: 10 s]"),
        ("at-once", "1 µs", "4 s", "[ready, wait: 1 µs, reward: 500.001 ms, iti: 3.500001 s]"),
    ] {
        let output = test(name, "probabilistic-reward.yaml", &scenario(after, run, states), &[]);
        assert!(output.status.success(), "{name}: {}", out(&output));
    }
}

#[test]
fn draws_are_looked_for_and_the_seed_that_gives_them_is_told() {
    let scenario = "  - name: three ways\n    draws: {paid: [false, false, true], treatment: [stim, sham]}\n    animal: \
                    [{when: enter ready, after: 300 ms, press: lever, for: 10 ms}]\n    until: outcome rewarded\n    run: 90 \
                    s\n    expect: {outcomes: [omitted, omitted, rewarded]}\n";
    let output = test("draws", "probabilistic-reward.yaml", scenario, &[]);
    let said = out(&output);
    assert!(output.status.success(), "{said}");
    let seed = said.split("seed ").nth(1).and_then(|rest| rest.split(' ').next()).expect("it says the seed");
    let seeded = scenario.replace("    draws", &format!("    seed: {seed}\n    draws"));
    assert!(test("seeded", "probabilistic-reward.yaml", &seeded, &[]).status.success());
    let other = scenario.replace("    draws", "    seed: 1\n    draws");
    let said = out(&test("other-seed", "probabilistic-reward.yaml", &other, &[]));
    assert!(said.contains("draws of paid"), "{said}");
}

#[test]
fn what_nobody_armed_is_withheld_and_a_scenario_must_say_so() {
    let scenario = |expect: &str| {
        format!(
            "  - name: nobody arms\n    set: {{p_reward: 0}}\n    armed: false\n    draws: {{treatment: [stim]}}\n    animal: \
             [{{at: 1 s, press: lever, for: 10 ms}}]\n    run: 4 s\n    expect: {{outputs: {{laser: none}}{expect}}}\n"
        )
    };
    let silent = test("silent", "probabilistic-reward.yaml", &scenario(""), &[]);
    assert!(out(&silent).contains("laser: withheld at 1.50000"), "{}", out(&silent));
    let said = test("said", "probabilistic-reward.yaml", &scenario(", interlock: [laser: withheld]"), &[]);
    assert!(said.status.success(), "{}", out(&said));
}

#[test]
fn as_json_it_says_the_same() {
    let output = test("json", "first-lever.yaml", &PRESS.replace("pay: 1 s]", "ready]"), &["--json"]);
    let told: serde_json::Value = serde_json::from_str(&out(&output)).expect("it is JSON");
    assert_eq!(told[0]["good"], false, "{told:#}");
    assert_eq!(told[0]["scenarios"][0]["failures"][0]["line"], 8, "{told:#}");
    assert_eq!(told[0]["scenarios"][0]["failures"][0]["expected"], "ready → ready", "{told:#}");
}

#[test]
fn a_file_that_does_not_read_is_said_with_its_place() {
    let output = test("unread", "first-lever.yaml", "  - {name: x, run: 5 s, expect: {states: [redy]}}\n", &[]);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.contains("E405-unknown-state") && complaint.contains("did you mean `ready`?"), "{complaint}");
}

#[test]
fn what_no_scenario_covers_is_listed_with_its_place_and_fails() {
    let output = whole("uncovered", "first-lever.yaml", PRESS, &[]);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("✓ a press pays"), "{said}");
    assert!(said.contains("covered: states 2 of 2, transitions 1 of 2, outputs 1 of 1"), "{said}");
    assert!(said.contains("not covered: transition pay → ready after pause"), "{said}");
    assert!(said.contains("first-lever.yaml:35:17"), "{said}");
}

#[test]
fn what_need_not_be_covered_has_a_reason_and_a_reason_for_nothing_fails() {
    let allow = |what: &str| format!("{PRESS}allow: [{{what: {what}, because: it is known to work}}]\n");
    let output = whole("allowed", "first-lever.yaml", &allow("transition pay -> ready"), &[]);
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("allowed: transition pay → ready after pause: it is known to work"));
    for (name, what, why) in
        [("idle", "state pay", "it is covered"), ("nothing", "state paay", "there is no such thing")]
    {
        let output = whole(name, "first-lever.yaml", &allow(what), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", out(&output));
        assert!(out(&output).contains(&format!("`{what}` need not be allowed: {why}")), "{}", out(&output));
    }
}

#[test]
fn an_output_counts_only_where_a_scenario_says_what_it_does() {
    let none = PRESS.replace("outputs: {water: [{at: 1 s, volume: 10 µl}]}", "events: {lever.press: 1}");
    let said = out(&whole("unasserted", "first-lever.yaml", &none, &[]));
    assert!(said.contains("✓ a press pays") && said.contains("not covered: output water"), "{said}");
}

/// What they say holds and covers all of it is shown by `nosepoke test protocols/` in tests/run, many times faster when optimised.
#[test]
fn every_protocol_that_ships_has_its_scenarios() {
    let names = |ends: &str| -> BTreeSet<String> {
        let files = fs::read_dir(top().join("protocols")).expect("the folder reads").flatten();
        let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter_map(|name| name.strip_suffix(ends).map(str::to_owned))
            .filter(|name| !name.ends_with(".test"))
            .collect()
    };
    let (protocols, tested) = (names(".yaml"), names(".test.yaml"));
    assert!(protocols.len() >= 20, "{protocols:?}");
    assert_eq!(protocols, tested);
}

#[test]
fn what_invariants_block_and_what_power_a_line_carries_must_be_as_said() {
    let licks = "  - name: two licks\n    animal: [{at: 1 s, lick: spout, for: 60 ms, every: 500 ms, times: 2}]\n    run: 2 s\n    \
                 expect: {outputs: {water: 1}}\n";
    let said = out(&test("breach", "../docs/examples/invariants.yaml", licks, &[]));
    assert!(said.contains("breaks the invariant `at most 1 deliver on water per trial` at 1.500000 s"), "{said}");
    let none = licks.replace("water: 1}", "water: 1}, breaches: []");
    let said = out(&test("no-breach", "../docs/examples/invariants.yaml", &none, &[]));
    assert!(said.contains("expected  none") && said.contains("per trial at 1.500000 s"), "{said}");
    let dim = "  - {name: dim, run: 1 s, expect: {outputs: {house: [{at: 0 s, power: 50 %}]}}}\n";
    let said = out(&test("power", "../docs/examples/powers.yaml", dim, &[]));
    assert!(said.contains("expected  a power of 0.5") && said.contains("seen      a power of 0.4 at 0.0000"), "{said}");
}
