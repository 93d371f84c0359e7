//! An output's limits as a person reads them: the words of a table row. Knows no table.

use link::rig::{Limits, Role};

use super::LineConfig;
use super::limits::{OutputTotals, Totals};
use crate::kinds::LONGEST_US;
use crate::quantity::written;
use crate::symbols::Unit;

/// An output's limits in words; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsTold {
    /// Whether a person arms it, or a protocol forbids it.
    pub arming: String,
    /// The longest in one go.
    pub max_on: String,
    /// The least time off between.
    pub min_off: String,
    /// How much of a window.
    pub duty: String,
    /// How much in a session.
    pub per_session: String,
    /// How much on a subject's day.
    pub per_day: String,
    /// The highest power.
    pub max_power: String,
    /// What reads it back.
    pub sense: String,
}

impl LineConfig {
    /// Its limits in words, as they hold for a protocol that may forbid it; none of an input.
    #[must_use]
    pub fn limits_told(&self, forbidden: bool) -> Option<LimitsTold> {
        let Limits { must_arm, max_on_us, min_off_us, duty, .. } = self.line.role.output()?.limits;
        let time = |us: u32| written(us.into(), Unit::Time);
        let max_power_ppm = match self.line.role {
            Role::Powered { max_power_ppm, .. } => Some(max_power_ppm),
            _ => None,
        };
        Some(LimitsTold {
            arming: match (forbidden, must_arm) {
                (true, _) => "forbidden",
                (false, true) => "by a person",
                (false, false) => "",
            }
            .to_owned(),
            max_on: if i64::from(max_on_us) >= LONGEST_US { String::new() } else { time(max_on_us) },
            min_off: if min_off_us == 0 { String::new() } else { time(min_off_us) },
            duty: duty.map(|duty| format!("{} of {}", time(duty.on_us), time(duty.window_us))).unwrap_or_default(),
            per_session: self.totals.told(&self.totals.per_session),
            per_day: self.totals.told(&self.totals.per_day),
            max_power: max_power_ppm.map(|ppm| format!("{} %", f64::from(ppm) / 1e4)).unwrap_or_default(),
            sense: self.sense.as_ref().map_or_else(String::new, |sense| {
                let trips = if sense.trips { ", trips" } else { "" };
                format!("{} within {}{trips}", sense.line, time(sense.within_us))
            }),
        })
    }
}

impl OutputTotals {
    fn told(&self, totals: &Totals) -> String {
        let shown = |amount: u64, unit| written(i64::try_from(amount).unwrap_or(i64::MAX), unit);
        let pulses = totals.pulses.map(|pulses| format!("{pulses} ×"));
        let on = totals.on_us.map(|on_us| format!("{} on", shown(on_us, Unit::Time)));
        let dose = totals.dose.zip(self.dose).map(|(amount, dose)| shown(amount, dose.unit));
        pulses.into_iter().chain(on).chain(dose).collect::<Vec<_>>().join(", ")
    }
}
