//! What the compiler's stories share: the files that ship, and a small good protocol to spoil.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod trace;
pub(crate) mod trials;

use std::fmt::Write;
use std::path::Path;

use compiler::{Compiled, Diagnostics, Options, RigConfig, Source, Style, compile, read_rig};
use link::program::Program;
use link::program::op::{Op, OpCode};
use link::program::rows::Code;

/// A file of the repository.
pub(crate) fn shipped(path: &str) -> Source {
    let mut source = Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap();
    path.clone_into(&mut source.name);
    source
}

/// The simulated rig that ships.
pub(crate) fn sim_box() -> RigConfig {
    read_rig(&shipped("rig-configs/sim-box.yaml")).unwrap()
}

/// A text as a file called `task.yaml`.
pub(crate) fn task(text: &str) -> Source {
    Source { name: "task.yaml".to_owned(), text: text.to_owned() }
}

/// A protocol compiled for the simulated rig.
pub(crate) fn compiled(source: &Source) -> Compiled {
    with(source, &[]).unwrap_or_else(|found| panic!("{found}"))
}

/// The same with parameters set.
pub(crate) fn with(source: &Source, set: &[(&str, &str)]) -> Result<Compiled, Diagnostics> {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    compile(source, &sim_box(), &Options { set })
}

/// What is found in a text; errors and warnings alike.
pub(crate) fn findings(text: &str) -> Diagnostics {
    match with(&task(text), &[]) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    }
}

/// The operations of a piece of code, without its end.
pub(crate) fn ops(program: &Program<'_>, code: Code) -> Vec<Op> {
    let mut address = code.address().unwrap();
    let mut found = Vec::new();
    loop {
        let op = Op::from_word(program.code(address)).unwrap();
        if op.code == OpCode::End {
            return found;
        }
        found.push(op);
        address += 1;
    }
}

/// A small protocol with a little of everything and nothing wrong.
pub(crate) const GOOD: &str = "\
protocol: small
lines:
  lever: lever
  spout: lick
  water: valve
  cue: speaker
  laser: laser
  mask: light
parameters:
  drop: {default: 5 µl, range: [3 µl, 20 µl], basis: typical}
  delay: {default: 500 ms, range: [0 ms, 5 s]}
  when_lit: {default: never, choices: [never, always]}
variables:
  streak: 0
  treatment: {labels: [none, stim, sham]}
lists:
  sizes: [4 µl, 8 µl]
timers: [late]
counters:
  licks: {count: spout.lick, reset: trial}
stimuli:
  go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}}
  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20}}
outcomes: [rewarded, missed]
session:
  ends: [{after: 30 min}, {trials: 100}]
start: ready
states:
  ready:
    entry:
      - trial: begin
      - draw: {paid: {chance: 0.5}}
      - draw: {treatment: {deck: {stim: 1, sham: 1}, spend_on: missed}}
      - draw: {gap: {exponential: {mean: 8 s, min: 4 s, max: 20 s}}}
      - timer: {start: late, for: 10 s}
      - play: {line: cue, stimulus: go}
    on:
      - {event: spout.lick, do: [{event: licked}]}
    transitions:
      - {event: lever.press, if: licks < 3, to: pay}
      - {event: late.end, outcome: missed, to: iti}
  pay:
    entry:
      - set: {streak: streak + 1}
      - deliver: {line: water, volume: drop}
      - pulse: {line: laser, stimulus: burst, if: \"when_lit == always and treatment == stim and sizes[0] < drop\"}
      - on: mask
    transitions:
      - {after: delay, if: paid, outcome: rewarded, to: iti}
      - {after: delay + 1 s, to: iti}
  iti:
    transitions:
      - {after: \"max(gap, 2 s)\", to: ready}
invariants:
  - at most 1 deliver on water per trial
";

/// A spoilt place: what stands there, and what is put in its stead.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) code: &'static str,
}

pub(crate) const fn case(title: &'static str, from: &'static str, to: &'static str, code: &'static str) -> Case {
    Case { title, from, to, code }
}

/// Every message, each under its title; fails where another mistake is found than the one that was made.
pub(crate) fn drawn(cases: &[Case], findings: impl Fn(&str) -> Diagnostics, good: &str) -> String {
    let mut out = String::new();
    for case in cases {
        assert!(good.contains(case.from), "{}: the place to spoil is gone", case.title);
        let found = findings(&good.replacen(case.from, case.to, 1));
        let first = found.list.first().unwrap_or_else(|| panic!("{}: nothing was found", case.title));
        assert_eq!(first.code, case.code, "{}:\n{found}", case.title);
        assert!(first.help.is_some(), "{}: no remedy", case.title);
        writeln!(out, "## {}\n{}", case.title, found.render_in(Style::PLAIN)).unwrap();
    }
    out
}
