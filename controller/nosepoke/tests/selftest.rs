//! The self-test of a rig: every line is tried within its limits, what is broken is found, what must be armed is confirmed one
//! by one, and a session says how old the last test is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use common::{TableRig, complaint, folder, nosepoke, out, run, text, top};
use journal::{Purpose, Session};
use link::Record;
use serde_json::Value;

const SIM_BOX: &str = "rig-configs/sim-box.yaml";

fn shipped() -> String {
    fs::read_to_string(top().join(SIM_BOX)).unwrap()
}

/// A rig-config of a test's own.
fn rig(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("box.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn selftest(folder: &Path, rig: &Path, more: &[&str]) -> Output {
    run(&[&["selftest", "--rig", text(rig), "--out", text(folder), "--json"], more].concat())
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}{}", out(output), complaint(output)))
}

/// What came of a line: the outcome and the sentence.
fn row(report: &Value, line: &str, tried: &str) -> (String, String) {
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["line"] == line && row["tried"] == tried);
    let row = row.unwrap_or_else(|| panic!("no {tried} of {line} in {report:#}"));
    (row["outcome"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap().to_owned())
}

#[test]
fn every_line_of_the_simulated_box_is_tried_and_the_report_is_kept() {
    let folder = folder("selftest-shipped");
    let tested = selftest(&folder, &top().join(SIM_BOX), &[]);
    assert!(tested.status.success(), "{}", complaint(&tested));
    let report = report(&tested);
    assert_eq!((report["passed"].as_bool(), report["rig"].as_str()), (Some(true), Some("sim-box")));
    let lines: Vec<&str> = report["rows"].as_array().unwrap().iter().map(|row| row["line"].as_str().unwrap()).collect();
    assert_eq!(lines, ["water", "cue", "mask", "laser", "lever", "spout", "joystick", "treadmill"]);
    assert_eq!(row(&report, "water", "on").1, "on for 100.000 ms, seen by the simulated person");
    assert_eq!(row(&report, "lever", "touch"), ("passed".into(), "active for 200.0 ms".into()));
    for row in report["rows"].as_array().unwrap() {
        let session = Session::open(Path::new(row["journal"].as_str().unwrap())).unwrap();
        assert_eq!((session.header.purpose, session.header.subject.as_deref()), (Purpose::SelfTest, None));
        session.verify().unwrap();
    }
    let replayed = run(&["replay", text(&folder.join("maintenance"))]);
    assert!(replayed.status.success(), "{}", complaint(&replayed));
}

#[test]
fn an_output_is_tried_within_its_own_limits() {
    let folder = folder("selftest-limits");
    let text = shipped()
        .replace("max_on: 500 ms", "max_on: 30 ms")
        .replace("{kind: light, pin: 12, max_on: 60 s}", "{kind: light, pin: 12, max_on: 60 s, pwm: 1 kHz}");
    let tested = selftest(&folder, &rig(&folder, &text), &["--only", "water", "--only", "mask", "--only", "laser"]);
    let report = report(&tested);
    assert!(row(&report, "water", "on").1.starts_with("on for 30.000 ms"), "{report:#}");
    assert!(row(&report, "laser", "on").1.starts_with("on for 20.000 ms"), "{report:#}");
    let mask = report["rows"].as_array().unwrap().iter().find(|row| row["line"] == "mask").unwrap();
    let session = Session::open(Path::new(mask["journal"].as_str().unwrap())).unwrap();
    let powers = session.records().filter_map(|(_, _, record)| match record {
        Record::Request { request, .. } => request.power_ppm(),
        _ => None,
    });
    assert_eq!(powers.collect::<Vec<_>>(), [100_000], "dimmed to a tenth");
}

#[test]
fn a_laser_fires_only_when_somebody_confirms_it_by_name() {
    let folder = folder("selftest-laser");
    // Nobody in this room arms anything.
    let nobody = rig(&folder, &shipped().replace("  person: {name: simulated operator, arms: [laser]}\n", ""));
    let unconfirmed = selftest(&folder, &nobody, &["--yes", "--operator", "KS"]);
    assert!(unconfirmed.status.success(), "what was left out has not failed: {}", complaint(&unconfirmed));
    let (outcome, detail) = row(&report(&unconfirmed), "laser", "on");
    assert_eq!(outcome, "skipped");
    assert!(detail.contains("--confirm laser"), "{detail}");
    let confirmed = selftest(&folder, &nobody, &["--operator", "KS", "--confirm", "laser"]);
    assert_eq!(row(&report(&confirmed), "laser", "on").0, "passed");
    let all = ["--yes", "--operator", "KS", "--confirm", "lasr"];
    assert!(complaint(&selftest(&folder, &nobody, &all)).contains("no such line"));
    assert!(complaint(&selftest(&folder, &nobody, &["--confirm", "laser"])).contains("--operator"));
}

/// The shipped box with an output and an input to wire together.
fn with_loop(debounce: &str) -> String {
    let lines =
        format!("lines:\n  sync: {{kind: sync, pin: 15}}\n  frame: {{kind: frame, pin: 16, debounce: {debounce}}}\n");
    shipped().replace("lines:\n", &lines)
}

#[test]
fn a_loop_of_wire_is_answered_a_thousand_times_and_the_times_are_told() {
    let folder = folder("selftest-loop");
    let rig = rig(&folder, &with_loop("2 ms"));
    let tested = selftest(&folder, &rig, &["--only", "sync", "--loop", "sync:frame"]);
    let report = report(&tested);
    let rows = report["rows"].as_array().unwrap();
    let times = &rows.iter().find(|row| row["tried"] == "loop-back").unwrap()["times"];
    assert_eq!((times["answered"].as_u64(), times["unanswered"].as_u64()), (Some(1_000), Some(0)), "{report:#}");
    let us = |key: &str| times[key].as_u64().unwrap();
    assert!(us("median_us") <= us("p999_us") && us("p999_us") <= us("max_us") && us("max_us") < 100, "{times}");
    assert!(us("median_us") > 0, "nothing is answered before it came");
    assert_eq!(us("wire_max_us"), 1, "the simulated wire takes a microsecond");
}

#[test]
fn a_loop_that_the_rig_config_names_is_tried_and_one_on_the_command_line_takes_its_place() {
    let folder = folder("selftest-named-loop");
    let text = format!("{}loop_back: {{sync: frame}}\n", with_loop("0 ms"));
    let path = rig(&folder, &text);
    let tried = |more: &[&str]| {
        let report = report(&selftest(&folder, &path, more));
        let rows = report["rows"].as_array().unwrap().clone();
        let loops = rows.into_iter().filter(|row| row["tried"] == "loop-back");
        loops
            .map(|row| (row["line"].as_str().unwrap().to_owned(), row["times"]["answered"].as_u64()))
            .collect::<Vec<_>>()
    };
    assert_eq!(tried(&["--only", "sync"]), [("sync".to_owned(), Some(1_000))]);
    assert_eq!(tried(&["--only", "mask"]), [], "its output is left out");
    assert_eq!(tried(&["--only", "mask", "--loop", "mask:lever"]), [("mask".to_owned(), Some(1_000))]);
}

#[test]
fn a_loop_of_wire_that_is_not_there_fails() {
    let folder = folder("selftest-no-loop");
    let rig = rig(&folder, &with_loop("0 ms"));
    // Another input is wired than the one that is said to be.
    let tested = selftest(&folder, &rig, &["--only", "sync", "--loop", "sync:lever"]);
    assert!(tested.status.success(), "this one is wired: {}", complaint(&tested));
    for (named, words) in
        [("sync:sync", "no digital input"), ("lever:frame", "no output"), ("water:frame", "cannot call")]
    {
        let refused = selftest(&folder, &rig, &["--loop", named]);
        assert!(complaint(&refused).contains(words), "{named}: {}", complaint(&refused));
    }
}

#[test]
fn a_session_says_how_old_the_last_self_test_of_its_rig_is_and_what_came_of_it() {
    let folder = folder("selftest-age");
    let path = rig(&folder, &shipped());
    let told = |folder: &Path| {
        let ran = run(&[
            "run",
            "protocols/lever-pull.yaml",
            "--set",
            "trials_max=2",
            "--rig",
            text(&path),
            "--out",
            text(folder),
        ]);
        assert!(ran.status.success(), "{}", complaint(&ran));
        complaint(&ran)
    };
    assert!(told(&folder).contains("self-test of rig sim-box: never"));
    selftest(&folder, &path, &[]);
    assert!(told(&folder).contains("self-test of rig sim-box: just now, passed\n"));
    // The file is what counts, and a rig by this name in another folder is another.
    let kept = fs::read_dir(folder.join("maintenance")).unwrap().flatten().map(|entry| entry.path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let mut report: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    report["ended_ms"] = (report["ended_ms"].as_i64().unwrap() - 3 * 86_400_000).into();
    fs::write(&kept, report.to_string()).unwrap();
    assert!(told(&folder).contains("self-test of rig sim-box: 3 days ago, passed\n"));
    rig(&folder, &shipped().replace("max_on: 500 ms", "max_on: 400 ms"));
    assert!(told(&folder).contains("3 days ago, passed; the rig-config has changed since"));
    assert!(told(&common::folder("selftest-elsewhere")).contains("never"));
}

#[test]
fn on_a_real_rig_a_person_answers_and_what_they_skip_is_not_passed() {
    let folder = folder("selftest-table");
    let table = TableRig::new(&folder);
    let mut command = nosepoke();
    command.args(["selftest", "--json", "--operator", "KS", "--rig"]).arg(folder.join("box.yaml"));
    command.arg("--port").arg(&table.port).arg("--out").arg(&folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // No animal; the laser is confirmed, and nobody could see whether it did; the water did not come.
    child.stdin.take().unwrap().write_all(b"yes\nyes\n\nno\n").unwrap();
    let tested = child.wait_with_output().unwrap();
    assert!(!tested.status.success());
    let report = report(&tested);
    let (outcome, detail) = row(&report, "laser", "on");
    assert_eq!(outcome, "passed");
    assert!(detail.contains("nobody looked"), "{detail}");
    let (outcome, detail) = row(&report, "water", "on");
    assert_eq!(outcome, "failed");
    assert!(detail.contains("look at its driver"), "{detail}");
    assert!(complaint(&tested).contains("failed (water)"), "{}", complaint(&tested));
    let asked = complaint(&tested);
    assert_eq!(asked.matches("board e66138935f4a2c28").count(), 1, "which board it is is said once:\n{asked}");
    // Who says no animal is there is asked first, and without it nothing moves.
    let nobody = run(&[
        "selftest",
        "--rig",
        text(&folder.join("box.yaml")),
        "--port",
        text(&table.port),
        "--out",
        text(&folder),
    ]);
    assert!(complaint(&nobody).contains("nothing was tried"), "{}", complaint(&nobody));
}

#[test]
fn a_self_test_is_given_no_more_than_the_rig_states() {
    let folder = folder("selftest-within");
    let tested = selftest(&folder, &top().join(SIM_BOX), &[]);
    let config = compiler::read_rig(&compiler::Source { name: SIM_BOX.into(), text: shipped() }).unwrap();
    for row in report(&tested)["rows"].as_array().unwrap() {
        let session = Session::open(Path::new(row["journal"].as_str().unwrap())).unwrap();
        let rig: link::rig::Rig = postcard::from_bytes(&session.header.device_rig).unwrap();
        let symbols: compiler::Symbols = postcard::from_bytes(&session.header.symbols).unwrap();
        for (line, symbol) in rig.lines.iter().zip(&symbols.lines) {
            let stated = config.line(&symbol.name).map(|line| line.line);
            assert_eq!(stated, Some(*line), "{} in the try of {}", symbol.name, row["line"]);
        }
    }
}

/// A box with everything that guards and reads back.
const GUARDED: &str = "rig: guarded-box
body: simulator
lines:
  mask: {kind: light, pin: 12, sense: {line: diode, within: 5 ms}}
  water: {kind: valve, pin: 10, max_on: 500 ms, sense: {line: current, above: 1.2 V, within: 10 ms}}
  laser: {kind: laser, pin: 13, arm: required}
  diode: {kind: input, pin: 17}
  current: {kind: analog, pin: 26}
  key: {kind: arm_key, pin: 6}
  stop: {kind: e_stop, pin: 7}
simulation: {settle: 2 µs, person: {name: simulated operator, arms: [laser]}}
";

#[test]
fn stop_key_and_what_reads_outputs_back_are_tried_too() {
    let folder = folder("selftest-guarded");
    let tested = selftest(&folder, &rig(&folder, GUARDED), &[]);
    assert!(tested.status.success(), "{}", complaint(&tested));
    let report = report(&tested);
    let tried: Vec<(&str, &str)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_str().unwrap(), row["tried"].as_str().unwrap()))
        .collect();
    let expected =
        [("mask", "on"), ("water", "on"), ("laser", "on"), ("key", "touch"), ("stop", "stop"), ("stop", "release")];
    assert_eq!(tried, expected, "what reads back is tried with its output");
    assert_eq!(row(&report, "mask", "on").1, "on for 100.000 ms, seen by `diode`");
    assert!(row(&report, "water", "on").1.contains("seen by `water_sensed`"), "{report:#}");
    assert_eq!(row(&report, "stop", "stop").1, "it trips");
}
