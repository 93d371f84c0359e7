//! The pads themselves, on the emulated chip: what they are before a rig is set up, when the chip is reset or loses its supply,
//! and what becomes of everything else when one of them does not follow.

use emulated::{Cord, FineEdge, Upset};
use harness::deadly::scene::DIES_US;
use harness::deadly::{self, Doom, Held, Scene};
use harness::dying::{RESET_NS, TRIP_NS};
use harness::{Aftermath, OnChip, System};
use link::{EndReason, Micros, Record, TripCause};
use sim::VirtualBody;

/// Pins a rig may use: all but the serial port's and those that serve the board itself.
const FREE: u32 = 0x1C7F_FFFC;
/// Every output of the rig with every kind of them, in a state.
fn system(held: Held) -> (Scene, System) {
    let rig = deadly::of_the_tests();
    let scene = Scene::all(&rig, held, Doom::None).expect("the rig has outputs for every state");
    let mut system = System::on_rig(scene.protocol.clone(), &scene.rig, &[], 1);
    system.arm = scene.armed().map(|name| Scene::line(&system.compiled, name).bit()).fold(0, |set, line| set | line);
    system.stop_after_us = Some(DIES_US + 500_000);
    (scene, system)
}

#[test]
fn no_pad_is_driven_from_when_the_supply_comes_until_a_rig_is_set_up_nor_behind_a_reset() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let (_, mut system) = system(Held::On);
    let mut rig = system.chip(&image).unwrap_or_else(|error| panic!("{error}"));
    let mut now: Micros = 0;
    for what in ["the supply came", "reset", "the supply went", "it came again"] {
        match what {
            "reset" => rig.bench().reset(),
            "the supply went" => rig.bench().power(false),
            "it came again" => rig.bench().power(true),
            _ => {}
        }
        for _ in 0..400 {
            now += 137;
            rig.run_until(now);
            let driven = rig.bench().driven().unwrap_or_else(|error| panic!("{error}")) & FREE;
            assert_eq!(driven, 0, "{what}: {now} µs");
        }
    }
    assert_eq!(rig.take_fine(), []);
}

#[test]
fn a_reset_and_the_loss_of_the_supply_let_go_of_every_output_at_once() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for upset in [Upset::Reset, Upset::SupplyGoes(20_000)] {
        for held in [Held::On, Held::Ramping] {
            let (scene, system) = system(held);
            let after = Aftermath::of(&image, system, &[(DIES_US, upset)]);
            println!("{upset:?}, {}: safe after {} ns", held.name(), after.safe_after_ns());
            for (cast, fate) in scene.cast.iter().zip(&after.fates) {
                // A tone that has just begun to rise is not heard yet.
                let heard = cast.is_on && !(cast.output.speaker && held == Held::Ramping);
                assert_eq!(fate.was_on, heard, "{} was to be {}", cast.output.name, held.name());
            }
            assert!(after.safe_after_ns() <= RESET_NS, "{:?}", after.fates);
        }
    }
}

/// A light's pad stays at a level from a time on.
struct Stuck {
    held: Held,
    high: bool,
    /// When it trips at the latest, in µs after that.
    trips_by_us: Micros,
}

/// How often every pad is looked at, in µs, and what that may take.
const LOOK_US: Micros = 5_000 + 1_000;
/// Until a light that is on, or in a pulse, is to go off.
const UNTIL_OFF_US: Micros = 2_000_000;

#[test]
fn a_pad_that_does_not_follow_trips_and_everything_else_is_safe() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    for stuck in [
        Stuck { held: Held::Idle, high: true, trips_by_us: LOOK_US },
        Stuck { held: Held::On, high: false, trips_by_us: LOOK_US },
        Stuck { held: Held::Train, high: false, trips_by_us: LOOK_US },
        // As it is held, until it is to go off.
        Stuck { held: Held::Train, high: true, trips_by_us: 20_000 },
        Stuck { held: Held::Pulse, high: true, trips_by_us: UNTIL_OFF_US },
    ] {
        let told = format!("{}, stays {}", stuck.held.name(), if stuck.high { "on" } else { "off" });
        let (scene, mut system) = system(stuck.held);
        system.stop_after_us = Some(DIES_US + 2_500_000);
        let house = Scene::line(&system.compiled, "house");
        let pin = system.compiled.rig.lines[house.index()].pin;
        let carry_on = scene.cast.iter().filter(|cast| !cast.output.safe_on_trip).map(|cast| cast.output.pin);
        let carry_on: Vec<u8> = carry_on.chain([pin]).collect();
        let after = Aftermath::of(&image, system, &[(DIES_US, Upset::Pad { pin, high: stuck.high })]);
        assert!(after.rig.mishaps().is_empty(), "{told}: {:?}", after.rig.mishaps());
        let cause = TripCause::PadMismatch(house);
        let ended = after.outcome.result.as_ref().map(|ended| ended.reason);
        assert_eq!(ended.unwrap_or_else(|error| panic!("{told}: {error}")), EndReason::Tripped(cause), "{told}");
        let session = after.outcome.session();
        let tripped = session.records().find(|(_, _, record)| *record == Record::Trip(cause)).map(|(_, at, _)| at);
        let tripped_ns = after.rig.device_zero_ns() + tripped.unwrap_or_else(|| panic!("{told}: no trip")) * 1_000;
        // The record has whole microseconds.
        let after_us = tripped_ns.saturating_sub(after.wrong_ns).div_ceil(1_000);
        let others = after.edges.iter().filter(|edge| edge.at_ns > tripped_ns && !carry_on.contains(&edge.pin));
        let late_ns = others.map(|edge| edge.at_ns - tripped_ns).max().unwrap_or(0);
        println!("{told}: trips after {after_us} us, the others are safe {late_ns} ns behind that");
        assert!(after_us <= stuck.trips_by_us, "{told}");
        assert!(late_ns <= TRIP_NS, "{told}");
        // Whatever was on then went off.
        let unsafe_pins = after.fates.iter().filter(|fate| fate.safe_after_ns == u64::MAX && fate.pin != pin);
        assert_eq!(unsafe_pins.count(), 0, "{told}: {:?}", after.fates);
    }
}

#[test]
fn nothing_begins_while_a_pad_is_astray() {
    let Some(image) = OnChip::ready(Cord::Usb) else { return };
    let (_, system) = system(Held::On);
    let house = Scene::line(&system.compiled, "house");
    let pin = system.compiled.rig.lines[house.index()].pin;
    let image = OnChip { stuck: Some((pin, true)), ..image };
    let (outcome, mut rig) = system.run_on_chip(&image).unwrap_or_else(|error| panic!("{error}"));
    let ended = outcome.result.map(|ended| ended.reason).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ended, EndReason::Tripped(TripCause::PadMismatch(house)));
    let others = |edge: &FineEdge| FREE & 1 << edge.pin != 0 && edge.pin != pin;
    let edges: Vec<_> = rig.take_fine().into_iter().filter(others).collect();
    assert_eq!(edges, [], "nothing comes on");
}
