//! Who is at the near end of the cable: a whole session with its journal, or a hand that sends what no session sends by itself.
//! Owns the hand.

use std::collections::VecDeque;

use compiler::Compiled;
use controller::session::Session;
use link::host_end::{HostEnd, HostEvent};
use link::message::{Answer, Command, State, Upload};
use link::record::Reader;
use link::upload::Uploader;
use link::{EndReason, Micros, Record};

use crate::Disk;

/// A controller: bytes in, bytes out, time as an argument.
pub(crate) trait Host {
    /// Bytes from the device.
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]);
    /// Does what is due.
    fn poll(&mut self, now: Micros);
    /// Writes the next frame into `out`; the bytes used.
    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize>;
    /// When to poll again.
    fn poll_at(&self) -> Option<Micros>;
    /// Whether it has nothing left to do.
    fn is_done(&self) -> bool;
    /// Asks the device for this; only a hand can.
    fn command(&mut self, command: Command);
    /// Ends the session.
    fn stop(&mut self);
    /// Why the session ended, once it is known.
    fn end(&self) -> Option<EndReason>;
}

impl Host for Session<Disk> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        Self::handle_bytes(self, now, bytes);
    }

    fn poll(&mut self, now: Micros) {
        Self::poll(self, now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        Self::poll_transmit(self, now, out)
    }

    fn poll_at(&self) -> Option<Micros> {
        Self::poll_at(self)
    }

    fn is_done(&self) -> bool {
        Self::is_done(self)
    }

    fn command(&mut self, command: Command) {
        panic!("a session does not send {command:?} by itself");
    }

    fn stop(&mut self) {
        Self::stop(self);
    }

    fn end(&self) -> Option<EndReason> {
        self.tally().end()
    }
}

/// A controller without a journal, that does as it is told: it puts a rig and a program on the device, arms, starts, takes
/// every record at once, and forgets the session when it is over.
pub(crate) struct Hand {
    link: HostEnd,
    to_send: VecDeque<Command>,
    under_way: bool,
    session: u32,
    /// What the records said so far.
    pub(crate) told: Vec<(Micros, Record)>,
    /// The commands the device refused.
    pub(crate) refused: Vec<Answer>,
    over: bool,
}

impl Hand {
    /// A hand that begins a session by this program, with these lines armed.
    pub(crate) fn new(compiled: &Compiled, armed: u32, session: u32) -> Self {
        let mut hand = Self {
            link: HostEnd::new(),
            to_send: VecDeque::new(),
            under_way: false,
            session,
            told: Vec::new(),
            refused: Vec::new(),
            over: false,
        };
        hand.begin(compiled, armed, session);
        hand
    }

    /// Puts rig and program on the device, arms and starts a session.
    pub(crate) fn begin(&mut self, compiled: &Compiled, armed: u32, session: u32) {
        let rig = postcard::to_stdvec(&compiled.rig).unwrap_or_default();
        let program: Vec<u8> = compiled.image.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.to_send.extend(Uploader::new(Upload::Rig, &rig));
        self.to_send.extend(Uploader::new(Upload::Program, &program));
        if armed != 0 {
            self.to_send.push_back(Command::Arm { lines: armed });
        }
        self.to_send.push_back(Command::Start { session, seed: u64::from(session) });
        (self.session, self.over) = (session, false);
        self.told.clear();
    }

    fn hear(&mut self) {
        let received = self.link.received();
        while let Some(event) = self.link.poll_event() {
            match event {
                HostEvent::Answered { answer, .. } => {
                    self.under_way = false;
                    if matches!(answer, Answer::Refused(_)) {
                        self.refused.push(answer);
                    }
                }
                HostEvent::Records { base, bytes, .. } => {
                    let (mut reader, mut rest) = (Reader::new(base), bytes);
                    while let Ok((at, record, tail)) = reader.read(rest) {
                        self.told.push((at, record));
                        rest = tail;
                    }
                }
                HostEvent::Status { status, session, .. }
                    if session == self.session
                        && status.state == State::Over
                        && status.next_record == received
                        && !self.over =>
                {
                    self.over = true;
                    self.to_send.push_back(Command::Forget { session });
                }
                _ => {}
            }
        }
    }
}

impl Host for Hand {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = self.link.handle_bytes(now, rest).len();
            self.hear();
            rest = &rest[rest.len() - left..];
        }
        self.link.set_durable(self.link.received());
    }

    fn poll(&mut self, _: Micros) {
        if !self.under_way
            && let Some(command) = self.to_send.pop_front()
        {
            match self.link.send(command.clone()) {
                Ok(_) => self.under_way = true,
                Err(_) => self.to_send.push_front(command),
            }
        }
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.link.poll_transmit(now, out)
    }

    fn poll_at(&self) -> Option<Micros> {
        self.link.poll_at()
    }

    fn is_done(&self) -> bool {
        self.over && self.to_send.is_empty() && !self.under_way
    }

    fn command(&mut self, command: Command) {
        self.to_send.push_back(command);
    }

    fn stop(&mut self) {
        self.to_send.push_back(Command::Stop);
    }

    fn end(&self) -> Option<EndReason> {
        self.told.iter().find_map(|(_, record)| match record {
            Record::End(reason) => Some(*reason),
            _ => None,
        })
    }
}
