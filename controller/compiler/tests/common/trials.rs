//! Runs a protocol trial by trial on the engine: an animal that answers once a second, and what became of every trial.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;

use compiler::Compiled;
use engine::{Engine, Given, Start};
use link::program::Program;
use link::record::Request;
use link::{EndReason, EventId, LineId, Micros, Record};

/// A trial as it was when it closed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trial {
    pub(crate) number: u32,
    pub(crate) outcome: String,
    /// Every variable that was ever recorded, by its name.
    pub(crate) values: BTreeMap<String, i64>,
    /// What was drawn in it: the variable, the value, the odds.
    pub(crate) draws: Vec<(String, i64, (i64, i64))>,
    /// Named events.
    pub(crate) events: Vec<String>,
    /// What was asked of outputs, but for switching them off.
    pub(crate) requests: Vec<(String, Request)>,
}

impl Trial {
    /// The value of a variable.
    pub(crate) fn value(&self, name: &str) -> i64 {
        *self.values.get(name).unwrap_or_else(|| panic!("{name} was never recorded: {self:?}"))
    }

    /// What was drawn into a variable.
    pub(crate) fn drawn(&self, name: &str) -> Option<(i64, (i64, i64))> {
        self.draws.iter().find(|(variable, ..)| variable == name).map(|(_, value, odds)| (*value, *odds))
    }
}

/// A session: its trials, and how it ended.
pub(crate) struct Session {
    pub(crate) compiled: Compiled,
    pub(crate) trials: Vec<Trial>,
    pub(crate) end: Option<EndReason>,
}

impl Session {
    /// A variable over the trials.
    pub(crate) fn column(&self, name: &str) -> Vec<i64> {
        self.trials.iter().map(|trial| trial.value(name)).collect()
    }

    /// A variable with labels over the trials.
    pub(crate) fn labels(&self, name: &str) -> Vec<&str> {
        let variable = self.compiled.symbols.variables.iter().find(|variable| variable.name == name).unwrap();
        self.column(name).iter().map(|value| variable.labels[*value as usize].as_str()).collect()
    }

    /// The outcomes of the trials.
    pub(crate) fn outcomes(&self) -> Vec<&str> {
        self.trials.iter().map(|trial| trial.outcome.as_str()).collect()
    }
}

/// Runs a protocol for so many answers, one a second. `answer` is told the trial under way and says which input is
/// touched for 1 ms; `""` for none.
pub(crate) fn session(
    compiled: Compiled,
    seed: u64,
    answers: u64,
    mut answer: impl FnMut(&Trial) -> &'static str,
) -> Session {
    let program = Program::open(&compiled.image).unwrap();
    let names = compiled.symbols.clone();
    let mut done: Vec<Trial> = Vec::new();
    let mut now = Trial::default();
    for (n, variable) in names.variables.iter().enumerate() {
        now.values.insert(variable.name.clone(), program.variable(n));
    }
    let mut end = None;
    let mut engine = Box::new(Engine::new());
    let mut told: Vec<(Micros, Record)> = Vec::new();
    engine.start(&program, Start { at: 1_000, seed, levels: 0, program: program.name() }, &mut |at, record| {
        told.push((at, record));
    });
    for second in 1..=answers {
        take(&names, &mut told, &mut now, &mut done, &mut end);
        let at = second * 1_000_000;
        let line = answer(&now);
        if let Some(line) = names.lines.iter().position(|known| known.name == line) {
            let line = LineId(line as u8);
            for (at, active) in [(at, true), (at + 1_000, false)] {
                engine.offer(at, Given::Edge { line, active }).unwrap();
            }
        }
        while engine.advance(&program, at + 999_999, 1_000, &mut |at, record| told.push((at, record))) {}
    }
    take(&names, &mut told, &mut now, &mut done, &mut end);
    Session { compiled, trials: done, end }
}

fn take(
    names: &compiler::Symbols,
    told: &mut Vec<(Micros, Record)>,
    now: &mut Trial,
    done: &mut Vec<Trial>,
    end: &mut Option<EndReason>,
) {
    for (at, record) in told.drain(..) {
        match record {
            Record::Trial { number } => {
                let values = now.values.clone();
                let closed = std::mem::replace(now, Trial { number, values, ..Trial::default() });
                if closed.number > 0 {
                    done.push(closed);
                } else {
                    // What came before the first trial.
                    now.draws = closed.draws;
                }
            }
            Record::Outcome(outcome) => now.outcome = names.outcomes[outcome.index()].clone(),
            Record::Set { variable, value } => {
                now.values.insert(names.variables[variable.index()].name.clone(), value);
            }
            Record::Draw { draw, value, odds } => {
                let variable = usize::from(names.draws[draw.index()].variable);
                let name = names.variables[variable].name.clone();
                now.values.insert(name.clone(), value);
                now.draws.push((name, value, odds));
            }
            Record::Event(event) => {
                now.events.push(names.events[usize::from(event.0 - EventId::NAMED)].clone());
            }
            Record::Request { line, request } if request != Request::Off => {
                now.requests.push((names.lines[line.index()].name.clone(), request));
            }
            Record::Fault(fault) => panic!("{fault:?} at {at} µs in trial {}", now.number),
            Record::End(reason) => *end = Some(reason),
            _ => {}
        }
    }
}
