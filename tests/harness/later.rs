//! A chip whose supply came long ago, for a session whose time begins now. Owns the difference of the two times.

use emulated::EmulatedRig;
use link::Micros;
use sim::VirtualBody;

/// A chip, at times counted from when this was made.
pub(crate) struct Later<'r> {
    rig: &'r mut EmulatedRig,
    from: Micros,
}

impl<'r> Later<'r> {
    /// Time begins now.
    pub(crate) fn from_now(rig: &'r mut EmulatedRig) -> Self {
        let from = rig.bench().now().div_ceil(1_000);
        Self { rig, from }
    }

    /// The chip itself.
    pub(crate) const fn rig(&mut self) -> &mut EmulatedRig {
        self.rig
    }
}

impl VirtualBody for Later<'_> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.rig.handle_bytes(self.from + now, bytes);
    }

    fn run_until(&mut self, now: Micros) {
        self.rig.run_until(self.from + now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.rig.poll_transmit(self.from + now, out)
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        self.rig.next_at(self.from.saturating_add(limit)).saturating_sub(self.from)
    }
}
