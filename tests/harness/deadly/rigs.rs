//! The rigs the matrix is made from: every rig-config that ships, and the tests' own with a line of every kind of output.
//! Owns where they lie, and the lines that are put beside theirs to let something happen.

use std::fs;

use compiler::{RigConfig, Source};

use crate::top;

/// Where the rig-configs that ship lie.
const SHIPPED: &str = "rig-configs";
/// The rig with every kind of output.
const EVERY_OUTPUT: &str = "tests/rigs/every-output.yaml";
/// The name of the input that is put beside a rig's own lines, to toggle as fast as anyone likes.
pub const STORM: &str = "storm";
/// Pins that may be a line on every body.
const PINS: std::ops::RangeInclusive<u8> = 2..=22;

/// Every rig-config that ships, by name.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn shipped() -> Vec<Source> {
    let folder = top().join(SHIPPED);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "no rig ships");
    paths.iter().map(|path| Source::read(path).unwrap_or_else(|found| panic!("{found}"))).collect()
}

/// The rig with a line of every kind of output.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn of_the_tests() -> Source {
    Source::read(&top().join(EVERY_OUTPUT)).unwrap_or_else(|found| panic!("{found}"))
}

/// What a rig-config says.
pub(crate) fn read(rig: &Source) -> RigConfig {
    compiler::read_rig(rig).unwrap_or_else(|found| panic!("{found}"))
}

/// The same rig with one input more, [`STORM`], that hears every edge.
///
/// # Panics
/// When the rig has no pin left for it.
#[must_use]
pub fn with_storm(rig: &Source) -> Source {
    let taken: Vec<u8> = read(rig).lines.iter().flat_map(|line| line.line.pins().collect::<Vec<_>>()).collect();
    let pin = PINS.rev().find(|pin| !taken.contains(pin)).unwrap_or_else(|| panic!("{}: no pin is free", rig.name));
    with_line(rig, &format!("{STORM}: {{kind: input, pin: {pin}, debounce: 0 ms}}"))
}

/// The same rig with one line more.
fn with_line(rig: &Source, line: &str) -> Source {
    let text = rig.text.replacen("\nlines:\n", &format!("\nlines:\n  {line}\n"), 1);
    Source { name: rig.name.clone(), text }
}
