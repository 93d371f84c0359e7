//! The programs whose steps are measured: a chain of states, one timer end from one to the next. A timer's end is the one thing
//! that is never worked out beforehand, so every step is made whole when its time comes. Owns their shape.

use assembler::Assembly;
use emulated::Lap;
use harness::{OnChip, System, generated};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Rule, Scope, Slice, State, Stimulus, When,
};
use link::record::Train;
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use link::{EventId, LineId, OutcomeId, RegionId, StateId, TimerId, VariableId};
use sim::animal::{Scripted, Tap};

/// From one step to the next, in µs: whatever is done in between has been done.
const EVERY_US: u16 = 3_000;
const LINES: [u8; 18] = [2, 3, 10, 11, 12, 13, 14, 15, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19];
const STEP: TimerId = TimerId(0);

pub(crate) fn op(code: OpCode, a: u8, b: u16) -> Op {
    Op::new(code, a, b)
}

fn int(value: u16) -> Op {
    op(OpCode::Int, 0, value)
}

pub(crate) fn rig() -> Rig {
    let line = |(n, pin): (usize, u8)| RigLine {
        pin,
        active_high: true,
        role: match n {
            0 | 1 => Role::input(Pull::None, 0),
            _ => Role::Output { limits: Limits::on_for(60_000_000), speaker: false },
        },
    };
    Rig {
        lines: LINES.into_iter().enumerate().map(line).collect(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    }
}

/// A chain of states, and what each step into the next shows.
pub(crate) struct Chain {
    pub(crate) a: Assembly,
    pub(crate) steps: Vec<String>,
    /// The innermost state before each of them, and behind the last.
    pub(crate) leaves: Vec<StateId>,
    /// Whether time-outs lead on, and not the timer.
    pub(crate) by_time_outs: bool,
    /// What is heard behind the last step, with its name.
    pub(crate) edges: Vec<(String, EventId)>,
    /// What every state is nested in.
    holder: StateId,
    /// What everything due at once is called, if there is such a step.
    pub(crate) together: Option<&'static str>,
    taps: Vec<Tap>,
}

/// What is special about one state.
#[derive(Default, Clone)]
pub(crate) struct Link {
    pub(crate) entry: Vec<Op>,
    pub(crate) exit: Vec<Op>,
    /// Before the one that leads on.
    pub(crate) rules: Vec<Rule>,
    pub(crate) afters: Vec<After>,
    pub(crate) whens: Vec<When>,
    /// How many states it stands in, and what is special of each.
    pub(crate) inside: Vec<Link>,
    /// Whether its outermost state hears the timer, and not itself.
    pub(crate) heard_outside: bool,
    /// Leads on with this action.
    pub(crate) action: Vec<Op>,
    pub(crate) guard: Vec<Op>,
}

impl Chain {
    fn new(first: &[Op]) -> Self {
        let mut chain = Self {
            a: Assembly::default(),
            steps: Vec::new(),
            leaves: Vec::new(),
            by_time_outs: false,
            edges: Vec::new(),
            together: None,
            holder: StateId::NONE,
            taps: Vec::new(),
        };
        chain.a.variables = vec![0; 16];
        chain.a.regions.push(Region { start: StateId(0) });
        let mut entry = first.to_vec();
        entry.extend([int(EVERY_US), op(OpCode::TimerStart, STEP.0, u16::MAX)]);
        chain.add("", Link { entry, ..Link::default() });
        chain.steps.clear();
        chain
    }

    fn code(&mut self, ops: &[Op]) -> Code {
        self.a.code(ops)
    }

    /// Adds a state to the chain.
    fn add(&mut self, name: impl Into<String>, link: Link) -> &mut Self {
        self.steps.push(name.into());
        let first = self.a.states.len();
        let count = link.inside.len() + 1;
        let next = StateId((first + count) as u16);
        let mut all = link.inside.clone();
        all.push(link.clone());
        for (n, one) in all.iter().enumerate() {
            let hears = if link.heard_outside { n == 0 } else { n + 1 == count };
            let mut rules = one.rules.clone();
            if hears {
                let (guard, action) = (self.code(&link.guard), self.code(&link.action));
                rules.push(Rule { event: EventId::timer(STEP), target: next, guard, action });
            }
            let row = State {
                parent: if n == 0 { self.holder } else { StateId((first + n - 1) as u16) },
                initial: if n + 1 == count { StateId::NONE } else { StateId((first + n + 1) as u16) },
                region: RegionId(0),
                depth: n as u8,
                entry: self.a.code(&one.entry),
                exit: self.a.code(&one.exit),
                rules: slice(&mut self.a.rules, rules),
                afters: slice(&mut self.a.afters, one.afters.clone()),
                whens: slice(&mut self.a.whens, one.whens.clone()),
            };
            self.a.states.push(row);
        }
        self.leaves.push(StateId(self.a.states.len() as u16 - 1));
        self
    }

    /// The last two states are gone through in one step.
    fn merge(&mut self) {
        self.steps.pop();
        let behind = self.leaves.len().saturating_sub(2);
        self.leaves.remove(behind);
    }

    /// A step that runs code, and one that runs nothing.
    fn ops(&mut self, name: impl Into<String>, entry: &[Op]) -> &mut Self {
        self.add(name, Link { entry: entry.to_vec(), ..Link::default() })
    }

    fn finished(mut self) -> Self {
        let last = self.a.states.len() as u16;
        let row = State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(0),
            depth: 0,
            entry: self.a.code(&[op(OpCode::TimerStop, STEP.0, 0)]),
            exit: Code::NONE,
            rules: Slice::default(),
            afters: Slice::default(),
            whens: Slice::default(),
        };
        self.a.states.push(row);
        self.steps.push("into the last".to_owned());
        self.leaves.push(StateId(last));
        self
    }

    pub(crate) fn laps(&self, image: &OnChip) -> Vec<Lap> {
        let image = OnChip { phases: true, notices: false, ..image.timing_steps() };
        let program = self.a.image().unwrap_or_else(|error| panic!("{error}"));
        let opened = link::program::Program::open(&program).unwrap_or_else(|error| panic!("{error}"));
        link::program::check::check(&opened).unwrap_or_else(|error| panic!("{error}"));
        let mut system = System::bare(generated(program, rig()), Box::new(Scripted::new(self.taps.clone())), 1);
        let last = self.taps.last().map_or(0, |tap| tap.at_us);
        system.stop_after_us = Some(((self.steps.len() as u64 + 2) * u64::from(EVERY_US)).max(last) + 10_000);
        let (outcome, rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
        if let Err(error) = &outcome.result {
            println!("  {error}");
        }
        if let Some((_, at, fault)) =
            outcome.session().records().find(|(_, _, record)| matches!(record, link::Record::Fault(_)))
        {
            println!("  fault at {at}: {fault:?}");
        }
        rig.laps().to_vec()
    }
}

fn slice<T>(table: &mut Vec<T>, rows: Vec<T>) -> Slice {
    let (first, len) = (table.len() as u16, rows.len() as u16);
    table.extend(rows);
    Slice { first, len }
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, Chain)> {
    vec![
        ("operations", operations()),
        ("arithmetic of large numbers", arithmetic()),
        ("draws", draws()),
        ("outputs", outputs()),
        ("states", states()),
        ("whens and signals", whens()),
        ("regions", regions(8, false)),
        ("regions at rest", regions(8, true)),
        ("records", records()),
        ("busy", busy()),
        ("edges", edges()),
        ("foreseen", foreseen(1)),
        ("foreseen, 8 regions", foreseen(8)),
    ]
}

const STORE: Op = Op::new(OpCode::Store, 0, 0);

fn operations() -> Chain {
    let mut c = Chain::new(&[]);
    let big = c.a.push(1 << 40);
    let first = c.a.constants(&[1, 2, 3, 4]);
    c.a.lists.push(Slice { first, len: 4 });
    let bare = Link::default();
    c.add("nothing", bare.clone());
    c.ops("int store", &[int(1), STORE]);
    c.ops("2 × int store", &[int(1), STORE, int(2), STORE]);
    c.ops("6 × int store", &[int(1), STORE, int(2), STORE, int(1), STORE, int(2), STORE, int(1), STORE, int(2), STORE]);
    c.ops("int store recorded", &[int(1), op(OpCode::Store, 1, 0)]);
    c.ops("2 × int store recorded", &[int(1), op(OpCode::Store, 1, 0), int(1), op(OpCode::Store, 1, 0)]);
    c.ops("load store", &[op(OpCode::Load, 0, 1), STORE]);
    c.ops("constant store", &[big, STORE]);
    for special in Special::ALL {
        c.ops(format!("{special:?} store"), &[op(OpCode::Special, *special as u8, 0), STORE]);
    }
    c.ops("element", &[int(1), op(OpCode::Element, 0, 0), STORE]);
    c.ops("in state", &[op(OpCode::InState, 0, 0), STORE]);
    for code in [OpCode::Negate, OpCode::Not, OpCode::Absolute] {
        c.ops(format!("{code:?}"), &[int(1), op(code, 0, 0), STORE]);
        c.ops(
            format!("5 × {code:?}"),
            &[int(1), op(code, 0, 0), op(code, 0, 0), op(code, 0, 0), op(code, 0, 0), op(code, 0, 0), STORE],
        );
    }
    for code in [
        OpCode::Add,
        OpCode::Subtract,
        OpCode::Multiply,
        OpCode::Divide,
        OpCode::Remainder,
        OpCode::MultiplyScaled,
        OpCode::DivideScaled,
        OpCode::Minimum,
        OpCode::Maximum,
        OpCode::Equal,
        OpCode::NotEqual,
        OpCode::Less,
        OpCode::LessOrEqual,
        OpCode::And,
        OpCode::Or,
    ] {
        c.ops(format!("{code:?}"), &[int(7), int(3), op(code, 0, 0), STORE]);
    }
    c.ops(
        "5 × add",
        &[
            int(7),
            int(3),
            int(3),
            int(3),
            int(3),
            int(3),
            op(OpCode::Add, 0, 0),
            op(OpCode::Add, 0, 0),
            op(OpCode::Add, 0, 0),
            op(OpCode::Add, 0, 0),
            op(OpCode::Add, 0, 0),
            STORE,
        ],
    );
    c.ops(
        "5 × load add",
        &[
            op(OpCode::Load, 0, 1),
            op(OpCode::Load, 0, 1),
            op(OpCode::Add, 0, 0),
            op(OpCode::Load, 0, 1),
            op(OpCode::Add, 0, 0),
            op(OpCode::Load, 0, 1),
            op(OpCode::Add, 0, 0),
            op(OpCode::Load, 0, 1),
            op(OpCode::Add, 0, 0),
            op(OpCode::Load, 0, 1),
            op(OpCode::Add, 0, 0),
            STORE,
        ],
    );
    c.ops("jump if false, taken, over 1", &[int(0), op(OpCode::JumpIfFalse, 0, 1), op(OpCode::On, 2, 0)]);
    c.ops("jump if false, not taken", &[int(1), op(OpCode::JumpIfFalse, 0, 0)]);
    c.ops("jump", &[int(1), op(OpCode::JumpIfFalse, 0, 1), op(OpCode::Jump, 0, 0)]);
    c.ops("signal nobody hears", &[op(OpCode::Signal, 0, EventId::named(200).0)]);
    c.ops(
        "2 signals nobody hears",
        &[op(OpCode::Signal, 0, EventId::named(200).0), op(OpCode::Signal, 0, EventId::named(200).0)],
    );
    c.ops("trial", &[op(OpCode::Trial, 0, 0)]);
    c.ops("outcome", &[op(OpCode::Outcome, 0, 0)]);
    for b in [0, u16::MAX] {
        c.ops(format!("timer start {b}"), &[int(30_000), op(OpCode::TimerStart, 1, b)]);
    }
    c.ops("timer pause", &[op(OpCode::TimerPause, 1, 0)]);
    c.ops("timer resume", &[op(OpCode::TimerResume, 1, 0)]);
    c.ops("timer left", &[op(OpCode::Special, Special::TimerLeft as u8, 1), STORE]);
    c.ops("timer stop", &[op(OpCode::TimerStop, 1, 0)]);
    let all: Vec<Op> = (2..64).flat_map(|timer| [int(30_000), op(OpCode::TimerStart, timer, 0)]).collect();
    c.ops("62 timers start", &all);
    c.add("62 run", bare.clone());
    c.add("62 run", bare.clone());
    c.ops("timer stop", &[op(OpCode::TimerStop, 63, 0)]);
    c.add("61 run", bare);
    c.finished()
}

fn arithmetic() -> Chain {
    let mut c = Chain::new(&[]);
    let values: [i64; 9] = [
        1,
        3,
        1_000_003,
        4_294_967_295,
        4_294_967_297,
        1_000_000_000_007,
        4_611_686_018_427_387_905,
        -3,
        -4_294_967_297,
    ];
    for code in [OpCode::Multiply, OpCode::Divide, OpCode::Remainder, OpCode::MultiplyScaled, OpCode::DivideScaled] {
        for x in values {
            for y in values {
                let fits = match code {
                    OpCode::Multiply | OpCode::MultiplyScaled => x.checked_mul(y).is_some(),
                    OpCode::DivideScaled => x.checked_mul(1_000_000).is_some(),
                    _ => true,
                };
                if fits {
                    let (x_op, y_op) = (c.a.push(x), c.a.push(y));
                    c.ops(format!("{code:?} {x} {y}"), &[x_op, y_op, op(code, 0, 0), STORE]);
                }
            }
        }
    }
    c.finished()
}

fn draws() -> Chain {
    let mut c = Chain::new(&[]);
    let exponential = c.a.constants(&[500, 4_119_891_040, 400, 2_000]);
    let far = c.a.constants(&[1 << 41, 4_119_891_040, 400, 1 << 60]);
    let never = c.a.constants(&[1_000_000_000, 1_000_000_000]);
    let wide = c.a.constants(&[i64::MIN, i64::MAX]);
    let cards = c.a.constants(&[3; 16]);
    let draw = |kind, labels, constants, max_run, cells, spend_on| Draw {
        kind,
        variable: VariableId(0),
        labels,
        constants,
        max_run,
        cells,
        spend_on: OutcomeId(spend_on),
    };
    let at_once = Draw::AT_ONCE.0;
    c.a.draws = vec![
        draw(DrawKind::Chance, 0, 0, 0, 0, at_once),
        draw(DrawKind::Uniform, 0, 0, 0, 0, at_once),
        draw(DrawKind::Exponential, 0, exponential, 0, 0, at_once),
        draw(DrawKind::Exponential, 0, far, 0, 0, at_once),
        draw(DrawKind::Normal, 0, wide, 0, 0, at_once),
        draw(DrawKind::Normal, 0, never, 0, 0, at_once),
        draw(DrawKind::Weighted, 16, 0, 0, 0, at_once),
        draw(DrawKind::Weighted, 2, 0, 0, 0, at_once),
        draw(DrawKind::Deck, 2, cards, 2, 0, at_once),
        draw(DrawKind::Deck, 16, cards, 2, 4, at_once),
        draw(DrawKind::Deck, 16, cards, 2, 22, 0),
    ];
    let d = |n| op(OpCode::Draw, 0, n);
    c.add("nothing", Link::default());
    c.ops("chance", &[int(5), d(0)]);
    c.ops("2 chance", &[int(5), d(0), int(5), d(0)]);
    c.ops("uniform", &[int(5), int(20), d(1)]);
    let (low, high) = (c.a.push(-(1 << 61)), c.a.push(1 << 61));
    c.ops("uniform wide", &[low, high, d(1)]);
    c.ops("exponential", &[d(2)]);
    for _ in 0..10 {
        c.ops("exponential", &[d(2)]);
    }
    for _ in 0..5 {
        c.ops("exponential far", &[d(3)]);
    }
    for _ in 0..10 {
        c.ops("normal", &[int(1), int(1), d(4)]);
    }
    for _ in 0..10 {
        c.ops("normal 32 tries", &[int(1), int(1), d(5)]);
    }
    let large = c.a.push(1 << 50);
    for _ in 0..10 {
        c.ops("normal, large", &[large, large, d(4)]);
    }
    for _ in 0..10 {
        c.ops("normal 32 tries, large", &[int(1), large, d(5)]);
    }
    for _ in 0..6 {
        c.ops("weighted 16", &[[int(1); 16].to_vec(), vec![d(6)]].concat());
    }
    for _ in 0..4 {
        c.ops("weighted 2", &[int(1), int(1), d(7)]);
    }
    for _ in 0..8 {
        c.ops("deck 2", &[d(8)]);
    }
    for _ in 0..50 {
        c.ops("deck 16", &[d(9)]);
    }
    for _ in 0..4 {
        c.ops("deck 16 on outcome", &[d(10)]);
        c.ops("outcome with a deck", &[op(OpCode::Outcome, 0, 0)]);
        c.ops("trial", &[op(OpCode::Trial, 0, 0)]);
    }
    c.ops("deck 16 on outcome", &[d(10)]);
    c.ops("trial, a card back", &[op(OpCode::Trial, 0, 0)]);
    c.finished()
}

fn outputs() -> Chain {
    let mut c = Chain::new(&[]);
    let train = |count, width_us, period_us| Stimulus {
        train: Train { delay_us: 0, width_us, period_us, count, carrier: None },
    };
    c.a.stimuli = vec![train(1_000_000, 1, 4_000_000), train(1, 1, 1)];
    c.add("nothing", Link::default());
    for round in 0..2 {
        c.ops(format!("on {round}"), &[op(OpCode::On, 2, 0)]);
        c.ops("on again", &[op(OpCode::On, 2, 0)]);
        c.ops("off", &[op(OpCode::Off, 2, 0)]);
        c.ops("2 on", &[op(OpCode::On, 2, 0), op(OpCode::On, 3, 0)]);
        c.ops("2 off", &[op(OpCode::Off, 2, 0), op(OpCode::Off, 3, 0)]);
        c.ops("on behind expression", &[int(1), op(OpCode::JumpIfFalse, 0, 1), op(OpCode::On, 2, 0)]);
        c.ops("off", &[op(OpCode::Off, 2, 0)]);
    }
    c.ops("play", &[op(OpCode::Play, 2, 0)]);
    c.add("nothing, one plays", Link::default());
    c.ops("2 play", &[op(OpCode::Play, 3, 0), op(OpCode::Play, 4, 0)]);
    c.ops("off of a train", &[op(OpCode::Off, 2, 0)]);
    let long = c.a.push(30_000_000);
    c.ops("pulse", &[long, op(OpCode::Pulse, 2, 0)]);
    c.add("after", Link::default());
    c.ops("deliver", &[int(30), long, op(OpCode::Deliver, 2, 0)]);
    c.add("after", Link::default());
    let all: Vec<Op> = (2..18).map(|line| op(OpCode::Play, line, 0)).collect();
    c.ops("16 play", &all);
    c.add("16 play on", Link::default());
    c.ops("off of a train of 16", &[op(OpCode::Off, 2, 0)]);
    let all: Vec<Op> = (2..18).map(|line| op(OpCode::Off, line, 0)).collect();
    c.ops("16 off", &all);
    c.add("nothing", Link::default());
    c.finished()
}

fn states() -> Chain {
    let mut c = Chain::new(&[]);
    let far = c.a.code(&[int(30_000)]);
    let long = c.a.push(4_000_000_000_000);
    let longer = c.a.code(&[long]);
    let sum = c.a.code(&[int(30_000), int(1), op(OpCode::Add, 0, 0)]);
    let no = c.a.code(&[int(0)]);
    let no_sum = c.a.code(&[int(1), int(1), op(OpCode::Subtract, 0, 0)]);
    let after = |duration| After { duration, target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
    let rule = |event, guard| Rule { event, target: StateId::NONE, guard, action: Code::NONE };
    let to = |event, guard| Rule { event, target: StateId(0), guard, action: Code::NONE };
    let event = EventId::timer(STEP);
    let other = EventId::named(3);
    let same_bits = EventId(event.0 + 16 * 5);
    let plain = Link::default();
    c.add("nothing", plain.clone());
    for (name, duration) in [("int", far), ("constant", longer), ("sum", sum)] {
        for k in [1, 8, 16] {
            c.add(format!("arm {k} {name}"), Link { afters: vec![after(duration); k], ..plain.clone() });
            c.add("  leave it", plain.clone());
        }
    }
    for k in [1, 20, 40] {
        c.add("  ", Link { rules: vec![rule(other, Code::NONE); k], ..plain.clone() });
        c.add(format!("behind {k} other rules"), plain.clone());
    }
    for k in [1, 10, 20] {
        c.add("  ", Link { rules: vec![rule(event, no); k], ..plain.clone() });
        c.add(format!("behind {k} handlers that do not match"), plain.clone());
        c.add("  ", Link { rules: vec![rule(event, no_sum); k], ..plain.clone() });
        c.add(format!("behind {k} handlers whose sum does not match"), plain.clone());
        c.add("  ", Link { rules: vec![rule(event, Code::NONE); k], ..plain.clone() });
        c.add(format!("behind {k} empty handlers"), plain.clone());
        c.add("  ", Link { rules: vec![to(event, no); k], ..plain.clone() });
        c.add(format!("behind {k} transitions that do not match"), plain.clone());
        c.add("  ", Link { rules: vec![to(event, no_sum); k], ..plain.clone() });
        c.add(format!("behind {k} transitions whose sum does not match"), plain.clone());
    }
    for k in [1, 3, 7] {
        c.add(format!("enter {k} more"), Link { inside: vec![plain.clone(); k], ..plain.clone() });
        c.add(format!("leave {k} more"), plain.clone());
        c.add("  ", Link { inside: vec![plain.clone(); k], heard_outside: true, ..plain.clone() });
        c.add(format!("heard {k} above"), plain.clone());
        let handler = Link { rules: vec![rule(event, no); 3], ..plain.clone() };
        c.add("  ", Link { inside: vec![handler; k], ..plain.clone() });
        c.add(format!("3 handlers each of {k}"), plain.clone());
        let in_vain = Link { rules: vec![rule(same_bits, no); 3], ..plain.clone() };
        c.add("  ", Link { inside: vec![in_vain; k], ..plain.clone() });
        c.add(format!("3 looks in vain each of {k}"), plain.clone());
    }
    c.add("  ", Link { exit: vec![int(1), STORE], ..plain.clone() });
    c.add("exit with int store", plain.clone());
    c.add("  ", Link { action: vec![int(1), STORE], ..plain.clone() });
    c.add("action with int store", plain.clone());
    c.add("  ", Link { guard: vec![int(1)], ..plain.clone() });
    c.add("guard int", plain.clone());
    c.add("  ", Link { guard: vec![int(1), int(2), op(OpCode::Add, 0, 0)], ..plain.clone() });
    c.add("guard sum", plain);
    c.finished()
}

fn whens() -> Chain {
    let mut c = Chain::new(&[]);
    let no = c.a.code(&[int(0)]);
    let no_sum = c.a.code(&[int(1), int(1), op(OpCode::Subtract, 0, 0)]);
    let plain = Link::default();
    let when = |guard, target| When { guard, target, action: Code::NONE };
    c.add("nothing", plain.clone());
    for k in [1, 8, 16] {
        c.add(format!("{k} whens"), Link { whens: vec![when(no, StateId(0)); k], ..plain.clone() });
        c.add("leave", plain.clone());
        c.add(format!("{k} whens, sum"), Link { whens: vec![when(no_sum, StateId(0)); k], ..plain.clone() });
        c.add("leave", plain.clone());
    }
    for k in [1, 7] {
        let one = Link { whens: vec![when(no, StateId(0))], ..plain.clone() };
        c.add(format!("{k} deep with a when each"), Link { inside: vec![one.clone(); k], ..one });
        c.add("leave", plain.clone());
    }
    // Every step below goes on to the next by itself.
    for k in [1, 2, 4, 8] {
        for n in 0..k {
            let next = StateId(c.a.states.len() as u16 + 1);
            c.add(
                if n == 0 { format!("{k} whens that lead on") } else { String::new() },
                Link { whens: vec![when(Code::NONE, next)], ..plain.clone() },
            );
            if n > 0 {
                c.merge();
            }
        }
        c.add("", plain.clone());
        c.merge();
        c.add("nothing", plain.clone());
    }
    let heard = EventId::named(7);
    let handler = Rule { event: heard, target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
    for k in [1, 4, 8] {
        let entry = vec![op(OpCode::Signal, 0, heard.0); k];
        c.add(format!("{k} signals"), Link { rules: vec![handler], entry, ..plain.clone() });
        c.add("nothing", plain.clone());
    }
    c.finished()
}

/// The chain in the first region; the others hear its timer, or not.
fn regions(count: u8, rest: bool) -> Chain {
    let mut c = Chain::new(&[]);
    for n in 0..8 {
        c.add(format!("step {n}"), Link::default());
    }
    let mut c = c.finished();
    for region in 1..count {
        let event = if rest { EventId::named(1) } else { EventId::timer(STEP) };
        let rule = Rule { event, target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
        let start = StateId(c.a.states.len() as u16);
        c.a.regions.push(Region { start });
        let row = State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(region),
            depth: 0,
            entry: Code::NONE,
            exit: Code::NONE,
            rules: slice(&mut c.a.rules, vec![rule]),
            afters: Slice::default(),
            whens: Slice::default(),
        };
        c.a.states.push(row);
    }
    c
}

fn records() -> Chain {
    let mut c = Chain::new(&[]);
    c.add("nothing", Link::default());
    let large = c.a.push(i64::MIN);
    let wide = c.a.constants(&[i64::MIN, i64::MAX]);
    c.a.draws.push(Draw {
        kind: DrawKind::Uniform,
        variable: VariableId(0),
        labels: 0,
        constants: wide,
        max_run: 0,
        cells: 0,
        spend_on: Draw::AT_ONCE,
    });
    for k in [1, 8, 16, 28, 29, 30, 31, 32, 33, 40, 60] {
        let ops: Vec<Op> = (0..k).flat_map(|_| [int(1), op(OpCode::Store, 1, 0)]).collect();
        c.ops(format!("{k} records of a variable"), &ops);
    }
    for k in [1, 40, 60] {
        let ops: Vec<Op> = (0..k).flat_map(|_| [large, op(OpCode::Store, 1, 300 % 16)]).collect();
        c.ops(format!("{k} records of a large value"), &ops);
    }
    let (low, high) = (c.a.push(-(1 << 61)), c.a.push(1 << 61));
    for k in [1, 40, 60] {
        let ops: Vec<Op> = (0..k).flat_map(|_| [low, high, op(OpCode::Draw, 0, 0)]).collect();
        c.ops(format!("{k} records of a draw of large values"), &ops);
    }
    c.finished()
}

/// When everything that is under way ends, in µs.
const LATER_US: i64 = 150_000;

/// Much is under way beside the chain: 16 time-outs in each of 8 regions, 62 timers, 16 trains, 32 invariants.
fn busy() -> Chain {
    // No constant is there before it.
    let later = op(OpCode::Constant, 0, 0);
    let mut entry: Vec<Op> = (1..63).flat_map(|timer| [later, op(OpCode::TimerStart, timer, 0)]).collect();
    entry.extend((2..18).map(|line| op(OpCode::Play, line, 0)));
    let mut c = Chain::new(&entry);
    c.a.constant(LATER_US);
    c.taps = vec![Tap::new(LATER_US.unsigned_abs() + 10_000, LineId(0), true)];
    c.together = Some("all timers and time-outs end");
    let train = Train { delay_us: 0, width_us: 1, period_us: 4_000_000, count: 1_000_000, carrier: None };
    c.a.stimuli = vec![Stimulus { train }];
    let far = c.a.code(&[later]);
    c.add("nothing", Link::default());
    for n in 0..3 {
        let entry = vec![op(OpCode::On, 2, 0), op(OpCode::TimerStop, 62, 0)];
        c.ops(format!("on of a watched line {n}"), &entry);
        c.ops("off", &[op(OpCode::Off, 2, 0)]);
    }
    c.ops("trial", &[op(OpCode::Trial, 0, 0)]);
    let condition = c.a.code(&[int(0), int(0), op(OpCode::Less, 0, 0)]);
    c.a.ends = vec![End { condition }; 8];
    let named = StateId(c.a.states.len() as u16);
    c.add("into a state that invariants name", Link::default());
    c.ops("out of it", &[]);
    let mut c = c.finished();
    for region in 1..8 {
        let start = StateId(c.a.states.len() as u16);
        c.a.regions.push(Region { start });
        let after = After { duration: far, target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
        let row = State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(region),
            depth: 0,
            entry: Code::NONE,
            exit: Code::NONE,
            rules: Slice::default(),
            afters: slice(&mut c.a.afters, vec![after; 16]),
            whens: Slice::default(),
        };
        c.a.states.push(row);
    }
    for n in 0..32 {
        let (scope, state, count) = match n % 2 {
            0 => (Scope::Trial, StateId::NONE, u16::MAX),
            _ => (Scope::State, named, 9),
        };
        c.a.invariants.push(Invariant { line: LineId(2), scope, state, count, trips: false });
    }
    c
}

/// Behind the chain, edges that nobody hears, and edges that are heard.
fn edges() -> Chain {
    let mut c = Chain::new(&[]);
    c.add("nothing", Link::default());
    let last = StateId(c.a.states.len() as u16);
    let mut c = c.finished();
    let lever = |active, target| Rule {
        event: EventId::edge(LineId(0), active),
        target,
        guard: Code::NONE,
        action: Code::NONE,
    };
    let rules = slice(&mut c.a.rules, vec![lever(true, last), lever(false, StateId::NONE)]);
    if let Some(row) = c.a.states.get_mut(last.index()) {
        row.rules = rules;
    }
    let mut at_us = 100_000;
    for (name, line) in [("nobody hears the edge", 1), ("the edge is heard", 0)] {
        for active in [true, false, true, false] {
            c.taps.push(Tap::new(at_us, LineId(line), active));
            c.edges.push((name.to_owned(), EventId::edge(LineId(line), active)));
            at_us += 2_000;
        }
    }
    c
}

/// Time-outs lead on: what they do is worked out before they are due, and made good then.
fn foreseen(regions: u8) -> Chain {
    let mut c = Chain::new(&[op(OpCode::TimerStop, STEP.0, 0)]);
    c.by_time_outs = true;
    let every = c.a.code(&[int(EVERY_US)]);
    let lead_on = |c: &mut Chain, name: &str, mut link: Link| {
        let target = StateId((c.a.states.len() + link.inside.len()) as u16 + 1);
        let next = After { duration: every, target, guard: Code::NONE, action: Code::NONE };
        link.afters.push(next);
        c.add(name, link);
    };
    // The first state has been written already: it waits as the others do.
    let after = After { duration: every, target: StateId(1), guard: Code::NONE, action: Code::NONE };
    let afters = slice(&mut c.a.afters, vec![after]);
    if let Some(first) = c.a.states.first_mut() {
        first.entry = Code::NONE;
        first.afters = afters;
    }
    let far =
        After { duration: c.a.code(&[int(30_000)]), target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
    lead_on(&mut c, "nothing", Link::default());
    lead_on(&mut c, "on", Link { entry: vec![op(OpCode::On, 2, 0)], ..Link::default() });
    lead_on(&mut c, "off", Link { entry: vec![op(OpCode::Off, 2, 0)], ..Link::default() });
    lead_on(&mut c, "store recorded", Link { entry: vec![int(1), op(OpCode::Store, 1, 0)], ..Link::default() });
    lead_on(&mut c, "3 more time-outs", Link { afters: vec![far; 3], ..Link::default() });
    lead_on(&mut c, "enter 3 more", Link { inside: vec![Link::default(); 3], ..Link::default() });
    lead_on(&mut c, "leave 3 more", Link::default());
    lead_on(&mut c, "trial", Link { entry: vec![op(OpCode::Trial, 0, 0)], ..Link::default() });
    let c = c.finished();
    at_rest(c, 1..regions)
}

/// With regions beside it in which nothing happens.
fn at_rest(mut c: Chain, regions: core::ops::Range<u8>) -> Chain {
    for region in regions {
        let start = StateId(c.a.states.len() as u16);
        c.a.regions.push(Region { start });
        c.a.states.push(State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(region),
            depth: 0,
            entry: Code::NONE,
            exit: Code::NONE,
            rules: Slice::default(),
            afters: Slice::default(),
            whens: Slice::default(),
        });
    }
    c
}
