//! Mutations of a protocol's text: small slips a person could make. Owns what they are and where they are made; judges none.
//!
//! Only what the session does is touched: nothing in names, kinds, sources, pictures, ranges, invariants and comments.

use std::collections::{BTreeMap, BTreeSet};

/// What sorts of slips there are, as the table tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A transition that leads elsewhere, another outcome.
    Target,
    /// Another event, the other edge.
    Event,
    /// A guard turned round or left out, a comparison turned round, `and` for `or`.
    Guard,
    /// Another number.
    Number,
    /// Another unit.
    Unit,
    /// An action or a row left out.
    LeftOut,
    /// Two rows in the other order.
    Order,
}

impl Sort {
    /// Each, with the word for it in the table.
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::Target, "targets"),
        (Self::Event, "events"),
        (Self::Guard, "guards"),
        (Self::Number, "numbers"),
        (Self::Unit, "units"),
        (Self::LeftOut, "left out"),
        (Self::Order, "order"),
    ];
}

/// A protocol with one thing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutation {
    /// What sort of slip it is.
    pub(crate) sort: Sort,
    /// The same in words.
    pub(crate) kind: &'static str,
    /// The keys it stands under, as in `states.ready.entry`.
    pub(crate) path: String,
    /// Among those of a protocol that would have the same name, the how many-th, from 1.
    pub(crate) nth: usize,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// What stood there.
    pub(crate) from: String,
    /// What stands there now.
    pub(crate) to: String,
    /// The whole protocol.
    pub(crate) text: String,
}

/// Sections in which nothing changes what a session does, or which only guard it.
const LEFT_ALONE: &[&str] = &[
    "protocol",
    "about",
    "sources",
    "lines",
    "outcomes",
    "picture",
    "invariants",
    "allow",
    "metadata",
    "forbid",
    "timers",
];

/// A line of the protocol.
#[derive(Debug, Clone, Copy)]
struct Line<'t> {
    /// Where it begins.
    at: usize,
    /// Its text without its comment.
    code: &'t str,
    section: &'t str,
}

/// Every mutation of a protocol, each once.
pub(crate) fn mutations(text: &str) -> Vec<Mutation> {
    let lines = lines(text);
    let mut found = Found { text, lines: &lines, all: Vec::new() };
    let of = |key: &str| distinct(lines.iter().flat_map(|line| values(line.code, key)).map(|(_, value)| value));
    let (targets, outcomes, events) = (of("to"), of("outcome"), of("event"));
    for n in 0..lines.len() {
        let Some(line) = lines.get(n).filter(|line| !LEFT_ALONE.contains(&line.section)) else { continue };
        found.swap(n, "to", Sort::Target, "a transition leads elsewhere", &targets);
        found.swap(n, "outcome", Sort::Target, "another outcome", &outcomes);
        found.swap(n, "event", Sort::Event, "another event", &events);
        found.edges(n);
        found.guards(n);
        found.comparisons(n);
        found.quantities(n);
        if line.section != "parameters" {
            found.drop_item(n);
            found.drop_element(n);
            found.swap_rows(n);
        }
    }
    let mut texts = BTreeSet::new();
    found.all.retain(|mutation| mutation.text != text && texts.insert(mutation.text.clone()));
    let mut names = BTreeMap::new();
    for mutation in &mut found.all {
        let same = (mutation.path.clone(), mutation.kind, mutation.from.clone(), mutation.to.clone());
        let seen = names.entry(same).or_insert(0);
        *seen += 1;
        mutation.nth = *seen;
    }
    found.all
}

impl Mutation {
    /// By what it is known in a list, where its protocol is known.
    pub(crate) fn name(&self) -> String {
        let short = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let nth = if self.nth > 1 { format!(" ({})", self.nth) } else { String::new() };
        format!("{}: {}: `{}` → `{}`{nth}", self.path, self.kind, short(&self.from), short(&self.to))
    }
}

fn indent(code: &str) -> usize {
    code.len() - code.trim_start().len()
}

/// The key a line begins with; none for an item of a list.
fn key(code: &str) -> Option<&str> {
    let (key, _) = code.trim_start().split_once(':')?;
    (!key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(key)
}

/// The keys that a line stands under, its own as the last.
fn path(lines: &[Line<'_>], n: usize) -> String {
    let mut keys = Vec::new();
    let mut within = usize::MAX;
    for line in lines.iter().take(n + 1).rev().filter(|line| !line.code.is_empty()) {
        let indent = indent(line.code);
        if indent < within {
            within = indent;
            keys.extend(key(line.code));
        }
    }
    keys.reverse();
    keys.join(".")
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut found, mut at, mut section) = (Vec::new(), 0, "");
    for line in text.split_inclusive('\n') {
        let code = line.split(" #").next().unwrap_or_default().trim_end();
        let code = if line.trim_start().starts_with('#') { "" } else { code };
        if code.starts_with(|c: char| c.is_alphabetic()) {
            section = code.split(':').next().unwrap_or_default();
        }
        found.push(Line { at, code, section });
        at += line.len();
    }
    found
}

fn distinct<'t>(words: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut found = Vec::new();
    for word in words {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The values of a key in a line: where each begins, and its text up to the end of its own.
fn values<'t>(code: &'t str, key: &str) -> Vec<(usize, &'t str)> {
    let pattern = format!("{key}: ");
    let mut found = Vec::new();
    for (place, _) in code.match_indices(&pattern) {
        let before = code.get(..place).and_then(|before| before.chars().next_back());
        if !before.is_none_or(|c| matches!(c, ' ' | '{')) {
            continue;
        }
        let from = place + pattern.len();
        let rest = code.get(from..).unwrap_or_default();
        let value = rest.get(..end_of_value(rest)).unwrap_or_default().trim_end();
        if !value.is_empty() && !value.starts_with(['{', '[']) {
            found.push((from, value));
        }
    }
    found
}

/// Where a value that begins a text ends: at a comma or a bracket that is not its own.
fn end_of_value(text: &str) -> usize {
    let (mut depth, mut quoted) = (0, false);
    for (n, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => return n,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => return n,
            _ => {}
        }
    }
    text.len()
}

/// What a word for an edge has for its opposite.
const OPPOSITES: &[(&str, &str)] = &[
    ("press", "release"),
    ("lick", "off"),
    ("in", "out"),
    ("reach", "release"),
    ("onset", "end"),
    ("settle", "move"),
    ("enter", "leave"),
    ("rise", "fall"),
    ("break", "clear"),
];

struct Found<'t> {
    text: &'t str,
    lines: &'t [Line<'t>],
    all: Vec<Mutation>,
}

impl<'t> Found<'t> {
    fn line(&self, n: usize) -> Line<'t> {
        self.lines.get(n).copied().unwrap_or(Line { at: 0, code: "", section: "" })
    }

    /// Puts `to` in the place of `length` bytes of line `n`, from `from` on.
    fn put(&mut self, sort: Sort, kind: &'static str, n: usize, from: usize, length: usize, to: &str) {
        let at = self.line(n).at + from;
        let (Some(before), Some(was), Some(behind)) =
            (self.text.get(..at), self.text.get(at..at + length), self.text.get(at + length..))
        else {
            return;
        };
        let text = format!("{before}{to}{behind}");
        let (path, from, to) = (path(self.lines, n), was.trim().to_owned(), to.trim().to_owned());
        self.all.push(Mutation { sort, kind, path, nth: 1, line: n + 1, from, to, text });
    }

    /// The next of the words that stand behind the same key elsewhere.
    fn swap(&mut self, n: usize, key: &str, sort: Sort, kind: &'static str, words: &[&str]) {
        for (from, value) in values(self.line(n).code, key) {
            let Some(place) = words.iter().position(|word| *word == value) else { continue };
            if let Some(next) = words.iter().cycle().skip(place + 1).take(words.len()).find(|word| **word != value) {
                self.put(sort, kind, n, from, value.len(), next);
            }
        }
    }

    fn edges(&mut self, n: usize) {
        for (from, value) in values(self.line(n).code, "event") {
            let Some((line, edge)) = value.split_once('.') else { continue };
            let other = OPPOSITES.iter().find_map(|(on, off)| match edge {
                edge if edge == *on => Some(*off),
                edge if edge == *off => Some(*on),
                _ => None,
            });
            if let Some(other) = other {
                self.put(Sort::Event, "the other edge", n, from, value.len(), &format!("{line}.{other}"));
            }
        }
    }

    fn guards(&mut self, n: usize) {
        let code = self.line(n).code;
        for key in ["if", "when"] {
            for (from, value) in values(code, key) {
                let (quote, bare) = match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    Some(bare) => ("\"", bare),
                    None => ("", value),
                };
                self.put(
                    Sort::Guard,
                    "a guard turned round",
                    n,
                    from,
                    value.len(),
                    &format!("{quote}not ({bare}){quote}"),
                );
                let before = format!(", {key}: ");
                let start =
                    from.checked_sub(before.len()).filter(|start| code.get(*start..from) == Some(before.as_str()));
                if let (Some(start), "if") = (start, key) {
                    self.put(Sort::Guard, "a guard left out", n, start, from + value.len() - start, "");
                }
            }
        }
    }

    fn comparisons(&mut self, n: usize) {
        const SWAPPED: &[(&str, &str)] =
            &[(" == ", " != "), (" != ", " == "), (" < ", " >= "), (" > ", " <= "), (" >= ", " < "), (" <= ", " > ")];
        let code = self.line(n).code;
        for (from, to) in SWAPPED {
            for (place, _) in code.match_indices(from) {
                self.put(Sort::Guard, "a comparison turned round", n, place, from.len(), to);
            }
        }
        for (from, to) in [(" and ", " or "), (" or ", " and ")] {
            for (place, _) in code.match_indices(from).filter(|_| code.contains("if:") || code.contains("when:")) {
                self.put(Sort::Guard, "and for or", n, place, from.len(), to);
            }
        }
    }

    /// Numbers twice as large, and other units. Of a parameter, its default alone.
    fn quantities(&mut self, n: usize) {
        let line = self.line(n);
        let (from, until) = match line.section {
            "parameters" => {
                let Some((from, value)) = values(line.code, "default").first().copied() else { return };
                (from, from + value.len())
            }
            // What is said about something is no number.
            _ => (0, line.code.find("about: ").unwrap_or(line.code.len())),
        };
        let code = line.code.get(..until).unwrap_or_default();
        let asked: Vec<_> = values(code, "ask").into_iter().map(|(from, value)| from..from + value.len()).collect();
        let mut at = from;
        while let Some(start) = code.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit())).map(|n| at + n)
        {
            let rest = code.get(start..).unwrap_or_default();
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            at = start + length.max(1);
            let before = code.get(..start).and_then(|before| before.chars().next_back());
            // A digit of a name is none of a number, nor one of a question.
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                || asked.iter().any(|asked| asked.contains(&start))
            {
                continue;
            }
            let number = rest.get(..length).unwrap_or_default();
            let Ok(value) = number.parse::<f64>() else { continue };
            let unit = rest.get(length..).unwrap_or_default().trim_start();
            let unit = unit.get(..unit.find(|c: char| !c.is_alphabetic() && c != '%').unwrap_or(unit.len()));
            let unit = unit.unwrap_or_default();
            let other = match value {
                0.0 => "1".to_owned(),
                value if unit.is_empty() && value < 1.0 => format!("{}", value / 2.0),
                value => format!("{}", value * 2.0),
            };
            self.put(Sort::Number, "another number", n, start, length, &other);
            let swapped = match unit {
                "ms" => "s",
                "s" | "min" => "ms",
                "Hz" => "kHz",
                "kHz" => "Hz",
                "µl" => "nl",
                "mm" => "cm",
                _ => continue,
            };
            if let Some(place) = rest.find(unit).filter(|_| value != 0.0) {
                self.put(Sort::Unit, "another unit", n, start + place, unit.len(), swapped);
            }
        }
    }

    /// An item of a list that stands on lines of its own.
    fn drop_item(&mut self, n: usize) {
        let code = self.line(n).code;
        let indent = indent(code);
        if !code.trim_start().starts_with("- ") {
            return;
        }
        let last = (n + 1..self.lines.len()).find(|next| {
            let next = self.line(*next).code;
            !next.is_empty() && self::indent(next) <= indent
        });
        let end = last.map_or(self.text.len(), |last| self.line(last).at);
        let length = end - self.line(n).at;
        self.put(Sort::LeftOut, "an action or a row left out", n, 0, length, "");
    }

    /// An element of a list of actions in one line.
    fn drop_element(&mut self, n: usize) {
        let code = self.line(n).code;
        for key in ["entry", "exit", "do"] {
            let Some(place) = code.find(&format!("{key}: [")) else { continue };
            let from = place + key.len() + 3;
            let mut at = from;
            let mut elements = Vec::new();
            loop {
                let rest = code.get(at..).unwrap_or_default();
                let length = end_of_value(rest);
                elements.push((at, length));
                if !code.get(at + length..).is_some_and(|rest| rest.starts_with(',')) {
                    break;
                }
                at += length + 1;
            }
            if let [(only, length)] = elements.as_slice() {
                self.put(Sort::LeftOut, "an action left out", n, *only, *length, "{event: nothing_more}");
                continue;
            }
            for (k, (at, length)) in elements.iter().enumerate() {
                let (at, length) = if k == 0 { (*at, length + 1) } else { (at - 1, length + 1) };
                self.put(Sort::LeftOut, "an action left out", n, at, length, "");
            }
        }
    }

    /// Two rows of transitions that follow one another.
    fn swap_rows(&mut self, n: usize) {
        let (one, other) = (self.line(n), self.line(n + 1));
        let is_row = |code: &str| code.trim_start().starts_with("- {") && code.contains(" to: ");
        // Rows that wait for different things do not stand in each other's way.
        let waits = |code: &'t str| match values(code, "event").first() {
            Some((_, event)) => Some(*event),
            None => ["after: ", "when: "].into_iter().find(|key| code.contains(key)),
        };
        if is_row(one.code)
            && is_row(other.code)
            && waits(one.code) == waits(other.code)
            && indent(one.code) == indent(other.code)
        {
            let length = other.at + other.code.len() - one.at;
            self.put(
                Sort::Order,
                "two rows in the other order",
                n,
                0,
                length,
                &format!("{}\n{}", other.code, one.code),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
protocol: two
prompts: {dose: {ask: \"Which, of 7?\", default: 20}}
start: a
states:
  a:
    entry: [{on: lamp}]
    transitions:
      - {event: lever.press, if: x == 1, to: b}      # 5 of them
      - {after: 2 s, to: a}
  b:
    transitions:
      - {after: 2 s, to: a}
";

    fn names() -> Vec<String> {
        mutations(TEXT).iter().map(Mutation::name).collect()
    }

    #[test]
    fn each_slip_is_made_once_and_known_by_where_it_stands() {
        let names = names();
        for expected in [
            "states.a.transitions: a transition leads elsewhere: `b` → `a`",
            "states.a.transitions: the other edge: `lever.press` → `lever.release`",
            "states.a.transitions: a guard turned round: `x == 1` → `not (x == 1)`",
            "states.a.transitions: a guard left out: `, if: x == 1` → ``",
            "states.a.transitions: a comparison turned round: `==` → `!=`",
            "states.a.transitions: another number: `2` → `4`",
            "states.b.transitions: another number: `2` → `4`",
            "states.b.transitions: another unit: `s` → `ms`",
            "states.b.transitions: an action or a row left out: `- {after: 2 s, to: a}` → ``",
            "states.a.entry: an action left out: `{on: lamp}` → `{event: nothing_more}`",
            "prompts: another number: `20` → `40`",
        ] {
            assert_eq!(names.iter().filter(|name| *name == expected).count(), 1, "{expected}: {names:#?}");
        }
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn a_question_and_a_comment_have_no_numbers() {
        assert!(!names().iter().any(|name| name.contains("`7`") || name.contains("`5`")));
    }
}
