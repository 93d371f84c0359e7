//! What was expected against what was seen. Every expectation is judged, and each that does not hold says what was
//! expected, what was seen and around when.
//!
//! A time without a tolerance is exact for whatever the program does. What an output does at its pin comes as late as the
//! body needs: by nothing up to `latency_us`; its widths and periods may be 1 µs off.

mod outputs;
mod rest;
mod states;

use compiler::scenario::{Expect, Moment, Place, STOPPED, Scenario, verdict_word};
use link::{EndReason, Record, Verdict};

use crate::seen::Seen;
use crate::timeline::{self, Line, seconds};

/// How far a width or a period of an output may be off, in µs, where nothing else is said.
const WIDTH_US: i64 = 1;

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where the expectation stands; that of the scenario for what nobody asked for.
    pub place: Place,
    /// What it is about: `states`, `water`, …
    pub about: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// The moment it is about, in µs from the start, if there is one.
    pub at_us: Option<i64>,
    /// What happened around that moment, and which line stands at it or behind it.
    pub around: (Vec<Line>, usize),
}

/// Judges a session by a scenario; `latency_us` is how long the body may take to an output's edge.
#[must_use]
pub fn judge(scenario: &Scenario, seen: &Seen<'_>, latency_us: i64) -> Vec<Failure> {
    let mut judge = Judge { seen, latency_us, failures: Vec::new(), place: scenario.place };
    judge.end(scenario);
    judge.draws(scenario);
    let asked = scenario.expect.iter().any(|expectation| matches!(expectation.what, Expect::Interlock(_)));
    if !asked {
        judge.nothing_refused();
    }
    judge.nothing_broken(scenario.expect.iter().any(|expectation| matches!(expectation.what, Expect::Breaches(_))));
    for expectation in &scenario.expect {
        judge.place = expectation.place;
        match &expectation.what {
            Expect::States { region, all, steps } => judge.states(*region, *all, steps),
            Expect::Output { line, does } => judge.output(*line, does),
            Expect::Happens { happening, when } => judge.happens(*happening, when),
            Expect::Outcomes(outcomes) => judge.outcomes(outcomes),
            Expect::Trials(rows) => judge.trials(rows),
            Expect::Variable { variable, value } => judge.variable(*variable, *value),
            Expect::Order(order) => judge.order(order),
            Expect::Never { what, during } => judge.never(*what, *during),
            Expect::Interlock(verdicts) => judge.interlock(verdicts),
            Expect::Breaches(breaches) => judge.breaches(breaches),
            Expect::End(end) => judge.ends_by(end),
        }
    }
    judge.failures
}

struct Judge<'a> {
    seen: &'a Seen<'a>,
    latency_us: i64,
    failures: Vec<Failure>,
    /// Of the expectation that is judged.
    place: Place,
}

impl Judge<'_> {
    fn fail(&mut self, about: &str, expected: impl Into<String>, seen: impl Into<String>, at_us: Option<i64>) {
        self.fail_at(self.place, about, expected, seen, at_us);
    }

    fn fail_at(
        &mut self,
        place: Place,
        about: &str,
        expected: impl Into<String>,
        seen: impl Into<String>,
        at_us: Option<i64>,
    ) {
        let around = at_us.map(|at| timeline::around(self.seen, at)).unwrap_or_default();
        let (about, expected, seen) = (about.to_owned(), expected.into(), seen.into());
        self.failures.push(Failure { place, about, expected, seen, at_us, around });
    }

    /// A scenario runs until what it names has happened; a session is over within an hour or says how long it runs.
    fn end(&mut self, scenario: &Scenario) {
        let length = self.seen.length_us;
        if self.seen.reached == Some(false) {
            let until = scenario.until.map(|until| crate::happened::written(self.seen.symbols, until));
            let until = until.unwrap_or_default();
            let seen = format!("it never happened within {}", seconds(length));
            self.fail("until", until, seen, Some(length));
        } else if scenario.run_us.is_none() && scenario.until.is_none() && self.seen.end.is_none() {
            let seen = format!("it was still running after {}", seconds(length));
            self.fail("end", "the session ends by itself, as nothing says how long it runs", seen, Some(length));
        }
    }

    fn draws(&mut self, scenario: &Scenario) {
        for forced in &scenario.draws {
            let drawn = self.seen.drawn(forced.variable);
            let symbol = self.seen.symbols.variables.get(forced.variable.index());
            let listed = |values: &[i64]| {
                let values = values.iter().map(|value| {
                    symbol.map_or_else(|| value.to_string(), |symbol| compiler::scenario::written(symbol, *value))
                });
                format!("[{}]", values.collect::<Vec<_>>().join(", "))
            };
            if !drawn.starts_with(&forced.values) {
                let first: Vec<i64> = drawn.into_iter().take(forced.values.len()).collect();
                let name = symbol.map_or("", |symbol| symbol.name.as_str()).to_owned();
                self.fail_at(forced.place, &format!("draws of {name}"), listed(&forced.values), listed(&first), None);
            }
        }
    }

    /// What the interlock did not carry out must have been expected.
    fn nothing_refused(&mut self) {
        let refused = self.seen.records.iter().find_map(|(at, record)| match record {
            Record::Verdict { line, verdict } if *verdict != Verdict::CutByEnd => Some((*at, *line, *verdict)),
            _ => None,
        });
        if let Some((at, line, verdict)) = refused {
            let line = self.line(line).to_owned();
            let verdict = verdict_word(verdict).map_or_else(|| format!("{verdict:?}"), str::to_owned);
            self.fail(
                "interlock",
                "everything asked of the outputs is carried out, as the scenario says nothing else",
                format!("{line}: {verdict} at {}", seconds(at)),
                Some(at),
            );
        }
    }

    /// No scenario may break an invariant, unless it says so, a bound of the engine or a rule of the device.
    fn nothing_broken(&mut self, breaches_are_said: bool) {
        let symbols = self.seen.symbols;
        let broken: Vec<(i64, String)> = self
            .seen
            .records
            .iter()
            .filter_map(|(at, record)| {
                let what = match record {
                    Record::Breach { invariant, line } if !breaches_are_said => {
                        let rule = symbols.invariants.get(invariant.index()).map_or("", String::as_str);
                        format!("a request on {} breaks the invariant `{rule}`", self.line(*line))
                    }
                    Record::Fault(fault) => format!("the program breaks a bound of the engine: {fault:?}"),
                    Record::Trip(cause) => format!("the interlock trips: {cause:?}"),
                    Record::Lost { count } => format!("{count} inputs are lost"),
                    Record::Input { late_us, .. } if *late_us > 0 => format!("an input is {late_us} µs late"),
                    Record::NotSensed { line, .. } => {
                        format!("what is read back of {} is not what it was commanded", self.line(*line))
                    }
                    _ => return None,
                };
                Some((*at, what))
            })
            .collect();
        if let Some((at, what)) = broken.into_iter().next() {
            self.fail("invariants", "nothing of that kind", format!("{what} at {}", seconds(at)), Some(at));
        }
    }

    fn ends_by(&mut self, end: &str) {
        let symbols = self.seen.symbols;
        let seen = match self.seen.end {
            None | Some(EndReason::Stopped) => STOPPED.to_owned(),
            Some(EndReason::Condition(n)) => symbols.ends.get(usize::from(n)).cloned().unwrap_or_default(),
            Some(other) => format!("{other:?}"),
        };
        if seen != end {
            self.fail("end", end, seen, Some(self.seen.length_us));
        }
    }

    fn line(&self, line: link::LineId) -> &str {
        self.seen.symbols.lines.get(line.index()).map_or("?", |line| line.name.as_str())
    }

    fn state(&self, state: link::StateId) -> &str {
        self.seen.symbols.states.get(state.index()).map_or("?", |state| state.name.as_str())
    }
}

/// Whether a time is as expected, where it must otherwise be exact.
fn exact(moment: Moment, us: i64) -> bool {
    within(moment, us, 0, 0)
}

/// The same where it may otherwise be earlier by `before` and later by `behind`.
fn within(moment: Moment, us: i64, before: i64, behind: i64) -> bool {
    match moment.tolerance_us.and_then(|us| i64::try_from(us).ok()) {
        Some(tolerance) => (us - moment.us).abs() <= tolerance,
        None => (moment.us - before..=moment.us + behind).contains(&us),
    }
}

/// A time as it is expected.
fn moment(moment: Moment) -> String {
    let tolerance = moment.tolerance_us.and_then(|us| i64::try_from(us).ok());
    let tolerance = tolerance.map_or_else(String::new, |us| format!(" ± {}", timeline::length(us)));
    format!("{}{tolerance}", seconds(moment.us))
}
