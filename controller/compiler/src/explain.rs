//! What every code means: why it is told, a wrong example and a right one. The texts are the pages of `docs/codes/`, which are
//! read here; a test holds them against the codes in the source.

/// A code explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// The code, such as `E073-unknown-state`.
    pub code: &'static str,
    /// The area it belongs to: the title of its page.
    pub area: &'static str,
    /// What it means, in one sentence.
    pub means: &'static str,
    /// The text of its section, in Markdown, without its title.
    pub text: &'static str,
}

/// A piece of a file that shows a mistake, or how it is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Whether it is the wrong one.
    pub wrong: bool,
    /// What it is a piece of: `protocol`, `rig` or `scenario`; or `command`.
    pub of: &'static str,
    /// The piece.
    pub text: &'static str,
}

macro_rules! pages {
    ($($name:literal),* $(,)?) => { &[$(include_str!(concat!("../../../docs/codes/", $name, ".md"))),*] };
}

/// The pages, in the order in which they are listed.
const PAGES: &[&str] = pages![
    "yaml",
    "quantities",
    "shapes",
    "expressions",
    "names",
    "next-trial",
    "rows-and-actions",
    "arrays-and-times",
    "outputs",
    "stimuli",
    "draws",
    "paper",
    "rigs",
    "files",
    "scenarios",
];

/// Every code, in the order of its page.
#[must_use]
pub fn all() -> Vec<Explained> {
    PAGES.iter().flat_map(|page| sections(page)).collect()
}

/// The code that a person means: by its whole name, by its number alone, in any case.
#[must_use]
pub fn of(word: &str) -> Option<Explained> {
    let word = word.trim().trim_matches('`');
    all().into_iter().find(|explained| {
        let number = explained.code.split('-').next().unwrap_or("");
        explained.code.eq_ignore_ascii_case(word) || number.eq_ignore_ascii_case(word)
    })
}

fn sections(page: &'static str) -> Vec<Explained> {
    let area = page.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("");
    let mut found = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let (code, text) = section.split_once('\n').unwrap_or((section, ""));
        let text = text.trim();
        let means = text.split("\n\n").next().unwrap_or("");
        found.push(Explained { code: code.trim(), area, means, text });
    }
    found
}

impl Explained {
    /// Its examples: fenced blocks whose first line says `wrong` or `right`, and of what kind of file they are.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut found = Vec::new();
        for block in self.text.split("```").skip(1).step_by(2) {
            let Some((head, text)) = block.split_once('\n') else { continue };
            let words: Vec<&str> = head.split_whitespace().collect();
            let wrong = words.contains(&"wrong");
            if !wrong && !words.contains(&"right") {
                continue;
            }
            let kinds = ["rig", "scenario"];
            let of = match words.first() {
                Some(&"console") => "command",
                _ => kinds.into_iter().find(|kind| words.contains(kind)).unwrap_or("protocol"),
            };
            found.push(Piece { wrong, of, text });
        }
        found
    }
}
