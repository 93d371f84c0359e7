//! What is fixed for the session because of its subject: the stage, what was assigned, what was asked. Each is a variable
//! that begins with its value and that nothing sets.

use super::Lowering;
use crate::diagnostic::{Reporter, Span, listed};
use crate::expression::check::Type;
use crate::names::Origin;
use crate::protocol::Metadata;
use crate::quantity::Quantity;
use crate::sitting::Sitting;
use crate::symbols::{AssignSymbol, Graduation, MetadataSymbol, StageSymbol, Unit};
use crate::yaml::Text;
use crate::{Options, Source};

impl Lowering<'_> {
    pub(super) fn declare_subject(&mut self, options: &Options, sitting: &Sitting) {
        self.declare_stage();
        self.declare_assigned(sitting);
        self.declare_metadata(options, sitting);
    }

    /// The stage is a label like any other.
    fn declare_stage(&mut self) {
        let protocol = self.protocol;
        let Some(stage) = protocol.stage.and_then(|n| Some((n, protocol.stages.get(n)?))) else { return };
        let labels = protocol.stages.iter().map(|stage| stage.name.text.clone()).collect();
        let ty = Type::Label(self.names.label_set(labels));
        let name = Text::plain("stage", stage.1.name.span);
        let n = i64::try_from(stage.0).unwrap_or(0);
        self.add(&name, Some(ty), n, true, None, Origin::Known);
    }

    fn declare_assigned(&mut self, sitting: &Sitting) {
        let protocol = self.protocol;
        for assign in &protocol.assign {
            let labels: Vec<String> = assign.among.iter().map(|(label, _)| label.text.clone()).collect();
            let known = sitting.assigned.iter().find(|(name, _)| *name == assign.name.text);
            let at = known.map(|(_, label)| labels.iter().position(|known| known == label));
            if let (Some((_, label)), Some(None)) = (known, at) {
                self.reporter
                    .error(
                        "E312-assign",
                        assign.name.span,
                        format!(
                            "the subject was assigned `{label}`, which is not among the labels of `{}` any more",
                            assign.name.text
                        ),
                    )
                    .help(format!(
                        "an assignment is never drawn again: keep `{label}` among {}",
                        listed(labels.iter().map(String::as_str))
                    ));
            }
            let ty = Type::Label(self.names.label_set(labels));
            let initial = at.flatten().and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
            self.add(&assign.name, Some(ty), initial, true, None, Origin::Known);
            for stratum in &assign.balance {
                let before = |other: &&crate::protocol::Assign| other.name.span.start < assign.name.span.start;
                if protocol.assign.iter().filter(before).any(|other| other.name.text == stratum.text) {
                    continue;
                }
                let known = protocol.metadata.iter().find(|one| one.name.text == stratum.text);
                if known.is_none_or(|one| one.choices.is_none() || !one.once) {
                    let strata = protocol.metadata.iter().filter(|one| one.choices.is_some() && one.once);
                    self.reporter
                        .error(
                            "E312-assign",
                            stratum.span,
                            format!("`{}` is nothing that is asked once per subject with choices", stratum.text),
                        )
                        .near(&stratum.text, strata.map(|one| one.name.text.as_str()), |_| {
                            Some(format!(
                                "declare it: `metadata: {{{}: {{choices: [female, male], once: per subject}}}}`",
                                stratum.text
                            ))
                        });
                }
            }
        }
    }

    fn declare_metadata(&mut self, options: &Options, sitting: &Sitting) {
        let protocol = self.protocol;
        for one in &protocol.metadata {
            let set = options.set.iter().find(|(name, _)| *name == one.name.text);
            let value = match set {
                Some((name, value)) => {
                    let source = Source { name: format!("--set {name}"), text: format!("{name}={value}") };
                    let mut reporter = Reporter::new(&source);
                    let start = name.len() + 1;
                    let text = Text::plain(value, Span { start, end: start + value.len() });
                    if one.fixed {
                        reporter
                            .error(
                                "E313-metadata",
                                text.span,
                                format!("--set {name}: the protocol says what `{name}` is"),
                            )
                            .help("leave the option out");
                    }
                    let found = told(one, &text, &mut reporter);
                    self.reporter.adopt(reporter);
                    found.map(|value| (value, text.text))
                }
                None => {
                    let before = sitting.metadata.iter().find(|(name, _)| *name == one.name.text);
                    let text = before.map(|(_, value)| Text::plain(value, one.name.span)).or(one.default.clone());
                    text.and_then(|text| told(one, &text, self.reporter).map(|value| (value, text.text)))
                }
            };
            if let Some((_, text)) = &value {
                self.sitting.metadata.push((one.name.text.clone(), text.trim().to_owned()));
            }
            let initial = value.map_or(0, |(value, _)| value);
            let ty = match (&one.choices, &one.unit) {
                (Some(choices), _) => {
                    let labels = choices.iter().map(|choice| choice.text.clone()).collect();
                    Type::Label(self.names.label_set(labels))
                }
                (None, Some(_)) => Type::Number,
                // Text is for people: no program asks for it.
                (None, None) => continue,
            };
            self.add(&one.name, Some(ty), initial, false, None, Origin::Known);
        }
    }

    /// Draws that a session before this one made for good.
    pub(super) fn recall_draws(&mut self, sitting: &Sitting) {
        for (name, value) in &sitting.drawn_before {
            let Some((id, _)) = self.names.variable(name) else { continue };
            if let Some(variable) = self.names.variables.get_mut(usize::from(id)) {
                variable.initial = *value;
            }
            if let Some(initial) = self.assembly.variables.get_mut(usize::from(id)) {
                *initial = *value;
            }
            self.sitting.drawn_before.push((name.clone(), *value));
        }
    }

    /// Names that are hidden must be there.
    pub(super) fn check_blind(&mut self) {
        let protocol = self.protocol;
        for name in &protocol.blind {
            let word = name.text.as_str();
            let there = self.names.variable(word).is_some()
                || self.names.line(word).is_some()
                || self.names.event(word).is_some()
                || self.names.has_state(word)
                || protocol.metadata.iter().any(|one| one.name.text == word);
            if !there && !self.names.is_broken(word) {
                let known = self.names.variables.iter().map(|variable| variable.name.as_str());
                let known = known.chain(self.names.lines.iter().map(|line| line.name.as_str()));
                let known = known.chain(self.names.events.iter().map(String::as_str));
                self.reporter.error("E314-blind", name.span, format!("nothing here is called `{word}`")).near(
                    word,
                    known,
                    |_| Some("name what is not to be seen: a variable, what is assigned or asked, a line, an event, a state".to_owned()),
                );
            }
        }
    }

    /// The stages as the session keeps them; an outcome that a rule of graduation names must be there.
    pub(super) fn stage_symbols(&mut self) -> Vec<StageSymbol> {
        let protocol = self.protocol;
        let mut found = Vec::new();
        for stage in &protocol.stages {
            for (rule, span) in &stage.graduate {
                let outcome = match rule {
                    Graduation::Share { outcome, .. } => Some(outcome),
                    Graduation::Trials { outcome, .. } => outcome.as_ref(),
                    Graduation::Sessions { .. } | Graduation::Days { .. } => None,
                };
                if let Some(outcome) = outcome.filter(|outcome| self.names.outcome(outcome).is_none()) {
                    self.reporter
                        .error("E062-unknown-outcome", *span, format!("this protocol has no outcome `{outcome}`"))
                        .near(outcome, self.names.outcomes.iter().map(String::as_str), |known| {
                            Some(format!("its outcomes are {}", listed(known.iter().copied())))
                        });
                }
            }
            let mut graduate: Vec<Graduation> = stage.graduate.iter().map(|(rule, _)| rule.clone()).collect();
            // What is had once is left after it.
            if stage.once && graduate.is_empty() {
                graduate.push(Graduation::Sessions { sessions: 1 });
            }
            found.push(StageSymbol {
                name: stage.name.text.clone(),
                about: stage.about.clone(),
                once: stage.once,
                ends: stage.ends_written.clone(),
                graduate,
            });
        }
        found
    }

    /// The stage, and what of the subject the program was made with.
    pub(super) fn made_with(&mut self) -> Sitting {
        let mut sitting = std::mem::take(&mut self.sitting);
        let stage = self.protocol.stage.and_then(|n| self.protocol.stages.get(n));
        sitting.stage = stage.map(|stage| stage.name.text.clone());
        for assign in &self.protocol.assign {
            let Some((_, variable)) = self.names.variable(&assign.name.text) else { continue };
            let label = usize::try_from(variable.initial).ok().and_then(|at| assign.among.get(at));
            sitting.assigned.extend(label.map(|(label, _)| (assign.name.text.clone(), label.text.clone())));
        }
        sitting
    }

    pub(super) fn assign_symbols(&self) -> Vec<AssignSymbol> {
        let label = |(label, weight): &(Text, u32)| (label.text.clone(), *weight);
        let symbol = |assign: &crate::protocol::Assign| AssignSymbol {
            name: assign.name.text.clone(),
            among: assign.among.iter().map(label).collect(),
            balance: assign.balance.iter().map(|stratum| stratum.text.clone()).collect(),
        };
        self.protocol.assign.iter().map(symbol).collect()
    }

    pub(super) fn metadata_symbols(&self) -> Vec<MetadataSymbol> {
        let symbol = |one: &Metadata| MetadataSymbol {
            name: one.name.text.clone(),
            about: one.about.clone(),
            choices: one.choices.iter().flatten().map(|choice| choice.text.clone()).collect(),
            unit: one.unit.as_ref().map(|unit| unit.text.clone()).unwrap_or_default(),
            default: one.default.as_ref().map(|text| text.text.clone()),
            fixed: one.fixed,
            once: one.once,
        };
        self.protocol.metadata.iter().map(symbol).collect()
    }
}

/// What was said of something that is asked: the index of a choice, or a number in millionths; 0 for text.
fn told(one: &Metadata, text: &Text, reporter: &mut Reporter) -> Option<i64> {
    let name = &one.name.text;
    match (&one.choices, &one.unit) {
        (Some(choices), _) => {
            let at = choices.iter().position(|choice| choice.text == text.text);
            if at.is_none() {
                reporter
                    .error("E313-metadata", text.span, format!("`{}` is not among the choices of `{name}`", text.text))
                    .near(&text.text, choices.iter().map(|choice| choice.text.as_str()), |known| {
                        Some(format!("choices are {}", listed(known.iter().copied())))
                    });
            }
            at.and_then(|at| i64::try_from(at).ok())
        }
        (None, Some(unit)) => {
            let bare = text.text.trim().trim_end_matches(unit.text.as_str()).trim_end();
            let number = Quantity::read(bare).and_then(|quantity| quantity.in_base(Unit::Number));
            if number.is_err() {
                reporter
                    .error("E313-metadata", text.span, format!("`{}` is no number of {}", text.text, unit.text))
                    .help(format!(
                        "write for instance `--set {name}=23.4`; its unit, {}, is the protocol's",
                        unit.text
                    ));
            }
            number.ok()
        }
        (None, None) => Some(0),
    }
}
