//! What expansions are put together from: expressions, rows, variables of the compiler's own, and the walk over all of a
//! protocol's rows and actions.

use crate::diagnostic::Span;
use crate::expression::{Binary, Expr, ExprKind};
use crate::protocol::{Action, ActionKind, Protocol, Row, State, Trigger, Variable};
use crate::quantity::Quantity;
use crate::yaml::Text;

/// A name, at the place of what it stands for.
pub(super) fn name(word: &str, span: Span) -> Expr {
    Expr { span, kind: ExprKind::Name(word.to_owned()) }
}

/// A count.
pub(super) fn count(value: usize, span: Span) -> Expr {
    match Quantity::read(&value.to_string()) {
        Ok(number) => Expr { span, kind: ExprKind::Literal(number) },
        Err(_) => Expr { span, kind: ExprKind::Broken },
    }
}

/// Two values joined.
pub(super) fn binary(left: Expr, op: Binary, right: Expr) -> Expr {
    let span = left.span;
    Expr { span, kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) } }
}

/// Two guards that must both hold, as far as there are two.
pub(super) fn both(one: Option<Expr>, other: Option<Expr>) -> Option<Expr> {
    match (one, other) {
        (Some(one), Some(other)) => Some(binary(one, Binary::And, other)),
        (one, other) => one.or(other),
    }
}

/// An action at a place.
pub(super) fn action(kind: ActionKind, guard: Option<Expr>, span: Span) -> Action {
    Action { span, guard, kind }
}

/// A handler of an event.
pub(super) fn handler(event: Text, guard: Option<Expr>, actions: Vec<Action>) -> Row {
    Row { trigger: Trigger::Event(event), guard, outcome: None, actions, to: None, element: None }
}

/// A variable of the compiler's own, which is no column: a count, or one of some labels.
pub(super) fn variable(name: &str, initial: &str, labels: Option<Vec<String>>, span: Span) -> Variable {
    let text = |text: &str| Text::standing_for(text, span);
    Variable {
        name: text(name),
        initial: Some(text(initial)),
        labels: labels.map(|labels| labels.iter().map(|label| text(label)).collect()),
        labels_of: None,
        column: false,
    }
}

/// Adds something behind every action that `is` one, under its guard; how many there are.
pub(super) fn behind(
    actions: &mut Vec<Action>,
    is: &dyn Fn(&ActionKind) -> bool,
    add: &dyn Fn(&Action) -> Action,
) -> usize {
    let (mut at, mut found) = (0, 0);
    while let Some(action) = actions.get(at) {
        at += 1;
        if is(&action.kind) {
            let added = add(action);
            let guard = both(action.guard.clone(), added.guard.clone());
            actions.insert(at, Action { guard, ..added });
            found += 1;
        }
    }
    found
}

/// Whether something holds, as a count that can be kept: 1 or 0.
pub(super) fn as_count(condition: Expr) -> Expr {
    let span = condition.span;
    let arguments = vec![condition, count(1, span), count(0, span)];
    Expr { span, kind: ExprKind::Call { name: "if".to_owned(), name_span: span, arguments } }
}

/// Whether what [`as_count`] kept held.
pub(super) fn held(variable: &str, span: Span) -> Expr {
    binary(name(variable, span), Binary::Equal, count(1, span))
}

/// Keeps a value in a variable of the compiler's own.
pub(super) fn keep(variable: &str, value: Expr, span: Span) -> Action {
    action(ActionKind::Keep { variable: variable.to_owned(), value }, None, span)
}

/// The guard of an action is asked once, before it, and kept: for what asks it again once the action has changed what it
/// asks for.
pub(super) fn ask_once(actions: &mut Vec<Action>, at: usize, variable: &str) {
    let Some(action) = actions.get_mut(at) else { return };
    let Some(guard) = action.guard.take() else { return };
    let span = guard.span;
    action.guard = Some(held(variable, span));
    actions.insert(at, keep(variable, as_count(guard), span));
}

/// A list of actions, wherever it stands, is made into another.
pub(super) fn each_list(protocol: &mut Protocol, change: &mut dyn FnMut(&mut Vec<Action>)) {
    for region in &mut protocol.regions {
        change(&mut region.entry);
        for row in region.handlers.iter_mut().chain(&mut region.transitions) {
            change(&mut row.actions);
        }
        region.states.iter_mut().for_each(|state| each_list_of(state, change));
    }
}

fn each_list_of(state: &mut State, change: &mut dyn FnMut(&mut Vec<Action>)) {
    change(&mut state.entry);
    change(&mut state.exit);
    for row in state.handlers.iter_mut().chain(&mut state.transitions) {
        change(&mut row.actions);
    }
    state.states.iter_mut().for_each(|inner| each_list_of(inner, change));
}

/// Each row, wherever it stands.
pub(super) fn each_row(protocol: &mut Protocol, change: &mut dyn FnMut(&mut Row)) {
    for region in &mut protocol.regions {
        region.handlers.iter_mut().chain(&mut region.transitions).for_each(&mut *change);
        region.states.iter_mut().for_each(|state| each_row_of(state, change));
    }
}

fn each_row_of(state: &mut State, change: &mut dyn FnMut(&mut Row)) {
    state.handlers.iter_mut().chain(&mut state.transitions).for_each(&mut *change);
    state.states.iter_mut().for_each(|inner| each_row_of(inner, change));
}

/// Each state with its path, `outer.inner`.
pub(super) fn each_state(protocol: &mut Protocol, look: &mut dyn FnMut(&str, &mut State)) {
    for region in &mut protocol.regions {
        region.states.iter_mut().for_each(|state| each_state_of(state, "", look));
    }
}

fn each_state_of(state: &mut State, prefix: &str, look: &mut dyn FnMut(&str, &mut State)) {
    let path = format!("{prefix}{}", state.name.text);
    look(&path, state);
    let prefix = format!("{path}.");
    state.states.iter_mut().for_each(|inner| each_state_of(inner, &prefix, look));
}

/// The line an action is done to.
pub(super) fn line_of(action: &mut Action) -> Option<&mut Text> {
    match &mut action.kind {
        ActionKind::Play { line, .. }
        | ActionKind::Pulse { line, .. }
        | ActionKind::PulseWidth { line, .. }
        | ActionKind::Deliver { line, .. }
        | ActionKind::On { line, .. }
        | ActionKind::Off { line } => Some(line),
        ActionKind::Shape(shape) | ActionKind::Toggle(shape) => Some(&mut shape.line),
        _ => None,
    }
}
