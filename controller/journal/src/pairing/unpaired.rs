//! What can be left over when requests and edges are paired. Plain data with sentences; pairs nothing itself.

use std::fmt;

use link::{LineId, Micros};

/// Something that does not pair. Each has the number and time (µs) of the record it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpaired {
    /// A request without edges that carry it out, and without a verdict that explains it.
    Request {
        /// The request's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// When the first missing edge should have been.
        due: Micros,
        /// Whether that edge should have been to on.
        on: bool,
        /// How many edges are missing.
        missing: u32,
    },
    /// A request whose first edge came too late; the rest of it is measured from there.
    Late {
        /// The request's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// How late, in µs.
        late_us: u64,
    },
    /// A line that stayed on though it was told, or forced, to go off.
    StayedOn {
        /// The number of the record that should have ended it.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// An edge nobody asked for.
    Edge {
        /// The edge's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// To on or to off.
        on: bool,
    },
    /// An edge to on, on a line that must be armed and was not.
    Unarmed {
        /// The edge's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// A verdict on a request that was not made.
    Verdict {
        /// The verdict's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
    },
    /// An input that changed to the level it had: a change between is missing.
    Input {
        /// The input's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The line.
        line: LineId,
        /// The level, twice.
        active: bool,
    },
    /// Lines disarmed that were not armed: their arming is missing.
    Disarmed {
        /// The disarming's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// Those of its lines that were not armed.
        lines: u32,
    },
    /// Lines still armed behind the end of the session: their disarming is missing.
    LeftArmed {
        /// The end's number.
        number: u64,
        /// Its time.
        at: Micros,
        /// The lines.
        lines: u32,
    },
}

impl fmt::Display for Unpaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::Request { number, at, line, due, on, missing } => write!(
                f,
                "record {number} at {at} µs: the request on line {} has no edge to {} at {due} µs, and nothing explains it \
                 ({missing} edges missing)",
                line.0,
                to(*on)
            ),
            Self::Late { number, at, line, late_us } => {
                write!(f, "record {number} at {at} µs: the request on line {} came {late_us} µs late", line.0)
            }
            Self::StayedOn { number, at, line } => {
                write!(f, "record {number} at {at} µs: line {} has no edge to off, and it was on", line.0)
            }
            Self::Edge { number, at, line, on } => {
                write!(f, "record {number} at {at} µs: line {} went {} and nothing asked for it", line.0, to(*on))
            }
            Self::Unarmed { number, at, line } => {
                write!(f, "record {number} at {at} µs: line {} went on while it was not armed", line.0)
            }
            Self::Verdict { number, at, line } => {
                write!(f, "record {number} at {at} µs: a verdict on line {}, of which nothing was asked", line.0)
            }
            Self::Input { number, at, line, active } => write!(
                f,
                "record {number} at {at} µs: line {} became {} twice in a row; a record between is missing",
                line.0,
                if *active { "active" } else { "inactive" }
            ),
            Self::Disarmed { number, at, lines } => {
                write!(f, "record {number} at {at} µs: lines {lines:#x} were disarmed and had not been armed")
            }
            Self::LeftArmed { number, at, lines } => {
                write!(f, "record {number} at {at} µs: the session ended and lines {lines:#x} were not disarmed")
            }
        }
    }
}

impl Unpaired {
    /// The number of the record it speaks of.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Request { number, .. }
            | Self::Late { number, .. }
            | Self::StayedOn { number, .. }
            | Self::Edge { number, .. }
            | Self::Unarmed { number, .. }
            | Self::Verdict { number, .. }
            | Self::Input { number, .. }
            | Self::Disarmed { number, .. }
            | Self::LeftArmed { number, .. } => *number,
        }
    }
}
