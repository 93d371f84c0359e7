//! What comes from outside, as the controller hears it: from a script, from a simulated world, on standard input and at a
//! socket. Each ends in the records of the device, which replay.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use common::{complaint, folder, journal, nosepoke, out, text};
use compiler::symbols::SyncPattern;
use compiler::{Compiled, Options, RigConfig, Source};
use controller::lockstep::{self, Cable};
use controller::outside::script::Script;
use controller::outside::simulated::Simulated;
use controller::outside::words::{self, Said};
use controller::outside::{Bell, Heard, Outside, Told, What};
use controller::room;
use controller::session::{Plan, Session, SyncPolicy};
use link::{EventId, LineId, Micros, Record};
use sim::animal::{Scripted, Tap};
use sim::{Memory, WireFaults};

const TASK: &str = "protocol: seen
parameters:
  pause: {default: 1 s, range: [100 ms, 5 s], live: at once}
  drop: {default: 10 µl, range: [5 µl, 20 µl], live: next trial}
  fixed: {default: 1 s}
outside:
  contact: {key: c}
  decoded: {initial: 0.0, range: [0, 1], stale: 10 s}
  zone: {choices: [left, right], keys: {left: l, right: r}}
prompts:
  placed: {ask: Put the animal in.}
  drug: {ask: Which drug?, choices: [saline, cno]}
  dose: {ask: Dose in mg per kg?, default: 1.0, range: [0, 10]}
  remark: {ask: Anything to note?, note: true}
session: {ends: [{trials: trials_max}]}
start: placing
states:
  placing:
    entry: [{ask: placed}, {ask: drug}, {ask: dose}, {ask: remark}]
    transitions: [{event: drug.answer, to: ready}]
  ready:
    entry: [{trial: begin}]
    transitions:
      - {event: contact, outcome: touched, to: rest}
      - {event: decoded.arrive, if: decoded > 0.5 and drop > 1 µl, outcome: decoded_high, to: rest}
      - {after: 5 s + fixed, outcome: missed, to: rest}
  rest: {transitions: [{after: pause, to: ready}]}
";

const BOX: &str = "rig: bare-box
body: simulator
lines: {lever: {kind: lever, pin: 2}}
simulation: {settle: 2 µs, person: {name: simulated operator, arms: []}}
";

fn task() -> String {
    TASK.replace("{trials: trials_max}", "{trials: 3}")
}

fn config_of(rig: &str) -> RigConfig {
    compiler::read_rig(&Source { name: "box.yaml".into(), text: rig.into() }).unwrap()
}

fn compiled_for(protocol: &str, rig: &str) -> Compiled {
    let protocol = Source { name: "seen.yaml".into(), text: protocol.into() };
    compiler::compile(&protocol, &config_of(rig), &Options::default()).unwrap_or_else(|found| panic!("{found}"))
}

fn compiled() -> Compiled {
    compiled_for(&task(), BOX)
}

/// A session in lock step that hears this source.
fn session(name: &str, source: Box<dyn Outside>) -> journal::Session {
    session_of(name, &task(), BOX, source, Vec::new())
}

/// The same of any protocol on any simulated rig, in which an animal does this.
fn session_of(name: &str, protocol: &str, rig: &str, source: Box<dyn Outside>, taps: Vec<Tap>) -> journal::Session {
    let mut untouched = |_: Micros, _: &mut Session<_>, _: &mut Cable| {};
    session_with(name, protocol, rig, vec![source], taps, &mut untouched)
}

/// The same with several sources, and somebody who watches.
fn session_with(
    name: &str,
    protocol: &str,
    rig: &str,
    sources: Vec<Box<dyn Outside>>,
    taps: Vec<Tap>,
    watch: &mut impl lockstep::Watch<std::fs::File>,
) -> journal::Session {
    let compiled = compiled_for(protocol, rig);
    let plan = Plan {
        session: 7,
        compiled: compiled.clone(),
        protocol: protocol.into(),
        rig: rig.into(),
        seed: 1,
        options: Vec::new(),
        purpose: journal::Purpose::Session,
        remarks: Vec::new(),
        subject: None,
        operator: None,
        arm: None,
        simulated: true,
        started_ms: None,
        sync: SyncPolicy::SIMULATED,
        wall_clock: None,
    };
    let path = folder(&format!("outside-{name}")).join("session.npj");
    let opened = path.clone();
    let mut session = Session::new(plan, Box::new(move |header| journal::Writer::create(&opened, header)));
    sources.into_iter().for_each(|source| session.attend(source));
    let mut memory = Box::new(Memory::new());
    let animal = Box::new(Scripted::new(taps));
    let mut rig = room::simulated_with(&compiled, &config_of(rig), 1, &mut memory, animal).unwrap();
    let mut cable = Cable::new(WireFaults::NONE, 1);
    lockstep::run(&mut session, &mut rig, &mut cable, watch);
    session.take_result().unwrap().unwrap();
    let read = journal::Session::open(&path).unwrap();
    let replayed = journal::replay(&read).unwrap();
    assert!(replayed.is_clean() && replayed.ended, "{replayed}");
    read
}

/// Records in words, with ms since the start.
fn words_of(session: &journal::Session) -> Vec<String> {
    let names = compiled().symbols;
    let began = session.records().next().unwrap().1;
    let event = |event: EventId| names.events[usize::from(event.0 - EventId::NAMED)].clone();
    let word = |record: &Record| match record {
        Record::Outside { event: number, .. } => Some(event(*number)),
        Record::Parameter { variable, value } => Some(format!("{} = {value}", names.variables[variable.index()].name)),
        Record::Set { variable, value } => Some(format!("{} := {value}", names.variables[variable.index()].name)),
        Record::Outcome(outcome) => Some(names.outcomes[outcome.index()].clone()),
        Record::Trial { number } => Some(format!("trial {number}")),
        _ => None,
    };
    session
        .records()
        .filter_map(|(_, at, record)| Some(format!("{} {}", (at - began) / 1_000, word(&record)?)))
        .collect()
}

/// A script whose end a test can look at.
struct Watched(Script, std::sync::mpsc::Sender<Script>);

impl Outside for Watched {
    fn poll(&mut self, now: Micros, began: Micros) -> Option<Heard> {
        self.0.poll(now, began)
    }
    fn next_at(&self, began: Micros) -> Option<Micros> {
        self.0.next_at(began)
    }
    fn told(&mut self, id: u64, told: &Told) {
        self.0.told(id, told);
    }
    fn asked(&mut self, now: Micros, prompt: usize) {
        self.0.asked(now, prompt);
    }
    fn settled(&mut self, prompt: usize) {
        self.0.settled(prompt);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.1.send(std::mem::take(&mut self.0));
    }
}

const SECOND: Micros = 1_000_000;

#[test]
fn what_a_script_says_is_taken_up_in_order_recorded_and_replayed() {
    let lines = [
        (SECOND, "answer placed"),
        (2 * SECOND, "answer dose 2.5"),
        (2 * SECOND, "answer remark a drop of blood"),
        (3 * SECOND, "answer drug cno"),
        (4 * SECOND, "event contact"),
        (4 * SECOND + 500_000, "set drop 20 µl"),
        (4 * SECOND + 500_000, "set pause 2 s"),
        (4 * SECOND + 600_000, "note cage 4 was changed"),
        // The pause of the first rest is one second: it was worked out before.
        (6 * SECOND, "value decoded 0.4"),
        (6 * SECOND + 10_000, "value decoded 0.75"),
        (20 * SECOND, "stop"),
    ];
    let (sender, watched) = std::sync::mpsc::channel();
    let lines = lines.map(|(at, line)| (at, line.to_owned()));
    let read = session("script", Box::new(Watched(Script::new(lines), sender)));
    assert_eq!(
        words_of(&read),
        [
            "1002 placed.answer",
            "2002 dose = 2500000",
            "2004 dose.answer",
            "2006 remark.answer",
            "3002 drug = 2",
            "3004 drug.answer",
            "3004 trial 1",
            "4002 contact",
            "4002 touched",
            "4502 drop.next = 20000",
            "4504 pause = 2000000",
            "5002 trial 2",
            "5002 drop := 20000",
            "6002 decoded = 400000",
            "6004 decoded.arrive",
            "6012 decoded = 750000",
            "6014 decoded.arrive",
            "6014 decoded_high",
            "8014 trial 3",
            "14014 missed",
        ]
    );
    let notes: Vec<&journal::NoteKind> = read.notes.iter().map(|placed| &placed.note.kind).collect();
    assert_eq!(
        notes,
        [
            &journal::NoteKind::Operator("remark: a drop of blood".to_owned()),
            &journal::NoteKind::Operator("cage 4 was changed".to_owned()),
        ]
    );
    let went = watched.recv().unwrap().went;
    assert!(went.iter().all(|(_, told)| told.is_ok()), "{went:?}");
}

#[test]
fn a_line_that_means_nothing_is_told_why() {
    let symbols = compiled().symbols;
    let read = |line: &str| words::read(line, &symbols, &[1, 3]);
    let said = |line: &str| read(line).unwrap_or_else(|sentence| panic!("{line}: {sentence}"));
    assert!(matches!(said("event contact"), Said::Event(_)));
    assert!(matches!(said("value decoded 40 %"), Said::Value { value: 400_000, .. }));
    assert!(matches!(said("value zone right"), Said::Value { value: 1, .. }));
    assert!(matches!(said("set pause 200 ms"), Said::Parameter { value: 200_000, .. }));
    assert!(matches!(said("cno"), Said::Answer { prompt: 1, value: Some((_, 2)), note: None }), "the oldest question");
    assert!(matches!(said("answer remark"), Said::Answer { prompt: 3, value: None, note: None }));
    assert!(matches!(said("note  cage 4 "), Said::Note(note) if note == "cage 4"));
    assert_eq!(said("stop"), Said::Stop);
    let told = [
        ("event contac", "this protocol has no event from outside `contac`: there are `contact`"),
        ("event decoded", "`decoded` comes with a value: `value decoded …`"),
        ("event", "name one: this protocol's are `contact`"),
        ("value contact 1", "`contact` is an event without a value: `event contact`"),
        ("value decoded", "`decoded` needs a value, with its unit if it has one"),
        ("value decoded 1.5", "1.5 lies outside the range of `decoded`, which is 0 to 1"),
        (
            "value decoded 1 s",
            "`decoded`: `s` does not measure plain number, which is wanted here; write a plain number",
        ),
        ("value zone lef", "`zone` cannot be `lef`: did you mean `left`?"),
        (
            "set fixed 2 s",
            "`fixed` stays as it is while the session runs: give it `live: at once` or `live: next trial` in the protocol, or \
             `--set fixed=…` before the session",
        ),
        ("set dorp 2 µl", "this protocol has no parameter to change `dorp`: there are `pause`, `drop`"),
        ("set drop 2 µl", "2 µl lies outside the range of `drop`, which is 5 µl to 20 µl"),
        ("set drop", "`drop` needs a value, with its unit if it has one"),
        ("answer placed", "`placed` is not asked now"),
        ("answer drugg saline", "this protocol has no prompt `drugg`: there are `placed`, `drug`, `dose`, `remark`"),
        ("answer drug water", "`water` is no answer to `drug`, which is one of `saline`, `cno`"),
        ("note", "a note says something: `note cage 4 was changed`"),
        ("", "`drug` is one of `saline`, `cno`"),
    ];
    for (line, sentence) in told {
        assert_eq!(read(line).unwrap_err(), sentence, "{line}");
    }
    let closed = words::read("hello", &symbols, &[]).unwrap_err();
    assert_eq!(closed, "`hello` is no word of these: `event`, `value`, `set`, `answer`, `note`, `stop`, `help`");
    let help = words::read("help", &symbols, &[]).unwrap_err();
    assert!(help.contains("event contact; value decoded …") && help.contains("set drop …"), "{help}");
}

#[test]
fn a_simulated_world_says_the_same_to_the_same_seed() {
    let one = session("seed-one", Box::new(Simulated::new(5, true)));
    let same = session("seed-same", Box::new(Simulated::new(5, true)));
    let other = session("seed-other", Box::new(Simulated::new(6, true)));
    assert_eq!(words_of(&one), words_of(&same));
    assert_ne!(words_of(&one), words_of(&other));
    let drug = words_of(&one).iter().any(|word| word.ends_with("drug = 1") || word.ends_with("drug = 2"));
    assert!(drug, "the operator answers");
}

/// More than can wait, all at once.
struct Flood {
    left: u32,
    told: std::sync::mpsc::Sender<(u64, Told)>,
}

impl Outside for Flood {
    fn attend(&mut self, _: &compiler::Symbols, _: &Bell) {}
    fn poll(&mut self, _: Micros, _: Micros) -> Option<Heard> {
        self.left = self.left.checked_sub(1)?;
        let line = if self.left == 0 { "stop" } else { "value zone right" };
        Some(Heard { id: u64::from(self.left), what: What::Line(line.to_owned()) })
    }
    fn next_at(&self, began: Micros) -> Option<Micros> {
        (self.left > 0).then_some(began)
    }
    fn told(&mut self, id: u64, told: &Told) {
        let _ = self.told.send((id, told.clone()));
    }
}

#[test]
fn more_than_the_link_carries_waits_and_none_of_it_is_lost() {
    let (told, heard) = std::sync::mpsc::channel();
    let read = session("flood", Box::new(Flood { left: 1_000, told }));
    let told: Vec<(u64, Told)> = heard.iter().collect();
    assert_eq!(told.len(), 1_000);
    assert!(told.iter().map(|(id, _)| *id).eq((0..1_000).rev()), "in order");
    assert!(told.iter().all(|(_, told)| told.is_ok()));
    let arrived = words_of(&read).iter().filter(|word| word.ends_with("zone.arrive")).count();
    assert_eq!(arrived, 999);
    let number = compiled().symbols.world.outside[2].event;
    let heard = |record: &Record| matches!(record, Record::Outside { event, .. } if *event == EventId::named(number));
    let times: Vec<Micros> = read.records().filter(|(_, _, record)| heard(record)).map(|(_, at, _)| at).collect();
    let each_us = (times[times.len() - 1] - times[0]) / (times.len() as u64 - 1);
    println!("a value every {each_us} µs");
    assert!(
        (3_900..=4_100).contains(&each_us),
        "two commands, each there and back over the simulated cable: {each_us} µs"
    );
}

#[test]
fn a_source_that_says_much_keeps_no_other_from_being_heard() {
    let (told, heard) = std::sync::mpsc::channel();
    let flood: Box<dyn Outside> = Box::new(Flood { left: 1_000, told });
    let person = Script::new([(SECOND / 2, "set drop 12 µl".to_owned())]);
    let mut untouched = |_: Micros, _: &mut Session<_>, _: &mut Cable| {};
    let read = session_with("loud", &task(), BOX, vec![flood, Box::new(person)], Vec::new(), &mut untouched);
    drop(heard);
    let words = words_of(&read);
    let set = words.iter().find_map(|word| word.strip_suffix(" drop.next = 12000")?.parse::<u64>().ok());
    let set_ms = set.unwrap_or_else(|| panic!("it was never heard: {words:?}"));
    // Behind those that waited already, and no others: the flood alone lasts 4 s.
    assert!((500..800).contains(&set_ms), "said at 500 ms, taken up at {set_ms}");
}

#[test]
fn what_is_said_while_the_rig_is_away_is_taken_up_once_when_it_is_back() {
    let said = [
        (SECOND, "set pause 2 s"),
        (2 * SECOND, "event contact"),
        (2 * SECOND, "set drop 12 µl"),
        (8 * SECOND, "stop"),
    ];
    let (sender, told) = std::sync::mpsc::channel();
    let script = Box::new(Watched(Script::new(said.map(|(at, line)| (at, line.to_owned()))), sender));
    // The cable is out from 900 ms to 4 s of the session.
    let (mut began, mut is_out) = (None, false);
    let mut watch = |now: Micros, session: &mut Session<_>, cable: &mut Cable| {
        began = began.or_else(|| session.tally().started().map(|_| now));
        let out = began.is_some_and(|began| (began + 900_000..began + 4 * SECOND).contains(&now));
        if out != is_out {
            is_out = out;
            cable.to_device.connect(!out);
            cable.to_host.connect(!out);
        }
    };
    let read = session_with("away", &task(), BOX, vec![script], Vec::new(), &mut watch);
    let words = words_of(&read);
    let when = |of: &str| {
        let times = words.iter().filter_map(|word| word.strip_suffix(of)?.trim().parse::<u64>().ok());
        times.collect::<Vec<_>>()
    };
    for of in [" pause = 2000000", " contact", " drop.next = 12000"] {
        let times = when(of);
        assert!(times.len() == 1 && (4_000..4_600).contains(&times[0]), "`{of}` once, when it is back: {words:?}");
    }
    assert!(when(" pause = 2000000") <= when(" contact"), "in the order it was said");
    assert!(told.try_iter().flat_map(|script| script.went).all(|(_, told)| told.is_ok()));
}

/// The protocol and a rig on disk, to be run by the command line in real time.
fn files(name: &str) -> (std::path::PathBuf, [String; 2]) {
    let folder = folder(name);
    let (protocol, rig) = (folder.join("seen.yaml"), folder.join("box.yaml"));
    std::fs::write(&protocol, task()).unwrap();
    std::fs::write(&rig, BOX).unwrap();
    let names = [text(&protocol).to_owned(), text(&rig).to_owned()];
    (folder, names)
}

fn parameters(path: &Path) -> (Vec<String>, Vec<String>) {
    let session = journal::Session::open(path).unwrap();
    let notes = session.notes.iter().filter_map(|placed| match &placed.note.kind {
        journal::NoteKind::Operator(note) => Some(note.clone()),
        _ => None,
    });
    let words = words_of(&session).into_iter().map(|word| word.split_once(' ').unwrap().1.to_owned());
    (words.collect(), notes.collect())
}

#[test]
fn lines_on_standard_input_are_heard_and_mistakes_are_told() {
    let (folder, [protocol, rig]) = files("outside-stdin");
    let sessions = folder.join("sessions");
    let mut child = nosepoke()
        .args(["run", &protocol, "--rig", &rig, "--speed", "1", "--out", text(&sessions)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("remark: Anything to note? [a note]") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it never asked: {said}");
    }
    let lines = "event contac\nanswer placed\nanswer drug cno\nnote all well\nset pause 3 s\nstop\n";
    stdin.write_all(lines.as_bytes()).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(said.contains("not done: this protocol has no event from outside `contac`: there are `contact`"), "{said}");
    assert!(said.contains("pause is 3 s from now on"), "{said}");
    assert!(output.status.success(), "{said}\n{}", out(&output));
    let (words, notes) = parameters(&journal(&sessions));
    let heard = ["drug = 2", "drug.answer", "placed.answer", "pause = 3000000"];
    assert!(heard.iter().all(|word| words.iter().any(|seen| seen == word)), "{words:?}");
    assert_eq!(notes, ["all well"]);
}

#[test]
fn a_terminal_that_is_gone_ends_no_session() {
    let (folder, [protocol, rig]) = files("outside-unread");
    let sessions = folder.join("sessions");
    let mut child = nosepoke()
        .args(["run", &protocol, "--rig", &rig, "--speed", "4", "--out", text(&sessions)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Nobody reads what it has to say from the first word on.
    drop(child.stderr.take());
    stdin.write_all(b"what is this\nset pause 3 s\nnote unread\nstop\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?} {}", output.status, out(&output));
    let (words, notes) = parameters(&journal(&sessions));
    assert!(words.contains(&"pause = 3000000".to_owned()), "{words:?}");
    assert_eq!(notes, ["unread"]);
    assert!(journal::Session::open(&journal(&sessions)).unwrap().close.is_some());
}

#[test]
fn a_program_at_the_socket_is_answered_line_by_line_and_told_what_is_asked() {
    let (folder, [protocol, rig]) = files("outside-socket");
    let sessions = folder.join("sessions");
    let mut child = nosepoke()
        .args(["run", &protocol, "--rig", &rig, "--speed", "1", "--out", text(&sessions)])
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it never said where it listens");
        if let Some(rest) = line.strip_prefix("listening at ") {
            break rest.split(' ').next().unwrap().to_owned();
        }
    };
    let mut stream = TcpStream::connect(&address).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut next = || {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let asked: Vec<String> = (0..4).map(|_| next()).collect();
    assert_eq!(asked[0], "ask placed Put the animal in. [Enter]");
    assert_eq!(asked[1], "ask drug Which drug? [saline, cno]");
    assert_eq!(asked[2], "ask dose Dose in mg per kg? [0 to 10; 1]");
    stream
        .write_all("value decoded 2\nvalue decoded 0.5\nanswer drug saline\nset drop 7 µl\nstop\n".as_bytes())
        .unwrap();
    let mut told: Vec<String> = Vec::new();
    while told.iter().filter(|line| line.starts_with("ok") || line.starts_with("error")).count() < 5 {
        told.push(next());
    }
    let answers: Vec<&String> = told.iter().filter(|line| !line.starts_with("settled")).collect();
    assert_eq!(
        answers,
        [
            "error 2 lies outside the range of `decoded`, which is 0 to 1",
            "ok",
            "ok",
            "ok drop is 7 µl from the next trial on",
            "ok"
        ]
    );
    std::io::copy(&mut stderr, &mut std::io::sink()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let (words, _) = parameters(&journal(&sessions));
    assert!(
        ["decoded = 500000", "decoded.arrive", "drop.next = 7000"].iter().all(|word| words.iter().any(|w| w == word)),
        "{words:?}"
    );
}

#[test]
fn only_this_computer_may_be_listened_to() {
    let (_, [protocol, rig]) = files("outside-far");
    let refused = common::run(&["run", &protocol, "--rig", &rig, "--listen", "0.0.0.0:7414"]);
    let said = complaint(&refused);
    assert!(!refused.status.success() && said.contains("write 127.0.0.1:7414"), "{said}");
    let refused = common::run(&["run", &protocol, "--rig", &rig, "--listen", "here"]);
    assert!(complaint(&refused).contains("`here` is no address of a socket"), "{}", complaint(&refused));
}

/// A microscope that is watched, and a line that other recordings listen to.
const SCOPE: &str = "protocol: scope
lines: {lever: lever, frame: frame, code: sync}
parameters: {pause: {default: 300 ms, range: [100 ms, 1 s], live: at once}}
frames: {imaging: {count: frame.rise, alarm: 100 ms}}
sync: {code: {barcode: {bits: 16, bit: 20 ms, start: 5 ms, every: 1 s, first: 41}}}
session: {ends: [{after: 12 s}]}
start: still
states:
  still: {transitions: [{event: imaging.start, to: ready}]}
  ready:
    entry: [{trial: begin}]
    transitions: [{event: lever.press, do: [{event: pull}], outcome: pulled, to: rest}, {event: imaging.stop, outcome: dark, to: dark}, {after: 3 s, to: rest}]
  rest: {transitions: [{after: pause, to: ready}]}
  dark: {transitions: [{event: imaging.start, to: ready}, {after: 2 s, to: ready}]}
";

const SCOPE_BOX: &str = "rig: scope-box
body: simulator
lines:
  lever: {kind: lever, pin: 2}
  frame: {kind: frame, pin: 4}
  code: {kind: sync, pin: 15}
simulation: {settle: 2 µs}
";

#[test]
fn barcodes_are_read_back_from_the_pin_and_frames_stand_beside_what_happened() {
    // 30 frames a second from 0.5 s to 3 s and from 4 s to 6 s, a pull at 2 s.
    let frame = |n: u64| 500_000 + n * 33_333;
    let frames = (0..75).map(frame).chain((0..60).map(|n| 3_500_000 + frame(n)));
    let mut taps: Vec<Tap> =
        frames.flat_map(|at| [Tap::new(at, LineId(1), true), Tap::new(at + 5_000, LineId(1), false)]).collect();
    taps.extend([Tap::new(2 * SECOND, LineId(0), true), Tap::new(2 * SECOND + 50_000, LineId(0), false)]);
    let said = Script::new([(SECOND, "set pause 500 ms".to_owned())]);
    let read = session_of("scope", SCOPE, SCOPE_BOX, Box::new(said), taps);
    let symbols = compiled_for(SCOPE, SCOPE_BOX).symbols;

    let edges: Vec<(Micros, bool)> = read
        .records()
        .filter_map(|(_, at, record)| match record {
            Record::Edge { line: LineId(2), on } => Some((at, on)),
            _ => None,
        })
        .collect();
    let SyncPattern::Barcode(timing) = symbols.world.sync[0].pattern else { panic!() };
    let found = report::barcode::decode(&edges, &timing);
    let recorded: Vec<(Micros, i64)> = read
        .records()
        .filter_map(|(_, at, record)| match record {
            Record::Set { variable, value } if symbols.variables[variable.index()].name == "code.number" => {
                Some((at, value))
            }
            _ => None,
        })
        .collect();
    assert!(found.len() >= 12, "{found:?}");
    for (n, (barcode, (at, number))) in found.iter().zip(&recorded).enumerate() {
        assert_eq!((i64::from(barcode.number), *number), (41 + n as i64, 41 + n as i64));
        assert!(barcode.at.abs_diff(*at) < 200, "the pin follows what is recorded: {} and {at}", barcode.at);
    }

    let report = report::Report::of(&read).unwrap();
    let summary = report.summary().table();
    let frames = &report.summary().frames[0];
    assert_eq!((frames.count, frames.stops.len()), (135, 2), "{summary}");
    assert!(
        summary
            .contains("imaging: 135, from 0.500 s to 5.967 s; they STOPPED 2 × for more than 0.1 s, first at 2.967 s"),
        "{summary}"
    );
    assert!(summary.contains("pause set to 0.5 s") || summary.contains("pause set to 500 ms"), "{summary}");
    let table = report.trials();
    let column = |name: &str| {
        table.columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("{:?}", table.columns))
    };
    let cell = |row: usize, name: &str| table.rows[row][column(name)].to_string();
    assert_eq!(cell(0, "outcome"), "pulled");
    // 46 frames up to 2 s: those at 0.5 s + n / 30.
    assert_eq!(
        (cell(0, "imaging_frame"), cell(0, "outcome_imaging_frame"), cell(0, "pull_imaging_frame")),
        ("1".into(), "46".into(), "46".into())
    );
    assert_eq!(cell(1, "pull_imaging_frame"), "", "no pull, no frame");
    assert!(!table.columns.iter().any(|column| column.contains('.')), "{:?}", table.columns);
}

#[test]
fn the_examples_of_the_page_do_what_their_scenarios_say() {
    let paths = ["outside", "live", "prompts", "frames", "sync"].map(|name| format!("docs/examples/{name}.yaml"));
    let mut arguments = vec!["test"];
    arguments.extend(paths.iter().map(String::as_str));
    let tested = common::run(&arguments);
    assert!(tested.status.success(), "{}{}", out(&tested), complaint(&tested));
}

#[test]
fn a_scenario_that_says_what_means_nothing_fails_with_the_answer() {
    let folder = folder("outside-says");
    std::fs::write(folder.join("seen.yaml"), task()).unwrap();
    let test =
        "scenarios: [{name: it says, run: 3 s, animal: [{at: 1 s, say: value decoded 7}], expect: {outcomes: []}}]\n";
    std::fs::write(folder.join("seen.test.yaml"), test).unwrap();
    let tested = common::run(&["test", text(&folder.join("seen.yaml"))]);
    let said = format!("{}{}", out(&tested), complaint(&tested));
    assert!(
        !tested.status.success() && said.contains("7 lies outside the range of `decoded`, which is 0 to 1"),
        "{said}"
    );
}

#[test]
fn another_recording_of_the_barcodes_is_related_to_the_session() {
    let said = Script::new([]);
    let read = session_of("barcodes", SCOPE, SCOPE_BOX, Box::new(said), vec![Tap::new(SECOND, LineId(1), true)]);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside-barcodes/session.npj");
    let told = common::run(&["barcodes", text(&path)]);
    let first: Vec<String> = out(&told).lines().take(3).map(str::to_owned).collect();
    assert_eq!(first[0], "number,session_s");
    assert!(first[1].starts_with("41,0.0000") && first[2].starts_with("42,1.0000"), "{first:?}");

    // As a system records it that was started 2.5 s before the session, 50 ppm fast, 20 µs at a time, and misses the first half.
    let start = read.records().next().unwrap().1;
    let mut csv = "time_s,level\n".to_owned();
    for (_, at, record) in read.records() {
        if let (Record::Edge { line: LineId(2), on }, 5_000_000..) = (record, at - start) {
            let seconds = 2.5 + (at - start) as f64 / 1e6 * 1.000_05;
            csv += &format!("{:.5},{}\n", (seconds / 2e-5).round() * 2e-5, u8::from(on));
        }
    }
    let edges = path.with_file_name("ephys.csv");
    std::fs::write(&edges, csv).unwrap();
    let told = common::run(&["barcodes", text(&path), "--edges", text(&edges)]);
    let said = complaint(&told);
    assert!(told.status.success(), "{said}");
    assert!(out(&told).starts_with("number,session_s,other_s\n46,5.00000"), "{}", out(&told));
    let line = said.lines().find(|line| line.starts_with("other_s = ")).unwrap_or_else(|| panic!("{said}"));
    let number = |from: &str, to: &str| -> f64 {
        let rest = &line[line.find(from).unwrap() + from.len()..];
        rest[..rest.find(to).unwrap()].trim().parse().unwrap()
    };
    assert!((number("other_s = ", "+") - 2.5).abs() < 1e-4, "{line}");
    assert!((number("× (1", "ppm") - 50.0).abs() < 5.0, "{line}");
    assert!(number("within", "µs") <= 20.0, "{line}");

    std::fs::write(&edges, "time_s,level\n1.0,up\n").unwrap();
    let refused = common::run(&["barcodes", text(&path), "--edges", text(&edges)]);
    assert!(complaint(&refused).contains("ephys.csv:2: this is no edge"), "{}", complaint(&refused));
}
