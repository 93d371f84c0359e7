//! Who hears what: worked out from the program once, at the start, so that an event costs nothing where nobody waits for
//! it. Owns no truth of its own; the rows decide.

use link::limits::{MAX_LINES, MAX_REGIONS, MAX_STATES};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::Code;
use link::program::{Program, Table};
use link::{EventId, LineId, StateId};

/// Events are told apart by this many of their low bits, per region; those that share them cost a look in vain.
const EVENTS: usize = 256;

#[derive(Debug)]
pub(crate) struct Ears {
    /// Per event, the regions with a state that has a rule for it, bit *n* for region *n*.
    regions: [u8; EVENTS],
    /// Per state, the events it has rules for, by their low four bits.
    states: [u16; MAX_STATES],
    /// Whether any state has a `when`.
    pub(crate) any_whens: bool,
    /// Whether a `when` asks for more than what the program itself has set: then any edge may make it hold.
    pub(crate) whens_heed_edges: bool,
    /// The lines whose trains some state may hear the end of, bit *n* for line *n*.
    pub(crate) heard_ends: u32,
    /// The edges that may make a difference in some state: a rule waits for it, or something asks for the level of its line.
    /// Lines away from active and to it, bit *n* for line *n*.
    pub(crate) heard_edges: [u32; 2],
    /// The states that have a rule for an edge of an input line, bit *n* of word *w* for state 32 *w* + *n*.
    with_edges: [u32; MAX_STATES / 32],
}

const _: () = assert!(MAX_REGIONS <= 8, "a set of regions is one byte");

impl Ears {
    pub(crate) const fn new() -> Self {
        Self {
            regions: [0; EVENTS],
            states: [0; MAX_STATES],
            any_whens: false,
            whens_heed_edges: false,
            heard_ends: 0,
            heard_edges: [0; 2],
            with_edges: [0; MAX_STATES / 32],
        }
    }

    pub(crate) fn start(&mut self, program: &Program) {
        self.regions = [0; EVENTS];
        self.any_whens = program.rows(Table::Whens) > 0;
        self.whens_heed_edges =
            (0..program.rows(Table::Whens)).any(|when| heeds_edges(program, program.when(when).guard));
        self.with_edges = [0; MAX_STATES / 32];
        self.heard_edges = [levels_asked(program); 2];
        for (index, events) in self.states.iter_mut().enumerate().take(program.rows(Table::States)) {
            let state = program.state(index);
            let region = 1_u8.wrapping_shl(u32::from(state.region.0));
            *events = 0;
            for rule in program.rules_of(&state) {
                if usize::from(rule.event.0) < EDGES
                    && let Some(word) = self.with_edges.get_mut(index / 32)
                {
                    self.heard_edges[usize::from(rule.event.0 % 2)] |= 1 << (rule.event.0 / 2);
                    *word |= 1 << (index % 32);
                }
                *events |= bit(rule.event);
                if let Some(regions) = self.regions.get_mut(usize::from(rule.event.0) % EVENTS) {
                    *regions |= region;
                }
            }
        }
        let lines = (0..MAX_LINES as u8).map(LineId);
        let heard = lines.filter(|line| self.regions(EventId::train_end(*line)) != 0);
        self.heard_ends = heard.fold(0, |set, line| set | line.bit());
    }

    /// The regions in which some state may have a rule for the event.
    #[inline(always)]
    pub(crate) fn regions(&self, event: EventId) -> u8 {
        self.regions.get(usize::from(event.0) % EVENTS).copied().unwrap_or(0)
    }

    /// Whether the state has a rule for an edge.
    fn hears_edges(&self, state: StateId) -> bool {
        self.with_edges.get(state.index() / 32).is_some_and(|word| word & (1 << (state.0 % 32)) != 0)
    }

    /// Whether the state may have a rule for the event.
    #[inline(always)]
    pub(crate) fn may_hear(&self, state: StateId, event: EventId) -> bool {
        self.states.get(state.index()).is_some_and(|events| events & bit(event) != 0)
    }
}

/// Whether a guard asks for the level of an input, or for a time, which is another whenever it is asked.
fn heeds_edges(program: &Program, guard: Code) -> bool {
    let Some(address) = guard.address() else { return false };
    let ops = program.code_from(address).iter().map_while(|word| Op::from_word(*word));
    ops.take_while(|op| op.code != OpCode::End).any(|op| {
        op.code == OpCode::Special && !matches!(Special::from_u8(op.a), Some(Special::Trial | Special::Outcome))
    })
}

/// The inputs whose level some code asks for.
fn levels_asked(program: &Program) -> u32 {
    let ops = program.code_from(0).iter().filter_map(|word| Op::from_word(*word));
    let levels = ops.filter(|op| op.code == OpCode::Special && Special::from_u8(op.a) == Some(Special::Level));
    levels.fold(0, |set, op| set | LineId(op.b as u8).bit())
}

#[inline(always)]
const fn bit(event: EventId) -> u16 {
    1_u16.wrapping_shl(event.0 as u32)
}

/// Events that are edges of input lines.
pub(crate) const EDGES: usize = 2 * MAX_LINES;

/// What a region answers to each edge in the states it is in, worked out while nothing waits for it.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Per edge: the only rule for it in any active state, or [`Answers::SILENT`], or [`Answers::SEVERAL`].
    rules: [u16; EDGES],
    /// The edges for which there is one, bit *n* for edge *n*.
    pub(crate) heard: u64,
    /// Whether the region has changed its states since.
    pub(crate) stale: bool,
}

const _: () = assert!(EDGES <= 64, "a set of edges is one u64");

/// What a region answers to an event.
pub(crate) enum Answer {
    /// No active state has a rule for it.
    Silent,
    /// One active state has one rule for it.
    Rule(usize),
    /// The rules must be asked one by one.
    Ask,
}

impl Answers {
    const SILENT: u16 = 0xFFFF;
    const SEVERAL: u16 = 0xFFFE;

    pub(crate) const fn new() -> Self {
        Self { rules: [Self::SILENT; EDGES], heard: 0, stale: true }
    }

    /// Nothing is worked out.
    pub(crate) fn clear(&mut self) {
        self.rules.fill(Self::SILENT);
        (self.heard, self.stale) = (0, true);
    }

    /// What is answered to `event`.
    #[inline(always)]
    pub(crate) fn to(&self, event: EventId) -> Answer {
        match self.rules.get(event.index()) {
            Some(_) | None if self.stale => Answer::Ask,
            Some(&Self::SILENT) => Answer::Silent,
            Some(&Self::SEVERAL) | None => Answer::Ask,
            Some(&rule) => Answer::Rule(usize::from(rule)),
        }
    }

    /// Works the answers out for the states of `path`.
    #[inline(never)]
    pub(crate) fn renew(&mut self, program: &Program, ears: &Ears, path: &[StateId]) {
        self.stale = false;
        self.rules = [Self::SILENT; EDGES];
        self.heard = 0;
        for state in path.iter().filter(|state| ears.hears_edges(**state)) {
            let row = program.state(state.index());
            for (index, rule) in row.rules.range().zip(program.rules_of(&row)) {
                if let Some(slot) = self.rules.get_mut(rule.event.index()) {
                    *slot = if *slot == Self::SILENT { index as u16 } else { Self::SEVERAL };
                    self.heard |= 1 << rule.event.0;
                }
            }
        }
    }
}
