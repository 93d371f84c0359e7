//! P1: the half that runs the engine. It takes in what P0 stamped, closes microseconds, hands output requests to P0 first
//! and then writes every record; it alone writes the ring. Knows no pin and no byte of the link.
//!
//! A session goes through four phases: nothing runs; P0 was told to begin and has not answered yet; the engine runs; the
//! engine has ended and P0 makes the outputs safe. Only with P0's word for that is the stream complete.

mod recorder;
mod watch;

use engine::{Engine, Given};
use heapless::spsc::{Consumer, Producer};
use link::limits::MAX_LINES;
use link::program::Program;
use link::{DisarmCause, EndReason, Micros, Record, TripCause};

use crate::board::Preempt;
use crate::interlock::LATE_MAX_US;
use crate::messages::{Command, Notice, Order, Report, What};
use crate::ring::RingWriter;
use recorder::{Out, Recorder};
use watch::Watch;

/// Bytes of the ring kept for the last records of a session: when less is free, the session ends.
pub const RING_RESERVE: u32 = 4_096;
/// Bytes that must be free for the engine to go on by a microsecond: in the reserve, what is left of the session; never
/// less than the reports P0 may still make about its end.
const STEP_ROOM: u32 = 2_048;
/// Microseconds handled in one call at most, so that P1 comes back to its queues.
const STEPS_MAX: u16 = 16;
/// Orders one microsecond may give: a request a line, and what else follows from it.
const ORDERS_ROOM: usize = MAX_LINES + 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Starting { seed: u64 },
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
    /// Whether the end for want of memory was asked for.
    ring_full: bool,
    out: Out<'s>,
    reports: Consumer<'s, Report>,
    commands: Consumer<'s, Command<M>>,
    notices: Producer<'s, Notice<M>>,
}

impl<'s, M: AsRef<[u32]>> Core<'s, M> {
    pub(crate) const fn new(
        settle_us: u32,
        orders: Producer<'s, Order>,
        reports: Consumer<'s, Report>,
        commands: Consumer<'s, Command<M>>,
        notices: Producer<'s, Notice<M>>,
        ring: RingWriter<'s>,
    ) -> Self {
        Self {
            engine: Engine::new(),
            settle_us: settle_us as Micros,
            phase: Phase::Idle,
            image: None,
            watch: Watch::new(),
            arm_asked: false,
            tripped: false,
            ring_full: false,
            out: Out::new(orders, ring),
            reports,
            commands,
            notices,
        }
    }

    /// Does all that can be done by `now`. Work is bounded by what waits in the queues and by a fixed number of
    /// microseconds; [`Core::poll_at`] says if there is more.
    pub fn poll(&mut self, now: Micros, hook: &mut impl Preempt) {
        // What P0 stamped before `now` must be in before anything up to `now` is closed, so it comes first.
        self.take_reports(hook);
        while self.out.has_room_for_orders()
            && let Some(command) = self.commands.dequeue()
        {
            hook.point();
            self.obey(now, command, hook);
        }
        if self.phase != Phase::Running {
            return;
        }
        if let Some(at) = self.watch.take_carried_on(now) {
            self.offer(at, Given::LastTrial(EndReason::HostLost), hook);
        }
        self.watch_ring(now, hook);
        self.run(now, hook);
        self.watch_lateness(now, hook);
        if !self.engine.running() && self.out.has_room_for_orders() {
            self.phase = Phase::Ending;
            self.watch.rest();
            self.out.order(Order::End, hook);
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
        let report = self.reports.peek().filter(|_| self.out.can_record()).map(|report| match report.what {
            // Its microsecond must close first; taking it in earlier is of no use.
            What::Input { .. } => settled(report.at),
            _ => 0,
        });
        if self.phase != Phase::Running {
            return report;
        }
        if !self.engine.running() {
            return self.out.has_room_for_orders().then_some(0).or(report);
        }
        let step = self.engine.next_at().map(settled).and_then(|due| {
            if self.can_step() {
                Some(due)
            } else {
                (!self.tripped).then(|| due.saturating_add(Micros::from(LATE_MAX_US) + 1))
            }
        });
        [report, step, self.watch.next_due()].into_iter().flatten().min()
    }

    /// Whether a session is under way, from its first record to its last.
    #[must_use]
    pub fn running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ending)
    }

    fn can_step(&self) -> bool {
        self.out.has_room_for_orders() && self.out.ring.free() >= STEP_ROOM
    }

    /// Lets the engine handle the microseconds that are closed.
    fn run(&mut self, now: Micros, hook: &mut impl Preempt) {
        let Some(closed) = now.checked_sub(self.settle_us.saturating_add(1)) else { return };
        for _ in 0..STEPS_MAX {
            if self.engine.next_at().is_none_or(|at| at > closed) || !self.can_step() {
                return;
            }
            let Some(Ok(program)) = self.image.as_ref().map(|image| Program::open(image_words(image))) else { return };
            let mut recorder = Recorder { program: &program, out: &mut self.out, watch: &mut self.watch, hook };
            self.engine.advance(&program, closed, 1, &mut recorder);
        }
    }

    fn watch_lateness(&mut self, now: Micros, hook: &mut impl Preempt) {
        let latest = self.settle_us.saturating_add(1).saturating_add(Micros::from(LATE_MAX_US));
        if !self.tripped && self.engine.next_at().is_some_and(|at| now > at.saturating_add(latest)) {
            // P0 trips once, whatever it is told again before its report is back.
            self.out.order(Order::Trip(TripCause::TooLate), hook);
        }
    }

    fn watch_ring(&mut self, now: Micros, hook: &mut impl Preempt) {
        self.out.warn_when_low(now, hook);
        if !self.ring_full && self.out.ring.free() < RING_RESERVE {
            self.ring_full = true;
            self.offer(now, Given::Stop(EndReason::RingFull), hook);
        }
        if core::mem::take(&mut self.out.overflowed) {
            self.out.order(Order::Trip(TripCause::Lost), hook);
        }
    }

    fn take_reports(&mut self, hook: &mut impl Preempt) {
        while self.out.can_record()
            && let Some(report) = self.reports.dequeue()
        {
            hook.point();
            self.take(report, hook);
        }
    }

    fn take(&mut self, Report { at, what }: Report, hook: &mut impl Preempt) {
        let session = self.running();
        let record = match what {
            What::Input { line, active } => {
                self.offer(at, Given::Edge { line, active }, hook);
                None
            }
            What::Edge { line, on } => Some(Record::Edge { line, on }),
            What::Verdict { line, verdict } => Some(Record::Verdict { line, verdict }),
            What::Armed(lines) => {
                self.answer_arm(true, hook);
                (lines != 0).then_some(Record::Armed { lines })
            }
            What::NotArmed => {
                self.answer_arm(false, hook);
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
                    self.offer(at, Given::Stop(EndReason::Tripped(cause)), hook);
                }
                Some(Record::Trip(cause))
            }
            What::Silent => {
                if self.watch.falls_silent(at) {
                    self.offer(at, Given::Stop(EndReason::HostLost), hook);
                }
                Some(Record::Silence(true))
            }
            What::Lost(count) => Some(Record::Lost { count }),
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
        let Phase::Starting { seed } = self.phase else { return };
        let Some(Ok(program)) = self.image.as_ref().map(|image| Program::open(image_words(image))) else { return };
        self.phase = Phase::Running;
        (self.tripped, self.ring_full) = (false, false);
        self.out.begin(at);
        let mut recorder = Recorder { program: &program, out: &mut self.out, watch: &mut self.watch, hook };
        self.engine.start(&program, at, seed, levels, &mut recorder);
        self.notify(Notice::Begun { at }, hook);
    }

    /// P0's last word: every output is off. The stream is complete, the image goes back.
    fn finish(&mut self, hook: &mut impl Preempt) {
        if self.phase == Phase::Ending {
            self.phase = Phase::Idle;
            if let Some(image) = self.image.take() {
                self.notify(Notice::Over { image }, hook);
            }
        }
    }

    fn obey(&mut self, now: Micros, command: Command<M>, hook: &mut impl Preempt) {
        match command {
            Command::Rig { silence_us, rejoin_us, carry_on_us } => {
                self.watch.set_limits(rejoin_us, carry_on_us);
                self.out.order(Order::Clear { silence_us }, hook);
            }
            Command::Line(line, what) => self.out.order(Order::Line(line, what), hook),
            Command::CheckRig => self.out.order(Order::CheckRig, hook),
            Command::Start { image, seed } => {
                self.image = Some(image);
                self.phase = Phase::Starting { seed };
                self.watch.rest();
                self.out.order(Order::Begin, hook);
            }
            Command::Stop => self.offer(now, Given::Stop(EndReason::Stopped), hook),
            Command::Abort => self.out.order(Order::Trip(TripCause::HostAbort), hook),
            Command::Reset => self.out.order(Order::Reset, hook),
            Command::Arm(lines) => {
                self.arm_asked = true;
                self.out.order(Order::Arm(lines), hook);
            }
            Command::Disarm(lines) => {
                self.watch.forget_lines(lines);
                self.out.order(Order::Disarm(lines, DisarmCause::Operator), hook);
            }
            Command::Outside { event, at } => self.offer(at, Given::Outside(event), hook),
            Command::Parameter { variable, value, at } => self.offer(at, Given::Parameter { variable, value }, hook),
            Command::HostBack { at } => {
                self.out.order(Order::HostBack, hook);
                if self.phase == Phase::Running && self.watch.is_back(at) {
                    self.out.write(at, &Record::Silence(false), hook);
                }
            }
        }
    }

    /// Puts something into the engine's inbox; if it is full, that is recorded and trips.
    fn offer(&mut self, at: Micros, given: Given, hook: &mut impl Preempt) {
        if self.engine.offer(at, given).is_err() {
            self.out.write(at, &Record::Lost { count: 1 }, hook);
            self.out.order(Order::Trip(TripCause::Lost), hook);
        }
    }

    fn answer_arm(&mut self, done: bool, hook: &mut impl Preempt) {
        if core::mem::take(&mut self.arm_asked) {
            self.notify(Notice::Arm { done }, hook);
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
