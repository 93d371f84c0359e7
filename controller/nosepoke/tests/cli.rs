//! The command line as a person meets it: what goes wrong is said clearly, with an exit code to match, and nothing is
//! lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use link::versions::Versions;

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn nosepoke() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nosepoke"));
    command.current_dir(top()).env("NO_COLOR", "1").env_remove("NOSEPOKE_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    nosepoke().args(arguments).output().expect("nosepoke starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails unless the program failed with a message holding every one of `words`, and without a panic.
fn fails_with(output: &Output, words: &[&str]) {
    let complaint = complaint(output);
    assert!(!output.status.success(), "it should have failed: {}", out(output));
    assert!(!complaint.contains("panicked"), "{complaint}");
    for word in words {
        assert!(complaint.contains(word), "`{word}` is missing from:\n{complaint}");
    }
}

/// The one journal in a folder.
fn journal(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder reads")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "npj"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are plain")
}

/// A short session in a folder of its own; its journal.
fn session(name: &str) -> PathBuf {
    let folder = folder(name);
    let ran = run(&["run", FLAGSHIP, "--seed", "3", "--set", "session_length=5 min", "--out", text(&folder)]);
    assert!(ran.status.success(), "{}", complaint(&ran));
    journal(&folder)
}

#[test]
fn a_session_runs_replays_and_is_shown() {
    let folder = folder("runs");
    let ran = run(&["run", FLAGSHIP, "--seed", "3", "--set", "session_length=5 min", "--out", text(&folder)]);
    assert!(ran.status.success(), "{}", complaint(&ran));
    let journal = journal(&folder);
    assert!(out(&ran).contains(text(&journal)), "it says where the data is:\n{}", out(&ran));
    assert!(journal.with_extension("svg").exists());
    let replayed = run(&["replay", text(&journal)]);
    assert!(replayed.status.success(), "{}{}", out(&replayed), complaint(&replayed));
    assert_eq!(out(&run(&["replay", text(&folder)])), out(&replayed), "a folder stands for all in it");
    let newest = out(&run(&["show", text(&folder)]));
    assert_eq!(newest, out(&run(&["show", text(&journal)])), "a folder stands for the newest in it");
    let csv = out(&run(&["show", text(&journal), "--csv"]));
    assert!(csv.starts_with("trial,start_s,"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["show", text(&journal), "--json"]).stdout).expect("show --json is JSON");
    let trials = json["trials"].as_array().expect("a list of trials");
    assert_eq!(csv.lines().count(), trials.len() + 1);
}

#[test]
fn a_reader_that_stops_reading_is_no_mistake() {
    let journal = session("head");
    let mut child = nosepoke()
        .args(["show", text(&journal), "--csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nosepoke starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    assert_eq!(complaint(&ended), "");
    assert!(ended.status.success());
}

#[test]
fn the_seed_given_is_the_seed_used_and_a_fresh_one_is_told() {
    let folder = folder("seed");
    let ran = run(&["run", FLAGSHIP, "--set", "session_length=1 min", "--out", text(&folder), "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("run --json is JSON");
    let seed = json["seed"].as_u64().expect("a seed").to_string();
    let first = fs::read(journal(&folder)).expect("the journal reads");
    let again = self::folder("seed-again");
    run(&["run", FLAGSHIP, "--set", "session_length=1 min", "--out", text(&again), "--seed", &seed]);
    assert!(first == fs::read(journal(&again)).expect("the journal reads"), "the seed told does not give the session");
}

#[test]
fn both_shipped_protocols_are_good() {
    let checked = run(&["check", "protocols/"]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    assert_eq!(complaint(&checked), "", "no warnings either");
    assert!(out(&checked).contains("lever-pull.yaml: good"), "{}", out(&checked));
    let laser = "laser   by a person  5 s        –            30 s of 1 min  –";
    assert!(out(&checked).contains(laser), "every output is shown with its limits: {}", out(&checked));
    let steps = out(&checked).matches("the longest step on a Pico is at most ").count();
    assert_eq!(steps, out(&checked).matches(": good on rig ").count(), "{}", out(&checked));
}

#[test]
fn every_command_helps_with_an_example() {
    for command in
        ["run", "check", "replay", "show", "resume", "devices", "flash", "flush", "selftest", "subject", "unblind"]
    {
        let help = run(&[command, "--help"]);
        assert!(help.status.success());
        assert!(out(&help).contains("nosepoke ") && out(&help).contains("Example"), "{}", out(&help));
    }
}

#[test]
fn a_protocol_that_is_not_there_or_no_text_is_said_so() {
    fails_with(&run(&["run", "protocols/probabilistic-rewrad.yaml"]), &["there is no file"]);
    fails_with(&run(&["run", "protocols"]), &["is a folder"]);
    let folder = folder("not-text");
    let path = folder.join("latin1.yaml");
    fs::write(&path, b"protocol: caf\xe9\n").expect("written");
    fails_with(&run(&["check", text(&path)]), &["not UTF-8", "latin1.yaml"]);
    fs::write(&path, b"").expect("written");
    fails_with(&run(&["check", text(&path)]), &["empty"]);
}

#[test]
fn a_parameter_out_of_range_or_misspelt_is_refused_before_anything_runs() {
    let folder = folder("parameters");
    let with = |set: &str| run(&["run", FLAGSHIP, "--out", text(&folder), "--set", set]);
    fails_with(&with("p_reward=1.5"), &["p_reward", "1.5"]);
    fails_with(&with("drop=20 ms"), &["drop", "µl"]);
    fails_with(&with("p_rewrd=0.5"), &["p_rewrd", "p_reward"]);
    fails_with(&with("drop"), &["name=value"]);
    assert_eq!(fs::read_dir(&folder).expect("the folder reads").count(), 0, "nothing was written");
}

#[test]
fn an_output_folder_that_cannot_be_made_is_refused_before_anything_runs() {
    let folder = folder("unwritable");
    let file = folder.join("a-file");
    fs::write(&file, b"in the way").expect("written");
    fails_with(&run(&["run", FLAGSHIP, "--out", text(&file.join("data"))]), &["output folder", "--out"]);
    fails_with(&run(&["run", FLAGSHIP, "--out", text(&file)]), &["output folder", "--out"]);
}

#[test]
fn a_line_to_arm_that_the_protocol_lacks_is_refused_and_arming_needs_a_name() {
    let folder = folder("arm");
    let out = ["--out", text(&folder)];
    fails_with(
        &run(&[&["run", FLAGSHIP, "--arm", "lazer", "--operator", "KS", "--subject", "R12"][..], &out].concat()),
        &["lazer", "laser"],
    );
    fails_with(&run(&[&["run", FLAGSHIP, "--arm", "laser"][..], &out].concat()), &["--operator", "--subject"]);
    fails_with(&run(&[&["run", FLAGSHIP, "--arm", "laser", "--operator", "KS"][..], &out].concat()), &["--subject"]);
}

#[test]
fn a_rig_that_lacks_a_line_or_doubles_a_pin_comes_with_a_remedy() {
    let folder = folder("rigs");
    let shipped = fs::read_to_string(top().join("rig-configs/sim-box.yaml")).expect("the shipped rig reads");
    let rig = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        assert!(shipped.contains(from), "the shipped rig no longer says {from}");
        fs::write(&path, shipped.replace(from, to)).expect("written");
        run(&["run", FLAGSHIP, "--rig", text(&path), "--out", text(&folder)])
    };
    fails_with(&rig("no-mask.yaml", "  mask:", "  lamp:"), &["mask", "lamp"]);
    fails_with(&rig("one-pin.yaml", "pin: 13", "pin: 12"), &["pin 12", "free pins"]);
    fails_with(&rig("cat.yaml", "model: rat", "model: cat"), &["cat", "rat"]);
}

#[test]
fn something_that_is_no_journal_is_said_so() {
    fails_with(&run(&["show", FLAGSHIP]), &["journal"]);
    fails_with(&run(&["replay", FLAGSHIP]), &["journal"]);
    fails_with(&run(&["show", "sessions/not-there.npj"]), &["not-there.npj"]);
}

#[test]
fn a_journal_that_was_changed_is_found_and_named() {
    let journal = session("changed");
    let mut bytes = fs::read(&journal).expect("the journal reads");
    let place = bytes.len() - 1_000;
    bytes[place] ^= 1;
    fs::write(&journal, &bytes).expect("written");
    fails_with(&run(&["replay", text(&journal)]), &["not as it was written"]);
    fails_with(&run(&["show", text(&journal)]), &["not as it was written"]);
}

/// A session slowed down so that something can happen to it, once its journal has records on disk.
fn under_way(folder: &Path) -> Child {
    let mut child = nosepoke()
        .args(["run", FLAGSHIP, "--seed", "5", "--speed", "400", "--out", text(folder)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nosepoke starts");
    // Bounded: a session of an hour at 400 × real time takes 9 s.
    for _ in 0..600 {
        thread::sleep(Duration::from_millis(50));
        let size = fs::read_dir(folder).expect("the folder reads").flatten().filter_map(|entry| entry.metadata().ok());
        if size.map(|about| about.len()).max().unwrap_or(0) > 20_000 {
            return child;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    panic!("no records reached the disk");
}

#[test]
fn a_controller_that_is_killed_leaves_every_durable_record_readable() {
    let folder = folder("killed");
    let mut child = under_way(&folder);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let shown = run(&["show", text(&journal(&folder))]);
    assert!(shown.status.success(), "{}", complaint(&shown));
    assert!(out(&shown).contains("interrupted"), "{}", out(&shown));
    assert!(run(&["replay", text(&journal(&folder))]).status.success());
}

#[cfg(unix)]
#[test]
fn in_real_time_too_ctrl_c_ends_the_session_cleanly() {
    let folder = folder("real-time");
    let mut child = nosepoke()
        .args(["run", FLAGSHIP, "--seed", "5", "--speed", "1", "--out", text(&folder)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nosepoke starts");
    // Bounded: the first records are on disk within a second or so.
    let begun = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(50));
        let entries = fs::read_dir(&folder).expect("the folder reads").flatten();
        let mut sessions = entries.filter_map(|entry| journal::Session::open(&entry.path()).ok());
        sessions.any(|session| session.records_len() > 0)
    });
    if !begun {
        child.kill().expect("killed");
        child.wait().expect("ended");
        panic!("no records reached the disk");
    }
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let ended = child.wait_with_output().expect("ended");
    assert!(ended.status.success(), "{}", complaint(&ended));
    let replayed = run(&["replay", text(&journal(&folder))]);
    assert!(replayed.status.success(), "{}{}", out(&replayed), complaint(&replayed));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_session_cleanly() {
    ends_cleanly("ctrl-c", "-INT");
}

#[cfg(unix)]
#[test]
fn a_system_that_goes_down_or_a_terminal_that_is_closed_ends_the_session_cleanly() {
    ends_cleanly("terminated", "-TERM");
    ends_cleanly("hung-up", "-HUP");
}

#[cfg(unix)]
fn ends_cleanly(name: &str, signal: &str) {
    let folder = folder(name);
    let child = under_way(&folder);
    let told = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let ended = child.wait_with_output().expect("ended");
    assert!(ended.status.success(), "{}", complaint(&ended));
    let replayed = run(&["replay", text(&journal(&folder))]);
    assert!(replayed.status.success(), "{}", complaint(&replayed));
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["show", text(&journal(&folder)), "--json"]).stdout).expect("JSON");
    assert!(json["summary"].to_string().contains("stopped"), "{}", json["summary"]);
}

#[test]
fn numbers_that_make_no_sense_are_refused_with_the_bounds() {
    for speed in ["0", "nan", "-1", "1e9", "inf", "1e-300", "", "fast"] {
        fails_with(&run(&["run", FLAGSHIP, "--speed", speed]), &["from 0.01 to 1000"]);
    }
    for seed in ["-1", "1.5", "18446744073709551616", "seven"] {
        fails_with(&run(&["run", FLAGSHIP, "--seed", seed]), &["is no seed", "0 to 18446744073709551615"]);
    }
    for subject in ["", "  ", "R1\n2", &"x".repeat(65)] {
        fails_with(&run(&["run", FLAGSHIP, "--subject", subject]), &["--subject"]);
    }
}

#[test]
fn a_line_that_needs_no_arming_is_refused_before_a_journal_begins() {
    let folder = folder("arm-cue");
    for line in ["cue", "lever"] {
        let arguments =
            ["run", FLAGSHIP, "--arm", line, "--operator", "KS", "--subject", "R12", "--out", text(&folder)];
        fails_with(&run(&arguments), &[line, "arm: required", "leave the option out"]);
    }
    assert_eq!(fs::read_dir(&folder).expect("the folder reads").count(), 0);
}

#[test]
fn a_slow_session_is_stopped_at_once() {
    let folder = folder("slow");
    let child = nosepoke()
        .args(["run", FLAGSHIP, "--seed", "5", "--speed", "0.01", "--out", text(&folder)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nosepoke starts");
    while fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_none()) {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(300));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(interrupted.success());
    let ended = child.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{}", complaint(&ended));
    assert!(out(&ended).contains("stopped by a person"), "{}", out(&ended));
}

#[test]
fn what_is_no_file_is_not_read_for_ever_and_the_file_is_named() {
    for command in ["show", "replay"] {
        fails_with(&run(&[command, "/dev/zero"]), &["/dev/zero"]);
        fails_with(&run(&[command, "protocols"]), &["protocols: this is a folder", "no .npj"]);
        fails_with(&run(&[command, FLAGSHIP]), &[FLAGSHIP, "no journal"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_table_that_does_not_fit_on_the_disk_is_no_whole_table() {
    let journal = session("full-disk");
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").expect("there is a full device"));
    for option in ["--csv", "--json"] {
        let shown = nosepoke()
            .args(["show", text(&journal), option])
            .stdout(full())
            .stderr(Stdio::piped())
            .output()
            .expect("nosepoke starts");
        fails_with(&shown, &["standard output", "No space left"]);
    }
}

#[test]
fn a_session_that_nothing_ends_is_stopped_after_a_day_and_says_why() {
    let folder = folder("endless");
    let protocol = folder.join("endless.yaml");
    let endless = "protocol: endless\nstart: wait\nstates:\n  wait:\n    entry: [{trial: begin}]\n    transitions: [{after: \
                   5 h, to: wait}]\n";
    fs::write(&protocol, endless).expect("the protocol is written");
    let rig = folder.join("empty.yaml");
    let empty =
        "rig: empty\nbody: simulator\nlines: {spout: {kind: lick, pin: 3}}\nsimulation: {animal: {model: none}}\n";
    fs::write(&rig, empty).expect("the rig-config is written");
    let ran = run(&["run", text(&protocol), "--rig", text(&rig), "--out", text(&folder)]);
    assert!(ran.status.success(), "{}", complaint(&ran));
    assert!(complaint(&ran).contains("stopped after 24 h of simulated time"), "{}", complaint(&ran));
    assert!(complaint(&ran).contains("session: {ends: [{after: 60 min}]}"), "{}", complaint(&ran));
}

#[test]
fn whoever_asked_for_json_gets_it_whatever_happens() {
    let json = |arguments: &[&str]| -> serde_json::Value {
        let ran = run(arguments);
        assert!(!ran.status.success(), "{}", out(&ran));
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", out(&ran)))
    };
    let unset = json(&["run", FLAGSHIP, "--json", "--set", "p_reward=7"]);
    assert_eq!((&unset["good"], &unset["findings"][0]["code"]), (&false.into(), &"E106-out-of-range".into()));
    let unwritten = json(&["run", FLAGSHIP, "--json", "--out", FLAGSHIP]);
    assert!(unwritten["error"].as_str().is_some_and(|error| error.contains("--out")), "{unwritten}");
    let good = run(&["check", FLAGSHIP, "--json", "--rig", "rig-configs/pico-box.yaml"]);
    let good: serde_json::Value = serde_json::from_slice(&good.stdout).unwrap_or_default();
    let step = &good[0]["step_on_a_pico"];
    assert!(step["cycles"].as_u64() > Some(10_000) && step["us"].as_u64() > Some(50), "{good}");
    assert_eq!((step["state"].as_str(), step["by_limits_alone"].as_bool()), (Some("iti"), Some(false)), "{good}");
    let water = &good[0]["outputs"][0];
    assert_eq!((water["line"].as_str(), water["min_off_us"].as_u64()), (Some("water"), Some(10_000)), "{good}");
    assert_eq!(water["duty"], serde_json::json!({"on_us": 2_500_000, "window_us": 10_000_000}));
    assert_eq!(water["per_session"]["on_us"].as_u64(), Some(120_000_000));
    for arguments in [
        &["explain", "E999", "--json"][..],
        &["graph", "nowhere.yaml", "--json"],
        &["graph", "nowhere.yaml", "--format", "json"],
        &["show", "nowhere.npj", "--json"],
        &["check", "tests/rigs/../stories/soak", "--json"],
        &["test", "tests/stories/soak", "--json"],
        &["test", FLAGSHIP, "--json", "--filter", "no such scenario"],
    ] {
        let told = json(arguments);
        assert_eq!(told["good"], false, "{arguments:?}");
        assert!(told["error"].is_string() || told["findings"][0]["code"].is_string(), "{arguments:?}: {told}");
    }
    let no_rig = json(&["check", FLAGSHIP, "--json", "--rig", "nowhere.yaml"]);
    assert_eq!(no_rig[0]["findings"][0]["code"], "E171-not-found");
}

#[test]
fn no_file_is_written_over_what_it_is_made_of() {
    let folder = folder("made-of");
    let protocol = folder.join("task.yaml");
    fs::copy(top().join("protocols/first-lever.yaml"), &protocol).unwrap();
    let before = fs::read(&protocol).unwrap();
    let over = run(&["graph", text(&protocol), "--format", "mermaid", "--out", text(&protocol)]);
    fails_with(&over, &["task.yaml: this is the file it would be made of; name another file"]);
    assert_eq!(fs::read(&protocol).unwrap(), before);
    let journal = session("made-of-journal");
    let before = fs::read(&journal).unwrap();
    fails_with(&run(&["show", text(&journal), "--picture", text(&journal)]), &["name another file"]);
    fails_with(&run(&["schema", "--out", text(&journal)]), &["a journal is never written over"]);
    assert_eq!(fs::read(&journal).unwrap(), before);
    // What was there before is replaced whole, and nothing else is left.
    let drawn = folder.join("task.svg");
    for _ in 0..2 {
        assert!(run(&["graph", text(&protocol), "--out", text(&drawn)]).status.success());
    }
    assert!(fs::read_to_string(&drawn).unwrap().ends_with("</svg>\n"));
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["task.svg", "task.yaml"]);
    fails_with(&run(&["graph", text(&protocol), "--out", text(&folder.join("none/task.svg"))]), &["cannot be written"]);
}

#[test]
fn where_no_rig_that_ships_fits_the_nearest_is_told_with_what_it_lacks() {
    let folder = folder("no-rig-fits");
    let protocol = folder.join("odd.yaml");
    let lines = "left: poke, middle: poke, right: poke, left_water: valve, shaker: motor";
    let state = "a: {entry: [{trial: begin}], transitions: [{event: left.in, to: a}, {event: middle.in, to: a}]}";
    let text_of = |lines: &str| {
        format!("protocol: odd\nlines: {{{lines}}}\nsession: {{ends: [{{trials: 5}}]}}\nstart: a\nstates:\n  {state}\n")
    };
    fs::write(&protocol, text_of(lines)).unwrap();
    let words = "no simulated rig that ships has the lines of this protocol; the nearest, `three-port-box`, lacks `middle` \
                 (poke), `shaker` (motor)";
    for command in ["check", "run"] {
        let lacking = run(&[command, text(&protocol), "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&lacking.stdout).unwrap();
        let findings = if command == "check" { &told[0]["findings"] } else { &told["findings"] };
        let codes: Vec<&str> = findings.as_array().unwrap().iter().filter_map(|found| found["code"].as_str()).collect();
        assert_eq!(codes, ["E100-rig-lacks-line"], "once: {findings}");
        assert_eq!(findings[0]["message"], words);
        assert!(findings[0]["help"].as_str().unwrap().contains("--rig"), "{findings}");
    }
    // One line that is missing, or a rig that was named, is told as it is.
    fs::write(&protocol, text_of("left: poke, right: poke, middle: poke")).unwrap();
    fails_with(&run(&["check", text(&protocol)]), &["the rig `three-port-box` has no line `middle`"]);
    fs::write(&protocol, text_of(lines)).unwrap();
    let named = run(&["check", text(&protocol), "--rig", "rig-configs/three-port-box.yaml"]);
    fails_with(&named, &["has no line `middle`", "has no line `shaker`"]);
}

#[test]
fn scenarios_that_are_not_there_are_no_success() {
    let missed = run(&["test", "protocols/", "--filter", "no such scenario"]);
    fails_with(&missed, &["--filter no such scenario: no scenario's name holds this"]);
    let folder = folder("untested");
    let protocol = folder.join("task.yaml");
    fs::copy(top().join("protocols/first-lever.yaml"), &protocol).unwrap();
    let untested = run(&["test", text(&protocol)]);
    fails_with(&untested, &["task.yaml: no scenarios stand beside it; write them in", "task.test.yaml"]);
    // Named twice is run once, and of other files nothing is said.
    let both = run(&[
        "test",
        "protocols/first-lever.yaml",
        "protocols/first-lever.test.yaml",
        "protocols/",
        "--filter",
        "first-lever",
    ]);
    let said = out(&both);
    assert!(both.status.success(), "{said}");
    assert_eq!(said.matches(".test.yaml").count(), 1, "{said}");
}

#[test]
fn one_file_that_is_no_journal_keeps_the_others_from_nothing() {
    let journal = session("among-others");
    let replayed = run(&["replay", FLAGSHIP, text(&journal)]);
    fails_with(&replayed, &[FLAGSHIP, "no journal"]);
    assert!(out(&replayed).contains("derived records made again"), "{}", out(&replayed));
}

#[test]
fn rigs_that_start_in_the_same_second_each_get_their_journal() {
    let folder = folder("same-second");
    let start = |_| {
        nosepoke()
            .args(["run", FLAGSHIP, "--seed", "3", "--set", "session_length=1 min", "--out", text(&folder)])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nosepoke starts")
    };
    let started: Vec<Child> = (0..6).map(start).collect();
    for child in started {
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{}", complaint(&ended));
    }
    let files = fs::read_dir(&folder).expect("the folder reads").flatten();
    let journals = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "npj"));
    assert_eq!(journals.count(), 6);
}

#[test]
fn a_name_in_any_script_makes_a_file() {
    let folder = folder("script");
    let subject = "鼠".repeat(64);
    let ran = run(&["run", FLAGSHIP, "--subject", &subject, "--set", "session_length=1 min", "--out", text(&folder)]);
    assert!(ran.status.success(), "{}", complaint(&ran));
    assert!(out(&ran).contains(&subject), "the journal keeps the whole name");
}

/// A UF2 image of so many blocks for an RP2040: github.com/microsoft/uf2.
fn image(blocks: u32) -> Vec<u8> {
    let block = |number: u32| {
        let mut block = vec![0_u8; 512];
        let fields =
            [0x0A32_4655, 0x9E5D_5157, 0x2000, 0x1000_0000 + 256 * number, 256, number, blocks, 0xE48B_FF56_u32];
        for (slot, field) in block.chunks_mut(4).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        block[508..].copy_from_slice(&0x0AB1_6F30_u32.to_le_bytes());
        block
    };
    (0..blocks).flat_map(block).collect()
}

#[test]
fn firmware_is_put_on_a_board_that_waits_for_it_and_on_no_other() {
    let folder = folder("flash");
    let (firmware, drive) = (folder.join("nosepoke-rp2040.uf2"), folder.join("RPI-RP2"));
    fs::write(&firmware, image(300)).expect("written");
    fs::create_dir(&drive).expect("a drive");
    let flash = || run(&["flash", text(&firmware), "--drive", text(&drive)]);
    fails_with(&flash(), &["is no board's drive", "INFO_UF2.TXT"]);

    let says = |words: &str| fs::write(drive.join("INFO_UF2.TXT"), words).expect("written");
    says("UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n");
    let flashed = flash();
    assert!(flashed.status.success(), "{}", complaint(&flashed));
    assert!(out(&flashed).contains("RP2040") && out(&flashed).contains("nosepoke devices"), "{}", out(&flashed));
    let copied = fs::read_dir(&drive).expect("the drive reads").flatten().map(|entry| entry.path());
    let copied: Vec<_> = copied.filter(|path| path.extension().is_some_and(|end| end == "uf2")).collect();
    assert_eq!(fs::read(&copied[0]).expect("the copy reads"), image(300));
    fs::remove_file(&copied[0]).expect("removed");

    // What the image says that it speaks lies across two blocks.
    let versions = |min, current, schema| {
        let (mut image, marked) = (image(300), Versions { min, current, schema }.marked());
        for (n, byte) in marked.into_iter().enumerate() {
            image[(40 + (250 + n) / 256) * 512 + 32 + (250 + n) % 256] = byte;
        }
        fs::write(&firmware, image).expect("written");
        flash()
    };
    let Versions { min, current, schema } = Versions::OURS;
    fails_with(&versions(min - 1, min - 1, schema), &["speaks link version 0", "too old; take the firmware"]);
    fails_with(&versions(current + 1, current + 1, schema), &["speaks link version 2", "update nosepoke first"]);
    fails_with(&versions(min, current, !schema), &["different sources", "cargo firmware"]);
    assert_eq!(fs::read_dir(&drive).expect("the drive reads").count(), 1, "nothing was copied");
    assert!(complaint(&flashed).contains("is no firmware of nosepoke"), "{}", complaint(&flashed));
    let ours = versions(min, current, schema);
    assert!(ours.status.success() && complaint(&ours).is_empty(), "{}", complaint(&ours));
    fs::remove_file(&copied[0]).expect("removed");
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", &copied[0]).expect("a drive without room");
        fails_with(&flash(), &["is full: delete"]);
        fs::remove_file(&copied[0]).expect("removed");
    }

    fs::write(&firmware, image(300)).expect("written");
    says("UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n");
    fails_with(&flash(), &["is for the RP2040", "RP2350", "rp2350"]);
    says("Board-ID: SAMD21G18A-Feather-v0\n");
    fails_with(&flash(), &["none that nosepoke runs on"]);

    says("Board-ID: RPI-RP2\n");
    fs::write(&firmware, &image(300)[..512 * 299]).expect("written");
    fails_with(&flash(), &["no firmware", "last blocks are missing"]);
    fails_with(&run(&["flash", "protocols", "--drive", text(&drive)]), &["protocols cannot be read"]);
    fails_with(&run(&["flash", "none.uf2", "--drive", text(&drive)]), &["there is no none.uf2", "cargo firmware"]);
    assert_eq!(fs::read_dir(&drive).expect("the drive reads").count(), 1, "nothing was copied");
}

#[test]
fn where_no_board_is_attached_it_says_what_to_check() {
    let devices = run(&["devices", "--port", "/dev/no-such-port"]);
    fails_with(&devices, &["there is no port /dev/no-such-port"]);
    let rig = folder("no-board").join("box.yaml");
    let shipped = fs::read_to_string(top().join("rig-configs/sim-box.yaml")).expect("the shipped rig reads");
    let real = shipped.split("# Who is in the simulated room").next().expect("a rig").replace("simulator", "rp2040");
    fs::write(&rig, real).expect("written");
    let run_with = |options: &[&str]| run(&[&["run", FLAGSHIP, "--rig", text(&rig)], options].concat());
    fails_with(&run_with(&["--port", "/dev/no-such-port"]), &["there is no port /dev/no-such-port"]);
    fails_with(&run_with(&["--speed", "1"]), &["--speed is for simulated rigs"]);
    fails_with(&run_with(&["--device", "pico"]), &["16 hexadecimal digits", "nosepoke devices"]);
    fails_with(&run(&["run", FLAGSHIP, "--port", "/dev/ttyACM0"]), &["sim-box is simulated", "--rig"]);
}

#[test]
fn a_session_that_is_over_or_was_simulated_is_not_gone_on_with() {
    let journal = session("resume-over");
    fails_with(&run(&["resume", text(&journal)]), &["nothing to go on with"]);
    let folder = journal.parent().expect("a folder");
    fails_with(&run(&["resume", text(folder)]), &["every session in this folder is over"]);
    let bytes = fs::read(&journal).expect("the journal reads");
    fs::write(&journal, &bytes[..bytes.len() - 40]).expect("written");
    fails_with(&run(&["resume", text(folder)]), &["was simulated", "by its seed, 3"]);
}
