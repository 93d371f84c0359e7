//! The simulated rig by itself, driven through link bytes by the smallest controller there can be.

use assembler::Assembly;
use link::frame::MAX_FRAME;
use link::host_end::{HostEnd, HostEvent};
use link::message::{Answer, Command, Upload};
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Region, Rule, Slice, State, Stimulus};
use link::record::{Reader, Request, Train};
use link::rig::{Limits, Pull, Rig, RigLine, Role, Senses};
use link::upload::Uploader;
use link::{EndReason, EventId, LineId, Micros, Record, RegionId, StateId, TripCause};
use sim::animal::{Scripted, Tap};
use sim::{Memory, PinEdge, SimRig, SimSettings, Wire, WireFaults};

const LEVER: LineId = LineId(0);
const LIGHT: LineId = LineId(1);

fn rig() -> Rig {
    let lines = [
        RigLine { pin: 2, active_high: false, role: Role::input(Pull::Up, 5_000) },
        RigLine {
            pin: 10,
            active_high: true,
            role: Role::Output { limits: Limits::on_for(1_000_000), speaker: false },
        },
    ];
    Rig {
        lines: heapless_lines(&lines),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    }
}

fn heapless_lines(lines: &[RigLine]) -> heapless::Vec<RigLine, 32> {
    heapless::Vec::from_slice(lines).expect("two lines fit")
}

/// Waits for a press, answers with three 10 ms flashes at 20 Hz, and ends the session at the second trial.
fn flashes() -> Vec<u32> {
    let mut assembly = Assembly::default();
    assembly.regions.push(Region { start: StateId(0) });
    let train = Train { delay_us: 0, width_us: 10_000, period_us: 50_000, count: 3, carrier: None };
    assembly.stimuli.push(Stimulus { train });
    let begin = assembly.code(&[Op::new(OpCode::Trial, 0, 0)]);
    let flash = assembly.code(&[Op::new(OpCode::Play, LIGHT.0, 0)]);
    let second = [assembly.push(1_000_000)];
    let second = assembly.code(&second);
    let one_trial = [Op::new(OpCode::Special, 1, 0), Op::new(OpCode::Int, 0, 1), Op::new(OpCode::Equal, 0, 0)];
    let condition = assembly.code(&one_trial);
    assembly.ends.push(link::program::rows::End { condition });
    let state = |entry, rules, afters| State {
        parent: StateId::NONE,
        initial: StateId::NONE,
        region: RegionId(0),
        depth: 0,
        entry,
        exit: Code::NONE,
        rules,
        afters,
        whens: Slice::default(),
    };
    assembly.states.push(state(begin, Slice { first: 0, len: 1 }, Slice::default()));
    assembly.states.push(state(flash, Slice::default(), Slice { first: 0, len: 1 }));
    let press = EventId::edge(LEVER, true);
    assembly.rules.push(Rule { event: press, target: StateId(1), guard: Code::NONE, action: Code::NONE });
    assembly.afters.push(After { duration: second, target: StateId(0), guard: Code::NONE, action: Code::NONE });
    assembly.image().expect("the program fits")
}

struct Seen {
    records: Vec<(Micros, Record)>,
    edges: Vec<PinEdge>,
}

/// Runs one session to its end and gives back what the controller received and what an oscilloscope saw.
fn session(settings: SimSettings, faults: WireFaults, taps: Vec<Tap>) -> Seen {
    meddled_with(settings, faults, taps, |_, _| ())
}

/// The same with somebody at the pins, whenever anything happens.
fn meddled_with(
    settings: SimSettings,
    faults: WireFaults,
    taps: Vec<Tap>,
    mut meddle: impl FnMut(&SimRig<'_>, Micros),
) -> Seen {
    let mut memory = Box::new(Memory::new());
    let mut sim = SimRig::new(&mut memory, &settings, &rig(), Box::new(Scripted::new(taps)));
    sim.connect_scope();
    let image: Vec<u8> = flashes().iter().flat_map(|word| word.to_le_bytes()).collect();
    let rig_bytes = postcard::to_stdvec(&rig()).expect("a rig is written");
    let mut errands: Vec<Command> = Uploader::new(Upload::Rig, &rig_bytes).collect();
    errands.extend(Uploader::new(Upload::Program, &image));
    errands.push(Command::Start { session: 1, seed: settings.seed });
    errands.reverse();

    let mut host = HostEnd::new();
    let mut to_device = Wire::new(1_000, faults, settings.seed, "to device");
    let mut to_host = Wire::new(1_000, faults, settings.seed, "to host");
    let mut records = Vec::new();
    let (mut now, mut frame) = (0, [0; MAX_FRAME]);
    for _ in 0..1_000_000 {
        while to_device.receive(now, |bytes| sim.handle_bytes(now, bytes)) {}
        sim.run_until(now);
        meddle(&sim, now);
        while let Some(used) = sim.poll_transmit(now, &mut frame) {
            to_host.send(now, &frame[..used]);
        }
        while to_host.receive(now, |bytes| hear(&mut host, now, bytes, &mut records)) {}
        host.set_durable(host.received());
        if let Some(command) = errands.pop()
            && host.send(command.clone()).is_err()
        {
            errands.push(command);
        }
        while let Some(used) = host.poll_transmit(now, &mut frame) {
            to_device.send(now, &frame[..used]);
        }
        if matches!(records.last(), Some((_, Record::End(_)))) && !sim.running() {
            return Seen { records, edges: sim.take_scope() };
        }
        let next = [sim.poll_at(), host.poll_at(), to_device.next_at(), to_host.next_at()];
        now = next.into_iter().flatten().min().map_or(now + 1, |next| next.max(now));
    }
    panic!("the session did not end; {} records, last {:?}", records.len(), records.last());
}

fn hear(host: &mut HostEnd, now: Micros, bytes: &[u8], records: &mut Vec<(Micros, Record)>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = host.handle_bytes(now, rest);
        while let Some(event) = host.poll_event() {
            match event {
                HostEvent::Answered { answer, .. } => assert_eq!(answer, Answer::Done),
                HostEvent::Records { base, bytes, .. } => {
                    let (mut reader, mut rest) = (Reader::new(base), bytes);
                    while !rest.is_empty() {
                        let (at, record, tail) = reader.read(rest).expect("records read back");
                        records.push((at, record));
                        rest = tail;
                    }
                }
                _ => {}
            }
        }
    }
}

fn press_at(at_us: u64) -> Vec<Tap> {
    vec![Tap::new(at_us, LEVER, true), Tap::new(at_us + 200_000, LEVER, false)]
}

#[test]
fn a_press_is_answered_by_flashes_on_the_microsecond() {
    let settings = SimSettings { preempt: 0.0, ..SimSettings::new(1) };
    let seen = session(settings, WireFaults::NONE, press_at(500_000));
    let start = seen.records[0].0;
    // The press at 500 ms; answered as soon as its microsecond is over; then 10 ms of light every 50 ms.
    let expected: Vec<(u64, bool)> =
        (0..3).flat_map(|flash| [(500_001 + flash * 50_000, true), (510_001 + flash * 50_000, false)]).collect();
    let edges: Vec<(u64, bool)> = seen.edges.iter().map(|edge| (edge.at - start, edge.on)).collect();
    assert_eq!(edges, expected);
    assert!(seen.records.iter().any(|(at, record)| {
        *at == start + 500_000 && matches!(record, Record::Request { request: Request::Train(_), line: LIGHT })
    }));
    assert_eq!(seen.records.last().map(|(_, record)| *record), Some(Record::End(EndReason::Condition(0))));
}

#[test]
fn a_bad_cable_changes_nothing_at_the_pins() {
    let relative = |seen: Seen| {
        let start = seen.records[0].0;
        let records: Vec<_> = seen.records.iter().map(|(at, record)| (at - start, *record)).collect();
        let edges: Vec<_> = seen.edges.iter().map(|edge| (edge.at - start, edge.line, edge.on)).collect();
        (records, edges)
    };
    let clean = relative(session(SimSettings::new(3), WireFaults::NONE, press_at(300_000)));
    let faulty = relative(session(SimSettings::new(3), WireFaults::all(0.1), press_at(300_000)));
    assert_eq!(clean, faulty);
}

#[test]
fn interruptions_move_no_edge_by_more_than_they_last() {
    for seed in 0..20 {
        let settings = SimSettings { preempt: 0.5, ..SimSettings::new(seed) };
        let seen = session(settings, WireFaults::NONE, press_at(500_000));
        let start = seen.records[0].0;
        let first = seen.edges[0].at - start;
        assert!((500_001..500_100).contains(&first), "seed {seed}: first edge at {first} µs");
        let widths: Vec<u64> = seen.edges.chunks(2).map(|pulse| pulse[1].at - pulse[0].at).collect();
        assert_eq!(widths, [10_000; 3], "seed {seed}");
    }
}

#[test]
fn a_lamp_that_shines_though_nobody_asked_is_found_within_5_ms() {
    let mut astray_at = None;
    let seen = meddled_with(SimSettings::new(5), WireFaults::NONE, Vec::new(), |sim, now| {
        if astray_at.is_none() && sim.began().is_some_and(|began| now >= began + 100_000) {
            astray_at = Some(now);
            sim.pins().stick(10, Some(true));
        }
    });
    let (tripped_at, trip) = seen.records.iter().find(|(_, record)| matches!(record, Record::Trip(_))).expect("a trip");
    assert_eq!(*trip, Record::Trip(TripCause::PadMismatch(LIGHT)));
    let after_us = tripped_at - astray_at.expect("it went astray");
    assert!(after_us <= 5_000, "{after_us} us");
    assert!(matches!(seen.records.last(), Some((_, Record::End(EndReason::Tripped(_))))), "{:?}", seen.records.last());
}
