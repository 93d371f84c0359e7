//! Every code is explained, its wrong example gives it and its right one does not; and the message of every code in the source
//! is kept in a snapshot. What is missing is named.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use compiler::explain::{self, Explained};
use compiler::scenario;
use compiler::{Diagnostic, Diagnostics, Files, Options, Sitting, Source, Style, compile, compile_for, read_rig};

/// What the pieces of examples are put into: sections, by their key.
const PROTOCOL: &str = "\
protocol: example
lines: {lever: lever, spout: lick, water: valve, cue: speaker, mask: light}
session: {ends: [{trials: 100}]}
start: ready
states:
  ready:
  go:
    transitions: [{after: 1 s, to: ready}]
";
/// The body of the state `ready`.
const READY: &str = "\
entry: [{trial: begin}]
transitions: [{event: lever.press, to: go}]
";
const RIG: &str = "\
rig: example
body: simulator
lines:
  lever: {kind: lever, pin: 2}
  spout: {kind: lick, pin: 3}
  water: {kind: valve, pin: 10, calibration: {date: 2026-11-02, volumes: [[10 ms, 2.1 µl], [200 ms, 48.9 µl]]}}
  cue: {kind: speaker, pin: 18, calibration: {date: 2026-11-02, full_scale: 95 dB}}
  mask: {kind: light, pin: 12}
  laser: {kind: laser, pin: 13}
  port: {kind: poke, pin: [20, 21]}
  port_light: {kind: light, pin: [27, 28]}
  joystick: {kind: analog, pin: 26, calibration: {date: 2026-11-02, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}}
";

/// Codes that no piece of a file shows: what gives them is made below.
const MADE: &[&str] = &[
    "E010-too-deep",
    "E041-too-many-lines",
    "E051-too-long",
    "E092-too-many",
    "E093-no-device-takes-it",
    "E162-step-too-long",
    "E172-too-large",
    "E173-not-utf8",
    "E186-too-many-counted",
    "E304-fragment-circle",
    "E305-not-shared",
    "E307-defined-twice",
];
/// Codes that nothing can give any more or that no test can reach, each with its reason.
const UNREACHED: &[(&str, &str)] =
    &[("E093-no-device-takes-it", "every program that would fail the device's check is refused by a check of its own")];

/// The sections of a text: keys that stand at this indentation, each with what belongs to it. What stands before the first is
/// its own, under no key.
fn sections(text: &str, indent: usize) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let own = line.len() - line.trim_start_matches(' ').len();
        let key = line.trim_start().split(':').next().unwrap_or("");
        let starts = own == indent && line.contains(':') && !line.trim_start().starts_with(['#', '-', '%', '}', ']']);
        match found.last_mut() {
            Some((_, body)) if !starts => {
                body.push_str(line);
                body.push('\n');
            }
            _ => found.push((if starts { key.to_owned() } else { String::new() }, format!("{line}\n"))),
        }
    }
    found
}

/// The sections of `base`, those of `piece` in their place, and its others behind them.
fn merged(base: &str, piece: &str, indent: usize) -> String {
    let mut all = sections(base, indent);
    for (key, body) in sections(piece, indent) {
        match all.iter_mut().find(|(known, _)| *known == key && !key.is_empty()) {
            Some(slot) => slot.1 = body,
            None => all.push((key, body)),
        }
    }
    all.into_iter().map(|(_, body)| body).collect()
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{by}{line}\n") }).collect()
}

/// A piece of a protocol as a whole one; what is a whole file already is left alone.
fn whole_protocol(piece: &str) -> String {
    let top = sections(piece, 0);
    let is_whole = top.iter().any(|(key, _)| key == "protocol") || piece.starts_with(['%', '#']);
    if is_whole {
        return piece.to_owned();
    }
    // What ends the document stands behind the base.
    if piece.lines().any(|line| line == "---") {
        return PROTOCOL.replace("  ready:\n", &format!("  ready:\n{}", indented(READY, "    "))) + piece;
    }
    let of_state = |key: &str| ["entry", "exit", "on", "transitions"].contains(&key);
    let (state, rest): (Vec<_>, Vec<_>) = top.into_iter().partition(|(key, _)| of_state(key));
    let state: String = state.into_iter().map(|(_, body)| body).collect();
    let ready = format!("  ready:\n{}", indented(&merged(READY, &state, 0), "    "));
    let base = PROTOCOL.replace("  ready:\n", &ready);
    let states: String = rest.iter().filter(|(key, _)| key == "states").map(|(_, body)| body.as_str()).collect();
    let states = states.strip_prefix("states:\n").unwrap_or_default();
    let rest: String = rest.iter().filter(|(key, _)| key != "states").map(|(_, body)| body.as_str()).collect();
    let (head, known) = base.split_once("states:\n").unwrap();
    let states = merged(known, states, 2);
    let head = merged(head, &rest, 0);
    format!("{head}states:\n{states}")
}

fn whole_rig(piece: &str) -> String {
    if piece.trim_start().starts_with("protocol:") {
        return piece.to_owned();
    }
    let lines = |text: &str| {
        let all = sections(text, 0);
        all.into_iter().find(|(key, _)| key == "lines").map(|(_, body)| body.replacen("lines:\n", "", 1))
    };
    let own = lines(piece).unwrap_or_default();
    let lines = merged(&lines(RIG).unwrap(), &own, 2);
    merged(&merged(RIG, piece, 0), &format!("lines:\n{lines}"), 0)
}

/// Findings, and whether the file was good.
struct Told {
    found: Diagnostics,
    good: bool,
    /// The lines of the example in the file.
    own: BTreeSet<String>,
}

/// What is told of the wrong, or the right, example of a code; none if it has none that can be tried.
fn tried(explained: &Explained, wrong: bool) -> Option<Told> {
    let pieces: Vec<_> = explained.pieces().into_iter().filter(|piece| piece.wrong == wrong).collect();
    let text = |of: &str| pieces.iter().find(|piece| piece.of == of).map(|piece| piece.text);
    let own = pieces.iter().flat_map(|piece| piece.text.lines()).map(|line| line.trim().to_owned()).collect();
    let told = |result: Result<Diagnostics, Diagnostics>| {
        let good = result.is_ok();
        let (Ok(found) | Err(found)) = result;
        Told { found, good, own }
    };
    if let Some(command) = text("command") {
        return console(explained.code, command, wrong).map(told);
    }
    pieces.first()?;
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: text("rig").map_or(RIG.to_owned(), whole_rig) });
    let rig = match rig {
        Ok(rig) => rig,
        Err(found) => return Some(told(Err(found))),
    };
    let protocol = whole_protocol(text("protocol").unwrap_or_default());
    let compiled = compile(&common::task(&protocol), &rig, &Options::default());
    Some(told(match (compiled, text("scenario")) {
        (Ok(compiled), Some(piece)) => {
            let source = Source { name: "task.test.yaml".to_owned(), text: whole_scenario(piece) };
            scenario::read(&source, &compiled.symbols).map(|_| Diagnostics::default())
        }
        (compiled, _) => compiled.map(|compiled| compiled.warnings),
    }))
}

/// A piece of a scenario as a whole test file; what is a whole one already is left alone.
fn whole_scenario(piece: &str) -> String {
    if piece.starts_with("scenarios:") {
        return piece.to_owned();
    }
    let scenario = merged("name: a press\nrun: 5 s\nexpect: {states: [ready]}\n", piece, 0);
    format!("scenarios:\n  -\n{}", indented(&scenario, "    "))
}

/// A command line, as far as it sets parameters or names files.
fn console(code: &str, command: &str, wrong: bool) -> Option<Result<Diagnostics, Diagnostics>> {
    let mut set = Vec::new();
    for given in command.split("--set ").skip(1) {
        let (name, value) = given.split_once("=\"")?;
        set.push((name.to_owned(), value.split('"').next()?.to_owned()));
    }
    if set.is_empty() {
        let path = command.split_whitespace().nth(2)?;
        return wrong.then(|| Source::read(Path::new(path)).map(|_| Diagnostics::default())).or_else(|| {
            assert!(code.starts_with("E17"), "{code}: only files are named on a command line here");
            Some(Ok(Diagnostics::default()))
        });
    }
    let protocol = whole_protocol("parameters: {delay: {default: 1 s}}\ntransitions: [{after: delay, to: go}]\n");
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: RIG.to_owned() }).unwrap();
    Some(compile(&common::task(&protocol), &rig, &Options { set }).map(|compiled| compiled.warnings))
}

/// What gives a code that no piece of a file can show.
fn made(code: &str) -> Option<Diagnostics> {
    let of = |protocol: &str| {
        let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: RIG.replace("simulator", "rp2040") }).unwrap();
        compile(&common::task(&whole_protocol(protocol)), &rig, &Options::default()).err()
    };
    // A protocol and a fragment it uses.
    let of_files = |protocol: &str, fragment: &str| {
        let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: RIG.to_owned() }).unwrap();
        let files = Files::Of(vec![("a.yaml".to_owned(), format!("fragment: a\n{fragment}"))]);
        let protocol = common::task(&whole_protocol(protocol));
        compile_for(&protocol, &files, &rig, &Options::default(), &Sitting::default()).err()
    };
    let of_rig = |lines: String| read_rig(&Source { name: "box.yaml".to_owned(), text: whole_rig(&lines) }).err();
    let file = |bytes: &[u8]| {
        let path = std::env::temp_dir().join(format!("nosepoke-codes-{}-{code}.yaml", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let found = Source::read(&path).err();
        std::fs::remove_file(&path).unwrap();
        found
    };
    match code {
        "E010-too-deep" => of(&format!("lists: {{sizes: {}}}\n", "[".repeat(60))),
        "E041-too-many-lines" => {
            let lines = (0..40).map(|n| format!("  l{n}: {{kind: lever, pin: {}}}\n", n % 29));
            of_rig(format!("lines:\n{}", lines.collect::<String>()))
        }
        "E051-too-long" => of(&format!("transitions: [{{after: {} 1 s, to: go}}]\n", "1 s +".repeat(600))),
        "E092-too-many" => {
            let states =
                (0..1_100).map(|n| format!("  s{n}: {{transitions: [{{after: 1 s, to: s{}}}]}}\n", (n + 1) % 1_100));
            of(&format!("states:\n{}", states.collect::<String>()))
        }
        "E162-step-too-long" => {
            let draws = "{draw: {x: {normal: {mean: 3 s, sd: 1 s, min: 1 s, max: 5 s}}}}, ".repeat(40);
            of(&format!("entry: [{{trial: begin}}, {draws}{{event: drawn}}]\n"))
        }
        "E172-too-large" => file(&vec![b' '; 2 << 20]),
        "E173-not-utf8" => file(b"protocol: small\nabout: 5 \xB5l\n"),
        "E304-fragment-circle" => of_files("use: a.yaml\n", "use: a.yaml\n"),
        "E305-not-shared" => of_files("use: a.yaml\n", "start: go\n"),
        "E307-defined-twice" => of_files("use: a.yaml\nlists: {sizes: [5 µl]}\n", "lists: {sizes: [6 µl]}\n"),
        "E186-too-many-counted" => {
            let lines = (0..18).map(|n| {
                format!(
                    "  v{n}: {{kind: valve, pin: {}}}\n",
                    [0, 1, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 19, 20, 21, 22, 27, 28][n]
                )
            });
            of_rig(format!("lines:\n{}", lines.collect::<String>()))
        }
        _ => None,
    }
}

/// The codes that the crates of the controller can say, by what stands in their source.
fn in_source() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let controller = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for krate in std::fs::read_dir(controller).unwrap().flatten() {
        each_file(&krate.path().join("src"), &mut |path, text| {
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
            for quoted in code.split('"').skip(1).filter(|quoted| is_code(quoted)) {
                found.entry(quoted.to_owned()).or_insert_with(|| path.to_path_buf());
            }
        });
    }
    found
}

fn each_file(folder: &Path, look: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, look);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            look(&path, &text);
        }
    }
}

/// `E073-unknown-state`: a letter, three digits, a dash, words.
fn is_code(word: &str) -> bool {
    let mut letters = word.chars();
    let number: Vec<char> = letters.by_ref().take(5).collect();
    matches!(number.as_slice(), ['E' | 'W', a, b, c, '-'] if [a, b, c].iter().all(|d| d.is_ascii_digit()))
        && !letters.as_str().is_empty()
        && letters.as_str().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[test]
fn every_code_is_explained_and_every_explanation_has_its_code() {
    let source = in_source();
    let explained: Vec<&str> = explain::all().iter().map(|explained| explained.code).collect();
    let mut missing = String::new();
    for (code, path) in source.iter().filter(|(code, _)| !explained.contains(&code.as_str())) {
        writeln!(
            missing,
            "  {code} of {} has no section in docs/codes/: add `## {code}` to the page it belongs to",
            path.display()
        )
        .unwrap();
    }
    for code in explained.iter().filter(|code| !source.contains_key(**code)) {
        writeln!(missing, "  {code} is explained in docs/codes/ and nothing says it").unwrap();
    }
    let mut seen = BTreeSet::new();
    let mut numbers = BTreeMap::new();
    for code in &explained {
        if !seen.insert(code) {
            writeln!(missing, "  {code} is explained twice").unwrap();
        }
        if let Some(other) = numbers.insert(code.get(..4), code).filter(|other| other != &code) {
            writeln!(missing, "  {code} and {other} have one number").unwrap();
        }
    }
    assert!(missing.is_empty(), "\n{missing}");
}

#[test]
fn each_wrong_example_gives_its_code_and_each_right_one_does_not() {
    let mut complaints = String::new();
    let mut tell = |code: &str, what: &str, found: &dyn std::fmt::Display| {
        writeln!(complaints, "## {code}: {what}\n{found}").unwrap();
    };
    for explained in explain::all() {
        let code = explained.code;
        if explained.means.is_empty() || !explained.means.ends_with('.') || explained.means.starts_with("```") {
            tell(code, "its first paragraph says what it means, as a sentence", &explained.means);
        }
        let has = |told: &Told| told.found.list.iter().any(|found| found.code == code);
        match (tried(&explained, true), tried(&explained, false)) {
            (None, None) if MADE.contains(&code) => {}
            (None, _) => tell(code, "has no wrong example", &""),
            (_, None) => tell(code, "has no right example", &""),
            _ if MADE.contains(&code) => tell(code, "has an example and is in the list of those without", &""),
            (Some(wrong), Some(right)) => {
                if !has(&wrong) {
                    tell(code, "the wrong example does not give it", &wrong.found);
                }
                let own = |found: &&Diagnostic| {
                    found.code == code
                        && right.own.iter().any(|line| !line.is_empty() && line_of(found).contains(line.as_str()))
                };
                if !right.good || right.found.list.iter().any(|found| own(&found)) {
                    tell(code, "the right example is not good", &right.found);
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// The line of its file a finding stands on, as it is drawn.
fn line_of(found: &Diagnostic) -> String {
    Diagnostics { list: vec![found.clone()] }.render_in(Style { width: 400, ..Style::PLAIN })
}

/// The message of each code as a terminal draws it; a page of codes is a snapshot.
#[test]
fn every_code_has_a_snapshot_of_its_message() {
    let mut pages: BTreeMap<&str, String> = BTreeMap::new();
    for explained in explain::all() {
        let code = explained.code;
        if UNREACHED.iter().any(|(unreached, _)| *unreached == code) {
            continue;
        }
        let found = tried(&explained, true).map(|told| told.found).or_else(|| made(code));
        let found = found.unwrap_or_else(|| panic!("{code}: nothing gives it"));
        let list: Vec<Diagnostic> = found.list.into_iter().filter(|found| found.code == code).take(1).collect();
        assert!(!list.is_empty(), "{code} is not among what was told");
        assert!(list.iter().all(|found| found.help.is_some()), "{code}: no remedy");
        let drawn = Diagnostics { list }.render_in(Style::PLAIN);
        let drawn = drawn
            .replace(&format!("nosepoke-codes-{}-", std::process::id()), "")
            .replace(&std::env::temp_dir().display().to_string(), "");
        writeln!(pages.entry(explained.area).or_default(), "## {code}\n{drawn}").unwrap();
    }
    for (area, messages) in pages {
        let name = area.to_lowercase().replace([' ', ','], "-").replace("--", "-");
        insta::assert_snapshot!(name, messages);
    }
}

#[test]
fn the_codes_of_the_source_are_those_of_the_snapshots() {
    let mut kept = BTreeSet::new();
    each_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots"), &mut |path, text| {
        if path.extension().is_some_and(|ending| ending == "snap") {
            kept.extend(text.lines().map(str::trim).filter(|line| is_code(line)).map(ToOwned::to_owned));
        }
    });
    let source = in_source();
    let reached = |code: &&String| !UNREACHED.iter().any(|(unreached, _)| *unreached == **code);
    let missing: Vec<&String> = source.keys().filter(reached).filter(|code| !kept.contains(*code)).collect();
    let gone: Vec<&String> = kept.iter().filter(|code| !source.contains_key(*code)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "no snapshot shows {missing:?}; snapshots show {gone:?}, which nothing says"
    );
}
