//! `nosepoke show`: what happened in a session, as tables and as a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use report::Report;

use super::subject::is_hidden;
use super::{Complaint, made, open_one, say, told_in_json};

/// Shows a session: its summary and its trials, on screen, as JSON or CSV; and its picture.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke show sessions/\n  \
    nosepoke show sessions/probabilistic-reward_2026-11-20T10-00-00.npj\n  \
    nosepoke show session.npj --csv > trials.csv\n  \
    nosepoke show session.npj --picture session.svg")]
pub(crate) struct Show {
    /// The session's journal, or a folder: then the newest in it.
    session: PathBuf,
    /// The summary and the trials as JSON.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// The trials as CSV.
    #[arg(long)]
    csv: bool,
    /// Writes the picture here, as SVG.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

impl Show {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.show())
    }

    fn show(self) -> Result<ExitCode, Complaint> {
        let (path, session) = open_one(&self.session)?;
        let report = match is_hidden(&path, &session) {
            true => Report::of(&session),
            false => Report::unblinded(&session),
        };
        let report = report.map_err(Complaint::new)?;
        if let Some(picture) = &self.picture {
            made::write(picture, &report.picture(), Some(&path))?;
        }
        if self.json {
            say(report.json())?;
        } else if self.csv {
            say(report.trials().csv().trim_end())?;
        } else {
            say(report.summary().table())?;
            if report.summary().is_session() {
                say(report.trials().table())?;
            }
        }
        match session.verify() {
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(finding) => Err(Complaint::told(format_args!(
                "the journal is not as it was written: {finding}; what is shown above is what could be read"
            ))),
        }
    }
}
