//! One parallel region: which states are active in it, since when, and which time-outs run for them. Knows no other
//! region and no rows.

use heapless::Vec;
use link::limits::{MAX_DEADLINES_PER_REGION, MAX_DEPTH};
use link::program::Program;
use link::{Fault, Micros, StateId};

use crate::NEVER;
use crate::ears::{Answers, Ears};

/// A running `after`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) due: Micros,
    /// Row of the table of afters.
    pub(crate) row: u16,
    /// Depth of the state it belongs to.
    pub(crate) depth: u8,
}

const _: () = assert!(MAX_DEPTH == 8, "a set of depths is one byte");

#[derive(Debug)]
pub(crate) struct Region {
    /// The active states, outermost first.
    path: [StateId; MAX_DEPTH],
    /// How many of them there are; none before the start.
    len: u8,
    /// The depths whose active state has a `when`, bit *n* for depth *n*.
    whens: u8,
    /// The innermost state that was active before the last transition.
    pub(crate) previous: StateId,
    /// No deadline is due before this; exact unless `stale`.
    due: Micros,
    /// A deadline that might have been the first one is gone.
    stale: bool,
    /// When the active state of each depth was entered.
    entered: [Micros; MAX_DEPTH],
    /// By depth, because a state is entered after those that hold it and left before them.
    deadlines: Vec<Deadline, MAX_DEADLINES_PER_REGION>,
    pub(crate) answers: Answers,
}

impl Region {
    pub(crate) const fn new() -> Self {
        Self {
            path: [StateId::NONE; MAX_DEPTH],
            len: 0,
            whens: 0,
            previous: StateId::NONE,
            due: NEVER,
            stale: false,
            entered: [0; MAX_DEPTH],
            deadlines: Vec::new(),
            answers: Answers::new(),
        }
    }

    /// How many states are active, one in the other.
    #[inline(always)]
    pub(crate) fn depth(&self) -> u8 {
        self.len
    }

    /// The depths whose active state has a `when`, bit *n* for depth *n*.
    #[inline(always)]
    pub(crate) fn whens(&self) -> u8 {
        self.whens
    }

    /// The active state of a depth.
    #[inline(always)]
    pub(crate) fn at_depth(&self, depth: u8) -> StateId {
        if depth < self.len {
            self.path.get(usize::from(depth)).copied().unwrap_or(StateId::NONE)
        } else {
            StateId::NONE
        }
    }

    /// The innermost active state; [`StateId::NONE`] before the start.
    #[inline(always)]
    pub(crate) fn leaf(&self) -> StateId {
        self.at_depth(self.len.wrapping_sub(1))
    }

    /// When the active state of a depth was entered.
    pub(crate) fn entered_at(&self, depth: u8) -> Micros {
        self.entered.get(usize::from(depth)).copied().unwrap_or(0)
    }

    /// Gets ready for the next edge.
    #[inline(always)]
    pub(crate) fn prepare(&mut self, program: &Program, ears: &Ears) {
        if self.answers.stale {
            self.answers.renew(program, ears, self.path.get(..usize::from(self.len)).unwrap_or(&[]));
        }
    }

    /// `state` becomes the innermost active one.
    #[inline(always)]
    pub(crate) fn enter(&mut self, state: StateId, depth: u8, has_whens: bool, at: Micros) -> Result<(), Fault> {
        *self.path.get_mut(usize::from(depth)).ok_or(Fault::BadProgram)? = state;
        *self.entered.get_mut(usize::from(depth)).ok_or(Fault::BadProgram)? = at;
        self.len = depth + 1;
        self.whens |= u8::from(has_whens).wrapping_shl(u32::from(depth));
        self.answers.stale = true;
        Ok(())
    }

    /// The innermost active state and its deadlines are gone.
    #[inline(always)]
    pub(crate) fn leave(&mut self) {
        self.len = self.len.saturating_sub(1);
        self.whens &= !1_u8.wrapping_shl(u32::from(self.len));
        self.answers.stale = true;
        while let Some(last) = self.deadlines.last() {
            if last.depth < self.len {
                break;
            }
            self.stale |= last.due <= self.due;
            self.deadlines.pop();
        }
    }

    /// Starts a deadline of the innermost active state.
    #[inline(always)]
    pub(crate) fn arm(&mut self, deadline: Deadline) -> Result<(), Fault> {
        self.due = self.due.min(deadline.due);
        self.deadlines.push(deadline).map_err(|_| Fault::TooManyDeadlines)
    }

    /// Takes the first deadline that is due by `at`: innermost state first, then as declared.
    pub(crate) fn take_due(&mut self, at: Micros) -> Option<Deadline> {
        if self.due > at {
            return None;
        }
        let due = self.deadlines.iter().enumerate().filter(|(_, deadline)| deadline.due <= at);
        let (place, _) = due.min_by_key(|(_, deadline)| (u8::MAX - deadline.depth, deadline.row))?;
        self.stale = true;
        Some(self.deadlines.remove(place))
    }

    /// When the next deadline is due.
    #[inline(always)]
    pub(crate) fn next_due(&mut self) -> Micros {
        if self.stale {
            self.stale = false;
            self.due = self.deadlines.iter().map(|deadline| deadline.due).min().unwrap_or(NEVER);
        }
        self.due
    }
}
