//! `nosepoke resume`: goes on with a session whose controller died.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compiler::Source;
use controller::serial;
use controller::session::{Kept, Plan, Session};
use controller::subject::Ledger;
use controller::subject::sessions::settle;
use controller::tell;
use journal::{Header, NoteKind, ReopenError, Writer};

use super::ended::Over;
use super::outside::Heard;
use super::progress::Progress;
use super::real::{Device, stop_on_ctrl_c, wall_us};
use super::run::when;
use super::{Complaint, looked_through, open, told_in_json};

/// Goes on with a session after the computer or the program died.
///
/// The board went on by itself and kept what happened. Follows the session if it still runs, collects what the board holds
/// if it is over, and closes the journal.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke resume sessions/\n  \
    nosepoke resume sessions/probabilistic-reward_R12_2026-11-20T10-00-00.npj")]
pub(crate) struct Resume {
    /// The session's journal, or a folder: then the newest in it that was never closed.
    session: PathBuf,
    #[command(flatten)]
    device: Device,
    #[command(flatten)]
    heard: Heard,
    /// Prints how it ended as JSON.
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.session())
    }

    fn session(self) -> Result<ExitCode, Complaint> {
        let path = unfinished(&self.session)?;
        let (journal, kept) = Writer::reopen(&path).map_err(|error| match error {
            ReopenError::Closed(_) => Complaint::new(format_args!(
                "{}: this session is over and its journal closed: there is nothing to go on with",
                path.display()
            )),
            error => Complaint::new(error),
        })?;
        let header = &kept.header;
        if header.simulated {
            return Err(Complaint::new(format_args!(
                "{}: this session was simulated, and its rig is gone with the program; run it again by its seed, {}",
                path.display(),
                header.seed
            )));
        }
        let plan = Plan::of(header, wall_us).map_err(Complaint::new)?;
        let board = kept.notes.iter().rev().find_map(|placed| match placed.note.kind {
            NoteKind::Device { id, .. } => Some(id),
            _ => None,
        });
        let rig = Source { name: "the journal's rig-config".to_owned(), text: header.rig.clone() };
        let port = compiler::read_rig(&rig).ok().and_then(|rig| rig.device.port);
        let (asked, finder) = self.device.find(board, port)?;
        let records = kept.records().map(|(_, at, record)| (at, record)).collect();
        let stop = stop_on_ctrl_c();
        let seed = plan.seed;
        let mut progress = Progress::new(&plan.compiled.symbols);
        let outside = self.heard.sources(&plan.compiled.symbols, true, None)?;
        let mut session = Session::resumed(plan, Kept { journal, board, records });
        outside.into_iter().for_each(|source| session.attend(source));
        let result = serial::run(&mut session, asked, finder, &stop, &mut |tally| progress.show(tally));
        progress.done();
        let kept = keep(&path, header);
        let over = Over { journal: Some(&path), seed, result, tally: session.tally(), took: None, self_test: None };
        let told = over.tell(self.json)?;
        kept.map(|()| told)
    }
}

/// Adds what the session came to, to the file of its subject, if that says it was begun.
fn keep(journal: &Path, header: &Header) -> Result<(), Complaint> {
    let folder = journal.parent().unwrap_or(Path::new(""));
    let symbols: Option<compiler::Symbols> = postcard::from_bytes(&header.symbols).ok();
    let (Some(subject), Some(symbols)) = (header.subject.as_deref(), symbols) else { return Ok(()) };
    if !Ledger::path(folder, subject, header.simulated).exists() {
        return Ok(());
    }
    let mut ledger = Ledger::open(folder, subject, header.simulated).map_err(Complaint::new)?;
    let when = when(Some(wall_us() / 1_000));
    for remark in settle(&mut ledger, folder, &symbols.protocol, &when).map_err(Complaint::new)? {
        tell!("{remark}");
    }
    Ok(())
}

/// The journal itself; of a folder, the newest that was never closed.
fn unfinished(path: &Path) -> Result<PathBuf, Complaint> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let mut found = looked_through(&[path.to_path_buf()], &["npj"])?;
    found.sort_by_key(written);
    let open_ended = |path: &PathBuf| open(path).is_ok_and(|session| session.close.is_none());
    found.into_iter().rev().find(open_ended).ok_or_else(|| {
        Complaint::new(format_args!("{}: every session in this folder is over and its journal closed", path.display()))
    })
}
