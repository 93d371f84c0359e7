//! Reads what an output is held to: how long in one go, how long off, how much of a window, how much a session and a
//! subject's day, and how much power. Where the rig says nothing its kind does. Knows nothing of any protocol.

use link::pwm::FULL_POWER_PPM;
use link::rig::{DUTY_PARTS, Duty, Limits, NO_LIMIT, Total};

use super::calibration::{Calibration, Measured};
use super::dose::Dose;
use crate::diagnostic::{Reporter, Span, a};
use crate::fields::{self, Fields};
use crate::kinds::{self, Kind};
use crate::quantity::{Quantity, written};
use crate::symbols::Unit;
use crate::yaml::{Node, Value};

/// The most the device counts of anything.
const MOST: u32 = NO_LIMIT - 1;
/// The longest window, and the longest time on in one session, in µs: the most the device counts, in whole minutes.
const LONGEST_US: u32 = 71 * 60_000_000;
/// The word that lifts a limit.
const LIFTED: &str = "none";

/// How much of an output there may be; none where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How often it may go on.
    pub pulses: Option<u64>,
    /// For how long it may be on in all, in µs.
    pub on_us: Option<u64>,
    /// How much it may give in all, in base units of its [`Dose`].
    pub dose: Option<u64>,
}

/// The totals of an output: a session's, a subject's day's, and what a dose of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputTotals {
    /// In one session.
    pub per_session: Totals,
    /// For one subject on one day.
    pub per_day: Totals,
    /// What it gives; none if that was never measured.
    pub dose: Option<Dose>,
}

/// What a subject got of an output on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// How often it went on.
    pub pulses: u64,
    /// For how long it was on in all, in µs.
    pub on_us: u64,
    /// What it gave, in base units of its [`Dose`]; [`Dose::given`] tells, by the calibration of that session.
    pub dose: u64,
}

impl OutputTotals {
    /// What the device may allow in a session of a subject that has had `used` on this day: the session's limit, or what
    /// is left of the day if that is less.
    #[must_use]
    pub fn left(&self, used: &Used) -> Total {
        let least = |session: Option<u64>, day: Option<u64>, used: u64| {
            session.into_iter().chain(day.map(|day| day.saturating_sub(used))).min()
        };
        // A time that the device cannot count in one session is cut to what it can: never to no limit.
        let counted = |left: Option<u64>| left.map_or(NO_LIMIT, |left| u32::try_from(left).unwrap_or(MOST).min(MOST));
        let (session, day) = (&self.per_session, &self.per_day);
        let dose = self.dose.zip(least(session.dose, day.dose, used.dose));
        Total {
            pulses: counted(least(session.pulses, day.pulses, used.pulses)),
            on_us: counted(least(session.on_us, day.on_us, used.on_us)),
            dose_us: counted(dose.map(|(dose, left)| dose.time_of(left))),
            pulse_dose_us: dose.map_or(0, |(dose, _)| dose.pulse_us),
        }
    }
}

/// What was read of an output.
pub(super) struct Read {
    pub(super) limits: Limits,
    pub(super) totals: OutputTotals,
    pub(super) max_power_ppm: u32,
}

/// Reads the limits of an output.
pub(super) fn read(
    line: &Fields<'_>,
    kind: &Kind,
    output: &kinds::Output,
    calibration: Option<&Calibration>,
    reporter: &mut Reporter,
) -> Read {
    let stated = line.get("max_on");
    let stated_us = stated.and_then(|node| fields::quantity_u32(node, "`max_on`", Unit::Time, 1, "500 ms", reporter));
    let min_off = stated_or_lifted(line.get("min_off"));
    let min_off_us = match min_off {
        Stated::Not => output.defaults.min_off_us,
        Stated::Lifted => 0,
        Stated::As(node) => fields::quantity_u32(node, "`min_off`", Unit::Time, 0, "10 ms", reporter).unwrap_or(0),
    };
    let duty = match stated_or_lifted(line.get("duty")) {
        Stated::Not => output.defaults.duty,
        Stated::Lifted => None,
        Stated::As(node) => duty(node, reporter),
    };
    let max_on_us = stated_us.unwrap_or_else(|| u32::try_from(output.max_on_us).unwrap_or(u32::MAX));
    let dose = calibration.and_then(|calibration| dose(calibration, max_on_us));
    let gives = Gives { kind, dose, is_stated: line.get("calibration").is_some() };
    let defaults = &output.defaults;
    let (session, day) = (
        Totals { on_us: defaults.session_on_us.map(u64::from), ..Totals::default() },
        Totals { pulses: defaults.day_pulses.map(u64::from), ..Totals::default() },
    );
    let per_session = totals(line.get("per_session"), "`per_session`", session, &gives, true, reporter);
    let per_day = totals(line.get("per_day"), "`per_day`", day, &gives, false, reporter);
    let totals = OutputTotals { per_session, per_day, dose };
    let total = totals.left(&Used::default());
    // What may not be on for longer in a window or a session may not be in one go either.
    let least = duty.map_or(u32::MAX, |duty| duty.on_us).min(total.on_us);
    if let (Some(node), Some(stated_us)) = (stated, stated_us.filter(|stated_us| *stated_us > least)) {
        let (stated, least) = (written(stated_us.into(), Unit::Time), written(least.into(), Unit::Time));
        let of_kind = a(kind.noun());
        reporter
            .error(
                "E180-max-on-past-limit",
                node.span,
                format!("{stated} in one go is more than the line's duty and totals allow, {least}"),
            )
            .help(format!(
                "write `max_on: {least}` or less; or state a `duty` and a `per_session` that allow it: where a rig states \
                 none, those of {of_kind} hold"
            ));
    }
    let limits = Limits {
        must_arm: output.must_arm,
        safe_on_trip: output.safe_on_trip,
        min_off_us,
        duty,
        total,
        ..Limits::on_for(max_on_us.min(least))
    };
    Read { limits, totals, max_power_ppm: max_power(line, kind, reporter) }
}

/// Whether a limit is stated, lifted or left to the kind.
enum Stated<'n> {
    Not,
    Lifted,
    As(&'n Node),
}

fn stated_or_lifted(node: Option<&Node>) -> Stated<'_> {
    match node {
        None => Stated::Not,
        Some(Node { value: Value::Scalar(text), .. }) if text.text.trim() == LIFTED => Stated::Lifted,
        Some(node) => Stated::As(node),
    }
}

/// Reads `{on: 30 s, within: 60 s}` or `50 % of 60 s`.
fn duty(node: &Node, reporter: &mut Reporter) -> Option<Duty> {
    const EXAMPLE: &str = "{on: 30 s, within: 60 s}";
    let (on_us, window_us, place) = match &node.value {
        Value::Scalar(text) if !text.text.trim().is_empty() => {
            let Some((share, window)) = text.text.split_once(" of ") else {
                reporter
                    .error("E181-duty", node.span, format!("`{}` is no duty", text.text.trim()))
                    .help(format!("write for instance `50 % of 60 s`, `{EXAMPLE}`, or `none`"));
                return None;
            };
            let read = |part: &str, unit| Quantity::read(part).and_then(|quantity| quantity.in_base(unit));
            let (share, window) = match (read(share, Unit::Number), read(window, Unit::Time)) {
                (Ok(share), Ok(window)) => (share, window),
                (Err(error), _) | (_, Err(error)) => {
                    fields::bad_quantity(&error, "`duty`", node.span, reporter);
                    return None;
                }
            };
            // Rounded down: no longer than stated.
            let on = i128::from(share) * i128::from(window) / i128::from(FULL_POWER_PPM);
            (i64::try_from(on).unwrap_or(i64::MAX), window, node.span)
        }
        _ => {
            let fields = fields::fields(node, "`duty`", &["on", "within"], EXAMPLE, reporter)?;
            let (on, within) =
                (fields.need("on", "on: 30 s", reporter), fields.need("within", "within: 60 s", reporter));
            let mut time = |node: Option<&Node>| fields::quantity(node?, "`duty`", Unit::Time, "30 s", reporter);
            (time(on)?, time(within)?, fields.short_span())
        }
    };
    let window = u32::try_from(window_us).ok().filter(|window_us| (DUTY_PARTS..=LONGEST_US).contains(window_us));
    let on = u32::try_from(on_us).ok().filter(|on_us| *on_us > 0 && i64::from(*on_us) <= window_us);
    if window.is_none() || on.is_none() {
        let (least, most) = (written(DUTY_PARTS.into(), Unit::Time), written(LONGEST_US.into(), Unit::Time));
        let (on, window) = (written(on_us, Unit::Time), written(window_us, Unit::Time));
        reporter
            .error("E181-duty", place, format!("no line can be held to {on} within {window}"))
            .help(format!("the window lies between {least} and {most}, the time on between 1 µs and the window"));
    }
    Some(Duty { window_us: window?, on_us: on? })
}

/// What a calibration says of a dose.
fn dose(calibration: &Calibration, max_on_us: u32) -> Option<Dose> {
    match &calibration.measured {
        Measured::Volumes(points) => Dose::of_valve(points, max_on_us),
        Measured::Current(current_ua) => Some(Dose::steady(Unit::Charge, *current_ua)),
        Measured::Power(power_uw) => Some(Dose::steady(Unit::Energy, *power_uw)),
        Measured::FullScale(_) | Measured::Speeds(_) | Measured::Travel { .. } => None,
    }
}

/// What a dose of a kind of line is called, what it is measured in, an example, and what calibrates it.
fn dose_of(kind: &Kind) -> Option<(&'static str, Unit, &'static str, &'static str)> {
    match kind.name {
        "valve" => Some(("volume", Unit::Volume, "6 ml", "volumes: [[10 ms, 2.1 µl], [100 ms, 24.1 µl]]")),
        "shock" => Some(("charge", Unit::Charge, "10 mC", "current: 0.5 mA")),
        "laser" => Some(("energy", Unit::Energy, "500 mJ", "power: 12 mW")),
        _ => None,
    }
}

/// What an output gives, and whether the rig states it.
struct Gives<'k> {
    kind: &'k Kind,
    dose: Option<Dose>,
    is_stated: bool,
}

/// Reads `{pulses: 20, on: 60 s, volume: 6 ml}`; what it does not name is as in `totals`. What holds for one session
/// the device must be able to count.
fn totals(
    node: Option<&Node>,
    what: &'static str,
    mut totals: Totals,
    gives: &Gives<'_>,
    one_session: bool,
    reporter: &mut Reporter,
) -> Totals {
    let node = match stated_or_lifted(node) {
        Stated::Not => return totals,
        Stated::Lifted => return Totals::default(),
        Stated::As(node) => node,
    };
    let dosed = dose_of(gives.kind);
    let known: Vec<&'static str> = ["pulses", "on"].into_iter().chain(dosed.map(|dosed| dosed.0)).collect();
    let Some(fields) = fields::fields(node, what, &known, "{pulses: 20, on: 60 s}", reporter) else { return totals };
    let mut read = |key: &str, unit, example: &str, most: Option<u32>, so_far: Option<u64>| match stated_or_lifted(
        fields.get(key),
    ) {
        Stated::Not => so_far,
        Stated::Lifted => None,
        Stated::As(node) => {
            let value = fields::quantity(node, what, unit, example, reporter)?;
            let fits = u64::try_from(value).ok().filter(|value| *value > 0);
            let fits = fits.filter(|value| most.is_none_or(|most| *value <= most.into()));
            if fits.is_none() {
                past_counting(node.span, value, unit, most.map(u64::from), reporter);
            }
            fits
        }
    };
    totals.pulses = read("pulses", Unit::Count, "20", one_session.then_some(MOST), totals.pulses);
    totals.on_us = read("on", Unit::Time, "60 s", one_session.then_some(LONGEST_US), totals.on_us);
    let Some((key, unit, example, calibrated)) = dosed else { return totals };
    totals.dose = read(key, unit, example, None, totals.dose);
    let Some((node, limit)) = fields.get(key).zip(totals.dose) else { return totals };
    match gives.dose {
        // What is wrong with the calibration was told.
        None if gives.is_stated => totals.dose = None,
        None => {
            reporter
                .error(
                    "E183-dose-not-calibrated",
                    node.span,
                    format!("what this line gives was never measured, so no {key} can be counted"),
                )
                .help(format!("add `calibration: {{date: …, {calibrated}}}`, or limit `on` and `pulses` instead"));
            totals.dose = None;
        }
        Some(dose) => {
            let time_us = dose.time_of(limit);
            if time_us <= u64::from(dose.pulse_us) || one_session && time_us > LONGEST_US.into() {
                let shown = |amount: u64| written(i64::try_from(amount).unwrap_or(i64::MAX), unit);
                let (limit, least) = (shown(limit), shown(dose.given(1, 1)));
                let most = one_session.then(|| format!(" to {}", shown(dose.given(0, LONGEST_US.into()))));
                let most = most.unwrap_or_default();
                reporter
                    .error("E182-past-counting", node.span, format!("{} cannot be counted on this line", limit))
                    .help(format!("by its calibration it counts from {least}{most}"));
            }
        }
    }
    totals
}

fn past_counting(span: Span, value: i64, unit: Unit, most: Option<u64>, reporter: &mut Reporter) {
    let most = most.and_then(|most| i64::try_from(most).ok()).map(|most| written(most, unit));
    let up_to = most.map_or(String::new(), |most| format!(" and at most {most} in a session"));
    reporter
        .error("E182-past-counting", span, format!("{} cannot be counted", written(value, unit)))
        .help(format!("a total is more than nothing{up_to}; `{LIFTED}` for no limit"));
}

/// Reads `max_power`, in millionths of full power.
fn max_power(line: &Fields<'_>, kind: &Kind, reporter: &mut Reporter) -> u32 {
    let full_ppm = FULL_POWER_PPM.unsigned_abs();
    let Some(node) = line.get("max_power") else { return full_ppm };
    if line.get("pwm").is_none() {
        reporter.error("E038-no-power", node.span, "this line is on or off: it has no power to be limited").help(
            if kind.output().is_some_and(|output| output.takes_power) {
                "drive it by PWM, for instance `pwm: 20 kHz`; or leave `max_power` out"
            } else {
                "leave `max_power` out"
            },
        );
        return full_ppm;
    }
    let Some(power) = fields::quantity(node, "`max_power`", Unit::Number, "80 %", reporter) else { return full_ppm };
    let fits = u32::try_from(power).ok().filter(|power| (1..=full_ppm).contains(power));
    if fits.is_none() {
        reporter
            .error("E027-out-of-bounds", node.span, "the highest power lies above 0 % and up to 100 %")
            .help("write a share of full power, for instance `80 %`");
    }
    fits.unwrap_or(full_ppm)
}
