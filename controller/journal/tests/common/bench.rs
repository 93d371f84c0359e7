//! A bench without a device: a small program, a rig, and a stand-in for the interlock that carries requests out three
//! microseconds later. What it writes is what a device would.

use assembler::Assembly;
use engine::{Engine, Given, Sink, Start};
use journal::{Header, Session, Why};
use link::program::Program;
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Draw, DrawKind, Invariant, Region, Rule, Scope, Slice, State, Stimulus};
use link::record::{Request, Train};
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use link::{
    DisarmCause, EndReason, EventId, LineId, Micros, OutcomeId, Record, RegionId, StateId, VariableId, Verdict,
};

use super::{STARTED, header, journal};

pub(crate) const LEVER: LineId = LineId(0);
pub(crate) const SPOUT: LineId = LineId(1);
pub(crate) const WATER: LineId = LineId(2);
pub(crate) const LASER: LineId = LineId(3);
pub(crate) const DELAY: VariableId = VariableId(0);
pub(crate) const KEY: EventId = EventId::named(0);
const LATENCY_US: Micros = 3;

pub(crate) fn rig() -> Rig {
    let input = RigLine { pin: 0, active_high: true, role: Role::input(Pull::Down, 0) };
    let output = |must_arm| RigLine {
        pin: 9,
        active_high: true,
        role: Role::Output { limits: Limits { must_arm, ..Limits::on_for(5_000_000) }, speaker: false },
    };
    Rig {
        lines: heapless::Vec::from_slice(&[input, input, output(false), output(true)]).unwrap(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    }
}

fn op(code: OpCode, a: u8, b: u16) -> Op {
    Op::new(code, a, b)
}

/// Press → after `delay`, by chance, water or an omission with a laser train. Every input is counted.
pub(crate) fn image() -> Vec<u32> {
    let (delay, counter, paid) = (0, 1, 2);
    let (ready, wait, reward, omission) = (StateId(0), StateId(1), StateId(2), StateId(3));
    let mut asm = Assembly::default();
    asm.variables = vec![500_000, 0, 0];
    asm.regions.push(Region { start: ready });
    let train = Train { delay_us: 100, width_us: 5_000, period_us: 50_000, count: 20, carrier: None };
    asm.stimuli.push(Stimulus { train });
    asm.draws.push(Draw {
        kind: DrawKind::Chance,
        variable: VariableId(paid),
        labels: 0,
        constants: 0,
        max_run: 0,
        cells: 0,
        spend_on: Draw::AT_ONCE,
    });
    asm.invariants.push(Invariant {
        line: WATER,
        scope: Scope::Session,
        state: StateId::NONE,
        count: 12,
        trips: false,
    });

    let half = asm.push(500_000);
    let begin = asm.code(&[op(OpCode::Trial, 0, 0), half, op(OpCode::Draw, 0, 0)]);
    let (dose, opening) = (asm.push(20_000), asm.push(83_000));
    let drink = asm.code(&[op(OpCode::Outcome, 0, 0), dose, opening, op(OpCode::Deliver, WATER.0, 0)]);
    let light = asm.code(&[op(OpCode::Outcome, 0, 1), op(OpCode::Play, LASER.0, 0)]);
    let count = asm.code(&[
        op(OpCode::Load, 0, counter),
        op(OpCode::Int, 0, 1),
        op(OpCode::Add, 0, 0),
        op(OpCode::Store, 1, counter),
    ]);
    let dark = asm.code(&[op(OpCode::Off, LASER.0, 0)]);
    let waited = asm.code(&[op(OpCode::Load, 0, delay)]);
    let is_paid = asm.code(&[op(OpCode::Load, 0, paid)]);
    let second = asm.push(1_500_000);
    let second = asm.code(&[second]);

    let counted = [
        EventId::edge(LEVER, true),
        EventId::edge(LEVER, false),
        EventId::edge(SPOUT, true),
        EventId::edge(SPOUT, false),
    ];
    let everywhere: Vec<Rule> = counted
        .map(|event| Rule { event, target: StateId::NONE, guard: Code::NONE, action: count })
        .into_iter()
        .chain([Rule { event: KEY, target: StateId::NONE, guard: Code::NONE, action: dark }])
        .collect();
    let own = |state: StateId| match state {
        s if s == ready => {
            vec![Rule { event: EventId::edge(LEVER, true), target: wait, guard: Code::NONE, action: Code::NONE }]
        }
        _ => Vec::new(),
    };
    let afters = |state: StateId| match state {
        s if s == wait => vec![
            After { duration: waited, target: reward, guard: is_paid, action: Code::NONE },
            After { duration: waited, target: omission, guard: Code::NONE, action: Code::NONE },
        ],
        s if s == ready => Vec::new(),
        _ => vec![After { duration: second, target: ready, guard: Code::NONE, action: Code::NONE }],
    };
    let entries = [(ready, begin), (wait, Code::NONE), (reward, drink), (omission, light)];
    for (state, entry) in entries {
        let (rules, deadlines) = ([everywhere.clone(), own(state)].concat(), afters(state));
        let slice = |first: usize, len: usize| Slice { first: first as u16, len: len as u16 };
        asm.states.push(State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(0),
            depth: 0,
            entry,
            exit: Code::NONE,
            rules: slice(asm.rules.len(), rules.len()),
            afters: slice(asm.afters.len(), deadlines.len()),
            whens: Slice::default(),
        });
        asm.rules.extend(rules);
        asm.afters.extend(deadlines);
    }
    asm.image().unwrap()
}

pub(crate) fn bench_header(seed: u64) -> Header {
    Header { program: image(), device_rig: postcard::to_stdvec(&rig()).unwrap(), seed, ..header() }
}

/// What happens to the bench: each with its stamp, and when the device comes to look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    pub(crate) stamp: Micros,
    pub(crate) looked_at: Micros,
    pub(crate) given: Given,
}

#[derive(Default)]
struct Records(Vec<(Micros, Record)>);

impl Sink for Records {
    fn record(&mut self, at: Micros, record: Record) {
        self.0.push((at, record));
    }
}

/// Runs the program over the happenings; stops at `end`. The laser is armed from `armed` on.
pub(crate) fn run(seed: u64, happenings: &[Happening], armed: Micros, end: Micros) -> Vec<(Micros, Record)> {
    let words = image();
    let program = Program::open(&words).unwrap();
    let (mut engine, mut made) = (Engine::new(), Records::default());
    engine.start(&program, Start { at: STARTED, seed, levels: 0, program: program.name() }, &mut made);
    for happening in happenings {
        while engine.advance(&program, happening.looked_at - 1, 100, &mut made) {}
        engine.offer(happening.stamp, happening.given).unwrap();
    }
    while engine.advance(&program, end - 1, 100, &mut made) {}
    engine.offer(end, Given::Stop(EndReason::Stopped)).unwrap();
    while engine.advance(&program, end, 100, &mut made) {}
    interlock(made.0, armed, end)
}

/// Adds what an interlock does: edges of requests, verdicts on the unarmed laser.
fn interlock(made: Vec<(Micros, Record)>, armed: Micros, end: Micros) -> Vec<(Micros, Record)> {
    let mut passed = vec![(armed, Record::Armed { lines: LASER.bit() })];
    for (n, (at, record)) in made.iter().enumerate() {
        let Record::Request { line, request } = *record else { continue };
        let taken_up = at + LATENCY_US;
        let next = made[n + 1..].iter().find_map(|(then, next)| match next {
            Record::Request { line: other, .. } if *other == line => Some(*then),
            Record::End(_) => Some(*then),
            _ => None,
        });
        let until = next.unwrap() + LATENCY_US;
        if line == LASER && taken_up < armed && request != Request::Off {
            passed.push((taken_up, Record::Verdict { line, verdict: Verdict::Withheld }));
            continue;
        }
        let Some(train) = request.train() else { continue };
        for n in 0..u64::from(train.count) {
            let rise = taken_up + u64::from(train.delay_us) + n * u64::from(train.period_us);
            if rise < until {
                let fall = (rise + u64::from(train.width_us)).min(until);
                passed.push((rise, Record::Edge { line, on: true }));
                passed.push((fall, Record::Edge { line, on: false }));
            }
        }
    }
    passed.push((end + LATENCY_US, Record::Disarmed { lines: LASER.bit(), cause: DisarmCause::SessionEnd }));
    let mut all = [made, passed].concat();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// The session as a journal that was closed at its end.
pub(crate) fn session(header: &Header, records: &[(Micros, Record)]) -> Session {
    Session::read(&journal(header, records, 50, Some(Why::Ended(EndReason::Stopped)))).unwrap()
}

/// The session as a journal that was never closed.
pub(crate) fn interrupted(header: &Header, records: &[(Micros, Record)]) -> Session {
    Session::read(&journal(header, records, 50, None)).unwrap()
}

/// A rat that presses and licks now and then, an operator with a key, a parameter that changes.
pub(crate) fn rat(gaps_ms: &[u16], lates_us: &[u16]) -> (Vec<Happening>, Micros) {
    let mut happenings = Vec::new();
    let mut at = STARTED + 200_000;
    let now = |at, given| Happening { stamp: at, looked_at: at, given };
    happenings.push(now(at - 100_000, Given::Parameter { variable: DELAY, value: 300_000 }));
    for (n, gap) in gaps_ms.iter().enumerate() {
        let line = if n % 3 == 0 { LEVER } else { SPOUT };
        for (stamp, active) in [(at, true), (at + 60_000, false)] {
            let late = u64::from(lates_us.get(n).copied().unwrap_or(0));
            happenings.push(Happening { stamp, looked_at: stamp + late, given: Given::Edge { line, active } });
        }
        at += 200_000 + u64::from(*gap) * 1_000;
    }
    happenings.push(now(at + 5_100_123, Given::Edge { line: LEVER, active: true }));
    happenings.push(now(at + 5_700_000, Given::Outside(KEY)));
    happenings.push(now(at + 5_900_000, Given::Edge { line: LEVER, active: false }));
    (happenings, at + 8_000_000)
}

/// Another record of the same kind.
pub(crate) fn altered(record: Record) -> Record {
    match record {
        Record::Enter { region, state } => Record::Enter { region, state: StateId(state.0 + 1) },
        Record::Trial { number } => Record::Trial { number: number + 1 },
        Record::Outcome(outcome) => Record::Outcome(OutcomeId(1 - outcome.0)),
        Record::Draw { draw, value, odds } => Record::Draw { draw, value: 1 - value, odds },
        Record::Set { variable, value } => Record::Set { variable, value: value + 1 },
        Record::Request { line, .. } => Record::Request { line, request: Request::Train(Train::pulse(1)) },
        Record::Breach { line, .. } => Record::Breach { line: LineId(line.0 + 1), invariant: link::InvariantId(0) },
        Record::End(_) => Record::End(EndReason::HostLost),
        other => panic!("{other:?} is not derived by this program"),
    }
}
