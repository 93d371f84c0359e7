//! The trial table: one row a trial. Owns which columns there are and what they are called; the unit stands last in a
//! column's name, and times within a trial count from its start.

use std::collections::BTreeSet;
use std::fmt;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table};
use compiler::symbols::Symbols;
use link::{EventId, LineId};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::blind::Known;
use crate::frames;
use crate::history::{History, Trial};
use crate::quantity::{self, Cell};

/// One row a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialTable {
    /// The columns' names, each different.
    pub columns: Vec<String>,
    /// The rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

pub(crate) type Column<'s> = (String, Box<dyn Fn(&Trial) -> Cell + 's>);

impl TrialTable {
    /// The table of a session. What is known of it stands in every row: the sex of the animal, a drug and its dose.
    #[must_use]
    pub fn of(symbols: &Symbols, history: &History, known: &[Known]) -> Self {
        let mut columns: Vec<Column<'_>> = vec![
            ("trial".into(), Box::new(|trial| Cell::Count(i64::from(trial.number)))),
            ("start_s".into(), Box::new(|trial| seconds(trial.start_us, history.start_us))),
            ("length_s".into(), Box::new(|trial| seconds(trial.end_us, trial.start_us))),
            ("outcome".into(), Box::new(|trial| outcome_name(symbols, trial))),
            (
                "outcome_s".into(),
                Box::new(|trial| trial.outcome.map_or(Cell::Empty, |(_, at)| Cell::Seconds(trial.since_start_us(at)))),
            ),
        ];
        for (n, variable) in symbols.variables.iter().enumerate().filter(|(_, variable)| variable.column) {
            let value = move |trial: &Trial| {
                let held = trial.values.get(n).filter(|_| !trial.open.contains(&n));
                held.map_or(Cell::Empty, |value| quantity::cell(variable, *value))
            };
            columns.push((quantity::column(variable), Box::new(value)));
        }
        for one in known.iter().filter(|one| !one.assigned) {
            let cell = said(one);
            columns.push((column_of(one), Box::new(move |_| cell.clone())));
        }
        event_columns(symbols, history, &mut columns);
        frames::columns(symbols, history, &mut columns);
        line_columns(symbols, history, &mut columns);

        let rows = history.trials.iter().map(|trial| columns.iter().map(|(_, cell)| cell(trial)).collect()).collect();
        Self { columns: distinct(columns.into_iter().map(|(name, _)| name)), rows }
    }

    /// The table for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.to_string()
    }

    /// How wide the widest cell of a column is, in characters.
    fn cells_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.to_string().chars().count()).max().unwrap_or(0)
    }

    /// As CSV with a header line, comma-separated, quoted where needed.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = String::new();
        let mut line = |fields: &mut dyn Iterator<Item = String>| {
            csv.push_str(&fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(","));
            csv.push('\n');
        };
        line(&mut self.columns.iter().cloned());
        for row in &self.rows {
            line(&mut row.iter().map(ToString::to_string));
        }
        csv
    }
}

/// What is known of a session as a cell: a number where it is one.
fn said(one: &Known) -> Cell {
    let bare = one.value.trim().trim_end_matches(one.unit.as_str()).trim_end();
    let (whole, part) = bare.split_once('.').unwrap_or((bare, ""));
    let digits = format!("{whole}{part}");
    let decimals = u32::try_from(part.len()).unwrap_or(u32::MAX);
    match digits.parse() {
        Ok(value) if !one.unit.is_empty() => Cell::Fixed { value, decimals },
        _ if one.value.is_empty() => Cell::Empty,
        _ => Cell::Text(one.value.clone()),
    }
}

/// Its column's name, the unit last: `dose_mg_per_kg`.
fn column_of(one: &Known) -> String {
    if one.unit.is_empty() {
        return one.name.clone();
    }
    let unit = one.unit.replace('/', "_per_").replace('%', "percent").replace('µ', "u");
    let unit: String = unit.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    format!("{}_{unit}", one.name)
}

/// Times of the events the protocol names: the first of each in a trial, and how many where there ever were more.
fn event_columns<'s>(symbols: &'s Symbols, history: &History, columns: &mut Vec<Column<'s>>) {
    // Those of the compiler's own have a dot, those that are hidden no name.
    let told = |name: &str| !name.is_empty() && !name.contains('.');
    for (n, name) in symbols.events.iter().enumerate().filter(|(_, name)| told(name)) {
        let Ok(n) = u16::try_from(n) else { break };
        let event = EventId(EventId::NAMED.saturating_add(n));
        let count = move |trial: &Trial| trial.events.iter().filter(|(other, _)| *other == event).count();
        let first = move |trial: &Trial| {
            let at = trial.events.iter().find(|(other, _)| *other == event).map(|(_, at)| *at);
            at.map_or(Cell::Empty, |at| Cell::Seconds(trial.since_start_us(at)))
        };
        columns.push((format!("{name}_s"), Box::new(first)));
        if history.trials.iter().any(|trial| count(trial) > 1) {
            columns.push((format!("{name}_count"), Box::new(move |trial| Cell::Count(count(trial) as i64))));
        }
    }
}

/// How often each input became active and each output went on, the power asked of it last if it carries one, and how often
/// the interlock refused where it ever did.
fn line_columns<'s>(symbols: &'s Symbols, history: &History, columns: &mut Vec<Column<'s>>) {
    for (n, symbol) in symbols.lines.iter().enumerate() {
        let Ok(n) = u8::try_from(n) else { break };
        let line = LineId(n);
        let did_something = |trial: &Trial| trial.edges.iter().chain(&trial.inputs).any(|(other, ..)| *other == line);
        // A sampled line has no edges: its detectors have.
        let sampled = symbol.on_event.is_empty();
        if sampled || (!symbol.named && !history.all().any(did_something)) {
            continue;
        }
        let on = move |changes: &[(LineId, bool, u64)]| {
            Cell::Count(changes.iter().filter(|(other, on, _)| *other == line && *on).count() as i64)
        };
        if symbol.output {
            columns.push((format!("{}_pulse_count", symbol.name), Box::new(move |trial| on(&trial.edges))));
        } else {
            let name = format!("{}_{}_count", symbol.name, symbol.on_event);
            columns.push((name, Box::new(move |trial| on(&trial.inputs))));
        }
        let power =
            move |trial: &Trial| trial.powers.iter().rfind(|(other, ..)| *other == line).map(|(_, ppm, _)| *ppm);
        if history.trials.iter().any(|trial| power(trial).is_some()) {
            let percent = move |trial: &Trial| {
                power(trial).map_or(Cell::Empty, |ppm| Cell::Fixed { value: ppm.into(), decimals: 4 })
            };
            columns.push((format!("{}_power_percent", symbol.name), Box::new(percent)));
        }
        let refused = move |trial: &Trial| {
            trial.verdicts.iter().filter(|(other, verdict)| *other == line && verdict.is_refusal()).count()
        };
        if history.trials.iter().any(|trial| refused(trial) > 0) {
            let name = format!("{}_refused_count", symbol.name);
            columns.push((name, Box::new(move |trial| Cell::Count(refused(trial) as i64))));
        }
    }
}

fn seconds(at: u64, since: u64) -> Cell {
    Cell::Seconds(at.wrapping_sub(since).cast_signed())
}

fn outcome_name(symbols: &Symbols, trial: &Trial) -> Cell {
    let Some((outcome, _)) = trial.outcome else { return Cell::Empty };
    Cell::Text(symbols.outcomes.get(outcome.index()).cloned().unwrap_or_else(|| format!("outcome {}", outcome.0)))
}

/// The names, each made different from those before it.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let different = |name: String| {
        let mut candidate = name.clone();
        let mut n = 2_usize;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        candidate
    };
    names.map(different).collect()
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// A column's name in as many lines as make it no wider than what stands below it, broken behind underscores: a dozen
/// columns then fit on a screen.
fn stacked(name: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let parts: Vec<&str> = name.split_inclusive('_').collect();
    // A unit alone on its line would be a line for nothing.
    let width = parts.iter().map(|part| part.chars().count()).max().unwrap_or(0).max(width + 2);
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.join("\n")
}

/// Columns that are shown on a terminal whatever they hold.
const ALWAYS: usize = 5;

/// For a terminal: what is the same in every trial stands below the table instead of in it.
impl fmt::Display for TrialTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let varies = |n: usize| {
            let mut cells = self.rows.iter().map(|row| row.get(n));
            let first = cells.next();
            n < ALWAYS || self.rows.len() < 2 || cells.any(|cell| Some(cell) != first)
        };
        if self.rows.is_empty() {
            return write!(f, "no trial ever began");
        }
        let (shown, same): (Vec<usize>, Vec<usize>) = (0..self.columns.len()).partition(|n| varies(*n));
        let mut table = Table::new();
        table
            .load_style(NOTHING.header_separator(LineStyle::new('─', '─', '─', '─')))
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(shown.iter().filter_map(|n| Some(stacked(self.columns.get(*n)?, self.cells_width(*n)))));
        for row in &self.rows {
            table.add_row(shown.iter().filter_map(|n| row.get(*n)).map(|cell| {
                let right = !matches!(cell, Cell::Text(_));
                let alignment = if right { CellAlignment::Right } else { CellAlignment::Left };
                comfy_table::Cell::new(cell).set_alignment(alignment)
            }));
        }
        write!(f, "{}", table.trim_fmt())?;
        let told = same.iter().filter_map(|n| Some((self.columns.get(*n)?, self.rows.first()?.get(*n)?)));
        let told: Vec<String> =
            told.filter(|(_, cell)| **cell != Cell::Empty).map(|(name, cell)| format!("{name} {cell}")).collect();
        if !told.is_empty() {
            write!(f, "\n\nthe same in every trial: {}", told.join(", "))?;
        }
        Ok(())
    }
}

impl Serialize for TrialTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Row<'t>(&'t [String], &'t [Cell]);
        impl Serialize for Row<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.0.len()))?;
                for (name, cell) in self.0.iter().zip(self.1) {
                    map.serialize_entry(name, cell)?;
                }
                map.end()
            }
        }
        let mut rows = serializer.serialize_seq(Some(self.rows.len()))?;
        for row in &self.rows {
            rows.serialize_element(&Row(&self.columns, row))?;
        }
        rows.end()
    }
}
