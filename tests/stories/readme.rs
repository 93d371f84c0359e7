//! What the README shows is what the program does.

use std::fs;

use harness::{System, top};

/// The session behind the README's picture.
const SEED: u64 = 7;
const PICTURE: &str = "docs/images/probabilistic-reward.svg";

#[test]
fn the_picture_in_the_readme_is_what_the_program_draws() {
    let session = System::shipped("protocols/probabilistic-reward.yaml", &[], SEED).run().session();
    let drawn = report::Report::of(&session).expect("the session reports").picture();
    if std::env::var_os("NOSEPOKE_REDRAW").is_some() {
        fs::write(top().join(PICTURE), &drawn).expect("the picture is written");
    }
    let shown = fs::read_to_string(top().join(PICTURE)).unwrap_or_default();
    assert!(shown == drawn, "{PICTURE} is out of date: draw it again with NOSEPOKE_REDRAW=1 cargo test --test readme");
}

#[test]
fn the_mistake_in_the_readme_is_shown_as_the_program_shows_it() {
    let readme = fs::read_to_string(top().join("README.md")).expect("the README reads");
    let protocol = fs::read_to_string(top().join("protocols/probabilistic-reward.yaml")).expect("the protocol reads");
    let source =
        compiler::Source { name: "my-task.yaml".to_owned(), text: protocol.replace("to: omission}", "to: omision}") };
    let rig = compiler::Source::read(&top().join("rig-configs/sim-box.yaml")).expect("the rig reads");
    let rig = compiler::read_rig(&rig).expect("the rig is good");
    let Err(found) = compiler::compile(&source, &rig, &compiler::Options::default()) else { panic!("no mistake") };
    let first = compiler::Diagnostics { list: found.list.into_iter().take(1).collect() }.render();
    assert!(readme.contains(first.trim_end()), "the README should show:\n{first}");
}
