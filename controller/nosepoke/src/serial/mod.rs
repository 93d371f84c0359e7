//! A session on a real rig: a board at a serial port.
//!
//! - [`port`]: which ports there are, and opening one for nobody but us.
//! - [`find`]: who answers at a port, and which board a rig means.
//! - [`carry`]: the thread that moves bytes, and finds the board again after its cable was out.

mod carry;
pub mod find;
pub mod port;

use journal::Storage;

use crate::drive::{self, Clock};
use crate::session::{Ended, Session, SessionError};
use crate::stop::Stop;
use crate::tally::Tally;
use find::{Asked, Finder};

/// Runs a session on the board that was `asked`, showing how far it is. Where its cable is pulled, the same board is
/// looked for until it is back, under whatever name, or the session gives up.
pub fn run<S: Storage>(
    session: &mut Session<S>,
    asked: Asked,
    finder: Finder,
    stop: &Stop,
    show: &mut dyn FnMut(&Tally),
) -> Result<Ended, SessionError> {
    let clock = Clock::start();
    let (near, far) = drive::channels(session.bell());
    let carrier = carry::Carrier::start(asked, finder, clock, far);
    let ended = drive::drive(session, clock, &near, stop, show);
    carrier.hang_up();
    ended
}
