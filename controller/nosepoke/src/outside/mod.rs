//! What comes to a session from beyond the rig's pins, and goes back: events and values from video or a decoder, an operator's
//! keys, parameters that change, answers to questions. Owns what a source is; what is said is read in [`words`], and what the
//! device is told of it, and when, is the session's.
//!
//! - [`words`]: one line of text is one thing said.
//! - [`lines`]: lines from any reader, as standard input.
//! - [`keys`]: a terminal, where one key can be one event.
//! - [`socket`]: lines from programs on this computer.
//! - [`script`]: things at stated times, and answers to questions.
//! - [`simulated`]: an operator and a world of a simulated rig.

pub mod keys;
pub mod lines;
pub mod script;
pub mod simulated;
pub mod socket;
pub mod words;

use std::sync::Arc;

use compiler::symbols::Symbols;
use link::Micros;
use tokio::sync::Notify;

pub use words::Said;

/// Things that may wait to be told to the device. Who brings more waits, and is asked again when there is room.
pub const WAITING_MAX: usize = 64;

/// Wakes a session that sleeps, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Rings: something has come.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Sleeps until it rings.
    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}

/// Something that has come from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Names it to its source, when that is told how it went.
    pub id: u64,
    /// What it is.
    pub what: What,
}

/// What has come: as a person or a program writes it, or understood already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// One line, see [`words::read`].
    Line(String),
    /// What is said.
    Said(Said),
    /// Something that could not be read, as a sentence.
    Unread(String),
}

/// How it went, as a sentence: what was done, or why nothing was.
pub type Told = Result<String, String>;

/// A source of what comes from outside. Polled by the session it is given to; never made to wait by it.
pub trait Outside: Send {
    /// The session it will be asked by: the names that may be said, and what wakes it when something has come.
    fn attend(&mut self, _symbols: &Symbols, _bell: &Bell) {}

    /// The next thing that has come by `now`, on the controller's clock. `began` is when the session began on it; nothing is
    /// asked for before, nor while [`WAITING_MAX`] things wait.
    fn poll(&mut self, now: Micros, began: Micros) -> Option<Heard>;

    /// When it has something of its own accord, if it knows. What comes on another thread rings the bell instead.
    fn next_at(&self, _began: Micros) -> Option<Micros> {
        None
    }

    /// How the thing with this number went.
    fn told(&mut self, _id: u64, _told: &Told) {}

    /// The operator is asked: the number of the prompt among those of the protocol.
    fn asked(&mut self, _now: Micros, _prompt: usize) {}

    /// The question is answered, or taken back.
    fn settled(&mut self, _prompt: usize) {}

    /// Whether somebody here can answer questions.
    fn answers(&self) -> bool {
        false
    }
}
