//! The examples of `docs/language/trials.md` on what decides the next trial: each compiles without a warning, and says what the
//! page quotes.
#![allow(clippy::unwrap_used)]

mod common;

use common::shipped;
use compiler::{Options, compile, read_rig};

const EXAMPLES: [&str; 5] = ["tables", "trial-types", "blocks", "history", "staircase"];

#[test]
fn the_examples_of_the_page_compile_without_a_warning() {
    let mut rig = shipped("rig-configs/sim-box.yaml");
    rig.text = rig.text.replace(
        "lines:\n",
        "lines:\n  left: {kind: poke, pin: 14, active: low, pull: up}\n  right: {kind: poke, pin: 15, active: low, pull: up}\n",
    );
    let rig = read_rig(&rig).unwrap();
    for name in EXAMPLES {
        let found = compile(&shipped(&format!("docs/examples/{name}.yaml")), &rig, &Options::default());
        let compiled = found.unwrap_or_else(|found| panic!("{found}"));
        assert!(compiled.warnings.is_empty(), "{name}: {}", compiled.warnings);
    }
}

/// What is quoted stands in the example, but for its comments.
#[test]
fn the_page_quotes_the_examples() {
    let page = shipped("docs/language/trials.md").text;
    let plain = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split('#').next().unwrap_or("").trim_end().to_owned()).collect()
    };
    for (name, key) in [
        ("trial-types", "trial_types:"),
        ("blocks", "blocks:"),
        ("history", "trial_types:"),
        ("staircase", "staircases:"),
    ] {
        let example = plain(&shipped(&format!("docs/examples/{name}.yaml")).text);
        let start = example.iter().position(|line| line == key).unwrap();
        let section: Vec<String> = example[start..].iter().take_while(|line| !line.is_empty()).cloned().collect();
        let page = plain(&page);
        assert!(page.windows(section.len()).any(|lines| lines == section), "{name}: the page quotes it otherwise");
    }
}
