//! Random small programs for tests: sound by construction, of every part the engine has, and sure to end by themselves.
//! Owns what such a program looks like; knows nothing of how one is run.
//!
//! The same seed gives the same program, so a failure is told by its seed alone.

use link::limits::MAX_TIMERS;
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Rule, Scope, Slice, State, Stimulus, When,
};
use link::pulses::ListPulse;
use link::pwm::FULL_POWER_PPM;
use link::record::{Carrier, Train, Wave};
use link::{EndReason, EventId, LineId, Micros, OutcomeId, RegionId, StateId, TimerId, VariableId};

use crate::Assembly;

/// How many cases a test over random cases runs: `few`, times what the variable `NOSEPOKE_TIMES` says. `tests/run` leaves it
/// unset, `tests/long` does not.
#[must_use]
pub fn cases(few: u64) -> u64 {
    let times = std::env::var("NOSEPOKE_TIMES").ok().and_then(|times| times.parse().ok());
    few.saturating_mul(times.unwrap_or(1))
}

/// A random program and what may be given to it.
#[derive(Debug, Clone)]
pub struct RandomProgram {
    /// The program.
    pub image: Vec<u32>,
    /// Lines of its rig, inputs and outputs together.
    pub lines: u8,
    /// Which of them are outputs, bit *n* for line *n*.
    pub outputs: u32,
    /// Events it names: `EventId::named(0)` up to this.
    pub events: u16,
    /// Variables an operator may change: 0 up to this.
    pub parameters: u16,
    /// The session ends no later than this many µs after its start.
    pub life_us: u64,
}

/// Something from outside, to be given to a random program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomGiven {
    /// An input line changes.
    Edge {
        /// Which.
        line: LineId,
        /// To active or away from it.
        active: bool,
    },
    /// An event from outside the rig.
    Outside(EventId),
    /// A parameter changes.
    Parameter {
        /// Which.
        variable: VariableId,
        /// Its new value.
        value: i64,
    },
    /// The session is told to end at the next trial boundary.
    LastTrial(EndReason),
    /// The session is told to end.
    Stop(EndReason),
}

/// Random numbers for tests: SplitMix64 (Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators").
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 fair bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `first` up to but not `end`; `first` if there is nothing between.
    pub fn from(&mut self, first: u64, end: u64) -> u64 {
        let span = end.saturating_sub(first).max(1);
        first + ((u128::from(self.bits()) * u128::from(span)) >> 64) as u64
    }

    /// Below `end`; 0 if that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.from(0, end)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

impl RandomProgram {
    /// Things to give it over its life, in the order of their µs since the session's start; several often fall together.
    #[must_use]
    pub fn givens(&self, seed: u64, count: usize) -> Vec<(Micros, RandomGiven)> {
        let mut dice = Dice::new(seed);
        let mut at = 0;
        let inputs: Vec<LineId> = (0..self.lines).map(LineId).filter(|line| self.outputs & line.bit() == 0).collect();
        let mut givens = Vec::new();
        for _ in 0..count {
            at += match dice.below(4) {
                0 => 0,
                1 => dice.from(1, 4),
                _ => dice.below(2 * self.life_us / (count as u64 + 1)),
            };
            let given = match dice.below(80) {
                0 => RandomGiven::LastTrial(EndReason::HostLost),
                1 if dice.percent(30) => RandomGiven::Stop(EndReason::Stopped),
                2..=12 => RandomGiven::Outside(EventId::named(dice.below(u64::from(self.events)) as u16)),
                13..=22 => RandomGiven::Parameter {
                    variable: VariableId(dice.below(u64::from(self.parameters)) as u16),
                    value: dice.below(20) as i64 - 5,
                },
                _ => {
                    let line = inputs[dice.below(inputs.len() as u64) as usize];
                    RandomGiven::Edge { line, active: dice.percent(50) }
                }
            };
            givens.push((at, given));
        }
        givens
    }
}

/// The timer that ends every program's life; no action of the program touches it.
const LIFE: TimerId = TimerId(MAX_TIMERS as u8 - 1);

/// How many there are of everything, decided before any code is written.
struct Maker {
    dice: Dice,
    assembly: Assembly,
    /// A usual duration in µs.
    pace_us: u64,
    /// The shortest duration; 0 only where life is short, so that no program fills its life with single microseconds.
    least_us: u64,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    events: u64,
    /// Plain variables; those of draws stand behind them.
    variables: u64,
    timers: u64,
    outcomes: u64,
    stimuli: u64,
    /// States of every region, as one range after another.
    regions: Vec<core::ops::Range<u64>>,
    states: u64,
}

/// The program of a seed. It passes `link::program::check` and fits an image many times over; the engine's
/// `tests/random_programs.rs` shows it for thousands.
#[must_use]
pub fn program(seed: u64) -> RandomProgram {
    let mut maker = Maker::new(seed);
    let life_us = maker.pace_us * maker.dice.from(20, 120);
    maker.fixed_tables();
    maker.draws();
    maker.states(life_us);
    maker.invariants();
    maker.ends(life_us);
    let lines = (maker.inputs.len() + maker.outputs.len()) as u8;
    let image = maker.assembly.image().unwrap_or_default();
    RandomProgram {
        image,
        lines,
        outputs: maker.outputs.iter().map(|line| 1_u32 << line).sum(),
        events: maker.events as u16,
        parameters: maker.variables as u16,
        life_us,
    }
}

fn op(code: OpCode, a: u64, b: u64) -> Op {
    Op::new(code, a as u8, b as u16)
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let (pace_us, least_us) = [(20, 0), (1_000, 50), (30_000, 1_500)][dice.below(3) as usize];
        let (mut inputs, mut outputs) = (vec![0], vec![1]);
        for line in 2..dice.from(3, 11) as u8 {
            if dice.percent(50) { inputs.push(line) } else { outputs.push(line) }
        }
        let mut states = 0;
        let regions = (0..dice.from(1, 4)).map(|_| {
            let first = states;
            states += dice.from(1, 9);
            first..states
        });
        let regions = regions.collect();
        Self {
            assembly: Assembly::default(),
            pace_us,
            least_us,
            inputs,
            outputs,
            events: dice.from(1, 7),
            variables: dice.from(2, 9),
            timers: dice.from(1, 5),
            outcomes: dice.from(1, 4),
            stimuli: dice.from(1, 4),
            regions,
            states,
            dice,
        }
    }

    fn pick(&mut self, from: &[u8]) -> u64 {
        u64::from(from[self.dice.below(from.len() as u64) as usize])
    }

    fn output(&mut self) -> u64 {
        self.pick(&self.outputs.clone())
    }

    fn fixed_tables(&mut self) {
        for _ in 0..self.variables {
            let value = self.dice.below(10) as i64 - 3;
            self.assembly.variables.push(value);
        }
        for _ in 0..self.stimuli {
            let width_us = self.dice.from(self.least_us.max(1), self.pace_us) as u32;
            let train = Train {
                delay_us: if self.dice.percent(50) { 0 } else { self.dice.below(self.pace_us) as u32 },
                width_us,
                period_us: width_us + self.dice.below(self.pace_us) as u32,
                count: self.dice.from(1, 5) as u32,
                carrier: None,
            };
            let train = self.course(train);
            self.assembly.stimuli.push(Stimulus { train });
        }
        for len in [1, 4] {
            let values: Vec<i64> = (0..len).map(|_| self.dice.below(9) as i64).collect();
            let first = self.assembly.constants(&values);
            self.assembly.lists.push(Slice { first, len });
        }
    }

    /// Some trains come in bursts, with a power from pulse to pulse, or as a list.
    fn course(&mut self, train: Train) -> Train {
        let (count, width_us) = (self.dice.from(2, 9) as u32, train.width_us);
        let pause_us = self.dice.from(1, self.pace_us.max(2)) as u32;
        match self.dice.below(8) {
            0 | 1 => {
                let (pulses, period_us) = (self.dice.from(1, 4) as u16, train.period_us + 1);
                let interval_us = period_us * (u32::from(pulses) - 1) + width_us + pause_us;
                let wave = Wave::Bursts { pulses, interval_us, powered: false };
                Train { count, period_us, carrier: Some(Carrier::silent(wave)), ..train }
            }
            2 => {
                let pulses: Vec<ListPulse> = (1..=count)
                    .map(|n| {
                        let width_us = self.dice.from(self.least_us.max(1), self.pace_us) as u32;
                        let gap_us = self.dice.from(1, self.pace_us.max(2)) as u32;
                        ListPulse { distance_us: if n == count { 0 } else { width_us + gap_us }, width_us }
                    })
                    .collect();
                self.assembly.list(train.delay_us, &pulses).unwrap_or(train)
            }
            3 => {
                let step_ppm = self.dice.below(200_000) as i32 - 100_000;
                let (wave, power_ppm) = (Wave::Ramp { step_ppm }, self.dice.below(FULL_POWER_PPM as u64) as i32);
                let carrier = Carrier { level_cdb: power_ppm, ..Carrier::silent(wave) };
                Train { count, carrier: Some(carrier), ..train }
            }
            _ => train,
        }
    }

    // Draws.

    fn draws(&mut self) {
        let mut cells = 0;
        for _ in 0..self.dice.from(1, 6) {
            let variable = VariableId(self.assembly.variables.len() as u16);
            self.assembly.variables.push(0);
            let labels = self.dice.from(1, 5) as u8;
            let (kind, values): (DrawKind, Vec<i64>) = match self.dice.below(6) {
                0 => (DrawKind::Chance, vec![]),
                1 => (DrawKind::Uniform, vec![]),
                2 => {
                    let (scale, inside) = (self.pace_us as i64, self.dice.from(1, 1 << 32) as i64);
                    (DrawKind::Exponential, vec![scale, inside, 1, 5 * scale])
                }
                3 => (DrawKind::Normal, vec![0, 2 * self.pace_us as i64]),
                4 => (DrawKind::Weighted, vec![]),
                _ => (DrawKind::Deck, (0..labels).map(|_| self.dice.from(1, 4) as i64).collect()),
            };
            let spend_on = match self.dice.below(2 * self.outcomes) {
                outcome if outcome < self.outcomes => OutcomeId(outcome as u16),
                _ => Draw::AT_ONCE,
            };
            let constants = self.assembly.constants(&values);
            let max_run = self.dice.below(4) as u8;
            self.assembly.draws.push(Draw { kind, variable, labels, constants, max_run, cells, spend_on });
            cells += if kind == DrawKind::Deck { labels + 2 } else { 0 };
        }
    }

    fn draw(&mut self, ops: &mut Vec<Op>) {
        let index = self.dice.below(self.assembly.draws.len() as u64);
        let row = self.assembly.draws[index as usize];
        let pace_us = self.pace_us;
        let mut take = |dice: &mut Dice, first, end| ops.push(self.assembly.push(dice.from(first, end) as i64));
        match row.kind {
            DrawKind::Chance => take(&mut self.dice, 0, 1_000_001),
            DrawKind::Uniform => {
                take(&mut self.dice, 0, pace_us);
                take(&mut self.dice, pace_us, 3 * pace_us);
            }
            DrawKind::Normal => {
                take(&mut self.dice, 0, 2 * pace_us);
                take(&mut self.dice, 0, pace_us);
            }
            DrawKind::Weighted => {
                take(&mut self.dice, 1, 5);
                (1..row.labels).for_each(|_| take(&mut self.dice, 0, 5));
            }
            DrawKind::Exponential | DrawKind::Deck => {}
        }
        ops.push(op(OpCode::Draw, 0, index));
    }

    // Expressions.

    fn value(&mut self, deep: u64, ops: &mut Vec<Op>) {
        if deep == 0 || self.dice.percent(30) {
            return self.leaf(ops);
        }
        match self.dice.below(20) {
            0..=2 => {
                self.value(deep - 1, ops);
                let codes = [OpCode::Negate, OpCode::Not, OpCode::Absolute];
                ops.push(op(codes[self.dice.below(3) as usize], 0, 0));
            }
            3 => {
                // A list read within its bounds: the element is the index taken modulo its length.
                self.value(deep - 1, ops);
                ops.extend([op(OpCode::Int, 0, 4), op(OpCode::Remainder, 0, 0), op(OpCode::Absolute, 0, 0)]);
                ops.push(op(OpCode::Element, 0, 1));
            }
            5 => {
                self.value(deep - 1, ops);
                ops.extend([op(OpCode::Int, 0, 3), op(OpCode::DivideScaled, 0, 0)]);
            }
            4 if self.dice.percent(20) => {
                // Whatever comes out: a division by zero, an index past the end.
                self.value(deep - 1, ops);
                self.value(deep - 1, ops);
                ops.push(op(OpCode::Divide, 0, 0));
                ops.push(op(OpCode::Element, 0, 0));
            }
            _ => {
                self.value(deep - 1, ops);
                self.value(deep - 1, ops);
                let codes = [
                    OpCode::Add,
                    OpCode::Subtract,
                    OpCode::Multiply,
                    OpCode::MultiplyScaled,
                    OpCode::Minimum,
                    OpCode::Maximum,
                    OpCode::Equal,
                    OpCode::NotEqual,
                    OpCode::Less,
                    OpCode::LessOrEqual,
                    OpCode::And,
                    OpCode::Or,
                ];
                ops.push(op(codes[self.dice.below(codes.len() as u64) as usize], 0, 0));
            }
        }
    }

    fn leaf(&mut self, ops: &mut Vec<Op>) {
        let variables = self.assembly.variables.len() as u64;
        let word = match self.dice.below(8) {
            0 | 1 => self.assembly.push(self.dice.below(7) as i64 - 1),
            2 => op(OpCode::InState, 0, self.dice.below(self.states)),
            3 => op(OpCode::Special, Special::Level as u64, self.pick(&self.inputs.clone())),
            4 => {
                let which = Special::ALL[self.dice.below(Special::ALL.len() as u64) as usize];
                let of = match which {
                    Special::StateTime => self.dice.below(self.states),
                    Special::TimerLeft | Special::TimerRunning => self.dice.below(self.timers),
                    _ => 0,
                };
                op(OpCode::Special, which as u64, of)
            }
            _ => op(OpCode::Load, 0, self.dice.below(variables)),
        };
        ops.push(word);
    }

    fn guard(&mut self) -> Code {
        if self.dice.percent(60) {
            return Code::NONE;
        }
        let mut ops = Vec::new();
        self.value(3, &mut ops);
        self.assembly.code(&ops)
    }

    /// A guard that seldom holds, so that what waits for it does wait.
    fn rare_guard(&mut self) -> Code {
        let mut ops = Vec::new();
        self.value(2, &mut ops);
        ops.push(self.assembly.push(self.dice.from(1, 9) as i64));
        ops.push(op(OpCode::Equal, 0, 0));
        self.assembly.code(&ops)
    }

    fn duration(&mut self, ops: &mut Vec<Op>) {
        if self.dice.percent(15) {
            // From a variable, whatever it holds.
            self.leaf(ops);
            ops.push(self.assembly.push(3 * self.pace_us as i64));
            ops.extend([op(OpCode::Remainder, 0, 0), op(OpCode::Absolute, 0, 0)]);
            ops.push(self.assembly.push(self.least_us as i64));
            return ops.push(op(OpCode::Add, 0, 0));
        }
        let longest_us = if self.dice.percent(15) { self.least_us + 4 } else { 5 * self.pace_us };
        ops.push(self.assembly.push(self.dice.from(self.least_us, longest_us) as i64));
    }

    // Actions.

    fn action(&mut self, share: u64) -> Code {
        let mut ops = Vec::new();
        if self.dice.percent(share) {
            for _ in 0..self.dice.from(1, 4) {
                let mut one = Vec::new();
                self.one_action(&mut one);
                let mut other = Vec::new();
                if self.dice.percent(20) {
                    self.value(2, &mut ops);
                    if self.dice.percent(50) {
                        self.one_action(&mut other);
                        one.push(op(OpCode::Jump, 0, other.len() as u64));
                    }
                    ops.push(op(OpCode::JumpIfFalse, 0, one.len() as u64));
                }
                ops.append(&mut one);
                ops.append(&mut other);
            }
        }
        self.assembly.code(&ops)
    }

    /// Sometimes a power: one of a few, so that the same one is asked for again, or whatever a variable holds, in steps of
    /// 10 %, so that some are less than nothing or more than full.
    fn power(&mut self, ops: &mut Vec<Op>) -> bool {
        match self.dice.below(10) {
            0..=1 => {
                let powers = [0, 300_000, 300_000, 1_000_000];
                ops.push(self.assembly.push(powers[self.dice.below(4) as usize]));
            }
            2 => {
                self.leaf(ops);
                ops.push(self.assembly.push(100_000));
                ops.push(op(OpCode::Multiply, 0, 0));
            }
            _ => return false,
        }
        true
    }

    fn one_action(&mut self, ops: &mut Vec<Op>) {
        let line = self.output();
        let timer = self.dice.below(self.timers);
        match self.dice.below(24) {
            0 | 1 => {
                let powered = self.power(ops);
                ops.push(op(if powered { OpCode::OnPower } else { OpCode::On }, line, 0));
            }
            2 | 3 => ops.push(op(OpCode::Off, line, 0)),
            4 | 5 => {
                let powered = self.power(ops);
                let code = if powered { OpCode::PlayPower } else { OpCode::Play };
                ops.push(op(code, line, self.dice.below(self.stimuli)));
            }
            6 | 7 => {
                self.duration(ops);
                let powered = self.power(ops);
                ops.push(op(if powered { OpCode::PulsePower } else { OpCode::Pulse }, line, 0));
            }
            8 | 9 => {
                ops.push(op(OpCode::Int, 0, self.dice.below(100)));
                self.duration(ops);
                ops.push(op(OpCode::Deliver, line, 0));
            }
            10 => {
                ops.push(op(OpCode::Signal, 0, u64::from(EventId::named(self.dice.below(self.events) as u16).0)));
            }
            11 | 12 => ops.push(op(OpCode::Trial, 0, 0)),
            13 => ops.push(op(OpCode::Outcome, 0, self.dice.below(self.outcomes))),
            14..=16 => self.draw(ops),
            17 => {
                self.duration(ops);
                ops.push(op(OpCode::TimerStart, timer, 0));
            }
            18 => {
                ops.push(self.assembly.push(self.dice.from(self.pace_us, 5 * self.pace_us) as i64));
                let repeats = [1, 3, u64::from(u16::MAX)][self.dice.below(3) as usize];
                ops.push(op(OpCode::TimerStart, timer, repeats));
            }
            19 => {
                let codes = [OpCode::TimerStop, OpCode::TimerPause, OpCode::TimerResume];
                ops.push(op(codes[self.dice.below(3) as usize], timer, 0));
            }
            _ => {
                // Kept small, or numbers soon leave 64 bits.
                self.value(3, ops);
                ops.extend([op(OpCode::Int, 0, 997), op(OpCode::Remainder, 0, 0)]);
                let recorded = self.dice.below(2);
                ops.push(op(OpCode::Store, recorded, self.dice.below(self.variables)));
            }
        }
    }

    // States.

    fn states(&mut self, life_us: u64) {
        for (region, states) in self.regions.clone().into_iter().enumerate() {
            let start = StateId(self.dice.from(states.start, states.end) as u16);
            self.assembly.regions.push(Region { start });
            for index in states.clone() {
                let state = self.state(region as u8, &states, index, life_us);
                self.assembly.states.push(state);
            }
            self.choose_initial(&states);
        }
    }

    fn state(&mut self, region: u8, states: &core::ops::Range<u64>, index: u64, life_us: u64) -> State {
        let first = index == states.start;
        // The first state of region 0 holds all the others, so that the program's life always ends.
        let nested = !first && (region == 0 || self.dice.percent(50));
        let parent = if nested { self.dice.from(states.start, index) } else { u64::from(StateId::NONE.0) };
        let depth = self.assembly.states.get(parent as usize).map_or(0, |parent| parent.depth + 1);
        // Eight states below one another are the most there can be here, and the most there may be.
        let entry = if region == 0 && first { self.life_entry(life_us) } else { self.action(70) };
        let exit = self.action(20);
        let rules = self.rules(states, region == 0 && first);
        let afters = self.afters(states);
        let whens = self.whens(states);
        let parent = StateId(parent as u16);
        State { parent, initial: StateId::NONE, region: RegionId(region), depth, entry, exit, rules, afters, whens }
    }

    /// Every state with children starts in one of them.
    fn choose_initial(&mut self, states: &core::ops::Range<u64>) {
        for index in states.clone() {
            let children: Vec<u64> = states
                .clone()
                .filter(|child| u64::from(self.assembly.states[*child as usize].parent.0) == index)
                .collect();
            if !children.is_empty() {
                let child = children[self.dice.below(children.len() as u64) as usize];
                self.assembly.states[index as usize].initial = StateId(child as u16);
            }
        }
    }

    fn life_entry(&mut self, life_us: u64) -> Code {
        let life = self.assembly.push(life_us as i64);
        let time = op(OpCode::Special, Special::SessionTime as u64, 0);
        self.assembly.code(&[
            time,
            op(OpCode::Not, 0, 0),
            op(OpCode::JumpIfFalse, 0, 2),
            life,
            op(OpCode::TimerStart, u64::from(LIFE.0), 0),
        ])
    }

    fn target(&mut self, states: &core::ops::Range<u64>, may_stay: bool) -> StateId {
        match self.dice.below(10) {
            0..=3 if may_stay => StateId::NONE,
            4 => StateId::BACK,
            _ => StateId(self.dice.from(states.start, states.end) as u16),
        }
    }

    fn event(&mut self) -> EventId {
        match self.dice.below(10) {
            0..=4 => EventId::edge(LineId(self.pick(&self.inputs.clone()) as u8), self.dice.percent(60)),
            5 => EventId::train_end(LineId(self.output() as u8)),
            6 => EventId::timer(TimerId(self.dice.below(self.timers) as u8)),
            _ => EventId::named(self.dice.below(self.events) as u16),
        }
    }

    fn rules(&mut self, states: &core::ops::Range<u64>, ends_life: bool) -> Slice {
        let first = self.assembly.rules.len() as u16;
        if ends_life {
            let action = self.assembly.code(&[op(OpCode::Trial, 0, 0)]);
            let event = EventId::timer(LIFE);
            self.assembly.rules.push(Rule { event, target: StateId::NONE, guard: Code::NONE, action });
        }
        for _ in 0..self.dice.below(5) {
            let rule = Rule {
                event: self.event(),
                target: self.target(states, true),
                guard: self.guard(),
                action: self.action(40),
            };
            self.assembly.rules.push(rule);
        }
        Slice { first, len: self.assembly.rules.len() as u16 - first }
    }

    fn afters(&mut self, states: &core::ops::Range<u64>) -> Slice {
        let first = self.assembly.afters.len() as u16;
        for _ in 0..self.dice.below(3) {
            let mut ops = Vec::new();
            self.duration(&mut ops);
            let after = After {
                duration: self.assembly.code(&ops),
                target: self.target(states, true),
                guard: self.guard(),
                action: self.action(30),
            };
            self.assembly.afters.push(after);
        }
        Slice { first, len: self.assembly.afters.len() as u16 - first }
    }

    fn whens(&mut self, states: &core::ops::Range<u64>) -> Slice {
        let first = self.assembly.whens.len() as u16;
        if self.dice.percent(15) {
            let (target, guard) = (self.target(states, false), self.rare_guard());
            let action = self.action(30);
            self.assembly.whens.push(When { guard, target, action });
        }
        Slice { first, len: self.assembly.whens.len() as u16 - first }
    }

    // What bounds the whole.

    fn invariants(&mut self) {
        for _ in 0..self.dice.below(4) {
            let scope = [Scope::Trial, Scope::Session, Scope::State][self.dice.below(3) as usize];
            let state = match scope {
                Scope::State => StateId(self.dice.below(self.states) as u16),
                Scope::Trial | Scope::Session => StateId::NONE,
            };
            let invariant = Invariant {
                line: LineId(self.output() as u8),
                scope,
                state,
                count: self.dice.below(4) as u16,
                trips: self.dice.percent(20),
            };
            self.assembly.invariants.push(invariant);
        }
    }

    fn ends(&mut self, life_us: u64) {
        let life = self.assembly.push(life_us as i64);
        let time = op(OpCode::Special, Special::SessionTime as u64, 0);
        let condition = self.assembly.code(&[life, time, op(OpCode::LessOrEqual, 0, 0)]);
        self.assembly.ends.push(End { condition });
        if self.dice.percent(30) {
            let trials = op(OpCode::Int, 0, self.dice.from(1, 30));
            let number = op(OpCode::Special, Special::Trial as u64, 0);
            let condition = self.assembly.code(&[trials, number, op(OpCode::LessOrEqual, 0, 0)]);
            self.assembly.ends.push(End { condition });
        }
    }
}
