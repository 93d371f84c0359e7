//! One deadline a line, and which comes first. Looking whether anything is due costs one comparison; setting or taking
//! a deadline looks at no more lines than have one.

use link::Micros;
use link::limits::MAX_LINES;

/// One deadline for each line that has one.
#[derive(Debug)]
pub(crate) struct Deadlines {
    at: [Micros; MAX_LINES],
    set: u32,
    next: Micros,
}

impl Deadlines {
    pub(crate) const fn new() -> Self {
        Self { at: [Micros::MAX; MAX_LINES], set: 0, next: Micros::MAX }
    }

    /// The earliest deadline.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Micros> {
        (self.set != 0).then_some(self.next)
    }

    /// The deadline of one line.
    pub(crate) fn of(&self, line: usize) -> Option<Micros> {
        let at = *self.at.get(line)?;
        (self.set & bit(line) != 0).then_some(at)
    }

    /// Gives a line a deadline in place of the one it had.
    pub(crate) fn set(&mut self, line: usize, at: Micros) {
        self.clear(line);
        if let Some(slot) = self.at.get_mut(line) {
            *slot = at;
            self.set |= bit(line);
            self.next = self.next.min(at);
        }
    }

    /// Takes a line's deadline away.
    pub(crate) fn clear(&mut self, line: usize) {
        if self.set & bit(line) == 0 {
            return;
        }
        self.set &= !bit(line);
        if self.at.get(line) == Some(&self.next) {
            self.next = lines(self.set).filter_map(|line| self.at.get(line)).fold(Micros::MAX, |a, b| a.min(*b));
        }
    }

    /// Takes the earliest deadline that has come by `now`; among equal ones the first line's.
    #[inline]
    pub(crate) fn take_due(&mut self, now: Micros) -> Option<(usize, Micros)> {
        if self.set == 0 || self.next > now {
            return None;
        }
        let at = self.next;
        let line = lines(self.set).find(|line| self.at.get(*line) == Some(&at))?;
        self.clear(line);
        Some((line, at))
    }
}

/// The set that holds this line alone; empty for a line past the last.
pub(crate) const fn bit(line: usize) -> u32 {
    if line < MAX_LINES { 1 << line } else { 0 }
}

/// The lines of a set, in their order.
pub(crate) fn lines(mut set: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let line = set.trailing_zeros();
        set &= set - 1;
        Some(line as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_of_time_then_of_line() {
        let mut deadlines = Deadlines::new();
        for (line, at) in [(5, 300), (2, 100), (9, 100), (7, 200)] {
            deadlines.set(line, at);
        }
        deadlines.set(7, 400);
        assert_eq!(deadlines.take_due(99), None);
        assert_eq!(deadlines.take_due(1_000), Some((2, 100)));
        assert_eq!(deadlines.take_due(1_000), Some((9, 100)));
        assert_eq!(deadlines.next(), Some(300));
        assert_eq!(deadlines.take_due(1_000), Some((5, 300)));
        deadlines.clear(7);
        assert_eq!(deadlines.next(), None);
    }
}
