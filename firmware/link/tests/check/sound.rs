//! A sound program that uses every table, every kind of draw and a jump.

use assembler::Assembly;
use link::program::check::{CheckError, check};
use link::program::op::{Op, OpCode};
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Rule, Scope, Slice, State, Stimulus, When,
};
use link::program::{Program, Table};
use link::record::Train;
use link::{EventId, LineId, OutcomeId, RegionId, StateId, VariableId};

pub(crate) const fn op(code: OpCode, a: u8, b: u16) -> Op {
    Op::new(code, a, b)
}

/// A state that does nothing, at the top of a region.
pub(crate) const fn leaf(region: u8) -> State {
    let none = Slice { first: 0, len: 0 };
    State {
        parent: StateId::NONE,
        initial: StateId::NONE,
        region: RegionId(region),
        depth: 0,
        entry: Code::NONE,
        exit: Code::NONE,
        rules: none,
        afters: none,
        whens: none,
    }
}

/// What the check says of an assembly.
pub(crate) fn verdict_of(assembly: &Assembly) -> Result<(), CheckError> {
    let words = assembly.image().unwrap();
    check(&Program::open(&words).unwrap())
}

pub(crate) struct Sound {
    pub(crate) assembly: Assembly,
}

impl Sound {
    /// Region 0: state 0 holds state 1; state 2 stands beside. Region 1: state 3.
    pub(crate) fn new() -> Self {
        let mut a = Assembly::default();
        a.regions = vec![Region { start: StateId(0) }, Region { start: StateId(3) }];
        a.states = vec![leaf(0), leaf(0), leaf(0), leaf(1)];
        a.states[0].initial = StateId(1);
        (a.states[1].parent, a.states[1].depth) = (StateId(0), 1);
        a.variables = vec![0, 7];
        a.stimuli =
            vec![Stimulus { train: Train { delay_us: 0, width_us: 5, period_us: 50, count: 20, carrier: None } }];
        let list = a.constants(&[10, 20, 30]);
        a.lists = vec![Slice { first: list, len: 3 }];
        Self::draws(&mut a);

        let guard = a.code(&[op(OpCode::Load, 0, 0), op(OpCode::Int, 0, 1), op(OpCode::Equal, 0, 0)]);
        let million = a.push(1_000_000);
        let duration = a.code(&[million]);
        let action = a.code(&Self::every_action());
        a.states[0].entry = action;
        a.states[3].exit = action;
        let rule = Rule { event: EventId::edge(LineId(0), true), target: StateId(2), guard, action };
        a.rules = vec![rule, Rule { target: StateId::NONE, guard: Code::NONE, ..rule }];
        a.afters = vec![After { duration, target: StateId::BACK, guard, action: Code::NONE }];
        a.whens = vec![When { guard, target: StateId(1), action: Code::NONE }];
        a.states[0].rules = Slice { first: 0, len: 1 };
        a.states[2].rules = Slice { first: 1, len: 1 };
        a.states[0].afters = Slice { first: 0, len: 1 };
        a.states[2].whens = Slice { first: 0, len: 1 };
        let trial = Invariant { line: LineId(2), scope: Scope::Trial, state: StateId::NONE, count: 1, trips: false };
        let never = Invariant { line: LineId(5), scope: Scope::State, state: StateId(2), count: 0, trips: true };
        a.invariants = vec![trial, never];
        a.ends = vec![End { condition: guard }];
        Self { assembly: a }
    }

    fn draws(a: &mut Assembly) {
        let deck = a.constants(&[1, 2]);
        let exponential = a.constants(&[8_000_000, 1 << 31, 4_000_000, 20_000_000]);
        let normal = a.constants(&[0, 100]);
        let draw = |kind, labels, constants| Draw {
            kind,
            variable: VariableId(0),
            labels,
            constants,
            max_run: 3,
            cells: 0,
            spend_on: OutcomeId(1),
        };
        a.draws = vec![
            draw(DrawKind::Deck, 2, deck),
            draw(DrawKind::Chance, 0, 0),
            draw(DrawKind::Uniform, 0, 0),
            draw(DrawKind::Normal, 0, normal),
            draw(DrawKind::Weighted, 3, 0),
            draw(DrawKind::Exponential, 0, exponential),
        ];
    }

    /// if variable 1 { pulse } else { play }, then one of everything else.
    fn every_action() -> [Op; 17] {
        [
            op(OpCode::Load, 0, 1),
            op(OpCode::JumpIfFalse, 0, 3),
            op(OpCode::Int, 0, 500),
            op(OpCode::Pulse, 2, 0),
            op(OpCode::Jump, 0, 1),
            op(OpCode::Play, 5, 0),
            op(OpCode::Draw, 0, 0),
            op(OpCode::Int, 0, 2),
            op(OpCode::Element, 0, 0),
            op(OpCode::Int, 0, 9),
            op(OpCode::Int, 0, 9),
            op(OpCode::Deliver, 2, 0),
            op(OpCode::TimerStart, 63, 0),
            op(OpCode::Signal, 0, EventId::NAMED),
            op(OpCode::Trial, 0, 0),
            op(OpCode::Outcome, 0, 1),
            op(OpCode::Off, 31, 0),
        ]
    }

    /// Where a table begins in an image.
    pub(crate) fn offset(words: &[u32], table: Table) -> usize {
        (words[3 + table as usize] >> 16) as usize
    }
}
