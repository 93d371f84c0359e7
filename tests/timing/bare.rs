//! The bare interrupt in the same run: what the chip needs at least from an edge to an edge. Owns its schedule alone.

use emulated::{Bench, Event, Stop, Tools, image};
use sim::random::Dice;

use crate::programs::{LAMP_PIN, LEVER_PIN};
use crate::table::{Aim, Row};

/// When its clocks run, in ns.
const STARTED: u64 = 50_000_000;
/// From an edge to the next, in ns, and how much more at random.
const PERIOD: u64 = 20_000;
const SPREAD: u64 = 1_000;

/// From pin to pin.
pub(crate) fn row(name: &'static str, edges: usize, cache: bool) -> Row {
    let mut row = Row::new(name, "edge to edge").aiming(&[Aim::Compare]);
    match measure(edges, cache, &mut row.failures) {
        Ok(latencies) => row.with(latencies),
        Err(error) => {
            row.failures.push(format!("{name}: {error}"));
            row
        }
    }
}

fn measure(edges: usize, cache: bool, failures: &mut Vec<String>) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let mut bench = Bench::start(&Tools::ready()?.script, &image::build("nosepoke-bare", &[])?, cache)?;
    let mut dice = Dice::new(1, "bare");
    let mut events = Vec::new();
    let mut at = STARTED;
    let mut latencies = Vec::new();
    bench.pin(0, LEVER_PIN, Some(false));
    bench.run(STARTED, Stop::default(), &mut events)?;
    for n in 0..edges {
        at += PERIOD + dice.below(SPREAD);
        events.clear();
        bench.pin(at, LEVER_PIN, Some(n % 2 == 0));
        bench.run(at + PERIOD / 2, Stop::default(), &mut events)?;
        let answers: Vec<u64> = events
            .iter()
            .filter_map(|event| match event {
                Event::Edge { at: answer, pin: LAMP_PIN, .. } => Some(answer - at),
                _ => None,
            })
            .collect();
        match answers.as_slice() {
            [latency] => latencies.push(*latency),
            _ => failures.push(format!("bare interrupt: edge {n} had {} answers", answers.len())),
        }
    }
    Ok(latencies)
}
