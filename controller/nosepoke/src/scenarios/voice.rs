//! What a scenario says from outside: handed to the session so early that it reaches the device at its time. A value needs two
//! steps of the link: its event comes 2 ms behind it. And the same once more, as a device has taken it up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};

use journal::Session;
use link::{Micros, Record};
use scenario::Actor;

use crate::lockstep::LATENCY_US;
use crate::outside::{Heard, Outside, Said, Told, What};

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

/// A source that says what a session was told from outside: each event and each value in the microsecond it was taken up.
pub(super) struct Echo {
    actor: Actor,
    /// In µs from the session's start.
    said: VecDeque<(Micros, Said)>,
    count: u64,
}

impl Echo {
    /// What this session was told up to so many µs after its start, for another whose start the actor knows.
    pub(super) fn of(session: &Session, until_us: Micros, actor: Actor) -> Self {
        let start = session.records().next().map_or(0, |(_, at, _)| at);
        let said = session.records().filter_map(|(_, at, record)| {
            let said = match record {
                Record::Outside { event, .. } => Said::Event(event),
                Record::Parameter { variable, value } => Said::Parameter { variable, value, done: String::new() },
                Record::Stop(_) => Said::Stop,
                _ => return None,
            };
            Some((at.saturating_sub(start), said)).filter(|(at, _)| *at <= until_us)
        });
        Self { actor, said: said.collect(), count: 0 }
    }

    fn next(&self) -> Option<Micros> {
        let (at, _) = self.said.front()?;
        Some(self.actor.entered()?.saturating_add(*at).saturating_sub(LATENCY_US))
    }
}

impl Outside for Echo {
    fn poll(&mut self, now: Micros, _: Micros) -> Option<Heard> {
        self.next().filter(|at| *at <= now)?;
        let (_, said) = self.said.pop_front()?;
        self.count += 1;
        Some(Heard { id: self.count, what: What::Said(said) })
    }

    fn next_at(&self, _: Micros) -> Option<Micros> {
        self.next()
    }

    fn answers(&self) -> bool {
        true
    }
}
