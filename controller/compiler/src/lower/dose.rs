//! Volumes become opening times by the valve's calibration: straight lines between the points that were measured, and
//! nothing beyond them. A dose that is worked out while the session runs is turned by code; outside the calibration that
//! code asks for the longest opening there is, which the interlock refuses whole and records.

use link::program::op::Op;
use link::record::Train;

use super::Lowering;
use super::calibrated::{drive, drive_code};
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
            match drive(points, dose) {
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
        let opening = match typed.constant().and_then(|dose| drive(points, dose)) {
            Some(opening_us) => Ir::Constant(opening_us),
            None => drive_code(points, &typed.ir, LONGEST_US),
        };
        Some(self.dose(id, &typed.ir, &opening))
    }
}
