//! The compiled protocol: one flat image of 32-bit words, the same bytes in the journal, on the link and in the chip's
//! memory. A header names the tables; every row has a fixed number of words ([`rows`]); expressions and actions are
//! code of one word an operation ([`op`]).
//!
//! An image is only ever run after [`check`] has walked all of it, so the engine reads rows without asking again. Reads
//! are total all the same: past the end of a table everything is zero.
//!
//! ```text
//! word 0          magic "NPK1"
//! word 1          format version
//! word 2          words in the image
//! word 3 …        one word a table: offset in the high half, rows in the low half (offsets in words from the start)
//! then            the tables
//! ```

pub mod check;
pub mod op;
pub mod rows;

use crate::vocabulary::EventId;
use rows::Row;
use sha2::{Digest, Sha256};

/// The first word of every image: "NPK1", little-endian.
pub const MAGIC: u32 = u32::from_le_bytes(*b"NPK1");
/// The image format this build reads and writes.
pub const FORMAT: u32 = 1;
/// Tables of an image, in the order of its header.
pub const TABLES: usize = 13;
/// Words before the first table.
pub const HEADER_WORDS: usize = 3 + TABLES;

/// The tables of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// [`rows::Region`]
    Regions,
    /// [`rows::State`]: a parent stands before its children.
    States,
    /// [`rows::Rule`]: transitions and handlers on events.
    Rules,
    /// [`rows::After`]: transitions and handlers after a time.
    Afters,
    /// [`rows::When`]: transitions when something holds.
    Whens,
    /// One word an operation.
    Code,
    /// Two words a value, low half first.
    Constants,
    /// Two words a value: what each variable holds at the start.
    Variables,
    /// [`rows::Slice`]: named lists of constants.
    Lists,
    /// [`rows::Stimulus`]
    Stimuli,
    /// [`rows::Draw`]
    Draws,
    /// [`rows::Invariant`], in the order of their lines.
    Invariants,
    /// [`rows::End`]: conditions that end the session at a trial boundary.
    Ends,
}

impl Table {
    /// Every table, in the order of the header.
    pub const ALL: [Self; TABLES] = [
        Self::Regions,
        Self::States,
        Self::Rules,
        Self::Afters,
        Self::Whens,
        Self::Code,
        Self::Constants,
        Self::Variables,
        Self::Lists,
        Self::Stimuli,
        Self::Draws,
        Self::Invariants,
        Self::Ends,
    ];

    /// Words of one row.
    #[must_use]
    pub const fn row_words(self) -> usize {
        match self {
            Self::Regions => rows::Region::WORDS,
            Self::States => rows::State::WORDS,
            Self::Rules => rows::Rule::WORDS,
            Self::Afters => rows::After::WORDS,
            Self::Whens => rows::When::WORDS,
            Self::Code => 1,
            Self::Constants | Self::Variables => 2,
            Self::Lists => rows::Slice::WORDS,
            Self::Stimuli => rows::Stimulus::WORDS,
            Self::Draws => rows::Draw::WORDS,
            Self::Invariants => rows::Invariant::WORDS,
            Self::Ends => rows::End::WORDS,
        }
    }
}

/// A view of an image: the words, and where each table stands in them.
#[derive(Debug, Clone, Copy)]
pub struct Program<'w> {
    // The tables that every step reads. Those with rows of two words as rows: one comparison decides whether one is there;
    // to count rows of six would take a division.
    states: &'w [u32],
    rules: &'w [[u32; rows::Rule::WORDS]],
    afters: &'w [[u32; rows::After::WORDS]],
    whens: &'w [[u32; rows::When::WORDS]],
    code: &'w [u32],
    constants: &'w [[u32; 2]],
    words: &'w [u32],
}

/// Why words are no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    /// The first word is not the magic.
    Magic,
    /// The format is not the one this build reads.
    Format(u32),
    /// The header promises another length than there is.
    Length {
        /// Words the header promises.
        stated: u32,
        /// Words there are.
        found: u32,
    },
    /// A table reaches past the end.
    Table(Table),
}

impl core::fmt::Display for ImageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Magic => write!(f, "this is no program image: its first word is not NPK1"),
            Self::Format(found) => write!(f, "the program image has format {found}; this build reads format {FORMAT}"),
            Self::Length { stated, found } => {
                write!(f, "the program image promises {stated} words and has {found}: it was cut or joined")
            }
            Self::Table(table) => write!(f, "table {table:?} of the program image reaches past its end"),
        }
    }
}

impl<'w> Program<'w> {
    /// Looks at words as an image: header and table bounds are checked here, the rows by `check`.
    ///
    /// # Errors
    /// When the header does not describe these words.
    pub fn open(words: &'w [u32]) -> Result<Self, ImageError> {
        if word(words, 0) != MAGIC {
            return Err(ImageError::Magic);
        }
        if word(words, 1) != FORMAT {
            return Err(ImageError::Format(word(words, 1)));
        }
        let found = u32::try_from(words.len()).unwrap_or(u32::MAX);
        if word(words, 2) != found {
            return Err(ImageError::Length { stated: word(words, 2), found });
        }
        for table in Table::ALL {
            let (offset, rows) = place(words, table);
            let end = offset.saturating_add(rows.saturating_mul(table.row_words()));
            words.get(offset..end).ok_or(ImageError::Table(table))?;
        }
        Ok(Self::reopen(words))
    }

    /// Looks again at words that were looked at before, without asking what was found then: of other words it may show
    /// tables that are empty or of nonsense, and no more.
    #[must_use]
    #[inline]
    pub fn reopen(words: &'w [u32]) -> Self {
        Self {
            states: table_of(words, Table::States),
            rules: rows_of(words, Table::Rules),
            afters: rows_of(words, Table::Afters),
            whens: rows_of(words, Table::Whens),
            code: table_of(words, Table::Code),
            constants: rows_of(words, Table::Constants),
            words,
        }
    }

    /// SHA-256 over the words as little-endian bytes: what names a program everywhere.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(self.words)
    }

    /// The first four bytes of the hash: what names the program in [`crate::Record::Start`].
    #[must_use]
    pub fn name(&self) -> u32 {
        let [a, b, c, d, ..] = self.hash();
        u32::from_le_bytes([a, b, c, d])
    }

    /// All the words, as sent and stored.
    #[must_use]
    pub const fn words(&self) -> &'w [u32] {
        self.words
    }

    /// The words of a table, row behind row.
    #[must_use]
    pub fn table(&self, table: Table) -> &'w [u32] {
        table_of(self.words, table)
    }

    /// Rows in a table.
    #[must_use]
    #[inline(always)]
    pub fn rows(&self, table: Table) -> usize {
        place(self.words, table).1
    }

    #[inline(always)]
    fn row<R: Row>(&self, table: Table, index: usize) -> R {
        let start = index.wrapping_mul(R::WORDS);
        R::read(self.table(table).get(start..start.wrapping_add(R::WORDS)).unwrap_or(&[]))
    }

    /// A region.
    #[must_use]
    pub fn region(&self, index: usize) -> rows::Region {
        self.row(Table::Regions, index)
    }

    /// A state.
    #[must_use]
    #[inline(always)]
    pub fn state(&self, index: usize) -> rows::State {
        let row = self.states.get(index.wrapping_mul(rows::State::WORDS)..).and_then(<[u32]>::first_chunk);
        rows::State::read(row.unwrap_or(&[0; rows::State::WORDS]))
    }

    /// A transition or handler on an event.
    #[must_use]
    #[inline(always)]
    pub fn rule(&self, index: usize) -> rows::Rule {
        rows::Rule::read(self.rules.get(index).unwrap_or(&[0; rows::Rule::WORDS]))
    }

    /// The rules of a state, as declared.
    #[inline(always)]
    pub fn rules_of(
        &self,
        state: &rows::State,
    ) -> impl DoubleEndedIterator<Item = rows::Rule> + ExactSizeIterator + 'w {
        self.rules.get(state.rules.range()).unwrap_or(&[]).iter().map(|words| rows::Rule::read(words))
    }

    /// The first rule for `event` from rule `first` on and before rule `end`.
    #[must_use]
    #[inline(always)]
    pub fn next_rule(&self, first: usize, end: usize, event: EventId) -> Option<usize> {
        let rules = self.rules.get(first..end)?;
        rules.iter().position(|words| rows::Rule::read(words).event == event).map(|place| first + place)
    }

    /// A transition or handler after a time.
    #[must_use]
    #[inline(always)]
    pub fn after(&self, index: usize) -> rows::After {
        rows::After::read(self.afters.get(index).unwrap_or(&[0; rows::After::WORDS]))
    }

    /// A transition when something holds.
    #[must_use]
    #[inline(always)]
    pub fn when(&self, index: usize) -> rows::When {
        rows::When::read(self.whens.get(index).unwrap_or(&[0; rows::When::WORDS]))
    }

    /// One word of code.
    #[must_use]
    #[inline(always)]
    pub fn code(&self, address: usize) -> u32 {
        word(self.code, address)
    }

    /// The words of code from `address` on.
    #[must_use]
    #[inline(always)]
    pub fn code_from(&self, address: usize) -> &'w [u32] {
        self.code.get(address..).unwrap_or(&[])
    }

    /// A constant.
    #[must_use]
    #[inline(always)]
    pub fn constant(&self, index: usize) -> i64 {
        long(self.constants.get(index))
    }

    /// What a variable holds at the start.
    #[must_use]
    pub fn variable(&self, index: usize) -> i64 {
        long(rows_of(self.words, Table::Variables).get(index))
    }

    /// Where a list of constants stands.
    #[must_use]
    pub fn list(&self, index: usize) -> rows::Slice {
        self.row(Table::Lists, index)
    }

    /// A stimulus.
    #[must_use]
    pub fn stimulus(&self, index: usize) -> rows::Stimulus {
        self.row(Table::Stimuli, index)
    }

    /// A draw.
    #[must_use]
    pub fn draw(&self, index: usize) -> rows::Draw {
        self.row(Table::Draws, index)
    }

    /// An invariant.
    #[must_use]
    pub fn invariant(&self, index: usize) -> rows::Invariant {
        self.row(Table::Invariants, index)
    }

    /// A condition that ends the session.
    #[must_use]
    pub fn end(&self, index: usize) -> rows::End {
        self.row(Table::Ends, index)
    }
}

/// SHA-256 over words as little-endian bytes.
#[must_use]
pub fn hash(words: &[u32]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for word in words {
        sha.update(word.to_le_bytes());
    }
    sha.finalize().into()
}

#[inline(always)]
fn word(words: &[u32], index: usize) -> u32 {
    words.get(index).copied().unwrap_or(0)
}

#[inline(always)]
fn long(words: Option<&[u32; 2]>) -> i64 {
    let [low, high] = words.copied().unwrap_or_default();
    ((u64::from(high) << 32) | u64::from(low)).cast_signed()
}

/// Where a table begins, and how many rows it has, as the header says.
#[inline(always)]
fn place(words: &[u32], table: Table) -> (usize, usize) {
    let entry = word(words, 3 + table as usize);
    ((entry >> 16) as usize, (entry & 0xFFFF) as usize)
}

/// The words of a table.
#[inline(always)]
fn table_of(words: &[u32], table: Table) -> &[u32] {
    let (offset, rows) = place(words, table);
    words.get(offset..offset.wrapping_add(rows.wrapping_mul(table.row_words()))).unwrap_or(&[])
}

/// A table as rows of two words.
#[inline(always)]
fn rows_of(words: &[u32], table: Table) -> &[[u32; 2]] {
    table_of(words, table).as_chunks().0
}
