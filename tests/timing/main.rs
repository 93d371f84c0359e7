//! Times the real image on the emulated Pico, edge by edge from outside, and prints what came of it beside what was aimed at.
//! Emulated figures: bounds to compare by, never what a board does on a bench. Fails when an edge has no answer, an event or
//! an input is lost, an upper level reads the flash or the chip faults; never on how long anything took.
//!
//!   cargo run --release --package nosepoke-tests --bin timing [-- [--edges N] [--only WORDS] [--json | --markdown]]
//!
//! `--into FILE` puts the tables between the marks in a file of the docs.

mod bare;
mod elf;
mod programs;
mod scene;
mod table;
mod workloads;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use emulated::Cord;
use harness::OnChip;

use programs::Around;
use scene::{Measured, Scene};
use table::{Aim, Meanwhile, Table};

/// Edges a row, unless told.
const EDGES: usize = 300;
/// From one press to the next, in µs: the flagship is back in its first state by then.
const FLAGSHIP_PERIOD_US: u64 = 3_400;
/// The largest program is rehearsed anew in some 300 µs; with edges as close, P1 leaves no time for P2, the ring runs full after
/// some seconds, and the session ends.
const MAXIMUM_PERIOD_US: u64 = 2_000;
const CROSSING_PERIOD_US: u64 = 1_999;
/// When the time-outs of the maximum fall due, where they do, in µs.
const DUE_US: i64 = 150_000;
/// Width and period of the pulses whose edges are looked at, in µs, and of those that are counted by the million.
const PULSES: (u64, u64) = (1_000, 2_000);
const MANY_PULSES: (u64, u64) = (100, 200);
/// How many of the latter there are to each edge asked for: a million at ten thousand.
const PULSES_AN_EDGE: u64 = 100;
/// Events a burst, and how often one comes, in µs.
const FLOOD: (u16, u64) = (10, 500);
/// The tables stand between these in the docs.
const MARKS: [&str; 2] = ["<!-- printed by the bench from here -->\n", "<!-- to here -->"];

const US: u64 = 1_000;
const FLAGSHIP: [Aim; 2] = [Aim::P50(5 * US), Aim::NoneLost];
const MAXIMUM: [Aim; 2] = [Aim::P50(15 * US), Aim::NoneLost];
const LOADED: [Aim; 2] = [Aim::Most(25 * US), Aim::NoneLost];
const PULSE: [Aim; 1] = [Aim::Most(US)];
const EVENTS: [Aim; 1] = [Aim::Rate(20_000)];
const AT_ONCE: [Aim; 2] = [Aim::Most(0), Aim::NoneLost];

/// A scene with what is measured of it.
type Job = Box<dyn Fn() -> Measured + Send + Sync>;

/// Everything that is measured, in the order of the table.
fn jobs(image: &OnChip, edges: usize) -> Vec<(&'static str, Job)> {
    let mut jobs: Vec<(&'static str, Job)> = Vec::new();
    for cache in [false, true] {
        let name = if cache { "bare interrupt" } else { "bare interrupt, flash without cost" };
        let alone = move || Measured { rows: vec![bare::row(name, edges, cache)], meanwhile: Meanwhile::default() };
        jobs.push((name, Box::new(alone)));
    }
    let mut add = |scene: Scene, measure: Box<dyn Fn(&Scene) -> Measured + Send + Sync>| {
        jobs.push((scene.name, Box::new(move || scene.play(|scene| measure(scene)))));
    };
    let scene = |name, assembly| Scene::new(image, name, assembly);

    let flagship = |name| scene(name, workloads::flagship());
    let pulled = |aims| Box::new(move |scene: &Scene| scene.answers(FLAGSHIP_PERIOD_US, edges, true, aims));
    add(flagship("flagship, flash without cost").without_cache(), pulled(&FLAGSHIP));
    add(flagship("flagship"), pulled(&FLAGSHIP));
    add(flagship("flagship, loaded").loaded(), pulled(&LOADED));
    let any_moment = Box::new(move |scene: &Scene| scene.any_moment(edges, &LOADED));
    add(scene("flagship, at any moment", sparse()), any_moment.clone());
    add(scene("flagship, at any moment, loaded", sparse()).loaded(), any_moment);
    let maximum = |name| scene(name, workloads::maximum()).within(Around::Largest);
    // Both edges are answered.
    let pulled =
        |period_us, aims| Box::new(move |scene: &Scene| scene.answers(period_us, edges.div_ceil(2), false, aims));
    add(maximum("maximum, flash without cost").without_cache(), pulled(MAXIMUM_PERIOD_US, &MAXIMUM));
    add(maximum("maximum"), pulled(MAXIMUM_PERIOD_US, &MAXIMUM));
    add(maximum("maximum, loaded").loaded(), pulled(MAXIMUM_PERIOD_US, &LOADED));

    for (name, regions) in [("maximum, a region's time-outs due", 1), ("maximum, all time-outs due", 8)] {
        let due = scene(name, workloads::maximum_due(DUE_US, regions)).within(Around::Largest);
        add(due, Box::new(|scene| scene.undisturbed(2 * DUE_US.unsigned_abs() + 50_000)));
    }

    let together = scene("six outputs switched together", programs::together());
    add(together, Box::new(move |scene| scene.skew(2_000, edges.div_ceil(2), &PULSE)));
    let train = |name, (width, period): (u64, u64)| scene(name, programs::train(width as u32, period as u32, u32::MAX));
    let seen = Box::new(move |scene: &Scene| scene.pulses(PULSES.0, PULSES.1, edges as u64, &PULSE));
    add(train("pulses of 1 ms every 2 ms", PULSES), seen.clone());
    add(train("pulses of 1 ms every 2 ms, loaded", PULSES).loaded(), seen);
    let crossed = Box::new(move |scene: &Scene| scene.crossing(CROSSING_PERIOD_US, edges, &PULSE));
    add(scene("two trains and the lever", programs::crossing()), crossed.clone());
    add(scene("two trains and the lever, loaded", programs::crossing()).loaded(), crossed);
    let many = edges as u64 * PULSES_AN_EDGE;
    let counted = move |scene: &Scene| scene.pulses(MANY_PULSES.0, MANY_PULSES.1, many, &PULSE);
    add(train("pulses of 100 µs every 200 µs", MANY_PULSES), Box::new(counted));
    let inputs = scene("all 24 inputs at the same ns", programs::silence()).within(Around::Inputs);
    add(inputs, Box::new(move |scene| scene.at_once(5_000, edges.div_ceil(24), &AT_ONCE)));
    let seconds = if edges < 10_000 { 2 } else { 10 };
    let flood = scene("events through the link", programs::flood(FLOOD.0, FLOOD.1 as i64));
    add(flood, Box::new(move |scene| scene.events(FLOOD.0, FLOOD.1, seconds, &EVENTS)));
    jobs
}

/// The flagship with two long pulses in the place of 20: a thousandth of a train of 20 Hz is more edges than a rig has, and a
/// press that comes while the chip catches up with them says nothing of how long it does not listen.
fn sparse() -> assembler::Assembly {
    let mut flagship = workloads::flagship();
    for stimulus in flagship.stimuli.iter_mut().filter(|stimulus| stimulus.train.carrier.is_none()) {
        (stimulus.train.width_us, stimulus.train.period_us, stimulus.train.count) = (200, 400, 2);
    }
    flagship
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let edges = value("--edges").and_then(|count| count.parse().ok()).unwrap_or(EDGES);
    let Some(image) = OnChip::ready(Cord::Usb) else { return ExitCode::SUCCESS };
    let mut jobs = jobs(&image, edges);
    if let Some(only) = value("--only") {
        jobs.retain(|(name, _)| name.contains(only.as_str()));
    }
    let mut table = Table { sections: elf::sections(&image.image), ..Table::default() };
    for Measured { rows, meanwhile } in played(&jobs) {
        table.rows.extend(rows);
        if !meanwhile.name.is_empty() {
            table.meanwhile.push(meanwhile);
        }
    }
    if asked("--json") {
        println!("{}", table.json());
    } else if asked("--markdown") {
        print!("{}", table.markdown());
    } else {
        print!("{table}");
    }
    if let Some(Err(error)) = value("--into").map(|file| put_into(file, &table)) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    for failure in table.failures() {
        eprintln!("FAILED: {failure}");
    }
    if table.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays all, as many at once as there are processors; what came of them, in order. The last is played first, for those
/// behind take longest. Each row is told as soon as it is there, so that a run that is stopped has not been for nothing.
fn played(jobs: &[(&'static str, Job)]) -> Vec<Measured> {
    let left = AtomicUsize::new(jobs.len());
    let done: Vec<Mutex<Option<Measured>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let one_less = |left: usize| left.checked_sub(1);
                while let Ok(left) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
                    let Some(((name, job), done)) =
                        left.checked_sub(1).and_then(|n| Some((jobs.get(n)?, done.get(n)?)))
                    else {
                        break;
                    };
                    eprintln!("  {name}: begun");
                    let measured = job();
                    measured.rows.iter().for_each(|row| eprintln!("  {row}"));
                    if let Ok(mut done) = done.lock() {
                        *done = Some(measured);
                    }
                }
            });
        }
    });
    done.into_iter().filter_map(|done| done.into_inner().ok().flatten()).collect()
}

fn put_into(file: &str, table: &Table) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{file}: {error}");
    let text = std::fs::read_to_string(file).map_err(told)?;
    let between = text.split_once(MARKS[0]).and_then(|(head, rest)| Some((head, rest.split_once(MARKS[1])?.1)));
    let (head, tail) =
        between.ok_or_else(|| format!("{file} has no marks `{}` and `{}`", MARKS[0].trim(), MARKS[1]))?;
    let text = format!("{head}{}\n{}{}{tail}", MARKS[0], table.markdown(), MARKS[1]);
    std::fs::write(file, text).map_err(told)
}
