//! The protocols that ship, run on the engine for an hour of pulls at odd times: the program does what the protocol says.
#![allow(clippy::unwrap_used)]

mod common;

use common::{shipped, with};
use compiler::Compiled;
use engine::{Engine, Given, Start};
use link::program::Program;
use link::record::Request;
use link::{EndReason, LineId, Micros, Record};

/// What happened, in words a protocol uses.
#[derive(Debug, Clone, PartialEq)]
enum Happened {
    Trial,
    Outcome(String),
    Event(String),
    Drawn(String, i64),
    On(String, Request),
    End(EndReason),
}

/// Runs a protocol with a pull every one to four seconds and a lick after each.
fn session(path: &str, set: &[(&str, &str)]) -> (Compiled, Vec<(Micros, Happened)>) {
    let compiled = with(&shipped(path), set).unwrap();
    let program = Program::open(&compiled.image).unwrap();
    let names = &compiled.symbols;
    let mut told = Vec::new();
    let mut sink = |at: Micros, record: Record| {
        told.push((
            at,
            match record {
                Record::Trial { .. } => Happened::Trial,
                Record::Outcome(outcome) => Happened::Outcome(names.outcomes[outcome.index()].clone()),
                Record::Event(event) => {
                    Happened::Event(names.events[usize::from(event.0 - link::EventId::NAMED)].clone())
                }
                Record::Draw { draw, value, .. } => {
                    let variable = usize::from(names.draws[draw.index()].variable);
                    Happened::Drawn(names.variables[variable].name.clone(), value)
                }
                Record::Request { line, request } if request != Request::Off => {
                    Happened::On(names.lines[line.index()].name.clone(), request)
                }
                Record::End(reason) => Happened::End(reason),
                Record::Fault(fault) => panic!("{path}: {fault:?} at {at} µs"),
                Record::Breach { invariant, .. } => panic!("{path}: broke {}", names.invariants[invariant.index()]),
                _ => return,
            },
        ));
    };
    let mut engine = Box::new(Engine::new());
    engine.start(&program, Start { at: 1_000, seed: 7, levels: 0, program: program.name() }, &mut sink);
    let (mut at, mut odd) = (1_000_u64, 1_u64);
    while at < 2 * 3_600_000_000 {
        odd = odd.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        at += 1_000_000 + (odd >> 33) % 3_000_000;
        for (later, line, active) in [(0, 0, true), (150_000, 0, false), (160_000, 1, true), (200_000, 1, false)] {
            engine.offer(at + later, Given::Edge { line: LineId(line), active }).unwrap();
        }
        while engine.advance(&program, at + 250_000, 1_000, &mut sink) {}
    }
    (compiled, told)
}

/// The session cut into its trials; what came before the first is left out.
fn trials(told: &[(Micros, Happened)]) -> Vec<&[(Micros, Happened)]> {
    let mut parts = told.split_inclusive(|(_, what)| *what == Happened::Trial);
    parts.next();
    parts.collect()
}

fn is_on(what: &Happened, line: &str) -> bool {
    matches!(what, Happened::On(name, _) if name == line)
}

fn drawn(trial: &[(Micros, Happened)], variable: &str) -> Option<i64> {
    trial.iter().find_map(|(_, what)| match what {
        Happened::Drawn(name, value) if name == variable => Some(*value),
        _ => None,
    })
}

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";
const LEVER_PULL: &str = "protocols/lever-pull.yaml";
const NONE: i64 = 0;
const STIM: i64 = 1;

#[test]
fn the_laser_fires_in_the_very_microsecond_of_the_omission() {
    let (_, told) = session(FLAGSHIP, &[]);
    let mut fired = 0;
    for trial in trials(&told) {
        let omission = trial.iter().find(|(_, what)| *what == Happened::Event("omission".to_owned()));
        let treatment = drawn(trial, "treatment").unwrap_or(NONE);
        let laser: Vec<Micros> = trial.iter().filter(|(_, what)| is_on(what, "laser")).map(|(at, _)| *at).collect();
        let mask: Vec<Micros> = trial.iter().filter(|(_, what)| is_on(what, "mask")).map(|(at, _)| *at).collect();
        let due: Vec<Micros> = omission.iter().map(|(at, _)| *at).collect();
        assert_eq!(mask, if treatment == NONE { Vec::new() } else { due.clone() }, "{trial:?}");
        assert_eq!(laser, if treatment == STIM { due } else { Vec::new() }, "{trial:?}");
        fired += laser.len();
    }
    assert!(fired > 20, "the laser fired {fired} times");
    assert!(matches!(told.last(), Some((_, Happened::End(EndReason::Condition(_))))), "the session ends by itself");
}

#[test]
fn water_comes_in_the_measured_opening_on_rewarded_trials_alone() {
    let (_, told) = session(FLAGSHIP, &[]);
    for trial in trials(&told) {
        let rewarded = trial.iter().any(|(_, what)| *what == Happened::Outcome("rewarded".to_owned()));
        let doses: Vec<&Happened> = trial.iter().map(|(_, what)| what).filter(|what| is_on(what, "water")).collect();
        assert_eq!(doses.len(), usize::from(rewarded));
        for dose in doses {
            let expected = Request::Deliver { volume_nl: 20_000, width_us: 83_333 };
            assert_eq!(*dose, Happened::On("water".to_owned(), expected));
        }
    }
}

#[test]
fn a_train_at_a_random_time_stays_within_its_own_trial() {
    let (_, told) = session(FLAGSHIP, &[("stimulate", "at_random")]);
    let trials = trials(&told);
    assert!(trials.len() > 200);
    for trial in &trials[..trials.len() - 1] {
        let treatment = drawn(trial, "treatment").unwrap();
        let count = |line: &str| trial.iter().filter(|(_, what)| is_on(what, line)).count();
        assert_eq!(count("mask"), usize::from(treatment != NONE), "{trial:?}");
        assert_eq!(count("laser"), usize::from(treatment == STIM), "{trial:?}");
    }
}

#[test]
fn two_pulls_in_ten_have_the_laser_and_every_one_the_masking_light() {
    let (_, told) = session(LEVER_PULL, &[]);
    let trials = trials(&told);
    let with_laser: Vec<bool> = trials.iter().map(|trial| trial.iter().any(|(_, what)| is_on(what, "laser"))).collect();
    for ten in with_laser.chunks_exact(10).take(20) {
        assert_eq!(ten.iter().filter(|laser| **laser).count(), 2, "an exact ratio, ten by ten");
    }
    for trial in &trials[..trials.len() - 1] {
        let pull = trial.iter().find(|(_, what)| *what == Happened::Event("pull".to_owned())).map(|(at, _)| *at);
        let mask = trial.iter().find(|(_, what)| is_on(what, "mask")).map(|(at, _)| *at);
        assert_eq!(mask, pull, "at the pull, whether the laser joins or not");
    }
}

#[test]
fn a_cued_pull_too_early_brings_a_time_out_and_a_catch_trial_no_tone() {
    let (compiled, told) = session(LEVER_PULL, &[("context", "cued")]);
    let mut seen = Vec::new();
    for trial in trials(&told) {
        let outcome = trial.iter().find_map(|(_, what)| match what {
            Happened::Outcome(outcome) => Some(outcome.as_str()),
            _ => None,
        });
        let Some(outcome) = outcome else { continue };
        let on = |line: &str| trial.iter().any(|(_, what)| is_on(what, line));
        let (tone, water) = (on("cue"), on("water"));
        let catch = drawn(trial, "catch") == Some(1);
        match outcome {
            "early" => assert!(!tone && !water),
            "rewarded" => assert!(tone && water && !catch),
            "miss" => assert!(tone && !water && !catch),
            "catch_pull" | "catch_still" => assert!(!tone && !water && catch),
            other => panic!("{other} in the cued context"),
        }
        seen.push(outcome);
    }
    assert!(["early", "rewarded"].iter().all(|outcome| seen.contains(outcome)), "{seen:?}");
    assert_eq!(compiled.symbols.outcomes.len(), 6);
}
