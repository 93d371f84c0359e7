//! A whole simulated system: controller, cable, device, box and animal, in one call.

use compiler::symbols::Symbols;
use compiler::{Compiled, Diagnostics, Options, RigConfig, Sitting, Source};
use controller::lockstep::{self, Cable};
use controller::room;
use controller::session::{Ended, Plan, Session, SessionError, SyncPolicy};
use controller::stop::Asked;
use controller::tally::Tally;
use emulated::{BenchError, EmulatedRig, EmulatedSettings};
use journal::Writer;
use link::Micros;
use link::rig::{Rig, RigLine};
use sim::animal::{Animal, Surroundings};
use sim::{Memory, PinEdge, SimRig, SimSettings, VirtualBody, WireFaults};

use crate::cut::Severed;
use crate::noisy::Noisy;
use crate::{Disk, OnChip, top};

/// The longest session on the emulated chip, in µs of its time: what goes on longer is stopped.
const LONGEST_ON_CHIP_US: Micros = 300_000_000;

/// When its session has begun at the latest, in µs of its time.
const BEGUN_ON_CHIP_US: Micros = 10_000_000;

/// How long a chip is looked at behind a session, in µs.
const AFTER_ON_CHIP_US: Micros = 1_000_000;

/// Everything there is to choose about a simulated session.
pub struct System {
    /// The program and its rig.
    pub compiled: Compiled,
    /// Decides everything left to chance.
    pub seed: u64,
    /// What is wrong with the cable.
    pub faults: WireFaults,
    /// How often halves of the device are interrupted.
    pub preempt: f64,
    /// The lines armed at the start.
    pub arm: u32,
    /// Where the journal goes.
    pub disk: Disk,
    /// When records go to the disk.
    pub sync: SyncPolicy,
    /// The session is stopped at this virtual time, if it has not ended by then.
    pub stop_at: Option<Micros>,
    /// The session is stopped so long after its start, by the controller's clock.
    pub stop_after_us: Option<Micros>,
    /// The session is aborted so long after its start, by the controller's clock.
    pub abort_after_us: Option<Micros>,
    /// The device is given up so long after the session's start, by the controller's clock.
    pub give_up_after_us: Option<Micros>,
    /// The cable is out from so long after the session's start to so long after it, by the controller's clock.
    pub unplugged_us: Option<(Micros, Micros)>,
    /// Stands in for a body with this `settle_us`; otherwise the rig-config's.
    pub settle_us: Option<u32>,
    rig: Option<RigConfig>,
    animal: Option<Box<dyn Animal + Send>>,
    protocol: String,
}

/// The rig that ships.
pub(crate) const SIM_BOX: &str = "rig-configs/sim-box.yaml";

/// A file of the repository.
pub(crate) fn read(path: &str) -> Source {
    Source::read(&top().join(path)).unwrap_or_else(|found| panic!("{found}"))
}

/// What came of a session.
pub struct Outcome {
    /// How it ended.
    pub result: Result<Ended, SessionError>,
    /// The journal's bytes.
    pub journal: Vec<u8>,
    /// What an oscilloscope saw at the outputs.
    pub edges: Vec<PinEdge>,
    /// The outputs that were on when all was over, as a set of lines.
    pub still_on: u32,
    /// Virtual time of the whole, in µs.
    pub took_us: Micros,
    /// What was counted while it ran.
    pub tally: Tally,
    /// When the controller's last whole word reached the emulated chip, in ns since its supply came.
    pub last_word_ns: u64,
}

impl Outcome {
    /// The journal, read.
    #[must_use]
    pub fn session(&self) -> journal::Session {
        match journal::Session::read(&self.journal) {
            Ok(session) => session,
            Err(error) => panic!("the journal cannot be read: {error}"),
        }
    }
}

impl System {
    /// A shipped protocol on the shipped rig, with parameters set.
    #[must_use]
    pub fn shipped(protocol: &str, set: &[(&str, &str)], seed: u64) -> Self {
        Self::written(read(protocol), set, seed)
    }

    /// A shipped protocol on the shipped rig that has its lines, with parameters set.
    ///
    /// # Panics
    /// When either does not read.
    #[must_use]
    pub fn fitting(protocol: &str, set: &[(&str, &str)], seed: u64) -> Self {
        let protocol = read(protocol);
        let fits = controller::scenarios::fit::shipped(&compiler::scenario::lines_of(&protocol));
        let (rig, _) = fits.unwrap_or_else(|found| panic!("{found:?}"));
        Self::on_rig(protocol, &rig, set, seed)
    }

    /// A protocol on the shipped rig, with parameters set.
    #[must_use]
    pub fn written(protocol: Source, set: &[(&str, &str)], seed: u64) -> Self {
        Self::on_rig(protocol, &read(SIM_BOX), set, seed)
    }

    /// A protocol on a rig, with parameters set.
    #[must_use]
    pub fn on_rig(protocol: Source, rig: &Source, set: &[(&str, &str)], seed: u64) -> Self {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let rig = compiler::read_rig(rig).unwrap_or_else(|found| panic!("{found:?}"));
        let compiled = compiler::compile(&protocol, &rig, &Options { set }).unwrap_or_else(|found| panic!("{found:?}"));
        let arm = room::person(&compiled, &rig).map_or(0, |(lines, _)| lines);
        Self {
            compiled,
            seed,
            faults: WireFaults::NONE,
            preempt: SimSettings::new(seed).preempt,
            arm,
            disk: Disk::default(),
            sync: SyncPolicy::SIMULATED,
            stop_at: None,
            settle_us: None,
            stop_after_us: None,
            abort_after_us: None,
            give_up_after_us: None,
            unplugged_us: None,
            rig: Some(rig),
            animal: None,
            protocol: protocol.text,
        }
    }

    /// The same with another animal than the rig-config asks for.
    #[must_use]
    pub fn with_animal(self, animal: impl Animal + Send + 'static) -> Self {
        Self { animal: Some(Box::new(animal)), ..self }
    }

    /// A program that no protocol stands behind, with an animal that does as it is told.
    #[must_use]
    pub fn bare(compiled: Compiled, animal: Box<dyn Animal + Send>, seed: u64) -> Self {
        Self {
            compiled,
            seed,
            faults: WireFaults::NONE,
            preempt: SimSettings::new(seed).preempt,
            arm: 0,
            disk: Disk::default(),
            sync: SyncPolicy::SIMULATED,
            stop_at: None,
            settle_us: None,
            stop_after_us: None,
            abort_after_us: None,
            give_up_after_us: None,
            unplugged_us: None,
            rig: None,
            animal: Some(animal),
            protocol: String::new(),
        }
    }

    /// What is what in its box.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings {
        self.rig.as_ref().map(|rig| room::surroundings(&self.compiled, rig)).unwrap_or_default()
    }

    /// Runs the session to its end.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.run_watched(|_, _, _| {})
    }

    /// The same, with someone looking on who may meddle.
    #[must_use]
    pub fn run_watched(mut self, look: impl FnMut(Micros, &mut Session<Disk>, &mut Cable)) -> Outcome {
        let animal = self.take_animal();
        let settle_us = self.rig.as_ref().and_then(|rig| rig.simulation.as_ref()).map_or(2, |sim| sim.settle_us);
        let settle_us = self.settle_us.unwrap_or(settle_us);
        let settings = SimSettings { settle_us, preempt: self.preempt, ..SimSettings::new(self.seed) };
        let mut memory = Box::new(Memory::new());
        let mut sim = SimRig::new(&mut memory, &settings, &self.compiled.rig, animal);
        room::at_rest(&self.compiled).for_each(|(pin, raw)| sim.rest(pin, raw));
        sim.connect_scope();
        let mut session = self.session(1);
        let (result, took_us) = self.carry(&mut session, &mut sim, look);
        // Whatever the controller thinks, the device is given time to become safe on its own.
        sim.run_until(took_us + 120_000_000);
        Outcome {
            result,
            journal: self.disk.bytes(),
            edges: sim.take_scope(),
            still_on: still_on(&sim, &self.compiled.rig),
            took_us,
            tally: session.tally().clone(),
            last_word_ns: 0,
        }
    }

    /// Runs the session on the emulated chip, with the real image.
    ///
    /// # Errors
    /// When the emulator does not start or ends in the middle.
    pub fn run_on_chip(mut self, image: &OnChip) -> Result<(Outcome, EmulatedRig), BenchError> {
        let mut rig = self.chip(image)?;
        let outcome = self.session_on_chip(image, 1, &mut rig, AFTER_ON_CHIP_US);
        Ok((outcome, rig))
    }

    /// An emulated chip with this rig around it, that has just got its supply.
    ///
    /// # Errors
    /// When the emulator does not start.
    pub fn chip(&mut self, image: &OnChip) -> Result<EmulatedRig, BenchError> {
        let animal = self.take_animal();
        let settings = EmulatedSettings {
            script: &image.tools.script,
            image: &image.image,
            cord: image.cord,
            cache: image.cache,
            phases: image.phases,
            notices: image.notices,
            upsets: &image.upsets,
            timed: image.timed,
            laps: image.laps,
            seed: self.seed,
        };
        let mut rig = EmulatedRig::new(&settings, &self.compiled.rig, animal)?;
        if let Some((pin, level)) = image.stuck {
            rig.bench().stick(pin, Some(level));
        }
        room::at_rest(&self.compiled).for_each(|(pin, raw)| rig.rest(pin, raw));
        rig.connect_scope();
        Ok(rig)
    }

    /// Runs a session on a chip, from where it is now to its end, and looks at it so many µs longer.
    pub(crate) fn session_on_chip(
        &mut self,
        image: &OnChip,
        number: u32,
        rig: &mut EmulatedRig,
        afterwards_us: Micros,
    ) -> Outcome {
        let mut session = self.session(number);
        // A chip that never answers would be asked for a day.
        let mut limit = self.stop_at.unwrap_or(LONGEST_ON_CHIP_US);
        let mut begun = false;
        let mut severed = Severed::new(rig, image.cut, self.seed);
        let mut noisy = Noisy::new(&mut severed, image.noise, self.seed);
        let (result, took_us) = self.carry(&mut session, &mut noisy, |now, session, _| {
            begun |= session.tally().records > 0;
            assert!(begun || now < BEGUN_ON_CHIP_US, "no record from the chip within {BEGUN_ON_CHIP_US} µs");
            if now >= limit {
                session.stop();
                limit = now + LONGEST_ON_CHIP_US;
            }
        });
        if image.noise > 0 {
            println!("  noise: {} sequences, {} bytes", noisy.sequences, noisy.bytes);
        }
        severed.run_until(took_us + afterwards_us);
        let last_word_ns = severed.last_word_ns;
        rig.settle_scope();
        Outcome {
            result,
            journal: self.disk.bytes(),
            edges: rig.take_scope(),
            still_on: rig.outputs_on(),
            took_us,
            tally: session.tally().clone(),
            last_word_ns,
        }
    }

    /// Puts something else into the box beside the animal.
    pub(crate) fn add_animal<A: Animal + Send + 'static>(&mut self, beside: impl FnOnce(Box<dyn Animal + Send>) -> A) {
        let animal = self.take_animal();
        self.animal = Some(Box::new(beside(animal)));
    }

    fn take_animal(&mut self) -> Box<dyn Animal + Send> {
        self.animal.take().unwrap_or_else(|| {
            let rig = self.rig.as_ref().map(|rig| room::animal(&self.compiled, rig, self.seed));
            rig.and_then(Result::ok).unwrap_or_else(|| Box::new(sim::animal::Scripted::new(Vec::new())))
        })
    }

    fn session(&mut self, number: u32) -> Session<Disk> {
        let plan = Plan {
            session: number,
            compiled: self.compiled.clone(),
            protocol: self.protocol.clone(),
            rig: self.rig.as_ref().map(|rig| rig.text.clone()).unwrap_or_default(),
            seed: self.seed,
            options: Vec::new(),
            purpose: journal::Purpose::Session,
            remarks: Vec::new(),
            subject: None,
            operator: None,
            arm: (self.arm != 0).then(|| (self.arm, "simulated operator".to_owned())),
            simulated: true,
            started_ms: None,
            sync: self.sync,
            wall_clock: None,
        };
        let disk = self.disk.clone();
        Session::new(plan, Box::new(move |header| Writer::begin(disk, header)))
    }

    /// Carries bytes between the session and a body until the session is over: how it ended, and when.
    fn carry(
        &self,
        session: &mut Session<Disk>,
        body: &mut impl VirtualBody,
        mut look: impl FnMut(Micros, &mut Session<Disk>, &mut Cable),
    ) -> (Result<Ended, SessionError>, Micros) {
        let mut cable = Cable::new(self.faults, self.seed);
        let stop_at = self.stop_at;
        let Self { stop_after_us, abort_after_us, unplugged_us, give_up_after_us, .. } = *self;
        let mut began = None;
        let mut watch = |now: Micros, session: &mut Session<Disk>, cable: &mut Cable| {
            if began.is_none() && session.tally().records > 0 {
                began = Some(now);
            }
            if let (Some(began), Some(after)) = (began, stop_after_us)
                && now >= began + after
            {
                session.stop();
            }
            if let (Some(began), Some(after)) = (began, abort_after_us)
                && now >= began + after
            {
                session.heed(Asked::Abort);
            }
            if let (Some(began), Some(after)) = (began, give_up_after_us)
                && now >= began + after
            {
                session.give_up("it was never to come back");
            }
            if let (Some(began), Some((from, until))) = (began, unplugged_us) {
                let plugged = !(began + from..began + until).contains(&now);
                cable.to_device.connect(plugged);
                cable.to_host.connect(plugged);
            }
            if stop_at.is_some_and(|at| now >= at) {
                session.stop();
            }
            look(now, session, cable);
        };
        let took_us = lockstep::run(session, body, &mut cable, &mut watch);
        let result = session.take_result().unwrap_or_else(|| panic!("the session stopped without saying why"));
        (result, took_us)
    }
}

fn still_on(sim: &SimRig<'_>, rig: &Rig) -> u32 {
    let on = |line: &RigLine| line.role.output().is_some() && sim.pins().is_high(line.pin) == line.active_high;
    rig.lines.iter().enumerate().filter(|(_, line)| on(line)).fold(0, |set, (place, _)| set | (1 << place))
}

/// A compiled program without a protocol: an image, a rig, and no names.
#[must_use]
pub fn generated(image: Vec<u32>, rig: Rig) -> Compiled {
    let hash = link::program::hash(&image);
    let (symbols, warnings, sitting) = (Symbols::default(), Diagnostics::default(), Sitting::default());
    let (silenced, holds, fragments) = (Vec::new(), Vec::new(), Vec::new());
    Compiled { image, rig, symbols, warnings, silenced, holds, hash, fragments, sitting }
}
