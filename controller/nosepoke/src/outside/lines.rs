//! Lines from a reader, as standard input or one end of a socket: read on a thread of their own, in order, none lost. What is
//! wrong with one, and what is asked, goes to whoever gets the answers.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use compiler::symbols::Symbols;
use link::Micros;

use super::{Bell, Heard, Outside, Told, WAITING_MAX, What, words};
use crate::tell;

/// The longest line, in bytes. What is longer is told so and passed over.
pub const LINE_MAX: u64 = 4_096;

/// Where the answers to lines go, and the questions.
pub trait Answers: Send {
    /// One sentence, an answer to a line.
    fn tell(&mut self, told: &Told);
    /// A question to the operator, or that it is settled.
    fn ask(&mut self, prompt: &str, question: Option<&str>);
}

/// Lines from a reader.
pub struct Lines<R, A> {
    reader: Option<R>,
    answers: A,
    lines: Option<Receiver<Result<String, String>>>,
    symbols: Symbols,
    /// Lines so far, which number them.
    count: u64,
    /// Whether a person answers here.
    is_person: bool,
    over: bool,
}

impl<R: Read + Send + 'static, A: Answers> Lines<R, A> {
    /// Lines from `reader`; `is_person` says whether somebody there answers questions.
    pub fn new(reader: R, answers: A, is_person: bool) -> Self {
        let symbols = Symbols::default();
        Self { reader: Some(reader), answers, lines: None, symbols, count: 0, is_person, over: false }
    }

    /// Whether nothing more will come.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

impl<R: Read + Send + 'static, A: Answers> Outside for Lines<R, A> {
    fn attend(&mut self, symbols: &Symbols, bell: &Bell) {
        self.symbols = symbols.clone();
        let Some(reader) = self.reader.take() else { return };
        let (said, lines) = sync_channel(WAITING_MAX);
        self.lines = Some(lines);
        let bell = bell.clone();
        let started = thread::Builder::new().name("lines".to_owned()).spawn(move || read(reader, &said, &bell));
        if let Err(error) = started {
            tracing::error!("no thread could be had to read lines: {error}");
        }
    }

    fn poll(&mut self, _: Micros, _: Micros) -> Option<Heard> {
        let line = match self.lines.as_ref()?.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                (self.lines, self.over) = (None, true);
                return None;
            }
        };
        self.count += 1;
        Some(Heard { id: self.count, what: line.map_or_else(What::Unread, What::Line) })
    }

    fn told(&mut self, _: u64, told: &Told) {
        self.answers.tell(told);
    }

    fn asked(&mut self, _: Micros, prompt: usize) {
        if let Some(prompt) = self.symbols.world.prompts.get(prompt) {
            self.answers.ask(&prompt.name, Some(&words::question(prompt, &self.symbols)));
        }
    }

    fn settled(&mut self, prompt: usize) {
        if let Some(prompt) = self.symbols.world.prompts.get(prompt) {
            self.answers.ask(&prompt.name, None);
        }
    }

    fn answers(&self) -> bool {
        self.is_person && !self.over
    }
}

/// Reads lines until there are none, or nobody wants them. A full channel makes whoever writes wait.
fn read(reader: impl Read, said: &SyncSender<Result<String, String>>, bell: &Bell) {
    let mut reader = BufReader::new(reader);
    loop {
        let mut bytes = Vec::new();
        let line = match reader.by_ref().take(LINE_MAX + 1).read_until(b'\n', &mut bytes) {
            Ok(0) => break,
            Ok(read) if read as u64 > LINE_MAX => {
                if !pass_over(&mut reader) {
                    break;
                }
                Err(format!("a line is longer than {LINE_MAX} bytes, and was passed over"))
            }
            Ok(_) => String::from_utf8(bytes).map_err(|_| "a line is no UTF-8 text, and was passed over".to_owned()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if said.send(line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned())).is_err() {
            break;
        }
        bell.ring();
    }
    bell.ring();
}

/// Reads on to the end of a line; false if there is none.
fn pass_over(reader: &mut impl BufRead) -> bool {
    loop {
        let (found, used) = match reader.fill_buf() {
            Ok([]) | Err(_) => return false,
            Ok(bytes) => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) => (true, at + 1),
                None => (false, bytes.len()),
            },
        };
        reader.consume(used);
        if found {
            return true;
        }
    }
}

/// Answers on standard error, for a person: only what went wrong, and what is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToPerson;

impl Answers for ToPerson {
    fn tell(&mut self, told: &Told) {
        match told {
            Ok(sentence) if sentence.is_empty() => {}
            Ok(sentence) => tell!("{sentence}"),
            Err(sentence) => tell!("not done: {sentence}"),
        }
    }

    fn ask(&mut self, prompt: &str, question: Option<&str>) {
        match question {
            Some(question) => tell!("{prompt}: {question}"),
            None => tell!("{prompt}: settled"),
        }
    }
}
