//! A protocol under construction: lines, states, draws and the rest by name, turned into an image by the assembler.

use assembler::Assembly;
use link::program::op::Op;
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Rule, Scope, Slice, State, Stimulus, When,
};
use link::record::Train;
use link::{EventId, LineId, OutcomeId, RegionId, StateId, TimerId, VariableId};

use super::script::{Operand, Script, Word};
use super::{Bench, Names, position};

/// One arm of a state: where it leads, if it holds, what it does.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    target: &'static str,
    guard: Script,
    action: Script,
}

const HANDLER: &str = "";
const BACK: &str = "<back>";

/// A transition.
pub(crate) fn to(state: &'static str) -> Arm {
    Arm { target: state, guard: Script::default(), action: Script::default() }
}

/// A transition to where the region came from.
pub(crate) fn back() -> Arm {
    to(BACK)
}

/// A handler: acts and stays.
pub(crate) fn handle(action: impl Into<Script>) -> Arm {
    to(HANDLER).doing(action)
}

impl Arm {
    pub(crate) fn provided(mut self, guard: impl Into<Script>) -> Self {
        self.guard = guard.into();
        self
    }

    pub(crate) fn doing(mut self, action: impl Into<Script>) -> Self {
        self.action = action.into();
        self
    }
}

/// A state under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body {
    entry: Script,
    exit: Script,
    rules: Vec<(&'static str, Arm)>,
    afters: Vec<(Script, Arm)>,
    whens: Vec<(Script, Arm)>,
}

/// A state that does nothing yet.
pub(crate) fn state() -> Body {
    Body::default()
}

impl Body {
    pub(crate) fn entry(mut self, action: impl Into<Script>) -> Self {
        self.entry = action.into();
        self
    }

    pub(crate) fn exit(mut self, action: impl Into<Script>) -> Self {
        self.exit = action.into();
        self
    }

    /// `lever on`, `lever off`, `laser ends`, `clock rings`, or an event by its name.
    pub(crate) fn on(mut self, event: &'static str, arm: Arm) -> Self {
        self.rules.push((event, arm));
        self
    }

    pub(crate) fn after(mut self, duration_us: impl Into<Script>, arm: Arm) -> Self {
        self.afters.push((duration_us.into(), arm));
        self
    }

    pub(crate) fn when(mut self, condition: impl Into<Script>, arm: Arm) -> Self {
        self.whens.push((condition.into(), arm));
        self
    }
}

/// A draw under construction; its variable has the same name.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    kind: DrawKind,
    labels: u8,
    constants: Vec<i64>,
    max_run: u8,
    spend_on: Option<&'static str>,
}

/// A draw of a kind, with the constants it needs.
pub(crate) fn draws(kind: DrawKind, constants: &[i64]) -> Draws {
    Draws { kind, labels: 0, constants: constants.to_vec(), max_run: 0, spend_on: None }
}

/// A deck with so many cards of each label.
pub(crate) fn deck(cards: &[i64]) -> Draws {
    draws(DrawKind::Deck, cards).labels(cards.len() as u8)
}

impl Draws {
    pub(crate) fn labels(mut self, labels: u8) -> Self {
        self.labels = labels;
        self
    }

    pub(crate) fn max_run(mut self, max_run: u8) -> Self {
        self.max_run = max_run;
        self
    }

    pub(crate) fn spend_on(mut self, outcome: &'static str) -> Self {
        self.spend_on = Some(outcome);
        self
    }
}

/// A protocol under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Protocol {
    names: Names,
    values: Vec<i64>,
    trains: Vec<Train>,
    draws: Vec<Draws>,
    lists: Vec<Vec<i64>>,
    invariants: Vec<(&'static str, Scope, &'static str, u16)>,
    ends: Vec<Script>,
    /// Number of the first state of each region.
    regions: Vec<usize>,
    states: Vec<(Option<&'static str>, usize, Body)>,
}

fn split(names: &'static str) -> Vec<&'static str> {
    names.split_whitespace().collect()
}

/// A protocol with these lines, in this order.
pub(crate) fn protocol(lines: &'static str) -> Protocol {
    let names = Names { lines: split(lines), ..Names::default() };
    Protocol { names, regions: vec![0], ..Protocol::default() }
}

impl Protocol {
    pub(crate) fn events(mut self, names: &'static str) -> Self {
        self.names.events = split(names);
        self
    }

    pub(crate) fn timers(mut self, names: &'static str) -> Self {
        self.names.timers = split(names);
        self
    }

    pub(crate) fn outcomes(mut self, names: &'static str) -> Self {
        self.names.outcomes = split(names);
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: i64) -> Self {
        self.names.variables.push(name);
        self.values.push(value);
        self
    }

    pub(crate) fn stimulus(
        mut self,
        name: &'static str,
        delay_us: u32,
        width_us: u32,
        period_us: u32,
        count: u32,
    ) -> Self {
        self.names.stimuli.push(name);
        self.trains.push(Train { delay_us, width_us, period_us, count, carrier: None });
        self
    }

    pub(crate) fn list(mut self, name: &'static str, values: &[i64]) -> Self {
        self.names.lists.push(name);
        self.lists.push(values.to_vec());
        self
    }

    pub(crate) fn draw(mut self, name: &'static str, draw: Draws) -> Self {
        self.names.draws.push(name);
        self.draws.push(draw);
        self.variable(name, 0)
    }

    pub(crate) fn at_most(mut self, count: u16, line: &'static str, scope: Scope, state: &'static str) -> Self {
        self.invariants.push((line, scope, state, count));
        self
    }

    pub(crate) fn ends_when(mut self, condition: Script) -> Self {
        self.ends.push(condition);
        self
    }

    /// What follows belongs to another region. A region starts in its first state.
    pub(crate) fn region(mut self) -> Self {
        self.regions.push(self.states.len());
        self
    }

    /// A state; `parent/child` nests it, and a parent starts in its first child.
    pub(crate) fn state(mut self, path: &'static str, body: Body) -> Self {
        let (parent, name) = match path.rsplit_once('/') {
            Some((parents, name)) => (parents.rsplit('/').next(), name),
            None => (None, path),
        };
        self.names.states.push(name);
        self.states.push((parent, self.regions.len() - 1, body));
        self
    }

    /// The protocol as an image.
    pub(crate) fn bench(&self) -> Bench {
        let mut a = Assembly::default();
        a.variables = self.values.clone();
        a.regions = self.regions.iter().map(|first| Region { start: StateId(*first as u16) }).collect();
        for values in &self.lists {
            let first = a.constants(values);
            a.lists.push(Slice { first, len: values.len() as u16 });
        }
        a.stimuli = self.trains.iter().map(|train| Stimulus { train: *train }).collect();
        let mut cells = 0;
        for (draw, name) in self.draws.iter().zip(&self.names.draws) {
            let outcome = |name| OutcomeId(position(&self.names.outcomes, name));
            let row = Draw {
                kind: draw.kind,
                variable: VariableId(position(&self.names.variables, name)),
                labels: draw.labels,
                constants: a.constants(&draw.constants),
                max_run: draw.max_run,
                cells,
                spend_on: draw.spend_on.map_or(Draw::AT_ONCE, outcome),
            };
            cells += if draw.kind == DrawKind::Deck { draw.labels + 2 } else { 0 };
            a.draws.push(row);
        }
        for (line, scope, state, count) in &self.invariants {
            let state = if *scope == Scope::State { self.state_id(state) } else { StateId::NONE };
            let line = LineId(position(&self.names.lines, line) as u8);
            a.invariants.push(Invariant { line, scope: *scope, state, count: *count, trips: false });
        }
        for condition in &self.ends {
            let condition = self.code(&mut a, condition);
            a.ends.push(End { condition });
        }
        for index in 0..self.states.len() {
            let row = self.row(&mut a, index);
            a.states.push(row);
        }
        let image = a.image().unwrap();
        Bench { image, names: self.names.clone(), seed: 1, levels: 0, start: 0 }
    }

    fn row(&self, a: &mut Assembly, index: usize) -> State {
        let (parent, region, body) = &self.states[index];
        let child = self.states.iter().position(|(parent, ..)| *parent == Some(self.names.states[index]));
        let mut depth = 0;
        let mut outer = *parent;
        while let Some(name) = outer {
            depth += 1;
            outer = self.states[self.state_id(name).index()].0;
        }
        let first = |rows: usize, len: usize| Slice { first: rows as u16, len: len as u16 };
        let rules = first(a.rules.len(), body.rules.len());
        for (event, arm) in &body.rules {
            let (guard, action) = (self.code(a, &arm.guard), self.code(a, &arm.action));
            a.rules.push(Rule { event: self.event(event), target: self.target(arm), guard, action });
        }
        let afters = first(a.afters.len(), body.afters.len());
        for (duration, arm) in &body.afters {
            let duration = self.code(a, duration);
            let (guard, action) = (self.code(a, &arm.guard), self.code(a, &arm.action));
            a.afters.push(After { duration, target: self.target(arm), guard, action });
        }
        let whens = first(a.whens.len(), body.whens.len());
        for (condition, arm) in &body.whens {
            let (guard, action) = (self.code(a, condition), self.code(a, &arm.action));
            a.whens.push(When { guard, target: self.target(arm), action });
        }
        State {
            parent: parent.map_or(StateId::NONE, |name| self.state_id(name)),
            initial: child.map_or(StateId::NONE, |child| StateId(child as u16)),
            region: RegionId(*region as u8),
            depth,
            entry: self.code(a, &body.entry),
            exit: self.code(a, &body.exit),
            rules,
            afters,
            whens,
        }
    }

    fn state_id(&self, name: &str) -> StateId {
        StateId(position(&self.names.states, name))
    }

    fn target(&self, arm: &Arm) -> StateId {
        match arm.target {
            HANDLER => StateId::NONE,
            BACK => StateId::BACK,
            name => self.state_id(name),
        }
    }

    fn event(&self, text: &str) -> EventId {
        let line = |name| LineId(position(&self.names.lines, name) as u8);
        match text.split_once(' ') {
            Some((name, "on")) => EventId::edge(line(name), true),
            Some((name, "off")) => EventId::edge(line(name), false),
            Some((name, "ends")) => EventId::train_end(line(name)),
            Some((name, "rings")) => EventId::timer(TimerId(position(&self.names.timers, name) as u8)),
            _ => EventId::named(position(&self.names.events, text)),
        }
    }

    fn code(&self, a: &mut Assembly, script: &Script) -> Code {
        let ops: Vec<Op> = script.0.iter().map(|word| self.op(a, word)).collect();
        a.code(&ops)
    }

    fn op(&self, a: &mut Assembly, word: &Word) -> Op {
        let names = &self.names;
        let number = |operand: &Operand| match operand {
            Operand::Number(number) => *number,
            Operand::Line(name) => position(&names.lines, name),
            Operand::State(name) => position(&names.states, name),
            Operand::Event(name) => self.event(name).0,
            Operand::Variable(name) => position(&names.variables, name),
            Operand::Timer(name) => position(&names.timers, name),
            Operand::Outcome(name) => position(&names.outcomes, name),
            Operand::Stimulus(name) => position(&names.stimuli, name),
            Operand::Draw(name) => position(&names.draws, name),
            Operand::List(name) => position(&names.lists, name),
        };
        match word {
            Word::Push(value) => a.push(*value),
            Word::Op(code, operand_a, operand_b) => Op::new(*code, number(operand_a) as u8, number(operand_b)),
        }
    }
}
