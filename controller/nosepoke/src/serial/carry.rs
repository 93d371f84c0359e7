//! The thread that moves bytes between a session and its board, and finds the board again after its cable was out. Knows
//! nothing of what the bytes mean; the session never waits for it.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serialport::SerialPort;

use super::find::{Asked, Finder};
use super::port::WAIT;
use crate::drive::{Clock, Far};

/// From one look for a lost board to the next, at first and at most.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(800)];
/// How long the end of a session waits for the port to be closed. A write that hangs in a driver must not hold it.
const GOODBYE: Duration = Duration::from_millis(500);

/// Carries bytes on a thread of its own.
pub(super) struct Carrier {
    hung_up: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    pub(super) fn start(asked: Asked, finder: Finder, clock: Clock, far: Far) -> Self {
        let hung_up = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&hung_up);
        let thread = thread::Builder::new().name("serial".to_owned()).spawn(move || {
            let mut port = Some(asked.port);
            let mut pause = LOOK_AGAIN[0];
            while !over.load(Ordering::Relaxed) {
                match port.take() {
                    Some(open) => {
                        carry(open, clock, &far, &over);
                        pause = LOOK_AGAIN[0];
                    }
                    None => {
                        port = finder.again().map(|asked| {
                            tracing::info!(port = asked.name, "the board is found again");
                            asked.port
                        });
                        if port.is_none() {
                            thread::sleep(pause);
                            pause = (pause * 2).min(LOOK_AGAIN[1]);
                        }
                    }
                }
            }
        });
        if let Err(error) = &thread {
            tracing::error!("no thread could be had for the serial port: {error}");
        }
        Self { hung_up, thread: thread.ok() }
    }

    /// Closes the port.
    pub(super) fn hang_up(self) {
        self.hung_up.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && began.elapsed() < GOODBYE {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Moves bytes until the port is pulled or nobody wants them any more. Reading and writing each have a thread, so that
/// neither waits for the other.
fn carry(mut port: Box<dyn SerialPort>, clock: Clock, far: &Far, over: &AtomicBool) {
    let Ok(writer) = port.try_clone() else { return };
    // What waited while the cable was out is stale; the link says all of it again.
    while far.from_session.try_recv().is_ok() {}
    let pulled = Arc::new(AtomicBool::new(false));
    let writing = {
        let (frames, pulled) = (far.from_session.clone(), Arc::clone(&pulled));
        thread::Builder::new().name("serial writer".to_owned()).spawn(move || write(writer, &frames, &pulled))
    };
    if writing.is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) && !pulled.load(Ordering::Relaxed) {
        match port.read(&mut buffer) {
            // Nothing where something was announced: the other side is gone.
            Ok(0) => break,
            Ok(read) => far.send(clock.now(), buffer.get(..read).unwrap_or(&[])),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(error) => {
                tracing::debug!("the port was pulled: {error}");
                break;
            }
        }
    }
    pulled.store(true, Ordering::Relaxed);
}

/// Writes frames until the port is pulled or the session is over.
fn write(mut port: Box<dyn SerialPort>, frames: &Receiver<Vec<u8>>, pulled: &AtomicBool) {
    while !pulled.load(Ordering::Relaxed) {
        let frame = match frames.recv_timeout(WAIT) {
            Ok(frame) => frame,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match port.write_all(&frame) {
            Ok(()) => {}
            // The device does not listen. What is cut off here is garbled there, and the link says it again.
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => return pulled.store(true, Ordering::Relaxed),
        }
    }
}
