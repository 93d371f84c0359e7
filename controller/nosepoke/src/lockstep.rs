//! A session on a body in virtual time, as fast as the processor allows: both ends step on one thread in one time, which
//! jumps from one thing that happens to the next.

use journal::Storage;
use link::Micros;
use link::frame::MAX_FRAME;
use sim::{VirtualBody, Wire, WireFaults};

use crate::session::Session;

/// How long a frame takes through the simulated cable, in µs: what USB at full speed takes to poll once.
pub const LATENCY_US: u64 = 1_000;
/// Virtual time after which a session that never ends by itself is stopped, in µs: a day.
pub const LONGEST_US: u64 = 24 * 3_600 * 1_000_000;

/// Turns without time passing before a µs is let go by.
const TURNS_MAX: u32 = 1_000;

/// Both ways of the cable.
#[derive(Debug)]
pub struct Cable {
    /// From controller to device.
    pub to_device: Wire,
    /// From device to controller.
    pub to_host: Wire,
}

impl Cable {
    /// A cable with these faults both ways.
    #[must_use]
    pub fn new(faults: WireFaults, seed: u64) -> Self {
        Self {
            to_device: Wire::new(LATENCY_US, faults, seed, "to device"),
            to_host: Wire::new(LATENCY_US, faults, seed, "to host"),
        }
    }
}

/// Whoever watches a session in lock step.
pub trait Watch<S: Storage> {
    /// Looked at after everything that happened at `now`; may ask the session to stop or pull the cable.
    fn look(&mut self, now: Micros, session: &mut Session<S>, cable: &mut Cable);
}

impl<S: Storage, F: FnMut(Micros, &mut Session<S>, &mut Cable)> Watch<S> for F {
    fn look(&mut self, now: Micros, session: &mut Session<S>, cable: &mut Cable) {
        self(now, session, cable);
    }
}

/// Runs until the session has nothing left to do. Returns the virtual time then.
pub fn run<S: Storage>(
    session: &mut Session<S>,
    rig: &mut impl VirtualBody,
    cable: &mut Cable,
    watch: &mut impl Watch<S>,
) -> Micros {
    let (mut now, mut turns) = (0, 0_u32);
    let mut frame = [0; MAX_FRAME];
    loop {
        while cable.to_device.receive(now, |bytes| rig.handle_bytes(now, bytes)) {}
        rig.run_until(now);
        while let Some(used) = rig.poll_transmit(now, &mut frame) {
            cable.to_host.send(now, &frame[..used]);
        }
        while cable.to_host.receive(now, |bytes| session.handle_bytes(now, bytes)) {}
        session.poll(now);
        while let Some(used) = session.poll_transmit(now, &mut frame) {
            cable.to_device.send(now, &frame[..used]);
        }
        watch.look(now, session, cable);
        if session.is_done() {
            return now;
        }
        if now > LONGEST_US {
            session.stop();
        }
        let coming = [session.poll_at(), cable.to_device.next_at(), cable.to_host.next_at()].into_iter().flatten();
        // What is due already is done in the next turn, at the same time or a µs later.
        let next = rig.next_at(coming.min().unwrap_or(now + 1)).max(now);
        turns = if next == now { turns + 1 } else { 0 };
        // An end that is always due must not hold the clock.
        now = if turns > TURNS_MAX { now + 1 } else { next };
    }
}
