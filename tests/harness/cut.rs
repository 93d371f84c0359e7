//! A body whose cable goes bad for good in the middle of a session: pulled, or nothing but noise. Owns what still comes through
//! it, and when the last word did.

use assembler::noise::Dice;
use emulated::EmulatedRig;
use link::Micros;
use sim::VirtualBody;

use crate::later::Later;

/// What becomes of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cut {
    /// It is pulled.
    Out,
    /// Every byte on it is a random one, both ways.
    Noise,
}

/// A chip at the far end of a cable that goes bad so many µs after the session's start.
pub(crate) struct Severed<'r> {
    body: Later<'r>,
    cut: Option<(Micros, Cut)>,
    dice: Dice,
    /// When the last whole word of the controller reached the chip, in ns since the supply came.
    pub(crate) last_word_ns: u64,
    pulled: bool,
}

impl<'r> Severed<'r> {
    pub(crate) fn new(rig: &'r mut EmulatedRig, cut: Option<(Micros, Cut)>, seed: u64) -> Self {
        Self { body: Later::from_now(rig), cut, dice: Dice::new(seed), last_word_ns: 0, pulled: false }
    }

    /// What has become of the cable by now.
    fn now(&mut self) -> Option<Cut> {
        let (after_us, cut) = self.cut?;
        let began_ns = self.body.rig().began_ns()?;
        let is_cut = self.body.rig().bench().now() >= began_ns + after_us * 1_000;
        if is_cut && cut == Cut::Out && !std::mem::replace(&mut self.pulled, true) {
            self.body.rig().bench().plug(false);
        }
        is_cut.then_some(cut)
    }
}

impl VirtualBody for Severed<'_> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        self.body.run_until(now);
        match self.now() {
            None => {
                self.last_word_ns = self.body.rig().bench().now();
                self.body.handle_bytes(now, bytes);
            }
            Some(Cut::Out) => {}
            Some(Cut::Noise) => {
                let noise: Vec<u8> = bytes.iter().map(|_| self.dice.byte()).collect();
                self.body.handle_bytes(now, &noise);
            }
        }
    }

    fn run_until(&mut self, now: Micros) {
        self.body.run_until(now);
        self.now();
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        let used = self.body.poll_transmit(now, out)?;
        match self.now() {
            None => Some(used),
            Some(Cut::Out) => None,
            Some(Cut::Noise) => {
                out.iter_mut().take(used).for_each(|byte| *byte = self.dice.byte());
                Some(used)
            }
        }
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        self.body.next_at(limit)
    }
}
