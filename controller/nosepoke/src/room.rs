//! The simulated room that a rig-config describes: which animal sits in the box, who arms, and the rig around them. The
//! one place where the controller knows that a rig is simulated.

use std::fmt;

use compiler::{Compiled, Measured, RigConfig, Simulation};
use link::LineId;
use link::rig::{Guards, Role};
use sim::animal::{Animal, Rat, Scripted, Stick, Surroundings, Watched};
use sim::{Memory, SimRig, SimSettings};

/// How long after an output its simulated sensor sees it, in µs: what a photodiode and its amplifier take.
const SENSED_US: u64 = 20;

/// Why a rig cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomError {
    /// The rig-config is for another body, or for the simulator without a room.
    Body {
        /// The rig.
        rig: String,
        /// Its body.
        body: String,
    },
    /// No such animal.
    Animal {
        /// What was asked for.
        model: String,
    },
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body { rig, body } if body == "simulator" => write!(
                f,
                "rig {rig} does not say what its simulated room is like: add a section `simulation` to it, at least \
                 `simulation: {{settle: 2 µs}}`"
            ),
            Self::Body { rig, body } => write!(
                f,
                "rig {rig} has the body `{body}` and is no simulated one: name a rig-config with `body: simulator`, or \
                 leave --rig out"
            ),
            Self::Animal { model } => {
                write!(f, "there is no simulated animal `{model}`: choose `rat`, or `none` for an empty box")
            }
        }
    }
}

impl std::error::Error for RoomError {}

/// What the first line of each kind is, for an animal.
#[must_use]
pub fn surroundings(compiled: &Compiled, rig: &RigConfig) -> Surroundings {
    let first = |kinds: &[&str]| {
        let place = compiled.symbols.lines.iter().position(|line| kinds.contains(&line.kind.as_str()));
        place.map(|place| LineId(place as u8))
    };
    Surroundings {
        lever: first(&["lever", "poke"]),
        stick: stick(compiled, rig),
        spout: first(&["lick"]),
        water: first(&["valve"]),
        cue: first(&["speaker"]),
        laser: first(&["laser"]),
    }
}

/// The first analog line whose travel was measured, if the protocol names one.
fn stick(compiled: &Compiled, rig: &RigConfig) -> Option<Stick> {
    compiled.symbols.lines.iter().zip(0_u8..).find_map(|(line, place)| {
        let Measured::Travel { low, high, .. } = rig.line(&line.name)?.calibration.as_ref()?.measured else {
            return None;
        };
        let scale = line.scale?;
        // It rests where nothing is pulled, which need not be where it was first measured.
        let (rest, end) = if low.abs() <= high.abs() { (low, high) } else { (high, low) };
        Some(Stick { line: LineId(place), rest: scale.raw(rest)?, end: scale.raw(end)? })
    })
}

/// The animal the rig-config asks for.
///
/// # Errors
/// When there is no such animal.
pub fn animal(compiled: &Compiled, rig: &RigConfig, seed: u64) -> Result<Box<dyn Animal + Send>, RoomError> {
    let asked = room_of(rig).and_then(|simulation| simulation.animal.as_ref());
    let inside: Box<dyn Animal + Send> = match asked.map_or("none", |animal| animal.model.as_str()) {
        "rat" => Box::new(Rat::new(surroundings(compiled, rig), seed)),
        "none" => Box::new(Scripted::new(Vec::new())),
        other => return Err(RoomError::Animal { model: other.to_owned() }),
    };
    // Frames that a protocol waits for come from somewhere.
    let frames = compiled.symbols.lines.iter().position(|line| line.named && line.kind == "frame");
    Ok(match frames.and_then(|place| u8::try_from(place).ok()) {
        Some(line) => Box::new(Watched::new(LineId(line), inside)),
        None => inside,
    })
}

/// The simulated room of a rig-config; none on a rig whose body is no simulator, whatever its file says besides.
fn room_of(rig: &RigConfig) -> Option<&Simulation> {
    rig.simulation.as_ref().filter(|_| rig.body == "simulator")
}

/// The lines that can be armed: those that must be, without those the protocol or its stage forbids.
#[must_use]
pub fn may_arm(rig: &link::rig::Rig) -> u32 {
    let may = |limits: &link::rig::Limits| limits.must_arm && !limits.forbidden;
    link::rig::set_of(rig.lines.iter().copied(), |role| role.output().is_some_and(|output| may(&output.limits)))
}

/// Whether somebody is in the simulated room who answers questions.
#[must_use]
pub fn operator(rig: &RigConfig) -> bool {
    room_of(rig).is_some_and(|simulation| simulation.person.is_some())
}

/// The lines the simulated person arms, and who that is: never one the protocol does not name or forbids, and nobody on a real
/// rig.
#[must_use]
pub fn person(compiled: &Compiled, rig: &RigConfig) -> Option<(u32, String)> {
    let person = room_of(rig)?.person.as_ref()?;
    let used = |name: &String| compiled.symbols.lines.iter().position(|line| line.named && line.name == *name);
    let lines = person.arms.iter().filter_map(used).fold(0, |set, place| set | LineId(place as u8).bit());
    let lines = lines & !(compiled.rig.must_arm() & !may_arm(&compiled.rig));
    if lines == 0 { None } else { Some((lines, person.name.clone())) }
}

/// The simulated rig, in `memory`, with everything in it thrown from `seed`.
///
/// # Errors
/// When the rig-config is for another body or asks for an unknown animal.
pub fn simulated<'m>(
    compiled: &Compiled,
    rig: &RigConfig,
    seed: u64,
    memory: &'m mut Memory,
) -> Result<SimRig<'m>, RoomError> {
    simulated_with(compiled, rig, seed, memory, animal(compiled, rig, seed)?)
}

/// The same with somebody else in the box than the rig-config says, as a person who tries it.
///
/// # Errors
/// When the rig-config is for another body.
pub fn simulated_with<'m>(
    compiled: &Compiled,
    rig: &RigConfig,
    seed: u64,
    memory: &'m mut Memory,
    inside: Box<dyn Animal + Send>,
) -> Result<SimRig<'m>, RoomError> {
    let Some(simulation) = room_of(rig) else {
        return Err(RoomError::Body { rig: rig.name.clone(), body: rig.body.clone() });
    };
    let settings = SimSettings { settle_us: simulation.settle_us, ..SimSettings::new(seed) };
    let mut simulated = SimRig::new(memory, &settings, &compiled.rig, inside);
    at_rest(compiled).for_each(|(pin, raw)| simulated.rest(pin, raw));
    // What reads an output back sees it.
    for sense in &compiled.rig.senses {
        simulated.wire(sense.output, sense.input, SENSED_US);
    }
    // Whoever arms has turned the key.
    if person(compiled, rig).is_some() {
        let keys = compiled.rig.lines.iter();
        keys.filter(|line| matches!(line.role, Role::Input { guards: Guards::Arming, .. }))
            .for_each(|line| simulated.hold(line));
    }
    Ok(simulated)
}

/// Where every analog line measures nothing, as pin and raw value: levers are not pulled.
pub fn at_rest(compiled: &Compiled) -> impl Iterator<Item = (u8, i32)> + '_ {
    compiled.rig.lines.iter().zip(&compiled.symbols.lines).filter_map(|(line, symbol)| match line.role {
        Role::Analog => Some((line.pin, symbol.scale?.raw(0)?)),
        _ => None,
    })
}
