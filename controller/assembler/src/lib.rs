//! Puts rows and code together into a program image. Owns the layout of the image on the writing side
//! ([`link::program`] owns it on the reading side); knows nothing of YAML, names or units.
//!
//! The compiler writes images with it, and so do tests that want a program without a protocol.

pub mod noise;
pub mod random;

use std::collections::HashMap;

use link::limits::MAX_PROGRAM_WORDS;
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Draw, End, Invariant, Region, Row, Rule, Slice, State, Stimulus, When};
use link::program::{FORMAT, HEADER_WORDS, MAGIC, TABLES, Table};

/// A program under construction: the tables of the image, as plain rows.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    /// Parallel regions.
    pub regions: Vec<Region>,
    /// States; a parent stands before its children.
    pub states: Vec<State>,
    /// Transitions and handlers on events.
    pub rules: Vec<Rule>,
    /// Transitions and handlers after a time.
    pub afters: Vec<After>,
    /// Transitions when something holds.
    pub whens: Vec<When>,
    /// What each variable holds at the start.
    pub variables: Vec<i64>,
    /// Lists of constants.
    pub lists: Vec<Slice>,
    /// Stimuli.
    pub stimuli: Vec<Stimulus>,
    /// Draws.
    pub draws: Vec<Draw>,
    /// Invariants, in any order.
    pub invariants: Vec<Invariant>,
    /// Conditions that end the session.
    pub ends: Vec<End>,
    code: Vec<u32>,
    known_code: HashMap<Vec<u32>, Code>,
    constants: Vec<i64>,
    known_constants: HashMap<i64, u16>,
}

/// Why an assembly does not fit into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssemblyError {
    /// A table has more rows than its count can say.
    TooManyRows {
        /// Which table.
        table: Table,
        /// Its rows.
        rows: usize,
    },
    /// The image is longer than the device holds.
    TooLong {
        /// Words of the image.
        words: usize,
    },
}

impl std::fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyRows { table, rows } => write!(f, "table {table:?} has {rows} rows; 65535 is the most"),
            Self::TooLong { words } => {
                write!(f, "the program takes {words} words; {MAX_PROGRAM_WORDS} is the most a device holds")
            }
        }
    }
}

impl std::error::Error for AssemblyError {}

impl Assembly {
    /// A constant that was given out; 0 past their end.
    #[must_use]
    pub fn constant_at(&self, index: usize) -> i64 {
        self.constants.get(index).copied().unwrap_or(0)
    }

    /// The index of a constant, shared between equal ones.
    pub fn constant(&mut self, value: i64) -> u16 {
        if let Some(&known) = self.known_constants.get(&value) {
            return known;
        }
        let index = self.constants.len() as u16;
        self.constants.push(value);
        self.known_constants.insert(value, index);
        index
    }

    /// Constants one behind the other, as lists and decks need them; the index of the first.
    pub fn constants(&mut self, values: &[i64]) -> u16 {
        let first = self.constants.len() as u16;
        self.constants.extend_from_slice(values);
        first
    }

    /// The operation that pushes `value`.
    pub fn push(&mut self, value: i64) -> Op {
        match i16::try_from(value) {
            Ok(small) => Op::new(OpCode::Int, 0, small.cast_unsigned()),
            Err(_) => Op::new(OpCode::Constant, 0, self.constant(value)),
        }
    }

    /// The address of a piece of code, shared between equal ones; its `End` is added. No operations: nothing to run.
    pub fn code(&mut self, ops: &[Op]) -> Code {
        if ops.is_empty() {
            return Code::NONE;
        }
        let mut words: Vec<u32> = ops.iter().map(|op| op.to_word()).collect();
        words.push(Op::new(OpCode::End, 0, 0).to_word());
        if let Some(&known) = self.known_code.get(&words) {
            return known;
        }
        let address = Code(self.code.len() as u16);
        self.code.extend_from_slice(&words);
        self.known_code.insert(words, address);
        address
    }

    /// The operations of a piece of code, without its end.
    #[must_use]
    pub fn ops(&self, code: Code) -> Vec<Op> {
        let Some(address) = code.address() else { return Vec::new() };
        let words = self.code.iter().skip(address);
        words.map_while(|word| Op::from_word(*word).filter(|op| op.code != OpCode::End)).collect()
    }

    /// The image.
    ///
    /// # Errors
    /// When a table or the whole is larger than an image can be.
    pub fn image(&self) -> Result<Vec<u32>, AssemblyError> {
        let mut invariants = self.invariants.clone();
        invariants.sort_by_key(|invariant| invariant.line);
        let tables: [Vec<u32>; TABLES] = [
            words_of(&self.regions),
            words_of(&self.states),
            words_of(&self.rules),
            words_of(&self.afters),
            words_of(&self.whens),
            self.code.clone(),
            longs(&self.constants),
            longs(&self.variables),
            words_of(&self.lists),
            words_of(&self.stimuli),
            words_of(&self.draws),
            words_of(&invariants),
            words_of(&self.ends),
        ];
        let length = HEADER_WORDS + tables.iter().map(Vec::len).sum::<usize>();
        if length > MAX_PROGRAM_WORDS {
            return Err(AssemblyError::TooLong { words: length });
        }
        let mut image = vec![MAGIC, FORMAT, length as u32];
        let mut offset = HEADER_WORDS;
        for (table, words) in Table::ALL.into_iter().zip(&tables) {
            let rows = words.len() / table.row_words();
            if rows > usize::from(u16::MAX) {
                return Err(AssemblyError::TooManyRows { table, rows });
            }
            image.push(((offset as u32) << 16) | rows as u32);
            offset += words.len();
        }
        image.extend(tables.iter().flatten());
        Ok(image)
    }
}

fn words_of<R: Row>(rows: &[R]) -> Vec<u32> {
    let mut words = vec![0; rows.len() * R::WORDS];
    for (row, slot) in rows.iter().zip(words.chunks_exact_mut(R::WORDS)) {
        row.write(slot);
    }
    words
}

fn longs(values: &[i64]) -> Vec<u32> {
    values.iter().flat_map(|value| [*value as u32, (*value >> 32) as u32]).collect()
}
