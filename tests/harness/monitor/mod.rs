//! An independent monitor: someone who sees only pins, and what a person at the rig sees, and says which limit was not
//! kept. Owns the judgement, written as naively as the limits are stated; shares no code with the interlock and asks the
//! device for nothing.
//!
//! It judges a whole history at once: the changes of the pins, what was done from outside, and the stretches in which the
//! body did nothing. What the interlock is late by is only ever forgiven where the body is known to have stood still.

mod history;
mod rules;
mod silence;
#[cfg(test)]
mod tests;

use std::fmt;

use link::{LineId, Micros};

pub use history::{Held, History, Outside, Seen, Stretch};
use history::{OnTime, on_times};
pub use rules::{Gate, OutputRules, Rules, Sensed, Watched};
pub use silence::{Controller, Wish};

/// The rule that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// No time on is longer than `max_on`.
    MaxOn,
    /// No time off between two times on is shorter than `min_off`.
    MinOff,
    /// No window holds more time on than the duty allows.
    Duty,
    /// No session has more pulses than its total.
    Pulses,
    /// No session has more time on than its total.
    TotalOn,
    /// No session gives more than its total.
    Dose,
    /// No power above the ceiling.
    Power,
    /// A forbidden line is never on.
    Forbidden,
    /// What must be armed is on only while it is armed.
    Armed,
    /// What must be armed is on only while the key is turned.
    Key,
    /// What a trip switches off is off from then on.
    Trip,
    /// What a trip switches off is off while the emergency stop is open.
    Stop,
    /// What a trip switches off is off once a read-back has differed from its output for too long.
    Sensed,
    /// Outside a session every output is off.
    Session,
    /// Every output is off when all is over.
    StillOn,
}

/// A rule that was not kept: which, by which line, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Which line.
    pub line: LineId,
    /// From when on, in µs.
    pub at: Micros,
    /// What was found: a time in µs, a count, or a power in millionths.
    pub found: u128,
    /// What is allowed, in the same unit.
    pub allowed: u128,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, at, found, allowed } = self;
        write!(f, "line {} at {at} µs: {rule:?}: {found} found, {allowed} allowed", line.0)
    }
}

/// Every rule that was not kept in a history.
#[must_use]
pub fn judge(rules: &Rules, history: &History) -> Vec<Violation> {
    let history = &history.in_order();
    let around = Around::of(rules, history);
    let mut violations = Vec::new();
    for output in &rules.outputs {
        let mut judge = Judge { output, held: &history.held, found: &mut violations };
        let on = on_times(&history.seen, output, history.until);
        judge.each(&on);
        judge.gaps(&on);
        judge.windows(&on);
        for session in &around.sessions {
            judge.totals(*session, &on);
        }
        judge.places(&on, &around);
        if let Some(last) = on.last().filter(|last| last.open) {
            judge.say(Rule::StillOn, last.from, history.until.saturating_sub(last.from), 0_u64);
        }
    }
    violations
}

/// Where outputs may be on at all, as far as it is known from outside.
struct Around {
    sessions: Vec<Stretch>,
    /// For each line, when it was armed.
    armed: Vec<Vec<Stretch>>,
    tripped: Vec<Stretch>,
    /// While an emergency stop was open.
    stopped: Vec<Stretch>,
    /// While a key was not turned.
    locked: Vec<Stretch>,
    /// From when a read-back had differed for too long.
    differing: Vec<Stretch>,
}

impl Around {
    fn of(rules: &Rules, history: &History) -> Self {
        let acts = |begins: fn(&Outside) -> bool, ends: fn(&Outside) -> bool| {
            let turns = history.outside.iter().filter_map(|(at, act)| {
                if begins(act) {
                    Some((*at, true))
                } else if ends(act) {
                    Some((*at, false))
                } else {
                    None
                }
            });
            Stretch::between(turns, history.until)
        };
        let gates = |gate: Gate, closed: bool| {
            let of = rules.watched.iter().filter(|watched| watched.gate == gate);
            of.flat_map(|watched| {
                let turns = history.seen.iter().filter_map(|(at, seen)| match seen {
                    Seen::Pin { pin, high } if *pin == watched.pin => {
                        Some((*at, (*high == watched.active_high) == closed))
                    }
                    _ => None,
                });
                // An input is looked at again when its window ends: so long may a change be held back.
                let stretches = Stretch::between(turns, history.until).into_iter();
                stretches.filter_map(|stretch| stretch.later_by(watched.debounce_us.into())).collect::<Vec<_>>()
            })
            .collect()
        };
        let locked: Vec<Stretch> = gates(Gate::Key, false);
        let armed = (0..32).map(|n| {
            let turns = history.outside.iter().filter_map(|(at, act)| match act {
                Outside::Armed(set) if set >> n & 1 != 0 => Some((*at, true)),
                Outside::Disarmed(set) if set >> n & 1 != 0 => Some((*at, false)),
                _ => None,
            });
            // What the key disarms stays so until someone arms it again.
            let mut turns: Vec<_> = turns.chain(locked.iter().map(|locked| (locked.from, false))).collect();
            turns.sort_by_key(|(at, _)| *at);
            Stretch::between(turns.into_iter(), history.until)
        });
        let armed = armed.collect();
        let sessions = acts(|act| *act == Outside::SessionBegan, |act| *act == Outside::SessionEnded);
        Self {
            differing: differing(rules, history, &sessions),
            sessions,
            armed,
            tripped: acts(|act| *act == Outside::Tripped, |act| *act == Outside::Reset),
            stopped: gates(Gate::Stop, true),
            locked,
        }
    }
}

/// In each session, from when on a read-back had differed from what its output was commanded for too long.
fn differing(rules: &Rules, history: &History, sessions: &[Stretch]) -> Vec<Stretch> {
    let mut found = Vec::new();
    for sensed in &rules.sensed {
        let Some(output) = rules.outputs.iter().find(|output| output.line == sensed.output) else { continue };
        let (mut on, mut seen) = (false, false);
        let turns = history.seen.iter().filter_map(|(at, change)| {
            match *change {
                Seen::Pin { pin, high } if pin == output.pin => on = high == output.active_high,
                Seen::Pin { pin, high } if pin == sensed.pin => seen = high == sensed.active_high,
                _ => return None,
            }
            Some((*at, on != seen))
        });
        let differ = Stretch::between(turns, history.until);
        let within =
            sessions.iter().flat_map(|session| differ.iter().filter_map(|part| part.and(*session).zip(Some(*session))));
        found.extend(within.filter_map(|(part, session)| {
            // It began anew wherever nobody could see it.
            let late_us = (part.to - part.from) - history.held.wide_awake(part);
            let part = part.later_by(sensed.within_us + late_us + history.held.decides_us)?;
            Some(Stretch { from: part.from, to: session.to })
        }));
    }
    found
}

/// The judgement of one output.
struct Judge<'a> {
    output: &'a OutputRules,
    held: &'a Held,
    found: &'a mut Vec<Violation>,
}

impl Judge<'_> {
    fn say(&mut self, rule: Rule, at: Micros, found: impl Into<u128>, allowed: impl Into<u128>) {
        let line = self.output.line;
        self.found.push(Violation { rule, line, at, found: found.into(), allowed: allowed.into() });
    }

    /// What holds of each time on by itself.
    fn each(&mut self, on: &[OnTime]) {
        for time in on {
            let on_us = self.held.awake(time.stretch());
            if on_us > Micros::from(self.output.max_on_us) {
                self.say(Rule::MaxOn, time.from, on_us, self.output.max_on_us);
            }
            if self.output.forbidden {
                self.say(Rule::Forbidden, time.from, on_us, 0_u64);
            }
            let Some(ceiling_ppm) = self.output.max_power_ppm else { continue };
            for (from, power_ppm) in time.powers() {
                if !(0..=i64::from(ceiling_ppm)).contains(&i64::from(power_ppm)) {
                    self.say(Rule::Power, from, u128::from(power_ppm.unsigned_abs()), ceiling_ppm);
                }
            }
        }
    }

    fn gaps(&mut self, on: &[OnTime]) {
        for pair in on.windows(2) {
            let [before, after] = pair else { continue };
            let off_us = after.from - before.to;
            if off_us < Micros::from(self.output.min_off_us) {
                self.say(Rule::MinOff, after.from, off_us, self.output.min_off_us);
            }
        }
    }

    /// The window that holds most begins with a rise or ends with a fall: all of them are looked at.
    fn windows(&mut self, on: &[OnTime]) {
        let Some((window_us, allowed_us)) = self.output.duty else { return };
        let window_us = Micros::from(window_us);
        let begins = on.iter().map(|time| Stretch { from: time.from, to: time.from.saturating_add(window_us) });
        let ends = on.iter().map(|time| Stretch { from: time.to.saturating_sub(window_us), to: time.to });
        for window in begins.chain(ends) {
            let first = on.partition_point(|time| time.to <= window.from);
            let within = on.iter().skip(first).map_while(|time| time.stretch().and(window));
            let on_us: Micros = within.map(|part| self.held.awake(part)).sum();
            if on_us > Micros::from(allowed_us) {
                self.say(Rule::Duty, window.from, on_us, allowed_us);
            }
        }
    }

    fn totals(&mut self, session: Stretch, on: &[OnTime]) {
        let within = || on.iter().filter(|time| session.from <= time.from && time.from <= session.to);
        let OutputRules { pulses, total_on_us, dose_us, pulse_dose_us, .. } = *self.output;
        let risen = within().count() as u64;
        if let Some(pulses) = pulses
            && risen > u64::from(pulses)
        {
            self.say(Rule::Pulses, session.from, risen, pulses);
        }
        let on_us: Micros = within().map(|time| self.held.awake(time.stretch())).sum();
        if let Some(allowed_us) = total_on_us
            && on_us > Micros::from(allowed_us)
        {
            self.say(Rule::TotalOn, session.from, on_us, allowed_us);
        }
        // In millionths of a µs at full power, so that nothing is rounded.
        let given: u128 = within().map(|time| time.dose(self.held) + u128::from(pulse_dose_us) * FULL_PPM).sum();
        if let Some(dose_us) = dose_us
            && given > u128::from(dose_us) * FULL_PPM
        {
            self.say(Rule::Dose, session.from, given, u128::from(dose_us) * FULL_PPM);
        }
    }

    /// Where it may be on at all.
    fn places(&mut self, on: &[OnTime], around: &Around) {
        let armed = around.armed.get(self.output.line.index()).map_or(&[][..], Vec::as_slice);
        for time in on {
            self.only_in(Rule::Session, time, &around.sessions);
            if self.output.must_arm {
                self.only_in(Rule::Armed, time, armed);
                self.never_in(Rule::Key, time, &around.locked);
            }
            if self.output.safe_on_trip {
                self.never_in(Rule::Trip, time, &around.tripped);
                self.never_in(Rule::Stop, time, &around.stopped);
                self.never_in(Rule::Sensed, time, &around.differing);
            }
        }
    }

    fn only_in(&mut self, rule: Rule, time: &OnTime, places: &[Stretch]) {
        let inside = places.iter().find(|place| place.from <= time.from && !self.is_later(place.to, time.from));
        let outside = match inside {
            None => Some(time.stretch()),
            Some(place) => time.stretch().and(Stretch { from: place.to, to: Micros::MAX }),
        };
        self.awake_in(rule, outside, inside.is_none());
    }

    fn never_in(&mut self, rule: Rule, time: &OnTime, places: &[Stretch]) {
        for place in places {
            let rises_in = self.is_later(place.from, time.from) && time.from < place.to;
            self.awake_in(rule, time.stretch().and(*place), rises_in);
        }
    }

    /// Whether an edge comes so much later than a time that the body must have known of it.
    fn is_later(&self, at: Micros, edge: Micros) -> bool {
        edge > at && self.held.awake(Stretch { from: at, to: edge }) > 0
    }

    /// It was on where it may not be: while the body was awake, or by an edge that it made there.
    fn awake_in(&mut self, rule: Rule, part: Option<Stretch>, rises: bool) {
        if let Some(part) = part {
            let on_us = self.held.awake(part);
            if on_us > 0 || rises {
                self.say(rule, part.from, on_us, 0_u64);
            }
        }
    }
}

/// Full power, in millionths.
const FULL_PPM: u128 = 1_000_000;
