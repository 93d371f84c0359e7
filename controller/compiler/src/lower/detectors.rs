//! Detectors become lines of the device's rig: what they look for, said in lengths and times, is turned into raw values and
//! samples by the calibration and the sampling period of this rig. To everything else they are inputs.

use link::LineId;
use link::limits::MAX_WINDOW;
use link::rig::{Pattern, RigLine};

use super::Lowering;
use crate::diagnostic::{Span, a};
use crate::expression::Expr;
use crate::expression::check::Type;
use crate::names::{Line, Scope};
use crate::protocol::detectors::{Detector, LooksFor};
use crate::quantity::{ONE, written};
use crate::rig::Measured;
use crate::symbols::{Scale, Unit};

/// A line that is sampled, as a detector sees it.
struct Source {
    id: LineId,
    name: String,
    scale: Scale,
    /// From where to where it was measured, in base units; none for an encoder, which has no ends.
    travel: Option<(i64, i64)>,
}

/// A value in base units and where it is written.
type Place = (i64, Span);
/// The bounds of a band in base units; none where it has no end.
type Bounds = (Option<i64>, Option<i64>);

/// The hysteresis of a detector that states none: this part of its threshold, or of the width of its band.
const HYSTERESIS_PART: i64 = 10;

/// A calibration that lies off its straight line by more than this part of the travel is warned of.
const STRAIGHT_PART: i64 = 50;

impl Lowering<'_> {
    /// Detectors get their names and numbers, behind the lines of the protocol.
    pub(super) fn name_detectors(&mut self) {
        for detector in &self.protocol.detectors {
            let name = &detector.name;
            let on_rig = self.rig.line(&name.text).is_some();
            if self.names.line(&name.text).is_some() || on_rig {
                let whose = if on_rig { format!(" of the rig `{}`", self.rig.name) } else { String::new() };
                self.reporter
                    .error("E074-named-twice", name.span, format!("`{}` is already a line{whose}", name.text))
                    .help("give the detector another name");
            }
            self.names.lines.push(Line { name: name.text.clone(), span: name.span, kind: detector.kind });
        }
    }

    /// What each looks for, once every parameter has its value.
    pub(super) fn declare_detectors(&mut self) {
        let protocol = self.protocol;
        for detector in &protocol.detectors {
            if let Some(line) = self.detector(detector) {
                self.detectors.push(line);
            }
        }
    }

    fn detector(&mut self, detector: &Detector) -> Option<RigLine> {
        let source = self.source(detector)?;
        let length = if source.scale.unit == Unit::Angle { Type::Angle } else { Type::Length };
        let looks_for = match &detector.looks_for {
            LooksFor::Reach(at) => {
                let (at, margin) = self.threshold(detector, &source, at, length)?;
                self.check_lost(detector, &source, at.saturating_sub(margin))?;
                band((Some(at), None), (Some(at.saturating_sub(margin)), None), true, &source.scale)
            }
            LooksFor::Below(at) => {
                let (at, margin) = self.threshold(detector, &source, at, length)?;
                self.check_lost(detector, &source, at.saturating_add(margin))?;
                band((None, Some(at)), (None, Some(at.saturating_add(margin))), true, &source.scale)
            }
            LooksFor::Inside(low, high) => {
                let ((low, high), margin) = self.bounds(detector, &source, (low, high), length)?;
                let wider = (Some(low.saturating_sub(margin)), Some(high.saturating_add(margin)));
                band((Some(low), Some(high)), wider, true, &source.scale)
            }
            LooksFor::Outside(low, high) => {
                let span = low.span.to(high.span);
                let ((low, high), margin) = self.bounds(detector, &source, (low, high), length)?;
                let (within, up_to) = (low.saturating_add(margin), high.saturating_sub(margin));
                if within > up_to {
                    self.reporter
                        .error("E135-hysteresis", span, "the hysteresis leaves no value between the bounds")
                        .help("make it smaller than half the band");
                    return None;
                }
                band((Some(within), Some(up_to)), (Some(low), Some(high)), false, &source.scale)
            }
            LooksFor::Still { within, time } => {
                let within = (self.looked_for(within, length)?, within.span);
                let within = self.difference(&source, within, "")?;
                let for_us = self.looked_for(time, Type::Time)?;
                let fits = u32::try_from(for_us).ok().filter(|for_us| *for_us >= self.rig.sample_us);
                if fits.is_none() {
                    self.bad_window(for_us, time.span, "a longer time");
                }
                Some(Pattern::Still { within, for_us: fits? })
            }
            LooksFor::Onset { by, within } => {
                let far = (self.looked_for(by, length)?, by.span);
                let margin = self.margin(detector, &source, far.0, length)?;
                let window = (self.looked_for(within, Type::Time)?, within.span);
                self.change(&source, far, far.0.saturating_sub(margin), window)
            }
            LooksFor::Speed { speed, over } => {
                let ty = if length == Type::Angle { Type::Turning } else { Type::Speed };
                let fast = self.looked_for(speed, ty)?;
                let slow = match &detector.hysteresis {
                    Some(margin) => fast.saturating_sub(self.looked_for(margin, ty)?),
                    None => fast - fast / HYSTERESIS_PART,
                };
                let window = (self.looked_for(over, Type::Time)?, over.span);
                // What is covered within the window: base units a second times µs.
                let covered = |speed: i64| speed.saturating_mul(window.0) / ONE;
                self.change(&source, (covered(fast), speed.span), covered(slow), window)
            }
        };
        looks_for.filter(Pattern::is_sound).map(|looks_for| RigLine::detector(source.id, looks_for))
    }

    /// The line a detector looks at.
    fn source(&mut self, detector: &Detector) -> Option<Source> {
        let (line, name) = (&detector.line, &detector.line.text);
        let (id, kind) = self.line(line)?;
        if !kind.is_sampled() {
            let instead = match kind.input() {
                Some(input) => format!("; its own events are `{name}.{}` and `{name}.{}`", input.on, input.off),
                None => String::new(),
            };
            self.reporter
                .error("E134-not-sampled", line.span, format!("`{name}` is {}, which is not sampled", a(kind.noun())))
                .help(format!("a detector looks at an analog line or an encoder{instead}"));
            return None;
        }
        let config = self.rig.line(name).filter(|config| config.kind == kind.name)?;
        let Some(scale) = config.scale else {
            self.reporter
                .error(
                    "E130-not-calibrated",
                    line.span,
                    format!("`{name}` is not calibrated on the rig `{}`", self.rig.name),
                )
                .help(format!(
                    "add to {}: `calibration: {{date: …, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}}`",
                    self.rig.file
                ));
            return None;
        };
        let travel = match config.calibration.as_ref().map(|calibration| &calibration.measured) {
            Some(&Measured::Travel { low, high, residual }) => {
                if residual > (high - low) / STRAIGHT_PART && !self.told_calibration.contains(name) {
                    self.told_calibration.push(name.clone());
                    let residual = written(residual, scale.unit);
                    self.reporter
                        .warning(
                            "W010-not-straight",
                            line.span,
                            format!("the calibration of `{name}` lies up to {residual} off a straight line"),
                        )
                        .help("thresholds are off by as much: measure again, or use a sensor that is more linear");
                }
                Some((low, high))
            }
            _ => None,
        };
        Some(Source { id, name: name.clone(), scale, travel })
    }

    fn looked_for(&mut self, expr: &Expr, ty: Type) -> Option<i64> {
        self.known(expr, ty, Scope::default(), "what a detector looks for")
    }

    fn threshold(&mut self, detector: &Detector, source: &Source, at: &Expr, ty: Type) -> Option<(i64, i64)> {
        let value = (self.looked_for(at, ty)?, at.span);
        self.check_travel(source, value)?;
        Some((value.0, self.margin(detector, source, value.0, ty)?))
    }

    fn bounds(
        &mut self,
        detector: &Detector,
        source: &Source,
        (low, high): (&Expr, &Expr),
        ty: Type,
    ) -> Option<((i64, i64), i64)> {
        let (from, to) = ((self.looked_for(low, ty)?, low.span), (self.looked_for(high, ty)?, high.span));
        self.check_travel(source, from)?;
        self.check_travel(source, to)?;
        if from.0 >= to.0 {
            self.reporter
                .error("E104-empty-range", from.1.to(to.1), "the band ends before it begins")
                .help("write its low bound first");
            return None;
        }
        Some(((from.0, to.0), self.margin(detector, source, to.0.saturating_sub(from.0), ty)?))
    }

    /// Nothing is said of values that were never measured.
    fn check_travel(&mut self, source: &Source, (value, span): Place) -> Option<()> {
        let unit = source.scale.unit;
        match source.travel {
            Some((low, high)) if !(low..=high).contains(&value) => {
                self.reporter
                    .error(
                        "E131-outside-calibration",
                        span,
                        format!("{} lies outside the calibration of `{}`", written(value, unit), source.name),
                    )
                    .help(format!("it was measured from {} to {}", written(low, unit), written(high, unit)));
                None
            }
            _ => Some(()),
        }
    }

    /// Reports a hysteresis by which a value would have to come back further than the line goes: it would never be lost again.
    fn check_lost(&mut self, detector: &Detector, source: &Source, until: i64) -> Option<()> {
        let (Some(stated), Some((low, high))) = (&detector.hysteresis, source.travel) else { return Some(()) };
        if (low..=high).contains(&until) {
            return Some(());
        }
        let unit = source.scale.unit;
        let [until, low, high] = [until, low, high].map(|value| written(value, unit));
        self.reporter
            .error(
                "E135-hysteresis",
                stated.span,
                format!("a value would be lost again at {until}, where `{}` never is", source.name),
            )
            .help(format!("it was measured from {low} to {high}: make the hysteresis smaller"));
        None
    }

    /// The hysteresis in base units: as stated, or a part of `of`; never less than one raw value.
    fn margin(&mut self, detector: &Detector, source: &Source, of: i64, ty: Type) -> Option<i64> {
        let finest = source.scale.finest();
        let Some(stated) = &detector.hysteresis else {
            return Some((of.saturating_abs() / HYSTERESIS_PART).max(finest));
        };
        let margin = self.looked_for(stated, ty)?;
        self.difference(source, (margin, stated.span), "")?;
        Some(margin.max(finest))
    }

    /// A distance in raw values, which must be one at least; `within` says what it is covered in.
    fn difference(&mut self, source: &Source, (far, span): Place, within: &str) -> Option<i32> {
        let raw = source.scale.raw_difference(far).filter(|raw| *raw > 0 && far > 0);
        if raw.is_none() {
            let unit = source.scale.unit;
            let finest = written(source.scale.finest(), unit);
            self.reporter
                .error(
                    "E133-too-fine",
                    span,
                    format!("{}{within} is less than `{}` can tell apart", written(far, unit), source.name),
                )
                .help(format!("its finest step on this rig is {finest}"));
        }
        raw
    }

    /// A difference between two samples.
    fn change(&mut self, source: &Source, far: Place, until: i64, (window_us, span): Place) -> Option<Pattern> {
        let by = self.difference(source, far, &format!(" within {}", written(window_us, Unit::Time)))?;
        let period = i64::from(self.rig.sample_us);
        let samples = u16::try_from(window_us.saturating_add(period / 2) / period).ok();
        let samples = samples.filter(|samples| (1..=MAX_WINDOW).contains(&usize::from(*samples)));
        if samples.is_none() {
            let most = period.saturating_mul(i64::try_from(MAX_WINDOW).unwrap_or(0));
            self.bad_window(window_us, span, &format!("a time up to {}", written(most, Unit::Time)));
        }
        let until = source.scale.raw_difference(until.max(0))?.min(by - 1);
        Some(Pattern::Change { by, until, samples: samples? })
    }

    fn bad_window(&mut self, window_us: i64, span: Span, instead: &str) {
        let (window, period) = (written(window_us, Unit::Time), written(self.rig.sample_us.into(), Unit::Time));
        self.reporter
            .error("E136-window", span, format!("a device that samples every {period} cannot look back over {window}"))
            .help(format!("give {instead}"));
    }
}

/// A band in raw values, whichever way they run.
fn band(inner: Bounds, outer: Bounds, inside: bool, scale: &Scale) -> Option<Pattern> {
    let raw = |(low, high): Bounds| {
        let at = |bound: Option<i64>, end| bound.map_or(Some(end), |bound| scale.raw(bound));
        if scale.base_nraw > 0 {
            Some((at(low, i32::MIN)?, at(high, i32::MAX)?))
        } else {
            Some((at(high, i32::MIN)?, at(low, i32::MAX)?))
        }
    };
    Some(Pattern::Band { inner: raw(inner)?, outer: raw(outer)?, inside })
}
