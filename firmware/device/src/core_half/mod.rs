//! P1: the half that runs the engine. It takes in what P0 stamped, closes microseconds, hands output requests to P0 first
//! and then writes every record; it alone writes the ring. Knows no pin and no byte of the link.
//!
//! A session goes through four phases: nothing runs; P0 was told to begin and has not answered yet; the engine runs; the
//! engine has ended and P0 makes the outputs safe. Only with P0's word for that is the stream complete.

mod ahead;
mod readback;
mod recorder;
mod samples;
mod watch;

use engine::{Engine, Given, Start};
use heapless::spsc::{Consumer, Producer};
use link::limits::{MAX_INBOX, MAX_LINES};
use link::message::Refusal;
use link::packed_rig::Timings;
use link::program::Program;
use link::{DisarmCause, EndReason, Micros, Record, TripCause};

use crate::answers::Foreseen;
use crate::board::Preempt;
use crate::interlock::LATE_MAX_US;
use crate::messages::{Command, Notice, Order, REPORTS, Report, ReportsIn, What};
use crate::orders::OrdersOut;
use crate::ring::{ENTRY_ROOM, RingWriter};
use crate::sense::Sampler;
use crate::storage::Shared;
use readback::Readback;
use recorder::{Out, Recorder};
use watch::Watch;

/// Bytes of the ring kept for the last records of a session: when less is free, the session ends.
pub const RING_RESERVE: u32 = 4_096;
/// Bytes that must be free for the engine to go on by a microsecond: in the reserve, what is left of the session; never
/// less than the reports P0 may still make about its end.
const STEP_ROOM: u32 = 2_048;
/// Microseconds handled in one call at most, so that P1 comes back to its queues.
const STEPS_MAX: usize = INPUTS_MAX + 16;
/// Inputs taken in at once: as many again have room in the engine's inbox, for those of microseconds still open.
const INPUTS_MAX: usize = MAX_INBOX / 2;
/// How often one call takes in inputs at most: often enough for a queue full of them.
const ROUNDS_MAX: usize = REPORTS / INPUTS_MAX + 1;
/// Orders one microsecond may give: a request a line, and what else follows from it.
const REQUESTS_ROOM: usize = MAX_LINES;
const OTHERS_ROOM: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Starting { seed: u64, program: u32 },
    Running,
    Ending,
}

/// The half that runs the engine.
pub struct Core<'s, M> {
    engine: Engine,
    settle_us: Micros,
    phase: Phase,
    /// The program image, while it is P1's.
    image: Option<M>,
    watch: Watch,
    /// Whether P2 waits to hear what became of its wish to arm.
    arm_asked: bool,
    /// Whether a trip was recorded in this session.
    tripped: bool,
    /// Whether P1 itself ordered a trip in this session.
    trip_ordered: bool,
    /// Whether the end for want of memory was asked for.
    ring_full: bool,
    /// An end of the session that found the engine's inbox full: unlike an input it is never lost.
    end_waits: Option<(Micros, Given)>,
    sampler: Sampler<'s>,
    readback: Readback,
    foreseen: Foreseen<'s>,
    /// Nothing in the engine's inbox that may make a difference is handled before this.
    awaited: Micros,
    out: Out<'s>,
    reports: ReportsIn<'s>,
    commands: Consumer<'s, Command<M>>,
    notices: Producer<'s, Notice<M>>,
    shared: &'s Shared,
}

impl<'s, M: AsRef<[u32]>> Core<'s, M> {
    pub(crate) const fn new(
        settle_us: u32,
        orders: OrdersOut<'s>,
        reports: ReportsIn<'s>,
        commands: Consumer<'s, Command<M>>,
        notices: Producer<'s, Notice<M>>,
        ring: RingWriter<'s>,
        shared: &'s Shared,
    ) -> Self {
        Self {
            engine: Engine::new(),
            settle_us: settle_us as Micros,
            phase: Phase::Idle,
            image: None,
            watch: Watch::new(),
            arm_asked: false,
            tripped: false,
            trip_ordered: false,
            ring_full: false,
            end_waits: None,
            sampler: Sampler::new(&shared.counts),
            readback: Readback::new(),
            foreseen: Foreseen::new(&shared.answers),
            awaited: Micros::MAX,
            out: Out::new(orders, ring),
            reports,
            commands,
            notices,
            shared,
        }
    }

    /// Does all that can be done by `now`. Work is bounded by what waits in the queues and by a fixed number of
    /// microseconds; [`Core::poll_at`] says if there is more.
    pub fn poll(&mut self, now: Micros, hook: &mut impl Preempt) {
        self.shared.beats.core();
        self.honour(hook);
        self.catch_up(now, hook);
        self.use_leisure(now, hook);
    }

    fn catch_up(&mut self, now: Micros, hook: &mut impl Preempt) {
        for round in 0..ROUNDS_MAX {
            // What P0 stamped before `now` must be in before anything up to `now` is closed, so it comes first.
            let held_back = self.take_reports(hook);
            if round == 0 {
                self.take_commands(now, hook);
            }
            if self.phase == Phase::Running {
                self.go_on(now, held_back, hook);
            }
            if held_back.is_none() {
                return;
            }
        }
    }

    /// When [`Core::poll`] is needed next: a time that has passed means at once. While the ring is too full to go on, it
    /// is needed again only when P2 has freed some.
    #[must_use]
    pub fn poll_at(&self) -> Option<Micros> {
        let settled = |stamp: Micros| stamp.saturating_add(self.settle_us).saturating_add(1);
        if self.commands.ready() && self.out.has_room_for_orders() {
            return Some(0);
        }
        let report = self.reports.peek().filter(|_| self.can_take_reports()).map(|report| match report.what {
            // Its microsecond must close first; taking it in earlier is of no use.
            What::Input { .. } => settled(report.at),
            _ => 0,
        });
        let unprepared = self.phase == Phase::Running && self.engine.unprepared();
        if report.is_none() && (self.out.has_log() || unprepared) && !self.has_offered() {
            return Some(0);
        }
        if self.phase != Phase::Running {
            return report;
        }
        if !self.engine.running() {
            return self.out.has_room_for_orders().then_some(0).or(report);
        }
        let step = self.engine.next_at().map(settled).and_then(|due| {
            if self.can_surely_step() {
                Some(due)
            } else {
                (!self.tripped).then(|| due.saturating_add(Micros::from(LATE_MAX_US) + 1))
            }
        });
        let readback = Some(self.readback.next_due()).filter(|due| *due != Micros::MAX).map(settled);
        [report, step, self.watch.next_due(), readback].into_iter().flatten().min()
    }

    /// Whether a session is under way, from its first record to its last.
    #[must_use]
    pub fn running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ending)
    }

    fn can_step(&mut self, hook: &mut impl Preempt) -> bool {
        self.out.has_room_for_orders() && self.out.has_free(STEP_ROOM, hook)
    }

    /// The same, as far as it is known before all records are written down.
    #[inline]
    fn can_surely_step(&self) -> bool {
        self.out.has_room_for_orders() && self.out.surely_has_free(STEP_ROOM)
    }

    /// Whether reports can be taken in, once all records are written down.
    fn can_take_reports(&self) -> bool {
        self.out.has_log() || self.out.surely_has_free(2 * ENTRY_ROOM)
    }

    fn take_commands(&mut self, now: Micros, hook: &mut impl Preempt) {
        while self.out.has_room_for_orders()
            && self.foreseen.given().is_none()
            && let Some(command) = self.commands.dequeue()
        {
            hook.point();
            self.obey(now, command, hook);
        }
    }

    /// Takes the session on to `now`, or to just before the input that is still held back.
    fn go_on(&mut self, now: Micros, held_back: Option<Micros>, hook: &mut impl Preempt) {
        if let Some(at) = self.watch.take_carried_on(now) {
            self.offer_end(at, Given::LastTrial(EndReason::HostLost), hook);
        }
        self.watch_ring(now, hook);
        // Before the late step is made, so that P0 knows of the trip before it is asked for anything.
        self.watch_lateness(now, hook);
        if let Some(settled) = now.checked_sub(self.settle_us.saturating_add(1)) {
            let closed = held_back.map_or(settled, |at| settled.min(at.saturating_sub(1)));
            self.read_back(closed, hook);
            self.run(closed, hook);
        }
        if !self.engine.running() && self.out.has_room_for_orders() {
            self.phase = Phase::Ending;
            self.watch.rest();
            self.flush_samples(hook);
            self.out.order(Order::End, hook);
        }
    }

    /// Lets the engine handle the microseconds up to and with `closed`; what P0 has answered comes first.
    #[inline(never)]
    fn run(&mut self, closed: Micros, hook: &mut impl Preempt) {
        for _ in 0..STEPS_MAX {
            let next = self.engine.next_at().filter(|at| *at <= closed);
            if let Some(at) = next.filter(|at| *at >= self.changes_at())
                && self.leave_answers(at, hook)
            {
                continue;
            }
            if next.is_none() || !self.step(closed, hook) {
                return;
            }
        }
    }

    /// The same for a single microsecond, whatever P0 has answered; false if there is no room for it.
    #[inline(never)]
    fn step(&mut self, closed: Micros, hook: &mut impl Preempt) -> bool {
        if !self.can_step(hook) {
            return false;
        }
        let Some(program) = self.image.as_ref().map(|image| Program::reopen(image_words(image))) else { return false };
        let mut recorder = Recorder { program: &program, out: &mut self.out, watch: &mut self.watch, hook };
        self.engine.advance(&program, closed, 1, &mut recorder);
        self.out.step_made(hook);
        // A full inbox has room again after a step, and only then.
        if let Some((at, end)) = self.end_waits.take() {
            self.put_end(at, end);
        }
        true
    }

    fn watch_lateness(&mut self, now: Micros, hook: &mut impl Preempt) {
        let latest = self.settle_us.saturating_add(1).saturating_add(Micros::from(LATE_MAX_US));
        if !self.tripped && self.engine.next_at().is_some_and(|at| now > at.saturating_add(latest)) {
            self.trip(TripCause::TooLate, hook);
        }
    }

    /// Tells of outputs that are read back otherwise than they were commanded.
    fn read_back(&mut self, closed: Micros, hook: &mut impl Preempt) {
        // Each pair has one thing to tell at most.
        while self.readback.next_due() <= closed
            && self.out.can_record(hook)
            && let Some((at, sense, on)) = self.readback.take_differing(closed)
        {
            self.out.write(at, &Record::NotSensed { line: sense.output, on }, hook);
            if sense.trips {
                self.trip(TripCause::NotSensed(sense.output), hook);
            }
        }
    }

    fn watch_ring(&mut self, now: Micros, hook: &mut impl Preempt) {
        self.out.warn_when_low(now, hook);
        if !self.ring_full && !self.out.has_free(RING_RESERVE, hook) {
            self.ring_full = true;
            self.offer_end(now, Given::Stop(EndReason::RingFull), hook);
        }
        if core::mem::take(&mut self.out.overflowed) {
            self.trip(TripCause::Lost, hook);
        }
    }

    /// Takes in what P0 reported, but no more inputs than the engine's inbox has places for: the time of the first that
    /// is held back.
    fn take_reports(&mut self, hook: &mut impl Preempt) -> Option<Micros> {
        let mut inputs = 0;
        while self.out.can_record(hook)
            && let Some(report) = self.reports.peek()
        {
            // What follows from an answer is told behind its edge.
            if !matches!(report.what, What::Input { .. }) && self.honour(hook) {
                continue;
            }
            if matches!(report.what, What::Input { .. }) {
                if inputs == INPUTS_MAX {
                    return Some(report.at);
                }
                inputs += 1;
            }
            let Some(report) = self.reports.dequeue() else { break };
            hook.point();
            self.take(report, hook);
        }
        None
    }

    fn take(&mut self, Report { at, what }: Report, hook: &mut impl Preempt) {
        let session = self.running();
        if self.take_plain(Report { at, what }, hook) {
            return;
        }
        self.foreseen.took();
        let record = match what {
            What::Input { .. } | What::Edge { .. } | What::Verdict { .. } => None,
            What::Armed(lines) => {
                self.answer_arm(Ok(()), hook);
                (lines != 0).then_some(Record::Armed { lines })
            }
            What::NotArmed { key_off } => {
                self.answer_arm(Err(if key_off { Refusal::KeyOff } else { Refusal::NotSafe }), hook);
                None
            }
            What::Disarmed(lines, cause) => {
                if cause == DisarmCause::Silence {
                    self.watch.suspend(lines);
                }
                Some(Record::Disarmed { lines, cause })
            }
            What::Trip(cause) => {
                self.watch.forget_lines(u32::MAX);
                if !core::mem::replace(&mut self.tripped, true) {
                    self.offer_end(at, Given::Stop(EndReason::Tripped(cause)), hook);
                }
                Some(Record::Trip(cause))
            }
            What::Silent => {
                if self.watch.falls_silent(at) {
                    self.offer_end(at, Given::Stop(EndReason::HostLost), hook);
                }
                Some(Record::Silence(true))
            }
            What::Lost(count) => {
                // Among what was lost may be the word whether lines were armed.
                self.answer_arm(Err(Refusal::NotSafe), hook);
                Some(Record::Lost { count })
            }
            What::Begun { levels } => {
                self.begin(at, levels, hook);
                None
            }
            What::Ended => {
                self.finish(hook);
                None
            }
            What::Rig { good } => {
                self.notify(Notice::Rig { good }, hook);
                None
            }
        };
        if let (true, Some(record)) = (session, record) {
            self.out.write(at, &record, hook);
        }
    }

    fn begin(&mut self, at: Micros, levels: u32, hook: &mut impl Preempt) {
        let Phase::Starting { seed, program: name } = self.phase else { return };
        let Some(program) = self.image.as_ref().map(|image| Program::reopen(image_words(image))) else { return };
        self.phase = Phase::Running;
        (self.tripped, self.trip_ordered, self.ring_full, self.end_waits) = (false, false, false, None);
        self.out.begin(at);
        self.foreseen.honoured();
        self.awaited = Micros::MAX;
        self.sampler.begin(at);
        self.readback.begin(at, levels);
        let mut recorder = Recorder { program: &program, out: &mut self.out, watch: &mut self.watch, hook };
        self.engine.start(&program, Start { at, seed, levels, program: name }, &mut recorder);
        self.foreseen.never_heard(self.engine.never_heard());
        self.out.write_all_down(hook);
        self.notify(Notice::Begun { at }, hook);
    }

    /// P0's last word: every output is off. The stream is complete, the image goes back.
    fn finish(&mut self, hook: &mut impl Preempt) {
        if self.phase == Phase::Ending {
            self.phase = Phase::Idle;
            self.out.write_all_down(hook);
            if let Some(image) = self.image.take() {
                self.notify(Notice::Over { image }, hook);
            }
        }
    }

    fn obey(&mut self, now: Micros, command: Command<M>, hook: &mut impl Preempt) {
        match command {
            Command::Rig(Timings { silence_us, rejoin_us, carry_on_us, sample_us }) => {
                self.sampler.clear(sample_us);
                self.readback.clear();
                self.watch.set_limits(rejoin_us, carry_on_us);
                self.out.order(Order::Clear { silence_us }, hook);
            }
            Command::Line(line, what) => {
                self.sampler.add(line, &what);
                self.out.order(Order::Line(line, what), hook);
            }
            Command::Sense(sense) => self.readback.add(sense),
            Command::CheckRig => {
                self.out.order(Order::CheckRig, hook);
            }
            Command::Start { image, seed, program } => {
                self.shared.scores.take_up(&Program::reopen(image_words(&image)));
                self.image = Some(image);
                self.phase = Phase::Starting { seed, program };
                self.watch.rest();
                self.out.order(Order::Begin, hook);
            }
            Command::Stop => self.offer_end(now, Given::Stop(EndReason::Stopped), hook),
            Command::Abort => {
                self.out.order(Order::Trip(TripCause::HostAbort), hook);
            }
            Command::Reset => {
                self.out.order(Order::Reset, hook);
            }
            Command::Arm(lines) => {
                self.arm_asked = true;
                self.out.order(Order::Arm(lines), hook);
            }
            Command::Disarm(lines) => {
                self.watch.forget_lines(lines);
                self.out.order(Order::Disarm(lines, DisarmCause::Operator), hook);
            }
            // It happens when P1 hears of it: what P2 was held up by before is no lateness of the answer.
            Command::Outside(event) => self.offer(now, Given::Outside(event), hook),
            Command::Parameter { variable, value } => self.offer(now, Given::Parameter { variable, value }, hook),
            Command::HostBack { at } => {
                self.out.order(Order::HostBack, hook);
                if self.phase == Phase::Running && self.watch.is_back(at) {
                    self.out.write(at, &Record::Silence(false), hook);
                }
            }
        }
    }

    /// Puts something into the engine's inbox that P0 knows nothing of.
    fn offer(&mut self, at: Micros, given: Given, hook: &mut impl Preempt) {
        self.close_answers(hook);
        self.put_in(at, given, hook);
    }

    /// Puts something into the engine's inbox; if it is full, that is recorded and trips.
    #[inline(never)]
    fn put_in(&mut self, at: Micros, given: Given, hook: &mut impl Preempt) {
        self.awaited = self.awaited.min(at);
        if self.engine.offer(at, given).is_err() {
            self.out.write(at, &Record::Lost { count: 1 }, hook);
            self.trip(TripCause::Lost, hook);
        }
    }

    /// Orders a trip, unless one was recorded or ordered already.
    fn trip(&mut self, cause: TripCause, hook: &mut impl Preempt) {
        if !self.tripped && !self.trip_ordered {
            self.trip_ordered = self.out.order(Order::Trip(cause), hook);
        }
    }

    /// Puts an end of the session into the engine's inbox, now or as soon as there is room. A stop outdoes the word that
    /// this trial is the last; of two stops the first counts.
    fn offer_end(&mut self, at: Micros, end: Given, hook: &mut impl Preempt) {
        self.close_answers(hook);
        self.put_end(at, end);
    }

    #[inline(never)]
    fn put_end(&mut self, at: Micros, end: Given) {
        self.awaited = self.awaited.min(at);
        if self.engine.offer(at, end).is_err() && !matches!(self.end_waits, Some((_, Given::Stop(_)))) {
            self.end_waits = Some((at, end));
        }
    }

    fn answer_arm(&mut self, done: Result<(), Refusal>, hook: &mut impl Preempt) {
        if core::mem::take(&mut self.arm_asked) {
            self.notify(Notice::Arm(done), hook);
        }
    }

    fn notify(&mut self, notice: Notice<M>, hook: &mut impl Preempt) {
        // P2 asks for one thing at a time and a session has two ends: the queue holds more than can ever wait.
        let _ = self.notices.enqueue(notice);
        hook.point();
    }
}

fn image_words<M: AsRef<[u32]>>(image: &M) -> &[u32] {
    let words = image.as_ref();
    // The memory may be longer than the image in it; the image says how long it is.
    let stated = words.get(2).map_or(0, |stated| *stated as usize);
    words.get(..stated).unwrap_or(words)
}
