//! `nosepoke test`: runs the scenarios beside protocols and says which do not hold.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use compiler::scenario::Scenario;
use controller::scenarios::{Ran, RunError, Suite, run, suite};
use journal::ReplayReport;
use scenario::Failure;
use scenario::timeline::seconds;

use super::{Complaint, draw, say};

/// Runs scenario tests: a scripted animal in a simulated session, and what must come of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke test protocols/\n  \
    nosepoke test protocols/first-lever.yaml\n  \
    nosepoke test my-task.test.yaml --filter \"early pull\"")]
pub(crate) struct Test {
    /// Test files (NAME.test.yaml), protocols that have one beside them, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Runs only scenarios whose name, or whose file's name, holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Says it as JSON.
    #[arg(long)]
    json: bool,
}

/// A scenario with what came of it.
struct Outcome<'s> {
    suite: &'s Suite,
    scenario: &'s Scenario,
    came: Result<Ran, RunError>,
}

impl Outcome<'_> {
    fn is_good(&self) -> bool {
        self.came.as_ref().is_ok_and(Ran::is_good)
    }
}

impl Test {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let mut good = true;
        let mut suites = Vec::new();
        let mut unread = Vec::new();
        for path in tests_of(&self.paths)? {
            match Suite::read(&path) {
                Ok(suite) => suites.push(suite),
                Err(error) => {
                    good = false;
                    if !self.json {
                        eprint!("{}", draw(&error.found));
                    }
                    unread.push(serde_json::json!({"test": error.path, "good": false, "findings": error.found}));
                }
            }
        }
        let wanted = |suite: &Suite, scenario: &Scenario| {
            self.filter.as_ref().is_none_or(|text| {
                scenario.name.contains(text.as_str()) || suite.path.to_string_lossy().contains(text.as_str())
            })
        };
        let all: Vec<(&Suite, &Scenario)> = suites
            .iter()
            .flat_map(|suite| suite.file.scenarios.iter().map(move |scenario| (suite, scenario)))
            .filter(|(suite, scenario)| wanted(suite, scenario))
            .collect();
        let outcomes =
            side_by_side(&all, |(suite, scenario)| Outcome { suite, scenario, came: run(scenario, suite.stage()) });
        good &= outcomes.iter().all(Outcome::is_good);
        if self.json {
            let mut told = unread;
            told.extend(outcomes.iter().map(json));
            say(format_args!("{:#}", serde_json::Value::Array(told)))?;
        } else {
            self.tell(&outcomes, suites.len() + unread.len())?;
        }
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tell(&self, outcomes: &[Outcome<'_>], files: usize) -> Result<(), Complaint> {
        let mut last: Option<&Path> = None;
        for outcome in outcomes {
            if last != Some(&outcome.suite.path) {
                say(format_args!("{}", outcome.suite.path.display()))?;
                last = Some(&outcome.suite.path);
            }
            say(format_args!("  {} {}", if outcome.is_good() { "✓" } else { "✗" }, outcome.scenario.name))?;
            let file = outcome.suite.path.display().to_string();
            match &outcome.came {
                Ok(ran) => {
                    for failure in &ran.failures {
                        say(written(&file, failure))?;
                    }
                    if let Some(replay) = bad_replay(ran) {
                        say(format_args!("      its journal does not replay: {replay}"))?;
                    }
                    if ran.searched {
                        say(format_args!("      seed {0} gives these draws; `seed: {0}` saves the search", ran.seed))?;
                    }
                }
                Err(RunError::Protocol(found)) => {
                    say("      the protocol does not compile with what the scenario sets:")?;
                    eprint!("{}", draw(found));
                }
                Err(error) => say(format_args!("      {error}"))?,
            }
        }
        let bad = outcomes.iter().filter(|outcome| !outcome.is_good()).count();
        let verdict = match (outcomes.len(), bad) {
            (0, _) => "no scenario".to_owned(),
            (all, 0) => format!("{all} scenarios, all hold"),
            (all, bad) => format!("{all} scenarios, {bad} of which do not hold"),
        };
        say(format_args!("{verdict} ({files} files)"))
    }
}

/// The test files that are meant: themselves, beside a protocol, or in a folder.
fn tests_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Complaint> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside = Vec::new();
            within(path, &mut inside)?;
            if inside.is_empty() {
                return Err(Complaint::new(format_args!(
                    "{}: this is a folder, and it holds no {} file",
                    path.display(),
                    compiler::scenario::ENDING
                )));
            }
            inside.sort();
            found.append(&mut inside);
        } else if suite::is_test(path) {
            found.push(path.clone());
        } else {
            found.push(suite::test_of(path));
        }
    }
    Ok(found)
}

/// Every test file of a folder and the folders in it.
fn within(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Complaint> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Complaint::new(format_args!("{} cannot be looked through: {error}", folder.display())))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            within(&path, found)?;
        } else if suite::is_test(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Does something with each item, on as many threads as there are processors; what came of it in the order of the items.
fn side_by_side<T: Sync, R: Send>(items: &[T], does: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((n, item)) = {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    items.get(n).map(|item| (n, item))
                } {
                    let came = does(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((n, came));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, came)| came).collect()
}

/// What is wrong with the replay of a journal, if anything is.
fn bad_replay(ran: &Ran) -> Option<String> {
    match &ran.replay {
        Err(failure) => Some(failure.to_string()),
        Ok(report) if !ReplayReport::is_clean(report) => Some(report.to_string()),
        Ok(_) => None,
    }
}

/// What does not hold, with what happened around it.
fn written(file: &str, failure: &Failure) -> String {
    let mut text = format!(
        "      {file}:{}:{}: {}\n        expected  {}\n        seen      {}",
        failure.place.line, failure.place.column, failure.about, failure.expected, failure.seen
    );
    let (lines, at) = &failure.around;
    for (n, line) in lines.iter().enumerate() {
        let mark = if n == *at { '▸' } else { ' ' };
        text.push_str(&format!("\n      {mark} {:>14}  {:<9} {}", seconds(line.at_us), line.what, line.text));
    }
    text
}

fn json(outcome: &Outcome<'_>) -> serde_json::Value {
    let (failures, error, seed) = match &outcome.came {
        Ok(ran) => {
            let failures = ran.failures.iter().map(|failure| {
                serde_json::json!({
                    "line": failure.place.line, "column": failure.place.column, "about": failure.about,
                    "expected": failure.expected, "seen": failure.seen, "at_us": failure.at_us,
                })
            });
            (failures.collect(), bad_replay(ran), Some(ran.seed))
        }
        Err(RunError::Protocol(found)) => {
            (vec![found.to_json()], Some("the protocol does not compile".to_owned()), None)
        }
        Err(error) => (Vec::new(), Some(error.to_string()), None),
    };
    serde_json::json!({
        "test": outcome.suite.path, "scenario": outcome.scenario.name, "line": outcome.scenario.place.line,
        "good": outcome.is_good(), "seed": seed, "failures": failures, "error": error,
    })
}
