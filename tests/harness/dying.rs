//! The ways to die that the emulated chip has, each for every output of a rig at once, and how soon each output must be safe.
//! Owns the list and its bounds; what an output is asked to do before, a scene says.

use emulated::{Goes, Upset};
use link::Micros;
use link::rig::{Guards, Rig, RigLine, Role};
use sim::rig::CARRIED_ON_US;

use crate::deadly::outputs::Output;
use crate::deadly::scene::{DIES_US, Scene, TRIAL_US};
use crate::{Aftermath, Cut, OnChip, System};

/// A fault or an interrupt that is nobody's: its handler stores 30 overrides.
pub const FAULT_NS: u64 = 5_000;
/// The watchdog waits for 50 ms, and whoever sleeps runs every 5 ms.
pub const WATCHDOG_NS: u64 = 60_000_000;
/// A reset comes behind the instruction under way.
pub const RESET_NS: u64 = 1_000;
/// From a trip to the pads.
pub const TRIP_NS: u64 = 100_000;
/// An input that storms has filled its queue within this, and trips.
pub const STORM_NS: u64 = 1_000_000;
/// Every pad is looked at every 5 ms.
pub const LOOK_NS: u64 = 6_000_000;
/// For how long a line carries on behind a trip at most, and what P1 and P2 may take to end the session.
const END_NS: u64 = CARRIED_ON_US * 1_000 + 10_000_000;
/// What may come on top of a time the rig states.
const MS_NS: u64 = 1_000_000;
/// How long a session goes on by itself in a scene, in µs: the shorter, the less there is to wait for.
const CARRY_ON_US: u32 = 1_000_000;
/// How long an input storms, in µs, and from one change to the next, in ns.
const STORM_US: u32 = 20_000;
const STORM_EVERY_NS: u32 = 500;
/// How long the supply is gone, in µs.
const GONE_US: u32 = 20_000;
/// The levels, by the priority of their interrupts: stamps and strikes, P0, P1, what wakes P2, and thread mode.
pub const LEVELS: [u8; 5] = [0, 1, 2, 3, 4];

/// A way to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dying {
    /// Something goes wrong with the chip.
    Upset(Upset),
    /// An input changes two million times a second.
    Storm,
    /// The emergency stop is pressed, on a rig that has one.
    EmergencyStop,
    /// Its cable goes bad.
    Cable(Cut),
}

/// What becomes of a chip whose code goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The handler of faults makes every pad safe, and resets.
    AtOnce,
    /// The watchdog bites.
    Watchdog,
    /// One of the two.
    Either,
    /// Nothing: it goes on as if nothing had been.
    Unharmed,
}

impl End {
    /// That of code which goes wrong in a way.
    #[must_use]
    pub const fn of(goes: Goes) -> Self {
        match goes {
            Goes::Astray | Goes::Undefined | Goes::Unaligned | Goes::Panics => Self::AtOnce,
            Goes::Loops | Goes::Masks | Goes::MaskedLoop | Goes::LocksUp | Goes::HandlerGone => Self::Watchdog,
            // When that comes to light depends on who uses the stack next.
            Goes::Overflows | Goes::StackNowhere | Goes::StackInRom | Goes::StackInFlash | Goes::StackShifted => {
                Self::Either
            }
            Goes::StackOdd => Self::Unharmed,
        }
    }
}

impl Dying {
    /// Every way that must end with every output off, on the rig of a scene.
    #[must_use]
    pub fn all(scene: &Scene) -> Vec<Self> {
        let deadly = Goes::ALL.into_iter().filter(|goes| End::of(*goes) != End::Unharmed);
        let code = deadly.flat_map(|goes| LEVELS.map(|level| Self::Upset(Upset::Code { level, goes })));
        let chip = [
            Upset::TimerStops,
            Upset::AlarmLost(0),
            Upset::StrayInterrupt,
            Upset::Nmi,
            Upset::Reset,
            Upset::SupplyGoes(GONE_US),
        ];
        let others = [Self::Storm, Self::Cable(Cut::Out), Self::Cable(Cut::Noise)];
        let stop = stop_of(&scene.compiled().rig).map(|_| Self::EmergencyStop);
        // Neither a speaker nor a power can be read back while it is on.
        let pads = scene
            .cast
            .iter()
            .filter(|cast| !cast.output.speaker && (cast.output.power_max_percent.is_none() || !cast.is_on));
        let pads = pads.map(|cast| Upset::Pad { pin: cast.output.pin, high: cast.output.active_high != cast.is_on });
        code.chain(chip.into_iter().chain(pads).map(Self::Upset)).chain(others).chain(stop).collect()
    }

    /// Its name in a table, its levels left out.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Upset(Upset::Code { goes, .. }) => format!("{goes:?}"),
            Self::Upset(Upset::AlarmLost(_)) => "AlarmLost".to_owned(),
            Self::Upset(Upset::Pad { .. }) => "Pad of another output".to_owned(),
            Self::Upset(Upset::SupplyGoes(_)) => "SupplyGoes".to_owned(),
            Self::Upset(upset) => format!("{upset:?}"),
            Self::Storm => "Storm".to_owned(),
            Self::EmergencyStop => "Emergency stop".to_owned(),
            Self::Cable(cut) => format!("Cable, {cut:?}"),
        }
    }

    /// How long an output may be on after it, in ns, on a rig that bears so much silence.
    #[must_use]
    pub fn bound_ns(&self, output: &Output, silence_us: Micros) -> u64 {
        match self {
            Self::Upset(Upset::Code { goes, .. }) => match End::of(*goes) {
                End::AtOnce => FAULT_NS,
                _ => WATCHDOG_NS,
            },
            Self::Upset(Upset::TimerStops | Upset::AlarmLost(_)) => WATCHDOG_NS,
            Self::Upset(Upset::StrayInterrupt | Upset::Nmi) => FAULT_NS,
            // No software moves it.
            Self::Upset(Upset::Pad { pin, .. }) if *pin == output.pin => u64::MAX,
            Self::Upset(Upset::Pad { .. }) if output.safe_on_trip => LOOK_NS + TRIP_NS,
            Self::Upset(Upset::Pad { .. }) => LOOK_NS + END_NS,
            Self::Upset(_) => RESET_NS,
            Self::Storm if output.safe_on_trip => STORM_NS + TRIP_NS,
            Self::Storm => STORM_NS + END_NS,
            Self::EmergencyStop if output.safe_on_trip => TRIP_NS,
            Self::EmergencyStop => END_NS,
            Self::Cable(_) if output.must_arm => silence_us * 1_000 + MS_NS,
            Self::Cable(_) => (silence_us + Micros::from(CARRY_ON_US) + TRIAL_US) * 1_000 + MS_NS,
        }
    }

    /// Plays a scene on the chip in which everything dies so. The rig must have an input called `storm`.
    ///
    /// # Panics
    /// When the emulator ends in the middle, or the session never began.
    #[must_use]
    pub fn play(&self, image: &OnChip, scene: &Scene) -> Aftermath {
        let mut system = System::on_rig(scene.protocol.clone(), &scene.rig, &[], 1);
        let armed = scene.armed().map(|name| Scene::line(&system.compiled, name).bit());
        system.arm = armed.fold(0, |set, line| set | line);
        let rig: &mut Rig = &mut system.compiled.rig;
        rig.carry_on_us = rig.carry_on_us.min(CARRY_ON_US);
        rig.rejoin_us = rig.rejoin_us.min(rig.carry_on_us);
        // A chip that never says what has become of it is not waited for.
        let by_itself_us = scene.silence_us + Micros::from(CARRY_ON_US) + TRIAL_US;
        system.give_up_after_us = Some(DIES_US + by_itself_us + 1_000_000);
        match self {
            Self::Upset(upset) => Aftermath::of(image, system, &[(DIES_US, *upset)]),
            Self::Storm => {
                let line = Scene::line(&system.compiled, crate::deadly::rigs::STORM);
                let pin = system.compiled.rig.lines.get(line.index()).map_or(0, |line| line.pin);
                let storm = Upset::Toggles { pin, every_ns: STORM_EVERY_NS, for_us: STORM_US };
                Aftermath::of(image, system, &[(DIES_US, storm)])
            }
            Self::EmergencyStop => {
                let stop = stop_of(&system.compiled.rig);
                let pressed = stop.map(|line| Upset::Input { pin: line.pin, high: line.active_high });
                Aftermath::of(image, system, &pressed.map(|pressed| (DIES_US, pressed)).into_iter().collect::<Vec<_>>())
            }
            Self::Cable(cut) => Aftermath::of(&OnChip { cut: Some((DIES_US, *cut)), ..image.clone() }, system, &[]),
        }
    }
}

/// The emergency stop of a rig, if it has one.
fn stop_of(rig: &Rig) -> Option<RigLine> {
    rig.lines.iter().find(|line| matches!(line.role, Role::Input { guards: Guards::Stop, .. })).copied()
}
