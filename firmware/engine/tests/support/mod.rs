//! A bench for the engine: protocols written with names ([`script`], [`protocol`]) and run against a trace that reads
//! as a table ([`Bench::expect`]). Owns names and text; knows nothing of how the engine works.

// Every test binary uses a part of the bench; a bench that breaks says so by a panic.
#![allow(dead_code, clippy::unwrap_used)]

mod protocol;
mod script;

pub(crate) use protocol::*;
pub(crate) use script::*;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::{Engine, Given, Start};
use link::program::Program;
use link::record::Request;
use link::{EndReason, EventId, LineId, Micros, Record, VariableId};

/// A protocol ready to run, and the names of its parts.
pub(crate) struct Bench {
    pub(crate) image: Vec<u32>,
    pub(crate) names: Names,
    pub(crate) seed: u64,
    pub(crate) levels: u32,
    pub(crate) start: Micros,
}

/// The names of everything, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) lines: Vec<&'static str>,
    pub(crate) states: Vec<&'static str>,
    pub(crate) events: Vec<&'static str>,
    pub(crate) variables: Vec<&'static str>,
    pub(crate) timers: Vec<&'static str>,
    pub(crate) outcomes: Vec<&'static str>,
    pub(crate) stimuli: Vec<&'static str>,
    pub(crate) draws: Vec<&'static str>,
    pub(crate) lists: Vec<&'static str>,
}

/// What one microsecond holds: what is given with it, and the records in it. A given may carry an earlier stamp.
type Table = BTreeMap<Micros, (Vec<String>, Vec<String>)>;

impl Bench {
    /// Input lines found active at the start.
    pub(crate) fn already_on(mut self, lines: &[&str]) -> Self {
        self.levels = lines.iter().map(|line| 1 << position(&self.names.lines, line)).sum();
        self
    }

    /// The session's seed; 1 unless said otherwise.
    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The µs the session starts in; 0 unless said otherwise.
    pub(crate) fn starting_at(mut self, start: Micros) -> Self {
        self.start = start;
        self
    }

    /// Runs the left side of `table` and compares what is recorded with its right side. Each row reads
    /// `µs given | record`; a row without µs belongs to the one above it. `@µs` behind a given is its own stamp when it
    /// comes late. The run goes on up to the last µs named, so an empty row says "and until here nothing more".
    ///
    /// Everything is run twice, once advancing from row to row and once with everything on time offered at the very
    /// beginning and one microsecond handled a call: both must give the same.
    #[track_caller]
    pub(crate) fn expect(&self, table: &str) {
        let expected = parse(table);
        for hurried in [false, true] {
            let mut found: Table = expected.iter().map(|(at, (given, _))| (*at, (given.clone(), Vec::new()))).collect();
            for (at, record) in self.trace(&expected, hurried) {
                if !matches!(record, Record::Start { .. }) {
                    found.entry(at).or_default().1.push(self.show(&record));
                }
            }
            let (expected, found) = (print(&expected), print(&found));
            assert!(expected == found, "\nexpected:\n{expected}\nfound (hurried: {hurried}):\n{found}");
        }
    }

    fn trace(&self, table: &Table, hurried: bool) -> Vec<(Micros, Record)> {
        let program = Program::open(&self.image).unwrap();
        let mut records = Vec::new();
        let mut sink = |at, record| records.push((at, record));
        let mut engine = Engine::new();
        engine.start(
            &program,
            Start { at: self.start, seed: self.seed, levels: self.levels, program: program.name() },
            &mut sink,
        );
        let steps_max = if hurried { 1 } else { u16::MAX };
        let mut close = |engine: &mut Engine, closed| while engine.advance(&program, closed, steps_max, &mut sink) {};
        for (at, (given, _)) in table {
            for text in given {
                let (text, stamp) = match text.split_once('@') {
                    Some((text, stamp)) => (text.trim(), stamp.trim().parse().unwrap()),
                    None => (text.as_str(), *at),
                };
                if !hurried || stamp < *at {
                    close(&mut engine, at.saturating_sub(1));
                }
                engine.offer(stamp, self.given(text)).unwrap();
            }
        }
        if let Some((last, _)) = table.last_key_value() {
            close(&mut engine, *last);
        }
        records
    }

    /// Runs for `until` µs with nothing given; every record.
    pub(crate) fn run(&self, until: Micros) -> Vec<(Micros, Record)> {
        self.trace(&Table::from([(until, (Vec::new(), Vec::new()))]), false)
    }

    /// What came out of a draw, one value a time it was drawn, with its odds.
    pub(crate) fn drawn(&self, name: &str, until: Micros) -> Vec<(i64, (i64, i64))> {
        let wanted = position(&self.names.draws, name);
        let draw = |record| match record {
            Record::Draw { draw, value, odds } if draw.0 == wanted as u8 => Some((value, odds)),
            _ => None,
        };
        self.run(until).into_iter().filter_map(|(_, record)| draw(record)).collect()
    }

    fn given(&self, text: &str) -> Given {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["stop"] => Given::Stop(EndReason::Stopped),
            ["last", "trial"] => Given::LastTrial(EndReason::HostLost),
            ["outside", event] => Given::Outside(EventId::named(position(&self.names.events, event))),
            ["parameter", name, "=", value] => Given::Parameter {
                variable: VariableId(position(&self.names.variables, name)),
                value: value.parse().unwrap(),
            },
            [line, level @ ("on" | "off")] => {
                Given::Edge { line: LineId(position(&self.names.lines, line) as u8), active: *level == "on" }
            }
            _ => panic!("nothing can be given as '{text}'"),
        }
    }

    fn event(&self, event: EventId) -> String {
        let name = |names: &[&'static str], first: u16| names.get(usize::from(event.0 - first)).copied().unwrap_or("?");
        if event.0 >= EventId::NAMED { name(&self.names.events, EventId::NAMED).into() } else { format!("{event:?}") }
    }

    /// A record as one line of a trace.
    pub(crate) fn show(&self, record: &Record) -> String {
        let names = &self.names;
        let late = |late_us: u32| if late_us == 0 { String::new() } else { format!(" late {late_us}") };
        let level = |on: bool| if on { "on" } else { "off" };
        match *record {
            Record::Input { line, active, late_us } => {
                format!("{} {}{}", names.lines[line.index()], level(active), late(late_us))
            }
            Record::Outside { event, late_us } => format!("outside {}{}", self.event(event), late(late_us)),
            Record::Parameter { variable, value } => {
                format!("parameter {} = {value}", names.variables[variable.index()])
            }
            Record::Stop(reason) => format!("stop: {reason:?}"),
            Record::LastTrial(reason) => format!("last trial: {reason:?}"),
            Record::Enter { state, .. } => format!("enter {}", names.states[state.index()]),
            Record::Trial { number } => format!("trial {number}"),
            Record::Outcome(outcome) => format!("outcome {}", names.outcomes[outcome.index()]),
            Record::Event(event) => format!("event {}", self.event(event)),
            Record::Draw { draw, value, odds: (a, b) } => {
                format!("draw {} = {value} ({a} of {b})", names.draws[draw.index()])
            }
            Record::Set { variable, value } => format!("{} = {value}", names.variables[variable.index()]),
            Record::Request { line, request } => {
                let line = names.lines[line.index()];
                let at = |t: link::record::Train| t.power_ppm().map_or(String::new(), |ppm| format!(" at {ppm} ppm"));
                match request {
                    Request::Off => format!("request {line} off"),
                    Request::On => format!("request {line} on"),
                    Request::Train(t) if t.count == 1 && t.delay_us == 0 => {
                        format!("request {line} for {}{}", t.width_us, at(t))
                    }
                    Request::Train(t) => {
                        let train = format!("{}+{}x{}/{}", t.delay_us, t.count, t.width_us, t.period_us);
                        format!("request {line} {train}{}", at(t))
                    }
                    Request::Power { power_ppm } => format!("request {line} on at {power_ppm} ppm"),
                    Request::Deliver { volume_nl, width_us } => {
                        format!("request {line} {volume_nl} nl for {width_us}")
                    }
                }
            }
            Record::Breach { invariant, line } => format!("breach {} {}", invariant.0, names.lines[line.index()]),
            Record::Fault(fault) => format!("fault {fault:?}"),
            Record::End(reason) => format!("end: {reason:?}"),
            ref other => format!("{other:?}"),
        }
    }
}

/// The number of a name.
#[track_caller]
pub(crate) fn position(names: &[&str], name: &str) -> u16 {
    let found = names.iter().position(|known| *known == name);
    found.unwrap_or_else(|| panic!("there is no '{name}' among {names:?}")) as u16
}

fn parse(text: &str) -> Table {
    let mut table = Table::new();
    let mut at = 0;
    for row in text.lines().filter(|row| !row.trim().is_empty()) {
        let (left, right) = row.split_once('|').unwrap_or_else(|| panic!("a row has no '|': {row}"));
        let (mut given, right) = (left.trim(), right.trim());
        if given.starts_with(|c: char| c.is_ascii_digit()) {
            let (time, rest) = given.split_once(' ').unwrap_or((given, ""));
            at = time.replace('_', "").parse().unwrap();
            given = rest.trim();
        }
        let entry = table.entry(at).or_default();
        if !given.is_empty() {
            entry.0.push(given.into());
        }
        if !right.is_empty() {
            entry.1.push(right.into());
        }
    }
    table
}

fn print(table: &Table) -> String {
    let mut text = String::new();
    for (at, (given, records)) in table {
        for row in 0..given.len().max(records.len()).max(1) {
            let time = if row == 0 { at.to_string() } else { String::new() };
            let cell = |cells: &[String]| cells.get(row).cloned().unwrap_or_default();
            let _ = writeln!(text, "{time:>9} {:24} | {}", cell(given), cell(records));
        }
    }
    text
}
