//! What whoever runs a session in virtual time asks of a body: bytes in, bytes out, and how far time may jump. Implemented
//! by the simulated rig and by the emulated chip; knows neither.

use link::Micros;

use crate::rig::SimRig;

/// A body whose time is an argument, in µs since its supply came.
pub trait VirtualBody {
    /// Bytes from the controller arrive at `now`.
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]);

    /// Lets everything happen that is due by `now`.
    fn run_until(&mut self, now: Micros);

    /// Writes the next frame for the controller into `out`; the bytes used.
    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize>;

    /// When it next has something to do or to say, at most `limit`. Nothing comes to it before that, so a body that cannot
    /// tell without running may run ahead.
    fn next_at(&mut self, limit: Micros) -> Micros;
}

impl VirtualBody for SimRig<'_> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        SimRig::handle_bytes(self, now, bytes);
    }

    fn run_until(&mut self, now: Micros) {
        SimRig::run_until(self, now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        SimRig::poll_transmit(self, now, out)
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        self.poll_at().map_or(limit, |at| at.min(limit))
    }
}
