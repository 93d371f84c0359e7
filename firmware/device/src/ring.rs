//! Where records wait until they are on disk: a ring of bytes with one writer (P1) and one reader (P2), joined by words
//! that are loaded and stored. Owns how entries lie in memory; knows nothing of links or sessions.
//!
//! An entry is one byte for its length and the bytes of a [`link::record::Entry`]. Entries are whole: the count of records
//! written rises only once all of an entry is in place. Nothing is overwritten: the tail moves only when the reader frees,
//! and a record that finds no room is refused.
//!
//! Positions count bytes around *twice* the capacity, so that a full ring and an empty one differ.

use core::sync::atomic::{AtomicU32, Ordering};

use link::Micros;
use link::record::{ENTRY_BYTES_MAX, Reader, Record, Writer};

/// The most an entry takes in the ring, its length included.
pub const ENTRY_ROOM: u32 = ENTRY_BYTES_MAX as u32 + 1;

/// The memory of a ring of `WORDS` words.
#[derive(Debug)]
pub struct Ring<const WORDS: usize> {
    words: [AtomicU32; WORDS],
    /// Records of the stream whose bytes are in place; written by the writer alone.
    written: AtomicU32,
    /// Where the next entry goes; written by the writer alone.
    head: AtomicU32,
    /// Where the first entry not yet freed begins; written by the reader alone.
    tail: AtomicU32,
}

impl<const WORDS: usize> Ring<WORDS> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        let words = [const { AtomicU32::new(0) }; WORDS];
        Self { words, written: AtomicU32::new(0), head: AtomicU32::new(0), tail: AtomicU32::new(0) }
    }

    /// The two ends. Whatever was in the ring is gone.
    pub fn split(&mut self) -> (RingWriter<'_>, RingReader<'_>) {
        self.written = AtomicU32::new(0);
        self.head = AtomicU32::new(0);
        self.tail = AtomicU32::new(0);
        let memory = Memory { words: &self.words, written: &self.written, head: &self.head, tail: &self.tail };
        let start = Cursor { number: 0, position: 0, last: 0 };
        (
            RingWriter { memory, head: 0, word: 0, written: 0, writer: Writer::new(0) },
            RingReader { memory, durable: start, next: start },
        )
    }
}

impl<const WORDS: usize> Default for Ring<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Clone, Copy)]
struct Memory<'s> {
    words: &'s [AtomicU32],
    written: &'s AtomicU32,
    head: &'s AtomicU32,
    tail: &'s AtomicU32,
}

impl Memory<'_> {
    fn capacity(&self) -> u32 {
        (self.words.len() as u32).wrapping_mul(4)
    }

    fn advance(&self, position: u32, bytes: u32) -> u32 {
        let moved = position.wrapping_add(bytes);
        let around = self.capacity().wrapping_mul(2);
        if moved >= around { moved.wrapping_sub(around) } else { moved }
    }

    fn word(&self, position: u32) -> Option<&AtomicU32> {
        let capacity = self.capacity();
        let offset = if position >= capacity { position.wrapping_sub(capacity) } else { position };
        self.words.get((offset / 4) as usize)
    }

    fn between(&self, tail: u32, head: u32) -> u32 {
        if head >= tail { head.wrapping_sub(tail) } else { head.wrapping_add(self.capacity() * 2).wrapping_sub(tail) }
    }

    /// Four bytes stay empty: the writer stores whole words, and must never touch one that still holds the oldest entry.
    fn free(&self, head: u32) -> u32 {
        let used = self.between(self.tail.load(Ordering::Acquire), head);
        self.capacity().saturating_sub(used).saturating_sub(4)
    }

    fn byte(&self, position: u32) -> u8 {
        let word = self.word(position).map_or(0, |word| word.load(Ordering::Relaxed));
        (word >> ((position % 4) * 8)) as u8
    }
}

/// A record found no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingFull {
    /// Bytes there were.
    pub free: u32,
}

impl core::fmt::Display for RingFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the ring has {} bytes left, too few for a record: free it by making records durable", self.free)
    }
}

/// The writing end, P1's.
#[derive(Debug)]
pub struct RingWriter<'s> {
    memory: Memory<'s>,
    head: u32,
    /// The bytes already written of the word the head lies in.
    word: u32,
    written: u32,
    writer: Writer,
}

impl RingWriter<'_> {
    /// Bytes of the whole ring.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.memory.capacity()
    }

    /// Bytes that can be written now.
    #[must_use]
    #[inline]
    pub fn free(&self) -> u32 {
        self.memory.free(self.head)
    }

    /// Begins a stream: its first record is measured from `origin` and has number 0. The reader must begin it too
    /// ([`RingReader::begin`]) before it reads on; to be called only when all that was written is freed.
    pub fn begin(&mut self, origin: Micros) {
        self.writer = Writer::new(origin);
        self.written = 0;
        self.memory.written.store(0, Ordering::Release);
    }

    /// Records written of this stream.
    #[must_use]
    pub const fn written(&self) -> u32 {
        self.written
    }

    /// Adds a record and shows it to the reader.
    ///
    /// # Errors
    /// When fewer bytes are free than the longest record takes; nothing is written then.
    pub fn push(&mut self, at: Micros, record: &Record) -> Result<(), RingFull> {
        let free = self.free();
        if free < ENTRY_ROOM {
            return Err(RingFull { free });
        }
        let mut bytes = [0; ENTRY_BYTES_MAX];
        let entry = self.writer.write(at, record, &mut bytes);
        self.put(entry.len() as u8);
        for byte in entry {
            self.put(*byte);
        }
        self.store();
        self.written = self.written.saturating_add(1);
        self.memory.head.store(self.head, Ordering::Release);
        self.memory.written.store(self.written, Ordering::Release);
        Ok(())
    }

    #[inline(always)]
    fn put(&mut self, byte: u8) {
        let place = self.head % 4;
        self.word |= u32::from(byte) << (place * 8);
        if place == 3 {
            self.store();
            self.word = 0;
        }
        self.head = self.memory.advance(self.head, 1);
    }

    /// Stores the word the head lies in. If the head is at a word's first byte there is nothing to store: that word may
    /// hold old entries.
    #[inline(always)]
    fn store(&self) {
        if !self.head.is_multiple_of(4)
            && let Some(word) = self.memory.word(self.head)
        {
            word.store(self.word, Ordering::Relaxed);
        }
    }
}

/// A place in the stream of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    /// The number of the record that begins here.
    number: u32,
    position: u32,
    /// The time of the record before.
    last: Micros,
}

/// The reading end, P2's. Numbers count the records of a stream from 0.
#[derive(Debug)]
pub struct RingReader<'s> {
    memory: Memory<'s>,
    /// The first record that is not durable yet; everything before is freed.
    durable: Cursor,
    /// The record to be read next.
    next: Cursor,
}

/// A record that is not in the ring: freed already, or not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept {
    /// The number asked for.
    pub number: u32,
    /// The first one kept.
    pub first: u32,
}

impl core::fmt::Display for NotKept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "record {} is not in the ring, which begins at record {}: ask for that one or a later one that exists",
            self.number, self.first
        )
    }
}

impl RingReader<'_> {
    /// Begins a stream whose first record is measured from `origin`; numbers begin at 0 again.
    pub fn begin(&mut self, origin: Micros) {
        self.durable = Cursor { number: 0, last: origin, ..self.durable };
        self.next = self.durable;
    }

    /// The first record that is not durable yet.
    #[must_use]
    pub const fn durable(&self) -> u32 {
        self.durable.number
    }

    /// The record that [`RingReader::read`] gives next.
    #[must_use]
    pub const fn next(&self) -> u32 {
        self.next.number
    }

    /// The time from which the next record is measured.
    #[must_use]
    pub const fn base(&self) -> Micros {
        self.next.last
    }

    /// One past the newest record written.
    #[must_use]
    pub fn written(&self) -> u32 {
        self.memory.written.load(Ordering::Acquire)
    }

    /// Bytes of the whole ring that hold nothing; what the writer adds meanwhile may make it less.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.memory.free(self.memory.head.load(Ordering::Acquire))
    }

    /// Whether every record written so far is durable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.durable.number == self.written()
    }

    /// Bytes of the next record, if there is one.
    #[must_use]
    pub fn next_len(&self) -> Option<usize> {
        (self.next.number < self.written()).then(|| usize::from(self.memory.byte(self.next.position)))
    }

    /// Copies the next record into `bytes` and moves on: its length in bytes. None if there is no next record, or if it
    /// is longer than `bytes`; then nothing moves.
    pub fn read(&mut self, bytes: &mut [u8]) -> Option<usize> {
        let len = self.next_len()?;
        let target = bytes.get_mut(..len)?;
        self.copy(self.next.position, target);
        self.next = self.behind(self.next, target);
        Some(len)
    }

    /// Goes back (or on) to a record, to read it next.
    ///
    /// # Errors
    /// When the record is freed already or not written yet; then nothing moves.
    pub fn seek(&mut self, number: u32) -> Result<(), NotKept> {
        self.next = self.find(number)?;
        Ok(())
    }

    /// Frees every record before `number`: they are on disk.
    ///
    /// # Errors
    /// When record `number` - 1 is not written yet; then nothing is freed. A number freed already is no error: the
    /// message may have come twice.
    pub fn free_before(&mut self, number: u32) -> Result<(), NotKept> {
        if number <= self.durable.number {
            return Ok(());
        }
        self.durable = self.find(number)?;
        if self.next.number < number {
            self.next = self.durable;
        }
        self.memory.tail.store(self.durable.position, Ordering::Release);
        Ok(())
    }

    /// Finds a record by walking from the nearer known place. Bounded by the records in the ring.
    fn find(&self, number: u32) -> Result<Cursor, NotKept> {
        let written = self.written();
        let mut cursor = if number >= self.next.number { self.next } else { self.durable };
        while cursor.number < number && cursor.number < written {
            let mut bytes = [0; ENTRY_BYTES_MAX];
            let len = usize::from(self.memory.byte(cursor.position));
            let entry = bytes.get_mut(..len).unwrap_or_default();
            self.copy(cursor.position, entry);
            cursor = self.behind(cursor, entry);
        }
        if cursor.number == number { Ok(cursor) } else { Err(NotKept { number, first: self.durable.number }) }
    }

    fn copy(&self, position: u32, entry: &mut [u8]) {
        let mut at = position;
        for byte in entry {
            at = self.memory.advance(at, 1);
            *byte = self.memory.byte(at);
        }
    }

    /// The place behind an entry.
    fn behind(&self, cursor: Cursor, entry: &[u8]) -> Cursor {
        let mut reader = Reader::new(cursor.last);
        // What the ring holds, the writer wrote: it always reads back.
        let last = reader.read(entry).map_or(cursor.last, |(at, ..)| at);
        let position = self.memory.advance(cursor.position, entry.len() as u32 + 1);
        Cursor { number: cursor.number.saturating_add(1), position, last }
    }
}
