//! A queue with one writer and one reader, each of another priority, made of words that are loaded and stored. Owns how a
//! message lies in words; knows nothing of what it says.
//!
//! Its length is a power of two known to the compiler: a queue that divides to find its next place costs a processor
//! without division more than the message itself.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

/// A message that lies in `W` words.
pub(crate) trait Packed<const W: usize>: Sized {
    /// Stores it; words it does not need stay as they are.
    fn pack(&self, slot: &[AtomicU32; W]);
    /// Loads what [`Packed::pack`] stored; none if that was no message.
    fn unpack(slot: &[AtomicU32; W]) -> Option<Self>;
}

/// The memory of a queue of `N` messages.
#[derive(Debug)]
pub(crate) struct Queue<T, const N: usize, const W: usize> {
    slots: [[AtomicU32; W]; N],
    /// Messages put in so far, modulo 2³²; written by the writer alone.
    put: AtomicU32,
    /// Messages taken out so far, modulo 2³²; written by the reader alone.
    taken: AtomicU32,
    message: PhantomData<fn() -> T>,
}

impl<T: Packed<W>, const N: usize, const W: usize> Queue<T, N, W> {
    const POWER_OF_TWO: () = assert!(N.is_power_of_two(), "the place of a message is found by masking");

    pub(crate) const fn new() -> Self {
        let () = Self::POWER_OF_TWO;
        let slots = [const { [const { AtomicU32::new(0) }; W] }; N];
        Self { slots, put: AtomicU32::new(0), taken: AtomicU32::new(0), message: PhantomData }
    }

    /// The two ends. Whatever was in the queue is gone.
    pub(crate) fn split(&mut self) -> (Producer<'_, T, N, W>, Consumer<'_, T, N, W>) {
        self.put = AtomicU32::new(0);
        self.taken = AtomicU32::new(0);
        (Producer { queue: self, put: 0 }, Consumer { queue: self, taken: 0 })
    }

    #[inline(always)]
    fn slot(&self, number: u32) -> &[AtomicU32; W] {
        &self.slots[number as usize % N]
    }
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Producer<'s, T, const N: usize, const W: usize> {
    queue: &'s Queue<T, N, W>,
    put: u32,
}

impl<T: Packed<W>, const N: usize, const W: usize> Producer<'_, T, N, W> {
    /// Messages there is room for.
    #[inline(always)]
    pub(crate) fn places(&self) -> usize {
        N - (self.put.wrapping_sub(self.queue.taken.load(Ordering::Acquire)) as usize).min(N)
    }

    /// Puts a message in; false if there is no room for it.
    #[inline(always)]
    pub(crate) fn enqueue(&mut self, message: &T) -> bool {
        self.enqueue_keeping(0, message)
    }

    /// Puts a message in if more than `kept` places are left; whether it was.
    #[inline(always)]
    pub(crate) fn enqueue_keeping(&mut self, kept: usize, message: &T) -> bool {
        if self.places() <= kept {
            return false;
        }
        self.enqueue_with(|slot| message.pack(slot));
        true
    }

    /// Puts in a message whose words the caller stores; there must be a place for it.
    #[inline(always)]
    pub(crate) fn enqueue_with(&mut self, pack: impl FnOnce(&[AtomicU32; W])) {
        pack(self.queue.slot(self.put));
        self.put = self.put.wrapping_add(1);
        self.queue.put.store(self.put, Ordering::Release);
    }
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Consumer<'s, T, const N: usize, const W: usize> {
    queue: &'s Queue<T, N, W>,
    taken: u32,
}

impl<T: Packed<W>, const N: usize, const W: usize> Consumer<'_, T, N, W> {
    /// Messages that wait.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.queue.put.load(Ordering::Acquire).wrapping_sub(self.taken) as usize
    }

    /// Whether one waits.
    #[inline(always)]
    pub(crate) fn ready(&self) -> bool {
        self.len() != 0
    }

    /// The words of the next one.
    #[inline(always)]
    pub(crate) fn front(&self) -> Option<&[AtomicU32; W]> {
        if self.ready() { Some(self.queue.slot(self.taken)) } else { None }
    }

    /// The words of the one that is `nth` to come, from 0.
    #[inline(always)]
    pub(crate) fn waiting(&self, nth: usize) -> Option<&[AtomicU32; W]> {
        if nth < self.len() { Some(self.queue.slot(self.taken.wrapping_add(nth as u32))) } else { None }
    }

    /// Lets go of the next one, if there is one.
    #[inline(always)]
    pub(crate) fn pass(&mut self) {
        if self.ready() {
            self.taken = self.taken.wrapping_add(1);
            self.queue.taken.store(self.taken, Ordering::Release);
        }
    }

    /// The next one, which stays where it is.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<T> {
        T::unpack(self.front()?)
    }

    /// Takes the next one.
    #[inline(always)]
    pub(crate) fn dequeue(&mut self) -> Option<T> {
        let message = self.peek()?;
        self.pass();
        Some(message)
    }
}
