//! Reads `sense`: which line of the rig reads back what an output does, and within which time the two must agree. On an
//! analog line a threshold says from where on the output is seen to be on. Knows nothing of any protocol.

use link::limits::MAX_SENSES;
use link::rig::{ANALOG_MAX, Guards, Pattern, Role};

use super::body::Body;
use super::line::LineConfig;
use super::room::check_line;
use crate::diagnostic::{Reporter, Span, a};
use crate::fields::{self, Fields};
use crate::kinds;
use crate::quantity::{Quantity, written};
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Value};

/// What reads an output back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenseConfig {
    /// The line of the rig that sees it.
    pub line: String,
    /// From where on it is seen to be on, if that line is sampled.
    pub above: Option<Pattern>,
    /// How long the two may differ after either has changed, in µs.
    pub within_us: u32,
    /// Whether it trips when they differ for longer.
    pub trips: bool,
}

/// The part of a threshold by which a value must come back before it is lost again.
const HYSTERESIS_PART: i64 = 10;

/// Reads the senses of all lines, once every line is known.
pub(super) fn read(entries: &[Entry], lines: &mut [LineConfig], body: Body, sample_us: u32, reporter: &mut Reporter) {
    let mut found: Vec<(String, SenseConfig)> = Vec::new();
    for entry in entries {
        let Some(node) = stated(entry) else { continue };
        let known = lines.iter().find(|line| line.name == entry.key.text);
        let Some(line) = known.filter(|line| line.line.role.output().is_some()) else { continue };
        let Some((sense, source)) = sense(node, line, lines, (body, sample_us), reporter) else { continue };
        if let Some((other, _)) = found.iter().find(|(_, other)| other.line == sense.line) {
            reporter
                .error("E188-sense", source, format!("`{}` reads back `{other}` already", sense.line))
                .help("give every output a sensor of its own: one that sees two tells neither");
        }
        found.push((entry.key.text.clone(), sense));
        if found.len() == MAX_SENSES + 1 {
            reporter
                .error("E188-sense", source, format!("a device reads back {MAX_SENSES} outputs, and this is one more"))
                .help("leave out `sense` where it matters least");
        }
    }
    for (name, sense) in found {
        if let Some(line) = lines.iter_mut().find(|line| line.name == name) {
            line.sense = Some(sense);
        }
    }
}

fn stated(entry: &Entry) -> Option<&Node> {
    let Value::Map(fields) = &entry.value.value else { return None };
    fields.iter().find(|field| field.key.text == "sense").map(|field| &field.value)
}

/// One sense, and the place where its line is named.
fn sense(
    node: &Node,
    output: &LineConfig,
    lines: &[LineConfig],
    (body, sample_us): (Body, u32),
    reporter: &mut Reporter,
) -> Option<(SenseConfig, Span)> {
    const EXAMPLE: &str = "{line: photodiode, within: 2 ms}";
    let fields = fields::fields(node, "`sense`", &["line", "above", "within", "trip"], EXAMPLE, reporter)?;
    let source = fields.need("line", "line: photodiode", reporter);
    let within = fields.need("within", "within: 2 ms", reporter);
    let within_us = within.and_then(|node| fields::quantity_u32(node, "`within`", Unit::Time, 1, "2 ms", reporter));
    let trips = [("true", true), ("false", false)];
    // What is not stated is strict.
    let trips = fields.get("trip").map_or(Some(true), |node| fields::choice(node, "`trip`", &trips, reporter));
    let source = fields::text(source?, "the line that reads back", "photodiode", reporter)?;
    if !check_line(source, lines, reporter) {
        return None;
    }
    let line = lines.iter().find(|line| line.name == source.text)?;
    let (above, least_us, why) = match line.line.role {
        Role::Input { guards: Guards::Nothing, debounce_us, .. } => {
            if let Some(node) = fields.get("above") {
                reporter
                    .error("E188-sense", node.span, format!("`{}` is active or not: it has no threshold", line.name))
                    .help("leave `above` out; it is for an analog line");
            }
            (None, u64::from(debounce_us), "its debounce")
        }
        Role::Analog => (Some(above(&fields, line, body, reporter)?), u64::from(sample_us) * 2, "two of its samples"),
        _ => {
            let kind = kinds::named(&line.kind).map_or("line", |kind| kind.noun());
            reporter
                .error("E188-sense", source.span, format!("`{}` is {}: it cannot read back", line.name, a(kind)))
                .help("name an input, `{kind: input, pin: …}`, or an analog line with `above`");
            return None;
        }
    };
    // A pulsed power is off for a part of each period.
    let (least_us, why) = match output.line.role {
        Role::Powered { frequency_mhz, .. } if 1_000_000_000_u64.div_ceil(frequency_mhz.max(1).into()) > least_us => {
            (1_000_000_000_u64.div_ceil(frequency_mhz.max(1).into()), "a period of the PWM")
        }
        _ => (least_us, why),
    };
    if let Some((node, within_us)) = within.zip(within_us).filter(|(_, within_us)| u64::from(*within_us) < least_us) {
        let (within, least) = (written(within_us.into(), Unit::Time), written(least_us.cast_signed(), Unit::Time));
        reporter
            .error(
                "E188-sense",
                node.span,
                format!("within {within} `{}` cannot tell: it takes {least}, {why}", line.name),
            )
            .help(format!("write `within: {least}` or more"));
    }
    Some((SenseConfig { line: line.name.clone(), above, within_us: within_us?, trips: trips? }, source.span))
}

/// From where on an analog line sees the output on, in volts or in what the line is calibrated in.
fn above(fields: &Fields<'_>, line: &LineConfig, body: Body, reporter: &mut Reporter) -> Option<Pattern> {
    let node = fields.need("above", "above: 1.2 V", reporter)?;
    let text = fields::text(node, "`above`", "1.2 V", reporter)?;
    let natural = Quantity::read(&text.text).ok().and_then(|quantity| quantity.natural());
    let unit = match (natural, line.scale) {
        (Some(Unit::Length | Unit::Angle), Some(scale)) => scale.unit,
        _ => Unit::Voltage,
    };
    let at = fields::quantity(node, "`above`", unit, "1.2 V", reporter)?;
    let until = at - at / HYSTERESIS_PART;
    let raw = |value: i64| match (unit, line.scale) {
        (Unit::Voltage, _) => {
            let steps = i128::from(value) * i128::from(ANALOG_MAX + 1) / i128::from(body.reference_uv());
            i32::try_from(steps).ok()
        }
        (_, Some(scale)) => scale.raw(value),
        _ => None,
    };
    let falls = unit != Unit::Voltage && line.scale.is_some_and(|scale| scale.base_nraw < 0);
    let found = raw(at).zip(raw(until)).filter(|(at, _)| (1..ANALOG_MAX).contains(at));
    let Some((at, until)) = found else {
        let most = written(body.reference_uv(), Unit::Voltage);
        reporter
            .error("E188-sense", node.span, format!("`{}` never crosses this", line.name))
            .help(format!("its pin measures 0 V to {most}: write a value between, for instance `1.2 V`"));
        return None;
    };
    let (inner, outer) = if falls {
        ((i32::MIN, at), (i32::MIN, until.max(at + 1)))
    } else {
        ((at, i32::MAX), (until.min(at - 1), i32::MAX))
    };
    Some(Pattern::Band { inner, outer, inside: true })
}
