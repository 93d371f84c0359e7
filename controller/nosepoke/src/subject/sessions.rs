//! What the sessions of a subject came to, from their journals: which outcomes, on which day, and what was drawn for good. Owns
//! what counts as a session; adds the lines that say so to the subject's file.

use std::path::Path;

use compiler::Symbols;
use journal::Session;
use link::{EndReason, Record};
use report::History;

use super::graduate::Done;
use super::{Fact, Ledger, LedgerError};
use crate::budget::Day;

/// What a session came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// As far as a rule of graduation looks at it.
    pub done: Done,
    /// Trials begun.
    pub trials: usize,
    /// What it drew that is drawn once per subject, in base units.
    pub drawn: Vec<(String, i64)>,
    /// In words.
    pub summary: String,
}

/// What the session in a journal came to; why it cannot be told otherwise.
///
/// # Errors
/// When the journal is not there or cannot be read, as a sentence.
pub fn came(folder: &Path, journal: &str) -> Result<Came, String> {
    let session = Session::open(&folder.join(journal)).map_err(|error| error.to_string())?;
    let symbols: Symbols = postcard::from_bytes(&session.header.symbols)
        .map_err(|_| "its names cannot be read by this build of nosepoke".to_owned())?;
    let Some(history) = History::of(&session, &symbols) else {
        let done = Done { day: None, outcomes: Some(Vec::new()) };
        return Ok(Came { done, trials: 0, drawn: Vec::new(), summary: "it never started".to_owned() });
    };
    let name = |outcome: link::OutcomeId| symbols.outcomes.get(outcome.index()).cloned();
    let outcomes: Vec<String> =
        history.trials.iter().filter_map(|trial| trial.outcome.and_then(|(outcome, _)| name(outcome))).collect();
    let day = session.header.started_ms.and_then(Day::of_ms).map(|day| day.to_string());
    let mut drawn: Vec<(String, i64)> = Vec::new();
    for (_, _, record) in session.records() {
        let Record::Draw { draw, value, .. } = record else { continue };
        let variable = symbols.draws.get(draw.index()).map(|draw| draw.variable);
        let Some(variable) = variable.filter(|variable| symbols.once.contains(variable)) else { continue };
        let Some(symbol) = symbols.variables.get(usize::from(variable)) else { continue };
        if !drawn.iter().any(|(name, _)| *name == symbol.name) {
            drawn.push((symbol.name.clone(), value));
        }
    }
    let how = match history.end {
        Some(EndReason::Condition(_)) => "as the protocol says",
        Some(EndReason::Stopped) => "stopped",
        Some(_) => "cut short",
        None => "interrupted",
    };
    let summary = format!("{how}, {} trials, {} of them to an outcome", history.trials.len(), outcomes.len());
    let done = Done { day, outcomes: Some(outcomes) };
    Ok(Came { done, trials: history.trials.len(), drawn, summary })
}

/// Adds to a subject's file what became of the sessions that were begun and of which it says nothing since. Returns what there
/// is to say of sessions that cannot be read.
///
/// # Errors
/// When the file cannot be written.
pub fn settle(ledger: &mut Ledger, folder: &Path, protocol: &str, when: &str) -> Result<Vec<String>, LedgerError> {
    let mut remarks = Vec::new();
    for journal in ledger.open_sessions(protocol) {
        let summary = match came(folder, &journal) {
            Ok(came) => {
                let known = ledger.drawn(protocol);
                for (name, base) in
                    came.drawn.into_iter().filter(|(name, _)| !known.iter().any(|(known, _)| known == name))
                {
                    ledger.add(when, protocol, Fact::Drawn { name, base })?;
                }
                came.summary
            }
            Err(why) => {
                remarks.push(format!("{journal}: {why}; what {} did in it is not known", ledger.subject()));
                format!("not known: {why}")
            }
        };
        ledger.add(when, protocol, Fact::Ended { journal, summary })?;
    }
    Ok(remarks)
}

/// The sessions since the subject came to its stage, oldest first; those in which no trial began are none.
#[must_use]
pub fn of_stage(ledger: &Ledger, folder: &Path, protocol: &str) -> Vec<Done> {
    let mut journals: Vec<&str> = Vec::new();
    for line in ledger.of(protocol) {
        match &line.fact {
            Fact::Stage { .. } => journals.clear(),
            Fact::Begun { journal, .. } => journals.push(journal),
            _ => {}
        }
    }
    let done = journals.into_iter().map(|journal| came(folder, journal));
    done.filter_map(|came| match came {
        Ok(came) => (came.trials > 0).then_some(came.done),
        // It was begun: that it cannot be read is no reason to have it again.
        Err(_) => Some(Done::default()),
    })
    .collect()
}

/// Whether a subject had a session of a stage, ever: the journal of the first.
#[must_use]
pub fn had<'l>(ledger: &'l Ledger, folder: &Path, protocol: &'l str, stage: &str) -> Option<&'l str> {
    ledger.of(protocol).find_map(|line| match &line.fact {
        Fact::Begun { journal, stage: of } if of == stage => {
            came(folder, journal).map_or(true, |came| came.trials > 0).then_some(journal.as_str())
        }
        _ => None,
    })
}
