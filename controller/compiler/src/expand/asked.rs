//! A trial that begins and an outcome that is given change what their own guard may ask: `outcome: rewarded` under
//! `if: outcome == none`. Where more is done behind one under the same guard, by a counter or a time told from it, the guard is
//! asked once.

use super::parts::{ask_once, each_list, each_row, variable};
use crate::protocol::{ActionKind, Protocol, Trigger};

/// Whether the guard that was asked last held.
const ASKED: &str = "trial.asked";

/// Keeps the guards of what changes them, if anything asks them again.
pub(super) fn expand(protocol: &mut Protocol) {
    let of_trials = |text: &str| text == "trial.begin" || text.starts_with("outcome.");
    let counted = protocol.counters.iter().find(|counter| of_trials(&counter.event.text));
    let mut span = counted.map(|counter| counter.name.span);
    let mut told = |text: &crate::yaml::Text| {
        if text.text.trim_start().starts_with("trial.") {
            span = span.or(Some(text.span));
        }
    };
    each_row(protocol, &mut |row| {
        if let Trigger::At(text) = &row.trigger {
            told(text);
        }
    });
    each_list(protocol, &mut |actions| {
        for action in actions {
            if let ActionKind::On { until: Some(until), .. } = &action.kind {
                told(until);
            }
        }
    });
    let Some(span) = span else { return };
    let mut kept = false;
    each_list(protocol, &mut |actions| {
        let mut at = 0;
        while let Some(action) = actions.get(at) {
            let changes = matches!(action.kind, ActionKind::Trial | ActionKind::Outcome(_));
            if changes && action.guard.is_some() {
                ask_once(actions, at, ASKED);
                kept = true;
                at += 1;
            }
            at += 1;
        }
    });
    if kept {
        protocol.variables.push(variable(ASKED, "0", None, span));
    }
}
