//! One session from hello to the last durable record: greets the device, uploads rig and program, arms, starts, journals
//! every record, makes it durable, and lets the device forget it. Sans I/O: bytes in, bytes out, time as an argument;
//! the same for a simulated rig and a real one. Knows nothing of terminals, threads or ports.

mod clocks;
mod context;
mod ending;
mod error;
mod key;
mod outside;
mod plan;
mod rejoin;

use std::collections::VecDeque;

use clocks::Clocks;
use compiler::symbols::Symbols;
use ending::Ending;
use journal::{CreateError, Header, Note, NoteKind, Storage, Versions, Why, Writer};
use key::KeyWait;
use link::host_end::{HostEnd, HostEvent};
use link::message::{self, Answer, Command, Hello, Refusal, State, Status, Upload};
use link::record::Reader;
use link::upload::Uploader;
use link::{EndReason, Micros, Record};
use outside::Desk;

use crate::tally::Tally;

pub use error::SessionError;
pub use key::KEY_PATIENCE_US;
pub use plan::{Plan, SyncPolicy, UnreadableHeader};
pub use rejoin::Kept;

/// Unheard for this long, in µs, a device is noted as gone.
const GONE_US: u64 = 1_000_000;
/// Unheard for this long before the session has begun, or after it is closed, in µs, a device is not waited for.
const PATIENCE_US: u64 = 10_000_000;
/// Unheard for this long past the rig's `carry_on`, in µs, a device will not come back with a session that still runs.
const GIVEN_UP_US: u64 = 30_000_000;

/// From one look at a sync in the background to the next, in µs.
const SYNC_LOOK_US: u64 = 2_000;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// Records in the journal.
    pub records: u64,
    /// Bytes of the journal.
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for the device's hello: the first, or another after a reset or a restart of the controller.
    Greeting,
    /// Waiting to hear what a device that was just met holds.
    Looking,
    /// Uploading, arming, starting.
    Preparing,
    /// The session runs.
    Running,
    /// Waiting to hear whether a device that was reset, or met again, still holds the session.
    Rejoining,
    /// It is over; its last records are on their way to the disk.
    Draining(EndReason),
    /// All is durable; the device is told to forget.
    Forgetting,
    /// Nothing is left to do.
    Done,
}

/// A command of the session, and what it is for.
#[derive(Debug)]
struct Errand {
    step: &'static str,
    command: Command,
}

/// Begins a journal with the header it is given.
pub type OpenJournal<S> = Box<dyn FnOnce(&Header) -> Result<Writer<S>, CreateError> + Send>;

/// One session, from hello to the last durable record.
pub struct Session<S: Storage> {
    plan: Plan,
    link: HostEnd,
    phase: Phase,
    errands: VecDeque<Errand>,
    under_way: Option<(u16, &'static str)>,
    open: Option<OpenJournal<S>>,
    journal: Option<Writer<S>>,
    clocks: Clocks,
    /// Who the device is, once it has said so.
    hello: Option<Hello>,
    /// The board the session runs on, by its unique number.
    board: Option<u64>,
    /// Bytes of records that are not durable, and when the first of them came.
    unsynced: Option<(Micros, usize)>,
    /// When to look how far a sync in the background is.
    sync_look_at: Option<Micros>,
    ending: Ending,
    /// A wait for the rig's key.
    key: Option<KeyWait>,
    /// Whether the device is noted as gone.
    gone: bool,
    status: Option<Status>,
    tally: Tally,
    /// How it ended, while the device is still told to forget.
    outcome: Option<Result<Ended, SessionError>>,
    result: Option<Result<Ended, SessionError>>,
    /// When it was polled first: silence before the device was ever heard counts from there.
    began: Option<Micros>,
    /// Why the session will end in an error once the device is safe.
    failing: Option<SessionError>,
    /// What comes from outside.
    desk: Desk,
}

impl<S: Storage> Session<S> {
    /// A session by this plan, whose journal `open` begins once the device has said who it is.
    pub fn new(plan: Plan, open: OpenJournal<S>) -> Self {
        Self {
            tally: Tally::new(&plan.compiled.symbols),
            clocks: Clocks::new(plan.wall_clock),
            hello: None,
            board: None,
            plan,
            link: HostEnd::new(),
            phase: Phase::Greeting,
            errands: VecDeque::new(),
            under_way: None,
            open: Some(open),
            journal: None,
            unsynced: None,
            sync_look_at: None,
            ending: Ending::new(),
            key: None,
            gone: false,
            status: None,
            outcome: None,
            result: None,
            began: None,
            failing: None,
            desk: Desk::default(),
        }
    }

    /// What has happened so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The names behind the numbers.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.plan.compiled.symbols
    }

    /// How the device stood when it was heard last.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// How it ended, once it has.
    pub fn take_result(&mut self) -> Option<Result<Ended, SessionError>> {
        self.result.take()
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Takes in bytes from the device.
    pub fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.phase != Phase::Done {
            rest = self.link.handle_bytes(now, rest);
            self.handle_events(now);
        }
    }

    /// Does what is due: sends errands on their way, puts records on disk.
    pub fn poll(&mut self, now: Micros) {
        self.poll_key(now);
        self.poll_outside(now);
        self.run_errands();
        let due = self.unsynced.is_some_and(|(since, bytes)| {
            bytes >= self.plan.sync.bytes || now >= since.saturating_add(self.plan.sync.interval_us)
        });
        if due {
            self.begin_sync();
        }
        self.poll_sync(now);
        while let Some(note) = self.clocks.poll(now) {
            self.write(&note);
        }
        self.watch_silence(now);
        self.finish();
    }

    /// Notes when the device falls silent and when it is back; gives up when its session must be over.
    fn watch_silence(&mut self, now: Micros) {
        let began = *self.began.get_or_insert(now);
        let silent_us = now.saturating_sub(self.link.heard_at().unwrap_or(began));
        let held = self.tally.records > 0 || self.phase == Phase::Running;
        match self.phase {
            Phase::Done => return,
            // What is closed needs nobody: the device offers to forget it when it is met next.
            Phase::Forgetting if silent_us >= PATIENCE_US => return self.done(),
            Phase::Greeting | Phase::Looking | Phase::Preparing if !held && silent_us >= PATIENCE_US => {
                return self.end_with(SessionError::Unheard);
            }
            _ if !held => return,
            _ => {}
        }
        if silent_us >= GONE_US && !self.gone {
            self.gone = true;
            tracing::warn!(
                "the device is not heard: check its cable. Its armed lines are safe by now, it goes on for a while and keeps \
                 its records"
            );
            self.note(NoteKind::Disconnected);
        } else if silent_us < GONE_US && self.gone {
            self.gone = false;
            tracing::warn!("the device is back");
            self.note(NoteKind::Reconnected);
        }
        let longest_us = u64::from(self.plan.compiled.rig.carry_on_us).saturating_add(GIVEN_UP_US);
        if silent_us > longest_us {
            self.give_up(&format!("the device was not heard for {} s", silent_us / 1_000_000));
        }
    }

    /// When to poll again if nothing else happens.
    #[must_use]
    pub fn poll_at(&self) -> Option<Micros> {
        let sync_at = self.unsynced.map(|(since, _)| since.saturating_add(self.plan.sync.interval_us));
        let sync_at = if self.sync_look_at.is_some() { self.sync_look_at } else { sync_at };
        let others = [self.link.poll_at(), sync_at, self.clocks.poll_at(), self.key_at(), self.outside_at()];
        others.into_iter().flatten().min()
    }

    /// Writes the next frame for the device into `out`; the bytes used.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.link.poll_transmit(now, out)
    }

    fn handle_events(&mut self, now: Micros) {
        loop {
            let Self { link, journal, tally, unsynced, desk, plan, .. } = self;
            let Some(event) = link.poll_event() else { return };
            match event {
                HostEvent::Hello(hello) => self.greet(&hello),
                HostEvent::Answered { seq, answer } => self.answered(now, seq, answer),
                HostEvent::Status { status, session, asked_at } => {
                    if let Some(asked_at) = asked_at {
                        self.clocks.observe(asked_at, now, status.now);
                    }
                    self.heard_status(session, status);
                }
                HostEvent::Records { first, count, base, bytes, .. } => {
                    let kept = keep(journal.as_mut(), u64::from(first), base, u64::from(count), bytes);
                    let told = tell(base, bytes, |at, record| {
                        tally.record(at, record);
                        desk.record(&plan.compiled.symbols, record);
                    });
                    let since = unsynced.map_or(now, |(since, _)| since);
                    *unsynced = Some((since, unsynced.map_or(0, |(_, bytes)| bytes) + bytes.len()));
                    if let Err(error) = kept.and(told) {
                        self.fail(error);
                    } else if let Some(reason) = self.tally.end() {
                        self.phase = Phase::Draining(reason);
                        self.sync();
                    }
                }
                HostEvent::DeviceReset { .. } => self.device_reset(),
                HostEvent::Unknown { next, .. } => {
                    let wall_ms = self.clocks.wall_ms();
                    let skipped = self.journal.as_mut().map(|journal| journal.skip_to(next.into(), wall_ms));
                    if let Some(Err(error)) = skipped {
                        self.fail(SessionError::Write(error));
                    }
                }
                HostEvent::Gone { .. } => self.gone_from_device(),
            }
        }
    }

    fn greet(&mut self, hello: &Hello) {
        if self.phase != Phase::Greeting {
            return;
        }
        if let Err(mismatch) = message::compatible(hello) {
            self.note_interrupted();
            return self.end_with(SessionError::Mismatch(mismatch));
        }
        if let Some(expected) = self.board.filter(|expected| *expected != hello.id) {
            self.note_interrupted();
            return self.end_with(SessionError::OtherBoard { expected, found: hello.id });
        }
        self.board = Some(hello.id);
        tracing::info!(board = %hello.board, id = format_args!("{:016x}", hello.id), firmware = %hello.firmware, "device found");
        self.hello = Some(hello.clone());
        self.phase = if self.journal.is_some() { Phase::Rejoining } else { Phase::Looking };
        self.note_device();
    }

    /// Begins the journal and all that comes before the start, on a device that holds no other session.
    fn begin(&mut self, held: u32, status: Status) {
        let Some(hello) = self.hello.clone() else { return };
        let emptied = status.state == State::Over && status.first_record == status.next_record;
        if held != 0 && !emptied {
            return self.end_with(SessionError::Occupied { session: held, running: status.state == State::Running });
        }
        let header = self.header(&hello);
        match self.open.take().map(|open| open(&header)) {
            Some(Ok(journal)) => self.journal = Some(journal),
            Some(Err(error)) => return self.end_with(SessionError::Journal(error)),
            None => return,
        }
        self.note_device();
        for remark in self.plan.remarks.clone() {
            self.note(NoteKind::Text(remark));
        }
        if held != 0 {
            // All its records are on disk somewhere; whoever put them there could not say goodbye.
            self.errands.push_back(Errand { step: "forget a session", command: Command::Forget { session: held } });
        }
        self.prepare(&header);
        self.phase = Phase::Preparing;
    }

    fn header(&self, hello: &Hello) -> Header {
        let plan = &self.plan;
        Header {
            session: u64::from(plan.session),
            protocol: plan.protocol.clone(),
            rig: plan.rig.clone(),
            symbols: postcard::to_stdvec(&plan.compiled.symbols).unwrap_or_default(),
            program: plan.compiled.image.clone(),
            device_rig: postcard::to_stdvec(&plan.compiled.rig).unwrap_or_default(),
            seed: plan.seed,
            versions: Versions {
                nosepoke: env!("CARGO_PKG_VERSION").to_owned(),
                link: format!("{} ({:08x})", message::LINK_CURRENT, message::SCHEMA),
                body: format!("{} {}", hello.board, hello.firmware),
            },
            subject: plan.subject.clone(),
            operator: plan.operator.clone(),
            options: plan.options.clone(),
            simulated: plan.simulated,
            started_ms: plan.started_ms,
            purpose: plan.purpose,
            context: context::of(plan),
        }
    }

    /// Queues everything up to the start.
    fn prepare(&mut self, header: &Header) {
        let program: Vec<u8> = header.program.iter().flat_map(|word| word.to_le_bytes()).collect();
        let uploads = [
            ("take the rig", Upload::Rig, header.device_rig.as_slice()),
            ("take the program", Upload::Program, program.as_slice()),
        ];
        for (step, what, bytes) in uploads {
            self.errands.extend(Uploader::new(what, bytes).map(|command| Errand { step, command }));
        }
        if let Some((lines, who)) = self.plan.arm.clone() {
            self.note(NoteKind::Armed { lines, who });
            self.errands.push_back(Errand { step: key::ARM, command: Command::Arm { lines } });
        }
        let start = Command::Start { session: self.plan.session, seed: self.plan.seed };
        self.errands.push_back(Errand { step: "start the session", command: start });
    }

    fn run_errands(&mut self) {
        if self.under_way.is_some() || self.key_at().is_some() {
            return;
        }
        let Some(Errand { step, command }) = self.errands.pop_front() else { return self.run_outside() };
        match self.link.send(command.clone()) {
            Ok(seq) => self.under_way = Some((seq, step)),
            Err(_) => self.errands.push_front(Errand { step, command }),
        }
    }

    fn answered(&mut self, now: Micros, seq: u16, answer: Answer) {
        let Some((_, step)) = self.under_way.take_if(|(under_way, _)| *under_way == seq) else { return };
        if self.outside_answered(seq, answer) {
            return self.run_errands();
        }
        match answer {
            Answer::Refused(Refusal::KeyOff) if self.phase == Phase::Preparing => {
                let lines = self.plan.arm.as_ref().map_or(0, |(lines, _)| *lines);
                self.key_is_off(now, lines);
            }
            Answer::Refused(refusal) if self.phase == Phase::Preparing => {
                self.end_with(SessionError::Refused { step, refusal });
            }
            Answer::Refused(refusal) => tracing::warn!("the device refused to {step}: {refusal}"),
            Answer::Done if self.errands.is_empty() && self.phase == Phase::Preparing => self.run(),
            Answer::Done => {}
        }
        if self.phase == Phase::Forgetting {
            return self.done();
        }
        self.run_errands();
    }

    fn heard_status(&mut self, session: u32, status: Status) {
        self.status = Some(status);
        match self.phase {
            Phase::Looking => self.begin(session, status),
            Phase::Rejoining if session == self.plan.session => self.rejoin(),
            _ => {}
        }
        // A session that cannot be journalled ends as soon as its outputs are safe.
        if self.failing.is_some() && status.state != State::Running {
            self.end_failing();
        }
    }

    fn note(&mut self, kind: NoteKind) {
        let (wall_ms, device_us) = (self.clocks.wall_ms(), self.tally.last());
        self.write(&Note { wall_ms, device_us, kind });
    }

    fn write(&mut self, note: &Note) {
        if let Some(Err(error)) = self.journal.as_mut().map(|journal| journal.note(note)) {
            self.fail(SessionError::Write(error));
        }
    }

    /// Puts everything that waits on disk, and tells the device that it may let go of it.
    fn sync(&mut self) {
        self.unsynced = None;
        if self.failing.is_some() {
            return;
        }
        match self.journal.as_mut().map(Writer::sync) {
            Some(Ok(next)) => self.link.set_durable(u32::try_from(next).unwrap_or(u32::MAX)),
            Some(Err(error)) => self.fail(SessionError::Write(error)),
            None => {}
        }
    }

    /// The same, in the background where the plan wants it; nothing if that is under way already.
    fn begin_sync(&mut self) {
        if !self.plan.sync.apart {
            return self.sync();
        }
        if self.sync_look_at.is_some() || self.failing.is_some() {
            return;
        }
        self.unsynced = None;
        if let Some(Err(error)) = self.journal.as_mut().map(Writer::begin_sync) {
            self.fail(SessionError::Write(error));
        }
    }

    /// Looks how far the disk is.
    fn poll_sync(&mut self, now: Micros) {
        let Some(journal) = self.journal.as_mut().filter(|_| self.plan.sync.apart && self.failing.is_none()) else {
            self.sync_look_at = None;
            return;
        };
        match journal.poll_sync() {
            Ok(next) => {
                self.sync_look_at = journal.is_syncing().then_some(now.saturating_add(SYNC_LOOK_US));
                self.link.set_durable(u32::try_from(next).unwrap_or(u32::MAX));
            }
            Err(error) => self.fail(SessionError::Write(error)),
        }
    }

    /// Closes the journal once the device has nothing that is not durable.
    fn finish(&mut self) {
        let Phase::Draining(reason) = self.phase else { return };
        let complete =
            self.status.is_some_and(|status| status.state == State::Over && status.next_record == self.link.received());
        if !complete || self.unsynced.is_some() || self.sync_look_at.is_some() || self.failing.is_some() {
            return;
        }
        if let Some(note) = self.clocks.last() {
            self.write(&note);
        }
        let Some(journal) = self.journal.take() else { return };
        match journal.close(Why::Ended(reason)) {
            Ok(closed) => {
                self.outcome = Some(Ok(Ended { reason, records: closed.records, bytes: closed.bytes }));
                self.phase = Phase::Forgetting;
                let session = self.plan.session;
                self.errands.clear();
                self.errands.push_back(Errand { step: "forget the session", command: Command::Forget { session } });
                self.run_errands();
            }
            Err(error) => self.end_with(SessionError::Write(error)),
        }
    }

    /// The journal is closed, and nothing more is to be said.
    fn done(&mut self) {
        self.result = self.outcome.take();
        self.phase = Phase::Done;
    }

    /// Something went wrong that the device does not know of: it is told to stop, and the error waits until it has.
    fn fail(&mut self, error: SessionError) {
        if self.failing.is_none() {
            tracing::info!("{error}");
            self.failing = Some(error);
            match self.phase {
                Phase::Running => self.stop(),
                _ => self.end_failing(),
            }
        }
    }

    fn end_failing(&mut self) {
        if let Some(error) = self.failing.take() {
            self.end_with(error);
        }
    }

    fn end_with(&mut self, error: SessionError) {
        self.result = Some(Err(error));
        self.phase = Phase::Done;
    }
}

fn keep<S: Storage>(
    journal: Option<&mut Writer<S>>,
    first: u64,
    base: Micros,
    count: u64,
    bytes: &[u8],
) -> Result<(), SessionError> {
    journal.map_or(Ok(()), |journal| journal.append_device(first, base, count, bytes).map_err(SessionError::Write))
}

/// Tells of every record in `bytes`.
fn tell(base: Micros, bytes: &[u8], mut hear: impl FnMut(Micros, &Record)) -> Result<(), SessionError> {
    let (mut reader, mut rest) = (Reader::new(base), bytes);
    while !rest.is_empty() {
        let (at, record, tail): (Micros, Record, &[u8]) = reader.read(rest).map_err(SessionError::Records)?;
        hear(at, &record);
        rest = tail;
    }
    Ok(())
}
