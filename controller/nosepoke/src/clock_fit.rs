//! How the device's clock and the computer's are related, from what every answer of the device says: its clock stood at
//! so much between the sending of a frame and the arrival of its answer. Owns the fit and how sure it is; reads no clock.
//!
//! Each answer is a bound and not a guess: whatever the cable did, the truth lies within it. A straight line through all
//! bounds of the last minutes exists as long as the clocks run evenly; of all such lines the ones that lie furthest up and
//! down where we look tell how far off the middle can be at most. Where a clock changed its pace (crystals do with warmth)
//! no line is left, and the older half is forgotten.

use std::collections::VecDeque;

use link::Micros;

/// One answer is kept of so much time, the one with the shortest round trip, in µs.
const SPAN_US: u64 = 2_000_000;
/// Answers kept: with [`SPAN_US`] about two minutes, within which a crystal runs evenly.
const KEPT: usize = 64;
/// How much two clocks may differ in pace, as a fraction. Crystals keep within 100 ppm, the ring oscillator of a chip
/// without a crystal does not.
const PACE_MAX: f64 = 1e-3;
/// Steps of a search over the pace. Each halves, or takes a third off, what is left: 1e-3 becomes less than 1e-12.
const STEPS: u32 = 60;

/// How the clocks are related at one time of the device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// The device's time, in µs since its boot.
    pub device_us: Micros,
    /// The host's time then, in µs on the clock the answers were stamped with; may lie before its zero.
    pub host_us: i64,
    /// The host's time lies at most so far from `host_us`, in µs, if both clocks run evenly.
    pub uncertainty_us: u32,
    /// How much faster the device's clock runs, in parts per 10⁹.
    pub drift_ppb: i64,
    /// The true drift lies at most so far from `drift_ppb`.
    pub drift_uncertainty_ppb: u32,
}

/// At `device_us` on the device's clock the host's stood between `earliest` and `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    device_us: Micros,
    earliest: Micros,
    latest: Micros,
}

impl Bound {
    const fn width(self) -> u64 {
        self.latest.saturating_sub(self.earliest)
    }
}

/// A running fit.
#[derive(Debug, Clone, Default)]
pub struct ClockFit {
    bounds: VecDeque<Bound>,
}

impl ClockFit {
    /// A fit that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { bounds: VecDeque::new() }
    }

    /// Forgets all: another device, or the same after a reset.
    pub fn clear(&mut self) {
        self.bounds.clear();
    }

    /// Takes in an answer: asked at `asked_at`, heard at `heard_at`, both on the host's clock, while the device's stood
    /// at `device_us` in between.
    pub fn observe(&mut self, asked_at: Micros, heard_at: Micros, device_us: Micros) {
        let bound = Bound { device_us, earliest: asked_at, latest: heard_at };
        if heard_at < asked_at || self.bounds.back().is_some_and(|last| device_us < last.device_us) {
            return;
        }
        match self.bounds.back_mut() {
            Some(last) if device_us / SPAN_US == last.device_us / SPAN_US => {
                if bound.width() < last.width() {
                    *last = bound;
                }
            }
            _ => {
                if self.bounds.len() == KEPT {
                    self.bounds.pop_front();
                }
                self.bounds.push_back(bound);
            }
        }
    }

    /// The relation at the last answer kept; none before the first. Forgets what the clocks no longer agree with.
    pub fn relation(&mut self) -> Option<Relation> {
        loop {
            if let Some(relation) = lines_through(self.bounds.make_contiguous()) {
                return Some(relation);
            }
            if self.bounds.len() < 2 {
                return None;
            }
            self.bounds.drain(..self.bounds.len().div_ceil(2));
        }
    }
}

/// The middle of all lines that pass through every bound, seen at the last of them; none if there is no such line.
///
/// A line is its height above the last bound's earliest and its pace: host µs per device µs, less one.
fn lines_through(bounds: &[Bound]) -> Option<Relation> {
    let here = *bounds.last()?;
    // Seen from the last bound, so that numbers stay small enough for 53 bits.
    let seen = |bound: &Bound, host: Micros| {
        let (dx, dy) = (here.device_us - bound.device_us, here.earliest.wrapping_sub(host).cast_signed());
        (-(dx as f64), dx as f64 - dy as f64)
    };
    let (low, high): (Vec<_>, Vec<_>) =
        bounds.iter().map(|bound| (seen(bound, bound.earliest), seen(bound, bound.latest))).unzip();
    // With this pace the line's height here lies between floor and ceiling. The ceiling is concave in the pace, the
    // floor convex.
    let height = |&(x, excess): &(f64, f64), pace: f64| excess - pace * x;
    let floor = |pace: f64| low.iter().map(|point| height(point, pace)).fold(f64::NEG_INFINITY, f64::max);
    let ceiling = |pace: f64| high.iter().map(|point| height(point, pace)).fold(f64::INFINITY, f64::min);
    let room = |pace: f64| ceiling(pace) - floor(pace);

    let widest = top(-PACE_MAX, PACE_MAX, room);
    if room(widest) < 0.0 {
        return None;
    }
    let slowest = edge(widest, -PACE_MAX, room);
    let fastest = edge(widest, PACE_MAX, room);
    let highest = ceiling(top(slowest, fastest, ceiling));
    let lowest = floor(top(slowest, fastest, |pace| -floor(pace)));

    let middle = f64::midpoint(highest, lowest);
    // The device is fast where the host has fewer µs for each of its own.
    let ppb = |pace: f64| (1.0 / (1.0 + pace) - 1.0) * 1e9;
    Some(Relation {
        device_us: here.device_us,
        host_us: here.earliest.cast_signed().saturating_add(middle.round() as i64),
        uncertainty_us: ((highest - lowest) / 2.0).ceil() as u32,
        drift_ppb: ppb(f64::midpoint(slowest, fastest)).round() as i64,
        drift_uncertainty_ppb: ((fastest - slowest) / 2.0 * 1e9).ceil() as u32,
    })
}

/// Where a concave function is highest between two places.
fn top(mut left: f64, mut right: f64, of: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..STEPS {
        let (one, two) = (left + (right - left) / 3.0, right - (right - left) / 3.0);
        if of(one) < of(two) {
            left = one;
        } else {
            right = two;
        }
    }
    f64::midpoint(left, right)
}

/// The last place from `inside` towards `outside` where there is room.
fn edge(inside: f64, outside: f64, room: impl Fn(f64) -> f64) -> f64 {
    let (mut inside, mut outside) = (inside, outside);
    if room(outside) >= 0.0 {
        return outside;
    }
    for _ in 0..STEPS {
        let between = f64::midpoint(inside, outside);
        if room(between) >= 0.0 {
            inside = between;
        } else {
            outside = between;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that runs so much faster than the host's and began when the host's stood at `began`.
    struct Device {
        began: f64,
        ppm: f64,
    }

    impl Device {
        fn at(&self, host: f64) -> f64 {
            (host - self.began) * (1.0 + self.ppm / 1e6)
        }

        fn host_at(&self, device: Micros) -> f64 {
            self.began + device as f64 / (1.0 + self.ppm / 1e6)
        }
    }

    /// Delays of a USB cable: a base, and now and then much more.
    struct Cable(u64);

    impl Cable {
        fn delay(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (thrown, rare) = ((self.0 >> 33) % 1_000, (self.0 >> 50).is_multiple_of(10));
            120.0 + thrown as f64 + if rare { 20_000.0 } else { 0.0 }
        }
    }

    /// Answers 20 times a second from one host time to another.
    fn talk(fit: &mut ClockFit, device: &Device, cable: &mut Cable, from_s: u64, to_s: u64) {
        for beat in from_s * 20..to_s * 20 {
            let asked = beat as f64 * 50_000.0;
            let answered = asked + cable.delay();
            let heard = answered + cable.delay();
            fit.observe(asked as Micros, heard.ceil() as Micros, device.at(answered) as Micros);
        }
    }

    #[track_caller]
    fn is_true(relation: Relation, device: &Device) {
        let off = (relation.host_us as f64 - device.host_at(relation.device_us)).abs();
        assert!(off <= f64::from(relation.uncertainty_us) + 1.0, "{off} µs off: {relation:?}");
        let drift_off = (relation.drift_ppb as f64 - device.ppm * 1e3).abs();
        assert!(drift_off <= f64::from(relation.drift_uncertainty_ppb) + 1.0, "{drift_off} ppb off: {relation:?}");
    }

    #[test]
    fn drift_and_offset_are_found_within_what_is_stated_whatever_the_cable_does() {
        for (seed, ppm) in [(1, 43.0), (2, -87.5), (3, 0.0), (4, 99.0)] {
            let (mut fit, device, mut cable) = (ClockFit::new(), Device { began: -7.5e9, ppm }, Cable(seed));
            for to_s in [1, 10, 60, 300] {
                talk(&mut fit, &device, &mut cable, to_s / 6, to_s);
                is_true(fit.relation().expect("a relation"), &device);
            }
            let relation = fit.relation().expect("a relation");
            assert!(relation.uncertainty_us < 250, "half of the shortest round trip is 120: {relation:?}");
            assert!(relation.drift_uncertainty_ppb < 6_000, "{relation:?}");
        }
    }

    #[test]
    fn one_answer_alone_says_as_much_as_its_round_trip() {
        let mut fit = ClockFit::new();
        assert_eq!(fit.relation(), None);
        fit.observe(1_000, 1_600, 50);
        let relation = fit.relation().expect("a relation");
        assert_eq!((relation.device_us, relation.host_us, relation.uncertainty_us), (50, 1_300, 300));
    }

    #[test]
    fn a_clock_that_changed_its_pace_is_believed_again_after_a_while() {
        let (mut fit, mut cable) = (ClockFit::new(), Cable(9));
        talk(&mut fit, &Device { began: 0.0, ppm: 20.0 }, &mut cable, 0, 100);
        // Warmer from 100 s on: the same reading then, another pace.
        let warm = Device { began: 1e8 - 1e8 * (1.0 + 20e-6) / (1.0 - 400e-6), ppm: -400.0 };
        talk(&mut fit, &warm, &mut cable, 100, 230);
        is_true(fit.relation().expect("a relation"), &warm);
    }

    #[test]
    fn an_answer_from_before_a_reset_does_not_count_after_it() {
        let (mut fit, mut cable) = (ClockFit::new(), Cable(5));
        talk(&mut fit, &Device { began: 0.0, ppm: 5.0 }, &mut cable, 0, 30);
        fit.clear();
        let again = Device { began: 3e7, ppm: 5.0 };
        talk(&mut fit, &again, &mut cable, 31, 60);
        is_true(fit.relation().expect("a relation"), &again);
    }
}
