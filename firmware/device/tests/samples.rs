//! Sampled lines on the bench: every sample is recorded with its time, detectors drive the program as an input does.

mod common;

use common::bench::*;
use common::*;
use link::limits::{MAX_DETECTORS, MAX_SAMPLED};
use link::message::{Answer, Command, Refusal, Upload};
use link::rig::{Pattern, Pull, Rig, RigLine, Role};
use link::{EndReason, LineId, Micros, Record, TripCause};

const JOYSTICK_PIN: u8 = 26;
const PERIOD_US: Micros = 1_000;

/// The bench's rig with an analog lever in place of its digital one: what the program takes for the lever is a detector.
fn joystick_rig() -> Rig {
    let mut rig = rig();
    let joystick = LineId(rig.lines.len() as u8);
    let reach = Pattern::Band { inner: (2_000, i32::MAX), outer: (1_800, i32::MAX), inside: true };
    rig.lines[usize::from(LEVER)] = RigLine::detector(joystick, reach);
    rig.lines.push(RigLine { pin: JOYSTICK_PIN, active_high: true, role: Role::Analog }).expect("there is room");
    rig
}

/// A pull every second, from 300 ms to 400 ms of it, on a line that is never quite still.
fn pulls(at: Micros, pin: u8) -> u16 {
    assert_eq!(pin, JOYSTICK_PIN, "no other pin is asked for");
    let trembles = (at / 1_000 % 7) as u16;
    if (300_000..400_000).contains(&(at % 1_000_000)) { 3_000 + trembles } else { 500 + trembles }
}

fn samples_of(lab: &Lab<'_>, line: u8) -> Vec<(Micros, i32)> {
    let blocks = lab.records.iter().filter_map(|(at, record)| match record {
        Record::Samples { line: of, block } if of.0 == line => Some((*at, *block)),
        _ => None,
    });
    blocks.flat_map(|(at, block)| sense::timed(at, &block, PERIOD_US as u32).collect::<Vec<_>>()).collect()
}

#[test]
fn every_sample_is_recorded_with_its_time() {
    lab(0, |lab| {
        lab.sensor = pulls;
        lab.load(&joystick_rig(), &protocol());
        lab.start();
        lab.wait(2_500_000);
        assert_eq!(lab.ask(Command::Stop), Answer::Done);
        lab.wait(100_000);
        let (began, ended) = (lab.records[0].0, lab.times_of(Record::End(EndReason::Stopped))[0]);
        let samples = samples_of(lab, 6);
        for (at, (n, sample)) in (1..).map(|n| began + n * PERIOD_US).zip(samples.iter().enumerate()) {
            assert_eq!(*sample, (at, i32::from(pulls(at, JOYSTICK_PIN))), "sample {n}");
        }
        let last = samples.last().expect("there are samples").0;
        assert!(last + PERIOD_US > ended && samples.len() > 2_400, "to the end of the session: {last}, {ended}");
        let bytes = lab.bytes.len() as f64 / samples.len() as f64;
        assert!(bytes < 1.4, "{bytes} bytes a sample with all other records");
    });
}

#[test]
fn a_pull_found_in_the_samples_is_a_press_to_the_program() {
    lab(0, |lab| {
        lab.sensor = pulls;
        lab.load(&joystick_rig(), &protocol());
        lab.start();
        let began = lab.now;
        lab.wait(1_000_000);
        let at_rest = |at: Micros| at.is_multiple_of(1_000_000) || pulls(at, JOYSTICK_PIN) < 1_000;
        let pressed = lab.times_of(Record::Input { line: LineId(LEVER), active: true, late_us: 0 });
        let first = pressed[0];
        assert!(
            !at_rest(first) && at_rest(first - PERIOD_US) && first > began,
            "the first sample that shows it: {first}"
        );
        let released = lab.times_of(Record::Input { line: LineId(LEVER), active: false, late_us: 0 });
        assert!(at_rest(released[0]) && !at_rest(released[0] - PERIOD_US));
        let rose = first + 1 + Micros::from(SETTLE_US);
        assert_eq!(lab.board.changes_of(WATER_PIN)[0], (rose, true), "as soon as its microsecond is closed");
        let place = |wanted: &dyn Fn(&Record) -> bool| lab.records.iter().position(|(_, record)| wanted(record));
        let edge = place(&|record| matches!(record, Record::Input { .. })).expect("it was pulled");
        assert!(
            matches!(lab.records[edge - 1], (at, Record::Samples { .. }) if at == first),
            "the samples that show it first"
        );
    });
}

#[test]
fn a_sample_that_was_missed_is_a_gap_and_a_late_one_has_its_own_time() {
    lab(0, |lab| {
        lab.sensor = pulls;
        lab.load(&joystick_rig(), &protocol());
        lab.start();
        lab.wait(100_000);
        let due = lab.core.sample_at().expect("the rig is sampled");
        // Nobody comes for 3 ms and a half; then somebody is a little late, and later very late.
        for late_us in [3_500, 100, 600] {
            lab.until(lab.core.sample_at().expect("still") - 1);
            lab.now += 1 + late_us;
            lab.wait(0);
        }
        lab.wait(100_000);
        lab.ask(Command::Stop);
        lab.wait(100_000);
        let times: Vec<Micros> = samples_of(lab, 6).iter().map(|(at, _)| *at).collect();
        let odd: Vec<Micros> = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap != PERIOD_US).collect();
        assert_eq!(
            odd,
            [4_500, 1_600, 400],
            "since {due}: the stall; 100 µs are on time; 600 are not, and the grid stays"
        );
    });
}

#[test]
fn an_encoder_counts_from_the_beginning_of_the_session() {
    lab(0, |lab| {
        let mut rig = joystick_rig();
        rig.lines[6] = RigLine { pin: 6, active_high: true, role: Role::Encoder { pin_b: 7, pull: Pull::Up } };
        lab.load(&rig, &protocol());
        let turn = |lab: &mut Lab<'_>, levels: &[(u8, bool)]| {
            for (pin, high) in levels {
                lab.touch(*pin, *high);
                lab.wait(1_500);
            }
        };
        let forth = [(6, true), (7, true), (6, false), (7, false)];
        turn(lab, &forth);
        lab.start();
        lab.wait(10_000);
        turn(lab, &forth);
        turn(lab, &[(6, true), (6, true), (6, false), (7, true), (6, true)]);
        lab.ask(Command::Stop);
        lab.wait(100_000);
        let mut counts: Vec<i32> = samples_of(lab, 6).iter().map(|(_, raw)| *raw).collect();
        counts.dedup();
        assert_eq!(counts, [0, 1, 2, 3, 4, 5, 4, 3, 2], "what was turned before the session is not of it");
    });
}

#[test]
fn an_encoder_that_turns_faster_than_it_can_be_followed_is_lost_aloud() {
    let turned = |turns: &[(u8, bool)]| {
        let mut found = (Vec::new(), Vec::new());
        lab(0, |lab| {
            let mut rig = joystick_rig();
            rig.lines[6] = RigLine { pin: 6, active_high: true, role: Role::Encoder { pin_b: 7, pull: Pull::Up } };
            lab.load(&rig, &protocol());
            lab.start();
            lab.wait(10_500);
            turns.iter().for_each(|(pin, high)| lab.touch(*pin, *high));
            lab.wait(100_000);
            lab.ask(Command::Stop);
            lab.wait(100_000);
            let mut counts: Vec<i32> = samples_of(lab, 6).iter().map(|(_, raw)| *raw).collect();
            counts.dedup();
            let lost = lab.records.iter().filter_map(|(_, record)| match record {
                Record::Lost { count } => Some(*count),
                _ => None,
            });
            found = (counts, lost.collect());
            let tripped = lab.times_of(Record::Trip(TripCause::Lost)).len();
            assert_eq!(tripped, usize::from(!found.1.is_empty()), "what is lost ends the session");
        });
        found
    };
    assert_eq!(turned(&[(6, true)]), (vec![0, 1], vec![]));
    assert_eq!(turned(&[(6, true), (6, false), (6, true)]), (vec![0, 1], vec![]), "a contact that bounces");
    for both in [[(6, true), (7, true)], [(7, true), (6, true)]] {
        assert_eq!(turned(&both).1, [1], "both pins in one microsecond: which was first?");
    }
    assert_eq!(turned(&[(6, true), (7, true), (6, false), (7, false)]).1, [3]);
}

#[test]
fn halves_that_come_in_between_change_nothing() {
    let session = |seed| {
        let mut seen = Vec::new();
        lab(seed, |lab| {
            lab.sensor = pulls;
            lab.load(&joystick_rig(), &protocol());
            lab.until(1_000_000);
            lab.start();
            lab.until(5_000_000);
            lab.ask(Command::Stop);
            lab.wait(100_000);
            seen = samples_of(lab, 6);
            seen.retain(|(at, _)| (1_200_000..4_900_000).contains(at));
        });
        seen
    };
    let calm = session(0);
    let phase = |samples: &[(Micros, i32)]| samples[0].0 % PERIOD_US;
    for seed in 1..10 {
        let seen = session(seed);
        assert_eq!(seen.len(), calm.len(), "seed {seed}: {} {}", phase(&seen), phase(&calm));
        assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 == PERIOD_US));
    }
}

#[test]
fn a_rig_that_cannot_be_sampled_is_refused() {
    let analog = |pin| RigLine { pin, active_high: true, role: Role::Analog };
    let reach = Pattern::Band { inner: (10, i32::MAX), outer: (5, i32::MAX), inside: true };
    type Spoil = fn(&mut Rig);
    let spoilt: [(&str, Spoil); 6] = [
        ("a detector on a digital line", |rig| {
            let reach = Pattern::Band { inner: (10, i32::MAX), outer: (5, i32::MAX), inside: true };
            rig.lines[0] = RigLine::detector(LineId(SPOUT), reach);
        }),
        ("a detector that could never lose what it found", |rig| {
            let stuck = Pattern::Band { inner: (10, i32::MAX), outer: (50, i32::MAX), inside: true };
            rig.lines[0] = RigLine::detector(LineId(6), stuck);
        }),
        ("a window longer than a device remembers", |rig| {
            rig.lines[0] = RigLine::detector(LineId(6), Pattern::Change { by: 5, until: 1, samples: 129 });
        }),
        ("an encoder on one pin", |rig| {
            rig.lines[6].role = Role::Encoder { pin_b: JOYSTICK_PIN, pull: Pull::Up };
        }),
        ("an encoder on the pin of another line", |rig| {
            rig.lines[6].role = Role::Encoder { pin_b: WATER_PIN, pull: Pull::Up };
        }),
        ("no period", |rig| rig.sample_us = 0),
    ];
    lab(0, |lab| {
        let refused = |lab: &mut Lab<'_>, rig: &Rig, why: &str| {
            let mut bytes = [0; 2_048];
            let rig = postcard::to_slice(rig, &mut bytes).expect("a rig takes fewer bytes");
            assert_eq!(lab.upload(Upload::Rig, rig), Answer::Refused(Refusal::BadRig), "{why}");
        };
        for (why, spoil) in spoilt {
            let mut rig = joystick_rig();
            assert!(rig.holds_together());
            spoil(&mut rig);
            refused(lab, &rig, why);
        }
        let mut many = joystick_rig();
        for pin in 40..40 + MAX_SAMPLED as u8 {
            many.lines.push(analog(pin)).expect("there is room");
        }
        refused(lab, &many, "more sampled lines than a device holds");
        let mut many = joystick_rig();
        for _ in 0..MAX_DETECTORS {
            many.lines.push(RigLine::detector(LineId(6), reach)).expect("there is room");
        }
        refused(lab, &many, "more detectors than a device holds");
    });
}
