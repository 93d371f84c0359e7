//! Boards that cannot be used, and boards that come back under another name: who is at a port decides, never what the
//! port is called.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{cable, complaint, folder, nosepoke, out, receive, text};
use controller::serial::find::{AskError, FindError, Finder, PATIENCE, Wanted, ask};
use controller::serial::port::Candidate;
use link::device_end::{Batch, DeviceEnd, RecordSource, StatusNow};
use link::frame::MAX_FRAME;
use link::message::{Hello, LINK_CURRENT, LINK_MIN, SCHEMA, State};

/// A ring in which nothing was ever written.
struct Nothing;

impl RecordSource for Nothing {
    fn first_kept(&self) -> u32 {
        0
    }

    fn next(&self) -> u32 {
        0
    }

    fn read(&mut self, _: u32, _: &mut [u8]) -> Batch {
        Batch::default()
    }
}

fn hello(id: u64) -> Hello {
    Hello {
        link_min: LINK_MIN,
        link_current: LINK_CURRENT,
        schema: SCHEMA,
        id,
        board: "rp2040".try_into().unwrap(),
        firmware: "0.0.9".try_into().unwrap(),
        settle_us: 1,
        ring_bytes: 1000,
        program_words: 1000,
        lines: 32,
        separate_supply: false,
        program: None,
    }
}

/// A board that only says who it is, until it is let go.
struct Board {
    port: String,
    over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<File>>,
}

impl Board {
    fn that_says(hello: Hello) -> Self {
        let (mut cable, port) = cable();
        let over = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let (began, mut end) = (Instant::now(), DeviceEnd::new(7, hello));
            let (mut frame, mut buffer) = ([0; MAX_FRAME], [0; 512]);
            while !leave.load(Ordering::Relaxed) {
                let now = began.elapsed().as_micros() as u64;
                let read = receive(&mut cable, &mut buffer);
                end.handle_bytes(now, &buffer[..read], 0);
                let status = StatusNow { state: State::Idle, ring_free: 1000, armed: 0 };
                while let Some(used) = end.poll_transmit(now, status, &mut Nothing, &mut frame) {
                    let _ = cable.write(&frame[..used]);
                }
                thread::sleep(Duration::from_millis(1));
            }
            cable
        });
        Self { port, over, thread: Some(thread) }
    }

    /// Takes it off its cable, which stays: else the system might give the port to another test.
    fn leave(mut self) -> Option<File> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok())
    }

    fn candidate(&self, id: Option<u64>) -> Candidate {
        Candidate {
            name: self.port.clone(),
            product: Some("nosepoke".to_owned()),
            serial: id.map(|id| format!("{id:016x}")),
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

#[test]
fn a_device_of_another_version_is_refused_with_the_side_to_update() {
    let folder = folder("strangers-versions");
    let (protocol, rig) = (folder.join("ticking.yaml"), folder.join("box.yaml"));
    fs::write(&protocol, common::TICKING).unwrap();
    fs::write(&rig, common::BOX).unwrap();
    let old = Hello { link_min: 0, link_current: LINK_MIN - 1, ..hello(1) };
    let new = Hello { link_min: LINK_CURRENT + 1, link_current: LINK_CURRENT + 1, ..hello(2) };
    let forked = Hello { schema: !SCHEMA, ..hello(3) };
    for (forged, words, column) in [
        (old, "update the device", "update the board"),
        (new, "update the controller", "update nosepoke"),
        (forked, "built from different sources: update the device", "update the board"),
    ] {
        let board = Board::that_says(forged);
        let devices = nosepoke().args(["devices", "--port", &board.port]).output().unwrap();
        assert!(!devices.status.success());
        assert!(out(&devices).contains(column), "{column}:\n{}", out(&devices));
        assert!(out(&devices).contains("0.0.9"), "what it is can still be read:\n{}", out(&devices));
        assert!(complaint(&devices).contains(words), "{words}:\n{}", complaint(&devices));
        let ran = nosepoke()
            .args(["run", text(&protocol), "--rig", text(&rig), "--port", &board.port, "--out", text(&folder)])
            .output()
            .unwrap();
        assert!(!ran.status.success());
        assert!(complaint(&ran).contains(words), "{words}:\n{}", complaint(&ran));
    }
    let left = fs::read_dir(&folder).unwrap().flatten().filter(|entry| entry.path().extension().unwrap() != "yaml");
    assert_eq!(left.count(), 0, "no journal was begun");
}

#[test]
fn a_rig_config_for_another_body_is_refused_before_anything_moves() {
    let folder = folder("strangers-body");
    let (protocol, rig) = (folder.join("ticking.yaml"), folder.join("box.yaml"));
    fs::write(&protocol, common::TICKING).unwrap();
    fs::write(&rig, common::BOX.replace("rp2040", "pi")).unwrap();
    let board = Board::that_says(hello(1));
    let ran = nosepoke()
        .args(["run", text(&protocol), "--rig", text(&rig), "--port", &board.port, "--out", text(&folder), "--json"])
        .output()
        .unwrap();
    assert!(!ran.status.success());
    assert!(complaint(&ran).contains("for the body `pi`"), "{}", complaint(&ran));
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["good"], false);
}

#[test]
fn a_port_where_nobody_or_something_else_speaks_is_told_apart() {
    let (_silent, port) = cable();
    let error = ask(&port, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, AskError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("reset button"), "{error}");

    let (mut modem, port) = cable();
    let chatter = thread::spawn(move || {
        for _ in 0..100 {
            let _ = modem.write(b"AT OK\r\n\0\0hello\0");
            thread::sleep(Duration::from_millis(5));
        }
    });
    let error = ask(&port, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, AskError::Stranger { .. }), "{error}");
    chatter.join().unwrap();

    let (pulled, port) = cable();
    let puller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        drop(pulled);
    });
    assert!(matches!(ask(&port, PATIENCE), Err(AskError::Pulled { .. })));
    puller.join().unwrap();
}

#[test]
fn a_board_that_comes_back_under_another_name_is_the_same_board_and_its_old_port_is_not() {
    let (mine, other) = (Board::that_says(hello(0xA)), Board::that_says(hello(0xB)));
    let attached = Arc::new(Mutex::new(vec![mine.candidate(Some(0xA))]));
    let list = Arc::clone(&attached);
    let wanted = Wanted { id: None, port: Some(mine.port.clone()) };
    let mut finder = Finder::new(wanted, Box::new(move || list.lock().unwrap().clone()));
    assert_eq!(finder.first().unwrap().hello.id, 0xA);

    // The cables change places: another board now answers where ours was, and says so only when asked.
    let mut swapped = other.candidate(None);
    swapped.name.clone_from(&other.port);
    *attached.lock().unwrap() = vec![swapped];
    let _cable = mine.leave();
    assert!(finder.again().is_none(), "another board will not do");

    let back = Board::that_says(hello(0xA));
    attached.lock().unwrap().push(back.candidate(None));
    let found = finder.again().unwrap();
    assert_eq!((found.hello.id, found.name.as_str()), (0xA, back.port.as_str()));
}

#[test]
fn of_several_boards_one_must_be_meant() {
    let (one, two) = (Board::that_says(hello(0xA)), Board::that_says(hello(0xB)));
    let both = vec![one.candidate(Some(0xA)), two.candidate(Some(0xB))];
    let finder = |id| {
        let both = both.clone();
        Finder::new(Wanted { id, port: None }, Box::new(move || both.clone()))
    };
    let error = finder(None).first().unwrap_err();
    assert!(matches!(&error, FindError::Several(boards) if boards.len() == 2));
    assert!(error.to_string().contains("--device 000000000000000b"), "{error}");
    assert_eq!(finder(Some(0xB)).first().unwrap().hello.id, 0xB);
    let moved = both.clone();
    let wanted = Wanted { id: Some(0xB), port: Some(one.port.clone()) };
    let found = Finder::new(wanted, Box::new(move || moved.clone())).first().unwrap();
    assert_eq!(found.hello.id, 0xB, "its port was another's, and it was found by its number");
    let error = finder(Some(0xC)).first().unwrap_err();
    let words = error.to_string();
    assert!(words.contains("000000000000000c is not attached; attached: 000000000000000a"), "{words}");
    let error = Finder::new(Wanted::default(), Box::new(Vec::new)).first().unwrap_err();
    for word in ["no board", "cable carries data", "nosepoke flash", "nosepoke devices", "--port"] {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[test]
fn two_boards_of_one_number_are_told_and_neither_is_used() {
    let (one, two) = (Board::that_says(hello(0xA)), Board::that_says(hello(0xA)));
    for claimed in [Some(0xA), None] {
        let both = vec![one.candidate(claimed), two.candidate(claimed)];
        let error = Finder::new(Wanted::default(), Box::new(move || both.clone())).first().unwrap_err();
        assert!(
            matches!(&error, FindError::Twins { id: 0xA, ports } if *ports == [one.port.clone(), two.port.clone()])
        );
        assert!(error.to_string().contains("only one of them"), "{error}");
    }
    // A port that is named is no way around it: after a pulled cable either could be back.
    let both = vec![one.candidate(Some(0xA)), two.candidate(Some(0xA))];
    let named = Wanted { id: None, port: Some(two.port.clone()) };
    let error = Finder::new(named, Box::new(move || both.clone())).first().unwrap_err();
    assert!(matches!(error, FindError::Twins { .. }), "{error}");
}
