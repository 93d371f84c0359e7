//! More than can be handled: inputs that change so often that P0 cannot keep what they did, or that nothing is left for the
//! levels below. Owns for how long inputs are not listened to, and whether P2 is starved; drives nothing.

use link::Micros;

/// How long P2 may be without its turn, in µs: well below the watchdog's 50 ms, so that what trips for it can still be
/// told, and many times the longest that P0 and P1 take at once.
pub(super) const STARVED_US: Micros = 30_000;
/// How long inputs are not listened to at least, in µs: a storm then takes a small part of the time.
pub(super) const DEAF_US: Micros = 5_000;

/// What P0 knows of it.
#[derive(Debug)]
pub(super) struct Storm {
    /// P2's count of its turns when it was seen to change last, and when that was.
    turns: u32,
    turned_at: Micros,
    /// Whether changes were lost since the last look.
    broke_out: bool,
    /// Since when inputs are not listened to, if they are not.
    deaf_since: Option<Micros>,
}

impl Storm {
    pub(super) const fn new() -> Self {
        Self { turns: 0, turned_at: 0, broke_out: false, deaf_since: None }
    }

    /// Changes of inputs were lost.
    pub(super) const fn broke_out(&mut self) {
        self.broke_out = true;
    }

    /// Whether there is something to be done at `now`, when P2 has had so many turns; 0 if it does not count them.
    #[inline(always)]
    pub(super) fn is_suspected(&mut self, now: Micros, turns: u32) -> bool {
        if turns != self.turns {
            (self.turns, self.turned_at) = (turns, now);
        }
        self.broke_out || self.deaf_since.is_some() || self.is_starved(now)
    }

    /// Whether P2 has been without a turn for too long.
    #[inline(always)]
    pub(super) fn is_starved(&self, now: Micros) -> bool {
        self.turns != 0 && now.saturating_sub(self.turned_at) > STARVED_US
    }

    /// Whether inputs are to be listened to from now on, if that changes. They are again once P2 has had a turn since.
    pub(super) fn turn(&mut self, now: Micros) -> Option<bool> {
        let worse = core::mem::take(&mut self.broke_out) || self.is_starved(now);
        match self.deaf_since {
            None if worse => {
                self.deaf_since = Some(now);
                Some(false)
            }
            Some(since)
                if !worse && now.saturating_sub(since) >= DEAF_US && (self.turns == 0 || self.turned_at > since) =>
            {
                self.deaf_since = None;
                Some(true)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use link::record::Request;
    use link::{DisarmCause, LineId, Micros, TripCause};

    use super::super::tests::bench::{LASER, LASER_PIN};
    use super::super::tests::{Box, story};
    use super::*;
    use crate::messages::What;

    const TICK_US: Micros = 5_000;

    /// Polls P0 every 5 ms from `from` on, P2 having its turn before each if it is `heard`.
    fn pass(b: &mut Box<'_>, from: Micros, ticks: u64, heard: bool) -> Vec<(Micros, What)> {
        let mut told = Vec::new();
        for at in (0..ticks).map(|n| from + n * TICK_US) {
            if heard {
                b.shared.beats.outer();
            }
            b.late(at);
            told.extend(b.told());
        }
        told
    }

    #[test]
    fn a_body_that_does_not_count_its_turns_is_never_starved() {
        story(|b| {
            b.arm(LASER);
            assert_eq!(pass(b, 10_000, 200, false), []);
            assert_eq!(b.board.listened, []);
        });
    }

    #[test]
    fn when_the_lowest_level_gets_no_turn_it_trips_in_time_and_listens_to_nothing_until_it_had_one() {
        story(|b| {
            b.arm(LASER);
            b.ask(LASER, Request::On);
            b.told();
            assert_eq!(pass(b, 10_000, 10, true), [], "while it has its turns nothing is said");
            let last = 10_000 + 9 * TICK_US;
            let told = pass(b, last + TICK_US, 8, false);
            let tripped = last + STARVED_US + TICK_US;
            assert_eq!(told.first(), Some(&(tripped, What::Trip(TripCause::Starved))), "{told:?}");
            assert!(told.contains(&(tripped, What::Disarmed(LineId(LASER).bit(), DisarmCause::Trip))), "{told:?}");
            assert!(tripped - last < 45_000, "before the watchdog's 50 ms are over");
            assert!(!b.board.is_high(LASER_PIN));
            assert_eq!(b.board.listened, [(tripped, false)], "once");
            pass(b, tripped + 4 * TICK_US, 2, true);
            assert_eq!(b.board.listened, [(tripped, false), (tripped + 4 * TICK_US, true)]);
        });
    }

    #[test]
    fn changes_that_were_lost_trip_and_are_not_listened_to_for_a_while_whether_a_session_runs_or_not() {
        story(|b| {
            b.edge.lost(3);
            assert_eq!(b.edge.poll_at(), Some(0), "at once");
            assert_eq!(pass(b, 2_000, 1, true), [(2_000, What::Trip(TripCause::Lost)), (2_000, What::Lost(3))]);
            assert_eq!(b.board.listened, [(2_000, false)]);
            pass(b, 2_000 + DEAF_US - 1, 1, true);
            assert_eq!(b.board.listened.len(), 1, "not yet");
            pass(b, 2_000 + DEAF_US, 1, true);
            assert_eq!(b.board.listened, [(2_000, false), (2_000 + DEAF_US, true)]);
            b.order(crate::messages::Order::End);
            b.poll();
            b.told();
            b.edge.lost(1);
            assert_eq!(pass(b, 50_000, 1, true), [], "nobody is told");
            assert_eq!(b.board.listened.last(), Some(&(50_000, false)));
        });
    }
}
