//! Cuts the text of an expression into tokens. Knows the words other languages use for `not`, `and`, `or` and `==`, to
//! name the right one.

use super::Binary;
use crate::diagnostic::{Reporter, Span};
use crate::quantity::{Quantity, number_length, unit_named};
use crate::yaml::Text;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(Quantity),
    Word(String),
    Operator(Binary),
    Not,
    Open,
    Close,
    OpenSquare,
    CloseSquare,
    Comma,
    Dot,
}

/// Cuts `text` into tokens with their places in the source; none if something is no token, which is reported.
pub(super) fn tokens(text: &Text, reporter: &mut Reporter) -> Option<Vec<(Token, Span)>> {
    let source = text.text.as_str();
    let mut found: Vec<(Token, Span)> = Vec::new();
    let mut at = 0;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..).unwrap_or("");
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, length) = if c.is_ascii_digit() {
            match number(rest) {
                Ok(number) => number,
                Err((error, length)) => {
                    let span = text.span_of(at, at + length);
                    reporter.error(error.code(), span, error.message()).help(error.help());
                    return None;
                }
            }
        } else if c.is_alphabetic() || c == '_' {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let length = word.len();
            let token = match word.as_str() {
                "and" => Token::Operator(Binary::And),
                "or" => Token::Operator(Binary::Or),
                "not" => Token::Not,
                _ => Token::Word(word),
            };
            (token, length)
        } else {
            match symbol(rest) {
                Ok(symbol) => symbol,
                Err((wrong, right)) => {
                    let span = text.span_of(at, at + wrong.len());
                    let diagnostic = reporter.error(
                        "E050-unknown-symbol",
                        span,
                        format!("`{wrong}` means nothing in an expression"),
                    );
                    match right {
                        "" => diagnostic.help("an expression reads like `paid and trial.number > 10`"),
                        // Whole sentences, not a symbol to put in its place.
                        right if right.contains(' ') => diagnostic.help(right),
                        right => diagnostic.help(format!("write `{right}`")),
                    };
                    return None;
                }
            }
        };
        found.push((token, text.span_of(at, at + length)));
        at += length;
    }
    Some(found)
}

type NumberOrError = Result<(Token, usize), (crate::quantity::QuantityError, usize)>;

/// A number and the unit behind it, if there is one.
fn number(rest: &str) -> NumberOrError {
    let digits = number_length(rest);
    let number = rest.get(..digits).unwrap_or("");
    let behind = rest.get(digits..).unwrap_or("");
    let spaces = behind.len() - behind.trim_start().len();
    let behind = behind.trim_start();
    let mut word: String = behind.chars().take_while(|c| c.is_alphabetic() || *c == '°').collect();
    // A speed: no variable that something is divided by is called `s`, since no unit would stand before it.
    if behind.get(word.len()..).is_some_and(|rest| rest.starts_with("/s")) && unit_named(&format!("{word}/s")).is_some()
    {
        word.push_str("/s");
    }
    let after_word = behind.get(word.len()..).unwrap_or("");
    let (unit, length) = if behind.starts_with('%') && is_percent(spaces, behind.get(1..).unwrap_or("")) {
        (unit_named("%"), digits + spaces + 1)
    } else if word.is_empty() || matches!(word.as_str(), "and" | "or") || after_word.starts_with('(') {
        (None, digits)
    } else {
        let length = digits + spaces + word.len();
        match unit_named(&word) {
            Some(unit) => (Some(unit), length),
            None => return Err((crate::quantity::QuantityError::UnknownUnit { word }, length)),
        }
    };
    match Quantity::new(number, unit) {
        Ok(quantity) => Ok((Token::Number(quantity), length)),
        Err(error) => Err((error, length)),
    }
}

/// `50%`, `50 % )` and `50 % and` are per cent; `7 % 2` is a remainder.
fn is_percent(spaces: usize, behind: &str) -> bool {
    let behind = behind.trim_start();
    let next = behind.chars().next();
    let joined = ["and ", "or "].iter().any(|word| behind.starts_with(word));
    spaces == 0 || joined || !next.is_some_and(|c| c.is_alphanumeric() || c == '(' || c == '_')
}

/// A symbol; or the wrong one that stands there, and the right one to write.
fn symbol(rest: &str) -> Result<(Token, usize), (String, &'static str)> {
    const SYMBOLS: &[(&str, Token)] = &[
        ("==", Token::Operator(Binary::Equal)),
        ("!=", Token::Operator(Binary::NotEqual)),
        ("<=", Token::Operator(Binary::LessOrEqual)),
        (">=", Token::Operator(Binary::GreaterOrEqual)),
        ("<", Token::Operator(Binary::Less)),
        (">", Token::Operator(Binary::Greater)),
        ("+", Token::Operator(Binary::Add)),
        ("-", Token::Operator(Binary::Subtract)),
        ("*", Token::Operator(Binary::Multiply)),
        ("/", Token::Operator(Binary::Divide)),
        ("%", Token::Operator(Binary::Remainder)),
        ("(", Token::Open),
        (")", Token::Close),
        ("[", Token::OpenSquare),
        ("]", Token::CloseSquare),
        (",", Token::Comma),
        (".", Token::Dot),
        ("×", Token::Operator(Binary::Multiply)),
        ("−", Token::Operator(Binary::Subtract)),
        ("≤", Token::Operator(Binary::LessOrEqual)),
        ("≥", Token::Operator(Binary::GreaterOrEqual)),
        ("≠", Token::Operator(Binary::NotEqual)),
    ];
    const WRONG: &[(&str, &str)] = &[
        ("===", "=="),
        ("&&", "and"),
        ("||", "or"),
        ("**", "*"),
        ("<>", "!="),
        ("~=", "!="),
        ("+=", ADD),
        ("-=", ADD),
        ("++", ADD),
        ("--", ADD),
        ("–", "-"),
        ("—", "-"),
        ("“", QUOTES),
        ("”", QUOTES),
        ("„", QUOTES),
        ("‘", QUOTES),
        ("’", QUOTES),
        ("\"", QUOTES),
        ("'", QUOTES),
        (":", "a length of time is a number and a unit: `30 min`, `1.5 h`"),
        ("?", "a choice between two values reads `if(condition, yes, no)`"),
    ];
    const ADD: &str = "write the sum out: `streak + 1`";
    const QUOTES: &str = "a label stands without quotation marks";
    const WRONG_SHORT: &[(&str, &str)] = &[("!", "not"), ("=", "=="), ("&", "and"), ("|", "or"), ("~", "not")];
    let wrong = |table: &[(&'static str, &'static str)]| {
        table.iter().find(|(wrong, _)| rest.starts_with(wrong)).map(|(wrong, right)| ((*wrong).to_owned(), *right))
    };
    if let Some(found) = wrong(WRONG) {
        return Err(found);
    }
    if let Some((word, token)) = SYMBOLS.iter().find(|(word, _)| rest.starts_with(word)) {
        return Ok((token.clone(), word.len()));
    }
    Err(wrong(WRONG_SHORT).unwrap_or_else(|| (rest.chars().take(1).collect(), "")))
}
