//! `nosepoke subject` and `nosepoke unblind`: what is kept of a subject from session to session, shown; and the two things a
//! person may add to it with a word: a correction, and that nothing is hidden any more.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use controller::subject::stage::Word;
use controller::subject::{Fact, Ledger, Line};
use journal::{Session, unseal};
use report::blind::HIDDEN;

use super::real::wall_us;
use super::run::when;
use super::{Complaint, assignment, label, say};

/// Shows what is kept of a subject: its stages, what was assigned to it, its sessions. Of all subjects, if none is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke subject\n  \
    nosepoke subject R12\n  \
    nosepoke subject R12 --correct sex=female --operator KS --because \"was looked at again\"\n\n\
    A subject's file stands in the folder `subjects` of the output folder. Lines are only ever added to it; each bears a mark \
    that fits the lines before, so a change is noticed. A file that cannot be relied on stops the subject's sessions and is \
    left as it is. To begin anew with what is known, move it away and give what it said with --set and --stage at the next run.")]
pub(crate) struct Subject {
    /// The animal.
    #[arg(value_parser = label)]
    subject: Option<String>,
    /// Says anew what was asked of it once; needs --operator and --because, which are recorded.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment, requires_all = ["subject", "operator", "because"])]
    correct: Option<(String, String)>,
    #[command(flatten)]
    place: Place,
    /// Who says so.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: Option<String>,
    /// Why.
    #[arg(long, value_name = "WHY", value_parser = label)]
    because: Option<String>,
}

/// Ends the hiding of what a protocol calls blind, for a subject or for all: from then on everything is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nosepoke unblind R12 --operator KS --because \"all sessions done\"\n  \
    nosepoke unblind --all --operator KS --because \"all sessions done\"\n\n\
    Who did it, when and why is recorded in the subject's file, and cannot be taken back.")]
pub(crate) struct Unblind {
    /// The animal.
    #[arg(value_parser = label, required_unless_present = "all", conflicts_with = "all")]
    subject: Option<String>,
    /// Every subject of the folder.
    #[arg(long)]
    all: bool,
    /// Of this protocol alone.
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Who says so.
    #[arg(long, value_name = "NAME", value_parser = label)]
    operator: String,
    /// Why.
    #[arg(long, value_name = "WHY", value_parser = label)]
    because: String,
}

/// Where the files of subjects are.
#[derive(Debug, clap::Args)]
struct Place {
    /// The folder the data went to.
    #[arg(long = "in", value_name = "DIR", default_value = "sessions")]
    folder: PathBuf,
    /// Of simulated sessions, which have files of their own.
    #[arg(long)]
    simulated: bool,
}

impl Place {
    /// The file of a subject, which must be there.
    fn ledger(&self, subject: &str) -> Result<Ledger, Complaint> {
        let path = Ledger::path(&self.folder, subject, self.simulated);
        if !path.exists() {
            let other = Ledger::path(&self.folder, subject, !self.simulated).exists();
            let hint = match (other, self.simulated) {
                (true, false) => "; of its simulated sessions there is, with --simulated",
                (true, true) => "; of its real sessions there is, without --simulated",
                (false, _) => "; name the folder of its sessions with --in",
            };
            return Err(Complaint::new(format_args!(
                "nothing is kept of {subject}: there is no {}{hint}",
                path.display()
            )));
        }
        Ledger::open(&self.folder, subject, self.simulated).map_err(Complaint::new)
    }

    fn all(&self) -> Result<Vec<Ledger>, Complaint> {
        let all = Ledger::all(&self.folder, self.simulated).map_err(Complaint::new)?;
        if all.is_empty() {
            return Err(Complaint::new(format_args!("nothing is kept of any subject in {}", self.folder.display())));
        }
        Ok(all)
    }

    /// Now; what belongs to simulated sessions has no time.
    fn when(&self) -> String {
        when((!self.simulated).then(|| wall_us() / 1_000))
    }
}

impl Subject {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let Some(subject) = &self.subject else {
            for ledger in self.place.all()? {
                say(in_a_line(&ledger))?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        let mut ledger = self.place.ledger(subject)?;
        if let (Some((name, value)), Some(operator), Some(because)) = (&self.correct, &self.operator, &self.because) {
            let Some((_, sealed)) = ledger.known(name) else {
                return Err(Complaint::new(format_args!(
                    "--correct {name}={value}: nothing is kept of {name}; what was assigned or drawn is never changed"
                )));
            };
            let fact = ledger.fact_known(name, value, sealed, &Word { operator, because }.to_string());
            ledger.add(&self.place.when(), "", fact).map_err(Complaint::new)?;
        }
        say(format_args!("{}  ({})", ledger.subject(), ledger.file().display()))?;
        for line in ledger.lines() {
            let protocol = if line.protocol.is_empty() { "" } else { &line.protocol };
            say(format_args!("  {:<20}  {protocol:<20}  {}", line.when, told(line, &ledger)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Unblind {
    pub(crate) fn execute(self) -> Result<ExitCode, Complaint> {
        let mut ledgers = match &self.subject {
            Some(subject) => vec![self.place.ledger(subject)?],
            None => self.place.all()?,
        };
        let word = Word { operator: &self.operator, because: &self.because }.to_string();
        let mut done = 0;
        for ledger in &mut ledgers {
            let mut protocols: Vec<String> = ledger.lines().iter().map(|line| line.protocol.clone()).collect();
            protocols.sort();
            protocols.dedup();
            protocols.retain(|name| !name.is_empty() && self.protocol.as_ref().is_none_or(|wanted| wanted == name));
            for protocol in protocols.iter().filter(|name| !ledger.is_unblinded(name)).cloned().collect::<Vec<_>>() {
                let fact = Fact::Unblinded { word: word.clone() };
                ledger.add(&self.place.when(), &protocol, fact).map_err(Complaint::new)?;
                say(format_args!("{}: {protocol} is unblinded", ledger.subject()))?;
                done += 1;
            }
        }
        match done {
            0 => Err(Complaint::new(
                "there was nothing to unblind: no session of such a protocol, or it is unblinded already",
            )),
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Whether what a session's protocol calls blind is to be hidden: unless its subject's file, beside the journal, says that it
/// was unblinded.
pub(super) fn is_hidden(path: &Path, session: &Session) -> bool {
    let header = &session.header;
    let Some(subject) = header.subject.as_deref().filter(|_| !header.context.blind.is_empty()) else {
        return !header.context.blind.is_empty();
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let symbols = postcard::from_bytes::<compiler::Symbols>(&header.symbols);
    let protocol = symbols.map(|symbols| symbols.protocol).unwrap_or_default();
    // A file that cannot be relied on unblinds nobody.
    !Ledger::open(folder, subject, header.simulated).is_ok_and(|ledger| ledger.is_unblinded(&protocol))
}

/// A line as a person reads it, without what is hidden.
fn told(line: &Line, ledger: &Ledger) -> String {
    let shown = ledger.is_unblinded(&line.protocol);
    match &line.fact {
        Fact::Known { name, value, sealed, word } => {
            let word = if word.is_empty() { String::new() } else { format!(", {word}") };
            let value = match (sealed, shown) {
                (false, _) => value.clone(),
                (true, true) => unseal(&[ledger.subject(), name], value).unwrap_or_else(|| "not to be read".to_owned()),
                (true, false) => HIDDEN.to_owned(),
            };
            format!("{name} = {value}{word}")
        }
        Fact::Assigned { name, value, sealed: false, odds, .. } => format!("assigned {name} = {value} ({odds})"),
        Fact::Assigned { name, value, odds, .. } if shown => {
            let subject = ledger.subject();
            let value = unseal(&[subject, name], value).unwrap_or_else(|| "not to be read".to_owned());
            let odds = unseal(&[subject, name, "odds"], odds).unwrap_or_default();
            format!("assigned {name} = {value} ({odds})")
        }
        Fact::Assigned { name, .. } => format!("assigned {name} = {HIDDEN}"),
        Fact::Drawn { name, .. } => format!("drew {name}, for good"),
        Fact::Begun { stage, journal } if stage.is_empty() => format!("session {journal}"),
        Fact::Begun { stage, journal } => format!("session {journal}, stage {stage}"),
        Fact::Ended { summary, .. } => format!("  {summary}"),
        Fact::Stage { name, because } => format!("goes on to {name}, {because}"),
        Fact::Unblinded { word } => format!("unblinded {word}"),
        Fact::Torn => String::new(),
    }
}

/// A subject in a line: how many sessions, and the stage it was in last.
fn in_a_line(ledger: &Ledger) -> String {
    let sessions = ledger.lines().iter().filter(|line| matches!(line.fact, Fact::Begun { .. })).count();
    let last = ledger.lines().iter().rev().find_map(|line| match &line.fact {
        Fact::Begun { stage, .. } => Some((line.protocol.as_str(), stage.as_str())),
        _ => None,
    });
    let last = last.map_or(String::new(), |(protocol, stage)| match stage {
        "" => format!(", the last of {protocol}"),
        stage => format!(", the last of {protocol} in stage {stage}"),
    });
    format!("{:<16} {sessions} sessions{last}", ledger.subject())
}
