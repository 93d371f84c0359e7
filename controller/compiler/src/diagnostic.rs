//! What the compiler has to say: each finding with its place, the text it underlines and what to do about it. Owns the
//! stable codes, the way a finding is drawn and the search for near misses; knows nothing of protocols.

use std::fmt;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use serde::Serialize;

use crate::Source;

/// A range of bytes in a source, `start` included, `end` not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The range that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same so many bytes further on.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing runs until it is put right.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnostic {
    /// A code that never changes its meaning, such as `E012-unknown-state`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, as a sentence with the values in it.
    pub message: String,
    /// The file, or the option, it is about.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// Line of what follows the text underlined, counted from 1.
    pub end_line: usize,
    /// Its column in characters, counted from 1.
    pub end_column: usize,
    /// The text underlined.
    pub span: Span,
    /// What stands beside the underline.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Its place in all files of a protocol, counted on from one to the next.
    #[serde(skip)]
    pub(crate) whole: Span,
    #[serde(skip)]
    source: Arc<Source>,
}

impl Diagnostic {
    /// Sets what stands beside the underline.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Sets what to do.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// The same with lines of no more than a screen's width around the finding; none if they are short anyway. A line of
    /// thousands of characters would push what is said of it off the screen.
    fn clipped(&self) -> Option<Self> {
        const WIDEST: usize = 160;
        /// What is kept of the line before the finding.
        const BEFORE: usize = 60;
        let around = self.line.saturating_sub(2)..=self.line;
        let lines = || self.source.text.split_inclusive('\n').enumerate();
        let long = |line: &str| line.chars().nth(WIDEST).is_some();
        if !lines().any(|(n, line)| around.contains(&n) && long(line)) {
            return None;
        }
        let (mut text, mut at, mut span) = (String::new(), 0, self.span);
        for (n, line) in lines() {
            let here = n + 1 == self.line;
            let begin = text.len();
            if !around.contains(&n) || !long(line) {
                text.push_str(line);
                if here {
                    span = Span { start: begin + self.span.start.saturating_sub(at), ..span };
                }
            } else {
                let column =
                    if here { line.get(..self.span.start.saturating_sub(at)).unwrap_or("").chars().count() } else { 0 };
                let skipped = if column > WIDEST - BEFORE { column - BEFORE } else { 0 };
                text.push_str(if skipped > 0 { "…" } else { "" });
                text.extend(line.trim_end().chars().skip(skipped).take(WIDEST));
                if here {
                    let kept: usize = line.chars().skip(skipped).take(column - skipped).map(char::len_utf8).sum();
                    span = Span { start: begin + if skipped > 0 { '…'.len_utf8() } else { 0 } + kept, ..span };
                }
                text.push_str("…\n");
            }
            if here {
                let length = self.span.end.saturating_sub(self.span.start);
                span.end = (span.start + length).min(text.trim_end().len()).max(span.start);
            }
            at += line.len();
        }
        let source = Arc::new(Source { name: self.source.name.clone(), text });
        Some(Self { span, source, ..self.clone() })
    }

    /// "did you mean …?" when one of `known` is near `word`; else `otherwise`.
    pub(crate) fn near<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
        otherwise: impl FnOnce(&[&'k str]) -> Option<String>,
    ) -> &mut Self {
        let known: Vec<&str> = known.into_iter().collect();
        let bare = word.trim_matches(['“', '”', '„', '‘', '’', '"', '\'']);
        let quoted = known.iter().copied().find(|known| *known == bare && bare != word);
        match quoted.or_else(|| nearest(word, known.iter().copied())) {
            Some(near) => self.help = Some(format!("did you mean `{near}`?{}", strange(word, near))),
            None => self.help = otherwise(&known),
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.source.text.is_empty()).then_some(self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let length = self.span.end.saturating_sub(self.span.start);
        Some(Box::new(std::iter::once(LabeledSpan::new(self.label.clone(), self.span.start, length))))
    }
}

impl SourceCode for Diagnostic {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let contents = self.source.text.read_span(span, before, after)?;
        // Columns are counted in characters, as editors do, and not in bytes.
        let column = if contents.column() > 0 { self.column.saturating_sub(1) } else { 0 };
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.file.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            column,
            contents.line_count(),
        )))
    }
}

/// How findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With terminal colours.
    pub colour: bool,
    /// With box-drawing characters; without, plain ASCII.
    pub unicode: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Style {
    /// No colours, box-drawing characters, 110 columns.
    pub const PLAIN: Self = Self { colour: false, unicode: true, width: 110 };
    /// No colours, ASCII alone, 110 columns.
    pub const ASCII: Self = Self { colour: false, unicode: false, width: 110 };
}

/// Findings, in the order of their places.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    /// Each of them.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// All of them drawn with their source, without colours.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_in(Style::PLAIN)
    }

    /// All of them drawn with their source, in a style.
    #[must_use]
    pub fn render_in(&self, style: Style) -> String {
        let theme = match (style.colour, style.unicode) {
            (true, true) => GraphicalTheme::unicode(),
            (false, true) => GraphicalTheme::unicode_nocolor(),
            (true, false) => GraphicalTheme::ascii(),
            (false, false) => GraphicalTheme::none(),
        };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false).with_context_lines(1);
        let mut out = String::new();
        for (n, diagnostic) in self.list.iter().enumerate() {
            if n > 0 {
                out.push('\n');
            }
            // Writing into a string cannot fail; a span outside its source would, and then the sentence must do.
            let clipped = diagnostic.clipped();
            if handler.render_report(&mut out, clipped.as_ref().unwrap_or(diagnostic)).is_err() {
                out.push_str(&format!("{}: {}\n", diagnostic.code, diagnostic.message));
            }
        }
        out
    }

    /// All of them as a JSON list, for editors.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        // Strings and numbers alone always have a JSON form.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Diagnostics {}

/// Collects findings about one source and what it uses. After [`Reporter::LIMIT`] errors it stops listening: the rest would
/// be echoes.
#[derive(Debug)]
pub(crate) struct Reporter {
    source: Arc<Source>,
    /// Further sources, each with the place of its first byte: spans count on from one to the next.
    others: Vec<(usize, Arc<Source>)>,
    found: Vec<Diagnostic>,
    /// Takes the findings past the limit.
    overflow: Diagnostic,
}

impl Reporter {
    /// How many findings are kept.
    const LIMIT: usize = 100;

    pub(crate) fn new(source: &Source) -> Self {
        let source = Arc::new(source.clone());
        let overflow = diagnostic("", Severity::Error, &source, Span::default(), String::new());
        Self { source, others: Vec::new(), found: Vec::new(), overflow }
    }

    /// One that knows the same sources and has found nothing yet.
    pub(crate) fn fresh(&self) -> Self {
        Self { others: self.others.clone(), ..Self::new(&self.source) }
    }

    /// Adds a source; the place of its first byte.
    pub(crate) fn add_source(&mut self, source: &Source) -> usize {
        let last = self.others.last().map_or((0, &self.source), |(base, source)| (*base, source));
        let base = last.0 + last.1.text.len() + 1;
        self.others.push((base, Arc::new(source.clone())));
        base
    }

    /// The source a span stands in, and the span there.
    fn locate(&self, span: Span) -> (&Arc<Source>, Span) {
        match self.others.iter().rev().find(|(base, _)| *base <= span.start) {
            Some((base, source)) => (source, Span { start: span.start - base, end: span.end.saturating_sub(*base) }),
            None => (&self.source, span),
        }
    }

    /// The source a span stands in, and the span there.
    pub(crate) fn located(&self, span: Span) -> (&Source, Span) {
        let (source, span) = self.locate(span);
        (source, span)
    }

    /// File and line of a span, as a sentence has it.
    pub(crate) fn place(&self, span: Span) -> String {
        let (source, span) = self.locate(span);
        let (line, _) = place(&source.text, floor(&source.text, span.start));
        format!("{} on line {line}", source.name)
    }

    /// One that nobody reads.
    pub(crate) fn silent() -> Self {
        Self::new(&Source { name: String::new(), text: String::new() })
    }

    pub(crate) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(code, Severity::Error, span, message.into())
    }

    pub(crate) fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(code, Severity::Warning, span, message.into())
    }

    fn add(&mut self, code: &'static str, severity: Severity, span: Span, message: String) -> &mut Diagnostic {
        let whole = span;
        let (source, span) = self.locate(span);
        let new = Diagnostic { whole, ..diagnostic(code, severity, source, span, message) };
        let echo = |d: &Diagnostic| d.code == code && d.span == span && d.message == new.message && d.file == new.file;
        let echo = self.found.iter().any(echo);
        if self.found.len() >= Self::LIMIT || echo {
            self.overflow = new;
            return &mut self.overflow;
        }
        self.found.push(new);
        match self.found.last_mut() {
            Some(last) => last,
            None => &mut self.overflow,
        }
    }

    /// The line a byte stands on, counted from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        let (source, span) = self.locate(Span { start: at, end: at });
        place(&source.text, floor(&source.text, span.start)).0
    }

    /// Takes over findings about another source.
    pub(crate) fn adopt(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// Takes over one finding, unless it is there.
    pub(crate) fn adopt_one(&mut self, finding: Diagnostic) {
        let like = |d: &Diagnostic| {
            (d.code, d.span, &d.file, &d.message) == (finding.code, finding.span, &finding.file, &finding.message)
        };
        if !self.found.iter().any(like) {
            self.found.push(finding);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// Takes out the findings that are wanted elsewhere.
    pub(crate) fn take_if(&mut self, wanted: impl Fn(&Diagnostic) -> bool) -> Vec<Diagnostic> {
        let (taken, left) = std::mem::take(&mut self.found).into_iter().partition(wanted);
        self.found = left;
        taken
    }

    pub(crate) fn finish(mut self) -> Diagnostics {
        let level = |d: &Diagnostic| (d.severity == Severity::Warning, d.file != self.source.name);
        self.found.sort_by(|a, b| (level(a), &a.file, a.span.start).cmp(&(level(b), &b.file, b.span.start)));
        Diagnostics { list: self.found }
    }
}

fn diagnostic(code: &'static str, severity: Severity, source: &Arc<Source>, span: Span, message: String) -> Diagnostic {
    let start = floor(&source.text, span.start);
    let end = floor(&source.text, span.end.max(start));
    let ((line, column), (end_line, end_column)) = (place(&source.text, start), place(&source.text, end));
    Diagnostic {
        code,
        severity,
        message,
        file: source.name.clone(),
        line,
        column,
        end_line,
        end_column,
        span: Span { start, end },
        whole: span,
        label: None,
        help: None,
        source: Arc::clone(source),
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    // A byte order mark is no character of the line.
    (before.matches('\n').count() + 1, line.chars().filter(|c| *c != '\u{feff}').count() + 1)
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The known word nearest to `word`, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, candidate)| *far <= allowed && *far < candidate.chars().count())
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// What sets two words apart that may look the same: a letter of another alphabet, a curly quote, a space of no width.
fn strange(word: &str, near: &str) -> String {
    let odd = word.chars().find(|c| !c.is_ascii() && !near.contains(*c));
    odd.map_or(String::new(), |c| format!(" The word here holds the character U+{:04X}.", u32::from(c)))
}

/// Letters to insert, delete, replace or swap with their neighbour to turn one word into the other; case is free.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

/// Words as a sentence lists them: "`a`, `b` and `c`".
pub(crate) fn listed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A word with its article: "a valve", "an output".
pub(crate) fn a(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
