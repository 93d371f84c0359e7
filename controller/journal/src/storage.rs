//! What a journal is written to. A file in earnest; memory for what need not last; and a disk that fills up or tears
//! its writes, to show what becomes of a journal then.

use std::fs::File;
use std::io::{Error, ErrorKind, Result, Seek, SeekFrom, Write};
use std::thread::{self, JoinHandle};

/// Makes durable what was written before it was made, on whatever thread it is called.
pub type SyncApart = Box<dyn FnOnce() -> Result<()> + Send>;

/// Bytes that can be appended, made durable, and cut back to what was whole.
pub trait Storage: Write {
    /// Returns once everything written is safe from a loss of power.
    ///
    /// # Errors
    /// When that cannot be said; nothing since the last success may then be counted on.
    fn sync(&mut self) -> Result<()>;

    /// The same as work for another thread, for who must not wait: a busy disk may take a second. None where there is no
    /// such way, and [`Self::sync`] must do.
    fn sync_apart(&self) -> Option<SyncApart> {
        None
    }

    /// Drops everything behind the first `length` bytes; what is written next follows those.
    ///
    /// # Errors
    /// When the storage cannot; it is then left as it was.
    fn cut(&mut self, length: u64) -> Result<()>;
}

impl Storage for File {
    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }

    fn sync_apart(&self) -> Option<SyncApart> {
        let file = self.try_clone().ok()?;
        Some(Box::new(move || file.sync_data()))
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(|_| ())
    }
}

impl Storage for Vec<u8> {
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn sync(&mut self) -> Result<()> {
        (**self).sync()
    }

    fn sync_apart(&self) -> Option<SyncApart> {
        (**self).sync_apart()
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        (**self).cut(length)
    }
}

/// Storage with room for so many bytes: the write that would pass it is torn where the room ends, as a full disk does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full<S> {
    inner: S,
    room: u64,
    cuts: bool,
}

impl<S: Storage> Full<S> {
    /// `inner` with room for `room` bytes more.
    pub const fn after(inner: S, room: u64) -> Self {
        Self { inner, room, cuts: true }
    }

    /// The same, and it cannot be cut back either: what was torn stays torn.
    #[must_use]
    pub fn without_cutting(self) -> Self {
        Self { cuts: false, ..self }
    }

    /// What was written.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Storage> Write for Full<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let fits = bytes.len().min(usize::try_from(self.room).unwrap_or(usize::MAX));
        if fits == 0 && !bytes.is_empty() {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        let written = self.inner.write(bytes.get(..fits).unwrap_or(bytes))?;
        self.room = self.room.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

impl<S: Storage> Storage for Full<S> {
    fn sync(&mut self) -> Result<()> {
        self.inner.sync()
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        if self.cuts { self.inner.cut(length) } else { Err(Error::from(ErrorKind::Unsupported)) }
    }
}

/// A sync under way on a thread of its own.
#[derive(Debug)]
pub(crate) struct UnderWay {
    /// The first record that it does not make durable.
    pub(crate) next: u64,
    thread: JoinHandle<Result<()>>,
}

impl UnderWay {
    /// Begins one; none if there is no thread to be had.
    pub(crate) fn begin(next: u64, work: SyncApart) -> Option<Self> {
        let thread = thread::Builder::new().name("journal sync".to_owned()).spawn(work).ok()?;
        Some(Self { next, thread })
    }

    /// Whether [`Self::end`] need not wait.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for it.
    pub(crate) fn end(self) -> Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(Error::other("the thread that syncs the journal ended by itself")))
    }
}
