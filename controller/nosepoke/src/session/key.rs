//! Waiting for a rig's key: a device refuses to arm while it is off, and is asked again until somebody has turned it. Owns
//! for how long; whether the key is turned, the device says.

use journal::Storage;
use link::Micros;
use link::message::{Command, Refusal};

use super::{Errand, Session, SessionError};

/// For how long somebody may be on the way to the key, in µs.
pub const KEY_PATIENCE_US: u64 = 60_000_000;
/// From one try to the next, in µs.
const TRY_AGAIN_US: u64 = 250_000;
/// From one word about it to the next, in µs.
const SAY_AGAIN_US: u64 = 10_000_000;

pub(super) const ARM: &str = "arm the lines";

/// A wait for the key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyWait {
    since: Micros,
    /// When to try again; none while a try is under way.
    again_at: Option<Micros>,
    say_at: Micros,
}

impl<S: Storage> Session<S> {
    /// The device refused to arm because its key is off.
    pub(super) fn key_is_off(&mut self, now: Micros, lines: u32) {
        let mut wait = self.key.unwrap_or(KeyWait { since: now, again_at: None, say_at: now });
        let waited_us = now.saturating_sub(wait.since);
        if waited_us >= KEY_PATIENCE_US || self.ending.is_asked() {
            return self.end_with(SessionError::Refused { step: ARM, refusal: Refusal::KeyOff });
        }
        if now >= wait.say_at {
            let left_s = (KEY_PATIENCE_US - waited_us) / 1_000_000;
            tracing::warn!(
                "the rig's key is off: turn it, and the session begins; it is waited for {left_s} s more, and Ctrl-C gives up"
            );
            wait.say_at = now.saturating_add(SAY_AGAIN_US);
        }
        wait.again_at = Some(now.saturating_add(TRY_AGAIN_US));
        self.key = Some(wait);
        self.errands.push_front(Errand { step: ARM, command: Command::Arm { lines } });
    }

    /// Lets the next try go when it is due.
    pub(super) fn poll_key(&mut self, now: Micros) {
        if let Some(wait) = &mut self.key {
            wait.again_at = wait.again_at.filter(|at| *at > now);
        }
    }

    /// When the next try is due, while one is waited for.
    pub(super) fn key_at(&self) -> Option<Micros> {
        self.key?.again_at
    }

    /// Ends a wait for the key, if there is one: nothing was started.
    pub(super) fn stops_waiting_for_key(&mut self) -> bool {
        let waits = self.key_at().is_some();
        if waits {
            self.end_with(SessionError::Refused { step: ARM, refusal: Refusal::KeyOff });
        }
        waits
    }
}
