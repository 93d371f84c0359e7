//! `nosepoke replay`: shows that the device did what the program says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use controller::tell;
use journal::{Integrity, ReplayReport};

use super::{Complaint, looked_through, open, say, told_in_json};

/// Feeds a session's inputs to the engine again and compares everything the program made of them, byte for byte.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nosepoke replay sessions/\n  nosepoke replay sessions/probabilistic-reward_2026-11-20T10-00-00.npj"
)]
pub(crate) struct Replay {
    /// Journals, or folders of them.
    #[arg(required = true)]
    sessions: Vec<PathBuf>,
    /// Says it as JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.replay())
    }

    fn replay(self) -> Result<ExitCode, Complaint> {
        let mut all_good = true;
        for path in &looked_through(&self.sessions, &["npj"])? {
            let verdict = verdict(path);
            let good = matches!(&verdict, Ok((_, report)) if report.is_clean());
            all_good &= good;
            if self.json {
                let (detail, finding) = match &verdict {
                    Ok((integrity, report)) => (format!("{integrity}; {report}"), None),
                    Err(finding) => (String::new(), Some(finding)),
                };
                say(serde_json::json!({"journal": path, "good": good, "detail": detail, "finding": finding}))?;
            } else {
                match verdict {
                    Ok((integrity, report)) => say(format_args!("{}: {integrity}; {report}", path.display()))?,
                    Err(finding) => tell!("{}: {finding}", path.display()),
                }
            }
        }
        Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What can be said of one journal; or the first thing that is not as it should be.
fn verdict(path: &Path) -> Result<(Integrity, ReplayReport), String> {
    // A file that cannot be read is no reason to leave the others unchecked.
    let session = open(path)?;
    let integrity = session.verify().map_err(|finding| format!("the journal is not as it was written: {finding}"))?;
    let report = journal::replay(&session).map_err(|failure| failure.to_string())?;
    Ok((integrity, report))
}
