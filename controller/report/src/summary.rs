//! What a person wants to know of a session first. Owns the counts and the sentences; every number is a count of records
//! or a sum over them.

use std::collections::BTreeMap;
use std::fmt;

use compiler::Source;
use compiler::symbols::{AllowedSymbol, Symbols};
use journal::{NoteKind, Purpose, Session};
use link::rig::Rig;
use link::{LineId, Record};
use serde::Serialize;

use crate::blind::{HIDDEN, Known};
use crate::causes::{disarm_cause, end_reason, trip_advice, trip_cause};
use crate::frames::Frames;
use crate::history::History;
use crate::outputs::outputs;
pub use crate::outputs::{Allowed, NotSensed, Output};
use crate::quantity;

/// What a person wants to know of a session first. Times in seconds from its start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// What the journal was written for: `session`, `flush` or `self-test`.
    pub purpose: String,
    /// The protocol's name.
    pub protocol: String,
    /// The rig's name.
    pub rig: String,
    /// The animal, if there was one.
    pub subject: Option<String>,
    /// The person who ran it.
    pub operator: Option<String>,
    /// Whether the body was a simulator.
    pub simulated: bool,
    /// Wall time of the start in ms since 1970.
    pub started_ms: Option<i64>,
    /// What every draw came from.
    pub seed: u64,
    /// SHA-256 of the program, in hex.
    pub program_sha256: String,
    /// SHA-256 over the protocol and its fragments, in hex.
    pub protocol_sha256: String,
    /// The fragments of the protocol.
    pub fragments: Vec<String>,
    /// The stage of the protocol, if it has stages.
    pub stage: Option<String>,
    /// What was assigned to the subject, and what was asked.
    pub known: Vec<Known>,
    /// What is hidden from the operator.
    pub hidden: Vec<String>,
    /// What can be said of the journal.
    pub journal: String,
    /// Records of the device.
    pub records: u64,
    /// How long it lasted.
    pub length_s: f64,
    /// Trials begun.
    pub trials: u64,
    /// Trials per outcome, in the protocol's order.
    pub outcomes: Vec<Counted>,
    /// Trials without an outcome.
    pub no_outcome: u64,
    /// Water asked for, all valves together.
    pub water_requested_ul: f64,
    /// Output lines.
    pub outputs: Vec<Output>,
    /// Invariants that blocked a request, and how often.
    pub breaches: Vec<Counted>,
    /// Inputs that were handled late.
    pub late_count: u64,
    /// The latest of them, in µs.
    pub late_us_max: u64,
    /// Inputs that were lost.
    pub lost_count: u64,
    /// Lines armed and disarmed, and trips, in order.
    pub safety: Vec<Moment>,
    /// How the device's clock ran against the computer's, by the surest note of it; none in a simulated session.
    pub clock: Option<Clock>,
    /// Frames that were counted, and where they stopped.
    pub frames: Vec<Frames>,
    /// Parameters that a person changed while it ran, in order.
    pub changes: Vec<Moment>,
    /// What person and controller remarked, in order.
    pub remarks: Vec<String>,
    /// Why it ended.
    pub end: String,
    /// The parameters in force at the start.
    pub parameters: Vec<Parameter>,
    /// Warnings that the protocol allows, each with its reason.
    pub allowed: Vec<AllowedSymbol>,
}

/// How the device's clock ran against the computer's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clock {
    /// How much faster the device's clock ran, in parts per million.
    pub drift_ppm: f64,
    /// How far that may be off.
    pub drift_uncertainty_ppm: f64,
    /// How far the computer's time given for a time of the device may be off, in µs.
    pub uncertainty_us: u32,
}

/// How often something was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// Something that happened once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// When, from the session's start.
    pub at_s: f64,
    /// What, as a sentence.
    pub what: String,
}

/// A parameter of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value with its unit.
    pub value: String,
    /// Whether it was set for this session.
    pub set: bool,
    /// On what ground it has its default: `published`, `typical`, `chosen`.
    pub basis: String,
    /// Where a published default stands; empty for any other.
    pub source: String,
    /// What it is about.
    pub about: String,
}

impl Summary {
    /// The summary of a session.
    #[must_use]
    pub fn of(session: &Session, symbols: &Symbols, history: &History, known: &[Known], hidden: &[String]) -> Self {
        let header = &session.header;
        let mut tally = Tally::default();
        let is_hidden = |line: LineId| symbols.lines.get(line.index()).is_some_and(|line| hidden.contains(&line.name));
        for (_, at, record) in session.records() {
            if matches!(record, Record::NotSensed { line, .. } if is_hidden(line)) {
                continue;
            }
            tally.take(at.wrapping_sub(history.start_us).cast_signed() as f64 / 1e6, &record, symbols);
        }
        let with_outcome = |n: usize| {
            history.trials.iter().filter(|trial| trial.outcome.is_some_and(|(outcome, _)| outcome.index() == n)).count()
        };
        let outcomes: Vec<Counted> = symbols
            .outcomes
            .iter()
            .enumerate()
            .map(|(n, name)| Counted { name: name.clone(), count: with_outcome(n) as u64 })
            .collect();
        let rig: Option<Rig> = postcard::from_bytes(&header.device_rig).ok();
        let stated = Source { name: symbols.rig.clone(), text: header.rig.clone() };
        let config = compiler::read_rig(&stated).ok();
        let outputs = outputs(symbols, history, rig.as_ref(), config.as_ref(), &tally.not_sensed);
        Self {
            purpose: purpose(header.purpose).into(),
            protocol: symbols.protocol.clone(),
            rig: symbols.rig.clone(),
            subject: header.subject.clone(),
            operator: header.operator.clone(),
            simulated: header.simulated,
            started_ms: header.started_ms,
            seed: header.seed,
            program_sha256: hex(&link::program::hash(&header.program)),
            protocol_sha256: hex(&header.protocol_hash()),
            fragments: header.context.fragments.iter().map(|(name, _)| name.clone()).collect(),
            stage: header.context.stage.clone(),
            known: known.to_vec(),
            hidden: hidden.to_vec(),
            journal: integrity(session),
            records: session.records_len(),
            length_s: history.length_us() as f64 / 1e6,
            trials: history.trials.len() as u64,
            no_outcome: history.trials.iter().filter(|trial| trial.outcome.is_none()).count() as u64,
            outcomes,
            water_requested_ul: outputs.iter().map(|output| output.requested_ul).sum(),
            outputs,
            breaches: counted(tally.breaches),
            late_count: tally.late_count,
            late_us_max: tally.late_us_max,
            lost_count: tally.lost_count,
            safety: tally.safety,
            clock: clock(session),
            frames: Frames::of(symbols, history),
            changes: tally.changes,
            remarks: session
                .notes
                .iter()
                .filter_map(|placed| match &placed.note.kind {
                    NoteKind::Operator(text) | NoteKind::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            end: history
                .end
                .map_or("interrupted: its last record says nothing of an end".into(), |end| end_reason(symbols, end)),
            parameters: parameters(symbols),
            allowed: symbols.allowed.clone(),
        }
    }

    /// The summary for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.to_string().trim_end().to_owned()
    }

    /// Whether it is of a session, and not of maintenance: only then are its trials trials.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.purpose == purpose(Purpose::Session)
    }

    /// Why the session ended, as a sentence.
    #[must_use]
    pub fn end_reason(&self) -> &str {
        &self.end
    }
}

#[derive(Default)]
struct Tally {
    breaches: BTreeMap<String, u64>,
    late_count: u64,
    late_us_max: u64,
    lost_count: u64,
    safety: Vec<Moment>,
    changes: Vec<Moment>,
    not_sensed: BTreeMap<u8, NotSensed>,
}

impl Tally {
    fn take(&mut self, at_s: f64, record: &Record, symbols: &Symbols) {
        let mut say = |what: String| self.safety.push(Moment { at_s, what });
        match record {
            Record::Input { late_us: late_us @ 1.., .. } | Record::Outside { late_us: late_us @ 1.., .. } => {
                self.late_count += 1;
                self.late_us_max = self.late_us_max.max(u64::from(*late_us));
            }
            Record::Parameter { variable, value } => {
                let what = change(symbols, variable.0, *value);
                self.changes.extend(what.map(|what| Moment { at_s, what }));
            }
            Record::Lost { count } => self.lost_count += u64::from(*count),
            Record::Breach { invariant, .. } => {
                let written = symbols.invariants.get(invariant.index()).cloned();
                *self.breaches.entry(written.unwrap_or_else(|| format!("invariant {}", invariant.0))).or_default() += 1;
            }
            Record::Armed { lines } => say(format!("{} armed", line_set(symbols, *lines))),
            Record::Disarmed { lines, cause } => {
                let because = disarm_cause(*cause);
                say(format!("{} disarmed: {because}", line_set(symbols, *lines)));
            }
            Record::Trip(cause) => {
                say(format!("trip: {}; {}", trip_cause(symbols, *cause), trip_advice(symbols, *cause)));
            }
            Record::NotSensed { line, on } => {
                let found =
                    self.not_sensed.entry(line.0).or_insert(NotSensed { count: 0, first_s: at_s, first_on: *on });
                found.count += 1;
            }
            Record::Silence(true) => say("the controller fell silent".into()),
            Record::Silence(false) => say("the controller was heard again".into()),
            Record::RingLow { free } => say(format!("the memory for records was filling up: {free} bytes left")),
            _ => {}
        }
    }
}

/// A parameter that was changed, as a sentence; none for a value from outside, of which there may be thousands.
fn change(symbols: &Symbols, variable: u16, value: i64) -> Option<String> {
    let live = |known: &&compiler::symbols::VariableSymbol| {
        known.parameter.as_ref()?.live.filter(|live| live.variable == variable)
    };
    let (known, live) = symbols.variables.iter().find_map(|known| Some((known, live(&known)?)))?;
    let when = if live.next_trial { ", from the next trial on" } else { "" };
    Some(format!("{} set to {}{when}", known.name, quantity::written(known, value)))
}

fn clock(session: &Session) -> Option<Clock> {
    let fits = session.notes.iter().filter_map(|placed| match placed.note.kind {
        NoteKind::ClockFit { drift_ppb, drift_uncertainty_ppb, uncertainty_us, .. } => {
            Some((drift_ppb, drift_uncertainty_ppb, uncertainty_us))
        }
        _ => None,
    });
    // After a reset the fit begins anew and knows little.
    let (drift_ppb, drift_uncertainty_ppb, uncertainty_us) = fits.min_by_key(|(_, uncertainty, _)| *uncertainty)?;
    let ppm = |ppb: f64| ppb / 1e3;
    Some(Clock {
        drift_ppm: ppm(drift_ppb as f64),
        drift_uncertainty_ppm: ppm(f64::from(drift_uncertainty_ppb)),
        uncertainty_us,
    })
}

fn parameters(symbols: &Symbols) -> Vec<Parameter> {
    let parameter = |variable: &compiler::symbols::VariableSymbol| {
        variable.parameter.as_ref().map(|parameter| Parameter {
            name: variable.name.clone(),
            value: quantity::written(variable, parameter.value),
            set: parameter.set,
            basis: parameter.basis.clone(),
            source: parameter.source.clone(),
            about: parameter.about.clone(),
        })
    };
    symbols.variables.iter().filter_map(parameter).collect()
}

pub(crate) fn counted(counts: BTreeMap<String, u64>) -> Vec<Counted> {
    counts.into_iter().map(|(name, count)| Counted { name, count }).collect()
}

fn integrity(session: &Session) -> String {
    session.verify().map_or_else(|finding| format!("not as it was written: {finding}"), |found| found.to_string())
}

/// The names of a set of lines.
fn line_set(symbols: &Symbols, lines: u32) -> String {
    let names: Vec<String> =
        (0..32).map(LineId).filter(|line| lines & line.bit() != 0).map(|line| line_name(symbols, line)).collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

/// The name of a line.
pub(crate) fn line_name(symbols: &Symbols, line: LineId) -> String {
    symbols.lines.get(line.index()).map_or_else(|| format!("line {}", line.0), |symbol| symbol.name.clone())
}

const fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Session => "session",
        Purpose::Flush => "flush",
        Purpose::SelfTest => "self-test",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_session = self.is_session();
        let subject = match is_session {
            true => self.subject.as_deref().unwrap_or("no subject"),
            false => "maintenance, no session",
        };
        let body = if self.simulated { " (simulated)" } else { "" };
        writeln!(f, "{} · {subject} · rig {}{body}", self.protocol, self.rig)?;
        let length = quantity::spoken((self.length_s * 1e6).max(0.0) as u64);
        let trials = if is_session { format!("{} trials, ", self.trials) } else { String::new() };
        writeln!(f, "  length      {length}, {trials}{} records, seed {}", self.records, self.seed)?;
        if let Some(stage) = &self.stage {
            writeln!(f, "  stage       {stage}")?;
        }
        writeln!(f, "  ended       {}", self.end)?;
        let mut outcomes: Vec<String> =
            self.outcomes.iter().map(|outcome| share(&outcome.name, outcome.count, self.trials)).collect();
        if self.no_outcome > 0 {
            outcomes.push(share("none", self.no_outcome, self.trials));
        }
        if is_session {
            writeln!(f, "  outcomes    {}", outcomes.join(", "))?;
        }
        let width = self.outputs.iter().map(|output| output.line.chars().count()).max().unwrap_or(0).max(11);
        for output in &self.outputs {
            output.write(f, width)?;
        }
        for breach in &self.breaches {
            writeln!(f, "  blocked     {} × \"{}\"", breach.count, breach.name)?;
        }
        writeln!(
            f,
            "  inputs      {} late (at most {} µs), {} lost",
            self.late_count, self.late_us_max, self.lost_count
        )?;
        if let Some(Clock { drift_ppm, drift_uncertainty_ppm, uncertainty_us, .. }) = &self.clock {
            writeln!(
                f,
                "  clock       the device's ran {drift_ppm:+.1} ± {drift_uncertainty_ppm:.1} ppm against the computer's, times \
                 related within ± {uncertainty_us} µs"
            )?;
        }
        for moment in &self.safety {
            writeln!(f, "  at {:>10.6} s  {}", moment.at_s, moment.what)?;
        }
        for Known { name, value, unit, assigned } in &self.known {
            let (word, unit) = (if *assigned { "assigned" } else { "known" }, format!(" {unit}"));
            let unit = if value.ends_with(unit.trim()) || *value == HIDDEN { "" } else { unit.trim_end() };
            writeln!(f, "  {word:<11} {name} = {value}{unit}")?;
        }
        if !self.hidden.is_empty() {
            writeln!(f, "  hidden      {}, until `nosepoke unblind`", self.hidden.join(", "))?;
        }
        for frames in &self.frames {
            writeln!(f, "  frames      {frames}")?;
        }
        for moment in &self.changes {
            writeln!(f, "  at {:>10.6} s  {}", moment.at_s, moment.what)?;
        }
        for remark in &self.remarks {
            writeln!(f, "  remark      {remark}")?;
        }
        for parameter in &self.parameters {
            let ground = match (parameter.set, parameter.source.as_str()) {
                (true, _) => "set for this session".to_owned(),
                (false, "") => parameter.basis.clone(),
                (false, source) => format!("{}: {source}", parameter.basis),
            };
            writeln!(f, "  {} = {} ({ground})", parameter.name, parameter.value)?;
        }
        for AllowedSymbol { code, line, because, .. } in &self.allowed {
            writeln!(f, "  allowed     {code} on line {line} of the protocol: {because}")?;
        }
        writeln!(f, "  journal     {}", self.journal)
    }
}

fn share(name: &str, count: u64, of: u64) -> String {
    format!("{name} {count} ({:.0} %)", 100.0 * count as f64 / of.max(1) as f64)
}
