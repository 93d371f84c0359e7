//! Whatever bytes come in at the link: no panic, no output moves but by what the program and a person asked for, and the
//! session goes on as if nothing had come.
//!
//! Two kinds of bytes. **Noise** is random, or a valid frame with something wrong: its checksum cannot fit, so nothing may
//! come of it at all, and the pins and records are those of a twin that heard none. **Forged** frames are wrong first and
//! sealed then: their checksum fits, they may say anything, and only what is lawful may come of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use assembler::random::cases;
use common::bench::*;
use common::*;
use device::Undisturbed;
use link::frame::{MAX_FRAME, MAX_PAYLOAD, seal};
use link::message::{Answer, Command, HostFrame, State, Upload};
use link::{EventId, LineId, Micros, VariableId};

/// Sequences a device hears in one life.
const A_LIFE: u64 = 500;
/// Lives that once went wrong, to be lived again first.
const REGRESSIONS: &[u64] = &[];
/// The boot of the device on the bench.
const BOOT: u32 = 9;
const SESSION: u32 = 5;

/// A row of numbers without pattern.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 5
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

fn command(dice: &mut Dice) -> Command {
    let what = if dice.percent(50) { Upload::Rig } else { Upload::Program };
    match dice.below(12) {
        0 => Command::Hello,
        1 => Command::Begin { what, bytes: dice.below(600) as u32, hash: [dice.byte(); 32] },
        2 => {
            let bytes = (0..dice.below(100)).map(|_| dice.byte()).collect();
            Command::Piece { offset: dice.below(300) as u32, bytes }
        }
        3 => Command::Finish,
        4 => Command::Arm { lines: dice.next() as u32 },
        5 => Command::Disarm { lines: dice.next() as u32 },
        6 => Command::Start { session: dice.below(8) as u32, seed: dice.next() },
        7 => Command::Stop,
        8 => Command::Abort,
        9 => Command::Event(EventId(dice.below(300) as u16)),
        10 => Command::Parameter { variable: VariableId(dice.below(4) as u16), value: dice.next() as i64 },
        _ => Command::Forget { session: dice.below(8) as u32 },
    }
}

/// A frame a controller might send, for this device or another.
fn frame(dice: &mut Dice) -> HostFrame {
    let some = |dice: &mut Dice, usual, percent| if dice.percent(percent) { usual } else { dice.next() as u32 };
    let received = dice.below(400) as u32;
    HostFrame {
        boot: some(dice, BOOT, 90),
        beat: dice.byte(),
        session: some(dice, SESSION, 80),
        received,
        durable: some(dice, received, 80),
        command: dice.percent(70).then(|| (dice.next() as u16, command(dice))),
    }
}

fn sealed(frame: &HostFrame) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let used = frame.encode(&mut out).unwrap();
    out[..used].to_vec()
}

/// Changes a few bytes, cuts some off, or puts some in.
fn spoil(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len().max(1) as u64) as usize;
        match dice.below(4) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[at] = dice.byte(),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, dice.byte()),
        }
    }
}

/// Bytes of which none is a frame with a sound checksum.
fn noise(dice: &mut Dice) -> Vec<u8> {
    if dice.percent(30) {
        let zeros = dice.below(20);
        return (0..dice.below(300)).map(|_| if dice.percent(zeros) { 0 } else { dice.byte() }).collect();
    }
    let good = sealed(&frame(dice));
    let mut bytes = good[..good.len() - 1].to_vec();
    spoil(&mut bytes, dice);
    if dice.percent(20) {
        // The end of one in front of the beginning of another.
        let other = sealed(&frame(dice));
        bytes.splice(..0, other[dice.below(other.len() as u64 / 2) as usize + 1..other.len() - 1].iter().copied());
    }
    // Unspoilt by chance, it would be a frame.
    if bytes.split(|byte| *byte == 0).any(|part| part == &good[..good.len() - 1]) { vec![0xFF] } else { bytes }
}

/// A frame with a sound checksum that may say anything.
fn forged(dice: &mut Dice) -> Vec<u8> {
    let good = frame(dice);
    let plain = sealed(&good);
    if dice.percent(40) {
        return plain;
    }
    let mut payload = plain;
    let whole = cobs_payload(&mut payload);
    payload.truncate(whole);
    spoil(&mut payload, dice);
    payload.truncate(MAX_PAYLOAD);
    let mut out = [0; MAX_FRAME];
    seal(&payload, &mut out).map_or(vec![0], |used| out[..used].to_vec())
}

/// Turns a frame back into its payload; the bytes of it.
fn cobs_payload(frame: &mut Vec<u8>) -> usize {
    let mut deframer: link::frame::Deframer = link::frame::Deframer::new();
    let bytes = frame.clone();
    let mut rest = bytes.as_slice();
    assert!(deframer.next_frame(&mut rest));
    frame.clear();
    frame.extend_from_slice(deframer.payload());
    frame.len()
}

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
            lab.ask(Command::Arm { lines: LineId(LASER).bit() });
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
            // It may come in two parts; the zero ends it, or the controller's next frame would go with it.
            let (front, back) = heard.split_at(dice.below(heard.len() as u64 + 1) as usize);
            for part in [front, back, &[0]] {
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

fn lives() -> impl Iterator<Item = u64> {
    REGRESSIONS.iter().copied().chain(0..cases(25_000) as u64 / A_LIFE)
}

#[test]
fn noise_moves_nothing_while_no_session_runs() {
    for seed in lives() {
        let (changes, ..) = life(seed, false, noise);
        assert_eq!(changes, [], "seed {seed}");
    }
}

#[test]
fn noise_leaves_a_session_as_it_is() {
    let mut moved = 0;
    for seed in lives() {
        let disturbed = life(seed, true, noise);
        let calm = life(seed, true, |_| Vec::new());
        assert_eq!(disturbed, calm, "seed {seed}");
        moved += calm.0.len();
    }
    assert!(moved > 0, "animals pressed, and outputs moved");
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
            let bytes = forged(&mut dice);
            let mut payload = bytes.clone();
            if payload.len() > 1 {
                cobs_payload(&mut payload);
            }
            if let Some(frame) = HostFrame::decode(&payload) {
                if !may(&frame) {
                    continue;
                }
                let arms = |command: &Command| matches!(command, Command::Arm { .. });
                arm_heard |= frame.boot == BOOT && frame.command.is_some_and(|(_, command)| arms(&command));
            }
            hear(lab, &bytes);
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
    for seed in lives() {
        forged_life(seed, seed % 2 == 0, |frame| !arms(frame));
    }
}

#[test]
fn whatever_a_forger_says_every_limit_is_kept() {
    for seed in lives() {
        forged_life(seed, seed % 2 == 0, |_| true);
    }
}
