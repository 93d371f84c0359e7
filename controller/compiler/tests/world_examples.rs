//! The examples of `docs/language/outside.md` on what crosses the border of the rig: the page quotes them as they stand, and damage to them is
//! told.
#![allow(clippy::unwrap_used)]

mod common;

use common::{shipped, task};
use compiler::{Options, RigConfig, Source, compile, read_rig};
use proptest::prelude::*;

const EXAMPLES: [(&str, &str); 5] = [
    ("outside", "outside:"),
    ("live", "parameters:"),
    ("prompts", "prompts:"),
    ("frames", "frames:"),
    ("sync", "sync:"),
];

/// A rig with all their lines.
fn rig() -> RigConfig {
    let mut rig = shipped("rig-configs/sim-box.yaml").text.replace(
        "  cue: {kind: speaker, pin: 11, max_on: 60 s, calibration: {date: 2026-11-02, full_scale: 95 dB}}\n",
        "",
    );
    let more = "lines:\n  cue: {kind: light, pin: 11}\n  frame: {kind: frame, pin: 4}\n  camera: {kind: trigger, pin: 14}\n  \
                ephys: {kind: sync, pin: 15}\n  photometry: {kind: sync, pin: 16}\n  video: {kind: sync, pin: 17}\n";
    rig = rig.replacen("lines:\n", more, 1);
    read_rig(&Source { name: "box.yaml".to_owned(), text: rig }).unwrap_or_else(|found| panic!("{found}"))
}

fn example(name: &str) -> Source {
    shipped(&format!("docs/examples/{name}.yaml"))
}

#[test]
fn they_compile_without_a_warning_and_the_page_quotes_them() {
    let page = shipped("docs/language/outside.md").text;
    for (name, key) in EXAMPLES {
        let source = example(name);
        let compiled = compile(&source, &rig(), &Options::default()).unwrap_or_else(|found| panic!("{found}"));
        assert!(compiled.warnings.is_empty(), "{name}: {}", compiled.warnings);
        let lines: Vec<&str> =
            source.text.lines().skip_while(|line| *line != key).take_while(|line| !line.is_empty()).collect();
        assert!(lines.len() > 1 && page.contains(&lines.join("\n")), "{name}: the page quotes it otherwise");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: assembler::random::cases(150) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_to_them_is_told(which in 0..EXAMPLES.len(), at in any::<usize>(), length in 0..12_usize, piece in prop::sample::select(&["", "{", "]", ": ", "0", "-1 ms", "none", "99999999999", "[0, 1]", "event", "\n", "if: "][..])) {
        let text = example(EXAMPLES[which].0).text;
        let mut letters: Vec<char> = text.chars().collect();
        let from = at % letters.len();
        letters.splice(from..(from + length).min(letters.len()), piece.chars());
        let damaged: String = letters.into_iter().collect();
        if let Err(found) = compile(&task(&damaged), &rig(), &Options::default()) {
            prop_assert!(found.errors() > 0, "refused without a reason:\n{}", damaged);
        }
    }
}
