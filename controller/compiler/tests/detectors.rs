//! Lines that are sampled, and what is looked for on them: lengths and times become raw values and samples of the rig.
#![allow(clippy::unwrap_used)]

mod common;

use common::{shipped, sim_box, task};
use compiler::symbols::Unit;
use compiler::{Compiled, Diagnostics, LinkPort, Measured, Options, RigConfig, Source, compile, read_rig};
use link::rig::{NO_PIN, Pattern, Pull, Role};
use link::{EventId, LineId};

fn rig(text: &str) -> RigConfig {
    read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() }).unwrap_or_else(|found| panic!("{found}"))
}

/// A protocol that waits for one detector.
fn looking(detector: &str, event: &str, rig: &RigConfig) -> Result<Compiled, Diagnostics> {
    let text = format!(
        "protocol: looking\nlines: {{joystick: analog}}\nparameters: {{far: {{default: 3 mm, range: [1 mm, 8 mm]}}}}\n\
         detectors:\n  pull: {detector}\nsession: {{ends: [{{after: 1 min}}]}}\nstart: a\nstates:\n  a:\n    entry: \
         [{{trial: begin}}, {{set: {{x: far}}}}]\n    transitions: [{{event: {event}, to: b}}]\n  b: {{transitions: \
         [{{after: 1 s, to: a}}]}}\nvariables: {{x: 0 mm}}\n"
    );
    compile(&task(&text), rig, &Options::default())
}

fn pattern(compiled: &Compiled) -> Pattern {
    match compiled.rig.lines[1].role {
        Role::Detector { source: LineId(0), looks_for } => looks_for,
        other => panic!("{other:?}"),
    }
}

/// 0.35 V is 434.4, 2.9 V is 3599.5 of 4096 raw values a 3.3 V: 395.6 a mm.
#[test]
fn a_threshold_in_millimetres_is_one_in_raw_values() {
    let compiled = looking("{line: joystick, reach: far, hysteresis: 0.5 mm}", "pull.reach", &sim_box()).unwrap();
    assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    let Pattern::Band { inner: (on, i32::MAX), outer: (off, i32::MAX), inside: true } = pattern(&compiled) else {
        panic!()
    };
    assert!((1_620..1_625).contains(&on), "434 + 3 × 395.6, and {on}");
    assert!((197..=198).contains(&(on - off)), "half a millimetre");
    let line = &compiled.rig.lines[1];
    assert_eq!((line.pin, compiled.rig.sample_us), (NO_PIN, 1_000));
    let symbols = &compiled.symbols.lines;
    assert_eq!((symbols[0].name.as_str(), symbols[0].scale.unwrap().unit), ("joystick", Unit::Length));
    assert_eq!((symbols[1].name.as_str(), symbols[1].on_event.as_str(), symbols[1].output), ("pull", "reach", false));
    let program = link::program::Program::open(&compiled.image).unwrap();
    assert_eq!(program.rule(0).event, EventId::edge(LineId(1), true), "to the program it is an input");
    assert!(compiled.rig.holds_together());
}

#[test]
fn a_lever_wired_the_other_way_round_is_looked_at_the_other_way_round() {
    let turned = shipped("rig-configs/sim-box.yaml")
        .text
        .replace("[[0.35 V, 0 mm], [1.63 V, 4 mm], [2.9 V, 8 mm]]", "[[0.35 V, 8 mm], [1.62 V, 4 mm], [2.9 V, 0 mm]]");
    let compiled = looking("{line: joystick, reach: 3 mm}", "pull.reach", &rig(&turned)).unwrap();
    let Pattern::Band { inner: (i32::MIN, on), outer: (i32::MIN, off), inside: true } = pattern(&compiled) else {
        panic!()
    };
    assert!(on < off, "it falls to {on} and comes back to {off}: a tenth of 3 mm");
    assert!((118..=119).contains(&(off - on)), "a tenth of 3 mm");
}

#[test]
fn everything_that_can_be_looked_for() {
    let raw = |mm_1000: i64| sim_box().line("joystick").unwrap().scale.unwrap().raw(mm_1000).unwrap();
    for (detector, event, looks_for) in [
        (
            "{line: joystick, below: 1 mm, hysteresis: 0.2 mm}",
            "pull.release",
            Pattern::Band { inner: (i32::MIN, raw(1_000)), outer: (i32::MIN, raw(1_200)), inside: true },
        ),
        (
            "{line: joystick, inside: [2 mm, 4 mm], hysteresis: 0.1 mm}",
            "pull.enter",
            Pattern::Band { inner: (raw(2_000), raw(4_000)), outer: (raw(1_900), raw(4_100)), inside: true },
        ),
        (
            "{line: joystick, outside: [2 mm, 4 mm], hysteresis: 0.1 mm}",
            "pull.leave",
            Pattern::Band { inner: (raw(2_100), raw(3_900)), outer: (raw(2_000), raw(4_000)), inside: false },
        ),
        ("{line: joystick, still: 0.1 mm, for: 500 ms}", "pull.move", Pattern::Still { within: 40, for_us: 500_000 }),
        (
            "{line: joystick, onset: 0.5 mm, within: 20 ms}",
            "pull.onset",
            Pattern::Change { by: 198, until: 178, samples: 20 },
        ),
        (
            "{line: joystick, speed: 20 mm/s, over: 100 ms, hysteresis: 10 mm/s}",
            "pull.end",
            Pattern::Change { by: 791, until: 396, samples: 100 },
        ),
    ] {
        let compiled = looking(detector, event, &sim_box()).unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(pattern(&compiled), looks_for, "{detector}");
    }
}

#[test]
fn an_encoder_counts_degrees_or_the_way_round_its_wheel() {
    let text = shipped("rig-configs/pico-box.yaml").text;
    let wheel = |per_turn: &str| {
        let line = format!("  wheel: {{kind: encoder, pin: 6, pin_b: 7, counts_per_turn: 4096{per_turn}}}\n  lever:");
        rig(&text.replace("  lever:", &line))
    };
    let turning = wheel("");
    let config = turning.line("wheel").unwrap();
    assert_eq!(config.line.role, Role::Encoder { pin_b: 7, pull: Pull::Up });
    assert_eq!(config.scale.map(|scale| (scale.unit, scale.raw(360_000))), Some((Unit::Angle, Some(4_096))));
    let running = wheel(", per_turn: 471 mm");
    let scale = running.line("wheel").unwrap().scale.unwrap();
    assert_eq!((scale.unit, scale.raw(471_000), scale.base(-4_096)), (Unit::Length, Some(4_096), -471_000));
}

#[test]
fn a_line_is_sampled_only_where_a_protocol_names_it() {
    let flagship = compile(&shipped("protocols/probabilistic-reward.yaml"), &sim_box(), &Options::default()).unwrap();
    assert_eq!(flagship.rig.sampled(), 0, "the rig's joystick costs nothing where nobody looks at it");
}

#[test]
fn the_box_on_a_pico_is_the_simulated_one_line_for_line() {
    let (pico, sim) = (rig(&shipped("rig-configs/pico-box.yaml").text), sim_box());
    assert_eq!(pico.lines, sim.lines);
    assert_eq!((pico.body.as_str(), pico.separate_supply, pico.device.id), ("rp2040", Some(false), None));
    assert_eq!(pico.simulation, None, "nobody arms a real rig but a person");
    for protocol in ["protocols/probabilistic-reward.yaml", "protocols/lever-pull.yaml", "protocols/first-lever.yaml"] {
        let on = |rig| compile(&shipped(protocol), rig, &Options::default()).unwrap_or_else(|found| panic!("{found}"));
        let (here, there): (Compiled, Compiled) = (on(&pico), on(&sim));
        assert_eq!((here.hash, &here.rig), (there.hash, &there.rig), "{protocol}: the same program for the same rig");
    }
}

#[test]
fn how_a_device_is_found_stands_in_the_rig() {
    let text = shipped("rig-configs/pico-box.yaml").text;
    let device = |line: &str| rig(&text.replace("supply: usb", &format!("supply: separate\ndevice: {line}\n#"))).device;
    let by_number = device("{id: E6616408432C3527}");
    assert_eq!((by_number.id, by_number.link), (Some(0xE661_6408_432C_3527), LinkPort::Usb));
    let by_port = device("{link: uart, port: /dev/ttyUSB0}");
    assert_eq!((by_port.id, by_port.port.as_deref(), by_port.link), (None, Some("/dev/ttyUSB0"), LinkPort::Uart));
}

#[test]
fn what_was_measured_and_how_well_the_line_fits_is_kept() {
    let rig = sim_box();
    let calibration = rig.line("joystick").unwrap().calibration.as_ref().unwrap();
    assert_eq!(calibration.date, "2026-11-02");
    let Measured::Travel { low: 0, high: 8_000, residual } = calibration.measured else { panic!("{calibration:?}") };
    assert!((1..50).contains(&residual), "the point in the middle lies {residual} µm off the straight line");
    let said = rig.line("joystick").unwrap().travel().unwrap();
    assert_eq!(said, "joystick: 0 mm to 8 mm in steps of 3 µm, at most 10 µm off a straight line (2026-11-02)");
    assert_eq!(rig.line("water").unwrap().travel(), None);
}
