//! Stimuli as written: tones, noise, sweeps, and trains of pulses that lie evenly, in bursts or as a list has them.

use link::pulses::ListPulse;
use link::record::{Carrier, OCTAVE, Train, Wave};

use super::declarations::entries;
use super::{Course, Stimulus, actions};
use crate::diagnostic::{Reporter, Span};
use crate::expression::Expr;
use crate::fields::{self, Fields};
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::{Node, Text, Value};

/// How often the pulses of a train come, and how many.
const REPEATED: &[&str] = &["rate", "period", "gap", "count", "for"];

/// The highest tone there is, in mHz: rats hear up to 80 kHz, mice a little higher.
const FREQUENCY_MAX_MHZ: u32 = 100_000_000;

pub(super) fn stimuli(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<(Text, Stimulus)> {
    const KINDS: [&str; 4] = ["tone", "noise", "sweep", "pulses"];
    let example = "go: {tone: {frequency: 8 kHz, level: 70 dB, duration: 300 ms}}";
    let mut found = Vec::new();
    for entry in entries(top, "stimuli", "`stimuli`", example, reporter) {
        if !fields::check_name(&entry.key, "a stimulus", reporter) {
            continue;
        }
        let known = &["tone", "noise", "sweep", "pulses", "about"];
        let Some(keys) = fields::fields(&entry.value, "a stimulus", known, "{tone: {…}}", reporter) else { continue };
        let given: Vec<_> = KINDS.into_iter().filter_map(|kind| Some((kind, keys.get(kind)?))).collect();
        let stimulus = match given.as_slice() {
            [("pulses", node)] => pulses(node, reporter),
            [(kind, node)] => sound(node, kind, reporter),
            _ => {
                reporter
                    .error(
                        "E031-wrong-shape",
                        entry.key.span,
                        "a stimulus is one of `tone`, `noise`, `sweep` and `pulses`",
                    )
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

/// A sound, which may come again. Its amplitude is worked out where it is played, by that speaker's calibration.
fn sound(node: &Node, kind: &str, reporter: &mut Reporter) -> Option<Stimulus> {
    const SOUND: &[&str] = &["level", "duration", "ramp", "delay"];
    let (what, own, example): (_, &[&str], _) = match kind {
        "tone" => ("a tone", &["frequency"], "{frequency: 8 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}"),
        "noise" => ("a noise", &[], "{level: 60 dB, duration: 300 ms, ramp: 5 ms}"),
        _ => ("a sweep", &["from", "to", "scale"], "{from: 4 kHz, to: 16 kHz, level: 70 dB, duration: 300 ms}"),
    };
    let known: Vec<&str> = own.iter().chain(SOUND).chain(REPEATED).copied().collect();
    let keys = fields::fields(node, what, &known, example, reporter)?;
    let wave = match kind {
        "tone" => keys
            .need("frequency", "frequency: 8 kHz", reporter)
            .and_then(|node| Some(Wave::Sine { frequency_mhz: frequency(node, "8 kHz", reporter)? })),
        "noise" => Some(Wave::Noise),
        _ => sweep(&keys, reporter),
    };
    let level = keys.need("level", "level: 70 dB", reporter);
    let duration = keys.need("duration", "duration: 300 ms", reporter);
    let level_node = level;
    let level = level.and_then(|n| fields::quantity(n, "the level", Unit::Level, "70 dB", reporter));
    let width = duration.and_then(|n| fields::quantity_u32(n, "the duration", Unit::Time, 1, "300 ms", reporter));
    let time = |key: &str, what: &'static str, reporter: &mut Reporter| {
        keys.get(key).map_or(Some(0), |n| fields::quantity_u32(n, what, Unit::Time, 0, "5 ms", reporter))
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
        let span = keys.get("ramp").map_or(node.span, |node| node.span);
        let (ramp, width) = (written(ramp_us.into(), Unit::Time), written(width_us.into(), Unit::Time));
        reporter
            .error("E076-ramp-too-long", span, format!("a ramp of {ramp} up and down does not fit into {width}"))
            .help(format!("the ramp can be at most {}", written(i64::from(width_us / 2), Unit::Time)));
        return None;
    }
    let carrier = Some(Carrier { wave, level_cdb: level_cdb?, amplitude: 0, ramp_us });
    let Again { period_us, count } = again(&keys, width_us, "sounds", reporter)?;
    Some(Stimulus::of(Train { delay_us, width_us, period_us, count, carrier }))
}

fn frequency(node: &Node, example: &'static str, reporter: &mut Reporter) -> Option<u32> {
    let frequency_mhz = fields::quantity_u32(node, "the frequency", Unit::Frequency, 1, example, reporter)?;
    if frequency_mhz > FREQUENCY_MAX_MHZ {
        let most = written(FREQUENCY_MAX_MHZ.into(), Unit::Frequency);
        reporter
            .error("E027-out-of-bounds", node.span, format!("a tone is at most {most} high"))
            .help("look for a digit or a unit too many");
        return None;
    }
    Some(frequency_mhz)
}

/// From one frequency to another.
fn sweep(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<Wave> {
    let from = keys.need("from", "from: 4 kHz", reporter).and_then(|node| frequency(node, "4 kHz", reporter));
    let to_node = keys.need("to", "to: 16 kHz", reporter);
    let to = to_node.and_then(|node| frequency(node, "16 kHz", reporter));
    let logarithmic = match keys.get("scale") {
        None => true,
        Some(node) => fields::choice(node, "`scale`", &[("logarithmic", true), ("linear", false)], reporter)?,
    };
    let (from_mhz, to_mhz) = (from?, to?);
    let octaves = (f64::from(to_mhz) / f64::from(from_mhz)).log2() * f64::from(OCTAVE);
    let whole = octaves.round();
    if whole.abs() > f64::from(i16::MAX) {
        reporter
            .error(
                "E260-sweep-too-wide",
                to_node.map_or_else(Span::default, |node| node.span),
                format!(
                    "from {} this is {:.1} octaves away",
                    written(from_mhz.into(), Unit::Frequency),
                    octaves.abs() / f64::from(OCTAVE)
                ),
            )
            .help("a sweep goes through fewer than 8 octaves");
        return None;
    }
    Some(Wave::Sweep { from_mhz, octaves: whole as i16, logarithmic })
}

/// How often something comes, and how many times.
struct Again {
    period_us: u32,
    /// [`Stimulus::ENDLESS`]: until it is told otherwise.
    count: u32,
}

/// Reads `rate`, `period` or `gap`, and `count` or `for`, of pulses of a width.
fn again(keys: &Fields<'_>, width_us: u32, what: &'static str, reporter: &mut Reporter) -> Option<Again> {
    let spacings: Vec<_> =
        ["rate", "period", "gap"].into_iter().filter_map(|key| Some((key, keys.get(key)?))).collect();
    let period = match spacings.as_slice() {
        [] => None,
        [("rate", node)] => Some(period_of_rate(node, reporter)?),
        [("gap", node)] => {
            let gap_us = fields::quantity_u32(node, "the gap", Unit::Time, 1, "45 ms", reporter)?;
            Some(width_us.checked_add(gap_us).or_else(|| too_long(node, reporter))?)
        }
        [(_, node)] => Some(fields::quantity_u32(node, "the period", Unit::Time, 1, "50 ms", reporter)?),
        [_, (_, node), ..] => {
            reporter
                .error("E077-rate-and-period", node.span, "`rate`, `period` and `gap` say the same thing twice")
                .help("keep one of them");
            return None;
        }
    };
    if let Some(period_us) = period.filter(|period_us| width_us >= *period_us) {
        let (long, every) = (written(width_us.into(), Unit::Time), written(period_us.into(), Unit::Time));
        reporter
            .error("E078-pulses-touch", keys.short_span(), format!("{what} of {long} every {every} would touch"))
            .help("make them shorter or fewer a second; one long pulse is `{width: …}` alone");
        return None;
    }
    let count = count(keys, period, width_us, "20", reporter)?;
    match (period, count) {
        (Some(period_us), count) => Some(Again { period_us, count: count.unwrap_or(Stimulus::ENDLESS) }),
        (None, None | Some(1)) => Some(Again { period_us: width_us, count: 1 }),
        (None, Some(_)) => {
            reporter
                .error(
                    "E030-missing-key",
                    keys.short_span(),
                    "a train of several pulses needs `rate`, `period` or `gap`",
                )
                .help("add for instance `rate: 20 Hz`");
            None
        }
    }
}

/// Reads `count`, or `for` as the pulses that fit into it; none if neither stands there.
fn count(
    keys: &Fields<'_>,
    period: Option<u32>,
    width_us: u32,
    example: &'static str,
    reporter: &mut Reporter,
) -> Option<Option<u32>> {
    match (keys.get("count"), keys.get("for")) {
        (None, None) => Some(None),
        (Some(node), None) => {
            Some(Some(fields::quantity_u32(node, "the number of pulses", Unit::Count, 1, example, reporter)?))
        }
        (Some(_), Some(node)) => {
            reporter
                .error("E261-count-and-for", node.span, "`count` and `for` say the same thing twice")
                .help("keep one of them");
            None
        }
        (None, Some(node)) => {
            let for_us = fields::quantity_u32(node, "the length of the train", Unit::Time, 1, "1 s", reporter)?;
            let Some(period_us) = period else {
                reporter
                    .error(
                        "E030-missing-key",
                        keys.short_span(),
                        "a train of some length needs `rate`, `period` or `gap`",
                    )
                    .help("add for instance `rate: 20 Hz`");
                return None;
            };
            let Some(more) = for_us.checked_sub(width_us).map(|left| left / period_us) else {
                let (long, width) = (written(for_us.into(), Unit::Time), written(width_us.into(), Unit::Time));
                reporter
                    .error("E262-too-short-for-one", node.span, format!("not one pulse of {width} fits into {long}"))
                    .help("make the train longer");
                return None;
            };
            Some(Some(more.saturating_add(1).min(Stimulus::ENDLESS - 1)))
        }
    }
}

fn too_long<T>(node: &Node, reporter: &mut Reporter) -> Option<T> {
    reporter
        .error("E027-out-of-bounds", node.span, "this is too long for a device to count")
        .help("write a shorter time");
    None
}

fn pulses(node: &Node, reporter: &mut Reporter) -> Option<Stimulus> {
    const KEYS: &[&str] = &["width", "duty", "rate", "period", "gap", "count", "for", "delay", "bursts", "at", "power"];
    let example = "{width: 5 ms, rate: 20 Hz, count: 20}";
    let keys = fields::fields(node, "a pulse train", KEYS, example, reporter)?;
    let power = keys.get("power");
    let delay_us =
        keys.get("delay").map_or(Some(0), |n| fields::quantity_u32(n, "the delay", Unit::Time, 0, "10 ms", reporter));
    let mut stimulus = if keys.get("at").is_some() {
        list(&keys, delay_us?, reporter)?
    } else {
        let width_us = width(&keys, reporter)?;
        let Again { period_us, count } = again(&keys, width_us, "pulses", reporter)?;
        let train = Train { delay_us: delay_us?, width_us, period_us, count, carrier: None };
        match keys.get("bursts") {
            None => Stimulus::of(train),
            Some(node) => Stimulus::of(bursts(node, &train, reporter)?),
        }
    };
    (stimulus.power, stimulus.power_to) = match power {
        None => (None, None),
        Some(node) if matches!(node.value, Value::Map(_)) => {
            let (from, to) = ramp(node, reporter)?;
            if stimulus.train.carrier.is_some() || stimulus.course.is_some() || stimulus.is_endless() {
                reporter
                    .error(
                        "E263-ramp-of-powers",
                        node.span,
                        "a power that changes needs a train of pulses that lie evenly, with an end",
                    )
                    .help("give the train a `count`, without `bursts` and `at`; or one power to all its pulses");
                return None;
            }
            (Some(from), Some(to))
        }
        Some(node) => (Some(actions::scalar(node, "30 %", reporter)?), None),
    };
    Some(stimulus)
}

/// `{from: 10 %, to: 40 %}`.
fn ramp(node: &Node, reporter: &mut Reporter) -> Option<(Expr, Expr)> {
    let example = "{from: 10 %, to: 40 %}";
    let keys = fields::fields(node, "a power that changes", &["from", "to"], example, reporter)?;
    let from = keys.need("from", "from: 10 %", reporter).and_then(|node| actions::scalar(node, "10 %", reporter));
    let to = keys.need("to", "to: 40 %", reporter).and_then(|node| actions::scalar(node, "40 %", reporter));
    Some((from?, to?))
}

/// How long a pulse is on: a time, or a part of the period.
fn width(keys: &Fields<'_>, reporter: &mut Reporter) -> Option<u32> {
    let Some(duty) = keys.get("duty") else {
        let node = keys.need("width", "width: 5 ms", reporter)?;
        return fields::quantity_u32(node, "the width", Unit::Time, 1, "5 ms", reporter);
    };
    if keys.get("width").is_some() || keys.get("gap").is_some() {
        reporter
            .error(
                "E264-duty-and-width",
                duty.span,
                "`duty` says how long a pulse is on, and so does what stands beside it",
            )
            .help("write `duty` with `rate` or `period`; or `width` alone");
        return None;
    }
    let duty_ppm = fields::quantity_u32(duty, "the duty", Unit::Number, 1, "50 %", reporter)?;
    let period_us = match (keys.get("rate"), keys.get("period")) {
        (Some(node), _) => period_of_rate(node, reporter)?,
        (None, Some(node)) => fields::quantity_u32(node, "the period", Unit::Time, 1, "500 ms", reporter)?,
        (None, None) => {
            reporter
                .error("E030-missing-key", keys.short_span(), "a duty is a part of a period, and there is none")
                .help("add for instance `rate: 2 Hz`");
            return None;
        }
    };
    let width_us = u64::from(period_us) * u64::from(duty_ppm) / 1_000_000;
    match u32::try_from(width_us).ok().filter(|width_us| (1..period_us).contains(width_us)) {
        Some(width_us) => Some(width_us),
        None => {
            reporter
                .error(
                    "E265-duty",
                    duty.span,
                    "a duty lies between 0 % and 100 %, and leaves some of its period on and some off",
                )
                .help("write for instance `50 %`; a line that is to stay on is `on`");
            None
        }
    }
}

/// The train again and again.
fn bursts(node: &Node, train: &Train, reporter: &mut Reporter) -> Option<Train> {
    const KEYS: &[&str] = &["rate", "period", "gap", "count", "for"];
    let keys = fields::fields(node, "bursts", KEYS, "{count: 10, rate: 5 Hz}", reporter)?;
    if train.count == Stimulus::ENDLESS {
        reporter
            .error("E030-missing-key", keys.short_span(), "nothing says how many pulses a burst has")
            .help("add `count` beside `width`");
        return None;
    }
    if train.count == 1 {
        reporter
            .error("E266-burst-of-one", keys.short_span(), "bursts of one pulse are a train of pulses")
            .help("write `count` and `rate` of the pulses alone, without `bursts`");
        return None;
    }
    let Ok(burst_us) = u32::try_from(train.length_us().saturating_sub(train.delay_us.into())) else {
        return too_long(node, reporter);
    };
    if keys.get("rate").is_none() && keys.get("period").is_none() && keys.get("gap").is_none() {
        keys.need("rate", "rate: 5 Hz", reporter);
        return None;
    }
    let Again { period_us: interval_us, count } = again(&keys, burst_us, "bursts", reporter)?;
    let (Ok(pulses), Some(all)) =
        (u16::try_from(train.count), train.count.checked_mul(count).or((count == Stimulus::ENDLESS).then_some(count)))
    else {
        return too_long(node, reporter);
    };
    let wave = Wave::Bursts { pulses, interval_us, powered: false };
    Some(Train { count: all, carrier: Some(Carrier::silent(wave)), ..*train })
}

/// `at: [0 ms, 30 ms]`, with one width or one for each.
fn list(keys: &Fields<'_>, delay_us: u32, reporter: &mut Reporter) -> Option<Stimulus> {
    for key in ["duty", "rate", "period", "gap", "count", "for", "bursts"] {
        if let Some(span) = keys.key(key) {
            reporter
                .error(
                    "E267-list-and-rate",
                    span,
                    format!("`at` says when each pulse comes, and `{key}` says it again"),
                )
                .help("keep one of them");
            return None;
        }
    }
    let node = keys.get("at")?;
    let times = fields::list(node, "`at`", "[0 ms, 30 ms]", reporter)?;
    let at: Option<Vec<u32>> =
        times.iter().map(|n| fields::quantity_u32(n, "when a pulse comes", Unit::Time, 0, "30 ms", reporter)).collect();
    let at = at?;
    let width = keys.need("width", "width: 5 ms", reporter)?;
    let widths: Vec<u32> = if let Value::List(items) = &width.value {
        let widths: Option<Vec<u32>> =
            items.iter().map(|n| fields::quantity_u32(n, "the width", Unit::Time, 1, "5 ms", reporter)).collect();
        widths?
    } else {
        vec![fields::quantity_u32(width, "the width", Unit::Time, 1, "5 ms", reporter)?; at.len()]
    };
    if at.is_empty() || at.len() != widths.len() {
        reporter
            .error(
                "E268-list-of-widths",
                width.span,
                format!("`at` has {} times, and `width` has {}", at.len(), widths.len()),
            )
            .help("write one width for all, or one for each time of `at`");
        return None;
    }
    let mut pulses = Vec::new();
    for (n, (from, width_us)) in at.iter().zip(&widths).enumerate() {
        let distance_us = match at.get(n + 1) {
            None => 0,
            Some(next) => match next.checked_sub(*from).filter(|distance| distance > width_us) {
                Some(distance_us) => distance_us,
                None => {
                    let [end, next] = [u64::from(*from) + u64::from(*width_us), u64::from(*next)]
                        .map(|us| written(i64::try_from(us).unwrap_or(i64::MAX), Unit::Time));
                    reporter
                        .error(
                            "E269-list-order",
                            times.get(n + 1).map_or(node.span, |node| node.span),
                            format!("a pulse at {next} begins before the one before it is over, at {end}"),
                        )
                        .help("write the times in order, with 1 µs between the pulses at least");
                    return None;
                }
            },
        };
        pulses.push(ListPulse { distance_us, width_us: *width_us });
    }
    let first_us = at.first().copied().unwrap_or(0);
    let Some(delay_us) = delay_us.checked_add(first_us) else { return too_long(node, reporter) };
    let Some(train) = link::pulses::list(delay_us, 0, pulses.iter().copied()) else {
        let most = link::limits::MAX_LIST_PULSES;
        reporter
            .error("E270-list-too-long", node.span, format!("this list has {} pulses, or lasts too long", at.len()))
            .help(format!("all lists of a protocol have {most} pulses at most, and 71 minutes each"));
        return None;
    };
    Some(Stimulus { course: Some(Course { pulses, span: node.span }), ..Stimulus::of(train) })
}

/// The period of a rate, which must be a whole number of µs: a train that drifts from its rate is not that rate.
fn period_of_rate(node: &Node, reporter: &mut Reporter) -> Option<u32> {
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
