//! A program run on the engine with edges at given times, and what it recorded in words.
#![allow(dead_code, clippy::unwrap_used)]

use compiler::Compiled;
use engine::{Engine, Given, Start};
use link::program::Program;
use link::{EndReason, LineId, Micros, Record};

/// When a session starts, in µs.
pub(crate) const START: Micros = 1_000;

/// Runs a program until `until_us` after its start. `edges`: µs from the start, line, active.
pub(crate) fn ran(compiled: &Compiled, edges: &[(Micros, &str, bool)], until_us: Micros) -> Vec<(Micros, Record)> {
    let program = Program::open(&compiled.image).unwrap();
    let mut told = Vec::new();
    let mut sink = |at: Micros, record: Record| told.push((at - START, record));
    let mut engine = Box::new(Engine::new());
    engine.start(&program, Start { at: START, seed: 7, levels: 0, program: program.name() }, &mut sink);
    let mut step = |engine: &mut Engine, to: Micros| while engine.advance(&program, to, 1_000, &mut sink) {};
    for (at, line, active) in edges {
        let number = compiled.symbols.lines.iter().position(|symbol| symbol.name == *line).unwrap();
        let edge = Given::Edge { line: LineId(number as u8), active: *active };
        engine.offer(START + at, edge).unwrap();
        step(&mut engine, START + at + 1);
    }
    step(&mut engine, START + until_us);
    told
}

/// When it ended, in µs from its start, and by which rule as written.
pub(crate) fn ended(compiled: &Compiled, told: &[(Micros, Record)]) -> Option<(Micros, String)> {
    told.iter().find_map(|(at, record)| match record {
        Record::End(EndReason::Condition(row)) => Some((*at, compiled.symbols.ends[usize::from(*row)].clone())),
        Record::End(reason) => Some((*at, format!("{reason:?}"))),
        _ => None,
    })
}

/// Every value a variable was given, with its time.
pub(crate) fn values(compiled: &Compiled, told: &[(Micros, Record)], name: &str) -> Vec<(Micros, i64)> {
    let number = compiled.symbols.variables.iter().position(|variable| variable.name == name).unwrap();
    let of = told.iter().filter_map(|(at, record)| match record {
        Record::Set { variable, value } if variable.index() == number => Some((*at, *value)),
        Record::Draw { draw, value, .. } if usize::from(compiled.symbols.draws[draw.index()].variable) == number => {
            Some((*at, *value))
        }
        _ => None,
    });
    of.collect()
}

/// When each trial began.
pub(crate) fn trials(told: &[(Micros, Record)]) -> Vec<Micros> {
    let began = told.iter().filter(|(_, record)| matches!(record, Record::Trial { .. }));
    began.map(|(at, _)| *at).collect()
}
