//! A terminal where one key can be one event: a key the protocol knows is said at once, any other begins a line that Enter ends.
//! Owns what becomes of each key; the keys themselves are read on a thread of their own.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use compiler::symbols::Symbols;
use console::{Key, Term};
use link::{EventId, Micros, VariableId};

use super::lines::{Answers, ToPerson};
use super::{Bell, Heard, Outside, Said, Told, WAITING_MAX, What, words};
use crate::{person, tell};

/// Keys of a terminal.
pub struct Keys {
    symbols: Symbols,
    keys: Option<Receiver<Key>>,
    typed: Typed,
    answers: ToPerson,
    count: u64,
}

/// What has been typed of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    line: String,
    /// Questions that wait, each once however often it was asked.
    open: BTreeSet<usize>,
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typing {
    /// It was bound to this.
    Said(Said),
    /// It ends this line.
    Line(String),
    /// It is a part of a line.
    Nothing,
}

impl Typed {
    /// Takes a key. While a line is begun, or a question is open, keys are letters; else those of the protocol are what it says
    /// they are.
    pub fn take(&mut self, key: &Key, symbols: &Symbols) -> Typing {
        match key {
            Key::Enter => Typing::Line(std::mem::take(&mut self.line)),
            Key::Backspace => {
                self.line.pop();
                Typing::Nothing
            }
            Key::Escape => {
                self.line.clear();
                Typing::Nothing
            }
            Key::Char(letter) => match bound(*letter, symbols).filter(|_| self.line.is_empty() && self.open.is_empty())
            {
                Some(said) => Typing::Said(said),
                None => {
                    self.line.push(*letter);
                    Typing::Nothing
                }
            },
            _ => Typing::Nothing,
        }
    }
}

/// What a key stands for.
fn bound(letter: char, symbols: &Symbols) -> Option<Said> {
    symbols.world.outside.iter().find_map(|outside| {
        let (_, value) = outside.keys.iter().find(|(key, _)| *key == letter)?;
        let event = EventId::named(outside.event);
        match (value, &outside.value) {
            (Some(value), Some(of)) => Some(Said::Value { variable: VariableId(of.variable), value: *value, event }),
            _ => Some(Said::Event(event)),
        }
    })
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Keys {
    /// The keys of the terminal this program was started in.
    #[must_use]
    pub fn new() -> Self {
        Self { symbols: Symbols::default(), keys: None, typed: Typed::default(), answers: ToPerson, count: 0 }
    }
}

impl Outside for Keys {
    fn attend(&mut self, symbols: &Symbols, bell: &Bell) {
        self.symbols = symbols.clone();
        let keys: Vec<String> = symbols.world.outside.iter().flat_map(|outside| told(outside, symbols)).collect();
        if !keys.is_empty() {
            tell!("keys: {}; `help` and Enter tells what can be typed", keys.join(", "));
        }
        let (pressed, keys) = sync_channel(WAITING_MAX);
        self.keys = Some(keys);
        let bell = bell.clone();
        let started = thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let terminal = Term::stderr();
            // Ends with the terminal, or with nobody to hear it; Ctrl-C goes its usual way.
            while let Ok(key) = terminal.read_key() {
                if pressed.send(key).is_err() {
                    return;
                }
                bell.ring();
            }
        });
        if let Err(error) = started {
            tracing::error!("no thread could be had to read keys: {error}");
        }
    }

    fn poll(&mut self, _: Micros, _: Micros) -> Option<Heard> {
        loop {
            let key = match self.keys.as_ref()?.try_recv() {
                Ok(key) => key,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => {
                    self.keys = None;
                    return None;
                }
            };
            let typing = self.typed.take(&key, &self.symbols);
            person::typed(&self.typed.line);
            let what = match typing {
                Typing::Nothing => continue,
                Typing::Said(said) => What::Said(said),
                Typing::Line(line) => {
                    tell!("> {line}");
                    What::Line(line)
                }
            };
            self.count += 1;
            return Some(Heard { id: self.count, what });
        }
    }

    fn told(&mut self, _: u64, told: &Told) {
        self.answers.tell(told);
    }

    fn asked(&mut self, _: Micros, prompt: usize) {
        self.typed.open.insert(prompt);
        if let Some(prompt) = self.symbols.world.prompts.get(prompt) {
            self.answers.ask(&prompt.name, Some(&words::question(prompt, &self.symbols)));
        }
    }

    fn settled(&mut self, prompt: usize) {
        self.typed.open.remove(&prompt);
        if let Some(prompt) = self.symbols.world.prompts.get(prompt) {
            self.answers.ask(&prompt.name, None);
        }
    }

    fn answers(&self) -> bool {
        true
    }
}

/// The keys of one thing from outside, as a person is told them.
fn told(outside: &compiler::symbols::OutsideSymbol, symbols: &Symbols) -> Vec<String> {
    let variable = outside.value.as_ref().and_then(|value| symbols.variables.get(usize::from(value.variable)));
    let one = |(key, value): &(char, Option<i64>)| match (value, variable) {
        (Some(value), Some(variable)) => format!("{key} = {} {}", outside.name, variable.shown(*value)),
        _ => format!("{key} = {}", outside.name),
    };
    outside.keys.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use compiler::symbols::OutsideSymbol;

    use super::*;

    fn symbols() -> Symbols {
        let mut symbols = Symbols::default();
        symbols.world.outside.push(OutsideSymbol {
            name: "contact".to_owned(),
            about: String::new(),
            event: 3,
            value: None,
            keys: vec![('c', None)],
        });
        symbols
    }

    fn take(typed: &mut Typed, keys: &[Key]) -> Vec<Typing> {
        keys.iter().map(|key| typed.take(key, &symbols())).filter(|typing| *typing != Typing::Nothing).collect()
    }

    #[test]
    fn a_question_asked_twice_is_settled_by_one_answer() {
        let mut keys = Keys::new();
        keys.asked(0, 0);
        keys.asked(1, 0);
        keys.settled(0);
        let contact = Typing::Said(Said::Event(EventId::named(3)));
        assert_eq!(keys.typed.take(&Key::Char('c'), &symbols()), contact, "keys are keys again");
    }

    #[test]
    fn a_key_is_said_at_once_and_any_other_begins_a_line() {
        let (c, n) = (Key::Char('c'), Key::Char('n'));
        let contact = Typing::Said(Said::Event(EventId::named(3)));
        let mut typed = Typed::default();
        assert_eq!(take(&mut typed, &[c.clone(), c.clone()]), [contact.clone(), contact.clone()]);
        assert_eq!(take(&mut typed, &[n.clone(), c.clone(), Key::Enter]), [Typing::Line("nc".to_owned())]);
        assert_eq!(take(&mut typed, &[n.clone(), Key::Backspace, c.clone()]), std::slice::from_ref(&contact));
        assert_eq!(take(&mut typed, &[n, Key::Escape, c.clone()]), [contact]);
        typed.open.insert(0);
        assert_eq!(take(&mut typed, &[c, Key::Enter]), [Typing::Line("c".to_owned())], "an answer may begin with it");
    }
}
