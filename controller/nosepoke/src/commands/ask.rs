//! Questions to the person at the rig: at a terminal, or answered line by line by a script. Owns how a question is put and
//! what counts as an answer; knows nothing of what it is about.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use controller::stop::Stop;

/// From one look whether the person wants to end to the next.
const LOOK: Duration = Duration::from_millis(100);

/// The person at the rig.
pub(super) struct Person {
    /// Whether the question of the animal is answered already.
    yes: bool,
    /// Lines typed so far; begun when the first is wanted.
    lines: Option<Receiver<String>>,
    /// Ends the wait for an answer.
    stop: Option<Arc<Stop>>,
}

impl Person {
    /// A person who answers at standard input, or, with `yes`, has said on the command line that no animal is in the rig.
    pub(super) const fn new(yes: bool) -> Self {
        Self { yes, lines: None, stop: None }
    }

    /// From here on a person who asks for the end has answered.
    pub(super) fn heed(&mut self, stop: &Arc<Stop>) {
        self.stop = Some(Arc::clone(stop));
    }

    /// Whether the person says that no animal is in the rig.
    pub(super) fn says_no_animal(&mut self) -> bool {
        self.yes || self.confirms("Is no animal in the rig?")
    }

    /// Whether the person types `yes`.
    pub(super) fn confirms(&mut self, question: &str) -> bool {
        self.answers(&format!("{question} Type yes: ")).is_some_and(|answer| answer == "yes")
    }

    /// The next line typed, in small letters; none where nobody is left to type one.
    pub(super) fn answers(&mut self, question: &str) -> Option<String> {
        controller::person::ask(question);
        loop {
            match self.lines().recv_timeout(LOOK) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.stop.as_ref().is_some_and(|stop| stop.is_asked()) => {
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// A line that was typed meanwhile, without waiting for one.
    pub(super) fn typed(&mut self) -> Typed {
        match self.lines().try_recv() {
            Ok(line) => Typed::Line(line),
            Err(TryRecvError::Empty) => Typed::Nothing,
            Err(TryRecvError::Disconnected) => Typed::Gone,
        }
    }

    /// Reads on a thread of its own: while a person is waited for at the rig, nobody may be at the terminal.
    fn lines(&mut self) -> &Receiver<String> {
        self.lines.get_or_insert_with(|| {
            let (typed, lines) = channel();
            thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    if typed.send(line.trim().to_lowercase()).is_err() {
                        return;
                    }
                }
            });
            lines
        })
    }
}

/// What was typed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing yet.
    Nothing,
    /// A line.
    Line(String),
    /// Nobody is there to type.
    Gone,
}
