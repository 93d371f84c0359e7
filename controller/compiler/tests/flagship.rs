//! The flagship protocol compiles on the rig that ships, and what comes out is what was asked for.

use std::path::Path;

use compiler::{Compiled, Options, Source, Style, compile, read_rig};

fn source(path: &str) -> Source {
    Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn compiled(path: &str) -> Compiled {
    let rig = read_rig(&source("rig-configs/sim-box.yaml")).unwrap_or_else(|e| panic!("{}", e.render(Style::PLAIN)));
    match compile(&source(path), &rig, &Options::default()) {
        Ok(compiled) => compiled,
        Err(found) => panic!("{}", found.render(Style::PLAIN)),
    }
}

#[test]
fn every_protocol_that_ships_compiles_without_a_warning() {
    for path in ["protocols/probabilistic-reward.yaml", "protocols/lever-pull.yaml"] {
        let compiled = compiled(path);
        assert!(compiled.warnings.is_empty(), "{path}:\n{}", compiled.warnings);
    }
}
