//! Fragments: what several protocols share, as if it stood in each of them; mistakes are told in the file they are made in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/engine.rs"]
mod on_engine;

use std::fmt::Write;

use common::{sim_box, task};
use compiler::{Compiled, Diagnostics, Files, Options, Sitting, compile, compile_for};
use on_engine::{ran, trials};

const TASK: &str = "\
protocol: sharing
use: [shared/reward.yaml, shared/iti.yaml]
lines: {lever: lever}
outcomes: [rewarded, missed]
session: {ends: [{trials: 3}]}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions:
      - {event: lever.press, to: reward}
      - {after: 5 s, outcome: missed, to: iti}
";

const REWARD: &str = "\
fragment: reward
about: Water after a pull.
lines: {water: valve}
parameters: {drop: {default: 5 µl, basis: typical}}
outcomes: [rewarded]
states:
  reward:
    entry: [{deliver: {line: water, volume: drop}}]
    transitions: [{after: 500 ms, outcome: rewarded, to: iti}]
invariants: [at most 1 deliver on water per trial]
";

const ITI: &str = "\
fragment: iti
parameters: {gap: {default: 2 s, range: [1 s, 10 s]}}
states:
  iti:
    transitions: [{after: gap, to: ready}]
";

/// The same as one file.
const WHOLE: &str = "\
protocol: sharing
lines: {lever: lever, water: valve}
parameters: {drop: {default: 5 µl, basis: typical}, gap: {default: 2 s, range: [1 s, 10 s]}}
outcomes: [rewarded, missed]
session: {ends: [{trials: 3}]}
start: ready
states:
  ready:
    entry: [{trial: begin}]
    transitions:
      - {event: lever.press, to: reward}
      - {after: 5 s, outcome: missed, to: iti}
  reward:
    entry: [{deliver: {line: water, volume: drop}}]
    transitions: [{after: 500 ms, outcome: rewarded, to: iti}]
  iti:
    transitions: [{after: gap, to: ready}]
invariants: [at most 1 deliver on water per trial]
";

fn files(pairs: &[(&str, &str)]) -> Files {
    Files::Of(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

fn with(task_text: &str, pairs: &[(&str, &str)]) -> Result<Compiled, Diagnostics> {
    compile_for(&task(task_text), &files(pairs), &sim_box(), &Options::default(), &Sitting::default())
}

const BOTH: [(&str, &str); 2] = [("shared/reward.yaml", REWARD), ("shared/iti.yaml", ITI)];

#[test]
fn a_protocol_in_three_files_is_the_protocol_in_one() {
    let shared = with(TASK, &BOTH).unwrap_or_else(|found| panic!("{found}"));
    let whole = with(WHOLE, &[]).unwrap_or_else(|found| panic!("{found}"));
    assert!(shared.warnings.is_empty(), "{}", shared.warnings);
    assert_eq!(shared.image, whole.image, "the very same program");
    assert_eq!(shared.symbols, whole.symbols, "under the same names");
    let kept: Vec<(&str, &str)> = shared.fragments.iter().map(|one| (one.name.as_str(), one.text.as_str())).collect();
    assert_eq!(kept, BOTH, "every file is kept as it stood");
}

#[test]
fn what_is_kept_compiles_to_the_same_program_again() {
    let shared = with(TASK, &BOTH).unwrap();
    let kept = shared.fragments.iter().map(|one| (one.name.clone(), one.text.clone())).collect();
    let again =
        compile_for(&task(TASK), &Files::Of(kept), &sim_box(), &Options::default(), &Sitting::default()).unwrap();
    assert_eq!(again.hash, shared.hash);
}

#[test]
fn fragments_are_read_from_the_folder_of_the_file_that_uses_them() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fragments");
    std::fs::create_dir_all(folder.join("shared/deeper")).unwrap();
    std::fs::write(folder.join("shared/reward.yaml"), format!("use: deeper/pause.yaml\n{REWARD}")).unwrap();
    std::fs::write(folder.join("shared/deeper/pause.yaml"), "fragment: pause\nuse: ../iti.yaml\n").unwrap();
    std::fs::write(folder.join("shared/iti.yaml"), ITI).unwrap();
    let name = folder.join("task.yaml").display().to_string();
    let text = TASK.replace(", shared/iti.yaml", "");
    let compiled = compile(&compiler::Source { name, text }, &sim_box(), &Options::default());
    let compiled = compiled.unwrap_or_else(|found| panic!("{found}"));
    let names: Vec<&str> = compiled.fragments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["shared/reward.yaml", "shared/deeper/pause.yaml", "shared/iti.yaml"]);
    assert_eq!(compiled.hash, with(TASK, &BOTH).unwrap().hash, "and the program is the same");
}

#[test]
fn a_fragment_used_by_two_ways_is_there_once() {
    let reward = format!("use: iti.yaml\n{REWARD}");
    let twice = with(TASK, &[("shared/reward.yaml", &reward), ("shared/iti.yaml", ITI)]);
    assert_eq!(twice.unwrap_or_else(|found| panic!("{found}")).hash, with(TASK, &BOTH).unwrap().hash);
}

#[test]
fn an_override_is_said_and_holds() {
    let longer = "parameters: {gap: {default: 4 s}}\nlines: {lever: lever}";
    let text = TASK.replace("lines: {lever: lever}", longer);
    let found = with(&text, &BOTH).unwrap_err();
    assert_eq!(found.list[0].code, "E307-defined-twice");
    let told = text.replace("use: [", "override: [parameters.gap]\nuse: [");
    let compiled = with(&told, &BOTH).unwrap_or_else(|found| panic!("{found}"));
    let presses = [(1_000_000, "lever", true), (1_100_000, "lever", false)];
    // The press, 500 ms of reward, then the interval of the protocol and not of the fragment.
    assert_eq!(trials(&ran(&compiled, &presses, 6_000_000)), [0, 5_500_000]);
    let other = with(TASK, &BOTH).unwrap();
    assert_eq!(trials(&ran(&other, &presses, 6_000_000)), [0, 3_500_000]);
}

/// Every message, each under its title; fails where another mistake is found than the one that was made.
#[test]
fn mistakes_are_told_in_the_file_they_are_made_in() {
    struct Story<'s> {
        title: &'s str,
        task: String,
        files: Vec<(&'s str, String)>,
        code: &'s str,
        file: &'s str,
    }
    let plain = || BOTH.map(|(name, text)| (name, text.to_owned())).to_vec();
    let spoilt = |n: usize, from: &str, to: &str| {
        let mut files = plain();
        assert!(files[n].1.contains(from), "{from}");
        files[n].1 = files[n].1.replacen(from, to, 1);
        files
    };
    let story = |title, task: &str, files, code, file| Story { title, task: task.to_owned(), files, code, file };
    let iti = "shared/iti.yaml";
    let stories = [
        story("a unit missing in a fragment", TASK, spoilt(1, "default: 2 s", "default: 2"), "E024-missing-unit", iti),
        story("a state that is nowhere", TASK, spoilt(1, "to: ready", "to: redy"), "E073-unknown-state", iti),
        story("an expression in a fragment", TASK, spoilt(1, "after: gap", "after: gapp"), "E063-unknown-name", iti),
        story("a tag in a fragment", TASK, spoilt(1, "after: gap", "after: !gap 1 s"), "E008-tag", iti),
        story(
            "a duplicate key in a fragment",
            TASK,
            spoilt(1, "  iti:\n", "  iti: {}\n  iti:\n"),
            "E006-duplicate-key",
            iti,
        ),
        story(
            "a file that is not there",
            &TASK.replace("shared/iti", "shared/itti"),
            plain(),
            "E303-fragment",
            "task.yaml",
        ),
        story(
            "a protocol as a fragment",
            TASK,
            spoilt(1, "fragment: iti", "protocol: iti"),
            "E303-fragment",
            "task.yaml",
        ),
        story("a file that is neither", TASK, spoilt(1, "fragment: iti\n", ""), "E303-fragment", "task.yaml"),
        story(
            "what only a protocol says",
            TASK,
            spoilt(1, "fragment: iti\n", "fragment: iti\nstart: iti\n"),
            "E305-not-shared",
            iti,
        ),
        story(
            "an override of nothing",
            &TASK.replace("use:", "override: [parameters.drop]\nuse:"),
            plain(),
            "E306-override",
            "task.yaml",
        ),
        story(
            "an override of what no fragment defines",
            &TASK.replace("use:", "override: [states.ready]\nuse:"),
            plain(),
            "E306-override",
            "task.yaml",
        ),
        story(
            "a state in two files",
            &format!("{TASK}  iti: {{transitions: [{{after: 1 s, to: ready}}]}}\n"),
            plain(),
            "E307-defined-twice",
            "task.yaml",
        ),
        story(
            "a line of two kinds",
            &TASK.replace("{lever: lever}", "{lever: lever, water: light}"),
            plain(),
            "E307-defined-twice",
            "task.yaml",
        ),
        story(
            "a key that fragments do not have",
            TASK,
            spoilt(1, "fragment: iti\n", "fragment: iti\nstatez: {}\n"),
            "E032-unknown-key",
            iti,
        ),
        story(
            "nothing where fragments are named",
            &TASK.replace("[shared/reward.yaml, shared/iti.yaml]", "[\"\"]"),
            plain(),
            "E033-empty",
            "task.yaml",
        ),
    ];
    let mut out = String::new();
    for story in &stories {
        let pairs: Vec<(&str, &str)> = story.files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let found = match with(&story.task, &pairs) {
            Ok(compiled) => panic!("{}: nothing was found: {}", story.title, compiled.warnings),
            Err(found) => found,
        };
        let first = found.list.iter().find(|one| one.code == story.code);
        let first = first.unwrap_or_else(|| panic!("{}: not found:\n{found}", story.title));
        assert_eq!(first.file, story.file, "{}:\n{found}", story.title);
        assert!(found.list.iter().all(|one| one.help.is_some()), "{}: no remedy", story.title);
        writeln!(out, "## {}\n{}", story.title, found.render()).unwrap();
    }
    insta::assert_snapshot!("mistakes", out);
}

#[test]
fn a_circle_is_told_with_its_way() {
    let pairs = [("a.yaml", "fragment: a\nuse: b.yaml\n"), ("b.yaml", "fragment: b\nuse: [./a.yaml]\n")];
    let found = with(&WHOLE.replace("lines:", "use: a.yaml\nlines:"), &pairs).unwrap_err();
    assert_eq!(found.list[0].code, "E304-fragment-circle", "{found}");
    assert_eq!((found.list[0].file.as_str(), found.list[0].line), ("b.yaml", 2));
    insta::assert_snapshot!("circle", found.render());
}

#[test]
fn a_fragment_is_no_protocol() {
    let found = with(ITI, &[]).unwrap_err();
    assert_eq!(found.list[0].code, "E303-fragment");
}

#[test]
fn a_rig_is_sought_for_the_lines_of_fragments_too() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("lines_of_fragments");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("lamp.yaml"), "fragment: lamp\nlines: {lamp: light}\n").unwrap();
    let name = folder.join("task.yaml").display().to_string();
    let text = "protocol: lit\nuse: [lamp.yaml]\nlines: {lever: lever}\n".to_owned();
    let lines = compiler::scenario::lines_of(&compiler::Source { name, text });
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(lines, [("lever", "lever"), ("lamp", "light")]);
}
