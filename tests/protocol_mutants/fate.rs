//! What becomes of a mutation: whether `check` or a scenario of its protocol notices it. Owns in which order it is asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use compiler::{Options, Source, scenario};
use controller::scenarios::{Suite, judged, suite};

use crate::mutate::{self, Mutation};

/// What became of a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// `check` says something that it does not say of the protocol.
    ByCheck,
    /// A scenario does not hold, or does not read any more.
    ByScenario,
    /// Nothing notices it.
    Left,
}

/// A protocol that is to be mutated.
pub(crate) struct Trial {
    /// The name of its file.
    pub(crate) name: String,
    suite: Suite,
    test: Source,
    all: Vec<Mutation>,
    /// Its scenarios by their place in the file, those that are quick before those that take long: one that does not hold
    /// is enough.
    order: Vec<usize>,
}

impl Trial {
    /// Reads a protocol and its scenarios, and runs them as they stand.
    ///
    /// # Errors
    /// If something does not read, or a scenario does not hold: nothing can be told by it then.
    pub(crate) fn of(path: &Path) -> Result<Self, String> {
        let test_path = suite::test_of(path);
        let suite = Suite::read(&test_path).map_err(|error| format!("{}: {}", error.path.display(), error.found))?;
        let test = Source::read(&test_path).map_err(|found| found.to_string())?;
        let all = mutate::mutations(&suite.protocol.text);
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut took = Vec::new();
        for (n, scenario) in suite.file.scenarios.iter().enumerate() {
            let began = Instant::now();
            match judged(scenario, suite.stage()) {
                Ok(ran) if ran.is_good() => took.push((began.elapsed(), n)),
                Ok(_) => return Err(format!("{}: `{}` does not hold", test_path.display(), scenario.name)),
                Err(error) => return Err(format!("{}: `{}`: {error}", test_path.display(), scenario.name)),
            }
        }
        took.sort();
        let order = took.into_iter().map(|(_, n)| n).collect();
        Ok(Self { name, suite, test, all, order })
    }

    /// The fate of each mutation, in order.
    pub(crate) fn fates(&self) -> Vec<(&Mutation, Fate)> {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let done = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((n, mutation)) = {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        self.all.get(n).map(|mutation| (n, mutation))
                    } {
                        let fate = self.fate(mutation);
                        done.lock().unwrap_or_else(PoisonError::into_inner).insert(n, fate);
                    }
                });
            }
        });
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.all.iter().zip(done.into_values()).collect()
    }

    fn fate(&self, mutation: &Mutation) -> Fate {
        let suite = &self.suite;
        let protocol = Source { name: suite.protocol.name.clone(), text: mutation.text.clone() };
        let Ok(compiled) = compiler::compile(&protocol, &suite.rig, &Options::default()) else { return Fate::ByCheck };
        let known = warnings(&suite.compiled);
        if warnings(&compiled).iter().any(|warning| !known.contains(warning)) {
            return Fate::ByCheck;
        }
        let Ok(file) = scenario::read(&self.test, &compiled.symbols) else { return Fate::ByScenario };
        let mutated = Suite { protocol, compiled, ..suite.clone() };
        let holds = |scenario| judged(scenario, mutated.stage()).is_ok_and(|ran| ran.is_good());
        let mut scenarios = self.order.iter().filter_map(|n| file.scenarios.get(*n));
        if scenarios.all(holds) { Fate::Left } else { Fate::ByScenario }
    }
}

/// What is said of a protocol that is probably not as meant: each finding by its code and the words it is told with.
fn warnings(compiled: &compiler::Compiled) -> Vec<(&'static str, String)> {
    compiled.warnings.list.iter().map(|warning| (warning.code, warning.message.clone())).collect()
}
