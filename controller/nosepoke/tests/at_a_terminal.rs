//! A person at a terminal, played through a pseudo-terminal: keys that are events, lines, questions and what is asked of a subject.
//! And a controller that died, followed by another to which a program speaks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::{TableRig, cable, folder, journal, nosepoke, receive, text, wait_for};
use link::{EventId, Record};

/// A terminal with a program in it.
struct Terminal {
    keyboard: File,
    program: Child,
    shown: String,
}

impl Terminal {
    fn run(arguments: &[&str]) -> Self {
        let (keyboard, port) = cable();
        let end = || Stdio::from(File::options().read(true).write(true).open(&port).unwrap());
        let mut program = nosepoke();
        program.args(arguments).env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        let program = program.spawn().unwrap();
        Self { keyboard, program, shown: String::new() }
    }

    fn look(&mut self) {
        let mut buffer = [0; 4096];
        let read = receive(&mut self.keyboard, &mut buffer);
        self.shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }

    /// Waits until these words stand on it, behind all that was waited for before.
    fn shows(&mut self, words: &str) {
        let began = Instant::now();
        while !self.shown.contains(words) {
            assert!(began.elapsed() < Duration::from_secs(60), "`{words}` did not come:\n{}", self.shown);
            std::thread::sleep(Duration::from_millis(10));
            self.look();
        }
        let at = self.shown.find(words).unwrap();
        self.shown.drain(..at + words.len());
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn ends(mut self) -> (ExitStatus, String) {
        let status = wait_for("the end", || {
            self.look();
            self.program.try_wait().unwrap()
        });
        self.look();
        (status, std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

const TASK: &str = "protocol: tended
lines: {water: valve}
parameters: {pause: {default: 1 s, range: [50 ms, 5 s], live: at once}}
outside:
  contact: {key: c}
  zone: {choices: [left, right], keys: {left: l, right: r}}
prompts:
  placed: {ask: Put the animal in.}
  drug: {ask: Which drug?, choices: [saline, cno]}
session: {ends: [{trials: 200}]}
start: placing
states:
  placing:
    entry: [{ask: placed}, {ask: drug}]
    transitions: [{event: drug.answer, to: ready}]
  ready:
    entry: [{trial: begin}]
    transitions: [{event: contact, outcome: touched, to: rest}, {after: 60 s, outcome: missed, to: rest}]
  rest: {transitions: [{after: pause, to: ready}]}
";

fn written(folder: &Path, name: &str, what: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, what).unwrap();
    path
}

/// Events from outside and parameters of a journal, in words, in order; and what was remarked.
fn heard(path: &Path) -> (Vec<String>, Vec<String>) {
    let session = journal::Session::open(path).unwrap();
    let symbols: compiler::Symbols = postcard::from_bytes(&session.header.symbols).unwrap();
    let words = session.records().filter_map(|(_, _, record)| match record {
        Record::Outside { event, .. } => Some(symbols.events[usize::from(event.0 - EventId::NAMED)].clone()),
        Record::Parameter { variable, value } => {
            Some(format!("{} = {value}", symbols.variables[variable.index()].name))
        }
        _ => None,
    });
    let notes = session.notes.iter().filter_map(|placed| match &placed.note.kind {
        journal::NoteKind::Operator(note) => Some(note.clone()),
        _ => None,
    });
    let found = (words.collect(), notes.collect());
    match journal::replay(&session) {
        Ok(replayed) => assert!(replayed.is_clean(), "{replayed}"),
        // Looked at before the session has its first record.
        Err(failure) => assert!(matches!(failure, journal::ReplayFailure::Empty), "{failure}"),
    }
    found
}

#[test]
fn a_key_is_an_event_and_everything_else_a_line() {
    let folder = folder("terminal-keys");
    let protocol = written(&folder, "tended.yaml", TASK);
    let out = folder.join("sessions");
    let mut terminal = Terminal::run(&["run", text(&protocol), "--speed", "1", "--out", text(&out)]);
    terminal.shows("keys: c = contact, l = zone left, r = zone right");
    terminal.shows("placed: Put the animal in. [Enter]");
    // While a question is open its keys are letters: `cno` begins with one.
    terminal.types("\rcno\r");
    terminal.shows("drug: settled");
    terminal.types("c");
    terminal.types("r");
    terminal.types("set pause 2 sx\u{7f}\r");
    terminal.shows("> set pause 2 s");
    terminal.shows("pause is 2 s from now on");
    terminal.types("events\r");
    terminal.shows("not done: `events` is no word of these");
    terminal.types("note fed by hand\rstop\r");
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{shown}");
    let (words, notes) = heard(&journal(&out));
    assert_eq!(
        words,
        ["placed.answer", "drug = 2", "drug.answer", "contact", "zone = 1", "zone.arrive", "pause = 2000000"],
        "{shown}"
    );
    assert_eq!(notes, ["fed by hand"]);
}

#[test]
fn ctrl_c_among_keys_ends_the_session_in_order() {
    let folder = folder("terminal-ctrl-c");
    let protocol = written(&folder, "tended.yaml", TASK);
    let out = folder.join("sessions");
    let mut terminal = Terminal::run(&["run", text(&protocol), "--speed", "1", "--out", text(&out)]);
    terminal.shows("drug: Which drug? [saline, cno]");
    terminal.types("\u{3}");
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{shown}");
    assert!(journal::Session::open(&journal(&out)).unwrap().close.is_some(), "{shown}");
}

#[test]
fn what_a_protocol_asks_of_a_subject_is_asked_at_the_terminal() {
    let folder = folder("terminal-asked");
    let task = "protocol: asked
lines: {lever: lever}
metadata: {sex: {choices: [female, male], once: per subject}, weight: {unit: g}}
session: {ends: [{trials: 2}]}
start: a
states: {a: {entry: [{trial: begin}], transitions: [{event: lever.press, to: a}, {after: 1 s, to: a}]}}
";
    let protocol = written(&folder, "asked.yaml", task);
    let out = folder.join("sessions");
    let arguments = ["run", text(&protocol), "--subject", "R1", "--seed", "1", "--out", text(&out)];
    let mut terminal = Terminal::run(&arguments);
    terminal.shows("sex of R1 (female|male): ");
    terminal.types("femal\r");
    terminal.shows("sex of R1 (female|male): ");
    terminal.types("Female\r");
    terminal.shows("weight of R1 (NUMBER (in g)): ");
    terminal.types("23.5\r");
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{shown}");
    let kept = fs::read_to_string(out.join("subjects/R1.simulated.txt")).unwrap();
    assert!(kept.contains("known\tsex = female\t"), "{kept}");
    let session = journal::Session::open(&journal(&out)).unwrap();
    let weight = session.header.context.metadata.iter().find(|one| one.name == "weight").unwrap();
    assert_eq!(weight.value("R1").as_deref(), Some("23.5"));
    // What is asked once is not asked again; and who says nothing three times is told what to say.
    let mut again = Terminal::run(&arguments);
    again.shows("weight of R1 (NUMBER (in g)): ");
    again.types("\r\r\r");
    let (status, shown) = again.ends();
    assert!(!status.success() && shown.contains("--set weight=NUMBER (in g)"), "{shown}");
    assert!(!shown.contains("sex of R1"), "{shown}");
}

#[test]
fn a_session_that_is_followed_on_is_spoken_to_at_the_socket() {
    let folder = folder("terminal-resumed");
    let rig = TableRig::new(&folder);
    let task =
        TASK.replace("start: placing", "start: ready").replace("[{ask: placed}, {ask: drug}]", "[{event: none}]");
    let protocol = written(&folder, "tended.yaml", &task);
    let mut first = nosepoke()
        .args(["run", text(&protocol), "--rig", text(&folder.join("box.yaml")), "--port", text(&rig.port)])
        .args(["--out", text(&folder), "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = |program: &mut Child| {
        let mut told = BufReader::new(program.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listening at ") {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "it never listened");
        }
        // What it says besides is read on, so that it can go on saying it.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    let says = |address: &str, lines: &[&str]| {
        let mut socket = TcpStream::connect(address).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap());
        for line in lines {
            socket.write_all(format!("{line}\n").as_bytes()).unwrap();
            let mut answer = String::new();
            assert!(answers.read_line(&mut answer).unwrap() > 0 && answer.starts_with("ok"), "{line}: {answer}");
        }
    };
    says(&address(&mut first), &["event contact", "note before"]);
    wait_for("what was said on disk", || (heard(&journal(&folder)).0 == ["contact"]).then_some(()));
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = nosepoke()
        .args(["resume", text(&folder), "--port", text(&rig.port), "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    says(&address(&mut second), &["set pause 200 ms", "value zone right", "event contact", "note behind", "stop"]);
    assert!(second.wait().unwrap().success());
    let (words, notes) = heard(&journal(&folder));
    assert_eq!(words, ["contact", "pause = 200000", "zone = 1", "zone.arrive", "contact"], "each once, in order");
    assert_eq!(notes, ["before", "behind"]);
}
