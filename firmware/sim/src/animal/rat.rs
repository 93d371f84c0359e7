//! A first rat: it learns that pulling a lever after a tone pays, licks when it expects water and longer when it comes,
//! gives up sooner when it does not, and turns to the next trial faster after an omission, faster still if light comes
//! with it. Enough to see reward and omission in a session; no model of any published animal.
//!
//! Every number here is typical or chosen, none is published.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use link::{LineId, Micros};

use super::{Act, Animal, Stick, Surroundings, To};
use crate::random::Dice;

/// µs in a second.
const SECOND: f64 = 1e6;
/// Between one lick and the next; rats lick at 6 to 8 Hz.
const LICK_PERIOD_S: f64 = 0.15;
/// How long the tongue touches the spout.
const LICK_S: f64 = 0.06;
/// How likely a naive rat is to pull when a tone invites it.
const NAIVE_SKILL: f64 = 0.4;
/// How likely one that has learnt the task and is thirsty is.
const FULL_SKILL: f64 = 0.96;
/// How much of what is left to learn each drop teaches.
const SKILL_RATE: f64 = 0.08;
/// How fast expectation follows what happens.
const LEARNING_RATE: f64 = 0.12;
/// What a rat that knows nothing expects of a pull.
const NAIVE_EXPECTATION: f64 = 0.25;
/// Drops after which a rat is half as keen.
const DROPS_TO_HALF_THIRST: f64 = 400.0;
/// How long until it tries the lever again unprompted.
const UNPROMPTED_S: f64 = 6.0;
/// How long a rat that heard a tone waits for the next one rather than try the lever unprompted.
const PROMPTED_US: u64 = 30_000_000;

/// What a rat has made up its mind to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Move {
        line: u8,
        active: bool,
    },
    /// Pull an analog lever this far, or let go of it.
    Pull {
        raw: i32,
        over_us: u64,
    },
    /// It has pulled.
    Pulled,
    /// Lick, if the bout it belongs to is still on.
    Lick {
        bout: u32,
    },
    /// See whether water came.
    Expect {
        pull: u32,
    },
    /// Try the lever unprompted.
    Try,
}

/// The rat.
#[derive(Debug)]
pub struct Rat {
    surroundings: Surroundings,
    dice: Dice,
    plans: BinaryHeap<Reverse<(Micros, u32, Plan)>>,
    /// Sets plans of one time in the order they were made.
    made: u32,
    /// How well it knows what the tone means, from 0 to 1.
    skill: f64,
    /// What it expects of a pull, from 0 to 1.
    expectation: f64,
    drops: f64,
    pulls: u32,
    /// When it heard a tone last.
    prompted: Option<Micros>,
    /// The pull whose outcome it waits for.
    waiting: Option<u32>,
    bout: u32,
    licks_left: u32,
    pulling: bool,
    licking: bool,
    /// An omission makes it hurry; light at an omission more so.
    hurry: f64,
}

impl Rat {
    /// A rat that knows nothing, in these surroundings, with its own dice of the seed.
    #[must_use]
    pub fn new(surroundings: Surroundings, seed: u64) -> Self {
        Self {
            surroundings,
            dice: Dice::new(seed, "rat"),
            plans: BinaryHeap::new(),
            made: 0,
            skill: NAIVE_SKILL,
            expectation: NAIVE_EXPECTATION,
            drops: 0.0,
            pulls: 0,
            prompted: None,
            waiting: None,
            bout: 0,
            licks_left: 0,
            pulling: false,
            licking: false,
            hurry: 0.0,
        }
    }

    fn plan(&mut self, at: Micros, plan: Plan) {
        self.made = self.made.wrapping_add(1);
        self.plans.push(Reverse((at, self.made, plan)));
    }

    fn in_s(now: Micros, seconds: f64) -> Micros {
        now + (seconds.max(0.0) * SECOND) as Micros
    }

    fn thirst(&self) -> f64 {
        DROPS_TO_HALF_THIRST / (DROPS_TO_HALF_THIRST + self.drops)
    }

    /// How likely it is to pull when a tone invites it.
    fn keenness(&self) -> f64 {
        self.skill * (0.4 + 0.6 * self.thirst())
    }

    fn pull(&mut self, from: Micros, latency_s: f64) {
        if self.pulling {
            return;
        }
        if let Some(stick) = self.surroundings.stick {
            return self.pull_stick(stick, from, latency_s);
        }
        let Some(lever) = self.surroundings.lever else { return };
        self.pulling = true;
        let down = Self::in_s(from, latency_s);
        let up = Self::in_s(down, self.dice.between(0.15, 0.45));
        self.plan(down, Plan::Move { line: lever.0, active: true });
        self.plan(up, Plan::Move { line: lever.0, active: false });
    }

    /// Pulls an analog lever some way, holds it, lets it go. Naive rats pull less far.
    fn pull_stick(&mut self, stick: Stick, from: Micros, latency_s: f64) {
        self.pulling = true;
        let far = self.dice.between(0.1 + 0.4 * self.skill, 1.0);
        let raw = stick.rest + (f64::from(stick.end - stick.rest) * far) as i32;
        let down = Self::in_s(from, latency_s);
        let (pull_s, hold_s, back_s) =
            (self.dice.between(0.04, 0.12), self.dice.between(0.05, 0.25), self.dice.between(0.05, 0.15));
        let over_us = |seconds: f64| (seconds * SECOND) as u64;
        self.plan(down, Plan::Pull { raw, over_us: over_us(pull_s) });
        self.plan(Self::in_s(down, pull_s), Plan::Pulled);
        self.plan(Self::in_s(down, pull_s + hold_s), Plan::Pull { raw: stick.rest, over_us: over_us(back_s) });
    }

    /// Begins to lick, in place of whatever licking goes on.
    fn lick(&mut self, from: Micros, licks: u32) {
        if self.surroundings.spout.is_some() && licks > 0 {
            self.bout += 1;
            self.licks_left = licks;
            self.plan(from, Plan::Lick { bout: self.bout });
        }
    }

    fn learn(&mut self, outcome: f64) {
        self.expectation += LEARNING_RATE * (outcome - self.expectation);
    }

    fn pulled(&mut self, now: Micros) {
        self.pulls += 1;
        self.waiting = Some(self.pulls);
        self.hurry = 0.0;
        // It licks ahead of water it expects, and knows after a second that none comes.
        let ahead = (self.expectation * self.dice.between(2.0, 6.0)) as u32;
        let at = Self::in_s(now, self.dice.between(0.25, 0.45));
        self.lick(at, ahead);
        let expect = Self::in_s(now, self.dice.between(1.0, 1.3));
        self.plan(expect, Plan::Expect { pull: self.pulls });
    }

    fn lick_once(&mut self, now: Micros, bout: u32) -> Option<Act> {
        let spout = self.surroundings.spout?;
        if bout != self.bout || self.licks_left == 0 {
            return None;
        }
        let period = LICK_PERIOD_S * self.dice.between(0.85, 1.2);
        if self.licking {
            // The tongue of the bout before is still out; this bout goes on when it is in.
            self.plan(Self::in_s(now, LICK_S), Plan::Lick { bout });
            return None;
        }
        self.licks_left -= 1;
        let tongue_in = Self::in_s(now, LICK_S * self.dice.between(0.8, 1.2));
        self.plan(tongue_in, Plan::Move { line: spout.0, active: false });
        if self.licks_left > 0 {
            self.plan(Self::in_s(now, period), Plan::Lick { bout });
        }
        self.licking = true;
        Some(Act { line: spout, to: To::Active(true) })
    }

    fn moved(&mut self, now: Micros, act: Act) -> Act {
        let To::Active(active) = act.to else { return act };
        if Some(act.line) == self.surroundings.lever {
            self.pulling = active;
            if active {
                self.pulled(now);
            }
        } else {
            self.licking = active;
        }
        act
    }
}

impl Animal for Rat {
    fn enter(&mut self, now: Micros) {
        let first = Self::in_s(now, self.dice.skewed(0.5, UNPROMPTED_S));
        self.plan(first, Plan::Try);
    }

    fn sense(&mut self, now: Micros, line: LineId, on: bool) {
        if !on {
            return;
        }
        let line = Some(line);
        if line == self.surroundings.cue {
            self.prompted = Some(now);
            let keenness = self.keenness();
            if self.dice.chance(keenness) {
                let typical = 0.5 + 1.6 * (1.0 - self.expectation) * (1.0 - 0.5 * self.hurry);
                let latency = self.dice.skewed(0.18, typical);
                self.pull(now, latency);
            }
        } else if line == self.surroundings.water {
            self.drops += 1.0;
            if self.waiting.take().is_some() {
                self.learn(1.0);
                self.skill += SKILL_RATE * (FULL_SKILL - self.skill);
            }
            let licks = self.dice.between(12.0, 20.0) as u32;
            let at = Self::in_s(now, self.dice.between(0.05, 0.12));
            self.lick(at, licks);
        } else if line == self.surroundings.laser {
            // Light while it is let down: it stops searching the spout and hurries to the next chance.
            if self.hurry < 1.0 && self.waiting.is_some() {
                self.hurry = 1.0;
                self.licks_left = self.licks_left.min(2);
            }
        }
    }

    fn next_at(&self) -> Option<Micros> {
        self.plans.peek().map(|Reverse((at, ..))| *at)
    }

    fn act(&mut self, now: Micros) -> Option<Act> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse((_, _, plan)) = self.plans.pop()?;
        match plan {
            Plan::Move { line, active } => Some(self.moved(now, Act { line: LineId(line), to: To::Active(active) })),
            Plan::Pull { raw, over_us } => {
                let stick = self.surroundings.stick?;
                self.pulling = raw != stick.rest;
                Some(Act { line: stick.line, to: To::Raw { raw, over_us } })
            }
            Plan::Pulled => {
                self.pulled(now);
                None
            }
            Plan::Lick { bout } => self.lick_once(now, bout),
            Plan::Expect { pull } => {
                if self.waiting == Some(pull) {
                    self.waiting = None;
                    self.learn(0.0);
                    if self.hurry < 1.0 {
                        // It searches the dry spout a while, then turns to the next chance.
                        self.hurry = 0.5;
                        let licks = self.dice.between(1.0, 5.0) as u32;
                        self.lick(now, licks);
                    }
                }
                None
            }
            Plan::Try => {
                let prompted = self.prompted.is_some_and(|heard| now < heard + PROMPTED_US);
                if !prompted || self.dice.chance(0.05) {
                    self.pull(now, 0.0);
                }
                let again = Self::in_s(now, self.dice.skewed(1.5, UNPROMPTED_S / (0.4 + self.expectation)));
                self.plan(again, Plan::Try);
                None
            }
        }
    }
}
