//! What the halves say to one another. Each message has one writer and one reader.

use heapless::spsc::Producer;
use link::record::Request;
use link::rig::RigLine;
use link::{DisarmCause, EventId, LineId, Micros, TripCause, VariableId, Verdict};

/// Orders that may wait for P0.
pub(crate) const ORDERS: usize = 128;
/// Reports that may wait for P1.
pub(crate) const REPORTS: usize = 256;
/// Places among the reports kept for what must not be lost to a storm of inputs: trips, disarms, and the edges that
/// follow from them.
const REPORTS_KEPT: usize = 72;
/// Commands that may wait for P1.
pub(crate) const COMMANDS: usize = 64;
/// Notices that may wait for P2.
pub(crate) const NOTICES: usize = 8;

/// P1 to P0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Everything off, every line forgotten; the host may be silent for this long, in µs.
    Clear { silence_us: u32 },
    /// What a line is.
    Line(LineId, RigLine),
    /// What the program asks of an output.
    Request(LineId, Request),
    /// Arm these lines.
    Arm(u32),
    /// Disarm these lines.
    Disarm(u32, DisarmCause),
    /// Trip.
    Trip(TripCause),
    /// Forget a trip; possible only between sessions.
    Reset,
    /// All lines of a new rig were told: say whether every one could be made.
    CheckRig,
    /// A session begins.
    Begin,
    /// The session is over.
    End,
    /// The host was heard again.
    HostBack,
}

/// P0 to P1: something that happened at a pin or in the interlock, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) at: Micros,
    pub(crate) what: What,
}

/// What P0 reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Input { line: LineId, active: bool },
    Edge { line: LineId, on: bool },
    Verdict { line: LineId, verdict: Verdict },
    Armed(u32),
    Disarmed(u32, DisarmCause),
    Trip(TripCause),
    Silent,
    Lost(u32),
    NotArmed,
    Begun { levels: u32 },
    Ended,
    Rig { good: bool },
}

/// P2 to P1. `M` is the memory of the program image, which moves to whoever may use it.
#[derive(Debug)]
pub(crate) enum Command<M> {
    /// A new rig: first its limits, then each line, then the question whether all is well.
    Rig { silence_us: u32, rejoin_us: u32, carry_on_us: u32, sample_us: u32 },
    /// A line of the new rig.
    Line(LineId, RigLine),
    /// The rig is complete.
    CheckRig,
    /// Run the image, whose program has this name.
    Start { image: M, seed: u64, program: u32 },
    /// End the session.
    Stop,
    /// Trip at once.
    Abort,
    /// Forget a trip.
    Reset,
    /// Arm these lines.
    Arm(u32),
    /// Disarm these lines.
    Disarm(u32),
    /// An event from outside, and when it arrived.
    Outside { event: EventId, at: Micros },
    /// A parameter changed by the operator.
    Parameter { variable: VariableId, value: i64, at: Micros },
    /// The host was heard again after a silence.
    HostBack { at: Micros },
}

/// P1 to P2.
#[derive(Debug)]
pub(crate) enum Notice<M> {
    /// The rig was taken up, or a line of it is one this body cannot make.
    Rig { good: bool },
    /// The lines asked for are armed, or none is.
    Arm { done: bool },
    /// The first record is written, at this time.
    Begun { at: Micros },
    /// The last record is written; the image is given back.
    Over { image: M },
}

/// The writing end of the reports: keeps places for what is urgent, counts what finds none.
pub(crate) struct Reports<'s> {
    queue: Producer<'s, Report>,
    lost: u32,
    /// The word that a session is over, when it found no room: P1 waits for it.
    owed: Option<Report>,
}

impl<'s> Reports<'s> {
    pub(crate) const fn new(queue: Producer<'s, Report>) -> Self {
        Self { queue, lost: 0, owed: None }
    }

    fn places(&self) -> usize {
        self.queue.capacity().saturating_sub(self.queue.len())
    }

    /// Reports something that happens as often as animals and programs like.
    #[inline]
    pub(crate) fn push(&mut self, at: Micros, what: What) {
        if self.places() > REPORTS_KEPT && self.lost == 0 {
            self.push_urgent(at, what);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Reports something the interlock did on its own.
    #[inline]
    pub(crate) fn push_urgent(&mut self, at: Micros, what: What) {
        if self.queue.enqueue(Report { at, what }).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Whether something was lost that P1 does not know of yet.
    #[inline(always)]
    pub(crate) const fn lost(&self) -> bool {
        self.lost != 0
    }

    /// Reports what P1 waits for: at once if there is room, otherwise as soon as there is, and after all that was lost.
    pub(crate) fn owe(&mut self, at: Micros, what: What) {
        self.owed = Some(Report { at, what });
        self.catch_up(at);
    }

    /// Whether [`Reports::catch_up`] would tell something now.
    pub(crate) fn can_catch_up(&self) -> bool {
        match self.owed {
            Some(_) => self.places() >= 2,
            None => self.lost != 0 && self.places() > REPORTS_KEPT,
        }
    }

    /// Tells P1 how many reports were lost, and what it waits for, once there is room again.
    pub(crate) fn catch_up(&mut self, now: Micros) {
        if self.can_catch_up() {
            let lost = core::mem::take(&mut self.lost);
            if lost != 0 {
                self.push_urgent(now, What::Lost(lost));
            }
            if let Some(report) = self.owed.take() {
                self.push_urgent(report.at, report.what);
            }
        }
    }
}
