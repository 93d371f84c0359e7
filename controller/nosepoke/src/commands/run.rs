//! `nosepoke run`: runs one session and says where its data is.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use compiler::{Compiled, Files, Options, RigConfig, Sitting, Source};
use controller::budget::{Day, Of};
use controller::selftest::report::{newest, standing};
use controller::session::{Plan, Session, SyncPolicy};
use controller::tell;
use controller::{paced, room, serial};
use journal::Purpose;
use link::LineId;
use sim::Memory;

use super::carry_out::{Speed, fresh, number, opener, simulate, stem};
use super::day::settle;
use super::ended::Over;
use super::maintenance::FOLDER;
use super::outside::{Heard, Room};
use super::progress::Progress;
use super::real::{Device, stop_on_ctrl_c, wall_us};
use super::sitting::{Keeper, Whose};
use super::{Complaint, assignment, draw, label, on_no_rig, rig_for, sitting, told_in_json};

/// Runs one session of a protocol, on the simulated rig that ships unless another is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke run protocols/probabilistic-reward.yaml\n  \
    nosepoke run protocols/probabilistic-reward.yaml --subject R12 --set p_reward=0.7 --set drop=\"15 µl\" --seed 7\n  \
    nosepoke run protocols/lever-pull.yaml --speed 1\n  \
    nosepoke run my-task.yaml --rig my-box.yaml --subject R12 --arm laser --operator KS\n  \
    nosepoke run my-task.yaml --rig my-box.yaml --device e66138935f4a2c28\n\n\
    While it runs, one line each on standard input or at the socket of --listen: event NAME, value NAME VALUE, \n\
    set PARAMETER VALUE, answer PROMPT ANSWER, note TEXT, stop, help.")]
pub(crate) struct Run {
    /// The protocol.
    protocol: PathBuf,
    /// The rig-config; if none is named, the simulated rig that ships and has the protocol's lines.
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
    /// How many times faster than real time a simulated session runs, or `max`, which it is if not given.
    #[arg(long, value_parser = speed, allow_hyphen_values = true)]
    speed: Option<Speed>,
    /// The day a simulated session is on, as in 2026-11-30: then what the subject had that day, in simulated sessions of the
    /// output folder, counts against the limits of a day. A real session is on the day it begins.
    #[arg(long, value_name = "DAY", value_parser = Day::read, requires = "subject")]
    day: Option<Day>,
    #[command(flatten)]
    device: Device,
    #[command(flatten)]
    heard: Heard,
    /// Arms a line for this session, as an act of the person who types it; needs --operator and --subject.
    #[arg(long, value_name = "LINE", requires_all = ["operator", "subject"])]
    arm: Vec<String>,
    /// Who runs the session.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: Option<String>,
    /// The stage of the experiment, if it is not the one the subject is in: that takes --operator and --because, which are
    /// recorded.
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Why the subject goes to another stage, or has one again.
    #[arg(long, value_name = "WHY", value_parser = label, requires_all = ["stage", "operator", "subject"])]
    because: Option<String>,
    /// Where the data goes.
    #[arg(long, value_name = "DIR", default_value = "sessions")]
    out: PathBuf,
    /// Prints how it ended as JSON.
    #[arg(long)]
    json: bool,
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

impl Run {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.session())
    }

    fn session(self) -> Result<ExitCode, Complaint> {
        let protocol = Source::read(&self.protocol).map_err(|found| Complaint::drawn(&found))?;
        let (rig_source, rig) = rig_for(self.rig.as_deref(), &protocol).map_err(|found| Complaint::drawn(&found))?;
        // Seeds that a person can read aloud.
        let seed = self.seed.unwrap_or_else(|| fresh() % 1_000_000_000);
        let started_ms = self.started_ms(&rig)?;
        let (mut compiled, keeper, of_subject, set) = self.sit(&protocol, &rig, seed, started_ms)?;
        if !compiled.warnings.is_empty() {
            tell!("{}", draw(&compiled.warnings).trim_end());
        }
        let day = started_ms.and_then(Day::of_ms);
        let subject = self.subject.as_deref();
        let of = subject.zip(day).map(|(subject, day)| Of { subject, day, simulated: is_simulated(&rig) });
        let mut remarks = settle(&mut compiled, &rig, &self.out, of.as_ref())?;
        remarks.splice(0..0, of_subject);
        for remark in &remarks {
            tell!("{remark}");
        }
        let tested = newest(&self.out.join(FOLDER), &rig.name, is_simulated(&rig));
        let tested = standing(tested.as_ref(), &rig_source.text, wall_us() / 1_000);
        tell!("self-test of rig {}: {tested}", rig.name);
        if !is_simulated(&rig) {
            remarks.push(format!("self-test of the rig: {tested}"));
        }
        let plan =
            Plan { started_ms, remarks, options: set, ..self.plan(&protocol, &rig_source, &rig, compiled, seed)? };
        // Found before a file is made: most of what can be wrong with a rig is wrong here.
        let board = if is_simulated(&rig) { None } else { Some(self.device.find_for(&rig)?) };
        if board.is_some() {
            warn_of_unarmed(&plan);
        }
        let parts = [Some(plan.compiled.symbols.protocol.as_str()), self.subject.as_deref()];
        let stem = stem(&self.out, &parts.into_iter().flatten().collect::<Vec<_>>())?;
        let begun = Arc::new(OnceLock::new());
        let open = opener(stem, Arc::clone(&begun));
        let open = match &keeper {
            Some(keeper) => keeper.opener(open, Arc::clone(&begun)),
            None => open,
        };

        let room = is_simulated(&rig).then(|| Room { seed: plan.seed, operator: room::operator(&rig) });
        let live = board.is_some() || self.speed.is_some_and(|speed| speed != Speed::Max);
        let outside = self.heard.sources(&plan.compiled.symbols, live, room)?;
        let stop = stop_on_ctrl_c();
        let began = Instant::now();
        let (result, tally) = match (board, self.speed) {
            (Some((asked, finder)), _) => {
                let mut session = Session::new(plan.clone(), open);
                outside.into_iter().for_each(|source| session.attend(source));
                let mut progress = Progress::new(&plan.compiled.symbols);
                let result = serial::run(&mut session, asked, finder, &stop, &mut |tally| progress.show(tally));
                progress.done();
                (result, session.tally().clone())
            }
            (None, Some(Speed::Times(1.0))) => {
                let mut progress = Progress::new(&plan.compiled.symbols);
                let shown = paced::run(plan.clone(), &rig, open, outside, &stop, &mut |tally| progress.show(tally));
                progress.done();
                shown.map_err(Complaint::new)?
            }
            (None, speed) => {
                let mut memory = Box::new(Memory::new());
                let mut sim = room::simulated(&plan.compiled, &rig, plan.seed, &mut memory).map_err(Complaint::new)?;
                let mut progress = Progress::new(&plan.compiled.symbols);
                let speed = speed.unwrap_or(Speed::Max);
                let ran =
                    simulate(plan.clone(), &mut sim, open, outside, speed, &stop, &mut |tally| progress.show(tally));
                progress.done();
                ran?
            }
        };
        let journal = begun.get().map(PathBuf::as_path);
        let took = plan.simulated.then(|| began.elapsed());
        let kept = keeper.map_or(Ok(()), |keeper| {
            keeper.close(&self.out, &when(if plan.simulated { started_ms } else { Some(wall_us() / 1_000) }))
        });
        let told =
            Over { journal, seed: plan.seed, result, tally: &tally, took, self_test: Some(&tested) }.tell(self.json)?;
        kept.map(|()| told)
    }

    /// Settles whose session it is: its program, the subject's file, what there is to say, and what was set.
    fn sit(&self, protocol: &Source, rig: &RigConfig, seed: u64, started_ms: Option<i64>) -> Result<Sat, Complaint> {
        let whose = Whose {
            folder: &self.out,
            subject: self.subject.as_deref(),
            operator: self.operator.as_deref(),
            stage: self.stage.as_deref(),
            because: self.because.as_deref(),
            simulated: is_simulated(rig),
            seed,
            when: when(started_ms),
        };
        let files = Files::beside(protocol);
        let compile = |set: &[(String, String)], sitting: &Sitting| {
            compiler::compile_for(protocol, &files, rig, &Options { set: set.to_vec() }, sitting)
                .map_err(|found| on_no_rig(self.rig.as_deref(), found, rig, protocol))
        };
        let mut set = self.set.clone();
        let settled = sitting::settle(&whose, &mut set, &compile)?;
        Ok((settled.compiled, settled.keeper, settled.remarks, set))
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
        let simulated = is_simulated(rig);
        if !simulated && self.speed.is_some() {
            return Err(Complaint::new(format_args!(
                "--speed is for simulated rigs, and rig {} is a real one: leave it out",
                rig.name
            )));
        }
        if simulated {
            self.device.is_not_for(&rig.name)?;
        }
        let live = !simulated || self.speed == Some(Speed::Times(1.0));
        Ok(Plan {
            session: number(seed, simulated),
            compiled,
            protocol: protocol.text.clone(),
            rig: rig_source.text.clone(),
            seed,
            options: self.set.clone(),
            purpose: Purpose::Session,
            remarks: Vec::new(),
            subject: self.subject.clone(),
            operator: self.operator.clone(),
            arm,
            simulated,
            started_ms: None,
            wall_clock: if simulated { None } else { Some(wall_us) },
            sync: if live { SyncPolicy::LIVE } else { SyncPolicy::SIMULATED },
        })
    }

    /// Wall time of the start in ms since 1970; in simulation that of the day that was given, if one was.
    fn started_ms(&self, rig: &RigConfig) -> Result<Option<i64>, Complaint> {
        match (is_simulated(rig), self.day) {
            (true, day) => Ok(day.and_then(Day::noon_ms)),
            (false, None) => Ok(Some(wall_us() / 1_000)),
            (false, Some(_)) => Err(Complaint::new(format_args!(
                "--day is for simulated rigs, and rig {} is a real one: its sessions are on the day they begin",
                rig.name
            ))),
        }
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
            if compiled.rig.must_arm() & bit & !room::may_arm(&compiled.rig) != 0 {
                let stage =
                    compiled.sitting.stage.as_ref().map_or(String::new(), |stage| format!(" in the stage {stage}"));
                return Err(Complaint::new(format_args!(
                    "--arm {name}: the protocol forbids {name}{stage}, so it cannot be armed: leave the option out"
                )));
            }
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
}

/// Says which lines the protocol uses and nobody arms: hours of withheld pulses are easily overlooked.
fn warn_of_unarmed(plan: &Plan) {
    let armed = plan.arm.as_ref().map_or(0, |(lines, _)| *lines);
    let unarmed = room::may_arm(&plan.compiled.rig) & !armed;
    for (number, line) in plan.compiled.symbols.lines.iter().enumerate() {
        if line.named && unarmed & LineId(number as u8).bit() != 0 {
            tell!(
                "warning: {name} must be armed and is not, so nothing asked of it will be carried out; to arm it: --arm \
                 {name} --operator NAME --subject ID",
                name = line.name
            );
        }
    }
}

/// What was settled of whose session it is.
type Sat = (Compiled, Option<Keeper>, Vec<String>, Vec<(String, String)>);

/// A time as a subject's file says it; a simulated session of no day has none.
pub(super) fn when(ms: Option<i64>) -> String {
    let since = ms.and_then(|ms| u64::try_from(ms).ok());
    let at = since.map(|ms| std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms));
    at.map_or("-".to_owned(), |at| humantime::format_rfc3339_seconds(at).to_string())
}

/// Whether the rig-config describes a simulated rig.
pub(super) fn is_simulated(rig: &RigConfig) -> bool {
    rig.body == "simulator"
}
