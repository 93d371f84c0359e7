//! The emulated chip as a body in virtual time, in a room with an animal. Owns how the room's time and the chip's go
//! together; knows nothing of what the image does.
//!
//! The room lives on the chip's own clock, from when its timer starts to count: a touch at a microsecond of the room reaches
//! the pad early in that microsecond of the device, as it does in the simulator. What an analog pin has at the time of a
//! sample stands there shortly before, so that the chip samples the very value, noise and all, that the simulator would.

use std::collections::VecDeque;
use std::path::Path;

use link::Micros;
use link::rig::{Guards, Rig, RigLine, Role};
use sim::animal::Animal;
use sim::random::Dice;
use sim::room::Room;
use sim::{PinEdge, Pins, VirtualBody};

use crate::bench::{Bench, BenchError, Event, Sounded, Source, Stop};
use crate::ears::{Ears, Heard};
use crate::upset::Upset;

/// How far into its microsecond a touch reaches the pad, in ns.
const TOUCH_NANOS: u64 = 100;
/// How long before a touch the chip is stopped for it, in ns: longer than any instruction.
const LEAD_NANOS: u64 = 2_000;
/// How long before a sample its values stand at the pins, in µs: longer than the converter takes for a round of its pins.
const SAMPLE_LEAD_US: u64 = 20;
/// The first pin of the converter.
const FIRST_ANALOG_PIN: u8 = 26;

/// What connects the chip with its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cord {
    /// Serial port 0 at 1 Mbaud.
    #[default]
    Uart,
    /// USB at full speed.
    Usb,
}

impl Cord {
    const fn source(self) -> Source {
        match self {
            Self::Uart => Source::Uart(0),
            Self::Usb => Source::Usb,
        }
    }
}

/// How an emulated rig is.
#[derive(Debug, Clone, Copy)]
pub struct EmulatedSettings<'a> {
    /// `tests/emulator/bench.mjs`.
    pub script: &'a Path,
    /// The image's ELF file.
    pub image: &'a Path,
    /// What connects it.
    pub cord: Cord,
    /// Whether flash goes through the model of its cache.
    pub cache: bool,
    /// Whether a touch reaches the pad anywhere in its microsecond, instead of early in it.
    pub phases: bool,
    /// Whether the animal notices an output's edge at once; otherwise when it is next looked at, which takes less time here.
    pub notices: bool,
    /// Parts of the name of a function whose calls are timed; none for none.
    pub timed: &'a [&'a str],
    /// Parts of the name of a function whose returns divide those calls into laps; none for none.
    pub laps: &'a [&'a str],
    /// What goes wrong, each so many µs after the first session's start.
    pub upsets: &'a [(Micros, Upset)],
    /// Throws what the room leaves to chance.
    pub seed: u64,
}

/// An output edge as an oscilloscope would show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FineEdge {
    /// When, in ns since the supply came.
    pub at_ns: u64,
    /// Which pin.
    pub pin: u8,
    /// Its level now.
    pub high: bool,
}

/// What a powered pin carries from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// When, in ns since the supply came.
    pub at_ns: u64,
    /// Which pin.
    pub pin: u8,
    /// Counts of a period it is on.
    pub compare: u16,
    /// Counts of a period.
    pub counts: u32,
    /// One count, in ps.
    pub tick_ps: u64,
}

/// A lap of a timed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lap {
    /// When its call ended, in ns since the supply came.
    pub at_ns: u64,
    /// What it took, in cycles of its own.
    pub cycles: u64,
}

/// An emulated rig: bytes in, bytes out, time as an argument.
pub struct EmulatedRig {
    bench: Bench,
    cord: Cord,
    rig: Rig,
    room: Room,
    pins: Pins,
    ears: Ears,
    inside: bool,
    notices: bool,
    upsets: Vec<(Micros, Upset)>,
    phases: Option<Dice>,
    touches: Vec<FineEdge>,
    /// The room's time of the next sample, while a session runs on a rig with an analog line.
    sample_at: Option<Micros>,
    /// The first start of the chip's timer: zero of the room's time.
    room_zero: Option<u64>,
    /// The last one: zero of the device's clock.
    device_zero: u64,
    frames: VecDeque<(Micros, Vec<u8>)>,
    partial: Vec<u8>,
    events: Vec<Event>,
    /// Edges since the animal could have entered: it hears of its entry late, by the link.
    unnoticed: Vec<(Micros, u8, bool)>,
    scope: Option<Vec<PinEdge>>,
    fine: Vec<FineEdge>,
    sounds: Vec<(u8, Sounded)>,
    powers: Vec<Carried>,
    mishaps: Vec<Event>,
    wrong_ns: Option<u64>,
    began_ns: Option<u64>,
    laps: Vec<Lap>,
    failed: Option<BenchError>,
}

impl EmulatedRig {
    /// A chip that has just got its supply, with this animal waiting outside.
    ///
    /// # Errors
    /// When the emulator does not start.
    pub fn new(settings: &EmulatedSettings<'_>, rig: &Rig, animal: Box<dyn Animal + Send>) -> Result<Self, BenchError> {
        let mut bench = Bench::start(settings.script, settings.image, settings.cache)?;
        let pins = Pins::new();
        let room = Room::new(pins.clone(), rig, animal, settings.seed);
        for line in &rig.lines {
            match line.role {
                // The key is turned on; whoever wants it off says so.
                Role::Input { guards: Guards::Arming, .. } => bench.pin(0, line.pin, Some(line.active_high)),
                Role::Input { .. } => bench.pin(0, line.pin, Some(pins.is_high(line.pin))),
                Role::Encoder { pin_b, .. } => {
                    [line.pin, pin_b].into_iter().for_each(|pin| bench.pin(0, pin, Some(pins.is_high(pin))));
                }
                Role::Powered { .. } => bench.powered(line.pin, line.active_high),
                Role::Output { speaker: true, .. } => bench.listen(line.pin),
                _ => {}
            }
            if line.role.output().is_some() {
                // The resistor outside, which holds a pin that nobody drives.
                bench.pin(0, line.pin, Some(!line.active_high));
                pins.drive(line.pin, !line.active_high);
            }
        }
        // What is read back is what the output does.
        for sense in &rig.senses {
            let ends = rig.lines.get(sense.output.index()).zip(rig.lines.get(sense.input.index()));
            if let Some((output, input)) = ends
                && matches!(input.role, Role::Input { .. })
            {
                bench.wire(output.pin, input.pin, output.active_high != input.active_high);
            }
        }
        if !settings.timed.is_empty() {
            bench.time(settings.timed);
        }
        if !settings.laps.is_empty() {
            bench.lap(settings.laps);
        }
        if settings.cord == Cord::Usb {
            bench.plug(true);
        }
        Ok(Self {
            bench,
            cord: settings.cord,
            rig: rig.clone(),
            room,
            pins,
            ears: Ears::default(),
            inside: false,
            notices: settings.notices,
            upsets: settings.upsets.to_vec(),
            phases: settings.phases.then(|| Dice::new(settings.seed, "phases")),
            touches: Vec::new(),
            sample_at: None,
            room_zero: None,
            device_zero: 0,
            frames: VecDeque::new(),
            partial: Vec::new(),
            events: Vec::new(),
            unnoticed: Vec::new(),
            scope: None,
            fine: Vec::new(),
            sounds: Vec::new(),
            powers: Vec::new(),
            mishaps: Vec::new(),
            wrong_ns: None,
            began_ns: None,
            laps: Vec::new(),
            failed: None,
        })
    }

    /// Connects an oscilloscope to every output.
    pub fn connect_scope(&mut self) {
        self.scope.get_or_insert_with(Vec::new);
    }

    /// What the oscilloscope has seen since this was asked last, by the room's clock.
    pub fn take_scope(&mut self) -> Vec<PinEdge> {
        self.scope.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The same to the ns, any pin, since the supply came.
    pub fn take_fine(&mut self) -> Vec<FineEdge> {
        std::mem::take(&mut self.fine)
    }

    /// When the room moved which pad, in ns since the supply came.
    #[must_use]
    pub fn touches(&self) -> &[FineEdge] {
        &self.touches
    }

    /// The sounds that have ended: pin, and what it was.
    #[must_use]
    pub fn sounds(&self) -> &[(u8, Sounded)] {
        &self.sounds
    }

    /// What powered pins carried, from when on; one that is off carries nothing, whatever it carried last.
    #[must_use]
    pub fn powers(&self) -> &[Carried] {
        &self.powers
    }

    /// The laps of the timed calls, in order, so far.
    #[must_use]
    pub fn laps(&self) -> &[Lap] {
        &self.laps
    }

    /// Resets, faults and lock-ups so far.
    #[must_use]
    pub fn mishaps(&self) -> &[Event] {
        &self.mishaps
    }

    /// When code went wrong last, in ns since the supply came; none if none did.
    #[must_use]
    pub const fn wrong_ns(&self) -> Option<u64> {
        self.wrong_ns
    }

    /// Why the emulator is gone, if it is: nothing moves any more.
    #[must_use]
    pub const fn failed(&self) -> Option<&BenchError> {
        self.failed.as_ref()
    }

    /// The pins, as the room has them.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// What was heard of the device on the link.
    #[must_use]
    pub const fn ears(&self) -> &Ears {
        &self.ears
    }

    /// The chip itself.
    pub const fn bench(&mut self) -> &mut Bench {
        &mut self.bench
    }

    /// When the room's clock was zero, which is the device's before any reset, in ns since the supply first came.
    #[must_use]
    pub fn room_zero_ns(&self) -> u64 {
        self.room_zero.unwrap_or(0)
    }

    /// When the last session began, in ns since the supply first came; none before the first.
    #[must_use]
    pub const fn began_ns(&self) -> Option<u64> {
        self.began_ns
    }

    /// When the device's clock was zero, in ns since the supply first came.
    #[must_use]
    pub const fn device_zero_ns(&self) -> u64 {
        self.device_zero
    }

    /// Where an analog line is while nothing moves it.
    pub fn rest(&mut self, pin: u8, raw: i32) {
        self.room.travel(0, pin, raw, 0);
        if let (Some(channel), Ok(counts)) = (pin.checked_sub(FIRST_ANALOG_PIN), u16::try_from(raw)) {
            self.bench.analog(0, channel, counts);
        }
    }

    /// Something touches an input from before the device boots, until the animal changes it.
    pub fn hold(&mut self, line: &RigLine) {
        self.pins.set_input(line.pin, line.active_high);
        self.bench.pin(0, line.pin, Some(line.active_high));
    }

    /// Puts what the room has at the time of the next sample where the converter finds it, once that is near.
    fn feed_converter(&mut self) {
        let Some((zero, at)) = self.room_zero.zip(self.sample_at) else { return };
        for (pin, raw) in self.room.raws(at) {
            if let Some(channel) = pin.checked_sub(FIRST_ANALOG_PIN) {
                let from = zero + (at - SAMPLE_LEAD_US) * 1_000;
                self.bench.analog(from.max(self.bench.now()), channel, raw);
            }
        }
        self.sample_at = Some(at + Micros::from(self.rig.sample_us));
    }

    /// When the converter is to be fed next, in ns.
    fn feed_next(&self) -> Option<u64> {
        let (zero, at) = self.room_zero.zip(self.sample_at)?;
        Some(zero + (at - SAMPLE_LEAD_US) * 1_000 - LEAD_NANOS)
    }

    /// When the room next does something, in ns.
    fn room_next(&self) -> Option<(u64, Micros)> {
        let (zero, at) = (self.room_zero?, self.room.next_at()?);
        Some((zero + at * 1_000 + TOUCH_NANOS, at))
    }

    fn room_time(&self, nanos: u64) -> Micros {
        self.room_zero.map_or(0, |zero| nanos.saturating_sub(zero) / 1_000)
    }

    /// Runs the chip and the room to `until`, or to the end of a frame if asked to.
    fn advance(&mut self, until: u64, to_frame: bool) {
        while self.failed.is_none() && self.bench.now() < until {
            if let Some((nanos, at)) = self.room_next()
                && nanos.saturating_sub(LEAD_NANOS) <= self.bench.now()
            {
                let phase = self.phases.as_mut().map_or(0, |dice| dice.below(1_000 - TOUCH_NANOS));
                let nanos = (nanos + phase).max(self.bench.now());
                while let Some((pin, high)) = self.room.change(at) {
                    self.bench.pin(nanos, pin, Some(high));
                    self.touches.push(FineEdge { at_ns: nanos, pin, high });
                }
                continue;
            }
            if self.feed_next().is_some_and(|at| at <= self.bench.now()) {
                self.feed_converter();
                continue;
            }
            let touch = self.room_next().map_or(u64::MAX, |(nanos, _)| nanos - LEAD_NANOS);
            let until = until.min(self.feed_next().unwrap_or(u64::MAX));
            let stop = Stop { at_edges: self.inside && self.notices, at_frames: to_frame };
            let mut events = std::mem::take(&mut self.events);
            if let Err(error) = self.bench.run(until.min(touch), stop, &mut events) {
                self.failed = Some(error);
            }
            for event in events.drain(..) {
                self.take(event);
            }
            self.events = events;
            if to_frame && !self.frames.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Edge { at, pin, high } => {
                self.fine.push(FineEdge { at_ns: at, pin, high });
                self.moved(at, pin, high);
            }
            Event::Sound { at, pin, heard } => {
                self.sounds.extend(heard.map(|heard| (pin, heard)));
                self.moved(at, pin, heard.is_none());
            }
            Event::Bytes { at, source, bytes } if source == self.cord.source() => self.receive(at, &bytes),
            Event::Zero { at } => {
                self.device_zero = at;
                self.room_zero.get_or_insert(at);
            }
            Event::Wrong { at } => self.wrong_ns = Some(at),
            Event::Reset { .. } | Event::Fault { .. } | Event::LockUp { .. } => {
                if matches!(event, Event::Reset { .. }) {
                    self.partial.clear();
                }
                self.mishaps.push(event);
            }
            Event::Wave { at, pin, on: true, compare, top, tick_ps } => {
                self.powers.push(Carried { at_ns: at, pin, compare, counts: u32::from(top) + 1, tick_ps });
            }
            Event::Lap { at, cycles } => self.laps.push(Lap { at_ns: at, cycles }),
            Event::Bytes { .. } | Event::Wave { .. } => {}
        }
    }

    fn moved(&mut self, nanos: u64, pin: u8, high: bool) {
        let at = self.room_time(nanos);
        if self.inside {
            self.pins.drive(pin, high);
            self.notice(at);
        } else {
            self.unnoticed.push((at, pin, high));
        }
    }

    /// Lets the animal, if it is inside, and the oscilloscope see what outputs did.
    fn notice(&mut self, at: Micros) {
        let scope = &mut self.scope;
        self.room.notice(at, |line, on| {
            if let Some(scope) = scope {
                scope.push(PinEdge { at, line, on });
            }
        });
    }

    fn receive(&mut self, at: u64, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == 0) {
            self.partial.extend_from_slice(part);
            if part.ends_with(&[0]) {
                self.frames.push_back((at.div_ceil(1_000), std::mem::take(&mut self.partial)));
            }
        }
        let mut told = None;
        self.ears.hear(bytes, |heard| told = Some(heard));
        match told {
            Some(Heard::Began(device_at)) => self.enter(device_at),
            Some(Heard::Ended) => {
                self.inside = false;
                self.sample_at = None;
                self.room.put_in(self.room_time(at), false);
            }
            None => {}
        }
    }

    /// The session began, some ms ago: the animal entered then, and has noticed what happened since.
    fn enter(&mut self, device_at: Micros) {
        let began_ns = self.device_zero + device_at * 1_000;
        self.began_ns = Some(began_ns);
        let entered = self.room_time(began_ns);
        let edges = std::mem::take(&mut self.unnoticed);
        let (before, since): (Vec<_>, Vec<_>) = edges.into_iter().partition(|(at, _, _)| *at < entered);
        for (at, pin, high) in before {
            self.pins.drive(pin, high);
            self.notice(at);
        }
        self.inside = true;
        // What is counted is counted of the session.
        self.bench.clear();
        self.room.put_in(entered, true);
        for (after, upset) in std::mem::take(&mut self.upsets) {
            self.bench.upset(began_ns + after * 1_000, upset);
        }
        if self.rig.lines.iter().any(|line| line.role == Role::Analog) {
            self.sample_at = Some(entered + Micros::from(self.rig.sample_us));
        }
        for (at, pin, high) in since {
            self.pins.drive(pin, high);
            self.notice(at);
        }
    }

    /// Brings what the oscilloscope has not been shown yet onto it.
    pub fn settle_scope(&mut self) {
        for (at, pin, high) in std::mem::take(&mut self.unnoticed) {
            self.pins.drive(pin, high);
            self.notice(at);
        }
    }

    /// The outputs that are on, as a set of lines.
    #[must_use]
    pub fn outputs_on(&self) -> u32 {
        let is_on = |line: &&RigLine| line.role.output().is_some() && self.pins.is_high(line.pin) == line.active_high;
        let lines = self.rig.lines.iter().enumerate();
        lines.filter(|(_, line)| is_on(line)).fold(0, |set, (place, _)| set | 1_u32.wrapping_shl(place as u32))
    }
}

impl VirtualBody for EmulatedRig {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.advance(now * 1_000, false);
        self.bench.send(self.cord.source(), bytes);
    }

    fn run_until(&mut self, now: Micros) {
        self.advance(now * 1_000, false);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        if self.frames.front().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (_, frame) = self.frames.pop_front()?;
        out.get_mut(..frame.len())?.copy_from_slice(&frame);
        Some(frame.len())
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        if self.frames.is_empty() {
            self.advance(limit * 1_000, true);
        }
        self.frames.front().map_or(limit, |(at, _)| (*at).min(limit))
    }
}
