//! A wheel with a quadrature encoder on two pins, on the simulator and on the emulated Pico: the same turning gives the same
//! counts, events and order; fast turning loses no count up to the rate that is stated, and beyond it nothing is lost in
//! silence.

use compiler::Source;
use emulated::Cord;
use harness::{OnChip, System, on_both};
use journal::pairing::Tolerance;
use journal::{Allowed, Session};
use link::{EndReason, LineId, Micros, Record, TripCause};
use sim::animal::{Scripted, Tap};

/// A mouse runs for water: it rests, sets off, and is paid for 100 mm; backing off is told too.
const RUN: &str = "protocol: run-for-water
lines: {treadmill: encoder, water: valve, mask: light}
detectors:
  far:     {line: treadmill, reach: 100 mm, hysteresis: 5 mm}
  behind:  {line: treadmill, below: -20 mm, hysteresis: 2 mm}
  running: {line: treadmill, speed: 50 mm/s, over: 50 ms}
  resting: {line: treadmill, still: 1 mm, for: 200 ms}
counters: {starts: {count: running.onset, reset: session}}
session: {ends: [{after: 12 s}]}
start: rest
states:
  rest:
    entry: [{trial: begin}]
    transitions: [{event: running.onset, to: run}, {after: 4 s, outcome: rested, to: rest}]
  run:
    entry: [{on: mask}]
    transitions:
      - {event: far.reach, outcome: paid, to: pay}
      - {event: behind.reach, outcome: backwards, to: pay}
      - {event: resting.settle, outcome: gave_up, to: rest}
  pay:
    entry: [{deliver: {line: water, volume: 8 µl}, if: far.reached}]
    transitions: [{after: 300 ms, to: rest}]
";

/// Two wheels and nothing else, for as fast as they may turn.
const SPIN: &str = "protocol: spin
lines: {wheel: encoder, other: encoder}
session: {ends: [{after: 4 s}]}
start: turn
states:
  turn:
    entry: [{trial: begin}]
    transitions: [{after: 1 s, outcome: turned, to: turn}]
";
const SPIN_BOX: &str = "rig: spin-box
body: simulator
lines:
  wheel: {kind: encoder, pin: 6, pin_b: 7, counts_per_turn: 4096}
  other: {kind: encoder, pin: 8, pin_b: 15, counts_per_turn: 4096}
simulation: {settle: 2 µs, animal: {model: none}}
";
/// Counts a second, of each of two wheels at once, that the image for the Pico follows, as docs/rig-config.md says.
const FOLLOWED_HZ: u64 = 100_000;

const MS: Micros = 1_000;

fn source(text: &str) -> Source {
    Source { name: "protocol.yaml".to_owned(), text: text.to_owned() }
}

fn line(system: &System, name: &str) -> LineId {
    LineId(system.compiled.symbols.lines.iter().position(|line| line.name == name).expect("the line") as u8)
}

/// What each sample of a line found, in order.
fn counts(session: &Session, line: LineId) -> Vec<i32> {
    let blocks = session.records().filter_map(|(_, at, record)| match record {
        Record::Samples { line: of, block } if of == line => Some((at, block)),
        _ => None,
    });
    blocks.flat_map(|(at, block)| sense::timed(at, &block, 1_000).map(|(_, raw)| raw).collect::<Vec<_>>()).collect()
}

fn times(session: &Session, like: impl Fn(&Record) -> bool) -> usize {
    session.records().filter(|(_, _, record)| like(record)).count()
}

#[test]
fn a_wheel_turned_forth_and_back_is_counted_on_the_chip_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let system = || System::written(source(RUN), &[], 6);
    let wheel = line(&system(), "treadmill");
    // Where the wheel goes, one after the other: from when, in ms, to which count, in how many ms. Pins change half way
    // between two samples while it turns a count a ms; then 8 counts a ms.
    let way = [(500, 1_200, 1_200), (2_500, 1_000, 200), (3_600, 100, 900), (5_200, -500, 600), (7_000, 3_500, 500)];
    let taps = way.map(|(at, to, over)| Tap::travel(at * MS + 500, wheel, to, over * MS));
    let allowed = Allowed::on(Tolerance::RP2040);
    let both = on_both(&image, &allowed, || system().with_animal(Scripted::new(taps.to_vec())));
    println!("run-for-water: {}", both.found);
    assert!(both.found.is_same(), "{}", both.found);
    let (simulated, on_chip) = (counts(&both.simulated, wheel), counts(&both.on_chip, wheel));
    let slow = 6_900;
    assert_eq!(simulated[..slow], on_chip[..slow], "every sample, as long as it turns slowly");
    let widest = simulated.iter().zip(&on_chip).map(|(one, other)| one.abs_diff(*other)).max();
    assert!(
        widest <= Some(1),
        "what is read a little later of a wheel that turns faster is a count further: {widest:?}"
    );
    assert!(both.found.unlike.0 < 50, "{}", both.found);
    for counts in [&simulated, &on_chip] {
        assert_eq!(
            (counts.iter().max(), counts.iter().min(), counts.last()),
            (Some(&3_500), Some(&-500), Some(&3_500))
        );
    }
    let session = &both.on_chip;
    let names = system().compiled.symbols.outcomes.clone();
    let outcomes = session.records().filter_map(|(_, _, record)| match record {
        Record::Outcome(outcome) => Some(names[outcome.index()].as_str()),
        _ => None,
    });
    let outcomes: Vec<_> = outcomes.filter(|outcome| *outcome != "rested").collect();
    assert_eq!(outcomes, ["paid", "gave_up", "gave_up", "backwards", "paid"]);
    assert_eq!(times(session, |record| matches!(record, Record::Lost { .. })), 0);
}

/// Both wheels turn so fast on the chip, for a while, forth and then half of it back: what each turned, what was counted,
/// edges told as lost, and how the session ended.
fn spin(image: &OnChip, hz: u64) -> ([i32; 2], [i32; 2], u32, Option<EndReason>) {
    let turns = (hz / 10) as i32;
    let system = System::on_rig(source(SPIN), &source(SPIN_BOX), &[], 1);
    let wheels = ["wheel", "other"].map(|name| line(&system, name));
    let taps = wheels.iter().zip([0, 7]).flat_map(|(wheel, after)| {
        let over = u64::from(turns.unsigned_abs()) * 1_000_000 / hz;
        [
            Tap::travel(500 * MS + 300 + after, *wheel, turns, over),
            Tap::travel(1_500 * MS + 300 + after, *wheel, turns / 2, over / 2),
        ]
    });
    let (outcome, chip) = match system.with_animal(Scripted::new(taps.collect())).run_on_chip(image) {
        Ok(ran) => ran,
        Err(error) => panic!("{error}"),
    };
    assert!(chip.mishaps().is_empty(), "{:?}", chip.mishaps());
    let session = outcome.session();
    let counted = wheels.map(|wheel| counts(&session, wheel).last().copied().unwrap_or(0));
    let lost =
        session.records().map(|(_, _, record)| if let Record::Lost { count } = record { count } else { 0 }).sum();
    let end = session.records().find_map(|(_, _, record)| match record {
        Record::End(reason) => Some(reason),
        _ => None,
    });
    ([turns / 2; 2], counted, lost, end)
}

#[test]
fn a_wheel_is_followed_up_to_the_stated_rate_and_never_lost_in_silence() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    println!("| counts a second, each of two wheels | turned | counted | told as lost | end |\n|---|---|---|---|---|");
    for hz in [1_000, 10_000, 40_000, FOLLOWED_HZ, 150_000, 200_000, 400_000] {
        let (turned, counted, lost, end) = spin(&image, hz);
        println!("| {hz} | {turned:?} | {counted:?} | {lost} | {end:?} |");
        let starved = end == Some(EndReason::Tripped(TripCause::Starved));
        assert!(!starved || hz > FOLLOWED_HZ, "{hz} Hz is stated to be followed, and leaves no time for the rest");
        if lost == 0 && !starved {
            assert_eq!(counted, turned, "{hz} Hz: counts were lost, and nobody said so");
        } else {
            assert!(hz > FOLLOWED_HZ, "{hz} Hz is stated to be followed, and {lost} edges were lost");
            let told = [TripCause::Lost, TripCause::Starved].map(|cause| Some(EndReason::Tripped(cause)));
            assert!(told.contains(&end), "{hz} Hz: {end:?}");
        }
    }
}
