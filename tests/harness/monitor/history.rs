//! What a monitor has to go by: the pins as they changed, what was done from outside, and when the body stood still. Owns
//! how stretches of time are made of it; judges nothing.

use link::Micros;

use super::rules::OutputRules;

/// A change at a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its level.
    Pin {
        /// The body's number of the pin.
        pin: u8,
        /// High or low.
        high: bool,
    },
    /// The power it carries whenever it is on.
    Power {
        /// The body's number of the pin.
        pin: u8,
        /// In millionths of full power.
        power_ppm: i32,
    },
}

/// What is done, or known, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// A session began: totals are counted from here.
    SessionBegan,
    /// It ended.
    SessionEnded,
    /// Someone armed lines.
    Armed(u32),
    /// They are armed no longer.
    Disarmed(u32),
    /// The interlock tripped.
    Tripped,
    /// The trip was reset, between sessions.
    Reset,
}

/// Everything that is judged, in any order.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What pins did, inputs and outputs.
    pub seen: Vec<(Micros, Seen)>,
    /// What was done from outside.
    pub outside: Vec<(Micros, Outside)>,
    /// When the body did nothing.
    pub held: Held,
    /// The end of it, in µs.
    pub until: Micros,
}

impl History {
    /// An output or input pin changed.
    pub fn pin(&mut self, at: Micros, pin: u8, high: bool) {
        self.seen.push((at, Seen::Pin { pin, high }));
    }

    /// The power of a pin was set.
    pub fn power(&mut self, at: Micros, pin: u8, power_ppm: i32) {
        self.seen.push((at, Seen::Power { pin, power_ppm }));
    }

    /// Something was done from outside.
    pub fn act(&mut self, at: Micros, act: Outside) {
        self.outside.push((at, act));
    }

    /// The same in order of time; what came together stays in its order.
    pub(super) fn in_order(&self) -> Self {
        let mut ordered = self.clone();
        ordered.seen.sort_by_key(|(at, _)| *at);
        ordered.outside.sort_by_key(|(at, _)| *at);
        ordered.held.stretches.sort_by_key(|held| held.from);
        ordered.held.minds.sort_by_key(|held| held.from);
        ordered
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its beginning, in µs.
    pub from: Micros,
    /// Its end, in µs.
    pub to: Micros,
}

impl Stretch {
    /// What two stretches have in common, if that is more than a moment.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }

    /// The same, beginning later; nothing if it is over by then.
    pub(super) fn later_by(self, us: Micros) -> Option<Self> {
        let from = self.from.saturating_add(us);
        (from < self.to).then_some(Self { from, to: self.to })
    }

    /// The stretches from each turn to true to the next turn to false.
    pub(super) fn between(turns: impl Iterator<Item = (Micros, bool)>, until: Micros) -> Vec<Self> {
        let (mut stretches, mut since) = (Vec::new(), None);
        for (at, on) in turns {
            match (on, since) {
                (true, None) => since = Some(at),
                (false, Some(from)) => {
                    stretches.push(Self { from, to: at });
                    since = None;
                }
                _ => {}
            }
        }
        stretches.extend(since.map(|from| Self { from, to: until }));
        stretches
    }
}

/// When the body did nothing, and how long it takes to decide.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// How long after what led to it a decision is made when nothing is held up, in µs: a microsecond must close first. What
    /// needs no decision comes at once.
    pub decides_us: Micros,
    /// When it was held up; apart from one another.
    pub stretches: Vec<Stretch>,
    /// When only what makes decisions was, while the pins were still looked after; apart from one another.
    pub minds: Vec<Stretch>,
}

impl Held {
    /// How much of a stretch the body was awake, in µs.
    pub(super) fn awake(&self, part: Stretch) -> Micros {
        part.to - part.from - asleep(&self.stretches, part)
    }

    /// How much of a stretch all of it was awake, at least.
    pub(super) fn wide_awake(&self, part: Stretch) -> Micros {
        self.awake(part).saturating_sub(asleep(&self.minds, part))
    }
}

/// How much of a stretch lies in others, which are in order, in µs.
fn asleep(stretches: &[Stretch], part: Stretch) -> Micros {
    let first = stretches.partition_point(|held| held.to <= part.from);
    let held = stretches.iter().skip(first).take_while(|held| held.from < part.to);
    held.filter_map(|held| held.and(part)).map(|both| both.to - both.from).sum()
}

/// A time an output was on.
#[derive(Debug, Clone)]
pub(super) struct OnTime {
    pub(super) from: Micros,
    pub(super) to: Micros,
    /// Whether it was on when all was over.
    pub(super) open: bool,
    /// The powers it had, each from a time on; the first from its rise.
    powers: Vec<(Micros, i32)>,
}

impl OnTime {
    pub(super) const fn stretch(&self) -> Stretch {
        Stretch { from: self.from, to: self.to }
    }

    pub(super) fn powers(&self) -> impl Iterator<Item = (Micros, i32)> {
        self.powers.iter().copied()
    }

    /// What it gave, in millionths of a µs at full power.
    pub(super) fn dose(&self, held: &Held) -> u128 {
        let ends = self.powers.iter().skip(1).map(|(at, _)| *at).chain([self.to]);
        let parts = self.powers.iter().zip(ends);
        parts
            .filter_map(|((from, power_ppm), to)| {
                let part = Stretch { from: *from, to }.and(self.stretch())?;
                Some(u128::from(held.awake(part)) * u128::from(power_ppm.max(&0).unsigned_abs()))
            })
            .sum()
    }
}

const FULL_POWER_PPM: i32 = 1_000_000;

/// The times an output was on, as its pin shows them.
pub(super) fn on_times(seen: &[(Micros, Seen)], output: &OutputRules, until: Micros) -> Vec<OnTime> {
    let mut times: Vec<OnTime> = Vec::new();
    let mut power = if output.max_power_ppm.is_some() { 0 } else { FULL_POWER_PPM };
    let mut on = false;
    for (at, change) in seen {
        match *change {
            Seen::Pin { pin, high } if pin == output.pin => {
                let now_on = high == output.active_high;
                if now_on && !on {
                    times.push(OnTime { from: *at, to: until, open: true, powers: vec![(*at, power)] });
                } else if !now_on
                    && on
                    && let Some(time) = times.last_mut()
                {
                    (time.to, time.open) = (*at, false);
                }
                on = now_on;
            }
            Seen::Power { pin, power_ppm } if pin == output.pin => {
                power = power_ppm;
                if on && let Some(time) = times.last_mut() {
                    time.powers.push((*at, power));
                }
            }
            _ => {}
        }
    }
    times
}
