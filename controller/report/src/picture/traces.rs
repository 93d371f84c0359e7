//! Panels from D on: a sampled line around the outcome, the mean over the trials of each.

use std::ops::Range;

use compiler::symbols::{LineSymbol, Unit};
use link::{LineId, Micros};

use super::axis::{self, Area, Scale};
use super::svg::{GRID, INK, Path, Svg, Text, short};
use super::{Report, outcome_colour};

pub(super) const HEIGHT: f64 = 170.0;
/// Seconds around the outcome, as in the raster above.
const WINDOW_S: Range<f64> = -2.0..5.0;
/// Points of a mean, one every 20 ms.
const POINTS: usize = 350;

/// The lines that were sampled in this session.
pub(super) fn lines(report: &Report) -> Vec<LineId> {
    let sampled = |line: &LineId| report.history.samples.iter().any(|(of, ..)| of == line);
    (0..report.symbols.lines.len()).map(|place| LineId(place as u8)).filter(sampled).collect()
}

/// What a panel is called.
pub(super) fn heading(report: &Report, line: LineId) -> String {
    let name = report.symbols.lines.get(line.index()).map_or("", |symbol| &symbol.name);
    format!("{} around the outcome, mean of the trials", short(name, 40))
}

pub(super) fn draw(svg: &mut Svg, area: Area, report: &Report, line: LineId) {
    let Some(symbol) = report.symbols.lines.get(line.index()) else { return };
    let means: Vec<(usize, Vec<(f64, f64)>)> = (0..report.symbols.outcomes.len())
        .map(|outcome| (outcome, mean(report, symbol, line, outcome)))
        .filter(|(_, mean)| !mean.is_empty())
        .collect();
    let values = || means.iter().flat_map(|(_, mean)| mean.iter().map(|(_, value)| *value));
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let margin = ((high - low) * 0.08).max(0.01);
    let x = Scale { low: WINDOW_S.start, high: WINDOW_S.end, from: area.left, to: area.right() };
    let y = Scale { low: low - margin, high: high + margin, from: area.bottom(), to: area.top };
    for tick in x.ticks(7.0) {
        svg.line((x.at(tick), area.top), (x.at(tick), area.bottom()), GRID, 1.0);
    }
    let unit = match symbol.scale.map(|scale| scale.unit) {
        Some(Unit::Length) => "mm",
        Some(Unit::Angle) => "deg",
        _ => "raw",
    };
    axis::left(svg, area, &y, 4.0, &format!("{} ({unit})", short(&symbol.name, 16)));
    axis::below(svg, area, &x, 7.0, "time from outcome (s)");
    svg.line((x.at(0.0), area.top), (x.at(0.0), area.bottom()), INK, 1.0);
    for (n, (outcome, mean)) in means.iter().enumerate() {
        let colour = outcome_colour(*outcome);
        let mut path = Path::default();
        for (at, value) in mean {
            path.to(x.at(*at), y.at(*value));
        }
        svg.path(&path, colour, 1.6);
        let name = report.symbols.outcomes.get(*outcome).map_or("", String::as_str);
        let row = area.top + 14.0 + 15.0 * n as f64;
        svg.text(area.left + 12.0, row, &short(name, 24), Text::new(12.0).fill(colour).bold());
    }
}

/// The mean of a line around the outcomes of one kind: seconds from the outcome, and the value in mm, degrees or raw. A
/// point that was not sampled in any trial is left out.
fn mean(report: &Report, symbol: &LineSymbol, line: LineId, outcome: usize) -> Vec<(f64, f64)> {
    let history = &report.history;
    let shown = |raw: i32| symbol.scale.map_or_else(|| f64::from(raw), |scale| scale.base(raw) as f64 / 1e3);
    let blocks: Vec<_> = history.samples.iter().filter(|(of, ..)| *of == line).collect();
    let mut sums = vec![(0.0, 0_u32); POINTS];
    let (before_us, window_us) = ((-WINDOW_S.start * 1e6) as Micros, ((WINDOW_S.end - WINDOW_S.start) * 1e6) as Micros);
    let point_us = window_us / POINTS as Micros;
    let zeros = history.trials.iter().filter_map(|trial| trial.outcome).filter(|(of, _)| of.index() == outcome);
    for (_, zero) in zeros {
        let begin = zero.saturating_sub(before_us);
        let first = blocks.partition_point(|(_, last, _)| *last < begin);
        for (_, last, block) in blocks.iter().skip(first) {
            let count = block.samples().count() as Micros;
            let mut at = last.saturating_sub(count.saturating_sub(1) * Micros::from(history.sample_us));
            if at >= begin + window_us {
                break;
            }
            for raw in block.samples() {
                let place = at.checked_sub(begin).map(|since| (since / point_us) as usize);
                if let Some((sum, count)) = place.and_then(|place| sums.get_mut(place)) {
                    *sum += shown(raw);
                    *count += 1;
                }
                at += Micros::from(history.sample_us);
            }
        }
    }
    let at = |place: usize| WINDOW_S.start + (place as f64 + 0.5) * (point_us as f64 / 1e6);
    let sampled = sums.into_iter().enumerate().filter(|(_, (_, count))| *count > 0);
    sampled.map(|(place, (sum, count))| (at(place), sum / f64::from(count))).collect()
}
