//! What expressions ask of line arrays: the level of an element that is known or worked out, of any, of all; and which
//! element it was.

use link::program::op::OpCode;

use super::Expr;
use super::check::{Checker, Ir, Type, Typed};
use crate::diagnostic::{Span, listed};
use crate::protocol::arrays::{Array, IS, NUMBER, Which};

impl Checker<'_> {
    /// `hole.which`: the element that the row under way is about, or the one that a row was about last.
    pub(super) fn of_array(&mut self, array: &str, (member, member_span): (&str, Span), span: Span) -> Option<Typed> {
        let names = self.names;
        let (number, array) = names.array(array)?;
        let name = &array.name.text;
        if member != "which" {
            let first = array.words.first().map_or("", String::as_str);
            let message = format!("`{name}` is an array of {} lines, and this says not which", array.words.len());
            self.reporter.error("E232-which-element", member_span, message).help(format!(
                "write `{name}[{first}].{member}`, or `{name}[any].{member}`; which one it was is `{name}.which`"
            ));
            return None;
        }
        let (variable, found) = names.variable(&array.kept())?;
        let ir = match names.element {
            Some((of, element)) if of == number => Ir::Constant(array.value(element)),
            _ => Ir::Load(variable),
        };
        Some(Typed { ir, ty: found.ty?, span })
    }

    /// `hole[target].occupied`: the level of an element or of a part of it.
    pub(super) fn of_element(
        &mut self,
        array: &str,
        index: &Expr,
        member: Option<&(String, Span)>,
        span: Span,
    ) -> Option<Typed> {
        let names = self.names;
        let (_, array) = names.array(array)?;
        let (member, member_span) = member.map_or(("", span), |(member, span)| (member.as_str(), *span));
        let (part, level) = array.part(member);
        if let Some(element) = member.strip_prefix(IS).and_then(|element| element.parse().ok()) {
            return self.is_element(array, index, element, span);
        }
        if member == NUMBER {
            let index = self.index(array, index)?;
            return Some(Typed { ir: self.number(array, index.ir)?, ty: Type::Count, span });
        }
        if level.is_empty() {
            return self.line_alone(array, part, member_span);
        }
        let one = |checker: &mut Self, element| {
            checker.dotted((&array.line(part, element), span), (level, member_span), span)
        };
        let elements = 0..array.words.len();
        let joined = |checker: &mut Self, code| {
            let mut levels = Vec::new();
            for element in elements.clone() {
                levels.push(one(checker, element)?.ir);
            }
            let ir = levels.into_iter().reduce(|all, next| Ir::Binary(code, Box::new(all), Box::new(next)))?;
            Some(Typed { ir, ty: Type::Truth, span })
        };
        let index = match array.which(index, self.reporter)? {
            Which::Any => return joined(self, OpCode::Or),
            Which::All => return joined(self, OpCode::And),
            Which::One(element) => return one(self, element),
            Which::Other => {
                self.reporter
                    .error(
                        "E235-other-than-which",
                        index.span,
                        "`other` means something beside rows that name an element",
                    )
                    .help("say here which: an index, `any` or `all`");
                return None;
            }
            Which::Worked(index) => self.index(array, index)?,
        };
        if let Some(value) = index.constant() {
            let element = if array.labelled {
                usize::try_from(value).ok()
            } else {
                array.element(value, index.span, self.reporter)
            };
            return one(self, element?);
        }
        self.short_index(&index)?;
        let mut ir = self.number(array, index.ir.clone())?;
        for element in elements.rev() {
            let level = one(self, element)?.ir;
            let value = Ir::Constant(array.value(element));
            let is = Ir::Binary(OpCode::Equal, Box::new(index.ir.clone()), Box::new(value));
            ir = Ir::If(Box::new(is), Box::new(level), Box::new(ir));
        }
        Some(Typed { ir, ty: Type::Truth, span })
    }

    /// The number of an element, counted from 1. One that there is not is read past the end of the list of elements, which is
    /// a fault as with any list.
    fn number(&self, array: &Array, index: Ir) -> Option<Ir> {
        let (list, _) = self.names.list(&array.bounds())?;
        let index = match array.value(0) {
            0 => index,
            first => Ir::Binary(OpCode::Subtract, Box::new(index), Box::new(Ir::Constant(first))),
        };
        Some(Ir::Element(list, Box::new(index)))
    }

    /// Whether an index is this element. One that there is not is none.
    fn is_element(&mut self, array: &Array, index: &Expr, element: usize, span: Span) -> Option<Typed> {
        let names = self.names;
        let wanted = names.variable(&array.kept()).and_then(|(_, which)| which.ty)?;
        let found = self.infer(index, Some(wanted))?;
        let value = match found.ty {
            // Labels may stand in another order than the words, or be more of them.
            Type::Label(set) if array.labelled && names.labels(set).iter().any(|label| array.words.contains(label)) => {
                let word = array.words.get(element)?;
                let Some(at) = names.labels(set).iter().position(|label| label == word) else {
                    return Some(Typed { ir: Ir::Constant(0), ty: Type::Truth, span });
                };
                at as i64
            }
            ty if ty == wanted && !array.labelled => array.value(element),
            _ => {
                self.no_index(array, &found);
                return None;
            }
        };
        let value = Typed { ir: Ir::Constant(value), ty: found.ty, span };
        self.folded(OpCode::Equal, vec![found, value], Type::Truth, span)
    }

    /// An index that is worked out: a count, or one of the words of the elements.
    fn index(&mut self, array: &Array, index: &Expr) -> Option<Typed> {
        let names = self.names;
        let wanted = names.variable(&array.kept()).and_then(|(_, which)| which.ty)?;
        let found = self.infer(index, Some(wanted))?;
        let fits = match found.ty {
            Type::Label(set) if array.labelled => {
                names.labels(set).starts_with(&array.words) || array.words.starts_with(names.labels(set))
            }
            ty => ty == wanted && !array.labelled,
        };
        if !fits {
            self.no_index(array, &found);
            return None;
        }
        Some(found)
    }

    /// Reports what can be no index of an array.
    fn no_index(&mut self, array: &Array, index: &Typed) {
        let (name, told, what) = (&array.name.text, array.told(), index.ty.name());
        let message = format!("an index of `{name}` is one of {told}, and this is a {what}");
        let diagnostic = self.reporter.error("E236-index", index.span, message);
        if let (Type::Label(set), true) = (index.ty, array.labelled) {
            let labels = listed(self.names.labels(set).iter().map(String::as_str));
            diagnostic
                .help(format!("give the variable the labels of the array, in their order; its labels are {labels}"));
        } else if array.labelled {
            diagnostic.help(format!("declare a variable for it: `side: {{labels: [{}]}}`", array.words.join(", ")));
        } else {
            diagnostic.help("a numbered array takes a count: 1 is the first");
        }
    }

    /// An element or a part where something of it should stand.
    fn line_alone(&mut self, array: &Array, part: Option<&str>, span: Span) -> Option<Typed> {
        let line = array.line(part, 0);
        let name = part.map_or(format!("{}[…]", array.name.text), |part| format!("{}[…].{part}", array.name.text));
        let level = self.names.line(&line).map(|(_, kind)| kind.input().map(|input| input.level));
        let diagnostic = self.reporter.error("E233-line-alone", span, format!("`{name}` is a line"));
        match level.flatten() {
            Some(level) => diagnostic.help(format!("whether it is active is `{name}.{level}`")),
            None => diagnostic.help("it is an output, which cannot be asked: keep what was asked of it in a variable"),
        };
        None
    }
}
