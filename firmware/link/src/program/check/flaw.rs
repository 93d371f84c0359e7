//! What can be wrong with a program image, and the sentences that say so.

use core::fmt;

use crate::limits::{
    MAX_DEADLINES_PER_REGION, MAX_DECK_CELLS, MAX_DEPTH, MAX_LABELS, MAX_LINES, MAX_PROGRAM_WORDS, MAX_STACK,
};
use crate::program::Table;
use crate::record::Train;
use crate::vocabulary::{EventId, LineId, RegionId, StateId, VariableId};

use super::{EVENTS_END, MAX_CHECKED_OPS, MAX_OPEN_JUMPS};

/// Why an image is not sound, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckError {
    /// The image is longer than the device holds.
    TooLong {
        /// Its words.
        words: usize,
    },
    /// A table has too few or too many rows.
    Rows {
        /// Which.
        table: Table,
        /// The rows it has.
        rows: usize,
        /// The fewest it may have.
        least: usize,
        /// The most it may have.
        most: usize,
    },
    /// A row is not sound.
    Row {
        /// Of which table.
        table: Table,
        /// Which row.
        row: usize,
        /// What is wrong with it.
        flaw: RowFlaw,
    },
    /// Code is not sound.
    Code {
        /// The table of the row that runs it.
        table: Table,
        /// That row.
        row: usize,
        /// The address of the operation.
        address: usize,
        /// What is wrong with it.
        flaw: CodeFlaw,
    },
    /// There is more code, counted once for every row that runs it, than the check looks at.
    TooMuchCode,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFlaw {
    /// The start state is none, or none of this region.
    Start(StateId),
    /// The region is none, or not that of the parent.
    Region(RegionId),
    /// The parent is none, or does not stand before its child.
    Parent(StateId),
    /// The depth is not one more than the parent's, or too deep.
    Depth(u8),
    /// The initial state is no child, or missing though there are children.
    Initial(StateId),
    /// A slice reaches past the end of that table.
    Slice(Table),
    /// Two states own the same rows.
    SharedRows {
        /// Of which table.
        table: Table,
        /// The other state.
        with: StateId,
    },
    /// More `after` rows run at once in this state and those that hold it than the device counts.
    TooManyAfters(usize),
    /// The target is none this row may have, or lies in another region.
    Target(StateId),
    /// The event is past the last.
    Event(EventId),
    /// There is nothing to run where something must be.
    NoCode,
    /// The train has no pulses, or pulses that overlap or have no width.
    Train(Train),
    /// The line is past the last.
    Line(LineId),
    /// The rows are not in the order of their lines.
    Order,
    /// The scope means nothing.
    Scope(u8),
    /// The state is none.
    State(StateId),
    /// The draw is not sound.
    Draw(DrawFlaw),
}

/// What is wrong with a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawFlaw {
    /// The kind means nothing.
    Kind(u8),
    /// The variable is none.
    Variable(VariableId),
    /// Its constants reach past the end of their table.
    Constants,
    /// Its constants are none such a draw can have.
    Values,
    /// It has no labels, or too many.
    Labels(u8),
    /// Its cells reach past the last.
    Cells,
    /// Its cells are also those of another draw.
    SharedCells(u8),
}

/// What is wrong with code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFlaw {
    /// The code has no end.
    NoEnd,
    /// The number means no operation.
    Unknown(u8),
    /// An operand is out of range.
    Operand,
    /// An action where only a value may be worked out.
    NotPure,
    /// A jump leads past the end of its code.
    Jump,
    /// Nothing leads here.
    Unreachable,
    /// More jumps are open at once than the check follows.
    TooManyJumps,
    /// A value is taken off an empty stack.
    Underflow,
    /// The stack grows too deep.
    Overflow,
    /// Two ways meet here with different numbers of values on the stack.
    Join,
    /// The code leaves the wrong number of values.
    Leaves(usize),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { words } => {
                write!(f, "the program has {words} words, {MAX_PROGRAM_WORDS} is the most a device holds")
            }
            Self::Rows { table, rows, least, most } => {
                write!(f, "table {table:?} has {rows} rows, it must have {least} to {most}")
            }
            Self::Row { table, row, flaw } => write!(f, "row {row} of table {table:?}: {flaw}"),
            Self::Code { table, row, address, flaw } => {
                write!(f, "code at {address}, run by row {row} of table {table:?}: {flaw}")
            }
            Self::TooMuchCode => write!(f, "the rows run more than {MAX_CHECKED_OPS} operations in all"),
        }
    }
}

impl fmt::Display for RowFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(state) => write!(f, "its start state {} is none of this region", state.0),
            Self::Region(region) => write!(f, "its region {} is none, or not that of its parent", region.0),
            Self::Parent(state) => write!(f, "its parent {} is none, or does not stand before it", state.0),
            Self::Depth(depth) => {
                write!(f, "its depth {depth} is not one more than its parent's, or not below {MAX_DEPTH}")
            }
            Self::Initial(state) => write!(f, "its initial state {} is none of its children", state.0),
            Self::Slice(table) => write!(f, "it reaches past the end of table {table:?}"),
            Self::SharedRows { table, with } => write!(f, "it shares rows of table {table:?} with state {}", with.0),
            Self::TooManyAfters(count) => {
                write!(f, "{count} time-outs run at once in it, {MAX_DEADLINES_PER_REGION} is the most")
            }
            Self::Target(state) => write!(f, "its target {} is none this row may have", state.0),
            Self::Event(event) => write!(f, "its event {} is not below {EVENTS_END}", event.0),
            Self::NoCode => write!(f, "it has no code where it must have some"),
            Self::Train(t) => write!(
                f,
                "a train of {} pulses of {} µs every {} µs cannot be played",
                t.count, t.width_us, t.period_us
            ),
            Self::Line(line) => write!(f, "its line {} is not below {MAX_LINES}", line.0),
            Self::Order => write!(f, "it does not stand in the order of its line"),
            Self::Scope(scope) => write!(f, "its scope {scope} means nothing"),
            Self::State(state) => write!(f, "its state {} is none", state.0),
            Self::Draw(flaw) => flaw.fmt(f),
        }
    }
}

impl fmt::Display for DrawFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "its kind {kind} means nothing"),
            Self::Variable(variable) => write!(f, "its variable {} is none", variable.0),
            Self::Constants => write!(f, "its constants reach past the end of their table"),
            Self::Values => write!(f, "its constants are none such a draw can have"),
            Self::Labels(labels) => write!(f, "it has {labels} labels, it must have 1 to {MAX_LABELS}"),
            Self::Cells => write!(f, "its cells reach past the last of {MAX_DECK_CELLS}"),
            Self::SharedCells(with) => write!(f, "it shares cells with draw {with}"),
        }
    }
}

impl fmt::Display for CodeFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEnd => write!(f, "it has no end"),
            Self::Unknown(number) => write!(f, "{number} means no operation"),
            Self::Operand => write!(f, "an operand is out of range"),
            Self::NotPure => write!(f, "an action stands where only a value may be worked out"),
            Self::Jump => write!(f, "a jump leads past the end"),
            Self::Unreachable => write!(f, "nothing leads here"),
            Self::TooManyJumps => write!(f, "more than {MAX_OPEN_JUMPS} jumps are open at once"),
            Self::Underflow => write!(f, "a value is taken off an empty stack"),
            Self::Overflow => write!(f, "more than {MAX_STACK} values are on the stack"),
            Self::Join => write!(f, "two ways meet with different numbers of values on the stack"),
            Self::Leaves(count) => write!(f, "it leaves {count} values, which is one too many or too few"),
        }
    }
}
