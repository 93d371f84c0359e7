//! Reads what was measured on a line: what a valve's openings give, how loud a speaker is. Knows which measurement each kind
//! of line takes, and nothing of protocols.

use crate::diagnostic::{Reporter, Span, a};
use crate::fields::{self, Fields};
use crate::kinds::{Kind, LONGEST_US, Verb};
use crate::quantity::written;
use crate::symbols::Unit;
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
}

impl Calibration {
    /// The points of a valve.
    #[must_use]
    pub fn volumes(&self) -> Option<&[(i64, i64)]> {
        match &self.measured {
            Measured::Volumes(points) => Some(points),
            Measured::FullScale(_) => None,
        }
    }

    /// The full scale of a speaker in hundredths of a dB SPL.
    #[must_use]
    pub fn full_scale_cdb(&self) -> Option<i32> {
        match self.measured {
            Measured::FullScale(level_cdb) => Some(level_cdb),
            Measured::Volumes(_) => None,
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
    } else {
        reporter
            .error("E046-no-calibration", fields::short(node), format!("{} has nothing to calibrate", a(kind.name)))
            .help("leave the calibration out; only a valve and a speaker have one");
        None
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
