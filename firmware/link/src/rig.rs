//! What the device must know of the rig: its lines, their pins, and the limits it enforces whatever anyone asks.
//! The controller makes this from the rig-config; names, calibrations and wiring notes stay there.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_LINES;

/// The resistor a pin holds its input with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pull {
    /// None: the outside drives the pin.
    None,
    /// Towards the supply.
    Up,
    /// Towards ground.
    Down,
}

/// What a line is to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A digital input. After an edge is accepted, further ones are ignored for `debounce_us`.
    Input {
        /// Its resistor.
        pull: Pull,
        /// How long edges are ignored after one was accepted, in µs.
        debounce_us: u32,
    },
    /// An output. Its safe level is off.
    Output {
        /// The longest it may be on in one go, in µs.
        max_on_us: u32,
        /// Whether a person must arm it for the session.
        must_arm: bool,
        /// Whether a trip switches it off. Sync and frame triggers carry on.
        safe_on_trip: bool,
        /// Whether it carries tones rather than a level.
        speaker: bool,
    },
}

/// One line: where it is wired and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigLine {
    /// The body's own number for the pin.
    pub pin: u8,
    /// Whether a high pin means active (input) or on (output).
    pub active_high: bool,
    /// What the line is.
    pub role: Role,
}

/// The rig as the device sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rig {
    /// The lines, in the order the program numbers them.
    pub lines: Vec<RigLine, MAX_LINES>,
    /// How long the controller may be silent before armed lines are disarmed, in µs. Default 250 000.
    pub silence_us: u32,
    /// Within how long of the silence the controller may come back and find its lines armed again, in µs. Default 5 s.
    pub rejoin_us: u32,
    /// How long a session goes on without its controller before it ends at a trial boundary, in µs. Default 60 s.
    pub carry_on_us: u32,
}

impl Rig {
    /// The lines that are outputs, as a set.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        self.set_of(|role| matches!(role, Role::Output { .. }))
    }

    /// The lines that are inputs, as a set.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.set_of(|role| matches!(role, Role::Input { .. }))
    }

    /// The outputs that a person must arm, as a set.
    #[must_use]
    pub fn must_arm(&self) -> u32 {
        self.set_of(|role| matches!(role, Role::Output { must_arm: true, .. }))
    }

    fn set_of(&self, holds: impl Fn(&Role) -> bool) -> u32 {
        let mut set = 0;
        for (n, line) in self.lines.iter().enumerate() {
            if holds(&line.role) {
                set |= 1_u32.wrapping_shl(n as u32);
            }
        }
        set
    }
}
