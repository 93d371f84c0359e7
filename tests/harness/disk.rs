//! A disk in memory that the test keeps a hand on, and that may fill up.

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

use journal::Storage;

/// A disk in memory; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Option<usize>,
}

impl Disk {
    /// A disk that is full after so many bytes.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self { room: Some(room), ..Self::default() }
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
