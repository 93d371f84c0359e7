//! What is asked of an output against what its rig allows, as far as it is known before the session: what the interlock
//! would refuse whole each time is a mistake, what a whole session may come to is worth a word.

use link::pwm::FULL_POWER_PPM;
use link::record::Train;
use link::rig::{self, Duty, Limits, NO_LIMIT, Role, Total};

use super::Lowering;
use crate::diagnostic::Span;
use crate::expression::check::Type;
use crate::names::Scope;
use crate::protocol::EndKind;
use crate::quantity::written;
use crate::rig::{LineConfig, OutputTotals};
use crate::symbols::Unit;
use crate::yaml::Text;

/// A request that is known before the session, and where it stands.
pub(super) struct Asked {
    line: String,
    span: Span,
    amount: Amount,
}

/// How much a request asks for.
#[derive(Clone, Copy)]
struct Amount {
    pulses: u64,
    on_us: u64,
    /// As the device counts a dose.
    dose_us: u64,
}

impl Amount {
    /// What a train asks for at a power; at none, if that is not known.
    fn of(train: &Train, power_ppm: Option<i64>, total: &Total) -> Self {
        let on_us = u64::from(train.width_us) * u64::from(train.count);
        let power = u128::from(power_ppm.unwrap_or(0).clamp(0, FULL_POWER_PPM.into()).unsigned_abs());
        let full_us = u128::from(on_us) * power / u128::from(FULL_POWER_PPM.unsigned_abs());
        let pulse_dose = u64::from(train.count) * u64::from(total.pulse_dose_us);
        let dose_us = u64::try_from(full_us).unwrap_or(u64::MAX).saturating_add(pulse_dose);
        Self { pulses: train.count.into(), on_us, dose_us }
    }

    fn times(self, times: u64) -> Self {
        let Self { pulses, on_us, dose_us } = self;
        let by = |amount: u64| amount.saturating_mul(times);
        Self { pulses: by(pulses), on_us: by(on_us), dose_us: by(dose_us) }
    }

    /// The first total it is past.
    fn past(self, total: &Total, config: &LineConfig) -> Option<Past> {
        let OutputTotals { per_session, per_day, dose } = config.totals;
        let over = |amount: u64, limit: u32| limit != NO_LIMIT && amount > limit.into();
        let told = |session: Option<u64>, day: Option<u64>, shown: &dyn Fn(u64) -> String, amount: u64| {
            let of_day = day.is_some_and(|day| session.is_none_or(|session| day < session));
            let limit = session.into_iter().chain(day).min().unwrap_or(amount);
            Past { comes_to: shown(amount), limit: shown(limit), of_day }
        };
        if over(self.pulses, total.pulses) {
            let pulses = |count: u64| format!("{count} {}", if count == 1 { "pulse" } else { "pulses" });
            Some(told(per_session.pulses, per_day.pulses, &pulses, self.pulses))
        } else if over(self.on_us, total.on_us) {
            Some(told(per_session.on_us, per_day.on_us, &|us| shown(us, Unit::Time), self.on_us))
        } else if over(self.dose_us, total.dose_us) {
            let dose = dose?;
            let given = dose.given(0, self.dose_us);
            Some(told(per_session.dose, per_day.dose, &|amount| shown(amount, dose.unit), given))
        } else {
            None
        }
    }
}

/// A total that is exceeded.
struct Past {
    /// What is asked for.
    comes_to: String,
    /// What there may be.
    limit: String,
    /// Whether it is the subject's day that limits, rather than the session.
    of_day: bool,
}

impl Past {
    /// What is limited, and the key that limits it.
    fn whose(&self) -> (&'static str, &'static str) {
        if self.of_day { ("a subject's day", "per_day") } else { ("a session", "per_session") }
    }
}

fn shown(amount: u64, unit: Unit) -> String {
    written(i64::try_from(amount).unwrap_or(i64::MAX), unit)
}

impl Lowering<'_> {
    /// Reports a request that the interlock would refuse whole whenever it came. `power_ppm` is none if it is not known.
    pub(super) fn check_request(&mut self, line: &Text, train: &Train, power_ppm: Option<i64>, span: Span) {
        if let Some(amount) = self.checked_amount(line, train, power_ppm, (span, "this is")) {
            self.asked.push(Asked { line: line.text.clone(), span, amount });
        }
    }

    /// The same for a train without end, which no total allows.
    pub(super) fn check_endless(&mut self, line: &Text, train: &Train, power_ppm: Option<i64>, span: Span) {
        let total = self.rig.line(&line.text).and_then(|config| Some(config.line.role.output()?.limits.total));
        if total.is_some_and(|total| total.pulses != NO_LIMIT || total.on_us != NO_LIMIT || total.dose_us != NO_LIMIT) {
            let (name, file) = (&line.text, &self.rig.file);
            self.reporter
                .error(
                    "E272-endless-and-total",
                    span,
                    format!("`{name}` may have only so much in a session, and this train has no end"),
                )
                .help(format!(
                    "give it a `count` or `for`: what has no end is refused whole; its totals stand in {file}"
                ));
            return;
        }
        self.checked_amount(line, train, power_ppm, (span, "this is"));
    }

    /// The same for a level, which the interlock takes as one that stays on for `max_on`. What a session of them comes to,
    /// nobody knows beforehand.
    pub(super) fn check_level(&mut self, line: &Text, power_ppm: Option<i64>, span: Span) {
        let max_on_us = u32::try_from(self.max_on(&line.text)).unwrap_or(u32::MAX);
        self.checked_amount(
            line,
            &Train::pulse(max_on_us),
            power_ppm,
            (span, "a level counts for its whole `max_on`, which is"),
        );
    }

    fn checked_amount(
        &mut self,
        line: &Text,
        train: &Train,
        power_ppm: Option<i64>,
        (span, this_is): (Span, &str),
    ) -> Option<Amount> {
        let rig = self.rig;
        let config = rig.line(&line.text)?;
        let rig::Output { limits, max_power_ppm, .. } = config.line.role.output()?;
        let power_ppm = power_ppm.or_else(|| max_power_ppm.is_none().then_some(FULL_POWER_PPM.into()));
        let Limits { min_off_us, duty, total, .. } = limits;
        let (name, file) = (&line.text, &rig.file);
        let time = |us: u32| written(us.into(), Unit::Time);
        let raise = |key: &str| format!("or, if the hardware and the animal can stand it, change `{key}` in {file}");
        let between_us = train.least_gap_us();
        if train.count > 1 && between_us < min_off_us {
            let (between, min_off) = (time(between_us), time(min_off_us));
            self.reporter
                .error(
                    "E191-under-min-off",
                    span,
                    format!("{between} between two pulses is less than `{name}` must be off, {min_off}"),
                )
                .help(format!("make the pulses shorter or rarer; {}", raise("min_off")));
        }
        let amount = Amount::of(train, power_ppm, &total);
        let within_us = |duty: &Duty| train.most_on_within_us(duty.window_us);
        if let Some(duty) = duty.filter(|duty| within_us(duty) > duty.on_us) {
            let (on, window) = (time(duty.on_us), time(duty.window_us));
            let asked = time(within_us(&duty));
            self.reporter
                .error(
                    "E192-over-duty",
                    span,
                    format!("{this_is} {asked} on within {window}, and `{name}` may be on for {on} of that"),
                )
                .help(format!("ask for shorter or rarer pulses; {}", raise("duty")));
        }
        if let Some(past) = amount.past(&total, config) {
            let (whose, key) = past.whose();
            let Past { comes_to, limit, .. } = past;
            self.reporter
                .error(
                    "E193-over-total",
                    span,
                    format!("{this_is} {comes_to}, and `{name}` may have {limit} in {whose}"),
                )
                .help(format!("ask for less; {}", raise(key)));
        }
        Some(amount)
    }

    /// Reports a power that the rig does not allow on the line; none is full power.
    pub(super) fn check_power(&mut self, line: &Text, power_ppm: Option<i64>, span: Span) {
        let Some(LineConfig { line: config, .. }) = self.rig.line(&line.text) else { return };
        let Role::Powered { max_power_ppm, .. } = config.role else { return };
        let full_ppm = i64::from(FULL_POWER_PPM);
        let asked = power_ppm.unwrap_or(full_ppm);
        if asked <= i64::from(max_power_ppm) || asked > full_ppm {
            return;
        }
        let per_cent = |ppm: i64| format!("{} %", ppm as f64 / 1e4);
        let most = per_cent(max_power_ppm.into());
        let (asked, help) = match power_ppm {
            Some(asked) => (format!("{} is", per_cent(asked)), format!("ask for {most} or less")),
            None => {
                ("nothing is said of its power here, and full power is".to_owned(), format!("write `power: {most}`"))
            }
        };
        self.reporter
            .error("E190-over-max-power", span, format!("{asked} more than `{}` may have, {most}", line.text))
            .help(format!("{help}; or raise `max_power` in {}", self.rig.file));
    }

    /// Warns of totals that a session may reach: a request that comes once in every trial, where their number is known.
    pub(super) fn check_totals(&mut self) {
        if self.reporter.has_errors() {
            return;
        }
        let protocol = self.protocol;
        let trials = protocol.ends.iter().filter(|end| end.kind == EndKind::Trials);
        let trials: Vec<i64> =
            trials.filter_map(|end| self.at_start(&end.expr, Type::Count, Scope::default())).collect();
        let Some(trials) = trials.into_iter().min().and_then(|trials| u64::try_from(trials).ok()) else { return };
        let mut told: Vec<String> = Vec::new();
        for Asked { line, span, amount } in std::mem::take(&mut self.asked) {
            let Some(config) = self.rig.line(&line).filter(|_| !told.contains(&line)) else { continue };
            let Some(output) = config.line.role.output() else { continue };
            let total = output.limits.total;
            if amount.past(&total, config).is_some() {
                continue;
            }
            if let Some(past) = amount.times(trials).past(&total, config) {
                let (whose, _) = past.whose();
                let Past { comes_to, limit, .. } = past;
                self.reporter
                    .warning(
                        "W011-may-reach-total",
                        span,
                        format!(
                            "once in each of {trials} trials this comes to {comes_to}, and `{line}` may have {limit} in {whose}"
                        ),
                    )
                    .help("what goes past it is refused and recorded: have fewer trials, give less, or end the session before");
                told.push(line);
            }
        }
    }
}
