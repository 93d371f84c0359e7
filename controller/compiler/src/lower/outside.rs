//! What comes from outside while a session runs: events, values, changed parameters, answers of the operator. A value comes as
//! the device's `Parameter`, then as an `Event` that tells of it; both are records with the time of their arrival.

use link::EventId;
use link::program::op::{Op, OpCode, Special};

use super::Lowering;
use super::declare::base;
use crate::diagnostic::{Span, listed, nearest};
use crate::expression::check::{Ir, Type};
use crate::expression::{Expr, ExprKind};
use crate::names::{Member, Origin, Scope};
use crate::protocol::outside::{Form, Outside};
use crate::protocol::{self, Action, ActionKind, Live};
use crate::quantity::written;
use crate::symbols::{AnswerForm, LiveSymbol, OutsideSymbol, PromptSymbol, ValueSymbol};
use crate::yaml::Text;

/// What an operator's choice holds before it was made.
const UNANSWERED: &str = "none";

/// The type of something that is given, what it is at first, and its bounds.
type GivenType = (Type, i64, Option<(i64, i64)>);

impl Lowering<'_> {
    /// Events and values from outside get their numbers.
    pub(super) fn declare_outside(&mut self) {
        let protocol = self.protocol;
        for outside in &protocol.outside {
            let name = &outside.name;
            if self.names.event(&name.text).is_some() {
                continue;
            }
            let event = match outside.value {
                Some(_) => self.own_event(name, "arrive"),
                None => {
                    self.names.events.push(name.text.clone());
                    EventId::named(crate::names::index(self.names.events.len() - 1))
                }
            };
            let value = outside.value.as_ref().and_then(|value| self.outside_value(name, value, event));
            let keys = self.keys(outside, value.as_ref());
            let event = event.0 - EventId::NAMED;
            let (name, about) = (name.text.clone(), outside.about.clone());
            self.world.outside.push(OutsideSymbol { name, about, event, value, keys });
        }
        self.check_keys();
    }

    fn outside_value(
        &mut self,
        name: &Text,
        value: &protocol::outside::OutsideValue,
        event: EventId,
    ) -> Option<ValueSymbol> {
        let first = value.choices.as_ref().and_then(|choices| choices.first());
        let default = value.initial.as_ref().or(first)?;
        let (ty, initial, range) = self.given_type(name, default, value.range.as_ref(), value.choices.as_ref())?;
        self.add(name, Some(ty), initial, value.column, None, Origin::Outside);
        let (variable, _) = self.names.variable(&name.text)?;
        // When it came last; it is no older than the session.
        let at = self.own_variable(name, "at", Type::Time, 0);
        let now = Ir::Special(Special::SessionTime, 0);
        let mut ops = self.ops_of(&now);
        ops.push(Op::new(OpCode::Store, 0, at));
        let age = Ir::Binary(OpCode::Subtract, Box::new(now), Box::new(Ir::Load(at)));
        self.member(name, "arrive", None, Some(event));
        self.member(name, "age", Some((age, Type::Time)), None);
        if let Some(stale) = &value.stale {
            let us = self.known(stale, Type::Time, Scope::default(), "from when on a value is stale")?;
            if us < 1 {
                self.reporter
                    .error("E027-out-of-bounds", stale.span, "a value is not stale at once")
                    .help("write a longer time, for instance `stale: 200 ms`");
                return None;
            }
            let timer = self.own_timer(name, "stale");
            let mut start = self.ops_of(&Ir::Constant(us));
            start.push(Op::new(OpCode::TimerStart, timer.0, 0));
            self.background.at_start(start.clone());
            ops.extend(start);
            self.member(name, "stale", Some((stopped(timer), Type::Truth)), Some(EventId::timer(timer)));
        }
        self.background.on(event, ops);
        Some(ValueSymbol { variable, range })
    }

    /// The type of something that is given, what it is at first, and its bounds.
    fn given_type(
        &mut self,
        name: &Text,
        default: &Text,
        range: Option<&(Text, Text)>,
        choices: Option<&Vec<Text>>,
    ) -> Option<GivenType> {
        let written_as = protocol::Parameter {
            name: name.clone(),
            default: default.clone(),
            range: range.cloned(),
            choices: choices.cloned(),
            basis: "chosen",
            source: String::new(),
            about: String::new(),
            live: None,
        };
        let ty = self.parameter_type(&written_as)?;
        if let Type::Label(set) = ty {
            let at = self.names.labels(set).iter().position(|label| *label == default.text);
            if at.is_none() {
                let labels: Vec<&str> = self.names.labels(set).iter().map(String::as_str).collect();
                self.reporter
                    .error(
                        "E105-not-a-choice",
                        default.span,
                        format!("`{}` is not among the choices of `{}`", default.text, name.text),
                    )
                    .near(&default.text, labels.iter().copied(), |known| {
                        Some(format!("choices are {}", listed(known.iter().copied())))
                    });
            }
            return Some((ty, i64::try_from(at?).ok()?, None));
        }
        let initial = base(default, ty, "", self.reporter)?;
        let Some((low, high)) = range else { return Some((ty, initial, None)) };
        let (least, most) = (base(low, ty, "", self.reporter)?, base(high, ty, "", self.reporter)?);
        if least > most {
            self.reporter
                .error("E104-empty-range", low.span.to(high.span), "the range ends before it begins")
                .help(format!("write `[{}, {}]`", high.text, low.text));
            return None;
        }
        if !(least..=most).contains(&initial) {
            let shown = |value| written(value, ty.unit());
            self.reporter
                .error(
                    "E106-out-of-range",
                    default.span,
                    format!("{} lies outside the range of `{}`", shown(initial), name.text),
                )
                .help(format!("its range is {} to {}", shown(least), shown(most)));
            return None;
        }
        Some((ty, initial, Some((least, most))))
    }

    /// The keys of something from outside, with the values they stand for.
    fn keys(&mut self, outside: &Outside, value: Option<&ValueSymbol>) -> Vec<(char, Option<i64>)> {
        let mut found = Vec::new();
        for (key, choice) in &outside.keys {
            let Some(choice) = choice else {
                found.push((key.letter, None));
                continue;
            };
            let ty = value.and_then(|value| self.names.variables.get(usize::from(value.variable))?.ty);
            let meant = match ty {
                Some(Type::Label(set)) => self
                    .names
                    .labels(set)
                    .iter()
                    .position(|label| *label == choice.text)
                    .and_then(|at| i64::try_from(at).ok()),
                Some(Type::Truth) => {
                    ["false", "true"].iter().zip(0..).find(|(word, _)| **word == choice.text).map(|(_, at)| at)
                }
                Some(ty) => base(choice, ty, "", self.reporter),
                None => continue,
            };
            match meant {
                Some(value) => found.push((key.letter, Some(value))),
                None if matches!(ty, Some(Type::Label(_) | Type::Truth)) => {
                    self.reporter
                        .error(
                            "E105-not-a-choice",
                            choice.span,
                            format!("`{}` is not among the choices of `{}`", choice.text, outside.name.text),
                        )
                        .help("a key stands behind one of the choices: `keys: {left: l, right: r}`");
                }
                None => {}
            }
        }
        found
    }

    /// Reports keys that would mean two things.
    fn check_keys(&mut self) {
        let mut taken: Vec<(char, &str)> = Vec::new();
        for outside in &self.protocol.outside {
            for (key, _) in &outside.keys {
                match taken.iter().find(|(letter, _)| *letter == key.letter) {
                    Some((letter, other)) => {
                        self.reporter
                            .error("E277-key", key.span, format!("the key `{letter}` already stands for `{other}`"))
                            .help("give one of them another key");
                    }
                    None => taken.push((key.letter, outside.name.text.as_str())),
                }
            }
        }
    }

    /// Questions to the operator get their numbers; an answer that is a value is a variable and a column.
    pub(super) fn declare_prompts(&mut self) {
        let protocol = self.protocol;
        for prompt in &protocol.prompts {
            let name = &prompt.name;
            let form = match &prompt.form {
                Form::Done => Some(AnswerForm::Done),
                Form::Note => Some(AnswerForm::Note),
                Form::Choice(choices) => self.choice(name, choices),
                Form::Value { default, range } => {
                    self.given_type(name, default, range.as_ref(), None).and_then(|(ty, initial, range)| {
                        self.add(name, Some(ty), initial, true, None, Origin::Outside);
                        let (variable, _) = self.names.variable(&name.text)?;
                        Some(AnswerForm::Value { value: ValueSymbol { variable, range }, default: initial })
                    })
                }
            };
            let (asked, withdrawn) = (self.own_event(name, "ask"), self.own_event(name, "withdraw"));
            let answered = self.own_event(name, "answer");
            self.member(name, "answer", None, Some(answered));
            let Some(form) = form else { continue };
            let number = |event: EventId| event.0 - EventId::NAMED;
            let (asked, withdrawn, answered) = (number(asked), number(withdrawn), number(answered));
            let (name, ask) = (name.text.clone(), prompt.ask.clone());
            self.world.prompts.push(PromptSymbol { name, ask, form, asked, withdrawn, answered });
        }
    }

    fn choice(&mut self, name: &Text, choices: &[Text]) -> Option<AnswerForm> {
        if choices.is_empty() {
            self.reporter
                .error("E033-empty", name.span, format!("`{}` has no choices", name.text))
                .help("write for instance `choices: [saline, drug]`");
            return None;
        }
        // Before it is answered it is none of them; who names one so means just that.
        let first = u16::from(!choices.iter().any(|choice| choice.text == UNANSWERED));
        let unanswered = (first == 1).then(|| UNANSWERED.to_owned());
        let labels: Vec<String> =
            unanswered.into_iter().chain(choices.iter().map(|choice| choice.text.clone())).collect();
        let initial = labels.iter().position(|label| label == UNANSWERED).and_then(|at| i64::try_from(at).ok())?;
        let set = self.names.label_set(labels);
        self.add(name, Some(Type::Label(set)), initial, true, None, Origin::Outside);
        let (variable, _) = self.names.variable(&name.text)?;
        Some(AnswerForm::Choice { variable, first })
    }

    /// A parameter that may be changed while the session runs.
    pub(super) fn declare_live(&mut self, parameter: &protocol::Parameter, range: Option<(i64, i64)>) {
        let Some(live) = parameter.live else { return };
        let Some((id, variable)) = self.names.variable(&parameter.name.text) else { return };
        let (Some(ty), initial, Origin::Parameter) = (variable.ty, variable.initial, variable.origin) else { return };
        if range.is_none() && parameter.range.is_none() && !matches!(ty, Type::Label(_) | Type::Truth) {
            self.reporter
                .error(
                    "E276-live-without-range",
                    parameter.name.span,
                    format!(
                        "`{}` may be changed while the session runs, and nothing says how far",
                        parameter.name.text
                    ),
                )
                .help("add `range: […, …]`: what lies outside is refused when it is typed");
            return;
        }
        let next_trial = live == Live::NextTrial;
        let variable = if next_trial { self.own_variable(&parameter.name, "next", ty, initial) } else { id };
        if let Some(waits) = self.names.variables.get_mut(usize::from(variable)).filter(|_| next_trial) {
            waits.origin = Origin::Outside;
        }
        if let Some(symbol) = self.names.variables.get_mut(usize::from(id)).and_then(|found| found.parameter.as_mut()) {
            symbol.live = Some(LiveSymbol { variable, next_trial, range });
        }
    }

    /// What is done as a trial begins: parameters that waited for it are taken up, those that are another than before.
    pub(super) fn taken_up(&mut self) -> Vec<Op> {
        let waiting = self.names.variables.iter().enumerate().filter_map(|(id, variable)| {
            let live = variable.parameter.as_ref()?.live.filter(|live| live.next_trial)?;
            Some((crate::names::index(id), live.variable))
        });
        let load = |id| Op::new(OpCode::Load, 0, id);
        let take = |(id, next)| {
            let skip = Op::new(OpCode::JumpIfFalse, 0, 2);
            [load(next), load(id), Op::new(OpCode::NotEqual, 0, 0), skip, load(next), Op::new(OpCode::Store, 1, id)]
        };
        waiting.flat_map(take).collect()
    }

    /// Reports a parameter that may change where something must be known before the session.
    pub(super) fn refuse_live(&mut self, expr: &Expr, what: &str) -> Option<()> {
        let mut names = Vec::new();
        words(expr, &mut names);
        for name in names {
            let live = self.names.variable(name).and_then(|(_, variable)| variable.parameter.as_ref()?.live);
            if live.is_some() {
                self.reporter
                    .error(
                        "E275-may-change",
                        expr.span,
                        format!("{what} must be known before the session, and `{name}` may change while it runs"),
                    )
                    .help(format!("take `live` from the parameter `{name}`, or write something else here"));
                return None;
            }
        }
        Some(())
    }

    /// Asks the operator.
    pub(super) fn ask(&mut self, prompt: &Text) -> Option<Vec<Op>> {
        if !self.protocol.prompts.iter().any(|known| known.name.text == prompt.text) {
            if self.names.is_broken(&prompt.text) {
                return None;
            }
            let known = self.protocol.prompts.iter().map(|prompt| prompt.name.text.as_str());
            self.reporter
                .error("E278-unknown-prompt", prompt.span, format!("there is no prompt `{}`", prompt.text))
                .near(&prompt.text, known, |known| {
                    Some(match known.is_empty() {
                        true => format!("declare it: `prompts: {{{}: {{ask: Is the animal in?}}}}`", prompt.text),
                        false => format!("prompts are {}", listed(known.iter().copied())),
                    })
                });
            return None;
        }
        let asked = self.names.event(&format!("{}.ask", prompt.text))?;
        Some(vec![Op::new(OpCode::Signal, 0, asked.0)])
    }

    /// What a state asked for in its entry is taken back when it is left.
    pub(super) fn withdrawn(&self, entry: &[Action]) -> Vec<Op> {
        let asked = entry.iter().filter_map(|action| match &action.kind {
            ActionKind::Ask(prompt) => self.names.event(&format!("{}.withdraw", prompt.text)),
            _ => None,
        });
        asked.map(|event| Op::new(OpCode::Signal, 0, event.0)).collect()
    }

    pub(super) fn check_asked(&mut self) {
        if self.reporter.has_errors() {
            return;
        }
        let asked: Vec<&str> = self
            .protocol
            .actions()
            .iter()
            .filter_map(|action| match &action.kind {
                ActionKind::Ask(prompt) => Some(prompt.text.as_str()),
                _ => None,
            })
            .collect();
        for prompt in self.protocol.prompts.iter().filter(|prompt| !asked.contains(&prompt.name.text.as_str())) {
            self.reporter
                .warning("W045-never-asked", prompt.name.span, format!("`{}` is never asked", prompt.name.text))
                .help(format!("add `- ask: {}` to the entry of a state, or leave the prompt out", prompt.name.text));
        }
    }

    /// What the compiler knows of a name behind its dot.
    pub(super) fn member(
        &mut self,
        owner: &Text,
        member: &'static str,
        value: Option<(Ir, Type)>,
        event: Option<EventId>,
    ) {
        self.names.members.push(Member { owner: owner.text.clone(), member, value, event });
    }

    /// The event behind a dot; none where the name before it is another's. A member that is no event is reported.
    pub(super) fn member_event(&mut self, owner: &str, member: &str, span: Span) -> Option<Option<EventId>> {
        let events: Vec<(&str, EventId)> =
            self.names.members(owner).filter_map(|known| Some((known.member, known.event?))).collect();
        if events.is_empty() {
            return None;
        }
        let found = events.iter().find(|(known, _)| *known == member).map(|(_, event)| *event);
        if found.is_none() {
            let known = || events.iter().map(|(known, _)| *known);
            let whole: Vec<String> = known().map(|known| format!("{owner}.{known}")).collect();
            self.reporter.error("E112-unknown-event", span, format!("`{owner}` has no event `{member}`")).help(
                match nearest(member, known()) {
                    Some(near) => format!("did you mean `{owner}.{near}`?"),
                    None => format!("its events are {}", listed(whole.iter().map(String::as_str))),
                },
            );
        }
        Some(found)
    }
}

/// Whether a timer does not run.
pub(super) fn stopped(timer: link::TimerId) -> Ir {
    Ir::Unary(OpCode::Not, Box::new(Ir::Special(Special::TimerRunning, timer.0.into())))
}

/// Every word of an expression.
fn words<'e>(expr: &'e Expr, found: &mut Vec<&'e str>) {
    match &expr.kind {
        ExprKind::Name(word) => found.push(word),
        ExprKind::Unary { of, .. } | ExprKind::Element { index: of, .. } => words(of, found),
        ExprKind::Binary { left, right, .. } => {
            words(left, found);
            words(right, found);
        }
        ExprKind::Call { arguments, .. } => arguments.iter().for_each(|argument| words(argument, found)),
        ExprKind::Literal(_) | ExprKind::Truth(_) | ExprKind::Dotted { .. } | ExprKind::Broken => {}
    }
}
