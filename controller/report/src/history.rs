//! A session's records as trials. Trials tile the session: each lasts until the next begins, the last until the session
//! ends, and the interval between belongs to the trial it follows. Owns that cut, and what variables held at each end;
//! knows nothing of units or of how anything is shown.

use compiler::symbols::Symbols;
use journal::Session;
use link::program::Program;
use link::pwm::FULL_POWER_PPM;
use link::record::Request;
use link::rig::{Rig, SAMPLE_US};
use link::samples::SampleBlock;
use link::{EndReason, EventId, LineId, Micros, OutcomeId, Record, Verdict};

/// A session as trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// When the session started, in µs on the device's clock.
    pub start_us: Micros,
    /// When it ended, or its last record.
    pub end_us: Micros,
    /// Why it ended; none if it was interrupted.
    pub end: Option<EndReason>,
    /// What was before the first trial; its number is 0.
    pub before: Trial,
    /// The trials, in order.
    pub trials: Vec<Trial>,
    /// Samples: line, time of the last of the block, block; those of one line in the order of time.
    pub samples: Vec<(LineId, Micros, SampleBlock)>,
    /// From one sample to the next, in µs.
    pub sample_us: u32,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trial {
    /// Counted from 1.
    pub number: u32,
    /// When it began, in µs on the device's clock.
    pub start_us: Micros,
    /// When the next one began, or the session ended.
    pub end_us: Micros,
    /// Its outcome, and when it became known; the last one, if there are several.
    pub outcome: Option<(OutcomeId, Micros)>,
    /// What each variable held at its end.
    pub values: Vec<i64>,
    /// Variables that are worked out as a trial closes, and were not in this one: it never closed.
    pub open: Vec<usize>,
    /// Events the protocol names, its own and those from outside.
    pub events: Vec<(EventId, Micros)>,
    /// Changes of inputs: line, to active or not, when (as stamped, not as handled).
    pub inputs: Vec<(LineId, bool, Micros)>,
    /// Edges at outputs: line, to on or off, when.
    pub edges: Vec<(LineId, bool, Micros)>,
    /// Volumes asked of each valve, in nl.
    pub deliveries: Vec<(LineId, u32, Micros)>,
    /// Powers asked of lines that carry one: line, millionths of full power, when. What says nothing of it asks for full.
    pub powers: Vec<(LineId, i32, Micros)>,
    /// What the interlock did not carry out as asked.
    pub verdicts: Vec<(LineId, Verdict)>,
}

impl History {
    /// Cuts a session into trials; none if it never started.
    #[must_use]
    pub fn of(session: &Session, symbols: &Symbols) -> Option<Self> {
        let (_, start_us, _) = session.records().find(|(_, _, record)| matches!(record, Record::Start { .. }))?;
        let program = Program::open(&session.header.program).ok();
        let mut values: Vec<i64> = symbols
            .variables
            .iter()
            .enumerate()
            .map(|(n, variable)| match (&variable.parameter, &program) {
                (Some(parameter), _) => parameter.value,
                (None, Some(program)) => program.variable(n),
                (None, None) => 0,
            })
            .collect();
        let rig: Option<Rig> = postcard::from_bytes(&session.header.device_rig).ok();
        let lines = rig.iter().flat_map(|rig| &rig.lines).enumerate();
        let powered: Vec<usize> = lines
            .filter(|(_, line)| line.role.output().is_some_and(|output| output.max_power_ppm.is_some()))
            .map(|(n, _)| n)
            .collect();
        let mut history = Self {
            start_us,
            end_us: start_us,
            end: None,
            before: Trial::default(),
            trials: Vec::new(),
            samples: Vec::new(),
            sample_us: rig.as_ref().map_or(SAMPLE_US, |rig| rig.sample_us),
        };
        let open = || symbols.at_close.iter().map(|variable| usize::from(*variable)).collect::<Vec<_>>();
        let mut trial = Trial { start_us, open: open(), ..Trial::default() };

        for (_, at, record) in session.records() {
            if history.end.is_none() {
                history.end_us = history.end_us.max(at);
            }
            if let Record::Trial { number } = record {
                history.close(&mut trial, at, &values);
                trial = Trial { number, start_us: at, open: open(), ..Trial::default() };
            }
            if let Record::End(reason) = record {
                history.end = Some(reason);
                history.end_us = at;
            }
            if let Record::Samples { line, block } = record {
                history.samples.push((line, at, block));
            }
            trial.take(at, &record);
            if let Record::Request { line, request } = record
                && !matches!(request, Request::Off)
                && powered.contains(&line.index())
            {
                trial.powers.push((line, request.power_ppm().unwrap_or(FULL_POWER_PPM), at));
            }
            if let Some((variable, value)) = assigned(&record, symbols)
                && let Some(slot) = values.get_mut(variable)
            {
                *slot = value;
                trial.open.retain(|open| *open != variable);
            }
        }
        let end_us = history.end_us;
        history.close(&mut trial, end_us, &values);
        Some(history)
    }

    fn close(&mut self, trial: &mut Trial, at: Micros, values: &[i64]) {
        let mut done = std::mem::take(trial);
        done.end_us = at;
        done.values = values.to_vec();
        if done.number == 0 && self.trials.is_empty() {
            self.before = done;
        } else {
            self.trials.push(done);
        }
    }

    /// The trials and what was before the first.
    pub fn all(&self) -> impl Iterator<Item = &Trial> {
        std::iter::once(&self.before).chain(&self.trials)
    }

    /// How long the session lasted, in µs.
    #[must_use]
    pub const fn length_us(&self) -> Micros {
        self.end_us.saturating_sub(self.start_us)
    }

    /// The edges of the whole session in the order of their times. A pulse may reach from one trial into the next.
    #[must_use]
    pub fn edges(&self) -> Vec<(LineId, bool, Micros)> {
        let mut edges: Vec<_> = self.all().flat_map(|trial| trial.edges.iter().copied()).collect();
        edges.sort_by_key(|(_, _, at)| *at);
        edges
    }
}

impl Trial {
    fn take(&mut self, at: Micros, record: &Record) {
        match *record {
            Record::Outcome(outcome) => self.outcome = Some((outcome, at)),
            Record::Event(event) | Record::Outside { event, .. } => self.events.push((event, at)),
            Record::Input { line, active, late_us } => {
                self.inputs.push((line, active, at.saturating_sub(Micros::from(late_us))));
            }
            Record::Edge { line, on } => self.edges.push((line, on, at)),
            Record::Request { line, request: Request::Deliver { volume_nl, .. } } => {
                self.deliveries.push((line, volume_nl, at));
            }
            Record::Verdict { line, verdict } => self.verdicts.push((line, verdict)),
            _ => {}
        }
    }

    /// A time of the trial from its start, in µs; before it where an edge was written down late.
    #[must_use]
    pub const fn since_start_us(&self, at: Micros) -> i64 {
        at.wrapping_sub(self.start_us).cast_signed()
    }
}

/// The variable a record changes, and to what.
fn assigned(record: &Record, symbols: &Symbols) -> Option<(usize, i64)> {
    match *record {
        Record::Set { variable, value } | Record::Parameter { variable, value } => Some((variable.index(), value)),
        Record::Draw { draw, value, .. } => {
            symbols.draws.get(draw.index()).map(|symbol| (usize::from(symbol.variable), value))
        }
        _ => None,
    }
}
