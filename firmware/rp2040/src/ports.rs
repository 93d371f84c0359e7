//! P2's turn: frames from two ports to the core's far end, and its frames out on the port that was heard last. Owns the
//! choice between USB and UART; knows no message.

use device::Outer;
use link::frame::{Deframer, MAX_FRAME};

use crate::clock::{self, Alarm};
use crate::levels::{Image, ask_core};
use crate::uart::Uart;
use crate::usb::Usb;
use crate::watchdog::Feeder;

/// A controller's frames begin with this byte.
const CONTROLLER: u8 = b'>';
/// Bytes taken from a port at once.
const CHUNK: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Usb,
    Uart,
}

/// One port's stream, cut where frames end, so that two ports never mix in one frame.
struct Lane {
    bytes: heapless::Vec<u8, MAX_FRAME>,
    overlong: bool,
    check: Deframer,
}

impl Lane {
    const fn new() -> Self {
        Self { bytes: heapless::Vec::new(), overlong: false, check: Deframer::new() }
    }

    /// Takes a byte; true at the end of a frame, which is then in `bytes` until [`Lane::clear`].
    fn take(&mut self, byte: u8) -> bool {
        self.overlong |= self.bytes.push(byte).is_err();
        byte == 0
    }

    /// Whether the frame is whole and a controller's.
    fn is_sound(&mut self) -> bool {
        self.check.next_frame(&mut self.bytes.as_slice()) && self.check.payload().first() == Some(&CONTROLLER)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.overlong = false;
    }
}

/// The lowest level: everything that has time.
pub(crate) struct Ports {
    feeder: Feeder,
    outer: Outer<'static, Image>,
    usb: Usb,
    uart: Uart,
    usb_lane: Lane,
    uart_lane: Lane,
    /// The port that spoke last, and is spoken to.
    heard: Port,
    frame: [u8; MAX_FRAME],
    /// The part of `frame` that is still to be sent.
    left: core::ops::Range<usize>,
}

impl Ports {
    pub(crate) fn new(outer: Outer<'static, Image>, usb: Usb, uart: Uart) -> Self {
        Self {
            feeder: Feeder::new(outer.alive()),
            outer,
            usb,
            uart,
            usb_lane: Lane::new(),
            uart_lane: Lane::new(),
            heard: Port::Usb,
            frame: [0; MAX_FRAME],
            left: 0..0,
        }
    }

    /// One turn, then sleep until something happens.
    pub(crate) fn turn(&mut self) {
        self.feeder.turn();
        self.usb.poll();
        let mut acted = self.receive();
        let now = clock::micros();
        if self.outer.poll_at(now).is_some_and(|at| at <= now) {
            self.outer.poll(now, &mut self.feeder);
            acted = true;
        }
        acted |= self.transmit();
        if acted {
            ask_core();
            return;
        }
        self.usb.listen();
        let now = clock::micros();
        // What is due already waits for the port, whose interrupt wakes us.
        let due = self.outer.poll_at(now).filter(|at| *at > now);
        if !clock::wake(Alarm::Outer, now, due) {
            // Any interrupt since the last of these makes it return at once: nothing is slept through.
            cortex_m::asm::wfe();
        }
    }

    fn receive(&mut self) -> bool {
        let mut heard = false;
        let mut chunk = [0; CHUNK];
        let len = self.usb.read(&mut chunk);
        for byte in chunk.iter().take(len) {
            heard |= self.hear(Port::Usb, *byte);
        }
        for _ in 0..CHUNK {
            let Some(byte) = self.uart.read() else { break };
            heard |= self.hear(Port::Uart, byte);
        }
        heard
    }

    /// Takes a byte; true at the end of a frame.
    fn hear(&mut self, port: Port, byte: u8) -> bool {
        let lane = match port {
            Port::Usb => &mut self.usb_lane,
            Port::Uart => &mut self.uart_lane,
        };
        if !lane.take(byte) {
            return false;
        }
        if !lane.overlong {
            if lane.is_sound() && self.heard != port {
                self.heard = port;
                // Half a frame for the other port is of no use to anyone.
                self.left = 0..0;
            }
            self.outer.handle_bytes(clock::micros(), &lane.bytes, &mut self.feeder);
        }
        lane.clear();
        true
    }

    /// Sends as much as the port takes; true if there is more to send and it may take it.
    fn transmit(&mut self) -> bool {
        if self.left.is_empty() {
            let Some(len) = self.outer.poll_transmit(clock::micros(), &mut self.frame, &mut self.feeder) else {
                return false;
            };
            self.left = 0..len;
        }
        let bytes = self.frame.get(self.left.clone()).unwrap_or(&[]);
        let taken = match self.heard {
            // Nobody there: the link sends again what matters.
            Port::Usb if !self.usb.connected() => bytes.len(),
            Port::Usb => self.usb.write(bytes),
            Port::Uart => self.uart.write(bytes),
        };
        self.left.start = self.left.start.saturating_add(taken);
        taken > 0
    }
}
