//! Every output, every way to die, every state of the output, on the emulated chip: from the moment it dies to when the output
//! is off for good at its pad. Made from rig-configs, so that a line added to a rig is covered as it is. One session has every
//! output in a state, and all of them are judged.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use compiler::Source;
use emulated::{Cord, Upset};
use harness::deadly::{self, Doom, Held, Scene, rigs};
use harness::{Dying, Fate, OnChip, cases};

/// The longest of a row's cells in a state: whose, and how long, in ns.
type Longest = BTreeMap<Held, (u64, String)>;

/// The rigs: one with every kind of output, and those that ship for this board.
fn on_this_board() -> Vec<Source> {
    let shipped = deadly::shipped().into_iter().filter(|rig| rig.text.contains("\nbody: rp2040\n"));
    [deadly::of_the_tests()].into_iter().chain(shipped).map(|rig| rigs::with_storm(&rig)).collect()
}

/// One session: a way to die, and every output of a rig in a state.
struct Job {
    scene: Scene,
    held: Held,
    dying: Dying,
}

/// All of them. Without time for all, a part in which each state and each level comes, and besides every way that is neither
/// code's nor a pad's while every output is on.
fn jobs() -> Vec<Job> {
    let part = if cases(1) > 1 { 1 } else { 17 };
    let mut jobs = Vec::new();
    for rig in on_this_board() {
        for held in Held::ALL {
            let Some(scene) = Scene::all(&rig, held, Doom::None) else { continue };
            jobs.extend(Dying::all(&scene).into_iter().map(|dying| Job { scene: scene.clone(), held, dying }));
        }
    }
    let many = |dying| matches!(dying, Dying::Upset(Upset::Code { .. } | Upset::Pad { .. }));
    let whole = |job: &Job| job.held == Held::On && !many(job.dying);
    (0..).zip(jobs).filter(|(n, job)| n % part == 0 || whole(job)).map(|(_, job)| job).collect()
}

/// What was found.
#[derive(Default)]
struct Found {
    rows: BTreeMap<String, Longest>,
    cells: usize,
    missed: Vec<String>,
}

impl Found {
    fn take(&mut self, Job { scene, held, dying }: &Job, fates: &[Fate]) {
        assert_eq!(fates.len(), scene.cast.len(), "an output is left out");
        for (cast, fate) in scene.cast.iter().zip(fates) {
            let told = format!("{dying:?}, {}, {}", cast.output.name, held.name());
            let bound_ns = dying.bound_ns(&cast.output, scene.silence_us);
            if bound_ns == u64::MAX {
                continue;
            }
            self.cells += 1;
            if fate.safe_after_ns > bound_ns {
                self.missed.push(format!("{told}: {} ns and not {bound_ns}", fate.safe_after_ns));
            }
            // A tone that has just begun to rise is not heard yet.
            let rising = cast.output.speaker && *held == Held::Ramping;
            if !rising && fate.was_on != cast.is_on {
                self.missed.push(format!("{told}: on {}, and was to be {}", fate.was_on, cast.is_on));
            }
            let longest = self.rows.entry(dying.name()).or_default().entry(*held).or_default();
            if fate.safe_after_ns >= longest.0 {
                *longest = (fate.safe_after_ns, cast.output.name.clone());
            }
        }
    }

    fn print(&self) {
        for (way, longest) in &self.rows {
            println!("{way}");
            for (held, (ns, whose)) in longest {
                println!("    {:<8} {:>12.3} µs  {whose}", held.name(), *ns as f64 / 1e3);
            }
        }
    }
}

#[test]
fn whatever_dies_in_whatever_state_every_output_is_safe_at_its_pad_in_time() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let (jobs, next, found) = (jobs(), AtomicUsize::new(0), Mutex::new(Found::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let after = job.dying.play(&image, &job.scene);
                    found.lock().expect("no other failed").take(job, &after.fates);
                }
            });
        }
    });
    let found = found.into_inner().expect("none failed");
    found.print();
    println!("{} cells in {} sessions", found.cells, jobs.len());
    let Found { missed, cells, .. } = found;
    assert!(missed.is_empty(), "{} of {cells} cells:\n  {}", missed.len(), missed.join("\n  "));
}
