//! Outputs × ways to die × states of the output: whatever dies, and whatever an output was doing, it is safe at its pin within
//! the time that is stated, and stays so. Made from the rig-configs; judged by what an oscilloscope sees at the pins alone.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use compiler::Source;
use harness::cases;
use harness::deadly::bounds::COMMAND_US;
use harness::deadly::rigs::with_storm;
use harness::deadly::verdict::shown;
use harness::deadly::{
    Cell, Doom, Held, Scene, Way, aborted_again, cells, of_the_tests, play, safe_after_us, shipped, spells,
};
use link::Micros;
use sim::rig::CARRIED_ON_US;

/// Decides everything left to chance.
const SEED: u64 = 7;
const MS_US: Micros = 1_000;

/// The rigs, each with an input that may toggle.
fn rigs() -> Vec<Source> {
    shipped().iter().chain([&of_the_tests()]).map(with_storm).collect()
}

#[test]
fn every_output_of_every_rig_can_be_asked_into_every_state_it_knows() {
    for rig in &rigs() {
        for held in Held::ALL {
            for doom in [Doom::None, Doom::DividesByZero, Doom::ChainsWithoutEnd, Doom::Ends, Doom::NeverLetsGo] {
                let Some(scene) = Scene::all(rig, held, doom) else { continue };
                let outputs = scene.compiled().rig.outputs().count_ones() as usize;
                assert_eq!(scene.cast.len(), outputs, "{}: an output is left out", rig.name);
            }
        }
    }
}

/// The longest time of each state, for the outputs of a way to which the same was promised.
#[derive(Default)]
struct Row {
    longest: BTreeMap<Held, (Micros, String)>,
    cells: usize,
}

/// What was found of a way.
#[derive(Default)]
struct Found {
    rows: BTreeMap<(String, String), Row>,
    complaints: Vec<String>,
    cells: usize,
}

impl Found {
    fn take(&mut self, rig: &str, way: &Way, cell: &Cell) {
        self.cells += 1;
        let Cell { output, held, promise, safe_after_us, complaint } = cell;
        let row = self.rows.entry((way.name(), promise.why.to_owned())).or_default();
        row.cells += 1;
        if let Some(us) = safe_after_us {
            let longest = row.longest.entry(*held).or_default();
            if *us >= longest.0 {
                *longest = (*us, format!("{} of {rig}", output.name));
            }
        }
        if let Some(complaint) = complaint {
            let (way, held) = (way.name(), held.name());
            self.complaints.push(format!("{way}, {held}, `{}` of {rig}: {complaint}", output.name));
        }
    }

    fn add(&mut self, other: Self) {
        for (key, row) in other.rows {
            let into = self.rows.entry(key).or_default();
            into.cells += row.cells;
            for (held, longest) in row.longest {
                let known = into.longest.entry(held).or_default();
                if longest.0 >= known.0 {
                    *known = longest;
                }
            }
        }
        self.complaints.extend(other.complaints);
        self.cells += other.cells;
    }

    fn print(&self) {
        for ((way, why), row) in &self.rows {
            println!("{way}  [{why}]  {} cells", row.cells);
            for (held, (us, whose)) in &row.longest {
                println!("    {:<8} {:>10}  {whose}", held.name(), shown(*us));
            }
        }
        println!("{} cells", self.cells);
    }
}

/// Everything that can die in a state of a rig's outputs.
fn all_ways(rig: &Source, held: Held) -> Found {
    let mut found = Found::default();
    let Some(plain) = Scene::all(rig, held, Doom::None) else { return found };
    let control = play(&plain, &Way::Nothing, SEED);
    assert!(control.began.is_some(), "{}: the session never began", rig.name);
    for way in Way::all(rig) {
        let Some(scene) = way.scene(rig, held) else { continue };
        let seen = play(&scene, &way, SEED);
        assert!(!seen.runs_on, "{}, {}: it runs on", rig.name, way.name());
        let rig = rig.name.rsplit('/').next().unwrap_or_default();
        cells(&scene, &way, &seen, &control).iter().for_each(|cell| found.take(rig, &way, cell));
    }
    found
}

#[test]
fn whatever_dies_every_output_is_safe_in_time() {
    let rigs = rigs();
    let jobs = Mutex::new(rigs.iter().flat_map(|rig| Held::ALL.map(|held| (rig, held))));
    let found = Mutex::new(Found::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                let next = || jobs.lock().ok().and_then(|mut jobs| jobs.next());
                while let Some((rig, held)) = next() {
                    let of_one = all_ways(rig, held);
                    found.lock().unwrap_or_else(PoisonError::into_inner).add(of_one);
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.print();
    assert!(found.complaints.is_empty(), "{} cells:\n  {}", found.complaints.len(), found.complaints.join("\n  "));
}

#[test]
fn sync_and_frame_triggers_carry_on_with_what_they_do_behind_a_trip_for_a_second_at_most() {
    let rig = of_the_tests();
    for (way, held) in [(Way::Abort, Held::Train), (Way::EmergencyStop, Held::Train), (Way::Abort, Held::Pulse)] {
        let scene = way.scene(&rig, held).unwrap_or_else(|| panic!("no output can be on"));
        let (compiled, seen) = (scene.compiled(), play(&scene, &way, SEED));
        for cast in scene.cast.iter().filter(|cast| cast.is_on && !cast.output.safe_on_trip) {
            let was = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
            let after_us = safe_after_us(&was, seen.died_at);
            println!("{}, {held:?}: `{}` goes on for {}", way.name(), cast.output.name, shown(after_us));
            let least_us = CARRIED_ON_US - 100_000;
            assert!((least_us..=CARRIED_ON_US + COMMAND_US).contains(&after_us), "{after_us} µs");
            let behind = was.iter().filter(|spell| spell.from > seen.died_at).count();
            assert!(held == Held::Pulse || behind >= 15, "{behind} pulses, one every 50 ms");
        }
    }
}

#[test]
fn a_level_that_a_trip_leaves_alone_goes_off_with_the_session_for_nobody_else_would_switch_it_off() {
    let rig = of_the_tests();
    for way in [Way::Abort, Way::EmergencyStop] {
        let scene = way.scene(&rig, Held::On).unwrap_or_else(|| panic!("no output can be on"));
        let (compiled, seen) = (scene.compiled(), play(&scene, &way, SEED));
        let off = |safe: bool| {
            let on = scene.cast.iter().filter(move |cast| cast.is_on && cast.output.safe_on_trip == safe);
            on.map(|cast| {
                let was = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
                safe_after_us(&was, seen.died_at)
            })
        };
        let (safe, carried) = (off(true).max(), off(false).min());
        println!("{}: safe after {safe:?} µs, what carries on off after {carried:?} µs", way.name());
        assert!(safe < carried, "{}: the session's end comes behind the trip", way.name());
    }
}

#[test]
fn a_session_without_its_controller_goes_on_with_all_that_need_not_be_armed() {
    let way = Way::HostKilled;
    let scene = way.scene(&of_the_tests(), Held::On).unwrap_or_else(|| panic!("no output can be on"));
    let (compiled, seen) = (scene.compiled(), play(&scene, &way, SEED));
    for cast in &scene.cast {
        let was = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
        let later = was.iter().filter(|spell| spell.from > seen.died_at + scene.silence_us + MS_US).count();
        // Nine trials of 2.2 s in the 20 s it goes on, and less where too much was on before.
        let expected = if cast.output.must_arm { 0..=0 } else { 1..=10 };
        assert!(expected.contains(&later), "`{}` was on {later} times: {was:?}", cast.output.name);
    }
}

#[test]
fn aborts_in_a_row_are_all_alike() {
    // A thousand of them in tests/long.
    let times = cases(50) as u32;
    let scene = Scene::all(&of_the_tests(), Held::Pulse, Doom::None).unwrap_or_else(|| panic!("no output can pulse"));
    let all = aborted_again(&scene, times, SEED);
    let compiled = scene.compiled();
    let (first, _) = &all[0];
    let mut longest = 0;
    for (n, (edges, aborted_at)) in all.iter().enumerate() {
        for cast in scene.cast.iter().filter(|cast| cast.is_on && cast.output.safe_on_trip) {
            let line = Scene::line(&compiled, &cast.output.name);
            let (was, once) = (spells(edges, line), spells(first, line));
            assert_eq!(was.len(), once.len(), "abort {n}, `{}`: {was:?}", cast.output.name);
            assert_eq!(was[0].from, once[0].from, "abort {n}, `{}` drifts", cast.output.name);
            longest = longest.max(safe_after_us(&was, *aborted_at));
        }
    }
    println!("{times} aborts in a row: all safe after {}, at most", shown(longest));
    assert!(longest <= COMMAND_US, "{longest} µs");
}
