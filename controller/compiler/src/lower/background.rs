//! What goes on beside all states for as long as a session lasts: handlers and timers the compiler makes, for what comes from
//! outside, for frames and sync. They stand at the root of the main region, before its handlers; what belongs to them is named
//! `owner.part`, which no person can write, and is no column.

use link::program::op::Op;
use link::program::rows::{Code, Rule};
use link::{EventId, StateId, TimerId};

use super::Lowering;
use crate::expression::check::{Ir, Type};
use crate::expression::emit;
use crate::names::{Origin, Variable, index};
use crate::yaml::Text;

/// Handlers at the root of the main region, and what is done when the session begins.
#[derive(Debug, Default)]
pub(super) struct Background {
    rules: Vec<(EventId, Vec<Op>)>,
    start: Vec<Op>,
}

impl Background {
    /// Whether anything goes on.
    pub(super) const fn goes_on(&self) -> bool {
        !self.rules.is_empty() || !self.start.is_empty()
    }

    /// Does this whenever `event` happens.
    pub(super) fn on(&mut self, event: EventId, ops: Vec<Op>) {
        self.rules.push((event, ops));
    }

    /// Does this when the session begins, before any state is entered.
    pub(super) fn at_start(&mut self, ops: impl IntoIterator<Item = Op>) {
        self.start.extend(ops);
    }
}

impl Lowering<'_> {
    /// The handlers, written out.
    pub(super) fn background_rules(&mut self) -> Vec<Rule> {
        let rules = std::mem::take(&mut self.background.rules);
        let handlers = rules.into_iter().map(|(event, ops)| Rule {
            event,
            target: StateId::NONE,
            guard: Code::NONE,
            action: self.assembly.code(&ops),
        });
        handlers.collect()
    }

    /// What is done when the session begins.
    pub(super) fn background_entry(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.background.start)
    }

    /// A variable of the compiler's own, that is no column.
    pub(super) fn own_variable(&mut self, owner: &Text, part: &str, ty: Type, initial: i64) -> u16 {
        self.assembly.variables.push(initial);
        self.names.add_variable(Variable {
            name: format!("{}.{part}", owner.text),
            span: owner.span,
            ty: Some(ty),
            initial,
            column: false,
            parameter: None,
            origin: Origin::Declared,
        })
    }

    /// A timer of the compiler's own.
    pub(super) fn own_timer(&mut self, owner: &Text, part: &str) -> TimerId {
        self.names.timers.push(format!("{}.{part}", owner.text));
        TimerId(u8::try_from(self.names.timers.len() - 1).unwrap_or(u8::MAX))
    }

    /// An event of the compiler's own.
    pub(super) fn own_event(&mut self, owner: &Text, part: &str) -> EventId {
        self.names.events.push(format!("{}.{part}", owner.text));
        EventId::named(index(self.names.events.len() - 1))
    }

    /// The operations that leave a value on the stack.
    pub(super) fn ops_of(&mut self, ir: &Ir) -> Vec<Op> {
        let mut ops = Vec::new();
        emit::emit(ir, &mut self.assembly, &mut ops);
        ops
    }
}
