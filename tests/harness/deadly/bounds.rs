//! How soon all must be safe, for each way to die: one table, with the reason for each time.

use sim::Half;
use sim::rig::CARRIED_ON_US;

use super::held::ASKED_US;
use super::outputs::Output;
use super::scene::TRIAL_US;
use super::way::{HELD_UP_US, Way};

/// What is promised of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is off for good within so many µs.
    Within(u64),
    /// Nothing becomes of it that would not have become of it otherwise.
    Unchanged,
    /// One of the two: what was on its way at that moment decides.
    WithinOrUnchanged(u64),
    /// It is off for good so many µs after what does not follow any more is next driven.
    AfterNextEdge(u64),
    /// It is never on at all.
    Never,
}

/// What is promised, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// What.
    pub bound: Bound,
    /// Why so.
    pub why: &'static str,
}

/// What of a rig the bounds depend on, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How long it bears its controller's silence.
    pub silence_us: u64,
    /// How long a session goes on without it.
    pub carry_on_us: u64,
    /// How long an output that is read back may differ from what it was commanded, where that trips.
    pub sensed_within_us: u64,
}

/// How long a frame is on its way, in µs: what was sent before something died may still be heard.
const CABLE_US: u64 = MS;
/// What follows from the silence limit comes within this, in µs.
const MS: u64 = 1_000;
/// From a cause on the device to the pins, in µs: P0 does it in the call that finds it, P1 in the step that has it; both wait
/// for the microsecond to close, and for what comes in between.
const AT_ONCE_US: u64 = 100;
/// From a controller's command to the pins, in µs: 1 ms of cable, and no more than P2 may be held up by what is above it.
pub const COMMAND_US: u64 = CABLE_US + 100;
/// The longest until a disk is found full, in µs: something is recorded every 50 ms, and put on disk within 50 ms.
const DISK_US: u64 = 100 * MS;
/// How long a Pico's watchdog waits, and what its feeding may lag, in µs.
const WATCHDOG_US: u64 = 60 * MS;
/// The longest until a ring of 57 KiB is full of records that come every 300 µs, in µs.
const RING_US: u64 = 3_000 * MS;
/// The longest until that is so of records of two bytes and more that come twice a microsecond, in µs.
const STORM_US: u64 = 15 * MS;

impl Way {
    /// What is promised of an output. One that a trip leaves alone may carry on behind it.
    #[must_use]
    pub fn promise(&self, output: &Output, times: Times) -> Promise {
        let promise = self.of_what_goes_safe(output, times);
        if output.safe_on_trip || !self.trips() {
            return promise;
        }
        let bound = match promise.bound {
            Bound::Within(us) => Bound::Within(us + CARRIED_ON_US),
            Bound::WithinOrUnchanged(us) => Bound::WithinOrUnchanged(us + CARRIED_ON_US),
            Bound::AfterNextEdge(us) => Bound::AfterNextEdge(us + CARRIED_ON_US),
            bound @ (Bound::Unchanged | Bound::Never) => bound,
        };
        Promise { bound, ..promise }
    }

    /// Whether it ends in a trip.
    const fn trips(&self) -> bool {
        matches!(
            self,
            Self::HeldUp(Half::Edge | Half::Core, _)
                | Self::Storm
                | Self::EmergencyStop
                | Self::SensorsDead
                | Self::Abort
                | Self::Stuck { .. }
        )
    }

    fn of_what_goes_safe(&self, output: &Output, times: Times) -> Promise {
        let silent_us = CABLE_US + times.silence_us + MS;
        let carried_us = silent_us + times.carry_on_us + TRIAL_US;
        let promise = |bound, why| Promise { bound, why };
        let within = |us, why| promise(Bound::Within(us), why);
        match self {
            Self::Nothing | Self::CalendarJumps(_) => promise(Bound::Unchanged, "no session asks what day it is"),
            Self::HostKilled | Self::CableOut | Self::Noise | Self::SteadyClockJumps(_) if output.must_arm => {
                within(silent_us, "silence disarms: its limit + 1 ms after the last frame, 1 ms on its way")
            }
            Self::HostKilled | Self::CableOut | Self::Noise | Self::SteadyClockJumps(_) => {
                within(carried_us, "silence + carry_on, and the trial then under way")
            }
            Self::HostHangs(_) | Self::HeldUp(Half::Outer, _) if output.must_arm => {
                within(silent_us, "silence disarms until the controller is heard: the same")
            }
            Self::HostHangs(_) | Self::HeldUp(Half::Outer, _) => {
                promise(Bound::Unchanged, "the controller is back before carry_on is over")
            }
            Self::DiskFull => within(
                DISK_US + COMMAND_US + 2 * MS,
                "something to write within 50 ms, written within 50 ms, then stop",
            ),
            Self::DiskHangs => within(RING_US, "the ring is full of records nobody has on disk"),
            Self::PowerCut | Self::Reset => within(0, "what nobody drives is where its resistor holds it"),
            Self::Watchdog => within(WATCHDOG_US, "the watchdog's 50 ms, and a feeding just before"),
            Self::HeldUp(Half::Edge, us) => promise(
                Bound::WithinOrUnchanged(us + AT_ONCE_US),
                "edges that come too late trip as soon as P0 goes on; without one nothing was late",
            ),
            Self::HeldUp(Half::Core, _) => {
                within(HELD_UP_US + AT_ONCE_US, "a step that comes too late trips as soon as P1 goes on")
            }
            Self::Storm => within(STORM_US, "two edges a µs: one is lost, or the ring is full of them"),
            Self::EmergencyStop => within(AT_ONCE_US, "the stop trips in the call that sees it"),
            Self::KeyOff if output.must_arm => within(AT_ONCE_US, "the key disarms in the call that sees it"),
            Self::KeyOff => promise(Bound::Unchanged, "the key is for what must be armed"),
            Self::SensorsDead => promise(
                Bound::AfterNextEdge(times.sensed_within_us + AT_ONCE_US),
                "what is commanded is not seen within its time: trip",
            ),
            Self::BadImage => promise(Bound::Never, "the device checks what it takes up: refused, no session"),
            Self::DividesByZero | Self::ChainsWithoutEnd => {
                within(AT_ONCE_US, "the engine refuses in the same step: fault, end of session")
            }
            Self::NeverLetsGo => within(
                output.max_on_us + ASKED_US,
                "max_on cuts, from when it was asked for last; a train ends by itself",
            ),
            Self::Ends => within(AT_ONCE_US, "the session's end switches everything off"),
            Self::Stopped => within(COMMAND_US, "a command's way: the session ends"),
            Self::Abort => within(COMMAND_US, "a command's way: trip; what carries on does so for 1 s at most"),
            Self::Disarm if output.must_arm => within(COMMAND_US, "a command's way: disarmed"),
            Self::Disarm => promise(Bound::Unchanged, "only what must be armed can be disarmed"),
            Self::Stuck { on: true, before: true, .. } => {
                promise(Bound::Never, "every pad must read off as a session begins: trip")
            }
            Self::Stuck { .. } => promise(
                Bound::AfterNextEdge(AT_ONCE_US),
                "the pad is looked at each time it is driven: trip in the same call",
            ),
        }
    }
}
