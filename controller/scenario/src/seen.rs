//! A session as far as a scenario runs it: its records with their times from the start, up to where the scenario ends.

use compiler::scenario::{Happening, Level, Scenario};
use compiler::symbols::Symbols;
use journal::Session;
use link::program::Program;
use link::{EndReason, LineId, Micros, Record, StateId, VariableId};

use crate::happened::Follower;

/// What was seen of a session.
#[derive(Debug, Clone)]
pub struct Seen<'s> {
    /// The names behind the numbers.
    pub symbols: &'s Symbols,
    /// Records in the journal's order, with their times in µs from the start; inputs as they were stamped.
    pub records: Vec<(i64, Record)>,
    /// How far the scenario goes, in µs from the start.
    pub length_us: i64,
    /// Why the session ended, if it did within the scenario.
    pub end: Option<EndReason>,
    /// Whether what the scenario runs until has happened; none if it names nothing.
    pub reached: Option<bool>,
    /// What each variable held at the start.
    initial: Vec<i64>,
    /// Levels of inputs found at the start.
    levels: u32,
}

impl<'s> Seen<'s> {
    /// A session as far as `scenario` runs it; none if it never started.
    #[must_use]
    pub fn of(session: &Session, symbols: &'s Symbols, scenario: &Scenario) -> Option<Self> {
        let (start, levels) = session.records().find_map(|(_, at, record)| match record {
            Record::Start { levels, .. } => Some((at, levels)),
            _ => None,
        })?;
        let program = Program::open(&session.header.program).ok();
        let initial = symbols.variables.iter().enumerate().map(|(n, variable)| {
            let own = variable.parameter.as_ref().map(|parameter| parameter.value);
            own.or_else(|| program.as_ref().map(|program| program.variable(n))).unwrap_or(0)
        });
        let mut seen = Self {
            symbols,
            records: Vec::new(),
            length_us: 0,
            end: None,
            reached: scenario.until.map(|_| false),
            initial: initial.collect(),
            levels,
        };
        let limit = scenario.run_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(i64::MAX);
        let mut cut = limit;
        let mut follower = Follower::new(symbols);
        for (_, at, record) in session.records() {
            let since = at.cast_signed().saturating_sub(start.cast_signed());
            if seen.reached == Some(false) && since <= limit {
                follower.hear(symbols, &record, |happening| {
                    if Some(happening) == scenario.until {
                        seen.reached = Some(true);
                        cut = since;
                    }
                });
            }
            // An edge may stand behind records of later microseconds.
            if since > cut {
                continue;
            }
            match record {
                Record::End(reason) => {
                    seen.end = Some(reason);
                    cut = cut.min(since);
                }
                Record::Input { line, active, late_us } => {
                    let stamped = since - i64::from(late_us);
                    seen.records.push((stamped, Record::Input { line, active, late_us }));
                    continue;
                }
                _ => {}
            }
            seen.records.push((since, record));
        }
        let last = seen.records.iter().map(|(at, _)| *at).max().unwrap_or(0);
        seen.length_us = if cut == i64::MAX { last } else { cut };
        Some(seen)
    }

    /// When something happens, in order of time.
    #[must_use]
    pub fn times(&self, happening: Happening) -> Vec<i64> {
        let mut found = Vec::new();
        self.happenings(|at, happens| {
            if happens == happening {
                found.push(at);
            }
        });
        found.sort_unstable();
        found
    }

    /// Everything that happens, in the journal's order.
    pub fn happenings(&self, mut tell: impl FnMut(i64, Happening)) {
        let mut follower = Follower::new(self.symbols);
        for (at, record) in &self.records {
            follower.hear(self.symbols, record, |happening| tell(*at, happening));
        }
    }

    /// When a level holds: from, to, in order; the last may reach to the end.
    #[must_use]
    pub fn intervals(&self, level: Level) -> Vec<(i64, i64)> {
        match level {
            Level::In(state) => self.between(false, Happening::Enter(state), Happening::Leave(state)),
            Level::Output { line, on } => {
                self.between(!on, Happening::Output { line, on }, Happening::Output { line, on: !on })
            }
            Level::Input { line, active } => {
                let at_start = (self.levels & line.bit() != 0) == active;
                let (on, off) = (Happening::Input { line, active }, Happening::Input { line, active: !active });
                self.between(at_start, on, off)
            }
        }
    }

    fn between(&self, at_start: bool, from: Happening, to: Happening) -> Vec<(i64, i64)> {
        let mut marks = Vec::new();
        self.happenings(|at, happens| {
            if happens == from || happens == to {
                marks.push((at, happens == from));
            }
        });
        // What happened in one microsecond keeps its order.
        marks.sort_by_key(|(at, _)| *at);
        let (mut found, mut since) = (Vec::new(), at_start.then_some(0));
        for (at, begins) in marks {
            match (begins, since) {
                (true, None) => since = Some(at),
                (false, Some(from)) => {
                    found.push((from, at));
                    since = None;
                }
                _ => {}
            }
        }
        found.extend(since.map(|from| (from, self.length_us.max(from))));
        found
    }

    /// The times an output is on: when it goes on, and for how long; none for one that is still on.
    #[must_use]
    pub fn on(&self, line: LineId) -> Vec<(i64, Option<i64>)> {
        let edges = self.records.iter().filter_map(|(at, record)| match record {
            Record::Edge { line: of, on } if *of == line => Some((*at, *on)),
            _ => None,
        });
        // A line's edges stand in their order, also where it goes off and on again within one microsecond.
        let mut found: Vec<(i64, Option<i64>)> = Vec::new();
        for (at, on) in edges {
            match (on, found.last_mut()) {
                (true, _) => found.push((at, None)),
                (false, Some((from, width @ None))) => *width = Some(at - *from),
                (false, _) => {}
            }
        }
        found
    }

    /// The states a region enters, without the root that no protocol names.
    #[must_use]
    pub fn states(&self, region: link::RegionId) -> Vec<(i64, StateId)> {
        let entered = self.records.iter().filter_map(|(at, record)| match record {
            Record::Enter { region: of, state } if *of == region => Some((*at, *state)),
            _ => None,
        });
        entered.filter(|(_, state)| !crate::happened::is_root(self.symbols, *state)).collect()
    }

    /// What each variable holds after the first `records` records.
    #[must_use]
    pub fn values(&self, records: usize) -> Vec<i64> {
        let mut values = self.initial.clone();
        for (_, record) in self.records.iter().take(records) {
            if let Some((variable, value)) = assigned(record, self.symbols)
                && let Some(slot) = values.get_mut(variable.index())
            {
                *slot = value;
            }
        }
        values
    }

    /// What a variable was drawn, one draw after the other.
    #[must_use]
    pub fn drawn(&self, variable: VariableId) -> Vec<i64> {
        let drawn = self.records.iter().filter(|(_, record)| matches!(record, Record::Draw { .. }));
        drawn
            .filter_map(|(_, record)| assigned(record, self.symbols))
            .filter(|(of, _)| *of == variable)
            .map(|(_, value)| value)
            .collect()
    }
}

/// The variable a record changes, and to what.
#[must_use]
pub fn assigned(record: &Record, symbols: &Symbols) -> Option<(VariableId, i64)> {
    match *record {
        Record::Set { variable, value } | Record::Parameter { variable, value } => Some((variable, value)),
        Record::Draw { draw, value, .. } => {
            symbols.draws.get(draw.index()).map(|symbol| (VariableId(symbol.variable), value))
        }
        _ => None,
    }
}

/// A time of the device as µs from a session's start.
#[must_use]
pub fn since(start: Micros, at: Micros) -> u64 {
    at.saturating_sub(start)
}
