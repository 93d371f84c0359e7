//! Who hears what: worked out from the program once, at the start, so that an event costs nothing where nobody waits for
//! it. Owns no truth of its own; the rows decide.

use link::limits::{MAX_REGIONS, MAX_STATES};
use link::program::{Program, Table};
use link::{EventId, StateId};

/// Events are told apart by this many of their low bits, per region; those that share them cost a look in vain.
const EVENTS: usize = 256;

#[derive(Debug)]
pub(crate) struct Ears {
    /// Per event, the regions with a state that has a rule for it, bit *n* for region *n*.
    regions: [u8; EVENTS],
    /// Per state, the events it has rules for, by their low five bits.
    states: [u32; MAX_STATES],
    /// The regions with a state that has a `when`.
    pub(crate) whens: u8,
}

const _: () = assert!(MAX_REGIONS <= 8, "a set of regions is one byte");

impl Ears {
    pub(crate) const fn new() -> Self {
        Self { regions: [0; EVENTS], states: [0; MAX_STATES], whens: 0 }
    }

    pub(crate) fn start(&mut self, program: &Program) {
        self.regions = [0; EVENTS];
        self.whens = 0;
        for (index, events) in self.states.iter_mut().enumerate().take(program.rows(Table::States)) {
            let state = program.state(index);
            let region = 1_u8.wrapping_shl(u32::from(state.region.0));
            *events = 0;
            for rule in program.rules_of(&state) {
                *events |= bit(rule.event);
                if let Some(regions) = self.regions.get_mut(usize::from(rule.event.0) % EVENTS) {
                    *regions |= region;
                }
            }
            if state.whens.len > 0 {
                self.whens |= region;
            }
        }
    }

    /// The regions in which some state may have a rule for the event.
    #[inline(always)]
    pub(crate) fn regions(&self, event: EventId) -> u8 {
        self.regions.get(usize::from(event.0) % EVENTS).copied().unwrap_or(0)
    }

    /// Whether the state may have a rule for the event.
    #[inline(always)]
    pub(crate) fn may_hear(&self, state: StateId, event: EventId) -> bool {
        self.states.get(state.index()).is_some_and(|events| events & bit(event) != 0)
    }
}

#[inline(always)]
const fn bit(event: EventId) -> u32 {
    1_u32.wrapping_shl(event.0 as u32)
}
