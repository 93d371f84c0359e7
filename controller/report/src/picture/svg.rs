//! An SVG being written: elements, escaping, numbers. Owns that what comes out is valid XML whatever the names hold, and
//! the same for the same input; knows nothing of sessions.

use std::fmt::Write;

/// Where text is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) fill: &'static str,
    pub(crate) bold: bool,
}

impl Text {
    pub(crate) const fn new(size: f64) -> Self {
        Self { size, anchor: Anchor::Start, fill: INK, bold: false }
    }

    pub(crate) const fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(crate) const fn fill(self, fill: &'static str) -> Self {
        Self { fill, ..self }
    }

    pub(crate) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// The colour of text and axes.
pub(crate) const INK: &str = "#222222";
/// The colour of what should step back.
pub(crate) const QUIET: &str = "#6b6b6b";
/// The colour of grids.
pub(crate) const GRID: &str = "#e4e4e4";

/// An SVG being written.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    body: String,
}

impl Svg {
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, style: Text) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { " font-weight=\"600\"" } else { "" };
        let (x, y, size) = (number(x), number(y), number(style.size));
        let (fill, text) = (style.fill, escaped(text));
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\"{weight}>{text}</text>"
        ));
    }

    /// Text that reads upwards.
    pub(crate) fn text_upwards(&mut self, x: f64, y: f64, text: &str, style: Text) {
        let (at, size, text) = (format!("{} {}", number(x), number(y)), number(style.size), escaped(text));
        let fill = style.fill;
        self.put(format_args!(
            "<text transform=\"translate({at}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\" fill=\"{fill}\">{text}</text>"
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        let [x1, y1, x2, y2, width] = [from.0, from.1, to.0, to.1, width].map(number);
        self.put(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"
        ));
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        let [x, y, width, height] = [x, y, width.max(0.0), height.max(0.0)].map(number);
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"));
    }

    pub(crate) fn path(&mut self, path: &Path, stroke: &str, width: f64) {
        self.path_through(path, stroke, width, 1.0);
    }

    /// A path that lets what lies under it shine through: `opacity` from 0 to 1.
    pub(crate) fn path_through(&mut self, path: &Path, stroke: &str, width: f64, opacity: f64) {
        if !path.data.is_empty() {
            let (data, width) = (&path.data, number(width));
            let opacity =
                if opacity < 1.0 { format!(" stroke-opacity=\"{}\"", number(opacity)) } else { String::new() };
            self.put(format_args!(
                "<path d=\"{data}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width}\"{opacity}/>"
            ));
        }
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// The whole file.
    pub(crate) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (width, height, title, body) = (number(width), number(height), escaped(title), self.body);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n\
             <title>{title}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

/// The data of a path: marks and lines in few bytes.
#[derive(Debug, Default)]
pub(crate) struct Path {
    data: String,
}

impl Path {
    /// A vertical mark from `y` downwards.
    pub(crate) fn tick(&mut self, x: f64, y: f64, height: f64) {
        self.push(&format!("M{} {}v{}", number(x), number(y), number(height)));
    }

    /// A horizontal mark from `x` to the right.
    pub(crate) fn bar(&mut self, x: f64, y: f64, width: f64) {
        self.push(&format!("M{} {}h{}", number(x), number(y), number(width)));
    }

    /// On to a point; the first one begins the line.
    pub(crate) fn to(&mut self, x: f64, y: f64) {
        let command = if self.data.is_empty() { 'M' } else { 'L' };
        self.push(&format!("{command}{} {}", number(x), number(y)));
    }

    fn push(&mut self, part: &str) {
        self.data.push_str(part);
    }
}

/// A number with at most two decimals, never in powers of ten.
fn number(value: f64) -> String {
    let rounded = format!("{value:.2}");
    let kept = rounded.trim_end_matches('0').trim_end_matches('.');
    if kept == "-0" { "0".into() } else { kept.into() }
}

/// Text as XML holds it; what XML cannot hold at all becomes U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}

/// About how wide a text is, in px: enough to place what stands behind it.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

/// A name that fits into so many characters.
pub(crate) fn short(name: &str, chars: usize) -> String {
    if name.chars().count() <= chars {
        return name.to_owned();
    }
    name.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_breaks_the_file() {
        assert_eq!(escaped("a<b & \"c\"\n\u{0}'é"), "a&lt;b &amp; &quot;c&quot; \u{FFFD}&#39;é");
        assert_eq!([number(-0.001), number(12.50), number(1e9), number(2.346)], ["0", "12.5", "1000000000", "2.35"]);
        assert_eq!(short("probabilistic", 6), "proba…");
    }
}
