//! The simulated room that a rig-config describes: which animal sits in the box, who arms, and the rig around them. The
//! one place where the controller knows that a rig is simulated.

use std::fmt;

use compiler::{Compiled, RigConfig, Simulation};
use link::LineId;
use sim::animal::{Animal, Rat, Scripted, Surroundings};
use sim::{Memory, SimRig, SimSettings};

/// Why a rig cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomError {
    /// The rig-config is for another body.
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
pub fn surroundings(compiled: &Compiled) -> Surroundings {
    let first = |kinds: &[&str]| {
        let place = compiled.symbols.lines.iter().position(|line| kinds.contains(&line.kind.as_str()));
        place.map(|place| LineId(place as u8))
    };
    Surroundings {
        lever: first(&["lever", "poke"]),
        spout: first(&["lick"]),
        water: first(&["valve"]),
        cue: first(&["speaker"]),
        laser: first(&["laser"]),
    }
}

/// The animal the rig-config asks for.
///
/// # Errors
/// When there is no such animal.
pub fn animal(compiled: &Compiled, rig: &RigConfig, seed: u64) -> Result<Box<dyn Animal + Send>, RoomError> {
    let asked = room_of(rig).and_then(|simulation| simulation.animal.as_ref());
    match asked.map_or("none", |animal| animal.model.as_str()) {
        "rat" => Ok(Box::new(Rat::new(surroundings(compiled), seed))),
        "none" => Ok(Box::new(Scripted::new(Vec::new()))),
        other => Err(RoomError::Animal { model: other.to_owned() }),
    }
}

/// The simulated room of a rig-config; none on a rig whose body is no simulator, whatever its file says besides.
fn room_of(rig: &RigConfig) -> Option<&Simulation> {
    rig.simulation.as_ref().filter(|_| rig.body == "simulator")
}

/// The lines the simulated person arms, and who that is: never one the protocol does not name, and nobody on a real rig.
#[must_use]
pub fn person(compiled: &Compiled, rig: &RigConfig) -> Option<(u32, String)> {
    let person = room_of(rig)?.person.as_ref()?;
    let used = |name: &String| compiled.symbols.lines.iter().position(|line| line.named && line.name == *name);
    let lines = person.arms.iter().filter_map(used).fold(0, |set, place| set | LineId(place as u8).bit());
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
    let Some(simulation) = room_of(rig) else {
        return Err(RoomError::Body { rig: rig.name.clone(), body: rig.body.clone() });
    };
    let settings = SimSettings { settle_us: simulation.settle_us, ..SimSettings::new(seed) };
    Ok(SimRig::new(memory, &settings, &compiled.rig, animal(compiled, rig, seed)?))
}
