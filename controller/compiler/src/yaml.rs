//! The only place where YAML is read. Makes a tree of nodes with their places, strictly: tags, anchors, merge keys,
//! duplicate keys, a second document and a flow mapping torn at a comma are errors. Knows nothing of what the keys mean,
//! and never guesses types: every scalar stays the text that was written (`on`, `no` and `010` are themselves).

mod syntax;

use std::collections::HashMap;

use serde_yaml::granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StructureStyle};

use crate::Source;
use crate::diagnostic::{Reporter, Span};

/// How deep a document may be nested.
const DEPTH: usize = 48;

/// A piece of text and where each byte of it stands in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Where the scalar stands, with its quotes.
    pub(crate) span: Span,
    /// Whether it was quoted or a block.
    pub(crate) quoted: bool,
    /// For text that does not stand in the source as it is: the place of every byte, and of the end.
    places: Option<Vec<usize>>,
}

impl Text {
    /// Text that stands in the source as it is.
    pub(crate) fn plain(text: &str, span: Span) -> Self {
        Self { text: text.to_owned(), span, quoted: false, places: None }
    }

    /// Text that was worked out: all of it stands for what is written at `span`.
    pub(crate) fn standing_for(text: &str, span: Span) -> Self {
        Self { text: text.to_owned(), span, quoted: false, places: Some(Vec::new()) }
    }

    /// Where bytes `start..end` of the text stand in the source.
    pub(crate) fn span_of(&self, start: usize, end: usize) -> Span {
        match &self.places {
            Some(places) if places.is_empty() => self.span,
            None => Span { start: self.span.start + start, end: self.span.start + end },
            Some(places) => {
                let at = |n: usize| places.get(n).copied().unwrap_or(self.span.end);
                let first = at(start);
                // The end is the place after the last byte, not the place of the next one: between them lies a fold.
                let last = if end > start { at(end - 1) + 1 } else { first };
                Span { start: first, end: last.max(first) }
            }
        }
    }
}

/// A node of the document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

impl Text {
    /// The same where every place lies so many bytes further on.
    fn moved(self, by: usize) -> Self {
        let places = self.places.map(|places| places.into_iter().map(|place| place + by).collect());
        Self { span: self.span.moved(by), places, ..self }
    }
}

impl Node {
    /// The same where every place lies so many bytes further on: for a file that is read behind another.
    pub(crate) fn moved(self, by: usize) -> Self {
        let value = match self.value {
            Value::Scalar(text) => Value::Scalar(text.moved(by)),
            Value::List(items) => Value::List(items.into_iter().map(|item| item.moved(by)).collect()),
            Value::Map(entries) => {
                let moved = |entry: Entry| Entry { key: entry.key.moved(by), value: entry.value.moved(by) };
                Value::Map(entries.into_iter().map(moved).collect())
            }
            Value::Broken => Value::Broken,
        };
        Self { span: self.span.moved(by), value }
    }
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something already reported; whoever meets it stays silent.
    Broken,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Text,
    pub(crate) value: Node,
}

/// Reads a document. None when there is none; what is wrong with it is reported.
pub(crate) fn read(source: &Source, reporter: &mut Reporter) -> Option<Node> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.disallow_directives = true;
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    options.emit_unresolved_aliases = true;
    let mut builder = Builder {
        source,
        reporter,
        parser: Parser::new_from_str_with_options(&source.text, options),
        documents: 0,
        tagged: false,
    };
    let root = builder.document();
    if root.is_none() && !builder.reporter.has_errors() {
        builder.reporter.error("E001-empty", Span::default(), "this file holds nothing").help(
            "a protocol begins with `protocol: its-name`, a rig-config with `rig: its-name`; see docs/language.md",
        );
    }
    root
}

struct Builder<'s, 'r> {
    source: &'s Source,
    reporter: &'r mut Reporter,
    parser: Parser<'s, serde_yaml::granit_parser::StrInput<'s>>,
    documents: usize,
    /// Whether the node about to come was tagged, which was reported.
    tagged: bool,
}

type Located<'s> = (Event<'s>, Span);

impl<'s> Builder<'s, '_> {
    /// The next event that matters; none at the end or after a syntax error, which is reported.
    fn next(&mut self) -> Option<Located<'s>> {
        loop {
            match self.parser.next()? {
                Err(error) => {
                    self.syntax(&error);
                    return None;
                }
                Ok((event, at)) => {
                    let start = at.start.byte_offset().unwrap_or(0);
                    let span = Span { start, end: at.end.byte_offset().unwrap_or(start) };
                    if let Some(tag) = at.tag_span() {
                        let start = tag.start.byte_offset().unwrap_or(0);
                        self.tagged = true;
                        self.tag(Span { start, end: tag.end.byte_offset().unwrap_or(start) });
                    }
                    match event {
                        Event::StreamStart | Event::DocumentEnd => {}
                        Event::StreamEnd => return None,
                        Event::DocumentStart(..) => {
                            self.documents += 1;
                            if self.documents > 1 {
                                self.reporter
                                    .error("E002-second-document", span, "a second document begins here")
                                    .label("`---`")
                                    .help("a file holds one protocol or one rig: put the second one into its own file");
                                return None;
                            }
                        }
                        other => return Some((other, span)),
                    }
                }
            }
        }
    }

    fn document(&mut self) -> Option<Node> {
        let first = self.next()?;
        let root = self.node(first)?;
        if matches!(&root.value, Value::Scalar(text) if text.text.is_empty()) {
            return None;
        }
        // Whatever follows the document is looked at too, so that a second one is noticed.
        while self.next().is_some() {}
        // Text on which the reading stopped is no document: what broke it was told.
        let stopped = matches!(&root.value, Value::Scalar(_)) && self.reporter.has_errors();
        if stopped { None } else { Some(root) }
    }

    fn node(&mut self, (event, span): Located<'s>) -> Option<Node> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.anchor(anchor, span);
                let text = self.text(&text, style, span);
                if std::mem::take(&mut self.tagged) {
                    return Some(Node { span: text.span, value: Value::Broken });
                }
                Some(Node { span: text.span, value: Value::Scalar(text) })
            }
            Event::SequenceStart(style, anchor, _) => {
                self.anchor(anchor, span);
                let mut items = Vec::new();
                let mut end = span;
                loop {
                    let (event, at) = self.next()?;
                    if event == Event::SequenceEnd {
                        end = if style == StructureStyle::Flow { at } else { end };
                        break;
                    }
                    let item = self.node((event, at))?;
                    end = end.to(item.span);
                    items.push(item);
                }
                let span = span.to(end);
                if style == StructureStyle::Flow && self.torn_list(&items, span) {
                    return Some(Node { span, value: Value::Broken });
                }
                Some(Node { span, value: Value::List(items) })
            }
            Event::MappingStart(style, anchor, _) => {
                self.anchor(anchor, span);
                self.mapping(style, span)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.reporter
                    .error("E003-alias", span, "aliases (`*name`) are not part of the language")
                    .help("write the value out here, or make it a parameter and use its name");
                Some(Node { span, value: Value::Broken })
            }
            _ => Some(Node { span, value: Value::Broken }),
        }
    }

    fn mapping(&mut self, style: StructureStyle, start: Span) -> Option<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_at: HashMap<String, usize> = HashMap::new();
        let mut span = start;
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                if style == StructureStyle::Flow {
                    span = span.to(at);
                }
                break;
            }
            let key = self.node((event, at))?;
            let value = self.next()?;
            let value = self.node(value)?;
            span = span.to(key.span).to(value.span);
            let key = match key.value {
                Value::Scalar(text) => text,
                Value::Broken => continue,
                Value::List(_) | Value::Map(_) => {
                    self.reporter
                        .error("E004-key-not-text", key.span, "a key must be a name")
                        .help("brackets and braces need quotes when they are meant as text: \"{…}\"");
                    continue;
                }
            };
            if key.text == "<<" && !key.quoted {
                self.reporter
                    .error("E005-merge-key", key.span, "merge keys (`<<:`) are not part of the language")
                    .help("write the entries out here; what several states share goes into a state that holds them");
                continue;
            }
            if let Some(first) = first_at.get(&key.text) {
                let line = self.line(*first);
                self.reporter
                    .error(
                        "E006-duplicate-key",
                        key.span,
                        format!("`{}` is written twice in one mapping; the first is on line {line}", key.text),
                    )
                    .label("second time")
                    .help("keep one of them; two entries under one name would hide the first");
                continue;
            }
            first_at.insert(key.text.clone(), key.span.start);
            entries.push(Entry { key, value });
        }
        if style == StructureStyle::Flow {
            self.torn_mapping(&mut entries);
        }
        Some(Node { span, value: Value::Map(entries) })
    }

    /// `{x: max(a, b)}` is, to YAML, the two entries `x: max(a` and `b)`. No one ever means that.
    fn torn_mapping(&mut self, entries: &mut Vec<Entry>) {
        self.decimal_comma(entries);
        let mut n = 0;
        while n < entries.len() {
            let Some(Value::Scalar(text)) = entries.get(n).map(|e| &e.value.value) else {
                n += 1;
                continue;
            };
            if text.quoted || open_brackets(&text.text) <= 0 || n + 1 >= entries.len() {
                n += 1;
                continue;
            }
            let mut open = open_brackets(&text.text);
            let mut last = n;
            for (m, later) in entries.iter().enumerate().skip(n + 1) {
                if open <= 0 {
                    break;
                }
                open += open_brackets(&later.key.text);
                if let Value::Scalar(text) = &later.value.value {
                    open += open_brackets(&text.text);
                }
                last = m;
            }
            let end = entries.get(last).map_or(text.span, |e| e.key.span.to(e.value.span));
            let whole = text.span.to(end);
            self.torn(whole);
            if let Some(entry) = entries.get_mut(n) {
                entry.value.value = Value::Broken;
            }
            entries.drain(n + 1..=last);
            n += 1;
        }
    }

    /// `{default: 1,5 s}` is, to YAML, `default: 1` and a key `5 s` with nothing behind it.
    fn decimal_comma(&mut self, entries: &mut Vec<Entry>) {
        let mut n = 1;
        while n < entries.len() {
            let (Some(before), Some(here)) = (entries.get(n - 1), entries.get(n)) else { break };
            let nothing = matches!(&here.value.value, Value::Scalar(text) if text.text.is_empty() && !text.quoted);
            let whole = before.value.span.to(here.key.span);
            let raw = self.slice(whole);
            let number = matches!(&before.value.value, Value::Scalar(text) if !text.quoted && text.text.ends_with(|c: char| c.is_ascii_digit()));
            if !(nothing && number && here.key.text.starts_with(|c: char| c.is_ascii_digit())) {
                n += 1;
                continue;
            }
            let digits = here.key.text.bytes().take_while(u8::is_ascii_digit).count();
            let help = match digits {
                3 => format!("thousands have no comma: `{}`", raw.replacen(',', "", 1)),
                _ => format!("decimals take a point: `{}`", raw.replacen(',', ".", 1)),
            };
            self.reporter
                .error("E014-decimal-comma", whole, "the comma ends the entry in the middle of this number")
                .help(help);
            if let Some(entry) = entries.get_mut(n - 1) {
                entry.value.value = Value::Broken;
            }
            entries.remove(n);
        }
    }

    fn torn_list(&mut self, items: &[Node], span: Span) -> bool {
        for (n, item) in items.iter().enumerate() {
            let Value::Scalar(text) = &item.value else { continue };
            if !text.quoted && open_brackets(&text.text) > 0 && n + 1 < items.len() {
                let end = items
                    .iter()
                    .skip(n + 1)
                    .find(|later| matches!(&later.value, Value::Scalar(t) if open_brackets(&t.text) < 0))
                    .map_or(span, |later| later.span);
                self.torn(text.span.to(end));
                return true;
            }
        }
        false
    }

    fn torn(&mut self, span: Span) {
        let raw = self.slice(span).to_owned();
        self.reporter
            .error("E007-torn", span, "the comma inside the parentheses tears this entry in two")
            .label("YAML ends the value at the comma")
            .help(format!("quote this: \"{raw}\""));
    }

    fn anchor(&mut self, anchor: usize, node: Span) {
        if anchor != 0 {
            let before = self.source.text.get(..node.start).unwrap_or("");
            let start = before.rfind('&').unwrap_or(node.start);
            let word = before.get(start..).unwrap_or("").split_whitespace().next().map_or(0, str::len);
            self.reporter
                .error(
                    "E003-alias",
                    Span { start, end: start + word },
                    "anchors (`&name`) are not part of the language",
                )
                .help("write the value out where it is used, or make it a parameter and use its name");
        }
    }

    fn tag(&mut self, span: Span) {
        let raw = self.slice(span).to_owned();
        let word = raw.trim_start_matches('!');
        let diagnostic = self
            .reporter
            .error("E008-tag", span, format!("`{raw}` is a YAML tag, and YAML would drop it without a word"))
            .label("a tag");
        if raw.starts_with("!!") || word.is_empty() {
            diagnostic.help("leave it out: the language knows the types of its values");
        } else {
            diagnostic.help(format!("for \"not {word}\" write `not {word}`"));
        }
    }

    fn text(&mut self, text: &str, style: ScalarStyle, span: Span) -> Text {
        let raw = self.slice(span);
        let kept = raw.trim_end();
        let span = Span { start: span.start, end: span.start + kept.len() };
        let quoted = style != ScalarStyle::Plain;
        // The parser reads nothing at all as the null of YAML.
        let text = if kept.is_empty() { "" } else { text };
        let places = (kept != text).then(|| places(text, kept, span.start));
        Text { text: text.trim_end_matches('\n').to_owned(), span, quoted, places }
    }

    fn slice(&self, span: Span) -> &'s str {
        self.source.text.get(span.start..span.end.max(span.start)).unwrap_or("")
    }

    fn line(&self, at: usize) -> usize {
        self.source.text.get(..at).unwrap_or("").matches('\n').count() + 1
    }

    fn syntax(&mut self, error: &ScanError) {
        let found = syntax::explain(&self.source.text, error);
        self.reporter.error(found.code, found.span, found.message).label("here").help(found.help);
    }
}

/// Round brackets opened minus closed.
fn open_brackets(text: &str) -> i32 {
    text.chars().map(|c| i32::from(c == '(') - i32::from(c == ')')).sum()
}

/// Where each byte of `text` stands, walking both along: a space of the text may be a line break and indentation in the
/// source, and what stands in the source only (quotes, backslashes, a block's header) is stepped over.
fn places(text: &str, raw: &str, start: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut rest = raw.char_indices().peekable();
    if raw.starts_with(['|', '>']) {
        while rest.next_if(|(_, c)| *c != '\n').is_some() {}
        while rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    } else if raw.starts_with(['"', '\'']) {
        rest.next();
    }
    let mut at = start;
    for c in text.chars() {
        if c.is_whitespace() {
            if let Some((n, _)) = rest.next_if(|(_, r)| r.is_whitespace()) {
                at = start + n;
                if raw
                    .get(n..)
                    .is_some_and(|tail| tail.split_once('\n').is_some_and(|(line, _)| line.trim().is_empty()))
                {
                    while rest.next_if(|(_, r)| r.is_whitespace()).is_some() {}
                }
            }
        } else {
            while rest.next_if(|(_, r)| *r != c).is_some() {}
            if let Some((n, _)) = rest.next() {
                at = start + n;
            }
        }
        places.extend((0..c.len_utf8()).map(|offset| at + offset));
    }
    places.push((start + raw.len()).max(at));
    places
}
