//! What is kept of a subject from session to session: a file of its own beside the recorded sessions, in which lines are only
//! ever added. Owns the file: which it is, that it is whole, and how a line is added; what follows from the lines for the next
//! session stands in [`graduate`] and [`assign`].
//!
//! Sessions themselves are in their journals. The file says which they were and what was settled between them, so that a
//! journal moved elsewhere or a controller that died takes nothing of it away (docs/decisions/0020).

pub mod assign;
pub mod graduate;
mod line;
pub mod sessions;
pub mod stage;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use line::{Fact, Line};
use line::{checked, marked, plain};

/// The folder of subjects, beside the journals.
pub const FOLDER: &str = "subjects";
/// What every file begins with.
const MAGIC: &str = "nosepoke subject 1";
/// The longest file that is read, in bytes.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What is kept of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    path: PathBuf,
    subject: String,
    lines: Vec<Line>,
    /// The mark of the last line; empty before there is a file.
    mark: String,
    /// What is wrong with the end of the file.
    tail: Tail,
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// With the end of a line, or there is none yet.
    Whole,
    /// With a line that lacks nothing but its end.
    NoLineFeed,
    /// With a line that was cut off as it was written.
    Torn,
}

/// Why the file of a subject cannot be used.
#[derive(Debug)]
pub enum LedgerError {
    /// It could not be read or written.
    Io(PathBuf, Error),
    /// It is no file of a subject.
    Foreign(PathBuf),
    /// A line is not as it was written.
    Changed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// It is that of another subject, whose name differs only in what no file name can hold.
    Other {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        whose: String,
        /// Whose it should be.
        wanted: String,
    },
    /// Two lines contradict each other.
    Conflict {
        /// The file.
        path: PathBuf,
        /// In words.
        what: String,
    },
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{} cannot be read or written: {error}", path.display()),
            Self::Foreign(path) => write!(
                f,
                "{} is no file of a subject: it does not begin with `{MAGIC}`. Move it away; nothing was changed",
                path.display()
            ),
            Self::Changed { path, line } => write!(
                f,
                "{} was changed at or before line {line}: its mark does not fit. What stands there cannot be relied on, and \
                 nothing was changed. Put back a copy from before; or move the file away, and begin a new one by hand with what is \
                 known (nosepoke subject --help)",
                path.display()
            ),
            Self::Other { path, whose, wanted } => write!(
                f,
                "{} is the file of {whose}, and {wanted} would have the same: give one of them a name that differs in a letter or \
                 a digit",
                path.display()
            ),
            Self::Conflict { path, what } => {
                write!(f, "{}: {what}. Nothing was changed; find out which of them is right", path.display())
            }
        }
    }
}

impl std::error::Error for LedgerError {}

impl Ledger {
    /// The file of a subject in a folder of journals: its own for simulated sessions, which are none of the animal's.
    #[must_use]
    pub fn path(folder: &Path, subject: &str, simulated: bool) -> PathBuf {
        let ending = if simulated { ".simulated.txt" } else { ".txt" };
        folder.join(FOLDER).join(format!("{}{ending}", file_name(subject)))
    }

    /// Reads what is kept of a subject; nothing yet if there is no file.
    ///
    /// # Errors
    /// When there is a file that cannot be relied on.
    pub fn open(folder: &Path, subject: &str, simulated: bool) -> Result<Self, LedgerError> {
        let path = Self::path(folder, subject, simulated);
        let there = path.try_exists().map_err(|error| LedgerError::Io(path.clone(), error))?;
        match there {
            true => {
                let ledger = Self::read(&path)?;
                match ledger.subject == plain(subject) {
                    true => Ok(ledger),
                    false => Err(LedgerError::Other { path, whose: ledger.subject, wanted: subject.to_owned() }),
                }
            }
            false => {
                let (lines, mark, subject) = (Vec::new(), String::new(), plain(subject));
                Ok(Self { path, subject, lines, mark, tail: Tail::Whole })
            }
        }
    }

    /// Every subject of a folder, by name.
    ///
    /// # Errors
    /// When one of their files cannot be relied on.
    pub fn all(folder: &Path, simulated: bool) -> Result<Vec<Self>, LedgerError> {
        let folder = folder.join(FOLDER);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LedgerError::Io(folder, error)),
        };
        let is_one = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.ends_with(".txt") && name.ends_with(".simulated.txt") == simulated
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_one).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Result<Self, LedgerError> {
        let io = |error| LedgerError::Io(path.to_path_buf(), error);
        let about = fs::metadata(path).map_err(io)?;
        if !about.is_file() || about.len() > BYTES_MAX {
            return Err(LedgerError::Foreign(path.to_path_buf()));
        }
        let file = File::open(path).map_err(io)?;
        // Not while a line is being added.
        unless_unsupported(file.lock_shared()).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(io)?;
        // What is no text shows as a line that was changed.
        Self::parse(path, &String::from_utf8_lossy(&bytes))
    }

    /// The lines of a file, each with its mark.
    fn parse(path: &Path, text: &str) -> Result<Self, LedgerError> {
        let changed = |line: usize| LedgerError::Changed { path: path.to_path_buf(), line: line + 1 };
        let all: Vec<&str> = text.split('\n').collect();
        let first = all.first().copied().unwrap_or_default();
        let Some(subject) = first.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix('\t')) else {
            return Err(LedgerError::Foreign(path.to_path_buf()));
        };
        let subject = subject.rsplit_once("\t# ").map(|(subject, _)| subject).ok_or_else(|| changed(0))?;
        let (_, mut mark) = checked(first, "").ok_or_else(|| changed(0))?;
        let (mut lines, mut tail) = (Vec::new(), Tail::Whole);
        let body = all.get(1..).unwrap_or_default();
        for (n, text) in body.iter().enumerate() {
            // Every line ends with a line feed, so what follows the last is nothing, or was cut off.
            let is_last = n + 1 == body.len();
            if is_last && text.is_empty() {
                break;
            }
            match checked(text, &mark)
                .and_then(|(text, mark)| Some((Line::read(&text.split('\t').collect::<Vec<_>>())?, mark)))
            {
                Some((Line { fact: Fact::Torn, .. }, next)) => mark = next,
                Some((line, next)) => {
                    mark = next;
                    lines.push(line);
                }
                None if is_last => tail = Tail::Torn,
                None => {
                    let behind = body.get(n + 1).and_then(|next| checked(next, &mark));
                    let excused = behind.is_some_and(|(text, _)| text.split('\t').nth(2) == Some("torn"));
                    if !excused {
                        return Err(changed(n + 1));
                    }
                }
            }
            if is_last && tail == Tail::Whole {
                tail = Tail::NoLineFeed;
            }
        }
        if body.is_empty() {
            return Err(changed(0));
        }
        let ledger = Self { path: path.to_path_buf(), subject: subject.to_owned(), lines, mark, tail };
        ledger.is_one_story()?;
        Ok(ledger)
    }

    /// What is drawn once must be there once.
    fn is_one_story(&self) -> Result<(), LedgerError> {
        let mut seen: Vec<(&str, &str, String)> = Vec::new();
        for line in &self.lines {
            let Some((name, value)) = line.fact.once() else { continue };
            match seen.iter().find(|(protocol, known, _)| *protocol == line.protocol && *known == name) {
                Some((_, _, before)) if *before != value => {
                    let what = format!("`{name}` of {} stands there twice, with two values", line.protocol);
                    return Err(LedgerError::Conflict { path: self.path.clone(), what });
                }
                _ => seen.push((&line.protocol, name, value)),
            }
        }
        Ok(())
    }

    /// Adds a line behind all that stand there by now, whoever added them. When this returns, it is on disk.
    ///
    /// # Errors
    /// When it cannot be written, or contradicts what another program has added meanwhile; then nothing is added.
    pub fn add(&mut self, when: &str, protocol: &str, fact: Fact) -> Result<(), LedgerError> {
        let path = self.path.clone();
        let io = |error| LedgerError::Io(path.clone(), error);
        let line = Line { when: plain(when), protocol: plain(protocol), fact };
        if self.mark.is_empty() && self.begin(&line).map_err(io)? {
            return Ok(());
        }
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path).map_err(io)?;
        // Sessions and `unblind` may add to it at the same time. Let go of as the file is closed.
        lock(&file).map_err(io)?;
        self.catch_up(&mut file)?;
        if self.says_already(&line)? {
            return Ok(());
        }
        let (text, mark) = self.written(&line);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        (self.mark, self.tail) = (mark, Tail::Whole);
        self.lines.push(line);
        Ok(())
    }

    /// Begins the file with its first line, all of it at once; false if another program has begun it meanwhile.
    fn begin(&mut self, line: &Line) -> Result<bool, Error> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        let (text, mark) = self.written(line);
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        let number = BEGUN.fetch_add(1, Ordering::Relaxed);
        let whole = folder.join(format!(".{}.{}.{number}", file_name(&self.subject), std::process::id()));
        let write = || {
            let mut file = File::create(&whole)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // Where a disk knows no second name for a file, one that appears in two steps is the best there is.
            match fs::hard_link(&whole, &self.path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    let mut file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
                    file.write_all(text.as_bytes())?;
                    file.sync_all()
                }
                linked => linked,
            }
        };
        let written = write();
        let _ = fs::remove_file(&whole);
        match written {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
            Ok(()) => {
                sync_folder(&self.path)?;
                (self.mark, self.tail) = (mark, Tail::Whole);
                self.lines.push(line.clone());
                Ok(true)
            }
        }
    }

    /// Takes in what stands in the file by now.
    fn catch_up(&mut self, file: &mut File) -> Result<(), LedgerError> {
        let io = |error| LedgerError::Io(self.path.clone(), error);
        let mut bytes = Vec::new();
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(LedgerError::Foreign(self.path.clone()));
        }
        let now = Self::parse(&self.path, &String::from_utf8_lossy(&bytes))?;
        if now.subject != self.subject {
            let (path, wanted) = (self.path.clone(), self.subject.clone());
            return Err(LedgerError::Other { path, whose: now.subject, wanted });
        }
        *self = now;
        Ok(())
    }

    /// Whether the file says already what a line says that can stand there once.
    fn says_already(&self, line: &Line) -> Result<bool, LedgerError> {
        let Some((name, value)) = line.fact.once() else { return Ok(false) };
        let mut before = self.of(&line.protocol).filter_map(|line| line.fact.once());
        match before.find(|(known, _)| *known == name) {
            None => Ok(false),
            Some((_, known)) if known == value => Ok(true),
            Some(_) => {
                let what =
                    format!("`{name}` of {} was settled by another program meanwhile, and otherwise", line.protocol);
                Err(LedgerError::Conflict { path: self.path.clone(), what })
            }
        }
    }

    /// A line with all that must stand before it, and its mark.
    fn written(&self, line: &Line) -> (String, String) {
        let (mut text, mut mark) = (String::new(), self.mark.clone());
        if mark.is_empty() {
            (text, mark) = marked(&format!("{MAGIC}\t{}", self.subject), "");
        }
        if self.tail != Tail::Whole {
            text.push('\n');
        }
        if self.tail == Tail::Torn {
            let (torn, next) = Line { fact: Fact::Torn, ..line.clone() }.written(&mark);
            text.push_str(&torn);
            mark = next;
        }
        let (written, mark) = line.written(&mark);
        (text + &written, mark)
    }

    /// Where it stands.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Everything in it, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether its last line was cut off as it was written, and is passed over.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.tail == Tail::Torn
    }

    /// What belongs to a protocol, in order.
    pub fn of<'l>(&'l self, protocol: &'l str) -> impl DoubleEndedIterator<Item = &'l Line> {
        self.lines.iter().filter(move |line| line.protocol == protocol)
    }

    /// What was asked once, whatever the protocol: the last that was said, and whether it is hidden.
    #[must_use]
    pub fn known(&self, wanted: &str) -> Option<(String, bool)> {
        let (value, sealed) = self.lines.iter().rev().find_map(|line| match &line.fact {
            Fact::Known { name, value, sealed, .. } if name == wanted => Some((value, *sealed)),
            _ => None,
        })?;
        match sealed {
            true => Some((journal::unseal(&[&self.subject, wanted], value)?, true)),
            false => Some((value.clone(), false)),
        }
    }

    /// Something that was asked once, as a line says it: sealed where the operator is not to see it.
    #[must_use]
    pub fn fact_known(&self, name: &str, value: &str, sealed: bool, word: &str) -> Fact {
        let value = if sealed { journal::seal(&[&self.subject, name], value) } else { value.to_owned() };
        Fact::Known { name: name.to_owned(), value, sealed, word: word.to_owned() }
    }

    /// What was assigned, and by which seed.
    ///
    /// # Errors
    /// When it is sealed and not for this subject.
    pub fn assigned(&self, protocol: &str, wanted: &str) -> Result<Option<(String, u64)>, LedgerError> {
        let found = self.of(protocol).find_map(|line| match &line.fact {
            Fact::Assigned { name, value, sealed, seed, .. } if name == wanted => Some((value, *sealed, *seed)),
            _ => None,
        });
        let Some((value, sealed, seed)) = found else { return Ok(None) };
        if !sealed {
            return Ok(Some((value.clone(), seed)));
        }
        let value = journal::unseal(&[&self.subject, wanted], value).ok_or_else(|| LedgerError::Conflict {
            path: self.path.clone(),
            what: format!("what is hidden of `{wanted}` was written for another subject"),
        })?;
        Ok(Some((value, seed)))
    }

    /// What sessions before drew once for all.
    #[must_use]
    pub fn drawn(&self, protocol: &str) -> Vec<(String, i64)> {
        let drawn = self.of(protocol).filter_map(|line| match &line.fact {
            Fact::Drawn { name, base } => Some((name.clone(), *base)),
            _ => None,
        });
        drawn.collect()
    }

    /// Whether nothing of a protocol is hidden any more.
    #[must_use]
    pub fn is_unblinded(&self, protocol: &str) -> bool {
        self.of(protocol).any(|line| matches!(line.fact, Fact::Unblinded { .. }))
    }

    /// Sessions that were begun and of which nothing is said since: the controller died.
    #[must_use]
    pub fn open_sessions(&self, protocol: &str) -> Vec<String> {
        let mut open: Vec<String> = Vec::new();
        for line in self.of(protocol) {
            match &line.fact {
                Fact::Begun { journal, .. } => open.push(journal.clone()),
                Fact::Ended { journal, .. } => open.retain(|known| known != journal),
                _ => {}
            }
        }
        open
    }
}

/// Keeps other programs from assigning anything in a folder of journals until the file is dropped: who draws must know what
/// the others of the cohort drew. Waits for one that does so at the moment.
///
/// # Errors
/// When there can be no file for it.
pub fn hold_cohort(folder: &Path) -> Result<File, LedgerError> {
    let folder = folder.join(FOLDER);
    let path = folder.join(".assigning");
    let open = || {
        fs::create_dir_all(&folder)?;
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        lock(&file)?;
        Ok(file)
    };
    open().map_err(|error| LedgerError::Io(path.clone(), error))
}

/// Waits until no other program has the file.
fn lock(file: &File) -> Result<(), Error> {
    unless_unsupported(file.lock())
}

/// A disk that knows no locks, as some of a network, is gone on with without.
fn unless_unsupported(locked: Result<(), Error>) -> Result<(), Error> {
    match locked {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        locked => locked,
    }
}

/// A new file's name is durable once its folder is.
fn sync_folder(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// As much of a name as every file system takes: 255 bytes for the whole, and letters may take several.
#[must_use]
pub fn file_name(name: &str) -> String {
    const BYTES_MAX: usize = 80;
    let mut kept = String::new();
    for letter in name.chars().map(|letter| if letter.is_alphanumeric() || letter == '-' { letter } else { '-' }) {
        if kept.len() + letter.len_utf8() > BYTES_MAX {
            break;
        }
        kept.push(letter);
    }
    kept
}
