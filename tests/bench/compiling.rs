//! How long a protocol takes from text to checked program: one of a thousand states, made here, and the largest that ships.

use std::path::PathBuf;
use std::time::Instant;

use compiler::scenario::lines_of;
use compiler::{Options, RigConfig, Source, compile, read_rig};
use controller::scenarios::fit::shipped;
use harness::top;

const REPEATS: usize = 5;
const STATES: usize = 1_000;

/// A protocol of so many states, each with an output, a way on and a time-out; each tenth with a guard, an action and a dose
/// besides. More would not fit into a device.
fn thousand() -> Source {
    let mut text = "protocol: thousand\nlines: {lever: lever, spout: lick, water: valve, mask: light}\n\
                    parameters: {delay: {default: 500 ms, range: [10 ms, 5 s]}}\nvariables: {streak: 0}\n\
                    session: {ends: [{trials: 300}]}\nstart: s0\nstates:\n"
        .to_owned();
    for n in 0..STATES {
        let (next, far) = ((n + 1) % STATES, (n * 7 + 3) % STATES);
        let (entry, on) = if n % 10 == 0 {
            let set = "do: [{set: {streak: \"if(streak > 100, 0, streak + 1)\"}}]";
            ("{trial: begin}, {deliver: {line: water, volume: 5 µl}}", format!("if: streak < 50, {set}, to: s{far}"))
        } else {
            ("{on: mask}", format!("to: s{far}"))
        };
        text.push_str(&format!(
            "  s{n}:\n    entry: [{entry}]\n    transitions:\n      - {{event: {}, {on}}}\n      - {{after: delay, to: s{next}}}\n",
            if n % 2 == 0 { "lever.press" } else { "spout.lick" },
        ));
    }
    Source { name: "thousand.yaml".to_owned(), text }
}

/// The protocol with the longest text of those that ship.
fn largest() -> Option<Source> {
    let mut open = vec![top().join("protocols")];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.to_string_lossy();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
                found.push(path);
            }
        }
    }
    let all = found.iter().filter_map(|path| Source::read(path).ok());
    all.max_by_key(|source| source.text.len())
}

/// Prints both.
pub(crate) fn print() {
    let thousand = thousand();
    println!("compiled: text to checked program, {REPEATS} times, the fastest and the slowest");
    for source in std::iter::once(thousand).chain(largest()) {
        // The first box that ships and has its lines.
        match shipped(&lines_of(&source)).map(|(rig, _)| read_rig(&rig)) {
            Ok(Ok(rig)) => took(&source, &rig),
            _ => println!("             no box that ships has the lines of {}", source.name),
        }
    }
}

fn took(source: &Source, rig: &RigConfig) {
    let mut times = Vec::new();
    let mut size = String::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        let compiled = compile(source, rig, &Options::default());
        times.push(began.elapsed().as_secs_f64() * 1e3);
        size = match &compiled {
            Ok(compiled) => format!("{} states, {} bytes", compiled.symbols.states.len(), compiled.image.len() * 4),
            Err(found) => format!("does not compile: {}", found.list.first().map_or("", |first| first.code)),
        };
    }
    times.sort_by(f64::total_cmp);
    let name = source.name.rsplit('/').next().unwrap_or(&source.name);
    println!(
        "  {:>9.1} to {:.1} ms   {name} ({size}, {} lines)",
        times[0],
        times[REPEATS - 1],
        source.text.lines().count()
    );
}
