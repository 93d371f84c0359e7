//! What the journal keeps of a session beside its program: the fragments of its protocol, its stage, and what is known of the
//! subject. What the operator is not to see is sealed.

use compiler::{Sitting, Source};
use journal::{Context, Fact, Header};

use super::Plan;

/// What was settled of a session, for its journal.
pub(super) fn of(plan: &Plan) -> Context {
    let compiled = &plan.compiled;
    let (symbols, sitting) = (&compiled.symbols, &compiled.sitting);
    let subject = plan.subject.as_deref().unwrap_or_default();
    let fact = |name: &str, unit: &str, value: &str| match symbols.blind.iter().any(|blind| blind == name) {
        true => Fact::sealed(subject, name, unit, value),
        false => Fact::open(name, unit, value),
    };
    let unit = |name: &str| symbols.metadata.iter().find(|one| one.name == name).map_or("", |one| one.unit.as_str());
    Context {
        fragments: compiled.fragments.iter().map(|one| (one.name.clone(), one.text.clone())).collect(),
        stage: sitting.stage.clone(),
        assigned: sitting.assigned.iter().map(|(name, value)| fact(name, "", value)).collect(),
        metadata: sitting.metadata.iter().map(|(name, value)| fact(name, unit(name), value)).collect(),
        drawn_before: sitting.drawn_before.clone(),
        blind: symbols.blind.clone(),
    }
}

/// What a journal says of these: the fragments, and the sitting.
pub(super) fn read(header: &Header) -> (Vec<Source>, Sitting) {
    let (context, subject) = (&header.context, header.subject.as_deref().unwrap_or_default());
    let fragments = context.fragments.iter();
    let fragments = fragments.map(|(name, text)| Source { name: name.clone(), text: text.clone() }).collect();
    let facts = |facts: &[Fact]| {
        facts.iter().filter_map(|fact| Some((fact.name.clone(), fact.value(subject)?))).collect::<Vec<_>>()
    };
    let sitting = Sitting {
        stage: context.stage.clone(),
        assigned: facts(&context.assigned),
        metadata: facts(&context.metadata),
        drawn_before: context.drawn_before.clone(),
    };
    (fragments, sitting)
}
