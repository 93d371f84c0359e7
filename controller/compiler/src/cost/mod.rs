//! The bound on a step: how many cycles the RP2040's P1 takes at most for one microsecond handled. Worked out from the compiled
//! program alone: for each thing that can be handled, the costliest way through every configuration that can be reached, with
//! all that follows from it in the same microsecond. What each part costs stands in [`table`].
//!
//! Two figures. [`Bound::one`] is one thing handled: an edge, an event from outside, a parameter, the end of a train or a timer, a
//! time-out; with the signals it raises, what hears them, the `when`s that lead on, records and requests. [`Bound::together`]
//! is everything that can fall into one microsecond, while P1's log of records is full.
//!
//! Where the graph of states does not decide how far a chain goes, the engine's own limits do ([`Bound::open`]). Variables that
//! nothing in the program sets are taken at their values. Knows nothing of YAML and of rigs.

mod code;
mod states;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use link::limits::MAX_CHAIN;
use link::program::op::OpCode;
use link::program::{Program, Table};
use link::{EventId, LineId, StateId, TimerId};

use code::{Codes, Cost};
use states::{Leaf, States};
pub use table::CYCLES_PER_US;

/// The longest step that is accepted for one thing handled, in cycles: 1 ms.
///
/// P1 makes up to 48 steps before it shows that it is alive (`STEPS_MAX` in `firmware/device/src/core_half`), and the watchdog
/// waits 50 ms for it (`PATIENCE_US` in `firmware/rp2040/src/watchdog.rs`).
pub const ONE_MAX_CYCLES: u64 = 200_000;
/// The longest step that is accepted for everything that can fall together, in cycles: 25 ms, half of what the watchdog waits.
/// The other half is for what interrupts P1.
pub const TOGETHER_MAX_CYCLES: u64 = 5_000_000;

/// One thing handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// An input line changes.
    Edge(LineId, bool),
    /// An edge that no rule waits for.
    Unheard,
    /// An event from outside, or a signal.
    Event(EventId),
    /// A parameter is taken up.
    Parameter,
    /// A train ends.
    TrainEnd(LineId),
    /// A timer ends.
    Timer(TimerId),
    /// A time-out of a state.
    TimeOut(StateId),
}

/// The costliest of all things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worst {
    /// Cycles of the whole step.
    pub cycles: u64,
    /// What is handled.
    pub thing: Thing,
    /// The innermost state in which it costs most, of the region where it costs most.
    pub state: StateId,
}

/// How long a step may take at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// One thing handled.
    pub one: Worst,
    /// Everything that can fall into one microsecond, in cycles.
    pub together: u64,
    /// Whether some chain is bounded by the engine's limits alone.
    pub open: bool,
}

impl Bound {
    /// Cycles as µs, rounded up.
    #[must_use]
    pub const fn us(cycles: u64) -> u64 {
        cycles.div_ceil(CYCLES_PER_US)
    }
}

/// Works out the bound of a checked program on a rig with so many inputs, detectors among them.
#[must_use]
pub fn bound(program: &Program<'_>, inputs: usize) -> Bound {
    Model::new(program).bound(inputs)
}

/// What a thing costs, without the step around it.
struct Priced {
    thing: Thing,
    state: StateId,
    cost: Cost,
}

/// A program, looked at for what it costs.
pub struct Model<'p> {
    program: &'p Program<'p>,
    codes: Codes<'p>,
    states: States<'p>,
    /// What follows each thing handled: every `when` asked, and those that hold followed.
    whens: Cost,
    /// What 64 transitions and signals cost at most, where only the engine's limits end them.
    chain: Cost,
    trains: BTreeSet<u8>,
    timers: BTreeSet<u8>,
    /// Time-outs that may run in all regions together.
    time_outs: u64,
    edges: BTreeSet<u16>,
}

impl<'p> Model<'p> {
    /// Looks at a checked program.
    #[must_use]
    pub fn new(program: &'p Program<'p>) -> Self {
        let codes = Codes::new(program);
        let states = States::new(program, &codes);
        let (mut trains, mut timers) = (BTreeSet::new(), BTreeSet::new());
        for op in code::ops(program) {
            match op.code {
                OpCode::Play | OpCode::Pulse | OpCode::Deliver => drop(trains.insert(op.a)),
                OpCode::TimerStart => drop(timers.insert(op.a)),
                _ => {}
            }
        }
        let most = |leaves: &Vec<Leaf>| leaves.iter().map(|leaf| states.afters(leaf).count()).max().unwrap_or(0);
        let time_outs = states.regions.iter().map(most).sum::<usize>() as u64;
        let rules = (0..program.rows(Table::Rules)).map(|rule| program.rule(rule).event.0);
        let edges = rules.filter(|event| *event < EventId::train_end(LineId(0)).0).collect();
        let mut model = Self {
            program,
            codes,
            states,
            whens: Cost::default(),
            chain: Cost::default(),
            trains,
            timers,
            time_outs,
            edges,
        };
        model.whens = model.followed();
        model.price_signals();
        model
    }

    /// Everything the program raises is priced, what is heard of it first; what raises itself again is left to the engine's
    /// limit.
    fn price_signals(&mut self) {
        let signals = code::signals(self.program);
        let raises: BTreeMap<u16, BTreeSet<u16>> =
            signals.iter().map(|event| (*event, self.occur(EventId(*event)).1.raised)).collect();
        let all = signals.iter().map(|event| self.occur(EventId(*event)).1);
        let mut chain = all.fold(Cost::default(), |most, cost| most.or(&cost)) + &Cost::of(table::SIGNAL);
        let mut waiting = signals;
        while let Some(first) = waiting.first().copied() {
            let is_ready = |event: &u16| raises.get(event).is_none_or(|raised| raised.is_disjoint(&waiting));
            let ready = waiting.iter().copied().find(is_ready);
            let cost = match ready {
                Some(event) => self.occur(EventId(event)).1,
                None => Cost { open: true, ..Cost::default() },
            };
            let event = ready.unwrap_or(first);
            waiting.remove(&event);
            self.codes.hears(event, cost);
            self.whens = self.followed();
        }
        chain.raised.clear();
        self.chain += &chain.times(u64::from(MAX_CHAIN));
    }

    /// Every `when` asked until none holds any more.
    fn followed(&mut self) -> Cost {
        if !self.states.any_whens {
            return Cost::default();
        }
        let mut ask = Cost::of(table::WHENS);
        let mut turn = Cost::default();
        for leaves in &self.states.regions {
            let most = leaves.iter().map(|leaf| self.states.ask_whens(&self.codes, leaf));
            ask += &most.fold(Cost::default(), |most, cost| most.or(&cost));
        }
        let mut all = ask.clone();
        for leaves in &self.states.regions {
            let mut known: BTreeMap<u16, Option<Cost>> = BTreeMap::new();
            let mut most = Cost::default();
            for leaf in leaves {
                let (longest, steps) = self.longest(leaf, leaves, &ask, &mut known);
                most = most.or(&longest);
                turn = turn.or(&steps);
            }
            all += &most;
        }
        if all.open {
            turn += &ask;
            self.chain = turn.times(u64::from(MAX_CHAIN));
        }
        all
    }

    /// The longest way `when`s may lead from a configuration on, and the costliest single transition on it.
    fn longest(
        &self,
        leaf: &Leaf,
        leaves: &[Leaf],
        ask: &Cost,
        known: &mut BTreeMap<u16, Option<Cost>>,
    ) -> (Cost, Cost) {
        match known.get(&leaf.state.0) {
            Some(Some(cost)) => return (cost.clone(), Cost::default()),
            // It is being looked at: the way leads round.
            Some(None) => return (Cost { open: true, ..Cost::default() }, Cost::default()),
            None => {}
        }
        known.insert(leaf.state.0, None);
        let (mut most, mut turn) = (Cost::default(), Cost::default());
        for (next, go) in self.states.led_on(&self.codes, leaf) {
            turn = turn.or(&go);
            let mut way = go + ask;
            if let Some(next) = leaves.iter().find(|leaf| leaf.state == next) {
                let (rest, further) = self.longest(next, leaves, ask, known);
                way += &rest;
                turn = turn.or(&further);
            }
            most = most.or(&way);
        }
        known.insert(leaf.state.0, Some(most.clone()));
        (most, turn)
    }

    /// One event through every region, with the `when`s that follow; and where it costs most.
    fn occur(&self, event: EventId) -> (StateId, Cost) {
        let (mut cost, mut worst) = (self.whens.clone(), (0, StateId::NONE));
        for (region, leaves) in self.states.regions.iter().enumerate() {
            if !self.states.may_hear(region, event) {
                continue;
            }
            let mut most = Cost::default();
            for leaf in leaves {
                let heard = self.states.hear(&self.codes, leaf, event);
                worst = worst.max((heard.cycles, leaf.state));
                most = most.or(&heard);
            }
            cost += &most;
        }
        (worst.1, cost)
    }

    fn regions_beyond(&self) -> u64 {
        (self.program.rows(Table::Regions) as u64).saturating_sub(1)
    }

    /// What a step takes however little happens in it.
    fn step(&self) -> u64 {
        table::STEP
            + table::END
            + self.regions_beyond() * table::STEP_REGION
            + self.edges.len() as u64 * table::STEP_FORGET
    }

    fn due(&self) -> u64 {
        table::DUE
            + self.regions_beyond() * table::DUE_REGION
            + self.timers.len() as u64 * table::DUE_TIMER
            + self.trains.len() as u64 * table::DUE_TRAIN
            + self.time_outs * table::DUE_TIME_OUT
    }

    fn event(&self, thing: Thing, event: EventId, around: &Cost) -> Priced {
        let (state, cost) = self.occur(event);
        Priced { thing, state, cost: cost + around }
    }

    /// Everything that can be handled, without the time-outs.
    fn things(&self) -> Vec<Priced> {
        let edge = Cost::recorded(table::EDGE);
        let other = Cost::recorded(table::OTHER);
        let due = Cost::of(self.due());
        let rules = (0..self.program.rows(Table::Rules)).map(|rule| self.program.rule(rule).event);
        let named: BTreeSet<u16> = rules.map(|event| event.0).filter(|event| *event >= EventId::NAMED).collect();
        let mut things = vec![
            Priced { thing: Thing::Unheard, state: StateId::NONE, cost: self.whens.clone() + &edge },
            Priced { thing: Thing::Parameter, state: StateId::NONE, cost: self.whens.clone() + &other },
        ];
        for event in &self.edges {
            let (line, active) = (LineId((event / 2) as u8), event % 2 == 1);
            things.push(self.event(Thing::Edge(line, active), EventId(*event), &edge));
        }
        things.extend(named.iter().map(|event| self.event(Thing::Event(EventId(*event)), EventId(*event), &other)));
        let trains = self.trains.iter().map(|line| (Thing::TrainEnd(LineId(*line)), EventId::train_end(LineId(*line))));
        let timers = self.timers.iter().map(|timer| (Thing::Timer(TimerId(*timer)), EventId::timer(TimerId(*timer))));
        things.extend(trains.chain(timers).map(|(thing, event)| self.event(thing, event, &due)));
        things
    }

    /// Every time-out in every configuration, by region.
    fn time_outs(&self, leaf: &Leaf) -> Vec<Priced> {
        let around = Cost::of(self.due().max(table::FORESEEN)) + &self.whens;
        let priced = |after| Priced {
            thing: Thing::TimeOut(owner(leaf, after)),
            state: leaf.state,
            cost: self.states.time_out(&self.codes, leaf, after) + &around,
        };
        self.states.afters(leaf).map(priced).collect()
    }

    /// The whole step around a thing.
    fn whole(&self, cost: &Cost, log_is_full: bool) -> u64 {
        let mut cost = cost.clone();
        if cost.open {
            cost += &self.chain;
        }
        let written = if log_is_full { cost.records } else { cost.records.saturating_sub(table::LOG) };
        let sum = self.step() + cost.cycles + written * table::WRITE_DOWN;
        sum + sum * table::MARGIN_PERCENT / 100
    }

    /// The bound, on a rig with so many inputs.
    #[must_use]
    pub fn bound(&self, inputs: usize) -> Bound {
        let things = self.things();
        let mut worst = Worst { cycles: 0, thing: Thing::Unheard, state: StateId::NONE };
        let mut open = false;
        let mut look = |priced: &Priced| {
            let cycles = self.whole(&priced.cost, false);
            open |= priced.cost.open;
            if cycles > worst.cycles {
                worst = Worst { cycles, thing: priced.thing, state: priced.state };
            }
        };
        things.iter().for_each(&mut look);
        let mut together = Cost::default();
        for leaves in &self.states.regions {
            let mut most = Cost::default();
            for leaf in leaves {
                let time_outs = self.time_outs(leaf);
                time_outs.iter().for_each(&mut look);
                let all = time_outs.iter().fold(Cost::default(), |sum, priced| sum + &priced.cost);
                most = most.or(&all);
            }
            together += &most;
        }
        together += &self.edges_together(&things, inputs);
        let (mut event, mut parameter) = (Cost::default(), Cost::default());
        for priced in &things {
            match priced.thing {
                Thing::Event(_) => event = event.or(&priced.cost),
                Thing::Parameter => parameter = parameter.or(&priced.cost),
                Thing::TrainEnd(_) | Thing::Timer(_) => together += &priced.cost,
                Thing::Edge(..) | Thing::Unheard | Thing::TimeOut(_) => {}
            }
        }
        together += &event;
        together += &parameter;
        let together = self.whole(&together, true).max(worst.cycles);
        Bound { one: worst, together, open }
    }

    /// An edge of every input, whichever costs more.
    fn edges_together(&self, things: &[Priced], inputs: usize) -> Cost {
        let mut lines: BTreeMap<u8, Cost> = BTreeMap::new();
        let mut unheard = Cost::default();
        for priced in things {
            match priced.thing {
                Thing::Edge(line, _) => {
                    let most = lines.entry(line.0).or_default();
                    *most = most.clone().or(&priced.cost);
                }
                Thing::Unheard => unheard = priced.cost.clone(),
                _ => {}
            }
        }
        let silent = inputs.saturating_sub(lines.len()) as u64;
        // An edge away from active of a line whose rules wait for the other is no more than unheard.
        lines.values().fold(unheard.clone().times(silent), |sum, cost| sum + &cost.clone().or(&unheard))
    }

    /// One thing handled in any configuration, as a whole step, in cycles.
    #[must_use]
    pub fn handling(&self, event: EventId) -> u64 {
        let around = match event.0 {
            n if n < EventId::train_end(LineId(0)).0 => Cost::recorded(table::EDGE),
            n if n < EventId::NAMED => Cost::of(self.due()),
            _ => Cost::recorded(table::OTHER),
        };
        self.whole(&(self.occur(event).1 + &around), false)
    }

    /// An event handled while `state` is the innermost active one of its region and nothing else hears it, in cycles.
    #[must_use]
    pub fn handling_in(&self, state: StateId, event: EventId) -> u64 {
        let mut cost = self.whens.clone() + &Cost::of(self.due());
        for (region, leaves) in self.states.regions.iter().enumerate() {
            if !self.states.may_hear(region, event) {
                continue;
            }
            let own = leaves.iter().any(|leaf| leaf.state == state);
            let most = leaves.iter().filter(|leaf| !own || leaf.state == state);
            let most = most.map(|leaf| self.states.hear(&self.codes, leaf, event));
            cost += &most.fold(Cost::default(), |most, cost| most.or(&cost));
        }
        self.whole(&cost, false)
    }
}

/// The state a time-out belongs to.
fn owner(leaf: &Leaf, after: usize) -> StateId {
    let owner = leaf.path.iter().find(|(_, row)| row.afters.range().contains(&after));
    owner.map_or(leaf.state, |(state, _)| *state)
}
