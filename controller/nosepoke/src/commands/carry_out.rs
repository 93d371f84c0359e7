//! What every command that runs a session shares: what its journal is called, and the session on a simulated rig in lock
//! step, shown and stopped. Knows no command.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use controller::lockstep::{self, Cable, LONGEST_US};
use controller::outside::Outside;
use controller::session::{Ended, OpenJournal, Plan, Session, SessionError};
use controller::stop::Stop;
pub(super) use controller::subject::file_name;
use controller::tally::Tally;
use controller::tell;
use journal::{CreateError, Writer};
use link::Micros;
use sim::{SimRig, WireFaults};

use super::Complaint;

/// How fast a simulated session runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Speed {
    /// As fast as the processor allows.
    Max,
    /// So many times faster than real time.
    Times(f64),
}

/// What the files of a session in `folder` are called, without an ending: these parts and the time. The folder is made if
/// need be.
pub(super) fn stem(folder: &Path, parts: &[&str]) -> Result<PathBuf, Complaint> {
    fs::create_dir_all(folder).map_err(|error| {
        Complaint::new(format_args!(
            "the output folder {} cannot be made: {error}; name another with --out",
            folder.display()
        ))
    })?;
    let when = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "-");
    let mut name: String = parts.iter().map(|part| format!("{}_", file_name(part))).collect();
    name.push_str(when.trim_end_matches('Z'));
    Ok(folder.join(name))
}

/// Begins a journal at `stem`, or behind it with the first number that is free: sessions may begin within one second,
/// and in processes that know nothing of each other. Which it was is put into `begun`.
pub(super) fn opener(stem: PathBuf, begun: Arc<OnceLock<PathBuf>>) -> OpenJournal<fs::File> {
    Box::new(move |header| {
        let mut taken = CreateError::Exists(stem.clone());
        for again in 1..1000 {
            let mut name = stem.clone().into_os_string();
            name.push(if again == 1 { ".npj".to_owned() } else { format!("_{again}.npj") });
            let path = PathBuf::from(name);
            match Writer::create(&path, header) {
                Ok(writer) => {
                    // Set once: a journal is begun once.
                    let _ = begun.set(path);
                    return Ok(writer);
                }
                Err(error @ CreateError::Exists(_)) => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    })
}

/// How a session ended, and what was counted.
pub(super) type Outcome = (Result<Ended, SessionError>, Tally);

/// A session on a simulated rig in lock step, as fast as the processor allows or slowed down to a multiple of real time.
pub(super) fn simulate(
    plan: Plan,
    sim: &mut SimRig<'_>,
    open: OpenJournal<fs::File>,
    outside: Vec<Box<dyn Outside>>,
    speed: Speed,
    stop: &Stop,
    show: &mut dyn FnMut(&Tally),
) -> Result<Outcome, Complaint> {
    let mut cable = Cable::new(WireFaults::NONE, plan.seed);
    let mut session = Session::new(plan, open);
    outside.into_iter().for_each(|source| session.attend(source));
    let (mut turns, began) = (0_u32, Instant::now());
    let mut watch = |now: Micros, session: &mut Session<_>, _: &mut Cable| {
        turns = turns.wrapping_add(1);
        if let Speed::Times(times) = speed {
            let due = Duration::from_micros((now as f64 / times) as u64);
            // In short naps, so that whoever stops the session need not wait for the next thing to happen in it.
            while !stop.is_asked() && !due.saturating_sub(began.elapsed()).is_zero() {
                thread::sleep(due.saturating_sub(began.elapsed()).min(Duration::from_millis(50)));
            }
        }
        if speed != Speed::Max || turns.is_multiple_of(1024) {
            show(session.tally());
            session.heed(stop.asked());
        }
    };
    let ended_us = lockstep::run(&mut session, sim, &mut cable, &mut watch);
    if ended_us > LONGEST_US {
        tell!(
            "warning: nothing in the protocol ended this session, so it was stopped after 24 h of simulated time; give it \
             an end with `session: {{ends: [{{after: 60 min}}]}}`, which is asked as each trial closes"
        );
    }
    let tally = session.tally().clone();
    let result = session.take_result();
    result.map(|result| (result, tally)).ok_or_else(|| Complaint::new("the session stopped without saying why"))
}

/// A number nobody chose.
pub(super) fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The number of a session. In simulation the seed decides everything, the session's number too. On a real rig no two
/// sessions have one number, or the records of one could be taken for the other's.
pub(super) fn number(seed: u64, simulated: bool) -> u32 {
    if simulated { (seed as u32 ^ (seed >> 32) as u32).wrapping_mul(0x9E37_79B1) | 1 } else { fresh() as u32 | 1 }
}
