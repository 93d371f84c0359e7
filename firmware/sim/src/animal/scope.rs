//! A microscope beside whoever is in the box: one edge a frame, from some time after the session's start until it ends.

use link::{LineId, Micros};

use super::{Act, Animal, To};

/// From one frame to the next, in µs: 29.752 Hz, as resonant two-photon microscopes scan.
const PERIOD_US: u64 = 33_611;
/// How long a frame's line is active, in µs.
const WIDTH_US: u64 = 5_000;
/// From the session's start to the first frame, in µs: somebody has to start it.
const FIRST_US: u64 = 1_500_000;

/// A microscope, and an animal under it.
pub struct Watched {
    inside: Box<dyn Animal + Send>,
    line: LineId,
    /// When the line changes next, and to what.
    next: Option<(Micros, bool)>,
}

impl Watched {
    /// A microscope whose frames come on `line`, with this animal.
    #[must_use]
    pub fn new(line: LineId, inside: Box<dyn Animal + Send>) -> Self {
        Self { inside, line, next: None }
    }
}

impl Animal for Watched {
    fn enter(&mut self, now: Micros) {
        self.next = Some((now.saturating_add(FIRST_US), true));
        self.inside.enter(now);
    }

    fn sense(&mut self, now: Micros, line: LineId, on: bool) {
        self.inside.sense(now, line, on);
    }

    fn next_at(&self) -> Option<Micros> {
        [self.next.map(|(at, _)| at), self.inside.next_at()].into_iter().flatten().min()
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        match self.next {
            Some((at, active)) if at <= now && self.inside.next_at().is_none_or(|other| at <= other) => {
                let after = if active { WIDTH_US } else { PERIOD_US - WIDTH_US };
                self.next = Some((at.saturating_add(after), !active));
                Some(Act { line: self.line, to: To::Active(active) })
            }
            _ => self.inside.act(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scripted, Tap};
    use super::*;

    #[test]
    fn frames_come_at_their_rate_and_the_animal_goes_on() {
        let lick = LineId(3);
        let mut watched = Watched::new(LineId(1), Box::new(Scripted::new(vec![Tap::new(1_520_000, lick, true)])));
        watched.enter(1_000);
        let mut seen = Vec::new();
        while let Some(at) = watched.next_at().filter(|at| *at < 1_580_000) {
            seen.extend(watched.act(at).map(|act| (at, act.line, act.to)));
        }
        let edge = |at, active| (at, LineId(1), To::Active(active));
        let expected = [
            edge(1_501_000, true),
            edge(1_506_000, false),
            (1_521_000, lick, To::Active(true)),
            edge(1_534_611, true),
            edge(1_539_611, false),
            edge(1_568_222, true),
            edge(1_573_222, false),
        ];
        assert_eq!(seen, expected);
    }
}
