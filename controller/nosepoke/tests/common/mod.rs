//! A rig on a table: the simulated box, running in real time on a thread of its own, at the far end of a cable that is a
//! pseudo-terminal. Its cable can be pulled, its supply cut, its reset pressed.
#![allow(dead_code, reason = "shared by tests that each use a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use compiler::{Options, Source};
use link::Micros;
use link::frame::MAX_FRAME;
use link::rig::Rig;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use sim::animal::Scripted;
use sim::{Memory, SimRig, SimSettings};

/// A task that needs no animal: a trial every quarter of a second, each with a pulse of the laser, which must be armed.
pub(crate) const TICKING: &str = "protocol: ticking
lines: {laser: laser}
parameters:
  trials_max: {default: 8, range: [1, 1000]}
stimuli:
  flash: {pulses: {width: 2 ms, rate: 20 Hz, count: 2}}
session: {ends: [{trials: trials_max}]}
start: tick
states:
  tick:
    entry:
      - trial: begin
      - draw: {gap: {uniform: [100 ms, 200 ms]}}
      - pulse: {line: laser, stimulus: flash}
    transitions: [{after: gap, outcome: ticked, to: rest}]
  rest:
    transitions: [{after: 100 ms, to: tick}]
";

/// The rig it runs on: a real one, as far as the controller knows.
pub(crate) const BOX: &str = "rig: table-box
body: rp2040
host: {silence: 1 s, rejoin: 60 s, carry_on: 60 s}
lines:
  laser: {kind: laser, pin: 13, max_on: 5 s, arm: required}
  water: {kind: valve, pin: 10, max_on: 500 ms}
";

/// The unique number of the board on the table.
pub(crate) const BOARD: u64 = 0xE661_3893_5F4A_2C28;

pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of a test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn nosepoke() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nosepoke"));
    command.current_dir(top()).env("NO_COLOR", "1").env_remove("NOSEPOKE_LOG");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    nosepoke().args(arguments).output().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The one journal in a folder.
pub(crate) fn journal(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut journals: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "npj")).collect();
    assert_eq!(journals.len(), 1, "{journals:?}");
    journals.remove(0)
}

/// Waits for something that must come, however slow the machine is.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(ready) = ready() {
            return ready;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come within a minute");
}

/// The near end of a new cable, and the name of the port at its far end.
pub(crate) fn cable() -> (File, String) {
    // Closed in programs the test starts: or they would hold the cable in.
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let port = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    fcntl_setfl(&master, OFlags::NONBLOCK).unwrap();
    (File::from(master), port)
}

/// Reads what came over a cable; nothing while nobody is at the other end.
pub(crate) fn receive(cable: &mut File, buffer: &mut [u8]) -> usize {
    match cable.read(buffer) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        // Nobody has the other end open.
        Err(_) => 0,
    }
}

enum Order {
    PullCable,
    Plug,
    CutSupply,
    Reset,
    Leave,
}

/// The rig on the table.
pub(crate) struct TableRig {
    /// The name of its port: a name that stays, as a link to the one of the moment.
    pub(crate) port: PathBuf,
    folder: PathBuf,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl TableRig {
    /// A rig that was just plugged in, with everything of it in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with(folder, BOARD)
    }

    /// The same with another board.
    pub(crate) fn with(folder: &Path, board: u64) -> Self {
        fs::write(folder.join("ticking.yaml"), TICKING).unwrap();
        fs::write(folder.join("box.yaml"), BOX).unwrap();
        let config = compiler::read_rig(&Source { name: "box.yaml".into(), text: BOX.into() }).unwrap();
        let protocol = Source { name: "ticking.yaml".into(), text: TICKING.into() };
        let rig = compiler::compile(&protocol, &config, &Options::default()).unwrap().rig;
        let (orders, to_do) = channel();
        let port = folder.join(format!("port-{board:016x}"));
        let link = port.clone();
        let thread = thread::spawn(move || Table { link, cable: None, to_do, board, boots: 0 }.live(&rig));
        orders.send(Order::Plug).unwrap();
        wait_for("the port", || fs::symlink_metadata(&port).ok());
        Self { port, folder: folder.into(), orders, thread: Some(thread) }
    }

    /// Pulls the cable; the board keeps its supply.
    pub(crate) fn pull_cable(&self) {
        self.orders.send(Order::PullCable).unwrap();
    }

    /// Plugs it in again. Its port has another name then, behind the same link.
    pub(crate) fn plug(&self) {
        self.orders.send(Order::Plug).unwrap();
    }

    /// Cuts the supply: the cable is dead, and when it is plugged in again the board's memory is empty.
    pub(crate) fn cut_supply(&self) {
        self.orders.send(Order::CutSupply).unwrap();
    }

    /// Resets the board, which keeps its memory and drops off the bus for a moment.
    pub(crate) fn reset(&self) {
        self.orders.send(Order::Reset).unwrap();
    }

    /// The command that runs the ticking task on this rig, with its data in `out`.
    pub(crate) fn command(&self, trials: u32, out: &Path) -> Command {
        let mut command = nosepoke();
        command.arg("run").arg(self.folder.join("ticking.yaml")).arg("--rig").arg(self.folder.join("box.yaml"));
        command.arg("--port").arg(&self.port).arg("--out").arg(out);
        command.args([
            "--set",
            &format!("trials_max={trials}"),
            "--arm",
            "laser",
            "--operator",
            "KS",
            "--subject",
            "R12",
        ]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the ticking task on this rig, and waits for its first records on disk.
    pub(crate) fn start(&self, trials: u32) -> Child {
        let child = self.command(trials, &self.folder).spawn().unwrap();
        wait_for("the journal", || {
            let mut files = fs::read_dir(&self.folder).unwrap().flatten().map(|entry| entry.path());
            files.find(|path| path.extension().is_some_and(|end| end == "npj"))
        });
        child
    }

    /// Waits until so many trials are on disk.
    pub(crate) fn wait_for_trials(&self, trials: usize) {
        wait_for("a trial", || {
            let session = journal::Session::open(&journal(&self.folder)).ok()?;
            let begun = session.records().filter(|(_, _, record)| matches!(record, link::Record::Trial { .. }));
            (begun.count() >= trials).then_some(())
        });
    }
}

impl Drop for TableRig {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Leave);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What lives on the table's thread.
struct Table {
    link: PathBuf,
    cable: Option<File>,
    to_do: Receiver<Order>,
    board: u64,
    boots: u32,
}

/// How a board's life between two boots ended.
enum Boot {
    Over,
    Empty,
    Kept,
}

impl Table {
    fn live(&mut self, rig: &Rig) {
        let mut memory = Box::new(Memory::new());
        loop {
            match self.boot(&mut memory, rig) {
                Boot::Over => return,
                Boot::Empty => *memory = Memory::new(),
                Boot::Kept => {}
            }
        }
    }

    /// One boot of the board.
    fn boot(&mut self, memory: &mut Memory, rig: &Rig) -> Boot {
        self.boots += 1;
        let settings = SimSettings { boot: 0xB007_0000 + self.boots, ..SimSettings::new(self.board) };
        let mut sim = SimRig::new(memory, &settings, rig, Box::new(Scripted::new(Vec::new())));
        let (mut now, mut looked) = (0, Instant::now());
        let (mut frame, mut buffer) = ([0; MAX_FRAME], [0; 4096]);
        loop {
            match self.to_do.try_recv() {
                Ok(Order::PullCable) => self.pull(),
                Ok(Order::Plug) => self.plug(),
                Ok(Order::CutSupply) => {
                    self.pull();
                    return Boot::Empty;
                }
                Ok(Order::Reset) => {
                    self.pull();
                    thread::sleep(Duration::from_millis(100));
                    self.plug();
                    return Boot::Kept;
                }
                Ok(Order::Leave) | Err(TryRecvError::Disconnected) => return Boot::Over,
                Err(TryRecvError::Empty) => {}
            }
            // Where the machine lets this thread wait, the board's clock waits too: it must not take that for silence.
            let waited = looked.elapsed();
            let passed = waited.min(Duration::from_millis(20)).as_micros() as Micros;
            looked += if waited.as_millis() > 20 { waited } else { Duration::from_micros(passed) };
            now += passed;
            if let Some(cable) = &mut self.cable {
                let read = receive(cable, &mut buffer);
                sim.handle_bytes(now, &buffer[..read]);
            }
            sim.run_until(now);
            while let Some(used) = sim.poll_transmit(now, &mut frame) {
                // What finds no room, or nobody, is lost.
                let _ = self.cable.as_mut().map(|cable| cable.write(&frame[..used]));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn pull(&mut self) {
        // First the name: the system soon gives the port behind it to another test.
        let _ = fs::remove_file(&self.link);
        self.cable = None;
    }

    fn plug(&mut self) {
        self.pull();
        let (cable, port) = cable();
        std::os::unix::fs::symlink(port, &self.link).unwrap();
        self.cable = Some(cable);
    }
}
