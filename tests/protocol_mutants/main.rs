//! How much the scenarios of the shipped protocols see: makes small slips in each protocol, one at a time, and asks `check`
//! and the scenarios. What neither notices is listed; those of `tests/protocol-mutants.txt` with the reason that stands there.
//!
//! ```sh
//! cargo run --release -p nosepoke-tests --bin protocol_mutants            # all; or with protocols behind
//! ```
//! Ends with 1 if less than 95 of 100 are noticed, or if one is left that has no reason.

mod mutate;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use compiler::{Options, Source, scenario};
use controller::scenarios::{Suite, run, suite};
use harness::top;
use mutate::Mutation;

/// Of a hundred mutations, so many must be noticed.
const NOTICED_PERCENT: usize = 95;

/// What became of a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// `check` says something that it does not say of the protocol.
    ByCheck,
    /// A scenario does not hold, or does not read any more.
    ByScenario,
    /// Nothing notices it.
    Left,
}

/// The protocols that are asked for, or all that ship.
fn protocols() -> Vec<PathBuf> {
    let named: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if !named.is_empty() {
        return named;
    }
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

/// What is said of a protocol that is probably not as meant: each finding by its code and the words it is told with.
fn warnings(compiled: &compiler::Compiled) -> Vec<(&'static str, String)> {
    compiled.warnings.list.iter().map(|warning| (warning.code, warning.message.clone())).collect()
}

fn judge(suite: &Suite, test: &Source, mutation: &Mutation) -> Fate {
    let protocol = Source { name: suite.protocol.name.clone(), text: mutation.text.clone() };
    let Ok(compiled) = compiler::compile(&protocol, &suite.rig, &Options::default()) else { return Fate::ByCheck };
    let known = warnings(&suite.compiled);
    if warnings(&compiled).iter().any(|warning| !known.contains(warning)) {
        return Fate::ByCheck;
    }
    let Ok(file) = scenario::read(test, &compiled.symbols) else { return Fate::ByScenario };
    let mutated = Suite { protocol, compiled, ..suite.clone() };
    let holds = |scenario| run(scenario, mutated.stage()).is_ok_and(|ran| ran.is_good());
    if file.scenarios.iter().all(holds) { Fate::Left } else { Fate::ByScenario }
}

/// The fate of each mutation, in order.
fn fates(suite: &Suite, test: &Source, all: &[Mutation]) -> Vec<Fate> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutation) = all.get(n) else { break };
                    let fate = judge(suite, test, mutation);
                    if let Ok(mut done) = done.lock() {
                        done.insert(n, fate);
                    }
                }
            });
        }
    });
    done.into_inner().map(|done| done.into_values().collect()).unwrap_or_default()
}

/// Reasons for what may be left: protocol, what stood there and what stands there now, and why.
fn reasons() -> BTreeMap<String, String> {
    let text = fs::read_to_string(top().join("tests/protocol-mutants.txt")).unwrap_or_default();
    let (mut found, mut reason) = (BTreeMap::new(), String::new());
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(words) => words.clone_into(&mut reason),
            None if line.trim().is_empty() => reason.clear(),
            None => {
                found.insert(line.trim().to_owned(), reason.clone());
            }
        }
    }
    found
}

/// A mutation by which it is known in the list of reasons.
fn name(protocol: &Path, mutation: &Mutation) -> String {
    let file = protocol.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let short = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{file}: {}: `{}` → `{}`", mutation.kind, short(&mutation.from), short(&mutation.to))
}

fn main() -> ExitCode {
    let reasons = reasons();
    let began = Instant::now();
    let (mut total, mut noticed, mut unexplained) = (0, 0, 0);
    println!("{:<36} {:>9} {:>9} {:>12} {:>6}", "protocol", "mutations", "by check", "by scenario", "left");
    let mut left = Vec::new();
    for path in protocols() {
        let test_path = suite::test_of(&path);
        let (suite, test) = match (Suite::read(&test_path), Source::read(&test_path)) {
            (Ok(suite), Ok(test)) => (suite, test),
            (Err(error), _) => {
                eprintln!("{}: {}", error.path.display(), error.found);
                return ExitCode::FAILURE;
            }
            (_, Err(found)) => {
                eprintln!("{found}");
                return ExitCode::FAILURE;
            }
        };
        let all = mutate::mutations(&suite.protocol.text);
        let fates = fates(&suite, &test, &all);
        let count = |fate: Fate| fates.iter().filter(|other| **other == fate).count();
        let (by_check, by_scenario) = (count(Fate::ByCheck), count(Fate::ByScenario));
        let file = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        println!("{file:<36} {:>9} {by_check:>9} {by_scenario:>12} {:>6}", all.len(), count(Fate::Left));
        total += all.len();
        noticed += by_check + by_scenario;
        left.extend(
            all.iter()
                .zip(&fates)
                .filter(|(_, fate)| **fate == Fate::Left)
                .map(|(mutation, _)| (path.clone(), mutation.line, name(&path, mutation))),
        );
    }
    for (path, line, name) in &left {
        match reasons.get(name) {
            Some(reason) => println!("left: {name}\n      {reason}"),
            None => {
                unexplained += 1;
                println!("left, and nobody has said why: {}:{line}\n      {name}", path.display());
            }
        }
    }
    println!(
        "{noticed} of {total} mutations are noticed ({:.1} %), in {:.0} s; {} are left, {unexplained} of them without a reason",
        100.0 * noticed as f64 / total.max(1) as f64,
        began.elapsed().as_secs_f64(),
        left.len(),
    );
    let good = noticed * 100 >= total * NOTICED_PERCENT && unexplained == 0;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
