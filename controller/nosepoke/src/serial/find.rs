//! Who answers at a port, and which board a rig means. A board is found by its unique number wherever that is known; what
//! the operating system calls its port may change whenever something is plugged in.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use link::Micros;
use link::frame::MAX_FRAME;
use link::host_end::{HostEnd, HostEvent};
use link::message::{self, Hello, Mismatch, Status};
use serialport::SerialPort;

use super::port::{self, Candidate, OpenError};

/// How long a board is waited for. A running one answers within milliseconds.
pub const PATIENCE: Duration = Duration::from_millis(1_500);

/// A board that answered.
pub struct Asked {
    /// The open port.
    pub port: Box<dyn SerialPort>,
    /// The port's name.
    pub name: String,
    /// Who it is.
    pub hello: Hello,
    /// The session it holds, 0 for none.
    pub session: u32,
    /// How it stands.
    pub status: Status,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, hello, session, status, .. } = self;
        write!(f, "Asked({name}, {hello:?}, session {session:08x}, {status:?})")
    }
}

/// Why nobody was found at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// The port cannot be opened.
    Open(OpenError),
    /// Nobody answers.
    Silent {
        /// The port.
        port: String,
    },
    /// Somebody speaks, and not as a device of ours does.
    Stranger {
        /// The port.
        port: String,
    },
    /// The port was pulled.
    Pulled {
        /// The port.
        port: String,
    },
    /// The device and this build do not match.
    Mismatch {
        /// The port.
        port: String,
        /// The board.
        hello: Box<Hello>,
        /// Which side to update.
        mismatch: Mismatch,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Silent { port } => write!(
                f,
                "nobody answers at {port}: if it is a board of yours, press its reset button or unplug it for a second; if \
                 it never ran nosepoke, see `nosepoke flash --help`"
            ),
            Self::Stranger { port } => write!(
                f,
                "what answers at {port} does not speak as nosepoke does: it is another instrument, or a board with another \
                 firmware; see `nosepoke flash --help`"
            ),
            Self::Pulled { port } => write!(f, "{port} was pulled while it was asked: plug it in again"),
            Self::Mismatch { port, hello, mismatch } => {
                write!(f, "the board {:016x} at {port} cannot be used: {mismatch}", hello.id)?;
                f.write_str(match mismatch {
                    Mismatch::ControllerTooOld { .. } => " (this nosepoke)",
                    _ => " (`nosepoke flash`)",
                })
            }
        }
    }
}

impl std::error::Error for AskError {}

/// Opens a port and asks who is there and how it stands. Changes nothing on the device: a running session does not notice.
///
/// # Errors
/// When the port cannot be opened, or nobody who matches this build answers within `patience`.
pub fn ask(name: &str, patience: Duration) -> Result<Asked, AskError> {
    let mut port = port::open(name).map_err(AskError::Open)?;
    let at_port = || name.to_owned();
    let began = Instant::now();
    let now = || Micros::try_from(began.elapsed().as_micros()).unwrap_or(Micros::MAX);
    let (mut link, mut greeted) = (HostEnd::new(), None);
    let (mut frame, mut buffer) = ([0; MAX_FRAME], [0; 512]);
    while began.elapsed() < patience {
        while let Some(used) = link.poll_transmit(now(), &mut frame) {
            if let Err(error) = port.write_all(frame.get(..used).unwrap_or(&[]))
                && error.kind() != ErrorKind::TimedOut
            {
                return Err(AskError::Pulled { port: at_port() });
            }
        }
        let read = match port.read(&mut buffer) {
            Ok(0) => return Err(AskError::Pulled { port: at_port() }),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => 0,
            Err(_) => return Err(AskError::Pulled { port: at_port() }),
        };
        let mut rest = buffer.get(..read).unwrap_or(&[]);
        while !rest.is_empty() {
            rest = link.handle_bytes(now(), rest);
            while let Some(event) = link.poll_event() {
                match (event, &greeted) {
                    (HostEvent::Hello(hello), _) => {
                        if let Err(mismatch) = message::compatible(&hello) {
                            let hello = Box::new(hello);
                            return Err(AskError::Mismatch { port: at_port(), hello, mismatch });
                        }
                        greeted = Some(hello);
                    }
                    (HostEvent::Status { session, status, .. }, Some(hello)) => {
                        return Ok(Asked { port, name: at_port(), hello: hello.clone(), session, status });
                    }
                    _ => {}
                }
            }
        }
    }
    let (bad, not_understood) = link.bad_frames();
    let heard = not_understood > 0 || bad != Default::default();
    Err(if heard { AskError::Stranger { port: at_port() } } else { AskError::Silent { port: at_port() } })
}

/// Which board is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its unique number.
    pub id: Option<u64>,
    /// The port it is at.
    pub port: Option<String>,
}

/// Why no board was found.
#[derive(Debug)]
pub enum FindError {
    /// The one port that was named has none.
    Ask(AskError),
    /// Another board than the one meant is at the port that was named.
    OtherBoard {
        /// The port.
        port: String,
        /// The one that answers.
        found: u64,
        /// The one meant.
        wanted: u64,
    },
    /// No port looks like a board of ours.
    None {
        /// The one meant, if any.
        wanted: Option<u64>,
        /// Boards that answer, and are others.
        others: Vec<u64>,
        /// Why nobody was found at ports that look like ours.
        failed: Vec<AskError>,
    },
    /// Several are attached, and nothing says which is meant.
    Several(Vec<(u64, String)>),
    /// Several have one number: after a pulled cable nobody could tell which is back.
    Twins {
        /// Their number.
        id: u64,
        /// Their ports.
        ports: Vec<String>,
    },
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(error) => error.fmt(f),
            Self::OtherBoard { port, found, wanted } => write!(
                f,
                "the board at {port} is {found:016x}, and {wanted:016x} is meant: connect that one, or change --device or \
                 the rig-config if the board was exchanged"
            ),
            Self::Several(boards) => {
                write!(f, "{} boards are attached; say which by --device:", boards.len())?;
                boards.iter().try_for_each(|(id, port)| write!(f, "\n  --device {id:016x}   at {port}"))
            }
            Self::Twins { id, ports } => write!(
                f,
                "the boards at {} all say that their number is {id:016x}, so nobody can tell which of them is back after a \
                 cable was pulled: leave only one of them attached (a flash without a number of its own gives such boards)",
                ports.join(" and ")
            ),
            Self::None { wanted, others, failed } => {
                match wanted {
                    Some(id) => write!(f, "the board {id:016x} is not attached")?,
                    None => write!(f, "no board that runs nosepoke is attached")?,
                }
                if !others.is_empty() {
                    let others: Vec<String> = others.iter().map(|id| format!("{id:016x}")).collect();
                    write!(f, "; attached: {}", others.join(", "))?;
                }
                failed.iter().try_for_each(|error| write!(f, "\n  {error}"))?;
                write!(f, "\n{ADVICE}")
            }
        }
    }
}

impl std::error::Error for FindError {}

/// What to look at when nothing was found.
pub const ADVICE: &str = "Check that the cable carries data (many carry only power), that it is in on both sides, and that \
                          the board runs nosepoke (`nosepoke flash`). `nosepoke devices` lists what is attached; --port \
                          names a port that does not say of itself what it is, such as a UART.";

/// Lists the ports there are.
pub type List = Box<dyn Fn() -> Vec<Candidate> + Send>;

/// Finds a board, and the same board again.
pub struct Finder {
    wanted: Wanted,
    list: List,
}

impl Finder {
    /// Looks for the board meant among the ports that `list` gives.
    #[must_use]
    pub fn new(wanted: Wanted, list: List) -> Self {
        Self { wanted, list }
    }

    /// Looks among the ports of this computer.
    #[must_use]
    pub fn here(wanted: Wanted) -> Self {
        Self::new(wanted, Box::new(port::attached))
    }

    /// Finds the board. From then on only this one will do.
    ///
    /// # Errors
    /// When it is not there, or it is not clear which is meant.
    pub fn first(&mut self) -> Result<Asked, FindError> {
        let asked = match &self.wanted.port {
            // The port may have another name by now, the board has not another number.
            Some(port) => self.at(port).or_else(|error| match self.wanted.id {
                Some(_) => self.discover().map_err(|_| error),
                None => Err(error),
            })?,
            None => self.discover()?,
        };
        let candidates = (self.list)();
        let same = candidates.into_iter().filter(|candidate| candidate.id() == Some(asked.hello.id));
        let ports: Vec<String> = same.map(|candidate| candidate.name).collect();
        if ports.len() > 1 {
            return Err(FindError::Twins { id: asked.hello.id, ports });
        }
        self.wanted.id = Some(asked.hello.id);
        Ok(asked)
    }

    /// The board at a port, if it is the one meant.
    fn at(&self, port: &str) -> Result<Asked, FindError> {
        let asked = ask(port, PATIENCE).map_err(FindError::Ask)?;
        match self.wanted.id {
            Some(wanted) if wanted != asked.hello.id => {
                Err(FindError::OtherBoard { port: asked.name, found: asked.hello.id, wanted })
            }
            _ => Ok(asked),
        }
    }

    fn discover(&self) -> Result<Asked, FindError> {
        let (mut found, mut others, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for candidate in (self.list)().iter().filter(|candidate| candidate.is_ours()) {
            if let (Some(wanted), Some(id)) = (self.wanted.id, candidate.id())
                && wanted != id
            {
                others.push(id);
                continue;
            }
            match ask(&candidate.name, PATIENCE) {
                Ok(asked) if self.wanted.id.is_none_or(|wanted| wanted == asked.hello.id) => found.push(asked),
                Ok(asked) => others.push(asked.hello.id),
                Err(error) => failed.push(error),
            }
        }
        if let [first, others @ ..] = found.as_slice()
            && !others.is_empty()
            && others.iter().all(|other| other.hello.id == first.hello.id)
        {
            let ports = found.iter().map(|asked| asked.name.clone()).collect();
            return Err(FindError::Twins { id: first.hello.id, ports });
        }
        if found.len() > 1 {
            return Err(FindError::Several(found.into_iter().map(|asked| (asked.hello.id, asked.name)).collect()));
        }
        found.pop().ok_or(FindError::None { wanted: self.wanted.id, others, failed })
    }

    /// Finds the same board again, whatever its port is called now.
    pub fn again(&self) -> Option<Asked> {
        let mut candidates = (self.list)();
        candidates.retain(Candidate::is_ours);
        if let Some(named) = &self.wanted.port
            && candidates.iter().all(|candidate| candidate.name != *named)
        {
            candidates.push(Candidate::named(named));
        }
        // A port that says it is the one comes first; one that says it is another is left alone.
        candidates.retain(|candidate| candidate.id().is_none_or(|id| Some(id) == self.wanted.id));
        candidates.sort_by_key(|candidate| candidate.id().is_none());
        candidates
            .iter()
            .filter_map(|candidate| ask(&candidate.name, PATIENCE).ok())
            .find(|asked| Some(asked.hello.id) == self.wanted.id)
    }
}
