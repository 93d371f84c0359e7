//! A serial port that a program on this machine can open: a pseudo-terminal at a path of our choosing. Owns the terminal
//! and its name; knows nothing of what is said there.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// The near end of a cable; to drop it is to pull the cable.
#[derive(Debug)]
pub struct Port {
    ours: File,
    /// Kept open, so that the port outlives a program that closes it.
    _theirs: File,
    link: PathBuf,
}

impl Port {
    /// A port that programs find at `link`.
    ///
    /// # Errors
    /// When the system gives no pseudo-terminal, or there can be nothing at `link`.
    pub fn open(link: &Path) -> io::Result<Self> {
        // Closed in programs that are started meanwhile: or they would hold the cable in.
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
        let mut raw = tcgetattr(&theirs)?;
        raw.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &raw)?;
        rustix::fs::fcntl_setfl(&ours, OFlags::NONBLOCK | OFlags::RDWR)?;
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(name.to_string_lossy().as_ref(), link)?;
        Ok(Self { ours: File::from(ours), _theirs: File::from(theirs), link: link.to_owned() })
    }

    /// Reads what has come; 0 if nothing has.
    ///
    /// # Errors
    /// When the terminal fails.
    pub fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.ours.read(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    /// Sends bytes; what finds no room, as nobody reads, is lost, as on a cable.
    ///
    /// # Errors
    /// When the terminal fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.ours.write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // First the name: the system soon gives the terminal behind it to another program.
        let _ = std::fs::remove_file(&self.link);
    }
}
