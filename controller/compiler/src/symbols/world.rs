//! The names of what crosses the border of the rig other than at its pins: events and values from outside, parameters that
//! change while a session runs, questions to the operator, frames, sync. A controller reads here what it may send, and in
//! which words a person says it.

use serde::{Deserialize, Serialize};

/// What crosses the border of the rig other than at its pins; every list is in the order of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct World {
    /// Events and values from outside.
    pub outside: Vec<OutsideSymbol>,
    /// Questions to the operator.
    pub prompts: Vec<PromptSymbol>,
    /// Frames out and in.
    pub frames: Vec<FramesSymbol>,
    /// Patterns on sync lines.
    pub sync: Vec<SyncSymbol>,
}

/// An event or a value from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideSymbol {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// The event that tells of it, counted from [`link::EventId::NAMED`].
    pub event: u16,
    /// The value that comes with it, if one does.
    pub value: Option<ValueSymbol>,
    /// Keys of the operator, and the value each stands for.
    pub keys: Vec<(char, Option<i64>)>,
}

/// A variable that is given from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueSymbol {
    /// The variable.
    pub variable: u16,
    /// The least and the most it may be, in base units.
    pub range: Option<(i64, i64)>,
}

/// How a parameter is changed while the session runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSymbol {
    /// The variable that takes a new value: the parameter itself, or where it waits for the next trial.
    pub variable: u16,
    /// Whether it is taken up at the next trial rather than at once.
    pub next_trial: bool,
    /// The least and the most it may be, in base units; none for what has choices.
    pub range: Option<(i64, i64)>,
}

/// A question to the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptSymbol {
    /// Its name.
    pub name: String,
    /// The question as it is shown.
    pub ask: String,
    /// What is an answer.
    pub form: AnswerForm,
    /// The event that asks, counted from [`link::EventId::NAMED`].
    pub asked: u16,
    /// The event that takes the question back.
    pub withdrawn: u16,
    /// The event that tells of the answer.
    pub answered: u16,
}

/// What is an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerForm {
    /// That it is done.
    Done,
    /// Whatever is written; it goes into the journal as a note.
    Note,
    /// One of a variable's labels, from this one on.
    Choice {
        /// The variable.
        variable: u16,
        /// The first label that is a choice.
        first: u16,
    },
    /// A value.
    Value {
        /// Where it goes, and its bounds.
        value: ValueSymbol,
        /// What is taken where nothing else is typed, in base units.
        default: i64,
    },
}

/// Frames of a microscope or camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramesSymbol {
    /// Their name.
    pub name: String,
    /// The line that triggers them, and the period in µs.
    pub trigger: Option<(u8, u32)>,
    /// The line they are counted on, the edge that counts, and the variable that counts.
    pub count: Option<FrameCount>,
}

/// How frames are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCount {
    /// The line.
    pub line: u8,
    /// The edge that is a frame: to active (true) or away from it.
    pub active: bool,
    /// The variable that holds their number. It is not recorded: the edges are.
    pub variable: u16,
    /// From when on they have stopped, in µs.
    pub alarm_us: Option<u32>,
}

/// A pattern on a sync line. Times in µs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSymbol {
    /// The line.
    pub line: u8,
    /// What it carries.
    pub pattern: SyncPattern,
}

/// What a sync line carries. Times in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncPattern {
    /// A number that counts up.
    Barcode(BarcodeTiming),
    /// Pulses at one rate.
    Pulses {
        /// Width of a pulse.
        width_us: u32,
        /// From one to the next.
        period_us: u32,
    },
    /// Pulses at distances drawn from the seed.
    Random {
        /// Width of a pulse.
        width_us: u32,
        /// The shortest and the longest distance between two rising edges.
        between_us: (u32, u32),
    },
}

/// How a barcode looks: on, off, on, off, each as long as a start pulse; the bits, least significant first, on for 1; then
/// off and on again, each as long as a start pulse; then off. No two start pulses are as long as one bit, so where a barcode
/// begins can be told wherever one starts to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarcodeTiming {
    /// Bits of the number, 1 to 32.
    pub bits: u32,
    /// Width of a bit in µs, at least twice that of a start pulse.
    pub bit_us: u32,
    /// Width of a start pulse in µs.
    pub start_us: u32,
    /// From one barcode to the next, in µs.
    pub every_us: u32,
    /// The first number.
    pub first: u32,
}

impl BarcodeTiming {
    /// From the first rising edge to the last falling one, in µs.
    #[must_use]
    pub const fn length_us(&self) -> u64 {
        6 * self.start_us as u64 + self.bits as u64 * self.bit_us as u64
    }
}

impl World {
    /// The variables given from outside the program while it runs, parameters apart.
    pub fn given(&self) -> impl Iterator<Item = u16> + '_ {
        let outside = self.outside.iter().filter_map(|outside| Some(outside.value.as_ref()?.variable));
        let answers = self.prompts.iter().filter_map(|prompt| match &prompt.form {
            AnswerForm::Done | AnswerForm::Note => None,
            AnswerForm::Choice { variable, .. } => Some(*variable),
            AnswerForm::Value { value, .. } => Some(value.variable),
        });
        outside.chain(answers)
    }
}
