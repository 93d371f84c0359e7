//! Scales and axes: where a value lies on the page, and where its ticks stand.

use super::svg::{Anchor, GRID, INK, QUIET, Svg, Text};

/// A rectangle on the page, in px.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// Values from `low` to `high` on a line from `from` to `to` px.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Scale {
    pub(crate) fn at(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.0 };
        self.from + share * (self.to - self.from)
    }

    /// Round values within the scale, about so many.
    pub(crate) fn ticks(&self, about: f64) -> Vec<f64> {
        let span = self.high - self.low;
        if span.is_nan() || span <= 0.0 {
            return vec![self.low];
        }
        let step = round_step(span / about);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// The round number nearest above a step: 1, 2 or 5 times a power of ten.
pub(crate) fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|n| n * power).find(|round| *round >= step * 0.999).unwrap_or(10.0 * power)
}

/// A tick's value, without decimals it does not need.
pub(crate) fn label(value: f64) -> String {
    let text = format!("{value:.6}");
    let kept = text.trim_end_matches('0').trim_end_matches('.');
    if kept == "-0" { "0".into() } else { kept.replace('-', "−") }
}

/// The axis below an area.
pub(crate) fn below(svg: &mut Svg, area: Area, scale: &Scale, about: f64, name: &str) {
    svg.line((area.left, area.bottom()), (area.right(), area.bottom()), INK, 1.0);
    for tick in scale.ticks(about) {
        let x = scale.at(tick);
        svg.line((x, area.bottom()), (x, area.bottom() + 4.0), INK, 1.0);
        svg.text(x, area.bottom() + 17.0, &label(tick), Text::new(11.0).anchor(Anchor::Middle));
    }
    let middle = area.left + area.width / 2.0;
    svg.text(middle, area.bottom() + 34.0, name, Text::new(12.0).anchor(Anchor::Middle).fill(QUIET));
}

/// The axis left of an area, with a grid across it.
pub(crate) fn left(svg: &mut Svg, area: Area, scale: &Scale, about: f64, name: &str) {
    for tick in scale.ticks(about) {
        let y = scale.at(tick);
        svg.line((area.left, y), (area.right(), y), GRID, 1.0);
        svg.text(area.left - 7.0, y + 4.0, &label(tick), Text::new(11.0).anchor(Anchor::End));
    }
    svg.line((area.left, area.top), (area.left, area.bottom()), INK, 1.0);
    svg.text_upwards(area.left - 46.0, area.top + area.height / 2.0, name, Text::new(12.0).fill(QUIET));
}
