//! Expressions: what stands behind `if:`, `after:`, `when:` and wherever a value is wanted. Read here into a tree with
//! places ([`parse`]), given types against the names of a protocol ([`check`]) and turned into operations ([`emit`]).
//! Total by construction: no loops, no effects, no recursion at run time.

mod arrays;
pub(crate) mod check;
pub(crate) mod emit;
mod lexer;
mod members;
mod operators;
pub(crate) mod parse;
mod tables;

use crate::diagnostic::Span;
use crate::quantity::Quantity;

/// An expression as written.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Literal(Quantity),
    Truth(bool),
    /// A word: a variable, a parameter, a label.
    Name(String),
    /// `lever.down`, `session.time`.
    Dotted {
        owner: String,
        owner_span: Span,
        member: String,
        member_span: Span,
    },
    /// `sizes[i]`; `options[choice].size`, with what stands behind the point.
    Element {
        list: String,
        list_span: Span,
        index: Box<Expr>,
        member: Option<(String, Span)>,
    },
    Unary {
        op: Unary,
        of: Box<Expr>,
    },
    Binary {
        op: Binary,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `min(a, b)`, `if(a, b, c)`, `in(state)`.
    Call {
        name: String,
        name_span: Span,
        arguments: Vec<Expr>,
    },
    /// Something already reported.
    Broken,
}

/// Operators before one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
}

/// Operators between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// As written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// How strongly it binds; stronger is larger.
    fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide | Self::Remainder => 6,
        }
    }
}
