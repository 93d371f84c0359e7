//! `nosepoke run`: runs one session and says where its data is.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use compiler::{Compiled, Options, RigConfig, Source};
use controller::lockstep::{self, Cable, LONGEST_US};
use controller::paced;
use controller::room;
use controller::session::{Ended, OpenJournal, Plan, Session, SessionError, SyncPolicy};
use controller::tally::Tally;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use journal::{CreateError, Writer};
use link::{EndReason, LineId, Micros};
use sim::{Memory, WireFaults};

use super::{Complaint, assignment, draw, label, open_only, rig, say};

/// Runs one session of a protocol, on the simulated rig that ships unless another is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke run protocols/probabilistic-reward.yaml\n  \
    nosepoke run protocols/probabilistic-reward.yaml --subject R12 --set p_reward=0.7 --set drop=\"15 µl\" --seed 7\n  \
    nosepoke run protocols/lever-pull.yaml --speed 1")]
pub(crate) struct Run {
    /// The protocol.
    protocol: PathBuf,
    /// The rig-config; the simulated rig that ships if none is named.
    #[arg(long)]
    rig: Option<PathBuf>,
    /// The animal.
    #[arg(long, value_name = "ID", value_parser = label)]
    subject: Option<String>,
    /// Sets a parameter, as in --set drop="10 µl".
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Decides every random draw, and in simulation everything else; fresh and printed if not given.
    #[arg(long, value_parser = seed, allow_hyphen_values = true)]
    seed: Option<u64>,
    /// How many times faster than real time a simulated session runs, or `max`.
    #[arg(long, default_value = "max", value_parser = speed, allow_hyphen_values = true)]
    speed: Speed,
    /// Arms a line for this session; needs --operator.
    #[arg(long, value_name = "LINE", requires = "operator")]
    arm: Vec<String>,
    /// Who runs the session.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: Option<String>,
    /// Where the data goes.
    #[arg(long, value_name = "DIR", default_value = "sessions")]
    out: PathBuf,
    /// Prints how it ended as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Speed {
    Max,
    Times(f64),
}

fn speed(text: &str) -> Result<Speed, String> {
    match text {
        "max" => Ok(Speed::Max),
        _ => match text.parse::<f64>() {
            Ok(times) if (0.01..=1000.0).contains(&times) => Ok(Speed::Times(times)),
            _ => Err(format!("`{text}` is no speed: give `max`, or how many times real time, from 0.01 to 1000")),
        },
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no seed: give a whole number from 0 to {}", u64::MAX))
}

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A number nobody chose.
fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Run {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        let done = self.session();
        // Whoever reads JSON gets it whatever happens.
        match &done {
            Err(complaint) if json && !complaint.was_told => {
                let told = match &complaint.findings {
                    Some(findings) => serde_json::json!({"good": false, "findings": findings}),
                    None => serde_json::json!({"good": false, "error": complaint.to_string()}),
                };
                say(format_args!("{told:#}"))?;
            }
            _ => {}
        }
        done
    }

    fn session(self) -> Result<ExitCode, Complaint> {
        let protocol = Source::read(&self.protocol).map_err(|found| Complaint::drawn(&found))?;
        let (rig_source, rig) = rig(self.rig.as_deref()).map_err(|found| Complaint::drawn(&found))?;
        let options = Options { set: self.set.clone() };
        let compiled = compiler::compile(&protocol, &rig, &options).map_err(|found| Complaint::drawn(&found))?;
        if !compiled.warnings.is_empty() {
            eprint!("{}", draw(&compiled.warnings));
        }
        // Seeds that a person can read aloud.
        let seed = self.seed.unwrap_or_else(|| fresh() % 1_000_000_000);
        let plan = self.plan(&protocol, &rig_source, &rig, compiled, seed)?;
        let stem = self.journal_stem(&plan)?;
        let begun = Arc::new(OnceLock::new());
        let open = opener(stem, Arc::clone(&begun));

        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        // Where there can be no handler, Ctrl-C ends the process, and the rig's own silence limit makes it safe.
        let handler = move || {
            // Asked again, it ends at once: the rig's own silence limit makes it safe.
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            tracing::warn!("Ctrl-C will end the program at once: {error}");
        }
        let began = Instant::now();
        let (result, tally) = match self.speed {
            Speed::Times(1.0) => {
                let mut progress = Progress::new(&plan.compiled);
                let shown = paced::run(plan.clone(), &rig, open, &stop, &mut |tally| progress.show(tally));
                progress.done();
                shown.map_err(Complaint::new)?
            }
            speed => simulate(plan.clone(), &rig, open, speed, &stop)?,
        };
        self.tell(&plan, begun.get().map(PathBuf::as_path), result, &tally, began.elapsed())
    }

    fn plan(
        &self,
        protocol: &Source,
        rig_source: &Source,
        rig: &RigConfig,
        compiled: Compiled,
        seed: u64,
    ) -> Result<Plan, Complaint> {
        let arm = self.lines_to_arm(rig, &compiled)?;
        let simulated = rig.body == "simulator";
        let live = self.speed == Speed::Times(1.0);
        Ok(Plan {
            // In simulation the seed decides everything, the session's number too.
            session: (seed as u32 ^ (seed >> 32) as u32).wrapping_mul(0x9E37_79B1) | 1,
            compiled,
            protocol: protocol.text.clone(),
            rig: rig_source.text.clone(),
            seed,
            options: self.set.clone(),
            subject: self.subject.clone(),
            operator: self.operator.clone(),
            arm,
            simulated,
            started_ms: (!simulated).then(wall_ms),
            wall_clock: if simulated { None } else { Some(wall_ms) },
            sync: if live { SyncPolicy::LIVE } else { SyncPolicy::SIMULATED },
        })
    }

    /// The lines a person arms: those named on the command line, or those the simulated person of the rig arms.
    fn lines_to_arm(&self, rig: &RigConfig, compiled: &Compiled) -> Result<Option<(u32, String)>, Complaint> {
        if self.arm.is_empty() {
            return Ok(room::person(compiled, rig));
        }
        let lines = &compiled.symbols.lines;
        let mut set = 0;
        for name in &self.arm {
            let Some(place) = lines.iter().position(|line| line.name == *name) else {
                let armable: Vec<&str> = lines
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| compiled.rig.must_arm() & LineId(*n as u8).bit() != 0)
                    .map(|(_, line)| line.name.as_str())
                    .collect();
                let armable = if armable.is_empty() { "none".to_owned() } else { armable.join(", ") };
                return Err(Complaint::new(format_args!(
                    "--arm {name}: there is no such line; lines to be armed on rig {} are: {armable}",
                    rig.name
                )));
            };
            let bit = LineId(place as u8).bit();
            if compiled.rig.must_arm() & bit == 0 {
                return Err(Complaint::new(format_args!(
                    "--arm {name}: only a line that the rig-config calls `arm: required` is armed, and on rig {} {name} \
                     works without: leave the option out",
                    rig.name
                )));
            }
            set |= bit;
        }
        Ok(Some((set, self.operator.clone().unwrap_or_default())))
    }

    /// What the session's files in the output folder are called, without an ending; the folder is made if need be.
    fn journal_stem(&self, plan: &Plan) -> Result<PathBuf, Complaint> {
        fs::create_dir_all(&self.out).map_err(|error| {
            Complaint::new(format_args!(
                "the output folder {} cannot be made: {error}; name another with --out",
                self.out.display()
            ))
        })?;
        let when = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "-");
        let subject = self.subject.as_deref().map(|subject| format!("_{}", file_name(subject))).unwrap_or_default();
        let stem = format!("{}{subject}_{}", file_name(&plan.compiled.symbols.protocol), when.trim_end_matches('Z'));
        Ok(self.out.join(stem))
    }

    fn tell(
        &self,
        plan: &Plan,
        path: Option<&Path>,
        result: Result<Ended, SessionError>,
        tally: &Tally,
        took: Duration,
    ) -> Result<ExitCode, Complaint> {
        let ended = result.map_err(|error| match path {
            Some(path) => {
                Complaint::new(format_args!("{error}\nWhat is durable can be read: nosepoke show {}", path.display()))
            }
            None => Complaint::new(error),
        })?;
        let path = path.ok_or_else(|| Complaint::new("the session ended without a journal"))?;
        let session = open_only(path)?;
        let picture = path.with_extension("svg");
        let report = report::Report::of(&session).map_err(Complaint::new)?;
        fs::write(&picture, report.picture()).map_err(|error| {
            Complaint::new(format_args!("the picture {} cannot be written: {error}", picture.display()))
        })?;
        let good = matches!(ended.reason, EndReason::Condition(_) | EndReason::Stopped);
        if self.json {
            say(format_args!(
                "{:#}",
                serde_json::json!({
                    "journal": path, "picture": picture, "seed": plan.seed, "good": good,
                    "records": ended.records, "bytes": ended.bytes, "summary": report.summary(),
                })
            ))?;
        } else {
            say(report.summary().table())?;
            let elapsed_s = tally.elapsed_us() as f64 / 1e6;
            let times = elapsed_s / took.as_secs_f64().max(1e-9);
            say(format_args!(
                "{:.1} min of session in {:.2} s ({times:.0} × real time), seed {}",
                elapsed_s / 60.0,
                took.as_secs_f64(),
                plan.seed
            ))?;
            say(format_args!("data     {}  ({} records, {} bytes)", path.display(), ended.records, ended.bytes))?;
            say(format_args!("picture  {}", picture.display()))?;
            say(format_args!("look     nosepoke show {}", path.display()))?;
        }
        if !good {
            return Err(Complaint::told(format_args!(
                "the session did not end as the protocol meant: {}",
                report.summary().end_reason()
            )));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Wall time in ms since 1970.
fn wall_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// As much of a name as every file system takes: 255 bytes for the whole, and letters may take several.
fn file_name(name: &str) -> String {
    const BYTES_MAX: usize = 80;
    let mut kept = String::new();
    for letter in name.chars().map(|letter| if letter.is_alphanumeric() || letter == '-' { letter } else { '-' }) {
        if kept.len() + letter.len_utf8() > BYTES_MAX {
            break;
        }
        kept.push(letter);
    }
    kept
}

/// Begins a journal at `stem`, or behind it with the first number that is free: sessions may begin within one second,
/// and in processes that know nothing of each other. Which it was is put into `begun`.
fn opener(stem: PathBuf, begun: Arc<OnceLock<PathBuf>>) -> OpenJournal<fs::File> {
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

type Outcome = (Result<Ended, SessionError>, Tally);

/// A simulated session in lock step, as fast as the processor allows or slowed down to a multiple of real time.
fn simulate(
    plan: Plan,
    rig: &RigConfig,
    open: OpenJournal<fs::File>,
    speed: Speed,
    stop: &AtomicBool,
) -> Result<Outcome, Complaint> {
    let mut memory = Box::new(Memory::new());
    let mut sim = room::simulated(&plan.compiled, rig, plan.seed, &mut memory).map_err(Complaint::new)?;
    let mut cable = Cable::new(WireFaults::NONE, plan.seed);
    let mut progress = Progress::new(&plan.compiled);
    let mut session = Session::new(plan, open);
    let (mut turns, began) = (0_u32, Instant::now());
    let mut watch = |now: Micros, session: &mut Session<_>, _: &mut Cable| {
        turns = turns.wrapping_add(1);
        if let Speed::Times(times) = speed {
            let due = Duration::from_micros((now as f64 / times) as u64);
            // In short naps, so that whoever stops the session need not wait for the next thing to happen in it.
            while !stop.load(Ordering::Relaxed) && !due.saturating_sub(began.elapsed()).is_zero() {
                thread::sleep(due.saturating_sub(began.elapsed()).min(Duration::from_millis(50)));
            }
        }
        if speed != Speed::Max || turns.is_multiple_of(1024) {
            progress.show(session.tally());
            if stop.load(Ordering::Relaxed) {
                session.stop();
            }
        }
    };
    let ended_us = lockstep::run(&mut session, &mut sim, &mut cable, &mut watch);
    progress.done();
    if ended_us > LONGEST_US {
        eprintln!(
            "warning: nothing in the protocol ended this session, so it was stopped after 24 h of simulated time; give it \
             an end with `session: {{ends: [{{after: 60 min}}]}}`, which is asked as each trial closes"
        );
    }
    let tally = session.tally().clone();
    let result = session.take_result();
    result.map(|result| (result, tally)).ok_or_else(|| Complaint::new("the session stopped without saying why"))
}

/// The line that moves while a session runs.
struct Progress {
    bar: ProgressBar,
    outcomes: Vec<String>,
    states: Vec<String>,
    shown: Option<Instant>,
}

impl Progress {
    fn new(compiled: &Compiled) -> Self {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        Self {
            bar,
            outcomes: compiled.symbols.outcomes.clone(),
            states: compiled.symbols.states.iter().map(|state| state.name.clone()).collect(),
            shown: None,
        }
    }

    fn show(&mut self, tally: &Tally) {
        if self.bar.is_hidden() || self.shown.is_some_and(|shown| shown.elapsed() < Duration::from_millis(50)) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = tally.elapsed_us() / 1_000_000;
        let counts: Vec<String> =
            self.outcomes.iter().zip(&tally.outcomes).map(|(name, count)| format!("{name} {count}")).collect();
        let state = tally.state.and_then(|state| self.states.get(usize::from(state))).map_or("", String::as_str);
        self.bar.set_message(format!(
            "{:02}:{:02}:{:02}  trial {}  {}  {:.2} ml  [{state}]",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            tally.trials,
            counts.join("  "),
            tally.water_nl as f64 / 1e6,
        ));
        self.bar.tick();
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
