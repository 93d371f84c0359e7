//! Reads nodes as what they should be (a mapping with known keys, a list, a name, a quantity) and reports what is not.
//! The grammar of the language stands on these few helpers; they know nothing of it.

use crate::diagnostic::{Reporter, Span, listed, nearest};
use crate::quantity::{Quantity, QuantityError};
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Text, Value};

/// A mapping whose keys are all known.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    span: Span,
    what: &'static str,
    /// Keys that were probably meant by unknown ones, which was told.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// Where a key stands.
    pub(crate) fn key(&self, key: &str) -> Option<Span> {
        key_of(self.entries, key)
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &str, example: &str, reporter: &mut Reporter) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.is_meant(key) {
            reporter
                .error("E030-missing-key", self.short_span(), format!("{} needs `{key}`", self.what))
                .help(format!("add for instance `{example}`"));
        }
        found
    }

    /// Whether an unknown key was probably meant to be this one: that was told, and that this one is missing need not be.
    pub(crate) fn is_meant(&self, key: &str) -> bool {
        self.meant.contains(&key)
    }

    /// The place to point at when the whole is meant: its first key.
    pub(crate) fn short_span(&self) -> Span {
        self.entries.first().map_or(self.span, |entry| entry.key.span)
    }
}

/// What kind of node this is, for messages.
fn describe(node: &Node) -> &'static str {
    match &node.value {
        Value::Scalar(text) if text.text.is_empty() && !text.quoted => "nothing",
        Value::Scalar(_) => "a plain value",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Broken => "something broken",
    }
}

/// A short place for a node that may be long: a scalar whole, a collection by its first line's beginning.
pub(crate) fn short(node: &Node) -> Span {
    match &node.value {
        Value::Map(entries) => entries.first().map_or(node.span, |entry| entry.key.span),
        Value::List(items) => items.first().map_or(node.span, short),
        Value::Scalar(_) | Value::Broken => node.span,
    }
}

fn mismatch(node: &Node, what: &str, wanted: &str, example: &str, reporter: &mut Reporter) {
    if !matches!(node.value, Value::Broken) {
        reporter
            .error("E031-wrong-shape", short(node), format!("{what} must be {wanted}, and this is {}", describe(node)))
            .help(match (&node.value, wanted) {
                (Value::Map(_), "a list") => {
                    format!("begin each item with a dash, `- …`, or write for instance `{example}`")
                }
                _ => format!("write for instance `{example}`"),
            });
    }
}

/// The entries of a mapping with free keys.
pub(crate) fn map<'n>(
    node: &'n Node,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        _ => {
            mismatch(node, what, "a mapping", example, reporter);
            None
        }
    }
}

/// Where a key of a mapping stands, if it is there.
pub(crate) fn key_of(entries: &[Entry], key: &str) -> Option<Span> {
    entries.iter().find(|entry| entry.key.text == key).map(|entry| entry.key.span)
}

/// A mapping whose keys must be among `known`; others are reported and passed over.
pub(crate) fn fields<'n>(
    node: &'n Node,
    what: &'static str,
    known: &[&'static str],
    example: &str,
    reporter: &mut Reporter,
) -> Option<Fields<'n>> {
    let entries = map(node, what, example, reporter)?;
    let meant = check_keys(entries, what, known, reporter);
    Some(Fields { entries, span: node.span, what, meant })
}

/// What other tools call a key.
const ELSEWHERE: &[(&str, &str)] = &[
    ("goto", "to"),
    ("next", "to"),
    ("target", "to"),
    ("timeout", "after"),
    ("timer", "after"),
    ("condition", "if"),
    ("guard", "if"),
    ("then", "do"),
    ("actions", "do"),
    ("on_entry", "entry"),
    ("enter", "entry"),
    ("on_exit", "exit"),
    ("amount", "volume"),
    ("value", "default"),
    ("freq", "frequency"),
    ("dur", "duration"),
];

/// Reports keys that are not among `known`. Returns the known ones that were probably meant.
pub(crate) fn check_keys(
    entries: &[Entry],
    what: &str,
    known: &[&'static str],
    reporter: &mut Reporter,
) -> Vec<&'static str> {
    #[cfg(test)]
    Reporter::knows(what, known);
    let mut meant = Vec::new();
    for entry in entries {
        let key = entry.key.text.as_str();
        if known.contains(&key) {
            continue;
        }
        // `{after:delay}` and `{after delay}` are, to YAML, one word with nothing behind it.
        let torn = known.iter().copied().find_map(|word| {
            let value = key.strip_prefix(word)?.strip_prefix([':', ' ', '='])?;
            Some((word, value.trim()))
        });
        let called = || ELSEWHERE.iter().find(|(other, word)| *other == key && known.contains(word));
        let diagnostic = reporter.error("E032-unknown-key", entry.key.span, format!("{what} has no key `{key}`"));
        let near = if let Some((word, value)) = torn {
            diagnostic.help(format!("a colon and a space stand behind a key: `{word}: {value}`"));
            Some(word)
        } else if let Some((_, word)) = called() {
            diagnostic.help(format!("it is called `{word}` here"));
            Some(*word)
        } else {
            diagnostic.near(key, known.iter().copied(), |known| {
                Some(format!("its keys are {}", listed(known.iter().copied())))
            });
            nearest(key, known.iter().copied())
        };
        meant.extend(near);
    }
    meant
}

/// The items of a list.
pub(crate) fn list<'n>(
    node: &'n Node,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) => Some(items),
        _ => {
            mismatch(node, what, "a list", example, reporter);
            None
        }
    }
}

/// A scalar that is not empty.
pub(crate) fn text<'n>(node: &'n Node, what: &'static str, example: &str, reporter: &mut Reporter) -> Option<&'n Text> {
    match &node.value {
        Value::Scalar(text) if text.text.trim().is_empty() => {
            reporter
                .error("E033-empty", text.span, format!("{what} is empty"))
                .help(format!("write for instance `{example}`, or leave the key out"));
            None
        }
        Value::Scalar(text) => Some(text),
        _ => {
            mismatch(node, what, "a plain value", example, reporter);
            None
        }
    }
}

/// Whether `word` can name something: a letter, then letters, digits and underscores.
pub(crate) fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Words that mean something in expressions and so cannot name things.
pub(crate) const RESERVED: &[&str] = &[
    "and", "or", "not", "if", "in", "true", "false", "min", "max", "abs", "session", "trial", "state", "outcome",
    "back", "forever",
];

/// Reports a name that cannot be one.
pub(crate) fn check_name(name: &Text, what: &str, reporter: &mut Reporter) -> bool {
    if RESERVED.contains(&name.text.as_str()) {
        reporter
            .error(
                "E034-reserved",
                name.span,
                format!("`{}` is a word of the language and cannot name {what}", name.text),
            )
            .help(format!("choose another name, for instance `{}_1`", name.text));
        return false;
    }
    if !is_name(&name.text) {
        let better: String = name.text.trim().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let diagnostic = reporter.error(
            "E035-bad-name",
            name.span,
            format!("`{}` cannot name {what}: a name is a letter, then letters, digits and underscores", name.text),
        );
        if name.text.contains(':') {
            diagnostic.help("a colon that ends a key needs a plain space behind it");
        } else if is_name(&better) {
            diagnostic.help(format!("write `{better}`"));
        }
        return false;
    }
    true
}

/// A name.
pub(crate) fn name<'n>(node: &'n Node, what: &'static str, example: &str, reporter: &mut Reporter) -> Option<&'n Text> {
    let found = text(node, what, example, reporter)?;
    check_name(found, what, reporter).then_some(found)
}

/// Reports a mistake in a quantity.
pub(crate) fn bad_quantity(error: &QuantityError, what: &str, span: Span, reporter: &mut Reporter) {
    let message = if what.is_empty() { error.message() } else { format!("{what}: {}", error.message()) };
    reporter.error(error.code(), span, message).help(error.help());
}

/// A constant quantity in base units of `unit`.
pub(crate) fn quantity(
    node: &Node,
    what: &'static str,
    unit: Unit,
    example: &str,
    reporter: &mut Reporter,
) -> Option<i64> {
    let found = text(node, what, example, reporter)?;
    let value = Quantity::read(&found.text).and_then(|quantity| quantity.in_base(unit));
    value.map_err(|error| bad_quantity(&error, what, found.span, reporter)).ok()
}

/// A constant quantity in base units of `unit` that fits the device's 32 bits.
pub(crate) fn quantity_u32(
    node: &Node,
    what: &'static str,
    unit: Unit,
    least: i64,
    example: &str,
    reporter: &mut Reporter,
) -> Option<u32> {
    let value = quantity(node, what, unit, example, reporter)?;
    let fits = u32::try_from(value).ok().filter(|value| i64::from(*value) >= least);
    if fits.is_none() {
        reporter
            .error(
                "E027-out-of-bounds",
                node.span,
                format!(
                    "{what} must lie between {} and {}",
                    crate::quantity::written(least, unit),
                    crate::quantity::written(i64::from(u32::MAX), unit)
                ),
            )
            .help(format!("write for instance `{example}`"));
    }
    fits
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    what: &'static str,
    choices: &[(&'static str, T)],
    reporter: &mut Reporter,
) -> Option<T> {
    let example = choices.first().map_or("", |(word, _)| word);
    let found = text(node, what, example, reporter)?;
    let chosen = choices.iter().find(|(word, _)| *word == found.text).map(|(_, value)| *value);
    if chosen.is_none() {
        let known = choices.iter().map(|(word, _)| *word);
        reporter.error("E036-unknown-word", found.span, format!("{what} cannot be `{}`", found.text)).near(
            &found.text,
            known,
            |known| Some(format!("it is one of {}", listed(known.iter().copied()))),
        );
    }
    chosen
}
