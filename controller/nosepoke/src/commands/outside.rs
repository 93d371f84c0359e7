//! Who a session on the command line hears besides its rig: the person at the terminal, lines on standard input, programs at a
//! socket; on a simulated rig its simulated operator and world. Knows no command.

use std::io::IsTerminal;

use compiler::symbols::Symbols;
use controller::outside::Outside;
use controller::outside::keys::Keys;
use controller::outside::lines::{Lines, ToPerson};
use controller::outside::simulated::Simulated;
use controller::outside::socket::Listener;
use controller::tell;

use super::Complaint;

/// What the command line says of it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Heard {
    /// Lets programs on this computer say what comes from outside, one line each: an address of the loopback interface, as
    /// 127.0.0.1:7414. Port 0 takes a free one and tells it.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// The simulated operator and world of a rig.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) seed: u64,
    /// Whether somebody is there who answers.
    pub(super) operator: bool,
}

impl Heard {
    /// The sources of a session. `live` says whether it keeps the pace of a person; `room` is there on a simulated rig, and is
    /// heard where neither a person at a terminal nor a program is.
    pub(super) fn sources(
        &self,
        symbols: &Symbols,
        live: bool,
        room: Option<Room>,
    ) -> Result<Vec<Box<dyn Outside>>, Complaint> {
        let mut found: Vec<Box<dyn Outside>> = Vec::new();
        let listener = self.listen.as_deref().map(Listener::at).transpose();
        let listener = listener.map_err(|sentence| Complaint::new(format_args!("--listen: {sentence}")))?;
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let alone = listener.is_none() && !(terminal && live);
        if let Some(listener) = listener {
            tell!("listening at {} for what comes from outside", listener.address());
            found.push(Box::new(listener));
        }
        // Who has nothing to say is not read: standard input may be meant for another.
        if live && has_a_say(symbols) {
            match terminal {
                true => found.push(Box::new(Keys::new())),
                false => found.push(Box::new(Lines::new(std::io::stdin(), ToPerson, false))),
            }
        }
        if let (Some(Room { seed, operator }), true) = (room, alone) {
            found.push(Box::new(Simulated::new(seed, operator)));
        }
        Ok(found)
    }
}

/// Whether anything can be said to a session of this protocol.
fn has_a_say(symbols: &Symbols) -> bool {
    let live = symbols.variables.iter().any(|variable| variable.parameter.as_ref().is_some_and(|p| p.live.is_some()));
    live || !symbols.world.outside.is_empty() || !symbols.world.prompts.is_empty()
}
