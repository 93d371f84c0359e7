//! Says what is wrong with text that is no YAML, in the words of someone who writes protocols and not parsers. The
//! parser stops where it can go no further, which is often a line past the slip: this finds the slip. Knows lines,
//! brackets and indentation; nothing of keys and what they mean.

use super::{DEPTH, ErrorKind, ScanError};
use crate::diagnostic::Span;

/// What is wrong, where, and what to do.
pub(super) struct Slip {
    pub(super) code: &'static str,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: String,
}

fn slip(code: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) -> Slip {
    Slip { code, span, message: message.into(), help: help.into() }
}

/// A line of the source without its indentation, its comment if it is nothing else, and its end.
#[derive(Clone, Copy)]
struct Line<'s> {
    start: usize,
    text: &'s str,
    indent: usize,
}

impl<'s> Line<'s> {
    /// The line that byte `at` lies in.
    fn around(source: &'s str, at: usize) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let whole = source.get(begin..).unwrap_or("");
        let whole = whole.split_once('\n').map_or(whole, |(line, _)| line);
        let text = whole.trim_start_matches([' ', '\t', '\u{feff}']);
        let indent = whole.len() - text.len();
        Self { start: begin + indent, text: text.trim_end(), indent }
    }

    fn span(self) -> Span {
        Span { start: self.start, end: self.start + self.text.len() }
    }

    /// The lines above that say something, the nearest first.
    fn above(self, source: &'s str) -> impl Iterator<Item = Self> {
        let before = source.get(..self.start - self.indent).unwrap_or("");
        let mut end = before.len();
        std::iter::from_fn(move || {
            let last = end.checked_sub(1)?;
            let line = Self::around(source, last);
            end = line.start - line.indent;
            Some(line)
        })
        .filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
    }
}

/// What is wrong at `error`.
pub(super) fn explain(source: &str, error: &ScanError) -> Slip {
    let at = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
    let letter = source.get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n');
    let here = Span { start: at, end: at + letter.map_or(0, char::len_utf8) };
    let line = Line::around(source, at);
    if let Some(found) = look_alike(source, line).or_else(|| beginning(line, error.kind())) {
        return found;
    }
    if let Some(found) = index(source, here, line) {
        return found;
    }
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => slip(
            "E009-tab",
            here,
            "a tab stands where YAML wants spaces",
            "indent with spaces; most editors can turn tabs into spaces",
        ),
        ErrorKind::RecursionLimitExceeded => slip(
            "E010-too-deep",
            here,
            format!("this is nested more than {DEPTH} levels deep"),
            "no protocol needs this; look for brackets or braces that are opened and never closed",
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => unclosed_quote(source, here, line),
        ErrorKind::InvalidTrailingSingleQuotedScalar => slip(
            "E013-syntax",
            here,
            "the text in quotation marks ended before this",
            "write an apostrophe within '…' twice, or put the text in \"…\"",
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => slip(
            "E013-syntax",
            here,
            "the text in quotation marks ended before this",
            "put the marks around the whole text, or leave them out",
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::MismatchedFlowCollectionEnd { .. } => brackets(source, here),
        ErrorKind::DirectiveDisallowed => {
            slip("E012-directive", here, "YAML directives (`%…`) are not part of the language", "leave this line out")
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => colon(source, here, line),
        ErrorKind::SimpleKeyExpected if !line.text.contains(':') => slip(
            "E013-syntax",
            line.span(),
            "this line lacks its colon",
            format!("write `{}:` above what belongs to it, or `name: value`", short(line.text)),
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::InvalidIndentation
            if at <= line.start =>
        {
            indentation(source, line)
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => slip(
            "E013-syntax",
            here,
            format!("a character that cannot be seen (U+{:04X}) stands here", u32::from(*character)),
            "delete it, and type what stands around it again",
        ),
        ErrorKind::UnexpectedCharacter { character } => slip(
            "E013-syntax",
            here,
            format!("no text begins with `{character}` unless it is quoted"),
            format!("put quotation marks around it: \"{character}…\""),
        ),
        _ => slip(
            "E013-syntax",
            here,
            format!("this is not YAML: {}", error.info()),
            "check the indentation of this line and the one above, and that every key ends in a colon and a space",
        ),
    }
}

/// A character that only looks like the one that is meant, on the line or the one above it: spaces that a text
/// processor or a web page left, and the colons and commas of an Asian keyboard.
fn look_alike(source: &str, line: Line<'_>) -> Option<Slip> {
    const WIDE: &[(char, &str)] = &[('：', "colon"), ('，', "comma"), ('；', "semicolon"), ('\u{3000}', "space")];
    [Some(line), line.above(source).next()].into_iter().flatten().find_map(|line| {
        let strange = |(n, c): (usize, char)| {
            let wide = WIDE.iter().find(|(wide, _)| *wide == c).map(|(_, what)| *what);
            let before = line.text.get(..n).unwrap_or("");
            let space = c == '\u{a0}' && (before.trim().is_empty() || before.ends_with(':'));
            wide.or(space.then_some("space")).map(|what| (n, c, what))
        };
        let (n, c, what) = line.text.char_indices().find_map(strange)?;
        let start = line.start + n;
        Some(slip(
            "E013-syntax",
            Span { start, end: start + c.len_utf8() },
            format!("this looks like a {what} and is another character (U+{:04X})", u32::from(c)),
            format!("type a plain {what} in its place"),
        ))
    })
}

/// `{event: hole[1].in}`: within braces a bracket begins a list, unless it is quoted.
fn index(source: &str, here: Span, line: Line<'_>) -> Option<Slip> {
    let before = source.get(line.start..here.start)?;
    let opens = source.get(here.start..here.end)? == "[" && before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if !opens {
        return None;
    }
    let start = before.rfind([':', ',', '{', '[']).map_or(line.start, |n| line.start + n + 1);
    let mut depth = 0;
    let behind = source.get(here.start..line.start + line.text.len())?;
    let length = behind.find(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        matches!(c, ',' | '}') && depth == 0
    });
    let end = here.start + length.unwrap_or(behind.len());
    let text = source.get(start..end)?.trim();
    let start = end - source.get(start..end)?.trim_start().len();
    let message = "within braces, the bracket of an index begins a list";
    Some(slip("E007-torn", Span { start, end: start + text.len() }, message, format!("quote this: \"{text}\"")))
}

/// A line that begins as none can: with a dash that touches what follows, or with another language's comment.
fn beginning(line: Line<'_>, kind: &ErrorKind) -> Option<Slip> {
    let between_lines = matches!(
        kind,
        ErrorKind::SimpleKeyExpected
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry
            | ErrorKind::MappingValueNotAllowed
    );
    if !between_lines {
        return None;
    }
    if line.text.starts_with('-') && !line.text.starts_with("- ") {
        let dash = Span { start: line.start, end: line.start + 1 };
        return Some(slip("E013-syntax", dash, "a dash needs a space behind it", "write `- …`"));
    }
    is_foreign_comment(line).then(|| no_comment(line))
}

fn is_foreign_comment(line: Line<'_>) -> bool {
    line.text.starts_with("//") || line.text.starts_with("/*")
}

fn no_comment(line: Line<'_>) -> Slip {
    slip("E013-syntax", line.span(), "this is no comment", "a comment begins with `#`")
}

/// A quotation mark that is never closed: the last one on this line or above it.
fn unclosed_quote(source: &str, here: Span, line: Line<'_>) -> Slip {
    let opener = std::iter::once(line).chain(line.above(source).take(3)).find_map(|line| {
        let limit = here.start.saturating_sub(line.start).min(line.text.len());
        let before = line.text.get(..limit)?;
        before.rfind(['"', '\'']).map(|n| Span { start: line.start + n, end: line.start + n + 1 })
    });
    slip(
        "E011-unclosed",
        opener.unwrap_or(here),
        "a quote is opened and never closed",
        "close it with the same quotation mark",
    )
}

/// A colon that cannot stand where it does: most often because something is missing on the line above.
fn colon(source: &str, here: Span, line: Line<'_>) -> Slip {
    let key = line.text.get(..here.start.saturating_sub(line.start)).unwrap_or("");
    let above = line.above(source).next().filter(|above| {
        let key_alone = !key.contains([':', '"', '\'', '{', '[']) && above.indent <= line.indent;
        key_alone && !above.text.contains(": ") && !above.text.ends_with([':', '>', '|'])
    });
    match above {
        Some(above) if is_foreign_comment(above) => no_comment(above),
        Some(above) => match above.text.split_once(':') {
            Some((name, value)) if !name.is_empty() => slip(
                "E013-syntax",
                above.span(),
                "the colon lacks a space behind it",
                format!("write `{}: {}`", short(name), short(value.trim())),
            ),
            _ => slip(
                "E013-syntax",
                above.span(),
                "this line lacks its colon",
                "write `name: value`, or `name:` above what belongs to it",
            ),
        },
        None => slip(
            "E013-syntax",
            here,
            "a colon is not allowed here",
            "text with a colon and a space in it needs quotes: \"…: …\"; or the line above lacks its own colon",
        ),
    }
}

/// A line whose indentation is that of none above it.
fn indentation(source: &str, line: Line<'_>) -> Slip {
    let mut levels: Vec<usize> = Vec::new();
    for above in line.above(source) {
        if levels.last().is_none_or(|last| above.indent < *last) {
            levels.push(above.indent);
        }
        if above.indent == 0 {
            break;
        }
    }
    levels.reverse();
    let levels: Vec<String> = levels.iter().map(usize::to_string).collect();
    slip(
        "E013-syntax",
        line.span(),
        format!("this line is indented by {}, and belongs to nothing above it", line.indent),
        format!(
            "the lines it could stand below are indented by {} spaces: begin it exactly below its sisters",
            levels.join(", ")
        ),
    )
}

/// Something amiss between brackets: one that is never closed is the place to look, else where the reading stopped.
fn brackets(source: &str, here: Span) -> Slip {
    let mut open: Vec<(usize, char)> = Vec::new();
    let (mut quote, mut last) = (None, ' ');
    for (n, c) in source.get(..here.start).unwrap_or("").char_indices() {
        match (quote, c) {
            (Some(mark), _) => quote = if c == mark || (mark == '#' && c == '\n') { None } else { quote },
            (None, '"' | '\'') if !last.is_alphanumeric() => quote = Some(c),
            (None, '#') if last.is_whitespace() => quote = Some('#'),
            (None, '{' | '[') => open.push((n, c)),
            (None, '}' | ']') => {
                open.pop();
            }
            _ => {}
        }
        last = c;
    }
    let line = Line::around(source, here.start);
    // The outermost that was opened on a line before: within it the rest was swallowed.
    let unclosed = open.iter().find(|(n, _)| *n < line.start).copied();
    if let Some((start, opened)) = unclosed {
        let close = if opened == '{' { '}' } else { ']' };
        return slip(
            "E011-unclosed",
            Span { start, end: start + 1 },
            format!("this `{opened}` is never closed"),
            format!("put its `{close}` where the entry ends"),
        );
    }
    if source.get(here.start..here.end) == Some(":") {
        return slip(
            "E013-syntax",
            here,
            "a second colon in one entry",
            "an event of a line is written with a point, `lever.press`; between entries stands a comma; text with a colon needs quotes",
        );
    }
    slip(
        "E011-unclosed",
        here,
        "a bracket or brace is not closed where it should be",
        "every `{` needs its `}` and every `[` its `]`, with commas between the entries",
    )
}

/// As much of a text as a message holds.
fn short(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(40).chain(['…']).collect() } else { text.to_owned() }
}
