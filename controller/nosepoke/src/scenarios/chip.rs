//! One scenario on the real image for the RP2040, on an emulated chip: the script that the simulator's animal played, the
//! same seed, and the two journals side by side.
//!
//! What the device records must be the same, in the same order; inputs are stamped within a microsecond. What the interlock
//! does comes as late as the chip takes, within the bounds that replay holds it to.
//!
//! What is said from outside reaches the chip over its link when that has carried it. So it is said to the simulator once
//! more, each thing in the microsecond in which the chip took it up, and that session is put beside the chip's; and it must
//! tell what the scenario's did, but for these times.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;

use compiler::scenario::Scenario;
use compiler::symbols::Unit;
use emulated::{BenchError, Cord, EmulatedRig, EmulatedSettings, Event, ImageError, Tools, image};
use journal::pairing::Tolerance;
use journal::{Allowed, ReplayFailure, ReplayReport, Session, SideBySide, side_by_side};
use link::{Micros, Record, VariableId};
use scenario::Actor;
use sim::Memory;
use sim::animal::{Animal, Scripted};

use super::listen::Listening;
use super::run::{Over, Ran, RunError, Stage, Theatre};
use super::voice::{Echo, Voice};
use crate::room;

/// The image's package.
const PACKAGE: &str = "nosepoke-rp2040";
/// How long what is said takes from the cable to where it is stamped, in µs: a frame of some twenty bytes at 1 Mbaud, and P2.
const CARRIED_US: Micros = 250;
/// How much later than the scenario has it something may reach the chip from outside, in µs: a value and its event take two
/// ways there and one back.
const LATE_US: u32 = 5_000;
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
    /// How far the two may lie apart.
    pub allowed: Allowed,
    /// Of a scenario in which something is said from outside: the scenario's session beside the one with which the chip's is
    /// compared, in which that was said as late as it reached the chip.
    pub echoed: Option<SideBySide>,
}

impl Compared {
    /// Whether the chip did the same, and its journal replays.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.found.is_same()
            && self.echoed.as_ref().is_none_or(SideBySide::is_same)
            && self.replay.as_ref().is_ok_and(ReplayReport::is_clean)
    }

    /// The largest differences in time.
    #[must_use]
    pub fn widest(&self) -> Widest {
        let us = |widest: Option<(i64, Record)>| widest.map_or(0, |(us, _)| us.unsigned_abs());
        let SideBySide { widest, widest_start, widest_edge, .. } = self.found;
        let outside_us = self.echoed.as_ref().map_or(0, |echoed| us(echoed.widest));
        Widest { told_us: us(widest), start_us: us(widest_start), interlock_us: us(widest_edge), outside_us }
    }
}

/// How far the same lies apart at most on simulator and chip, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Widest {
    /// Inputs, states, events, draws, outcomes, requests.
    pub told_us: u64,
    /// What the interlock did because of a session's first step.
    pub start_us: u64,
    /// What it did besides.
    pub interlock_us: u64,
    /// What was said from outside, and all that follows it, against the scenario on the simulator.
    pub outside_us: u64,
}

impl Widest {
    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            told_us: self.told_us.max(other.told_us),
            start_us: self.start_us.max(other.start_us),
            interlock_us: self.interlock_us.max(other.interlock_us),
            outside_us: self.outside_us.max(other.outside_us),
        }
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

    /// Runs a scenario that has run on the simulator, and puts the two side by side. `played` is told again and again how far it
    /// is, in µs from the session's start.
    ///
    /// # Errors
    /// When it cannot be run; that the two differ is no error.
    pub fn compare(
        &self,
        scenario: &Scenario,
        stage: Stage<'_>,
        ran: &Ran,
        played: impl Fn(Micros),
    ) -> Result<Compared, ChipError> {
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
        let held = scenario.held.iter().filter_map(|line| ran.compiled.rig.lines.get(line.index()));
        held.for_each(|line| rig.hold(line));
        let length_us = Micros::try_from(ran.length_us).unwrap_or(0);
        let actor = Actor::new(ran.script.clone());
        let (voice, mistakes) = Voice::new(actor.clone());
        let began_at = Cell::new(None);
        let mut listening = Listening::new(rig, |rig: &EmulatedRig, _, at: Micros, record: &Record| {
            if let Record::Start { .. } = record {
                // By the controller's clock, which began with the supply.
                let began = (rig.device_zero_ns() / 1_000).saturating_add(at);
                actor.clone().enter(began.saturating_sub(CARRIED_US));
                began_at.set(Some(began));
            }
        });
        let theatre = Theatre { scenario, stage, compiled: &ran.compiled };
        let over = |now: Micros| {
            began_at.get().map_or(Over::NotYet, |began: Micros| {
                played(now.saturating_sub(began));
                Over::At(began.saturating_add(length_us).saturating_add(LONGER_US))
            })
        };
        let journal = theatre.session(ran.seed, &mut listening, Box::new(voice), over);
        let rig = listening.into_body();
        if let Some(mishap) = rig.mishaps().first() {
            return Err(ChipError::Mishap(mishap.clone()));
        }
        if rig.failed().is_some() {
            return Err(ChipError::Journal("the emulator ended in the middle of the session".to_owned()));
        }
        let on_chip = read(&journal.map_err(ChipError::Run)?)?;
        if let Ok((line, answer)) = mistakes.try_recv() {
            return Err(ChipError::Run(RunError::Said { line, answer }));
        }
        let until_us = length_us.saturating_add(1);
        let sample_us = ran.compiled.rig.sample_us;
        let (mut simulated, mut echoed) = (read(&ran.journal)?, None);
        if ran.script.says() {
            let again = Self::echo(&theatre, ran, &on_chip, length_us)?;
            let mut allowed = Allowed { stamp_us: LATE_US, until_us, ..Allowed::interlock(LATE_US) };
            let variables = (0..).map(VariableId).zip(&ran.compiled.symbols.variables);
            variables.filter(|(_, symbol)| symbol.unit == Unit::Time).for_each(|(id, _)| allowed.times.add(id));
            echoed = Some(side_by_side(&simulated, &again, sample_us, &allowed, |_| false));
            simulated = again;
        }
        let allowed = Allowed { until_us, ..Allowed::on(Tolerance::RP2040) };
        let found = side_by_side(&simulated, &on_chip, sample_us, &allowed, |_| false);
        let replay = journal::replay(&on_chip);
        Ok(Compared { found, replay, allowed, echoed })
    }

    /// The scenario on the simulator, with what was said in this session said when it was taken up there.
    fn echo(theatre: &Theatre<'_>, ran: &Ran, told: &Session, length_us: Micros) -> Result<Session, ChipError> {
        let actor = Actor::new(ran.script.clone());
        let echo = Echo::of(told, length_us.saturating_add(LATE_US.into()), actor.clone());
        let mut memory = Box::new(Memory::new());
        let (compiled, rig) = (&ran.compiled, theatre.stage.rig);
        let body = room::simulated_with(compiled, rig, ran.seed, &mut memory, Box::new(actor.clone()));
        // What was said there is taken up here at the very time it was there.
        let mut body = body.map_err(|error| ChipError::Run(RunError::Room(error)))?.undisturbed();
        let over = |_| match actor.entered() {
            Some(began) => Over::At(began.saturating_add(length_us).saturating_add(LONGER_US)),
            None => Over::NotYet,
        };
        let journal = theatre.session(ran.seed, &mut body, Box::new(echo), over);
        read(&journal.map_err(ChipError::Run)?)
    }
}

fn read(journal: &[u8]) -> Result<Session, ChipError> {
    Session::read(journal).map_err(|error| ChipError::Journal(error.to_string()))
}
