//! The commands, one file each, and the few things they share.

mod ask;
pub(crate) mod barcodes;
mod carry_out;
pub(crate) mod check;
mod day;
pub(crate) mod devices;
mod ended;
pub(crate) mod explain;
pub(crate) mod flash;
pub(crate) mod flush;
pub(crate) mod graph;
mod limits;
mod made;
mod maintenance;
mod outside;
mod progress;
mod real;
pub(crate) mod replay;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod selftest;
pub(crate) mod show;
mod sitting;
pub(crate) mod subject;
pub(crate) mod test;

use std::fmt;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compiler::{Diagnostics, RigConfig, Source, Style};
use controller::scenarios::suite::is_test;
use journal::{ReadError, Session};

/// What a command has to say when it cannot do its work: whole sentences, ready to be shown.
#[derive(Debug)]
pub(crate) struct Complaint {
    words: String,
    /// Whether the command has said on standard output how it ended.
    pub(crate) was_told: bool,
    /// The findings behind the words, if they come from a file.
    pub(crate) findings: Option<serde_json::Value>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Complaint {
    /// A complaint in these words.
    pub(crate) fn new(words: impl fmt::Display) -> Self {
        Self { words: format!("error: {words}"), was_told: false, findings: None }
    }

    /// The same after standard output has told how the command ended.
    pub(crate) fn told(words: impl fmt::Display) -> Self {
        Self { was_told: true, ..Self::new(words) }
    }

    /// Findings, drawn for the terminal at hand.
    pub(crate) fn drawn(findings: &Diagnostics) -> Self {
        Self { words: draw(findings).trim_end().to_owned(), was_told: false, findings: Some(findings.to_json()) }
    }
}

/// Says something on standard output. Nobody may be listening any more, as when it is piped into `head`: that is no
/// mistake, and what was to be said is in the journal. What cannot be written for another reason, as on a full disk, is
/// one: half a table must not pass for a whole one.
pub(crate) fn say(words: impl fmt::Display) -> Result<(), Complaint> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{words}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Complaint::new(format_args!("not all could be written to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Whoever reads JSON gets it whatever happens: also where a command had nothing to say but why it could not do its work.
pub(crate) fn told_in_json(json: bool, done: Result<ExitCode, Complaint>) -> Result<ExitCode, Complaint> {
    if let Err(complaint) = &done
        && json
        && !complaint.was_told
    {
        let told = match &complaint.findings {
            Some(findings) => serde_json::json!({"good": false, "findings": findings}),
            None => serde_json::json!({"good": false, "error": complaint.to_string()}),
        };
        say(format_args!("{told:#}"))?;
    }
    done
}

/// The paths named, with folders looked through for files of one of these `endings`, sorted by name.
pub(crate) fn looked_through(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, Complaint> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path)
            .map_err(|error| Complaint::new(format_args!("{} cannot be looked through: {error}", path.display())))?;
        // Scenarios stand beside their protocols, and are none themselves.
        let wanted = |path: &PathBuf| {
            path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) && !is_test(path)
        };
        let mut inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(wanted).collect();
        if inside.is_empty() {
            let (path, ending) = (path.display(), endings.first().unwrap_or(&""));
            return Err(Complaint::new(format_args!("{path}: this is a folder, and it holds no .{ending} file")));
        }
        inside.sort();
        found.append(&mut inside);
    }
    Ok(found)
}

/// The journal at `path`; or why there is none, as a sentence to stand behind the file's name.
pub(crate) fn open(path: &Path) -> Result<Session, String> {
    match std::fs::metadata(path) {
        // A pipe or a device may have no end.
        Ok(about) if !about.is_file() => return Err("this is no file that can be read as a whole".to_owned()),
        _ => {}
    }
    Session::open(path).map_err(|error| match error {
        ReadError::Io(_, error) => format!("it cannot be read: {error}"),
        other => other.to_string(),
    })
}

/// The same for a command that shows only one: of a folder, the newest.
pub(crate) fn open_only(path: &Path) -> Result<Session, Complaint> {
    open_one(path).map(|(_, session)| session)
}

/// The same with the journal's own path.
pub(crate) fn open_one(path: &Path) -> Result<(PathBuf, Session), Complaint> {
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let found = looked_through(&[path.to_path_buf()], &["npj"])?;
    let newest = found.into_iter().max_by_key(written);
    let path = newest.as_deref().unwrap_or(path);
    let session = open(path).map_err(|sentence| Complaint::new(format_args!("{}: {sentence}", path.display())))?;
    Ok((path.to_path_buf(), session))
}

/// Findings as standard error can show them: in colour on a terminal that wants it, plain into a file.
pub(crate) fn draw(findings: &Diagnostics) -> String {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    findings.render_in(Style { colour, ..Style::PLAIN })
}

/// The rig-config at `path`: its text and what it says.
pub(crate) fn rig(path: &Path) -> Result<(Source, RigConfig), Diagnostics> {
    let source = Source::read(path)?;
    let config = compiler::read_rig(&source)?;
    Ok((source, config))
}

/// The rig-config at `path`; if none is named, the simulated rig that ships and has the protocol's lines, or most of them.
pub(crate) fn rig_for(path: Option<&Path>, protocol: &Source) -> Result<(Source, RigConfig), Diagnostics> {
    match path {
        Some(path) => rig(path),
        None => controller::scenarios::fit::shipped(&compiler::scenario::lines_of(protocol)),
    }
}

/// What is wrong with a protocol on the rig of [`rig_for`], with what no rig that ships has said once.
pub(crate) fn on_no_rig(path: Option<&Path>, found: Diagnostics, rig: &RigConfig, protocol: &Source) -> Diagnostics {
    match path {
        Some(_) => found,
        None => controller::scenarios::fit::said_once(found, rig, &compiler::scenario::lines_of(protocol)),
    }
}

/// A name for an animal or a person: something to be read in a table and found by.
pub(crate) fn label(text: &str) -> Result<String, String> {
    const LONGEST: usize = 64;
    let text = text.trim();
    match text.chars().count() {
        0 => Err("it is empty: give a name, or leave the option out".to_owned()),
        1..=LONGEST if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        1..=LONGEST => Err("it holds characters that cannot be printed".to_owned()),
        long => Err(format!("it has {long} characters; {LONGEST} is the most")),
    }
}

/// Splits `name=value`.
pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("`{text}` is no name=value, as in drop=\"10 µl\"")),
    }
}
