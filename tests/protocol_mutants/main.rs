//! How much the scenarios of the shipped protocols see: makes small slips in each protocol, one at a time, and asks `check`
//! and the scenarios. What neither notices is listed; those of `tests/protocol-mutants.txt` with the reason that stands there.
//!
//! Every slip is tried, none is chosen by chance: two runs tell the same. Owns what is asked of the command line and what
//! the program ends with.

mod fate;
mod mutate;
mod reasons;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use controller::scenarios::suite;
use fate::Trial;
use harness::top;
use reasons::Reasons;
use table::Table;

const HELP: &str = "\
Makes small slips in protocols, one at a time, and tells which of them neither `check` nor a scenario notices.

Usage: cargo run --release -p nosepoke-tests --bin protocol_mutants [-- PROTOCOL.yaml …]

Without a protocol, all that ship. What need not be noticed stands with its reason in tests/protocol-mutants.txt.
Ends with 1 if of all less than 95 of 100 are noticed, if one is left that has no reason, or if a reason stands there for
one that is noticed, or that is none.";

/// Of a hundred mutations, so many must be noticed.
const NOTICED_PERCENT: usize = 95;

/// The protocols that ship.
fn shipped() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("protocols")).into_iter().flatten().flatten();
    let is_protocol = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending == "yaml")
            && !suite::is_test(path)
            && suite::test_of(path).exists()
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_protocol).collect();
    found.sort();
    found
}

fn main() -> ExitCode {
    let named: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if named.iter().any(|name| name.to_string_lossy().starts_with('-')) {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match tried(&if named.is_empty() { shipped() } else { named }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Tries the mutations of each protocol and prints what came of them: whether it is good enough.
fn tried(protocols: &[PathBuf]) -> Result<bool, String> {
    let reasons = Reasons::read(&top().join("tests/protocol-mutants.txt"))?;
    let began = Instant::now();
    let mut table = Table::default();
    let mut left = String::new();
    for path in protocols {
        let since = Instant::now();
        let trial = Trial::of(path)?;
        let file = trial.name.clone();
        eprint!("{file}: ");
        let tried = trial.fates();
        let mut explained = 0;
        let of = reasons.of(&file);
        for mutation in tried.iter().filter(|(_, fate)| *fate == fate::Fate::Left).map(|(mutation, _)| *mutation) {
            let name = mutation.name();
            match of.get(name.as_str()) {
                Some(reason) => {
                    explained += 1;
                    left += &format!("left: {file}: {name}\n      {reason}\n");
                }
                None => {
                    let place = format!("{}:{}", path.display(), mutation.line);
                    left += &format!("left without a reason: {place}\n      {file}: {name}\n");
                }
            }
        }
        let is_left =
            |name: &str| tried.iter().any(|(mutation, fate)| *fate == fate::Fate::Left && mutation.name() == name);
        let stale: Vec<&str> = of.keys().copied().filter(|name| !is_left(name)).collect();
        for name in &stale {
            left += &format!("a reason for what is noticed, or is none: {file}: {name}\n");
        }
        let row = table.add(&file, &tried, explained, stale.len());
        eprintln!("{row}, {:.0} s", since.elapsed().as_secs_f64());
    }
    print!("{left}");
    println!("{table}");
    println!("in {:.0} s", began.elapsed().as_secs_f64());
    Ok(table.is_good(NOTICED_PERCENT))
}
