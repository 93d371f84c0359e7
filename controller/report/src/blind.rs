//! What the operator is not to see, taken out before anything is reported: variables, lines, events and metadata that the
//! protocol calls blind. Owns what has to go so that nothing of them shows; the journal keeps all of it.

use compiler::symbols::Symbols;
use journal::Header;

use crate::history::{History, Trial};

/// What stands in the place of what is hidden.
pub const HIDDEN: &str = "hidden";

/// Takes the names out of the symbols and what happened on them out of the history.
pub(crate) fn hide(names: &[String], symbols: &mut Symbols, history: &mut History) {
    let is_hidden = |name: &str| names.iter().any(|hidden| hidden == name);
    for variable in symbols.variables.iter_mut().filter(|variable| is_hidden(&variable.name)) {
        variable.column = false;
        variable.parameter = None;
    }
    let group = symbols.picture.group.and_then(|group| symbols.variables.get(usize::from(group)));
    if group.is_some_and(|variable| is_hidden(&variable.name)) {
        symbols.picture.group = None;
    }
    let lines: Vec<bool> = symbols.lines.iter().map(|line| is_hidden(&line.name)).collect();
    let shown = |n: usize| !lines.get(n).copied().unwrap_or(false);
    symbols.picture.show.retain(|line| shown(usize::from(*line)));
    // Without a name in the protocol and without a trace, a line has no row and no column.
    for (n, line) in symbols.lines.iter_mut().enumerate() {
        line.named &= shown(n);
    }
    for event in symbols.events.iter_mut().filter(|event| is_hidden(event)) {
        event.clear();
    }
    let speaks_of = |sentence: &str| sentence.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_hidden);
    for invariant in symbols.invariants.iter_mut().filter(|sentence| speaks_of(sentence)) {
        "an invariant of what is hidden".clone_into(invariant);
    }
    let quiet = |trial: &mut Trial| {
        trial.inputs.retain(|(line, ..)| shown(line.index()));
        trial.edges.retain(|(line, ..)| shown(line.index()));
        trial.deliveries.retain(|(line, ..)| shown(line.index()));
        trial.powers.retain(|(line, ..)| shown(line.index()));
        trial.verdicts.retain(|(line, _)| shown(line.index()));
    };
    quiet(&mut history.before);
    history.trials.iter_mut().for_each(quiet);
    history.samples.retain(|(line, ..)| shown(line.index()));
}

/// Something known of the session: what was assigned, what was asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Known {
    /// What.
    pub name: String,
    /// What it is; [`HIDDEN`] where the operator is not to see it.
    pub value: String,
    /// What a number is measured in; empty for text.
    pub unit: String,
    /// Whether it was drawn for the subject, rather than asked.
    pub assigned: bool,
}

/// What is known of a session, with the names hidden.
pub(crate) fn known(header: &Header, hidden: &[String]) -> Vec<Known> {
    let subject = header.subject.as_deref().unwrap_or_default();
    let context = &header.context;
    let both =
        context.assigned.iter().map(|fact| (fact, true)).chain(context.metadata.iter().map(|fact| (fact, false)));
    let known = both.map(|(fact, assigned)| Known {
        name: fact.name.clone(),
        value: match hidden.contains(&fact.name) {
            true => HIDDEN.to_owned(),
            false => fact.value(subject).unwrap_or_default(),
        },
        unit: fact.unit.clone(),
        assigned,
    });
    known.collect()
}
