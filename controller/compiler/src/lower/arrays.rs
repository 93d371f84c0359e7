//! What is left of line arrays once their rows and actions stand for one element each: which element it was is kept.

use link::program::op::{Op, OpCode};

use super::Lowering;

impl Lowering<'_> {
    /// The row under way is about one element of an array: that it was this one can be read from here on.
    pub(super) fn keep_element(&mut self) -> Vec<Op> {
        let Some((array, element)) = self.names.element else { return Vec::new() };
        let Some(array) = self.names.arrays.get(array) else { return Vec::new() };
        let Some((variable, _)) = self.names.variable(&array.kept()) else { return Vec::new() };
        let value = array.value(element);
        vec![self.assembly.push(value), Op::new(OpCode::Store, 0, variable)]
    }
}
