//! Every name of a protocol and the number it stands for. What expressions and actions are checked against; knows no
//! YAML and writes nothing.

use std::collections::HashMap;

use link::{EventId, LineId, OutcomeId, StateId, StimulusId, TimerId};

use crate::diagnostic::{Reporter, Span, listed};
use crate::expression::check::{Ir, Type};
use crate::fields;
use crate::kinds::Kind;
use crate::protocol::arrays::Array;
use crate::protocol::timers::Timer;
use crate::symbols::ParameterSymbol;

/// Where in the protocol something stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope {
    pub(crate) region: usize,
    pub(crate) state: Option<StateId>,
}

/// A variable, parameter or counter.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// None while it is not known, or after a mistake that was reported.
    pub(crate) ty: Option<Type>,
    pub(crate) initial: i64,
    pub(crate) column: bool,
    pub(crate) parameter: Option<ParameterSymbol>,
    pub(crate) origin: Origin,
}

/// Where a variable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Parameter,
    Declared,
    Counter,
    /// Named by a draw alone.
    Drawn,
    /// Worked out as a trial closes.
    Column,
    /// Fixed for the session: its stage, what was assigned, what was asked.
    Known,
    /// Given from outside: a value, or an operator's answer.
    Outside,
    /// Made by the compiler for something else that is declared; only that may change it.
    Made,
}

/// What stands behind the dot of a name that the compiler gives a meaning of its own: `decoded.age`, `placed.answer`.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) owner: String,
    pub(crate) member: &'static str,
    /// As a value.
    pub(crate) value: Option<(Ir, Type)>,
    /// As an event.
    pub(crate) event: Option<EventId>,
}

/// A line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) kind: &'static Kind,
}

/// A list, or a column of a table, which is called `table.column`.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) length: usize,
    /// The first of the variables its values lie in, if anything writes them; else they are constants.
    pub(crate) cells: Option<u16>,
}

/// A value that stands behind the point of a name: `block.number`, `trial_type.size`.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) owner: String,
    pub(crate) member: String,
    pub(crate) ir: Ir,
    pub(crate) ty: Type,
}

/// A state.
#[derive(Debug, Clone)]
pub(crate) struct StateName {
    /// Its own name.
    pub(crate) name: String,
    /// Its name with those of the states that hold it.
    pub(crate) path: String,
    pub(crate) region: usize,
    pub(crate) parent: Option<StateId>,
}

/// Every name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) variables: Vec<Variable>,
    pub(crate) lines: Vec<Line>,
    pub(crate) lists: Vec<List>,
    pub(crate) arrays: Vec<Array>,
    /// Inputs that must be steady, each with the kind of its line.
    pub(crate) stable: Vec<(String, &'static Kind)>,
    /// Timers that are told what they are.
    pub(crate) timers_told: Vec<Timer>,
    /// The array and the element of it that what is looked at stands for.
    pub(crate) element: Option<(usize, usize)>,
    /// Tables: their names, and the sets of labels that are their rows.
    pub(crate) tables: Vec<(String, usize)>,
    pub(crate) parts: Vec<Part>,
    pub(crate) timers: Vec<String>,
    pub(crate) outcomes: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) stimuli: Vec<String>,
    pub(crate) states: Vec<StateName>,
    /// The regions of the protocol.
    pub(crate) regions: Vec<String>,
    /// Names whose declaration was wrong, which was reported: whoever meets one stays silent.
    pub(crate) broken: Vec<String>,
    pub(crate) members: Vec<Member>,
    label_sets: Vec<Vec<String>>,
    by_name: HashMap<String, usize>,
}

impl Names {
    /// The lists a person named.
    pub(crate) fn told_lists(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| list.name.as_str()).filter(|name| fields::is_name(name))
    }

    /// The number of a set of labels; equal sets are one.
    pub(crate) fn label_set(&mut self, labels: Vec<String>) -> usize {
        if let Some(known) = self.label_sets.iter().position(|set| *set == labels) {
            return known;
        }
        self.label_sets.push(labels);
        self.label_sets.len() - 1
    }

    pub(crate) fn labels(&self, set: usize) -> &[String] {
        self.label_sets.get(set).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all_labels(&self) -> impl Iterator<Item = &str> {
        self.label_sets.iter().flatten().map(String::as_str)
    }

    /// Adds a variable; its number.
    pub(crate) fn add_variable(&mut self, variable: Variable) -> u16 {
        self.by_name.insert(variable.name.clone(), self.variables.len());
        self.variables.push(variable);
        index(self.variables.len() - 1)
    }

    pub(crate) fn variable(&self, name: &str) -> Option<(u16, &Variable)> {
        let at = *self.by_name.get(name)?;
        Some((index(at), self.variables.get(at)?))
    }

    pub(crate) fn line(&self, name: &str) -> Option<(LineId, &'static Kind)> {
        let at = self.lines.iter().position(|line| line.name == name)?;
        Some((LineId(u8::try_from(at).unwrap_or(u8::MAX)), self.lines.get(at)?.kind))
    }

    pub(crate) fn array(&self, name: &str) -> Option<(usize, &Array)> {
        self.arrays.iter().enumerate().find(|(_, array)| array.name.text == name)
    }

    pub(crate) fn list(&self, name: &str) -> Option<(u16, &List)> {
        let at = self.lists.iter().position(|list| list.name == name)?;
        Some((index(at), self.lists.get(at)?))
    }

    /// What stands behind the point of a name.
    pub(crate) fn parts<'n>(&'n self, owner: &'n str) -> impl Iterator<Item = &'n Part> {
        self.parts.iter().filter(move |part| part.owner == owner)
    }

    /// The set of labels that are the rows of a table.
    pub(crate) fn table(&self, name: &str) -> Option<usize> {
        self.tables.iter().find(|(table, _)| table == name).map(|(_, rows)| *rows)
    }

    pub(crate) fn timer(&self, name: &str) -> Option<TimerId> {
        let at = self.timers.iter().position(|timer| timer == name)?;
        Some(TimerId(u8::try_from(at).unwrap_or(u8::MAX)))
    }

    pub(crate) fn outcome(&self, name: &str) -> Option<OutcomeId> {
        self.outcomes.iter().position(|outcome| outcome == name).map(|at| OutcomeId(index(at)))
    }

    pub(crate) fn stimulus(&self, name: &str) -> Option<StimulusId> {
        self.stimuli.iter().position(|stimulus| stimulus == name).map(|at| StimulusId(index(at)))
    }

    /// A named event.
    pub(crate) fn event(&self, name: &str) -> Option<EventId> {
        self.events.iter().position(|event| event == name).map(|at| EventId::named(index(at)))
    }

    /// What the compiler knows of a name behind its dot.
    pub(crate) fn members<'n>(&'n self, owner: &'n str) -> impl Iterator<Item = &'n Member> {
        self.members.iter().filter(move |member| member.owner == owner)
    }

    /// The variables a person has named, for messages; the compiler's own have a dot.
    pub(crate) fn told_variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| variable.name.as_str()).filter(|name| !name.contains('.'))
    }

    /// The same of timers.
    pub(crate) fn told_timers(&self) -> impl Iterator<Item = &str> {
        self.timers.iter().map(String::as_str).filter(|name| !name.contains('.'))
    }

    /// Whether a name is declared, but wrongly.
    pub(crate) fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|broken| broken == name)
    }

    pub(crate) fn has_state(&self, name: &str) -> bool {
        self.states.iter().any(|state| state.name == name)
    }

    pub(crate) fn state(&self, id: StateId) -> Option<&StateName> {
        self.states.get(id.index())
    }

    /// The state a name means, looked for among the children of the state it is used in, then of each that holds it.
    pub(crate) fn resolve_state(&self, path: &str, scope: Scope) -> Option<StateId> {
        let mut holder = scope.state;
        loop {
            if let Some(found) = self.descend(path, scope.region, holder) {
                return Some(found);
            }
            holder = self.state(holder?).and_then(|state| state.parent);
        }
    }

    fn descend(&self, path: &str, region: usize, mut holder: Option<StateId>) -> Option<StateId> {
        for name in path.split('.') {
            let found = self
                .states
                .iter()
                .position(|state| state.region == region && state.parent == holder && state.name == name)?;
            holder = Some(StateId(index(found)));
        }
        holder
    }

    /// The same, in any region if its own has none, `region.state` in that one; a name that means nothing, or several states, is
    /// reported.
    pub(crate) fn find_state(&self, path: &str, scope: Scope, reporter: &mut Reporter, span: Span) -> Option<StateId> {
        if let Some(own) = self.resolve_state(path, scope) {
            return Some(own);
        }
        let within = |region, path: &str| self.resolve_state(path, Scope { region, state: None });
        let of_region = path.split_once('.').and_then(|(name, path)| {
            let region = self.regions.iter().position(|region| region == name)?;
            within(region, path)
        });
        if of_region.is_some() {
            return of_region;
        }
        let regions = 0..self.regions.len();
        let found: Vec<(usize, StateId)> = regions.filter_map(|n| Some((n, within(n, path)?))).collect();
        match found.as_slice() {
            [] => self.unknown_state(path, None, reporter, span),
            [(_, state)] => return Some(*state),
            several => {
                let all: Vec<String> = several
                    .iter()
                    .filter_map(|(n, _)| self.regions.get(*n))
                    .map(|region| format!("{region}.{path}"))
                    .collect();
                let all = listed(all.iter().map(String::as_str));
                reporter
                    .error("E073-unknown-state", span, format!("`{path}` may be any of {all}"))
                    .help("write the one that is meant, with its region");
            }
        }
        None
    }

    /// Reports a state that is not there; `region` limits what is suggested.
    pub(crate) fn unknown_state(&self, path: &str, region: Option<usize>, reporter: &mut Reporter, span: Span) {
        let here = self.states.iter().filter(|state| region.is_none_or(|region| state.region == region));
        // The roots that hold what goes on everywhere have no name.
        let known: Vec<&str> = here.filter(|state| !state.name.is_empty()).map(|state| state.name.as_str()).collect();
        if known.is_empty() {
            return;
        }
        reporter.error("E073-unknown-state", span, format!("there is no state `{path}`")).near(
            path,
            known.iter().copied(),
            |known| Some(format!("states are {}", listed(known.iter().copied().take(12)))),
        );
    }
}

/// A position as the device counts. Tables longer than that are reported as too long before anything is written.
pub(crate) fn index(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
