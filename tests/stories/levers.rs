//! An analog lever: what a mouse does with it is sampled a thousand times a second, the protocol waits for what is found in the
//! samples, and the journal bears it out.

use harness::{Outcome, System};
use link::record::Request;
use link::{LineId, Micros, Record};
use sim::animal::{Scripted, Tap};

const PROTOCOL: &str = "protocols/lever-pull-analog.yaml";
const MS: u64 = 1_000;

fn system(set: &[(&str, &str)], seed: u64) -> System {
    System::shipped(PROTOCOL, set, seed)
}

fn line(system: &System, name: &str) -> LineId {
    let place = system.compiled.symbols.lines.iter().position(|line| line.name == name);
    LineId(place.unwrap_or_else(|| panic!("no line {name}")) as u8)
}

/// The lever pulled to `far` in µm within `over`, held, and let go, at `at`, all in ms.
fn pull(system: &System, at: u64, far: i64, over: u64, held: u64) -> [Tap; 2] {
    let lever = line(system, "joystick");
    let scale = system.compiled.symbols.lines[lever.index()].scale.expect("the lever is calibrated");
    let raw = |um| scale.raw(um).expect("a raw value");
    [Tap::travel(at * MS, lever, raw(far), over * MS), Tap::travel((at + over + held) * MS, lever, raw(0), 80 * MS)]
}

/// When a detector found (true) or lost (false) what it looks for, in µs from the beginning.
fn edges(outcome: &Outcome, line: LineId) -> Vec<(Micros, bool)> {
    let session = outcome.session();
    let begin = session.records().next().map_or(0, |(_, at, _)| at);
    let edges = session.records().filter_map(|(_, at, record)| match record {
        Record::Input { line: of, active, late_us: 0 } if of == line => Some((at - begin, active)),
        _ => None,
    });
    edges.collect()
}

fn outcomes(system: &[String], outcome: &Outcome) -> Vec<String> {
    let session = outcome.session();
    let told = session.records().filter_map(|(_, _, record)| match record {
        Record::Outcome(outcome) => system.get(outcome.index()).cloned(),
        _ => None,
    });
    told.collect()
}

#[test]
fn each_pull_ends_as_its_movement_deserves() {
    let system = system(&[("session_length", "1 min"), ("trials_max", "4"), ("gap_mean", "2.5 s")], 3);
    let names = system.compiled.symbols.outcomes.clone();
    let (pulled, stopped) = (line(&system, "pull"), line(&system, "stop"));
    // 5 mm is far enough; 2 mm is not; 7.95 mm hits the end; then the mouse does nothing.
    let taps = [
        pull(&system, 4_000, 5_000, 60, 200),
        pull(&system, 14_000, 2_000, 60, 200),
        pull(&system, 24_000, 7_950, 60, 150),
    ];
    let water = line(&system, "water");
    let mouse = Scripted::new(taps.concat());
    let outcome = system.with_animal(mouse).run();
    assert_eq!(outcomes(&names, &outcome), ["rewarded", "short", "too_far", "no_pull"]);

    // 5 mm in 60 ms is 3 mm after 36 ms; the first sample from there on shows it, and 0.5 mm of hysteresis before it is lost.
    let pulls = edges(&outcome, pulled);
    assert_eq!(pulls.iter().map(|(_, active)| *active).collect::<Vec<_>>(), [true, false, true, false]);
    let near = |at: Micros, ms: u64| at.abs_diff(ms * MS) <= 1_500;
    assert!(near(pulls[0].0, 4_036) && near(pulls[1].0, 4_260 + 40), "{pulls:?}");
    assert!(pulls.iter().all(|(at, _)| at.is_multiple_of(MS)), "stamped with the time of a sample");
    assert_eq!(edges(&outcome, stopped).len(), 2, "only the last pull hits the end");

    let session = outcome.session();
    let begin = session.records().next().map_or(0, |(_, at, _)| at);
    let drops = session.records().filter_map(|(_, at, record)| match record {
        Record::Request { line, request: Request::Deliver { .. } } if line == water => Some(at - begin),
        _ => None,
    });
    let drops: Vec<Micros> = drops.collect();
    assert_eq!(drops, [pulls[0].0 + 250 * MS], "the water comes `delay` after the sample that showed the pull");

    let report = journal::replay(&session).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.is_clean(), "{report}");
    assert!(report.sensed.edges > 10 && report.sensed.samples > 20_000, "{report}");
}

#[test]
fn the_trace_before_each_pull_is_in_the_journal() {
    let system = system(&[("trials_max", "1")], 5);
    let (lever, pulled) = (line(&system, "joystick"), line(&system, "pull"));
    let scale = system.compiled.symbols.lines[lever.index()].scale.expect("the lever is calibrated");
    let mouse = Scripted::new(pull(&system, 7_000, 5_000, 100, 200).to_vec());
    let outcome = system.with_animal(mouse).run();
    let at = edges(&outcome, pulled)[0].0;
    let session = outcome.session();
    let begin = session.records().next().map_or(0, |(_, at, _)| at);
    let blocks = session.records().filter_map(|(_, at, record)| match record {
        Record::Samples { line, block } if line == lever => Some((at, block)),
        _ => None,
    });
    let trace: Vec<(Micros, i64)> = blocks
        .flat_map(|(at, block)| sense::timed(at, &block, 1_000).collect::<Vec<_>>())
        .map(|(at, raw)| (at - begin, scale.base(raw)))
        .collect();
    let before: Vec<(Micros, i64)> =
        trace.into_iter().filter(|(then, _)| *then <= at && *then + 5_000 * MS > at).collect();
    assert_eq!(before.len(), 5_000, "five seconds, a sample a ms");
    let (resting, moving): (Vec<_>, Vec<_>) = before.into_iter().partition(|(then, _)| *then < 7_000 * MS);
    assert!(resting.iter().all(|(_, um)| um.abs() < 30), "at rest but for the converter's noise");
    for (then, um) in moving {
        let expected = 5_000 * (then as i64 - 7_000_000) / 100_000;
        assert!((um - expected).abs() < 80, "{um} µm at {then} µs, on the way {expected}");
    }
}

#[test]
fn a_rat_pulls_an_analog_lever_and_every_session_replays() {
    for seed in 1..3 {
        let system = system(&[("session_length", "90 s")], seed);
        let names = system.compiled.symbols.outcomes.clone();
        let outcome = system.run();
        let told = outcomes(&names, &outcome);
        assert!(told.iter().filter(|name| *name == "rewarded").count() >= 3, "seed {seed}: {told:?}");
        let report = journal::replay(&outcome.session()).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(report.is_clean(), "seed {seed}: {report}");
    }
}

#[test]
fn a_session_depends_on_its_seed_alone_samples_and_all() {
    let stream = |seed| system(&[("session_length", "1 min")], seed).run().session().stream().to_vec();
    assert!(stream(8) == stream(8), "the same noise, sample by sample");
    assert!(stream(8) != stream(9));
}
