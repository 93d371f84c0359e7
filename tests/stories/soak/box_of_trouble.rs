//! The box of the day: the rat that ships, and beside it hands that meddle with a beam, an emergency stop and a key. Owns
//! what the hands do and writes it down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use link::{LineId, Micros};
use sim::animal::{Act, Animal, To};

use crate::troubles::Meddling;

/// The lines the hands move.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within {
    pub(crate) beam: LineId,
    pub(crate) stop: LineId,
    pub(crate) key: LineId,
}

/// A line moved at a time, to active or away from it.
pub(crate) type Moved = (Micros, LineId, bool);

/// What the hands are to do next time the animal is put in, and what they did.
#[derive(Debug, Default)]
pub(crate) struct Slip {
    pub(crate) wanted: Vec<(Micros, Meddling)>,
    pub(crate) done: Vec<Moved>,
}

/// A slip of paper both sides write on.
pub(crate) type Paper = Arc<Mutex<Slip>>;

/// What stands on it.
pub(crate) fn slip(paper: &Paper) -> MutexGuard<'_, Slip> {
    paper.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A rat and hands.
pub(crate) struct Trouble {
    rat: Box<dyn Animal + Send>,
    within: Within,
    paper: Paper,
    moves: VecDeque<Moved>,
}

impl Trouble {
    pub(crate) fn new(rat: Box<dyn Animal + Send>, within: Within, paper: Paper) -> Self {
        Self { rat, within, paper, moves: VecDeque::new() }
    }
}

impl Animal for Trouble {
    fn enter(&mut self, now: Micros) {
        self.rat.enter(now);
        let Within { beam, stop, key } = self.within;
        let mut moves = Vec::new();
        let wanted = std::mem::take(&mut slip(&self.paper).wanted);
        for (after_us, meddling) in wanted {
            let at = now + after_us;
            match meddling {
                Meddling::Storm(edges, apart_us) => {
                    // An even number: it ends as it began.
                    moves.extend((0..edges / 2 * 2).map(|n| (at + n * apart_us, beam, n % 2 == 0)));
                }
                Meddling::EmergencyStop(for_us) => moves.extend([(at, stop, true), (at + for_us, stop, false)]),
                Meddling::Key(for_us) => moves.extend([(at, key, false), (at + for_us, key, true)]),
            }
        }
        moves.sort_by_key(|(at, ..)| *at);
        self.moves = moves.into();
    }

    fn sense(&mut self, now: Micros, line: LineId, on: bool) {
        self.rat.sense(now, line, on);
    }

    fn next_at(&self) -> Option<Micros> {
        let moved = self.moves.front().map(|(at, ..)| *at);
        [self.rat.next_at(), moved].into_iter().flatten().min()
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        if self.moves.front().is_some_and(|(at, ..)| *at <= now)
            && let Some((_, line, active)) = self.moves.pop_front()
        {
            slip(&self.paper).done.push((now, line, active));
            return Some(Act { line, to: To::Active(active) });
        }
        self.rat.act(now)
    }
}
