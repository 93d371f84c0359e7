//! The schema against the readers, key by key, and against every file that ships.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{File, Shape, schema};
use crate::diagnostic::Reporter;
use crate::{Options, Source, compile, explain, read_rig, yaml};

/// Mappings whose keys are read by hand, which the readers do not tell of.
const BY_HAND: &[&str] = &["the animal"];

const ALL: [File; 3] = [File::Protocol, File::Rig, File::Scenarios];

/// What no file that ships has.
const EXTRA: &[&str] = &[
    "protocol: x\nstimuli: {hiss: {noise: {level: 60 dB, duration: 1 s}}}",
    "rig: x\nbody: simulator\nlines: {laser: {kind: laser, pin: 3, per_day: {pulses: 3}}}",
];

/// Keys of a protocol that only say how files go together: they are taken out before the rest is read.
const OF_FILES: &[&str] = &["use", "override"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file of a folder and those inside with this ending.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![top().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending)
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

/// Protocols and rig-configs that ship or stand in the docs, by what their first keys say they are.
fn shipped(file: File) -> Vec<(String, String)> {
    let all = ["protocols", "rig-configs", "docs/examples", "tests/rigs", "controller/diagram/tests"];
    let all = all.iter().flat_map(|folder| files(folder, ".yaml"));
    let begins = match file {
        File::Protocol => "protocol:",
        File::Rig => "rig:",
        File::Scenarios => "scenarios:",
    };
    all.filter(|(name, text)| {
        name.ends_with(".test.yaml") == (file == File::Scenarios) && text.lines().any(|line| line.starts_with(begins))
    })
    .collect()
}

/// The keys the readers know, by what they call the mapping, as texts of all kinds are read.
fn read_keys() -> BTreeMap<String, BTreeSet<String>> {
    let rig = read_rig(&Source { name: "box".to_owned(), text: rig_text() }).unwrap();
    let read = |text: &str| {
        let source = Source { name: "text".to_owned(), text: text.to_owned() };
        let _ = read_rig(&source);
        compile(&source, &rig, &Options::default()).ok()
    };
    for (_, text) in shipped(File::Protocol).iter().chain(&shipped(File::Rig)) {
        read(text);
    }
    for (name, text) in shipped(File::Scenarios) {
        let beside = std::fs::read_to_string(name.replace(".test.yaml", ".yaml")).unwrap_or_default();
        if let Some(compiled) = read(&beside) {
            for text in [text.as_str(), "scenarios: []\nallow: [{what: state over, because: it is the last}]"] {
                let source = Source { name: name.clone(), text: text.to_owned() };
                let _ = crate::scenario::read(&source, &compiled.symbols);
            }
        }
    }
    EXTRA.iter().for_each(|text| drop(read(text)));
    // Pieces of the explanations, each as the body of a state, as a state, and as a whole; whatever is wrong besides.
    for explained in explain::all() {
        for piece in explained.pieces() {
            let text = piece.text;
            read(&format!("protocol: piece\nstart: a\nstates:\n  a:\n{}", indented(text)));
            read(&format!("protocol: piece\n{text}"));
            read(&format!("rig: piece\nbody: rp2040\n{text}"));
        }
    }
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (what, keys) in Reporter::known() {
        known.entry(what).or_default().extend(keys);
    }
    known
}

fn rig_text() -> String {
    std::fs::read_to_string(top().join("rig-configs/sim-box.yaml")).unwrap()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn shape(what: &str) -> Option<&'static Shape> {
    ALL.into_iter().flat_map(File::shapes).find(|shape| shape.what == what)
}

#[test]
fn the_schema_knows_every_key_the_readers_know_and_no_other() {
    let read = read_keys();
    let mut complaints = Vec::new();
    for (what, keys) in &read {
        let Some(shape) = shape(what) else {
            complaints.push(format!("{what} has no shape in the schema; it reads {keys:?}"));
            continue;
        };
        let drawn = shape.keys.iter().map(|key| key.name.to_owned());
        let drawn: BTreeSet<String> =
            drawn.filter(|key| *what != "a protocol" || !OF_FILES.contains(&key.as_str())).collect();
        let missing: Vec<_> = keys.difference(&drawn).collect();
        let unread: Vec<_> = drawn.difference(keys).collect();
        if !missing.is_empty() || !unread.is_empty() {
            complaints.push(format!("{what}: the schema lacks {missing:?}, and has {unread:?} which nothing reads"));
        }
    }
    for file in ALL {
        for shape in file.shapes().filter(|shape| !BY_HAND.contains(&shape.what) && !read.contains_key(shape.what)) {
            complaints.push(format!("{} has a shape, and no file that was read has one", shape.what));
        }
    }
    // A mapping that no text reaches would be missed above.
    for what in named_in_source() {
        if !read.contains_key(&what) {
            complaints.push(format!("{what} is read, and no protocol, example or explanation has one: write one"));
        }
    }
    assert!(complaints.is_empty(), "\n  {}", complaints.join("\n  "));
}

/// What the readers call the mappings they read, by what stands in their source.
fn named_in_source() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, text) in files("controller/compiler/src", ".rs") {
        if name.contains("/schema/") || name.ends_with("fields.rs") {
            continue;
        }
        for call in text.split("fields::fields(").skip(1) {
            let call: String = call.split_whitespace().collect::<Vec<_>>().join(" ");
            let Some((_, rest)) = call.split_once(", \"").filter(|(before, _)| !before.contains(',')) else { continue };
            found.extend(rest.split('"').next().map(ToOwned::to_owned));
        }
    }
    found
}

#[test]
fn every_key_and_every_shape_says_what_it_is_and_leads_somewhere() {
    for file in ALL {
        let schema = schema(file);
        assert!(jsonschema::meta::is_valid(&schema), "{file:?} is a schema by its own draft");
        for shape in file.shapes() {
            assert!(!shape.about.is_empty(), "{} says not what it is", shape.what);
            for key in shape.keys {
                assert!(key.about.ends_with(['.', '`']), "`{}` of {} says not what it is", key.name, shape.what);
            }
            for key in shape.needs.iter().chain(shape.one_of) {
                assert!(
                    shape.keys.iter().any(|known| known.name == *key),
                    "{} needs `{key}` it does not have",
                    shape.what
                );
            }
        }
        let mut references = Vec::new();
        gather(&schema, &mut references);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(schema.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            fields.values().for_each(|value| gather(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| gather(value, found)),
        _ => {}
    }
}

/// YAML as an editor reads it.
fn as_json(text: &str) -> Value {
    let source = Source { name: "text".to_owned(), text: text.to_owned() };
    node_as_json(&yaml::read(&source, &mut Reporter::new(&source)).unwrap())
}

/// What is not quoted and looks like a number or a truth is one.
fn node_as_json(node: &yaml::Node) -> Value {
    match &node.value {
        yaml::Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.text.clone(), node_as_json(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        yaml::Value::List(items) => items.iter().map(node_as_json).collect(),
        yaml::Value::Scalar(text) if text.quoted => text.text.clone().into(),
        yaml::Value::Scalar(text) => match (text.text.as_str(), text.text.parse::<i64>(), text.text.parse::<f64>()) {
            ("true", ..) => true.into(),
            ("false", ..) => false.into(),
            ("", ..) => Value::Null,
            (_, Ok(whole), _) => whole.into(),
            (_, _, Ok(number)) if text.text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => number.into(),
            (words, ..) => words.into(),
        },
        yaml::Value::Broken => Value::Null,
    }
}

#[test]
fn every_file_that_ships_is_good_by_the_schema() {
    for file in ALL {
        let validator = jsonschema::validator_for(&schema(file)).unwrap();
        let all = shipped(file);
        assert!(all.len() >= 3, "the files are found");
        for (name, text) in all {
            let errors: Vec<String> = validator
                .iter_errors(&as_json(&text))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}:\n  {}", errors.join("\n  "));
        }
    }
}

#[test]
fn a_wrong_key_is_refused_wherever_it_stands() {
    for file in ALL {
        let validator = jsonschema::validator_for(&schema(file)).unwrap();
        let mut tried = 0;
        for (name, text) in shipped(file) {
            let good = as_json(&text);
            let mut places = Vec::new();
            mappings(&good, String::new(), &mut places);
            for place in places {
                let mut wrong = good.clone();
                let Some(Value::Object(fields)) = wrong.pointer_mut(&place) else { continue };
                fields.insert("no_such_key".to_owned(), json!({"neither": ["this", 1]}));
                tried += 1;
                assert!(!validator.is_valid(&wrong), "{name}: a wrong key at {place} is taken");
            }
        }
        assert!(tried > 50, "{tried} places were tried");
    }
}

/// Every mapping in a document, by its pointer.
fn mappings(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.clone());
            for (key, value) in fields {
                mappings(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                mappings(value, format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// Every property of a schema, by its pointer.
fn properties(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = format!("{at}/{key}");
                if key == "properties"
                    && let Value::Object(keys) = value
                {
                    found.extend(keys.iter().map(|(key, value)| (format!("{at}/{key}"), value.clone())));
                }
                properties(value, &at, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, at, found)),
        _ => {}
    }
}

#[test]
fn an_editor_can_say_of_every_key_what_it_is_for() {
    for file in ALL {
        let mut found = Vec::new();
        properties(&schema(file), "", &mut found);
        assert!(found.len() > 30, "{} keys were looked at", found.len());
        for (key, value) in found {
            let said = value["description"].as_str().unwrap_or_default();
            assert!(said.len() > 5, "{file:?}: nothing is said of {key}");
        }
    }
}

/// A text that stands in a file, and one in its place.
type Slip = (&'static str, &'static str);

/// A good file, and slips in it.
const SLIPS: &[(File, &str, &str, &[Slip])] = &[
    (
        File::Protocol,
        "protocols",
        "first-lever.yaml",
        &[
            ("lever: lever", "lever: levr"),
            ("basis: typical", "basis: guessed"),
            ("event: lever.press, ", ""),
            ("start: ready", "strat: ready"),
            ("trial: begin", "trial: start"),
            ("align: outcome", "align: press"),
            ("protocol: first-lever", "name: first-lever"),
            ("states:\n", "state:\n"),
            ("    entry:\n", "    enter:\n"),
            ("to: pay", "goto: pay"),
            ("range: [1", "rnage: [1"),
            // A number without its unit.
            ("after: pause", "after: 500"),
            ("volume: drop", "volume: 10"),
            ("{after: 30 min}", "{after: 30}"),
            // A list where a mapping belongs, and the other way round.
            ("    entry:\n      - trial: begin\n", "    entry: {trial: begin}\n"),
            ("deliver: {line: water, volume: drop}", "deliver: [water, drop]"),
            ("      - {after: pause, to: ready}", "      after: pause"),
        ],
    ),
    (
        File::Rig,
        "rig-configs",
        "sim-box.yaml",
        &[
            ("rig: sim-box", "name: sim-box"),
            ("body: simulator", "body: simulater"),
            ("kind: valve", "kind: vlave"),
            ("max_on: 500 ms", "max_on: 500"),
            ("max_on:", "maxon:"),
            ("\nlines:\n", "\nline:\n"),
            ("pin: 2", "pin: two"),
        ],
    ),
    (
        File::Scenarios,
        "protocols",
        "first-lever.test.yaml",
        &[
            ("scenarios:\n", "scenario:\n"),
            ("    animal:\n", "    animals:\n"),
            ("at: 2 s", "at: 2"),
            ("for: 100 ms", "for: 100"),
            ("expect:", "expects:"),
            ("press: lever", "pres: lever"),
            ("outcomes: [", "outcome: ["),
        ],
    ),
];

#[test]
fn slips_an_editor_can_see_are_refused() {
    for (file, folder, name, slips) in SLIPS {
        let validator = jsonschema::validator_for(&schema(*file)).unwrap();
        let good = files(folder, name).remove(0).1;
        assert!(validator.is_valid(&as_json(&good)), "{name}");
        for (from, to) in *slips {
            let wrong = good.replacen(from, to, 1);
            assert_ne!(wrong, good, "{name}: the place to spoil is gone: {from}");
            assert!(!validator.is_valid(&as_json(&wrong)), "{name}: {to} is taken");
        }
    }
}
