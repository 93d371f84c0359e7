//! Arbitrary programs on arbitrary rigs, with whatever a person, an animal, a controller and a cable may do, and halves that
//! come late: a monitor that sees only the pins finds every limit kept, nothing panics, and every session's stream is whole.
//!
//! A seed is a life: a rig, a program, some sessions. `NOSEPOKE_SEED=n` lives one alone and tells what happened in it.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test fails by panicking, and nobody else uses it")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../../tests/harness/monitor/mod.rs"]
#[allow(dead_code, unused_imports)]
mod monitor;
mod play;
mod rigs;
mod tally;
mod witness;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use assembler::noise;
use assembler::random::{Dice, cases};
use common::bench::Change;
use common::{Lab, lab};
use link::rig::{Guards, Role};
use link::{LineId, Record, TripCause};
use monitor::{Outside, Rules, judge};
use play::Player;
use rigs::Stage;
use tally::Tally;
use witness::Witness;

/// Lives in `tests/run`.
const LIVES: u64 = 200;
/// Sessions in one life at most.
const SESSIONS: u64 = 3;
/// From so many lives on, everything that can happen does.
const ALL_SEEN: u64 = 100 * LIVES;

/// Lives the life of a seed.
fn live(seed: u64, tells: bool) -> Tally {
    let mut dice = Dice::new(seed ^ 0x1EAF);
    let stage = Stage::new(seed, &mut dice);
    let mut tally = Tally::default();
    let interrupted = if dice.percent(50) { seed + 1 } else { 0 };
    lab(interrupted, |lab| {
        lab.sensor = |now, pin| (now / 3 + u64::from(pin) * 311) as u16 % 4_096;
        let noise = noise::Dice::new(seed);
        let mut player = Player { stage: &stage, dice, noise, witness: Witness::default(), blind: false };
        for contact in &stage.inputs {
            // A key is turned at first.
            let key = stage.guards.iter().any(|(guards, of)| *guards == Guards::Arming && of.pin == contact.pin);
            lab.board.put(contact.pin, contact.active_high == key);
            player.witness.touched(0, contact.pin, contact.active_high == key);
        }
        for (_, follower) in &stage.senses {
            lab.board.put(follower.pin, !follower.active_high);
            player.witness.touched(0, follower.pin, !follower.active_high);
        }
        lab.load_image(&stage.rig, &stage.image);
        for number in 1..=player.dice.from(1, SESSIONS + 1) as u32 {
            let (records, changes) = (lab.records.len(), lab.board.changes.borrow().len());
            if player.session(lab, number) {
                stream_is_whole(lab, &stage, records, changes);
                tally.sessions += 1;
            } else {
                // It had tripped before: whoever sets the rig up anew has looked after it.
                lab.load_image(&stage.rig, &stage.image);
                player.witness.act(lab.now, Outside::Reset);
                player.witness.act(lab.now, Outside::Disarmed(u32::MAX));
            }
        }
        let history = player.witness.history(lab, &stage.rig);
        let violations = judge(&Rules::of(&stage.rig), &history);
        // What P0 answers by itself is what the program asks for then; and nobody here lets P2 starve.
        let broken = lab
            .records
            .iter()
            .find(|(_, record)| matches!(record, Record::Trip(TripCause::Contradiction(_) | TripCause::Starved)));
        if tells || !violations.is_empty() || broken.is_some() {
            tell(lab, &stage, &history);
        }
        assert_eq!(broken, None);
        assert!(violations.is_empty(), "{} limits not kept: {}", violations.len(), violations[0]);
        assert_eq!(lab.unknown, [], "no record is lost");
        tally.steps = lab.polls;
        tally.count(lab.records.iter().map(|(_, record)| record));
    });
    tally
}

/// A session's records begin and end as they must, and every change of a pin is told with its time.
fn stream_is_whole(lab: &Lab<'_>, stage: &Stage, records: usize, changes: usize) {
    let records = &lab.records[records..];
    assert!(matches!(records.first(), Some((_, Record::Start { .. }))), "{:?}", records.first());
    let ends = records.iter().filter(|(_, record)| matches!(record, Record::End(_))).count();
    assert_eq!(ends, 1, "the stream has one end");
    if records.iter().any(|(_, record)| matches!(record, Record::Lost { .. })) {
        return;
    }
    let changes = lab.board.changes.borrow()[changes..].to_vec();
    for (place, line) in stage.rig.lines.iter().enumerate() {
        if line.role.output().is_none() || matches!(line.role, Role::Output { speaker: true, .. }) {
            continue;
        }
        let told = records.iter().filter_map(|(at, record)| match record {
            Record::Edge { line: of, on } if *of == LineId(place as u8) => {
                Some((*at, line.pin, *on == line.active_high))
            }
            _ => None,
        });
        let told: Vec<Change> = told.collect();
        let found: Vec<Change> = changes.iter().copied().filter(|(_, pin, _)| *pin == line.pin).collect();
        assert_eq!(told, found, "every change of line {place} is told, with its time");
    }
}

/// Writes down a life, for whoever looks for what went wrong in it.
fn tell(lab: &Lab<'_>, stage: &Stage, history: &monitor::History) {
    for (place, line) in stage.rig.lines.iter().enumerate() {
        println!("line {place}: {line:?}");
    }
    let mut told: Vec<(u64, String)> = Vec::new();
    told.extend(history.seen.iter().map(|(at, seen)| (*at, format!("  {seen:?}"))));
    told.extend(history.outside.iter().map(|(at, act)| (*at, format!("    {act:?}"))));
    told.extend(history.held.stretches.iter().map(|held| (held.from, format!("    held up until {}", held.to))));
    told.extend(lab.frames.iter().map(|at| (*at, "      the controller".to_owned())));
    let shown = |record: &&(u64, Record)| {
        matches!(
            record.1,
            Record::Request { .. }
                | Record::Verdict { .. }
                | Record::Trip(_)
                | Record::Armed { .. }
                | Record::Disarmed { .. }
                | Record::Silence(_)
                | Record::Stop(_)
                | Record::End(_)
        )
    };
    told.extend(lab.records.iter().filter(shown).map(|(at, record)| (*at, format!("{record:?}"))));
    told.sort_by_key(|(at, _)| *at);
    for (at, what) in told {
        println!("{at:>12} {what}");
    }
}

#[test]
fn no_limit_is_exceeded_at_a_pin_whatever_is_played() {
    if let Some(seed) = std::env::var("NOSEPOKE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        println!("{}", live(seed, true));
        return;
    }
    let lives = cases(LIVES);
    let mut tally = Tally::default();
    for seed in 0..lives {
        match catch_unwind(AssertUnwindSafe(|| live(seed, false))) {
            Ok(one) => tally.add(&one),
            Err(panic) => {
                eprintln!("seed {seed}; live it alone with NOSEPOKE_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    println!("seeds 0 to {lives}\n{tally}");
    tally.is_rich(lives >= ALL_SEEN);
}
