//! A session in real time: sleeps until something comes or is due. The far end, whatever it is, sits on another thread;
//! bytes cross in bounded channels. Knows nothing of what the bytes mean.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use journal::Storage;
use link::Micros;
use link::frame::MAX_FRAME;

use crate::outside::Bell;
use crate::session::{Ended, Session, SessionError};
use crate::stop::Stop;
use crate::tally::Tally;

/// Frames that may wait in one direction. The link resends what finds no room.
const FRAMES_WAITING: usize = 1024;
/// How long the session sleeps at most before it looks whether it should stop, and shows how far it is.
const LOOK: Duration = Duration::from_millis(100);

/// Steady time since the session's controller began, in µs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    pub(crate) fn now(self) -> Micros {
        Micros::try_from(self.began.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// How long until `at`, at most `most`.
    pub(crate) fn until(self, at: Option<Micros>, most: Duration) -> Duration {
        at.map_or(most, |at| Duration::from_micros(at.saturating_sub(self.now())).min(most))
    }
}

/// Bytes from the far end, and when they came.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) at: Micros,
    pub(crate) bytes: Vec<u8>,
}

/// The session's end of the channels.
pub(crate) struct Near {
    to_far: Sender<Vec<u8>>,
    from_far: Receiver<Chunk>,
    bell: Bell,
}

/// The other end.
#[derive(Clone)]
pub(crate) struct Far {
    pub(crate) from_session: Receiver<Vec<u8>>,
    to_session: Sender<Chunk>,
    bell: Bell,
}

/// Channels between a session and whatever carries its device; `bell` is the session's.
pub(crate) fn channels(bell: Bell) -> (Near, Far) {
    let (to_far, from_session) = bounded(FRAMES_WAITING);
    let (to_session, from_far) = bounded(FRAMES_WAITING);
    (Near { to_far, from_far, bell: bell.clone() }, Far { from_session, to_session, bell })
}

impl Far {
    /// Hands bytes to the session, and wakes it.
    pub(crate) fn send(&self, at: Micros, bytes: &[u8]) {
        send(&self.to_session, Chunk { at, bytes: bytes.to_vec() });
        self.bell.ring();
    }
}

/// What finds no room is lost, as on a cable; the link sends it again.
fn send<T>(channel: &Sender<T>, what: T) {
    if let Err(TrySendError::Full(_)) = channel.try_send(what) {
        tracing::debug!("a frame found no room and will be sent again");
    }
}

/// The session's side: runs it to its end, showing how far it is every [`LOOK`] and whenever something comes.
pub(crate) fn drive<S: Storage>(
    session: &mut Session<S>,
    clock: Clock,
    near: &Near,
    stop: &Stop,
    show: &mut dyn FnMut(&Tally),
) -> Result<Ended, SessionError> {
    let turn = async {
        let mut frame = [0; MAX_FRAME];
        loop {
            while let Ok(Chunk { at, bytes }) = near.from_far.try_recv() {
                session.handle_bytes(at, &bytes);
            }
            let now = clock.now();
            session.poll(now);
            while let Some(used) = session.poll_transmit(now, &mut frame) {
                send(&near.to_far, frame[..used].to_vec());
            }
            show(session.tally());
            if let Some(result) = session.take_result() {
                return result;
            }
            session.heed(stop.asked());
            // Whichever comes first; both only mean that it is time to look again.
            let _ = tokio::time::timeout(clock.until(session.poll_at(), LOOK), near.bell.rung()).await;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(turn),
        Err(error) => Err(SessionError::NoRuntime(error)),
    }
}
