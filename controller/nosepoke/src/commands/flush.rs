//! `nosepoke flush`: opens one line for as long as a person asks, past its `max_on`: to fill, clean or calibrate it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use controller::flush::{self, Openings, PAUSE_US};
use controller::tell;
use journal::Purpose;
use link::{EndReason, LineId, Micros, Record};
use sim::animal::Scripted;

use super::ask::Person;
use super::carry_out::stem;
use super::maintenance::{Bench, FOLDER, Run};
use super::real::{Device, stop_on_ctrl_c};
use super::{Complaint, label, rig, say, told_in_json};

/// Opens one line for as long as you ask, past its max_on: to fill, clean or calibrate it.
///
/// For a rig without an animal, and for lines that need no arming; at most 10 min. Every other output stays off, the
/// emergency stop is heeded, and Ctrl-C or a pulled cable closes it at once. It is no session: its journal lies in
/// `maintenance/` beside the sessions, and counts for no subject.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke flush water --rig my-box.yaml --for 30s\n  \
    nosepoke flush water --rig my-box.yaml --pulses 100 --width 50ms\n  \
    nosepoke flush water --rig my-box.yaml --for 10s --yes --operator KS")]
pub(crate) struct Flush {
    /// The line.
    line: String,
    /// The rig-config.
    #[arg(long)]
    rig: PathBuf,
    /// For how long, as in 30s; 10 s if nothing is said.
    #[arg(long = "for", value_name = "TIME", value_parser = time, conflicts_with = "pulses")]
    length: Option<u32>,
    /// How often instead: then each opening takes --width.
    #[arg(long, value_name = "N", requires = "width", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pulses: Option<u32>,
    /// How long each opening takes, as in 50ms.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "pulses")]
    width: Option<u32>,
    /// From one opening to the next; 200 ms more than the width if nothing is said.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "pulses")]
    every: Option<u32>,
    #[command(flatten)]
    device: Device,
    /// Who does it.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: Option<String>,
    /// Says that no animal is in the rig, for scripts; needs --operator.
    #[arg(long, requires = "operator")]
    yes: bool,
    /// Where the data of sessions goes; the journal of this goes into `maintenance/` there.
    #[arg(long, value_name = "DIR", default_value = "sessions")]
    out: PathBuf,
    /// Prints what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// A time in µs, from `10s`, `50 ms`.
pub(super) fn time(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no time: give for instance 10s or 50ms");
    let us = humantime::parse_duration(text.trim()).as_ref().map(Duration::as_micros).map_err(|_| wrong())?;
    u32::try_from(us).ok().filter(|us| *us > 0).ok_or_else(wrong)
}

impl Flush {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let json = self.json;
        told_in_json(json, self.flush())
    }

    fn openings(&self) -> Openings {
        match (self.pulses, self.width) {
            (Some(count), Some(width_us)) => {
                let period_us = self.every.unwrap_or_else(|| width_us.saturating_add(PAUSE_US));
                Openings { count, width_us, period_us }
            }
            _ => Openings::once(self.length.unwrap_or(10_000_000)),
        }
    }

    fn flush(self) -> Result<ExitCode, Complaint> {
        let (source, rig) = rig(&self.rig).map_err(|found| Complaint::drawn(&found))?;
        let openings = self.openings();
        let (protocol, compiled) = flush::compile(&rig, &self.line, openings).map_err(Complaint::new)?;
        let bench = Bench::new(&source.text, &rig, &self.device, self.operator.clone());
        if bench.is_simulated() {
            self.device.is_not_for(&rig.name)?;
        }
        tell!("{} on rig {} is opened {openings}; Ctrl-C closes it at once", self.line, rig.name);
        if !Person::new(self.yes).says_no_animal() {
            return Err(Complaint::new(
                "nothing was opened: a line is flushed only once you say that no animal is there",
            ));
        }
        let run = Run {
            purpose: Purpose::Flush,
            protocol,
            compiled,
            arm: 0,
            options: vec![("line".to_owned(), self.line.clone()), ("openings".to_owned(), openings.to_string())],
            hands: Box::new(Scripted::new(Vec::new())),
            wires: Vec::new(),
            stem: stem(&self.out.join(FOLDER), &["flush", &rig.name, &self.line])?,
        };
        let ran = bench.run(run, &stop_on_ctrl_c(), &mut |_| {})?;
        let (times, on_us) = opened(&ran.session);
        let whole = times == openings.count && matches!(ran.ended.reason, EndReason::Condition(_));
        let how = if whole { "as asked" } else { "not to its end" };
        if self.json {
            say(format_args!(
                "{:#}",
                serde_json::json!({
                    "line": self.line, "rig": rig.name, "good": whole, "opened": times, "on_s": on_us as f64 / 1e6,
                    "journal": ran.journal,
                })
            ))?;
        } else {
            say(format_args!("{} was opened {times} times, {:.3} s in all, {how}", self.line, on_us as f64 / 1e6))?;
            say(format_args!("journal  {}", ran.journal.display()))?;
        }
        match whole || ran.ended.reason == EndReason::Stopped {
            true => Ok(ExitCode::SUCCESS),
            false => Err(Complaint::told(format_args!(
                "the flush ended by itself: {}",
                report::Report::of(&ran.session).map_err(Complaint::new)?.summary().end_reason()
            ))),
        }
    }
}

/// How often the line a flush is about went on, the first of its rig, and for how long in all.
fn opened(session: &journal::Session) -> (u32, Micros) {
    let (mut times, mut on_us, mut since) = (0, 0, None);
    for (_, at, record) in session.records() {
        match record {
            Record::Edge { line: LineId(0), on: true } => (times, since) = (times + 1, Some(at)),
            Record::Edge { line: LineId(0), on: false } => {
                on_us += since.take().map_or(0, |since| at.saturating_sub(since));
            }
            _ => {}
        }
    }
    (times, on_us)
}
