//! What matters of an output when something dies: its limits, and what a trip and a silence make of it. The one place of the
//! matrix that knows how a rig says so.

use compiler::{LineConfig, RigConfig};

/// An output of a rig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its kind, as rig and protocol call it.
    pub kind: String,
    /// Its pin.
    pub pin: u8,
    /// Whether the pin is high while it is on.
    pub active_high: bool,
    /// Whether a person must arm it: it goes safe when the controller falls silent.
    pub must_arm: bool,
    /// Whether a trip makes it safe; sync and frame triggers carry on to the session's end.
    pub safe_on_trip: bool,
    /// The longest it may be on in one go, in µs.
    pub max_on_us: u64,
    /// The least it must be off between two times on, in µs.
    pub min_off_us: u64,
    /// The longest it may be on in the first seconds of a session, in µs, by its duty and its totals.
    pub budget_us: u64,
    /// How often it may go on in a session.
    pub pulses: u32,
    /// Within which time it must be seen to do what it is commanded, in µs, if a trip follows otherwise.
    pub sensed_within_us: Option<u64>,
    /// Whether it carries tones.
    pub speaker: bool,
    /// The highest power it may carry, in %, if it carries one.
    pub power_max_percent: Option<u32>,
}

impl Output {
    /// Whether it is on or off as a state asks: neither a valve, which is opened for a time, nor a speaker.
    #[must_use]
    pub fn switches(&self) -> bool {
        !self.speaker && self.kind != "valve"
    }
}

/// The outputs of a rig, in its order.
#[must_use]
pub fn of(rig: &RigConfig) -> Vec<Output> {
    rig.lines.iter().filter_map(output).collect()
}

fn output(line: &LineConfig) -> Option<Output> {
    let link::rig::Output { limits, speaker, max_power_ppm } = line.line.role.output()?;
    let total = limits.total;
    let in_window = limits.duty.map_or(u64::MAX, |duty| duty.on_us.into());
    // What a dozen pulses give besides is left out of what there is.
    let dose_us = u64::from(total.dose_us).saturating_sub(12 * u64::from(total.pulse_dose_us));
    Some(Output {
        name: line.name.clone(),
        kind: line.kind.clone(),
        pin: line.line.pin,
        active_high: line.line.active_high,
        must_arm: limits.must_arm,
        safe_on_trip: limits.safe_on_trip,
        max_on_us: limits.max_on_us.into(),
        min_off_us: limits.min_off_us.into(),
        budget_us: in_window.min(total.on_us.into()).min(dose_us),
        pulses: total.pulses,
        sensed_within_us: line.sense.as_ref().filter(|sense| sense.trips).map(|sense| sense.within_us.into()),
        speaker,
        power_max_percent: max_power_ppm.map(|ppm| ppm / 10_000),
    })
}
