//! Times the real image on the emulated Pico, edge by edge from outside, and prints one table. Emulated figures: bounds to
//! compare by, never what a board does on a bench. Fails when an edge has no answer or is lost, when an upper level reads the
//! flash or the chip faults; never on how long anything took here.
//!
//!   cargo run --release --package nosepoke-tests --bin timing [-- --json] [--edges N]

mod programs;
mod scene;
#[path = "../../firmware/spike/src/programs.rs"]
#[allow(dead_code)]
mod spike_programs;
mod table;

use std::process::ExitCode;

use emulated::Cord;
use harness::OnChip;

use scene::{Load, Scene};
use table::{Row, Table};

/// Edges a row, unless told.
const EDGES: usize = 300;
/// From one edge to the next, in µs: the flagship is back in its first state by then.
const FLAGSHIP_PERIOD_US: u64 = 3_400;
const MAXIMUM_PERIOD_US: u64 = 600;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let edges = arguments.iter().skip_while(|argument| *argument != "--edges").nth(1);
    let edges = edges.and_then(|count| count.parse().ok()).unwrap_or(EDGES);
    let Some(image) = OnChip::ready(Cord::Usb) else { return ExitCode::SUCCESS };
    let mut table = Table::default();
    let scene =
        |name, assembly| Scene { image: &image, name, assembly, load: Load::Idle, cache: true, all_play: false };

    let flagship = |name| scene(name, spike_programs::flagship());
    let maximum = |name| scene(name, spike_programs::maximum()).all_play();
    table.add(flagship("flagship, flash without cost").without_cache().answers(FLAGSHIP_PERIOD_US, edges, true));
    table.add(flagship("flagship").answers(FLAGSHIP_PERIOD_US, edges, true));
    table.add(flagship("flagship, loaded").loaded().answers(FLAGSHIP_PERIOD_US, edges, true));
    table.add(scene("outputs switched together, skew", programs::together()).skew(2_000, edges));
    for (name, loaded) in [("pulses of 1 ms every 2.5 ms", false), ("pulses of 1 ms every 2.5 ms, loaded", true)] {
        let train = scene(name, programs::train(1_000, 2_500, u32::MAX));
        let train = if loaded { train.loaded() } else { train };
        let seconds = (edges as u64 * 2_500).div_ceil(1_000_000).max(1);
        for row in train.pulses(1_000, 2_500, seconds) {
            table.add(row);
        }
    }
    for (name, loaded) in [("two trains and the lever", false), ("two trains and the lever, loaded", true)] {
        let crossing = scene(name, programs::crossing());
        let crossing = if loaded { crossing.loaded() } else { crossing };
        for row in crossing.crossing(1_999, edges * 4) {
            table.add(row);
        }
    }
    table.add(scene("events through the link, 20 000 a second", programs::flood(10, 500)).events(10, 500, 2));
    for name in ["maximum, flash without cost", "maximum"] {
        let one = if name.contains("without") { maximum(name).without_cache() } else { maximum(name) };
        table.add(one.or_failed(|one| one.answers(MAXIMUM_PERIOD_US, edges, false)));
    }
    table.memory(&image.image);
    if json {
        println!("{}", table.json());
    } else {
        print!("{table}");
    }
    if table.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Table {
    fn add(&mut self, row: Row) {
        eprintln!("  {}", row.name);
        self.rows.push(row);
    }
}
