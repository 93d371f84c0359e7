//! A look at the pads of outputs that nobody moves: one may leave its level at any time, by a short or a burnt driver, and
//! would otherwise be noticed when its line is next driven. Owns which pads are looked at.

use super::guard::Guard;
use super::switching::Hands;
use crate::board::Board;

impl Guard {
    /// Trips for a pad that is not as it is held. Those of foretold lines may have been struck at this moment, and are looked
    /// at then.
    #[inline]
    pub(crate) fn look<B: Board>(&mut self, hands: &mut Hands<B>) {
        let pins = hands.board.outputs();
        let wrong = (hands.board.pads(pins, self.held) ^ self.held) & pins;
        if wrong != 0 {
            self.suspect |= self.lines_on(wrong, self.known & !self.plan().lines);
            self.settle(hands);
        }
    }
}
