//! What the halves say to one another, and how it lies in the words of their queues. Each message has one writer and one
//! reader. All are packed by hand: a serializer takes more of a chip's RAM than they do.

use core::sync::atomic::{AtomicU32, Ordering};

use link::message::Refusal;
use link::packed_rig::Timings;
use link::program::rows::{Row, Stimulus};
use link::record::{Request, Train};
use link::rig::{RigLine, Sense};
use link::{DisarmCause, EventId, InvariantId, LineId, Micros, TripCause, VariableId, Verdict};

use crate::answers::{Answering, Answers};
use crate::edge::inputs::Accepted;
use crate::queue::{self, Packed};
use crate::scores::Scores;

/// Reports that may wait for P1.
pub(crate) const REPORTS: usize = 256;
/// Places among the reports kept for what must not be lost to a storm of inputs: trips, disarms, and the edges that
/// follow from them.
const REPORTS_KEPT: usize = 72;
/// Commands that may wait for P1, and one more.
pub(crate) const COMMANDS: usize = 12;
/// Notices that may wait for P2.
pub(crate) const NOTICES: usize = 8;

/// Words of an order: one that says what it is, and what the longest needs besides, a stimulus.
pub(crate) const ORDER_WORDS: usize = 1 + Stimulus::WORDS;
/// Words of a report: what it is, its time, and a number.
pub(crate) const REPORT_WORDS: usize = 3 + 1;

/// The queue from P0 to P1.
pub(crate) type ReportQueue = queue::Queue<Report, REPORTS, REPORT_WORDS>;
/// P0's end of the reports.
pub(crate) type ReportsOut<'s> = queue::Producer<'s, Report, REPORTS, REPORT_WORDS>;
/// P1's end of the reports.
pub(crate) type ReportsIn<'s> = queue::Consumer<'s, Report, REPORTS, REPORT_WORDS>;

/// P1 to P0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Everything off, every line forgotten; the host may be silent for this long, in µs.
    Clear { silence_us: u32 },
    /// What a line is.
    Line(LineId, RigLine),
    /// What the program asks of an output.
    Request(LineId, Request),
    /// Arm these lines.
    Arm(u32),
    /// Disarm these lines.
    Disarm(u32, DisarmCause),
    /// Trip.
    Trip(TripCause),
    /// Forget a trip; possible only between sessions.
    Reset,
    /// All lines of a new rig were told: say whether every one could be made.
    CheckRig,
    /// A session begins.
    Begin,
    /// The session is over.
    End,
    /// The host was heard again.
    HostBack,
}

/// P0 to P1: something that happened at a pin or in the interlock, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) at: Micros,
    pub(crate) what: What,
}

/// What P0 reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Input { line: LineId, active: bool },
    Edge { line: LineId, on: bool },
    Verdict { line: LineId, verdict: Verdict },
    Armed(u32),
    Disarmed(u32, DisarmCause),
    Trip(TripCause),
    Silent,
    Lost(u32),
    NotArmed { key_off: bool },
    Begun { levels: u32 },
    Ended,
    Rig { good: bool },
}

impl What {
    /// Whether it may change what the engine does, as edges of outputs and verdicts never do.
    #[inline(always)]
    pub(crate) const fn matters(&self) -> bool {
        !matches!(self, Self::Edge { .. } | Self::Verdict { .. })
    }
}

/// P2 to P1. `M` is the memory of the program image, which moves to whoever may use it.
#[derive(Debug)]
pub(crate) enum Command<M> {
    /// A new rig: first its limits, then each line, then the question whether all is well.
    Rig(Timings),
    /// A line of the new rig.
    Line(LineId, RigLine),
    /// Two lines of the new rig that should agree.
    Sense(Sense),
    /// The rig is complete.
    CheckRig,
    /// Run the image, whose program has this name.
    Start { image: M, seed: u64, program: u32 },
    /// End the session.
    Stop,
    /// Trip at once.
    Abort,
    /// Forget a trip.
    Reset,
    /// Arm these lines.
    Arm(u32),
    /// Disarm these lines.
    Disarm(u32),
    /// An event from outside.
    Outside(EventId),
    /// A parameter changed by the operator.
    Parameter { variable: VariableId, value: i64 },
    /// The host was heard again after a silence.
    HostBack { at: Micros },
}

/// P1 to P2.
#[derive(Debug)]
pub(crate) enum Notice<M> {
    /// The rig was taken up, or a line of it is one this body cannot make.
    Rig { good: bool },
    /// The lines asked for are armed, or none is, and why.
    Arm(Result<(), Refusal>),
    /// The first record is written, at this time.
    Begun { at: Micros },
    /// The last record is written; the image is given back.
    Over { image: M },
}

// What the first word of a message says, in its low byte. The next two bytes are small operands.
const OTHER: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;
const PULSE: u8 = 3;
const DELIVER: u8 = 4;
const TRAIN: u8 = 5;
const INPUT: u8 = 6;
const EDGE: u8 = 7;
const POWER: u8 = 8;
// Reports that are seldom made.
const VERDICT: u8 = 9;
const ARMED: u8 = 10;
const DISARMED: u8 = 11;
const TRIPPED: u8 = 12;
const SILENT: u8 = 13;
const LOST: u8 = 14;
const NOT_ARMED: u8 = 15;
const BEGUN: u8 = 16;
const ENDED: u8 = 17;
const RIG: u8 = 18;

#[inline(always)]
fn head(slot: &[AtomicU32], what: u8, line: LineId, on: bool) {
    put(slot, 0, u32::from_le_bytes([what, line.0, u8::from(on), 0]));
}

#[inline(always)]
fn put(slot: &[AtomicU32], place: usize, word: u32) {
    if let Some(slot) = slot.get(place) {
        slot.store(word, Ordering::Relaxed);
    }
}

#[inline(always)]
fn get(slot: &[AtomicU32], place: usize) -> u32 {
    slot.get(place).map_or(0, |slot| slot.load(Ordering::Relaxed))
}

const CAUSES: [DisarmCause; 5] =
    [DisarmCause::Operator, DisarmCause::Silence, DisarmCause::SessionEnd, DisarmCause::Trip, DisarmCause::Key];
const VERDICTS: [Verdict; 13] = [
    Verdict::Withheld,
    Verdict::OverMaxOn,
    Verdict::CutAtMaxOn,
    Verdict::Tripped,
    Verdict::NotAnOutput,
    Verdict::CutByDisarm,
    Verdict::CutByEnd,
    Verdict::NoSuchPower,
    Verdict::Forbidden,
    Verdict::OverPower,
    Verdict::TooSoon,
    Verdict::OverDuty,
    Verdict::OverTotal,
];

/// The member that was packed as its place.
fn member<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place)).copied()
}

const fn pack_cause(cause: TripCause) -> [u8; 2] {
    match cause {
        TripCause::HostAbort => [0, 0],
        TripCause::PadMismatch(line) => [1, line.0],
        TripCause::Invariant(invariant) => [2, invariant.0],
        TripCause::TooLate => [3, 0],
        TripCause::Lost => [4, 0],
        TripCause::EmergencyStop => [5, 0],
        TripCause::Contradiction(line) => [6, line.0],
        TripCause::Starved => [7, 0],
        TripCause::NotSensed(line) => [8, line.0],
    }
}

const fn unpack_cause(which: u8, of: u8) -> Option<TripCause> {
    Some(match which {
        0 => TripCause::HostAbort,
        1 => TripCause::PadMismatch(LineId(of)),
        2 => TripCause::Invariant(InvariantId(of)),
        3 => TripCause::TooLate,
        4 => TripCause::Lost,
        5 => TripCause::EmergencyStop,
        6 => TripCause::Contradiction(LineId(of)),
        7 => TripCause::Starved,
        8 => TripCause::NotSensed(LineId(of)),
        _ => return None,
    })
}

/// Where a report's number stands, behind its time.
const NUMBER: usize = 3;

#[inline(never)]
fn pack_rarity(what: &What, slot: &[AtomicU32]) {
    let ([what, a, b], number) = match *what {
        What::Input { line, active } => ([INPUT, line.0, active.into()], 0),
        What::Edge { line, on } => ([EDGE, line.0, on.into()], 0),
        What::Verdict { line, verdict } => ([VERDICT, line.0, verdict as u8], 0),
        What::Armed(set) => ([ARMED, 0, 0], set),
        What::Disarmed(set, cause) => ([DISARMED, cause as u8, 0], set),
        What::Trip(cause) => {
            let [which, of] = pack_cause(cause);
            ([TRIPPED, which, of], 0)
        }
        What::Silent => ([SILENT, 0, 0], 0),
        What::Lost(count) => ([LOST, 0, 0], count),
        What::NotArmed { key_off } => ([NOT_ARMED, key_off.into(), 0], 0),
        What::Begun { levels } => ([BEGUN, 0, 0], levels),
        What::Ended => ([ENDED, 0, 0], 0),
        What::Rig { good } => ([RIG, good.into(), 0], 0),
    };
    put(slot, 0, u32::from_le_bytes([what, a, b, 0]));
    put(slot, NUMBER, number);
}

#[inline(never)]
fn unpack_rarity(slot: &[AtomicU32]) -> Option<What> {
    let ([what, a, b, _], number) = (get(slot, 0).to_le_bytes(), get(slot, NUMBER));
    Some(match what {
        VERDICT => What::Verdict { line: LineId(a), verdict: member(&VERDICTS, b)? },
        ARMED => What::Armed(number),
        DISARMED => What::Disarmed(number, member(&CAUSES, a)?),
        TRIPPED => What::Trip(unpack_cause(a, b)?),
        SILENT => What::Silent,
        LOST => What::Lost(number),
        NOT_ARMED => What::NotArmed { key_off: a != 0 },
        BEGUN => What::Begun { levels: number },
        ENDED => What::Ended,
        RIG => What::Rig { good: a != 0 },
        _ => return None,
    })
}

/// Packs [`Order::Request`].
#[inline(always)]
pub(crate) fn pack_request(line: LineId, request: &Request, slot: &[AtomicU32; ORDER_WORDS]) {
    match request {
        Request::Off => head(slot, OFF, line, false),
        Request::On => head(slot, ON, line, false),
        Request::Deliver { volume_nl, width_us } => {
            head(slot, DELIVER, line, false);
            put(slot, 1, *volume_nl);
            put(slot, 2, *width_us);
        }
        Request::Train(train) => pack_train(line, train, slot),
        Request::Power { power_ppm } => {
            head(slot, POWER, line, false);
            put(slot, 1, power_ppm.cast_unsigned());
        }
    }
}

/// The request that was packed; none if it is something else.
#[inline(always)]
pub(crate) fn unpack_request(slot: &[AtomicU32; ORDER_WORDS]) -> Option<(LineId, Request)> {
    let [what, line, ..] = get(slot, 0).to_le_bytes();
    let request = match what {
        OFF => Request::Off,
        ON => Request::On,
        PULSE => Request::Train(Train::pulse(get(slot, 1))),
        DELIVER => Request::Deliver { volume_nl: get(slot, 1), width_us: get(slot, 2) },
        TRAIN => unpack_train(slot),
        POWER => Request::Power { power_ppm: get(slot, 1).cast_signed() },
        _ => return None,
    };
    Some((LineId(line), request))
}

/// The same if it is a level: which line, and whether on.
#[inline(always)]
pub(crate) fn level(slot: &[AtomicU32; ORDER_WORDS]) -> Option<(LineId, bool)> {
    let [what, line, ..] = get(slot, 0).to_le_bytes();
    (what == ON || what == OFF).then_some((LineId(line), what == ON))
}

/// Says that something else comes here than a request.
#[inline(always)]
pub(crate) fn mark_other(slot: &[AtomicU32; ORDER_WORDS]) {
    head(slot, OTHER, LineId(0), false);
}

#[inline(never)]
fn pack_train(line: LineId, train: &Train, slot: &[AtomicU32; ORDER_WORDS]) {
    if *train == Train::pulse(train.width_us) {
        head(slot, PULSE, line, false);
        put(slot, 1, train.width_us);
    } else {
        head(slot, TRAIN, line, false);
        let mut words = [0; Stimulus::WORDS];
        Stimulus { train: *train }.write(&mut words);
        for (slot, word) in slot.iter().skip(1).zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
    }
}

#[inline(never)]
fn unpack_train(slot: &[AtomicU32; ORDER_WORDS]) -> Request {
    let mut words = [0; Stimulus::WORDS];
    for (word, slot) in words.iter_mut().zip(slot.iter().skip(1)) {
        *word = slot.load(Ordering::Relaxed);
    }
    Request::Train(Stimulus::read(&words).train)
}

impl Packed<REPORT_WORDS> for Report {
    #[inline(always)]
    fn pack(&self, slot: &[AtomicU32; REPORT_WORDS]) {
        put(slot, 1, self.at as u32);
        put(slot, 2, (self.at >> 32) as u32);
        match self.what {
            What::Input { line, active } => head(slot, INPUT, line, active),
            What::Edge { line, on } => head(slot, EDGE, line, on),
            _ => pack_rarity(&self.what, slot),
        }
    }

    #[inline(always)]
    fn unpack(slot: &[AtomicU32; REPORT_WORDS]) -> Option<Self> {
        let [what, line, on, _] = get(slot, 0).to_le_bytes();
        let at = (u64::from(get(slot, 2)) << 32) | u64::from(get(slot, 1));
        let (line, on) = (LineId(line), on != 0);
        let what = match what {
            INPUT => What::Input { line, active: on },
            EDGE => What::Edge { line, on },
            _ => unpack_rarity(slot)?,
        };
        Some(Self { at, what })
    }
}

/// [`What::matters`] of a report as it was packed.
#[inline(always)]
pub(crate) fn matters(slot: &[AtomicU32; REPORT_WORDS]) -> bool {
    let [what, ..] = get(slot, 0).to_le_bytes();
    what != EDGE && what != VERDICT
}

/// The writing end of the reports: keeps places for what is urgent, counts what finds none.
// In this order: what an answer reads stands where a short offset reaches it.
#[repr(C)]
pub(crate) struct Reports<'s> {
    /// What P0 may answer, given what P1 was told.
    pub(crate) answering: Answering<'s>,
    queue: ReportsOut<'s>,
    lost: u32,
    /// The word that a session is over, when it found no room: P1 waits for it.
    owed: Option<Report>,
    /// What the pulses of lists are.
    pub(crate) scores: &'s Scores,
}

impl<'s> Reports<'s> {
    pub(crate) const fn new(queue: ReportsOut<'s>, answers: &'s Answers, scores: &'s Scores) -> Self {
        Self { queue, lost: 0, owed: None, answering: Answering::new(answers), scores }
    }

    fn places(&self) -> usize {
        self.queue.places()
    }

    /// Reports something that happens as often as animals and programs like.
    #[inline(always)]
    pub(crate) fn push(&mut self, at: Micros, what: What) {
        if self.lost != 0 || !self.queue.enqueue_keeping(REPORTS_KEPT, &Report { at, what }) {
            self.lose(1);
        } else if what.matters() {
            self.answering.told_other();
        }
    }

    /// Reports an input that changed, the shortest there is: as [`Reports::push`]. False if it was lost.
    #[inline(always)]
    pub(crate) fn push_input(&mut self, edge: Accepted) -> bool {
        let told = self.push_short(INPUT, edge.at, edge.line, edge.active);
        if told {
            self.answering.told_input(edge);
        }
        told
    }

    /// Reports an output that changed, likewise.
    #[inline(always)]
    pub(crate) fn push_edge(&mut self, at: Micros, line: LineId, on: bool) {
        self.push_short(EDGE, at, line, on);
    }

    #[inline(always)]
    fn push_short(&mut self, what: u8, at: Micros, line: LineId, on: bool) -> bool {
        let has_room = self.lost == 0 && self.queue.places() > REPORTS_KEPT;
        if has_room {
            self.queue.enqueue_with(|slot| {
                put(slot, 1, at as u32);
                put(slot, 2, (at >> 32) as u32);
                head(slot, what, line, on);
            });
        } else {
            self.lose(1);
        }
        has_room
    }

    /// Reports something the interlock did on its own.
    #[inline(always)]
    pub(crate) fn push_urgent(&mut self, at: Micros, what: What) {
        if !self.queue.enqueue(&Report { at, what }) {
            self.lose(1);
        } else if what.matters() {
            self.answering.told_other();
        }
    }

    /// Something was lost before it could be reported.
    pub(crate) fn lose(&mut self, count: u32) {
        self.lost = self.lost.saturating_add(count);
        self.answering.close();
    }

    /// Whether something was lost that P1 does not know of yet.
    #[inline(always)]
    pub(crate) const fn lost(&self) -> bool {
        self.lost != 0
    }

    /// Reports what P1 waits for: at once if there is room, otherwise as soon as there is, and after all that was lost.
    pub(crate) fn owe(&mut self, at: Micros, what: What) {
        self.owed = Some(Report { at, what });
        self.catch_up(at);
    }

    /// Whether P1 has yet to be told of something.
    #[inline(always)]
    pub(crate) const fn behind(&self) -> bool {
        self.lost != 0 || self.owed.is_some()
    }

    /// Whether [`Reports::catch_up`] would tell something now.
    pub(crate) fn can_catch_up(&self) -> bool {
        match self.owed {
            Some(_) => self.places() >= 2,
            None => self.lost != 0 && self.places() > REPORTS_KEPT,
        }
    }

    /// Tells P1 how many reports were lost, and what it waits for, once there is room again.
    pub(crate) fn catch_up(&mut self, now: Micros) {
        if self.can_catch_up() {
            let lost = core::mem::take(&mut self.lost);
            if lost != 0 {
                self.push_urgent(now, What::Lost(lost));
            }
            if let Some(report) = self.owed.take() {
                self.push_urgent(report.at, report.what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use link::record::{Carrier, Wave};
    use link::rig::{Limits, Pull, Role};

    use super::*;
    use crate::orders::OrderQueue;

    /// Every cause there is; one that is added must be packed, or it does not compile, and be unpacked, which is seen here.
    const TRIPS: [TripCause; 9] = [
        TripCause::HostAbort,
        TripCause::PadMismatch(LineId(u8::MAX)),
        TripCause::Invariant(InvariantId(u8::MAX)),
        TripCause::TooLate,
        TripCause::Lost,
        TripCause::EmergencyStop,
        TripCause::Contradiction(LineId(7)),
        TripCause::Starved,
        TripCause::NotSensed(LineId(u8::MAX)),
    ];

    #[test]
    fn every_message_comes_out_as_it_went_in() {
        let line = LineId(31);
        let mut train = Train { delay_us: u32::MAX, width_us: 2, period_us: u32::MAX, count: u32::MAX, carrier: None };
        let plain = train;
        let wave = Wave::Sine { frequency_mhz: (1 << 31) - 1 };
        train.carrier = Some(Carrier { wave, level_cdb: i32::MIN, amplitude: u16::MAX, ramp_us: u32::MAX });
        let role = Role::Output { limits: Limits::on_for(u32::MAX).armed(), speaker: true };
        let powered = Role::Powered {
            limits: Limits::on_for(u32::MAX).armed(),
            max_power_ppm: 1_000_000,
            frequency_mhz: u32::MAX,
        };
        let input = Role::input(Pull::Down, u32::MAX);
        let rig_line = |role| RigLine { pin: u8::MAX, active_high: true, role };
        let deliver = Request::Deliver { volume_nl: u32::MAX, width_us: 1 };
        let requests = [Request::Off, Request::On, Request::Train(train), Request::Train(plain), deliver];
        let carried = |wave| {
            let carrier = Some(Carrier { level_cdb: i32::MIN, ..Carrier::silent(wave) });
            Order::Request(line, Request::Train(Train { carrier, ..plain }))
        };
        let wave = Wave::Sweep { from_mhz: (1 << 28) - 1, octaves: i16::MIN, logarithmic: true };
        let sweep = Carrier { wave, level_cdb: -20_000, amplitude: u16::MAX, ramp_us: u32::MAX };
        let mut orders: std::vec::Vec<Order> = requests.map(|request| Order::Request(line, request)).into();
        orders.extend([
            Order::Request(line, Request::Train(Train::pulse(7))),
            Order::Request(line, Request::Power { power_ppm: i32::MIN }),
            Order::Request(line, Request::Train(plain.at_power(i32::MIN))),
            carried(Wave::Ramp { step_ppm: -1 }),
            carried(Wave::Bursts { pulses: u16::MAX, interval_us: u32::MAX, powered: false }),
            carried(Wave::Bursts { pulses: 1, interval_us: 1, powered: true }),
            carried(Wave::List { first: u16::MAX, gap_us: u32::MAX, powered: true }),
            Order::Request(line, Request::Train(Train { carrier: Some(sweep), ..plain })),
            Order::Line(line, rig_line(powered)),
            Order::Clear { silence_us: u32::MAX },
            Order::Line(line, rig_line(role)),
            Order::Line(line, rig_line(input)),
            Order::Arm(u32::MAX),
            Order::Disarm(u32::MAX, DisarmCause::Trip),
            Order::Trip(TripCause::Invariant(InvariantId(u8::MAX))),
            Order::Reset,
            Order::CheckRig,
            Order::Begin,
            Order::End,
            Order::HostBack,
        ]);
        let mut queue = std::boxed::Box::new(OrderQueue::new());
        let (mut out, mut into) = queue.split();
        for round in 0..20 {
            for order in &orders {
                assert!(out.enqueue(order));
                assert_eq!(into.dequeue(), Some(*order), "round {round}");
            }
        }

        let mut whats = std::vec![
            What::Input { line, active: true },
            What::Edge { line, on: false },
            What::Armed(u32::MAX),
            What::Silent,
            What::Lost(u32::MAX),
            What::NotArmed { key_off: true },
            What::Begun { levels: u32::MAX },
            What::Ended,
            What::Rig { good: true },
        ];
        whats.extend(VERDICTS.map(|verdict| What::Verdict { line, verdict }));
        whats.extend(CAUSES.map(|cause| What::Disarmed(u32::MAX, cause)));
        whats.extend(TRIPS.map(What::Trip));
        let mut queue = std::boxed::Box::new(ReportQueue::new());
        let (mut out, mut into) = queue.split();
        for what in whats {
            let report = Report { at: u64::MAX - 5, what };
            assert!(out.enqueue(&report) && into.len() == 1);
            assert_eq!((into.peek(), into.dequeue(), into.dequeue()), (Some(report), Some(report), None));
        }
        let report = Report { at: 0, what: What::Silent };
        let kept = (0..2 * REPORTS).filter(|_| out.enqueue(&report)).count();
        assert_eq!((kept, out.places()), (REPORTS, 0), "what finds no place is refused");
    }
}
