//! The session on one page: outcomes trial by trial, water over time, what happened around each outcome, and what was
//! sampled there. Owns the page; each panel draws itself from the report alone.
//!
//! Colours are of Okabe and Ito's and Tol's sets, which people with any colour vision can tell apart; outcomes also have
//! lanes, and lines of the rig a mark of their own, so that nothing rests on colour alone.

mod axis;
mod outcomes;
mod raster;
mod svg;
mod traces;
mod water;

use axis::Area;
use svg::{QUIET, Svg, Text, short};

use crate::Report;
use crate::quantity::spoken;

const WIDTH: f64 = 1100.0;
const LEFT: f64 = 180.0;
const RIGHT: f64 = 40.0;
/// Between the bottom of one panel and the top of the next: an axis, its name, a heading.
const BETWEEN: f64 = 86.0;

/// Colours of outcomes, in the protocol's order.
const OUTCOME_COLOURS: [&str; 7] = ["#009e73", "#d55e00", "#8c8c8c", "#e69f00", "#cc79a7", "#0072b2", "#56b4e9"];

fn outcome_colour(index: usize) -> &'static str {
    OUTCOME_COLOURS[index % OUTCOME_COLOURS.len()]
}

/// Draws the session picture: a complete SVG file, the same for the same report.
#[must_use]
pub fn draw(report: &Report) -> String {
    let mut svg = Svg::default();
    let summary = &report.summary;
    let subject = summary.subject.as_deref().map_or(String::new(), |subject| format!(" · {}", short(subject, 40)));
    let title = format!("{}{subject}", short(&summary.protocol, 60));
    svg.text(24.0, 36.0, &title, Text::new(20.0).bold());
    let outcomes: Vec<String> =
        summary.outcomes.iter().map(|o| format!("{} {}", o.count, short(&o.name, 24))).collect();
    let facts = format!(
        "{} trials in {}: {}. Rig {}{}, seed {}. Ended: {}.",
        summary.trials,
        spoken(report.history.length_us()),
        outcomes.join(", "),
        short(&summary.rig, 30),
        if summary.simulated { " (simulated)" } else { "" },
        summary.seed,
        short(&summary.end, 60),
    );
    svg.text(24.0, 57.0, &short(&facts, 160), Text::new(12.5).fill(QUIET));

    let panel = |top: f64, height: f64| Area { left: LEFT, top, width: WIDTH - LEFT - RIGHT, height };
    let mut top = 100.0;
    for (letter, heading, height, draw) in [
        ("A", "Outcome of each trial", outcomes::height(report), outcomes::draw as fn(&mut Svg, Area, &Report)),
        ("B", "Water requested", water::HEIGHT, water::draw),
        ("C", "Around the outcome", raster::height(report), raster::draw),
    ] {
        svg.text(24.0, top - 12.0, letter, Text::new(15.0).bold());
        svg.text(44.0, top - 12.0, heading, Text::new(13.5).bold());
        draw(&mut svg, panel(top, height), report);
        top += height + BETWEEN;
    }
    for (letter, line) in ('D'..).zip(traces::lines(report)) {
        svg.text(24.0, top - 12.0, &letter.to_string(), Text::new(15.0).bold());
        svg.text(44.0, top - 12.0, &traces::heading(report, line), Text::new(13.5).bold());
        traces::draw(&mut svg, panel(top, traces::HEIGHT), report, line);
        top += traces::HEIGHT + BETWEEN;
    }
    svg.finish(WIDTH, top - BETWEEN + 50.0, &title)
}
