//! The pages that lead by the hand: the files they show are written, the commands they show are run, and what those say must
//! hold what the page says they say.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nosepoke-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

/// Words as a shell would part them: by spaces, but for what stands in quotation marks.
fn words(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => found.push(String::new()),
            other => found.last_mut().unwrap().push(other),
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

/// Text without what differs from terminal to terminal: runs of spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Goes through a page from top to bottom in a folder of its own; how many files were written and how many commands run.
fn follow(name: &str) -> (usize, usize) {
    follow_in(name, &Folder::new(&name.replace('.', "-")).0)
}

fn follow_in(name: &str, folder: &Path) -> (usize, usize) {
    let (mut files, mut commands) = (0, 0);
    for block in page(name).split("```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').unwrap();
        if let Some(file) =
            text.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|file| file.ends_with(".yaml"))
        {
            std::fs::write(folder.join(file), text).unwrap();
            files += 1;
        }
        if !head.starts_with("console") {
            continue;
        }
        for part in text.split("$ ").skip(1) {
            let (line, said) = part.split_once('\n').unwrap();
            let words = words(line);
            assert_eq!(words.first().map(String::as_str), Some("nosepoke"), "{name}: {line}");
            let done = Command::new(env!("CARGO_BIN_EXE_nosepoke"))
                .args(words.get(1..).unwrap())
                .current_dir(folder)
                .output()
                .unwrap();
            commands += 1;
            let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            assert_eq!(done.status.success(), !head.contains("fails"), "{name}: {line}\n{told}");
            let told = plain(&told);
            for wanted in said.lines().filter(|line| !line.trim().is_empty()) {
                assert!(told.contains(&plain(wanted)), "{name}: {line} does not say\n  {wanted}\nbut\n{told}");
            }
        }
    }
    (files, commands)
}

#[test]
fn the_tutorial_does_what_it_says() {
    let (files, commands) = follow("tutorial.md");
    assert!(files >= 7 && commands >= 9, "{files} files, {commands} commands");
}

/// Each protocol of the page is good as it stands.
#[test]
fn what_is_shown_to_those_who_come_from_elsewhere_is_good() {
    let (files, commands) = follow("coming-from.md");
    assert!(files >= 5 && commands >= 5, "{files} files, {commands} commands");
}

/// What the language's page shows of `check` is said of the example as it stands.
#[test]
fn the_page_of_the_language_shows_what_check_says() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    assert_eq!(follow_in("language.md", &top), (0, 1));
}
