//! What a scenario says from outside: handed to the session so early that it reaches the device at its time. A value needs two
//! steps of the link: its event comes 2 ms behind it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};

use link::Micros;
use scenario::Actor;

use crate::lockstep::LATENCY_US;
use crate::outside::{Heard, Outside, Told, What};

/// A source that says what the script of an actor holds.
pub(super) struct Voice {
    actor: Actor,
    said: BTreeMap<u64, String>,
    count: u64,
    mistakes: Sender<(String, String)>,
}

impl Voice {
    /// With it, what the session could make nothing of: the line, and its answer.
    pub(super) fn new(actor: Actor) -> (Self, Receiver<(String, String)>) {
        let (mistakes, told) = channel();
        (Self { actor, said: BTreeMap::new(), count: 0, mistakes }, told)
    }
}

impl Outside for Voice {
    fn poll(&mut self, now: Micros, _: Micros) -> Option<Heard> {
        let line = self.actor.said(now.saturating_add(LATENCY_US))?;
        self.count += 1;
        self.said.insert(self.count, line.clone());
        Some(Heard { id: self.count, what: What::Line(line) })
    }

    fn next_at(&self, _: Micros) -> Option<Micros> {
        self.actor.says_at().map(|at| at.saturating_sub(LATENCY_US))
    }

    fn told(&mut self, id: u64, told: &Told) {
        let line = self.said.remove(&id);
        if let (Some(line), Err(answer)) = (line, told) {
            // Whoever does not look has seen enough.
            let _ = self.mistakes.send((line, answer.clone()));
        }
    }

    fn answers(&self) -> bool {
        true
    }
}
