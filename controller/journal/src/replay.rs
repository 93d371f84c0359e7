//! Runs the program in a journal again, on what it was given, and compares what it does with what the journal says it
//! did, record by record. Owns the comparison; the engine owns what is right.
//!
//! Given records that the engine handles are offered with the stamps they came with; records of the interlock pass. Edges
//! of detectors are given too, and are looked for again in the samples they came from.
//! Everything the engine writes, and only that, must stand in the journal in the same order at the same microseconds.
//!
//! What replay cannot show: that the device saw what was there. A given record that changed nothing (the last lick of a
//! session, a `Lost`, a `RingLow`) can be left out of a rewritten journal without a trace in the records themselves.

use std::fmt;

use engine::{Engine, Given, Start};
use link::limits::MAX_INBOX;
use link::limits::MAX_LIST_PULSES;
use link::program::{ImageError, Program};
use link::pulses::ListPulse;
use link::rig::Rig;
use link::{EndReason, Micros, Record};

use crate::contents::{Close, Why};
use crate::finding::Finding;
use crate::pairing::{self, Pairing, Tolerance};
use crate::reader::{Gap, Session};
use crate::sensed::{self, Sensed};

/// Microseconds handled between two looks at what came out.
const STEPS: u16 = 64;
/// Findings that are written out one by one.
const TOLD: usize = 20;

/// What a replay that reproduced everything has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayReport {
    /// Records of the session.
    pub records: u64,
    /// Those that were given and fed to the program again.
    pub fed: u64,
    /// Those that the program made, and made again.
    pub derived: u64,
    /// Whether the session reached its end; if not, it was interrupted and the replay stops where it does.
    pub ended: bool,
    /// The records that are missing, if the journal says that some are: what follows them cannot be made again, and the
    /// replay stops there.
    pub gap: Option<Gap>,
    /// How requests and edges pair.
    pub pairing: Pairing,
    /// How far they may lie apart.
    pub tolerance: Tolerance,
    /// What detectors find in the samples again.
    pub sensed: Sensed,
}

impl ReplayReport {
    /// Whether every request and edge pairs, and every edge of a detector is found again in its samples; that the program did
    /// the same again goes without saying.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.pairing.unpaired.is_empty() && self.sensed.differing.is_empty()
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, fed, derived, ended, gap, pairing, tolerance, sensed } = self;
        let Pairing { requests, refused, breaches, edges, latency_us_max, unpaired } = pairing;
        write!(
            f,
            "all {derived} derived records made again from {fed} given ones ({records} records in all); {requests} requests \
             ({refused} refused, {breaches} blocked) paired with {edges} edges, first edges at most {latency_us_max} µs late \
             ({} allowed)",
            tolerance.latency_us
        )?;
        if sensed.samples > 0 {
            write!(f, "; {} edges of detectors found again in {} samples", sensed.edges, sensed.samples)?;
        }
        if !ended {
            write!(f, "; the session was interrupted")?;
        }
        if let Some(gap) = gap {
            write!(f, "; {gap}, and the replay goes up to there")?;
        }
        if !unpaired.is_empty() {
            write!(f, "; {} do not pair", unpaired.len())?;
        }
        for unpaired in unpaired.iter().take(TOLD) {
            write!(f, "\n  {unpaired}")?;
        }
        if unpaired.len() > TOLD {
            write!(f, "\n  and {} more", unpaired.len() - TOLD)?;
        }
        if !sensed.differing.is_empty() {
            write!(f, "; {} edges of detectors differ", sensed.differing.len())?;
        }
        for differing in sensed.differing.iter().take(TOLD) {
            write!(f, "\n  {differing}")?;
        }
        Ok(())
    }
}

/// Why a session could not be reproduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayFailure {
    /// The journal is not as it was written.
    Untrusted(Finding),
    /// The header holds no program.
    Image(ImageError),
    /// The header holds no rig.
    Rig,
    /// There are no records.
    Empty,
    /// The first record is not the start of a session.
    NoStart {
        /// Its number.
        number: u64,
        /// What it is.
        found: Record,
    },
    /// The records speak of another program or another seed than the header.
    OtherStart {
        /// What the first record is.
        recorded: Record,
        /// What it should be.
        made: Record,
    },
    /// More inputs in one microsecond than the device can hold.
    TooManyGiven {
        /// The number of the first that does not fit.
        number: u64,
        /// The microsecond.
        at: Micros,
    },
    /// The program does something else than the journal says it did.
    Differs {
        /// The number of the first record that differs.
        number: u64,
        /// What the journal says, and when; none where its records end too soon.
        recorded: Option<(Micros, Record)>,
        /// What the program does, and when; none where it does nothing more.
        made: Option<(Micros, Record)>,
    },
}

impl fmt::Display for ReplayFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(finding) => write!(f, "the journal is not as it was written: {finding}"),
            Self::Image(error) => write!(f, "the journal's program cannot be run: {error}"),
            Self::Rig => write!(f, "the journal's rig cannot be read"),
            Self::Empty => write!(f, "the journal holds no records: the session never started"),
            Self::NoStart { number, found } => {
                write!(f, "record {number} should be the start of the session and is {found:?}")
            }
            Self::OtherStart { recorded, made } => {
                write!(f, "the session started as {recorded:?}; by the journal's header it is {made:?}")
            }
            Self::TooManyGiven { number, at } => write!(
                f,
                "record {number} at {at} µs is one of more than {MAX_INBOX} inputs in one microsecond, which no device holds"
            ),
            Self::Differs { number, recorded: Some((at, recorded)), made: Some((then, made)) } => {
                write!(
                    f,
                    "record {number} differs: the journal says {recorded:?} at {at} µs, the program does {made:?} at {then} µs"
                )
            }
            Self::Differs { number, recorded: Some((at, recorded)), made: None } => {
                write!(f, "record {number} differs: the journal says {recorded:?} at {at} µs, the program does nothing")
            }
            Self::Differs { number, recorded: None, made: Some((at, made)) } => {
                write!(f, "record {number} is missing: the program does {made:?} at {at} µs")
            }
            Self::Differs { number, recorded: None, made: None } => write!(f, "record {number} differs"),
        }
    }
}

impl std::error::Error for ReplayFailure {}

/// Runs a session again and pairs its requests, with the tolerance of the board its header names.
///
/// # Errors
/// When the session cannot be reproduced; the error names the first record that differs.
pub fn replay(session: &Session) -> Result<ReplayReport, ReplayFailure> {
    let board = session.header.versions.body.split(' ').next().unwrap_or_default();
    replay_within(session, Tolerance::of_board(board))
}

/// The same, with edges allowed to lie within `tolerance` of where they should be.
///
/// # Errors
/// When the session cannot be reproduced; the error names the first record that differs.
pub fn replay_within(session: &Session, tolerance: Tolerance) -> Result<ReplayReport, ReplayFailure> {
    session.verify().map_err(ReplayFailure::Untrusted)?;
    let program = Program::open(&session.header.program).map_err(ReplayFailure::Image)?;
    let rig: Rig = postcard::from_bytes(&session.header.device_rig).map_err(|_| ReplayFailure::Rig)?;

    let gap = session.gaps.first().copied();
    let known = || session.records().take_while(move |(number, ..)| gap.is_none_or(|gap| *number < gap.first));
    let engines: Vec<_> = known().filter(|(_, _, record)| record.is_derived() || record.feeds_engine()).collect();
    let behind = known().last().map_or(0, |(number, ..)| number.saturating_add(1));
    let ended = engines.iter().any(|(_, _, record)| matches!(record, Record::End(_)));
    Comparison { recorded: engines.iter(), behind, ended, differs: None }.run(
        &program,
        session.header.seed,
        &engines,
    )?;

    let ended_whole =
        matches!(session.close, Some(Close { why: Why::Ended(reason), .. }) if reason != EndReason::DeviceReset);
    let whole = ended_whole && gap.is_none();
    let lists: Vec<ListPulse> = (0..MAX_LIST_PULSES).map(|place| ListPulse::of(&program, place)).collect();
    let derived = engines.iter().filter(|(_, _, record)| record.is_derived()).count() as u64;
    Ok(ReplayReport {
        records: known().count() as u64,
        fed: engines.len() as u64 - derived,
        derived,
        ended,
        gap,
        pairing: pairing::pair(&rig, &lists, known(), tolerance, whole),
        tolerance,
        sensed: sensed::look_again(&rig, known()),
    })
}

type Numbered = (u64, Micros, Record);

/// What the journal says, being crossed off by what the program does.
struct Comparison<'r> {
    recorded: std::slice::Iter<'r, Numbered>,
    /// The number a record behind the last would have.
    behind: u64,
    ended: bool,
    differs: Option<ReplayFailure>,
}

impl Comparison<'_> {
    /// Crosses one record off. After the first that differs nothing more is compared.
    fn made(&mut self, at: Micros, record: Record) {
        if self.differs.is_some() {
            return;
        }
        let recorded = self.recorded.next();
        let same = match recorded {
            Some((_, then, there)) => (*then, *there) == (at, record),
            // An interrupted session may stop in the midst of what happened within one microsecond.
            None => !self.ended,
        };
        if !same {
            self.differs = Some(ReplayFailure::Differs {
                number: recorded.map_or(self.behind, |(number, ..)| *number),
                recorded: recorded.map(|(_, then, there)| (*then, *there)),
                made: Some((at, record)),
            });
        }
    }

    fn result(&mut self) -> Result<(), ReplayFailure> {
        self.differs.take().map_or(Ok(()), Err)
    }

    fn run(mut self, program: &Program, seed: u64, records: &[Numbered]) -> Result<(), ReplayFailure> {
        let Some(&(number, start, found)) = records.first() else { return Err(ReplayFailure::Empty) };
        let Record::Start { levels, .. } = found else { return Err(ReplayFailure::NoStart { number, found }) };
        // Boxed: its tables are larger than a stack frame should be.
        let mut engine = Box::new(Engine::new());
        engine.start(program, Start { at: start, seed, levels, program: program.name() }, &mut |at, record| {
            self.made(at, record);
        });
        if let Some(ReplayFailure::Differs { recorded: Some((_, recorded)), made: Some((_, made)), .. }) = &self.differs
            && matches!((recorded, made), (Record::Start { .. }, Record::Start { .. }))
        {
            return Err(ReplayFailure::OtherStart { recorded: *recorded, made: *made });
        }
        self.result()?;

        while let Some(&(number, at, recorded)) = self.recorded.as_slice().first() {
            self.advance(&mut engine, program, at.saturating_sub(1))?;
            let in_this_microsecond = self.recorded.as_slice().iter().take_while(|(_, then, _)| *then == at);
            for &(number, _, record) in in_this_microsecond {
                if let Some((stamp, given)) = given(at, &record)
                    && engine.offer(stamp, given).is_err()
                {
                    return Err(ReplayFailure::TooManyGiven { number, at });
                }
            }
            let before = self.recorded.len();
            self.advance(&mut engine, program, at)?;
            if self.recorded.len() == before {
                return Err(ReplayFailure::Differs { number, recorded: Some((at, recorded)), made: None });
            }
        }
        Ok(())
    }

    fn advance(&mut self, engine: &mut Engine, program: &Program, closed: Micros) -> Result<(), ReplayFailure> {
        loop {
            let left = engine.advance(program, closed, STEPS, &mut |at, record| self.made(at, record));
            self.result()?;
            if !left {
                return Ok(());
            }
        }
    }
}

/// What a record tells the engine, and with which stamp.
pub(crate) fn given(at: Micros, record: &Record) -> Option<(Micros, Given)> {
    match *record {
        Record::Input { line, active, late_us } => {
            Some((at.saturating_sub(u64::from(late_us)), Given::Edge { line, active }))
        }
        Record::Outside { event, late_us } => Some((at.saturating_sub(u64::from(late_us)), Given::Outside(event))),
        Record::Parameter { variable, value } => Some((at, Given::Parameter { variable, value })),
        Record::Stop(reason) => Some((at, Given::Stop(reason))),
        Record::LastTrial(reason) => Some((at, Given::LastTrial(reason))),
        _ => None,
    }
}
