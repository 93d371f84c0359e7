//! Which stage of an experiment a subject's next session is of. Owns the way from what the subject did, and from what an
//! operator says, to a stage; every step of it is a line in the subject's file.

use std::fmt;
use std::path::Path;

use compiler::symbols::StageSymbol;

use super::graduate::{Standing, met, standing};
use super::{Fact, Ledger, LedgerError, sessions};

/// The word of an operator who moves a subject to another stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// Who.
    pub operator: &'a str,
    /// Why.
    pub because: &'a str,
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {}: {}", self.operator, self.because)
    }
}

/// What decides the next stage.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The protocol.
    pub protocol: &'a str,
    /// Its stages.
    pub stages: &'a [StageSymbol],
    /// The stage a person asks for.
    pub wanted: Option<&'a str>,
    /// That person's word.
    pub word: Option<Word<'a>>,
    /// When it is, as it stands in the file.
    pub when: &'a str,
}

/// The stage of the next session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Its name.
    pub stage: String,
    /// Why the subject came to it just now, if it did.
    pub came_by: Option<String>,
    /// How its rules of graduation stand.
    pub standing: Vec<Standing>,
    /// Sessions of it so far.
    pub sessions: usize,
    /// The lines to be added to the file when the session is begun.
    pub facts: Vec<Fact>,
}

/// Why there is no next stage.
#[derive(Debug)]
pub enum StageError {
    /// The file cannot be used.
    Ledger(LedgerError),
    /// There is no such stage.
    Unknown {
        /// What was asked for, or stands in the file.
        name: String,
        /// Whether it stands in the file.
        kept: bool,
        /// Those there are.
        stages: Vec<String>,
    },
    /// A person must say so.
    NoWord {
        /// Whose session.
        subject: String,
        /// The stage it is in.
        is_in: String,
        /// The stage asked for.
        wanted: String,
    },
    /// It is had once, and was.
    Had {
        /// Whose session.
        subject: String,
        /// The stage.
        stage: String,
        /// The journal of the session.
        journal: String,
    },
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => error.fmt(f),
            Self::Unknown { name, kept, stages } => {
                let stages = stages.join(", ");
                match kept {
                    true => write!(
                        f,
                        "the subject is in the stage {name}, which this protocol does not have; its stages are {stages}. Say which \
                         is next: --stage NAME --operator NAME --because WHY"
                    ),
                    false => write!(f, "--stage {name}: this protocol has no such stage; its stages are {stages}"),
                }
            }
            Self::NoWord { subject, is_in, wanted } => write!(
                f,
                "{subject} is in the stage {is_in}; to move it to {wanted} takes the word of a person, which is recorded: --stage \
                 {wanted} --operator NAME --because WHY"
            ),
            Self::Had { subject, stage, journal } => write!(
                f,
                "the stage {stage} is had once in the life of a subject, and {subject} had it ({journal}). If it is to be had again \
                 all the same: --stage {stage} --operator NAME --because WHY, which is recorded"
            ),
        }
    }
}

impl std::error::Error for StageError {}

impl From<LedgerError> for StageError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// The stage a subject is in by its file; the first if nothing is said.
#[must_use]
pub fn current<'l>(ledger: &'l Ledger, asked: &Asked<'l>) -> &'l str {
    let mut said = ledger.of(asked.protocol).rev().filter_map(|line| match &line.fact {
        Fact::Stage { name, .. } => Some(name.as_str()),
        _ => None,
    });
    said.next().or_else(|| asked.stages.first().map(|stage| stage.name.as_str())).unwrap_or_default()
}

/// The stage of a subject's next session.
///
/// # Errors
/// When there is none, or a person must say so.
pub fn next(ledger: &Ledger, folder: &Path, asked: &Asked<'_>) -> Result<Next, StageError> {
    let named = |name: &str| asked.stages.iter().position(|stage| stage.name == name);
    let unknown = |name: &str, kept| StageError::Unknown {
        name: name.to_owned(),
        kept,
        stages: asked.stages.iter().map(|stage| stage.name.clone()).collect(),
    };
    let wanted = asked.wanted.map(|name| named(name).ok_or_else(|| unknown(name, false))).transpose()?;
    let is_in = current(ledger, asked);
    let (mut facts, mut came_by) = (Vec::new(), None);
    let mut done = sessions::of_stage(ledger, folder, asked.protocol);
    let mut at = match (named(is_in), wanted) {
        (Some(at), _) => at,
        (None, Some(wanted)) if asked.word.is_some() => wanted,
        (None, _) => return Err(unknown(is_in, true)),
    };
    if let Some(reached) = asked.stages.get(at).and_then(|stage| met(&stage.graduate, &done))
        && let Some(next) = asked.stages.get(at + 1)
    {
        facts.push(Fact::Stage { name: next.name.clone(), because: reached.rule.clone() });
        came_by = Some(reached.rule);
        (at, done) = (at + 1, Vec::new());
    }
    let stage = |at: usize| asked.stages.get(at).map(|stage| stage.name.clone()).unwrap_or_default();
    let had = |at: usize| sessions::had(ledger, folder, asked.protocol, &stage(at));
    let once = |at: usize| asked.stages.get(at).is_some_and(|stage| stage.once);
    let (subject, target) = (ledger.subject().to_owned(), wanted.unwrap_or(at));
    match (asked.word, had(target).filter(|_| once(target))) {
        (Some(word), again)
            if wanted.is_some_and(|wanted| wanted != at || again.is_some() || named(is_in).is_none()) =>
        {
            facts.push(Fact::Stage { name: stage(target), because: word.to_string() });
            came_by = Some(word.to_string());
            (at, done) = (target, Vec::new());
        }
        (None, _) if target != at => {
            return Err(StageError::NoWord { subject, is_in: stage(at), wanted: stage(target) });
        }
        (_, Some(journal)) => {
            return Err(StageError::Had { subject, stage: stage(target), journal: journal.to_owned() });
        }
        _ => {}
    }
    let rules = asked.stages.get(at).map(|stage| stage.graduate.as_slice()).unwrap_or_default();
    let standing = rules.iter().map(|rule| standing(rule, &done)).collect();
    Ok(Next { stage: stage(at), came_by, standing, sessions: done.len(), facts })
}
