//! What `nosepoke test` says: which scenarios hold, what does not and what happened around it, what is not covered.

use std::io::IsTerminal;

use compiler::scenario::Scenario;
use controller::scenarios::{Ran, RunError, Suite, SuiteError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use journal::ReplayReport;
use scenario::timeline::seconds;
use scenario::{Coverage, Failure};

use super::super::{Complaint, draw, say};

/// A test file with what came of its scenarios.
pub(super) struct Result<'s> {
    pub(super) suite: &'s Suite,
    pub(super) scenarios: Vec<(&'s Scenario, std::result::Result<Ran, RunError>)>,
    /// What they cover; none if not all were run.
    pub(super) coverage: Option<Coverage>,
}

impl Result<'_> {
    pub(super) fn is_good(&self) -> bool {
        self.scenarios.iter().all(|(_, came)| is_good(came)) && self.coverage.as_ref().is_none_or(Coverage::is_whole)
    }
}

fn is_good(came: &std::result::Result<Ran, RunError>) -> bool {
    came.as_ref().is_ok_and(Ran::is_good)
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
        eprint!("{}", draw(&error.found));
    }
    for result in results {
        let file = result.suite.path.display().to_string();
        say(&file)?;
        for (scenario, came) in &result.scenarios {
            say(format_args!("  {} {}", if is_good(came) { '✓' } else { '✗' }, scenario.name))?;
            self::scenario(&file, came)?;
        }
        if let Some(coverage) = &result.coverage {
            self::coverage(result.suite, coverage)?;
        }
    }
    let all = results.iter().flat_map(|result| &result.scenarios);
    let (all, good) = (all.clone().count(), all.filter(|(_, came)| is_good(came)).count());
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
    say(format_args!("{verdict} {files}{uncovered}"))
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
            eprint!("{}", draw(found));
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
            "scenarios": result.scenarios.iter().map(|(scenario, came)| as_json(scenario, came)).collect::<Vec<_>>(),
            "coverage": result.coverage.as_ref().map(coverage_as_json),
        })
    });
    say(format_args!("{:#}", serde_json::Value::Array(unread.chain(results).collect())))
}

fn as_json(scenario: &Scenario, came: &std::result::Result<Ran, RunError>) -> serde_json::Value {
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
        "scenario": scenario.name, "line": scenario.place.line, "good": is_good(came), "seed": seed,
        "failures": failures, "error": error,
    })
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
