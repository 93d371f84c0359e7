//! Lines that carry a power by pulse-width modulation: whether a line can, what a body makes of the frequency asked for, and
//! which lines share what makes it. Knows nothing of any protocol.

use std::fmt;

use link::pwm::{COUNTS_MIN, Division};
use link::rig::Role;

use super::body::Body;
use super::line::{Found, free};
use crate::diagnostic::{Reporter, Span, a, listed};
use crate::fields;
use crate::kinds::{KINDS, Kind};
use crate::quantity::written;
use crate::symbols::Unit;
use crate::yaml::Node;

/// How a body makes the frequency of a powered line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// As asked for, in mHz.
    pub frequency_mhz: u32,
    /// The body's clock, in Hz.
    pub clock_hz: u32,
    /// How it is divided.
    pub division: Division,
}

impl Made {
    /// By how much the frequency differs from what was asked for, in thousandths of a millionth of it.
    #[must_use]
    pub fn error_ppb(&self) -> i64 {
        self.division.error_ppb(self.clock_hz, self.frequency_mhz)
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PWM at {}", written(self.frequency_mhz.into(), Unit::Frequency))?;
        match self.error_ppb() {
            0 => f.write_str(" exactly,")?,
            error => write!(f, ", {:+.4} % off,", error as f64 / 1e7)?,
        }
        let counts = self.division.counts;
        write!(f, " power in {counts} steps of {:.4} %", 100.0 / f64::from(counts))
    }
}

/// Reads `pwm`: the frequency of a line that carries a power, and how this body makes it.
pub(super) fn frequency(node: &Node, kind: &Kind, body: Body, reporter: &mut Reporter) -> Option<Made> {
    if !kind.output().is_some_and(|output| output.takes_power) {
        let can = KINDS.iter().filter(|kind| kind.output().is_some_and(|output| output.takes_power));
        reporter
            .error("E038-no-power", node.span, format!("{} is on or off and carries no power", a(kind.noun())))
            .help(format!("leave `pwm` out; lines that can carry one are {}", listed(can.map(|kind| kind.name))));
        return None;
    }
    let Some(clock_hz) = body.pwm_clock_hz() else {
        reporter
            .error("E038-no-power", node.span, format!("this body ({}) drives no line by PWM", body.word()))
            .help("leave `pwm` out, or put the line on a Pico");
        return None;
    };
    let frequency = fields::quantity(node, "the frequency", Unit::Frequency, "20 kHz", reporter)?;
    let frequency_mhz = u32::try_from(frequency.max(0)).unwrap_or(u32::MAX);
    let division = Division::of(clock_hz, frequency_mhz);
    if division.is_none() {
        // In whole Hz, within what can be made.
        let low = i64::from(Division::lowest_mhz(clock_hz).div_ceil(1_000)) * 1_000;
        let high = i64::from(Division::highest_mhz(clock_hz) / 1_000) * 1_000;
        let (low, high) = (written(low, Unit::Frequency), written(high, Unit::Frequency));
        reporter
            .error(
                "E039-pwm-frequency",
                node.span,
                format!("this body ({}) makes no PWM of {}", body.word(), written(frequency, Unit::Frequency)),
            )
            .help(format!(
                "its clock makes {low} to {high}, where a power still has {COUNTS_MIN} steps and more; 1 kHz for a light, \
                 20 kHz for a motor or a filter are usual"
            ));
    }
    Some(Made { frequency_mhz, clock_hz, division: division? })
}

/// What a line makes its slice do: sound, or count at a frequency.
fn frequency_of(role: Role) -> Option<Option<u32>> {
    match role {
        Role::Powered { frequency_mhz, .. } => Some(Some(frequency_mhz)),
        Role::Output { speaker: true, .. } => Some(None),
        _ => None,
    }
}

/// Lines on one PWM slice must get along: a speaker has its slice for itself, powered lines on one have one frequency and
/// different channels.
pub(super) fn check_slice(
    name: &str,
    (pin, role): (u8, Role),
    span: Span,
    body: Body,
    found: &Found,
    reporter: &mut Reporter,
) {
    let (Some(own), Some(slice)) = (frequency_of(role), body.slice(pin)) else { return };
    let clashes = |pin: u8| {
        let slice = body.slice(pin)?;
        found.lines.iter().map(|(line, _)| line).find(|line| {
            let other = frequency_of(line.line.role);
            let shares = line.line.pin != pin && body.slice(line.line.pin) == Some(slice);
            // 16 pins apart two pins are one channel.
            let agree = own.is_some() && other == Some(own) && line.line.pin % 2 != pin % 2;
            other.is_some() && shares && !agree
        })
    };
    let Some(other) = clashes(pin) else { return };
    let told = |name: &str, pin: u8, frequency: Option<u32>| match frequency {
        Some(mhz) => format!("`{name}` (pin {pin}, {})", written(mhz.into(), Unit::Frequency)),
        None => format!("`{name}` (pin {pin})"),
    };
    let theirs = frequency_of(other.line.role).flatten();
    let both = format!("{} and {}", told(&other.name, other.line.pin, theirs), told(name, pin, own));
    let (who, why) = match (own, theirs) {
        (None, None) => ("the speakers ", ""),
        (Some(own), Some(theirs)) if own == theirs => {
            ("", ", and pins 16 apart are one channel of it: they would always have the same power")
        }
        (Some(_), Some(_)) => ("", ", which has one frequency"),
        _ => ("", ", which makes sounds or a power, not both"),
    };
    let remedy = free(body, found, |other| {
        let slice = body.slice(other);
        slice.is_some() && found.sliced.iter().all(|taken| *taken == pin || body.slice(*taken) != slice)
    });
    reporter
        .error("E059-slice-clash", span, format!("{who}{both} share PWM slice {slice}{why}"))
        .label("the same slice")
        .help(remedy);
}
