//! What a state holds on goes off as the state is left. Not so where it was not this state that switched it on: a state that
//! holds this one holds the line too, or the guard of `on` did not hold and something else has the line on.

use super::parts::{ask_once, held, line_of, variable};
use crate::diagnostic::Span;
use crate::expression::{Expr, ExprKind};
use crate::protocol::{Action, ActionKind, Protocol, State, Variable};

/// Says of each line that is held under which condition its state switches it off.
pub(super) fn expand(protocol: &mut Protocol) {
    let mut outlasting: Vec<String> = Vec::new();
    super::parts::each_list(protocol, &mut |actions| {
        for action in actions {
            let outlasts = !action.kind.is_held() && !matches!(action.kind, ActionKind::Off { .. });
            if let Some(line) = line_of(action).filter(|_| outlasts) {
                outlasting.push(line.text.clone());
            }
        }
    });
    let mut holds = Holds { outlasting, variables: Vec::new() };
    for region in &mut protocol.regions {
        let everywhere: Vec<String> = region.entry.iter_mut().filter_map(held_level).collect();
        region.states.iter_mut().for_each(|state| holds.state(state, "", &everywhere));
    }
    protocol.variables.extend(holds.variables);
}

struct Holds {
    /// Lines that something has on for longer than its state.
    outlasting: Vec<String>,
    variables: Vec<Variable>,
}

impl Holds {
    /// `outer` are the lines that the states around this one hold on.
    fn state(&mut self, state: &mut State, prefix: &str, outer: &[String]) {
        let path = format!("{prefix}{}", state.name.text);
        let mut at = 0;
        while let Some(action) = state.entry.get_mut(at) {
            at += 1;
            if !action.kind.is_held() || action.kind.held_if().is_none_or(|held_if| held_if.is_some()) {
                continue;
            }
            let (guarded, span, level) = (action.guard.is_some(), action.span, is_level(&action.kind));
            let Some(line) = line_of(action).map(|line| line.text.clone()) else { continue };
            let held_by_outer = outer.contains(&line);
            let held_if = if level && held_by_outer {
                Some(Expr { span, kind: ExprKind::Truth(false) })
            } else if guarded && (held_by_outer || self.outlasting.contains(&line)) {
                let kept = self.kept(&format!("{path}.{line}.held"), span);
                ask_once(&mut state.entry, at - 1, &kept);
                at += 1;
                Some(held(&kept, span))
            } else {
                None
            };
            if let Some(place) = state.entry.get_mut(at - 1).and_then(|action| action.kind.held_if()) {
                *place = held_if;
            }
        }
        let mut outer = outer.to_vec();
        outer.extend(state.entry.iter_mut().filter_map(held_level));
        let prefix = format!("{path}.");
        state.states.iter_mut().for_each(|inner| self.state(inner, &prefix, &outer));
    }

    /// A variable that nothing else uses.
    fn kept(&mut self, name: &str, span: Span) -> String {
        let taken = self.variables.iter().filter(|known| known.name.text.starts_with(name)).count();
        let name = if taken == 0 { name.to_owned() } else { format!("{name}_{}", taken + 1) };
        self.variables.push(variable(&name, "0", None, span));
        name
    }
}

/// The line an action holds on for its state whatever is the case, as a plain level.
fn held_level(action: &mut Action) -> Option<String> {
    let surely = action.guard.is_none() && is_level(&action.kind);
    line_of(action).filter(|_| surely).map(|line| line.text.clone())
}

fn is_level(kind: &ActionKind) -> bool {
    matches!(kind, ActionKind::On { outlives: false, power: None, .. })
}
