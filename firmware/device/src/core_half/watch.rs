//! What follows from the host's silence in the course of a session: which lines are armed again at the next trial, and
//! when the session ends for want of a host. Knows no queue; P0 says when silence begins, P2 when it is over. Both of the
//! rig's spans count from the time of the record that says the host fell silent, so that a journal shows them.

use link::Micros;

/// The course of a silence.
#[derive(Debug)]
pub(crate) struct Watch {
    rejoin_us: u32,
    carry_on_us: u32,
    silent_since: Option<Micros>,
    /// Lines that the silence disarmed.
    suspended: u32,
    /// Lines to be armed at the next trial.
    rearm: u32,
    ends_at: Option<Micros>,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self { rejoin_us: 0, carry_on_us: 0, silent_since: None, suspended: 0, rearm: 0, ends_at: None }
    }

    pub(crate) fn set_limits(&mut self, rejoin_us: u32, carry_on_us: u32) {
        (self.rejoin_us, self.carry_on_us) = (rejoin_us, carry_on_us);
    }

    /// Forgets all but the limits.
    pub(crate) fn rest(&mut self) {
        *self = Self { rejoin_us: self.rejoin_us, carry_on_us: self.carry_on_us, ..Self::new() };
    }

    /// The host fell silent at `at`: true if the session must end at once.
    pub(crate) fn falls_silent(&mut self, at: Micros) -> bool {
        self.silent_since = Some(at);
        self.suspended |= core::mem::take(&mut self.rearm);
        let at_once = self.carry_on_us == 0;
        self.ends_at = (!at_once).then(|| at.saturating_add(Micros::from(self.carry_on_us)));
        at_once
    }

    /// The silence disarmed these lines.
    pub(crate) fn suspend(&mut self, lines: u32) {
        self.suspended |= lines;
    }

    /// These lines are not to be armed again by themselves.
    pub(crate) fn forget_lines(&mut self, lines: u32) {
        self.suspended &= !lines;
        self.rearm &= !lines;
    }

    /// The host was heard at `at`: true if it had been silent.
    pub(crate) fn is_back(&mut self, at: Micros) -> bool {
        let Some(since) = self.silent_since.take() else { return false };
        let suspended = core::mem::take(&mut self.suspended);
        if at.saturating_sub(since) <= Micros::from(self.rejoin_us) {
            self.rearm |= suspended;
        }
        self.ends_at = None;
        true
    }

    /// A trial begins: the lines to be armed now.
    #[inline]
    pub(crate) fn take_rearm(&mut self) -> u32 {
        core::mem::take(&mut self.rearm)
    }

    /// Whether lines are armed when the next trial begins.
    #[inline]
    pub(crate) const fn will_rearm(&self) -> bool {
        self.rearm != 0
    }

    /// When the session was carried on for long enough, once that has come by `now`.
    pub(crate) fn take_carried_on(&mut self, now: Micros) -> Option<Micros> {
        self.ends_at.take_if(|at| *at <= now)
    }

    /// When [`Watch::take_carried_on`] will say so.
    pub(crate) const fn next_due(&self) -> Option<Micros> {
        self.ends_at
    }
}
