//! The bytes of version 1 of the link, of the records and of the program image, as they were released.
//!
//! **If a test here fails, do not change the test.** A change to these bytes breaks every journal written and every
//! device in use. Append a variant instead; what is new gets its own lines here, and [`link::message::SCHEMA`] the value
//! the last test names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod frozen;

use frozen::FROZEN;
use link::frame::{MAX_FRAME, checksum};
use link::message::{Body, Bytes, DeviceFrame, HostFrame, Mismatch, SCHEMA, State, Status, Upload, compatible};
use link::program::rows::{
    After, Code, Draw, DrawKind, End, Invariant, Region, Row, Rule, Scope, Slice, State as StateRow, Stimulus, When,
};
use link::record::{Carrier, Request, Train, Wave};
use link::rig::{Duty, Guards, Limits, Pattern, Pull, Rig, RigLine, Role, Sense, Senses, Total};
use link::samples::SampleBlock;
use link::versions::{MARKED, Versions};
use link::*;

/// Fails to compile when a variant is appended, so that nobody forgets its line.
macro_rules! every {
    ($kind:ty { $($variant:pat => $sample:expr),+ $(,)? }) => {{
        fn _none_is_missing(value: $kind) {
            match value { $($variant => {})+ }
        }
        vec![$($sample),+]
    }};
}

fn faults() -> Vec<Fault> {
    every!(Fault {
        Fault::ChainTooLong => Fault::ChainTooLong,
        Fault::Overflow => Fault::Overflow,
        Fault::DivideByZero => Fault::DivideByZero,
        Fault::IndexOutOfRange => Fault::IndexOutOfRange,
        Fault::Stack => Fault::Stack,
        Fault::Draw => Fault::Draw,
        Fault::TooManySignals => Fault::TooManySignals,
        Fault::Duration => Fault::Duration,
        Fault::TooManyDeadlines => Fault::TooManyDeadlines,
        Fault::BadProgram => Fault::BadProgram,
    })
}

fn trips() -> Vec<TripCause> {
    every!(TripCause {
        TripCause::HostAbort => TripCause::HostAbort,
        TripCause::PadMismatch(_) => TripCause::PadMismatch(LineId(7)),
        TripCause::Invariant(_) => TripCause::Invariant(InvariantId(8)),
        TripCause::TooLate => TripCause::TooLate,
        TripCause::Lost => TripCause::Lost,
        TripCause::EmergencyStop => TripCause::EmergencyStop,
        TripCause::Contradiction(_) => TripCause::Contradiction(LineId(9)),
        TripCause::Starved => TripCause::Starved,
        TripCause::NotSensed(_) => TripCause::NotSensed(LineId(10)),
    })
}

fn ends() -> Vec<EndReason> {
    every!(EndReason {
        EndReason::Condition(_) => EndReason::Condition(3),
        EndReason::Stopped => EndReason::Stopped,
        EndReason::Tripped(_) => EndReason::Tripped(TripCause::TooLate),
        EndReason::HostLost => EndReason::HostLost,
        EndReason::Fault(_) => EndReason::Fault(Fault::Stack),
        EndReason::RingFull => EndReason::RingFull,
        EndReason::DeviceReset => EndReason::DeviceReset,
    })
}

fn disarms() -> Vec<DisarmCause> {
    every!(DisarmCause {
        DisarmCause::Operator => DisarmCause::Operator,
        DisarmCause::Silence => DisarmCause::Silence,
        DisarmCause::SessionEnd => DisarmCause::SessionEnd,
        DisarmCause::Trip => DisarmCause::Trip,
        DisarmCause::Key => DisarmCause::Key,
    })
}

fn verdicts() -> Vec<Verdict> {
    every!(Verdict {
        Verdict::Withheld => Verdict::Withheld,
        Verdict::OverMaxOn => Verdict::OverMaxOn,
        Verdict::CutAtMaxOn => Verdict::CutAtMaxOn,
        Verdict::Tripped => Verdict::Tripped,
        Verdict::NotAnOutput => Verdict::NotAnOutput,
        Verdict::CutByDisarm => Verdict::CutByDisarm,
        Verdict::CutByEnd => Verdict::CutByEnd,
        Verdict::NoSuchPower => Verdict::NoSuchPower,
        Verdict::Forbidden => Verdict::Forbidden,
        Verdict::OverPower => Verdict::OverPower,
        Verdict::TooSoon => Verdict::TooSoon,
        Verdict::OverDuty => Verdict::OverDuty,
        Verdict::OverTotal => Verdict::OverTotal,
    })
}

const TRAIN: Train = Train { delay_us: 1, width_us: 5_000, period_us: 50_000, count: 20, carrier: None };

fn tone() -> Train {
    let wave = Wave::Sine { frequency_mhz: 8_000_000 };
    let carrier = Some(Carrier { wave, level_cdb: -7_000, amplitude: 2_072, ramp_us: 5_000 });
    Train { delay_us: 0, width_us: 300_000, period_us: 300_000, count: 1, carrier }
}

fn waves() -> Vec<Wave> {
    every!(Wave {
        Wave::Sine { .. } => Wave::Sine { frequency_mhz: 8_000_000 },
        Wave::Noise => Wave::Noise,
        Wave::Power { .. } => Wave::Power { power_ppm: -1 },
        Wave::Ramp { .. } => Wave::Ramp { step_ppm: -2_000 },
        Wave::Bursts { .. } => Wave::Bursts { pulses: 4, interval_us: 200_000, powered: false },
        Wave::List { .. } => Wave::List { first: 3, gap_us: 1_500, powered: true },
        Wave::Sweep { .. } => Wave::Sweep { from_mhz: 8_000_000, octaves: -4_096, logarithmic: true },
    })
}

fn noise() -> Train {
    let tone = tone();
    Train { carrier: tone.carrier.map(|carrier| Carrier { wave: Wave::Noise, ..carrier }), ..tone }
}

fn sweep() -> Train {
    let tone = tone();
    Train { carrier: tone.carrier.map(|carrier| Carrier { wave: waves().remove(6), ..carrier }), ..tone }
}

fn carried(wave: Wave) -> Train {
    Train { carrier: Some(Carrier { level_cdb: 250_000, ..Carrier::silent(wave) }), ..TRAIN }
}

fn requests() -> Vec<Request> {
    every!(Request {
        Request::Off => Request::Off,
        Request::On => Request::On,
        Request::Train(_) => Request::Train(tone()),
        Request::Deliver { .. } => Request::Deliver { volume_nl: 20_000, width_us: 43_210 },
        Request::Power { .. } => Request::Power { power_ppm: 400_000 },
    })
}

fn records() -> Vec<Record> {
    let line = LineId(4);
    every!(Record {
        Record::Start { .. } => Record::Start { seed: 0x0123_4567_89AB_CDEF, levels: 5, program: 0xDEAD_BEEF },
        Record::Input { .. } => Record::Input { line, active: true, late_us: 300 },
        Record::Outside { .. } => Record::Outside { event: EventId::named(2), late_us: 0 },
        Record::Parameter { .. } => Record::Parameter { variable: VariableId(300), value: -500_000 },
        Record::Stop(_) => Record::Stop(EndReason::Stopped),
        Record::Edge { .. } => Record::Edge { line, on: false },
        Record::Verdict { .. } => Record::Verdict { line, verdict: Verdict::CutAtMaxOn },
        Record::Armed { .. } => Record::Armed { lines: 0x8000_0001 },
        Record::Disarmed { .. } => Record::Disarmed { lines: 6, cause: DisarmCause::Silence },
        Record::Trip(_) => Record::Trip(TripCause::PadMismatch(line)),
        Record::Silence(_) => Record::Silence(true),
        Record::Lost { .. } => Record::Lost { count: 9 },
        Record::RingLow { .. } => Record::RingLow { free: 4_096 },
        Record::Enter { .. } => Record::Enter { region: RegionId(1), state: StateId(1_000) },
        Record::Trial { .. } => Record::Trial { number: 128 },
        Record::Outcome(_) => Record::Outcome(OutcomeId(2)),
        Record::Event(_) => Record::Event(EventId::named(1)),
        Record::Draw { .. } => Record::Draw { draw: DrawId(3), value: 1, odds: (500_000, 1_000_000) },
        Record::Set { .. } => Record::Set { variable: VariableId(7), value: i64::MIN },
        Record::Request { .. } => Record::Request { line, request: Request::Train(TRAIN) },
        Record::Breach { .. } => Record::Breach { invariant: InvariantId(1), line },
        Record::Fault(_) => Record::Fault(Fault::DivideByZero),
        Record::End(_) => Record::End(EndReason::Tripped(TripCause::Invariant(InvariantId(2)))),
        Record::LastTrial(_) => Record::LastTrial(EndReason::HostLost),
        Record::Samples { .. } => Record::Samples { line, block: SampleBlock::of(&[2_000, 2_001, 1_999, 1_800]) },
        Record::NotSensed { .. } => Record::NotSensed { line, on: true },
    })
}

fn commands() -> Vec<Command> {
    let bytes = heapless::Vec::from_slice(&[1, 0, 255]).unwrap();
    every!(Command {
        Command::Hello => Command::Hello,
        Command::Begin { .. } => Command::Begin { what: Upload::Program, bytes: 65_536, hash: [0xA5; 32] },
        Command::Piece { .. } => Command::Piece { offset: 160, bytes },
        Command::Finish => Command::Finish,
        Command::Arm { .. } => Command::Arm { lines: 0x20 },
        Command::Disarm { .. } => Command::Disarm { lines: u32::MAX },
        Command::Start { .. } => Command::Start { session: 5, seed: u64::MAX },
        Command::Stop => Command::Stop,
        Command::Abort => Command::Abort,
        Command::Event(_) => Command::Event(EventId::named(3)),
        Command::Parameter { .. } => Command::Parameter { variable: VariableId(2), value: 20_000 },
        Command::Forget { .. } => Command::Forget { session: 5 },
    })
}

fn answers() -> Vec<Answer> {
    let mut answers =
        every!(Answer { Answer::Done => Answer::Done, Answer::Refused(_) => Answer::Refused(Refusal::Busy) });
    let refusals = every!(Refusal {
        Refusal::NotLoaded => Refusal::NotLoaded,
        Refusal::Busy => Refusal::Busy,
        Refusal::NotRunning => Refusal::NotRunning,
        Refusal::NotThisSession => Refusal::NotThisSession,
        Refusal::BadHash => Refusal::BadHash,
        Refusal::BadPiece => Refusal::BadPiece,
        Refusal::BadLength => Refusal::BadLength,
        Refusal::BadRig => Refusal::BadRig,
        Refusal::BadProgram => Refusal::BadProgram,
        Refusal::NotArmable => Refusal::NotArmable,
        Refusal::NotSafe => Refusal::NotSafe,
        Refusal::UnknownEvent => Refusal::UnknownEvent,
        Refusal::UnknownParameter => Refusal::UnknownParameter,
        Refusal::NotDurable => Refusal::NotDurable,
        Refusal::KeyOff => Refusal::KeyOff,
    });
    answers.extend(refusals.into_iter().map(Answer::Refused));
    answers
}

fn status(state: State) -> Status {
    Status { beat: 200, state, now: 3_600_000_000, first_record: 40, next_record: 300, ring_free: 100_000, armed: 32 }
}

fn bodies() -> Vec<Body<'static>> {
    // As it was released, whatever this build says of itself.
    let greeting = Hello { link_min: 1, link_current: 1, schema: 0x1234_5678, ..common::hello() };
    let bytes = Bytes(&[2, 13, 7]);
    let mut bodies = every!(Body<'_> {
        Body::Status(_) => Body::Status(status(State::Idle)),
        Body::Hello(_) => Body::Hello(greeting),
        Body::Records { .. } => Body::Records { first: 1_000, count: 1, base: 77, bytes },
    });
    let states = every!(State {
        State::Idle => State::Idle,
        State::Loaded => State::Loaded,
        State::Running => State::Running,
        State::Over => State::Over,
    });
    bodies.extend(states.into_iter().map(|state| Body::Status(status(state))));
    bodies
}

fn patterns() -> Vec<Pattern> {
    every!(Pattern {
        Pattern::Band { .. } => Pattern::Band { inner: (1_500, i32::MAX), outer: (-1_400, i32::MAX), inside: true },
        Pattern::Still { .. } => Pattern::Still { within: 20, for_us: 500_000 },
        Pattern::Change { .. } => Pattern::Change { by: 300, until: 30, samples: 20 },
    })
}

fn rigs() -> Vec<Rig> {
    let input = |pull| Role::input(pull, 5_000);
    let looks_for = |looks_for| Role::Detector { source: LineId(2), looks_for };
    let mut roles = every!(Role {
        Role::Input { .. } => input(Pull::Up),
        Role::Output { .. } => Role::Output { limits: Limits::on_for(500_000).armed(), speaker: false },
        Role::Analog => Role::Analog,
        Role::Encoder { .. } => Role::Encoder { pin_b: 22, pull: Pull::Up },
        Role::Detector { .. } => looks_for(patterns().remove(0)),
        Role::Powered { .. } => {
            Role::Powered { limits: counted(), max_power_ppm: 900_000, frequency_mhz: 20_000_000 }
        }
    });
    // Appended: a rig of its own.
    let powered = roles.pop();
    roles.extend(patterns().into_iter().skip(1).map(looks_for));
    roles.extend(
        every!(Pull { Pull::None => input(Pull::None), Pull::Up => input(Pull::Up), Pull::Down => input(Pull::Down) }),
    );
    let lines =
        roles.into_iter().zip(2..).map(|(role, pin)| RigLine { pin, active_high: pin % 2 == 0, role }).collect();
    let first = Rig {
        lines,
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    };
    let guards = every!(Guards {
        Guards::Nothing => Guards::Nothing,
        Guards::Stop => Guards::Stop,
        Guards::Arming => Guards::Arming,
    });
    let guards = guards.into_iter().map(|guards| Role::Input { pull: Pull::Up, debounce_us: 0, guards });
    let roles = powered.into_iter().chain(guards);
    let lines = roles.zip(14..).map(|(role, pin)| RigLine { pin, active_high: false, role }).collect();
    let sense = Sense { output: LineId(0), input: LineId(1), within_us: 2_000, trips: true };
    vec![first.clone(), Rig { lines, senses: [sense].into_iter().collect(), ..first }]
}

/// Every limit there is.
fn counted() -> Limits {
    Limits {
        forbidden: true,
        min_off_us: 10_000_000,
        duty: Some(Duty { window_us: 60_000_000, on_us: 30_000_000 }),
        total: Total { pulses: 20, on_us: 40_000_000, dose_us: 30_000_000, pulse_dose_us: 1_500 },
        ..Limits::on_for(5_000_000).armed()
    }
}

fn entries() -> Vec<Entry> {
    let record = Record::Trial { number: 1 };
    [0, 1, -1, 63, 64, i64::MAX, i64::MIN].map(|since_us| Entry { since_us, record }).to_vec()
}

fn host_frame(command: Option<(u16, Command)>) -> HostFrame {
    HostFrame { boot: 0xB007, beat: 9, session: 5, received: 300, durable: 299, command }
}

fn device_frame(body: Body<'_>) -> DeviceFrame<'_> {
    DeviceFrame { boot: 0xB007, session: 5, applied: 257, answer: Answer::Done, body }
}

/// Whole frames as they stand on the wire: heartbeat, command, status, records.
fn frames() -> Vec<Vec<u8>> {
    let mut out = [0; MAX_FRAME];
    let mut sealed = Vec::new();
    for frame in [host_frame(None), host_frame(Some((257, Command::Stop)))] {
        let used = frame.encode(&mut out).unwrap();
        sealed.push(out[..used].to_vec());
    }
    for body in [Body::Status(status(State::Running)), bodies().remove(2)] {
        let used = device_frame(body).encode(&mut out).unwrap();
        sealed.push(out[..used].to_vec());
    }
    sealed
}

/// One row of every table of a program image.
fn rows() -> Vec<Vec<u32>> {
    fn words<R: Row>(row: &R) -> Vec<u32> {
        let mut words = vec![0; R::WORDS];
        row.write(&mut words);
        words
    }
    let slice = |first, len| Slice { first, len };
    let (target, guard, action) = (StateId(3), Code(4), Code::NONE);
    vec![
        words(&Region { start: StateId(1) }),
        words(&StateRow {
            parent: StateId::NONE,
            initial: StateId(2),
            region: RegionId(1),
            depth: 2,
            entry: Code(5),
            exit: Code(6),
            rules: slice(1, 2),
            afters: slice(3, 4),
            whens: slice(5, 6),
        }),
        words(&Rule { event: EventId::edge(LineId(1), true), target, guard, action }),
        words(&After { duration: Code(9), target, guard, action }),
        words(&When { guard, target: StateId::BACK, action }),
        words(&slice(7, 8)),
        words(&Stimulus { train: tone() }),
        words(&Stimulus { train: noise() }),
        words(&Draw {
            kind: DrawKind::Deck,
            variable: VariableId(1),
            labels: 2,
            constants: 3,
            max_run: 4,
            cells: 5,
            spend_on: Draw::AT_ONCE,
        }),
        words(&Invariant { line: LineId(3), scope: Scope::State, state: StateId(4), count: 1, trips: true }),
        words(&End { condition: Code(11) }),
        words(&Stimulus { train: TRAIN.at_power(300_000) }),
        words(&Stimulus { train: carried(waves().remove(3)) }),
        words(&Stimulus { train: carried(waves().remove(4)) }),
        words(&Stimulus { train: carried(waves().remove(5)) }),
        words(&Stimulus { train: sweep() }),
    ]
}

/// The smallest program there is: one region, one state.
fn image() -> Vec<u32> {
    let mut assembly = assembler::Assembly::default();
    let none = Slice::default();
    assembly.regions.push(Region { start: StateId(0) });
    assembly.states.push(StateRow {
        parent: StateId::NONE,
        initial: StateId::NONE,
        region: RegionId(0),
        depth: 0,
        entry: Code::NONE,
        exit: Code::NONE,
        rules: none,
        afters: none,
        whens: none,
    });
    assembly.image().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn postcards<T: serde::Serialize>(values: &[T]) -> Vec<String> {
    values.iter().map(|value| hex(postcard::to_slice(value, &mut [0; 512]).unwrap())).collect()
}

fn of_words(words: &[u32]) -> String {
    words.iter().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(" ")
}

/// The bytes this build writes, by kind.
fn written() -> Vec<(&'static str, Vec<String>)> {
    let operations = program::op::OpCode::ALL.iter().map(|code| format!("{code:?}")).collect();
    let specials = program::op::Special::ALL.iter().map(|special| format!("{special:?}")).collect();
    let draws = every!(DrawKind {
        DrawKind::Chance => DrawKind::Chance,
        DrawKind::Uniform => DrawKind::Uniform,
        DrawKind::Exponential => DrawKind::Exponential,
        DrawKind::Normal => DrawKind::Normal,
        DrawKind::Weighted => DrawKind::Weighted,
        DrawKind::Deck => DrawKind::Deck,
    });
    let scopes = every!(Scope {
        Scope::Trial => Scope::Trial,
        Scope::Session => Scope::Session,
        Scope::State => Scope::State,
    });
    vec![
        ("Fault", postcards(&faults())),
        ("TripCause", postcards(&trips())),
        ("EndReason", postcards(&ends())),
        ("DisarmCause", postcards(&disarms())),
        ("Verdict", postcards(&verdicts())),
        ("Wave", postcards(&waves())),
        ("Request", postcards(&requests())),
        ("Record", postcards(&records())),
        ("Entry", postcards(&entries())),
        ("Rig", postcards(&rigs())),
        ("Command", postcards(&commands())),
        ("Answer", postcards(&answers())),
        ("Body", postcards(&bodies())),
        ("HostFrame", postcards(&[host_frame(None), host_frame(Some((257, Command::Finish)))])),
        ("DeviceFrame", postcards(&bodies().into_iter().take(1).map(device_frame).collect::<Vec<_>>())),
        ("frame on the wire", frames().iter().map(|frame| hex(frame)).collect()),
        ("program row", rows().iter().map(|row| of_words(row)).collect()),
        ("program image", vec![of_words(&image()), hex(&program::hash(&image()))]),
        ("operation, by its number", operations),
        ("special, by its number", specials),
        ("draw, by its number", draws.iter().map(|kind| format!("{kind:?} {}", *kind as u8)).collect()),
        ("scope, by its number", scopes.iter().map(|scope| format!("{scope:?} {}", *scope as u8)).collect()),
    ]
}

#[test]
fn every_byte_is_as_it_was_released() {
    for ((kind, written), (frozen_kind, frozen)) in written().iter().zip(FROZEN) {
        assert_eq!(kind, frozen_kind);
        for (number, (written, frozen)) in written.iter().zip(*frozen).enumerate() {
            assert_eq!(written, frozen, "{kind} {number}");
        }
        assert_eq!(written.len(), frozen.len(), "{kind}: what was appended needs its line, what was there must stay");
    }
    assert_eq!(written().len(), FROZEN.len());
}

#[test]
fn what_was_released_is_still_understood() {
    fn bytes_of(kind: &str) -> Vec<Vec<u8>> {
        let (_, frozen) = FROZEN.iter().find(|(frozen_kind, _)| *frozen_kind == kind).unwrap();
        let byte = |text: &str, at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        frozen.iter().map(|text| (0..text.len()).step_by(2).map(|at| byte(text, at)).collect()).collect()
    }
    fn read<T: serde::de::DeserializeOwned>(kind: &str) -> Vec<T> {
        bytes_of(kind).iter().map(|bytes| postcard::from_bytes(bytes).unwrap()).collect()
    }
    assert_eq!(read::<Record>("Record"), records());
    assert_eq!(read::<Command>("Command"), commands());
    assert_eq!(read::<Answer>("Answer"), answers());
    assert_eq!(read::<Rig>("Rig"), rigs());
    let released = bytes_of("Body");
    let read_bodies: Vec<Body<'_>> = released.iter().map(|bytes| postcard::from_bytes(bytes).unwrap()).collect();
    assert_eq!(read_bodies, bodies());
}

#[test]
fn the_longest_messages_fit_into_a_frame() {
    let bytes = heapless::Vec::from_slice(&[255; message::PIECE_BYTES]).unwrap();
    let longest = Command::Piece { offset: u32::MAX, bytes };
    let max = u32::MAX;
    let frame = HostFrame {
        boot: max,
        beat: 255,
        session: max,
        received: max,
        durable: max,
        command: Some((u16::MAX, longest)),
    };
    assert!(frame.encode(&mut [0; MAX_FRAME]).is_some());

    let name: heapless::String<{ message::NAME_BYTES }> = "x".repeat(message::NAME_BYTES).as_str().try_into().unwrap();
    let records = [255; message::RECORD_BYTES];
    let hello = Hello {
        link_min: u16::MAX,
        link_current: u16::MAX,
        schema: max,
        id: u64::MAX,
        board: name.clone(),
        firmware: name,
        settle_us: max,
        ring_bytes: max,
        program_words: max,
        lines: 255,
        separate_supply: true,
        program: Some([255; 8]),
    };
    let records = Body::Records { first: max, count: u16::MAX, base: u64::MAX, bytes: Bytes(&records) };
    for body in [records, Body::Hello(hello)] {
        let answer = Answer::Refused(Refusal::NotDurable);
        let frame = DeviceFrame { boot: max, session: max, applied: u16::MAX, answer, body };
        assert!(frame.encode(&mut [0; MAX_FRAME]).is_some());
    }
}

#[test]
fn builds_that_do_not_match_say_which_side_to_update() {
    let hello = |link_min, link_current, schema| Hello { link_min, link_current, schema, ..common::hello() };
    assert_eq!(compatible(&hello(1, 1, SCHEMA)), Ok(()));
    assert_eq!(compatible(&hello(1, 2, !SCHEMA)), Ok(()), "a newer device that still understands version 1");
    assert_eq!(compatible(&hello(0, 0, SCHEMA)), Err(Mismatch::DeviceTooOld { device: 0 }));
    assert_eq!(compatible(&hello(2, 3, SCHEMA)), Err(Mismatch::ControllerTooOld { device: 2 }));
    let schema = compatible(&hello(1, 1, !SCHEMA)).unwrap_err();
    assert!(schema.to_string().contains("update the device"), "{schema}");
    assert!(Mismatch::DeviceTooOld { device: 0 }.to_string().contains("update the device"));
    assert!(Mismatch::ControllerTooOld { device: 2 }.to_string().contains("update the controller"));
}

#[test]
fn an_image_says_what_it_speaks_at_a_mark_that_is_frozen() {
    let marked = Versions { min: 0x0201, current: 0x0403, schema: 0x0807_0605 }.marked();
    assert_eq!(&marked, b"nosepoke's link:\x01\x02\x03\x04\x05\x06\x07\x08");
    let image = [&[7; 99], &marked[..], b"nosepoke's link:"].concat();
    let found = Versions { min: 0x0201, current: 0x0403, schema: 0x0807_0605 };
    assert_eq!(Versions::find(&image), Some((99, found)));
    assert_eq!(Versions::find(&image[..99 + MARKED - 1]), None, "cut");
    assert_eq!(Versions::find(&[]), None);
    assert_eq!(Versions::of(&common::hello()), Versions::OURS);
}

#[test]
fn the_schema_is_the_hash_of_all_frozen_bytes() {
    let all: String = FROZEN.iter().flat_map(|(kind, frozen)| std::iter::once(kind).chain(*frozen)).copied().collect();
    let schema = checksum(all.as_bytes());
    assert_eq!(SCHEMA, schema, "message::SCHEMA must be 0x{:04X}_{:04X}", schema >> 16, schema & 0xFFFF);
}
