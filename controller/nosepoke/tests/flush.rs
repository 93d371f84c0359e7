//! Flushing a line: the one way past its `max_on`, for a rig without an animal. What may be flushed and for how long, what
//! else may happen meanwhile, and what ends it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use common::{TableRig, complaint, folder, journal, nosepoke, out, run, text, top, wait_for};
use compiler::{RigConfig, Source};
use journal::{Purpose, Session};
use link::rig::{Limits, NO_LIMIT, Rig, RigLine};
use link::{DisarmCause, EndReason, LineId, Micros, Record};

const SIM_BOX: &str = "rig-configs/sim-box.yaml";
/// The line that is flushed is the first of its rig.
const WATER: LineId = LineId(0);

fn good(output: &Output) {
    assert!(output.status.success(), "{}{}", out(output), complaint(output));
}

/// Flushes on the simulated rig, said by a script that there is no animal.
fn flush(folder: &Path, arguments: &[&str]) -> Output {
    let always = ["--rig", SIM_BOX, "--yes", "--operator", "KS", "--out", text(folder)];
    run(&[&["flush"], arguments, &always].concat())
}

fn maintenance(folder: &Path) -> PathBuf {
    folder.join("maintenance")
}

fn flushed(folder: &Path) -> Session {
    Session::open(&journal(&maintenance(folder))).unwrap()
}

/// Edges of a session: line, on or off, µs from the start.
fn edges(session: &Session) -> Vec<(LineId, bool, Micros)> {
    let start = session.records().next().unwrap().1;
    let edges = session.records().filter_map(|(_, at, record)| match record {
        Record::Edge { line, on } => Some((line, on, at - start)),
        _ => None,
    });
    edges.collect()
}

#[test]
fn a_valve_is_flushed_for_half_a_minute_past_its_half_second_and_nothing_else_moves() {
    let folder = folder("flush-water");
    let ran = flush(&folder, &["water", "--for", "30s"]);
    good(&ran);
    assert!(out(&ran).contains("water was opened 1 times, 30.000 s in all, as asked"), "{}", out(&ran));
    let session = flushed(&folder);
    let edges = edges(&session);
    assert_eq!(edges.iter().map(|(line, on, _)| (*line, *on)).collect::<Vec<_>>(), [(WATER, true), (WATER, false)]);
    assert_eq!(edges[1].2 - edges[0].2, 30_000_000);
    let header = &session.header;
    assert_eq!(
        (header.purpose, header.subject.as_deref(), header.operator.as_deref()),
        (Purpose::Flush, None, Some("KS"))
    );
    let replayed = run(&["replay", text(&maintenance(&folder))]);
    good(&replayed);
}

#[test]
fn a_valve_is_opened_a_hundred_times_to_be_calibrated() {
    let folder = folder("flush-calibration");
    good(&flush(&folder, &["water", "--pulses", "100", "--width", "20ms", "--every", "120ms"]));
    let edges = edges(&flushed(&folder));
    assert_eq!(edges.len(), 200);
    for (n, pair) in edges.chunks(2).enumerate() {
        assert_eq!(pair[0].2 - edges[0].2, n as u64 * 120_000, "opening {n}");
        assert_eq!(pair[1].2 - pair[0].2, 20_000, "opening {n}");
    }
}

#[test]
fn a_flush_is_no_session_of_anybody() {
    let folder = folder("flush-no-session");
    good(&run(&["run", "protocols/lever-pull.yaml", "--set", "trials_max=3", "--out", text(&folder)]));
    let before = out(&run(&["show", text(&folder)]));
    good(&flush(&folder, &["water", "--for", "1s"]));
    assert_eq!(out(&run(&["show", text(&folder)])), before, "the newest session is still the newest");
    let shown = run(&["show", text(&maintenance(&folder))]);
    good(&shown);
    assert!(out(&shown).contains("maintenance, no session"), "{}", out(&shown));
    assert!(!out(&shown).contains("trial "), "{}", out(&shown));
}

#[test]
fn only_lines_that_need_no_arming_are_flushed_and_for_ten_minutes_at_most() {
    let folder = folder("flush-refused");
    for (arguments, words) in [
        (&["laser"][..], &["must be armed", "selftest"][..]),
        (&["cue"], &["speaker"]),
        (&["lever"], &["no such output", "water, mask"]),
        (&["wtaer"], &["no such output", "water, mask"]),
        (&["water", "--for", "601s"], &["601 s", "at most 600 s"]),
        (&["water", "--pulses", "61", "--width", "1s", "--every", "10s"], &["601 s"]),
        (&["water", "--pulses", "2", "--width", "2s", "--every", "1s"], &["3 s"]),
        (&["water", "--for", "0s"], &["no time"]),
        (&["water", "--pulses", "0", "--width", "1s"], &["--pulses"]),
        (&["water", "--pulses", "3"], &["--width"]),
    ] {
        let refused = flush(&folder, arguments);
        assert!(!refused.status.success(), "{arguments:?}: {}", out(&refused));
        for word in words {
            assert!(complaint(&refused).contains(word), "{arguments:?}: {}", complaint(&refused));
        }
    }
    assert!(!maintenance(&folder).exists(), "nothing was opened");
}

#[test]
fn nothing_is_opened_until_a_person_says_that_no_animal_is_there() {
    let folder = folder("flush-animal");
    let answered = |answer: &str| {
        let mut command = nosepoke();
        command.args(["flush", "water", "--rig", SIM_BOX, "--for", "1s", "--out", text(&folder)]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    for answer in ["", "no\n", "y\n", "\n"] {
        let refused = answered(answer);
        assert!(!refused.status.success(), "{answer:?}");
        assert!(complaint(&refused).contains("no animal"), "{}", complaint(&refused));
        assert!(!maintenance(&folder).exists(), "{answer:?} opened it");
    }
    good(&answered("yes\n"));
    assert_eq!(edges(&flushed(&folder)).len(), 2);
    let unsigned = run(&["flush", "water", "--rig", SIM_BOX, "--yes", "--out", text(&folder)]);
    assert!(!unsigned.status.success() && complaint(&unsigned).contains("--operator"), "a script says who runs it");
}

/// The shipped rig as its file states it.
fn shipped() -> RigConfig {
    let text = fs::read_to_string(top().join(SIM_BOX)).unwrap();
    compiler::read_rig(&Source { name: SIM_BOX.into(), text }).unwrap()
}

/// The rig a device was given, line by line with its name.
fn given(session: &Session) -> Vec<(String, RigLine)> {
    let rig: Rig = postcard::from_bytes(&session.header.device_rig).unwrap();
    let symbols: compiler::Symbols = postcard::from_bytes(&session.header.symbols).unwrap();
    symbols.lines.iter().map(|line| line.name.clone()).zip(rig.lines).collect()
}

/// Whether limits allow nothing that others forbid.
fn within(given: &Limits, stated: &Limits) -> bool {
    let duty = match (given.duty, stated.duty) {
        (_, None) => true,
        (Some(given), Some(stated)) => given.window_us >= stated.window_us && given.on_us <= stated.on_us,
        (None, Some(_)) => false,
    };
    (given.must_arm || !stated.must_arm)
        && (given.safe_on_trip || !stated.safe_on_trip)
        && given.max_on_us <= stated.max_on_us
        && given.min_off_us >= stated.min_off_us
        && duty
        && given.total.pulses <= stated.total.pulses
        && given.total.on_us <= stated.total.on_us
        && given.total.dose_us <= stated.total.dose_us
        && given.total.pulse_dose_us >= stated.total.pulse_dose_us
}

/// The outputs of a journal that may do more than the rig-config states, and those that may do anything at all.
fn beyond(session: &Session) -> (Vec<String>, Vec<String>) {
    let (stated, mut beyond, mut allowed) = (shipped(), Vec::new(), Vec::new());
    for (name, line) in given(session) {
        let Some(output) = line.role.output() else { continue };
        let stated = stated.line(&name).unwrap().line.role.output().unwrap();
        if !within(&output.limits, &stated.limits) || output.max_power_ppm > stated.max_power_ppm {
            beyond.push(name.clone());
        }
        if !output.limits.forbidden {
            allowed.push(name);
        }
    }
    (beyond, allowed)
}

#[test]
fn only_a_flush_is_given_more_than_the_rig_states_and_only_for_its_line_and_no_more_than_asked() {
    let folder = folder("flush-limits");
    good(&flush(&folder, &["water", "--pulses", "4", "--width", "900ms"]));
    let session = flushed(&folder);
    assert_eq!(beyond(&session), (vec!["water".to_owned()], vec!["water".to_owned()]), "all others are forbidden");
    let (_, water) = given(&session).into_iter().find(|(name, _)| name == "water").unwrap();
    let limits = water.role.output().unwrap().limits;
    assert_eq!(
        (limits.max_on_us, limits.total.pulses, limits.total.on_us, limits.total.dose_us),
        (900_000, 4, 3_600_000, NO_LIMIT)
    );
    let rig: Rig = postcard::from_bytes(&session.header.device_rig).unwrap();
    assert_eq!((rig.carry_on_us, rig.rejoin_us), (0, 0), "without its controller it ends at once");
    assert!(rig.silence_us <= 250_000);

    for protocol in ["probabilistic-reward", "lever-pull", "lever-pull-analog"] {
        let folder = common::folder(&format!("flush-limits-{protocol}"));
        let protocol = format!("protocols/{protocol}.yaml");
        let ran = ["run", &protocol, "--set", "trials_max=3", "--rig", SIM_BOX, "--out", text(&folder)];
        let arm = ["--arm", "laser", "--operator", "KS", "--subject", "R12"];
        let armed = protocol.contains("reward");
        good(&run(&[&ran[..], if armed { &arm[..] } else { &[] }].concat()));
        let (beyond, allowed) = beyond(&Session::open(&journal(&folder)).unwrap());
        assert_eq!(beyond, Vec::<String>::new(), "{protocol}");
        assert_eq!(allowed.len(), 4, "and nothing is forbidden: {allowed:?}");
    }
}

/// A flush of the valve on the table, under way.
fn under_way(rig: &TableRig, folder: &Path) -> Child {
    let mut command = nosepoke();
    command.args(["flush", "water", "--for", "2m", "--yes", "--operator", "KS", "--rig"]);
    command.arg(folder.join("box.yaml")).arg("--port").arg(&rig.port).arg("--out").arg(folder);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the opening", || {
        let files = fs::read_dir(maintenance(folder)).ok()?.flatten();
        let mut sessions = files.filter_map(|entry| Session::open(&entry.path()).ok());
        sessions
            .any(|session| session.records().any(|(_, _, record)| matches!(record, Record::Edge { .. })))
            .then_some(())
    });
    child
}

/// Six times what a board bears, so that a busy machine's board has borne it too.
fn silence() {
    std::thread::sleep(std::time::Duration::from_millis(1_500));
}

#[test]
fn ctrl_c_closes_the_valve_at_once() {
    let folder = folder("flush-ctrl-c");
    let rig = TableRig::new(&folder);
    let child = under_way(&rig, &folder);
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(std::process::Command::new("kill").args(interrupt).status().unwrap().success());
    let ran = child.wait_with_output().unwrap();
    good(&ran);
    assert!(out(&ran).contains("not to its end"), "{}", out(&ran));
    let session = flushed(&folder);
    let stopped = session.records().find(|(_, _, record)| matches!(record, Record::Stop(_))).unwrap().1;
    let off = session.records().find(|(_, _, record)| matches!(record, Record::Edge { on: false, .. })).unwrap().1;
    assert!(off.abs_diff(stopped) <= 1_000, "{} µs", off.abs_diff(stopped));
}

#[test]
fn a_cable_that_is_pulled_closes_the_valve_within_the_silence_and_the_flush_does_not_go_on() {
    let folder = folder("flush-cable");
    let rig = TableRig::new(&folder);
    let child = under_way(&rig, &folder);
    rig.pull_cable();
    silence();
    rig.plug();
    let ran = child.wait_with_output().unwrap();
    assert!(!ran.status.success(), "it did not end as asked: {}", out(&ran));
    assert!(complaint(&ran).contains("the controller was lost"), "{}", complaint(&ran));
    let session = flushed(&folder);
    let silent = session.records().find(|(_, _, record)| *record == Record::Silence(true)).unwrap().1;
    let off = session.records().find(|(_, _, record)| matches!(record, Record::Edge { on: false, .. })).unwrap().1;
    assert!(off.abs_diff(silent) <= 1_000, "{} µs", off.abs_diff(silent));
    assert!(session.records().any(|(_, _, record)| record == Record::End(EndReason::HostLost)));
    let disarmed = |record| matches!(record, Record::Disarmed { cause: DisarmCause::Silence, .. });
    assert!(!session.records().any(|(_, _, record)| disarmed(record)), "nothing was armed");
}

#[test]
fn a_controller_that_is_killed_leaves_a_valve_that_closes_by_itself() {
    let folder = folder("flush-killed");
    let rig = TableRig::new(&folder);
    let mut child = under_way(&rig, &folder);
    child.kill().unwrap();
    child.wait().unwrap();
    silence();
    let resumed = run(&["resume", text(&maintenance(&folder)), "--port", text(&rig.port)]);
    assert!(complaint(&resumed).contains("the controller was lost"), "{}{}", out(&resumed), complaint(&resumed));
    let session = flushed(&folder);
    let silent = session.records().find(|(_, _, record)| *record == Record::Silence(true)).unwrap().1;
    let off = session.records().find(|(_, _, record)| matches!(record, Record::Edge { on: false, .. })).unwrap().1;
    assert!(off.abs_diff(silent) <= 1_000, "{} µs", off.abs_diff(silent));
    assert_eq!(session.header.purpose, Purpose::Flush, "what was collected is still a flush");
}
