//! Prints how fast a session is simulated, what its records cost, and how long protocols take to compile. Ratios and counts to compare by; nothing here passes
//! or fails.

mod compiling;

use std::time::Instant;

use engine::{Engine, Given, Start};
use harness::{System, loaded, ring_use};
use link::program::Program;
use link::{Micros, Record};

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";
const HOUR: &[(&str, &str)] = &[("session_length", "60 min"), ("trials_max", "5000")];
const REPEATS: u32 = 5;
/// The stretch of time the ring is to hold of the loaded case, and how long it is measured, in s.
const HELD: u64 = 10;
const LOADED: u64 = 600;

fn main() {
    compiling::print();
    println!("simulated: one hour of {FLAGSHIP}, {REPEATS} times, the fastest and the slowest");
    let mut took = Vec::new();
    let mut last = None;
    for repeat in 0..REPEATS {
        let system = System::shipped(FLAGSHIP, HOUR, 100 + u64::from(repeat));
        let began = Instant::now();
        let outcome = system.run();
        let seconds = began.elapsed().as_secs_f64();
        took.push((outcome.tally.elapsed_us() as f64 / 1e6 / seconds, seconds));
        last = Some(outcome);
    }
    took.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (times, seconds) in [took[took.len() - 1], took[0]] {
        println!("  {times:>9.0} × real time   ({seconds:.3} s)");
    }
    let Some(outcome) = last else { return };
    let session = outcome.session();
    let records = session.records_len();
    println!("  {:>9} trials", outcome.tally.trials);
    println!("  {records:>9} records");
    println!("  {:>9.2} bytes a record in the device's stream", session.stream().len() as f64 / records as f64);
    println!("  {:>9.2} bytes a record in the journal", outcome.journal.len() as f64 / records as f64);

    let (steps, seconds) = engine_alone(&session);
    println!("the engine alone, the same hour fed from the journal");
    println!("  {:>9.0} steps/s      ({steps} steps in {seconds:.4} s)", steps as f64 / seconds);
    ring();
}

/// What the loaded case takes in the ring.
fn ring() {
    let length = format!("{LOADED} s");
    let outcome = loaded(&[("session_length", &length), ("trials_max", "5000")], LOADED, 1).run();
    let taken = ring_use(&outcome, HELD * 1_000_000);
    let room = u64::from(sim::rig::RING_WORDS as u32) * 4 - u64::from(sim::rig::RING_RESERVE);
    println!("simulated: {LOADED} s of the loaded case in the ring of the Pico");
    println!("  {:>9} bytes a second", taken.each_second);
    println!("  {:>9} bytes at most in any {HELD} s", taken.most);
    println!("  {room:>9} bytes of the ring before a session ends for want of room");
    println!("  {:>9.1} s at that most", room as f64 / taken.most as f64 * HELD as f64);
}

/// Feeds the session's inputs to the engine as often as fits into a second or so; steps and seconds.
fn engine_alone(session: &journal::Session) -> (u64, f64) {
    let records: Vec<(Micros, Record)> = session.records().map(|(_, at, record)| (at, record)).collect();
    let Ok(program) = Program::open(&session.header.program) else { return (0, 1.0) };
    let Some((start, Record::Start { seed, levels, .. })) = records.first().copied() else { return (0, 1.0) };
    let mut engine = Box::new(Engine::new());
    let (mut steps, mut made) = (0, 0_u64);
    let began = Instant::now();
    for _ in 0..10 {
        engine.start(&program, Start { at: start, seed, levels, program: program.name() }, &mut |_, _| made += 1);
        for (at, record) in &records {
            let given = match *record {
                Record::Input { line, active, .. } => Given::Edge { line, active },
                Record::Stop(reason) => Given::Stop(reason),
                _ => continue,
            };
            while engine.next_at().is_some_and(|next| next < *at) {
                engine.advance(&program, at - 1, 1, &mut |_, _| made += 1);
                steps += 1;
            }
            if engine.offer(*at, given).is_err() {
                return (0, 1.0);
            }
        }
        while engine.running() && engine.next_at().is_some() {
            engine.advance(&program, Micros::MAX - 1, 1, &mut |_, _| made += 1);
            steps += 1;
        }
    }
    assert!(made > 0, "the engine made no records");
    (steps, began.elapsed().as_secs_f64())
}
