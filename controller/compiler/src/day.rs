//! What is left of a subject's day: the device's rig for a session of a subject that had some of an output before. The
//! controller finds out what that was; the device only ever hears how much there may be.

use link::rig::{Rig, Role};

use crate::{Compiled, OutputTotals, RigConfig, Used};

impl OutputTotals {
    /// What was used, by the calibration of this rig: how often it went on, for how long in all, and how long that would
    /// have been at full drive (its time on times its power, rounded up). Both times in µs.
    #[must_use]
    pub fn used(&self, pulses: u64, on_us: u64, full_us: u64) -> Used {
        Used { pulses, on_us, dose: self.dose.map_or(0, |dose| dose.given(pulses, full_us)) }
    }

    /// Whether a subject's day limits it, so that what the subject had before must be known.
    #[must_use]
    pub fn limit_the_day(&self) -> bool {
        self.per_day != crate::Totals::default()
    }
}

impl std::ops::AddAssign for Used {
    fn add_assign(&mut self, other: Self) {
        self.pulses = self.pulses.saturating_add(other.pulses);
        self.on_us = self.on_us.saturating_add(other.on_us);
        self.dose = self.dose.saturating_add(other.dose);
    }
}

impl Compiled {
    /// The rig as the device takes it for a subject that has had this much on this day, by the names of lines; of those not
    /// named it had nothing. `config` is the rig this was compiled for.
    #[must_use]
    pub fn rig_after(&self, config: &RigConfig, used: &[(String, Used)]) -> Rig {
        let mut rig = self.rig.clone();
        for (line, symbol) in rig.lines.iter_mut().zip(&self.symbols.lines) {
            let (Role::Output { limits, .. } | Role::Powered { limits, .. }) = &mut line.role else { continue };
            let Some(totals) = config.line(&symbol.name).map(|line| line.totals) else { continue };
            let mut before = Used::default();
            for (_, used) in used.iter().filter(|(name, _)| *name == symbol.name) {
                before += *used;
            }
            limits.total = totals.left(&before);
        }
        rig
    }
}
