//! Volumes become opening times by the valve's calibration: straight lines between the points that were measured, and
//! nothing beyond them. A dose that is worked out while the session runs is turned by code; outside the calibration that
//! code asks for the longest opening there is, which the interlock refuses whole and records.

use link::program::op::{Op, OpCode};
use link::record::Train;

use super::Lowering;
use crate::expression::Expr;
use crate::expression::check::{Ir, Type};
use crate::kinds::{LONGEST_US, Verb};
use crate::names::Scope;
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Text;

impl Lowering<'_> {
    pub(super) fn deliver(&mut self, line: &Text, volume: &Expr, scope: Scope) -> Option<Vec<Op>> {
        let output = self.output(line, Verb::Deliver);
        let typed = self.value(volume, Type::Volume, scope);
        let ((id, _), typed) = (output?, typed?);
        let config = self.rig.line(&line.text)?;
        let Some((calibration, points)) = config.calibration.as_ref().and_then(|found| Some((found, found.volumes()?)))
        else {
            self.reporter
                .error(
                    "E130-not-calibrated",
                    line.span,
                    format!("`{}` is not calibrated on the rig `{}`", line.text, self.rig.name),
                )
                .help(format!(
                    "add to {}: `calibration: {{date: …, volumes: [[10 ms, 2.1 µl], [100 ms, 24.1 µl]]}}`",
                    self.rig.file
                ));
            return None;
        };
        if let Some(dose) = self.at_start(volume, Type::Volume, scope) {
            match opening(points, dose) {
                Some(opening_us) => {
                    self.check_max_on(line, opening_us, volume.span);
                    let train = Train::pulse(u32::try_from(opening_us).unwrap_or(u32::MAX));
                    self.check_request(line, &train, None, volume.span);
                }
                None => {
                    let low = points.first().map_or(0, |(_, volume)| *volume);
                    let high = points.last().map_or(0, |(_, volume)| *volume);
                    let dose = self.shown(dose, Type::Volume);
                    self.reporter
                        .error(
                            "E131-outside-calibration",
                            volume.span,
                            format!("{dose} lies outside the calibration of `{}`", line.text),
                        )
                        .help(format!(
                            "it was measured from {} to {} on {}; measure further or give another volume",
                            written(low, Unit::Volume),
                            written(high, Unit::Volume),
                            calibration.date
                        ));
                    return None;
                }
            }
        }
        let opening = match typed.constant().and_then(|dose| opening(points, dose)) {
            Some(opening_us) => Ir::Constant(opening_us),
            None => opening_code(points, &typed.ir),
        };
        Some(self.dose(id, &typed.ir, &opening))
    }
}

/// The opening in µs that gives a volume in nl, to the nearest µs; none outside the calibration.
fn opening(points: &[(i64, i64)], volume: i64) -> Option<i64> {
    points.iter().zip(points.iter().skip(1)).find_map(|(&(t0, v0), &(t1, v1))| {
        (v0 <= volume && volume <= v1).then(|| t0 + ((volume - v0) * (t1 - t0) + (v1 - v0) / 2) / (v1 - v0))
    })
}

/// The same as code.
fn opening_code(points: &[(i64, i64)], volume: &Ir) -> Ir {
    let below = |limit: i64, code| Ir::Binary(code, Box::new(volume.clone()), Box::new(Ir::Constant(limit)));
    let choose = |condition, yes, no| Ir::If(Box::new(condition), Box::new(yes), Box::new(no));
    let binary = |code, left, right| Ir::Binary(code, Box::new(left), Box::new(Ir::Constant(right)));
    let refused = Ir::Constant(LONGEST_US);
    let pairs: Vec<_> = points.iter().zip(points.iter().skip(1)).collect();
    let mut code = refused.clone();
    for (&(t0, v0), &(t1, v1)) in pairs.into_iter().rev() {
        let risen = binary(OpCode::Subtract, volume.clone(), v0);
        let scaled = binary(OpCode::Multiply, risen, t1 - t0);
        let rounded = binary(OpCode::Add, scaled, (v1 - v0) / 2);
        let line = binary(OpCode::Add, binary(OpCode::Divide, rounded, v1 - v0), t0);
        code = choose(below(v1, OpCode::LessOrEqual), line, code);
    }
    let lowest = points.first().map_or(0, |(_, volume)| *volume);
    choose(below(lowest, OpCode::Less), refused, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_lies_on_the_line_between_the_points_beside_it() {
        let points = [(10_000, 2_000), (50_000, 10_000), (100_000, 30_000)];
        assert_eq!(opening(&points, 2_000), Some(10_000));
        assert_eq!(opening(&points, 6_000), Some(30_000));
        assert_eq!(opening(&points, 20_000), Some(75_000));
        assert_eq!(opening(&points, 30_000), Some(100_000));
        assert_eq!(opening(&points, 1_999), None);
        assert_eq!(opening(&points, 30_001), None);
    }
}
