//! Warnings that a protocol allows, with a reason: told nowhere but as allowed; and what allows nothing is told.
#![allow(clippy::unwrap_used)]

mod common;

use common::{GOOD, sim_box, task};
use compiler::{Compiled, Options, compile};

/// The small protocol with two parameters nothing uses, and what it allows.
fn with(allow: &str) -> Compiled {
    let text = GOOD.replace("parameters:\n", "parameters:\n  spare: {default: 1 s}\n  other: {default: 2 s}\n") + allow;
    compile(&task(&text), &sim_box(), &Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

fn told(compiled: &Compiled) -> Vec<(&str, &str)> {
    compiled.warnings.list.iter().map(|found| (found.code, found.message.as_str())).collect()
}

const SPARE: (&str, &str) = ("W003-unused", "the parameter `spare` is never used");
const OTHER: (&str, &str) = ("W003-unused", "the parameter `other` is never used");

#[test]
fn what_is_allowed_is_told_as_allowed_and_not_as_a_warning() {
    assert_eq!(told(&with("")), [SPARE, OTHER]);
    let compiled = with("allow: [{warning: W003-unused, because: they are for later}]\n");
    assert_eq!(told(&compiled), []);
    let silenced: Vec<_> = compiled.silenced.iter().map(|s| (s.finding.message.as_str(), s.because.as_str())).collect();
    assert_eq!(silenced, [(SPARE.1, "they are for later"), (OTHER.1, "they are for later")]);
    let kept: Vec<_> =
        compiled.symbols.allowed.iter().map(|kept| (kept.code.as_str(), kept.line, kept.because.as_str())).collect();
    assert_eq!(kept, [("W003-unused", 10, "they are for later"), ("W003-unused", 11, "they are for later")]);
}

#[test]
fn a_warning_is_allowed_where_it_is_said_and_nowhere_else() {
    let compiled = with("allow: [{warning: W003-unused, at: spare, because: it is for later}]\n");
    assert_eq!(told(&compiled), [OTHER]);
    assert_eq!(compiled.silenced.len(), 1);
}

#[test]
fn what_allows_nothing_is_told() {
    let compiled =
        with("allow: [{warning: W003-unused, at: drop, because: no}, {warning: W007-no-way-out, because: no}]\n");
    let codes: Vec<&str> = compiled.warnings.list.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["W003-unused", "W003-unused", "W065-allows-nothing", "W065-allows-nothing"]);
    // It cannot be allowed either: it is told once everything else was looked at.
    let compiled = with("allow: [{warning: W065-allows-nothing, because: no}]\n");
    assert_eq!(compiled.warnings.list.iter().filter(|found| found.code == "W065-allows-nothing").count(), 1);
}

#[test]
fn an_error_cannot_be_allowed_and_a_reason_is_needed() {
    for (allow, code, help) in [
        ("{warning: E073-unknown-state, because: no}", "E331-allow", "put right what it tells of"),
        ("{warning: W003, because: no}", "E331-allow", "write its whole name: `W003-unused`"),
        ("{warning: W003-unusd, because: no}", "E331-allow", "did you mean `W003-unused`?"),
        ("{warning: W003-unused, at: drip, because: no}", "E331-allow", "did you mean `drop`?"),
        (
            "{warning: W003-unused}",
            "E030-missing-key",
            "add for instance `because: the house light stays on all session`",
        ),
        (
            "{warning: W003-unused, because: }",
            "E033-empty",
            "write for instance `the light is meant to stay on`, or leave the key out",
        ),
    ] {
        let text = format!("{GOOD}allow: [{allow}]\n");
        let found = compile(&task(&text), &sim_box(), &Options::default()).unwrap_err();
        assert_eq!((found.list[0].code, found.list[0].help.as_deref()), (code, Some(help)), "{allow}\n{found}");
    }
}
