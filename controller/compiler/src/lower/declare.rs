//! The declarations get their numbers, types and values: lines are bound to the rig, parameters take what was set for
//! this session.

use super::Lowering;
use crate::diagnostic::{Reporter, Span, a, listed, nearest};
use crate::expression::check::{Type, shown};
use crate::fields;
use crate::names::{Line, Origin, Variable};
use crate::protocol::declarations::constant;
use crate::protocol::{self, ActionKind};
use crate::quantity::{Quantity, written};
use crate::symbols::{ParameterSymbol, Unit};
use crate::yaml::Text;
use crate::{Options, Source, rig};

/// A constant and its type, as far as text alone tells: `true`, `5 ms`, `3`.
pub(super) fn literal(text: &Text, reporter: &mut Reporter) -> Option<(Type, i64)> {
    match text.text.as_str() {
        "true" => return Some((Type::Truth, 1)),
        "false" => return Some((Type::Truth, 0)),
        _ => {}
    }
    let (quantity, unit) = constant(text, reporter)?;
    let value = quantity.in_base(unit).map_err(|e| fields::bad_quantity(&e, "", text.span, reporter)).ok()?;
    Some((Type::of(unit)?, value))
}

impl Lowering<'_> {
    pub(super) fn declare(&mut self, options: &Options) {
        self.lay_lists();
        self.declare_lines();
        self.names.arrays.clone_from(&self.protocol.arrays);
        self.names.timers_told.clone_from(&self.protocol.timers_told);
        self.check_forbidden();
        self.name_detectors();
        self.name_stable();
        self.declare_parameters(options);
        self.name_tables();
        self.declare_variables();
        self.declare_lists();
        self.declare_timers();
        self.declare_stimuli();
        self.declare_shapes();
        self.declare_outcomes();
        self.declare_events();
        self.declare_counters();
        self.declare_drawn();
        self.declare_trials();
        self.declare_detectors();
        self.check_clashes();
        let names = &self.names;
        let registered = |name: &String| {
            names.variable(name).is_some()
                || names.line(name).is_some()
                || names.list(name).is_some()
                || names.table(name).is_some()
                || names.stimulus(name).is_some()
        };
        let broken: Vec<String> = self.protocol.declared.iter().filter(|name| !registered(name)).cloned().collect();
        self.names.broken.extend(broken);
    }

    fn declare_lines(&mut self) {
        for (name, node) in &self.protocol.lines {
            let Some(kind) = rig::kind(node, self.reporter) else { continue };
            self.names.lines.push(Line { name: name.text.clone(), span: name.span, kind });
            let file = &self.rig.file;
            match self.rig.line(&name.text) {
                None => {
                    let same = self.rig.lines.iter().filter(|line| line.kind == kind.name);
                    let same: Vec<&str> = same.map(|line| line.name.as_str()).collect();
                    let near = nearest(&name.text, self.rig.lines.iter().map(|line| line.name.as_str()));
                    let diagnostic = self.reporter.error(
                        "E100-rig-lacks-line",
                        name.span,
                        format!("the rig `{}` has no line `{}`", self.rig.name, name.text),
                    );
                    diagnostic.help(match (near, same.as_slice()) {
                        (Some(near), _) => format!("did you mean `{near}`? Or add `{}` to {file}", name.text),
                        (None, []) => format!("add to {file}: `{}: {{kind: {}, pin: …}}`", name.text, kind.name),
                        (None, same) => format!(
                            "its lines of kind {} are {}; or add `{}` to {file}",
                            kind.name,
                            listed(same.iter().copied()),
                            name.text
                        ),
                    });
                }
                Some(line) if line.kind != kind.name => {
                    self.reporter
                        .error(
                            "E101-wrong-kind",
                            name.span.to(node.span),
                            format!(
                                "`{}` is {} here and {} on the rig `{}`",
                                name.text,
                                a(kind.noun()),
                                a(&line.kind),
                                self.rig.name
                            ),
                        )
                        .help(format!("make both say the same, here or in {file}"));
                }
                Some(_) => {}
            }
        }
    }

    fn declare_parameters(&mut self, options: &Options) {
        for (n, (name, value)) in options.set.iter().enumerate() {
            let source = Source { name: format!("--set {name}"), text: format!("{name}={value}") };
            let span = Span { start: 0, end: name.len() };
            let mut reporter = Reporter::new(&source);
            if !self.protocol.parameters.iter().any(|parameter| parameter.name.text == *name) {
                let known = self.protocol.parameters.iter().map(|parameter| parameter.name.text.as_str());
                reporter
                    .error("E102-unknown-parameter", span, format!("--set {name}: this protocol has no such parameter"))
                    .near(name, known, |known| Some(format!("its parameters are {}", listed(known.iter().copied()))));
            } else if options.set.iter().take(n).any(|(other, _)| other == name) {
                reporter
                    .error("E103-set-twice", span, format!("--set {name}: the same parameter is set twice"))
                    .help("keep one of them");
            }
            self.reporter.adopt(reporter);
        }
        for parameter in &self.protocol.parameters {
            self.declare_parameter(parameter, options);
        }
    }

    fn declare_parameter(&mut self, parameter: &protocol::Parameter, options: &Options) {
        let name = &parameter.name;
        let ty = self.parameter_type(parameter);
        let bounds = ty.and_then(|ty| {
            let (low, high) = parameter.range.as_ref()?;
            let (low_value, high_value) = (base(low, ty, "", self.reporter)?, base(high, ty, "", self.reporter)?);
            if low_value > high_value {
                self.reporter
                    .error("E104-empty-range", low.span.to(high.span), "the range ends before it begins")
                    .help(format!("write `[{}, {}]`", high.text, low.text));
                return None;
            }
            Some((low_value, high_value))
        });
        let labels = match ty {
            Some(Type::Label(set)) => self.names.labels(set).to_vec(),
            _ => Vec::new(),
        };
        let check = |text: &Text, option: &str, reporter: &mut Reporter| -> Option<i64> {
            let ty = ty?;
            if matches!(ty, Type::Label(_)) {
                let chosen = labels.iter().position(|label| *label == text.text);
                if chosen.is_none() {
                    reporter
                        .error(
                            "E105-not-a-choice",
                            text.span,
                            format!("{option}`{}` is not among the choices of `{}`", text.text, name.text),
                        )
                        .near(&text.text, labels.iter().map(String::as_str), |known| {
                            Some(format!("choices are {}", listed(known.iter().copied())))
                        });
                }
                return chosen.and_then(|index| i64::try_from(index).ok());
            }
            let value = base(text, ty, option.trim_end_matches(": "), reporter)?;
            // A time or a volume is a length of something. One that may lie below zero says so with its range.
            if bounds.is_none()
                && parameter.range.is_none()
                && value < 0
                && matches!(ty, Type::Time | Type::Volume | Type::Length | Type::Frequency)
            {
                let shown = written(value, ty.unit());
                reporter
                    .error(
                        "E106-out-of-range",
                        text.span,
                        format!("{option}{shown} is below zero, and `{}` has no range", name.text),
                    )
                    .help("leave the minus out; or, if it is meant, give the parameter a range that begins below zero");
            }
            if let Some((low, high)) = bounds.filter(|(low, high)| value < *low || value > *high) {
                let (low, high) = (written(low, ty.unit()), written(high, ty.unit()));
                reporter
                    .error(
                        "E106-out-of-range",
                        text.span,
                        format!("{option}{} lies outside the range of `{}`", written(value, ty.unit()), name.text),
                    )
                    .help(format!("its range is {low} to {high}"));
            }
            Some(value)
        };
        let default = check(&parameter.default, "", self.reporter);
        let set = options.set.iter().find(|(given, _)| *given == name.text).and_then(|(given, value)| {
            let source = Source { name: format!("--set {given}"), text: format!("{given}={value}") };
            let mut reporter = Reporter::new(&source);
            let start = given.len() + 1;
            let text = Text::plain(value, Span { start, end: start + value.len() });
            let value = check(&text, &format!("--set {given}: "), &mut reporter);
            self.reporter.adopt(reporter);
            value
        });
        let value = set.or(default).unwrap_or(0);
        let symbol = ParameterSymbol {
            value,
            set: set.is_some(),
            basis: parameter.basis.to_owned(),
            source: parameter.source.clone(),
            about: parameter.about.clone(),
        };
        self.add(name, ty, value, false, Some(symbol), Origin::Parameter);
    }

    fn parameter_type(&mut self, parameter: &protocol::Parameter) -> Option<Type> {
        if let Some(choices) = &parameter.choices {
            if let Some((low, high)) = &parameter.range {
                self.reporter
                    .error(
                        "E107-range-and-choices",
                        low.span.to(high.span),
                        "a parameter has either a range or choices",
                    )
                    .help("keep one of them");
            }
            let labels = choices.iter().map(|choice| choice.text.clone()).collect();
            return Some(Type::Label(self.names.label_set(labels)));
        }
        let text = &parameter.default;
        if matches!(text.text.as_str(), "true" | "false") {
            return Some(Type::Truth);
        }
        if fields::is_name(&text.text) {
            self.reporter
                .error(
                    "E020-not-a-number",
                    text.span,
                    format!("`{}` is no number, and `{}` names no choices", text.text, parameter.name.text),
                )
                .help(format!("add `choices: [{}, …]`, or write a number with its unit", text.text));
            return None;
        }
        let (_, unit) = constant(text, self.reporter)?;
        let plain = |text: &Text| Quantity::read(&text.text).ok().and_then(|quantity| quantity.natural());
        // A bare default beside a range with units lacks its unit; the range does not have one too many.
        if let (Unit::Count | Unit::Number, Some((_, high))) = (unit, &parameter.range)
            && let Some(wanted) = plain(high).filter(|unit| !matches!(unit, Unit::Count | Unit::Number))
        {
            return Type::of(wanted);
        }
        let fraction = parameter
            .range
            .as_ref()
            .is_some_and(|(low, high)| [low, high].into_iter().any(|text| plain(text) == Some(Unit::Number)));
        Type::of(if unit == Unit::Count && fraction { Unit::Number } else { unit })
    }

    fn declare_variables(&mut self) {
        for variable in &self.protocol.variables {
            let (ty, initial) = match (&variable.labels, &variable.initial) {
                (Some(labels), initial) => {
                    let labels: Vec<String> = labels.iter().map(|label| label.text.clone()).collect();
                    let at =
                        initial.as_ref().map_or(Some(0), |text| labels.iter().position(|label| *label == text.text));
                    if let (None, Some(text)) = (at, initial) {
                        self.reporter
                            .error(
                                "E061-unknown-label",
                                text.span,
                                format!("`{}` is not one of the labels of `{}`", text.text, variable.name.text),
                            )
                            .near(&text.text, labels.iter().map(String::as_str), |known| {
                                Some(format!("they are {}", listed(known.iter().copied())))
                            });
                    }
                    if labels.is_empty() {
                        self.reporter
                            .error("E033-empty", variable.name.span, format!("`{}` has no labels", variable.name.text))
                            .help("write for instance `labels: [none, stim, sham]`");
                    }
                    let set = self.names.label_set(labels);
                    (Some(Type::Label(set)), at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0))
                }
                (None, _) if variable.labels_of.is_some() => self.rows_as_labels(variable),
                (None, Some(text)) if text.text == "outcome" => (Some(Type::Outcome), 0),
                (None, Some(text)) => match literal(text, self.reporter) {
                    Some((ty, value)) => (Some(ty), value),
                    None => (None, 0),
                },
                (None, None) => (None, 0),
            };
            self.add(&variable.name, ty, initial, variable.column, None, Origin::Declared);
        }
    }

    /// The rows of a table as labels of a variable, and which of them it begins with.
    fn rows_as_labels(&mut self, variable: &protocol::Variable) -> (Option<Type>, i64) {
        let Some(table) = &variable.labels_of else { return (None, 0) };
        let Some(set) = self.names.table(&table.text) else {
            if self.protocol.declared.contains(&table.text) {
                return (None, 0);
            }
            let known = self.names.tables.iter().map(|(name, _)| name.as_str());
            self.reporter.error("E206-unknown-table", table.span, format!("there is no table `{}`", table.text)).near(
                &table.text,
                known,
                |_| Some("labels are a list, `labels: [left, right]`, or the rows of a table".to_owned()),
            );
            return (None, 0);
        };
        let labels = self.names.labels(set);
        let initial = variable.initial.as_ref();
        let at = initial.map_or(Some(0), |text| labels.iter().position(|label| *label == text.text));
        if let (None, Some(text)) = (at, initial) {
            self.reporter
                .error("E061-unknown-label", text.span, format!("`{}` is no row of `{}`", text.text, table.text))
                .near(&text.text, labels.iter().map(String::as_str), |known| {
                    Some(format!("they are {}", listed(known.iter().copied())))
                });
        }
        (Some(Type::Label(set)), at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0))
    }

    fn add(
        &mut self,
        name: &Text,
        ty: Option<Type>,
        initial: i64,
        column: bool,
        parameter: Option<ParameterSymbol>,
        origin: Origin,
    ) {
        if let Some((_, other)) = self.names.variable(&name.text) {
            let what = match other.origin {
                Origin::Parameter => "a parameter",
                Origin::Declared | Origin::Drawn | Origin::Made => "a variable",
                Origin::Counter => "a counter",
            };
            self.reporter
                .error("E074-named-twice", name.span, format!("`{}` is already {what}", name.text))
                .help("give one of them another name");
            return;
        }
        let variable = Variable { name: name.text.clone(), span: name.span, ty, initial, column, parameter, origin };
        self.names.add_variable(variable);
        self.assembly.variables.push(initial);
    }

    fn declare_timers(&mut self) {
        for timer in &self.protocol.timers {
            self.names.timers.push(timer.text.clone());
        }
    }

    /// Outcomes as listed; without a list, those that are used, in the order of their first use.
    fn declare_outcomes(&mut self) {
        if let Some(listed) = &self.protocol.outcomes {
            self.names.outcomes = listed.iter().map(|outcome| outcome.text.clone()).collect();
            return;
        }
        let rows = self.protocol.rows();
        let of_rows = rows.iter().filter_map(|row| row.outcome.as_ref());
        let actions = self.protocol.actions();
        let of_actions = actions.iter().filter_map(|action| match &action.kind {
            ActionKind::Outcome(outcome) => Some(outcome),
            _ => None,
        });
        let mut used: Vec<&Text> = of_rows.chain(of_actions).collect();
        used.sort_by_key(|outcome| outcome.span.start);
        for outcome in used {
            if self.names.outcome(&outcome.text).is_none() && fields::check_name(outcome, "an outcome", self.reporter) {
                self.names.outcomes.push(outcome.text.clone());
            }
        }
    }

    fn declare_events(&mut self) {
        for action in self.protocol.actions() {
            if let ActionKind::Event(event) = &action.kind
                && self.names.event(&event.text).is_none()
            {
                self.names.events.push(event.text.clone());
            }
        }
    }

    fn declare_counters(&mut self) {
        for counter in &self.protocol.counters {
            self.add(&counter.name, Some(Type::Count), 0, true, None, Origin::Counter);
        }
    }

    /// Variables that are named by a draw alone.
    fn declare_drawn(&mut self) {
        for action in self.protocol.actions() {
            if let ActionKind::Draw(draw) = &action.kind
                && !matches!(draw.kind, protocol::DrawKind::Shuffle(_))
                && !draw.variable.text.ends_with(']')
                && self.names.variable(&draw.variable.text).is_none()
            {
                self.add(&draw.variable, None, 0, true, None, Origin::Drawn);
            }
        }
    }

    /// A word that is a label and a variable could be read as either.
    fn check_clashes(&mut self) {
        for variable in &self.names.variables {
            if self.names.all_labels().any(|label| label == variable.name) {
                self.reporter
                    .error(
                        "E108-label-and-variable",
                        variable.span,
                        format!("`{}` is a variable and also a label", variable.name),
                    )
                    .help("give one of them another name: an expression could mean either");
            }
            if self.names.lines.iter().any(|line| line.name == variable.name) {
                self.reporter
                    .error(
                        "E109-line-and-variable",
                        variable.span,
                        format!("`{}` is a variable and also a line", variable.name),
                    )
                    .help("give one of them another name");
            }
        }
        for timer in &self.protocol.timers {
            if self.names.line(&timer.text).is_some() {
                self.reporter
                    .error("E110-line-and-timer", timer.span, format!("`{}` is a timer and also a line", timer.text))
                    .help("give one of them another name: `….end` could mean either");
            }
        }
    }

    /// A value as a person writes it, for messages.
    pub(super) fn shown(&self, value: i64, ty: Type) -> String {
        shown(value, ty, &self.names)
    }
}

/// A text as a constant of a type that has a unit.
fn base(text: &Text, ty: Type, what: &str, reporter: &mut Reporter) -> Option<i64> {
    if ty == Type::Truth {
        let truth = match text.text.as_str() {
            "true" => Some(1),
            "false" => Some(0),
            _ => None,
        };
        if truth.is_none() {
            reporter
                .error("E036-unknown-word", text.span, format!("`{}` is neither `true` nor `false`", text.text))
                .help("write `true` or `false`");
        }
        return truth;
    }
    let value = Quantity::read(&text.text).and_then(|quantity| quantity.in_base(ty.unit()));
    value.map_err(|error| fields::bad_quantity(&error, what, text.span, reporter)).ok()
}
