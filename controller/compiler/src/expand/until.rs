//! `on: {line: mask, until: spout.lick}`: the line outlives its state, and a handler everywhere switches it off when the event or
//! the time comes. That it is this request that holds the line on is kept; whatever else is asked of the line ends that.

use super::parts::{action, count, each_list, each_row, handler, held, keep, line_of, variable};
use super::points;
use crate::diagnostic::Reporter;
use crate::protocol::{Action, ActionKind, Protocol, Row, Trigger};
use crate::yaml::Text;

/// A line that is on until something comes.
struct Clause {
    line: String,
    until: Text,
    /// The variable that says that it is.
    kept: String,
}

/// Gives everything that is on until something comes its handler.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let mut clauses: Vec<Clause> = Vec::new();
    each_list(protocol, &mut |actions| {
        for action in actions {
            let ActionKind::On { line, until: Some(until), .. } = &action.kind else { continue };
            if clauses.iter().any(|known| known.line == line.text && known.until.text == until.text) {
                continue;
            }
            let before = clauses.iter().filter(|known| known.line == line.text).count();
            let number = if before == 0 { String::new() } else { format!("_{}", before + 1) };
            let kept = format!("{}.until{number}", line.text);
            clauses.push(Clause { line: line.text.clone(), until: until.clone(), kept });
        }
    });
    if clauses.is_empty() {
        return;
    }
    each_row(protocol, &mut |row| over_at_once(row, reporter));
    each_list(protocol, &mut |actions| {
        let written = std::mem::take(actions);
        for mut written in written {
            let line = line_of(&mut written).map(|line| line.text.clone());
            let until = match &written.kind {
                ActionKind::On { until, .. } => until.as_ref().map(|until| until.text.clone()),
                _ => None,
            };
            let (guard, span) = (written.guard.clone(), written.span);
            actions.push(written);
            for clause in clauses.iter().filter(|clause| Some(&clause.line) == line.as_ref()) {
                let holds = usize::from(until.as_ref() == Some(&clause.until.text));
                actions.push(Action { guard: guard.clone(), ..keep(&clause.kept, count(holds, span), span) });
            }
        }
    });
    let mut handlers: Vec<Row> = Vec::new();
    for Clause { line, until, kept } in clauses {
        let span = until.span;
        protocol.variables.push(variable(&kept, "0", None, span));
        let off = action(ActionKind::Off { line: Text::standing_for(&line, span) }, None, span);
        let mut row = handler(until.clone(), Some(held(&kept, span)), vec![off, keep(&kept, count(0, span), span)]);
        if points::is_time(&until, protocol) {
            row.trigger = Trigger::At(until.clone());
        } else if until.text.split_whitespace().count() > 1 {
            reporter.error("E243-until", span, format!("`{}` is no event and no time", until.text)).help(
                "write an event, `until: spout.lick`; a time told from a point, `until: cs.end - 1 s`; or `until: off`",
            );
            continue;
        }
        handlers.push(row);
    }
    if let Some(main) = protocol.regions.first_mut() {
        main.handlers.splice(0..0, handlers);
    }
}

/// Reports what a handler switches on until the very event that it handles: it would be over as it begins.
fn over_at_once(row: &Row, reporter: &mut Reporter) {
    let (Trigger::Event(event) | Trigger::At(event), None) = (&row.trigger, &row.to) else { return };
    for action in &row.actions {
        if let ActionKind::On { line, until: Some(until), .. } = &action.kind
            && until.text.trim() == event.text.trim()
        {
            reporter
                .error(
                    "E243-until",
                    until.span,
                    format!("`{}` is what is handled here: `{}` would be off again at once", until.text, line.text),
                )
                .help(format!(
                    "to switch it on by one and off by the next, write `toggle: {}`; or `for: 1 s`, or another event",
                    line.text
                ));
        }
    }
}
