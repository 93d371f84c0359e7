//! Reads what makes a line an output: its limits, its arming, its power, and how its pin is kept off while nobody drives it.
//! Knows nothing of other lines.

use link::rig::{Limits, Role};

use super::body::Body;
use super::calibration::{self, Calibration};
use super::limits::{self, OutputTotals};
use super::power::{self, Made};
use crate::diagnostic::{Reporter, a};
use crate::fields::{self, Fields};
use crate::kinds::{self, Kind, Verb};

/// The keys of an output.
pub(super) const KEYS: &[&str] = &[
    "kind",
    "pin",
    "active",
    "pull_up",
    "pwm",
    "max_power",
    "max_on",
    "min_off",
    "duty",
    "per_session",
    "per_day",
    "arm",
    "sense",
    "calibration",
    "about",
];

/// What was read of an output.
pub(super) struct Read {
    pub(super) role: Role,
    pub(super) totals: OutputTotals,
    pub(super) calibration: Option<Calibration>,
    pub(super) made: Option<Made>,
}

/// Reads an output.
pub(super) fn read(
    line: &Fields<'_>,
    kind: &Kind,
    output: &kinds::Output,
    body: Body,
    reporter: &mut Reporter,
) -> Read {
    let calibration = line.get("calibration").and_then(|node| calibration::read(node, kind, reporter));
    let limits::Read { limits, totals, max_power_ppm } =
        limits::read(line, kind, output, calibration.as_ref(), reporter);
    let limits = Limits { must_arm: arm(line, kind, output, reporter), ..limits };
    check_pull_up(line, kind, output, reporter);
    let made = line.get("pwm").and_then(|node| power::frequency(node, kind, body, reporter));
    let role = match made {
        Some(Made { frequency_mhz, .. }) => Role::Powered { limits, max_power_ppm, frequency_mhz },
        None => Role::Output { limits, speaker: output.verbs.contains(&Verb::Play) },
    };
    Read { role, totals, calibration, made }
}

/// Whether a person must arm it.
fn arm(line: &Fields<'_>, kind: &Kind, output: &kinds::Output, reporter: &mut Reporter) -> bool {
    let arms = [("required", true), ("none", false)];
    let node = line.get("arm");
    let arm = node.and_then(|node| fields::choice(node, "`arm`", &arms, reporter));
    if let (Some(false), true, Some(node)) = (arm, output.must_arm, node) {
        reporter
            .error("E043-must-arm", node.span, format!("a {} must always be armed by a person", kind.name))
            .help("write `arm: required` or leave the key out");
    }
    arm.unwrap_or(output.must_arm)
}

/// A pin that nobody drives yet is pulled down by the chip. A line that is off when high needs a resistor of its own, and
/// one that is off when low must not have one.
fn check_pull_up(line: &Fields<'_>, kind: &Kind, output: &kinds::Output, reporter: &mut Reporter) {
    let low = |text: &crate::yaml::Text| text.text.trim() == "low";
    let node = line.get("active").filter(|node| matches!(&node.value, crate::yaml::Value::Scalar(text) if low(text)));
    let stated = line.get("pull_up").and_then(|node| {
        fields::choice(node, "`pull_up`", &[("external", ())], reporter)?;
        Some(node.span)
    });
    match (node, stated) {
        (Some(active), None) if output.harms && line.get("pull_up").is_none() => {
            reporter
                .error(
                    "E184-pull-up",
                    active.span,
                    format!("{} that is on when low is on whenever nothing drives its pin", a(kind.noun())),
                )
                .help(
                    "put a resistor from the driver's input to its supply and write `pull_up: external`; or use a driver \
                     that is on when high",
                );
        }
        (None, Some(span)) => {
            reporter
                .error("E184-pull-up", span, "a pull-up switches a line on that is on when high")
                .help("pull its driver's input to ground, and leave `pull_up` out; or write `active: low` if it is on when low");
        }
        _ => {}
    }
}
