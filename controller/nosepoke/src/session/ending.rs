//! How a session is ended from outside: by a person who asks for it, once or twice, and for want of a device. Owns what was
//! asked and whether the device was told; the end itself is a record of the device.

use journal::{Storage, Writer};
use link::message::Command;

use super::{Errand, Phase, Session, SessionError};
use crate::stop::Asked;

/// What a person asked for, and what of it the device was told.
#[derive(Debug)]
pub(super) struct Ending {
    asked: Asked,
    told: Asked,
}

impl Ending {
    pub(super) const fn new() -> Self {
        Self { asked: Asked::Nothing, told: Asked::Nothing }
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked != Asked::Nothing
    }
}

impl<S: Storage> Session<S> {
    /// Asks for the session to end now, every output safe and every record kept.
    pub fn stop(&mut self) {
        self.heed(Asked::Stop);
    }

    /// Does what a person asks for, if it was not asked for before.
    pub fn heed(&mut self, asked: Asked) {
        if asked <= self.ending.asked {
            return;
        }
        self.ending.asked = asked;
        if self.gone {
            tracing::warn!(
                "the session ends as soon as the device is heard again; asked three times in all, the program leaves it, and \
                 `nosepoke resume` goes on with it later"
            );
        }
        if !self.stops_waiting_for_key() {
            self.tell_end();
        }
    }

    /// The session runs, and can be ended.
    pub(super) fn run(&mut self) {
        self.phase = Phase::Running;
        // A device met again may have forgotten what it was told.
        self.ending.told = Asked::Nothing;
        self.tell_end();
    }

    /// Before the start there is nothing to end yet; the wish is remembered.
    fn tell_end(&mut self) {
        if self.phase != Phase::Running || self.ending.told >= self.ending.asked {
            return;
        }
        self.ending.told = self.ending.asked;
        let errand = match self.ending.asked {
            Asked::Nothing => return,
            Asked::Stop => Errand { step: "stop the session", command: Command::Stop },
            Asked::Abort => Errand { step: "trip the interlock", command: Command::Abort },
        };
        self.errands.push_front(errand);
    }

    /// Gives up on a device that does not come back: what arrived is kept, and the journal says that it is not all. It is
    /// not closed: a device that kept its supply still holds the rest, and may be met again.
    pub fn give_up(&mut self, why: &str) {
        if self.phase == Phase::Done {
            return;
        }
        self.note_interrupted();
        let durable = self.journal.as_ref().map_or(0, Writer::durable);
        let error = self.failing.take();
        self.end_with(error.unwrap_or_else(|| SessionError::GivenUp { why: why.to_owned(), durable }));
    }
}
