//! The step of the next time-out, worked out before it is due: everything it will change, as a list of what is to be done.
//!
//! The longest step of most protocols is the beginning of a trial: draws, conditions, many records. It is the step of a
//! time-out, and when that is due is known beforehand. So it is rehearsed as edges are (see `reflex`), by the same code;
//! but what it does is kept: what it only asks for (records, writes to outputs, time-outs, timers) as a list, what it
//! changes at once (variables, decks, states, the trial, the generator) with the values it leads to. Then everything is as
//! it was. When its time comes and nothing has come in between, the list is all that is left to be done.
//!
//! It is given up where something else is due in the same microsecond, where it looks at a timer or at how long a state
//! has been active, where it ends the session or faults, and where the list has no room. Then the step alone does it all.
//!
//! This file owns the list; what is put on it and taken off it stands in `machine`.

use heapless::Vec;
use link::limits::MAX_REGIONS;
use link::program::op::Op;
use link::{Micros, Record};

use crate::outputs::Pending;
use crate::reflex::Moment;
use crate::region::Deadline;

/// Records one step may leave.
const RECORDS: usize = 16;
/// Time-outs one step may start.
const DEADLINES: usize = 8;
/// What one step may do to timers.
const TIMERS: usize = 4;

/// How far it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It has not been tried.
    Open,
    /// It cannot be known beforehand.
    Closed,
    /// It is all here.
    Known,
}

/// What becomes of a region besides the states that are active in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// States of this depth or deeper were left.
    pub(crate) left: u8,
    /// The depths that were entered, bit *n* for depth *n*.
    pub(crate) entered: u8,
}

impl Turn {
    const NONE: Self = Self { left: u8::MAX, entered: 0 };

    /// Whether the region was touched at all.
    pub(crate) fn any(self) -> bool {
        self.left != u8::MAX || self.entered != 0
    }
}

/// The list.
#[derive(Debug)]
pub(crate) struct Ahead {
    course: Course,
    /// Whether something found no room.
    full: bool,
    /// The region whose time-out it is.
    pub(crate) region: u8,
    /// When it is due.
    pub(crate) at: Micros,
    pub(crate) turns: [Turn; MAX_REGIONS],
    pub(crate) records: Vec<Record, RECORDS>,
    /// Time-outs that are started, by region.
    pub(crate) deadlines: Vec<(u8, Deadline), DEADLINES>,
    /// What is done to timers, each with a duration.
    pub(crate) timers: Vec<(Op, i64), TIMERS>,
    /// What is written to outputs.
    pub(crate) pending: Vec<Pending, DEADLINES>,
    /// What else is different behind it.
    pub(crate) after: Moment,
}

impl Ahead {
    pub(crate) const fn new() -> Self {
        Self {
            course: Course::Open,
            full: false,
            region: 0,
            at: 0,
            turns: [Turn::NONE; MAX_REGIONS],
            records: Vec::new(),
            deadlines: Vec::new(),
            timers: Vec::new(),
            pending: Vec::new(),
            after: Moment::new(),
        }
    }

    /// Another step was taken: nothing is known any more.
    #[inline(always)]
    pub(crate) fn forget(&mut self) {
        self.course = Course::Open;
    }

    /// What stood in its way may be gone.
    pub(crate) fn try_again(&mut self) {
        if self.course == Course::Closed {
            self.course = Course::Open;
        }
    }

    /// Whether it is still to be tried.
    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.course == Course::Open
    }

    /// Whether all that happens at `at` is on the list, if nothing else comes.
    #[inline(always)]
    pub(crate) fn is_known(&self, at: Micros) -> bool {
        self.course == Course::Known && self.at == at
    }

    /// Begins the list of what the time-out of `region` does that is due at `at`.
    pub(crate) fn begin(&mut self, at: Micros, region: u8) {
        (self.at, self.region, self.full) = (at, region, false);
        self.turns = [Turn::NONE; MAX_REGIONS];
        self.records.clear();
        self.deadlines.clear();
        self.timers.clear();
        self.pending.clear();
    }

    /// It cannot be known beforehand.
    pub(crate) fn close(&mut self) {
        self.course = Course::Closed;
    }

    /// The list is complete; it is known if everything found room.
    pub(crate) fn complete(&mut self) {
        self.course = if self.full { Course::Closed } else { Course::Known };
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.full |= self.records.push(record).is_err();
    }

    pub(crate) fn timer(&mut self, op: Op, duration: i64) {
        self.full |= self.timers.push((op, duration)).is_err();
    }

    pub(crate) fn write(&mut self, pending: Pending) {
        self.full |= self.pending.push(pending).is_err();
    }

    /// The states of `depth` and deeper were left, and their time-outs are gone.
    pub(crate) fn leave(&mut self, region: usize, depth: u8) {
        if let Some(turn) = self.turns.get_mut(region) {
            turn.left = turn.left.min(depth);
            turn.entered &= !u8::MAX.wrapping_shl(u32::from(depth));
        }
        self.deadlines.retain(|(other, deadline)| usize::from(*other) != region || deadline.depth < depth);
    }

    /// The state of `depth` was entered.
    pub(crate) fn enter(&mut self, region: usize, depth: u8) {
        if let Some(turn) = self.turns.get_mut(region) {
            turn.entered |= 1_u8.wrapping_shl(u32::from(depth));
        }
    }

    /// A time-out was started.
    pub(crate) fn arm(&mut self, region: usize, deadline: Deadline) {
        self.full |= self.deadlines.push((region as u8, deadline)).is_err();
    }
}
