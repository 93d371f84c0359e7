//! Reads `loop_back`: which outputs are wired to which inputs, so that a self-test can tell how fast the device answers. Owns
//! which lines can call and which can answer, wherever they are named; knows nothing of a test.

use link::rig::{Guards, Role};

use super::LineConfig;
use super::room::check_line;
use crate::diagnostic::{Reporter, Span};
use crate::fields;
use crate::yaml::Node;

const EXAMPLE: &str = "{sync: frame}";

/// What an output must be to call, if this line is not that: one that nothing and nobody minds to be switched a thousand times.
#[must_use]
pub fn cannot_call(line: &LineConfig) -> Option<&'static str> {
    let Some(output) = line.line.role.output() else { return Some("is no output of this rig") };
    let harms = output.speaker || output.limits.must_arm || matches!(line.kind.as_str(), "valve" | "shock" | "laser");
    harms.then_some("cannot call: take a line that is switched and needs no arming, as `sync` or `output`")
}

/// What an input must be to answer, if this line is not that.
#[must_use]
pub fn cannot_answer(line: &LineConfig) -> Option<&'static str> {
    let answers = matches!(line.line.role, Role::Input { guards: Guards::Nothing, .. });
    (!answers).then_some("is no digital input of this rig that guards nothing")
}

/// The outputs and the inputs each is wired to, in the order of the file.
pub(super) fn read(node: &Node, lines: &[LineConfig], reporter: &mut Reporter) -> Vec<(String, String)> {
    let mut loops = Vec::new();
    for entry in fields::map(node, "`loop_back`", EXAMPLE, reporter).unwrap_or_default() {
        let (output, input) = (&entry.key, fields::text(&entry.value, "the input it is wired to", "frame", reporter));
        let Some(input) =
            input.filter(|input| check_line(output, lines, reporter) && check_line(input, lines, reporter))
        else {
            continue;
        };
        let mut wrong = |span: Span, name: &str, why: fn(&LineConfig) -> Option<&'static str>| {
            let why = lines.iter().find(|line| line.name == name).and_then(why)?;
            reporter
                .error("E429-loop-back", span, format!("`{name}` {why}"))
                .help("write an output and the input it is wired to, as in `loop_back: {sync: frame}`");
            Some(())
        };
        let wrong = [wrong(output.span, &output.text, cannot_call), wrong(input.span, &input.text, cannot_answer)];
        if wrong == [None, None] {
            loops.push((output.text.clone(), input.text.clone()));
        }
    }
    loops
}
