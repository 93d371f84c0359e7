//! Random small programs on the whole system: whatever the program, the animal and the interruptions, the bounds hold,
//! nothing panics, the session replays, and every output is off at the end.

use assembler::random::{self, RandomProgram};
use harness::{System, cases, generated};
use journal::pairing::Tolerance;
use link::limits::MAX_LINES;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use link::{LineId, Record};
use sim::animal::{Scripted, Tap};
use sim::random::Dice;

/// The longest any output of these rigs may be on, in µs.
const MAX_ON_US: u32 = 400_000;

/// Where nothing interrupts P1, its requests are at the pins when their microsecond has closed: settled 2 µs after it.
const UNDISTURBED: Tolerance = Tolerance { latency_us: 3, start_us: 3, train_us: 0, sound_us: 0 };

fn rig(program: &RandomProgram, dice: &mut Dice) -> Rig {
    let mut rig = Rig {
        lines: Default::default(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    };
    for line in 0..program.lines {
        let output = program.outputs & LineId(line).bit() != 0;
        let role = if output {
            let limits = Limits { must_arm: dice.chance(0.3), ..Limits::on_for(MAX_ON_US) };
            if dice.chance(0.5) {
                Role::Powered { limits, max_power_ppm: 1_000_000, frequency_mhz: 20_000_000 }
            } else {
                Role::Output { limits, speaker: false }
            }
        } else {
            let debounce_us = [0, 50, 2_000][dice.below(3) as usize];
            Role::input(Pull::Up, debounce_us)
        };
        let line = RigLine { pin: line, active_high: dice.chance(0.5), role };
        assert!(rig.lines.push(line).is_ok(), "more than {MAX_LINES} lines");
    }
    rig
}

fn taps(program: &RandomProgram, dice: &mut Dice) -> Vec<Tap> {
    let inputs: Vec<LineId> = (0..program.lines).map(LineId).filter(|line| program.outputs & line.bit() == 0).collect();
    let count = if inputs.is_empty() { 0 } else { dice.below(60) };
    let mut levels = 0_u32;
    let mut at_us = 0;
    let mut taps = Vec::new();
    for _ in 0..count {
        // Often in the same µs, often close together, sometimes far apart.
        at_us += [0, 0, 1, dice.below(20), dice.below(5_000), dice.below(400_000)][dice.below(6) as usize];
        let line = inputs[dice.below(inputs.len() as u64) as usize];
        levels ^= line.bit();
        taps.push(Tap::new(at_us, line, levels & line.bit() != 0));
    }
    taps
}

#[test]
fn random_programs_keep_every_bound_and_end_safe() {
    let seeds = cases(1_000);
    let (mut records, mut requests, mut edges) = (0, 0, 0);
    for seed in 0..seeds {
        let program = random::program(seed);
        let mut dice = Dice::new(seed, "story");
        let rig = rig(&program, &mut dice);
        let must_arm = rig.must_arm();
        let animal = Scripted::new(taps(&program, &mut dice));
        let mut system = System::bare(generated(program.image.clone(), rig), Box::new(animal), seed);
        system.preempt = [0.0, 0.05, 0.5][dice.below(3) as usize];
        system.arm = if dice.chance(0.5) { must_arm } else { 0 };
        let (armed, interrupted) = (system.arm, system.preempt);
        system.stop_at = Some(8_000_000);
        let outcome = system.run();
        let told = format!("seed {seed}");
        assert!(outcome.result.is_ok(), "{told}: {}", outcome.result.err().map_or(String::new(), |e| e.to_string()));
        assert_eq!(outcome.still_on, 0, "{told}: outputs still on");

        // An independent look at the pins: never on for longer than the limit, never on while disarmed.
        let mut on_since = [None; MAX_LINES];
        for edge in &outcome.edges {
            let may = armed & edge.line.bit() != 0 || must_arm & edge.line.bit() == 0;
            assert!(may || !edge.on, "{told}: a line went on that nobody armed");
            let slot = &mut on_since[edge.line.index()];
            if edge.on {
                *slot = Some(edge.at);
            } else if let Some(since) = slot.take() {
                let on_us = edge.at - since;
                // An interrupted half may come this much late.
                assert!(on_us <= u64::from(MAX_ON_US) + 50, "{told}: on for {on_us} µs");
            }
        }
        let session = outcome.session();
        match journal::replay_within(&session, UNDISTURBED) {
            // Many of these programs ask a line for something else every few µs. Which request an edge belongs to can only
            // be told where nothing blurs when it was taken up.
            Ok(report) => assert!(report.is_clean() || interrupted > 0.0, "{told}: {report}"),
            Err(failure) => panic!("{told}: {failure}"),
        }
        records += session.records_len();
        requests += session.records().filter(|(_, _, record)| matches!(record, Record::Request { .. })).count();
        edges += outcome.edges.len();
    }
    println!("seeds 0 to {seeds}: {records} records, {requests} requests, {edges} output edges");
    assert!(requests as u64 > seeds && edges as u64 > seeds, "the programs hardly did anything");
}
