//! Every feature of the language is told on a page, shown by an example, and seen by the example's scenarios in what the session
//! does: taken away from the example, some scenario does not hold any more.

mod taken;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use assembler::random::cases;
use compiler::scenario;
use compiler::{Files, Options, Sitting, Source};
use controller::scenarios::{Suite, run, suite};
use harness::top;
use taken::TAKEN;

const PAGE: &str = "docs/language/features.md";

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A feature as the page lists it.
struct Row {
    feature: String,
    /// Page and heading, as the link has them.
    told: String,
    example: String,
}

/// What stands between two marks.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    text.split_once(from)?.1.split_once(to).map(|(found, _)| found)
}

/// The rows of the page whose example is a protocol.
fn rows() -> Vec<Row> {
    let page = read(&top().join(PAGE));
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (feature, told, shown) = (cells.next()?, cells.next()?, cells.next()?);
        let example = between(shown, "](../examples/", ".yaml)")?.to_owned();
        Some(Row { feature: feature.to_owned(), told: between(told, "](", ")")?.to_owned(), example })
    };
    page.lines().filter_map(row).collect()
}

/// A heading as a link names it.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-").replace(',', "")
}

#[test]
fn every_feature_is_told_where_the_list_says_and_that_page_leads_to_its_example() {
    let mut complaints = String::new();
    for Row { feature, told, example } in rows() {
        let (page, heading) = told.split_once('#').unwrap_or((&told, ""));
        let text = read(&top().join("docs/language").join(page));
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        if !headings.map(anchor).any(|found| found == heading) {
            writeln!(complaints, "{feature}: {page} has no heading for #{heading}").unwrap_or_default();
        }
        if !text.contains(&format!("examples/{example}.yaml)")) {
            writeln!(complaints, "{feature}: {page} does not lead to examples/{example}.yaml").unwrap_or_default();
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn the_list_and_what_is_tried_are_one() {
    let listed: BTreeSet<(String, String)> = rows().into_iter().map(|row| (row.feature, row.example)).collect();
    let tried: BTreeSet<(String, String)> =
        TAKEN.iter().map(|(feature, example, ..)| ((*feature).to_owned(), (*example).to_owned())).collect();
    let only = |these: &BTreeSet<_>, those: &BTreeSet<_>| these.difference(those).cloned().collect::<Vec<_>>();
    let (untried, unlisted) = (only(&listed, &tried), only(&tried, &listed));
    assert!(untried.is_empty(), "nothing takes away {untried:?}");
    assert!(unlisted.is_empty(), "{PAGE} does not list {unlisted:?}");
    assert!(listed.len() >= 150, "{} features", listed.len());
}

/// Whether the scenarios of an example notice that something stands otherwise in it; else why they could not.
fn notice(example: &str, from: &str, to: &str) -> Result<bool, String> {
    let test = suite::test_of(&top().join("docs/examples").join(format!("{example}.yaml")));
    let suite = Suite::read(&test).map_err(|error| error.found.to_string())?;
    if !suite.protocol.text.contains(from) {
        return Err(format!("`{from}` does not stand in it"));
    }
    let text = suite.protocol.text.replacen(from, to, 1);
    let protocol = Source { name: suite.protocol.name.clone(), text };
    let files = Files::beside(&protocol);
    let compiled = compiler::compile_for(&protocol, &files, &suite.rig, &Options::default(), &Sitting::default());
    let compiled = compiled.map_err(|found| format!("it is refused, which shows nothing:\n{found}"))?;
    // How a rule of the session or an invariant is written, and so named here, is not what is seen of it.
    let named = |line: &&str| !line.starts_with("end: ") && (from.trim().is_empty() || *line != from.trim());
    let text: String = read(&test).lines().filter(|line| named(&line.trim())).map(|line| format!("{line}\n")).collect();
    let source = Source { name: test.display().to_string(), text };
    let file = scenario::read(&source, &compiled.symbols).map_err(|found| format!("its scenarios: {found}"))?;
    let without = Suite { protocol, compiled, ..suite };
    Ok(file.scenarios.iter().any(|scenario| !run(scenario, without.stage()).is_ok_and(|ran| ran.is_good())))
}

#[test]
fn a_feature_that_is_taken_away_is_missed() {
    let mut complaints = String::new();
    // Every fifth, or all of them in `tests/long`.
    let tried = cases(TAKEN.len() as u64 / 5).clamp(1, TAKEN.len() as u64) as usize;
    for (feature, example, from, to) in TAKEN.iter().step_by(TAKEN.len() / tried) {
        match notice(example, from, to) {
            Ok(true) => {}
            Ok(false) => writeln!(complaints, "{feature}: no scenario of {example} misses it").unwrap_or_default(),
            Err(why) => writeln!(complaints, "{feature}, of {example}: {why}").unwrap_or_default(),
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}
