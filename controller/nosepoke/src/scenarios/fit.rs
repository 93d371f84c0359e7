//! The simulated rig that fits a protocol: one that ships where it has the protocol's lines, and otherwise one made for them.

use std::fmt::Write;

use compiler::{Diagnostics, RigConfig, Source};

/// The simulated rigs that ship, in the order they are tried: what messages call each, and its text.
const SHIPPED: [(&str, &str); 8] = [
    ("rig-configs/sim-box.yaml", include_str!("../../../../rig-configs/sim-box.yaml")),
    ("rig-configs/five-hole-box.yaml", include_str!("../../../../rig-configs/five-hole-box.yaml")),
    ("rig-configs/three-port-box.yaml", include_str!("../../../../rig-configs/three-port-box.yaml")),
    ("rig-configs/imaging-box.yaml", include_str!("../../../../rig-configs/imaging-box.yaml")),
    ("rig-configs/two-photon-box.yaml", include_str!("../../../../rig-configs/two-photon-box.yaml")),
    ("rig-configs/fear-box.yaml", include_str!("../../../../rig-configs/fear-box.yaml")),
    ("rig-configs/rotarod-box.yaml", include_str!("../../../../rig-configs/rotarod-box.yaml")),
    ("rig-configs/ephys-box.yaml", include_str!("../../../../rig-configs/ephys-box.yaml")),
];

/// Lines told that a rig lacks, before the rest is counted.
const TOLD: usize = 8;

/// Pins of a made rig that are no analog ones, in the order they are given out.
const PINS: &[u8] = &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];
/// Pins of which no two are of one PWM slice of a Pico: for lines that PWM drives, each at a frequency of its own.
const PWM_PINS: &[u8] = &[2, 4, 6, 8, 10, 12, 14, 16];
/// Pins that can be sampled.
const ANALOG_PINS: &[u8] = &[26, 27, 28];

/// The first of the simulated rigs that ship with lines of these names and kinds; if none has them all, the one that has the
/// most.
///
/// # Errors
/// When a rig that ships does not read.
pub fn shipped(lines: &[(String, String)]) -> Result<(Source, RigConfig), Diagnostics> {
    let read = |(name, text): (&str, &str)| {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        compiler::read_rig(&source).map(|config| (source, config))
    };
    let [first, others @ ..] = SHIPPED;
    let mut best = read(first)?;
    for other in others {
        if has(&best.1, lines) {
            break;
        }
        let other = read(other)?;
        if lacking(&other.1, lines).count() < lacking(&best.1, lines).count() {
            best = other;
        }
    }
    Ok(best)
}

/// The lines that a rig does not have, or has as another kind.
fn lacking<'l>(rig: &RigConfig, lines: &'l [(String, String)]) -> impl Iterator<Item = &'l (String, String)> {
    lines.iter().filter(|(name, kind)| rig.line(name).is_none_or(|line| line.kind != *kind))
}

/// What is wrong with a protocol for which no rig was named, and none that ships has its lines: that is said once, with what
/// the nearest lacks.
#[must_use]
pub fn said_once(mut found: Diagnostics, rig: &RigConfig, lines: &[(String, String)]) -> Diagnostics {
    let of_lines = |code: &str| ["E100-rig-lacks-line", "E101-wrong-kind", "E237-rig-lacks-array"].contains(&code);
    let mut missing: Vec<String> = lacking(rig, lines).map(|(name, kind)| format!("`{name}` ({kind})")).collect();
    let Some(first) = found.list.iter_mut().find(|finding| of_lines(finding.code)).filter(|_| missing.len() > 1) else {
        return found;
    };
    if let Some(more) = missing.len().checked_sub(TOLD).filter(|more| *more > 1) {
        missing.truncate(TOLD);
        missing.push(format!("and {more} more"));
    }
    first.message = format!(
        "no simulated rig that ships has the lines of this protocol; the nearest, `{}`, lacks {}",
        rig.name,
        missing.join(", ")
    );
    first.help = Some(
        "write a rig-config that has them (docs/rig-config.md) and name it with --rig; `nosepoke test` makes a rig by itself"
            .to_owned(),
    );
    let mut kept = false;
    found.list.retain(|finding| !of_lines(finding.code) || !std::mem::replace(&mut kept, true));
    found
}

/// Whether a rig has lines of these names and kinds.
fn has(rig: &RigConfig, lines: &[(String, String)]) -> bool {
    lacking(rig, lines).next().is_none()
}

/// The rig that fits a protocol.
///
/// # Errors
/// When the lines need more than a rig has, as the rig-config that was tried says.
pub fn rig(protocol: &Source) -> Result<(Source, RigConfig), Diagnostics> {
    let lines = compiler::scenario::lines_of(protocol);
    let powered = protocol.text.contains("power:");
    let (source, config) = shipped(&lines)?;
    if !powered && has(&config, &lines) {
        return Ok((source, config));
    }
    let source = made(&lines, powered);
    let config = compiler::read_rig(&source)?;
    Ok((source, config))
}

/// A rig with these lines, each with what its kind needs; where powers are spoken of, lines that carry one.
fn made(lines: &[(String, String)], powered: bool) -> Source {
    let by_pwm = |kind: &str| kind == "speaker" || powered && matches!(kind, "light" | "laser" | "motor");
    let sliced = lines.iter().filter(|(_, kind)| by_pwm(kind)).count().min(PWM_PINS.len());
    let (of_slices, _) = PWM_PINS.split_at(sliced);
    let mut slices = of_slices.iter();
    let (mut pins, mut analog) = (PINS.iter().filter(|pin| !of_slices.contains(pin)), ANALOG_PINS.iter());
    let mut text =
        "rig: made-box\nabout: A simulated rig made for the lines of a protocol.\nbody: simulator\nlines:\n".to_owned();
    let mut arms = Vec::new();
    for (name, kind) in lines {
        let pin = match kind.as_str() {
            "analog" => analog.next(),
            kind if by_pwm(kind) => slices.next().or_else(|| pins.next()),
            _ => pins.next(),
        };
        let pin = pin.copied().unwrap_or(0);
        let rest = match kind.as_str() {
            "valve" => {
                ", calibration: {date: 2026-11-02, volumes: [[10 ms, 2.1 µl], [100 ms, 24.1 µl], [200 ms, 48.9 µl]]}"
                    .to_owned()
            }
            "speaker" => ", calibration: {date: 2026-11-02, full_scale: 95 dB}".to_owned(),
            "analog" => ", calibration: {date: 2026-11-02, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}".to_owned(),
            "encoder" => {
                let other = pins.next().copied().unwrap_or(0);
                format!(", pin_b: {other}, counts_per_turn: 4096, per_turn: 471 mm")
            }
            kind if by_pwm(kind) => ", pwm: 1 kHz".to_owned(),
            _ => String::new(),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {name}: {{kind: {kind}, pin: {pin}{rest}}}");
        if matches!(kind.as_str(), "laser" | "shock") {
            arms.push(name.as_str());
        }
    }
    text.push_str("simulation:\n  settle: 2 µs\n");
    if !arms.is_empty() {
        let _ = writeln!(text, "  person: {{name: simulated operator, arms: [{}]}}", arms.join(", "));
    }
    Source { name: "the rig made for the test".to_owned(), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lines_of_a_made_rig_that_pwm_drives_are_of_one_slice() {
        let kinds = ["lever", "light", "speaker", "encoder", "light", "valve", "speaker", "laser", "analog"];
        let lines: Vec<_> =
            kinds.iter().enumerate().map(|(n, kind)| (format!("line{n}"), (*kind).to_owned())).collect();
        for (powered, driven) in [(true, 5), (false, 2)] {
            let rig = compiler::read_rig(&made(&lines, powered)).unwrap_or_else(|found| panic!("{found:?}"));
            let by_pwm = |kind: &str| kind == "speaker" || powered && matches!(kind, "light" | "laser");
            let mut slices: Vec<_> =
                rig.lines.iter().filter(|line| by_pwm(&line.kind)).map(|line| line.line.pin / 2 % 8).collect();
            slices.sort_unstable();
            slices.dedup();
            assert_eq!(slices.len(), driven, "{}", made(&lines, powered).text);
        }
    }
}
