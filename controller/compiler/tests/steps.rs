//! The bound on a step: it grows with what happens, follows `when`s and events as far as they lead, and is an error where a Pico
//! could not bear it.
#![allow(clippy::unwrap_used)]

mod common;

use assembler::random;
use common::{shipped, task};
use compiler::cost::{self, Bound, ONE_MAX_CYCLES};
use compiler::{Compiled, Diagnostics, Options, Style, compile, read_rig};
use link::program::Program;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};

const LINES: &str = "\
protocol: steps
lines: {lever: lever, spout: lick, mask: light, cue: speaker}
variables: {n: 0, wait: 1 s}
timers: [late]
session: {ends: [{trials: 10}]}
stimuli: {go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}}}
start: a
states:
  a:
    entry: [{trial: begin}]
    transitions: [{event: lever.press, to: b}]
  b:
    entry: [ENTRY]
    transitions: [ROWS{after: 1 s, to: a}]
";

fn on(rig: &str, entry: &str, rows: &str) -> Result<Compiled, Diagnostics> {
    let rig = read_rig(&shipped(rig)).unwrap();
    compile(&task(&LINES.replace("ENTRY", entry).replace("ROWS", rows)), &rig, &Options::default())
}

fn bound(entry: &str, rows: &str) -> Bound {
    let compiled = on("rig-configs/sim-box.yaml", entry, rows).unwrap_or_else(|found| panic!("{found}"));
    compiled.step_bound().unwrap().bound
}

#[test]
fn a_step_costs_more_when_more_happens_in_it() {
    let mut before = 0;
    for entry in [
        "",
        "{set: {n: n + 1}}",
        "{set: {n: n + 1}}, {on: mask}",
        "{set: {n: n + 1}}, {on: mask}, {draw: {p: {chance: 0.5}}}",
        "{set: {n: n + 1}}, {on: mask}, {draw: {p: {uniform: [1 s, 2 s]}}}",
        "{set: {n: n + 1}}, {on: mask}, {draw: {p: {normal: {mean: 1 s, sd: 1 s, min: 0 s, max: 3 s}}}}",
    ] {
        let found = bound(entry, "");
        assert!(found.one.cycles >= before, "{entry}: {found:?}");
        assert!(found.together >= found.one.cycles, "{entry}: {found:?}");
        assert!(!found.open, "{entry}: {found:?}");
        before = found.one.cycles;
    }
}

#[test]
fn what_hears_an_event_belongs_to_the_step_that_raises_it() {
    let (raised, not) = (bound("{event: told}, {event: told}", ""), bound("{event: told}", ""));
    assert!(raised.one.cycles > not.one.cycles);
    let heard = "{event: told, to: a}, ";
    assert!(bound("{event: told}", heard).one.cycles > not.one.cycles + 1_000, "the beginning of a trial follows");
}

#[test]
fn whens_that_cannot_hold_together_do_not_lead_round() {
    let toggles = LINES.replace("event: lever.press, to: b", "when: lever.down, to: b");
    let compiled = |rows: &str| {
        let text = toggles.replace("ENTRY", "").replace("ROWS", rows);
        let rig = read_rig(&shipped("rig-configs/sim-box.yaml")).unwrap();
        let compiled = compile(&task(&text), &rig, &Options::default()).unwrap_or_else(|found| panic!("{found}"));
        compiled.step_bound().unwrap().bound
    };
    let apart = compiled("{when: not lever.down, to: a}, ");
    assert!(!apart.open, "{apart:?}");
    let round = compiled("{when: spout.touching, to: a}, ");
    assert!(round.open, "both may be active: {round:?}");
    assert!(round.one.cycles > 10 * apart.one.cycles, "{round:?}");
}

#[test]
fn a_time_out_of_no_time_falls_into_the_step_that_began_it() {
    let (fixed, set) =
        (bound("", "{after: 2 s, to: a}, "), bound("{set: {wait: wait - 1 s}}", "{after: wait, to: a}, "));
    assert!(!fixed.open && !set.open, "from `a` nothing leads on by itself");
    let more = set.together - set.one.cycles;
    assert!(more > fixed.together - fixed.one.cycles, "{set:?} {fixed:?}");
    let kept_above = bound("{set: {wait: \"max(wait - 1 s, 1 s)\"}}", "{after: wait, to: a}, ");
    assert!(kept_above.together < set.together, "a bound in the expression is seen: {kept_above:?} {set:?}");
}

#[test]
fn a_step_too_long_for_a_pico_is_an_error_there_alone() {
    let draw = |name: &str| format!("{{draw: {{{name}: {{normal: {{mean: 1 s, sd: 1 s, min: 0 s, max: 3 s}}}}}}}}");
    let many = ["p", "q", "r", "s", "t", "u"].map(draw).join(", ");
    let compiled = on("rig-configs/sim-box.yaml", &many, "").unwrap_or_else(|found| panic!("{found}"));
    assert!(compiled.step_bound().unwrap().bound.one.cycles > ONE_MAX_CYCLES);
    let found = on("rig-configs/pico-box.yaml", &many, "").unwrap_err();
    let first = found.list.first().unwrap();
    assert_eq!((first.code, first.line), ("E162-step-too-long", 9), "{found}");
    let shown = Diagnostics { list: found.list.iter().take(1).cloned().collect() };
    insta::assert_snapshot!("too_long", shown.render_in(Style::PLAIN));
    assert!(first.message.starts_with("`lever.press` may take "), "{found}");
    assert!(on("rig-configs/pico-box.yaml", &draw("p"), "").is_ok());
}

#[test]
fn every_program_has_a_bound() {
    let line = |output: bool| RigLine {
        pin: 2,
        active_high: true,
        role: if output {
            Role::Output { limits: Limits::on_for(1_000), speaker: false }
        } else {
            Role::input(Pull::None, 0)
        },
    };
    for seed in 0..random::cases(300) {
        let program = random::program(seed);
        let lines = (0..program.lines).map(|n| line(program.outputs & (1 << n) != 0)).collect();
        let rig = Rig { lines, silence_us: 1, rejoin_us: 1, carry_on_us: 1, sample_us: 1_000, senses: Senses::new() };
        let opened = Program::open(&program.image).unwrap();
        let found = cost::bound(&opened, &rig);
        assert!(found.one.cycles > 1_000 && found.one.cycles <= found.together, "seed {seed}: {found:?}");
    }
}
