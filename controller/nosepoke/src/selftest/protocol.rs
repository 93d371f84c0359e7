//! The protocols of a self-test, each a few lines that read like any other. Names of states and stimuli are such that no
//! line of a rig is likely to have them.

use compiler::Source;

use super::{How, MOVED_US, PATIENCE_US, Try};

/// How long a run goes on after an output was off again, in µs: a sensor that never lets go is found meanwhile.
const AFTERWARDS_US: u32 = 50_000;

/// The protocol of a try.
#[must_use]
pub fn of(tried: &Try) -> Source {
    let Try { line, kind, how } = tried;
    let lines = format!("{{{line}: {kind}}}");
    match how {
        How::On { width_us, power_ppm, sensed, .. } => {
            let power = power_ppm.map(|ppm| format!(", power: {} %", f64::from(ppm) / 1e4)).unwrap_or_default();
            let after_us = sensed.as_ref().map_or(0, |(_, within_us)| *within_us).saturating_add(AFTERWARDS_US);
            once(&lines, "", &format!("{{pulse: {{line: {line}, width: {width_us} µs{power}}}}}"), line, after_us)
        }
        How::Sound { width_us, level_cdb } => {
            let level = f64::from(*level_cdb) / 100.0;
            let stimuli = format!(
                "stimuli:\n  tried_beep: {{tone: {{frequency: 4 kHz, level: {level} dB, duration: {width_us} µs, ramp: 5 ms}}}}\n"
            );
            once(&lines, &stimuli, &format!("{{play: {{line: {line}, stimulus: tried_beep}}}}"), line, AFTERWARDS_US)
        }
        How::Touched { on_event, off_event } => source(&format!(
            "lines: {lines}
session: {{ends: [{{trials: 1}}]}}
start: tried_waits
states:
  tried_waits:
    entry: [{{trial: begin}}]
    transitions: [{{event: {line}.{on_event}, to: tried_held}}, {{after: {PATIENCE_US} µs, to: tried_over}}]
  tried_held:
    transitions: [{{event: {line}.{off_event}, to: tried_over}}, {{after: {PATIENCE_US} µs, to: tried_over}}]
{OVER}"
        )),
        How::Moved => waiting(&lines, MOVED_US),
        How::Stopped => waiting(&lines, PATIENCE_US),
        How::Released => waiting(&lines, 10_000),
        How::Looped { input, input_kind, on_event, edges, pause_us } => source(&format!(
            "lines: {{{line}: {kind}, {input}: {input_kind}}}
session: {{ends: [{{trials: {edges}}}]}}
start: tried_rests
states:
  tried_rests:
    entry:
      - trial: begin
      - draw: {{tried_gap: {{uniform: [{pause_us} µs, {longest_us} µs]}}}}
    transitions: [{{after: tried_gap, to: tried_calls}}]
  tried_calls:
    entry: [{{on: {{line: {line}, until: off}}}}]
    transitions:
      - {{event: {input}.{on_event}, outcome: answered, do: [{{off: {line}}}], to: tried_rests}}
      - {{after: 1 ms, outcome: unanswered, do: [{{off: {line}}}], to: tried_rests}}
",
            longest_us = pause_us.saturating_mul(2),
        )),
    }
}

/// A protocol that does nothing, with one line named if there is any.
pub(super) fn idle(line: Option<(&str, &str)>) -> Source {
    let lines = line.map(|(name, kind)| format!("{name}: {kind}")).unwrap_or_default();
    waiting(&format!("{{{lines}}}"), 1_000)
}

const OVER: &str = "  tried_over:
    entry: [{trial: begin}]
    final: true
";

fn waiting(lines: &str, us: u64) -> Source {
    source(&format!(
        "lines: {lines}
session: {{ends: [{{trials: 1}}]}}
start: tried_waits
states:
  tried_waits:
    entry: [{{trial: begin}}]
    transitions: [{{after: {us} µs, to: tried_over}}]
{OVER}"
    ))
}

fn once(lines: &str, stimuli: &str, action: &str, line: &str, after_us: u32) -> Source {
    source(&format!(
        "lines: {lines}
{stimuli}session: {{ends: [{{trials: 1}}]}}
start: tried_runs
states:
  tried_runs:
    entry: [{{trial: begin}}, {action}]
    transitions: [{{event: {line}.end, to: tried_settles}}]
  tried_settles:
    transitions: [{{after: {after_us} µs, to: tried_over}}]
{OVER}"
    ))
}

fn source(body: &str) -> Source {
    let text = format!("protocol: selftest\nabout: One step of a self-test, without an animal.\n{body}");
    Source { name: "selftest.yaml".to_owned(), text }
}
