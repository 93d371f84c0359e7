//! One deadline a line, and which comes first. Looking whether anything is due costs one comparison; what is due is taken
//! all at once, in one look at the lines that have a deadline.

use link::Micros;
use link::limits::MAX_LINES;

/// One deadline for each line that has one.
#[derive(Debug)]
pub(crate) struct Deadlines {
    at: [Micros; MAX_LINES],
    set: u32,
    /// No deadline is earlier. It may be earlier than all, until [`Deadlines::tidy`].
    next: Micros,
    /// Whether it may.
    untidy: bool,
}

impl Deadlines {
    pub(crate) const fn new() -> Self {
        Self { at: [Micros::MAX; MAX_LINES], set: 0, next: Micros::MAX, untidy: false }
    }

    /// The earliest deadline, or a time before it; [`Micros::MAX`] if there is none.
    #[inline(always)]
    pub(crate) const fn next(&self) -> Micros {
        self.next
    }

    /// Makes [`Deadlines::next`] exact.
    #[inline(always)]
    pub(crate) fn tidy(&mut self) {
        if self.untidy {
            self.take_due(0);
        }
    }

    /// The deadline of one line.
    #[inline(always)]
    pub(crate) fn of(&self, line: usize) -> Option<Micros> {
        let at = *self.at.get(line)?;
        (self.set & bit(line) != 0).then_some(at)
    }

    /// The deadline a line had that was taken.
    pub(crate) fn taken(&self, line: usize) -> Micros {
        self.at.get(line).copied().unwrap_or(Micros::MAX)
    }

    /// Gives a line a deadline in place of the one it had.
    #[inline]
    pub(crate) fn set(&mut self, line: usize, at: Micros) {
        if let Some(slot) = self.at.get_mut(line) {
            // Only one that moves away from the front may leave nothing there.
            self.untidy |= *slot == self.next;
            *slot = at;
            self.set |= bit(line);
            if at < self.next {
                self.next = at;
            }
        }
    }

    /// No line has a deadline any more.
    pub(crate) fn clear_all(&mut self) {
        self.at.fill(Micros::MAX);
        (self.set, self.next, self.untidy) = (0, Micros::MAX, false);
    }

    /// Takes a line's deadline away.
    #[inline]
    pub(crate) fn clear(&mut self, line: usize) {
        if self.set & bit(line) != 0 {
            self.set &= !bit(line);
            self.untidy = true;
        }
    }

    /// Takes all deadlines that have come by `now`: their lines.
    #[inline(always)]
    pub(crate) fn take_due(&mut self, now: Micros) -> u32 {
        let (due, next) = self.by(now);
        self.set &= !due;
        self.first_is(next);
        due
    }

    /// The lines whose deadlines have come by `now`, and the earliest of the others; [`Micros::MAX`] if there is none.
    #[inline(never)]
    pub(crate) fn by(&self, now: Micros) -> (u32, Micros) {
        let (mut due, mut next) = (0, Micros::MAX);
        let (mut left, mut bit) = (self.set, 1_u32);
        // Line by line, not by `lines`: most have one when this matters, and finding the next costs more than looking.
        for at in &self.at {
            if left & 1 != 0 {
                if *at <= now {
                    due |= bit;
                } else if *at < next {
                    next = *at;
                }
            }
            (left, bit) = (left >> 1, bit << 1);
            if left == 0 {
                break;
            }
        }
        (due, next)
    }

    /// Whoever has looked at all of them says which deadline is the earliest.
    #[inline(always)]
    pub(crate) fn first_is(&mut self, next: Micros) {
        (self.next, self.untidy) = (next, false);
    }
}

/// The set that holds this line alone; empty for a line past the last.
pub(crate) const fn bit(line: usize) -> u32 {
    if line < MAX_LINES { 1 << line } else { 0 }
}

/// The lines of a set, in their order.
#[inline(always)]
pub(crate) fn lines(mut set: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let first = set & set.wrapping_neg();
        set ^= first;
        (first != 0).then(|| first.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_taken_at_once_and_the_rest_stays() {
        let mut deadlines = Deadlines::new();
        for (line, at) in [(5, 300), (2, 100), (9, 100), (7, 200)] {
            deadlines.set(line, at);
        }
        deadlines.set(7, 400);
        assert_eq!(deadlines.next(), 100);
        assert_eq!(deadlines.take_due(99), 0);
        assert_eq!(deadlines.take_due(299), 1 << 2 | 1 << 9);
        assert_eq!((deadlines.next(), deadlines.of(7)), (300, Some(400)));
        deadlines.clear(5);
        deadlines.tidy();
        assert_eq!(deadlines.next(), 400, "the earliest was taken away");
        deadlines.clear(7);
        deadlines.tidy();
        assert_eq!((deadlines.next(), deadlines.of(7)), (Micros::MAX, None));
    }

    #[test]
    fn lines_come_in_order() {
        let all: std::vec::Vec<_> = lines(0x8001_0203).collect();
        assert_eq!(all, [0, 1, 9, 16, 31]);
        assert_eq!(lines(u32::MAX).count(), 32);
        assert_eq!(lines(0).next(), None);
    }
}
