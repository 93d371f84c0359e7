//! What goes wrong in one session, and when: thrown before it begins. Owns how often; does nothing itself.

use link::Micros;
use sim::WireFaults;
use sim::random::Dice;

pub(crate) const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;

/// The longest a session goes on, in µs.
const LONGEST_US: Micros = 45 * MINUTE;

/// What the controller's side does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The cable is pulled, for so many µs.
    CableOut(Micros),
    /// The controller hangs, for so many µs.
    Hang(Micros),
    /// The pad of the output of this place sticks at a level.
    Stick(usize, bool),
    /// The device is reset; its memory is kept.
    Reset,
    /// Someone stops the session.
    Stop,
}

/// What goes wrong inside the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddling {
    /// So many edges of a beam, so many µs apart.
    Storm(u64, Micros),
    /// The emergency stop is opened, and closed so many µs later.
    EmergencyStop(Micros),
    /// The key is turned off, and on again so many µs later.
    Key(Micros),
}

/// A session's share of troubles, by µs after its preparations began.
pub(crate) struct Troubles {
    pub(crate) wire: WireFaults,
    /// How many sequences of noise come before a frame, in a hundred.
    pub(crate) noise_percent: u64,
    pub(crate) arms: bool,
    pub(crate) outside: Vec<(Micros, Trouble)>,
    /// By µs after the animal was put in.
    pub(crate) inside: Vec<(Micros, Meddling)>,
}

impl Troubles {
    /// Those of a session.
    pub(crate) fn throw(dice: &mut Dice, outputs: usize) -> Self {
        let length_us = MINUTE + dice.below(LONGEST_US - MINUTE);
        let mut outside = vec![(length_us, Trouble::Stop)];
        let mut inside = Vec::new();
        let when = |dice: &mut Dice| SECOND + dice.below(length_us);
        for _ in 0..dice.below(4) {
            // Shorter and longer than silence, rejoin and carry_on.
            let longest = [SECOND / 2, 4 * SECOND, 20 * SECOND, 85 * SECOND][dice.below(4) as usize];
            outside.push((when(dice), Trouble::CableOut(dice.below(longest))));
        }
        for _ in 0..dice.below(3) {
            let longest = [SECOND / 2, 8 * SECOND][dice.below(2) as usize];
            outside.push((when(dice), Trouble::Hang(dice.below(longest))));
        }
        if dice.chance(0.1) {
            outside.push((when(dice), Trouble::Stick(dice.below(outputs as u64) as usize, dice.chance(0.5))));
        }
        if dice.chance(0.2) {
            outside.push((when(dice), Trouble::Reset));
        }
        for _ in 0..dice.below(3) {
            inside.push((when(dice), Meddling::Storm(dice.below(2_000), dice.below(20))));
        }
        if dice.chance(0.2) {
            inside.push((when(dice), Meddling::EmergencyStop(dice.below(SECOND))));
        }
        if dice.chance(0.3) {
            inside.push((when(dice), Meddling::Key(dice.below(20 * SECOND))));
        }
        outside.sort_by_key(|(at, _)| *at);
        inside.sort_by_key(|(at, _)| *at);
        let wire = WireFaults::all([0.0, 0.0, 0.02, 0.1][dice.below(4) as usize]);
        Self { wire, noise_percent: [0, 0, 20][dice.below(3) as usize], arms: dice.chance(0.8), outside, inside }
    }
}
