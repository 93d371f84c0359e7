//! Whatever bytes come in at the link: no panic, no output moves but by what the program and a person asked for, and the
//! session goes on as if nothing had come.
//!
//! Of noise, whose checksum cannot fit, nothing may come at all: the pins and records are those of a twin that heard none. Of
//! forged frames, whose checksum fits and which may say anything, only what is lawful may come (`assembler::noise` makes
//! both). Seeds of lives that went wrong are written down in `fuzz.regressions` and lived again first, ever after.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use assembler::noise::{Addressee, Dice, forged, noise, payload, torn};
use assembler::random::cases;
use common::bench::*;
use common::*;
use device::Undisturbed;
use link::frame::MAX_FRAME;
use link::message::{Answer, Command, HostFrame, State};
use link::{LineId, Micros, Record};

/// Sequences a device hears in one life.
const A_LIFE: u64 = 500;
/// The boot of the device on the bench.
const BOOT: u32 = 9;
/// Who is meant: the device on the bench, and its session.
const TO: Addressee = Addressee { boot: BOOT, session: 5 };
/// Where seeds are kept.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz.regressions");

fn hear(lab: &mut Lab<'_>, bytes: &[u8]) {
    let now = lab.now;
    lab.board.now.set(now);
    lab.outer.handle_bytes(now, bytes, &mut Undisturbed);
}

/// What someone who sees only pins and records finds in one life; `bytes` says what else the device hears.
fn life(seed: u64, session: bool, mut bytes: impl FnMut(&mut Dice) -> Vec<u8>) -> (Vec<Change>, Vec<u8>, u32) {
    let mut found = (Vec::new(), Vec::new(), 0);
    lab(0, |lab| {
        let mut dice = Dice::new(seed);
        lab.load(&rig(), &protocol());
        if session {
            assert_eq!(lab.ask(Command::Arm { lines: LineId(LASER).bit() }), Answer::Done);
            lab.until(1_000_000);
            lab.start();
        }
        let began = lab.now;
        let mut animal = Dice::new(!seed);
        for n in 0..A_LIFE {
            lab.until(began + n * 1_000);
            if animal.percent(2) {
                let pressed = !lab.board.is_high(LEVER_PIN);
                lab.touch(LEVER_PIN, pressed);
            }
            let heard = bytes(&mut dice);
            // It may come in parts; the zero ends it, or the controller's next frame would go with it.
            for part in torn(&mut dice, heard).iter().map(Vec::as_slice).chain([&[0][..]]) {
                hear(lab, part);
            }
        }
        lab.until(began + A_LIFE * 1_000);
        // It still does as it is told.
        let stopped = lab.ask(Command::Stop);
        assert_eq!(stopped == Answer::Done, session, "seed {seed}");
        lab.wait(200_000);
        assert!(lab.all_off());
        assert_eq!(lab.unknown, [], "seed {seed}");
        found = (lab.board.changes.borrow().clone(), lab.bytes.clone(), lab.records.len() as u32);
    });
    found
}

/// Lives many lives, first those that once went wrong, and writes down which goes wrong now.
fn lives(name: &str, live: impl Fn(u64)) {
    let kept = fs::read_to_string(REGRESSIONS).unwrap_or_default();
    let kept = kept.lines().filter_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    let seeds: Vec<u64> = kept.chain(0..cases(25_000) / A_LIFE).collect();
    for seed in &seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| live(*seed))) {
            let file = fs::OpenOptions::new().append(true).create(true).open(REGRESSIONS);
            if let Ok(mut file) = file
                && writeln!(file, "{name} {seed}").is_ok()
            {
                eprintln!("{name}: seed {seed} is written down in {REGRESSIONS}: commit it");
            }
            resume_unwind(panic);
        }
    }
    println!("{name}: {} sequences in {} lives", seeds.len() as u64 * A_LIFE, seeds.len());
}

#[test]
fn noise_moves_nothing_while_no_session_runs() {
    lives("noise-at-rest", |seed| {
        let (changes, ..) = life(seed, false, |dice| noise(dice, &TO));
        assert_eq!(changes, [], "seed {seed}");
    });
}

#[test]
fn noise_leaves_a_session_with_an_armed_laser_as_it_is() {
    let moved = Cell::new([0; 2]);
    lives("noise-in-session", |seed| {
        let disturbed = life(seed, true, |dice| noise(dice, &TO));
        let calm = life(seed, true, |_| Vec::new());
        assert_eq!(disturbed, calm, "seed {seed}");
        let of = |pin| calm.0.iter().filter(|(_, of, _)| *of == pin).count();
        moved.set([moved.get()[0] + of(WATER_PIN), moved.get()[1] + of(LASER_PIN)]);
    });
    assert!(moved.get().iter().all(|edges| *edges > 0), "animals pressed, water flowed and the laser fired");
}

/// Rig and program are uploaded, and a session begun, over a link on which something else speaks in the midst of the
/// controller's own frames: no pin moves meanwhile, every upload is taken up whole, and the session is as any.
fn uploads_through(seed: u64, what: impl Fn(&mut Dice) -> Vec<u8>) {
    lab(0, |lab| {
        let mut dice = Dice::new(seed);
        for _ in 0..A_LIFE {
            // In between, a frame comes through, or nothing ever would.
            lab.in_between.extend((0..1 + dice.below(2)).map(|_| (0, Vec::new())));
            lab.in_between.push_back((dice.next() as usize, what(&mut dice)));
        }
        while !lab.in_between.is_empty() {
            lab.load(&rig(), &protocol());
            assert_eq!(lab.board.changes.borrow().as_slice(), [], "seed {seed}");
        }
        assert_eq!(lab.ask(Command::Arm { lines: LineId(LASER).bit() }), Answer::Done);
        lab.start();
        lab.wait(10_000);
        lab.press();
        lab.wait(500_000);
        let edges = |pin| lab.board.changes_of(pin).len();
        assert_eq!((edges(WATER_PIN), edges(LASER_PIN), edges(MASK_PIN)), (2, 6, 2), "seed {seed}");
        assert!(lab.records.iter().all(|(_, record)| !matches!(record, Record::Lost { .. })), "seed {seed}");
    });
}

#[test]
fn what_is_uploaded_through_noise_is_whole() {
    lives("noise-while-uploading", |seed| uploads_through(seed, |dice| noise(dice, &TO)));
}

/// Hears forged frames for a life, then looks whether all was lawful. `may` says which of them come in.
fn forged_life(seed: u64, session: bool, may: impl Fn(&HostFrame) -> bool) {
    lab(0, |lab| {
        let mut dice = Dice::new(seed);
        lab.durable = false;
        lab.load(&rig(), &protocol());
        let mut arm_heard = false;
        if session {
            lab.start();
        }
        // From here on only forgers speak.
        lab.link_up = false;
        let mut frame = [0; MAX_FRAME];
        for _ in 0..A_LIFE {
            lab.wait(dice.below(3_000));
            if dice.percent(2) {
                let pressed = !lab.board.is_high(LEVER_PIN);
                lab.touch(LEVER_PIN, pressed);
            }
            let bytes = forged(&mut dice, &TO);
            if let Some(frame) = HostFrame::decode(&payload(&bytes)) {
                if !may(&frame) {
                    continue;
                }
                let arms = |command: &Command| matches!(command, Command::Arm { .. });
                arm_heard |= frame.boot == BOOT && frame.command.is_some_and(|(_, command)| arms(&command));
            }
            for part in torn(&mut dice, bytes) {
                hear(lab, &part);
            }
            let now = lab.now;
            while lab.outer.poll_transmit(now, &mut frame, &mut Undisturbed).is_some() {}
        }
        lab.wait(61_000_000);
        let changes = |pin| lab.board.changes_of(pin);
        assert!(arm_heard || changes(LASER_PIN).is_empty(), "seed {seed}: the laser moved and nobody armed it");
        let longest: [(u8, Micros); 3] =
            [(WATER_PIN, WATER_MAX_ON_US.into()), (LASER_PIN, 5_000_000), (MASK_PIN, 60_000_000)];
        for (pin, max_on) in longest {
            for pulse in changes(pin).chunks(2) {
                let [(rise, true), (fall, false)] = pulse else { panic!("seed {seed}: pin {pin} is on: {pulse:?}") };
                assert!(fall - rise <= max_on, "seed {seed}: pin {pin} was on from {rise} to {fall}");
            }
        }
        // A controller comes, clears up and runs a session of its own.
        recover(lab, seed);
    });
}

fn recover(lab: &mut Lab<'_>, seed: u64) {
    lab.host = link::host_end::HostEnd::new();
    lab.link_up = true;
    lab.wait(100_000);
    lab.ask(Command::Stop);
    lab.wait(1_000_000);
    if lab.held != 0 {
        let session = lab.held;
        lab.host.resume(session, 0);
        lab.durable = true;
        lab.wait(1_000_000);
        assert_eq!(lab.ask(Command::Forget { session }), Answer::Done, "seed {seed}");
    }
    assert!(matches!(lab.outer.state(), State::Idle | State::Loaded), "seed {seed}: {:?}", lab.outer.state());
    lab.load(&rig(), &protocol());
    lab.records.clear();
    lab.start();
    lab.wait(500_000);
    assert!(lab.outer.state() == State::Running && !lab.records.is_empty(), "seed {seed}");
}

#[test]
fn no_forged_frame_drives_a_line_that_nobody_armed() {
    let arms = |frame: &HostFrame| matches!(frame.command, Some((_, Command::Arm { .. })));
    lives("forged-unarmed", |seed| forged_life(seed, seed % 2 == 0, |frame| !arms(frame)));
}

#[test]
fn whatever_a_forger_says_every_limit_is_kept() {
    lives("forged", |seed| forged_life(seed, seed % 2 == 0, |_| true));
}
