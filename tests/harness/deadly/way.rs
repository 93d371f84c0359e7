//! The ways to die that the simulator has: what each is called, what the program must do for it, and when it is over. What a
//! way does to whom stands in [`super::stage`]; how soon all must be safe, in [`super::bounds`].

use compiler::Source;
use sim::Half;

use super::doom::Doom;
use super::held::Held;
use super::outputs;
use super::rigs;
use super::scene::{BEAT_US, Scene};

/// Which way something dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Nothing dies: what the others are held against.
    Nothing,
    /// The controller's process is killed, by a person or because there is no memory left.
    HostKilled,
    /// The controller hangs for so many µs, and goes on.
    HostHangs(u64),
    /// The controller's disk is full.
    DiskFull,
    /// The controller's disk never says that anything is on it.
    DiskHangs,
    /// The computer's calendar jumps by so many µs.
    CalendarJumps(i64),
    /// The computer's steady clock jumps ahead by so many µs.
    SteadyClockJumps(u64),
    /// The cable is pulled.
    CableOut,
    /// Every byte on the cable is a random one, both ways, and more come than were sent.
    Noise,
    /// The device loses its supply and gets it again.
    PowerCut,
    /// The device is reset.
    Reset,
    /// The device stands still until its watchdog resets it.
    Watchdog,
    /// A half of the device is held up for so many µs.
    HeldUp(Half, u64),
    /// An input toggles a million times a second.
    Storm,
    /// The emergency stop is pressed, or its wire is cut.
    EmergencyStop,
    /// The key is turned off, or its wire is cut.
    KeyOff,
    /// What reads outputs back no longer sees anything change.
    SensorsDead,
    /// The program arrives damaged.
    BadImage,
    /// The program divides by zero.
    DividesByZero,
    /// The program's transitions lead to one another without end.
    ChainsWithoutEnd,
    /// The program never lets go of what it has switched on.
    NeverLetsGo,
    /// The program comes to its end.
    Ends,
    /// A person stops the session.
    Stopped,
    /// A person aborts it.
    Abort,
    /// A person disarms what is armed.
    Disarm,
    /// The pad of an output does not follow: it stays on or off, from before the session or from when something dies.
    Stuck {
        /// Which output.
        output: String,
        /// Whether it stays on.
        on: bool,
        /// Whether it does so before the session begins.
        before: bool,
    },
}

/// How long the controller hangs, in µs: longer than rigs bear its silence, shorter than it takes them to give it up.
const HANG_US: u64 = 2_000_000;
/// How long a half is held up that comes back too late, in µs: the longest that nothing is said of is 100 ms.
pub const HELD_UP_US: u64 = 150_000;
/// How long P2 is held up, in µs: for longer than rigs bear silence.
const OUTER_HELD_UP_US: u64 = 400_000;
/// From one event to the next, in µs, where the ring is to be full while the states last.
const FILLING_BEAT_US: u64 = 300;
const YEAR_US: i64 = 365 * 24 * 3_600 * 1_000_000;
const HOUR_US: u64 = 3_600 * 1_000_000;

impl Way {
    /// Every way for a rig.
    #[must_use]
    pub fn all(rig: &Source) -> Vec<Self> {
        let config = rigs::read(rig);
        let mut ways = vec![
            Self::HostKilled,
            Self::HostHangs(HANG_US),
            Self::DiskFull,
            Self::DiskHangs,
            Self::CalendarJumps(YEAR_US),
            Self::CalendarJumps(-YEAR_US),
            Self::SteadyClockJumps(HOUR_US),
            Self::CableOut,
            Self::Noise,
            Self::PowerCut,
            Self::Reset,
            Self::Watchdog,
            Self::HeldUp(Half::Edge, HELD_UP_US),
            Self::HeldUp(Half::Core, HELD_UP_US),
            Self::HeldUp(Half::Outer, OUTER_HELD_UP_US),
            Self::Storm,
            Self::BadImage,
            Self::DividesByZero,
            Self::ChainsWithoutEnd,
            Self::NeverLetsGo,
            Self::Ends,
            Self::Stopped,
            Self::Abort,
            Self::Disarm,
        ];
        let has = |kind: &str| config.lines.iter().any(|line| line.kind == kind);
        let guarded = [(Self::EmergencyStop, has("e_stop")), (Self::KeyOff, has("arm_key"))];
        ways.extend(guarded.into_iter().filter(|(_, has)| *has).map(|(way, _)| way));
        let outputs = outputs::of(&config);
        if outputs.iter().any(|output| output.sensed_within_us.is_some()) {
            ways.push(Self::SensorsDead);
        }
        // A speaker has no level that could be read back.
        for output in outputs.iter().filter(|output| !output.speaker) {
            for (on, before) in [(true, true), (false, true), (true, false), (false, false)] {
                ways.push(Self::Stuck { output: output.name.clone(), on, before });
            }
        }
        ways
    }

    /// The scene for it, with every output of a rig in a state; none if no output can be in it.
    #[must_use]
    pub fn scene(&self, rig: &Source, held: Held) -> Option<Scene> {
        let beat_us = if *self == Self::DiskHangs { FILLING_BEAT_US } else { BEAT_US };
        Scene::beating(rig, self.doom(), beat_us, |output| if held.fits(output) { held } else { Held::Idle })
            .filter(|scene| scene.cast.iter().any(|cast| cast.held == held))
    }

    /// What the program does for it.
    #[must_use]
    pub const fn doom(&self) -> Doom {
        match self {
            Self::DividesByZero => Doom::DividesByZero,
            Self::ChainsWithoutEnd => Doom::ChainsWithoutEnd,
            Self::NeverLetsGo => Doom::NeverLetsGo,
            Self::Ends => Doom::Ends,
            _ => Doom::None,
        }
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> String {
        let half = |half: &Half| match half {
            Half::Edge => "P0",
            Half::Core => "P1",
            Half::Outer => "P2",
        };
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::HostKilled => "controller killed".to_owned(),
            Self::HostHangs(us) => format!("controller hangs for {} s", us / 1_000_000),
            Self::DiskFull => "disk full".to_owned(),
            Self::DiskHangs => "disk hangs, ring full".to_owned(),
            Self::CalendarJumps(us) if *us > 0 => "calendar a year ahead".to_owned(),
            Self::CalendarJumps(_) => "calendar a year back".to_owned(),
            Self::SteadyClockJumps(_) => "steady clock an hour ahead".to_owned(),
            Self::CableOut => "cable out".to_owned(),
            Self::Noise => "nothing but noise".to_owned(),
            Self::PowerCut => "supply cut".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Watchdog => "watchdog".to_owned(),
            Self::HeldUp(which, us) => format!("{} held up for {} ms", half(which), us / 1_000),
            Self::Storm => "input at 1 MHz".to_owned(),
            Self::EmergencyStop => "emergency stop".to_owned(),
            Self::KeyOff => "key off".to_owned(),
            Self::SensorsDead => "sensors dead".to_owned(),
            Self::BadImage => "bad program".to_owned(),
            Self::DividesByZero => "division by zero".to_owned(),
            Self::ChainsWithoutEnd => "chain without end".to_owned(),
            Self::NeverLetsGo => "program never lets go".to_owned(),
            Self::Ends => "session ends".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Abort => "aborted".to_owned(),
            Self::Disarm => "disarmed".to_owned(),
            Self::Stuck { on, before, .. } => {
                let (level, when) = (if *on { "on" } else { "off" }, if *before { ", before" } else { "" });
                format!("pad stuck {level}{when}")
            }
        }
    }
}
