//! `nosepoke test`: runs the scenarios beside protocols and says which do not hold.

mod told;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use compiler::scenario::Scenario;
use controller::scenarios::{Chip, LONGEST_ON_CHIP_US, Suite, run, suite};

use super::{Complaint, told_in_json};

/// Runs scenario tests: a scripted animal in a simulated session, and what must come of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke test protocols/\n  \
    nosepoke test protocols/first-lever.yaml\n  \
    nosepoke test my-task.test.yaml --filter \"early pull\"\n  \
    nosepoke test protocols/ --body emulated")]
pub(crate) struct Test {
    /// Test files (NAME.test.yaml), protocols that have one beside them, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Runs only scenarios whose name, or whose file's name, holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// What carries the device: the simulator, or the emulated image for the RP2040 as well, which must do the same. That
    /// takes this repository, node, and about as long as the scenarios last.
    #[arg(long, value_enum, default_value_t = Body::Simulator)]
    body: Body,
    /// Says it as JSON.
    #[arg(long)]
    json: bool,
}

/// What carries the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Body {
    Simulator,
    Emulated,
}

impl Test {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.run())
    }

    fn run(self) -> Result<ExitCode, Complaint> {
        let (mut suites, mut unread) = (Vec::new(), Vec::new());
        for path in tests_of(&self.paths)? {
            match Suite::read(&path) {
                Ok(suite) => suites.push(suite),
                Err(error) => unread.push(error),
            }
        }
        let all: Vec<(&Suite, &Scenario)> = suites
            .iter()
            .flat_map(|suite| suite.file.scenarios.iter().map(move |scenario| (suite, scenario)))
            .filter(|(suite, scenario)| self.wants(suite, scenario))
            .collect();
        if let (Some(text), true, true) = (&self.filter, all.is_empty(), unread.is_empty()) {
            return Err(Complaint::new(format_args!(
                "--filter {text}: no scenario's name holds this, and no file's; `nosepoke test` without it names them all"
            )));
        }
        let chip = match self.body {
            Body::Simulator => None,
            Body::Emulated => Some(Chip::ready().map_err(Complaint::new)?),
        };
        let progress = told::progress(all.len());
        let came = side_by_side(&all, |(suite, scenario)| {
            let came = run(scenario, suite.stage());
            // What does not hold needs no comparison.
            let good = came.as_ref().ok().filter(|ran| ran.is_good());
            let good = good.filter(|ran| ran.length_us <= LONGEST_ON_CHIP_US);
            let on_chip = chip.as_ref().zip(good).map(|(chip, ran)| chip.compare(scenario, suite.stage(), ran));
            progress.inc(1);
            told::Done { scenario, came, on_chip }
        });
        progress.finish_and_clear();
        let mut came = came.into_iter();
        let mut results = Vec::new();
        for suite in &suites {
            let wanted = suite.file.scenarios.iter().filter(|scenario| self.wants(suite, scenario)).count();
            if wanted == 0 && self.filter.is_some() {
                continue;
            }
            let scenarios: Vec<_> = came.by_ref().take(wanted).collect();
            // Of a part of the scenarios nothing can be said of what they leave out.
            let coverage = self.filter.is_none().then(|| {
                let ran = scenarios.iter().filter_map(|done| done.came.as_ref().ok());
                let covered = ran.map(|ran| ran.covered.clone());
                suite.coverage(&covered.collect::<Vec<_>>())
            });
            results.push(told::Result { suite, scenarios, coverage });
        }
        let good = unread.is_empty() && results.iter().all(told::Result::is_good);
        if self.json {
            told::json(&unread, &results)?;
        } else {
            told::text(&unread, &results)?;
        }
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn wants(&self, suite: &Suite, scenario: &Scenario) -> bool {
        self.filter.as_ref().is_none_or(|text| {
            scenario.name.contains(text.as_str()) || suite.path.to_string_lossy().contains(text.as_str())
        })
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
            let test = suite::test_of(path);
            if path.exists() && !test.exists() {
                return Err(Complaint::new(format_args!(
                    "{}: no scenarios stand beside it; write them in {} (docs/scenarios.md), or name a test file",
                    path.display(),
                    test.display()
                )));
            }
            found.push(test);
        }
    }
    // A file that is named twice, or stands in a folder that is named too, is run once.
    let mut seen = BTreeSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
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
