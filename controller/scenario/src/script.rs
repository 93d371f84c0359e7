//! What the animal does when. Times count from the session's start, so a script that is known whole can be played on any
//! body. What an act waits for is looked for in the records as they come; what follows is a time like any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use compiler::scenario::{Act, Cause, Does};
use compiler::symbols::Symbols;
use link::{LineId, Micros, Record};
use sim::animal::{self, Animal, Tap, To};

use crate::happened::Follower;

/// Something done at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// The act of the scenario, by its place in the list.
    pub act: usize,
    /// The how many-th time what it waits for happened, counted from 1; 0 for an act that waits for a time alone.
    pub occurrence: u32,
    /// When that was, in µs from the session's start.
    pub since_us: u64,
    /// When the act begins, in µs from the session's start.
    pub at_us: u64,
}

/// Every touch and movement, in the order of their times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// By time, and in the order they were added.
    taps: BTreeMap<(u64, usize), animal::Act>,
    /// What is said from outside, the same way.
    says: BTreeMap<(u64, usize), String>,
    added: usize,
}

impl Script {
    /// What the acts do at times that are known beforehand.
    #[must_use]
    pub fn of(acts: &[Act]) -> Self {
        let mut script = Self::default();
        for (n, act) in acts.iter().enumerate() {
            if let Cause::At(at_us) = act.cause {
                script.add(acts, &Timed { act: n, occurrence: 0, since_us: 0, at_us });
            }
        }
        script
    }

    /// Adds what an act does from a time on.
    pub fn add(&mut self, acts: &[Act], timed: &Timed) {
        let Some(act) = acts.get(timed.act) else { return };
        for n in 0..act.times {
            let at_us = timed.at_us.saturating_add(act.every_us.saturating_mul(n.into()));
            match act.does.clone() {
                Does::Say(said) => {
                    self.says.insert((at_us, self.added), said);
                    self.added += 1;
                }
                Does::Touch { line, active, for_us } => {
                    self.put(at_us, line, To::Active(active));
                    if let Some(for_us) = for_us {
                        self.put(at_us.saturating_add(for_us), line, To::Active(!active));
                    }
                }
                Does::Move { line, raw, over_us } => self.put(at_us, line, To::Raw { raw, over_us }),
            }
        }
    }

    fn put(&mut self, at_us: u64, line: LineId, to: To) {
        self.taps.insert((at_us, self.added), animal::Act { line, to });
        self.added += 1;
    }

    /// The same as a list.
    #[must_use]
    pub fn taps(&self) -> Vec<Tap> {
        self.taps.iter().map(|((at_us, _), act)| Tap { at_us: *at_us, act: *act }).collect()
    }

    /// Whether anything is said from outside.
    #[must_use]
    pub fn says(&self) -> bool {
        !self.says.is_empty()
    }
}

/// What waits for something to happen: told every record, it says what is to be done.
#[derive(Debug, Clone)]
pub struct Reactions<'a> {
    acts: &'a [Act],
    symbols: &'a Symbols,
    follower: Follower,
    /// How often what each act waits for has happened.
    counts: Vec<u32>,
}

impl<'a> Reactions<'a> {
    /// Before the first record.
    #[must_use]
    pub fn new(acts: &'a [Act], symbols: &'a Symbols) -> Self {
        Self { acts, symbols, follower: Follower::new(symbols), counts: vec![0; acts.len()] }
    }

    /// A record, so many µs after the session's start: what is to be done because of it.
    pub fn hear(&mut self, at_us: u64, record: &Record) -> Vec<Timed> {
        let Self { acts, symbols, follower, counts } = self;
        let mut due = Vec::new();
        follower.hear(symbols, record, |happens| {
            for (n, act) in acts.iter().enumerate() {
                let Cause::After { happening, nth, delay_us } = act.cause else { continue };
                if happening != happens {
                    continue;
                }
                let Some(count) = counts.get_mut(n) else { continue };
                *count = count.saturating_add(1);
                if nth.is_none_or(|nth| nth == *count) {
                    let at_us = at_us.saturating_add(delay_us);
                    due.push(Timed { act: n, occurrence: *count, since_us: at_us - delay_us, at_us });
                }
            }
        });
        due
    }
}

/// What an actor has still to do, shared with whoever adds to it.
#[derive(Debug, Default)]
struct Part {
    script: Script,
    entered: Option<Micros>,
}

/// An animal that does what a script says, to which more can be added while it is in the box.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    part: Arc<Mutex<Part>>,
}

impl Actor {
    /// An animal with this script.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self { part: Arc::new(Mutex::new(Part { script, entered: None })) }
    }

    fn with<T>(&self, does: impl FnOnce(&mut Part) -> T) -> T {
        // Nothing that holds it can panic half-way.
        does(&mut self.part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the session began, on the clock of whoever told it; none before.
    #[must_use]
    pub fn entered(&self) -> Option<Micros> {
        self.with(|part| part.entered)
    }

    /// When the next thing is said, on the clock of the body; none before the session has begun.
    #[must_use]
    pub fn says_at(&self) -> Option<Micros> {
        self.with(|part| {
            let ((at_us, _), _) = part.script.says.first_key_value()?;
            Some(part.entered?.saturating_add(*at_us))
        })
    }

    /// The next thing that is said, if that is at `now` or before.
    #[must_use]
    pub fn said(&self, now: Micros) -> Option<String> {
        self.says_at().filter(|at| *at <= now)?;
        self.with(|part| part.script.says.pop_first()).map(|(_, said)| said)
    }

    /// Adds what an act does from a time on that is still to come.
    pub fn add(&self, acts: &[Act], timed: &Timed) {
        self.with(|part| part.script.add(acts, timed));
    }
}

impl Animal for Actor {
    fn enter(&mut self, now: Micros) {
        self.with(|part| part.entered = Some(now));
    }

    fn sense(&mut self, _: Micros, _: LineId, _: bool) {}

    fn next_at(&self) -> Option<Micros> {
        self.with(|part| {
            let ((at_us, _), _) = part.script.taps.first_key_value()?;
            Some(part.entered?.saturating_add(*at_us))
        })
    }

    fn act(&mut self, now: Micros) -> Option<animal::Act> {
        self.with(|part| {
            let entered = part.entered?;
            let first = part.script.taps.first_entry()?;
            let due = entered.saturating_add(first.key().0) <= now;
            due.then(|| first.remove())
        })
    }
}
