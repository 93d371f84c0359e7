//! One line of text is one thing said to a session, by a person at a terminal or a program at a socket. Owns the words and what
//! each mistake is told; knows nothing of where a line comes from.
//!
//! ```text
//! event contact            an event from outside
//! value decoded 0.4        a value from outside, with the event that tells of it
//! set drop 20 µl           a parameter that may change while the session runs
//! answer drug saline       an answer to what the operator is asked; Enter alone where there is a default
//! note cage 4 was changed  a remark for the journal
//! stop                     the session ends
//! help                     what can be said
//! ```

use compiler::symbols::{AnswerForm, PromptSymbol, Symbols, VariableSymbol};
use link::{EventId, VariableId};

/// What is said to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An event from outside.
    Event(EventId),
    /// A value from outside, and the event that tells of it.
    Value {
        /// Which.
        variable: VariableId,
        /// In its base unit.
        value: i64,
        /// What tells of it.
        event: EventId,
    },
    /// A parameter is changed.
    Parameter {
        /// The variable that takes it.
        variable: VariableId,
        /// In its base unit.
        value: i64,
        /// What is answered when it is done.
        done: String,
    },
    /// A question is answered.
    Answer {
        /// Which, among those of the protocol.
        prompt: usize,
        /// What the device is told.
        value: Option<(VariableId, i64)>,
        /// What the journal is told.
        note: Option<String>,
    },
    /// A remark.
    Note(String),
    /// The session is to end.
    Stop,
}

const WORDS: [&str; 7] = ["event", "value", "set", "answer", "note", "stop", "help"];
/// The longest remark, in letters.
const NOTE_MAX: usize = 2_000;

/// Reads one line. `open` are the questions that wait for an answer, the oldest first: a line that begins with none of the
/// words is an answer to the oldest.
///
/// # Errors
/// With a sentence that says what is wrong with it and what can be said instead. What asks for help is told in the same way.
pub fn read(line: &str, symbols: &Symbols, open: &[usize]) -> Result<Said, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "event" => event(rest, symbols),
        "value" => value(rest, symbols),
        "set" => set(rest, symbols),
        "answer" => answer(rest, symbols, open),
        "note" if rest.is_empty() => Err("a note says something: `note cage 4 was changed`".to_owned()),
        "note" => Ok(Said::Note(remark(rest)?)),
        "stop" if rest.is_empty() => Ok(Said::Stop),
        "help" | "?" => Err(help(symbols)),
        _ => match open.first().and_then(|prompt| Some((*prompt, symbols.world.prompts.get(*prompt)?))) {
            Some((number, prompt)) => answered(number, prompt, line, symbols),
            None if line.is_empty() => Err("nothing was said, and nothing is asked".to_owned()),
            None => Err(format!("`{word}` is no word of these: {}", listed(WORDS.iter().copied()))),
        },
    }
}

fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Splits a name from what is said of it.
fn named(text: &str) -> (&str, &str) {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (name, rest.trim())
}

/// Says that there is no such thing, and what there is.
fn unknown<'w>(what: &str, name: &str, known: impl Iterator<Item = &'w str>) -> String {
    let known = listed(known);
    match (name.is_empty(), known.is_empty()) {
        (_, true) => format!("this protocol has no {what}"),
        (true, false) => format!("name one: this protocol's are {known}"),
        (false, false) => format!("this protocol has no {what} `{name}`: there are {known}"),
    }
}

fn event(name: &str, symbols: &Symbols) -> Result<Said, String> {
    let mut events = symbols.world.outside.iter().filter(|outside| outside.value.is_none());
    match events.clone().find(|outside| outside.name == name) {
        Some(outside) => Ok(Said::Event(EventId::named(outside.event))),
        None if symbols.world.outside.iter().any(|outside| outside.name == name) => {
            Err(format!("`{name}` comes with a value: `value {name} …`"))
        }
        None => Err(unknown("event from outside", name, events.by_ref().map(|outside| outside.name.as_str()))),
    }
}

fn value(rest: &str, symbols: &Symbols) -> Result<Said, String> {
    let (name, text) = named(rest);
    let mut values = symbols.world.outside.iter().filter_map(|outside| Some((outside, outside.value.as_ref()?)));
    let Some((outside, value)) = values.clone().find(|(outside, _)| outside.name == name) else {
        if symbols.world.outside.iter().any(|outside| outside.name == name) {
            return Err(format!("`{name}` is an event without a value: `event {name}`"));
        }
        return Err(unknown("value from outside", name, values.by_ref().map(|(outside, _)| outside.name.as_str())));
    };
    let variable = variable(symbols, value.variable)?;
    Ok(Said::Value {
        value: variable.read(text, value.range)?,
        variable: VariableId(value.variable),
        event: EventId::named(outside.event),
    })
}

fn variable(symbols: &Symbols, number: u16) -> Result<&VariableSymbol, String> {
    symbols.variables.get(usize::from(number)).ok_or_else(|| format!("the program has no variable {number}"))
}

fn set(rest: &str, symbols: &Symbols) -> Result<Said, String> {
    let (name, text) = named(rest);
    let live = |variable: &VariableSymbol| variable.parameter.as_ref().and_then(|parameter| parameter.live);
    let Some(found) = symbols.variables.iter().find(|variable| variable.name == name && variable.parameter.is_some())
    else {
        let known = symbols.variables.iter().filter(|variable| live(variable).is_some());
        return Err(unknown("parameter to change", name, known.map(|variable| variable.name.as_str())));
    };
    let Some(live) = live(found) else {
        return Err(format!(
            "`{name}` stays as it is while the session runs: give it `live: at once` or `live: next trial` in the protocol, \
             or `--set {name}=…` before the session"
        ));
    };
    let value = found.read(text, live.range)?;
    let when = if live.next_trial { "from the next trial on" } else { "from now on" };
    Ok(Said::Parameter {
        variable: VariableId(live.variable),
        value,
        done: format!("{name} is {} {when}", found.shown(value)),
    })
}

fn answer(rest: &str, symbols: &Symbols, open: &[usize]) -> Result<Said, String> {
    let (name, text) = named(rest);
    let prompts = &symbols.world.prompts;
    match prompts.iter().position(|prompt| prompt.name == name) {
        None => Err(unknown("prompt", name, prompts.iter().map(|prompt| prompt.name.as_str()))),
        Some(number) if !open.contains(&number) => Err(format!("`{name}` is not asked now")),
        Some(number) => prompts.get(number).map_or_else(
            || Err(unknown("prompt", name, std::iter::empty())),
            |prompt| answered(number, prompt, text, symbols),
        ),
    }
}

/// An answer to one prompt.
fn answered(number: usize, prompt: &PromptSymbol, text: &str, symbols: &Symbols) -> Result<Said, String> {
    let name = &prompt.name;
    let (value, note) = match &prompt.form {
        AnswerForm::Done if text.is_empty() || text == "done" => (None, None),
        AnswerForm::Done => return Err(format!("`{name}` is answered by Enter alone, or by `answer {name}`")),
        AnswerForm::Note if text.is_empty() => (None, None),
        AnswerForm::Note => (None, Some(format!("{name}: {}", remark(text)?))),
        AnswerForm::Choice { variable: number, first } => {
            let variable = variable(symbols, *number)?;
            let choices = variable.labels.iter().skip(usize::from(*first)).map(String::as_str);
            if !choices.clone().any(|choice| choice == text) {
                let choices = listed(choices);
                return Err(match text.is_empty() {
                    true => format!("`{name}` is one of {choices}"),
                    false => format!("`{text}` is no answer to `{name}`, which is one of {choices}"),
                });
            }
            (Some((VariableId(*number), variable.read(text, None)?)), None)
        }
        AnswerForm::Value { value, default } => {
            let read = match text.is_empty() {
                true => *default,
                false => variable(symbols, value.variable)?.read(text, value.range)?,
            };
            (Some((VariableId(value.variable), read)), None)
        }
    };
    Ok(Said::Answer { prompt: number, value, note })
}

fn remark(text: &str) -> Result<String, String> {
    match text.chars().count() {
        long if long > NOTE_MAX => Err(format!("this note has {long} letters; {NOTE_MAX} is the most")),
        _ if text.chars().any(char::is_control) => Err("this note holds characters that cannot be printed".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// How a question reads to whoever is to answer it.
#[must_use]
pub fn question(prompt: &PromptSymbol, symbols: &Symbols) -> String {
    let ask = &prompt.ask;
    match &prompt.form {
        AnswerForm::Done => format!("{ask} [Enter]"),
        AnswerForm::Note => format!("{ask} [a note]"),
        AnswerForm::Choice { variable, first } => {
            let labels = symbols.variables.get(usize::from(*variable)).map_or(&[][..], |found| &found.labels);
            format!("{ask} [{}]", labels.iter().skip(usize::from(*first)).cloned().collect::<Vec<_>>().join(", "))
        }
        AnswerForm::Value { value, default } => {
            let variable = symbols.variables.get(usize::from(value.variable));
            let shown = |value: i64| variable.map_or_else(String::new, |found| found.shown(value));
            match value.range {
                Some((low, high)) => format!("{ask} [{} to {}; {}]", shown(low), shown(high), shown(*default)),
                None => format!("{ask} [{}]", shown(*default)),
            }
        }
    }
}

/// What can be said, as one sentence each.
fn help(symbols: &Symbols) -> String {
    let mut lines = Vec::new();
    for outside in &symbols.world.outside {
        lines.push(match &outside.value {
            None => format!("event {}", outside.name),
            Some(_) => format!("value {} …", outside.name),
        });
    }
    for variable in &symbols.variables {
        if variable.parameter.as_ref().is_some_and(|parameter| parameter.live.is_some()) {
            lines.push(format!("set {} …", variable.name));
        }
    }
    lines.extend(symbols.world.prompts.iter().map(|prompt| format!("answer {} …", prompt.name)));
    lines.extend(["note …", "stop"].map(String::from));
    format!("what can be said: {}", lines.join("; "))
}
