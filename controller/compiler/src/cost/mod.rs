//! The bound on a step: how many cycles the RP2040's P1 takes at most for one microsecond handled. Worked out from the compiled
//! program alone: for each thing that can be handled, the costliest way through every configuration that can be reached, with
//! all that follows from it in the same microsecond. What each part costs stands in [`table`].
//!
//! Two figures. [`Bound::one`] is one thing handled: an edge, an event from outside, a parameter, the end of a train or a timer, a
//! time-out; with the signals it raises, what hears them, the `when`s that lead on, records and requests. [`Bound::together`]
//! is everything that can fall into one microsecond. In both P1's log of records is full, so that one is written down
//! for each that is made.
//!
//! Where the graph of states does not decide how far a chain goes, the engine's own limits do ([`Bound::open`]). Variables that
//! nothing in the program sets are taken at their values. Knows nothing of YAML.

mod code;
mod states;
mod table;
mod whens;

use std::collections::{BTreeMap, BTreeSet};

use link::limits::{MAX_CHAIN, MAX_DUE};
use link::program::op::OpCode;
use link::program::{Program, Table};
use link::rig::{Rig, Role};
use link::{EventId, LineId, StateId, TimerId};

pub(crate) use code::drawn_from;
use code::{Cause, Codes, Cost};
use states::{Leaf, States};
pub use table::CYCLES_PER_US;

/// The longest step that is accepted for one thing handled, in cycles: 5 ms, a tenth of what the watchdog waits (`PATIENCE_US` in
/// `firmware/rp2040/src/watchdog.rs`).
///
/// P1 shows that it is alive once a poll, and a poll makes all steps that wait, up to 48. This leaves room for several of
/// the longest, and for what interrupts P1.
pub const ONE_MAX_CYCLES: u64 = 1_000_000;
/// The longest step that is accepted for everything that can fall together, in cycles: 25 ms, half of what the watchdog waits, a
/// quarter of the lateness that trips (`LATE_MAX_US` in `firmware/device/src/interlock`).
pub const TOGETHER_MAX_CYCLES: u64 = 5_000_000;

/// The fault and the end that the last step of a session records.
const END_RECORDS: u64 = 2;

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

/// Works out the bound of a checked program on its rig.
#[must_use]
pub fn bound(program: &Program<'_>, rig: &Rig) -> Bound {
    bound_given(program, rig, &[])
}

/// The same where these variables may be given any value from outside while the program runs.
#[must_use]
pub fn bound_given(program: &Program<'_>, rig: &Rig, given: &[u16]) -> Bound {
    let one = Model::looked_at(program, rig, given, false).worst();
    let model = Model::looked_at(program, rig, given, true);
    Bound { one, together: model.together().max(one.cycles), open: model.is_open() }
}

/// What falls due.
enum Due<'l> {
    Train,
    Timer,
    /// In this configuration.
    TimeOut(&'l Leaf),
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
    edges: BTreeSet<u16>,
    /// Lines of the rig that edges come from, detectors among them.
    inputs: usize,
    /// What it takes to write a record down, whichever of this session's it is.
    write_down: u64,
}

impl<'p> Model<'p> {
    /// Looks at a checked program.
    #[must_use]
    pub fn new(program: &'p Program<'p>, rig: &Rig) -> Self {
        Self::looked_at(program, rig, &[], false)
    }

    /// The same; if `at_once`, what may take no time at all follows in the microsecond that began it.
    fn looked_at(program: &'p Program<'p>, rig: &Rig, given: &[u16], at_once: bool) -> Self {
        let codes = Codes::new(program, given, at_once);
        let states = States::new(program, &codes);
        let (mut trains, mut timers) = (BTreeSet::new(), BTreeSet::new());
        for op in code::ops(program) {
            match op.code {
                OpCode::Play | OpCode::PlayPower | OpCode::Pulse | OpCode::PulsePower | OpCode::Deliver => {
                    trains.insert(op.a);
                }
                OpCode::TimerStart => drop(timers.insert(op.a)),
                _ => {}
            }
        }
        let rules = (0..program.rows(Table::Rules)).map(|rule| program.rule(rule).event.0);
        let edges = rules.filter(|event| *event < EventId::train_end(LineId(0)).0).collect();
        let has = |is: fn(&Role) -> bool| rig.lines.iter().filter(|line| is(&line.role)).count();
        let inputs = has(|role| matches!(role, Role::Input { .. } | Role::Detector { .. }));
        let sampled = has(|role| matches!(role, Role::Analog | Role::Encoder { .. })) > 0;
        let has_long_records = sampled || !trains.is_empty() || program.rows(Table::Draws) > 0;
        let write_down = if has_long_records { table::WRITE_DOWN } else { table::WRITE_DOWN_SHORT };
        let mut model = Self {
            program,
            codes,
            states,
            whens: Cost::default(),
            chain: Cost::default(),
            trains,
            timers,
            edges,
            inputs,
            write_down,
        };
        (model.whens, model.chain) = whens::followed(&model.states, &model.codes);
        model.price_causes();
        model
    }

    /// What may follow in the same microsecond is priced, causes behind what they bring about; what brings itself about is
    /// left to the engine's limits.
    fn price_causes(&mut self) {
        let mut waiting = self.causes();
        let raises: BTreeMap<Cause, BTreeSet<Cause>> =
            waiting.iter().map(|cause| (*cause, self.caused(*cause).raised)).collect();
        let (mut signals, mut dues, mut in_place) = (Cost::default(), Cost::default(), Cost::default());
        for cause in &waiting {
            let kind = if self.is_signal(*cause) { &mut signals } else { &mut dues };
            *kind = kind.clone().or(&self.caused(*cause));
            if !self.is_signal(*cause) {
                in_place = in_place.or(&self.in_place(*cause));
            }
        }
        let mut open = [false; 2];
        while let Some(first) = waiting.first().copied() {
            let is_ready = |cause: &Cause| raises.get(cause).is_none_or(|raised| raised.is_disjoint(&waiting));
            let ready = waiting.iter().copied().find(is_ready);
            let cost = match ready {
                Some(cause) => self.caused(cause),
                None => {
                    waiting.iter().for_each(|cause| open[usize::from(!self.is_signal(*cause))] = true);
                    Cost { open: true, ..Cost::default() }
                }
            };
            let cause = ready.unwrap_or(first);
            waiting.remove(&cause);
            self.codes.learn(cause, cost);
            (self.whens, self.chain) = whens::followed(&self.states, &self.codes);
        }
        signals += table::SIGNAL;
        // What falls due again and again leads on as often as a chain may be long; else it acts where it is.
        for (is_open, cost, limit) in
            [(open[0] || open[1], signals, MAX_CHAIN), (open[1], dues, MAX_CHAIN), (open[1], in_place, MAX_DUE)]
        {
            if is_open {
                self.chain += &cost.times(u64::from(limit));
            }
        }
        self.chain.raised.clear();
    }

    /// Whatever may be brought about within a microsecond.
    fn causes(&self) -> BTreeSet<Cause> {
        let mut causes: BTreeSet<Cause> =
            code::ops(self.program).filter(|op| op.code == OpCode::Signal).map(|op| Cause::Event(op.b)).collect();
        if self.codes.at_once {
            causes.extend(self.timers.iter().map(|timer| Cause::Event(EventId::timer(TimerId(*timer)).0)));
            let rows = 0..self.program.rows(Table::Afters);
            let at_once = rows.filter(|row| self.codes.falls_due_at_once(self.program.after(*row).duration));
            causes.extend(at_once.map(Cause::TimeOut));
        }
        causes
    }

    fn is_signal(&self, cause: Cause) -> bool {
        matches!(cause, Cause::Event(event) if event >= EventId::NAMED)
    }

    /// What falls due, if no transition is taken for it.
    fn in_place(&self, cause: Cause) -> Cost {
        let asked = whens::asked(&self.states, &self.codes);
        match cause {
            Cause::Event(event) => {
                let event = EventId(event);
                let mut cost = asked + &Cost::of(self.due(Due::Timer));
                for (_, leaves) in
                    (0..).zip(&self.states.regions).filter(|(region, _)| self.states.may_hear(*region, event))
                {
                    let heard = leaves.iter().map(|leaf| self.states.hear_and(&self.codes, leaf, event).0);
                    cost += &heard.fold(Cost::default(), |most, cost| most.or(&cost));
                }
                cost
            }
            Cause::TimeOut(row) => {
                let leaves = self.states.regions.iter().flatten().map(|leaf| self.due(Due::TimeOut(leaf)));
                asked + &self.states.stays(&self.codes, row) + &Cost::of(leaves.max().unwrap_or(0))
            }
        }
    }

    /// What a cause leads to.
    fn caused(&self, cause: Cause) -> Cost {
        match cause {
            Cause::Event(event) => {
                let due = if self.is_signal(cause) { 0 } else { self.due(Due::Timer) };
                self.occur(EventId(event)).1 + &Cost::of(due)
            }
            Cause::TimeOut(row) => {
                let leaves = self.states.regions.iter().flatten();
                let own = leaves.filter(|leaf| self.states.afters(leaf).any(|after| after == row));
                let due = |leaf: &Leaf| Cost::of(self.due(Due::TimeOut(leaf)));
                let cost = |leaf: &Leaf| self.states.time_out(&self.codes, leaf, row) + &due(leaf);
                own.fold(Cost::default(), |most, leaf| most.or(&cost(leaf))) + &self.whens
            }
        }
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
        let regions = self.regions_beyond() * table::STEP_REGION;
        table::STEP + regions + self.edges.len() as u64 * table::STEP_FORGET
    }

    /// Something falls due, with what is looked through for it.
    fn due(&self, due: Due<'_>) -> u64 {
        let looked_through = match due {
            Due::Timer => self.timers.len() as u64 * table::DUE_TIMER,
            Due::Train => self.trains.len() as u64 * table::DUE_TRAIN,
            Due::TimeOut(leaf) => self.states.afters(leaf).count() as u64 * table::DUE_TIME_OUT,
        };
        table::DUE + self.regions_beyond() * table::DUE_REGION + looked_through
    }

    fn event(&self, thing: Thing, event: EventId, around: &Cost) -> Priced {
        let (state, cost) = self.occur(event);
        Priced { thing, state, cost: cost + around }
    }

    /// Everything that can be handled, without the time-outs.
    fn things(&self) -> Vec<Priced> {
        let edge = Cost::recorded(table::EDGE);
        let other = Cost::recorded(table::OTHER);
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
        let (train, timer) = (Cost::of(self.due(Due::Train)), Cost::of(self.due(Due::Timer)));
        things.extend(
            self.trains
                .iter()
                .map(|line| self.event(Thing::TrainEnd(LineId(*line)), EventId::train_end(LineId(*line)), &train)),
        );
        things.extend(
            self.timers.iter().map(|n| self.event(Thing::Timer(TimerId(*n)), EventId::timer(TimerId(*n)), &timer)),
        );
        things
    }

    /// Every time-out in every configuration, by region.
    fn time_outs(&self, leaf: &Leaf) -> Vec<Priced> {
        let around = Cost::of(self.due(Due::TimeOut(leaf)).max(table::FORESEEN)) + &self.whens;
        let priced = |after| Priced {
            thing: Thing::TimeOut(owner(leaf, after)),
            state: leaf.state,
            cost: self.states.time_out(&self.codes, leaf, after) + &around,
        };
        self.states.afters(leaf).map(priced).collect()
    }

    /// The whole step around a thing, while the log has room for so many records.
    fn whole(&self, cost: &Cost, room: u64) -> u64 {
        let mut cost = cost.clone();
        if cost.open {
            cost += &self.chain;
        }
        // Any step may be the last one.
        cost += &Cost::recorded(table::END).times(END_RECORDS);
        let sum = self.step() + cost.cycles + cost.records.saturating_sub(room) * self.write_down;
        sum + sum * table::MARGIN_PERCENT / 100
    }

    /// The costliest of all things.
    fn worst(&self) -> Worst {
        let leaves = self.states.regions.iter().flatten();
        let time_outs = leaves.flat_map(|leaf| self.time_outs(leaf));
        let all = self.things().into_iter().chain(time_outs);
        let whole =
            |priced: Priced| Worst { cycles: self.whole(&priced.cost, 0), thing: priced.thing, state: priced.state };
        let none = Worst { cycles: 0, thing: Thing::Unheard, state: StateId::NONE };
        all.map(whole).fold(none, |worst, next| if next.cycles > worst.cycles { next } else { worst })
    }

    /// Whether some chain is bounded by the engine's limits alone.
    fn is_open(&self) -> bool {
        self.chain != Cost::default()
    }

    /// Everything that can fall into one microsecond, in cycles.
    fn together(&self) -> u64 {
        let things = self.things();
        let mut together = self.edges_together(&things);
        for leaves in &self.states.regions {
            let around = |leaf| Cost::of(self.due(Due::TimeOut(leaf))) + &self.whens;
            let due = |leaf| self.states.time_outs(&self.codes, leaf, &around(leaf));
            together += &leaves.iter().fold(Cost::default(), |most, leaf| most.or(&due(leaf)));
        }
        // Of those that end together, all are looked through for each; and for all of them once or twice more.
        let timer = self.timers.len() as u64 * (table::DUE_TIMER - table::AMONG);
        let train = self.trains.len() as u64 * (table::DUE_TRAIN - table::AMONG);
        together += timer + train;
        let (mut event, mut parameter) = (Cost::default(), Cost::default());
        for priced in &things {
            match priced.thing {
                Thing::Event(_) => event = event.or(&priced.cost),
                Thing::Parameter => parameter = parameter.or(&priced.cost),
                Thing::TrainEnd(_) => together += &priced.cost.less(train),
                Thing::Timer(_) => together += &priced.cost.less(timer),
                Thing::Edge(..) | Thing::Unheard | Thing::TimeOut(_) => {}
            }
        }
        together += &event;
        together += &parameter;
        self.whole(&together, 0)
    }

    /// An edge of every input, whichever costs more.
    fn edges_together(&self, things: &[Priced]) -> Cost {
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
        let silent = self.inputs.saturating_sub(lines.len()) as u64;
        // An edge away from active of a line whose rules wait for the other is no more than unheard.
        lines.values().fold(unheard.clone().times(silent), |sum, cost| sum + &cost.clone().or(&unheard))
    }

    /// An event handled as a whole step, in cycles, while P1's log has room for `room` records. If `state` is the innermost
    /// state of a configuration, its region is in that one; other regions are where it costs most.
    #[must_use]
    pub fn handling(&self, event: EventId, state: Option<StateId>, room: u64) -> u64 {
        let around = match event.0 {
            n if n < EventId::train_end(LineId(0)).0 => Cost::recorded(table::EDGE),
            n if n < EventId::timer(TimerId(0)).0 => Cost::of(self.due(Due::Train)),
            n if n < EventId::NAMED => Cost::of(self.due(Due::Timer)),
            _ => Cost::recorded(table::OTHER),
        };
        let mut cost = self.whens.clone() + &around;
        for (region, leaves) in self.states.regions.iter().enumerate() {
            if !self.states.may_hear(region, event) {
                continue;
            }
            let own = leaves.iter().any(|leaf| Some(leaf.state) == state);
            let here = leaves.iter().filter(|leaf| !own || Some(leaf.state) == state);
            let heard = here.map(|leaf| self.states.hear(&self.codes, leaf, event));
            cost += &heard.fold(Cost::default(), |most, cost| most.or(&cost));
        }
        self.whole(&cost, room)
    }

    /// The costliest time-out while `state` is the innermost active one of its region, as a whole step, in cycles, while P1's
    /// log has room for `room` records.
    #[must_use]
    pub fn time_out(&self, state: StateId, room: u64) -> u64 {
        let leaves = self.states.regions.iter().flatten().filter(|leaf| leaf.state == state);
        let time_outs = leaves.flat_map(|leaf| self.time_outs(leaf));
        time_outs.map(|priced| self.whole(&priced.cost, room)).max().unwrap_or(0)
    }
}

/// The state a time-out belongs to.
fn owner(leaf: &Leaf, after: usize) -> StateId {
    let owner = leaf.path.iter().find(|(_, row)| row.afters.range().contains(&after));
    owner.map_or(leaf.state, |(state, _)| *state)
}
