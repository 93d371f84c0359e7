//! The two programs that stand for all others in the table, by hand: the flagship and the largest there can be. Owns their
//! shape; knows nothing of chips.
//!
//! Both answer the lever with the lamp, so that an edge goes in and an edge comes out of the same kind of step.

use assembler::Assembly;
use link::limits::{
    MAX_DEADLINES_PER_REGION, MAX_DEPTH, MAX_INVARIANTS, MAX_REGIONS, MAX_STATES, MAX_TIMERS, MAX_VARIABLES,
};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Rule, Scope, Slice, State, Stimulus, When,
};
use link::record::{Carrier, Train, Wave};
use link::{EventId, LineId, OutcomeId, RegionId, StateId, VariableId};

const LEVER: LineId = LineId(0);
const SPOUT: LineId = LineId(1);
const WATER: LineId = LineId(2);
const CUE: LineId = LineId(3);
const MASK: LineId = LineId(4);
const LASER: LineId = LineId(5);
const LAMP: LineId = LineId(6);
const SIGN: LineId = LineId(7);
/// The lines that only play, in the maximum: as many as trains can run.
const PLAYING: [u8; 16] = [2, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

fn op(code: OpCode, a: u8, b: u16) -> Op {
    Op::new(code, a, b)
}

fn load(variable: u16) -> Op {
    op(OpCode::Load, 0, variable)
}

fn int(value: u16) -> Op {
    op(OpCode::Int, 0, value)
}

/// The rows of `table` added by `rows`.
fn slice<T>(table: &mut Vec<T>, rows: Vec<T>) -> Slice {
    let first = table.len() as u16;
    let len = rows.len() as u16;
    table.extend(rows);
    Slice { first, len }
}

/// A state that stands alone in its region.
fn state(
    assembly: &mut Assembly,
    region: u8,
    entry: &[Op],
    exit: &[Op],
    rules: Vec<Rule>,
    afters: Vec<After>,
) -> StateId {
    let row = State {
        parent: StateId::NONE,
        initial: StateId::NONE,
        region: RegionId(region),
        depth: 0,
        entry: assembly.code(entry),
        exit: assembly.code(exit),
        rules: slice(&mut assembly.rules, rules),
        afters: slice(&mut assembly.afters, afters),
        whens: Slice::default(),
    };
    assembly.states.push(row);
    StateId(assembly.states.len() as u16 - 1)
}

/// `protocols/probabilistic-reward.yaml` by hand, state by state and draw by draw, with its times divided by about a
/// thousand, so that a trial takes 3 ms; and with a lamp on while it waits, so that a pull has an edge to show.
pub(crate) fn flagship() -> Assembly {
    let [p_reward, drop, delay, patience, stimulate, treatment, paid, gap, wait_for_train] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8];
    let [ready, wait, in_reward, in_omission, iti, dark, pause, lit] = [0, 1, 2, 3, 4, 5, 6, 7].map(StateId);
    let [rewarded, omitted, miss] = [0, 1, 2];
    let [trial_start, reward, omission, train] = [0, 1, 2, 3].map(EventId::named);
    let mut a = Assembly::default();
    a.variables = vec![500_000, 20_000, 200, 20_000, 0, 0, 0, 0, 0];
    a.regions = vec![Region { start: ready }, Region { start: dark }];

    let wave = Wave::Sine { frequency_mhz: 8_000_000 };
    let carrier = Some(Carrier { wave, level_cdb: 7_000, amplitude: 3_685, ramp_us: 5 });
    a.stimuli = vec![
        Stimulus { train: Train { delay_us: 0, width_us: 300, period_us: 300, count: 1, carrier } },
        Stimulus { train: Train { delay_us: 0, width_us: 10, period_us: 40, count: 20, carrier: None } },
    ];

    let draw = |kind, variable, labels, constants, max_run, cells, spend_on| Draw {
        kind,
        variable: VariableId(variable),
        labels,
        constants,
        max_run,
        cells,
        spend_on,
    };
    let none = Draw::AT_ONCE;
    let deck = a.constants(&[1, 1, 1]);
    // τ 500 µs, 1 − e^(−3.2) in 2⁻³², 400 µs, 2000 µs.
    let gap_numbers = a.constants(&[500, 4_119_891_040, 400, 2_000]);
    a.draws = vec![
        draw(DrawKind::Chance, paid, 0, 0, 0, 0, none),
        draw(DrawKind::Deck, treatment, 3, deck, 3, 0, OutcomeId(omitted)),
        draw(DrawKind::Deck, treatment, 3, deck, 3, 5, OutcomeId(rewarded)),
        draw(DrawKind::Deck, treatment, 3, deck, 3, 10, none),
        draw(DrawKind::Exponential, gap, 0, gap_numbers, 0, 0, none),
        draw(DrawKind::Uniform, wait_for_train, 0, 0, 0, 0, none),
    ];

    let when = |value: u16, then: Op| {
        [load(stimulate), int(value), op(OpCode::Equal, 0, 0), op(OpCode::JumpIfFalse, 0, 1), then]
    };
    let signal = |event: EventId| op(OpCode::Signal, 0, event.0);
    let after = |a: &mut Assembly, duration: &[Op], guard: &[Op], action: &[Op], target| After {
        duration: a.code(duration),
        target,
        guard: a.code(guard),
        action: a.code(action),
    };
    let outcome = |n: u16| op(OpCode::Outcome, 0, n);
    let rule = |event, target, guard| Rule { event, target, guard, action: Code::NONE };

    let mut entry = vec![op(OpCode::Trial, 0, 0), int(0), op(OpCode::Store, 1, treatment)];
    entry.extend([load(p_reward), op(OpCode::Draw, 0, 0)]);
    for (value, row) in [(0, 1), (1, 2), (2, 3)] {
        entry.extend(when(value, op(OpCode::Draw, 0, row)));
    }
    entry.extend([op(OpCode::Draw, 0, 4), signal(trial_start), op(OpCode::Play, CUE.0, 0)]);
    let press = EventId::edge(LEVER, true);
    let afters = vec![after(&mut a, &[load(patience)], &[], &[outcome(miss)], iti)];
    state(&mut a, 0, &entry, &[], vec![rule(press, wait, Code::NONE)], afters);

    let afters = vec![
        after(&mut a, &[load(delay)], &[load(paid)], &[outcome(rewarded)], in_reward),
        after(&mut a, &[load(delay)], &[], &[outcome(omitted)], in_omission),
    ];
    state(&mut a, 0, &[op(OpCode::On, LAMP.0, 0)], &[op(OpCode::Off, LAMP.0, 0)], vec![], afters);

    let rest = vec![after(&mut a, &[int(300)], &[], &[], iti)];
    let mut entry = vec![signal(reward), load(drop), int(100), op(OpCode::Deliver, WATER.0, 0)];
    entry.extend(when(1, signal(train)));
    state(&mut a, 0, &entry, &[], vec![], rest.clone());
    let mut entry = vec![signal(omission)];
    entry.extend(when(0, signal(train)));
    state(&mut a, 0, &entry, &[], vec![], rest);

    let afters = vec![after(&mut a, &[load(gap)], &[], &[], ready)];
    state(&mut a, 0, &[], &[], vec![], afters);

    let at_random = a.code(&[load(stimulate), int(2), op(OpCode::Equal, 0, 0)]);
    let rules = vec![rule(train, lit, Code::NONE), rule(trial_start, pause, at_random)];
    state(&mut a, 1, &[], &[], rules, vec![]);
    let afters = vec![after(&mut a, &[load(wait_for_train)], &[], &[], lit)];
    state(&mut a, 1, &[int(0), int(1_200), op(OpCode::Draw, 0, 5)], &[], vec![], afters);
    let entry = [
        load(treatment),
        int(0),
        op(OpCode::NotEqual, 0, 0),
        op(OpCode::JumpIfFalse, 0, 1),
        op(OpCode::Play, MASK.0, 1),
        load(treatment),
        int(1),
        op(OpCode::Equal, 0, 0),
        op(OpCode::JumpIfFalse, 0, 1),
        op(OpCode::Play, LASER.0, 1),
    ];
    let afters = vec![after(&mut a, &[int(1_000)], &[], &[], dark)];
    state(&mut a, 1, &entry, &[], vec![], afters);

    let at_most = |line, scope, state, count| Invariant { line, scope, state, count, trips: false };
    a.invariants = vec![
        at_most(WATER, Scope::Trial, StateId::NONE, 1),
        at_most(LASER, Scope::Trial, StateId::NONE, 1),
        at_most(WATER, Scope::State, in_omission, 0),
    ];
    let never = a.push(3_600_000_000_000);
    let trials = a.push(1_000_000);
    let reached = |a: &mut Assembly, special: Special, bound: Op| End {
        condition: a.code(&[bound, op(OpCode::Special, special as u8, 0), op(OpCode::LessOrEqual, 0, 0)]),
    };
    a.ends = vec![reached(&mut a, Special::SessionTime, never), reached(&mut a, Special::Trial, trials)];
    a
}

/// States of one region of the maximum.
const REGION_STATES: usize = MAX_STATES / MAX_REGIONS;
/// States of one of the two trees of a region.
const TREE_STATES: usize = REGION_STATES / 2;
/// States of a tree that hold others, one in the other.
const OUTER: usize = MAX_DEPTH - 1;
/// Rules of every state that holds others.
const OUTER_RULES: usize = 8;
/// Rules of each of the two outermost states of the last region; those that match stand last.
const OUTERMOST_RULES: usize = 16;

/// Everything at its stated maximum: 1024 states in 8 regions; 8 states deep in each, with 16 `after`s running; 64 timers
/// and 16 trains running; 256 variables; 32 invariants on the lamp.
///
/// Every region is two trees of 64 states: seven one in the other, then leaves. The lever is heard by the outermost state
/// of the last region, behind 15 rules for other events and a guard of 15 operations; it moves from leaf to leaf, whose
/// entry switches the lamp. The spout leaves one tree with all its 8 states for the other, which switches the sign.
pub(crate) fn maximum() -> Assembly {
    maximum_due(4_000_000_000_000, 0)
}

/// The same with every time-out of the first regions so many µs long: all of them fall due together. The first leaves all 8
/// states of its region for 8 others; in the first region 64 timers and 16 trains are started with that.
pub(crate) fn maximum_due(due_us: i64, regions: usize) -> Assembly {
    let mut a = Assembly::default();
    a.variables = (0..MAX_VARIABLES as i64).collect();
    let long = a.push(4_000_000_000_000);
    let due = a.push(due_us);
    let due = a.code(&[due]);
    let long = a.code(&[long]);
    let unheard = |n: usize| Rule {
        event: EventId::named(n as u16),
        target: StateId::NONE,
        guard: Code::NONE,
        action: Code::NONE,
    };
    a.stimuli = vec![Stimulus {
        train: Train { delay_us: 0, width_us: 1, period_us: 4_000_000, count: 1_000_000, carrier: None },
    }];
    // 0 < 1 + (2 + (3 + … + 7)): eight values on the stack at its deepest.
    let mut deep: Vec<Op> = (0..8).map(load).collect();
    deep.extend([op(OpCode::Add, 0, 0); 6]);
    deep.push(op(OpCode::Less, 0, 0));
    let deep = a.code(&deep);
    let never = a.code(&[load(1), load(0), op(OpCode::Less, 0, 0)]);
    let ids = |region: usize, tree: usize| region * REGION_STATES + tree * TREE_STATES;

    let mut begin = Vec::new();
    for timer in 0..MAX_TIMERS as u8 {
        begin.extend([a.push(3_000_000_000_000 + i64::from(timer)), op(OpCode::TimerStart, timer, 0)]);
    }
    begin.extend(PLAYING.map(|line| op(OpCode::Play, line, 0)));

    for region in 0..MAX_REGIONS {
        let last = region == MAX_REGIONS - 1;
        a.regions.push(Region { start: StateId(ids(region, 0) as u16) });
        for tree in 0..2 {
            let first = ids(region, tree);
            for n in 0..TREE_STATES {
                let depth = n.min(OUTER);
                let is_leaf = n >= OUTER;
                let mut rules = vec![];
                if !is_leaf {
                    let unmatched = if last && depth == 0 { OUTERMOST_RULES - 3 } else { OUTER_RULES };
                    rules.extend((0..unmatched).map(|rule| unheard(n * OUTER_RULES + rule)));
                }
                if last && depth == 0 {
                    let target = |state: usize, line, active| Rule {
                        event: EventId::edge(line, active),
                        target: StateId(state as u16),
                        guard: deep,
                        action: Code::NONE,
                    };
                    rules.push(target(first + OUTER + 1, LEVER, true));
                    rules.push(target(first + OUTER, LEVER, false));
                    rules.push(target(ids(region, 1 - tree), SPOUT, tree == 0));
                }
                if region == 0 && is_leaf {
                    rules.push(Rule {
                        event: EventId::edge(LEVER, true),
                        target: StateId(first as u16),
                        guard: never,
                        action: Code::NONE,
                    });
                }
                let per_state = MAX_DEADLINES_PER_REGION / MAX_DEPTH;
                let duration = if region < regions { due } else { long };
                let target = StateId(first as u16);
                let after = After { duration, target, guard: Code::NONE, action: Code::NONE };
                let whens = if region == 0 && is_leaf {
                    vec![When { guard: never, target: StateId(first as u16), action: Code::NONE }]
                } else {
                    vec![]
                };
                let (entry, exit): (Vec<Op>, Vec<Op>) = match (region, tree, n) {
                    (0, 0, 0) => (begin.clone(), vec![]),
                    (r, _, n) if r == MAX_REGIONS - 1 && n == OUTER + 1 => {
                        (vec![op(OpCode::On, LAMP.0, 0)], vec![op(OpCode::Off, LAMP.0, 0)])
                    }
                    (r, 1, n) if r == MAX_REGIONS - 1 && n == OUTER => {
                        (vec![op(OpCode::On, SIGN.0, 0)], vec![op(OpCode::Off, SIGN.0, 0)])
                    }
                    _ => (vec![], vec![]),
                };
                let row = State {
                    parent: if n == 0 { StateId::NONE } else { StateId((first + depth - 1) as u16) },
                    initial: if is_leaf { StateId::NONE } else { StateId((first + n + 1) as u16) },
                    region: RegionId(region as u8),
                    depth: depth as u8,
                    entry: a.code(&entry),
                    exit: a.code(&exit),
                    rules: slice(&mut a.rules, rules),
                    afters: slice(&mut a.afters, vec![after; per_state]),
                    whens: slice(&mut a.whens, whens),
                };
                a.states.push(row);
            }
        }
    }
    for n in 0..MAX_INVARIANTS {
        let (scope, state, count) = match n % 4 {
            0 => (Scope::Trial, StateId::NONE, u16::MAX),
            1 => (Scope::Session, StateId::NONE, u16::MAX),
            _ => (Scope::State, StateId((ids(n % MAX_REGIONS, 1) + OUTER + n) as u16), 0),
        };
        a.invariants.push(Invariant { line: LAMP, scope, state, count, trips: false });
    }
    a
}
