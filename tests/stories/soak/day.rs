//! One rig for a day: session after session by a controller of its own, with its share of troubles. Owns the course of time
//! and what must have come of each session and each boot.

use std::collections::BTreeMap;
use std::fmt;

use assembler::noise::{self, Addressee};
use compiler::{Compiled, Options, RigConfig, Source};
use controller::lockstep::Cable;
use controller::room;
use controller::session::{Ended, Plan, Session, SessionError, SyncPolicy};
use harness::monitor::{Controller, History, Outside, Rules, Stretch, Wish, judge};
use harness::{Disk, top};
use journal::{Integrity, Writer};
use link::frame::MAX_FRAME;
use link::message::HostFrame;
use link::record::Record;
use link::rig::{Duty, Guards, NO_LIMIT, Role};
use link::{LineId, Micros};
use sim::random::Dice;
use sim::{Memory, SimRig, SimSettings};

use crate::box_of_trouble::{Paper, Trouble, Within, slip};
use crate::troubles::{self, SECOND, Troubles};

/// From one session to the next, in µs.
const BETWEEN_US: Micros = 30 * SECOND;
/// Turns without time passing.
const TURNS_MAX: u32 = 100_000;
/// The number of the board.
const BOARD: u64 = 7;
/// Noise is meant for nobody.
const NOBODY: Addressee = Addressee { boot: 1, session: 1 };
/// What the shipped rig and protocol have besides: names and what the rig says of them.
const ADDED: [(&str, u8); 3] = [("beam", 4), ("halt", 5), ("key", 6)];

/// Where those go.
const RIG_ENDS: &str = "\n  joystick:";
const LINES_END: &str = "  laser: laser\n";

/// What happened in a day.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    simulated_us: Micros,
    sessions: u64,
    boots: u64,
    records: u64,
    edges: u64,
    unpaired: u64,
    seen: BTreeMap<String, u64>,
}

/// The protocol of the day on the rig of the day.
struct Setting {
    compiled: Compiled,
    config: RigConfig,
    protocol: String,
    within: Within,
}

impl Setting {
    fn new() -> Self {
        let read = |path: &str| Source::read(&top().join(path)).unwrap_or_else(|found| panic!("{found}"));
        let (mut protocol, mut rig) = (read("protocols/probabilistic-reward.yaml"), read("rig-configs/sim-box.yaml"));
        for (name, pin) in ADDED {
            let line = format!("{name}: {{kind: lick, pin: {pin}, active: high, pull: down, debounce: 0 ms}}");
            // Behind the spout, or the rat would lick there.
            rig.text = rig.text.replacen(RIG_ENDS, &format!("\n  {line}{RIG_ENDS}"), 1);
            protocol.text = protocol.text.replacen(LINES_END, &format!("{LINES_END}  {name}: lick\n"), 1);
        }
        let config = compiler::read_rig(&rig).unwrap_or_else(|found| panic!("{found:?}"));
        let set = [("trials_max", "5000"), ("session_length", "60 min")];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let mut compiled =
            compiler::compile(&protocol, &config, &Options { set }).unwrap_or_else(|found| panic!("{found:?}"));
        let place = |name: &str| {
            let place = compiled.symbols.lines.iter().position(|line| line.name == name);
            LineId(place.unwrap_or_else(|| panic!("no line {name}")) as u8)
        };
        let within = Within { beam: place("beam"), stop: place("halt"), key: place("key") };
        let (water, laser) = (place("water"), place("laser"));
        for (n, line) in (0_u8..).zip(&mut compiled.rig.lines) {
            match &mut line.role {
                Role::Input { guards, .. } if LineId(n) == within.stop => *guards = Guards::Stop,
                Role::Input { guards, .. } if LineId(n) == within.key => *guards = Guards::Arming,
                // So tight that a few requests of a session go past them.
                Role::Output { limits, .. } if LineId(n) == water => {
                    (limits.min_off_us, limits.total.pulses) = (14_000_000, 40);
                }
                Role::Output { limits, .. } if LineId(n) == laser => {
                    limits.duty = Some(Duty { window_us: 60_000_000, on_us: 250_000 });
                    (limits.total.on_us, limits.total.dose_us) = (1_000_000, NO_LIMIT);
                }
                _ => {}
            }
        }
        Self { compiled, config, protocol: protocol.text, within }
    }
}

/// What is known of one boot from outside.
struct Seen {
    booted_at: Micros,
    history: History,
    frames: Vec<Micros>,
    wishes: Vec<Wish>,
    sessions: Vec<Stretch>,
    /// Lines whose pad stuck: what their pins do is not the device's doing.
    stuck: u32,
    running: bool,
}

/// A day.
struct Day {
    setting: Setting,
    dice: Dice,
    noise: noise::Dice,
    now: Micros,
    tally: Tally,
    paper: Paper,
}

/// Lives so many minutes of simulated time.
pub(crate) fn live(minutes: u64, seed: u64) -> Tally {
    let mut day = Day {
        setting: Setting::new(),
        dice: Dice::new(seed, "soak"),
        noise: noise::Dice::new(seed),
        now: 0,
        tally: Tally::default(),
        paper: Paper::default(),
    };
    let mut memory = Box::new(Memory::new());
    // A session whose device was reset goes on with the next boot.
    let mut left = None;
    while day.now < minutes * 60 * SECOND || left.is_some() {
        left = day.boot(&mut memory, left, minutes * 60 * SECOND);
    }
    day.tally.simulated_us = day.now;
    day.tally
}

/// A session under way, and what is on its disk.
struct UnderWay {
    session: Session<Disk>,
    disk: Disk,
    began_at: Micros,
    troubles: Troubles,
    cable: Cable,
    plugged_at: Option<Micros>,
    awake_at: Micros,
}

/// What makes an end of a boot.
#[derive(PartialEq, Eq)]
enum Next {
    Session,
    Reset,
}

impl Day {
    /// From one reset to the next: sessions, until one is cut by a reset or someone must look after the rig.
    fn boot(&mut self, memory: &mut Memory, mut left: Option<UnderWay>, end: Micros) -> Option<UnderWay> {
        self.tally.boots += 1;
        let seed = self.dice.bits();
        let preempt = [0.0, 1.0 / 64.0, 0.3][self.dice.below(3) as usize];
        // One board for all of the day.
        let settings = SimSettings { boot: self.tally.boots as u32, preempt, ..SimSettings::new(BOARD) };
        let compiled = self.setting.compiled.clone();
        let rat = room::animal(&compiled, &self.setting.config, seed).unwrap_or_else(|error| panic!("{error}"));
        let animal = Trouble::new(rat, self.setting.within, self.paper.clone());
        let mut rig = SimRig::new(memory, &settings, &compiled.rig, Box::new(animal));
        room::at_rest(&compiled).for_each(|(pin, raw)| rig.rest(pin, raw));
        rig.connect_scope();
        let mut seen = Seen {
            booted_at: self.now,
            history: History::default(),
            frames: Vec::new(),
            wishes: Vec::new(),
            sessions: Vec::new(),
            stuck: 0,
            running: false,
        };
        // The key is turned.
        let key = compiled.rig.lines[self.setting.within.key.index()];
        rig.pins().set_input(key.pin, key.active_high);
        seen.history.pin(self.now, key.pin, key.active_high);
        let cut = loop {
            let mut under_way = match left.take() {
                Some(under_way) => under_way,
                None if self.now >= end => break None,
                None => self.begin(&mut seen),
            };
            let next = self.carry(&mut under_way, &mut rig, &mut seen);
            if next == Next::Reset {
                break Some(under_way);
            }
            let looked_after = self.close(under_way, &mut seen);
            self.now += BETWEEN_US;
            if !looked_after {
                break None;
            }
        };
        self.judge(&mut rig, seen);
        cut
    }

    fn begin(&mut self, seen: &mut Seen) -> UnderWay {
        self.tally.sessions += 1;
        let compiled = self.setting.compiled.clone();
        let troubles = Troubles::throw(&mut self.dice, compiled.rig.outputs().count_ones() as usize);
        let lines = compiled.rig.must_arm();
        if troubles.arms {
            seen.history.act(self.now, Outside::Armed(lines));
            seen.wishes.push(Wish { from: self.now, to: self.now, lines });
        }
        seen.history.act(self.now, Outside::SessionBegan);
        let plan = Plan {
            session: self.tally.sessions as u32,
            compiled,
            protocol: self.setting.protocol.clone(),
            rig: self.setting.config.text.clone(),
            seed: self.dice.bits(),
            options: Vec::new(),
            subject: None,
            operator: None,
            arm: troubles.arms.then(|| (lines, "simulated operator".to_owned())),
            purpose: journal::Purpose::Session,
            remarks: Vec::new(),
            simulated: true,
            started_ms: None,
            sync: SyncPolicy::SIMULATED,
            wall_clock: None,
        };
        slip(&self.paper).wanted.clone_from(&troubles.inside);
        for (_, meddling) in &troubles.inside {
            self.tally.note(format!("{meddling:?}").split('(').next().unwrap_or_default());
        }
        if troubles.wire.drop > 0.0 {
            self.tally.note("BadCable");
        }
        let disk = Disk::default();
        let written = disk.clone();
        UnderWay {
            session: Session::new(plan, Box::new(move |header| Writer::begin(written, header))),
            disk,
            began_at: self.now,
            cable: Cable::new(troubles.wire, self.dice.bits()),
            troubles,
            plugged_at: None,
            awake_at: 0,
        }
    }

    /// Time goes on, until the session is over or the device is reset.
    fn carry(&mut self, under_way: &mut UnderWay, rig: &mut SimRig<'_>, seen: &mut Seen) -> Next {
        let mut frame = [0; MAX_FRAME];
        let mut turns = 0;
        loop {
            let now = self.now;
            let since_boot = now - seen.booted_at;
            let UnderWay { session, cable, troubles, awake_at, .. } = under_way;
            while cable.to_device.receive(now, |bytes| {
                if self.noise.percent(troubles.noise_percent) {
                    let mut noise = noise::noise(&mut self.noise, &NOBODY);
                    noise.push(0);
                    rig.handle_bytes(since_boot, &noise);
                    self.tally.note("Noise");
                }
                // One that was spoiled on its way is not heard.
                if HostFrame::decode(&noise::payload(bytes)).is_some() {
                    seen.frames.push(now);
                }
                rig.handle_bytes(since_boot, bytes);
            }) {}
            rig.run_until(since_boot);
            while let Some(used) = rig.poll_transmit(since_boot, &mut frame) {
                cable.to_host.send(now, &frame[..used]);
            }
            seen.watch(now.max(seen.booted_at + rig.clock()), rig.running());
            if now >= *awake_at {
                while cable.to_host.receive(now, |bytes| session.handle_bytes(now, bytes)) {}
                session.poll(now);
                while let Some(used) = session.poll_transmit(now, &mut frame) {
                    cable.to_device.send(now, &frame[..used]);
                }
            }
            if session.is_done() {
                return Next::Session;
            }
            let (awake_at, hangs) = (*awake_at, now < *awake_at);
            let asked = session.poll_at().map(|at| at.max(awake_at));
            let heard = cable.to_host.next_at().map(|at| if hangs { at.max(awake_at) } else { at });
            let sent = cable.to_device.next_at();
            if let Some(next) = self.trouble(under_way, rig, seen) {
                return next;
            }
            let coming = [
                asked,
                heard,
                sent,
                under_way.plugged_at,
                under_way.next_trouble(),
                rig.poll_at().map(|at| at + seen.booted_at),
            ];
            let next = coming.into_iter().flatten().min().unwrap_or(now + 1).max(now);
            turns = if next == now { turns + 1 } else { 0 };
            assert!(turns < TURNS_MAX, "no time passes at {now} µs");
            // An end that is always due must not hold the clock.
            self.now = if turns > 1_000 { now + 1 } else { next };
        }
    }

    /// What goes wrong now.
    fn trouble(&mut self, under_way: &mut UnderWay, rig: &SimRig<'_>, seen: &mut Seen) -> Option<Next> {
        let now = self.now;
        if under_way.plugged_at.is_some_and(|at| at <= now) {
            under_way.plugged_at = None;
            under_way.cable.to_device.connect(true);
            under_way.cable.to_host.connect(true);
        }
        while under_way.next_trouble().is_some_and(|at| at <= now) {
            let (_, trouble) = under_way.troubles.outside.remove(0);
            self.tally.note(format!("{trouble:?}").split('(').next().unwrap_or_default());
            match trouble {
                troubles::Trouble::CableOut(for_us) => {
                    under_way.plugged_at = Some(now + for_us);
                    under_way.cable.to_device.connect(false);
                    under_way.cable.to_host.connect(false);
                }
                troubles::Trouble::Hang(for_us) => under_way.awake_at = now + for_us,
                troubles::Trouble::Stick(place, level) => {
                    let outputs = self.setting.compiled.rig.lines.iter().enumerate();
                    let output = outputs.filter(|(_, line)| line.role.output().is_some()).nth(place);
                    if let Some((n, line)) = output {
                        rig.pins().stick(line.pin, Some(level));
                        seen.stuck |= 1 << n;
                    }
                }
                troubles::Trouble::Reset => {
                    under_way.cable.to_device.connect(false);
                    under_way.cable.to_device.connect(true);
                    return Some(Next::Reset);
                }
                troubles::Trouble::Stop => under_way.session.stop(),
            }
        }
        None
    }

    /// What came of a session. False if someone must look after the rig before the next.
    fn close(&mut self, mut under_way: UnderWay, seen: &mut Seen) -> bool {
        let result = under_way.session.take_result().unwrap_or_else(|| panic!("no result"));
        let told = format!("session {} from {} µs", self.tally.sessions, under_way.began_at);
        seen.history.act(self.now, Outside::Reset);
        let bytes = under_way.disk.bytes();
        let name = match &result {
            Ok(Ended { reason, .. }) => format!("ended: {reason:?}"),
            Err(SessionError::NeverStarted | SessionError::Unheard | SessionError::Refused { .. }) => {
                self.tally
                    .note(&format!("not begun: {}", result.err().map_or(String::new(), |error| error.to_string())));
                return false;
            }
            Err(error) => panic!("{told}: {error}"),
        };
        self.tally.note(name.split('(').next().unwrap_or_default());
        let session = journal::Session::read(&bytes).unwrap_or_else(|error| panic!("{told}: {error}"));
        let integrity = session.verify().unwrap_or_else(|finding| panic!("{told}: {finding}"));
        assert_eq!(integrity, Integrity::Whole, "{told}");
        let mut ends = 0;
        for (expected, (number, at, record)) in (0..).zip(session.records()) {
            assert_eq!(number, expected, "{told}: a record is missing");
            self.tally.records += 1;
            ends += u64::from(matches!(record, Record::End(_)));
            if let Record::Trip(cause) = record {
                self.tally.note(format!("trip: {cause:?}").split('(').next().unwrap_or_default());
                seen.history.act(seen.booted_at + at, Outside::Tripped);
                seen.history.act(seen.booted_at + at, Outside::Disarmed(u32::MAX));
            }
            match record {
                Record::Verdict { verdict, .. } => self.tally.note(&format!("verdict: {verdict:?}")),
                Record::Disarmed { cause, .. } => self.tally.note(&format!("disarmed: {cause:?}")),
                _ => {}
            }
        }
        assert_eq!(ends, 1, "{told}: one end");
        let report = journal::replay(&session).unwrap_or_else(|failure| panic!("{told}: {failure}"));
        self.tally.unpaired += u64::from(!report.is_clean());
        // A pad that sticks, a stop that was opened and a key that is off are looked after with the supply off.
        seen.stuck == 0 && !name.contains("Tripped") && self.key_is_on()
    }

    fn key_is_on(&self) -> bool {
        let slip = slip(&self.paper);
        let moved = slip.done.iter().rev().find(|(_, line, _)| *line == self.setting.within.key);
        moved.is_none_or(|(.., on)| *on)
    }

    /// Whether every limit was kept in a boot.
    fn judge(&mut self, rig: &mut SimRig<'_>, mut seen: Seen) {
        let lines = &self.setting.compiled.rig.lines;
        let mut on = 0_u32;
        for edge in rig.take_scope() {
            let line = lines[edge.line.index()];
            let speaker = matches!(line.role, Role::Output { speaker: true, .. });
            seen.history.pin(seen.booted_at + edge.at, line.pin, edge.on == (speaker || line.active_high));
            on = if edge.on { on | edge.line.bit() } else { on & !edge.line.bit() };
            self.tally.edges += 1;
        }
        // A reset lets go of every pin.
        for (n, line) in lines.iter().enumerate().filter(|(n, _)| on >> n & 1 != 0) {
            let speaker = matches!(line.role, Role::Output { speaker: true, .. });
            assert!(seen.running || seen.stuck >> n & 1 != 0, "line {n} is on and no session runs");
            seen.history.pin(self.now, line.pin, !(speaker || line.active_high));
        }
        for (at, line, active) in std::mem::take(&mut slip(&self.paper).done) {
            let line = lines[line.index()];
            seen.history.pin(seen.booted_at + at, line.pin, active == line.active_high);
        }
        seen.watch(self.now, false);
        seen.history.until = self.now;
        let rig = &self.setting.compiled.rig;
        let controller = Controller {
            frames: &seen.frames,
            wishes: &seen.wishes,
            silence_us: rig.silence_us,
            rejoin_us: rig.rejoin_us,
        };
        for session in &seen.sessions {
            controller.add_silences(*session, &mut seen.history);
        }
        let mut rules = Rules::of(rig);
        rules.outputs.retain(|output| output.line.bit() & seen.stuck == 0);
        let violations = judge(&rules, &seen.history);
        assert!(
            violations.is_empty(),
            "boot {}: {} limits not kept: {}",
            self.tally.boots,
            violations.len(),
            violations[0]
        );
    }
}

impl UnderWay {
    fn next_trouble(&self) -> Option<Micros> {
        self.troubles.outside.first().map(|(at, _)| self.began_at + at)
    }
}

impl Seen {
    /// Notes when a session is seen to begin and to end.
    fn watch(&mut self, now: Micros, running: bool) {
        if running && !self.running {
            self.sessions.push(Stretch { from: now, to: now });
        } else if !running && self.running {
            self.history.act(now, Outside::SessionEnded);
            self.history.act(now, Outside::Disarmed(u32::MAX));
            if let Some(session) = self.sessions.last_mut() {
                session.to = now;
            }
        }
        self.running = running;
    }
}

impl Tally {
    fn note(&mut self, name: &str) {
        *self.seen.entry(name.to_owned()).or_default() += 1;
    }

    /// Fails if something that can happen did not.
    pub(crate) fn is_rich(&self, whole: bool) {
        assert!(self.sessions > 0 && self.records > 0 && self.edges > 0);
        if !whole {
            return;
        }
        let wanted = [
            "BadCable",
            "CableOut",
            "Hang",
            "Noise",
            "Storm",
            "EmergencyStop",
            "Key",
            "Stick",
            "Reset",
            "trip: EmergencyStop",
            "trip: PadMismatch",
            "trip: Lost",
            "disarmed: Key",
            "disarmed: Silence",
            "verdict: Withheld",
            "verdict: TooSoon",
            "verdict: OverDuty",
            "verdict: OverTotal",
        ];
        let missing: Vec<_> = wanted.iter().filter(|name| !self.seen.contains_key(**name)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}");
        assert!(self.simulated_us >= 24 * 3_600 * SECOND);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { simulated_us, sessions, boots, records, edges, unpaired, seen } = self;
        let minutes = simulated_us / (60 * SECOND);
        write!(
            f,
            "{} h {} min simulated: {sessions} sessions, {boots} boots, {records} records, {edges} output edges; journals \
             with unpaired edges: {unpaired}",
            minutes / 60,
            minutes % 60
        )?;
        seen.iter().try_for_each(|(name, count)| write!(f, "\n  {name:<28} {count}"))
    }
}
