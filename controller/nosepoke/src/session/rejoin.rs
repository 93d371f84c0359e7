//! A session whose device is met again: after a reset, or by a controller that was started anew. Owns what is decided
//! then: to follow on, to collect what the device's memory kept, or to say from where on nothing is known.

use std::collections::VecDeque;

use journal::{NoteKind, Storage, Why, Writer};
use link::host_end::HostEnd;

use link::{Micros, Record};

use super::clocks::Clocks;
use super::ending::Ending;
use super::outside::Desk;
use super::{Phase, Plan, Session, SessionError};
use crate::tally::Tally;

/// What a controller that died left of a session.
#[derive(Debug)]
pub struct Kept<S: Storage> {
    /// The journal, ready to be gone on with.
    pub journal: Writer<S>,
    /// The board it runs on, by its unique number, if the journal says so.
    pub board: Option<u64>,
    /// Its records so far.
    pub records: Vec<(Micros, Record)>,
}

impl<S: Storage> Session<S> {
    /// Goes on with a session that a controller before this one has begun.
    pub fn resumed(plan: Plan, kept: Kept<S>) -> Self {
        let (mut tally, mut desk) = (Tally::new(&plan.compiled.symbols), Desk::default());
        for (at, record) in &kept.records {
            tally.record(*at, record);
            desk.record(&plan.compiled.symbols, record);
        }
        let mut link = HostEnd::new();
        link.resume(plan.session, u32::try_from(kept.journal.next()).unwrap_or(u32::MAX));
        Self {
            clocks: Clocks::new(plan.wall_clock),
            plan,
            link,
            phase: Phase::Greeting,
            errands: VecDeque::new(),
            under_way: None,
            open: None,
            journal: Some(kept.journal),
            hello: None,
            board: kept.board,
            unsynced: None,
            sync_look_at: None,
            ending: Ending::new(),
            key: None,
            gone: false,
            status: None,
            tally,
            outcome: None,
            result: None,
            began: None,
            failing: None,
            desk,
        }
    }

    /// The device boots anew. What became of the session it says itself, after its hello.
    pub(super) fn device_reset(&mut self) {
        (self.under_way, self.status) = (None, None);
        self.errands.clear();
        self.desk.lose_command();
        self.clocks.device_was_reset();
        match self.phase {
            Phase::Greeting | Phase::Done => {}
            Phase::Looking => self.phase = Phase::Greeting,
            // It may have started just before.
            Phase::Preparing => {
                self.link.resume(self.plan.session, 0);
                self.phase = Phase::Greeting;
            }
            // Closed already.
            Phase::Forgetting => self.done(),
            Phase::Running | Phase::Rejoining | Phase::Draining(_) => {
                self.sync();
                if self.phase != Phase::Done {
                    self.phase = Phase::Greeting;
                }
            }
        }
    }

    /// The device says that it holds this session.
    pub(super) fn rejoin(&mut self) {
        match self.tally.end() {
            Some(reason) => self.phase = Phase::Draining(reason),
            // Whether it still runs or is over: its end is a record that comes, after a reset too.
            None => self.run(),
        }
    }

    /// The device says that it does not hold the session: it lost its memory, or never began.
    pub(super) fn gone_from_device(&mut self) {
        if self.tally.records == 0 {
            return self.close_with("the session never began on the device", SessionError::NeverStarted);
        }
        self.note_interrupted();
        let durable = self.journal.as_ref().map_or(0, Writer::durable);
        self.close_with("the device no longer holds the rest", SessionError::Lost { durable });
    }

    fn close_with(&mut self, why: &str, error: SessionError) {
        let closed = self.journal.take().map(|journal| journal.close(Why::Incomplete(why.to_owned())));
        match closed {
            Some(Err(error)) => self.end_with(SessionError::Write(error)),
            _ => self.end_with(error),
        }
    }

    /// Puts on disk what there is, and says from where on records are missing.
    pub(super) fn note_interrupted(&mut self) {
        self.sync();
        let first_unknown = self.journal.as_ref().map_or(0, Writer::next);
        self.note(NoteKind::Interrupted { first_unknown });
        self.sync();
    }

    /// Says which board is heard from here on. A simulated one is no board.
    pub(super) fn note_device(&mut self) {
        if let (Some(hello), false) = (&self.hello, self.plan.simulated) {
            let kind = NoteKind::Device { id: hello.id, boot: self.link.boot() };
            self.note(kind);
        }
    }
}
