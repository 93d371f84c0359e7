//! `nosepoke barcodes`: reads the barcodes of a session's sync lines back, and relates another recording of the same line to it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compiler::Source;
use compiler::symbols::{BarcodeTiming, Symbols, SyncPattern};
use controller::tell;
use journal::Session;
use link::{LineId, Micros, Record};
use report::barcode::{Barcode, decode};

use super::{Complaint, open_only, say};

/// Reads the barcodes of a session's sync lines back, one row each: the number, and when it began on the device's clock, in
/// seconds from the session's start.
///
/// With --edges, another recording of the line is read too: each row has both times, and it is said how its clock runs
/// against the device's.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke barcodes sessions/\n  \
    nosepoke barcodes sessions/neurofeedback_2026-11-30T22-24-51.npj --edges ephys.csv")]
pub(crate) struct Barcodes {
    /// The session's journal, or a folder: then the newest in it.
    session: PathBuf,
    /// The sync line; not needed where only one carries a barcode.
    #[arg(long, value_name = "NAME")]
    line: Option<String>,
    /// Edges of the same line as another system recorded them: a CSV file of two columns, time in seconds and level 0 or 1. A
    /// header is passed over.
    #[arg(long, value_name = "FILE")]
    edges: Option<PathBuf>,
}

impl Barcodes {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let session = open_only(&self.session)?;
        let symbols: Symbols = postcard::from_bytes(&session.header.symbols)
            .map_err(|_| Complaint::new("the names in the journal's header cannot be read"))?;
        let (line, timing) = self.carrier(&symbols)?;
        let (start, edges) = edges_of(&session, line)?;
        let own = decode(&edges, &timing);
        let since = |at: Micros| at.saturating_sub(start) as f64 / 1e6;
        let Some(path) = &self.edges else {
            let rows = own.iter().map(|barcode| format!("{},{:.6}\n", barcode.number, since(barcode.at)));
            say(format_args!("number,session_s\n{}", rows.collect::<String>().trim_end()))?;
            return Ok(ExitCode::SUCCESS);
        };
        let other = decode(&read(path)?, &timing);
        let pairs = paired(&own, &other);
        let rows = pairs
            .iter()
            .map(|(own, other)| format!("{},{:.6},{:.6}\n", own.number, since(own.at), other.at as f64 / 1e6));
        say(format_args!("number,session_s,other_s\n{}", rows.collect::<String>().trim_end()))?;
        tell!("{} barcodes in the session, {} in {}, {} in both", own.len(), other.len(), path.display(), pairs.len());
        let points: Vec<(f64, f64)> = pairs.iter().map(|(own, other)| (since(own.at), other.at as f64 / 1e6)).collect();
        match fit(&points) {
            Some((offset_s, ppm, worst_s)) => {
                tell!(
                    "other_s = {offset_s:.6} + session_s × (1 {ppm:+.3} ppm), every barcode within {:.0} µs of that",
                    worst_s * 1e6
                );
                Ok(ExitCode::SUCCESS)
            }
            None => Err(Complaint::told("two barcodes that both have are needed to relate two clocks")),
        }
    }

    /// The line with a barcode, and how that looks.
    fn carrier(&self, symbols: &Symbols) -> Result<(LineId, BarcodeTiming), Complaint> {
        let name = |line: u8| symbols.lines.get(usize::from(line)).map_or("", |line| line.name.as_str());
        let carriers = symbols.world.sync.iter().filter_map(|sync| match sync.pattern {
            SyncPattern::Barcode(timing) => Some((sync.line, timing)),
            SyncPattern::Pulses { .. } | SyncPattern::Random { .. } => None,
        });
        let carriers: Vec<(u8, BarcodeTiming)> = carriers.collect();
        let names = carriers.iter().map(|(line, _)| name(*line)).collect::<Vec<_>>().join(", ");
        let wanted = |line: u8| self.line.as_deref().is_none_or(|wanted| wanted == name(line));
        let mut found = carriers.iter().filter(|(line, _)| wanted(*line));
        match (found.next(), found.next()) {
            (Some((line, timing)), None) => Ok((LineId(*line), *timing)),
            (Some(_), Some(_)) => {
                Err(Complaint::new(format_args!("several lines carry a barcode: name one with --line: {names}")))
            }
            (None, _) if carriers.is_empty() => Err(Complaint::new("no line of this session carried a barcode")),
            (None, _) => Err(Complaint::new(format_args!(
                "--line {}: no such line carried a barcode; those that did: {names}",
                self.line.as_deref().unwrap_or_default()
            ))),
        }
    }
}

/// When the session began, and the edges of a line.
fn edges_of(session: &Session, line: LineId) -> Result<(Micros, Vec<(Micros, bool)>), Complaint> {
    let start = session.records().find(|(_, _, record)| matches!(record, Record::Start { .. }));
    let (_, start, _) = start.ok_or_else(|| Complaint::new("the journal holds no start of a session"))?;
    let edges = session.records().filter_map(|(_, at, record)| match record {
        Record::Edge { line: of, on } if of == line => Some((at, on)),
        _ => None,
    });
    let mut edges: Vec<(Micros, bool)> = edges.collect();
    edges.sort_by_key(|(at, _)| *at);
    Ok((start, edges))
}

/// Edges as another system wrote them down.
fn read(path: &Path) -> Result<Vec<(Micros, bool)>, Complaint> {
    let source = Source::read(path).map_err(|found| Complaint::drawn(&found))?;
    let mut edges = Vec::new();
    for (number, line) in source.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut cells = line.split([',', ';', '\t']).map(str::trim);
        let edge = cells.next().zip(cells.next()).and_then(|(time, level)| {
            let seconds: f64 = time.parse().ok().filter(|seconds: &f64| (0.0..=1e9).contains(seconds))?;
            let level = match level {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return None,
            };
            Some(((seconds * 1e6).round() as Micros, level))
        });
        match edge {
            Some(edge) => edges.push(edge),
            // What stands above the first row is a header.
            None if edges.is_empty() && number == 0 => {}
            None => {
                return Err(Complaint::new(format_args!(
                    "{}:{}: this is no edge: write the time in seconds, a comma, and 1 or 0, as in 12.034567,1",
                    path.display(),
                    number + 1
                )));
            }
        }
    }
    edges.sort_by_key(|(at, _)| *at);
    Ok(edges)
}

/// Barcodes with the same number that both have once, in the order of the first.
fn paired(own: &[Barcode], other: &[Barcode]) -> Vec<(Barcode, Barcode)> {
    let only = |all: &[Barcode], number: u32| {
        let mut found = all.iter().filter(|barcode| barcode.number == number);
        found.next().copied().filter(|_| found.next().is_none())
    };
    own.iter().filter_map(|barcode| Some((only(own, barcode.number)?, only(other, barcode.number)?))).collect()
}

/// The straight line through points: where it begins, by how many ppm it is steeper than 1, and how far the farthest point lies.
fn fit(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if points.len() < 2 || spread <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
    let offset = y - slope * x;
    let worst = points.iter().map(|point| (offset + slope * point.0 - point.1).abs()).fold(0.0, f64::max);
    Some((offset, (slope - 1.0) * 1e6, worst))
}
