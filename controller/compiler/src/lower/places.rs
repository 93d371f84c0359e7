//! Where the rows and guards of a program stand in the text, for what is told of them once the program is whole. Hidden rows,
//! which the compiler makes by itself, have no place and are not judged.

use link::program::op::Op;

use super::Lowering;
use crate::diagnostic::Span;
use crate::expression::check::Type;
use crate::names::Origin;
use crate::paper::Interval;
use crate::quantity::Quantity;
use crate::yaml::Text;

/// A guard or a condition as it is worked out, and where it is written.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) ops: Vec<Op>,
    pub(crate) span: Span,
    pub(crate) of: Asks,
}

/// What asks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The `if` of a transition or a handler.
    Row,
    /// A `when`.
    When,
    /// The `if` of an action.
    Action,
}

/// The places of a program's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Per rule; none for one that stands nowhere.
    pub(crate) rules: Vec<Option<Span>>,
    /// Per time-out.
    pub(crate) afters: Vec<Option<Span>>,
    /// Per `when`.
    pub(crate) whens: Vec<Option<Span>>,
    /// What is asked.
    pub(crate) asked: Vec<Asked>,
    /// Per variable, between what it stays if it is not the program that works it out; none for all others.
    pub(crate) fixed: Vec<Option<Interval>>,
    /// Per variable, whether only a draw names it.
    pub(crate) drawn: Vec<bool>,
    /// Invariants, in the order of their table.
    pub(crate) invariants: Vec<Span>,
}

impl Places {
    /// All rows up to these counts that have no place yet stand at `span`.
    pub(super) fn up_to(&mut self, rules: usize, afters: usize, whens: usize, span: Option<Span>) {
        for (places, count) in [(&mut self.rules, rules), (&mut self.afters, afters), (&mut self.whens, whens)] {
            places.resize(count.max(places.len()), span);
        }
    }

    pub(super) fn asks(&mut self, of: Asks, ops: Vec<Op>, span: Span) {
        self.asked.push(Asked { ops, span, of });
    }
}

impl Lowering<'_> {
    /// Between what variables stay that the program does not work out: a parameter within its range, if it states one.
    pub(super) fn fixed(&self) -> Vec<Option<Interval>> {
        let of = |variable: &crate::names::Variable| match variable.origin {
            Origin::Declared | Origin::Drawn | Origin::Counter => None,
            Origin::Parameter => {
                let written = self.protocol.parameters.iter().find(|parameter| parameter.name.text == variable.name);
                let stated = written.and_then(|written| stated(written.range.as_ref()?, variable.ty?));
                Some(stated.unwrap_or_else(|| self.by_type(variable.ty)))
            }
            // What comes from elsewhere may be anything.
            #[allow(unreachable_patterns)]
            _ => Some(Interval::ANY),
        };
        self.names.variables.iter().map(of).collect()
    }

    fn by_type(&self, ty: Option<Type>) -> Interval {
        match ty {
            Some(Type::Truth) => Interval::TRUTH,
            Some(Type::Label(set)) => {
                Interval { low: 0, high: i64::try_from(self.names.labels(set).len()).unwrap_or(i64::MAX).max(1) - 1 }
            }
            _ => Interval::ANY,
        }
    }
}

/// The range a parameter states, in base units.
fn stated((low, high): &(Text, Text), ty: Type) -> Option<Interval> {
    let base = |text: &Text| Quantity::read(&text.text).and_then(|quantity| quantity.in_base(ty.unit())).ok();
    Some(Interval { low: base(low)?, high: base(high)? })
}
