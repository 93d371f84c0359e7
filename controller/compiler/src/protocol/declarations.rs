//! The declarations of a protocol as written: lines, parameters, variables and stimuli.

use link::record::{Carrier, Train, Wave};

use super::{Counter, Live, Parameter, Stimulus, Variable};
use crate::diagnostic::Reporter;
use crate::fields::{self, Fields};
use crate::quantity::{Quantity, written};
use crate::symbols::Unit;
use crate::yaml::{Entry, Node, Text, Value};

pub(super) fn entries<'n>(
    top: &Fields<'n>,
    key: &str,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> &'n [Entry] {
    top.get(key).and_then(|node| fields::map(node, what, example, reporter)).unwrap_or_default()
}

fn texts(items: &[Node], what: &'static str, example: &str, reporter: &mut Reporter) -> Vec<Text> {
    items.iter().filter_map(|item| fields::text(item, what, example, reporter).cloned()).collect()
}

pub(super) fn lines(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Node)> {
    entries(top, "lines", "`lines`", "lever: lever", reporter)
        .iter()
        .filter(|entry| fields::check_name(&entry.key, "a line", reporter))
        .map(|entry| (entry.key.clone(), entry.value.clone()))
        .collect()
}

/// A list of names.
pub(super) fn names(
    top: &Fields<'_>,
    key: &str,
    what: &'static str,
    example: &str,
    reporter: &mut Reporter,
) -> Option<Vec<Text>> {
    let items = fields::list(top.get(key)?, what, example, reporter)?;
    let mut found: Vec<Text> = Vec::new();
    for item in items {
        let Some(name) = fields::name(item, "something", "a_name", reporter) else { continue };
        if found.iter().any(|other| other.text == name.text) {
            reporter
                .error("E074-named-twice", name.span, format!("`{}` is named twice", name.text))
                .help("keep one of them");
            continue;
        }
        found.push(name.clone());
    }
    Some(found)
}

pub(super) fn parameters(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Parameter> {
    const KEYS: &[&str] = &["default", "range", "choices", "live", "basis", "source", "about"];
    const BASES: &[(&str, &str)] = &[("published", "published"), ("typical", "typical"), ("chosen", "chosen")];
    let example = "delay: {default: 500 ms, range: [0 ms, 5 s], basis: typical}";
    let mut found = Vec::new();
    for entry in entries(top, "parameters", "`parameters`", example, reporter) {
        if !fields::check_name(&entry.key, "a parameter", reporter) {
            continue;
        }
        let Some(parameter) = fields::fields(&entry.value, "a parameter", KEYS, "{default: 500 ms}", reporter) else {
            continue;
        };
        let default = parameter.need("default", "default: 500 ms", reporter);
        let default = default.and_then(|node| fields::text(node, "the default", "500 ms", reporter));
        let range =
            parameter.get("range").and_then(|node| match fields::list(node, "a range", "[0 ms, 5 s]", reporter)? {
                [low, high] => {
                    let low = fields::text(low, "the low end of the range", "0 ms", reporter)?;
                    Some((low.clone(), fields::text(high, "the high end of the range", "5 s", reporter)?.clone()))
                }
                _ => {
                    reporter
                        .error(
                            "E031-wrong-shape",
                            fields::short(node),
                            "a range is two values, the low and the high end",
                        )
                        .help("write for instance `[0 ms, 5 s]`");
                    None
                }
            });
        let choices = parameter.get("choices").and_then(|node| {
            let items = fields::list(node, "`choices`", "[easy, hard]", reporter)?;
            Some(labels(items, reporter))
        });
        let basis = parameter.get("basis").and_then(|node| fields::choice(node, "the basis", BASES, reporter));
        let about = parameter.get("about").and_then(|node| fields::text(node, "`about`", "what it is", reporter));
        let mut source = String::new();
        if let Some(node) = parameter.get("source") {
            let text = fields::text(node, "the source", "doi:10.1000/182", reporter);
            source = text.map(|text| text.text.trim().to_owned()).unwrap_or_default();
        } else if let (Some("published"), Some(span)) = (basis, parameter.key("basis")) {
            reporter
                .error("E075-no-source", span, format!("`{}` is called published, but says not where", entry.key.text))
                .help("add `source: …`, or call it `typical` or `chosen`");
        }
        let times = [("at once", Live::AtOnce), ("next trial", Live::NextTrial)];
        let live = parameter.get("live").and_then(|node| fields::choice(node, "`live`", &times, reporter));
        let Some(default) = default else { continue };
        found.push(Parameter {
            name: entry.key.clone(),
            default: default.clone(),
            range,
            choices,
            basis: basis.unwrap_or("chosen"),
            source,
            about: about.map(|text| text.text.trim().to_owned()).unwrap_or_default(),
            live,
        });
    }
    found
}

pub(super) fn labels(items: &[Node], reporter: &mut Reporter) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    for item in items {
        let Some(label) = fields::text(item, "a label", "stim", reporter) else { continue };
        if !fields::check_name(label, "a label", reporter) {
            continue;
        }
        if found.iter().any(|other| other.text == label.text) {
            reporter
                .error("E074-named-twice", label.span, format!("the label `{}` is named twice", label.text))
                .help("keep one of them");
            continue;
        }
        found.push(label.clone());
    }
    found
}

pub(super) fn variables(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Variable> {
    const KEYS: &[&str] = &["initial", "labels", "about", "column"];
    let mut found = Vec::new();
    for entry in entries(top, "variables", "`variables`", "streak: 0", reporter) {
        if !fields::check_name(&entry.key, "a variable", reporter) {
            continue;
        }
        let mut variable =
            Variable { name: entry.key.clone(), initial: None, labels: None, labels_of: None, column: true };
        if let Value::Map(_) = entry.value.value {
            let Some(keys) = fields::fields(&entry.value, "a variable", KEYS, "{initial: 0}", reporter) else {
                continue;
            };
            let initial = keys.get("initial");
            variable.initial = initial.and_then(|node| fields::text(node, "the initial value", "0", reporter)).cloned();
            variable.labels_of = keys.get("labels").and_then(|node| match &node.value {
                Value::Scalar(text) if fields::is_name(&text.text) => Some(text.clone()),
                _ => None,
            });
            let labels_node = keys.get("labels").filter(|_| variable.labels_of.is_none());
            variable.labels = labels_node.and_then(|node| {
                let items = fields::list(node, "`labels`", "[none, stim, sham]", reporter)?;
                Some(labels(items, reporter))
            });
            if let Some(node) = keys.get("column") {
                let truths = [("true", true), ("false", false)];
                variable.column = fields::choice(node, "`column`", &truths, reporter).unwrap_or(true);
            }
            if initial.is_none() && variable.labels.is_none() && variable.labels_of.is_none() {
                reporter
                    .error("E030-missing-key", entry.key.span, format!("`{}` begins with no value", entry.key.text))
                    .help("add `initial: 0` with the unit it is measured in, or `labels: […]`");
                continue;
            }
        } else {
            let value = fields::text(&entry.value, "the initial value", "0", reporter);
            let Some(value) = value else { continue };
            variable.initial = Some(value.clone());
        }
        found.push(variable);
    }
    found
}

pub(super) fn lists(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Vec<Text>)> {
    let mut found = Vec::new();
    for entry in entries(top, "lists", "`lists`", "sizes: [5 µl, 10 µl]", reporter) {
        if !fields::check_name(&entry.key, "a list", reporter) {
            continue;
        }
        let Some(items) = fields::list(&entry.value, "a list", "[5 µl, 10 µl]", reporter) else { continue };
        if items.is_empty() {
            reporter
                .error("E033-empty", entry.key.span, format!("the list `{}` is empty", entry.key.text))
                .help("write for instance `[5 µl, 10 µl]`");
            continue;
        }
        found.push((entry.key.clone(), texts(items, "a value of the list", "5 µl", reporter)));
    }
    found
}

pub(super) fn counters(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Counter> {
    let example = "licks: {count: spout.lick, reset: trial}";
    let mut found = Vec::new();
    for entry in entries(top, "counters", "`counters`", example, reporter) {
        if !fields::check_name(&entry.key, "a counter", reporter) {
            continue;
        }
        let keys =
            fields::fields(&entry.value, "a counter", &["count", "reset", "about"], "{count: spout.lick}", reporter);
        let Some(keys) = keys else { continue };
        let event = keys.need("count", "count: spout.lick", reporter);
        let event = event.and_then(|node| fields::text(node, "what is counted", "spout.lick", reporter));
        let resets = [("trial", true), ("session", false)];
        let reset = keys.get("reset").and_then(|node| fields::choice(node, "`reset`", &resets, reporter));
        let Some(event) = event else { continue };
        found.push(Counter { name: entry.key.clone(), event: event.clone(), per_trial: reset.unwrap_or(true) });
    }
    found
}

pub(super) fn stimuli(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Stimulus)> {
    let example = "go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms}}";
    let mut found = Vec::new();
    for entry in entries(top, "stimuli", "`stimuli`", example, reporter) {
        if !fields::check_name(&entry.key, "a stimulus", reporter) {
            continue;
        }
        let kinds =
            fields::fields(&entry.value, "a stimulus", &["tone", "noise", "pulses", "about"], "{tone: {…}}", reporter);
        let Some(kinds) = kinds else { continue };
        let stimulus = match (kinds.get("tone"), kinds.get("noise"), kinds.get("pulses")) {
            (Some(node), None, None) => sound(node, "a tone", reporter).map(|train| Stimulus { train, power: None }),
            (None, Some(node), None) => sound(node, "a noise", reporter).map(|train| Stimulus { train, power: None }),
            (None, None, Some(node)) => pulses(node, reporter),
            _ => {
                reporter
                    .error("E031-wrong-shape", entry.key.span, "a stimulus is one of `tone`, `noise` and `pulses`")
                    .help(format!("write for instance `{example}`"));
                None
            }
        };
        if let Some(stimulus) = stimulus {
            found.push((entry.key.clone(), stimulus));
        }
    }
    found
}

/// A tone, or noise, which has no frequency. Its amplitude is worked out where it is played, by that speaker's calibration.
fn sound(node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<Train> {
    const TONE: &[&str] = &["frequency", "level", "duration", "ramp", "delay"];
    let is_tone = what == "a tone";
    let (keys, example) = match is_tone {
        true => (TONE, "{frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}"),
        false => (TONE.get(1..).unwrap_or_default(), "{level: 60 dB, duration: 300 ms, ramp: 5 ms}"),
    };
    let tone = fields::fields(node, what, keys, example, reporter)?;
    let wave = match is_tone {
        true => tone.need("frequency", "frequency: 8 kHz", reporter).and_then(|node| frequency(node, reporter)),
        false => Some(Wave::Noise),
    };
    let level = tone.need("level", "level: 70 dB", reporter);
    let duration = tone.need("duration", "duration: 300 ms", reporter);
    let level_node = level;
    let level = level.and_then(|n| fields::quantity(n, "the level", Unit::Level, "70 dB", reporter));
    let width = duration.and_then(|n| fields::quantity_u32(n, "the duration", Unit::Time, 1, "300 ms", reporter));
    let time = |key: &str, what: &'static str, reporter: &mut Reporter| {
        tone.get(key).map_or(Some(0), |n| fields::quantity_u32(n, what, Unit::Time, 0, "5 ms", reporter))
    };
    let (ramp, delay) = (time("ramp", "the ramp", reporter), time("delay", "the delay", reporter));
    let (ramp_us, width_us, delay_us, wave, level) = (ramp?, width?, delay?, wave?, level?);
    let level_cdb = i32::try_from(level).ok().filter(|level| (-20_000..=20_000).contains(level));
    if let (None, Some(node)) = (level_cdb, level_node) {
        reporter
            .error("E027-out-of-bounds", node.span, "a level lies between −200 dB and 200 dB")
            .help("write for instance `70 dB`");
    }
    if u64::from(ramp_us) * 2 > u64::from(width_us) {
        let span = tone.get("ramp").map_or(node.span, |node| node.span);
        let (ramp, width) = (written(ramp_us.into(), Unit::Time), written(width_us.into(), Unit::Time));
        reporter
            .error("E076-ramp-too-long", span, format!("a ramp of {ramp} up and down does not fit into {width}"))
            .help(format!("the ramp can be at most {}", written(i64::from(width_us / 2), Unit::Time)));
        return None;
    }
    let carrier = Some(Carrier { wave, level_cdb: level_cdb?, amplitude: 0, ramp_us });
    Some(Train { delay_us, width_us, period_us: width_us, count: 1, carrier })
}

/// The highest tone there is, in mHz: rats hear up to 80 kHz, mice a little higher.
const FREQUENCY_MAX_MHZ: u32 = 100_000_000;

fn frequency(node: &Node, reporter: &mut Reporter) -> Option<Wave> {
    let frequency_mhz = fields::quantity_u32(node, "the frequency", Unit::Frequency, 1, "8 kHz", reporter)?;
    if frequency_mhz > FREQUENCY_MAX_MHZ {
        let most = written(FREQUENCY_MAX_MHZ.into(), Unit::Frequency);
        reporter
            .error("E027-out-of-bounds", node.span, format!("a tone is at most {most} high"))
            .help("look for a digit or a unit too many");
        return None;
    }
    Some(Wave::Sine { frequency_mhz })
}

fn pulses(node: &Node, reporter: &mut Reporter) -> Option<Stimulus> {
    const KEYS: &[&str] = &["width", "rate", "period", "count", "delay", "power"];
    let example = "{width: 5 ms, rate: 20 Hz, count: 20}";
    let pulses = fields::fields(node, "a pulse train", KEYS, example, reporter)?;
    let width = pulses.need("width", "width: 5 ms", reporter);
    let width_us = width.and_then(|n| fields::quantity_u32(n, "the width", Unit::Time, 1, "5 ms", reporter));
    let count = pulses
        .get("count")
        .map_or(Some(1), |n| fields::quantity_u32(n, "the number of pulses", Unit::Count, 1, "20", reporter));
    let delay_us =
        pulses.get("delay").map_or(Some(0), |n| fields::quantity_u32(n, "the delay", Unit::Time, 0, "10 ms", reporter));
    let period = match (pulses.get("rate"), pulses.get("period")) {
        (Some(_), Some(period)) => {
            reporter
                .error("E077-rate-and-period", period.span, "`rate` and `period` say the same thing twice")
                .help("keep one of them");
            None
        }
        (Some(rate), None) => period_of_rate(rate, reporter),
        (None, Some(period)) => fields::quantity_u32(period, "the period", Unit::Time, 1, "50 ms", reporter),
        (None, None) if count == Some(1) => width_us,
        (None, None) => {
            reporter
                .error("E030-missing-key", pulses.short_span(), "a train of several pulses needs `rate` or `period`")
                .help("add for instance `rate: 20 Hz`");
            None
        }
    };
    let power = pulses.get("power").and_then(|node| super::actions::scalar(node, "30 %", reporter));
    let (width_us, count, delay_us, period_us) = (width_us?, count?, delay_us?, period?);
    if count > 1 && width_us >= period_us {
        let (long, every) = (written(width_us.into(), Unit::Time), written(period_us.into(), Unit::Time));
        reporter
            .error("E078-pulses-touch", pulses.short_span(), format!("pulses of {long} every {every} would touch"))
            .help("make them shorter or fewer a second; one long pulse is `{width: …}` alone");
        return None;
    }
    Some(Stimulus { train: Train { delay_us, width_us, period_us, count, carrier: None }, power })
}

/// The period of a rate, which must be a whole number of µs: a train that drifts from its rate is not that rate.
pub(super) fn period_of_rate(node: &Node, reporter: &mut Reporter) -> Option<u32> {
    let rate = fields::quantity(node, "the rate", Unit::Frequency, "20 Hz", reporter)?;
    let period = if rate > 0 && 1_000_000_000 % rate == 0 { u32::try_from(1_000_000_000 / rate).ok() } else { None };
    if period.is_none() {
        let diagnostic = reporter.error(
            "E079-uneven-rate",
            node.span,
            format!("{} has no period of whole µs", written(rate, Unit::Frequency)),
        );
        if rate > 0 {
            let near = (1_000_000_000 + rate / 2) / rate;
            diagnostic.help(format!("state the period instead, for instance `period: {near} µs`"));
        } else {
            diagnostic.help("a rate is more than 0 Hz");
        }
    }
    period
}

pub(super) fn picture(top: &Fields<'_>, reporter: &mut Reporter) -> (Option<Text>, Vec<Text>) {
    let example = "{align: outcome, group: treatment, show: [spout]}";
    let Some(picture) = top
        .get("picture")
        .and_then(|node| fields::fields(node, "`picture`", &["align", "group", "show"], example, reporter))
    else {
        return (None, Vec::new());
    };
    if let Some(node) = picture.get("align") {
        fields::choice(node, "what the picture is aligned to", &[("outcome", ())], reporter);
    }
    let group = picture.get("group").and_then(|node| fields::text(node, "`group`", "treatment", reporter));
    let show = picture.get("show").and_then(|node| fields::list(node, "`show`", "[spout]", reporter));
    (group.cloned(), texts(show.unwrap_or_default(), "a line to show", "spout", reporter))
}

pub(super) fn sentences(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Text> {
    let example = "- at most 1 deliver on water per trial";
    let items = top.get("invariants").and_then(|node| fields::list(node, "`invariants`", example, reporter));
    texts(items.unwrap_or_default(), "an invariant", example, reporter)
}

/// A constant in its own unit, for lists and variables.
pub(crate) fn constant(text: &Text, reporter: &mut Reporter) -> Option<(Quantity, Unit)> {
    let quantity = Quantity::read(&text.text);
    match quantity {
        Ok(quantity) => match quantity.natural() {
            Some(unit) => Some((quantity, unit)),
            None => {
                let word = quantity.unit.map_or("", |unit| unit.word);
                reporter
                    .error("E025-wrong-unit", text.span, format!("no value of a protocol is measured in {word} yet"))
                    .help("levels of lights and lasers are set on the rig");
                None
            }
        },
        Err(error) => {
            fields::bad_quantity(&error, "", text.span, reporter);
            None
        }
    }
}
