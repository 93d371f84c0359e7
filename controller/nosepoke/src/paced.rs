//! A session on a simulated rig in real time: the device on a thread of its own, the session beside it.

use std::thread;
use std::time::Duration;

use compiler::RigConfig;
use crossbeam_channel::RecvTimeoutError;
use journal::Storage;
use link::frame::MAX_FRAME;
use sim::Memory;

use crate::drive::{self, Clock, Far};
use crate::outside::Outside;
use crate::room::{self, RoomError};
use crate::session::{Ended, OpenJournal, Plan, Session, SessionError};
use crate::stop::Stop;
use crate::tally::Tally;

/// How long the device's thread sleeps at most.
const DEVICE_LOOK: Duration = Duration::from_millis(5);

/// Runs a session on a simulated rig in real time, with these sources of what comes from outside, showing how far it is.
///
/// # Errors
/// When the rig cannot be simulated. How the session itself ended is the first of the pair.
pub fn run<S: Storage>(
    plan: Plan,
    rig: &RigConfig,
    open: OpenJournal<S>,
    outside: Vec<Box<dyn Outside>>,
    stop: &Stop,
    show: &mut dyn FnMut(&Tally),
) -> Result<(Result<Ended, SessionError>, Tally), RoomError> {
    let clock = Clock::start();
    let mut session = Session::new(plan.clone(), open);
    outside.into_iter().for_each(|source| session.attend(source));
    let (near, far) = drive::channels(session.bell());
    let (compiled, config, seed) = (plan.compiled.clone(), rig.clone(), plan.seed);
    // Asked here once, so that the device's thread cannot fail to build it.
    room::animal(&compiled, &config, seed)?;
    thread::scope(|scope| {
        let device = scope.spawn(move || {
            let mut memory = Box::new(Memory::new());
            let mut sim = room::simulated(&compiled, &config, seed, &mut memory)?;
            serve(&mut sim, clock, &far);
            Ok(())
        });
        let ended = drive::drive(&mut session, clock, &near, stop, show);
        // The device's thread ends when nobody sends to it any more.
        drop(near);
        match device.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((ended, session.tally().clone()))
    })
}

/// The device's side: runs the rig up to now, hands over what it sends, until the session hangs up.
fn serve(sim: &mut sim::SimRig<'_>, clock: Clock, far: &Far) {
    let mut frame = [0; MAX_FRAME];
    loop {
        match far.from_session.recv_timeout(clock.until(sim.poll_at(), DEVICE_LOOK)) {
            Ok(bytes) => sim.handle_bytes(clock.now(), &bytes),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.now();
        sim.run_until(now);
        while let Some(used) = sim.poll_transmit(now, &mut frame) {
            far.send(now, &frame[..used]);
        }
    }
}
