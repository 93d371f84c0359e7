//! What was uploaded: a rig and a program, each proven whole and checked before it counts. The program's words lie in
//! memory of the caller.

use link::message::{Refusal, Upload};
use link::packed_rig::PackedRig;
use link::program::check::check_pausing;
use link::program::{Program, Table};
use link::rig::holds_together;
use link::upload::Assembling;

/// Bytes of a rig at most: 16 lines that are counted take up to 55 each in postcard, 16 others 30, eight senses 8, and the
/// timings 20.
const RIG_BYTES: usize = 1536;

/// What an upload brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// A rig; P0 has yet to say whether it can be made.
    Rig,
    /// A program.
    Program,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    hash: [u8; 8],
    variables: usize,
}

/// Uploads under way and what they brought.
#[derive(Debug)]
pub(super) struct Uploads {
    under_way: Option<Assembling>,
    /// A rig stays as it came: taken apart it takes more memory, and it is seldom asked for.
    rig_bytes: [u8; RIG_BYTES],
    /// How much of that is a rig that was checked; 0 if none is.
    rig_length: usize,
    rig_good: bool,
    program: Option<Held>,
}

impl Uploads {
    pub(super) const fn new() -> Self {
        Self { under_way: None, rig_bytes: [0; RIG_BYTES], rig_length: 0, rig_good: false, program: None }
    }

    /// The rig, once it was uploaded.
    pub(super) fn rig(&self) -> Option<PackedRig<'_>> {
        PackedRig::read(self.rig_bytes.get(..self.rig_length)?)
    }

    /// The first bytes of the program's hash, if there is a program.
    pub(super) fn program(&self) -> Option<[u8; 8]> {
        self.program.map(|held| held.hash)
    }

    /// Variables of the program.
    pub(super) fn variables(&self) -> usize {
        self.program.map_or(0, |held| held.variables)
    }

    /// Whether there is all that a session needs.
    pub(super) const fn complete(&self) -> bool {
        self.rig_length != 0 && self.rig_good && self.program.is_some()
    }

    /// P0 has taken up the rig, or not all of it.
    pub(super) fn rig_taken_up(&mut self, good: bool) {
        self.rig_good = good;
        if !good {
            self.rig_length = 0;
        }
    }

    pub(super) fn begin(&mut self, what: Upload, bytes: u32, hash: [u8; 32], image: &mut [u32]) -> Result<(), Refusal> {
        self.under_way = None;
        let assembling = match what {
            Upload::Rig => Assembling::begin(what, bytes, hash, self.rig_bytes.as_slice())?,
            Upload::Program => Assembling::begin(what, bytes, hash, &*image)?,
        };
        match what {
            // Its bytes are written over. The outputs keep to it until the new one is whole.
            Upload::Rig => self.rig_length = 0,
            Upload::Program => self.program = None,
        }
        self.under_way = Some(assembling);
        Ok(())
    }

    pub(super) fn piece(&mut self, offset: u32, bytes: &[u8], image: &mut [u32]) -> Result<(), Refusal> {
        let Some(assembling) = &mut self.under_way else { return Err(Refusal::BadPiece) };
        match assembling.what() {
            Upload::Rig => assembling.piece(offset, bytes, self.rig_bytes.as_mut_slice()),
            Upload::Program => assembling.piece(offset, bytes, image),
        }
    }

    /// Proves the upload whole and checks it, which may take long: `pause` is called many times meanwhile.
    pub(super) fn finish(&mut self, image: &mut [u32], pause: &mut dyn FnMut()) -> Result<Whole, Refusal> {
        let Some(assembling) = self.under_way.take() else { return Err(Refusal::BadPiece) };
        assembling.finish()?;
        match assembling.what() {
            Upload::Rig => self.finish_rig(assembling.length()),
            Upload::Program => self.finish_program(&assembling, image, pause),
        }
    }

    // The two apart, so that neither needs the other's stack.
    #[inline(never)]
    fn finish_rig(&mut self, bytes: usize) -> Result<Whole, Refusal> {
        let rig = self.rig_bytes.get(..bytes).and_then(PackedRig::read);
        if !rig.as_ref().is_some_and(sound) {
            return Err(Refusal::BadRig);
        }
        (self.rig_length, self.rig_good) = (bytes, false);
        Ok(Whole::Rig)
    }

    #[inline(never)]
    fn finish_program(
        &mut self,
        assembling: &Assembling,
        image: &mut [u32],
        pause: &mut dyn FnMut(),
    ) -> Result<Whole, Refusal> {
        let words = image.get(..assembling.length() / 4).unwrap_or(image);
        let program = Program::open(words).map_err(|_| Refusal::BadProgram)?;
        check_pausing(&program, pause).map_err(|_| Refusal::BadProgram)?;
        let [a, b, c, d, e, f, g, h, ..] = *assembling.hash();
        self.program = Some(Held { hash: [a, b, c, d, e, f, g, h], variables: program.rows(Table::Variables) });
        Ok(Whole::Program)
    }
}

/// What can be, with a limit to the host's silence.
fn sound(rig: &PackedRig<'_>) -> bool {
    holds_together(rig.lines(), &rig.senses, rig.timings.sample_us) && rig.timings.silence_us > 0
}
