//! The protocols that ship compile on the rig that ships, and what comes out is what was asked for.
#![allow(clippy::unwrap_used)]

mod common;

use common::{compiled, ops, shipped, sim_box, with};
use compiler::symbols::Unit;
use link::program::op::{Op, OpCode};
use link::program::rows::{DrawKind, Scope};
use link::program::{Program, Table};
use link::record::Wave;
use link::rig::Role;
use link::{EventId, LineId, OutcomeId};

const FLAGSHIP: &str = "protocols/probabilistic-reward.yaml";

#[test]
fn every_protocol_that_ships_compiles_without_a_warning() {
    for path in [FLAGSHIP, "protocols/lever-pull.yaml", "protocols/first-lever.yaml"] {
        let compiled = compiled(&shipped(path));
        assert!(compiled.warnings.is_empty(), "{path}:\n{}", compiled.warnings);
    }
}

#[test]
fn where_a_value_comes_from_travels_with_it() {
    let flagship = compiled(&shipped(FLAGSHIP));
    let idea = ("task idea".to_owned(), "doi:10.1126/sciadv.ade5420".to_owned());
    assert_eq!(flagship.symbols.sources, [idea]);
    let text = shipped(FLAGSHIP)
        .text
        .replace("basis: typical, about: water per reward", "basis: published, source: \"doi:10.1000/182\"");
    let found = compiled(&compiler::Source { name: "task.yaml".to_owned(), text });
    let drop = found.symbols.variables.iter().find(|variable| variable.name == "drop");
    let drop = drop.and_then(|drop| drop.parameter.as_ref()).unwrap();
    assert_eq!((drop.basis.as_str(), drop.source.as_str()), ("published", "doi:10.1000/182"));
}

#[test]
fn both_contexts_and_both_lights_of_the_lever_pull_compile() {
    for set in [("context", "cued"), ("laser_at", "cue"), ("laser_in_ten", "0"), ("gap_mean", "2.5 s")] {
        let found = with(&shipped("protocols/lever-pull.yaml"), &[set]);
        assert!(found.is_ok_and(|compiled| compiled.warnings.is_empty()), "{set:?}");
    }
}

#[test]
fn the_same_text_gives_the_same_program() {
    let (first, second) = (compiled(&shipped(FLAGSHIP)), compiled(&shipped(FLAGSHIP)));
    assert_eq!(first.image, second.image);
    assert_eq!(first.hash, second.hash);
}

#[test]
fn the_decks_hold_one_card_each_and_are_spent_by_their_own_outcomes() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let program = Program::open(&compiled.image).unwrap();
    let outcome =
        |name: &str| OutcomeId(compiled.symbols.outcomes.iter().position(|outcome| outcome == name).unwrap() as u16);
    let decks: Vec<_> = (0..program.rows(Table::Draws))
        .map(|row| program.draw(row))
        .filter(|draw| draw.kind == DrawKind::Deck)
        .collect();
    assert_eq!(decks.len(), 3);
    for deck in &decks {
        let cards: Vec<i64> = (0..3).map(|n| program.constant(usize::from(deck.constants) + n)).collect();
        assert_eq!((deck.labels, cards, deck.max_run), (3, vec![1, 1, 1], 3));
    }
    let spent: Vec<OutcomeId> = decks.iter().map(|deck| deck.spend_on).collect();
    assert_eq!(spent, [outcome("omitted"), outcome("rewarded"), link::program::rows::Draw::AT_ONCE]);
    // Their cells do not overlap: three labels and two of their own.
    assert_eq!(decks.iter().map(|deck| deck.cells).collect::<Vec<_>>(), [0, 5, 10]);
}

#[test]
fn the_gap_between_trials_lasts_eight_seconds_on_average() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let program = Program::open(&compiled.image).unwrap();
    let draw = (0..program.rows(Table::Draws)).map(|row| program.draw(row));
    let draw = draw.into_iter().find(|draw| draw.kind == DrawKind::Exponential).unwrap();
    let constant = |n: usize| program.constant(usize::from(draw.constants) + n);
    let (scale, fraction, low, high) = (constant(0), constant(1), constant(2), constant(3));
    assert_eq!((low, high), (4_000_000, 20_000_000));
    // What a device draws from a fraction u is low − τ·ln(1 − u·f): the mean over evenly spread u.
    let share = fraction as f64 / 4_294_967_296.0;
    let draws = 200_000;
    let sum: f64 = (0..draws)
        .map(|n| low as f64 - scale as f64 * (1.0 - (f64::from(n) + 0.5) / f64::from(draws) * share).ln())
        .sum();
    let mean = sum / f64::from(draws);
    assert!((mean - 8_000_000.0).abs() < 1_000.0, "the mean is {mean} µs");
}

#[test]
fn twenty_microlitres_are_an_opening_between_the_points_that_were_measured() {
    // 11.8 µl in 50 ms and 24.1 µl in 100 ms: 20 µl in 50 + 50 · 8.2 / 12.3 = 83.333 ms.
    let text = shipped(FLAGSHIP).text.replace("volume: drop", "volume: 20 µl");
    let compiled = compiled(&common::task(&text.replace("  drop: ", "  unused: ")));
    let program = Program::open(&compiled.image).unwrap();
    let reward = compiled.symbols.states.iter().position(|state| state.name == "reward").unwrap();
    let ops = ops(&program, program.state(reward).entry);
    let deliver = ops.iter().position(|op| op.code == OpCode::Deliver).unwrap();
    let value = |op: Op| match op.code {
        OpCode::Int => i64::from(op.b.cast_signed()),
        OpCode::Constant => program.constant(usize::from(op.b)),
        other => panic!("{other:?} where a constant was expected"),
    };
    assert_eq!(value(ops[deliver - 2]), 20_000, "nl");
    assert_eq!(value(ops[deliver - 1]), 83_333, "µs");
}

/// Runs the code of an expression as a device would, with every variable at its first value.
fn run(program: &Program<'_>, ops: &[Op]) -> Vec<i64> {
    let mut stack = Vec::new();
    let mut at = 0;
    while let Some(op) = ops.get(at) {
        at += 1;
        let two = |work: fn(i64, i64) -> i64, stack: &mut Vec<i64>| {
            let (y, x) = (stack.pop().unwrap(), stack.pop().unwrap());
            stack.push(work(x, y));
        };
        match op.code {
            OpCode::Int => stack.push(i64::from(op.b.cast_signed())),
            OpCode::Constant => stack.push(program.constant(usize::from(op.b))),
            OpCode::Load => stack.push(program.variable(usize::from(op.b))),
            OpCode::Add => two(|x, y| x + y, &mut stack),
            OpCode::Subtract => two(|x, y| x - y, &mut stack),
            OpCode::Multiply => two(|x, y| x * y, &mut stack),
            OpCode::Divide => two(|x, y| x / y, &mut stack),
            OpCode::Less => two(|x, y| i64::from(x < y), &mut stack),
            OpCode::LessOrEqual => two(|x, y| i64::from(x <= y), &mut stack),
            OpCode::Jump => at += usize::from(op.b),
            OpCode::JumpIfFalse => at += if stack.pop().unwrap() == 0 { usize::from(op.b) } else { 0 },
            other => panic!("{other:?} was not expected"),
        }
    }
    stack
}

#[test]
fn a_dose_worked_out_while_it_runs_gets_the_same_opening() {
    for (dose, opening) in [("20 µl", 83_333), ("2.1 µl", 10_000), ("48.9 µl", 200_000), ("6.95 µl", 30_000)] {
        let compiled = with(&shipped(FLAGSHIP), &[("drop", dose)]).unwrap();
        let program = Program::open(&compiled.image).unwrap();
        let reward = compiled.symbols.states.iter().position(|state| state.name == "reward").unwrap();
        let ops = ops(&program, program.state(reward).entry);
        let deliver = ops.iter().position(|op| op.code == OpCode::Deliver).unwrap();
        // The entry begins with the signal of the reward; the dose and its opening follow.
        let stack = run(&program, &ops[1..deliver]);
        assert_eq!(stack[1], opening, "{dose}");
    }
}

#[test]
fn events_keep_their_numbers() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let program = Program::open(&compiled.image).unwrap();
    let line = |name: &str| LineId(compiled.symbols.lines.iter().position(|line| line.name == name).unwrap() as u8);
    let state = |name: &str| compiled.symbols.states.iter().position(|state| state.name == name).unwrap();
    let rule = |name: &str| program.rule(program.state(state(name)).rules.range().start);
    assert_eq!(rule("ready").event, EventId::edge(line("lever"), true));
    assert_eq!(rule("ready").target.index(), state("wait"));
    let train = compiled.symbols.events.iter().position(|event| event == "train").unwrap();
    assert_eq!(rule("light.dark".trim_start_matches("light.")).event, EventId::named(train as u16));
    assert_eq!(compiled.symbols.regions, ["main", "light"]);
}

#[test]
fn units_become_whole_base_units() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let program = Program::open(&compiled.image).unwrap();
    let go = program.stimulus(0).train;
    let carrier = go.carrier.unwrap();
    assert_eq!(
        (go.width_us, carrier.wave, carrier.level_cdb, carrier.amplitude, carrier.ramp_us),
        (300_000, Wave::Sine { frequency_mhz: 8_000_000 }, 7_000, 3_685, 5_000),
        "70 dB of 95 dB are 10^(-25/20) of 65 535"
    );
    let burst = program.stimulus(1).train;
    assert_eq!((burst.width_us, burst.period_us, burst.count, burst.carrier), (5_000, 50_000, 20, None));
    let value = |name: &str| {
        let at = compiled.symbols.variables.iter().position(|variable| variable.name == name).unwrap();
        (compiled.symbols.variables[at].unit, program.variable(at))
    };
    assert_eq!(value("p_reward"), (Unit::Number, 500_000));
    assert_eq!(value("drop"), (Unit::Volume, 20_000));
    assert_eq!(value("session_length"), (Unit::Time, 3_600_000_000));
    assert_eq!(value("trials_max"), (Unit::Count, 300));
    assert_eq!(value("stimulate"), (Unit::Label, 0));
}

#[test]
fn an_invariant_on_the_laser_trips_and_one_on_water_does_not() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let program = Program::open(&compiled.image).unwrap();
    for row in 0..program.rows(Table::Invariants) {
        let invariant = program.invariant(row);
        let laser = compiled.symbols.lines[invariant.line.index()].name == "laser";
        assert_eq!(invariant.trips, laser);
        assert_eq!(compiled.symbols.invariants[row].contains("laser"), laser, "names lie as the rows do");
        if invariant.scope == Scope::State {
            assert_eq!(compiled.symbols.states[invariant.state.index()].name, "omission");
            assert_eq!(invariant.count, 0);
        }
    }
}

#[test]
fn the_device_gets_the_limits_the_rig_states() {
    let compiled = compiled(&shipped(FLAGSHIP));
    let role = |name: &str| {
        let at = compiled.symbols.lines.iter().position(|line| line.name == name).unwrap();
        (compiled.rig.lines[at].pin, compiled.rig.lines[at].active_high, compiled.rig.lines[at].role)
    };
    assert_eq!(role("lever").0, 2);
    assert!(!role("lever").1, "the lever pulls its pin low");
    let limits = |name| role(name).2.output().map(|output| output.limits);
    assert!(limits("water").is_some_and(|water| water.max_on_us == 500_000 && !water.must_arm));
    assert!(limits("laser").is_some_and(|laser| laser.max_on_us == 5_000_000 && laser.must_arm && laser.safe_on_trip));
    assert!(matches!(role("cue").2, Role::Output { speaker: true, .. }));
    let rig = sim_box();
    assert_eq!((rig.silence_us, rig.rejoin_us, rig.carry_on_us), (250_000, 5_000_000, 60_000_000));
    let room = rig.simulation.unwrap();
    assert_eq!((room.settle_us, room.animal.unwrap().model.as_str()), (2, "rat"));
    assert_eq!(room.person.unwrap().arms, ["laser"]);
}

#[test]
fn what_is_set_for_the_session_is_kept_as_set() {
    let compiled = with(&shipped(FLAGSHIP), &[("p_reward", "25 %"), ("stimulate", "at_reward")]).unwrap();
    let parameter = |name: &str| {
        let variable = compiled.symbols.variables.iter().find(|variable| variable.name == name).unwrap();
        let parameter = variable.parameter.clone().unwrap();
        (parameter.value, parameter.set, parameter.basis)
    };
    assert_eq!(parameter("p_reward"), (250_000, true, "typical".to_owned()));
    assert_eq!(parameter("stimulate"), (1, true, "chosen".to_owned()));
    assert_eq!(parameter("delay"), (500_000, false, "typical".to_owned()));
}

#[test]
fn the_small_protocol_of_these_tests_is_good() {
    let compiled = compiled(&common::task(common::GOOD));
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    let program = Program::open(&compiled.image).unwrap();
    // The counter lives in a root that holds the states, and begins anew with each trial.
    assert_eq!(compiled.symbols.states[0].name, "everywhere");
    assert_eq!(program.rule(0).event, EventId::edge(LineId(1), true));
    // What the entry of `pay` switches on goes off when it is left.
    let pay = compiled.symbols.states.iter().position(|state| state.name == "pay").unwrap();
    let mask = compiled.symbols.lines.iter().position(|line| line.name == "mask").unwrap() as u8;
    assert_eq!(ops(&program, program.state(pay).exit), [Op::new(OpCode::Off, mask, 0)]);
}
