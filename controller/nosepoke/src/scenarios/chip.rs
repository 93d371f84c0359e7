//! One scenario on the real image for the RP2040, on an emulated chip: the script that the simulator's animal played, the
//! same seed, and the two journals side by side.
//!
//! What the device records must be the same, in the same order; inputs are stamped within a microsecond. What the interlock
//! does comes as late as the chip takes, within the bound that replay holds it to.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;

use compiler::scenario::Scenario;
use emulated::{BenchError, Cord, EmulatedRig, EmulatedSettings, Event, ImageError, Tools, image};
use journal::pairing::Tolerance;
use journal::{Allowed, ReplayFailure, ReplayReport, Session, SideBySide, side_by_side};
use link::{Micros, Record};
use scenario::Actor;
use sim::animal::Scripted;

use super::listen::Listening;
use super::run::{Over, Ran, RunError, Stage, Theatre};
use super::voice::Voice;
use crate::room;

/// The image's package.
const PACKAGE: &str = "nosepoke-rp2040";
/// The longest scenario that is run on the chip, in µs: 5 min, which take one or two.
pub const LONGEST_ON_CHIP_US: i64 = 300_000_000;
/// How much longer than the scenario a session lasts on the chip, in µs, so that what comes a little later is there too.
const LONGER_US: Micros = 100_000;

/// An image on an emulator, ready to run.
#[derive(Debug, Clone)]
pub struct Chip {
    tools: Tools,
    image: PathBuf,
}

/// A scenario on both bodies.
#[derive(Debug)]
pub struct Compared {
    /// Where the two part, if they do, and by how much.
    pub found: SideBySide,
    /// How the replay of the chip's journal went.
    pub replay: Result<ReplayReport, ReplayFailure>,
    /// How far what the interlock did may lie apart, in µs.
    pub interlock_us: u32,
}

impl Compared {
    /// Whether the chip did the same, and its journal replays.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.found.is_same() && self.replay.as_ref().is_ok_and(ReplayReport::is_clean)
    }

    /// The largest difference in time, in µs: of what the interlock did, and of all else.
    #[must_use]
    pub fn widest_us(&self) -> (u64, u64) {
        let us = |widest: Option<(i64, Record)>| widest.map_or(0, |(us, _)| us.unsigned_abs());
        (us(self.found.widest_edge), us(self.found.widest))
    }
}

/// Why a scenario could not be run on the chip.
#[derive(Debug)]
pub enum ChipError {
    /// The emulator does not start, or ended in the middle.
    Bench(BenchError),
    /// The chip was reset, faulted or locked up.
    Mishap(Event),
    /// The session could not be run.
    Run(RunError),
    /// A journal cannot be read.
    Journal(String),
}

impl fmt::Display for ChipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bench(error) => error.fmt(f),
            Self::Mishap(event) => write!(f, "the chip came to harm: {event:?}"),
            Self::Run(error) => error.fmt(f),
            Self::Journal(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for ChipError {}

impl Chip {
    /// The image of this repository, built, and its emulator set up.
    ///
    /// # Errors
    /// When there is no node, or one of them cannot be had.
    pub fn ready() -> Result<Self, ImageError> {
        Ok(Self { tools: Tools::ready()?, image: image::build(PACKAGE, &[])? })
    }

    /// Runs a scenario that has run on the simulator, and puts the two side by side.
    ///
    /// # Errors
    /// When it cannot be run; that the two differ is no error.
    pub fn compare(&self, scenario: &Scenario, stage: Stage<'_>, ran: &Ran) -> Result<Compared, ChipError> {
        let settings = EmulatedSettings {
            script: &self.tools.script,
            image: &self.image,
            cord: Cord::Uart,
            cache: true,
            phases: false,
            notices: false,
            upsets: &[],
            timed: &[],
            laps: &[],
            seed: ran.seed,
        };
        let animal = Box::new(Scripted::new(ran.script.taps()));
        let mut rig = EmulatedRig::new(&settings, &ran.compiled.rig, animal).map_err(ChipError::Bench)?;
        room::at_rest(&ran.compiled).for_each(|(pin, raw)| rig.rest(pin, raw));
        let length_us = Micros::try_from(ran.length_us).unwrap_or(0);
        let over_at = Cell::new(None);
        let mut listening = Listening::new(rig, |now: Micros, _, record: &Record| {
            if let Record::Start { .. } = record {
                over_at.set(Some(now.saturating_add(length_us).saturating_add(LONGER_US)));
            }
        });
        let theatre = Theatre { scenario, stage, compiled: &ran.compiled };
        let (voice, _) = Voice::new(Actor::default());
        let journal = theatre.session(ran.seed, &mut listening, voice, || over_at.get().map_or(Over::NotYet, Over::At));
        let rig = listening.into_body();
        if let Some(mishap) = rig.mishaps().first() {
            return Err(ChipError::Mishap(mishap.clone()));
        }
        let journal = match (rig.failed().is_some(), journal) {
            (true, _) => return Err(ChipError::Journal("the emulator ended in the middle of the session".to_owned())),
            (false, journal) => journal.map_err(ChipError::Run)?,
        };
        let read = |bytes: &[u8]| Session::read(bytes).map_err(|error| ChipError::Journal(error.to_string()));
        let (simulated, on_chip) = (read(&ran.journal)?, read(&journal)?);
        let interlock_us = u32::try_from(Tolerance::RP2040.start_us).unwrap_or(u32::MAX);
        let allowed = Allowed { until_us: length_us.saturating_add(1), ..Allowed::interlock(interlock_us) };
        let sample_us = ran.compiled.rig.sample_us;
        let found = side_by_side(&simulated, &on_chip, sample_us, &allowed, |_| false);
        let replay = journal::replay(&on_chip);
        Ok(Compared { found, replay, interlock_us })
    }
}
