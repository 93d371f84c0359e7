//! What the journal says of time besides the device's: wall time, and how the device's clock is related to it. Owns when
//! that is noted; the fit itself is in `clock_fit`. Says nothing in a simulated session, which must not depend on when it
//! is run.

use journal::{Note, NoteKind};
use link::Micros;

use crate::clock_fit::{ClockFit, Relation};

/// From one note of the fit to the next, in µs, at first and later.
const NOTE_US: [u64; 2] = [5_000_000, 60_000_000];
/// Notes that follow one another in the shorter distance.
const SOON: u32 = 3;
/// From one look at the wall clock to the next, in µs.
const LOOK_US: u64 = 1_000_000;
/// A wall clock that went this much more or less than the steady one was set by someone, in µs.
const JUMP_US: u64 = 50_000;

/// The clocks of a session.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    /// Tells wall time in µs since 1970; none in a simulated session.
    wall: Option<fn() -> i64>,
    /// Wall time at the zero of the controller's steady clock, as it was when the session was begun: a wall clock may be
    /// set at any time, and what is noted keeps to this.
    zero_us: Option<i64>,
    /// The same by the last look.
    seen_zero_us: i64,
    look_at: Micros,
    fit: ClockFit,
    note_at: Option<Micros>,
    noted: u32,
}

impl Clocks {
    pub(super) const fn new(wall: Option<fn() -> i64>) -> Self {
        Self { wall, zero_us: None, seen_zero_us: 0, look_at: 0, fit: ClockFit::new(), note_at: None, noted: 0 }
    }

    /// Wall time now, in ms since 1970.
    pub(super) fn wall_ms(&self) -> Option<i64> {
        self.wall.map(|wall| wall().div_euclid(1_000))
    }

    /// The device boots anew: its clock has nothing to do with what it was.
    pub(super) fn device_was_reset(&mut self) {
        self.fit.clear();
        (self.note_at, self.noted) = (None, 0);
    }

    /// The device's clock stood at `device_us` between these two times of the controller's.
    pub(super) fn observe(&mut self, asked_at: Micros, heard_at: Micros, device_us: Micros) {
        if self.wall.is_some() {
            self.fit.observe(asked_at, heard_at, device_us);
        }
    }

    /// When there is something to note, if nothing else happens.
    pub(super) fn poll_at(&self) -> Option<Micros> {
        self.wall.and(self.note_at)
    }

    /// What is to be noted at `now`, if anything is; to be asked until there is nothing.
    pub(super) fn poll(&mut self, now: Micros) -> Option<Note> {
        let wall_us = self.wall?();
        let seen_us = wall_us.saturating_sub_unsigned(now);
        let zero_us = *self.zero_us.get_or_insert_with(|| {
            self.seen_zero_us = seen_us;
            seen_us
        });
        if now >= self.look_at {
            self.look_at = now.saturating_add(LOOK_US);
            let set_by_us = seen_us.saturating_sub(self.seen_zero_us);
            if set_by_us.unsigned_abs() > JUMP_US {
                self.seen_zero_us = seen_us;
                let words = format!(
                    "the computer's clock was set by {:+.3} s; notes of the device's clock keep to what it showed at first",
                    set_by_us as f64 / 1e6
                );
                return Some(Note { wall_ms: self.wall_ms(), device_us: None, kind: NoteKind::Text(words) });
            }
        }
        let due = *self.note_at.get_or_insert(now.saturating_add(NOTE_US[0]));
        if now < due {
            return None;
        }
        self.noted = self.noted.saturating_add(1);
        self.note_at = Some(now.saturating_add(if self.noted < SOON { NOTE_US[0] } else { NOTE_US[1] }));
        self.relation(zero_us)
    }

    /// A last note, as the session ends.
    pub(super) fn last(&mut self) -> Option<Note> {
        let zero_us = self.zero_us?;
        self.relation(zero_us)
    }

    fn relation(&mut self, zero_us: i64) -> Option<Note> {
        let Relation { device_us, host_us, uncertainty_us, drift_ppb, drift_uncertainty_ppb } = self.fit.relation()?;
        let host_us = zero_us.saturating_add(host_us);
        let kind = NoteKind::ClockFit { host_us, drift_ppb, uncertainty_us, drift_uncertainty_ppb };
        Some(Note { wall_ms: self.wall_ms(), device_us: Some(device_us), kind })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The wall clock of a test's computer, in µs since 1970.
        static WALL_US: Cell<i64> = const { Cell::new(0) };
    }

    fn wall_us() -> i64 {
        WALL_US.get()
    }

    /// Lets so many seconds pass on a computer whose clock is off by `set_by_us`, with a device that runs 50 ppm fast and
    /// began at host time 1 s; what was noted.
    fn pass(clocks: &mut Clocks, seconds: std::ops::Range<u64>, set_by_us: i64) -> Vec<Note> {
        let mut noted = Vec::new();
        for now in seconds.map(|second| second * 1_000_000) {
            WALL_US.set(1_700_000_000_000_000 + now as i64 + set_by_us);
            let device_us = (now as f64 - 1e6) * 1.000_05;
            clocks.observe(now - 100, now + 100, device_us as Micros);
            while let Some(note) = clocks.poll(now) {
                noted.push(note);
            }
        }
        noted
    }

    #[test]
    fn a_wall_clock_that_is_set_is_told_and_moves_no_time() {
        let mut clocks = Clocks::new(Some(wall_us));
        let before = pass(&mut clocks, 2..120, 0);
        let after = pass(&mut clocks, 120..240, -3_600_000_000);
        assert!(before.iter().all(|note| matches!(note.kind, NoteKind::ClockFit { .. })));
        assert_eq!(before.len(), 4, "soon three times, then each minute");
        let NoteKind::Text(words) = &after[0].kind else { panic!("{after:?}") };
        assert!(words.contains("set by -3600.000 s"), "{words}");
        assert_eq!(after[0].wall_ms, Some(1_700_000_000_000 + 120_000 - 3_600_000));
        let mut fits = 0;
        for note in before.iter().chain(&after) {
            let (Some(device_us), NoteKind::ClockFit { host_us, uncertainty_us, drift_ppb, drift_uncertainty_ppb }) =
                (note.device_us, &note.kind)
            else {
                continue;
            };
            fits += 1;
            let truly = 1_700_000_000_000_000.0 + 1e6 + device_us as f64 / 1.000_05;
            assert!((*host_us as f64 - truly).abs() <= f64::from(*uncertainty_us) + 1.0, "{note:?}");
            assert!((drift_ppb - 50_000).unsigned_abs() <= u64::from(*drift_uncertainty_ppb), "{note:?}");
        }
        assert_eq!((fits, after.len()), (6, 3), "told once");
    }

    #[test]
    fn a_simulated_session_notes_no_time() {
        let mut clocks = Clocks::new(None);
        assert_eq!(pass(&mut clocks, 2..120, 0), []);
        assert_eq!((clocks.poll_at(), clocks.wall_ms(), clocks.last()), (None, None, None));
    }
}
