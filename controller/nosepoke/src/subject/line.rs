//! One line of a subject's file: what it says, and the mark that chains it to the lines before. Owns the spelling; knows no
//! folder.
//!
//! A line is fields between tabs, and behind the last a mark: `#` and 8 hexadecimal digits of a hash over all lines up to
//! and with this one. So a person can read the file, and whoever changes, swaps or takes out a line is found out.

use sha2::{Digest, Sha256};

/// What is known of a subject, each a line of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Something that was asked once: `sex = female`.
    Known {
        /// What.
        name: String,
        /// What it is, or that [`journal::seal`]ed.
        value: String,
        /// Whether it is sealed.
        sealed: bool,
        /// Who said so instead of what stood there before, and why; empty the first time.
        word: String,
    },
    /// Something that was drawn before the first session, once for all.
    Assigned {
        /// What.
        name: String,
        /// What it is, or that [`journal::seal`]ed.
        value: String,
        /// Whether it is sealed.
        sealed: bool,
        /// The odds then in force.
        odds: String,
        /// The experiment's seed.
        seed: u64,
    },
    /// Something that a session drew once for all, in base units.
    Drawn {
        /// The variable.
        name: String,
        /// Its value in base units.
        base: i64,
    },
    /// A session was begun.
    Begun {
        /// Of this stage; empty where the protocol has none.
        stage: String,
        /// Its journal, beside the folder of subjects.
        journal: String,
    },
    /// What a session came to.
    Ended {
        /// Its journal.
        journal: String,
        /// In words.
        summary: String,
    },
    /// The stage of the next session.
    Stage {
        /// Its name.
        name: String,
        /// The rule that was met, or who said so and why.
        because: String,
    },
    /// From here on nothing is hidden.
    Unblinded {
        /// Who said so, and why.
        word: String,
    },
    /// The line before was cut off as it was written.
    Torn,
}

impl Fact {
    /// What can stand in a file once for a protocol: its name and its value.
    #[must_use]
    pub fn once(&self) -> Option<(&str, String)> {
        match self {
            Self::Assigned { name, value, .. } => Some((name, value.clone())),
            Self::Drawn { name, base } => Some((name, base.to_string())),
            _ => None,
        }
    }
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, as `2026-11-30T10:00:00Z`; `-` in a simulated session of no day.
    pub when: String,
    /// The protocol it belongs to.
    pub protocol: String,
    /// What it says.
    pub fact: Fact,
}

/// What stands behind a value that is sealed.
const HIDDEN: &str = "hidden";
/// What stands between a name and its value.
const IS: &str = " = ";

impl Line {
    /// Its fields, without the mark.
    fn fields(&self) -> Vec<String> {
        let (word, rest): (&str, Vec<String>) = match &self.fact {
            Fact::Known { name, value, sealed, word } => {
                let hidden = sealed.then(|| HIDDEN.to_owned());
                ("known", [format!("{name}{IS}{value}"), word.clone()].into_iter().chain(hidden).collect())
            }
            Fact::Assigned { name, value, sealed, odds, seed } => {
                let how = if *sealed { HIDDEN } else { "open" };
                ("assigned", vec![format!("{name}{IS}{value}"), how.to_owned(), odds.clone(), format!("seed {seed}")])
            }
            Fact::Drawn { name, base } => ("drawn", vec![format!("{name}{IS}{base}")]),
            Fact::Begun { stage, journal } => ("begun", vec![journal.clone(), stage.clone()]),
            Fact::Ended { journal, summary } => ("ended", vec![journal.clone(), summary.clone()]),
            Fact::Stage { name, because } => ("stage", vec![name.clone(), because.clone()]),
            Fact::Unblinded { word } => ("unblinded", vec![word.clone()]),
            Fact::Torn => ("torn", vec!["the line before was cut off as it was written".to_owned()]),
        };
        [self.when.clone(), self.protocol.clone(), word.to_owned()]
            .into_iter()
            .chain(rest)
            .map(|text| plain(&text))
            .collect()
    }

    /// Its spelling behind lines that end with this mark, and its own mark; with the end of the line.
    pub(super) fn written(&self, before: &str) -> (String, String) {
        marked(&self.fields().join("\t"), before)
    }

    /// The line of these fields; none if they are none.
    pub(super) fn read(fields: &[&str]) -> Option<Self> {
        let [when, protocol, word, rest @ ..] = fields else { return None };
        let pair = |text: &str| text.split_once(IS).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fact = match (*word, rest) {
            ("known", [said, word, hidden @ ..]) if matches!(hidden, [] | [HIDDEN]) => {
                let (name, value) = pair(said)?;
                Fact::Known { name, value, sealed: !hidden.is_empty(), word: (*word).to_owned() }
            }
            ("assigned", [said, how @ (HIDDEN | "open"), odds, seed]) => {
                let ((name, value), seed) = (pair(said)?, seed.strip_prefix("seed ")?.parse().ok()?);
                Fact::Assigned { name, value, sealed: *how == HIDDEN, odds: (*odds).to_owned(), seed }
            }
            ("drawn", [said]) => {
                let (name, value) = pair(said)?;
                Fact::Drawn { name, base: value.parse().ok()? }
            }
            ("begun", [journal, stage]) => Fact::Begun { stage: (*stage).to_owned(), journal: (*journal).to_owned() },
            ("ended", [journal, summary]) => {
                Fact::Ended { journal: (*journal).to_owned(), summary: (*summary).to_owned() }
            }
            ("stage", [name, because]) => Fact::Stage { name: (*name).to_owned(), because: (*because).to_owned() },
            ("unblinded", [word]) => Fact::Unblinded { word: (*word).to_owned() },
            ("torn", [_]) => Fact::Torn,
            _ => return None,
        };
        Some(Self { when: (*when).to_owned(), protocol: (*protocol).to_owned(), fact })
    }
}

/// A line behind lines that end with a mark: as it stands in the file, and its own mark.
pub(super) fn marked(text: &str, before: &str) -> (String, String) {
    let mark = mark(text, before);
    (format!("{text}\t# {mark}\n"), mark)
}

/// The text and the mark of a line, if it bears the one that belongs there.
pub(super) fn checked<'l>(line: &'l str, before: &str) -> Option<(&'l str, String)> {
    let (text, found) = line.rsplit_once("\t# ")?;
    let mark = mark(text, before);
    (mark == found).then_some((text, mark))
}

fn mark(text: &str, before: &str) -> String {
    let hash = Sha256::new().chain_update(before).chain_update("\n").chain_update(text).finalize();
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Text that stays within its field.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
