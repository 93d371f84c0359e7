//! The simulated rig in real time, at the far end of a cable that the real command line can open. Its clock waits where the
//! machine lets its thread wait, so that nothing depends on how fast that is. Something dies by its clock.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use emulated::Port;
use link::Micros;
use link::frame::MAX_FRAME;
use link::rig::Rig;
use sim::animal::Scripted;
use sim::{Memory, PinEdge, SimRig, SimSettings};

use super::scene::DIES_US;

/// How far the rig's clock goes on at most from one look to the next.
const WAITS: Duration = Duration::from_millis(20);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(1);
/// How long something that must come is waited for, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was seen at the rig, in µs of its own clock.
#[derive(Debug, Clone, Default)]
pub struct SeenAtTable {
    /// Every edge at an output.
    pub edges: Vec<PinEdge>,
    /// When something died.
    pub died_at: Micros,
    /// When bytes of the controller came last.
    pub heard_at: Micros,
    /// Whether the session was over when the rig was taken away.
    pub over: bool,
}

/// What is done to the controller when its time has come: by the rig's thread, at the rig's time.
pub type Deed = Box<dyn FnOnce() + Send>;

/// The rig.
pub struct SimTable {
    port: PathBuf,
    deeds: mpsc::Sender<Deed>,
    dead: Arc<AtomicBool>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<SeenAtTable>>,
}

impl SimTable {
    /// A rig that was just plugged in at `port`.
    #[must_use]
    pub fn new(rig: &Rig, port: &Path) -> Self {
        let (deeds, deed) = mpsc::channel();
        let (dead, leave) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let life = Life { rig: rig.clone(), port: port.to_owned(), deed, dead: dead.clone(), leave: leave.clone() };
        let table =
            Self { port: port.to_owned(), deeds, dead, leave, thread: Some(thread::spawn(move || life.live())) };
        table.wait_for("the port", || table.port.exists());
        table
    }

    /// Says what is to be done when the session has come so far that something dies.
    pub fn when_it_is_time(&self, deed: impl FnOnce() + Send + 'static) {
        // A rig that has gone says so when it is taken away.
        let _ = self.deeds.send(Box::new(deed));
    }

    /// Waits until that was done, and until everything has become of it at the rig.
    pub fn wait_until_dead(&self) {
        self.wait_for("the moment something dies", || self.dead.load(Ordering::Acquire));
    }

    /// Takes the rig away.
    ///
    /// # Panics
    /// When its thread failed.
    #[must_use]
    pub fn take_away(mut self) -> SeenAtTable {
        self.leave.store(true, Ordering::Release);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(seen)) => seen,
            _ => panic!("the simulated rig failed"),
        }
    }

    fn wait_for(&self, what: &str, ready: impl Fn() -> bool) {
        let began = Instant::now();
        while !ready() {
            assert!(began.elapsed() < PATIENCE, "{what} did not come within {} s", PATIENCE.as_secs());
            thread::sleep(LOOK);
        }
    }
}

impl Drop for SimTable {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Release);
    }
}

/// What lives on the thread.
struct Life {
    rig: Rig,
    port: PathBuf,
    deed: mpsc::Receiver<Deed>,
    dead: Arc<AtomicBool>,
    leave: Arc<AtomicBool>,
}

impl Life {
    fn live(self) -> SeenAtTable {
        let mut memory = Box::new(Memory::new());
        let settings = SimSettings { boot: 0xB007_0001, ..SimSettings::new(11) };
        let mut sim = SimRig::new(&mut memory, &settings, &self.rig, Box::new(Scripted::new(Vec::new())));
        sim.connect_scope();
        let Ok(mut port) = Port::open(&self.port) else { return SeenAtTable::default() };
        let mut seen = SeenAtTable::default();
        let (mut now, mut looked) = (0, Instant::now());
        let (mut frame, mut bytes) = ([0; MAX_FRAME], [0; 4096]);
        while !self.leave.load(Ordering::Acquire) {
            let waited = looked.elapsed();
            looked = Instant::now();
            now += waited.min(WAITS).as_micros() as Micros;
            let read = port.read(&mut bytes).unwrap_or(0);
            if read > 0 {
                seen.heard_at = now;
            }
            sim.handle_bytes(now, bytes.get(..read).unwrap_or(&[]));
            sim.run_until(now);
            while let Some(used) = sim.poll_transmit(now, &mut frame) {
                // What finds no room, or nobody, is lost.
                let _ = port.write(frame.get(..used).unwrap_or(&[]));
            }
            if seen.died_at == 0
                && sim.began().is_some_and(|began| now >= began + DIES_US)
                && let Ok(deed) = self.deed.try_recv()
            {
                deed();
                seen.died_at = now;
                self.dead.store(true, Ordering::Release);
            }
            thread::sleep(LOOK);
        }
        // Nobody is there any more: what becomes of the rig takes no real time.
        let ends_at = now + u64::from(self.rig.silence_us) + u64::from(self.rig.carry_on_us) + 10_000_000;
        sim.run_until(ends_at);
        seen.edges = sim.take_scope();
        seen.over = !sim.running();
        seen
    }
}
