//! Operators: which values they join, what comes out, and the result itself where both sides are known.

use link::program::op::OpCode;

use super::check::{Checker, Ir, Type, Typed};
use super::{Binary, Expr, ExprKind, Unary};
use crate::diagnostic::Span;
use crate::names::Names;
use crate::quantity::ONE;

impl Checker<'_> {
    pub(super) fn unary(&mut self, op: Unary, of: &Expr, span: Span) -> Option<Typed> {
        match op {
            Unary::Not => {
                let of = self.typed(of, Type::Truth)?;
                self.folded(OpCode::Not, vec![of], Type::Truth, span)
            }
            Unary::Negate => {
                let of = self.quantity(of)?;
                let ty = of.ty;
                self.folded(OpCode::Negate, vec![of], ty, span)
            }
        }
    }

    pub(super) fn quantity(&mut self, expr: &Expr) -> Option<Typed> {
        let found = self.infer(expr, None)?;
        if !found.ty.is_quantity() {
            self.reporter
                .error("E060-wrong-type", expr.span, format!("a {} cannot be reckoned with", found.ty.name()))
                .help("arithmetic takes numbers and quantities");
            return None;
        }
        Some(found)
    }

    pub(super) fn binary(&mut self, op: Binary, left: &Expr, right: &Expr, span: Span) -> Option<Typed> {
        match op {
            Binary::And | Binary::Or => {
                let (left, right) = (self.typed(left, Type::Truth), self.typed(right, Type::Truth));
                let code = if op == Binary::And { OpCode::And } else { OpCode::Or };
                self.folded(code, vec![left?, right?], Type::Truth, span)
            }
            Binary::Equal | Binary::NotEqual => {
                let (left, right) = self.pair(left, right)?;
                let code = if op == Binary::Equal { OpCode::Equal } else { OpCode::NotEqual };
                let (left, right) = self.alike(left, right, op, span)?;
                self.folded(code, vec![left, right], Type::Truth, span)
            }
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                let (left, right) = self.alike(left?, right?, op, span)?;
                let code =
                    if matches!(op, Binary::Less | Binary::Greater) { OpCode::Less } else { OpCode::LessOrEqual };
                let swapped = matches!(op, Binary::Greater | Binary::GreaterOrEqual);
                let operands = if swapped { vec![right, left] } else { vec![left, right] };
                self.folded(code, operands, Type::Truth, span)
            }
            Binary::Add | Binary::Subtract | Binary::Remainder => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                let (left, right) = self.alike(left?, right?, op, span)?;
                let ty = left.ty;
                let code = match op {
                    Binary::Add => OpCode::Add,
                    Binary::Subtract => OpCode::Subtract,
                    _ => OpCode::Remainder,
                };
                self.folded(code, vec![left, right], ty, span)
            }
            Binary::Multiply => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                self.product(left?, right?, span)
            }
            Binary::Divide => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                self.quotient(left?, right?, span)
            }
        }
    }

    /// Two sides of an equation: a bare word on one side may be a label of the other.
    fn pair(&mut self, left: &Expr, right: &Expr) -> Option<(Typed, Typed)> {
        let is_label = |expr: &Expr, names: &Names| matches!(&expr.kind, ExprKind::Name(word) if word != "outcome" && names.variable(word).is_none());
        if is_label(left, self.names) {
            let right = self.infer(right, None)?;
            let left = self.infer(left, Some(right.ty))?;
            return Some((left, right));
        }
        let left = self.infer(left, None)?;
        let right = self.infer(right, Some(left.ty))?;
        Some((left, right))
    }

    /// Two values of one type; a count beside a plain number becomes one.
    pub(super) fn alike(&mut self, left: Typed, right: Typed, op: Binary, span: Span) -> Option<(Typed, Typed)> {
        match (left.ty, right.ty) {
            (a, b) if a == b => Some((left, right)),
            (Type::Count, Type::Number) => Some((self.widened(left)?, right)),
            (Type::Number, Type::Count) => Some((left, self.widened(right)?)),
            (a, b) => {
                let diagnostic = self.reporter.error(
                    "E060-wrong-type",
                    span,
                    format!("a {} and a {} cannot be joined by `{}`", a.name(), b.name(), op.word()),
                );
                let bare = |typed: &Typed| matches!(typed.ty, Type::Count | Type::Number) && typed.constant().is_some();
                if bare(&left) || bare(&right) {
                    diagnostic.help("the bare number lacks a unit");
                } else {
                    diagnostic.help("both sides must measure the same");
                }
                None
            }
        }
    }

    pub(super) fn widened(&mut self, count: Typed) -> Option<Typed> {
        let span = count.span;
        let one = Typed { ir: Ir::Constant(ONE), ty: Type::Number, span };
        self.folded(OpCode::Multiply, vec![count, one], Type::Number, span)
    }

    fn product(&mut self, left: Typed, right: Typed, span: Span) -> Option<Typed> {
        let (code, ty) = match (left.ty, right.ty) {
            (a, Type::Count) | (Type::Count, a) => (OpCode::Multiply, a),
            (a, Type::Number) | (Type::Number, a) => (OpCode::MultiplyScaled, a),
            (a, b) => {
                self.reporter
                    .error("E060-wrong-type", span, format!("a {} times a {} has no meaning here", a.name(), b.name()))
                    .help("one of the two must be a plain number");
                return None;
            }
        };
        self.folded(code, vec![left, right], ty, span)
    }

    fn quotient(&mut self, left: Typed, right: Typed, span: Span) -> Option<Typed> {
        let (code, ty) = match (left.ty, right.ty) {
            (a, b) if a == b => (OpCode::DivideScaled, Type::Number),
            (Type::Count, Type::Number) => {
                let left = self.widened(left)?;
                return self.folded(OpCode::DivideScaled, vec![left, right], Type::Number, span);
            }
            (a, Type::Count) => (OpCode::Divide, a),
            (a, Type::Number) => (OpCode::DivideScaled, a),
            (a, b) => {
                self.reporter
                    .error("E060-wrong-type", span, format!("a {} by a {} has no meaning here", a.name(), b.name()))
                    .help("divide by a plain number, or by something of the same kind");
                return None;
            }
        };
        self.folded(code, vec![left, right], ty, span)
    }

    /// An operation on values, worked out now if they are all known.
    pub(super) fn folded(&mut self, code: OpCode, operands: Vec<Typed>, ty: Type, span: Span) -> Option<Typed> {
        let constants: Option<Vec<i64>> = operands.iter().map(Typed::constant).collect();
        if let Some(constants) = constants {
            return match fold(code, &constants) {
                Some(value) => Some(Typed { ir: Ir::Constant(value), ty, span }),
                None => {
                    let zero = constants.last() == Some(&0)
                        && matches!(code, OpCode::Divide | OpCode::DivideScaled | OpCode::Remainder);
                    let message = if zero { "this divides by zero" } else { "this is too large to be worked out" };
                    self.reporter.error("E072-arithmetic", span, message).help("check the numbers");
                    None
                }
            };
        }
        let mut operands = operands.into_iter().map(|typed| Box::new(typed.ir));
        let ir = match (operands.next(), operands.next()) {
            (Some(left), Some(right)) => Ir::Binary(code, left, right),
            (Some(of), None) => Ir::Unary(code, of),
            _ => return None,
        };
        Some(Typed { ir, ty, span })
    }
}

/// What the device would work out; none where it would refuse.
fn fold(code: OpCode, operands: &[i64]) -> Option<i64> {
    match (code, operands) {
        (OpCode::Negate, [x]) => x.checked_neg(),
        (OpCode::Not, [x]) => Some(i64::from(*x == 0)),
        (OpCode::Absolute, [x]) => x.checked_abs(),
        (OpCode::Add, [x, y]) => x.checked_add(*y),
        (OpCode::Subtract, [x, y]) => x.checked_sub(*y),
        (OpCode::Multiply, [x, y]) => x.checked_mul(*y),
        (OpCode::Divide, [x, y]) => x.checked_div(*y),
        (OpCode::Remainder, [x, y]) => x.checked_rem(*y),
        (OpCode::MultiplyScaled, [x, y]) => rounded(i128::from(*x) * i128::from(*y), i128::from(ONE)),
        (OpCode::DivideScaled, [x, y]) => rounded(i128::from(*x) * i128::from(ONE), i128::from(*y)),
        (OpCode::Minimum, [x, y]) => Some(*x.min(y)),
        (OpCode::Maximum, [x, y]) => Some(*x.max(y)),
        (OpCode::Equal, [x, y]) => Some(i64::from(x == y)),
        (OpCode::NotEqual, [x, y]) => Some(i64::from(x != y)),
        (OpCode::Less, [x, y]) => Some(i64::from(x < y)),
        (OpCode::LessOrEqual, [x, y]) => Some(i64::from(x <= y)),
        (OpCode::And, [x, y]) => Some(i64::from(*x != 0 && *y != 0)),
        (OpCode::Or, [x, y]) => Some(i64::from(*x != 0 || *y != 0)),
        _ => None,
    }
}

/// x / y to the nearest, halves away from zero.
fn rounded(x: i128, y: i128) -> Option<i64> {
    if y == 0 {
        return None;
    }
    let (magnitude, half) = (x.abs(), y.abs() / 2);
    let quotient = (magnitude + half) / y.abs();
    i64::try_from(if (x < 0) != (y < 0) { -quotient } else { quotient }).ok()
}
