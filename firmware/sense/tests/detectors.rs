//! What a detector finds in samples drawn by hand, as whoever watches the lever would tell it.
#![allow(clippy::unwrap_used)]

use link::rig::{Pattern, Pull, RigLine, Role};
use link::{LineId, Micros};
use proptest::prelude::*;
use sense::Detectors;

const LEVER: LineId = LineId(0);
const FOUND: LineId = LineId(1);
const PERIOD_US: Micros = 1_000;

fn looking_for(looks_for: Pattern) -> Detectors {
    let mut detectors = Detectors::new();
    assert!(detectors.add(LEVER, &RigLine { pin: 26, active_high: true, role: Role::Analog }));
    assert!(detectors.add(FOUND, &RigLine::detector(LEVER, looks_for)));
    detectors.begin();
    detectors
}

/// The samples at which the detector found (+) or lost (−) what it looks for, counted from 1.
fn found(detectors: &mut Detectors, raws: &[i32]) -> Vec<i64> {
    let mut edges = Vec::new();
    for (n, raw) in (1..).zip(raws) {
        detectors.sampled(n as Micros * PERIOD_US, LEVER, *raw, |line, active| {
            assert_eq!(line, FOUND);
            edges.push(if active { n } else { -n });
        });
    }
    edges
}

fn reach(on: i32, off: i32) -> Pattern {
    Pattern::Band { inner: (on, i32::MAX), outer: (off, i32::MAX), inside: true }
}

#[test]
fn a_pull_that_trembles_at_the_threshold_is_one_pull() {
    let mut pull = looking_for(reach(1_500, 1_400));
    assert_eq!(found(&mut pull, &[100, 1_499, 1_500, 1_450, 1_510, 1_401, 1_400, 1_399, 1_499, 1_500]), [3, -8, 10]);
}

#[test]
fn a_lever_already_pulled_is_found_with_the_first_sample() {
    assert_eq!(found(&mut looking_for(reach(1_500, 1_400)), &[2_000, 2_000, 0]), [1, -3]);
}

#[test]
fn below_a_threshold_is_the_same_from_the_other_side() {
    let below = Pattern::Band { inner: (i32::MIN, 200), outer: (i32::MIN, 260), inside: true };
    assert_eq!(found(&mut looking_for(below), &[300, 201, 200, 259, 260, 261, 200]), [3, -6, 7]);
}

#[test]
fn a_band_is_entered_at_one_bound_and_left_at_a_wider_one() {
    let inside = Pattern::Band { inner: (100, 200), outer: (90, 210), inside: true };
    assert_eq!(found(&mut looking_for(inside), &[0, 95, 100, 91, 210, 211, 205, 200, 0]), [3, -6, 8, -9]);
    let outside = Pattern::Band { inner: (110, 190), outer: (100, 200), inside: false };
    assert_eq!(found(&mut looking_for(outside), &[150, 200, 201, 195, 190, 99, 105, 110]), [3, -5, 6, -8]);
    assert_eq!(found(&mut looking_for(outside), &[105, 99]), [2], "what the first sample leaves open is not found");
}

#[test]
fn still_is_to_stay_near_where_one_came_to_rest() {
    let mut still = looking_for(Pattern::Still { within: 5, for_us: 3_000 });
    let samples = [50, 100, 105, 95, 100, 99, 106, 106, 106, 101, 111, 117];
    // Rest at 100 from sample 2: 3 ms later, at sample 5, it is still. 106 is too far and a new rest, at sample 7.
    assert_eq!(found(&mut still, &samples), [5, -7, 10, -12]);
}

#[test]
fn a_slow_drift_is_no_stillness() {
    let drift: Vec<i32> = (0..100).map(|n| n * 3).collect();
    assert_eq!(found(&mut looking_for(Pattern::Still { within: 5, for_us: 3_000 }), &drift), []);
}

#[test]
fn an_onset_is_a_change_within_its_window_and_no_slow_one() {
    let onset = Pattern::Change { by: 30, until: 10, samples: 3 };
    let slow: Vec<i32> = (0..50).map(|n| n * 9).collect();
    assert_eq!(found(&mut looking_for(onset), &slow), [], "27 in three samples");
    let fast = [0, 0, 0, 0, 10, 20, 30, 40, 45, 48, 50, 50, 50];
    assert_eq!(found(&mut looking_for(onset), &fast), [7, -11], "30 more than three before; at last only 10");
    let back = [50, 50, 50, 20, 20, 20, 20];
    assert_eq!(found(&mut looking_for(onset), &back), [4, -7], "to either side");
    assert_eq!(found(&mut looking_for(onset), &[0, 90, 90]), [], "there is nothing yet to compare with");
}

#[test]
fn a_session_begins_with_nothing_found_and_nothing_remembered() {
    let mut pull = looking_for(reach(1_500, 1_400));
    assert_eq!(found(&mut pull, &[2_000]), [1]);
    pull.begin();
    assert_eq!(found(&mut pull, &[2_000, 1_000]), [1, -2]);
    let mut onset = looking_for(Pattern::Change { by: 30, until: 10, samples: 1 });
    assert_eq!(found(&mut onset, &[0]), []);
    onset.begin();
    assert_eq!(found(&mut onset, &[500]), []);
}

#[test]
fn the_longest_window_looks_back_over_all_of_it() {
    let mut raws = vec![0; 128];
    raws.extend([7; 200]);
    assert_eq!(found(&mut looking_for(Pattern::Change { by: 7, until: 0, samples: 128 }), &raws), [129, -257]);
}

#[test]
fn detectors_of_one_line_tell_in_their_order_and_those_of_another_stay_silent() {
    let mut detectors = Detectors::new();
    let encoder = RigLine { pin: 6, active_high: true, role: Role::Encoder { pin_b: 7, pull: Pull::Up } };
    assert!(detectors.add(LEVER, &RigLine { pin: 26, active_high: true, role: Role::Analog }));
    assert!(detectors.add(LineId(1), &encoder));
    for (line, source) in [(2, LEVER), (3, LineId(1)), (4, LEVER)] {
        assert!(detectors.add(LineId(line), &RigLine::detector(source, reach(10, 5))));
    }
    detectors.begin();
    let mut told = Vec::new();
    detectors.sampled(1_000, LEVER, 50, |line, active| told.push((line.0, active)));
    detectors.sampled(1_000, LineId(1), 3, |line, active| told.push((line.0, active)));
    assert_eq!(told, [(2, true), (4, true)]);
}

proptest! {
    /// Whatever is sampled: edges alternate, and a sound pattern that is found can be lost.
    #[test]
    fn edges_alternate(raws in prop::collection::vec(0..200_i32, 1..400), samples in 1..128_u16, margin in 0..50) {
        for looks_for in [
            reach(100, 100 - margin),
            Pattern::Still { within: margin, for_us: u32::from(samples) * 100 },
            Pattern::Change { by: 1 + margin, until: margin / 2, samples },
        ] {
            prop_assert!(looks_for.is_sound());
            let edges = found(&mut looking_for(looks_for), &raws);
            for (n, edge) in edges.iter().enumerate() {
                prop_assert_eq!(*edge > 0, n % 2 == 0);
            }
        }
    }
}
