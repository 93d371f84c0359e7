//! The device's end of the link: takes each command once and in order, answers every frame it hears, and sends records
//! until they are received. Owns numbers, acknowledgements and times of sending; knows nothing of what commands do and
//! of how records are kept.
//!
//! ```text
//! handle_bytes(now, …)          bytes came in
//! take_command() → answer(…)    what they ask for, and what became of it
//! poll_transmit(now, …)         bytes to send, until it gives none
//! poll_at(now, …)               when to ask again if nothing else happens
//! ```

use crate::frame::{BadFrames, Deframer};
use crate::message::{
    Answer, Body, Bytes, Command, DeviceFrame, Hello, HostFrame, RECORD_BYTES, Refusal, State, Status,
};
use crate::reliable::{FLUSH_RECORDS, FLUSH_US, PRESENT_US, RESEND_US, WINDOW_RECORDS, comes_after};
use crate::vocabulary::Micros;

/// The memory that holds a session's records, numbered from 0, until they are durable.
pub trait RecordSource {
    /// The number of the oldest record still held.
    fn first_kept(&self) -> u32;
    /// One past the number of the newest record.
    fn next(&self) -> u32;
    /// Copies as many whole records as fit into `out`, beginning with number `from`.
    fn read(&mut self, from: u32, out: &mut [u8]) -> Batch;
}

/// What [`RecordSource::read`] copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batch {
    /// Records.
    pub count: u16,
    /// Their bytes.
    pub bytes: usize,
    /// The time the first one's distance is measured from.
    pub base: Micros,
}

/// What the device knows of itself when it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusNow {
    /// How far it is.
    pub state: State,
    /// Bytes of its memory for records that are free.
    pub ring_free: u32,
    /// The lines armed now, bit *n* for line *n*.
    pub armed: u32,
}

/// The command under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UnderWay {
    Nothing,
    Heard(u16, Command),
    Taken(u16),
}

/// The device's end of the link.
#[derive(Debug, Clone)]
pub struct DeviceEnd {
    deframer: Deframer,
    desk: Desk,
}

/// Everything but the bytes at hand.
#[derive(Debug, Clone)]
struct Desk {
    boot: u32,
    hello: Hello,
    hello_at: Option<Micros>,
    reply_at: Option<Micros>,
    beat: u8,
    heard_at: Option<Micros>,
    not_understood: u32,

    under_way: UnderWay,
    applied: u16,
    answer: Answer,

    session: u32,
    received: u32,
    durable: u32,
    /// The record to send next.
    cursor: u32,
    /// Records before this one were sent before and go again without waiting for company.
    again_until: u32,
    /// When `received` last rose, or sending last began anew.
    progress_at: Micros,
    /// Since when the record at the cursor waits.
    waiting_since: Option<Micros>,
}

impl DeviceEnd {
    /// An end that has heard nothing. `boot` is a number that differs from boot to boot; 0 is taken as 1.
    #[must_use]
    pub fn new(boot: u32, hello: Hello) -> Self {
        let desk = Desk {
            boot: boot.max(1),
            hello,
            hello_at: None,
            reply_at: None,
            beat: 0,
            heard_at: None,
            not_understood: 0,
            under_way: UnderWay::Nothing,
            applied: 0,
            answer: Answer::Done,
            session: 0,
            received: 0,
            durable: 0,
            cursor: 0,
            again_until: 0,
            progress_at: 0,
            waiting_since: None,
        };
        Self { deframer: Deframer::new(), desk }
    }

    /// Takes in bytes as they came, whole frames or not. `next` is one past the newest record there is: who acknowledges
    /// more than that speaks of something else.
    pub fn handle_bytes(&mut self, now: Micros, bytes: &[u8], next: u32) {
        let mut stream = bytes;
        while self.deframer.next_frame(&mut stream) {
            match HostFrame::decode(self.deframer.payload()) {
                Some(frame) => self.desk.hear(now, frame, next),
                None => self.desk.not_understood = self.desk.not_understood.saturating_add(1),
            }
        }
    }

    /// The next command, once; [`DeviceEnd::answer`] it before the next is heard. Never [`Command::Hello`].
    pub fn take_command(&mut self) -> Option<Command> {
        match core::mem::replace(&mut self.desk.under_way, UnderWay::Nothing) {
            UnderWay::Heard(seq, command) => {
                self.desk.under_way = UnderWay::Taken(seq);
                Some(command)
            }
            other => {
                self.desk.under_way = other;
                None
            }
        }
    }

    /// Says at `now` what became of the command taken: from here on it counts as applied. Without one, nothing happens.
    pub fn answer(&mut self, now: Micros, answer: Answer) {
        if let UnderWay::Taken(seq) = self.desk.under_way {
            self.desk.under_way = UnderWay::Nothing;
            self.desk.settle(now, seq, answer);
        }
    }

    /// When the controller was last heard: a valid frame for this boot and, while there is a session, of one that
    /// follows it.
    #[must_use]
    pub const fn heard_at(&self) -> Option<Micros> {
        self.desk.heard_at
    }

    /// One past the last record of this session the controller has received.
    #[must_use]
    pub const fn received(&self) -> u32 {
        self.desk.received
    }

    /// One past the last record of this session that is on disk: all before it may be dropped.
    #[must_use]
    pub const fn durable(&self) -> u32 {
        self.desk.durable
    }

    /// The session whose records are offered; 0 for none.
    #[must_use]
    pub const fn session(&self) -> u32 {
        self.desk.session
    }

    /// Frames that were heard and could not be used: garbled, or whole but no message of the controller's.
    #[must_use]
    pub const fn bad_frames(&self) -> (BadFrames, u32) {
        (self.deframer.bad(), self.desk.not_understood)
    }

    /// What the hello says of the program held.
    pub const fn set_program(&mut self, program: Option<[u8; 8]>) {
        self.desk.hello.program = program;
    }

    /// Offers the records of `session` from the oldest held: a session that starts, or one that outlived a reset.
    pub const fn begin_session(&mut self, session: u32) {
        let desk = &mut self.desk;
        (desk.session, desk.received, desk.durable) = (session, 0, 0);
        (desk.cursor, desk.again_until, desk.waiting_since) = (0, 0, None);
    }

    /// Offers no records any more.
    pub const fn end_session(&mut self) {
        self.begin_session(0);
    }

    /// Writes the next frame there is to send at `now` into `out`, which holds [`crate::frame::MAX_FRAME`] bytes; the
    /// bytes used. To be asked until there is none.
    pub fn poll_transmit(
        &mut self,
        now: Micros,
        status: StatusNow,
        records: &mut impl RecordSource,
        out: &mut [u8],
    ) -> Option<usize> {
        let desk = &mut self.desk;
        if desk.hello_at.is_some() {
            let used = desk.frame(Body::Hello(desk.hello.clone())).encode(out)?;
            (desk.hello_at, desk.reply_at) = (None, None);
            return Some(used);
        }
        if desk.reply_at.is_some() {
            let used = desk.frame(Body::Status(desk.status(now, status, records))).encode(out)?;
            desk.reply_at = None;
            return Some(used);
        }
        desk.note_waiting(now, records);
        if desk.records_at(records).is_some_and(|at| at <= now) { desk.send_records(now, records, out) } else { None }
    }

    /// When [`DeviceEnd::poll_transmit`] will next have something, if nothing else happens; a time that has passed means
    /// now. To be asked after anything that may have heard a frame or written a record, with the time it happened.
    pub fn poll_at(&mut self, now: Micros, records: &impl RecordSource) -> Option<Micros> {
        self.desk.note_waiting(now, records);
        [self.desk.hello_at, self.desk.reply_at, self.desk.records_at(records)].into_iter().flatten().min()
    }
}

impl Desk {
    fn hear(&mut self, now: Micros, frame: HostFrame, next: u32) {
        self.beat = frame.beat;
        self.reply_at.get_or_insert(now);
        let asks_hello = matches!(frame.command, Some((_, Command::Hello)));
        if frame.boot != self.boot || asks_hello {
            self.hello_at.get_or_insert(now);
        }
        if frame.boot != self.boot {
            return;
        }
        let follows = self.session == 0 || frame.session == self.session;
        if follows {
            self.heard_at = Some(now);
            self.acknowledge(now, &frame, next);
        }
        if let (Some((seq, command)), false) = (frame.command, asks_hello) {
            self.hear_command(now, seq, command, follows);
        }
    }

    /// `durable` only ever rises. `received` may fall back to it: a controller that came back after a crash has lost
    /// what it had not written, and is sent it again. A frame that was merely delayed is put right by the next.
    fn acknowledge(&mut self, now: Micros, frame: &HostFrame, next: u32) {
        if self.session != 0 && frame.received <= next {
            self.durable = self.durable.max(frame.durable.min(frame.received));
            let received = frame.received.max(self.durable);
            if received > self.received {
                self.progress_at = now;
            }
            self.received = received;
        }
    }

    fn hear_command(&mut self, now: Micros, seq: u16, command: Command, follows: bool) {
        if self.under_way != UnderWay::Nothing || !comes_after(seq, self.applied) {
            // Doubled, or repeated before its answer was heard: every frame sent says what was applied last.
            return;
        }
        if command.needs_session() && !follows {
            self.settle(now, seq, Answer::Refused(Refusal::NotThisSession));
        } else {
            self.under_way = UnderWay::Heard(seq, command);
        }
    }

    fn settle(&mut self, now: Micros, seq: u16, answer: Answer) {
        (self.applied, self.answer) = (seq, answer);
        self.reply_at.get_or_insert(now);
    }

    fn status(&self, now: Micros, status: StatusNow, records: &impl RecordSource) -> Status {
        Status {
            beat: self.beat,
            state: status.state,
            now,
            first_record: records.first_kept(),
            next_record: records.next(),
            ring_free: status.ring_free,
            armed: status.armed,
        }
    }

    const fn frame<'a>(&self, body: Body<'a>) -> DeviceFrame<'a> {
        DeviceFrame { boot: self.boot, session: self.session, applied: self.applied, answer: self.answer, body }
    }

    /// The first record that is held and not received.
    fn first_wanted(&self, records: &impl RecordSource) -> u32 {
        self.received.max(records.first_kept()).min(records.next())
    }

    fn note_waiting(&mut self, now: Micros, records: &impl RecordSource) {
        self.cursor = self.cursor.max(self.first_wanted(records)).min(records.next());
        if self.cursor == records.next() {
            self.waiting_since = None;
        } else {
            self.waiting_since.get_or_insert(now);
        }
    }

    /// When the next frame of records is due: new ones, or the old ones again. None while the controller is away.
    fn records_at(&self, records: &impl RecordSource) -> Option<Micros> {
        let away_at = self.heard_at?.saturating_add(PRESENT_US);
        if self.session == 0 {
            return None;
        }
        let under_way = self.cursor.saturating_sub(self.first_wanted(records));
        let fresh_at = match self.waiting_since {
            Some(_) if under_way >= WINDOW_RECORDS => None,
            Some(since) if self.cursor < self.again_until => Some(since),
            Some(since) if records.next().saturating_sub(self.cursor) >= FLUSH_RECORDS => Some(since),
            Some(since) => Some(since.saturating_add(FLUSH_US)),
            None => None,
        };
        let again_at = (under_way > 0).then(|| self.progress_at.saturating_add(RESEND_US));
        fresh_at.into_iter().chain(again_at).min().filter(|at| *at < away_at)
    }

    fn send_records(&mut self, now: Micros, records: &mut impl RecordSource, out: &mut [u8]) -> Option<usize> {
        let first_wanted = self.first_wanted(records);
        if self.cursor > first_wanted && now >= self.progress_at.saturating_add(RESEND_US) {
            self.again_until = self.again_until.max(self.cursor);
            self.cursor = first_wanted;
        }
        let mut bytes = [0; RECORD_BYTES];
        let first = self.cursor;
        let batch = records.read(first, &mut bytes);
        let body = Body::Records {
            first,
            count: batch.count,
            base: batch.base,
            bytes: Bytes(bytes.get(..batch.bytes).unwrap_or(&[])),
        };
        let used = self.frame(body).encode(out)?;
        if first == first_wanted {
            self.progress_at = now;
        }
        self.cursor = first.saturating_add(u32::from(batch.count));
        if self.cursor >= records.next() {
            (self.waiting_since, self.again_until) = (None, 0);
        } else if batch.count == 0 {
            // Nothing could be read: ask again later rather than at once for ever.
            (self.waiting_since, self.again_until) = (Some(now), 0);
        }
        Some(used)
    }
}
