//! What the ring knows of itself, in words that a reset leaves alone: of which session its records are, how far they are
//! written and freed, and when the device was last alive. Owns their checks, by which what a reset tore or a loss of
//! power blurred is recognised; knows nothing of how entries lie in memory.
//!
//! Each statement is kept twice and written in turn, its check last: at any instant one of the two is whole.

use core::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use link::Micros;
use link::record::Entry;

use super::Cursor;

/// "npR" and the version of how the ring lies in memory.
const MAGIC: u32 = 0x6E70_5201;
/// Whoever marks a stream as complete stores its check turned around by this.
const COMPLETE: u32 = 0x00C0_FFEE;
/// Where the hash of a stream's bytes begins (FNV-1a).
pub(super) const HASH_START: u32 = 0x811C_9DC5;

/// The hash of a stream one byte further. Every byte counts: a single wrong one never goes unnoticed.
#[inline(always)]
pub(super) const fn hash(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// The hash behind one whole entry, its length included.
pub(super) fn hash_entry(start: u32, entry: &[u8]) -> u32 {
    entry.iter().fold(hash(start, entry.len() as u8), |sum, byte| hash(sum, *byte))
}

/// A check over a few words; never 0, which memory that was just cleared holds.
#[inline]
fn check(words: &[u32]) -> u32 {
    words.iter().fold(MAGIC, |sum, word| (sum ^ word).wrapping_mul(0x9E37_79B1).rotate_left(15)).max(1)
}

/// A store, and in tests the instant at which a reset may come.
#[inline(always)]
pub(super) fn store(word: &AtomicU32, value: u32, ordering: Ordering) {
    #[cfg(test)]
    super::tests::fuse::burn();
    word.store(value, ordering);
    // A reset sees memory as the program orders it: one core, nothing cached. Only the compiler must keep to it.
    compiler_fence(Ordering::SeqCst);
}

fn load(word: &AtomicU32) -> u32 {
    word.load(Ordering::Acquire)
}

/// `N` words of a statement, said twice, and the check of each.
#[derive(Debug)]
struct Twice<const N: usize>([([AtomicU32; N], AtomicU32); 2]);

impl<const N: usize> Twice<N> {
    const fn new() -> Self {
        Self([const { ([const { AtomicU32::new(0) }; N], AtomicU32::new(0)) }; 2])
    }

    /// Says `words` about `stream`, in place of the statement before the last.
    #[inline]
    fn say(&self, turn: u32, stream: u32, words: [u32; N]) {
        let [even, odd] = &self.0;
        let (place, sum) = if turn.is_multiple_of(2) { even } else { odd };
        for (slot, word) in place.iter().zip(words) {
            store(slot, word, Ordering::Relaxed);
        }
        store(sum, check(&words) ^ stream, Ordering::Release);
    }

    /// The statements about `stream` that are whole.
    fn said(&self, stream: u32) -> impl Iterator<Item = [u32; N]> {
        self.0.iter().filter_map(move |(place, sum)| {
            let words = place.each_ref().map(load);
            (load(sum) == check(&words) ^ stream).then_some(words)
        })
    }
}

/// How far a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) number: u32,
    pub(super) head: u32,
    pub(super) hash: u32,
}

/// All that the ring knows of itself. Nothing but words: whatever memory holds at power-on is a value of it.
#[derive(Debug)]
pub(super) struct Heads {
    /// Records of the stream whose bytes are in place; written by the writer alone.
    pub(super) written: AtomicU32,
    /// Where the next entry goes; written by the writer alone.
    pub(super) head: AtomicU32,
    /// Where the first entry not yet freed begins; written by the reader alone.
    pub(super) tail: AtomicU32,
    /// The session whose records these are; written by the reader before the writer begins.
    session: AtomicU32,
    origin: [AtomicU32; 2],
    start: AtomicU32,
    /// Check over what a stream is; 0 for none. It goes into every other check, so that no stream takes for its own what
    /// was said of another.
    stream: AtomicU32,
    complete: AtomicU32,
    commits: Twice<3>,
    frees: Twice<5>,
    alive: [AtomicU32; 3],
}

impl Heads {
    pub(super) const fn new() -> Self {
        const fn zero() -> AtomicU32 {
            AtomicU32::new(0)
        }
        Self {
            written: zero(),
            head: zero(),
            tail: zero(),
            session: zero(),
            origin: [const { zero() }; 2],
            start: zero(),
            stream: zero(),
            complete: zero(),
            commits: Twice::new(),
            frees: Twice::new(),
            alive: [const { zero() }; 3],
        }
    }

    /// Every word of it, for tests that blur memory.
    #[cfg(test)]
    pub(super) fn words(&self) -> impl Iterator<Item = &AtomicU32> + Clone {
        fn of<const N: usize>(twice: &Twice<N>) -> impl Iterator<Item = &AtomicU32> + Clone {
            twice.0.iter().flat_map(|(place, sum)| place.iter().chain([sum]))
        }
        let single = [&self.written, &self.head, &self.tail, &self.session, &self.start, &self.stream, &self.complete];
        let several = self.origin.iter().chain(&self.alive).chain(of(&self.commits)).chain(of(&self.frees));
        single.into_iter().chain(several)
    }

    /// Forgets the stream: a reset finds none.
    pub(super) fn forget(&self) {
        store(&self.stream, 0, Ordering::Release);
    }

    /// Says of which session the next stream is.
    pub(super) fn announce(&self, session: u32) {
        self.forget();
        store(&self.session, session, Ordering::Release);
    }

    fn stream_check(&self, capacity: u32) -> u32 {
        let [low, high] = self.origin.each_ref().map(load);
        check(&[MAGIC, capacity, load(&self.session), low, high, load(&self.start)])
    }

    /// A stream begins at `head`, measured from `origin`: the check that names it.
    pub(super) fn begin(&self, capacity: u32, origin: Micros, head: u32) -> u32 {
        self.forget();
        let [low, high] = &self.origin;
        store(low, origin as u32, Ordering::Relaxed);
        store(high, (origin >> 32) as u32, Ordering::Relaxed);
        store(&self.start, head, Ordering::Relaxed);
        store(&self.complete, 0, Ordering::Relaxed);
        let stream = self.stream_check(capacity);
        // Before the stream is there, and over both places: nothing of one with the same check may be left.
        for turn in 0..2 {
            self.commits.say(turn, stream, [0, head, HASH_START]);
            self.frees.say(turn, stream, [0, head, origin as u32, (origin >> 32) as u32, HASH_START]);
        }
        self.note_alive(origin);
        store(&self.head, head, Ordering::Release);
        store(&self.written, 0, Ordering::Release);
        store(&self.stream, stream, Ordering::Release);
        stream
    }

    /// The check that names the stream at hand.
    pub(super) fn stream(&self) -> u32 {
        load(&self.stream)
    }

    /// Shows everything up to here to the reader.
    #[inline]
    pub(super) fn commit(&self, stream: u32, Written { number, head, hash }: Written) {
        self.commits.say(number, stream, [number, head, hash]);
        store(&self.head, head, Ordering::Release);
        store(&self.written, number, Ordering::Release);
    }

    /// Gives everything before `cursor` back to the writer; `turn` differs by one from call to call.
    pub(super) fn free(&self, turn: u32, stream: u32, cursor: &Cursor) {
        let Cursor { number, position, last, hash } = *cursor;
        self.frees.say(turn, stream, [number, position, last as u32, (last >> 32) as u32, hash]);
        store(&self.tail, position, Ordering::Release);
    }

    /// Nothing more will be written of the stream at hand.
    pub(super) fn complete(&self) {
        store(&self.complete, self.stream() ^ COMPLETE, Ordering::Release);
    }

    /// Whether nothing was left to be written.
    pub(super) fn is_complete(&self) -> bool {
        load(&self.complete) == self.stream() ^ COMPLETE
    }

    /// The device is alive at `now`.
    pub(super) fn note_alive(&self, now: Micros) {
        let (low, high) = (now as u32, (now >> 32) as u32);
        for (slot, word) in self.alive.iter().zip([low, high, check(&[low, high])]) {
            store(slot, word, Ordering::Relaxed);
        }
    }

    /// When the device was last known to be alive; none if a reset tore the words.
    pub(super) fn alive(&self) -> Option<Micros> {
        let [low, high, sum] = self.alive.each_ref().map(load);
        (sum == check(&[low, high])).then(|| Micros::from(high) << 32 | Micros::from(low))
    }

    /// The session of the stream there is, how far it is written, and the places it may be freed up to, if these words
    /// are as they were written.
    pub(super) fn outlived(&self, capacity: u32) -> Option<(u32, Written, impl Iterator<Item = Cursor>)> {
        let (stream, session) = (self.stream(), load(&self.session));
        if stream != self.stream_check(capacity) || session == 0 {
            return None;
        }
        // A commit is said before it is shown, so the newest is the one shown or the one behind it. An older one is what
        // was left when a newer one was blurred.
        let shown = load(&self.written);
        let [number, head, hash] = self.commits.said(stream).max_by_key(|[number, ..]| *number)?;
        if number != shown && number != shown.saturating_add(1) {
            return None;
        }
        let frees = self.frees.said(stream).map(|[number, position, low, high, hash]| Cursor {
            number,
            position,
            last: Micros::from(high) << 32 | Micros::from(low),
            hash,
        });
        Some((session, Written { number, head, hash }, frees))
    }
}

/// The entry in these bytes and no others.
pub(super) fn entry_in(bytes: &[u8]) -> Option<Entry> {
    match postcard::take_from_bytes::<Entry>(bytes) {
        Ok((entry, [])) => Some(entry),
        _ => None,
    }
}
