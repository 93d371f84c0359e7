//! Bytes that must not come in at a device's link and do: for tests. Two kinds. **Noise** is random, or a valid frame with
//! something wrong: its checksum cannot fit. **Forged** frames are wrong first and sealed then: their checksum fits, they may
//! say anything.

use link::frame::{Deframer, MAX_FRAME, MAX_PAYLOAD, seal};
use link::message::{Command, HostFrame, Upload};
use link::{EventId, VariableId};

/// A row of numbers without pattern.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The row of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 5
    }
    /// One below `end`, which is not 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    /// Whether what happens so often happens now.
    pub const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    /// A byte.
    pub const fn byte(&mut self) -> u8 {
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

/// Who is meant, most of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressee {
    /// The boot of the device.
    pub boot: u32,
    /// Its session.
    pub session: u32,
}

/// A frame a controller might send, for this device or another.
fn frame(dice: &mut Dice, to: &Addressee) -> HostFrame {
    let some = |dice: &mut Dice, usual, percent| if dice.percent(percent) { usual } else { dice.next() as u32 };
    let received = dice.below(400) as u32;
    HostFrame {
        boot: some(dice, to.boot, 90),
        beat: dice.byte(),
        session: some(dice, to.session, 80),
        received,
        durable: some(dice, received, 80),
        command: dice.percent(70).then(|| (dice.next() as u16, command(dice))),
    }
}

fn sealed(frame: &HostFrame) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let used = frame.encode(&mut out).unwrap_or(0);
    out.get(..used).unwrap_or(&[]).to_vec()
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
#[must_use]
pub fn noise(dice: &mut Dice, to: &Addressee) -> Vec<u8> {
    if dice.percent(30) {
        let zeros = dice.below(20);
        return (0..dice.below(300)).map(|_| if dice.percent(zeros) { 0 } else { dice.byte() }).collect();
    }
    let good = sealed(&frame(dice, to));
    let mut bytes = good[..good.len() - 1].to_vec();
    spoil(&mut bytes, dice);
    if dice.percent(20) {
        // The end of one in front of the beginning of another.
        let other = sealed(&frame(dice, to));
        bytes.splice(..0, other[dice.below(other.len() as u64 / 2) as usize + 1..other.len() - 1].iter().copied());
    }
    // Unspoilt by chance, it would be a frame.
    if bytes.split(|byte| *byte == 0).any(|part| part == &good[..good.len() - 1]) { vec![0xFF] } else { bytes }
}

/// A frame with a sound checksum that may say anything.
#[must_use]
pub fn forged(dice: &mut Dice, to: &Addressee) -> Vec<u8> {
    let good = frame(dice, to);
    let plain = sealed(&good);
    if dice.percent(40) {
        return plain;
    }
    let mut payload = payload(&plain);
    spoil(&mut payload, dice);
    payload.truncate(MAX_PAYLOAD);
    let mut out = [0; MAX_FRAME];
    seal(&payload, &mut out).map_or(vec![0], |used| out[..used].to_vec())
}

/// What stands in a frame; nothing if it is none.
#[must_use]
pub fn payload(frame: &[u8]) -> Vec<u8> {
    let mut deframer: Deframer = Deframer::new();
    let mut rest = frame;
    if deframer.next_frame(&mut rest) { deframer.payload().to_vec() } else { Vec::new() }
}

/// Bytes in as many parts as it pleases: whole, in two, or byte by byte.
#[must_use]
pub fn torn(dice: &mut Dice, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let single = dice.percent(10);
    while !bytes.is_empty() {
        let at = if single { 1 } else { 1 + dice.below(bytes.len() as u64) as usize };
        let rest = bytes.split_off(at);
        parts.push(std::mem::replace(&mut bytes, rest));
    }
    parts
}
