//! What scenarios cover of a protocol: its states, transitions and handlers, and the outputs whose doing they assert. Owns
//! what counts: a scenario that holds, as far as it runs.

use std::collections::BTreeSet;

use compiler::cover::{Cover, Item};
use compiler::scenario::{Allow, Delivery, Expect, Happening, Occurrences, Place, Scenario};
use compiler::symbols::Symbols;
use journal::Session;
use link::program::Program;
use link::{LineId, Record};

use crate::seen::Seen;

/// What one scenario covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covered {
    /// In words and with its place, as [`Item`]s say it: the same row may have another number with other parameters.
    items: BTreeSet<(String, Place)>,
    /// Outputs that went on and of which the scenario said when, or how often.
    outputs: BTreeSet<LineId>,
    /// Why rows could not be told of, if they could not.
    pub untold: Option<&'static str>,
}

impl Covered {
    /// What a scenario covers that holds.
    #[must_use]
    pub fn of(scenario: &Scenario, seen: &Seen<'_>, session: &Session, cover: &Cover) -> Self {
        let mut covered = Self::default();
        let mut take = |item: &Item| {
            covered.items.insert((item.what.clone(), item.place));
        };
        for (_, record) in &seen.records {
            if let Record::Enter { state, .. } = record {
                cover.items.iter().filter(|item| item.state == Some(*state)).for_each(&mut take);
            }
        }
        let rows = rows(seen, session, cover);
        rows.iter().flatten().filter_map(|row| cover.items.get(*row)).for_each(take);
        covered.untold = rows.err();
        covered.outputs = scenario.expect.iter().filter_map(|expectation| asserted(&expectation.what)).collect();
        covered.outputs.retain(|line| !seen.on(*line).is_empty());
        covered
    }
}

/// The line whose going on an expectation asserts.
fn asserted(expect: &Expect) -> Option<LineId> {
    match expect {
        Expect::Output { line, does: Delivery::Times(on) } if !on.is_empty() => Some(*line),
        Expect::Output { line, does: Delivery::Pulses { count: 1.., .. } } => Some(*line),
        Expect::Happens { happening: Happening::Output { line, .. }, when } => match when {
            Occurrences::Count(0) => None,
            Occurrences::Times(times) if times.is_empty() => None,
            _ => Some(*line),
        },
        _ => None,
    }
}

/// The rows a session took, by running programs that tell of them on what it was given.
fn rows(seen: &Seen<'_>, session: &Session, cover: &Cover) -> Result<BTreeSet<usize>, &'static str> {
    const OTHERWISE: &str = "the program that tells of its rows went another way than the session";
    if cover.images.is_empty() && !cover.items.is_empty() {
        return Err("the protocol uses every variable there is, and one more is needed to tell its rows");
    }
    let derived: Vec<_> = session.records().filter(|(_, _, record)| record.is_derived()).collect();
    let start =
        session.records().find(|(_, _, record)| matches!(record, Record::Start { .. })).map_or(0, |(_, at, _)| at);
    let mut found = BTreeSet::new();
    for image in &cover.images {
        let program = Program::open(image).map_err(|_| OTHERWISE)?;
        let (mut same, mut rest) = (true, derived.iter());
        let ran = journal::again(session, &program, |at, record| match record {
            Record::Set { variable, value } if variable == cover.marker => {
                let since = at.saturating_sub(start).cast_signed();
                if since <= seen.length_us {
                    found.extend(usize::try_from(value));
                }
            }
            record if record.is_derived() => {
                same &= rest.next().is_some_and(|(_, then, there)| (*then, *there) == (at, record));
            }
            _ => {}
        });
        if !ran || !same || rest.next().is_some() {
            return Err(OTHERWISE);
        }
    }
    Ok(found)
}

/// What is covered of a protocol by all of its scenarios, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many things there are of each kind, and how many of them are covered.
    pub counts: Vec<Count>,
    /// What is not covered and not allowed to be.
    pub missing: Vec<Missing>,
    /// What need not be covered, each with its reason.
    pub allowed: Vec<(Missing, String)>,
    /// What is allowed for nothing: it is covered, or there is no such thing.
    pub idle: Vec<(Allow, bool)>,
    /// Why rows could not be told of, if they could not.
    pub untold: Option<&'static str>,
}

/// Things of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// What they are called.
    pub kind: &'static str,
    /// How many there are.
    pub all: usize,
    /// How many are covered.
    pub covered: usize,
}

/// Something that is not covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// It, in words.
    pub what: String,
    /// Where it stands in the protocol; none for an output, which has no place of its own.
    pub place: Option<Place>,
}

impl Coverage {
    /// What scenarios that cover these cover together.
    #[must_use]
    pub fn of(symbols: &Symbols, cover: &Cover, all: &[Covered], allow: &[Allow]) -> Self {
        let mut coverage = Self { untold: all.iter().find_map(|covered| covered.untold), ..Self::default() };
        let mut told: Vec<(String, bool)> = Vec::new();
        let mut count = |kind, things: Vec<(Missing, bool)>, coverage: &mut Self| {
            let covered = things.iter().filter(|(_, covered)| *covered).count();
            coverage.counts.push(Count { kind, all: things.len(), covered });
            for (missing, covered) in things {
                told.push((missing.what.clone(), covered));
                if !covered {
                    match allow.iter().find(|allow| is_meant(&allow.what, &missing.what)) {
                        Some(allow) => coverage.allowed.push((missing, allow.reason.clone())),
                        None => coverage.missing.push(missing),
                    }
                }
            }
        };
        for (kind, word) in [("states", "state "), ("transitions", "transition "), ("handlers", "handler ")] {
            let items = cover.items.iter().filter(|item| item.what.starts_with(word));
            let things = items.map(|item| {
                let covered = all.iter().any(|covered| covered.items.contains(&(item.what.clone(), item.place)));
                (Missing { what: item.what.clone(), place: Some(item.place) }, covered)
            });
            count(kind, things.collect(), &mut coverage);
        }
        let outputs = (0_u8..).map(LineId).zip(&symbols.lines).filter(|(_, line)| line.output && line.named);
        let outputs = outputs.map(|(id, line)| {
            let covered = all.iter().any(|covered| covered.outputs.contains(&id));
            (Missing { what: format!("output {}", line.name), place: None }, covered)
        });
        count("outputs", outputs.collect(), &mut coverage);
        for allow in allow {
            let meant: Vec<bool> =
                told.iter().filter(|(what, _)| is_meant(&allow.what, what)).map(|(_, covered)| *covered).collect();
            if meant.iter().all(|covered| *covered) {
                coverage.idle.push((allow.clone(), !meant.is_empty()));
            }
        }
        coverage
    }

    /// Whether all is covered or has its reason.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.idle.is_empty() && self.untold.is_none()
    }
}

/// Whether an `allow` means this: by all of its words or by the first of them.
fn is_meant(allowed: &str, what: &str) -> bool {
    let allowed = allowed.replace("->", "→");
    what.strip_prefix(allowed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
