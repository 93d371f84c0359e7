//! One session from hello to the last durable record: greets the device, uploads rig and program, arms, starts, journals
//! every record, makes it durable, and lets the device forget it. Sans I/O: bytes in, bytes out, time as an argument;
//! the same for a simulated rig and a real one. Knows nothing of terminals, threads or ports.

mod error;
mod plan;

use std::collections::VecDeque;

use compiler::symbols::Symbols;
use journal::{CreateError, Header, Note, NoteKind, Storage, Versions, Why, Writer};
use link::host_end::{HostEnd, HostEvent};
use link::message::{self, Answer, Command, Hello, State, Status, Upload};
use link::record::Reader;
use link::upload::Uploader;
use link::{EndReason, Micros, Record};

use crate::tally::Tally;

pub use error::SessionError;
pub use plan::{Plan, SyncPolicy};

/// Unheard for this long, in µs, a device is noted as gone.
const GONE_US: u64 = 1_000_000;
/// Unheard for this long past the rig's `carry_on`, in µs, a device will not come back with a session that still runs.
const GIVEN_UP_US: u64 = 30_000_000;

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
    /// Waiting for the device's hello.
    Greeting,
    /// Uploading, arming, starting.
    Preparing,
    /// The session runs.
    Running,
    /// It is over; its last records are on their way to the disk.
    Draining(EndReason),
    /// All is durable; the device is told to forget.
    Forgetting(Ended),
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
    /// Bytes of records that are not durable, and when the first of them came.
    unsynced: Option<(Micros, usize)>,
    stop_asked: bool,
    /// Whether the device is noted as gone.
    gone: bool,
    status: Option<Status>,
    tally: Tally,
    result: Option<Result<Ended, SessionError>>,
    /// Why the session will end in an error once the device is safe.
    failing: Option<SessionError>,
}

impl<S: Storage> Session<S> {
    /// A session by this plan, whose journal `open` begins once the device has said who it is.
    pub fn new(plan: Plan, open: OpenJournal<S>) -> Self {
        Self {
            tally: Tally::new(&plan.compiled.symbols),
            plan,
            link: HostEnd::new(),
            phase: Phase::Greeting,
            errands: VecDeque::new(),
            under_way: None,
            open: Some(open),
            journal: None,
            unsynced: None,
            stop_asked: false,
            gone: false,
            status: None,
            result: None,
            failing: None,
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

    /// Asks for the session to end now, every output safe and every record kept.
    pub fn stop(&mut self) {
        if !self.stop_asked {
            self.stop_asked = true;
            // Before the start there is nothing to end yet; the wish is remembered.
            if self.phase == Phase::Running {
                self.errands.push_front(Errand { step: "stop the session", command: Command::Stop });
            }
        }
    }

    /// Gives up on a device that does not come back: what arrived is kept, and the journal says that it is not all.
    pub fn give_up(&mut self, why: &str) {
        if self.phase == Phase::Done {
            return;
        }
        self.sync();
        let durable = self.journal.as_ref().map_or(0, Writer::durable);
        let closed = self.journal.take().map(|journal| journal.close(Why::Incomplete(why.to_owned())));
        match closed {
            Some(Err(error)) => self.end_with(SessionError::Write(error)),
            _ => self.end_with(SessionError::GivenUp { why: why.to_owned(), durable }),
        }
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
        self.run_errands();
        let due = self.unsynced.is_some_and(|(since, bytes)| {
            bytes >= self.plan.sync.bytes || now >= since.saturating_add(self.plan.sync.interval_us)
        });
        if due {
            self.sync();
        }
        self.watch_silence(now);
        self.finish();
    }

    /// Notes when the device falls silent and when it is back; gives up when its session must be over.
    fn watch_silence(&mut self, now: Micros) {
        let following = matches!(self.phase, Phase::Running | Phase::Draining(_));
        let Some(heard_at) = self.link.heard_at().filter(|_| following) else { return };
        let silent_us = now.saturating_sub(heard_at);
        if silent_us >= GONE_US && !self.gone {
            self.gone = true;
            tracing::warn!("the device is silent; its armed lines are safe by now, and it goes on for a while");
            self.note(NoteKind::Disconnected);
        } else if silent_us < GONE_US && self.gone {
            self.gone = false;
            tracing::info!("the device is back");
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
        [self.link.poll_at(), sync_at].into_iter().flatten().min()
    }

    /// Writes the next frame for the device into `out`; the bytes used.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.link.poll_transmit(now, out)
    }

    fn handle_events(&mut self, now: Micros) {
        loop {
            let Self { link, journal, tally, unsynced, .. } = self;
            let Some(event) = link.poll_event() else { return };
            match event {
                HostEvent::Hello(hello) => self.greet(&hello),
                HostEvent::Answered { seq, answer } => self.answered(seq, answer),
                HostEvent::Status { status, session, .. } => self.heard_status(session, status),
                HostEvent::Records { first, count, base, bytes, .. } => {
                    let kept = keep(journal.as_mut(), u64::from(first), base, u64::from(count), bytes);
                    let told = tell(tally, base, bytes);
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
                HostEvent::Unknown { first, .. } | HostEvent::Gone { first, .. } => {
                    let kind = NoteKind::Interrupted { after_record: u64::from(first).saturating_sub(1) };
                    self.note(kind);
                }
            }
        }
    }

    fn greet(&mut self, hello: &Hello) {
        if self.phase != Phase::Greeting {
            return;
        }
        if let Err(mismatch) = message::compatible(hello) {
            return self.end_with(SessionError::Mismatch(mismatch));
        }
        let header = self.header(hello);
        match self.open.take().map(|open| open(&header)) {
            Some(Ok(journal)) => self.journal = Some(journal),
            Some(Err(error)) => return self.end_with(SessionError::Journal(error)),
            None => return,
        }
        tracing::info!(board = %hello.board, firmware = %hello.firmware, "device found");
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
            self.errands.push_back(Errand { step: "arm the lines", command: Command::Arm { lines } });
        }
        let start = Command::Start { session: self.plan.session, seed: self.plan.seed };
        self.errands.push_back(Errand { step: "start the session", command: start });
    }

    fn run_errands(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let Some(Errand { step, command }) = self.errands.pop_front() else { return };
        match self.link.send(command.clone()) {
            Ok(seq) => self.under_way = Some((seq, step)),
            Err(_) => self.errands.push_front(Errand { step, command }),
        }
    }

    fn answered(&mut self, seq: u16, answer: Answer) {
        let Some((_, step)) = self.under_way.take_if(|(under_way, _)| *under_way == seq) else { return };
        match answer {
            Answer::Refused(refusal) if self.phase == Phase::Preparing => {
                self.end_with(SessionError::Refused { step, refusal });
            }
            Answer::Refused(refusal) => tracing::warn!("the device refused to {step}: {refusal}"),
            Answer::Done if self.errands.is_empty() && self.phase == Phase::Preparing => {
                self.phase = Phase::Running;
                if self.stop_asked {
                    self.stop_asked = false;
                    self.stop();
                }
            }
            Answer::Done => {}
        }
        if let Phase::Forgetting(ended) = self.phase {
            self.result = Some(Ok(ended));
            self.phase = Phase::Done;
        }
        self.run_errands();
    }

    fn heard_status(&mut self, session: u32, status: Status) {
        self.status = Some(status);
        if self.phase == Phase::Preparing && session != 0 && session != self.plan.session {
            return self.end_with(SessionError::Occupied { session });
        }
        // A session that cannot be journalled ends as soon as its outputs are safe.
        if self.failing.is_some() && status.state != State::Running {
            self.end_failing();
        }
    }

    fn device_reset(&mut self) {
        if matches!(self.phase, Phase::Running | Phase::Draining(_)) {
            self.sync();
            let durable = self.journal.as_ref().map_or(0, Writer::durable);
            self.note(NoteKind::Interrupted { after_record: durable.saturating_sub(1) });
            self.end_with(SessionError::DeviceReset { durable });
        }
    }

    fn note(&mut self, kind: NoteKind) {
        let wall_ms = self.plan.wall_clock.map(|clock| clock());
        let device_us = self.tally.last();
        let noted = self.journal.as_mut().map(|journal| journal.note(&Note { wall_ms, device_us, kind }));
        if let Some(Err(error)) = noted {
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

    /// Closes the journal once the device has nothing that is not durable.
    fn finish(&mut self) {
        let Phase::Draining(reason) = self.phase else { return };
        let complete =
            self.status.is_some_and(|status| status.state == State::Over && status.next_record == self.link.received());
        if !complete || self.unsynced.is_some() || self.failing.is_some() {
            return;
        }
        let Some(journal) = self.journal.take() else { return };
        match journal.close(Why::Ended(reason)) {
            Ok(closed) => {
                self.phase = Phase::Forgetting(Ended { reason, records: closed.records, bytes: closed.bytes });
                let session = self.plan.session;
                self.errands.clear();
                self.errands.push_back(Errand { step: "forget the session", command: Command::Forget { session } });
                self.run_errands();
            }
            Err(error) => self.end_with(SessionError::Write(error)),
        }
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

/// Tells the tally of every record in `bytes`.
fn tell(tally: &mut Tally, base: Micros, bytes: &[u8]) -> Result<(), SessionError> {
    let (mut reader, mut rest) = (Reader::new(base), bytes);
    while !rest.is_empty() {
        let (at, record, tail): (Micros, Record, &[u8]) = reader.read(rest).map_err(SessionError::Records)?;
        tally.record(at, &record);
        rest = tail;
    }
    Ok(())
}
