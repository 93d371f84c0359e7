//! Which serial ports there are, and opening one for nobody but us, with as little delay as its driver allows. Knows
//! nothing of what is said there.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serialport::{ErrorKind, SerialPort, SerialPortType};

/// The USB product of a board that runs nosepoke.
pub const PRODUCT: &str = "nosepoke";
/// Bits per second. A USB port takes any; at a UART this is what the device's bodies use.
pub const BAUD: u32 = 1_000_000;
/// How long one read or write waits at most.
pub(crate) const WAIT: Duration = Duration::from_millis(20);

/// A port somebody may answer at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name, as `/dev/ttyACM0`. Changes with what else is plugged in.
    pub name: String,
    /// What the USB device calls itself, if it is one.
    pub product: Option<String>,
    /// The USB device's serial number: of a board that runs nosepoke, its unique number in hex.
    pub serial: Option<String>,
}

impl Candidate {
    /// A port of which nothing but the name is known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), product: None, serial: None }
    }

    /// Whether it says of itself that it runs nosepoke.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.product.as_deref() == Some(PRODUCT)
    }

    /// The board's unique number, if the port tells it unasked.
    #[must_use]
    pub fn id(&self) -> Option<u64> {
        self.serial.as_deref().filter(|_| self.is_ours()).and_then(parse_id)
    }
}

/// Reads a board's unique number: 16 hexadecimal digits.
#[must_use]
pub fn parse_id(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u64::from_str_radix(text, 16).ok() } else { None }
}

/// All USB serial ports there are, by name.
#[must_use]
pub fn attached() -> Vec<Candidate> {
    // Where there is no such folder the crate panics.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let ports = serialport::available_ports().unwrap_or_default();
    let usb = ports.into_iter().filter_map(|port| match port.port_type {
        SerialPortType::UsbPort(usb) => {
            Some(Candidate { name: port.port_name, product: usb.product, serial: usb.serial_number })
        }
        _ => None,
    });
    let mut usb: Vec<Candidate> = usb.collect();
    // On a Mac every port has two names; `tty.` waits for a modem's carrier.
    usb.retain(|port| !port.name.starts_with("/dev/tty."));
    usb.sort_by(|one, two| one.name.cmp(&two.name));
    usb
}

/// Why a port cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// There is no such port.
    NotThere {
        /// Its name.
        port: String,
    },
    /// Another program has it open.
    Busy {
        /// Its name.
        port: String,
    },
    /// We may not open it.
    Denied {
        /// Its name.
        port: String,
    },
    /// Anything else.
    Other {
        /// Its name.
        port: String,
        /// What the operating system says.
        why: String,
    },
}

impl OpenError {
    /// What to do about it, shortly.
    fn remedy(&self) -> String {
        match self {
            Self::NotThere { .. } => "`nosepoke devices` lists what is attached".to_owned(),
            Self::Busy { .. } => "close that program, or wait for its session to end".to_owned(),
            Self::Denied { port } => match group_of(port) {
                Some(group) => format!("join its group by `sudo usermod -aG {group} $USER`, then log out and in again"),
                None => "ask whoever looks after this computer for the right to use it".to_owned(),
            },
            Self::Other { .. } => "unplug the board, wait a second, and plug it in again".to_owned(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere { port } => write!(f, "there is no port {port}")?,
            Self::Busy { port } => write!(f, "{port} is in use by another program")?,
            Self::Denied { port } => write!(f, "you may not open {port}")?,
            Self::Other { port, why } => write!(f, "{port} cannot be opened: {why}")?,
        }
        write!(f, ": {}", self.remedy())
    }
}

impl std::error::Error for OpenError {}

/// The group a device file belongs to, by its name.
#[cfg(unix)]
fn group_of(port: &str) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let id = fs::metadata(port).ok()?.gid().to_string();
    let groups = fs::read_to_string("/etc/group").ok()?;
    let found = groups.lines().find(|line| line.split(':').nth(2) == Some(id.as_str()))?;
    found.split(':').next().map(str::to_owned)
}

#[cfg(not(unix))]
fn group_of(_: &str) -> Option<String> {
    None
}

/// Opens the port `name`. Nobody else can while it is open.
///
/// # Errors
/// When it is not there, in use, not ours to open, or broken.
pub fn open(name: &str) -> Result<Box<dyn SerialPort>, OpenError> {
    let port = || name.to_owned();
    let opened =
        serialport::new(name, BAUD).timeout(WAIT).exclusive(true).open().map_err(|error| match error.kind() {
            ErrorKind::Io(std::io::ErrorKind::NotFound) => OpenError::NotThere { port: port() },
            ErrorKind::Io(std::io::ErrorKind::PermissionDenied) => OpenError::Denied { port: port() },
            ErrorKind::NoDevice => OpenError::Busy { port: port() },
            _ => OpenError::Other { port: port(), why: error.to_string() },
        })?;
    be_quick(name);
    Ok(opened)
}

/// Some USB-to-serial chips keep bytes back for up to 16 ms. Their Linux driver has a file for that; it takes 1 ms at the
/// least. USB boards have no such delay, and no such file.
fn be_quick(name: &str) {
    let Some(name) = Path::new(name).canonicalize().ok().and_then(|path| Some(path.file_name()?.to_owned())) else {
        return;
    };
    let timer = Path::new("/sys/bus/usb-serial/devices").join(name).join("latency_timer");
    let Ok(delay_ms) = fs::read_to_string(&timer) else { return };
    if delay_ms.trim() != "1" && fs::write(&timer, "1").is_err() {
        tracing::warn!(
            "this port keeps bytes back for {} ms; make it quick by: echo 1 | sudo tee {}",
            delay_ms.trim(),
            timer.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_not_there_is_said_to_be_so_and_what_to_do() {
        let error = open("/dev/no-such-port").expect_err("there is no such port");
        assert_eq!(error, OpenError::NotThere { port: "/dev/no-such-port".to_owned() });
        assert!(error.to_string().contains("nosepoke devices"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_command_that_gives_the_right_to_open_a_port_names_the_very_group() {
        let denied = OpenError::Denied { port: "/dev/null".to_owned() }.to_string();
        assert!(denied.contains("sudo usermod -aG ") && !denied.contains("-aG  "), "{denied}");
    }

    #[test]
    fn a_board_is_known_by_sixteen_hexadecimal_digits() {
        assert_eq!(parse_id("e66138935f4a2c28"), Some(0xE661_3893_5F4A_2C28));
        assert_eq!(parse_id("E66138935F4A2C28"), Some(0xE661_3893_5F4A_2C28));
        for no in ["", "e66138935f4a2c2", "e66138935f4a2c288", "g66138935f4a2c28", "+66138935f4a2c28"] {
            assert_eq!(parse_id(no), None, "{no}");
        }
    }
}
