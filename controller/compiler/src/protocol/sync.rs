//! What makes one clock of several recordings, as written: patterns on sync lines, frames out and in.

use super::declarations::entries;
use super::stimuli::period_of_rate;
use crate::diagnostic::{Reporter, Span, listed};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Text};

/// A line that carries a pattern for as long as the session lasts.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) line: Text,
    pub(crate) pattern: Pattern,
    pub(crate) span: Span,
}

/// What a sync line carries; times in µs.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// A number that counts up, again and again.
    Barcode { bits: u32, bit_us: u32, start_us: u32, every_us: u32, first: u32 },
    /// Pulses at one rate.
    Pulses { width_us: u32, period_us: u32 },
    /// Pulses at drawn distances.
    Random { width_us: u32, between: Box<(Expr, Expr)> },
}

/// Frames of a microscope or camera.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) name: Text,
    /// The line that triggers them, and width and period in µs.
    pub(crate) trigger: Option<(Text, u32, u32)>,
    /// The event that tells of one.
    pub(crate) count: Option<Text>,
    /// From when on they have stopped, in µs.
    pub(crate) alarm_us: Option<u32>,
}

const SYNC: &str = "{barcode: {bits: 32, bit: 30 ms, start: 10 ms, every: 30 s}}";

/// Reads `sync`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Sync> {
    let example = "sync: {barcode: {bits: 32, bit: 30 ms, start: 10 ms, every: 30 s}}";
    let found = entries(top, "sync", "`sync`", example, reporter);
    found.iter().filter_map(|entry| sync(entry, reporter)).collect()
}

fn sync(entry: &Entry, reporter: &mut Reporter) -> Option<Sync> {
    const KINDS: &[&str] = &["barcode", "pulses", "random"];
    let keys = fields::fields(&entry.value, "a sync line", KINDS, SYNC, reporter)?;
    let given: Vec<&str> = KINDS.iter().copied().filter(|kind| keys.get(kind).is_some()).collect();
    let [kind] = given.as_slice() else {
        reporter
            .error("E281-one-pattern", entry.key.span, format!("`{}` carries one pattern", entry.key.text))
            .help(format!("give it one of {}: `{SYNC}`", listed(KINDS.iter().copied())));
        return None;
    };
    let node = keys.get(kind)?;
    let pattern = match *kind {
        "barcode" => barcode(node, reporter)?,
        "pulses" => pulses(node, reporter)?,
        _ => random(node, reporter)?,
    };
    Some(Sync { line: entry.key.clone(), pattern, span: keys.key(kind).unwrap_or(node.span) })
}

fn barcode(node: &Node, reporter: &mut Reporter) -> Option<Pattern> {
    const KEYS: &[&str] = &["bits", "bit", "start", "every", "first"];
    let keys = fields::fields(node, "a barcode", KEYS, "{bits: 32, bit: 30 ms, start: 10 ms, every: 30 s}", reporter)?;
    let bits = keys.need("bits", "bits: 32", reporter);
    let bits = bits.and_then(|node| fields::quantity_u32(node, "the number of bits", Unit::Count, 1, "32", reporter));
    let time = |key: &str, what: &'static str, example: &str, reporter: &mut Reporter| {
        let node = keys.need(key, &format!("{key}: {example}"), reporter)?;
        fields::quantity_u32(node, what, Unit::Time, 1, example, reporter)
    };
    let bit_us = time("bit", "the width of a bit", "30 ms", reporter);
    let start_us = time("start", "the width of a start pulse", "10 ms", reporter);
    let every_us = time("every", "the interval", "30 s", reporter);
    let first = keys
        .get("first")
        .map_or(Some(1), |node| fields::quantity_u32(node, "the first number", Unit::Count, 0, "1", reporter));
    Some(Pattern::Barcode { bits: bits?, bit_us: bit_us?, start_us: start_us?, every_us: every_us?, first: first? })
}

fn width(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<u32> {
    let node = keys.need("width", "width: 50 ms", reporter)?;
    fields::quantity_u32(node, "the width", Unit::Time, 1, "50 ms", reporter)
}

/// The period, said as such or as a rate.
fn period(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<u32> {
    match (keys.get("rate"), keys.get("period")) {
        (Some(_), Some(period)) => {
            reporter
                .error("E077-rate-and-period", period.span, "`rate` and `period` say the same thing twice")
                .help("keep one of them");
            None
        }
        (Some(rate), None) => period_of_rate(rate, reporter),
        (None, Some(period)) => fields::quantity_u32(period, "the period", Unit::Time, 1, "1 s", reporter),
        (None, None) => {
            keys.need("rate", "rate: 1 Hz", reporter);
            None
        }
    }
}

fn pulses(node: &Node, reporter: &mut Reporter) -> Option<Pattern> {
    let example = "{rate: 1 Hz, width: 50 ms}";
    let keys = fields::fields(node, "sync pulses", &["rate", "period", "width"], example, reporter)?;
    let (width_us, period_us) = (width(&keys, reporter), period(&keys, reporter));
    let (width_us, period_us) = (width_us?, period_us?);
    not_touching(&keys, width_us, period_us, reporter)?;
    Some(Pattern::Pulses { width_us, period_us })
}

/// Reports pulses without a gap between them.
fn not_touching(keys: &Fields<'_>, width_us: u32, period_us: u32, reporter: &mut Reporter) -> Option<()> {
    if width_us < period_us {
        return Some(());
    }
    let written = |us: u32| crate::quantity::written(us.into(), Unit::Time);
    let message = format!("pulses of {} every {} would touch", written(width_us), written(period_us));
    reporter.error("E078-pulses-touch", keys.short_span(), message).help("make them shorter or fewer a second");
    None
}

fn random(node: &Node, reporter: &mut Reporter) -> Option<Pattern> {
    let example = "{between: [1 s, 3 s], width: 50 ms}";
    let keys = fields::fields(node, "random sync pulses", &["between", "width"], example, reporter)?;
    let width_us = width(&keys, reporter);
    let between = keys.need("between", "between: [1 s, 3 s]", reporter)?;
    let between = Box::new(super::actions::bounds(between, "[1 s, 3 s]", reporter)?);
    Some(Pattern::Random { width_us: width_us?, between })
}

/// Reads `frames`.
pub(super) fn frames(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Frames> {
    let found = entries(top, "frames", "`frames`", "imaging: {count: frame.rise, alarm: 200 ms}", reporter);
    found.iter().filter_map(|entry| frames_of(entry, reporter)).collect()
}

fn frames_of(entry: &Entry, reporter: &mut Reporter) -> Option<Frames> {
    const KEYS: &[&str] = &["count", "alarm", "trigger", "rate", "period", "width", "about"];
    let named = fields::check_name(&entry.key, "frames", reporter);
    let example = "{count: frame.rise, alarm: 200 ms}";
    let keys = fields::fields(&entry.value, "frames", KEYS, example, reporter)?;
    let count = keys.get("count").and_then(|node| fields::text(node, "what is counted", "frame.rise", reporter));
    let alarm_us =
        keys.get("alarm").and_then(|node| fields::quantity_u32(node, "`alarm`", Unit::Time, 1, "200 ms", reporter));
    if keys.get("count").is_none() && keys.get("trigger").is_none() {
        reporter
            .error(
                "E284-frames",
                entry.key.span,
                format!("`{}` neither triggers frames nor counts them", entry.key.text),
            )
            .help(format!("write for instance `{example}`, or `{{trigger: camera, rate: 50 Hz, width: 1 ms}}`"));
        return None;
    }
    if let (Some(span), None) = (keys.key("alarm"), keys.get("count")) {
        reporter
            .error("E284-frames", span, "frames that are not counted are not missed either")
            .help("add for instance `count: frame.rise`");
    }
    let trigger = match keys.get("trigger") {
        None => {
            for key in ["rate", "period", "width"] {
                if let Some(span) = keys.key(key) {
                    reporter
                        .error("E284-frames", span, format!("`{key}` is of frames that are triggered"))
                        .help("add `trigger: …` with the line that triggers them, or leave this out");
                }
            }
            None
        }
        Some(node) => {
            let line = fields::text(node, "the line that triggers frames", "camera", reporter)?.clone();
            let (width_us, period_us) = (width(&keys, reporter), period(&keys, reporter));
            let (width_us, period_us) = (width_us?, period_us?);
            not_touching(&keys, width_us, period_us, reporter)?;
            Some((line, width_us, period_us))
        }
    };
    named.then_some(Frames { name: entry.key.clone(), trigger, count: count.cloned(), alarm_us })
}
