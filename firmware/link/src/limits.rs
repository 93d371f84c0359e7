//! Every fixed capacity of the device, in one place. The compiler proves a program against these before anything runs,
//! and the device proves them again when a program arrives.

/// Lines of one rig, inputs and outputs together. A set of lines is one `u32`, bit *n* for line *n*.
pub const MAX_LINES: usize = 32;
/// Lines of one rig that are sampled, analog ones and encoders together.
pub const MAX_SAMPLED: usize = 4;
/// Encoders among them.
pub const MAX_ENCODERS: usize = 2;
/// Detectors of one rig.
pub const MAX_DETECTORS: usize = 16;
/// Outputs of one rig of which the device keeps count: those with a least time off, a duty or a total.
pub const MAX_COUNTED: usize = 16;
/// Outputs of one rig whose effect is read back.
pub const MAX_SENSES: usize = 8;
/// Samples a detector may look back over.
pub const MAX_WINDOW: usize = 128;
/// Pulses of all lists of one program together.
pub const MAX_LIST_PULSES: usize = 64;
/// States of one program.
pub const MAX_STATES: usize = 1024;
/// Parallel regions of one program.
pub const MAX_REGIONS: usize = 8;
/// How deep states may be nested in one another.
pub const MAX_DEPTH: usize = 8;
/// Variables, parameters and counters together.
pub const MAX_VARIABLES: usize = 256;
/// Named timers.
pub const MAX_TIMERS: usize = 64;
/// Rows of `after` that may be running at once in one region: those of the active state and of all that hold it.
pub const MAX_DEADLINES_PER_REGION: usize = 16;
/// Random draws of one program.
pub const MAX_DRAWS: usize = 64;
/// Cells that hold what is left in the decks of a program: one per label, plus two per deck.
pub const MAX_DECK_CELLS: usize = 256;
/// Labels of one deck or weighted draw.
pub const MAX_LABELS: usize = 16;
/// Invariants of one program.
pub const MAX_INVARIANTS: usize = 32;
/// Conditions that end the session.
pub const MAX_ENDS: usize = 8;
/// Values an expression may hold on its stack at once.
pub const MAX_STACK: usize = 32;
/// Signals that may wait to be handled within one microsecond.
pub const MAX_SIGNALS: usize = 16;
/// Transitions that may follow one another within one microsecond before the engine calls it a fault.
pub const MAX_CHAIN: u16 = 64;
/// Ends of trains, timers and time-outs that may fall due within one microsecond: every one there can be at once, and as
/// many again that start anew for no time at all.
pub const MAX_DUE: u16 = 512;
/// Inputs that may wait for their microsecond to close.
pub const MAX_INBOX: usize = 64;
/// Words of one program image: 53 KiB, more than the largest takes that is at every other limit.
pub const MAX_PROGRAM_WORDS: usize = 53 * 256;
