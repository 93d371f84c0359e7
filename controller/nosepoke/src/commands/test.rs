//! `nosepoke test`: runs the scenarios beside protocols and says which do not hold.

mod progress;
mod told;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use compiler::scenario::Scenario;
use controller::scenarios::{Chip, Ran, RunError, Suite, run, suite};

use self::progress::Progress;
use self::told::OnChip;
use super::{Complaint, told_in_json};

/// Runs scenario tests: a scripted animal in a simulated session, and what must come of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke test protocols/\n  \
    nosepoke test protocols/first-lever.yaml\n  \
    nosepoke test my-task.test.yaml --filter \"early pull\"\n  \
    nosepoke test protocols/ --body emulated\n  \
    nosepoke test protocols/ --body emulated --longest 5")]
pub(crate) struct Test {
    /// Test files (NAME.test.yaml), protocols that have one beside them, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Runs only scenarios whose name, or whose file's name, holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// What carries the device: the simulator, or the emulated image for the RP2040 as well, which must do the same. That
    /// takes this repository and node; an hour of the animal's time takes some minutes.
    #[arg(long, value_enum, default_value_t = Body::Simulator)]
    body: Body,
    /// Leaves out on the emulated image what lasts longer than so many minutes of the animal's time.
    #[arg(long, value_name = "MINUTES")]
    longest: Option<u32>,
    /// How many scenarios run at the same time; as many as there are processors, if left out.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
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
        let jobs = self.jobs.or(thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let progress = Progress::new(u64::try_from(all.len()).unwrap_or(0), "scenarios");
        let simulated = side_by_side(&all, jobs, |(suite, scenario)| {
            let came = run(scenario, suite.stage());
            progress.done(1);
            came
        });
        progress.finish();
        let mut on_chip = chip.map(|chip| self.on_chip(&chip, &all, &simulated, jobs)).unwrap_or_default().into_iter();
        let scenarios = all.iter().zip(simulated);
        let came = scenarios.map(|((_, scenario), came)| told::Done { scenario, came, on_chip: on_chip.next() });
        let mut came = came.collect::<Vec<_>>().into_iter();
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

    /// Plays on the chip what holds on the simulator, the longest first, so that no processor is left with it at the end; what
    /// came of each, in the order of the scenarios.
    fn on_chip(
        &self,
        chip: &Chip,
        all: &[(&Suite, &Scenario)],
        simulated: &[Result<Ran, RunError>],
        jobs: usize,
    ) -> Vec<OnChip> {
        let longest_us = self.longest.map_or(i64::MAX, |minutes| i64::from(minutes) * 60_000_000);
        let mut came: Vec<OnChip> = Vec::with_capacity(all.len());
        let mut plays: Vec<(usize, &Ran)> = Vec::new();
        for (n, ran) in simulated.iter().enumerate() {
            came.push(match ran {
                Ok(ran) if ran.is_good() => {
                    plays.extend((ran.length_us <= longest_us).then_some((n, ran)));
                    OnChip::TooLong
                }
                // What does not hold needs no comparison.
                Ok(_) | Err(_) => OnChip::NothingToCompare,
            });
        }
        plays.sort_by_key(|(_, ran)| std::cmp::Reverse(ran.length_us));
        let seconds = |us: u64| us / 1_000_000;
        let all_s = plays.iter().map(|(_, ran)| seconds(ran.length_us.unsigned_abs())).sum();
        let progress = Progress::new(all_s, "s of the animal's time on the emulated RP2040");
        let compared = side_by_side(&plays, jobs, |(n, ran)| {
            let (suite, scenario) = all.get(*n)?;
            let played_s = Cell::new(0);
            Some(chip.compare(scenario, suite.stage(), ran, |played_us| {
                let now_s = seconds(played_us.min(ran.length_us.unsigned_abs()));
                if now_s > played_s.get() {
                    progress.done(now_s - played_s.replace(now_s));
                }
            }))
        });
        progress.finish();
        for ((n, _), compared) in plays.iter().zip(compared) {
            if let (Some(came), Some(compared)) = (came.get_mut(*n), compared) {
                *came = OnChip::Ran(Box::new(compared));
            }
        }
        came
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

/// Does something with each item, with so many at the same time; what came of it in the order of the items.
fn side_by_side<T: Sync, R: Send>(items: &[T], jobs: usize, does: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = jobs.min(items.len().max(1));
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
