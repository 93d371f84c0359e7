//! What the commands that talk to boards share: which board, wall time, and Ctrl-C.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use compiler::RigConfig;
use controller::serial::find::{Asked, Finder, Wanted};
use controller::serial::port;
use controller::stop::Stop;
use controller::tell;

use super::Complaint;

/// Which board, for whoever has more than one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Device {
    /// The board, by its unique number; `nosepoke devices` tells it. Not needed where only one is attached.
    #[arg(long, value_name = "ID", value_parser = board)]
    device: Option<Board>,
    /// The serial port the board is at, for one that is not found by itself, as at a UART.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
}

/// A board's unique number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Board(u64);

fn board(text: &str) -> Result<Board, String> {
    port::parse_id(text).map(Board).ok_or_else(|| {
        format!("`{text}` is no board: give its 16 hexadecimal digits, as `nosepoke devices` tells them")
    })
}

impl Device {
    /// Finds the board that carries a rig.
    pub(super) fn find_for(&self, rig: &RigConfig) -> Result<(Asked, Finder), Complaint> {
        let (asked, finder) = self.find_again_for(rig)?;
        tell(&asked);
        // What the rig-config says was said by whoever wired it; a board that can tell is asked only where it is silent.
        if rig.separate_supply.is_none() && !asked.hello.separate_supply {
            tell!(
                "warning: rig {} does not say where the board has its supply from, and the board cannot tell: with `supply: usb` \
                 the session ends when the computer does, with `supply: separate` the board goes on by itself",
                rig.name
            );
        }
        Ok((asked, finder))
    }

    /// The same, for whoever has been told of it before.
    pub(super) fn find_again_for(&self, rig: &RigConfig) -> Result<(Asked, Finder), Complaint> {
        // A board named on the command line is not looked for at the port of the one in the rig-config.
        let port = rig.device.port.clone().filter(|_| self.device.is_none());
        let (asked, finder) = self.look_for(rig.device.id, port)?;
        let board = asked.hello.board.as_str();
        // Another board has other pins. A simulated one may stand in for any.
        if board != rig.body && board != "simulator" {
            return Err(Complaint::new(format_args!(
                "rig {} is for the body `{}`, and the board at {} is an `{board}`: name the rig-config of that rig with --rig, \
                 or the right board with --device",
                rig.name, rig.body, asked.name
            )));
        }
        Ok((asked, finder))
    }

    /// Finds the board said on the command line, or else the one of this number, or at this port, or the only one.
    pub(super) fn find(&self, id: Option<u64>, port: Option<String>) -> Result<(Asked, Finder), Complaint> {
        let (asked, finder) = self.look_for(id, port)?;
        tell(&asked);
        Ok((asked, finder))
    }

    fn look_for(&self, id: Option<u64>, port: Option<String>) -> Result<(Asked, Finder), Complaint> {
        let id = self.device.map(|Board(id)| id).or(id);
        let port = self.port.clone().or(port);
        let mut finder = Finder::here(Wanted { id, port });
        let asked = finder.first().map_err(Complaint::new)?;
        Ok((asked, finder))
    }

    /// Refuses a board named for a rig that has none.
    pub(super) fn is_not_for(&self, simulated_rig: &str) -> Result<(), Complaint> {
        if self.device.is_none() && self.port.is_none() {
            return Ok(());
        }
        Err(Complaint::new(format_args!(
            "--device and --port are for real rigs, and rig {simulated_rig} is simulated: name the rig-config of the real one \
             with --rig"
        )))
    }
}

/// Says which board it is.
fn tell(Asked { name, hello, .. }: &Asked) {
    tell!("board {:016x} ({}, firmware {}) at {name}", hello.id, hello.board, hello.firmware);
}

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Set when a person presses Ctrl-C, or the system asks the program to end (as it goes down, or the terminal is closed):
/// the session ends in order and its journal is closed. Asked again, the interlock trips. Asked a third time, the program
/// ends at once: the rig's own silence limit makes it safe.
pub(super) fn stop_on_ctrl_c() -> Arc<Stop> {
    let stop = Arc::new(Stop::new());
    let asked = Arc::clone(&stop);
    let handler = move || {
        if asked.ask() > 2 {
            std::process::exit(INTERRUPTED);
        }
    };
    // Where there can be no handler, Ctrl-C ends the process.
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will end the program at once: {error}");
    }
    stop
}

/// Wall time in µs since 1970.
pub(super) fn wall_us() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}
