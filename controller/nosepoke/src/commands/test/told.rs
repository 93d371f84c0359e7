//! What `nosepoke test` says: which scenarios hold, what does not and what happened around it, what is not covered.

use compiler::scenario::Scenario;
use controller::scenarios::{ChipError, Compared, Ran, RunError, Suite, SuiteError, Widest};
use controller::tell;
use journal::{Difference, ReplayReport};
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
    /// The same on the emulated chip, if that was asked for.
    pub(super) on_chip: Option<OnChip>,
}

/// What came of a scenario on the emulated chip.
pub(super) enum OnChip {
    /// It was played there.
    Ran(Box<std::result::Result<Compared, ChipError>>),
    /// It lasts longer than is asked for.
    TooLong,
    /// It does not hold on the simulator.
    NothingToCompare,
}

impl OnChip {
    fn compared(&self) -> Option<&Compared> {
        if let Self::Ran(ran) = self { ran.as_ref().as_ref().ok() } else { None }
    }

    fn is_good(&self) -> bool {
        match self {
            Self::Ran(_) => self.compared().is_some_and(Compared::is_good),
            Self::TooLong | Self::NothingToCompare => true,
        }
    }
}

impl Done<'_> {
    fn is_good(&self) -> bool {
        self.came.as_ref().is_ok_and(Ran::is_good) && self.on_chip.as_ref().is_none_or(OnChip::is_good)
    }
}

impl Result<'_> {
    pub(super) fn is_good(&self) -> bool {
        self.scenarios.iter().all(Done::is_good) && self.coverage.as_ref().is_none_or(Coverage::is_whole)
    }
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
    beside(results)
}

/// How many ran on the chip too, how far the two bodies lay apart at most, and what was left out there.
fn beside(results: &[Result<'_>]) -> std::result::Result<(), Complaint> {
    let all = || results.iter().flat_map(|result| &result.scenarios).filter_map(|done| done.on_chip.as_ref());
    if all().next().is_none() {
        return Ok(());
    }
    let compared = || all().filter_map(OnChip::compared);
    let (ran, same) = (compared().count(), compared().filter(|compared| compared.is_good()).count());
    let count = |like: fn(&OnChip) -> bool| all().filter(|on_chip| like(on_chip)).count();
    let left_out = [
        (count(|on_chip| matches!(on_chip, OnChip::TooLong)), "last longer than is asked for"),
        (count(|on_chip| matches!(on_chip, OnChip::NothingToCompare)), "do not hold on the simulator"),
        (count(|on_chip| matches!(on_chip, OnChip::Ran(ran) if ran.is_err())), "could not be run"),
    ];
    let not_on_chip = left_out.iter().map(|(count, _)| count).sum::<usize>();
    let why: Vec<String> =
        left_out.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    say(format_args!(
        "{ran} played on the emulated RP2040 as well, {same} of them the same; {not_on_chip} not on it{why}"
    ))?;
    let Some(allowed) = compared().next().map(|compared| compared.allowed) else { return Ok(()) };
    let widest = compared().map(Compared::widest).reduce(Widest::max).unwrap_or_default();
    let sum = |of: fn(&Compared) -> usize| compared().map(of).sum::<usize>();
    say(format_args!(
        "  {} records: at most {} µs apart ({} may be)",
        sum(|compared| compared.found.records),
        widest.told_us,
        allowed.stamp_us
    ))?;
    say(format_args!(
        "  {} of the interlock: at most {} µs of a session's first step ({} may be), {} µs of all others ({} may be)",
        sum(|compared| compared.found.edges),
        widest.start_us,
        allowed.start_us,
        widest.interlock_us,
        allowed.interlock_us
    ))?;
    let (samples, unlike) = (sum(|compared| compared.found.samples), sum(|compared| compared.found.unlike.0));
    if samples > 0 {
        say(format_args!("  {samples} samples: {unlike} of wheels that had turned on when they were read"))?;
    }
    match sum(|compared| usize::from(compared.echoed.is_some())) {
        0 => Ok(()),
        told => say(format_args!(
            "  {told} in which something is said from outside: it reached the chip at most {} µs later",
            widest.outside_us
        )),
    }
}

/// What came of a scenario on the chip.
fn chip(on_chip: &OnChip) -> std::result::Result<(), Complaint> {
    let OnChip::Ran(ran) = on_chip else { return Ok(()) };
    let compared = match &**ran {
        Err(error) => return say(format_args!("      on the emulated RP2040: {error}")),
        Ok(compared) => compared,
    };
    let part = |between: &str, difference: &Difference| {
        let told = difference.to_string().replace('\n', "\n      ");
        say(format_args!("      {between}: {told}"))
    };
    for difference in &compared.found.differences {
        part("simulator and emulated RP2040", difference)?;
    }
    for difference in compared.echoed.iter().flat_map(|echoed| &echoed.differences) {
        part(
            "the simulator, and the same with what is said from outside as late as it reaches the RP2040",
            difference,
        )?;
    }
    match &compared.replay {
        Err(failure) => say(format_args!("      the journal of the emulated RP2040 does not replay: {failure}")),
        Ok(report) if !report.is_clean() => {
            say(format_args!("      the journal of the emulated RP2040 does not replay: {report}"))
        }
        Ok(_) => Ok(()),
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
    let length_us = came.as_ref().ok().map(|ran| ran.length_us);
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
        "scenario": scenario.name, "line": scenario.place.line, "good": done.is_good(), "seed": seed, "length_us": length_us,
        "failures": failures, "error": error, "emulated": on_chip.as_ref().map(chip_as_json),
    })
}

fn chip_as_json(on_chip: &OnChip) -> serde_json::Value {
    let left_out = |why: &str| serde_json::json!({"good": true, "left_out": why});
    match on_chip {
        OnChip::TooLong => left_out("it lasts longer than is asked for"),
        OnChip::NothingToCompare => left_out("it does not hold on the simulator"),
        OnChip::Ran(ran) => {
            let compared = match &**ran {
                Err(error) => return serde_json::json!({"good": false, "error": error.to_string()}),
                Ok(compared) => compared,
            };
            let Widest { told_us, start_us, interlock_us, outside_us } = compared.widest();
            let differences = compared.found.differences.iter();
            let echoed = compared.echoed.iter().flat_map(|echoed| &echoed.differences);
            serde_json::json!({
                "good": compared.is_good(), "records": compared.found.records, "edges": compared.found.edges,
                "widest_us": told_us, "widest_of_interlock_us": interlock_us, "widest_of_first_step_us": start_us,
                "widest_from_outside_us": outside_us,
                "differences": differences.chain(echoed).map(ToString::to_string).collect::<Vec<_>>(),
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
