//! Whatever animals, operators, cables and interruptions do to a session: someone who sees only the pins and the records
//! finds every rule of the interlock kept.

mod common;

use common::bench::*;
use common::*;
use link::message::{Command, State};
use link::{EventId, LineId, Micros, Record};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Act {
    Wait(u32),
    Press,
    Lick,
    Key,
    Arm,
    Disarm,
    PullTheCable,
    PlugItIn,
    Abort,
    StickLaser,
    HoldUp(u32),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..400_000_u32).prop_map(Act::Wait),
        2 => (0..8_000_000_u32).prop_map(Act::Wait),
        8 => Just(Act::Press),
        3 => Just(Act::Lick),
        2 => Just(Act::Key),
        4 => Just(Act::Arm),
        1 => Just(Act::Disarm),
        2 => Just(Act::PullTheCable),
        3 => Just(Act::PlugItIn),
        1 => prop_oneof![9 => Just(Act::Lick), 1 => Just(Act::Abort)],
        1 => prop_oneof![9 => Just(Act::Lick), 1 => Just(Act::StickLaser)],
        1 => (0..300_u32).prop_map(Act::HoldUp),
    ]
}

fn play(lab: &mut Lab<'_>, act: &Act) {
    let plugged = lab.link_up;
    match act {
        Act::Wait(us) => lab.wait(u64::from(*us)),
        Act::Press => {
            lab.press();
        }
        Act::Lick => {
            lab.touch(SPOUT_PIN, true);
            lab.wait(700);
            lab.touch(SPOUT_PIN, false);
        }
        Act::Key if plugged => {
            lab.ask(Command::Event(EventId::named(0)));
        }
        Act::Arm if plugged => {
            lab.ask(Command::Arm { lines: LineId(LASER).bit() });
        }
        Act::Disarm if plugged => {
            lab.ask(Command::Disarm { lines: u32::MAX });
        }
        Act::Abort if plugged => {
            lab.ask(Command::Abort);
        }
        Act::Key | Act::Arm | Act::Disarm | Act::Abort => {}
        Act::PullTheCable => lab.link_up = false,
        Act::PlugItIn => lab.link_up = true,
        Act::StickLaser => lab.board.stick(LASER_PIN, Some(true)),
        // Nothing runs for a moment; what is late must not become too long.
        Act::HoldUp(us) => lab.now += u64::from(*us),
    }
}

/// The stretches during which the laser was armed, as the records tell.
fn armed_stretches(lab: &Lab<'_>) -> Vec<(Micros, Micros)> {
    let (mut stretches, mut since) = (Vec::new(), None);
    for (at, record) in &lab.records {
        match record {
            Record::Armed { .. } => since = since.or(Some(*at)),
            Record::Disarmed { .. } => stretches.extend(since.take().map(|since| (since, *at))),
            _ => {}
        }
    }
    assert_eq!(since, None, "the end of a session disarms");
    stretches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(assembler::random::cases(150) as u32))]

    #[test]
    fn no_session_gets_past_the_interlock(seed in 0..1_000_u64, acts in prop::collection::vec(act(), 1..40)) {
        lab(seed, |lab| {
            lab.load(&rig(), &protocol());
            lab.start();
            let mut held_up = 0;
            for act in &acts {
                play(lab, act);
                if let Act::HoldUp(us) = act {
                    held_up = held_up.max(u64::from(*us));
                }
            }
            lab.link_up = true;
            lab.ask(Command::Stop);
            lab.wait(1_000_000);

            assert_eq!(lab.outer.state(), State::Over);
            let ends = lab.records.iter().filter(|(_, record)| matches!(record, Record::End(_))).count();
            assert_eq!(ends, 1, "the stream has one end");
            assert!(lab.all_off() || lab.board.is_high(LASER_PIN), "all off but what is stuck");
            let armed = armed_stretches(lab);
            let lines = [
                (WATER, WATER_PIN, WATER_MAX_ON_US.into()),
                (MASK, MASK_PIN, 60_000_000),
                (LASER, LASER_PIN, 5_000_000),
            ];
            for (line, pin, max_on) in lines {
                let told: Vec<_> = lab
                    .records
                    .iter()
                    .filter_map(|(at, record)| match record {
                        Record::Edge { line: of, on } if of.0 == line => Some((*at, *on)),
                        _ => None,
                    })
                    .collect();
                let changes = lab.board.changes_of(pin);
                assert_eq!(told, changes, "every change of line {line} is told, with its time");
                assert!(changes.iter().enumerate().all(|(n, (_, on))| *on == (n % 2 == 0)));
                for pulse in changes.chunks(2) {
                    let [(rise, _), (fall, _)] = pulse else { panic!("line {line} is still on: {pulse:?}") };
                    assert!(fall - rise <= max_on + held_up, "line {line} was on from {rise} to {fall}");
                    let covered = armed.iter().any(|(from, to)| from <= rise && fall <= to);
                    assert!(line != LASER || covered, "laser from {rise} to {fall}, armed {armed:?}");
                }
            }
        });
    }
}
