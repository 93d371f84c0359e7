//! What counted outputs may still do: how long each was on within its window, when it went off last, and what is left of its
//! totals. Owns that arithmetic; knows no pin, and tells nobody: the guard asks before a line goes on, and says when it went.
//!
//! Nothing is ever undercounted. A time on counts in the part of the window in which it ended, and until all of that part
//! has left the window; what a request asks for counts by its densest window, and a level as if it stayed on for `max_on`.

use link::limits::{MAX_COUNTED, MAX_LINES};
use link::pwm::FULL_POWER_PPM;
use link::record::Train;
use link::rig::{DUTY_PARTS, Duty, Limits, NO_LIMIT, NO_PIN, Total};
use link::{Micros, Verdict};

use crate::deadlines::bit;

/// Parts of a window that are remembered: the running one, and as many as lie within the window before it.
const PARTS: usize = DUTY_PARTS as usize + 1;
/// No place holds the count of this line.
const NOWHERE: u8 = u8::MAX;
/// Full power as a weight; see [`weight`].
const FULL_WEIGHT: u32 = 1 << WEIGHT_BITS;
const WEIGHT_BITS: u32 = 16;

/// What a line is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// When it is asked, and whether the line is on then.
    pub(super) now: Micros,
    pub(super) on: bool,
    /// Its pulses, those that touch joined. A level is one that lasts for as long as it may.
    pub(super) train: Train,
    /// At which power.
    pub(super) power_ppm: u32,
}

/// The counts of all lines that are counted.
#[derive(Debug)]
pub(super) struct Quotas {
    place_of_line: [u8; MAX_LINES],
    places: [Quota; MAX_COUNTED],
    /// The places that belong to a line of this rig.
    taken: u32,
}

/// The count of one line.
#[derive(Debug, Clone, Copy)]
struct Quota {
    /// It is the pin that was on, whatever line it was then: another rig does not make its past undone.
    pin: u8,
    min_off_us: u32,
    /// A window of 0 µs is none.
    duty: Duty,
    /// What is left of its totals, since the rig was taken up.
    left: Total,
    /// The power of what runs.
    weight: u32,
    /// What was on since then is not counted yet; of no meaning while it is off.
    on_since: Micros,
    /// When it went off last; 0 if it never was on.
    off_since: Micros,
    parts: [u32; PARTS],
    /// The part that runs, and when it ends.
    part: u8,
    part_ends: Micros,
}

impl Quota {
    const NONE: Self = Self {
        pin: NO_PIN,
        min_off_us: 0,
        duty: Duty { window_us: 0, on_us: 0 },
        left: Total::NONE,
        weight: FULL_WEIGHT,
        on_since: 0,
        off_since: 0,
        parts: [0; PARTS],
        part: 0,
        part_ends: 0,
    };

    /// Goes on to the part of the window that runs at `now`.
    fn roll(&mut self, now: Micros) {
        let part_us = Micros::from(self.duty.window_us.div_ceil(DUTY_PARTS));
        // After so many, nothing of before is left.
        for _ in 0..PARTS {
            if now < self.part_ends {
                return;
            }
            self.part = if usize::from(self.part) + 1 == PARTS { 0 } else { self.part + 1 };
            if let Some(part) = self.parts.get_mut(usize::from(self.part)) {
                *part = 0;
            }
            self.part_ends = self.part_ends.saturating_add(part_us);
        }
        self.part_ends = self.part_ends.max(now.saturating_add(part_us));
    }

    /// Counts what was on up to `now`.
    fn count(&mut self, now: Micros) {
        let on_us = micros(now.saturating_sub(self.on_since));
        self.on_since = now;
        spend(&mut self.left.on_us, on_us);
        spend(&mut self.left.dose_us, weighted(on_us, self.weight));
        if self.duty.window_us != 0 {
            self.roll(now);
            if let Some(part) = self.parts.get_mut(usize::from(self.part)) {
                *part = part.saturating_add(on_us);
            }
        }
    }

    #[inline(always)]
    fn refusal(&mut self, asked: &Asked) -> Option<Verdict> {
        let Asked { now, on, train, power_ppm } = asked;
        let (width, delay) = (train.width_us, Micros::from(train.delay_us));
        // One that is on already stays on, unless its train is to begin later.
        let goes_on = !*on || train.delay_us != 0;
        let rises = if goes_on { train.count } else { train.count.saturating_sub(1) };
        let last_off = if *on { *now } else { self.off_since };
        let was_on = *on || last_off != 0;
        let rests_until = last_off.saturating_add(Micros::from(self.min_off_us));
        let too_soon = goes_on && was_on && now.saturating_add(delay) < rests_until;
        if too_soon || train.least_gap_us() < self.min_off_us {
            return Some(Verdict::TooSoon);
        }
        let running_us = if *on { micros(now.saturating_sub(self.on_since)) } else { 0 };
        let on_us = width.saturating_mul(train.count);
        let dose_us = weighted(running_us, self.weight)
            .saturating_add(weighted(on_us, weight(*power_ppm)))
            .saturating_add(self.left.pulse_dose_us.saturating_mul(rises));
        if exceeds(rises, self.left.pulses)
            || exceeds(running_us.saturating_add(on_us), self.left.on_us)
            || exceeds(dose_us, self.left.dose_us)
        {
            return Some(Verdict::OverTotal);
        }
        if self.duty.window_us != 0 {
            self.roll(*now);
            let recent = self.parts.iter().fold(running_us, |sum, part| sum.saturating_add(*part));
            let soon = train.most_on_within_us(self.duty.window_us);
            return (recent.saturating_add(soon) > self.duty.on_us).then_some(Verdict::OverDuty);
        }
        None
    }
}

/// A power as a weight of 16 binary places, never too light.
const fn weight(power_ppm: u32) -> u32 {
    // 4295 / 2^16 is a little more than 2^16 / 10^6.
    let weight = ((power_ppm as u64 * 4_295) + 0xFFFF) >> 16;
    if weight >= FULL_WEIGHT as u64 || power_ppm >= FULL_POWER_PPM as u32 { FULL_WEIGHT } else { weight as u32 }
}

/// A time on at a weight, rounded up.
fn weighted(on_us: u32, weight: u32) -> u32 {
    if weight == FULL_WEIGHT {
        return on_us;
    }
    ((u64::from(on_us) * u64::from(weight) + u64::from(FULL_WEIGHT - 1)) >> WEIGHT_BITS) as u32
}

fn micros(distance: Micros) -> u32 {
    u32::try_from(distance).unwrap_or(u32::MAX)
}

/// Whether so much is more than is left.
const fn exceeds(asked: u32, left: u32) -> bool {
    left != NO_LIMIT && asked > left
}

fn spend(left: &mut u32, spent: u32) {
    if *left != NO_LIMIT {
        *left = left.saturating_sub(spent);
    }
}

impl Quotas {
    pub(super) const fn new() -> Self {
        Self { place_of_line: [NOWHERE; MAX_LINES], places: [Quota::NONE; MAX_COUNTED], taken: 0 }
    }

    /// Forgets the rig, but not when its pins were on.
    pub(super) fn clear(&mut self) {
        self.place_of_line.fill(NOWHERE);
        self.taken = 0;
    }

    /// Counts a line from now on: true if it is one that is counted.
    pub(super) fn add(&mut self, n: usize, pin: u8, limits: &Limits) -> bool {
        if !limits.is_counted() {
            return false;
        }
        // Where the pin was counted before; else where none was; else in place of one that this rig does not have.
        let (mut place, mut fit) = (NOWHERE, 0);
        for (candidate, quota) in (0..).zip(&self.places) {
            let fits = match quota.pin {
                _ if self.taken & bit(usize::from(candidate)) != 0 => 0,
                before if before == pin => 3,
                NO_PIN => 2,
                _ => 1,
            };
            if fits > fit {
                (place, fit) = (candidate, fits);
            }
        }
        let (Some(quota), Some(slot)) = (self.places.get_mut(usize::from(place)), self.place_of_line.get_mut(n)) else {
            // No rig with so many is taken up.
            return false;
        };
        let duty = limits.duty.unwrap_or(Duty { window_us: 0, on_us: 0 });
        if quota.pin != pin {
            quota.off_since = 0;
        }
        if quota.pin != pin || quota.duty.window_us != duty.window_us {
            (quota.parts, quota.part_ends) = ([0; PARTS], 0);
        }
        (quota.pin, quota.min_off_us, quota.duty, quota.left) = (pin, limits.min_off_us, duty, limits.total);
        quota.weight = FULL_WEIGHT;
        *slot = place;
        self.taken |= bit(usize::from(place));
        true
    }

    fn of(&mut self, n: usize) -> Option<&mut Quota> {
        let place = *self.place_of_line.get(n)?;
        self.places.get_mut(usize::from(place))
    }

    /// How long a line must be off between two times on, in µs.
    pub(super) fn min_off_us(&mut self, n: usize) -> u32 {
        self.of(n).map_or(0, |quota| quota.min_off_us)
    }

    /// Why a line may not do what it is asked to.
    // Made where it is called, in the guard that a body makes for itself: that is built for size.
    #[inline(always)]
    pub(super) fn refusal(&mut self, n: usize, asked: &Asked) -> Option<Verdict> {
        let quota = self.of(n)?;
        let refusal = quota.refusal(asked);
        if refusal.is_none() {
            if asked.on {
                // What ran until now had another power.
                quota.count(asked.now);
            }
            quota.weight = weight(asked.power_ppm);
        }
        refusal
    }

    /// A line that is off has another power when it is on again.
    pub(super) fn reweigh(&mut self, n: usize, power_ppm: u32) {
        if let Some(quota) = self.of(n) {
            quota.weight = weight(power_ppm);
        }
    }

    /// A line went on or off.
    #[inline(never)]
    pub(super) fn turned(&mut self, n: usize, on: bool, now: Micros) {
        let Some(quota) = self.of(n) else { return };
        if on {
            quota.on_since = now;
            spend(&mut quota.left.pulses, 1);
            spend(&mut quota.left.dose_us, quota.left.pulse_dose_us);
        } else {
            quota.count(now);
            quota.off_since = now;
        }
    }
}
