//! Whole sessions on the bench: bytes of the link in, pins and records out.

mod common;

use common::bench::*;
use common::*;
use link::message::{Answer, Command, Refusal, State, Upload};
use link::program::rows::{Invariant, Scope};
use link::rig::{Pull, Role};
use link::{DisarmCause, EndReason, EventId, InvariantId, LineId, Record, StateId, TripCause, VariableId, Verdict};

const LASER_SET: u32 = LineId(LASER).bit();

#[test]
fn a_press_gives_water_and_light_and_every_edge_is_recorded() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        assert_eq!(lab.ask(Command::Arm { lines: LASER_SET }), Answer::Done);
        lab.start();
        lab.wait(100_000);
        let pressed = lab.press();
        lab.wait(500_000);
        assert_eq!(lab.ask(Command::Stop), Answer::Done);
        lab.wait(100_000);

        // What the press leads to is known beforehand: P0 drives the pins as soon as its microsecond is over.
        let rose = pressed + 1;
        assert_eq!(lab.board.changes_of(WATER_PIN), [(rose, true), (rose + 83_000, false)]);
        let flashes = [0, 50_000, 100_000].map(|at| [(rose + at, true), (rose + at + 5_000, false)]).concat();
        assert_eq!(lab.board.changes_of(LASER_PIN), flashes);
        let masked = pressed + 200_000 + 1 + u64::from(SETTLE_US);
        assert_eq!(lab.board.changes_of(MASK_PIN), [(rose, true), (masked, false)]);

        assert!(matches!(lab.records[0].1, Record::Start { seed: 42, levels: 0, .. }));
        for (line, pin) in [(WATER, WATER_PIN), (LASER, LASER_PIN), (MASK, MASK_PIN)] {
            let told: Vec<_> = lab
                .records
                .iter()
                .filter_map(|(at, record)| match record {
                    Record::Edge { line: of, on } if of.0 == line => Some((*at, *on)),
                    _ => None,
                })
                .collect();
            assert_eq!(told, lab.board.changes_of(pin), "line {line}");
        }
        assert_eq!(lab.times_of(Record::Armed { lines: LASER_SET }), [lab.records[0].0]);
        assert_eq!(lab.times_of(Record::End(EndReason::Stopped)).len(), 1);
        let last = Record::Disarmed { lines: LASER_SET, cause: DisarmCause::SessionEnd };
        assert_eq!(lab.records.last().map(|last| last.1), Some(last));
        assert_eq!(lab.outer.state(), State::Over);
    });
}

#[test]
fn the_same_session_gives_the_same_bytes_wherever_halves_come_in_between() {
    let session = |seed| {
        let mut bytes = Vec::new();
        lab(seed, |lab| {
            lab.load(&rig(), &protocol());
            lab.ask(Command::Arm { lines: LASER_SET });
            lab.until(1_000_000);
            lab.start();
            lab.until(2_000_000);
            for _ in 0..20 {
                lab.press();
                lab.wait(400_123);
            }
            lab.ask(Command::Stop);
            lab.wait(200_000);
            assert_eq!(lab.outer.state(), State::Over);
            bytes.clone_from(&lab.bytes);
        });
        bytes
    };
    let calm = session(0);
    assert!(calm.len() > 1_000);
    for seed in 1..20 {
        assert_eq!(session(seed), session(seed), "seed {seed} decides everything");
        let mut sorted = [calm.clone(), session(seed)].map(|bytes| in_any_order(&bytes));
        sorted.iter_mut().for_each(|records| records.sort());
        assert_eq!(sorted[0], sorted[1], "with seed {seed} the same things happen at the same times");
    }
}

/// The records of a stream with their times, so that two streams can be compared whatever the order of the given among
/// the derived.
fn in_any_order(mut bytes: &[u8]) -> Vec<(u64, String)> {
    let mut reader = link::record::Reader::new(0);
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (at, record, rest) = reader.read(bytes).expect("the stream is whole");
        all.push((at, format!("{record:?}")));
        bytes = rest;
    }
    all
}

#[test]
fn a_device_takes_nothing_it_cannot_carry_out() {
    lab(0, |lab| {
        let refused = |refusal| Answer::Refused(refusal);
        assert_eq!(lab.ask(Command::Start { session: 5, seed: 1 }), refused(Refusal::NotLoaded));
        assert_eq!(lab.ask(Command::Arm { lines: LASER_SET }), refused(Refusal::NotLoaded));
        assert_eq!(lab.upload(Upload::Program, &[1, 2, 3, 4]), refused(Refusal::BadProgram));
        assert_eq!(lab.upload(Upload::Rig, &[255, 255]), refused(Refusal::BadRig));

        let mut clash = rig();
        clash.lines[1].pin = clash.lines[0].pin;
        assert_eq!(lab.upload(Upload::Rig, &postcard::to_stdvec(&clash).unwrap()), refused(Refusal::BadRig));
        let mut elsewhere = rig();
        elsewhere.lines[2].pin = 99;
        assert_eq!(lab.upload(Upload::Rig, &postcard::to_stdvec(&elsewhere).unwrap()), refused(Refusal::BadRig));
        assert_eq!(lab.outer.state(), State::Idle);

        lab.load(&rig(), &protocol());
        assert_eq!(lab.outer.state(), State::Loaded);
        assert_eq!(lab.ask(Command::Arm { lines: LineId(WATER).bit() }), refused(Refusal::NotArmable));
        assert_eq!(lab.ask(Command::Stop), refused(Refusal::NotRunning));
        lab.start();
        assert_eq!(lab.ask(Command::Start { session: 6, seed: 1 }), refused(Refusal::Busy));
        assert_eq!(lab.upload(Upload::Program, &[1, 2, 3, 4]), refused(Refusal::Busy));
        let far = Command::Parameter { variable: VariableId(1), value: 3 };
        assert_eq!(lab.ask(far), refused(Refusal::UnknownParameter));
        let fake = Command::Event(EventId::edge(LineId(LEVER), true));
        assert_eq!(lab.ask(fake), refused(Refusal::UnknownEvent), "nobody presses the lever from afar");
        assert_eq!(lab.ask(Command::Forget { session: 5 }), refused(Refusal::Busy));
    });
}

#[test]
fn an_operators_key_and_a_new_parameter_reach_the_program() {
    lab(3, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        assert_eq!(lab.ask(Command::Parameter { variable: VariableId(0), value: -5 }), Answer::Done);
        assert_eq!(lab.ask(Command::Event(EventId::named(0))), Answer::Done);
        lab.wait(50_000);
        assert_eq!(lab.times_of(Record::Parameter { variable: VariableId(0), value: -5 }).len(), 1);
        let entered = Record::Enter { region: link::RegionId(0), state: PAUSE };
        assert_eq!(lab.times_of(entered).len(), 1);
    });
}

/// P1 is busy as the key is pressed afar: the key counts from when P1 hears of it, so that what follows is not late behind it.
#[test]
fn what_comes_from_outside_happens_when_the_engine_hears_of_it() {
    lab(3, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.core_held_until = lab.now + 80_000;
        assert_eq!(lab.ask(Command::Event(EventId::named(0))), Answer::Done);
        assert!(lab.now < lab.core_held_until, "it was taken before P1 knew");
        let heard = lab.core_held_until;
        lab.until(heard + 50_000);
        assert_eq!(lab.times_of(Record::Outside { event: EventId::named(0), late_us: 0 }), [heard]);
    });
}

#[test]
fn a_device_says_at_any_time_which_lines_are_armed() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.wait(100_000);
        assert_eq!(lab.armed, 0);
        assert_eq!(lab.ask(Command::Arm { lines: LASER_SET }), Answer::Done);
        lab.wait(100_000);
        assert_eq!(lab.armed, LASER_SET);
        assert_eq!(lab.ask(Command::Disarm { lines: LASER_SET }), Answer::Done);
        lab.wait(100_000);
        assert_eq!(lab.armed, 0);
    });
}

#[test]
fn a_host_that_dies_disarms_and_one_that_is_soon_back_finds_its_lines_armed_at_the_next_trial() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.ask(Command::Arm { lines: LASER_SET });
        lab.start();
        lab.wait(1_000_000);
        lab.link_up = false;
        lab.wait(1_000_000);
        lab.press();
        assert_eq!(lab.board.changes_of(LASER_PIN), [], "withheld while nobody watches");
        assert_eq!(lab.board.changes_of(WATER_PIN).len(), 1, "the drop is given all the same");
        lab.link_up = true;
        lab.wait(2_000_000);
        lab.press();
        lab.wait(500_000);
        assert_eq!(lab.board.changes_of(LASER_PIN).len(), 6, "armed again");

        let silent = lab.times_of(Record::Silence(true))[0];
        let back = lab.times_of(Record::Silence(false))[0];
        let cause = DisarmCause::Silence;
        assert_eq!(lab.times_of(Record::Disarmed { lines: LASER_SET, cause }), [silent]);
        let withheld = Record::Verdict { line: LineId(LASER), verdict: Verdict::Withheld };
        assert_eq!(lab.times_of(withheld).len(), 1);
        let second_trial = lab.times_of(Record::Trial { number: 2 })[0];
        let armed = lab.times_of(Record::Armed { lines: LASER_SET });
        assert!(back < second_trial && armed[1] >= second_trial && armed[1] < second_trial + 10, "{armed:?}");
    });
}

#[test]
fn a_host_that_comes_back_too_late_finds_its_lines_disarmed_for_good() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.ask(Command::Arm { lines: LASER_SET });
        lab.start();
        lab.link_up = false;
        lab.wait(250_000 + 5_000_000 + 100_000);
        lab.link_up = true;
        lab.wait(1_000_000);
        lab.press();
        lab.wait(1_000_000);
        lab.press();
        lab.wait(1_000_000);
        assert_eq!(lab.board.changes_of(LASER_PIN), []);
        assert_eq!(lab.times_of(Record::Silence(false)).len(), 1);
        assert_eq!(lab.ask(Command::Arm { lines: LASER_SET }), Answer::Done, "a person may arm again");
        lab.press();
        lab.wait(1_000_000);
        assert_eq!(lab.board.changes_of(LASER_PIN).len(), 6);
    });
}

#[test]
fn a_session_without_its_host_ends_at_a_trial_boundary_with_every_record_kept() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        let started = lab.now;
        lab.link_up = false;
        lab.wait(61_000_000);
        assert!(lab.core.running(), "no trial has ended yet");
        lab.press();
        lab.wait(1_000_000);
        assert!(!lab.core.running() && lab.all_off());
        lab.link_up = true;
        lab.wait(1_000_000);
        assert_eq!(lab.outer.state(), State::Over);
        let silent = lab.times_of(Record::Silence(true))[0];
        assert!(silent >= started && silent <= started + 250_000);
        assert_eq!(lab.times_of(Record::LastTrial(EndReason::HostLost)), [silent + 60_000_000]);
        assert_eq!(lab.times_of(Record::End(EndReason::HostLost)).len(), 1);
    });
}

#[test]
fn a_protocol_that_may_not_go_on_alone_stops_at_once() {
    lab(0, |lab| {
        let mut rig = rig();
        rig.carry_on_us = 0;
        lab.load(&rig, &protocol());
        lab.start();
        lab.press();
        lab.link_up = false;
        lab.wait(1_000_000);
        lab.link_up = true;
        lab.wait(1_000_000);
        let silent = lab.times_of(Record::Silence(true))[0];
        assert_eq!(lab.times_of(Record::End(EndReason::HostLost)), [silent]);
    });
}

#[test]
fn an_abort_trips_is_latched_and_is_over_only_when_the_session_is_forgotten() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.ask(Command::Arm { lines: LASER_SET });
        lab.start();
        lab.touch(LEVER_PIN, false);
        lab.wait(10);
        assert!(!lab.all_off());
        let abort = TripCause::HostAbort;
        assert_eq!(lab.ask(Command::Abort), Answer::Done);
        assert!(lab.all_off());
        lab.wait(100_000);
        assert_eq!(lab.times_of(Record::Trip(abort)).len(), 1);
        assert_eq!(lab.times_of(Record::End(EndReason::Tripped(abort))).len(), 1);
        assert_eq!(lab.edge.tripped(), Some(abort));
        assert_eq!(lab.ask(Command::Forget { session: 5 }), Answer::Done);
        assert_eq!((lab.edge.tripped(), lab.outer.state()), (None, State::Loaded));
        lab.records.clear();
        assert_eq!(lab.ask(Command::Start { session: 6, seed: 42 }), Answer::Done, "and the next session starts");
        lab.wait(100_000);
        assert!(matches!(lab.records[0].1, Record::Start { .. }));
    });
}

#[test]
fn a_broken_promise_on_an_armed_line_trips() {
    lab(0, |lab| {
        let mut program = protocol();
        program.invariants.push(Invariant {
            line: LineId(LASER),
            scope: Scope::Session,
            state: StateId::NONE,
            count: 0,
            trips: true,
        });
        lab.load(&rig(), &program);
        lab.ask(Command::Arm { lines: LASER_SET });
        lab.start();
        lab.press();
        lab.wait(100_000);
        let cause = TripCause::Invariant(InvariantId(0));
        assert_eq!(lab.times_of(Record::Trip(cause)).len(), 1);
        assert_eq!(lab.times_of(Record::End(EndReason::Tripped(cause))).len(), 1);
        assert_eq!(lab.board.changes_of(LASER_PIN), []);
        assert!(lab.all_off());
    });
}

#[test]
fn a_processor_held_up_for_too_long_trips() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.touch(LEVER_PIN, false);
        lab.now += u64::from(device::interlock::LATE_MAX_US) + 50;
        lab.wait(100_000);
        assert_eq!(lab.times_of(Record::Trip(TripCause::TooLate)).len(), 1);
        assert!(lab.all_off());
    });
}

#[test]
fn the_watchdog_is_fed_only_while_every_level_goes_on() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        let mut alive = lab.outer.alive();
        alive.all_advanced();
        assert!(!alive.all_advanced(), "nothing ran since");
        lab.edge.poll(lab.now, &mut lab.board);
        assert!(!alive.all_advanced(), "P1 stands still");
        lab.core.poll(lab.now, &mut device::Undisturbed);
        assert!(alive.all_advanced() && !alive.all_advanced());
        lab.core.poll(lab.now, &mut device::Undisturbed);
        assert!(!alive.all_advanced(), "P0 stands still");
    });
}

#[test]
fn a_fault_handler_knows_each_output_and_its_safe_level() {
    let mut safe = device::SafePins::new();
    let mut rig = rig();
    rig.lines[usize::from(MASK)].active_high = false;
    rig.lines.iter().for_each(|line| safe.set_up(line));
    let outputs = [WATER_PIN, CUE_PIN, MASK_PIN, LASER_PIN].iter().fold(0, |set, pin| set | 1 << pin);
    assert_eq!(safe, device::SafePins { outputs, safe_high: 1 << MASK_PIN });
    rig.lines[usize::from(MASK)].role = Role::input(Pull::None, 0);
    safe.set_up(&rig.lines[usize::from(MASK)]);
    assert_eq!(safe, device::SafePins { outputs: outputs & !(1 << MASK_PIN), safe_high: 0 });
}

#[test]
fn a_burst_of_inputs_while_p1_is_held_up_is_handled_whole_each_at_its_own_time() {
    lab(0, |lab| {
        let mut rig = rig();
        rig.lines[usize::from(SPOUT)].role = Role::input(Pull::Down, 0);
        lab.load(&rig, &protocol());
        lab.start();
        let began = lab.now;
        for n in 0..150 {
            lab.now = began + n * 10;
            lab.touch(SPOUT_PIN, n % 2 == 0);
        }
        lab.wait(100_000);
        let expected: Vec<_> = (0..150).map(|n| (began + n * 10, n % 2 == 0)).collect();
        let inputs: Vec<_> = lab
            .records
            .iter()
            .filter_map(|(at, record)| match record {
                Record::Input { active, late_us: 0, .. } => Some((*at, *active)),
                _ => None,
            })
            .collect();
        assert_eq!(inputs, expected);
    });
}

#[test]
fn a_storm_of_inputs_trips_and_the_session_still_ends_as_it_should() {
    lab(0, |lab| {
        let mut rig = rig();
        rig.lines[usize::from(SPOUT)].role = Role::input(Pull::Down, 0);
        lab.load(&rig, &protocol());
        lab.start();
        for n in 0..1_000 {
            lab.touch(SPOUT_PIN, n % 2 == 0);
        }
        lab.wait(100_000);
        let lost: u32 =
            lab.records.iter().map(|(_, record)| if let Record::Lost { count } = record { *count } else { 0 }).sum();
        let kept = lab.records.iter().filter(|(_, record)| matches!(record, Record::Input { .. })).count();
        assert!(lost > 0 && lost as usize + kept == 1_000, "{lost} lost, {kept} kept");
        assert_eq!(lab.times_of(Record::Trip(TripCause::Lost)).len(), 1);
        assert_eq!(lab.times_of(Record::End(EndReason::Tripped(TripCause::Lost))).len(), 1);
        assert_eq!(lab.outer.state(), State::Over);
    });
}

#[test]
fn a_host_that_never_writes_to_disk_is_warned_and_the_session_ends_with_its_last_records() {
    lab(0, |lab| {
        lab.durable = false;
        lab.load(&rig(), &protocol());
        lab.ask(Command::Arm { lines: LASER_SET });
        lab.start();
        let mut presses = 0;
        while lab.core.running() && presses < 2_000 {
            lab.press();
            lab.wait(300_000);
            presses += 1;
        }
        assert!(lab.all_off());
        lab.wait(1_000_000);
        assert_eq!(lab.outer.state(), State::Over);
        let low = lab.records.iter().filter(|(_, record)| matches!(record, Record::RingLow { .. })).count();
        assert_eq!(low, 1);
        assert_eq!(lab.times_of(Record::End(EndReason::RingFull)).len(), 1);
        let ended = Record::Disarmed { lines: LASER_SET, cause: DisarmCause::SessionEnd };
        assert_eq!(lab.records.last().map(|last| last.1), Some(ended), "nothing is missing at the end");
        assert_eq!(lab.ask(Command::Forget { session: 5 }), Answer::Refused(Refusal::NotDurable));
        lab.durable = true;
        lab.wait(200_000);
        assert_eq!(lab.ask(Command::Forget { session: 5 }), Answer::Done);
    });
}
