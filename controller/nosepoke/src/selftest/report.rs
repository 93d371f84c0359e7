//! What is kept of a self-test, and what a session is told of the last one of its rig. One JSON file a test, beside the
//! journals of its tries; of a rig's files the newest counts.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::judge::Times;

/// What came of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not.
    Failed,
    /// It was not tried.
    Skipped,
}

impl Outcome {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One row of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line.
    pub line: String,
    /// Its kind.
    pub kind: String,
    /// What was tried: `on`, `touch`, …
    pub tried: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What there is to say.
    pub detail: String,
    /// The times of a loop-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// The journal of the try, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<PathBuf>,
}

/// A self-test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The rig's name.
    pub rig: String,
    /// SHA-256 of the rig-config, in hex: another rig-config is another rig.
    pub rig_sha256: String,
    /// Whether the rig is simulated.
    pub simulated: bool,
    /// Wall time of its end in ms since 1970.
    pub ended_ms: i64,
    /// Who did it.
    pub operator: Option<String>,
    /// The controller that did it.
    pub nosepoke: String,
    /// Whether nothing failed and something passed.
    pub passed: bool,
    /// What was tried, in order.
    pub rows: Vec<Row>,
}

/// SHA-256 of a rig-config's text, in hex.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SelfTest {
    /// How many came to an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// How it stands, in a few words.
    #[must_use]
    pub fn verdict(&self) -> String {
        let failed: Vec<&str> =
            self.rows.iter().filter(|row| row.outcome == Outcome::Failed).map(|row| row.line.as_str()).collect();
        let skipped = match self.count(Outcome::Skipped) {
            0 => String::new(),
            count => format!(", {count} not tried"),
        };
        match failed.is_empty() {
            true if self.passed => format!("passed{skipped}"),
            true => format!("nothing passed{skipped}"),
            false => format!("failed ({}){skipped}", failed.join(", ")),
        }
    }
}

/// The table of a report.
impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["line", "kind", "tried", "", "what was found"]);
        for Row { line, kind, tried, outcome, detail, .. } in &self.rows {
            table.add_row([line, kind, tried, outcome.word(), detail]);
        }
        let body = if self.simulated { " (simulated)" } else { "" };
        write!(f, "{}\n\nself-test of rig {}{body}: {}", table.trim_fmt(), self.rig, self.verdict())
    }
}

/// The newest self-test of a rig in a folder; none if there never was one that can be read.
#[must_use]
pub fn newest(folder: &Path, rig: &str, simulated: bool) -> Option<SelfTest> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let read = |path: PathBuf| serde_json::from_slice::<SelfTest>(&fs::read(path).ok()?).ok();
    files
        .filter_map(read)
        .filter(|test| test.rig == rig && test.simulated == simulated)
        .max_by_key(|test| test.ended_ms)
}

/// What a session is told of the last self-test of its rig.
#[must_use]
pub fn standing(newest: Option<&SelfTest>, rig_text: &str, now_ms: i64) -> String {
    let Some(test) = newest else { return "never".to_owned() };
    let changed = match test.rig_sha256 == sha256(rig_text) {
        true => "",
        false => "; the rig-config has changed since",
    };
    format!("{}, {}{changed}", ago(now_ms.saturating_sub(test.ended_ms)), test.verdict())
}

/// How long ago, as a person says it.
fn ago(ms: i64) -> String {
    let minutes = ms / 60_000;
    let (count, what) = match minutes {
        ..1 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    format!("{count} {what}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(outcomes: &[Outcome]) -> SelfTest {
        let row = |outcome: &Outcome| Row {
            line: "water".into(),
            kind: "valve".into(),
            tried: "on".into(),
            outcome: *outcome,
            detail: String::new(),
            times: None,
            journal: None,
        };
        SelfTest {
            rig: "box-3".into(),
            rig_sha256: sha256("rig: box-3"),
            simulated: false,
            ended_ms: 1_000_000_000_000,
            operator: None,
            nosepoke: "0.1.0".into(),
            passed: outcomes.contains(&Outcome::Passed) && !outcomes.contains(&Outcome::Failed),
            rows: outcomes.iter().map(row).collect(),
        }
    }

    #[test]
    fn a_session_is_told_how_old_a_self_test_is_and_what_came_of_it() {
        use Outcome::{Failed, Passed, Skipped};
        let told = |outcomes: &[Outcome], days: i64| {
            standing(Some(&test(outcomes)), "rig: box-3", 1_000_000_000_000 + days * 86_400_000)
        };
        assert_eq!(standing(None, "rig: box-3", 0), "never");
        assert_eq!(told(&[Passed, Passed], 3), "3 days ago, passed");
        assert_eq!(told(&[Passed, Skipped], 1), "1 day ago, passed, 1 not tried");
        assert_eq!(told(&[Passed, Failed], 0), "just now, failed (water)");
        assert_eq!(told(&[Skipped], 0), "just now, nothing passed, 1 not tried");
        let changed = standing(Some(&test(&[Passed])), "rig: box-4", 1_000_000_000_000);
        assert_eq!(changed, "just now, passed; the rig-config has changed since");
    }
}
