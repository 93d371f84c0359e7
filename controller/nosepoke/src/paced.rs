//! A session in real time: the device on a thread of its own, which only moves bytes; the session on a tokio side that
//! sleeps until something comes or is due. Bytes cross in bounded channels. Knows nothing of what the bytes mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use compiler::RigConfig;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use journal::Storage;
use link::Micros;
use link::frame::MAX_FRAME;
use sim::Memory;
use tokio::sync::Notify;

use crate::room::{self, RoomError};
use crate::session::{Ended, OpenJournal, Plan, Session, SessionError};
use crate::tally::Tally;

/// Frames that may wait in one direction. The link resends what finds no room.
const FRAMES_WAITING: usize = 1024;
/// How long the session sleeps at most before it looks whether it should stop, and shows how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// How long the device's thread sleeps at most.
const DEVICE_LOOK: Duration = Duration::from_millis(5);

/// Wall time since the session's program began, in µs.
#[derive(Debug, Clone, Copy)]
struct Clock {
    began: Instant,
}

impl Clock {
    fn now(self) -> Micros {
        Micros::try_from(self.began.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// How long until `at`, at most `most`.
    fn until(self, at: Option<Micros>, most: Duration) -> Duration {
        at.map_or(most, |at| Duration::from_micros(at.saturating_sub(self.now())).min(most))
    }
}

/// Runs a session on a simulated rig in real time, showing how far it is every [`LOOK`].
///
/// # Errors
/// When the rig cannot be simulated. How the session itself ended is the first of the pair.
pub fn run<S: Storage>(
    plan: Plan,
    rig: &RigConfig,
    open: OpenJournal<S>,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&Tally),
) -> Result<(Result<Ended, SessionError>, Tally), RoomError> {
    let clock = Clock { began: Instant::now() };
    let (to_device, from_session) = bounded::<Vec<u8>>(FRAMES_WAITING);
    let (to_session, from_device) = bounded::<Vec<u8>>(FRAMES_WAITING);
    let bell = Arc::new(Notify::new());
    let (compiled, config, ring) = (plan.compiled.clone(), rig.clone(), Arc::clone(&bell));
    let seed = plan.seed;
    // Asked here once, so that the device's thread cannot fail to build it.
    room::animal(&compiled, &config, seed)?;
    thread::scope(|scope| {
        let device = scope.spawn(move || {
            let mut memory = Box::new(Memory::new());
            let mut sim = room::simulated(&compiled, &config, seed, &mut memory)?;
            serve(&mut sim, clock, &from_session, &to_session, &ring);
            Ok(())
        });
        let mut session = Session::new(plan, open);
        let ended = drive(&mut session, clock, to_device, &from_device, &bell, stop, show);
        match device.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((ended, session.tally().clone()))
    })
}

/// The device's side: runs the rig up to now, hands over what it sends, until the session hangs up.
fn serve(
    sim: &mut sim::SimRig<'_>,
    clock: Clock,
    from_session: &Receiver<Vec<u8>>,
    to_session: &Sender<Vec<u8>>,
    bell: &Notify,
) {
    let mut frame = [0; MAX_FRAME];
    loop {
        match from_session.recv_timeout(clock.until(sim.poll_at(), DEVICE_LOOK)) {
            Ok(bytes) => sim.handle_bytes(clock.now(), &bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.now();
        sim.run_until(now);
        while let Some(used) = sim.poll_transmit(now, &mut frame) {
            send(to_session, &frame[..used]);
            bell.notify_one();
        }
    }
}

/// A frame that finds no room is lost, as on a cable; the link sends it again.
fn send(channel: &Sender<Vec<u8>>, frame: &[u8]) {
    if let Err(TrySendError::Full(_)) = channel.try_send(frame.to_vec()) {
        tracing::warn!("a frame found no room and will be sent again");
    }
}

/// The session's side.
fn drive<S: Storage>(
    session: &mut Session<S>,
    clock: Clock,
    to_device: Sender<Vec<u8>>,
    from_device: &Receiver<Vec<u8>>,
    bell: &Notify,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&Tally),
) -> Result<Ended, SessionError> {
    let turn = async {
        let mut frame = [0; MAX_FRAME];
        loop {
            while let Ok(bytes) = from_device.try_recv() {
                session.handle_bytes(clock.now(), &bytes);
            }
            let now = clock.now();
            session.poll(now);
            while let Some(used) = session.poll_transmit(now, &mut frame) {
                send(&to_device, &frame[..used]);
            }
            show(session.tally());
            if let Some(result) = session.take_result() {
                return result;
            }
            if stop.load(Ordering::Relaxed) {
                session.stop();
            }
            // Whichever comes first; both only mean that it is time to look again.
            let _ = tokio::time::timeout(clock.until(session.poll_at(), LOOK), bell.notified()).await;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(turn),
        Err(error) => Err(SessionError::NoRuntime(error)),
    }
}
