//! Who may arm and who may stop, as the controller does its part: a rig's key is waited for, a person's second Ctrl-C trips,
//! and what follows is said in the journal.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use compiler::{Compiled, Options, RigConfig, Source};
use controller::lockstep::{self, Cable};
use controller::room;
use controller::session::{Ended, KEY_PATIENCE_US, Plan, Session, SessionError, SyncPolicy};
use controller::stop::Asked;
use journal::{Purpose, Writer};
use link::message::Refusal;
use link::{DisarmCause, EndReason, LineId, Micros, Record, TripCause};
use sim::{Memory, SimRig, VirtualBody, WireFaults};

/// A laser that flashes four times a second, for ever; the key and the stop of its box are inputs like any other.
const FLASHES: &str = "protocol: flashes
lines: {laser: laser}
session: {ends: [{trials: 20}]}
start: flash
states:
  flash:
    entry: [{trial: begin}, {pulse: {line: laser, width: 5 ms}}]
    transitions: [{after: 250 ms, outcome: flashed, to: flash}]
";

const BOX: &str = "rig: keyed-box
body: simulator
lines:
  laser: {kind: laser, pin: 13, arm: required}
  key: {kind: arm_key, pin: 6}
  stop: {kind: e_stop, pin: 7}
simulation: {settle: 2 µs}
";

/// Somebody beside the rig, who moves its inputs whatever the controller does.
struct Beside<'m> {
    rig: SimRig<'m>,
    compiled: Compiled,
    /// When, which input, to active or not; in order.
    moves: Vec<(Micros, &'static str, bool)>,
}

impl Beside<'_> {
    fn act(&mut self, now: Micros) {
        while let Some((at, name, active)) = self.moves.first().copied().filter(|(at, ..)| *at <= now) {
            self.moves.remove(0);
            self.rig.run_until(at);
            let place = self.compiled.symbols.lines.iter().position(|line| line.name == name).unwrap();
            self.rig.touch(&self.compiled.rig.lines[place], active);
        }
    }
}

impl VirtualBody for Beside<'_> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.act(now);
        self.rig.handle_bytes(now, bytes);
    }

    fn run_until(&mut self, now: Micros) {
        self.act(now);
        self.rig.run_until(now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.rig.poll_transmit(now, out)
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        let next = self.moves.first().map_or(limit, |(at, ..)| (*at).min(limit));
        self.rig.poll_at().map_or(next, |at| at.min(next))
    }
}

fn config() -> RigConfig {
    compiler::read_rig(&Source { name: "box.yaml".into(), text: BOX.into() }).unwrap()
}

fn compiled() -> Compiled {
    let protocol = Source { name: "flashes.yaml".into(), text: FLASHES.into() };
    compiler::compile(&protocol, &config(), &Options::default()).unwrap()
}

/// What became of a session that somebody arms, while these inputs move and a person asks for this at these times.
fn session(
    name: &str,
    moves: &[(Micros, &'static str, bool)],
    asks: &[(Micros, Asked)],
) -> (Result<Ended, SessionError>, Option<journal::Session>, Micros) {
    let compiled = compiled();
    let plan = Plan {
        session: 7,
        compiled: compiled.clone(),
        protocol: FLASHES.into(),
        rig: BOX.into(),
        seed: 1,
        options: Vec::new(),
        purpose: Purpose::Session,
        remarks: Vec::new(),
        subject: Some("R12".into()),
        operator: Some("KS".into()),
        arm: Some((LineId(0).bit(), "KS".into())),
        simulated: true,
        started_ms: None,
        sync: SyncPolicy::SIMULATED,
        wall_clock: None,
    };
    let path = common::folder(&format!("arming-{name}")).join("session.npj");
    let opened = path.clone();
    let mut session = Session::new(plan, Box::new(move |header| Writer::create(&opened, header)));
    let mut memory = Box::new(Memory::new());
    let rig = room::simulated(&compiled, &config(), 1, &mut memory).unwrap();
    let mut beside = Beside { rig, compiled, moves: moves.to_vec() };
    let mut cable = Cable::new(WireFaults::NONE, 1);
    let ended_at =
        lockstep::run(&mut session, &mut beside, &mut cable, &mut |now, session: &mut Session<_>, _: &mut Cable| {
            for (_, asked) in asks.iter().filter(|(at, _)| *at <= now) {
                session.heed(*asked);
            }
        });
    let read = journal::Session::open(&path).ok();
    (session.take_result().unwrap(), read, ended_at)
}

fn at(session: &journal::Session, wanted: impl Fn(&Record) -> bool) -> Vec<Micros> {
    session.records().filter(|(_, _, record)| wanted(record)).map(|(_, at, _)| at).collect()
}

fn flashes(session: &journal::Session) -> usize {
    at(session, |record| matches!(record, Record::Edge { line: LineId(0), on: true })).len()
}

const SECOND: Micros = 1_000_000;

#[test]
fn a_session_waits_until_somebody_has_turned_the_key() {
    let (ended, journal, _) = session("waits", &[(20 * SECOND, "key", true)], &[]);
    assert!(matches!(ended.unwrap().reason, EndReason::Condition(_)));
    let journal = journal.unwrap();
    assert!(at(&journal, |record| matches!(record, Record::Start { .. }))[0] >= 20 * SECOND, "not before");
    assert_eq!(flashes(&journal), 20, "and every flash came");
}

#[test]
fn a_key_that_nobody_turns_is_waited_for_a_minute_and_nothing_starts() {
    let (ended, journal, ended_at) = session("never", &[], &[]);
    let Err(SessionError::Refused { refusal: Refusal::KeyOff, .. }) = ended else { panic!("{ended:?}") };
    assert!((KEY_PATIENCE_US..KEY_PATIENCE_US + 5 * SECOND).contains(&ended_at), "{ended_at}");
    assert_eq!(journal.map_or(0, |journal| journal.records_len()), 0);
}

#[test]
fn ctrl_c_gives_up_waiting_for_the_key() {
    let (ended, _, ended_at) = session("gives-up", &[(20 * SECOND, "key", true)], &[(3 * SECOND, Asked::Stop)]);
    let Err(SessionError::Refused { refusal: Refusal::KeyOff, .. }) = ended else { panic!("{ended:?}") };
    assert!(ended_at < 4 * SECOND, "{ended_at}");
}

#[test]
fn a_key_turned_off_disarms_for_good_and_the_session_goes_on() {
    let (ended, journal, _) =
        session("off", &[(0, "key", true), (2 * SECOND, "key", false), (3 * SECOND, "key", true)], &[]);
    assert!(matches!(ended.unwrap().reason, EndReason::Condition(_)), "the animal's session is not over");
    let journal = journal.unwrap();
    let off = at(&journal, |record| matches!(record, Record::Disarmed { cause: DisarmCause::Key, .. }));
    assert_eq!(off.len(), 1);
    let last = *at(&journal, |record| matches!(record, Record::Edge { on: true, .. })).last().unwrap();
    assert!(last <= off[0], "turned on again it does not arm: a person does, for another session");
    let (withheld, fired) = (at(&journal, |record| matches!(record, Record::Verdict { .. })).len(), flashes(&journal));
    assert_eq!((withheld + fired, fired > 2), (20, true), "each flash came or is told of");
    let summary = report::Report::of(&journal).unwrap().summary().table();
    assert!(summary.contains("laser disarmed: the key was turned off"), "{summary}");
}

#[test]
fn asked_once_a_session_ends_in_order_and_asked_twice_it_trips() {
    let key = [(0, "key", true)];
    let (stopped, journal, _) = session("stop", &key, &[(2 * SECOND, Asked::Stop)]);
    assert_eq!(stopped.unwrap().reason, EndReason::Stopped);
    assert!(at(&journal.unwrap(), |record| matches!(record, Record::Trip(_))).is_empty());
    let (aborted, journal, _) = session("abort", &key, &[(2 * SECOND, Asked::Abort)]);
    assert_eq!(aborted.unwrap().reason, EndReason::Tripped(TripCause::HostAbort));
    let summary = report::Report::of(&journal.unwrap()).unwrap().summary().table();
    assert!(summary.contains("trip: the controller asked for it; nothing is wrong with the rig"), "{summary}");
}

#[test]
fn the_emergency_stop_ends_the_session_and_the_summary_says_what_to_do() {
    let (ended, journal, _) = session("emergency", &[(0, "key", true), (2 * SECOND, "stop", true)], &[]);
    assert_eq!(ended.unwrap().reason, EndReason::Tripped(TripCause::EmergencyStop));
    let journal = journal.unwrap();
    let summary = report::Report::of(&journal).unwrap().summary().table();
    assert!(summary.contains("the emergency stop opened; see that animal and rig are well"), "{summary}");
    assert!(journal::replay(&journal).unwrap().is_clean());
}

#[test]
fn a_session_begun_while_the_stop_is_pressed_ends_before_anything_happens() {
    let (ended, journal, _) = session("pressed", &[(0, "stop", true), (0, "key", true)], &[]);
    match ended {
        Ok(ended) => assert_eq!(ended.reason, EndReason::Tripped(TripCause::EmergencyStop)),
        Err(SessionError::Refused { refusal: Refusal::NotSafe, .. }) => {}
        Err(other) => panic!("{other}"),
    }
    assert_eq!(journal.map_or(0, |journal| flashes(&journal)), 0);
}
