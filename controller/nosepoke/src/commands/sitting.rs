//! Whose session it is and which of the experiment, settled before it begins: what was assigned and asked is taken from the
//! subject's file or added to it, the stage follows from what the subject did, and the person is told. Owns the order of these
//! steps for `run`; the file itself is [`controller::subject`]'s.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use compiler::symbols::{AssignSymbol, MetadataSymbol, Symbols};
use compiler::{Compiled, Diagnostics, Sitting};
use controller::session::OpenJournal;
use controller::subject::assign::{Member, draw};
use controller::subject::stage::{Asked, Word, next};
use controller::subject::{Fact, Ledger, LedgerError, hold_cohort, sessions};
use controller::tell;
use journal::{CreateError, seal};

use super::Complaint;

/// What `run` knows of the session.
pub(super) struct Whose<'a> {
    /// The folder of journals.
    pub(super) folder: &'a Path,
    pub(super) subject: Option<&'a str>,
    pub(super) operator: Option<&'a str>,
    pub(super) stage: Option<&'a str>,
    pub(super) because: Option<&'a str>,
    pub(super) simulated: bool,
    /// The session's seed: the experiment's, if this is its first subject.
    pub(super) seed: u64,
    /// When it is, as a subject's file says it.
    pub(super) when: String,
}

/// What was settled.
pub(super) struct Settled {
    /// The program of the session.
    pub(super) compiled: Compiled,
    /// What is told of it before, and stands in the journal.
    pub(super) remarks: Vec<String>,
    /// The subject's file, if there is one.
    pub(super) keeper: Option<Keeper>,
}

/// Adds to a subject's file as the session begins and ends.
#[derive(Clone)]
pub(super) struct Keeper {
    ledger: Arc<Mutex<Ledger>>,
    protocol: String,
    stage: String,
    when: String,
}

/// Compiles with parameters and metadata as typed, for a sitting.
pub(super) type Compile<'a> = dyn Fn(&[(String, String)], &Sitting) -> Result<Compiled, Diagnostics> + 'a;

/// Settles whose session it is. `set` may grow by what is asked at the terminal.
pub(super) fn settle(
    whose: &Whose<'_>,
    set: &mut Vec<(String, String)>,
    compile: &Compile<'_>,
) -> Result<Settled, Complaint> {
    let drawn = |found: Diagnostics| Complaint::drawn(&found);
    let of_stage = whose.stage.map(str::to_owned);
    let first = compile(set, &Sitting { stage: of_stage.clone(), ..Sitting::default() }).map_err(drawn)?;
    let symbols = &first.symbols;
    let (stages, protocol) = (&symbols.stages, symbols.protocol.clone());
    if let Some(name) = whose.stage.filter(|_| stages.is_empty()) {
        return Err(Complaint::new(format_args!("--stage {name}: this protocol has no stages; leave the option out")));
    }
    let asked_once = symbols.metadata.iter().any(|one| one.once);
    let keeps = !stages.is_empty() || !symbols.assigned.is_empty() || !symbols.once.is_empty() || asked_once;
    let Some(subject) = whose.subject.filter(|_| keeps || !symbols.metadata.is_empty()) else {
        if keeps && whose.subject.is_none() && !whose.simulated {
            return Err(Complaint::new(
                "this protocol keeps from session to session what was drawn for a subject and what it did: name it with --subject",
            ));
        }
        let mut remarks = Vec::new();
        if keeps && whose.subject.is_none() {
            remarks.push("no subject is named: nothing is assigned for good, and nothing is kept".to_owned());
        }
        return Ok(Settled { compiled: first, remarks, keeper: None });
    };

    let mut ledger = Ledger::open(whose.folder, subject, whose.simulated).map_err(Complaint::new)?;
    let mut remarks = Vec::new();
    if ledger.is_torn() {
        remarks.push(format!(
            "{}: its last line was cut off as it was written, and is passed over",
            ledger.file().display()
        ));
    }
    if keeps {
        let unread = sessions::settle(&mut ledger, whose.folder, &protocol, &whose.when).map_err(Complaint::new)?;
        remarks.extend(unread);
    }
    let mut facts = Vec::new();
    let mut sitting = Sitting { stage: None, drawn_before: ledger.drawn(&protocol), ..Sitting::default() };
    sitting.metadata = metadata(symbols, &ledger, set, &mut facts)?;
    if !stages.is_empty() {
        let word = match (whose.operator, whose.because) {
            (Some(operator), Some(because)) => Some(Word { operator, because }),
            _ => None,
        };
        let asked = Asked { protocol: &protocol, stages, wanted: whose.stage, word, when: &whose.when };
        let next = next(&ledger, whose.folder, &asked).map_err(Complaint::new)?;
        let came = next.came_by.as_ref().map_or(String::new(), |why| format!(", {why}"));
        let number = next.sessions + 1;
        let rules = next.standing.iter().map(|rule| format!("{} ({})", rule.rule, rule.so_far)).collect::<Vec<_>>();
        let rules = if rules.is_empty() { String::new() } else { format!("; goes on {}", rules.join(", or ")) };
        remarks.push(format!("{subject}: stage {}{came}; session {number} of it{rules}", next.stage));
        facts.extend(next.facts);
        sitting.stage = Some(next.stage);
    }
    // What was typed is judged before anything is drawn or kept.
    compile(set, &sitting).map_err(drawn)?;
    let assigns = !symbols.assigned.is_empty();
    // Until all is written down: another rig may begin with another subject of the cohort, or with this one, just now.
    let held = assigns.then(|| hold_cohort(whose.folder)).transpose().map_err(Complaint::new)?;
    if assigns {
        ledger = Ledger::open(whose.folder, subject, whose.simulated).map_err(Complaint::new)?;
    }
    let cohort = match symbols.assigned.is_empty() {
        true => Vec::new(),
        false => Ledger::all(whose.folder, whose.simulated).map_err(|error| {
            Complaint::new(format_args!(
                "{error}\nWhat is assigned is balanced over all subjects, so each of their files must be whole"
            ))
        })?,
    };
    for symbol in &symbols.assigned {
        let (label, fact) = assigned(symbol, &ledger, &cohort, &sitting, whose, &protocol, &symbols.blind)?;
        let shown = if symbols.blind.contains(&symbol.name) { "hidden" } else { label.as_str() };
        if let Some(fact) = fact {
            remarks.push(format!("{subject}: {} assigned for good: {shown}", symbol.name));
            facts.push(fact);
        }
        sitting.assigned.push((symbol.name.clone(), label));
    }
    let compiled = compile(set, &sitting).map_err(drawn)?;
    if !keeps {
        return Ok(Settled { compiled, remarks, keeper: None });
    }
    for fact in facts {
        ledger.add(&whose.when, &protocol, fact).map_err(Complaint::new)?;
    }
    drop(held);
    let stage = sitting.stage.unwrap_or_default();
    let keeper = Keeper { ledger: Arc::new(Mutex::new(ledger)), protocol, stage, when: whose.when.clone() };
    Ok(Settled { compiled, remarks, keeper: Some(keeper) })
}

/// What is asked: typed, kept, by default, or asked now.
fn metadata(
    symbols: &Symbols,
    ledger: &Ledger,
    set: &mut Vec<(String, String)>,
    facts: &mut Vec<Fact>,
) -> Result<Vec<(String, String)>, Complaint> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for one in symbols.metadata.iter().filter(|one| !one.fixed) {
        let typed = set.iter().find(|(name, _)| *name == one.name).map(|(_, value)| value.clone());
        let is_blind = symbols.blind.contains(&one.name);
        let known = ledger.known(&one.name).filter(|_| one.once);
        let (kept, sealed) = known.map_or((None, is_blind), |(kept, sealed)| (Some(kept), sealed || is_blind));
        if let (Some(typed), Some(kept)) = (&typed, &kept)
            && typed != kept
        {
            let kept = if sealed { "hidden, and otherwise" } else { kept };
            return Err(Complaint::new(format_args!(
                "--set {name}={typed}: {subject} is kept with {name} = {kept} ({file}). If that is wrong: nosepoke subject \
                 {subject} --correct {name}={typed} --operator NAME --because WHY",
                name = one.name,
                subject = ledger.subject(),
                file = ledger.file().display(),
            )));
        }
        let mut value = typed.clone().or(kept.clone());
        if value.is_none() && one.default.is_none() {
            value = ask(one, ledger.subject());
            match &value {
                Some(value) => set.push((one.name.clone(), value.clone())),
                None => missing.push(format!("--set {}={}", one.name, wanted(one))),
            }
        }
        let Some(value) = value else { continue };
        if one.once && kept.is_none() {
            facts.push(ledger.fact_known(&one.name, &value, sealed, ""));
        }
        if typed.is_none() {
            found.push((one.name.clone(), value));
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(Complaint::new(format_args!(
            "the protocol asks for what nobody has said of {}: {}",
            ledger.subject(),
            missing.join(" ")
        ))),
    }
}

/// What may be said, as a hint.
fn wanted(one: &MetadataSymbol) -> String {
    match (one.choices.as_slice(), one.unit.as_str()) {
        ([], "") => "TEXT".to_owned(),
        ([], unit) => format!("NUMBER (in {unit})"),
        (choices, _) => choices.join("|"),
    }
}

/// Asks the person at the terminal, if there is one.
fn ask(one: &MetadataSymbol, subject: &str) -> Option<String> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    for _ in 0..3 {
        controller::person::ask(format_args!("{} of {subject} ({}): ", one.name, wanted(one)));
        let mut line = String::new();
        // Nothing typed is nobody there any more.
        if std::io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        let answer = line.trim().to_owned();
        let choice = one.choices.iter().find(|choice| choice.eq_ignore_ascii_case(&answer));
        match (one.choices.is_empty(), choice) {
            (false, Some(choice)) => return Some(choice.clone()),
            (true, _) if !answer.is_empty() => return Some(answer),
            _ => {}
        }
    }
    None
}

/// What is assigned to the subject; and the line to add, if it is drawn now.
fn assigned(
    symbol: &AssignSymbol,
    ledger: &Ledger,
    cohort: &[Ledger],
    sitting: &Sitting,
    whose: &Whose<'_>,
    protocol: &str,
    blind: &[String],
) -> Result<(String, Option<Fact>), Complaint> {
    if let Some((label, _)) = ledger.assigned(protocol, &symbol.name).map_err(Complaint::new)? {
        return Ok((label, None));
    }
    let group = |member: &Ledger| -> Result<Vec<String>, LedgerError> {
        let of = |stratum: &String| {
            let assigned = member.assigned(protocol, stratum)?.map(|(label, _)| label);
            Ok(assigned.or_else(|| member.known(stratum).map(|(value, _)| value)).unwrap_or_default())
        };
        symbol.balance.iter().map(of).collect()
    };
    let (mut members, mut seed) = (Vec::new(), None);
    for member in cohort.iter().filter(|member| member.subject() != ledger.subject()) {
        for line in member.of(protocol) {
            if let Fact::Assigned { seed: found, .. } = &line.fact {
                seed = seed.or(Some(*found));
            }
        }
        if let Some((label, _)) = member.assigned(protocol, &symbol.name).map_err(Complaint::new)? {
            members.push(Member { label, strata: group(member).map_err(Complaint::new)? });
        }
    }
    let own = |stratum: &String| {
        let said = sitting.assigned.iter().chain(&sitting.metadata).find(|(name, _)| name == stratum);
        let said = said.map(|(_, value)| value.clone());
        said.or_else(|| ledger.known(stratum).map(|(value, _)| value)).unwrap_or_default()
    };
    let strata: Vec<String> = symbol.balance.iter().map(own).collect();
    let seed = seed.unwrap_or(whose.seed);
    let drawn = draw(&symbol.name, &symbol.among, &members, &strata, seed, ledger.subject())
        .ok_or_else(|| Complaint::new(format_args!("there is nothing to draw `{}` from", symbol.name)))?;
    let sealed = blind.contains(&symbol.name);
    let (odds, label) = (drawn.odds_in_words(), drawn.label);
    // The odds of a card that is the last tell which it was.
    let odds = if sealed { seal(&[ledger.subject(), &symbol.name, "odds"], &odds) } else { odds };
    let value = if sealed { seal(&[ledger.subject(), &symbol.name], &label) } else { label.clone() };
    let fact = Fact::Assigned { name: symbol.name.clone(), value, sealed, odds, seed };
    Ok((label, Some(fact)))
}

impl Keeper {
    /// The same journal; that it was begun is on disk before its first record.
    pub(super) fn opener(
        &self,
        open: OpenJournal<std::fs::File>,
        begun: Arc<OnceLock<std::path::PathBuf>>,
    ) -> OpenJournal<std::fs::File> {
        let keeper = self.clone();
        Box::new(move |header| {
            let writer = open(header)?;
            let path = begun.get().cloned().unwrap_or_default();
            let journal = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let fact = Fact::Begun { stage: keeper.stage.clone(), journal };
            let mut ledger = keeper.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let file = ledger.file().to_path_buf();
            let added = ledger.add(&keeper.when, &keeper.protocol, fact);
            added.map_err(|error| CreateError::Io(file, std::io::Error::other(error)))?;
            Ok(writer)
        })
    }

    /// Adds what the session came to.
    pub(super) fn close(&self, folder: &Path, when: &str) -> Result<(), Complaint> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        for remark in sessions::settle(&mut ledger, folder, &self.protocol, when).map_err(Complaint::new)? {
            tell!("{remark}");
        }
        Ok(())
    }
}
