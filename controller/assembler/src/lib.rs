//! Puts rows and code together into a program image. Owns the layout of the image on the writing side
//! ([`link::program`] owns it on the reading side); knows nothing of YAML, names or units.
//!
//! The compiler writes images with it, and so do tests that want a program without a protocol.

pub mod noise;
pub mod random;

use std::collections::HashMap;

use link::LineId;
use link::limits::MAX_PROGRAM_WORDS;
use link::program::op::{Op, OpCode};
use link::program::rows::{After, Code, Draw, End, Invariant, Region, Row, Rule, Slice, State, Stimulus, When};
use link::program::{FORMAT, HEADER_WORDS, MAGIC, TABLES, Table};
use link::pulses::{self, ListPulse};
use link::record::Train;

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
    /// Constants that are pulses of lists.
    list_pulses: usize,
    /// What stands before operations that ask for a line.
    before: Vec<Before>,
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

/// What stands before operations that ask for a line.
#[derive(Debug, Clone)]
struct Before {
    what: &'static str,
    line: LineId,
    on: Vec<Op>,
    off: Vec<Op>,
}

/// The operations with what stands before some of them; jumps lead where they led.
fn with_before(ops: &[Op], before: &[&Before]) -> Vec<Op> {
    let added = |op: &Op| {
        let on = match op.code {
            OpCode::Off => false,
            OpCode::On
            | OpCode::OnPower
            | OpCode::Play
            | OpCode::PlayPower
            | OpCode::Pulse
            | OpCode::PulsePower
            | OpCode::Deliver => true,
            _ => return Vec::new(),
        };
        let of = before.iter().filter(|before| before.line.0 == op.a);
        of.flat_map(|before| if on { &before.on } else { &before.off }).copied().collect()
    };
    if before.is_empty() {
        return ops.to_vec();
    }
    let (mut found, mut places) = (Vec::new(), Vec::new());
    for op in ops {
        places.push(found.len());
        found.extend(added(op));
        found.push(*op);
    }
    places.push(found.len());
    for (n, op) in ops.iter().enumerate() {
        if !matches!(op.code, OpCode::Jump | OpCode::JumpIfFalse) {
            continue;
        }
        let (from, to) = (places.get(n).copied(), places.get(n + 1 + usize::from(op.b)).copied());
        // Nothing stands before a jump, so it is where its place says.
        if let (Some(from), Some(to)) = (from, to)
            && let Some(jump) = found.get_mut(from)
        {
            jump.b = u16::try_from(to.saturating_sub(from + 1)).unwrap_or(u16::MAX);
        }
    }
    found
}

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

    /// The pulses of a list, to be played as a train; none if they are no list a device can play. Lists come before all other
    /// constants, where the device looks for them.
    pub fn list(&mut self, delay_us: u32, pulses: &[ListPulse]) -> Option<Train> {
        if self.constants.len() != self.list_pulses {
            return None;
        }
        let train = pulses::list(delay_us, self.list_pulses as u16, pulses.iter().copied())?;
        self.constants.extend(pulses.iter().map(|pulse| pulse.constant()));
        self.list_pulses = self.constants.len();
        Some(train)
    }

    /// The operation that pushes `value`.
    pub fn push(&mut self, value: i64) -> Op {
        match i16::try_from(value) {
            Ok(small) => Op::new(OpCode::Int, 0, small.cast_unsigned()),
            Err(_) => Op::new(OpCode::Constant, 0, self.constant(value)),
        }
    }

    /// From here on these operations stand before every one that switches a line on, and these before every one that switches it
    /// off. They leave nothing on the stack. `what` says what they are for: see [`Assembly::code_but_for`].
    pub fn before(
        &mut self,
        what: &'static str,
        line: LineId,
        on: impl IntoIterator<Item = Op>,
        off: impl IntoIterator<Item = Op>,
    ) {
        let (on, off) = (on.into_iter().collect(), off.into_iter().collect());
        self.before.push(Before { what, line, on, off });
    }

    /// The address of a piece of code, shared between equal ones; its `End` is added. No operations: nothing to run.
    pub fn code(&mut self, ops: &[Op]) -> Code {
        self.code_but_for(ops, &[])
    }

    /// The same without what stands before operations for these: of what itself goes on at a line.
    pub fn code_but_for(&mut self, ops: &[Op], what: &[&str]) -> Code {
        let before: Vec<&Before> = self.before.iter().filter(|before| !what.contains(&before.what)).collect();
        let ops = &with_before(ops, &before);
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
