//! Reads what was measured on a line: what a valve's openings give, how loud a speaker is. Knows which measurement each kind
//! of line takes, and nothing of protocols.

use crate::diagnostic::{Reporter, Span, a};
use crate::fields::{self, Fields};
use crate::kinds::{Kind, LONGEST_US, Verb};
use crate::quantity::written;
use crate::symbols::{Scale, Unit};
use crate::yaml::{Node, Value};

/// What was measured on a line, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The day it was done, as written.
    pub date: String,
    /// What was found.
    pub measured: Measured,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Of a valve: opening in µs and volume in nl of each point, both rising.
    Volumes(Vec<(i64, i64)>),
    /// Of a speaker: the level of its loudest undistorted sound at the animal's place, in hundredths of a dB SPL.
    FullScale(i32),
    /// Of a shock: the current while it is on, in µA.
    Current(u32),
    /// Of a laser: the power of its light at the animal's end, at full drive, in µW.
    Power(u32),
    /// Of a motor: power in millionths and speed in thousandths of a degree a second of each point, both rising.
    Speeds(Vec<(i64, i64)>),
    /// Of an analog line: a straight line through the points.
    Travel {
        /// The lowest value measured, in base units of the line's scale.
        low: i64,
        /// The highest.
        high: i64,
        /// The farthest a point lies off the straight line, in the same unit.
        residual: i64,
    },
}

impl Calibration {
    /// The points of a valve.
    #[must_use]
    pub fn volumes(&self) -> Option<&[(i64, i64)]> {
        match &self.measured {
            Measured::Volumes(points) => Some(points),
            _ => None,
        }
    }

    /// The points of a motor.
    #[must_use]
    pub fn speeds(&self) -> Option<&[(i64, i64)]> {
        match &self.measured {
            Measured::Speeds(points) => Some(points),
            _ => None,
        }
    }

    /// The full scale of a speaker in hundredths of a dB SPL.
    #[must_use]
    pub fn full_scale_cdb(&self) -> Option<i32> {
        match self.measured {
            Measured::FullScale(level_cdb) => Some(level_cdb),
            _ => None,
        }
    }
}

/// Reads the calibration of a line of this kind.
pub(super) fn read(node: &Node, kind: &Kind, reporter: &mut Reporter) -> Option<Calibration> {
    let takes = |verb| kind.output().is_some_and(|output| output.verbs.contains(&verb));
    if takes(Verb::Deliver) {
        let example = "{date: 2026-01-31, volumes: [[10 ms, 2.1 µl], [100 ms, 24.1 µl]]}";
        let fields = fields::fields(node, "a calibration", &["date", "volumes", "by"], example, reporter)?;
        let (date, points) = (date(&fields, reporter), volumes(&fields, reporter));
        Some(Calibration { date: date?, measured: Measured::Volumes(points?) })
    } else if takes(Verb::Play) {
        let example = "{date: 2026-01-31, full_scale: 95 dB}";
        let fields = fields::fields(node, "a calibration", &["date", "full_scale", "by"], example, reporter)?;
        let (date, level) = (date(&fields, reporter), full_scale(&fields, reporter));
        Some(Calibration { date: date?, measured: Measured::FullScale(level?) })
    } else if kind.name == "motor" {
        let example = "{date: 2026-01-31, speeds: [[10 %, 4 rpm], [90 %, 40 rpm]]}";
        let fields = fields::fields(node, "a calibration", &["date", "speeds", "by"], example, reporter)?;
        let (date, points) = (date(&fields, reporter), speeds(&fields, reporter));
        Some(Calibration { date: date?, measured: Measured::Speeds(points?) })
    } else if let Some((key, example)) = steady(kind) {
        let whole =
            if key == "power" { "{date: 2026-01-31, power: 12 mW}" } else { "{date: 2026-01-31, current: 0.5 mA}" };
        let fields = fields::fields(node, "a calibration", &["date", key, "by"], whole, reporter)?;
        let date = date(&fields, reporter);
        let given = fields.need(key, example, reporter)?;
        let measured = match key {
            "power" => fields::quantity_u32(given, "the power", Unit::Power, 1, "12 mW", reporter).map(Measured::Power),
            _ => {
                fields::quantity_u32(given, "the current", Unit::Current, 1, "0.5 mA", reporter).map(Measured::Current)
            }
        };
        Some(Calibration { date: date?, measured: measured? })
    } else {
        reporter
            .error("E046-no-calibration", fields::short(node), format!("{} has nothing to calibrate", a(kind.noun())))
            .help("leave the calibration out; only a valve, a speaker, a motor, a shock, a laser and an analog line have one");
        None
    }
}

/// What is measured on a line that gives the same all the time it is on, and an example.
fn steady(kind: &Kind) -> Option<(&'static str, &'static str)> {
    match kind.name {
        "shock" => Some(("current", "current: 0.5 mA")),
        "laser" => Some(("power", "power: 12 mW")),
        _ => None,
    }
}

fn date(fields: &Fields<'_>, reporter: &mut Reporter) -> Option<String> {
    let node = fields.need("date", "date: 2026-01-31", reporter)?;
    let date = fields::text(node, "the date", "2026-01-31", reporter)?;
    if !is_date(&date.text) {
        reporter
            .error("E047-bad-date", date.span, format!("`{}` is not a date", date.text))
            .help("write year, month and day: 2026-01-31");
    }
    Some(date.text.clone())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |n: usize, digits: usize| {
        parts.get(n).filter(|part| part.len() == digits).and_then(|part| part.parse::<u32>().ok())
    };
    parts.len() == 3
        && number(0, 4).is_some_and(|year| year >= 1900)
        && number(1, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(2, 2).is_some_and(|day| (1..=31).contains(&day))
}

fn volumes(fields: &Fields<'_>, reporter: &mut Reporter) -> Option<Vec<(i64, i64)>> {
    let volumes = fields.need("volumes", "volumes: [[10 ms, 2.1 µl], [100 ms, 24.1 µl]]", reporter)?;
    let mut points: Vec<(i64, i64)> = Vec::new();
    for item in fields::list(volumes, "`volumes`", "[[10 ms, 2.1 µl], [100 ms, 24.1 µl]]", reporter)? {
        let pair = fields::list(item, "a calibration point", "[10 ms, 2.1 µl]", reporter)?;
        let [time, volume] = pair else {
            reporter
                .error("E048-bad-calibration", fields::short(item), "a calibration point is an opening and a volume")
                .help("write for instance `[10 ms, 2.1 µl]`");
            return None;
        };
        let time_us = fields::quantity(time, "the opening", Unit::Time, "10 ms", reporter)?;
        let volume_nl = fields::quantity(volume, "the volume", Unit::Volume, "2.1 µl", reporter)?;
        let (last_us, last_nl) = points.last().copied().unwrap_or((0, 0));
        if time_us <= last_us || volume_nl <= last_nl || time_us > LONGEST_US || volume_nl > LONGEST_US {
            let (time, volume) = (written(last_us, Unit::Time), written(last_nl, Unit::Volume));
            reporter
                .error("E048-bad-calibration", whole(item), "the points of a calibration must rise")
                .label(format!("the one before is {time}, {volume}"))
                .help("sort the points by opening; a longer opening that gives less was measured wrongly");
            return None;
        }
        points.push((time_us, volume_nl));
    }
    if points.len() < 2 {
        reporter
            .error("E048-bad-calibration", fields::short(volumes), "a calibration needs at least two points")
            .help("measure a short and a long opening, around the volumes you give");
        return None;
    }
    Some(points)
}

fn speeds(fields: &Fields<'_>, reporter: &mut Reporter) -> Option<Vec<(i64, i64)>> {
    let example = "[[10 %, 4 rpm], [90 %, 40 rpm]]";
    let speeds = fields.need("speeds", "speeds: [[10 %, 4 rpm], [90 %, 40 rpm]]", reporter)?;
    let mut points: Vec<(i64, i64)> = Vec::new();
    for item in fields::list(speeds, "`speeds`", example, reporter)? {
        let pair = fields::list(item, "a calibration point", "[10 %, 4 rpm]", reporter)?;
        let [power, speed] = pair else {
            let help = "write for instance `[10 %, 4 rpm]`";
            bad(fields::short(item), "a calibration point is a power and a speed", help, reporter);
            return None;
        };
        let power_ppm = fields::quantity(power, "the power", Unit::Number, "10 %", reporter)?;
        let speed = fields::quantity(speed, "the speed", Unit::Turning, "4 rpm", reporter)?;
        let (last_ppm, last) = points.last().copied().unwrap_or((-1, 0));
        if power_ppm <= last_ppm || speed <= last || power_ppm > link::pwm::FULL_POWER_PPM.into() || speed > LONGEST_US
        {
            let help = "sort the points by power, none above 100 %; more power that turns slower was measured wrongly";
            bad(whole(item), "the points of a calibration must rise", help, reporter);
            return None;
        }
        points.push((power_ppm, speed));
    }
    if points.len() < 2 {
        let help = "measure a slow and a fast speed, around those you ask for";
        bad(fields::short(speeds), "a calibration needs at least two points", help, reporter);
        return None;
    }
    Some(points)
}

/// Reads the calibration of an analog line: voltages and what was measured at each, a length or an angle. `reference_uv` is
/// the voltage of the highest raw value.
pub(super) fn travel(node: &Node, reference_uv: i64, reporter: &mut Reporter) -> Option<(Calibration, Scale)> {
    let example = "{date: 2026-01-31, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}";
    let fields = fields::fields(node, "a calibration", &["date", "points", "by"], example, reporter)?;
    let date = date(&fields, reporter);
    let points = fields.need("points", "points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]", reporter)?;
    let (mut unit, mut read) = (None, Vec::new());
    for item in fields::list(points, "`points`", "[[0.35 V, 0 mm], [2.9 V, 8 mm]]", reporter)? {
        let pair = fields::list(item, "a calibration point", "[0.35 V, 0 mm]", reporter)?;
        let [voltage, value] = pair else {
            bad(
                fields::short(item),
                "a calibration point is a voltage and a value",
                "write for instance `[0.35 V, 0 mm]`",
                reporter,
            );
            return None;
        };
        let voltage_uv = fields::quantity(voltage, "the voltage", Unit::Voltage, "0.35 V", reporter)?;
        if !(0..=reference_uv).contains(&voltage_uv) {
            let most = written(reference_uv, Unit::Voltage);
            bad(
                voltage.span,
                &format!("this body measures 0 V to {most}"),
                "divide the sensor's voltage down",
                reporter,
            );
            return None;
        }
        let text = fields::text(value, "the value", "8 mm", reporter)?;
        let natural = crate::quantity::Quantity::read(&text.text).ok().and_then(|quantity| quantity.natural());
        let wanted = *unit.get_or_insert(if natural == Some(Unit::Angle) { Unit::Angle } else { Unit::Length });
        read.push((voltage_uv, fields::quantity(value, "the value", wanted, "8 mm", reporter)?));
    }
    let rises = |by: fn(&(i64, i64)) -> i64| read.is_sorted_by(|a, b| by(a) < by(b));
    let falls = |by: fn(&(i64, i64)) -> i64| read.is_sorted_by(|a, b| by(a) > by(b));
    if read.len() < 2 {
        bad(
            fields::short(points),
            "a calibration needs at least two points",
            "measure at both ends of the travel",
            reporter,
        );
        return None;
    }
    if !(rises(|point| point.0) && (rises(|point| point.1) || falls(|point| point.1))) {
        let help = "sort the points by voltage; the values beside them all rise, or all fall";
        bad(fields::short(points), "the points of a calibration must rise", help, reporter);
        return None;
    }
    let (scale, residual) = fit(&read, reference_uv, unit?);
    let (low, high) = (read.iter().map(|point| point.1).min()?, read.iter().map(|point| point.1).max()?);
    Some((Calibration { date: date?, measured: Measured::Travel { low, high, residual } }, scale))
}

fn bad(span: Span, message: &str, help: &str, reporter: &mut Reporter) {
    reporter.error("E048-bad-calibration", span, message.to_owned()).help(help.to_owned());
}

/// The straight line of least squares through the points, raw value over what was measured, and how far the farthest point
/// lies off it.
fn fit(points: &[(i64, i64)], reference_uv: i64, unit: Unit) -> (Scale, i64) {
    let steps = f64::from(link::rig::ANALOG_MAX + 1);
    let raw = |voltage_uv: i64| voltage_uv as f64 * steps / reference_uv as f64;
    let count = points.len() as f64;
    let mean_raw = points.iter().map(|point| raw(point.0)).sum::<f64>() / count;
    let mean = points.iter().map(|point| point.1 as f64).sum::<f64>() / count;
    let (mut together, mut square) = (0.0, 0.0);
    for (voltage_uv, value) in points {
        let off = *value as f64 - mean;
        together += off * (raw(*voltage_uv) - mean_raw);
        square += off * off;
    }
    let slope = together / square;
    let zero = mean_raw - slope * mean;
    let off = points.iter().map(|(voltage_uv, value)| ((raw(*voltage_uv) - zero) / slope - *value as f64).abs());
    let nano = |value: f64| (value * 1e9).round() as i64;
    (Scale { unit, zero_nraw: nano(zero), base_nraw: nano(slope) }, off.fold(0.0, f64::max).round() as i64)
}

/// All of a pair.
fn whole(item: &Node) -> Span {
    match &item.value {
        Value::List(pair) => pair.iter().fold(item.span, |span, node| span.to(node.span)),
        _ => item.span,
    }
}

fn full_scale(fields: &Fields<'_>, reporter: &mut Reporter) -> Option<i32> {
    let node = fields.need("full_scale", "full_scale: 95 dB", reporter)?;
    let level = fields::quantity(node, "the full scale", Unit::Level, "95 dB", reporter)?;
    let level_cdb = i32::try_from(level).ok().filter(|level| (0..=20_000).contains(level));
    if level_cdb.is_none() {
        reporter
            .error("E027-out-of-bounds", node.span, "a full scale lies between 0 dB and 200 dB")
            .help("measure the loudest sound the speaker makes undistorted, where the animal's head is");
    }
    level_cdb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_found_and_what_lies_off_it_is_told() {
        // 0.33 V a mm from 0.33 V on, of a reference of 3.3 V: 409.6 raw values each.
        let straight = [(330_000, 0), (1_650_000, 4_000), (2_970_000, 8_000)];
        let (scale, residual) = fit(&straight, 3_300_000, Unit::Length);
        assert_eq!((scale.raw(0), scale.raw(4_000), residual), (Some(410), Some(2_048), 0));
        assert_eq!((scale.base(2_048), scale.raw_difference(-1_000)), (4_000, Some(410)));
        let bent = [(330_000, 0), (1_650_000, 4_300), (2_970_000, 8_000)];
        assert_eq!(fit(&bent, 3_300_000, Unit::Length).1, 200, "µm: a third of the bend is shared with the ends");
        let falling = [(330_000, 8_000), (2_970_000, 0)];
        let (scale, _) = fit(&falling, 3_300_000, Unit::Length);
        assert_eq!((scale.raw(8_000), scale.base(410)), (Some(410), 7_999));
    }
}
