//! P2: the device's end of the link. Takes up rigs and programs, passes commands on to P1, sends records and frees them
//! when they are on disk. Knows no pin; what it says of the session it reads off notices, the ring and the shared words.

mod records;
mod upload;

use core::sync::atomic::Ordering;

use heapless::spsc::{Consumer, Producer};
use link::device_end::{DeviceEnd, StatusNow};
use link::message::{Answer, Command as Asked, Hello, Refusal, State};
use link::packed_rig::PackedRig;
use link::rig::armable;
use link::{EventId, LineId, Micros};

use crate::board::{Preempt, Undisturbed};
use crate::messages::{Command, Notice};
use crate::ring::RingReader;
use crate::storage::Shared;
use records::{Kept, look};
use upload::{Uploads, Whole};

/// Commands that must find room before the link's next one is taken: what one may need, and what may come with it.
const COMMANDS_ROOM: usize = 8;

/// The answer that waits for P1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    Rig,
    Arm,
    Begun,
}

/// The half of the lowest priority.
pub struct Outer<'s, M> {
    end: DeviceEnd,
    state: State,
    /// The memory for programs, while it is P2's.
    image: Option<M>,
    uploads: Uploads,
    awaited: Awaited,
    /// How many parts of the rig P1 was told.
    told: usize,
    /// A command that waits for room in the queue to P1.
    asked: Option<Asked>,
    /// Whether the records in the ring are those of the session at hand.
    begun: bool,
    /// When the controller was heard after a silence that P1 does not know to be over.
    back_at: Option<Micros>,
    heard_at: Option<Micros>,
    commands: Producer<'s, Command<M>>,
    notices: Consumer<'s, Notice<M>>,
    ring: RingReader<'s>,
    shared: &'s Shared,
}

/// Tells whether the levels above P2 still go on, for the watchdog.
#[derive(Debug)]
pub struct Alive<'s> {
    shared: &'s Shared,
    /// How often P0 and P1 had been called when all had advanced last.
    beats: [u32; 2],
}

impl Alive<'_> {
    /// Whether P0 and P1 were both polled since this was last true: asked by P2 itself, it means that every level still
    /// goes on, and the watchdog may be fed. A body polls P0 and P1 at least twice in the watchdog's time, whatever they
    /// ask for. Asking is also how P2 shows that it goes on itself: a body that asks once must ask at least every few ms.
    pub fn all_advanced(&mut self) -> bool {
        self.shared.beats.outer();
        let beats = self.shared.beats.counts();
        let advanced = beats.iter().zip(self.beats).all(|(now, then)| *now != then);
        if advanced {
            self.beats = beats;
        }
        advanced
    }
}

impl<'s, M: AsRef<[u32]> + AsMut<[u32]>> Outer<'s, M> {
    pub(crate) fn new(
        boot: u32,
        hello: Hello,
        image: M,
        commands: Producer<'s, Command<M>>,
        notices: Consumer<'s, Notice<M>>,
        ring: RingReader<'s>,
        shared: &'s Shared,
    ) -> Self {
        let mut end = DeviceEnd::new(boot, hello);
        let outlived = ring.session() != 0;
        end.begin_session(ring.session());
        Self {
            end,
            state: if outlived { State::Over } else { State::Idle },
            image: Some(image),
            uploads: Uploads::new(),
            awaited: Awaited::Nothing,
            told: 0,
            asked: None,
            begun: outlived,
            back_at: None,
            heard_at: None,
            commands,
            notices,
            ring,
            shared,
        }
    }

    /// Takes in bytes of the link as they came, whole frames or not, and does what they ask for.
    pub fn handle_bytes(&mut self, now: Micros, bytes: &[u8], hook: &mut impl Preempt) {
        let next = if self.begun { self.ring.written() } else { 0 };
        self.end.handle_bytes(now, bytes, next);
        let heard_at = self.end.heard_at();
        if heard_at != self.heard_at {
            self.heard_at = heard_at;
            // In this order: P0 either sees the new time, or has called the silence already.
            self.shared.heard.store(now as u32, Ordering::Release);
            hook.point();
            if self.shared.silent.load(Ordering::Acquire) {
                self.back_at = Some(now);
            }
        }
        if self.begun {
            // A number past the last record is none this device gave out: nothing is freed.
            let _ = self.ring.free_before(self.end.durable(), &mut || hook.point());
            hook.point();
        }
        self.poll(now, hook);
    }

    /// Does all that can be done by `now`.
    pub fn poll(&mut self, now: Micros, hook: &mut impl Preempt) {
        if self.state == State::Running {
            self.ring.note_alive(now);
        }
        while let Some(notice) = self.notices.dequeue() {
            hook.point();
            self.hear(now, notice);
        }
        if let Some(at) = self.back_at
            && self.pass_on(Command::HostBack { at }, hook)
        {
            self.back_at = None;
        }
        if self.awaited == Awaited::Rig {
            self.pass_on_rig(hook);
        }
        if self.awaited != Awaited::Nothing {
            return;
        }
        if self.asked.is_none() {
            self.asked = self.end.take_command();
        }
        // The queue has room for all that one command may need, or the command waits.
        if self.has_room()
            && let Some(asked) = self.asked.take()
        {
            match self.obey(asked, hook) {
                Ok(Awaited::Nothing) => self.end.answer(now, Answer::Done),
                Ok(awaited) => self.awaited = awaited,
                Err(refusal) => self.end.answer(now, Answer::Refused(refusal)),
            }
            while let Some(notice) = self.notices.dequeue() {
                hook.point();
                self.hear(now, notice);
            }
        }
    }

    /// When [`Outer::poll`] or [`Outer::poll_transmit`] is needed next, if no byte comes in: a time that has passed means
    /// at once. To be asked after every call of any half, with the time of it.
    pub fn poll_at(&mut self, now: Micros) -> Option<Micros> {
        if self.notices.ready() || (self.back_at.is_some() || self.asked.is_some()) && self.has_room() {
            return Some(0);
        }
        self.end.poll_at(now, &look(&mut self.ring, self.begun, &mut Undisturbed))
    }

    /// Writes the next frame there is to send at `now` into `out`, which holds [`link::frame::MAX_FRAME`] bytes: the bytes
    /// used. To be asked until there is none.
    pub fn poll_transmit(&mut self, now: Micros, out: &mut [u8], hook: &mut impl Preempt) -> Option<usize> {
        let status = StatusNow {
            state: self.state,
            ring_free: self.ring.free(),
            armed: self.shared.armed.load(Ordering::Acquire),
        };
        self.end.poll_transmit(now, status, &mut Kept { ring: &mut self.ring, begun: self.begun, hook }, out)
    }

    /// What tells whether the levels above still go on.
    #[must_use]
    pub const fn alive(&self) -> Alive<'s> {
        Alive { shared: self.shared, beats: [0; 2] }
    }

    /// How far the device is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    fn has_room(&self) -> bool {
        self.commands.capacity().saturating_sub(self.commands.len()) >= COMMANDS_ROOM
    }

    fn pass_on(&mut self, command: Command<M>, hook: &mut impl Preempt) -> bool {
        let passed = self.commands.enqueue(command).is_ok();
        hook.point();
        passed
    }

    fn hear(&mut self, now: Micros, notice: Notice<M>) {
        let awaited = core::mem::replace(&mut self.awaited, Awaited::Nothing);
        match (notice, awaited) {
            (Notice::Rig { good }, Awaited::Rig) => {
                self.uploads.rig_taken_up(good);
                self.end.answer(now, if good { Answer::Done } else { Answer::Refused(Refusal::BadRig) });
                self.reconsider();
            }
            (Notice::Arm(done), Awaited::Arm) => {
                self.end.answer(now, done.map_or_else(Answer::Refused, |()| Answer::Done));
            }
            (Notice::Begun { at }, _) => {
                self.ring.begin(at);
                self.begun = true;
                self.end.answer(now, Answer::Done);
            }
            (Notice::Over { image }, awaited) => {
                self.ring.complete();
                self.image = Some(image);
                self.state = State::Over;
                self.awaited = awaited;
            }
            (Notice::Rig { .. } | Notice::Arm(_), awaited) => self.awaited = awaited,
        }
    }

    fn obey(&mut self, asked: Asked, hook: &mut impl Preempt) -> Result<Awaited, Refusal> {
        let running = self.state == State::Running;
        match asked {
            // The link answers it by itself.
            Asked::Hello => {}
            Asked::Begin { what, bytes, hash } => {
                let image = between_sessions(self.state, &mut self.image)?;
                self.uploads.begin(what, bytes, hash, image)?;
                self.after_upload();
            }
            Asked::Piece { offset, bytes } => {
                let image = between_sessions(self.state, &mut self.image)?;
                self.uploads.piece(offset, &bytes, image)?;
            }
            Asked::Finish => {
                let image = between_sessions(self.state, &mut self.image)?;
                match self.uploads.finish(image, &mut || hook.point())? {
                    Whole::Program => self.after_upload(),
                    Whole::Rig => {
                        self.after_upload();
                        self.told = 0;
                        self.pass_on_rig(hook);
                        return Ok(Awaited::Rig);
                    }
                }
            }
            Asked::Arm { lines } => {
                let Some(rig) = self.uploads.rig() else { return Err(Refusal::NotLoaded) };
                if lines & !armable(rig.lines()) != 0 {
                    return Err(Refusal::NotArmable);
                }
                if self.state == State::Over {
                    return Err(Refusal::NotRunning);
                }
                self.pass_on(Command::Arm(lines), hook);
                return Ok(Awaited::Arm);
            }
            Asked::Disarm { lines } => {
                self.pass_on(Command::Disarm(lines), hook);
            }
            Asked::Start { session, seed } => return self.start(session, seed, hook),
            Asked::Stop if !running => return Err(Refusal::NotRunning),
            Asked::Stop => {
                self.pass_on(Command::Stop, hook);
            }
            Asked::Abort => {
                self.pass_on(Command::Abort, hook);
            }
            Asked::Event(_) | Asked::Parameter { .. } if !running => return Err(Refusal::NotRunning),
            Asked::Event(event) => {
                if !(EventId::NAMED..link::program::check::EVENTS_END).contains(&event.0) {
                    return Err(Refusal::UnknownEvent);
                }
                self.pass_on(Command::Outside(event), hook);
            }
            Asked::Parameter { variable, value } => {
                if variable.index() >= self.uploads.variables() {
                    return Err(Refusal::UnknownParameter);
                }
                self.pass_on(Command::Parameter { variable, value }, hook);
            }
            Asked::Forget { session } => self.forget(session, hook)?,
        }
        Ok(Awaited::Nothing)
    }

    fn start(&mut self, session: u32, seed: u64, hook: &mut impl Preempt) -> Result<Awaited, Refusal> {
        match self.state {
            State::Idle => return Err(Refusal::NotLoaded),
            State::Running | State::Over => return Err(Refusal::Busy),
            State::Loaded if session == 0 => return Err(Refusal::NotThisSession),
            State::Loaded if self.shared.tripped.load(Ordering::Acquire) => return Err(Refusal::NotSafe),
            State::Loaded => {}
        }
        let Some(image) = self.image.take() else { return Err(Refusal::NotLoaded) };
        self.state = State::Running;
        self.begun = false;
        self.end.begin_session(session);
        self.ring.announce(session);
        hook.point();
        let [a, b, c, d, ..] = self.uploads.program().unwrap_or_default();
        self.pass_on(Command::Start { image, seed, program: u32::from_le_bytes([a, b, c, d]) }, hook);
        Ok(Awaited::Begun)
    }

    fn forget(&mut self, session: u32, hook: &mut impl Preempt) -> Result<(), Refusal> {
        if session == 0 || session != self.end.session() {
            return Err(Refusal::NotThisSession);
        }
        if self.state != State::Over {
            return Err(Refusal::Busy);
        }
        if !self.ring.is_empty() {
            return Err(Refusal::NotDurable);
        }
        self.begun = false;
        self.ring.forget();
        hook.point();
        self.end.end_session();
        self.state = State::Idle;
        self.reconsider();
        // A person has seen the session to its end; what tripped it trips again if it still holds.
        self.pass_on(Command::Reset, hook);
        Ok(())
    }

    fn after_upload(&mut self) {
        self.end.set_program(self.uploads.program());
        self.reconsider();
    }

    fn reconsider(&mut self) {
        if matches!(self.state, State::Idle | State::Loaded) {
            self.state = if self.uploads.complete() { State::Loaded } else { State::Idle };
        }
    }

    /// Tells P1 as much of the rig as there is room for: first its timings, then each line and each sense, then that it is
    /// complete.
    fn pass_on_rig(&mut self, hook: &mut impl Preempt) {
        while self.commands.ready()
            && let Some(part) = self.uploads.rig().and_then(|rig| part(&rig, self.told))
        {
            self.told += 1;
            self.pass_on(part, hook);
        }
    }
}

/// The part of a rig with this number, as P1 is told it.
fn part<M>(rig: &PackedRig<'_>, number: usize) -> Option<Command<M>> {
    let Some(mut n) = number.checked_sub(1) else { return Some(Command::Rig(rig.timings)) };
    for (what, line) in rig.lines().zip(0..) {
        if n == 0 {
            return Some(Command::Line(LineId(line), what));
        }
        n -= 1;
    }
    match rig.senses.get(n) {
        Some(sense) => Some(Command::Sense(*sense)),
        None => (n == rig.senses.len()).then_some(Command::CheckRig),
    }
}

/// The memory for programs, if no session uses it.
fn between_sessions<M: AsMut<[u32]>>(state: State, image: &mut Option<M>) -> Result<&mut [u32], Refusal> {
    match (state, image) {
        (State::Idle | State::Loaded, Some(image)) => Ok(image.as_mut()),
        _ => Err(Refusal::Busy),
    }
}
