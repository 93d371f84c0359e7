//! Where records wait until they are on disk: a ring of bytes with one writer (P1) and one reader (P2), joined by words
//! that are loaded and stored. Owns how entries lie in memory; knows nothing of links or sessions.
//!
//! An entry is one byte for its length and the bytes of a [`link::record::Entry`]. Entries are whole: the count of records
//! written rises only once all of an entry is in place. Nothing is overwritten: the tail moves only when the reader frees,
//! and a record that finds no room is refused.
//!
//! Positions count bytes around *twice* the capacity, so that a full ring and an empty one differ.
//!
//! A chip keeps the ring where its start-up code clears nothing. After a reset [`Ring::recover`] finds the session that
//! was cut short, with every record that was whole, closes it with [`EndReason::DeviceReset`], and it is offered again
//! until all is durable. What does not check is dropped.

mod kept;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU32, Ordering};

use link::record::{ENTRY_BYTES_MAX, Record, Writer};
use link::{EndReason, Micros};

use kept::{HASH_START, Heads, Written, entry_in, hash, hash_entry, store};

/// The most an entry takes in the ring, its length included.
pub const ENTRY_ROOM: u32 = ENTRY_BYTES_MAX as u32 + 1;

/// Bytes that stay empty. Four, because the writer stores whole words and must never touch one that still holds the oldest
/// entry; and what the record takes that closes a stream after a reset: its length, ten bytes of time, its two.
const KEPT_EMPTY: u32 = 4 + 13;

/// The memory of a ring of `WORDS` words: words and nothing else, so that any content of memory is a ring, if perhaps one
/// that does not check.
#[derive(Debug)]
pub struct Ring<const WORDS: usize> {
    words: [AtomicU32; WORDS],
    heads: Heads,
}

impl<const WORDS: usize> Ring<WORDS> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [const { AtomicU32::new(0) }; WORDS], heads: Heads::new() }
    }

    /// The two ends. Whatever was in the ring is gone.
    pub fn split(&mut self) -> (RingWriter<'_>, RingReader<'_>) {
        self.heads = Heads::new();
        self.recover()
    }

    /// The two ends, after a reset. If a session outlived it ([`RingReader::session`]), every record of it that is not
    /// known to be durable can be read again, and behind them, unless the stream was complete, stands its end with
    /// [`EndReason::DeviceReset`] at the last time the device is known to have been alive. Otherwise the ring is empty.
    ///
    /// Looks at every byte that is held, once: some 100 cycles a byte on a Cortex-M0+.
    pub fn recover(&mut self) -> (RingWriter<'_>, RingReader<'_>) {
        let outlived = Memory { words: &self.words, heads: &self.heads }.outlived();
        if outlived.is_none() {
            self.heads = Heads::new();
        }
        let memory = Memory { words: &self.words, heads: &self.heads };
        let Outlived { session, durable, written, last, closed } = outlived.unwrap_or(Outlived::NOTHING);
        let stream = memory.heads.stream();
        // The bytes in front of the head that share its word; those behind it may be of a record that was torn.
        let word = memory.word(written.head).map_or(0, |word| word.load(Ordering::Relaxed));
        let word = word & !(u32::MAX << (written.head % 4 * 8));
        let Written { number, head, hash } = written;
        let mut writer = RingWriter { memory, head, word, hash, stream, written: number, writer: Writer::new(last) };
        let turn = durable.number;
        let reader = RingReader { memory, session, turn, durable, next: durable, again: durable };
        if session != 0 {
            memory.heads.free(durable.number, stream, &durable);
            memory.heads.commit(stream, written);
            if !closed && !memory.heads.is_complete() {
                let alive = memory.heads.alive().unwrap_or(last).max(last);
                writer.write(alive, &Record::End(EndReason::DeviceReset));
            }
            memory.heads.complete();
        }
        (writer, reader)
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
    heads: &'s Heads,
}

/// What a reset left.
#[derive(Debug, Clone, Copy)]
struct Outlived {
    /// 0 if nothing was left.
    session: u32,
    durable: Cursor,
    written: Written,
    /// The time of the last record.
    last: Micros,
    /// Whether the last record is the end after a reset already.
    closed: bool,
}

impl Outlived {
    const NOTHING: Self = Self {
        session: 0,
        durable: Cursor { number: 0, position: 0, last: 0, hash: HASH_START },
        written: Written { number: 0, head: 0, hash: HASH_START },
        last: 0,
        closed: false,
    };
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

    fn free(&self, head: u32) -> u32 {
        let used = self.between(self.heads.tail.load(Ordering::Acquire), head);
        self.capacity().saturating_sub(used).saturating_sub(KEPT_EMPTY)
    }

    fn byte(&self, position: u32) -> u8 {
        let word = self.word(position).map_or(0, |word| word.load(Ordering::Relaxed));
        (word >> ((position % 4) * 8)) as u8
    }

    fn copy(&self, position: u32, entry: &mut [u8]) {
        let mut at = position;
        for byte in entry {
            at = self.advance(at, 1);
            *byte = self.byte(at);
        }
    }

    /// The place behind the entry at `cursor`, whose bytes are these.
    fn step(&self, cursor: Cursor, bytes: &[u8]) -> Cursor {
        // What the ring holds, the writer wrote: it always reads back.
        cursor.behind(self, bytes, entry_in(bytes).map_or(0, |entry| entry.since_us))
    }

    /// The session in the ring, if all of it is as it was written: every byte from the first that may be freed up to the
    /// head. Bounded by the bytes of the ring.
    fn outlived(&self) -> Option<Outlived> {
        let (session, written, frees) = self.heads.outlived(self.capacity())?;
        let durable = frees.max_by_key(|cursor| cursor.number)?;
        let around = self.capacity().wrapping_mul(2);
        if written.head >= around || durable.position >= around {
            return None;
        }
        let mut left = self.between(durable.position, written.head);
        let (mut cursor, mut closed) = (durable, false);
        while cursor.number < written.number {
            let len = self.byte(cursor.position);
            left = left.checked_sub(u32::from(len) + 1)?;
            let mut bytes = [0; ENTRY_BYTES_MAX];
            let bytes = bytes.get_mut(..usize::from(len))?;
            self.copy(cursor.position, bytes);
            let entry = entry_in(bytes)?;
            cursor = cursor.behind(self, bytes, entry.since_us);
            closed = entry.record == Record::End(EndReason::DeviceReset);
        }
        let whole = (cursor.number, cursor.position, cursor.hash) == (written.number, written.head, written.hash);
        (whole && self.between(durable.position, written.head) <= self.capacity()).then_some(Outlived {
            session,
            durable,
            written,
            last: cursor.last,
            closed,
        })
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
    /// The hash of the stream's bytes up to the head.
    hash: u32,
    /// The check that names the stream.
    stream: u32,
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
        (self.written, self.hash) = (0, HASH_START);
        self.stream = self.memory.heads.begin(self.memory.capacity(), origin, self.head);
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
        self.write(at, record);
        Ok(())
    }

    #[inline]
    fn write(&mut self, at: Micros, record: &Record) {
        let mut bytes = [0; ENTRY_BYTES_MAX];
        let entry = self.writer.write(at, record, &mut bytes);
        self.put(entry.len() as u8);
        for byte in entry {
            self.put(*byte);
        }
        self.store();
        self.written = self.written.saturating_add(1);
        let Self { written: number, head, hash, .. } = *self;
        self.memory.heads.commit(self.stream, Written { number, head, hash });
    }

    #[inline(always)]
    fn put(&mut self, byte: u8) {
        self.hash = hash(self.hash, byte);
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
            store(word, self.word, Ordering::Relaxed);
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
    /// The hash of the stream's bytes before.
    hash: u32,
}

impl Cursor {
    /// The place behind an entry that begins here.
    fn behind(self, memory: &Memory<'_>, bytes: &[u8], since_us: i64) -> Self {
        Self {
            number: self.number.saturating_add(1),
            position: memory.advance(self.position, bytes.len() as u32 + 1),
            last: self.last.wrapping_add_signed(since_us),
            hash: hash_entry(self.hash, bytes),
        }
    }
}

/// The reading end, P2's. Numbers count the records of a stream from 0.
#[derive(Debug)]
pub struct RingReader<'s> {
    memory: Memory<'s>,
    session: u32,
    /// Told apart from the one before when it says how far the ring is freed.
    turn: u32,
    /// The first record that is not durable yet; everything before is freed.
    durable: Cursor,
    /// The record to be read next.
    next: Cursor,
    /// The record that was asked for again last.
    again: Cursor,
}

/// Records passed on the way to another between two pauses: about 20 µs on a chip at 200 MHz with nothing else to do.
const STEPS_BETWEEN_PAUSES: u32 = 16;

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
        self.durable = Cursor { number: 0, last: origin, hash: HASH_START, ..self.durable };
        (self.next, self.again) = (self.durable, self.durable);
    }

    /// The session whose records outlived the last reset, until it is forgotten; 0 for none.
    #[must_use]
    pub const fn session(&self) -> u32 {
        self.session
    }

    /// Says whose the records of the next stream are, before it begins: to be found again after a reset. 0 for nobody's.
    pub fn announce(&mut self, session: u32) {
        self.session = session;
        self.memory.heads.announce(session);
    }

    /// The stream is complete: after a reset nothing is added to it.
    pub fn complete(&mut self) {
        self.memory.heads.complete();
    }

    /// The device is alive at `now`: after a reset a stream that was cut short ends here.
    pub fn note_alive(&mut self, now: Micros) {
        self.memory.heads.note_alive(now);
    }

    /// Nobody needs the session any more: after a reset there is none.
    pub fn forget(&mut self) {
        self.announce(0);
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
        self.memory.heads.written.load(Ordering::Acquire)
    }

    /// Bytes of the whole ring that hold nothing; what the writer adds meanwhile may make it less.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.memory.free(self.memory.heads.head.load(Ordering::Acquire))
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
        self.memory.copy(self.next.position, target);
        self.next = self.memory.step(self.next, target);
        Some(len)
    }

    /// Goes back (or on) to a record, to read it next. The way there may be long: `pause` is called along it.
    ///
    /// # Errors
    /// When the record is freed already or not written yet; then nothing moves.
    pub fn seek(&mut self, number: u32, pause: &mut dyn FnMut()) -> Result<(), NotKept> {
        if number < self.next.number {
            // Whoever asks again asks from the same place, or from further on.
            self.again = self.find(number, pause)?;
            self.next = self.again;
        } else {
            self.next = self.find(number, pause)?;
        }
        Ok(())
    }

    /// Frees every record before `number`: they are on disk. There may be many: `pause` is called among them.
    ///
    /// # Errors
    /// When record `number` - 1 is not written yet; then nothing is freed. A number freed already is no error: the
    /// message may have come twice.
    pub fn free_before(&mut self, number: u32, pause: &mut dyn FnMut()) -> Result<(), NotKept> {
        if number <= self.durable.number {
            return Ok(());
        }
        self.durable = self.find(number, pause)?;
        for cursor in [&mut self.next, &mut self.again] {
            if cursor.number < number {
                *cursor = self.durable;
            }
        }
        self.turn = self.turn.wrapping_add(1);
        self.memory.heads.free(self.turn, self.memory.heads.stream(), &self.durable);
        Ok(())
    }

    /// Finds a record by walking from the nearest known place before it. Bounded by the records in the ring.
    fn find(&self, number: u32, pause: &mut dyn FnMut()) -> Result<Cursor, NotKept> {
        let written = self.written();
        let mut cursor = self.durable;
        for known in [self.again, self.next] {
            if (cursor.number..=number).contains(&known.number) {
                cursor = known;
            }
        }
        while cursor.number < number && cursor.number < written {
            let mut bytes = [0; ENTRY_BYTES_MAX];
            let len = usize::from(self.memory.byte(cursor.position));
            let entry = bytes.get_mut(..len).unwrap_or_default();
            self.memory.copy(cursor.position, entry);
            cursor = self.memory.step(cursor, entry);
            if cursor.number.is_multiple_of(STEPS_BETWEEN_PAUSES) {
                pause();
            }
        }
        if cursor.number == number { Ok(cursor) } else { Err(NotKept { number, first: self.durable.number }) }
    }
}
