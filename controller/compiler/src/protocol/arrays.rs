//! Line arrays as written: lines that are alike, told apart by a number or a word. Each element is a line of the rig by a
//! name of its own, which is worked out here and nowhere else.

use link::limits::MAX_LINES;

use crate::diagnostic::{Reporter, Span};
use crate::expression::{Expr, ExprKind};
use crate::fields;
use crate::symbols::Unit;
use crate::yaml::{Node, Text, Value};

/// What asks an element for its number, counted from 1; no one can write it.
pub(crate) const NUMBER: &str = "#";
/// What, behind the index of an array and before the number of an element, asks whether the index is this element.
pub(crate) const IS: &str = "#is ";

/// An array of lines.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    pub(crate) name: Text,
    /// The word of each element: `1`, `2`, … or the words it was given.
    pub(crate) words: Vec<String>,
    /// Whether the elements have words of their own rather than numbers.
    pub(crate) labelled: bool,
    /// The kind of the elements themselves; none if they are of parts alone.
    pub(crate) kind: Option<Node>,
    /// What belongs to each element besides, and its kind.
    pub(crate) parts: Vec<(Text, Node)>,
}

impl Array {
    /// The name of an element's line on the rig: `hole_3`, or of a part of it: `hole_light_3`.
    pub(crate) fn line(&self, part: Option<&str>, element: usize) -> String {
        let (name, word) = (&self.name.text, self.words.get(element).map_or("", String::as_str));
        match part {
            None => format!("{name}_{word}"),
            Some(part) => format!("{name}_{part}_{word}"),
        }
    }

    /// As messages call the lines of one kind of all elements, if this line is one of them; and the lines.
    pub(crate) fn siblings(&self, line: &str) -> Option<(String, Vec<String>)> {
        let parts = self.parts.iter().map(|(part, _)| Some(part.text.as_str()));
        self.kind.iter().map(|_| None).chain(parts).find_map(|part| {
            let lines: Vec<String> = (0..self.words.len()).map(|element| self.line(part, element)).collect();
            let name = part.map_or(self.name.text.clone(), |part| format!("{}[…].{part}", self.name.text));
            lines.iter().any(|other| other == line).then_some((name, lines))
        })
    }

    /// The list of its elements, which is read past its end where an index is.
    pub(crate) fn bounds(&self) -> String {
        format!("{}.elements", self.name.text)
    }

    /// The variable that keeps which element it was.
    pub(crate) fn kept(&self) -> String {
        format!("{}.which", self.name.text)
    }

    /// The value of an index that means this element.
    pub(crate) fn value(&self, element: usize) -> i64 {
        let first = usize::from(!self.labelled);
        i64::try_from(element + first).unwrap_or(i64::MAX)
    }

    /// What belongs to an element by this name, or the element itself; and what is asked of it.
    pub(crate) fn part<'m>(&self, member: &'m str) -> (Option<&'m str>, &'m str) {
        let (first, rest) = member.split_once('.').unwrap_or((member, ""));
        if self.parts.iter().any(|(part, _)| part.text == first) { (Some(first), rest) } else { (None, member) }
    }

    /// Which elements an index means; none for one that there is not, which is reported.
    pub(crate) fn which<'e>(&self, index: &'e Expr, reporter: &mut Reporter) -> Option<Which<'e>> {
        match &index.kind {
            ExprKind::Broken => None,
            ExprKind::Name(word) if word == "any" => Some(Which::Any),
            ExprKind::Name(word) if word == "all" => Some(Which::All),
            ExprKind::Name(word) if word == "other" => Some(Which::Other),
            ExprKind::Name(word) if self.labelled => {
                let element = self.words.iter().position(|known| known == word);
                Some(element.map_or(Which::Worked(index), Which::One))
            }
            ExprKind::Literal(number) => match number.in_base(Unit::Count) {
                Ok(value) => self.element(value, index.span, reporter).map(Which::One),
                Err(_) => Some(Which::Worked(index)),
            },
            _ => Some(Which::Worked(index)),
        }
    }

    /// The element of a value that is known; none if there is none, which is reported.
    pub(crate) fn element(&self, value: i64, span: Span, reporter: &mut Reporter) -> Option<usize> {
        let found = (0..self.words.len()).find(|element| !self.labelled && self.value(*element) == value);
        if found.is_none() {
            let (name, told) = (&self.name.text, self.told());
            let first = self.words.first().map_or("", String::as_str);
            let message = format!("`{name}` has no element {value}: its elements are {told}");
            reporter.error("E231-no-such-element", span, message).help(format!("write for instance `{name}[{first}]`"));
        }
        found
    }

    /// The elements, as a message lists them.
    pub(crate) fn told(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [first, .., last] if !self.labelled => format!("`{first}` to `{last}`"),
            all => crate::diagnostic::listed(all.iter().copied()),
        }
    }

    /// Its lines, each with the place of the array's name and the node of its kind.
    fn lines(&self) -> Vec<(Text, Node)> {
        let own = self.kind.iter().map(|kind| (None, kind));
        let parts = self.parts.iter().map(|(part, kind)| (Some(part.text.as_str()), kind));
        let elements = |(part, kind): (Option<&str>, &Node)| {
            let lines = (0..self.words.len()).map(|element| self.line(part, element));
            lines.map(|line| (Text::standing_for(&line, self.name.span), kind.clone())).collect::<Vec<_>>()
        };
        own.chain(parts).flat_map(elements).collect()
    }
}

/// Which elements an index means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'e> {
    Any,
    All,
    /// Any but those that the rows beside it name.
    Other,
    One(usize),
    /// It is worked out as the session runs.
    Worked(&'e Expr),
}

/// Splits what stands under `lines` into lines, those of arrays among them, and arrays.
pub(crate) fn split(written: Vec<(Text, Node)>, reporter: &mut Reporter) -> (Vec<(Text, Node)>, Vec<Array>) {
    let (mut lines, mut arrays) = (Vec::new(), Vec::new());
    for (name, node) in written {
        if !matches!(node.value, Value::Map(_)) {
            lines.push((name, node));
        } else if let Some(array) = array(&name, &node, reporter) {
            lines.extend(array.lines());
            arrays.push(array);
        }
    }
    for (n, (name, _)) in lines.iter().enumerate() {
        if lines.iter().take(n).any(|(other, _)| other.text == name.text) {
            reporter
                .error("E074-named-twice", name.span, format!("the line `{}` is named twice", name.text))
                .help("an element of an array is a line too: `hole[1]` is `hole_1` on the rig");
        }
    }
    (lines, arrays)
}

fn array(name: &Text, node: &Node, reporter: &mut Reporter) -> Option<Array> {
    const EXAMPLE: &str = "{array: 5, kind: poke, parts: {light: light}}";
    let keys = fields::fields(node, "an array of lines", &["array", "kind", "parts", "about"], EXAMPLE, reporter)?;
    let words = keys.need("array", EXAMPLE, reporter).and_then(|node| words(node, reporter));
    let kind = keys.get("kind");
    let mut parts: Vec<(Text, Node)> = Vec::new();
    for entry in
        keys.get("parts").and_then(|node| fields::map(node, "`parts`", "{light: light}", reporter)).unwrap_or(&[])
    {
        if fields::check_name(&entry.key, "a part", reporter) {
            parts.push((entry.key.clone(), entry.value.clone()));
        }
    }
    if kind.is_none() && parts.is_empty() && !keys.is_meant("kind") {
        reporter
            .error("E030-missing-key", keys.short_span(), "an array of lines needs `kind`, or `parts`, or both")
            .help(format!("write for instance `{EXAMPLE}`"));
        return None;
    }
    let (words, labelled) = words?;
    Some(Array { name: name.clone(), words, labelled, kind: kind.cloned(), parts })
}

/// How the elements are told apart: a number of them, or a word for each.
fn words(node: &Node, reporter: &mut Reporter) -> Option<(Vec<String>, bool)> {
    let Value::List(items) = &node.value else {
        let text = fields::text(node, "how many lines an array has", "5", reporter)?;
        let count = text.text.parse::<usize>().ok().filter(|count| (1..=MAX_LINES).contains(count));
        if count.is_none() {
            reporter
                .error("E230-array-size", text.span, format!("`{}` is no number of lines, 1 to {MAX_LINES}", text.text))
                .help("write how many there are, `5`, or a word for each, `[left, right]`");
        }
        return Some(((1..=count?).map(|n| n.to_string()).collect(), false));
    };
    let mut words: Vec<String> = Vec::new();
    for item in items {
        let word = fields::name(item, "a line of an array", "left", reporter)?;
        let taken = match word.text.as_str() {
            "any" | "all" | "other" => format!("`{}` stands for elements that are not named", word.text),
            text if words.iter().any(|other| other == text) => format!("`{text}` is named twice"),
            _ => {
                words.push(word.text.clone());
                continue;
            }
        };
        reporter.error("E074-named-twice", word.span, taken).help("give this element another word");
        return None;
    }
    if words.is_empty() || words.len() > MAX_LINES {
        reporter
            .error(
                "E230-array-size",
                node.span,
                format!("an array has 1 to {MAX_LINES} lines, and this one {}", words.len()),
            )
            .help("write how many there are, `5`, or a word for each, `[left, right]`");
        return None;
    }
    Some((words, true))
}
