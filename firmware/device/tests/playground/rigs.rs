//! Arbitrary rigs for random programs: limits of every size down to none at all, every role, and what the world around
//! must know of them. Owns how a rig is thrown; knows nothing of what is played on it.

use assembler::random::{Dice, RandomProgram};
use link::program::{HEADER_WORDS, TABLES, Table};
use link::rig::{Duty, Guards, Limits, NO_LIMIT, Pattern, Pull, Rig, RigLine, Role, Sense, Senses, Total};
use link::{LineId, Micros};

/// An input the world moves.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    pub pin: u8,
    pub active_high: bool,
}

/// A rig and what is played on it.
pub struct Stage {
    pub rig: Rig,
    pub program: RandomProgram,
    pub image: Vec<u32>,
    pub inputs: Vec<Contact>,
    /// Those of them that guard.
    pub guards: Vec<(Guards, Contact)>,
    /// The pins of its outputs.
    pub outputs: Vec<u8>,
    /// What reads an output back: the output, and the input that follows it.
    pub senses: Vec<(Contact, Contact)>,
}

/// The second pin of the encoder: no other line comes so far.
const PIN_B: u8 = 40;

/// A time from a few µs to twice a life, short ones as likely as long ones; often of no weight at all.
fn time(dice: &mut Dice, life_us: Micros) -> u32 {
    let longest = 64 - (2 * life_us).leading_zeros();
    let most = 1 << dice.from(1, u64::from(longest) + 1);
    dice.from(1, most + 1).min(2 * life_us).max(1) as u32
}

/// Limits of which a few are of some weight: with all of them nothing would ever run.
fn limits(dice: &mut Dice, life_us: Micros) -> Limits {
    let some = |dice: &mut Dice, percent, limit: fn(&mut Dice, Micros) -> u32| {
        if dice.percent(percent) { limit(dice, life_us) } else { NO_LIMIT }
    };
    let window_us = time(dice, life_us).max(8);
    let duty = Duty { window_us, on_us: dice.below(u64::from(window_us) + 2) as u32 };
    Limits {
        must_arm: dice.percent(35),
        safe_on_trip: dice.percent(75),
        forbidden: dice.percent(4),
        max_on_us: if dice.percent(50) { time(dice, life_us) } else { 10_000_000 },
        min_off_us: if dice.percent(20) { time(dice, life_us) } else { 0 },
        duty: dice.percent(20).then_some(duty),
        total: Total {
            pulses: some(dice, 10, |dice, _| dice.below(20) as u32),
            on_us: some(dice, 10, time),
            dose_us: some(dice, 20, time),
            pulse_dose_us: if dice.percent(50) { dice.below(50) as u32 } else { 0 },
        },
    }
}

impl Stage {
    /// The stage of a seed.
    pub fn new(seed: u64, dice: &mut Dice) -> Self {
        let program = assembler::random::program(seed);
        let mut image = program.image.clone();
        add_sounds(&mut image, dice);
        let mut stage = Self {
            rig: Rig {
                lines: Default::default(),
                silence_us: [3_000, 50_000, 250_000][dice.below(3) as usize],
                rejoin_us: [0, 20_000, 5_000_000][dice.below(3) as usize],
                carry_on_us: [0, 30_000, 60_000_000][dice.below(3) as usize],
                sample_us: [100, 1_000, 20_000][dice.below(3) as usize],
                senses: Senses::new(),
            },
            image,
            inputs: Vec::new(),
            guards: Vec::new(),
            outputs: Vec::new(),
            senses: Vec::new(),
            program,
        };
        for line in 0..stage.program.lines {
            if stage.program.outputs & LineId(line).bit() != 0 {
                stage.output(dice);
            } else {
                stage.input(dice);
            }
        }
        if dice.percent(15) {
            stage.sampled(dice);
        }
        for _ in 0..2 {
            if dice.percent(12) {
                stage.sense(dice);
            }
        }
        for guards in [Guards::Stop, Guards::Arming] {
            if dice.percent(25) {
                stage.guard(guards, dice);
            }
        }
        stage
    }

    /// A pin of its own; seldom one that is driven by itself.
    fn pin(&self, dice: &mut Dice) -> u8 {
        let taken = self.rig.lines.iter().flat_map(RigLine::pins).count() as u8;
        if dice.percent(8) { 63 - taken } else { taken }
    }

    fn push(&mut self, pin: u8, active_high: bool, role: Role) {
        assert!(self.rig.lines.push(RigLine { pin, active_high, role }).is_ok(), "a rig has so many lines");
    }

    fn output(&mut self, dice: &mut Dice) {
        let (pin, active_high) = (self.pin(dice), dice.percent(60));
        let limits = limits(dice, self.program.life_us);
        let role = match dice.below(10) {
            0 => Role::Output { limits, speaker: true },
            1..=3 => {
                let max_power_ppm = [1_000_000, 1_000_000, 300_000, 50_000][dice.below(4) as usize];
                Role::Powered { limits, max_power_ppm, frequency_mhz: 20_000_000 }
            }
            _ => Role::Output { limits, speaker: false },
        };
        self.outputs.push(pin);
        self.push(pin, active_high, role);
    }

    fn input(&mut self, dice: &mut Dice) {
        let (pin, active_high) = (self.pin(dice), dice.percent(50));
        let debounce_us = [0, 50, 2_000][dice.below(3) as usize];
        self.inputs.push(Contact { pin, active_high });
        self.push(pin, active_high, Role::input(Pull::Up, debounce_us));
    }

    /// An output that is read back.
    fn sense(&mut self, dice: &mut Dice) {
        let output = self
            .rig
            .lines
            .iter()
            .position(|line| line.role.output().is_some_and(|output| !output.speaker) && dice.percent(60));
        let Some((place, line)) = output.and_then(|place| Some((place, *self.rig.lines.get(place)?))) else { return };
        let input = LineId(self.rig.lines.len() as u8);
        let follower = Contact { pin: self.pin(dice), active_high: dice.percent(50) };
        self.push(follower.pin, follower.active_high, Role::input(Pull::Up, [0, 50][dice.below(2) as usize]));
        let within_us = time(dice, self.program.life_us);
        let sense = Sense { output: LineId(place as u8), input, within_us, trips: dice.percent(60) };
        if self.rig.senses.push(sense).is_ok() {
            self.senses.push((Contact { pin: line.pin, active_high: line.active_high }, follower));
        }
    }

    /// An input that guards; sometimes the program listens to it as well.
    fn guard(&mut self, guards: Guards, dice: &mut Dice) {
        if dice.percent(70) {
            self.input(dice);
        }
        let last = self.inputs.last().map(|contact| contact.pin);
        let place = self.rig.lines.iter().position(|line| Some(line.pin) == last);
        if let Some(line) = place.and_then(|place| self.rig.lines.get_mut(place))
            && let Role::Input { guards: of, .. } = &mut line.role
            && *of == Guards::Nothing
        {
            *of = guards;
            self.guards.push((guards, Contact { pin: line.pin, active_high: line.active_high }));
        }
    }

    /// Something that P1 is kept busy with: a voltage, what is looked for in it, and an encoder.
    fn sampled(&mut self, dice: &mut Dice) {
        let source = LineId(self.rig.lines.len() as u8);
        let pin = self.pin(dice);
        self.push(pin, true, Role::Analog);
        let band = (1_000, 2_000);
        let looks_for = Pattern::Band { inner: band, outer: band, inside: true };
        assert!(self.rig.lines.push(RigLine::detector(source, looks_for)).is_ok());
        let pin = self.pin(dice).min(PIN_B - 1);
        self.push(pin, true, Role::Encoder { pin_b: PIN_B, pull: Pull::Up });
        self.inputs.push(Contact { pin, active_high: true });
    }
}

/// Makes some of a program's stimuli sounds: speakers have nothing to play otherwise.
fn add_sounds(image: &mut [u32], dice: &mut Dice) {
    let place = Table::ALL.iter().position(|table| *table == Table::Stimuli).unwrap_or(TABLES);
    let entry = image[HEADER_WORDS - TABLES + place];
    let (first, rows) = ((entry >> 16) as usize, (entry & 0xFFFF) as usize);
    for row in 0..rows {
        if dice.percent(20) {
            // The frequency in mHz, the level, the ramp in µs, the amplitude.
            let sound = [4_000_000, 7_000, 5, 30_000];
            let words = first + row * Table::Stimuli.row_words() + 4;
            image[words..words + sound.len()].copy_from_slice(&sound);
        }
    }
}
