//! What a rig allows, as plain numbers. Owns how they are read off a rig; nothing else of the monitor knows one.

use link::LineId;
use link::rig::{Guards, NO_LIMIT, Rig, RigLine, Role};

/// What an output may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputRules {
    /// Its line.
    pub line: LineId,
    /// The body's number of its pin.
    pub pin: u8,
    /// Whether a high pin means on.
    pub active_high: bool,
    /// Whether it is on only while a person has armed it.
    pub must_arm: bool,
    /// Whether a trip switches it off.
    pub safe_on_trip: bool,
    /// Whether it is never on.
    pub forbidden: bool,
    /// The longest it is on in one go, in µs.
    pub max_on_us: u32,
    /// The least time it is off between two times on, in µs.
    pub min_off_us: u32,
    /// A window, and how long it is on within any, in µs.
    pub duty: Option<(u32, u32)>,
    /// How often it goes on in a session.
    pub pulses: Option<u32>,
    /// How long it is on in a session, in µs.
    pub total_on_us: Option<u32>,
    /// How much it gives in a session, in µs at full power.
    pub dose_us: Option<u32>,
    /// What each time it goes on gives besides, in µs at full power.
    pub pulse_dose_us: u32,
    /// The highest power, in millionths of full power, if it carries one.
    pub max_power_ppm: Option<u32>,
}

/// What an input guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// While it is active nothing that a trip switches off is on.
    Stop,
    /// While it is not active nothing that must be armed is on.
    Key,
}

/// An input that guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// The body's number of its pin.
    pub pin: u8,
    /// Whether a high pin means active.
    pub active_high: bool,
    /// What it guards.
    pub gate: Gate,
    /// How long a change may be held back after another, in µs.
    pub debounce_us: u32,
}

/// An output and the input that reads it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensed {
    /// The output's line.
    pub output: LineId,
    /// The body's number of the input's pin.
    pub pin: u8,
    /// Whether a high pin means that the output is seen to be on.
    pub active_high: bool,
    /// How long the two may differ before it trips, in µs; with the time a change of the input may be held back.
    pub within_us: u64,
}

/// What all outputs of a rig may do.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The outputs.
    pub outputs: Vec<OutputRules>,
    /// The inputs that guard.
    pub watched: Vec<Watched>,
    /// The outputs that are read back, and trip.
    pub sensed: Vec<Sensed>,
}

impl Rules {
    /// The rules of a rig.
    #[must_use]
    pub fn of(rig: &Rig) -> Self {
        let mut rules = Self::default();
        for (place, line) in rig.lines.iter().enumerate() {
            if let Role::Input { debounce_us, guards, .. } = line.role {
                let gate = match guards {
                    Guards::Nothing => continue,
                    Guards::Stop => Gate::Stop,
                    Guards::Arming => Gate::Key,
                };
                rules.watched.push(Watched { pin: line.pin, active_high: line.active_high, gate, debounce_us });
            }
            let Some(output) = line.role.output() else { continue };
            let (limits, some) = (output.limits, |limit| (limit != NO_LIMIT).then_some(limit));
            rules.outputs.push(OutputRules {
                line: LineId(place as u8),
                pin: line.pin,
                // A speaker that sounds is on, whatever its polarity.
                active_high: line.active_high || output.speaker,
                must_arm: limits.must_arm,
                safe_on_trip: limits.safe_on_trip,
                forbidden: limits.forbidden,
                max_on_us: limits.max_on_us,
                min_off_us: limits.min_off_us,
                duty: limits.duty.map(|duty| (duty.window_us, duty.on_us)),
                pulses: some(limits.total.pulses),
                total_on_us: some(limits.total.on_us),
                dose_us: some(limits.total.dose_us),
                pulse_dose_us: limits.total.pulse_dose_us,
                max_power_ppm: output.max_power_ppm,
            });
        }
        for sense in rig.senses.iter().filter(|sense| sense.trips) {
            // What a detector finds in samples is not at a pin.
            if let Some(line) = rig.lines.get(sense.input.index())
                && let Role::Input { debounce_us, .. } = line.role
            {
                let within_us = u64::from(sense.within_us) + u64::from(debounce_us);
                let RigLine { pin, active_high, .. } = *line;
                rules.sensed.push(Sensed { output: sense.output, pin, active_high, within_us });
            }
        }
        rules
    }
}
