//! The controller's end of the link: sends one command at a time until it is applied, hands on every record exactly once
//! and in order, and keeps the device from thinking it is alone. Knows nothing of disks and of what records mean.
//!
//! ```text
//! rest = handle_bytes(now, bytes)   takes in one frame; then
//! poll_event() …                    what it said, until there is nothing; then the rest
//! poll_transmit(now, …)             bytes to send, until it gives none
//! poll_at()                         when to ask again if nothing else happens
//! ```

use core::fmt;

use crate::frame::{BadFrames, Deframer};
use crate::message::{Answer, Body, Command, DeviceFrame, Hello, HostFrame, Status, compatible};
use crate::record::Reader;
use crate::reliable::{ACK_US, BEAT_US, EAGER_US, REPEAT_US, RESEND_US, SEQUENCE_LEAP};
use crate::vocabulary::Micros;

/// What the controller learns from the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEvent<'a> {
    /// A device with another boot answers: it was reset, or exchanged. A hello follows.
    DeviceReset {
        /// The boot known so far.
        old: u32,
        /// The boot now.
        new: u32,
        /// The command that was under way. Whether it was applied is not known.
        unanswered: Option<u16>,
    },
    /// A command was applied or refused.
    Answered {
        /// Its number, as [`HostEnd::send`] gave it.
        seq: u16,
        /// What became of it.
        answer: Answer,
    },
    /// The device no longer holds records that were never received here, as after a loss of power.
    Unknown {
        /// The session.
        session: u32,
        /// The first record that is missing.
        first: u32,
        /// One past the last.
        next: u32,
    },
    /// After a reset, or at [`HostEnd::resume`]: the device does not hold the session followed, as after a loss of power.
    /// It is followed no longer.
    Gone {
        /// The session.
        session: u32,
        /// The first record of which nothing is known: all before it were received.
        first: u32,
    },
    /// Who the device is. Unless it can be worked with ([`crate::message::compatible`]), it is sent nothing but the
    /// question for its hello, and none of its records is taken.
    Hello(Hello),
    /// How things stand.
    Status {
        /// The session the device holds; 0 for none.
        session: u32,
        /// What it says.
        status: Status,
        /// When the frame was sent that this answers, on the controller's clock, if that was the last one sent: the
        /// device's clock stood at `status.now` between then and the call that handed in the bytes.
        asked_at: Option<Micros>,
    },
    /// The next records of the session followed.
    Records {
        /// The session.
        session: u32,
        /// The number of the first: exactly the one after the last handed on.
        first: u32,
        /// How many.
        count: u32,
        /// The time the first one's distance is measured from.
        base: Micros,
        /// The records, as [`Reader`] reads them.
        bytes: &'a [u8],
    },
}

/// Why a command cannot be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Another one is under way.
    Busy {
        /// Its number.
        seq: u16,
    },
    /// No device has said hello.
    NoDevice,
    /// The device and this build do not understand each other; [`crate::message::compatible`] says which to update.
    Mismatch,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { seq } => write!(f, "command {seq} is still under way: wait for its answer"),
            Self::Mismatch => {
                write!(
                    f,
                    "the device and this controller were built for different links: update the one its hello names"
                )
            }
            Self::NoDevice => write!(f, "no device has answered yet: check the cable, the port and the device's power"),
        }
    }
}

#[derive(Debug, Clone)]
struct UnderWay {
    seq: u16,
    command: Command,
    sent_at: Option<Micros>,
}

/// What the frame at hand said, until it is asked for.
#[derive(Debug, Clone)]
enum Heard {
    Hello(Hello),
    Status { session: u32, status: Status, asked_at: Option<Micros> },
    Records { base: Micros, count: u32, bytes: usize },
}

/// The controller's end of the link.
#[derive(Debug, Clone)]
pub struct HostEnd {
    deframer: Deframer,
    desk: Desk,
}

/// Everything but the bytes at hand.
#[derive(Debug, Clone)]
struct Desk {
    /// 0 until a device was heard.
    boot: u32,
    /// Boots that are over: what still arrives from them is stale.
    past_boots: [u32; 4],
    greeted: bool,
    /// Whether the device said hello and cannot be worked with.
    mismatched: bool,
    /// Whether the device has yet to say that it holds the session followed.
    seeks: bool,
    asks_hello: bool,
    last_seq: u16,
    under_way: Option<UnderWay>,

    session: u32,
    next: u32,
    durable: u32,

    beat: u8,
    sent_at: Option<Micros>,
    heard_at: Option<Micros>,
    answered_since_sent: bool,
    acknowledge_at: Option<Micros>,
    not_understood: u32,

    reset: Option<(u32, u32, Option<u16>)>,
    answered: Option<(u16, Answer)>,
    unknown: Option<(u32, u32)>,
    gone: Option<(u32, u32)>,
    heard: Option<Heard>,
}

impl Default for HostEnd {
    fn default() -> Self {
        Self::new()
    }
}

impl HostEnd {
    /// An end that has heard no device.
    #[must_use]
    pub const fn new() -> Self {
        let desk = Desk {
            boot: 0,
            past_boots: [0; 4],
            greeted: false,
            mismatched: false,
            seeks: false,
            asks_hello: true,
            last_seq: 0,
            under_way: None,
            session: 0,
            next: 0,
            durable: 0,
            beat: 0,
            sent_at: None,
            heard_at: None,
            answered_since_sent: false,
            acknowledge_at: None,
            not_understood: 0,
            reset: None,
            answered: None,
            unknown: None,
            gone: None,
            heard: None,
        };
        Self { deframer: Deframer::new(), desk }
    }

    /// Takes in bytes up to the end of the first good frame and gives back the rest. Ask [`HostEnd::poll_event`] for all
    /// it has before handing in the rest; records not asked for count as not received and come again.
    pub fn handle_bytes<'b>(&mut self, now: Micros, bytes: &'b [u8]) -> &'b [u8] {
        let mut stream = bytes;
        self.desk.heard = None;
        if self.deframer.next_frame(&mut stream) {
            match DeviceFrame::decode(self.deframer.payload()) {
                Some(frame) => self.desk.hear(now, &frame),
                None => self.desk.not_understood = self.desk.not_understood.saturating_add(1),
            }
        }
        stream
    }

    /// What was heard, in order, until there is nothing more.
    pub fn poll_event(&mut self) -> Option<HostEvent<'_>> {
        let desk = &mut self.desk;
        if let Some((old, new, unanswered)) = desk.reset.take() {
            return Some(HostEvent::DeviceReset { old, new, unanswered });
        }
        if let Some((seq, answer)) = desk.answered.take() {
            return Some(HostEvent::Answered { seq, answer });
        }
        if let Some((first, next)) = desk.unknown.take() {
            return Some(HostEvent::Unknown { session: desk.session, first, next });
        }
        if let Some((session, first)) = desk.gone.take() {
            return Some(HostEvent::Gone { session, first });
        }
        match desk.heard.take()? {
            Heard::Hello(hello) => {
                let fits = compatible(&hello).is_ok();
                (desk.greeted, desk.mismatched, desk.asks_hello) = (fits, !fits, !fits);
                Some(HostEvent::Hello(hello))
            }
            Heard::Status { session, status, asked_at } => Some(HostEvent::Status { session, status, asked_at }),
            Heard::Records { base, count, bytes } => {
                let first = desk.next;
                desk.next = first.saturating_add(count);
                // The records stand last in their message.
                let payload = self.deframer.payload();
                let bytes = payload.get(payload.len().saturating_sub(bytes)..).unwrap_or(&[]);
                Some(HostEvent::Records { session: desk.session, first, count, base, bytes })
            }
        }
    }

    /// Sends a command and says its number; [`HostEvent::Answered`] tells what became of it. Asking for the hello has no
    /// number and no such answer: it gives 0 and leads to [`HostEvent::Hello`].
    ///
    /// # Errors
    /// While another command is under way, and until the device has said hello.
    pub fn send(&mut self, command: Command) -> Result<u16, SendError> {
        let desk = &mut self.desk;
        if command == Command::Hello {
            desk.asks_hello = true;
            return Ok(0);
        }
        if !desk.greeted {
            return Err(if desk.mismatched { SendError::Mismatch } else { SendError::NoDevice });
        }
        if let Some(UnderWay { seq, .. }) = desk.under_way {
            return Err(SendError::Busy { seq });
        }
        let seq = desk.last_seq.wrapping_add(1);
        desk.last_seq = seq;
        desk.under_way = Some(UnderWay { seq, command, sent_at: None });
        Ok(seq)
    }

    /// All records of the session followed before number `next` are on disk.
    pub fn set_durable(&mut self, next: u32) {
        self.desk.durable = self.desk.durable.max(next.min(self.desk.next));
    }

    /// Follows a session that is already there, from record `next` on: all before it are on disk. A session that is
    /// started is followed from record 0 by itself, as soon as its start is answered.
    pub fn resume(&mut self, session: u32, next: u32) {
        (self.desk.session, self.desk.next, self.desk.durable) = (session, next, next);
        (self.desk.unknown, self.desk.gone, self.desk.heard) = (None, None, None);
        self.desk.seeks = session != 0;
    }

    /// The boot nonce of the device that was heard; 0 before the first.
    #[must_use]
    pub const fn boot(&self) -> u32 {
        self.desk.boot
    }

    /// The session followed; 0 for none.
    #[must_use]
    pub const fn session(&self) -> u32 {
        self.desk.session
    }

    /// One past the last record handed on.
    #[must_use]
    pub const fn received(&self) -> u32 {
        self.desk.next
    }

    /// When the device was last heard.
    #[must_use]
    pub const fn heard_at(&self) -> Option<Micros> {
        self.desk.heard_at
    }

    /// Frames that were heard and could not be used: garbled, or whole but no message of a device's.
    #[must_use]
    pub const fn bad_frames(&self) -> (BadFrames, u32) {
        (self.deframer.bad(), self.desk.not_understood)
    }

    /// Writes the next frame there is to send at `now` into `out`, which holds [`crate::frame::MAX_FRAME`] bytes; the
    /// bytes used. To be asked until there is none.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        if self.poll_at().is_some_and(|at| at <= now) { self.desk.transmit(now, out) } else { None }
    }

    /// When [`HostEnd::poll_transmit`] will next have something, if nothing else happens; a time that has passed means
    /// now.
    #[must_use]
    pub fn poll_at(&self) -> Option<Micros> {
        let desk = &self.desk;
        [Some(desk.beat_at()), desk.acknowledge_at, desk.command_at()].into_iter().flatten().min()
    }
}

impl Desk {
    fn hear(&mut self, now: Micros, frame: &DeviceFrame<'_>) {
        if frame.boot != self.boot && (frame.boot == 0 || self.past_boots.contains(&frame.boot)) {
            return;
        }
        self.heard_at = Some(now);
        self.answered_since_sent = true;
        if frame.boot != self.boot {
            self.meet(frame.boot, frame.applied);
        }
        if let Some(UnderWay { command, .. }) = self.under_way.take_if(|under_way| under_way.seq == frame.applied) {
            self.answered = Some((frame.applied, frame.answer));
            if frame.answer == Answer::Done {
                self.note_done(&command);
            }
        }
        match &frame.body {
            Body::Hello(hello) => self.heard = Some(Heard::Hello(hello.clone())),
            Body::Status(status) => self.hear_status(frame.session, *status),
            // Before the hello it is not known how this boot writes its records.
            Body::Records { .. } if !self.greeted => {}
            Body::Records { first, count, base, bytes } if frame.session == self.session && self.session != 0 => {
                self.seeks = false;
                let by = now.saturating_add(ACK_US);
                self.acknowledge_at = Some(self.acknowledge_at.map_or(by, |at| at.min(by)));
                self.hear_records(*first, *count, *base, bytes.0);
            }
            Body::Records { .. } => {}
        }
    }

    /// A device not met before, or met before its reset.
    fn meet(&mut self, boot: u32, applied: u16) {
        if self.boot != 0 {
            let unanswered = self.under_way.take().map(|under_way| under_way.seq);
            self.reset = Some((self.boot, boot, unanswered));
            self.past_boots.rotate_right(1);
            self.past_boots[0] = self.boot;
        }
        (self.boot, self.greeted, self.mismatched, self.asks_hello) = (boot, false, false, true);
        self.seeks = self.session != 0;
        self.last_seq = applied.wrapping_add(SEQUENCE_LEAP);
    }

    fn note_done(&mut self, command: &Command) {
        match command {
            Command::Start { session, .. } => (self.session, self.next, self.durable) = (*session, 0, 0),
            Command::Forget { session } if *session == self.session => {
                (self.session, self.next, self.durable) = (0, 0, 0);
            }
            _ => {}
        }
    }

    fn hear_status(&mut self, session: u32, status: Status) {
        if core::mem::take(&mut self.seeks) && session != self.session {
            self.gone = Some((self.session, self.next));
            (self.session, self.next, self.durable) = (0, 0, 0);
        }
        if session == self.session && session != 0 && status.first_record > self.next {
            self.unknown = Some((self.next, status.first_record));
            self.next = status.first_record;
        }
        let asked_at = if status.beat == self.beat { self.sent_at } else { None };
        self.heard = Some(Heard::Status { session, status, asked_at });
    }

    /// Keeps what is new of a batch: records known already are skipped, and one behind a gap waits until it is resent.
    fn hear_records(&mut self, first: u32, count: u16, base: Micros, bytes: &[u8]) {
        let Some(end) = first.checked_add(u32::from(count)) else { return };
        if first > self.next || end <= self.next {
            return;
        }
        let (mut reader, mut rest) = (Reader::new(base), bytes);
        let mut kept = (base, bytes.len());
        for number in first..end {
            if number == self.next {
                kept = (reader.last(), rest.len());
            }
            match reader.read(rest) {
                Ok((_, _, tail)) => rest = tail,
                Err(_) => {
                    self.not_understood = self.not_understood.saturating_add(1);
                    return;
                }
            }
        }
        if rest.is_empty() {
            self.heard = Some(Heard::Records { base: kept.0, count: end - self.next, bytes: kept.1 });
        } else {
            self.not_understood = self.not_understood.saturating_add(1);
        }
    }

    fn beat_at(&self) -> Micros {
        let Some(sent_at) = self.sent_at else { return 0 };
        let eager = self.heard_at.is_some_and(|at| sent_at < at.saturating_add(EAGER_US));
        sent_at.saturating_add(if eager && !self.answered_since_sent { REPEAT_US } else { BEAT_US })
    }

    fn command_at(&self) -> Option<Micros> {
        let under_way = self.under_way.as_ref()?;
        Some(under_way.sent_at.map_or(0, |at| at.saturating_add(RESEND_US)))
    }

    fn transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        let command_due = self.command_at().is_some_and(|at| at <= now);
        let command = match &self.under_way {
            Some(under_way) if command_due => Some((under_way.seq, under_way.command.clone())),
            _ if self.asks_hello => Some((0, Command::Hello)),
            _ => None,
        };
        let beat = self.beat.wrapping_add(1);
        let Self { boot, session, next: received, durable, .. } = *self;
        let used = HostFrame { boot, beat, session, received, durable, command }.encode(out)?;
        if let (Some(under_way), true) = (&mut self.under_way, command_due) {
            under_way.sent_at = Some(now);
        }
        (self.beat, self.sent_at, self.answered_since_sent, self.acknowledge_at) = (beat, Some(now), false, None);
        Some(used)
    }
}
