//! Reads the lines of a rig-config: what each is, its pin, its limits, and whether it gets along with the others. Knows
//! nothing of any protocol.

use link::limits::{MAX_COUNTED, MAX_ENCODERS, MAX_LINES, MAX_SAMPLED};
use link::rig::{Guards, Pull, RigLine, Role};

use super::body::Body;
use super::calibration::{self, Calibration, Measured};
use super::limits::OutputTotals;
use super::power::{self, Made};
use super::sense::{self, SenseConfig};
use super::{array, guards, output};
use crate::diagnostic::{Reporter, Span, listed};
use crate::fields::{self, Fields};
use crate::kinds::{self, Direction, Kind};
use crate::quantity::{Quantity, written};
use crate::symbols::{Scale, Unit};
use crate::yaml::{Entry, Node, Text, Value};

/// One line of a rig.
#[derive(Debug, Clone, PartialEq)]
pub struct LineConfig {
    /// Its name.
    pub name: String,
    /// Its kind: `lever`, `valve`, …
    pub kind: String,
    /// Pin, polarity and limits, as the device takes them.
    pub line: RigLine,
    /// What was measured on it, if it was.
    pub calibration: Option<Calibration>,
    /// What its raw values mean, if it is sampled.
    pub scale: Option<Scale>,
    /// How the frequency of its pulses is made, if it carries a power.
    pub made: Option<Made>,
    /// How much of it there may be, if it is an output.
    pub totals: OutputTotals,
    /// What reads it back, if it is an output that is.
    pub sense: Option<SenseConfig>,
}

impl LineConfig {
    /// What an analog line measures and how well its calibration fits, for a person; none for any other line.
    #[must_use]
    pub fn travel(&self) -> Option<String> {
        let (Calibration { date, measured }, scale) = (self.calibration.as_ref()?, self.scale?);
        let Measured::Travel { low, high, residual } = *measured else { return None };
        let said = |value| written(value, scale.unit);
        let (name, low, high, off, step) = (&self.name, said(low), said(high), said(residual), said(scale.finest()));
        Some(format!("{name}: {low} to {high} in steps of {step}, at most {off} off a straight line ({date})"))
    }

    /// What a powered line gets of the frequency and the power asked for, for a person; none for any other line.
    #[must_use]
    pub fn power(&self) -> Option<String> {
        self.made.map(|made| format!("{}: {made}", self.name))
    }
}

/// Lines already read, each with the place of its pin; and the pins of all, those that are still to be read among them.
pub(super) struct Found {
    pub(super) lines: Vec<(LineConfig, Span)>,
    pub(super) pins: Vec<u8>,
    /// The pins of speakers and of lines that carry a power, those that are still to be read among them.
    pub(super) sliced: Vec<u8>,
}

/// Reads `lines`.
pub(super) fn read(top: &Fields<'_>, body: Body, sample_us: u32, reporter: &mut Reporter) -> Vec<LineConfig> {
    let example = "lever: {kind: lever, pin: 2}";
    let Some(node) = top.need("lines", "lines: {lever: {kind: lever, pin: 2}}", reporter) else { return Vec::new() };
    let Some(entries) = fields::map(node, "`lines`", example, reporter) else { return Vec::new() };
    let entries = array::spread(entries, reporter);
    if entries.len() > MAX_LINES {
        reporter
            .error(
                "E041-too-many-lines",
                fields::short(node),
                format!("this rig has {} lines; a device holds {MAX_LINES}", entries.len()),
            )
            .help("leave out the lines no protocol uses");
    }
    let sliced = entries
        .iter()
        .filter(|entry| states(entry, "pwm", |_| true) || states(entry, "kind", |kind| kind == "speaker"));
    let sliced = sliced.flat_map(stated_pins).collect();
    let mut found = Found { lines: Vec::new(), pins: entries.iter().flat_map(stated_pins).collect(), sliced };
    for entry in &entries {
        if twice(&entry.key, &found, reporter) {
            continue;
        }
        if fields::check_name(&entry.key, "a line", reporter)
            && let Some((line, pin)) = line(entry, body, &found, reporter)
        {
            found.lines.push((line, pin));
        }
    }
    check_keys_and_counts(&found, reporter);
    for (most, what, holds) in [
        (MAX_SAMPLED, "sampled lines", Role::is_sampled as fn(&Role) -> bool),
        (MAX_ENCODERS, "encoders", |role| matches!(role, Role::Encoder { .. })),
    ] {
        let sampled: Vec<Span> =
            found.lines.iter().filter(|(line, _)| holds(&line.line.role)).map(|(_, pin)| *pin).collect();
        if let Some(first_too_many) = sampled.get(most) {
            reporter
                .error(
                    "E041-too-many-lines",
                    *first_too_many,
                    format!("this rig has {} {what}; a device holds {most}", sampled.len()),
                )
                .help("leave out the lines no protocol uses");
        }
    }
    let mut lines = found.lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>();
    sense::read(&entries, &mut lines, body, sample_us, reporter);
    lines
}

/// Whether a line of this name is there already, which is reported: an element of an array may be called as a line is.
fn twice(name: &Text, found: &Found, reporter: &mut Reporter) -> bool {
    let known = found.lines.iter().any(|(line, _)| line.name == name.text);
    if known {
        reporter
            .error("E074-named-twice", name.span, format!("the line `{}` is named twice", name.text))
            .help("an element of an array is a line too: give one of them another name");
    }
    known
}

/// A device keeps count of so many outputs, and there is one key at most: two could contradict each other.
fn check_keys_and_counts(found: &Found, reporter: &mut Reporter) {
    let lines = || found.lines.iter();
    let counted = lines().filter(|(line, _)| line.line.role.output().is_some_and(|output| output.limits.is_counted()));
    let counted: Vec<(&str, Span)> = counted.map(|(line, pin)| (line.name.as_str(), *pin)).collect();
    if let Some((name, pin)) = counted.get(MAX_COUNTED) {
        let count = counted.len();
        reporter
            .error(
                "E186-too-many-counted",
                *pin,
                format!("{count} outputs have a `min_off`, a `duty` or a total; a device counts {MAX_COUNTED}"),
            )
            .help(format!(
                "lift them where they are not needed: `min_off: none, duty: none, per_session: none, per_day: none` on \
                 `{name}`, say; or leave out lines no protocol uses"
            ));
    }
    let keys = lines().filter(|(line, _)| matches!(line.line.role, Role::Input { guards: Guards::Arming, .. }));
    let keys: Vec<(&str, Span)> = keys.map(|(line, pin)| (line.name.as_str(), *pin)).collect();
    if let [(first, _), (second, pin), ..] = keys.as_slice() {
        reporter
            .error("E187-two-keys", *pin, format!("`{first}` and `{second}` are both the key that arms"))
            .help("keep one; wire two switches in series if both must be turned");
    }
}

/// Whether a line states a key with such a value, whatever else is wrong with it.
fn states(entry: &Entry, key: &str, value: impl Fn(&str) -> bool) -> bool {
    let Value::Map(fields) = &entry.value.value else { return false };
    let stated = fields.iter().find(|field| field.key.text == key).map(|field| &field.value.value);
    matches!(stated, Some(Value::Scalar(text)) if value(text.text.trim()))
}

/// The pins a line states, whatever else is wrong with it.
fn stated_pins(entry: &Entry) -> Vec<u8> {
    let Value::Map(fields) = &entry.value.value else { return Vec::new() };
    let pins = fields.iter().filter(|field| matches!(field.key.text.as_str(), "pin" | "pin_b"));
    let pins = pins.filter_map(|field| match &field.value.value {
        Value::Scalar(text) => text.text.trim().parse().ok(),
        _ => None,
    });
    pins.collect()
}

fn line(entry: &Entry, body: Body, found: &Found, reporter: &mut Reporter) -> Option<(LineConfig, Span)> {
    const INPUT: &[&str] = &["kind", "pin", "active", "pull", "debounce", "about"];
    const ANALOG: &[&str] = &["kind", "pin", "calibration", "about"];
    const ENCODER: &[&str] = &["kind", "pin", "pin_b", "pull", "counts_per_turn", "per_turn", "about"];
    const OTHERS: &[&str] = &["pin_b", "pull", "debounce", "counts_per_turn", "per_turn"];
    let example = "{kind: lever, pin: 2}";
    let entries = fields::map(&entry.value, "a line", example, reporter)?;
    let kind = entries.iter().find(|field| field.key.text == "kind").and_then(|field| kind(&field.value, reporter));
    let known = match kind.map(|kind| (kind.direction, kind.name)) {
        Some((Direction::Input(_), _)) => INPUT.to_vec(),
        Some((Direction::Output(_), _)) => output::KEYS.to_vec(),
        Some((Direction::Sampled, kinds::ENCODER)) => ENCODER.to_vec(),
        Some((Direction::Sampled, _)) => ANALOG.to_vec(),
        None => [output::KEYS, OTHERS].concat(),
    };
    let line = fields::fields(&entry.value, "this line", &known, example, reporter)?;
    let kind_node = line.need("kind", "kind: lever", reporter);
    let pin_node = line.need("pin", "pin: 2", reporter)?;
    kind_node?;
    let pin = pin(pin_node, body, found, reporter)?;
    let levels = [("high", true), ("low", false)];
    let active = line.get("active").and_then(|node| fields::choice(node, "`active`", &levels, reporter));
    let kind = kind?;
    let mut active_high = active.unwrap_or(true);
    let (mut calibration, mut scale, mut made, mut totals) = (None, None, None, OutputTotals::default());
    let role = match kind.direction {
        Direction::Input(input) => {
            let debounce = line
                .get("debounce")
                .map(|node| fields::quantity_u32(node, "the debounce", Unit::Time, 0, "5 ms", reporter).unwrap_or(0));
            let guards = input.guards;
            let wired = line.key("pull").or(line.key("active")).unwrap_or(pin_node.span);
            let (high, pull) = guards::wiring(guards, active, pull(&line, reporter), wired, reporter);
            active_high = high;
            let debounce_us = debounce.unwrap_or_else(|| u32::try_from(input.debounce_us).unwrap_or(0));
            Role::Input { pull, debounce_us, guards }
        }
        Direction::Output(output) => {
            let read = output::read(&line, kind, &output, body, reporter);
            (calibration, made, totals) = (read.calibration, read.made, read.totals);
            read.role
        }
        Direction::Sampled if kind.name == kinds::ENCODER => {
            let pin_b =
                line.need("pin_b", "pin_b: 7", reporter).and_then(|node| self::pin(node, body, found, reporter))?;
            if pin_b == pin {
                let node = line.get("pin_b")?;
                reporter
                    .error("E042-pin-clash", node.span, format!("pin {pin} is both pins of `{}`", entry.key.text))
                    .label("taken")
                    .help(free(body, found, |_| true));
            }
            scale = turns(&line, reporter);
            Role::Encoder { pin_b, pull: pull(&line, reporter).unwrap_or(Pull::Up) }
        }
        Direction::Sampled => {
            if !body.is_analog(pin) {
                let word = body.word();
                reporter
                    .error(
                        "E058-not-analog",
                        pin_node.span,
                        format!("pin {pin} of this body ({word}) measures no voltage"),
                    )
                    .help(match body {
                        Body::Pi => "a Raspberry Pi has no analog pins: put the line on a Pico".to_owned(),
                        _ => free(body, found, |pin| body.is_analog(pin)),
                    });
            }
            let reference_uv = body.reference_uv();
            let read = line.get("calibration").and_then(|node| calibration::travel(node, reference_uv, reporter));
            if let Some((measured, fitted)) = read {
                (calibration, scale) = (Some(measured), Some(fitted));
            }
            Role::Analog
        }
    };
    power::check_slice(&entry.key.text, (pin, role), pin_node.span, body, found, reporter);
    let line = RigLine { pin, active_high, role };
    let (name, kind) = (entry.key.text.clone(), kind.name.to_owned());
    let config = LineConfig { name, kind, line, calibration, scale, made, totals, sense: None };
    check_clash(&config, pin_node.span, body, found, reporter);
    Some((config, pin_node.span))
}

fn pull(line: &Fields<'_>, reporter: &mut Reporter) -> Option<Pull> {
    let pulls = [("up", Pull::Up), ("down", Pull::Down), ("none", Pull::None)];
    line.get("pull").and_then(|node| fields::choice(node, "`pull`", &pulls, reporter))
}

/// What an encoder's counts mean: a turn is 360° unless the rig says how far it goes.
fn turns(line: &Fields<'_>, reporter: &mut Reporter) -> Option<Scale> {
    let node = line.need("counts_per_turn", "counts_per_turn: 4096", reporter)?;
    let counts = fields::quantity_u32(node, "the counts of a turn", Unit::Count, 1, "4096", reporter)?;
    let (unit, turn) = match line.get("per_turn") {
        None => (Unit::Angle, 360_000),
        Some(node) => {
            let text = fields::text(node, "a turn", "471 mm", reporter)?;
            let unit = match Quantity::read(&text.text).ok().and_then(|quantity| quantity.natural()) {
                Some(Unit::Angle) => Unit::Angle,
                _ => Unit::Length,
            };
            (unit, fields::quantity_u32(node, "a turn", unit, 1, "471 mm", reporter)?.into())
        }
    };
    let base_nraw = (i64::from(counts) * 1_000_000_000 + turn / 2) / turn;
    Some(Scale { unit, zero_nraw: 0, base_nraw }).filter(|scale| scale.base_nraw > 0)
}

/// The kind a node names.
pub(crate) fn kind(node: &Node, reporter: &mut Reporter) -> Option<&'static Kind> {
    let found = fields::text(node, "the kind of a line", "lever", reporter)?;
    let kind = kinds::named(&found.text);
    if kind.is_none() {
        let known = kinds::KINDS.iter().map(|kind| kind.name);
        reporter
            .error("E044-unknown-kind", found.span, format!("there is no kind of line called `{}`", found.text))
            .near(&found.text, known, |known| Some(format!("kinds are {}", listed(known.iter().copied()))));
    }
    kind
}

fn pin(node: &Node, body: Body, found: &Found, reporter: &mut Reporter) -> Option<u8> {
    let number = fields::quantity(node, "the pin", Unit::Count, "2", reporter)?;
    let Some(pin) = u8::try_from(number).ok().filter(|pin| *pin <= body.last_pin()) else {
        let (body, last) = (body.word(), body.last_pin());
        reporter
            .error("E045-no-such-pin", node.span, format!("there is no pin {number} on this body ({body})"))
            .help(format!("pins are 0 to {last}"));
        return None;
    };
    if let Some(why) = body.taken(pin) {
        reporter.error("E057-pin-taken", node.span, format!("pin {pin} cannot be a line: {why}")).help(free(
            body,
            found,
            |_| true,
        ));
    }
    Some(pin)
}

/// What pins are left of those that will do.
pub(super) fn free(body: Body, found: &Found, will_do: impl Fn(u8) -> bool) -> String {
    const SHOWN: usize = 8;
    let free =
        (0..=body.last_pin()).filter(|pin| !found.pins.contains(pin) && body.taken(*pin).is_none() && will_do(*pin));
    let free: Vec<String> = free.map(|pin| pin.to_string()).collect();
    match free.get(..SHOWN) {
        _ if free.is_empty() => "no pin is left that would do".to_owned(),
        Some(first) if free.len() > SHOWN => format!("free pins: {}, …", first.join(", ")),
        _ => format!("free pins: {}", free.join(", ")),
    }
}

fn check_clash(line: &LineConfig, pin: Span, body: Body, found: &Found, reporter: &mut Reporter) {
    let clash = line.line.pins().find_map(|pin| {
        let (other, _) = found.lines.iter().find(|(other, _)| other.line.pins().any(|taken| taken == pin))?;
        Some((pin, other))
    });
    if let Some((number, other)) = clash {
        reporter
            .error("E042-pin-clash", pin, format!("pin {number} is both `{}` and `{}`", other.name, line.name))
            .label("taken")
            .help(free(body, found, |pin| match line.line.role {
                Role::Analog => body.is_analog(pin),
                _ => true,
            }));
    }
}

/// Reads `sample`: the period of all sampled lines, in µs.
pub(super) fn sample(top: &Fields<'_>, reporter: &mut Reporter) -> u32 {
    /// What the device can keep up with, and what is still of use.
    const RANGE_US: std::ops::RangeInclusive<u32> = 500..=1_000_000;
    let Some(node) = top.get("sample") else { return link::rig::SAMPLE_US };
    let period = fields::quantity(node, "the sampling period", Unit::Time, "1 ms", reporter);
    let sample_us = period.and_then(|period| u32::try_from(period).ok()).filter(|period| RANGE_US.contains(period));
    if period.is_some() && sample_us.is_none() {
        let (low, high) =
            (written((*RANGE_US.start()).into(), Unit::Time), written((*RANGE_US.end()).into(), Unit::Time));
        reporter
            .error("E027-out-of-bounds", node.span, format!("a sampling period lies between {low} and {high}"))
            .help("write for instance `1 ms`, which is 1 kHz");
    }
    sample_us.unwrap_or(link::rig::SAMPLE_US)
}
