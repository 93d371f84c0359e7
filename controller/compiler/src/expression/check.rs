//! Gives expressions their types: every name is resolved, every unit agrees, constants are folded. What comes out can
//! only be right or too deep. Knows nothing of YAML and nothing of operations' bytes.

use link::program::op::{OpCode, Special};
use link::{LineId, StateId};

use super::{Binary, Expr, ExprKind, emit};
use crate::diagnostic::{Reporter, Span, listed};
use crate::kinds::Kind;
use crate::names::{Names, Origin, Scope};
use crate::quantity::{name_of, written};
use crate::symbols::Unit;

/// The most parts of an index that is asked once for each element.
const INDEX_PARTS_MAX: usize = 256;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Truth,
    Count,
    Number,
    Time,
    Volume,
    Length,
    Frequency,
    Level,
    Angle,
    Speed,
    Turning,
    Voltage,
    /// One of a set of labels, by the set's number.
    Label(usize),
    /// The outcome of the trial; 0 while it has none.
    Outcome,
}

impl Type {
    /// The unit a value of this type is kept in.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Truth => Unit::Truth,
            Self::Count => Unit::Count,
            Self::Number => Unit::Number,
            Self::Time => Unit::Time,
            Self::Volume => Unit::Volume,
            Self::Length => Unit::Length,
            Self::Frequency => Unit::Frequency,
            Self::Level => Unit::Level,
            Self::Angle => Unit::Angle,
            Self::Speed => Unit::Speed,
            Self::Turning => Unit::Turning,
            Self::Voltage => Unit::Voltage,
            Self::Label(_) | Self::Outcome => Unit::Label,
        }
    }

    /// The type of values in a unit; none for labels, which need their set.
    pub(crate) fn of(unit: Unit) -> Option<Self> {
        use Type::{Angle, Count, Frequency, Length, Level, Number, Speed, Time, Truth, Turning, Voltage, Volume};
        let all = [Truth, Count, Number, Time, Volume, Length, Frequency, Level, Angle, Speed, Turning, Voltage];
        all.into_iter().find(|ty| ty.unit() == unit)
    }

    pub(super) fn is_quantity(self) -> bool {
        !matches!(self, Self::Truth | Self::Label(_) | Self::Outcome)
    }

    /// As a message calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Truth => "truth (yes or no)",
            Self::Outcome => "trial outcome",
            other => name_of(other.unit()),
        }
    }
}

/// A value to be worked out, its type known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ir {
    Constant(i64),
    Load(u16),
    Special(Special, u16),
    Element(u16, Box<Ir>),
    InState(StateId),
    Unary(OpCode, Box<Ir>),
    Binary(OpCode, Box<Ir>, Box<Ir>),
    If(Box<Ir>, Box<Ir>, Box<Ir>),
}

/// A value and its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) ir: Ir,
    pub(crate) ty: Type,
    pub(crate) span: Span,
}

impl Typed {
    /// The value, if it is known now.
    pub(crate) fn constant(&self) -> Option<i64> {
        match self.ir {
            Ir::Constant(value) => Some(value),
            _ => None,
        }
    }
}

/// Works types out against the names of a protocol.
pub(crate) struct Checker<'a> {
    pub(crate) names: &'a Names,
    pub(crate) scope: Scope,
    pub(crate) reporter: &'a mut Reporter,
    /// Variables whose value is read, to be noted by the caller.
    pub(crate) read: Vec<(u16, Span)>,
    /// Lines whose level is asked.
    pub(crate) levels: Vec<LineId>,
    /// Parameters stand for their values: for what must be known before the session.
    pub(crate) fixed: bool,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(names: &'a Names, scope: Scope, reporter: &'a mut Reporter) -> Self {
        Self { names, scope, reporter, read: Vec::new(), levels: Vec::new(), fixed: false }
    }

    /// An expression that must be of a type. None if it is not, which is reported.
    pub(crate) fn typed(&mut self, expr: &Expr, wanted: Type) -> Option<Typed> {
        // A bare number where a unit is wanted is told so, rather than called a wrong type.
        if let ExprKind::Literal(quantity) = &expr.kind
            && wanted.is_quantity()
        {
            return match quantity.in_base(wanted.unit()) {
                Ok(value) => Some(Typed { ir: Ir::Constant(value), ty: wanted, span: expr.span }),
                Err(error) => {
                    self.reporter.error(error.code(), expr.span, error.message()).help(error.help());
                    None
                }
            };
        }
        let found = self.infer(expr, Some(wanted))?;
        if found.ty == wanted {
            return Some(found);
        }
        if found.ty == Type::Count && wanted == Type::Number {
            return self.widened(found);
        }
        let diagnostic = self.reporter.error(
            "E060-wrong-type",
            expr.span,
            format!("a {} is wanted here, and this is a {}", wanted.name(), found.ty.name()),
        );
        if wanted == Type::Truth && found.ty.is_quantity() {
            diagnostic.help("compare it with something: `… > 0`");
        } else if let (Type::Label(wanted), Type::Label(found)) = (wanted, found.ty) {
            let (wanted, found) = (self.names.labels(wanted), self.names.labels(found));
            diagnostic.help(format!("its labels are {}, not {}", words(wanted), words(found)));
        } else if let (Ir::Load(_), Type::Count | Type::Number) = (&found.ir, found.ty) {
            diagnostic.help("give it a unit where it is declared");
        } else if let (Type::Count, Type::Number) = (wanted, found.ty) {
            diagnostic.help("a count is whole; what takes fractions is declared with a point: `0.0`");
        }
        None
    }

    /// An expression of any type; `hint` says which labels bare words may be.
    pub(crate) fn infer(&mut self, expr: &Expr, hint: Option<Type>) -> Option<Typed> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Broken => None,
            ExprKind::Truth(truth) => Some(Typed { ir: Ir::Constant(i64::from(*truth)), ty: Type::Truth, span }),
            ExprKind::Literal(quantity) => self.literal(quantity, hint, span),
            ExprKind::Name(word) => self.word(word, hint, span),
            ExprKind::Dotted { owner, member, member_span, .. } if self.names.array(owner).is_some() => {
                self.of_array(owner, (member, *member_span), span)
            }
            ExprKind::Dotted { owner, member, member_span, .. } if self.has_members(owner) => {
                self.member(owner, (member, *member_span), span)
            }
            ExprKind::Dotted { owner, owner_span, member, member_span } => {
                self.dotted((owner, *owner_span), (member, *member_span), span)
            }
            ExprKind::Element { list, index, member, .. } if self.names.array(list).is_some() => {
                self.of_element(list, index, member.as_ref(), span)
            }
            ExprKind::Element { list, list_span, index, member: None } => self.element(list, *list_span, index, span),
            ExprKind::Element { list, list_span, index, member: Some((member, member_span)) } => {
                self.cell((list, *list_span), index, (member, *member_span), span)
            }
            ExprKind::Unary { op, of } => self.unary(*op, of, span),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span),
            ExprKind::Call { name, name_span, arguments } => self.call(name, *name_span, arguments, hint, span),
        }
    }

    fn literal(&mut self, quantity: &crate::quantity::Quantity, hint: Option<Type>, span: Span) -> Option<Typed> {
        let natural = match (quantity.natural(), hint) {
            (Some(Unit::Count), Some(Type::Number)) => Some(Unit::Number),
            (natural, _) => natural,
        };
        let Some(unit) = natural else {
            let word = quantity.unit.map_or("", |unit| unit.word);
            self.reporter
                .error("E025-wrong-unit", span, format!("no value of a protocol is measured in {word} yet"))
                .help("levels of lights and lasers are set on the rig");
            return None;
        };
        match quantity.in_base(unit) {
            Ok(value) => Some(Typed { ir: Ir::Constant(value), ty: Type::of(unit)?, span }),
            Err(error) => {
                self.reporter.error(error.code(), span, error.message()).help(error.help());
                None
            }
        }
    }

    fn word(&mut self, word: &str, hint: Option<Type>, span: Span) -> Option<Typed> {
        match hint {
            Some(ty @ Type::Label(set)) => {
                if let Some(index) = self.names.labels(set).iter().position(|label| label == word) {
                    return Some(Typed { ir: Ir::Constant(index as i64), ty, span });
                }
            }
            Some(Type::Outcome) => {
                if word == "none" {
                    return Some(Typed { ir: Ir::Constant(0), ty: Type::Outcome, span });
                }
                if let Some(outcome) = self.names.outcome(word) {
                    return Some(Typed { ir: Ir::Constant(i64::from(outcome.0) + 1), ty: Type::Outcome, span });
                }
            }
            _ => {}
        }
        if word == "outcome" {
            return Some(Typed { ir: Ir::Special(Special::Outcome, 0), ty: Type::Outcome, span });
        }
        if let Some((id, variable)) = self.names.variable(word) {
            let ty = variable.ty?;
            if self.fixed && matches!(variable.origin, Origin::Parameter | Origin::Known) {
                return Some(Typed { ir: Ir::Constant(variable.initial), ty, span });
            }
            self.read.push((id, span));
            return Some(Typed { ir: Ir::Load(id), ty, span });
        }
        self.unknown_word(word, hint, span);
        None
    }

    fn unknown_word(&mut self, word: &str, hint: Option<Type>, span: Span) {
        let names = self.names;
        if names.is_broken(word) {
            return;
        }
        let known = names.told_variables();
        match hint {
            Some(Type::Label(set)) => {
                let labels: Vec<&str> = names.labels(set).iter().map(String::as_str).collect();
                self.reporter
                    .error("E061-unknown-label", span, format!("`{word}` is not one of the labels here"))
                    .near(word, labels.iter().copied(), |labels| {
                        Some(format!("they are {}", listed(labels.iter().copied())))
                    });
            }
            Some(Type::Outcome) => {
                self.reporter
                    .error("E062-unknown-outcome", span, format!("this protocol has no outcome `{word}`"))
                    .near(word, names.outcomes.iter().map(String::as_str), |known| {
                        Some(format!("its outcomes are {}", listed(known.iter().copied())))
                    });
            }
            _ => {
                let diagnostic = self.reporter.error(
                    "E063-unknown-name",
                    span,
                    format!("nothing here is called `{word}`: no parameter, no variable"),
                );
                let truth = match word.to_lowercase().as_str() {
                    "true" | "yes" => Some(true),
                    "false" | "no" => Some(false),
                    _ => None,
                };
                if let Some(truth) = truth {
                    diagnostic.help(format!("write `{truth}`"));
                } else if let Some((_, kind)) = names.line(word) {
                    diagnostic.help(match kind.input() {
                        Some(input) => format!("it is a line; whether it is active is `{word}.{}`", input.level),
                        None if kind.is_sampled() => format!("it is sampled; {}", not_asked(word, kind)),
                        None => format!("it is an output; {}", not_asked(word, kind)),
                    });
                } else if names.timer(word).is_some() {
                    diagnostic.help(format!("it is a timer; ask for `{word}.left` or `{word}.running`"));
                } else if names.has_state(word) {
                    diagnostic.help(format!("it is a state; whether it is active is `in({word})`"));
                } else if names.all_labels().any(|label| label == word) {
                    diagnostic.help("it is a label; a label stands beside the variable it is compared with");
                } else {
                    diagnostic.near(word, known, |known| {
                        (!known.is_empty()).then(|| format!("there are {}", listed(known.iter().copied())))
                    });
                }
            }
        }
    }

    pub(super) fn dotted(&mut self, owner: (&str, Span), member: (&str, Span), span: Span) -> Option<Typed> {
        let special = |special, of, ty| Some(Typed { ir: Ir::Special(special, of), ty, span });
        let (members, found): (Vec<&str>, Option<Typed>) = match (owner.0, member.0) {
            ("session", "time") => return special(Special::SessionTime, 0, Type::Time),
            ("trial", "number") => return special(Special::Trial, 0, Type::Count),
            ("trial", "time") => return special(Special::TrialTime, 0, Type::Time),
            ("state", "time") => {
                let Some(state) = self.scope.state else {
                    self.reporter
                        .error("E064-no-state", span, "`state.time` has no meaning outside a state")
                        .help("use `session.time` or `trial.time`");
                    return None;
                };
                return special(Special::StateTime, state.0, Type::Time);
            }
            (owner, member) if self.names.parts(owner).any(|part| part.member == member) => {
                return self.part(owner, member, span);
            }
            ("session", _) => (vec!["time"], None),
            ("trial", _) => {
                let parts = self.names.parts("trial").map(|part| part.member.as_str());
                (["number", "time"].into_iter().chain(parts).collect(), None)
            }
            ("state", _) => (vec!["time"], None),
            (owner, member) if self.names.members(owner).any(|known| known.value.is_some()) => {
                let values =
                    || self.names.members(owner).filter_map(|known| Some((known.member, known.value.as_ref()?)));
                let found = values().find(|(known, _)| *known == member);
                let found = found.map(|(_, (ir, ty))| Typed { ir: ir.clone(), ty: *ty, span });
                (values().map(|(known, _)| known).collect(), found)
            }
            (owner, member) => {
                if let Some((line, kind)) = self.names.line(owner) {
                    match kind.input() {
                        Some(input) if input.level == member => {
                            self.levels.push(line);
                            return special(Special::Level, line.0.into(), Type::Truth);
                        }
                        Some(input) => (vec![input.level], None),
                        None => {
                            let what = match kind.is_sampled() {
                                true => "is sampled, and its values are no part of an expression",
                                false => "is an output, which cannot be asked",
                            };
                            let help = not_asked(owner, kind);
                            self.reporter.error("E065-no-level", span, format!("`{owner}` {what}")).help(help);
                            return None;
                        }
                    }
                } else if let Some(timer) = self.names.timer(owner) {
                    match member {
                        "left" => return special(Special::TimerLeft, timer.0.into(), Type::Time),
                        "running" => return special(Special::TimerRunning, timer.0.into(), Type::Truth),
                        _ => (vec!["left", "running"], None),
                    }
                } else {
                    (self.names.parts(owner).map(|part| part.member.as_str()).collect(), None)
                }
            }
        };
        if found.is_some() {
            return found;
        }
        if members.is_empty()
            && (self.names.is_broken(owner.0) || self.names.is_broken(&format!("{}.{}", owner.0, member.0)))
        {
            return None;
        }
        if members.is_empty() {
            let names = self.names;
            let known = names.lines.iter().map(|line| line.name.as_str());
            let known = known.chain(names.told_timers()).chain(["session", "trial", "state"]);
            self.reporter
                .error("E063-unknown-name", owner.1, format!("nothing here is called `{}`: no line, no timer", owner.0))
                .near(owner.0, known, |known| Some(format!("there are {}", listed(known.iter().copied()))));
        } else {
            self.reporter.error("E066-unknown-member", member.1, format!("`{}` has no `{}`", owner.0, member.0)).help(
                format!(
                    "write {}",
                    listed(
                        members
                            .iter()
                            .map(|m| format!("{}.{m}", owner.0))
                            .collect::<Vec<_>>()
                            .iter()
                            .map(String::as_str)
                    )
                ),
            );
        }
        None
    }

    fn element(&mut self, list: &str, list_span: Span, index: &Expr, span: Span) -> Option<Typed> {
        let Some((id, found)) = self.names.list(list) else {
            let names = self.names;
            self.reporter.error("E067-unknown-list", list_span, format!("there is no list `{list}`")).near(
                list,
                names.told_lists(),
                |known| {
                    Some(if known.is_empty() {
                        "declare it: `lists: {sizes: [5 µl, 10 µl]}`".to_owned()
                    } else {
                        format!("lists are {}", listed(known.iter().copied()))
                    })
                },
            );
            return None;
        };
        let (ty, length, cells) = (found.ty, found.length, found.cells);
        let list_found = found.clone();
        let index = match self.infer(index, Some(Type::Count))? {
            index @ Typed { ty: Type::Count | Type::Label(_), .. } => index,
            other => {
                self.reporter
                    .error("E060-wrong-type", other.span, format!("an index counts, and this is a {}", other.ty.name()))
                    .help("the first value of a list has the index 0");
                return None;
            }
        };
        if let Some(value) = index.constant()
            && !usize::try_from(value).is_ok_and(|value| value < length)
        {
            self.reporter
                .error("E068-past-the-end", index.span, format!("`{list}` has {length} values, counted from 0"))
                .help(format!("the last is `{list}[{}]`", length.saturating_sub(1)));
            return None;
        }
        if cells.is_some() {
            self.short_index(&index)?;
        }
        // It may be written at any time, wherever it stands.
        self.read.extend(cells.into_iter().flat_map(|first| (first..).take(length)).map(|cell| (cell, span)));
        Some(Typed { ir: list_found.at(id, index.ir), ty, span })
    }

    /// Reports an index that is too long to be worked out anew for each element it may be.
    pub(super) fn short_index(&mut self, index: &Typed) -> Option<()> {
        if emit::parts(&index.ir, INDEX_PARTS_MAX) <= INDEX_PARTS_MAX {
            return Some(());
        }
        self.reporter
            .error(
                "E051-too-long",
                index.span,
                "this index is worked out anew for each element, and is too long for that",
            )
            .help("work it out into a variable with `set`, and write that here");
        None
    }

    fn call(
        &mut self,
        name: &str,
        name_span: Span,
        arguments: &[Expr],
        hint: Option<Type>,
        span: Span,
    ) -> Option<Typed> {
        match (name, arguments) {
            ("min" | "max", [left, right]) => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                let (left, right) = self.alike(left?, right?, Binary::Less, span)?;
                let (ty, code) = (left.ty, if name == "min" { OpCode::Minimum } else { OpCode::Maximum });
                self.folded(code, vec![left, right], ty, span)
            }
            ("abs", [of]) => {
                let of = self.quantity(of)?;
                let ty = of.ty;
                self.folded(OpCode::Absolute, vec![of], ty, span)
            }
            ("if", [condition, yes, no]) => {
                let condition = self.typed(condition, Type::Truth);
                let yes = self.infer(yes, hint);
                let no = self.infer(no, hint.or(yes.as_ref().map(|yes| yes.ty)));
                let (condition, yes, no) = (condition?, yes?, no?);
                let (yes, no) = self.alike(yes, no, Binary::Equal, span)?;
                let ty = yes.ty;
                let ir = match condition.constant() {
                    Some(0) => no.ir,
                    Some(_) => yes.ir,
                    None => Ir::If(Box::new(condition.ir), Box::new(yes.ir), Box::new(no.ir)),
                };
                Some(Typed { ir, ty, span })
            }
            ("in", [state]) => self.in_state(state, span),
            ("min" | "max" | "abs" | "if" | "in", _) => {
                let form = match name {
                    "if" => "if(condition, yes, no)",
                    "in" => "in(state)",
                    "abs" => "abs(x)",
                    "min" => "min(a, b)",
                    _ => "max(a, b)",
                };
                self.reporter
                    .error("E069-arguments", span, format!("`{name}` does not take {} values", arguments.len()))
                    .help(format!("write `{form}`"));
                None
            }
            _ => {
                let known = ["min", "max", "abs", "if", "in"];
                let diagnostic =
                    self.reporter.error("E070-unknown-function", name_span, format!("there is no function `{name}`"));
                if matches!(name, "random" | "rand" | "randint" | "uniform" | "choice" | "chance") {
                    diagnostic.help("what is left to chance is an action of its own: `- draw: {paid: {chance: 0.5}}`");
                } else {
                    diagnostic
                        .near(name, known, |known| Some(format!("functions are {}", listed(known.iter().copied()))));
                }
                None
            }
        }
    }

    fn in_state(&mut self, state: &Expr, span: Span) -> Option<Typed> {
        let path = match &state.kind {
            ExprKind::Name(word) => word.clone(),
            ExprKind::Dotted { owner, member, .. } => format!("{owner}.{member}"),
            _ => {
                self.reporter
                    .error("E071-not-a-state", state.span, "`in(…)` takes the name of a state")
                    .help("write for instance `in(reward)`");
                return None;
            }
        };
        let id = self.names.find_state(&path, self.scope, self.reporter, state.span)?;
        Some(Typed { ir: Ir::InState(id), ty: Type::Truth, span })
    }
}

/// What to do instead of asking a line that has no level.
fn not_asked(line: &str, kind: &Kind) -> String {
    match kind.is_sampled() {
        true => format!(
            "say what to look for on it, `detectors: {{pull: {{line: {line}, reach: 3 mm}}}}`, and ask `pull.reached`"
        ),
        false => "keep what was asked of it in a variable".to_owned(),
    }
}

fn words(labels: &[String]) -> String {
    listed(labels.iter().map(String::as_str))
}

/// A constant as a person writes it.
pub(crate) fn shown(value: i64, ty: Type, names: &Names) -> String {
    match ty {
        Type::Label(set) => usize::try_from(value)
            .ok()
            .and_then(|index| names.labels(set).get(index).cloned())
            .unwrap_or_else(|| value.to_string()),
        other => written(value, other.unit()),
    }
}
