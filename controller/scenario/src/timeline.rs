//! What happened around a moment, one line each, as a person reads it.

use compiler::symbols::Symbols;
use link::Record;
use link::record::Request;

use crate::happened;
use crate::seen::Seen;

/// Lines shown before and behind the moment.
const SHOWN: (usize, usize) = (6, 6);

/// A time from the start, in s to the microsecond.
#[must_use]
pub fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    format!("{sign}{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

/// A length of time, as short as it can be written.
#[must_use]
pub fn length(us: i64) -> String {
    let (value, decimals, unit) = match us.unsigned_abs() {
        0..1_000 => return format!("{us} µs"),
        1_000..1_000_000 => (us, 3, "ms"),
        _ => (us, 6, "s"),
    };
    let one = 10_i64.pow(decimals);
    let rest = format!("{:0width$}", (value % one).abs(), width = decimals as usize);
    let rest = rest.trim_end_matches('0');
    let sign = if value < 0 && value / one == 0 { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{rest} {unit}", value / one)
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, in µs from the start.
    pub at_us: i64,
    /// What kind of thing it is: `state`, `input`, `output`, `event`, `trial`, `draw`, `asked`, `interlock`.
    pub what: &'static str,
    /// It, in words.
    pub text: String,
}

/// All of a session that a person would want to see, in order of time.
#[must_use]
pub fn lines(seen: &Seen<'_>) -> Vec<Line> {
    let mut found: Vec<Line> = seen.records.iter().filter_map(|(at, record)| line(*at, record, seen.symbols)).collect();
    found.sort_by_key(|line| line.at_us);
    found
}

/// The lines around a moment, and which of them is the first at it or behind it.
#[must_use]
pub fn around(seen: &Seen<'_>, at_us: i64) -> (Vec<Line>, usize) {
    let all = lines(seen);
    let at = all.partition_point(|line| line.at_us < at_us);
    let from = at.saturating_sub(SHOWN.0);
    let shown = all.get(from..all.len().min(at + SHOWN.1)).unwrap_or_default();
    (shown.to_vec(), at - from)
}

fn line(at_us: i64, record: &Record, symbols: &Symbols) -> Option<Line> {
    let name = |line: link::LineId| symbols.lines.get(line.index()).map_or("?", |line| line.name.as_str());
    let (what, text) = match record {
        Record::Enter { region, state } => {
            if happened::is_root(symbols, *state) {
                return None;
            }
            let state = symbols.states.get(state.index()).map_or("?", |state| state.name.as_str());
            let region = symbols.regions.get(region.index()).map_or("", String::as_str);
            ("state", if region == "main" { state.to_owned() } else { format!("{region}: {state}") })
        }
        Record::Input { line, active, .. } => {
            let happening = compiler::scenario::Happening::Input { line: *line, active: *active };
            ("input", happened::written(symbols, happening))
        }
        Record::Edge { line, on } => ("output", format!("{} {}", name(*line), if *on { "on" } else { "off" })),
        Record::Request { line, request } => ("asked", format!("{} {}", name(*line), asked(request))),
        Record::Event(event) | Record::Outside { event, .. } => {
            ("event", happened::written(symbols, compiler::scenario::Happening::Event(*event)))
        }
        Record::Trial { number } => ("trial", number.to_string()),
        Record::Outcome(outcome) => ("outcome", symbols.outcomes.get(outcome.index()).cloned().unwrap_or_default()),
        Record::Draw { .. } | Record::Set { .. } | Record::Parameter { .. } => {
            let (variable, value) = crate::seen::assigned(record, symbols)?;
            let what = if matches!(record, Record::Draw { .. }) { "draw" } else { "set" };
            (what, assigned(symbols, variable, value))
        }
        Record::Verdict { line, verdict } => {
            let verdict =
                compiler::scenario::verdict_word(*verdict).map_or_else(|| format!("{verdict:?}"), str::to_owned);
            ("interlock", format!("{}: {verdict}", name(*line)))
        }
        Record::Breach { invariant, line } => {
            let broken = symbols.invariants.get(invariant.index()).map_or("", String::as_str);
            ("breach", format!("{}: {broken}", name(*line)))
        }
        Record::Trip(cause) => ("trip", format!("{cause:?}")),
        Record::Fault(fault) => ("fault", format!("{fault:?}")),
        Record::End(reason) => ("end", format!("{reason:?}")),
        _ => return None,
    };
    Some(Line { at_us, what, text })
}

fn asked(request: &Request) -> String {
    match request {
        Request::On => "on".to_owned(),
        Request::Off => "off".to_owned(),
        Request::Power { power_ppm } => format!("on at {} %", f64::from(*power_ppm) / 1e4),
        Request::Deliver { volume_nl, width_us } => {
            format!("{} µl by {}", f64::from(*volume_nl) / 1e3, length(i64::from(*width_us)))
        }
        Request::Train(train) => match train.count {
            1 => format!("for {}", length(i64::from(train.width_us))),
            count => {
                format!("{count} × {} every {}", length(i64::from(train.width_us)), length(i64::from(train.period_us)))
            }
        },
    }
}

/// A variable with its value, as a person writes it.
#[must_use]
pub fn assigned(symbols: &Symbols, variable: link::VariableId, value: i64) -> String {
    symbols
        .variables
        .get(variable.index())
        .map_or_else(String::new, |symbol| format!("{} = {}", symbol.name, compiler::scenario::written(symbol, value)))
}
