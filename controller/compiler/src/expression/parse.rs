//! Reads tokens as an expression, by the strength with which operators bind. `not` binds more loosely than a comparison
//! and more strongly than `and`, as in a sentence.

use super::lexer::{Token, tokens};
use super::{Binary, Expr, ExprKind, Unary};
use crate::diagnostic::{Reporter, Span};
use crate::yaml::Text;

/// How deep parentheses may be nested; far past any expression a person writes.
const DEPTH: usize = 48;
/// Tokens of one expression.
const TOKENS: usize = 1_000;
/// Binds more strongly than `and`, more loosely than a comparison.
const NOT_STRENGTH: u8 = 3;

/// Reads a text as an expression. What is wrong is reported, and the result is [`ExprKind::Broken`].
pub(crate) fn parse(text: &Text, reporter: &mut Reporter) -> Expr {
    let broken = Expr { span: text.span, kind: ExprKind::Broken };
    let Some(tokens) = tokens(text, reporter) else { return broken };
    if tokens.len() > TOKENS {
        reporter
            .error(
                "E051-too-long",
                text.span,
                format!("this expression has {} parts; {TOKENS} is the most", tokens.len()),
            )
            .help("work out parts of it into variables with `set`");
        return broken;
    }
    let mut parser = Parser { tokens, at: 0, depth: 0, end: text.span_of(text.text.len(), text.text.len()), reporter };
    let Some(expression) = parser.expression(0) else { return broken };
    if let Some((token, span)) = parser.tokens.get(parser.at).cloned() {
        let previous = matches!(expression.kind, ExprKind::Name(_));
        let number = matches!(expression.kind, ExprKind::Literal(_));
        let diagnostic = parser
            .reporter
            .error("E052-syntax", span, "the expression should have ended before this")
            .label("too much");
        match token {
            Token::Word(word) if matches!(word.as_str(), "is" | "equals" | "eq") => {
                diagnostic.help("to compare, write `==`");
            }
            Token::Word(word) if matches!(word.to_lowercase().as_str(), "and" | "or" | "not") => {
                diagnostic.help(format!("write `{}`, in small letters", word.to_lowercase()));
            }
            Token::Word(word) if word == "if" => {
                diagnostic.help("a choice between two values reads `if(condition, yes, no)`");
            }
            Token::Comma if number => {
                diagnostic.help("decimals take a point: `1.5 s`");
            }
            Token::Number(_) if number => {
                diagnostic.help("write one number and one unit: `90 s` for a minute and a half; or add them with `+`");
            }
            Token::Word(_) | Token::Number(_) if previous => {
                diagnostic.help("an operator is missing between the two: `and`, `or`, `==`, `+`, …");
            }
            Token::Close => {
                diagnostic.help("this parenthesis was never opened");
            }
            _ => {
                diagnostic.help("join the parts with `and`, `or`, a comparison or arithmetic");
            }
        }
        return broken;
    }
    expression
}

struct Parser<'r> {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    end: Span,
    reporter: &'r mut Reporter,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn take(&mut self) -> Option<(Token, Span)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |(_, span)| *span)
    }

    fn wanted(&mut self, what: &str) {
        let span = self.here();
        let message = match self.peek() {
            None => format!("the expression ends where {what} is wanted"),
            Some(_) => format!("{what} is wanted here"),
        };
        self.reporter.error("E052-syntax", span, message).help("an expression reads like `paid and trial.number > 10`");
    }

    fn expect(&mut self, token: &Token, what: &str) -> Option<Span> {
        if self.peek() == Some(token) {
            return self.take().map(|(_, span)| span);
        }
        self.wanted(what);
        None
    }

    fn expression(&mut self, least: u8) -> Option<Expr> {
        if self.depth >= DEPTH {
            let span = self.here();
            self.reporter
                .error("E010-too-deep", span, format!("this expression is nested more than {DEPTH} levels deep"))
                .help("work out parts of it into variables with `set`");
            return None;
        }
        self.depth += 1;
        let result = self.climb(least);
        self.depth -= 1;
        result
    }

    fn climb(&mut self, least: u8) -> Option<Expr> {
        let mut left = self.operand()?;
        let mut compared = false;
        while let Some(Token::Operator(op)) = self.peek().cloned() {
            let strength = op.strength();
            if strength < least || strength == 0 {
                break;
            }
            if strength == Binary::Equal.strength() {
                if compared {
                    let span = self.here();
                    self.reporter
                        .error("E053-chained", span, "comparisons cannot be chained")
                        .help("write each one out: `1 s < gap and gap < 5 s`");
                    return None;
                }
                compared = true;
            }
            self.take();
            let right = self.expression(strength + 1)?;
            let span = left.span.to(right.span);
            left = Expr { span, kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) } };
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<Expr> {
        let Some((token, span)) = self.take() else {
            self.wanted("a value");
            return None;
        };
        match token {
            Token::Number(quantity) => Some(Expr { span, kind: ExprKind::Literal(quantity) }),
            Token::Not => self.unary(Unary::Not, NOT_STRENGTH + 1, span),
            Token::Operator(Binary::Subtract) => self.unary(Unary::Negate, 7, span),
            Token::Open => {
                let inner = self.expression(0)?;
                let close = self.expect(&Token::Close, "a closing parenthesis")?;
                Some(Expr { span: span.to(close), kind: inner.kind })
            }
            Token::Word(word) => self.word(word, span),
            _ => {
                self.at -= 1;
                self.wanted("a value");
                None
            }
        }
    }

    fn unary(&mut self, op: Unary, strength: u8, span: Span) -> Option<Expr> {
        let of = self.expression(strength)?;
        Some(Expr { span: span.to(of.span), kind: ExprKind::Unary { op, of: Box::new(of) } })
    }

    fn word(&mut self, word: String, span: Span) -> Option<Expr> {
        match word.as_str() {
            "true" => return Some(Expr { span, kind: ExprKind::Truth(true) }),
            "false" => return Some(Expr { span, kind: ExprKind::Truth(false) }),
            _ => {}
        }
        match self.peek() {
            Some(Token::Open) => {
                self.take();
                let mut arguments = Vec::new();
                if self.peek() != Some(&Token::Close) {
                    arguments.push(self.expression(0)?);
                    while self.peek() == Some(&Token::Comma) {
                        self.take();
                        arguments.push(self.expression(0)?);
                    }
                }
                let close = self.expect(&Token::Close, "a closing parenthesis")?;
                Some(Expr { span: span.to(close), kind: ExprKind::Call { name: word, name_span: span, arguments } })
            }
            Some(Token::OpenSquare) => {
                self.take();
                let index = self.expression(0)?;
                let close = self.expect(&Token::CloseSquare, "a closing bracket")?;
                let mut member = if self.peek() == Some(&Token::Dot) { Some(self.member()?) } else { None };
                // A part of an element of an array: `hole[1].light.end`.
                if let (Some((part, span)), Some(Token::Dot)) = (&member, self.peek()) {
                    let (part, span) = (part.clone(), *span);
                    let (rest, end) = self.member()?;
                    member = Some((format!("{part}.{rest}"), span.to(end)));
                }
                let end = member.as_ref().map_or(close, |(_, span)| *span);
                let kind = ExprKind::Element { list: word, list_span: span, index: Box::new(index), member };
                Some(Expr { span: span.to(end), kind })
            }
            Some(Token::Dot) => {
                let (member, member_span) = self.member()?;
                let kind = ExprKind::Dotted { owner: word, owner_span: span, member, member_span };
                Some(Expr { span: span.to(member_span), kind })
            }
            _ => Some(Expr { span, kind: ExprKind::Name(word) }),
        }
    }

    /// A point and the name behind it.
    fn member(&mut self) -> Option<(String, Span)> {
        self.take();
        let span = self.here();
        let Some(Token::Word(member)) = self.peek().cloned() else {
            self.wanted("a name behind the point");
            return None;
        };
        self.take();
        Some((member, span))
    }
}
