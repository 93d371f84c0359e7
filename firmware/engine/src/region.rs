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

impl Deadline {
    /// Of those due at once: the innermost state's first, then as declared.
    fn order(&self) -> (u8, u16) {
        (u8::MAX - self.depth, self.row)
    }
}

const _: () = assert!(MAX_DEPTH == 8, "a set of depths is one byte");

/// Which states are active.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    /// The active states, outermost first.
    path: [StateId; MAX_DEPTH],
    /// How many of them there are; none before the start.
    len: u8,
    /// The depths whose active state has a `when`, bit *n* for depth *n*.
    whens: u8,
    /// The innermost state that was active before the last transition.
    previous: StateId,
}

impl Course {
    pub(crate) const fn new() -> Self {
        Self { path: [StateId::NONE; MAX_DEPTH], len: 0, whens: 0, previous: StateId::NONE }
    }

    /// Whether an active state has a `when`.
    pub(crate) const fn has_whens(&self) -> bool {
        self.whens != 0
    }
}

#[derive(Debug)]
pub(crate) struct Region {
    course: Course,
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
            course: Course::new(),
            due: NEVER,
            stale: false,
            entered: [0; MAX_DEPTH],
            deadlines: Vec::new(),
            answers: Answers::new(),
        }
    }

    /// No state is active. Field by field: a whole new one would lie on the stack first.
    pub(crate) fn clear(&mut self) {
        self.course = Course::new();
        (self.due, self.stale) = (NEVER, false);
        self.entered.fill(0);
        self.deadlines.clear();
        self.answers.clear();
    }

    /// How many states are active, one in the other.
    #[inline(always)]
    pub(crate) fn depth(&self) -> u8 {
        self.course.len
    }

    /// The depths whose active state has a `when`, bit *n* for depth *n*.
    #[inline(always)]
    pub(crate) fn whens(&self) -> u8 {
        self.course.whens
    }

    /// The innermost state that was active before the last transition.
    #[inline(always)]
    pub(crate) fn previous(&self) -> StateId {
        self.course.previous
    }

    /// Remembers the innermost state there was before a transition.
    #[inline(always)]
    pub(crate) fn set_previous(&mut self, state: StateId) {
        self.course.previous = state;
    }

    /// Which states are active.
    pub(crate) fn course(&self) -> &Course {
        &self.course
    }

    /// After a rehearsal: the states that were active before it still are, and what they answer is still known.
    pub(crate) fn set_course(&mut self, course: &Course) {
        self.course.clone_from(course);
        self.answers.stale = false;
    }

    /// The active state of a depth.
    #[inline(always)]
    pub(crate) fn at_depth(&self, depth: u8) -> StateId {
        if depth < self.course.len {
            self.course.path.get(usize::from(depth)).copied().unwrap_or(StateId::NONE)
        } else {
            StateId::NONE
        }
    }

    /// The innermost active state; [`StateId::NONE`] before the start.
    #[inline(always)]
    pub(crate) fn leaf(&self) -> StateId {
        self.at_depth(self.course.len.wrapping_sub(1))
    }

    /// When the active state of a depth was entered.
    pub(crate) fn entered_at(&self, depth: u8) -> Micros {
        self.entered.get(usize::from(depth)).copied().unwrap_or(0)
    }

    /// Gets ready for the next edge; false if it was ready.
    pub(crate) fn prepare(&mut self, program: &Program, ears: &Ears) -> bool {
        let stale = self.answers.stale;
        if stale {
            let path = self.course.path.get(..usize::from(self.course.len)).unwrap_or(&[]);
            self.answers.renew(program, ears, path);
        }
        stale
    }

    /// `state` becomes the innermost active one.
    #[inline(always)]
    pub(crate) fn enter(&mut self, state: StateId, depth: u8, has_whens: bool) -> Result<(), Fault> {
        *self.course.path.get_mut(usize::from(depth)).ok_or(Fault::BadProgram)? = state;
        self.course.len = depth + 1;
        self.course.whens |= u8::from(has_whens).wrapping_shl(u32::from(depth));
        self.answers.stale = true;
        Ok(())
    }

    /// The innermost active state was entered at `at`.
    #[inline(always)]
    pub(crate) fn begin(&mut self, depth: u8, at: Micros) {
        if let Some(slot) = self.entered.get_mut(usize::from(depth)) {
            *slot = at;
        }
    }

    /// The innermost active state is gone.
    #[inline(always)]
    pub(crate) fn leave(&mut self) {
        self.course.len = self.course.len.saturating_sub(1);
        self.course.whens &= !1_u8.wrapping_shl(u32::from(self.course.len));
        self.answers.stale = true;
    }

    /// Whether what is active has changed since its answers were worked out.
    pub(crate) fn is_stale(&self) -> bool {
        self.answers.stale
    }

    /// What is active has changed since its answers were worked out.
    pub(crate) fn set_stale(&mut self) {
        self.answers.stale = true;
    }

    /// The deadlines of states of `depth` and deeper are gone.
    #[inline(always)]
    pub(crate) fn disarm(&mut self, depth: u8) {
        while let Some(last) = self.deadlines.last() {
            if last.depth < depth {
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

    /// How many more deadlines there is room for.
    pub(crate) fn room(&self) -> usize {
        MAX_DEADLINES_PER_REGION - self.deadlines.len()
    }

    /// The deadline behind `last` that is due by `at`, in the order they are taken in, of states less deep than `depth`.
    pub(crate) fn due_behind(&self, last: Option<Deadline>, at: Micros, depth: u8) -> Option<Deadline> {
        let last = last.map(|last| last.order());
        let due = self.deadlines.iter().filter(|deadline| deadline.due <= at && deadline.depth < depth);
        due.filter(|deadline| Some(deadline.order()) > last).min_by_key(|deadline| deadline.order()).copied()
    }

    /// The earliest deadline behind `at`.
    pub(crate) fn next_behind(&self, at: Micros) -> Micros {
        self.deadlines.iter().map(|deadline| deadline.due).filter(|due| *due > at).fold(NEVER, Micros::min)
    }

    /// Takes the first deadline that is due by `at`: innermost state first, then as declared.
    pub(crate) fn take_due(&mut self, at: Micros) -> Option<Deadline> {
        if self.due > at {
            return None;
        }
        let due = self.deadlines.iter().enumerate().filter(|(_, deadline)| deadline.due <= at);
        let (place, _) = due.min_by_key(|(_, deadline)| deadline.order())?;
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
