//! Panel B: the volume asked of each valve, added up over the session. What was delivered is for a `sense:` line to say.

use super::Report;
use super::axis::{self, Area, Scale};
use super::svg::{Anchor, Path, QUIET, Svg, Text, short};
use link::LineId;

pub(super) const HEIGHT: f64 = 130.0;
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

pub(super) fn draw(svg: &mut Svg, area: Area, report: &Report) {
    let history = &report.history;
    let minutes = |us: u64| us as f64 / 60e6;
    let mut valves: Vec<(usize, Vec<(f64, f64)>)> = Vec::new();
    for n in 0..report.symbols.lines.len() {
        let mut sum_ul = 0.0;
        let doses = history.all().flat_map(|trial| &trial.deliveries).filter(|(line, ..)| LineId::index(*line) == n);
        let steps: Vec<_> = doses
            .map(|(_, volume_nl, at)| {
                sum_ul += f64::from(*volume_nl) / 1e3;
                (minutes(at.saturating_sub(history.start_us)), sum_ul)
            })
            .collect();
        if !steps.is_empty() {
            valves.push((n, steps));
        }
    }
    let most = valves.iter().filter_map(|(_, steps)| steps.last()).map(|(_, ul)| *ul).fold(0.0, f64::max);
    // A session that ended as it began still has an axis: one second.
    let length = minutes(history.length_us().max(1_000_000));
    let x = Scale { low: 0.0, high: length, from: area.left, to: area.right() };
    let high = if most > 0.0 { most * 1.08 } else { 1.0 };
    let y = Scale { low: 0.0, high, from: area.bottom(), to: area.top };

    axis::left(svg, area, &y, 4.0, "water (µl)");
    axis::below(svg, area, &x, 12.0, "session time (min)");
    if valves.is_empty() {
        let middle = (area.left + area.width / 2.0, area.top + area.height / 2.0);
        svg.text(middle.0, middle.1, "no water was asked for", Text::new(12.0).anchor(Anchor::Middle).fill(QUIET));
    }
    for (n, (line, steps)) in valves.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        let mut path = Path::default();
        let mut before = 0.0;
        path.to(x.at(0.0), y.at(0.0));
        for (at, ul) in steps {
            path.to(x.at(*at), y.at(before));
            path.to(x.at(*at), y.at(*ul));
            before = *ul;
        }
        path.to(x.at(length), y.at(before));
        svg.path(&path, colour, 1.8);
        let name = report.symbols.lines.get(*line).map_or("", |symbol| &symbol.name);
        let total = format!("{}: {} doses, {before:.1} µl", short(name, 30), steps.len());
        let row = area.top + 14.0 + 16.0 * n as f64;
        svg.text(area.left + 12.0, row, &total, Text::new(12.0).fill(colour).bold());
    }
}
