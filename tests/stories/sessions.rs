//! Whole sessions of the flagship protocol: a rat pulls a lever for water that comes half the time, and light falls at
//! the moment it does not.

use std::collections::BTreeSet;

use compiler::Source;
use controller::room;
use harness::{Disk, Outcome, System, cases, top};
use journal::{Gap, Integrity, NoteKind};
use link::record::Request;
use link::{DisarmCause, EndReason, InvariantId, LineId, Micros, Record, TripCause, Verdict};
use sim::WireFaults;

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";
/// Enough trials to see everything, few enough to be quick in a debug build.
const SHORT: &[(&str, &str)] = &[("session_length", "6 min")];

fn flagship(seed: u64) -> System {
    System::shipped(FLAGSHIP, SHORT, seed)
}

fn good(outcome: &Outcome) {
    match &outcome.result {
        Ok(ended) => assert!(matches!(ended.reason, EndReason::Condition(_)), "ended by {:?}", ended.reason),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(outcome.still_on, 0, "outputs still on after the session");
}

fn replays(outcome: &Outcome) {
    let session = outcome.session();
    match journal::replay(&session) {
        Ok(report) => assert!(report.is_clean(), "{report}"),
        Err(failure) => panic!("{failure}"),
    }
}

/// The records of a session, counted from its start.
fn told(outcome: &Outcome, kept: impl Fn(&Record) -> bool) -> Vec<(Micros, Record)> {
    let session = outcome.session();
    let start = session.records().next().map_or(0, |(_, at, _)| at);
    session.records().filter(|(_, _, record)| kept(record)).map(|(_, at, record)| (at - start, record)).collect()
}

/// Fails at the first record that differs.
fn same(one: &[(Micros, Record)], other: &[(Micros, Record)]) {
    for (n, (left, right)) in one.iter().zip(other).enumerate() {
        assert_eq!(left, right, "record {n} differs");
    }
    assert_eq!(one.len(), other.len(), "one session has more records");
}

fn line(system: &System, name: &str) -> LineId {
    let place = system.compiled.symbols.lines.iter().position(|line| line.name == name);
    LineId(place.unwrap_or_else(|| panic!("no line {name}")) as u8)
}

fn state(system: &System, name: &str) -> u16 {
    let place = system.compiled.symbols.states.iter().position(|state| state.name == name);
    place.unwrap_or_else(|| panic!("no state {name}")) as u16
}

#[test]
fn a_seed_decides_every_byte_of_the_session() {
    let (once, again, other) = (flagship(11).run(), flagship(11).run(), flagship(12).run());
    for outcome in [&once, &again, &other] {
        good(outcome);
        replays(outcome);
    }
    same(&told(&once, |_| true), &told(&again, |_| true));
    assert!(once.journal == again.journal, "the whole file is the same, not the stream alone");
    assert!(once.session().stream() != other.session().stream(), "another seed gave the same session");
}

#[test]
fn the_rat_learns_to_answer_the_tone() {
    let set = [("session_length", "60 min"), ("patience", "5 s")];
    let system = System::shipped(FLAGSHIP, &set, 1);
    let miss = system.compiled.symbols.outcomes.iter().position(|name| name == "miss");
    let miss = miss.expect("the protocol knows misses") as u16;
    let outcome = system.run();
    good(&outcome);
    let missed: Vec<bool> = outcome
        .session()
        .records()
        .filter_map(|(_, _, record)| match record {
            Record::Outcome(outcome) => Some(outcome.0 == miss),
            _ => None,
        })
        .collect();
    let share = |part: &[bool]| part.iter().filter(|missed| **missed).count() as f64 / part.len() as f64;
    let (early, late) = (share(&missed[..20]), share(&missed[100..200]));
    assert!(early > late + 0.1, "{early:.2} of the first 20 trials missed, {late:.2} of those from 100 to 200");
}

#[test]
fn a_cable_that_loses_garbles_doubles_and_delays_a_tenth_of_all_frames_changes_nothing() {
    for seed in 21..21 + cases(3) {
        let clean = flagship(seed).run();
        let mut system = flagship(seed);
        system.faults = WireFaults::all(0.1);
        let faulty = system.run();
        good(&clean);
        good(&faulty);
        same(&told(&clean, |_| true), &told(&faulty, |_| true));
        assert!(clean.session().stream() == faulty.session().stream(), "seed {seed}: the bytes differ");
        let silent = faulty.session().records().any(|(_, _, record)| matches!(record, Record::Silence(_)));
        assert!(!silent, "seed {seed}: the controller fell silent");
    }
}

#[test]
fn the_laser_fires_the_moment_water_was_due_on_stimulated_omissions_and_at_no_other_time() {
    let system = flagship(5);
    let (laser, mask, omission) = (line(&system, "laser"), line(&system, "mask"), state(&system, "omission"));
    let outcome = system.run();
    good(&outcome);
    let session = outcome.session();
    let omissions: Vec<Micros> = session
        .records()
        .filter(|(_, _, record)| matches!(record, Record::Enter { state, .. } if state.0 == omission))
        .map(|(_, at, _)| at)
        .collect();
    assert!(omissions.len() >= 5, "only {} omissions", omissions.len());
    let rises = |wanted: LineId| -> Vec<Micros> {
        outcome.edges.iter().filter(|edge| edge.line == wanted && edge.on).map(|edge| edge.at).collect()
    };
    let (laser_rises, mask_rises) = (rises(laser), rises(mask));
    let mut kinds = BTreeSet::new();
    for at in &omissions {
        // A train is 20 pulses of 5 ms at 20 Hz; it begins when its microsecond has closed, a few µs after the omission.
        let train = |rises: &[Micros]| -> Vec<Micros> {
            rises.iter().copied().filter(|rise| (*at..*at + 1_000_000).contains(rise)).collect()
        };
        let (light, masking) = (train(&laser_rises), train(&mask_rises));
        for pulses in [&light, &masking] {
            if let Some(first) = pulses.first() {
                assert!(first - at <= 10, "the train begins {} µs after the omission", first - at);
                let expected: Vec<Micros> = (0..20).map(|pulse| first + pulse * 50_000).collect();
                assert_eq!(*pulses, expected);
            }
        }
        kinds.insert((light.len(), masking.len()));
    }
    // Stimulated: both; sham: the masking light alone; neither.
    assert_eq!(kinds, BTreeSet::from([(20, 20), (0, 20), (0, 0)]));
    let near = |rise: &Micros| omissions.iter().any(|at| (*at..*at + 1_000_000).contains(rise));
    assert!(laser_rises.iter().all(near), "light outside an omission");
}

#[test]
fn the_control_on_rewarded_trials_lights_rewards_and_never_omissions() {
    let set = [("stimulate", "at_reward"), ("session_length", "6 min")];
    let system = System::shipped(FLAGSHIP, &set, 6);
    let (laser, reward) = (line(&system, "laser"), state(&system, "reward"));
    let outcome = system.run();
    good(&outcome);
    let session = outcome.session();
    let rewards: Vec<Micros> = session
        .records()
        .filter(|(_, _, record)| matches!(record, Record::Enter { state, .. } if state.0 == reward))
        .map(|(_, at, _)| at)
        .collect();
    let rises: Vec<Micros> =
        outcome.edges.iter().filter(|edge| edge.line == laser && edge.on).map(|edge| edge.at).collect();
    assert!(rises.len() >= 20, "no train was given");
    assert!(rises.iter().all(|rise| rewards.iter().any(|at| (*at..*at + 1_000_000).contains(rise))));
}

#[test]
fn the_control_at_a_random_time_lights_whatever_the_trial_does() {
    let set = [("stimulate", "at_random"), ("session_length", "6 min")];
    let system = System::shipped(FLAGSHIP, &set, 7);
    let laser = line(&system, "laser");
    let outcome = system.run();
    good(&outcome);
    let session = outcome.session();
    let trials: Vec<Micros> = session
        .records()
        .filter(|(_, _, record)| matches!(record, Record::Trial { .. }))
        .map(|(_, at, _)| at)
        .collect();
    let rises: Vec<Micros> =
        outcome.edges.iter().filter(|edge| edge.line == laser && edge.on).map(|edge| edge.at).collect();
    let mut starts = rises.iter().enumerate().filter(|(n, at)| *n == 0 || **at - rises[n - 1] > 100_000);
    let offsets: BTreeSet<Micros> = starts
        .by_ref()
        .filter_map(|(_, at)| trials.iter().rev().find(|trial| *trial <= at).map(|trial| (at - trial) / 1_000_000))
        .collect();
    assert!(offsets.len() >= 4, "trains began only {offsets:?} s into their trials");
}

#[test]
fn without_a_person_to_arm_it_the_laser_stays_dark_and_everything_else_goes_on() {
    let mut system = flagship(5);
    let laser = line(&system, "laser");
    system.arm = 0;
    let outcome = system.run();
    good(&outcome);
    assert!(!outcome.edges.iter().any(|edge| edge.line == laser));
    let session = outcome.session();
    let (mut asked, mut withheld) = (0, 0);
    for (_, _, record) in session.records() {
        match record {
            Record::Request { line, request: Request::Train(_) } if line == laser => asked += 1,
            Record::Verdict { line, verdict: Verdict::Withheld } if line == laser => withheld += 1,
            _ => {}
        }
    }
    assert!(asked > 0);
    assert_eq!(asked, withheld, "every train that was asked for was withheld, and says so");
    replays(&outcome);
}

#[test]
fn nobody_arms_a_line_that_the_protocol_does_not_name() {
    let outcome = System::shipped("protocols/first-lever.yaml", &[], 2).run();
    good(&outcome);
    assert!(!outcome.session().records().any(|(_, _, record)| matches!(record, Record::Armed { .. })));
    replays(&outcome);
}

#[test]
fn nobody_arms_by_himself_on_a_real_rig_even_if_its_file_still_has_a_simulated_room() {
    let system = flagship(1);
    let shipped = Source::read(&top().join("rig-configs/sim-box.yaml")).expect("the rig reads");
    let mut rig = compiler::read_rig(&shipped).expect("the rig is good");
    assert!(room::person(&system.compiled, &rig).is_some_and(|(lines, _)| lines != 0));
    rig.body = "rp2040".to_owned();
    assert_eq!(room::person(&system.compiled, &rig), None);
}

#[test]
fn a_broken_rule_about_an_armed_line_is_blocked_and_trips_while_the_light_was_on() {
    let text = "\
protocol: twice
lines: {laser: laser, mask: light}
stimuli: {burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 5}}}
session: {ends: [{trials: 20}]}
start: once
states:
  once:
    entry: [{trial: begin}, {pulse: {line: laser, stimulus: burst}}, {on: mask}]
    transitions: [{after: 2 s, to: again}]
  again:
    entry: [{on: mask}, {pulse: {line: laser, stimulus: burst}}]
    transitions: [{after: 2 s, to: once}]
invariants: [at most 1 pulse on laser per trial]
";
    let source = Source { name: "twice.yaml".to_owned(), text: text.to_owned() };
    let system = System::written(source, &[], 1);
    let laser = line(&system, "laser");
    let outcome = system.run();
    let reason = outcome.result.as_ref().map(|ended| ended.reason);
    let broken = EndReason::Tripped(TripCause::Invariant(InvariantId(0)));
    assert!(reason.is_ok_and(|reason| reason == broken), "{:?}", outcome.result);
    assert_eq!(outcome.still_on, 0);
    let rises = outcome.edges.iter().filter(|edge| edge.line == laser && edge.on).count();
    assert_eq!(rises, 5, "the second train never reached the pin");
    assert!(outcome.session().records().any(|(_, _, record)| matches!(record, Record::Breach { .. })));
    replays(&outcome);
}

#[test]
fn a_cable_pulled_for_two_seconds_disarms_at_once_and_loses_nothing() {
    // What comes in between halves would move edges by a µs where the cable gives P1 something else to do.
    let quiet = || {
        let mut system = flagship(9);
        system.preempt = 0.0;
        system
    };
    let laser = line(&quiet(), "laser");
    let uncut = quiet().run();
    // The first trial after a minute in which nothing armed is asked for and that lasts.
    let session = uncut.session();
    let asked = |record: &Record| matches!(record, Record::Trial { .. } | Record::Request { .. });
    let marks: Vec<(Micros, Record)> =
        session.records().filter(|(_, _, record)| asked(record)).map(|(_, at, record)| (at, record)).collect();
    let trial = |record: &Record| matches!(record, Record::Trial { .. });
    let mut trials = marks.iter().enumerate().filter(|(_, (at, record))| trial(record) && *at > 60_000_000);
    let quiet_trial = trials.find(|(place, (began, _))| {
        let mut inside = marks[place + 1..].iter();
        inside.find_map(|(at, record)| match record {
            Record::Request { line, .. } if *line == laser => Some(false),
            Record::Trial { .. } => Some(at - began > 4_000_000),
            _ => None,
        }) == Some(true)
    });
    let (_, (began, _)) = quiet_trial.expect("a trial without light");
    let (pulled, back) = (began + 500_000, began + 2_500_000);
    let outcome = quiet().run_watched(|now, _, cable| {
        let connected = !(pulled..back).contains(&now);
        cable.to_device.connect(connected);
        cable.to_host.connect(connected);
    });
    good(&outcome);
    let session = outcome.session();
    let mut disarmed = None;
    let mut armed_again = None;
    for (_, at, record) in session.records() {
        match record {
            Record::Disarmed { cause: DisarmCause::Silence, .. } => disarmed = Some(at),
            Record::Armed { .. } if disarmed.is_some() => armed_again = armed_again.or(Some(at)),
            _ => {}
        }
    }
    let disarmed = disarmed.expect("the silence disarmed the laser");
    // The controller was last heard up to 51 ms before the cable was pulled; the limit is 250 ms.
    assert!((pulled + 190_000..=pulled + 251_100).contains(&disarmed), "disarmed {} µs after", disarmed - pulled);
    assert!(armed_again.expect("armed again at a later trial") > back);
    replays(&outcome);
    // The same animal with the same seed, never cut off: everything but the disarming and the arming is the same.
    let kept = |record: &Record| !matches!(record, Record::Silence(_) | Record::Disarmed { .. } | Record::Armed { .. });
    same(&told(&outcome, kept), &told(&uncut, kept));
}

#[test]
fn a_cable_pulled_for_good_ends_the_session_safe_at_a_trial_boundary() {
    let outcome = flagship(9).run_watched(|now, _, cable| {
        if now >= 60_000_000 {
            cable.to_device.connect(false);
            cable.to_host.connect(false);
        }
    });
    let Err(error) = &outcome.result else { panic!("the device was gone and nobody noticed") };
    assert!(error.to_string().contains("records after"), "{error}");
    assert_eq!(outcome.still_on, 0);
    let session = outcome.session();
    assert!(session.records_len() > 50, "what came before is readable");
    // Not closed: the device may still hold the rest, and its controller may come back for it.
    assert!(matches!(session.verify(), Ok(Integrity::Interrupted { .. })));
    let gap = Gap { first: session.records_len(), next: None };
    assert_eq!(session.gaps, [gap], "and it says from where on nothing is known");
    assert!(session.notes.iter().any(|placed| placed.note.kind == NoteKind::Disconnected), "{:?}", session.notes);
    let last_edge = outcome.edges.last().expect("there were edges").at;
    // Silence is noticed at 60.25 s, carry_on is 60 s, and the trial then under way ends.
    assert!(last_edge < 60_000_000 + 250_000 + 60_000_000 + 60_000_000, "outputs moved until {last_edge} µs");
}

#[test]
fn a_cable_pulled_before_the_session_begins_leaves_nothing_behind() {
    let outcome = flagship(9).run_watched(|_, _, cable| {
        cable.to_device.connect(false);
        cable.to_host.connect(false);
    });
    let Err(error) = &outcome.result else { panic!("the device was never there and nobody noticed") };
    assert!(error.to_string().contains("nothing was started"), "{error}");
    assert!(outcome.took_us < 20_000_000, "it waited {} µs", outcome.took_us);
    assert!(outcome.journal.is_empty(), "no journal was begun");
    assert!(outcome.edges.is_empty());
}

#[test]
fn a_full_disk_ends_the_session_safe_and_keeps_what_was_durable() {
    let whole = flagship(3).run();
    good(&whole);
    let mut system = flagship(3);
    // Room for the header and about a third of the records.
    let header = whole.journal.len() - whole.session().stream().len();
    system.disk = Disk::with_room(header + whole.session().stream().len() / 3);
    let outcome = system.run();
    let Err(error) = &outcome.result else { panic!("the disk was full and nobody noticed") };
    assert!(error.to_string().contains("every output safe"), "{error}");
    assert_eq!(outcome.still_on, 0);
    assert!(outcome.took_us < whole.took_us, "the session went on without a disk");
    let session = outcome.session();
    let stream = session.stream();
    assert!(stream.len() > 1000, "only {} bytes are readable", stream.len());
    assert_eq!(stream, &whole.session().stream()[..stream.len()]);
}

#[test]
fn stopping_by_hand_ends_the_session_at_once_with_everything_recorded() {
    let mut system = flagship(4);
    system.stop_at = Some(50_000_000);
    let outcome = system.run();
    assert!(matches!(&outcome.result, Ok(ended) if ended.reason == EndReason::Stopped), "{:?}", outcome.result);
    assert_eq!(outcome.still_on, 0);
    assert!(outcome.took_us < 51_000_000);
    replays(&outcome);
}
