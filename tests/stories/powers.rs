//! Powers from a protocol to the pins: the same session on the emulated chip and in simulation, the frequency and the share of
//! each period measured at the chip's slices, and off whenever and however the interlock says so.

use compiler::Source;
use controller::session::Ended;
use emulated::{Carried, Cord, EmulatedRig, Event, Goes, Upset};
use harness::{OnChip, Outcome, System, same_on_chip};
use journal::pairing::Tolerance;
use link::record::Request;
use link::{DisarmCause, EndReason, LineId, Micros, Record, TripCause};
use sim::animal::{Scripted, Tap};

/// A box with a dimmable light, a diode that is on when low, and a motor beside the light on one slice.
const BOX: &str = "rig: dimmed
body: simulator
lines:
  lever: {kind: lever, pin: 2, debounce: 5 ms}
  house: {kind: light, pin: 14, pwm: 20 kHz}
  rod: {kind: motor, pin: 15, pwm: 20 kHz}
  laser: {kind: laser, pin: 16, pwm: 130 kHz, active: low, pull_up: external}
  lamp: {kind: light, pin: 18, pwm: 37 Hz}
simulation:
  person: {name: operator, arms: [laser]}
  animal: {model: none}
";
const HOUSE: u8 = 14;
const ROD: u8 = 15;
const LASER: u8 = 16;
const LAMP: u8 = 18;
/// What was asked for, in mHz, by pin.
const FREQUENCIES: [(u8, u64); 4] = [(HOUSE, 20_000_000), (ROD, 20_000_000), (LASER, 130_000_000), (LAMP, 37_000)];

const DIMMED: &str = "protocol: dimmed
lines: {lever: lever, house: light, rod: motor, laser: laser, lamp: light}
variables: {speed: 10 %}
stimuli:
  flash: {pulses: {width: 3 ms, rate: 100 Hz, count: 5, delay: 7 ms, power: 30 %}}
session: {ends: [{trials: 4}]}
start: dim
states:
  dim:
    entry:
      - trial: begin
      - on: {line: house, power: 40 %}
      - on: {line: rod, power: speed}
      - pulse: {line: laser, stimulus: flash}
    on:
      - {event: lever.press, do: [{set: {speed: speed + 13.7 %}}, {on: {line: rod, power: speed, until: off}}]}
    transitions: [{after: 200 ms, to: bright}]
  bright:
    entry:
      - on: house
      - pulse: {line: laser, width: 1 ms, power: 100 %}
      - on: {line: lamp, for: 70 ms, power: 33.333 %}
    transitions: [{after: 100 ms, outcome: done, to: dim}]
";

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// Presses every 90 ms, from 50 ms on.
fn presses() -> Scripted {
    let press = |n: u64| {
        let at_us = 50_137 + n * 90_000;
        [Tap::new(at_us, LineId(0), true), Tap::new(at_us + 30_000, LineId(0), false)]
    };
    Scripted::new((0..9).flat_map(press).collect())
}

fn system() -> System {
    System::on_rig(source("dimmed.yaml", DIMMED), &source("box.yaml", BOX), &[], 1).with_animal(presses())
}

/// What a pin carried while it was on, in the order of time; shares of a period as counts.
fn carried(rig: &EmulatedRig, pin: u8) -> Vec<Carried> {
    rig.powers().iter().copied().filter(|carried| carried.pin == pin).collect()
}

#[test]
fn powers_on_the_chip_go_as_in_simulation() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let found = same_on_chip(&image, system);
    println!("powers: {found}");
    assert!(found.differences.is_empty(), "{found}");
    assert!(found.records > 60 && found.edges > 60, "{found}");
}

#[test]
fn frequency_and_share_of_each_power_are_as_asked_within_a_step() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let (outcome, mut rig) = system().run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.result.is_ok() && rig.mishaps().is_empty(), "{:?} {:?}", outcome.result, rig.mishaps());
    assert_eq!(rig.outputs_on(), 0);

    for (pin, frequency_mhz) in FREQUENCIES {
        let all = carried(&rig, pin);
        assert!(!all.is_empty(), "pin {pin} never carried anything");
        let worst = all.iter().map(|carried| {
            let period_ps = u64::from(carried.counts) * carried.tick_ps;
            let made_mhz = 1e15 / period_ps as f64;
            (made_mhz / frequency_mhz as f64 - 1.0).abs()
        });
        let worst = worst.fold(0.0, f64::max);
        println!("pin {pin}: {frequency_mhz} mHz asked for, at most {:.4} % off", worst * 100.0);
        assert!(worst < 0.001, "pin {pin}: {worst}");
    }

    // What each request asked for is what the pin carries a period later, to the nearest count.
    let session = outcome.session();
    let begun_ns = rig.device_zero_ns();
    let pins: Vec<u8> = system().compiled.rig.lines.iter().map(|line| line.pin).collect();
    let (mut seen, mut widest) = (0, 0.0_f64);
    for (_, at, record) in session.records() {
        let Record::Request { line, request } = record else { continue };
        let asked = match request {
            Request::On => 1_000_000,
            _ => match request.power_ppm() {
                Some(power_ppm) => power_ppm,
                None => continue,
            },
        };
        let pin = pins[line.index()];
        let delay_us = request.train().map_or(0, |train| train.delay_us);
        let from_ns = begun_ns + (at + Micros::from(delay_us)) * 1_000;
        // A response, and a period for two pins that share a slice.
        let frequency_mhz = FREQUENCIES.iter().find(|(other, _)| *other == pin).map_or(1, |(_, mhz)| *mhz);
        let settled_ns = from_ns + Tolerance::RP2040.latency_us * 1_000 + 1_000_000_000_000 / frequency_mhz;
        let held = carried(&rig, pin).into_iter().rfind(|carried| carried.at_ns <= settled_ns);
        let held = held.unwrap_or_else(|| panic!("pin {pin} carried nothing by {settled_ns} ns"));
        let share = f64::from(held.compare) * 1e6 / f64::from(held.counts);
        let off_counts = (share - f64::from(asked)).abs() * f64::from(held.counts) / 1e6;
        widest = widest.max(off_counts);
        assert!(off_counts <= 0.51, "pin {pin}: {asked} ppm asked for at {at} µs, {held:?}");
        seen += 1;
    }
    println!("{seen} powers asked for, the pins carry them within {widest:.2} of a step");
    assert!(seen > 20, "only {seen} powers");

    // Both edges of every flash at their microsecond, though the pin is driven by a slice in between.
    let edges = rig.take_fine();
    let flashes: Vec<(u64, u64)> = {
        let laser = edges.iter().filter(|edge| edge.pin == LASER);
        let on = laser.clone().filter(|edge| !edge.high).map(|edge| edge.at_ns);
        on.zip(laser.filter(|edge| edge.high).map(|edge| edge.at_ns)).collect()
    };
    let widths = flashes.iter().map(|(on, off)| off - on);
    let worst = widths.map(|ns| ns.abs_diff(if ns < 2_000_000 { 1_000_000 } else { 3_000_000 })).max();
    println!("{} flashes, their widths at most {} ns off", flashes.len(), worst.unwrap_or(u64::MAX));
    assert!(flashes.len() == 4 * 6 && worst.is_some_and(|ns| ns <= 1_000), "{flashes:?}");

    // A pin alone on its slice has its power from the first count on, however long a period takes.
    let lamp: Vec<u64> = edges.iter().filter(|edge| edge.pin == LAMP && edge.high).map(|edge| edge.at_ns).collect();
    let lit = lamp.iter().map(|on| (LAMP, *on, on + 70_000_000));
    for (pin, on, off) in flashes.iter().map(|(on, off)| (LASER, *on, *off)).chain(lit) {
        let at = |ns: u64| carried(&rig, pin).into_iter().rfind(|carried| carried.at_ns <= ns);
        let (first, last) = (at(on + 2_000), at(off - 1));
        assert_eq!(first.map(|carried| carried.compare), last.map(|carried| carried.compare), "pin {pin} at {on} ns");
    }
}

#[test]
fn a_session_with_powers_replays_and_pairs_in_simulation() {
    let outcome = system().run();
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(outcome.still_on, 0);
    let report = journal::replay(&outcome.session()).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.is_clean(), "{report}");

    let report = report::Report::of(&outcome.session()).expect("a session that started");
    let table = report.trials();
    for (column, last) in
        [("house_power_percent", "100"), ("laser_power_percent", "100"), ("lamp_power_percent", "33.333")]
    {
        let place = table.columns.iter().position(|name| name == column).expect(column);
        assert_eq!(table.rows[0][place].to_string(), last, "{column}");
    }
}

/// Runs the protocol until something ends it, and what the pins did.
fn ended(image: &OnChip, system: System) -> (Outcome, EmulatedRig) {
    let (outcome, rig) = system.run_on_chip(image).unwrap_or_else(|error| panic!("{error}"));
    // The laser, safe when high, has no resistor here to hold it there once a reset lets go of it.
    assert_eq!([HOUSE, ROD, LAMP].map(|pin| rig.pins().is_high(pin)), [false; 3]);
    (outcome, rig)
}

#[test]
fn a_stop_in_the_midst_leaves_every_power_off() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let mut system = system();
    system.stop_after_us = Some(150_000);
    let (outcome, rig) = ended(&image, system);
    assert!(matches!(outcome.result, Ok(Ended { reason: EndReason::Stopped, .. })), "{:?}", outcome.result);
    assert!(rig.mishaps().is_empty() && !carried(&rig, HOUSE).is_empty(), "{:?}", rig.mishaps());
    assert_eq!(rig.outputs_on(), 0);
}

/// Light and laser held at a power.
const HELD: &str = "protocol: held
lines: {house: light, laser: laser}
session: {ends: [{trials: 2}]}
start: lit
states:
  lit:
    entry: [{trial: begin}, {on: {line: house, power: 40 %}}, {on: {line: laser, power: 30 %}}]
    transitions: [{after: 1 s, outcome: done, to: lit}]
";

#[test]
fn a_silent_controller_disarms_a_power_in_the_midst() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let mut system = System::on_rig(source("held.yaml", HELD), &source("box.yaml", BOX), &[], 1);
    system.unplugged_us = Some((300_000, 900_000));
    let (outcome, mut rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.result.is_ok() && rig.mishaps().is_empty(), "{:?} {:?}", outcome.result, rig.mishaps());
    assert_eq!(rig.outputs_on(), 0);
    let session = outcome.session();
    let begun = session.records().next().map_or(0, |(_, at, _)| at);
    let silent = session.records().find(|(_, _, record)| matches!(record, Record::Disarmed { .. }));
    assert!(
        matches!(silent, Some((_, _, Record::Disarmed { cause: DisarmCause::Silence, lines })) if lines == LineId(1).bit()),
        "{silent:?}"
    );
    let zero_ns = rig.device_zero_ns() + begun * 1_000;
    let edges = rig.take_fine();
    let of =
        |pin: u8, high| edges.iter().filter(move |edge| edge.pin == pin && edge.high == high && edge.at_ns > zero_ns);
    let (on, off) = (of(LASER, false).next(), of(LASER, true).next());
    let (on, off) = on.zip(off).map_or((0, 0), |(on, off)| (on.at_ns - zero_ns, off.at_ns - zero_ns));
    println!("laser on at {on} ns, off at {off} ns of the session; the cable was out from 300 ms on");
    assert!(on < 250_000 && (500_000_000..570_000_000).contains(&off), "{on} ns to {off} ns");
    assert!(of(HOUSE, false).all(|edge| edge.at_ns - zero_ns > 900_000_000), "what is not armed stays on");
}

#[test]
fn a_pad_that_does_not_follow_trips_and_no_power_comes_on() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    let image = OnChip { stuck: Some((HOUSE, true)), ..image };
    let (outcome, rig) = system().run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
    let house = LineId(1);
    let reason = EndReason::Tripped(TripCause::PadMismatch(house));
    assert!(matches!(outcome.result, Ok(Ended { reason: told, .. }) if told == reason), "{:?}", outcome.result);
    assert!(rig.powers().is_empty(), "{:?}", rig.powers());
    assert_eq!(rig.outputs_on(), house.bit(), "what is stuck is all that is on");
}

#[test]
fn the_chip_itself_refuses_what_cannot_share_a_slice() {
    let Some(image) = OnChip::ready(Cord::Uart) else { return };
    // A simulator has no slices, so its rig may say what no Pico's may.
    for (line, other) in [
        ("rod: {kind: motor, pin: 15, pwm: 20 kHz}", "rod: {kind: motor, pin: 15, pwm: 19 kHz}"),
        (
            "lamp: {kind: light, pin: 18, pwm: 37 Hz}",
            "lamp: {kind: light, pin: 6, pwm: 5 kHz}\n  sun: {kind: light, pin: 22, pwm: 5 kHz}",
        ),
        (
            "lever: {kind: lever, pin: 2, debounce: 5 ms}",
            "lever: {kind: lever, pin: 2}\n  bell: {kind: speaker, pin: 17}",
        ),
        (
            "lever: {kind: lever, pin: 2, debounce: 5 ms}",
            "bell: {kind: speaker, pin: 17}\n  lever: {kind: lever, pin: 2}",
        ),
    ] {
        let text = BOX.replace(line, other);
        let system = System::on_rig(source("held.yaml", HELD), &source("box.yaml", &text), &[], 1);
        let (outcome, rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
        let told = outcome.result.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("rig"), "{other}: {told}");
        assert!(rig.powers().is_empty() && rig.outputs_on() & LineId(0).bit() == 0, "{other}: {:?}", rig.powers());
    }
}

#[test]
fn a_fault_and_the_watchdog_leave_every_power_off() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for (goes, cause, limit_ns) in [(Goes::Astray, "forced", 5_000), (Goes::Loops, "watchdog", 60_000_000)] {
        // P1 goes astray with light and motor on.
        let wrong_us: Micros = 120_000;
        let image = OnChip { upsets: vec![(wrong_us, Upset::Code { level: 2, goes })], ..image.clone() };
        let (outcome, mut rig) = ended(&image, system());
        assert!(matches!(outcome.result, Ok(Ended { reason: EndReason::DeviceReset, .. })), "{:?}", outcome.result);
        let reset = rig.mishaps().iter().find_map(|mishap| match mishap {
            Event::Reset { cause, .. } => Some(cause.clone()),
            _ => None,
        });
        assert_eq!(reset.as_deref(), Some(cause));
        let session = outcome.session();
        let begun = session.records().next().map_or(0, |(_, at, _)| at);
        let fault = rig.mishaps().iter().find_map(|mishap| match mishap {
            Event::Fault { at, .. } => Some(*at),
            _ => None,
        });
        let wrong_ns = fault.unwrap_or(rig.room_zero_ns() + (begun + wrong_us) * 1_000);
        let edges = rig.take_fine();
        for pin in [HOUSE, ROD] {
            let mut edges = edges.iter().filter(|edge| edge.pin == pin);
            let was_on = edges.clone().rfind(|edge| edge.at_ns <= wrong_ns).is_some_and(|edge| edge.high);
            assert!(was_on, "pin {pin} was to be on");
            let safe = edges.find(|edge| edge.at_ns > wrong_ns).map_or(u64::MAX, |edge| edge.at_ns);
            let after_ns = safe - wrong_ns;
            println!("{cause}: pin {pin} safe after {after_ns} ns");
            assert!(after_ns <= limit_ns && !edges.any(|edge| edge.high), "pin {pin}: {after_ns} ns");
        }
    }
}
