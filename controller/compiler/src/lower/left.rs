//! `state.time` in what a transition does: the state is left by then, so how long it lasted is kept at its exit.

use link::StateId;
use link::program::op::{Op, OpCode, Special};

use super::Lowering;
use crate::diagnostic::Span;
use crate::expression::check::Type;
use crate::names::{Origin, Variable};
use crate::yaml::Text;

impl Lowering<'_> {
    /// What a transition of a state does asks for the time of the state as it was at its exit, if it is left.
    pub(super) fn asks_what_was_left(&mut self, ops: &mut [Op], state: StateId, target: StateId, to: Option<&Text>) {
        let asks = |op: &Op| op.code == OpCode::Special && op.a == Special::StateTime as u8 && op.b == state.0;
        if target == StateId::NONE || !ops.iter().any(asks) || self.is_kept(state, target) {
            return;
        }
        let span = to.map_or(Span::default(), |to| to.span);
        if target == StateId::BACK {
            self.reporter
                .error(
                    "E244-back-in-time",
                    span,
                    "whether `back` leaves the state, and so its `state.time`, is not known beforehand",
                )
                .help(
                    "keep the time in a handler of the same event: `on: [{event: …, do: [{set: {took: state.time}}]}]`",
                );
            return;
        }
        let variable = self.time_left(state, span);
        for op in ops.iter_mut().filter(|op| asks(op)) {
            *op = Op::new(OpCode::Load, 0, variable);
        }
    }

    /// What is done at the exit of a state before anything else: its time is kept, if something asks for it.
    pub(super) fn keep_time(&self, state: StateId) -> Vec<Op> {
        let kept = self.left.iter().find(|(left, _)| *left == state);
        let ops = |variable| {
            vec![Op::new(OpCode::Special, Special::StateTime as u8, state.0), Op::new(OpCode::Store, 0, variable)]
        };
        kept.map(|(_, variable)| ops(*variable)).unwrap_or_default()
    }

    /// Whether a state stays active while a transition leads to `target`.
    fn is_kept(&self, state: StateId, target: StateId) -> bool {
        let is_root = self.names.state(state).is_some_and(|state| state.name.is_empty());
        let mut outer = self.names.state(target).and_then(|target| target.parent);
        while let Some(holder) = outer.filter(|holder| *holder != state) {
            outer = self.names.state(holder).and_then(|holder| holder.parent);
        }
        is_root || outer.is_some()
    }

    /// The variable that keeps how long a state lasted, `wait.time`.
    fn time_left(&mut self, state: StateId, span: Span) -> u16 {
        if let Some((_, variable)) = self.left.iter().find(|(left, _)| *left == state) {
            return *variable;
        }
        let path = self.names.state(state).map_or(String::new(), |state| state.path.clone());
        let variable = self.names.add_variable(Variable {
            name: format!("{path}.time"),
            span,
            ty: Some(Type::Time),
            initial: 0,
            column: false,
            parameter: None,
            origin: Origin::Declared,
        });
        self.assembly.variables.push(0);
        self.left.push((state, variable));
        variable
    }
}
