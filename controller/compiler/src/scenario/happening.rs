//! What happens, and what lasts, in words: `enter ready`, `water on`, `lever.press`, `omission`; `in iti`, `lever.down`.

use super::words::{self, OUTPUT, Words, input_of, listing};
use super::{Forbidden, Happening, Level};
use crate::diagnostic::{Reporter, Span};
use crate::yaml::Text;

/// Something that happens.
pub(super) fn read(text: &Text, words: &Words<'_>, reporter: &mut Reporter) -> Option<Happening> {
    of(text.text.trim(), text.span, words, reporter)
}

/// The same of a part of a text.
pub(super) fn of(written: &str, span: Span, words: &Words<'_>, reporter: &mut Reporter) -> Option<Happening> {
    let parts: Vec<&str> = written.split_whitespace().collect();
    match parts.as_slice() {
        ["trial"] => Some(Happening::Trial),
        ["enter", state] => words.state(state, span, reporter).map(Happening::Enter),
        ["leave", state] => words.state(state, span, reporter).map(Happening::Leave),
        ["outcome", outcome] => words.outcome(outcome, span, reporter).map(Happening::Outcome),
        [line, switch @ ("on" | "off")] => {
            let (line, _) = words.line(line, span, OUTPUT, |line| line.output, reporter)?;
            Some(Happening::Output { line, on: *switch == "on" })
        }
        [word] => one(word, span, words, reporter),
        _ => {
            unknown(written, span, words, reporter);
            None
        }
    }
}

fn one(word: &str, span: Span, words: &Words<'_>, reporter: &mut Reporter) -> Option<Happening> {
    if let Some(event) = words.event(word) {
        return Some(Happening::Event(event));
    }
    for (id, line) in words.lines() {
        let Some(edge) = word.strip_prefix(line.name.as_str()).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let Some(input) = input_of(line) else { continue };
        if edge == input.on || edge == input.off {
            return Some(Happening::Input { line: id, active: edge == input.on });
        }
        reporter
            .error("E413-unknown-happening", span, format!("nothing called `{edge}` happens on `{}`", line.name))
            .near(edge, [input.on, input.off], |_| Some(format!("it has `{}` and `{}`", input.on, input.off)));
        return None;
    }
    unknown(word, span, words, reporter);
    None
}

/// Everything that can happen, as it is written.
fn all(words: &Words<'_>) -> Vec<String> {
    let mut known = vec!["trial".to_owned()];
    known.extend(words.symbols.events.iter().cloned());
    for (_, line) in words.lines() {
        match input_of(line) {
            Some(input) => {
                known.extend([format!("{}.{}", line.name, input.on), format!("{}.{}", line.name, input.off)]);
            }
            None if line.output => known.extend([format!("{} on", line.name), format!("{} off", line.name)]),
            None => {}
        }
    }
    for state in words.symbols.states.iter().filter(|state| !words::is_root(&state.name)) {
        known.extend([format!("enter {}", state.name), format!("leave {}", state.name)]);
    }
    known.extend(words.symbols.outcomes.iter().map(|outcome| format!("outcome {outcome}")));
    known
}

fn unknown(written: &str, span: Span, words: &Words<'_>, reporter: &mut Reporter) {
    let all = all(words);
    if let Some(state) = words.symbols.states.iter().find(|state| state.name == written) {
        reporter
            .error(
                "E413-unknown-happening",
                span,
                format!("`{written}` is a state, and something that happens stands here"),
            )
            .help(format!("write `enter {0}` or `leave {0}`", state.name));
        return;
    }
    if let Some((_, line)) = words.lines().find(|(_, line)| line.name == written) {
        let help = match input_of(line) {
            Some(input) => format!("write `{0}.{1}` or `{0}.{2}`", line.name, input.on, input.off),
            None => format!("write `{0} on` or `{0} off`", line.name),
        };
        let message = format!("`{written}` is a line, and something that happens stands here");
        reporter.error("E413-unknown-happening", span, message).help(help);
        return;
    }
    reporter.error("E413-unknown-happening", span, format!("nothing that can happen here is called `{written}`")).near(
        written,
        all.iter().map(String::as_str),
        |known| Some(listing("there are", known)),
    );
}

/// Something that lasts.
pub(super) fn level(written: &str, span: Span, words: &Words<'_>, reporter: &mut Reporter) -> Option<Level> {
    if let Some(found) = try_level(written, words) {
        return Some(found);
    }
    let parts: Vec<&str> = written.split_whitespace().collect();
    match parts.as_slice() {
        ["in", state] => {
            words.state(state, span, reporter);
        }
        [line, "on" | "off"] => {
            words.line(line, span, OUTPUT, |line| line.output, reporter);
        }
        _ => {
            let known = levels(words);
            reporter.error("E414-unknown-level", span, format!("nothing that lasts is called `{written}`")).near(
                written,
                known.iter().map(String::as_str),
                |known| Some(listing("there are", known)),
            );
        }
    }
    None
}

/// The same without a word where there is no such thing.
fn try_level(written: &str, words: &Words<'_>) -> Option<Level> {
    let parts: Vec<&str> = written.split_whitespace().collect();
    match parts.as_slice() {
        ["in", state] => {
            let place = words.symbols.states.iter().position(|known| known.name == *state)?;
            Some(Level::In(link::StateId(crate::names::index(place))))
        }
        [line, switch @ ("on" | "off")] => {
            let (line, _) = words.lines().find(|(_, known)| known.output && known.name == *line)?;
            Some(Level::Output { line, on: *switch == "on" })
        }
        ["not", word] => input_level(word, words).map(|line| Level::Input { line, active: false }),
        [word] => input_level(word, words).map(|line| Level::Input { line, active: true }),
        _ => None,
    }
}

fn input_level(word: &str, words: &Words<'_>) -> Option<link::LineId> {
    words.lines().find_map(|(id, line)| {
        let level = word.strip_prefix(line.name.as_str())?.strip_prefix('.')?;
        (input_of(line)?.level == level).then_some(id)
    })
}

fn levels(words: &Words<'_>) -> Vec<String> {
    let mut known = Vec::new();
    for (_, line) in words.lines() {
        match input_of(line) {
            Some(input) => known.push(format!("{}.{}", line.name, input.level)),
            None if line.output => known.extend([format!("{} on", line.name), format!("{} off", line.name)]),
            None => {}
        }
    }
    let states = words.symbols.states.iter().filter(|state| !words::is_root(&state.name));
    known.extend(states.map(|state| format!("in {}", state.name)));
    known
}

/// `X`, or `X while Y`: what must never be.
pub(super) fn never(text: &Text, words: &Words<'_>, reporter: &mut Reporter) -> Option<(Forbidden, Option<Level>)> {
    const WHILE: &str = " while ";
    let written = text.text.as_str();
    let (what, during) = match written.find(WHILE) {
        Some(at) => (written.get(..at)?, Some(at + WHILE.len())),
        None => (written, None),
    };
    let during = match during {
        Some(at) => Some(level(written.get(at..)?.trim(), text.span_of(at, written.len()), words, reporter)?),
        None => None,
    };
    let what = what.trim();
    let found = match try_level(what, words) {
        Some(level) => Forbidden::Level(level),
        None => Forbidden::Happening(of(what, text.span_of(0, what.len()), words, reporter)?),
    };
    Some((found, during))
}
