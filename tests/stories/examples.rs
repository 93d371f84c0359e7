//! The examples of the documents run: every one does what its scenarios say, all of it is covered, a page links to it, and what
//! a page quotes of it stands in it.

use std::fs;
use std::path::{Path, PathBuf};

use controller::scenarios::{Suite, run, suite};
use harness::top;

/// Stands behind a block that is quoted from a file.
const QUOTED: &str = "The whole of it: [";

/// The files of a folder of the repository, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join(folder)).expect("the folder reads").flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// The protocols among the examples.
fn examples() -> Vec<PathBuf> {
    let yaml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "yaml") && !suite::is_test(path);
    files("docs/examples").into_iter().filter(yaml).collect()
}

/// The pages of the documents: their path from `docs`, and text.
fn pages() -> Vec<(PathBuf, String)> {
    let markdown = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "md");
    let docs = top().join("docs");
    let name = |path: &Path| path.strip_prefix(&docs).unwrap_or(path).to_path_buf();
    let read = |path: PathBuf| (name(&path), fs::read_to_string(&path).expect("a page reads"));
    let all = files("docs").into_iter().chain(files("docs/language"));
    all.filter(markdown).map(read).collect()
}

#[test]
fn every_example_does_what_its_scenarios_say_and_all_of_it_is_covered() {
    let mut complaints = String::new();
    let examples = examples();
    assert!(!examples.is_empty(), "there are examples");
    for example in examples {
        let test = suite::test_of(&example);
        let suite = match Suite::read(&test) {
            Ok(suite) => suite,
            Err(error) => {
                complaints += &format!("{}:\n{}", test.display(), error.found);
                continue;
            }
        };
        let mut covered = Vec::new();
        for scenario in &suite.file.scenarios {
            match run(scenario, suite.stage()) {
                Ok(ran) if ran.is_good() => covered.push(ran.covered),
                Ok(ran) => complaints += &format!("{}: {}: {:#?}\n", test.display(), scenario.name, ran.failures),
                Err(error) => complaints += &format!("{}: {}: {error}\n", test.display(), scenario.name),
            }
        }
        let coverage = suite.coverage(&covered);
        if !coverage.is_whole() {
            complaints += &format!("{}: not covered: {:#?}\n", test.display(), coverage.missing);
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

/// Lines without comments and spacing; empty ones are left out.
fn bare(text: &str) -> Vec<String> {
    let without = |line: &str| {
        let line = line.split(" #").next().unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    text.lines().map(without).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Whether what is quoted stands in a file: in pieces between `…`, each of lines that follow one another.
fn stands_in(quoted: &str, file: &str) -> bool {
    let file = bare(file);
    let quoted = bare(quoted);
    let mut pieces = quoted.split(|line| line == "…");
    pieces.all(|piece| piece.is_empty() || file.windows(piece.len()).any(|lines| lines == piece))
}

#[test]
fn what_a_page_quotes_of_an_example_stands_in_it() {
    let mut complaints = String::new();
    for (page, text) in pages() {
        let mut parts = text.split("```");
        // Text and fenced blocks take turns.
        parts.next();
        while let (Some(block), Some(behind)) = (parts.next(), parts.next()) {
            // The link may stand in the next line.
            let behind =
                behind.split("\n#").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            let Some(path) = behind.split(QUOTED).nth(1).and_then(|rest| rest.split("](").nth(1)?.split(')').next())
            else {
                continue;
            };
            let quoted = block.strip_prefix("yaml\n").unwrap_or(block);
            let page = top().join("docs").join(&page);
            let name = page.display();
            match fs::read_to_string(page.with_file_name(path)) {
                Ok(file) if stands_in(quoted, &file) => {}
                Ok(_) => complaints += &format!("{name}: this does not stand in {path}:\n{quoted}\n"),
                Err(error) => complaints += &format!("{name}: {path}: {error}\n"),
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
    assert!(stands_in("a: 1   # so\n…\nd: 4", "# x\n  a: 1\n  b: 2\n  d: 4\n") && !stands_in("a: 2", "a: 1"));
}

#[test]
fn every_example_is_linked_from_a_page() {
    let pages = pages();
    let linked = |name: &str| pages.iter().any(|(_, text)| text.contains(&format!("examples/{name})")));
    let lost: Vec<String> = examples()
        .iter()
        .filter_map(|path| path.file_name()?.to_str().map(ToOwned::to_owned))
        .filter(|name| !linked(name))
        .collect();
    assert!(lost.is_empty(), "no page links to {lost:?}");
}
