//! Panel C: what happened around each outcome, one row a trial, sorted by outcome, then by group, then by trial. Inputs
//! are ticks where they became active; outputs are bars from edge to edge.

use std::ops::Range;

use compiler::symbols::LineSymbol;
use link::LineId;

use super::axis::{self, Area, Scale};
use super::svg::{Anchor, GRID, INK, Path, QUIET, Svg, Text, short, width};
use super::{Report, outcome_colour};
use crate::history::Trial;

/// Seconds around the outcome.
const WINDOW_S: Range<f64> = -2.0..5.0;
/// The narrowest bar, in px: a pulse shorter than this is still seen.
const BAR_MIN: f64 = 1.1;
const LEGEND: f64 = 34.0;
const GAP: f64 = 9.0;
/// Characters of a block's label that fit left of the panel.
const LABEL_CHARS: usize = 24;
/// A block is never lower than its label.
const BLOCK_MIN: f64 = 15.0;
const ROWS_HEIGHT: f64 = 520.0;

const INPUT_COLOURS: [&str; 4] = ["#222222", "#aa3377", "#8c510a", "#6b6b6b"];

/// Trials of one outcome and one group.
struct Block<'r> {
    outcome: usize,
    group: Option<String>,
    trials: Vec<&'r Trial>,
}

/// A line that is drawn.
struct Shown {
    line: LineId,
    name: String,
    colour: &'static str,
    output: bool,
}

fn blocks(report: &Report) -> Vec<Block<'_>> {
    let group = report.symbols.picture.group.map(usize::from);
    let group_of = |trial: &Trial| {
        let variable = group.and_then(|n| report.symbols.variables.get(n))?;
        group.and_then(|n| trial.values.get(n)).map(|value| (*value, crate::quantity::written(variable, *value)))
    };
    type Keyed<'r> = (usize, Option<(i64, String)>, &'r Trial);
    let mut keyed: Vec<Keyed<'_>> = report
        .history
        .trials
        .iter()
        .filter_map(|trial| trial.outcome.map(|(outcome, _)| (outcome.index(), group_of(trial), trial)))
        .collect();
    keyed.sort_by(|a, b| (a.0, &a.1, a.2.number).cmp(&(b.0, &b.1, b.2.number)));
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for (outcome, group, trial) in keyed {
        let group = group.map(|(_, label)| label);
        match blocks.last_mut() {
            Some(block) if block.outcome == outcome && block.group == group => block.trials.push(trial),
            _ => blocks.push(Block { outcome, group, trials: vec![trial] }),
        }
    }
    blocks
}

fn row_height(blocks: &[Block<'_>]) -> f64 {
    let rows: usize = blocks.iter().map(|block| block.trials.len()).sum();
    (ROWS_HEIGHT / rows.max(1) as f64).clamp(0.05, 7.0)
}

fn block_height(block: &Block<'_>, row: f64) -> f64 {
    (block.trials.len() as f64 * row).max(BLOCK_MIN)
}

pub(super) fn height(report: &Report) -> f64 {
    let blocks = blocks(report);
    let row = row_height(&blocks);
    let rows: f64 = blocks.iter().map(|block| block_height(block, row) + GAP).sum();
    LEGEND + rows.max(40.0)
}

/// A pulse at least this long, in s, would hide the inputs on it.
const LONG_S: f64 = 0.2;
/// So it is drawn this faintly.
const LONG_OPACITY: f64 = 0.35;

/// The lines to draw, outputs first so that inputs lie on top.
fn shown(report: &Report) -> Vec<Shown> {
    let mut shown = Vec::new();
    for (n, symbol) in report.symbols.lines.iter().enumerate() {
        let colour = match symbol.kind.as_str() {
            "light" => "#c9a227",
            "valve" => "#56b4e9",
            "laser" => "#0072b2",
            "shock" => "#d55e00",
            _ => continue,
        };
        // A line of the rig that did nothing in this session needs no entry in the legend.
        let line = LineId(n as u8);
        let used = report.history.all().flat_map(edges_of).any(|(other, ..)| *other == line);
        if symbol.output && used {
            shown.push((symbol.kind != "light", Shown { line, name: symbol.name.clone(), colour, output: true }));
        }
    }
    // A masking light lies under what it masks.
    shown.sort_by_key(|(above, shown)| (*above, shown.line));
    let mut shown: Vec<Shown> = shown.into_iter().map(|(_, shown)| shown).collect();
    for (n, line) in report.symbols.picture.show.iter().enumerate() {
        let ticked = |symbol: &&LineSymbol| !symbol.output && !symbol.on_event.is_empty();
        if let Some(symbol) = report.symbols.lines.get(usize::from(*line)).filter(ticked) {
            let name = format!("{} {}", symbol.name, symbol.on_event);
            let colour = INPUT_COLOURS[n % INPUT_COLOURS.len()];
            shown.push(Shown { line: LineId(*line), name, colour, output: false });
        }
    }
    shown
}

pub(super) fn draw(svg: &mut Svg, area: Area, report: &Report) {
    let blocks = blocks(report);
    let shown = shown(report);
    legend(svg, area, &shown);
    let without = report.summary.no_outcome;
    if without > 0 {
        let note = format!("not shown: {without} without an outcome");
        svg.text(area.right(), area.top + 11.0, &note, Text::new(11.0).anchor(Anchor::End).fill(QUIET));
    }
    let area = Area { top: area.top + LEGEND, height: area.height - LEGEND, ..area };
    let x = Scale { low: WINDOW_S.start, high: WINDOW_S.end, from: area.left, to: area.right() };
    for tick in x.ticks(7.0) {
        svg.line((x.at(tick), area.top), (x.at(tick), area.bottom()), GRID, 1.0);
    }
    if blocks.is_empty() {
        let middle = (area.left + area.width / 2.0, area.top + area.height / 2.0);
        svg.text(middle.0, middle.1, "no trial has an outcome", Text::new(12.0).anchor(Anchor::Middle).fill(QUIET));
    }

    let changes: Vec<Changes> = shown.iter().map(|shown| Changes::of(shown, report)).collect();
    let row = row_height(&blocks);
    let mut top = area.top;
    for block in &blocks {
        let height = block_height(block, row);
        let colour = outcome_colour(block.outcome);
        svg.rect(area.left - 6.0, top, 4.0, height, colour);
        block_label(svg, (area.left - 12.0, top + height / 2.0), row, block, report);
        for (shown, changes) in shown.iter().zip(&changes) {
            let (mut path, mut long) = (Path::default(), Path::default());
            for (n, trial) in block.trials.iter().enumerate() {
                let y = top + n as f64 * row;
                let Some((_, zero)) = trial.outcome else { continue };
                if shown.output {
                    for (from, to) in changes.pulses(zero) {
                        let bar = if to - from >= LONG_S { &mut long } else { &mut path };
                        let (from, to) = (x.at(from.max(WINDOW_S.start)), x.at(to.min(WINDOW_S.end)));
                        bar.bar(from, y + row / 2.0, (to - from).max(BAR_MIN));
                    }
                } else {
                    for at in changes.onsets(zero) {
                        path.tick(x.at(at), y, row.max(0.3));
                    }
                }
            }
            let stroke = if shown.output { row.max(0.3) } else { (row * 0.5).clamp(0.9, 1.4) };
            svg.path_through(&long, shown.colour, stroke, LONG_OPACITY);
            svg.path(&path, shown.colour, stroke);
        }
        top += height + GAP;
    }
    svg.line((x.at(0.0), area.top - 4.0), (x.at(0.0), area.bottom()), INK, 1.0);
    axis::below(svg, area, &x, 7.0, "time from outcome (s)");
}

fn block_label(svg: &mut Svg, (x, y): (f64, f64), row: f64, block: &Block<'_>, report: &Report) {
    let outcome = report.symbols.outcomes.get(block.outcome).map_or("?", String::as_str);
    let group = block.group.as_ref().map_or(String::new(), |group| format!(" · {group}"));
    let count = format!(" ({})", block.trials.len());
    let style = || Text::new(11.0).anchor(Anchor::End).fill(outcome_colour(block.outcome)).bold();
    let whole = format!("{outcome}{group}{count}");
    let tall = block.trials.len() as f64 * row >= 2.0 * BLOCK_MIN;
    if whole.chars().count() > LABEL_CHARS && block.group.is_some() && tall {
        // In two lines, where the block has room for them.
        let group = block.group.as_deref().unwrap_or("");
        svg.text(x, y - 3.0, &short(outcome, LABEL_CHARS), style());
        svg.text(x, y + 11.0, &format!("{}{count}", short(group, LABEL_CHARS.saturating_sub(count.len()))), style());
        return;
    }
    let label = format!("{}{count}", short(&format!("{outcome}{group}"), LABEL_CHARS.saturating_sub(count.len())));
    svg.text(x, y + 4.0, &label, style());
}

fn legend(svg: &mut Svg, area: Area, shown: &[Shown]) {
    let mut x = area.left;
    let y = area.top + 8.0;
    for shown in shown {
        let mut mark = Path::default();
        if shown.output {
            mark.bar(x, y - 1.0, 16.0);
            svg.path(&mark, shown.colour, 8.0);
        } else {
            for n in 0..3 {
                mark.tick(x + 3.0 + 5.0 * f64::from(n), y - 6.0, 10.0);
            }
            svg.path(&mark, shown.colour, 1.2);
        }
        let name = short(&shown.name, 24);
        svg.text(x + 22.0, y + 3.0, &name, Text::new(12.0));
        x += 22.0 + width(&name, 12.0) + 22.0;
    }
}

/// What one line did in the whole session, in the order of time: to on (or active) or away from it, when.
struct Changes(Vec<(bool, u64)>);

impl Changes {
    fn of(shown: &Shown, report: &Report) -> Self {
        let of_trial = |trial| if shown.output { edges_of(trial) } else { inputs_of(trial) };
        let all = report.history.all().flat_map(of_trial).filter(|(line, ..)| *line == shown.line);
        let mut changes: Vec<(bool, u64)> = all.map(|(_, on, at)| (*on, *at)).collect();
        changes.sort_by_key(|(_, at)| *at);
        Self(changes)
    }

    /// What was before the window around `zero`, and what came from its beginning on, in s from `zero`.
    fn around(&self, zero: u64) -> (Option<(bool, f64)>, impl Iterator<Item = (bool, f64)>) {
        let seconds = move |at: u64| at.wrapping_sub(zero).cast_signed() as f64 / 1e6;
        let (before, from) = self.0.split_at(self.0.partition_point(|(_, at)| seconds(*at) < WINDOW_S.start));
        (before.last().map(|(on, at)| (*on, seconds(*at))), from.iter().map(move |(on, at)| (*on, seconds(*at))))
    }

    /// Pulses that touch the window around `zero`, in s from it.
    fn pulses(&self, zero: u64) -> Vec<(f64, f64)> {
        let (before, from) = self.around(zero);
        let mut rise = before.and_then(|(on, at)| on.then_some(at));
        let mut pulses = Vec::new();
        for (on, at) in from {
            match (on, rise) {
                _ if at > WINDOW_S.end => break,
                (true, None) => rise = Some(at),
                (false, Some(from)) => {
                    pulses.push((from, at));
                    rise = None;
                }
                _ => {}
            }
        }
        pulses.extend(rise.map(|from| (from, WINDOW_S.end)));
        pulses
    }

    /// When the line became active within the window around `zero`, in s from it.
    fn onsets(&self, zero: u64) -> impl Iterator<Item = f64> {
        let (_, from) = self.around(zero);
        from.take_while(|(_, at)| *at <= WINDOW_S.end).filter_map(|(on, at)| on.then_some(at))
    }
}

fn edges_of(trial: &Trial) -> &[(LineId, bool, u64)] {
    &trial.edges
}

fn inputs_of(trial: &Trial) -> &[(LineId, bool, u64)] {
    &trial.inputs
}
