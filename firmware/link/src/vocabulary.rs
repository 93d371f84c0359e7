//! The words both ends share: microseconds, identifiers, and the small closed lists of causes and kinds.
//! Bytes of these are frozen once released: variants are appended, never moved (`tests/wire_v1`).

use serde::{Deserialize, Serialize};

/// Microseconds since the device's boot. Never wraps within the life of a device (584 000 years).
pub type Micros = u64;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl $name {
            /// The identifier as an index into the table of its kind.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

identifier!(
    /// A named input or output of the rig: index into the rig's and the program's table of lines.
    LineId(u8)
);
identifier!(
    /// A state of the program.
    StateId(u16)
);
identifier!(
    /// A parallel region of the program; region 0 is the main one.
    RegionId(u8)
);
identifier!(
    /// A variable, parameter or counter.
    VariableId(u16)
);
identifier!(
    /// A named timer.
    TimerId(u8)
);
identifier!(
    /// A row of the table of draws.
    DrawId(u8)
);
identifier!(
    /// A row of the table of stimuli.
    StimulusId(u16)
);
identifier!(
    /// A row of the table of invariants.
    InvariantId(u8)
);
identifier!(
    /// A trial outcome, in the order the protocol names them.
    OutcomeId(u16)
);
identifier!(
    /// Anything a transition or handler can wait for, in one number space; see [`EventId::edge`] and its siblings.
    EventId(u16)
);

impl LineId {
    /// The set that holds this line alone; empty for a line past the last.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1_u32.wrapping_shl(self.0 as u32) * (self.0 < 32) as u32
    }
}

impl StateId {
    /// No state: the parent of a top-level state, the target of a handler.
    pub const NONE: Self = Self(0xFFFF);
    /// The target of a transition that goes back to where its region came from.
    pub const BACK: Self = Self(0xFFFE);
}

impl EventId {
    const TRAIN_ENDS: u16 = 64;
    const TIMERS: u16 = 128;
    /// The first identifier of an event that a protocol names itself.
    pub const NAMED: u16 = 192;

    /// An input line changing to `active` (a lever pressed, a beam broken) or away from it.
    #[must_use]
    pub const fn edge(line: LineId, active: bool) -> Self {
        Self(line.0 as u16 * 2 + active as u16)
    }

    /// The end of whatever train, tone or timed output was playing on a line.
    #[must_use]
    pub const fn train_end(line: LineId) -> Self {
        Self(Self::TRAIN_ENDS + line.0 as u16)
    }

    /// A timer running out.
    #[must_use]
    pub const fn timer(timer: TimerId) -> Self {
        Self(Self::TIMERS + timer.0 as u16)
    }

    /// The `n`-th event the protocol names: a signal between regions, a marker, an operator's key.
    #[must_use]
    pub const fn named(n: u16) -> Self {
        Self(Self::NAMED + n)
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndReason {
    /// One of the protocol's own conditions, by its row, at a trial boundary.
    Condition(u8),
    /// A person or the controller asked for it.
    Stopped,
    /// The interlock tripped.
    Tripped(TripCause),
    /// The controller stayed silent past `carry_on`.
    HostLost,
    /// The program broke one of the engine's own bounds.
    Fault(Fault),
    /// The memory for records was nearly full.
    RingFull,
    /// The device was reset: what it had written down was kept, and this added behind it after the reset, with the last
    /// time the device is known to have been alive.
    DeviceReset,
}

/// What the engine refuses to do; each ends the session with every output safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// More than [`crate::limits::MAX_CHAIN`] transitions followed one another within one microsecond.
    ChainTooLong,
    /// A result does not fit in 64 bits.
    Overflow,
    /// A division by zero.
    DivideByZero,
    /// A table was read past its end.
    IndexOutOfRange,
    /// An expression needed more than [`crate::limits::MAX_STACK`] values.
    Stack,
    /// A draw was asked for something impossible: a minimum over its maximum, no weight at all.
    Draw,
    /// More than [`crate::limits::MAX_SIGNALS`] signals waited within one microsecond.
    TooManySignals,
    /// A duration below zero or past the longest the device counts.
    Duration,
    /// More `after` rows running at once than [`crate::limits::MAX_DEADLINES_PER_REGION`].
    TooManyDeadlines,
    /// The image holds something no checked image holds.
    BadProgram,
}

/// Why the interlock tripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TripCause {
    /// The controller asked for it.
    HostAbort,
    /// An output did not follow its command.
    PadMismatch(LineId),
    /// A protocol invariant on a line that must be armed was broken.
    Invariant(InvariantId),
    /// Something was handled later than the stated bound.
    TooLate,
    /// An edge was lost.
    Lost,
    /// The emergency stop opened.
    EmergencyStop,
    /// An input was answered on this line with something that the program then did not ask for.
    Contradiction(LineId),
    /// The lowest level of the device had no time left: more came in, or was asked of the outputs, than it can handle.
    Starved,
    /// What was read back of this output differed for too long from what it was commanded.
    NotSensed(LineId),
}

/// Why armed lines went safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DisarmCause {
    /// A person asked for it.
    Operator,
    /// The controller was silent for the rig's limit.
    Silence,
    /// The session ended.
    SessionEnd,
    /// The interlock tripped.
    Trip,
    /// The key was turned off.
    Key,
}

/// What became of a request that did not simply become edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// The line must be armed and was not; the pulse is left out, never late, never repeated.
    Withheld,
    /// The request alone would exceed the line's `max_on`.
    OverMaxOn,
    /// The output had been on for `max_on` and was switched off.
    CutAtMaxOn,
    /// The interlock has tripped.
    Tripped,
    /// The line is not an output of this rig, or cannot do what was asked.
    NotAnOutput,
    /// A running train was ended by a disarm.
    CutByDisarm,
    /// A running train was ended by a trip or by the end of the session.
    CutByEnd,
    /// A power below nothing or above full power: no line has it.
    NoSuchPower,
    /// The protocol forbids the line.
    Forbidden,
    /// A power above the line's own ceiling.
    OverPower,
    /// The line would be off for less than its `min_off`.
    TooSoon,
    /// The line would be on for more of a window than its duty allows.
    OverDuty,
    /// The line would be on more often, for longer, or give more, than what is left of its total.
    OverTotal,
}

impl Verdict {
    /// Whether it says that nothing of a request was carried out; otherwise what ran was cut.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        !matches!(self, Self::CutAtMaxOn | Self::CutByDisarm | Self::CutByEnd)
    }
}
