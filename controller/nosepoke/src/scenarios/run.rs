//! One scenario on the simulator: the session that `nosepoke run` would run, with a scripted animal in the box, and its
//! journal replayed.
//!
//! An act that waits for something is put into the script as soon as that is heard of. Records reach the controller's end
//! up to some tens of ms after they were made; where an act should be over by then, the session is run again from its
//! beginning with the act in the script. The same seed gives the same session up to there, so what is known of the time
//! before stays true.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use compiler::cover;
use compiler::scenario::{Happening, Scenario};
use compiler::{Compiled, Diagnostics, Files, RigConfig, Source};
use journal::pairing::Tolerance;
use journal::{Purpose, ReplayFailure, ReplayReport, Storage, Writer};
use link::{Micros, Record};
use scenario::happened::Follower;
use scenario::{Actor, Covered, Failure, Reactions, Script, Seen, Timed};
use sim::{Memory, VirtualBody, WireFaults};

use super::listen::Listening;
use super::voice::Voice;
use crate::lockstep::{self, Cable};
use crate::outside::Outside;
use crate::room::{self, RoomError};
use crate::session::{Plan, Session, SessionError, SyncPolicy};

/// How long before it is done an act must be known for it to be put into a session that runs, in µs.
const AHEAD_US: u64 = 1_000;
/// How often a session is run again for acts that follow too soon.
const AGAIN_MAX: u32 = 5_000;
/// The longest a scenario runs that does not say how long, in µs: two hours.
pub const LONGEST_US: u64 = 2 * 3_600 * 1_000_000;
/// Seeds that are tried for the draws a scenario asks for.
pub const SEEDS: u64 = 4_096;

/// What came of a scenario.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The seed of its session.
    pub seed: u64,
    /// Whether the seed was looked for, because the scenario names draws and no seed.
    pub searched: bool,
    /// Everything the animal did.
    pub script: Script,
    /// How far the scenario goes, in µs from the session's start.
    pub length_us: i64,
    /// The program that ran.
    pub compiled: Compiled,
    /// The journal's bytes.
    pub journal: Vec<u8>,
    /// What was expected and does not hold.
    pub failures: Vec<Failure>,
    /// How the replay of the journal went.
    pub replay: Result<ReplayReport, ReplayFailure>,
    /// What it covers of its protocol: nothing, if it does not hold.
    pub covered: Covered,
}

impl Ran {
    /// Whether all that was expected holds and the journal replays.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failures.is_empty() && self.replay.as_ref().is_ok_and(ReplayReport::is_clean)
    }
}

/// Why a scenario could not be run.
#[derive(Debug)]
pub enum RunError {
    /// The protocol does not compile with what the scenario sets.
    Protocol(Diagnostics),
    /// The rig cannot be simulated.
    Room(RoomError),
    /// The session failed.
    Session(SessionError),
    /// The journal cannot be read.
    Journal(String),
    /// No seed gives the draws that are asked for.
    NoSeed {
        /// How many were tried.
        tried: u64,
    },
    /// Acts follow what they wait for too often and too soon.
    TooManyReactions,
    /// Something that was said means nothing to the session.
    Said {
        /// What.
        line: String,
        /// What the session answered.
        answer: String,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(found) => found.fmt(f),
            Self::Room(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Journal(error) => f.write_str(error),
            Self::NoSeed { tried } => write!(
                f,
                "none of the seeds 1 to {tried} gives the draws that are asked for: ask for fewer, or make them certain by \
                 setting parameters, as in `set: {{p_reward: 1}}`"
            ),
            Self::Said { line, answer } => write!(f, "`say: {line}` was answered: {answer}"),
            Self::TooManyReactions => write!(
                f,
                "acts follow within 40 ms what they wait for, more than {AGAIN_MAX} times: make `after` longer, or the \
                 scenario shorter"
            ),
        }
    }
}

impl std::error::Error for RunError {}

/// A journal in memory that outlives its session.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn with<T>(&self, does: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        does(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|kept| kept.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Kept {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.with(|kept| kept.cut(length))
    }
}

/// What a scenario is run with.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The protocol.
    pub protocol: &'a Source,
    /// The rig-config as its file stands.
    pub rig_source: &'a Source,
    /// The same, read.
    pub rig: &'a RigConfig,
}

/// Runs a scenario, judges it, and finds out what it covers.
///
/// # Errors
/// When it cannot be run; that it does not hold is no error.
pub fn run(scenario: &Scenario, stage: Stage<'_>) -> Result<Ran, RunError> {
    let mut ran = judged(scenario, stage)?;
    if ran.is_good() {
        let (options, _) = compiler::sit(stage.protocol, &scenario.set);
        let session = journal::Session::read(&ran.journal).map_err(|error| RunError::Journal(error.to_string()))?;
        let seen = Seen::of(&session, &ran.compiled.symbols, scenario);
        let cover = cover::cover(stage.protocol, stage.rig, &options, &ran.compiled);
        if let (Some(seen), Some(cover)) = (seen, cover) {
            ran.covered = Covered::of(scenario, &seen, &session, &cover);
        }
    }
    Ok(ran)
}

/// Runs a scenario and judges it. What it covers is left empty: that takes another compilation and a second replay.
///
/// # Errors
/// When it cannot be run; that it does not hold is no error.
pub fn judged(scenario: &Scenario, stage: Stage<'_>) -> Result<Ran, RunError> {
    let (options, sitting) = compiler::sit(stage.protocol, &scenario.set);
    let files = Files::beside(stage.protocol);
    let compiled = compiler::compile_for(stage.protocol, &files, stage.rig, &options, &sitting);
    let compiled = compiled.map_err(RunError::Protocol)?;
    let theatre = Theatre { scenario, stage, compiled: &compiled };
    let searched = scenario.seed.is_none() && !scenario.draws.is_empty();
    let seeds = match scenario.seed {
        Some(seed) => seed..=seed,
        None if searched => 1..=SEEDS,
        None => 1..=1,
    };
    for seed in seeds {
        let Some((script, journal)) = theatre.play(seed, searched)? else { continue };
        let session = journal::Session::read(&journal).map_err(|error| RunError::Journal(error.to_string()))?;
        let seen = Seen::of(&session, &compiled.symbols, scenario)
            .ok_or_else(|| RunError::Journal("the session never started".to_owned()))?;
        let tolerance = Tolerance::of_board("simulator");
        let latency_us = i64::try_from(tolerance.latency_us).unwrap_or(i64::MAX);
        let failures = scenario::judge(scenario, &seen, latency_us);
        let replay = journal::replay(&session);
        let covered = Covered::default();
        let (length_us, compiled) = (seen.length_us, compiled.clone());
        return Ok(Ran { seed, searched, script, length_us, compiled, journal, failures, replay, covered });
    }
    Err(RunError::NoSeed { tried: SEEDS })
}

/// A scenario with its program.
pub(super) struct Theatre<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) stage: Stage<'a>,
    pub(super) compiled: &'a Compiled,
}

/// How a performance went on until it stopped.
enum Went {
    /// To its end.
    Whole,
    /// Another act belongs into the script.
    Again(Timed),
    /// Something else is drawn than is asked for.
    OtherDraw,
}

/// An act that was brought about: which, and the how many-th time.
type Known = BTreeMap<(usize, u32), Timed>;

impl Theatre<'_> {
    /// Runs the session to its end, as often as it takes: the whole script and the journal. None if `draws` decide and it
    /// draws something else.
    fn play(&self, seed: u64, draws: bool) -> Result<Option<(Script, Vec<u8>)>, RunError> {
        let mut known = Known::new();
        for _ in 0..AGAIN_MAX {
            let (went, journal) = self.perform(seed, draws, &mut known)?;
            match went {
                Went::Whole => return Ok(Some((self.script(&known), journal))),
                Went::OtherDraw => return Ok(None),
                Went::Again(timed) => {
                    // What was known of the time behind it may be otherwise now.
                    known.retain(|_, other| other.since_us < timed.at_us);
                    known.insert((timed.act, timed.occurrence), timed);
                }
            }
        }
        Err(RunError::TooManyReactions)
    }

    fn script(&self, known: &Known) -> Script {
        let mut script = Script::of(&self.scenario.acts);
        known.values().for_each(|timed| script.add(&self.scenario.acts, timed));
        script
    }

    fn perform(&self, seed: u64, draws: bool, known: &mut Known) -> Result<(Went, Vec<u8>), RunError> {
        let Self { scenario, stage, compiled } = self;
        let actor = Actor::new(self.script(known));
        let mut memory = Box::new(Memory::new());
        let body = room::simulated_with(compiled, stage.rig, seed, &mut memory, Box::new(actor.clone()));
        let body = body.map_err(RunError::Room)?;
        scenario.held.iter().filter_map(|line| compiled.rig.lines.get(line.index())).for_each(|line| body.hold(line));
        let ear = RefCell::new(Ear {
            scenario,
            symbols: &compiled.symbols,
            actor,
            reactions: Reactions::new(&scenario.acts, &compiled.symbols),
            follower: Follower::new(&compiled.symbols),
            known,
            drawn: vec![0; if draws { scenario.draws.len() } else { 0 }],
            start: None,
            over_at: None,
            went: None,
        });
        let mut listening = Listening::new(body, |_, now, at, record: &Record| {
            ear.borrow_mut().hear(now, at, record);
        });
        let (voice, mistakes) = Voice::new(ear.borrow().actor.clone());
        let journal = self.session(seed, &mut listening, Box::new(voice), |_| ear.borrow().over())?;
        let went = ear.borrow_mut().went.take().unwrap_or(Went::Whole);
        if let (Ok((line, answer)), Went::Whole) = (mistakes.try_recv(), &went) {
            return Err(RunError::Said { line, answer });
        }
        Ok((went, journal))
    }

    /// Runs a session on a body until it ends or the scenario is over, which is asked again and again with the time: the
    /// journal.
    pub(super) fn session(
        &self,
        seed: u64,
        body: &mut impl VirtualBody,
        voice: Box<dyn Outside>,
        over: impl Fn(Micros) -> Over,
    ) -> Result<Vec<u8>, RunError> {
        let Self { scenario, stage, compiled } = self;
        let kept = Kept::default();
        let storage = kept.clone();
        let arm = if scenario.armed { room::person(compiled, stage.rig) } else { None };
        let plan = Plan {
            session: 1,
            compiled: (*compiled).clone(),
            protocol: stage.protocol.text.clone(),
            rig: stage.rig_source.text.clone(),
            seed,
            options: scenario.set.clone(),
            purpose: Purpose::Session,
            remarks: vec![format!("scenario: {}", scenario.name)],
            subject: None,
            operator: None,
            arm,
            simulated: true,
            started_ms: None,
            sync: SyncPolicy::SIMULATED,
            wall_clock: None,
        };
        let mut session = Session::new(plan, Box::new(move |header| Writer::begin(storage, header)));
        session.attend(voice);
        let mut cable = Cable::new(WireFaults::NONE, seed);
        let mut watch = |now: Micros, session: &mut Session<Kept>, _: &mut Cable| match over(now) {
            Over::Now => session.stop(),
            Over::At(at) if now >= at => session.stop(),
            Over::At(_) | Over::NotYet => {}
        };
        lockstep::run(&mut session, body, &mut cable, &mut watch);
        let result = session.take_result();
        drop(session);
        match result {
            Some(Ok(_)) => Ok(kept.with(std::mem::take)),
            Some(Err(error)) => Err(RunError::Session(error)),
            None => Err(RunError::Journal("the session stopped without saying why".to_owned())),
        }
    }
}

/// When a session is to be stopped.
pub(super) enum Over {
    Now,
    At(Micros),
    NotYet,
}

/// Hears the records of a performance.
struct Ear<'a> {
    scenario: &'a Scenario,
    symbols: &'a compiler::Symbols,
    actor: Actor,
    reactions: Reactions<'a>,
    follower: Follower,
    known: &'a mut Known,
    /// How many draws of each variable were as asked for.
    drawn: Vec<usize>,
    start: Option<Micros>,
    /// When the scenario is over, by the device's clock.
    over_at: Option<Micros>,
    went: Option<Went>,
}

impl Ear<'_> {
    fn over(&self) -> Over {
        match (&self.went, self.over_at) {
            (Some(_), _) => Over::Now,
            (None, Some(at)) => Over::At(at),
            (None, None) => Over::NotYet,
        }
    }

    fn hear(&mut self, now: Micros, at: Micros, record: &Record) {
        if let Record::Start { .. } = record {
            self.start = Some(at);
            self.over_at = Some(at.saturating_add(self.scenario.run_us.unwrap_or(LONGEST_US)));
        }
        let Some(start) = self.start.filter(|_| self.went.is_none()) else { return };
        let Self { scenario, symbols, follower, over_at, .. } = self;
        if scenario.until.is_some() {
            follower.hear(symbols, record, |happening: Happening| {
                if Some(happening) == scenario.until {
                    *over_at = over_at.map(|over| over.min(at));
                }
            });
        }
        if !self.draws_as_asked(record) {
            self.went = Some(Went::OtherDraw);
            return;
        }
        for timed in self.reactions.hear(at.saturating_sub(start), record) {
            let key = (timed.act, timed.occurrence);
            if self.known.get(&key) == Some(&timed) {
                continue;
            }
            if start.saturating_add(timed.at_us) > now.saturating_add(AHEAD_US) {
                self.actor.add(&self.scenario.acts, &timed);
                self.known.insert(key, timed);
            } else {
                self.went = Some(Went::Again(timed));
                return;
            }
        }
    }

    /// Whether a record is no draw of a variable that something else was asked of.
    fn draws_as_asked(&mut self, record: &Record) -> bool {
        let Record::Draw { draw, value, .. } = record else { return true };
        let Some(symbol) = self.symbols.draws.get(draw.index()) else { return true };
        let asked = self.scenario.draws.iter().zip(&mut self.drawn);
        for (forced, drawn) in asked.filter(|(forced, _)| forced.variable.0 == symbol.variable) {
            let expected = forced.values.get(*drawn);
            *drawn += 1;
            if expected.is_some_and(|expected| expected != value) {
                return false;
            }
        }
        true
    }
}
