//! What `nosepoke test` says: which scenarios hold, what does not and what happened around it, what is not covered.

use std::io::IsTerminal;

use compiler::scenario::Scenario;
use controller::scenarios::{ChipError, Compared, LONGEST_ON_CHIP_US, Ran, RunError, Suite, SuiteError};
use controller::tell;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use journal::ReplayReport;
use scenario::timeline::seconds;
use scenario::{Coverage, Failure};

use super::super::{Complaint, draw, say};

/// A test file with what came of its scenarios.
pub(super) struct Result<'s> {
    pub(super) suite: &'s Suite,
    pub(super) scenarios: Vec<Done<'s>>,
    /// What they cover; none if not all were run.
    pub(super) coverage: Option<Coverage>,
}

/// A scenario with what came of it.
pub(super) struct Done<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) came: std::result::Result<Ran, RunError>,
    /// The same on the emulated chip, if that was asked for and it held on the simulator.
    pub(super) on_chip: Option<std::result::Result<Compared, ChipError>>,
}

impl Done<'_> {
    fn is_good(&self) -> bool {
        let same = |on_chip: &std::result::Result<Compared, ChipError>| on_chip.as_ref().is_ok_and(Compared::is_good);
        self.came.as_ref().is_ok_and(Ran::is_good) && self.on_chip.as_ref().is_none_or(same)
    }
}

impl Result<'_> {
    pub(super) fn is_good(&self) -> bool {
        self.scenarios.iter().all(Done::is_good) && self.coverage.as_ref().is_none_or(Coverage::is_whole)
    }
}

/// The line that moves while scenarios run, on a terminal.
pub(super) fn progress(scenarios: usize) -> ProgressBar {
    let shown = std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(u64::try_from(scenarios).ok(), target);
    // A template that does not read leaves the bar as it is by itself.
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} scenarios") {
        bar.set_style(style);
    }
    bar
}

/// All of it, for a person.
pub(super) fn text(unread: &[SuiteError], results: &[Result<'_>]) -> std::result::Result<(), Complaint> {
    for error in unread {
        tell!("{}", draw(&error.found).trim_end());
    }
    for result in results {
        let file = result.suite.path.display().to_string();
        say(&file)?;
        for done in &result.scenarios {
            say(format_args!("  {} {}", if done.is_good() { '✓' } else { '✗' }, done.scenario.name))?;
            scenario(&file, &done.came)?;
            if let Some(on_chip) = &done.on_chip {
                chip(on_chip)?;
            }
        }
        if let Some(coverage) = &result.coverage {
            self::coverage(result.suite, coverage)?;
        }
    }
    let all = results.iter().flat_map(|result| &result.scenarios);
    let (all, good) = (all.clone().count(), all.filter(|done| done.is_good()).count());
    let files = match (results.len(), unread.len()) {
        (1, 0) => "in 1 file".to_owned(),
        (read, 0) => format!("in {read} files"),
        (read, unread) => format!("in {read} files; {unread} could not be read"),
    };
    let uncovered =
        results.iter().filter(|result| result.coverage.as_ref().is_some_and(|found| !found.is_whole())).count();
    let verdict = match (all, all - good) {
        (0, _) => "no scenario was run".to_owned(),
        (1, 0) => "the one scenario holds".to_owned(),
        (1, _) => "the one scenario does not hold".to_owned(),
        (all, 0) => format!("all {all} scenarios hold"),
        (all, bad) => format!("{bad} of {all} scenarios do not hold"),
    };
    let uncovered = match uncovered {
        0 => String::new(),
        1 => "; 1 file leaves something uncovered".to_owned(),
        files => format!("; {files} files leave something uncovered"),
    };
    say(format_args!("{verdict} {files}{uncovered}"))?;
    widest(results)
}

/// How far the two bodies lay apart at most, where both ran.
fn widest(results: &[Result<'_>]) -> std::result::Result<(), Complaint> {
    let compared = || {
        let all = results.iter().flat_map(|result| &result.scenarios);
        all.filter_map(|done| done.on_chip.as_ref()?.as_ref().ok())
    };
    let Some(first) = compared().next() else { return Ok(()) };
    let most = |of: fn(&Compared) -> u64| compared().map(of).max().unwrap_or(0);
    say(format_args!(
        "on the emulated RP2040: {} records and {} of the interlock's compared; at most {} µs apart, and {} µs what the \
         interlock did ({} µs may be)",
        compared().map(|compared| compared.found.records).sum::<usize>(),
        compared().map(|compared| compared.found.edges).sum::<usize>(),
        most(|compared| compared.widest_us().1),
        most(|compared| compared.widest_us().0),
        first.interlock_us
    ))?;
    let all = results.iter().flat_map(|result| &result.scenarios);
    let ran = all.filter_map(|done| done.came.as_ref().ok());
    match ran.filter(|ran| ran.is_good() && ran.length_us > LONGEST_ON_CHIP_US).count() {
        0 => Ok(()),
        long => say(format_args!("{long} of the scenarios last longer than 5 min and were not run on it")),
    }
}

/// What came of a scenario on the chip.
fn chip(on_chip: &std::result::Result<Compared, ChipError>) -> std::result::Result<(), Complaint> {
    match on_chip {
        Err(error) => say(format_args!("      on the emulated RP2040: {error}")),
        Ok(compared) => {
            for difference in &compared.found.differences {
                let told = difference.to_string().replace('\n', "\n      ");
                say(format_args!("      simulator and emulated RP2040: {told}"))?;
            }
            match &compared.replay {
                Err(failure) => {
                    say(format_args!("      the journal of the emulated RP2040 does not replay: {failure}"))
                }
                Ok(report) if !report.is_clean() => {
                    say(format_args!("      the journal of the emulated RP2040 does not replay: {report}"))
                }
                Ok(_) => Ok(()),
            }
        }
    }
}

fn scenario(file: &str, came: &std::result::Result<Ran, RunError>) -> std::result::Result<(), Complaint> {
    match came {
        Ok(ran) => {
            for failure in &ran.failures {
                say(written(file, failure))?;
            }
            if let Some(replay) = bad_replay(ran) {
                say(format_args!("      its journal does not replay: {replay}"))?;
            }
            if ran.searched {
                say(format_args!("      seed {0} gives these draws; `seed: {0}` saves the search", ran.seed))?;
            }
            Ok(())
        }
        Err(RunError::Protocol(found)) => {
            say("      the protocol does not compile with what the scenario sets:")?;
            tell!("{}", draw(found).trim_end());
            Ok(())
        }
        Err(error) => say(format_args!("      {error}")),
    }
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

fn coverage(suite: &Suite, coverage: &Coverage) -> std::result::Result<(), Complaint> {
    let counts = coverage.counts.iter().filter(|count| count.all > 0);
    let counts: Vec<String> =
        counts.map(|count| format!("{} {} of {}", count.kind, count.covered, count.all)).collect();
    say(format_args!("  covered: {}", counts.join(", ")))?;
    let protocol = &suite.protocol.name;
    for missing in &coverage.missing {
        let place =
            missing.place.map_or_else(|| protocol.clone(), |at| format!("{protocol}:{}:{}", at.line, at.column));
        say(format_args!("    not covered: {}  ({place})", missing.what))?;
    }
    if !coverage.missing.is_empty() {
        say("    cover it by a scenario, or write under `allow` why it need not be")?;
    }
    for (missing, reason) in &coverage.allowed {
        say(format_args!("    allowed: {}: {reason}", missing.what))?;
    }
    for (allow, covered) in &coverage.idle {
        let why = if *covered { "it is covered" } else { "there is no such thing" };
        let (file, place) = (suite.path.display(), allow.place);
        say(format_args!("    {file}:{}:{}: `{}` need not be allowed: {why}", place.line, place.column, allow.what))?;
    }
    coverage.untold.map_or(Ok(()), |why| say(format_args!("    which rows are taken cannot be told: {why}")))
}

/// All of it, for a program.
pub(super) fn json(unread: &[SuiteError], results: &[Result<'_>]) -> std::result::Result<(), Complaint> {
    let unread =
        unread.iter().map(|error| serde_json::json!({"test": error.path, "good": false, "findings": error.found}));
    let results = results.iter().map(|result| {
        serde_json::json!({
            "test": result.suite.path,
            "good": result.is_good(),
            "scenarios": result.scenarios.iter().map(as_json).collect::<Vec<_>>(),
            "coverage": result.coverage.as_ref().map(coverage_as_json),
        })
    });
    say(format_args!("{:#}", serde_json::Value::Array(unread.chain(results).collect())))
}

fn as_json(done: &Done<'_>) -> serde_json::Value {
    let Done { scenario, came, on_chip } = done;
    let (failures, error, seed) = match came {
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
            (vec![found.to_json()], Some("the protocol does not compile with what the scenario sets".to_owned()), None)
        }
        Err(error) => (Vec::new(), Some(error.to_string()), None),
    };
    serde_json::json!({
        "scenario": scenario.name, "line": scenario.place.line, "good": done.is_good(), "seed": seed,
        "failures": failures, "error": error, "emulated": on_chip.as_ref().map(chip_as_json),
    })
}

fn chip_as_json(on_chip: &std::result::Result<Compared, ChipError>) -> serde_json::Value {
    match on_chip {
        Err(error) => serde_json::json!({"good": false, "error": error.to_string()}),
        Ok(compared) => {
            let (interlock_us, others_us) = compared.widest_us();
            serde_json::json!({
                "good": compared.is_good(), "records": compared.found.records, "edges": compared.found.edges,
                "widest_us": others_us, "widest_of_interlock_us": interlock_us,
                "differences": compared.found.differences.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        }
    }
}

fn coverage_as_json(coverage: &Coverage) -> serde_json::Value {
    let counts = coverage
        .counts
        .iter()
        .map(|count| (count.kind.to_owned(), serde_json::json!({"all": count.all, "covered": count.covered})));
    let missing = coverage.missing.iter().map(|missing| {
        serde_json::json!({
            "what": missing.what, "line": missing.place.map(|at| at.line), "column": missing.place.map(|at| at.column),
        })
    });
    let allowed =
        coverage.allowed.iter().map(|(missing, reason)| serde_json::json!({"what": missing.what, "reason": reason}));
    serde_json::json!({
        "whole": coverage.is_whole(),
        "counts": counts.collect::<serde_json::Map<_, _>>(),
        "missing": missing.collect::<Vec<_>>(),
        "allowed": allowed.collect::<Vec<_>>(),
        "allowed_for_nothing": coverage.idle.iter().map(|(allow, _)| allow.what.clone()).collect::<Vec<_>>(),
        "untold": coverage.untold,
    })
}
