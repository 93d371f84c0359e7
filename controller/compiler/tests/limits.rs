//! Limits of a rig as a person writes them: what the device is told of each, what a kind is held to where the rig says
//! nothing, and what a slip is answered with.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn};
use compiler::{Diagnostics, LineConfig, RigConfig, Source, Used, read_rig};
use link::rig::{Duty, Guards, Limits, NO_LIMIT, Pull, Role, Total};

/// A box with one of every output that can harm, each limit stated somewhere.
const BOX: &str = "\
rig: box
body: rp2040
lines:
  lever: {kind: lever, pin: 2}
  stop: {kind: e_stop, pin: 3}
  key: {kind: arm_key, pin: 4}
  water:
    kind: valve
    pin: 10
    max_on: 300 ms
    min_off: 20 ms
    duty: {on: 1 s, within: 10 s}
    calibration: {date: 2026-11-02, volumes: [[10 ms, 4 µl], [100 ms, 22 µl]]}
    per_session: {volume: 6 ml, pulses: 400}
    per_day: {volume: 10 ml}
  shock:
    kind: shock
    pin: 12
    calibration: {date: 2026-11-02, current: 0.6 mA}
    per_session: {charge: 3 mC}
  laser:
    kind: laser
    pin: 14
    pwm: 20 kHz
    max_power: 80 %
    duty: 25 % of 40 s
    calibration: {date: 2026-11-02, power: 12 mW}
    per_session: {energy: 500 mJ}
  rod: {kind: motor, pin: 16, active: low, pull_up: external}
  house: {kind: light, pin: 18}
";

fn rig(text: &str) -> Result<RigConfig, Diagnostics> {
    read_rig(&Source { name: "box.yaml".to_owned(), text: text.to_owned() })
}

fn good(text: &str) -> RigConfig {
    rig(text).unwrap_or_else(|found| panic!("{found}"))
}

fn line<'r>(rig: &'r RigConfig, name: &str) -> &'r LineConfig {
    rig.line(name).unwrap()
}

fn limits(rig: &RigConfig, name: &str) -> Limits {
    line(rig, name).line.role.output().unwrap().limits
}

#[test]
fn what_a_rig_states_is_what_the_device_is_told() {
    let rig = good(BOX);
    let water = limits(&rig, "water");
    assert_eq!((water.max_on_us, water.min_off_us), (300_000, 20_000));
    assert_eq!(water.duty, Some(Duty { window_us: 10_000_000, on_us: 1_000_000 }));
    // 0.2 µl a ms and 2 µl besides each time: 6 ml are 30 s, a pulse counts 10 ms more.
    let total = Total { pulses: 400, on_us: 120_000_000, dose_us: 30_000_000, pulse_dose_us: 10_000 };
    assert_eq!(water.total, total, "the kind's 120 s of a session hold beside what is stated");

    let shock = limits(&rig, "shock");
    assert!(shock.must_arm && shock.safe_on_trip);
    assert_eq!((shock.max_on_us, shock.min_off_us, shock.duty), (1_000_000, 10_000_000, None));
    let total = Total { pulses: 20, on_us: NO_LIMIT, dose_us: 5_000_000, pulse_dose_us: 0 };
    assert_eq!(shock.total, total, "3 mC at 0.6 mA are 5 s; the day's 20 are no more in one session");

    let Role::Powered { limits: laser, max_power_ppm, .. } = line(&rig, "laser").line.role else { panic!() };
    assert_eq!(max_power_ppm, 800_000);
    assert_eq!(laser.duty, Some(Duty { window_us: 40_000_000, on_us: 10_000_000 }));
    assert_eq!(laser.total.dose_us, 41_666_666, "500 mJ at 12 mW, rounded down");
    assert!(!limits(&rig, "house").is_counted(), "a light cannot harm");
}

#[test]
fn a_rig_that_states_nothing_is_held_to_its_kinds() {
    let rig = good(
        "rig: bare\nbody: rp2040\nlines:\n  a: {kind: valve, pin: 2}\n  b: {kind: shock, pin: 3}\n  c: {kind: laser, pin: 4}\n  \
         d: {kind: motor, pin: 5}\n  e: {kind: output, pin: 6}\n  f: {kind: sync, pin: 7}\n  g: {kind: trigger, pin: 8}\n  \
         h: {kind: light, pin: 9}\n  i: {kind: speaker, pin: 10}\n",
    );
    let told = |name| {
        let Limits { max_on_us, min_off_us, duty, total, .. } = limits(&rig, name);
        (max_on_us, min_off_us, duty.map(|duty| (duty.on_us, duty.window_us)), total)
    };
    let open = Total { on_us: 120_000_000, ..Total::NONE };
    let shocks = Total { pulses: 20, ..Total::NONE };
    assert_eq!(told("a"), (500_000, 10_000, Some((2_500_000, 10_000_000)), open));
    assert_eq!(told("b"), (1_000_000, 10_000_000, None, shocks));
    assert_eq!(told("c"), (5_000_000, 0, Some((30_000_000, 60_000_000)), Total::NONE));
    assert_eq!(told("d"), (600_000_000, 0, Some((1_800_000_000, 3_600_000_000)), Total::NONE));
    assert_eq!(told("e"), (1_000_000, 10_000, Some((2_500_000, 10_000_000)), open));
    for free in ["f", "g", "h", "i"] {
        assert!(!limits(&rig, free).is_counted(), "{free}");
    }
}

#[test]
fn a_limit_of_the_kind_can_be_lifted() {
    let lifted = BOX
        .replace("    min_off: 20 ms\n    duty: {on: 1 s, within: 10 s}\n", "    min_off: none\n    duty: none\n")
        .replace("per_session: {volume: 6 ml, pulses: 400}", "per_session: {on: none}")
        .replace("    per_day: {volume: 10 ml}\n", "");
    let rig = good(&lifted);
    assert!(!limits(&rig, "water").is_counted(), "nothing is left to count");
    let lifted = BOX.replace("per_session: {charge: 3 mC}", "per_session: none\n    per_day: none");
    assert_eq!(limits(&good(&lifted), "shock").total, Total::NONE);
}

#[test]
fn a_shorter_duty_shortens_the_time_in_one_go() {
    let rig = good(&BOX.replace("duty: 25 % of 40 s", "duty: 5 % of 40 s"));
    assert_eq!(limits(&rig, "laser").max_on_us, 2_000_000, "the kind's 5 s could never be had");
}

#[test]
fn a_subject_gets_what_is_left_of_its_day() {
    let rig = good(BOX);
    let water = line(&rig, "water").totals;
    let dose = water.dose.unwrap();
    let fresh = water.left(&Used::default());
    assert_eq!((fresh.pulses, fresh.dose_us), (400, 30_000_000), "6 ml of the day's 10: the session's limit");

    // 300 drops of 4 µl, 10 ms each, in the morning.
    let morning = Used { pulses: 300, on_us: 3_000_000, dose: dose.given(300, 3_000_000) };
    assert_eq!(morning.dose, 1_200_000, "nl");
    assert_eq!(water.left(&morning), fresh, "8.8 ml are left of the day, more than a session may give");
    let noon = Used { dose: 8_000_000, ..morning };
    assert_eq!(water.left(&noon).dose_us, 10_000_000, "2 ml are left");
    assert_eq!(water.left(&noon).pulses, 400, "no limit of the day on pulses");
    let night = Used { dose: 11_000_000, ..morning };
    assert_eq!(water.left(&night).dose_us, 0, "more than the day's: nothing");

    let shock = line(&rig, "shock").totals;
    assert_eq!(shock.left(&Used { pulses: 13, ..Used::default() }).pulses, 7);
}

#[test]
fn a_stop_with_a_broken_wire_has_stopped_and_a_key_with_one_is_off() {
    let wired = |guard: &str, keys: &str| {
        let line = format!("rig: a\nbody: rp2040\nlines: {{g: {{kind: {guard}, pin: 2{keys}}}}}\n");
        rig(&line).map(|rig| {
            let line = rig.line("g").unwrap().line;
            let Role::Input { pull, guards, .. } = line.role else { panic!() };
            // With its wire open a pin is where its resistor pulls it.
            ((pull == Pull::Up) == line.active_high, guards)
        })
    };
    for keys in ["", ", active: high", ", pull: up", ", active: high, pull: up", ", active: low", ", pull: down"] {
        assert_eq!(wired("e_stop", keys).unwrap(), (true, Guards::Stop), "{keys}");
    }
    for keys in ["", ", active: low", ", pull: up", ", active: low, pull: up", ", active: high", ", pull: down"] {
        assert_eq!(wired("arm_key", keys).unwrap(), (false, Guards::Arming), "{keys}");
    }
    for (guard, keys) in [
        ("e_stop", ", active: low, pull: up"),
        ("e_stop", ", active: high, pull: down"),
        ("e_stop", ", pull: none"),
        ("arm_key", ", active: high, pull: up"),
        ("arm_key", ", active: low, pull: down"),
        ("arm_key", ", active: low, pull: none"),
    ] {
        assert_eq!(wired(guard, keys).unwrap_err().list[0].code, "E185-open-wire", "{guard}{keys}");
    }
}

#[test]
fn slips_in_limits_are_met_where_they_were_made() {
    let cases: &[Case] = &[
        case("no unit", "min_off: 20 ms", "min_off: 20", "E024-missing-unit"),
        case("longer in one go than in a window", "max_on: 300 ms", "max_on: 3 s", "E180-max-on-past-limit"),
        case("a duty that is one number", "duty: 25 % of 40 s", "duty: 25 %", "E181-duty"),
        case("a duty of more than all", "duty: 25 % of 40 s", "duty: 125 % of 40 s", "E181-duty"),
        case("a duty without a unit", "duty: 25 % of 40 s", "duty: 25 % of 40", "E024-missing-unit"),
        case("a duty without its window", "{on: 1 s, within: 10 s}", "{on: 1 s}", "E030-missing-key"),
        case(
            "a window that holds less than its part",
            "{on: 1 s, within: 10 s}",
            "{on: 10 s, within: 1 s}",
            "E181-duty",
        ),
        case("a total of nothing", "pulses: 400", "pulses: 0", "E182-past-counting"),
        case("a session longer than is counted", "{volume: 6 ml, pulses: 400}", "{on: 2 h}", "E182-past-counting"),
        case("less than one drop", "volume: 6 ml", "volume: 1 µl", "E182-past-counting"),
        case("more than is counted", "volume: 6 ml", "volume: 6000 ml", "E182-past-counting"),
        case("a charge of water", "volume: 10 ml", "charge: 10 mC", "E032-unknown-key"),
        case("a volume in coulombs", "volume: 10 ml", "volume: 10 mC", "E025-wrong-unit"),
        case(
            "a charge of an unknown current",
            "    calibration: {date: 2026-11-02, current: 0.6 mA}\n",
            "",
            "E183-dose-not-calibrated",
        ),
        case("a current in watts", "current: 0.6 mA", "current: 0.6 mW", "E025-wrong-unit"),
        case("a shock calibrated as a laser", "current: 0.6 mA", "power: 0.6 mW", "E030-missing-key"),
        case("a power of a line that has none", "    pwm: 20 kHz\n", "", "E038-no-power"),
        case("a highest power of nothing", "max_power: 80 %", "max_power: 0 %", "E027-out-of-bounds"),
        case("a limit on an input", "lever, pin: 2", "lever, pin: 2, max_on: 1 s", "E032-unknown-key"),
        case("on when low, and nothing holds it off", ", pull_up: external", "", "E184-pull-up"),
        case("held on", "active: low, pull_up", "pull_up", "E184-pull-up"),
        case(
            "a stop that a cut wire silences",
            "e_stop, pin: 3",
            "e_stop, pin: 3, active: low, pull: up",
            "E185-open-wire",
        ),
        case(
            "a key that a cut wire turns",
            "arm_key, pin: 4",
            "arm_key, pin: 4, active: high, pull: up",
            "E185-open-wire",
        ),
        case("a stop that floats", "e_stop, pin: 3", "e_stop, pin: 3, pull: none", "E185-open-wire"),
        case("two keys", "{kind: light, pin: 18}", "{kind: arm_key, pin: 18}", "E187-two-keys"),
    ];
    insta::assert_snapshot!("limits", drawn(cases, |text| rig(text).unwrap_err(), BOX));
}

#[test]
fn more_outputs_than_a_device_counts_are_told_what_to_lift() {
    let valves = |keys: &str| {
        let lines: Vec<String> = (2..=18).map(|pin| format!("  v{pin}: {{kind: valve, pin: {pin}{keys}}}")).collect();
        format!("rig: many\nbody: rp2040\nlines:\n{}\n", lines.join("\n"))
    };
    let found = rig(&valves("")).unwrap_err();
    assert_eq!(found.list[0].code, "E186-too-many-counted", "{found}");
    insta::assert_snapshot!("too-many-counted", found.to_string());
    good(&valves(", min_off: none, duty: none, per_session: none"));
}

#[test]
fn every_protocol_that_ships_is_good_on_every_rig_that_has_its_lines() {
    let folder = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let files = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
        let is_test = |path: &std::path::Path| path.to_string_lossy().ends_with(".test.yaml");
        files.filter(|path| path.extension().is_some_and(|end| end == "yaml") && !is_test(path)).collect::<Vec<_>>()
    };
    let (rigs, protocols) = (folder("rig-configs"), folder("protocols"));
    assert!(rigs.len() >= 3 && protocols.len() >= 4);
    let rigs: Vec<_> = rigs
        .iter()
        .map(|path| read_rig(&Source::read(path).unwrap()).unwrap_or_else(|found| panic!("{found}")))
        .collect();
    let lacks = |found: &Diagnostics| {
        let lacking = ["E100-rig-lacks-line", "E237-rig-lacks-array", "E101-wrong-kind"];
        found.list.iter().any(|finding| lacking.contains(&finding.code))
    };
    for protocol in &protocols {
        let mut good = 0;
        for rig in &rigs {
            let compiled = compiler::compile(&Source::read(protocol).unwrap(), rig, &compiler::Options::default());
            let compiled = match compiled {
                Ok(compiled) => compiled,
                Err(found) if lacks(&found) => continue,
                Err(found) => panic!("{found}"),
            };
            assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
            assert!(compiled.rig.holds_together(), "{protocol:?} on {}", rig.name);
            good += 1;
        }
        assert!(good > 0, "no rig that ships has the lines of {protocol:?}");
    }
}
