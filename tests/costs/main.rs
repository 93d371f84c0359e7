//! What the compiler reckons a step with (`controller/compiler/src/cost`), measured: small programs, each of whose steps holds a
//! little more of one thing than the step before, on the emulated chip. Prints what each step took beside its bound, and fails
//! where a step took more. Owns no program.
//!
//!   cargo run --release --package nosepoke-tests --bin costs [-- --only WORD]

mod programs;

use std::process::ExitCode;

use emulated::Cord;
use harness::OnChip;

use programs::Chain;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let Some(image) = OnChip::ready(Cord::Usb) else { return ExitCode::SUCCESS };
    for (name, chain) in programs::all() {
        if only.is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        println!("{name}");
        let laps = run(&image, &chain);
        for (n, step) in chain.steps.iter().enumerate() {
            let took = laps.get(n).map_or(0, |lap| lap.cycles);
            println!("  {took:7}  {step}");
        }
        println!("  {} laps in all", laps.len());
    }
    ExitCode::SUCCESS
}

fn run(image: &OnChip, chain: &Chain) -> Vec<emulated::Lap> {
    chain.laps(image)
}
