//! A whole device on the bench: three halves that may come in between one another at every queue operation, a controller's
//! end of the link, and a short protocol.

#![allow(dead_code, unreachable_pub)]

pub mod bench;

use std::collections::VecDeque;

use assembler::Assembly;
use device::ring::Ring;
use device::{Board, Core, Edge, Identity, Outer, Preempt, Sound, Storage};
use link::frame::MAX_FRAME;
use link::host_end::{HostEnd, HostEvent};
use link::limits::MAX_PROGRAM_WORDS;
use link::message::{Answer, Command, Upload};
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Region, Rule, Slice, State, Stimulus};
use link::record::{Reader, Train};
use link::rig::Rig;
use link::upload::Uploader;
use link::versions::Versions;
use link::{EventId, LineId, Micros, Record, RegionId, StateId};

use bench::*;

/// µs after which a microsecond is closed.
pub const SETTLE_US: u32 = 2;
pub const RING_WORDS: usize = 4 * 1024;

pub const READY: StateId = StateId(0);
pub const REWARD: StateId = StateId(1);
pub const PAUSE: StateId = StateId(2);
/// How long the valve is open for the drop that a press leads to, in µs.
pub const DROP_US: Micros = 83_000;

/// A press leads to a drop of water and three flashes of the laser with the masking light on; an operator's key to none
/// of it. Every trial begins in `ready`.
pub fn protocol() -> Assembly {
    let mut p = Assembly::default();
    let op = |code, a: u8, b| Op::new(code, a, b);
    p.regions.push(Region { start: READY });
    let entries = [
        vec![op(OpCode::Trial, 0, 0)],
        vec![
            p.push(20_000),
            p.push(DROP_US as i64),
            op(OpCode::Deliver, WATER, 0),
            op(OpCode::Play, LASER, 0),
            op(OpCode::On, MASK, 0),
        ],
        vec![op(OpCode::Off, MASK, 0)],
    ];
    let [rules, none] = [Slice { first: 0, len: 2 }, Slice::default()];
    let afters = [none, Slice { first: 0, len: 1 }, Slice { first: 1, len: 1 }];
    for (n, entry) in entries.iter().enumerate() {
        let state = State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(0),
            depth: 0,
            entry: p.code(entry),
            exit: Code::NONE,
            rules: if n == 0 { rules } else { none },
            afters: afters[n],
            whens: none,
        };
        p.states.push(state);
    }
    for (event, target) in [(EventId::edge(LineId(LEVER), true), REWARD), (EventId::named(0), PAUSE)] {
        p.rules.push(Rule { event, target, guard: Code::NONE, action: Code::NONE });
    }
    for (us, target) in [(200_000, PAUSE), (100_000, READY)] {
        let push = p.push(us);
        let duration = p.code(&[push]);
        p.afters.push(After { duration, target, guard: Code::NONE, action: Code::NONE });
    }
    p.variables.push(7);
    let train = Train { delay_us: 0, width_us: 5_000, period_us: 50_000, count: 3, carrier: None };
    p.stimuli.push(Stimulus { train });
    p
}

/// Runs P0 at a point of P1, when the seed says so.
struct OverCore<'a, 's> {
    edge: &'a mut Edge<'s>,
    board: &'a mut Bench,
    now: Micros,
    dice: &'a mut u64,
}

impl Preempt for OverCore<'_, '_> {
    fn point(&mut self) {
        if roll(self.dice) {
            self.edge.poll(self.now, self.board);
        }
    }
}

/// Runs P1, and P0 within it, at a point of P2, when the seed says so.
struct OverOuter<'a, 's> {
    core: &'a mut Core<'s, Vec<u32>>,
    over: OverCore<'a, 's>,
    /// Whether P1 comes to its turn at all.
    core_awake: bool,
}

impl Preempt for OverOuter<'_, '_> {
    fn point(&mut self) {
        self.over.point();
        if self.core_awake && roll(self.over.dice) {
            self.core.poll(self.over.now, &mut self.over);
        }
    }
}

/// Never with a seed of 0, otherwise every other time.
fn roll(dice: &mut u64) -> bool {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    *dice >> 63 != 0
}

pub struct Lab<'s> {
    pub edge: Edge<'s>,
    pub core: Core<'s, Vec<u32>>,
    pub outer: Outer<'s, Vec<u32>>,
    pub board: Bench,
    pub host: HostEnd,
    pub now: Micros,
    pub link_up: bool,
    /// Whether the controller says at once that what it received is on disk.
    pub durable: bool,
    /// The records received: their bytes, and what they say.
    pub bytes: Vec<u8>,
    pub records: Vec<(Micros, Record)>,
    /// The session the device says it holds.
    pub held: u32,
    /// One past the last record of it, as the device says.
    pub next_record: u32,
    /// The lines the device says are armed.
    pub armed: u32,
    /// Records of which nothing is known.
    pub unknown: Vec<(u32, u32)>,
    pub polls: u64,
    /// P1 gets no turn before this.
    pub core_held_until: Micros,
    /// When the controller's frames came to the device.
    pub frames: Vec<Micros>,
    /// When P1 was seen to begin and to end a session.
    pub turns: Vec<(Micros, bool)>,
    /// What comes in between the bytes of the controller's next frames, one for each frame; and where in it.
    pub in_between: VecDeque<(usize, Vec<u8>)>,
    /// What a converter finds at a time on a pin.
    pub sensor: fn(Micros, u8) -> u16,
    /// The answer to the command sent last, and when it came.
    pub answer: Option<(Micros, Answer)>,
    dice: u64,
}

/// Tells a story of a device that was just switched on. With a `seed` other than 0, halves come in between one another.
pub fn lab(seed: u64, tell: impl FnOnce(&mut Lab<'_>)) {
    let (mut storage, mut ring) = (Box::new(Storage::new()), Box::new(Ring::<RING_WORDS>::new()));
    let identity = Identity {
        boot: 9,
        id: 0xB0A2_D001,
        board: "bench",
        settle_us: SETTLE_US,
        separate_supply: false,
        versions: Versions::OURS,
    };
    let (edge, core, outer) = storage.split(&mut *ring, vec![0; MAX_PROGRAM_WORDS], &identity);
    let mut lab = Lab {
        edge,
        core,
        outer,
        board: Bench::new(),
        host: HostEnd::new(),
        now: 1_000,
        link_up: true,
        durable: true,
        bytes: Vec::new(),
        records: Vec::new(),
        held: 0,
        next_record: 0,
        armed: 0,
        unknown: Vec::new(),
        polls: 0,
        core_held_until: 0,
        frames: Vec::new(),
        turns: Vec::new(),
        in_between: VecDeque::new(),
        sensor: |_, _| 0,
        answer: None,
        dice: seed,
    };
    lab.board.put(LEVER_PIN, true);
    tell(&mut lab);
}

impl Lab<'_> {
    /// Lets time pass, up to and with `until`: every half is polled exactly when it asks to be.
    pub fn until(&mut self, until: Micros) {
        let mut here = 0;
        while let Some(due) = self.due().filter(|due| *due <= until) {
            here = if due > self.now { 0 } else { here + 1 };
            assert!(here < 10_000, "the halves keep asking for a poll at {}", self.now);
            self.now = self.now.max(due);
            self.poll();
        }
        self.now = until;
    }

    pub fn wait(&mut self, us: Micros) {
        self.until(self.now + us);
    }

    fn due(&mut self) -> Option<Micros> {
        let host = self.link_up.then(|| self.host.poll_at()).flatten();
        let outer = self.outer.poll_at(self.now).filter(|_| self.link_up);
        let core = [self.core.sample_at(), self.core.poll_at()].into_iter().flatten().min();
        let core = core.map(|at| at.max(self.core_held_until));
        [self.edge.poll_at(), core, outer, host].into_iter().flatten().min()
    }

    fn poll(&mut self) {
        self.polls += 1;
        self.board.now.set(self.now);
        let Self { edge, core, outer, board, host, now, dice, sensor, in_between, frames, turns, .. } = self;
        let (now, sensor) = (*now, *sensor);
        let core_awake = now >= self.core_held_until;
        if edge.poll_at().is_some_and(|at| at <= now) {
            edge.poll(now, board);
        }
        if core_awake && core.sample_at().is_some_and(|at| at <= now) {
            core.sample(now, |pin| sensor(now, pin), &mut OverCore { edge, board, now, dice });
        }
        if core_awake && core.poll_at().is_some_and(|at| at <= now) {
            core.poll(now, &mut OverCore { edge, board, now, dice });
        }
        if edge.poll_at().is_some_and(|at| at <= now) {
            edge.poll(now, board);
        }
        let mut hook = OverOuter { core, over: OverCore { edge, board, now, dice }, core_awake };
        outer.poll(now, &mut hook);
        let running = hook.core.running();
        if running != turns.last().is_some_and(|(_, running)| *running) {
            turns.push((now, running));
        }
        if !self.link_up {
            return;
        }
        let mut frame = [0; MAX_FRAME];
        while let Some(used) = host.poll_transmit(now, &mut frame) {
            frames.push(now);
            let (place, other) = in_between.pop_front().unwrap_or_default();
            let (front, back) = frame[..used].split_at(place % used);
            for part in [front, &other, back] {
                outer.handle_bytes(now, part, &mut hook);
            }
        }
        let mut heard = Vec::new();
        while let Some(used) = outer.poll_transmit(now, &mut frame, &mut hook) {
            heard.extend_from_slice(&frame[..used]);
        }
        self.hear(&heard);
    }

    fn hear(&mut self, mut heard: &[u8]) {
        while !heard.is_empty() {
            heard = self.host.handle_bytes(self.now, heard);
            while let Some(event) = self.host.poll_event() {
                match event {
                    HostEvent::Answered { answer, .. } => self.answer = Some((self.now, answer)),
                    HostEvent::Records { count, base, bytes, .. } => {
                        let (mut reader, mut rest) = (Reader::new(base), bytes);
                        for _ in 0..count {
                            let (at, record, tail) = reader.read(rest).expect("the link carries whole records");
                            self.records.push((at, record));
                            rest = tail;
                        }
                        self.bytes.extend_from_slice(bytes);
                    }
                    HostEvent::Status { session, status, .. } => {
                        (self.held, self.next_record, self.armed) = (session, status.next_record, status.armed);
                    }
                    HostEvent::Unknown { first, next, .. } => self.unknown.push((first, next)),
                    HostEvent::Hello(_) => {}
                    other => panic!("no story has {other:?}"),
                }
            }
        }
        if self.durable {
            self.host.set_durable(self.host.received());
        }
    }

    /// Sends a command and waits for its answer.
    pub fn ask(&mut self, command: Command) -> Answer {
        self.answer = None;
        while self.host.send(command.clone()).is_err() {
            self.wait(1_000);
        }
        for _ in 0..1_000 {
            if let Some((_, answer)) = self.answer.take() {
                return answer;
            }
            self.wait(1_000);
        }
        panic!("{command:?} was not answered within a second");
    }

    pub fn upload(&mut self, what: Upload, bytes: &[u8]) -> Answer {
        let mut last = Answer::Done;
        for command in Uploader::new(what, bytes) {
            last = self.ask(command);
            if last != Answer::Done {
                break;
            }
        }
        last
    }

    pub fn load(&mut self, rig: &Rig, program: &Assembly) {
        self.load_image(rig, &program.image().expect("the program is short"));
    }

    pub fn load_image(&mut self, rig: &Rig, words: &[u32]) {
        let mut bytes = [0; 2_048];
        let rig = postcard::to_slice(rig, &mut bytes).expect("a rig takes fewer bytes");
        assert_eq!(self.upload(Upload::Rig, rig), Answer::Done);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(self.upload(Upload::Program, &bytes), Answer::Done);
    }

    pub fn start(&mut self) {
        assert_eq!(self.ask(Command::Start { session: 5, seed: 42 }), Answer::Done);
    }

    /// An animal presses the lever for 50 ms.
    pub fn press(&mut self) -> Micros {
        let at = self.now;
        for (wait, high) in [(50_000, false), (0, true)] {
            self.touch(LEVER_PIN, high);
            self.wait(wait);
        }
        at
    }

    /// An input pin changes now.
    pub fn touch(&mut self, pin: u8, high: bool) {
        self.board.put(pin, high);
        self.edge.changed(self.now, pin, high);
    }

    /// When something was recorded.
    pub fn times_of(&self, wanted: Record) -> Vec<Micros> {
        self.records.iter().filter(|(_, record)| *record == wanted).map(|(at, _)| *at).collect()
    }

    pub fn all_off(&self) -> bool {
        [WATER_PIN, MASK_PIN, LASER_PIN].iter().all(|pin| !self.board.is_high(*pin))
    }
}
