//! The limits of a subject's day: what it had in the sessions before is added up from their journals, the device is given the
//! lesser of what is left and what a session may have, and the person is told before the session begins.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{TableRig, complaint, folder, out, run, text};
use journal::{NoteKind, Session, delivered};
use link::rig::{Rig, Total};

/// A drop every 400 ms, as often as a session is told to.
const DROPS: &str = "protocol: drops
lines: {water: valve}
parameters:
  trials_max: {default: 6, range: [1, 1000]}
  opening: {default: 20 ms, range: [1 ms, 500 ms]}
session: {ends: [{trials: trials_max}]}
start: drop
states:
  drop:
    entry: [{trial: begin}, {pulse: {line: water, width: opening}}]
    transitions: [{after: 400 ms, outcome: given, to: drop}]
";

/// A lamp that no day limits.
const LAMP: &str = "protocol: lamp
lines: {lamp: light}
session: {ends: [{trials: 2}]}
start: shine
states:
  shine:
    entry: [{trial: begin}, {pulse: {line: lamp, width: 20 ms}}]
    transitions: [{after: 400 ms, outcome: shone, to: shine}]
";

/// A box whose valve has these limits besides.
fn rig(folder: &Path, name: &str, limits: &str) -> PathBuf {
    let path = folder.join(name);
    let config = format!(
        "rig: box
body: simulator
lines:
  water: {{kind: valve, pin: 10, max_on: 100 ms, {limits}}}
  lamp: {{kind: light, pin: 12}}
simulation: {{settle: 2 µs}}
"
    );
    fs::write(&path, config).unwrap();
    path
}

/// A session of R12 on a day.
struct Ran {
    output: Output,
    session: Option<Session>,
}

fn ran(folder: &Path, rig: &Path, day: &str, more: &[&str]) -> Ran {
    fs::write(folder.join("drops.yaml"), DROPS).unwrap();
    let subject = if more.contains(&"--subject") { &[][..] } else { &["--subject", "R12"][..] };
    let protocol = folder.join("drops.yaml");
    let always = ["run", text(&protocol), "--rig", text(rig), "--out", text(folder), "--json", "--day", day];
    let output = run(&[&always[..], subject, more].concat());
    let told: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
    let journal = told.and_then(|told| Some(PathBuf::from(told["journal"].as_str()?)));
    Ran { output, session: journal.map(|path| Session::open(&path).unwrap()) }
}

impl Ran {
    fn session(&self) -> &Session {
        self.session.as_ref().unwrap_or_else(|| panic!("{}{}", out(&self.output), complaint(&self.output)))
    }

    /// What the device was allowed of the water.
    fn allowed(&self) -> Total {
        let rig: Rig = postcard::from_bytes(&self.session().header.device_rig).unwrap();
        rig.lines[0].role.output().unwrap().limits.total
    }

    /// Drops that came.
    fn drops(&self) -> u64 {
        delivered(self.session())[0].pulses
    }

    fn told(&self) -> String {
        complaint(&self.output)
    }
}

const MONDAY: &str = "2026-11-30";
const TUESDAY: &str = "2026-12-01";

#[test]
fn a_second_session_gets_what_the_first_left_and_a_third_nothing() {
    let folder = folder("budget-drops");
    let rig = rig(&folder, "box.yaml", "per_day: {pulses: 10}");
    let first = ran(&folder, &rig, MONDAY, &["--set", "trials_max=6"]);
    assert_eq!((first.allowed().pulses, first.drops()), (10, 6));
    assert!(first.told().contains("water: R12 had 0 of 10 pulses on 2026-11-30\n"), "{}", first.told());
    let second = ran(&folder, &rig, MONDAY, &["--set", "trials_max=6"]);
    assert_eq!((second.allowed().pulses, second.drops()), (4, 4), "the device refuses the others");
    assert!(second.told().contains("water: R12 had 6 of 10 pulses on 2026-11-30\n"), "{}", second.told());
    let third = ran(&folder, &rig, MONDAY, &["--set", "trials_max=6"]);
    assert_eq!((third.allowed().pulses, third.drops()), (0, 0));
    assert!(third.told().contains("R12 had 10 of 10 pulses on 2026-11-30; nothing is left"), "{}", third.told());
    // The journal tells it too, and `show` from the journal.
    let noted = |session: &Session| {
        session
            .notes
            .iter()
            .filter(|placed| matches!(&placed.note.kind, NoteKind::Text(text) if text.contains("had 6 of 10")))
            .count()
    };
    assert_eq!(noted(second.session()), 1);
    let summary = report::Report::of(second.session()).unwrap().summary().table();
    assert!(
        summary.contains("(at most 4 pulses and 120.000 s on)")
            && summary.contains("remark      water: R12 had 6 of 10"),
        "{summary}"
    );
    assert!(summary.contains("2 × refused: over its total"), "{summary}");
}

#[test]
fn another_day_another_animal_and_another_folder_begin_anew() {
    let folder = folder("budget-anew");
    let rig = rig(&folder, "box.yaml", "per_day: {pulses: 10}");
    assert_eq!(ran(&folder, &rig, MONDAY, &[]).allowed().pulses, 10);
    assert_eq!(ran(&folder, &rig, TUESDAY, &[]).allowed().pulses, 10);
    assert_eq!(ran(&folder, &rig, MONDAY, &["--subject", "R13"]).allowed().pulses, 10);
    assert_eq!(ran(&folder, &rig, MONDAY, &[]).allowed().pulses, 4, "but R12 on Monday has had its six");
    let elsewhere = common::folder("budget-elsewhere");
    assert_eq!(ran(&elsewhere, &rig, MONDAY, &[]).allowed().pulses, 10);
}

#[test]
fn what_a_session_may_have_holds_where_more_is_left_of_the_day() {
    let folder = folder("budget-session");
    let rig = rig(&folder, "box.yaml", "per_session: {pulses: 4, on: 1 s}, per_day: {pulses: 6}");
    assert_eq!(ran(&folder, &rig, MONDAY, &["--set", "trials_max=4"]).allowed().pulses, 4);
    let second = ran(&folder, &rig, MONDAY, &["--set", "trials_max=1"]);
    assert_eq!((second.allowed().pulses, second.allowed().on_us), (2, 1_000_000));
}

#[test]
fn a_day_in_seconds_and_microlitres_counts_each_session_by_its_own_calibration() {
    let folder = folder("budget-dose");
    // 1 µl in 10 ms, and nothing besides; the other valve gives twice as much.
    let limits = |volume: &str| {
        format!(
            "per_day: {{on: 300 ms, volume: 20 µl}}, calibration: {{date: 2026-11-02, volumes: [[10 ms, {volume}], [100 ms, {volume}0]]}}"
        )
    };
    let (slow, fast) = (limits("1 µl").replace("1 µl0", "10 µl"), limits("2 µl").replace("2 µl0", "20 µl"));
    let (slow, fast) = (rig(&folder, "slow.yaml", &slow), rig(&folder, "fast.yaml", &fast));
    let first = ran(&folder, &slow, MONDAY, &["--set", "trials_max=4"]);
    assert_eq!((first.allowed().on_us, first.allowed().dose_us), (300_000, 200_000), "20 µl at 1 µl in 10 ms");
    // Four drops of 20 ms: 80 ms, 8 µl. The fast valve gives the 12 µl that are left in 60 ms.
    let second = ran(&folder, &fast, MONDAY, &["--set", "trials_max=2"]);
    assert_eq!((second.allowed().on_us, second.allowed().dose_us), (220_000, 60_000));
    assert!(second.told().contains("had 0.080 s of 0.300 s on and 8 µl of 20 µl"), "{}", second.told());
    // Two more, 40 ms and 8 µl of the fast one: 4 µl are left, 40 ms of the slow one.
    assert_eq!(ran(&folder, &slow, MONDAY, &["--set", "trials_max=1"]).allowed().dose_us, 40_000);
}

#[test]
fn a_session_that_was_cut_off_counts_what_its_journal_holds() {
    let folder = folder("budget-cut");
    let rig = rig(&folder, "box.yaml", "per_day: {on: 10 s}");
    let first = ran(&folder, &rig, MONDAY, &["--set", "trials_max=8"]);
    let path = common::journal(&folder);
    let bytes = fs::read(&path).unwrap();
    // From the last block backwards until a drop was under way when the records end.
    let (cut, held) = (0..bytes.len())
        .rev()
        .find_map(|length| {
            let session = Session::read(&bytes[..length]).ok()?;
            (session.close.is_none()).then(|| (length, delivered(&session)[0]))
        })
        .unwrap();
    fs::write(&path, &bytes[..cut]).unwrap();
    assert_eq!(first.drops(), 8);
    let second = ran(&folder, &rig, MONDAY, &["--set", "trials_max=1"]);
    assert_eq!(u64::from(second.allowed().on_us), 10_000_000 - held.on_us);
    assert!(held.pulses > 0, "something of it is there");
}

#[test]
fn a_journal_that_cannot_be_read_is_named_where_a_day_limits_what_the_protocol_uses() {
    let folder = folder("budget-unreadable");
    let limited = rig(&folder, "box.yaml", "per_day: {pulses: 10}");
    fs::write(folder.join("drops_R12_2026-11-30T09-00-00.npj"), b"\x89NPJ\r\n\x1a\nwhat a broken disk left").unwrap();
    let refused = ran(&folder, &limited, MONDAY, &[]);
    assert!(!refused.output.status.success());
    for word in ["drops_R12_2026-11-30T09-00-00.npj", "R12 on 2026-11-30", "water", "move the file out"] {
        assert!(refused.told().contains(word), "{word}: {}", refused.told());
    }
    let unlimited = rig(&folder, "free.yaml", "min_off: none");
    assert!(ran(&folder, &unlimited, MONDAY, &[]).output.status.success(), "where no day limits it does not matter");
    let lamp = folder.join("lamp.yaml");
    fs::write(&lamp, LAMP).unwrap();
    let lit = run(&[
        "run",
        text(&lamp),
        "--rig",
        text(&limited),
        "--out",
        text(&folder),
        "--day",
        MONDAY,
        "--subject",
        "R12",
    ]);
    assert!(lit.status.success(), "nor where no such line is used: {}", complaint(&lit));
}

#[test]
fn a_flush_and_a_self_test_are_nobodys_and_count_for_nobody() {
    let folder = folder("budget-maintenance");
    let rig = rig(&folder, "box.yaml", "per_day: {pulses: 10}");
    let always = ["--rig", text(&rig), "--out", text(&folder), "--yes", "--operator", "KS"];
    assert!(run(&[&["flush", "water", "--pulses", "40", "--width", "20ms"], &always[..]].concat()).status.success());
    assert!(run(&[&["selftest"], &always[..]].concat()).status.success());
    assert_eq!(ran(&folder, &rig, MONDAY, &[]).allowed().pulses, 10);
}

#[test]
fn without_a_day_a_simulated_session_has_the_whole_of_it_every_time() {
    let folder = folder("budget-no-day");
    let rig = rig(&folder, "box.yaml", "per_day: {pulses: 10}");
    fs::write(folder.join("drops.yaml"), DROPS).unwrap();
    for _ in 0..3 {
        let protocol = folder.join("drops.yaml");
        let ran = run(&[
            "run",
            text(&protocol),
            "--rig",
            text(&rig),
            "--out",
            text(&folder),
            "--seed",
            "3",
            "--json",
            "--subject",
            "R12",
        ]);
        let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let session = Session::open(Path::new(told["journal"].as_str().unwrap())).unwrap();
        assert_eq!(delivered(&session)[0].pulses, 6);
    }
    let no_day = run(&["run", "protocols/lever-pull.yaml", "--day", "2026-13-01", "--subject", "R12"]);
    assert!(complaint(&no_day).contains("is no day"), "{}", complaint(&no_day));
}

#[test]
fn on_a_real_rig_the_day_is_today() {
    let folder = folder("budget-table");
    let table = TableRig::new(&folder);
    let config = common::BOX.replace("max_on: 500 ms}", "max_on: 500 ms, per_day: {pulses: 9}}");
    assert_ne!(config, common::BOX);
    fs::write(folder.join("limited.yaml"), config).unwrap();
    fs::write(folder.join("drops.yaml"), DROPS).unwrap();
    // A simulated session of today is no session of a real animal.
    let simulated = rig(&folder, "simulated.yaml", "per_day: {pulses: 9}");
    let today = today_here();
    assert_eq!(ran(&folder, &simulated, &today, &["--set", "trials_max=5"]).drops(), 5);
    let (protocol, limited) = (folder.join("drops.yaml"), folder.join("limited.yaml"));
    let mut allowed = Vec::new();
    for _ in 0..2 {
        let ran = run(&[
            "run",
            text(&protocol),
            "--rig",
            text(&limited),
            "--port",
            text(&table.port),
            "--out",
            text(&folder),
            "--subject",
            "R12",
            "--set",
            "trials_max=2",
            "--json",
        ]);
        assert!(ran.status.success(), "{}", complaint(&ran));
        let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let session = Session::open(Path::new(told["journal"].as_str().unwrap())).unwrap();
        let rig: Rig = postcard::from_bytes(&session.header.device_rig).unwrap();
        let total = rig.lines[0].role.output().unwrap().limits.total;
        allowed.push(total.pulses);
    }
    assert_eq!(allowed, [9, 7]);
}

/// The day it is here.
fn today_here() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    controller::budget::Day::of_ms(i64::try_from(now.as_millis()).unwrap()).unwrap().to_string()
}
