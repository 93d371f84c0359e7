//! Panel A: one tick a trial in the lane of its outcome, and below it how the shares of the outcomes went.

use super::axis::{self, Area, Scale};
use super::svg::{Anchor, Path, QUIET, Svg, Text, short};
use super::{Report, outcome_colour};

const LANE: f64 = 17.0;
const CURVES: f64 = 110.0;
const GAP: f64 = 12.0;
/// Trials the running share looks back on.
const WINDOW: usize = 20;
/// The fewest trials a share is told of.
const WINDOW_MIN: usize = 5;

pub(super) fn height(report: &Report) -> f64 {
    lanes(report) * LANE + GAP + CURVES
}

fn lanes(report: &Report) -> f64 {
    report.symbols.outcomes.len() as f64
}

pub(super) fn draw(svg: &mut Svg, area: Area, report: &Report) {
    let trials = &report.history.trials;
    let x = Scale { low: 0.5, high: trials.len().max(1) as f64 + 0.5, from: area.left, to: area.right() };
    let curves = Area { top: area.bottom() - CURVES, height: CURVES, ..area };
    let y = Scale { low: 0.0, high: 1.0, from: curves.bottom(), to: curves.top };
    let tick_width = (area.width / trials.len().max(1) as f64 * 0.7).clamp(0.6, 4.0);

    axis::left(svg, curves, &y, 2.0, "share");
    for (n, name) in report.symbols.outcomes.iter().enumerate() {
        let colour = outcome_colour(n);
        let lane = area.top + n as f64 * LANE;
        svg.text(
            area.left - 9.0,
            lane + 12.5,
            &short(name, 20),
            Text::new(12.0).anchor(Anchor::End).fill(colour).bold(),
        );
        let (mut ticks, mut curve) = (Path::default(), Path::default());
        let is_this = |trial: &crate::history::Trial| trial.outcome.is_some_and(|(outcome, _)| outcome.index() == n);
        for (index, trial) in trials.iter().enumerate() {
            let at = x.at(index as f64 + 1.0);
            if is_this(trial) {
                ticks.tick(at, lane + 2.0, LANE - 5.0);
            }
            let window = trials.get((index + 1).saturating_sub(WINDOW)..=index).unwrap_or(&[]);
            if window.len() >= WINDOW_MIN {
                let share = window.iter().filter(|trial| is_this(trial)).count() as f64 / window.len() as f64;
                curve.to(at, y.at(share));
            }
        }
        svg.path(&ticks, colour, tick_width);
        svg.path(&curve, colour, 1.8);
    }
    let note = format!("share among the last {WINDOW} trials, fewer at the start");
    svg.text(curves.right(), curves.top - 4.0, &note, Text::new(11.0).anchor(Anchor::End).fill(QUIET));
    axis::below(svg, curves, &x, trials.len().clamp(1, 10) as f64, "trial");
}
