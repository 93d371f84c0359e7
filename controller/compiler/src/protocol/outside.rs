//! What comes from beyond the rig's pins, as written: events and values from outside, and what the operator is asked.

use super::actions::scalar;
use super::declarations::{entries, labels};
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::yaml::{Entry, Node, Text, Value};

/// An event or a value from outside.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) name: Text,
    pub(crate) about: String,
    pub(crate) value: Option<OutsideValue>,
    /// Keys of the operator, each with the choice it stands for, where there are choices.
    pub(crate) keys: Vec<(Key, Option<Text>)>,
}

/// A value from outside.
#[derive(Debug)]
pub(crate) struct OutsideValue {
    pub(crate) initial: Option<Text>,
    pub(crate) choices: Option<Vec<Text>>,
    pub(crate) range: Option<(Text, Text)>,
    /// From when on it is stale.
    pub(crate) stale: Option<Expr>,
    pub(crate) column: bool,
}

/// A key of the keyboard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) letter: char,
    pub(crate) span: Span,
}

/// Something the operator is asked.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) name: Text,
    /// The question as the operator reads it.
    pub(crate) ask: String,
    pub(crate) form: Form,
}

/// What is an answer.
#[derive(Debug)]
pub(crate) enum Form {
    /// That it is done.
    Done,
    /// One of these.
    Choice(Vec<Text>),
    /// A value; the default where nothing else is typed.
    Value { default: Text, range: Option<(Text, Text)> },
    /// Whatever is written.
    Note,
}

const OUTSIDE: &str = "contact: event";

/// Reads `outside`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Outside> {
    let found = entries(top, "outside", "`outside`", OUTSIDE, reporter);
    found.iter().filter_map(|entry| outside(entry, reporter)).collect()
}

fn outside(entry: &Entry, reporter: &mut Reporter) -> Option<Outside> {
    const KEYS: &[&str] = &["initial", "choices", "range", "stale", "column", "key", "keys", "about"];
    let named = fields::check_name(&entry.key, "something from outside", reporter);
    let name = entry.key.clone();
    if let Value::Scalar(_) = entry.value.value {
        fields::choice(&entry.value, "what comes from outside", &[("event", ())], reporter)?;
        return named.then(|| Outside { name, about: String::new(), value: None, keys: Vec::new() });
    }
    let example = "{initial: 0.0, range: [0, 1], stale: 200 ms}";
    let fields = fields::fields(&entry.value, "something from outside", KEYS, example, reporter)?;
    let about = fields.get("about").and_then(|node| fields::text(node, "`about`", "what it is", reporter));
    let about = about.map(|text| text.text.trim().to_owned()).unwrap_or_default();
    let initial = fields.get("initial").and_then(|node| fields::text(node, "the initial value", "0.0", reporter));
    let choices = fields.get("choices").and_then(|node| {
        let items = fields::list(node, "`choices`", "[left, right]", reporter)?;
        Some(labels(items, reporter))
    });
    let is_value = fields.get("initial").is_some() || fields.get("choices").is_some();
    for key in ["range", "stale", "column", "keys"] {
        if let Some(span) = fields.key(key).filter(|_| !is_value) {
            reporter
                .error("E285-value-or-event", span, format!("`{key}` is of a value, and `{}` is an event", name.text))
                .help("give it `initial: 0.0` with its unit, or `choices: […]`; or leave this out");
        }
    }
    let mut keys = Vec::new();
    if let Some(letter) = fields.get("key").and_then(|node| key(node, reporter)) {
        if is_value {
            reporter
                .error(
                    "E285-value-or-event",
                    letter.span,
                    format!("`key` is of an event, and `{}` is a value", name.text),
                )
                .help("say which key stands for which choice: `keys: {left: l, right: r}`");
        } else {
            keys.push((letter, None));
        }
    }
    if let Some(node) = fields.get("keys") {
        for entry in fields::map(node, "`keys`", "{left: l, right: r}", reporter).unwrap_or_default() {
            keys.extend(key(&entry.value, reporter).map(|letter| (letter, Some(entry.key.clone()))));
        }
    }
    let stale = fields.get("stale").and_then(|node| scalar(node, "200 ms", reporter));
    let range = fields.get("range").and_then(|node| range(node, reporter));
    let column = fields.get("column").and_then(|node| {
        let truths = [("true", true), ("false", false)];
        fields::choice(node, "`column`", &truths, reporter)
    });
    let value = is_value.then(|| OutsideValue {
        initial: initial.cloned(),
        choices,
        range,
        stale,
        column: column.unwrap_or(true),
    });
    named.then_some(Outside { name, about, value, keys })
}

/// A key is one character that can be typed.
fn key(node: &Node, reporter: &mut Reporter) -> Option<Key> {
    let text = fields::text(node, "a key", "c", reporter)?;
    let mut letters = text.text.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if !letter.is_control() && !letter.is_whitespace() => {
            Some(Key { letter, span: text.span })
        }
        _ => {
            reporter
                .error("E277-key", text.span, format!("`{}` is no key: a key is one letter, digit or sign", text.text))
                .help("write for instance `key: c`");
            None
        }
    }
}

/// Two values, the low and the high end.
fn range(node: &Node, reporter: &mut Reporter) -> Option<(Text, Text)> {
    let Some([low, high]) = fields::list(node, "a range", "[0, 1]", reporter) else {
        if let Value::List(_) = node.value {
            reporter
                .error("E031-wrong-shape", fields::short(node), "a range is two values, the low and the high end")
                .help("write for instance `[0, 1]`");
        }
        return None;
    };
    let low = fields::text(low, "the low end of the range", "0", reporter)?;
    Some((low.clone(), fields::text(high, "the high end of the range", "1", reporter)?.clone()))
}

/// Reads `prompts`.
pub(super) fn prompts(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Prompt> {
    let found = entries(top, "prompts", "`prompts`", "placed: {ask: Put the animal into the box.}", reporter);
    found.iter().filter_map(|entry| prompt(entry, reporter)).collect()
}

fn prompt(entry: &Entry, reporter: &mut Reporter) -> Option<Prompt> {
    const KEYS: &[&str] = &["ask", "choices", "default", "range", "note", "about"];
    let named = fields::check_name(&entry.key, "a prompt", reporter);
    let example = "{ask: Put the animal into the box.}";
    let fields = fields::fields(&entry.value, "a prompt", KEYS, example, reporter)?;
    let ask = fields.need("ask", "ask: Put the animal into the box.", reporter);
    let ask = ask.and_then(|node| fields::text(node, "the question", "Which drug?", reporter));
    let note = fields.get("note").and_then(|node| {
        let truths = [("true", true), ("false", false)];
        fields::choice(node, "`note`", &truths, reporter)
    });
    let range = fields.get("range").and_then(|node| range(node, reporter));
    if let (Some(span), None) = (fields.key("range"), fields.get("default")) {
        reporter.error("E279-one-answer", span, format!("`{}` has a range and no default", entry.key.text)).help(
            "add `default: 1.0`, with its unit: it says what is measured, and is taken where nothing else is typed",
        );
        return None;
    }
    let form = match (fields.get("choices"), fields.get("default"), note.unwrap_or(false)) {
        (None, None, false) => Form::Done,
        (None, None, true) => Form::Note,
        (Some(node), None, false) => {
            Form::Choice(labels(fields::list(node, "`choices`", "[saline, drug]", reporter)?, reporter))
        }
        (None, Some(node), false) => {
            let default = fields::text(node, "the default", "1.0", reporter)?.clone();
            Form::Value { default, range }
        }
        _ => {
            reporter
                .error(
                    "E279-one-answer",
                    entry.key.span,
                    format!("`{}` can be answered in more than one way", entry.key.text),
                )
                .help("keep one of `choices`, `default` and `note`; a prompt with none of them waits for Enter");
            return None;
        }
    };
    named.then_some(Prompt { name: entry.key.clone(), ask: ask?.text.trim().to_owned(), form })
}
