//! What moves in the simulated room by itself: a wheel turned by an animal, a lever with its converter's noise, and what is
//! wired to an output.

use link::LineId;
use link::rig::{ANALOG_MAX, Limits, Pattern, Pull, Rig, RigLine, Role, Senses};
use sim::Pins;
use sim::animal::{Scripted, Tap};
use sim::room::Room;

const WHEEL: LineId = LineId(0);
const LEVER: LineId = LineId(1);
const LEVER_PIN: u8 = 26;

fn room(taps: Vec<Tap>) -> Room {
    let line = |pin, role| RigLine { pin, active_high: true, role };
    let lines = [line(6, Role::Encoder { pin_b: 7, pull: Pull::Up }), line(LEVER_PIN, Role::Analog)];
    let rig = Rig {
        lines: lines.into_iter().collect(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    };
    let mut room = Room::new(Pins::new(), &rig, Box::new(Scripted::new(taps)), 1);
    room.put_in(0, true);
    room
}

#[test]
fn a_wheel_turned_forth_and_back_moves_one_pin_at_a_time() {
    let mut room = room(vec![Tap::travel(1_000, WHEEL, 4, 400), Tap::travel(5_000, WHEEL, 2, 200)]);
    let mut seen = Vec::new();
    while let Some(at) = room.next_at() {
        while let Some((pin, high)) = room.change(at) {
            seen.push((at, pin, high));
        }
    }
    let forth = [(1_100, 6, true), (1_200, 7, true), (1_300, 6, false), (1_400, 7, false)];
    let back = [(5_100, 7, true), (5_200, 6, true)];
    assert_eq!(seen, [forth.as_slice(), back.as_slice()].concat());
}

#[test]
fn a_lever_travels_and_its_converter_is_noisy_but_never_beyond_its_ends() {
    let mut room = room(vec![Tap::travel(110_000, LEVER, 3_000, 100_000)]);
    room.travel(0, LEVER_PIN, 1_000, 0);
    let mut at = |now| {
        room.change(now);
        room.raws(now).into_iter().find(|(pin, _)| *pin == LEVER_PIN).map_or(0, |(_, raw)| i32::from(raw))
    };
    let rest: Vec<i32> = (90..100).map(|ms| at(ms * 1_000)).collect();
    assert!(rest.iter().all(|raw| (raw - 1_000).abs() < 10) && rest.iter().any(|raw| *raw != 1_000), "{rest:?}");
    at(110_000);
    assert!((at(160_000) - 2_000).abs() < 10, "half way at half time");
    room.travel(300_000, LEVER_PIN, 9_000, 0);
    assert_eq!(room.raws(300_000), [(LEVER_PIN, ANALOG_MAX as u16)]);
}

#[test]
fn a_photodiode_sees_its_lamp_whoever_sits_in_the_box() {
    const LAMP: u8 = 12;
    const DIODE: u8 = 5;
    const CURRENT: u8 = 26;
    let line = |pin, role| RigLine { pin, active_high: true, role };
    let band = Pattern::Band { inner: (1_500, i32::MAX), outer: (1_400, i32::MAX), inside: true };
    let lines = [
        line(LAMP, Role::Output { limits: Limits::on_for(1_000_000), speaker: false }),
        RigLine { active_high: false, ..line(DIODE, Role::input(Pull::Up, 0)) },
        line(CURRENT, Role::Analog),
        RigLine::detector(LineId(2), band),
    ];
    let rig = Rig {
        lines: lines.into_iter().collect(),
        silence_us: 250_000,
        rejoin_us: 5_000_000,
        carry_on_us: 60_000_000,
        sample_us: 1_000,
        senses: Senses::new(),
    };
    let pins = Pins::new();
    // Nobody was put in.
    let mut room = Room::new(pins.clone(), &rig, Box::new(Scripted::new(Vec::new())), 1);
    room.wire(LineId(0), LineId(1), 20);
    room.wire(LineId(0), LineId(3), 0);
    let mut seen = Vec::new();
    for (now, on) in [(100_000, true), (200_000, false)] {
        pins.drive(LAMP, on);
        room.notice(now, |_, _| {});
        assert_eq!(room.next_at(), Some(now + 20), "not before it has come through");
        assert_eq!(room.change(now), None);
        seen.extend(room.change(now + 20));
        let raw =
            room.raws(now + 1_000).into_iter().find(|(pin, _)| *pin == CURRENT).map_or(0, |(_, raw)| i32::from(raw));
        assert_eq!(raw >= 1_500, on, "{raw}");
        assert!(on || raw < 1_400, "{raw}");
    }
    assert_eq!(seen, [(DIODE, false), (DIODE, true)], "it pulls its line low");
}
