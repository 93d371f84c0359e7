//! Sessions on a rig at the far end of a cable, as the command line runs them: in real time, over a serial port, with all
//! that happens to cables, supplies and computers.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::path::Path;
use std::process::{Child, Output};
use std::thread;
use std::time::Duration;

use common::{TableRig, complaint, folder, journal, out, run, text};
use journal::{Integrity, NoteKind, Session, Why};
use link::{DisarmCause, EndReason, Record, Verdict};

fn ends(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

#[track_caller]
fn good(output: &Output) {
    assert!(output.status.success(), "{}{}", out(output), complaint(output));
}

/// Fails unless the session's records follow one another from the first on, each once, and replay.
#[track_caller]
fn whole(path: &Path) -> Session {
    let session = Session::open(path).unwrap();
    let numbers: Vec<u64> = session.records().map(|(number, ..)| number).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "a record is missing, or stands twice");
    good(&run(&["replay", text(path)]));
    good(&run(&["show", text(path)]));
    session
}

/// The trials of a session, as they began.
fn trials(session: &Session) -> Vec<u32> {
    let number = |record| match record {
        Record::Trial { number } => Some(number),
        _ => None,
    };
    session.records().filter_map(|(_, _, record)| number(record)).collect()
}

fn withheld(session: &Session) -> usize {
    let withheld = |record: &Record| matches!(record, Record::Verdict { verdict: Verdict::Withheld, .. });
    session.records().filter(|(_, _, record)| withheld(record)).count()
}

fn noted(session: &Session, like: impl Fn(&NoteKind) -> bool) -> usize {
    session.notes.iter().filter(|placed| like(&placed.note.kind)).count()
}

#[test]
fn a_session_runs_over_a_cable_to_its_end() {
    let folder = folder("table-plain");
    let rig = TableRig::new(&folder);
    let ran = ends(rig.start(8));
    good(&ran);
    assert!(complaint(&ran).contains("board e66138935f4a2c28 (simulator"), "{}", complaint(&ran));
    assert!(!complaint(&ran).contains("warning"), "{}", complaint(&ran));
    let session = whole(&journal(&folder));
    assert_eq!(trials(&session), (1..=8).collect::<Vec<_>>());
    assert_eq!(withheld(&session), 0);
    assert_eq!(session.verify(), Ok(Integrity::Whole));
    assert!(!session.header.simulated);
    assert_eq!(noted(&session, |kind| matches!(kind, NoteKind::Device { id: common::BOARD, .. })), 1);
    assert!(out(&ran).contains("clock"), "the summary tells of the clocks:\n{}", out(&ran));
    // The board has forgotten, and takes the next.
    good(&run(&["devices", "--port", text(&rig.port)]));
}

#[test]
fn a_session_is_ended_by_a_person_and_everything_is_kept() {
    let folder = folder("table-stopped");
    let rig = TableRig::new(&folder);
    let child = rig.start(400);
    rig.wait_for_trials(2);
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(std::process::Command::new("kill").args(interrupt).status().unwrap().success());
    let ran = ends(child);
    good(&ran);
    assert!(out(&ran).contains("stopped by a person"), "{}", out(&ran));
    assert_eq!(whole(&journal(&folder)).verify(), Ok(Integrity::Whole));
}

#[test]
fn a_cable_pulled_for_two_seconds_costs_the_armed_pulses_meanwhile_and_nothing_else() {
    let folder = folder("table-cable");
    let rig = TableRig::new(&folder);
    let child = rig.start(24);
    rig.wait_for_trials(3);
    rig.pull_cable();
    thread::sleep(Duration::from_secs(2));
    rig.plug();
    let ran = ends(child);
    good(&ran);
    let session = whole(&journal(&folder));
    assert_eq!(session.verify(), Ok(Integrity::Whole), "no gap");
    assert_eq!(trials(&session), (1..=24).collect::<Vec<_>>(), "the task went on");
    let mut armed = true;
    let (mut disarmed, mut armed_again) = (0, 0);
    for (_, _, record) in session.records() {
        match record {
            Record::Disarmed { cause: DisarmCause::Silence, .. } => (disarmed, armed) = (disarmed + 1, false),
            Record::Armed { .. } if !armed => (armed_again, armed) = (armed_again + 1, true),
            Record::Edge { on: true, .. } => assert!(armed, "the laser fired while nobody watched"),
            _ => {}
        }
    }
    assert_eq!((disarmed, armed_again), (1, 1), "safe by silence, and armed again at a trial");
    assert!(withheld(&session) > 0, "pulses asked for meanwhile are withheld");
    assert_eq!(noted(&session, |kind| *kind == NoteKind::Disconnected), 1);
    assert_eq!(noted(&session, |kind| *kind == NoteKind::Reconnected), 1);
    assert!(complaint(&ran).contains("the device is back"), "{}", complaint(&ran));
}

#[test]
fn a_supply_cut_ends_the_session_and_the_journal_says_from_where_on_nothing_is_known() {
    let folder = folder("table-supply");
    let rig = TableRig::new(&folder);
    let child = rig.start(400);
    rig.wait_for_trials(3);
    rig.cut_supply();
    thread::sleep(Duration::from_millis(300));
    rig.plug();
    let ran = ends(child);
    assert!(!ran.status.success(), "{}", out(&ran));
    let journal = journal(&folder);
    let session = whole(&journal);
    let known = session.records_len();
    let words = format!("records after {} are unknown", known - 1);
    for words in [words.as_str(), "lost its supply", "nosepoke show"] {
        assert!(complaint(&ran).contains(words), "{words}:\n{}", complaint(&ran));
    }
    assert!(matches!(session.verify(), Ok(Integrity::Gap(gap)) if gap.first == known && gap.next.is_none()));
    assert!(matches!(&session.close, Some(close) if matches!(close.why, Why::Incomplete(_))));
    assert!(out(&run(&["replay", text(&journal)])).contains(&words));
    assert!(out(&run(&["show", text(&journal)])).contains(&words));
    // The board is free for the next session.
    good(&rig.command(4, &common::folder("table-supply-next")).output().unwrap());
}

#[test]
fn a_board_that_is_reset_gives_all_that_it_recorded_and_the_session_is_over() {
    let folder = folder("table-reset");
    let rig = TableRig::new(&folder);
    let child = rig.start(400);
    rig.wait_for_trials(3);
    rig.reset();
    let ran = ends(child);
    assert!(!ran.status.success(), "{}", out(&ran));
    assert!(complaint(&ran).contains("device was reset"), "{}", complaint(&ran));
    let session = whole(&journal(&folder));
    assert_eq!(session.verify(), Ok(Integrity::Whole), "nothing is missing");
    let (_, _, last) = session.records().last().unwrap();
    assert_eq!(last, Record::End(EndReason::DeviceReset));
    let begun = trials(&session);
    assert_eq!(begun, (1..=begun.len() as u32).collect::<Vec<_>>());
    let boots = noted(&session, |kind| matches!(kind, NoteKind::Device { .. }));
    assert_eq!(boots, 2, "the journal names both boots");
    good(&rig.command(4, &common::folder("table-reset-next")).output().unwrap());
}

#[test]
fn a_board_reset_while_its_controller_was_dead_gives_all_that_it_recorded() {
    let folder = folder("table-killed-reset");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(400);
    rig.wait_for_trials(3);
    child.kill().unwrap();
    child.wait().unwrap();
    let known = trials(&Session::open(&journal(&folder)).unwrap()).len();
    thread::sleep(Duration::from_millis(700));
    rig.reset();
    let resumed = common::wait_for("the board", || {
        let resumed = run(&["resume", text(&folder), "--port", text(&rig.port)]);
        let away = ["no port", "was pulled", "cannot be opened"];
        (!away.iter().any(|words| complaint(&resumed).contains(words))).then_some(resumed)
    });
    assert!(complaint(&resumed).contains("device was reset"), "{}", complaint(&resumed));
    let session = whole(&journal(&folder));
    assert_eq!(session.verify(), Ok(Integrity::Whole));
    assert!(trials(&session).len() > known, "trials went on while nobody listened");
}

#[test]
fn a_controller_killed_in_mid_session_is_followed_by_another() {
    let folder = folder("table-killed");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(24);
    rig.wait_for_trials(3);
    child.kill().unwrap();
    child.wait().unwrap();
    let path = journal(&folder);
    let before = Session::open(&path).unwrap();
    assert!(matches!(before.verify(), Ok(Integrity::Interrupted { .. })));

    // Whoever starts anew is told what to do, and makes no journal.
    let other = common::folder("table-killed-anew");
    let anew = rig.command(4, &other).output().unwrap();
    assert!(!anew.status.success());
    assert!(complaint(&anew).contains("nosepoke resume"), "{}", complaint(&anew));
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);

    let resumed = run(&["resume", text(&folder), "--port", text(&rig.port)]);
    good(&resumed);
    let session = whole(&path);
    assert_eq!(session.verify(), Ok(Integrity::Whole));
    assert_eq!(trials(&session), (1..=24).collect::<Vec<_>>());
    assert!(session.stream().starts_with(before.stream()), "what was durable stays as it was");
    assert_eq!(noted(&session, |kind| matches!(kind, NoteKind::Device { .. })), 2);
    let again = run(&["resume", text(&path), "--port", text(&rig.port)]);
    assert!(complaint(&again).contains("nothing to go on with"), "{}", complaint(&again));
}

#[test]
fn a_controller_may_be_killed_again_and_again() {
    let folder = folder("table-killed-often");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(30);
    for trials in [2, 7, 12] {
        rig.wait_for_trials(trials);
        child.kill().unwrap();
        child.wait().unwrap();
        child = common::nosepoke()
            .args(["resume", text(&folder), "--port", text(&rig.port)])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
    }
    good(&ends(child));
    let session = whole(&journal(&folder));
    assert_eq!(session.verify(), Ok(Integrity::Whole));
    assert_eq!(trials(&session), (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_journal_that_lost_its_end_on_a_bad_disk_says_what_is_missing_in_its_middle() {
    let folder = folder("table-lost-end");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(20);
    rig.wait_for_trials(6);
    child.kill().unwrap();
    child.wait().unwrap();
    let path = journal(&folder);
    let bytes = std::fs::read(&path).unwrap();
    let known = (0..bytes.len()).rev().find(|length| {
        Session::read(&bytes[..*length]).is_ok_and(|session| session.records_len() > 0 && trials(&session).len() < 3)
    });
    std::fs::write(&path, &bytes[..known.unwrap()]).unwrap();

    let resumed = run(&["resume", text(&path), "--port", text(&rig.port)]);
    assert!(!resumed.status.success());
    let session = Session::open(&path).unwrap();
    let Ok(Integrity::Gap(gap)) = session.verify() else { panic!("{:?}", session.verify()) };
    assert!(gap.first > 0 && gap.next.is_some_and(|next| next > gap.first), "{gap:?}");
    assert!(complaint(&resumed).contains(&gap.to_string()), "{}", complaint(&resumed));
    assert_eq!(trials(&session).last(), Some(&20), "the session itself went on to its end");
    good(&run(&["replay", text(&path)]));
    good(&run(&["show", text(&path)]));
}

#[test]
fn what_happened_after_the_controller_died_is_collected_when_it_is_long_over() {
    let folder = folder("table-late");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(12);
    rig.wait_for_trials(2);
    child.kill().unwrap();
    child.wait().unwrap();
    common::wait_for("the end of the session", || {
        let devices = run(&["devices", "--port", text(&rig.port)]);
        out(&devices).contains("holds session").then_some(())
    });
    good(&run(&["resume", text(&folder), "--port", text(&rig.port)]));
    assert_eq!(trials(&whole(&journal(&folder))), (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_session_resumed_after_the_supply_was_cut_says_what_is_unknown() {
    let folder = folder("table-killed-cut");
    let rig = TableRig::new(&folder);
    let mut child = rig.start(400);
    rig.wait_for_trials(3);
    child.kill().unwrap();
    child.wait().unwrap();
    rig.cut_supply();
    rig.plug();
    let resumed = common::wait_for("the board", || {
        let resumed = run(&["resume", text(&folder), "--port", text(&rig.port)]);
        (!complaint(&resumed).contains("no port")).then_some(resumed)
    });
    assert!(!resumed.status.success());
    let session = whole(&journal(&folder));
    let words = format!("records after {} are unknown", session.records_len() - 1);
    assert!(complaint(&resumed).contains(&words), "{}", complaint(&resumed));
    assert!(session.close.is_some());
}

#[test]
fn a_port_in_use_is_left_alone() {
    let folder = folder("table-busy");
    let rig = TableRig::new(&folder);
    let child = rig.start(12);
    rig.wait_for_trials(1);
    let devices = run(&["devices", "--port", text(&rig.port)]);
    assert!(out(&devices).contains("in use"), "{}", out(&devices));
    let path = journal(&folder);
    let resumed = run(&["resume", text(&path), "--port", text(&rig.port)]);
    assert!(complaint(&resumed).contains("is being written by another nosepoke"), "{}", complaint(&resumed));
    good(&ends(child));
    assert_eq!(trials(&whole(&path)), (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_board_says_who_it_is_and_how_it_stands() {
    let folder = folder("table-devices");
    let rig = TableRig::new(&folder);
    let devices = run(&["devices", "--port", text(&rig.port)]);
    good(&devices);
    for word in ["e66138935f4a2c28", "simulator", "yes", "own", "idle"] {
        assert!(out(&devices).contains(word), "{word}:\n{}", out(&devices));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["devices", "--json", "--port", text(&rig.port)]).stdout).unwrap();
    assert_eq!(json["devices"][0]["id"], "e66138935f4a2c28");
    assert_eq!(json["devices"][0]["compatible"], true);
    assert_eq!(json["devices"][0]["state"], "idle");
}

#[test]
fn the_rig_config_says_which_board_and_where() {
    let folder = folder("table-config");
    let rig = TableRig::new(&folder);
    let device = |device: &str| common::BOX.replace("body: rp2040", &format!("body: rp2040\ndevice: {device}"));
    let run_on = |text: &str| {
        std::fs::write(folder.join("box.yaml"), text).unwrap();
        let protocol = folder.join("ticking.yaml");
        let mut command = common::nosepoke();
        command.arg("run").arg(protocol).arg("--rig").arg(folder.join("box.yaml")).arg("--out").arg(&folder);
        command.args(["--set", "trials_max=2"]).output().unwrap()
    };
    let port = text(&rig.port);
    let ran = run_on(&device(&format!("{{id: E66138935F4A2C28, port: {port}}}")));
    good(&ran);
    let words = "warning: laser must be armed and is not";
    assert!(complaint(&ran).contains(words), "{}", complaint(&ran));
    assert_eq!(withheld(&whole(&journal(&folder))), 2, "and so it is recorded");
    let other = run_on(&device(&format!("{{id: 0000000000000001, port: {port}}}")));
    assert!(complaint(&other).contains("0000000000000001 is meant"), "{}", complaint(&other));
    let nowhere = run_on(&device("{id: E66138935F4A2C28}"));
    assert!(complaint(&nowhere).contains("e66138935f4a2c28 is not attached"), "{}", complaint(&nowhere));
}

#[test]
fn another_board_than_the_one_meant_is_not_used() {
    let folder = folder("table-other");
    let rig = TableRig::with(&folder, 0x1234);
    let ran = rig.command(4, &folder).args(["--device", "e66138935f4a2c28"]).output().unwrap();
    assert!(!ran.status.success());
    for word in ["0000000000001234", "e66138935f4a2c28 is meant"] {
        assert!(complaint(&ran).contains(word), "{word}:\n{}", complaint(&ran));
    }
}
