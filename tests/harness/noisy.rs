//! A body at whose link something else speaks besides the controller: noise, torn at any byte, in front of each frame. Owns
//! how much there was; what noise is, `assembler::noise` says.

use assembler::noise::{Addressee, Dice, noise, torn};
use link::Micros;
use sim::VirtualBody;

/// Who noise is meant for does not matter: none of it has a sound checksum.
const NOBODY: Addressee = Addressee { boot: 1, session: 1 };

/// A body that hears noise.
pub(crate) struct Noisy<'b, B> {
    body: &'b mut B,
    each: usize,
    dice: Dice,
    /// Sequences so far.
    pub(crate) sequences: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

impl<'b, B> Noisy<'b, B> {
    /// A body that hears `each` sequences before each frame of the controller.
    pub(crate) const fn new(body: &'b mut B, each: usize, seed: u64) -> Self {
        Self { body, each, dice: Dice::new(seed), sequences: 0, bytes: 0 }
    }
}

impl<B: VirtualBody> VirtualBody for Noisy<'_, B> {
    fn handle_bytes(&mut self, now: Micros, bytes: &[u8]) {
        for _ in 0..self.each {
            let mut noise = noise(&mut self.dice, &NOBODY);
            // The zero ends it, or the frame behind it would go with it.
            noise.push(0);
            self.sequences += 1;
            self.bytes += noise.len() as u64;
            for part in torn(&mut self.dice, noise) {
                self.body.handle_bytes(now, &part);
            }
        }
        self.body.handle_bytes(now, bytes);
    }

    fn run_until(&mut self, now: Micros) {
        self.body.run_until(now);
    }

    fn poll_transmit(&mut self, now: Micros, out: &mut [u8]) -> Option<usize> {
        self.body.poll_transmit(now, out)
    }

    fn next_at(&mut self, limit: Micros) -> Micros {
        self.body.next_at(limit)
    }
}
