//! The simulated rig: the three halves of the device on virtual time, in their room. A half of higher priority may come
//! in between any two steps of a lower one, from the seed, as it may on a chip.
//!
//! Time only passes here while nothing has anything to do, and inside a half that is interrupted. What happens at the
//! pins therefore does not depend on what the cable does.

pub use device::core_half::RING_RESERVE;
pub use device::edge::CARRIED_ON_US;
use device::ring::Ring;
use device::{Core, Edge, Identity, Outer, Preempt, Storage};
use link::rig::{Rig, RigLine};
use link::versions::Versions;
use link::{LineId, Micros};

use crate::animal::Animal;
use crate::pins::{Pins, SimBoard};
use crate::room::Room;

/// Words of the ring of records: as many as the Pico has, so that what it can hold is tried here too.
pub const RING_WORDS: usize = 57 * 256;

/// The device's memory. Another [`SimRig`] in the same memory, with another boot, is the device after a reset: the ring of
/// records is as it was left, all else begins anew.
#[derive(Debug)]
pub struct Memory {
    storage: Storage<Vec<u32>>,
    ring: Ring<RING_WORDS>,
}

impl Memory {
    /// Memory at power-on.
    #[must_use]
    pub const fn new() -> Self {
        Self { storage: Storage::new(), ring: Ring::new() }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// How a simulated rig is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimSettings {
    /// Throws everything that is left to chance.
    pub seed: u64,
    /// How long after a time an edge at it may still be reported, in µs; adopted from the body that is stood in for.
    pub settle_us: u32,
    /// The chance that a half is interrupted at one of its steps.
    pub preempt: f64,
    /// The device's boot nonce.
    pub boot: u32,
}

impl SimSettings {
    /// The settings of the rig that ships.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, settle_us: 2, preempt: 1.0 / 64.0, boot: (seed as u32) | 1 }
    }
}

/// How long an interrupted P1 waits at most, in µs: what P0 may take at once.
const CORE_HELD_US: u64 = 1;
/// How long an interrupted P2 waits at most, in µs.
const OUTER_HELD_US: u64 = 50;
/// In a session P0 comes at least so often, in µs, and looks at the pads of outputs that nobody moves.
const LOOK_US: u64 = 5_000;
/// Turns without time passing before the simulator calls it an endless loop.
const TURNS_MAX: u32 = 100_000;

/// An output pin as it changed: what an oscilloscope at the box would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinEdge {
    /// When.
    pub at: Micros,
    /// Which line.
    pub line: LineId,
    /// To on or to off.
    pub on: bool,
}

/// A half of the device, by the level it runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// P0.
    Edge,
    /// P1.
    Core,
    /// P2.
    Outer,
}

/// P0, its pins and the room around them: what goes on whatever else runs.
struct Floor<'m> {
    edge: Edge<'m>,
    board: SimBoard,
    room: Room,
    clock: Micros,
    /// When the session under way began: what is left to chance is counted from there, so that a session does not depend
    /// on how long its preparations took.
    began: Option<Micros>,
    /// Until when P0 is held up.
    held_until: Micros,
    /// When P0 came last.
    came_at: Micros,
    /// What an oscilloscope would have seen, if one is connected.
    scope: Option<Vec<PinEdge>>,
}

impl Floor<'_> {
    fn due(&self) -> Option<Micros> {
        [self.room.next_at(), self.edge_at()].into_iter().flatten().min()
    }

    /// When P0 is to be called next.
    fn edge_at(&self) -> Option<Micros> {
        // As long as every pad follows, looking at them finds nothing, and is left out.
        let looks = self.began.is_some() && self.board.pins().any_stuck();
        let look_at = looks.then_some(self.came_at + LOOK_US);
        [self.edge.poll_at(), look_at].into_iter().flatten().min().map(|at| at.max(self.held_until))
    }

    /// Everything of P0 and the room that is due at the clock.
    fn run(&mut self) {
        for _ in 0..TURNS_MAX {
            while let Some((pin, high)) = self.room.change(self.clock) {
                self.edge.changed(self.clock, pin, high);
            }
            if self.edge_at().is_some_and(|at| at <= self.clock) {
                self.edge.poll(self.clock, &mut self.board);
                self.came_at = self.clock;
            }
            let (clock, scope) = (self.clock, &mut self.scope);
            self.room.notice(clock, |line, on| {
                if let Some(scope) = scope {
                    scope.push(PinEdge { at: clock, line, on });
                }
            });
            if self.due().is_none_or(|at| at > self.clock) {
                return;
            }
        }
        panic!("P0 asks to be polled at {} µs without end", self.clock);
    }

    fn run_until(&mut self, until: Micros) {
        while let Some(at) = self.due().filter(|at| *at <= until) {
            self.clock = self.clock.max(at);
            self.run();
        }
        self.clock = self.clock.max(until);
    }
}

/// The dice of interruptions. They depend on the time and the step alone, so that an idle call changes nothing.
#[derive(Debug, Clone, Copy)]
struct Interruptions {
    seed: u64,
    /// Below this, of 2³², a step is interrupted.
    threshold: u32,
    held_us: u64,
    step: u32,
}

impl Interruptions {
    fn new(settings: &SimSettings, held_us: u64, seed: u64) -> Self {
        let threshold = (settings.preempt.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32;
        Self { seed: settings.seed ^ seed, threshold, held_us, step: 0 }
    }

    /// How long the half waits at this step, if it is interrupted.
    fn next(&mut self, now: Micros) -> Option<u64> {
        if self.threshold == 0 {
            return None;
        }
        self.step = self.step.wrapping_add(1);
        let mut mixed = self.seed ^ now.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (u64::from(self.step) << 48);
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^= mixed >> 29;
        ((mixed >> 32) as u32 <= self.threshold).then(|| mixed % (self.held_us + 1))
    }
}

/// P1 is interrupted by P0.
struct OverCore<'a, 'm> {
    floor: &'a mut Floor<'m>,
    interruptions: Interruptions,
    /// When P1 was called, from the beginning of the session.
    polled_at: Micros,
}

impl Preempt for OverCore<'_, '_> {
    fn point(&mut self) {
        if let Some(held_us) = self.interruptions.next(self.polled_at) {
            self.floor.run_until(self.floor.clock + held_us);
        }
    }
}

/// P0 and P1: what goes on whatever P2 does.
struct Upper<'m> {
    floor: Floor<'m>,
    core: Core<'m, Vec<u32>>,
    interruptions: Interruptions,
    /// Until when P1 is held up.
    held_until: Micros,
}

impl Upper<'_> {
    fn due(&self) -> Option<Micros> {
        [self.floor.due(), self.sample_at(), self.core_at()].into_iter().flatten().min()
    }

    /// When P1 is to be called next for a sample.
    fn sample_at(&self) -> Option<Micros> {
        self.core.sample_at().map(|at| at.max(self.held_until))
    }

    /// When P1 is to be called next.
    fn core_at(&self) -> Option<Micros> {
        self.core.poll_at().map(|at| at.max(self.held_until))
    }

    fn run(&mut self) {
        for _ in 0..TURNS_MAX {
            self.floor.run();
            let now = self.floor.clock;
            if self.sample_at().is_some_and(|at| at <= now) {
                let raws = self.floor.room.raws(now);
                let read = |pin| raws.iter().find(|(of, _)| *of == pin).map_or(0, |(_, raw)| *raw);
                let (floor, interruptions) = (&mut self.floor, self.interruptions);
                let polled_at = floor.began.map_or(0, |began| now - began);
                self.core.sample(now, read, &mut OverCore { floor, interruptions, polled_at });
            }
            if self.core_at().is_some_and(|at| at <= now) {
                let (floor, interruptions) = (&mut self.floor, self.interruptions);
                let polled_at = floor.began.map_or(0, |began| now - began);
                self.core.poll(now, &mut OverCore { floor, interruptions, polled_at });
                let running = self.core.running();
                if running != self.floor.began.is_some() {
                    self.floor.began = running.then_some(now);
                    self.floor.room.put_in(now, running);
                }
            }
            if self.due().is_none_or(|at| at > self.floor.clock) {
                return;
            }
        }
        panic!("P1 asks to be polled at {} µs without end", self.floor.clock);
    }

    fn run_until(&mut self, until: Micros) {
        while let Some(at) = self.due().filter(|at| *at <= until) {
            self.floor.clock = self.floor.clock.max(at);
            self.run();
        }
        self.floor.clock = self.floor.clock.max(until);
    }
}

/// P2 is interrupted by P0 and P1.
struct OverOuter<'a, 'm> {
    upper: &'a mut Upper<'m>,
    interruptions: &'a mut Interruptions,
}

impl Preempt for OverOuter<'_, '_> {
    fn point(&mut self) {
        let clock = self.upper.floor.clock;
        if let Some(held_us) = self.interruptions.next(clock) {
            self.upper.run_until(clock + held_us);
        }
    }
}

/// A simulated rig: bytes in, bytes out, time as an argument.
pub struct SimRig<'m> {
    upper: Upper<'m>,
    outer: Outer<'m, Vec<u32>>,
    interruptions: Interruptions,
    pins: Pins,
    /// Until when P2 is held up, and what came in meanwhile.
    held_until: Micros,
    waiting: Vec<u8>,
}

impl<'m> SimRig<'m> {
    /// A rig that has just been powered on, in `memory`, with this animal waiting outside.
    #[must_use]
    pub fn new(memory: &'m mut Memory, settings: &SimSettings, rig: &Rig, animal: Box<dyn Animal + Send>) -> Self {
        let pins = Pins::new();
        let identity = Identity {
            boot: settings.boot,
            id: settings.seed,
            board: "simulator",
            settle_us: settings.settle_us,
            separate_supply: true,
            versions: Versions::OURS,
        };
        let image = vec![0; link::limits::MAX_PROGRAM_WORDS];
        memory.storage = Storage::new();
        let (edge, core, outer) = memory.storage.split(&mut memory.ring, image, &identity);
        let floor = Floor {
            edge,
            board: SimBoard::new(pins.clone()),
            room: Room::new(pins.clone(), rig, animal, settings.seed),
            clock: 0,
            began: None,
            held_until: 0,
            came_at: 0,
            scope: None,
        };
        let interruptions = Interruptions::new(settings, CORE_HELD_US, 1);
        Self {
            upper: Upper { floor, core, interruptions, held_until: 0 },
            outer,
            interruptions: Interruptions::new(settings, OUTER_HELD_US, 2),
            pins,
            held_until: 0,
            waiting: Vec::new(),
        }
    }

    /// Connects an oscilloscope to every output.
    pub fn connect_scope(&mut self) {
        self.upper.floor.scope.get_or_insert_with(Vec::new);
    }

    /// What the oscilloscope has seen since this was asked last.
    pub fn take_scope(&mut self) -> Vec<PinEdge> {
        self.upper.floor.scope.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The pins, to look at or to meddle with.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The same rig with halves that never interrupt one another, as if [`SimSettings::preempt`] were 0: what is said from outside
    /// is heard the moment it arrives.
    #[must_use]
    pub fn undisturbed(mut self) -> Self {
        (self.interruptions.threshold, self.upper.interruptions.threshold) = (0, 0);
        self
    }

    /// Lets an input follow an output, as a loop of wire or a sensor does.
    pub fn wire(&mut self, from: LineId, to: LineId, delay_us: u64) {
        self.upper.floor.room.wire(from, to, delay_us);
    }

    /// Somebody moves a digital input now, whether or not a session runs: a key is turned, a stop released.
    pub fn touch(&mut self, line: &RigLine, active: bool) {
        let floor = &mut self.upper.floor;
        floor.room.contact(floor.clock, line.pin, line.active_high == active);
    }

    /// Holds an input line active before the rig is switched on, as a key that was turned.
    pub fn hold(&self, line: &RigLine) {
        self.pins.set_input(line.pin, line.active_high);
    }

    /// Where an analog line is while nothing moves it.
    pub fn rest(&mut self, pin: u8, raw: i32) {
        let floor = &mut self.upper.floor;
        floor.room.travel(floor.clock, pin, raw, 0);
    }

    /// How far the rig has come, in µs since it was booted: a half that was held up may have brought it past the time it was
    /// run to.
    #[must_use]
    pub const fn clock(&self) -> Micros {
        self.upper.floor.clock
    }

    /// Whether a session runs.
    #[must_use]
    pub fn running(&self) -> bool {
        self.upper.core.running()
    }

    /// When the session under way began; none if none does.
    #[must_use]
    pub const fn began(&self) -> Option<Micros> {
        self.upper.floor.began
    }

    /// Holds a half up: it is not called before `until`, whatever waits for it. Input pins still change, and are stamped.
    pub const fn hold_up(&mut self, half: Half, until: Micros) {
        match half {
            Half::Edge => self.upper.floor.held_until = until,
            Half::Core => self.upper.held_until = until,
            Half::Outer => self.held_until = until,
        }
    }

    /// Bytes from the controller arrive at `now`.
    pub fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.run_until(now);
        if self.upper.floor.clock < self.held_until {
            self.waiting.extend_from_slice(bytes);
            return;
        }
        let Self { upper, outer, interruptions, .. } = self;
        let now = upper.floor.clock;
        outer.handle_bytes(now, bytes, &mut OverOuter { upper, interruptions });
    }

    /// Lets everything happen that is due by `now`.
    pub fn run_until(&mut self, now: Micros) {
        let mut turns = 0;
        while let Some(at) = self.poll_at().filter(|at| *at <= now.max(self.upper.floor.clock)) {
            let Self { upper, outer, interruptions, .. } = self;
            let before = upper.floor.clock;
            upper.run_until(at.max(before));
            let clock = upper.floor.clock;
            if clock >= self.held_until && !self.waiting.is_empty() {
                let bytes = std::mem::take(&mut self.waiting);
                outer.handle_bytes(clock, &bytes, &mut OverOuter { upper, interruptions });
            }
            if clock >= self.held_until && outer.poll_at(clock).is_some_and(|at| at <= clock) {
                outer.poll(clock, &mut OverOuter { upper, interruptions });
                if outer.poll_at(clock).is_some_and(|at| at <= clock) {
                    // What is left is to be transmitted.
                    break;
                }
            }
            turns = if upper.floor.clock == before { turns + 1 } else { 0 };
            assert!(turns < TURNS_MAX, "the device asks to be polled at {before} µs without end");
        }
        self.upper.run_until(now);
    }

    /// When something is next due.
    pub fn poll_at(&mut self) -> Option<Micros> {
        let clock = self.upper.floor.clock;
        let waiting = (!self.waiting.is_empty()).then_some(0);
        let outer = [waiting, self.outer.poll_at(clock)].into_iter().flatten().min();
        [self.upper.due(), outer.map(|at| at.max(self.held_until))].into_iter().flatten().min()
    }

    /// Writes the next frame for the controller into `out`; the bytes used.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        let Self { upper, outer, interruptions, .. } = self;
        let now = upper.floor.clock.max(now);
        if now < self.held_until {
            return None;
        }
        outer.poll_transmit(now, out, &mut OverOuter { upper, interruptions })
    }
}
