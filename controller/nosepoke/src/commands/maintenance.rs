//! Runs without an animal: a flush, a step of a self-test. Owns where they run and where their journals lie, in a folder
//! beside the sessions; each is run as a session is, and none of them counts as one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use compiler::{Compiled, RigConfig, Source};
use controller::session::{Ended, Plan, Session, SessionError, SyncPolicy};
use controller::stop::Stop;
use controller::tally::Tally;
use controller::{room, serial};
use journal::Purpose;
use sim::Memory;
use sim::animal::Animal;

use super::carry_out::{Speed, fresh, number, opener, simulate};
use super::real::{Device, wall_us};
use super::run::is_simulated;
use super::{Complaint, open};

/// The folder beside the sessions in which journals of maintenance lie.
pub(super) const FOLDER: &str = "maintenance";

/// A rig without an animal.
pub(super) struct Bench<'a> {
    /// What its file says, verbatim in each journal.
    pub(super) text: &'a str,
    pub(super) rig: &'a RigConfig,
    pub(super) device: &'a Device,
    /// Who is there.
    pub(super) operator: Option<String>,
}

/// One run.
pub(super) struct Run {
    pub(super) purpose: Purpose,
    pub(super) protocol: Source,
    pub(super) compiled: Compiled,
    /// Lines that the person at the rig arms for it.
    pub(super) arm: u32,
    /// What was asked for on the command line.
    pub(super) options: Vec<(String, String)>,
    /// Who moves things in a simulated rig.
    pub(super) hands: Box<dyn Animal + Send>,
    /// What its journal is called, without an ending.
    pub(super) stem: PathBuf,
}

/// What came of it.
pub(super) struct Ran {
    pub(super) journal: PathBuf,
    pub(super) session: journal::Session,
    pub(super) ended: Ended,
}

impl Bench<'_> {
    pub(super) fn is_simulated(&self) -> bool {
        is_simulated(self.rig)
    }

    /// Runs it to its end, on the rig's board or simulated, showing how far it is.
    pub(super) fn run(&self, run: Run, stop: &Stop, show: &mut dyn FnMut(&Tally)) -> Result<Ran, Complaint> {
        let simulated = self.is_simulated();
        let seed = if simulated { 1 } else { fresh() % 1_000_000_000 };
        let who = || self.operator.clone().unwrap_or_else(|| "whoever typed it".to_owned());
        let plan = Plan {
            session: number(seed, simulated),
            compiled: run.compiled,
            protocol: run.protocol.text,
            rig: self.text.to_owned(),
            seed,
            options: run.options,
            purpose: run.purpose,
            remarks: Vec::new(),
            subject: None,
            operator: self.operator.clone(),
            arm: (run.arm != 0).then(|| (run.arm, who())),
            simulated,
            started_ms: (!simulated).then(|| wall_us() / 1_000),
            wall_clock: if simulated { None } else { Some(wall_us) },
            sync: if simulated { SyncPolicy::SIMULATED } else { SyncPolicy::LIVE },
        };
        let begun = Arc::new(OnceLock::new());
        let open = opener(run.stem, Arc::clone(&begun));
        let result = if simulated {
            let mut memory = Box::new(Memory::new());
            let mut sim =
                room::simulated_with(&plan.compiled, self.rig, seed, &mut memory, run.hands).map_err(Complaint::new)?;
            simulate(plan, &mut sim, open, Speed::Max, stop, show)?.0
        } else {
            let (asked, finder) = self.device.find_for(self.rig)?;
            let mut session = Session::new(plan, open);
            serial::run(&mut session, asked, finder, stop, show)
        };
        finished(begun.get().map(PathBuf::as_path), result)
    }
}

fn finished(journal: Option<&Path>, result: Result<Ended, SessionError>) -> Result<Ran, Complaint> {
    match (result, journal) {
        (Ok(ended), Some(journal)) => {
            let session =
                open(journal).map_err(|sentence| Complaint::new(format_args!("{}: {sentence}", journal.display())))?;
            Ok(Ran { journal: journal.to_path_buf(), session, ended })
        }
        (Err(error), Some(journal)) => {
            Err(Complaint::new(format_args!("{error}\nWhat is durable is in {}", journal.display())))
        }
        (Err(error), None) => Err(Complaint::new(error)),
        (Ok(_), None) => Err(Complaint::new("the run ended without a journal")),
    }
}
