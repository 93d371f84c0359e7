//! Stimuli: what a protocol says of them, the trains that are then asked for, and what a person gets to read who writes one that
//! cannot be made; `snapshots/stimuli__*` show every message as a terminal draws it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Case, case, drawn, task};
use compiler::{Compiled, Diagnostics, Options, RigConfig, Source, compile, read_rig};
use engine::{Engine, Given, Start};
use link::program::{Program, Table};
use link::pulses::{self, ListPulse};
use link::record::{Carrier, Request, Train, Wave};
use link::{LineId, Micros, Record};

/// A box whose laser and motor carry a power.
const BOX: &str = "\
rig: stimuli
body: rp2040
lines:
  lever: {kind: lever, pin: 2}
  key: {kind: button, pin: 3}
  cue: {kind: speaker, pin: 12, calibration: {date: 2026-11-02, full_scale: 95 dB}}
  house: {kind: light, pin: 14}
  laser: {kind: laser, pin: 16, pwm: 20 kHz}
  rod: {kind: motor, pin: 18, pwm: 20 kHz, max_on: 10 min, calibration: {date: 2026-11-02, speeds: [[10 %, 4 rpm], [50 %, 20 rpm], [100 %, 45 rpm]]}}
";

/// A protocol with every stimulus and nothing wrong.
const GOOD: &str = "\
protocol: stimuli
lines:
  lever: lever
  key: button
  cue: speaker
  house: light
  laser: laser
  rod: motor
parameters:
  dim: {default: 10 %, range: [0 %, 100 %]}
  fastest: {default: 40 rpm, range: [4 rpm, 45 rpm]}
stimuli:
  theta: {pulses: {width: 5 ms, rate: 100 Hz, count: 4, bursts: {count: 10, rate: 5 Hz}, delay: 2 ms}}
  while_on: {pulses: {width: 1 ms, gap: 4 ms, for: 20 ms, bursts: {period: 100 ms, for: 1 s}}}
  poisson: {pulses: {at: [0 ms, 12 ms, 47 ms], width: 5 ms, delay: 1 ms}}
  uneven: {pulses: {at: [3 ms, 20 ms], width: [2 ms, 500 µs], power: dim}}
  rising: {pulses: {width: 5 ms, rate: 20 Hz, count: 5, power: {from: dim, to: 40 %}}}
  blink: {pulses: {rate: 2 Hz, duty: 50 %}}
  flash: {pulses: {rate: 4 Hz, duty: 20 %, for: 1 s}}
  pips: {tone: {frequency: 8 kHz, level: 75 dB, duration: 50 ms, ramp: 5 ms, rate: 1 Hz, count: 30}}
  hisses: {noise: {level: 60 dB, duration: 200 ms, ramp: 10 ms, gap: 300 ms, for: 2 s}}
  up: {sweep: {from: 4 kHz, to: 16 kHz, level: 70 dB, duration: 300 ms, ramp: 5 ms}}
  down: {sweep: {from: 16 kHz, to: 12 kHz, scale: linear, level: 70 dB, duration: 300 ms, period: 1 s, count: 3}}
session: {ends: [{after: 10 min}]}
start: a
states:
  a:
    entry:
      - trial: begin
      - pulse: {line: house, stimulus: theta}
      - pulse: {line: laser, stimulus: rising}
      - play: {line: cue, stimulus: pips}
    transitions: [{after: 3 s, to: b}]
  b:
    entry:
      - pulse: {line: house, stimulus: while_on}
      - pulse: {line: laser, stimulus: uneven}
      - play: {line: cue, stimulus: hisses}
    transitions: [{after: 3 s, to: c}]
  c:
    entry:
      - pulse: {line: house, stimulus: poisson}
      - pulse: {line: laser, stimulus: theta, power: dim}
      - play: {line: cue, stimulus: up}
    transitions: [{after: 3 s, to: d}]
  d:
    entry:
      - pulse: {line: house, stimulus: flash}
      - play: {line: cue, stimulus: down}
      - pulse: {line: laser, stimulus: poisson, power: 20 %}
    transitions: [{after: 3 s, to: e}]
  e:
    entry:
      - on: {line: house, stimulus: blink}
      - on: {line: laser, stimulus: theta, power: 30 %, while: lever.down}
      - on: {line: rod, speed: {from: 4 rpm, to: fastest, over: 300 s}}
    on:
      - {event: key.press, do: [{toggle: {line: laser, stimulus: rising}}]}
    transitions: [{after: 10 s, to: f}]
  f:
    entry: [{on: {line: rod, speed: 20 rpm, for: 2 s}}, {on: {line: house, while: key.down}}, {on: {line: laser, power: {from: 40 %, to: 0 %, over: 200 ms}}}]
    transitions: [{after: 3 s, to: a}]
";

fn rig() -> RigConfig {
    read_rig(&Source { name: "box.yaml".to_owned(), text: BOX.to_owned() }).unwrap_or_else(|found| panic!("{found}"))
}

fn with(text: &str) -> Result<Compiled, Diagnostics> {
    compile(&task(text), &rig(), &Options::default())
}

fn compiled(text: &str) -> Compiled {
    with(text).unwrap_or_else(|found| panic!("{found}"))
}

/// A protocol of one state on the same box.
fn one(stimuli: &str, state: &str) -> Compiled {
    let head = &GOOD[..GOOD.find("stimuli:\n").unwrap()];
    let head = head.replace("  fastest: {default: 40 rpm, range: [4 rpm, 45 rpm]}\n", "");
    let stimuli = if stimuli.is_empty() { String::new() } else { format!("stimuli:\n{stimuli}") };
    compiled(&format!("{head}{stimuli}session: {{ends: [{{after: 10 min}}]}}\nstart: a\nstates:\n{state}"))
}

/// What is asked of outputs from the start on, with these edges of inputs.
fn asked(compiled: &Compiled, edges: &[(Micros, &str, bool)], until: Micros) -> Vec<(Micros, String, Request)> {
    let program = Program::open(&compiled.image).unwrap();
    let line = |name: &str| compiled.symbols.lines.iter().position(|line| line.name == name).unwrap();
    let mut found = Vec::new();
    let mut sink = |at: Micros, record: Record| match record {
        Record::Request { line, request } => {
            found.push((at, compiled.symbols.lines[line.index()].name.clone(), request));
        }
        Record::Fault(fault) => panic!("{fault:?} at {at}"),
        _ => {}
    };
    let mut engine = Box::new(Engine::new());
    engine.start(&program, Start { at: 0, seed: 7, levels: 0, program: program.name() }, &mut sink);
    for (at, name, active) in edges {
        while engine.advance(&program, at - 1, 1_000, &mut sink) {}
        engine.offer(*at, Given::Edge { line: LineId(line(name) as u8), active: *active }).unwrap();
    }
    while engine.advance(&program, until, 1_000, &mut sink) {}
    found
}

fn of<'f>(found: &'f [(Micros, String, Request)], line: &str) -> Vec<(Micros, &'f Request)> {
    found.iter().filter(|(_, of, _)| of == line).map(|(at, _, request)| (*at, request)).collect()
}

/// The pulses a request asks for: when each rises after the request, and how long it is on.
fn shape(compiled: &Compiled, request: &Request) -> Vec<(Micros, Micros)> {
    let program = Program::open(&compiled.image).unwrap();
    let train = request.train().unwrap();
    let each = pulses::each(&train, |place| ListPulse::of(&program, place));
    each.map(|(at, width)| (at + u64::from(train.delay_us), width)).collect()
}

fn grid(from: Micros, every: Micros, width: Micros, count: u64) -> Vec<(Micros, Micros)> {
    (0..count).map(|n| (from + n * every, width)).collect()
}

#[test]
fn every_pulse_is_where_its_words_say_to_the_microsecond() {
    let compiled = compiled(GOOD);
    let found = asked(&compiled, &[], 12_500_000);
    let house = of(&found, "house");
    let laser = of(&found, "laser");
    let shapes = |n: usize| shape(&compiled, house[n].1);
    let theta: Vec<_> = (0..10).flat_map(|n| grid(2_000 + n * 200_000, 10_000, 5_000, 4)).collect();
    assert_eq!(shapes(0), theta, "four pulses at 100 Hz, five bursts a second");
    // 20 ms hold four pulses of 1 ms with 4 ms between; a second holds ten bursts of 16 ms.
    assert_eq!(shapes(1), (0..10).flat_map(|n| grid(n * 100_000, 5_000, 1_000, 4)).collect::<Vec<_>>());
    assert_eq!(shapes(2), [(1_000, 5_000), (13_000, 5_000), (48_000, 5_000)]);
    assert_eq!(shapes(3), grid(0, 250_000, 50_000, 4), "four flashes of a fifth of 250 ms fit into 1 s");
    assert_eq!(shape(&compiled, laser[0].1), grid(0, 50_000, 5_000, 5));
    assert_eq!(shape(&compiled, laser[1].1), [(3_000, 2_000), (20_000, 500)]);
    assert_eq!(shape(&compiled, laser[2].1), theta);
    assert_eq!(laser.iter().take(4).map(|(at, _)| *at).collect::<Vec<_>>(), [0, 3_000_000, 6_000_000, 9_000_000]);
    let ends = |request: &Request| request.train().unwrap().length_us();
    assert_eq!(ends(house[0].1), 1_800_000 + 30_000 + 5_000 + 2_000, "and ends with its last pulse");
    assert_eq!((ends(house[2].1), ends(laser[1].1)), (53_000, 20_500));
}

#[test]
fn powers_are_said_of_all_pulses_or_change_from_each_to_the_next() {
    let compiled = compiled(GOOD);
    let found = asked(&compiled, &[], 12_500_000);
    let laser = of(&found, "laser");
    let power = |n: usize| laser[n].1.train().map(|train| (train.power_ppm(), train.last_power_ppm())).unwrap();
    assert_eq!(power(0), (Some(100_000), Some(400_000)), "from 10 % to 40 % in five pulses");
    assert!(matches!(laser[0].1.train().unwrap().carrier, Some(Carrier { wave: Wave::Ramp { step_ppm: 75_000 }, .. })));
    assert_eq!(power(1), (Some(100_000), Some(100_000)));
    assert_eq!(power(2), (Some(100_000), Some(100_000)));
    assert_eq!(power(3), (Some(200_000), Some(200_000)));
    let dimmer = compile(&task(GOOD), &rig(), &Options { set: vec![("dim".to_owned(), "20 %".to_owned())] })
        .unwrap_or_else(|found| panic!("{found}"));
    let found = asked(&dimmer, &[], 1_000);
    let train = of(&found, "laser")[0].1.train().unwrap();
    assert_eq!(
        (train.power_ppm(), train.last_power_ppm()),
        (Some(200_000), Some(400_000)),
        "with the parameter as set"
    );
}

#[test]
fn sounds_come_again_and_glide() {
    let compiled = compiled(GOOD);
    let found = asked(&compiled, &[], 12_500_000);
    let cue = of(&found, "cue");
    let train = |n: usize| cue[n].1.train().unwrap();
    assert_eq!(shape(&compiled, cue[0].1), grid(0, 1_000_000, 50_000, 30));
    assert!(matches!(
        train(0).carrier,
        Some(Carrier { wave: Wave::Sine { frequency_mhz: 8_000_000 }, ramp_us: 5_000, .. })
    ));
    assert_eq!(shape(&compiled, cue[1].1), grid(0, 500_000, 200_000, 4));
    let Some(Carrier { wave, amplitude, .. }) = train(2).carrier else { panic!("no sound") };
    assert_eq!(wave, Wave::Sweep { from_mhz: 4_000_000, octaves: 2 * 4_096, logarithmic: true });
    assert_eq!(amplitude, 3_685, "70 dB of 95");
    assert_eq!(shape(&compiled, cue[2].1), [(0, 300_000)]);
    let Some(Carrier { wave, .. }) = train(3).carrier else { panic!("no sound") };
    assert_eq!(wave, Wave::Sweep { from_mhz: 16_000_000, octaves: -1_700, logarithmic: false });
    assert_eq!(shape(&compiled, cue[3].1), grid(0, 1_000_000, 300_000, 3));
    assert_eq!(Program::open(&compiled.image).unwrap().rows(Table::Stimuli), 11, "one speaker needs no second row");
}

#[test]
fn a_train_lasts_as_long_as_its_state() {
    let compiled = one(
        "  blink: {pulses: {rate: 2 Hz, duty: 50 %}}\n",
        "  a: {entry: [{trial: begin}, {on: {line: house, stimulus: blink}}], transitions: [{event: lever.press, to: b}, {after: dim * 0 s + 1 s, to: b}]}\n  \
         b: {transitions: [{after: 2 s, to: a}]}\n",
    );
    let found = asked(&compiled, &[(700_000, "lever", true)], 2_800_000);
    let blink = Train { delay_us: 0, width_us: 250_000, period_us: 500_000, count: u32::MAX, carrier: None };
    assert_eq!(
        of(&found, "house"),
        [(0, &Request::Train(blink)), (700_000, &Request::Off), (2_700_000, &Request::Train(blink))]
    );
}

#[test]
fn a_gate_opens_and_shuts_with_its_condition_while_its_state_lasts() {
    let compiled = one(
        "  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20, power: dim}}\n",
        "  a: {entry: [{trial: begin}, {on: {line: laser, stimulus: burst, while: lever.down}}], transitions: [{after: 1 s, to: b}]}\n  \
         b: {entry: [{on: {line: laser, power: 50 %, while: not lever.down}}], transitions: [{after: 1 s, to: b2}]}\n  \
         b2: {transitions: [{after: 1 s, to: a}]}\n",
    );
    let edges = [
        (100_000, "lever", true),
        (300_000, "lever", false),
        (400_000, "lever", true),
        (1_200_000, "lever", false),
        (1_300_000, "lever", true),
        (1_400_000, "lever", false),
        (2_500_000, "lever", true),
    ];
    let found = asked(&compiled, &edges, 3_500_000);
    let told: Vec<_> = of(&found, "laser")
        .into_iter()
        .map(|(at, request)| match request {
            Request::Off => (at, "off"),
            Request::Power { .. } => (at, "half"),
            _ => (at, "train"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (100_000, "train"),
            (300_000, "off"),
            (400_000, "train"),
            (1_000_000, "off"),
            (1_200_000, "half"),
            (1_300_000, "off"),
            (1_400_000, "half"),
            (2_000_000, "off"),
            (3_000_000, "train"),
        ],
        "each state has a gate of its own, and what holds already opens it at once"
    );
}

#[test]
fn a_state_entered_anew_opens_its_gate_anew() {
    let compiled = one(
        "  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 20, power: dim}}\n",
        "  a: {entry: [{trial: begin}, {on: {line: laser, stimulus: burst, while: lever.down}}], transitions: [{event: key.press, to: a}, {after: 9 s, to: a}]}\n",
    );
    let edges = [(100_000, "lever", true), (300_000, "key", true)];
    let found = asked(&compiled, &edges, 3_500_000);
    let times: Vec<_> = of(&found, "laser").into_iter().map(|(at, request)| (at, *request != Request::Off)).collect();
    assert_eq!(times, [(100_000, true), (300_000, true)], "a new train takes the place of the one that ran");
}

#[test]
fn what_else_is_asked_of_a_line_shuts_its_gate() {
    let compiled = one(
        "",
        "  a: {entry: [{trial: begin}, {on: {line: house, while: lever.down}}], on: [{event: key.press, do: [{pulse: {line: house, width: dim * 0 s + 10 ms}}]}], transitions: [{after: 9 s, to: a}]}\n",
    );
    let edges = [(100_000, "lever", true), (200_000, "key", true), (300_000, "lever", false), (400_000, "lever", true)];
    let found = asked(&compiled, &edges, 1_000_000);
    assert_eq!(of(&found, "house"), [(100_000, &Request::On), (200_000, &Request::Train(Train::pulse(10_000)))]);
}

#[test]
fn an_event_starts_and_the_next_one_stops() {
    let compiled = one(
        "  burst: {pulses: {width: 5 ms, rate: 20 Hz, count: 5, power: dim}}\n",
        "  a: {entry: [{trial: begin}], on: [{event: key.press, do: [{toggle: {line: laser, stimulus: burst}}, {toggle: house}]}, {event: lever.press, do: [{off: house}]}], transitions: [{after: 9 s, to: a}]}\n",
    );
    let edges = [
        (100_000, "key", true),
        (150_000, "key", true),
        (200_000, "key", true),
        // The train is over by itself at 405 ms.
        (500_000, "lever", true),
        (600_000, "key", true),
    ];
    let found = asked(&compiled, &edges, 2_000_000);
    let on =
        |line| of(&found, line).into_iter().map(|(at, request)| (at, *request != Request::Off)).collect::<Vec<_>>();
    assert_eq!(on("laser"), [(100_000, true), (150_000, false), (200_000, true), (600_000, true)]);
    assert_eq!(on("house"), [(100_000, true), (150_000, false), (200_000, true), (500_000, false), (600_000, true)]);
}

#[test]
fn a_motor_turns_as_fast_as_it_was_measured_and_ramps_along_the_speed() {
    let compiled = one(
        "",
        "  a: {entry: [{trial: begin}, {on: {line: rod, speed: {from: 4 rpm, to: 40 rpm, over: 300 s}}}], transitions: [{after: 310 s, to: b}, {event: key.press, to: b}]}\n  \
         b: {entry: [{on: {line: rod, speed: 20 rpm, for: dim * 0 s + 2 s}}], transitions: [{after: 10 s, to: c}]}\n  \
         c: {final: true}\n",
    );
    let found = asked(&compiled, &[], 320_000_000);
    let rod = of(&found, "rod");
    let power = |(at, request): &(Micros, &Request)| (*at, request.power_ppm());
    assert_eq!(power(&rod[0]), (0, Some(100_000)), "4 rpm at once");
    assert_eq!(power(&rod[1]).0, 300_000, "a thousandth of the time");
    let half = rod.iter().find(|(at, _)| *at == 150_000_000).map(power).unwrap();
    // 22 rpm, 2 rpm of the 25 between 20 rpm at 50 % and 45 rpm at 100 %.
    assert_eq!(half.1, Some(540_000));
    let ramp: Vec<_> = rod.iter().take_while(|(at, _)| *at <= 300_000_000).map(power).collect();
    assert_eq!(ramp.last(), Some(&(300_000_000, Some(900_000))), "40 rpm at the end");
    assert_eq!(ramp.len(), 1_001);
    assert!(ramp.windows(2).all(|pair| pair[0].1 < pair[1].1), "faster at every step");
    let rest: Vec<_> = rod.iter().skip(ramp.len()).collect();
    assert!(matches!(rest[..], [(310_000_000, Request::Train(_))]), "{rest:?}");
    assert_eq!((rest[0].1.power_ppm(), rest[0].1.train().unwrap().width_us), (Some(500_000), 2_000_000));
    // Left in its midst, nothing goes on.
    let found = asked(&compiled, &[(1_000_000, "key", true)], 20_000_000);
    assert_eq!(of(&found, "rod").len(), 5);
}

#[test]
fn a_power_falls_in_steps_of_a_millisecond_and_is_off_with_its_state() {
    let compiled = one(
        "",
        "  a: {entry: [{trial: begin}, {on: {line: laser, power: {from: 40 %, to: dim, over: 100 ms}}}], transitions: [{after: 200 ms, to: b}]}\n  \
         b: {transitions: [{after: 1 s, to: a}]}\n",
    );
    let found = asked(&compiled, &[], 1_000_000);
    let powers: Vec<_> = of(&found, "laser").into_iter().map(|(at, request)| (at, request.power_ppm())).collect();
    let expected = (0..=100).map(|ms| (ms * 1_000, Some(400_000 - 3_000 * ms as i32))).chain([(200_000, None)]);
    assert_eq!(powers, expected.collect::<Vec<_>>());
}

const CASES: &[Case] = &[
    case(
        "a sweep through too many octaves",
        "from: 4 kHz, to: 16 kHz",
        "from: 20 Hz, to: 16 kHz",
        "E260-sweep-too-wide",
    ),
    case("a count and a length", "duty: 20 %, for: 1 s", "duty: 20 %, for: 1 s, count: 4", "E261-count-and-for"),
    case("a train shorter than a pulse", "gap: 4 ms, for: 20 ms", "gap: 4 ms, for: 500 µs", "E262-too-short-for-one"),
    case("a ramp of a train without end", "count: 5, power: {from: dim", "power: {from: dim", "E263-ramp-of-powers"),
    case(
        "a duty and a width",
        "{rate: 4 Hz, duty: 20 %",
        "{rate: 4 Hz, width: 5 ms, duty: 20 %",
        "E264-duty-and-width",
    ),
    case("a duty of all", "duty: 20 %", "duty: 100 %", "E265-duty"),
    case("bursts of one", "rate: 100 Hz, count: 4, bursts", "rate: 100 Hz, count: 1, bursts", "E266-burst-of-one"),
    case(
        "a list with a rate",
        "at: [0 ms, 12 ms, 47 ms]",
        "rate: 5 Hz, at: [0 ms, 12 ms, 47 ms]",
        "E267-list-and-rate",
    ),
    case("more times than widths", "width: [2 ms, 500 µs]", "width: [2 ms]", "E268-list-of-widths"),
    case("a list out of order", "at: [0 ms, 12 ms, 47 ms]", "at: [0 ms, 4 ms, 47 ms]", "E269-list-order"),
    case("a train that never ends", "line: house, stimulus: flash", "line: house, stimulus: blink", "E271-never-ends"),
    case(
        "a length of what is a train",
        "{line: house, stimulus: blink}",
        "{line: house, stimulus: blink, for: 1 s}",
        "E273-for-beside",
    ),
    case("a power and a speed", "speed: 20 rpm, for: 2 s", "speed: 20 rpm, power: 10 %, for: 2 s", "E274-one-drive"),
    case(
        "bursts that touch",
        "bursts: {count: 10, rate: 5 Hz}",
        "bursts: {count: 10, rate: 50 Hz}",
        "E078-pulses-touch",
    ),
    case("a speed past what was measured", "speed: 20 rpm, for", "speed: 46 rpm, for", "E131-outside-calibration"),
    case(
        "a speed of a light",
        "{on: {line: house, while: key.down}}",
        "{on: {line: house, speed: 5 rpm}}",
        "E137-no-power",
    ),
    case("a ramp past full power", "{from: 40 %, to: 0 %", "{from: 140 %, to: 0 %", "E138-not-a-power"),
    case(
        "held by nothing",
        "{toggle: {line: laser, stimulus: rising}}",
        "{on: {line: laser, stimulus: rising}}",
        "E120-held-by-nothing",
    ),
    case(
        "a sound on a light",
        "pulse: {line: house, stimulus: theta}",
        "pulse: {line: house, stimulus: up}",
        "E126-wrong-stimulus",
    ),
];

#[test]
fn every_mistake_has_its_place_and_a_remedy() {
    compiled(GOOD);
    insta::assert_snapshot!("stimuli", drawn(CASES, |text| with(text).err().unwrap_or_default(), GOOD));
}

#[test]
fn lists_have_room_for_so_many_pulses_and_no_more() {
    let many = |count: usize| {
        let at: Vec<String> = (0..count).map(|n| format!("{} ms", n * 10)).collect();
        with(&GOOD.replace("at: [0 ms, 12 ms, 47 ms]", &format!("at: [{}]", at.join(", "))))
    };
    assert!(many(62).is_ok());
    let found = many(63).unwrap_err();
    assert_eq!(found.list[0].code, "E270-list-too-long", "{found}");
    assert_eq!(many(65).unwrap_err().list[0].code, "E270-list-too-long");
}

#[test]
fn what_has_no_end_is_never_asked_of_a_line_with_a_total() {
    let rig = BOX.replace("house: {kind: light, pin: 14}", "house: {kind: light, pin: 14, per_session: {pulses: 50}}");
    let rig = read_rig(&Source { name: "box.yaml".to_owned(), text: rig }).unwrap_or_else(|found| panic!("{found}"));
    let found = compile(&task(GOOD), &rig, &Options::default()).unwrap_err();
    assert_eq!(found.list[0].code, "E272-endless-and-total", "{found}");
}
