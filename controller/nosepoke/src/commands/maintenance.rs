//! Runs without an animal: a flush, a step of a self-test. Owns where they run and where their journals lie, in a folder
//! beside the sessions; each is run as a session is, and none of them counts as one.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use compiler::{Compiled, RigConfig, Source};
use controller::serial::find::{Asked, Finder};
use controller::session::{Ended, Plan, Session, SessionError, SyncPolicy};
use controller::stop::Stop;
use controller::tally::Tally;
use controller::{room, serial};
use journal::Purpose;
use link::LineId;
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
    text: &'a str,
    pub(super) rig: &'a RigConfig,
    device: &'a Device,
    /// Who is there.
    operator: Option<String>,
    /// Whether it was said which board it is.
    told: Cell<bool>,
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
    /// Outputs that are wired to inputs, by name.
    pub(super) wires: Vec<(String, String)>,
    /// What its journal is called, without an ending.
    pub(super) stem: PathBuf,
}

/// What came of it.
pub(super) struct Ran {
    pub(super) journal: PathBuf,
    pub(super) session: journal::Session,
    pub(super) ended: Ended,
    /// The outputs that an oscilloscope saw go on, by name; none on a real rig, where nobody connects one.
    pub(super) seen: Option<Vec<String>>,
}

/// How often the board is looked for between two runs, and the pause between.
const BOARD_TRIES: u32 = 20;
const BOARD_PAUSE: Duration = Duration::from_millis(100);

/// How long a wire and an input's filter take in a simulated loop-back, in µs.
const WIRE_US: u64 = 1;

impl<'a> Bench<'a> {
    pub(super) const fn new(text: &'a str, rig: &'a RigConfig, device: &'a Device, operator: Option<String>) -> Self {
        Self { text, rig, device, operator, told: Cell::new(false) }
    }

    /// Whether the simulated person of the rig arms this line.
    pub(super) fn arms(&self, line: &str) -> bool {
        let person = self.rig.simulation.as_ref().and_then(|simulation| simulation.person.as_ref());
        person.is_some_and(|person| person.arms.iter().any(|armed| armed == line))
    }

    pub(super) fn is_simulated(&self) -> bool {
        is_simulated(self.rig)
    }

    /// The rig's board. The port of the run before may take a moment to be closed.
    fn board(&self) -> Result<(Asked, Finder), Complaint> {
        if !self.told.replace(true) {
            return self.device.find_for(self.rig);
        }
        for _ in 0..BOARD_TRIES {
            if let Ok(found) = self.device.find_again_for(self.rig) {
                return Ok(found);
            }
            thread::sleep(BOARD_PAUSE);
        }
        self.device.find_again_for(self.rig)
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
        let names: Vec<String> = plan.compiled.symbols.lines.iter().map(|line| line.name.clone()).collect();
        let line = |name: &String| {
            let place = names.iter().position(|line| line == name);
            place.and_then(|place| u8::try_from(place).ok()).map(LineId)
        };
        let mut seen = None;
        let result = if simulated {
            let mut memory = Box::new(Memory::new());
            let mut sim =
                room::simulated_with(&plan.compiled, self.rig, seed, &mut memory, run.hands).map_err(Complaint::new)?;
            for (from, to) in run.wires.iter().filter_map(|(from, to)| Some((line(from)?, line(to)?))) {
                sim.wire(from, to, WIRE_US);
            }
            sim.connect_scope();
            let ended = simulate(plan, &mut sim, open, Vec::new(), Speed::Max, stop, show)?.0;
            let went_on = sim.take_scope().into_iter().filter(|edge| edge.on);
            seen = Some(went_on.filter_map(|edge| names.get(edge.line.index()).cloned()).collect());
            ended
        } else {
            let (asked, finder) = self.board()?;
            let mut session = Session::new(plan, open);
            serial::run(&mut session, asked, finder, stop, show)
        };
        finished(begun.get().map(PathBuf::as_path), result, seen)
    }
}

fn finished(
    journal: Option<&Path>,
    result: Result<Ended, SessionError>,
    seen: Option<Vec<String>>,
) -> Result<Ran, Complaint> {
    match (result, journal) {
        (Ok(ended), Some(journal)) => {
            let session =
                open(journal).map_err(|sentence| Complaint::new(format_args!("{}: {sentence}", journal.display())))?;
            Ok(Ran { journal: journal.to_path_buf(), session, ended, seen })
        }
        (Err(error), Some(journal)) => {
            Err(Complaint::new(format_args!("{error}\nWhat is durable is in {}", journal.display())))
        }
        (Err(error), None) => Err(Complaint::new(error)),
        (Ok(_), None) => Err(Complaint::new("the run ended without a journal")),
    }
}
