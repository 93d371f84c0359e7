//! Plays a scene on the simulated rig and lets something die in it: controller, cable and device in one virtual time. What was
//! seen is what an oscilloscope saw.

use std::cell::Cell;

use assembler::noise::Dice;
use compiler::Compiled;
use controller::lockstep::Cable;
use controller::session::{Plan, Session, SyncPolicy};
use journal::Writer;
use link::frame::MAX_FRAME;
use link::message::Command;
use link::program::Program;
use link::program::check::check;
use link::rig::{Guards, Role};
use link::{EndReason, LineId, Micros};
use sim::{Memory, PinEdge, SimRig, SimSettings, WireFaults};

use super::held::Held;
use super::host::{Hand, Host};
use super::rigs;
use super::room::{Room, turn_keys};
use super::scene::{DIES_US, Scene};
use super::way::Way;
use crate::{Disk, cases};

/// How long the pins are looked at after the session's end, in µs.
const AFTERWARDS_US: Micros = 3_000_000;
/// How long a session that nothing has become of goes on before it is stopped, in µs after its start.
const LONG_ENOUGH_US: Micros = 10_000_000;
/// The longest `max_on` that is waited for, in µs; where more is tried, that of every output.
const LOOKED_AT_US: Micros = 660_000_000;
/// The longest a session is looked at, in µs: longer than the longest `max_on` there is, 2³² µs.
const LONGEST_US: Micros = 5_000_000_000;
/// How long an input toggles, in µs.
const STORM_US: u64 = 20_000;
/// How long a device's supply is gone, or its reset held, in µs.
const OFF_US: Micros = 100_000;
/// How long a Pico stands still before its watchdog resets it, in µs.
const WATCHDOG_US: Micros = 50_000;
/// From one burst of noise to the next, in µs, and its bytes.
const BURST_US: Micros = 10_000;
const BURST_BYTES: u64 = 64;
/// Wall time when a session begins, in µs since 1970.
const TODAY_US: i64 = 1_790_000_000_000_000;

thread_local! {
    /// What day it is.
    static CALENDAR_US: Cell<i64> = const { Cell::new(TODAY_US) };
}

/// What was seen of a session in which something died, in µs after its start.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Every edge at an output.
    pub edges: Vec<PinEdge>,
    /// When it began, in µs after the rig's supply came; none if it never did.
    pub began: Option<Micros>,
    /// When something died.
    pub died_at: Micros,
    /// Until when that lasted, if it was over before the end.
    pub until: Micros,
    /// Why the session ended, as far as the controller learned of it.
    pub end: Option<EndReason>,
    /// Whether the device still ran it when nobody looked any more.
    pub runs_on: bool,
}

impl Seen {
    /// Counts from the session's start. Before it nothing is on, or it is as if it had been so at the start.
    fn counted_from_its_start(mut self) -> Self {
        let began = self.began.unwrap_or(0);
        self.edges.iter_mut().for_each(|edge| edge.at = edge.at.saturating_sub(began));
        for at in [&mut self.died_at, &mut self.until] {
            *at = if *at == Micros::MAX { Micros::MAX } else { at.saturating_sub(began) };
        }
        self
    }
}

/// Plays a scene.
#[must_use]
pub fn play(scene: &Scene, way: &Way, seed: u64) -> Seen {
    let mut compiled = scene.compiled();
    let armed = scene.armed().fold(0, |set, name| set | Scene::line(&compiled, name).bit());
    if *way == Way::BadImage {
        // The hash is made of what arrives; only the device's own check is left.
        damage(&mut compiled.image, seed);
    }
    let disk = Disk::default();
    if matches!(way, Way::Abort | Way::Disarm) {
        let hand = Hand::new(&compiled, armed, 1);
        return Stage::new(hand, &compiled, way, disk, seed).run();
    }
    let session = session(scene, &compiled, armed, disk.clone(), way, seed);
    let mut stage = Stage::new(session, &compiled, way, disk, seed);
    let never_let_go = scene.cast.iter().filter(|cast| matches!(cast.held, Held::On | Held::Ramping));
    let max_on = never_let_go.map(|cast| cast.output.max_on_us).filter(|us| *us <= LOOKED_AT_US * cases(1));
    stage.longest_on_us += max_on.max().unwrap_or(0);
    stage.run()
}

fn session(scene: &Scene, compiled: &Compiled, armed: u32, disk: Disk, way: &Way, seed: u64) -> Session<Disk> {
    let sync = match way {
        Way::DiskHangs => SyncPolicy { interval_us: u64::MAX, bytes: usize::MAX, apart: false },
        _ => SyncPolicy { apart: false, ..SyncPolicy::LIVE },
    };
    let plan = Plan {
        session: 1,
        compiled: compiled.clone(),
        purpose: journal::Purpose::Session,
        remarks: Vec::new(),
        protocol: scene.protocol.text.clone(),
        rig: scene.rig.text.clone(),
        seed,
        options: Vec::new(),
        subject: None,
        operator: None,
        arm: (armed != 0).then(|| (armed, "simulated operator".to_owned())),
        simulated: true,
        started_ms: None,
        sync,
        wall_clock: Some(|| CALENDAR_US.get()),
    };
    Session::new(plan, Box::new(move |header| Writer::begin(disk, header)))
}

/// Changes words of an image until it is no program any more.
fn damage(image: &mut [u32], seed: u64) {
    let mut dice = Dice::new(seed);
    let good = |image: &[u32]| Program::open(image).is_ok_and(|program| check(&program).is_ok());
    while good(image) {
        let place = dice.below(image.len() as u64) as usize;
        image[place] ^= 1 << dice.below(32);
    }
}

/// The stage: everything there is, and what has become of it.
struct Stage<'p, H> {
    host: Option<H>,
    compiled: &'p Compiled,
    way: &'p Way,
    disk: Disk,
    seed: u64,
    cable: Cable,
    /// Time since the first boot.
    now: Micros,
    /// By how much the calendar has jumped, in µs.
    calendar_jump_us: i64,
    /// By how much the controller's steady clock is ahead.
    ahead_us: Micros,
    /// Until when the controller hangs.
    hangs_until: Micros,
    /// Noise instead of frames, if there is any, and when the next burst comes.
    noise: Option<(Dice, Micros)>,
    /// How long the program holds outputs on, in µs, where it never lets go.
    longest_on_us: Micros,
    seen: Seen,
    dead: bool,
    stopped: bool,
}

/// How a boot of the device ended.
enum Boot {
    Over,
    Again { memory_kept: bool, after_us: Micros },
}

impl<'p, H: Host> Stage<'p, H> {
    fn new(host: H, compiled: &'p Compiled, way: &'p Way, disk: Disk, seed: u64) -> Self {
        let seen = Seen {
            edges: Vec::new(),
            began: None,
            died_at: Micros::MAX,
            until: Micros::MAX,
            end: None,
            runs_on: false,
        };
        Self {
            host: Some(host),
            compiled,
            way,
            disk,
            seed,
            cable: Cable::new(WireFaults::NONE, seed),
            now: 0,
            calendar_jump_us: 0,
            ahead_us: 0,
            hangs_until: 0,
            noise: None,
            longest_on_us: LONG_ENOUGH_US,
            seen,
            dead: false,
            stopped: false,
        }
    }

    fn run(mut self) -> Seen {
        let mut memory = Box::new(Memory::new());
        for boot in 1.. {
            match self.boot(&mut memory, boot) {
                Boot::Over => break,
                Boot::Again { memory_kept, after_us } => {
                    if !memory_kept {
                        *memory = Memory::new();
                    }
                    self.now += after_us;
                }
            }
        }
        self.seen.end = self.host.as_ref().and_then(Host::end);
        self.seen.counted_from_its_start()
    }

    /// One boot of the device.
    fn boot(&mut self, memory: &mut Memory, boot: u32) -> Boot {
        let booted_at = self.now;
        let settings = SimSettings { boot, ..SimSettings::new(self.seed) };
        let mut rig = SimRig::new(memory, &settings, &self.compiled.rig, Box::new(self.room(boot)));
        rig.connect_scope();
        turn_keys(&self.compiled.rig, &rig);
        if let (1, Way::Stuck { output, on, before: true }) = (boot, self.way) {
            self.stick(&rig, output, *on);
        }
        let mut over_at = None;
        loop {
            self.turn(&mut rig, booted_at);
            if let (None, Some(began)) = (self.seen.began, rig.began()) {
                self.seen.began = Some(began + booted_at);
                self.foresee();
            }
            if !self.dead && self.now >= self.seen.died_at {
                self.dead = true;
                if let Some(again) = self.die(&mut rig, booted_at) {
                    return again;
                }
                continue;
            }
            self.stop_if_nothing_came_of_it();
            let host_over = self.host.as_ref().is_none_or(Host::is_done);
            if (self.seen.began.is_some() || host_over) && rig.began().is_none() && over_at.is_none() {
                over_at = Some(self.now);
            }
            let out_of_patience = self.now > LONGEST_US;
            if over_at.is_some_and(|at| self.now >= at + AFTERWARDS_US) || out_of_patience {
                self.take_scope(&mut rig, booted_at);
                self.seen.runs_on = rig.running();
                return Boot::Over;
            }
            self.go_on(&mut rig, booted_at, over_at);
        }
    }

    /// Everything that is due now, at both ends.
    fn turn(&mut self, rig: &mut SimRig<'_>, booted_at: Micros) {
        let mut frame = [0; MAX_FRAME];
        let (now, since_boot) = (self.now, self.now - booted_at);
        let host_now = now + self.ahead_us;
        let hears = now >= self.hangs_until;
        while let Some(bytes) = self.receive(true) {
            rig.handle_bytes(since_boot, &bytes);
        }
        rig.run_until(since_boot);
        while let Some(used) = rig.poll_transmit(since_boot, &mut frame) {
            self.cable.to_host.send(now, &frame[..used]);
        }
        if !hears {
            return;
        }
        while let Some(bytes) = self.receive(false) {
            if let Some(host) = &mut self.host {
                host.handle_bytes(host_now, &bytes);
            }
        }
        CALENDAR_US.set((TODAY_US + self.calendar_jump_us).saturating_add_unsigned(now));
        // Whoever has nothing left to do has gone.
        if let Some(host) = self.host.as_mut().filter(|host| !host.is_done()) {
            host.poll(host_now);
            while let Some(used) = host.poll_transmit(host_now, &mut frame) {
                self.cable.to_device.send(now, &frame[..used]);
            }
        }
    }

    /// What has arrived, whether at the device or at the controller.
    fn receive(&mut self, at_device: bool) -> Option<Vec<u8>> {
        let Self { cable, noise, now, .. } = self;
        let wire = if at_device { &mut cable.to_device } else { &mut cable.to_host };
        let mut bytes = Vec::new();
        let came = wire.receive(*now, |frame| bytes.extend_from_slice(frame));
        if let Some((dice, _)) = noise {
            bytes.iter_mut().for_each(|byte| *byte = dice.byte());
        }
        came.then_some(bytes)
    }

    /// When it is known when the session began, it is known when something dies.
    fn foresee(&mut self) {
        let Some(began) = self.seen.began else { return };
        self.seen.died_at = match self.way {
            // From the first record on.
            Way::DiskHangs => began,
            _ => began + DIES_US,
        };
    }

    /// Something dies.
    fn die(&mut self, rig: &mut SimRig<'_>, booted_at: Micros) -> Option<Boot> {
        let since_boot = self.now - booted_at;
        match self.way {
            Way::HostKilled => self.host = None,
            Way::HostHangs(us) => {
                self.hangs_until = self.now + us;
                self.seen.until = self.hangs_until;
            }
            Way::DiskFull => self.disk.fill_up(),
            Way::CalendarJumps(us) => self.calendar_jump_us = *us,
            Way::SteadyClockJumps(us) => self.ahead_us = *us,
            Way::CableOut => {
                self.cable.to_device.connect(false);
                self.cable.to_host.connect(false);
            }
            Way::Noise => self.noise = Some((Dice::new(self.seed), self.now)),
            Way::PowerCut => return Some(self.reset(rig, booted_at, false, OFF_US)),
            Way::Reset => return Some(self.reset(rig, booted_at, true, OFF_US)),
            Way::Watchdog => {
                // Nothing of the device goes on; its pins stay as they are.
                self.now += WATCHDOG_US;
                return Some(self.reset(rig, booted_at, true, OFF_US));
            }
            Way::HeldUp(half, us) => {
                rig.hold_up(*half, since_boot + us);
                if *half == sim::Half::Outer {
                    self.seen.until = self.now + us;
                }
            }
            Way::Stopped => self.host.as_mut().into_iter().for_each(Host::stop),
            Way::Abort => self.command(Command::Abort),
            Way::Disarm => self.command(Command::Disarm { lines: self.compiled.rig.must_arm() }),
            Way::Stuck { output, on, before: false } => self.stick(rig, output, *on),
            Way::Stuck { before: true, .. }
            | Way::Nothing
            | Way::DiskHangs
            | Way::Storm
            | Way::EmergencyStop
            | Way::KeyOff
            | Way::SensorsDead
            | Way::BadImage
            | Way::DividesByZero
            | Way::ChainsWithoutEnd
            | Way::NeverLetsGo
            | Way::Ends => {}
        }
        None
    }

    fn command(&mut self, command: Command) {
        if let Some(host) = &mut self.host {
            host.command(command);
        }
    }

    /// The pad of an output no longer follows.
    fn stick(&self, rig: &SimRig<'_>, output: &str, on: bool) {
        let line = Scene::line(self.compiled, output);
        if let Some(line) = self.compiled.rig.lines.get(line.index()) {
            rig.pins().stick(line.pin, Some(line.active_high == on));
        }
    }

    /// The device's pins are let go, and after a while it boots again.
    fn reset(&mut self, rig: &mut SimRig<'_>, booted_at: Micros, memory_kept: bool, after_us: Micros) -> Boot {
        self.take_scope(rig, booted_at);
        for (place, line) in (0_u8..).zip(&self.compiled.rig.lines) {
            let is_on = match line.role {
                Role::Output { speaker: true, .. } => rig.pins().tone(line.pin).is_some(),
                _ => rig.pins().is_high(line.pin) == line.active_high,
            };
            if line.role.output().is_some() && is_on {
                // A resistor outside holds it off as soon as nobody drives it.
                self.seen.edges.push(PinEdge { at: self.now, line: LineId(place), on: false });
            }
        }
        Boot::Again { memory_kept, after_us }
    }

    fn take_scope(&mut self, rig: &mut SimRig<'_>, booted_at: Micros) {
        let edges = rig.take_scope();
        self.seen.edges.extend(edges.into_iter().map(|edge| PinEdge { at: edge.at + booted_at, ..edge }));
    }

    /// A session that goes on as if nothing had happened is ended at some time.
    fn stop_if_nothing_came_of_it(&mut self) {
        let patience_us = match self.way {
            Way::Nothing
            | Way::CalendarJumps(_)
            | Way::HostHangs(_)
            | Way::HeldUp(..)
            | Way::Disarm
            | Way::KeyOff
            | Way::SensorsDead
            | Way::Stuck { .. } => LONG_ENOUGH_US,
            Way::NeverLetsGo => self.longest_on_us,
            _ => return,
        };
        if !self.stopped && self.seen.began.is_some_and(|began| self.now >= began + patience_us) {
            self.stopped = true;
            self.seen.until = self.seen.until.min(self.now);
            self.host.as_mut().into_iter().for_each(Host::stop);
        }
    }

    /// Lets time pass until something is due.
    fn go_on(&mut self, rig: &mut SimRig<'_>, booted_at: Micros, over_at: Option<Micros>) {
        let host = self.host.as_ref().filter(|host| !host.is_done());
        let host_at = host.and_then(Host::poll_at).map(|at| at.saturating_sub(self.ahead_us));
        let host_at = [host_at, self.cable.to_host.next_at()].into_iter().flatten().min();
        let coming = [
            rig.poll_at().map(|at| at + booted_at),
            self.cable.to_device.next_at(),
            host_at.map(|at| at.max(self.hangs_until)),
            over_at.map(|at| at + AFTERWARDS_US),
            (!self.dead).then_some(self.seen.died_at),
            self.noise.as_ref().map(|(_, burst_at)| *burst_at),
        ];
        let next = coming.into_iter().flatten().min().unwrap_or(self.now);
        self.now = next.max(self.now + 1);
        if let Some((dice, burst_at)) = &mut self.noise
            && *burst_at <= self.now
        {
            *burst_at = self.now + BURST_US;
            for wire in [&mut self.cable.to_device, &mut self.cable.to_host] {
                let burst: Vec<u8> = (0..dice.below(BURST_BYTES)).map(|_| dice.byte()).collect();
                wire.send(self.now, &burst);
            }
        }
    }

    /// Who is in the room.
    fn room(&self, boot: u32) -> Room {
        let line = |name: &str| self.compiled.symbols.lines.iter().position(|line| line.name == name);
        let guards = |what: Guards| {
            let guards = |role| matches!(role, Role::Input { guards, .. } if guards == what);
            self.compiled.rig.lines.iter().position(|line| guards(line.role))
        };
        let hands = match self.way {
            _ if boot != 1 => Vec::new(),
            // High and low within each microsecond.
            Way::Storm => line(rigs::STORM).map_or_else(Vec::new, |line| {
                let line = LineId(line as u8);
                (0..STORM_US).flat_map(|us| [true, false].map(|high| (DIES_US + us, line, high))).collect()
            }),
            Way::EmergencyStop => {
                guards(Guards::Stop).map_or_else(Vec::new, |n| vec![(DIES_US, LineId(n as u8), true)])
            }
            Way::KeyOff => guards(Guards::Arming).map_or_else(Vec::new, |n| vec![(DIES_US, LineId(n as u8), false)]),
            _ => Vec::new(),
        };
        Room::new(&self.compiled.rig, hands, (*self.way == Way::SensorsDead).then_some(DIES_US))
    }
}
