//! What is said once a session is over: how it ended, and where its data is.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use controller::session::{Ended, SessionError};
use controller::tally::Tally;
use link::EndReason;

use super::{Complaint, made, open_only, say};

/// A session that is over.
pub(super) struct Over<'a> {
    /// Its journal, if one was begun.
    pub(super) journal: Option<&'a Path>,
    pub(super) seed: u64,
    pub(super) result: Result<Ended, SessionError>,
    pub(super) tally: &'a Tally,
    /// How long it took, if that may be another time than the session's own.
    pub(super) took: Option<Duration>,
    /// How the last self-test of the rig stood before it, if anyone looked.
    pub(super) self_test: Option<&'a str>,
}

impl Over<'_> {
    /// Says it, as text or as JSON.
    pub(super) fn tell(self, json: bool) -> Result<ExitCode, Complaint> {
        let ended = self.result.map_err(|error| {
            let Some(path) = self.journal else { return Complaint::new(error) };
            let again = match error {
                SessionError::GivenUp { .. } => {
                    format!("\nThe rest, once it is back: nosepoke resume {}", path.display())
                }
                _ => String::new(),
            };
            Complaint::new(format_args!(
                "{error}\nWhat is durable can be read: nosepoke show {}{again}",
                path.display()
            ))
        })?;
        let path = self.journal.ok_or_else(|| Complaint::new("the session ended without a journal"))?;
        let session = open_only(path)?;
        let picture = path.with_extension("svg");
        let report = match super::subject::is_hidden(path, &session) {
            true => report::Report::of(&session),
            false => report::Report::unblinded(&session),
        };
        let report = report.map_err(Complaint::new)?;
        // A session is told of whether or not there is room for its picture.
        let pictured = made::write(&picture, &report.picture(), Some(path));
        let meant = matches!(ended.reason, EndReason::Condition(_) | EndReason::Stopped);
        let good = meant && session.gaps.is_empty();
        let seed = self.seed;
        if json {
            say(format_args!(
                "{:#}",
                serde_json::json!({
                    "journal": path, "picture": picture, "seed": seed, "good": good,
                    "records": ended.records, "bytes": ended.bytes, "summary": report.summary(),
                    "self_test": self.self_test,
                })
            ))?;
        } else {
            say(report.summary().table())?;
            let elapsed_s = self.tally.elapsed_us() as f64 / 1e6;
            let pace = self.took.map_or_else(String::new, |took| {
                let took_s = took.as_secs_f64();
                format!(" in {took_s:.2} s ({:.0} × real time)", elapsed_s / took_s.max(1e-9))
            });
            say(format_args!("{:.1} min of session{pace}, seed {seed}", elapsed_s / 60.0))?;
            say(format_args!("data     {}  ({} records, {} bytes)", path.display(), ended.records, ended.bytes))?;
            say(format_args!("picture  {}", picture.display()))?;
            say(format_args!("look     nosepoke show {}", path.display()))?;
        }
        if let Some(gap) = session.gaps.first() {
            return Err(Complaint::told(format_args!(
                "{gap}: the device no longer holds them, and the journal lacks them"
            )));
        }
        if !good {
            return Err(Complaint::told(format_args!(
                "the session did not end as the protocol meant: {}",
                report.summary().end_reason()
            )));
        }
        pictured.map(|()| ExitCode::SUCCESS).map_err(|complaint| Complaint { was_told: true, ..complaint })
    }
}
