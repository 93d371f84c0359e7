//! The compiler's bound on a step, and steps that were made: random programs on the emulated chip, none of whose steps takes more
//! cycles than the bound of all that can fall together. The ratio is printed.

use assembler::random::{self, RandomProgram};
use compiler::cost;
use emulated::{Cord, Event};
use harness::{OnChip, System, cases, generated};
use link::LineId;
use link::program::Program;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use sim::animal::{Scripted, Tap};
use sim::random::Dice;

/// How long each is watched, in µs.
const WATCHED_US: u64 = 400_000;
/// The pin of line 0; those of others follow.
const FIRST_PIN: u8 = 2;

fn rig(program: &RandomProgram) -> Rig {
    let line = |line: u8| RigLine {
        pin: FIRST_PIN + line,
        active_high: true,
        role: if program.outputs & LineId(line).bit() != 0 {
            Role::Output { limits: Limits::on_for(400_000), speaker: false }
        } else {
            Role::input(Pull::None, 0)
        },
    };
    Rig {
        lines: (0..program.lines).map(line).collect(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    }
}

/// Often all at once, often a few µs apart.
fn taps(program: &RandomProgram, dice: &mut Dice) -> Vec<Tap> {
    let inputs: Vec<LineId> = (0..program.lines).map(LineId).filter(|line| program.outputs & line.bit() == 0).collect();
    let (mut at_us, mut levels, mut taps) = (500, 0_u32, Vec::new());
    while at_us < WATCHED_US.min(program.life_us) && taps.len() < 400 {
        at_us += [0, 0, 1 + dice.below(20), dice.below(2_000)][dice.below(4) as usize];
        let line = inputs[dice.below(inputs.len() as u64) as usize];
        levels ^= line.bit();
        taps.push(Tap::new(at_us, line, levels & line.bit() != 0));
    }
    taps
}

#[test]
fn no_step_of_a_random_program_takes_more_than_its_bound() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let image = OnChip { notices: false, ..image.timing_steps() };
    let (mut steps, mut ratios, mut beyond_one) = (0, Vec::new(), 0);
    for seed in 0..cases(12) {
        let program = random::program(seed);
        let rig = rig(&program);
        let opened = Program::open(&program.image).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let bound = cost::bound(&opened, &rig);
        let animal = Scripted::new(taps(&program, &mut Dice::new(seed, "bound")));
        let mut system = System::bare(generated(program.image.clone(), rig), Box::new(animal), seed);
        system.stop_after_us = Some(WATCHED_US);
        let (_, rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        // Some of these programs leave P1 no time for anything else; the watchdog then makes an end of it. Steps are steps.
        let starved = |event: &&Event| matches!(event, Event::Reset { cause, .. } if cause == "watchdog");
        assert!(rig.mishaps().iter().all(|event| starved(&event)), "seed {seed}: {:?}", rig.mishaps());
        let longest = rig.laps().iter().map(|lap| lap.cycles).max().unwrap_or(0);
        println!("seed {seed}: {} steps, the longest {longest}; {bound:?}", rig.laps().len());
        assert!(
            longest <= bound.together,
            "seed {seed}: a step took {longest} cycles; its bound is {}",
            bound.together
        );
        steps += rig.laps().len();
        beyond_one += rig.laps().iter().filter(|lap| lap.cycles > bound.one.cycles).count();
        if longest > 0 {
            ratios.push(bound.one.cycles as f64 / longest as f64);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.get(ratios.len() / 2).copied().unwrap_or(0.0);
    println!("{steps} steps; bound of one thing over longest step: {middle:.2} in the middle of {ratios:.2?}");
    println!("{beyond_one} steps took longer than one thing may: several fell together");
    assert!(steps > 0, "nothing was handled");
}
