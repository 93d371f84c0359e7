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
        println!("{name}: cycles taken, the bound, what was done");
        let laps = chain.laps(&image);
        let words = chain.a.image().unwrap_or_default();
        let Ok(program) = Program::open(&words) else { continue };
        let model = Model::new(&program, &programs::rig());
        let step = EventId::timer(TimerId(0));
        let steps = chain.steps.iter().zip(&chain.leaves).map(|(name, from)| {
            (name, if chain.by_time_outs { model.time_out(*from, LOG) } else { model.handling(step, Some(*from), LOG) })
        });
        let edges = chain.edges.iter().map(|(name, event)| (name, model.handling(*event, None, LOG)));
        for (n, (step, bound)) in steps.chain(edges).enumerate() {
            let took = laps.get(n).map_or(0, |lap| lap.cycles);
            let told = if took > bound { "  MORE THAN ITS BOUND" } else { "" };
            println!("  {took:7} {bound:7}  {step}{told}");
            failed |= took > bound || took == 0;
        }
        if let Some(what) = chain.together {
            let took = laps.iter().map(|lap| lap.cycles).max().unwrap_or(0);
            let bound = compiler::cost::bound(&program, &programs::rig()).together;
            let told = if took > bound { "  MORE THAN ITS BOUND" } else { "" };
            println!("  {took:7} {bound:7}  {what}{told}");
            failed |= took > bound;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
