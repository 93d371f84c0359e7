//! Summary, trial table and picture of a session, made from its journal alone.
//!
//! - [`blind`]: what the operator is not to see, taken out first.
//! - [`barcode`]: numbers on a sync line, read back from its edges.
//! - [`causes`]: the words for what the interlock and the engine say.
//! - [`history`]: the records as trials; all that follows reads this.
//! - [`summary`]: what a person wants to know first.
//! - [`table`]: one row a trial, as a table, CSV or JSON.
//! - [`picture`]: the session on one page, as SVG.
//! - [`quantity`]: numbers in base units as a person reads them.
//!
//! Nothing here judges a session or changes it: whether it can be trusted is the journal's to say, whether the rig did
//! as the program says is replay's. Everything is a function of the journal, so the same journal gives the same bytes.

pub mod barcode;
pub mod blind;
pub mod causes;
mod frames;
pub mod history;
mod outputs;
pub mod picture;
pub mod quantity;
pub mod summary;
pub mod table;

use std::fmt;

use compiler::symbols::Symbols;
use journal::Session;

pub use frames::{Frames, Stop};
pub use history::History;
pub use summary::Summary;
pub use table::TrialTable;

/// Why a journal cannot be reported on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportError {
    /// The names in its header cannot be read.
    Symbols,
    /// It holds no start of a session.
    NoStart,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symbols => {
                "the names in the journal's header cannot be read; use the nosepoke that wrote it, or a newer one"
            }
            Self::NoStart => "the journal holds no start of a session: nothing was recorded",
        })
    }
}

impl std::error::Error for ReportError {}

/// All there is to say about a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    symbols: Symbols,
    history: History,
    summary: Summary,
    trials: TrialTable,
}

impl Report {
    /// Reports on a session, without what its protocol hides from the operator.
    ///
    /// # Errors
    /// When its names cannot be read or it never started.
    pub fn of(session: &Session) -> Result<Self, ReportError> {
        Self::hiding(session, &session.header.context.blind)
    }

    /// The same with everything, once its subject is unblinded.
    ///
    /// # Errors
    /// When its names cannot be read or it never started.
    pub fn unblinded(session: &Session) -> Result<Self, ReportError> {
        Self::hiding(session, &[])
    }

    fn hiding(session: &Session, hidden: &[String]) -> Result<Self, ReportError> {
        let mut symbols: Symbols = postcard::from_bytes(&session.header.symbols).map_err(|_| ReportError::Symbols)?;
        let mut history = History::of(session, &symbols).ok_or(ReportError::NoStart)?;
        blind::hide(hidden, &mut symbols, &mut history);
        let known = blind::known(&session.header, hidden);
        let summary = Summary::of(session, &symbols, &history, &known, hidden);
        let mut trials = TrialTable::of(&symbols, &history, &known);
        // What a flush or a self-test does are no trials, whatever its program calls them.
        if !summary.is_session() {
            trials.rows.clear();
        }
        Ok(Self { symbols, history, summary, trials })
    }

    /// The names behind the numbers.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The records as trials.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// What a person wants to know first.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// One row a trial.
    #[must_use]
    pub const fn trials(&self) -> &TrialTable {
        &self.trials
    }

    /// Summary and trial table as one JSON object: `summary`, and `trials` as a list of objects keyed by column.
    #[must_use]
    pub fn json(&self) -> String {
        #[derive(serde::Serialize)]
        struct Whole<'r> {
            summary: &'r Summary,
            trials: &'r TrialTable,
        }
        // Nothing here has keys that are not strings, which is all that could fail.
        serde_json::to_string_pretty(&Whole { summary: &self.summary, trials: &self.trials }).unwrap_or_default()
    }

    /// The session picture: a complete SVG file.
    #[must_use]
    pub fn picture(&self) -> String {
        picture::draw(self)
    }
}
