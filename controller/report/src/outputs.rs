//! What was asked of each output, what became of it, and what of it was not as it should be: the rows of outputs in a
//! summary. Every number is a count of records or a sum over them.

use std::collections::BTreeMap;
use std::fmt;

use compiler::symbols::Symbols;
use compiler::{Dose, RigConfig};
use link::LineId;
use link::rig::{NO_LIMIT, Rig, RigLine, Total};
use serde::Serialize;

use crate::causes::verdict_name;
use crate::history::History;
use crate::quantity;
use crate::summary::{Counted, counted};

/// What was asked of an output, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// The line.
    pub line: String,
    /// What it is: `valve`, `laser`, …
    pub kind: String,
    /// Edges to on at the pin.
    pub pulses: u64,
    /// How long it was on, all in all.
    pub on_s: f64,
    /// Doses asked for.
    pub doses: u64,
    /// Their volume.
    pub requested_ul: f64,
    /// Requests that were refused, by the interlock's verdict.
    pub refused: u64,
    /// Verdicts and how often each was given.
    pub verdicts: Vec<Counted>,
    /// Where what was sensed of it differed from what it was commanded, for longer than the rig allows.
    pub not_sensed: Option<NotSensed>,
    /// The most it may do in this session, where there is a total: of the rig, or what was left of the subject's day.
    pub allowed: Option<Allowed>,
}

/// What was sensed of an output differed from what it was commanded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NotSensed {
    /// How often.
    pub count: u64,
    /// When first.
    pub first_s: f64,
    /// What it was commanded then: on, or off.
    pub first_on: bool,
}

/// The most an output may do in a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Allowed {
    /// How often it may go on.
    pub pulses: Option<u32>,
    /// For how long in all.
    pub on_s: Option<f64>,
    /// How much it may give in all, with its unit; as the time at full power that gives it where its rig cannot be read.
    pub dose: Option<String>,
}

impl Output {
    /// Its lines for a terminal, its name at least so wide.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        write!(f, "  {:<width$} {}: {} pulses, {:.3} s on", self.line, self.kind, self.pulses, self.on_s)?;
        if self.doses > 0 {
            write!(f, ", {} doses, {:.1} µl requested", self.doses, self.requested_ul)?;
        }
        for verdict in &self.verdicts {
            write!(f, ", {} × {}", verdict.count, verdict.name)?;
        }
        if let Some(allowed) = &self.allowed {
            write!(f, " ({allowed})")?;
        }
        writeln!(f)?;
        if let Some(NotSensed { count, first_s, first_on }) = self.not_sensed {
            let (on, off) = if first_on { ("on", "off") } else { ("off", "on") };
            writeln!(
                f,
                "  {:<width$} {count} × not sensed as commanded, first at {first_s:.6} s: commanded {on}, sensed {off}",
                ""
            )?;
        }
        Ok(())
    }
}

/// The outputs that the protocol names, or that did something.
pub(crate) fn outputs(
    symbols: &Symbols,
    history: &History,
    rig: Option<&Rig>,
    config: Option<&RigConfig>,
    not_sensed: &BTreeMap<u8, NotSensed>,
) -> Vec<Output> {
    let edges = history.edges();
    let moved = |n: usize| edges.iter().any(|(line, ..)| line.index() == n);
    let lines = symbols.lines.iter().enumerate().filter(|(n, symbol)| {
        symbol.output && (symbol.named || moved(*n) || not_sensed.keys().any(|line| usize::from(*line) == *n))
    });
    let dose = |name: &str| config.and_then(|config| config.line(name)?.totals.dose);
    let output = |(n, symbol): (usize, &compiler::symbols::LineSymbol)| {
        let is_line = |line: &LineId| line.index() == n;
        let (mut on_us, mut since) = (0, None);
        for (_, on, at) in edges.iter().filter(|(line, ..)| is_line(line)) {
            match (on, since) {
                (true, None) => since = Some(*at),
                (false, Some(rise)) => {
                    on_us += at.saturating_sub(rise);
                    since = None;
                }
                _ => {}
            }
        }
        let doses: Vec<u64> = history
            .all()
            .flat_map(|trial| &trial.deliveries)
            .filter(|(line, ..)| is_line(line))
            .map(|dose| dose.1.into())
            .collect();
        let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
        let mut refused = 0;
        for (_, verdict) in history.all().flat_map(|trial| &trial.verdicts).filter(|(line, _)| is_line(line)) {
            *verdicts.entry(verdict_name(*verdict).to_owned()).or_default() += 1;
            refused += u64::from(verdict.is_refusal());
        }
        Output {
            line: symbol.name.clone(),
            kind: symbol.kind.clone(),
            pulses: edges.iter().filter(|(line, on, _)| is_line(line) && *on).count() as u64,
            on_s: on_us as f64 / 1e6,
            doses: doses.len() as u64,
            requested_ul: doses.iter().sum::<u64>() as f64 / 1e3,
            refused,
            verdicts: counted(verdicts),
            not_sensed: not_sensed.iter().find(|(line, _)| usize::from(**line) == n).map(|(_, found)| *found),
            allowed: rig.and_then(|rig| allowed(rig.lines.get(n)?, dose(&symbol.name))),
        }
    };
    lines.map(output).collect()
}

/// What a line's total allows, if it has one.
fn allowed(line: &RigLine, dose: Option<Dose>) -> Option<Allowed> {
    let Total { pulses, on_us, dose_us, .. } = line.role.output()?.limits.total;
    let limited = |limit: u32| (limit != NO_LIMIT).then_some(limit);
    let seconds = |limit: u32| limited(limit).map(|us| f64::from(us) / 1e6);
    let dose = limited(dose_us).map(|us| match dose {
        Some(dose) => quantity::amount(dose.unit, dose.given(0, us.into())),
        None => format!("the dose of {:.3} s at full power", f64::from(us) / 1e6),
    });
    let allowed = Allowed { pulses: limited(pulses), on_s: seconds(on_us), dose };
    (allowed != Allowed { pulses: None, on_s: None, dose: None }).then_some(allowed)
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [
            self.pulses.map(|pulses| format!("{pulses} pulses")),
            self.on_s.map(|on_s| format!("{on_s:.3} s on")),
            self.dose.clone(),
        ];
        write!(f, "at most {}", said.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}
