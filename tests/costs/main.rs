//! What the compiler reckons a step with (`controller/compiler/src/cost`), measured: small programs, each of whose steps holds a
//! little more of one thing than the step before, on the emulated chip. Prints what each step took beside its bound, and fails
//! where a step took more. Owns no program.
//!
//!   cargo run --release --package nosepoke-tests --bin costs [-- --only WORD]

mod programs;

use std::process::ExitCode;

use compiler::cost::Model;
use emulated::Cord;
use harness::OnChip;
use link::program::Program;
use link::{EventId, TimerId};

/// Records that P1's log has room for; whatever was in it is written down before the next step.
const LOG: u64 = 32;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let mut failed = false;
    let Some(image) = OnChip::ready(Cord::Usb) else { return ExitCode::SUCCESS };
    for (name, chain) in programs::all() {
        if only.is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        println!("{name}: cycles taken, the bound, how far above, what was done");
        let laps = chain.laps(&image);
        let words = chain.a.image().unwrap_or_default();
        let Ok(program) = Program::open(&words) else { continue };
        let model = Model::new(&program, &programs::rig());
        let step = EventId::timer(TimerId(0));
        let steps = chain.steps.iter().zip(&chain.leaves).map(|(name, from)| {
            (name, if chain.by_time_outs { model.time_out(*from, LOG) } else { model.handling(step, Some(*from), LOG) })
        });
        let edges = chain.edges.iter().map(|(name, event)| (name, model.handling(*event, None, LOG)));
        let took = |n: usize| laps.get(n).map_or(0, |lap| lap.cycles);
        let mut told: Vec<(u64, u64, &str)> =
            steps.chain(edges).enumerate().map(|(n, (step, bound))| (took(n), bound, step.as_str())).collect();
        if let Some(what) = chain.together {
            let most = laps.iter().map(|lap| lap.cycles).max().unwrap_or(0);
            told.push((most, compiler::cost::bound(&program, &programs::rig()).together, what));
        }
        for (took, bound, step) in told {
            println!("  {took:7} {bound:7} {:6.2}  {step}", bound as f64 / took.max(1) as f64);
            if took > bound || took == 0 {
                eprintln!("FAILED: {name}: {step}: {took} cycles; {bound} is its bound");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
