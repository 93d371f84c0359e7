//! A static that belongs to one level alone. Owns the one way in which this body shares nothing.

// A static that is mutated needs either a lock, which would mask a level, or the word of whoever uses it.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

/// Memory that only one level ever touches once interrupts run.
pub(crate) struct Owned<T>(UnsafeCell<T>);

// Sound as long as each is used by one level alone, which every use states.
unsafe impl<T> Sync for Owned<T> {}

impl<T> Owned<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value.
    ///
    /// # Safety
    /// The caller runs at the level that owns it, and holds no other reference to it.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> &mut T {
        unsafe { &mut *self.0.get() }
    }
}
