//! The house keeps its own rules: which part may know which, how long a file may be, what is never there. Each rule is
//! stated in `docs/architecture.md` or `CONTRIBUTING.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::top;

/// The files of the repository, as git knows them, with their text; anything that is not text is left out.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git lists the repository's files");
    assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let wanted = names.lines().filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
    wanted
        .filter_map(|name| fs::read_to_string(top().join(name)).ok().map(|text| (PathBuf::from(name), text)))
        .collect()
}

/// Fails with every complaint at once.
fn no_complaints(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}:\n  {}", complaints.join("\n  "));
}

#[test]
fn each_part_knows_only_the_parts_below_it() {
    let may_know: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("firmware/link", &[][..]),
        ("firmware/engine", &["link"]),
        ("firmware/sense", &["link"]),
        ("firmware/device", &["link", "engine", "sense"]),
        ("firmware/sim", &["link", "engine", "device"]),
        ("firmware/emulated", &["link", "sim"]),
        ("firmware/bare", &[]),
        ("firmware/rp2040", &["link", "device"]),
        ("firmware/build", &[]),
        ("controller/assembler", &["link"]),
        ("controller/compiler", &["link", "assembler"]),
        ("controller/journal", &["link", "engine", "sense"]),
        ("controller/report", &["link", "journal", "compiler"]),
        ("controller/scenario", &["link", "compiler", "journal", "sim"]),
        ("controller/nosepoke", &["link", "compiler", "journal", "report", "scenario", "sim", "emulated"]),
        (
            "tests",
            &["link", "engine", "sense", "sim", "emulated", "assembler", "compiler", "journal", "controller", "report"],
        ),
    ]);
    let ours = [
        "link",
        "engine",
        "sense",
        "device",
        "sim",
        "emulated",
        "assembler",
        "compiler",
        "journal",
        "report",
        "scenario",
        "controller",
    ];
    let mut complaints = Vec::new();
    for (name, text) in files(&["Cargo.toml"]) {
        let Some(folder) = name.parent().and_then(Path::to_str).filter(|folder| !folder.is_empty()) else { continue };
        let Some(allowed) = may_know.get(folder) else {
            complaints.push(format!("{folder} is not in the table of this test"));
            continue;
        };
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let key = line.split([' ', '.', '=']).next().unwrap_or("");
            if section == "[dependencies]" && ours.contains(&key) && !allowed.contains(&key) {
                complaints.push(format!("{folder} depends on {key}"));
            }
        }
    }
    no_complaints("a part depends on one it must not know", &complaints);
}

#[test]
fn no_file_is_longer_than_it_may_be_and_each_says_what_it_owns() {
    let mut complaints = Vec::new();
    for (name, text) in files(&[".rs", ".mjs", ".js"]) {
        let lines = text.lines().count();
        if lines > 800 {
            complaints.push(format!("{} has {lines} lines, 800 is the end", name.display()));
        }
        let headed = text.trim_start().starts_with("//!") || text.trim_start().starts_with("//");
        if !headed {
            complaints.push(format!("{} does not say in its header what it owns", name.display()));
        }
    }
    no_complaints("files", &complaints);
}

#[test]
fn nothing_stands_where_it_must_never_be() {
    let never: &[(&[&str], &[&str], &str)] = &[
        (
            &["firmware/link/src", "firmware/engine/src", "firmware/sense/src", "firmware/device/src"],
            &["std::time", "Instant::now", "SystemTime", "f32", "f64", "alloc::", "Vec::with_capacity", "unsafe "],
            "no clock, heap, floating point or unsafe below the bodies",
        ),
        (
            &["firmware/link/src", "firmware/engine/src", "firmware/sense/src"],
            &["embedded_hal"],
            "no pin above the device",
        ),
        (
            &[
                "controller/compiler/src",
                "controller/journal/src",
                "controller/report/src",
                "controller/scenario/src",
                "controller/nosepoke/src",
            ],
            &["serde_yaml::"],
            "YAML is read in one module, controller/compiler/src/yaml.rs",
        ),
    ];
    let mut complaints = Vec::new();
    for (name, text) in files(&[".rs"]) {
        if name.ends_with("controller/compiler/src/yaml.rs") {
            continue;
        }
        for (folders, words, rule) in never {
            if !folders.iter().any(|folder| name.starts_with(folder)) {
                continue;
            }
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
            for (number, line) in code.lines().enumerate() {
                let code = line.split("//").next().unwrap_or("");
                if let Some(word) = words.iter().find(|word| code.contains(*word)) {
                    complaints.push(format!("{}:{}: `{word}`: {rule}", name.display(), number + 1));
                }
            }
        }
    }
    no_complaints("what is never there", &complaints);
}

#[test]
fn every_link_in_the_docs_leads_somewhere() {
    let mut complaints = Vec::new();
    for (name, text) in files(&[".md"]) {
        let folder = top().join(name.parent().unwrap_or(Path::new("")));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !outside && !folder.join(target).exists() {
                complaints.push(format!("{} links to {target}", name.display()));
            }
        }
        // Files named in backquotes from the top folder.
        for quoted in text.split('`').skip(1).step_by(2) {
            let place = quoted.split([' ', '#', ':']).next().unwrap_or("");
            let ours = ["protocols/", "rig-configs/", "firmware/", "controller/", "docs/", "tests/"];
            let plain = !place.contains(['{', '*', '<', '…', '$']);
            if plain && ours.iter().any(|start| place.starts_with(start)) && !top().join(place).exists() {
                complaints.push(format!("{} names {place}, which is not there", name.display()));
            }
        }
    }
    no_complaints("dead links", &complaints);
}

#[test]
fn nothing_is_left_open_and_nothing_tells_of_one_machine() {
    // Put together here, so that this file does not complain of itself.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    let mut complaints = Vec::new();
    for (name, text) in files(&[".rs", ".md", ".yaml", ".toml", ".sh", ".mjs", ".js"]) {
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                complaints.push(format!("{}:{}: {word}", name.display(), number + 1));
            }
        }
    }
    no_complaints("left open, or true on one machine only", &complaints);
}

#[test]
fn the_firmware_builds_without_std_for_the_chip() {
    for package in ["nosepoke-link", "nosepoke-engine", "nosepoke-sense", "nosepoke-device"] {
        let checked = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--package", package, "--target", "thumbv6m-none-eabi"])
            .current_dir(top())
            .output()
            .expect("cargo runs");
        assert!(checked.status.success(), "{package}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}
