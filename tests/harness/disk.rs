//! A disk in memory that the test keeps a hand on, and that may fill up.

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use journal::Storage;

/// A disk in memory; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Option<usize>,
    full: Arc<AtomicBool>,
}

impl Disk {
    /// A disk that is full after so many bytes.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self { room: Some(room), ..Self::default() }
    }

    /// From now on it takes nothing more.
    pub fn fill_up(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    /// What is on it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Disk {
    fn write(&mut self, new: &[u8]) -> Result<usize> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.room.map_or(new.len(), |room| room.saturating_sub(bytes.len()).min(new.len()));
        let room = if self.full.load(Ordering::Relaxed) { 0 } else { room };
        if room == 0 && !new.is_empty() {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        bytes.extend_from_slice(&new[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Storage for Disk {
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
}
