//! What a self-test must find: a sensor that is blind, an output that is stuck, a wire that is off, a stop that does nothing.
//! Each is tried on a simulated rig that is broken in just this way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use compiler::{RigConfig, Source};
use controller::lockstep::{self, Cable};
use controller::selftest::hands::hands;
use controller::selftest::judge::{Found, judge};
use controller::selftest::{self, Try};
use controller::session::{Plan, Session, SyncPolicy};
use journal::{Purpose, Writer};
use link::LineId;
use link::rig::Role;
use sim::animal::{Animal, Scripted};
use sim::{Memory, SimRig, SimSettings, WireFaults};

const BOX: &str = "rig: broken-box
body: simulator
lines:
  mask: {kind: light, pin: 12, sense: {line: diode, within: 5 ms, trip: false}}
  house: {kind: light, pin: 14}
  shock: {kind: shock, pin: 15}
  sync: {kind: sync, pin: 16}
  lever: {kind: lever, pin: 2}
  frame: {kind: frame, pin: 3}
  joystick: {kind: analog, pin: 26, calibration: {date: 2026-11-02, points: [[0.35 V, 0 mm], [2.9 V, 8 mm]]}}
  diode: {kind: input, pin: 17}
  stop: {kind: e_stop, pin: 7}
simulation: {settle: 2 µs}
";

/// In which way the rig is broken.
#[derive(Clone, Copy)]
enum Broken {
    /// Not at all.
    No,
    /// Nobody moves anything, or what is moved is not wired.
    NothingComes,
    /// A pad stays at this level.
    Stuck(u8, bool),
    /// No sensor sees anything.
    Blind,
    /// A sensor sees light all the time.
    Dazzled(u8),
}

fn config() -> RigConfig {
    compiler::read_rig(&Source { name: "box.yaml".into(), text: BOX.into() }).unwrap()
}

fn tried(line: &str, how: &str) -> Try {
    let tries = selftest::tries(&config()).unwrap();
    tries.into_iter().find(|tried| tried.line == line && tried.how.word() == how).unwrap()
}

/// What is found of a line on a rig that is broken so.
fn found(name: &str, tried: &Try, broken: Broken) -> Found {
    let config = config();
    let (protocol, compiled) = selftest::compile(&config, tried).unwrap();
    let place = |name: &str| compiled.symbols.lines.iter().position(|line| line.name == name).unwrap();
    let mut memory = Box::new(Memory::new());
    let person: Box<dyn Animal + Send> = match broken {
        Broken::NothingComes => Box::new(Scripted::new(Vec::new())),
        _ => Box::new(hands(tried, &compiled)),
    };
    let mut sim = SimRig::new(&mut memory, &SimSettings::new(1), &compiled.rig, person);
    match broken {
        Broken::Stuck(pin, level) => sim.pins().stick(pin, Some(level)),
        Broken::Dazzled(pin) => sim.pins().set_input(pin, true),
        _ => {}
    }
    for sense in compiled.rig.senses.iter().filter(|_| matches!(broken, Broken::No)) {
        sim.wire(sense.output, sense.input, 20);
    }
    if let (selftest::How::Looped { input, .. }, Broken::No) = (&tried.how, broken) {
        sim.wire(LineId(place(&tried.line) as u8), LineId(place(input) as u8), 1);
    }
    let armed = compiled.rig.lines[place(&tried.line)].role;
    let must_arm = matches!(armed, Role::Output { limits, .. } if limits.must_arm);
    let arm = must_arm.then(|| (LineId(place(&tried.line) as u8).bit(), "KS".to_owned()));
    let plan = Plan {
        session: 7,
        compiled,
        protocol: protocol.text,
        rig: BOX.into(),
        seed: 1,
        options: Vec::new(),
        purpose: Purpose::SelfTest,
        remarks: Vec::new(),
        subject: None,
        operator: Some("KS".into()),
        arm,
        simulated: true,
        started_ms: None,
        sync: SyncPolicy::SIMULATED,
        wall_clock: None,
    };
    let path = common::folder(&format!("finds-{name}")).join("try.npj");
    let opened = path.clone();
    let mut session = Session::new(plan, Box::new(move |header| Writer::create(&opened, header)));
    let mut cable = Cable::new(WireFaults::NONE, 1);
    lockstep::run(&mut session, &mut sim, &mut cable, &mut |_, _: &mut Session<_>, _: &mut Cable| {});
    judge(tried, &journal::Session::open(&path).unwrap())
}

#[track_caller]
fn passes(name: &str, line: &str, how: &str) {
    let found = found(name, &tried(line, how), Broken::No);
    assert!(found.passed, "{line}: {}", found.detail);
}

#[track_caller]
fn fails(name: &str, line: &str, how: &str, broken: Broken, words: &str) {
    let found = found(name, &tried(line, how), broken);
    assert!(!found.passed, "{line} passed: {}", found.detail);
    assert!(found.detail.contains(words), "{line}: {}", found.detail);
}

#[test]
fn a_rig_that_is_whole_passes() {
    for (line, how) in [
        ("mask", "on"),
        ("house", "on"),
        ("shock", "on"),
        ("sync", "on"),
        ("lever", "touch"),
        ("joystick", "move"),
        ("stop", "stop"),
        ("stop", "release"),
    ] {
        passes(&format!("whole-{line}-{how}"), line, how);
    }
}

#[test]
fn a_blind_sensor_and_one_that_is_dazzled_are_told_apart() {
    fails("blind", "mask", "on", Broken::Blind, "`diode` did not see it");
    fails("dazzled", "mask", "on", Broken::Dazzled(17), "saw it on while it was off");
}

#[test]
fn an_output_that_is_stuck_is_told_with_what_to_do() {
    fails("stuck-off", "house", "on", Broken::Stuck(14, false), "house did not follow its command; software could not");
    fails("stuck-on", "house", "on", Broken::Stuck(14, true), "house did not follow its command; software could not");
}

#[test]
fn a_lever_that_is_not_wired_and_a_stick_that_does_not_move_are_told() {
    fails("no-lever", "lever", "touch", Broken::NothingComes, "look at its wire");
    fails("no-stick", "joystick", "move", Broken::NothingComes, "it stayed between");
    fails("no-stop", "stop", "stop", Broken::NothingComes, "it was not seen to open");
}

#[test]
fn a_lever_that_stays_down_is_told_as_such() {
    fails("lever-down", "lever", "touch", Broken::Dazzled(2), "active before anybody touched it");
}

#[test]
fn a_loop_without_its_wire_is_not_answered_and_with_it_each_call_is() {
    let looped = selftest::looped(&config(), "sync", "frame").unwrap();
    let whole = found("loop", &looped, Broken::No).times.unwrap();
    assert_eq!((whole.answered, whole.unanswered, whole.wire_max_us), (1_000, 0, 1));
    let open = found("no-loop", &looped, Broken::Blind);
    assert!(!open.passed && open.detail.contains("look at the wire"), "{}", open.detail);
    assert_eq!(open.times.unwrap().unanswered, 1_000);
}
