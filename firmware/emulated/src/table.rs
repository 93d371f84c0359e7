//! The emulated rig on a table: in real time, on a thread of its own, at the far end of a cable that the real daemon can
//! open. Owns what a hand can do to it: pull the cable, cut the supply, press reset.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use link::Micros;
use link::frame::MAX_FRAME;
use link::rig::Rig;
use sim::VirtualBody;
use sim::animal::Animal;

use crate::bench::Event;
use crate::pace::{Pace, SLICE_NANOS};
use crate::port::Port;
use crate::rig::{Cord, EmulatedRig, EmulatedSettings, FineEdge};
use crate::upset::{Goes, Upset};

/// How long a board with a USB cable is off the bus while it is reset, in µs.
const OFF_THE_BUS_US: Micros = 100_000;

/// What a hand does to the rig. Times are of the chip's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Pulls the cable for so many µs; the supply stays.
    PullCable(Micros),
    /// Cuts the supply for so many µs.
    CutSupply(Micros),
    /// Presses reset as soon as an output is on.
    ResetWhileOn,
    /// Makes the level of the engine go round without end: the watchdog's matter.
    Hang,
}

/// What was seen at the rig.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every edge at an output pin.
    pub edges: Vec<FineEdge>,
    /// Resets, faults and lock-ups.
    pub mishaps: Vec<Event>,
    /// Why the emulator or the cable failed, if it did.
    pub failed: Option<String>,
}

/// The rig on the table.
#[derive(Debug)]
pub struct Table {
    port: PathBuf,
    orders: Sender<Order>,
    thread: Option<JoinHandle<Seen>>,
}

impl Table {
    /// A rig that has just got its supply, its cable plugged in at `port`.
    #[must_use]
    pub fn new(
        script: &Path,
        image: &Path,
        cord: Cord,
        rig: &Rig,
        animal: Box<dyn Animal + Send>,
        port: &Path,
    ) -> Self {
        let (orders, to_do) = channel();
        let (script, image, rig, link) = (script.to_owned(), image.to_owned(), rig.clone(), port.to_owned());
        let thread = thread::spawn(move || {
            let settings = EmulatedSettings {
                script: &script,
                image: &image,
                cord,
                cache: true,
                phases: false,
                notices: true,
                timed: &[],
                laps: &[],
                upsets: &[],
                seed: 1,
            };
            let failed = |error: &dyn Display| Seen { failed: Some(error.to_string()), ..Seen::default() };
            match EmulatedRig::new(&settings, &rig, animal) {
                Ok(rig) => match Port::open(&link) {
                    Ok(port) => Life {
                        rig,
                        cord,
                        link,
                        port: Some(port),
                        now: 0,
                        plug_at: None,
                        reset_asked: false,
                        mishaps: 0,
                    }
                    .live(&to_do),
                    Err(error) => failed(&error),
                },
                Err(error) => failed(&error),
            }
        });
        Self { port: port.to_owned(), orders, thread: Some(thread) }
    }

    /// Where its port is.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Does something to it.
    pub fn order(&self, order: Order) {
        // A rig that failed says so when it is taken away.
        let _ = self.orders.send(order);
    }

    /// Takes the rig off the table: what was seen of it.
    #[must_use]
    pub fn take_away(mut self) -> Seen {
        self.end()
    }

    fn end(&mut self) -> Seen {
        // The thread ends when nobody can order anything any more.
        self.orders = channel().0;
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_else(|| Seen {
            failed: Some("the thread of the emulated rig ended by itself".to_owned()),
            ..Seen::default()
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

/// What lives on the thread.
struct Life {
    rig: EmulatedRig,
    cord: Cord,
    link: PathBuf,
    port: Option<Port>,
    now: Micros,
    /// When the cable comes back.
    plug_at: Option<Micros>,
    reset_asked: bool,
    /// Mishaps so far.
    mishaps: usize,
}

impl Life {
    fn live(mut self, to_do: &Receiver<Order>) -> Seen {
        let mut pace = Pace::from(0);
        let mut failed = None;
        loop {
            match to_do.try_recv() {
                Ok(order) => self.obey(order),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {}
            }
            if let Err(error) = self.turn() {
                failed = Some(error.to_string());
                break;
            }
            if let Some(error) = self.rig.failed() {
                failed = Some(error.to_string());
                break;
            }
            pace.wait_for(self.now * 1_000);
        }
        Seen { edges: self.rig.take_fine(), mishaps: self.rig.mishaps().to_vec(), failed }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::PullCable(for_us) => self.pull(for_us),
            Order::CutSupply(for_us) => {
                self.pull(for_us);
                self.rig.bench().power(false);
            }
            Order::ResetWhileOn => self.reset_asked = true,
            Order::Hang => {
                let now = self.rig.bench().now();
                self.rig.bench().upset(now, Upset::Code { level: 1, goes: Goes::Loops });
            }
        }
    }

    /// One slice of time.
    fn turn(&mut self) -> std::io::Result<()> {
        if self.plug_at.is_some_and(|at| self.now >= at) {
            self.plug_at = None;
            // Nothing happens if it never was cut.
            self.rig.bench().power(true);
            self.rig.bench().plug(self.cord == Cord::Usb);
            self.port = Some(Port::open(&self.link)?);
        }
        if self.reset_asked && self.rig.outputs_on() != 0 {
            self.reset_asked = false;
            self.rig.bench().reset();
        }
        let mut bytes = [0; 4096];
        if let Some(port) = &mut self.port {
            let count = port.read(&mut bytes)?;
            self.rig.handle_bytes(self.now, bytes.get(..count).unwrap_or(&[]));
        }
        self.now += SLICE_NANOS / 1_000;
        self.rig.run_until(self.now);
        let mishaps = self.rig.mishaps().len();
        // The adapter of a serial port stays where it is.
        if mishaps > self.mishaps && self.cord == Cord::Usb && self.port.is_some() {
            self.pull(OFF_THE_BUS_US);
        }
        self.mishaps = mishaps;
        let mut frame = [0; MAX_FRAME];
        while let Some(used) = self.rig.poll_transmit(self.now, &mut frame) {
            if let Some(port) = &mut self.port {
                port.write(frame.get(..used).unwrap_or(&[]))?;
            }
        }
        Ok(())
    }

    fn pull(&mut self, for_us: Micros) {
        self.port = None;
        self.rig.bench().plug(false);
        self.plug_at = Some(self.now + for_us);
    }
}
