//! An experiment over days as a person meets it: stages follow from what a subject did, what is drawn for it stays, what is
//! hidden does not show, and a file that cannot be relied on stops everything and loses nothing.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use controller::subject::{Fact, Ledger};

/// A press within 20 s is paid, in `test` with the laser for the group `stim`.
const TASK: &str = "\
protocol: over-days
use: shared/water.yaml
lines: {lever: lever, spout: lick, laser: laser}
parameters: {lit: {default: false}}
assign:
  group: {among: [stim, sham], balance: [sex]}
  side: {among: [left, right]}
metadata:
  sex: {choices: [female, male], once: per subject}
  weight: {unit: g}
  drug: {choices: [none, cno], default: none}
blind: [group, laser, lit]
stages:
  training: {forbid: [laser], graduate: after 2 sessions}
  test: {parameters: {lit: true}, once: per subject}
  after: {}
columns: {earned: trial.number}
outcomes: [paid, missed]
session: {ends: [{trials: 5}, {at_most: 30 min}]}
picture: {group: group, show: [spout]}
start: ready
states:
  ready:
    entry: [{trial: begin}, {draw: {first: {weighted: {odd: 1, even: 1}, once: per subject}}}]
    transitions:
      - {event: lever.press, outcome: paid, to: drink}
      - {after: 20 s, outcome: missed, to: ready}
  drink:
    entry:
      - {pulse: {line: laser, width: 5 ms}, if: lit and group == stim}
      - {deliver: {line: water, volume: drop}}
    transitions: [{after: 2 s, to: ready}]
";

const WATER: &str = "fragment: water\nlines: {water: valve}\nparameters: {drop: {default: 5 µl}}\n";

/// A folder with the task, and a folder for data in it.
struct Lab(PathBuf);

impl Lab {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("subjects-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("shared")).unwrap();
        fs::write(folder.join("task.yaml"), TASK).unwrap();
        fs::write(folder.join("shared/water.yaml"), WATER).unwrap();
        Self(folder)
    }

    fn nosepoke(&self, arguments: &[&str]) -> Output {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut command = Command::new(env!("CARGO_BIN_EXE_nosepoke"));
        command.current_dir(top).env("NO_COLOR", "1").env_remove("NOSEPOKE_LOG");
        command.args(arguments).output().unwrap()
    }

    fn data(&self) -> String {
        self.0.join("data").display().to_string()
    }

    /// A session of a subject with further arguments.
    fn run(&self, subject: &str, more: &[&str]) -> Output {
        let (task, data) = (self.0.join("task.yaml").display().to_string(), self.data());
        let usual = ["run", &task, "--subject", subject, "--out", &data, "--set", "weight=22.5"];
        self.nosepoke(&[&usual, more].concat())
    }

    /// The same, which must go well; what it said on standard error.
    fn ran(&self, subject: &str, more: &[&str]) -> String {
        let output = self.run(subject, more);
        assert!(output.status.success(), "{}", told(&output));
        told(&output)
    }

    fn file(&self, subject: &str) -> PathBuf {
        self.0.join(format!("data/subjects/{subject}.simulated.txt"))
    }

    fn lines(&self, subject: &str) -> Vec<String> {
        fs::read_to_string(self.file(subject)).unwrap().lines().map(str::to_owned).collect()
    }

    /// What a subject's file says of something assigned.
    fn assigned(&self, subject: &str, name: &str) -> String {
        let said = format!("assigned\t{name} = ");
        let line = self.lines(subject).into_iter().find(|line| line.contains(&said)).unwrap();
        line.split(&said).nth(1).unwrap().split('\t').next().unwrap().to_owned()
    }

    fn newest(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = fs::read_dir(self.data()).unwrap().flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.extension().is_some_and(|ending| ending == "npj"));
        found.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        found.pop().unwrap()
    }

    /// Does what it refuses, says why, and leaves the file as it was.
    fn refused(&self, subject: &str, more: &[&str], words: &[&str]) {
        let before = fs::read(self.file(subject)).unwrap();
        let output = self.run(subject, more);
        let said = told(&output);
        assert!(!output.status.success(), "it should have been refused: {said}");
        assert!(!said.contains("panicked"), "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is missing from:\n{said}");
        }
        assert!(fs::read(self.file(subject)).unwrap() == before, "and nothing is changed");
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const FEMALE: &[&str] = &["--set", "sex=female", "--seed", "1"];

#[test]
fn stages_follow_one_another_by_what_the_subject_did() {
    let lab = Lab::new("stages");
    let first = lab.ran("R1", FEMALE);
    assert!(
        first.contains("R1: stage training; session 1 of it; goes on after 2 sessions (0 of 2 sessions)"),
        "{first}"
    );
    assert!(
        lab.ran("R1", &["--seed", "2"])
            .contains("stage training; session 2 of it; goes on after 2 sessions (1 of 2 sessions)")
    );
    assert!(lab.ran("R1", &["--seed", "3"]).contains("stage test, after 2 sessions; session 1 of it"));
    // `test` is had once, so the next session is of the stage behind it.
    assert!(lab.ran("R1", &["--seed", "4"]).contains("stage after, after 1 session; session 1 of it"));
    assert!(lab.ran("R1", &["--seed", "5"]).contains("stage after; session 2 of it"));
    let told: Vec<String> = lab.lines("R1").into_iter().filter(|line| line.contains("\tstage\t")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    // Another subject begins at the beginning.
    assert!(lab.ran("R2", &["--set", "sex=male", "--seed", "6"]).contains("R2: stage training; session 1 of it"));
}

#[test]
fn another_stage_takes_a_persons_word_which_is_kept() {
    let lab = Lab::new("word");
    lab.ran("R1", FEMALE);
    lab.refused("R1", &["--stage", "test"], &["R1 is in the stage training", "--because"]);
    lab.refused("R1", &["--stage", "test", "--operator", "KS"], &["takes the word of a person"]);
    lab.refused("R1", &["--stage", "tset"], &["this protocol has no stage `tset`", "did you mean `test`?"]);
    let word = ["--operator", "KS", "--because", "it was trained elsewhere", "--stage", "test"];
    assert!(lab.ran("R1", &word).contains("stage test, by KS: it was trained elsewhere"));
    assert!(lab.lines("R1").iter().any(|line| line.contains("stage\ttest\tby KS: it was trained elsewhere")));
    let journal = lab.nosepoke(&["show", lab.newest().to_str().unwrap()]);
    assert!(said(&journal).contains("stage test, by KS: it was trained elsewhere"), "and the journal says so too");
    // `test` was had: again only by another word.
    lab.refused("R1", &["--stage", "test"], &["stage after"]);
    assert!(
        lab.ran("R1", &["--operator", "KS", "--because", "the laser was off", "--stage", "test"])
            .contains("the laser was off")
    );
}

#[test]
fn a_session_in_which_no_trial_began_is_none() {
    let lab = Lab::new("none");
    let task = TASK
        .replace("start: ready", "start: wait")
        .replace("states:\n", "states:\n  wait: {transitions: [{after: 1 h, to: ready}]}\n");
    fs::write(lab.0.join("task.yaml"), task.replace("at_most: 30 min", "at_most: 1 min")).unwrap();
    lab.ran("R1", FEMALE);
    assert!(lab.ran("R1", FEMALE).contains("session 1 of it; goes on after 2 sessions (0 of 2 sessions)"));
}

#[test]
fn what_a_controller_that_died_left_open_is_closed_from_the_journal() {
    let lab = Lab::new("died");
    lab.ran("R1", FEMALE);
    let whole = fs::read_to_string(lab.file("R1")).unwrap();
    // As it stands when the controller dies behind `begun`: neither the draw nor the end is there.
    let begun = whole.lines().position(|line| line.contains("\tbegun\t")).unwrap();
    let left: String = whole.lines().take(begun + 1).map(|line| format!("{line}\n")).collect();
    fs::write(lab.file("R1"), &left).unwrap();
    assert!(lab.ran("R1", &["--seed", "2"]).contains("session 2 of it"), "it counts");
    let again = fs::read_to_string(lab.file("R1")).unwrap();
    let facts = |text: &str| -> Vec<String> {
        let kept = text.lines().filter(|line| line.contains("\tdrawn\t") || line.contains("\tended\t"));
        kept.map(|line| line.split('\t').skip(2).take(3).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(facts(&again)[..2], facts(&whole), "as if it had not died");
    // A journal that is gone is told, and the session stays one.
    fs::write(lab.file("R1"), &left).unwrap();
    for entry in
        fs::read_dir(lab.data()).unwrap().flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "npj"))
    {
        fs::remove_file(entry.path()).unwrap();
    }
    let told = lab.ran("R1", &["--seed", "3"]);
    assert!(told.contains("what R1 did in it is not known") && told.contains("session 2 of it"), "{told}");
}

#[test]
fn what_is_assigned_is_balanced_and_never_drawn_again() {
    let lab = Lab::new("assigned");
    let sexes = ["female", "male", "female", "female", "male", "male", "female", "male"];
    for (n, sex) in sexes.iter().enumerate() {
        lab.ran(&format!("R{n}"), &["--set", &format!("sex={sex}"), "--seed", "11"]);
    }
    let group =
        |n: usize| journal::unseal(&[&format!("R{n}"), "group"], &lab.assigned(&format!("R{n}"), "group")).unwrap();
    for sex in ["female", "male"] {
        let of = |label: &str| (0..8).filter(|n| sexes[*n] == sex && group(*n) == label).count();
        assert_eq!((of("stim"), of("sham")), (2, 2), "{sex}");
    }
    let left = (0..8).filter(|n| lab.assigned(&format!("R{n}"), "side") == "left").count();
    assert_eq!(left, 4, "over the cohort");
    // Whatever the seed of a later session: it stands.
    let before = (group(0), lab.assigned("R0", "side"));
    lab.ran("R0", &["--seed", "99"]);
    assert_eq!((group(0), lab.assigned("R0", "side")), before);
    let drawn =
        lab.lines("R0").iter().filter(|line| line.contains("\tassigned\t") || line.contains("\tdrawn\t")).count();
    assert_eq!(drawn, 3, "each of them once");
    // The same cohort in the same order is the same again.
    let again = Lab::new("assigned-again");
    for (n, sex) in sexes.iter().enumerate() {
        again.ran(&format!("R{n}"), &["--set", &format!("sex={sex}"), "--seed", if n == 0 { "11" } else { "4" }]);
    }
    for n in 0..8 {
        let subject = format!("R{n}");
        assert_eq!(again.assigned(&subject, "side"), lab.assigned(&subject, "side"), "by the seed of the first");
    }
}

#[test]
fn what_is_asked_must_be_said_and_what_was_said_once_stays() {
    let lab = Lab::new("asked");
    let output = lab.run("R1", &[]);
    assert!(!output.status.success() && told(&output).contains("--set sex=female|male"), "{}", told(&output));
    assert!(!lab.file("R1").exists(), "nothing is kept of a session that was not begun");
    lab.ran("R1", FEMALE);
    lab.refused("R1", &["--set", "sex=male"], &["R1 is kept with sex = female", "--correct sex=male"]);
    lab.refused("R1", &["--set", "drug=cno2"], &["E313-metadata", "did you mean `cno`"]);
    let data = lab.data();
    let correct = ["subject", "R1", "--in", &data, "--simulated", "--correct", "sex=male"];
    assert!(!lab.nosepoke(&correct).status.success(), "not without a word");
    let corrected = lab.nosepoke(&[&correct[..], &["--operator", "KS", "--because", "was looked at again"]].concat());
    assert!(said(&corrected).contains("sex = male, by KS: was looked at again"), "{}", told(&corrected));
    lab.ran("R1", &["--set", "sex=male"]);
    // What is asked stands in every row, with its unit.
    let csv = said(&lab.nosepoke(&["show", lab.newest().to_str().unwrap(), "--csv"]));
    let mut rows = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let at =
        |name: &str| head.iter().position(|column| column == name).unwrap_or_else(|| panic!("no {name} in {head:?}"));
    for row in rows {
        assert_eq!(
            [&row[at("sex")], &row[at("weight_g")], &row[at("drug")], &row[at("stage")]],
            ["male", "22.5", "none", "training"]
        );
    }
}

#[test]
fn what_is_hidden_shows_nowhere_until_a_person_says_so() {
    let lab = Lab::new("blind");
    let word = ["--stage", "test", "--operator", "KS", "--because", "a try"];
    // Eight subjects of one sex: four have the laser.
    let mut ran = Vec::new();
    for n in 0..8 {
        let subject = format!("R{n}");
        let output = lab.run(&subject, &[&["--set", "sex=female", "--seed", "5"], &word[..]].concat());
        assert!(output.status.success(), "{}", told(&output));
        let group = journal::unseal(&[&subject, "group"], &lab.assigned(&subject, "group")).unwrap();
        ran.push((subject, group, lab.newest(), output));
    }
    let data = lab.data();
    let show = |path: &Path, how: &[&str]| said(&lab.nosepoke(&[&["show", path.to_str().unwrap()], how].concat()));
    for (subject, group, path, output) in &ran {
        let everything = [
            told(output),
            said(output),
            show(path, &[]),
            show(path, &["--csv"]),
            show(path, &["--json"]),
            fs::read_to_string(path.with_extension("svg")).unwrap(),
            fs::read_to_string(lab.file(subject)).unwrap(),
            path.display().to_string(),
            said(&lab.nosepoke(&["subject", subject, "--in", &data, "--simulated"])),
        ];
        for text in &everything {
            // The names of what is hidden may stand there, and nothing of what they are.
            assert!(!text.contains(group.as_str()), "{subject} {group}:\n{text}");
            assert!(!text.contains("laser_pulse") && !text.contains("laser: ") && !text.contains("lit ="), "{text}");
        }
        // The journal holds the truth, and a look at its bytes does not tell it.
        let bytes = fs::read(path).unwrap();
        let assigned = journal::Session::open(path).unwrap().header.context.assigned[0].clone();
        assert_eq!(assigned.value(subject).as_ref(), Some(group));
        let after_names = bytes.windows(group.len()).filter(|window| *window == group.as_bytes()).count();
        assert_eq!(after_names, TASK.matches(group.as_str()).count() + 2, "in the protocol, and twice among the names");
    }
    let unblind = |more: &[&str]| lab.nosepoke(&[&["unblind", "--in", &data, "--simulated"], more].concat());
    assert!(!unblind(&["R0"]).status.success(), "not without a word");
    assert!(unblind(&["--all", "--operator", "KS", "--because", "all done"]).status.success());
    for (subject, group, path, _) in &ran {
        assert!(lab.lines(subject).iter().any(|line| line.contains("unblinded\tby KS: all done")));
        let shown = show(path, &[]);
        assert!(shown.contains(&format!("assigned    group = {group}")), "{shown}");
        let pulses = if group == "stim" { "laser: 5 pulses" } else { "laser: 0 pulses" };
        assert!(shown.contains(pulses), "{shown}");
        assert!(show(path, &["--csv"]).contains("laser_pulse_count"));
    }
    assert_eq!(ran.iter().filter(|(_, group, ..)| group == "stim").count(), 4);
    assert!(!unblind(&["--all", "--operator", "KS", "--because", "again"]).status.success(), "there is nothing left");
}

#[test]
fn a_file_that_cannot_be_relied_on_stops_the_session_and_is_left_as_it_is() {
    let lab = Lab::new("damaged");
    lab.ran("R1", FEMALE);
    let good = fs::read_to_string(lab.file("R1")).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let spoilt = |text: &str| fs::write(lab.file("R1"), text).unwrap();
    // Any letter changed in any line is found, whatever it is.
    for (n, line) in lines.iter().enumerate() {
        let at = good.find(line).unwrap() + line.len() / 2;
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        spoilt(&String::from_utf8_lossy(&bytes));
        lab.refused(
            "R1",
            &[],
            &[if n == 0 { "R1.simulated.txt" } else { "was changed at or before line" }, "nothing was changed"],
        );
    }
    // So are lines taken out or swapped.
    let without = |n: usize| {
        lines.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for n in 1..lines.len() - 1 {
        spoilt(&without(n));
        lab.refused("R1", &[], &["was changed at or before line"]);
    }
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    spoilt(&format!("{}\n", swapped.join("\n")));
    lab.refused("R1", &[], &["was changed at or before line 3"]);
    // A file that is none, and one of somebody else.
    spoilt("the weights of all animals\n");
    lab.refused("R1", &[], &["is no file of a subject"]);
    spoilt("");
    lab.refused("R1", &[], &["is no file of a subject"]);
    spoilt(&good);
    fs::copy(lab.file("R1"), lab.file("R2")).unwrap();
    lab.refused("R2", FEMALE, &["is the file of R1", "R2 would have the same"]);
    // A file of another subject that is damaged keeps a newcomer from being balanced against it.
    fs::write(lab.file("R2"), good.replace("female", "femalf")).unwrap();
    let output = lab.run("R3", &["--set", "sex=male"]);
    assert!(!output.status.success() && told(&output).contains("balanced over all subjects"), "{}", told(&output));
    fs::remove_file(lab.file("R2")).unwrap();
    assert!(lab.ran("R1", &["--seed", "2"]).contains("session 2 of it"), "the good one is still good");
}

#[test]
fn a_line_that_was_cut_off_is_passed_over_and_stays_to_be_seen() {
    let lab = Lab::new("torn");
    lab.ran("R1", FEMALE);
    let good = fs::read_to_string(lab.file("R1")).unwrap();
    let last = good.lines().last().unwrap();
    // At every length of the last line: the session it belongs to is closed from its journal again.
    for kept in [1, last.len() / 2, last.len() - 1, last.len()] {
        let cut = &good[..good.len() - 1 - (last.len() - kept)];
        fs::write(lab.file("R1"), cut).unwrap();
        let told = lab.ran("R1", &["--seed", "2"]);
        // Where it lacks its end alone, it is whole.
        let torn = kept < last.len();
        assert_eq!(
            (told.contains("its last line was cut off"), told.contains("session 2 of it")),
            (torn, true),
            "{told}"
        );
        let now = fs::read_to_string(lab.file("R1")).unwrap();
        assert!(now.starts_with(&format!("{cut}\n")), "nothing of it is gone");
        assert_eq!(now.contains("\ttorn\t"), torn);
        assert!(lab.nosepoke(&["subject", "R1", "--in", &lab.data(), "--simulated"]).status.success());
    }
}

#[test]
fn without_a_subject_nothing_is_kept_and_it_says_so() {
    let lab = Lab::new("nobody");
    let (task, data) = (lab.0.join("task.yaml").display().to_string(), lab.data());
    let output = lab.nosepoke(&["run", &task, "--out", &data, "--seed", "1"]);
    assert!(output.status.success() && told(&output).contains("no subject is named"), "{}", told(&output));
    assert!(!Path::new(&data).join("subjects").exists());
    // A protocol that asks for nothing keeps nothing either.
    let plain = lab.nosepoke(&["run", "protocols/first-lever.yaml", "--subject", "R1", "--out", &data, "--seed", "1"]);
    assert!(plain.status.success() && !Path::new(&data).join("subjects").exists(), "{}", told(&plain));
}

#[test]
fn the_journal_holds_every_file_of_the_protocol() {
    let lab = Lab::new("files");
    lab.ran("R1", FEMALE);
    let session = journal::Session::open(&lab.newest()).unwrap();
    assert_eq!(session.header.protocol, TASK);
    assert_eq!(session.header.context.fragments, [("shared/water.yaml".to_owned(), WATER.to_owned())]);
    let json: serde_json::Value =
        serde_json::from_slice(&lab.nosepoke(&["show", lab.newest().to_str().unwrap(), "--json"]).stdout).unwrap();
    let of = |fragment: &str| {
        let hash = journal::protocol_hash(TASK, &[("shared/water.yaml".to_owned(), fragment.to_owned())]);
        hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(json["summary"]["protocol_sha256"], of(WATER));
    assert_ne!(of(WATER), of(&WATER.replace("5 µl", "6 µl")), "it names them all");
}

#[test]
fn programs_that_add_to_a_file_at_the_same_time_leave_it_whole() {
    let lab = Lab::new("at-once");
    let folder = lab.0.join("data");
    let known = |n: usize, m: usize| Fact::Stage { name: format!("n{n}"), because: m.to_string() };
    std::thread::scope(|scope| {
        for n in 0..8 {
            let folder = &folder;
            scope.spawn(move || {
                // Opened once, as by a session that lasts an hour.
                let mut ledger = Ledger::open(folder, "R1", true).unwrap();
                (0..10).for_each(|m| ledger.add("-", "task", known(n, m)).unwrap());
            });
        }
    });
    let whole = Ledger::open(&folder, "R1", true).unwrap();
    let seen: Vec<Fact> = whole.lines().iter().map(|line| line.fact.clone()).collect();
    assert_eq!(seen.len(), 80);
    for n in 0..8 {
        let own: Vec<Fact> = seen.iter().filter(|fact| (0..10).any(|m| **fact == known(n, m))).cloned().collect();
        assert_eq!(own, (0..10).map(|m| known(n, m)).collect::<Vec<_>>(), "each in its own order");
    }
    // What can stand there once does, whoever comes second.
    let drawn = |base| Fact::Drawn { name: "side".to_owned(), base };
    let (mut one, mut other) = (whole.clone(), whole);
    one.add("-", "task", drawn(1)).unwrap();
    other.add("-", "task", drawn(1)).unwrap();
    let refused = other.add("-", "task", drawn(2)).unwrap_err().to_string();
    assert!(refused.contains("`side` of task was settled by another program meanwhile"), "{refused}");
    assert_eq!(Ledger::open(&folder, "R1", true).unwrap().drawn("task"), [("side".to_owned(), 1)]);
}

#[test]
fn rigs_that_begin_at_once_draw_from_one_deck() {
    let lab = Lab::new("rigs-at-once");
    let ran = std::thread::scope(|scope| {
        let lab = &lab;
        let runs: Vec<_> = (0..8).map(|n| scope.spawn(move || lab.run(&format!("R{n}"), FEMALE))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(ran.iter().all(|output| output.status.success()), "{}", ran.iter().map(told).collect::<String>());
    let left = (0..8).filter(|n| lab.assigned(&format!("R{n}"), "side") == "left").count();
    assert_eq!(left, 4, "of 8, whichever came first");
}

/// What a person does to a session under way, some of it hidden from whoever reads of it.
const SAID: &str = "\
protocol: said
lines: {water: valve}
parameters:
  strength: {default: 10 %, range: [0 %, 100 %], live: at once}
  drop: {default: 10 µl, range: [5 µl, 20 µl], live: next trial}
outside: {decoded: {initial: 0.0, range: [0, 1]}}
prompts: {drug: {ask: Which drug?, choices: [saline, dcz]}}
metadata: {compound: {choices: [salt, cno], once: per subject}}
blind: [strength, decoded, drug, compound]
session: {ends: [{trials: 6}]}
outcomes: [weak, strong]
start: ready
states:
  ready:
    entry: [{trial: begin}, {ask: drug}]
    transitions:
      - {after: 2 s, if: strength > 50 % and decoded > 0.5 and drug == dcz, outcome: strong, to: drink}
      - {after: 2 s, outcome: weak, to: drink}
  drink:
    entry: [{deliver: {line: water, volume: drop}}]
    transitions: [{after: 500 ms, to: ready}]
";

#[test]
fn what_is_said_while_a_session_runs_is_hidden_too() {
    let lab = Lab::new("said");
    let task = lab.0.join("said.yaml");
    fs::write(&task, SAID).unwrap();
    let data = lab.data();
    let task = task.to_str().unwrap();
    let known = ["--subject", "R1", "--set", "compound=cno"];
    let mut running = Command::new(env!("CARGO_BIN_EXE_nosepoke"))
        .args(["run", task, "--out", &data, "--seed", "1", "--speed", "4"])
        .args(known)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Said again and again: it is heard in one of the trials, however slow the machine.
    let mut lines = running.stdin.take().unwrap();
    while running.try_wait().unwrap().is_none() {
        let said = "set strength 77 %\nvalue decoded 0.77\nanswer drug dcz\nset drop 12 µl\n";
        let _ = std::io::Write::write_all(&mut lines, said.as_bytes());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let path = lab.newest();
    let journal = path.to_str().unwrap();
    let show = |how: &[&str]| said(&lab.nosepoke(&[&["show", journal], how].concat()));
    let subject = || said(&lab.nosepoke(&["subject", "R1", "--in", &data, "--simulated"]));
    let told_of = |known: &[&str]| told(&lab.nosepoke(&[&["run", task, "--out", &data], known].concat()));
    let everything = [
        said(&output),
        show(&[]),
        show(&["--csv"]),
        show(&["--json"]),
        fs::read_to_string(lab.file("R1")).unwrap(),
        subject(),
        told_of(&["--subject", "R1", "--set", "compound=salt"]),
    ];
    for text in &everything {
        for hidden in ["0.77", "77 %", "dcz", "cno"] {
            assert!(!text.contains(hidden), "`{hidden}` shows:\n{text}");
        }
    }
    assert!(everything[1].contains("strong"), "it was taken up: {}", everything[1]);
    assert!(everything[1].contains("drop set to 12 µl"), "what is not hidden shows: {}", everything[1]);
    assert!(everything[5].contains("compound = hidden"), "{}", everything[5]);
    assert!(everything[6].contains("is kept with compound = hidden, and otherwise"), "{}", everything[6]);
    let word = ["--operator", "KS", "--because", "all done"];
    assert!(lab.nosepoke(&[&["unblind", "R1", "--in", &data, "--simulated"], &word[..]].concat()).status.success());
    let shown = show(&[]);
    for words in ["strength set to 0.77", "compound = cno"] {
        assert!(shown.contains(words), "`{words}` is missing from:\n{shown}");
    }
    assert!(subject().contains("compound = cno"), "{}", subject());
}
