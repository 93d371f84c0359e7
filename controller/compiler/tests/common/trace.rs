//! What a protocol does, told in its own words: run on the engine with edges at given times, every state entered, request and
//! event as a line of text.
#![allow(dead_code, clippy::unwrap_used)]

use std::fmt::Write;

use compiler::{Compiled, Options, RigConfig, Symbols, compile, read_rig};
use engine::{Engine, Given, Start};
use link::program::Program;
use link::record::Request;
use link::{EventId, LineId, Micros, Record};

use super::{shipped, task};

/// A rig that ships.
pub(crate) fn rig(path: &str) -> RigConfig {
    read_rig(&shipped(path)).unwrap_or_else(|found| panic!("{found}"))
}

/// The box with five holes.
pub(crate) fn holes() -> RigConfig {
    rig("rig-configs/five-hole-box.yaml")
}

/// A text compiled for a rig.
pub(crate) fn compiled_for(text: &str, rig: &RigConfig) -> Compiled {
    compile(&task(text), rig, &Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

/// An edge: when, in ms, and what: `hole_2 in`.
pub(crate) type Edge<'e> = (f64, &'e str);

/// What happens from the start on until `until_ms`, with these edges; inputs themselves are left out.
pub(crate) fn trace(compiled: &Compiled, edges: &[Edge<'_>], until_ms: f64) -> String {
    trace_from(compiled, &[], edges, until_ms)
}

/// The same, some lines being active at the start.
pub(crate) fn trace_from(compiled: &Compiled, active: &[&str], edges: &[Edge<'_>], until_ms: f64) -> String {
    let program = Program::open(&compiled.image).unwrap();
    let names = &compiled.symbols;
    let mut told = String::new();
    let mut sink = |at: Micros, record: Record| {
        if let Some(what) = words(names, &record) {
            writeln!(told, "{:>10} {what}", at as f64 / 1e3).unwrap();
        }
    };
    let mut engine = Box::new(Engine::new());
    let line_named = |name: &str| names.lines.iter().position(|line| line.name == name).unwrap();
    let levels = active.iter().map(|name| LineId(line_named(name) as u8).bit()).fold(0, |all, bit| all | bit);
    engine.start(&program, Start { at: 0, seed: 7, levels, program: program.name() }, &mut sink);
    let us = |ms: f64| (ms * 1e3).round() as u64;
    for (at, what) in edges {
        let (line, edge) = what.split_once(' ').unwrap();
        let line = line_named(line);
        let symbol = &names.lines[line];
        assert!([&symbol.on_event, &symbol.off_event].contains(&&edge.to_owned()), "{what}");
        let given = Given::Edge { line: LineId(line as u8), active: edge == symbol.on_event };
        while engine.advance(&program, us(*at).saturating_sub(1), 1_000, &mut sink) {}
        engine.offer(us(*at), given).unwrap();
    }
    while engine.advance(&program, us(until_ms), 1_000, &mut sink) {}
    told
}

fn words(names: &Symbols, record: &Record) -> Option<String> {
    Some(match record {
        Record::Enter { state, .. } => {
            let name = &names.states[state.index()].name;
            if name.ends_with("everywhere") {
                return None;
            }
            format!("{name}:")
        }
        Record::Trial { number } => format!("trial {number}"),
        Record::Outcome(outcome) => format!("outcome {}", names.outcomes[outcome.index()]),
        Record::Event(event) => format!("event {}", names.events[usize::from(event.0 - EventId::NAMED)]),
        Record::Set { variable, value } => format!("{} = {value}", names.variables[variable.index()].name),
        Record::Draw { draw, value, .. } => {
            format!("{} drawn {value}", names.variables[usize::from(names.draws[draw.index()].variable)].name)
        }
        Record::Request { line, request } => {
            let line = &names.lines[line.index()].name;
            match request {
                Request::On => format!("{line} on"),
                Request::Off => format!("{line} off"),
                Request::Train(train) if train.count == 1 && train.carrier.is_none() => {
                    format!("{line} on for {} ms", f64::from(train.width_us) / 1e3)
                }
                Request::Deliver { volume_nl, .. } => format!("{line} gives {} µl", f64::from(*volume_nl) / 1e3),
                Request::Train(train) => match train.carrier {
                    Some(_) => format!("{line} plays for {} ms", f64::from(train.width_us) / 1e3),
                    None => format!("{line} {} × {} ms", train.count, f64::from(train.width_us) / 1e3),
                },
                Request::Power { power_ppm } => format!("{line} at {} %", f64::from(*power_ppm) / 1e4),
            }
        }
        Record::End(reason) => format!("end {reason:?}"),
        Record::Fault(fault) => format!("fault {fault:?}"),
        Record::Breach { invariant, .. } => format!("breach {}", names.invariants[invariant.index()]),
        _ => return None,
    })
}
